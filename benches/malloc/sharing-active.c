/* Active false sharing: would the allocator give parts of one cache line to several threads? */
#include "sharing.h"

static long blocks;

static void *sharer(void *unused)
{
    (void)unused;
    char *p = take(8);
    memset(p, 0, 8);
    return (void *)(uintptr_t)write_and_replace(p, blocks);
}

int main(int argc, char **argv)
{
    blocks = scaled(argc, argv, 1500 * 1000);
    pthread_t threads[SHARERS];
    uint64_t sum = 0;
    for (int t = 0; t < SHARERS; t++)
        threads[t] = spawn(sharer, NULL);
    for (int t = 0; t < SHARERS; t++) {
        void *part;
        pthread_join(threads[t], &part);
        sum += (uintptr_t)part;
    }
    report(sum);
    return 0;
}
