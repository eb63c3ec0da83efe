/* The states are those of RFC 5440 annex A, with those of RFC 8253 before them:
 *
 *     WAIT_TLS    we sent StartTLS, or (a PCE that offers TLS) wait for what comes first
 *     HANDSHAKE   both sent it; the caller is at work and calls pcep_session_tls_done()
 *     OPEN_WAIT   our OPEN is sent, that of the peer is awaited
 *     KEEP_WAIT   and its KEEPALIVE or PCErr for ours
 *     UP, DOWN
 *
 * Two more facts say how far negotiation is: whether the peer has accepted our OPEN (local_ok), and
 * whether we have accepted its (remote_ok). Each side may send a second OPEN, once.
 *
 * Entries that are sent one after another share messages: the last message in the output is known
 * by its size, and an entry of the same type is added to it while it still waits there whole. */
#include "proto/pcep/pcep_session_private.h"

#include "base/alloc.h"

#include <stdlib.h>

#define INPUT_LIMIT ((size_t)16 << 20) /* octets given before events are asked for */
#define KEEP_MEMORY ((size_t)16 << 10) /* octets that are kept when idle, of each buffer */

enum { NO_KEEPALIVE = 255 };

/* ---- Beginning and end ---------------------------------------------------------------------- */

static void
set_default(nsec_t *value, nsec_t otherwise)
{
    if (!*value)
        *value = otherwise;
}

static void
set_defaults(struct pcep_session_config *config)
{
    if (config->keepalive == NO_KEEPALIVE)
        config->keepalive = config->deadtimer = 0; /* RFC 5440 section 7.3 */
    else if (!config->keepalive)
        config->keepalive = 30;
    if (!config->deadtimer)
        config->deadtimer = (uint8_t)MIN(4 * config->keepalive, UINT8_MAX);
    if (!config->min_keepalive)
        config->min_keepalive = 1;
    set_default(&config->open_wait, 60 * NSEC_PER_SEC);
    set_default(&config->keep_wait, 60 * NSEC_PER_SEC);
    if (!config->max_unknown_messages)
        config->max_unknown_messages = 5;
    if (!config->max_unknown_requests)
        config->max_unknown_requests = 5;
    if (!config->orders_a_message)
        config->orders_a_message = 1;
    if (!config->message_budget)
        config->message_budget = (size_t)8 << 20;
    if (!config->output_limit)
        config->output_limit = (size_t)64 << 20;
}

/* Everything that ends the session comes here; the first reason stays. */
void
pcep_go_down(struct pcep_session *s, enum err err, bool by_peer, const char *why)
{
    if (s->state == PCEP_DOWN)
        return;
    s->state = PCEP_DOWN;
    s->batch_type = 0;
    s->down.kind = PCEP_EVENT_DOWN;
    s->down.err = err;
    s->down.by_peer = by_peer;
    diag_set(&s->down.diag, err, "%s", why);
}

void
pcep_session_close(struct pcep_session *s, enum err err, const char *why)
{
    pcep_go_down(s, err, false, why);
}

/* ---- Sending -------------------------------------------------------------------------------- */

static void
count_sent(struct pcep_session *s, unsigned type, size_t before, bool whole)
{
    s->stats.tx_octets += s->out.size - before;
    s->stats.tx_messages += whole;
    s->stats.tx_type[type < ARRAY_SIZE(s->stats.tx_type) ? type : 0] += whole;
    s->spoken = s->now;
}

static enum err
put_message(struct pcep_session *s, const struct pcep_message *message)
{
    size_t before = s->out.size;
    enum err err = pcep_message_encode(message, &s->out);
    if (err)
        return err;
    s->batch_type = 0;
    count_sent(s, message->type, before, true);
    for (uint32_t i = 0; message->type == PCEP_PCERR && i < message->n_groups; i++)
        s->stats.tx_errors += message->groups[i].n_errors;
    return ERR_OK;
}

/* For what the machine sends by itself: if the peer does not read, that is the end. */
void
pcep_put_own(struct pcep_session *s, const struct pcep_message *message)
{
    if (put_message(s, message))
        pcep_go_down(s, ERR_LIMIT, false, "the peer does not read what it is sent");
}

void
pcep_put_bare(struct pcep_session *s, enum pcep_type type)
{
    pcep_put_own(s, &(struct pcep_message){.type = (uint8_t)type});
}

void
pcep_put_open(struct pcep_session *s)
{
    pcep_put_own(s, &(struct pcep_message){.type = PCEP_OPEN, .open = s->own_open});
}

/* One error about no request, or about the one that the fault names. */
void
pcep_put_error(struct pcep_session *s, const struct pcep_fault *fault,
               const struct pcep_open *proposal)
{
    struct pcep_error_object error = {.error = fault->error};
    struct pcep_error_group group = {.errors = &error, .n_errors = 1};
    if (fault->has_request_id) {
        group.request_ids = &fault->request_id;
        group.n_request_ids = 1;
    } else if (fault->has_srp_id) {
        group.srp_ids = &fault->srp_id;
        group.n_srp_ids = 1;
    }
    pcep_put_own(s,
                 &(struct pcep_message){
                     .type = PCEP_PCERR, .groups = &group, .n_groups = 1, .error_open = proposal});
}

void
pcep_put_session_error(struct pcep_session *s, struct pcep_error error)
{
    pcep_put_error(s, &(struct pcep_fault){.error = error}, NULL);
}

/* PCErr, and the end of a session that does not come up. */
void
pcep_give_up(struct pcep_session *s, struct pcep_error error, enum err err, const char *why)
{
    pcep_put_session_error(s, error);
    s->down.fault.error = error;
    pcep_go_down(s, err, false, why);
}

/* CLOSE, and the end of one that was up. */
void
pcep_end_session(struct pcep_session *s, enum pcep_close_reason reason, enum err err,
                 const char *why)
{
    if (s->state == PCEP_DOWN)
        return;
    pcep_put_own(s, &(struct pcep_message){.type = PCEP_CLOSE, .close.reason = (uint8_t)reason});
    s->down.reason = (uint8_t)reason;
    pcep_go_down(s, err, false, why);
}

void
pcep_session_end(struct pcep_session *s, enum pcep_close_reason reason, const char *why)
{
    pcep_end_session(s, reason, ERR_CLOSED, why);
}

void
pcep_session_refuse(struct pcep_session *s, const struct pcep_error *error, const char *why)
{
    if (s->state == PCEP_DOWN)
        return;
    s->down.fault.error = *error;
    pcep_put_session_error(s, *error);
    if (s->state == PCEP_UP)
        pcep_end_session(s, PCEP_CLOSE_NO_EXPLANATION, ERR_DENIED, why);
    pcep_go_down(s, ERR_DENIED, false, why);
}

/* ---- Making one ----------------------------------------------------------------------------- */

static void
copy_capabilities(struct pcep_session *s)
{
    struct pcep_octets *id = &s->config.capabilities.speaker_entity_id;
    s->own = arena_new((size_t)1 << 20);
    id->data = arena_memdup(s->own, id->data, id->size);
    id->size = id->data ? id->size : 0;
    s->own_open = (struct pcep_open){
        .keepalive = s->config.keepalive, .deadtimer = s->config.deadtimer, .sid = s->config.sid};
    /* A megabyte is enough for any. */
    if (pcep_capabilities_write(&s->config.capabilities, s->own, &s->own_open.tlvs))
        s->own_open.tlvs.n = 0;
}

void
pcep_start_open(struct pcep_session *s)
{
    s->state = PCEP_OPEN_WAIT;
    s->waiting = s->now;
    pcep_put_open(s);
}

struct pcep_session *
pcep_session_new(const struct pcep_session_config *config, nsec_t now)
{
    struct pcep_session *s = xcalloc(1, sizeof *s);
    s->config = *config;
    set_defaults(&s->config);
    s->now = s->waiting = s->heard = s->spoken = now;
    s->in = buf_limited(INPUT_LIMIT);
    s->out = buf_limited(s->config.output_limit);
    s->arena = arena_new(s->config.message_budget);
    copy_capabilities(s);
    if (s->config.tls == PCEP_TLS_NONE)
        pcep_start_open(s);
    else if (s->config.tls == PCEP_TLS_REQUIRED || s->config.end == PCEP_PCC)
        pcep_put_bare(s, PCEP_START_TLS); /* the state is WAIT_TLS */
    return s;
}

void
pcep_session_free(struct pcep_session *s)
{
    if (!s)
        return;
    buf_fini(&s->in);
    buf_fini(&s->out);
    arena_free(s->arena);
    arena_free(s->own);
    arena_free(s->peer);
    free(s);
}

/* ---- Time ----------------------------------------------------------------------------------- */

static nsec_t
dead_at(const struct pcep_session *s)
{
    uint8_t seconds = pcep_session_deadtimer(s);
    return seconds ? s->heard + seconds * NSEC_PER_SEC : NSEC_NEVER;
}

static nsec_t
keepalive_at(const struct pcep_session *s)
{
    uint8_t seconds = pcep_session_keepalive(s);
    return seconds ? s->spoken + seconds * NSEC_PER_SEC : NSEC_NEVER;
}

nsec_t
pcep_session_deadline(const struct pcep_session *s)
{
    switch (s->state) {
    case PCEP_DOWN:
        return NSEC_NEVER;
    case PCEP_UP:
        return MIN(dead_at(s), keepalive_at(s));
    case PCEP_KEEP_WAIT:
        return s->waiting + s->config.keep_wait;
    default:
        return s->waiting + s->config.open_wait;
    }
}

static void
tick_up(struct pcep_session *s)
{
    if (s->now >= dead_at(s)) {
        pcep_end_session(s, PCEP_CLOSE_DEADTIMER, ERR_TIMEOUT,
                         "the peer is silent: DeadTimer expired");
    } else if (s->now >= keepalive_at(s)) {
        s->stats.keepalives++;
        pcep_put_bare(s, PCEP_KEEPALIVE);
    }
}

void
pcep_session_tick(struct pcep_session *s, nsec_t now)
{
    s->now = now;
    if (now < pcep_session_deadline(s))
        return;
    switch (s->state) {
    case PCEP_WAIT_TLS:
        if (s->config.tls == PCEP_TLS_OFFERED && s->config.end == PCEP_PCE)
            pcep_give_up(s, PCEP_ERROR_NO_OPEN, ERR_TIMEOUT, "the peer sent no OPEN");
        else
            pcep_give_up(s, PCEP_ERROR_TLS_TIMEOUT, ERR_TIMEOUT, "the peer sent no StartTLS");
        break;
    case PCEP_HANDSHAKE:
        pcep_go_down(s, ERR_TIMEOUT, false, "the TLS handshake takes too long");
        break;
    case PCEP_OPEN_WAIT:
        pcep_give_up(s, PCEP_ERROR_NO_OPEN, ERR_TIMEOUT, "the peer sent no OPEN");
        break;
    case PCEP_KEEP_WAIT:
        pcep_give_up(s, PCEP_ERROR_NO_KEEPALIVE, ERR_TIMEOUT, "the peer did not answer our OPEN");
        break;
    case PCEP_UP:
        tick_up(s);
        break;
    case PCEP_DOWN:
        break;
    }
}

/* ---- Events --------------------------------------------------------------------------------- */

/* One whole message of the peer. False: there is nothing to tell. */
static bool
take(struct pcep_session *s, const uint8_t *data, size_t size, struct pcep_event *event)
{
    uint8_t type = data[1];
    s->stats.rx_messages++;
    s->stats.rx_type[type < ARRAY_SIZE(s->stats.rx_type) ? type : 0]++;
    s->heard = s->now;
    event->raw = (struct pcep_octets){data, (uint32_t)size};
    enum err err = pcep_message_decode(data, size, s->arena, &s->message, &event->fault,
                                       &event->diag);
    if (err)
        return pcep_take_undecodable(s, err, type, event);
    if (s->state == PCEP_UP)
        return pcep_converse(s, event);
    if (s->state == PCEP_WAIT_TLS && type == PCEP_OPEN && s->config.end == PCEP_PCE &&
        s->config.tls == PCEP_TLS_OFFERED)
        pcep_start_open(s); /* without, then */
    if (s->state == PCEP_WAIT_TLS) {
        pcep_wait_tls(s);
        return false;
    }
    return s->state != PCEP_DOWN && pcep_negotiate(s, event);
}

/* While messages come, their memory is used again and again; a thousand sessions that are idle hold
 * none of it. */
static void
let_go(struct pcep_session *s)
{
    if (arena_used(s->arena) > KEEP_MEMORY) {
        arena_free(s->arena);
        s->arena = arena_new(s->config.message_budget);
    }
    if (s->at == s->in.size && s->in.capacity > KEEP_MEMORY) {
        buf_fini(&s->in);
        s->at = 0;
    }
    if (!s->out.size && s->out.capacity > KEEP_MEMORY)
        buf_fini(&s->out);
}

/* Where the next message begins is not known any more. */
static void
lose_track(struct pcep_session *s, enum err err)
{
    static const char why[] = "the peer's octets are no PCEP message";
    struct pcep_error error = err == ERR_UNSUPPORTED ? PCEP_ERROR_VERSION : PCEP_ERROR_MALFORMED;
    if (s->state != PCEP_UP) {
        pcep_give_up(s, err == ERR_UNSUPPORTED ? error : PCEP_ERROR_INVALID_OPEN, err, why);
        return;
    }
    pcep_put_session_error(s, error);
    pcep_end_session(s, PCEP_CLOSE_MALFORMED, err, why);
}

static bool
read_on(struct pcep_session *s, struct pcep_event *event)
{
    size_t size;
    while (s->state != PCEP_DOWN && s->state != PCEP_HANDSHAKE && s->in.size > s->at) {
        const uint8_t *data = s->in.data + s->at;
        enum err err = pcep_frame(data, s->in.size - s->at, &size);
        if (err == ERR_TRUNCATED || (!err && size > s->in.size - s->at))
            return false;
        if (err) {
            lose_track(s, err);
            return false;
        }
        arena_reset(s->arena);
        *event = (struct pcep_event){0};
        if (take(s, data, size, event)) {
            s->taken = size;
            return true;
        }
        s->at += size;
    }
    return false;
}

void
pcep_session_input(struct pcep_session *s, const uint8_t *data, size_t size, nsec_t now)
{
    s->now = now;
    if (s->state == PCEP_DOWN)
        return;
    buf_consume(&s->in, s->at + s->taken);
    s->at = s->taken = 0;
    s->stats.rx_octets += size;
    buf_put(&s->in, data, size);
    if (buf_err(&s->in))
        pcep_go_down(s, ERR_LIMIT, false, "more input than is dealt with");
}

bool
pcep_session_next(struct pcep_session *s, struct pcep_event *event)
{
    s->at += s->taken;
    s->taken = 0;
    *event = (struct pcep_event){0};
    if (read_on(s, event))
        return true;
    *event = (struct pcep_event){0};
    if (s->state == PCEP_HANDSHAKE && !s->told_handshake) {
        s->told_handshake = true;
        event->kind = PCEP_EVENT_START_TLS;
        return true;
    }
    if (s->state != PCEP_DOWN || s->told_down) {
        let_go(s);
        return false;
    }
    s->told_down = true;
    *event = s->down;
    return true;
}

/* ---- For the caller ------------------------------------------------------------------------- */

struct buf *
pcep_session_output(struct pcep_session *s)
{
    return &s->out;
}

bool
pcep_session_is_up(const struct pcep_session *s)
{
    return s->state == PCEP_UP;
}

bool
pcep_session_is_secure(const struct pcep_session *s)
{
    return s->secure;
}

const struct pcep_capabilities *
pcep_session_peer(const struct pcep_session *s)
{
    return &s->peer_capabilities;
}

const struct pcep_open *
pcep_session_peer_open(const struct pcep_session *s)
{
    return &s->peer_open;
}

const struct pcep_capabilities *
pcep_session_own(const struct pcep_session *s)
{
    return &s->config.capabilities;
}

uint8_t
pcep_session_keepalive(const struct pcep_session *s)
{
    return s->own_open.keepalive;
}

uint8_t
pcep_session_deadtimer(const struct pcep_session *s)
{
    return s->peer_open.keepalive ? s->peer_open.deadtimer : 0;
}

const struct pcep_session_stats *
pcep_session_stats(const struct pcep_session *s)
{
    return &s->stats;
}

static enum err
may_send(const struct pcep_session *s)
{
    if (s->state == PCEP_DOWN)
        return ERR_CLOSED;
    return s->state == PCEP_UP ? ERR_OK : ERR_BUSY;
}

enum err
pcep_session_send(struct pcep_session *s, const struct pcep_message *message)
{
    enum err err = may_send(s);
    if (err)
        return err;
    switch (message->type) {
    case PCEP_OPEN:
    case PCEP_KEEPALIVE:
    case PCEP_CLOSE:
    case PCEP_START_TLS:
        return ERR_INVALID;
    default:
        return put_message(s, message);
    }
}

/* Is the last message of that type, does it still wait whole, and may it have more entries? */
static bool
may_join(const struct pcep_session *s, enum pcep_type type)
{
    return s->batch_type == type && s->batch_size <= s->out.size &&
           (type == PCEP_PCRPT || s->batch_n < s->config.orders_a_message);
}

enum err
pcep_session_send_entry(struct pcep_session *s, enum pcep_type type, const struct pcep_entry *entry)
{
    size_t before = s->out.size;
    enum err err = may_send(s);
    if (err)
        return err;
    bool joins = may_join(s, type);
    if (joins) {
        err = pcep_entry_append(type, entry, 0, &s->out, before - s->batch_size);
        joins = err != ERR_LIMIT;
    }
    if (!joins)
        err = pcep_entry_append(type, entry, 0, &s->out, before);
    if (err)
        return err;
    s->batch_size = joins ? s->batch_size + s->out.size - before : s->out.size - before;
    s->batch_n = joins ? s->batch_n + 1 : 1;
    s->batch_type = (uint8_t)type;
    count_sent(s, type, before, !joins);
    return ERR_OK;
}

enum err
pcep_session_send_error(struct pcep_session *s, const struct pcep_error *error,
                        const uint32_t *srp_ids, uint32_t n)
{
    struct pcep_error_object object = {.error = *error};
    struct pcep_error_group group = {
        .srp_ids = srp_ids, .n_srp_ids = n, .errors = &object, .n_errors = 1};
    return pcep_session_send(
        s, &(struct pcep_message){.type = PCEP_PCERR, .groups = &group, .n_groups = 1});
}
