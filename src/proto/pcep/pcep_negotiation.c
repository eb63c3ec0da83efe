/* How a session comes up: StartTLS (RFC 8253 section 3.2), then OPEN and KEEPALIVE (RFC 5440 annex
 * A). */
#include "proto/pcep/pcep_session_private.h"

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
    pcep_go_down(s, err, true, why.text);
}

static struct pcep_error
first_error(const struct pcep_message *message)
{
    return message->groups[0].errors[0].error; /* a PCErr without any is not decoded */
}

/* RFC 8253 section 3.2: what comes while StartTLS is awaited. */
void
pcep_wait_tls(struct pcep_session *s)
{
    bool sent = s->config.tls == PCEP_TLS_REQUIRED || s->config.end == PCEP_PCC;
    bool required = s->config.tls == PCEP_TLS_REQUIRED;
    switch (s->message.type) {
    case PCEP_START_TLS:
        if (!sent)
            pcep_put_bare(s, PCEP_START_TLS);
        if (s->state == PCEP_WAIT_TLS)
            s->state = PCEP_HANDSHAKE;
        break;
    case PCEP_OPEN:
        pcep_give_up(s, required ? PCEP_ERROR_TLS_ONLY : PCEP_ERROR_TLS_NOT_HERE,
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
        pcep_give_up(s, PCEP_ERROR_TLS_UNEXPECTED, ERR_MALFORMED,
                     "the peer's first message is neither StartTLS nor OPEN");
    }
}

void
pcep_session_tls_done(struct pcep_session *s, nsec_t now)
{
    s->now = now;
    if (s->state != PCEP_HANDSHAKE)
        return;
    s->secure = true;
    buf_clear(&s->in);
    s->at = s->taken = 0;
    pcep_start_open(s);
}

struct pcep_octets
pcep_session_rest(const struct pcep_session *s)
{
    size_t at = s->at + s->taken;
    if (s->state != PCEP_HANDSHAKE || s->in.size <= at)
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
    if (s->state == PCEP_DOWN)
        return false;
    if (s->local_ok && s->remote_ok) {
        s->state = PCEP_UP;
        event->kind = PCEP_EVENT_UP;
        return true;
    }
    s->state = s->remote_ok || s->remote_retried ? PCEP_KEEP_WAIT : PCEP_OPEN_WAIT;
    if (s->local_ok)
        s->state = PCEP_OPEN_WAIT;
    s->waiting = s->now;
    return false;
}

static bool
take_open(struct pcep_session *s, struct pcep_event *event)
{
    if (s->remote_ok) {
        pcep_give_up(s, PCEP_ERROR_INVALID_OPEN, ERR_MALFORMED, "the peer sent OPEN once more");
        return false;
    }
    s->met = true;
    keep_open(s, event->raw.data, event->raw.size);
    struct pcep_error error = check_capabilities(s);
    if (error.type) {
        pcep_give_up(s, error, ERR_INVALID, pcep_error_value_name(&error));
        return false;
    }
    if (is_acceptable(s, &s->peer_open)) {
        s->remote_ok = true;
        pcep_put_bare(s, PCEP_KEEPALIVE);
    } else if (!s->remote_retried) {
        struct pcep_open proposal = propose(s, &s->peer_open);
        s->remote_retried = true;
        pcep_put_error(s, &(struct pcep_fault){.error = PCEP_ERROR_UNACCEPTABLE_NEGOTIABLE},
                       &proposal);
    } else {
        pcep_give_up(s, PCEP_ERROR_SECOND_OPEN_UNACCEPTABLE, ERR_INVALID,
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
        pcep_give_up(s, PCEP_ERROR_PCERR_UNACCEPTABLE, ERR_INVALID,
                     "the peer proposes timers that are not acceptable");
        return;
    }
    s->local_retried = true;
    s->own_open.keepalive = proposal->keepalive;
    s->own_open.deadtimer = proposal->deadtimer;
    pcep_put_open(s);
    s->state = s->remote_ok ? PCEP_KEEP_WAIT : PCEP_OPEN_WAIT;
    s->waiting = s->now;
}

/* What comes before the session is up. False: there is nothing to tell. */
bool
pcep_negotiate(struct pcep_session *s, struct pcep_event *event)
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
        pcep_go_down(s, ERR_CLOSED, true, pcep_close_reason_name(s->message.close.reason));
        return false;
    case PCEP_START_TLS:
        pcep_give_up(s, s->met || s->secure ? PCEP_ERROR_TLS_LATE : PCEP_ERROR_TLS_NOT_HERE,
                     ERR_UNSUPPORTED, "the peer wants TLS, which is not spoken here");
        return false;
    default:
        break;
    }
    pcep_give_up(s, PCEP_ERROR_INVALID_OPEN, ERR_MALFORMED, "the peer did not begin with OPEN");
    return false;
}
