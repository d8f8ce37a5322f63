/* Skynet: each goroutine starts ten, five levels deep, and sums what they send. (C only) */
#include <gort.h>
#include <stdio.h>

struct node {
    go_chan *up;
    int64_t number, size;
};

static void skynet(void *arg)
{
    struct node *self = arg;
    if (self->size == 1) {
        go_chan_send(self->up, &self->number);
        return;
    }
    go_chan *ch = go_chan_make(sizeof(int64_t), 0);
    for (int i = 0; i < 10; i++) {
        struct node child = { ch, self->number + i * (self->size / 10), self->size / 10 };
        go_spawn_copy(skynet, &child, sizeof child);
    }
    int64_t sum = 0, n;
    for (int i = 0; i < 10; i++) {
        go_chan_recv(ch, &n);
        sum += n;
    }
    go_chan_unref(ch);
    go_chan_send(self->up, &sum);
}

static int go_main(void *arg)
{
    (void)arg;
    struct node root = { go_chan_make(sizeof(int64_t), 0), 0, 100000 };
    int64_t sum;
    go_spawn_copy(skynet, &root, sizeof root);
    go_chan_recv(root.up, &sum);
    printf("%lld\n", (long long)sum);
    go_chan_unref(root.up);
    return 0;
}

int main(void)
{
    return go_run(go_main, NULL);
}
