/* IF-2, PA-10: an assertion that fails and is not recovered ends the program with Go's text and status 2. */
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
    go_assert(go_any_str("text"), &go_type_int64);
    printf("not reached\n");
    go_frame_end(f);
    return 0;
}
