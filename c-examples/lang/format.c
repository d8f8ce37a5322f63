/* go_any_format: a value as Go's %v and %+v print it. */
#include <gort.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct point {
    int32_t X, Y;
};
struct all {
    bool B;
    int8_t I8;
    uint8_t U8;
    int16_t I16;
    uint16_t U16;
    int64_t I64;
    uint64_t U64;
    float F32;
    double F64;
    const char *S;
};
struct line {
    struct point From, to;
    struct point *At;
    double Warm, cold;
    const char *Names[2];
    go_slice List;
    go_any Any, Other;
    go_iface Who;
};

static const char *celsius_string(const double *c)
{
    return *c > 30 ? "hot" : "cool";
}

static const char *fault_error(const int32_t *code)
{
    static char text[32];
    snprintf(text, sizeof text, "fault %d", (int)*code);
    return text;
}

static const char *fault_string(const int32_t *code)
{
    (void)code;
    return "never: Error comes first";
}

static const char *moody_string(const struct point *p)
{
    if (p->X < 0)
        go_panicf("negative %d", (int)p->X);
    return "moody";
}

static const char *shy_string(struct point *p)
{
    if (p == NULL)
        go_panicf("no receiver");
    return "shy";
}

GO_METHODS(celsius_methods, GO_METHOD("String", celsius_string));
GO_METHODS(fault_methods, GO_METHOD("Error", fault_error), GO_METHOD("String", fault_string));
GO_METHODS(moody_methods, GO_METHOD("String", moody_string));
GO_METHODS(shy_methods, GO_METHOD_PTR("String", shy_string));
GO_TYPE_STRUCT(main_Point, "main.Point", struct point, GO_FIELD(struct point, X, &go_type_int32),
               GO_FIELD(struct point, Y, &go_type_int32));
GO_TYPE_STRUCT_WITH(main_Moody, "main.Moody", struct point, moody_methods, GO_FIELD(struct point, X, &go_type_int32),
                    GO_FIELD(struct point, Y, &go_type_int32));
GO_TYPE_STRUCT_WITH(main_Shy, "main.Shy", struct point, shy_methods, GO_FIELD(struct point, X, &go_type_int32),
                    GO_FIELD(struct point, Y, &go_type_int32));
GO_TYPE_NAMED_WITH(main_Celsius, "main.Celsius", &go_type_float64, celsius_methods);
GO_TYPE_NAMED_WITH(main_Fault, "main.Fault", &go_type_int32, fault_methods);
GO_TYPE_NAMED(main_Plain, "main.Plain", &go_type_string);
GO_TYPE_STRUCT(main_All, "main.All", struct all, GO_FIELD(struct all, B, &go_type_bool),
               GO_FIELD(struct all, I8, &go_type_int8), GO_FIELD(struct all, U8, &go_type_uint8),
               GO_FIELD(struct all, I16, &go_type_int16), GO_FIELD(struct all, U16, &go_type_uint16),
               GO_FIELD(struct all, I64, &go_type_int64), GO_FIELD(struct all, U64, &go_type_uint64),
               GO_FIELD(struct all, F32, &go_type_float32), GO_FIELD(struct all, F64, &go_type_float64),
               GO_FIELD(struct all, S, &go_type_string));
GO_TYPE_POINTER_TO(point_ptr, &main_Point);
GO_TYPE_ARRAY_OF(two_strings, &go_type_string, 2);
GO_TYPE_SLICE_OF(points, &main_Point);
GO_TYPE_INTERFACE(main_Any, "main.Any");
GO_TYPE_INTERFACE(main_Stringer, "main.Stringer", "String");
GO_TYPE_STRUCT(main_Line, "main.Line", struct line, GO_FIELD(struct line, From, &main_Point),
               GO_FIELD(struct line, to, &main_Point), GO_FIELD(struct line, At, &point_ptr),
               GO_FIELD(struct line, Warm, &main_Celsius), GO_FIELD(struct line, cold, &main_Celsius),
               GO_FIELD(struct line, Names, &two_strings), GO_FIELD(struct line, List, &points),
               GO_FIELD(struct line, Any, &main_Any), GO_FIELD(struct line, Other, &main_Any),
               GO_FIELD(struct line, Who, &main_Stringer));

static void show(go_any v)
{
    char text[400], plus[400];
    int n = go_any_format(text, sizeof text, v);
    go_any_format_plus(plus, sizeof plus, v);
    if (n != (int)strlen(text))
        printf("wrong length %d\n", n);
    printf("%s\n", text);
    if (strcmp(text, plus) != 0)
        printf("%s\n", plus);
}

static void show_float(const go_type *t, double f)
{
    go_any v;
    v.type = t;
    v.v.f = f;
    show(v);
}

static void show_int(const go_type *t, int64_t i)
{
    go_any v;
    v.type = t;
    v.v.i = i;
    show(v);
}

static void scalars(void)
{
    static const double floats[] = { 0,    1,    -1.5, 0.1,     100000, 999999, 1e6,  123456789, 1e-4, 1e-5,
                                     1e20, 1e21, 5e-324, 2.5e-7, 1.7976931348623157e308, 3.0e10 };
    size_t i;
    for (i = 0; i < sizeof floats / sizeof floats[0]; i++)
        show_float(&go_type_float64, floats[i]);
    show_float(&go_type_float64, -0.0);
    show_float(&go_type_float64, (double)INFINITY);
    show_float(&go_type_float64, -(double)INFINITY);
    show_float(&go_type_float32, (double)0.1f);
    show_float(&go_type_float32, (double)16777216.0f);
    show_float(&main_Celsius, 31);
    show(go_any_nil());
    show(go_any_int(INT64_MIN));
    show_int(&go_type_uint64, -1);
    show_int(&go_type_int8, -128);
    show_int(&go_type_bool, 1);
    show_int(&main_Fault, 7);
    show(go_any_str("text, as it is\n\ttabs too"));
    show(go_any_ptr(&main_Plain, (void *)"named"));
    show(go_any_ptr(&go_type_pointer, NULL));
    show(go_any_ptr(&go_type_pointer, (void *)(uintptr_t)0xbeef));
    show(go_any_ptr(go_type_pointer_to(&go_type_int64), NULL));
}

static void composites(void)
{
    struct all all = { true, -8, 8, -16, 16, -64, 64, 0.5f, 2.25, "s" };
    struct point p[3] = { { 1, 2 }, { 3, 4 }, { -5, 6 } };
    struct line line = { { 1, 2 }, { 3, 4 }, NULL, 31, 31, { "a", "" }, { NULL, 2, 2 }, { NULL, { NULL } }, { NULL, { NULL } }, { NULL, NULL } };
    go_slice three = { NULL, 3, 3 }, empty = { NULL, 0, 0 }, bytes = { NULL, 3, 3 };
    uint8_t abc[3] = { 97, 98, 99 };
    const go_type *slice = go_type_slice_of(&main_Point);

    three.p = line.List.p = p;
    bytes.p = abc;
    show(go_any_ptr(&main_All, &all));
    show(go_any_ptr(&main_Point, p));
    show(go_any_ptr(go_type_pointer_to(&main_Point), p));
    show(go_any_ptr(slice, &three));
    show(go_any_ptr(slice, &empty));
    show(go_any_ptr(go_type_pointer_to(slice), &three));
    show(go_any_ptr(go_type_array_of(&main_Point, 2), p));
    show(go_any_ptr(go_type_array_of(go_type_array_of(&go_type_int32, 2), 3), p));
    show(go_any_ptr(go_type_slice_of(&go_type_uint8), &bytes));
    show(go_any_ptr(&main_Line, &line));
    line.Any = go_any_str("inside");
    line.Other = go_any_ptr(&main_Point, p);
    line.Who = go_iface_make(&main_Stringer, go_any_ptr(&main_Moody, p));
    show(go_any_ptr(&main_Line, &line));
    show(go_any_ptr(go_type_pointer_to(&main_Line), &line));
}

static void methods(void)
{
    struct point p = { 1, 2 }, negative = { -5, 6 };
    struct point both[2] = { { 1, 2 }, { -1, 2 } };

    show(go_any_ptr(&main_Moody, &p));
    show(go_any_ptr(go_type_pointer_to(&main_Moody), &p));
    show(go_any_ptr(go_type_pointer_to(&main_Moody), NULL));
    show(go_any_ptr(&main_Moody, &negative));
    show(go_any_ptr(go_type_array_of(&main_Moody, 2), both));
    show(go_any_ptr(&main_Shy, &p));
    show(go_any_ptr(go_type_pointer_to(&main_Shy), &p));
    show(go_any_ptr(go_type_pointer_to(&main_Shy), NULL));
}

static void lengths(void)
{
    char small[4];
    int n = go_any_format(small, sizeof small, go_any_str("longer than that"));
    printf("%d of %d: %s\n", (int)strlen(small), n, small);
    printf("%d\n", go_any_format(NULL, 0, go_any_int(12345)));
}

int main(void)
{
    scalars();
    composites();
    methods();
    lengths();
    return 0;
}
