/* The example of docs/C-API.md: a function that cleans up on every way out, and a panic that stops at a border. */
#include <gort.h>
#include <stdio.h>

static void give_back(void *buffer)
{
    go_free(buffer);
    puts("the buffer went back");
}

static int parse(const char *text)
{
    int value;
    char *buffer;
    GO_FRAME(f);
    buffer = (char *)go_malloc(100);
    go_defer(f, give_back, buffer);
    if (snprintf(buffer, 100, "%s", text) >= 100 || sscanf(buffer, "%d", &value) != 1)
        go_panicf("no number: %s", text);
    go_frame_end(f);
    return value;
}

static void to_status(void *status, go_recovery *r)
{
    go_any value;
    if (go_recover(r, &value)) {
        printf("recovered: %s\n", value.v.s);
        *(volatile int *)status = -1;
    }
}

/* 0 and the number, or -1: panics end here. */
static int try_parse(const char *text, int *out)
{
    volatile int status = 0;
    GO_FRAME(f);
    if (!GO_CATCH(f)) {
        go_defer_recover(f, to_status, (void *)&status);
        *out = parse(text);
    }
    go_frame_end(f);
    return status;
}

int main(void)
{
    int value = 0;
    printf("status %d\n", try_parse("42", &value));
    printf("value %d\n", value);
    printf("status %d\n", try_parse("forty-two", &value));
    return 0;
}
