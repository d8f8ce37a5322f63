typedef struct go_type go_type;

/** A value of any type: its type, and the value or a pointer to it. A NULL type is nil. A narrow integer is extended in v.i or
 *  v.u; a bool is in v.u, a float32 widened in v.f, a string in v.s; v.p of a struct, an array or a slice points to the value. */
typedef struct go_any {
    const go_type *type;
    union {
        void *p;
        int64_t i;
        uint64_t u;
        double f;
        const char *s;
    } v;
} go_any;
