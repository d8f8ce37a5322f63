/* check.h: what every conformance program shares: the check itself, the count, and the exit status.
 *
 * A program defines ITEM ("MA-3") and includes this file. CHECK prints file, line, item and condition and goes on, so
 * that one run shows every fault. check_done() gives the exit status: 0 when all held, 1 otherwise; check_skip() ends
 * the program with 77, which means that this machine or mode cannot show the item.
 *
 * Nothing here allocates: output goes through a buffer on the stack and write(2). So a check may stand in an IFUNC
 * resolver's caller, in a constructor, in a destructor of a dying thread, and in the child of a fork.
 */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* for the programs: reallocarray, asprintf, pthread extensions */
#endif

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef ITEM
#error "define ITEM before including check.h"
#endif

enum { CHECK_SKIP = 77, CHECK_SHOWN = 20 };

static unsigned long check_count, check_failed;

__attribute__((format(printf, 2, 3))) static inline void check_say(int fd, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (n >= (int)sizeof line)
        n = (int)sizeof line - 1;
    if (n > 0 && write(fd, line, (size_t)n) < 0)
        _exit(2);
}

/* Counts one check; the first CHECK_SHOWN failures are shown with `detail`, which is empty or a text of the caller. */
static inline int check_one(int held, const char *file, int line, const char *what, const char *detail)
{
    int saved = errno;
    __atomic_add_fetch(&check_count, 1, __ATOMIC_RELAXED);
    if (!held && __atomic_add_fetch(&check_failed, 1, __ATOMIC_RELAXED) <= CHECK_SHOWN)
        check_say(2, "%s:%d: %s: does not hold: %s%s%s (errno %d)\n", file, line, ITEM, what, *detail ? "; " : "",
                  detail, saved);
    errno = saved;
    return held;
}

/* True when `cond` holds. */
#define CHECK(cond) check_one((cond) ? 1 : 0, __FILE__, __LINE__, #cond, "")

/* As CHECK, with the values that explain a failure. The text is made only when the check fails. */
#define CHECKF(cond, ...)                                                                                              \
    do {                                                                                                               \
        if (cond) {                                                                                                    \
            check_one(1, __FILE__, __LINE__, #cond, "");                                                               \
        } else {                                                                                                       \
            char detail_[160];                                                                                         \
            snprintf(detail_, sizeof detail_, __VA_ARGS__);                                                            \
            check_one(0, __FILE__, __LINE__, #cond, detail_);                                                          \
        }                                                                                                              \
    } while (0)

/* The status to exit with so far. */
static inline int check_status(void)
{
    return __atomic_load_n(&check_failed, __ATOMIC_RELAXED) ? 1 : 0;
}

/* Says how it went and gives the exit status. */
static inline int check_done(void)
{
    check_say(1, "%s: %s, %lu checks, %lu failed\n", ITEM, check_status() ? "FAILED" : "ok", check_count, check_failed);
    return check_status();
}

/* Ends the program as skipped, or as failed when a check before this one failed. */
__attribute__((noreturn)) static inline void check_skip(const char *why)
{
    check_say(1, "%s: skipped: %s\n", ITEM, why);
    _exit(check_status() ? 1 : CHECK_SKIP);
}

#endif
