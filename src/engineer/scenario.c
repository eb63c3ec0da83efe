#include "engineer/scenario_private.h"

#include "base/alloc.h"
#include "engineer/proof_json.h"
#include "model/check.h"

#include <stdlib.h>
#include <string.h>

struct scenario *
scenario_new(const struct network *base)
{
    struct scenario *s = xcalloc(1, sizeof *s);
    *s = (struct scenario){.base = base, .network = network_copy(base)};
    return s;
}

void
scenario_free(struct scenario *s)
{
    if (!s)
        return;
    network_free(s->network);
    free(s->wanted);
    free(s);
}

struct network *
scenario_network(struct scenario *s)
{
    return s->network;
}

enum err
scenario_design(struct scenario *s, const char *circuit, struct diag *diag)
{
    const struct circuit *c = network_circuit(s->base, circuit);
    if (!c)
        return diag_set(diag, ERR_NOT_FOUND, "there is no circuit %.63s", circuit);
    GROW(s->wanted, s->n_wanted, s->wanted_capacity);
    s->wanted[s->n_wanted++] = c->name;
    return ERR_OK;
}

/* ---- Taking things out ---- */

static void
remove_found(struct network *net, enum object_kind kind, const char *name)
{
    if (network_remove(net, kind, name))
        abort(); /* it is there */
}

static bool
is_subscriber(const struct multicast_service *m, const char *host)
{
    bool found = false;
    for (uint32_t i = 0; i < m->n_subscribers && !found; i++)
        found = !strcmp(m->subscribers[i], host);
    return found;
}

static struct circuit *
without_subscriber(const struct circuit *c, const char *host)
{
    struct circuit *copy = circuit_copy(c);
    struct multicast_service *m = &copy->multicast;
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n_subscribers; i++) {
        if (strcmp(m->subscribers[i], host) != 0)
            m->subscribers[n++] = m->subscribers[i];
        else
            free(m->subscribers[i]);
    }
    m->n_subscribers = n;
    return copy;
}

static void
take_host_out_of(struct network *net, const struct circuit *c, const char *host)
{
    const struct multicast_service *m = &c->multicast;
    bool is_ip = c->kind == CIRCUIT_IP;
    if (is_ip ? !strcmp(c->ip.client, host) || !strcmp(c->ip.server, host)
              : !strcmp(m->publisher, host) || (m->n_subscribers == 1 && is_subscriber(m, host)))
        remove_found(net, OBJECT_CIRCUIT, c->name);
    else if (!is_ip && is_subscriber(m, host))
        network_put_circuit(net, without_subscriber(c, host));
}

static void
remove_host(struct network *net, const char *name)
{
    struct circuit *c, *next;
    HASH_ITER (hh, net->circuits, c, next) {
        take_host_out_of(net, c, name);
    }
    remove_found(net, OBJECT_HOST, name);
}

static void
remove_node(struct network *net, const char *name)
{
    struct link *link, *next_link;
    struct host *host, *next_host;
    HASH_ITER (hh, net->links, link, next_link) {
        if (link_end_at(link, name))
            remove_found(net, OBJECT_LINK, link->name);
    }
    HASH_ITER (hh, net->hosts, host, next_host) {
        if (host->node && !strcmp(host->node, name))
            remove_host(net, host->name);
    }
    remove_found(net, OBJECT_NODE, name);
}

static bool
has_nodes(const struct network *net, const char *site)
{
    bool found = false;
    for (const struct node *n = net->nodes; n && !found; n = n->hh.next)
        found = n->site && !strcmp(n->site, site);
    return found;
}

enum err
scenario_remove(struct scenario *s, enum object_kind kind, const char *name, struct diag *diag)
{
    struct network *net = s->network;
    if (kind > OBJECT_CIRCUIT || !network_find(net, kind, name))
        return diag_set(diag, ERR_NOT_FOUND, "there is no %s %.63s", object_class(kind)->word,
                        name);
    if (kind == OBJECT_SITE && has_nodes(net, name))
        return diag_set(diag, ERR_CONFLICT,
                        "site %.63s: nodes are there, which would have to go "
                        "first",
                        name);
    char *own = xstrdup(name); /* what is named may go before the name is read for the last time */
    if (kind == OBJECT_NODE)
        remove_node(net, own);
    else if (kind == OBJECT_HOST)
        remove_host(net, own);
    else
        remove_found(net, kind, own);
    free(own);
    return ERR_OK;
}

/* ---- Findings ---- */

static int
by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* What was not to be said of the base. A circuit or a link that has gone under a design is settled
 * later. */
static json_t *
new_findings(const struct scenario *s, bool *wrong)
{
    struct findings before = {0}, after = {0};
    json_t *list = json_array();
    network_check(s->base, &before);
    network_check(s->network, &after);
    uint64_t *known = xcalloc(before.n, sizeof *known);
    for (size_t i = 0; i < before.n; i++)
        known[i] = finding_identity(&before.items[i]);
    if (before.n)
        qsort(known, before.n, sizeof *known, by_number);
    *wrong = false;
    for (size_t i = 0; i < after.n; i++) {
        const struct finding *f = &after.items[i];
        uint64_t identity = finding_identity(f);
        if (!strcmp(f->kind, "design") ||
            (before.n && bsearch(&identity, known, before.n, sizeof *known, by_number)))
            continue;
        *wrong |= f->severity == SEVERITY_ERROR;
        json_array_append_new(list, finding_to_json(f));
    }
    free(known);
    findings_fini(&before);
    findings_fini(&after);
    return list;
}

static void
find(json_t *answer, const char *code, const struct diag *why)
{
    struct findings one = {0};
    const struct finding *f = findings_add(&one, SEVERITY_ERROR, code, "network", "", NULL, "%s",
                                           why->text);
    json_array_append_new(json_object_get(answer, "findings"), finding_to_json(f));
    findings_fini(&one);
}

/* ---- Running ---- */

static bool
add_proof(json_t *answer, const struct planned *after)
{
    struct plan_size size;
    struct proof proof;
    struct diag why = {""};
    plan_get_size(after->plan, &size);
    json_object_set_new(answer, "size",
                        json_pack("{s:I, s:I, s:I, s:I}", "nodes", (json_int_t)size.nodes, "flows",
                                  (json_int_t)size.flows, "groups", (json_int_t)size.groups,
                                  "meters", (json_int_t)size.meters));
    if (prove_plan(after->network, after->plan, &proof, &why)) {
        find(answer, "no-proof", &why);
        return false;
    }
    bool holds = proof.n == 0;
    json_object_set_new(answer, "proof", proof_to_json(&proof, SCENARIO_SHOWN));
    proof_fini(&proof);
    return holds;
}

static bool
add_bounds(json_t *answer, const struct scenario *s, const struct settlement *settled)
{
    struct diag why = {""};
    json_t *bounds;
    uint32_t n_broken;
    if (scenario_bounds_to_json(s, settled, &bounds, &n_broken, &why)) {
        find(answer, "no-bounds", &why);
        return false;
    }
    json_object_set_new(answer, "bounds", bounds);
    return n_broken == 0;
}

/* All that follows from the designs. */
static bool
judge(json_t *answer, const struct scenario *s, const struct planned *before,
      const struct settlement *settled)
{
    struct plan *plan;
    struct diag why = {""};
    if (plan_network(s->network, &plan, &why)) {
        find(answer, "no-plan", &why);
        return false;
    }
    struct planned after = {s->network, plan};
    bool proved = add_proof(answer, &after);
    bool in_time = add_bounds(answer, s, settled);
    scenario_add_difference(answer, before, &after);
    plan_free(plan);
    return proved && in_time;
}

static enum err
add_failures(json_t *answer, const struct scenario *s, const struct scenario_options *o,
             struct diag *diag)
{
    json_t *failure;
    if (o->n_failures) {
        enum err err = scenario_failure_to_json(s->network, o->failures, o->n_failures, &failure,
                                                diag);
        if (err)
            return err;
        json_object_set_new(answer, "failure", failure);
    }
    if (o->each_failure)
        json_object_set_new(answer, "failures", scenario_failures_to_json(s->network));
    return ERR_OK;
}

static enum err
settle_and_judge(json_t *answer, struct scenario *s, const struct scenario_options *o, bool *ok,
                 struct diag *diag)
{
    struct planned before = {.network = s->base};
    struct settlement settled;
    struct plan *plan;
    enum err err = plan_network(s->base, &plan, diag);
    if (err) {
        diag_prefix(diag, "as it is now");
        return err;
    }
    before.plan = plan;
    err = scenario_settle(s, o->redesign, &settled, diag);
    if (!err) {
        json_object_set_new(answer, "circuits", settlement_to_json(&settled));
        *ok = judge(answer, s, &before, &settled) &&
              settled.fit.counts[FIT_AS_GIVEN].n_fit == settled.n;
        settlement_fini(&settled);
        err = add_failures(answer, s, o, diag);
    }
    plan_free(plan);
    return err;
}

enum err
scenario_run(struct scenario *s, const struct scenario_options *o, json_t **result,
             struct diag *diag)
{
    bool wrong, ok = false;
    enum err err = ERR_OK;
    json_t *findings = new_findings(s, &wrong);
    json_t *answer = json_pack("{s:b, s:o, s:o}", "ok", 0, "changes", scenario_changes_to_json(s),
                               "findings", findings);
    if (!wrong)
        err = settle_and_judge(answer, s, o, &ok, diag);
    if (err) {
        json_decref(answer);
        return err;
    }
    json_object_set_new(answer, "ok", json_boolean(ok));
    *result = answer;
    return ERR_OK;
}

void
scenario_design_base(struct network *base, struct findings *findings)
{
    struct scenario *s = scenario_new(base);
    struct settlement settled;
    struct diag why = {""};
    for (const struct circuit *c = base->circuits; c; c = c->hh.next) {
        if (!network_design(base, c->name) && scenario_design(s, c->name, NULL))
            abort(); /* it is there */
    }
    if (scenario_settle(s, false, &settled, &why)) {
        findings_add(findings, SEVERITY_ERROR, "no-design", "network", "", NULL, "%s", why.text);
        scenario_free(s);
        return;
    }
    for (uint32_t i = 0; i < settled.n; i++) {
        const struct fit_verdict *v = &settled.fit.verdicts[i];
        if (v->design)
            network_put_design(base, design_copy(v->design));
        else
            findings_add(findings, SEVERITY_WARNING, "no-design", "circuit", v->circuit->name, NULL,
                         "%s", v->reason ? v->reason : "it does not fit");
    }
    settlement_fini(&settled);
    scenario_free(s);
}
