#include "edge/top.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/jsontext.h"
#include "io/timer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL_MS 1000
#define INTERVAL_MAX_MS 8000 /* below what a controller waits for an answer */
#define INTERVAL_MIN_MS 100
#define ROWS 20

struct flow_before {
    uint64_t added; /* tells entries apart: that of a new one is higher than any before */
    uint64_t packets, octets;
};

struct group_before {
    uint32_t group_id;
    struct traffic traffic;
};

struct port_before {
    uint64_t rx_packets, rx_octets, tx_packets, tx_octets, tx_dropped;
};

enum order { BY_BITS, BY_PACKETS, BY_USED };

struct request {
    struct tops *owner;
    struct rpc_request *rpc;
    struct timer *timer;
    enum order order;
    size_t n_rows;
    nsec_t started;
    bool has_cookie, has_table;
    uint64_t cookie;
    uint8_t table;
    /* The counters as they were. */
    struct flow_before *flows;
    size_t n_flows, flow_capacity;
    struct group_before *groups;
    size_t n_groups;
    struct port_before ports[MAX_PORTS];
    uint64_t drops[DROP_MAX];
    struct pipeline_stats cache;
    uint64_t punted;
};

struct tops {
    uv_loop_t *loop;
    void (*look)(void *arg, struct survey *);
    void *arg;
    struct request *requests[TOP_REQUESTS];
};

/* ---- Before ---- */

static bool
is_asked_for(const struct request *r, const struct entry *e)
{
    return (!r->has_table || e->table_id == r->table) &&
           (!r->has_cookie || atomic_load_explicit(&e->cookie, memory_order_relaxed) == r->cookie);
}

static void
note_flow(void *arg, struct entry *e)
{
    struct request *r = arg;
    struct traffic t = counters_get(&e->counters);
    if (t.packets && is_asked_for(r, e) && r->n_flows < r->flow_capacity)
        r->flows[r->n_flows++] = (struct flow_before){e->added, t.packets, t.octets};
}

static void
note_group(void *arg, void *object)
{
    struct request *r = arg;
    const struct group_entry *g = object;
    r->groups[r->n_groups++] = (struct group_before){g->group_id, counters_get(&g->counters)};
}

static int
by_added(const void *a, const void *b)
{
    const struct flow_before *x = a, *y = b;
    return (x->added > y->added) - (x->added < y->added);
}

static void
note_all(struct request *r, const struct survey *s)
{
    r->flow_capacity = s->datapath->n_flows;
    r->flows = xcalloc(r->flow_capacity + 1, sizeof *r->flows);
    r->groups = xcalloc(s->datapath->groups.n + 1, sizeof *r->groups);
    survey_flows(s->datapath, note_flow, r);
    qsort(r->flows, r->n_flows, sizeof *r->flows, by_added);
    idmap_each(&s->datapath->groups, note_group, r); /* by rising number */
    for (uint32_t i = 0; i < s->n_ports; i++) {
        const struct edge_port *p = s->ports[i];
        r->ports[i] = (struct port_before){counter_get(&p->rx.packets), counter_get(&p->rx.octets),
                                           counter_get(&p->tx.packets), counter_get(&p->tx.octets),
                                           counter_get(&p->tx.dropped)};
    }
    for (unsigned i = 0; i < DROP_MAX; i++)
        r->drops[i] = counter_get(&s->datapath->drops[i]);
    workers_get_stats(s->workers, &r->cache);
    r->punted = s->punted;
    r->started = clock_monotonic();
}

/* ---- After ---- */

struct view {
    struct request *request;
    const struct survey *survey;
    nsec_t now, elapsed;
    struct flow_rate {
        const struct entry *entry;
        uint64_t packets, octets; /* in the interval */
        nsec_t used;
    } * flows;
    size_t n_flows, flow_capacity, n_active;
    struct group_rate {
        const struct group_entry *group;
        uint64_t packets, octets;
    } * groups;
    size_t n_groups;
};

static json_int_t
rate(const struct view *v, uint64_t n)
{
    return (json_int_t)((double)n * 1e9 / (double)v->elapsed + 0.5);
}

static uint64_t
rise(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0; /* counters can be reset */
}

static void
put_rates(const struct view *v, json_t *row, const char *prefix, uint64_t packets, uint64_t octets)
{
    char name[40];
    snprintf(name, sizeof name, "%spackets-per-second", prefix);
    json_object_set_new(row, name, json_integer(rate(v, packets)));
    snprintf(name, sizeof name, "%sbits-per-second", prefix);
    json_object_set_new(row, name, json_integer(rate(v, octets * 8)));
}

static json_t *
ports_json(const struct view *v)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < v->survey->n_ports; i++) {
        const struct edge_port *p = v->survey->ports[i];
        const struct port_before *b = &v->request->ports[i];
        uint64_t dropped = rise(counter_get(&p->tx.dropped), b->tx_dropped);
        json_t *row = json_pack("{sI ss sb sb}", "number", (json_int_t)p->number, "name", p->name,
                                "up", (int)atomic_load_explicit(&p->up, memory_order_relaxed),
                                "live", (int)port_is_live(p));
        put_rates(v, row, "rx-", rise(counter_get(&p->rx.packets), b->rx_packets),
                  rise(counter_get(&p->rx.octets), b->rx_octets));
        put_rates(v, row, "tx-", rise(counter_get(&p->tx.packets), b->tx_packets),
                  rise(counter_get(&p->tx.octets), b->tx_octets));
        json_object_set_new(row, "tx-dropped-per-second", json_integer(rate(v, dropped)));
        json_array_append_new(rows, row);
    }
    return rows;
}

static void
judge_flow(void *arg, struct entry *e)
{
    struct view *v = arg;
    struct traffic t = counters_get(&e->counters);
    const struct flow_before key = {.added = e->added}, *b;
    if (!t.packets || !is_asked_for(v->request, e) || v->n_flows == v->flow_capacity)
        return;
    b = bsearch(&key, v->request->flows, v->request->n_flows, sizeof key, by_added);
    struct flow_rate *f = &v->flows[v->n_flows++];
    *f = (struct flow_rate){e, rise(t.packets, b ? b->packets : 0),
                            rise(t.octets, b ? b->octets : 0), t.used};
    v->n_active += f->packets > 0;
}

static int
falling(uint64_t a, uint64_t b)
{
    return (a < b) - (a > b);
}

static int
by_bits(const void *a, const void *b)
{
    const struct flow_rate *x = a, *y = b;
    int order = falling(x->octets, y->octets);
    return order ? order : falling((uint64_t)x->used, (uint64_t)y->used);
}

static int
by_packets(const void *a, const void *b)
{
    const struct flow_rate *x = a, *y = b;
    int order = falling(x->packets, y->packets);
    return order ? order : by_bits(a, b);
}

static int
by_used(const void *a, const void *b)
{
    const struct flow_rate *x = a, *y = b;
    int order = falling((uint64_t)x->used, (uint64_t)y->used);
    return order ? order : by_bits(a, b);
}

static json_t *
flow_json(const struct view *v, const struct flow_rate *f)
{
    struct buf text = BUF_INIT;
    struct traffic total = counters_get(&f->entry->counters);
    struct flow flow;
    char cookie[20];
    entry_flow(f->entry, &flow);
    snprintf(cookie, sizeof cookie, "0x%llx", (unsigned long long)flow.cookie);
    json_t *row = json_pack("{si si ss}", "table", flow.table_id, "priority", flow.priority,
                            "cookie", cookie);
    match_format(&flow.match, &text);
    json_object_set_new(row, "match", jsontext_string(buf_cstr(&text)));
    buf_clear(&text);
    flow_format_instructions(&flow, &text);
    json_object_set_new(row, "instructions", jsontext_string(buf_cstr(&text)));
    buf_fini(&text);
    put_rates(v, row, "", f->packets, f->octets);
    json_object_set_new(row, "packets", json_integer((json_int_t)total.packets));
    json_object_set_new(row, "octets", json_integer((json_int_t)total.octets));
    if (f->used)
        json_object_set_new(row, "used-ms-ago",
                            json_integer(MAX(v->now - f->used, 0) / NSEC_PER_MSEC));
    return row;
}

static json_t *
flows_json(struct view *v)
{
    static int (*const orders[])(const void *, const void *) = {by_bits, by_packets, by_used};
    json_t *rows = json_array();
    v->flow_capacity = v->survey->datapath->n_flows;
    v->flows = xcalloc(v->flow_capacity + 1, sizeof *v->flows);
    survey_flows(v->survey->datapath, judge_flow, v);
    qsort(v->flows, v->n_flows, sizeof *v->flows, orders[v->request->order]);
    for (size_t i = 0; i < v->n_flows && i < v->request->n_rows; i++)
        json_array_append_new(rows, flow_json(v, &v->flows[i]));
    free(v->flows);
    return rows;
}

static int
by_group_id(const void *a, const void *b)
{
    const struct group_before *x = a, *y = b;
    return (x->group_id > y->group_id) - (x->group_id < y->group_id);
}

static void
judge_group(void *arg, void *object)
{
    struct view *v = arg;
    const struct group_entry *g = object;
    struct traffic t = counters_get(&g->counters);
    const struct group_before key = {.group_id = g->group_id}, *b;
    b = bsearch(&key, v->request->groups, v->request->n_groups, sizeof key, by_group_id);
    v->groups[v->n_groups++] = (struct group_rate){g, rise(t.packets, b ? b->traffic.packets : 0),
                                                   rise(t.octets, b ? b->traffic.octets : 0)};
}

static int
by_group_rate(const void *a, const void *b)
{
    const struct group_rate *x = a, *y = b;
    int order = falling(x->octets, y->octets);
    return order ? order : (x->group->group_id > y->group->group_id) ? 1 : -1;
}

/* Which buckets packets take now. */
static json_t *
active_json(const struct group_body *body)
{
    json_t *active = json_array();
    for (uint32_t i = 0; i < body->n_buckets; i++) {
        bool uses = body->type == GROUP_TYPE_ALL || body->type == GROUP_TYPE_INDIRECT ||
                    bucket_is_live(&body->buckets[i]);
        if (uses)
            json_array_append_new(active, json_integer(i));
        if (uses && body->type == GROUP_TYPE_FF)
            break;
    }
    return active;
}

static json_t *
group_json(const struct view *v, const struct group_rate *g)
{
    static const char *const types[] = {"all", "select", "indirect", "fast-failover"};
    const struct group_body *body = atomic_load_explicit(&g->group->body, memory_order_acquire);
    struct buf text = BUF_INIT;
    json_t *active = active_json(body);
    json_t *first = json_array_get(active, 0);
    json_t *row = json_pack("{sI ss si}", "group", (json_int_t)g->group->group_id, "type",
                            types[body->type], "buckets", (int)body->n_buckets);
    if (first) {
        actions_format(&body->buckets[json_integer_value(first)].actions, &text);
        json_object_set_new(row, "actions", jsontext_string(buf_cstr(&text)));
        buf_fini(&text);
    }
    json_object_set_new(row, "active", active);
    put_rates(v, row, "", g->packets, g->octets);
    return row;
}

static json_t *
groups_json(struct view *v)
{
    json_t *rows = json_array();
    v->groups = xcalloc(v->survey->datapath->groups.n + 1, sizeof *v->groups);
    idmap_each(&v->survey->datapath->groups, judge_group, v);
    qsort(v->groups, v->n_groups, sizeof *v->groups, by_group_rate);
    for (size_t i = 0; i < v->n_groups && i < v->request->n_rows; i++)
        json_array_append_new(rows, group_json(v, &v->groups[i]));
    free(v->groups);
    return rows;
}

static json_t *
drops_json(const struct view *v)
{
    json_t *rows = json_array();
    for (unsigned i = DROP_NONE + 1; i < DROP_MAX; i++) {
        uint64_t now = counter_get(&v->survey->datapath->drops[i]);
        if (now)
            json_array_append_new(rows, json_pack("{ss sI sI}", "reason", drop_table[i].name,
                                                  "packets-per-second",
                                                  rate(v, rise(now, v->request->drops[i])),
                                                  "packets", (json_int_t)now));
    }
    return rows;
}

static json_t *
cache_json(const struct view *v)
{
    struct pipeline_stats s;
    workers_get_stats(v->survey->workers, &s);
    return json_pack("{sI sI}", "hits-per-second", rate(v, rise(s.hits, v->request->cache.hits)),
                     "misses-per-second", rate(v, rise(s.misses, v->request->cache.misses)));
}

static json_t *
view_json(struct request *r)
{
    struct survey survey;
    r->owner->look(r->owner->arg, &survey);
    struct view v = {.request = r, .survey = &survey, .now = clock_monotonic()};
    v.elapsed = MAX(v.now - r->started, NSEC_PER_MSEC);
    json_t *answer = json_pack("{ss sI so so so so so sI}", "node", survey.name, "interval-ms",
                               (json_int_t)(v.elapsed / NSEC_PER_MSEC), "ports", ports_json(&v),
                               "flows", flows_json(&v), "groups", groups_json(&v), "drops",
                               drops_json(&v), "cache", cache_json(&v), "punts-per-second",
                               rate(&v, rise(survey.punted, r->punted)));
    json_object_set_new(answer, "n-flows", json_integer(survey.datapath->n_flows));
    json_object_set_new(answer, "n-active", json_integer((json_int_t)v.n_active));
    return answer;
}

/* ---- Requests ---- */

static void
request_free(struct request *r)
{
    for (unsigned i = 0; i < TOP_REQUESTS; i++) {
        if (r->owner->requests[i] == r)
            r->owner->requests[i] = NULL;
    }
    timer_free(r->timer);
    free(r->flows);
    free(r->groups);
    free(r);
}

static void
on_timer(void *arg)
{
    struct request *r = arg;
    struct rpc_request *rpc = r->rpc;
    json_t *answer = view_json(r);
    request_free(r);
    rpc_reply(rpc, answer);
}

static enum err
parse_number(const json_t *params, const char *name, json_int_t min, json_int_t max, json_int_t *to,
             struct diag *diag)
{
    const json_t *value = json_object_get(params, name);
    if (!value)
        return ERR_OK;
    *to = json_integer_value(value);
    if (!json_is_integer(value) || *to < min || *to > max)
        return diag_set(diag, ERR_INVALID, "%s is a number from %lld to %lld", name, (long long)min,
                        (long long)max);
    return ERR_OK;
}

static enum err
parse_order(const json_t *params, enum order *order, struct diag *diag)
{
    static const char *const names[] = {"bits", "packets", "used"};
    const json_t *value = json_object_get(params, "by");
    const char *text = json_string_value(value);
    for (unsigned i = 0; text && i < ARRAY_SIZE(names); i++) {
        if (!strcmp(names[i], text)) {
            *order = (enum order)i;
            return ERR_OK;
        }
    }
    return value ? diag_set(diag, ERR_INVALID, "by is bits, packets or used") : ERR_OK;
}

static enum err
parse_cookie(const json_t *params, struct request *r, struct diag *diag)
{
    const json_t *value = json_object_get(params, "cookie");
    const char *text = json_string_value(value);
    char *end = NULL;
    r->has_cookie = value != NULL;
    if (text && *text >= '0' && *text <= '9')
        r->cookie = strtoull(text, &end, 0);
    if (value && (!end || *end))
        return diag_set(diag, ERR_INVALID, "cookie is a number in text, \"0x12\"");
    return ERR_OK;
}

static enum err
parse(const json_t *params, struct request *r, json_int_t *interval_ms, struct diag *diag)
{
    json_int_t rows = ROWS, table = 0;
    enum err err = parse_number(params, "interval-ms", INTERVAL_MIN_MS, INTERVAL_MAX_MS,
                                interval_ms, diag);
    if (!err)
        err = parse_number(params, "rows", 1, TOP_ROWS, &rows, diag);
    if (!err)
        err = parse_number(params, "table", 0, N_TABLES - 1, &table, diag);
    if (!err)
        err = parse_order(params, &r->order, diag);
    if (!err)
        err = parse_cookie(params, r, diag);
    r->n_rows = (size_t)rows;
    r->has_table = json_object_get(params, "table") != NULL;
    r->table = (uint8_t)table;
    return err;
}

void
tops_ask(struct tops *t, struct rpc_request *rpc, const json_t *params)
{
    struct request *r = xcalloc(1, sizeof *r);
    json_int_t interval_ms = INTERVAL_MS;
    struct survey survey;
    struct diag diag = {""};
    unsigned place = 0;
    while (place < TOP_REQUESTS && t->requests[place])
        place++;
    enum err err = parse(params, r, &interval_ms, &diag);
    if (!err && place == TOP_REQUESTS)
        err = diag_set(&diag, ERR_BUSY, "%d others look at it", TOP_REQUESTS);
    if (err) {
        rpc_fail(rpc, err, "%s", diag.text);
        free(r);
        return;
    }
    r->owner = t;
    r->rpc = rpc;
    r->timer = timer_new(t->loop, on_timer, r);
    t->requests[place] = r;
    t->look(t->arg, &survey);
    note_all(r, &survey);
    timer_start(r->timer, interval_ms * NSEC_PER_MSEC);
}

struct tops *
tops_new(uv_loop_t *loop, void (*look)(void *arg, struct survey *), void *arg)
{
    struct tops *t = xcalloc(1, sizeof *t);
    *t = (struct tops){.loop = loop, .look = look, .arg = arg};
    return t;
}

void
tops_free(struct tops *t)
{
    for (unsigned i = 0; t && i < TOP_REQUESTS; i++) {
        if (!t->requests[i])
            continue;
        rpc_fail(t->requests[i]->rpc, ERR_CLOSED, "the node ends");
        request_free(t->requests[i]);
    }
    free(t);
}
