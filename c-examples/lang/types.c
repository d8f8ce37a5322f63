/* Descriptors: read-only, with the right pointers, and one for each type whichever thread asks. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <gort.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

union blob {
    void *p;
    double d;
    char bytes[24];
};
struct node {
    int32_t key;
    struct node *next;
};
struct inner {
    const char *name;
    int64_t n;
    go_slice list;
};
struct outer {
    int64_t first;
    struct inner pair[2];
    go_any value;
    union blob blob;
    double last;
    struct node *nodes[3];
};

extern const go_type main_Node;
GO_TYPE_POINTER_TO(node_ptr, &main_Node);
GO_TYPE_STRUCT(main_Node, "main.Node", struct node, GO_FIELD(struct node, key, &go_type_int32),
               GO_FIELD(struct node, next, &node_ptr));
GO_TYPE_SLICE_OF(bytes, &go_type_uint8);
GO_TYPE_STRUCT(main_Inner, "main.Inner", struct inner, GO_FIELD(struct inner, name, &go_type_string),
               GO_FIELD(struct inner, n, &go_type_int64), GO_FIELD(struct inner, list, &bytes));
GO_TYPE_ARRAY_OF(inner_pair, &main_Inner, 2);
GO_TYPE_ARRAY_OF(three_nodes, &node_ptr, 3);
GO_TYPE_INTERFACE(main_Any, "main.Any");
GO_TYPE_OPAQUE(main_Blob, "main.Blob", union blob);
GO_TYPE_STRUCT(main_Outer, "main.Outer", struct outer, GO_FIELD(struct outer, first, &go_type_int64),
               GO_FIELD(struct outer, pair, &inner_pair), GO_FIELD(struct outer, value, &main_Any),
               GO_FIELD(struct outer, blob, &main_Blob), GO_FIELD(struct outer, last, &go_type_float64),
               GO_FIELD(struct outer, nodes, &three_nodes));
GO_TYPE_NAMED(main_Alike, "main.Alike", &main_Outer);
GO_TYPE_ARRAY_OF(many, &main_Node, 100);
#define SAME_TYPE main_Node /* an alias is another name for the same descriptor */

static void show_pointers(const go_type *t)
{
    const uint64_t *map = go_type_pointers(t);
    size_t words = go_type_size(t) / 8, i;
    printf("%s, %d bytes: ", go_type_name(t), (int)go_type_size(t));
    for (i = 0; map != NULL && i < words && i < 40; i++)
        putchar(map[i / 64] >> (i % 64) & 1 ? 'p' : '.');
    puts(map == NULL ? "no pointers" : "");
}

/* The permissions of the mapping that an address lies in. */
static void show_memory(const char *what, const void *at)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512], perms[8];
    uintptr_t lo, hi;
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s", &lo, &hi, perms) == 3 && (uintptr_t)at - lo < hi - lo)
            printf("%s: %.3s\n", what, perms);
    if (maps != NULL)
        fclose(maps);
}

enum { THREADS = 8, DEPTH = 40 };
static pthread_barrier_t start;

static void *make_types(void *out)
{
    const go_type **types = (const go_type **)out, *t = &main_Node;
    int i;
    pthread_barrier_wait(&start);
    for (i = 0; i < DEPTH; i++) {
        t = i % 3 == 0 ? go_type_pointer_to(t) : i % 3 == 1 ? go_type_slice_of(t) : go_type_chan_of(t);
        types[i] = t;
    }
    return NULL;
}

static void eight_threads(void)
{
    static const go_type *made[THREADS][DEPTH];
    pthread_t threads[THREADS];
    int i, differ = 0, repeated = 0;
    pthread_barrier_init(&start, NULL, THREADS);
    for (i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, make_types, (void *)made[i]);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (i = 1; i < THREADS; i++)
        differ += memcmp(made[0], made[i], sizeof made[0]) != 0;
    for (i = 1; i < DEPTH; i++)
        repeated += made[0][i] == made[0][i - 1];
    printf("eight threads: %d differ, %d repeated\n", differ, repeated);
}

int main(void)
{
    const go_type *params[2], *result = &go_type_bool;
    params[0] = &go_type_string;
    params[1] = go_type_map_of(&go_type_string, &main_Node);

    show_pointers(&main_Node);
    show_pointers(&main_Inner);
    show_pointers(&main_Outer);
    show_pointers(&main_Alike);
    show_pointers(&main_Blob);
    show_pointers(&many);
    show_pointers(&go_type_int64);
    show_pointers(go_type_array_of(&go_type_float64, 4));

    printf("%s\n", go_type_name(go_type_func_of(params, 2, &result, 1)));
    printf("%s\n", go_type_name(go_type_array_of(go_type_slice_of(go_type_pointer_to(&main_Outer)), 7)));
    printf("named is new: %d %d\n", go_type_identical(&main_Alike, &main_Outer), go_type_kind(&main_Alike) == GO_KIND_STRUCT);
    printf("alias is not: %d\n", go_type_identical(&SAME_TYPE, &main_Node));
    printf("written down: %d %d\n", go_type_identical(&node_ptr, go_type_pointer_to(&main_Node)),
           go_type_elem(go_type_pointer_to(&node_ptr)) == go_type_pointer_to(&main_Node));
    printf("array of 0: %d, too large: %d\n", (int)go_type_size(go_type_array_of(&go_type_int64, 0)),
           go_type_array_of(&go_type_int64, SIZE_MAX / 2) == NULL);
    eight_threads();

    show_memory("main.Outer", &main_Outer);
    show_memory("its fields", go_type_field(&main_Outer, 0));
    show_memory("int32", &go_type_int32);
    show_memory("what go_any_int says", go_any_int(1).type);
    return 0;
}
