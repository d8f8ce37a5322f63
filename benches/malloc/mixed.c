/*
 * A working set with mixed lifetimes, as compilers and interpreters have it: most blocks die young,
 * some live long, sizes follow a steep distribution. Five thousand are live at a time.
 */
#include "bench.h"

enum { LIVE = 5000, YOUNG = 64 };

static char *old_blocks[LIVE];
static char *young[YOUNG];

static char *fresh(Random *r)
{
    uint64_t dice = random_next(r);
    size_t size = (dice & 15) == 0 ? random_size(r, 512, 8192)
                  : (dice & 3) == 0 ? random_size(r, 64, 512)
                                    : random_size(r, 8, 96);
    char *p = take(size);
    p[0] = (char)size;
    p[size - 1] = (char)dice;
    return p;
}

int main(int argc, char **argv)
{
    Random r = {3};
    long steps = scaled(argc, argv, 40 * 1000 * 1000);
    uint64_t sum = 0;
    for (int i = 0; i < LIVE; i++)
        old_blocks[i] = fresh(&r);
    for (int i = 0; i < YOUNG; i++)
        young[i] = fresh(&r);
    for (long s = 0; s < steps; s++) {
        char **slot = s % 8 == 0 ? &old_blocks[random_below(&r, LIVE)] : &young[random_below(&r, YOUNG)];
        sum += (unsigned char)(*slot)[0];
        give(*slot);
        *slot = fresh(&r);
    }
    for (int i = 0; i < LIVE; i++)
        give(old_blocks[i]);
    for (int i = 0; i < YOUNG; i++)
        give(young[i]);
    report(sum);
    return 0;
}
