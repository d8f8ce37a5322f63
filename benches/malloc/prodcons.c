/* Producer to consumer: one thread allocates messages of mixed sizes, the other frees every one. */
#include "queue.h"

enum { BATCH = 256 };

static Queue queue;
static long batches;

static void *produce(void *unused)
{
    (void)unused;
    Random r = {4};
    for (long b = 0; b < batches; b++) {
        char **batch = take(BATCH * sizeof *batch);
        for (int i = 0; i < BATCH; i++) {
            size_t size = random_size(&r, 16, 512);
            batch[i] = take(size);
            batch[i][0] = (char)size;
        }
        queue_put(&queue, batch);
    }
    queue_put(&queue, NULL);
    return NULL;
}

int main(int argc, char **argv)
{
    batches = scaled(argc, argv, 60 * 1000);
    queue_init(&queue);
    pthread_t producer = spawn(produce, NULL);
    uint64_t sum = 0;
    char **batch;
    while ((batch = queue_take(&queue)) != NULL) {
        for (int i = 0; i < BATCH; i++) {
            sum += (unsigned char)batch[i][0];
            give(batch[i]);
        }
        give(batch);
    }
    pthread_join(producer, NULL);
    report(sum);
    return 0;
}
