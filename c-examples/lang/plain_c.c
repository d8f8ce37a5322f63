/* The same program without the cleanup attribute: go_frame_end stands before every return. */
#define GO_PLAIN_C
#include "panics.c"
