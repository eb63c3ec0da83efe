/* Plans are minimal and stable: the same network and circuits give the same plan, byte for byte,
 * and a circuit more or less changes only what it must. On the lab and on random networks. */
#include "engineer/plan.h"

#include "engineer/compile_private.h"
#include "engineer/testing_plan.h"
#include "engineer/testing_random.h"
#include "model/json.h"
#include "model/object.h"

#define CIRCUITS 24

/* Designs all circuits in their order; those that do not fit go. Returns the designs as text. */
static char *
designs_as_text(struct network *net)
{
    struct designer *designer = designer_new(net);
    struct buf out = BUF_INIT;
    for (struct circuit *c = net->circuits, *next; c; c = next) {
        struct design *design;
        next = c->hh.next;
        if (designer_add(designer, c, &design, NULL)) {
            buf_printf(&out, "%s does not fit\n", c->name);
            assert_ok(network_remove_circuit(net, c->name));
            continue;
        }
        json_t *json = design_to_json(design);
        char *text = json_dumps(json, JSON_SORT_KEYS);
        buf_printf(&out, "%s\n", text);
        free(text);
        json_decref(json);
        network_put_design(net, design);
    }
    designer_free(designer);
    return buf_steal_cstr(&out);
}

/* The same network, its objects put there in another order; the circuits in theirs. */
static struct network *
shuffled(const struct network *net)
{
    struct network *copy = network_new();
    for (enum object_kind kind = 0; kind < OBJECT_NAMED_MAX; kind++) {
        uint32_t n = network_count(net, kind), at = 0;
        void **objects = xcalloc(n, sizeof *objects);
        for (void *object = network_first(net, kind); object; object = object_next(kind, object))
            objects[at++] = object;
        for (uint32_t i = n; i > 1 && kind != OBJECT_CIRCUIT; i--) {
            uint32_t other = draw(i);
            void *swap = objects[i - 1];
            objects[i - 1] = objects[other];
            objects[other] = swap;
        }
        for (uint32_t i = 0; i < n; i++)
            network_put(copy, kind, object_copy(kind, objects[i]));
        free(objects);
    }
    return copy;
}

static struct network *
random_network_with_circuits(void)
{
    struct network *net = random_network();
    for (uint32_t i = 0; i < CIRCUITS; i++)
        random_circuit(net, i);
    return net;
}

static void
assert_order_is_nothing(struct network *net)
{
    struct network *others[3];
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        others[i] = shuffled(net);
    char *designs = designs_as_text(net);
    struct plan *plan = plan_of(net);
    char *text = plan_text(plan);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        char *other_designs = designs_as_text(others[i]);
        struct plan *other_plan = plan_of(others[i]);
        char *other_text = plan_text(other_plan);
        assert_string_equal(other_designs, designs);
        assert_string_equal(other_text, text);
        free(other_designs);
        free(other_text);
        plan_free(other_plan);
        network_free(others[i]);
    }
    free(designs);
    free(text);
    plan_free(plan);
}

static void
the_order_of_statements_does_not_matter(void **state UNUSED)
{
    for (int round = 0; round < 60; round++) {
        struct network *net = random_network_with_circuits();
        assert_order_is_nothing(net);
        network_free(net);
    }
    struct network *lab = test_lab();
    test_tcp(lab, "one", "fep", "rtu-a", 502);
    test_goose(lab, "trip", "relay-a1", "relay-a2 relay-b1");
    test_tcp(lab, "two", "hist", "rtu-b", 502);
    assert_order_is_nothing(lab);
    network_free(lab);
}

/* Is it this circuit's alone, or one of those that circuits share? */
static bool
may_come_with(const struct rule *rule, uint32_t number)
{
    if (rule->kind == RULE_METER)
        return rule->meter->meter_id / 2 == number;
    if (rule->kind == RULE_FLOW)
        return cookie_number(rule->flow->cookie) == number ||
               rule->flow->cookie == rule_cookie(0, ROLE_ARP);
    uint32_t family = rule->group->group_id >> 28, owner = rule->group->group_id >> 12 & 0xffff;
    return family < GROUP_FAILOVER_PATHS || owner == number;
}

static bool
is_in(const struct plan *plan, const struct plan_change *change)
{
    const struct ruleset *rules = plan_ruleset(plan, change->node);
    return rules && ruleset_find(rules, &change->rule);
}

static void
one_circuit_changes_only_what_it_must(void **state UNUSED)
{
    uint32_t compared = 0;
    for (int round = 0; round < 40; round++) {
        struct network *net = random_network_with_circuits();
        free(designs_as_text(net));
        struct plan *plan = plan_of(net), *before = plan_of(net);
        char *text = plan_text(plan);
        struct designer *designer = designer_new(net);
        for (uint32_t i = 0; i < 5; i++) {
            struct circuit *c = random_circuit(net, 100 + i);
            struct design *d;
            struct plan_changes up = {0}, down = {0};
            if (designer_add(designer, c, &d, NULL))
                continue;
            assert_ok(plan_add_circuit(plan, net, c, d, &up, NULL));
            assert_true(up.n > 0);
            for (uint32_t k = 0; k < up.n; k++) {
                assert_true(up.list[k].add);
                assert_true(may_come_with(&up.list[k].rule, d->number));
                assert_false(is_in(before, &up.list[k]));
            }
            plan_remove_circuit(plan, net, c, d, &down);
            assert_int_equal(down.n, up.n);
            char *after = plan_text(plan);
            assert_string_equal(after, text);
            free(after);
            designer_remove(designer, c, d);
            design_free(d);
            plan_changes_free(&up);
            plan_changes_free(&down);
            compared++;
        }
        designer_free(designer);
        free(text);
        plan_free(plan);
        plan_free(before);
        network_free(net);
    }
    assert_true(compared > 50);
}

static void
toggle(struct network *net, struct designer *designer, struct plan *plan, const struct circuit *c)
{
    struct design *d = network_design(net, c->name);
    if (d) {
        plan_remove_circuit(plan, net, c, d, NULL);
        designer_remove(designer, c, d);
        assert_ok(network_remove_design(net, c->name));
    } else if (!designer_add(designer, c, &d, NULL)) {
        assert_ok(plan_add_circuit(plan, net, c, d, NULL, NULL));
        network_put_design(net, d);
    }
}

static void
after_any_steps_the_plan_is_that_of_what_is_left(void **state UNUSED)
{
    for (int round = 0; round < 300; round++) {
        struct network *net = random_network_with_circuits();
        struct designer *designer = designer_new(net);
        struct plan *plan = plan_of(net);
        const struct circuit *circuits[CIRCUITS];
        uint32_t n = 0;
        for (struct circuit *c = net->circuits; c; c = c->hh.next)
            circuits[n++] = c;
        for (uint32_t i = 10 + draw(40); i > 0; i--)
            toggle(net, designer, plan, circuits[draw(n)]);
        struct plan *anew = plan_of(net);
        char *text = plan_text(plan), *text_anew = plan_text(anew);
        assert_string_equal(text, text_anew);
        free(text);
        free(text_anew);
        plan_free(plan);
        plan_free(anew);
        designer_free(designer);
        network_free(net);
    }
}

TEST_MAIN(cmocka_unit_test(the_order_of_statements_does_not_matter),
          cmocka_unit_test(one_circuit_changes_only_what_it_must),
          cmocka_unit_test(after_any_steps_the_plan_is_that_of_what_is_left))
