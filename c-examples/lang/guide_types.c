/* The example of docs/C-API.md: a struct that the runtime knows, printed, read and written by name. */
#include <gort.h>
#include <stdio.h>

struct point {
    int32_t X, Y;
};

static int64_t point_sum(const struct point *p)
{
    return (int64_t)p->X + p->Y;
}

GO_METHODS(point_methods, GO_METHOD("Sum", point_sum));
GO_TYPE_STRUCT_WITH(main_Point, "main.Point", struct point, point_methods,
                    GO_FIELD(struct point, X, &go_type_int32), GO_FIELD(struct point, Y, &go_type_int32));
GO_TYPE_INTERFACE(main_Summer, "main.Summer", "Sum");

static void show(go_any v)
{
    static const go_type *const cases[] = {&go_type_int64, &main_Summer, NULL};
    char text[100];
    go_any_format(text, sizeof text, v);
    switch (go_type_switch(v, cases, 3)) {
    case 0:
        printf("an integer: %s\n", text);
        break;
    case 1: {
        go_iface summer = go_iface_make(&main_Summer, v);
        int64_t (*sum)(void *) = GO_METHOD_OF(summer, 0, int64_t (*)(void *));
        printf("%s, whose sum is %d\n", text, (int)sum(summer.data));
        break;
    }
    default:
        printf("something else: %s\n", text);
    }
}

int main(void)
{
    struct point p = {3, 4};
    size_t i;
    show(go_any_int(42));
    show(go_any_ptr(&main_Point, &p));
    show(go_any_str("text"));

    for (i = 0; i < go_type_num_field(&main_Point); i++)
        printf("field %s of type %s\n", go_type_field(&main_Point, i)->name,
               go_type_name(go_type_field(&main_Point, i)->type));
    printf("X was %d\n", (int)go_reflect_get(&main_Point, &p, "X").v.i);
    go_reflect_set(&main_Point, &p, "X", go_reflect_get(&main_Point, &p, "Y"));
    show(go_any_ptr(&main_Point, &p));
    return 0;
}
