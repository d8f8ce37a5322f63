/* MA-16: under AT_SECURE no environment variable is read and no file is written.
 *
 * Root copies this program twice and gives one copy another owner and the set-user-ID bit. Both are run as a probe
 * that does what settings would change: fills, frees, looks at freed memory, frees twice, exits. The plain copy
 * without settings is the yardstick; the secure copy with every setting of glibc and of gort must do exactly the
 * same, and leave no file behind. The plain copy with settings shows that the settings would be seen.
 *
 * Skipped (77) where this is not root, no directory honours the bit, or the secure copy cannot have the allocator: the
 * loader drops a preloaded library, and one that only LD_LIBRARY_PATH finds. The static mode always can.
 */
#define ITEM "MA-16"
#include "support.h"

#include <dirent.h>
#include <malloc.h>
#include <sys/auxv.h>
#include <sys/stat.h>

enum { NOBODY = 65534, PROBE_MOST = 8192 };

/* --- the probe --- */

static int probe(void)
{
    char *kept = (char *)opaque(malloc(1000)), *q = (char *)opaque(malloc(1000));
    char line[200];
    unsigned char *fresh = (unsigned char *)opaque(malloc(5000));
    size_t zeros = 0, same = 0, filled = 0;
    check_say(1, "secure %lu gort %d\n", getauxval(AT_SECURE), gort_is_here());
    memset(kept, 'k', 1000);
    volatile char *freed = (char *)opaque(kept);
    free(kept);
    for (size_t i = 500; i < 1000; i++) { /* zeroed, filled, or left alone? */
        zeros += freed[i] == 0;
        same += freed[i] == 'k';
    }
    for (size_t i = 0; i < 5000; i++)
        filled += fresh[i] != 0;
    int n = snprintf(line, sizeof line, "fresh: %zu not zero; freed: %zu zero, %zu as they were\n", filled, zeros,
                     same);
    CHECK(write(1, line, (size_t)n) == n);
    for (int i = 0; i < 2000; i++)
        free(opaque(malloc((size_t)i * 100)));
    CHECK(mallinfo2().arena + mallinfo2().hblkhd > 0);
    malloc_trim(0);
    free(q);
    n = snprintf(line, sizeof line, "usable: %zu %zu\n", malloc_usable_size(opaque(malloc(1000))),
                 malloc_usable_size(opaque(malloc(100000))));
    CHECK(write(1, line, (size_t)n) == n);
    exit(0); /* through the exit handlers, which might report */
}

/* --- the three runs --- */

static char directory[200], plain[256], secure[256];

/* Runs a copy in `directory` and takes both of its outputs and its wait status as text. */
static size_t run(const char *program, char *const env[], char *text)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[] = {(char *)"probe", (char *)"probe", NULL};
        watchdog(20);
        if (dup2(ends[1], 1) < 0 || dup2(ends[1], 2) < 0 || chdir(directory) < 0)
            _exit(126);
        close(ends[0]);
        close(ends[1]);
        execve(program, argv, env);
        _exit(127);
    }
    close(ends[1]);
    size_t n = 0;
    ssize_t r;
    while (n < PROBE_MOST - 100 && (r = read(ends[0], text + n, PROBE_MOST - 100 - n)) > 0)
        n += (size_t)r;
    close(ends[0]);
    n += (size_t)sprintf(text + n, "wait status %x\n", (unsigned)child_wait(pid));
    return n;
}

/* Without `when`: removes all that lies in the directory. With it: says what of that is not ours. */
static void empty_directory(const char *when)
{
    DIR *d = opendir(directory);
    struct dirent *e;
    char path[600];
    while (d && (e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
        int is_ours = strcmp(path, plain) == 0 || strcmp(path, secure) == 0;
        if (when) {
            CHECKF(is_ours, "%s: file %.80s", when, e->d_name);
        } else {
            unlink(path);
        }
    }
    if (d)
        closedir(d);
}

static void clean_up(void)
{
    empty_directory(NULL);
    rmdir(directory);
}

static int copy_to(const char *path)
{
    char buffer[64 * KB];
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to = open(path, O_WRONLY | O_CREAT | O_EXCL, 0755);
    ssize_t n = -1;
    while (from >= 0 && to >= 0 && (n = read(from, buffer, sizeof buffer)) > 0)
        if (write(to, buffer, (size_t)n) != n)
            break;
    close(from);
    return close(to) == 0 && n == 0;
}

/* A directory where a set-user-ID program is started as such. */
static int prepare(const char *base)
{
    char text[PROBE_MOST];
    char *none[] = {NULL};
    snprintf(directory, sizeof directory, "%s/ma16-XXXXXX", base);
    if (!mkdtemp(directory))
        return 0;
    snprintf(plain, sizeof plain, "%s/plain", directory);
    snprintf(secure, sizeof secure, "%s/secure", directory);
    /* all may write there, so that a file that somebody wants to write is written */
    if (chmod(directory, 0777) == 0 && copy_to(plain) && copy_to(secure) && chown(secure, NOBODY, NOBODY) == 0 &&
        chmod(secure, 04755) == 0) {
        text[run(secure, none, text)] = 0;
        if (strncmp(text, "secure 1", 8) == 0)
            return 1;
    }
    clean_up();
    return 0;
}

/* The preload of this process goes on to the plain copies; the loader itself drops it for the secure one. */
static char *setting_of_loader(const char *name)
{
    static char text[2][4096];
    static int used;
    const char *value = getenv(name);
    if (!value || used == 2)
        return NULL;
    snprintf(text[used], sizeof text[used], "%s=%s", name, value);
    return text[used++];
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return probe();
    watchdog(60);
    if (geteuid() != 0)
        check_skip("only root can make a set-user-ID copy");
    static const char *const bases[] = {"/var/tmp", "/tmp", "/root", "/dev/shm"};
    size_t b = 0;
    while (b < COUNT(bases) && !prepare(bases[b]))
        b++;
    if (b == COUNT(bases))
        check_skip("no directory honours the set-user-ID bit, or the copy does not find its library");

    char *settings[] = {(char *)"GORT_CHECK=3", (char *)"GORT_PROFILE_RATE=1", (char *)"GORT_STATS=1",
                        (char *)"GORT_SHOW_STATS=1", (char *)"GORT_VERBOSE=1", (char *)"GORT_HEAP_PROFILE=profile",
                        (char *)"GORT_TRACE=trace", (char *)"GORT_LOG=log", (char *)"GORT_FAULT_AT=3",
                        (char *)"GODEBUG=gctrace=1,schedtrace=1,inittrace=1", (char *)"GOGC=1", (char *)"GOMAXPROCS=1",
                        (char *)"GOTRACEBACK=all", (char *)"GOMEMLIMIT=1", (char *)"MALLOC_PERTURB_=85",
                        (char *)"GLIBC_TUNABLES=glibc.malloc.perturb=85", NULL, NULL, NULL};
    size_t n = COUNT(settings) - 3;
    char *loader[] = {setting_of_loader("LD_PRELOAD"), NULL, NULL};
    loader[loader[0] != NULL] = setting_of_loader("LD_LIBRARY_PATH");
    for (size_t i = 0; i < 2 && loader[i]; i++)
        settings[n++] = loader[i];

    char yardstick[PROBE_MOST], with[PROBE_MOST], got[PROBE_MOST];
    yardstick[run(plain, loader, yardstick)] = 0;
    got[run(secure, settings, got)] = 0;
    empty_directory("after the secure run");
    with[run(plain, settings, with)] = 0; /* this one may write */
    clean_up();

    CHECKF(strncmp(yardstick, "secure 0 gort ", 14) == 0, "%.100s", yardstick);
    CHECKF(strncmp(got, "secure 1 gort ", 14) == 0, "%.100s", got);
    if (got[14] != yardstick[14])
        check_skip("the loader gives a set-user-ID program no preloaded library");
    CHECKF(strcmp(yardstick + 14, with + 14) != 0, "no setting shows: %.120s", with);
    CHECKF(strcmp(yardstick + 14, got + 14) == 0, "secure: %.120s", got);
    return check_done();
}
