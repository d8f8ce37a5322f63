/* PA-6: the same value, raised again. */
#include <gort.h>

static void repanics(void *arg, go_recovery *r)
{
    go_any v;
    (void)arg;
    if (go_recover(r, &v)) {
        go_panic(v);
    }
}

int main(void)
{
    GO_FRAME(f);
    go_defer_recover(f, repanics, NULL);
    go_panic(go_any_str("again and again"));
}
