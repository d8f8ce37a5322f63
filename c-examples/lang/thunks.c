/* Closures as plain C function pointers: qsort with a context, eight threads, a million made and freed, and nothing that is
 * writable and executable at once. */
#include <gort.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int (*compare_fn)(const void *, const void *);
typedef long (*sum_fn)(long, long, long, long, long, long);

/* Sorts by the digit that the environment says. */
struct by_digit {
    int divisor;
    int calls;
};

static void by_digit(void *env, void *arg)
{
    struct by_digit *by = (struct by_digit *)env;
    go_args *args = (go_args *)arg;
    int a = *(const int *)args->a[0], b = *(const int *)args->a[1];
    by->calls++;
    args->result = (uintptr_t)(intptr_t)(a / by->divisor % 10 - b / by->divisor % 10);
}

static void sort(int divisor)
{
    int numbers[] = {41, 12, 93, 64, 35, 76}, i;
    struct by_digit env;
    struct by_digit *own;
    compare_fn compare;
    go_closure *c;
    env.divisor = divisor;
    env.calls = 0;
    c = go_closure_make(by_digit, &env, sizeof env);
    compare = (compare_fn)(uintptr_t)go_closure_thunk(c);
    qsort(numbers, 6, sizeof numbers[0], compare);
    own = (struct by_digit *)go_closure_env(c);
    printf("by %d:", divisor);
    for (i = 0; i < 6; i++) {
        printf(" %d", numbers[i]);
    }
    printf("%s\n", own->calls > 0 && env.calls == 0 ? "" : " (wrong environment)");
    go_closure_unref(c);
}

static void weighs(void *env, void *arg)
{
    go_args *args = (go_args *)arg;
    uintptr_t sum = *(uintptr_t *)env;
    int i;
    for (i = 0; i < 6; i++) {
        sum = sum * 10 + args->a[i];
    }
    args->result = sum;
}

static go_closure *weigher(uintptr_t n)
{
    return go_closure_make(weighs, &n, sizeof n);
}

static size_t live_blocks(void)
{
    go_malloc_stats_t stats;
    stats.size = sizeof stats;
    go_malloc_stats(&stats);
    return stats.live_blocks;
}

static void many(void)
{
    size_t before = live_blocks();
    void *first = NULL;
    int i, different = 0;
    for (i = 0; i < 1000000; i++) {
        go_closure *c = weigher((uintptr_t)i);
        void *thunk = go_closure_thunk(c);
        if (i == 0) {
            first = thunk;
        }
        different += thunk != first;
        if (((sum_fn)(uintptr_t)thunk)(0, 0, 0, 0, 0, 1) != (long)i * 1000000 + 1) {
            printf("wrong at %d\n", i);
        }
        go_closure_unref(c);
    }
    printf("a million thunks, one after the other, in %d place(s), %d blocks left over\n", different + 1,
           (int)(live_blocks() - before));
}

/* More than fit into one chunk, all alive. */
static void alive(void)
{
    enum { N = 10000 };
    static go_closure *all[N];
    int i, wrong = 0;
    for (i = 0; i < N; i++) {
        all[i] = weigher((uintptr_t)i);
        go_closure_thunk(all[i]);
    }
    for (i = 0; i < N; i++) {
        sum_fn f = (sum_fn)(uintptr_t)go_closure_thunk(all[i]);
        wrong += f(1, 2, 3, 4, 5, 6) != (long)i * 1000000 + 123456;
    }
    printf("ten thousand at once, %d wrong\n", wrong);
    for (i = 0; i < N; i++) {
        go_closure_unref(all[i]);
    }
}

static go_closure *common;

static void *thread(void *arg)
{
    long me = (long)(intptr_t)arg, i, wrong = 0;
    for (i = 0; i < 2000; i++) {
        go_closure *c = weigher((uintptr_t)(me * 10000 + i));
        sum_fn mine = (sum_fn)(uintptr_t)go_closure_thunk(c);
        sum_fn theirs = (sum_fn)(uintptr_t)go_closure_thunk(common);
        wrong += mine(0, 0, 0, 0, 0, me) != (me * 10000 + i) * 1000000 + me;
        wrong += theirs(6, 5, 4, 3, 2, 1) != 7654321;
        go_closure_unref(c);
    }
    return (void *)(intptr_t)wrong;
}

static void threads(void)
{
    pthread_t all[8];
    int i, wrong = 0;
    common = weigher(7);
    for (i = 0; i < 8; i++) {
        pthread_create(&all[i], NULL, thread, (void *)(intptr_t)i);
    }
    for (i = 0; i < 8; i++) {
        void *result;
        pthread_join(all[i], &result);
        wrong += (int)(intptr_t)result;
    }
    printf("eight threads, %d wrong\n", wrong);
    go_closure_unref(common);
}

static void mappings(void)
{
    char line[512];
    int bad = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps)) {
        const char *rights = strchr(line, ' ');
        bad += rights && rights[2] == 'w' && rights[3] == 'x';
    }
    fclose(maps);
    printf("%d mappings are writable and executable\n", bad);
}

int main(void)
{
    mappings();
    sort(1);
    mappings();
    sort(10);
    many();
    alive();
    threads();
    mappings();
    return 0;
}
