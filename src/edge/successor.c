#include "edge/successor.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/signed_content.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct successor_gate {
    struct content_trust *trust;
    uint64_t release; /* ours; 0: not known */
};

/* The program of a process: it is open as *fd, and its manifest is verified. */
static enum err
check_program(const struct successor_gate *g, pid_t pid, struct content *c, struct diag *diag)
{
    char exe[64], path[PATH_MAX];
    const struct content_wanted wanted = {
        .name = SUCCESSOR_NAME, .release = g->release, .now = clock_wall()};
    snprintf(exe, sizeof exe, "/proc/%d/exe", (int)pid);
    int fd = open(exe, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : readlink(exe, path, sizeof path - 1);
    if (length <= 0) {
        enum err err = diag_set(diag, ERR_DENIED, "the program of process %d: %s", (int)pid,
                                strerror(errno));
        if (fd >= 0)
            close(fd);
        return err;
    }
    path[length] = 0;
    char *name = strrchr(path, '/'); /* it begins with one */
    *name++ = 0;
    /* Where the other process sees it, should it be in a container. */
    char *directory = xasprintf("/proc/%d/root%s", (int)pid, path);
    enum err err = content_read(directory, g->trust, &wanted, c, diag);
    if (!err && (err = content_check_file(c, name, fd, diag))) {
        diag_prefix(diag, "%s", path);
        content_fini(c);
    }
    free(directory);
    close(fd);
    return err;
}

enum err
successor_gate_new(const char *trust, struct successor_gate **result, struct diag *diag)
{
    struct content c;
    struct diag why;
    if (!trust)
        return ERR_OK;
    struct successor_gate *g = xcalloc(1, sizeof *g);
    enum err err = content_trust_read(trust, &g->trust, diag);
    if (err) {
        free(g);
        return err;
    }
    if (check_program(g, getpid(), &c, &why)) {
        log_error("this program is not signed as --trust wants it: %s", why.text);
    } else {
        g->release = c.release;
        log_info("this program is %s, release %" PRIu64 ", signed by %s", c.version, c.release,
                 c.signer);
        content_fini(&c);
    }
    *result = g;
    return ERR_OK;
}

void
successor_gate_free(struct successor_gate *g)
{
    if (g)
        content_trust_free(g->trust);
    free(g);
}

enum err
successor_check(const struct successor_gate *g, pid_t pid, struct diag *diag)
{
    struct content c;
    if (!g)
        return ERR_OK;
    enum err err = check_program(g, pid, &c, diag);
    if (err)
        return err;
    log_info("the successor is %s, release %" PRIu64 ", signed by %s", c.version, c.release,
             c.signer);
    content_fini(&c);
    return ERR_OK;
}
