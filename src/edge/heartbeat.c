#include "edge/heartbeat.h"

#include "base/cursor.h"

#define VERSION 1
#define URGENT 3 /* frames that tell of a change: one may be lost */

const struct mac heartbeat_address = {{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}};

const char *
heartbeat_fault_name(enum heartbeat_fault fault)
{
    static const char *const names[HEARTBEAT_N_FAULTS] = {
        [HEARTBEAT_NO_FAULT] = "",
        [HEARTBEAT_SILENT] = "silent",
        [HEARTBEAT_NOT_HEARD] = "not-heard",
        [HEARTBEAT_PEER_ENDED] = "peer-ended",
        [HEARTBEAT_PEER_RESTARTED] = "peer-restarted",
        [HEARTBEAT_WAITS] = "waits",
    };
    return fault < HEARTBEAT_N_FAULTS ? names[fault] : "";
}

const char *
heartbeat_state_name(enum heartbeat_state state)
{
    static const char *const names[] = {"ended", "down", "init", "up"};
    return state <= HEARTBEAT_UP ? names[state] : "";
}

/* ---- The frame ---- */

enum err
heartbeat_decode(const uint8_t *payload, size_t size, struct heartbeat_message *message,
                 struct diag *diag)
{
    struct cursor in = cursor_over(payload, size);
    if (cursor_be32(&in, "identifier") != HEARTBEAT_IDENTIFIER)
        cursor_fail(&in, ERR_UNSUPPORTED, "identifier");
    if (cursor_u8(&in, "version") != VERSION)
        cursor_fail(&in, ERR_UNSUPPORTED, "version");
    uint8_t state = cursor_u8(&in, "state");
    if (state > HEARTBEAT_UP)
        cursor_fail(&in, ERR_MALFORMED, "state");
    struct heartbeat_message m = {.state = (enum heartbeat_state)state};
    m.reason = cursor_u8(&in, "reason");
    m.multiplier = cursor_u8(&in, "multiplier");
    m.session = cursor_be64(&in, "session");
    m.peer_session = cursor_be64(&in, "peer's session");
    m.sequence = cursor_be32(&in, "sequence");
    m.interval_us = cursor_be32(&in, "interval");
    m.accept_us = cursor_be32(&in, "accepted interval");
    m.port = cursor_be32(&in, "port");
    uint8_t kind = cursor_u8(&in, "kind");
    cursor_skip(&in, 1, "reserved");
    m.echo_us = cursor_be32(&in, "echo interval");
    m.kind = (enum heartbeat_kind)kind;
    if (kind > HEARTBEAT_REPLY)
        cursor_fail(&in, ERR_MALFORMED, "kind");
    if (!m.multiplier || !m.session)
        cursor_fail(&in, ERR_MALFORMED, m.multiplier ? "session" : "multiplier");
    if (in.err)
        return cursor_explain(&in, diag);
    *message = m;
    return ERR_OK;
}

void
heartbeat_encode(const struct heartbeat_message *m, const struct mac *source, uint8_t *frame)
{
    uint8_t *p = frame + 14;
    memset(frame, 0, HEARTBEAT_FRAME_SIZE);
    memcpy(frame, heartbeat_address.octets, 6);
    memcpy(frame + 6, source->octets, 6);
    put_be16(frame + 12, HEARTBEAT_ETHERTYPE);
    put_be32(p, HEARTBEAT_IDENTIFIER);
    p[4] = VERSION;
    p[5] = (uint8_t)m->state;
    p[6] = m->reason;
    p[7] = m->multiplier;
    put_be64(p + 8, m->session);
    put_be64(p + 16, m->peer_session);
    put_be32(p + 24, m->sequence);
    put_be32(p + 28, m->interval_us);
    put_be32(p + 32, m->accept_us);
    put_be32(p + 36, m->port);
    p[40] = (uint8_t)m->kind;
    put_be32(p + 42, m->echo_us);
}

/* ---- Sessions: 32 bits of the node, 8 of its port, 24 that count ---- */

static uint32_t
node_of(uint64_t session)
{
    return (uint32_t)(session >> 32);
}

/* The next session of the same port. */
static uint64_t
next_session(uint64_t session)
{
    return (session & ~UINT64_C(0xffffff)) | ((session + 1) & 0xffffff);
}

/* Does the first come after the second, of the same node and port (RFC 1982)? */
static bool
is_later(uint64_t a, uint64_t b)
{
    return a >> 24 == b >> 24 && (int32_t)((uint32_t)(a - b) << 8) > 0;
}

/* ---- Intervals ---- */

static bool
both_reflect(const struct heartbeat *h)
{
    return h->config.reflects && h->peer.echo_us;
}

bool
heartbeat_echoes(const struct heartbeat *h)
{
    return h->state == HEARTBEAT_UP && both_reflect(h);
}

/* Of messages: what we would send and receive at. The peer comes to the same end. */
static nsec_t
own_interval(const struct heartbeat *h)
{
    return both_reflect(h) ? h->config.slow : h->config.interval;
}

static nsec_t
sending_interval(const struct heartbeat *h)
{
    nsec_t accepted = MIN(h->peer.accept_us * NSEC_PER_USEC, HEARTBEAT_INTERVAL_MAX);
    if (h->state == HEARTBEAT_UP)
        return MAX(own_interval(h), accepted);
    if (h->urgent)
        return h->config.interval;
    return h->fault || h->state == HEARTBEAT_INIT ? HEARTBEAT_RETRY : HEARTBEAT_HELLO;
}

static nsec_t
message_detection(const struct heartbeat *h)
{
    return h->peer.multiplier * MAX(own_interval(h), h->peer.interval_us * NSEC_PER_USEC);
}

static nsec_t
echo_interval(const struct heartbeat *h)
{
    nsec_t accepted = MIN(h->peer.echo_us * NSEC_PER_USEC, HEARTBEAT_INTERVAL_MAX);
    return MAX(h->config.interval, accepted);
}

nsec_t
heartbeat_detection(const struct heartbeat *h)
{
    if (heartbeat_echoes(h))
        return h->config.multiplier * echo_interval(h);
    return h->state == HEARTBEAT_UP ? message_detection(h) : 0;
}

/* Sends as soon as the interval allows. */
static void
hurry(struct heartbeat *h)
{
    h->send_at = MIN(h->send_at, h->sent_at + h->config.interval);
}

/* ---- States ---- */

static void
enter(struct heartbeat *h, enum heartbeat_state state)
{
    h->state = state;
    hurry(h);
}

/* Another session begins, so that nothing that was sent in this one counts any more. */
static void
go_down(struct heartbeat *h, enum heartbeat_fault fault, nsec_t now)
{
    h->counters.losses += h->fault == HEARTBEAT_NO_FAULT;
    h->fault = fault;
    h->session = next_session(h->session);
    h->sequence = 0;
    h->echo.proved = false;
    h->urgent = URGENT;
    h->tired_at = NSEC_NEVER;
    h->silent_at = now + HEARTBEAT_PATIENCE;
    enter(h, HEARTBEAT_DOWN);
}

/* The peer hears us, and we hear it. */
static void
may_go_up(struct heartbeat *h)
{
    if (both_reflect(h) && !h->echo.proved) { /* a reply will bring us here again */
        if (h->state == HEARTBEAT_DOWN)
            enter(h, HEARTBEAT_INIT);
        return;
    }
    h->echo.answered = h->echo.sequence;
    h->echo.send_at = h->sent_at;
    h->fault = HEARTBEAT_NO_FAULT;
    h->urgent = 0;
    h->tired_at = NSEC_NEVER;
    enter(h, HEARTBEAT_UP);
}

void
heartbeat_init(struct heartbeat *h, const struct heartbeat_config *config, nsec_t now)
{
    *h = (struct heartbeat){.config = *config,
                            .state = HEARTBEAT_DOWN,
                            .session = (uint64_t)config->node << 32 |
                                       (uint64_t)config->index << 24 | 1,
                            .sent_at = now - HEARTBEAT_HELLO,
                            .send_at = now,
                            .echo = {.send_at = NSEC_NEVER},
                            .silent_at = NSEC_NEVER,
                            .tired_at = NSEC_NEVER};
}

/* ---- In ---- */

/* Is the message of the session that is there, or of one that may take its place? */
static bool
is_credible(const struct heartbeat *h, const struct heartbeat_message *m)
{
    if (m->peer_session ? m->peer_session != h->session : m->state > HEARTBEAT_DOWN)
        return false; /* said to an earlier life of ours, or to somebody else */
    if (node_of(m->session) == h->left_node)
        return false;
    if (!h->peer.session)
        return true;
    if (m->session == h->peer.session)
        return (int32_t)(m->sequence - h->peer.sequence) > 0;
    return m->session >> 24 != h->peer.session >> 24 || is_later(m->session, h->peer.session);
}

static void
peer_changes(struct heartbeat *h, const struct heartbeat_message *m, nsec_t now)
{
    bool other = h->peer.session && m->session >> 24 != h->peer.session >> 24;
    if (other && node_of(m->session) != node_of(h->peer.session))
        h->left_node = node_of(h->peer.session);
    if (other && (h->state == HEARTBEAT_UP || h->fault))
        go_down(h, HEARTBEAT_PEER_RESTARTED, now);
}

/* A peer that says it is down, for whatever reason. */
static void
peer_is_down(struct heartbeat *h, const struct heartbeat_message *m, nsec_t now)
{
    if (h->state == HEARTBEAT_UP)
        go_down(h,
                m->reason == HEARTBEAT_SILENT || m->reason == HEARTBEAT_NOT_HEARD
                    ? HEARTBEAT_NOT_HEARD
                    : HEARTBEAT_PEER_RESTARTED,
                now);
    if (h->fault == HEARTBEAT_SILENT) /* it is the other direction that is lost */
        h->fault = HEARTBEAT_NOT_HEARD;
    if (h->state == HEARTBEAT_DOWN) {
        h->tired_at = now + HEARTBEAT_PATIENCE;
        enter(h, HEARTBEAT_INIT);
    }
}

static void
peer_ended(struct heartbeat *h, nsec_t now)
{
    if (h->state == HEARTBEAT_UP || h->fault)
        go_down(h, HEARTBEAT_PEER_ENDED, now);
    else
        enter(h, HEARTBEAT_DOWN);
    h->left_node = node_of(h->peer.session); /* it comes back as another one */
    h->peer = (struct heartbeat_message){0};
    h->tired_at = h->silent_at = NSEC_NEVER;
}

/* RFC 5880 section 6.8.6, from "If bfd.SessionState is AdminDown". */
static void
follow(struct heartbeat *h, const struct heartbeat_message *m, nsec_t now)
{
    switch (m->state) {
    case HEARTBEAT_ENDED:
        peer_ended(h, now);
        return;
    case HEARTBEAT_DOWN:
        peer_is_down(h, m, now);
        break;
    case HEARTBEAT_INIT:
        if (h->state != HEARTBEAT_UP)
            may_go_up(h);
        else
            hurry(h);
        break;
    case HEARTBEAT_UP:
        if (h->state == HEARTBEAT_INIT)
            may_go_up(h);
        break;
    }
    /* Fast only from when the peer sends fast. */
    h->silent_at = now + (h->state == HEARTBEAT_UP && m->state == HEARTBEAT_UP
                              ? message_detection(h)
                              : HEARTBEAT_PATIENCE);
}

/* ---- Echoes ---- */

/* When the requests that are not answered are silence: all of a detection time, and at least
 * `multiplier` of them. Those that an answer has overtaken do not count. */
static nsec_t
echo_silent_at(const struct heartbeat *h)
{
    uint32_t n = h->echo.sequence - h->echo.answered;
    if (!heartbeat_echoes(h) || n < h->config.multiplier)
        return NSEC_NEVER;
    uint32_t oldest = h->echo.sequence + 1 - MIN(n, HEARTBEAT_ECHOES);
    return h->echo.sent[oldest % HEARTBEAT_ECHOES] + heartbeat_detection(h);
}

static void
take_reply(struct heartbeat *h, const struct heartbeat_message *m)
{
    uint32_t ahead = m->sequence - h->echo.answered;
    if (m->session != h->session || !ahead || ahead > h->echo.sequence - h->echo.answered) {
        h->counters.ignored++;
        return;
    }
    h->echo.answered = m->sequence;
    h->echo.proved = true;
    h->counters.replies++;
    if (h->state == HEARTBEAT_INIT && h->peer.state >= HEARTBEAT_INIT)
        may_go_up(h);
}

static void
take_message(struct heartbeat *h, const struct heartbeat_message *m, nsec_t now)
{
    if (!is_credible(h, m)) {
        h->counters.ignored++;
        return;
    }
    h->counters.received++;
    if (m->session == h->peer.session)
        h->counters.missed += m->sequence - h->peer.sequence - 1;
    else
        peer_changes(h, m, now);
    h->peer = *m;
    follow(h, m, now);
}

void
heartbeat_input(struct heartbeat *h, const uint8_t *payload, size_t size, nsec_t now)
{
    struct heartbeat_message m;
    if (h->state == HEARTBEAT_ENDED)
        return;
    if (heartbeat_decode(payload, size, &m, NULL))
        h->counters.ignored++;
    else if (m.kind == HEARTBEAT_REPLY)
        take_reply(h, &m);
    else if (node_of(m.session) == h->config.node)
        h->counters.echoes++;
    else if (m.kind == HEARTBEAT_MESSAGE)
        take_message(h, &m, now);
    else
        h->counters.ignored++; /* a request: nobody reflects here */
}

/* ---- Time ---- */

void
heartbeat_check(struct heartbeat *h, nsec_t now)
{
    bool silent = heartbeat_silent_at(h) <= now;
    if (h->state == HEARTBEAT_UP && silent) {
        go_down(h, HEARTBEAT_SILENT, now);
        h->send_at = now; /* how often that can be is limited by silence itself */
        return;
    }
    if (silent) {
        if (h->fault == HEARTBEAT_NOT_HEARD)
            h->fault = HEARTBEAT_SILENT;
        /* Whoever it was, it may come back as somebody else. */
        h->state = HEARTBEAT_DOWN;
        h->peer = (struct heartbeat_message){0};
        h->left_node = 0;
        h->silent_at = h->tired_at = NSEC_NEVER;
    }
    if (h->tired_at <= now) {
        h->tired_at = NSEC_NEVER;
        if (h->fault == HEARTBEAT_NO_FAULT) {
            h->counters.losses++;
            h->fault = HEARTBEAT_NOT_HEARD;
        }
    }
}

void
heartbeat_excuse(struct heartbeat *h, nsec_t lateness)
{
    if (h->state == HEARTBEAT_UP && h->silent_at != NSEC_NEVER)
        h->silent_at += lateness;
}

/* By the clock and not by when it is sent, so that lateness does not add up. */
static nsec_t
start_of(nsec_t due, nsec_t interval, nsec_t now)
{
    return now - due < interval ? due : now;
}

static void
write_message(struct heartbeat *h, nsec_t now, uint8_t *frame)
{
    const struct heartbeat_message m = {
        .state = h->state,
        .reason = (uint8_t)h->fault,
        .multiplier = h->config.multiplier,
        .session = h->session,
        .peer_session = h->state == HEARTBEAT_DOWN ? 0 : h->peer.session,
        .sequence = ++h->sequence,
        .interval_us = (uint32_t)(own_interval(h) / NSEC_PER_USEC),
        .accept_us = (uint32_t)(own_interval(h) / NSEC_PER_USEC),
        .port = h->config.port,
        .echo_us = h->config.reflects ? (uint32_t)(HEARTBEAT_INTERVAL_MIN / NSEC_PER_USEC) : 0,
    };
    heartbeat_encode(&m, &h->config.mac, frame);
    if (h->urgent)
        h->urgent--;
    nsec_t interval = sending_interval(h);
    h->sent_at = start_of(h->send_at, interval, now);
    h->send_at = h->sent_at + interval;
    if (h->state == HEARTBEAT_INIT)
        h->echo.send_at = now;
}

static void
write_request(struct heartbeat *h, nsec_t now, uint8_t *frame)
{
    const struct heartbeat_message m = {.state = h->state,
                                        .multiplier = h->config.multiplier,
                                        .session = h->session,
                                        .sequence = ++h->echo.sequence,
                                        .port = h->config.port,
                                        .kind = HEARTBEAT_REQUEST};
    nsec_t interval = echo_interval(h);
    heartbeat_encode(&m, &h->config.mac, frame);
    h->echo.sent[m.sequence % HEARTBEAT_ECHOES] = now;
    h->echo.send_at = h->state == HEARTBEAT_UP ? start_of(h->echo.send_at, interval, now) + interval
                                               : NSEC_NEVER; /* with the next message */
}

static bool
request_is_due(const struct heartbeat *h, nsec_t now)
{
    return h->state >= HEARTBEAT_INIT && both_reflect(h) && h->echo.send_at <= now;
}

bool
heartbeat_output(struct heartbeat *h, nsec_t now, uint8_t frame[HEARTBEAT_FRAME_SIZE])
{
    if (h->send_at <= now)
        write_message(h, now, frame);
    else if (request_is_due(h, now))
        write_request(h, now, frame);
    else
        return false;
    h->counters.sent++;
    return true;
}

nsec_t
heartbeat_silent_at(const struct heartbeat *h)
{
    return MIN(h->silent_at, echo_silent_at(h));
}

nsec_t
heartbeat_deadline(const struct heartbeat *h)
{
    nsec_t deadline = MIN(h->send_at, MIN(h->silent_at, h->tired_at));
    if (heartbeat_echoes(h))
        deadline = MIN(deadline, MIN(h->echo.send_at, echo_silent_at(h)));
    return deadline;
}

void
heartbeat_end(struct heartbeat *h, nsec_t now)
{
    h->state = HEARTBEAT_ENDED;
    h->urgent = URGENT;
    h->send_at = now;
    h->silent_at = h->tired_at = NSEC_NEVER;
}

void
heartbeat_forget(struct heartbeat *h, nsec_t now)
{
    struct heartbeat_counters counters = h->counters;
    uint64_t session = next_session(h->session);
    struct heartbeat_config config = h->config;
    heartbeat_init(h, &config, now);
    h->counters = counters;
    h->session = session;
}
