/* MA-9: works before constructors, from IFUNC resolvers, in constructors and atexit, and at every stage of a thread.
 *
 * The early calls are made by this file's IFUNC resolver, .preinit_array and constructors; main looks at what they got.
 * The late calls are made by a forked child that exits, and reports through a page that both share. The C++ half
 * (thread_local, static objects) is in ma09_thread_local.cc.
 */
#define ITEM "MA-9"
#include "support.h"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* --- before main --- */

enum { RESOLVER, PREINIT, FIRST_CONSTRUCTOR, LAST_CONSTRUCTOR, MOMENTS };
static const char *const moment_name[MOMENTS] = {"IFUNC resolver", "preinit_array", "first constructor",
                                                 "last constructor"};
static const size_t moment_sizes[] = {1, 24, 100, 1000, 5000, 40000, 2000000};
static struct {
    int reached;
    char *p[COUNT(moment_sizes)];
    char *zeroed, *grown, *aligned;
} moment[MOMENTS];

/* One of each call; the blocks stay alive until main. */
static inline void allocate_at(int m)
{
    moment[m].reached = 1;
    for (size_t i = 0; i < COUNT(moment_sizes); i++) {
        moment[m].p[i] = (char *)opaque(malloc(moment_sizes[i]));
        if (moment[m].p[i])
            pattern_fill(moment[m].p[i], moment_sizes[i], (uint64_t)m + i);
        free(opaque(malloc(moment_sizes[i])));
    }
    moment[m].zeroed = (char *)opaque(calloc(100, 100));
    moment[m].grown = (char *)opaque(realloc(opaque(malloc(10)), 10000));
    moment[m].aligned = (char *)opaque(memalign(4096, 100));
}

#if defined(__x86_64__)
/* A static program resolves IFUNCs before it has thread-locals; then nothing that uses them can be called. */
static inline int thread_pointer_is_set(void)
{
    unsigned long fs = 0;
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "a"(SYS_arch_prctl), "D"(0x1003), "S"(&fs) : "rcx", "r11", "memory");
    return r == 0 && fs != 0;
}

static int resolved_value(void) { return 42; }

__attribute__((used)) static int (*resolve(void))(void)
{
    if (thread_pointer_is_set())
        allocate_at(RESOLVER);
    return resolved_value;
}
int resolved(void) __attribute__((ifunc("resolve")));
#else
static int resolved(void) { return 42; }
#endif

static void preinit(int argc, char **argv, char **env)
{
    (void)argc, (void)argv, (void)env;
    allocate_at(PREINIT);
}
__attribute__((section(".preinit_array"), used)) static void (*preinit_entry)(int, char **, char **) = preinit;

__attribute__((constructor(101))) static void first_constructor(void) { allocate_at(FIRST_CONSTRUCTOR); }
__attribute__((constructor)) static void last_constructor(void) { allocate_at(LAST_CONSTRUCTOR); }

static void early_blocks_are_good(void)
{
    CHECK(resolved() == 42);
    for (int m = 0; m < MOMENTS; m++) {
        if (m == RESOLVER && !moment[m].reached)
            continue; /* static: too early for thread-locals, see above */
        CHECKF(moment[m].reached, "%s", moment_name[m]);
        for (size_t i = 0; i < COUNT(moment_sizes); i++) {
            char *p = moment[m].p[i];
            CHECKF(p && aligned_to(p, 16), "%s: malloc(%zu) = %p", moment_name[m], moment_sizes[i], (void *)p);
            CHECK(malloc_usable_size(p) >= moment_sizes[i]);
            CHECKF(pattern_holds(p, moment_sizes[i], (uint64_t)m + i) == moment_sizes[i], "%s", moment_name[m]);
            p = (char *)opaque(realloc(p, 2 * moment_sizes[i]));
            CHECK(pattern_holds(p, moment_sizes[i], (uint64_t)m + i) == moment_sizes[i]);
            free(p);
        }
        CHECK(moment[m].zeroed && zero_bytes(moment[m].zeroed, 10000) == 10000);
        CHECK(moment[m].grown && aligned_to(moment[m].aligned, 4096));
        free(moment[m].zeroed);
        free(moment[m].grown);
        free(moment[m].aligned);
    }
}

/* --- after main --- */

static int *stages; /* shared with the child: how often each late stage ran, -1 when it found a fault */
enum { ATEXIT, DESTRUCTOR, KEY_OF_MAIN, STAGES };

static void allocate_late(int stage)
{
    unsigned long failed = check_failed;
    for (size_t i = 0; i < COUNT(moment_sizes); i++) {
        char *p = (char *)opaque(malloc(moment_sizes[i]));
        CHECK(p != NULL);
        pattern_fill(p, moment_sizes[i], i);
        p = (char *)opaque(realloc(p, moment_sizes[i] + 100));
        CHECK(pattern_holds(p, moment_sizes[i], i) == moment_sizes[i]);
        free(p);
    }
    stages[stage] = check_failed != failed || stages[stage] < 0 ? -1 : stages[stage] + 1;
}

static char *of_main; /* allocated by main, freed at exit */

static void at_exit_first(void) { allocate_late(ATEXIT); }
static void at_exit_second(void)
{
    free(of_main);
    allocate_late(ATEXIT);
    CHECK(atexit(at_exit_first) == 0); /* one that is registered during exit, too */
}

__attribute__((destructor)) static void last_destructor(void)
{
    if (stages)
        allocate_late(DESTRUCTOR);
}

static void exiting_child(void (*leave)(void))
{
    stages = (int *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(stages != MAP_FAILED);
    pid_t pid = fork();
    if (pid == 0) {
        watchdog(20);
        of_main = (char *)opaque(malloc(100000));
        CHECK(atexit(at_exit_first) == 0 && atexit(at_exit_second) == 0);
        leave();
        _exit(99);
    }
    CHECK(child_wait(pid) == 0);
    CHECKF(stages[ATEXIT] == 3, "%d", stages[ATEXIT]);
    CHECKF(stages[DESTRUCTOR] == 1, "%d", stages[DESTRUCTOR]);
}

static void leave_by_exit(void) { exit(0); }

static void free_late(void *p)
{
    free(p);
    allocate_late(KEY_OF_MAIN);
}

/* The main thread ends; the last other one ends the process. */
static void *last_thread(void *main_thread)
{
    CHECK(pthread_join(*(pthread_t *)main_thread, NULL) == 0);
    free(opaque(malloc(1000)));
    return NULL;
}

static void leave_by_pthread_exit(void)
{
    static pthread_t self;
    pthread_key_t k;
    self = pthread_self();
    CHECK(pthread_key_create(&k, free_late) == 0 && pthread_setspecific(k, opaque(malloc(100))) == 0);
    thread_start(last_thread, &self);
    pthread_exit(NULL);
}

static void late_calls(void)
{
    exiting_child(leave_by_exit);
    munmap(stages, 4096);
    exiting_child(leave_by_pthread_exit);
    CHECKF(stages[KEY_OF_MAIN] == 1, "%d", stages[KEY_OF_MAIN]);
    munmap(stages, 4096);
    stages = NULL;
}

/* --- destructors of pthread keys, in every pass --- */

enum { KEYS = 40, PASSES = 4 }; /* more keys than the first-level block of glibc holds */
static pthread_key_t keys[KEYS];
static unsigned long passes_run;

struct keyed {
    int key, pass;
    char *block;
};

static void rearming_destructor(void *p)
{
    struct keyed *k = (struct keyed *)p;
    CHECK(pattern_holds(k->block, 300, (uint64_t)k->key) == 300);
    __atomic_add_fetch(&passes_run, 1, __ATOMIC_RELAXED);
    free(k->block);
    if (k->pass + 1 == PASSES) {
        free(k);
        return;
    }
    struct keyed *next = (struct keyed *)opaque(malloc(sizeof *next));
    next->key = k->key;
    next->pass = k->pass + 1;
    next->block = (char *)opaque(malloc(300));
    pattern_fill(next->block, 300, (uint64_t)next->key);
    CHECK(pthread_setspecific(keys[k->key], next) == 0);
    free(k);
}

static void *thread_with_keys(void *arg)
{
    for (int i = 0; i < KEYS; i++) {
        struct keyed *k = (struct keyed *)opaque(malloc(sizeof *k));
        k->key = i;
        k->pass = 0;
        k->block = (char *)opaque(malloc(300));
        pattern_fill(k->block, 300, (uint64_t)i);
        CHECK(pthread_setspecific(keys[i], k) == 0);
    }
    return arg;
}

static void every_pass_of_key_destructors(void)
{
    enum { THREADS = 800 };
    for (int i = 0; i < KEYS; i++)
        CHECK(pthread_key_create(&keys[i], rearming_destructor) == 0);
    for (int i = 0; i < 100; i++)
        thread_join(thread_start(thread_with_keys, NULL));
    long before = proc_status("VmRSS:");
    for (int i = 0; i < THREADS; i++)
        thread_join(thread_start(thread_with_keys, NULL));
    long grown = proc_status("VmRSS:") - before;
    CHECKF(grown < 8 * 1024, "%d threads that free all they allocate cost %ld KiB", THREADS, grown);
    CHECKF(passes_run == (THREADS + 100ul) * KEYS * PASSES, "%lu destructors", passes_run);
    for (int i = 0; i < KEYS; i++)
        pthread_key_delete(keys[i]);
}

/* A destructor whose thread never allocated before: it starts and ends its use of the allocator there. */
static void first_use_in_destructor(void *foreign)
{
    free(foreign);
    free(opaque(malloc(5000)));
}
static pthread_key_t first_use_key;
static void *thread_without_malloc(void *foreign)
{
    pthread_setspecific(first_use_key, foreign);
    return NULL;
}

static void first_use_at_the_end(void)
{
    CHECK(pthread_key_create(&first_use_key, first_use_in_destructor) == 0);
    for (int i = 0; i < 200; i++)
        thread_join(thread_start(thread_without_malloc, opaque(malloc(100))));
    pthread_key_delete(first_use_key);
}

/* --- threads whose blocks outlive them, threads that only free --- */

enum { HANDED = 1000 };
static size_t handed_size(size_t i) { return 1 + (i * 97) % 3000 + (i % 100 == 0 ? 100000 : 0); }

static void *allocate_and_end(void *arg)
{
    char **blocks = (char **)arg;
    for (size_t i = 0; i < HANDED; i++) {
        blocks[i] = (char *)opaque(malloc(handed_size(i)));
        pattern_fill(blocks[i], handed_size(i), i);
    }
    return NULL;
}

static void *only_frees(void *arg)
{
    char **blocks = (char **)arg;
    for (size_t i = 0; i < HANDED; i++) {
        CHECK(pattern_holds(blocks[i], handed_size(i), i) == handed_size(i));
        free(blocks[i]);
    }
    return NULL;
}

static void *only_reallocs(void *arg) /* the first call of the thread is realloc */
{
    char **blocks = (char **)arg;
    for (size_t i = 0; i < HANDED; i++) {
        blocks[i] = (char *)opaque(realloc(blocks[i], handed_size(i) + 500));
        CHECK(pattern_holds(blocks[i], handed_size(i), i) == handed_size(i));
    }
    return NULL;
}

static void blocks_outlive_their_thread(void)
{
    static char *blocks[HANDED];
    long before = 0;
    for (int round = 0; round < 60; round++) {
        if (round == 20)
            before = proc_status("VmRSS:");
        thread_join(thread_start(allocate_and_end, blocks));
        if (round % 3 == 0)
            thread_join(thread_start(only_reallocs, blocks));
        if (round % 2) {
            thread_join(thread_start(only_frees, blocks));
        } else {
            only_frees(blocks);
        }
    }
    long grown = proc_status("VmRSS:") - before;
    CHECKF(grown < 16 * 1024, "blocks handed between threads cost %ld KiB", grown);
}

/* A thread that frees for long, fed by one that allocates: its memory goes back to where it is used. */
static char *ring[1024];
static unsigned ring_head, ring_tail;
enum { FED = 400000 };

static void *feeder(void *arg)
{
    for (unsigned i = 0; i < FED; i++) {
        while (i - __atomic_load_n(&ring_tail, __ATOMIC_ACQUIRE) >= COUNT(ring))
            sched_yield();
        ring[i % COUNT(ring)] = (char *)opaque(malloc(64 + i % 7 * 200));
        ring[i % COUNT(ring)][0] = (char)i;
        __atomic_store_n(&ring_head, i + 1, __ATOMIC_RELEASE);
    }
    return arg;
}

static void *eater(void *arg)
{
    for (unsigned i = 0; i < FED; i++) {
        while (__atomic_load_n(&ring_head, __ATOMIC_ACQUIRE) == i)
            sched_yield();
        CHECK(ring[i % COUNT(ring)][0] == (char)i);
        free(ring[i % COUNT(ring)]);
        __atomic_store_n(&ring_tail, i + 1, __ATOMIC_RELEASE);
    }
    return arg;
}

static void a_thread_that_only_frees(void)
{
    long before = proc_status("VmRSS:");
    pthread_t a = thread_start(feeder, NULL), b = thread_start(eater, NULL);
    thread_join(a);
    thread_join(b);
    long grown = proc_status("VmRSS:") - before;
    CHECKF(grown < 48 * 1024, "%d blocks through 1024 slots cost %ld KiB", FED, grown);
}

static void *cancelled(void *arg)
{
    for (;;) {
        free(opaque(malloc(100)));
        pthread_testcancel();
    }
    return arg;
}

static void cancelled_and_detached_threads(void)
{
    for (int i = 0; i < 50; i++) {
        pthread_t t = thread_start(cancelled, NULL);
        CHECK(pthread_cancel(t) == 0);
        CHECK(thread_join(t) == PTHREAD_CANCELED);
    }
    for (int i = 0; i < 200; i++) {
        pthread_t t = thread_start(thread_without_malloc, NULL);
        CHECK(pthread_detach(t) == 0);
    }
}

int main(void)
{
    watchdog(60);
    early_blocks_are_good();
    late_calls();
    every_pass_of_key_destructors();
    first_use_at_the_end();
    blocks_outlive_their_thread();
    a_thread_that_only_frees();
    cancelled_and_detached_threads();
    return check_done();
}
