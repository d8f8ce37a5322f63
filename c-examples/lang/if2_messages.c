/* IF-2: what a failed assertion says. */
#include <gort.h>
#include <stdio.h>

struct t {
    int32_t x;
};

static const char *t_name(const struct t *t)
{
    (void)t;
    return "t";
}

GO_METHODS(t_methods, GO_METHOD("Name", t_name), GO_METHOD_PTR("Rename", t_name));
GO_TYPE_STRUCT_WITH(main_T, "main.T", struct t, t_methods, GO_FIELD(struct t, x, &go_type_int32));
GO_TYPE_STRUCT(local_T, "main.T", struct t, GO_FIELD(struct t, x, &go_type_int32));
GO_TYPE_STRUCT(text_Template, "text/template.Template", struct t, GO_FIELD(struct t, x, &go_type_int32));
GO_TYPE_STRUCT(html_Template, "html/template.Template", struct t, GO_FIELD(struct t, x, &go_type_int32));
GO_TYPE_INTERFACE(main_I, "main.I", "Zoom", "Missing", "Name");
GO_TYPE_INTERFACE(main_Namer, "main.Namer", "Name");
GO_TYPE_INTERFACE(main_Renamer, "main.Renamer", "Rename", "Name");
GO_TYPE_INTERFACE(main_Any, "main.Any");

struct attempt {
    go_any v;
    const go_type *t;
};

static void attempt_assert(void *arg)
{
    struct attempt *a = (struct attempt *)arg;
    go_assert(a->v, a->t);
    printf("holds\n");
}

static void attempt_make(void *arg)
{
    struct attempt *a = (struct attempt *)arg;
    go_iface_make(a->t, a->v);
    printf("holds\n");
}

static void attempt_iface(void *arg)
{
    struct attempt *a = (struct attempt *)arg;
    go_iface i = { NULL, NULL };
    if (a->v.type != NULL)
        i = go_iface_make(&main_Namer, a->v);
    go_iface_assert(i, a->t);
    printf("holds\n");
}

static void try_it(void (*fn)(void *), go_any v, const go_type *t)
{
    struct attempt a;
    go_any said;
    char text[200];
    a.v = v;
    a.t = t;
    if (go_pcall(fn, &a, &said) == 0)
        return;
    go_any_format(text, sizeof text, said);
    printf("%s\n", text);
}

int main(void)
{
    struct t t = { 1 };
    go_any value = go_any_ptr(&main_T, &t), pointer = go_any_ptr(go_type_pointer_to(&main_T), &t);

    try_it(attempt_assert, go_any_str("x"), &go_type_string);
    try_it(attempt_assert, go_any_str("x"), &go_type_int64);
    try_it(attempt_assert, go_any_nil(), &go_type_int64);
    try_it(attempt_assert, go_any_int(1), go_type_slice_of(go_type_pointer_to(&main_T)));
    try_it(attempt_assert, pointer, &main_T);
    try_it(attempt_assert, value, &main_I);
    try_it(attempt_assert, go_any_int(1), &main_I);
    try_it(attempt_assert, go_any_nil(), &main_I);
    try_it(attempt_assert, go_any_nil(), &main_Any);
    try_it(attempt_assert, value, &main_Any);
    try_it(attempt_assert, value, &main_Namer);
    try_it(attempt_assert, value, &main_Renamer);
    try_it(attempt_assert, pointer, &main_Renamer);
    try_it(attempt_assert, value, &local_T);
    try_it(attempt_assert, go_any_ptr(&text_Template, &t), &html_Template);
    try_it(attempt_make, value, &main_I);
    try_it(attempt_make, pointer, &main_Renamer);
    try_it(attempt_iface, value, &local_T);
    try_it(attempt_iface, value, &main_T);
    try_it(attempt_iface, value, &main_I);
    return 0;
}
