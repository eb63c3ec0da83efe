/* The network of planner_testing.h: 1 and 3 have two ways between them that share nothing, by 2,
 * and by 4, 5 and 6; 2-5 joins them. */
#include "wan/planner_testing.h"

static void
build(const char *name, uint32_t number, unsigned head, unsigned tail, uint32_t kbps,
      enum disjointness protection)
{
    struct tunnel *t = tunnel(name, head, tail, kbps);
    struct placed p;
    t->protection = protection;
    t->metric = TUNNEL_DELAY;
    assert_ok(place(t, 0, false, &p));
    hold(t, number, &p);
    placed_fini(&p);
    tunnel_free(t);
}

static const char *
node_key(unsigned n)
{
    static char key[64];
    const struct ted_view *view = ted_view(ted);
    const struct te_network *net = ted_view_network(view);
    struct ted_node_info info;
    const struct te_address id = router_id(n);
    *key = '\0';
    for (uint32_t i = 0; i < net->n_nodes && ted_node_info_at(ted, i, &info); i++) {
        if (!memcmp(&info.node->router_id, &id, sizeof id))
            snprintf(key, sizeof key, "%s", info.key);
    }
    ted_view_release(view);
    assert_true(*key);
    return key;
}

static json_t *
drain(enum drain_kind kind, const char *key)
{
    struct diag why = {""};
    json_t *answer = NULL;
    if (planner_drain(planner, model, kind, key, &answer, &why))
        fail_msg("%s", why.text);
    return answer;
}

static const json_t *
stuck(const json_t *answer)
{
    return json_object_get(json_object_get(answer, "summary"), "stuck");
}

static const json_t *
path_of(const json_t *answer, size_t step, const char *path)
{
    const json_t *steps = json_object_get(json_object_get(answer, "plan"), "steps");
    return json_object_get(json_object_get(json_array_get(steps, step), "paths"), path);
}

static const char *
why(const json_t *answer, size_t i)
{
    return json_string_value(json_object_get(json_array_get(stuck(answer), i), "why"));
}

static void
what_passes_a_router_goes_round_it_and_who_ends_there_stays(void **state UNUSED)
{
    build("through", 1, 1, 3, 1000, DISJOINT_NONE);
    build("ends", 2, 2, 3, 1000, DISJOINT_NONE);
    json_t *answer = drain(DRAIN_ROUTER, node_key(2));
    assert_int_equal(json_integer_value(json_object_get(answer, "moves")), 1);
    assert_way(path_of(answer, 0, "primary"), "r1 r4 r5 r6 r3");
    assert_int_equal(json_array_size(stuck(answer)), 1);
    assert_string_equal(why(answer, 0), "ends-there");
    json_decref(answer);
}

static void
a_link_and_a_risk_are_emptied(void **state UNUSED)
{
    build("t", 1, 1, 2, 1000, DISJOINT_NONE); /* by the link that has risk 7 */
    const struct ted_view *view = ted_view(ted);
    const struct te_network *net = ted_view_network(view);
    uint32_t link = 0;
    while (!net->links[link].n_srlgs || net->links[link].delay_us != 1000)
        link++;
    json_t *answer = drain(DRAIN_LINK, ted_view_link_key(view, link));
    assert_int_equal(json_integer_value(json_object_get(answer, "moves")), 1);
    assert_way(path_of(answer, 0, "primary"), "r1 r4 r5 r2");
    json_decref(answer);
    answer = drain(DRAIN_SRLG, "7"); /* 4-5 has it, too: there is nothing else */
    assert_int_equal(json_integer_value(json_object_get(answer, "moves")), 0);
    assert_string_equal(why(answer, 0), "no-path");
    json_decref(answer);
    ted_view_release(view);
}

static void
who_finds_other_ways_full_stays_and_is_named(void **state UNUSED)
{
    build("wide", 1, 1, 3, 80000, DISJOINT_NONE);
    build("other", 2, 4, 6, 80000, DISJOINT_NONE);
    json_t *answer = drain(DRAIN_ROUTER, node_key(2));
    assert_int_equal(json_integer_value(json_object_get(answer, "moves")), 0);
    assert_string_equal(why(answer, 0), "no-room");
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(stuck(answer), 0), "tunnel")), "wide");
    json_decref(answer);
}

static void
who_cannot_be_apart_meanwhile_goes_all_the_same(void **state UNUSED)
{
    build("pair", 1, 1, 3, 1000, DISJOINT_MAXIMAL); /* both have risk 7 */
    json_t *answer = drain(DRAIN_ROUTER, node_key(2));
    assert_int_equal(json_integer_value(json_object_get(answer, "moves")), 1);
    assert_way(path_of(answer, 0, "primary"), "r1 r4 r5 r6 r3");
    assert_int_equal(json_array_size(stuck(answer)), 0);
    const json_t *close = json_object_get(json_object_get(answer, "summary"), "close");
    assert_int_equal(json_array_size(close), 1);
    assert_string_equal(json_string_value(json_array_get(close, 0)), "pair");
    json_decref(answer);
}

static bool
may(void *arg, const char *tunnel UNUSED)
{
    return *(bool *)arg;
}

static unsigned n_mended;
static void
count(void *arg UNUSED, const struct planner_mended *m)
{
    n_mended += m->moved;
}

/* Else the order would find it elsewhere than it was planned. */
static void
who_is_being_moved_is_not_improved_meanwhile(void **state UNUSED)
{
    struct tunnel *t = tunnel("pair", 1, 3, 1000);
    struct placed p;
    bool now = false;
    t->protection = DISJOINT_MAXIMAL;
    network_put_tunnel(model, t);
    assert_ok(place(t, 0, false, &p));
    json_t *const both[TUNNEL_PATHS] = {p.paths[TUNNEL_PRIMARY], p.paths[TUNNEL_PRIMARY]};
    planner_hold(planner, t, 1, true, (const json_t *const *)both);
    n_mended = 0;
    planner_mend(planner, model, may, count, &now);
    assert_int_equal(n_mended, 0);
    now = true;
    planner_mend(planner, model, may, count, &now);
    assert_int_equal(n_mended, 1);
    placed_fini(&p);
}

static void
protection_leaves_what_is_drained_too(void **state UNUSED)
{
    struct tunnel *t = tunnel("trip", 1, 3, 1000);
    struct placed p;
    t->protection = DISJOINT_NONE;
    t->setup_priority = t->hold_priority = 0;
    t->metric = TUNNEL_DELAY;
    assert_ok(place(t, 0, false, &p));
    hold(t, 1, &p);
    json_t *answer = drain(DRAIN_ROUTER, node_key(2));
    assert_int_equal(json_integer_value(json_object_get(answer, "moves")), 1);
    assert_int_equal(json_array_size(stuck(answer)), 0);
    json_decref(answer);
    placed_fini(&p);
    tunnel_free(t);
}

static void
what_is_not_there_is_an_error(void **state UNUSED)
{
    struct diag diag = {""};
    json_t *answer = NULL;
    assert_err(planner_drain(planner, model, DRAIN_ROUTER, "nobody", &answer, &diag),
               ERR_NOT_FOUND);
    assert_err(planner_drain(planner, model, DRAIN_SRLG, "8", &answer, &diag), ERR_NOT_FOUND);
    assert_null(answer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_passes_a_router_goes_round_it_and_who_ends_there_stays),
        T(a_link_and_a_risk_are_emptied),
        T(who_finds_other_ways_full_stays_and_is_named),
        T(who_cannot_be_apart_meanwhile_goes_all_the_same),
        T(who_is_being_moved_is_not_improved_meanwhile),
        T(protection_leaves_what_is_drained_too),
        T(what_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
