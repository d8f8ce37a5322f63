/* Says which library each name of the allocator's interface is bound to: NAME PATH, one a line. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

static const char *const names[] = {"malloc", "free", "calloc", "realloc", "aligned_alloc", "posix_memalign", "memalign",
                                    "malloc_usable_size", "_Znwm", "_Znam", "_ZdlPv", "_ZdaPv", "_ZdlPvm", "_ZdaPvm",
                                    "_ZnwmSt11align_val_t", "_ZdlPvSt11align_val_t"};

int main(void)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        Dl_info info;
        void *address = dlsym(RTLD_DEFAULT, names[i]);
        int known = address != NULL && dladdr(address, &info) != 0;
        printf("%s %s\n", names[i], known ? info.dli_fname : "-");
    }
    return 0;
}
