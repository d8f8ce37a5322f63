/* IF-5: a value method called through a nil pointer in an interface panics; one with a pointer receiver is called. */
#include <gort.h>
#include <stdio.h>

struct account {
    int64_t cents;
};

static int64_t account_balance(const struct account *a)
{
    return a->cents;
}

static int account_is_open(struct account *a)
{
    return a != NULL;
}

struct args {
    int64_t result;
};

static void call_balance(void *recv, void *args)
{
    ((struct args *)args)->result = account_balance((struct account *)recv);
}

GO_METHODS(account_methods, GO_METHOD_CALL("Balance", account_balance, call_balance),
           GO_METHOD_PTR("IsOpen", account_is_open));
GO_TYPE_STRUCT_WITH(main_Account, "main.Account", struct account, account_methods,
                    GO_FIELD(struct account, cents, &go_type_int64));
GO_TYPE_INTERFACE(main_Owned, "main.Owned", "IsOpen", "Balance");

static void balance(void *arg)
{
    go_iface i = *(go_iface *)arg;
    printf("balance %d\n", (int)GO_METHOD_OF(i, 0, int64_t(*)(void *))(i.data));
}

static void balance_by_name(void *arg)
{
    struct args args = { 0 };
    go_reflect_call(go_iface_any(*(go_iface *)arg), "Balance", &args);
    printf("balance %d\n", (int)args.result);
}

static void try_it(void (*fn)(void *), go_iface i)
{
    go_any said;
    char text[200];
    if (go_pcall(fn, &i, &said) == 0)
        return;
    go_any_format(text, sizeof text, said);
    printf("%s\n", text);
}

int main(void)
{
    const go_type *pointer = go_type_pointer_to(&main_Account);
    struct account a = { 250 };
    go_iface open = go_iface_make(&main_Owned, go_any_ptr(pointer, &a));
    go_iface closed = go_iface_make(&main_Owned, go_any_ptr(pointer, NULL));

    try_it(balance, open);
    try_it(balance, closed);
    try_it(balance, closed);
    printf("open %d %d\n", GO_METHOD_OF(open, 1, int (*)(void *))(open.data),
           GO_METHOD_OF(closed, 1, int (*)(void *))(closed.data));
    try_it(balance_by_name, open);
    try_it(balance_by_name, closed);
    return 0;
}
