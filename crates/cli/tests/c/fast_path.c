/* Calls an allocating and a freeing function, named by its arguments, between two stops.
 *
 * Prints their addresses, stops itself once the calling thread has blocks in store, calls each of the two once, and
 * stops again. Whoever traces it sees the fast paths, instruction by instruction.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>

enum { SIZE = 48, COUNT = 8 };

int main(int argc, char **argv)
{
    if (argc != 3)
        return 64;
    /* A freeing function that takes no size ignores it: it comes in a register. */
    void *(*alloc)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, argv[1]);
    void (*release)(void *, size_t) = (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, argv[2]);
    void *blocks[COUNT];
    if (!alloc || !release)
        return 65;
    printf("%p %p\n", (void *)alloc, (void *)release);
    fflush(stdout);
    for (int i = 0; i < COUNT; i++)
        blocks[i] = alloc(SIZE);
    for (int i = 0; i < COUNT; i++)
        release(blocks[i], SIZE);
    raise(SIGSTOP);
    release(alloc(SIZE), SIZE);
    raise(SIGSTOP);
    return 0;
}
