/** A goroutine's number; 0 is none. Never used again. */
typedef uint64_t go_id;
