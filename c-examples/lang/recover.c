/* PA-2 to PA-5, PA-14: who recovers, what it sees, and where the program goes on. */
#include <gort.h>
#include <stdio.h>

static void show(const char *what, go_recovery *r)
{
    go_any v;
    if (!go_recover(r, &v)) {
        printf("%s: nil\n", what);
    } else if (go_type_kind(v.type) == GO_KIND_STRING) {
        printf("%s: %s\n", what, v.v.s);
    } else {
        printf("%s: %d\n", what, (int)v.v.i);
    }
}

static void say(void *arg)
{
    printf("%s\n", (const char *)arg);
}

static void recovers(void *arg, go_recovery *r)
{
    show((const char *)arg, r);
}

static void recovers_twice(void *arg, go_recovery *r)
{
    (void)arg;
    show("first", r);
    show("second", r);
}

static void sets(void *result, go_recovery *r)
{
    if (go_recover(r, NULL)) {
        *(volatile int *)result = -2;
    }
}

/* PA-3: the remaining calls run, then the function returns the value that its result has now. */
static int named_result(void)
{
    volatile int result = 1;
    GO_FRAME(f);
    if (GO_CATCH(f)) {
        go_frame_end(f);
        return result;
    }
    go_defer(f, say, (void *)"remaining call");
    go_defer_recover(f, sets, (void *)&result);
    go_panic(go_any_int(7));
}

/* PA-4: nothing to recover, and nothing left to recover. */
static void outside(void)
{
    GO_FRAME(f);
    go_defer_recover(f, recovers, (void *)"no panic");
    go_frame_end(f);
}

static void twice(void)
{
    GO_FRAME(f);
    if (!GO_CATCH(f)) {
        go_defer_recover(f, recovers_twice, NULL);
        go_panicf("panic %d of %s", 4, "four");
    }
    go_frame_end(f);
}

/* PA-2: a function that ends normally while a panic is in progress recovers nothing. */
static void helper(void *arg)
{
    GO_FRAME(f);
    (void)arg;
    go_defer_recover(f, recovers, (void *)"deferred by a helper");
    go_frame_end(f);
}

static void helped(void)
{
    GO_FRAME(f);
    if (!GO_CATCH(f)) {
        go_defer_recover(f, recovers, (void *)"deferred itself");
        go_defer(f, helper, NULL);
        go_panic(go_any_str("helped"));
    }
    go_frame_end(f);
}

/* PA-5 */
static void nil(void)
{
    GO_FRAME(f);
    if (!GO_CATCH(f)) {
        go_defer_recover(f, recovers, (void *)"nil panic");
        go_panic(go_any_nil());
    }
    go_frame_end(f);
}

/* PA-14 */
static void nil_function(void)
{
    GO_FRAME(f);
    if (!GO_CATCH(f)) {
        go_defer_recover(f, recovers, (void *)"nil function");
        go_defer(f, NULL, NULL);
        printf("registered\n");
    }
    go_frame_end(f);
}

int main(void)
{
    printf("result %d\n", named_result());
    outside();
    twice();
    helped();
    nil();
    nil_function();
    return 0;
}
