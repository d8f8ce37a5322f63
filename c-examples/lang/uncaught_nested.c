/* PA-6: panics that replace one another are printed all, oldest first. */
#include <gort.h>

static void panics(void *arg)
{
    go_panic(go_any_str((const char *)arg));
}

int main(void)
{
    GO_FRAME(f);
    go_defer(f, panics, (void *)"third");
    go_defer(f, panics, (void *)"second");
    go_panic(go_any_str("first"));
}
