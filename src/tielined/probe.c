#include "tielined/probe.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "io/stream.h"
#include "io/timer.h"

#include <stdlib.h>
#include <string.h>

struct probe_peer {
    struct probe *probe;
    struct stream *stream; /* NULL: the place is free */
    struct timer *timer;
    struct buf request;
    uint64_t number; /* which came first */
};

struct probe {
    struct stream_listener *listener;
    enum daemon_stage (*stage)(void *arg);
    void *arg;
    uint64_t n_peers; /* ever */
    struct probe_peer peers[PROBE_CONNECTIONS];
};

static const char *const stage_text[] = {
    [DAEMON_STARTING] = "starting",
    [DAEMON_STANDS_BY] = "stands by",
    [DAEMON_LEADS] = "leads",
};

static const struct question {
    const char *path;
    bool yes[DAEMON_LEADS + 1]; /* by stage */
} questions[] = {
    {"/lives", {true, true, true}},
    {"/started", {false, true, true}},
    {"/leads", {false, false, true}},
};

static const struct question *
find_question(const char *path, size_t length)
{
    for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
        if (strlen(questions[i].path) == length && !strncmp(questions[i].path, path, length))
            return &questions[i];
    }
    return NULL;
}

/* ---- Answering ---------------------------------------------------------------------------------
 */

static void
dismiss(struct probe_peer *peer)
{
    stream_free(peer->stream);
    peer->stream = NULL;
    timer_stop(peer->timer);
    buf_fini(&peer->request);
}

/* What is said to a request's head, which ends with an empty line. */
static const char *
status_of(const char *head, enum daemon_stage stage)
{
    size_t method = strcspn(head, " \r\n");
    const char *path = head + method + 1;
    if (!method || head[method] != ' ' || *path != '/')
        return "400 Bad Request";
    size_t length = strcspn(path, " \r\n");
    if (path[length] != ' ' || strncmp(path + length + 1, "HTTP/1.", 7) != 0)
        return "400 Bad Request";
    if (method != 3 || strncmp(head, "GET", 3) != 0)
        return "405 Method Not Allowed";
    const struct question *question = find_question(path, length);
    if (!question)
        return "404 Not Found";
    return question->yes[stage] ? "200 OK" : "503 Service Unavailable";
}

static void
answer(struct probe_peer *peer)
{
    struct probe *p = peer->probe;
    enum daemon_stage stage = p->stage(p->arg);
    const char *status = status_of(buf_cstr(&peer->request), stage);
    bool told = *status == '2' || *status == '5';
    const char *text = told ? stage_text[stage] : "";
    struct buf out = BUF_INIT;
    buf_printf(&out,
               "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
               "Cache-Control: no-store\r\n%sConnection: close\r\n\r\n%s%s",
               status, told ? strlen(text) + 1 : 0,
               *status == '4' && status[2] == '5' ? "Allow: GET\r\n" : "", text, told ? "\n" : "");
    (void)stream_send(peer->stream, out.data, out.size);
    buf_fini(&out);
    dismiss(peer);
}

static void
on_received(void *arg, struct stream *stream UNUSED, const uint8_t *data, size_t size)
{
    struct probe_peer *peer = arg;
    if (size > PROBE_REQUEST - peer->request.size) {
        dismiss(peer);
        return;
    }
    buf_put(&peer->request, data, size);
    if (memmem(peer->request.data, peer->request.size, "\r\n\r\n", 4))
        answer(peer);
}

static void
on_closed(void *arg, struct stream *stream UNUSED, enum err err UNUSED, const char *reason UNUSED)
{
    dismiss(arg);
}

static void
on_impatient(void *arg)
{
    dismiss(arg);
}

/* A free place, or that of who has been there longest. */
static struct probe_peer *
find_place(struct probe *p)
{
    struct probe_peer *oldest = &p->peers[0];
    for (size_t i = 0; i < PROBE_CONNECTIONS; i++) {
        if (!p->peers[i].stream)
            return &p->peers[i];
        if (p->peers[i].number < oldest->number)
            oldest = &p->peers[i];
    }
    dismiss(oldest);
    return oldest;
}

static void
on_accepted(void *arg, struct stream *stream)
{
    static const struct stream_handler handler = {.received = on_received, .closed = on_closed};
    struct probe *p = arg;
    struct probe_peer *peer = find_place(p);
    peer->stream = stream;
    peer->number = ++p->n_peers;
    stream_set_handler(stream, &handler, peer);
    timer_start(peer->timer, PROBE_PATIENCE);
}

enum err
probe_new(uv_loop_t *loop, const char *address, enum daemon_stage (*stage)(void *arg), void *arg,
          struct probe **result, struct diag *diag)
{
    static const struct stream_listener_handler handler = {.accepted = on_accepted};
    const struct stream_config config = {.address = address, .send_limit = PROBE_REQUEST};
    struct probe *p = xcalloc(1, sizeof *p);
    p->stage = stage;
    p->arg = arg;
    for (size_t i = 0; i < PROBE_CONNECTIONS; i++) {
        p->peers[i].probe = p;
        p->peers[i].timer = timer_new(loop, on_impatient, &p->peers[i]);
    }
    enum err err = stream_listen(loop, &config, &handler, p, &p->listener, diag);
    if (err) {
        diag_prefix(diag, "--probe");
        probe_free(p);
        return err;
    }
    *result = p;
    return ERR_OK;
}

void
probe_free(struct probe *p)
{
    if (!p)
        return;
    stream_listener_free(p->listener);
    for (size_t i = 0; i < PROBE_CONNECTIONS; i++) {
        dismiss(&p->peers[i]);
        timer_free(p->peers[i].timer);
    }
    free(p);
}

const char *
probe_address(const struct probe *p)
{
    return stream_listener_address(p->listener);
}

/* ---- Asking ------------------------------------------------------------------------------------
 */

struct asker {
    struct stream *stream;
    struct timer *timer;
    const char *word;
    struct buf answer;
    enum err err;
    struct diag *diag;
};

static void
asker_ends(struct asker *a)
{
    stream_free(a->stream);
    a->stream = NULL;
    timer_stop(a->timer);
}

static void
on_asker_opened(void *arg, struct stream *stream)
{
    struct asker *a = arg;
    char request[64];
    int size = snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: probe\r\n\r\n",
                        a->word);
    (void)stream_send(stream, request, (size_t)size);
}

static void
on_asker_received(void *arg, struct stream *stream UNUSED, const uint8_t *data, size_t size)
{
    struct asker *a = arg;
    buf_put(&a->answer, data, size);
    if (buf_err(&a->answer))
        asker_ends(a);
}

static void
on_asker_closed(void *arg, struct stream *stream UNUSED, enum err err, const char *reason)
{
    struct asker *a = arg;
    if (err != ERR_CLOSED || !a->answer.size)
        a->err = diag_set(a->diag, err, "nobody answers: %s", reason);
    asker_ends(a);
}

static void
on_asker_impatient(void *arg)
{
    struct asker *a = arg;
    a->err = diag_set(a->diag, ERR_TIMEOUT, "no answer in time");
    asker_ends(a);
}

static enum err
read_answer(struct buf *answer, FILE *out, struct diag *diag)
{
    const char *text = buf_cstr(answer), *body = strstr(text, "\r\n\r\n");
    bool yes = !strncmp(text, "HTTP/1.1 200 ", 13), no = !strncmp(text, "HTTP/1.1 503 ", 13);
    if (buf_err(answer) || !body || (!yes && !no))
        return diag_set(diag, ERR_MALFORMED, "what answers is no probe");
    for (size_t i = 0; i < ARRAY_SIZE(stage_text); i++) {
        size_t length = strlen(stage_text[i]);
        if (strncmp(body + 4, stage_text[i], length) != 0 || strcmp(body + 4 + length, "\n") != 0)
            continue;
        fputs(body + 4, out);
        return yes ? ERR_OK : diag_set(diag, ERR_CONFLICT, "%s", stage_text[i]);
    }
    return diag_set(diag, ERR_MALFORMED, "what answers is no probe");
}

enum err
probe_ask(const char *address, const char *word, FILE *out, struct diag *diag)
{
    static const struct stream_handler handler = {
        .opened = on_asker_opened, .received = on_asker_received, .closed = on_asker_closed};
    const struct stream_config config = {.address = address, .timeout = PROBE_PATIENCE};
    char path[16];
    if (snprintf(path, sizeof path, "/%s", word) >= (int)sizeof path ||
        !find_question(path, strlen(path)))
        return diag_set(diag, ERR_INVALID, "--ask: \"%s\" is not lives, started or leads", word);
    uv_loop_t loop;
    uv_loop_init(&loop);
    struct asker a = {.word = word, .answer = buf_limited(PROBE_REQUEST), .diag = diag};
    a.timer = timer_new(&loop, on_asker_impatient, &a);
    enum err err = stream_connect(&loop, &config, &handler, &a, &a.stream, diag);
    if (!err) {
        timer_start(a.timer, PROBE_PATIENCE);
        while (a.stream)
            uv_run(&loop, UV_RUN_ONCE);
        err = a.err ? a.err : read_answer(&a.answer, out, diag);
    } else {
        diag_prefix(diag, "--probe");
    }
    timer_free(a.timer);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    buf_fini(&a.answer);
    return err;
}
