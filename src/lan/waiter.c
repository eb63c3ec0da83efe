/* Requests on the bus that wait until rules are confirmed, gone, or read. A waiter about circuits
 * has their rules, compiled, node by node; so what it costs depends on its circuits and not on how
 * many others there are. */
#include "lan/lan_private.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <stdlib.h>

#define WAITER_LIFE (120 * NSEC_PER_SEC) /* who asked has given up long before */

#define LEFT_SHOWN 5 /* nodes */

enum waiter_kind { WAIT_PUSH, WAIT_REMOVE, WAIT_READBACK, WAIT_REPAIR };

struct waited_node {
    char *name;
    struct ruleset rules;   /* of the circuits */
    bool done;              /* all of them were confirmed, or gone */
    uint64_t reads;         /* number of the read there must have been by then */
    struct repairs repairs; /* there had been when it was asked */
    UT_hash_handle hh;
};

struct lan_waiter {
    enum waiter_kind kind;
    char *reply_to;
    bool all; /* not about certain circuits */
    bool removed;
    struct number_set numbers; /* of the circuits' designs */
    struct waited_node *nodes;
    nsec_t started;
    struct lan_waiter *next;
};

static void
waited_node_free(struct lan_waiter *w, struct waited_node *wn)
{
    HASH_DEL(w->nodes, wn);
    ruleset_fini(&wn->rules);
    free(wn->name);
    free(wn);
}

static void
waiter_free(struct lan_waiter *w)
{
    while (w->nodes)
        waited_node_free(w, w->nodes);
    free(w->reply_to);
    free(w);
}

void
lan_waiters_free(struct lan_service *s)
{
    while (s->waiters) {
        struct lan_waiter *w = s->waiters;
        s->waiters = w->next;
        waiter_free(w);
    }
}

static struct waited_node *
need_waited_node(struct lan_waiter *w, const char *name)
{
    struct waited_node *wn;
    HASH_FIND_STR(w->nodes, name, wn);
    if (!wn) {
        wn = xcalloc(1, sizeof *wn);
        wn->name = xstrdup(name);
        HASH_ADD_KEYPTR(hh, w->nodes, wn->name, strlen(wn->name), wn);
    }
    return wn;
}

/* ---- What it is about ---- */

static enum err
take_flow(void *arg, const struct node *node, const struct flow *flow, struct diag *diag UNUSED)
{
    struct rule rule = rule_of_flow(flow);
    ruleset_put(&need_waited_node(arg, node->name)->rules, &rule);
    return ERR_OK;
}

static enum err
take_group(void *arg, const struct node *node, const struct group *group, struct diag *diag UNUSED)
{
    struct rule rule = rule_of_group(group);
    ruleset_put(&need_waited_node(arg, node->name)->rules, &rule);
    return ERR_OK;
}

static enum err
take_meter(void *arg, const struct node *node, const struct meter *meter, struct diag *diag UNUSED)
{
    struct rule rule = rule_of_meter(meter);
    ruleset_put(&need_waited_node(arg, node->name)->rules, &rule);
    return ERR_OK;
}

static enum err
refuse_unplanned(const struct lan_service *s, const char *name, struct diag *diag)
{
    const struct circuit_status *status = state_circuit(s->config.state, name);
    const char *why;
    if (!status || !phase_is_wanted(status->phase))
        return diag_set(diag, ERR_NOT_FOUND, "circuit %s is not wanted in the network", name);
    return lan_may_add(s, name, &why)
               ? diag_set(diag, ERR_CONFLICT, "circuit %s cannot be planned", name)
               : diag_set(diag, ERR_CONFLICT, "circuit %s is not put into the nodes: %s", name,
                          why);
}

/* A circuit that is being taken out has its design until it is released; what is left of it then,
 * if anything, is among what its nodes have retired. */
static enum err
add_circuit(struct lan_service *s, struct lan_waiter *w, const char *name, struct diag *diag)
{
    const struct network *net = s->config.state->network;
    const struct rule_sink sink = {take_flow, take_group, take_meter, w};
    bool gone = w->kind == WAIT_REMOVE || w->removed;
    bool planned = network_design(s->planned, name);
    net = planned ? s->planned : net;
    const struct circuit *c = network_circuit(net, name);
    const struct design *d = network_design(net, name);
    if (!gone && !planned)
        return refuse_unplanned(s, name, diag);
    if (!c || !d)
        return ERR_OK;
    number_set_add(&w->numbers, d->number);
    return compile_circuit(net, c, d, &sink, diag);
}

static void
add_retired(struct lan_service *s, struct lan_waiter *w)
{
    for (struct lan_node *n = s->nodes; n; n = n->hh.next) {
        for (const struct rule_item *item = n->retired.items; item; item = item->hh.next) {
            uint32_t number = rule_number(&item->rule);
            if (number && number_set_has(&w->numbers, number))
                ruleset_put(&need_waited_node(w, n->name)->rules, &item->rule);
        }
    }
}

/* What nodes of other controllers do is waited for there. */
static void
drop_foreign(struct lan_service *s, struct lan_waiter *w)
{
    struct waited_node *wn, *next;
    HASH_ITER (hh, w->nodes, wn, next) {
        const struct lan_node *n = lan_node_find(s, wn->name);
        if (n && n->foreign)
            waited_node_free(w, wn);
    }
}

static const struct rule *find_unfinished(const struct lan_waiter *, const struct waited_node *,
                                          struct lan_node *);

/* A node that is not there is not known to hold nothing. */
static bool
add_left(const struct lan_service *s, const struct lan_waiter *w, struct waited_node *wn,
         struct buf *text)
{
    struct lan_node *n = lan_node_find(s, wn->name);
    if (!n || !network_node(s->config.state->network, wn->name))
        return false;
    const char *separator = text->size ? "; " : "";
    if (!lan_node_is_ready(n)) {
        buf_printf(text, "%snode %s is not connected", separator, wn->name);
        return true;
    }
    const struct rule *rule = find_unfinished(w, wn, n);
    if (!rule)
        return false;
    buf_printf(text, "%snode %s still holds ", separator, wn->name);
    rule_format(rule, text);
    return true;
}

char *
lan_left_of(struct lan_service *s, const char *circuit)
{
    struct lan_waiter w = {.kind = WAIT_REMOVE};
    struct buf text = BUF_INIT;
    struct diag diag = {""};
    unsigned n = 0;
    enum err err = add_circuit(s, &w, circuit, &diag);
    if (err)
        buf_str(&text, diag.text);
    add_retired(s, &w);
    drop_foreign(s, &w);
    for (struct waited_node *wn = w.nodes; wn && n < LEFT_SHOWN; wn = wn->hh.next)
        n += add_left(s, &w, wn, &text);
    while (w.nodes)
        waited_node_free(&w, w.nodes);
    char *left = text.size ? xstrdup(buf_cstr(&text)) : NULL;
    buf_fini(&text);
    return left;
}

static enum err
add_circuits(struct lan_service *s, struct lan_waiter *w, const json_t *payload, struct diag *diag)
{
    size_t n;
    const char **names = lan_names(payload, "circuits", &n);
    enum err err = ERR_OK;
    for (size_t i = 0; names && i < n && !err; i++)
        err = add_circuit(s, w, names[i], diag);
    free(names);
    if (!err && (w->kind == WAIT_REMOVE || w->removed))
        add_retired(s, w);
    return err;
}

static enum err
add_nodes(struct lan_service *s, struct lan_waiter *w, const json_t *payload, struct diag *diag)
{
    const struct network *net = s->config.state->network;
    size_t n;
    const char **names = lan_names(payload, "nodes", &n);
    enum err err = ERR_OK;
    for (size_t i = 0; names && i < n && !err; i++) {
        if (network_node(net, names[i]))
            need_waited_node(w, names[i]);
        else
            err = diag_set(diag, ERR_NOT_FOUND, "there is no node \"%s\"", names[i]);
    }
    free(names);
    w->all = !json_array_size(json_object_get(payload, "circuits"));
    if (!err && w->all && !n) {
        for (const struct node *node = net->nodes; node; node = node->hh.next)
            need_waited_node(w, node->name);
    }
    return err;
}

/* NULL: it has got its answer already. */
static struct lan_waiter *
waiter_new(struct lan_service *s, enum waiter_kind kind, const struct bus_message *m)
{
    struct lan_waiter *w = xcalloc(1, sizeof *w), **last = &s->waiters;
    struct diag diag = {""};
    w->kind = kind;
    w->reply_to = m->reply_to ? xstrdup(m->reply_to) : NULL;
    w->started = clock_monotonic();
    w->removed = json_is_true(json_object_get(m->payload, "removed"));
    enum err err = add_circuits(s, w, m->payload, &diag);
    if (!err && (kind == WAIT_READBACK || kind == WAIT_REPAIR))
        err = add_nodes(s, w, m->payload, &diag);
    drop_foreign(s, w);
    if (err) {
        bus_reply_error(s->config.bus, w->reply_to, err, "%.300s", diag.text);
        waiter_free(w);
        return NULL;
    }
    while (*last)
        last = &(*last)->next;
    *last = w;
    return w;
}

/* ---- How far it is ---- */

/* What stands in the way of an answer that is good. */
struct obstacle {
    enum err err; /* ERR_OK: there is none */
    bool weak;    /* it only waits for another node */
    struct buf text;
};

static void
say(struct obstacle *o, enum err err, bool weak, const char *node, const char *what,
    const struct rule *rule, const char *why)
{
    if (o->err && (weak || !o->weak))
        return;
    o->err = err;
    o->weak = weak;
    buf_clear(&o->text);
    buf_printf(&o->text, "node %s %s", node, what);
    if (rule)
        rule_format(rule, &o->text);
    if (*why)
        buf_printf(&o->text, ": %s", why);
}

/* The first rule of the waiter's that the node does not have yet, or still has. */
static const struct rule *
find_unfinished(const struct lan_waiter *w, const struct waited_node *wn, struct lan_node *n)
{
    struct ruleset *held = lan_switch_held(n->sw);
    for (const struct rule_item *item = wn->rules.items; item; item = item->hh.next) {
        const struct rule_item *wanted = ruleset_find(&n->wanted, &item->rule);
        const struct rule_item *there = ruleset_find(held, &item->rule);
        if (w->kind == WAIT_PUSH ? wanted && !(there && rule_equal(&wanted->rule, &there->rule))
                                 : !wanted && there)
            return &item->rule;
    }
    return NULL;
}

static bool
is_at_work(const struct lan_service *s, const struct lan_node *n)
{
    return lan_node_has_work(n) || n->busy || s->job;
}

/* Other controllers' nodes do not hold what is behind it yet. What stands in their way they tell.
 */
static bool
waits_for_others(const struct lan_service *s, const struct rule *rule)
{
    struct number_set open = {{0}};
    return s->config.domain && rule_number(rule) && lan_find_open(s, WHOSE_FOREIGN, &open) &&
           number_set_has(&open, rule_number(rule));
}

/* True: this node is done, or there is an obstacle. */
static bool
judge_rules(struct lan_service *s, const struct lan_waiter *w, struct waited_node *wn,
            struct lan_node *n, struct obstacle *o)
{
    const struct rule *rule = find_unfinished(w, wn, n);
    if (!rule) {
        wn->done = true;
        return true;
    }
    if (is_at_work(s, n) || waits_for_others(s, rule))
        return false;
    say(o, n->err ? n->err : ERR_CONFLICT, !n->err && n->retry, n->name,
        w->kind == WAIT_PUSH ? "does not hold " : "still holds ", rule, n->why);
    return true;
}

static bool
judge_node(struct lan_service *s, const struct lan_waiter *w, struct waited_node *wn,
           struct obstacle *o)
{
    struct lan_node *n = lan_node_find(s, wn->name);
    if (wn->done || !network_node(s->config.state->network, wn->name))
        return true; /* a node that is gone for good holds nothing up */
    if (!n || !lan_node_is_ready(n)) {
        say(o, ERR_CLOSED, false, wn->name, "is not connected", NULL, n ? n->why : "");
        return true;
    }
    if (w->kind == WAIT_READBACK)
        return lan_switch_reads(n->sw) >= wn->reads;
    if (w->kind == WAIT_REPAIR)
        return !is_at_work(s, n);
    return judge_rules(s, w, wn, n, o);
}

/* ---- Answers ---- */

static bool
is_about(const struct lan_waiter *w, const struct waited_node *wn, const struct rule *rule)
{
    uint32_t number = rule_number(rule);
    return w->all || (number && number_set_has(&w->numbers, number)) ||
           ruleset_find(&wn->rules, rule);
}

static void
add_difference(json_t *differences, const struct lan_node *n, const char *what,
               const struct rule *rule)
{
    struct buf text = BUF_INIT;
    buf_printf(&text, "%s %s: ", n->name, what);
    rule_format(rule, &text);
    json_array_append_new(differences, json_string(buf_cstr(&text)));
    buf_fini(&text);
}

/* Rules of the circuits that the node should hold and does not, or the other way round. */
static void
collect_differences(const struct lan_waiter *w, const struct waited_node *wn, struct lan_node *n,
                    json_t *differences)
{
    struct ruleset *held = lan_switch_held(n->sw);
    for (const struct rule_item *item = n->wanted.items; item; item = item->hh.next) {
        const struct rule_item *there = ruleset_find(held, &item->rule);
        if ((there && rule_equal(&item->rule, &there->rule)) || !is_about(w, wn, &item->rule))
            continue;
        add_difference(differences, n, there ? "holds something else than" : "lacks", &item->rule);
    }
    for (const struct rule_item *item = held->items; item; item = item->hh.next) {
        if (!ruleset_find(&n->wanted, &item->rule) && is_about(w, wn, &item->rule))
            add_difference(differences, n, "holds what is not planned", &item->rule);
    }
    for (uint32_t i = 0; w->all && i < lan_switch_n_aliens(n->sw); i++)
        json_array_append_new(differences, json_sprintf("%s holds what is not planned: %s", n->name,
                                                        lan_switch_alien(n->sw, i)->text));
}

static json_t *
readback_answer(struct lan_service *s, struct lan_waiter *w)
{
    json_t *differences = json_array();
    for (const struct waited_node *wn = w->nodes; wn; wn = wn->hh.next) {
        struct lan_node *n = lan_node_find(s, wn->name);
        if (n && lan_node_is_ready(n))
            collect_differences(w, wn, n, differences);
    }
    return json_pack("{sb so}", "ok", !json_array_size(differences), "differences", differences);
}

static json_t *
repair_answer(struct lan_service *s, const struct lan_waiter *w)
{
    struct repairs sum = {0};
    for (const struct waited_node *wn = w->nodes; wn; wn = wn->hh.next) {
        const struct lan_node *n = lan_node_find(s, wn->name);
        if (!n)
            continue;
        sum.added += n->repaired.added - wn->repairs.added;
        sum.removed += n->repaired.removed - wn->repairs.removed;
        sum.changed += n->repaired.changed - wn->repairs.changed;
    }
    return json_pack("{si si si sI}", "added", (int)sum.added, "removed", (int)sum.removed,
                     "changed", (int)sum.changed, "duration-ns",
                     (json_int_t)(clock_monotonic() - w->started));
}

static json_t *
push_answer(const struct lan_waiter *w)
{
    json_t *nodes = json_array();
    uint32_t n_rules = 0;
    for (const struct waited_node *wn = w->nodes; wn; wn = wn->hh.next) {
        json_array_append_new(nodes, json_string(wn->name));
        n_rules += ruleset_count(&wn->rules);
    }
    return json_pack("{so si sI}", "nodes", nodes, "rules", (int)n_rules, "duration-ns",
                     (json_int_t)(clock_monotonic() - w->started));
}

/* True: the waiter has got its answer. */
static bool
check_waiter(struct lan_service *s, struct lan_waiter *w)
{
    struct obstacle o = {ERR_OK, false, BUF_INIT};
    bool finished = true;
    for (struct waited_node *wn = w->nodes; wn; wn = wn->hh.next)
        finished &= judge_node(s, w, wn, &o);
    if (o.err && !(o.weak && !finished)) {
        bus_reply_error(s->config.bus, w->reply_to, o.err, "%.300s", buf_cstr(&o.text));
        finished = true;
    } else if (finished) {
        bus_reply(s->config.bus, w->reply_to,
                  w->kind == WAIT_READBACK ? readback_answer(s, w)
                  : w->kind == WAIT_REPAIR ? repair_answer(s, w)
                                           : push_answer(w));
    }
    buf_fini(&o.text);
    return finished;
}

/* Nobody waits that long; who asked has given up. */
static bool
is_stale(const struct lan_waiter *w)
{
    return clock_monotonic() - w->started > WAITER_LIFE;
}

void
lan_check_waiters(struct lan_service *s)
{
    for (struct lan_waiter **at = &s->waiters; *at;) {
        struct lan_waiter *w = *at;
        if (is_stale(w) || check_waiter(s, w)) {
            *at = w->next;
            waiter_free(w);
        } else {
            at = &w->next;
        }
    }
}

/* ---- Requests ---- */

/* Asked again, it is tried again. */
static void
try_again(struct lan_service *s, const struct lan_waiter *w)
{
    for (const struct waited_node *wn = w->nodes; wn; wn = wn->hh.next) {
        struct lan_node *n = lan_node_find(s, wn->name);
        if (n && n->retry)
            n->dirty = true;
    }
    lan_schedule(s);
}

void
lan_serve_push(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct lan_service *s = arg;
    const struct lan_waiter *w = waiter_new(s, WAIT_PUSH, m);
    if (w)
        try_again(s, w);
}

void
lan_serve_remove(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct lan_service *s = arg;
    const struct lan_waiter *w = waiter_new(s, WAIT_REMOVE, m);
    if (w)
        try_again(s, w);
}

void
lan_serve_readback(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct lan_service *s = arg;
    struct lan_waiter *w = waiter_new(s, WAIT_READBACK, m);
    for (struct waited_node *wn = w ? w->nodes : NULL; wn; wn = wn->hh.next) {
        struct lan_node *n = lan_node_find(s, wn->name);
        if (n && lan_node_is_ready(n))
            wn->reads = lan_switch_read(n->sw);
    }
    lan_schedule(s);
}

void
lan_serve_repair(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct lan_service *s = arg;
    struct lan_waiter *w = waiter_new(s, WAIT_REPAIR, m);
    for (struct waited_node *wn = w ? w->nodes : NULL; wn; wn = wn->hh.next) {
        struct lan_node *n = lan_node_find(s, wn->name);
        if (!n)
            continue;
        wn->repairs = n->repaired;
        n->repair_missing = n->repair_foreign = n->dirty = true;
        if (!n->noticed)
            n->noticed = clock_monotonic();
    }
    lan_schedule(s);
}
