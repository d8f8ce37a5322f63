/** A channel: made by go_chan_make, reference counted. */
typedef struct go_chan go_chan;

/** One case of a select. */
typedef struct go_case {
    go_chan *ch;
    /** Where the value comes from, or goes to; may be NULL to discard it. */
    void *elem;
    /** GO_SEND or GO_RECV. */
    int dir;
    /** After a receive: there was a value. */
    bool ok;
} go_case;

enum { GO_RECV = 0, GO_SEND = 1 };
