/* MA-12: RLIMIT_AS and RLIMIT_DATA are respected, nothing large is reserved or charged, and ENOMEM is not for ever.
 *
 * A limit may be lowered after start-up, even to what is in use; or stand before the program starts. After ENOMEM,
 * freeing makes allocation work again, also what another thread freed. vm.overcommit_memory=2 belongs to the whole
 * machine and cannot be set here; what it would charge can be read from /proc/self/smaps (the flag `ac`).
 */
#define ITEM "MA-12"
#include "support.h"

#include <malloc.h>

struct link {
    struct link *next;
};

/* Allocates blocks of n until NULL, or until `most`. */
static size_t take(struct link **list, size_t n, size_t most)
{
    size_t count = 0;
    while (count < most) {
        errno = 0;
        struct link *l = (struct link *)opaque(malloc(n));
        if (!l) {
            CHECK(errno_now() == ENOMEM);
            break;
        }
        CHECK(aligned_to(l, 16));
        l->next = *list;
        *list = l;
        if (++count * n > GB) {
            CHECK(!"the limit stops the heap");
            _exit(1);
        }
    }
    return count;
}

static size_t give_back(struct link **list, size_t most)
{
    size_t count = 0;
    while (*list && count < most) {
        struct link *next = (*list)->next;
        free(*list);
        *list = next;
        count++;
    }
    return count;
}

/* --- the limit is lowered after start-up --- */

static const struct {
    const char *name;
    int resource;
    const char *in_use;
} limits[] = {{"RLIMIT_AS", RLIMIT_AS, "VmSize:"}, {"RLIMIT_DATA", RLIMIT_DATA, "VmData:"}};
static size_t which_limit;

static void lower(size_t room)
{
    limit_to(limits[which_limit].resource, (size_t)proc_status(limits[which_limit].in_use) * KB + room);
}

/* What the allocator reserved before the limit came is its own: 64 MB more at most. */
static void room_for_64_mb(void)
{
    static const size_t sizes[] = {64, 600, 5000, 33000, 200000, 2000000};
    lower(64 * MB);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct link *list = NULL;
        size_t n = take(&list, sizes[i], SIZE_MAX);
        CHECKF(n * sizes[i] >= 30 * MB && n * sizes[i] <= 140 * MB, "%s: %zu blocks of %zu", limits[which_limit].name, n,
               sizes[i]);
        give_back(&list, n / 2);
        size_t again = take(&list, sizes[i], n / 2 - n / 16);
        CHECKF(again == n / 2 - n / 16, "%s: %zu of %zu blocks of %zu again", limits[which_limit].name, again, n / 2,
               sizes[i]);
        give_back(&list, SIZE_MAX);
        malloc_trim(0);
    }
}

/* Nothing more comes from the OS; what is freed must serve. */
static void no_room_at_all(void)
{
    struct link *list = NULL;
    size_t n = take(&list, 500, 100000);
    lower(0);
    give_back(&list, n / 2);
    size_t again = take(&list, 500, n / 2 - n / 16);
    CHECKF(again == n / 2 - n / 16, "%s: %zu of %zu", limits[which_limit].name, again, n / 2);
    give_back(&list, SIZE_MAX);
    n = take(&list, 500, 90000);
    CHECKF(n == 90000, "%s: %zu of 90000", limits[which_limit].name, n);
    errno = 0;
    CHECK(opaque(malloc(opaque_size(512 * MB))) == NULL && errno_now() == ENOMEM);
    give_back(&list, SIZE_MAX);
    list = NULL;
}

/* Forty times to the limit and back: no step of it loses memory. */
static void again_and_again(void)
{
    lower(24 * MB);
    size_t first = 0;
    for (int i = 0; i < 40; i++) {
        struct link *list = NULL;
        size_t n = take(&list, 1000 + (size_t)i % 2 * 9000, SIZE_MAX);
        if (i == 0)
            first = n;
        if (i % 2 == 0)
            CHECKF(n >= first - first / 4, "%s: round %d: %zu blocks, at first %zu", limits[which_limit].name, i, n,
                   first);
        give_back(&list, SIZE_MAX);
    }
}

/* --- threads at the limit --- */

static int turn;

static void *frees_much(void *arg)
{
    struct link **list = (struct link **)arg;
    give_back(list, SIZE_MAX);
    __atomic_store_n(&turn, 1, __ATOMIC_RELEASE); /* and stays alive, with whatever it caches */
    while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != 2)
        usleep(1000);
    return NULL;
}

static void freed_by_another_thread(void)
{
    struct link *list = NULL, *mine = NULL;
    pthread_attr_t attr;
    pthread_t t;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 * KB);
    lower(48 * MB);
    size_t n = take(&list, 3000, SIZE_MAX);
    give_back(&list, 1000 * KB / 3000); /* room for a stack */
    struct link *stack_room = NULL;
    CHECK(take(&stack_room, 3000, 10) == 10);
    turn = 0;
    int e = pthread_create(&t, &attr, frees_much, &list);
    if (e) { /* the heap left no room for a stack: then the blocks are freed here */
        give_back(&list, SIZE_MAX);
    } else {
        while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != 1)
            usleep(1000);
    }
    size_t again = take(&mine, 3000, n - n / 8);
    CHECKF(again == n - n / 8, "%zu of %zu blocks that another thread freed", again, n);
    give_back(&mine, SIZE_MAX);
    give_back(&stack_room, SIZE_MAX);
    __atomic_store_n(&turn, 2, __ATOMIC_RELEASE);
    if (!e)
        thread_join(t);
}

static void *by_eight_calls(void *arg)
{
    size_t way = (size_t)(uintptr_t)arg, n = 30000 + way, count = 0;
    struct link *list = NULL;
    for (;; count++) {
        void *p = NULL;
        switch (way % 8) {
        case 0: p = malloc(n); break;
        case 1: p = calloc(1, n); break;
        case 2: p = realloc(NULL, n); break;
        case 3: p = aligned_alloc(256, n); break;
        case 4: p = memalign(1024, n); break;
        case 5: p = valloc(n); break;
        case 6: p = pvalloc(n); break;
        default:
            if (posix_memalign(&p, 64, n) != 0)
                p = NULL;
        }
        p = opaque(p);
        if (!p)
            break;
        CHECK(aligned_to(p, 16));
        if (way % 8 == 1)
            CHECK(zero_bytes(p, n) == n);
        memset(p, 0xA5, n);
        ((struct link *)p)->next = list;
        list = (struct link *)p;
        if (count * n > GB)
            _exit(1);
    }
    give_back(&list, SIZE_MAX);
    return (void *)(uintptr_t)count;
}

/* Eight threads to the limit at once, twice; each with its own call. */
static void many_threads(void)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 * KB);
    limit_to(RLIMIT_AS, address_space_and(160 * MB));
    for (int round = 0; round < 2; round++) {
        pthread_t t[8];
        size_t started = 0, total = 0;
        for (size_t i = 0; i < COUNT(t); i++)
            if (pthread_create(&t[started], &attr, by_eight_calls, (void *)i) == 0)
                started++;
        CHECKF(started >= 1, "%zu threads", started);
        for (size_t i = 0; i < started; i++)
            total += (size_t)(uintptr_t)thread_join(t[i]);
        CHECKF(total * 30000 > 30 * MB, "round %d: %zu blocks in all", round, total);
    }
    struct link *list = NULL;
    CHECK(take(&list, 30000, 1000) == 1000);
    give_back(&list, SIZE_MAX);
}

/* --- the limit stands before the program starts --- */

static int started_under_limit(size_t limit)
{
    watchdog(20);
    struct link *list = NULL;
    for (int round = 0; round < 3; round++) {
        size_t n = take(&list, 4000, SIZE_MAX);
        CHECKF(n * 4000 >= limit / 3, "limit %zu MiB: only %zu KiB", limit / MB, n * 4000 / KB);
        give_back(&list, SIZE_MAX);
        void *large = opaque(malloc(limit / 4));
        CHECKF(large != NULL, "limit %zu MiB: no block of a quarter", limit / MB);
        free(large);
    }
    return check_status();
}

static void start_under(size_t limit)
{
    char text[32];
    snprintf(text, sizeof text, "%zu", limit);
    char *argv[] = {(char *)"ma12_limits", text, NULL};
    pid_t pid = fork();
    if (pid == 0) {
        limit_to(RLIMIT_AS, limit);
        execv("/proc/self/exe", argv);
        _exit(127);
    }
    int status = child_wait(pid);
    CHECKF(status == 0, "started with RLIMIT_AS of %zu MiB: wait status 0x%x", limit / MB, (unsigned)status);
}

/* --- what strict overcommit would charge --- */

/* The sum of all mappings that the kernel accounts, in KiB: private and writable now or formerly. */
static size_t charged_kb(void)
{
    static char text[2 * MB]; /* counted too, but resident or not it is the same before and after */
    size_t have = 0, size = 0, sum = 0;
    int fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
    ssize_t n;
    while (fd >= 0 && have < sizeof text - 1 && (n = read(fd, text + have, sizeof text - 1 - have)) > 0)
        have += (size_t)n;
    close(fd);
    text[have] = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = 0;
        if (strncmp(line, "Size:", 5) == 0)
            size = strtoul(line + 5, NULL, 10);
        else if (strncmp(line, "VmFlags:", 8) == 0 &&
                 (strstr(line, " ac") || (strstr(line, " nr") && strstr(line, " wr"))))
            sum += size;
    }
    return sum;
}

static void little_is_charged(void)
{
    size_t before = charged_kb();
    CHECKF(before < 100 * 1024, "%zu KiB charged near the start", before);
    struct link *list = NULL;
    take(&list, 2000, 50000);
    size_t with = charged_kb();
    CHECKF(with - before < 100 * 1024 + 68 * 1024, "%zu KiB charged for 100 MB", with - before);
    give_back(&list, SIZE_MAX);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return started_under_limit(strtoul(argv[1], NULL, 10));
    watchdog(60);
    CHECK(mallopt(M_MMAP_THRESHOLD, 128 * 1024) == 1); /* glibc moves it otherwise; see ma03_hostile.c */
    in_child("what is charged", little_is_charged);
    for (which_limit = 0; which_limit < COUNT(limits); which_limit++) {
        in_child("room for 64 MB", room_for_64_mb);
        in_child("no room", no_room_at_all);
        in_child("again and again", again_and_again);
    }
    which_limit = 0;
    in_child("freed by another thread", freed_by_another_thread);
    in_child("many threads", many_threads);
    for (size_t limit = 256 * MB; limit >= 32 * MB; limit /= 2)
        start_under(limit);
    return check_done();
}
