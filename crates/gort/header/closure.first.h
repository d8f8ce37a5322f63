/** A function and its environment, which follows. Made by go_closure_make. */
typedef struct go_closure {
    void (*fn)(void *env, void *arg);
    void *private_[3];
} go_closure;

/** What a thunk was called with, and what it shall answer. */
typedef struct go_args {
    /** Integer and pointer arguments, in order; what was not passed is garbage. */
    uintptr_t a[6];
    /** The result. */
    uintptr_t result;
} go_args;
