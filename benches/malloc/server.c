/*
 * A server: four threads answer requests. A request is parsed into a dozen small blocks, looked up in
 * a cache that the threads share, and answered from a buffer that grows. What the cache evicts was
 * mostly allocated by another thread.
 */
#include "bench.h"

enum { THREADS = 4, HEADERS = 10, SHARDS = 64, SLOTS = 256 };

typedef struct {
    uint32_t key;
    uint32_t length;
    char body[];
} Entry;

typedef struct {
    pthread_mutex_t lock;
    Entry *slots[SLOTS];
} Shard;

typedef struct Header {
    struct Header *next;
    char *name;
    char *value;
} Header;

static Shard cache[SHARDS];
static long requests;

static char *text(Random *r, size_t low, size_t high)
{
    size_t n = random_size(r, low, high);
    char *s = take(n);
    memset(s, 'a' + (int)(n % 26), n - 1);
    s[n - 1] = 0;
    return s;
}

static Header *parse(Random *r)
{
    Header *first = NULL;
    for (int i = 0; i < HEADERS; i++) {
        Header *h = take(sizeof *h);
        h->name = text(r, 8, 32);
        h->value = text(r, 8, 256);
        h->next = first;
        first = h;
    }
    return first;
}

static void drop_headers(Header *h)
{
    while (h) {
        Header *next = h->next;
        give(h->name);
        give(h->value);
        give(h);
        h = next;
    }
}

static Entry *make_entry(uint32_t key)
{
    Random r = {key};
    uint32_t length = (uint32_t)random_size(&r, 128, 4096);
    Entry *e = take(sizeof *e + length);
    e->key = key;
    e->length = length;
    memset(e->body, (int)key, length);
    return e;
}

/* Copies the body of `key` into a buffer of its own, filling the cache on a miss. */
static size_t answer(uint32_t key, char **out)
{
    Shard *shard = &cache[key % SHARDS];
    Entry **slot = &shard->slots[key / SHARDS % SLOTS];
    pthread_mutex_lock(&shard->lock);
    Entry *old = NULL;
    if (*slot == NULL || (*slot)->key != key) {
        pthread_mutex_unlock(&shard->lock);
        Entry *made = make_entry(key);
        pthread_mutex_lock(&shard->lock);
        old = *slot;
        *slot = made;
    }
    size_t length = (*slot)->length;
    char *copy = take(length);
    memcpy(copy, (*slot)->body, length);
    pthread_mutex_unlock(&shard->lock);
    if (old)
        give(old);
    *out = copy;
    return length;
}

static void *serve(void *argument)
{
    Random r = {100 + (uintptr_t)argument};
    uint64_t sum = 0;
    for (long i = 0; i < requests; i++) {
        Header *headers = parse(&r);
        /* A third of the keys are hot. */
        uint32_t key = random_below(&r, 3) ? random_below(&r, 4096) : random_below(&r, 200000);
        char *body;
        size_t length = answer(key, &body);
        char *reply = take(128);
        reply[0] = (char)key;
        reply = realloc(reply, 128 + length);
        memcpy(reply + 128, body, length);
        sum += (unsigned char)reply[0];
        give(body);
        drop_headers(headers);
        give(reply);
    }
    return (void *)(uintptr_t)sum;
}

int main(int argc, char **argv)
{
    requests = scaled(argc, argv, 400 * 1000);
    for (int i = 0; i < SHARDS; i++)
        pthread_mutex_init(&cache[i].lock, NULL);
    pthread_t threads[THREADS];
    uint64_t sum = 0;
    for (uintptr_t t = 0; t < THREADS; t++)
        threads[t] = spawn(serve, (void *)t);
    for (int t = 0; t < THREADS; t++) {
        void *part;
        pthread_join(threads[t], &part);
        sum += (uintptr_t)part;
    }
    for (int i = 0; i < SHARDS; i++)
        for (int j = 0; j < SLOTS; j++)
            free(cache[i].slots[j]);
    report(sum);
    return 0;
}
