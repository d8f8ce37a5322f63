/*
 * Starts a program with a library preloaded and measures it: launcher RESULT PRELOAD PROGRAM ARGS...
 *
 * The program's peak counts the launcher's memory too, since the child is its copy until it executes the program; so
 * the launcher is small, static, and not the bench itself.
 *
 * RESULT receives one line: nanoseconds, microseconds of user and of system time, peak of resident KB.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static void child(const char *preload, char **command)
{
    if (*preload && setenv("LD_PRELOAD", preload, 1) != 0)
        fail("LD_PRELOAD");
    execvp(command[0], command);
    fail(command[0]);
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
    long long start = now_ns();
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0)
        child(argv[2], argv + 3);
    int status;
    if (wait4(pid, &status, 0, &usage) < 0)
        fail("wait4");
    long long wall = now_ns() - start;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    dprintf(out, "%lld %lld %lld %ld\n", wall, micros(usage.ru_utime), micros(usage.ru_stime), usage.ru_maxrss);
    return code;
}
