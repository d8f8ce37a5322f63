/* A program linked with gort: malloc is gort's, and so is what the C library allocates. (C only) */
#define _POSIX_C_SOURCE 200809L
#include <gort.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    go_malloc_stats_t before = {.size = sizeof before}, after = {.size = sizeof after};
    go_malloc_stats(&before);
    void *mine = malloc(50);
    char *text = strdup("allocated by the C library");
    go_malloc_stats(&after);
    printf("%zu blocks, both of gort\n", after.live_blocks - before.live_blocks);
    free(text);
    go_free(mine); /* the same as free */
    return 0;
}
