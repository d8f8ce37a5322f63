/* Frames deep, wide and in odd places: 10,000 nested, 100 calls of one frame, loops, breaks, a panic half-way. */
#include <gort.h>
#include <stdio.h>

static int ran;
static int last = 1000000, disorder;

static void counts(void *arg)
{
    (void)arg;
    ran++;
}

static void in_order(void *arg)
{
    int n = (int)(intptr_t)arg;
    disorder += n >= last;
    last = n;
    ran++;
}

static void boom(void)
{
    go_panic(go_any_int(10000));
}

/* By a pointer: a compiler that sees the panic warns of a recursion without end. */
static void (*volatile deepest)(void) = boom;

static int nest(int depth)
{
    int result = 0;
    GO_FRAME(f);
    go_defer(f, counts, NULL);
    if (depth == 0) {
        deepest();
    }
    result = depth > 0 ? nest(depth - 1) + 1 : 0;
    go_frame_end(f);
    return result;
}

static void deep(void *arg)
{
    (void)arg;
    nest(9999);
}

static void wide(void *arg)
{
    int i;
    GO_FRAME(f);
    for (i = 0; i < 100; i++) {
        go_defer(f, in_order, (void *)(intptr_t)i);
    }
    if (arg) {
        go_panic(go_any_str("wide"));
    }
    go_frame_end(f);
}

static void recovers(void *arg, go_recovery *r)
{
    if (go_recover(r, NULL)) {
        ++*(int *)arg;
    }
}

/* Recovers in each round of a loop, in a frame of the loop's block. */
static void rounds(void)
{
    int i;
    int recovered = 0;
    for (i = 0; i < 1000; i++) {
        GO_FRAME(f);
        if (!GO_CATCH(f)) {
            go_defer_recover(f, recovers, &recovered);
            go_panic(go_any_int(i));
        }
        go_frame_end(f);
    }
    printf("recovered %d times\n", recovered);
}

/* One frame, caught twice: the catch point stays. */
static void again(void)
{
    volatile int round = 0;
    int recovered = 0;
    GO_FRAME(f);
    if (GO_CATCH(f)) {
        round = round + 1;
    }
    if (round < 3) {
        go_defer_recover(f, recovers, &recovered);
        go_panic(go_any_int(round));
    }
    printf("round %d, recovered %d\n", round, recovered);
    go_frame_end(f);
}

static void thrice(void *arg)
{
    GO_FRAME(f);
    go_defer(f, counts, NULL);
    go_frame_end(f);
    go_frame_end(f);
    go_frame_end(f);
    (void)arg;
}

int main(void)
{
    go_any v;
    int panicked = go_pcall(deep, NULL, &v);
    printf("deep: %d, %d, %d ran\n", panicked, (int)v.v.i, ran);
    ran = 0;
    wide(NULL);
    printf("wide: %d ran, %d out of order\n", ran, disorder);
    ran = 0;
    last = 1000000;
    panicked = go_pcall(wide, &v, NULL);
    printf("wide: %d, %d ran, %d out of order\n", panicked, ran, disorder);
    rounds();
    again();
    ran = 0;
    thrice(NULL);
    printf("ended three times: %d ran\n", ran);
    return 0;
}
