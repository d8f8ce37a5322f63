/* (C only) A bare return in plain C11 leaves a frame behind: checked builds tell where, and the program goes on. */
#define GO_PLAIN_C
#ifndef UNCHECKED
#define GO_CHECKED
#endif
#include <gort.h>
#include <stdio.h>

#line 1 "stale.c" /* __FILE__ without the path */

static void say(void *arg)
{
    printf("%s\n", (const char *)arg);
}

static void forgets(void)
{
    GO_FRAME(f);
    go_defer(f, say, (void *)"never printed");
}

/* By a pointer: within another function, where nothing returns, there would be nothing to see. */
static void (*volatile forget)(void) = forgets;

static void proper(void)
{
    GO_FRAME(f);
    go_defer(f, say, (void *)"proper");
    go_frame_end(f);
}

static void recovers(void *arg, go_recovery *r)
{
    go_any v;
    (void)arg;
    if (go_recover(r, &v)) {
        printf("recovered %s\n", v.v.s);
    }
}

/* The panic runs the outer frame's calls, not those of the frame that was forgotten. */
static void panics(void)
{
    GO_FRAME(f);
    if (!GO_CATCH(f)) {
        go_defer_recover(f, recovers, NULL);
        forget();
        go_panic(go_any_str("after a stale frame"));
    }
    go_frame_end(f);
}

int main(void)
{
    GO_FRAME(f);
    go_defer(f, say, (void *)"main's");
    forget();
    proper();
    panics();
    forget();
    go_frame_end(f);
    return 0;
}
