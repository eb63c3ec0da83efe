#include "lab/tools/wire_control.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_CLIENTS 16
#define MAX_LINE 1024
#define MAX_WORDS 16
#define LISTENER MAX_CLIENTS /* its number among the events */

struct client {
    int fd; /* -1: none */
    size_t n;
    char line[MAX_LINE];
};

struct wire_control {
    struct wires *wires;
    int epoll, fd;
    struct sockaddr_un address;
    struct client clients[MAX_CLIENTS];
};

static enum err
watch(struct wire_control *c, int fd, unsigned number)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = WIRE_CONTROL_EVENT | number};
    return epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event) ? ERR_IO : ERR_OK;
}

enum err
wire_control_open(const char *path, int epoll, struct wires *wires, struct wire_control **control,
                  struct diag *diag)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return diag_set(diag, ERR_LIMIT, "%s: longer than a socket's name may be", path);
    strcpy(address.sun_path, path);
    struct stat st;
    if (!lstat(path, &st) && S_ISSOCK(st.st_mode))
        unlink(path);
    struct wire_control *c = xcalloc(1, sizeof *c);
    c->wires = wires;
    c->epoll = epoll;
    c->address = address;
    for (int i = 0; i < MAX_CLIENTS; i++)
        c->clients[i].fd = -1;
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mode_t old = umask(0177);
    bool bad = c->fd < 0 || bind(c->fd, (struct sockaddr *)&address, sizeof address) ||
               listen(c->fd, MAX_CLIENTS) || watch(c, c->fd, LISTENER);
    umask(old);
    if (bad) {
        diag_set(diag, ERR_IO, "%s: %s", path, strerror(errno));
        if (c->fd >= 0)
            close(c->fd);
        free(c);
        return ERR_IO;
    }
    *control = c;
    return ERR_OK;
}

void
wire_control_close(struct wire_control *c)
{
    if (!c)
        return;
    for (int i = 0; i < MAX_CLIENTS; i++) {
        if (c->clients[i].fd >= 0)
            close(c->clients[i].fd);
    }
    close(c->fd);
    unlink(c->address.sun_path);
    free(c);
}

/* ---- Commands ------------------------------------------------------------------------------ */

static enum err
do_set(struct wires *w, char **words, size_t n, struct diag *diag)
{
    return wires_set(w, words[0], words + 1, n - 1, diag);
}

static enum err
do_cut(struct wires *w, char **words, size_t n UNUSED, struct diag *diag)
{
    return wires_cut(w, words[0], diag);
}

static enum err
do_block(struct wires *w, char **words, size_t n, struct diag *diag)
{
    return wires_block(w, words[0], n > 1 ? words[1] : "both", diag);
}

static enum err
do_restore(struct wires *w, char **words, size_t n UNUSED, struct diag *diag)
{
    return wires_restore(w, words[0], diag);
}

static const struct {
    const char *name, *usage;
    size_t min, max; /* words behind it */
    enum err (*run)(struct wires *, char **words, size_t n, struct diag *);
} commands[] = {
    {"set", "set NAME SETTING=VALUE...", 2, MAX_WORDS, do_set},
    {"cut", "cut NAME", 1, 1, do_cut},
    {"block", "block NAME [a-to-b|b-to-a|both]", 1, 2, do_block},
    {"restore", "restore NAME", 1, 1, do_restore},
};

static json_t *
run_command(struct wires *w, char **words, size_t n)
{
    struct diag diag = {""};
    if (n == 1 && !strcmp(words[0], "show"))
        return wires_json(w);
    diag_set(&diag, ERR_INVALID, "unknown command '%s'", n ? words[0] : "");
    enum err err = ERR_INVALID;
    for (size_t i = 0; i < ARRAY_SIZE(commands) && n; i++) {
        if (strcmp(commands[i].name, words[0]))
            continue;
        if (n - 1 < commands[i].min || n - 1 > commands[i].max)
            diag_set(&diag, ERR_INVALID, "usage: %s", commands[i].usage);
        else
            err = commands[i].run(w, words + 1, n - 1, &diag);
    }
    return err ? json_pack("{s:b,s:s}", "ok", 0, "error", diag.text) : json_pack("{s:b}", "ok", 1);
}

static json_t *
run_line(struct wires *w, char *line)
{
    char *words[MAX_WORDS];
    size_t n = 0;
    for (char *word; (word = strsep(&line, " \t\r"));) {
        if (!*word)
            continue;
        if (n == MAX_WORDS)
            return json_pack("{s:b,s:s}", "ok", 0, "error", "too many words");
        words[n++] = word;
    }
    return run_command(w, words, n);
}

/* ---- Clients ------------------------------------------------------------------------------- */

static void
drop_client(struct client *c)
{
    close(c->fd);
    c->fd = -1;
}

/* The answer is small beside a socket's buffer; a client that does not read it is dropped. */
static void
answer(struct client *c, json_t *object)
{
    if (!object)
        object = json_pack("{s:b,s:s}", "ok", 0, "error", "not UTF-8");
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    size_t size = strlen(text), sent = 0;
    text[size++] = '\n';
    while (sent < size) {
        ssize_t n = send(c->fd, text + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    if (sent < size)
        drop_client(c);
    free(text);
    json_decref(object);
}

static void
take_lines(struct wire_control *control, struct client *c)
{
    char *end;
    while (c->fd >= 0 && (end = memchr(c->line, '\n', c->n))) {
        *end = '\0';
        size_t size = (size_t)(end - c->line) + 1;
        answer(c, run_line(control->wires, c->line));
        c->n -= size;
        memmove(c->line, c->line + size, c->n);
    }
    if (c->fd >= 0 && c->n == MAX_LINE)
        drop_client(c);
}

static void
accept_client(struct wire_control *c)
{
    int fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    int size = 4 << 20;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    for (unsigned i = 0; i < MAX_CLIENTS; i++) {
        if (c->clients[i].fd >= 0 || watch(c, fd, i))
            continue;
        c->clients[i].fd = fd;
        c->clients[i].n = 0;
        return;
    }
    close(fd);
}

void
wire_control_input(struct wire_control *control, uint64_t event)
{
    unsigned number = (unsigned)event;
    if (number == LISTENER) {
        accept_client(control);
        return;
    }
    struct client *c = &control->clients[number];
    if (c->fd < 0)
        return;
    ssize_t n = recv(c->fd, c->line + c->n, MAX_LINE - c->n, 0);
    if (n > 0) {
        c->n += (size_t)n;
        take_lines(control, c);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        drop_client(c);
    }
}
