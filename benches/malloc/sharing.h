/* The loop of both false-sharing workloads: a small block is written many times, then replaced. */
#ifndef GORT_BENCH_SHARING_H
#define GORT_BENCH_SHARING_H

#include "bench.h"

enum { SHARERS = 4, WRITES = 200 };

static inline uint64_t write_and_replace(volatile char *p, long blocks)
{
    uint64_t sum = 0;
    for (long b = 0; b < blocks; b++) {
        for (int w = 0; w < WRITES; w++)
            p[w % 8] = (char)(p[w % 8] + 1);
        sum += (unsigned char)p[0];
        give((void *)p);
        p = take(8);
        memset((void *)p, 0, 8);
    }
    give((void *)p);
    return sum;
}

#endif
