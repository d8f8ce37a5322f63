/* One-size pairs: malloc, one store, free, for four sizes in turn. The plainest fast path. */
#include "bench.h"

int main(int argc, char **argv)
{
    static const size_t sizes[] = {16, 64, 256, 1024};
    long pairs = scaled(argc, argv, 25 * 1000 * 1000);
    uint64_t sum = 0;
    for (unsigned s = 0; s < 4; s++)
        for (long i = 0; i < pairs; i++) {
            uint64_t *p = take(sizes[s]);
            p[0] = (uint64_t)i;
            escape(p);
            sum += p[0];
            give(p);
        }
    report(sum);
    return 0;
}
