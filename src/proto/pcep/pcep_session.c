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
#include "proto/pcep/pcep_session.h"

#include "base/alloc.h"

#include <stdlib.h>

#define INPUT_LIMIT ((size_t)16 << 20) /* octets given before events are asked for */
#define KEEP_MEMORY ((size_t)16 << 10) /* octets that are kept when idle, of each buffer */

enum {
    NO_KEEPALIVE = 255,
    ERRORS_A_MESSAGE = 64,
};

enum state { WAIT_TLS, HANDSHAKE, OPEN_WAIT, KEEP_WAIT, UP, DOWN };

/* So many in a minute. */
struct rate {
    nsec_t since;
    uint32_t n;
};

struct pcep_session {
    struct pcep_session_config config;
    enum state state;
    nsec_t now;
    nsec_t waiting; /* since when, before UP */
    nsec_t heard, spoken;
    bool secure, told_handshake;
    bool local_ok, remote_ok, local_retried, remote_retried;
    bool met; /* an OPEN has come */

    struct arena *own; /* what config and own_open point to */
    struct pcep_open own_open;
    struct arena *peer; /* what peer_open points to; NULL: none has come */
    struct pcep_open peer_open;
    struct pcep_capabilities peer_capabilities;

    struct buf in, out;
    size_t at;         /* of `in`: behind what has been dealt with */
    size_t taken;      /* octets from there that the last event's `raw` is */
    size_t batch_size; /* octets of the last message in `out`, if entries may join it */
    uint32_t batch_entries;
    uint8_t batch_type;

    struct arena *arena; /* of one message; reset with every one */
    struct pcep_message message;
    struct rate unknown_messages, unknown_requests;

    bool told_down;
    struct pcep_event down;
    struct pcep_session_stats stats;
};

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
    if (!config->message_budget)
        config->message_budget = (size_t)8 << 20;
    if (!config->output_limit)
        config->output_limit = (size_t)64 << 20;
}

/* Everything that ends the session comes here; the first reason stays. */
static void
go_down(struct pcep_session *s, enum err err, bool by_peer, const char *why)
{
    if (s->state == DOWN)
        return;
    s->state = DOWN;
    s->batch_type = 0;
    s->down.kind = PCEP_EVENT_DOWN;
    s->down.err = err;
    s->down.by_peer = by_peer;
    diag_set(&s->down.diag, err, "%s", why);
}

void
pcep_session_close(struct pcep_session *s, enum err err, const char *why)
{
    go_down(s, err, false, why);
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
static void
put_own(struct pcep_session *s, const struct pcep_message *message)
{
    if (put_message(s, message))
        go_down(s, ERR_LIMIT, false, "the peer does not read what it is sent");
}

static void
put_bare(struct pcep_session *s, enum pcep_type type)
{
    put_own(s, &(struct pcep_message){.type = (uint8_t)type});
}

static void
put_open(struct pcep_session *s)
{
    put_own(s, &(struct pcep_message){.type = PCEP_OPEN, .open = s->own_open});
}

/* One error about no request, or about the one that the fault names. */
static void
put_error(struct pcep_session *s, const struct pcep_fault *fault, const struct pcep_open *proposal)
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
    put_own(s, &(struct pcep_message){
                   .type = PCEP_PCERR, .groups = &group, .n_groups = 1, .error_open = proposal});
}

static void
put_session_error(struct pcep_session *s, struct pcep_error error)
{
    put_error(s, &(struct pcep_fault){.error = error}, NULL);
}

/* PCErr, and the end of a session that does not come up. */
static void
give_up(struct pcep_session *s, struct pcep_error error, enum err err, const char *why)
{
    put_session_error(s, error);
    s->down.fault.error = error;
    go_down(s, err, false, why);
}

/* CLOSE, and the end of one that was up. */
static void
end_session(struct pcep_session *s, enum pcep_close_reason reason, enum err err, const char *why)
{
    if (s->state == DOWN)
        return;
    put_own(s, &(struct pcep_message){.type = PCEP_CLOSE, .close.reason = (uint8_t)reason});
    s->down.reason = (uint8_t)reason;
    go_down(s, err, false, why);
}

void
pcep_session_end(struct pcep_session *s, enum pcep_close_reason reason, const char *why)
{
    end_session(s, reason, ERR_CLOSED, why);
}

void
pcep_session_refuse(struct pcep_session *s, const struct pcep_error *error, const char *why)
{
    if (s->state == DOWN)
        return;
    s->down.fault.error = *error;
    put_session_error(s, *error);
    if (s->state == UP)
        end_session(s, PCEP_CLOSE_NO_EXPLANATION, ERR_DENIED, why);
    go_down(s, ERR_DENIED, false, why);
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

static void
start_open(struct pcep_session *s)
{
    s->state = OPEN_WAIT;
    s->waiting = s->now;
    put_open(s);
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
        start_open(s);
    else if (s->config.tls == PCEP_TLS_REQUIRED || s->config.end == PCEP_PCC)
        put_bare(s, PCEP_START_TLS); /* the state is WAIT_TLS */
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
    case DOWN:
        return NSEC_NEVER;
    case UP:
        return MIN(dead_at(s), keepalive_at(s));
    case KEEP_WAIT:
        return s->waiting + s->config.keep_wait;
    default:
        return s->waiting + s->config.open_wait;
    }
}

static void
tick_up(struct pcep_session *s)
{
    if (s->now >= dead_at(s)) {
        end_session(s, PCEP_CLOSE_DEADTIMER, ERR_TIMEOUT, "the peer is silent: DeadTimer expired");
    } else if (s->now >= keepalive_at(s)) {
        s->stats.keepalives++;
        put_bare(s, PCEP_KEEPALIVE);
    }
}

void
pcep_session_tick(struct pcep_session *s, nsec_t now)
{
    s->now = now;
    if (now < pcep_session_deadline(s))
        return;
    switch (s->state) {
    case WAIT_TLS:
        if (s->config.tls == PCEP_TLS_OFFERED && s->config.end == PCEP_PCE)
            give_up(s, PCEP_ERROR_NO_OPEN, ERR_TIMEOUT, "the peer sent no OPEN");
        else
            give_up(s, PCEP_ERROR_TLS_TIMEOUT, ERR_TIMEOUT, "the peer sent no StartTLS");
        break;
    case HANDSHAKE:
        go_down(s, ERR_TIMEOUT, false, "the TLS handshake takes too long");
        break;
    case OPEN_WAIT:
        give_up(s, PCEP_ERROR_NO_OPEN, ERR_TIMEOUT, "the peer sent no OPEN");
        break;
    case KEEP_WAIT:
        give_up(s, PCEP_ERROR_NO_KEEPALIVE, ERR_TIMEOUT, "the peer did not answer our OPEN");
        break;
    case UP:
        tick_up(s);
        break;
    case DOWN:
        break;
    }
}

/* ---- TLS ------------------------------------------------------------------------------------ */

/* The peer refused the session by PCErr. */
static void
be_refused(struct pcep_session *s, struct pcep_error error, enum err err)
{
    struct diag why;
    const char *value = pcep_error_value_name(&error);
    diag_set(&why, err, "the peer refused: %s%s%s", pcep_error_type_name(error.type),
             value ? ": " : "", value ? value : "");
    s->down.fault.error = error;
    go_down(s, err, true, why.text);
}

static struct pcep_error
first_error(const struct pcep_message *message)
{
    return message->groups[0].errors[0].error; /* a PCErr without any is not decoded */
}

/* RFC 8253 section 3.2: what comes while StartTLS is awaited. */
static void
wait_tls(struct pcep_session *s)
{
    bool sent = s->config.tls == PCEP_TLS_REQUIRED || s->config.end == PCEP_PCC;
    bool required = s->config.tls == PCEP_TLS_REQUIRED;
    switch (s->message.type) {
    case PCEP_START_TLS:
        if (!sent)
            put_bare(s, PCEP_START_TLS);
        if (s->state == WAIT_TLS)
            s->state = HANDSHAKE;
        break;
    case PCEP_OPEN:
        give_up(s, required ? PCEP_ERROR_TLS_ONLY : PCEP_ERROR_TLS_NOT_HERE,
                required ? ERR_DENIED : ERR_UNSUPPORTED, "the peer does not speak TLS");
        break;
    case PCEP_PCERR: {
        /* One that knows nothing of StartTLS takes it for an OPEN that is invalid. */
        struct pcep_error error = first_error(&s->message);
        bool plain = (error.type == PCEP_ERROR_START_TLS && error.value == 4) ||
                     (error.type == PCEP_ERROR_SESSION && error.value == 1);
        be_refused(s, error, plain && !required ? ERR_UNSUPPORTED : ERR_DENIED);
        break;
    }
    default:
        give_up(s, PCEP_ERROR_TLS_UNEXPECTED, ERR_MALFORMED,
                "the peer's first message is neither StartTLS nor OPEN");
    }
}

void
pcep_session_tls_done(struct pcep_session *s, nsec_t now)
{
    s->now = now;
    if (s->state != HANDSHAKE)
        return;
    s->secure = true;
    buf_clear(&s->in);
    s->at = s->taken = 0;
    start_open(s);
}

struct pcep_octets
pcep_session_rest(const struct pcep_session *s)
{
    size_t at = s->at + s->taken;
    if (s->state != HANDSHAKE || s->in.size <= at)
        return (struct pcep_octets){0};
    return (struct pcep_octets){s->in.data + at, (uint32_t)(s->in.size - at)};
}

/* ---- Negotiation ---------------------------------------------------------------------------- */

/* The peer's OPEN is kept as long as the session, in an arena of its own. */
static void
keep_open(struct pcep_session *s, const uint8_t *data, size_t size)
{
    struct pcep_message copy;
    struct arena *arena = arena_new(s->config.message_budget);
    if (pcep_message_decode(data, size, arena, &copy, NULL, NULL)) {
        arena_free(arena); /* it was decoded before: it cannot be */
        return;
    }
    arena_free(s->peer);
    s->peer = arena;
    s->peer_open = copy.open;
    pcep_capabilities_read(&s->peer_open, &s->peer_capabilities);
}

static bool
is_acceptable(const struct pcep_session *s, const struct pcep_open *open)
{
    const struct pcep_session_config *config = &s->config;
    uint8_t dead = open->keepalive ? open->deadtimer : 0;
    if (open->keepalive && open->keepalive < config->min_keepalive)
        return false;
    return !config->max_deadtimer || (dead && dead <= config->max_deadtimer);
}

/* The values next to the peer's that would do. */
static struct pcep_open
propose(const struct pcep_session *s, const struct pcep_open *open)
{
    const struct pcep_session_config *config = &s->config;
    struct pcep_open proposal = {.keepalive = MAX(open->keepalive, config->min_keepalive),
                                 .sid = open->sid};
    unsigned dead = MAX(open->deadtimer, 4u * proposal.keepalive);
    if (config->max_deadtimer)
        dead = MIN(dead, config->max_deadtimer);
    if (config->max_deadtimer && proposal.keepalive > config->max_deadtimer / 2)
        proposal.keepalive = MAX(config->max_deadtimer / 2, 1);
    proposal.deadtimer = (uint8_t)MIN(dead, UINT8_MAX);
    return proposal;
}

static bool
has_setup_type(const struct pcep_capabilities *capabilities, unsigned type)
{
    return capabilities->path_setup_types >> type & 1;
}

/* RFC 8664 section 5.1, 9603 section 5.1: who speaks SR says how. Type 0: all is well. */
static struct pcep_error
check_capabilities(const struct pcep_session *s)
{
    enum { NO_LIMIT = 1 };
    const struct pcep_capabilities *peer = &s->peer_capabilities;
    if (has_setup_type(peer, PCEP_PST_SR) && !peer->sr)
        return PCEP_ERROR_NO_SR_CAPABILITY;
    if (has_setup_type(peer, PCEP_PST_SRV6) && !peer->srv6)
        return PCEP_ERROR_NO_SRV6_CAPABILITY;
    if (s->config.end == PCEP_PCE && has_setup_type(peer, PCEP_PST_SR) && !peer->sr_msd &&
        !(peer->sr_flags & NO_LIMIT))
        return PCEP_ERROR_MSD_ZERO;
    return (struct pcep_error){0, 0};
}

/* False: there is nothing to tell. */
static bool
come_up(struct pcep_session *s, struct pcep_event *event)
{
    if (s->state == DOWN)
        return false;
    if (s->local_ok && s->remote_ok) {
        s->state = UP;
        event->kind = PCEP_EVENT_UP;
        return true;
    }
    s->state = s->remote_ok || s->remote_retried ? KEEP_WAIT : OPEN_WAIT;
    if (s->local_ok)
        s->state = OPEN_WAIT;
    s->waiting = s->now;
    return false;
}

static bool
take_open(struct pcep_session *s, struct pcep_event *event)
{
    if (s->remote_ok) {
        give_up(s, PCEP_ERROR_INVALID_OPEN, ERR_MALFORMED, "the peer sent OPEN once more");
        return false;
    }
    s->met = true;
    keep_open(s, event->raw.data, event->raw.size);
    struct pcep_error error = check_capabilities(s);
    if (error.type) {
        give_up(s, error, ERR_INVALID, pcep_error_value_name(&error));
        return false;
    }
    if (is_acceptable(s, &s->peer_open)) {
        s->remote_ok = true;
        put_bare(s, PCEP_KEEPALIVE);
    } else if (!s->remote_retried) {
        struct pcep_open proposal = propose(s, &s->peer_open);
        s->remote_retried = true;
        put_error(s, &(struct pcep_fault){.error = PCEP_ERROR_UNACCEPTABLE_NEGOTIABLE}, &proposal);
    } else {
        give_up(s, PCEP_ERROR_SECOND_OPEN_UNACCEPTABLE, ERR_INVALID,
                "the peer's timers are not acceptable, its second OPEN's neither");
    }
    return come_up(s, event);
}

/* PCErr 1/4: the peer says which timers it would accept. */
static void
take_proposal(struct pcep_session *s)
{
    const struct pcep_open *proposal = s->message.error_open;
    if (!proposal || s->local_retried) {
        be_refused(s, PCEP_ERROR_UNACCEPTABLE_NEGOTIABLE, ERR_DENIED);
        return;
    }
    if (!proposal->keepalive ||
        (proposal->deadtimer && proposal->deadtimer < proposal->keepalive)) {
        give_up(s, PCEP_ERROR_PCERR_UNACCEPTABLE, ERR_INVALID,
                "the peer proposes timers that are not acceptable");
        return;
    }
    s->local_retried = true;
    s->own_open.keepalive = proposal->keepalive;
    s->own_open.deadtimer = proposal->deadtimer;
    put_open(s);
    s->state = s->remote_ok ? KEEP_WAIT : OPEN_WAIT;
    s->waiting = s->now;
}

/* What comes before the session is up. False: there is nothing to tell. */
static bool
negotiate(struct pcep_session *s, struct pcep_event *event)
{
    struct pcep_error error;
    switch (s->message.type) {
    case PCEP_OPEN:
        return take_open(s, event);
    case PCEP_KEEPALIVE:
        if (!s->met)
            break;
        s->local_ok = true;
        return come_up(s, event);
    case PCEP_PCERR:
        error = first_error(&s->message);
        if (error.type == PCEP_ERROR_SESSION && error.value == 4)
            take_proposal(s);
        else
            be_refused(s, error, ERR_DENIED);
        return false;
    case PCEP_CLOSE:
        s->down.reason = s->message.close.reason;
        go_down(s, ERR_CLOSED, true, pcep_close_reason_name(s->message.close.reason));
        return false;
    case PCEP_START_TLS:
        give_up(s, s->met || s->secure ? PCEP_ERROR_TLS_LATE : PCEP_ERROR_TLS_NOT_HERE,
                ERR_UNSUPPORTED, "the peer wants TLS, which is not spoken here");
        return false;
    default:
        break;
    }
    give_up(s, PCEP_ERROR_INVALID_OPEN, ERR_MALFORMED, "the peer did not begin with OPEN");
    return false;
}

/* ---- Messages ------------------------------------------------------------------------------- */

/* Counts one; true: that is more than `limit` in a minute. */
static bool
is_too_often(struct rate *rate, uint32_t limit, nsec_t now)
{
    if (!rate->n || now - rate->since >= 60 * NSEC_PER_SEC)
        *rate = (struct rate){now, 0};
    return ++rate->n > limit;
}

void
pcep_session_unknown_request(struct pcep_session *s, nsec_t now)
{
    s->now = now;
    if (s->state == UP &&
        is_too_often(&s->unknown_requests, s->config.max_unknown_requests, s->now))
        end_session(s, PCEP_CLOSE_UNKNOWN_REQUESTS, ERR_INVALID,
                    "too many answers to what was not asked");
}

static void
refuse(struct pcep_session *s, enum err err, struct pcep_event *event)
{
    s->stats.refused++;
    event->kind = PCEP_EVENT_REFUSED;
    event->err = err;
}

/* A message that is not known, or not to be sent to this end (RFC 5440 section 6.9). */
static bool
take_unknown(struct pcep_session *s, enum err err, struct pcep_event *event)
{
    s->stats.unknown_messages++;
    refuse(s, err, event);
    put_error(s, &event->fault, NULL);
    if (is_too_often(&s->unknown_messages, s->config.max_unknown_messages, s->now))
        end_session(s, PCEP_CLOSE_UNRECOGNIZED_MESSAGES, ERR_INVALID,
                    "too many messages of unknown types");
    return true;
}

static bool
is_for(enum pcep_end end, unsigned type)
{
    switch (type) {
    case PCEP_PCNTF:
    case PCEP_PCERR:
        return true;
    case PCEP_PCREQ:
    case PCEP_PCRPT:
        return end == PCEP_PCE;
    case PCEP_PCREP:
    case PCEP_PCUPD:
    case PCEP_PCINITIATE:
        return end == PCEP_PCC;
    default:
        return false;
    }
}

/* RFC 8231 section 5.4, 8281 section 4.1: both must have said so. Type 0: they have. */
static struct pcep_error
check_agreement(const struct pcep_session *s)
{
    const struct pcep_capabilities *own = &s->config.capabilities, *peer = &s->peer_capabilities;
    uint32_t both = own->stateful_flags & peer->stateful_flags;
    bool stateful = own->stateful && peer->stateful;
    switch (s->message.type) {
    case PCEP_PCRPT:
        return stateful ? (struct pcep_error){0, 0} : PCEP_ERROR_REPORT_NOT_NEGOTIATED;
    case PCEP_PCUPD:
        return stateful && both & PCEP_LSP_UPDATE ? (struct pcep_error){0, 0}
                                                  : PCEP_ERROR_UPDATE_NOT_NEGOTIATED;
    case PCEP_PCINITIATE:
        return stateful && both & PCEP_LSP_INSTANTIATION ? (struct pcep_error){0, 0}
                                                         : PCEP_ERROR(PCEP_ERROR_CAPABILITY, 0);
    default:
        return (struct pcep_error){0, 0};
    }
}

/* Entries that were refused alone, each with what it was about. */
static void
answer_faults(struct pcep_session *s)
{
    const struct pcep_message *m = &s->message;
    struct pcep_error_object errors[ERRORS_A_MESSAGE];
    struct pcep_error_group groups[ERRORS_A_MESSAGE];
    struct pcep_lsp lsps[ERRORS_A_MESSAGE];
    for (uint32_t i = 0; i < m->n_faults; i += ERRORS_A_MESSAGE) {
        uint32_t n = MIN(m->n_faults - i, ERRORS_A_MESSAGE);
        for (uint32_t k = 0; k < n; k++) {
            const struct pcep_fault *fault = &m->faults[i + k];
            errors[k] = (struct pcep_error_object){.error = fault->error};
            lsps[k] = (struct pcep_lsp){.plsp_id = fault->plsp_id};
            groups[k] = (struct pcep_error_group){.errors = &errors[k], .n_errors = 1};
            if (fault->has_request_id) {
                groups[k].request_ids = &fault->request_id;
                groups[k].n_request_ids = 1;
            } else if (fault->has_srp_id) {
                groups[k].srp_ids = &fault->srp_id;
                groups[k].n_srp_ids = 1;
            } else if (fault->plsp_id) {
                groups[k].lsp = &lsps[k];
            }
        }
        put_own(s, &(struct pcep_message){.type = PCEP_PCERR, .groups = groups, .n_groups = n});
    }
    s->stats.faults += m->n_faults;
}

static bool
take_message(struct pcep_session *s, struct pcep_event *event)
{
    event->fault.error = check_agreement(s);
    if (event->fault.error.type) {
        event->fault.object = pcep_type_name(s->message.type);
        diag_set(&event->diag, ERR_DENIED, "%s: the capability was not agreed on",
                 event->fault.object);
        refuse(s, ERR_DENIED, event);
        put_error(s, &event->fault, NULL);
        if (event->fault.error.type == PCEP_ERROR_INVALID_OPERATION)
            end_session(s, PCEP_CLOSE_NO_EXPLANATION, ERR_DENIED, event->diag.text);
        return true;
    }
    if (s->message.type == PCEP_PCERR) {
        for (uint32_t i = 0; i < s->message.n_groups; i++)
            s->stats.rx_errors += s->message.groups[i].n_errors;
    }
    answer_faults(s);
    event->kind = PCEP_EVENT_MESSAGE;
    event->message = &s->message;
    return true;
}

/* What comes when the session is up. False: there is nothing to tell. */
static bool
converse(struct pcep_session *s, struct pcep_event *event)
{
    switch (s->message.type) {
    case PCEP_KEEPALIVE:
        return false;
    case PCEP_CLOSE:
        s->down.reason = s->message.close.reason;
        go_down(s, ERR_CLOSED, true, pcep_close_reason_name(s->message.close.reason));
        return false;
    case PCEP_OPEN:
        put_session_error(s, PCEP_ERROR_INVALID_OPEN);
        end_session(s, PCEP_CLOSE_MALFORMED, ERR_MALFORMED, "the peer sent OPEN once more");
        return false;
    case PCEP_START_TLS:
        put_session_error(s, PCEP_ERROR_TLS_LATE);
        end_session(s, PCEP_CLOSE_MALFORMED, ERR_MALFORMED, "the peer sent StartTLS too late");
        return false;
    default:
        break;
    }
    if (!is_for(s->config.end, s->message.type)) {
        event->fault = (struct pcep_fault){.error = PCEP_ERROR(PCEP_ERROR_CAPABILITY, 0),
                                           .object = pcep_type_name(s->message.type)};
        diag_set(&event->diag, ERR_INVALID, "%s is not for this end", event->fault.object);
        return take_unknown(s, ERR_INVALID, event);
    }
    return take_message(s, event);
}

/* Octets that are no message, of whatever state. Errors are never answered with errors. */
static bool
take_undecodable(struct pcep_session *s, enum err err, unsigned type, struct pcep_event *event)
{
    if (s->state != UP) {
        give_up(s,
                err == ERR_NOT_FOUND || event->fault.error.type != PCEP_ERROR_SESSION
                    ? PCEP_ERROR_INVALID_OPEN
                    : event->fault.error,
                err, event->diag.text);
        return false;
    }
    if (err == ERR_NOT_FOUND)
        return take_unknown(s, err, event);
    if (type == PCEP_CLOSE) {
        go_down(s, ERR_CLOSED, true, "the peer closed the session, in words that are malformed");
        return false;
    }
    refuse(s, err, event);
    if (type != PCEP_PCERR)
        put_error(s, &event->fault, NULL);
    return true;
}

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
        return take_undecodable(s, err, type, event);
    if (s->state == UP)
        return converse(s, event);
    if (s->state == WAIT_TLS && type == PCEP_OPEN && s->config.end == PCEP_PCE &&
        s->config.tls == PCEP_TLS_OFFERED)
        start_open(s); /* without, then */
    if (s->state == WAIT_TLS) {
        wait_tls(s);
        return false;
    }
    return s->state != DOWN && negotiate(s, event);
}

/* ---- Events --------------------------------------------------------------------------------- */

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
    if (s->state != UP) {
        give_up(s, err == ERR_UNSUPPORTED ? error : PCEP_ERROR_INVALID_OPEN, err, why);
        return;
    }
    put_session_error(s, error);
    end_session(s, PCEP_CLOSE_MALFORMED, err, why);
}

static bool
read_on(struct pcep_session *s, struct pcep_event *event)
{
    size_t size;
    while (s->state != DOWN && s->state != HANDSHAKE && s->in.size > s->at) {
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
    if (s->state == DOWN)
        return;
    buf_consume(&s->in, s->at + s->taken);
    s->at = s->taken = 0;
    s->stats.rx_octets += size;
    buf_put(&s->in, data, size);
    if (buf_err(&s->in))
        go_down(s, ERR_LIMIT, false, "more input than is dealt with");
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
    if (s->state == HANDSHAKE && !s->told_handshake) {
        s->told_handshake = true;
        event->kind = PCEP_EVENT_START_TLS;
        return true;
    }
    if (s->state != DOWN || s->told_down) {
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
    return s->state == UP;
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
    if (s->state == DOWN)
        return ERR_CLOSED;
    return s->state == UP ? ERR_OK : ERR_BUSY;
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

enum err
pcep_session_send_entry(struct pcep_session *s, enum pcep_type type, const struct pcep_entry *entry)
{
    size_t before = s->out.size;
    enum err err = may_send(s);
    if (err)
        return err;
    bool joins = s->batch_type == type && s->batch_size <= before &&
                 (!s->config.max_entries || s->batch_entries < s->config.max_entries);
    if (joins) {
        err = pcep_entry_append(type, entry, 0, &s->out, before - s->batch_size);
        joins = err != ERR_LIMIT;
    }
    if (!joins)
        err = pcep_entry_append(type, entry, 0, &s->out, before);
    if (err)
        return err;
    s->batch_size = joins ? s->batch_size + s->out.size - before : s->out.size - before;
    s->batch_entries = joins ? s->batch_entries + 1 : 1;
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
