#include "orchestrate/draft.h"

#include "base/alloc.h"
#include "engineer/design.h"
#include "model/json.h"

#include <stdlib.h>
#include <string.h>

static const json_t *
designs_of(const json_t *draft)
{
    return json_object_get(draft, "designs");
}

const char *
draft_hash(const json_t *draft)
{
    return json_string_value(json_object_get(draft, "hash"));
}

size_t
draft_size(const json_t *draft)
{
    return json_array_size(designs_of(draft));
}

const char *
draft_circuit(const json_t *draft, size_t index)
{
    return json_string_value(json_object_get(json_array_get(designs_of(draft), index), "circuit"));
}

/* ---- Rules -------------------------------------------------------------------------------------
 */

static enum err
add_rules(struct plan *plan, const struct network *net, const char *name, struct plan_changes *all,
          struct diag *diag)
{
    struct plan_changes one = {0};
    const struct circuit *circuit = network_circuit(net, name ? name : "");
    const struct design *design = network_design(net, name ? name : "");
    if (!circuit || !design)
        return diag_set(diag, ERR_NOT_FOUND, "circuit %s: %s", name ? name : "?",
                        circuit ? "it has no design" : "there is no such circuit");
    enum err err = plan_add_circuit(plan, net, circuit, design, &one, diag);
    plan_changes_append(all, &one);
    return err;
}

enum err
draft_rules(const struct network *net, const json_t *draft, struct plan_changes *changes,
            struct plan_size *size, struct diag *diag)
{
    struct plan *plan = plan_new();
    struct plan_changes all = {0};
    enum err err = ERR_OK;
    for (size_t i = 0; i < draft_size(draft) && !err; i++)
        err = add_rules(plan, net, draft_circuit(draft, i), &all, diag);
    if (size)
        plan_get_size(plan, size);
    plan_free(plan);
    if (err)
        plan_changes_free(&all);
    else
        *changes = all;
    return err;
}

static enum err
hash_rules(const struct network *net, const json_t *draft, char hash[PLAN_HASH_SIZE],
           struct diag *diag)
{
    struct plan_changes changes;
    enum err err = draft_rules(net, draft, &changes, NULL, diag);
    if (err)
        return err;
    plan_changes_hash(&changes, hash);
    plan_changes_free(&changes);
    return ERR_OK;
}

enum err
draft_check(const struct network *net, const json_t *draft, struct diag *diag)
{
    char hash[PLAN_HASH_SIZE];
    const char *stated = draft_hash(draft);
    if (!stated)
        return diag_set(diag, ERR_MALFORMED, "not a plan");
    enum err err = hash_rules(net, draft, hash, diag);
    if (err)
        return err;
    return !strcmp(hash, stated)
               ? ERR_OK
               : diag_set(diag, ERR_CONFLICT,
                          "the network has changed since it was designed: its rules would be "
                          "%.16s..., those that were designed are %.16s...",
                          hash, stated);
}

/* ---- Designing ---------------------------------------------------------------------------------
 */

static enum err
design_one(struct network *net, struct designer *designer, const char *name, struct diag *diag)
{
    const struct circuit *circuit = network_circuit(net, name);
    struct design *design;
    if (!circuit)
        return diag_set(diag, ERR_NOT_FOUND, "circuit %s: there is no such circuit", name);
    if (network_design(net, name))
        return diag_set(diag, ERR_EXISTS, "circuit %s: it is designed already", name);
    enum err err = designer_add(designer, circuit, &design, diag);
    if (!err)
        network_put_design(net, design);
    return err;
}

static enum err
design_all(struct network *net, const json_t *circuits, struct diag *diag)
{
    size_t i;
    json_t *name;
    enum err err = ERR_OK;
    struct designer *designer = designer_new(net);
    json_array_foreach(circuits, i, name)
    {
        err = design_one(net, designer, json_string_value(name), diag);
        if (err)
            break;
    }
    designer_free(designer);
    return err;
}

static json_t *
designs_to_json(const struct network *net, const json_t *circuits)
{
    size_t i;
    json_t *name, *designs = json_array();
    json_array_foreach(circuits, i, name)
    {
        const struct design *design = network_design(net, json_string_value(name));
        json_array_append_new(designs, design_to_json(design));
    }
    return designs;
}

enum err
draft_make(struct network *net, const json_t *circuits, json_t **draft, struct diag *diag)
{
    char hash[PLAN_HASH_SIZE];
    enum err err = design_all(net, circuits, diag);
    if (err)
        return err;
    json_t *made = json_pack("{s:o}", "designs", designs_to_json(net, circuits));
    err = hash_rules(net, made, hash, diag);
    if (err) {
        json_decref(made);
        return err;
    }
    json_object_set_new(made, "hash", json_string(hash));
    *draft = made;
    return ERR_OK;
}

/* ---- Putting what was designed before ----------------------------------------------------------
 */

/* The numbers in use, by number. */
static bool *
numbers_of(const struct network *net)
{
    bool *taken = xcalloc(DESIGN_NUMBER_MAX + 1, sizeof *taken);
    for (const struct design *d = net->designs; d; d = d->hh.next) {
        if (d->number <= DESIGN_NUMBER_MAX)
            taken[d->number] = true;
    }
    return taken;
}

static bool
same_design(const struct design *a, const struct design *b)
{
    json_t *x = design_to_json(a), *y = design_to_json(b);
    bool same = json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return same;
}

/* Puts one design; what is there already and the same stays. */
static enum err
put_design(struct network *net, bool *taken, const json_t *json, struct diag *diag)
{
    struct design *design;
    enum err err = design_from_json(json, &design, diag);
    if (err)
        return diag_set(diag, ERR_MALFORMED, "not a plan");
    const struct design *there = network_design(net, design->circuit);
    if (!network_circuit(net, design->circuit))
        err = diag_set(diag, ERR_CONFLICT, "circuit %s: it is not there any more", design->circuit);
    else if (there && !same_design(there, design))
        err = diag_set(diag, ERR_CONFLICT, "circuit %s: it has been designed otherwise",
                       design->circuit);
    else if (!there && taken[design->number])
        err = diag_set(diag, ERR_CONFLICT, "circuit %s: its number %u has been given away",
                       design->circuit, design->number);
    if (err || there) {
        design_free(design);
        return err;
    }
    taken[design->number] = true;
    network_put_design(net, design);
    return ERR_OK;
}

/* The first link that carries more than it can. */
static enum err
check_capacity(const struct network *net, const json_t *draft, struct diag *diag)
{
    struct topology *t = topology_new(net);
    enum err err = ERR_OK;
    for (const struct design *d = net->designs; d; d = d->hh.next) {
        const struct circuit *c = network_circuit(net, d->circuit);
        topology_reserve(t, d, c ? c->rate_kbps : 0);
    }
    for (size_t i = 0; i < draft_size(draft) && !err; i++) {
        const struct design *d = network_design(net, draft_circuit(draft, i));
        for (uint32_t k = 0; k < d->primary.n_links + d->failover.n_links && !err; k++) {
            const char *name = k < d->primary.n_links ? d->primary.links[k]
                                                      : d->failover.links[k - d->primary.n_links];
            uint32_t link = topology_link(t, name);
            if (link == NO_INDEX)
                err = diag_set(diag, ERR_CONFLICT, "circuit %s: link %s is not there any more",
                               d->circuit, name);
            else if (t->reserved_kbps[link] > t->links[link]->capacity_kbps)
                err = diag_set(diag, ERR_CONFLICT,
                               "circuit %s: link %s would carry %u kbit/s, its capacity is %u",
                               d->circuit, name, t->reserved_kbps[link],
                               t->links[link]->capacity_kbps);
        }
    }
    topology_free(t);
    return err;
}

enum err
draft_put(struct network *net, const json_t *draft, struct diag *diag)
{
    size_t i;
    json_t *json;
    enum err err = ERR_OK;
    if (!json_is_array(designs_of(draft)))
        return diag_set(diag, ERR_MALFORMED, "not a plan");
    bool *taken = numbers_of(net);
    json_array_foreach(designs_of(draft), i, json)
    {
        err = put_design(net, taken, json, diag);
        if (err)
            break;
    }
    free(taken);
    return err ? err : check_capacity(net, draft, diag);
}

void
draft_hold(struct network *net, const json_t *draft)
{
    size_t i;
    json_t *json;
    bool *taken = numbers_of(net);
    json_array_foreach(designs_of(draft), i, json)
    {
        if (put_design(net, taken, json, NULL))
            continue;
    }
    free(taken);
}

/* ---- For people --------------------------------------------------------------------------------
 */

static json_t *
names_to_json(char *const *names, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(names[i]));
    return list;
}

static json_t *
path_to_json(const struct design *d)
{
    json_t *json = json_pack("{s:s, s:o}", "circuit", d->circuit, "primary",
                             names_to_json(d->primary.links, d->primary.n_links));
    if (d->has_failover)
        json_object_set_new(json, "failover",
                            names_to_json(d->failover.links, d->failover.n_links));
    if (d->has_failover && d->n_shared_links + d->n_shared_nodes) {
        json_t *shared = names_to_json(d->shared_links, d->n_shared_links);
        json_t *nodes = names_to_json(d->shared_nodes, d->n_shared_nodes);
        json_array_extend(shared, nodes);
        json_decref(nodes);
        json_object_set_new(json, "shared", shared);
    }
    return json;
}

/* Names the first few that lack something, and counts all. */
struct shortage {
    json_t *names;
    size_t n;
};

static void
note_shortage(struct shortage *shortage, const char *circuit)
{
    if (shortage->n++ < DRAFT_SHOWN)
        json_array_append_new(shortage->names, json_string(circuit));
}

static void
add_shortage(json_t *summary, const char *key, struct shortage *shortage)
{
    if (shortage->n)
        json_object_set_new(
            summary, key,
            json_pack("{s:I, s:O}", "count", (json_int_t)shortage->n, "circuits", shortage->names));
    json_decref(shortage->names);
}

enum err
draft_summary(const struct network *net, const json_t *draft, json_t **summary, struct diag *diag)
{
    struct plan_changes changes;
    struct plan_size size;
    enum err err = draft_rules(net, draft, &changes, &size, diag);
    if (err)
        return err;
    plan_changes_free(&changes);
    struct shortage single = {json_array(), 0}, shared = {json_array(), 0};
    json_t *paths = json_array();
    for (size_t i = 0; i < draft_size(draft); i++) {
        const struct design *d = network_design(net, draft_circuit(draft, i));
        if (!d->has_failover && d->primary.n_links)
            note_shortage(&single, d->circuit);
        if (d->has_failover && d->n_shared_links + d->n_shared_nodes)
            note_shortage(&shared, d->circuit);
        if (i < DRAFT_SHOWN)
            json_array_append_new(paths, path_to_json(d));
    }
    *summary = json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "circuits",
                         (json_int_t)draft_size(draft), "nodes", (json_int_t)size.nodes, "flows",
                         (json_int_t)size.flows, "groups", (json_int_t)size.groups, "meters",
                         (json_int_t)size.meters, "paths", paths);
    add_shortage(*summary, "without-failover", &single);
    add_shortage(*summary, "failover-shares", &shared);
    return ERR_OK;
}

/* ---- Proof -------------------------------------------------------------------------------------
 */

enum err
draft_prove(const struct network *net, struct proof *proof, struct diag *diag)
{
    struct plan *plan;
    *proof = (struct proof){0};
    enum err err = plan_network(net, &plan, diag);
    if (err)
        return err;
    err = prove_plan(net, plan, proof, diag);
    plan_free(plan);
    return err;
}

/* ---- Latency -----------------------------------------------------------------------------------
 */

static bool
is_in_draft(const json_t *draft, const char *circuit)
{
    for (size_t i = 0; i < draft_size(draft); i++) {
        if (!strcmp(draft_circuit(draft, i), circuit))
            return true;
    }
    return false;
}

static bool
keeps_budget(const struct bounds_figures *f)
{
    const struct bounds_budget budget = bounds_budget_of(f->circuit);
    return bounds_budget_holds(&budget, f->worst, f->asymmetry);
}

/* A circuit of the draft that does not keep its budget: what it costs, and what would help. */
static enum err
describe_unmet(struct bounds *b, const struct network *net, const char *circuit, char **unmet,
               struct diag *diag)
{
    struct bounds_verdict verdict;
    enum err err = bounds_judge(b, network_circuit(net, circuit), network_design(net, circuit),
                                NULL, &verdict, diag);
    if (err)
        return err;
    *unmet = xstrdup(verdict.text);
    bounds_verdict_fini(&verdict);
    return ERR_OK;
}

/* Those that do not keep their budget without the draft's circuits either are not its fault. */
static enum err
describe_broken(const struct network *net, const json_t *draft, const char *circuit, char **unmet,
                struct diag *diag)
{
    struct network *before = network_copy(net);
    struct bounds *b = NULL;
    for (size_t i = 0; i < draft_size(draft); i++)
        (void)network_remove_design(before, draft_circuit(draft, i));
    enum err err = bounds_new(before, &bounds_defaults, &b, diag);
    struct bounds_result r;
    bool held = !err && !bounds_circuit(b, circuit, BOUNDS_NORMAL, &r);
    if (held) {
        const struct bounds_budget budget = bounds_budget_of(network_circuit(before, circuit));
        held = bounds_budget_holds(&budget, r.worst, r.asymmetry);
        bounds_result_fini(&r);
    }
    if (held)
        *unmet = xasprintf("circuit %s would no longer keep its budget of latency or asymmetry",
                           circuit);
    bounds_free(b);
    network_free(before);
    return err;
}

/* Of what is so with everything up. After a failure the bounds count every way of every circuit at
 * once, whatever has failed: who keeps its budget then keeps it, but who does not may do so too. */
static enum err
find_unmet(struct bounds *b, const struct network *net, const json_t *draft, char **unmet,
           struct diag *diag)
{
    struct bounds_size size;
    enum err err = ERR_OK;
    bounds_get_size(b, BOUNDS_NORMAL, &size);
    struct bounds_figures *all = bounds_all(b, BOUNDS_NORMAL);
    for (uint32_t i = 0; i < size.circuits && !*unmet && !err; i++) {
        const char *name = all[i].circuit->name;
        if (keeps_budget(&all[i]))
            continue;
        err = is_in_draft(draft, name) ? describe_unmet(b, net, name, unmet, diag)
                                       : describe_broken(net, draft, name, unmet, diag);
    }
    free(all);
    return err;
}

enum err
draft_bounds(const struct network *net, const json_t *draft, json_t **result, char **unmet,
             struct diag *diag)
{
    struct bounds *b;
    json_t *list = json_array(), *one;
    *unmet = NULL;
    enum err err = bounds_new(net, &bounds_defaults, &b, diag);
    for (size_t i = 0; i < draft_size(draft) && i < DRAFT_SHOWN && !err; i++) {
        const struct circuit *c = network_circuit(net, draft_circuit(draft, i));
        if (c && !bounds_to_json(b, c, &one))
            json_array_append_new(list, one);
    }
    if (!err) {
        err = find_unmet(b, net, draft, unmet, diag);
        bounds_free(b);
    }
    if (err) {
        free(*unmet);
        *unmet = NULL;
        json_decref(list);
        return err;
    }
    *result = list;
    return ERR_OK;
}
