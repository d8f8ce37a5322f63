/* The prime sieve: a chain of goroutines, each of which takes the multiples of one prime out. (C only) */
#include <gort.h>
#include <stdio.h>

struct filter {
    go_chan *in, *out;
    int prime;
};

static void generate(void *arg)
{
    for (int n = 2;; n++)
        go_chan_send(arg, &n);
}

static void filter(void *arg)
{
    struct filter *f = arg;
    int n;
    while (go_chan_recv(f->in, &n))
        if (n % f->prime != 0)
            go_chan_send(f->out, &n);
}

static int go_main(void *arg)
{
    (void)arg;
    go_chan *ch = go_chan_make(sizeof(int), 0);
    go_spawn(generate, ch);
    for (int i = 0; i < 100; i++) {
        struct filter f = { .in = ch, .out = go_chan_make(sizeof(int), 0) };
        go_chan_recv(ch, &f.prime);
        if (i % 10 == 9)
            printf("%d\n", f.prime);
        go_spawn_copy(filter, &f, sizeof f);
        ch = f.out;
    }
    printf("goroutines: %d\n", go_num_goroutine());
    return 0; /* the others end with the process */
}

int main(void)
{
    return go_run(go_main, NULL);
}
