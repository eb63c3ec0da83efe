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
 * enter that neither plan allows. Where a node does not confirm, or is not there, circuits that
 * need it are held back: their entry rules are not written in phase 3, nor is in phase 4 taken away
 * what they replace. Circuits that were complete once are not held back: a node that is not there
 * now goes on by itself with what it has. What was not written is tried again once a second, and
 * when a node comes. */
#include "lan/lan_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define CHUNK 1000 /* rules that a node is sent before it has to confirm */

enum phase { PHASE_ENTRY_GONE, PHASE_INNER, PHASE_ENTRY, PHASE_REST_GONE, PHASES };

/* switch_op.mark: what was not ordered, but repairs drift. */
enum op_mark { OP_ORDERED, OP_REPAIR, OP_REPAIR_CHANGED };

/* The part of one node. */
struct job_node {
    struct lan_node *node;
    struct lan_job *job;
    struct switch_op *ops[PHASES];
    uint32_t n[PHASES], capacity[PHASES];
    uint32_t at;  /* of the ops of this phase: the first that was not sent */
    bool waiting; /* for what was */
    bool gone;    /* its connection has ended: the node is not this job's business any more */
    bool held_back;
    enum err err; /* it has failed */
    char why[200];
    struct repairs repaired; /* confirmed */
};

struct lan_job {
    struct lan_service *service;
    struct job_node *nodes;
    uint32_t n_nodes, outstanding;
    enum phase phase;
};

/* ---- What is wanted ---- */

bool
lan_is_entry(const struct lan_service *s, const struct lan_node *n, const struct rule *rule)
{
    if (rule->kind != RULE_FLOW || rule->flow->priority != PRIORITY_CONVERSATION ||
        !match_has(&rule->flow->match, FIELD_IN_PORT))
        return false;
    uint32_t port = (uint32_t)flow_key_get(&rule->flow->match.value, FIELD_IN_PORT);
    return !network_link_at(s->config.state->network, n->name, port);
}

/* A rule without which its circuit must not be let in. */
static bool
is_open(const struct rule_item *item)
{
    return !item->users && rule_number(&item->rule);
}

void
lan_mark(const struct lan_service *s, struct lan_node *n, struct rule_item *item, bool confirmed)
{
    n->n_open -= is_open(item);
    item->users = (confirmed ? MARK_CONFIRMED : 0) |
                  (lan_is_entry(s, n, &item->rule) ? MARK_ENTRY : 0);
    n->n_open += is_open(item);
}

void
lan_want(struct lan_service *s, struct lan_node *n, const struct rule *rule)
{
    struct rule_item *old = ruleset_find(&n->wanted, rule);
    struct rule_item *retired = ruleset_find(&n->retired, rule);
    if (old)
        lan_unwant(n, old);
    if (retired)
        ruleset_remove(&n->retired, retired);
    struct rule_item *item = ruleset_put(&n->wanted, rule);
    n->n_open += is_open(item); /* as lan_mark() expects it */
    lan_mark(s, n, item, false);
}

void
lan_unwant(struct lan_node *n, struct rule_item *item)
{
    n->n_open -= is_open(item);
    ruleset_remove(&n->wanted, item);
}

static void
confirm(struct lan_node *n, struct rule_item *item)
{
    n->n_open -= is_open(item);
    item->users |= MARK_CONFIRMED;
}

/* ---- What is to be written ---- */

static void
add_op(struct job_node *jn, enum phase phase, const struct switch_op *op)
{
    GROW(jn->ops[phase], jn->n[phase], jn->capacity[phase]);
    struct switch_op *copy = &jn->ops[phase][jn->n[phase]++];
    *copy = *op;
    if (copy->item)
        rule_item_hold(copy->item);
    if (copy->alien)
        copy->alien->holders++;
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
plan_addition(struct job_node *jn, struct rule_item *item, enum op_mark mark)
{
    bool drift = item->users & MARK_CONFIRMED;
    struct switch_op op = {.item = item, .mark = (uint8_t)(drift ? mark : OP_ORDERED)};
    if (!drift || repairs(jn->job->service, false) || jn->node->repair_missing)
        add_op(jn, item->users & MARK_ENTRY ? PHASE_ENTRY : PHASE_INNER, &op);
}

static void
on_missing(void *arg, struct rule_item *wanted)
{
    plan_addition(arg, wanted, OP_REPAIR);
}

static void
on_changed(void *arg, struct rule_item *wanted, struct rule_item *held UNUSED)
{
    plan_addition(arg, wanted, OP_REPAIR_CHANGED);
}

static void
on_foreign(void *arg, struct rule_item *held)
{
    struct job_node *jn = arg;
    struct lan_service *s = jn->job->service;
    bool ours = ruleset_find(&jn->node->retired, &held->rule);
    struct switch_op op = {.remove = true, .item = held, .mark = ours ? OP_ORDERED : OP_REPAIR};
    if (ours || repairs(s, true) || jn->node->repair_foreign)
        add_op(jn, lan_is_entry(s, jn->node, &held->rule) ? PHASE_ENTRY_GONE : PHASE_REST_GONE,
               &op);
}

/* What is wanted and held alike is confirmed, whoever put it there. */
static void
on_equal(void *arg, struct rule_item *wanted)
{
    struct job_node *jn = arg;
    if (!(wanted->users & MARK_CONFIRMED))
        confirm(jn->node, wanted);
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

/* What has gone from the node need not be remembered. */
static void
tidy_retired(struct lan_node *n)
{
    struct rule_item *item, *next;
    HASH_ITER (hh, n->retired.items, item, next) {
        if (!ruleset_find(lan_switch_held(n->sw), &item->rule))
            ruleset_remove(&n->retired, item);
    }
}

/* A push costs what it changes, and not what is there. */
static void
compare_touched(struct lan_node *n, struct job_node *jn)
{
    for (const struct rule_item *item = n->touched.items; item; item = item->hh.next) {
        struct rule_item *wanted = ruleset_find(&n->wanted, &item->rule);
        struct rule_item *held = ruleset_find(lan_switch_held(n->sw), &item->rule);
        if (!wanted && held)
            on_foreign(jn, held);
        else if (wanted && !held)
            on_missing(jn, wanted);
        else if (wanted && !rule_equal(&wanted->rule, &held->rule))
            on_changed(jn, wanted, held);
        else if (wanted)
            on_equal(jn, wanted);
    }
}

/* The difference at one node; false: there is none. */
static bool
plan_node_part(struct lan_job *job, struct lan_node *n, struct job_node *jn)
{
    const struct ruleset_difference difference = {on_missing, on_changed, on_foreign, on_equal, jn};
    bool foreign = n->dirty && (repairs(job->service, true) || n->repair_foreign);
    *jn = (struct job_node){.node = n, .job = job};
    if (n->dirty)
        ruleset_compare(&n->wanted, lan_switch_held(n->sw), &difference);
    else
        compare_touched(n, jn);
    n->dirty = false;
    ruleset_fini(&n->touched);
    for (uint32_t i = 0; foreign && i < lan_switch_n_aliens(n->sw); i++) {
        struct switch_op op = {
            .remove = true, .alien = lan_switch_alien(n->sw, i), .mark = OP_REPAIR};
        add_op(jn, PHASE_ENTRY_GONE, &op);
    }
    sort_ops(jn);
    tidy_retired(n);
    return jn->n[0] + jn->n[1] + jn->n[2] + jn->n[3] > 0;
}

/* ---- A job's life ---- */

static void
release_op(struct switch_op *op)
{
    rule_item_release(op->item);
    alien_release(op->alien);
}

static void
free_ops(struct job_node *jn)
{
    for (unsigned phase = 0; phase < PHASES; phase++) {
        for (uint32_t i = 0; i < jn->n[phase]; i++)
            release_op(&jn->ops[phase][i]);
        free(jn->ops[phase]);
    }
}

void
lan_job_free(struct lan_service *s)
{
    if (!s->job)
        return;
    for (uint32_t i = 0; i < s->job->n_nodes; i++)
        free_ops(&s->job->nodes[i]);
    free(s->job->nodes);
    free(s->job);
    s->job = NULL;
}

static void start_phase(struct lan_job *);

static void
finish_part(struct lan_service *s, struct job_node *jn)
{
    struct lan_node *n = jn->node;
    n->busy = false;
    n->err = jn->err;
    n->retry |= jn->err || jn->held_back;
    if (jn->err) {
        if (strcmp(n->why, jn->why))
            log_warn("node %s: %s", n->name, jn->why);
        (void)lan_switch_read(n->sw); /* find out how it stands, and judge that */
    } else {
        n->repair_foreign = n->repair_missing = false;
    }
    snprintf(n->why, sizeof n->why, "%s", jn->why);
    tidy_retired(n);
    lan_repaired(s, n, &jn->repaired);
}

static void
finish_job(struct lan_job *job)
{
    struct lan_service *s = job->service;
    for (uint32_t i = 0; i < job->n_nodes; i++) {
        if (!job->nodes[i].gone)
            finish_part(s, &job->nodes[i]);
    }
    lan_job_free(s);
    lan_tell_progress(s, false);
    lan_check_waiters(s);
    lan_schedule(s); /* what came meanwhile */
}

static void
part_done(struct lan_job *job)
{
    if (--job->outstanding)
        return;
    job->phase++;
    start_phase(job);
}

static void
note_failure(struct job_node *jn, const struct switch_op *op)
{
    struct buf text = BUF_INIT;
    if (jn->err)
        return;
    jn->err = op->err;
    if (op->item)
        rule_format(&op->item->rule, &text);
    else
        buf_str(&text, op->alien->text);
    snprintf(jn->why, sizeof jn->why, "%.60s: %.120s", op->why, buf_cstr(&text));
    buf_fini(&text);
}

static void
note_success(struct job_node *jn, const struct switch_op *op)
{
    struct lan_node *n = jn->node;
    if (!op->remove && !(op->item->users & MARK_CONFIRMED) &&
        ruleset_find(&n->wanted, &op->item->rule) == op->item)
        confirm(n, op->item);
    if (op->mark == OP_ORDERED)
        return;
    jn->repaired.removed += op->remove;
    jn->repaired.changed += op->mark == OP_REPAIR_CHANGED;
    jn->repaired.added += !op->remove && op->mark == OP_REPAIR;
}

static bool send_chunk(struct job_node *);

static void
on_applied(void *arg, struct lan_switch *sw UNUSED, struct switch_op *ops, uint32_t n)
{
    struct job_node *jn = arg;
    jn->waiting = false;
    for (uint32_t i = 0; i < n; i++) {
        if (ops[i].err)
            note_failure(jn, &ops[i]);
        else
            note_success(jn, &ops[i]);
    }
    if (!send_chunk(jn))
        part_done(jn->job);
}

/* False: nothing more is to be sent in this phase. */
static bool
send_chunk(struct job_node *jn)
{
    enum phase phase = jn->job->phase;
    uint32_t first = jn->at, n = MIN(jn->n[phase] - first, CHUNK);
    if (jn->gone || jn->err || !n)
        return false;
    jn->at += n;
    jn->waiting = true;
    lan_switch_apply(jn->node->sw, jn->ops[phase] + first, n, OP_TIMEOUT, on_applied, jn);
    return true;
}

/* ---- Holding back ---- */

void
lan_complete_circuits(const struct lan_service *s, struct number_set *set)
{
    const struct state *state = s->config.state;
    for (const struct design *d = state->network->designs; d; d = d->hh.next) {
        const struct circuit_status *c = state_circuit(state, d->circuit);
        if (c && (c->phase == PHASE_BUILT || c->phase == PHASE_ACTIVE))
            number_set_add(set, d->number);
    }
}

bool
lan_find_open(const struct lan_service *s, enum whose whose, struct number_set *open)
{
    struct number_set complete = {{0}};
    bool found = false;
    for (const struct lan_node *n = s->nodes; n; n = n->hh.next) {
        if (!n->n_open || (whose != WHOSE_ANY && n->foreign != (whose == WHOSE_FOREIGN)))
            continue;
        if (!found)
            lan_complete_circuits(s, &complete);
        found = true;
        for (const struct rule_item *item = n->wanted.items; item; item = item->hh.next) {
            if (is_open(item) && !number_set_has(&complete, rule_number(&item->rule)))
                number_set_add(open, rule_number(&item->rule));
        }
    }
    return found;
}

/* Drops what this phase must not do yet. */
static void
hold_back(struct job_node *jn, enum phase phase, const struct number_set *open)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < jn->n[phase]; i++) {
        struct switch_op *op = &jn->ops[phase][i];
        uint32_t number = op->item ? rule_number(&op->item->rule) : 0;
        if (number && op->mark == OP_ORDERED && number_set_has(open, number)) {
            release_op(op);
            jn->held_back = true;
        } else {
            jn->ops[phase][kept++] = *op;
        }
    }
    jn->n[phase] = kept;
}

static void
hold_all_back(struct lan_job *job)
{
    struct number_set open = {{0}};
    if (!lan_find_open(job->service, WHOSE_ANY, &open))
        return;
    for (uint32_t i = 0; i < job->n_nodes; i++) {
        hold_back(&job->nodes[i], PHASE_ENTRY, &open);
        hold_back(&job->nodes[i], PHASE_REST_GONE, &open);
    }
}

static void
start_phase(struct lan_job *job)
{
    while (job->phase < PHASES) {
        job->outstanding = 1; /* ours, so that answers at once do not run ahead */
        if (job->phase == PHASE_ENTRY)
            hold_all_back(job);
        for (uint32_t i = 0; i < job->n_nodes; i++) {
            job->nodes[i].at = 0;
            job->outstanding += send_chunk(&job->nodes[i]);
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
        if (!lan_node_has_work(n) || !lan_node_is_ready(n))
            continue;
        if (!plan_node_part(job, n, &job->nodes[job->n_nodes])) {
            free_ops(&job->nodes[job->n_nodes]);
            n->repair_foreign = n->repair_missing = false;
            n->noticed = 0;
            n->err = ERR_OK;
            n->why[0] = '\0';
            continue;
        }
        n->busy = true;
        job->n_nodes++;
    }
    if (!job->n_nodes) {
        free(job->nodes);
        free(job);
        lan_tell_progress(s, false);
        lan_check_waiters(s);
        return;
    }
    s->job = job;
    start_phase(job);
}

/* The switch tells of a batch that ends with the connection, but not when it is freed before. */
void
lan_job_forget(struct lan_service *s, struct lan_node *n)
{
    struct lan_job *job = s->job;
    for (uint32_t i = 0; job && i < job->n_nodes; i++) {
        struct job_node *jn = &job->nodes[i];
        if (jn->node != n || jn->gone)
            continue;
        jn->gone = true;
        jn->err = ERR_CLOSED;
        n->busy = false;
        if (jn->waiting)
            part_done(job);
        return;
    }
}
