/* A pool of workers takes jobs from one channel and puts results into another; among them a plain thread. (C only) */
#include <gort.h>
#include <pthread.h>
#include <stdio.h>

enum { WORKERS = 3, JOBS = 1000 };

static go_chan *jobs, *results;
static go_waitgroup workers;

static void work(void *arg)
{
    (void)arg;
    int64_t n;
    while (go_chan_recv(jobs, &n)) {
        n = n * n;
        go_chan_send(results, &n);
    }
}

static void *work_on_a_thread(void *arg)
{
    work(arg);
    go_waitgroup_done(&workers);
    return NULL;
}

static void close_when_done(void *arg)
{
    go_waitgroup_wait(arg);
    go_chan_close(results);
}

static void produce(void *arg)
{
    (void)arg;
    for (int64_t n = 1; n <= JOBS; n++)
        go_chan_send(jobs, &n);
    go_chan_close(jobs);
}

static int go_main(void *arg)
{
    (void)arg;
    pthread_t thread;
    jobs = go_chan_make(sizeof(int64_t), 16);
    results = go_chan_make(sizeof(int64_t), 0);
    for (int i = 0; i < WORKERS; i++)
        go_waitgroup_spawn(&workers, work, NULL);
    go_waitgroup_add(&workers, 1);
    pthread_create(&thread, NULL, work_on_a_thread, NULL);
    go_spawn(produce, NULL);
    go_spawn(close_when_done, &workers);
    int64_t sum = 0, n;
    for (int i = 0; i < JOBS && go_chan_recv(results, &n); i++)
        sum += n;
    printf("sum of squares: %lld\n", (long long)sum);
    pthread_join(thread, NULL);
    printf("closed: %d\n", !go_chan_recv(results, &n) && n == 0);
    go_chan_unref(jobs);
    go_chan_unref(results);
    return 0;
}

int main(void)
{
    return go_run(go_main, NULL);
}
