/* MA-4: realloc(NULL, n) is malloc(n); realloc(p, 0) frees and returns NULL; contents are kept to the smaller size.
 *
 * Every pair of sizes of a table that spans small, medium, large and huge blocks, long walks of growing and shrinking
 * blocks beside each other, and blocks of every aligned call.
 */
#define ITEM "MA-4"
#include "support.h"

#include <malloc.h>

static const size_t sizes[] = {1, 8, 15, 16, 17, 24, 32, 33, 100, 256, 1000, 1024, 2049, 4096, 8192, 10000, 16384,
                               32767, 32768, 32769, 40000, 65536, 100000, 131072, 200000, 262145, 524288, 1048576,
                               1048577, 3000000, 8388608, 20000000};

static void null_is_malloc(void)
{
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char *p = (char *)opaque(realloc(opaque(NULL), sizes[i]));
        CHECK(p && aligned_to(p, 16) && malloc_usable_size(p) >= sizes[i]);
        pattern_fill(p, sizes[i], i);
        CHECK(pattern_holds(p, sizes[i], i) == sizes[i]);
        free(p);
        p = (char *)opaque(reallocarray(opaque(NULL), sizes[i], 2));
        CHECK(p && malloc_usable_size(p) >= 2 * sizes[i]);
        free(p);
    }
}

static void contents_are_kept(void)
{
    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (size_t j = 0; j < COUNT(sizes); j++) {
            size_t from = sizes[i], to = sizes[j], less = from < to ? from : to;
            char *before = (char *)opaque(malloc(from));
            char *guard = (char *)opaque(malloc(from < 100000 ? from : 100));
            pattern_fill(before, less, i + j);
            pattern_fill(guard, 1, 7);
            char *after = (char *)opaque(realloc(before, to));
            CHECK(after != NULL && aligned_to(after, 16));
            size_t good = pattern_holds(after, less, i + j);
            CHECKF(good == less, "%zu to %zu: kept %zu", from, to, good);
            CHECK(malloc_usable_size(after) >= to);
            after[to - 1] = 1;
            CHECK(pattern_holds(guard, 1, 7) == 1);
            free(guard);
            free(after);
        }
    }
}

/* What is usable may be used, so a realloc must carry it all when it can. */
static void usable_tail_is_kept(void)
{
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char *p = (char *)opaque(malloc(sizes[i]));
        size_t usable = malloc_usable_size(p);
        pattern_fill(p, usable, i);
        p = (char *)opaque(realloc(p, 2 * usable + 1));
        CHECK(pattern_holds(p, usable, i) == usable);
        free(p);
    }
}

static void aligned_blocks_too(void)
{
    for (size_t align = 16; align <= 4 * MB; align *= 4) {
        for (size_t n = 10; n <= 1000000; n *= 20) {
            void *p = opaque(memalign(align, n));
            CHECK(p && aligned_to(p, align));
            pattern_fill(p, n, n);
            p = opaque(realloc(p, 3 * n));
            CHECK(p && pattern_holds(p, n, n) == n);
            pattern_fill(p, 3 * n, n);
            p = opaque(realloc(p, n / 2));
            CHECK(p && pattern_holds(p, n / 2, n) == n / 2);
            CHECK(opaque(realloc(p, opaque_size(0))) == NULL);
        }
    }
}

/* Many blocks grow and shrink by turns; each keeps its own contents. */
static void *random_walk(void *arg)
{
    enum { BLOCKS = 40, STEPS = 12000 };
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    struct {
        char *p;
        size_t n;
    } b[BLOCKS] = {{NULL, 0}};
    for (int step = 0; step < STEPS; step++) {
        size_t i = random_next(&seed) % BLOCKS;
        size_t limit = (size_t)16 << random_next(&seed) % 13; /* to 64 KiB */
        size_t n = 1 + random_next(&seed) % limit, less = b[i].n < n ? b[i].n : n;
        b[i].p = (char *)opaque(realloc(b[i].p, n));
        if (!CHECK(b[i].p != NULL))
            break;
        size_t good = pattern_holds(b[i].p, less, i);
        CHECKF(good == less, "%zu to %zu: kept %zu", b[i].n, n, good);
        pattern_fill(b[i].p, n, i);
        b[i].n = n;
    }
    for (int i = 0; i < BLOCKS; i++)
        free(b[i].p);
    return NULL;
}

static void grow_byte_by_byte(void)
{
    char *p = NULL;
    for (size_t n = 1; n <= 20000; n++) {
        p = (char *)opaque(realloc(p, n));
        p[n - 1] = (char)pattern_at(3, n - 1);
    }
    CHECK(pattern_holds(p, 20000, 3) == 20000);
    for (size_t n = 20000; n >= 1; n -= n > 64 ? 37 : 1) {
        p = (char *)opaque(realloc(p, n));
        CHECK(pattern_holds(p, n, 3) == n);
    }
    free(p);
}

static void a_large_block_grows_and_shrinks(void)
{
    size_t n = 64 * KB;
    char *p = (char *)opaque(malloc(n));
    pattern_fill(p, 64 * KB, 5);
    while (n < 256 * MB) {
        n += n / 2;
        p = (char *)opaque(realloc(p, n));
        CHECK(p && pattern_holds(p, 64 * KB, 5) == 64 * KB);
        p[n - 1] = 1;
    }
    p = (char *)opaque(realloc(p, 64 * KB));
    CHECK(pattern_holds(p, 64 * KB, 5) == 64 * KB);
    free(p);
    long left = proc_status("VmRSS:");
    CHECKF(left < 100 * 1024, "RSS is %ld KiB after the block shrank", left);
}

/* realloc(p, 0) frees: a loop of them does not grow the process; 10 GB pass through. */
static void zero_frees(void)
{
    long before = proc_status("VmSize:");
    for (int i = 0; i < 10000; i++) {
        char *p = (char *)opaque(malloc(MB));
        p[0] = p[MB - 1] = 1;
        CHECK(opaque(realloc(p, opaque_size(0))) == NULL);
        p = (char *)opaque(malloc(100));
        CHECK(opaque(realloc(p, opaque_size(0))) == NULL);
        p = (char *)opaque(calloc(300, 10));
        CHECK(opaque(reallocarray(p, opaque_size(0), 10)) == NULL);
    }
    long grown = proc_status("VmSize:") - before;
    CHECKF(grown < 256 * 1024, "address space grew by %ld KiB", grown);
}

int main(void)
{
    watchdog(60);
    null_is_malloc();
    contents_are_kept();
    usable_tail_is_kept();
    aligned_blocks_too();
    grow_byte_by_byte();
    a_large_block_grows_and_shrinks();
    zero_frees();
    pthread_t t[4];
    for (size_t i = 0; i < COUNT(t); i++)
        t[i] = thread_start(random_walk, (void *)(i + 1));
    for (size_t i = 0; i < COUNT(t); i++)
        thread_join(t[i]);
    return check_done();
}
