/* PA-9: a value whose own method panics while it is printed. */
#include <gort.h>

struct failure {
    int32_t code;
};

static const char *failure_error(struct failure *f)
{
    (void)f;
    go_panic(go_any_str("no text"));
}

GO_METHODS(failure_methods, GO_METHOD("Error", failure_error));
GO_TYPE_STRUCT_WITH(failure, "main.Failure", struct failure, failure_methods,
                    GO_FIELD(struct failure, code, &go_type_int32));

int main(void)
{
    static struct failure f = {17};
    go_panic(go_any_ptr(&failure, &f));
}
