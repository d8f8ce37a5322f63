/* PA-13, PA-15: deferred calls run newest first, after the result is set, with the arguments that they had when they were
 * deferred; they may change the result; calls deferred in a loop wait for the end of the function. */
#include <gort.h>
#include <stdint.h>
#include <stdio.h>

static void say(void *arg)
{
    printf("deferred %s\n", (const char *)arg);
}

static void number(void *arg)
{
    printf("deferred %d\n", (int)(intptr_t)arg);
}

static void order(void)
{
    GO_FRAME(f);
    go_defer(f, say, (void *)"first");
    go_defer(f, say, (void *)"second");
    printf("body\n");
    go_frame_end(f);
}

static void arguments(void)
{
    GO_FRAME(f);
    int i = 1;
    go_defer(f, number, (void *)(intptr_t)i);
    i = 2;
    printf("body %d\n", i);
    go_frame_end(f);
}

static void loop(void)
{
    int i;
    GO_FRAME(f);
    for (i = 0; i < 7; i++) {
        go_defer(f, number, (void *)(intptr_t)i);
    }
    printf("loop over\n");
    go_frame_end(f);
}

static void double_it(void *result)
{
    *(int *)result *= 2;
}

static void result_into(int *result)
{
    GO_FRAME(f);
    go_defer(f, double_it, result);
    *result = 21;
    go_frame_end(f);
}

static int result(void)
{
    int r = 0;
    result_into(&r);
    return r;
}

int main(void)
{
    order();
    arguments();
    loop();
    printf("result %d\n", result());
    return 0;
}
