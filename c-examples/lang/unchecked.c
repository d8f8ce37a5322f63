/* (C only) The frames that stale.c leaves behind, in an ordinary build: dropped without a word. */
#define _POSIX_C_SOURCE 200809L
#define UNCHECKED
#define main stale_main
#include "stale.c"
#undef main
#include <unistd.h>

int main(void)
{
    /* A report would stand among the output. */
    dup2(1, 2);
    return stale_main();
}
