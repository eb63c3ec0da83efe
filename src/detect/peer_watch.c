#include "detect/peer_watch.h"

#include "base/alloc.h"
#include "detect/elapsed.h"
#include "proto/ot/goose/goose_protocol.h"

#include <stdio.h>
#include <stdlib.h>

#define SOURCES 256
#define KINDS 2048
#define NAME_SIZE 132
#define ENTRIES 64  /* values of a data set that are looked at */
#define PARTNERS 8  /* of a kind; only those of its first time can be there each time */
#define PENDING 128 /* changes of which it is not yet known who else changed */
#define WITHIN NSEC_PER_SEC
#define SURE 5  /* times that it came with a partner */
#define USUAL 3 /* times without it, and that is usual */
#define ALONE 4 /* changes of a publisher without the other */
#define SMALL 4 /* numbers below it are states, others may be measured */
#define NO_VALUE UINT8_MAX
#define KNOWN UINT8_MAX

/* A publisher of GOOSE, or a stream. */
struct source {
    char name[NAME_SIZE];
    uint8_t values[ENTRIES];
    bool is_stream, is_gone;
    uint32_t n; /* times that it changed; what changes at once is one */
    nsec_t changed, told;
    uint8_t together[SOURCES]; /* with the source of that place: times */
};

/* Compared as octets. */
struct kind_key {
    struct watch_place source;
    uint32_t entry, value;
};

struct partner {
    struct watch_place kind;
    uint32_t n_missed;
};

struct kind {
    struct kind_key key;
    uint32_t n; /* times that are judged */
    uint32_t n_partners;
    bool is_pending;
    struct partner partners[PARTNERS];
};

struct pending {
    struct watch_place kind;
    nsec_t time;
    uint32_t seen; /* bits: partners */
};

struct peer_watch {
    struct watch_config config;
    struct watch_table *sources, *kinds;
    struct pending pending[PENDING]; /* by their time, from `first` on */
    uint32_t first, n;
    nsec_t spilled; /* of the last for which there was no room; what was near it lacks that */
};

struct peer_watch *
peer_watch_new(const struct watch_config *config)
{
    struct peer_watch *w = xcalloc(1, sizeof *w);
    w->config = *config;
    if (config->octets)
        *config->octets += sizeof *w;
    w->sources = watch_table_new(config->capacity ? MIN(config->capacity, SOURCES) : SOURCES,
                                 sizeof(struct source), NAME_SIZE);
    if (config->octets)
        *config->octets += watch_table_octets(w->sources);
    w->kinds = watch_table_of(config, KINDS, sizeof(struct kind), sizeof(struct kind_key));
    return w;
}

void
peer_watch_free(struct peer_watch *w)
{
    if (!w)
        return;
    watch_table_free(w->sources);
    watch_table_free(w->kinds);
    free(w);
}

static struct source *
source_of(struct peer_watch *w, const char *name, bool *is_new)
{
    char key[NAME_SIZE] = {0};
    snprintf(key, sizeof key, "%s", name);
    return watch_table_get(w->sources, key, is_new);
}

/* ---- In words ---- */

static void
put_kind(char *text, size_t size, const struct kind *k, const struct source *s)
{
    static const char *const of[] = {"currents", "voltages"};
    if (s->is_stream)
        snprintf(text, size, "%s %s", of[k->key.entry & 1], k->key.value ? "rose" : "fell");
    else
        snprintf(text, size, "value %u became %u", k->key.entry, k->key.value);
}

/* ---- Judging a change when all that belongs to it has had its time ---- */

static void
tell_missing(struct peer_watch *w, nsec_t now, const struct kind *k, struct source *s,
             const struct partner *p, bool is_alone)
{
    const struct sight at = {.now = now};
    const struct kind *other = watch_table_again(w->kinds, p->kind);
    struct source *missing = other ? watch_table_again(w->sources, other->key.source) : NULL;
    char what[64], missed[64];
    if (!missing)
        return;
    struct source *odd = is_alone ? s : missing;
    if (odd->told && !has_elapsed(now, odd->told, 2 * WITHIN - 1))
        return; /* other entries of the same have said it */
    odd->told = now;
    put_kind(what, sizeof what, k, s);
    put_kind(missed, sizeof missed, other, missing);
    if (is_alone)
        watch_tell(&w->config, &at, "peer-change-alone", s->name,
                   "%s; with it %s of %s %u times before, and does not now", what, missed,
                   missing->name, k->n);
    else
        watch_tell(&w->config, &at, "peer-change-missing", missing->name,
                   "%s did not, as it did %u times before with others; %s of %s has", missed, k->n,
                   what, s->name);
}

static bool
is_there(struct peer_watch *w, const struct partner *p)
{
    const struct kind *k = watch_table_again(w->kinds, p->kind);
    const struct source *s = k ? watch_table_again(w->sources, k->key.source) : NULL;
    return s && !s->is_gone;
}

static void
judge(struct peer_watch *w, struct kind *k, struct source *s, uint32_t seen, nsec_t now)
{
    uint32_t kept = 0;
    bool is_sure = k->n >= SURE;
    for (uint32_t i = 0; i < k->n_partners; i++) {
        struct partner p = k->partners[i];
        bool is_missing = !(seen >> i & 1) && is_there(w, &p);
        if (is_missing && is_sure && p.n_missed < USUAL)
            tell_missing(w, now, k, s, &p, !seen);
        p.n_missed += is_missing;
        if (!is_missing || (is_sure && p.n_missed < USUAL))
            k->partners[kept++] = p;
    }
    k->n_partners = kept;
    k->n++;
}

static void
judge_due(struct peer_watch *w, nsec_t now)
{
    while (w->n) {
        const struct pending p = w->pending[w->first];
        struct kind *k = watch_table_again(w->kinds, p.kind);
        struct source *s = k ? watch_table_again(w->sources, k->key.source) : NULL;
        bool is_due = has_elapsed(now, p.time, WITHIN);
        if (!is_due && w->n < PENDING)
            return;
        w->first = (w->first + 1) % PENDING;
        w->n--;
        w->spilled = is_due ? w->spilled : p.time;
        if (!k)
            continue;
        k->is_pending = false;
        if (s && (!w->spilled || has_elapsed(p.time, w->spilled, WITHIN)))
            judge(w, k, s, p.seen, now);
    }
}

void
peer_watch_tick(struct peer_watch *w, nsec_t now)
{
    if (w->n)
        judge_due(w, now);
}

/* ---- Changes ---- */

static bool
is_place(struct watch_place a, struct watch_place b)
{
    return a.at == b.at && a.generation == b.generation;
}

/* Has come with it: known of its first time, or looked for. */
static void
meet(struct pending *p, struct kind *k, struct watch_place other)
{
    for (uint32_t i = 0; i < k->n_partners; i++) {
        if (is_place(k->partners[i].kind, other)) {
            p->seen |= 1u << i;
            return;
        }
    }
    if (k->n || k->n_partners == PARTNERS)
        return;
    p->seen |= 1u << k->n_partners;
    k->partners[k->n_partners++] = (struct partner){.kind = other};
}

static void
change(struct peer_watch *w, const struct sight *at, struct watch_place source, uint32_t entry,
       uint32_t value)
{
    const struct kind_key key = {source, entry, value};
    bool is_new;
    struct kind *k = watch_table_get(w->kinds, &key, &is_new);
    struct watch_place mine = watch_table_place(w->kinds, k);
    struct pending now = {.kind = mine, .time = at->now};
    if (k->is_pending) /* again within the time: that is one */
        return;
    for (uint32_t i = 0; i < w->n; i++) {
        struct pending *p = &w->pending[(w->first + i) % PENDING];
        struct kind *other = watch_table_again(w->kinds, p->kind);
        if (!other || is_place(other->key.source, source))
            continue;
        meet(p, other, mine);
        meet(&now, k, p->kind);
    }
    k->is_pending = true;
    w->pending[(w->first + w->n) % PENDING] = now;
    w->n++;
    judge_due(w, at->now);
}

/* Two publishers that never changed together have. */
static void
compare(struct peer_watch *w, const struct sight *at, struct source *s)
{
    uint32_t place = watch_table_place(w->sources, s).at;
    for (uint32_t i = 0; i < watch_table_number(w->sources); i++) {
        struct source *o = watch_table_at(w->sources, i);
        if (o == s || o->is_stream || !o->n || has_elapsed(at->now, o->changed, WITHIN) ||
            s->together[i] == KNOWN)
            continue;
        bool is_sure = s->together[i] || (s->n > ALONE && o->n > ALONE);
        uint8_t times = is_sure && s->together[i] < USUAL ? s->together[i] + 1 : KNOWN;
        s->together[i] = o->together[place] = times;
        if (times == 1)
            watch_tell(&w->config, at, "peer-change-together", s->name,
                       "changes within a second of %s; %u and %u changes before were apart",
                       o->name, s->n - 1, o->n - 1);
        else if (times != KNOWN)
            watch_tell(&w->config, at, "peer-change-together", s->name,
                       "changes within a second of %s again", o->name);
    }
}

/* True: it is the first of those that change at once. */
static bool
begin_change(struct source *s, nsec_t now)
{
    bool is_first = !s->n || has_elapsed(now, s->changed, WITHIN);
    s->n += is_first;
    s->changed = now;
    return is_first;
}

/* What a value of a data set is, if it is a state; `f` is one of the message's fields. */
static uint8_t
state_of(const struct pdu *p, const struct field *f)
{
    const struct field *end = p->fields + p->n_fields;
    switch (f->id) {
    case GOOSE_FIELD_BOOLEAN:
        return f->u != 0;
    case GOOSE_FIELD_INTEGER:
    case GOOSE_FIELD_UNSIGNED:
        return f->u < SMALL ? (uint8_t)f->u : NO_VALUE;
    case GOOSE_FIELD_BITS: /* Dbpos; longer ones are qualities */
        return f + 1 < end && f[1].id == GOOSE_FIELD_BIT_COUNT && f[1].u == 2 ? (uint8_t)f->u
                                                                              : NO_VALUE;
    default:
        return NO_VALUE;
    }
}

/* Another may have its place now: nobody has met it. */
static void
begin_source(struct peer_watch *w, struct source *s, bool is_stream)
{
    uint32_t place = watch_table_place(w->sources, s).at;
    memset(s->values, NO_VALUE, sizeof s->values);
    s->is_stream = is_stream;
    for (uint32_t i = 0; i < watch_table_number(w->sources); i++)
        ((struct source *)watch_table_at(w->sources, i))->together[place] = 0;
}

void
peer_watch_goose(struct peer_watch *w, const struct sight *at, const char *reference,
                 bool is_change)
{
    bool is_new, has_changed = false;
    struct source *s = source_of(w, reference, &is_new);
    const struct pdu *p = at->pdu;
    struct watch_place place = watch_table_place(w->sources, s);
    if (is_new)
        begin_source(w, s, false);
    s->is_gone = false;
    judge_due(w, at->now);
    for (uint32_t i = 0, n = 0; i < p->n_fields && n < ENTRIES; i++) {
        const struct field *f = &p->fields[i];
        if (!f->object || f->id == GOOSE_FIELD_TYPE || f->id == GOOSE_FIELD_BIT_COUNT)
            continue;
        uint8_t value = state_of(p, f), *last = &s->values[n++];
        if (is_change && value != NO_VALUE && *last != NO_VALUE && *last != value) {
            change(w, at, place, n, value);
            has_changed = true;
        }
        *last = value;
    }
    if (has_changed && begin_change(s, at->now))
        compare(w, at, s);
}

void
peer_watch_sv(struct peer_watch *w, const struct sight *at, const char *id, unsigned steps)
{
    bool is_new;
    struct source *s = source_of(w, id, &is_new);
    if (is_new)
        begin_source(w, s, true);
    s->is_gone = false;
    if (!steps)
        return;
    judge_due(w, at->now);
    for (unsigned i = 0; i < 4; i++) {
        if (steps >> i & 1)
            change(w, at, watch_table_place(w->sources, s), i / 2, !(i & 1));
    }
    begin_change(s, at->now);
}

void
peer_watch_gone(struct peer_watch *w, const char *name)
{
    char key[NAME_SIZE] = {0};
    snprintf(key, sizeof key, "%s", name);
    struct source *s = watch_table_find(w->sources, key);
    if (s)
        s->is_gone = true;
}
