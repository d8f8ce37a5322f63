/* MA-11: every name of the family is there, in every mode, and they are one family: what one gives, any other takes.
 *
 * Skipped where the allocator is not gort: then only some of the names exist.
 */
#define ITEM "MA-11 (names)"
#include "support.h"

#include <malloc.h>

#define WEAK __attribute__((weak))
/* Declared here as data: only their addresses are asked for. */
#define EACH_NAME(x)                                                                                                   \
    x(cfree) x(free_sized) x(free_aligned_sized) x(__libc_malloc) x(__libc_calloc) x(__libc_realloc) x(__libc_free)    \
    x(__libc_memalign) x(__libc_valloc) x(__libc_pvalloc) x(__posix_memalign)                                          \
    x(_Znwm) x(_Znam) x(_ZnwmRKSt9nothrow_t) x(_ZnamRKSt9nothrow_t) x(_ZnwmSt11align_val_t) x(_ZnamSt11align_val_t)    \
    x(_ZnwmSt11align_val_tRKSt9nothrow_t) x(_ZnamSt11align_val_tRKSt9nothrow_t)                                        \
    x(_ZdlPv) x(_ZdaPv) x(_ZdlPvm) x(_ZdaPvm) x(_ZdlPvRKSt9nothrow_t) x(_ZdaPvRKSt9nothrow_t)                          \
    x(_ZdlPvSt11align_val_t) x(_ZdaPvSt11align_val_t) x(_ZdlPvmSt11align_val_t) x(_ZdaPvmSt11align_val_t)              \
    x(_ZdlPvSt11align_val_tRKSt9nothrow_t) x(_ZdaPvSt11align_val_tRKSt9nothrow_t)                                      \
    x(go_calloc) x(go_realloc) x(go_free) x(go_aligned_alloc) x(go_usable_size) x(go_malloc_trim) x(go_malloc_stats)   \
    x(go_malloc_stats_print) x(go_heap_profile)

#define DECLARE(name) extern char name##_address __asm__(#name) WEAK;
EACH_NAME(DECLARE)

extern void cfree(void *) WEAK;
extern void free_sized(void *, size_t) WEAK;
extern void free_aligned_sized(void *, size_t, size_t) WEAK;
extern void *__libc_malloc(size_t) WEAK;
extern void *__libc_calloc(size_t, size_t) WEAK;
extern void *__libc_realloc(void *, size_t) WEAK;
extern void __libc_free(void *) WEAK;
extern void *__libc_memalign(size_t, size_t) WEAK;
extern void *__libc_valloc(size_t) WEAK;
extern void *__libc_pvalloc(size_t) WEAK;
extern int __posix_memalign(void **, size_t, size_t) WEAK;
extern void *_Znwm(size_t) WEAK;
extern void _ZdlPv(void *) WEAK;
extern void *go_calloc(size_t, size_t) WEAK;
extern void *go_realloc(void *, size_t) WEAK;
extern void go_free(void *) WEAK;
extern void *go_aligned_alloc(size_t, size_t) WEAK;
extern size_t go_usable_size(const void *) WEAK;
extern int go_malloc_trim(void) WEAK;
extern int go_malloc_stats_print(int) WEAK;

static void every_name_is_there(void)
{
#define THERE(name) CHECKF(&name##_address != NULL, "%s", #name);
    EACH_NAME(THERE)
}

static void *ask(int way, size_t n)
{
    void *p = NULL;
    switch (way) {
    case 0: return malloc(n);
    case 1: return calloc(1, n);
    case 2: return realloc(NULL, n);
    case 3: return aligned_alloc(64, n);
    case 4: return memalign(256, n);
    case 5: return valloc(n);
    case 6: return pvalloc(n);
    case 7: return __libc_malloc(n);
    case 8: return __libc_calloc(n, 1);
    case 9: return __libc_realloc(NULL, n);
    case 10: return __libc_memalign(64, n);
    case 11: return __libc_valloc(n);
    case 12: return __libc_pvalloc(n);
    case 13: return __posix_memalign(&p, 64, n) == 0 ? p : NULL;
    case 14: return _Znwm(n);
    case 15: return go_malloc(n);
    case 16: return go_calloc(n, 1);
    case 17: return go_realloc(NULL, n);
    case 18: return go_aligned_alloc(64, n);
    default: return reallocarray(NULL, n, 1);
    }
}

static void give(int way, void *p)
{
    switch (way) {
    case 0: free(p); break;
    case 1: cfree(p); break;
    case 2: __libc_free(p); break;
    case 3: go_free(p); break;
    case 4: _ZdlPv(p); break;
    case 5: CHECK(go_realloc(p, 0) == NULL); break;
    case 6: CHECK(__libc_realloc(p, opaque_size(0)) == NULL); break;
    default: free(opaque(realloc(p, 10))); break;
    }
}

static void they_are_one_family(void)
{
    for (size_t n = 1; n < MB; n = 3 * n + 1)
        for (int from = 0; from < 20; from++)
            for (int to = 0; to < 8; to++) {
                char *p = (char *)opaque(ask(from, n));
                CHECKF(p && aligned_to(p, 16) && malloc_usable_size(p) >= n, "way %d, size %zu", from, n);
                CHECK(go_usable_size(p) == malloc_usable_size(p));
                memset(p, from, n);
                give(to, p);
            }
}

static void sized_frees(void)
{
    for (size_t n = 0; n < 3 * MB; n = 2 * n + 1) {
        free_sized(opaque(malloc(n)), n);
        free_sized(opaque(calloc(1, n)), n);
        free_sized(opaque(realloc(opaque(malloc(50)), n + 1)), n + 1);
        free_aligned_sized(opaque(aligned_alloc(512, n)), 512, n);
        free_aligned_sized(opaque(aligned_alloc(64 * KB, n)), 64 * KB, n);
    }
    free_sized(opaque(NULL), 100);
    free_aligned_sized(opaque(NULL), 64, 100);
    cfree(opaque(NULL));
    go_free(opaque(NULL));
    CHECK(go_usable_size(opaque(NULL)) == 0);
}

/* The prefixed twins keep the rules of the plain names. */
static void twins_behave(void)
{
    errno = 0;
    CHECK(go_malloc(opaque_size(SIZE_MAX)) == NULL && errno_now() == ENOMEM);
    errno = 0;
    CHECK(go_calloc(opaque_size(SIZE_MAX / 2), 3) == NULL && errno_now() == ENOMEM);
    errno = 0;
    CHECK(go_aligned_alloc(opaque_size(24), 24) == NULL && errno_now() == EINVAL);
    char *p = (char *)opaque(go_malloc(100));
    pattern_fill(p, 100, 1);
    errno = 0;
    CHECK(go_realloc(opaque(p), opaque_size(SIZE_MAX)) == NULL && errno_now() == ENOMEM);
    CHECK(pattern_holds(p, 100, 1) == 100);
    p = (char *)opaque(go_realloc(p, 100000));
    CHECK(pattern_holds(p, 100, 1) == 100);
    errno = 0x5a5a;
    go_free(p);
    CHECK(errno_now() == 0x5a5a);
    p = (char *)opaque(go_malloc(0));
    CHECK(p != NULL);
    go_free(p);
    CHECK(go_malloc_trim() >= 0);
    int null = open("/dev/null", O_WRONLY);
    CHECK(go_malloc_stats_print(null) == 0);
    close(null);
}

int main(void)
{
    watchdog(60);
    if (!gort_is_here())
        check_skip("the allocator is not gort");
    every_name_is_there();
    if (check_status())
        return check_done();
    they_are_one_family();
    sized_frees();
    twins_behave();
    return check_done();
}
