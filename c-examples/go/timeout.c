/* Select with a deadline, with a default, and with a timer's channel; a ticker; a function that runs later. (C only) */
#include <gort.h>
#include <stdio.h>

static go_chan *quiet;

static void say(void *arg)
{
    int n = 7;
    (void)arg;
    go_chan_send(quiet, &n);
}

static int go_main(void *arg)
{
    (void)arg;
    const go_dur ms = 1000000;
    int n = 0;
    quiet = go_chan_make(sizeof n, 0);
    go_case one = { quiet, &n, GO_RECV, false };
    printf("nothing at once: %d\n", go_select_default(&one, 1));
    printf("nothing in time: %d\n", go_select_until(&one, 1, go_now() + 2 * ms) < 0);

    go_timer *timer = go_timer_make(2 * ms);
    go_case two[] = { { quiet, &n, GO_RECV, false }, { go_timer_chan(timer), NULL, GO_RECV, false } };
    printf("the timer first: %d\n", go_select(two, 2));
    printf("stopped too late: %d\n", go_timer_stop(timer));
    go_timer_unref(timer);

    go_timer *later = go_after_func(2 * ms, say, NULL);
    int which = go_select(two, 1);
    printf("from the function: %d %d\n", which, n);
    go_timer_unref(later);

    go_timer *ticker = go_ticker_make(ms);
    go_when last = go_now(), at;
    int rising = 1;
    for (int i = 0; i < 3; i++) {
        go_chan_recv(go_timer_chan(ticker), &at);
        rising &= at > last;
        last = at;
    }
    printf("ticks: %d\n", rising);
    printf("stopped: %d\n", go_timer_stop(ticker));
    go_timer_unref(ticker);
    go_chan_unref(quiet);
    return 0;
}

int main(void)
{
    return go_run(go_main, NULL);
}
