/*
 * Growing vectors: eight arrays grow by half, one push at a time and in turns, the longest to 200 MB.
 * A second part keeps thousands of short ones growing.
 */
#include "bench.h"

typedef struct {
    uint64_t *items;
    size_t length, capacity;
} Vector;

static void push(Vector *v, uint64_t x)
{
    if (v->length == v->capacity) {
        v->capacity = v->capacity ? v->capacity + v->capacity / 2 : 4;
        v->items = realloc(v->items, v->capacity * sizeof *v->items);
        escape(v->items);
        if (v->items == NULL)
            exit(2);
    }
    v->items[v->length++] = x;
}

/* Vector k receives one in 2^k pushes. */
static uint64_t long_ones(size_t pushes)
{
    Vector v[8] = {{0}};
    uint64_t sum = 0;
    for (size_t i = 1; i <= pushes; i++)
        for (int k = 0; k < 8 && (i & ((1u << k) - 1)) == 0; k++)
            push(&v[k], i + (size_t)k);
    for (int k = 0; k < 8; k++) {
        for (size_t i = 0; i < v[k].length; i += 512)
            sum += v[k].items[i];
        free(v[k].items);
    }
    return sum;
}

static uint64_t short_ones(long pushes)
{
    enum { VECTORS = 4000 };
    static Vector v[VECTORS];
    Random r = {5};
    uint64_t sum = 0;
    for (long i = 0; i < pushes; i++) {
        Vector *one = &v[random_below(&r, VECTORS)];
        push(one, (uint64_t)i);
        if (one->length >= 1000) {
            sum += one->items[one->length - 1];
            free(one->items);
            memset(one, 0, sizeof *one);
        }
    }
    for (int k = 0; k < VECTORS; k++)
        free(v[k].items);
    return sum;
}

int main(int argc, char **argv)
{
    uint64_t sum = long_ones(25 * 1000 * 1000);
    sum += short_ones(scaled(argc, argv, 12 * 1000 * 1000));
    report(sum);
    return 0;
}
