/* The language layer: what each thing costs. Every row does the same as the row of that name in go.go and cxx.cc. */
#include "lang.h"
#include <gort.h>

#define NOINLINE __attribute__((noinline))

static long count;

NOINLINE static void body(void *p)
{
    __asm__ volatile("" ::"r"(p) : "memory");
}

static void increment(void *p)
{
    ++*(long *)p;
}

NOINLINE static void frame_one_defer(void)
{
    GO_FRAME(f);
    go_defer(f, increment, &count);
    body(&count);
}

NOINLINE static void frame_four_defers(void)
{
    GO_FRAME(f);
    go_defer(f, increment, &count);
    go_defer(f, increment, &count);
    go_defer(f, increment, &count);
    go_defer(f, increment, &count);
    body(&count);
}

static void recovers(void *arg, go_recovery *r)
{
    (void)arg;
    go_recover(r, NULL);
}

NOINLINE static void panic_recover(void)
{
    GO_FRAME(f);
    if (GO_CATCH(f)) {
        return;
    }
    go_defer_recover(f, recovers, NULL);
    go_panic(go_any_int(1));
}

NOINLINE static void panics(void *arg)
{
    (void)arg;
    go_panic(go_any_int(1));
}

static void add(void *env, void *arg)
{
    *(long *)arg += *(long *)env;
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void compare_closure(void *env, void *arg)
{
    go_args *args = arg;
    (void)env;
    args->result = (uintptr_t)(intptr_t)(*(const int *)args->a[0] - *(const int *)args->a[1]);
}

NOINLINE static long call_with_args(go_closure *c, const int *a, const int *b)
{
    go_args args;
    args.a[0] = (uintptr_t)a;
    args.a[1] = (uintptr_t)b;
    go_closure_call(c, &args);
    return (int)args.result;
}

struct square {
    long side;
};

NOINLINE static long square_area(struct square *s)
{
    return s->side;
}

GO_METHODS(square_methods, GO_METHOD("Area", square_area));
GO_TYPE_STRUCT_WITH(square, "main.Square", struct square, square_methods,
                    GO_FIELD(struct square, side, &go_type_int64));
GO_TYPE_INTERFACE(shape, "main.Shape", "Area");

go_iface held;

NOINLINE static int assert_shape(go_any v)
{
    return go_iface_ok(&shape, v, NULL);
}

NOINLINE static int assert_square(go_any v)
{
    return go_assert_ok(v, &square, NULL);
}

/* 64 places that assert. */
#define SITE count += go_assert_ok(v, &shape, NULL);
#define SITES(x) x x x x x x x x
NOINLINE static void assert_at_sites(go_any v)
{
    SITES(SITES(SITE))
}

/* As SITES in go.go: each place runs so seldom that Go's has not learned yet. */
static void new_sites(go_any v)
{
    enum { RUNS = 32 };
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_ns(), took;
        for (int i = 0; i < RUNS; i++) {
            assert_at_sites(v);
        }
        took = (cpu_ns() - start) / (RUNS * 64);
        best = took < best ? took : best;
    }
    printf("assert_at_new_places %.3f\n", best);
}

int main(void)
{
    enum { MANY = 10000000, FEW = 500000 };
    long env = 1, sum = 0;
    int x = 1, y = 2;
    void (*volatile plain)(void *, void *) = add;
    int (*volatile callback)(const void *, const void *) = compare;
    int (*volatile thunk)(const void *, const void *);
    go_closure *closure = go_closure_make(add, &env, sizeof env);
    go_closure *comparing = go_closure_make(compare_closure, &env, sizeof env);
    struct square s = {3};
    go_any value = go_any_ptr(&square, &s);
    held = go_iface_make(&shape, value);
    thunk = (int (*)(const void *, const void *))(uintptr_t)go_closure_thunk(comparing);
    ROW("frame_one_defer", MANY, frame_one_defer());
    ROW("frame_four_defers", MANY, frame_four_defers());
    ROW("panic_recover", FEW, panic_recover());
    ROW("pcall_panic", FEW, go_pcall(panics, NULL, NULL));
    ROW("call_indirect", MANY, plain(&env, &count));
    ROW("call_closure", MANY, {
        go_closure *volatile *at = (go_closure *volatile *)&closure;
        go_closure_call(*at, &count);
    });
    ROW("call_closure_args", MANY, count += call_with_args(comparing, &x, &y));
    ROW("callback_plain", MANY, count += callback(&x, &y));
    ROW("callback_thunk", MANY, count += thunk(&x, &y));
    ROW("closure_make_free", MANY / 4, go_closure_unref(go_closure_make(add, &env, sizeof env)));
    ROW("thunk_make_free", MANY / 4, {
        go_closure *c = go_closure_make(add, &env, sizeof env);
        go_closure_thunk(c);
        go_closure_unref(c);
    });
    ROW("call_interface", MANY, {
        __asm__ volatile("" ::: "memory");
        count += GO_METHOD_OF(held, 0, long (*)(void *))(held.data);
    });
    ROW("assert_to_interface", MANY, sum += assert_shape(value));
    new_sites(value);
    ROW("assert_to_type", MANY, sum += assert_square(value));
    count += sum;
    return 0;
}
