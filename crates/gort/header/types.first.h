enum {
    GO_KIND_INVALID,
    GO_KIND_BOOL,
    GO_KIND_INT8,
    GO_KIND_INT16,
    GO_KIND_INT32,
    GO_KIND_INT64,
    GO_KIND_UINT8,
    GO_KIND_UINT16,
    GO_KIND_UINT32,
    GO_KIND_UINT64,
    GO_KIND_FLOAT32,
    GO_KIND_FLOAT64,
    GO_KIND_STRING,
    GO_KIND_POINTER,
    GO_KIND_STRUCT,
    GO_KIND_ARRAY,
    GO_KIND_SLICE,
    GO_KIND_CHAN,
    GO_KIND_FUNC,
    GO_KIND_MAP,
    GO_KIND_INTERFACE
};

/** A function of unknown signature; cast it to what it is. */
typedef void (*go_func)(void);

/** A field of a struct. */
typedef struct go_field {
    const char *name;
    const go_type *type;
    size_t offset;
} go_field;

/** A method. Its first argument is a pointer to the value. */
typedef struct go_method {
    const char *name;
    go_func fn;
    /** Calls fn by reflection; may be NULL. */
    void (*call)(void *recv, void *args);
    /** 1: belongs to *T alone. */
    size_t flags;
} go_method;

/** Where a descriptor keeps what the library works out of it. */
typedef struct go_type_cache {
    void *info;
} go_type_cache;

/** A type. Immutable, and made by the macros below; read it by the calls, which also see through named types. */
struct go_type {
    const char *name;
    size_t size;
    uint32_t align;
    uint8_t kind;
    uint8_t flags;
    uint16_t reserved;
    const go_type *elem;
    size_t len;
    const go_field *fields;
    size_t num_field;
    const go_method *methods;
    size_t num_method;
    const char *const *wants;
    bool (*equal)(const void *, const void *);
    uint64_t (*hash)(const void *, uint64_t seed);
    const uint64_t *pointers;
    const go_type *const *parts;
    go_type_cache *cache;
    const void *spare;
};

/** The methods of a type for an interface; their addresses follow it in memory. */
typedef struct go_itab {
    const go_type *iface;
    const go_type *type;
    size_t num_method;
    const char *missing;
} go_itab;

/** A value behind an interface with methods. A NULL tab is nil. */
typedef struct go_iface {
    const go_itab *tab;
    void *data;
} go_iface;

/** A slice in memory. */
typedef struct go_slice {
    void *p;
    size_t len, cap;
} go_slice;

extern const go_type go_type_bool, go_type_int8, go_type_int16, go_type_int32, go_type_int64, go_type_uint8, go_type_uint16,
    go_type_uint32, go_type_uint64, go_type_float32, go_type_float64, go_type_string, go_type_pointer;

#ifdef __cplusplus
#define GO_ALIGNOF_(T) alignof(T)
#define GO_STATIC_ASSERT_(c) static_assert(c, #c)
#else
#define GO_ALIGNOF_(T) _Alignof(T)
#define GO_STATIC_ASSERT_(c) _Static_assert(c, #c)
#endif

/* The library reads descriptors by this layout. */
GO_STATIC_ASSERT_(sizeof(go_type) == 128);
GO_STATIC_ASSERT_(offsetof(go_type, kind) == 20);
GO_STATIC_ASSERT_(offsetof(go_type, elem) == 24);
GO_STATIC_ASSERT_(offsetof(go_type, fields) == 40);
GO_STATIC_ASSERT_(offsetof(go_type, methods) == 56);
GO_STATIC_ASSERT_(offsetof(go_type, wants) == 72);
GO_STATIC_ASSERT_(offsetof(go_type, equal) == 80);
GO_STATIC_ASSERT_(offsetof(go_type, parts) == 104);
GO_STATIC_ASSERT_(offsetof(go_type, cache) == 112);
GO_STATIC_ASSERT_(sizeof(go_field) == 24 && sizeof(go_method) == 32 && sizeof(go_itab) == 32);
GO_STATIC_ASSERT_(sizeof(go_any) == 16 && sizeof(go_iface) == 16);

/* The macros stand at file scope, each type in one source file; others say `extern const go_type ident;`. What they define is
 * constant data, so it lies in read-only memory and needs no registration. */

/** A method of T and *T; one of *T alone; one that go_reflect_call can call. */
#define GO_METHOD(name, fn) { name, (go_func)fn, 0, 0 }
#define GO_METHOD_PTR(name, fn) { name, (go_func)fn, 0, 1 }
#define GO_METHOD_CALL(name, fn, call) { name, (go_func)fn, call, 0 }
#define GO_METHOD_PTR_CALL(name, fn, call) { name, (go_func)fn, call, 1 }

/** The methods of a type, sorted by name. Stands before the type. */
#define GO_METHODS(...) GO_METHODS_(__VA_ARGS__, { 0, 0, 0, 0 })
#define GO_METHODS_(ident, ...) static const go_method ident[] = { __VA_ARGS__ }

/** A field of a struct type: `member` of C type T, described by `type`. */
#define GO_FIELD(T, member, type) { #member, type, offsetof(T, member) }
/** The same, under a name of its own. */
#define GO_FIELD_NAMED(T, member, name, type) { name, type, offsetof(T, member) }

/** A struct type: ident, "pkg.Name", the C type, its fields. _WITH has methods before the fields. */
#define GO_TYPE_STRUCT(...) GO_STRUCT_(__VA_ARGS__, { 0, 0, 0 })
#define GO_STRUCT_(ident, name, T, ...) \
    GO_STRUCT_OF_(ident, name, T, 0, 0, 0, __VA_ARGS__)
#define GO_TYPE_STRUCT_WITH(...) GO_STRUCT_WITH_(__VA_ARGS__, { 0, 0, 0 })
#define GO_STRUCT_WITH_(ident, name, T, methods, ...) \
    GO_STRUCT_OF_(ident, name, T, 0, methods, sizeof(methods) / sizeof(go_method) - 1, __VA_ARGS__)
#define GO_STRUCT_OF_(ident, name, T, flags, methods, num_method, ...) \
    static const go_field go_fields_of_##ident[] = { __VA_ARGS__ }; \
    GO_TYPE_(ident, name, sizeof(T), GO_ALIGNOF_(T), GO_KIND_STRUCT, flags, 0, 0, go_fields_of_##ident, \
             sizeof(go_fields_of_##ident) / sizeof(go_field) - 1, methods, num_method, 0)

/** A C type whose contents stay unknown, as a union's must: no fields, not comparable; every word of it may be a pointer. */
#define GO_TYPE_OPAQUE(ident, name, T) \
    GO_TYPE_(ident, name, sizeof(T), GO_ALIGNOF_(T), GO_KIND_STRUCT, 8, 0, 0, 0, 0, 0, 0, 0)

/** A new type over another one. An alias is simply another name for the same &type. */
#define GO_TYPE_NAMED(ident, name, below) GO_TYPE_(ident, name, 0, 0, 0, 1, below, 0, 0, 0, 0, 0, 0)
#define GO_TYPE_NAMED_WITH(ident, name, below, methods) \
    GO_TYPE_(ident, name, 0, 0, 0, 1, below, 0, 0, 0, methods, sizeof(methods) / sizeof(go_method) - 1, 0)

/** An interface: ident, "pkg.Name", the names of its methods in any order; the empty interface has none. */
#define GO_TYPE_INTERFACE(...) GO_INTERFACE_(__VA_ARGS__, 0)
#define GO_INTERFACE_(ident, name, ...) \
    static const char *const go_wants_of_##ident[] = { __VA_ARGS__ }; \
    GO_TYPE_(ident, name, 16, 8, GO_KIND_INTERFACE, 0, 0, 0, 0, 0, 0, \
             sizeof(go_wants_of_##ident) / sizeof(const char *) - 1, go_wants_of_##ident)

/** Composites as constant data, for the types of fields. Each stands for what go_type_pointer_to and its kin give. */
#define GO_TYPE_POINTER_TO(ident, elem) GO_TYPE_(ident, 0, 8, 8, GO_KIND_POINTER, 2, elem, 0, 0, 0, 0, 0, 0)
#define GO_TYPE_SLICE_OF(ident, elem) GO_TYPE_(ident, 0, 24, 8, GO_KIND_SLICE, 2, elem, 0, 0, 0, 0, 0, 0)
#define GO_TYPE_ARRAY_OF(ident, elem, len) GO_TYPE_(ident, 0, 0, 0, GO_KIND_ARRAY, 2, elem, len, 0, 0, 0, 0, 0)
#define GO_TYPE_CHAN_OF(ident, elem) GO_TYPE_(ident, 0, 8, 8, GO_KIND_CHAN, 2, elem, 0, 0, 0, 0, 0, 0)

#define GO_TYPE_(ident, name, size, align, kind, flags, elem, len, fields, num_field, methods, num_method, wants) \
    static go_type_cache go_cache_of_##ident; \
    extern const go_type ident; \
    const go_type ident = { name,       size,  align, kind, flags, 0, elem, len,                  fields, num_field, methods, \
                            num_method, wants, 0,     0,    0,     0, &go_cache_of_##ident, 0 }

/** The address of method `index` of a value's interface: one load. Cast it, and give it i.data first. */
static inline go_func go_iface_func(go_iface i, size_t index)
{
    return ((const go_func *)(const void *)(i.tab + 1))[index];
}

/** The same as a function of type fn_type: GO_METHOD_OF(shape, 0, double (*)(void *))(shape.data). */
#define GO_METHOD_OF(i, index, fn_type) ((fn_type)go_iface_func((i), (index)))
