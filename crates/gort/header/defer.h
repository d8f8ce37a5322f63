/** Panics with a text, formatted as printf does. It lives as long as the thread or goroutine. */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
GO_NORETURN void go_panicf(const char *format, ...);

/* The second answer of GO_CATCH: the compiler must know that there is one. */
#if defined(__GNUC__)
__attribute__((returns_twice))
#endif
int go_catch_point(uintptr_t *area);

/**
 * An int expression, like setjmp: 0 at first, 1 when a panic was recovered into f, whose other deferred calls have then run.
 * Once a frame, before its first go_defer. Local variables that change in between must be volatile, as with setjmp.
 */
#define GO_CATCH(f) ((f)->caught = 1, go_catch_point((f)->jump))

#define GO_BEGIN_(f) go_frame_begin((f), __FILE__, __LINE__, __func__)
#define GO_BEGIN_CHECKED_(f) go_frame_begin_checked((f), __FILE__, __LINE__, __func__)

#if GO_GNU_ && defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))

/* Where the thread's runner is kept, from the thread pointer; 0 before it was asked for. */
static uintptr_t go_runner_offset_ __attribute__((unused));

static inline void go_frame_begin_inline_(go_frame *f) {
    uintptr_t offset = __atomic_load_n(&go_runner_offset_, __ATOMIC_RELAXED);
    go_runner *r = (go_runner *)0;
    if (__builtin_expect(offset != 0, 1)) {
        /* Volatile: after a call that blocked, a goroutine may be on another thread. */
#if defined(__x86_64__)
        __asm__ volatile("movq %%fs:(%1), %0" : "=r"(r) : "r"(offset));
#else
        __asm__ volatile("mrs %0, tpidr_el0\n\tldr %0, [%0, %1]" : "=&r"(r) : "r"(offset));
#endif
    }
    if (__builtin_expect(r == (go_runner *)0, 0)) {
        r = go_runner_of_thread(&go_runner_offset_);
    }
    f->up = r->top;
    f->next = f->slots;
    f->flags = 0;
    f->caught = 0;
    f->runner = r;
    r->top = f;
}

/* Runs the deferred calls and takes the frame off. What is no plain call has a function of the library in its slot. What a
 * longjmp left above the frame goes with it. */
static inline void go_frame_leave_(go_frame *f) {
    go_deferred *d;
    while ((d = f->next) != f->slots) {
        f->next = --d;
        d->fn(d->arg);
    }
    f->runner->top = f->up;
}

/* A frame that has ended leads to itself. */
static inline void go_frame_end_inline_(go_frame *f) {
    if (f->up != f) {
        go_frame_leave_(f);
        f->up = f;
    }
}

static inline void go_frame_cleanup_(go_frame (*f)[1]) {
    if (__builtin_expect((*f)->up != *f, 1)) {
        go_frame_leave_(*f);
    }
}

static inline void go_defer_inline_(go_frame *f, void (*fn)(void *), void *arg) {
    go_deferred *d = f->next;
    if (__builtin_expect(d >= f->slots + 4 || fn == (void (*)(void *))0, 0)) {
        go_defer(f, fn, arg);
        return;
    }
    d->fn = fn;
    d->arg = arg;
    f->next = d + 1;
}

#ifdef GO_CHECKED
#define GO_LINK_(f) GO_BEGIN_CHECKED_(f)
#else
#define GO_LINK_(f) go_frame_begin_inline_(f)
#endif

/* A declaration: f is then a go_frame *, an array of one; at the end of its scope the deferred calls run. */
#define GO_FRAME(f)                                               \
    go_frame f[1] __attribute__((cleanup(go_frame_cleanup_)));    \
    const int f##_linked_ __attribute__((unused)) = (GO_LINK_(f), 0)

#define go_frame_end(f) go_frame_end_inline_(f)
#define go_defer(f, fn, arg) go_defer_inline_((f), (fn), (arg))

#else /* plain C11: go_frame_end before every return */

#ifdef GO_CHECKED
#define GO_LINK_(f) GO_BEGIN_CHECKED_(f)
#else
#define GO_LINK_(f) GO_BEGIN_(f)
#endif

#if defined(__GNUC__)
#define GO_UNUSED_ __attribute__((unused))
#else
#define GO_UNUSED_
#endif

#define GO_FRAME(f)      \
    go_frame f[1];       \
    const int f##_linked_ GO_UNUSED_ = (GO_LINK_(f), 0)

#endif
