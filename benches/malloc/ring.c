/* A ring of four threads: each allocates for the next and frees what the one before allocated. */
#include "queue.h"

enum { THREADS = 4, BATCH = 500 };

static Queue inboxes[THREADS];
static long rounds;

static void *member(void *argument)
{
    uintptr_t me = (uintptr_t)argument;
    Random r = {200 + me};
    uint64_t sum = 0;
    for (long k = 0; k < rounds; k++) {
        char **batch = take(BATCH * sizeof *batch);
        for (int i = 0; i < BATCH; i++) {
            size_t size = random_size(&r, 16, 256);
            batch[i] = take(size);
            batch[i][0] = (char)size;
        }
        queue_put(&inboxes[(me + 1) % THREADS], batch);
        batch = queue_take(&inboxes[me]);
        for (int i = 0; i < BATCH; i++) {
            sum += (unsigned char)batch[i][0];
            give(batch[i]);
        }
        give(batch);
    }
    return (void *)(uintptr_t)sum;
}

int main(int argc, char **argv)
{
    rounds = scaled(argc, argv, 16000);
    pthread_t threads[THREADS];
    uint64_t sum = 0;
    for (int t = 0; t < THREADS; t++)
        queue_init(&inboxes[t]);
    for (uintptr_t t = 0; t < THREADS; t++)
        threads[t] = spawn(member, (void *)t);
    for (int t = 0; t < THREADS; t++) {
        void *part;
        pthread_join(threads[t], &part);
        sum += (uintptr_t)part;
    }
    report(sum);
    return 0;
}
