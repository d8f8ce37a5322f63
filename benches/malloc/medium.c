/* Blocks of 4 to 256 KB, filled to the half, 400 live, replaced at random: buffers and images. */
#include "bench.h"

enum { LIVE = 400 };

static char *blocks[LIVE];

static char *fresh(Random *r)
{
    size_t size = random_size(r, 4096, 256 * 1024);
    char *p = take(size);
    memset(p, (int)(size >> 8), size / 2);
    return p;
}

int main(int argc, char **argv)
{
    Random r = {6};
    long steps = scaled(argc, argv, 800 * 1000);
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
