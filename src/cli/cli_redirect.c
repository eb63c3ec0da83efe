#include "cli/cli_redirect.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/hex.h"
#include "io/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX ((size_t)16384)     /* octets of a browser's head */
#define REQUEST_TIME (5 * NSEC_PER_SEC) /* that it may take to send it */
#define PATH "/callback"

struct redirect {
    int fd;
    char uri[64];
};

enum err
redirect_open(struct redirect **result, struct diag *diag)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 8) ||
        getsockname(fd, (struct sockaddr *)&address, &size)) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return diag_set(diag, ERR_IO, "no port for the browser to come back to: %s",
                        strerror(error));
    }
    *result = xcalloc(1, sizeof **result);
    (*result)->fd = fd;
    snprintf((*result)->uri, sizeof(*result)->uri, "http://127.0.0.1:%u" PATH,
             ntohs(address.sin_port));
    return ERR_OK;
}

void
redirect_close(struct redirect *redirect)
{
    if (!redirect)
        return;
    close(redirect->fd);
    free(redirect);
}

const char *
redirect_uri(const struct redirect *redirect)
{
    return redirect->uri;
}

/* ---- one request */

static bool
wait_for(int fd, nsec_t deadline)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    nsec_t left = clock_left(deadline);
    return poll(&poll_fd, 1, (int)(left / NSEC_PER_MSEC) + 1) > 0;
}

/* The target of "GET TARGET HTTP/1.1"; NULL: it is something else. The caller frees it. */
static char *
read_target(int fd)
{
    struct buf head = buf_limited(REQUEST_MAX);
    nsec_t deadline = clock_monotonic() + REQUEST_TIME;
    char piece[2048], *target = NULL;
    while (!strstr(buf_cstr(&head), "\r\n\r\n") && wait_for(fd, deadline)) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n <= 0)
            break;
        buf_put(&head, piece, (size_t)n);
        if (buf_err(&head))
            break;
    }
    const char *text = buf_cstr(&head);
    if (strstr(text, "\r\n\r\n") && !strncmp(text, "GET /", 5))
        target = xstrndup(text + 4, strcspn(text + 4, " \r\n"));
    buf_fini(&head);
    return target;
}

/* A parameter of the query, decoded; NULL: it has none. The caller frees it. */
static char *
parameter(const char *target, const char *name)
{
    const char *at = strchr(target, '?');
    size_t length = strlen(name);
    struct buf value = BUF_INIT;
    while (at && (strncmp(at + 1, name, length) != 0 || at[1 + length] != '='))
        at = strchr(at + 1, '&');
    if (!at)
        return NULL;
    for (at += length + 2; *at && *at != '&'; at++) {
        bool escaped = at[0] == '%' && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0;
        int octet = *at == '+' ? ' ' : (uint8_t)*at;
        if (escaped)
            octet = hex_digit(at[1]) << 4 | hex_digit(at[2]);
        at += escaped ? 2 : 0;
        if (octet)
            buf_u8(&value, (uint8_t)octet);
    }
    return buf_steal_cstr(&value);
}

static void
answer(int fd, const char *status, const char *text)
{
    char *all = xasprintf("HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                          "Content-Length: %zu\r\nCache-Control: no-store\r\n"
                          "Connection: close\r\n\r\n%s",
                          status, strlen(text), text);
    (void)!send(fd, all, strlen(all), MSG_NOSIGNAL);
    free(all);
}

static bool
is_ours(const char *target, const char *state)
{
    char *given = parameter(target, "state");
    bool ours = !strncmp(target, PATH "?", strlen(PATH) + 1) && given && !strcmp(given, state);
    free(given);
    return ours;
}

/* The request is the browser's, coming back. */
static enum err
take(int fd, const char *target, const char *issuer, char **code, struct diag *diag)
{
    char *error = parameter(target, "error"), *from = parameter(target, "iss");
    enum err err = ERR_OK;
    *code = parameter(target, "code");
    if (error)
        err = diag_set(diag, ERR_DENIED, "the provider refuses: %.100s", error);
    else if (from && strcmp(from, issuer) != 0)
        err = diag_set(diag, ERR_DENIED, "the answer is another provider's");
    else if (!*code || !**code)
        err = diag_set(diag, ERR_DENIED, "the provider answers without a code");
    if (err) {
        free(*code);
        *code = NULL;
    }
    answer(fd, "200 OK",
           err ? "Tieline: you are not logged in. See the terminal.\n"
               : "Tieline: done. You can close this window.\n");
    free(error);
    free(from);
    return err;
}

enum err
redirect_wait(struct redirect *redirect, const char *state, const char *issuer, nsec_t timeout,
              char **code, struct diag *diag)
{
    nsec_t deadline = clock_monotonic() + timeout;
    while (wait_for(redirect->fd, deadline)) {
        int fd = accept4(redirect->fd, NULL, NULL, SOCK_CLOEXEC);
        char *target = fd < 0 ? NULL : read_target(fd);
        bool ours = target && is_ours(target, state);
        enum err err = ours ? take(fd, target, issuer, code, diag) : ERR_OK;
        if (fd >= 0 && !ours)
            answer(fd, "404 Not Found", "Tieline: nobody waits for this.\n");
        if (fd >= 0)
            close(fd);
        free(target);
        if (ours)
            return err;
    }
    return diag_set(diag, ERR_TIMEOUT, "nobody logged in in time");
}
