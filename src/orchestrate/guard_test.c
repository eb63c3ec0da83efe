#include "orchestrate/guard.h"

#include "engineer/testing.h"
#include "model/json.h"
#include "orchestrate/draft.h"

struct pair {
    struct network *before, *after;
    struct diag why;
};

/* The lab with one circuit designed and one only stated, twice. */
static int
set_up(void **state)
{
    struct pair *pair = xcalloc(1, sizeof *pair);
    json_t *draft, *list = json_pack("[s]", "scada-a");
    pair->before = test_lab();
    test_tcp(pair->before, "scada-a", "fep", "rtu-a", 502);
    test_tcp(pair->before, "scada-b", "hist", "rtu-b", 502);
    assert_ok(draft_make(pair->before, list, &draft, &pair->why));
    pair->after = network_copy(pair->before);
    json_decref(draft);
    json_decref(list);
    *state = pair;
    return 0;
}

static int
tear_down(void **state)
{
    struct pair *pair = *state;
    network_free(pair->before);
    network_free(pair->after);
    free(pair);
    return 0;
}

#define TEST_ON_PAIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void
assert_conflict(struct pair *pair, const char *says)
{
    assert_err(guard_check(pair->before, pair->after, &pair->why), ERR_CONFLICT);
    if (!strstr(pair->why.text, says))
        fail_msg("'%s' does not say '%s'", pair->why.text, says);
}

/* The first link of the circuit's primary path. */
static const char *
used_link(const struct pair *pair)
{
    return network_design(pair->before, "scada-a")->primary.links[0];
}

static void
carry(struct network *net, const char *link, const char *tunnel)
{
    struct link *l = link_copy(network_link(net, link));
    free(l->tunnel);
    l->tunnel = tunnel ? xstrdup(tunnel) : NULL;
    network_put_link(net, l);
}

static void
stops_another_tunnel_for_a_link_in_use(void **state)
{
    struct pair *pair = *state;
    carry(pair->before, used_link(pair), "t");
    assert_conflict(pair, "circuit scada-a stands on it: other tunnels or VPNs would carry");
    carry(pair->after, used_link(pair), "u");
    assert_conflict(pair, "other tunnels or VPNs would carry it");
    carry(pair->after, used_link(pair), "t");
    assert_ok(guard_check(pair->before, pair->after, &pair->why));
}

static void
lets_pass_what_no_circuit_stands_on(void **state)
{
    struct pair *pair = *state;
    assert_ok(guard_check(pair->before, pair->after, &pair->why));
    assert_ok(network_remove_circuit(pair->after, "scada-b"));
    assert_ok(network_remove_host(pair->after, "relay-b1"));
    test_host(pair->after, "new", "b2", 48, 99);
    assert_ok(guard_check(pair->before, pair->after, &pair->why));
}

static void
assert_changed_tunnels(const struct pair *pair, const char *expected)
{
    json_t *names = guard_changed_tunnels(pair->before, pair->after);
    char *text = json_dumps(names, JSON_COMPACT);
    assert_string_equal(text, expected);
    free(text);
    json_decref(names);
}

static void
put_tunnel(struct network *net, const char *name, const char *tail, const char *description)
{
    struct tunnel *t = object_new(OBJECT_TUNNEL);
    t->name = xstrdup(name);
    t->head = xstrdup("pe1");
    t->tail = xstrdup(tail);
    t->rate_kbps = 1000;
    t->description = description ? xstrdup(description) : NULL;
    network_put_tunnel(net, t);
}

static void
put_router(struct network *net, const char *name, uint32_t id)
{
    struct router *r = object_new(OBJECT_ROUTER);
    r->name = xstrdup(name);
    r->site = xstrdup("wan");
    r->router_id = id;
    network_put_router(net, r);
}

static void
tells_which_tunnels_are_not_what_they_were(void **state)
{
    struct pair *pair = *state;
    for (unsigned i = 0; i < 2; i++) {
        struct network *net = i ? pair->after : pair->before;
        put_router(net, "pe1", 1);
        put_router(net, "pe2", 2);
        put_router(net, "pe3", 3);
        put_tunnel(net, "same", "pe2", i ? "said otherwise" : NULL);
        put_tunnel(net, "other", i ? "pe3" : "pe2", NULL);
        put_tunnel(net, "moved", "pe3", NULL);
    }
    put_tunnel(pair->before, "gone", "pe2", NULL);
    assert_changed_tunnels(pair, "[\"other\",\"gone\"]");
    put_router(pair->after, "pe3", 4);
    assert_changed_tunnels(pair, "[\"other\",\"moved\",\"gone\"]");
}

static void
lets_pass_a_description(void **state)
{
    struct pair *pair = *state;
    struct circuit *circuit = circuit_copy(network_circuit(pair->after, "scada-a"));
    circuit->description = xstrdup("said otherwise");
    network_put_circuit(pair->after, circuit);
    assert_ok(guard_check(pair->before, pair->after, &pair->why));
}

static void
stops_another_statement_of_the_circuit(void **state)
{
    struct pair *pair = *state;
    struct circuit *circuit = circuit_copy(network_circuit(pair->after, "scada-a"));
    circuit->max_latency_us = 12345;
    network_put_circuit(pair->after, circuit);
    assert_conflict(pair, "scada-a");
}

static void
stops_the_removal_of_the_circuit(void **state)
{
    struct pair *pair = *state;
    assert_ok(network_remove_circuit(pair->after, "scada-a"));
    assert_conflict(pair, "removed");
}

static void
stops_the_removal_of_a_link_and_of_a_host(void **state)
{
    struct pair *pair = *state;
    assert_ok(network_remove_link(pair->after, used_link(pair)));
    assert_conflict(pair, "scada-a");
    network_free(pair->after);
    pair->after = network_copy(pair->before);
    assert_ok(network_remove_host(pair->after, "rtu-a"));
    assert_conflict(pair, "scada-a");
}

static void
stops_a_host_that_moves(void **state)
{
    struct pair *pair = *state;
    struct host *host = host_copy(network_host(pair->after, "rtu-a"));
    host->mac.octets[5] ^= 1;
    network_put_host(pair->after, host);
    assert_conflict(pair, "rules");
}

static void
stops_a_link_that_gets_too_small(void **state)
{
    struct pair *pair = *state;
    struct link *link = link_copy(network_link(pair->after, used_link(pair)));
    link->capacity_kbps = 1000; /* just enough */
    network_put_link(pair->after, link);
    assert_ok(guard_check(pair->before, pair->after, &pair->why));
    link = link_copy(network_link(pair->after, used_link(pair)));
    link->capacity_kbps = 999;
    network_put_link(pair->after, link);
    assert_conflict(pair, used_link(pair));
}

static void
finds_what_refers_to_nothing_any_more(void **state)
{
    struct pair *pair = *state;
    assert_ok(guard_check_references(pair->before, pair->after, &pair->why));
    assert_ok(network_remove_host(pair->after, "hist"));
    assert_err(guard_check_references(pair->before, pair->after, &pair->why), ERR_CONFLICT);
    assert_non_null(strstr(pair->why.text, "scada-b"));
    /* It is nobody's fault now if it was so before. */
    assert_ok(guard_check_references(pair->after, pair->after, &pair->why));
}

static void
writes_down_what_is_different_and_no_more(void **state)
{
    struct pair *pair = *state;
    struct report report = {0};
    json_t *nothing = guard_document(pair->before, pair->after);
    assert_int_equal(json_object_size(nothing), 0);
    struct circuit *circuit = circuit_copy(network_circuit(pair->after, "scada-b"));
    circuit->rate_kbps = 77;
    network_put_circuit(pair->after, circuit);
    pair->after->settings.revertive = !pair->after->settings.revertive;
    test_host(pair->after, "new", "b2", 48, 99);
    json_t *document = guard_document(pair->before, pair->after);
    json_t *changed = guard_changed_circuits(pair->before, pair->after);
    assert_int_equal(json_array_size(changed), 1);
    assert_ok(inventory_apply_json(pair->before, document, false, &report, &pair->why));
    assert_int_equal(report.n, 4); /* settings, the host and its node, the circuit */
    json_t *x = inventory_to_json(pair->before), *y = inventory_to_json(pair->after);
    assert_true(json_equal(x, y));
    json_decref(x);
    json_decref(y);
    json_decref(nothing);
    json_decref(document);
    json_decref(changed);
    report_fini(&report);
}

TEST_MAIN(TEST_ON_PAIR(lets_pass_what_no_circuit_stands_on),
          TEST_ON_PAIR(tells_which_tunnels_are_not_what_they_were),
          TEST_ON_PAIR(lets_pass_a_description),
          TEST_ON_PAIR(stops_another_statement_of_the_circuit),
          TEST_ON_PAIR(stops_the_removal_of_the_circuit),
          TEST_ON_PAIR(stops_the_removal_of_a_link_and_of_a_host),
          TEST_ON_PAIR(stops_a_host_that_moves), TEST_ON_PAIR(stops_a_link_that_gets_too_small),
          TEST_ON_PAIR(stops_another_tunnel_for_a_link_in_use),
          TEST_ON_PAIR(finds_what_refers_to_nothing_any_more),
          TEST_ON_PAIR(writes_down_what_is_different_and_no_more))
