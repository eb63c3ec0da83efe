/* Requests on the bus that wait until rules are confirmed, gone, or read. */
#include "lan/lan_private.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <stdlib.h>

#define WAITER_LIFE (120 * NSEC_PER_SEC) /* who asked has given up long before */

enum waiter_kind { WAIT_PUSH, WAIT_REMOVE, WAIT_READBACK, WAIT_REPAIR };

struct waited_node {
    char *name;
    uint64_t reads; /* clean reads there must have been by then */
};

struct lan_waiter {
    enum waiter_kind kind;
    char *reply_to;
    bool all;                     /* not about certain circuits */
    uint32_t *numbers, n_numbers; /* of the circuits' designs */
    struct waited_node *nodes;
    uint32_t n_nodes;
    nsec_t started;
    struct lan_waiter *next;
};

static void
waiter_free(struct lan_waiter *w)
{
    for (uint32_t i = 0; i < w->n_nodes; i++)
        free(w->nodes[i].name);
    free(w->nodes);
    free(w->reply_to);
    free(w->numbers);
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

/* Is this rule about one of the circuits? */
static bool
is_about(const struct lan_waiter *w, const struct rule *rule)
{
    if (w->all)
        return true;
    uint32_t number = rule->kind == RULE_FLOW ? cookie_number(rule->flow->cookie) : 0;
    for (uint32_t i = 0; number && i < w->n_numbers; i++) {
        if (w->numbers[i] == number)
            return true;
    }
    return false;
}

static void
add_waited_node(struct lan_waiter *w, const struct lan_node *n)
{
    for (uint32_t i = 0; i < w->n_nodes; i++) {
        if (!strcmp(w->nodes[i].name, n->name))
            return;
    }
    w->nodes = xrealloc(w->nodes, w->n_nodes + 1, sizeof *w->nodes);
    w->nodes[w->n_nodes++] = (struct waited_node){xstrdup(n->name), 0};
}

/* The nodes that the circuits' rules are on, or were on. */
static void
find_waited_nodes(struct lan_service *s, struct lan_waiter *w)
{
    for (struct lan_node *n = s->nodes; n; n = n->hh.next) {
        const struct ruleset *sets[] = {&n->wanted, &n->retired};
        bool found = false;
        for (size_t i = 0; i < ARRAY_SIZE(sets) && !found; i++) {
            for (const struct rule_item *item = sets[i]->items; item && !found;
                 item = item->hh.next)
                found = is_about(w, &item->rule);
        }
        if (found)
            add_waited_node(w, n);
    }
}

/* A circuit that is being taken out may have its design only in the network the plan was made of.
 */
static void
find_numbers(struct lan_service *s, struct lan_waiter *w, const json_t *payload)
{
    size_t n;
    const char **names = lan_names(payload, "circuits", &n);
    w->numbers = xcalloc(n, sizeof *w->numbers);
    for (size_t i = 0; names && i < n; i++) {
        const struct design *d = network_design(s->config.state->network, names[i]);
        if (!d)
            d = network_design(s->planned, names[i]);
        if (d)
            w->numbers[w->n_numbers++] = d->number;
    }
    free(names);
}

static struct lan_waiter *
waiter_new(struct lan_service *s, enum waiter_kind kind, const struct bus_message *m)
{
    struct lan_waiter *w = xcalloc(1, sizeof *w), **last = &s->waiters;
    w->kind = kind;
    w->reply_to = m->reply_to ? xstrdup(m->reply_to) : NULL;
    w->started = clock_monotonic();
    find_numbers(s, w, m->payload);
    find_waited_nodes(s, w);
    while (*last)
        last = &(*last)->next;
    *last = w;
    return w;
}

/* How far one node is with what the waiter waits for. */
enum progress { PROGRESS_DONE, PROGRESS_WAIT, PROGRESS_FAILED };

static enum progress
judge_push(const struct lan_service *s, const struct lan_waiter *w, struct lan_node *n,
           struct buf *why)
{
    struct ruleset *held = lan_switch_held(n->sw);
    for (const struct rule_item *item = n->wanted.items; item; item = item->hh.next) {
        if (!is_about(w, &item->rule))
            continue;
        const struct rule_item *there = ruleset_find(held, &item->rule);
        if (there && rule_equal(&item->rule, &there->rule))
            continue;
        if (n->dirty || n->busy || s->job)
            return PROGRESS_WAIT;
        buf_printf(why, "node %s does not hold ", n->name);
        rule_format(&item->rule, why);
        return PROGRESS_FAILED;
    }
    /* Rules that several circuits share (ARP answers) are numbered 0. */
    for (const struct rule_item *item = n->wanted.items; item; item = item->hh.next) {
        if (item->rule.kind == RULE_FLOW && !cookie_number(item->flow.cookie) &&
            item->users == MARK_NEW && !ruleset_find(held, &item->rule))
            return n->dirty || n->busy || s->job ? PROGRESS_WAIT : PROGRESS_DONE;
    }
    return PROGRESS_DONE;
}

static enum progress
judge_removal(const struct lan_service *s, const struct lan_waiter *w, struct lan_node *n,
              struct buf *why)
{
    for (const struct rule_item *item = lan_switch_held(n->sw)->items; item; item = item->hh.next) {
        if (!is_about(w, &item->rule) || ruleset_find(&n->wanted, &item->rule))
            continue;
        if (n->dirty || n->busy || s->job)
            return PROGRESS_WAIT;
        buf_printf(why, "node %s still holds ", n->name);
        rule_format(&item->rule, why);
        return PROGRESS_FAILED;
    }
    return PROGRESS_DONE;
}

static enum progress
judge_node(struct lan_service *s, const struct lan_waiter *w, const struct waited_node *wn,
           struct buf *why)
{
    struct lan_node *n = lan_node_find(s, wn->name);
    if (!n || !lan_node_is_ready(n)) {
        buf_printf(why, "node %s is not connected", wn->name);
        return PROGRESS_FAILED;
    }
    if (w->kind == WAIT_PUSH)
        return judge_push(s, w, n, why);
    if (w->kind == WAIT_REMOVE)
        return judge_removal(s, w, n, why);
    if (w->kind == WAIT_READBACK)
        return lan_switch_reads(n->sw) >= wn->reads ? PROGRESS_DONE : PROGRESS_WAIT;
    return n->dirty || n->busy || s->job ? PROGRESS_WAIT : PROGRESS_DONE;
}

/* Rules of the circuits that the node should hold and does not, or the other way round. */
static void
collect_differences(const struct lan_waiter *w, struct lan_node *n, json_t *differences)
{
    struct buf text = BUF_INIT;
    struct ruleset *held = lan_switch_held(n->sw);
    for (const struct rule_item *item = n->wanted.items; item; item = item->hh.next) {
        const struct rule_item *there = ruleset_find(held, &item->rule);
        bool asked = is_about(w, &item->rule);
        if (!asked || (there && rule_equal(&item->rule, &there->rule)))
            continue;
        buf_clear(&text);
        buf_printf(&text, "%s %s: ", n->name, there ? "holds something else than" : "lacks");
        rule_format(&item->rule, &text);
        json_array_append_new(differences, json_string(buf_cstr(&text)));
    }
    for (const struct rule_item *item = held->items; item; item = item->hh.next) {
        bool asked = is_about(w, &item->rule);
        if (!asked || ruleset_find(&n->wanted, &item->rule))
            continue;
        buf_clear(&text);
        buf_printf(&text, "%s holds what is not planned: ", n->name);
        rule_format(&item->rule, &text);
        json_array_append_new(differences, json_string(buf_cstr(&text)));
    }
    buf_fini(&text);
}

static void
answer_readback(struct lan_service *s, struct lan_waiter *w)
{
    json_t *differences = json_array();
    for (uint32_t i = 0; i < w->n_nodes; i++) {
        struct lan_node *n = lan_node_find(s, w->nodes[i].name);
        if (n && lan_node_is_ready(n))
            collect_differences(w, n, differences);
    }
    bool ok = !json_array_size(differences);
    bus_reply(s->config.bus, w->reply_to,
              json_pack("{sb so}", "ok", ok, "differences", differences));
}

static uint32_t
count_rules(struct lan_service *s, const struct lan_waiter *w)
{
    uint32_t n_rules = 0;
    for (uint32_t i = 0; i < w->n_nodes; i++) {
        struct lan_node *n = lan_node_find(s, w->nodes[i].name);
        for (const struct rule_item *item = n ? n->wanted.items : NULL; item; item = item->hh.next)
            n_rules += is_about(w, &item->rule);
    }
    return n_rules;
}

static void
answer(struct lan_service *s, struct lan_waiter *w)
{
    if (w->kind == WAIT_READBACK) {
        answer_readback(s, w);
        return;
    }
    json_t *nodes = json_array();
    for (uint32_t i = 0; i < w->n_nodes; i++)
        json_array_append_new(nodes, json_string(w->nodes[i].name));
    bus_reply(s->config.bus, w->reply_to,
              json_pack("{so si sI}", "nodes", nodes, "rules", (int)count_rules(s, w),
                        "duration-ns", (json_int_t)(clock_monotonic() - w->started)));
}

/* True: the waiter has got its answer. */
static bool
check_waiter(struct lan_service *s, struct lan_waiter *w)
{
    struct buf why = BUF_INIT;
    enum progress worst = PROGRESS_DONE;
    enum err err = ERR_CONFLICT;
    for (uint32_t i = 0; i < w->n_nodes && worst != PROGRESS_FAILED; i++) {
        enum progress p = judge_node(s, w, &w->nodes[i], &why);
        worst = MAX(worst, p);
    }
    if (worst == PROGRESS_FAILED) {
        if (strstr(buf_cstr(&why), "is not connected"))
            err = ERR_CLOSED;
        bus_reply_error(s->config.bus, w->reply_to, err, "%.300s", buf_cstr(&why));
    } else if (worst == PROGRESS_DONE) {
        answer(s, w);
    }
    buf_fini(&why);
    return worst != PROGRESS_WAIT;
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

void
lan_serve_push(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct lan_service *s = arg;
    const struct lan_waiter *w = waiter_new(s, WAIT_PUSH, m);
    if (!w->n_nodes)
        bus_reply_error(s->config.bus, m->reply_to, ERR_NOT_FOUND,
                        "none of these circuits is wanted in the network");
    lan_schedule(s);
}

void
lan_serve_remove(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct lan_service *s = arg;
    waiter_new(s, WAIT_REMOVE, m);
    lan_schedule(s);
}

static void
add_named_nodes(struct lan_service *s, struct lan_waiter *w, const json_t *payload)
{
    size_t n_names;
    const char **names = lan_names(payload, "nodes", &n_names);
    for (size_t i = 0; names && i < n_names; i++) {
        struct lan_node *n = lan_node_find(s, names[i]);
        if (n)
            add_waited_node(w, n);
    }
    free(names);
    if (json_object_get(payload, "circuits") &&
        json_array_size(json_object_get(payload, "circuits")))
        return;
    w->all = true;
    if (w->n_nodes)
        return;
    for (struct lan_node *n = s->nodes; n; n = n->hh.next)
        add_waited_node(w, n);
}

void
lan_serve_readback(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct lan_service *s = arg;
    struct lan_waiter *w = waiter_new(s, WAIT_READBACK, m);
    add_named_nodes(s, w, m->payload);
    for (uint32_t i = 0; i < w->n_nodes; i++) {
        struct lan_node *n = lan_node_find(s, w->nodes[i].name);
        if (n && n->sw)
            w->nodes[i].reads = lan_switch_read(n->sw);
    }
    lan_check_waiters(s);
}

void
lan_serve_repair(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct lan_service *s = arg;
    struct lan_waiter *w = waiter_new(s, WAIT_REPAIR, m);
    add_named_nodes(s, w, m->payload);
    for (uint32_t i = 0; i < w->n_nodes; i++) {
        struct lan_node *n = lan_node_find(s, w->nodes[i].name);
        if (!n)
            continue;
        n->repair_missing = n->repair_foreign = n->dirty = true;
        if (!n->noticed)
            n->noticed = clock_monotonic();
    }
    lan_schedule(s);
}
