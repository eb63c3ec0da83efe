#include "detect/ptp_watch.h"

#include "base/alloc.h"
#include "proto/ptp/ptp_message.h"
#include "proto/ptp/ptp_protocol.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define DOMAINS 64
#define PORTS 1024
#define GONE_AFTER (3 * NSEC_PER_SEC) /* at least; announceReceiptTimeout is 3 intervals mostly */
#define SLAVE_FOR (60 * NSEC_PER_SEC)
#define AGAIN_AFTER (60 * NSEC_PER_SEC)
#define STEP NSEC_PER_MSEC
#define DRIFT 5000 /* a clock that runs free may move by a 5000th: 200 ppm */

struct domain_key {
    uint32_t domain, sdo;
};

/* What masters are compared by, in this order: clause 9.3.4. */
struct rank {
    uint8_t priority_1, clock_class, accuracy;
    uint16_t variance;
    uint8_t priority_2, grandmaster[8];
};

struct domain {
    struct domain_key key;
    bool is_led;
    struct rank rank;
    nsec_t heard, gone_after;
    uint8_t rival[8];
    nsec_t rival_told;
};

struct port_key {
    struct domain_key domain;
    uint8_t clock[8];
    uint64_t port;
};

struct port {
    struct port_key key;
    nsec_t followed; /* when it last asked a master for the delay */
    uint16_t sequence;
    nsec_t arrived; /* of the Sync of that sequence; 0: none */
    bool has_offset;
    nsec_t offset, other; /* of its time from ours; one that is another */
    nsec_t measured;
    unsigned n_other;
};

struct ptp_watch {
    struct watch_config config;
    struct watch_table *domains, *ports;
};

struct ptp_watch *
ptp_watch_new(const struct watch_config *config)
{
    struct ptp_watch *w = xcalloc(1, sizeof *w);
    w->config = *config;
    w->domains = watch_table_of(config, DOMAINS, sizeof(struct domain), sizeof(struct domain_key));
    w->ports = watch_table_of(config, PORTS, sizeof(struct port), sizeof(struct port_key));
    return w;
}

void
ptp_watch_free(struct ptp_watch *w)
{
    if (!w)
        return;
    watch_table_free(w->domains);
    watch_table_free(w->ports);
    free(w);
}

static uint64_t
value_of(const struct pdu *p, uint16_t id)
{
    const struct field *f = pdu_field(p, id, 0);
    return f ? f->u : 0;
}

static const char *
object_of(const struct domain_key *d, const uint8_t clock[8], char *text)
{
    char hex[PTP_CLOCK_TEXT_SIZE];
    snprintf(text, WATCH_TEXT_MAX, "%s domain %u", ptp_clock_format(clock, hex), d->domain);
    return text;
}

/* ---- Masters ---- */

static struct rank
rank_of(const struct pdu *p, const uint8_t *grandmaster)
{
    struct rank r = {.priority_1 = (uint8_t)value_of(p, PTP_FIELD_PRIORITY_1),
                     .clock_class = (uint8_t)value_of(p, PTP_FIELD_CLOCK_CLASS),
                     .accuracy = (uint8_t)value_of(p, PTP_FIELD_ACCURACY),
                     .variance = (uint16_t)value_of(p, PTP_FIELD_VARIANCE),
                     .priority_2 = (uint8_t)value_of(p, PTP_FIELD_PRIORITY_2)};
    memcpy(r.grandmaster, grandmaster, sizeof r.grandmaster);
    return r;
}

static bool
is_better(const struct rank *a, const struct rank *b)
{
    if (a->priority_1 != b->priority_1)
        return a->priority_1 < b->priority_1;
    if (a->clock_class != b->clock_class)
        return a->clock_class < b->clock_class;
    if (a->accuracy != b->accuracy)
        return a->accuracy < b->accuracy;
    if (a->variance != b->variance)
        return a->variance < b->variance;
    if (a->priority_2 != b->priority_2)
        return a->priority_2 < b->priority_2;
    return memcmp(a->grandmaster, b->grandmaster, sizeof a->grandmaster) < 0;
}

#define TELL(name, ...)                                                                            \
    watch_tell(&w->config, at, name, object_of(&d->key, r->grandmaster, text), __VA_ARGS__)

/* Another than the one that leads, which was heard just now. */
static void
judge_rival(struct ptp_watch *w, struct domain *d, const struct rank *r, const struct port *port,
            const struct sight *at)
{
    char text[WATCH_TEXT_MAX], hex[PTP_CLOCK_TEXT_SIZE];
    bool is_same = !memcmp(d->rival, r->grandmaster, sizeof d->rival);
    if (is_same && at->now - d->rival_told < AGAIN_AFTER)
        return;
    memcpy(d->rival, r->grandmaster, sizeof d->rival);
    d->rival_told = at->now;
    ptp_clock_format(d->rank.grandmaster, hex);
    if (port->followed && at->now - port->followed < SLAVE_FOR)
        TELL("ptp-slave-announces", "it followed until now, %s leads", hex);
    if (is_better(r, &d->rank))
        TELL("ptp-better-master", "class %u, priorities %u and %u; %s leads: class %u, %u and %u",
             r->clock_class, r->priority_1, r->priority_2, hex, d->rank.clock_class,
             d->rank.priority_1, d->rank.priority_2);
    else
        TELL("ptp-second-master", "%s leads, and is better", hex);
}

static void
lead(struct domain *d, const struct rank *r, const struct sight *at)
{
    const struct field *f = pdu_field(at->pdu, PTP_FIELD_INTERVAL, 0);
    int64_t log = f && f->i >= -4 && f->i <= 6 ? f->i : 0;
    nsec_t interval = log < 0 ? NSEC_PER_SEC >> -log : NSEC_PER_SEC << log;
    d->is_led = true;
    d->rank = *r;
    d->heard = at->now;
    d->gone_after = MAX(4 * interval, GONE_AFTER);
}

static void
take_announce(struct ptp_watch *w, const struct domain_key *key, const struct port *port,
              const struct sight *at)
{
    char text[WATCH_TEXT_MAX], hex[PTP_CLOCK_TEXT_SIZE], time[WATCH_TIME_SIZE];
    const struct field *grandmaster = pdu_field(at->pdu, PTP_FIELD_GRANDMASTER, 0);
    bool is_new;
    if (!grandmaster)
        return;
    struct domain *d = watch_table_get(w->domains, key, &is_new);
    const struct rank rank = rank_of(at->pdu, grandmaster->octets), *r = &rank;
    bool is_leader = d->is_led && !memcmp(r->grandmaster, d->rank.grandmaster, 8);
    if (d->is_led && !is_leader && at->now - d->heard < d->gone_after) {
        judge_rival(w, d, r, port, at);
        return;
    }
    if (is_leader && r->clock_class > d->rank.clock_class)
        TELL("ptp-clock-degraded", "class %u after %u", r->clock_class, d->rank.clock_class);
    if (d->is_led && !is_leader)
        TELL("ptp-grandmaster-changed", "%s was silent for %s",
             ptp_clock_format(d->rank.grandmaster, hex), watch_time(at->now - d->heard, time));
    lead(d, r, at);
}

/* ---- Time ---- */

static bool
is_far(nsec_t a, nsec_t b, nsec_t passed)
{
    uint64_t off = a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
    return off > (uint64_t)(STEP + passed / DRIFT);
}

/* One that is off may be the capture's; two are the clock's. */
static void
judge_offset(struct ptp_watch *w, struct port *p, nsec_t offset, const struct sight *at)
{
    char text[WATCH_TEXT_MAX];
    nsec_t passed = at->now - p->measured;
    if (p->has_offset && passed >= 0 && is_far(offset, p->offset, passed)) {
        p->n_other = p->n_other && !is_far(offset, p->other, passed) ? p->n_other + 1 : 1;
        p->other = offset;
        if (p->n_other < 2)
            return;
        watch_tell(&w->config, at, "ptp-time-step", object_of(&p->key.domain, p->key.clock, text),
                   "by %.6f s", ((double)offset - (double)p->offset) / (double)NSEC_PER_SEC);
    }
    p->has_offset = true;
    p->offset = offset;
    p->measured = at->now;
    p->n_other = 0;
}

static void
take_sync(struct ptp_watch *w, struct port *p, const struct sight *at)
{
    const struct pdu *m = at->pdu;
    uint16_t sequence = (uint16_t)value_of(m, PTP_FIELD_SEQUENCE);
    const struct field *stamp = pdu_field(m, PTP_FIELD_TIMESTAMP, 0);
    const struct field *correction = pdu_field(m, PTP_FIELD_CORRECTION, 0);
    nsec_t arrived = at->now;
    if (m->function == PTP_SYNC && value_of(m, PTP_FIELD_FLAGS) & PTP_FLAG_TWO_STEP) {
        p->sequence = sequence;
        p->arrived = at->now;
        return;
    }
    if (m->function == PTP_FOLLOW_UP) {
        if (!p->arrived || p->sequence != sequence)
            return;
        arrived = p->arrived;
        p->arrived = 0;
    }
    if (!stamp || !correction || stamp->i < 0 || correction->i > NSEC_PER_SEC ||
        correction->i < -NSEC_PER_SEC)
        return;
    judge_offset(w, p, (nsec_t)((uint64_t)stamp->i + (uint64_t)correction->i - (uint64_t)arrived),
                 at);
}

/* ---- Messages ---- */

void
ptp_watch_message(struct ptp_watch *w, const struct sight *at)
{
    const struct pdu *m = at->pdu;
    struct port_key key;
    bool is_new;
    const struct field *clock = m->protocol == &ptp_protocol ? pdu_field(m, PTP_FIELD_CLOCK, 0)
                                                             : NULL;
    if (!clock)
        return;
    memset(&key, 0, sizeof key);
    key.domain.domain = (uint32_t)value_of(m, PTP_FIELD_DOMAIN);
    key.domain.sdo = (uint32_t)value_of(m, PTP_FIELD_SDO);
    memcpy(key.clock, clock->octets, sizeof key.clock);
    key.port = value_of(m, PTP_FIELD_PORT);
    struct port *p = watch_table_get(w->ports, &key, &is_new);
    if (m->function == PTP_ANNOUNCE)
        take_announce(w, &key.domain, p, at);
    else if (m->function == PTP_DELAY_REQ)
        p->followed = at->now;
    else if (m->function == PTP_SYNC || m->function == PTP_FOLLOW_UP)
        take_sync(w, p, at);
}
