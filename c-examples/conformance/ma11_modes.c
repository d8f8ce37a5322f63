/* MA-11: however it is loaded, the allocator starts no thread, changes no signal handler, and opens no descriptor.
 *
 * The program starts itself anew with default signals and only the three standard descriptors, and looks at itself
 * before and after heavy use. Then the calls of libc that hand out memory for the caller to free are used: there is one
 * heap, whoever allocates. The modes themselves (preload, linked, static) are chosen by whoever runs this.
 */
#define ITEM "MA-11"
#include "support.h"

#include <dirent.h>
#include <locale.h>
#include <malloc.h>
#include <search.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <wchar.h>

extern char **environ;

static const char *moment;

static void signals_are_untouched(void)
{
    for (int s = 1; s < NSIG; s++) {
        struct sigaction a;
        if (s == SIGALRM || sigaction(s, NULL, &a) != 0)
            continue;
        CHECKF(a.sa_handler == SIG_DFL, "%s: signal %d has a handler", moment, s);
    }
    sigset_t mask;
    CHECK(sigprocmask(SIG_SETMASK, NULL, &mask) == 0);
    for (int s = 1; s < NSIG; s++)
        CHECKF(sigismember(&mask, s) != 1, "%s: signal %d is blocked", moment, s);
    stack_t alt;
    CHECK(sigaltstack(NULL, &alt) == 0 && (alt.ss_flags & SS_DISABLE));
}

static void timers_are_untouched(void)
{
    static const int which[] = {ITIMER_VIRTUAL, ITIMER_PROF};
    for (size_t i = 0; i < COUNT(which); i++) {
        struct itimerval v;
        CHECK(getitimer((__typeof__(ITIMER_REAL))which[i], &v) == 0);
        CHECKF(v.it_value.tv_sec == 0 && v.it_value.tv_usec == 0, "%s: a timer runs", moment);
    }
}

static void nothing_is_open(void)
{
    for (int fd = 3; fd < 300; fd++)
        CHECKF(fcntl(fd, F_GETFD) < 0, "%s: descriptor %d is open", moment, fd);
}

static void no_thread_runs(void)
{
    CHECKF(proc_status("Threads:") == 1, "%s: %ld threads", moment, proc_status("Threads:"));
}

static void all_is_as_it_was(const char *when)
{
    moment = when;
    no_thread_runs();
    signals_are_untouched();
    timers_are_untouched();
    nothing_is_open();
    CHECKF(environ[0] && strcmp(environ[0], "MA11=inside") == 0, "%s: environment", when);
    CHECKF(syscall(SYS_getpid) == getpid(), "%s", when);
}

static void *use_heap(void *arg)
{
    enum { LIVE = 2000 };
    static __thread void *p[LIVE];
    uint64_t seed = 1 + (uint64_t)(uintptr_t)arg;
    for (int i = 0; i < 100000; i++) {
        size_t at = random_next(&seed) % LIVE;
        free(p[at]);
        p[at] = opaque(malloc(1 + random_next(&seed) % ((size_t)32 << random_next(&seed) % 12)));
        CHECK(p[at] != NULL);
    }
    for (int i = 0; i < LIVE; i++)
        free(p[i]);
    return NULL;
}

static void large_use(void)
{
    void *p[100];
    for (size_t i = 0; i < COUNT(p); i++) {
        p[i] = opaque(malloc(2 * MB));
        touch_pages(p[i], 2 * MB);
    }
    for (size_t i = 0; i < COUNT(p); i++)
        free(p[i]);
    malloc_trim(0);
}

/* A block that libc made belongs to our heap. */
static void ours(void *p)
{
    p = opaque(p);
    CHECK(p != NULL && malloc_usable_size(p) > 0 && malloc_usable_size(p) < MB);
    p = opaque(realloc(p, 3000));
    CHECK(p != NULL);
    free(p);
}

static int all_entries(const struct dirent *d) { return d->d_name[0] != 0; }

static void memory_made_by_libc(void)
{
    char *s = NULL;
    size_t n = 0;
    ours(strdup("a text"));
    ours(strndup("a text", 3));
    ours(wcsdup(L"a text"));
    CHECK(asprintf(&s, "%d %s", 17, "seventeen") == 12 && strcmp(s, "17 seventeen") == 0);
    ours(s);
    ours(getcwd(NULL, 0));
    ours(realpath("/proc/self/exe", NULL));
    FILE *f = open_memstream(&s, &n);
    for (int i = 0; i < 1000; i++)
        fprintf(f, "%d,", i);
    CHECK(fclose(f) == 0 && n == 3890);
    ours(s);
    s = NULL;
    n = 0;
    f = fopen("/proc/self/maps", "r");
    CHECK(f && getline(&s, &n, f) > 10);
    ours(s);
    CHECK(f && fclose(f) == 0);
    struct dirent **names;
    int count = scandir("/proc/self", &names, all_entries, alphasort);
    CHECK(count > 10);
    for (int i = 0; i < count; i++)
        ours(names[i]);
    ours(names);
    CHECK(setlocale(LC_ALL, "") != NULL);
    CHECK(setenv("MA11_ADDED", "x", 1) == 0 && putenv((char *)"MA11_PUT=y") == 0 && unsetenv("MA11_ADDED") == 0);
    CHECK(hcreate(100) != 0);
    hdestroy();
    DIR *d = opendir("/");
    CHECK(d && readdir(d) && closedir(d) == 0);
}

static int inside(void)
{
    watchdog(60);
    all_is_as_it_was("at start");
    free(opaque(malloc(10)));
    all_is_as_it_was("after the first call");
    large_use();
    use_heap(NULL);
    all_is_as_it_was("after heavy use");
    pthread_t t[4];
    for (size_t i = 0; i < COUNT(t); i++)
        t[i] = thread_start(use_heap, (void *)(i + 1));
    for (size_t i = 0; i < COUNT(t); i++)
        thread_join(t[i]);
    memory_made_by_libc();
    no_thread_runs();
    signals_are_untouched();
    nothing_is_open();
    return check_done();
}

/* A known start: default signals, nothing blocked, three descriptors, our mark first in the environment. */
static void start_anew(void)
{
    enum { MOST = 1000 };
    static char *env[MOST + 2];
    size_t n = 0;
    env[n++] = (char *)"MA11=inside";
    for (char **e = environ; *e && n < MOST; e++)
        env[n++] = *e;
    sigset_t none;
    sigemptyset(&none);
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    char *argv[] = {(char *)"ma11_modes", (char *)"inside", NULL};
    execve("/proc/self/exe", argv, env);
    check_skip("cannot start itself");
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return inside();
    start_anew();
}
