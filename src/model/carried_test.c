#include "model/carried.h"

#include "base/alloc.h"
#include "base/testing.h"
#include "model/object.h"

#include <stdlib.h>

static void
put_link(struct network *net, const char *name, const char *tunnel, const char *vpn)
{
    struct link *l = object_new(OBJECT_LINK);
    l->name = xstrdup(name);
    l->tunnel = tunnel ? xstrdup(tunnel) : NULL;
    l->vpn = vpn ? xstrdup(vpn) : NULL;
    network_put_link(net, l);
}

static void
put_route(struct route *route, const char *a, const char *b)
{
    const char *const links[] = {a, b};
    route->links = xcalloc(ARRAY_SIZE(links), sizeof *route->links);
    for (; route->n_links < ARRAY_SIZE(links) && links[route->n_links]; route->n_links++)
        route->links[route->n_links] = xstrdup(links[route->n_links]);
}

static void
put_design(struct network *net, const char *circuit, const char *a, const char *b,
           const char *failover)
{
    struct design *d = object_new(OBJECT_DESIGN);
    d->circuit = xstrdup(circuit);
    put_route(&d->primary, a, b);
    d->has_failover = failover != NULL;
    put_route(&d->failover, failover, NULL);
    network_put_design(net, d);
}

/* p: cable, w1 and w2: tunnel t, w1 by VPN v, w3: tunnel u. */
static struct network *
network(void)
{
    struct network *net = network_new();
    put_link(net, "p", NULL, NULL);
    put_link(net, "w1", "t", "v");
    put_link(net, "w2", "t", NULL);
    put_link(net, "w3", "u", NULL);
    put_design(net, "local", "p", NULL, NULL);
    put_design(net, "far", "p", "w1", "w3");
    put_design(net, "other", "w2", "gone", NULL);
    return net;
}

static void
assert_names(json_t *names, const char *expected)
{
    char *text = json_dumps(names, JSON_COMPACT);
    assert_string_equal(text, expected);
    free(text);
    json_decref(names);
}

static json_t *
tunnels_of(const struct network *net, const char *a, const char *b)
{
    json_t *circuits = json_pack("[ss*]", a, b), *names = carried_tunnels(net, circuits);
    json_decref(circuits);
    return names;
}

static void
circuits_need_the_tunnels_of_both_their_paths(void **state UNUSED)
{
    struct network *net = network();
    assert_names(tunnels_of(net, "local", NULL), "[]");
    assert_names(tunnels_of(net, "far", NULL), "[\"t\",\"u\"]");
    assert_names(tunnels_of(net, "other", "far"), "[\"t\",\"u\"]");
    assert_names(tunnels_of(net, "nobody", NULL), "[]");
    network_free(net);
}

static void
so_are_the_vpns_of_their_links(void **state UNUSED)
{
    struct network *net = network();
    json_t *all = json_pack("[sss]", "local", "other", "far"), *far = json_pack("[s]", "far");
    assert_names(carried_vpns(net, all), "[\"v\"]");
    assert_names(carried_vpn_links(net, "v"), "[\"w1\"]");
    assert_names(carried_vpn_circuits(net, "v", NULL), "[\"far\"]");
    assert_names(carried_vpn_circuits(net, "v", far), "[]");
    json_decref(all);
    json_decref(far);
    network_free(net);
}

static void
a_tunnel_has_links_and_circuits(void **state UNUSED)
{
    struct network *net = network();
    json_t *far = json_pack("[s]", "far");
    assert_names(carried_links(net, "t"), "[\"w1\",\"w2\"]");
    assert_names(carried_circuits(net, "t", NULL), "[\"far\",\"other\"]");
    assert_names(carried_circuits(net, "t", far), "[\"other\"]");
    assert_names(carried_circuits(net, "u", NULL), "[\"far\"]");
    assert_names(carried_circuits(net, "u", far), "[]");
    assert_names(carried_circuits(net, "v", NULL), "[]");
    json_decref(far);
    network_free(net);
}

TEST_MAIN(cmocka_unit_test(circuits_need_the_tunnels_of_both_their_paths),
          cmocka_unit_test(so_are_the_vpns_of_their_links),
          cmocka_unit_test(a_tunnel_has_links_and_circuits))
