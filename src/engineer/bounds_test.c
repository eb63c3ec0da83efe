#include "engineer/bounds_testing.h"

#include "engineer/compile.h"

#include <stdio.h>

static void
one_hop_is_a_burst_and_a_frame_of_a_lower_class(void **state UNUSED)
{
    struct network *net = row(2);
    struct bounds_parameters p = bare();
    test_tcp(net, "c", "h0", "h1", 502);
    set_design(net, "c", "n0-n1", NULL);
    struct bounds *b = bounds_of(net, &p);
    struct bounds_result r;
    assert_ok(bounds_circuit(b, "c", BOUNDS_NORMAL, &r));
    assert_int_equal(r.n, 2);
    /* 22,542.0056 octets take 1,803,360.4 ns, rounded up and one more; and the link's 10 us. */
    assert_int_equal(r.ways[0].worst, 1803362 + 10000);
    assert_int_equal(r.ways[0].best, SMALLEST * OCTET_NS + 10000);
    assert_int_equal(r.ways[1].worst, r.ways[0].worst);
    assert_int_equal(r.asymmetry, r.ways[0].worst - r.ways[1].best);
    assert_int_equal(bounds_way_jitter(&r.ways[0]), r.asymmetry);
    assert_string_equal(r.ways[0].from->name, "h0");
    assert_string_equal(r.ways[1].to->name, "h0");
    assert_int_equal(r.ways[0].n_hops, 1);
    const struct bounds_hop *h = &r.ways[0].hops[0];
    assert_string_equal(h->node->name, "n0");
    assert_int_equal(h->blocked, BLOCKED * OCTET_NS);
    assert_int_equal(h->sending, SMALLEST * OCTET_NS);
    assert_in_range(h->above, 0, 2); /* what rounding adds */
    assert_int_equal(h->total, h->processing + h->blocked + h->above + h->beside + h->sending +
                                   h->travelling);
    assert_int_equal(h->n_beside, 1);
    bounds_result_fini(&r);
    bounds_free(b);
    network_free(net);
}

static void
processing_and_the_hosts_port_count(void **state UNUSED)
{
    struct network *net = row(2);
    struct bounds_parameters p = bare();
    p.processing_best = 3000;
    p.processing_worst = 40000;
    p.access_kbps = 100000;
    test_tcp(net, "c", "h0", "h1", 502);
    set_design(net, "c", "n0-n1", NULL);
    struct bounds *b = bounds_of(net, &p);
    struct bounds_result r;
    assert_ok(bounds_circuit(b, "c", BOUNDS_NORMAL, &r));
    assert_int_equal(r.ways[0].best, 2 * (3000 + SMALLEST * OCTET_NS) + 10000);
    assert_int_equal(r.ways[0].n_hops, 2);
    assert_null(r.ways[0].hops[1].link);
    /* Ages at the first port differ by 37,000 ns, in which 1,400 kbit/s are 6.475 octets: 22,548.5
     * octets of 80 ns, 1,803,878.5. At the second, by 1,803,880 - 6,720 + 2 * 37,000 ns, that is
     * 327.5 octets: 22,869.5 octets, 1,829,556.7 ns. */
    assert_int_equal(r.ways[0].worst, 40000 + 1803880 + 10000 + 40000 + 1829558);
    bounds_result_fini(&r);
    bounds_free(b);
    network_free(net);
}

static void
a_burst_grows_by_what_comes_while_it_waits(void **state UNUSED)
{
    struct network *net = row(3);
    struct bounds_parameters p = bare();
    test_tcp(net, "c", "h0", "h2", 502);
    set_design(net, "c", "n0-n1 n1-n2", NULL);
    struct bounds *b = bounds_of(net, &p);
    /* 1,400 kbit/s for 1,803,362 - 6,720 ns are 314.4 octets: 22,856.4 octets take 1,828,513.4. */
    assert_int_equal(worst(b, "c", BOUNDS_NORMAL), 1803362 + 10000 + 1828515 + 10000);
    bounds_free(b);
    network_free(net);
}

static void
what_one_link_carries_does_not_come_at_once(void **state UNUSED)
{
    struct network *net = row(3);
    struct bounds_parameters p = bare();
    p.line_shaping = true;
    test_tcp(net, "c", "h0", "h2", 502);
    set_design(net, "c", "n0-n1 n1-n2", NULL);
    struct bounds *b = bounds_of(net, &p);
    /* The second link is as fast as the first: only a frame on its way out, and one of its own. */
    assert_int_equal(worst(b, "c", BOUNDS_NORMAL),
                     1803362 + 10000 + 2 * 1542 * OCTET_NS + 1 + 10000);
    bounds_free(b);
    network_free(net);
}

static void
the_higher_class_goes_first(void **state UNUSED)
{
    struct network *net = row(2);
    struct bounds_parameters p = bare();
    test_tcp(net, "low", "h0", "h1", 502);
    struct circuit *high = test_tcp(net, "high", "h0", "h1", 503);
    high->service_class = CLASS_PROTECTION;
    high->rate_kbps = 50000; /* 70 Mbit/s on the wire, if frames are small */
    set_design(net, "low", "n0-n1", NULL);
    set_design(net, "high", "n0-n1", NULL);
    struct bounds *b = bounds_of(net, &p);
    /* The higher one waits for a lower frame and itself: 50000 kbit/s in 32 ns are 0.28 octets. */
    assert_int_equal(worst(b, "high", BOUNDS_NORMAL), 1803382 + 1 + 1 + 10000);
    /* The last of the lower one begins after 1542 + 21000.28 + 20916.0056 octets at what is left,
     * 30 of 100 Mbit/s: 144,911.43.. * 80 ns; and takes 6,720 ns. */
    nsec_t low = worst(b, "low", BOUNDS_NORMAL);
    assert_in_range(low, (1542 + 21000.28 + 20916.0056) * 80 / 0.3 + 6720 + 10000,
                    (1542 + 21000.28 + 20916.0056) * 80 / 0.3 + 6720 + 10000 + 3);
    bounds_free(b);
    network_free(net);
}

/* n nodes in a ring, from each a circuit over the next `hops` links, clockwise. */
static struct network *
ring(uint32_t n, uint32_t hops, uint32_t rate_kbps)
{
    struct network *net = network_new();
    char a[16], z[16], text[256];
    for (uint32_t i = 0; i < n; i++) {
        snprintf(a, sizeof a, "n%u", i);
        snprintf(z, sizeof z, "n%u", (i + 1) % n);
        test_link(net, a, z, 10, 100000);
    }
    for (uint32_t i = 0; i < n; i++) {
        snprintf(a, sizeof a, "h%u", i);
        snprintf(z, sizeof z, "n%u", i);
        test_host(net, a, z, 1, (uint8_t)(i + 2));
    }
    for (uint32_t i = 0; i < n; i++) {
        snprintf(text, sizeof text, "h%u", (i + hops) % n);
        snprintf(a, sizeof a, "h%u", i);
        snprintf(z, sizeof z, "c%u", i);
        struct circuit *c = test_goose(net, z, a, text);
        c->rate_kbps = rate_kbps;
        struct buf out = BUF_INIT;
        for (uint32_t k = 0; k < hops; k++)
            buf_printf(&out, "n%u-n%u ", (i + k) % n, (i + k + 1) % n);
        set_design(net, z, buf_cstr(&out), NULL);
        buf_fini(&out);
    }
    return net;
}

/* Every link of the ring has the same delay d: of three circuits, one of them came over one link
 * before, one over two, so d = (L + 3b + r (1 + 2)(d - m)) / C, where m is the least. */
static void
a_ring_is_a_fixpoint(void **state UNUSED)
{
    struct network *net = ring(5, 3, 10000);
    struct bounds_parameters p = bare();
    struct bounds *b = bounds_of(net, &p);
    double burst = 3000 * 1.4 + 0.056, m = SMALLEST * OCTET_NS; /* octets; ns */
    double d = ((BLOCKED + 3 * burst) * OCTET_NS - 3 * 0.14 * m) / (1 - 3 * 0.14);
    for (uint32_t i = 0; i < 5; i++) {
        char name[8];
        snprintf(name, sizeof name, "c%u", i);
        nsec_t way = worst(b, name, BOUNDS_NORMAL);
        assert_in_range(way, 3 * (d + 10000), 3 * (d + 10000) + 30);
    }
    bounds_free(b);
    network_free(net);
}

static void
a_ring_in_which_bursts_grow_has_no_bound(void **state UNUSED)
{
    /* Six circuits of 12.6 Mbit/s on the wire fill a link to 76 %, but 0 + 1 + ... 5 = 15 of them
     * are more than its rate. */
    struct network *net = ring(7, 6, 9000);
    struct bounds_parameters p = bare();
    struct bounds *b = bounds_of(net, &p);
    struct bounds_overload *list;
    uint32_t n;
    assert_int_equal(worst(b, "c0", BOUNDS_NORMAL), NSEC_NEVER);
    bounds_overloads(b, BOUNDS_NORMAL, &list, &n);
    assert_int_equal(n, 7);
    assert_int_equal(list[0].asked_kbps, 6 * 12600);
    struct buf out = BUF_INIT;
    bounds_overload_format(&list[0], &out);
    assert_string_equal(buf_cstr(&out), "bursts of class protection grow round a ring at n0 > n1");
    buf_fini(&out);
    free(list);
    bounds_free(b);
    /* What a link carries is bounded by what the links before it carry. */
    p.line_shaping = true;
    b = bounds_of(net, &p);
    assert_int_not_equal(worst(b, "c0", BOUNDS_NORMAL), NSEC_NEVER);
    bounds_free(b);
    network_free(net);
}

static void
a_slow_fixpoint_is_reached_and_not_missed_by_much(void **state UNUSED)
{
    /* 15 * 6.3 / 100: each turn brings 94.5 % of what the one before brought. */
    struct network *net = ring(7, 6, 4500);
    struct bounds_parameters p = bare();
    struct bounds *b = bounds_of(net, &p);
    struct bounds_size size;
    double burst = 3000 * 1.4 + 0.0252, m = SMALLEST * OCTET_NS;
    double d = ((BLOCKED + 6 * burst) * OCTET_NS - 15 * 0.063 * m) / (1 - 15 * 0.063);
    nsec_t way = worst(b, "c3", BOUNDS_NORMAL);
    assert_in_range(way, 6 * (d + 10000), 6 * (d + 10000) * 1.001);
    bounds_get_size(b, BOUNDS_NORMAL, &size);
    assert_in_range(size.turns, 10, 150);
    bounds_free(b);
    network_free(net);
}

static void
an_overload_is_told_with_its_link(void **state UNUSED)
{
    struct network *net = row(3);
    struct bounds_parameters p = bare();
    test_tcp(net, "big", "h0", "h2", 502)->rate_kbps = 60000;
    test_tcp(net, "more", "h1", "h2", 503)->rate_kbps = 40000;
    test_tcp(net, "high", "h1", "h2", 504)->service_class = CLASS_PROTECTION;
    test_tcp(net, "low", "h1", "h2", 505)->service_class = CLASS_BULK;
    set_design(net, "big", "n0-n1 n1-n2", NULL);
    set_design(net, "more", "n1-n2", NULL);
    set_design(net, "high", "n1-n2", NULL);
    set_design(net, "low", "n1-n2", NULL);
    struct bounds *b = bounds_of(net, &p);
    struct bounds_overload *list;
    struct buf out = BUF_INIT;
    uint32_t n;
    assert_int_equal(worst(b, "big", BOUNDS_NORMAL), NSEC_NEVER);
    assert_int_equal(worst(b, "low", BOUNDS_NORMAL), NSEC_NEVER);
    assert_in_range(worst(b, "high", BOUNDS_NORMAL), 1, 5 * NSEC_PER_MSEC);
    bounds_overloads(b, BOUNDS_NORMAL, &list, &n);
    assert_int_equal(n, 2); /* there and back; back, n2 > n1 */
    bounds_overload_format(&list[0], &out);
    assert_string_equal(buf_cstr(&out),
                        "class scada and above ask for 141.4 Mbit/s of 100 Mbit/s at n1 > n2");
    buf_fini(&out);
    free(list);
    bounds_free(b);
    network_free(net);
}

/* ---- Ways ---- */

/* Every (node, port) that frames may leave by, according to the rules that are compiled. */
struct outputs {
    char names[512][64];
    uint32_t n;
    struct {
        const struct node *node;
        struct group group;
    } groups[256];
    uint32_t n_groups;
    struct {
        const struct node *node;
        struct flow flow;
    } flows[256];
    uint32_t n_flows;
};

static enum err
on_flow(void *arg, const struct node *node, const struct flow *flow, struct diag *diag UNUSED)
{
    struct outputs *o = arg;
    assert_true(o->n_flows < ARRAY_SIZE(o->flows));
    o->flows[o->n_flows].node = node;
    flow_copy(&o->flows[o->n_flows++].flow, flow);
    return ERR_OK;
}

static enum err
on_group(void *arg, const struct node *node, const struct group *group, struct diag *diag UNUSED)
{
    struct outputs *o = arg;
    assert_true(o->n_groups < ARRAY_SIZE(o->groups));
    o->groups[o->n_groups].node = node;
    group_copy(&o->groups[o->n_groups++].group, group);
    return ERR_OK;
}

static enum err
on_meter(void *arg UNUSED, const struct node *node UNUSED, const struct meter *meter UNUSED,
         struct diag *diag UNUSED)
{
    return ERR_OK;
}

static void
put_name(struct outputs *o, const char *node, uint32_t port)
{
    char name[64];
    snprintf(name, sizeof name, "%s:%u", node, port);
    for (uint32_t i = 0; i < o->n; i++) {
        if (!strcmp(o->names[i], name))
            return;
    }
    assert_true(o->n < ARRAY_SIZE(o->names));
    memcpy(o->names[o->n++], name, sizeof name);
}

static void
follow_actions(struct outputs *o, const struct node *node, uint32_t in_port,
               const struct actions *actions)
{
    for (uint32_t i = 0; i < actions->n; i++) {
        const struct action *a = &actions->list[i];
        if (a->type == ACTION_OUTPUT && a->id == PORT_IN_PORT)
            put_name(o, node->name, in_port);
        else if (a->type == ACTION_OUTPUT && a->id < PORT_IN_PORT)
            put_name(o, node->name, a->id);
        for (uint32_t g = 0; a->type == ACTION_GROUP && g < o->n_groups; g++) {
            const struct group *group = &o->groups[g].group;
            for (uint32_t k = 0;
                 o->groups[g].node == node && group->group_id == a->id && k < group->n_buckets; k++)
                follow_actions(o, node, in_port, &group->buckets[k].actions);
        }
    }
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void
compare_ways(struct network *net, const struct circuit *c)
{
    struct network *alone = network_copy(net);
    struct outputs *o = xcalloc(1, sizeof *o), *laid = xcalloc(1, sizeof *laid);
    struct rule_sink sink = {on_flow, on_group, on_meter, o};
    struct diag diag = {""};
    struct bounds_parameters p = bare();
    struct bounds_condition *list;
    uint32_t n;
    p.access_kbps = 100000;
    for (struct circuit *x = net->circuits; x; x = x->hh.next) {
        if (x != c)
            assert_ok(network_remove_circuit(alone, x->name));
    }
    if (compile_circuit(net, c, network_design(net, c->name), &sink, &diag))
        fail_msg("%s", diag.text);
    for (uint32_t i = 0; i < o->n_flows; i++) {
        const struct flow *flow = &o->flows[i].flow;
        uint32_t in_port = get_be32(flow_key_field(&o->flows[i].flow.match.value, FIELD_IN_PORT));
        if (cookie_number(flow->cookie)) /* the others answer ARP */
            follow_actions(o, o->flows[i].node, in_port, &flow->apply);
    }
    struct bounds *b = bounds_of(alone, &p);
    bounds_conditions(b, &list, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (list[i].kind == CONDITION_QUEUE)
            put_name(laid, list[i].node->name, list[i].port);
    }
    qsort(o->names, o->n, sizeof o->names[0], by_text);
    qsort(laid->names, laid->n, sizeof laid->names[0], by_text);
    assert_int_equal(laid->n, o->n);
    for (uint32_t i = 0; i < o->n; i++)
        assert_string_equal(laid->names[i], o->names[i]);
    for (uint32_t i = 0; i < o->n_flows; i++)
        flow_fini(&o->flows[i].flow);
    for (uint32_t i = 0; i < o->n_groups; i++)
        group_fini(&o->groups[i].group);
    free(list);
    free(o);
    free(laid);
    bounds_free(b);
    network_free(alone);
}

static void
the_queues_are_those_of_the_compiled_rules(void **state UNUSED)
{
    struct network *net = busy_lab();
    for (struct circuit *c = net->circuits; c; c = c->hh.next)
        compare_ways(net, c);
    network_free(net);
}

static void
after_a_failure_a_frame_may_come_back_and_go_another_way(void **state UNUSED)
{
    /* c1 - x - y - z, and c1 - w - z: what does not get from y to z returns over x. */
    struct network *net = network_new();
    struct bounds_parameters p = bare();
    struct bounds_result r;
    test_link(net, "c1", "x", 100, 100000);
    test_link(net, "x", "y", 100, 100000);
    test_link(net, "y", "z", 100, 100000);
    test_link(net, "c1", "w", 300, 100000);
    test_link(net, "w", "z", 300, 100000);
    test_host(net, "a", "c1", 1, 2);
    test_host(net, "b", "z", 1, 3);
    test_tcp(net, "c", "a", "b", 502);
    set_design(net, "c", "c1-x x-y y-z", "c1-w w-z");
    struct bounds *b = bounds_of(net, &p);
    assert_ok(bounds_circuit(b, "c", BOUNDS_NORMAL, &r));
    assert_int_equal(r.ways[0].n_hops, 3);
    assert_int_equal(r.ways[0].best, 300000 + 3 * SMALLEST * OCTET_NS);
    bounds_result_fini(&r);
    assert_ok(bounds_circuit(b, "c", BOUNDS_FAILURE, &r));
    static const char *const nodes[] = {"c1", "x", "y", "x", "c1", "w"};
    assert_int_equal(r.ways[0].n_hops, ARRAY_SIZE(nodes));
    for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
        assert_string_equal(r.ways[0].hops[i].node->name, nodes[i]);
    nsec_t sum = 0;
    for (uint32_t i = 0; i < r.ways[0].n_hops; i++)
        sum += r.ways[0].hops[i].total;
    assert_int_equal(sum, r.ways[0].worst);
    assert_int_equal(r.ways[0].best, 300000 + 3 * SMALLEST * OCTET_NS);
    bounds_result_fini(&r);
    struct bounds_verdict v;
    struct diag diag;
    const struct bounds_budget budget = {.latency = 2500 * NSEC_PER_USEC};
    assert_ok(
        bounds_judge(b, network_circuit(net, "c"), network_design(net, "c"), &budget, &v, &diag));
    assert_false(v.fits);
    assert_non_null(strstr(v.text, "circuit c: worst case "));
    assert_non_null(strstr(v.text, " (5786 us while nothing has failed), budget 2500 us"));
    bounds_verdict_fini(&v);
    bounds_free(b);
    network_free(net);
}

static void
each_subscriber_has_its_own_bound(void **state UNUSED)
{
    struct network *net = busy_lab();
    struct bounds *b = bounds_of(net, &bounds_defaults);
    struct bounds_result r;
    assert_ok(bounds_circuit(b, "trip", BOUNDS_NORMAL, &r));
    assert_int_equal(r.n, 3);
    assert_string_equal(r.ways[0].to->name, "relay-a2");
    assert_string_equal(r.ways[1].to->name, "relay-b1");
    assert_true(r.ways[1].worst > 2 * r.ways[0].worst); /* over the WAN */
    assert_true(r.ways[1].best > 1000 * NSEC_PER_USEC);
    assert_int_equal(r.asymmetry, 0);
    bounds_result_fini(&r);
    assert_err(bounds_circuit(b, "nobody", BOUNDS_NORMAL, &r), ERR_NOT_FOUND);
    bounds_free(b);
    network_free(net);
}

static void
circuits_of_the_same_ways_share_steps(void **state UNUSED)
{
    struct network *net = row(4);
    struct bounds_parameters p = bare();
    struct bounds_size size;
    for (int i = 0; i < 10; i++) {
        char name[8];
        snprintf(name, sizeof name, "c%d", i);
        test_tcp(net, name, "h0", "h3", (uint16_t)(502 + i));
        set_design(net, name, "n0-n1 n1-n2 n2-n3", NULL);
    }
    struct bounds *b = bounds_of(net, &p);
    bounds_get_size(b, BOUNDS_NORMAL, &size);
    assert_int_equal(size.circuits, 10);
    assert_int_equal(size.ways, 20);
    assert_int_equal(size.hops, 60);
    assert_int_equal(size.steps, 6);
    assert_int_equal(size.queues, 6);
    bounds_free(b);
    network_free(net);
}

/* ---- Errors ---- */

static void
assert_refused(struct network *net, enum err err, const char *text)
{
    struct bounds *b = NULL;
    struct diag diag = {""};
    assert_err(bounds_new(net, &bounds_defaults, &b, &diag), err);
    assert_null(b);
    assert_string_equal(diag.text, text);
}

static void
what_a_design_names_must_be_there(void **state UNUSED)
{
    struct network *net = row(4);
    struct circuit *c = test_tcp(net, "c", "h0", "h3", 502);
    set_design(net, "c", "n0-n1 n1-n9", NULL);
    assert_refused(net, ERR_NOT_FOUND, "circuit \"c\": link \"n1-n9\" is not there");
    set_design(net, "c", "n0-n1 n2-n3", NULL);
    assert_refused(net, ERR_CONFLICT,
                   "circuit \"c\": its path has no link \"n2-n3\" at node \"n1\"");
    set_design(net, "c", "n0-n1 n1-n2", NULL);
    assert_refused(net, ERR_CONFLICT, "circuit \"c\": its path ends at node \"n2\"");
    set_design(net, "c", "n0-n1 n1-n2 n1-n2 n1-n2 n2-n3", NULL);
    assert_refused(net, ERR_INVALID, "circuit \"c\": a path passes node \"n1\" twice");
    set_design(net, "c", "n0-n1 n1-n2 n2-n3", "n0-n1 n1-n9");
    assert_refused(net, ERR_NOT_FOUND, "circuit \"c\": link \"n1-n9\" is not there");
    free(c->ip.server);
    c->ip.server = xstrdup("h9");
    assert_refused(net, ERR_NOT_FOUND,
                   "circuit \"c\": host \"h9\" is not there, or attached nowhere");
    network_free(net);
}

static void
parameters_must_make_sense(void **state UNUSED)
{
    struct network *net = row(2);
    struct bounds *b = NULL;
    struct diag diag = {""};
    struct bounds_parameters p = bare();
    p.processing_best = 1;
    assert_err(bounds_new(net, &p, &b, &diag), ERR_INVALID);
    assert_non_null(strstr(diag.text, "processing takes from 1 to 0 ns"));
    p = bare();
    p.largest_octets = 83;
    assert_err(bounds_new(net, &p, &b, &diag), ERR_INVALID);
    assert_non_null(strstr(diag.text, "frames from 60 octets to 83 on the wire"));
    p = bare();
    p.limit = 0;
    assert_err(bounds_new(net, &p, &b, &diag), ERR_INVALID);
    assert_non_null(strstr(diag.text, "a limit of 0 ns"));
    assert_null(b);
    network_free(net);
}

static void
bursts_that_cannot_be_added_up_are_refused(void **state UNUSED)
{
    struct network *net = row(2);
    for (int i = 0; i < 200; i++) {
        char name[8];
        snprintf(name, sizeof name, "c%d", i);
        test_tcp(net, name, "h0", "h1", (uint16_t)(502 + i))->burst_octets = UINT32_MAX;
        set_design(net, name, "n0-n1", NULL);
        if (i == 0) { /* one is only too large for a bound */
            struct bounds *b = bounds_of(net, &bounds_defaults);
            assert_int_equal(worst(b, "c0", BOUNDS_NORMAL), NSEC_NEVER);
            bounds_free(b);
        }
    }
    assert_refused(net, ERR_LIMIT, "circuit \"c191\": all bursts are too much to add up");
    network_free(net);
}

static void
a_tree_must_reach_its_subscribers(void **state UNUSED)
{
    struct network *net = row(4);
    test_goose(net, "g", "h0", "h1 h3");
    set_design(net, "g", "n0-n1 n1-n2", NULL);
    assert_refused(net, ERR_NOT_FOUND, "circuit \"g\": the tree does not reach \"h3\"");
    network_free(net);
}

TEST_MAIN(cmocka_unit_test(one_hop_is_a_burst_and_a_frame_of_a_lower_class),
          cmocka_unit_test(processing_and_the_hosts_port_count),
          cmocka_unit_test(a_burst_grows_by_what_comes_while_it_waits),
          cmocka_unit_test(what_one_link_carries_does_not_come_at_once),
          cmocka_unit_test(the_higher_class_goes_first), cmocka_unit_test(a_ring_is_a_fixpoint),
          cmocka_unit_test(a_ring_in_which_bursts_grow_has_no_bound),
          cmocka_unit_test(a_slow_fixpoint_is_reached_and_not_missed_by_much),
          cmocka_unit_test(an_overload_is_told_with_its_link),
          cmocka_unit_test(the_queues_are_those_of_the_compiled_rules),
          cmocka_unit_test(after_a_failure_a_frame_may_come_back_and_go_another_way),
          cmocka_unit_test(each_subscriber_has_its_own_bound),
          cmocka_unit_test(circuits_of_the_same_ways_share_steps),
          cmocka_unit_test(what_a_design_names_must_be_there),
          cmocka_unit_test(parameters_must_make_sense),
          cmocka_unit_test(bursts_that_cannot_be_added_up_are_refused),
          cmocka_unit_test(a_tree_must_reach_its_subscribers))
