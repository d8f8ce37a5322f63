// gort.hpp: frames by scope, panics as exceptions and back, closures of lambdas.
#include <gort.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <vector>

struct noisy {
    const char *name;
    explicit noisy(const char *n) : name(n) {}
    ~noisy() { std::printf("~%s\n", name); }
};

extern "C" void c_code(void *arg) {
    go_panicf("from C: %d", *static_cast<int *>(arg));
}

static void scopes() {
    go::frame f;
    f.defer([] { std::puts("deferred first"); });
    int n = 1;
    f.defer([n] { std::printf("deferred with %d\n", n); });
    n = 2;
    std::printf("body %d\n", n);
}

static void panic_to_exception() {
    try {
        noisy outside("outside");
        int n = 5;
        go::call([&] { c_code(&n); });
    } catch (const go::panic_error &e) {
        std::printf("caught: %s\n", e.what());
    }
    std::printf("value %d\n", go::call([] { return 42; }));
    try {
        go::call([] { throw std::runtime_error("passes through"); });
    } catch (const std::runtime_error &e) {
        std::printf("caught: %s\n", e.what());
    }
}

static void exception_to_panic() {
    go_any v;
    int panicked = go_pcall([](void *) {
        go::guard([] {
            noisy inside("inside");
            throw std::out_of_range("too far");
        });
    }, nullptr, &v);
    std::printf("panicked %d: %s\n", panicked, v.v.s);
    panicked = go_pcall([](void *) {
        go::guard([] {
            noisy inside("inside");
            go::panic(go_any_int(7));
        });
    }, nullptr, &v);
    std::printf("panicked %d: %d\n", panicked, static_cast<int>(v.v.i));
}

static void frames_and_exceptions() {
    try {
        go::frame f;
        f.defer([] { std::puts("deferred while an exception passes"); });
        throw std::runtime_error("passes a frame");
    } catch (const std::exception &e) {
        std::printf("caught: %s\n", e.what());
    }
    try {
        go::call([] {
            go::frame f;
            f.recover([](go_any v) { std::printf("recovered: %s\n", v.v.s); });
            int n = 6;
            c_code(&n);
        });
        std::puts("went on");
    } catch (const go::panic_error &e) {
        std::printf("caught: %s\n", e.what());
    }
}

static void closures() {
    int calls = 0;
    go::closure compare([&calls](void *arg) {
        auto *args = static_cast<go_args *>(arg);
        ++calls;
        args->result = static_cast<uintptr_t>(*reinterpret_cast<int *>(args->a[1]) - *reinterpret_cast<int *>(args->a[0]));
    });
    std::vector<int> numbers{3, 1, 2};
    std::qsort(numbers.data(), numbers.size(), sizeof(int), compare.thunk<int(const void *, const void *)>());
    std::printf("sorted %d %d %d, %s\n", numbers[0], numbers[1], numbers[2], calls > 0 ? "called" : "not called");
    go::closure copy = compare;
    go::closure throws([](void *) { throw std::runtime_error("from a closure"); });
    try {
        throws();
    } catch (const go::panic_error &e) {
        std::printf("caught: %s\n", e.what());
    }
}

int main() {
    scopes();
    panic_to_exception();
    exception_to_panic();
    frames_and_exceptions();
    closures();
}
