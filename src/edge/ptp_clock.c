/* For each port there is a small table of the event messages that left by it, for the general
 * messages that belong to them. A port's messages are found by whence they came, so that what comes
 * by one port never meets what came by another, and each port may have no more than its share of
 * another's table. Who floods it loses its own oldest entries.
 *
 * A port's table is written by the thread that sends by it. A response's thread looks its request
 * up in the table of the port by which the response came, which may be another's: so what there is
 * to be found of an entry is kept a second time in words of its own, with a version that is odd
 * while they are being written. Who meets that finds nothing, and the estimate stands. */
#include "edge/ptp_clock.h"

#include "base/alloc.h"
#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

#define ENTRIES 64u /* for each port messages leave by */
#define SHARE 16u   /* of them for each port they come by */
#define EXPIRY (2 * NSEC_PER_SEC)
#define STAMP_WAIT (2 * NSEC_PER_MSEC) /* a general message waits no longer for a stamp */
#define MISSES 8                       /* after so many stamps that never came none is waited for */
#define LATENESS_SAMPLES 15u
#define RESIDENCE_MAX (10 * NSEC_PER_SEC)
#define LATENESS_MAX (10 * NSEC_PER_MSEC)

/* What others look up of it. `rest` means something if it is known. */
struct published {
    _Atomic uint32_t version;
    _Atomic uint64_t clock, rest_of_key; /* as key_of() makes them */
    _Atomic int64_t sent, rest;
    _Atomic uint32_t state;
};

enum { STATE_KNOWN = 1, STATE_PENDING = 2 };

/* An event message that has left. */
struct entry {
    struct published published;
    nsec_t sent; /* monotonic; 0: free */
    uint32_t token;
    uint16_t in;
    bool pending; /* its stamp, or a better one, is to come */
    bool known;   /* `rest` is */
    struct ptp_stamp arrival;
    nsec_t taken, added; /* as in struct ptp_departure */
    nsec_t rest;         /* to be added to the message that belongs to it */
    int64_t correction;  /* of a Sync: as it came */
};

struct port {
    uint32_t number;
    int phc;
    bool tx_stamps;
    unsigned n_missed;                 /* stamps, in a row */
    _Atomic nsec_t link_delay;         /* below 0: not known */
    nsec_t lateness[LATENESS_SAMPLES]; /* how much later than the program thought frames left */
    unsigned n_lateness;
    nsec_t usual_lateness;
    uint32_t last_token;
    struct ptp_masters *masters; /* by whose messages that left by it */
    struct entry entries[ENTRIES];
    struct ptp_port_counters counters;
};

struct ptp_clock {
    enum ptp_mode mode;
    struct ptp_domains domains;
    struct port **ports;
    unsigned n_ports;
};

const char *
ptp_mode_name(enum ptp_mode mode)
{
    return mode == PTP_E2E ? "e2e" : mode == PTP_P2P ? "p2p" : "off";
}

const char *
ptp_source_name(enum ptp_source source)
{
    return source == PTP_HARDWARE ? "hardware" : source == PTP_KERNEL ? "kernel" : "application";
}

static void
count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed); /* some are several threads' */
}

/* ---- Life ---- */

struct ptp_clock *
ptp_clock_new(enum ptp_mode mode, const struct ptp_domains *domains)
{
    struct ptp_clock *c = xcalloc(1, sizeof *c);
    c->mode = mode;
    c->domains = *domains;
    return c;
}

void
ptp_clock_free(struct ptp_clock *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < c->n_ports; i++) {
        ptp_masters_free(c->ports[i]->masters);
        free(c->ports[i]);
    }
    free(c->ports);
    free(c);
}

unsigned
ptp_clock_add_port(struct ptp_clock *c, uint32_t number, int phc, bool tx_stamps)
{
    struct port *port = xcalloc(1, sizeof *port);
    port->number = number;
    port->phc = phc;
    port->tx_stamps = tx_stamps;
    port->link_delay = -1;
    port->masters = ptp_masters_new();
    c->ports = xrealloc(c->ports, c->n_ports + 1, sizeof *c->ports);
    c->ports[c->n_ports] = port;
    return c->n_ports++;
}

void
ptp_clock_set_link_delay(struct ptp_clock *c, unsigned port, nsec_t delay)
{
    atomic_store_explicit(&c->ports[port]->link_delay, delay, memory_order_relaxed);
}

/* ---- The table ---- */

struct key {
    uint64_t clock, rest;
};

#define ANY_PORT 0xffffu

static struct key
key_of(unsigned in, enum ptp_type type, const struct ptp_port_identity *identity,
       const struct ptp_message *m)
{
    return (struct key){get_be64(identity->clock),
                        (uint64_t)identity->port << 48 | (uint64_t)m->sequence << 32 |
                            (uint64_t)m->domain << 24 | (uint64_t)type << 16 | (in & ANY_PORT)};
}

static void
publish(struct entry *e, const struct key *key)
{
    struct published *p = &e->published;
    uint32_t version = atomic_load_explicit(&p->version, memory_order_relaxed);
    atomic_store_explicit(&p->version, version + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    if (key) {
        atomic_store_explicit(&p->clock, key->clock, memory_order_relaxed);
        atomic_store_explicit(&p->rest_of_key, key->rest, memory_order_relaxed);
    }
    atomic_store_explicit(&p->sent, e->sent, memory_order_relaxed);
    atomic_store_explicit(&p->rest, e->rest, memory_order_relaxed);
    atomic_store_explicit(&p->state,
                          (e->known ? STATE_KNOWN : 0u) | (e->pending ? STATE_PENDING : 0u),
                          memory_order_relaxed);
    atomic_store_explicit(&p->version, version + 2, memory_order_release);
}

struct found {
    bool found, known, pending;
    nsec_t sent, rest;
    const struct entry *entry; /* for the thread whose it is */
};

static bool
read_published(const struct published *p, const struct key *key, uint64_t mask, struct found *f)
{
    uint32_t version = atomic_load_explicit(&p->version, memory_order_acquire);
    if (version % 2 || atomic_load_explicit(&p->clock, memory_order_relaxed) != key->clock ||
        (atomic_load_explicit(&p->rest_of_key, memory_order_relaxed) ^ key->rest) & mask)
        return false;
    uint32_t state = atomic_load_explicit(&p->state, memory_order_relaxed);
    f->sent = atomic_load_explicit(&p->sent, memory_order_relaxed);
    f->rest = atomic_load_explicit(&p->rest, memory_order_relaxed);
    f->known = state & STATE_KNOWN;
    f->pending = state & STATE_PENDING;
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&p->version, memory_order_relaxed) == version;
}

/* The event message of this type that came by `in` (ANY_PORT: any) and left by `out`. */
static struct found
find(const struct ptp_clock *c, unsigned in, unsigned out, enum ptp_type type,
     const struct ptp_port_identity *identity, const struct ptp_message *m, nsec_t now)
{
    const struct port *port = c->ports[out];
    struct key key = key_of(in, type, identity, m);
    uint64_t mask = in == ANY_PORT ? ~(uint64_t)ANY_PORT : UINT64_MAX;
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct found f = {.entry = &port->entries[i]};
        if (read_published(&port->entries[i].published, &key, mask, &f) && f.sent &&
            now - f.sent <= EXPIRY) {
            f.found = true;
            return f;
        }
    }
    return (struct found){.found = false};
}

static bool
is_free(const struct entry *e, nsec_t now)
{
    return !e->sent || now - e->sent > EXPIRY;
}

/* A free one; or the oldest of those that came by `in`, if they are its share; NULL. */
static struct entry *
take_entry(struct port *port, unsigned in, nsec_t now)
{
    struct entry *found = NULL, *oldest = NULL;
    unsigned n = 0;
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct entry *e = &port->entries[i];
        if (is_free(e, now)) {
            found = e;
        } else if (e->in == in) {
            n++;
            if (!oldest || e->sent < oldest->sent)
                oldest = e;
        }
    }
    if (!found || n >= SHARE)
        found = oldest;
    if (found && found->sent && found->pending && !found->known) {
        count(&port->counters.stamps_missing);
        port->n_missed++;
    }
    return found;
}

/* ---- Leaving ---- */

/* How long it has been here, and will have been when it is out. False: its times cannot be. */
static bool
set_residence(const struct port *out, nsec_t wall, struct ptp_departure *d)
{
    d->taken = wall - d->arrival.software;
    d->added = d->taken + out->usual_lateness;
    if (!d->arrival.software || d->taken < 0 || d->taken > RESIDENCE_MAX)
        return false;
    d->added = MAX(d->added, 0);
    d->correction = ptp_correction(d->added);
    d->verdict = PTP_CORRECT;
    return true;
}

/* Adds what is left to add of an event message. */
static void
add_rest(struct ptp_departure *d, struct found f, nsec_t now)
{
    if (!f.found)
        return;
    d->known = true;
    if (f.known) {
        d->correction += ptp_correction(f.rest);
        d->verdict = PTP_CORRECT;
    }
    if (f.pending && now - f.sent < STAMP_WAIT) {
        d->verdict = PTP_WAIT;
        d->until = f.sent + STAMP_WAIT;
    }
}

static uint32_t
next_token(const struct port *out)
{
    return out->last_token % ((UINT32_C(1) << 30) - 1) + 1;
}

static void
depart_event(const struct ptp_clock *c, nsec_t wall, nsec_t now, struct ptp_departure *d)
{
    const struct port *in = c->ports[d->in], *out = c->ports[d->out];
    const struct ptp_message *m = &d->message;
    if (!set_residence(out, wall, d))
        return;
    d->corrected = true;
    d->token = out->tx_stamps ? next_token(out) : 0;
    nsec_t link_delay = atomic_load_explicit(&in->link_delay, memory_order_relaxed);
    if (m->type == PTP_SYNC && c->mode == PTP_P2P && link_delay >= 0) {
        d->correction += ptp_correction(link_delay);
        d->has_link_delay = true;
    }
    /* A one-step response has no Follow_Up to bring what was missing in its request. */
    if (m->type == PTP_PDELAY_RESP && !(m->flags & PTP_FLAG_TWO_STEP)) {
        add_rest(d, find(c, d->out, d->in, PTP_PDELAY_REQ, &m->requesting, m, now), now);
        d->verdict = PTP_CORRECT;
    }
}

static void
depart_general(const struct ptp_clock *c, nsec_t now, struct ptp_departure *d)
{
    const struct ptp_message *m = &d->message;
    if (m->type == PTP_FOLLOW_UP) {
        add_rest(d, find(c, d->in, d->out, PTP_SYNC, &m->source, m, now), now);
    } else if (m->type == PTP_DELAY_RESP) { /* what it answers went the other way */
        add_rest(d, find(c, d->out, d->in, PTP_DELAY_REQ, &m->requesting, m, now), now);
        /* It goes to all that hear it, and only one of them has asked. */
        d->known |= find(c, ANY_PORT, d->in, PTP_DELAY_REQ, &m->requesting, m, now).found;
    } else if (m->type == PTP_PDELAY_RESP_FOLLOW_UP) {
        add_rest(d, find(c, d->out, d->in, PTP_PDELAY_REQ, &m->requesting, m, now), now);
        enum ptp_verdict first = d->verdict;
        nsec_t until = d->until;
        add_rest(d, find(c, d->in, d->out, PTP_PDELAY_RESP, &m->source, m, now), now);
        if (first == PTP_WAIT) {
            d->verdict = PTP_WAIT;
            d->until = MAX(d->until, until);
        }
    }
}

void
ptp_clock_depart(const struct ptp_clock *c, unsigned in, unsigned out,
                 const struct ptp_stamp *arrival, const uint8_t *message, size_t size, nsec_t wall,
                 nsec_t now, struct ptp_departure *d)
{
    *d = (struct ptp_departure){.verdict = PTP_PASS, .in = in, .out = out, .arrival = *arrival};
    enum err err = ptp_decode(message, size, &d->message);
    d->malformed = err && err != ERR_UNSUPPORTED;
    if (err || d->message.sdo || !ptp_domains_has(&c->domains, d->message.domain)) {
        d->message.type = PTP_TYPES; /* not for this clock */
        return;
    }
    if (c->mode == PTP_P2P &&
        (d->message.type == PTP_DELAY_REQ || d->message.type == PTP_DELAY_RESP))
        d->verdict = PTP_DISCARD;
    else if (ptp_is_event(d->message.type))
        depart_event(c, wall, now, d);
    else
        depart_general(c, now, d);
}

static void
keep(struct ptp_clock *c, const struct ptp_departure *d, nsec_t now)
{
    struct port *out = c->ports[d->out];
    struct entry *e = take_entry(out, d->in, now);
    if (d->token)
        out->last_token = d->token;
    if (!e)
        return;
    struct key key = key_of(d->in, d->message.type, &d->message.source, &d->message);
    e->sent = now;
    e->token = d->token;
    e->in = (uint16_t)d->in;
    e->pending = d->token && out->n_missed < MISSES;
    e->known = false;
    e->arrival = d->arrival;
    e->taken = d->taken;
    e->added = d->added;
    e->rest = 0;
    e->correction = d->message.correction;
    publish(e, &key);
}

static enum ptp_source
source_of(const struct ptp_stamp *s)
{
    return s->hardware ? PTP_HARDWARE : s->kernel ? PTP_KERNEL : PTP_APPLICATION;
}

static void
departed_event(struct ptp_clock *c, const struct ptp_departure *d, nsec_t now)
{
    struct port *in = c->ports[d->in], *out = c->ports[d->out];
    const struct ptp_message *m = &d->message;
    if (!d->corrected) {
        count(&out->counters.implausible);
        return;
    }
    count(&in->counters.arrivals[source_of(&d->arrival)]);
    if (m->type == PTP_SYNC && c->mode == PTP_P2P && !d->has_link_delay)
        count(&out->counters.no_link_delay);
    if (m->type == PTP_SYNC && !(m->flags & PTP_FLAG_TWO_STEP))
        ptp_masters_sync(out->masters, m->domain, &m->source, m->sequence,
                         m->timestamp + m->correction / 65536, d->arrival.software);
    if (!d->token) { /* this is all that will be known */
        count(&out->counters.departures[PTP_APPLICATION]);
        ptp_histogram_add(&out->counters.residence, d->added);
    }
    keep(c, d, now);
}

static void
departed_general(struct ptp_clock *c, const struct ptp_departure *d, nsec_t wall, nsec_t now)
{
    const struct ptp_message *m = &d->message;
    struct port *out = c->ports[d->out];
    if (m->type == PTP_ANNOUNCE) {
        ptp_masters_announce(out->masters, m, c->ports[d->in]->number, wall);
    } else if (m->type == PTP_FOLLOW_UP && d->known) {
        const struct entry *sync = find(c, d->in, d->out, PTP_SYNC, &m->source, m, now).entry;
        if (sync)
            ptp_masters_sync(out->masters, m->domain, &m->source, m->sequence,
                             m->timestamp + m->correction / 65536 + sync->correction / 65536,
                             sync->arrival.software);
    }
    bool belongs = m->type == PTP_FOLLOW_UP || m->type == PTP_DELAY_RESP ||
                   m->type == PTP_PDELAY_RESP_FOLLOW_UP;
    if (belongs && !d->known)
        count(&out->counters.unmatched);
}

void
ptp_clock_departed(struct ptp_clock *c, const struct ptp_departure *d, nsec_t wall, nsec_t now)
{
    struct ptp_port_counters *counters = &c->ports[d->out]->counters;
    if (d->message.type >= PTP_TYPES) {
        count(d->malformed ? &counters->malformed : &counters->other);
        return;
    }
    if (d->verdict == PTP_DISCARD) {
        count(&counters->discarded);
        return;
    }
    count(d->verdict == PTP_CORRECT ? &counters->corrected[d->message.type]
                                    : &counters->passed[d->message.type]);
    if (ptp_is_event(d->message.type))
        departed_event(c, d, now);
    else
        departed_general(c, d, wall, now);
}

/* ---- Stamps ---- */

static int
compare(const void *a, const void *b)
{
    nsec_t x = *(const nsec_t *)a, y = *(const nsec_t *)b;
    return (x > y) - (x < y);
}

static void
learn_lateness(struct port *port, nsec_t late)
{
    nsec_t sorted[LATENESS_SAMPLES];
    if (late < -LATENESS_MAX || late > LATENESS_MAX)
        return;
    port->lateness[port->n_lateness++ % LATENESS_SAMPLES] = late;
    unsigned n = MIN(port->n_lateness, LATENESS_SAMPLES);
    memcpy(sorted, port->lateness, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare);
    port->usual_lateness = sorted[n / 2];
}

/* The residence time by the two best stamps of one clock. */
static nsec_t
measured(const struct ptp_clock *c, const struct entry *e, const struct port *out,
         const struct ptp_stamp *left, enum ptp_source *source)
{
    const struct port *in = c->ports[e->in];
    if (left->hardware && e->arrival.hardware && in->phc >= 0 && in->phc == out->phc) {
        *source = PTP_HARDWARE;
        return left->hardware - e->arrival.hardware;
    }
    *source = PTP_KERNEL;
    return left->software ? left->software - e->arrival.software : -1;
}

static bool
expects_hardware(const struct ptp_clock *c, const struct entry *e, const struct port *out)
{
    return e->arrival.hardware && out->phc >= 0 && c->ports[e->in]->phc == out->phc;
}

static void
take_stamp(const struct ptp_clock *c, struct entry *e, struct port *out,
           const struct ptp_stamp *stamp)
{
    enum ptp_source source;
    nsec_t residence = measured(c, e, out, stamp, &source);
    if (residence < 0 || residence > RESIDENCE_MAX)
        return;
    e->rest = residence - e->added;
    e->known = true;
    e->pending = source != PTP_HARDWARE && expects_hardware(c, e, out);
    publish(e, NULL);
    if (e->pending)
        return; /* good enough if nothing better comes */
    out->n_missed = 0;
    count(&out->counters.departures[source]);
    learn_lateness(out, residence - e->taken);
    ptp_histogram_add(&out->counters.residence, residence);
    ptp_histogram_add(&out->counters.one_step, e->rest < 0 ? -e->rest : e->rest);
}

void
ptp_clock_stamp(struct ptp_clock *c, unsigned out, uint32_t token, const struct ptp_stamp *stamp)
{
    struct port *port = c->ports[out];
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct entry *e = &port->entries[i];
        if (e->sent && token && e->token == token) {
            take_stamp(c, e, port, stamp);
            return;
        }
    }
}

/* ---- What it has seen ---- */

unsigned
ptp_clock_n_ports(const struct ptp_clock *c)
{
    return c->n_ports;
}

const struct ptp_port_counters *
ptp_clock_port(const struct ptp_clock *c, unsigned port, uint32_t *number, int *phc)
{
    *number = c->ports[port]->number;
    *phc = c->ports[port]->phc;
    return &c->ports[port]->counters;
}

/* A master whose messages leave by several ports is in the list of each: the last word counts. */
static void
merge(struct ptp_master *masters, unsigned *n, const struct ptp_master *one)
{
    unsigned oldest = 0, i = 0;
    for (; i < *n; i++) {
        if (masters[i].domain == one->domain &&
            ptp_port_identity_equal(&masters[i].source, &one->source))
            break;
        if (masters[i].last < masters[oldest].last)
            oldest = i;
    }
    if (i == *n && *n < PTP_MASTERS)
        masters[(*n)++] = *one;
    else if (i == *n)
        i = oldest;
    if (i < *n && masters[i].last < one->last)
        masters[i] = *one;
}

unsigned
ptp_clock_get_masters(const struct ptp_clock *c, nsec_t wall,
                      struct ptp_master masters[PTP_MASTERS])
{
    unsigned n = 0;
    for (unsigned i = 0; i < c->n_ports; i++) {
        struct ptp_master own[PTP_MASTERS];
        unsigned n_own = ptp_masters_get(c->ports[i]->masters, wall - 3600 * NSEC_PER_SEC, own);
        for (unsigned k = 0; k < n_own; k++)
            merge(masters, &n, &own[k]);
    }
    return n;
}
