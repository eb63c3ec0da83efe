#include "sensor/fragments.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define DATAGRAM_MAX 65535u

struct piece {
    uint32_t at, size;
};

struct datagram {
    bool is_used;
    uint8_t ip, proto;
    uint8_t src[16], dst[16];
    uint32_t id;
    nsec_t first;
    uint32_t whole; /* its size; 0: the last piece has not come */
    uint32_t n_octets, n_pieces, capacity;
    uint8_t *data;
};

struct fragments {
    struct stream_budget *budget;
    uint32_t given; /* datagram whose octets the caller may still have; UINT32_MAX: none */
    struct datagram all[FRAGMENTS_DATAGRAMS];
    struct piece pieces[FRAGMENTS_DATAGRAMS]
                       [FRAGMENTS_PIECES]; /* apart: what is searched is near */
};

struct fragments *
fragments_new(struct stream_budget *budget)
{
    struct fragments *f = xcalloc(1, sizeof *f);
    f->budget = budget;
    f->given = UINT32_MAX;
    return f;
}

static void
forget(struct fragments *f, struct datagram *d)
{
    f->budget->used -= d->capacity;
    free(d->data);
    *d = (struct datagram){0};
}

void
fragments_free(struct fragments *f)
{
    if (!f)
        return;
    for (uint32_t i = 0; i < FRAGMENTS_DATAGRAMS; i++) {
        if (f->all[i].is_used)
            forget(f, &f->all[i]);
    }
    free(f);
}

void
fragments_expire(struct fragments *f, nsec_t now)
{
    for (uint32_t i = 0; i < FRAGMENTS_DATAGRAMS; i++) {
        if (f->all[i].is_used && now - f->all[i].first > FRAGMENTS_PATIENCE)
            forget(f, &f->all[i]);
    }
}

static bool
is_of(const struct datagram *d, const struct layers *l)
{
    return d->is_used && d->id == l->fragment_id && d->ip == l->ip && d->proto == l->proto &&
           !memcmp(d->src, l->src, 16) && !memcmp(d->dst, l->dst, 16);
}

static struct datagram *
find(struct fragments *f, const struct layers *l, nsec_t now)
{
    struct datagram *place = &f->all[0];
    for (uint32_t i = 0; i < FRAGMENTS_DATAGRAMS; i++) {
        struct datagram *d = &f->all[i];
        if (is_of(d, l))
            return d;
        if (!d->is_used ? place->is_used : place->is_used && d->first < place->first)
            place = d;
    }
    forget(f, place);
    place->is_used = true;
    place->ip = l->ip;
    place->proto = l->proto;
    place->id = l->fragment_id;
    place->first = now;
    memcpy(place->src, l->src, 16);
    memcpy(place->dst, l->dst, 16);
    return place;
}

static bool
make_room(struct fragments *f, struct datagram *d, uint32_t size)
{
    if (size <= d->capacity)
        return true;
    uint32_t more = size - d->capacity;
    if (f->budget->used + more > f->budget->limit) {
        f->budget->n_refused++;
        return false;
    }
    d->data = xrealloc(d->data, size, 1);
    d->capacity = size;
    f->budget->used += more;
    return true;
}

enum overlap { OVERLAP_NONE, OVERLAP_SAME, OVERLAP_WRONG };

static enum overlap
overlap_of(const struct piece *pieces, uint32_t n, const struct layers *l)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct piece *p = &pieces[i];
        if (p->at == l->fragment_at && p->size == l->size)
            return OVERLAP_SAME;
        if (l->fragment_at < p->at + p->size && p->at < l->fragment_at + l->size)
            return OVERLAP_WRONG;
    }
    return OVERLAP_NONE;
}

enum fragment_taken
fragments_input(struct fragments *f, const struct layers *l, nsec_t now, const uint8_t **data,
                uint32_t *size)
{
    if (f->given != UINT32_MAX)
        forget(f, &f->all[f->given]);
    f->given = UINT32_MAX;
    uint32_t end = l->fragment_at + l->size;
    if (!l->size || l->size != l->wire || end > DATAGRAM_MAX || (l->more_fragments && l->size % 8))
        return FRAGMENT_DROPPED;
    struct datagram *d = find(f, l, now);
    struct piece *pieces = f->pieces[d - f->all];
    enum overlap overlap = overlap_of(pieces, d->n_pieces, l);
    if (overlap == OVERLAP_SAME)
        return FRAGMENT_KEPT;
    bool fits = overlap == OVERLAP_NONE && d->n_pieces < FRAGMENTS_PIECES &&
                (!d->whole || end <= d->whole) && make_room(f, d, end);
    if (!fits) {
        forget(f, d);
        return FRAGMENT_DROPPED;
    }
    memcpy(d->data + l->fragment_at, l->payload, l->size);
    pieces[d->n_pieces++] = (struct piece){l->fragment_at, l->size};
    d->n_octets += l->size;
    if (!l->more_fragments)
        d->whole = end;
    if (!d->whole || d->n_octets < d->whole)
        return FRAGMENT_KEPT;
    *data = d->data;
    *size = d->whole;
    f->given = (uint32_t)(d - f->all);
    return FRAGMENT_WHOLE;
}
