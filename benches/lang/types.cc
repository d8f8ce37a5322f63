// The rows of types.c that C++ has: a virtual call, and dynamic_cast to an interface.
#include <cstdio>
#include <ctime>

namespace {

enum { SHAPES = 1024, LOOPS = 500, ROUNDS = 60 };

struct Any {
    virtual ~Any() = default;
};
struct Shape {
    virtual long area() const = 0;
    virtual ~Shape() = default;
};
struct Square : Any, Shape {
    long side = 0;
    __attribute__((noinline)) long area() const override { return side; }
};
struct Circle : Any, Shape {
    long r = 0;
    __attribute__((noinline)) long area() const override { return r + 1; }
};

Square squares[SHAPES];
Circle circles[SHAPES];
Shape *shapes[SHAPES];
Any *values[SHAPES];
volatile long sink;

double now()
{
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return double(t.tv_sec) * 1e9 + double(t.tv_nsec);
}

void call()
{
    long sum = 0;
    for (int n = 0; n < LOOPS; n++)
        for (int i = 0; i < SHAPES; i++)
            sum += shapes[i]->area();
    sink = sum;
}

void cast()
{
    long sum = 0;
    for (int n = 0; n < LOOPS / 10; n++)
        for (int i = 0; i < SHAPES; i++)
            sum += long(dynamic_cast<Shape *>(values[i]) != nullptr);
    sink = sum;
}

struct Row {
    const char *name;
    void (*run)();
    double loops, best;
};

} // namespace

int main()
{
    Row rows[] = { { "interface call", call, LOOPS, 1e18 }, { "assertion to an interface", cast, LOOPS / 10, 1e18 } };
    for (int i = 0; i < SHAPES; i++) {
        squares[i].side = circles[i].r = i;
        if (i * 7 % 5 < 2)
            shapes[i] = &squares[i], values[i] = &squares[i];
        else
            shapes[i] = &circles[i], values[i] = &circles[i];
    }
    for (int round = 0; round < ROUNDS; round++)
        for (Row &row : rows) {
            double start = now();
            row.run();
            double took = (now() - start) / row.loops / SHAPES;
            if (took < row.best)
                row.best = took;
        }
    for (const Row &row : rows)
        std::printf("%s\t%.2f\n", row.name, row.best);
}
