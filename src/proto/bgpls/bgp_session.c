/* One octet of input is at most one event, so nothing has to be kept but the octets themselves:
 * bgp_session_next() reads on until there is something to tell. */
#include "proto/bgpls/bgp_session.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdlib.h>

#define INPUT_LIMIT ((size_t)16 << 20) /* octets given before events are asked for */

struct bgp_session {
    struct bgp_session_config config;
    enum bgp_state state;
    nsec_t now, started, heard;
    nsec_t keepalive_at; /* when to send the next one */
    nsec_t hold;         /* agreed; 0: none */
    struct bgp_open peer;
    bool has_peer, up;
    bool told_opened, told_down;
    size_t rx_limit, tx_limit; /* of a message */
    struct bgp_update_context context;

    struct buf in, out;
    size_t at;    /* of `in`: behind what has been dealt with */
    size_t taken; /* octets from there that the last event points to */

    enum err why;
    struct diag why_text;
    struct bgp_error sent, received;
    struct bgp_session_stats stats;
};

/* ---- sending */

static void
count_sent(struct bgp_session *s, enum bgp_type type, size_t before)
{
    s->stats.tx_messages[type]++;
    s->stats.tx_messages[0]++;
    s->stats.tx_octets += s->out.size - before;
}

static void
end_session(struct bgp_session *s, enum err err, const char *why)
{
    if (s->state == BGP_CLOSED)
        return;
    s->state = BGP_CLOSED;
    s->why = err;
    (void)diag_set(&s->why_text, err, "%s", why);
}

/* For what the machine sends by itself: if the peer does not read, that is the end. */
static void
sent_own(struct bgp_session *s, enum bgp_type type, size_t before)
{
    if (buf_err(&s->out)) {
        s->out.size = before;
        s->out.overflow = false;
        end_session(s, ERR_LIMIT, "the peer does not read what it is sent");
        return;
    }
    count_sent(s, type, before);
}

/* RFC 4271 section 10: three quarters of the interval, or up to all of it. */
static void
plan_keepalive(struct bgp_session *s)
{
    if (!s->hold) {
        s->keepalive_at = NSEC_NEVER;
        return;
    }
    nsec_t interval = s->hold / 3;
    s->config.seed = hash_mix(s->config.seed + 1);
    s->keepalive_at = s->now + interval - (nsec_t)(s->config.seed % 1024) * (interval / 4096);
}

static void
send_keepalive(struct bgp_session *s)
{
    size_t before = s->out.size;
    bgp_keepalive_encode(&s->out);
    sent_own(s, BGP_KEEPALIVE, before);
    plan_keepalive(s);
}

static void
notify(struct bgp_session *s, enum err err, const struct bgp_error *error)
{
    struct buf text = BUF_INIT;
    size_t before = s->out.size;
    if (s->state == BGP_CLOSED)
        return;
    bgp_notification_encode(error, &s->out);
    if (buf_err(&s->out)) {
        s->out.size = before;
        s->out.overflow = false;
    } else {
        count_sent(s, BGP_NOTIFICATION, before);
        s->sent = *error;
    }
    buf_str(&text, "sent NOTIFICATION ");
    bgp_error_print(error, &text);
    end_session(s, err, buf_cstr(&text));
    buf_fini(&text);
}

static void
notify_code(struct bgp_session *s, enum err err, uint8_t code, uint8_t subcode)
{
    struct bgp_error error;
    (void)bgp_error_set(&error, code, subcode, NULL, 0);
    notify(s, err, &error);
}

static void
send_open(struct bgp_session *s)
{
    const struct bgp_session_config *c = &s->config;
    struct bgp_open open = {
        .as = c->local_as,
        .hold_time = (uint16_t)(c->hold_time / NSEC_PER_SEC),
        .identifier = c->identifier,
        .link_state = true,
        .route_refresh = !c->no_route_refresh,
        .enhanced_refresh = !c->no_route_refresh,
        .extended_message = !c->no_extended_messages,
        /* A helper, which itself keeps nothing over a restart: no families (RFC 4724 section 3). */
        .graceful_restart = !c->no_graceful_restart,
        .graceful_notification = !c->no_graceful_restart,
    };
    size_t before = s->out.size;
    bgp_open_encode(&open, &s->out);
    sent_own(s, BGP_OPEN, before);
}

/* ---- life */

static void
set_defaults(struct bgp_session_config *config)
{
    if (!config->hold_time)
        config->hold_time = 90 * NSEC_PER_SEC;
    if (config->hold_time == NSEC_NEVER)
        config->hold_time = 0;
    else
        config->hold_time = MIN(MAX(config->hold_time, 3 * NSEC_PER_SEC),
                                UINT16_MAX * NSEC_PER_SEC);
    if (!config->open_timeout)
        config->open_timeout = 240 * NSEC_PER_SEC;
    if (!config->output_limit)
        config->output_limit = (size_t)16 << 20;
}

struct bgp_session *
bgp_session_new(const struct bgp_session_config *config, nsec_t now)
{
    struct bgp_session *s = xcalloc(1, sizeof *s);
    s->config = *config;
    set_defaults(&s->config);
    s->now = s->started = s->heard = now;
    s->keepalive_at = NSEC_NEVER;
    s->in = buf_limited(INPUT_LIMIT);
    s->out = buf_limited(s->config.output_limit);
    /* Received are longer messages if we offer it, sent if the peer does (RFC 8654 section 4). */
    s->rx_limit = s->config.no_extended_messages ? BGP_SIZE_MAX : BGP_EXTENDED_SIZE_MAX;
    s->tx_limit = BGP_SIZE_MAX;
    send_open(s);
    return s;
}

void
bgp_session_free(struct bgp_session *s)
{
    if (!s)
        return;
    buf_fini(&s->in);
    buf_fini(&s->out);
    free(s);
}

void
bgp_session_lost(struct bgp_session *s, enum err err, const char *why)
{
    end_session(s, err, why);
}

void
bgp_session_shutdown(struct bgp_session *s, enum bgp_code code, uint8_t subcode, const char *words)
{
    struct bgp_error error;
    (void)bgp_error_set(&error, (uint8_t)code, subcode, NULL, 0);
    bool administrator = code == BGP_ERR_CEASE &&
                         (subcode == BGP_CEASE_SHUTDOWN || subcode == BGP_CEASE_RESET);
    if (words && *words && administrator)
        bgp_error_set_communication(&error, words);
    notify(s, ERR_CLOSED, &error);
}

/* Until when something must have come. Without a hold time KEEPALIVE is waited for as OPEN is. */
static nsec_t
patience(const struct bgp_session *s)
{
    bool opening = s->state == BGP_OPEN_SENT || (s->state == BGP_OPEN_CONFIRM && !s->hold);
    if (opening)
        return s->started + s->config.open_timeout;
    return s->hold ? s->heard + s->hold : NSEC_NEVER;
}

void
bgp_session_tick(struct bgp_session *s, nsec_t now)
{
    s->now = MAX(s->now, now);
    if (s->state == BGP_CLOSED)
        return;
    if (s->now >= patience(s))
        notify_code(s, ERR_TIMEOUT, BGP_ERR_HOLD_TIMER, 0);
    else if (s->now >= s->keepalive_at)
        send_keepalive(s);
}

nsec_t
bgp_session_deadline(const struct bgp_session *s)
{
    return s->state == BGP_CLOSED ? NSEC_NEVER : MIN(s->keepalive_at, patience(s));
}

void
bgp_session_input(struct bgp_session *s, const uint8_t *data, size_t size, nsec_t now)
{
    s->now = MAX(s->now, now);
    if (s->state == BGP_CLOSED)
        return;
    s->at += s->taken;
    s->taken = 0;
    if (s->at) /* a long message may come in many small parts */
        buf_consume(&s->in, s->at);
    s->at = 0;
    buf_put(&s->in, data, size);
    s->stats.rx_octets += size;
    if (buf_err(&s->in))
        end_session(s, ERR_LIMIT, "more octets at once than are taken");
}

/* ---- messages */

static enum err
judge_open(const struct bgp_session *s, const struct bgp_open *open, struct bgp_error *error)
{
    const struct bgp_session_config *c = &s->config;
    uint16_t as = open->as > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)open->as;
    if (c->remote_as ? open->as != c->remote_as : as == 0)
        return bgp_error_set(error, BGP_ERR_OPEN, BGP_OPEN_BAD_PEER_AS, NULL, 0);
    if (open->as == c->local_as && open->identifier == c->identifier) /* RFC 6286 section 2.2 */
        return bgp_error_set(error, BGP_ERR_OPEN, BGP_OPEN_BAD_IDENTIFIER, NULL, 0);
    if (!open->link_state) { /* RFC 5492 section 3 */
        bgp_error_set_missing_family(error);
        return ERR_UNSUPPORTED;
    }
    return ERR_OK;
}

static void
agree(struct bgp_session *s, const struct bgp_open *open)
{
    s->peer = *open;
    s->has_peer = true;
    s->hold = MIN(s->config.hold_time, open->hold_time * NSEC_PER_SEC);
    s->context.external = open->as != s->config.local_as;
    s->context.four_octet_as = open->four_octet_as;
    if (open->extended_message)
        s->tx_limit = BGP_EXTENDED_SIZE_MAX;
}

static bool
take_open(struct bgp_session *s, const uint8_t *body, size_t size, struct bgp_event *event)
{
    struct bgp_open open;
    struct bgp_error error;
    enum err err = bgp_open_decode(body, size, &open, &error);
    if (!err)
        err = judge_open(s, &open, &error);
    if (err) {
        notify(s, err, &error);
        return false;
    }
    agree(s, &open);
    s->state = BGP_OPEN_CONFIRM;
    send_keepalive(s);
    event->kind = BGP_EVENT_OPENED;
    return true;
}

static bool
take_update(struct bgp_session *s, const uint8_t *body, size_t size, struct bgp_event *event)
{
    bgp_update_decode(body, size, &s->context, &event->update);
    const struct bgp_update *update = &event->update;
    s->stats.other_family += update->n_other_family;
    s->stats.withdrawn += update->verdict == BGP_TREAT_AS_WITHDRAW;
    s->stats.discarded += update->verdict == BGP_DISCARD_ATTRIBUTE;
    if (update->verdict == BGP_RESET) {
        notify(s, ERR_MALFORMED, &update->error);
        struct buf text = BUF_INIT;
        for (size_t i = 0; i < MIN(update->n_faults, BGP_FAULTS_MAX); i++)
            if (update->faults[i].verdict == BGP_RESET && !text.size)
                bgp_fault_print(&update->faults[i], &text);
        (void)diag_set(&s->why_text, ERR_MALFORMED, "UPDATE: %s", buf_cstr(&text));
        buf_fini(&text);
        return false;
    }
    event->kind = BGP_EVENT_UPDATE;
    return true;
}

static bool
take_refresh(struct bgp_session *s, const uint8_t *body, size_t size, struct bgp_event *event)
{
    /* RFC 7313 section 5; a request may be longer, with filters that we do not offer. */
    if (size != 4 && body[2] != BGP_REFRESH_REQUEST) {
        struct bgp_error error;
        (void)bgp_error_set(&error, BGP_ERR_ROUTE_REFRESH, BGP_REFRESH_BAD_LENGTH,
                            body - BGP_HEADER_SIZE, size + BGP_HEADER_SIZE);
        notify(s, ERR_MALFORMED, &error);
        return false;
    }
    if (bgp_refresh_decode(body, size, &event->refresh)) {
        s->stats.ignored_refreshes++;
        return false;
    }
    event->kind = BGP_EVENT_REFRESH;
    return true;
}

static bool
take_notification(struct bgp_session *s, const uint8_t *body, size_t size)
{
    struct buf text = BUF_INIT;
    bgp_notification_decode(body, size, &s->received);
    buf_str(&text, "received NOTIFICATION ");
    bgp_error_print(&s->received, &text);
    end_session(s, ERR_CLOSED, buf_cstr(&text));
    buf_fini(&text);
    return false;
}

/* A message that must not come in this state: RFC 6608 section 3. */
static bool
unexpected(struct bgp_session *s, uint8_t type)
{
    struct bgp_error error;
    (void)bgp_error_set(&error, BGP_ERR_FSM, (uint8_t)(s->state - BGP_OPEN_SENT + 1), &type, 1);
    notify(s, ERR_MALFORMED, &error);
    return false;
}

/* One whole message of the peer. False: there is nothing to tell. */
static bool
take_message(struct bgp_session *s, const uint8_t *data, size_t size, struct bgp_event *event)
{
    uint8_t type = data[18];
    const uint8_t *body = data + BGP_HEADER_SIZE;
    size_t left = size - BGP_HEADER_SIZE;
    s->stats.rx_messages[type]++;
    s->stats.rx_messages[0]++;
    if (type == BGP_NOTIFICATION)
        return take_notification(s, body, left);
    if (type == BGP_OPEN && s->state == BGP_OPEN_SENT) {
        s->heard = s->now;
        return take_open(s, body, left, event);
    }
    if (type == BGP_KEEPALIVE && s->state == BGP_OPEN_CONFIRM) {
        s->heard = s->now;
        s->state = BGP_ESTABLISHED;
        s->up = true;
        event->kind = BGP_EVENT_UP;
        return true;
    }
    if (s->state != BGP_ESTABLISHED || type == BGP_OPEN)
        return unexpected(s, type);
    s->heard = s->now;
    if (type == BGP_UPDATE)
        return take_update(s, body, left, event);
    return type == BGP_ROUTE_REFRESH && take_refresh(s, body, left, event);
}

/* The next whole message in the input, if there is one and it means something. */
static bool
read_on(struct bgp_session *s, struct bgp_event *event)
{
    struct bgp_error error;
    size_t size;
    while (s->state != BGP_CLOSED && s->in.size > s->at) {
        const uint8_t *data = s->in.data + s->at;
        enum err err = bgp_frame(data, s->in.size - s->at, s->rx_limit, &size, &error);
        if (err == ERR_TRUNCATED)
            return false;
        if (err) {
            notify(s, err, &error);
            return false;
        }
        if (take_message(s, data, size, event)) {
            s->taken = size;
            return true;
        }
        s->at += size;
    }
    return false;
}

/* RFC 4724 section 4.2, and with NOTIFICATION RFC 8538 section 4: kept is what both agreed on, but
 * never after a hard reset. */
static bool
is_graceful(const struct bgp_session *s)
{
    if (!s->up || s->config.no_graceful_restart || !s->peer.graceful_restart ||
        !s->peer.restart_link_state)
        return false;
    const struct bgp_error *error = s->received.code ? &s->received : &s->sent;
    if (!error->code)
        return s->why != ERR_LIMIT;
    return s->peer.graceful_notification &&
           !(error->code == BGP_ERR_CEASE && error->subcode == BGP_CEASE_HARD_RESET);
}

static bool
tell_down(struct bgp_session *s, struct bgp_event *event)
{
    if (s->told_down)
        return false;
    s->told_down = true;
    event->kind = BGP_EVENT_DOWN;
    event->err = s->why;
    event->diag = s->why_text;
    event->sent = s->sent;
    event->received = s->received;
    event->graceful = is_graceful(s);
    event->restart_time = s->peer.restart_time * NSEC_PER_SEC;
    return true;
}

bool
bgp_session_next(struct bgp_session *s, struct bgp_event *event)
{
    s->at += s->taken;
    s->taken = 0;
    event->err = ERR_OK;
    event->graceful = false;
    if (s->state != BGP_CLOSED && read_on(s, event))
        return true;
    return s->state == BGP_CLOSED && tell_down(s, event);
}

/* ---- asking */

struct buf *
bgp_session_output(struct bgp_session *s)
{
    return &s->out;
}

enum bgp_state
bgp_session_state(const struct bgp_session *s)
{
    return s->state;
}

const char *
bgp_state_name(enum bgp_state state)
{
    static const char *const names[] = {"OpenSent", "OpenConfirm", "Established", "Closed"};
    return names[state];
}

const struct bgp_open *
bgp_session_peer(const struct bgp_session *s)
{
    return s->has_peer ? &s->peer : NULL;
}

const struct bgp_session_stats *
bgp_session_stats(const struct bgp_session *s)
{
    return &s->stats;
}

bool
bgp_session_is_external(const struct bgp_session *s)
{
    return s->context.external;
}

bool
bgp_session_has_four_octet_as(const struct bgp_session *s)
{
    return s->context.four_octet_as;
}

nsec_t
bgp_session_hold_time(const struct bgp_session *s)
{
    return s->hold;
}

/* ---- telling */

static enum err
may_send(const struct bgp_session *s)
{
    if (s->state == BGP_CLOSED)
        return ERR_CLOSED;
    return s->state == BGP_ESTABLISHED ? ERR_OK : ERR_BUSY;
}

/* The longest run of whole NLRI that fits in `room`; 0: not even one. */
static size_t
whole_nlri(struct bgp_span nlri, size_t room, enum err *err)
{
    size_t at = 0;
    *err = ERR_OK;
    while (at < nlri.size) {
        if (nlri.size - at < 4 || nlri.size - at - 4 < get_be16(nlri.data + at + 2)) {
            *err = ERR_MALFORMED;
            return at;
        }
        size_t size = 4u + get_be16(nlri.data + at + 2);
        if (at + size > room)
            return at;
        at += size;
    }
    return at;
}

/* What an UPDATE needs beside NLRI and the attribute's value. */
enum { ANNOUNCE_OVERHEAD = 80, WITHDRAW_OVERHEAD = 40 };

static enum err
send_nlri(struct bgp_session *s, struct bgp_span nlri, struct bgp_announcement *a, size_t overhead)
{
    enum err err = may_send(s);
    while (!err && nlri.size) {
        size_t room = s->tx_limit > overhead ? s->tx_limit - overhead : 0, before = s->out.size;
        size_t size = whole_nlri(nlri, room, &err);
        if (err || !size)
            return err ? err : ERR_LIMIT;
        struct bgp_span part = {nlri.data, size};
        if (a)
            a->nlri = part;
        err = a ? bgp_announce_encode(a, s->tx_limit, &s->out)
                : bgp_withdraw_encode(&part, s->tx_limit, &s->out);
        if (!err)
            count_sent(s, BGP_UPDATE, before);
        nlri = (struct bgp_span){nlri.data + size, nlri.size - size};
    }
    return err;
}

enum err
bgp_session_announce(struct bgp_session *s, struct bgp_span nlri, struct bgp_span link_state)
{
    struct bgp_announcement a = {
        .link_state = link_state,
        .next_hop_size = 4,
        .local_as = s->config.local_as,
        .external = s->context.external,
        .four_octet_as = s->context.four_octet_as,
    };
    put_be32(a.next_hop, s->config.identifier);
    return send_nlri(s, nlri, &a, ANNOUNCE_OVERHEAD + link_state.size);
}

enum err
bgp_session_withdraw(struct bgp_session *s, struct bgp_span nlri)
{
    return send_nlri(s, nlri, NULL, WITHDRAW_OVERHEAD);
}

enum err
bgp_session_end_of_rib(struct bgp_session *s)
{
    size_t before = s->out.size;
    enum err err = may_send(s);
    if (!err)
        err = bgp_withdraw_encode(&(struct bgp_span){NULL, 0}, s->tx_limit, &s->out);
    if (!err)
        count_sent(s, BGP_UPDATE, before);
    return err;
}

enum err
bgp_session_refresh(struct bgp_session *s)
{
    size_t before = s->out.size;
    enum err err = may_send(s);
    if (err)
        return err;
    if (s->config.no_route_refresh || !s->peer.route_refresh)
        return ERR_UNSUPPORTED;
    bgp_refresh_encode(BGP_REFRESH_REQUEST, &s->out);
    if (buf_err(&s->out)) {
        s->out.size = before;
        s->out.overflow = false;
        return ERR_LIMIT;
    }
    count_sent(s, BGP_ROUTE_REFRESH, before);
    return ERR_OK;
}

bool
bgp_collision_loses(uint32_t local_identifier, uint32_t local_as, const struct bgp_open *peer,
                    bool initiated_by_us)
{
    bool we_are_higher = local_identifier != peer->identifier ? local_identifier > peer->identifier
                                                              : local_as > peer->as;
    return initiated_by_us != we_are_higher;
}
