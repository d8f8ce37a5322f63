/* MA-13: memory goes back to the OS: within a second of activity, at malloc_trim(0), and at once after a large drop.
 *
 * A heap of 400 MB in blocks of 100 bytes to 64 KiB (log-uniform) loses nine tenths of its bytes, either by age, as
 * when a phase of a program ends, or block by block at random. The resident size is read after at most a second of
 * activity, and after malloc_trim(0). glibc owes the trim alone, and is asked for no more.
 *
 * How much of the freed bytes must be back, in percent: see the constants. By age nearly all lies in whole runs of
 * pages. At random a survivor keeps what it shares: with glibc's trim its OS page (99 and 96 percent are back there),
 * with spans of several blocks its span. So less is owed at random.
 */
#define ITEM "MA-13"
#include "support.h"

#include <malloc.h>

enum { BY_AGE_ACTIVE = 75, BY_AGE_TRIM = 85, AT_RANDOM_ACTIVE = 40, AT_RANDOM_TRIM = 50, DROP = 80 };

static const size_t heap_bytes = 400 * MB;
enum { MOST = 80000, GROUP = 400 };
static struct {
    char *p;
    size_t n;
} block[MOST];
static size_t blocks;

/* 100 bytes to 64 KiB: each octave as likely as any other. */
static size_t log_uniform(uint64_t *seed)
{
    size_t low = 100, octave = random_next(seed) % 10;
    size_t n = (low << octave) + random_next(seed) % (low << octave);
    return n <= 64 * KB ? n : 64 * KB;
}

static size_t build_heap(void)
{
    uint64_t seed = 13;
    size_t sum = 0;
    for (blocks = 0; sum < heap_bytes && blocks < MOST; blocks++) {
        size_t n = log_uniform(&seed);
        block[blocks].p = (char *)opaque(malloc(n));
        if (!CHECK(block[blocks].p != NULL))
            _exit(1);
        block[blocks].n = n;
        memset(block[blocks].p, (int)(1 + blocks % 100), n);
        sum += n;
    }
    CHECK(sum >= heap_bytes - heap_bytes / 20);
    return sum;
}

static size_t drop_block(size_t i)
{
    free(block[i].p);
    block[i].p = NULL;
    return block[i].n;
}

static size_t drop_by_age(void)
{
    size_t freed = 0;
    for (size_t i = 0; i < blocks; i++)
        if (i / GROUP % 10 != 3)
            freed += drop_block(i);
    return freed;
}

static size_t drop_at_random(void)
{
    uint64_t seed = 31;
    size_t freed = 0;
    for (size_t i = 0; i < blocks; i++)
        if (random_next(&seed) % 10 != 0)
            freed += drop_block(i);
    return freed;
}

static void survivors_are_good(void)
{
    for (size_t i = 0; i < blocks; i++)
        if (block[i].p) {
            char c = (char)(1 + i % 100);
            CHECK(block[i].p[0] == c && block[i].p[block[i].n / 2] == c && block[i].p[block[i].n - 1] == c);
        }
}

/* An ordinary program's second, ended early once the resident size is down to `goal_kb`: it allocates and frees a few
 * megabytes of all sizes. */
static void activity(long goal_kb)
{
    enum { LIVE = 200 };
    static void *p[LIVE];
    uint64_t seed = 5;
    int64_t end = now_ns() + 1000000000;
    for (int i = 1; now_ns() < end; i++) {
        size_t at = random_next(&seed) % LIVE;
        free(p[at]);
        p[at] = opaque(malloc(log_uniform(&seed)));
        if (i % 20000 == 0 && proc_status("VmRSS:") <= goal_kb)
            break;
    }
    for (int i = 0; i < LIVE; i++) {
        free(p[i]);
        p[i] = NULL;
    }
}

static void is_back(const char *what, long before, size_t freed, int percent)
{
    long back = before - proc_status("VmRSS:"), owed = (long)(freed / KB) * percent / 100;
    CHECKF(back >= owed, "%s: %ld of %zu MB freed are back, %ld owed", what, back / 1024, freed / MB, owed / 1024);
}

static void shrink(const char *name, size_t (*drop)(void), int active, int trim)
{
    char what[64];
    build_heap();
    long before = proc_status("VmRSS:");
    size_t freed = drop();
    if (gort_is_here()) {
        activity(before - (long)(freed / KB) * active / 100);
        snprintf(what, sizeof what, "%s, after activity", name);
        is_back(what, before, freed, active);
    }
    CHECK(malloc_trim(0) >= 0);
    snprintf(what, sizeof what, "%s, after malloc_trim", name);
    is_back(what, before, freed, trim);
    survivors_are_good();
}

static void by_age(void) { shrink("by age", drop_by_age, BY_AGE_ACTIVE, BY_AGE_TRIM); }
static void at_random(void) { shrink("at random", drop_at_random, AT_RANDOM_ACTIVE, AT_RANDOM_TRIM); }

/* --- a process that does nothing any more --- */

static void large_blocks_dropped(void)
{
    static void *p[300];
    for (size_t i = 0; i < COUNT(p); i++) {
        p[i] = opaque(malloc(MB));
        memset(p[i], 1, MB);
    }
    long before = proc_status("VmRSS:");
    for (size_t i = 0; i < COUNT(p); i++)
        free(p[i]);
    is_back("300 blocks of 1 MB, idle", before, 300 * MB, DROP);
}

static void one_huge_block_dropped(void)
{
    void *p = opaque(malloc(300 * MB));
    memset(p, 1, 300 * MB);
    long before = proc_status("VmRSS:");
    free(p);
    is_back("one block of 300 MB, idle", before, 300 * MB, 95);
}

static void whole_heap_dropped(void)
{
    size_t sum = build_heap();
    long before = proc_status("VmRSS:");
    for (size_t i = 0; i < blocks; i++)
        drop_block(i);
    if (gort_is_here()) /* a block in one of glibc's caches keeps the end of its heap */
        is_back("the whole heap, idle", before, sum, DROP);
    malloc_trim(0);
    is_back("the whole heap, after malloc_trim", before, sum, 95);
}

/* --- memory that threads leave --- */

enum { THREADS = 4, PER_THREAD = 3500 };

static void *build_and_end(void *arg)
{
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    char **p = (char **)opaque(malloc(PER_THREAD * sizeof *p));
    for (int i = 0; i < PER_THREAD; i++) {
        size_t n = log_uniform(&seed);
        p[i] = (char *)opaque(malloc(n));
        memset(p[i], 1, n);
    }
    long most = proc_status("VmRSS:");
    for (int i = 0; i < PER_THREAD; i++)
        free(p[i]);
    free(p);
    return (void *)(uintptr_t)most;
}

static void threads_end(void)
{
    pthread_t t[THREADS];
    long before = proc_status("VmRSS:"), most = 0;
    for (uintptr_t i = 0; i < THREADS; i++)
        t[i] = thread_start(build_and_end, (void *)(i + 1));
    for (int i = 0; i < THREADS; i++) {
        long seen = (long)(uintptr_t)thread_join(t[i]);
        most = seen > most ? seen : most;
    }
    CHECK(most - before > 60 * 1024);
    if (gort_is_here()) {
        activity(before + (most - before) / 4);
        CHECKF(proc_status("VmRSS:") - before < (most - before) / 4, "%ld of %ld KiB stay after activity",
               proc_status("VmRSS:") - before, most - before);
    }
    malloc_trim(0);
    CHECKF(proc_status("VmRSS:") - before < (most - before) / 8, "%ld of %ld KiB stay after malloc_trim",
           proc_status("VmRSS:") - before, most - before);
}

/* --- what is given back can be had again, and what is small stays small --- */

static void up_and_down(void)
{
    long peak = 0;
    for (int i = 0; i < 4; i++) {
        build_heap();
        long now = proc_status("VmRSS:");
        if (i == 0)
            peak = now;
        CHECKF(now < peak + peak / 10, "round %d: %ld KiB, first peak %ld KiB", i, now, peak);
        drop_by_age();
        if (i % 2)
            malloc_trim(0);
        survivors_are_good();
        for (size_t k = 0; k < blocks; k++)
            if (block[k].p)
                drop_block(k);
    }
}

static void trim_of_a_small_heap(void)
{
    for (int i = 0; i < 200; i++) {
        free(opaque(malloc(100 + (size_t)i * 50)));
        malloc_trim((size_t)i * 4096);
    }
    CHECK(malloc_trim(SIZE_MAX) >= 0);
    CHECK(proc_status("VmRSS:") < 64 * 1024);
}

int main(void)
{
    watchdog(60);
    in_child("trim of a small heap", trim_of_a_small_heap);
    in_child("by age", by_age);
    in_child("at random", at_random);
    in_child("large blocks dropped", large_blocks_dropped);
    in_child("one huge block dropped", one_huge_block_dropped);
    in_child("whole heap dropped", whole_heap_dropped);
    in_child("threads end", threads_end);
    in_child("up and down", up_and_down);
    return check_done();
}
