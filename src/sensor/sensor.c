#include "sensor/sensor.h"

#include "base/alloc.h"
#include "sensor/crew.h"
#include "sensor/fragments.h"
#include "sensor/sensor_private.h"

#include <stdlib.h>

#define CONVERSATIONS 65536
#define MEMORY ((size_t)64 << 20)
#define SILENCE (600 * NSEC_PER_SEC)
#define TRIES 8                    /* messages each way by which a protocol must be known */
#define HOLE_PATIENCE NSEC_PER_SEC /* with octets that come late */
/* There are two ways to a packet (sensor_frame(), sensor_take()): the first must not become slower
 * by the second. */
#define IN_BOTH inline __attribute__((always_inline))
#define PROTO_TCP 6
#define PROTO_UDP 17

struct sensor {
    struct sensor_config config;
    struct sensor_route route; /* NULL: it looks into packets itself */
    struct crew *crew;         /* that does all of it; NULL: there is none */
    struct conversations *conversations;
    struct fragments *fragments;
    struct stream_budget budget;
    struct sensor_counters counters;
    const struct frame *frame; /* that is being read, or that what is delivered came in */
    struct conversation *c;    /* its conversation */
    unsigned way;
    struct pdu pdu;
};

/* ---- Making and ending ---- */

static void flush(struct sensor *, struct conversation *, unsigned way, nsec_t since);

static void
on_ended(void *arg, struct conversation *c)
{
    struct sensor *s = arg;
    flush(s, c, 0, NSEC_NEVER);
    flush(s, c, 1, NSEC_NEVER);
    if (s->config.ended)
        s->config.ended(s->config.arg, c);
}

struct sensor *
sensor_new(const struct sensor_config *config)
{
    struct sensor *s = xcalloc(1, sizeof *s);
    s->config = *config;
    if (!s->config.silence)
        s->config.silence = SILENCE;
    if (!s->config.memory)
        s->config.memory = MEMORY;
    if (!s->config.conversations)
        s->config.conversations = CONVERSATIONS;
    s->crew = config->cores > 1 ? crew_new(&s->config) : NULL;
    if (s->crew)
        return s;
    s->budget.limit = s->config.memory;
    s->conversations = conversations_new(s->config.conversations, &s->budget, on_ended, s);
    s->fragments = fragments_new(&s->budget);
    return s;
}

void
sensor_free(struct sensor *s)
{
    if (!s)
        return;
    crew_free(s->crew);
    conversations_free(s->conversations);
    fragments_free(s->fragments);
    free(s);
}

void
sensor_settle(struct sensor *s)
{
    if (s->crew)
        crew_settle(s->crew);
}

bool
sensor_is_early(const struct sensor *s)
{
    return s->crew && crew_is_early(s->crew);
}

void *
sensor_note(struct sensor *s, size_t size)
{
    return crew_note(s->crew, size);
}

const void *
sensor_noted(struct sensor *s)
{
    return crew_noted(s->crew);
}

const struct sensor_counters *
sensor_counters(struct sensor *s)
{
    if (s->crew)
        crew_count(s->crew, &s->counters);
    return &s->counters;
}

void
sensor_end(struct sensor *s)
{
    if (s->crew)
        crew_end(s->crew);
    else
        conversations_end(s->conversations);
}

void
sensor_tick(struct sensor *s, nsec_t now)
{
    if (s->crew) {
        crew_tick(s->crew, now);
        return;
    }
    conversations_expire(s->conversations, now - s->config.silence);
    fragments_expire(s->fragments, now);
}

void
sensor_each(struct sensor *s, nsec_t since, void (*fn)(void *arg, struct conversation *), void *arg)
{
    if (s->crew)
        crew_each(s->crew, since, fn, arg);
    else
        conversations_each(s->conversations, since, fn, arg);
}

/* ---- Messages ---- */

static void
give(void *arg, const struct pdu *p)
{
    struct sensor *s = arg;
    s->counters.messages++;
    s->c->messages[s->way]++;
    if (s->config.message)
        s->config.message(s->config.arg, s->c, s->way, s->frame, p);
}

static void
give_content(void *arg, const struct file_part *content)
{
    struct sensor *s = arg;
    s->config.content(s->config.arg, s->c, s->way, s->frame, content);
}

static enum side
side_of(const struct conversation *c, unsigned way)
{
    if (c->side == SIDE_UNKNOWN || way == 0)
        return c->side;
    return c->side == SIDE_CLIENT ? SIDE_SERVER : SIDE_CLIENT;
}

static unsigned
carrier_of(const struct conversation_key *key)
{
    return key->proto == PROTO_TCP ? CARRIER_TCP : key->proto == PROTO_UDP ? CARRIER_UDP : 0u;
}

static struct dissection
begin_dissection(struct sensor *s)
{
    struct conversation *c = s->c;
    struct dissection d = {.protocol = c->protocol,
                           .side = side_of(c, s->way),
                           .way = s->way,
                           .carrier = carrier_of(&c->key),
                           .time = s->frame->time,
                           .pdu = &s->pdu,
                           .sink = give,
                           .content = s->config.content ? give_content : NULL,
                           .arg = s};
    if (c->protocol->state_size)
        d.state = conversation_state(s->conversations, c, c->protocol->state_size);
    return d;
}

/* It becomes another protocol's: only who asks is still known. */
static void
leave(struct sensor *s, struct conversation *c)
{
    conversation_forget_state(s->conversations, c);
    c->protocol = NULL;
    c->known = KNOWN_NOT_YET;
    c->n_tries = 0;
    for (unsigned way = 0; way < 2; way++) {
        c->is_aligned[way] = c->is_body[way] = false;
        c->unfinished[way].n = 0;
    }
}

static void settle(struct sensor *, struct conversation *, const struct protocol *, enum known);

static void
become(struct sensor *s, struct conversation *c, const char *name)
{
    leave(s, c);
    for (const struct protocol *const *at = s->config.protocols; name && *at; at++) {
        if (!strcmp((*at)->name, name))
            settle(s, c, *at, KNOWN);
    }
}

static void
dissect(struct sensor *s, const uint8_t *data, size_t size)
{
    struct conversation *c = s->c;
    struct cursor message = cursor_over(data, size);
    struct dissection d = begin_dissection(s);
    c->protocol->dissect(&d, &message);
    if (message.err) {
        s->counters.malformed++;
        c->n_bad++;
        if (s->config.malformed)
            s->config.malformed(s->config.arg, c, s->way, s->frame, &message);
    }
    if (c->known != KNOWN)
        return;
    c->is_body[s->way] = d.body && c->protocol->body;
    if (d.leaves)
        become(s, c, d.becomes);
}

/* Octets of a body, of which NULL are missing; returns how many. */
static size_t
pass_body(struct sensor *s, const uint8_t *data, size_t size)
{
    struct conversation *c = s->c;
    if (!c->is_body[s->way])
        return 0;
    struct dissection d = begin_dissection(s);
    d.body = true;
    size_t n = c->protocol->body(&d, data, size);
    n = MIN(n, size);
    c->is_body[s->way] = d.body && n == size;
    if (d.leaves)
        leave(s, c);
    return n;
}

/* ---- Which protocol ---- */

static bool
has_port(const struct protocol *p, uint16_t port)
{
    for (const uint16_t *at = p->ports; at && *at; at++) {
        if (*at == port)
            return true;
    }
    return false;
}

static bool
is_at_home(const struct protocol *p, const struct conversation_key *key)
{
    return key->ip ? has_port(p, key->ends[0].port) || has_port(p, key->ends[1].port)
                   : has_port(p, key->eth_type);
}

static void
settle(struct sensor *s, struct conversation *c, const struct protocol *p, enum known known)
{
    if (c->protocol != p) /* a state is its own protocol's */
        conversation_forget_state(s->conversations, c);
    c->protocol = p;
    c->known = known;
    if (c->side_is_seen || known != KNOWN || !c->key.ip)
        return;
    bool low = has_port(p, c->key.ends[0].port), high = has_port(p, c->key.ends[1].port);
    if (low != high)
        c->side = low ? SIDE_SERVER : SIDE_CLIENT;
}

/* How much the octets look like a message of the protocol; the beginning of one must be sure. */
static int
looks(const struct protocol *p, unsigned carrier, const uint8_t *data, size_t size)
{
    size_t message = size;
    enum frame_found found = carrier == CARRIER_TCP ? p->frame(data, size, &message) : FRAME_WHOLE;
    if (found == FRAME_NOT)
        return LOOKS_NOT;
    int likes = p->looks(data, MIN(message, size));
    return found == FRAME_WHOLE || likes >= LOOKS_SURE ? likes : LOOKS_NOT;
}

/* On Ethernet the EtherType says it. */
static void
recognise_type(struct sensor *s, struct conversation *c)
{
    const struct protocol *const *protocols = s->config.protocols;
    for (; *protocols; protocols++) {
        if ((*protocols)->carriers & CARRIER_ETHERNET && is_at_home(*protocols, &c->key)) {
            settle(s, c, *protocols, KNOWN);
            return;
        }
    }
    c->known = KNOWN_NEVER;
}

/* The protocol that the octets begin a message of; it is known for sure, or maybe. */
static void
recognise(struct sensor *s, struct conversation *c, const uint8_t *data, size_t size)
{
    const struct protocol *const *protocols = s->config.protocols;
    unsigned carrier = carrier_of(&c->key);
    const struct protocol *best = NULL;
    int most = 0;
    for (; *protocols; protocols++) {
        const struct protocol *p = *protocols;
        if (!(p->carriers & carrier))
            continue;
        int likes = looks(p, carrier, data, size);
        bool was_it = c->known == KNOWN_MAYBE && c->protocol == p;
        if (likes && likes < LOOKS_FAINT)
            likes += was_it ? LOOKS_FAINT : 0; /* a hint, and not another than before */
        else if (likes && is_at_home(p, &c->key))
            likes += LOOKS_SURE;
        else if (likes < LOOKS_LIKE)
            likes = was_it ? likes : LOOKS_NOT; /* anything may look so a little */
        else if (was_it)
            likes += LOOKS_LIKE; /* the second */
        if (likes > most) {
            most = likes;
            best = p;
        }
    }
    if (best)
        settle(s, c, best, most >= LOOKS_SURE ? KNOWN : KNOWN_MAYBE);
    else if (++c->n_tries >= 2 * TRIES)
        c->known = KNOWN_NEVER;
}

/* What cannot be of the protocol that the conversation was known to have, and is surely another's:
 * somebody was asked in the wrong language, or both have agreed upon it. */
static bool
becomes_another(struct sensor *s, struct conversation *c, const uint8_t *data, size_t size)
{
    for (const struct protocol *const *at = s->config.protocols; *at; at++) {
        if (*at == c->protocol || !((*at)->carriers & CARRIER_TCP) ||
            looks(*at, CARRIER_TCP, data, size) < LOOKS_SURE)
            continue;
        leave(s, c);
        settle(s, c, *at, KNOWN);
        return true;
    }
    return false;
}

/* At its port a message may be longer than its first segment. */
static const struct protocol *
expected(const struct conversation *c, const uint8_t *data, size_t size,
         const struct protocol *const *protocols)
{
    size_t message;
    for (; *protocols; protocols++) {
        const struct protocol *p = *protocols;
        if (p->carriers & CARRIER_TCP && is_at_home(p, &c->key) &&
            p->frame(data, size, &message) == FRAME_MORE)
            return p;
    }
    return NULL;
}

/* ---- Streams into messages ---- */

static void
drop_unfinished(struct sensor *s)
{
    s->counters.octets_skipped += s->c->unfinished[s->way].n;
    s->c->unfinished[s->way].n = 0;
    s->c->is_aligned[s->way] = false;
}

/* False: there is no room for it. */
static bool
hold(struct sensor *s, const uint8_t *data, size_t size, size_t wanted)
{
    struct unfinished *u = &s->c->unfinished[s->way];
    if (wanted > u->capacity) {
        size_t more = wanted - u->capacity;
        if (s->budget.used + more > s->budget.limit) {
            s->budget.n_refused++;
            return false;
        }
        u->data = xrealloc(u->data, wanted, 1);
        u->capacity = (uint32_t)wanted;
        s->budget.used += more;
    }
    memcpy(u->data + u->n, data, size);
    u->n += (uint32_t)size;
    u->wanted = (uint32_t)wanted;
    return true;
}

/* Of what is held, the octets behind a message, which had to be looked at to find its end. */
static void
keep_rest(struct sensor *s, struct unfinished *u, size_t message)
{
    if (message >= u->n) {
        u->n = 0;
        return;
    }
    message += pass_body(s, u->data + message, u->n - message);
    u->n -= MIN((uint32_t)message, u->n);
    memmove(u->data, u->data + message, u->n);
    u->wanted = u->n;
}

/* What is held, as far as `data` completes it. Returns how many octets of `data` were used. */
static size_t
complete(struct sensor *s, const uint8_t *data, size_t size)
{
    struct conversation *c = s->c;
    struct unfinished *u = &c->unfinished[s->way];
    const struct protocol *p = c->protocol;
    size_t used = 0;
    while (u->n) {
        bool is_open = u->wanted == u->n + 1; /* how long it is will be seen at its end */
        size_t message, n = MIN(size - used, (is_open ? p->message_max : u->wanted) - u->n);
        if (!hold(s, data + used, n, MAX(u->wanted, u->n + n))) {
            drop_unfinished(s);
            return size;
        }
        used += n;
        if (u->n < u->wanted)
            return used;
        switch (p->frame(u->data, u->n, &message)) {
        case FRAME_WHOLE:
            c->is_aligned[s->way] = true;
            if (c->known < KNOWN) /* its first segment was not enough to say which it is */
                recognise(s, c, u->data, message);
            p = c->protocol;
            dissect(s, u->data, message);
            keep_rest(s, u, message);
            break;
        case FRAME_MORE:
            if (message <= u->n || message > p->message_max || !hold(s, data, 0, message)) {
                drop_unfinished(s);
                return size;
            }
            break;
        case FRAME_NOT:
            drop_unfinished(s);
            return size;
        }
    }
    return used;
}

/* Messages that begin in the octets. Those of a segment that does not begin one are skipped: where
 * devices speak, a message begins with a segment sooner or later. `is_recognised`: the first was
 * already looked at. */
static void
cut(struct sensor *s, const uint8_t *data, size_t size, bool is_recognised)
{
    struct conversation *c = s->c;
    while (size) {
        size_t message = pass_body(s, data, size);
        data += message;
        size -= message;
        if (!size)
            return;
        if (c->known < KNOWN && !is_recognised)
            recognise(s, c, data, size);
        is_recognised = false; /* the next is not */
        const struct protocol *p = c->protocol;
        if (!p || c->known == KNOWN_NEVER)
            return;
        enum frame_found found = p->frame(data, size, &message);
        if (found == FRAME_WHOLE && message && message <= size) {
            c->is_aligned[s->way] = true;
            dissect(s, data, message);
            data += message;
            size -= message;
        } else if (found == FRAME_MORE && message > size && message <= p->message_max &&
                   hold(s, data, size, message)) {
            return;
        } else if (found == FRAME_NOT && c->known == KNOWN && becomes_another(s, c, data, size)) {
            is_recognised = true;
        } else {
            s->counters.octets_skipped += size;
            c->n_bad += c->is_aligned[s->way];
            c->is_aligned[s->way] = false;
            return;
        }
    }
}

static void
take_octets(struct sensor *s, struct conversation *c, const uint8_t *data, uint32_t size,
            uint32_t lost)
{
    if (lost) {
        s->counters.holes++;
        s->counters.octets_lost += lost;
        c->lost[s->way] += lost;
        if (s->config.missing)
            s->config.missing(s->config.arg, c, s->way, lost);
        drop_unfinished(s);
        pass_body(s, NULL, lost);
    }
    if (c->known < KNOWN && !c->unfinished[s->way].n) {
        recognise(s, c, data, size);
        const struct protocol *p = c->known == KNOWN_NOT_YET
                                       ? expected(c, data, size, s->config.protocols)
                                       : NULL;
        if (p)
            settle(s, c, p, KNOWN_MAYBE);
    }
    if (!c->protocol || c->known == KNOWN_NEVER)
        return;
    if (c->unfinished[s->way].n && !c->is_aligned[s->way] &&
        looks(c->protocol, CARRIER_TCP, data, size) >= LOOKS_LIKE)
        drop_unfinished(s); /* it was the end of something, and this begins a message */
    size_t used = complete(s, data, size);
    cut(s, data + used, size - used, !used);
}

static void
deliver(struct sensor *s, struct conversation *c, const uint8_t *data, uint32_t size, uint32_t lost)
{
    take_octets(s, c, data, size, lost);
    if (s->config.data)
        s->config.data(s->config.arg, c, s->way, s->frame, data, size, lost);
}

static void
on_octets(void *arg, const struct stream_origin *origin, const uint8_t *data, uint32_t size,
          uint32_t lost)
{
    struct sensor *s = arg;
    struct conversation *c = s->c;
    const struct frame *now = s->frame;
    if (origin->frame == now->number && now->data) {
        deliver(s, c, data, size, lost);
        return;
    }
    const struct frame then = {.time = origin->time, .number = origin->frame, .link = now->link};
    s->frame = &then;
    deliver(s, c, data, size, lost);
    s->frame = now;
}

/* ---- TCP and UDP ---- */

static void
note_side(struct conversation *c, unsigned way, uint8_t flags)
{
    if ((flags & (TCP_SYN | TCP_FIN | TCP_RST)) != TCP_SYN || c->side_is_seen)
        return;
    bool from_client = !(flags & TCP_ACK);
    c->side = from_client == (way == 0) ? SIDE_CLIENT : SIDE_SERVER;
    c->side_is_seen = true;
}

static void
note_news(struct sensor *s, unsigned news)
{
    if (!news)
        return;
    s->counters.repeated += news & STREAM_AGAIN ? 1 : 0;
    s->counters.differing += news & STREAM_DIFFERS ? 1 : 0;
    s->counters.foreign += news & STREAM_FOREIGN ? 1 : 0;
    if (!s->config.odd)
        return;
    if (news & STREAM_DIFFERS)
        s->config.odd(s->config.arg, s->c, s->way, s->frame, STREAM_DIFFERS);
    if (news & STREAM_FOREIGN)
        s->config.odd(s->config.arg, s->c, s->way, s->frame, STREAM_FOREIGN);
}

/* What waits behind holes, for too long. */
static void
flush(struct sensor *s, struct conversation *c, unsigned way, nsec_t since)
{
    static const struct frame none;
    if (!c->streams[way].ahead)
        return;
    struct conversation *was = s->c;
    const struct frame *frame = s->frame;
    unsigned its_way = s->way;
    s->c = c;
    s->way = way;
    s->frame = frame ? frame : &none;
    note_news(s, stream_flush(&c->streams[way], &s->budget, since, on_octets, s));
    s->c = was;
    s->way = its_way;
    s->frame = frame;
}

static void
opened(struct sensor *s, const struct layers *l)
{
    if (s->config.opened)
        s->config.opened(s->config.arg, s->c, s->way, s->frame, l);
}

/* The packet that begins it anew is the new one's first. */
static void
restart(struct sensor *s, const struct layers *l)
{
    struct conversation *c = s->c;
    conversation_restart(s->conversations, c, s->frame->time);
    opened(s, l);
    c->packets[s->way]++;
    c->octets[s->way] += l->wire;
}

static IN_BOTH void
take_tcp(struct sensor *s, const struct layers *l)
{
    struct conversation *c = s->c;
    unsigned way = s->way;
    bool syn = l->tcp_flags & TCP_SYN;
    struct stream *there = &c->streams[way], *back = &c->streams[!way];
    s->counters.segments++;
    if (syn && !(l->tcp_flags & TCP_ACK) && there->is_begun && there->next != l->tcp_seq + 1)
        restart(s, l);
    note_side(c, way, l->tcp_flags);
    if (l->tcp_flags & TCP_ACK && back->is_begun) {
        s->way = !way;
        note_news(s, stream_acknowledged(back, &s->budget, l->tcp_ack, on_octets, s));
        s->way = way;
    }
    flush(s, c, way, s->frame->time - HOLE_PATIENCE);
    const struct stream_segment segment = {.origin = {s->frame->time, s->frame->number},
                                           .seq = l->tcp_seq,
                                           .size = l->size,
                                           .syn = syn,
                                           .data = l->payload};
    note_news(s, stream_input(there, &s->budget, &segment, on_octets, s));
}

static IN_BOTH void
take_datagram(struct sensor *s, const struct layers *l)
{
    struct conversation *c = s->c;
    if (!l->size || c->known == KNOWN_NEVER)
        return;
    if (c->known < KNOWN && c->key.ip)
        recognise(s, c, l->payload, l->size);
    else if (c->known < KNOWN)
        recognise_type(s, c);
    if (c->protocol && c->known != KNOWN_NEVER)
        dissect(s, l->payload, l->size);
}

/* ---- Frames ---- */

static IN_BOTH void
look_into(struct sensor *s, const struct layers *l, bool is_new)
{
    struct conversation *c = s->c;
    c->octets[s->way] += l->wire;
    if (s->config.packet)
        s->config.packet(s->config.arg, c, s->way, s->frame, l);
    if (l->has_mac) {
        c->macs[s->way] = l->src_mac;
        c->macs[!s->way] = l->dst_mac;
    }
    if (is_new)
        opened(s, l);
    if (l->ip && l->proto == PROTO_TCP && l->has_ports)
        take_tcp(s, l);
    else if (!l->ip || (l->proto == PROTO_UDP && l->has_ports))
        take_datagram(s, l);
    if (s->config.taken)
        s->config.taken(s->config.arg, c, s->way, s->frame, l);
}

static void
take_packet(struct sensor *s, const struct layers *l)
{
    s->c = conversations_find(s->conversations, l, s->frame->time, &s->way);
    struct conversation *c = s->c;
    if (!c)
        return;
    bool is_new = !c->packets[0] && !c->packets[1];
    s->counters.conversations += is_new;
    c->packets[s->way]++;
    if (s->route.packet)
        s->route.packet(s->route.arg, c, is_new, s->way, s->frame, l);
    else
        look_into(s, l, is_new);
}

/* A datagram whose last piece this is goes on as one; false: it is not whole. */
static bool
rebuild(struct sensor *s, struct layers *l, nsec_t now)
{
    const uint8_t *data;
    uint32_t size;
    enum fragment_taken taken = fragments_input(s->fragments, l, now, &data, &size);
    s->counters.fragments++;
    s->counters.fragments_dropped += taken == FRAGMENT_DROPPED;
    if (taken != FRAGMENT_WHOLE)
        return false;
    s->counters.datagrams_rebuilt++;
    layers_parse_transport(l, data, size, size);
    return true;
}

void
sensor_frame(struct sensor *s, const struct frame *f)
{
    struct layers l;
    if (s->crew) {
        crew_frame(s->crew, f);
        return;
    }
    if (s->config.heard)
        s->config.heard(s->config.arg, f);
    layers_parse(f, &l);
    s->counters.frames++;
    s->counters.octets += f->wire;
    s->counters.faults[l.fault]++;
    s->frame = f;
    if (!l.is_fragment || rebuild(s, &l, f->time))
        take_packet(s, &l);
    if ((s->counters.frames & 1023) == 0)
        sensor_tick(s, f->time);
    s->frame = NULL;
}

/* ---- In two halves ---- */

void
sensor_route(struct sensor *s, const struct sensor_route *route)
{
    s->route = *route;
}

static struct conversation *
begin_at(struct sensor *s, const struct sensor_packet *p)
{
    struct conversation c = {.slot = p->slot, .first = p->frame->time};
    unsigned way;
    (void)conversation_key_of(p->layers, &c.key,
                              &way); /* who found it has seen that there is one */
    return conversations_put(s->conversations, p->place, &c);
}

void
sensor_take(struct sensor *s, const struct sensor_packet *p)
{
    struct conversation *c = p->is_new ? begin_at(s, p)
                                       : conversations_at(s->conversations, p->place);
    c->last = p->frame->time;
    c->packets[p->way]++;
    s->c = c;
    s->way = p->way;
    s->frame = p->frame;
    look_into(s, p->layers, p->is_new);
    s->frame = NULL;
}

void
sensor_take_end(struct sensor *s, uint32_t place, const struct frame *f)
{
    s->frame = f;
    conversations_take_out(s->conversations, place);
    s->frame = NULL;
}
