#include "sensor/transcript.h"

#include "base/alloc.h"
#include "base/attr.h"

#include <stdlib.h>
#include <string.h>

#define NO_SLOT UINT32_MAX

enum kind { PACKET, OPENED, ODD, MESSAGE, MALFORMED, MISSING, CONTENT, DATA, TAKEN, ENDED, END };

/* Bits. */
enum { HIGHER_WAY = 1, SIDE_SEEN = 2, IS_NEW = 4, IS_BEGUN = 8, BACK_IS_BEGUN = 16 };

/* What every entry begins with: what is known of the conversation then. */
struct entry {
    uint8_t kind, bits, known, side;
    uint32_t slot;
    const struct protocol *protocol;
};

/* Before it is looked into, or after. */
struct packet {
    struct entry entry;
    const struct layers *layers;
    uint32_t next, back; /* of the stream this way, and of the other's */
};

struct opened {
    struct entry entry;
    const struct layers *layers;
};

/* Of those that have a frame NULL is the one that is being read. */
struct odd {
    struct entry entry;
    const struct frame *frame;
    enum stream_news news;
};

struct message {
    struct entry entry;
    const struct frame *frame; /* a struct pdu without the fields it has not follows */
};

struct malformed {
    struct entry entry;
    const struct frame *frame;
    struct cursor where; /* without the octets */
};

struct missing {
    struct entry entry;
    uint32_t lost;
};

struct data {
    struct entry entry;
    const struct frame *frame;
    const uint8_t *octets;
    uint32_t size, lost;
};

struct content {
    struct entry entry;
    const struct frame *frame;
    struct file_part part;
};

void
transcript_fini(struct transcript *t)
{
    stock_fini(&t->entries);
    stock_fini(&t->octets);
}

void
transcript_reset(struct transcript *t)
{
    stock_reset(&t->entries);
    stock_reset(&t->octets);
}

size_t
transcript_octets(const struct transcript *t)
{
    return stock_octets(&t->entries) + stock_octets(&t->octets);
}

/* ---- Keeping ---- */

static void *
keep(struct stock *s, const void *octets, size_t size)
{
    void *kept = stock_take(s, size);
    memcpy(kept, octets, size);
    return kept;
}

static bool
is_within(const uint8_t *p, const uint8_t *octets, size_t size)
{
    return (uintptr_t)p - (uintptr_t)octets < size;
}

const struct layers *
layers_keep(struct stock *s, const struct frame *f, const struct layers *l)
{
    struct layers *kept = keep(s, l, sizeof *l);
    if (is_within(l->payload, f->data, (size_t)f->size + 1) || !l->payload)
        return kept;
    const uint8_t *from = l->tcp_options ? l->tcp_options : l->payload;
    const uint8_t *octets = keep(s, from, (size_t)(l->payload - from) + l->size);
    kept->payload = octets + (l->payload - from);
    kept->tcp_options = l->tcp_options ? octets : NULL;
    return kept;
}

/* ---- The scribe ---- */

static void *
write_entry(struct scribe *s, enum kind kind, const struct conversation *c, unsigned way,
            size_t size)
{
    struct entry *e = stock_take(&s->to->entries, size);
    unsigned bits = (way ? HIGHER_WAY : 0u) | (c->side_is_seen ? SIDE_SEEN : 0u);
    *e = (struct entry){.kind = (uint8_t)kind,
                        .bits = (uint8_t)bits,
                        .known = (uint8_t)c->known,
                        .side = (uint8_t)c->side,
                        .slot = c->slot,
                        .protocol = c->protocol};
    return e;
}

static const struct layers *
layers_of(struct scribe *s, const struct layers *l)
{
    if (!s->layers)
        s->layers = layers_keep(&s->to->octets, s->frame, l);
    return s->layers;
}

static const struct frame *
frame_of(struct scribe *s, const struct frame *f)
{
    return f == s->frame ? NULL : keep(&s->to->octets, f, sizeof *f);
}

static bool
stays(const struct scribe *s, const uint8_t *octets)
{
    return (s->frame && is_within(octets, s->frame->data, s->frame->size)) ||
           is_within(octets, s->payload, s->size);
}

static struct packet *
write_packet(struct scribe *s, enum kind kind, const struct conversation *c, unsigned way,
             const struct layers *l, size_t more)
{
    struct packet *p = write_entry(s, kind, c, way, sizeof *p + more);
    p->layers = layers_of(s, l);
    p->next = c->streams[way].next;
    p->back = c->streams[!way].next;
    p->entry.bits |= (uint8_t)((c->streams[way].is_begun ? IS_BEGUN : 0) |
                               (c->streams[!way].is_begun ? BACK_IS_BEGUN : 0));
    return p;
}

static void
on_packet(void *arg, const struct conversation *c, unsigned way, const struct frame *f UNUSED,
          const struct layers *l)
{
    struct scribe *s = arg;
    bool is_new = c->packets[0] + c->packets[1] == 1;
    struct packet *p = write_packet(s, PACKET, c, way, l, is_new ? sizeof c->key : 0);
    if (is_new) {
        p->entry.bits |= IS_NEW;
        memcpy(p + 1, &c->key, sizeof c->key);
    }
    s->c = c;
}

static void
on_opened(void *arg, const struct conversation *c, unsigned way, const struct frame *f UNUSED,
          const struct layers *l)
{
    struct scribe *s = arg;
    struct opened *o = write_entry(s, OPENED, c, way, sizeof *o);
    o->layers = layers_of(s, l);
    s->c = c;
}

static void
on_odd(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
       enum stream_news news)
{
    struct scribe *s = arg;
    struct odd *o = write_entry(s, ODD, c, way, sizeof *o);
    o->frame = frame_of(s, f);
    o->news = news;
}

static void
on_message(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
           const struct pdu *p)
{
    struct scribe *s = arg;
    const struct field_info *info = p->protocol->fields;
    size_t size = offsetof(struct pdu, fields) + p->n_fields * sizeof *p->fields;
    struct message *m = write_entry(s, MESSAGE, c, way, sizeof *m + size);
    struct pdu *copy = (struct pdu *)(m + 1);
    m->frame = frame_of(s, f);
    memcpy(copy, p, size);
    if (!stays(s, p->octets))
        copy->octets = keep(&s->to->octets, p->octets, p->size);
    for (uint32_t i = 0; i < p->n_fields; i++) { /* of what is near: the copy is just on its way */
        const struct field *x = &p->fields[i];
        enum field_type type = info[x->id].type;
        if (type >= FIELD_TEXT && type <= FIELD_MAC && !stays(s, x->octets))
            copy->fields[i].octets = keep(&s->to->octets, x->octets, field_octets(type, x));
    }
}

static void
on_malformed(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
             const struct cursor *where)
{
    struct scribe *s = arg;
    struct malformed *m = write_entry(s, MALFORMED, c, way, sizeof *m);
    m->frame = frame_of(s, f);
    m->where = cursor_over(NULL, 0);
    m->where.err = where->err;
    m->where.field = where->field;
    m->where.offset = where->offset;
}

static void
on_missing(void *arg, const struct conversation *c, unsigned way, uint32_t lost)
{
    struct missing *m = write_entry(arg, MISSING, c, way, sizeof *m);
    m->lost = lost;
}

static void
on_content(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
           const struct file_part *part)
{
    struct scribe *s = arg;
    struct content *x = write_entry(s, CONTENT, c, way, sizeof *x);
    x->frame = frame_of(s, f);
    x->part = *part;
    if (part->octets && !stays(s, part->octets))
        x->part.octets = keep(&s->to->octets, part->octets, part->size);
}

static void
on_data(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
        const uint8_t *octets, uint32_t size, uint32_t lost)
{
    struct scribe *s = arg;
    struct data *d = write_entry(s, DATA, c, way, sizeof *d);
    d->frame = frame_of(s, f);
    d->octets = stays(s, octets) ? octets : keep(&s->to->octets, octets, size);
    d->size = size;
    d->lost = lost;
}

static void
on_taken(void *arg, const struct conversation *c, unsigned way, const struct frame *f UNUSED,
         const struct layers *l)
{
    write_packet(arg, TAKEN, c, way, l, 0);
}

static void
on_ended(void *arg, const struct conversation *c)
{
    struct scribe *s = arg;
    write_entry(s, ENDED, c, 0, sizeof(struct entry));
    if (s->c == c)
        s->c = NULL;
}

void
scribe_hear(struct scribe *s, const struct sensor_config *wanted, struct sensor_config *config)
{
    config->arg = s;
    config->opened = on_opened;
    config->packet = on_packet;
    config->ended = on_ended;
    config->odd = wanted->odd ? on_odd : NULL;
    config->message = on_message;
    config->missing = on_missing;
    config->malformed = wanted->malformed ? on_malformed : NULL;
    config->content = wanted->content ? on_content : NULL;
    config->data = wanted->data ? on_data : NULL;
    config->taken = wanted->taken ? on_taken : NULL;
}

void
scribe_begin(struct scribe *s, struct transcript *to, const struct frame *f,
             const struct layers *layers)
{
    *s = (struct scribe){.to = to,
                         .frame = f,
                         .layers = layers,
                         .payload = layers ? layers->payload : NULL,
                         .size = layers ? layers->size : 0};
}

void
scribe_end(struct scribe *s)
{
    static const struct conversation none = {.slot = NO_SLOT};
    write_entry(s, END, s->c ? s->c : &none, 0, sizeof(struct entry));
}

/* ---- The teller ---- */

void
teller_init(struct teller *t, const struct sensor_config *wanted)
{
    *t = (struct teller){.wanted = wanted, .all = xcalloc(wanted->conversations, sizeof *t->all)};
}

void
teller_fini(struct teller *t)
{
    free(t->all);
}

static void
begin(struct teller *t, const struct entry *e, const struct conversation_key *key,
      const struct frame *f)
{
    t->all[e->slot] = (struct conversation){
        .key = *key, .first = f->time, .last = f->time, .serial = ++t->serial, .slot = e->slot};
}

static struct conversation *
learn(struct teller *t, const struct entry *e)
{
    struct conversation *c = &t->all[e->slot];
    c->protocol = e->protocol;
    c->known = e->known;
    c->side = e->side;
    c->side_is_seen = e->bits & SIDE_SEEN;
    return c;
}

static void
count(struct conversation *c, unsigned way, const struct layers *l)
{
    c->packets[way]++;
    c->octets[way] += l->wire;
}

static void
learn_streams(struct conversation *c, const struct packet *p, unsigned way)
{
    c->streams[way].next = p->next;
    c->streams[way].is_begun = p->entry.bits & IS_BEGUN;
    c->streams[!way].next = p->back;
    c->streams[!way].is_begun = p->entry.bits & BACK_IS_BEGUN;
}

static size_t
tell_packet(struct teller *t, const struct packet *p, unsigned way, const struct frame *f)
{
    const struct sensor_config *w = t->wanted;
    const struct layers *l = p->layers;
    bool is_new = p->entry.bits & IS_NEW;
    if (is_new)
        begin(t, &p->entry, (const struct conversation_key *)(p + 1), f);
    struct conversation *c = learn(t, &p->entry);
    c->last = f->time;
    learn_streams(c, p, way);
    count(c, way, l);
    if (w->packet)
        w->packet(w->arg, c, way, f, l);
    if (l->has_mac) {
        c->macs[way] = l->src_mac;
        c->macs[!way] = l->dst_mac;
    }
    return sizeof *p + (is_new ? sizeof c->key : 0);
}

/* `is_again`: the old one of the slot has ended, and this packet begins it anew. */
static size_t
tell_opened(struct teller *t, const struct opened *o, unsigned way, const struct frame *f,
            bool is_again)
{
    const struct sensor_config *w = t->wanted;
    if (is_again) {
        const struct conversation was = t->all[o->entry.slot];
        begin(t, &o->entry, &was.key, f);
        memcpy(t->all[o->entry.slot].macs, was.macs, sizeof was.macs);
    }
    struct conversation *c = learn(t, &o->entry);
    if (w->opened)
        w->opened(w->arg, c, way, f, o->layers);
    if (is_again)
        count(c, way, o->layers);
    return sizeof *o;
}

static size_t
tell_message(struct teller *t, const struct message *m, unsigned way, const struct frame *f)
{
    const struct sensor_config *w = t->wanted;
    const struct pdu *p = (const struct pdu *)(m + 1);
    struct conversation *c = learn(t, &m->entry);
    c->messages[way]++;
    if (w->message)
        w->message(w->arg, c, way, m->frame ? m->frame : f, p);
    return sizeof *m + offsetof(struct pdu, fields) + p->n_fields * sizeof *p->fields;
}

static size_t
tell_odd(struct teller *t, const struct odd *o, unsigned way, const struct frame *f)
{
    const struct sensor_config *w = t->wanted;
    struct conversation *c = learn(t, &o->entry);
    if (w->odd)
        w->odd(w->arg, c, way, o->frame ? o->frame : f, o->news);
    return sizeof *o;
}

static size_t
tell_malformed(struct teller *t, const struct malformed *m, unsigned way, const struct frame *f)
{
    const struct sensor_config *w = t->wanted;
    struct conversation *c = learn(t, &m->entry);
    if (w->malformed)
        w->malformed(w->arg, c, way, m->frame ? m->frame : f, &m->where);
    return sizeof *m;
}

static size_t
tell_missing(struct teller *t, const struct missing *m, unsigned way)
{
    const struct sensor_config *w = t->wanted;
    struct conversation *c = learn(t, &m->entry);
    c->lost[way] += m->lost;
    if (w->missing)
        w->missing(w->arg, c, way, m->lost);
    return sizeof *m;
}

static size_t
tell_content(struct teller *t, const struct content *x, unsigned way, const struct frame *f)
{
    const struct sensor_config *w = t->wanted;
    struct conversation *c = learn(t, &x->entry);
    if (w->content)
        w->content(w->arg, c, way, x->frame ? x->frame : f, &x->part);
    return sizeof *x;
}

static size_t
tell_data(struct teller *t, const struct data *d, unsigned way, const struct frame *f)
{
    const struct sensor_config *w = t->wanted;
    struct conversation *c = learn(t, &d->entry);
    if (w->data)
        w->data(w->arg, c, way, d->frame ? d->frame : f, d->octets, d->size, d->lost);
    return sizeof *d;
}

static size_t
tell_taken(struct teller *t, const struct packet *p, unsigned way, const struct frame *f)
{
    const struct sensor_config *w = t->wanted;
    struct conversation *c = learn(t, &p->entry);
    learn_streams(c, p, way);
    if (w->taken)
        w->taken(w->arg, c, way, f, p->layers);
    return sizeof *p;
}

static size_t
tell_ended(struct teller *t, const struct entry *e)
{
    const struct sensor_config *w = t->wanted;
    struct conversation *c = learn(t, e);
    if (w->ended)
        w->ended(w->arg, c);
    return sizeof *e;
}

void
teller_tell(struct teller *t, const struct transcript *from, struct stock_place *at,
            const struct frame *f)
{
    uint32_t ended = NO_SLOT; /* which may begin anew by the same packet */
    const struct entry *e;
    while ((e = stock_see(&from->entries, at))) {
        unsigned way = e->bits & HIGHER_WAY ? 1 : 0;
        size_t size = sizeof *e;
        t->moment++;
        switch ((enum kind)e->kind) {
        case PACKET:
            ended = NO_SLOT;
            size = tell_packet(t, (const struct packet *)e, way, f);
            break;
        case OPENED:
            size = tell_opened(t, (const struct opened *)e, way, f, e->slot == ended);
            break;
        case ODD:
            size = tell_odd(t, (const struct odd *)e, way, f);
            break;
        case MESSAGE:
            size = tell_message(t, (const struct message *)e, way, f);
            break;
        case MALFORMED:
            size = tell_malformed(t, (const struct malformed *)e, way, f);
            break;
        case MISSING:
            size = tell_missing(t, (const struct missing *)e, way);
            break;
        case CONTENT:
            size = tell_content(t, (const struct content *)e, way, f);
            break;
        case DATA:
            size = tell_data(t, (const struct data *)e, way, f);
            break;
        case TAKEN:
            size = tell_taken(t, (const struct packet *)e, way, f);
            break;
        case ENDED:
            ended = e->slot;
            size = tell_ended(t, e);
            break;
        case END:
            if (e->slot != NO_SLOT)
                learn(t, e);
            stock_pass(at, size);
            return;
        }
        stock_pass(at, size);
    }
}
