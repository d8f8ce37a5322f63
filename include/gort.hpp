// gort.hpp: C++17 on top of gort.h. docs/defer.md explains the borders between panics and exceptions.
//
// A panic jumps: destructors between it and the frame that goes on do not run. So C++ code throws go::panic_error, by
// go::panic, and the two borders turn one into the other:
//
//   go::call(f)    calls f; a panic that comes out of it, from C below, is thrown as go::panic_error
//   go::guard(f)   calls f; an exception that comes out of it panics; for functions that C calls
#ifndef GORT_HPP
#define GORT_HPP

#include <gort.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace go {

/// A panic as an exception.
class panic_error : public std::exception {
    go_any value_;
    std::string text_;

public:
    explicit panic_error(go_any value) : value_(value) {
        char text[256];
        go_any_format(text, sizeof text, value);
        text_ = text;
    }
    go_any value() const noexcept { return value_; }
    const char *what() const noexcept override { return text_.c_str(); }
};

/// Panics from C++ code: destructors run up to the next border.
[[noreturn]] inline void panic(go_any value) {
    throw panic_error(value);
}

namespace detail {

/// What became of a call, in memory that needs no destructor.
struct outcome {
    bool threw = false;
    bool is_text = false;
    go_any value = go_any_nil();
    char text[256];

    template <class F> void run(F &f) {
        try {
            f();
        } catch (const panic_error &e) {
            threw = true;
            value = e.value();
        } catch (const std::exception &e) {
            threw = is_text = true;
            std::snprintf(text, sizeof text, "%s", e.what());
        } catch (...) {
            threw = is_text = true;
            std::snprintf(text, sizeof text, "C++ exception");
        }
    }

    void panic_if_threw() const {
        if (threw && is_text) {
            go_panicf("%s", text);
        } else if (threw) {
            go_panic(value);
        }
    }
};

template <class F> void run_once(void *boxed) {
    outcome result;
    {
        std::unique_ptr<F> f(static_cast<F *>(boxed));
        result.run(*f);
    }
    result.panic_if_threw();
}

template <class F> void run_recovering(void *boxed, go_recovery *r) {
    outcome result;
    {
        std::unique_ptr<F> f(static_cast<F *>(boxed));
        go_any value;
        if (go_recover(r, &value)) {
            auto with_value = [&] { (*f)(value); };
            result.run(with_value);
        }
    }
    result.panic_if_threw();
}

} // namespace detail

/// Calls f; an exception that comes out of it becomes a panic. For functions that C calls.
template <class F> void guard(F &&f) {
    detail::outcome result;
    result.run(f);
    result.panic_if_threw();
}

/// Calls f and answers what it answers; a panic that comes out of it is thrown as a panic_error, an exception as itself.
template <class F> auto call(F &&f) -> std::invoke_result_t<F &> {
    using R = std::invoke_result_t<F &>;
    using stored = std::conditional_t<std::is_void_v<R>, char, R>;
    struct work {
        F &f;
        std::unique_ptr<stored> result;
        std::exception_ptr thrown;
    } w{f, nullptr, nullptr};
    auto body = [](void *arg) {
        work &in = *static_cast<work *>(arg);
        try {
            if constexpr (std::is_void_v<R>) {
                in.f();
            } else {
                in.result = std::make_unique<stored>(in.f());
            }
        } catch (...) {
            in.thrown = std::current_exception();
        }
    };
    go_any value = go_any_nil();
    if (go_pcall(body, &w, &value)) {
        throw panic_error(value);
    }
    if (w.thrown) {
        std::rethrow_exception(w.thrown);
    }
    if constexpr (!std::is_void_v<R>) {
        if (!w.result) {
            throw panic_error(go_any_str("recovered where nothing could go on"));
        }
        return std::move(*w.result);
    }
}

/// A frame: its deferred calls run as it goes out of scope, by return, exception or panic.
class frame {
    go_frame f_;

public:
    frame() { go_frame_begin(&f_, nullptr, 0, nullptr); }
    ~frame() { go_frame_end(&f_); }
    frame(const frame &) = delete;
    frame &operator=(const frame &) = delete;

    /// Defers f(). What it throws panics.
    template <class F> void defer(F f) {
        go_defer(&f_, detail::run_once<F>, new F(std::move(f)));
    }
    /// Defers f(go_any), which is called when a panic runs it, and ends the panic.
    template <class F> void recover(F f) {
        go_defer_recover(&f_, detail::run_recovering<F>, new F(std::move(f)));
    }
    go_frame *get() noexcept { return &f_; }
};

/// A counted closure of any callable that takes a void *.
class closure {
    go_closure *c_;

public:
    template <class F, class = std::enable_if_t<std::is_invocable_v<F &, void *>>> explicit closure(F f) {
        auto *env = new F(std::move(f));
        auto call = [](void *e, void *arg) { guard([&] { (**static_cast<F **>(e))(arg); }); };
        auto drop = [](void *e) { delete *static_cast<F **>(e); };
        c_ = go_closure_make_drop(call, &env, sizeof env, drop);
        if (!c_) {
            delete env;
            throw std::bad_alloc();
        }
    }
    closure(const closure &other) : c_(go_closure_ref(other.c_)) {}
    closure(closure &&other) noexcept : c_(std::exchange(other.c_, nullptr)) {}
    closure &operator=(closure other) noexcept {
        std::swap(c_, other.c_);
        return *this;
    }
    ~closure() { go_closure_unref(c_); }

    /// Calls it; panics come out as panic_error.
    void operator()(void *arg = nullptr) const {
        go::call([&] { go_closure_call(c_, arg); });
    }
    /// As a plain C function pointer: the callable's argument is then a go_args *. Lives as long as the closure.
    template <class Function> Function *thunk() const {
        return reinterpret_cast<Function *>(go_closure_thunk(c_));
    }
    go_closure *get() const noexcept { return c_; }
};

} // namespace go

#endif // GORT_HPP
