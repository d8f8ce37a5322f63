/* PA-19 and the closure rules: an environment of one's own, one static object without one, a variable that is shared, and
 * loop variables in both forms. */
#include <gort.h>
#include <stdio.h>

static void adds(void *env, void *arg)
{
    *(int64_t *)arg += *(int64_t *)env;
}

/* Each call gives a new object with a copy of its own. */
static go_closure *adder(int64_t n)
{
    return go_closure_make(adds, &n, sizeof n);
}

static void makers(void)
{
    go_closure *one = adder(1), *ten = adder(10);
    int64_t sum = 0;
    go_closure_call(one, &sum);
    go_closure_call(ten, &sum);
    go_closure_call(ten, &sum);
    printf("sum %d\n", (int)sum);
    *(int64_t *)go_closure_env(one) = 100;
    go_closure_call(one, &sum);
    go_closure_call(ten, &sum);
    printf("sum %d\n", (int)sum);
    go_closure_unref(one);
    go_closure_unref(ten);
}

static void hello(void *env, void *arg)
{
    (void)env;
    printf("hello, %s\n", (const char *)arg);
}

/* Captures nothing: the same pointer every time, and no allocation. */
static void plain(void)
{
    go_malloc_stats_t before, after;
    int i, same = 1;
    go_closure *first = go_closure_make(hello, NULL, 0);
    before.size = after.size = sizeof before;
    go_malloc_stats(&before);
    for (i = 0; i < 1000; i++) {
        same = same && go_closure_make(hello, NULL, 0) == first;
    }
    go_malloc_stats(&after);
    go_closure_call(first, (void *)"plain");
    printf("same %d, allocated %d\n", same, (int)(after.live_blocks - before.live_blocks));
    go_closure_unref(first);
    go_closure_call(first, (void *)"still there");
}

/* Two closures that capture one variable. The environment holds a reference to its box. */
static void increments(void *env, void *arg)
{
    (void)arg;
    **(int **)env += 1;
}

static void reads(void *env, void *arg)
{
    *(int *)arg = **(int **)env;
}

static void drops_box(void *env)
{
    go_box_unref(*(void **)env);
}

static void shared(void)
{
    go_closure *up, *get;
    int seen = -1;
    int *count = (int *)go_box(sizeof *count);
    go_box_ref(count);
    up = go_closure_make_drop(increments, &count, sizeof count, drops_box);
    go_box_ref(count);
    get = go_closure_make_drop(reads, &count, sizeof count, drops_box);
    go_box_unref(count);

    go_closure_call(up, NULL);
    go_closure_call(up, NULL);
    go_closure_call(get, &seen);
    printf("shared %d\n", seen);
    go_closure_unref(up);
    go_closure_call(get, &seen);
    printf("still %d\n", seen);
    go_closure_unref(get);
}

/* Go 1.22: each iteration has a variable of its own. Before: all share one. */
static void loops(void)
{
    go_closure *own[3], *one[3];
    int i, seen;
    int *variable = (int *)go_box(sizeof *variable);
    for (i = 0; i < 3; i++) {
        int *each = (int *)go_box(sizeof *each);
        *each = i;
        own[i] = go_closure_make_drop(reads, &each, sizeof each, drops_box);
    }
    for (*variable = 0; *variable < 3; ++*variable) {
        go_box_ref(variable);
        one[*variable] = go_closure_make_drop(reads, &variable, sizeof variable, drops_box);
    }
    for (i = 0; i < 3; i++) {
        go_closure_call(own[i], &seen);
        printf("own %d", seen);
        go_closure_call(one[i], &seen);
        printf(", one %d\n", seen);
        go_closure_unref(own[i]);
        go_closure_unref(one[i]);
    }
    go_box_unref(variable);
}

/* A deferred closure is kept by the frame: the caller may give up his reference at once. */
static void deferred(void)
{
    go_closure *c = adder(5);
    static int64_t sum;
    {
        GO_FRAME(f);
        go_defer_closure(f, c, &sum);
        go_closure_unref(c);
        printf("before %d\n", (int)sum);
        go_frame_end(f);
    }
    printf("after %d\n", (int)sum);
}

static void panics(void *env, void *arg)
{
    (void)env;
    go_panic(go_any_str((const char *)arg));
}

static void forgets(void *arg, go_recovery *r)
{
    (void)arg;
    go_recover(r, NULL);
}

/* A deferred closure is given up also when its call panics. */
static void given_up(void)
{
    static const char text[] = "out of a closure";
    go_malloc_stats_t before, after;
    int i;
    before.size = after.size = sizeof before;
    go_malloc_stats(&before);
    for (i = 0; i < 100; i++) {
        go_closure *c = go_closure_make(panics, &i, sizeof i);
        GO_FRAME(f);
        if (!GO_CATCH(f)) {
            go_defer_recover(f, forgets, NULL);
            go_defer_closure(f, c, (void *)(uintptr_t)text);
            go_closure_unref(c);
        }
        go_frame_end(f);
    }
    go_malloc_stats(&after);
    printf("left over %d\n", (int)(after.live_blocks - before.live_blocks));
}

int main(void)
{
    makers();
    plain();
    shared();
    loops();
    deferred();
    given_up();
    return 0;
}
