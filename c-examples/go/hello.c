/* Goroutines say hello, and main waits for them. */
#include <gort.h>
#include <stdio.h>

static go_waitgroup all;
static go_mutex lock;
static int said[4];

static void hello(void *arg)
{
    int i = *(int *)arg;
    go_mutex_lock(&lock);
    said[i] = 1;
    go_mutex_unlock(&lock);
    go_waitgroup_done(&all);
}

static int go_main(void *arg)
{
    (void)arg;
    printf("main is goroutine %d\n", (int)go_self());
    go_waitgroup_add(&all, 4);
    for (int i = 0; i < 4; i++)
        go_spawn_copy(hello, &i, sizeof i);
    go_waitgroup_wait(&all);
    for (int i = 0; i < 4; i++)
        printf("hello from %d: %d\n", i, said[i]);
    printf("no function: %d\n", go_spawn(NULL, NULL) < 0);
    return 3;
}

int main(void)
{
    printf("on a plain thread: %d\n", (int)go_self());
    int status = go_run(go_main, NULL);
    printf("main returned %d\n", status);
    return 0;
}
