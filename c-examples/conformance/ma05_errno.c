/* MA-5: free and successful calls leave errno alone.
 *
 * errno holds a value of no error before each call and must hold it after. Sizes reach from nothing to what the OS
 * serves, so that the calls into the kernel below are covered; then again with every mapping of the process used up,
 * where giving memory back fails inside.
 */
#define ITEM "MA-5"
#include "support.h"

#include <malloc.h>
#include <sys/mman.h>

enum { MARK = 0x5a5a };

/* The call leaves errno as it was. */
#define KEEPS(call)                                                                                                    \
    do {                                                                                                               \
        errno = MARK;                                                                                                  \
        call;                                                                                                          \
        int e_ = errno_now();                                                                                          \
        CHECKF(e_ == MARK, #call " made errno %d, size %zu", e_, n);                                                   \
    } while (0)

static void one_size(size_t n)
{
    void *p, *q = NULL;
    KEEPS(p = opaque(malloc(n)));
    KEEPS(p = opaque(realloc(p, n + 1)));
    KEEPS(p = opaque(realloc(p, 3 * n + 1)));
    KEEPS(p = opaque(realloc(p, n / 2 + 1)));
    KEEPS((void)malloc_usable_size(p));
    KEEPS(free(opaque(p)));
    KEEPS(p = opaque(calloc(n, 1)));
    KEEPS(p = opaque(reallocarray(p, n + 1, 2)));
    KEEPS(p = opaque(realloc(p, opaque_size(0))));
    CHECK(p == NULL);
    KEEPS(p = opaque(aligned_alloc(64, n)));
    KEEPS(free(opaque(p)));
    KEEPS(p = opaque(memalign(64 * KB, n)));
    KEEPS(free(opaque(p)));
    KEEPS(CHECK(posix_memalign(&q, 256, n) == 0));
    KEEPS(free(opaque(q)));
    KEEPS(p = opaque(valloc(n)));
    KEEPS(free(opaque(p)));
    KEEPS(p = opaque(pvalloc(n)));
    KEEPS(free(opaque(p)));
    KEEPS(free(opaque(NULL)));
}

static void all_sizes(void)
{
    for (size_t n = 0; n < 300; n++)
        one_size(n);
    for (size_t n = 300; n < 100 * MB; n += n / 3)
        one_size(n);
}

/* Many blocks at once, so that caches overflow and spans are made and given back. */
static void many_at_a_time(void)
{
    static void *p[4000];
    for (size_t n = 16; n <= 64 * KB; n *= 8) {
        size_t count = 16 * MB / n < COUNT(p) ? 16 * MB / n : COUNT(p);
        for (size_t i = 0; i < count; i++)
            KEEPS(p[i] = opaque(malloc(n)));
        for (size_t i = 0; i < count; i += 2)
            KEEPS(free(opaque(p[i])));
        KEEPS((void)malloc_trim(0));
        for (size_t i = 1; i < count; i += 2)
            KEEPS(free(opaque(p[i])));
    }
    size_t n = 0;
    KEEPS((void)malloc_trim(0));
    KEEPS((void)mallinfo2());
}

/* The first calls of a thread, and those of its end. */
static void free_kept(void *p)
{
    size_t n = 100;
    KEEPS(free(opaque(p)));
    KEEPS(p = opaque(malloc(n)));
    KEEPS(free(opaque(p)));
}

static pthread_key_t key;

static void *new_thread(void *foreign)
{
    size_t n = 100;
    void *p;
    KEEPS(free(opaque(foreign)));
    KEEPS(p = opaque(malloc(n)));
    CHECK(pthread_setspecific(key, p) == 0);
    return NULL;
}

static void threads(void)
{
    CHECK(pthread_key_create(&key, free_kept) == 0);
    for (int i = 0; i < 50; i++)
        thread_join(thread_start(new_thread, opaque(malloc(100))));
}

/* In a child: alternating protections until the kernel allows no more mappings, which an munmap in the middle needs. */
static void with_no_mapping_left(void)
{
    static void *large[200], *small[2000];
    size_t n;
    for (size_t i = 0; i < COUNT(large); i++)
        large[i] = opaque(malloc(n = 300 * KB));
    for (size_t i = 0; i < COUNT(small); i++)
        small[i] = opaque(malloc(n = 1000));
    const size_t span = (size_t)140000 * 4096;
    char *area = (char *)mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(area != MAP_FAILED);
    for (size_t at = 0; at < span; at += 8192)
        if (mprotect(area + at, 4096, PROT_READ) < 0)
            break;
    for (size_t i = 0; i < COUNT(large); i += 2)
        KEEPS(free(opaque(large[i])));
    for (size_t i = 0; i < COUNT(small); i++)
        KEEPS(free(opaque(small[i])));
    KEEPS((void)malloc_trim(0));
    for (size_t i = 1; i < COUNT(large); i += 2)
        KEEPS(free(opaque(large[i])));
    KEEPS(free(opaque(NULL)));
}

int main(void)
{
    watchdog(60);
    all_sizes();
    many_at_a_time();
    threads();
    in_child("with no mapping left", with_no_mapping_left);
    return check_done();
}
