#include "model/vpning.h"

#include "base/alloc.h"
#include "model/state.h"
#include "model/vpn.h"

#include <stdlib.h>
#include <string.h>

/* ---- Life ---- */

static void
drop_next(struct vpn_status *v)
{
    json_decref(v->next);
    free(v->next_hash);
    v->next = NULL;
    v->next_hash = NULL;
}

static void
status_free(struct vpning *all, struct vpn_status *v)
{
    HASH_DEL(all->vpns, v);
    drop_next(v);
    for (uint32_t i = 0; i < v->n_versions; i++)
        json_decref(v->versions[i].service);
    free(v->vpn);
    free(v);
}

void
vpning_fini(struct vpning *all)
{
    struct vpn_status *v, *next;
    HASH_ITER (hh, all->vpns, v, next)
        status_free(all, v);
}

static struct vpn_status *
find(const struct vpning *all, const char *vpn)
{
    struct vpn_status *v;
    HASH_FIND_STR(all->vpns, vpn, v);
    return v;
}

const struct vpn_status *
vpning_find(const struct vpning *all, const char *vpn)
{
    return find(all, vpn);
}

void
vpning_forget(struct vpning *all, const char *vpn)
{
    struct vpn_status *v = find(all, vpn);
    if (v)
        status_free(all, v);
}

static struct vpn_status *
need(struct vpning *all, const char *vpn)
{
    struct vpn_status *v = find(all, vpn);
    if (!v) {
        v = xcalloc(1, sizeof *v);
        v->vpn = xstrdup(vpn);
        HASH_ADD_KEYPTR(hh, all->vpns, v->vpn, strlen(v->vpn), v);
    }
    return v;
}

const struct vpn_version *
vpn_status_applied(const struct vpn_status *v)
{
    return v && v->applied ? &v->versions[v->n_versions - 1] : NULL;
}

const struct vpn_version *
vpn_status_version(const struct vpn_status *v, uint32_t number)
{
    for (uint32_t i = 0; v && i < v->n_versions; i++) {
        if (v->versions[i].number == number)
            return &v->versions[i];
    }
    return NULL;
}

/* ---- Events ---- */

static const char *
text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static void
set_phase(struct vpn_status *v, const struct state_event *e, enum circuit_phase phase)
{
    json_int_t order = json_integer_value(json_object_get(e->body, "order"));
    if (order > 0 && order <= UINT32_MAX)
        v->order = (uint32_t)order;
    if (v->phase != phase || !v->since)
        v->since = e->time;
    v->phase = phase;
}

static enum circuit_phase
rest_of(const struct vpn_status *v)
{
    return v->applied ? PHASE_ACTIVE : v->next ? PHASE_RESERVED : PHASE_PROPOSED;
}

/* {order, vpns: [{vpn, service, hash}], for-circuits?}: what is on the routers stays there until it
 * is wanted. */
static enum err
apply_reserved(struct vpning *all, const struct state_event *e, struct diag *diag)
{
    json_t *list = json_object_get(e->body, "vpns"), *one;
    size_t i;
    if (!json_is_array(list))
        return state_event_malformed(e, "vpns", diag);
    json_array_foreach(list, i, one)
    {
        if (!text_of(one, "vpn") || !text_of(one, "hash") ||
            !json_is_object(json_object_get(one, "service")))
            return state_event_malformed(e, "vpns", diag);
    }
    json_array_foreach(list, i, one)
    {
        struct vpn_status *v = need(all, text_of(one, "vpn"));
        drop_next(v);
        v->next = json_incref(json_object_get(one, "service"));
        v->next_hash = xstrdup(text_of(one, "hash"));
        if (!v->applied)
            v->for_circuits = json_is_true(json_object_get(e->body, "for-circuits"));
        set_phase(v, e, v->applied ? v->phase : PHASE_RESERVED);
    }
    return ERR_OK;
}

/* What was wanted is there: it is the newest version now. */
static enum err
take_built(struct vpn_status *v, const struct state_event *e, struct diag *diag)
{
    if (!v->next)
        return state_event_malformed(e, "vpn", diag);
    if (v->n_versions == VPN_VERSIONS_MAX) {
        json_decref(v->versions[0].service);
        memmove(&v->versions[0], &v->versions[1], (VPN_VERSIONS_MAX - 1) * sizeof v->versions[0]);
        v->n_versions--;
    }
    set_phase(v, e, PHASE_BUILT);
    v->versions[v->n_versions++] = (struct vpn_version){.number = ++v->last_number,
                                                        .order = v->order,
                                                        .time = e->time,
                                                        .service = json_incref(v->next)};
    v->build_time = json_integer_value(json_object_get(e->body, "duration-ns"));
    v->applied = true;
    drop_next(v);
    return ERR_OK;
}

static enum err
take_wanted(struct vpn_status *v, const struct state_event *e, struct diag *diag)
{
    if (!v->next)
        return state_event_malformed(e, "vpn", diag);
    set_phase(v, e, PHASE_BUILDING);
    return ERR_OK;
}

/* All routers have gone back, or go back by themselves. */
static enum err
take_failed(struct vpn_status *v, const struct state_event *e, struct diag *diag UNUSED)
{
    set_phase(v, e, rest_of(v));
    return ERR_OK;
}

static enum err
take_tested(struct vpn_status *v, const struct state_event *e, struct diag *diag UNUSED)
{
    set_phase(v, e, PHASE_ACTIVE);
    return ERR_OK;
}

static enum err
take_unwanted(struct vpn_status *v, const struct state_event *e, struct diag *diag UNUSED)
{
    set_phase(v, e, PHASE_REMOVING);
    return ERR_OK;
}

static enum err
take_removed(struct vpn_status *v, const struct state_event *e, struct diag *diag UNUSED)
{
    v->applied = false;
    set_phase(v, e, rest_of(v));
    return ERR_OK;
}

static enum err
take_released(struct vpn_status *v, const struct state_event *e, struct diag *diag UNUSED)
{
    drop_next(v);
    set_phase(v, e, v->applied && v->phase != PHASE_BUILDING ? v->phase : rest_of(v));
    return ERR_OK;
}

/* {order, vpn, ...} */
static const struct {
    const char *type;
    enum err (*take)(struct vpn_status *, const struct state_event *, struct diag *);
} table[] = {
    {"vpn.reserved", NULL},        {"vpn.wanted", take_wanted},     {"vpn.failed", take_failed},
    {"vpn.built", take_built},     {"vpn.tested", take_tested},     {"vpn.unwanted", take_unwanted},
    {"vpn.removed", take_removed}, {"vpn.released", take_released},
};

static size_t
row_of(const char *type)
{
    size_t i = 0;
    while (i < ARRAY_SIZE(table) && strcmp(table[i].type, type) != 0)
        i++;
    return i;
}

static bool
is_carried_by(const char *vpn, const json_t *service, const char *tunnel)
{
    struct arena *arena = arena_new(VPN_BUDGET);
    const struct vpn_service *its;
    bool is = service && !vpn_read_document(vpn, service, arena, &its, NULL) && its->lsp &&
              !strcmp(its->lsp, tunnel);
    arena_free(arena);
    return is;
}

bool
vpning_stands_on(const struct vpning *all, const char *tunnel)
{
    for (const struct vpn_status *v = all->vpns; v; v = v->hh.next) {
        const struct vpn_version *applied = vpn_status_applied(v);
        if (is_carried_by(v->vpn, v->next, tunnel) ||
            (applied && is_carried_by(v->vpn, applied->service, tunnel)))
            return true;
    }
    return false;
}

bool
vpning_knows(const char *type)
{
    return row_of(type) < ARRAY_SIZE(table);
}

enum err
vpning_apply(struct vpning *all, const struct state_event *e, struct diag *diag)
{
    size_t row = row_of(e->type);
    if (row == ARRAY_SIZE(table))
        return ERR_OK;
    if (!json_is_object(e->body))
        return state_event_malformed(e, "body", diag);
    if (!table[row].take)
        return apply_reserved(all, e, diag);
    const char *vpn = text_of(e->body, "vpn");
    struct vpn_status *v = vpn ? find(all, vpn) : NULL;
    return v ? table[row].take(v, e, diag) : state_event_malformed(e, "vpn", diag);
}

/* ---- JSON ---- */

static json_t *
versions_json(const struct vpn_status *v)
{
    char time[TIME_TEXT_SIZE];
    json_t *list = json_array();
    for (uint32_t i = 0; i < v->n_versions; i++) {
        const struct vpn_version *version = &v->versions[i];
        json_t *one = json_pack("{sI sI ss}", "number", (json_int_t)version->number, "order",
                                (json_int_t)version->order, "time",
                                time_format(version->time, time));
        if (version == vpn_status_applied(v))
            json_object_set_new(one, "applied", json_true());
        json_array_append_new(list, one);
    }
    return list;
}

json_t *
vpn_status_json(const struct vpn_status *v)
{
    char time[TIME_TEXT_SIZE];
    json_t *json = json_pack("{ss}", "phase", circuit_phase_word(v ? v->phase : PHASE_PROPOSED));
    const struct vpn_version *applied = vpn_status_applied(v);
    if (!v)
        return json;
    json_object_set_new(json, "since", json_string(time_format(v->since, time)));
    if (v->order)
        json_object_set_new(json, "order", json_integer(v->order));
    if (v->for_circuits)
        json_object_set_new(json, "for-circuits", json_true());
    if (applied)
        json_object_set_new(json, "version", json_integer(applied->number));
    if (v->build_time)
        json_object_set_new(json, "build-time-ns", json_integer(v->build_time));
    if (v->n_versions)
        json_object_set_new(json, "versions", versions_json(v));
    return json;
}
