/* What comes when a session is up, and what is answered to that which should not. */
#include "proto/pcep/pcep_session_private.h"

enum { ERRORS_A_MESSAGE = 64 };

/* Counts one; true: that is more than `limit` in a minute. */
static bool
is_too_often(struct pcep_rate *rate, uint32_t limit, nsec_t now)
{
    if (!rate->n || now - rate->since >= 60 * NSEC_PER_SEC)
        *rate = (struct pcep_rate){now, 0};
    return ++rate->n > limit;
}

void
pcep_session_unknown_request(struct pcep_session *s, nsec_t now)
{
    s->now = now;
    if (s->state == PCEP_UP &&
        is_too_often(&s->unknown_requests, s->config.max_unknown_requests, s->now))
        pcep_end_session(s, PCEP_CLOSE_UNKNOWN_REQUESTS, ERR_INVALID,
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
    pcep_put_error(s, &event->fault, NULL);
    if (is_too_often(&s->unknown_messages, s->config.max_unknown_messages, s->now))
        pcep_end_session(s, PCEP_CLOSE_UNRECOGNIZED_MESSAGES, ERR_INVALID,
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

static bool
is_named(const struct pcep_fault *fault)
{
    return fault->has_request_id || fault->has_srp_id;
}

/* Up to ERRORS_A_MESSAGE faults from `*at` on that are named, or are not, as one PCErr. */
static void
answer_some(struct pcep_session *s, uint32_t *at, bool named)
{
    const struct pcep_message *m = &s->message;
    struct pcep_error_object errors[ERRORS_A_MESSAGE];
    struct pcep_error_group groups[ERRORS_A_MESSAGE];
    struct pcep_lsp lsps[ERRORS_A_MESSAGE];
    uint32_t n = 0;
    for (; *at < m->n_faults && n < ERRORS_A_MESSAGE; (*at)++) {
        const struct pcep_fault *fault = &m->faults[*at];
        if (is_named(fault) != named)
            continue;
        errors[n] = (struct pcep_error_object){.error = fault->error};
        lsps[n] = (struct pcep_lsp){.plsp_id = fault->plsp_id};
        groups[n] = (struct pcep_error_group){.errors = &errors[n], .n_errors = 1};
        if (fault->has_request_id) {
            groups[n].request_ids = &fault->request_id;
            groups[n].n_request_ids = 1;
        } else if (fault->has_srp_id) {
            groups[n].srp_ids = &fault->srp_id;
            groups[n].n_srp_ids = 1;
        } else if (fault->plsp_id) {
            groups[n].lsp = &lsps[n];
        }
        n++;
    }
    if (n)
        pcep_put_own(s,
                     &(struct pcep_message){.type = PCEP_PCERR, .groups = groups, .n_groups = n});
}

/* Entries that were refused alone, each with what it was about. */
static void
answer_faults(struct pcep_session *s)
{
    uint32_t n = s->message.n_faults;
    for (uint32_t at = 0; at < n;)
        answer_some(s, &at, true);
    for (uint32_t at = 0; at < n;)
        answer_some(s, &at, false);
    s->stats.faults += n;
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
        pcep_put_error(s, &event->fault, NULL);
        if (event->fault.error.type == PCEP_ERROR_INVALID_OPERATION)
            pcep_end_session(s, PCEP_CLOSE_NO_EXPLANATION, ERR_DENIED, event->diag.text);
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
bool
pcep_converse(struct pcep_session *s, struct pcep_event *event)
{
    switch (s->message.type) {
    case PCEP_KEEPALIVE:
        return false;
    case PCEP_CLOSE:
        s->down.reason = s->message.close.reason;
        pcep_go_down(s, ERR_CLOSED, true, pcep_close_reason_name(s->message.close.reason));
        return false;
    case PCEP_OPEN:
        pcep_put_session_error(s, PCEP_ERROR_INVALID_OPEN);
        pcep_end_session(s, PCEP_CLOSE_MALFORMED, ERR_MALFORMED, "the peer sent OPEN once more");
        return false;
    case PCEP_START_TLS:
        pcep_put_session_error(s, PCEP_ERROR_TLS_LATE);
        pcep_end_session(s, PCEP_CLOSE_MALFORMED, ERR_MALFORMED, "the peer sent StartTLS too late");
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
bool
pcep_take_undecodable(struct pcep_session *s, enum err err, unsigned type, struct pcep_event *event)
{
    if (s->state != PCEP_UP) {
        pcep_give_up(s,
                     err == ERR_NOT_FOUND || event->fault.error.type != PCEP_ERROR_SESSION
                         ? PCEP_ERROR_INVALID_OPEN
                         : event->fault.error,
                     err, event->diag.text);
        return false;
    }
    if (err == ERR_NOT_FOUND)
        return take_unknown(s, err, event);
    if (type == PCEP_CLOSE) {
        pcep_go_down(s, ERR_CLOSED, true,
                     "the peer closed the session, in words that are malformed");
        return false;
    }
    refuse(s, err, event);
    if (type != PCEP_PCERR)
        pcep_put_error(s, &event->fault, NULL);
    return true;
}
