#include "model/carried.h"

#include <string.h>

/* What a link stands on: its tunnel, or its VPN; NULL: nothing. */
typedef const char *carrier_of(const struct link *);

static const char *
tunnel_of(const struct link *link)
{
    return link->tunnel;
}

static const char *
vpn_of(const struct link *link)
{
    return link->vpn;
}

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

/* NULL also if the link is not there any more. */
static const char *
carrier_at(const struct network *net, const struct route *route, uint32_t i, carrier_of *carrier)
{
    const struct link *link = network_link(net, route->links[i]);
    return link ? carrier(link) : NULL;
}

static void
add_route(const struct network *net, const struct route *route, carrier_of *carrier, json_t *names)
{
    for (uint32_t i = 0; i < route->n_links; i++) {
        const char *name = carrier_at(net, route, i, carrier);
        if (name && !is_in(names, name))
            json_array_append_new(names, json_string(name));
    }
}

json_t *
carried_route_tunnels(const struct network *net, const struct route *route)
{
    json_t *names = json_array();
    add_route(net, route, tunnel_of, names);
    return names;
}

static json_t *
carriers_of(const struct network *net, const json_t *circuits, carrier_of *carrier)
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
        add_route(net, &d->primary, carrier, names);
        if (d->has_failover)
            add_route(net, &d->failover, carrier, names);
    }
    return names;
}

json_t *
carried_tunnels(const struct network *net, const json_t *circuits)
{
    return carriers_of(net, circuits, tunnel_of);
}

json_t *
carried_vpns(const struct network *net, const json_t *circuits)
{
    return carriers_of(net, circuits, vpn_of);
}

static bool
goes_by(const struct network *net, const struct route *route, carrier_of *carrier, const char *name)
{
    for (uint32_t i = 0; i < route->n_links; i++) {
        const char *its = carrier_at(net, route, i, carrier);
        if (its && !strcmp(its, name))
            return true;
    }
    return false;
}

static json_t *
circuits_on(const struct network *net, carrier_of *carrier, const char *name, const json_t *except)
{
    json_t *names = json_array();
    for (const struct design *d = net->designs; d; d = d->hh.next) {
        if ((goes_by(net, &d->primary, carrier, name) ||
             (d->has_failover && goes_by(net, &d->failover, carrier, name))) &&
            !is_in(except, d->circuit))
            json_array_append_new(names, json_string(d->circuit));
    }
    return names;
}

json_t *
carried_circuits(const struct network *net, const char *tunnel, const json_t *except)
{
    return circuits_on(net, tunnel_of, tunnel, except);
}

json_t *
carried_vpn_circuits(const struct network *net, const char *vpn, const json_t *except)
{
    return circuits_on(net, vpn_of, vpn, except);
}

static json_t *
links_on(const struct network *net, carrier_of *carrier, const char *name)
{
    json_t *names = json_array();
    for (const struct link *l = net->links; l; l = l->hh.next) {
        const char *its = carrier(l);
        if (its && !strcmp(its, name))
            json_array_append_new(names, json_string(l->name));
    }
    return names;
}

json_t *
carried_links(const struct network *net, const char *tunnel)
{
    return links_on(net, tunnel_of, tunnel);
}

json_t *
carried_vpn_links(const struct network *net, const char *vpn)
{
    return links_on(net, vpn_of, vpn);
}
