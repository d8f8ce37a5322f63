/* What threads cost: `threads MODE COUNT`.
 *
 *   plain   COUNT threads wait, having allocated nothing
 *   little  COUNT threads wait, each having allocated and freed a little of some sizes, and keeping one block
 *   turns   COUNT threads one after the other do the same
 *
 * Prints the resident and the virtual size before and then, in KiB; for `turns` "before" is after the first 100.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_barrier_t ready, done;
static int allocates, waits;

static long field(const char *name)
{
    char line[256];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtol(line + strlen(name), NULL, 10);
    if (f)
        fclose(f);
    return kib;
}

static void *volatile sink;

static void *a_little(void *kept)
{
    static const size_t sizes[] = {16, 24, 40, 64, 100, 200, 400, 800};
    if (allocates) {
        void *blocks[8];
        for (int i = 0; i < 8; i++)
            memset(sink = blocks[i] = malloc(sizes[i]), 1, sizes[i]);
        for (int i = 0; i < 8; i++)
            free(blocks[i]);
        *(void **)kept = malloc(100);
    }
    if (waits) {
        pthread_barrier_wait(&ready);
        pthread_barrier_wait(&done);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 64;
    int count = atoi(argv[2]);
    waits = strcmp(argv[1], "turns") != 0;
    allocates = strcmp(argv[1], "plain") != 0;
    pthread_t *threads = calloc(count, sizeof *threads);
    void **kept = calloc(count, sizeof *kept);
    memset(threads, 1, count * sizeof *threads);
    memset(kept, 1, count * sizeof *kept);
    pthread_barrier_init(&ready, NULL, count + 1);
    pthread_barrier_init(&done, NULL, count + 1);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 128 << 10);
    long before = field("VmRSS:"), space = field("VmSize:");
    for (int i = 0; i < count; i++) {
        if (pthread_create(&threads[i], &attr, a_little, &kept[i]))
            return 1;
        if (!waits) {
            pthread_join(threads[i], NULL);
            free(kept[i]);
            if (i == 99)
                before = field("VmRSS:"), space = field("VmSize:");
        }
    }
    if (waits)
        pthread_barrier_wait(&ready);
    printf("%ld %ld %ld %ld\n", before, field("VmRSS:"), space, field("VmSize:"));
    if (waits)
        pthread_barrier_wait(&done);
    for (int i = 0; waits && i < count; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
