/*
 * Fragmentation: fill 64 MB with blocks of one range of sizes, free nine of ten at random, fill up
 * with another range, and so on. The memory at the end is taken with the last survivors alive.
 */
#include "bench.h"

enum { SLOTS = 1 << 21 };

static const size_t ranges[][2] = {{24, 64}, {200, 400}, {80, 160}, {1000, 3000}, {32, 48}, {500, 900}};
static const size_t budget = 64u << 20;

static struct {
    char *block;
    uint32_t size;
} slots[SLOTS];
static size_t used, live;

static void fill(Random *r, size_t low, size_t high)
{
    while (live < budget && used < SLOTS) {
        size_t size = low + random_below(r, (uint32_t)(high - low));
        slots[used].block = take(size);
        memset(slots[used].block, (int)used, size);
        slots[used].size = (uint32_t)size;
        used++;
        live += size;
    }
}

static uint64_t thin_out(Random *r)
{
    size_t kept = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < used; i++) {
        if (random_below(r, 10) == 0) {
            slots[kept++] = slots[i];
            continue;
        }
        sum += (unsigned char)slots[i].block[slots[i].size - 1];
        live -= slots[i].size;
        give(slots[i].block);
    }
    used = kept;
    return sum;
}

int main(int argc, char **argv)
{
    Random r = {8};
    long phases = scaled(argc, argv, 18);
    uint64_t sum = 0;
    for (long k = 0; k < phases; k++) {
        const size_t *range = ranges[k % 6];
        fill(&r, range[0], range[1]);
        sum += thin_out(&r);
    }
    report(sum);
    return 0;
}
