/* IF-1: an interface is nil only if it has no type; a nil pointer in it has one. */
#include <gort.h>
#include <stdio.h>

struct fault {
    int32_t code;
};

static const char *fault_error(struct fault *f)
{
    return f ? "fault" : "no fault at all";
}

GO_METHODS(fault_methods, GO_METHOD_PTR("Error", fault_error));
GO_TYPE_STRUCT_WITH(main_Fault, "main.Fault", struct fault, fault_methods, GO_FIELD(struct fault, code, &go_type_int32));
GO_TYPE_INTERFACE(main_Failure, "main.Failure", "Error");

static void tell(const char *what, int is_nil)
{
    printf("%s: %s\n", what, is_nil ? "nil" : "not nil");
}

int main(void)
{
    const go_type *pointer = go_type_pointer_to(&main_Fault);
    go_any nothing = go_any_nil(), nil_pointer = go_any_ptr(pointer, NULL);
    go_iface failure, none = { NULL, NULL };

    tell("no value", nothing.type == NULL);
    tell("nil pointer", nil_pointer.type == NULL);
    printf("equal: %d\n", go_any_equal(nothing, nil_pointer));

    failure = go_iface_make(&main_Failure, nil_pointer);
    tell("no interface", none.tab == NULL);
    tell("interface of a nil pointer", failure.tab == NULL);
    printf("its method says: %s\n", GO_METHOD_OF(failure, 0, const char *(*)(void *))(failure.data));
    tell("what it holds", go_iface_any(failure).v.p == NULL);
    tell("what nothing holds", go_iface_any(none).type == NULL);
    return 0;
}
