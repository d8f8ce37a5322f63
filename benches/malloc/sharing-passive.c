/*
 * Passive false sharing: blocks that one thread allocated side by side are freed by several; would
 * these then get parts of one cache line again?
 */
#include "sharing.h"

static long blocks;

static void *sharer(void *argument)
{
    return (void *)(uintptr_t)write_and_replace(argument, blocks);
}

int main(int argc, char **argv)
{
    blocks = scaled(argc, argv, 1500 * 1000);
    pthread_t threads[SHARERS];
    char *first[SHARERS];
    uint64_t sum = 0;
    for (int t = 0; t < SHARERS; t++) {
        first[t] = take(8);
        memset(first[t], 0, 8);
    }
    for (int t = 0; t < SHARERS; t++)
        threads[t] = spawn(sharer, first[t]);
    for (int t = 0; t < SHARERS; t++) {
        void *part;
        pthread_join(threads[t], &part);
        sum += (uintptr_t)part;
    }
    report(sum);
    return 0;
}
