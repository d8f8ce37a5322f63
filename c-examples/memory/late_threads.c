/* Threads whose last act is an allocation. (C only)
 *
 * They make it in the last round of destructors, when no allocator is told any more that the thread ends. Nothing of the
 * thread may be touched afterwards, and no cache may be lost. */
#define _GNU_SOURCE
#include <gort.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 40, BLOCKS = 100 };

static pthread_key_t key;
static __thread int rounds;
static unsigned long last_rounds;

/* The compiler drops pairs of malloc and free that nobody looks at. */
static void *opaque(void *p)
{
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}

/* Comes back until the last round, and allocates only then. */
static void at_exit_of_thread(void *value)
{
    if (++rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(key, value);
        return;
    }
    void *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        memset(blocks[i] = opaque(malloc(i * 40)), i, i * 40);
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    __atomic_add_fetch(&last_rounds, 1, __ATOMIC_RELAXED);
}

static void *work(void *arg)
{
    free(opaque(malloc(100))); /* so the thread has a cache, and gives it up in the first round */
    pthread_setspecific(key, arg);
    return arg;
}

/* A thread on a stack that is gone when the thread is: who looks at it later dies. */
static void one_thread(void)
{
    size_t size = 256 << 10;
    void *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setstack(&attr, stack, size);
    if (pthread_create(&thread, &attr, work, stack) != 0)
        abort();
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
    munmap(stack, size);
}

static size_t caches(void)
{
    go_malloc_stats_t stats = {.size = sizeof stats};
    go_malloc_stats(&stats);
    return stats.caches;
}

int main(void)
{
    free(opaque(malloc(100))); /* the allocator's key comes before ours, and so does its destructor */
    pthread_key_create(&key, at_exit_of_thread);
    for (int i = 0; i < THREADS; i++)
        one_thread();
    printf("%lu threads allocated in their last round\n", last_rounds);
    printf("caches: %s\n", caches() <= 2 ? "few" : "one for each");
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 1000; i++)
            free(opaque(malloc(i * 10)));
        _exit(0);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    printf("child of a fork: %s\n", status == 0 ? "fine" : "dead");
    return 0;
}
