/* Measures decision 0001: where a thread keeps the free blocks of a class. One thread, blocks of 64 bytes.
 *
 *   cc -O2 designs.c -o designs && ./designs
 *
 * "array": free blocks stand in an array; behind it a depot of batches, and bitmaps beside the spans (gort's design).
 * "list": the same layers, but free blocks are linked through their own first word, and a batch is a list.
 * "pages": each span has its own linked list; free pushes to the list of the block's span, malloc pops from the current
 * span's list and moves on when that is empty.
 *
 * The user writes a word to every block that he gets. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { SIZE = 64, SPAN = 1 << 15, BLOCKS = SPAN / SIZE, SPANS = 8192, BATCH = 30, ROOM = 63, DEPOT = 273 };

struct block { struct block *next; };
struct span { uint64_t bits[BLOCKS / 64]; uint32_t free, hint, queued; struct block *list; struct span *next; };

static char *base;
static struct span *spans, *partial;
static size_t spans_used;

static struct span *span_of(void *p) { return &spans[((char *)p - base) / SPAN]; }

static struct span *fresh_span(void)
{
    struct span *span = &spans[spans_used++];
    if (spans_used == SPANS)
        abort();
    memset(span->bits, 0xff, sizeof span->bits);
    span->free = BLOCKS;
    return span;
}

/* The bitmaps: up to BATCH blocks from the first span that has some; one block back. */
static size_t bits_take(void **out)
{
    size_t n = 0;
    while (n < BATCH) {
        if (!partial) {
            partial = fresh_span();
            partial->queued = 1;
        }
        struct span *span = partial;
        char *start = base + (span - spans) * (size_t)SPAN;
        for (uint32_t w = span->hint; w < BLOCKS / 64 && n < BATCH; w += span->bits[w] == 0) {
            uint64_t word = span->bits[w];
            for (; word && n < BATCH; word &= word - 1, span->free--)
                out[n++] = start + (w * 64 + __builtin_ctzll(word)) * SIZE;
            span->bits[w] = word;
            span->hint = w;
        }
        if (!span->free) {
            partial = span->next;
            span->queued = 0;
        }
    }
    return n;
}

static void bits_give(void *p)
{
    struct span *span = span_of(p);
    size_t index = ((char *)p - base) % SPAN / SIZE;
    span->bits[index / 64] |= 1ull << (index % 64);
    span->free++;
    if (index / 64 < span->hint)
        span->hint = index / 64;
    if (!span->queued) {
        span->queued = 1;
        span->next = partial;
        partial = span;
    }
}

/* array */
static void *slots[ROOM], *depot[DEPOT][BATCH];
static size_t held, batches;

static __attribute__((noinline)) void *array_refill(void)
{
    if (batches)
        memcpy(slots, depot[--batches], sizeof depot[0]);
    else
        bits_take(slots);
    return slots[held = BATCH - 1];
}

static __attribute__((noinline)) void array_overflow(void)
{
    if (batches < DEPOT)
        memcpy(depot[batches++], slots, sizeof depot[0]);
    else {
        for (int i = 0; i < BATCH; i++)
            __builtin_prefetch(span_of(slots[i])->bits, 1);
        for (int i = 0; i < BATCH; i++)
            bits_give(slots[i]);
    }
    memmove(slots, slots + BATCH, (held -= BATCH) * sizeof *slots);
}

static inline void *array_malloc(void) { return held ? slots[--held] : array_refill(); }
static inline void array_free(void *p)
{
    if (held == ROOM)
        array_overflow();
    slots[held++] = p;
}

/* list */
static struct block *head, *lists[DEPOT];
static size_t listed, waiting;

static __attribute__((noinline)) void *list_refill(void)
{
    if (waiting)
        head = lists[--waiting];
    else {
        void *blocks[BATCH];
        bits_take(blocks);
        for (int i = 0; i < BATCH; i++) {
            ((struct block *)blocks[i])->next = head;
            head = blocks[i];
        }
    }
    listed = BATCH - 1;
    struct block *block = head;
    head = block->next;
    return block;
}

static __attribute__((noinline)) void list_overflow(void)
{
    struct block *batch = head, *last = head;
    for (int i = 1; i < BATCH; i++)
        last = last->next;
    head = last->next;
    last->next = NULL;
    listed -= BATCH;
    if (waiting < DEPOT)
        lists[waiting++] = batch;
    else
        while (batch) {
            struct block *next = batch->next;
            bits_give(batch);
            batch = next;
        }
}

static inline void *list_malloc(void)
{
    struct block *block = head;
    if (!block)
        return list_refill();
    head = block->next;
    listed--;
    return block;
}
static inline void list_free(void *p)
{
    if (listed == ROOM)
        list_overflow();
    ((struct block *)p)->next = head;
    head = p;
    listed++;
}

/* pages */
static struct span *current;

static __attribute__((noinline)) void *pages_refill(void)
{
    if (partial) {
        current = partial;
        partial = current->next;
    } else {
        current = fresh_span();
        char *start = base + (current - spans) * (size_t)SPAN;
        for (size_t i = BLOCKS; i-- > 0;) {
            ((struct block *)(start + i * SIZE))->next = current->list;
            current->list = (struct block *)(start + i * SIZE);
        }
    }
    current->queued = 1;
    struct block *block = current->list;
    current->list = block->next;
    return block;
}

static inline void *pages_malloc(void)
{
    struct block *block = current ? current->list : NULL;
    if (!block) {
        if (current)
            current->queued = 0;
        return pages_refill();
    }
    current->list = block->next;
    return block;
}
static inline void pages_free(void *p)
{
    struct span *span = span_of(p);
    ((struct block *)p)->next = span->list;
    span->list = p;
    if (!span->queued) {
        span->queued = 1;
        span->next = partial;
        partial = span;
    }
}

enum { LIVE = 1000000, BURST = 20000 };
static void *live[LIVE];
static uint64_t state;
static uint32_t draw(uint32_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % n;
}
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e9 + t.tv_nsec; }

#define PROGRAM(kind)                                                                                       \
    static void *kind##_new(void) { return memset(kind##_malloc(), 1, 8); }                                 \
    static void kind(double *out)                                                                           \
    {                                                                                                       \
        double start = now();                                                                               \
        for (int i = 0; i < 10000000; i++) {                                                                \
            live[i & 15] = kind##_new();                                                                    \
            if ((i & 15) == 15)                                                                             \
                for (int k = 0; k < 16; k++)                                                                \
                    kind##_free(live[k]);                                                                   \
        }                                                                                                   \
        out[0] = (now() - start) / 10000000;                                                                \
        start = now();                                                                                      \
        for (int round = 0; round < 100; round++) {                                                         \
            for (int i = 0; i < BURST; i++)                                                                 \
                live[i] = kind##_new();                                                                     \
            for (int i = BURST - 1; i > 0; i--) {                                                           \
                int k = draw(i + 1);                                                                        \
                void *swap = live[i];                                                                       \
                live[i] = live[k];                                                                          \
                live[k] = swap;                                                                             \
            }                                                                                               \
            for (int i = 0; i < BURST; i++)                                                                 \
                kind##_free(live[i]);                                                                       \
        }                                                                                                   \
        out[1] = (now() - start) / (100.0 * BURST);                                                         \
        for (int i = 0; i < LIVE; i++)                                                                      \
            live[i] = kind##_new();                                                                         \
        start = now();                                                                                      \
        for (int i = 0; i < 3 * LIVE; i++) {                                                                \
            int k = draw(LIVE);                                                                             \
            kind##_free(live[k]);                                                                           \
            live[k] = kind##_new();                                                                         \
        }                                                                                                   \
        out[2] = (now() - start) / (3.0 * LIVE);                                                            \
    }
PROGRAM(array)
PROGRAM(list)
PROGRAM(pages)

static void reset(void)
{
    if (base)
        munmap(base, (size_t)SPANS * SPAN);
    base = mmap(NULL, (size_t)SPANS * SPAN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    memset(spans, 0, SPANS * sizeof *spans);
    spans_used = held = batches = listed = waiting = 0;
    partial = current = NULL;
    head = NULL;
    state = 1;
}

static int by_value(const void *a, const void *b) { return (*(double *)a > *(double *)b) - (*(double *)a < *(double *)b); }

int main(void)
{
    static const char *names[] = {"sixteen at a time", "20,000 blocks, freed in random order", "1,000,000 live, random replacement"};
    void (*kinds[])(double *) = {array, list, pages};
    double times[3][3][7];
    spans = calloc(SPANS, sizeof *spans);
    for (int round = 0; round < 7; round++)
        for (int kind = 0; kind < 3; kind++) {
            double out[3];
            reset();
            kinds[kind](out);
            for (int i = 0; i < 3; i++)
                times[i][kind][round] = out[i];
        }
    printf("ns for malloc and free, median of 7\n%-38s %8s %8s %8s\n", "", "array", "list", "pages");
    for (int i = 0; i < 3; i++) {
        for (int kind = 0; kind < 3; kind++)
            qsort(times[i][kind], 7, sizeof(double), by_value);
        printf("%-38s %8.1f %8.1f %8.1f\n", names[i], times[i][0][3], times[i][1][3], times[i][2][3]);
    }
}
