/* Bursts: 20,000 blocks of small mixed sizes are taken, then freed in random order. */
#include "bench.h"

enum { BLOCKS = 20000, ORDERS = 8 };

static uint32_t orders[ORDERS][BLOCKS];
static uint16_t sizes[ORDERS][BLOCKS];
static char *blocks[BLOCKS];

static void shuffle(uint32_t *order, Random *r)
{
    for (uint32_t i = 0; i < BLOCKS; i++)
        order[i] = i;
    for (uint32_t i = BLOCKS - 1; i > 0; i--) {
        uint32_t j = random_below(r, i + 1), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
}

int main(int argc, char **argv)
{
    Random r = {1};
    for (int o = 0; o < ORDERS; o++) {
        shuffle(orders[o], &r);
        for (int i = 0; i < BLOCKS; i++)
            sizes[o][i] = (uint16_t)random_size(&r, 16, 512);
    }
    long bursts = scaled(argc, argv, 3000);
    uint64_t sum = 0;
    for (long b = 0; b < bursts; b++) {
        const uint16_t *size = sizes[b % ORDERS];
        for (int i = 0; i < BLOCKS; i++) {
            blocks[i] = take(size[i]);
            blocks[i][0] = (char)i;
            blocks[i][size[i] - 1] = (char)b;
        }
        const uint32_t *order = orders[(b + 3) % ORDERS];
        for (int i = 0; i < BLOCKS; i++) {
            sum += (unsigned char)blocks[order[i]][0];
            give(blocks[order[i]]);
        }
    }
    report(sum);
    return 0;
}
