/* go_exit on a plain thread is a panic. */
#include <gort.h>

int main(void)
{
    go_exit();
}
