/*
 * What the workloads share: a generator of random numbers, barriers against the optimiser, and the
 * report of the memory that the process still holds.
 *
 * A workload does a fixed amount of work and prints two lines: a checksum of what it computed, which
 * must be the same on every allocator, and its resident memory after it has freed what it frees.
 * The only argument is the amount of work in percent; live sizes do not depend on it.
 */
#ifndef GORT_BENCH_H
#define GORT_BENCH_H

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Random numbers: a Weyl sequence through a 64-bit mixer. One generator a thread. */
typedef struct {
    uint64_t state;
} Random;

static inline uint64_t random_next(Random *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 32)) * 0xd6e8feb86659fd93u;
    z = (z ^ (z >> 32)) * 0xd6e8feb86659fd93u;
    return z ^ (z >> 32);
}

/* A number below `n`. */
static inline uint32_t random_below(Random *r, uint32_t n)
{
    return (uint32_t)(((random_next(r) >> 32) * n) >> 32);
}

/* A size in [low, high): every doubling equally often, so small sizes dominate as in real programs. */
static inline size_t random_size(Random *r, size_t low, size_t high)
{
    unsigned doublings = 0;
    while ((low << (doublings + 1)) < high)
        doublings++;
    size_t base = low << random_below(r, doublings + 1);
    size_t size = base + random_below(r, (uint32_t)base);
    return size < high ? size : high - 1;
}

/* Tells the optimiser that the block is used elsewhere. */
static inline void escape(const void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

static inline void *take(size_t size)
{
    void *p = malloc(size);
    if (p == NULL) {
        fputs("out of memory\n", stderr);
        exit(2);
    }
    escape(p);
    return p;
}

static inline void give(void *p)
{
    escape(p);
    free(p);
}

/* `full` scaled by the percentage on the command line; at least one. */
static inline long scaled(int argc, char **argv, long full)
{
    long percent = argc > 1 ? atol(argv[1]) : 100;
    long n = full * percent / 100;
    return n > 0 ? n : 1;
}

/* Kilobytes resident now. `smaps_rollup` is exact; the counters of `statm` lag by CPU. */
static inline long resident_kb(void)
{
    static char text[4096];
    int fd = open("/proc/self/smaps_rollup", O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return -1;
    text[n] = 0;
    const char *line = strstr(text, "\nRss:");
    return line ? strtol(line + 5, NULL, 10) : -1;
}

/* The last act of a workload. Formats by hand: stdio would allocate a buffer first. */
static inline void report(uint64_t checksum)
{
    long kb = resident_kb();
    char line[96];
    int n = snprintf(line, sizeof line, "checksum %llx\nresident_kb %ld\n", (unsigned long long)checksum, kb);
    if (write(1, line, (size_t)n) != n)
        _exit(2);
}

static inline pthread_t spawn(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, argument) != 0) {
        fputs("no thread\n", stderr);
        exit(2);
    }
    return thread;
}

#endif
