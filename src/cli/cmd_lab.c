/* tieline lab: the lab's own program, found and called, so that a newcomer needs one command. */
#include "cli/cmd.h"

#include "base/alloc.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "two-substations"

static char *
in_directory(const char *dir)
{
    char *path = xasprintf("%s/" PROGRAM, dir);
    if (!access(path, X_OK))
        return path;
    free(path);
    return NULL;
}

static char *
in_path(void)
{
    const char *text = getenv("PATH");
    char *copy = xstrdup(text ? text : ""), *save, *found = NULL;
    for (char *dir = strtok_r(copy, ":", &save); dir && !found; dir = strtok_r(NULL, ":", &save))
        found = *dir == '/' ? in_directory(dir) : NULL;
    free(copy);
    return found;
}

/* Beside the source tree that this program was built in, or where it is installed. */
static char *
beside_program(void)
{
    static const char *const places[] = {"../../../lab", "../share/tieline/lab"};
    char self[PATH_MAX], *found = NULL;
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return NULL;
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(places) && !found; i++) {
        char *dir = xasprintf("%s/%s", self, places[i]);
        found = in_directory(dir);
        free(dir);
    }
    return found;
}

static char *
find_program(void)
{
    const char *dir = getenv("TIELINE_LAB_DIR");
    if (dir && *dir)
        return in_directory(dir);
    char *found = in_path();
    return found ? found : beside_program();
}

int
cmd_lab(struct cli *cli)
{
    const char *name = cli_option(cli, "name");
    if (!name)
        name = getenv("TIELINE_LAB");
    char *program = find_program();
    if (!program)
        return cli_fail(cli, CLI_FAILED,
                        PROGRAM " is not found: not in $TIELINE_LAB_DIR, not in $PATH, not beside "
                                "this program");
    const char **argv = xcalloc(cli->args.n_arguments + 5, sizeof *argv);
    size_t n = 0;
    argv[n++] = program;
    if (name && *name) {
        argv[n++] = "--name";
        argv[n++] = name;
    }
    argv[n++] = cli->args.verb->verb;
    for (size_t i = 0; i < cli->args.n_arguments; i++)
        argv[n++] = cli_argument(cli, i);
    execv(program, (char **)(uintptr_t)argv);
    int status = cli_fail(cli, CLI_FAILED, "%s: %m", program);
    free(argv);
    free(program);
    return status;
}
