/* Blocks of 0.5 to 8 MB, 24 live, replaced at random; every page of a block is written once. */
#include "bench.h"

enum { LIVE = 24, PAGE = 4096 };

static char *blocks[LIVE];

static char *fresh(Random *r)
{
    size_t size = random_size(r, 512 * 1024, 8 * 1024 * 1024);
    char *p = take(size);
    for (size_t at = 0; at < size; at += PAGE)
        p[at] = (char)(at >> 12);
    memset(p, (int)(size >> 12), 64 * 1024);
    return p;
}

int main(int argc, char **argv)
{
    Random r = {7};
    long steps = scaled(argc, argv, 4000);
    uint64_t sum = 0;
    for (int i = 0; i < LIVE; i++)
        blocks[i] = fresh(&r);
    for (long s = 0; s < steps; s++) {
        char **slot = &blocks[random_below(&r, LIVE)];
        sum += (unsigned char)(*slot)[0];
        give(*slot);
        *slot = fresh(&r);
    }
    for (int i = 0; i < LIVE; i++)
        give(blocks[i]);
    report(sum);
    return 0;
}
