/* MA-8: the operators of C++ need no libstdc++: a C program finds and uses them.
 *
 * The names are weak, so that the program links anywhere; where the allocator is not gort it is skipped.
 */
#define ITEM "MA-8 (C)"
#include "support.h"

#include <malloc.h>

struct nothrow { /* std::nothrow_t: passed by address, never read */
    char none;
};

#define WEAK __attribute__((weak))
extern void *_Znwm(size_t) WEAK;
extern void *_Znam(size_t) WEAK;
extern void *_ZnwmRKSt9nothrow_t(size_t, const struct nothrow *) WEAK;
extern void *_ZnamRKSt9nothrow_t(size_t, const struct nothrow *) WEAK;
extern void *_ZnwmSt11align_val_t(size_t, size_t) WEAK;
extern void *_ZnamSt11align_val_t(size_t, size_t) WEAK;
extern void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t, size_t, const struct nothrow *) WEAK;
extern void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t, size_t, const struct nothrow *) WEAK;
extern void _ZdlPv(void *) WEAK;
extern void _ZdaPv(void *) WEAK;
extern void _ZdlPvm(void *, size_t) WEAK;
extern void _ZdaPvm(void *, size_t) WEAK;
extern void _ZdlPvRKSt9nothrow_t(void *, const struct nothrow *) WEAK;
extern void _ZdaPvRKSt9nothrow_t(void *, const struct nothrow *) WEAK;
extern void _ZdlPvSt11align_val_t(void *, size_t) WEAK;
extern void _ZdaPvSt11align_val_t(void *, size_t) WEAK;
extern void _ZdlPvmSt11align_val_t(void *, size_t, size_t) WEAK;
extern void _ZdaPvmSt11align_val_t(void *, size_t, size_t) WEAK;
extern void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *, size_t, const struct nothrow *) WEAK;
extern void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *, size_t, const struct nothrow *) WEAK;

static void *good(void *p, size_t n, size_t align)
{
    p = opaque(p);
    CHECKF(p && aligned_to(p, align) && malloc_usable_size(p) >= n, "size %zu, alignment %zu", n, align);
    memset(p, 1, n);
    return p;
}

static void no_libstdcxx_is_mapped(void)
{
    char line[64 * KB];
    int fd = open("/proc/self/maps", O_RDONLY);
    ssize_t n, kept = 0;
    while ((n = read(fd, line + kept, sizeof line - 1 - (size_t)kept)) > 0) {
        n += kept;
        line[n] = 0;
        CHECK(strstr(line, "libstdc++") == NULL);
        kept = n < 100 ? n : 100; /* a name may straddle two reads */
        memmove(line, line + n - kept, (size_t)kept);
    }
    close(fd);
}

int main(void)
{
    static const struct nothrow no;
    watchdog(60);
    if (!gort_is_here())
        check_skip("the allocator is not gort");
    for (size_t n = 1; n < 3 * MB; n = 3 * n + 1) {
        _ZdlPv(good(_Znwm(n), n, 16));
        _ZdaPv(good(_Znam(n), n, 16));
        _ZdlPvm(good(_Znwm(n), n, 16), n);
        _ZdaPvm(good(_Znam(n), n, 16), n);
        _ZdlPvRKSt9nothrow_t(good(_ZnwmRKSt9nothrow_t(n, &no), n, 16), &no);
        _ZdaPvRKSt9nothrow_t(good(_ZnamRKSt9nothrow_t(n, &no), n, 16), &no);
        _ZdlPvSt11align_val_t(good(_ZnwmSt11align_val_t(n, 256), n, 256), 256);
        _ZdaPvSt11align_val_t(good(_ZnamSt11align_val_t(n, 256), n, 256), 256);
        _ZdlPvmSt11align_val_t(good(_ZnwmSt11align_val_t(n, 64), n, 64), n, 64);
        _ZdaPvmSt11align_val_t(good(_ZnamSt11align_val_t(n, 64), n, 64), n, 64);
        _ZdlPvSt11align_val_tRKSt9nothrow_t(good(_ZnwmSt11align_val_tRKSt9nothrow_t(n, 4096, &no), n, 4096), 4096, &no);
        _ZdaPvSt11align_val_tRKSt9nothrow_t(good(_ZnamSt11align_val_tRKSt9nothrow_t(n, 4096, &no), n, 4096), 4096, &no);
    }
    CHECK(_ZnwmRKSt9nothrow_t(opaque_size(SIZE_MAX), &no) == NULL);
    CHECK(_ZnamRKSt9nothrow_t(opaque_size(SIZE_MAX), &no) == NULL);
    CHECK(_ZnwmSt11align_val_tRKSt9nothrow_t(opaque_size(SIZE_MAX), 64, &no) == NULL);
    CHECK(_ZnamSt11align_val_tRKSt9nothrow_t(opaque_size(SIZE_MAX), 64, &no) == NULL);
    no_libstdcxx_is_mapped();
    return check_done();
}
