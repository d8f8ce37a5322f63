/* Asks the allocator what it holds, before and after work, and gives memory back. (C only) */
#include <gort.h>
#include <stdio.h>

static go_malloc_stats_t stats(void)
{
    go_malloc_stats_t now = {.size = sizeof now};
    go_malloc_stats(&now);
    return now;
}

int main(void)
{
    enum { COUNT = 10000 };
    static void *blocks[COUNT];
    puts("blocks of 1,000 bytes"); /* the first output allocates its buffer */
    size_t live = stats().live_blocks;
    for (int i = 0; i < COUNT; i++)
        blocks[i] = go_malloc(1000);
    printf("%zu blocks more\n", stats().live_blocks - live);
    for (int i = 0; i < COUNT; i++)
        go_free(blocks[i]);
    printf("%zu blocks more\n", stats().live_blocks - live);

    go_malloc_trim();
    printf("less than 1 MiB free and not given back: %s\n", stats().free_bytes < 1 << 20 ? "yes" : "no");
    return 0;
}
