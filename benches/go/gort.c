/* What goroutines cost: one line a thing, its name and nanoseconds of wall time. go.go does the same in Go. */
#include <gort.h>
#include <stdio.h>

static go_waitgroup all;

static void report(const char *name, go_when start, long n)
{
    printf("%s %.2f\n", name, (double)(go_now() - start) / (double)n);
    fflush(stdout);
}

static void nothing(void *arg)
{
    go_waitgroup_done(arg);
}

static void spawn_join(void)
{
    enum { N = 100000, ROUNDS = 5 };
    go_when start = go_now();
    for (int round = 0; round < ROUNDS; round++) {
        go_waitgroup_add(&all, N);
        for (int i = 0; i < N; i++)
            go_spawn(nothing, &all);
        go_waitgroup_wait(&all);
    }
    report("spawn_join", start, (long)N * ROUNDS);
}

enum { YIELDS = 200000, YIELDERS = 4 };

static void yields(void *arg)
{
    (void)arg;
    for (int i = 0; i < YIELDS; i++)
        go_yield();
    go_waitgroup_done(&all);
}

static void yield(void)
{
    go_when start = go_now();
    go_waitgroup_add(&all, YIELDERS);
    for (int i = 0; i < YIELDERS; i++)
        go_spawn(yields, NULL);
    go_waitgroup_wait(&all);
    report("yield", start, (long)YIELDERS * YIELDS);
}

static go_chan *ping, *pong;

static void answers(void *arg)
{
    (void)arg;
    int64_t n;
    while (go_chan_recv(ping, &n))
        go_chan_send(pong, &n);
}

static void round_trip(void)
{
    enum { N = 500000 };
    int64_t n = 0;
    ping = go_chan_make(sizeof n, 0);
    pong = go_chan_make(sizeof n, 0);
    go_spawn(answers, NULL);
    go_when start = go_now();
    for (int i = 0; i < N; i++) {
        go_chan_send(ping, &n);
        go_chan_recv(pong, &n);
    }
    report("round_trip", start, N);
    go_chan_close(ping);
}

enum { BUFFERED = 2000000 };

static void fills(void *arg)
{
    for (int64_t n = 0; n < BUFFERED; n++)
        go_chan_send(arg, &n);
    go_chan_close(arg);
}

static void buffered(void)
{
    int64_t n;
    go_chan *ch = go_chan_make(sizeof n, 128);
    go_when start = go_now();
    go_spawn(fills, ch);
    while (go_chan_recv(ch, &n))
        ;
    report("buffered_128", start, BUFFERED);
    go_chan_unref(ch);
}

struct link {
    go_chan *in, *out;
};

static void passes(void *arg)
{
    struct link *link = arg;
    int64_t n;
    while (go_chan_recv(link->in, &n))
        go_chan_send(link->out, &n);
}

static void ring(void)
{
    enum { N = 1000, LAPS = 300 };
    int64_t n = 0;
    go_chan *first = go_chan_make(sizeof n, 0);
    struct link link = { .in = first };
    for (int i = 0; i < N; i++) {
        link.out = go_chan_make(sizeof n, 0);
        go_spawn_copy(passes, &link, sizeof link);
        link.in = link.out;
    }
    go_when start = go_now();
    for (int i = 0; i < LAPS; i++) {
        go_chan_send(first, &n);
        go_chan_recv(link.out, &n);
    }
    report("ring_hop", start, (long)N * LAPS);
}

enum { SELECTS = 300000 };

static void feeds(void *arg)
{
    for (int64_t n = 0; n < SELECTS; n++)
        go_chan_send(arg, &n);
}

static void select_3(void)
{
    int64_t n;
    go_case cases[3];
    for (int i = 0; i < 3; i++) {
        cases[i] = (go_case){ go_chan_make(sizeof n, 0), &n, GO_RECV, false };
        go_spawn(feeds, cases[i].ch);
    }
    go_when start = go_now();
    for (int i = 0; i < 3 * SELECTS; i++)
        go_select(cases, 3);
    report("select_3", start, 3L * SELECTS);
}

struct node {
    go_chan *up;
    int64_t number, size;
};

static void skynet_node(void *arg)
{
    struct node *self = arg;
    if (self->size == 1) {
        go_chan_send(self->up, &self->number);
        return;
    }
    go_chan *ch = go_chan_make(sizeof(int64_t), 0);
    for (int i = 0; i < 10; i++) {
        struct node child = { ch, self->number + i * (self->size / 10), self->size / 10 };
        go_spawn_copy(skynet_node, &child, sizeof child);
    }
    int64_t sum = 0, n;
    for (int i = 0; i < 10; i++) {
        go_chan_recv(ch, &n);
        sum += n;
    }
    go_chan_unref(ch);
    go_chan_send(self->up, &sum);
}

static void skynet(void)
{
    struct node root = { go_chan_make(sizeof(int64_t), 0), 0, 1000000 };
    int64_t sum;
    go_when start = go_now();
    go_spawn_copy(skynet_node, &root, sizeof root);
    go_chan_recv(root.up, &sum);
    report(sum == 499999500000 ? "skynet" : "skynet_wrong", start, 1111111);
}

static go_mutex lock;
static long count;
enum { LOCKS = 1000000, LOCKERS = 8 };

static void locks(void *arg)
{
    (void)arg;
    for (int i = 0; i < LOCKS; i++) {
        go_mutex_lock(&lock);
        count++;
        go_mutex_unlock(&lock);
    }
    go_waitgroup_done(&all);
}

static void mutex(void)
{
    go_when start = go_now();
    go_waitgroup_add(&all, LOCKERS);
    for (int i = 0; i < LOCKERS; i++)
        go_spawn(locks, NULL);
    go_waitgroup_wait(&all);
    report("mutex_8", start, (long)LOCKS * LOCKERS);
}

struct filter {
    go_chan *in, *out;
    int64_t prime;
};

static void generates(void *arg)
{
    for (int64_t n = 2; go_chan_offer(arg, &n) == 0; n++)
        ;
}

static void filters(void *arg)
{
    struct filter *f = arg;
    int64_t n;
    while (go_chan_recv(f->in, &n))
        if (n % f->prime != 0)
            go_chan_send(f->out, &n);
}

static void sieve(void)
{
    enum { PRIMES = 500 };
    go_chan *ch = go_chan_make(sizeof(int64_t), 0);
    go_when start = go_now();
    go_spawn(generates, ch);
    for (int i = 0; i < PRIMES; i++) {
        struct filter f = { ch, go_chan_make(sizeof(int64_t), 0), 0 };
        go_chan_recv(ch, &f.prime);
        go_spawn_copy(filters, &f, sizeof f);
        ch = f.out;
    }
    report("sieve_500_us", start, 1000);
}

static int go_main(void *arg)
{
    (void)arg;
    spawn_join();
    yield();
    round_trip();
    buffered();
    ring();
    select_3();
    skynet();
    mutex();
    sieve();
    return 0;
}

int main(void)
{
    return go_run(go_main, NULL);
}
