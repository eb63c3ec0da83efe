/* Rules held against what is heard: conversations with their flowbits and windows, thresholds.
 *
 * A window has the last octets of a stream, at most twice SURICATA_WINDOW. What is new in it is
 * scanned once; a rule whose pattern was found but which needs more is remembered for as long as
 * the pattern is in the window, and looked at again when more comes. One that matched sees only
 * what comes behind. */
#include "base/alloc.h"
#include "suricata/suricata_matcher.h"

#include <stdlib.h>

#define MEMORY ((size_t)64 << 20)
#define MATCH_LIMIT 3500
#define DEPTH_LIMIT 1500
#define HEAP_LIMIT 1024 /* KiB */
#define TCP_FIN 1
#define TCP_SYN 2
#define TCP_RST 4
#define TCP_ACK 16

struct suricata_matcher *
suricata_matcher_new(const struct suricata_rules *rules, size_t memory, suricata_alert_fn *alert,
                     void *arg)
{
    struct suricata_matcher *m = xcalloc(1, sizeof *m);
    m->rules = rules;
    m->alert = alert;
    m->arg = arg;
    m->memory_max = memory ? memory : MEMORY;
    m->alerted = xcalloc(rules->n + 1, sizeof *m->alerted);
    m->said = xcalloc(rules->n + 1, sizeof *m->said);
    m->stamps = xcalloc(rules->n + 1, sizeof *m->stamps);
    m->hits = xcalloc(rules->n + 1, sizeof *m->hits);
    m->candidates = xcalloc(rules->n + 1, sizeof *m->candidates);
    m->reading.room = xmalloc(READING_ROOM);
    m->reading.http_fields = xcalloc(HTTP_FIELDS_MAX, sizeof *m->reading.http_fields);
    m->transformed = xmalloc(TRANSFORM_ROOM);
    m->inspector.match = pcre2_match_data_create(64, NULL);
    m->inspector.limits = pcre2_match_context_create(NULL);
    if (!m->inspector.match || !m->inspector.limits)
        abort(); /* as alloc.h: no memory */
    pcre2_set_match_limit(m->inspector.limits, MATCH_LIMIT);
    pcre2_set_depth_limit(m->inspector.limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(m->inspector.limits, HEAP_LIMIT);
    return m;
}

const struct suricata_counters *
suricata_counters(const struct suricata_matcher *m)
{
    return &m->counters;
}

/* ---- Conversations ---- */

static size_t
bits_size(const struct suricata_matcher *m)
{
    return (m->rules->n_flowbits + 63) / 64 * sizeof(uint64_t);
}

static void
forget_window(struct suricata_matcher *m, struct flow *f, unsigned way)
{
    struct window *w = f->windows[way];
    if (!w)
        return;
    m->memory -= w->capacity + sizeof *w;
    free(w->data);
    free(w);
    f->windows[way] = NULL;
}

/* What it has but its place in the table. */
static void
forget_content(struct suricata_matcher *m, struct flow *f)
{
    forget_window(m, f, 0);
    forget_window(m, f, 1);
    matcher_forget_transaction(m, f, 0);
    matcher_forget_transaction(m, f, 1);
    if (f->bits)
        m->memory -= bits_size(m);
    free(f->bits);
    f->bits = NULL;
}

static void
unlink_age(struct suricata_matcher *m, struct flow *f)
{
    *(f->newer ? &f->newer->older : &m->newest) = f->older;
    *(f->older ? &f->older->newer : &m->oldest) = f->newer;
}

static void
link_newest(struct suricata_matcher *m, struct flow *f)
{
    f->newer = NULL;
    f->older = m->newest;
    *(m->newest ? &m->newest->newer : &m->oldest) = f;
    m->newest = f;
}

static void
leave_slot(struct suricata_matcher *m, struct flow *f)
{
    if (f->serial && m->slots[f->slot] == f)
        m->slots[f->slot] = NULL;
    f->serial = 0;
}

static void
forget_flow(struct suricata_matcher *m, struct flow *f)
{
    unlink_age(m, f);
    HASH_DEL(m->flows, f);
    forget_content(m, f);
    leave_slot(m, f);
    m->last = m->last == f ? NULL : m->last;
    free(f);
}

void
matcher_make_room(struct suricata_matcher *m, size_t more)
{
    while (m->memory + more > m->memory_max) {
        struct flow *f = m->oldest && m->oldest == m->last ? m->oldest->newer : m->oldest;
        if (!f)
            return;
        forget_flow(m, f);
    }
}

void
suricata_matcher_free(struct suricata_matcher *m)
{
    struct counted *c, *next;
    if (!m)
        return;
    while (m->newest)
        forget_flow(m, m->newest);
    matcher_forget_xbits(m);
    HASH_ITER (hh, m->counted, c, next) {
        HASH_DEL(m->counted, c);
        free(c);
    }
    pcre2_match_data_free(m->inspector.match);
    pcre2_match_context_free(m->inspector.limits);
    free(m->slots);
    free(m->reading.room);
    free(m->reading.http_fields);
    free(m->transformed);
    free(m->alerted);
    free(m->said);
    free(m->stamps);
    free(m->hits);
    free(m->candidates);
    free(m);
}

static struct flow_key
key_of(const struct suricata_where *w, unsigned *way)
{
    struct flow_key key;
    size_t size = w->ip == 4 ? 4 : 16;
    int order = memcmp(w->from, w->to, size);
    memset(&key, 0, sizeof key);
    *way = order ? order > 0 : w->from_port > w->to_port;
    memcpy(key.addresses[*way], w->from, size);
    memcpy(key.addresses[!*way], w->to, size);
    key.ports[*way] = w->from_port;
    key.ports[!*way] = w->to_port;
    key.ip = w->ip;
    key.proto = w->proto;
    return key;
}

/* Who began it; where nobody knows, who speaks to the lower port. */
static unsigned
guess_client(const struct suricata_where *w, unsigned way)
{
    if (w->side != SIDE_UNKNOWN)
        return w->side == SIDE_CLIENT ? way : !way;
    return w->proto == PROTO_TCP && w->from_port < w->to_port ? !way : way;
}

static struct flow *
find_by_ends(struct suricata_matcher *m, const struct suricata_where *w, unsigned *way)
{
    struct flow_key key = key_of(w, way);
    struct flow *f;
    HASH_FIND(hh, m->flows, &key, sizeof key, f);
    if (f)
        return f;
    if (HASH_COUNT(m->flows) >= SURICATA_FLOWS)
        forget_flow(m, m->oldest);
    f = xcalloc(1, sizeof *f);
    f->key = key;
    f->client = (uint8_t)guess_client(w, *way);
    f->linked = w->time;
    HASH_ADD(hh, m->flows, key, sizeof f->key, f);
    link_newest(m, f);
    return f;
}

static void
take_slot(struct suricata_matcher *m, struct flow *f, const struct suricata_where *w)
{
    leave_slot(m, f);
    if (!w->serial || w->slot >= SURICATA_SLOTS)
        return;
    if (w->slot >= m->n_slots) {
        uint32_t n = m->n_slots ? m->n_slots : 1024;
        while (n <= w->slot)
            n *= 2;
        m->slots = xrealloc(m->slots, n, sizeof *m->slots);
        memset(m->slots + m->n_slots, 0, (n - m->n_slots) * sizeof *m->slots);
        m->n_slots = n;
    }
    if (m->slots[w->slot])
        leave_slot(m, m->slots[w->slot]);
    f->serial = w->serial;
    f->slot = w->slot;
    m->slots[w->slot] = f;
}

static struct flow *
find_flow(struct suricata_matcher *m, const struct suricata_where *w, unsigned *way)
{
    struct flow *f = w->serial && w->slot < m->n_slots ? m->slots[w->slot] : NULL;
    *way = w->way;
    if (!f || f->serial != w->serial) {
        f = find_by_ends(m, w, way);
        take_slot(m, f, w);
    }
    m->last = f;
    if (w->time - f->linked > NSEC_PER_SEC || !w->serial) {
        unlink_age(m, f);
        link_newest(m, f);
        f->linked = w->time;
    }
    return f;
}

struct flow *
matcher_hear(struct suricata_matcher *m, const struct suricata_where *w, unsigned *way)
{
    struct flow *f = find_flow(m, w, way);
    f->seen[*way] = true;
    if (w->side != SIDE_UNKNOWN)
        f->client = (uint8_t)guess_client(w, *way);
    if (w->proto != PROTO_TCP)
        f->established = f->seen[0] && f->seen[1];
    return f;
}

/* ---- Flowbits ---- */

static bool
bit_is_set(const struct flow *f, uint16_t bit)
{
    return f->bits && f->bits[bit / 64] >> bit % 64 & 1;
}

static bool
flowbits_hold(const struct rule *r, const struct flow *f)
{
    for (unsigned i = 0; i < r->n_flowbits; i++) {
        const struct flowbit *b = &r->flowbits[i];
        bool holds = b->kind < FLOWBIT_ISSET;
        for (;; b = &r->flowbits[++i]) {
            holds |= bit_is_set(f, b->bit) == (b->kind == FLOWBIT_ISSET);
            if (!b->or_next)
                break;
        }
        if (!holds)
            return false;
    }
    return true;
}

static void
flowbits_apply(struct suricata_matcher *m, const struct rule *r, struct flow *f)
{
    for (unsigned i = 0; i < r->n_flowbits; i++) {
        const struct flowbit *b = &r->flowbits[i];
        uint64_t bit = UINT64_C(1) << b->bit % 64;
        if (b->kind >= FLOWBIT_ISSET || (b->kind == FLOWBIT_UNSET && !f->bits))
            continue;
        if (!f->bits) {
            matcher_make_room(m, bits_size(m));
            f->bits = xcalloc(1, bits_size(m));
            m->memory += bits_size(m);
        }
        uint64_t *word = &f->bits[b->bit / 64];
        *word = b->kind == FLOWBIT_SET     ? *word | bit
                : b->kind == FLOWBIT_UNSET ? *word & ~bit
                                           : *word ^ bit;
    }
}

/* ---- Thresholds ---- */

static struct counted *
find_counted(struct suricata_matcher *m, uint32_t rule, const struct threshold *t,
             const struct suricata_where *w)
{
    struct counted_key key;
    struct counted *c;
    memset(&key, 0, sizeof key);
    key.rule = rule;
    if (t->track & 1)
        memcpy(key.addresses[0], w->from, sizeof w->from);
    if (t->track & 2)
        memcpy(key.addresses[1], w->to, sizeof w->to);
    HASH_FIND(hh, m->counted, &key, sizeof key, c);
    if (c)
        return c;
    if (HASH_COUNT(m->counted) >= SURICATA_TRACKED) {
        c = m->counted; /* the first that came */
        HASH_DEL(m->counted, c);
        free(c);
    }
    c = xcalloc(1, sizeof *c);
    c->key = key;
    c->since = w->time;
    HASH_ADD(hh, m->counted, key, sizeof c->key, c);
    return c;
}

static bool
threshold_lets(struct suricata_matcher *m, uint32_t rule, const struct threshold *t,
               const struct suricata_where *w)
{
    if (!t->kind)
        return true;
    struct counted *c = find_counted(m, rule, t, w);
    if (w->time - c->since >= t->seconds * NSEC_PER_SEC) {
        c->since = w->time;
        c->n = 0;
    }
    c->n += c->n < UINT32_MAX;
    if (t->is_filter)
        return c->n > t->count;
    switch (t->kind) {
    case THRESHOLD_LIMIT:
        return c->n <= t->count;
    case THRESHOLD_BOTH:
        return c->n == t->count;
    case THRESHOLD_EACH:
        if (c->n < t->count)
            return false;
        c->n = 0;
        c->since = w->time;
        return true;
    case THRESHOLD_NONE:
        break;
    }
    return true;
}

/* ---- Rules ---- */

static bool
has_ports(uint8_t proto)
{
    return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_SCTP;
}

static bool
is_from_to(const struct rule *r, const struct suricata_where *w, bool is_turned)
{
    const uint8_t *from = is_turned ? w->to : w->from, *to = is_turned ? w->from : w->to;
    uint16_t from_port = is_turned ? w->to_port : w->from_port;
    uint16_t to_port = is_turned ? w->from_port : w->to_port;
    if (has_ports(w->proto) &&
        (!set_has_port(r->from_ports, from_port) || !set_has_port(r->to_ports, to_port)))
        return false;
    return set_has_address(r->from, w->ip, from) && set_has_address(r->to, w->ip, to);
}

static bool
flow_is(const struct rule *r, const struct flow *f, unsigned way)
{
    bool is_client = f->client == way;
    return !((r->flow & FLOW_TO_SERVER && !is_client) || (r->flow & FLOW_TO_CLIENT && is_client) ||
             (r->flow & FLOW_ESTABLISHED && !f->established) ||
             (r->flow & FLOW_NOT_ESTABLISHED && f->established));
}

bool
matcher_header_is(struct suricata_matcher *m, const struct rule *r, const struct suricata_where *w,
                  const struct flow *f, unsigned way)
{
    if (r->is_icmp ? w->proto != PROTO_ICMP && w->proto != PROTO_ICMP6
                   : r->proto && r->proto != w->proto)
        return false;
    if (r->app && (r->is_other_app ? !w->app || r->app == w->app : r->app != w->app))
        return false;
    if (r->flow && !flow_is(r, f, way))
        return false;
    if (!is_from_to(r, w, false) && !(r->is_both_ways && is_from_to(r, w, true)))
        return false;
    return (!r->n_flowbits || flowbits_hold(r, f)) && (!r->n_xbits || matcher_xbits_hold(m, r, w));
}

bool
matcher_was_alerted(const struct suricata_matcher *m, uint32_t rule, const struct suricata_where *w)
{
    return w->frame && m->alerted[rule] == w->frame;
}

void
matcher_fire(struct suricata_matcher *m, uint32_t rule, const struct suricata_where *w,
             struct flow *f)
{
    const struct rule *r = m->rules->rules[rule];
    m->alerted[rule] = w->frame;
    flowbits_apply(m, r, f);
    matcher_xbits_apply(m, r, w);
    bool is_let = threshold_lets(m, rule, &r->threshold, w) &&
                  threshold_lets(m, rule, &r->filter, w);
    if (!is_let || r->is_silent) {
        m->counters.suppressed++;
        return;
    }
    m->counters.alerts++;
    m->alert(m->arg, &r->info, w);
}

/* ---- Candidates ---- */

void
matcher_add_candidate(void *arg, uint32_t rule)
{
    struct suricata_matcher *m = arg;
    if (m->stamps[rule] == m->stamp)
        return;
    m->stamps[rule] = m->stamp;
    m->candidates[m->n_candidates++] = rule;
}

void
matcher_add_hit(void *arg, uint32_t rule)
{
    struct suricata_matcher *m = arg;
    m->hits[rule] = m->stamp;
    matcher_add_candidate(m, rule);
}

void
matcher_begin_candidates(struct suricata_matcher *m, const struct chosen *always)
{
    m->n_candidates = 0;
    if (!++m->stamp) {
        memset(m->stamps, 0, m->rules->n * sizeof *m->stamps);
        memset(m->hits, 0, m->rules->n * sizeof *m->hits);
        m->stamp = 1;
    }
    for (size_t i = 0; i < always->n; i++)
        matcher_add_candidate(m, always->rules[i]);
}

static int
compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

void
matcher_sort_candidates(struct suricata_matcher *m)
{
    if (m->n_candidates > 1)
        qsort(m->candidates, m->n_candidates, sizeof *m->candidates, compare_numbers);
}

/* What it asks of messages was in this frame, or it asks nothing. */
static bool
was_said(const struct suricata_matcher *m, uint32_t rule, const struct suricata_where *w)
{
    return !(m->rules->rules[rule]->stages & STAGE_MESSAGE) || m->said[rule] == w->frame;
}

/* ---- Streams ---- */

static struct track *
find_track(struct window *w, uint32_t rule)
{
    for (unsigned i = 0; i < w->n_tracks; i++) {
        if (w->tracks[i].rule == rule)
            return &w->tracks[i];
    }
    return NULL;
}

static struct track *
new_track(struct window *w, uint32_t rule)
{
    if (w->n_tracks == TRACKS) /* the first is forgotten */
        memmove(w->tracks, w->tracks + 1, --w->n_tracks * sizeof *w->tracks);
    struct track *t = &w->tracks[w->n_tracks++];
    *t = (struct track){.rule = rule};
    return t;
}

/* Those of octets that have left the window. */
static void
drop_tracks(struct window *w)
{
    unsigned n = 0;
    for (unsigned i = 0; i < w->n_tracks; i++) {
        struct track *t = &w->tracks[i];
        t->waits = t->waits && t->hit > w->base;
        if (t->waits || t->from > w->base)
            w->tracks[n++] = *t;
    }
    w->n_tracks = n;
}

static bool
could_need_more(const struct rule *r)
{
    return r->n_elements > 1 || r->elements[0].kind != ELEMENT_CONTENT ||
           r->elements[0].content.size > 4;
}

static void
look_at_stream(struct suricata_matcher *m, uint32_t rule, const struct suricata_where *where,
               struct flow *f, unsigned way)
{
    const struct rule *r = m->rules->rules[rule];
    struct window *w = f->windows[way];
    struct track *t = find_track(w, rule);
    size_t start = t && t->from > w->base ? (size_t)(t->from - w->base) : 0;
    if (start >= w->size || !matcher_header_is(m, r, where, f, way) || !was_said(m, rule, where))
        return;
    m->counters.inspections++;
    bool is = suricata_inspect(&m->inspector, r->elements, r->n_elements, w->data + start,
                               w->size - start, w->base == 0 && start == 0);
    if (is) {
        t = t ? t : new_track(w, rule);
        t->from = w->base + w->size;
        t->waits = false;
        if (!matcher_was_alerted(m, rule, where))
            matcher_fire(m, rule, where, f);
    } else if (m->hits[rule] == m->stamp && could_need_more(r)) {
        t = t ? t : new_track(w, rule);
        t->hit = w->base + w->size;
        t->waits = true;
    }
}

static void
append(struct suricata_matcher *m, struct window *w, const uint8_t *octets, uint32_t n)
{
    if (w->size + n > 2 * SURICATA_WINDOW) {
        uint32_t gone = w->size - SURICATA_WINDOW;
        memmove(w->data, w->data + gone, w->size - gone);
        w->size -= gone;
        w->base += gone;
        drop_tracks(w);
    }
    if (w->size + n > w->capacity) {
        uint32_t capacity = w->capacity ? w->capacity : 256;
        while (capacity < w->size + n)
            capacity *= 2;
        matcher_make_room(m, capacity - w->capacity);
        m->memory += capacity - w->capacity;
        w->data = xrealloc(w->data, capacity, 1);
        w->capacity = capacity;
    }
    memcpy(w->data + w->size, octets, n);
    w->size += n;
}

static void
look_at_octets(struct suricata_matcher *m, const struct suricata_where *where, struct flow *f,
               unsigned way, const uint8_t *octets, uint32_t n)
{
    struct window *w = f->windows[way];
    append(m, w, octets, n);
    matcher_begin_candidates(m, &m->rules->always_stream);
    for (unsigned i = 0; i < w->n_tracks; i++) {
        if (w->tracks[i].waits)
            matcher_add_candidate(m, w->tracks[i].rule);
    }
    prefilter_scan(m->rules->stream, w->data, w->size, w->size - n, matcher_add_hit, m);
    matcher_sort_candidates(m);
    for (uint32_t i = 0; i < m->n_candidates; i++)
        look_at_stream(m, m->candidates[i], where, f, way);
    m->counters.given_up = m->inspector.given_up;
}

void
suricata_octets(struct suricata_matcher *m, const struct suricata_where *where,
                const uint8_t *octets, uint32_t size, uint32_t lost)
{
    unsigned way;
    if (!m->rules->has_stream || !where->ip)
        return;
    struct flow *f = matcher_hear(m, where, &way);
    f->established = true;
    struct window *w = f->windows[way];
    if (!w) {
        matcher_make_room(m, sizeof *w);
        m->memory += sizeof *w;
        w = f->windows[way] = xcalloc(1, sizeof *w);
    }
    if (lost) {
        w->base += w->size + (uint64_t)lost;
        w->size = w->n_tracks = 0;
    }
    while (size) {
        uint32_t n = MIN(size, SURICATA_WINDOW);
        look_at_octets(m, where, f, way, octets, n);
        octets += n;
        size -= n;
    }
}

/* ---- Packets ---- */

static bool
flags_are(const struct rule *r, uint8_t flags)
{
    uint8_t seen = flags & r->flags_mask;
    switch (r->flags_how) {
    case '+':
        return (seen & r->flags) == r->flags;
    case '*':
        return seen & r->flags;
    case '!':
        return !(seen & r->flags);
    default:
        return seen == r->flags;
    }
}

static bool
packet_is(const struct rule *r, const struct suricata_packet *p, uint32_t size)
{
    const struct suricata_where *w = &p->where;
    bool is_icmp = w->proto == PROTO_ICMP || w->proto == PROTO_ICMP6;
    if (r->has_dsize && !bounds_hold(&r->dsize, size))
        return false;
    if (r->has_ip_proto && !bounds_hold(&r->ip_proto, w->proto))
        return false;
    if (r->has_ttl && !bounds_hold(&r->ttl, p->ttl))
        return false;
    if (r->has_flags && (w->proto != PROTO_TCP || !flags_are(r, p->tcp_flags)))
        return false;
    if (r->has_itype && (!is_icmp || !p->size || !bounds_hold(&r->itype, p->payload[0])))
        return false;
    if (r->has_icode && (!is_icmp || p->size < 2 || !bounds_hold(&r->icode, p->payload[1])))
        return false;
    return !r->same_ip || !memcmp(w->from, w->to, w->ip == 4 ? 4 : 16);
}

static void
note_tcp(struct suricata_matcher *m, struct flow *f, unsigned way, uint8_t flags)
{
    if (flags & TCP_SYN && !(flags & TCP_ACK)) { /* it begins, perhaps anew */
        if (f->established)
            forget_content(m, f);
        f->established = false;
        f->client = (uint8_t)way;
    } else if (flags & TCP_SYN) {
        f->client = !way;
    }
}

static void
look_at_packet(struct suricata_matcher *m, uint32_t rule, const struct suricata_packet *p,
               struct flow *f, unsigned way, const uint8_t *payload, uint32_t size)
{
    const struct suricata_where *w = &p->where;
    const struct rule *r = m->rules->rules[rule];
    if (!(r->stages & (w->proto == PROTO_TCP ? STAGE_SEGMENT : STAGE_DATAGRAM)) ||
        matcher_was_alerted(m, rule, w) || (r->n_elements && !size) ||
        !matcher_header_is(m, r, w, f, way) || !was_said(m, rule, w) ||
        (r->asks_packet && !packet_is(r, p, size)))
        return;
    m->counters.inspections++;
    if (!r->n_elements ||
        suricata_inspect(&m->inspector, r->elements, r->n_elements, payload, size, true))
        matcher_fire(m, rule, w, f);
}

void
suricata_packet(struct suricata_matcher *m, const struct suricata_packet *p)
{
    const struct suricata_where *w = &p->where;
    const uint8_t *payload = p->payload;
    uint32_t size = p->size;
    unsigned way;
    if (!w->ip)
        return;
    struct flow *f = matcher_hear(m, w, &way);
    if (w->proto == PROTO_TCP)
        note_tcp(m, f, way, p->tcp_flags);
    if (w->proto == PROTO_ICMP || w->proto == PROTO_ICMP6) { /* its header is no payload */
        uint32_t header = MIN(size, 8u);
        payload += header;
        size -= header;
    }
    bool is_tcp = w->proto == PROTO_TCP;
    matcher_begin_candidates(m, is_tcp ? &m->rules->always_segment : &m->rules->always_datagram);
    for (size_t i = 0; !f->was_told[way] && i < m->rules->headers.n; i++)
        matcher_add_candidate(m, m->rules->headers.rules[i]);
    if (size)
        prefilter_scan(is_tcp ? m->rules->segment : m->rules->datagram, payload, size, 0,
                       matcher_add_hit, m);
    matcher_sort_candidates(m);
    for (uint32_t i = 0; i < m->n_candidates; i++)
        look_at_packet(m, m->candidates[i], p, f, way, payload, size);
    f->was_told[way] = true;
    if (is_tcp && p->tcp_flags & (TCP_FIN | TCP_RST))
        matcher_end_body(m, w, f, way);
    if (w->proto == PROTO_TCP && (p->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_ACK)
        f->established = true; /* from the next packet on */
    m->counters.given_up = m->inspector.given_up;
}
