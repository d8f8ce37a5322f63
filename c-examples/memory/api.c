/* Section 1 of docs/C-API.md: every function of the memory interface, once, with what it promises. (C only) */
#include <errno.h>
#include <gort.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int failures;

#define CHECK(condition) \
    ((condition) ? (void)0 : (void)(printf("line %d: not so: %s\n", __LINE__, #condition), failures++))

static void blocks(void)
{
    char *name = go_malloc(6);
    CHECK(name && (uintptr_t)name % 16 == 0 && go_usable_size(name) >= 6);
    strcpy(name, "gort!");
    name = go_realloc(name, 100000);
    CHECK(name && strcmp(name, "gort!") == 0);
    CHECK(go_realloc(name, 0) == NULL);

    int *numbers = go_calloc(1000, sizeof *numbers);
    for (int i = 0; i < 1000; i++)
        CHECK(numbers[i] == 0);
    go_free(numbers);
    go_free(NULL);
    CHECK(go_usable_size(NULL) == 0);

    void *page = go_aligned_alloc(4096, 100);
    CHECK(page && (uintptr_t)page % 4096 == 0);
    go_free(page);
    puts("blocks: allocated, resized, aligned, freed");
}

static void errors(void)
{
    errno = 0;
    CHECK(go_malloc(SIZE_MAX / 2 + 1) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(go_calloc(SIZE_MAX / 2, 3) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(go_aligned_alloc(48, 1) == NULL && errno == EINVAL);
    puts("errors: ENOMEM and EINVAL");
}

static void figures(void)
{
    go_malloc_stats_t before = {.size = sizeof before}, after = {.size = sizeof after};
    go_malloc_stats(&before);
    enum { BYTES = 8 << 20 };
    void *block = go_malloc(BYTES);
    memset(block, 1, BYTES);
    go_malloc_stats(&after);
    CHECK(after.live_bytes - before.live_bytes >= BYTES);
    CHECK(after.live_blocks - before.live_blocks == 1);
    CHECK(after.peak_bytes >= after.live_bytes && after.held_bytes >= BYTES);
    go_free(block);
    go_malloc_trim();
    go_malloc_stats(&after);
    CHECK(after.live_bytes == before.live_bytes && after.released_bytes >= BYTES);

    /* A caller that was built with a shorter struct gets that much and no more. */
    go_malloc_stats_t part;
    memset(&part, 0xff, sizeof part);
    part.size = 2 * sizeof(size_t);
    go_malloc_stats(&part);
    CHECK(part.live_bytes == before.live_bytes && part.live_blocks == SIZE_MAX);
    puts("figures: they follow a block of 8 MiB");
}

static void reports(void)
{
    char text[4096] = {0};
    unsigned char profile[2] = {0};
    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK(go_malloc_stats_print(ends[1]) == 0);
    CHECK(read(ends[0], text, sizeof text - 1) > 0 && strncmp(text, "gort heap report:", 17) == 0);
    CHECK(go_heap_profile(ends[1]) == 0);
    CHECK(read(ends[0], profile, 2) == 2 && profile[0] == 0x1f && profile[1] == 0x8b);
    close(ends[0]);
    close(ends[1]);
    CHECK(go_malloc_stats_print(-1) == -EBADF && go_heap_profile(-1) == -EBADF);
    puts("reports: text, and pprof compressed by gzip");
}

int main(void)
{
    blocks();
    errors();
    figures();
    reports();
    puts(failures ? "FAILED" : "ok");
    return failures != 0;
}
