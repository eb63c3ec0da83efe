/* What a node holds and should not, or should and does not, when nobody ordered it. */
#include "lan/lan_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define EXAMPLES 5 /* rules named in an exception */

struct judgement {
    struct lan_service *service;
    struct lan_node *node;
    bool first;
    uint32_t n_missing, n_foreign;
    struct buf missing, foreign; /* some of them, as text */
};

static void
add_example(struct buf *out, uint32_t n, const struct rule *rule, const char *what)
{
    if (n > EXAMPLES)
        return;
    buf_printf(out, "%s%s", n > 1 ? "; " : "", what);
    rule_format(rule, out);
}

/* The circuit whose rule this is by its number; NULL: it is nobody's. */
static const struct circuit_status *
circuit_of(const struct judgement *j, const struct rule *rule)
{
    uint32_t number = rule->kind == RULE_FLOW ? cookie_number(rule->flow->cookie) : 0;
    const struct state *state = j->service->config.state;
    for (const struct design *d = state->network->designs; number && d; d = d->hh.next) {
        if (d->number == number)
            return state_circuit(state, d->circuit);
    }
    return NULL;
}

/* When a node has just connected, what is missing may simply not have been written yet: it was
 * replaced, or the controller was down in the middle of a job. Only circuits that were complete
 * count. */
static bool
was_complete(const struct judgement *j, const struct rule *rule)
{
    const struct circuit_status *c = circuit_of(j, rule);
    return c && (c->phase == PHASE_BUILT || c->phase == PHASE_ACTIVE);
}

static void
note_missing(struct judgement *j, const struct rule_item *wanted, const char *what)
{
    bool drift = j->first ? was_complete(j, &wanted->rule) : wanted->users == MARK_CONFIRMED;
    if (drift)
        add_example(&j->missing, ++j->n_missing, &wanted->rule, what);
}

static void
on_missing(void *arg, struct rule_item *wanted)
{
    note_missing(arg, wanted, "");
}

static void
on_changed(void *arg, struct rule_item *wanted, struct rule_item *held UNUSED)
{
    note_missing(arg, wanted, "(changed) ");
}

/* After a restart of ours, rules of circuits that were being removed are still there, and expected.
 */
static bool
is_leftover(const struct judgement *j, const struct rule *rule)
{
    const struct circuit_status *c = circuit_of(j, rule);
    return c && (c->phase == PHASE_REMOVING || c->phase == PHASE_RESERVED);
}

static void
on_foreign(void *arg, struct rule_item *held)
{
    struct judgement *j = arg;
    if (ruleset_find(&j->node->retired, &held->rule))
        return;
    if (j->first && (held->rule.kind != RULE_FLOW || is_leftover(j, &held->rule))) {
        ruleset_put(&j->node->retired, &held->rule); /* ours once; the next job takes it away */
        return;
    }
    add_example(&j->foreign, ++j->n_foreign, &held->rule, "");
}

static void
raise_missing(const struct judgement *j, const char *object)
{
    const struct settings *settings = &j->service->config.state->network->settings;
    json_t *evidence = json_pack("{so ss ss}", "rules", json_sprintf("%u", j->n_missing),
                                 "examples", buf_cstr((struct buf *)&j->missing), "policy",
                                 settings->missing_rule == DRIFT_REPAIR ? "repair" : "report");
    lan_raise(j->service, "rule-missing", "major", object, evidence,
              "Node %s lacks %u rules it was given, or has them changed; nobody ordered that.",
              j->node->name, j->n_missing);
}

static void
raise_foreign(const struct judgement *j, const char *object)
{
    const struct settings *settings = &j->service->config.state->network->settings;
    json_t *evidence = json_pack("{so ss ss}", "rules", json_sprintf("%u", j->n_foreign),
                                 "examples", buf_cstr((struct buf *)&j->foreign), "policy",
                                 settings->foreign_rule == DRIFT_REPAIR ? "repair" : "report");
    lan_raise(j->service, "rule-foreign", "critical", object, evidence,
              "Node %s holds %u rules that no circuit has.", j->node->name, j->n_foreign);
}

/* An exception is about a change: the same drift seen again by the next read is not told again. */
static void
tell(struct judgement *j)
{
    char object[128];
    struct lan_node *n = j->node;
    snprintf(object, sizeof object, "node/%.100s", n->name);
    if (j->n_missing && j->n_missing != n->n_drift_missing)
        raise_missing(j, object);
    if (j->n_foreign && j->n_foreign != n->n_drift_foreign)
        raise_foreign(j, object);
    if (!j->n_missing && n->n_drift_missing)
        lan_clear(j->service, "rule-missing", object, "the rules are there again");
    if (!j->n_foreign && n->n_drift_foreign)
        lan_clear(j->service, "rule-foreign", object, "the rules are gone");
    n->n_drift_missing = j->n_missing;
    n->n_drift_foreign = j->n_foreign;
}

void
lan_judge(struct lan_service *s, struct lan_node *n, bool first)
{
    struct judgement j = {.service = s, .node = n, .first = first};
    const struct ruleset_difference difference = {on_missing, on_changed, on_foreign, &j};
    if (n->busy) /* a job is writing to it, and looks again when it is done */
        return;
    ruleset_compare(&n->wanted, lan_switch_held(n->sw), &difference);
    for (uint32_t i = 0; i < lan_switch_n_aliens(n->sw); i++) {
        if (++j.n_foreign <= EXAMPLES)
            buf_printf(&j.foreign, "%s%s", j.n_foreign > 1 ? "; " : "",
                       lan_switch_alien(n->sw, i)->text);
    }
    if ((j.n_missing || j.n_foreign) && !n->noticed)
        n->noticed = clock_monotonic();
    tell(&j);
    if (j.n_missing || j.n_foreign) {
        log_warn("node %s: %u rules missing or changed, %u foreign", n->name, j.n_missing,
                 j.n_foreign);
        n->dirty = true;
        lan_schedule(s);
    }
    buf_fini(&j.missing);
    buf_fini(&j.foreign);
    lan_check_waiters(s);
}

void
lan_repaired(struct lan_service *s, struct lan_node *n, uint32_t added, uint32_t removed)
{
    char object[128];
    if (!n->noticed)
        return;
    nsec_t duration = clock_monotonic() - n->noticed;
    n->noticed = 0;
    snprintf(object, sizeof object, "node/%.100s", n->name);
    if (added || removed) {
        log_info("node %s repaired in %lld us", n->name, (long long)(duration / NSEC_PER_USEC));
        lan_record(s, "node.repaired", object,
                   json_pack("{ss si si sI}", "node", n->name, "added", (int)added, "removed",
                             (int)removed, "duration-ns", (json_int_t)duration));
    }
    lan_judge(s, n, false);
}
