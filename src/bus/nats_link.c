/* nats_link.c - states of a connection:
 *
 *     waiting -> connecting (TCP) -> greeting (INFO) -> [securing (TLS)] -> trying (PONG) -> up
 *
 * and from each of them, with a reason, back to waiting. A broker speaks in the clear first, also
 * where TLS is to follow: that is why TLS is not the stream's. */
#include "bus/nats_link.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/hash.h"
#include "bus/nats_login.h"
#include "io/clock.h"
#include "io/jsontext.h"
#include "io/reconnect.h"
#include "io/stream.h"
#include "io/timer.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define UNHEARD_MAX 2                      /* PINGs without an answer */
#define MESSAGE_MAX ((size_t)8 << 20)      /* octets we take, whatever the broker takes */
#define PAYLOAD_STANDARD ((size_t)1 << 20) /* if the broker does not say */

enum state { WAITING, CONNECTING, GREETING, SECURING, TRYING, UP };

struct nats_link {
    uv_loop_t *loop;
    struct nats_link_user user;
    struct nats_url url;
    char *server_name, *name, *credentials_file;
    size_t send_limit, max_payload;
    nsec_t connect_timeout, alive_interval;
    struct tls *tls; /* NULL: in the clear */
    struct reconnect reconnect;
    struct timer *timer;
    struct task *ending; /* frees it when nothing is on the stack any more */

    enum state state;
    struct stream *stream;
    struct tls_session *session;
    struct buf in, out; /* in the clear, both */
    struct task *sending;
    unsigned unheard;
    nsec_t since;
    char *last_error;
    bool freed;
};

/* ---- beginning and end of a connection */

static void
set_error(struct nats_link *link, const char *text)
{
    char *copy = xstrdup(text);
    free(link->last_error);
    link->last_error = copy;
}

static void
arm(struct nats_link *link)
{
    if (link->state == WAITING)
        timer_start(link->timer, clock_left(reconnect_wake(&link->reconnect)));
    else
        timer_start(link->timer, link->state == UP ? link->alive_interval : link->connect_timeout);
}

static void
drop(struct nats_link *link)
{
    link->state = WAITING;
    task_cancel(link->sending);
    stream_free(link->stream);
    link->stream = NULL;
    tls_session_free(link->session);
    link->session = NULL;
    buf_clear(&link->in); /* not freed: it may be a message of it that is being delivered */
    buf_clear(&link->out);
    link->max_payload = 0;
}

/* The link may be freed afterwards. */
static void
lose(struct nats_link *link, const char *why)
{
    bool was_up = link->state == UP;
    char text[320];
    snprintf(text, sizeof text, "%s", why); /* it may be the stream's */
    drop(link);
    set_error(link, text);
    reconnect_lost(&link->reconnect, clock_monotonic());
    if (was_up)
        link->since = clock_wall();
    arm(link);
    if (was_up)
        link->user.down(link->user.arg, text);
}

/* ---- sending */

/* What TLS has to say, after it was given something. */
static void
pass_tls_output(struct nats_link *link)
{
    struct buf cipher = BUF_INIT;
    tls_session_output(link->session, &cipher);
    if (cipher.size)
        (void)stream_send(link->stream, cipher.data, cipher.size); /* `closed` tells */
    buf_fini(&cipher);
}

static void
flush(struct nats_link *link)
{
    struct diag diag;
    if (!link->out.size)
        return;
    if (!link->session)
        (void)stream_send(link->stream, link->out.data, link->out.size);
    else if (!tls_session_write(link->session, link->out.data, link->out.size, &diag))
        pass_tls_output(link);
    buf_clear(&link->out);
}

static void
on_sending(void *arg)
{
    struct nats_link *link = arg;
    if (link->state != SECURING) /* what waits then is not for everybody's eyes */
        flush(link);
}

static size_t
unsent(const struct nats_link *link)
{
    return link->out.size + stream_pending(link->stream);
}

static struct buf *
to_send(struct nats_link *link)
{
    task_schedule(link->sending);
    return &link->out;
}

/* ---- what the broker says. All: false if the connection was lost, or the link freed. */

static bool
refuse(struct nats_link *link, const char *text)
{
    lose(link, text);
    return false;
}

static bool
refuse_tls(struct nats_link *link, const char *text)
{
    link->user.refused(link->user.arg, "tls", text);
    return refuse(link, text);
}

static bool
start_tls(struct nats_link *link)
{
    const char *name = link->server_name ? link->server_name : link->url.host;
    struct diag diag;
    if (tls_reload(link->tls, &diag) ||
        tls_session_new(link->tls, TLS_CLIENT, name, &link->session, &diag) ||
        tls_session_start(link->session, &diag))
        return refuse(link, diag.text);
    link->state = SECURING;
    pass_tls_output(link);
    return true;
}

static bool
log_in(struct nats_link *link, const json_t *info)
{
    struct nats_login login = {&link->url, link->name, link->credentials_file};
    struct diag diag;
    if (nats_login_put(to_send(link), &login, info, &diag))
        return refuse(link, diag.text);
    buf_str(&link->out, "PING\r\n");
    return true;
}

static void
take_limits(struct nats_link *link, const json_t *info)
{
    json_int_t max = json_integer_value(json_object_get(info, "max_payload"));
    link->max_payload = max > 0 ? MIN((size_t)max, MESSAGE_MAX) : PAYLOAD_STANDARD;
}

static bool
greeted(struct nats_link *link, json_t *info)
{
    if (!json_is_true(json_object_get(info, "headers")))
        return refuse(link, "the broker is too old: it knows no headers");
    if (link->tls && !json_is_true(json_object_get(info, "tls_required")) &&
        !json_is_true(json_object_get(info, "tls_available")))
        return refuse_tls(link, "the broker does not offer TLS");
    if (!link->tls && json_is_true(json_object_get(info, "tls_required")))
        return refuse_tls(link, "the broker wants TLS");
    take_limits(link, info);
    link->state = TRYING;
    if (!log_in(link, info)) /* waits in `out` if TLS comes first */
        return false;
    return !link->tls || start_tls(link);
}

static bool
on_info(struct nats_link *link, const struct nats_frame *frame)
{
    json_t *info;
    struct diag diag;
    bool ok = true;
    if (jsontext_parse(frame->text, frame->text_size, &info, &diag)) {
        diag_prefix(&diag, "the broker's greeting");
        return refuse(link, diag.text);
    }
    if (link->state == GREETING)
        ok = greeted(link, info);
    else
        take_limits(link, info);
    json_decref(info);
    return ok;
}

static bool
on_pong(struct nats_link *link)
{
    link->unheard = 0;
    if (link->state == UP)
        return true;
    link->state = UP;
    link->since = clock_wall();
    reconnect_connected(&link->reconnect, clock_monotonic());
    arm(link);
    link->user.up(link->user.arg);
    return !link->freed && link->state == UP;
}

/* After most errors the broker hangs up; that it does not permit something is none of them. */
static bool
on_error(struct nats_link *link, const struct nats_frame *frame)
{
    char text[256];
    snprintf(text, sizeof text, "the broker says%.*s", (int)MIN(frame->text_size, 200),
             frame->text);
    bool stays = strstr(text, "ermissions Violation");
    if (stays || strstr(text, "Authorization") || strstr(text, "Authentication"))
        link->user.refused(link->user.arg, stays ? "permissions" : "credentials", text);
    if (!stays)
        return refuse(link, text);
    set_error(link, text);
    return true;
}

static bool
on_frame(struct nats_link *link, const struct nats_frame *frame)
{
    if (link->state == GREETING && frame->op != NATS_INFO && frame->op != NATS_ERR)
        return refuse(link, "the broker does not greet");
    switch (frame->op) {
    case NATS_INFO:
        return on_info(link, frame);
    case NATS_MSG:
        if (link->state == UP)
            link->user.message(link->user.arg, frame);
        return !link->freed && link->state == UP;
    case NATS_PING:
        buf_str(to_send(link), "PONG\r\n");
        return true;
    case NATS_PONG:
        return on_pong(link);
    case NATS_ERR:
        return on_error(link, frame);
    case NATS_OK:
        break;
    }
    return true;
}

/* All operations that are complete. Where TLS begins, nothing may be left. */
static bool
take_frames(struct nats_link *link)
{
    size_t at = 0, used;
    struct nats_frame frame;
    struct diag diag;
    enum err err = ERR_OK;
    while (!(err = nats_frame_take((char *)link->in.data + at, link->in.size - at, MESSAGE_MAX,
                                   &frame, &used, &diag))) {
        at += used;
        if (!on_frame(link, &frame))
            return false;
        if (link->state == SECURING)
            break;
    }
    if (err && err != ERR_TRUNCATED)
        return refuse(link, diag.text);
    buf_consume(&link->in, at);
    if (link->state == SECURING && link->in.size)
        return refuse(link, "the broker goes on in the clear");
    return true;
}

/* ---- receiving */

static bool
decrypt(struct nats_link *link, const uint8_t *data, size_t size, struct diag *diag)
{
    bool judging = link->state != UP; /* the broker judges when our handshake is over */
    enum err err = tls_session_input(link->session, data, size, diag);
    size_t n = 1;
    while (!err && n) {
        uint8_t block[16384];
        err = tls_session_read(link->session, block, sizeof block, &n, diag);
        if (!err)
            buf_put(&link->in, block, n);
    }
    pass_tls_output(link);
    if (!err && link->state == SECURING && tls_session_is_established(link->session)) {
        link->state = TRYING;
        task_schedule(link->sending);
    }
    if (err && err != ERR_CLOSED && judging)
        link->user.refused(link->user.arg, "tls", diag->text);
    return !err;
}

static void
on_received(void *arg, struct stream *stream UNUSED, const uint8_t *data, size_t size)
{
    struct nats_link *link = arg;
    struct diag diag;
    if (!link->session) {
        buf_put(&link->in, data, size);
    } else if (!decrypt(link, data, size, &diag)) {
        lose(link, diag.text);
        return;
    }
    (void)take_frames(link);
}

static void
on_opened(void *arg, struct stream *stream UNUSED)
{
    struct nats_link *link = arg;
    link->state = GREETING;
}

static void
on_closed(void *arg, struct stream *stream UNUSED, enum err err UNUSED, const char *reason)
{
    lose(arg, reason);
}

/* ---- time */

static void
connect_now(struct nats_link *link)
{
    static const struct stream_handler handler = {
        .opened = on_opened, .received = on_received, .closed = on_closed};
    struct stream_config config = {
        .address = link->url.address,
        .timeout = link->connect_timeout,
        .send_limit = link->send_limit + 2 * MESSAGE_MAX, /* never reached: see publish */
    };
    struct diag diag;
    link->state = CONNECTING;
    link->unheard = 0;
    if (stream_connect(link->loop, &config, &handler, link, &link->stream, &diag))
        lose(link, diag.text);
    else
        arm(link);
}

static void
check_alive(struct nats_link *link)
{
    if (link->unheard >= UNHEARD_MAX) {
        lose(link, "the broker is silent");
        return;
    }
    link->unheard++;
    buf_str(to_send(link), "PING\r\n");
    arm(link);
}

static void
on_timer(void *arg)
{
    struct nats_link *link = arg;
    if (link->state == UP)
        check_alive(link);
    else if (link->state != WAITING)
        lose(link, "the broker did not let us in in time");
    else if (reconnect_run(&link->reconnect, clock_monotonic()))
        connect_now(link);
    else
        arm(link);
}

/* ---- the link */

static char *
copy(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static enum err
make_identity(const struct nats_link_config *config, bool wanted, struct tls **tls,
              struct diag *diag)
{
    struct tls_config files = {config->ca_file, config->cert_file, config->key_file};
    *tls = NULL;
    return wanted ? tls_new(&files, tls, diag) : ERR_OK;
}

static void
on_ending(void *arg)
{
    struct nats_link *link = arg;
    task_free(link->ending);
    buf_fini(&link->in);
    buf_fini(&link->out);
    free(link->last_error);
    free(link);
}

enum err
nats_link_new(uv_loop_t *loop, const struct nats_link_config *config,
              const struct nats_link_user *user, struct nats_link **result, struct diag *diag)
{
    struct nats_url url;
    struct tls *tls;
    enum err err = nats_url_parse(config->url, &url, diag);
    if (!err)
        err = make_identity(config, url.tls, &tls, diag);
    if (err)
        return err;
    struct nats_link *link = xcalloc(1, sizeof *link);
    link->loop = loop;
    link->user = *user;
    link->url = url;
    link->tls = tls;
    link->server_name = copy(config->server_name);
    link->name = copy(config->name);
    link->credentials_file = copy(config->credentials_file);
    link->send_limit = config->send_limit;
    link->connect_timeout = config->connect_timeout;
    link->alive_interval = config->alive_interval;
    link->last_error = xstrdup("");
    link->since = clock_wall();
    link->timer = timer_new(loop, on_timer, link);
    link->sending = task_new(loop, on_sending, link);
    link->ending = task_new(loop, on_ending, link);
    struct reconnect_config reconnect = {
        .min = config->reconnect_min,
        .max = config->reconnect_max,
        .seed = hash_mix(hash_secret() ^ (uintptr_t)link),
    };
    reconnect_init(&link->reconnect, &reconnect, clock_monotonic());
    arm(link);
    *result = link;
    return ERR_OK;
}

/* Callers of ours may still be on the stack and ask whether it was freed: the rest of it goes on
 * the loop's next turn. */
void
nats_link_free(struct nats_link *link)
{
    if (!link)
        return;
    link->freed = true;
    if (link->state == UP)
        flush(link);
    if (link->session)
        tls_session_end(link->session);
    if (link->session)
        pass_tls_output(link);
    drop(link);
    timer_free(link->timer);
    task_free(link->sending);
    tls_free(link->tls);
    free(link->server_name);
    free(link->name);
    free(link->credentials_file);
    OPENSSL_cleanse(&link->url, sizeof link->url);
    task_schedule(link->ending);
}

enum err
nats_link_publish(struct nats_link *link, const char *subject, const char *reply_to,
                  const void *data, size_t size)
{
    if (link->state != UP)
        return ERR_CLOSED;
    if (size > link->max_payload)
        return ERR_LIMIT;
    if (unsent(link) + size > link->send_limit)
        return ERR_BUSY;
    struct buf *out = to_send(link);
    buf_printf(out, "PUB %s %s%s%zu\r\n", subject, reply_to ? reply_to : "", reply_to ? " " : "",
               size);
    buf_put(out, data, size);
    buf_put(out, "\r\n", 2);
    return ERR_OK;
}

void
nats_link_subscribe(struct nats_link *link, uint64_t sid, const char *subject)
{
    if (link->state == UP)
        buf_printf(to_send(link), "SUB %s %llu\r\n", subject, (unsigned long long)sid);
}

void
nats_link_unsubscribe(struct nats_link *link, uint64_t sid)
{
    if (link->state == UP)
        buf_printf(to_send(link), "UNSUB %llu\r\n", (unsigned long long)sid);
}

size_t
nats_link_max_payload(const struct nats_link *link)
{
    return link->state == UP ? link->max_payload : 0;
}

void
nats_link_status(const struct nats_link *link, struct nats_link_status *status)
{
    *status = (struct nats_link_status){
        .connected = link->state == UP,
        .since = link->since,
        .connections = link->reconnect.connections,
        .last_error = link->last_error,
    };
}
