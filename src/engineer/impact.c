#include "engineer/impact.h"

#include "base/alloc.h"
#include "engineer/design.h"
#include "engineer/trail.h"

#include <stdlib.h>
#include <string.h>

const char *
failure_kind_name(enum failure_kind kind)
{
    static const char *const names[FAILURE_KINDS] = {"link", "node", "shared risk"};
    return names[kind];
}

const char *
impact_name(enum impact_kind kind)
{
    static const char *const names[IMPACT_KINDS] = {"loses its failover path",
                                                    "goes over to its failover path",
                                                    "has no path left", "loses an end"};
    return names[kind];
}

/* What is down. */
struct outage {
    const struct network *network;
    const struct topology *topology;
    bool *links, *nodes; /* by number */
};

/* ---- What fails ---- */

static bool
has_risk(const struct link *link, const char *risk)
{
    for (uint32_t i = 0; i < link->n_shared_risks; i++) {
        if (!strcmp(link->shared_risks[i], risk))
            return true;
    }
    return false;
}

static bool
fails_with(const struct failure *f, const struct link *link)
{
    switch (f->kind) {
    case FAILURE_LINK:
        return !strcmp(link->name, f->name);
    case FAILURE_NODE:
        return link_end_at(link, f->name) != NULL;
    case FAILURE_SHARED_RISK:
        return has_risk(link, f->name);
    case FAILURE_KINDS:
        break;
    }
    return false;
}

static enum err
take_down(struct outage *o, const struct failure *f, struct diag *diag)
{
    const struct topology *t = o->topology;
    bool found = false;
    for (uint32_t e = 0; e < t->graph.n_edges; e++) {
        bool fails = fails_with(f, t->links[e]);
        o->links[e] |= fails;
        found |= fails;
    }
    uint32_t node = f->kind == FAILURE_NODE ? topology_node(t, f->name) : NO_INDEX;
    if (node != NO_INDEX)
        found = o->nodes[node] = true;
    return found ? ERR_OK
                 : diag_set(diag, ERR_NOT_FOUND, "%s \"%s\" is not there",
                            failure_kind_name(f->kind), f->name);
}

/* ---- Whom it hits ---- */

static bool
is_link_down(const struct outage *o, const char *name)
{
    uint32_t link = topology_link(o->topology, name);
    return link == NO_INDEX || o->links[link];
}

static bool
is_host_lost(const struct outage *o, const char *name)
{
    const struct host *host = network_host(o->network, name);
    uint32_t node = host && host->node ? topology_node(o->topology, host->node) : NO_INDEX;
    return node == NO_INDEX || o->nodes[node];
}

static bool
is_route_hit(const struct outage *o, const struct route *route)
{
    for (uint32_t i = 0; i < route->n_links; i++) {
        if (is_link_down(o, route->links[i]))
            return true;
    }
    return false;
}

static bool
is_trail_hit(const struct outage *o, const struct trail *trail)
{
    for (uint32_t i = 0; i + 1 < trail->n; i++) {
        if (is_link_down(o, trail->hops[i].link->name))
            return true;
    }
    return false;
}

/* So bad is it for one receiver; -1: not at all. */
static int
harm(bool end_lost, bool primary_hit, bool has_failover, bool failover_hit)
{
    if (end_lost)
        return IMPACT_END_LOST;
    if (primary_hit)
        return has_failover && !failover_hit ? IMPACT_ON_FAILOVER : IMPACT_DOWN;
    return has_failover && failover_hit ? (int)IMPACT_LOSES_FAILOVER : -1;
}

static void
note_harm(int found, const char *receiver, int *worst, const char **who)
{
    if (found <= *worst)
        return;
    *worst = found;
    *who = receiver;
}

static enum err
harm_to_multicast(const struct outage *o, const struct circuit *c, const struct design *d,
                  int *worst, const char **who, struct diag *diag)
{
    const struct multicast_service *m = &c->multicast;
    struct trail *primaries = xcalloc(m->n_subscribers, sizeof *primaries);
    struct trail *failovers = xcalloc(m->n_subscribers, sizeof *failovers);
    bool source_lost = is_host_lost(o, m->publisher);
    enum err err = trail_tree(o->network, c, &d->primary, primaries, diag);
    if (!err && d->has_failover)
        err = trail_failovers(o->network, c, &d->failover, primaries, failovers, diag);
    for (uint32_t i = 0; i < m->n_subscribers && !err; i++)
        note_harm(harm(source_lost || is_host_lost(o, m->subscribers[i]),
                       is_trail_hit(o, &primaries[i]), failovers[i].n > 1,
                       is_trail_hit(o, &failovers[i])),
                  m->subscribers[i], worst, who);
    for (uint32_t i = 0; i < m->n_subscribers; i++) {
        trail_fini(&primaries[i]);
        trail_fini(&failovers[i]);
    }
    free(primaries);
    free(failovers);
    return err;
}

static bool
is_any_host_lost(const struct outage *o, const struct circuit *c)
{
    const struct multicast_service *m = &c->multicast;
    bool lost = is_host_lost(o, m->publisher);
    for (uint32_t i = 0; i < m->n_subscribers && !lost; i++)
        lost = is_host_lost(o, m->subscribers[i]);
    return lost;
}

static enum err
harm_to(const struct outage *o, const struct circuit *c, const struct design *d, int *worst,
        const char **who, struct diag *diag)
{
    bool primary_hit = is_route_hit(o, &d->primary);
    bool failover_hit = d->has_failover && is_route_hit(o, &d->failover);
    *worst = -1;
    if (c->kind == CIRCUIT_IP) {
        note_harm(harm(is_host_lost(o, c->ip.client) || is_host_lost(o, c->ip.server), primary_hit,
                       d->has_failover, failover_hit),
                  c->ip.server, worst, who);
        return ERR_OK;
    }
    if (!primary_hit && !failover_hit && !is_any_host_lost(o, c))
        return ERR_OK; /* the most, and their trails need not be followed */
    return harm_to_multicast(o, c, d, worst, who, diag);
}

static void
add_impact(struct impact *impact, uint32_t *capacity, const char *circuit, enum impact_kind kind,
           const char *receiver)
{
    GROW(impact->circuits, impact->n, *capacity);
    impact->circuits[impact->n++] = (struct circuit_impact){
        .circuit = circuit, .kind = kind, .receiver = receiver};
    impact->counts[kind]++;
}

static enum err
find_harm(const struct outage *o, struct impact *impact, struct diag *diag)
{
    uint32_t capacity = 0;
    for (const struct design *d = o->network->designs; d; d = d->hh.next) {
        const struct circuit *c = network_circuit(o->network, d->circuit);
        const char *receiver = NULL;
        int worst;
        if (!c)
            continue;
        enum err err = harm_to(o, c, d, &worst, &receiver, diag);
        if (err)
            return err;
        if (worst >= 0)
            add_impact(impact, &capacity, c->name, (enum impact_kind)worst, receiver);
    }
    return ERR_OK;
}

/* ---- What could be had instead ---- */

/* A circuit and where it stands in the result. */
struct rank {
    enum service_class service_class;
    struct circuit_impact impact;
};

static int
by_rank(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    if (x->service_class != y->service_class)
        return x->service_class > y->service_class ? -1 : 1;
    return strcmp(x->impact.circuit, y->impact.circuit);
}

static void
put_in_order(const struct network *net, struct impact *impact)
{
    struct rank *ranks = xcalloc(impact->n, sizeof *ranks);
    for (uint32_t i = 0; i < impact->n; i++)
        ranks[i] = (struct rank){network_circuit(net, impact->circuits[i].circuit)->service_class,
                                 impact->circuits[i]};
    if (impact->n)
        qsort(ranks, impact->n, sizeof *ranks, by_rank);
    for (uint32_t i = 0; i < impact->n; i++)
        impact->circuits[i] = ranks[i].impact;
    free(ranks);
}

static void
redesign(struct designer *d, const struct circuit *c, struct circuit_impact *impact)
{
    struct diag diag = {""};
    if (impact->kind == IMPACT_END_LOST)
        impact->reason = xasprintf("the node of one of its hosts is down");
    else if (designer_add(d, c, &impact->redesign, &diag))
        impact->reason = xstrdup(diag.text);
}

static void
redesign_all(const struct outage *o, struct designer *d, struct impact *impact)
{
    const struct network *net = o->network;
    for (uint32_t i = 0; i < impact->n; i++)
        designer_remove(d, network_circuit(net, impact->circuits[i].circuit),
                        network_design(net, impact->circuits[i].circuit));
    for (uint32_t i = 0; i < impact->n; i++) {
        redesign(d, network_circuit(net, impact->circuits[i].circuit), &impact->circuits[i]);
        impact->n_redesigned += impact->circuits[i].redesign != NULL;
    }
}

static void
exclude_links(const struct outage *o, struct designer *d)
{
    for (uint32_t e = 0; e < o->topology->graph.n_edges; e++) {
        if (o->links[e] && designer_exclude(d, o->topology->links[e]->name))
            abort(); /* it is the designer's own topology */
    }
}

enum err
impact_of_failures(const struct network *net, const struct failure *failures, uint32_t n,
                   struct impact *result, struct diag *diag)
{
    struct designer *d = designer_new(net);
    const struct topology *t = designer_topology(d);
    struct outage o = {.network = net, .topology = t};
    struct impact impact = {0};
    enum err err = ERR_OK;
    o.links = xcalloc(t->graph.n_edges, sizeof *o.links);
    o.nodes = xcalloc(t->graph.n_nodes, sizeof *o.nodes);
    for (uint32_t i = 0; i < n && !err; i++)
        err = take_down(&o, &failures[i], diag);
    if (!err)
        err = find_harm(&o, &impact, diag);
    if (!err) {
        put_in_order(net, &impact);
        exclude_links(&o, d);
        redesign_all(&o, d, &impact);
        *result = impact;
    } else {
        impact_fini(&impact);
    }
    free(o.links);
    free(o.nodes);
    designer_free(d);
    return err;
}

void
impact_fini(struct impact *impact)
{
    for (uint32_t i = 0; i < impact->n; i++) {
        design_free(impact->circuits[i].redesign);
        free(impact->circuits[i].reason);
    }
    free(impact->circuits);
    *impact = (struct impact){0};
}

void
impact_format(const struct impact *impact, uint32_t n_lines, struct buf *out)
{
    buf_printf(out, "%u circuits affected, %u of them can be designed anew\n", impact->n,
               impact->n_redesigned);
    for (int kind = IMPACT_KINDS; kind-- > 0;) {
        if (impact->counts[kind])
            buf_printf(out, "%s: %u\n", impact_name(kind), impact->counts[kind]);
    }
    for (uint32_t i = 0; i < MIN(impact->n, n_lines); i++) {
        const struct circuit_impact *c = &impact->circuits[i];
        buf_printf(out, "circuit %s %s (to %s)%s%s\n", c->circuit, impact_name(c->kind),
                   c->receiver,
                   c->reason ? "; cannot be designed anew: " : "; can be designed anew",
                   c->reason ? c->reason : "");
    }
    if (impact->n > n_lines)
        buf_printf(out, "and %u more\n", impact->n - n_lines);
}
