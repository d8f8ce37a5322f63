/* MA-1: zero bytes give a unique pointer that can be freed; free(NULL) does nothing.
 *
 * Every call of the family is asked for nothing, many times, with all blocks alive: no two are equal, none is NULL,
 * none lies in an ordinary block that is alive too.
 */
#define ITEM "MA-1"
#include "support.h"

#include <malloc.h>

enum { EACH = 500 };

static void *by_malloc(void) { return malloc(opaque_size(0)); }
static void *by_calloc_none(void) { return calloc(opaque_size(0), 24); }
static void *by_calloc_of_nothing(void) { return calloc(24, opaque_size(0)); }
static void *by_calloc_huge_times_none(void) { return calloc(opaque_size(SIZE_MAX), opaque_size(0)); }
static void *by_calloc_none_times_huge(void) { return calloc(opaque_size(0), opaque_size(SIZE_MAX)); }
static void *by_realloc(void) { return realloc(NULL, opaque_size(0)); }
static void *by_reallocarray(void) { return reallocarray(NULL, opaque_size(0), 8); }
static void *by_aligned_alloc(void) { return aligned_alloc(64, opaque_size(0)); }
static void *by_memalign(void) { return memalign(4096, opaque_size(0)); }
static void *by_valloc(void) { return valloc(opaque_size(0)); }
static void *by_pvalloc(void) { return pvalloc(opaque_size(0)); }
static void *by_posix_memalign(void)
{
    void *p = NULL;
    CHECK(posix_memalign(&p, 32, opaque_size(0)) == 0);
    return p;
}

static const struct {
    const char *name;
    void *(*ask)(void);
} ways[] = {
    {"malloc(0)", by_malloc},
    {"calloc(0, 24)", by_calloc_none},
    {"calloc(24, 0)", by_calloc_of_nothing},
    {"calloc(SIZE_MAX, 0)", by_calloc_huge_times_none},
    {"calloc(0, SIZE_MAX)", by_calloc_none_times_huge},
    {"realloc(NULL, 0)", by_realloc},
    {"reallocarray(NULL, 0, 8)", by_reallocarray},
    {"aligned_alloc(64, 0)", by_aligned_alloc},
    {"memalign(4096, 0)", by_memalign},
    {"posix_memalign(32, 0)", by_posix_memalign},
    {"valloc(0)", by_valloc},
    {"pvalloc(0)", by_pvalloc},
};

static int by_address(const void *a, const void *b)
{
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return x < y ? -1 : x > y;
}

static void *empty[COUNT(ways) * EACH];
static void *ordinary[COUNT(ways) * EACH];
static void *sorted[2 * COUNT(ways) * EACH];

/* Empty and ordinary blocks by turns, all alive. */
static void all_are_unique(void)
{
    size_t n = 0;
    for (size_t w = 0; w < COUNT(ways); w++) {
        for (int i = 0; i < EACH; i++, n++) {
            empty[n] = opaque(ways[w].ask());
            CHECKF(empty[n] != NULL, "%s", ways[w].name);
            CHECKF(aligned_to(empty[n], 16), "%s gave %p", ways[w].name, empty[n]);
            ordinary[n] = opaque(malloc(16));
            pattern_fill(ordinary[n], 16, n);
        }
    }
    memcpy(sorted, empty, sizeof empty);
    memcpy(sorted + n, ordinary, sizeof ordinary);
    qsort(sorted, 2 * n, sizeof sorted[0], by_address);
    for (size_t i = 1; i < 2 * n; i++)
        CHECKF(sorted[i] != sorted[i - 1], "%p was given twice", sorted[i]);
}

/* All that malloc_usable_size promises of an empty block can be written, and spoils nothing. */
static void what_they_hold_is_theirs(void)
{
    for (size_t i = 0; i < COUNT(empty); i++)
        pattern_fill(empty[i], malloc_usable_size(empty[i]), i + 1000);
    for (size_t i = 0; i < COUNT(empty); i++) {
        size_t usable = malloc_usable_size(empty[i]);
        CHECK(pattern_holds(empty[i], usable, i + 1000) == usable);
        CHECK(pattern_holds(ordinary[i], 16, i) == 16);
    }
}

/* Half by free, half by a realloc that makes them real blocks. */
static void all_can_be_freed(void)
{
    for (size_t i = 0; i < COUNT(empty); i++) {
        if (i % 2) {
            void *p = opaque(realloc(empty[i], 100));
            CHECK(p != NULL);
            pattern_fill(p, 100, i);
            CHECK(pattern_holds(p, 100, i) == 100);
            free(p);
        } else {
            free(empty[i]);
        }
        free(ordinary[i]);
    }
}

/* Freed blocks do come back: asking and freeing for long does not grow the process. */
static void empty_blocks_are_reused(void)
{
    for (size_t w = 0; w < COUNT(ways); w++)
        free(opaque(ways[w].ask()));
    long before = proc_status("VmRSS:");
    for (int i = 0; i < 300000; i++)
        free(opaque(ways[(size_t)i % COUNT(ways)].ask()));
    long grown = proc_status("VmRSS:") - before;
    CHECKF(grown < 4096, "grew by %ld KiB", grown);
}

static void free_null_does_nothing(void)
{
    struct mallinfo2 before = mallinfo2();
    for (int i = 0; i < 1000; i++)
        free(opaque(NULL));
    struct mallinfo2 after = mallinfo2();
    CHECK(before.uordblks == after.uordblks);
    CHECK(before.hblkhd == after.hblkhd);
}

int main(void)
{
    watchdog(60);
    free(opaque(NULL)); /* as the first call of all, too */
    all_are_unique();
    what_they_hold_is_theirs();
    all_can_be_freed();
    empty_blocks_are_reused();
    free_null_does_nothing();
    return check_done();
}
