#include "edge/redundancy.h"

#include "base/alloc.h"

#include <stdlib.h>

struct redundancy {
    struct qsbr *qsbr;
    struct idmap streams;
    uint64_t n_touched;
};

/* ---- Streams ---- */

static void *
aligned_zeros(size_t size)
{
    void *p = NULL;
    if (posix_memalign(&p, 64, size))
        abort();
    return memset(p, 0, size);
}

struct redundancy *
redundancy_new(struct qsbr *qsbr)
{
    struct redundancy *r = xcalloc(1, sizeof *r);
    r->qsbr = qsbr;
    idmap_init(&r->streams, qsbr);
    return r;
}

static void
free_stream(void *object)
{
    struct redundancy_stream *s = object;
    free(atomic_load_explicit(&s->window, memory_order_relaxed));
    free(s);
}

static void
free_visited(void *arg UNUSED, void *object)
{
    free_stream(object);
}

void
redundancy_free(struct redundancy *r)
{
    idmap_each(&r->streams, free_visited, NULL);
    idmap_fini(&r->streams);
    free(r);
}

struct redundancy_stream *
redundancy_stream(const struct redundancy *r, uint32_t id)
{
    return idmap_get(&r->streams, id);
}

static bool
names_stream(const struct action *a)
{
    return a->type == ACTION_SEQUENCE || a->type == ACTION_DISCARD;
}

static void
find_unused(void *arg, void *object)
{
    struct redundancy_stream **oldest = arg, *s = object;
    if (!s->n_rules && (!*oldest || s->touched < (*oldest)->touched))
        *oldest = s;
}

/* Takes the place of the stream without rules that was wanted last the longest ago. */
static bool
make_place(struct redundancy *r)
{
    struct redundancy_stream *oldest = NULL;
    if (r->streams.n < REDUNDANCY_STREAMS)
        return true;
    idmap_each(&r->streams, find_unused, &oldest);
    if (!oldest)
        return false;
    idmap_remove(&r->streams, oldest->id);
    qsbr_defer(r->qsbr, free_stream, oldest);
    return true;
}

bool
redundancy_prepare(struct redundancy *r, const struct action *a)
{
    struct redundancy_stream *s = redundancy_stream(r, a->id);
    if (!s) {
        if (!make_place(r))
            return false;
        s = aligned_zeros(sizeof *s);
        s->id = a->id;
        idmap_put(&r->streams, s);
    }
    s->touched = ++r->n_touched;
    if (a->type == ACTION_DISCARD && !atomic_load_explicit(&s->window, memory_order_relaxed))
        atomic_store_explicit(&s->window, aligned_zeros(sizeof(struct redundancy_window)),
                              memory_order_release);
    return true;
}

void
redundancy_count(struct redundancy *r, const struct action *a, int by)
{
    struct redundancy_stream *s = names_stream(a) ? redundancy_stream(r, a->id) : NULL;
    if (s)
        s->n_rules = (uint32_t)((int)s->n_rules + by);
}

bool
redundancy_in_bucket(const struct actions *actions)
{
    for (uint32_t i = 0; i < actions->n; i++) {
        if (names_stream(&actions->list[i]))
            return true;
    }
    return false;
}

struct visit {
    void (*visit)(void *arg, struct redundancy_stream *);
    void *arg;
};

static void
visit_one(void *arg, void *object)
{
    const struct visit *v = arg;
    v->visit(v->arg, object);
}

void
redundancy_each(const struct redundancy *r, void (*visit)(void *arg, struct redundancy_stream *),
                void *arg)
{
    struct visit v = {visit, arg};
    idmap_each(&r->streams, visit_one, &v);
}

static struct redundancy_saved_path
save_path(const struct redundancy_path *p)
{
    return (struct redundancy_saved_path){
        .last = atomic_load_explicit(&p->last, memory_order_relaxed),
        .heard = atomic_load_explicit(&p->heard, memory_order_relaxed),
        .received = counter_get(&p->received),
        .lost = counter_get(&p->lost),
        .reordered = counter_get(&p->reordered),
        .jumps = counter_get(&p->jumps),
        .wrong_lan = counter_get(&p->wrong_lan),
    };
}

static void
restore_path(struct redundancy_path *p, const struct redundancy_saved_path *state)
{
    atomic_store_explicit(&p->last, state->last, memory_order_relaxed);
    atomic_store_explicit(&p->heard, state->heard, memory_order_relaxed);
    atomic_store_explicit(&p->received, state->received, memory_order_relaxed);
    atomic_store_explicit(&p->lost, state->lost, memory_order_relaxed);
    atomic_store_explicit(&p->reordered, state->reordered, memory_order_relaxed);
    atomic_store_explicit(&p->jumps, state->jumps, memory_order_relaxed);
    atomic_store_explicit(&p->wrong_lan, state->wrong_lan, memory_order_relaxed);
}

void
redundancy_save(const struct redundancy_window *w, nsec_t now, struct redundancy_saved *state)
{
    for (unsigned i = 0; i < REDUNDANCY_PATHS; i++)
        state->paths[i] = save_path(&w->paths[i]);
    state->passed = save_path(&w->passed);
    state->heard = atomic_load_explicit(&w->heard, memory_order_relaxed);
    state->begun = atomic_load_explicit(&w->begun, memory_order_relaxed);
    state->discarded = counter_get(&w->discarded);
    state->untagged = counter_get(&w->untagged);
    state->n_seen = now - state->heard <= REDUNDANCY_FORGET ? REDUNDANCY_WINDOW : 0;
    for (unsigned i = 0; i < state->n_seen; i++)
        state->seen[i] = counter_get(&w->seen[i]);
}

void
redundancy_restore(struct redundancy_window *w, const struct redundancy_saved *state)
{
    for (unsigned i = 0; i < REDUNDANCY_PATHS; i++)
        restore_path(&w->paths[i], &state->paths[i]);
    restore_path(&w->passed, &state->passed);
    atomic_store_explicit(&w->heard, state->heard, memory_order_relaxed);
    atomic_store_explicit(&w->begun, state->begun, memory_order_relaxed);
    atomic_store_explicit(&w->discarded, state->discarded, memory_order_relaxed);
    atomic_store_explicit(&w->untagged, state->untagged, memory_order_relaxed);
    for (unsigned i = 0; i < state->n_seen; i++)
        atomic_store_explicit(&w->seen[i], state->seen[i], memory_order_relaxed);
}

const char *
redundancy_path_state(const struct redundancy_window *w, unsigned path)
{
    nsec_t mine = atomic_load_explicit(&w->paths[path].heard, memory_order_relaxed);
    nsec_t other = atomic_load_explicit(&w->paths[!path].heard, memory_order_relaxed);
    return !mine ? "unheard" : other - mine > REDUNDANCY_SILENT ? "silent" : "ok";
}

/* ---- The window ---- */

/* A place: 45 bits of time in microseconds, one that says that it is taken, one for each path, and
 * the number. */
#define PLACE_TAKEN (UINT64_C(1) << 18)
#define PLACE_PATH(path) (UINT64_C(1) << (16 + (path)))
#define PLACE_TIME_SHIFT 19
#define LAST_KNOWN UINT32_C(0x10000)

static bool
place_remembers(uint64_t place, uint16_t sequence, nsec_t begun)
{
    return place & PLACE_TAKEN && (uint16_t)place == sequence &&
           (nsec_t)(place >> PLACE_TIME_SHIFT) >= begun / NSEC_PER_USEC;
}

/* Since when numbers count. A pause ends what was before it; workers that see it at once find the
 * same: it is told by when the stream was heard last, and not by their own clocks. */
static nsec_t
note_heard(struct redundancy_window *w, nsec_t now)
{
    nsec_t heard = atomic_load_explicit(&w->heard, memory_order_acquire);
    if (now - heard >= REDUNDANCY_FORGET)
        atomic_store_explicit(&w->begun, heard + REDUNDANCY_FORGET, memory_order_relaxed);
    if (now > heard)
        atomic_store_explicit(&w->heard, now, memory_order_release);
    return atomic_load_explicit(&w->begun, memory_order_relaxed);
}

static void
take_back(_Atomic uint64_t *counter)
{
    uint64_t n = counter_get(counter);
    while (n && !atomic_compare_exchange_weak_explicit(counter, &n, n - 1, memory_order_relaxed,
                                                       memory_order_relaxed))
        ;
}

/* Numbers that come by one way, in a row or not. `again`: the very same came by it before. */
static void
note_number(struct redundancy_path *path, uint16_t sequence, bool again, nsec_t now)
{
    uint32_t last = atomic_load_explicit(&path->last, memory_order_relaxed);
    int16_t ahead = (int16_t)(uint16_t)(sequence - last);
    nsec_t pause = now - atomic_load_explicit(&path->heard, memory_order_relaxed);
    counter_add(&path->received, 1);
    atomic_store_explicit(&path->heard, now, memory_order_relaxed);
    if (last & LAST_KNOWN && (again || ahead == 0))
        return;
    if (last & LAST_KNOWN && ahead < 0 && ahead > -(int)REDUNDANCY_WINDOW &&
        pause < REDUNDANCY_FORGET) {
        counter_add(&path->reordered, 1);
        take_back(&path->lost);
        return;
    }
    if (last & LAST_KNOWN) {
        if (ahead < 0 || ahead > (int)REDUNDANCY_WINDOW)
            counter_add(&path->jumps, 1);
        else if (ahead > 1)
            counter_add(&path->lost, (uint64_t)ahead - 1);
    }
    atomic_store_explicit(&path->last, LAST_KNOWN | sequence, memory_order_relaxed);
}

bool
redundancy_is_first(struct redundancy_window *w, unsigned path, uint16_t sequence, nsec_t now)
{
    _Atomic uint64_t *place = &w->seen[sequence & (REDUNDANCY_WINDOW - 1)];
    nsec_t begun = note_heard(w, now), time = MAX(now, begun) / NSEC_PER_USEC;
    uint64_t old = atomic_load_explicit(place, memory_order_relaxed), new;
    bool first;
    do { /* who fails here has been overtaken by another worker, which has succeeded */
        first = !place_remembers(old, sequence, begun);
        new = first ? (uint64_t)time << PLACE_TIME_SHIFT | PLACE_TAKEN | sequence : old;
        new |= PLACE_PATH(path);
    } while (new != old && !atomic_compare_exchange_weak_explicit(
                               place, &old, new, memory_order_relaxed, memory_order_relaxed));
    note_number(&w->paths[path], sequence, !first && old & PLACE_PATH(path), now);
    if (first)
        note_number(&w->passed, sequence, false, now);
    else
        counter_add(&w->discarded, 1);
    return first;
}

/* ---- The actions ---- */

static enum redundancy_verdict
verdict_of(enum edit_result result)
{
    return result == EDIT_NO_ROOM   ? REDUNDANCY_NO_ROOM
           : result == EDIT_REPARSE ? REDUNDANCY_REPARSE
                                    : REDUNDANCY_PASS;
}

static enum redundancy_verdict
push(const struct action *a, struct packet *p, const struct redundancy_number *number)
{
    const struct redundancy_tag tag = {.sequence = number->sequence, .lan = a->lan};
    if (!number->given)
        return REDUNDANCY_UNTAGGED;
    return verdict_of(packet_push_redundancy(p, a->eth_type, &tag));
}

/* The path that the rule says a packet comes by, or that its tag does. */
static unsigned
path_of(const struct action *a, const struct redundancy_tag *tag)
{
    return (a->lan ? a->lan : tag->lan) & 1;
}

static enum redundancy_verdict
discard(struct redundancy_window *w, const struct action *a, struct packet *p, nsec_t now)
{
    struct redundancy_tag tag;
    size_t offset;
    if (!redundancy_find(a->eth_type, p->data, p->size, &tag, &offset)) {
        counter_add(&w->untagged, 1);
        /* In PRP nodes that are attached once send so (clause 4.1.3); in HSR there are none. */
        return a->eth_type == ETH_TYPE_PRP ? REDUNDANCY_PASS : REDUNDANCY_UNTAGGED;
    }
    unsigned path = path_of(a, &tag);
    if (a->lan && a->eth_type == ETH_TYPE_PRP && tag.lan != a->lan)
        counter_add(&w->paths[path].wrong_lan, 1);
    if (!redundancy_is_first(w, path, tag.sequence, now))
        return REDUNDANCY_COPY;
    return verdict_of(packet_pop_redundancy(p, a->eth_type));
}

enum redundancy_verdict
redundancy_act(const struct redundancy *r, const struct action *a, struct packet *p,
               struct redundancy_number *number, nsec_t now)
{
    if (a->type == ACTION_PUSH_REDUNDANCY)
        return push(a, p, number);
    struct redundancy_stream *s = redundancy_stream(r, a->id);
    if (!s)
        return REDUNDANCY_UNTAGGED;
    if (a->type == ACTION_SEQUENCE) {
        *number = (struct redundancy_number){true, redundancy_next(s)};
        return REDUNDANCY_PASS;
    }
    struct redundancy_window *w = atomic_load_explicit(&s->window, memory_order_acquire);
    return w ? discard(w, a, p, now) : REDUNDANCY_UNTAGGED;
}

enum redundancy_verdict
redundancy_explain(const struct action *a, struct packet *p, struct redundancy_number *number)
{
    struct redundancy_tag tag;
    size_t offset;
    if (a->type == ACTION_PUSH_REDUNDANCY)
        return push(a, p, number);
    if (a->type == ACTION_SEQUENCE) {
        *number = (struct redundancy_number){true, 0};
        return REDUNDANCY_PASS;
    }
    if (a->eth_type == ETH_TYPE_HSR && !hsr_find_tag(p->data, p->size, &tag, &offset))
        return REDUNDANCY_UNTAGGED;
    return verdict_of(packet_pop_redundancy(p, a->eth_type));
}
