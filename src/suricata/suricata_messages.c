/* Rules held against messages: keywords about what they say, and buffers.
 *
 * Of HTTP, rules that look into bodies need the head and the body together: both are kept, of a
 * body the first BODY_MAX octets. What is found in them stays found; what more octets could make
 * untrue (that something is not there, how long it is) is asked at the end. Which rules may match
 * is remembered from piece to piece. */
#include "base/alloc.h"
#include "suricata/suricata_matcher.h"

#include <stdlib.h>
#include <strings.h>

/* A rule looks at each octet of a head and its body so many times: at every piece, where these are
 * full segments. What comes in single octets waits until enough of them have come, or the end. */
#define LOOKS 40

/* ---- Keywords ---- */

static bool
messages_are(const struct suricata_matcher *m, const struct rule *r, const struct pdu *p)
{
    for (unsigned i = 0; i < r->n_messages; i++) {
        if (!message_is(&m->rules->fields, &r->messages[i], p))
            return false;
    }
    return true;
}

/* What it asks of messages is true. Payload and packet are looked at later. */
static void
say(struct suricata_matcher *m, uint32_t rule, const struct suricata_where *w, struct flow *f,
    unsigned way)
{
    const struct rule *r = m->rules->rules[rule];
    if (r->stages != STAGE_MESSAGE) {
        m->said[rule] = w->frame;
    } else if (matcher_header_is(m, r, w, f, way)) {
        m->counters.inspections++;
        matcher_fire(m, rule, w, f);
    }
}

/* ---- Buffers ---- */

static bool
group_is(struct suricata_matcher *m, const struct group *g)
{
    struct span s;
    for (unsigned i = 0; reading_buffer(&m->reading, g->buffer, i, &s); i++) {
        if (g->transforms[0])
            s = transform(g->transforms, s, m->transformed, TRANSFORM_ROOM);
        if (g->has_size && !bounds_hold(&g->size, (int64_t)s.n))
            continue;
        if (suricata_inspect(&m->inspector, g->elements, g->n_elements, s.at, s.n, true))
            return true;
    }
    return false;
}

static bool
groups_are(struct suricata_matcher *m, const struct rule *r)
{
    for (unsigned i = 0; i < r->n_groups; i++) {
        if (!group_is(m, &r->groups[i]))
            return false;
    }
    return true;
}

/* Rules whose patterns are in the buffers of the reading; of a body, in what is behind `fresh`. */
static void
scan_buffers(struct suricata_matcher *m, const struct protocol *app, bool of_body, size_t fresh)
{
    struct span s;
    for (unsigned b = 1; b < BUFFERS; b++) {
        if (!m->rules->buffers[b] || m->rules->fields.of_buffer[b] != app ||
            suricata_buffers[b].is_body != of_body)
            continue;
        for (unsigned i = 0; reading_buffer(&m->reading, b, i, &s); i++)
            prefilter_scan(m->rules->buffers[b], s.at, s.n, fresh, matcher_add_hit, m);
    }
    matcher_sort_candidates(m);
}

/* ---- Bodies ---- */

void
matcher_forget_transaction(struct suricata_matcher *m, struct flow *f, unsigned way)
{
    struct transaction *t = f->transactions[way];
    if (!t)
        return;
    m->memory -= sizeof *t + t->head_size + t->capacity + (t->unpacker ? UNPACKER_SIZE : 0);
    unpacker_free(t->unpacker);
    free(t->head);
    free(t->body);
    free(t);
    f->transactions[way] = NULL;
}

static struct transaction *
begin_transaction(struct suricata_matcher *m, struct flow *f, unsigned way, struct span head)
{
    matcher_forget_transaction(m, f, way);
    size_t size = sizeof(struct transaction) + head.n;
    if (size > m->memory_max)
        return NULL;
    matcher_make_room(m, size);
    struct transaction *t = f->transactions[way] = xcalloc(1, sizeof *t);
    m->memory += size;
    t->head = xmemdup(head.at, head.n);
    t->head_size = (uint32_t)head.n;
    return t;
}

static struct waiting *
find_waiting(struct transaction *t, uint32_t rule)
{
    for (unsigned i = 0; i < t->n_waiting; i++) {
        if (t->waiting[i].rule == rule)
            return &t->waiting[i];
    }
    return NULL;
}

static struct waiting *
wait_for_body(struct suricata_matcher *m, struct transaction *t, uint32_t rule)
{
    struct waiting *w = find_waiting(t, rule);
    if (w)
        return w;
    if (t->n_waiting == WAITING) {
        m->inspector.given_up++;
        return NULL;
    }
    t->waiting[t->n_waiting] = (struct waiting){.rule = rule};
    return &t->waiting[t->n_waiting++];
}

static void
append(struct suricata_matcher *m, struct transaction *t, const uint8_t *octets, uint32_t n)
{
    if (t->size + n > t->capacity) {
        uint32_t capacity = t->capacity ? t->capacity : 1024;
        while (capacity < t->size + n)
            capacity *= 2;
        matcher_make_room(m, capacity - t->capacity);
        m->memory += capacity - t->capacity;
        t->body = xrealloc(t->body, capacity, 1);
        t->capacity = capacity;
    }
    memcpy(t->body + t->size, octets, n);
    t->size += n;
}

static void
look_at_body(struct suricata_matcher *m, const struct suricata_where *w, struct flow *f,
             unsigned way, size_t fresh, bool is_end)
{
    static const struct chosen none;
    struct transaction *t = f->transactions[way];
    const struct message_fields *fields = &m->rules->fields;
    const struct app_rules *of = suricata_app_rules(m->rules, fields->http);
    if (!of)
        return;
    reading_begin_http(&m->reading, fields, (struct span){t->head, t->head_size});
    m->reading.has_body = t->size > 0;
    m->reading.body = (struct span){t->body, t->size};
    matcher_begin_candidates(m, is_end ? &of->always : &none);
    for (unsigned i = 0; i < t->n_waiting; i++)
        matcher_add_candidate(m, t->waiting[i].rule);
    scan_buffers(m, fields->http, true, fresh);
    for (uint32_t i = 0; i < m->n_candidates; i++) {
        uint32_t rule = m->candidates[i];
        const struct rule *r = m->rules->rules[rule];
        if (!r->has_body)
            continue;
        struct waiting *waiting = wait_for_body(m, t, rule);
        if (!waiting || waiting->has_alerted || (r->asks_end && !is_end) ||
            !matcher_header_is(m, r, w, f, way) || matcher_was_alerted(m, rule, w))
            continue;
        uint32_t size = t->head_size + t->size;
        if (!is_end && waiting->looked_at > (uint64_t)LOOKS * size)
            continue;
        waiting->looked_at += size;
        m->counters.inspections++;
        waiting->has_alerted = groups_are(m, r);
        if (waiting->has_alerted)
            say(m, rule, w, f, way);
    }
    m->counters.given_up = m->inspector.given_up;
}

void
matcher_end_body(struct suricata_matcher *m, const struct suricata_where *w, struct flow *f,
                 unsigned way)
{
    struct transaction *t = f->transactions[way];
    if (!t || t->is_over)
        return;
    t->is_over = true;
    look_at_body(m, w, f, way, t->size, true);
}

struct growing {
    struct suricata_matcher *m;
    struct transaction *t;
};

static bool
grow(void *arg, const uint8_t *octets, uint32_t n)
{
    struct growing *g = arg;
    n = MIN(n, BODY_MAX - g->t->size);
    if (n)
        append(g->m, g->t, octets, n);
    return g->t->size < BODY_MAX;
}

void
suricata_content(struct suricata_matcher *m, const struct suricata_where *w, const uint8_t *octets,
                 uint32_t size, bool is_end)
{
    unsigned way;
    if (!m->rules->has_body || !w->ip)
        return;
    struct flow *f = matcher_hear(m, w, &way);
    struct transaction *t = f->transactions[way];
    if (!t || t->is_over)
        return;
    if (size && !octets) { /* what is not known is nothing to judge by */
        t->is_over = true;
        return;
    }
    uint32_t fresh = t->size;
    struct growing g = {m, t};
    if (size && t->unpacker) {
        enum unpacked unpacked = unpacker_input(t->unpacker, octets, size, grow, &g);
        is_end |= unpacked == UNPACKED_END;
        t->is_over = unpacked == UNPACKED_BROKEN;
    } else if (size) {
        (void)grow(&g, octets, size);
    }
    if (t->size > fresh)
        look_at_body(m, w, f, way, fresh, false);
    if (is_end || t->size == BODY_MAX)
        matcher_end_body(m, w, f, way);
}

/* ---- Messages ---- */

static bool
is(struct span s, const char *word)
{
    return s.n == strlen(word) && !strncasecmp((const char *)s.at, word, s.n);
}

/* A response may be compressed; if nobody knows how, what is in it is not looked for. Requests are
 * taken as they come, as Suricata does. */
static void
begin_body(struct suricata_matcher *m, struct transaction *t)
{
    struct span name, value;
    for (unsigned i = 0; http_header(&m->reading, i, &name, &value); i++) {
        if (m->reading.is_of_client || !is(name, "Content-Encoding") || is(value, "identity"))
            continue;
        bool is_known = is(value, "gzip") || is(value, "x-gzip") || is(value, "deflate");
        if (is_known && !t->unpacker && (t->unpacker = unpacker_new())) {
            matcher_make_room(m, UNPACKER_SIZE);
            m->memory += UNPACKER_SIZE;
        } else {
            t->is_over = true; /* also where it is compressed twice */
        }
    }
}

/* Of HTTP, a head; what its body begins with is told apart and none. */
static bool
begin_reading(struct suricata_matcher *m, const struct pdu *p)
{
    const struct message_fields *fields = &m->rules->fields;
    if (p->protocol != fields->http) {
        reading_begin(&m->reading, fields, p);
        return true;
    }
    if (!pdu_field(p, fields->http_version, 0))
        return false;
    reading_begin_http(&m->reading, fields, (struct span){p->octets, p->size});
    return true;
}

static void
look_at_buffers(struct suricata_matcher *m, const struct app_rules *of,
                const struct suricata_where *w, const struct pdu *p, struct flow *f, unsigned way)
{
    struct transaction *t = NULL;
    if (!begin_reading(m, p))
        return;
    if (p->protocol == m->rules->fields.http && m->rules->has_body) {
        t = begin_transaction(m, f, way, m->reading.head);
        if (t)
            begin_body(m, t);
    }
    matcher_begin_candidates(m, &of->always);
    scan_buffers(m, p->protocol, false, 0);
    for (uint32_t i = 0; i < m->n_candidates; i++) {
        uint32_t rule = m->candidates[i];
        const struct rule *r = m->rules->rules[rule];
        if (r->has_body && t && m->hits[rule] == m->stamp)
            (void)wait_for_body(m, t, rule);
        if (r->has_body || matcher_was_alerted(m, rule, w) || !matcher_header_is(m, r, w, f, way) ||
            !messages_are(m, r, p))
            continue;
        m->counters.inspections++;
        if (groups_are(m, r))
            say(m, rule, w, f, way);
    }
    m->counters.given_up = m->inspector.given_up;
}

bool
suricata_asks(const struct suricata_matcher *m, const struct protocol *app)
{
    return suricata_app_rules(m->rules, app) != NULL;
}

void
suricata_message(struct suricata_matcher *m, const struct suricata_where *w, const struct pdu *p)
{
    const struct app_rules *of = suricata_app_rules(m->rules, p->protocol);
    unsigned way;
    bool tells_side = w->side == SIDE_UNKNOWN;
    if ((!of && !tells_side) || !w->ip)
        return;
    struct flow *f = matcher_hear(m, w, &way);
    f->established |= w->proto == PROTO_TCP;
    if (tells_side && p->kind <= PDU_REFUSAL) /* better than by its ports */
        f->client = (uint8_t)(p->kind == PDU_REQUEST ? way : !way);
    if (!of)
        return;
    for (size_t i = 0; i < of->keywords.n; i++) {
        uint32_t rule = of->keywords.rules[i];
        if (!matcher_was_alerted(m, rule, w) && messages_are(m, m->rules->rules[rule], p))
            say(m, rule, w, f, way);
    }
    if (of->has_buffers)
        look_at_buffers(m, of, w, p, f, way);
}
