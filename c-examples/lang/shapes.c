/* Interfaces: values of several types behind one, called through the itab: a load and an indirect call. */
#include <gort.h>
#include <stdio.h>

struct square {
    double side;
};
struct circle {
    double r;
};

static double square_area(const struct square *s)
{
    return s->side * s->side;
}
static double square_perimeter(const struct square *s)
{
    return 4 * s->side;
}
static double circle_area(const struct circle *c)
{
    return 3 * c->r * c->r;
}
static double circle_perimeter(const struct circle *c)
{
    return 6 * c->r;
}
static void circle_scale(struct circle *c, double by)
{
    c->r *= by;
}
static double metres_area(const double *m)
{
    (void)m;
    return 0;
}
static double metres_perimeter(const double *m)
{
    return *m * 2;
}

GO_METHODS(square_methods, GO_METHOD("Area", square_area), GO_METHOD("Perimeter", square_perimeter));
GO_METHODS(circle_methods, GO_METHOD("Area", circle_area), GO_METHOD("Perimeter", circle_perimeter),
           GO_METHOD_PTR("Scale", circle_scale));
GO_METHODS(metres_methods, GO_METHOD("Area", metres_area), GO_METHOD("Perimeter", metres_perimeter));
GO_TYPE_STRUCT_WITH(main_Square, "main.Square", struct square, square_methods,
                    GO_FIELD(struct square, side, &go_type_float64));
GO_TYPE_STRUCT_WITH(main_Circle, "main.Circle", struct circle, circle_methods,
                    GO_FIELD(struct circle, r, &go_type_float64));
GO_TYPE_NAMED_WITH(main_Metres, "main.Metres", &go_type_float64, metres_methods);
GO_TYPE_INTERFACE(main_Shape, "main.Shape", "Perimeter", "Area");
GO_TYPE_INTERFACE(main_Scaler, "main.Scaler", "Scale");

/* What a caller writes once for an interface. */
static double shape_area(go_iface s)
{
    return GO_METHOD_OF(s, 0, double (*)(void *))(s.data);
}
static double shape_perimeter(go_iface s)
{
    return GO_METHOD_OF(s, 1, double (*)(void *))(s.data);
}

int main(void)
{
    struct square q = { 2 };
    struct circle c = { 1 };
    go_any length = { &main_Metres, { NULL } };
    go_iface shapes[4], scaler;
    const go_type *pointer = go_type_pointer_to(&main_Circle);
    int i;

    length.v.f = 2.5;
    shapes[0] = go_iface_make(&main_Shape, go_any_ptr(&main_Square, &q));
    shapes[1] = go_iface_make(&main_Shape, go_any_ptr(&main_Circle, &c));
    shapes[2] = go_iface_make(&main_Shape, go_any_ptr(pointer, &c));
    shapes[3] = go_iface_make(&main_Shape, length);
    for (i = 0; i < 4; i++)
        printf("%s: area %g, perimeter %g\n", go_type_name(go_iface_any(shapes[i]).type), shape_area(shapes[i]),
               shape_perimeter(shapes[i]));

    printf("a circle scales: %d\n", go_iface_ok(&main_Scaler, go_iface_any(shapes[1]), &scaler));
    printf("a pointer to one: %d\n", go_iface_ok(&main_Scaler, go_iface_any(shapes[2]), &scaler));
    GO_METHOD_OF(scaler, 0, void (*)(void *, double))(scaler.data, 10.0);
    printf("scaled: %g\n", shape_area(shapes[2]));

    printf("one itab for a pair: %d\n", shapes[1].tab == go_iface_make(&main_Shape, go_any_ptr(&main_Circle, &c)).tab);
    printf("implements: %d %d %d\n", go_type_implements(&main_Square, &main_Shape),
           go_type_implements(&main_Square, &main_Scaler), go_type_implements(pointer, &main_Scaler));
    printf("beyond the last method: %d\n", go_iface_method(shapes[0], 2) == NULL);
    for (i = 0; i < 4; i++)
        go_iface_free(shapes[i]);
    return 0;
}
