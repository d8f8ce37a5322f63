/* A search tree (a treap) of 200,000 records of mixed size, with as many inserts as deletes. */
#include "bench.h"

enum { KEYS = 400 * 1000 };

typedef struct Node {
    struct Node *left, *right;
    uint32_t key, priority;
    char *payload;
} Node;

static Random r = {9};

static Node *rotate_right(Node *n)
{
    Node *up = n->left;
    n->left = up->right;
    up->right = n;
    return up;
}

static Node *rotate_left(Node *n)
{
    Node *up = n->right;
    n->right = up->left;
    up->left = n;
    return up;
}

static Node *leaf(uint32_t key)
{
    Node *n = take(sizeof *n);
    size_t size = random_size(&r, 8, 256);
    *n = (Node){NULL, NULL, key, (uint32_t)random_next(&r), take(size)};
    memset(n->payload, (int)key, size);
    return n;
}

static Node *join(Node *a, Node *b)
{
    if (a == NULL || b == NULL)
        return a ? a : b;
    if (a->priority < b->priority) {
        a->right = join(a->right, b);
        return a;
    }
    b->left = join(a, b->left);
    return b;
}

/* Deletes `key` where it is, inserts it where it is not. */
static Node *toggle(Node *n, uint32_t key, uint64_t *sum)
{
    if (n == NULL)
        return leaf(key);
    if (key == n->key) {
        Node *rest = join(n->left, n->right);
        *sum += (unsigned char)n->payload[0];
        give(n->payload);
        give(n);
        return rest;
    }
    if (key < n->key) {
        n->left = toggle(n->left, key, sum);
        return n->left && n->left->priority < n->priority ? rotate_right(n) : n;
    }
    n->right = toggle(n->right, key, sum);
    return n->right && n->right->priority < n->priority ? rotate_left(n) : n;
}

static void drop(Node *n)
{
    if (n == NULL)
        return;
    drop(n->left);
    drop(n->right);
    give(n->payload);
    give(n);
}

int main(int argc, char **argv)
{
    long steps = scaled(argc, argv, 1000 * 1000);
    Node *root = NULL;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < KEYS / 2; i++)
        root = toggle(root, (uint32_t)((uint64_t)i * 2654435761u % KEYS), &sum);
    for (long s = 0; s < steps; s++)
        root = toggle(root, random_below(&r, KEYS), &sum);
    drop(root);
    report(sum);
    return 0;
}
