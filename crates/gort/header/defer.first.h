/* docs/C-API.md says how frames are used. */
#if defined(__GNUC__) && !defined(GO_PLAIN_C)
#define GO_GNU_ 1
#else
#define GO_GNU_ 0
#endif

#if defined(__x86_64__)
#define GO_JUMP_WORDS_ 8
#else
#define GO_JUMP_WORDS_ 22
#endif

/** What runs: a thread or a goroutine. */
typedef struct go_runner {
    struct go_frame *top;
} go_runner;

/** A deferred call. */
typedef struct go_deferred {
    void (*fn)(void *arg);
    void *arg;
} go_deferred;

/** A function's deferred calls: declared by GO_FRAME, or begun by go_frame_begin. All fields are the library's. */
typedef struct go_frame {
    struct go_frame *up;
    go_deferred *next;
    uint32_t flags;
    uint32_t caught;
    go_runner *runner;
    void *more;
    go_deferred slots[5];
    void *special[4][2];
    uintptr_t jump[GO_JUMP_WORDS_];
} go_frame;

/** The right to recover: what a deferred function of go_defer_recover receives, for as long as it runs. */
typedef struct go_recovery go_recovery;
