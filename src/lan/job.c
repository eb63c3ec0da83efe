/* Writing rules. One job at a time, for everything that is to be written then: what comes meanwhile
 * waits for the next one and goes together. A job compares, for each node that may need it, what is
 * wanted with what is held, and writes the difference in four phases; a phase begins when every
 * node has confirmed the one before:
 *
 *   1. rules by which traffic enters the network, and which are not wanted any more, go
 *   2. meters, groups and the rules between nodes come
 *   3. rules by which traffic enters come
 *   4. everything else that is not wanted goes: rules between nodes, groups, meters
 *
 * So whatever is on its way finds either all of its old way or all of its new one, and nothing can
 * enter that neither plan allows. A node that does not confirm fails its own part: entry rules of
 * circuits that it is on are not written in phase 3. */
#include "lan/lan_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"

#include <stdio.h>
#include <stdlib.h>

enum phase { PHASE_ENTRY_GONE, PHASE_INNER, PHASE_ENTRY, PHASE_REST_GONE, PHASES };

/* The part of one node. */
struct job_node {
    struct lan_node *node;
    struct lan_job *job;
    struct switch_op *ops[PHASES];
    uint32_t n[PHASES], capacity[PHASES];
    bool failed;
    char why[200];
    uint32_t added, removed; /* confirmed */
};

struct lan_job {
    struct lan_service *service;
    struct job_node *nodes;
    uint32_t n_nodes, outstanding;
    enum phase phase;
};

/* ---- What is to be written ---- */

bool
lan_is_entry(const struct lan_service *s, const struct lan_node *n, const struct rule *rule)
{
    if (rule->kind != RULE_FLOW || rule->flow->priority != PRIORITY_CONVERSATION ||
        !match_has(&rule->flow->match, FIELD_IN_PORT))
        return false;
    uint32_t port = (uint32_t)flow_key_get(&rule->flow->match.value, FIELD_IN_PORT);
    return !network_link_at(s->config.state->network, n->name, port);
}

static void
add_op(struct job_node *jn, enum phase phase, bool remove, struct rule_item *item,
       const struct alien *alien)
{
    GROW(jn->ops[phase], jn->n[phase], jn->capacity[phase]);
    jn->ops[phase][jn->n[phase]++] = (struct switch_op){
        .remove = remove, .item = item ? rule_item_hold(item) : NULL, .alien = alien};
}

static bool
repairs(const struct lan_service *s, bool foreign)
{
    const struct settings *settings = &s->config.state->network->settings;
    return (foreign ? settings->foreign_rule : settings->missing_rule) == DRIFT_REPAIR;
}

/* Wanted and not there, or there and different. What the node has confirmed before is drift, and
 * the policy decides. */
static void
plan_addition(struct job_node *jn, struct rule_item *item)
{
    struct lan_service *s = jn->job->service;
    if (item->users == MARK_CONFIRMED && !repairs(s, false) && !jn->node->repair_missing)
        return;
    add_op(jn, lan_is_entry(s, jn->node, &item->rule) ? PHASE_ENTRY : PHASE_INNER, false, item,
           NULL);
}

static void
on_missing(void *arg, struct rule_item *wanted)
{
    plan_addition(arg, wanted);
}

static void
on_changed(void *arg, struct rule_item *wanted, struct rule_item *held UNUSED)
{
    plan_addition(arg, wanted);
}

static void
on_foreign(void *arg, struct rule_item *held)
{
    struct job_node *jn = arg;
    struct lan_service *s = jn->job->service;
    bool ours = ruleset_find(&jn->node->retired, &held->rule);
    if (ours || repairs(s, true) || jn->node->repair_foreign)
        add_op(jn, lan_is_entry(s, jn->node, &held->rule) ? PHASE_ENTRY_GONE : PHASE_REST_GONE,
               true, held, NULL);
}

static int
by_rule(const void *a, const void *b)
{
    const struct switch_op *x = a, *y = b;
    if (!x->item || !y->item)
        return (x->item != NULL) - (y->item != NULL);
    return rule_compare(&x->item->rule, &y->item->rule);
}

static int
by_rule_reversed(const void *a, const void *b)
{
    return by_rule(b, a);
}

static void
sort_ops(struct job_node *jn)
{
    for (unsigned phase = 0; phase < PHASES; phase++) {
        bool gone = phase == PHASE_ENTRY_GONE || phase == PHASE_REST_GONE;
        if (jn->n[phase])
            qsort(jn->ops[phase], jn->n[phase], sizeof(struct switch_op),
                  gone ? by_rule_reversed : by_rule);
    }
}

/* The difference at one node; false: there is none. */
static bool
plan_node_part(struct lan_job *job, struct lan_node *n, struct job_node *jn)
{
    const struct ruleset_difference difference = {on_missing, on_changed, on_foreign, jn};
    bool foreign = repairs(job->service, true) || n->repair_foreign;
    *jn = (struct job_node){.node = n, .job = job};
    ruleset_compare(&n->wanted, lan_switch_held(n->sw), &difference);
    for (uint32_t i = 0; foreign && i < lan_switch_n_aliens(n->sw); i++)
        add_op(jn, PHASE_ENTRY_GONE, true, NULL, lan_switch_alien(n->sw, i));
    sort_ops(jn);
    return jn->n[0] + jn->n[1] + jn->n[2] + jn->n[3] > 0;
}

/* What is wanted and held alike is confirmed, whoever put it there. */
static void
mark_confirmed(struct lan_node *n)
{
    struct ruleset *held = lan_switch_held(n->sw);
    struct rule_item *item, *next;
    for (item = n->wanted.items; item; item = item->hh.next) {
        struct rule_item *there = ruleset_find(held, &item->rule);
        if (there && rule_equal(&item->rule, &there->rule))
            item->users = MARK_CONFIRMED;
    }
    HASH_ITER (hh, n->retired.items, item, next) {
        if (!ruleset_find(held, &item->rule))
            ruleset_remove(&n->retired, item);
    }
}

/* ---- A job's life ---- */

static void
free_ops(struct job_node *jn)
{
    for (unsigned phase = 0; phase < PHASES; phase++) {
        for (uint32_t i = 0; i < jn->n[phase]; i++)
            rule_item_release(jn->ops[phase][i].item);
        free(jn->ops[phase]);
    }
}

void
lan_job_free(struct lan_service *s)
{
    if (!s->job)
        return;
    for (uint32_t i = 0; i < s->job->n_nodes; i++) {
        s->job->nodes[i].node->busy = false;
        free_ops(&s->job->nodes[i]);
    }
    free(s->job->nodes);
    free(s->job);
    s->job = NULL;
}

static void start_phase(struct lan_job *);

static void
finish_job(struct lan_job *job)
{
    struct lan_service *s = job->service;
    for (uint32_t i = 0; i < job->n_nodes; i++) {
        struct job_node *jn = &job->nodes[i];
        struct lan_node *n = jn->node;
        n->busy = false;
        if (!lan_node_is_ready(n))
            continue;
        mark_confirmed(n);
        if (jn->failed) {
            log_warn("node %s: %s", n->name, jn->why);
            (void)lan_switch_read(n->sw); /* find out how it stands, and judge that */
        } else {
            n->repair_foreign = n->repair_missing = false;
            lan_repaired(s, n, jn->added, jn->removed);
        }
    }
    lan_check_waiters(s);
    lan_job_free(s);
    lan_schedule(s); /* what came meanwhile */
}

static void
phase_part_done(struct lan_job *job)
{
    if (--job->outstanding)
        return;
    job->phase++;
    start_phase(job);
}

static void
on_applied(void *arg, struct lan_switch *sw UNUSED, struct switch_op *ops, uint32_t n)
{
    struct job_node *jn = arg;
    for (uint32_t i = 0; i < n; i++) {
        if (!ops[i].err) {
            *(ops[i].remove ? &jn->removed : &jn->added) += 1;
            continue;
        }
        if (!jn->failed) {
            struct buf text = BUF_INIT;
            if (ops[i].item)
                rule_format(&ops[i].item->rule, &text);
            snprintf(jn->why, sizeof jn->why, "%.60s: %.120s", ops[i].why, buf_cstr(&text));
            buf_fini(&text);
        }
        jn->failed = true;
    }
    phase_part_done(jn->job);
}

/* A circuit one of whose nodes has failed must not be let in anywhere. */
static bool
is_held_back(const struct lan_job *job, const struct switch_op *op)
{
    uint32_t number = op->item ? cookie_number(op->item->flow.cookie) : 0;
    for (uint32_t i = 0; number && i < job->n_nodes; i++) {
        const struct job_node *jn = &job->nodes[i];
        for (uint32_t k = 0; jn->failed && k < jn->n[PHASE_INNER]; k++) {
            const struct switch_op *inner = &jn->ops[PHASE_INNER][k];
            if (inner->item->rule.kind == RULE_FLOW &&
                cookie_number(inner->item->flow.cookie) == number)
                return true;
        }
    }
    return false;
}

static void
hold_back(struct lan_job *job, struct job_node *jn)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < jn->n[PHASE_ENTRY]; i++) {
        struct switch_op *op = &jn->ops[PHASE_ENTRY][i];
        if (is_held_back(job, op))
            rule_item_release(op->item);
        else
            jn->ops[PHASE_ENTRY][kept++] = *op;
    }
    jn->n[PHASE_ENTRY] = kept;
}

static void
start_phase(struct lan_job *job)
{
    while (job->phase < PHASES) {
        job->outstanding = 1; /* ours, so that answers at once do not run ahead */
        for (uint32_t i = 0; i < job->n_nodes; i++) {
            struct job_node *jn = &job->nodes[i];
            if (job->phase == PHASE_ENTRY)
                hold_back(job, jn);
            if (jn->failed || !jn->n[job->phase] || !jn->node->sw)
                continue;
            job->outstanding++;
            lan_switch_apply(jn->node->sw, jn->ops[job->phase], jn->n[job->phase], OP_TIMEOUT,
                             on_applied, jn);
        }
        if (--job->outstanding)
            return;
        job->phase++;
    }
    finish_job(job);
}

void
lan_schedule(struct lan_service *s)
{
    task_schedule(s->schedule);
}

void
lan_job_try(struct lan_service *s)
{
    if (s->job)
        return;
    struct lan_job *job = xcalloc(1, sizeof *job);
    job->service = s;
    job->nodes = xcalloc(HASH_COUNT(s->nodes), sizeof *job->nodes);
    for (struct lan_node *n = s->nodes; n; n = n->hh.next) {
        if (!n->dirty || !lan_node_is_ready(n))
            continue;
        n->dirty = false;
        if (!plan_node_part(job, n, &job->nodes[job->n_nodes])) {
            free_ops(&job->nodes[job->n_nodes]);
            mark_confirmed(n);
            continue;
        }
        n->busy = true;
        job->n_nodes++;
    }
    if (!job->n_nodes) {
        free(job->nodes);
        free(job);
        lan_check_waiters(s);
        return;
    }
    s->job = job;
    start_phase(job);
}

/* The switch tells each batch of its end before it goes; what is left is not to touch it again. */
void
lan_job_forget(struct lan_service *s, struct lan_node *n)
{
    for (uint32_t i = 0; s->job && i < s->job->n_nodes; i++) {
        struct job_node *jn = &s->job->nodes[i];
        if (jn->node != n)
            continue;
        jn->failed = true;
        snprintf(jn->why, sizeof jn->why, "the connection was lost");
    }
}
