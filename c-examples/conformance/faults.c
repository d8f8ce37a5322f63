/* Faults: the whole family while OS calls of the allocator fail.
 *
 *   faults [THREADS]      one thread by default
 *
 * Runs with a libgort that has the feature `fault`: GORT_FAULT_AT=n makes the n-th OS call of the process fail,
 * GORT_FAULT_FROM=n that one and all after it. Whatever fails, a call that cannot be served answers NULL and ENOMEM, a
 * block that realloc could not move stays as it was, no block loses its contents, and the program goes on: after a
 * single fault the same call succeeds when it is made again.
 * Prints "calls N failed M": the OS calls that were made, and the requests that were refused.
 */
#define ITEM "faults"
#include "support.h"

#include <malloc.h>

/* The number of OS calls so far; only the library with the feature has it. */
extern unsigned long go_fault_calls(void) __attribute__((weak));

enum { BLOCKS = 48, STEPS = 300, MOST_THREADS = 4, WHOLE = 4096 };

struct block {
    unsigned char *p;
    size_t n;
    uint64_t seed;
};

static struct worker {
    struct block blocks[BLOCKS];
    uint64_t random;
} workers[MOST_THREADS];

static unsigned long refused;
/* Whether one call fails, rather than all from some moment on. */
static int once;

/* Contents: whole small blocks, both ends of large ones. */
static void stamp(const struct block *b)
{
    pattern_fill(b->p, b->n < WHOLE ? b->n : WHOLE, b->seed);
    if (b->n > WHOLE)
        b->p[b->n - 1] = pattern_at(b->seed, b->n - 1);
}

static void intact(const struct block *b, const unsigned char *p, size_t upto, const char *when)
{
    size_t whole = upto < WHOLE ? upto : WHOLE;
    CHECKF(pattern_holds(p, whole, b->seed) == whole, "%s: %p of %zu", when, (const void *)p, b->n);
    if (upto == b->n && b->n > WHOLE)
        CHECKF(p[b->n - 1] == pattern_at(b->seed, b->n - 1), "%s: end of %p of %zu", when, (const void *)p, b->n);
}

static size_t random_size(uint64_t *r)
{
    switch (random_next(r) % 16) {
    case 0: return random_next(r) % (48 * MB);
    case 1:
    case 2: return random_next(r) % (3 * MB);
    case 3:
    case 4:
    case 5: return random_next(r) % (64 * KB);
    default: return random_next(r) % (4 * KB);
    }
}

/* One request of a kind that `way` picks. */
static void *request(uint64_t way, size_t n, size_t *align)
{
    void *p = NULL;
    *align = 16;
    switch (way % 8) {
    case 0:
        *align = (size_t)64 << way / 8 % 16;
        int error = posix_memalign(&p, *align, n);
        CHECKF(error == 0 || (error == ENOMEM && !p), "posix_memalign: %d", error);
        errno = error;
        return opaque(p);
    case 1:
    case 2:
        p = opaque(calloc(1, n));
        if (p) {
            size_t look = n < 256 * KB ? n : 256 * KB;
            CHECKF(zero_bytes(p, look) == look, "calloc(%zu) is dirty", n);
        }
        return p;
    default: return opaque(malloc(n));
    }
}

static void acquire(struct block *b, uint64_t *r)
{
    size_t n = random_size(r), align;
    uint64_t way = random_next(r);
    errno = 0;
    void *p = request(way, n, &align);
    if (!p) {
        CHECKF(errno_now() == ENOMEM, "%zu bytes", n);
        __atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED);
        p = request(way, n, &align);
        CHECKF(p || !once, "%zu bytes, refused twice", n);
    }
    if (!p)
        return;
    CHECKF(aligned_to(p, align) && malloc_usable_size(p) >= n, "%p: %zu bytes aligned to %zu", p, n, align);
    *b = (struct block){(unsigned char *)p, n, random_next(r)};
    stamp(b);
}

static void release(struct block *b)
{
    if (!b->p)
        return;
    intact(b, b->p, b->n, "free");
    errno = 7;
    free(b->p);
    CHECK(errno_now() == 7);
    b->p = NULL;
}

static void resize(struct block *b, uint64_t *r)
{
    size_t n = random_next(r) % 2 ? b->n + random_next(r) % (b->n / 2 + 100) : 1 + random_size(r);
    n += n == 0;
    errno = 0;
    unsigned char *p = (unsigned char *)opaque(realloc(b->p, n));
    if (!p) {
        CHECKF(errno_now() == ENOMEM, "realloc to %zu", n);
        __atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED);
        intact(b, b->p, b->n, "refused realloc");
        p = (unsigned char *)opaque(realloc(b->p, n));
        CHECKF(p || !once, "realloc to %zu, refused twice", n);
    }
    if (!p)
        return;
    intact(b, p, n < b->n ? n : b->n, "realloc");
    *b = (struct block){p, n, b->seed};
    stamp(b);
}

static void step(struct worker *w, int i)
{
    struct block *b = &w->blocks[random_next(&w->random) % BLOCKS];
    if (b->p && random_next(&w->random) % 3 == 0) {
        resize(b, &w->random);
    } else {
        release(b);
        acquire(b, &w->random);
    }
    if (i % 100 == 99)
        malloc_trim(0);
}

static void *steps(void *arg)
{
    for (int i = 0; i < STEPS; i++)
        step((struct worker *)arg, i);
    return NULL;
}

/* In the child of a fork the heap is whole, whatever failed before. */
static void fork_in_the_middle(struct worker *w)
{
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < BLOCKS; i++)
            release(&w->blocks[i]);
        for (int i = 0; i < 100; i++)
            step(w, i);
        _exit(check_status());
    }
    if (CHECK(pid > 0))
        CHECK(child_wait(pid) == 0);
}

int main(int argc, char **argv)
{
    unsigned long threads = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
    pthread_t t[MOST_THREADS];
    int running[MOST_THREADS] = {0};
    once = getenv("GORT_FAULT_FROM") == NULL;
    if (threads < 1 || threads > MOST_THREADS || !go_fault_calls)
        return 64;
    watchdog(60);
    for (unsigned long i = 0; i < threads; i++)
        workers[i].random = 77 + i;
    /* A thread that cannot be made does not run; its stack and its records need memory, too. */
    for (unsigned long i = 1; i < threads; i++)
        running[i] = pthread_create(&t[i], NULL, steps, &workers[i]) == 0;
    steps(&workers[0]);
    for (unsigned long i = 1; i < threads; i++)
        if (running[i])
            pthread_join(t[i], NULL);
    fork_in_the_middle(&workers[0]);
    steps(&workers[0]);
    for (unsigned long i = 0; i < threads; i++)
        for (int k = 0; k < BLOCKS; k++)
            release(&workers[i].blocks[k]);
    malloc_trim(0);
    if (check_status())
        return check_done();
    check_say(1, "calls %lu failed %lu\n", go_fault_calls(), refused);
    return 0;
}
