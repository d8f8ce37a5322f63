/* The example of docs/C-API.md: a closure with an environment, also as a plain function pointer. */
#include <gort.h>
#include <stdio.h>
#include <stdlib.h>

struct order {
    int sign;
};

/* A comparison for qsort, with an environment that qsort knows nothing of. */
static void compare(void *env, void *arg)
{
    const struct order *order = (const struct order *)env;
    go_args *args = (go_args *)arg;
    int a = *(const int *)args->a[0], b = *(const int *)args->a[1];
    args->result = (uintptr_t)(intptr_t)(order->sign * ((a > b) - (a < b)));
}

static void sort(int *numbers, size_t n, int sign)
{
    struct order order = {sign};
    go_closure *c = go_closure_make(compare, &order, sizeof order); /* the environment is copied */
    void *thunk = go_closure_thunk(c);
    qsort(numbers, n, sizeof *numbers, (int (*)(const void *, const void *))(uintptr_t)thunk);
    go_closure_unref(c); /* the function pointer ends with the closure */
}

int main(void)
{
    int numbers[] = {3, 1, 2};
    sort(numbers, 3, 1);
    printf("%d %d %d\n", numbers[0], numbers[1], numbers[2]);
    sort(numbers, 3, -1);
    printf("%d %d %d\n", numbers[0], numbers[1], numbers[2]);
    return 0;
}
