/* What panics on a goroutine: caught by go_pcall, ended by go_exit with deferred calls, and at last not caught at all. (C only) */
#include <gort.h>
#include <stdio.h>

static void send_closed(void *arg)
{
    int n = 1;
    go_chan_send(arg, &n);
}

static void close_again(void *arg) { go_chan_close(arg); }
static void negative(void *arg) { go_waitgroup_done(arg); }

static void say(void *arg) { printf("deferred %s\n", (const char *)arg); }

static void leaves(void *arg)
{
    (void)arg;
    GO_FRAME(f);
    go_defer(f, say, "call of a goroutine that exits");
    go_yield();
    go_exit();
}

static int go_main(void *arg)
{
    (void)arg;
    static go_waitgroup group;
    go_any v;
    char text[80];
    go_chan *ch = go_chan_make(sizeof(int), 1);
    go_chan_close(ch);
    void (*calls[])(void *) = { send_closed, close_again, close_again, negative };
    void *args[] = { ch, ch, NULL, &group };
    for (int i = 0; i < 4; i++) {
        if (go_pcall(calls[i], args[i], &v)) {
            go_any_format(text, sizeof text, v);
            printf("%s\n", text);
        }
    }
    static go_waitgroup left;
    go_waitgroup_spawn(&left, leaves, NULL);
    go_waitgroup_wait(&left);
    fflush(stdout);
    go_panicf("nobody catches %s", "this");
}

int main(void)
{
    return go_run(go_main, NULL);
}
