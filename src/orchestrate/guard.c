#include "orchestrate/guard.h"

#include "base/alloc.h"
#include "engineer/plan.h"
#include "engineer/topology.h"
#include "model/carried.h"
#include "model/check.h"
#include "model/claim.h"
#include "model/json.h"
#include "model/object.h"

#include <stdlib.h>
#include <string.h>

/* ---- What is different -------------------------------------------------------------------------
 */

static bool
is_new(const struct network *before, enum object_kind kind, const void *object)
{
    const void *there = network_find(before, kind, object_name(kind, object));
    return !there || !object_equal(kind, there, object);
}

static void
add_part(json_t *document, const char *module, const char *word, json_t *value)
{
    json_t *part = json_object_get(document, module);
    if (!part) {
        part = json_object();
        json_object_set_new(document, module, part);
    }
    json_object_set_new(part, word, value);
}

json_t *
guard_document(const struct network *before, const struct network *after)
{
    json_t *document = json_object();
    if (!object_equal(OBJECT_SETTINGS, &before->settings, &after->settings))
        add_part(document, INVENTORY_MODULE, "settings", settings_to_json(&after->settings));
    for (enum object_kind kind = OBJECT_SITE; kind <= OBJECT_CIRCUIT; kind++) {
        json_t *list = json_array();
        for (const void *object = network_first(after, kind); object;
             object = object_next(kind, object)) {
            if (is_new(before, kind, object))
                json_array_append_new(list, object_to_json(kind, object));
        }
        if (json_array_size(list))
            add_part(document, object_module(kind), object_class(kind)->word, json_incref(list));
        json_decref(list);
    }
    return document;
}

/* Something that was there is different or gone. What is new changes no rule of what there was. */
static bool
is_changed(const struct network *before, const struct network *after, enum object_kind kind)
{
    for (const void *object = network_first(before, kind); object;
         object = object_next(kind, object)) {
        if (is_new(after, kind, object))
            return true;
    }
    return false;
}

json_t *
guard_changed_circuits(const struct network *before, const struct network *after)
{
    json_t *names = json_array();
    for (const struct circuit *c = before->circuits; c; c = c->hh.next) {
        if (is_new(after, OBJECT_CIRCUIT, c))
            json_array_append_new(names, json_string(c->name));
    }
    return names;
}

static bool
is_the_same_router(const struct network *before, const struct network *after, const char *name)
{
    const struct router *was = network_router(before, name), *is = network_router(after, name);
    return !was || (is && was->router_id == is->router_id);
}

static bool
is_the_same_tunnel(const struct network *before, const struct network *after,
                   const struct tunnel *was)
{
    const struct tunnel *is = network_tunnel(after, was->name);
    const struct object_class *class = object_class(OBJECT_TUNNEL);
    bool same = is != NULL;
    for (size_t i = 0; i < class->n_members && same; i++)
        same = !strcmp(class->members[i].name, "description") ||
               member_equal(&class->members[i], was, is);
    return same && is_the_same_router(before, after, was->head) &&
           is_the_same_router(before, after, was->tail);
}

json_t *
guard_changed_tunnels(const struct network *before, const struct network *after)
{
    json_t *names = json_array();
    for (const struct tunnel *t = before->tunnels; t; t = t->hh.next) {
        if (!is_the_same_tunnel(before, after, t))
            json_array_append_new(names, json_string(t->name));
    }
    return names;
}

json_t *
guard_removed_vpns(const struct network *before, const struct network *after)
{
    json_t *names = json_array();
    for (const struct vpn *v = before->vpns; v; v = v->hh.next) {
        if (!network_vpn(after, v->name))
            json_array_append_new(names, json_string(v->name));
    }
    return names;
}

json_t *
guard_changed_platforms(const struct network *before, const struct network *after)
{
    json_t *names = json_array();
    for (const struct router *was = before->routers; was; was = was->hh.next) {
        const struct router *is = network_router(after, was->name);
        if (!is || is->platform != was->platform)
            json_array_append_new(names, json_string(was->name));
    }
    return names;
}

/* ---- Circuits that stand -----------------------------------------------------------------------
 */

/* But for its description. */
static bool
says_the_same(const struct circuit *a, const struct circuit *b)
{
    struct circuit *x = circuit_copy(a), *y = circuit_copy(b);
    free(x->description);
    free(y->description);
    x->description = y->description = NULL;
    bool same = circuit_equal(x, y);
    circuit_free(x);
    circuit_free(y);
    return same;
}

static enum err
hash_circuit(const struct network *net, const struct design *design, char hash[PLAN_HASH_SIZE],
             struct diag *diag)
{
    struct plan_changes changes = {0};
    struct plan *plan = plan_new();
    const struct circuit *circuit = network_circuit(net, design->circuit);
    enum err err = plan_add_circuit(plan, net, circuit, design, &changes, diag);
    if (!err)
        plan_changes_hash(&changes, hash);
    plan_changes_free(&changes);
    plan_free(plan);
    return err;
}

static enum err
check_rules(const struct network *before, const struct network *after, const struct design *design,
            struct diag *diag)
{
    char was[PLAN_HASH_SIZE], would_be[PLAN_HASH_SIZE];
    struct diag why = {""};
    if (hash_circuit(before, design, was, NULL))
        return ERR_OK; /* it was broken before */
    if (hash_circuit(after, design, would_be, &why))
        return diag_set(diag, ERR_CONFLICT, "circuit %s stands on it: %.200s", design->circuit,
                        why.text);
    return !strcmp(was, would_be) ? ERR_OK
                                  : diag_set(diag, ERR_CONFLICT,
                                             "circuit %s stands on it: its rules would be others; "
                                             "take it down first",
                                             design->circuit);
}

static enum err
check_statement(const struct network *before, const struct network *after,
                const struct design *design, struct diag *diag)
{
    const struct circuit *was = network_circuit(before, design->circuit),
                         *would_be = network_circuit(after, design->circuit);
    if (!was || (would_be && says_the_same(was, would_be)))
        return ERR_OK;
    return diag_set(diag, ERR_CONFLICT,
                    "circuit %s is reserved or built as it is: take it down "
                    "before it is %s",
                    design->circuit, would_be ? "changed" : "removed");
}

/* A circuit's order has built the tunnels that carry its links. */
static enum err
check_carriers(const struct network *before, const struct network *after,
               const struct design *design, struct diag *diag)
{
    json_t *circuit = json_pack("[s]", design->circuit);
    json_t *was = json_pack("[oo]", carried_tunnels(before, circuit),
                            carried_vpns(before, circuit));
    json_t *would_be = json_pack("[oo]", carried_tunnels(after, circuit),
                                 carried_vpns(after, circuit));
    enum err err = ERR_OK;
    if (!json_equal(was, would_be))
        err = diag_set(diag, ERR_CONFLICT,
                       "circuit %s stands on it: other tunnels or VPNs would carry it; take it "
                       "down first",
                       design->circuit);
    json_decref(circuit);
    json_decref(was);
    json_decref(would_be);
    return err;
}

static enum err
check_capacity(const struct network *before, const struct network *after, struct diag *diag)
{
    struct topology *t = topology_new(after);
    enum err err = ERR_OK;
    for (const struct design *d = before->designs; d; d = d->hh.next) {
        const struct circuit *c = network_circuit(before, d->circuit);
        topology_reserve(t, d, c ? c->rate_kbps : 0);
    }
    for (const struct link *l = after->links; l && !err; l = l->hh.next) {
        const struct link *was = network_link(before, l->name);
        uint32_t i = topology_link(t, l->name);
        if (was && i != NO_INDEX && l->capacity_kbps < was->capacity_kbps &&
            t->reserved_kbps[i] > l->capacity_kbps)
            err = diag_set(diag, ERR_CONFLICT,
                           "link %s: %u kbit/s of it are reserved, it would have %u", l->name,
                           t->reserved_kbps[i], l->capacity_kbps);
    }
    topology_free(t);
    return err;
}

enum err
guard_check(const struct network *before, const struct network *after, struct diag *diag)
{
    enum err err = ERR_OK;
    bool links = is_changed(before, after, OBJECT_LINK);
    bool ground = links || is_changed(before, after, OBJECT_NODE) ||
                  is_changed(before, after, OBJECT_HOST);
    for (const struct design *d = before->designs; d && !err; d = d->hh.next) {
        err = check_statement(before, after, d, diag);
        if (!err && ground)
            err = check_rules(before, after, d, diag);
        if (!err && links)
            err = check_carriers(before, after, d, diag);
    }
    return err || !links ? err : check_capacity(before, after, diag);
}

/* ---- What others refer to ----------------------------------------------------------------------
 */

static void
collect_identities(const struct network *net, struct claim **set)
{
    struct findings findings = {0};
    network_check(net, &findings);
    for (size_t i = 0; i < findings.n; i++) {
        uint64_t identity = finding_identity(&findings.items[i]);
        claim_key(set, &identity, sizeof identity, net);
    }
    findings_fini(&findings);
}

enum err
guard_check_references(const struct network *before, const struct network *after, struct diag *diag)
{
    struct claim *old = NULL;
    struct findings findings = {0};
    enum err err = ERR_OK;
    collect_identities(before, &old);
    network_check(after, &findings);
    for (size_t i = 0; i < findings.n && !err; i++) {
        const struct finding *f = &findings.items[i];
        uint64_t identity = finding_identity(f);
        if (f->severity == SEVERITY_ERROR && !claim_owner(&old, &identity, sizeof identity))
            err = diag_set(diag, ERR_CONFLICT, "%s %s needs it: %.200s", f->kind, f->object,
                           f->text);
    }
    findings_fini(&findings);
    claims_free(&old);
    return err;
}
