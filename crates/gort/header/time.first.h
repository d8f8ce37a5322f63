/** Nanoseconds. */
typedef int64_t go_dur;
/** A moment on the monotonic clock, in nanoseconds. */
typedef int64_t go_when;
/** No deadline. */
#define GO_NEVER INT64_MAX
/** Any moment that is over. */
#define GO_NOW ((go_when)0)

/** A timer or ticker, reference counted. */
typedef struct go_timer go_timer;
