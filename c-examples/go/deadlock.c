/* GO-19: everybody waits for somebody else. Go says so only in programs without C. (C only) */
#include <gort.h>

static void waits(void *arg)
{
    go_chan_recv(arg, NULL);
}

static int go_main(void *arg)
{
    (void)arg;
    go_chan *ch = go_chan_make(1, 0);
    go_spawn(waits, ch);
    go_chan_recv(ch, NULL);
    return 0;
}

int main(void)
{
    return go_run(go_main, NULL);
}
