/* MA-11: libgort.so opened with dlopen, beside the program's own malloc.
 *
 *   dlopen_main PATH     PATH of libgort.so, which must not be preloaded or linked as well
 *
 * RTLD_LOCAL: the program's malloc stays glibc's; gort is reached by its prefixed names, from threads that were there
 * before it was loaded and from later ones. Threads end with blocks in use by others, and free in their key
 * destructors. At the end the library is closed, also while a thread lives that has used it, and nothing crashes.
 */
#define ITEM "MA-11 (dlopen)"
#include "support.h"

#include <dlfcn.h>
#include <malloc.h>
#include <semaphore.h>

static struct {
    void *(*malloc)(size_t);
    void (*free)(void *);
    void *(*realloc)(void *, size_t);
    void *(*calloc)(size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    size_t (*usable_size)(const void *);
    int (*trim)(void);
} go;

/* POSIX lets an object pointer of dlsym be a function pointer; C needs the detour over memory. */
static void find(void *library, const char *name, void *function)
{
    void *p = dlsym(library, name);
    CHECKF(p != NULL, "%s", name);
    memcpy(function, &p, sizeof p);
    if (!p)
        _exit(check_done());
}

static void *open_library(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        check_say(2, "%s\n", dlerror());
        check_one(0, __FILE__, __LINE__, "dlopen", path);
        _exit(check_done());
    }
    find(library, "go_malloc", &go.malloc);
    find(library, "go_free", &go.free);
    find(library, "go_realloc", &go.realloc);
    find(library, "go_calloc", &go.calloc);
    find(library, "go_aligned_alloc", &go.aligned_alloc);
    find(library, "go_usable_size", &go.usable_size);
    find(library, "go_malloc_trim", &go.trim);
    return library;
}

/* The program's own family is the C library's, before and after. */
static void own_malloc_is_libc(void)
{
    Dl_info info;
    void *address = dlsym(RTLD_DEFAULT, "malloc");
    CHECK(dladdr(address, &info) != 0);
    CHECKF(strstr(info.dli_fname, "libc.so") != NULL, "malloc is from %.100s", info.dli_fname);
    CHECK(dlsym(RTLD_DEFAULT, "go_malloc") == NULL);
    size_t before = mallinfo2().uordblks;
    char *p = (char *)opaque(malloc(3000));
    CHECK(mallinfo2().uordblks >= before + 3000);
    free(p);
}

static void one_of_each(uint64_t *seed)
{
    size_t n = 1 + random_next(seed) % ((size_t)16 << random_next(seed) % 13);
    char *p = (char *)go.malloc(n), *own = (char *)opaque(malloc(n % 1000 + 1));
    CHECK(p && aligned_to(p, 16) && go.usable_size(p) >= n);
    pattern_fill(p, n, n);
    pattern_fill(own, n % 1000 + 1, n + 1);
    p = (char *)go.realloc(p, 2 * n);
    CHECK(p && pattern_holds(p, n, n) == n);
    char *z = (char *)go.calloc(n, 1), *a = (char *)go.aligned_alloc(4096, n);
    CHECK(z && zero_bytes(z, n) == n);
    CHECK(a && aligned_to(a, 4096));
    memset(z, 1, n);
    memset(a, 2, n);
    CHECK(pattern_holds(own, n % 1000 + 1, n + 1) == n % 1000 + 1);
    go.free(p);
    go.free(z);
    go.free(a);
    free(own);
}

/* --- threads --- */

enum { THREADS = 6, KEPT = 500 };
static char *kept[THREADS][KEPT];
static pthread_key_t key;

static void free_at_the_end(void *p)
{
    CHECK(pattern_holds(p, 500, 4) == 500);
    go.free(p);
    go.free(go.malloc(100)); /* the thread's end is not the end of its heap */
}

static void *thread_body(void *arg)
{
    size_t me = (size_t)(uintptr_t)arg;
    uint64_t seed = me + 1;
    for (int i = 0; i < 3000; i++)
        one_of_each(&seed);
    for (size_t i = 0; i < KEPT; i++) {
        kept[me][i] = (char *)go.malloc(100 + i);
        pattern_fill(kept[me][i], 100 + i, me + i);
    }
    char *p = (char *)go.malloc(500);
    pattern_fill(p, 500, 4);
    CHECK(pthread_setspecific(key, p) == 0);
    return NULL;
}

static void *frees_of_others(void *arg)
{
    size_t other = (size_t)(uintptr_t)arg;
    for (size_t i = 0; i < KEPT; i++) {
        CHECK(pattern_holds(kept[other][i], 100 + i, other + i) == 100 + i);
        go.free(kept[other][i]);
    }
    return NULL;
}

static void threads(void)
{
    pthread_t t[THREADS];
    CHECK(pthread_key_create(&key, free_at_the_end) == 0);
    for (size_t i = 0; i < THREADS; i++)
        t[i] = thread_start(thread_body, (void *)i);
    for (size_t i = 0; i < THREADS; i++)
        thread_join(t[i]);
    for (size_t i = 0; i < THREADS; i += 2) /* half by threads that only free, half by main */
        t[i] = thread_start(frees_of_others, (void *)i);
    for (size_t i = 1; i < THREADS; i += 2)
        frees_of_others((void *)i);
    for (size_t i = 0; i < THREADS; i += 2)
        thread_join(t[i]);
    pthread_key_delete(key);
}

/* A thread from before the library was loaded, which lives until after it was closed. */
static sem_t may_use, has_used, may_end;

static void wait_for(sem_t *s)
{
    while (sem_wait(s) < 0)
        CHECK(errno == EINTR);
}

static void *old_thread(void *arg)
{
    uint64_t seed = 77;
    wait_for(&may_use);
    for (int i = 0; i < 500; i++)
        one_of_each(&seed);
    CHECK(sem_post(&has_used) == 0);
    wait_for(&may_end);
    return arg;
}

static void errors(void)
{
    errno = 0;
    CHECK(go.malloc(opaque_size(SIZE_MAX)) == NULL && errno_now() == ENOMEM);
    errno = 0;
    CHECK(go.calloc(opaque_size(SIZE_MAX), 2) == NULL && errno_now() == ENOMEM);
    errno = 0;
    CHECK(go.aligned_alloc(3, 3) == NULL && errno_now() == EINVAL);
    errno = 0x5a5a;
    go.free(NULL);
    go.free(go.malloc(100));
    CHECK(errno_now() == 0x5a5a);
    CHECK(go.usable_size(NULL) == 0);
}

static void in_a_fork(void)
{
    uint64_t seed = 8;
    for (int i = 0; i < 500; i++)
        one_of_each(&seed);
}

int main(int argc, char **argv)
{
    watchdog(60);
    if (argc != 2)
        check_skip("usage: dlopen_main PATH-OF-LIBGORT.SO");
    if (gort_is_here())
        check_skip("gort is preloaded or linked");
    CHECK(sem_init(&may_use, 0, 0) == 0 && sem_init(&has_used, 0, 0) == 0 && sem_init(&may_end, 0, 0) == 0);
    pthread_t old = thread_start(old_thread, NULL);
    own_malloc_is_libc();
    void *library = open_library(argv[1]);
    uint64_t seed = 1;
    for (int i = 0; i < 1000; i++)
        one_of_each(&seed);
    CHECK(sem_post(&may_use) == 0);
    wait_for(&has_used);
    errors();
    threads();
    in_child("fork", in_a_fork);
    CHECK(go.trim() >= 0);
    own_malloc_is_libc();
    CHECK(dlclose(library) == 0);
    CHECK(sem_post(&may_end) == 0);
    thread_join(old);
    library = open_library(argv[1]); /* and once more */
    in_a_fork();
    CHECK(dlclose(library) == 0);
    own_malloc_is_libc();
    return check_done();
}
