/* Reflection: fields and methods by name. */
#include <errno.h>
#include <gort.h>
#include <stdio.h>

struct vec {
    float X, Y;
};
struct sprite {
    const char *Name;
    int16_t Layer;
    bool Visible;
    struct vec At;
    int32_t Frames[3];
    go_any Tag;
    go_iface Owner;
};

static int64_t sprite_move(struct sprite *s, double dx, double dy)
{
    s->At.X += (float)dx;
    s->At.Y += (float)dy;
    return s->Layer;
}

struct move_args {
    double dx, dy;
    int64_t layer;
};

static void call_move(void *recv, void *args)
{
    struct move_args *a = (struct move_args *)args;
    a->layer = sprite_move((struct sprite *)recv, a->dx, a->dy);
}

static const char *celsius_string(const double *c)
{
    return *c > 30 ? "hot" : "cool";
}

static void call_celsius(void *recv, void *args)
{
    *(const char **)args = celsius_string((const double *)recv);
}

static const char *sprite_hidden(const struct sprite *s)
{
    return s->Visible ? "seen" : "hidden";
}

GO_METHODS(celsius_methods, GO_METHOD_CALL("String", celsius_string, call_celsius));
GO_TYPE_NAMED_WITH(main_Celsius, "main.Celsius", &go_type_float64, celsius_methods);
GO_TYPE_STRUCT(main_Vec, "main.Vec", struct vec, GO_FIELD(struct vec, X, &go_type_float32),
               GO_FIELD(struct vec, Y, &go_type_float32));
GO_TYPE_ARRAY_OF(frames, &go_type_int32, 3);
GO_TYPE_INTERFACE(main_Any, "main.Any");
GO_TYPE_INTERFACE(main_Stringer, "main.Stringer", "String");
GO_METHODS(sprite_methods, GO_METHOD("Hidden", sprite_hidden), GO_METHOD_PTR_CALL("Move", sprite_move, call_move));
GO_TYPE_STRUCT_WITH(main_Sprite, "main.Sprite", struct sprite, sprite_methods,
                    GO_FIELD(struct sprite, Name, &go_type_string), GO_FIELD(struct sprite, Layer, &go_type_int16),
                    GO_FIELD(struct sprite, Visible, &go_type_bool), GO_FIELD(struct sprite, At, &main_Vec),
                    GO_FIELD(struct sprite, Frames, &frames), GO_FIELD(struct sprite, Tag, &main_Any),
                    GO_FIELD(struct sprite, Owner, &main_Stringer));

static void show(const char *what, go_any v)
{
    char text[200];
    go_any_format(text, sizeof text, v);
    printf("%s %s = %s\n", what, v.type ? go_type_name(v.type) : "nil", text);
}

static void fields(struct sprite *s)
{
    size_t i;
    for (i = 0; i < go_type_num_field(&main_Sprite); i++) {
        const go_field *f = go_type_field(&main_Sprite, i);
        printf("%s %s: ", f->name, go_type_name(f->type));
        show("value", go_reflect_get(&main_Sprite, s, f->name));
    }
    show("no such field", go_reflect_get(&main_Sprite, s, "Nothing"));
    printf("by name: %d, beyond: %d\n", go_type_field_by_name(&main_Sprite, "At") == go_type_field(&main_Sprite, 3),
           go_type_field(&main_Sprite, 7) == NULL);
}

static void set(struct sprite *s, const char *field, go_any v)
{
    int e = go_reflect_set(&main_Sprite, s, field, v);
    printf("set %s: %s\n", field, e == 0 ? "done" : e == -ENOENT ? "no such field" : e == -EINVAL ? "wrong type" : "?");
}

static void methods(struct sprite *s)
{
    const go_type *pointer = go_type_pointer_to(&main_Sprite);
    struct move_args args = { 1.5, -2, 0 };
    const char *said = "";
    go_any warm = { &main_Celsius, { NULL } };
    size_t i;
    int e;

    warm.v.f = 31;
    for (i = 0; i < go_type_num_method(pointer); i++)
        printf("method %s\n", go_type_method_name(pointer, i));
    printf("values have %d\n", (int)go_type_num_method(&main_Sprite));
    e = go_reflect_call(go_any_ptr(pointer, s), "Move", &args);
    printf("call: %d, layer %d, at %g %g\n", e, (int)args.layer, s->At.X, s->At.Y);
    printf("of a value: %d\n", go_reflect_call(go_any_ptr(&main_Sprite, s), "Move", &args) == -ENOENT);
    printf("no adapter: %d\n", go_reflect_call(go_any_ptr(pointer, s), "Hidden", &args) == -ENOTSUP);
    printf("no method: %d\n", go_reflect_call(go_any_ptr(pointer, s), "Fly", &args) == -ENOENT);
    go_reflect_call(warm, "String", &said);
    printf("of a scalar: %s\n", said);
}

int main(void)
{
    struct sprite s = { "hero", -3, true, { 1, 2 }, { 7, 8, 9 }, { NULL, { NULL } }, { NULL, NULL } };
    struct vec far_away = { 100, 200 };
    int32_t frames_now[3] = { 1, 2, 3 };
    go_any narrow = { &go_type_int16, { NULL } }, warm = { &main_Celsius, { NULL } };

    fields(&s);
    narrow.v.i = 12;
    warm.v.f = 12;
    set(&s, "Name", go_any_str("villain"));
    set(&s, "Layer", narrow);
    set(&s, "Layer", go_any_int(12));
    set(&s, "At", go_any_ptr(&main_Vec, &far_away));
    set(&s, "Frames", go_any_ptr(go_type_array_of(&go_type_int32, 3), frames_now));
    set(&s, "Frames", go_any_ptr(go_type_array_of(&go_type_int32, 2), frames_now));
    set(&s, "Tag", go_any_int(5));
    set(&s, "Owner", warm);
    set(&s, "Owner", go_any_int(5));
    set(&s, "Nothing", go_any_int(5));
    set(&s, "Name", go_any_nil());
    fields(&s);
    set(&s, "Tag", go_any_nil());
    go_iface_free(s.Owner);
    set(&s, "Owner", go_any_nil());
    printf("nil again: %d %d\n", s.Tag.type == NULL, s.Owner.tab == NULL);
    methods(&s);
    return 0;
}
