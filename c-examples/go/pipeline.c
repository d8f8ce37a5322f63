/* Three stages, joined by channels, each closing its output when its input is closed. (C only) */
#include <gort.h>
#include <stdio.h>

struct stage {
    go_chan *in, *out;
    int (*change)(int);
};

static int doubled(int n) { return 2 * n; }
static int plus_one(int n) { return n + 1; }

static void run_stage(void *arg)
{
    struct stage *s = arg;
    int n;
    while (go_chan_recv(s->in, &n)) {
        n = s->change(n);
        go_chan_send(s->out, &n);
    }
    go_chan_close(s->out);
}

static int go_main(void *arg)
{
    (void)arg;
    go_chan *a = go_chan_make(sizeof(int), 0), *b = go_chan_make(sizeof(int), 2), *c = go_chan_make(sizeof(int), 0);
    struct stage first = { a, b, doubled }, second = { b, c, plus_one };
    go_id ids[2];
    go_attr joinable = { .size = sizeof joinable, .flags = GO_JOINABLE, .name = "stage" };
    go_spawn_attr(&joinable, run_stage, &first, &ids[0]);
    go_spawn_attr(&joinable, run_stage, &second, &ids[1]);
    int n = 0, sent = 0, open = 1;
    go_case cases[] = { { a, &sent, GO_SEND, false }, { c, &n, GO_RECV, false } };
    while (open) {
        switch (go_select(cases, 2)) {
        case 0:
            if (++sent == 5) {
                go_chan_close(a);
                cases[0].ch = NULL; /* never ready again */
            }
            break;
        case 1:
            open = cases[1].ok;
            if (open)
                printf("%d\n", n);
            break;
        }
    }
    int first_end = go_join(ids[0]), second_end = go_join(ids[1]);
    printf("joined: %d %d, again: %d\n", first_end, second_end, go_join(ids[0]) < 0);
    go_chan_unref(a);
    go_chan_unref(b);
    go_chan_unref(c);
    return 0;
}

int main(void)
{
    return go_run(go_main, NULL);
}
