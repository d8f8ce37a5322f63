/* MA-10: fork in a multi-threaded program; posix_spawn and vfork.
 *
 * Threads allocate and free without pause while others fork. The child allocates, frees the blocks that any thread of
 * the parent had published, starts threads and forks again. A child that hangs on a lock that a lost thread held is
 * killed by its alarm, and that is the failure.
 */
#define ITEM "MA-10"
#include "support.h"

#include <malloc.h>
#include <spawn.h>

struct block {
    size_t n;
    uint64_t seed;
    char data[];
};

enum { SLOTS = 512, BUSY = 5, FORKERS = 2, FORKS_EACH = 40, SPAWNS = 15 };
static struct block *slot[SLOTS];
static int stop;

static struct block *make_block(uint64_t *seed)
{
    uint64_t r = random_next(seed);
    size_t n = r % 1000 == 0 ? 300000 : r % 50 == 0 ? 1 + r % 40000 : 1 + r % 700, all = sizeof(struct block) + n;
    struct block *b;
    switch (r % 5) {
    case 0: b = (struct block *)opaque(calloc(1, all)); break;
    case 1: b = (struct block *)opaque(memalign((size_t)16 << r % 9, all)); break;
    case 2: b = (struct block *)opaque(realloc(opaque(malloc(n / 2 + 1)), all)); break;
    default: b = (struct block *)opaque(malloc(all)); break;
    }
    if (!CHECK(b != NULL))
        _exit(1);
    b->n = n;
    b->seed = r;
    size_t shown = n < 200 ? n : 200; /* enough to see a block that two own */
    pattern_fill(b->data, shown, r);
    return b;
}

static void end_block(struct block *b)
{
    if (!b)
        return;
    size_t shown = b->n < 200 ? b->n : 200;
    CHECK(malloc_usable_size(b) >= sizeof *b + b->n);
    CHECK(pattern_holds(b->data, shown, b->seed) == shown);
    free(b);
}

static void exchange_some(uint64_t *seed, int count)
{
    for (int i = 0; i < count; i++) {
        struct block *mine = make_block(seed);
        end_block(__atomic_exchange_n(&slot[random_next(seed) % SLOTS], mine, __ATOMIC_ACQ_REL));
    }
}

static void *busy(void *arg)
{
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        exchange_some(&seed, 100);
    return NULL;
}

static void *busy_for_a_while(void *arg)
{
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    exchange_some(&seed, 1500);
    return NULL;
}

/* The first calls after a fork: each call is the first one in some child. */
static void first_call(int which)
{
    void *p = NULL;
    switch (which % 8) {
    case 0: free(opaque(malloc(40))); break;
    case 1: free(opaque(calloc(30, 30))); break;
    case 2: free(opaque(realloc(NULL, 5000))); break;
    case 3: end_block(__atomic_exchange_n(&slot[0], NULL, __ATOMIC_ACQ_REL)); break;
    case 4: free(opaque(malloc(500000))); break;
    case 5: CHECK(posix_memalign(&p, 8192, 100) == 0); free(opaque(p)); break;
    case 6: malloc_trim(0); break;
    default: CHECK(mallinfo2().uordblks > 0); break;
    }
}

static void free_all_of_the_parent(void)
{
    for (int i = 0; i < SLOTS; i++)
        end_block(__atomic_exchange_n(&slot[i], NULL, __ATOMIC_ACQ_REL));
}

static void use_threads(int count, uint64_t seed)
{
    pthread_t t[4];
    for (int i = 0; i < count; i++)
        t[i] = thread_start(busy_for_a_while, (void *)(uintptr_t)(seed + (uint64_t)i));
    for (int i = 0; i < count; i++)
        thread_join(t[i]);
}

enum { GENERATIONS = 3 };

/* The life of a child; it ends as the parent of its own child, up to GENERATIONS deep. */
static void child(int which, int generation)
{
    pid_t pid = 0;
    for (; pid == 0 && generation < GENERATIONS; generation++) {
        watchdog(20); /* no child inherits an alarm */
        check_failed = 0;
        first_call(which);
        uint64_t seed = (uint64_t)which++;
        if (which % 3 != 0)
            exchange_some(&seed, 300);
        free_all_of_the_parent();
        exchange_some(&seed, 300);
        use_threads(which % 2 ? 3 : 1, seed);
        pid = fork();
    }
    if (pid != 0) {
        int status = pid < 0 ? -1 : child_wait(pid);
        CHECKF(status == 0, "grandchild: wait status 0x%x", (unsigned)status);
        free_all_of_the_parent();
        malloc_trim(0);
    }
    _exit(check_status());
}

/* Handlers of the program: they allocate on all three sides. */
static __thread void *from_prepare;
static void prepare(void) { from_prepare = opaque(malloc(777)); }
static void in_parent(void) { free(from_prepare); free(opaque(malloc(3000))); }
static void in_the_child(void) { free(from_prepare); free(opaque(malloc(3000))); }

static void *forker(void *arg)
{
    int base = (int)(intptr_t)arg;
    uint64_t seed = (uint64_t)base;
    for (int i = 0; i < FORKS_EACH; i++) {
        exchange_some(&seed, 50); /* its own caches hold something */
        pid_t pid = fork();
        if (pid == 0)
            child(base + i, 0);
        CHECK(pid > 0);
        int status = child_wait(pid);
        CHECKF(status == 0, "child %d: wait status 0x%x", base + i, (unsigned)status);
    }
    return NULL;
}

extern char **environ;

static void *spawner(void *arg)
{
    char *argv[] = {(char *)"ma10_fork", (char *)"spawned", NULL};
    for (int i = 0; i < SPAWNS; i++) {
        pid_t pid = -1;
        CHECK(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ) == 0);
        CHECK(child_wait(pid) == 0);
        pid = vfork();
        if (pid == 0) {
            execv("/proc/self/exe", argv);
            _exit(127);
        }
        CHECK(pid > 0 && child_wait(pid) == 0);
        free(opaque(malloc(1000))); /* a vforked child shares our memory; nothing of ours may have changed */
    }
    return arg;
}

static void popen_works(void)
{
    FILE *f = popen("echo word", "r");
    char line[20] = "";
    CHECK(f && fgets(line, sizeof line, f) && strcmp(line, "word\n") == 0);
    CHECK(f && pclose(f) == 0);
    CHECK(system("exit 3") == 3 << 8);
}

static int spawned_main(void)
{
    uint64_t seed = 1;
    watchdog(20);
    exchange_some(&seed, 500);
    free_all_of_the_parent();
    use_threads(2, 5);
    return check_status();
}

/* Without threads first: the most common fork of all. */
static void single_threaded_forks(void)
{
    uint64_t seed = 3;
    exchange_some(&seed, 2000);
    for (int i = 0; i < 10; i++) {
        pid_t pid = fork();
        if (pid == 0)
            child(i, 1);
        CHECK(pid > 0 && child_wait(pid) == 0);
    }
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return spawned_main();
    watchdog(100);
    single_threaded_forks();
    CHECK(pthread_atfork(prepare, in_parent, in_the_child) == 0);
    pthread_t b[BUSY], f[FORKERS], s;
    for (int i = 0; i < BUSY; i++)
        b[i] = thread_start(busy, (void *)(intptr_t)(100 + i));
    for (int i = 0; i < FORKERS; i++)
        f[i] = thread_start(forker, (void *)(intptr_t)(1000 * (i + 1)));
    for (int i = 0; i < FORKERS; i++)
        thread_join(f[i]);
    s = thread_start(spawner, NULL);
    thread_join(s);
    popen_works();
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < BUSY; i++)
        thread_join(b[i]);
    free_all_of_the_parent();
    return check_done();
}
