/* bounds_testing.h - what the tests of the bounds share: small networks, and what is said of them.
 */
#ifndef ENGINEER_BOUNDS_TESTING_H
#define ENGINEER_BOUNDS_TESTING_H

#include "engineer/bounds.h"
#include "engineer/testing_plan.h"
#include "engineer/topology.h"

/* 80 ns are an octet of 100 Mbit/s. A meter of 1000 kbit/s and 120 kbit lets 15,000 octets pass at
 * once, and what 32 ns make; as frames of 60 octets, on the wire 84, that is 21,000.0056. One frame
 * of 1,542 may be on its way out. */
#define OCTET_NS 80
#define BURST_WIRE 21000
#define BLOCKED 1542
#define SMALLEST 84

/* A node that takes no time, nothing but the circuits, and delays from node to node. */
static inline UNUSED struct bounds_parameters
bare(void)
{
    struct bounds_parameters p = bounds_defaults;
    p.processing_worst = 0;
    p.access_kbps = 0;
    p.ahead_octets = p.ahead_kbps = 0;
    p.line_shaping = false;
    return p;
}

static inline UNUSED void
put_route(struct route *route, const char *links)
{
    char *copy = xstrdup(links), *save = NULL;
    for (char *s = strtok_r(copy, " ", &save); s; s = strtok_r(NULL, " ", &save)) {
        route->links = xrealloc(route->links, route->n_links + 1, sizeof(char *));
        route->links[route->n_links++] = xstrdup(s);
    }
    free(copy);
}

/* Names of links, separated by spaces; `failover` may be NULL. */
static inline UNUSED struct design *
make_design(const char *circuit, const char *primary, const char *failover)
{
    static uint32_t number;
    struct design *d = xcalloc(1, sizeof *d);
    d->circuit = xstrdup(circuit);
    d->number = number++ % 65535 + 1;
    put_route(&d->primary, primary);
    d->has_failover = failover != NULL;
    if (failover)
        put_route(&d->failover, failover);
    return d;
}

static inline UNUSED void
set_design(struct network *net, const char *circuit, const char *primary, const char *failover)
{
    network_put_design(net, make_design(circuit, primary, failover));
}

static inline UNUSED struct bounds *
bounds_of(const struct network *net, const struct bounds_parameters *p)
{
    struct bounds *b = NULL;
    struct diag diag = {""};
    if (bounds_new(net, p, &b, &diag))
        fail_msg("%s", diag.text);
    return b;
}

static inline UNUSED nsec_t
worst(const struct bounds *b, const char *circuit, enum bounds_state state)
{
    struct bounds_result r;
    assert_ok(bounds_circuit(b, circuit, state, &r));
    nsec_t ns = r.worst;
    bounds_result_fini(&r);
    return ns;
}

/* Nodes n0, n1 ... in a row of links of 100 Mbit/s and 10 us; hosts h0, h1 ... at them. */
static inline UNUSED struct network *
row(uint32_t n)
{
    struct network *net = network_new();
    char a[16], z[16];
    for (uint32_t i = 0; i + 1 < n; i++) {
        snprintf(a, sizeof a, "n%u", i);
        snprintf(z, sizeof z, "n%u", i + 1);
        test_link(net, a, z, 10, 100000);
    }
    for (uint32_t i = 0; i < n; i++) {
        snprintf(a, sizeof a, "h%u", i);
        snprintf(z, sizeof z, "n%u", i);
        test_host(net, a, z, 1, (uint8_t)(i + 2));
    }
    return net;
}

static inline UNUSED struct network *
busy_lab(void)
{
    struct network *net = test_lab();
    test_tcp(net, "scada-a", "fep", "rtu-a", 502);
    test_tcp(net, "scada-b", "fep", "rtu-b", 502);
    test_tcp(net, "hist-a", "hist", "rtu-a", 102)->service_class = CLASS_BULK;
    test_tcp(net, "relay-a", "hist", "relay-a2", 102)->protection = DISJOINT_NONE;
    test_tcp(net, "local", "rtu-a", "eng-a", 22)->service_class = CLASS_ENGINEERING;
    test_goose(net, "trip", "relay-a1", "relay-a2 relay-b1 rtu-a");
    test_goose(net, "trip-b", "relay-b1", "relay-a1 rtu-b");
    test_goose(net, "near", "relay-a2", "relay-a1 rtu-a");
    design_all(net);
    return net;
}

#endif
