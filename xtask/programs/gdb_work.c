/* What the debugger is pointed at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    int value;
    char name[16];
    struct node *next;
};

static int sum(const struct node *node)
{
    int total = 0;
    for (; node; node = node->next)
        total += node->value;
    return total;
}

int main(void)
{
    struct node *list = NULL;
    for (int i = 0; i < 5; i++) {
        struct node *node = malloc(sizeof *node);
        if (!node)
            return 1;
        node->value = i;
        snprintf(node->name, sizeof node->name, "node %d", i);
        node->next = list;
        list = node;
    }
    printf("%d\n", sum(list));
    while (list) {
        struct node *next = list->next;
        free(list);
        list = next;
    }
    return 0;
}
