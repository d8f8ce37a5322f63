/* Known amounts of memory, for the heap profile: `mix PART`.
 *
 * Calls go through volatile pointers, so that the compiler leaves them; the functions that a stack must show are not
 * inlined, and end with something to do after the call.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *(*volatile alloc)(size_t) = malloc;
static void *(*volatile resize)(void *, size_t) = realloc;
static void (*volatile release)(void *) = free;
static void *volatile sink;

#define PLACE __attribute__((noinline, noclone))

/* `count` blocks of `n` bytes in a list. */
PLACE void *chain(size_t n, size_t count)
{
    void **head = NULL;
    for (size_t i = 0; i < count; i++) {
        void **block = alloc(n);
        *block = head;
        head = block;
    }
    return head;
}

static void release_all(void **head)
{
    while (head) {
        void **next = *head;
        release(head);
        head = next;
    }
}

PLACE void middle(size_t n, size_t count)
{
    sink = chain(n, count);
}

PLACE void outer(size_t n, size_t count)
{
    middle(n, count);
    sink = NULL;
}

/* Live: 400,000 of 64, 60,000 of 1,000, 4,000 of 20,000, 400 of 300,000, of which half are freed again. Gone: 2,000,000
 * of 128 and 10,000 of 40,000. */
static int amounts(void)
{
    void *half;
    outer(64, 400000);
    outer(1000, 60000);
    outer(20000, 4000);
    half = chain(300000, 200);
    outer(300000, 200);
    release_all(half);
    for (int i = 0; i < 2000; i++)
        release_all(chain(128, 1000));
    for (int i = 0; i < 100; i++)
        release_all(chain(40000, 100));
    return 0;
}

/* 1,000 of 100 stay, 1,000 of 200 go; a vector grows to 5,000,000 in place and by moves. */
static int exact(void)
{
    char *vector = NULL;
    outer(100, 1000);
    release_all(chain(200, 1000));
    for (size_t n = 1000; n < 5000000; n += n / 2)
        vector = resize(vector, n);
    sink = resize(vector, 5000000);
    return 0;
}

static void *release_on_thread(void *head)
{
    release_all(head);
    return NULL;
}

/* Blocks of 112 are freed by a thread that did not make them; those of 144 stay after their thread. */
static void *stay_after_thread(void *arg)
{
    (void)arg;
    outer(144, 2000);
    return NULL;
}

static int threads(void)
{
    pthread_t thread;
    void *head = chain(112, 2000);
    if (pthread_create(&thread, NULL, release_on_thread, head) || pthread_join(thread, NULL))
        return 1;
    if (pthread_create(&thread, NULL, stay_after_thread, NULL) || pthread_join(thread, NULL))
        return 1;
    return 0;
}

/* The child has what the parent had and 500 of 176 more; it frees nothing. */
static int forks(void)
{
    outer(160, 500);
    pid_t pid = fork();
    if (pid == 0) {
        outer(176, 500);
        exit(0);
    }
    int status;
    return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}

/* C++'s operators, with sizes, and aligned blocks: whatever was sampled can be freed. */
static int operators(void)
{
    void *(*new)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "_Znwm");
    void (*delete)(void *, size_t) = (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "_ZdlPvm");
    for (size_t i = 0; i < 2000000; i++) {
        size_t n = 1 + i * 37 % 3000;
        void *block = new(n), *aligned = i % 100 ? NULL : aligned_alloc(256, n);
        memset(block, 1, n);
        delete(block, n);
        if (aligned && ((size_t)aligned % 256 || malloc_usable_size(aligned) < n))
            return 2;
        release(aligned);
    }
    return 0;
}

/* Writes the profile by itself to the descriptor that is its standard output. */
static int by_call(void)
{
    int (*profile)(int) = (int (*)(int))dlsym(RTLD_DEFAULT, "go_heap_profile");
    outer(100, 1000);
    return !profile || profile(1) != 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } parts[] = {{"amounts", amounts}, {"exact", exact},         {"threads", threads},
                 {"forks", forks},     {"operators", operators}, {"by_call", by_call}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (argc == 2 && strcmp(argv[1], parts[i].name) == 0)
            return parts[i].run();
    return 64;
}
