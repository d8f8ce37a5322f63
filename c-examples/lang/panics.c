/* PA-1, PA-6 to PA-8: panics in deferred calls: who replaces whom, who is aborted, who goes on. */
#include <gort.h>
#include <stdio.h>

static void say(void *arg)
{
    printf("%s\n", (const char *)arg);
}

static void panics(void *arg)
{
    go_panic(go_any_str((const char *)arg));
}

static void recovers(void *arg, go_recovery *r)
{
    go_any v;
    if (go_recover(r, &v)) {
        printf("%s recovered %s\n", (const char *)arg, v.v.s);
    } else {
        printf("%s: nothing\n", (const char *)arg);
    }
}

static void recovers_and_panics(void *arg, go_recovery *r)
{
    recovers(arg, r);
    go_panic(go_any_str("again"));
}

/* Runs fn as a Go function would run: a panic that comes out of it is reported, and ends here. */
static void outermost(const char *name, void (*fn)(void *))
{
    go_any v;
    printf("-- %s\n", name);
    if (go_pcall(fn, NULL, &v)) {
        printf("came out: %s\n", v.v.s);
    } else {
        printf("returned\n");
    }
}

static void order(void *arg)
{
    GO_FRAME(f);
    (void)arg;
    go_defer(f, say, (void *)"first deferred");
    go_defer(f, say, (void *)"second deferred");
    go_panic(go_any_str("order"));
}

static void replaced(void *arg)
{
    GO_FRAME(f);
    (void)arg;
    go_defer(f, say, (void *)"remaining");
    go_defer(f, panics, (void *)"newer");
    go_panic(go_any_str("older"));
}

static void repanics(void *arg)
{
    GO_FRAME(f);
    (void)arg;
    go_defer_recover(f, recovers_and_panics, (void *)"inner");
    go_panic(go_any_str("once"));
}

static void inner(void *arg)
{
    GO_FRAME(f);
    (void)arg;
    if (!GO_CATCH(f)) {
        go_defer_recover(f, recovers, (void *)"inner");
        go_panic(go_any_str("inside of a deferred call"));
    }
    printf("inner returns\n");
    go_frame_end(f);
}

static void outer_goes_on(void *arg)
{
    GO_FRAME(f);
    (void)arg;
    go_defer(f, inner, NULL);
    go_panic(go_any_str("outer"));
}

static void aborted_inner(void)
{
    GO_FRAME(f);
    go_defer(f, panics, (void *)"newer");
    go_panic(go_any_str("older"));
}

static void aborts(void *arg)
{
    GO_FRAME(f);
    (void)arg;
    if (GO_CATCH(f)) {
        go_frame_end(f);
        return;
    }
    go_defer_recover(f, recovers, (void *)"after");
    go_defer_recover(f, recovers, (void *)"outer frame");
    aborted_inner();
}

static void raises_after(void *arg)
{
    GO_FRAME(f);
    (void)arg;
    if (GO_CATCH(f)) {
        go_frame_end(f);
        return;
    }
    go_defer_recover(f, recovers, (void *)"last");
    go_defer(f, panics, (void *)"from a remaining call");
    go_defer_recover(f, recovers, (void *)"first");
    go_panic(go_any_str("one"));
}

int main(void)
{
    outermost("order", order);
    outermost("replaced", replaced);
    outermost("repanics", repanics);
    outermost("outer goes on", outer_goes_on);
    outermost("aborts", aborts);
    outermost("raises after", raises_after);
    return 0;
}
