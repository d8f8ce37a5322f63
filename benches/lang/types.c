/* What interfaces cost: `row<TAB>nanoseconds`, the best of many rounds. The rows are those of types.cc and types.go. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <gort.h>
#include <stdio.h>
#include <time.h>

enum { SHAPES = 1024, LOOPS = 500, ROUNDS = 60 };

struct square {
    long side;
};
struct circle {
    long r;
};

__attribute__((noinline)) static long square_area(const struct square *s)
{
    return s->side;
}
__attribute__((noinline)) static long circle_area(const struct circle *c)
{
    return c->r + 1;
}

GO_METHODS(square_methods, GO_METHOD("Area", square_area));
GO_METHODS(circle_methods, GO_METHOD("Area", circle_area));
GO_TYPE_STRUCT_WITH(main_Square, "main.Square", struct square, square_methods,
                    GO_FIELD(struct square, side, &go_type_int64));
GO_TYPE_STRUCT_WITH(main_Circle, "main.Circle", struct circle, circle_methods,
                    GO_FIELD(struct circle, r, &go_type_int64));
GO_TYPE_INTERFACE(main_Shape, "main.Shape", "Area");

static struct square squares[SHAPES];
static struct circle circles[SHAPES];
static go_iface shapes[SHAPES];
static go_any values[SHAPES];
static volatile long sink;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void iface_call(void)
{
    long sum = 0;
    for (int n = 0; n < LOOPS; n++)
        for (int i = 0; i < SHAPES; i++)
            sum += GO_METHOD_OF(shapes[i], 0, long (*)(void *))(shapes[i].data);
    sink = sum;
}

static void assert_iface(void)
{
    long sum = 0;
    for (int n = 0; n < LOOPS; n++)
        for (int i = 0; i < SHAPES; i++)
            sum += (long)go_assert(values[i], &main_Shape).v.i;
    sink = sum;
}

static void make_iface(void)
{
    long sum = 0;
    for (int n = 0; n < LOOPS; n++)
        for (int i = 0; i < SHAPES; i++)
            sum += (long)(size_t)go_iface_make(&main_Shape, values[i]).data;
    sink = sum;
}

static void assert_concrete(void)
{
    long sum = 0;
    for (int n = 0; n < LOOPS; n++)
        for (int i = 0; i < SHAPES; i++)
            sum += go_assert_ok(values[i], &main_Circle, NULL);
    sink = sum;
}

static void equal(void)
{
    long sum = 0;
    for (int n = 0; n < LOOPS; n++)
        for (int i = 0; i < SHAPES; i++)
            sum += go_any_equal(go_any_int(i), go_any_int(n));
    sink = sum;
}

struct row {
    const char *name;
    void (*run)(void);
    double best;
};

int main(void)
{
    struct row rows[] = {
        { "interface call", iface_call, 1e18 },       { "assertion to an interface", assert_iface, 1e18 },
        { "conversion to an interface", make_iface, 1e18 }, { "assertion to a type, ok form", assert_concrete, 1e18 },
        { "equality of two integers", equal, 1e18 },
    };
    const size_t count = sizeof rows / sizeof rows[0];
    for (int i = 0; i < SHAPES; i++) {
        squares[i].side = circles[i].r = i;
        values[i] = i * 7 % 5 < 2 ? go_any_ptr(&main_Square, &squares[i]) : go_any_ptr(&main_Circle, &circles[i]);
        shapes[i] = go_iface_make(&main_Shape, values[i]);
    }
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < count; i++) {
            double start = now(), took;
            rows[i].run();
            took = (now() - start) / LOOPS / SHAPES;
            if (took < rows[i].best)
                rows[i].best = took;
        }
    for (size_t i = 0; i < count; i++)
        printf("%s\t%.2f\n", rows[i].name, rows[i].best);
    return 0;
}
