#include "edge/ptp_peer.h"

#include "base/alloc.h"
#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLES 9u
#define ENOUGH 3u
#define LOST_MAX 10
#define ANSWERS 4u      /* under way at once */
#define ANSWERS_RATE 16 /* a second */
#define STAMP_WAIT (20 * NSEC_PER_MSEC)
#define DELAY_MAX NSEC_PER_SEC
#define RATE_SPAN (8 * NSEC_PER_SEC)
#define LOG_INTERVAL_NONE 0x7f

/* A Pdelay_Req that is being answered. */
struct answer {
    enum { FREE, TO_RESPOND, RESPONDED } state;
    struct ptp_message request;
    struct ptp_headers headers;
    struct ptp_stamp received, left;
    uint32_t token;
    nsec_t since;
};

/* The request that is out. */
struct request {
    bool out, several;
    bool responded, followed; /* what it needs is there */
    uint16_t sequence;
    uint32_t token;
    struct ptp_stamp left, answered;
    struct ptp_port_identity peer;
    nsec_t t2, t3;
    int64_t correction;
    bool two_step;
};

struct ptp_peer {
    struct ptp_peer_config config;
    struct ptp_headers headers; /* by which it asks: those its peer uses, or the configured ... */
    uint8_t domain;             /* ... and in which domain, likewise */
    struct request request;
    struct answer answers[ANSWERS];
    nsec_t samples[SAMPLES];
    unsigned n_samples, n_lost;
    nsec_t next_request;
    uint32_t last_token;
    uint32_t level; /* of what may be answered */
    nsec_t filled;
    nsec_t rate_t3, rate_t4;
    struct ptp_peer_status status;
};

static void
count(_Atomic uint64_t *counter)
{
    uint64_t n = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, n + 1, memory_order_relaxed);
}

struct ptp_peer *
ptp_peer_new(const struct ptp_peer_config *config)
{
    struct ptp_peer *p = xcalloc(1, sizeof *p);
    p->config = *config;
    p->headers = config->headers;
    p->domain = config->domain;
    p->next_request = config->first;
    p->level = ANSWERS_RATE;
    return p;
}

void
ptp_peer_free(struct ptp_peer *p)
{
    free(p);
}

static void
forget(struct ptp_peer *p)
{
    p->n_samples = p->n_lost = 0;
    p->rate_t4 = 0;
    p->headers = p->config.headers;
    p->domain = p->config.domain;
    atomic_store_explicit(&p->status.known, false, memory_order_relaxed);
}

void
ptp_peer_reset(struct ptp_peer *p, nsec_t now)
{
    forget(p);
    p->request.out = false;
    memset(p->answers, 0, sizeof p->answers);
    p->next_request = now;
}

static uint32_t
new_token(struct ptp_peer *p)
{
    p->last_token = p->last_token % INT16_MAX + 1;
    return p->last_token;
}

/* ---- What is asked ---- */

/* Both by the card's clock, or both by the kernel's or the program's: their difference counts. */
static nsec_t
between(const struct ptp_stamp *from, const struct ptp_stamp *to)
{
    return from->hardware && to->hardware ? to->hardware - from->hardware
                                          : to->software - from->software;
}

static int
compare(const void *a, const void *b)
{
    nsec_t x = *(const nsec_t *)a, y = *(const nsec_t *)b;
    return (x > y) - (x < y);
}

static void
add_sample(struct ptp_peer *p, nsec_t delay)
{
    nsec_t sorted[SAMPLES];
    p->samples[p->n_samples++ % SAMPLES] = delay;
    unsigned n = MIN(p->n_samples, SAMPLES);
    memcpy(sorted, p->samples, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare);
    nsec_t median = MAX(sorted[n / 2], 0);
    atomic_store_explicit(&p->status.delay, median, memory_order_relaxed);
    atomic_store_explicit(&p->status.last_delay, delay, memory_order_relaxed);
    atomic_store_explicit(&p->status.known, p->n_samples >= ENOUGH, memory_order_relaxed);
    count(&p->status.measured);
}

/* How fast the peer's clock goes: its t3 against our t4, over a while. */
static void
measure_rate(struct ptp_peer *p, const struct request *r)
{
    nsec_t t4 = p->config.hardware && r->answered.hardware ? r->answered.hardware
                                                           : r->answered.software;
    nsec_t span = t4 - p->rate_t4;
    if (p->rate_t4 && span > 0 && span < RATE_SPAN)
        return;
    if (p->rate_t4 && span > 0 && span < 10 * RATE_SPAN) {
        double ppb = ((double)(r->t3 - p->rate_t3) / (double)span - 1) * 1e9;
        if (ppb > -1e6 && ppb < 1e6)
            atomic_store_explicit(&p->status.rate_ppb, (int64_t)ppb, memory_order_relaxed);
    }
    p->rate_t3 = r->t3;
    p->rate_t4 = t4;
}

static void
tell_peer(struct ptp_peer *p, const struct ptp_port_identity *peer)
{
    uint64_t clock = get_be64(peer->clock);
    if (clock != atomic_load_explicit(&p->status.clock, memory_order_relaxed))
        p->n_samples = 0; /* another one: another link */
    atomic_store_explicit(&p->status.clock, clock, memory_order_relaxed);
    atomic_store_explicit(&p->status.port, peer->port, memory_order_relaxed);
}

static bool
has_left(const struct ptp_peer *p, const struct ptp_stamp *left, const struct ptp_stamp *other)
{
    if (p->config.hardware && other->hardware)
        return left->hardware != 0;
    return left->software && (left->kernel || !p->config.tx_stamps);
}

/* Measures when all there is to know has come; `anyway`: with what there is. */
static void
complete(struct ptp_peer *p, bool anyway)
{
    struct request *r = &p->request;
    if (!r->out || !r->responded || (r->two_step && !r->followed) || !r->left.software ||
        (!anyway && !has_left(p, &r->left, &r->answered)))
        return;
    r->out = false;
    p->n_lost = 0;
    if (r->several) {
        count(&p->status.several);
        return;
    }
    nsec_t turnaround, there_and_back = between(&r->left, &r->answered);
    if (__builtin_sub_overflow(r->t3, r->t2, &turnaround))
        return;
    turnaround = r->two_step ? turnaround : 0;
    if (turnaround < -DELAY_MAX || turnaround > DELAY_MAX || there_and_back < -DELAY_MAX ||
        there_and_back > 2 * DELAY_MAX)
        return;
    nsec_t delay = (there_and_back - turnaround - r->correction / 65536) / 2;
    if (delay < -NSEC_PER_MSEC || delay > DELAY_MAX)
        return;
    tell_peer(p, &r->peer);
    add_sample(p, delay);
    if (r->two_step)
        measure_rate(p, r);
}

static void
on_response(struct ptp_peer *p, const struct ptp_message *m, const struct ptp_stamp *arrival)
{
    struct request *r = &p->request;
    if (r->responded) {
        r->several |= !ptp_port_identity_equal(&r->peer, &m->source);
        return;
    }
    r->responded = true;
    r->two_step = m->flags & PTP_FLAG_TWO_STEP;
    r->peer = m->source;
    r->answered = *arrival;
    r->t2 = m->timestamp;
    r->correction = m->correction;
}

static void
on_follow_up(struct ptp_peer *p, const struct ptp_message *m)
{
    struct request *r = &p->request;
    if (!r->responded || r->followed || !ptp_port_identity_equal(&r->peer, &m->source))
        return;
    r->followed = true;
    r->t3 = m->timestamp;
    if (__builtin_add_overflow(r->correction, m->correction, &r->correction))
        r->out = false;
}

/* ---- What is answered ---- */

static bool
may_answer(struct ptp_peer *p, nsec_t now)
{
    uint64_t earned = (uint64_t)(now - p->filled) * ANSWERS_RATE / NSEC_PER_SEC;
    if (earned) {
        p->level = (uint32_t)MIN((uint64_t)ANSWERS_RATE, p->level + earned);
        p->filled = now;
    }
    return p->level && p->level--;
}

static void
on_request(struct ptp_peer *p, const struct ptp_message *m, const struct ptp_headers *reply,
           const struct ptp_stamp *arrival, nsec_t now)
{
    struct answer *a = NULL;
    for (unsigned i = 0; i < ANSWERS && !a; i++) {
        if (p->answers[i].state == FREE)
            a = &p->answers[i];
    }
    if (!a || !may_answer(p, now)) {
        count(&p->status.refused);
        return;
    }
    *a = (struct answer){
        .state = TO_RESPOND, .request = *m, .headers = *reply, .received = *arrival, .since = now};
    p->headers = *reply; /* so it speaks, so it will listen */
    p->domain = m->domain;
}

void
ptp_peer_input(struct ptp_peer *p, const struct ptp_message *m, const struct ptp_headers *reply,
               const struct ptp_stamp *arrival, nsec_t now)
{
    if (m->type == PTP_PDELAY_REQ) {
        if (!ptp_port_identity_equal(&m->source, &p->config.identity)) /* its own, looped back */
            on_request(p, m, reply, arrival, now);
        return;
    }
    if (!p->request.out || m->sequence != p->request.sequence ||
        !ptp_port_identity_equal(&m->requesting, &p->config.identity))
        return;
    if (m->type == PTP_PDELAY_RESP)
        on_response(p, m, arrival);
    else if (m->type == PTP_PDELAY_RESP_FOLLOW_UP)
        on_follow_up(p, m);
    complete(p, false);
}

/* ---- Out ---- */

static void
ask(struct ptp_peer *p, nsec_t now, struct ptp_peer_output *out)
{
    struct request *r = &p->request;
    complete(p, true);
    if (r->out) {
        count(&p->status.lost);
        if (++p->n_lost >= LOST_MAX)
            forget(p);
    }
    uint16_t sequence = (uint16_t)(r->sequence + 1);
    *r = (struct request){.out = true, .sequence = sequence, .token = new_token(p)};
    p->next_request = MAX(p->next_request + PTP_PEER_INTERVAL, now + PTP_PEER_INTERVAL / 2);
    out->message = (struct ptp_message){.type = PTP_PDELAY_REQ,
                                        .domain = p->domain,
                                        .source = p->config.identity,
                                        .sequence = sequence,
                                        .log_interval = LOG_INTERVAL_NONE};
    out->headers = p->headers;
    out->token = r->token;
    count(&p->status.asked);
}

static struct ptp_message
answer_to(const struct ptp_peer *p, const struct answer *a, enum ptp_type type, nsec_t timestamp)
{
    return (struct ptp_message){.type = (uint8_t)type,
                                .domain = a->request.domain,
                                .flags = type == PTP_PDELAY_RESP ? PTP_FLAG_TWO_STEP : 0,
                                .source = p->config.identity,
                                .sequence = a->request.sequence,
                                .log_interval = LOG_INTERVAL_NONE,
                                .timestamp = timestamp,
                                .requesting = a->request.source};
}

static nsec_t
time_of(const struct ptp_peer *p, const struct answer *a, const struct ptp_stamp *s)
{
    return p->config.hardware && a->received.hardware ? s->hardware : s->software;
}

static bool
is_due(const struct ptp_peer *p, const struct answer *a, nsec_t now)
{
    return a->state == TO_RESPOND ||
           (a->state == RESPONDED &&
            (has_left(p, &a->left, &a->received) || now - a->since >= STAMP_WAIT));
}

static bool
respond(struct ptp_peer *p, struct answer *a, nsec_t now, struct ptp_peer_output *out)
{
    out->headers = a->headers;
    out->token = 0;
    if (a->state == TO_RESPOND) {
        out->message = answer_to(p, a, PTP_PDELAY_RESP, time_of(p, a, &a->received));
        out->token = a->token = new_token(p);
        a->state = RESPONDED;
        a->since = now;
        return true;
    }
    nsec_t left = time_of(p, a, &a->left);
    a->state = FREE;
    if (!left) /* nobody told: no answer is better than a wrong one */
        return false;
    out->message = answer_to(p, a, PTP_PDELAY_RESP_FOLLOW_UP, left);
    out->message.correction = a->request.correction;
    count(&p->status.answered);
    return true;
}

bool
ptp_peer_output(struct ptp_peer *p, nsec_t now, struct ptp_peer_output *out)
{
    for (unsigned i = 0; i < ANSWERS; i++) {
        if (is_due(p, &p->answers[i], now) && respond(p, &p->answers[i], now, out))
            return true;
    }
    if (now < p->next_request)
        return false;
    ask(p, now, out);
    return true;
}

/* A better stamp takes the place of one that is not as good. */
static void
take(struct ptp_stamp *stamp, const struct ptp_stamp *better)
{
    if (better->software && (better->kernel || !stamp->kernel)) {
        stamp->software = better->software;
        stamp->kernel = better->kernel;
    }
    if (better->hardware)
        stamp->hardware = better->hardware;
}

void
ptp_peer_left(struct ptp_peer *p, uint32_t token, const struct ptp_stamp *stamp, nsec_t now UNUSED)
{
    for (unsigned i = 0; i < ANSWERS; i++) {
        if (p->answers[i].state == RESPONDED && p->answers[i].token == token)
            take(&p->answers[i].left, stamp);
    }
    if (p->request.out && p->request.token == token) {
        take(&p->request.left, stamp);
        complete(p, false);
    }
}

nsec_t
ptp_peer_deadline(const struct ptp_peer *p)
{
    nsec_t deadline = p->next_request;
    for (unsigned i = 0; i < ANSWERS; i++) {
        const struct answer *a = &p->answers[i];
        if (a->state == RESPONDED && !has_left(p, &a->left, &a->received))
            deadline = MIN(deadline, a->since + STAMP_WAIT);
        else if (a->state != FREE)
            deadline = 0;
    }
    return deadline;
}

bool
ptp_peer_delay(const struct ptp_peer *p, nsec_t *delay)
{
    *delay = atomic_load_explicit(&p->status.delay, memory_order_relaxed);
    return atomic_load_explicit(&p->status.known, memory_order_relaxed);
}

const struct ptp_peer_status *
ptp_peer_status(const struct ptp_peer *p)
{
    return &p->status;
}
