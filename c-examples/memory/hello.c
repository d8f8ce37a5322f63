/* The example of README.md. (C only) */
#include <gort.h>
#include <stdio.h>

int main(void)
{
    char *name = go_malloc(100);
    snprintf(name, 100, "a block of %zu bytes", go_usable_size(name));
    puts(name);
    go_free(name);
}
