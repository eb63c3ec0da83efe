/* Three pipes and a process: the end is when the process has gone and what it wrote has been read,
 * in whatever order they come. Closing its input lets ssh end in good order, as the server's side
 * does; one that does not end for it is terminated. The memory goes when libuv has let go of all
 * four handles and the owner has left. */
#include "wan/netconf_ssh.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "io/timer.h"
#include "io/uverr.h"

#include <ctype.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAST_WORDS 512
#define AFTER_EXIT NSEC_PER_SEC /* for what the child wrote to arrive */
#define N_PIPES 3

struct netconf_ssh {
    uv_process_t process;
    uv_pipe_t pipes[N_PIPES];                  /* its input, output and errors */
    const struct netconf_ssh_handler *handler; /* NULL: the owner has left, or has been told */
    void *arg;
    struct timer *timer;
    struct task *turn; /* tells a failed write */
    unsigned n_handles;
    bool owned, closing, exited, ended; /* `ended`: its output */
    int64_t status;
    int signal;
    struct buf queue, out; /* `out` is under way */
    bool writing;
    uv_write_t write;
    char words[LAST_WORDS]; /* what it said on standard error, the last of it */
    size_t n_words;
    uint8_t read[65536];
};

static void
release(struct netconf_ssh *s)
{
    if (s->owned || s->n_handles > 0)
        return;
    buf_fini(&s->queue);
    buf_fini(&s->out);
    free(s);
}

static void
on_handle_closed(uv_handle_t *handle)
{
    struct netconf_ssh *s = handle->data;
    s->n_handles--;
    release(s);
}

static void
close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_handle_closed);
}

static void
close_all(struct netconf_ssh *s)
{
    if (s->closing)
        return;
    s->closing = true;
    timer_free(s->timer);
    task_free(s->turn);
    for (int i = 0; i < N_PIPES; i++)
        close_handle((uv_handle_t *)&s->pipes[i]);
    if (s->exited)
        close_handle((uv_handle_t *)&s->process);
    else
        uv_process_kill(&s->process, SIGTERM); /* on_exit() lets go of it */
}

/* ---- the end */

static const struct {
    const char *part;
    enum err err;
} meanings[] = {
    {"Permission denied", ERR_DENIED},    {"Host key verification failed", ERR_DENIED},
    {"timed out", ERR_TIMEOUT},           {"not responding", ERR_TIMEOUT},
    {"Connection refused", ERR_CLOSED},   {"subsystem request failed", ERR_UNSUPPORTED},
    {"Could not resolve", ERR_NOT_FOUND}, {"No route to host", ERR_CLOSED},
    {"Identity file", ERR_NOT_FOUND},
};

static enum err
meaning(const char *words)
{
    for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
        if (strstr(words, meanings[i].part))
            return meanings[i].err;
    }
    return ERR_CLOSED;
}

static void
tell_end(struct netconf_ssh *s)
{
    const struct netconf_ssh_handler *handler = s->handler;
    char reason[LAST_WORDS + 64];
    size_t n = s->n_words;
    s->handler = NULL;
    while (n > 0 && isspace((unsigned char)s->words[n - 1]))
        n--;
    for (size_t i = 0; i < n; i++) {
        if (s->words[i] == '\n' || s->words[i] == '\r')
            s->words[i] = ' ';
    }
    if (n > 0)
        snprintf(reason, sizeof reason, "ssh: %.*s", (int)n, s->words);
    else if (s->signal)
        snprintf(reason, sizeof reason, "ssh was ended by signal %d", s->signal);
    else
        snprintf(reason, sizeof reason, "the server has closed the connection (ssh ended with %d)",
                 (int)s->status);
    close_all(s);
    if (handler)
        handler->closed(s->arg, meaning(reason), reason);
}

static void
check_end(struct netconf_ssh *s)
{
    if (s->closing)
        return;
    if (s->exited && s->ended)
        tell_end(s);
    else if (s->exited || s->ended) /* the other half is to follow */
        timer_start(s->timer, AFTER_EXIT);
}

static void
on_timer(void *arg)
{
    tell_end(arg);
}

static void
on_exit_child(uv_process_t *process, int64_t status, int signal)
{
    struct netconf_ssh *s = process->data;
    s->exited = true;
    s->status = status;
    s->signal = signal;
    if (s->closing)
        close_handle((uv_handle_t *)process);
    else
        check_end(s);
}

/* ---- reading and writing */

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct netconf_ssh *s = handle->data;
    (void)suggested;
    *buf = uv_buf_init((char *)s->read, sizeof s->read);
}

static void
on_read(uv_stream_t *pipe, ssize_t n, const uv_buf_t *buf)
{
    struct netconf_ssh *s = pipe->data;
    if (n < 0) {
        uv_read_stop(pipe);
        s->ended = true;
        check_end(s);
    } else if (n > 0 && s->handler) {
        s->handler->received(s->arg, (const uint8_t *)buf->base, (size_t)n);
    }
}

static void
on_read_words(uv_stream_t *pipe, ssize_t n, const uv_buf_t *buf)
{
    struct netconf_ssh *s = pipe->data;
    if (n < 0) {
        uv_read_stop(pipe);
        return;
    }
    size_t take = MIN((size_t)n, sizeof s->words);
    size_t keep = MIN(s->n_words, sizeof s->words - take);
    memmove(s->words, s->words + s->n_words - keep, keep);
    memcpy(s->words + keep, buf->base + (size_t)n - take, take);
    s->n_words = keep + take;
}

static void flush(struct netconf_ssh *);

/* After an error nothing more is sent; the end of the child, which is near, says why. */
static void
on_written(uv_write_t *write, int status)
{
    struct netconf_ssh *s = write->data;
    s->writing = false;
    buf_clear(&s->out);
    if (status < 0)
        buf_clear(&s->queue);
    else if (!s->closing)
        flush(s);
}

static void
flush(struct netconf_ssh *s)
{
    if (s->writing || s->queue.size == 0)
        return;
    struct buf swap = s->out;
    s->out = s->queue;
    s->queue = swap;
    uv_buf_t buf = uv_buf_init((char *)s->out.data, (unsigned)s->out.size);
    s->write.data = s;
    s->writing = !uv_write(&s->write, (uv_stream_t *)&s->pipes[0], &buf, 1, on_written);
    if (!s->writing)
        buf_clear(&s->out);
}

static void
on_turn(void *arg)
{
    flush(arg);
}

void
netconf_ssh_send(struct netconf_ssh *s, const void *data, size_t size)
{
    if (s->closing || s->exited)
        return;
    buf_put(&s->queue, data, size);
    task_schedule(s->turn);
}

/* ---- the beginning */

static bool
is_name(const char *text, const char *others)
{
    if (!text || !isalnum((unsigned char)*text))
        return false;
    for (; *text; text++) {
        if (!isalnum((unsigned char)*text) && !strchr(others, *text))
            return false;
    }
    return true;
}

/* ssh expands % and ~ in names of files, and takes white space for the end of one. */
static bool
is_path(const char *text)
{
    return text && *text == '/' && !strpbrk(text, "\"'% \t\r\n\\");
}

static enum err
check_config(const struct netconf_ssh_config *config, struct diag *diag)
{
    if (!is_name(config->host, ".-_") &&
        !(config->host && strchr(config->host, ':') &&
          strspn(config->host, "0123456789abcdefABCDEF:.") == strlen(config->host)))
        return diag_set(diag, ERR_INVALID, "host: not a name or an address");
    if (!is_name(config->user, ".-_"))
        return diag_set(diag, ERR_INVALID, "user: not a name");
    if (config->subsystem && !is_name(config->subsystem, ".-_@"))
        return diag_set(diag, ERR_INVALID, "subsystem: not a name");
    if (!is_path(config->key_file) || !is_path(config->known_hosts_file))
        return diag_set(diag, ERR_INVALID, "%s: not an absolute path without white space",
                        is_path(config->key_file) ? "known hosts" : "key file");
    return ERR_OK;
}

static enum err
spawn(struct netconf_ssh *s, uv_loop_t *loop, const struct netconf_ssh_config *config,
      struct diag *diag)
{
    char port[8], known[PATH_MAX + 32], connect[32], alive[40];
    const char *program = config->program ? config->program : "/usr/bin/ssh";
    snprintf(port, sizeof port, "%u", config->port ? config->port : 830u);
    snprintf(known, sizeof known, "UserKnownHostsFile=%s", config->known_hosts_file);
    snprintf(connect, sizeof connect, "ConnectTimeout=%u",
             config->connect_timeout_s ? config->connect_timeout_s : 10);
    snprintf(alive, sizeof alive, "ServerAliveInterval=%u",
             config->alive_interval_s ? config->alive_interval_s : 15);
    /* ssh_config(5); -F none: neither the user's nor the machine's configuration. */
    const char *args[] = {"ssh",        "-F",
                          "none",       "-T",
                          "-x",         "-a",
                          "-p",         port,
                          "-l",         config->user,
                          "-i",         config->key_file,
                          "-o",         "BatchMode=yes",
                          "-o",         "StrictHostKeyChecking=yes",
                          "-o",         known,
                          "-o",         "GlobalKnownHostsFile=/dev/null",
                          "-o",         "IdentitiesOnly=yes",
                          "-o",         "IdentityAgent=none",
                          "-o",         "PreferredAuthentications=publickey",
                          "-o",         "UpdateHostKeys=no",
                          "-o",         "ControlMaster=no",
                          "-o",         "ControlPath=none",
                          "-o",         "ClearAllForwardings=yes",
                          "-o",         "PermitLocalCommand=no",
                          "-o",         "LogLevel=ERROR",
                          "-o",         connect,
                          "-o",         alive,
                          "-o",         "ServerAliveCountMax=3",
                          "-s",         "--",
                          config->host, config->subsystem ? config->subsystem : "netconf",
                          NULL};
    char *environment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", NULL};
    uv_stdio_container_t stdio[N_PIPES] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&s->pipes[0]},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&s->pipes[1]},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&s->pipes[2]}};
    uv_process_options_t options = {.exit_cb = on_exit_child,
                                    .file = program,
                                    .args = (char **)args,
                                    .env = environment,
                                    .cwd = "/",
                                    .flags = UV_PROCESS_DETACHED,
                                    .stdio_count = N_PIPES,
                                    .stdio = stdio};
    int status = uv_spawn(loop, &s->process, &options);
    return status ? uverr_explain(diag, status, "%s", program) : ERR_OK;
}

enum err
netconf_ssh_open(uv_loop_t *loop, const struct netconf_ssh_config *config,
                 const struct netconf_ssh_handler *handler, void *arg, struct netconf_ssh **result,
                 struct diag *diag)
{
    enum err err = check_config(config, diag);
    if (err)
        return err;
    struct netconf_ssh *s = xcalloc(1, sizeof *s);
    s->handler = handler;
    s->arg = arg;
    s->owned = true;
    s->timer = timer_new(loop, on_timer, s);
    s->turn = task_new(loop, on_turn, s);
    for (int i = 0; i < N_PIPES; i++) {
        uv_pipe_init(loop, &s->pipes[i], 0);
        s->pipes[i].data = s;
    }
    s->process.data = s;
    s->n_handles = N_PIPES + 1;
    err = spawn(s, loop, config, diag);
    if (err) {
        s->exited = true; /* libuv has made a handle of it all the same */
        netconf_ssh_free(s);
        return err;
    }
    uv_read_start((uv_stream_t *)&s->pipes[1], on_alloc, on_read);
    uv_read_start((uv_stream_t *)&s->pipes[2], on_alloc, on_read_words);
    *result = s;
    return ERR_OK;
}

void
netconf_ssh_free(struct netconf_ssh *s)
{
    if (!s)
        return;
    s->handler = NULL;
    s->owned = false;
    close_all(s);
    release(s);
}
