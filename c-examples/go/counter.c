/* A counter under a mutex, from goroutines that yield, sleep and block in the kernel; a condition variable; a once. (C only) */
#define _DEFAULT_SOURCE
#include <gort.h>
#include <stdio.h>
#include <unistd.h>

enum { GOROUTINES = 20, ROUNDS = 500 };

static go_mutex lock;
static go_cond done;
static go_once once;
static long count;
static int finished, inits;

static void init(void *arg)
{
    (void)arg;
    inits++;
}

static void add(void *arg)
{
    long i = (long)arg;
    go_once_do(&once, init, NULL);
    for (int n = 0; n < ROUNDS; n++) {
        go_mutex_lock(&lock);
        count++;
        go_mutex_unlock(&lock);
        if (n % 100 == 0) {
            if (i % 3 == 0)
                go_yield();
            else if (i % 3 == 1)
                go_sleep(1000);
            else {
                go_block_enter();
                usleep(10);
                go_block_exit();
            }
        }
    }
    go_mutex_lock(&lock);
    finished++;
    go_mutex_unlock(&lock);
    go_cond_signal(&done);
}

static int go_main(void *arg)
{
    (void)arg;
    for (long i = 0; i < GOROUTINES; i++)
        go_spawn(add, (void *)i);
    go_mutex_lock(&lock);
    while (finished < GOROUTINES)
        go_cond_wait(&done, &lock);
    printf("%ld %d\n", count, inits);
    printf("held: %d\n", go_mutex_trylock(&lock));
    go_mutex_unlock(&lock);
    return 0;
}

int main(void)
{
    return go_run(go_main, NULL);
}
