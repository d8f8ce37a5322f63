/* MA-8: all forms of new and delete; the new-handler loop; bad_alloc; nothrow.
 *
 * The 8 forms of operator new and the 12 of operator delete are called by name, with sizes and alignments of every
 * kind, and by expressions that the compiler lowers to them. A failing new calls the new-handler until there is none,
 * there is memory, or the handler throws.
 */
#define ITEM "MA-8"
#include "support.h"

#include <malloc.h>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

static const size_t sizes[] = {0, 1, 8, 15, 16, 17, 24, 25, 64, 100, 1000, 4096, 20000, 32768, 32769, 100000, 1000000,
                               5000000};
static const size_t too_large = (size_t)PTRDIFF_MAX + 1;

static void *good(void *p, size_t n, size_t align)
{
    p = opaque(p);
    CHECKF(p != nullptr, "size %zu, alignment %zu", n, align);
    CHECKF(aligned_to(p, align), "size %zu, alignment %zu: %p", n, align, p);
    CHECK(malloc_usable_size(p) >= n);
    pattern_fill(p, n, n);
    CHECK(pattern_holds(p, n, n) == n);
    return p;
}

static void plain_forms(size_t n)
{
    const std::nothrow_t &no = std::nothrow;
    ::operator delete(good(::operator new(n), n, 16));
    ::operator delete(good(::operator new(n), n, 16), n);
    ::operator delete(good(::operator new(n, no), n, 16), no);
    ::operator delete(good(::operator new(n, no), n, 16), n);
    ::operator delete[](good(::operator new[](n), n, 16));
    ::operator delete[](good(::operator new[](n), n, 16), n);
    ::operator delete[](good(::operator new[](n, no), n, 16), no);
    ::operator delete[](good(::operator new[](n, no), n, 16), n);
}

static void aligned_forms(size_t n, size_t align)
{
    const std::nothrow_t &no = std::nothrow;
    const std::align_val_t a{align};
    ::operator delete(good(::operator new(n, a), n, align), a);
    ::operator delete(good(::operator new(n, a), n, align), n, a);
    ::operator delete(good(::operator new(n, a, no), n, align), a, no);
    ::operator delete(good(::operator new(n, a, no), n, align), n, a);
    ::operator delete[](good(::operator new[](n, a), n, align), a);
    ::operator delete[](good(::operator new[](n, a), n, align), n, a);
    ::operator delete[](good(::operator new[](n, a, no), n, align), a, no);
    ::operator delete[](good(::operator new[](n, a, no), n, align), n, a);
}

static void deletes_of_null()
{
    const std::align_val_t a{64};
    ::operator delete(opaque(nullptr));
    ::operator delete(opaque(nullptr), (size_t)100);
    ::operator delete(opaque(nullptr), std::nothrow);
    ::operator delete(opaque(nullptr), a);
    ::operator delete(opaque(nullptr), (size_t)100, a);
    ::operator delete(opaque(nullptr), a, std::nothrow);
    ::operator delete[](opaque(nullptr));
    ::operator delete[](opaque(nullptr), (size_t)100);
    ::operator delete[](opaque(nullptr), std::nothrow);
    ::operator delete[](opaque(nullptr), a);
    ::operator delete[](opaque(nullptr), (size_t)100, a);
    ::operator delete[](opaque(nullptr), a, std::nothrow);
}

static void zero_bytes_are_unique()
{
    void *p[200];
    for (void *&q : p)
        q = good(::operator new(0), 0, 16);
    for (size_t i = 0; i < COUNT(p); i++)
        for (size_t j = 0; j < i; j++)
            CHECK(p[i] != p[j]);
    for (void *q : p)
        ::operator delete(q);
}

/* All forms fail in the same manner when asked for what cannot be. */
template <class F> static bool throws_bad_alloc(F f)
{
    try {
        f();
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

static void throwing_forms_throw()
{
    const size_t n = opaque_size(too_large);
    const std::align_val_t a{128};
    CHECK(throws_bad_alloc([&] { opaque(::operator new(n)); }));
    CHECK(throws_bad_alloc([&] { opaque(::operator new[](n)); }));
    CHECK(throws_bad_alloc([&] { opaque(::operator new(n, a)); }));
    CHECK(throws_bad_alloc([&] { opaque(::operator new[](n, a)); }));
    CHECK(throws_bad_alloc([&] { opaque(::operator new(opaque_size(SIZE_MAX))); }));
    if (gort_is_here()) /* libstdc++ 12 rounds this size up to zero */
        CHECK(throws_bad_alloc([&] { opaque(::operator new(opaque_size(SIZE_MAX), a)); }));
    CHECK(throws_bad_alloc([&] { opaque(new char[n]); }));
    CHECK(throws_bad_alloc([&] { opaque(new int[opaque_size(SIZE_MAX / 2)]); }));
    CHECK(throws_bad_alloc([&] { std::vector<char> v((size_t)PTRDIFF_MAX); }));
}

static void nothrow_forms_give_null()
{
    const size_t n = opaque_size(too_large);
    const std::align_val_t a{128};
    CHECK(opaque(::operator new(n, std::nothrow)) == nullptr);
    CHECK(opaque(::operator new[](n, std::nothrow)) == nullptr);
    CHECK(opaque(::operator new(n, a, std::nothrow)) == nullptr);
    CHECK(opaque(::operator new[](n, a, std::nothrow)) == nullptr);
    CHECK(opaque(::operator new(opaque_size(SIZE_MAX), std::nothrow)) == nullptr);
    if (gort_is_here())
        CHECK(opaque(::operator new(opaque_size(SIZE_MAX), a, std::nothrow)) == nullptr);
}

static int handler_calls;

static void leaves_after_five()
{
    if (++handler_calls == 5)
        std::set_new_handler(nullptr);
}

struct stop {};

static void throws_at_third()
{
    if (++handler_calls == 3)
        throw stop{};
}

static void throws_bad_alloc_at_once()
{
    handler_calls++;
    throw std::bad_alloc();
}

/* Every form that throws runs the handler in a loop; bad_alloc comes once there is no handler. */
template <class F> static void handler_runs_in_a_loop(F f)
{
    handler_calls = 0;
    std::set_new_handler(leaves_after_five);
    CHECK(throws_bad_alloc(f));
    CHECKF(handler_calls == 5, "%d calls", handler_calls);
    handler_calls = 0;
    std::set_new_handler(throws_at_third);
    bool stopped = false;
    try {
        f();
    } catch (const stop &) {
        stopped = true;
    }
    CHECK(stopped);
    CHECKF(handler_calls == 3, "%d calls", handler_calls);
    std::set_new_handler(nullptr);
}

/* The nothrow forms call the handler too, and turn its bad_alloc into NULL. */
template <class F> static void handler_of_nothrow(F f)
{
    handler_calls = 0;
    std::set_new_handler(leaves_after_five);
    CHECK(f() == nullptr);
    CHECKF(handler_calls == 5, "%d calls", handler_calls);
    handler_calls = 0;
    std::set_new_handler(throws_bad_alloc_at_once);
    CHECK(f() == nullptr);
    CHECKF(handler_calls == 1, "%d calls", handler_calls);
    std::set_new_handler(nullptr);
}

static void handlers()
{
    static const size_t n = opaque_size(too_large);
    static const std::align_val_t a{64};
    handler_runs_in_a_loop([] { opaque(::operator new(n)); });
    handler_runs_in_a_loop([] { opaque(::operator new[](n)); });
    handler_runs_in_a_loop([] { opaque(::operator new(n, a)); });
    handler_runs_in_a_loop([] { opaque(::operator new[](n, a)); });
    handler_of_nothrow([] { return opaque(::operator new(n, std::nothrow)); });
    handler_of_nothrow([] { return opaque(::operator new[](n, std::nothrow)); });
    handler_of_nothrow([] { return opaque(::operator new(n, a, std::nothrow)); });
    handler_of_nothrow([] { return opaque(::operator new[](n, a, std::nothrow)); });
}

/* malloc knows no handler. */
static void malloc_calls_no_handler()
{
    handler_calls = 0;
    std::set_new_handler(leaves_after_five);
    CHECK(opaque(malloc(opaque_size(too_large))) == nullptr);
    CHECK(opaque(aligned_alloc(64, opaque_size(too_large))) == nullptr);
    CHECK(handler_calls == 0);
    std::set_new_handler(nullptr);
}

static void *reserve;

static void frees_the_reserve()
{
    handler_calls++;
    free(reserve);
    reserve = nullptr;
    std::set_new_handler(nullptr);
}

/* In a child with little room: the handler makes memory, and new succeeds after all. The sizes are beyond what an
 * allocator may have reserved for itself before the limit came. */
static void handler_makes_memory()
{
    reserve = opaque(malloc(256 * MB));
    limit_to(RLIMIT_AS, address_space_and(16 * MB));
    handler_calls = 0;
    std::set_new_handler(frees_the_reserve);
    void *p = good(::operator new(192 * MB), 192 * MB, 16);
    CHECK(handler_calls == 1);
    ::operator delete(p);
    CHECK(throws_bad_alloc([] { opaque(::operator new(opaque_size(512 * MB))); }));
    CHECK(opaque(::operator new(opaque_size(512 * MB), std::nothrow)) == nullptr);
}

/* What the compiler makes of expressions. */
struct alignas(64) wide {
    char c[192];
    static int alive;
    wide() { alive++; }
    ~wide() { alive--; }
};
int wide::alive;

struct base {
    virtual ~base() = default;
};
struct derived : base {
    std::string s = std::string(100, 'x');
    int numbers[30] = {};
};

struct throws_in_constructor {
    throws_in_constructor() { throw stop{}; }
    char c[100];
};

static void expressions()
{
    for (int i = 0; i < 200; i++) {
        wide *one = new wide, *many = new wide[7];
        CHECK(aligned_to(opaque(one), 64) && aligned_to(opaque(many), 64));
        CHECK(wide::alive == 8);
        delete one;
        delete[] many;
        CHECK(wide::alive == 0);
        base *b = new derived; /* the sized delete gets derived's size */
        delete b;
        std::string *strings = new std::string[50];
        strings[49] = std::string(5000, 'y');
        delete[] strings;
        try {
            delete new throws_in_constructor;
            CHECK(!"thrown");
        } catch (const stop &) {
        }
    }
}

static void *library_types(void *arg)
{
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    std::map<std::string, std::vector<int>> m;
    std::vector<std::shared_ptr<derived>> v;
    for (int i = 0; i < 20000; i++) {
        std::string key = std::to_string(random_next(&seed) % 500) + std::string(20, 'k');
        m[key].push_back(i);
        if (i % 3 == 0)
            m.erase(m.begin());
        v.push_back(std::make_shared<derived>());
        if (v.size() > 100)
            v.erase(v.begin(), v.begin() + 50);
    }
    CHECK(v.back()->s == std::string(100, 'x'));
    return nullptr;
}

int main()
{
    watchdog(60);
    for (size_t n : sizes) {
        plain_forms(n);
        for (size_t align = 1; align <= 64 * KB; align *= 4)
            aligned_forms(n, align);
    }
    aligned_forms(100, 64 * MB);
    deletes_of_null();
    zero_bytes_are_unique();
    throwing_forms_throw();
    nothrow_forms_give_null();
    handlers();
    malloc_calls_no_handler();
    in_child("handler makes memory", handler_makes_memory);
    expressions();
    pthread_t t[4];
    for (size_t i = 0; i < COUNT(t); i++)
        t[i] = thread_start(library_types, (void *)(i + 1));
    for (pthread_t each : t)
        thread_join(each);
    return check_done();
}
