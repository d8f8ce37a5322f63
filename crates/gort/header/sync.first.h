/* All of these are ready when zero, and need no end. Their sizes will not change. */

/** A mutex. */
typedef struct go_mutex {
    uint32_t private_[2];
} go_mutex;

/** A lock for one writer or many readers. */
typedef struct go_rwmutex {
    uint32_t private_[6];
} go_rwmutex;

/** A counter to wait for. */
typedef struct go_waitgroup {
    uint64_t private_[2];
} go_waitgroup;

/** Something that is done once. */
typedef struct go_once {
    uint64_t private_[2];
} go_once;

/** A condition variable. */
typedef struct go_cond {
    uint64_t private_[3];
} go_cond;

/** A semaphore. */
typedef struct go_sema {
    uint64_t private_[2];
} go_sema;
