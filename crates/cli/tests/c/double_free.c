/* Frees a block twice. */
#include <stdlib.h>

static void (*volatile release)(void *) = free;

int main(void)
{
    void *p = malloc(100), *q = malloc(100);
    release(p);
    release(q);
    release(p);
    return 0;
}
