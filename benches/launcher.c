/*
 * Starts a program with a library preloaded and measures it: launcher RESULT PRELOAD PROGRAM ARGS...
 *
 * The program's peak counts the launcher's memory too, since the child is its copy until it executes the program; so
 * the launcher is small, static, and not the bench itself. The program is traced for one event, its exit: while it
 * stands there its memory is still whole, and the kernel tells how much is resident.
 *
 * RESULT receives one line: nanoseconds, microseconds of user and of system time, peak and last resident KB, status.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what)
{
    fprintf(stderr, "launcher: %s: %s\n", what, strerror(errno));
    exit(120);
}

static long long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long micros(struct timeval t)
{
    return t.tv_sec * 1000000LL + t.tv_usec;
}

/* Resident KB of a process that stands still; -1 when the kernel does not tell. */
static long resident_kb(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    FILE *file = fopen(path, "r");
    long kb = -1;
    char line[256];
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Rss: %ld", &kb) == 1)
            break;
    if (file)
        fclose(file);
    return kb;
}

static void child(const char *preload, char **command)
{
    if (*preload && setenv("LD_PRELOAD", preload, 1) != 0)
        fail("LD_PRELOAD");
    /* Where tracing is not allowed the end is measured as unknown. */
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    execvp(command[0], command);
    fail(command[0]);
}

/* Lets the program run to its end, hands it its signals, and looks at it when it is about to exit. */
static int watch(pid_t pid, struct rusage *usage, long *end_kb)
{
    int status;
    int started = 0;
    for (;;) {
        if (wait4(pid, &status, __WALL, usage) < 0)
            fail("wait4");
        if (!WIFSTOPPED(status))
            return status;
        int signal = WSTOPSIG(status);
        if (signal == SIGTRAP && !started) {
            started = 1;
            signal = 0;
            ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL);
        } else if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8)) {
            signal = 0;
            *end_kb = resident_kb(pid);
        }
        ptrace(PTRACE_CONT, pid, NULL, (void *)(long)signal);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: launcher RESULT PRELOAD PROGRAM ARGS...\n", stderr);
        return 120;
    }
    int out = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out < 0)
        fail(argv[1]);
    struct rusage usage;
    long end_kb = -1;
    long long start = now_ns();
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0)
        child(argv[2], argv + 3);
    int status = watch(pid, &usage, &end_kb);
    long long wall = now_ns() - start;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    dprintf(out, "%lld %lld %lld %ld %ld %d\n", wall, micros(usage.ru_utime), micros(usage.ru_stime), usage.ru_maxrss,
            end_kb, code);
    return code;
}
