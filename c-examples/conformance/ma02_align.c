/* MA-2: every block is 16-byte aligned, and all of malloc_usable_size(p) >= n is writable.
 *
 * All sizes up to 2 KiB, and the neighbours of every power of two and of three times it up to 16 MiB. Blocks stay alive
 * in a window and are filled to the last usable byte, so that an overlap of any two shows.
 */
#define ITEM "MA-2"
#include "support.h"

#include <malloc.h>

enum { WINDOW = 64 };

static struct {
    unsigned char *p;
    size_t n, usable;
    uint64_t seed;
} live[WINDOW];

static void retire(size_t slot)
{
    if (!live[slot].p)
        return;
    CHECKF(malloc_usable_size(live[slot].p) == live[slot].usable, "usable size of %zu changed", live[slot].n);
    size_t good = pattern_holds(live[slot].p, live[slot].usable, live[slot].seed);
    CHECKF(good == live[slot].usable, "block of %zu, usable %zu, spoiled at %zu", live[slot].n, live[slot].usable,
           good);
    free(live[slot].p);
    live[slot].p = NULL;
}

static void admit(void *p, size_t n)
{
    static uint64_t turn;
    p = opaque(p);
    if (!CHECK(p != NULL))
        return;
    size_t usable = malloc_usable_size(p);
    CHECKF(aligned_to(p, 16), "malloc(%zu) = %p", n, p);
    CHECKF(usable >= n, "usable %zu of %zu", usable, n);
    CHECKF(usable <= 2 * n + 4096, "usable %zu of %zu", usable, n);
    size_t slot = ++turn % WINDOW;
    retire(slot);
    live[slot].p = (unsigned char *)p;
    live[slot].n = n;
    live[slot].usable = usable;
    live[slot].seed = turn;
    pattern_fill(p, usable, turn);
}

static void retire_all(void)
{
    for (size_t i = 0; i < WINDOW; i++)
        retire(i);
}

/* One size, in each of the ways that promise no more than the fundamental alignment. */
static void one_size(size_t n)
{
    admit(malloc(n), n);
    admit(calloc(1, n), n);
    admit(calloc(n, 1), n);
    admit(realloc(NULL, n), n);
    admit(realloc(opaque(malloc(1)), n ? n : 1), n ? n : 1);
    admit(realloc(opaque(malloc(2 * n + 1)), n ? n : 1), n ? n : 1);
    admit(reallocarray(NULL, n, 1), n);
}

static void small_sizes(void)
{
    for (size_t n = 0; n <= 2048; n++)
        one_size(n);
    /* the sizes that an 8-byte and a 24-byte class would get wrong, many of each: every slot of a span is seen */
    static const size_t tricky[] = {1, 2, 7, 8, 9, 13, 15, 16, 17, 23, 24, 25, 40, 43, 48, 123};
    for (size_t i = 0; i < COUNT(tricky); i++)
        for (int k = 0; k < 1200; k++)
            admit(malloc(tricky[i]), tricky[i]);
    retire_all();
}

static void around(size_t n)
{
    for (size_t d = 0; d < 3; d++)
        admit(malloc(n + d - 1), n + d - 1);
    admit(malloc(n + 15), n + 15);
    admit(malloc(n - 8), n - 8);
}

static void larger_sizes(void)
{
    for (size_t n = 4 * KB; n <= 64 * KB; n *= 2) {
        around(n);
        around(n + n / 2);
        around(n + n / 4);
    }
    retire_all();
    for (size_t n = 128 * KB; n <= 16 * MB; n *= 2) {
        around(n);
        retire_all();
    }
}

static void *sizes_on_a_thread(void *arg)
{
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    for (int i = 0; i < 20000; i++) {
        size_t n = random_next(&seed) % 600;
        char *p = (char *)opaque(malloc(n));
        CHECKF(aligned_to(p, 16), "malloc(%zu) = %p", n, (void *)p);
        size_t usable = malloc_usable_size(p);
        CHECK(usable >= n);
        memset(p, 1, usable);
        free(p);
    }
    return NULL;
}

int main(void)
{
    watchdog(60);
    CHECK(malloc_usable_size(opaque(NULL)) == 0);
    small_sizes();
    larger_sizes();
    pthread_t t[4];
    for (size_t i = 0; i < COUNT(t); i++)
        t[i] = thread_start(sizes_on_a_thread, (void *)(i + 1));
    for (size_t i = 0; i < COUNT(t); i++)
        thread_join(t[i]);
    return check_done();
}
