#include "wan/planner_testing.h"
#include "wan/wan_private.h"

static json_t *
placement(const json_t *answer, size_t i)
{
    return json_array_get(json_object_get(json_object_get(answer, "plan"), "placements"), i);
}

/* Two of 60 Mbit/s where a link has 100: the more important one is placed first, and seen. */
static void
tunnels_of_one_order_see_each_other(void **state UNUSED)
{
    json_t *ask = json_pack("{s[ss]}", "tunnels", "a", "b"), *answer = NULL, *again = NULL;
    struct diag why = {""};
    for (unsigned i = 0; i < 2; i++) {
        struct tunnel *t = tunnel(i ? "b" : "a", 1, 3, 60000);
        t->protection = DISJOINT_NONE;
        t->metric = TUNNEL_DELAY;
        t->setup_priority = t->hold_priority = (uint8_t)(i ? 2 : 5);
        network_put_tunnel(model, t);
    }
    assert_ok(wan_design(planner, model, ask, &answer, &why));
    assert_string_equal(json_string_value(json_object_get(placement(answer, 0), "tunnel")), "b");
    assert_way(json_object_get(placement(answer, 0), "primary"), "r1 r2 r3");
    assert_way(json_object_get(placement(answer, 1), "primary"), "r1 r4 r5 r6 r3");
    assert_int_equal(strlen(json_string_value(json_object_get(answer, "plan_hash"))), 64);
    planner_release(planner, "a");
    planner_release(planner, "b");
    assert_ok(wan_design(planner, model, ask, &again, &why));
    assert_true(json_equal(answer, again));
    json_decref(answer);
    json_decref(again);
    json_decref(ask);
}

static void
a_tunnel_that_went_meanwhile_is_named(void **state UNUSED)
{
    json_t *ask = json_pack("{s[s]}", "tunnels", "gone"), *answer = NULL;
    struct diag why = {""};
    assert_err(wan_design(planner, model, ask, &answer, &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "gone"));
    assert_null(answer);
    json_decref(ask);
}

TEST_MAIN(T(tunnels_of_one_order_see_each_other), T(a_tunnel_that_went_meanwhile_is_named))
