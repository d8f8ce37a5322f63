/* Short-lived threads: four at a time, each takes two hundred small blocks, frees them, and ends. */
#include "bench.h"

enum { AT_ONCE = 4, BLOCKS = 200 };

static void *life(void *argument)
{
    Random r = {(uintptr_t)argument};
    char *blocks[BLOCKS];
    uint64_t sum = 0;
    for (int i = 0; i < BLOCKS; i++) {
        size_t size = random_size(&r, 16, 1024);
        blocks[i] = take(size);
        blocks[i][0] = (char)size;
    }
    for (int i = 0; i < BLOCKS; i++) {
        sum += (unsigned char)blocks[i][0];
        give(blocks[i]);
    }
    return (void *)(uintptr_t)sum;
}

int main(int argc, char **argv)
{
    long rounds = scaled(argc, argv, 5000);
    pthread_t threads[AT_ONCE];
    uint64_t sum = 0;
    for (long k = 0; k < rounds; k++) {
        for (int t = 0; t < AT_ONCE; t++)
            threads[t] = spawn(life, (void *)(uintptr_t)(k * AT_ONCE + t + 1));
        for (int t = 0; t < AT_ONCE; t++) {
            void *part;
            pthread_join(threads[t], &part);
            sum += (uintptr_t)part;
        }
    }
    report(sum);
    return 0;
}
