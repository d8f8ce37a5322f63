/* calloc: tables and records that must be zero, from 32 bytes to 512 KB; a part of each is written. */
#include "bench.h"

enum { LIVE = 1000 };

static char *blocks[LIVE];

static char *fresh(Random *r)
{
    uint64_t dice = random_next(r) & 255;
    size_t size = dice == 0 ? random_size(r, 64 * 1024, 512 * 1024)
                  : dice < 8 ? random_size(r, 4096, 65536)
                             : random_size(r, 32, 1024);
    char *p = calloc(size / 16, 16);
    if (p == NULL)
        exit(2);
    escape(p);
    size &= ~(size_t)15;
    p[0] = (char)(p[size - 1] + p[size / 2] + 1);
    memset(p + size / 4, 7, size / 4);
    return p;
}

int main(int argc, char **argv)
{
    Random r = {10};
    long steps = scaled(argc, argv, 8 * 1000 * 1000);
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
