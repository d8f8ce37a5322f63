/* What the language benchmarks share: CPU time of the best of several rounds, a line for each row. */
#ifndef LANG_H
#define LANG_H

#include <stdio.h>
#include <time.h>

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Runs the statement n times, ROUNDS times over, and prints the fastest round: `name nanoseconds`. */
#define ROUNDS 7
#define ROW(name, n, statement)                                   \
    do {                                                          \
        double best_ = 1e18;                                      \
        for (int round_ = 0; round_ < ROUNDS; round_++) {         \
            double start_ = cpu_ns();                             \
            for (long i_ = 0; i_ < (n); i_++) {                   \
                statement;                                        \
            }                                                     \
            double took_ = (cpu_ns() - start_) / (double)(n);     \
            best_ = took_ < best_ ? took_ : best_;                \
        }                                                         \
        printf("%s %.3f\n", (name), best_);                       \
    } while (0)

#endif
