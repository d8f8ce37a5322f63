/* A million live blocks, replaced at random: the allocator's data no longer fits any cache. */
#include "bench.h"

enum { LIVE = 1000 * 1000 };

static char *blocks[LIVE];

static char *fresh(Random *r)
{
    size_t size = random_size(r, 16, 256);
    char *p = take(size);
    memset(p, (int)size, size < 64 ? size : 64);
    return p;
}

int main(int argc, char **argv)
{
    Random r = {2};
    long steps = scaled(argc, argv, 6 * 1000 * 1000);
    uint64_t sum = 0;
    for (int i = 0; i < LIVE; i++)
        blocks[i] = fresh(&r);
    for (long s = 0; s < steps; s++) {
        uint32_t i = random_below(&r, LIVE);
        sum += (unsigned char)blocks[i][0];
        give(blocks[i]);
        blocks[i] = fresh(&r);
    }
    for (int i = 0; i < LIVE; i++)
        give(blocks[i]);
    report(sum);
    return 0;
}
