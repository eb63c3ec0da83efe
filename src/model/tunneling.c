#include "model/tunneling.h"

#include "base/alloc.h"
#include "model/state.h"

#include <stdlib.h>
#include <string.h>

const char *const tunnel_path_words[TUNNEL_PATHS] = {"primary", "standby"};
const char *const drain_kind_words[DRAIN_KINDS] = {"router", "link", "srlg"};
const char *const told_kind_words[TOLD_KINDS] = {"optical", "import"};

/* ---- Life ---- */

static void
clear_paths(struct tunnel_status *t)
{
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        json_decref(t->paths[i]);
        t->paths[i] = NULL;
    }
}

static void
set_reason(struct tunnel_status *t, const char *reason)
{
    free(t->reason);
    t->reason = reason ? xstrdup(reason) : NULL;
}

static void
status_free(struct tunneling *all, struct tunnel_status *t)
{
    HASH_DEL(all->tunnels, t);
    clear_paths(t);
    free(t->reason);
    free(t->tunnel);
    free(t);
}

static void
drain_free(struct tunneling *all, struct drain *d)
{
    HASH_DEL(all->drains, d);
    free(d->element);
    free(d->key);
    free(d->who);
    free(d->why);
    free(d);
}

static void
told_free(struct tunneling *all, struct told_source *t)
{
    HASH_DEL(all->told, t);
    free(t->source);
    free(t->text);
    free(t->who);
    free(t);
}

void
tunneling_fini(struct tunneling *all)
{
    struct tunnel_status *t, *next;
    struct drain *d, *next_drain;
    struct told_source *told, *next_told;
    HASH_ITER (hh, all->told, told, next_told)
        told_free(all, told);
    HASH_ITER (hh, all->tunnels, t, next)
        status_free(all, t);
    HASH_ITER (hh, all->drains, d, next_drain)
        drain_free(all, d);
}

static struct drain *
find_drain(const struct tunneling *all, const char *element)
{
    struct drain *d;
    HASH_FIND_STR(all->drains, element, d);
    return d;
}

const struct drain *
tunneling_drain(const struct tunneling *all, const char *element)
{
    return find_drain(all, element);
}

static struct told_source *
find_told(const struct tunneling *all, const char *source)
{
    struct told_source *t;
    HASH_FIND_STR(all->told, source, t);
    return t;
}

const struct told_source *
tunneling_told(const struct tunneling *all, const char *source)
{
    return find_told(all, source);
}

static struct tunnel_status *
find(const struct tunneling *all, const char *tunnel)
{
    struct tunnel_status *t;
    HASH_FIND_STR(all->tunnels, tunnel, t);
    return t;
}

const struct tunnel_status *
tunneling_find(const struct tunneling *all, const char *tunnel)
{
    return find(all, tunnel);
}

void
tunneling_forget(struct tunneling *all, const char *tunnel)
{
    struct tunnel_status *t = find(all, tunnel);
    if (t)
        status_free(all, t);
}

uint32_t
tunneling_free_number(const struct tunneling *all)
{
    uint8_t *taken = xcalloc(TUNNEL_NUMBER_MAX + 1, 1);
    uint32_t number = 1;
    for (const struct tunnel_status *t = all->tunnels; t; t = t->hh.next)
        taken[t->number] = 1;
    while (number <= TUNNEL_NUMBER_MAX && taken[number])
        number++;
    free(taken);
    return number <= TUNNEL_NUMBER_MAX ? number : 0;
}

static struct tunnel_status *
need(struct tunneling *all, const char *tunnel)
{
    struct tunnel_status *t = find(all, tunnel);
    if (!t) {
        t = xcalloc(1, sizeof *t);
        t->tunnel = xstrdup(tunnel);
        HASH_ADD_KEYPTR(hh, all->tunnels, t->tunnel, strlen(t->tunnel), t);
    }
    return t;
}

/* ---- Events ---- */

static const char *
text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static void
set_phase(struct tunnel_status *t, const struct state_event *e, enum circuit_phase phase)
{
    json_int_t order = json_integer_value(json_object_get(e->body, "order"));
    if (order > 0 && order <= UINT32_MAX)
        t->order = (uint32_t)order;
    if (t->phase != phase || !t->since)
        t->since = e->time;
    t->phase = phase;
}

static void
take_paths(struct tunnel_status *t, const json_t *placement)
{
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        json_t *path = json_object_get(placement, tunnel_path_words[i]);
        json_decref(t->paths[i]);
        t->paths[i] = json_is_object(path) ? json_incref(path) : NULL;
    }
}

static bool
is_placement(const json_t *p)
{
    json_int_t number = json_integer_value(json_object_get(p, "number"));
    return text_of(p, "tunnel") && number >= 1 && number <= TUNNEL_NUMBER_MAX &&
           json_is_object(json_object_get(p, tunnel_path_words[TUNNEL_PRIMARY]));
}

/* {order, placements: [{tunnel, number, primary, standby?}], for-circuits?} */
static enum err
apply_reserved(struct tunneling *all, const struct state_event *e, struct diag *diag)
{
    json_t *list = json_object_get(e->body, "placements"), *p;
    size_t i;
    if (!json_is_array(list))
        return state_event_malformed(e, "placements", diag);
    json_array_foreach(list, i, p)
    {
        if (!is_placement(p))
            return state_event_malformed(e, "placements", diag);
    }
    json_array_foreach(list, i, p)
    {
        struct tunnel_status *t = need(all, text_of(p, "tunnel"));
        t->number = (uint32_t)json_integer_value(json_object_get(p, "number"));
        t->for_circuits = json_is_true(json_object_get(e->body, "for-circuits"));
        take_paths(t, p);
        set_phase(t, e, PHASE_RESERVED);
    }
    return ERR_OK;
}

/* {tunnel, primary, standby?, reason, gave-way?}: a path of it goes another way from now on. */
static enum err
apply_moved(struct tunneling *all, const struct state_event *e, struct diag *diag)
{
    const char *tunnel = text_of(e->body, "tunnel");
    struct tunnel_status *t = tunnel ? find(all, tunnel) : NULL;
    if (!t || !t->number)
        return state_event_malformed(e, "tunnel", diag);
    take_paths(t, e->body);
    set_reason(t, text_of(e->body, "reason"));
    const json_t *gave_way = json_object_get(e->body, "gave-way");
    if (gave_way) /* else it goes on as it was: a failure is no reason to stay away */
        t->gave_way = json_is_true(gave_way);
    t->moved = e->time;
    t->n_moved++;
    return ERR_OK;
}

static void
release(struct tunnel_status *t)
{
    clear_paths(t);
    set_reason(t, NULL);
    t->number = t->n_moved = 0;
    t->for_circuits = false;
    t->gave_way = false;
    t->moved = t->build_time = 0;
}

/* {order, tunnels: [name...]}, or {order, tunnel}: of one. */
static enum err
apply_phase(struct tunneling *all, const struct state_event *e, enum circuit_phase phase,
            struct diag *diag)
{
    const char *one = text_of(e->body, "tunnel");
    const json_t *names = json_object_get(e->body, "tunnels");
    size_t n = one ? 1 : json_array_size(names);
    for (size_t i = 0; i < n; i++) {
        const char *name = one ? one : json_string_value(json_array_get(names, i));
        if (!name || !find(all, name))
            return state_event_malformed(e, one ? "tunnel" : "tunnels", diag);
    }
    if (!n && !json_is_array(names))
        return state_event_malformed(e, "tunnels", diag);
    for (size_t i = 0; i < n; i++) {
        struct tunnel_status *t = find(all,
                                       one ? one : json_string_value(json_array_get(names, i)));
        if (phase == PHASE_PROPOSED)
            release(t);
        if (phase == PHASE_BUILT)
            t->build_time = json_integer_value(json_object_get(e->body, "duration-ns"));
        set_phase(t, e, phase);
    }
    return ERR_OK;
}

/* {element, kind, key, reason}; again: with another reason. */
static enum err
apply_drained(struct tunneling *all, const struct state_event *e, struct diag *diag)
{
    const char *element = text_of(e->body, "element"), *kind = text_of(e->body, "kind"),
               *key = text_of(e->body, "key"), *why = text_of(e->body, "reason");
    unsigned word = 0;
    while (kind && word < DRAIN_KINDS && strcmp(drain_kind_words[word], kind) != 0)
        word++;
    if (!kind || word == DRAIN_KINDS)
        return state_event_malformed(e, "kind", diag);
    if (!element || !key || !why)
        return state_event_malformed(e, !element ? "element" : !key ? "key" : "reason", diag);
    struct drain *old = find_drain(all, element), *d = xcalloc(1, sizeof *d);
    *d = (struct drain){xstrdup(element), word,    xstrdup(key), xstrdup(e->actor),
                        xstrdup(why),     e->time, {0}};
    if (old)
        drain_free(all, old);
    HASH_ADD_KEYPTR(hh, all->drains, d->element, strlen(d->element), d);
    return ERR_OK;
}

/* {element} */
static enum err
apply_restored(struct tunneling *all, const struct state_event *e, struct diag *diag)
{
    const char *element = text_of(e->body, "element");
    struct drain *d = element ? find_drain(all, element) : NULL;
    if (!element)
        return state_event_malformed(e, "element", diag);
    if (d)
        drain_free(all, d);
    return ERR_OK;
}

/* {source, kind, text}: in place of what it had told before. */
static enum err
apply_told(struct tunneling *all, const struct state_event *e, struct diag *diag)
{
    const char *source = text_of(e->body, "source"), *kind = text_of(e->body, "kind"),
               *text = text_of(e->body, "text");
    unsigned word = 0;
    while (kind && word < TOLD_KINDS && strcmp(told_kind_words[word], kind) != 0)
        word++;
    if (!kind || word == TOLD_KINDS)
        return state_event_malformed(e, "kind", diag);
    if (!source || !text)
        return state_event_malformed(e, !source ? "source" : "text", diag);
    struct told_source *old = find_told(all, source), *t = xcalloc(1, sizeof *t);
    *t = (struct told_source){xstrdup(source),   word,    xstrdup(text),
                              xstrdup(e->actor), e->time, {0}};
    if (old)
        told_free(all, old);
    HASH_ADD_KEYPTR(hh, all->told, t->source, strlen(t->source), t);
    return ERR_OK;
}

static const struct {
    const char *type;
    enum err (*apply)(struct tunneling *, const struct state_event *, struct diag *);
    enum circuit_phase phase; /* without `apply` */
} table[] = {
    {"tunnel.reserved", apply_reserved, PHASE_MAX},
    {"tunnel.moved", apply_moved, PHASE_MAX},
    {"tunnel.wanted", NULL, PHASE_BUILDING},
    {"tunnel.built", NULL, PHASE_BUILT},
    {"tunnel.tested", NULL, PHASE_ACTIVE},
    {"tunnel.unwanted", NULL, PHASE_REMOVING},
    {"tunnel.removed", NULL, PHASE_RESERVED},
    {"tunnel.released", NULL, PHASE_PROPOSED},
    {"wan.drained", apply_drained, PHASE_MAX},
    {"wan.restored", apply_restored, PHASE_MAX},
    {"wan.told", apply_told, PHASE_MAX},
};

static size_t
row_of(const char *type)
{
    size_t i = 0;
    while (i < ARRAY_SIZE(table) && strcmp(table[i].type, type) != 0)
        i++;
    return i;
}

bool
tunneling_knows(const char *type)
{
    return row_of(type) < ARRAY_SIZE(table);
}

enum err
tunneling_apply(struct tunneling *all, const struct state_event *e, struct diag *diag)
{
    size_t row = row_of(e->type);
    if (row == ARRAY_SIZE(table))
        return ERR_OK;
    if (!json_is_object(e->body))
        return state_event_malformed(e, "body", diag);
    return table[row].apply ? table[row].apply(all, e, diag)
                            : apply_phase(all, e, table[row].phase, diag);
}

/* ---- JSON ---- */

static void
set_number(json_t *json, const char *name, json_int_t value)
{
    if (value)
        json_object_set_new(json, name, json_integer(value));
}

json_t *
tunnel_status_json(const struct tunnel_status *t)
{
    char time[TIME_TEXT_SIZE];
    json_t *json = json_pack("{ss}", "phase", circuit_phase_word(t ? t->phase : PHASE_PROPOSED));
    if (!t)
        return json;
    json_object_set_new(json, "since", json_string(time_format(t->since, time)));
    set_number(json, "order", t->order);
    set_number(json, "number", t->number);
    if (t->for_circuits)
        json_object_set_new(json, "for-circuits", json_true());
    set_number(json, "build-time-ns", t->build_time);
    set_number(json, "n-moved", t->n_moved);
    if (t->moved)
        json_object_set_new(json, "moved", json_string(time_format(t->moved, time)));
    if (t->gave_way)
        json_object_set_new(json, "gave-way", json_true());
    if (t->reason)
        json_object_set_new(json, "reason", json_string(t->reason));
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        if (t->paths[i])
            json_object_set(json, tunnel_path_words[i], t->paths[i]);
    }
    return json;
}
