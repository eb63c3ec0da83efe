/* A peer has a few connections for a moment, and one when things have settled. A connection that is
 * over is freed by settle(), which every callback ends with, so nothing is freed below a caller
 * that still holds it. */
#include "wan/bgp_speaker.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "io/address.h"
#include "io/clock.h"
#include "io/reconnect.h"
#include "io/timer.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_CONNECTIONS 4 /* of one peer */
#define HOLD_MIN NSEC_PER_SEC
#define HOLD_MAX (64 * NSEC_PER_SEC)
#define HEALTHY_AFTER (60 * NSEC_PER_SEC)
#define SEND_LIMIT ((size_t)64 << 20)
#define SEND_HIGH ((size_t)32 << 20) /* no more announcements while that much waits */

#define NOTES_PER_SECOND 16

/* Of one peer, or of strangers: they write no more into the log than that. */
struct notes {
    nsec_t since;
    unsigned n, left_out;
};

struct connection {
    struct bgp_peer *peer;
    struct stream *stream;       /* NULL: it has closed */
    struct bgp_session *session; /* NULL: not connected yet */
    bool ours;                   /* initiated by us */
    bool over;
};

struct bgp_peer {
    struct bgp_speaker *speaker;
    struct bgp_peer *next;
    char *name;
    char address[ADDRESS_TEXT_SIZE]; /* normal form, with port 0 or the one to connect to */
    struct bgp_peer_config config;
    struct connection *connections[MAX_CONNECTIONS];
    struct connection *established; /* one of them, or NULL */
    struct reconnect reconnect;
    struct timer *timer;
    struct bgpls_rib *rib;
    nsec_t since; /* up, or down */
    uint64_t n_sessions;
    char *why;                     /* the last one ended; NULL: none has */
    struct bgp_session_stats past; /* of sessions that are over */
    struct notes notes;
    nsec_t hold, refuse_until; /* after faults of the peer: its connections are turned away */
};

struct bgp_speaker {
    uv_loop_t *loop;
    struct bgp_speaker_config config;
    const struct bgp_speaker_handler *handler;
    void *arg;
    struct stream_listener *listener;
    struct bgp_peer *peers;
    struct notes notes; /* about strangers */
};

/* ---- telling */

static void
note(struct bgp_speaker *speaker, struct bgp_peer *peer, const char *text)
{
    struct notes *notes = peer ? &peer->notes : &speaker->notes;
    nsec_t now = clock_monotonic();
    char more[64];
    if (!speaker->handler->note)
        return;
    if (now - notes->since >= NSEC_PER_SEC) {
        snprintf(more, sizeof more, "%u more like these were left out", notes->left_out);
        if (notes->left_out)
            speaker->handler->note(speaker->arg, peer, more);
        *notes = (struct notes){.since = now};
    }
    if (notes->n++ < NOTES_PER_SECOND)
        speaker->handler->note(speaker->arg, peer, text);
    else
        notes->left_out++;
}

static void
on_change(void *arg, const struct bgpls_change *change)
{
    struct bgp_peer *peer = arg;
    if (peer->speaker->handler->changed)
        peer->speaker->handler->changed(peer->speaker->arg, peer, change);
}

static void
note_faults(struct bgp_peer *peer, const struct bgp_update *update)
{
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < MIN(update->n_faults, BGP_FAULTS_MAX); i++) {
        buf_clear(&text);
        buf_str(&text, "UPDATE: ");
        bgp_fault_print(&update->faults[i], &text);
        note(peer->speaker, peer, buf_cstr(&text));
    }
    buf_fini(&text);
}

/* ---- connections */

static void
add_stats(struct bgp_session_stats *to, const struct bgp_session_stats *from)
{
    for (size_t i = 0; i < ARRAY_SIZE(to->rx_messages); i++) {
        to->rx_messages[i] += from->rx_messages[i];
        to->tx_messages[i] += from->tx_messages[i];
    }
    to->rx_octets += from->rx_octets;
    to->tx_octets += from->tx_octets;
    to->withdrawn += from->withdrawn;
    to->discarded += from->discarded;
    to->other_family += from->other_family;
    to->ignored_refreshes += from->ignored_refreshes;
}

static void
free_connection(struct connection *c)
{
    if (c->session)
        add_stats(&c->peer->past, bgp_session_stats(c->session));
    stream_free(c->stream); /* delivers what is queued */
    bgp_session_free(c->session);
    free(c);
}

static void
flush(struct connection *c)
{
    struct buf *out = bgp_session_output(c->session);
    if (c->stream && out->size)
        (void)stream_send(c->stream, out->data, out->size); /* `closed` says if it failed */
    buf_clear(out);
}

/* DampPeerOscillations (RFC 4271 section 8.1.1): a peer that breaks the rules is not let in at once
 * again, and the next time later, for each of its sessions costs a walk over all that it told. */
static void
hold_back(struct bgp_peer *peer, enum err err)
{
    nsec_t now = clock_monotonic();
    if (peer->established && now - peer->since > HEALTHY_AFTER)
        peer->hold = 0;
    if (err != ERR_MALFORMED && err != ERR_UNSUPPORTED && err != ERR_LIMIT)
        return;
    peer->hold = MIN(MAX(peer->hold * 2, HOLD_MIN), HOLD_MAX);
    peer->refuse_until = now + peer->hold;
}

static void
down(struct connection *c, const struct bgp_event *event)
{
    struct bgp_peer *peer = c->peer;
    const struct bgp_speaker_handler *handler = peer->speaker->handler;
    c->over = true;
    hold_back(peer, event->err);
    if (peer->established != c) {
        note(peer->speaker, peer, event->diag.text);
        return;
    }
    peer->established = NULL;
    peer->since = clock_monotonic();
    free(peer->why);
    peer->why = xstrdup(event->diag.text);
    bool kept = event->graceful && event->restart_time > 0;
    if (handler->down)
        handler->down(peer->speaker->arg, peer, kept, event->diag.text);
    bgpls_rib_down(peer->rib, kept, event->restart_time, clock_monotonic());
}

static void take_events(struct connection *);

/* Two connections with one peer: the peer's OPEN has come on `c`. What ends is told at once, before
 * `c` can come up. */
static void
resolve_collision(struct connection *c)
{
    struct bgp_peer *peer = c->peer;
    const struct bgp_speaker_config *config = &peer->speaker->config;
    const struct bgp_open *open = bgp_session_peer(c->session);
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        struct connection *other = peer->connections[i];
        if (!other || other == c || other->over || !other->session)
            continue;
        enum bgp_state state = bgp_session_state(other->session);
        struct connection *loser = c;
        if (state == BGP_ESTABLISHED && open->graceful_restart) {
            /* RFC 4724 section 5: it has restarted, and we have not noticed. */
            bgp_session_lost(other->session, ERR_CLOSED, "the peer has connected anew");
            take_events(other);
            continue;
        }
        if (state == BGP_OPEN_SENT || state == BGP_CLOSED)
            continue; /* it will be compared when its OPEN comes */
        if (state == BGP_OPEN_CONFIRM)
            loser = c->ours == other->ours ||
                            bgp_collision_loses(config->identifier, config->local_as, open,
                                                other->ours)
                        ? other
                        : c;
        bgp_session_shutdown(loser->session, BGP_ERR_CEASE, BGP_CEASE_COLLISION, NULL);
        if (loser == c)
            return;
        take_events(other);
    }
}

static void
up(struct connection *c)
{
    struct bgp_peer *peer = c->peer;
    peer->established = c;
    peer->since = clock_monotonic();
    peer->n_sessions++;
    reconnect_connected(&peer->reconnect, clock_monotonic());
    bgpls_rib_up(peer->rib, bgp_session_peer(c->session), clock_monotonic());
    if (peer->speaker->handler->up)
        peer->speaker->handler->up(peer->speaker->arg, peer, bgp_session_peer(c->session));
}

static void
update(struct connection *c, const struct bgp_event *event)
{
    struct bgp_peer *peer = c->peer;
    struct bgp_error error;
    bool complete = bgpls_rib_is_complete(peer->rib);
    note_faults(peer, &event->update);
    if (bgpls_rib_update(peer->rib, &event->update, bgp_session_has_four_octet_as(c->session),
                         &error)) {
        note(peer->speaker, peer,
             "UPDATE: an NLRI leaves its attribute: session reset (RFC 9552 8.2.2)");
        bgp_session_shutdown(c->session, error.code, error.subcode, NULL);
        return;
    }
    if (!complete && bgpls_rib_is_complete(peer->rib) && peer->speaker->handler->complete)
        peer->speaker->handler->complete(peer->speaker->arg, peer);
}

static void
refresh(struct connection *c, enum bgp_refresh subtype)
{
    struct bgp_peer *peer = c->peer;
    bgpls_rib_refresh(peer->rib, subtype, clock_monotonic());
    if (subtype == BGP_REFRESH_REQUEST && peer->speaker->handler->refresh)
        peer->speaker->handler->refresh(peer->speaker->arg, peer);
}

static void
take_events(struct connection *c)
{
    struct bgp_event event;
    while (!c->over && bgp_session_next(c->session, &event)) {
        switch (event.kind) {
        case BGP_EVENT_OPENED:
            resolve_collision(c);
            break;
        case BGP_EVENT_UP:
            up(c);
            break;
        case BGP_EVENT_UPDATE:
            update(c, &event);
            break;
        case BGP_EVENT_REFRESH:
            refresh(c, event.refresh);
            break;
        case BGP_EVENT_DOWN:
            down(c, &event);
        }
    }
}

/* ---- settling */

static void
plan(struct bgp_peer *peer)
{
    nsec_t at = bgpls_rib_deadline(peer->rib), now = clock_monotonic();
    bool connected = false;
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        const struct connection *c = peer->connections[i];
        connected |= c && (c->ours || c == peer->established);
        if (c && c->session)
            at = MIN(at, bgp_session_deadline(c->session));
    }
    if (!connected && peer->config.port)
        at = MIN(at, reconnect_wake(&peer->reconnect));
    if (at == NSEC_NEVER)
        timer_stop(peer->timer);
    else
        timer_start(peer->timer, MAX(at - now, 0));
}

/* What is to be told is told, what is to be sent is sent, what is over goes. */
static void
settle(struct bgp_peer *peer)
{
    for (size_t i = 0; i < MAX_CONNECTIONS; i++)
        if (peer->connections[i] && peer->connections[i]->session)
            take_events(peer->connections[i]);
    /* One may have ended another that was looked at before. */
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        struct connection *c = peer->connections[i];
        if (!c)
            continue;
        if (c->session) {
            take_events(c);
            flush(c);
        }
        if (!c->over)
            continue;
        if (c->ours)
            reconnect_lost(&peer->reconnect, clock_monotonic());
        free_connection(c);
        peer->connections[i] = NULL;
    }
    plan(peer);
}

/* ---- streams */

static void
on_received(void *arg, struct stream *stream, const uint8_t *data, size_t size)
{
    struct connection *c = arg;
    (void)stream;
    bgp_session_input(c->session, data, size, clock_monotonic());
    settle(c->peer);
}

static void
on_closed(void *arg, struct stream *stream, enum err err, const char *reason)
{
    struct connection *c = arg;
    (void)stream;
    if (c->session) {
        bgp_session_lost(c->session, err, reason);
    } else {
        note(c->peer->speaker, c->peer, reason);
        c->over = true;
    }
    settle(c->peer);
}

static void
start_session(struct connection *c)
{
    struct bgp_peer *peer = c->peer;
    struct bgp_session_config config = {
        .local_as = peer->speaker->config.local_as,
        .identifier = peer->speaker->config.identifier,
        .remote_as = peer->config.remote_as,
        .hold_time = peer->config.hold_time,
        .no_graceful_restart = peer->config.no_graceful_restart,
        .output_limit = SEND_HIGH,
        .seed = hash_secret() ^ (uintptr_t)c,
    };
    c->session = bgp_session_new(&config, clock_monotonic());
}

static void
on_opened(void *arg, struct stream *stream)
{
    struct connection *c = arg;
    (void)stream;
    start_session(c);
    settle(c->peer);
}

static const struct stream_handler stream_handler = {
    .opened = on_opened, .received = on_received, .closed = on_closed};

/* A place for one more; if there is none, the first that is not established goes. */
static struct connection *
add_connection(struct bgp_peer *peer, bool ours)
{
    struct connection *c = xcalloc(1, sizeof *c);
    size_t at = 0;
    while (at < MAX_CONNECTIONS && peer->connections[at])
        at++;
    if (at == MAX_CONNECTIONS) {
        at = peer->connections[0] == peer->established;
        if (peer->connections[at]->ours)
            reconnect_lost(&peer->reconnect, clock_monotonic());
        free_connection(peer->connections[at]);
    }
    *c = (struct connection){.peer = peer, .ours = ours};
    peer->connections[at] = c;
    return c;
}

static void
start_connecting(struct bgp_peer *peer)
{
    struct diag diag;
    struct stream_config config = {.address = peer->address, .send_limit = SEND_LIMIT};
    struct connection *c = add_connection(peer, true);
    if (stream_connect(peer->speaker->loop, &config, &stream_handler, c, &c->stream, &diag)) {
        note(peer->speaker, peer, diag.text);
        c->over = true;
    }
}

static void
on_timer(void *arg)
{
    struct bgp_peer *peer = arg;
    nsec_t now = clock_monotonic();
    bool connected = false;
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        struct connection *c = peer->connections[i];
        connected |= c && (c->ours || c == peer->established);
        if (c && c->session)
            bgp_session_tick(c->session, now);
    }
    bgpls_rib_tick(peer->rib, now);
    if (!connected && peer->config.port && reconnect_run(&peer->reconnect, now))
        start_connecting(peer);
    settle(peer);
}

/* ---- the listener */

/* Without its port: "10.0.0.1", "[2001:db8::1]". */
static size_t
host_length(const char *address)
{
    const char *colon = strrchr(address, ':');
    return colon ? (size_t)(colon - address) : strlen(address);
}

static struct bgp_peer *
find_peer(const struct bgp_speaker *speaker, const char *address)
{
    size_t length = host_length(address);
    for (struct bgp_peer *peer = speaker->peers; peer; peer = peer->next)
        if (host_length(peer->address) == length && !memcmp(peer->address, address, length))
            return peer;
    return NULL;
}

static void
turn_away(struct bgp_speaker *speaker, struct bgp_peer *peer, struct stream *stream)
{
    struct bgp_error error;
    struct buf out = BUF_INIT;
    char text[ADDRESS_TEXT_SIZE + 64];
    snprintf(text, sizeof text, "%s %s", stream_peer_address(stream),
             peer ? "is held back after its faults" : "is no peer of ours");
    note(speaker, peer, text);
    (void)bgp_error_set(&error, BGP_ERR_CEASE, BGP_CEASE_REJECTED, NULL, 0);
    bgp_notification_encode(&error, &out);
    (void)stream_send(stream, out.data, out.size);
    buf_fini(&out);
    stream_free(stream);
}

static void
on_accepted(void *arg, struct stream *stream)
{
    struct bgp_speaker *speaker = arg;
    struct bgp_peer *peer = find_peer(speaker, stream_peer_address(stream));
    if (!peer || clock_monotonic() < peer->refuse_until) {
        turn_away(speaker, peer, stream);
        return;
    }
    struct connection *c = add_connection(peer, false);
    c->stream = stream;
    stream_set_handler(stream, &stream_handler, c);
    start_session(c);
    settle(peer);
}

static const struct stream_listener_handler listener_handler = {.accepted = on_accepted};

/* ---- life */

enum err
bgp_speaker_new(uv_loop_t *loop, const struct bgp_speaker_config *config,
                const struct bgp_speaker_handler *handler, void *arg, struct bgp_speaker **out,
                struct diag *diag)
{
    if (!config->local_as || !config->identifier)
        return diag_set(diag, ERR_INVALID, "BGP needs an AS and an identifier that are not 0");
    struct bgp_speaker *speaker = xcalloc(1, sizeof *speaker);
    *speaker = (struct bgp_speaker){
        .loop = loop, .config = *config, .handler = handler, .arg = arg};
    speaker->config.listen = NULL; /* not ours */
    if (config->listen) {
        struct stream_config stream = {.address = config->listen, .send_limit = SEND_LIMIT};
        enum err err = stream_listen(loop, &stream, &listener_handler, speaker, &speaker->listener,
                                     diag);
        if (err) {
            free(speaker);
            return err;
        }
    }
    *out = speaker;
    return ERR_OK;
}

static void
free_peer(struct bgp_peer *peer, uint8_t subcode, const char *words)
{
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        struct connection *c = peer->connections[i];
        if (!c)
            continue;
        if (c->session) {
            bgp_session_shutdown(c->session, BGP_ERR_CEASE, subcode, words);
            flush(c);
        }
        free_connection(c);
    }
    timer_free(peer->timer);
    bgpls_rib_free(peer->rib);
    free(peer->name);
    free(peer->why);
    free(peer);
}

void
bgp_speaker_free(struct bgp_speaker *speaker, const char *words)
{
    if (!speaker)
        return;
    stream_listener_free(speaker->listener);
    while (speaker->peers) {
        struct bgp_peer *peer = speaker->peers;
        speaker->peers = peer->next;
        free_peer(peer, BGP_CEASE_SHUTDOWN, words);
    }
    free(speaker);
}

const char *
bgp_speaker_address(const struct bgp_speaker *speaker)
{
    return speaker->listener ? stream_listener_address(speaker->listener) : "";
}

/* "10.0.0.1" and a port as address.h writes it, so that texts can be compared. */
static enum err
normal_address(const char *host, uint16_t port, char *text, struct diag *diag)
{
    char with_port[ADDRESS_TEXT_SIZE];
    union address address;
    bool ipv6 = strchr(host, ':');
    int length = snprintf(with_port, sizeof with_port, ipv6 ? "[%s]:%u" : "%s:%u", host,
                          port ? port : BGP_PORT);
    if (length >= (int)sizeof with_port || strncmp(host, "unix:", 5) == 0)
        return diag_set(diag, ERR_INVALID, "not the address of a peer: %s", host);
    enum err err = address_parse(with_port, &address, diag);
    if (!err)
        address_format(&address, text);
    return err;
}

enum err
bgp_speaker_add(struct bgp_speaker *speaker, const struct bgp_peer_config *config,
                struct bgp_peer **out, struct diag *diag)
{
    char address[ADDRESS_TEXT_SIZE];
    enum err err = normal_address(config->address, config->port, address, diag);
    if (err)
        return err;
    if (find_peer(speaker, address))
        return diag_set(diag, ERR_EXISTS, "there is a peer at %s", config->address);
    struct bgp_peer *peer = xcalloc(1, sizeof *peer);
    peer->speaker = speaker;
    peer->name = xstrdup(config->name ? config->name : config->address);
    peer->config = *config;
    peer->config.name = peer->config.address = NULL; /* not ours */
    memcpy(peer->address, address, sizeof address);
    struct reconnect_config again = {.seed = hash_secret() ^ (uintptr_t)peer};
    peer->since = clock_monotonic();
    reconnect_init(&peer->reconnect, &again, clock_monotonic());
    peer->timer = timer_new(speaker->loop, on_timer, peer);
    peer->rib = bgpls_rib_new(&(struct bgpls_rib_config){
        .budget = config->budget,
        .stale_limit = config->stale_limit,
        .local_as = speaker->config.local_as,
        .identifier = speaker->config.identifier,
        .changed = on_change,
        .arg = peer,
    });
    peer->next = speaker->peers;
    speaker->peers = peer;
    plan(peer);
    *out = peer;
    return ERR_OK;
}

void
bgp_speaker_remove(struct bgp_speaker *speaker, struct bgp_peer *peer)
{
    struct bgp_peer **at = &speaker->peers;
    while (*at != peer)
        at = &(*at)->next;
    *at = peer->next;
    free_peer(peer, BGP_CEASE_DECONFIGURED, NULL);
}

/* ---- peers */

const char *
bgp_peer_name(const struct bgp_peer *peer)
{
    return peer->name;
}

bool
bgp_peer_is_up(const struct bgp_peer *peer)
{
    return peer->established;
}

struct bgpls_rib *
bgp_peer_rib(struct bgp_peer *peer)
{
    return peer->rib;
}

const struct bgp_session *
bgp_peer_session(const struct bgp_peer *peer)
{
    return peer->established ? peer->established->session : NULL;
}

static const char *
state_name(const struct bgp_peer *peer)
{
    const struct connection *furthest = peer->established;
    bool connecting = false;
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        const struct connection *c = peer->connections[i];
        connecting |= c && !c->session;
        if (c && c->session && !c->over &&
            (!furthest || bgp_session_state(c->session) > bgp_session_state(furthest->session)))
            furthest = c;
    }
    if (furthest)
        return bgp_state_name(bgp_session_state(furthest->session));
    return connecting ? "Connect" : peer->config.port ? "Idle" : "Active";
}

void
bgp_peer_status(const struct bgp_peer *peer, struct bgp_peer_status *status)
{
    const struct bgp_session *session = bgp_peer_session(peer);
    *status = (struct bgp_peer_status){.state = state_name(peer),
                                       .up = session,
                                       .complete = bgpls_rib_is_complete(peer->rib),
                                       .since = peer->since,
                                       .why = peer->why ? peer->why : "",
                                       .n_sessions = peer->n_sessions,
                                       .messages = peer->past,
                                       .table = *bgpls_rib_stats(peer->rib)};
    for (size_t i = 0; i < MAX_CONNECTIONS; i++)
        if (peer->connections[i] && peer->connections[i]->session)
            add_stats(&status->messages, bgp_session_stats(peer->connections[i]->session));
    if (session) {
        status->as = bgp_session_peer(session)->as;
        status->identifier = bgp_session_peer(session)->identifier;
    }
}

/* Told and freed on the loop: callers may be in the midst of something. */
void
bgp_peer_reset(struct bgp_peer *peer, const char *words)
{
    if (!peer->established)
        return;
    bgp_session_shutdown(peer->established->session, BGP_ERR_CEASE, BGP_CEASE_RESET, words);
    timer_start(peer->timer, 0);
}

static enum err
may_send(const struct bgp_peer *peer)
{
    const struct connection *c = peer->established;
    if (!c || !c->stream)
        return ERR_CLOSED;
    return stream_pending(c->stream) > SEND_HIGH ? ERR_BUSY : ERR_OK;
}

enum err
bgp_peer_announce(struct bgp_peer *peer, struct bgp_span nlri, struct bgp_span link_state)
{
    enum err err = may_send(peer);
    if (err)
        return err;
    err = bgp_session_announce(peer->established->session, nlri, link_state);
    flush(peer->established);
    return err;
}

enum err
bgp_peer_withdraw(struct bgp_peer *peer, struct bgp_span nlri)
{
    enum err err = may_send(peer);
    if (err)
        return err;
    err = bgp_session_withdraw(peer->established->session, nlri);
    flush(peer->established);
    return err;
}

enum err
bgp_peer_end_of_rib(struct bgp_peer *peer)
{
    enum err err = may_send(peer);
    if (err)
        return err;
    err = bgp_session_end_of_rib(peer->established->session);
    flush(peer->established);
    return err;
}

enum err
bgp_peer_ask_again(struct bgp_peer *peer)
{
    enum err err = may_send(peer);
    if (err)
        return err;
    err = bgp_session_refresh(peer->established->session);
    flush(peer->established);
    return err;
}
