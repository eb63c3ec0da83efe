#include "model/carried.h"

#include <string.h>

static bool
is_in(const json_t *names, const char *name)
{
    size_t i;
    const json_t *one;
    json_array_foreach(names, i, one)
    {
        if (!strcmp(json_string_value(one), name))
            return true;
    }
    return false;
}

/* NULL: it is a cable, or not there any more. */
static const char *
tunnel_of(const struct network *net, const char *link)
{
    const struct link *l = network_link(net, link);
    return l ? l->tunnel : NULL;
}

static void
add_tunnels(const struct network *net, const struct route *route, json_t *names)
{
    for (uint32_t i = 0; i < route->n_links; i++) {
        const char *tunnel = tunnel_of(net, route->links[i]);
        if (tunnel && !is_in(names, tunnel))
            json_array_append_new(names, json_string(tunnel));
    }
}

json_t *
carried_route_tunnels(const struct network *net, const struct route *route)
{
    json_t *names = json_array();
    add_tunnels(net, route, names);
    return names;
}

json_t *
carried_tunnels(const struct network *net, const json_t *circuits)
{
    json_t *names = json_array();
    size_t i;
    const json_t *circuit;
    json_array_foreach(circuits, i, circuit)
    {
        const char *name = json_string_value(circuit);
        const struct design *d = name ? network_design(net, name) : NULL;
        if (!d)
            continue;
        add_tunnels(net, &d->primary, names);
        if (d->has_failover)
            add_tunnels(net, &d->failover, names);
    }
    return names;
}

static bool
goes_by(const struct network *net, const struct route *route, const char *tunnel)
{
    for (uint32_t i = 0; i < route->n_links; i++) {
        const char *its = tunnel_of(net, route->links[i]);
        if (its && !strcmp(its, tunnel))
            return true;
    }
    return false;
}

json_t *
carried_circuits(const struct network *net, const char *tunnel, const json_t *except)
{
    json_t *names = json_array();
    for (const struct design *d = net->designs; d; d = d->hh.next) {
        if ((goes_by(net, &d->primary, tunnel) ||
             (d->has_failover && goes_by(net, &d->failover, tunnel))) &&
            !is_in(except, d->circuit))
            json_array_append_new(names, json_string(d->circuit));
    }
    return names;
}

json_t *
carried_links(const struct network *net, const char *tunnel)
{
    json_t *names = json_array();
    for (const struct link *l = net->links; l; l = l->hh.next) {
        if (l->tunnel && !strcmp(l->tunnel, tunnel))
            json_array_append_new(names, json_string(l->name));
    }
    return names;
}
