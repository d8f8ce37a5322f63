/* MA-14: misuse stops the program with one line that names the call, the address and the fault, then SIGABRT.
 *
 * Every case of misuse_cases.h is run in a process of its own, in default mode and with GORT_CHECK of 2 and 3. Where
 * the table says so it must die, at the call or at the latest when its block goes back; the line is compared with
 * what the case said it would do. With GORT_CHECK=3 freed memory reads as zero. Skipped where the allocator is not
 * gort.
 */
#define ITEM "MA-14"
#include "misuse_cases.h"

struct outcome {
    char out[4096], err[4096];
    int status;
    int skipped, came_back, survived;
};

static void take_all(int fd, char *text, size_t most)
{
    size_t n = 0;
    ssize_t r;
    while (n < most - 1 && (r = read(fd, text + n, most - 1 - n)) > 0)
        n += (size_t)r;
    text[n] = 0;
    close(fd);
}

/* Starts this program anew for one case, with GORT_CHECK as given, 0 for unset. */
static void run_case(const char *name, int check, struct outcome *o)
{
    int out[2], err[2];
    char level[2] = {(char)('0' + check), 0};
    char *argv[] = {(char *)"ma14_misuse", (char *)(uintptr_t)name, NULL};
    CHECK(pipe(out) == 0 && pipe(err) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (dup2(out[1], 1) < 0 || dup2(err[1], 2) < 0)
            _exit(126);
        close(out[0]), close(out[1]), close(err[0]), close(err[1]);
        if (check ? setenv("GORT_CHECK", level, 1) : unsetenv("GORT_CHECK"))
            _exit(126);
        execv("/proc/self/exe", argv);
        _exit(127);
    }
    close(out[1]);
    close(err[1]);
    take_all(out[0], o->out, sizeof o->out); /* both are far smaller than a pipe holds */
    take_all(err[0], o->err, sizeof o->err);
    o->status = child_wait(pid);
    o->skipped = WIFEXITED(o->status) && WEXITSTATUS(o->status) == CHECK_SKIP;
    o->came_back = strstr(o->out, "\nreturned\n") != NULL;
    o->survived = strstr(o->out, "survived\n") != NULL;
}

/* One line, "gort: CALL(0xADDR): FAULT". With `out`, call and address are those of its line "call CALL ADDR". */
static int line_is_right(const char *err, const char *out)
{
    char call[64] = "", wanted[128];
    void *address = NULL;
    const char *end = strchr(err, '\n'), *fault = strstr(err, "): ");
    if (strncmp(err, "gort: ", 6) != 0 || !end || end[1] != 0 || !fault || fault + 3 >= end)
        return 0;
    if (!out)
        return 1;
    const char *last = strrchr(out, ' ');
    if (strncmp(out, "call ", 5) != 0 || !last || last - out - 5 >= (ptrdiff_t)sizeof call ||
        sscanf(last, "%p", &address) != 1)
        return 0;
    memcpy(call, out + 5, (size_t)(last - out - 5));
    snprintf(wanted, sizeof wanted, "gort: %s(0x%lx): ", call, (unsigned long)(uintptr_t)address);
    return strncmp(err, wanted, strlen(wanted)) == 0;
}

static int must_stop(const struct misuse *m, int check)
{
    return m->level <= LATE || (m->level == CHECK_2 && check >= 2) || (m->level == CHECK_3 && check >= 3);
}

static int must_stop_at_call(const struct misuse *m, int check)
{
    return m->level == AT_CALL || (m->level <= CHECK_2 && check >= 2);
}

static void check_case(const struct misuse *m, int check)
{
    struct outcome o;
    run_case(m->name, check, &o);
    if (o.skipped)
        return;
    if (!must_stop(m, check)) {
        /* detection earlier than owed is welcome; a death of any other kind is not */
        CHECKF(o.survived || (WIFSIGNALED(o.status) && line_is_right(o.err, NULL)),
               "%s, check %d: status %x, %.60s", m->name,
               check, (unsigned)o.status, o.err);
        return;
    }
    int sig = WIFSIGNALED(o.status) ? WTERMSIG(o.status) : 0;
    CHECKF(!o.survived, "%s, check %d: survived", m->name, check);
    if (m->by_store && sig == SIGSEGV) {
        CHECKF(!o.came_back, "%s, check %d: died after the store", m->name, check);
        return;
    }
    CHECKF(sig == SIGABRT, "%s, check %d: signal %d", m->name, check, sig);
    if (must_stop_at_call(m, check)) {
        CHECKF(!o.came_back, "%s, check %d: the call came back", m->name, check);
        CHECKF(line_is_right(o.err, o.out), "%s, check %d: %.50s; said: %.90s", m->name, check, o.out, o.err);
    } else {
        CHECKF(line_is_right(o.err, NULL), "%s, check %d: said: %.100s", m->name, check, o.err);
    }
}

/* With GORT_CHECK=3: what was freed reads as zero. */
static int zero_on_free(void)
{
    static const size_t sizes[] = {16, 48, 100, 1000, 5000, 20000};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char *p = small(sizes[i]);
        memset(p, 'z', sizes[i]);
        do_free(p);
        size_t good = zero_bytes(opaque(p), sizes[i]);
        CHECKF(good == sizes[i], "freed block of %zu: %zu zero bytes", sizes[i], good);
        let_go();
    }
    return check_status();
}

/* A program without fault is not stopped at any level. */
static int correct_use(void)
{
    uint64_t seed = 14;
    for (int i = 0; i < 200000; i++) {
        size_t at = random_next(&seed) % HELD, n = random_next(&seed) % ((size_t)16 << random_next(&seed) % 12);
        if (i % 7 == 0)
            held[at] = do_realloc(held[at], n + 1);
        else
            do_free(held[at]), held[at] = i % 5 ? do_malloc(n) : do_memalign(256, n);
        memset(held[at], 1, do_usable(held[at]));
    }
    let_go();
    return check_status();
}

int main(int argc, char **argv)
{
    static const int checks[] = {0, 2, 3};
    watchdog(60);
    if (argc > 1) {
        const struct misuse *m = misuse_find(argv[1]);
        return m ? misuse_run(m) : strcmp(argv[1], "zero_on_free") == 0 ? zero_on_free() : correct_use();
    }
    if (!gort_is_here())
        check_skip("the allocator is not gort");
    for (size_t c = 0; c < COUNT(checks); c++) {
        for (size_t i = 0; i < COUNT(misuses); i++)
            check_case(&misuses[i], checks[c]);
        struct outcome o;
        run_case("correct_use", checks[c], &o);
        CHECKF(o.status == 0 && !*o.err, "check %d: correct use: %x, %.100s", checks[c], (unsigned)o.status, o.err);
    }
    struct outcome o;
    run_case("zero_on_free", 3, &o);
    CHECKF(o.status == 0, "%.140s", o.err);
    return check_done();
}
