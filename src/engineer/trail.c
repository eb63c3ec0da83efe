#include "engineer/trail.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define SHARED_LINK (INT64_C(1) << 30)
#define SHARED_NODE (INT64_C(1) << 20)

const struct host *
circuit_source(const struct network *net, const struct circuit *c)
{
    return network_host(net, c->kind == CIRCUIT_IP ? c->ip.client : c->multicast.publisher);
}

enum err
trail_follow(const struct network *net, const char *from, const struct route *route,
             struct trail *trail, struct diag *diag)
{
    struct trail t = {route->n_links + 1, xcalloc(route->n_links + 1, sizeof *t.hops)};
    const char *at = from;
    for (uint32_t i = 0; i <= route->n_links; i++) {
        struct link *link = i < route->n_links ? network_link(net, route->links[i]) : NULL;
        t.hops[i].node = network_node(net, at);
        if (!t.hops[i].node || (i < route->n_links && (!link || !link_end_at(link, at)))) {
            free(t.hops);
            return diag_set(diag, ERR_NOT_FOUND, "the path has no link \"%s\" at node \"%s\"",
                            i < route->n_links ? route->links[i] : "", at);
        }
        if (!link)
            break;
        t.hops[i].link = link;
        t.hops[i].out_port = link_end_at(link, at)->port;
        t.hops[i + 1].in_port = link_far_end(link, at)->port;
        at = link_far_end(link, at)->node;
    }
    *trail = t;
    return ERR_OK;
}

void
trail_reverse(const struct trail *trail, struct trail *reversed)
{
    struct trail r = {trail->n, xcalloc(trail->n, sizeof *r.hops)};
    for (uint32_t i = 0; i < trail->n; i++) {
        const struct hop *h = &trail->hops[trail->n - 1 - i];
        r.hops[i] = (struct hop){h->node, h->out_port, h->in_port,
                                 i + 1 < trail->n ? trail->hops[trail->n - 2 - i].link : NULL};
    }
    *reversed = r;
}

void
trail_fini(struct trail *trail)
{
    free(trail->hops);
    *trail = (struct trail){0};
}

uint32_t
trail_find(const struct trail *trail, const struct node *node)
{
    for (uint32_t i = 0; i < trail->n; i++) {
        if (trail->hops[i].node == node)
            return i;
    }
    return NO_INDEX;
}

/* The part of the network that a route's links make, as a graph of its own. */
struct subnet {
    struct graph graph;
    const struct link **links; /* by edge */
    const char **nodes;        /* by node */
};

static uint32_t
subnet_node(struct subnet *s, const char *name)
{
    for (uint32_t i = 0; i < s->graph.n_nodes; i++) {
        if (!strcmp(s->nodes[i], name))
            return i;
    }
    s->nodes[s->graph.n_nodes] = name;
    return s->graph.n_nodes++;
}

static void
subnet_fini(struct subnet *s)
{
    graph_fini(&s->graph);
    free(s->links);
    free(s->nodes);
}

static enum err
subnet_init(struct subnet *s, const struct network *net, const char *source,
            const struct route *route, struct diag *diag)
{
    *s = (struct subnet){.links = xcalloc(route->n_links, sizeof *s->links),
                         .nodes = xcalloc(2 * route->n_links + 2, sizeof *s->nodes)};
    graph_init(&s->graph, 0);
    subnet_node(s, source);
    for (uint32_t i = 0; i < route->n_links; i++) {
        const struct link *link = network_link(net, route->links[i]);
        if (!link) {
            subnet_fini(s);
            return diag_set(diag, ERR_NOT_FOUND, "the tree's link \"%s\" is not there",
                            route->links[i]);
        }
        uint32_t a = subnet_node(s, link->a.node), b = subnet_node(s, link->b.node);
        s->links[graph_add(&s->graph, a, b, link_hop_delay_us(link))] = link;
    }
    return ERR_OK;
}

static enum err
follow_edges(const struct network *net, const struct subnet *s, const char *from,
             const struct path *path, struct trail *trail, struct diag *diag)
{
    struct route route = {path->n, xcalloc(path->n, sizeof *route.links)};
    for (uint32_t i = 0; i < path->n; i++)
        route.links[i] = s->links[path->edges[i]]->name;
    enum err err = trail_follow(net, from, &route, trail, diag);
    free(route.links);
    return err;
}

/* Charges for what the primary trail uses already. */
static void
charge_for_sharing(struct subnet *s, const struct trail *primary, int64_t *links, int64_t *nodes)
{
    memset(links, 0, s->graph.n_edges * sizeof *links);
    memset(nodes, 0, s->graph.n_nodes * sizeof *nodes);
    for (uint32_t i = 0; i < primary->n; i++) {
        for (uint32_t e = 0; e < s->graph.n_edges; e++) {
            if (s->links[e] == primary->hops[i].link)
                links[e] = SHARED_LINK;
        }
        for (uint32_t v = 0; v < s->graph.n_nodes; v++) {
            if (!strcmp(s->nodes[v], primary->hops[i].node->name))
                nodes[v] = SHARED_NODE;
        }
    }
}

/* One trail to each subscriber within the route's links; apart from `primaries` if they are given.
 */
static enum err
find_trails(const struct network *net, const struct circuit *c, const struct route *route,
            const struct trail *primaries, struct trail *trails, struct diag *diag)
{
    const struct host *source = circuit_source(net, c);
    struct subnet s;
    if (!source)
        return diag_set(diag, ERR_NOT_FOUND, "publisher \"%s\" is not there",
                        c->multicast.publisher);
    enum err err = subnet_init(&s, net, source->node, route, diag);
    if (err)
        return err;
    int64_t *links = xcalloc(s.graph.n_edges, sizeof *links);
    int64_t *nodes = xcalloc(s.graph.n_nodes, sizeof *nodes);
    struct graph_filter filter = {.edge_surcharge = links, .node_surcharge = nodes};
    for (uint32_t i = 0; i < c->multicast.n_subscribers && !err; i++) {
        const struct host *host = network_host(net, c->multicast.subscribers[i]);
        struct path path;
        uint32_t before = s.graph.n_nodes;
        if (!host) {
            err = diag_set(diag, ERR_NOT_FOUND, "subscriber \"%s\" is not there",
                           c->multicast.subscribers[i]);
            break;
        }
        uint32_t to = subnet_node(&s, host->node);
        bool outside = s.graph.n_nodes > before;
        s.graph.n_nodes = before;
        if (primaries)
            charge_for_sharing(&s, &primaries[i], links, nodes);
        if (outside || graph_shortest(&s.graph, 0, to, &filter, &path)) {
            if (!primaries)
                err = diag_set(diag, ERR_NOT_FOUND, "the tree does not reach \"%s\"", host->name);
            continue;
        }
        err = follow_edges(net, &s, source->node, &path, &trails[i], diag);
        path_fini(&path);
    }
    free(links);
    free(nodes);
    subnet_fini(&s);
    for (uint32_t i = 0; err && i < c->multicast.n_subscribers; i++)
        trail_fini(&trails[i]);
    return err;
}

enum err
trail_tree(const struct network *net, const struct circuit *c, const struct route *route,
           struct trail *trails, struct diag *diag)
{
    return find_trails(net, c, route, NULL, trails, diag);
}

enum err
trail_failovers(const struct network *net, const struct circuit *c, const struct route *route,
                const struct trail *primaries, struct trail *trails, struct diag *diag)
{
    return find_trails(net, c, route, primaries, trails, diag);
}
