/* go_pcall, and where a program goes on that has no catch point in the frame that recovered. */
#include <gort.h>
#include <stdio.h>

static void say(void *arg)
{
    printf("%s\n", (const char *)arg);
}

static void recovers(void *arg, go_recovery *r)
{
    go_any v;
    (void)arg;
    if (go_recover(r, &v)) {
        printf("recovered %d\n", (int)v.v.i);
    }
}

static void quiet(void *arg)
{
    (void)arg;
}

static void loud(void *arg)
{
    GO_FRAME(f);
    go_defer(f, say, (void *)"loud's deferred call");
    go_panic(go_any_int((intptr_t)arg));
}

/* Recovers, but cannot go on. */
static void middle(void)
{
    GO_FRAME(f);
    go_defer(f, say, (void *)"middle's other call");
    go_defer_recover(f, recovers, NULL);
    loud((void *)2);
    printf("never printed\n");
    go_frame_end(f);
}

static void between(void *arg)
{
    GO_FRAME(f);
    (void)arg;
    go_defer(f, say, (void *)"between's call");
    middle();
    printf("never printed\n");
    go_frame_end(f);
}

static void catches(void)
{
    GO_FRAME(f);
    if (GO_CATCH(f)) {
        printf("goes on here\n");
        go_frame_end(f);
        return;
    }
    go_defer(f, say, (void *)"the outer frame's call");
    between(NULL);
    go_frame_end(f);
}

/* The call of a panic cannot go on, so it is over, and the panic continues. */
static void in_deferred_call(void *arg)
{
    GO_FRAME(f);
    (void)arg;
    go_defer(f, between, NULL);
    go_panic(go_any_int(3));
}

static void exits(void *arg)
{
    (void)arg;
    go_exit();
}

int main(void)
{
    go_any v = go_any_nil();
    printf("quiet %d\n", go_pcall(quiet, NULL, &v));
    printf("loud %d", go_pcall(loud, (void *)1, &v));
    printf(", value %d\n", (int)v.v.i);
    printf("recovered below %d\n", go_pcall(between, NULL, NULL));
    catches();
    printf("in a deferred call %d", go_pcall(in_deferred_call, NULL, &v));
    printf(", value %d\n", (int)v.v.i);
    printf("exit %d", go_pcall(exits, NULL, &v));
    printf(", value %s\n", v.v.s);
    return 0;
}
