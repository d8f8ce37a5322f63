/* PA-1, PA-10: nobody recovers: deferred calls run, then Go's text and status 2. */
#include <gort.h>
#include <stdio.h>

static void say(void *arg)
{
    printf("%s\n", (const char *)arg);
}

int main(void)
{
    GO_FRAME(f);
    go_defer(f, say, (void *)"deferred");
    go_panicf("boom: %d\nsecond line", 1);
}
