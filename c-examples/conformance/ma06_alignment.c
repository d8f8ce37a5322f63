/* MA-6: posix_memalign, aligned_alloc, memalign, valloc, pvalloc: errors and every alignment up to 1 GiB.
 *
 * A bad alignment of posix_memalign is EINVAL with the output untouched. Every power of two up to 1 GiB works with
 * small and large sizes; the result can be given to realloc and free. The EINVAL of aligned_alloc is C17's, which
 * glibc has from 2.38 on, so it is asked of gort alone.
 */
#define ITEM "MA-6"
#include "support.h"

#include <malloc.h>

static const size_t sizes[] = {1, 16, 24, 100, 1000, 4096, 5000, 33000, 100000, 1000000};

static void bad_alignments(void)
{
    static const size_t bad[] = {0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 15, 17, 20, 24, 31, 33, 40, 48, 56, 63, 65, 96, 100,
                                 1000, 4095, 4097, 6144, 12288, MB + 1, MB + 8, GB - 8, GB + 4096,
                                 SIZE_MAX, SIZE_MAX - 7, (SIZE_MAX >> 1) + 9};
    for (size_t i = 0; i < COUNT(bad); i++) {
        for (size_t n = 0; n < 3000; n = 3 * n + 1) {
            void *out = (void *)0x1234;
            CHECKF(posix_memalign(&out, opaque_size(bad[i]), n) == EINVAL, "alignment %zu", bad[i]);
            CHECKF(out == (void *)0x1234, "alignment %zu: output changed", bad[i]);
        }
    }
}

static void aligned_alloc_refuses(void)
{
    static const size_t bad[] = {0, 3, 5, 6, 7, 12, 24, 48, 100, 4097, 12288, GB + 1, SIZE_MAX};
    for (size_t i = 0; i < COUNT(bad); i++) {
        errno = 0;
        void *p = opaque(aligned_alloc(opaque_size(bad[i]), 96));
        int e = errno_now();
        CHECKF(p == NULL, "alignment %zu gave %p", bad[i], p);
        CHECKF(e == EINVAL, "alignment %zu: errno %d", bad[i], e);
    }
}

static void *by_posix(size_t align, size_t n)
{
    void *p = NULL;
    if (align < sizeof(void *))
        align = sizeof(void *);
    CHECKF(posix_memalign(&p, align, n) == 0, "alignment %zu, size %zu", align, n);
    return p;
}
static void *by_memalign(size_t align, size_t n) { return memalign(align, n); }
static void *by_aligned_alloc(size_t align, size_t n) { return aligned_alloc(align, n); }

static void *(*const ways[])(size_t, size_t) = {by_posix, by_memalign, by_aligned_alloc};

static void use(char *p, size_t align, size_t n)
{
    CHECKF(p != NULL, "alignment %zu, size %zu", align, n);
    if (!p)
        return;
    CHECKF(aligned_to(p, align), "alignment %zu, size %zu: %p", align, n, (void *)p);
    CHECKF(aligned_to(p, 16) || align < 16, "alignment %zu, size %zu: %p", align, n, (void *)p);
    CHECK(malloc_usable_size(p) >= n);
    pattern_fill(p, n, align + n);
}

/* Freed; or given to realloc, which must keep contents, not the alignment, and then freed. */
static void give_up(char *p, size_t align, size_t n, int how)
{
    if (!p)
        return;
    CHECK(pattern_holds(p, n, align + n) == n);
    if (how == 0) {
        free(p);
        return;
    }
    size_t to = how == 1 ? 2 * n + 100 : how == 2 ? n / 3 + 1 : n;
    char *q = (char *)opaque(realloc(p, to));
    size_t less = to < n ? to : n;
    CHECK(q && pattern_holds(q, less, align + n) == less);
    free(q);
}

static void every_alignment(void)
{
    for (size_t align = 1; align <= GB; align *= 2)
        for (size_t s = 0; s < COUNT(sizes); s++)
            for (size_t w = 0; w < COUNT(ways); w++)
                for (int how = 0; how < 4; how++) {
                    char *p = (char *)opaque(ways[w](align, sizes[s]));
                    use(p, align, sizes[s]);
                    give_up(p, align, sizes[s], how);
                }
}

/* Sizes that are large beside the alignment, and alignments that are large beside the size, all alive at once. */
static void many_alive(void)
{
    enum { LIVE = 300 };
    static char *p[LIVE];
    static size_t aligns[LIVE], ns[LIVE];
    uint64_t seed = 6;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < LIVE; i++) {
            aligns[i] = (size_t)1 << (3 + random_next(&seed) % 18); /* 8 to 1 MiB */
            ns[i] = 1 + random_next(&seed) % ((size_t)16 << random_next(&seed) % 12);
            p[i] = (char *)opaque(ways[random_next(&seed) % COUNT(ways)](aligns[i], ns[i]));
            use(p[i], aligns[i], ns[i]);
        }
        for (int i = 0; i < LIVE; i++)
            give_up(p[i], aligns[i], ns[i], (int)(random_next(&seed) % 4));
    }
}

/* Alignment must not cost the memory that it skips. */
static void skipped_memory_is_not_resident(void)
{
    void *p[20];
    long before = proc_status("VmRSS:");
    for (size_t i = 0; i < COUNT(p); i++) {
        p[i] = opaque(memalign(16 * MB, 100));
        memset(p[i], 1, 100);
    }
    long grown = proc_status("VmRSS:") - before;
    CHECKF(grown < 20 * 2048 + 4096, "20 blocks of 100 bytes cost %ld KiB", grown);
    for (size_t i = 0; i < COUNT(p); i++)
        free(p[i]);
}

static void page_calls(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t n = 0; n < 200000; n += n / 4 + 1) {
        char *p = (char *)opaque(valloc(n)), *q = (char *)opaque(pvalloc(n));
        CHECK(p && aligned_to(p, page) && malloc_usable_size(p) >= n);
        CHECK(q && aligned_to(q, page));
        size_t rounded = (n + page - 1) / page * page;
        CHECKF(malloc_usable_size(q) >= rounded, "pvalloc(%zu): usable %zu", n, malloc_usable_size(q));
        pattern_fill(p, n, n);
        pattern_fill(q, rounded, n + 1);
        CHECK(pattern_holds(p, n, n) == n);
        p = (char *)opaque(realloc(p, n + 1000));
        CHECK(p && pattern_holds(p, n, n) == n);
        CHECK(pattern_holds(q, rounded, n + 1) == rounded);
        free(p);
        free(q);
    }
}

/* A thread frees what another aligned. */
static void *free_here(void *p)
{
    free(p);
    return NULL;
}

static void freed_elsewhere(void)
{
    for (size_t align = 32; align <= 16 * MB; align *= 4)
        thread_join(thread_start(free_here, opaque(memalign(align, 1000))));
}

int main(void)
{
    watchdog(60);
    bad_alignments();
    if (gort_is_here())
        aligned_alloc_refuses();
    every_alignment();
    many_alive();
    skipped_memory_is_not_resident();
    page_calls();
    freed_elsewhere();
    return check_done();
}
