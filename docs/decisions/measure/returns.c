/* Measures decision 0004: how a batch of scattered blocks goes back to the bitmaps of their spans.
 *
 *   cc -O2 -pthread returns.c -o returns && ./returns
 *
 * "lock": one lock for the class, taken once a batch; the records are brought into the cache first, then plain bits are
 * set. "atomic": no lock; each block is one atomic OR into its span's bitmap and one atomic addition to its count. Both
 * return every block of all spans in random order, in batches of 30, from one thread and from two. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 30, BLOCKS = 128, SIZE = 64, SPAN = BLOCKS * SIZE };

struct span {
    uint32_t size, magic;
    _Atomic uint32_t free;
    uint32_t pad[5];
    _Atomic uint64_t bits[12];
};
_Static_assert(sizeof(struct span) == 128, "two lines, as in gort-mspan");

static struct span *spans;
static uint32_t *order, spans_count, threads_count;
static atomic_int lock_word;
static int with_lock;

static void return_locked(const uint32_t *blocks)
{
    while (atomic_exchange_explicit(&lock_word, 1, memory_order_acquire))
        while (atomic_load_explicit(&lock_word, memory_order_relaxed))
            __builtin_ia32_pause();
    for (int i = 0; i < BATCH; i++) {
        __builtin_prefetch(&spans[blocks[i] / BLOCKS], 1);
        __builtin_prefetch(&spans[blocks[i] / BLOCKS].bits, 1);
    }
    for (int i = 0; i < BATCH; i++) {
        struct span *span = &spans[blocks[i] / BLOCKS];
        uint32_t index = (uint64_t)(blocks[i] % BLOCKS * SIZE) * span->magic >> 32;
        uint64_t *word = (uint64_t *)&span->bits[index / 64], bit = 1ull << (index % 64);
        if (*word & bit)
            abort();
        *word |= bit;
        *(uint32_t *)&span->free += 1;
    }
    atomic_store_explicit(&lock_word, 0, memory_order_release);
}

static void return_atomically(const uint32_t *blocks)
{
    for (int i = 0; i < BATCH; i++) {
        __builtin_prefetch(&spans[blocks[i] / BLOCKS], 1);
        __builtin_prefetch(&spans[blocks[i] / BLOCKS].bits, 1);
    }
    for (int i = 0; i < BATCH; i++) {
        struct span *span = &spans[blocks[i] / BLOCKS];
        uint32_t index = (uint64_t)(blocks[i] % BLOCKS * SIZE) * span->magic >> 32;
        uint64_t bit = 1ull << (index % 64);
        if (atomic_fetch_or_explicit(&span->bits[index / 64], bit, memory_order_release) & bit)
            abort();
        atomic_fetch_add_explicit(&span->free, 1, memory_order_acq_rel);
    }
}

static void *run(void *arg)
{
    size_t batches = (size_t)spans_count * BLOCKS / BATCH;
    for (size_t batch = (size_t)arg; batch < batches; batch += threads_count)
        (with_lock ? return_locked : return_atomically)(&order[batch * BATCH]);
    return NULL;
}

static double once(void)
{
    struct timespec start, end;
    pthread_t threads[2];
    for (uint32_t i = 0; i < spans_count; i++) {
        memset(&spans[i], 0, sizeof spans[i]);
        spans[i].size = SIZE;
        spans[i].magic = UINT32_MAX / SIZE + 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (size_t i = 1; i < threads_count; i++)
        pthread_create(&threads[i], NULL, run, (void *)i);
    run((void *)0);
    for (size_t i = 1; i < threads_count; i++)
        pthread_join(threads[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &end);
    double ns = (end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec);
    return ns / ((size_t)spans_count * BLOCKS);
}

static int by_value(const void *a, const void *b)
{
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

int main(void)
{
    printf("ns a block, wall time, median of 9\n%10s %8s %8s %8s\n", "spans", "threads", "lock", "atomic");
    for (spans_count = 1 << 10; spans_count <= 1 << 17; spans_count <<= 7) {
        size_t blocks = (size_t)spans_count * BLOCKS;
        spans = aligned_alloc(128, spans_count * sizeof *spans);
        order = malloc(blocks * sizeof *order);
        for (size_t i = 0; i < blocks; i++)
            order[i] = i;
        uint64_t random = 1;
        for (size_t i = blocks - 1; i > 0; i--) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            size_t j = (random >> 20) % (i + 1);
            uint32_t swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
        for (threads_count = 1; threads_count <= 2; threads_count++) {
            double times[2][9];
            for (int round = 0; round < 9; round++)
                for (with_lock = 0; with_lock < 2; with_lock++)
                    times[with_lock][round] = once();
            qsort(times[0], 9, sizeof(double), by_value);
            qsort(times[1], 9, sizeof(double), by_value);
            printf("%10u %8u %8.1f %8.1f\n", spans_count, threads_count, times[1][4], times[0][4]);
        }
        free(spans);
        free(order);
    }
}
