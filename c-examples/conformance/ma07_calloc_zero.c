/* MA-7: calloc memory is zero, also when reused; memory known to be fresh from the OS is not cleared again.
 *
 * Blocks are filled, freed in several ways, and their memory asked back by calloc: same size, other sizes, other
 * threads, after coalescing and after malloc_trim. That fresh memory is not cleared shows in the resident size.
 */
#define ITEM "MA-7"
#include "support.h"

#include <malloc.h>

static const size_t sizes[] = {1, 7, 8, 16, 24, 31, 48, 64, 100, 128, 255, 400, 512, 1000, 1024, 2000, 3072, 4096,
                               5000, 8192, 10000, 16384, 20000, 32768, 32769, 50000, 65536, 100000, 131072, 200000,
                               300000, 524288, 1000000, 2097152, 4000000, 16777216};
enum { MOST = 600 };
static void *block[MOST];

static size_t how_many(size_t n, size_t bytes)
{
    size_t k = bytes / n;
    return k < 4 ? 4 : k > MOST ? MOST : k;
}

/* All of the usable bytes are dirtied, not only those asked for. */
static void dirty(size_t n, size_t k)
{
    for (size_t i = 0; i < k; i++) {
        block[i] = opaque(malloc(n));
        memset(block[i], 0xA5, malloc_usable_size(block[i]));
    }
}

static void free_all(size_t k, int order)
{
    if (order == 0)
        for (size_t i = 0; i < k; i++)
            free(block[i]);
    else if (order == 1)
        for (size_t i = k; i-- > 0;)
            free(block[i]);
    else
        for (size_t step = 0; step < 3; step++)
            for (size_t i = step; i < k; i += 3)
                free(block[i]);
}

static void zero_again(size_t n, size_t k, const char *after)
{
    for (size_t i = 0; i < k; i++) {
        block[i] = i % 2 ? opaque(calloc(n, 1)) : opaque(calloc(1, n));
        if (!CHECK(block[i] != NULL))
            return;
        size_t good = zero_bytes(block[i], n);
        CHECKF(good == n, "calloc of %zu after %s: dirty at %zu", n, after, good);
        memset(block[i], 0x5A, malloc_usable_size(block[i]));
    }
    free_all(k, 2);
}

static void same_size(void)
{
    for (size_t s = 0; s < COUNT(sizes); s++)
        for (int order = 0; order < 3; order++) {
            size_t k = how_many(sizes[s], 8 * MB);
            dirty(sizes[s], k);
            free_all(k, order);
            zero_again(sizes[s], k, "malloc of the same");
        }
}

static void other_size(void)
{
    for (size_t a = 0; a < COUNT(sizes); a += 3)
        for (size_t b = 1; b < COUNT(sizes); b += 3) {
            dirty(sizes[a], how_many(sizes[a], 2 * MB));
            free_all(how_many(sizes[a], 2 * MB), (int)b % 3);
            zero_again(sizes[b], how_many(sizes[b], 2 * MB), "malloc of another size");
        }
}

/* Trimmed pages come back as zero, the rest of a span does not: both in one heap. */
static void after_trim(void)
{
    for (size_t s = 0; s < COUNT(sizes); s += 2) {
        size_t k = how_many(sizes[s], 8 * MB);
        dirty(sizes[s], k);
        for (size_t i = 0; i < k; i += 2)
            free(block[i]);
        malloc_trim(0);
        for (size_t i = 1; i < k; i += 2)
            free(block[i]);
        zero_again(sizes[s], k, "a trim");
        malloc_trim(0);
        zero_again(sizes[s], k, "a second trim");
    }
}

static void *free_here(void *k)
{
    free_all((size_t)(uintptr_t)k, 1);
    return NULL;
}

static void *calloc_here(void *n)
{
    size_t size = (size_t)(uintptr_t)n;
    zero_again(size, how_many(size, 2 * MB), "a free on another thread");
    return NULL;
}

static void across_threads(void)
{
    for (size_t s = 0; s < COUNT(sizes); s++) {
        size_t k = how_many(sizes[s], 2 * MB);
        dirty(sizes[s], k);
        thread_join(thread_start(free_here, (void *)k));
        thread_join(thread_start(calloc_here, (void *)sizes[s]));
        zero_again(sizes[s], k, "threads that ended");
    }
}

/* A block that shrank, grew or was aligned leaves dirty memory of odd shapes behind. */
static void after_realloc_and_alignment(void)
{
    for (size_t s = 0; s < COUNT(sizes); s++) {
        size_t n = sizes[s], k = how_many(n, MB);
        dirty(n, k);
        for (size_t i = 0; i < k; i++) {
            block[i] = opaque(realloc(block[i], i % 2 ? n / 2 + 1 : 2 * n));
            memset(block[i], 0xA5, malloc_usable_size(block[i]));
        }
        free_all(k, 0);
        for (size_t i = 0; i < k; i++) {
            block[i] = opaque(memalign(1024, n));
            memset(block[i], 0xA5, malloc_usable_size(block[i]));
        }
        free_all(k, 2);
        zero_again(n, k, "realloc and memalign");
    }
}

static void arrays(void)
{
    for (size_t n = 1; n < 40; n++)
        for (size_t m = 1; m < 40; m++) {
            char *p = (char *)opaque(calloc(n, m));
            CHECK(malloc_usable_size(p) >= n * m);
            CHECK(zero_bytes(p, n * m) == n * m);
            memset(p, 0xA5, n * m);
            free(p);
        }
}

static void random_mix(void)
{
    uint64_t seed = 7;
    memset(block, 0, sizeof block);
    for (int i = 0; i < 60000; i++) {
        size_t at = random_next(&seed) % MOST, n = 1 + random_next(&seed) % ((size_t)16 << random_next(&seed) % 11);
        free(block[at]);
        if (random_next(&seed) % 2) {
            block[at] = opaque(calloc(1, n));
            size_t good = zero_bytes(block[at], n);
            CHECKF(good == n, "calloc of %zu in a random mix: dirty at %zu", n, good);
        } else {
            block[at] = opaque(malloc(n));
        }
        memset(block[at], 0xA5, malloc_usable_size(block[at]));
    }
    free_all(MOST, 0);
}

static void fresh_memory_is_not_cleared(void)
{
    long before = proc_status("VmRSS:");
    char *p = (char *)opaque(calloc(1, 200 * MB));
    CHECK(p != NULL);
    long grown = proc_status("VmRSS:") - before;
    CHECKF(grown < 8 * 1024, "calloc of 200 MB made %ld KiB resident", grown);
    for (size_t i = 0; i < 200 * MB; i += MB / 2)
        CHECK(p[i] == 0);
    free(p);
}

int main(void)
{
    watchdog(60);
    fresh_memory_is_not_cleared(); /* first, while the heap is empty */
    same_size();
    other_size();
    after_trim();
    across_threads();
    after_realloc_and_alignment();
    arrays();
    random_mix();
    return check_done();
}
