/* What the solution says of circuits, queues and devices. */
#include "engineer/bounds_private.h"

#include "base/alloc.h"
#include "engineer/topology.h"

#include <stdlib.h>
#include <string.h>

const struct bounds_parameters bounds_defaults = {
    .processing_best = 0,
    .processing_worst = NODE_DELAY_US * NSEC_PER_USEC,
    .largest_octets = 1542,
    .smallest_octets = 60,
    .access_kbps = 100000,
    .interface_kbps = 0,
    .port_burst_octets = 2 * 1542,
    .ahead_octets = 3 * 84, /* a heartbeat, an echo request and an echo reply */
    .ahead_kbps = 202,      /* ... each 10 ms */
    .test_octets = 1514,
    .test_kbps = 64,
    .line_shaping = true,
    .limit = 10 * NSEC_PER_SEC,
    .max_turns = 500,
};

enum err
bounds_new(const struct network *net, const struct bounds_parameters *parameters,
           struct bounds **result, struct diag *diag)
{
    enum err err = bounds_lay_out(net, parameters, result, diag);
    if (err)
        return err;
    for (int s = 0; s < BOUNDS_STATE_MAX; s++)
        bounds_solve(*result, s);
    return ERR_OK;
}

/* ---- Figures ---- */

static nsec_t
shown(nsec_t time)
{
    return time >= NO_BOUND ? NSEC_NEVER : time;
}

/* When frames of a delivery have left the last port, or come to its queue, if those do not count.
 */
static nsec_t
greatest_delivery(const struct bounds *b, enum bounds_state s, uint32_t step)
{
    if (!b->parameters.access_kbps)
        return greatest_age(b, s, step, NULL) + b->parameters.processing_worst;
    const struct plane *p = &b->planes[s];
    return p->steps[step].most + p->delay[p->steps[step].queue];
}

static nsec_t
least_delivery(const struct bounds *b, enum bounds_state s, uint32_t step)
{
    if (!b->parameters.access_kbps)
        return least_age(b, s, step) + b->parameters.processing_best;
    const struct step *at = &b->planes[s].steps[step];
    return at->least + least_passage(b, at->queue);
}

struct range {
    nsec_t worst, best;
    uint32_t step; /* of the worst */
};

/* Of one way of a circuit; all of its copies. */
static struct range
range_of(const struct bounds *b, enum bounds_state s, const struct entry *e, uint32_t way)
{
    struct range range = {-1, INT64_MAX, SOURCE};
    for (uint32_t i = 0; i < e->n_deliveries[s]; i++) {
        const struct delivery *d = &b->deliveries[s][e->deliveries[s] + i];
        if (d->way != way)
            continue;
        nsec_t worst = greatest_delivery(b, s, d->step), best = least_delivery(b, s, d->step);
        if (worst > range.worst) {
            range.worst = worst;
            range.step = d->step;
        }
        range.best = MIN(range.best, best);
    }
    range.worst = shown(range.worst);
    return range;
}

nsec_t
worst_of(const struct bounds *b, enum bounds_state s, const struct entry *e)
{
    nsec_t worst = 0;
    for (uint32_t i = 0; i < e->n_deliveries[s]; i++) {
        nsec_t w = greatest_delivery(b, s, b->deliveries[s][e->deliveries[s] + i].step);
        worst = MAX(worst, w);
    }
    return shown(worst);
}

static nsec_t
asymmetry_of(const struct range *there, const struct range *back)
{
    if (there->worst == NSEC_NEVER || back->worst == NSEC_NEVER)
        return NSEC_NEVER;
    nsec_t a = there->worst - back->best, z = back->worst - there->best;
    return MAX(a < 0 ? -a : a, z < 0 ? -z : z);
}

struct bounds_figures *
bounds_all(const struct bounds *b, enum bounds_state s)
{
    struct bounds_figures *all = xcalloc(b->n_entries + 1, sizeof *all);
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n_entries; i++) {
        const struct entry *e = &b->entries[i];
        struct bounds_figures f = {.circuit = e->circuit, .best = INT64_MAX};
        if (e->gone)
            continue;
        f.worst = worst_of(b, s, e);
        for (uint32_t k = 0; k < e->n_deliveries[s]; k++) {
            nsec_t best = least_delivery(b, s, b->deliveries[s][e->deliveries[s] + k].step);
            f.best = MIN(f.best, best);
        }
        if (e->circuit->kind == CIRCUIT_IP) {
            struct range there = range_of(b, s, e, 0), back = range_of(b, s, e, 1);
            f.asymmetry = asymmetry_of(&there, &back);
        }
        all[n++] = f;
    }
    return all;
}

void
bounds_get_size(const struct bounds *b, enum bounds_state s, struct bounds_size *size)
{
    const struct plane *p = &b->planes[s];
    *size = (struct bounds_size){.steps = p->n_steps - 1, .turns = p->turns};
    for (uint32_t i = 0; i < b->n_entries; i++) {
        size->circuits += !b->entries[i].gone;
        if (!b->entries[i].gone)
            size->ways += b->entries[i].circuit->kind == CIRCUIT_IP
                              ? 2
                              : b->entries[i].circuit->multicast.n_subscribers;
    }
    for (uint32_t i = 1; i < p->n_steps; i++)
        size->hops += p->steps[i].circuits;
    for (uint32_t i = 0; i < b->n_servers; i++) {
        if (i < 2 * b->n_links && b->servers[i].kbps)
            size->utilisation = MAX(size->utilisation,
                                    (double)asked_kbps(b, s, CLASS_MAX * i) / b->servers[i].kbps);
        for (uint32_t class = 0; class < CLASS_MAX; class ++)
            size->queues += p->first[CLASS_MAX * i + class] != NO_INDEX;
    }
}

/* ---- Hops ---- */

static void
fill_hop(const struct bounds *b, enum bounds_state s, uint32_t queue, struct bounds_hop *hop)
{
    const struct server *server = server_of(b, queue);
    struct delay_parts parts;
    split_delay(b, s, queue, &parts);
    *hop = (struct bounds_hop){.node = server->node,
                               .port = server->port,
                               .link = server->link,
                               .class = queue % CLASS_MAX,
                               .processing = b->parameters.processing_worst,
                               .blocked = parts.blocked,
                               .above = parts.above,
                               .beside = parts.beside,
                               .sending = parts.sending,
                               .travelling = server->travel,
                               .n_beside = circuits_in(b, s, queue)};
    nsec_t delay = b->planes[s].delay[queue];
    hop->total = delay >= NO_BOUND ? NSEC_NEVER : hop->processing + delay + hop->travelling;
    for (uint32_t q = queue + 1; q < (queue / CLASS_MAX + 1) * CLASS_MAX; q++)
        hop->n_above += circuits_in(b, s, q);
}

/* The hops of the worst way to a delivery, from its end to the source. */
static void
fill_way(const struct bounds *b, enum bounds_state s, uint32_t end, struct bounds_way *way)
{
    const struct plane *p = &b->planes[s];
    uint32_t step = end, n = 0;
    if (!b->parameters.access_kbps)
        greatest_age(b, s, end, &step);
    for (uint32_t at = step; at != SOURCE; n++)
        greatest_age(b, s, p->steps[at].parent, &at);
    way->n_hops = n;
    way->hops = xcalloc(n, sizeof *way->hops);
    for (uint32_t at = step; at != SOURCE;) {
        fill_hop(b, s, p->steps[at].queue, &way->hops[--n]);
        greatest_age(b, s, p->steps[at].parent, &at);
    }
    for (uint32_t i = 1; i < way->n_hops; i++) {
        if (way->hops[i].total > way->hops[way->costliest].total)
            way->costliest = i;
    }
}

void
result_of(const struct bounds *b, enum bounds_state s, const struct entry *e,
          struct bounds_result *r)
{
    const struct circuit *c = e->circuit;
    const struct network *net = b->network;
    bool ip = c->kind == CIRCUIT_IP;
    struct range ranges[2] = {{0}};
    *r = (struct bounds_result){.n = ip ? 2 : c->multicast.n_subscribers};
    r->ways = xcalloc(r->n, sizeof *r->ways);
    for (uint32_t i = 0; i < r->n; i++) {
        struct bounds_way *way = &r->ways[i];
        struct range range = range_of(b, s, e, i);
        const char *from = ip ? (i ? c->ip.server : c->ip.client) : c->multicast.publisher;
        const char *to = ip ? (i ? c->ip.client : c->ip.server) : c->multicast.subscribers[i];
        *way = (struct bounds_way){.from = network_host(net, from),
                                   .to = network_host(net, to),
                                   .worst = range.worst,
                                   .best = range.best};
        fill_way(b, s, range.step, way);
        r->worst = MAX(r->worst, way->worst);
        if (ip)
            ranges[i] = range;
    }
    if (ip)
        r->asymmetry = asymmetry_of(&ranges[0], &ranges[1]);
}

enum err
bounds_circuit(const struct bounds *b, const char *name, enum bounds_state s,
               struct bounds_result *result)
{
    uint32_t i = find_entry(b, name);
    if (i == NO_INDEX)
        return ERR_NOT_FOUND;
    result_of(b, s, &b->entries[i], result);
    return ERR_OK;
}

void
bounds_result_fini(struct bounds_result *r)
{
    for (uint32_t i = 0; i < r->n; i++)
        free(r->ways[i].hops);
    free(r->ways);
    *r = (struct bounds_result){0};
}

/* ---- Overloads ---- */

void
bounds_overloads(const struct bounds *b, enum bounds_state s, struct bounds_overload **list,
                 uint32_t *n)
{
    const struct plane *p = &b->planes[s];
    uint32_t capacity = 0;
    bool rings = true; /* say so only where there is no plainer reason */
    *list = NULL;
    *n = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < b->n_servers; i++) {
            const struct server *server = &b->servers[i];
            for (uint32_t level = CLASS_MAX; level-- > 0;) {
                uint32_t queue = CLASS_MAX * i + level;
                uint64_t asked = asked_kbps(b, s, queue);
                if (p->delay[queue] < NO_BOUND || (!pass && asked < server->kbps) ||
                    (pass && !rings))
                    continue;
                GROW(*list, *n, capacity);
                (*list)[(*n)++] = (struct bounds_overload){.node = server->node,
                                                           .port = server->port,
                                                           .link = server->link,
                                                           .class = level,
                                                           .asked_kbps = asked,
                                                           .kbps = server->kbps};
                break; /* the classes below suffer from it */
            }
        }
        rings = !*n;
    }
}

/* ---- Conditions ---- */

static void
add_condition(struct bounds_condition **list, uint32_t *n, uint32_t *capacity,
              struct bounds_condition c)
{
    GROW(*list, *n, *capacity);
    (*list)[(*n)++] = c;
}

static void
meter_conditions(const struct bounds *b, const struct entry *e, struct bounds_condition **list,
                 uint32_t *n, uint32_t *capacity)
{
    const struct circuit *c = e->circuit;
    for (uint32_t i = 0; i < (c->kind == CIRCUIT_IP ? 2 : 1); i++) {
        const char *from = c->kind == CIRCUIT_IP ? (i ? c->ip.server : c->ip.client)
                                                 : c->multicast.publisher;
        const struct host *host = network_host(b->network, from);
        add_condition(list, n, capacity,
                      (struct bounds_condition){
                          .kind = CONDITION_METER,
                          .node = host ? network_node(b->network, host->node) : NULL,
                          .meter_id = 2 * e->number + i,
                          .owner = c,
                          .kbps = c->rate_kbps,
                          .burst_kbit = (uint32_t)(((uint64_t)c->burst_octets * 8 + 999) / 1000)});
    }
}

static int
by_node(const void *a, const void *z)
{
    const struct bounds_condition *x = a, *y = z;
    int order = strcmp(x->node ? x->node->name : "", y->node ? y->node->name : "");
    if (order)
        return order;
    if (x->kind == CONDITION_METER || y->kind == CONDITION_METER)
        return x->kind != y->kind ? (x->kind > y->kind ? 1 : -1)
                                  : (x->meter_id > y->meter_id) - (x->meter_id < y->meter_id);
    if (x->port != y->port)
        return x->port > y->port ? 1 : -1;
    if (x->kind != y->kind)
        return x->kind > y->kind ? 1 : -1;
    return (x->queue < y->queue) - (x->queue > y->queue);
}

void
bounds_conditions(const struct bounds *b, struct bounds_condition **list, uint32_t *n)
{
    uint32_t capacity = 0;
    *list = NULL;
    *n = 0;
    for (uint32_t i = 0; i < b->n_servers; i++) {
        const struct server *server = &b->servers[i];
        struct bounds_condition c = {.node = server->node,
                                     .port = server->port,
                                     .link = server->link,
                                     .kbps = server->kbps,
                                     .burst_octets = b->parameters.port_burst_octets};
        bool used = false;
        for (uint32_t class = 0; class < CLASS_MAX; class ++) {
            uint32_t queue = CLASS_MAX * i + class;
            for (int s = 0; s < BOUNDS_STATE_MAX; s++)
                used |= b->planes[s].first[queue] != NO_INDEX;
        }
        if (!used)
            continue;
        c.kind = CONDITION_PORT;
        add_condition(list, n, &capacity, c);
        for (uint32_t class = 0; class < CLASS_MAX; class ++) {
            struct delay_parts parts, normal;
            uint32_t queue = CLASS_MAX * i + class;
            if (b->planes[BOUNDS_NORMAL].first[queue] == NO_INDEX &&
                b->planes[BOUNDS_FAILURE].first[queue] == NO_INDEX)
                continue;
            split_delay(b, BOUNDS_NORMAL, queue, &normal);
            split_delay(b, BOUNDS_FAILURE, queue, &parts);
            c.kind = CONDITION_QUEUE;
            c.queue = service_class_queue(class);
            c.burst_octets = MAX(parts.backlog, normal.backlog);
            add_condition(list, n, &capacity, c);
        }
    }
    for (uint32_t i = 0; i < b->n_entries; i++) {
        if (!b->entries[i].gone)
            meter_conditions(b, &b->entries[i], list, n, &capacity);
    }
    if (*n)
        qsort(*list, *n, sizeof **list, by_node);
}
