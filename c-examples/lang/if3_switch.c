/* IF-3: the comma-ok form never panics; a type switch takes the first case that matches. */
#include <gort.h>
#include <stdio.h>

struct dog {
    int32_t age;
};

static const char *dog_speak(const struct dog *d)
{
    return d->age < 2 ? "yip" : "woof";
}

GO_METHODS(dog_methods, GO_METHOD("Speak", dog_speak));
GO_TYPE_STRUCT_WITH(main_Dog, "main.Dog", struct dog, dog_methods, GO_FIELD(struct dog, age, &go_type_int32));
GO_TYPE_INTERFACE(main_Speaker, "main.Speaker", "Speak");
GO_TYPE_NAMED(main_Celsius, "main.Celsius", &go_type_float64);

static const char *classify(go_any v)
{
    static const char *const names[] = { "nil", "int64", "speaker", "dog (never)", "string", "slice", "celsius" };
    const go_type *cases[7];
    int i;
    cases[0] = NULL;
    cases[1] = &go_type_int64;
    cases[2] = &main_Speaker;
    cases[3] = &main_Dog;
    cases[4] = &go_type_string;
    cases[5] = go_type_slice_of(&go_type_int64);
    cases[6] = &main_Celsius;
    i = go_type_switch(v, cases, 7);
    return i < 0 ? "something else" : names[i];
}

int main(void)
{
    struct dog puppy = { 1 }, old = { 9 };
    go_slice none = { NULL, 0, 0 };
    go_any v, warm = { &main_Celsius, { NULL } }, plain = { &go_type_float64, { NULL } };
    go_iface speaker;

    printf("%s\n", classify(go_any_nil()));
    printf("%s\n", classify(go_any_int(7)));
    printf("%s\n", classify(go_any_ptr(&main_Dog, &puppy)));
    printf("%s\n", classify(go_any_ptr(go_type_pointer_to(&main_Dog), &puppy)));
    printf("%s\n", classify(go_any_str("x")));
    printf("%s\n", classify(go_any_ptr(go_type_slice_of(&go_type_int64), &none)));
    printf("%s\n", classify(warm));
    printf("%s\n", classify(plain));

    v = go_any_int(1);
    printf("string? %d", go_assert_ok(go_any_int(7), &go_type_string, &v));
    printf(", zero %d\n", v.type == NULL && v.v.p == NULL);
    printf("int64? %d", go_assert_ok(go_any_int(7), &go_type_int64, &v));
    printf(", value %d\n", (int)v.v.i);
    printf("speaker of nil? %d\n", go_assert_ok(go_any_nil(), &main_Speaker, NULL));
    printf("speaker? %d\n", go_iface_ok(&main_Speaker, go_any_int(7), &speaker));
    printf("dog speaks? %d", go_iface_ok(&main_Speaker, go_any_ptr(&main_Dog, &old), &speaker));
    printf(": %s\n", GO_METHOD_OF(speaker, 0, const char *(*)(void *))(speaker.data));
    return 0;
}
