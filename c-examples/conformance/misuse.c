/* MA-14: one misuse of the malloc family, by name.
 *
 *   misuse CASE     does it. A detected misuse dies by SIGABRT with one line on standard error,
 *                   "gort: CALL(0xADDR): FAULT"; otherwise it prints "survived" and exits with 0
 *   misuse --list   prints a row for each case: its name, the level at which it must stop, and how it dies
 *
 * Levels: `default` at the call in default mode; `late` by default at the latest when the block goes back to its span,
 * and at the call with GORT_CHECK=2; `check2` and `check3` only with GORT_CHECK of at least that.
 */
#define ITEM "MA-14"
#include "misuse_cases.h"

int main(int argc, char **argv)
{
    watchdog(30);
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < COUNT(misuses); i++)
            check_say(1, "%s %s %s\n", misuses[i].name, level_name[misuses[i].level],
                      misuses[i].by_store ? "segv" : "abort");
        return 0;
    }
    const struct misuse *m = argc == 2 ? misuse_find(argv[1]) : NULL;
    if (!m) {
        check_say(2, "usage: misuse CASE | --list\n");
        return 64;
    }
    return misuse_run(m);
}
