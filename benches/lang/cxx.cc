// What C++ pays for the same: exceptions, virtual calls, dynamic_cast.
#include "lang.h"

#define NOINLINE __attribute__((noinline))

static long count;

NOINLINE static void throws() {
    throw 1;
}

NOINLINE static void throw_catch() {
    try {
        throws();
    } catch (int) {
    }
}

struct shape {
    virtual ~shape() = default;
    virtual long area() = 0;
};

struct named {
    virtual ~named() = default;
};

struct square : named, shape {
    long side = 3;
    NOINLINE long area() override { return side; }
};

shape *held;

NOINLINE static bool assert_shape(named *v) {
    return dynamic_cast<shape *>(v) != nullptr;
}

int main() {
    enum { MANY = 10000000, FEW = 100000 };
    square s;
    held = &s;
    ROW("panic_recover", FEW, throw_catch());
    ROW("call_interface", MANY, {
        __asm__ volatile("" ::: "memory");
        count += held->area();
    });
    ROW("assert_to_interface", MANY / 4, count += assert_shape(&s));
}
