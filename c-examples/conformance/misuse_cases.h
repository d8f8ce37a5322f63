/* misuse_cases.h: the table of misuses of MA-14, for misuse.c (one case by hand) and ma14_misuse.c (all, checked).
 *
 * A case runs on a thread of its own. It says on standard output what it is about to do, "call free 0x7f0012345678",
 * and "returned" if the call came back. Then the thread frees the blocks of the same size that it held, and ends, and
 * memory is trimmed: by then every block has gone back to its span. Who is still alive prints "survived" and exits
 * with 0.
 *
 * Every call goes through a volatile pointer, so that the compiler knows none of them: it neither warns of the misuse
 * nor makes use of its being undefined. (Should another compiler see through: -Wno-free-nonheap-object
 * -Wno-use-after-free -Wno-array-bounds -Wno-stringop-overflow -Wno-mismatched-dealloc -fno-builtin.)
 */
#ifndef MISUSE_CASES_H
#define MISUSE_CASES_H

#include "support.h"

#include <malloc.h>
#include <sys/mman.h>

/* Where a case must stop. */
enum level {
    AT_CALL, /* "default": in default mode, at the call                                             */
    LATE,    /* "late": at the latest when the block goes back to its span; at the call with check 2 */
    CHECK_2, /* "check2": only with GORT_CHECK=2, at the call                                        */
    CHECK_3, /* "check3": only with GORT_CHECK=3                                                     */
};
static const char *const level_name[] = {"default", "late", "check2", "check3"};

#define WEAK __attribute__((weak))
extern void free_sized(void *, size_t) WEAK;
extern void free_aligned_sized(void *, size_t, size_t) WEAK;
extern void *_Znwm(size_t) WEAK;
extern void _ZdlPv(void *) WEAK;
extern void _ZdlPvm(void *, size_t) WEAK;

static void *(*volatile do_malloc)(size_t) = malloc;
static void *(*volatile do_realloc)(void *, size_t) = realloc;
static void *(*volatile do_memalign)(size_t, size_t) = memalign;
static void (*volatile do_free)(void *) = free;
static size_t (*volatile do_usable)(void *) = malloc_usable_size;
static void (*volatile do_free_sized)(void *, size_t) = free_sized;
static void (*volatile do_free_aligned_sized)(void *, size_t, size_t) = free_aligned_sized;
static void *(*volatile do_new)(size_t) = _Znwm;
static void (*volatile do_delete)(void *) = _ZdlPv;
static void (*volatile do_delete_sized)(void *, size_t) = _ZdlPvm;

enum { SMALL = 100, MEDIUM = 20000, LARGE = 300000, HUGE_BLOCK = 64 << 20, HELD = 4000 };

/* --- what every case is made of --- */

static void *held[HELD]; /* live blocks of the size in question */

static void hold(size_t n, size_t count)
{
    for (size_t i = 0; i < count; i++)
        held[i] = do_malloc(n);
}

/* No block is allocated here: a block that is free twice must not be handed out again first. */
static void let_go(void)
{
    for (size_t i = 0; i < HELD; i++) {
        do_free(held[i]);
        held[i] = NULL;
    }
}

static void announce(const char *call, const volatile void *p)
{
    check_say(1, "call %s %p\n", call, (void *)p);
}

static void returned(void) { check_say(1, "returned\n"); }

static char *new_block(size_t n)
{
    char *p = (char *)do_malloc(n);
    if (!p)
        _exit(3);
    memset(p, 'u', n < 4096 ? n : 4096);
    return p;
}

/* A small block, with many live ones beside it. */
static char *small(size_t n)
{
    hold(n, HELD / 2);
    char *p = new_block(n);
    for (size_t i = HELD / 2; i < HELD; i++)
        held[i] = do_malloc(n);
    return p;
}

static void bad_free(void *p)
{
    announce("free", p);
    do_free(p);
    returned();
}

static void bad_realloc(void *p, size_t n)
{
    announce("realloc", p);
    void *q = do_realloc(p, n);
    returned();
    (void)q; /* kept: who knows what it is */
}

static void bad_usable(void *p)
{
    announce("malloc_usable_size", p);
    (void)do_usable(p);
    returned();
}

static void bad_sized(void *p, size_t n)
{
    if (!do_free_sized)
        check_skip("no free_sized");
    announce("free_sized", p);
    do_free_sized(p, n);
    returned();
}

static void *free_it(void *p)
{
    do_free(p);
    return NULL;
}

static void free_on_another_thread(void *p) { thread_join(thread_start(free_it, p)); }

/* --- double free --- */

static void twice(char *p)
{
    do_free(p);
    bad_free(p);
}

static void double_free(void) { twice(small(SMALL)); }
static void double_free_zero(void) { twice((char *)do_malloc(0)); }
static void double_free_one_byte(void) { twice(small(1)); }
static void double_free_medium(void) { hold(MEDIUM, 200), twice(new_block(MEDIUM)); }
static void double_free_large(void) { twice(new_block(LARGE)); }
static void double_free_huge(void) { twice(new_block(HUGE_BLOCK)); }
static void double_free_aligned(void) { twice((char *)do_memalign(64, 1000)); }
static void double_free_page_aligned(void) { twice((char *)do_memalign(4096, 100)); }
static void double_free_aligned_large(void) { twice((char *)do_memalign(MB, LARGE)); }

static void double_free_others_between(void)
{
    char *p = small(SMALL);
    do_free(p);
    for (int i = 0; i < 3; i++) {
        do_free(held[i]);
        held[i] = NULL;
    }
    bad_free(p);
}

static void double_free_many_between(void)
{
    char *p = small(SMALL);
    do_free(p);
    let_go();
    bad_free(p);
}

static void double_free_after_other_allocs(void)
{
    char *p = small(SMALL);
    do_free(p);
    for (size_t n = 200; n < 20000; n *= 2) /* none of its size */
        do_free(do_malloc(n));
    bad_free(p);
}

/* The block was had again in between, and freed by its new owner. An allocator that keeps freed blocks aside does not
 * give it out again so soon; then this is a double free with allocations between. */
static void double_free_after_reuse(void)
{
    char *p = small(SMALL), *q = NULL;
    do_free(p);
    for (int i = 0; i < 100 && q != p; i++)
        q = new_block(SMALL);
    if (q == p)
        do_free(q);
    bad_free(p);
}

static void double_free_cross_thread(void)
{
    char *p = small(SMALL);
    free_on_another_thread(p);
    bad_free(p);
}

static void *free_twice_here(void *p)
{
    twice((char *)p);
    return NULL;
}

static void double_free_by_another_thread(void) { thread_join(thread_start(free_twice_here, small(SMALL))); }

static void double_free_large_cross_thread(void)
{
    char *p = new_block(LARGE);
    free_on_another_thread(p);
    bad_free(p);
}

static void double_free_large_others_between(void)
{
    char *p = new_block(LARGE), *q = new_block(LARGE), *r = new_block(2 * LARGE);
    do_free(p);
    do_free(q);
    do_free(r);
    bad_free(p);
}

static void free_after_realloc_to_zero(void)
{
    char *p = small(SMALL);
    (void)do_realloc(p, 0);
    bad_free(p);
}

static void realloc_to_zero_after_free(void)
{
    char *p = small(SMALL);
    do_free(p);
    bad_realloc(p, 0);
}

static void free_of_moved_block(void)
{
    char *p = small(SMALL);
    char *q = (char *)do_realloc(p, 50 * SMALL);
    if (q == p)
        check_skip("the block grew in place");
    bad_free(p);
}

static void double_delete(void)
{
    if (!do_new || !do_delete)
        check_skip("no operator new");
    char *p = (char *)do_new(SMALL);
    do_delete(p);
    announce("operator delete", p);
    do_delete(p);
    returned();
}

/* --- pointers that were never allocated --- */

static char *on_main_stack;
static _Alignas(64) char in_data[256] = "data";
static _Alignas(64) const char in_rodata[256] = "constant";
static __thread _Alignas(64) char in_tls[256];

static void free_stack(void)
{
    _Alignas(64) char local[256];
    memset(local, 1, sizeof local);
    bad_free(opaque(local));
}

static void free_main_stack(void) { bad_free(on_main_stack); }
static void free_static(void) { bad_free(in_data + 64); }
static void free_constant(void) { bad_free((void *)(uintptr_t)in_rodata); }
static void free_thread_local(void) { bad_free(in_tls); }
static void free_code(void) { bad_free((void *)((uintptr_t)free_code & ~(uintptr_t)15)); }
static void free_near_null(void) { bad_free((void *)16); }
static void free_unmapped(void) { bad_free((void *)0x10000000000); }
static void free_non_canonical(void) { bad_free((void *)0x4141414141414140); }
static void free_kernel_address(void) { bad_free((void *)0xffff800000000000); }
static void free_minus_sixteen(void) { bad_free((void *)(uintptr_t)-16); }

static void free_mapped(void)
{
    void *p = mmap(NULL, MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bad_free((char *)p + 8192);
}

static void free_brk(void)
{
    char *p = (char *)sbrk(64 * 1024);
    bad_free((void *)(((uintptr_t)p + 8192) & ~(uintptr_t)4095));
}

static void free_gone_mapping(void)
{
    void *p = mmap(NULL, MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(p, MB);
    bad_free(p);
}

/* --- pointers into blocks and beside them --- */

static void free_misaligned_1(void) { bad_free(small(SMALL) + 1); }
static void free_misaligned_8(void) { bad_free(small(SMALL) + 8); }
static void free_misaligned_large(void) { bad_free(new_block(LARGE) + 9); }
static void free_interior_small(void) { bad_free(small(SMALL) + 16); }
static void free_interior_medium(void) { bad_free(small(2000) + 1024); }
static void free_interior_page(void) { hold(MEDIUM, 200), bad_free(new_block(MEDIUM) + 8192); }
static void free_interior_large(void) { bad_free(new_block(LARGE) + 4096); }
static void free_interior_large_16(void) { bad_free(new_block(LARGE) + 16); }
static void free_interior_huge(void) { bad_free(new_block(HUGE_BLOCK) + (HUGE_BLOCK / 2)); }
static void free_interior_aligned(void) { bad_free((char *)do_memalign(4096, 3000) + 1024); }
static void free_before_small(void)
{
    char *p = small(SMALL);
    bad_free(p - 16);
}

/* All neighbours are free, so the slot after the block is nobody's. */
static void free_past_end_small(void)
{
    char *p = small(SMALL);
    size_t n = do_usable(p);
    let_go();
    bad_free(p + ((n + 15) & ~(size_t)15));
}

static void free_past_end_large(void)
{
    char *p = new_block(LARGE);
    bad_free(p + ((do_usable(p) + 8191) & ~(size_t)8191));
}

/* --- the other calls --- */

static void realloc_freed(void)
{
    char *p = small(SMALL);
    do_free(p);
    bad_realloc(p, 50 * SMALL);
}

static void realloc_freed_large(void)
{
    char *p = new_block(LARGE);
    do_free(p);
    bad_realloc(p, 2 * LARGE);
}

static void realloc_stack(void)
{
    _Alignas(64) char local[256];
    memset(local, 1, sizeof local);
    bad_realloc(opaque(local), 1000);
}

static void realloc_static(void) { bad_realloc(in_data + 64, 1000); }
static void realloc_wild(void) { bad_realloc((void *)0x4141414141414140, 1000); }
static void realloc_misaligned(void) { bad_realloc(small(SMALL) + 1, 50 * SMALL); }
static void realloc_interior(void) { bad_realloc(small(SMALL) + 16, 50 * SMALL); }
static void realloc_interior_large(void) { bad_realloc(new_block(LARGE) + 4096, 2 * LARGE); }

static void usable_size_of_freed(void)
{
    char *p = small(SMALL);
    do_free(p);
    bad_usable(p);
}

static void usable_size_of_freed_large(void)
{
    char *p = new_block(LARGE);
    do_free(p);
    bad_usable(p);
}

static void usable_size_of_static(void) { bad_usable(in_data + 64); }
static void usable_size_of_interior(void) { bad_usable(small(SMALL) + 16); }

static void sized_free_too_small(void) { bad_sized(small(1000), 100); }
static void sized_free_too_large(void) { bad_sized(small(SMALL), 1000); }
static void sized_free_large_as_small(void) { bad_sized(new_block(LARGE), SMALL); }
static void sized_free_small_as_large(void) { bad_sized(small(SMALL), LARGE); }
static void sized_free_twice(void)
{
    char *p = small(SMALL);
    if (!do_free_sized)
        check_skip("no free_sized");
    do_free_sized(p, SMALL);
    bad_sized(p, SMALL);
}

static void aligned_sized_free_mismatch(void)
{
    if (!do_free_aligned_sized)
        check_skip("no free_aligned_sized");
    hold(1000, HELD);
    void *p = do_memalign(64, 1000);
    announce("free_aligned_sized", p);
    do_free_aligned_sized(p, 64, 100);
    returned();
}

static void sized_delete_mismatch(void)
{
    if (!do_new || !do_delete_sized)
        check_skip("no operator new");
    hold(1000, HELD);
    void *p = do_new(1000);
    announce("operator delete", p);
    do_delete_sized(p, 100);
    returned();
}

/* --- writes where nothing was allocated --- */

/* One byte beyond what may be used changes. */
static void overflow(char *p, size_t count)
{
    volatile char *end = p + do_usable(p);
    for (size_t i = 0; i < count; i++)
        end[i] = (char)~end[i];
}

static void overflow_by_one(void)
{
    char *p = small(SMALL);
    overflow(p, 1);
    bad_free(p);
}

static void overflow_by_eight(void)
{
    char *p = small(1000);
    overflow(p, 8);
    bad_free(p);
}

static void overflow_of_medium(void)
{
    char *p = new_block(MEDIUM);
    overflow(p, 1);
    bad_free(p);
}

static void overflow_found_by_realloc(void)
{
    char *p = small(SMALL);
    overflow(p, 1);
    bad_realloc(p, 50 * SMALL);
}

/* The block is asked back; whichever call meets it must stop. */
static void written_while_free(size_t n, size_t at)
{
    char *p = small(n);
    volatile char *freed = p;
    do_free(p);
    freed[at] = 'w';
    announce("malloc", p);
    for (int i = 0; i < 100000; i++)
        if (do_malloc(n) == p)
            break;
    returned();
}

static void write_after_free(void) { written_while_free(SMALL, 0); }
static void write_after_free_inside(void) { written_while_free(1000, 777); }

static void overflow_of_large(void)
{
    char *p = new_block(LARGE);
    announce("store", p);
    ((volatile char *)p)[(do_usable(p) + 4095) & ~(size_t)4095] = 1;
    returned();
}

static void underflow_of_large(void)
{
    char *p = new_block(LARGE);
    announce("store", p);
    ((volatile char *)p)[-1] = 1;
    returned();
}

/* --- the table --- */

static const struct misuse {
    const char *name;
    enum level level;
    int by_store; /* the store itself dies, by SIGSEGV at a guard page; all others die by SIGABRT */
    void (*run)(void);
} misuses[] = {
#define CASE(name, level) {#name, level, 0, name},
#define STORE(name, level) {#name, level, 1, name},
    CASE(double_free, AT_CALL)
    CASE(double_free_zero, AT_CALL)
    CASE(double_free_one_byte, AT_CALL)
    CASE(double_free_medium, AT_CALL)
    CASE(double_free_large, AT_CALL)
    CASE(double_free_huge, AT_CALL)
    CASE(double_free_aligned, AT_CALL)
    CASE(double_free_page_aligned, AT_CALL)
    CASE(double_free_aligned_large, AT_CALL)
    CASE(double_free_others_between, LATE)
    CASE(double_free_many_between, LATE)
    CASE(double_free_after_other_allocs, LATE)
    CASE(double_free_after_reuse, AT_CALL)
    CASE(double_free_cross_thread, LATE)
    CASE(double_free_by_another_thread, AT_CALL)
    CASE(double_free_large_cross_thread, AT_CALL)
    CASE(double_free_large_others_between, AT_CALL)
    CASE(free_after_realloc_to_zero, AT_CALL)
    CASE(realloc_to_zero_after_free, AT_CALL)
    CASE(free_of_moved_block, LATE)
    CASE(double_delete, AT_CALL)
    CASE(free_stack, AT_CALL)
    CASE(free_main_stack, AT_CALL)
    CASE(free_static, AT_CALL)
    CASE(free_constant, AT_CALL)
    CASE(free_thread_local, AT_CALL)
    CASE(free_code, AT_CALL)
    CASE(free_near_null, AT_CALL)
    CASE(free_unmapped, AT_CALL)
    CASE(free_non_canonical, AT_CALL)
    CASE(free_kernel_address, AT_CALL)
    CASE(free_minus_sixteen, AT_CALL)
    CASE(free_mapped, AT_CALL)
    CASE(free_brk, AT_CALL)
    CASE(free_gone_mapping, AT_CALL)
    CASE(free_misaligned_1, AT_CALL)
    CASE(free_misaligned_8, AT_CALL)
    CASE(free_misaligned_large, AT_CALL)
    CASE(free_interior_small, LATE)
    CASE(free_interior_medium, LATE)
    CASE(free_interior_page, LATE)
    CASE(free_interior_large, AT_CALL)
    CASE(free_interior_large_16, AT_CALL)
    CASE(free_interior_huge, AT_CALL)
    CASE(free_interior_aligned, LATE)
    CASE(free_before_small, LATE)
    CASE(free_past_end_small, LATE)
    CASE(free_past_end_large, LATE)
    CASE(realloc_freed, LATE)
    CASE(realloc_freed_large, AT_CALL)
    CASE(realloc_stack, AT_CALL)
    CASE(realloc_static, AT_CALL)
    CASE(realloc_wild, AT_CALL)
    CASE(realloc_misaligned, AT_CALL)
    CASE(realloc_interior, LATE)
    CASE(realloc_interior_large, AT_CALL)
    CASE(usable_size_of_freed, CHECK_2)
    CASE(usable_size_of_freed_large, CHECK_2)
    CASE(usable_size_of_static, AT_CALL)
    CASE(usable_size_of_interior, CHECK_2)
    CASE(sized_free_too_small, LATE)
    CASE(sized_free_too_large, LATE)
    CASE(sized_free_large_as_small, AT_CALL)
    CASE(sized_free_small_as_large, LATE)
    CASE(sized_free_twice, AT_CALL)
    CASE(aligned_sized_free_mismatch, LATE)
    CASE(sized_delete_mismatch, LATE)
    CASE(overflow_by_one, CHECK_2)
    CASE(overflow_by_eight, CHECK_2)
    CASE(overflow_of_medium, CHECK_2)
    CASE(overflow_found_by_realloc, CHECK_2)
    CASE(write_after_free, CHECK_3)
    CASE(write_after_free_inside, CHECK_3)
    STORE(overflow_of_large, CHECK_3)
    STORE(underflow_of_large, CHECK_3)
#undef CASE
#undef STORE
};

static void *misuse_thread(void *arg)
{
    ((const struct misuse *)arg)->run();
    let_go();
    return NULL;
}

/* Does it, sees that every block goes back to its span, and tells if nothing stopped it. */
static int misuse_run(const struct misuse *m)
{
    _Alignas(64) char local[256];
    struct rlimit none = {0, 0};
    memset(local, 1, sizeof local);
    on_main_stack = (char *)opaque(local);
    setrlimit(RLIMIT_CORE, &none);
    thread_join(thread_start(misuse_thread, (void *)(uintptr_t)m));
    malloc_trim(0);
    check_say(1, "survived\n");
    return 0;
}

static const struct misuse *misuse_find(const char *name)
{
    for (size_t i = 0; i < COUNT(misuses); i++)
        if (strcmp(misuses[i].name, name) == 0)
            return &misuses[i];
    return NULL;
}

#endif
