/*
 * Objects left to the next thread: a thread replaces blocks of its set at random, then starts its
 * successor, leaves it the set, and ends. Four such dynasties run at a time.
 */
#include "bench.h"

enum { DYNASTIES = 4, SET = 5000, REIGN = 20000 };

typedef struct {
    char *blocks[SET];
    Random random;
    uint64_t sum;
    long generations;
    pthread_mutex_t lock;
    pthread_cond_t over;
} Dynasty;

static char *fresh(Random *r)
{
    size_t size = random_size(r, 16, 1024);
    char *p = take(size);
    p[0] = (char)size;
    p[size - 1] = 1;
    return p;
}

static void *reign(void *argument)
{
    Dynasty *d = argument;
    for (int i = 0; i < REIGN; i++) {
        char **slot = &d->blocks[random_below(&d->random, SET)];
        d->sum += (unsigned char)(*slot)[0];
        give(*slot);
        *slot = fresh(&d->random);
    }
    if (--d->generations > 0) {
        pthread_detach(spawn(reign, d));
        return NULL;
    }
    pthread_mutex_lock(&d->lock);
    d->generations = -1;
    pthread_cond_signal(&d->over);
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

int main(int argc, char **argv)
{
    static Dynasty dynasties[DYNASTIES];
    long generations = scaled(argc, argv, 900);
    uint64_t sum = 0;
    for (int k = 0; k < DYNASTIES; k++) {
        Dynasty *d = &dynasties[k];
        d->random.state = 300 + (uint64_t)k;
        d->generations = generations;
        pthread_mutex_init(&d->lock, NULL);
        pthread_cond_init(&d->over, NULL);
        for (int i = 0; i < SET; i++)
            d->blocks[i] = fresh(&d->random);
    }
    for (int k = 0; k < DYNASTIES; k++)
        pthread_detach(spawn(reign, &dynasties[k]));
    for (int k = 0; k < DYNASTIES; k++) {
        Dynasty *d = &dynasties[k];
        pthread_mutex_lock(&d->lock);
        while (d->generations != -1)
            pthread_cond_wait(&d->over, &d->lock);
        pthread_mutex_unlock(&d->lock);
        for (int i = 0; i < SET; i++)
            give(d->blocks[i]);
        sum += d->sum;
    }
    report(sum);
    return 0;
}
