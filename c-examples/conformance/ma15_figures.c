/* MA-15: mallinfo2, malloc_info and malloc_stats report true figures that add up; mallopt takes glibc's parameters.
 *
 * True means: what the program allocated is in the figures, what it freed leaves them, to within what caches may hold.
 * malloc_info is read as XML with a small checker: tags nest and close, attributes are quoted.
 */
#define ITEM "MA-15"
#include "support.h"

#include <ctype.h>
#include <malloc.h>

static void figures_add_up(const char *when)
{
    struct mallinfo2 m = mallinfo2();
    CHECKF(m.uordblks + m.fordblks == m.arena, "%s: in use %zu + free %zu, arena %zu", when, m.uordblks, m.fordblks,
           m.arena);
    CHECKF(m.fsmblks <= m.fordblks, "%s: fsmblks %zu, fordblks %zu", when, m.fsmblks, m.fordblks);
    CHECKF(m.keepcost <= m.fordblks, "%s: keepcost %zu, fordblks %zu", when, m.keepcost, m.fordblks);
    CHECKF((m.hblks == 0) == (m.hblkhd == 0), "%s: %zu large blocks of %zu bytes", when, m.hblks, m.hblkhd);
    CHECKF(m.usmblks <= m.arena + m.hblkhd, "%s: usmblks %zu", when, m.usmblks);
    CHECKF(m.uordblks + m.hblkhd < 64 * GB, "%s: in use %zu", when, m.uordblks + m.hblkhd);
    size_t space = (size_t)proc_status("VmSize:") * KB;
    CHECKF(m.arena + m.hblkhd <= space + 64 * MB, "%s: %zu managed in %zu of address space", when, m.arena + m.hblkhd,
           space);
}

/* Bytes of live blocks, small and large. */
static size_t in_use(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static void what_is_allocated_is_counted(size_t n, size_t count)
{
    void **p = (void **)opaque(malloc(count * sizeof *p));
    size_t before = in_use(), usable = 0;
    for (size_t i = 0; i < count; i++) {
        p[i] = opaque(malloc(n));
        usable += malloc_usable_size(p[i]);
    }
    figures_add_up("with blocks");
    size_t with = in_use(), slack = (n <= 64 * KB ? n * 64 : 0) + 256 * KB; /* of caches */
    CHECKF(with + slack >= before + n * count, "%zu blocks of %zu: %zu more in use", count, n, with - before);
    CHECKF(with <= before + usable + usable / 4 + 64 * count + slack + 8192 * 8, "%zu blocks of %zu: %zu more in use",
           count, n, with - before);
    for (size_t i = 0; i < count; i += 2)
        free(p[i]);
    figures_add_up("with half of them");
    size_t half = in_use();
    CHECKF(half + n * count / 2 <= with + slack, "%zu blocks of %zu: %zu in use, then %zu", count, n, with, half);
    for (size_t i = 1; i < count; i += 2)
        free(p[i]);
    figures_add_up("with none");
    size_t after = in_use();
    CHECKF(after <= before + slack, "%zu blocks of %zu: %zu in use before, %zu after", count, n, before, after);
    free(p);
}

static void *blocks_of_a_thread(void *arg)
{
    for (int i = 0; i < 1000; i++)
        ((void **)arg)[i] = opaque(malloc(1000));
    return NULL;
}

/* Blocks of all threads are counted, whoever asks, and when the thread is gone. */
static void threads_are_counted(void)
{
    static void *p[4][1000];
    pthread_t t[4];
    size_t before = in_use();
    for (int i = 0; i < 4; i++)
        t[i] = thread_start(blocks_of_a_thread, p[i]);
    for (int i = 0; i < 4; i++)
        thread_join(t[i]);
    CHECKF(in_use() + 512 * KB >= before + 4000 * 1000, "%zu then %zu", before, in_use());
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 1000; k++)
            free(p[i][k]);
    CHECKF(in_use() <= before + 512 * KB, "%zu then %zu", before, in_use());
}

/* The old call has ints; they are the same figures where those fit. */
static void old_mallinfo_agrees(void)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    struct mallinfo old = mallinfo();
#pragma GCC diagnostic pop
    struct mallinfo2 m = mallinfo2();
    if (m.arena + m.hblkhd < INT32_MAX) {
        CHECK((size_t)old.arena == m.arena);
        CHECK((size_t)old.hblkhd == m.hblkhd);
        CHECK((size_t)old.uordblks == m.uordblks);
        CHECK((size_t)old.fordblks == m.fordblks);
    }
}

/* --- malloc_info --- */

/* A tag at *s: its name, whether it closes or is empty; *s moves behind it. False when it is no tag. */
static int read_tag(const char **s, char name[40], int *closing, int *empty)
{
    const char *c = *s;
    size_t n = 0;
    if (*c++ != '<')
        return 0;
    *closing = *c == '/';
    *empty = 0;
    c += *closing;
    while ((isalnum((unsigned char)*c) || *c == '_' || *c == '-') && n < 39)
        name[n++] = *c++;
    name[n] = 0;
    while (isspace((unsigned char)*c)) { /* attribute="value" */
        while (isspace((unsigned char)*c))
            c++;
        const char *attribute = c;
        while (isalnum((unsigned char)*c) || *c == '_' || *c == '-')
            c++;
        if (c == attribute)
            break;
        if (*c++ != '=' || *c++ != '"')
            return 0;
        while (*c && *c != '"' && *c != '<')
            c++;
        if (*c++ != '"')
            return 0;
    }
    if (*c == '/') {
        *empty = 1;
        c++;
    }
    if (n == 0 || *c++ != '>')
        return 0;
    *s = c;
    return 1;
}

static int tags_nest(const char *s)
{
    enum { DEEPEST = 20 };
    char open[DEEPEST][40], name[40];
    int depth = 0, tags = 0, closing, empty;
    while ((s = strchr(s, '<')) != NULL) {
        if (!read_tag(&s, name, &closing, &empty))
            return 0;
        tags++;
        if (closing) {
            if (depth == 0 || strcmp(open[--depth], name) != 0)
                return 0;
        } else if (!empty) {
            if (depth == DEEPEST)
                return 0;
            strcpy(open[depth++], name);
        }
    }
    return depth == 0 && tags >= 4;
}

/* The number in attribute `size` of the last element that starts with `element`, or 0. */
static size_t last_size(const char *text, const char *element)
{
    size_t value = 0;
    for (const char *at = text; (at = strstr(at, element)) != NULL; at++) {
        const char *end = strchr(at, '>'), *size = strstr(at, " size=\"");
        if (size && end && size < end)
            value = strtoul(size + 7, NULL, 10);
    }
    return value;
}

static char *info_text(void)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    CHECK(malloc_info(0, f) == 0);
    CHECK(fclose(f) == 0);
    CHECKF(n > 100, "%zu bytes", n);
    return text;
}

static void info_is_xml(void)
{
    char *text = info_text();
    CHECK(strncmp(text, "<malloc version=\"", 17) == 0);
    size_t n = strlen(text);
    CHECK(n > 10 && strcmp(text + n - 10, "</malloc>\n") == 0);
    CHECK(tags_nest(text));
    free(text);
    CHECK(malloc_info(1, stderr) == EINVAL); /* there are no options */
}

static void info_is_true(void)
{
    char *p[400];
    for (size_t i = 0; i < COUNT(p); i++) {
        p[i] = (char *)opaque(malloc(50000));
        p[i][0] = 1;
    }
    char *text = info_text();
    size_t system = last_size(text, "<system type=\"current\"");
    struct mallinfo2 m = mallinfo2();
    CHECKF(system >= 400 * 50000, "system current %zu", system);
    CHECKF(system <= m.arena + m.hblkhd + 64 * MB, "system current %zu, arena %zu, large %zu", system, m.arena,
           m.hblkhd);
    CHECK(last_size(text, "<system type=\"max\"") >= system);
    free(text);
    for (size_t i = 0; i < COUNT(p); i++)
        free(p[i]);
}

static void info_to_a_file(void)
{
    FILE *f = tmpfile();
    if (!f)
        return; /* no writable directory: the memory stream above is enough */
    CHECK(malloc_info(0, f) == 0 && fflush(f) == 0 && ftell(f) > 100);
    CHECK(fclose(f) == 0);
}

/* --- malloc_stats --- */

/* malloc_stats writes to standard error; this is what it wrote. */
static size_t stats_text(char *text, size_t most)
{
    int ends[2], saved = dup(2);
    CHECK(saved >= 0 && pipe(ends) == 0);
    CHECK(dup2(ends[1], 2) == 2);
    malloc_stats();
    fflush(stderr);
    CHECK(dup2(saved, 2) == 2);
    close(saved);
    close(ends[1]);
    size_t n = 0;
    ssize_t r;
    while (n < most - 1 && (r = read(ends[0], text + n, most - 1 - n)) > 0)
        n += (size_t)r;
    close(ends[0]);
    text[n] = 0;
    return n;
}

static void stats_are_text(void)
{
    static char text[64 * KB];
    size_t n = stats_text(text, sizeof text), digits = 0, lines = 0, odd = 0;
    for (size_t i = 0; i < n; i++) {
        digits += isdigit((unsigned char)text[i]) != 0;
        lines += text[i] == '\n';
        odd += !isprint((unsigned char)text[i]) && !isspace((unsigned char)text[i]);
    }
    CHECKF(n > 20 && digits > 2 && lines >= 2, "%zu bytes, %zu digits, %zu lines", n, digits, lines);
    CHECK(odd == 0 && n && text[n - 1] == '\n');
}

/* --- mallopt --- */

static void every_parameter_is_accepted(void)
{
    static const struct {
        const char *name;
        int parameter, value;
    } options[] = {
        {"M_MXFAST", M_MXFAST, 64},
        {"M_MXFAST", M_MXFAST, 0},
        {"M_NLBLKS", M_NLBLKS, 100},
        {"M_GRAIN", M_GRAIN, 16},
        {"M_KEEP", M_KEEP, 0},
        {"M_TRIM_THRESHOLD", M_TRIM_THRESHOLD, 1 << 20},
        {"M_TOP_PAD", M_TOP_PAD, 1 << 16},
        {"M_MMAP_THRESHOLD", M_MMAP_THRESHOLD, 1 << 18},
        {"M_MMAP_MAX", M_MMAP_MAX, 1000},
        {"M_CHECK_ACTION", M_CHECK_ACTION, 3},
        {"M_ARENA_TEST", M_ARENA_TEST, 4},
        {"M_ARENA_MAX", M_ARENA_MAX, 2},
        {"M_PERTURB", M_PERTURB, 0x55},
        {"M_PERTURB", M_PERTURB, 0},
        {"an unknown one", 12345, 1},
    };
    for (size_t i = 0; i < COUNT(options); i++) {
        CHECKF(mallopt(options[i].parameter, options[i].value) == 1, "%s = %d", options[i].name, options[i].value);
        for (size_t n = 1; n < 2 * MB; n = 3 * n + 1) { /* all is as it was */
            char *p = (char *)opaque(calloc(1, n));
            CHECKF(p && zero_bytes(p, n) == n, "after %s: calloc(%zu)", options[i].name, n);
            memset(p, 1, n);
            free(p);
            free(opaque(malloc(n)));
        }
    }
}

int main(void)
{
    watchdog(60);
    CHECK(mallopt(M_MMAP_THRESHOLD, 128 * 1024) == 1); /* glibc moves it otherwise */
    figures_add_up("at start");
    static const size_t shapes[][2] = {{24, 50000}, {100, 50000}, {1000, 10000}, {5000, 4000},
                                       {40000, 500}, {300000, 100}, {5000000, 10}};
    for (size_t i = 0; i < COUNT(shapes); i++)
        what_is_allocated_is_counted(shapes[i][0], shapes[i][1]);
    threads_are_counted();
    old_mallinfo_agrees();
    info_is_xml();
    info_is_true();
    info_to_a_file();
    stats_are_text();
    every_parameter_is_accepted();
    figures_add_up("at the end");
    return check_done();
}
