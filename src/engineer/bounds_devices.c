#include "engineer/bounds_devices.h"

#include "base/alloc.h"

#include <stdlib.h>

enum state { BROKEN, UNKNOWN, HOLDS, STATES };

/* What became of one condition. */
struct judged {
    enum state state;
    struct buf seen, remedy;
};

static const json_t *
port_in(const json_t *queues, uint32_t port)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(queues, "ports"), i, row)
    {
        if (json_integer_value(json_object_get(row, "number")) == port)
            return row;
    }
    return NULL;
}

static const json_t *
port_of(const struct bounds_devices *d, const struct bounds_condition *c)
{
    const json_t *queues = c->node ? d->queues(d->arg, c->node) : NULL;
    return port_in(queues, c->port);
}

static uint64_t
number(const json_t *object, const char *member)
{
    json_int_t value = json_integer_value(json_object_get(object, member));
    return value > 0 ? (uint64_t)value : 0;
}

/* ---- Ports ---- */

static void
suggest_rate(const struct bounds_condition *c, struct judged *j)
{
    buf_printf(&j->remedy, "share the port by rate=%uk,burst=%llu", c->kbps,
               (unsigned long long)c->burst_octets);
}

static void
judge_shaped(const struct bounds_condition *c, const json_t *port, struct judged *j)
{
    uint64_t rate = number(port, "rate-kbps"), burst = number(port, "burst-octets");
    buf_printf(&j->seen, "it sends at %llu kbit/s, bursts of %llu octets", (unsigned long long)rate,
               (unsigned long long)burst);
    j->state = rate == c->kbps && burst <= c->burst_octets ? HOLDS : BROKEN;
    if (j->state == BROKEN)
        suggest_rate(c, j);
}

/* As fast as its interface. */
static void
judge_unshaped(const struct bounds_devices *d, const struct bounds_condition *c, bool told,
               struct judged *j)
{
    uint32_t kbps = d->interface_kbps(d->arg, c->node, c->port);
    if (!kbps) {
        buf_str(&j->seen, "how fast its interface is, is not known");
        return;
    }
    buf_printf(&j->seen, "%sits interface at %u kbit/s",
               told ? "it has no rate of its own, and " : "", kbps);
    /* Behind a host's port nothing waits any more: a faster one only sends sooner. */
    j->state = kbps == c->kbps || (!c->link && kbps > c->kbps) ? HOLDS : BROKEN;
    if (j->state == HOLDS)
        return;
    if (!told) {
        j->state = UNKNOWN; /* it may be shaped, and not say so */
        buf_str(&j->seen, "; whether it is held back, the node does not say");
    }
    suggest_rate(c, j);
}

static void
judge_port(const struct bounds_devices *d, const struct bounds_condition *c, struct judged *j)
{
    const json_t *port = port_of(d, c);
    if (number(port, "rate-kbps"))
        judge_shaped(c, port, j);
    else
        judge_unshaped(d, c, port != NULL, j);
}

/* ---- Queues ---- */

#define LEAST_OCTETS 84 /* on the wire, of any frame */

/* A queue with a least rate goes before those that are only strict. */
static bool
has_least_rates(const json_t *port)
{
    size_t i;
    json_t *queue;
    json_array_foreach(json_object_get(port, "queues"), i, queue)
    {
        if (number(queue, "min-kbps"))
            return true;
    }
    return false;
}

static bool
holds_enough(const json_t *queue, uint64_t octets)
{
    uint64_t limit = number(queue, "limit-octets"), frames = number(queue, "limit-packets");
    return (!limit || octets <= limit) && (!frames || octets <= frames * LEAST_OCTETS);
}

static void
judge_queue(const struct bounds_devices *d, const struct bounds_condition *c, struct judged *j)
{
    const json_t *port = port_of(d, c);
    const json_t *queue = json_array_get(json_object_get(port, "queues"), c->queue);
    if (!queue) {
        buf_str(&j->seen, "the node does not say how its queues are served");
        return;
    }
    bool strict = json_is_true(json_object_get(queue, "strict")) && !number(queue, "max-kbps") &&
                  !has_least_rates(port);
    bool enough = holds_enough(queue, c->burst_octets);
    j->state = strict && enough ? HOLDS : BROKEN;
    buf_printf(&j->seen, "%s, and holds ", strict ? "it is strict" : "it is not only strict");
    if (number(queue, "limit-octets"))
        buf_printf(&j->seen, "%llu octets in ", (unsigned long long)number(queue, "limit-octets"));
    buf_printf(&j->seen, "%llu frames", (unsigned long long)number(queue, "limit-packets"));
    if (!strict)
        buf_str(&j->remedy, "share the port without weights, least and most rates");
    else if (!enough)
        buf_str(&j->remedy,
                "less burst in the circuits of this class, or a larger limit of the port");
}

/* ---- Meters ---- */

static void
judge_meter(const struct bounds_devices *d, const struct bounds_condition *c, struct judged *j)
{
    const struct ruleset *rules = c->node ? d->rules(d->arg, c->node) : NULL;
    const struct meter key = {.meter_id = c->meter_id};
    const struct rule rule = rule_of_meter(&key);
    if (!rules) {
        buf_str(&j->seen, "the node is not connected");
        return;
    }
    const struct rule_item *item = ruleset_find(rules, &rule);
    j->state = BROKEN;
    if (!item) {
        buf_str(&j->seen, "it has no such meter");
    } else {
        const struct band *band = item->meter.n_bands == 1 ? &item->meter.bands[0] : NULL;
        if (band && band->type == BAND_DROP && (item->meter.flags & METER_KBPS) &&
            (item->meter.flags & METER_BURST) && band->rate == c->kbps &&
            band->burst == c->burst_kbit)
            j->state = HOLDS;
        meter_format(&item->meter, &j->seen);
    }
    if (j->state == BROKEN)
        buf_printf(&j->remedy, "tieline node repair %s", c->node->name);
}

/* ---- All of them ---- */

static void
judge(const struct bounds_devices *d, const struct bounds_condition *c, struct judged *j)
{
    j->state = UNKNOWN;
    if (!c->node)
        buf_str(&j->seen, "there is no such node");
    else if (c->kind == CONDITION_PORT)
        judge_port(d, c, j);
    else if (c->kind == CONDITION_QUEUE)
        judge_queue(d, c, j);
    else
        judge_meter(d, c, j);
}

static json_t *
row_of(const struct bounds_condition *c, struct judged *j)
{
    static const char *const states[STATES] = {"broken", "unknown", "holds"};
    struct buf needs = BUF_INIT;
    bounds_condition_format(c, &needs);
    json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "state", states[j->state], "node",
                            c->node ? c->node->name : "", "needs", buf_cstr(&needs), "seen",
                            buf_cstr(&j->seen));
    if (c->kind == CONDITION_METER) {
        json_object_set_new(row, "meter", json_integer(c->meter_id));
        json_object_set_new(row, "circuit", json_string(c->owner->name));
    } else {
        json_object_set_new(row, "port", json_integer(c->port));
        if (c->link)
            json_object_set_new(row, "link", json_string(c->link->name));
        if (c->kind == CONDITION_QUEUE)
            json_object_set_new(row, "queue", json_integer(c->queue));
    }
    if (j->remedy.size)
        json_object_set_new(row, "remedy", json_string(buf_cstr(&j->remedy)));
    buf_fini(&needs);
    return row;
}

static bool
is_ours(const struct bounds_devices *d, const struct bounds_condition *c)
{
    return !d->is_ours || !c->node || d->is_ours(d->arg, c->node);
}

static void
count_elsewhere(json_t *elsewhere, const struct node *node)
{
    json_int_t n = json_integer_value(json_object_get(elsewhere, node->name));
    json_object_set_new(elsewhere, node->name, json_integer(n + 1));
}

json_t *
bounds_check_devices(const struct bounds *b, const struct bounds_devices *d, uint32_t limit)
{
    struct bounds_condition *conditions;
    uint32_t n, counts[STATES] = {0};
    json_t *lists[STATES], *elsewhere = json_object();
    for (int i = 0; i < STATES; i++)
        lists[i] = json_array();
    bounds_conditions(b, &conditions, &n);
    for (uint32_t i = 0; i < n; i++) {
        struct judged j = {.seen = BUF_INIT, .remedy = BUF_INIT};
        if (!is_ours(d, &conditions[i])) {
            count_elsewhere(elsewhere, conditions[i].node);
            continue;
        }
        judge(d, &conditions[i], &j);
        if (counts[j.state]++ < limit)
            json_array_append_new(lists[j.state], row_of(&conditions[i], &j));
        buf_fini(&j.seen);
        buf_fini(&j.remedy);
    }
    free(conditions);
    for (int i = 1; i < STATES; i++) {
        json_array_extend(lists[0], lists[i]);
        json_decref(lists[i]);
    }
    while (json_array_size(lists[0]) > limit)
        json_array_remove(lists[0], json_array_size(lists[0]) - 1);
    uint32_t judged = counts[BROKEN] + counts[UNKNOWN] + counts[HOLDS];
    json_t *answer = json_pack("{s:b, s:I, s:I, s:I, s:o}", "ok", counts[HOLDS] == judged, "n",
                               (json_int_t)judged, "n-broken", (json_int_t)counts[BROKEN],
                               "n-unknown", (json_int_t)counts[UNKNOWN], "list", lists[0]);
    if (d->is_ours)
        json_object_set(answer, "elsewhere", elsewhere);
    json_decref(elsewhere);
    return answer;
}
