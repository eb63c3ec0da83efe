#include "model/model.h"

#include "base/alloc.h"
#include "model/object.h"
#include "model/testing.h"

static struct host *
new_host(const char *name, const char *node, uint32_t port)
{
    struct host *host = calloc(1, sizeof *host);
    host->name = strdup(name);
    host->node = strdup(node);
    host->port = port;
    host->mac.octets[5] = (uint8_t)port;
    return host;
}

static void
a_new_network_is_empty_with_default_settings(void **state UNUSED)
{
    struct network *network = network_new();
    assert_null(network->hosts);
    assert_null(network_host(network, "fep"));
    assert_int_equal(network->settings.missing_rule, DRIFT_REPAIR);
    assert_int_equal(network->settings.wait_to_restore_ms, 1000);
    assert_true(network->settings.revertive);
    network_free(network);
    network_free(NULL);
}

static void
putting_again_replaces_in_place(void **state UNUSED)
{
    struct network *network = network_new();
    network_put_host(network, new_host("one", "x", 1));
    network_put_host(network, new_host("two", "x", 2));
    network_put_host(network, new_host("three", "x", 3));
    struct host *before = network_host(network, "one");
    network_put_host(network, new_host("one", "y", 7));
    assert_ptr_equal(network_host(network, "one"), before);
    assert_string_equal(before->node, "y");
    assert_ptr_equal(network->hosts, before);
    const char *const order[] = {"one", "two", "three"};
    int n = 0;
    for (struct host *host = network->hosts; host; host = host->hh.next)
        assert_string_equal(host->name, order[n++]);
    assert_int_equal(n, 3);
    network_free(network);
}

static void
what_is_removed_is_gone(void **state UNUSED)
{
    struct network *network = network_new();
    network_put_host(network, new_host("one", "x", 1));
    assert_non_null(network_host_at(network, "x", 1));
    assert_ok(network_remove_host(network, "one"));
    assert_err(network_remove_host(network, "one"), ERR_NOT_FOUND);
    assert_null(network_host(network, "one"));
    assert_null(network_host_at(network, "x", 1));
    network_free(network);
}

static void
lookups_by_port_follow_every_change(void **state UNUSED)
{
    struct network *network = network_quoted("{" SMALL_INVENTORY "}");
    assert_string_equal(network_link_at(network, "x", 1)->name, "x-y");
    assert_string_equal(network_link_at(network, "y", 1)->name, "x-y");
    assert_null(network_link_at(network, "x", 2));
    assert_string_equal(network_host_at(network, "x", 2)->name, "fep");
    assert_null(network_host_at(network, "x", 1));
    struct host *moved = host_copy(network_host(network, "fep"));
    moved->port = 4;
    network_put_host(network, moved);
    assert_null(network_host_at(network, "x", 2));
    assert_string_equal(network_host_at(network, "x", 4)->name, "fep");
    assert_string_equal(network_node_by_dpid(network, 2)->name, "y");
    assert_null(network_node_by_dpid(network, 3));
    network_free(network);
}

static struct router *
router_of(const char *name, uint32_t router_id)
{
    struct router *r = object_new(OBJECT_ROUTER);
    r->name = xstrdup(name);
    r->site = xstrdup("s");
    r->router_id = router_id;
    return r;
}

static void
lookups_by_router_id_follow_every_change(void **state UNUSED)
{
    struct network *network = network_new();
    assert_null(network_router_by_id(network, 7));
    network_put_router(network, router_of("pe1", 7));
    network_put_router(network, router_of("pe2", 8));
    assert_string_equal(network_router_by_id(network, 7)->name, "pe1");
    assert_string_equal(network_router_by_id(network, 8)->name, "pe2");
    network_put_router(network, router_of("pe1", 9));
    assert_null(network_router_by_id(network, 7));
    assert_string_equal(network_router_by_id(network, 9)->name, "pe1");
    assert_ok(network_remove_router(network, "pe1"));
    assert_null(network_router_by_id(network, 9));
    network_free(network);
}

static void
ports_are_found_by_number_and_name(void **state UNUSED)
{
    struct network *network = network_quoted("{" SMALL_INVENTORY "}");
    const struct node *x = network_node(network, "x");
    for (uint32_t number = 1; number <= 4; number++)
        assert_int_equal(node_port(x, number)->number, number);
    assert_null(node_port(x, 0));
    assert_null(node_port(x, 5));
    assert_int_equal(node_port_by_name(x, "p3")->number, 3);
    assert_null(node_port_by_name(x, "p9"));
    network_free(network);
}

static void
a_link_has_two_ends(void **state UNUSED)
{
    struct network *network = network_quoted("{" SMALL_INVENTORY "}");
    const struct link *link = network_link(network, "x-y");
    assert_ptr_equal(link_end_at(link, "x"), &link->a);
    assert_ptr_equal(link_far_end(link, "x"), &link->b);
    assert_ptr_equal(link_far_end(link, "y"), &link->a);
    assert_null(link_end_at(link, "z"));
    assert_null(link_far_end(link, "z"));
    network_free(network);
}

static void
a_copy_is_equal_and_shares_nothing(void **state UNUSED)
{
    struct network *network = network_quoted(
        "{" SMALL_INVENTORY ", 'tieline-circuit:circuits': {'circuit': [" MODBUS_CIRCUIT
        ", " GOOSE_CIRCUIT "]}}");
    struct network *copy = network_copy(network);
    json_t *a = network_to_json(network), *b = network_to_json(copy);
    assert_true(json_equal(a, b));
    network_free(network);
    json_t *after = network_to_json(copy); /* of what is left when the first is gone */
    assert_true(json_equal(a, after));
    json_decref(a);
    json_decref(b);
    json_decref(after);
    network_free(copy);
}

static void
equality_is_about_what_is_stated(void **state UNUSED)
{
    struct network *network = network_quoted(
        "{" SMALL_INVENTORY ", 'tieline-circuit:circuits': {'circuit': [" GOOSE_CIRCUIT "]}}");
    struct circuit *copy = circuit_copy(network_circuit(network, "goose-trip"));
    assert_true(circuit_equal(copy, network_circuit(network, "goose-trip")));
    copy->multicast.appid++;
    assert_false(circuit_equal(copy, network_circuit(network, "goose-trip")));
    circuit_free(copy);
    struct node *node = node_copy(network_node(network, "x"));
    assert_true(node_equal(node, network_node(network, "x")));
    free(node->ports[2].name);
    node->ports[2].name = strdup("other");
    assert_false(node_equal(node, network_node(network, "x")));
    node_free(node);
    network_free(network);
}

TEST_MAIN(cmocka_unit_test(a_new_network_is_empty_with_default_settings),
          cmocka_unit_test(putting_again_replaces_in_place),
          cmocka_unit_test(what_is_removed_is_gone),
          cmocka_unit_test(lookups_by_port_follow_every_change),
          cmocka_unit_test(lookups_by_router_id_follow_every_change),
          cmocka_unit_test(ports_are_found_by_number_and_name),
          cmocka_unit_test(a_link_has_two_ends),
          cmocka_unit_test(a_copy_is_equal_and_shares_nothing),
          cmocka_unit_test(equality_is_about_what_is_stated))
