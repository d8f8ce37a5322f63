/* PA-5: panic(nil), uncaught. */
#include <gort.h>

int main(void)
{
    go_panic(go_any_nil());
}
