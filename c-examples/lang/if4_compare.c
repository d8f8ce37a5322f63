/* IF-4, PA-16: comparing and hashing interface values. */
#include <gort.h>
#include <stdio.h>

struct pair {
    int32_t a;
    double b;
};
struct mixed {
    const char *name;
    go_any value;
};
struct holder {
    go_slice list;
};

GO_TYPE_STRUCT(main_Pair, "main.Pair", struct pair, GO_FIELD(struct pair, a, &go_type_int32),
               GO_FIELD(struct pair, b, &go_type_float64));
GO_TYPE_INTERFACE(main_Any, "main.Any");
GO_TYPE_STRUCT(main_Mixed, "main.Mixed", struct mixed, GO_FIELD(struct mixed, name, &go_type_string),
               GO_FIELD(struct mixed, value, &main_Any));
GO_TYPE_SLICE_OF(ints, &go_type_int64);
GO_TYPE_STRUCT(main_Holder, "main.Holder", struct holder, GO_FIELD(struct holder, list, &ints));
GO_TYPE_NAMED(main_Celsius, "main.Celsius", &go_type_float64);

static go_any of_float(const go_type *t, double f)
{
    go_any v;
    v.type = t;
    v.v.f = f;
    return v;
}

struct two {
    go_any a, b;
};

static void compare(void *arg)
{
    struct two *t = (struct two *)arg;
    printf("%s\n", go_any_equal(t->a, t->b) ? "true" : "false");
}

static void hash(void *arg)
{
    struct two *t = (struct two *)arg;
    printf("hash %s\n", go_any_hash(t->a) == go_any_hash(t->b) ? "agrees" : "differs");
}

static void check(void (*fn)(void *), go_any a, go_any b)
{
    struct two t;
    go_any said;
    char text[200];
    t.a = a;
    t.b = b;
    if (go_pcall(fn, &t, &said) == 0)
        return;
    go_any_format(text, sizeof text, said);
    printf("%s\n", text);
}

int main(void)
{
    char hello1[] = "hello", hello2[] = "hello";
    double nan = 0.0;
    struct pair p = { 1, 2.5 }, q = { 1, 2.5 }, r = { 1, 3.5 };
    struct mixed m = { "n", { NULL, { NULL } } }, n = { "n", { NULL, { NULL } } };
    go_slice none = { NULL, 0, 0 };
    struct holder h = { { NULL, 0, 0 } };
    go_any list = go_any_ptr(go_type_slice_of(&go_type_int64), &none);

    nan = nan / nan;
    check(compare, go_any_nil(), go_any_nil());
    check(compare, go_any_int(3), go_any_int(3));
    check(compare, go_any_int(3), go_any_int(4));
    check(compare, go_any_str(hello1), go_any_str(hello2));
    check(compare, go_any_str(hello1), go_any_str("hell"));
    check(compare, of_float(&go_type_float64, 0.0), of_float(&go_type_float64, -0.0));
    check(compare, of_float(&go_type_float64, nan), of_float(&go_type_float64, nan));
    check(compare, of_float(&go_type_float64, 1), of_float(&main_Celsius, 1));
    check(compare, go_any_ptr(&main_Pair, &p), go_any_ptr(&main_Pair, &q));
    check(compare, go_any_ptr(&main_Pair, &p), go_any_ptr(&main_Pair, &r));
    check(compare, go_any_ptr(go_type_pointer_to(&main_Pair), &p), go_any_ptr(go_type_pointer_to(&main_Pair), &q));
    check(compare, list, list);
    check(compare, list, go_any_int(1));
    check(compare, list, go_any_nil());
    check(compare, go_any_ptr(&main_Holder, &h), go_any_ptr(&main_Holder, &h));
    m.value = n.value = go_any_int(9);
    check(compare, go_any_ptr(&main_Mixed, &m), go_any_ptr(&main_Mixed, &n));
    n.value = go_any_str("x");
    check(compare, go_any_ptr(&main_Mixed, &m), go_any_ptr(&main_Mixed, &n));
    m.value = n.value = list;
    check(compare, go_any_ptr(&main_Mixed, &m), go_any_ptr(&main_Mixed, &n));
    n.name = "other";
    check(compare, go_any_ptr(&main_Mixed, &m), go_any_ptr(&main_Mixed, &n));

    check(hash, go_any_str(hello1), go_any_str(hello2));
    check(hash, of_float(&go_type_float64, 0.0), of_float(&go_type_float64, -0.0));
    check(hash, go_any_ptr(&main_Pair, &p), go_any_ptr(&main_Pair, &q));
    check(hash, list, list);
    check(hash, go_any_ptr(&main_Mixed, &m), go_any_ptr(&main_Mixed, &m));
    return 0;
}
