#include "frragent/frr_agent.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/jsontext.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define VTYSH_TIME (60 * NSEC_PER_SEC)
#define CONFIRM_MAX 3600 /* seconds */
#define SHOW_MAX 400     /* characters of a command */

/* ---- vtysh ---- */

static int
poll_ms(nsec_t deadline)
{
    nsec_t left = deadline == NSEC_NEVER ? -1 : clock_left(deadline);
    return left < 0 ? -1 : (int)MIN(left / NSEC_PER_MSEC + 1, 1000000);
}

/* Until the other side closes. */
static enum err
read_all(int fd, struct buf *out, nsec_t deadline)
{
    char octets[4096];
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (clock_left(deadline) <= 0)
            return ERR_TIMEOUT;
        if (poll(&p, 1, poll_ms(deadline)) <= 0)
            continue;
        ssize_t n = read(fd, octets, sizeof octets);
        if (n == 0)
            return ERR_OK;
        if (n < 0 && errno != EINTR)
            return ERR_IO;
        if (n > 0 && out->size + (size_t)n > FRR_AGENT_LINE_MAX)
            return ERR_LIMIT;
        if (n > 0)
            buf_put(out, octets, (size_t)n);
    }
}

static bool
write_all(int fd, const char *text, size_t size)
{
    while (size) {
        ssize_t n = write(fd, text, size);
        if (n < 0 && errno != EINTR)
            return false;
        text += MAX(n, 0);
        size -= (size_t)MAX(n, 0);
    }
    return true;
}

static void
become_vtysh(const struct frr_agent_config *config, bool check_only, const char *command, int file,
             int out)
{
    const char *argv[11] = {config->vtysh};
    char path[32];
    size_t n = 1;
    if (config->vty_socket && *config->vty_socket) {
        argv[n++] = "--vty_socket";
        argv[n++] = config->vty_socket;
    }
    if (config->config_dir && *config->config_dir) {
        argv[n++] = "--config_dir";
        argv[n++] = config->config_dir;
    }
    if (check_only)
        argv[n++] = "-C";
    if (command) {
        argv[n++] = "-c";
        argv[n++] = command;
    } else {
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
        argv[n++] = "-f";
        argv[n++] = path;
    }
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
        dup2(out, STDERR_FILENO) < 0)
        _exit(126);
    execv(config->vtysh, (char *const *)argv);
    _exit(127);
}

#define VRF_IS_ACTIVE "% Only inactive VRFs can be deleted"

enum complaint { NO_COMPLAINT, KEEPS_VRF, COMPLAINT };

/* Of a line that vtysh prints. A VRF whose device is there stays when its lines are taken away:
 * zebra says that only inactive ones can be deleted, and vtysh that this line was not taken. */
static enum complaint
complaint_of(const char *line, size_t size)
{
    if (*line != '%' && strncmp(line, "line ", 5))
        return NO_COMPLAINT;
    if (!strncmp(line, VRF_IS_ACTIVE, sizeof VRF_IS_ACTIVE - 1) ||
        memmem(line, size, ", line: no vrf ", 15))
        return KEEPS_VRF;
    return COMPLAINT;
}

/* The worst that vtysh says of a file. */
static enum complaint
worst_complaint(const char *said)
{
    enum complaint worst = NO_COMPLAINT;
    for (const char *line = said; *line;) {
        size_t size = strcspn(line, "\n");
        worst = MAX(worst, complaint_of(line, size));
        line += size + (line[size] == '\n');
    }
    return worst;
}

static bool
has_failed(int status, bool of_file, const char *said)
{
    enum complaint worst = of_file ? worst_complaint(said) : NO_COMPLAINT;
    if (!WIFEXITED(status) || worst == COMPLAINT ||
        (worst == KEEPS_VRF && !strstr(said, VRF_IS_ACTIVE)))
        return true;
    return WEXITSTATUS(status) != 0 && worst == NO_COMPLAINT;
}

enum err
frr_agent_vtysh(const struct frr_agent_config *config, bool check_only, const char *command,
                const char *lines, struct buf *said)
{
    int file = lines ? memfd_create("lines", 0) : -1, ends[2], status = 0;
    if ((lines &&
         (file < 0 || !write_all(file, lines, strlen(lines)) || lseek(file, 0, SEEK_SET) < 0)) ||
        pipe2(ends, O_CLOEXEC)) {
        if (file >= 0)
            close(file);
        return ERR_IO;
    }
    pid_t child = fork();
    if (child == 0)
        become_vtysh(config, check_only, command, file, ends[1]);
    close(ends[1]);
    enum err err = child < 0 ? ERR_IO : read_all(ends[0], said, clock_monotonic() + VTYSH_TIME);
    if (err && child > 0)
        kill(child, SIGKILL);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    close(ends[0]);
    if (file >= 0)
        close(file);
    return err ? err : has_failed(status, !command, buf_cstr(said)) ? ERR_INVALID : ERR_OK;
}

/* ---- Requests ---- */

struct agent {
    const struct frr_agent_config *config;
    int out;
    char *undo;      /* of what is not confirmed; NULL: nothing */
    nsec_t deadline; /* monotonic; until it must be */
};

static enum err
apply(const struct agent *a, bool check_only, const char *lines, struct diag *why)
{
    struct buf said = BUF_INIT;
    enum err err = frr_agent_vtysh(a->config, check_only, NULL, lines, &said);
    if (err)
        diag_set(why, err, "vtysh: %s: %.400s", err_text(err), buf_cstr(&said));
    buf_fini(&said);
    return err;
}

static enum err
take_back(struct agent *a, struct diag *why)
{
    char *undo = a->undo;
    a->undo = NULL;
    a->deadline = NSEC_NEVER;
    enum err err = undo ? apply(a, false, undo, why) : ERR_OK;
    free(undo);
    return err;
}

/* What it prints becomes `member` of the result. */
static enum err
show(const struct agent *a, const char *command, const char *member, json_t *result,
     struct diag *why)
{
    struct buf said = BUF_INIT;
    enum err err = frr_agent_vtysh(a->config, false, command, NULL, &said);
    if (err)
        diag_set(why, err, "vtysh: %s: %.400s", err_text(err), buf_cstr(&said));
    else
        json_object_set_new(result, member, jsontext_string(buf_cstr(&said)));
    buf_fini(&said);
    return err;
}

static enum err
serve_read(struct agent *a, const json_t *params UNUSED, json_t *result, struct diag *why)
{
    return show(a, "show running-config", "lines", result, why);
}

/* vtysh takes each line of what follows -c as a command. */
static bool
is_question(const char *command)
{
    for (const char *c = command; *c; c++) {
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
            return false;
    }
    return !strncmp(command, "show ", 5) && strlen(command) <= SHOW_MAX;
}

static enum err
serve_show(struct agent *a, const json_t *params, json_t *result, struct diag *why)
{
    const char *command = json_string_value(json_object_get(params, "command"));
    if (!command || !is_question(command))
        return diag_set(why, ERR_INVALID,
                        "command: one that begins with \"show \" is expected, of at most %d "
                        "characters in one line",
                        SHOW_MAX);
    return show(a, command, "text", result, why);
}

static enum err
serve_check(struct agent *a, const json_t *params, json_t *result UNUSED, struct diag *why)
{
    const char *lines = json_string_value(json_object_get(params, "lines"));
    return lines ? apply(a, true, lines, why) : diag_set(why, ERR_INVALID, "lines: is missing");
}

static enum err
serve_apply(struct agent *a, const json_t *params, json_t *result UNUSED, struct diag *why)
{
    const char *lines = json_string_value(json_object_get(params, "lines")),
               *undo = json_string_value(json_object_get(params, "undo"));
    json_int_t timeout = json_integer_value(json_object_get(params, "timeout-s"));
    struct diag ignored;
    if (!lines || !undo || timeout < 1 || timeout > CONFIRM_MAX)
        return diag_set(why, ERR_INVALID, "lines, undo and timeout-s are expected");
    if (a->undo)
        return diag_set(why, ERR_BUSY, "what was applied before is not confirmed yet");
    enum err err = apply(a, true, lines, why);
    if (err)
        return err;
    a->undo = xstrdup(undo);
    a->deadline = clock_monotonic() + timeout * NSEC_PER_SEC;
    err = apply(a, false, lines, why);
    if (err) { /* some of it may be there: what is not, vtysh does not find */
        enum err gone = take_back(a, &ignored);
        (void)gone;
    }
    return err;
}

/* Else the next start of FRR forgets it. */
static void
save(const struct agent *a, json_t *result)
{
    struct buf said = BUF_INIT;
    if (!a->config->transient && frr_agent_vtysh(a->config, false, "write memory", NULL, &said))
        json_object_set_new(result, "warning",
                            json_sprintf("write memory: %.400s", buf_cstr(&said)));
    buf_fini(&said);
}

static enum err
serve_confirm(struct agent *a, const json_t *params UNUSED, json_t *result, struct diag *why)
{
    if (!a->undo)
        return diag_set(why, ERR_CONFLICT, "nothing is to be confirmed: it was taken back");
    free(a->undo);
    a->undo = NULL;
    a->deadline = NSEC_NEVER;
    save(a, result);
    return ERR_OK;
}

static enum err
serve_cancel(struct agent *a, const json_t *params UNUSED, json_t *result UNUSED, struct diag *why)
{
    return take_back(a, why);
}

static enum err
serve_hello(struct agent *a UNUSED, const json_t *params UNUSED, json_t *result,
            struct diag *why UNUSED)
{
    json_object_set_new(result, "agent", json_integer(1));
    return ERR_OK;
}

static const struct {
    const char *method;
    enum err (*serve)(struct agent *, const json_t *params, json_t *result, struct diag *);
} methods[] = {
    {"frr.hello", serve_hello},   {"frr.read", serve_read},   {"frr.show", serve_show},
    {"frr.check", serve_check},   {"frr.apply", serve_apply}, {"frr.confirm", serve_confirm},
    {"frr.cancel", serve_cancel},
};

static bool
answer(const struct agent *a, const json_t *request, enum err err, const char *why, json_t *result)
{
    struct buf text = BUF_INIT;
    json_t *message = json_pack("{ss sO?}", "jsonrpc", "2.0", "id", json_object_get(request, "id"));
    if (err)
        json_object_set_new(message, "error",
                            json_pack("{si so s{ss}}", "code", -32000, "message",
                                      jsontext_string(why), "data", "err", err_name(err)));
    else
        json_object_set(message, "result", result);
    bool sent = !jsontext_put(&text, message);
    buf_str(&text, "\n");
    sent = sent && write_all(a->out, buf_cstr(&text), text.size);
    json_decref(message);
    json_decref(result);
    buf_fini(&text);
    return sent;
}

static bool
serve(struct agent *a, const char *line, size_t size)
{
    struct diag why = {""};
    json_t *request = NULL, *result = json_object();
    enum err err = jsontext_parse(line, size, &request, &why);
    const char *method = json_string_value(json_object_get(request, "method"));
    size_t i = 0;
    while (!err && i < ARRAY_SIZE(methods) && (!method || strcmp(methods[i].method, method)))
        i++;
    if (!err && i == ARRAY_SIZE(methods))
        err = diag_set(&why, ERR_UNSUPPORTED, "no method %.60s", method ? method : "");
    else if (!err)
        err = methods[i].serve(a, json_object_get(request, "params"), result, &why);
    bool sent = answer(a, request, err, why.text, result);
    json_decref(request);
    return sent;
}

/* ---- The loop ---- */

/* Whole lines at the beginning; they are taken out. */
static bool
serve_lines(struct agent *a, struct buf *in)
{
    size_t done = 0;
    const uint8_t *end;
    bool ok = true;
    while (ok && done < in->size && (end = memchr(in->data + done, '\n', in->size - done))) {
        ok = serve(a, (const char *)in->data + done, (size_t)(end - in->data) - done);
        done = (size_t)(end - in->data) + 1;
    }
    memmove(in->data, in->data + done, in->size - done);
    in->size -= done;
    return ok;
}

static enum err
step(struct agent *a, int fd, struct buf *in, bool *ended)
{
    char octets[65536];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct diag ignored;
    int ready = poll(&p, 1, poll_ms(a->deadline));
    if (a->deadline != NSEC_NEVER && clock_left(a->deadline) <= 0) {
        enum err gone = take_back(a, &ignored);
        (void)gone;
    }
    if (ready <= 0)
        return ERR_OK;
    ssize_t n = read(fd, octets, sizeof octets);
    *ended = n == 0;
    if (n < 0)
        return errno == EINTR ? ERR_OK : ERR_IO;
    if (in->size + (size_t)n > FRR_AGENT_LINE_MAX)
        return ERR_LIMIT;
    buf_put(in, octets, (size_t)n);
    return serve_lines(a, in) ? ERR_OK : ERR_IO;
}

enum err
frr_agent_serve(const struct frr_agent_config *config, int in, int out, struct diag *diag)
{
    struct agent a = {.config = config, .out = out, .deadline = NSEC_NEVER};
    struct buf pending = BUF_INIT;
    bool ended = false;
    enum err err = ERR_OK;
    while (!err && !ended)
        err = step(&a, in, &pending, &ended);
    if (err)
        diag_set(diag, err, "%s", err_text(err));
    struct diag why = {""};
    enum err gone = take_back(&a, &why);
    buf_fini(&pending);
    return err ? err : gone ? diag_set(diag, gone, "%s", why.text) : ERR_OK;
}
