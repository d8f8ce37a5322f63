/* Stress: random calls of the whole family on several threads, every block's contents known.
 *
 *   stress [SEED [OPERATIONS [THREADS]]]     by default 1, 1000000 and 4
 *
 * What each block must hold is kept outside the heap, so an allocator that gives memory out twice, loses contents in a
 * realloc, gives dirty calloc memory or breaks an alignment is found. Blocks change hands through a shared exchange and
 * are freed by whoever has them. Now and then a thread forks; the child checks and frees all that it can reach, and
 * allocates anew. The sequence of each thread depends on the seed alone; how they interleave does not.
 * Prints "ok N operations".
 */
#define ITEM "stress"
#include "support.h"

#include <malloc.h>

enum { OWN = 600, EXCHANGE = 256, MOST_THREADS = 8, EDGE = 256, FORKS = 6 };

/* The shadow of a block. */
struct shadow {
    unsigned char *p;
    size_t n;
    uint64_t seed;
};

static struct {
    int taken; /* a lock; the child of a fork leaves alone what was taken */
    struct shadow s;
} exchange[EXCHANGE];

static struct worker {
    struct shadow own[OWN];
    uint64_t random;
    unsigned long operations, id;
} workers[MOST_THREADS];

static unsigned long operations_done;

/* --- contents: whole small blocks; of large ones both edges and a byte of every page --- */

static void stamp(const struct shadow *s)
{
    if (s->n <= 8 * EDGE) {
        pattern_fill(s->p, s->n, s->seed);
        return;
    }
    for (size_t i = 0; i < s->n; i += 4096)
        s->p[i] = pattern_at(s->seed, i);
    for (size_t i = 0; i < EDGE; i++) {
        s->p[i] = pattern_at(s->seed, i);
        s->p[s->n - 1 - i] = pattern_at(s->seed, s->n - 1 - i);
    }
}

/* Whether the first `upto` bytes at `p` are those that `s` was stamped with. */
static void intact(const struct shadow *s, const unsigned char *p, size_t upto, const char *when)
{
    size_t bad = SIZE_MAX;
    if (s->n <= 8 * EDGE) {
        size_t good = pattern_holds(p, upto, s->seed);
        if (good != upto)
            bad = good;
    } else {
        for (size_t i = 0; i < upto && bad == SIZE_MAX; i = i < EDGE - 1 ? i + 1 : i < 4096 ? 4096 : i + 4096)
            if (p[i] != pattern_at(s->seed, i))
                bad = i;
        for (size_t i = s->n - EDGE; i < upto && bad == SIZE_MAX; i++)
            if (p[i] != pattern_at(s->seed, i))
                bad = i;
    }
    CHECKF(bad == SIZE_MAX, "%s: block %p of %zu, first %zu bytes, spoiled at %zu", when, (const void *)p, s->n,
           upto, bad);
}

/* --- operations --- */

static size_t random_size(uint64_t *r)
{
    uint64_t kind = random_next(r) % 1000;
    if (kind < 700)
        return random_next(r) % 400;
    if (kind < 950)
        return random_next(r) % 8000;
    if (kind < 995)
        return random_next(r) % 100000;
    return random_next(r) % 1500000;
}

static void release(struct shadow *s)
{
    if (!s->p)
        return;
    CHECK(malloc_usable_size(s->p) >= s->n);
    intact(s, s->p, s->n, "free");
    free(s->p);
    s->p = NULL;
}

static void acquire(struct shadow *s, uint64_t *r)
{
    size_t n = random_size(r), align = 16;
    void *p = NULL;
    uint64_t way = random_next(r) % 16;
    if (way == 0) {
        align = (size_t)8 << random_next(r) % 13;
        CHECK(posix_memalign(&p, align, n) == 0);
    } else if (way == 1) {
        align = (size_t)16 << random_next(r) % 10;
        p = aligned_alloc(align, n);
    } else if (way == 2) {
        p = realloc(NULL, n);
    } else if (way < 6) {
        p = opaque(calloc(1, n));
        CHECKF(p && zero_bytes(p, n) == n, "calloc(%zu) is dirty", n);
    } else {
        p = malloc(n);
    }
    p = opaque(p);
    CHECKF(p && aligned_to(p, align), "%zu bytes aligned to %zu: %p", n, align, p);
    s->p = (unsigned char *)p;
    s->n = n;
    s->seed = random_next(r);
    if (p)
        stamp(s);
}

static void resize(struct shadow *s, uint64_t *r)
{
    if (!s->p) {
        acquire(s, r);
        return;
    }
    size_t n = random_next(r) % 3 ? s->n + random_next(r) % 200 : 1 + random_size(r);
    n += n == 0;
    unsigned char *p = (unsigned char *)opaque(realloc(s->p, n));
    if (!CHECK(p != NULL))
        _exit(1);
    intact(s, p, n < s->n ? n : s->n, "realloc");
    s->p = p;
    s->n = n;
    stamp(s);
}

static int take(int *lock)
{
    int expected = 0;
    return __atomic_compare_exchange_n(lock, &expected, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void swap_with_exchange(struct shadow *s, uint64_t *r)
{
    size_t at = random_next(r) % EXCHANGE;
    if (!take(&exchange[at].taken))
        return;
    struct shadow t = exchange[at].s;
    exchange[at].s = *s;
    *s = t;
    __atomic_store_n(&exchange[at].taken, 0, __ATOMIC_RELEASE);
}

static void step(struct worker *w)
{
    struct shadow *s = &w->own[random_next(&w->random) % OWN];
    switch (random_next(&w->random) % 8) {
    case 0: resize(s, &w->random); break;
    case 1:
    case 2: swap_with_exchange(s, &w->random); break;
    case 3: release(s); break;
    default:
        release(s);
        acquire(s, &w->random);
    }
}

/* --- the child of a fork --- */

static void *few_steps(void *arg)
{
    for (int i = 0; i < 3000; i++)
        step((struct worker *)arg);
    return NULL;
}

/* It has a copy of its thread's blocks and of the exchange; the other threads' own blocks may be in any state. */
static void child_of(struct worker *w)
{
    struct worker *spare = &workers[(w->id + 1) % MOST_THREADS]; /* its blocks are lost here; the record is free */
    watchdog(30);
    check_failed = 0;
    for (int i = 0; i < OWN; i++)
        if (w->own[i].p && i % 2)
            release(&w->own[i]);
    for (int i = 0; i < EXCHANGE; i++)
        if (take(&exchange[i].taken)) {
            release(&exchange[i].s);
            __atomic_store_n(&exchange[i].taken, 0, __ATOMIC_RELEASE);
        }
    memset(spare->own, 0, sizeof spare->own);
    pthread_t t = thread_start(few_steps, spare);
    few_steps(w);
    thread_join(t);
    for (int i = 0; i < OWN; i++) {
        release(&w->own[i]);
        release(&spare->own[i]);
    }
    _exit(check_status());
}

static void fork_and_wait(struct worker *w)
{
    pid_t pid = fork();
    if (pid == 0)
        child_of(w);
    CHECK(pid > 0);
    int status = child_wait(pid);
    CHECKF(status == 0, "child: wait status 0x%x", (unsigned)status);
}

static void *work(void *arg)
{
    struct worker *w = (struct worker *)arg;
    unsigned long forks_every = w->operations / FORKS + 1;
    for (unsigned long i = 1; i <= w->operations; i++) {
        step(w);
        if (i % forks_every == 0 && w->id == i / forks_every % 2)
            fork_and_wait(w);
        if (i % 50000 == 0)
            malloc_trim(0);
    }
    for (int i = 0; i < OWN; i += 2) /* the rest outlives the thread */
        release(&w->own[i]);
    __atomic_add_fetch(&operations_done, w->operations, __ATOMIC_RELAXED);
    return NULL;
}

static unsigned long number(int argc, char **argv, int i, unsigned long otherwise)
{
    return argc > i ? strtoul(argv[i], NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
    unsigned long seed = number(argc, argv, 1, 1), operations = number(argc, argv, 2, 1000000);
    unsigned long threads = number(argc, argv, 3, 4);
    pthread_t t[MOST_THREADS];
    if (threads < 1 || threads > MOST_THREADS) {
        check_say(2, "usage: stress [SEED [OPERATIONS [THREADS]]], 1 to %d threads\n", MOST_THREADS);
        return 64;
    }
    for (unsigned long i = 0; i < threads; i++) {
        workers[i].random = seed * 1000003 + i;
        workers[i].id = i;
        workers[i].operations = operations / threads + (i < operations % threads);
        t[i] = thread_start(work, &workers[i]);
    }
    for (unsigned long i = 0; i < threads; i++)
        thread_join(t[i]);
    for (unsigned long i = 0; i < threads; i++)
        for (int k = 0; k < OWN; k++)
            release(&workers[i].own[k]);
    for (int i = 0; i < EXCHANGE; i++)
        release(&exchange[i].s);
    if (check_status())
        return check_done();
    check_say(1, "ok %lu operations\n", operations_done);
    return 0;
}
