/* The states are few: waiting for HELLO, up, down. What makes the rest is that one octet from the
 * peer can mean many events (a barrier confirms a hundred thousand flows), and that events are
 * asked for one by one. So what is still to be told is state too: openflow_session_next() first
 * goes on with confirming, then with expiring, then with closing, and only then reads on. */
#include "proto/openflow/openflow_session.h"

#include "base/alloc.h"
#include "proto/openflow/joins.h"
#include "proto/openflow/requests.h"

#include <stdlib.h>

#define INPUT_LIMIT ((size_t)16 << 20) /* octets given before events are asked for */

enum state { WAIT_HELLO, UP, DOWN };

struct openflow_session {
    struct openflow_session_config config;
    enum state state;
    nsec_t now, started, heard;
    bool asked; /* an ECHO_REQUEST is out, since `asked_at` */
    nsec_t asked_at;

    struct buf in, out;
    size_t at;    /* of `in`: behind what has been dealt with */
    size_t taken; /* octets from there that the last event's `raw` is */

    struct arena *arena;  /* of one message; reset with every event */
    struct arena *joined; /* of the last message of several parts; NULL: none */
    struct openflow_message message;
    struct requests requests;
    struct joins joins;

    bool confirming; /* a barrier was answered: commands up to it are done */
    uint32_t confirm_at, confirm_end;
    bool expiring; /* looking for requests whose time is over */
    uint32_t expire_at;
    nsec_t next_expiry; /* no request expires before this */

    bool told_down;
    enum err why;
    struct diag why_text;
    struct openflow_session_stats stats;
};

static void
set_default(nsec_t *value, nsec_t otherwise)
{
    if (!*value)
        *value = otherwise;
}

static void
set_defaults(struct openflow_session_config *config)
{
    size_t mib = (size_t)1 << 20;
    set_default(&config->hello_timeout, 5 * NSEC_PER_SEC);
    set_default(&config->echo_interval, 5 * NSEC_PER_SEC);
    set_default(&config->echo_timeout, 5 * NSEC_PER_SEC);
    set_default(&config->request_timeout, 10 * NSEC_PER_SEC);
    if (!config->message_limit)
        config->message_limit = OPENFLOW_SIZE_MAX;
    if (!config->message_budget)
        config->message_budget = mib;
    if (!config->multipart_budget)
        config->multipart_budget = (config->end == OPENFLOW_SWITCH ? 4 : 64) * mib;
    if (!config->output_limit)
        config->output_limit = 64 * mib;
    if (!config->max_requests)
        config->max_requests = 1000000;
}

static enum err
put_message(struct openflow_session *s, const struct openflow_message *message)
{
    size_t before = s->out.size;
    enum err err = openflow_encode(message, &s->out);
    if (!err) {
        s->stats.tx_messages++;
        s->stats.tx_octets += s->out.size - before;
    }
    return err;
}

/* For what the machine sends by itself: if the peer does not read, that is the end. */
static void
put_own(struct openflow_session *s, const struct openflow_message *message)
{
    if (put_message(s, message))
        openflow_session_close(s, ERR_LIMIT, "the peer does not read what it is sent");
}

struct openflow_session *
openflow_session_new(const struct openflow_session_config *config, nsec_t now)
{
    struct openflow_session *s = xcalloc(1, sizeof *s);
    s->config = *config;
    set_defaults(&s->config);
    s->now = s->started = s->heard = now;
    s->next_expiry = NSEC_NEVER;
    s->in = buf_limited(INPUT_LIMIT);
    s->out = buf_limited(s->config.output_limit);
    s->requests.first = 1;
    s->joins.limit = s->config.multipart_budget;
    s->arena = arena_new(s->config.message_budget);
    put_own(s, &(struct openflow_message){
                   .type = OFPT_HELLO,
                   .xid = requests_take(&s->requests),
                   .hello = {OPENFLOW_VERSION, true, UINT32_C(1) << OPENFLOW_VERSION}});
    return s;
}

void
openflow_session_free(struct openflow_session *s)
{
    if (!s)
        return;
    buf_fini(&s->in);
    buf_fini(&s->out);
    arena_free(s->arena);
    arena_free(s->joined);
    requests_fini(&s->requests);
    joins_fini(&s->joins);
    free(s);
}

void
openflow_session_close(struct openflow_session *s, enum err err, const char *why)
{
    if (s->state == DOWN)
        return;
    s->state = DOWN;
    s->why = err;
    diag_set(&s->why_text, err, "%s", why);
}

void
openflow_session_input(struct openflow_session *s, const uint8_t *data, size_t size, nsec_t now)
{
    s->now = now;
    if (s->state == DOWN)
        return;
    buf_consume(&s->in, s->at + s->taken);
    s->at = s->taken = 0;
    s->stats.rx_octets += size;
    buf_put(&s->in, data, size);
    if (buf_err(&s->in))
        openflow_session_close(s, ERR_LIMIT, "more input than is dealt with");
}

void
openflow_session_tick(struct openflow_session *s, nsec_t now)
{
    s->now = now;
    if (s->state == WAIT_HELLO && now - s->started >= s->config.hello_timeout)
        openflow_session_close(s, ERR_TIMEOUT, "the peer sent no HELLO");
    if (s->state != UP)
        return;
    if (s->asked && now - s->asked_at >= s->config.echo_timeout) {
        openflow_session_close(s, ERR_TIMEOUT, "the peer does not answer ECHO_REQUEST");
        return;
    }
    if (!s->asked && now - s->heard >= s->config.echo_interval) {
        s->asked = true;
        s->asked_at = now;
        s->stats.echoes++;
        put_own(s, &(struct openflow_message){.type = OFPT_ECHO_REQUEST,
                                              .xid = requests_take(&s->requests)});
    }
    /* A controller's joins end with their requests. */
    joins_expire(&s->joins, now - s->config.request_timeout, s->config.end == OPENFLOW_SWITCH, now);
    if (now >= s->next_expiry && !s->expiring) {
        s->expiring = true;
        s->expire_at = s->requests.first;
        s->next_expiry = NSEC_NEVER;
    }
}

nsec_t
openflow_session_deadline(const struct openflow_session *s)
{
    if (s->state == DOWN)
        return NSEC_NEVER;
    if (s->state == WAIT_HELLO)
        return s->started + s->config.hello_timeout;
    nsec_t echo = s->asked ? s->asked_at + s->config.echo_timeout
                           : s->heard + s->config.echo_interval;
    return s->requests.live ? MIN(echo, s->next_expiry) : echo;
}

static enum err
send_error(struct openflow_session *s, const struct openflow_error *error,
           const struct openflow_data *request)
{
    size_t before = s->out.size;
    enum err err = openflow_encode_error(error, request, &s->out);
    if (!err) {
        s->stats.tx_messages++;
        s->stats.tx_octets += s->out.size - before;
    }
    return err;
}

/* Section 6.3.1: the highest version in both bitmaps, or the lower of the versions in the headers.
 */
static bool
agrees(const struct openflow_hello *hello)
{
    if (hello->has_bitmap)
        return hello->bitmap >> OPENFLOW_VERSION & 1;
    return hello->version >= OPENFLOW_VERSION;
}

static void
refuse_version(struct openflow_session *s, uint32_t xid, unsigned version)
{
    static const char text[] = "OpenFlow 1.3 (version 4) is the only one spoken here";
    struct diag why;
    diag_set(&why, ERR_UNSUPPORTED, "no version in common: the peer speaks %u, not 4", version);
    put_own(s, &(struct openflow_message){.type = OFPT_ERROR,
                                          .xid = xid,
                                          .error = {{OFPET_HELLO_FAILED, OFPHFC_INCOMPATIBLE, 0},
                                                    {(const uint8_t *)text, sizeof text - 1}}});
    openflow_session_close(s, ERR_UNSUPPORTED, why.text);
}

/* Before HELLO nothing else may come but an error about ours. */
static bool
greet(struct openflow_session *s, const struct openflow_message *message,
      struct openflow_event *event)
{
    if (message->type == OFPT_ERROR) {
        struct buf text = BUF_INIT;
        openflow_print(message, &text);
        openflow_session_close(s, ERR_UNSUPPORTED, buf_cstr(&text));
        buf_fini(&text);
        return false;
    }
    if (message->type != OFPT_HELLO) {
        openflow_session_close(s, ERR_MALFORMED, "the peer's first message is not HELLO");
        return false;
    }
    if (!agrees(&message->hello)) {
        refuse_version(s, message->xid, message->hello.version);
        return false;
    }
    s->state = UP;
    event->kind = OPENFLOW_UP;
    return true;
}

static bool
fail_request(struct openflow_session *s, struct request *request, uint32_t xid, enum err err,
             struct openflow_event *event)
{
    event->kind = OPENFLOW_FAILED;
    event->err = err;
    event->xid = xid;
    event->arg = request->arg;
    requests_end(&s->requests, request);
    joins_give_up(&s->joins, xid);
    return true;
}

/* Can a message of this type on the wire be such a reply? */
static bool
is_reply_type(uint32_t reply, uint8_t type)
{
    return reply == type || (reply > UINT16_MAX && type == OFPT_EXPERIMENTER);
}

/* A message that cannot be accepted; `error` and `diag` of the event say why. */
static bool
refuse(struct openflow_session *s, enum err err, uint8_t type, uint32_t xid,
       struct openflow_event *event)
{
    s->stats.refused++;
    struct request *request = requests_find(&s->requests, xid);
    joins_give_up(&s->joins, xid);
    if (request && request->kind == REQUEST_REPLY && is_reply_type(request->reply, type))
        return fail_request(s, request, xid, err, event);
    if (s->config.end == OPENFLOW_SWITCH && type != OFPT_ERROR &&
        send_error(s, &event->error, &event->raw))
        openflow_session_close(s, ERR_LIMIT, "the peer does not read what it is sent");
    if (openflow_error_is(&event->error, OFPET_BAD_REQUEST, OFPBRC_BAD_VERSION))
        openflow_session_close(s, ERR_UNSUPPORTED, "the peer left the agreed version");
    event->kind = OPENFLOW_REFUSED;
    event->err = err;
    event->xid = xid;
    return true;
}

static bool
is_for(enum openflow_end end, uint32_t type)
{
    struct openflow_type_info info;
    unsigned to = end == OPENFLOW_SWITCH ? OPENFLOW_TO_SWITCH : OPENFLOW_TO_CONTROLLER;
    return openflow_type_info(type, &info) && (info.direction & to);
}

/* Replies that nobody waits for (any more) are dropped. Flow monitors go on under their number. */
static bool
is_stray(const struct openflow_session *s, const struct openflow_message *message)
{
    switch (message->type) {
    case OFPT_MULTIPART_REPLY:
        return message->multipart.type != ONFMP_FLOW_MONITOR &&
               message->multipart.type != OFPMP_EXPERIMENTER;
    case OFPT_ECHO_REPLY: /* to the one that was sent because of silence */
    case OFPT_HELLO:
    case OFPT_FEATURES_REPLY:
    case OFPT_GET_CONFIG_REPLY:
    case OFPT_BARRIER_REPLY:
    case OFPT_QUEUE_GET_CONFIG_REPLY:
    case OFPT_ROLE_REPLY:
    case OFPT_GET_ASYNC_REPLY:
        return true;
    case ONFT_BUNDLE_CONTROL:
        return s->config.end == OPENFLOW_CONTROLLER;
    default:
        return false;
    }
}

static bool
answer(struct openflow_session *s, struct request *request, struct openflow_event *event)
{
    if (s->message.type == OFPT_BARRIER_REPLY) { /* first what it confirms, itself last */
        s->confirming = true;
        s->confirm_at = s->requests.first;
        s->confirm_end = s->message.xid;
        return false;
    }
    event->kind = OPENFLOW_DONE;
    event->xid = s->message.xid;
    event->arg = request->arg;
    event->message = &s->message;
    requests_end(&s->requests, request);
    return true;
}

/* Deals with s->message. False: there is nothing to tell. */
static bool
accept_message(struct openflow_session *s, struct openflow_event *event)
{
    struct openflow_message *message = &s->message;
    struct request *request = requests_find(&s->requests, message->xid);
    bool multipart = message->type == OFPT_MULTIPART_REPLY;
    if (message->type == OFPT_ECHO_REQUEST) {
        message->type = OFPT_ECHO_REPLY;
        put_own(s, message);
        return false;
    }
    if (message->type == OFPT_ERROR) {
        s->stats.errors++;
        event->error = message->error.error;
        diag_set(&event->diag, ERR_DENIED, "%s", openflow_error_text(&event->error));
        event->message = message;
        if (request)
            return fail_request(s, request, message->xid, ERR_DENIED, event);
    } else if (request && request_is_answered_by(request, message->type,
                                                 multipart ? message->multipart.type : 0)) {
        return answer(s, request, event);
    } else if (is_stray(s, message)) {
        s->stats.unmatched += message->type != OFPT_ECHO_REPLY && message->type != OFPT_HELLO;
        return false;
    }
    event->kind = OPENFLOW_MESSAGE;
    event->xid = message->xid;
    event->message = message;
    return true;
}

/* The last part has come: all of them at once. */
static bool
finish_join(struct openflow_session *s, struct join *join, struct openflow_event *event)
{
    struct openflow_part part = join->part;
    part.body = (struct openflow_data){join->body.data, join->body.size};
    s->joined = arena_new(s->config.multipart_budget);
    enum err err = openflow_decode_body(&part, s->joined, &s->message, &event->error, &event->diag);
    joins_drop(&s->joins, join);
    if (err)
        return refuse(s, err, part.reply ? OFPT_MULTIPART_REPLY : OFPT_MULTIPART_REQUEST, part.xid,
                      event);
    return accept_message(s, event);
}

static bool
refuse_part(struct openflow_session *s, const struct openflow_part *part, enum err err,
            struct openflow_event *event)
{
    event->error = (struct openflow_error){
        OFPET_BAD_REQUEST,
        err == ERR_LIMIT ? OFPBRC_MULTIPART_BUFFER_OVERFLOW : OFPBRC_BAD_MULTIPART, 0};
    diag_set(&event->diag, err, "MULTIPART %s: %s", openflow_multipart_name(part->type),
             err == ERR_LIMIT ? "its parts are too long" : "its parts are of different types");
    return refuse(s, err, part->reply ? OFPT_MULTIPART_REPLY : OFPT_MULTIPART_REQUEST, part->xid,
                  event);
}

/* A multipart message that is not whole by itself: true if it is dealt with here, and then `*told`
 * says whether there is something to tell. */
static bool
take_part(struct openflow_session *s, const struct openflow_part *part,
          struct openflow_event *event, bool *told)
{
    struct join *join = joins_find(&s->joins, part->xid);
    struct request *request = requests_find(&s->requests, part->xid);
    *told = false;
    if (join && join->dead) {
        s->stats.unmatched++;
        if (!part->more)
            joins_drop(&s->joins, join);
        return true;
    }
    if (!join && (!part->more || (part->reply && !request)))
        return false;
    enum err err = joins_add(&s->joins, part, s->now);
    if (err) {
        *told = refuse_part(s, part, err, event);
        return true;
    }
    if (request)
        request->deadline = s->now + request->timeout;
    if (!part->more)
        *told = finish_join(s, joins_find(&s->joins, part->xid), event);
    return true;
}

/* One whole message of the peer. False: there is nothing to tell. */
static bool
take_message(struct openflow_session *s, const uint8_t *data, size_t size,
             struct openflow_event *event)
{
    struct openflow_part part;
    bool told;
    uint8_t type = data[1];
    uint32_t xid = get_be32(data + 4);
    s->stats.rx_messages++;
    s->heard = s->now;
    s->asked = false;
    event->raw = (struct openflow_data){data, size};
    if (s->state == UP && (type == OFPT_MULTIPART_REQUEST || type == OFPT_MULTIPART_REPLY) &&
        is_for(s->config.end, type)) {
        enum err err = openflow_part(data, size, &part, &event->error, &event->diag);
        if (err)
            return refuse(s, err, type, xid, event);
        if (take_part(s, &part, event, &told))
            return told;
    }
    enum err err = openflow_decode(data, size, s->arena, &s->message, &event->error, &event->diag);
    if (err && s->state == WAIT_HELLO) {
        openflow_session_close(s, err, event->diag.text);
        return false;
    }
    if (err)
        return refuse(s, err, type, xid, event);
    if (s->state == WAIT_HELLO)
        return greet(s, &s->message, event);
    if (!is_for(s->config.end, s->message.type)) {
        event->error = (struct openflow_error){OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE, 0};
        diag_set(&event->diag, ERR_INVALID, "a message of type %u is not for this end", type);
        return refuse(s, ERR_INVALID, type, xid, event);
    }
    return accept_message(s, event);
}

/* The next whole message in the input, if there is one and it means something. */
static bool
read_on(struct openflow_session *s, struct openflow_event *event)
{
    size_t size;
    while (s->state != DOWN && !s->confirming && s->in.size > s->at) {
        const uint8_t *data = s->in.data + s->at;
        enum err err = openflow_frame(data, s->in.size - s->at, s->config.message_limit, &size);
        if (err == ERR_TRUNCATED)
            return false;
        if (err) {
            openflow_session_close(s, err,
                                   err == ERR_LIMIT
                                       ? "the peer sent a message that is too long"
                                       : "the peer sent a message shorter than its header");
            return false;
        }
        arena_reset(s->arena);
        *event = (struct openflow_event){0};
        if (take_message(s, data, size, event)) {
            s->taken = size;
            return true;
        }
        s->at += size;
    }
    return false;
}

/* Tells the next command that the barrier confirms; the barrier itself comes last. */
static bool
confirm(struct openflow_session *s, struct openflow_event *event)
{
    struct request *request;
    for (; (request = requests_from(&s->requests, &s->confirm_at, s->confirm_end));
         s->confirm_at++) {
        if (request->kind == REQUEST_COMMAND)
            break;
    }
    event->kind = OPENFLOW_DONE;
    event->xid = request ? s->confirm_at : s->confirm_end;
    if (!request) {
        s->confirming = false;
        request = requests_find(&s->requests, s->confirm_end);
        s->message = (struct openflow_message){.type = OFPT_BARRIER_REPLY, .xid = event->xid};
        event->message = &s->message;
    }
    if (!request) /* it cannot have ended before what it confirms, but nothing depends on that */
        return false;
    event->arg = request->arg;
    requests_end(&s->requests, request);
    return true;
}

static bool
expire(struct openflow_session *s, struct openflow_event *event)
{
    struct request *request;
    uint32_t end = s->requests.first + s->requests.n;
    for (; (request = requests_from(&s->requests, &s->expire_at, end)); s->expire_at++) {
        if (request->deadline <= s->now) {
            s->stats.timeouts++;
            diag_set(&event->diag, ERR_TIMEOUT, "no answer in time");
            return fail_request(s, request, s->expire_at, ERR_TIMEOUT, event);
        }
        s->next_expiry = MIN(s->next_expiry, request->deadline);
    }
    s->expiring = false;
    return false;
}

/* All that waits fails, then the end. */
static bool
tell_down(struct openflow_session *s, struct openflow_event *event)
{
    uint32_t xid = s->requests.first;
    struct request *request = requests_from(&s->requests, &xid, xid + s->requests.n);
    event->diag = s->why_text;
    if (request)
        return fail_request(s, request, xid, s->why, event);
    if (s->told_down)
        return false;
    s->told_down = true;
    event->kind = OPENFLOW_DOWN;
    event->err = s->why;
    return true;
}

bool
openflow_session_next(struct openflow_session *s, struct openflow_event *event)
{
    s->at += s->taken;
    s->taken = 0;
    arena_free(s->joined);
    s->joined = NULL;
    *event = (struct openflow_event){0};
    for (;;) {
        if (s->confirming && confirm(s, event))
            return true;
        if (s->expiring && s->state == UP && expire(s, event))
            return true;
        if (s->state != DOWN && read_on(s, event))
            return true;
        *event = (struct openflow_event){0};
        if (s->state == DOWN)
            return tell_down(s, event);
        if (!s->confirming)
            return false;
    }
}

struct arena *
openflow_session_take_arena(struct openflow_session *s)
{
    struct arena *arena = s->joined;
    if (arena) {
        s->joined = NULL;
        return arena;
    }
    arena = s->arena;
    s->arena = arena_new(s->config.message_budget);
    return arena;
}

struct buf *
openflow_session_output(struct openflow_session *s)
{
    return &s->out;
}

bool
openflow_session_is_up(const struct openflow_session *s)
{
    return s->state == UP;
}

size_t
openflow_session_outstanding(const struct openflow_session *s)
{
    return s->requests.live;
}

const struct openflow_session_stats *
openflow_session_stats(const struct openflow_session *s)
{
    return &s->stats;
}

enum err
openflow_session_request(struct openflow_session *s, struct openflow_message *message, void *arg,
                         nsec_t timeout, nsec_t now)
{
    struct request request = {.arg = arg, .timeout = timeout};
    s->now = now;
    request.kind = (uint8_t)request_kind_of(message, &request.reply);
    if (s->state == DOWN)
        return ERR_CLOSED;
    if (s->state != UP || s->requests.n >= s->config.max_requests)
        return ERR_BUSY;
    bool other_way = s->config.end == OPENFLOW_SWITCH && message->type != OFPT_ECHO_REQUEST;
    if (request.kind == REQUEST_NONE || other_way)
        return ERR_INVALID;
    if (message->type == OFPT_MULTIPART_REQUEST)
        request.multipart_type = message->multipart.type;
    set_default(&request.timeout, s->config.request_timeout);
    request.deadline = now + request.timeout;

    message->xid = requests_take(&s->requests);
    enum err err = put_message(s, message);
    if (err)
        return err;
    requests_put(&s->requests, &request);
    s->next_expiry = MIN(s->next_expiry, request.deadline);
    return ERR_OK;
}

enum err
openflow_session_send(struct openflow_session *s, const struct openflow_message *message)
{
    if (s->state == DOWN)
        return ERR_CLOSED;
    return s->state == UP ? put_message(s, message) : ERR_BUSY;
}

enum err
openflow_session_send_error(struct openflow_session *s, const struct openflow_error *error,
                            const struct openflow_data *request)
{
    if (s->state == DOWN)
        return ERR_CLOSED;
    return s->state == UP ? send_error(s, error, request) : ERR_BUSY;
}
