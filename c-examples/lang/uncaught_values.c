/* PA-9: values with methods of their own: Error and String are called before anything is printed. */
#include <gort.h>
#include <stdio.h>

struct failure {
    int32_t code;
};

static const char *failure_error(struct failure *f)
{
    static char text[32];
    printf("Error is called\n");
    snprintf(text, sizeof text, "failure %d", (int)f->code);
    return text;
}

GO_METHODS(failure_methods, GO_METHOD("Error", failure_error));
GO_TYPE_STRUCT_WITH(failure, "main.Failure", struct failure, failure_methods,
                    GO_FIELD(struct failure, code, &go_type_int32));

int main(void)
{
    static struct failure f = {17};
    go_panic(go_any_ptr(&failure, &f));
}
