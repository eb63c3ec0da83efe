#include "engineer/plan.h"

#include "engineer/design.h"
#include "engineer/testing_plan.h"

static struct design *
design_into(struct network *net, const struct circuit *c)
{
    struct designer *designer = designer_new(net);
    struct design *design;
    struct diag diag;
    if (designer_add(designer, c, &design, &diag))
        fail_msg("%s", diag.text);
    network_put_design(net, design);
    designer_free(designer);
    return design;
}

static void
what_a_circuit_added_it_takes_away_again(void **state UNUSED)
{
    struct network *net = test_lab();
    struct circuit *one = test_tcp(net, "one", "fep", "rtu-a", 502);
    struct circuit *two = test_tcp(net, "two", "fep", "rtu-a", 503); /* shares ARP and groups */
    struct circuit *trip = test_goose(net, "trip", "relay-a1", "relay-a2 relay-b1");
    struct plan *plan = plan_of(net);
    char *empty = plan_text(plan), *text;
    struct plan_changes added = {0}, removed = {0}, last = {0};
    struct design *d[] = {design_into(net, one), design_into(net, two), design_into(net, trip)};
    struct circuit *c[] = {one, two, trip};
    for (int i = 0; i < 3; i++)
        assert_ok(plan_add_circuit(plan, net, c[i], d[i], &added, NULL));
    plan_remove_circuit(plan, net, one, d[0], &removed);
    plan_remove_circuit(plan, net, trip, d[2], &removed);
    for (uint32_t i = 0; i < removed.n; i++) /* what `two` needs stays */
        assert_false(removed.list[i].rule.kind == RULE_FLOW &&
                     removed.list[i].rule.flow->cookie == rule_cookie(0, ROLE_ARP));
    plan_remove_circuit(plan, net, two, d[1], &last);
    assert_int_equal(removed.n + last.n, added.n);
    text = plan_text(plan);
    assert_string_equal(text, empty);
    free(text);
    free(empty);
    plan_changes_free(&added);
    plan_changes_free(&removed);
    plan_changes_free(&last);
    plan_free(plan);
    network_free(net);
}

static void
the_order_of_circuits_does_not_matter(void **state UNUSED)
{
    struct network *net = test_lab();
    const char *names[] = {"a", "b", "c"};
    for (uint16_t i = 0; i < 3; i++)
        design_into(net, test_tcp(net, names[i], i ? "hist" : "fep", "rtu-b", (uint16_t)(500 + i)));
    struct plan *forwards = plan_of(net), *backwards = plan_new();
    for (struct node *node = net->nodes; node; node = node->hh.next)
        assert_ok(plan_add_node(backwards, node, NULL, NULL));
    for (int i = 3; i-- > 0;)
        assert_ok(plan_add_circuit(backwards, net, network_circuit(net, names[i]),
                                   network_design(net, names[i]), NULL, NULL));
    char *a = plan_text(forwards), *b = plan_text(backwards);
    assert_string_equal(a, b);
    free(a);
    free(b);
    plan_free(forwards);
    plan_free(backwards);
    network_free(net);
}

static void
a_contradiction_is_named_and_leaves_no_trace(void **state UNUSED)
{
    struct network *net = test_lab();
    struct circuit *one = test_goose(net, "one", "relay-a1", "relay-a2");
    struct circuit *two = test_goose(net, "two", "relay-a1", "relay-b1"); /* same headers */
    two->multicast.appid = 2;
    struct design *d1 = design_into(net, one), *d2 = design_into(net, two);
    struct network *bare = test_lab();
    struct plan *plan = plan_of(bare);
    network_free(bare);
    struct plan_changes changes = {0};
    struct diag diag;
    assert_ok(plan_add_circuit(plan, net, one, d1, &changes, NULL));
    char *before = plan_text(plan);
    uint32_t n = changes.n;
    assert_err(plan_add_circuit(plan, net, two, d2, &changes, &diag), ERR_CONFLICT);
    assert_non_null(strstr(diag.text, "which contradicts"));
    char *after = plan_text(plan);
    assert_string_equal(before, after);
    assert_int_equal(changes.n, n);
    free(before);
    free(after);
    plan_changes_free(&changes);
    plan_free(plan);
    network_free(net);
}

static void
changes_come_in_an_order_devices_can_take(void **state UNUSED)
{
    struct network *net = test_lab();
    struct circuit *c = test_goose(net, "trip", "relay-a1", "relay-a2 relay-b1 rtu-a rtu-b");
    struct design *d = design_into(net, c);
    struct plan *plan = plan_new();
    struct plan_changes up = {0}, down = {0};
    assert_ok(plan_add_circuit(plan, net, c, d, &up, NULL));
    plan_remove_circuit(plan, net, c, d, &down);
    assert_int_equal(up.n, down.n);
    for (uint32_t i = 1; i < up.n; i++) {
        assert_true(up.list[i].rule.kind >= up.list[i - 1].rule.kind);
        assert_true(down.list[i].rule.kind <= down.list[i - 1].rule.kind);
    }
    /* A group comes after those it names. */
    for (uint32_t i = 0; i < up.n; i++) {
        if (up.list[i].rule.kind != RULE_GROUP)
            continue;
        for (uint32_t k = i + 1; k < up.n && up.list[k].rule.kind == RULE_GROUP; k++) {
            const struct group *g = up.list[i].rule.group;
            for (uint32_t b = 0; b < g->n_buckets; b++)
                assert_false(!strcmp(up.list[i].node, up.list[k].node) &&
                             g->buckets[b].watch_group == up.list[k].rule.group->group_id);
        }
    }
    plan_changes_free(&up);
    plan_changes_free(&down);
    plan_free(plan);
    network_free(net);
}

static void
the_hash_is_of_what_changes_and_nothing_else(void **state UNUSED)
{
    struct network *net = test_lab();
    struct circuit *c = test_tcp(net, "one", "fep", "rtu-a", 502);
    struct design *d = design_into(net, c);
    char hashes[3][PLAN_HASH_SIZE];
    for (int i = 0; i < 3; i++) {
        struct plan *plan = plan_new();
        struct plan_changes changes = {0};
        if (i == 2)
            c->rate_kbps++;
        assert_ok(plan_add_circuit(plan, net, c, d, &changes, NULL));
        plan_changes_hash(&changes, hashes[i]);
        assert_int_equal(strlen(hashes[i]), 64);
        plan_changes_free(&changes);
        plan_free(plan);
    }
    assert_string_equal(hashes[0], hashes[1]);
    assert_string_not_equal(hashes[0], hashes[2]);
    network_free(net);
}

TEST_MAIN(cmocka_unit_test(what_a_circuit_added_it_takes_away_again),
          cmocka_unit_test(the_order_of_circuits_does_not_matter),
          cmocka_unit_test(a_contradiction_is_named_and_leaves_no_trace),
          cmocka_unit_test(changes_come_in_an_order_devices_can_take),
          cmocka_unit_test(the_hash_is_of_what_changes_and_nothing_else))
