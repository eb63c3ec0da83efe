#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE (20 * NSEC_PER_SEC)

static unsigned n_tests, n_failed;

nsec_t
now_monotonic(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

void
peer_init(struct peer *p, int fd, enum openflow_end end)
{
    *p = (struct peer){.fd = fd};
    p->session = openflow_session_new(
        &(struct openflow_session_config){.end = end, .request_timeout = PATIENCE},
        now_monotonic());
}

bool
peer_connect(struct peer *p, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct openflow_event event;
    if (strlen(path) >= sizeof address.sun_path)
        return false;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
        perror(path);
        close(fd);
        return false;
    }
    peer_init(p, fd, OPENFLOW_CONTROLLER);
    return peer_next(p, &event, PATIENCE) && event.kind == OPENFLOW_UP;
}

void
peer_fini(struct peer *p)
{
    for (unsigned i = 0; i < p->n_notes; i++)
        note_fini(&p->notes[i]);
    openflow_session_free(p->session);
    if (p->fd >= 0)
        close(p->fd);
}

static void
transfer(struct peer *p, short revents)
{
    static uint8_t input[1 << 18];
    struct buf *out = openflow_session_output(p->session);
    if (out->size) {
        ssize_t n = send(p->fd, out->data, out->size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0)
            buf_consume(out, (size_t)n);
    }
    if (!(revents & (POLLIN | POLLHUP | POLLERR)))
        return;
    ssize_t n = recv(p->fd, input, sizeof input, MSG_DONTWAIT);
    if (n > 0)
        openflow_session_input(p->session, input, (size_t)n, now_monotonic());
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        openflow_session_close(p->session, ERR_CLOSED, "the other side closed the connection");
}

bool
peer_next(struct peer *p, struct openflow_event *event, nsec_t timeout)
{
    nsec_t end = now_monotonic() + timeout;
    while (!openflow_session_next(p->session, event)) {
        nsec_t now = now_monotonic();
        if (p->fd < 0 || now >= end)
            return false;
        nsec_t until = MIN(end, openflow_session_deadline(p->session));
        bool waiting = openflow_session_output(p->session)->size > 0;
        struct pollfd pfd = {p->fd, (short)(POLLIN | (waiting ? POLLOUT : 0)), 0};
        poll(&pfd, 1, (int)((until > now ? until - now : 0) / NSEC_PER_MSEC) + 1);
        transfer(p, pfd.revents);
        openflow_session_tick(p->session, now_monotonic());
    }
    if (event->kind == OPENFLOW_DOWN) {
        close(p->fd);
        p->fd = -1;
    }
    return true;
}

/* Keeps a notification; complains about what should not be. */
static void
keep(struct peer *p, const struct openflow_event *event)
{
    if (event->kind == OPENFLOW_MESSAGE && p->n_notes < N_NOTES)
        p->notes[p->n_notes++] = (struct note){*event->message,
                                               openflow_session_take_arena(p->session)};
    else if (event->kind == OPENFLOW_REFUSED || event->kind == OPENFLOW_DOWN)
        printf("# %s: %s\n", event->kind == OPENFLOW_DOWN ? "down" : "refused", event->diag.text);
}

struct answer
peer_ask(struct peer *p, struct openflow_message *request)
{
    struct answer answer = {.err = ERR_CLOSED};
    struct openflow_event event;
    enum err err = openflow_session_request(p->session, request, request, 0, now_monotonic());
    if (err) {
        answer.err = err;
        return answer;
    }
    while (peer_next(p, &event, PATIENCE)) {
        bool ended = event.kind == OPENFLOW_DONE || event.kind == OPENFLOW_FAILED;
        if (!ended || event.arg != request) {
            keep(p, &event);
            continue;
        }
        answer.err = event.err;
        answer.error = event.error;
        answer.diag = event.diag;
        if (event.message)
            answer.message = *event.message;
        answer.arena = openflow_session_take_arena(p->session);
        break;
    }
    return answer;
}

bool
peer_command(struct peer *p, struct openflow_message *command)
{
    return !openflow_session_request(p->session, command, NULL, 0, now_monotonic());
}

unsigned
peer_barrier(struct peer *p)
{
    struct openflow_message barrier = {.type = OFPT_BARRIER_REQUEST};
    struct openflow_event event;
    unsigned failed = 0;
    if (openflow_session_request(p->session, &barrier, &barrier, 0, now_monotonic()))
        return UINT32_MAX;
    while (peer_next(p, &event, PATIENCE)) {
        if (event.kind == OPENFLOW_FAILED) {
            printf("# request 0x%x failed: %s\n", event.xid, event.diag.text);
            failed++;
        } else if (event.kind != OPENFLOW_DONE) {
            keep(p, &event);
        }
        if (event.arg == &barrier)
            return failed;
    }
    return UINT32_MAX;
}

void
answer_fini(struct answer *answer)
{
    arena_free(answer->arena);
    answer->arena = NULL;
}

bool
peer_note(struct peer *p, uint32_t type, nsec_t timeout, struct note *note)
{
    struct openflow_event event;
    nsec_t end = now_monotonic() + timeout;
    for (unsigned i = 0;;) {
        for (; i < p->n_notes; i++) {
            if (p->notes[i].message.type != type)
                continue;
            *note = p->notes[i];
            memmove(&p->notes[i], &p->notes[i + 1], (--p->n_notes - i) * sizeof *note);
            return true;
        }
        if (!peer_next(p, &event, end - now_monotonic()))
            return false;
        keep(p, &event);
    }
}

void
note_fini(struct note *note)
{
    arena_free(note->arena);
    note->arena = NULL;
}

bool
ok(bool good, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("%sok %u - ", good ? "" : "not ", ++n_tests);
    vprintf(format, args);
    printf("\n");
    va_end(args);
    n_failed += !good;
    return good;
}

int
tap_end(void)
{
    printf("1..%u\n", n_tests);
    if (n_failed)
        printf("# %u of %u failed\n", n_failed, n_tests);
    return n_failed || !n_tests ? 1 : 0;
}
