static inline void go_closure_call_inline_(const go_closure *c, void *arg) {
    c->fn((void *)(c + 1), arg);
}

/* Calls are inline; a function pointer to go_closure_call still is one. */
#define go_closure_call(c, arg) go_closure_call_inline_((c), (arg))
