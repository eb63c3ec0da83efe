#include "engineer/ruleset.h"

#include "base/testing.h"

#include <stdlib.h>

static uint64_t seed = 5;

static uint32_t
draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

/* Flow number n of a few hundred; `effect` is what it does. */
static struct flow
flow_of(uint32_t n, uint32_t effect)
{
    struct flow flow = {.priority = (uint16_t)(n % 3), .cookie = n};
    match_set(&flow.match, FIELD_IN_PORT, n / 3 % 40);
    if (n >= 120)
        match_set(&flow.match, FIELD_ETH_TYPE, n);
    actions_set_queue(&flow.apply, effect);
    actions_output(&flow.apply, n);
    actions_output(&flow.write, effect);
    flow.has_apply = flow.has_write = true;
    return flow;
}

/* Against an array that says for each flow what it should do. */
static void
a_set_keeps_what_it_was_given_and_nothing_else(void **state UNUSED)
{
    enum { N = 600 };
    struct ruleset set = {0};
    uint32_t effects[N] = {0}, count = 0;
    for (int step = 0; step < 20000; step++) {
        uint32_t n = draw(N), effect = 1 + draw(5);
        struct flow flow = flow_of(n, effect);
        struct rule rule = rule_of_flow(&flow);
        struct rule_item *item = ruleset_find(&set, &rule);
        assert_int_equal(item != NULL, effects[n] != 0);
        if (item)
            assert_int_equal(item->flow.apply.list[0].id, effects[n]);
        if (step % 4000 < 2500 ? draw(3) : !draw(3)) { /* grows, then shrinks */
            count += !item;
            item = ruleset_put(&set, &rule);
            assert_true(rule_equal(&item->rule, &rule));
            effects[n] = effect;
        } else if (item) {
            count--;
            ruleset_remove(&set, item);
            effects[n] = 0;
        }
        assert_int_equal(ruleset_count(&set), count);
        flow_fini(&flow);
    }
    uint32_t seen = 0;
    for (const struct rule_item *item = set.items; item; item = item->hh.next) {
        uint32_t n = (uint32_t)item->flow.cookie;
        struct flow expected = flow_of(n, effects[n]);
        assert_true(flow_equal(&item->flow, &expected));
        flow_fini(&expected);
        seen++;
    }
    assert_int_equal(seen, count);
    ruleset_fini(&set);
    assert_int_equal(ruleset_count(&set), 0);
}

static void
one_is_needed_once(void **state UNUSED)
{
    struct ruleset set = {0};
    struct flow first = flow_of(7, 1), other = flow_of(7, 2);
    struct rule rule = rule_of_flow(&first), same = rule_of_flow(&other);
    bool is_new;
    struct rule_item *item = ruleset_need(&set, &rule, &is_new);
    assert_true(is_new);
    assert_ptr_equal(ruleset_need(&set, &same, &is_new), item);
    assert_false(is_new);
    assert_int_equal(item->flow.apply.list[0].id, 1); /* it does what it did */
    /* What is held outlives the set, and a rule may be put in place of itself. */
    rule_item_hold(item);
    assert_ptr_not_equal(ruleset_put(&set, &item->rule), item);
    ruleset_fini(&set);
    assert_true(rule_equal(&item->rule, &rule));
    rule_item_release(item);
    flow_fini(&first);
    flow_fini(&other);
}

static void
groups_and_meters_are_copied_whole(void **state UNUSED)
{
    struct ruleset set = {0};
    struct action actions[3] = {{.type = ACTION_OUTPUT, .id = 1},
                                {.type = ACTION_POP_VLAN},
                                {.type = ACTION_OUTPUT, .id = 2}};
    struct bucket buckets[3] = {{0, 1, GROUP_ANY, {actions, 1}},
                                {0, PORT_ANY, GROUP_ANY, {NULL, 0}},
                                {0, 2, GROUP_ANY, {actions + 1, 2}}};
    struct band bands[2] = {{.type = BAND_DROP, .rate = 5}, {.type = BAND_DROP, .rate = 9}};
    struct group group = {4, GROUP_TYPE_FF, 3, buckets}, empty = {5, GROUP_TYPE_ALL, 0, NULL};
    struct meter meter = {4, METER_KBPS, 2, bands};
    const struct rule rules[] = {rule_of_group(&group), rule_of_group(&empty),
                                 rule_of_meter(&meter)};
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
        assert_true(rule_equal(&ruleset_put(&set, &rules[i])->rule, &rules[i]));
    actions[2].id = 3;
    assert_false(rule_equal(&ruleset_find(&set, &rules[0])->rule, &rules[0]));
    bands[1].rate = 8;
    assert_false(rule_equal(&ruleset_find(&set, &rules[2])->rule, &rules[2]));
    struct rule_list list;
    ruleset_list(&set, &list);
    assert_int_equal(list.n, 3);
    assert_int_equal(list.list[0].kind, RULE_METER); /* canonical order */
    assert_int_equal(list.list[1].group->group_id, 4);
    assert_int_equal(list.list[2].group->group_id, 5);
    free(list.list);
    ruleset_fini(&set);
}

TEST_MAIN(cmocka_unit_test(a_set_keeps_what_it_was_given_and_nothing_else),
          cmocka_unit_test(one_is_needed_once),
          cmocka_unit_test(groups_and_meters_are_copied_whole))
