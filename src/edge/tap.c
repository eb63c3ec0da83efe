#include "edge/tap.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <stdlib.h>
#include <string.h>

struct tap_slot { /* counters of the packet thread, which others read */
    _Atomic uint64_t accepted, lost;
    uint64_t lost_told; /* as of the last record */
};

struct tap_capture {
    struct tap_filter filter;
    struct ring ring;
    uint32_t level; /* copies it may still take in this second */
    nsec_t second;
    uint32_t n_slots;
    struct tap_slot slots[];
};

struct tap {
    struct tap_capture *_Atomic captures[TAP_CAPTURES];
    uint32_t n_ports;
    uint32_t ports[MAX_PORTS + 2];
    /* The packet that is being handled: the rule, and its arrival as long as nothing became of it.
     */
    const struct entry *entry;
    uint8_t table_id;
    uint64_t id;
    bool pending;
    nsec_t arrived;
    uint32_t in_port, size, n_kept;
    struct flow_key key;
    uint8_t kept[PACKET_MAX];
};

/* ---- Captures ---- */

struct tap_capture *
tap_capture_new(const struct tap_filter *filter, uint32_t n_slots, uint32_t ring_size)
{
    struct tap_capture *c = xcalloc(1, sizeof *c + n_slots * sizeof *c->slots);
    c->filter = *filter;
    c->n_slots = n_slots;
    ring_init(&c->ring, ring_size);
    return c;
}

void
tap_capture_free(struct tap_capture *c)
{
    if (!c)
        return;
    ring_fini(&c->ring);
    free(c);
}

const struct tap_record *
tap_peek(struct tap_capture *c)
{
    uint32_t size;
    return ring_peek(&c->ring, &size);
}

void
tap_release(struct tap_capture *c)
{
    ring_release(&c->ring);
}

unsigned
tap_oldest(struct tap_capture *const *captures, unsigned n)
{
    unsigned found = n;
    nsec_t time = NSEC_NEVER;
    for (unsigned i = 0; i < n; i++) {
        const struct tap_record *r = tap_peek(captures[i]);
        if (r && r->time < time) {
            found = i;
            time = r->time;
        }
    }
    return found;
}

struct tap_counts
tap_capture_counts(const struct tap_capture *c, uint32_t slot)
{
    if (slot >= c->n_slots)
        return (struct tap_counts){0};
    return (struct tap_counts){counter_get(&c->slots[slot].accepted),
                               counter_get(&c->slots[slot].lost)};
}

/* ---- The tap ---- */

struct tap *
tap_new(const uint32_t *ports, uint32_t n, unsigned index)
{
    struct tap *t = xcalloc(1, sizeof *t);
    t->id = (uint64_t)index << 48;
    t->n_ports = MIN(n, (uint32_t)ARRAY_SIZE(t->ports));
    memcpy(t->ports, ports, t->n_ports * sizeof *ports);
    return t;
}

void
tap_free(struct tap *t)
{
    free(t);
}

enum err
tap_attach(struct tap *t, struct tap_capture *c)
{
    for (unsigned i = 0; i < TAP_CAPTURES; i++) {
        if (!atomic_load_explicit(&t->captures[i], memory_order_relaxed)) {
            atomic_store_explicit(&t->captures[i], c, memory_order_release);
            return ERR_OK;
        }
    }
    return ERR_LIMIT;
}

void
tap_detach(struct tap *t, struct tap_capture *c)
{
    for (unsigned i = 0; i < TAP_CAPTURES; i++) {
        if (atomic_load_explicit(&t->captures[i], memory_order_relaxed) == c)
            atomic_store_explicit(&t->captures[i], NULL, memory_order_release);
    }
}

bool
tap_is_idle(const struct tap *t)
{
    for (unsigned i = 0; i < TAP_CAPTURES; i++) {
        if (atomic_load_explicit(&t->captures[i], memory_order_relaxed))
            return false;
    }
    return true;
}

/* ---- In the packet thread ---- */

struct seen { /* one thing that happened */
    enum tap_event event;
    enum drop_reason reason;
    nsec_t time;
    uint32_t in_port, port;
    uint8_t queue;
    const uint8_t *frame;
    uint32_t n_octets, size; /* that are there, and that there were */
    const struct flow_key *key;
};

static uint32_t
slot_of(const struct tap *t, uint32_t port)
{
    uint32_t i = 0;
    while (i + 1 < t->n_ports && t->ports[i] != port)
        i++;
    return i;
}

static bool
names_port(const struct tap_filter *f, uint32_t port)
{
    for (uint32_t i = 0; i < f->n_ports; i++) {
        if (f->ports[i] == port)
            return true;
    }
    return !f->n_ports;
}

static bool
wants(const struct tap *t, const struct tap_filter *f, const struct seen *s)
{
    if (!(s->event == TAP_SENT ? f->out : f->in) || !names_port(f, s->port))
        return false;
    if (f->drops && (s->event != TAP_DROPPED || (f->reason && f->reason != s->reason)))
        return false;
    if (f->has_cookie &&
        (!t->entry || (atomic_load_explicit(&t->entry->cookie, memory_order_relaxed) ^ f->cookie) &
                          f->cookie_mask))
        return false;
    return !f->has_match || match_covers_key(&f->match, s->key);
}

/* So many a second, counted from the first of them. */
static bool
within_rate(struct tap_capture *c, nsec_t now)
{
    if (now - c->second >= NSEC_PER_SEC || now < c->second) {
        c->second = now;
        c->level = c->filter.packets_per_second;
    }
    if (!c->level)
        return false;
    c->level--;
    return true;
}

static void
count(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, counter_get(counter) + 1, memory_order_relaxed);
}

static void
copy(const struct tap *t, struct tap_capture *c, const struct seen *s)
{
    uint32_t slot = slot_of(t, s->port), captured = MIN(s->n_octets, c->filter.snap);
    struct tap_slot *counts = &c->slots[MIN(slot, c->n_slots - 1)];
    struct tap_record *r = NULL;
    count(&counts->accepted);
    if (within_rate(c, clock_monotonic()))
        r = ring_reserve(&c->ring, (uint32_t)sizeof *r + captured);
    if (!r) {
        count(&counts->lost);
        return;
    }
    uint64_t lost = counter_get(&counts->lost);
    *r = (struct tap_record){.time = s->time,
                             .id = t->id,
                             .lost = lost - counts->lost_told,
                             .event = (uint8_t)s->event,
                             .reason = (uint8_t)s->reason,
                             .queue = s->queue,
                             .has_rule = t->entry != NULL,
                             .table_id = t->table_id,
                             .in_port = s->in_port,
                             .port = s->port,
                             .slot = slot,
                             .captured = captured,
                             .size = s->size};
    if (t->entry) {
        r->priority = t->entry->priority;
        r->cookie = atomic_load_explicit(&t->entry->cookie, memory_order_relaxed);
    }
    memcpy(r->frame, s->frame, captured);
    counts->lost_told = lost;
    ring_commit(&c->ring);
}

static void
tell(struct tap *t, const struct seen *s)
{
    for (unsigned i = 0; i < TAP_CAPTURES; i++) {
        struct tap_capture *c = atomic_load_explicit(&t->captures[i], memory_order_acquire);
        if (c && wants(t, &c->filter, s))
            copy(t, c, s);
    }
}

static void
tell_arrival(struct tap *t, enum tap_event event, enum drop_reason reason)
{
    const struct seen s = {.event = event,
                           .reason = reason,
                           .time = t->arrived,
                           .in_port = t->in_port,
                           .port = t->in_port,
                           .frame = t->kept,
                           .n_octets = t->n_kept,
                           .size = t->size,
                           .key = &t->key};
    t->pending = false;
    tell(t, &s);
}

/* As it is now. */
static void
tell_packet(struct tap *t, const struct packet *p, enum tap_event event, enum drop_reason reason,
            uint32_t port)
{
    struct flow_key key = {.in_port = to_be32(p->in_port), .in_phy_port = to_be32(p->in_port)};
    struct packet_layout layout;
    const struct seen s = {.event = event,
                           .reason = reason,
                           .time = clock_wall(),
                           .in_port = p->in_port,
                           .port = port,
                           .queue = p->queue,
                           .frame = p->data,
                           .n_octets = p->size,
                           .size = p->size,
                           .key = &key};
    flow_key_parse(&key, p->data, p->size, &layout);
    tell(t, &s);
}

void
tap_decided(struct tap *t, const struct entry *entry, uint8_t table_id)
{
    t->entry = entry;
    t->table_id = table_id;
}

void
tap_arrived(struct tap *t, const struct packet *p)
{
    struct packet_layout layout;
    uint32_t snap = 0;
    for (unsigned i = 0; i < TAP_CAPTURES; i++) {
        const struct tap_capture *c = atomic_load_explicit(&t->captures[i], memory_order_acquire);
        snap = c ? MAX(snap, c->filter.snap) : snap;
    }
    t->id++;
    t->pending = true;
    t->entry = NULL;
    t->arrived = p->rx_time ? p->rx_time : clock_wall();
    t->in_port = p->in_port;
    t->size = p->size;
    t->n_kept = MIN(MIN(p->size, snap), PACKET_MAX);
    memcpy(t->kept, p->data, t->n_kept);
    t->key = (struct flow_key){.in_port = to_be32(p->in_port), .in_phy_port = to_be32(p->in_port)};
    flow_key_parse(&t->key, p->data, p->size, &layout);
}

void
tap_injected(struct tap *t)
{
    t->id++;
    t->pending = false;
    t->entry = NULL;
}

void
tap_sent(struct tap *t, const struct packet *p, uint32_t port)
{
    if (t->pending)
        tell_arrival(t, TAP_ARRIVED, DROP_NONE);
    tell_packet(t, p, TAP_SENT, DROP_NONE, port);
}

void
tap_dropped(struct tap *t, const struct packet *p, enum drop_reason reason, bool whole)
{
    if (t->pending && whole) {
        tell_arrival(t, TAP_DROPPED, reason);
        return;
    }
    if (t->pending)
        tell_arrival(t, TAP_ARRIVED, DROP_NONE);
    tell_packet(t, p, TAP_DROPPED, reason, p->in_port);
}
