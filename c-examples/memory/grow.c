/* A buffer of numbers that grows. (C only) */
#include <gort.h>
#include <stdint.h>
#include <stdio.h>

struct numbers {
    int64_t *at;
    size_t len, room;
};

/* 0, or -1 when there is no memory; then the numbers are as they were. */
static int push(struct numbers *all, int64_t number)
{
    if (all->len == all->room) {
        size_t room = all->room ? all->room * 2 : 4;
        int64_t *at = go_realloc(all->at, room * sizeof *at);
        if (at == NULL)
            return -1;
        all->at = at;
        /* The block may be larger than asked for; all of it may be used. */
        all->room = go_usable_size(at) / sizeof *at;
    }
    all->at[all->len++] = number;
    return 0;
}

int main(void)
{
    struct numbers all = {NULL, 0, 0};
    int64_t sum = 0;
    for (int64_t i = 1; i <= 100000; i++)
        if (push(&all, i * i) != 0)
            return 1;
    for (size_t i = 0; i < all.len; i++)
        sum += all.at[i];
    printf("%zu squares, sum %lld\n", all.len, (long long)sum);
    go_free(all.at);
    return 0;
}
