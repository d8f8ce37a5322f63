/* A bounded queue of batches between threads. */
#ifndef GORT_BENCH_QUEUE_H
#define GORT_BENCH_QUEUE_H

#include "bench.h"

enum { QUEUE_DEPTH = 16 };

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void *items[QUEUE_DEPTH];
    unsigned head, count;
} Queue;

static inline void queue_init(Queue *q)
{
    memset(q, 0, sizeof *q);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->changed, NULL);
}

static inline void queue_put(Queue *q, void *item)
{
    pthread_mutex_lock(&q->lock);
    while (q->count == QUEUE_DEPTH)
        pthread_cond_wait(&q->changed, &q->lock);
    q->items[(q->head + q->count++) % QUEUE_DEPTH] = item;
    pthread_cond_signal(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

static inline void *queue_take(Queue *q)
{
    pthread_mutex_lock(&q->lock);
    while (q->count == 0)
        pthread_cond_wait(&q->changed, &q->lock);
    void *item = q->items[q->head];
    q->head = (q->head + 1) % QUEUE_DEPTH;
    q->count--;
    pthread_cond_signal(&q->changed);
    pthread_mutex_unlock(&q->lock);
    return item;
}

#endif
