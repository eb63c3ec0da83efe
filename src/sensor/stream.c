#include "sensor/stream.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct stream_piece {
    struct stream_piece *next;
    struct stream_origin origin;
    uint32_t seq, size;
    uint8_t data[];
};

static int32_t
distance(uint32_t from, uint32_t to)
{
    return (int32_t)(to - from);
}

/* ---- Memory ---- */

static void
drop_piece(struct stream *s, struct stream_budget *b, struct stream_piece **at)
{
    struct stream_piece *p = *at;
    *at = p->next;
    s->n_ahead--;
    s->ahead_octets -= p->size;
    b->used -= sizeof *p + p->size;
    free(p);
}

void
stream_reset(struct stream *s, struct stream_budget *b)
{
    while (s->ahead)
        drop_piece(s, b, &s->ahead);
    if (s->past)
        b->used -= STREAM_PAST;
    free(s->past);
    *s = (struct stream){0};
}

/* ---- What has been ---- */

/* A call of its own: where compilers see that it is at most STREAM_PAST they take an instruction
 * that begins slowly. */
static __attribute__((noinline)) void
copy(uint8_t *to, const uint8_t *from, size_t size)
{
    memcpy(to, from, size);
}

/* Delivered up to `next`. */
static void
remember(struct stream *s, struct stream_budget *b, const uint8_t *data, uint32_t size)
{
    if (!s->past) {
        if (b->used + STREAM_PAST > b->limit)
            return;
        s->past = xcalloc(1, STREAM_PAST);
        b->used += STREAM_PAST;
    }
    if (size > STREAM_PAST) {
        data += size - STREAM_PAST;
        size = STREAM_PAST;
    }
    uint32_t at = (s->next - size) % STREAM_PAST, n = MIN(size, STREAM_PAST - at);
    copy(s->past + at, data, n);
    if (n < size)
        copy(s->past, data + n, size - n);
    s->n_past = (uint16_t)MIN(s->n_past + size, (uint32_t)STREAM_PAST);
}

/* Are the `size` octets that end `before` octets before the next one what was there? Only what is
 * remembered is compared. */
static bool
was_so(const struct stream *s, const uint8_t *data, uint32_t size, uint32_t before)
{
    if (before >= s->n_past)
        return true;
    uint32_t known = s->n_past - before;
    if (size > known) {
        data += size - known;
        size = known;
    }
    uint32_t at = (s->next - before - size) % STREAM_PAST, n = MIN(size, STREAM_PAST - at);
    return !memcmp(s->past + at, data, n) && !memcmp(s->past, data + n, size - n);
}

/* A single old octet is how a keep-alive comes; it is anything (RFC 9293 section 3.8.4). */
static unsigned
look_at_old(const struct stream *s, const uint8_t *data, uint32_t size, uint32_t before)
{
    bool is_same = (size == 1 && !before) || was_so(s, data, size, before);
    return STREAM_AGAIN | (is_same ? 0u : STREAM_DIFFERS);
}

/* ---- In order ---- */

static void
deliver(struct stream *s, struct stream_budget *b, const struct stream_origin *origin,
        const uint8_t *data, uint32_t size, uint32_t lost, stream_fn *fn, void *arg)
{
    if (lost)
        s->n_past = 0;
    s->next += lost + size;
    remember(s, b, data, size);
    fn(arg, origin, data, size, lost);
}

/* Pieces that the stream has come to. */
static unsigned
drain(struct stream *s, struct stream_budget *b, stream_fn *fn, void *arg)
{
    unsigned news = 0;
    while (s->ahead && distance(s->ahead->seq, s->next) >= 0) {
        struct stream_piece *p = s->ahead;
        uint32_t old = (uint32_t)distance(p->seq, s->next);
        uint32_t again = MIN(old, p->size);
        if (again)
            news |= look_at_old(s, p->data, again, old - again);
        if (old < p->size)
            deliver(s, b, &p->origin, p->data + old, p->size - old, 0, fn, arg);
        drop_piece(s, b, &s->ahead);
    }
    return news;
}

/* Goes on behind the first hole. */
static unsigned
give_up_hole(struct stream *s, struct stream_budget *b, stream_fn *fn, void *arg)
{
    struct stream_piece *p = s->ahead;
    uint32_t lost = (uint32_t)distance(s->next, p->seq);
    deliver(s, b, &p->origin, p->data, p->size, lost, fn, arg);
    drop_piece(s, b, &s->ahead);
    return STREAM_HOLE | drain(s, b, fn, arg);
}

/* ---- Out of order ---- */

static bool
keep(struct stream *s, struct stream_budget *b, const struct stream_segment *g)
{
    struct stream_piece **at = &s->ahead;
    while (*at && distance((*at)->seq, g->seq) >= 0) {
        if ((*at)->seq == g->seq && (*at)->size >= g->size)
            return true; /* it has come before, and waits */
        at = &(*at)->next;
    }
    if (b->used + sizeof **at + g->size > b->limit) {
        b->n_refused++;
        return false;
    }
    struct stream_piece *p = xmalloc(sizeof *p + g->size);
    *p = (struct stream_piece){.next = *at, .origin = g->origin, .seq = g->seq, .size = g->size};
    memcpy(p->data, g->data, g->size);
    *at = p;
    s->n_ahead++;
    s->ahead_octets += g->size;
    b->used += sizeof *p + g->size;
    return true;
}

static unsigned take(struct stream *, struct stream_budget *, const struct stream_segment *,
                     stream_fn *, void *arg);

static unsigned
take_ahead(struct stream *s, struct stream_budget *b, const struct stream_segment *g, stream_fn *fn,
           void *arg)
{
    unsigned news = 0;
    while (s->ahead && (s->n_ahead >= STREAM_AHEAD || s->ahead_octets >= STREAM_AHEAD_OCTETS))
        news |= give_up_hole(s, b, fn, arg);
    if (distance(s->next, g->seq) <= 0)
        return news | take(s, b, g, fn, arg);
    if (keep(s, b, g))
        return news;
    while (s->ahead) /* no memory: what waits goes first */
        news |= give_up_hole(s, b, fn, arg);
    int32_t d = distance(s->next, g->seq);
    if (d <= 0)
        return news | take(s, b, g, fn, arg);
    deliver(s, b, &g->origin, g->data, g->size, (uint32_t)d, fn, arg);
    return news | STREAM_HOLE;
}

/* ---- Segments ---- */

static unsigned
take(struct stream *s, struct stream_budget *b, const struct stream_segment *g, stream_fn *fn,
     void *arg)
{
    int32_t d = distance(s->next, g->seq);
    if (d > 0)
        return take_ahead(s, b, g, fn, arg);
    uint32_t old = (uint32_t)-d, again = MIN(old, g->size);
    unsigned news = again ? look_at_old(s, g->data, again, old - again) : 0;
    if (old < g->size)
        deliver(s, b, &g->origin, g->data + old, g->size - old, 0, fn, arg);
    return news | drain(s, b, fn, arg);
}

unsigned
stream_input(struct stream *s, struct stream_budget *b, const struct stream_segment *segment,
             stream_fn *fn, void *arg)
{
    uint32_t seq = segment->seq + segment->syn;
    int32_t d = distance(s->next, seq);
    bool is_far = d > (int32_t)STREAM_WINDOW || d < -(int32_t)STREAM_WINDOW;
    if (is_far && s->is_begun && !segment->syn)
        return STREAM_FOREIGN;
    if (!s->is_begun || is_far) {
        stream_reset(s, b);
        s->next = seq;
        s->is_begun = true;
    }
    if (!segment->size)
        return 0;
    if (!segment->syn)
        return take(s, b, segment, fn, arg);
    struct stream_segment behind_syn = *segment;
    behind_syn.seq = seq;
    return take(s, b, &behind_syn, fn, arg);
}

unsigned
stream_acknowledged(struct stream *s, struct stream_budget *b, uint32_t ack, stream_fn *fn,
                    void *arg)
{
    unsigned news = 0;
    while (s->ahead && distance(s->ahead->seq, ack) > 0)
        news |= give_up_hole(s, b, fn, arg);
    return news;
}

unsigned
stream_flush(struct stream *s, struct stream_budget *b, nsec_t since, stream_fn *fn, void *arg)
{
    unsigned news = 0;
    while (s->ahead && s->ahead->origin.time < since)
        news |= give_up_hole(s, b, fn, arg);
    return news;
}
