/* MA-3: what cannot be given is NULL with ENOMEM, and a failed realloc leaves its block untouched.
 *
 * Three reasons to fail: more than PTRDIFF_MAX bytes, a product that overflows, and memory exhausted, for which a child
 * lowers RLIMIT_AS and allocates until nothing is left, frees it all, and starts again.
 */
#define ITEM "MA-3"
#include "support.h"

#include <malloc.h>

static const size_t too_large[] = {
    (size_t)PTRDIFF_MAX + 1, (size_t)PTRDIFF_MAX + 2, (size_t)PTRDIFF_MAX + 4096, SIZE_MAX / 4 * 3,
    SIZE_MAX - 65536,        SIZE_MAX - 8192,         SIZE_MAX - 4096,            SIZE_MAX - 4095,
    SIZE_MAX - 64,           SIZE_MAX - 32,           SIZE_MAX - 16,              SIZE_MAX - 15,
    SIZE_MAX - 8,            SIZE_MAX - 1,            SIZE_MAX,                   (size_t)PTRDIFF_MAX,
    (size_t)PTRDIFF_MAX - 8, (size_t)PTRDIFF_MAX - 4096,
};

/* An expression that must give NULL and ENOMEM. */
#define FAILS(call)                                                                                                    \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        void *got_ = opaque(call);                                                                                     \
        int e_ = errno_now();                                                                                          \
        CHECKF(got_ == NULL, #call " = %p for %zu", got_, n);                                                          \
        CHECKF(e_ == ENOMEM, #call ": errno %d for %zu", e_, n);                                                       \
    } while (0)

static void every_call_refuses(size_t n)
{
    n = opaque_size(n);
    FAILS(malloc(n));
    FAILS(calloc(1, n));
    FAILS(calloc(n, 1));
    FAILS(realloc(NULL, n));
    FAILS(reallocarray(NULL, 1, n));
    FAILS(reallocarray(NULL, n, 1));
    FAILS(valloc(n));
    FAILS(pvalloc(n));
    for (size_t align = 16; align <= GB; align *= 8) {
        FAILS(aligned_alloc(align, n));
        FAILS(memalign(align, n));
        void *out = &out;
        CHECKF(posix_memalign(&out, align, n) == ENOMEM, "align %zu, size %zu", align, n);
    }
}

static void realloc_keeps_the_old_block(size_t n)
{
    static const size_t old[] = {1, 24, 100, 1000, 5000, 40000, 300000, 5000000};
    n = opaque_size(n);
    for (size_t i = 0; i < COUNT(old); i++) {
        char *p = (char *)opaque(malloc(old[i]));
        pattern_fill(p, old[i], i);
        FAILS(realloc(opaque(p), n));
        FAILS(reallocarray(opaque(p), n, 1));
        FAILS(reallocarray(opaque(p), 2, n / 2 + 1));
        FAILS(reallocarray(opaque(p), n, n));
        CHECK(malloc_usable_size(p) >= old[i]);
        CHECK(pattern_holds(p, old[i], i) == old[i]);
        p = (char *)opaque(realloc(opaque(p), old[i] + 100)); /* it is still a block of ours */
        CHECK(p && pattern_holds(p, old[i], i) == old[i]);
        free(p);
    }
}

static void products_that_overflow(void)
{
    static const size_t pairs[][2] = {
        {SIZE_MAX, SIZE_MAX},           {SIZE_MAX, 2},          {SIZE_MAX / 2 + 1, 2}, {SIZE_MAX / 2 + 2, 2},
        {(size_t)1 << 32, (size_t)1 << 32}, {((size_t)1 << 32) + 1, (size_t)1 << 32},  {SIZE_MAX / 3 + 1, 3},
        {SIZE_MAX / 16 + 1, 16},        {SIZE_MAX / 16 + 2, 16}, {SIZE_MAX / 24 + 1, 24}, {(size_t)1 << 63, 2},
        {(size_t)PTRDIFF_MAX / 8 + 1, 8}, {(size_t)PTRDIFF_MAX / 2 + 1, 2}, {SIZE_MAX / 4096 + 1, 4096},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        size_t a = opaque_size(pairs[i][0]), b = opaque_size(pairs[i][1]), n = a;
        FAILS(calloc(a, b));
        FAILS(calloc(b, a));
        FAILS(reallocarray(NULL, a, b));
        FAILS(reallocarray(NULL, b, a));
        char *p = (char *)opaque(malloc(64));
        pattern_fill(p, 64, i);
        FAILS(reallocarray(opaque(p), a, b));
        CHECK(pattern_holds(p, 64, i) == 64);
        free(p);
    }
}

/* Blocks of one list; the link lies in the block itself. */
struct link {
    struct link *next;
};

static void *get_malloc(size_t n) { return malloc(n); }
static void *get_calloc(size_t n) { return calloc(1, n); }
static void *get_realloc(size_t n) { return realloc(NULL, n); }
static void *get_aligned(size_t n) { return aligned_alloc(64, n); }
static void *get_memalign(size_t n) { return memalign(4096, n); }
static void *get_valloc(size_t n) { return valloc(n); }
static void *get_pvalloc(size_t n) { return pvalloc(n); }
static void *get_posix(size_t n)
{
    void *p = NULL;
    int e = posix_memalign(&p, 256, n);
    if (e) {
        CHECK(e == ENOMEM);
        errno = e;
        return NULL;
    }
    return p;
}

static void *(*get)(size_t);
static size_t get_size;

/* Takes blocks until there are no more; the number of them. */
static size_t fill_memory(struct link **list, size_t room)
{
    size_t count = 0;
    for (;;) {
        errno = 0;
        struct link *l = (struct link *)opaque(get(get_size));
        if (!l) {
            CHECK(errno_now() == ENOMEM);
            return count;
        }
        l->next = *list;
        *list = l;
        if (++count * get_size > 2 * room) {
            CHECK(!"the limit stops the heap");
            _exit(1);
        }
    }
}

static void free_list(struct link *list)
{
    while (list) {
        struct link *next = list->next;
        free(list);
        list = next;
    }
}

static void until_nothing_is_left(void)
{
    const size_t room = 64 * MB;
    char *kept = (char *)opaque(malloc(100000));
    pattern_fill(kept, 100000, 1);
    limit_to(RLIMIT_AS, address_space_and(room));
    size_t first = 0;
    for (int round = 0; round < 3; round++) {
        struct link *list = NULL;
        size_t count = fill_memory(&list, room);
        CHECKF(count * get_size > room / 4, "only %zu blocks of %zu", count, get_size);
        errno = 0;
        CHECK(opaque(realloc(opaque(kept), room)) == NULL && errno_now() == ENOMEM);
        CHECK(pattern_holds(kept, 100000, 1) == 100000);
        free_list(list);
        if (round == 0)
            first = count;
        CHECKF(count >= first - first / 8, "round %d: %zu blocks of %zu, at first %zu", round, count, get_size, first);
    }
    void *large = opaque(malloc(room / 4)); /* what was small blocks is room for a large one */
    CHECKF(large != NULL, "no large block after blocks of %zu", get_size);
    free(large);
    free(kept);
}

static void exhaustion(void)
{
    static void *(*const ways[])(size_t) = {get_malloc,   get_calloc, get_realloc, get_aligned,
                                            get_memalign, get_posix,  get_valloc,  get_pvalloc};
    for (size_t w = 0; w < COUNT(ways); w++) {
        get = ways[w];
        get_size = 20000;
        in_child("exhaustion, 20000", until_nothing_is_left);
        get_size = 3 * MB;
        in_child("exhaustion, 3 MB", until_nothing_is_left);
    }
    static const size_t sizes[] = {100, 1024, 9000, 70000, 300000};
    get = get_malloc;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        get_size = sizes[i];
        in_child("exhaustion by malloc", until_nothing_is_left);
    }
}

int main(void)
{
    watchdog(60);
    /* glibc moves its threshold to the largest block freed, and then cannot give back what it cuts from brk */
    CHECK(mallopt(M_MMAP_THRESHOLD, 128 * 1024) == 1);
    for (size_t i = 0; i < COUNT(too_large); i++) {
        every_call_refuses(too_large[i]);
        realloc_keeps_the_old_block(too_large[i]);
    }
    products_that_overflow();
    exhaustion();
    return check_done();
}
