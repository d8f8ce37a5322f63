/* PA-6: a recovered panic whose deferred call panics anew. */
#include <gort.h>

static void recovers_and_panics(void *arg, go_recovery *r)
{
    go_recover(r, NULL);
    go_panic(go_any_int((intptr_t)arg));
}

int main(void)
{
    GO_FRAME(f);
    go_defer_recover(f, recovers_and_panics, (void *)2);
    go_panic(go_any_int(1));
}
