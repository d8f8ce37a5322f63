/* support.h: small tools of the conformance programs: patterns, random numbers, children, threads, memory figures.
 *
 * Nothing here allocates (thread_start excepted: pthread_create may). The compiler knows malloc and free: it removes
 * pairs that nobody looks at, and it takes for granted that free keeps errno. opaque() and errno_now() are what it
 * cannot see through; every pointer whose fate is checked goes through opaque().
 */
#ifndef SUPPORT_H
#define SUPPORT_H

#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif
/* Only libgort has it: preloaded, linked or static. */
extern void *go_malloc(size_t n) __attribute__((weak));
#ifdef __cplusplus
}
#endif

#define KB ((size_t)1 << 10)
#define MB ((size_t)1 << 20)
#define GB ((size_t)1 << 30)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Whether the program's malloc is gort's. Checks that go beyond glibc 2.36 ask this first. */
static inline int gort_is_here(void)
{
    return go_malloc != NULL;
}

static inline void *opaque(void *p)
{
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}

static inline size_t opaque_size(size_t n)
{
    __asm__ volatile("" : "+r"(n) : : "memory");
    return n;
}

static inline int errno_now(void)
{
    __asm__ volatile("" : : : "memory");
    return errno;
}

static inline int aligned_to(const void *p, size_t align)
{
    return ((uintptr_t)p & (align - 1)) == 0;
}

/* splitmix64: one word of state, any seed. */
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* The byte of a pattern at an offset: depends on the seed and on the place, so that moved contents are seen too. */
static inline unsigned char pattern_at(uint64_t seed, size_t i)
{
    return (unsigned char)(seed * 167 + i * 31 + (i >> 8) * 7 + 13);
}

static inline void pattern_fill(void *p, size_t n, uint64_t seed)
{
    unsigned char *b = (unsigned char *)p;
    for (size_t i = 0; i < n; i++)
        b[i] = pattern_at(seed, i);
}

/* The number of leading bytes that hold the pattern: n when all do. */
static inline size_t pattern_holds(const void *p, size_t n, uint64_t seed)
{
    const unsigned char *b = (const unsigned char *)p;
    size_t i = 0;
    while (i < n && b[i] == pattern_at(seed, i))
        i++;
    return i;
}

/* The number of leading zero bytes. */
static inline size_t zero_bytes(const void *p, size_t n)
{
    const unsigned char *b = (const unsigned char *)p;
    size_t i = 0;
    while (i < n && b[i] == 0)
        i++;
    return i;
}

/* One byte in every OS page, so that the block is resident. */
static inline void touch_pages(void *p, size_t n)
{
    for (size_t i = 0; i < n; i += 4096)
        ((volatile char *)p)[i] = 1;
}

/* A figure of /proc/self/status in KiB: "VmRSS:", "VmSize:", "VmData:", or "Threads:" as it stands. */
static inline long proc_status(const char *name)
{
    char text[8192];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return -1;
    text[n] = 0;
    const char *at = strstr(text, name);
    return at ? strtol(at + strlen(name), NULL, 10) : -1;
}

/* Lowers one soft limit of the process. */
static inline void limit_to(int resource, size_t bytes)
{
    struct rlimit r;
    CHECK(getrlimit((__typeof__(RLIMIT_AS))resource, &r) == 0);
    r.rlim_cur = bytes;
    CHECK(setrlimit((__typeof__(RLIMIT_AS))resource, &r) == 0);
}

/* Address space in use now, plus `more`: a limit that leaves room for `more` bytes. */
static inline size_t address_space_and(size_t more)
{
    return (size_t)proc_status("VmSize:") * KB + more;
}

/* A hang becomes a death by SIGALRM. */
static inline void watchdog(unsigned seconds)
{
    signal(SIGALRM, SIG_DFL);
    alarm(seconds);
}

/* Waits for a child and gives its wait status. */
static inline int child_wait(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

/* Runs fn in a forked child, whose checks count as one of the parent's. */
static inline void in_child(const char *name, void (*fn)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        watchdog(60);
        check_failed = 0; /* the parent counts its own */
        fn();
        _exit(check_status());
    }
    CHECK(pid > 0);
    int status = child_wait(pid);
    CHECKF(status == 0, "child %s: wait status 0x%x", name, (unsigned)status);
}

static inline pthread_t thread_start(void *(*fn)(void *), void *arg)
{
    pthread_t t;
    memset(&t, 0, sizeof t);
    int e = pthread_create(&t, NULL, fn, arg);
    if (!CHECK(e == 0)) {
        check_say(2, "pthread_create: error %d\n", e);
        _exit(1);
    }
    return t;
}

static inline void *thread_join(pthread_t t)
{
    void *result = NULL;
    CHECK(pthread_join(t, &result) == 0);
    return result;
}

static inline int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

#endif
