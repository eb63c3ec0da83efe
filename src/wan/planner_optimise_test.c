/* The network of planner_testing.h: 1 and 3 have two ways between them that share nothing, by 2,
 * and by 4, 5 and 6; 2-5 joins them. */
#include "wan/planner_steps.h"
#include "wan/planner_testing.h"

/* Tunnels between 1 and 3, all on the way by 2. */
static void
crowd(unsigned n, uint32_t kbps)
{
    for (unsigned i = 0; i < n; i++) {
        char name[8];
        snprintf(name, sizeof name, "t%u", i + 1);
        struct tunnel *t = tunnel(name, 1, 3, kbps);
        struct placed p;
        t->protection = DISJOINT_NONE;
        t->setup_priority = t->hold_priority = 4;
        t->metric = TUNNEL_DELAY;
        assert_ok(place(t, 0, false, &p));
        assert_way(p.paths[TUNNEL_PRIMARY], "r1 r2 r3");
        hold(t, i + 1, &p);
        placed_fini(&p);
        tunnel_free(t);
    }
}

static json_t *
ask(double threshold, uint8_t keep_priority)
{
    const struct planner_aim aim = {threshold, keep_priority};
    struct diag why = {""};
    json_t *answer = NULL;
    assert_ok(planner_optimise(planner, model, &aim, &answer, &why));
    return answer;
}

static double
number(const json_t *answer, const char *where, const char *what)
{
    const json_t *summary = json_object_get(answer, "summary"),
                 *of = where ? json_object_get(summary, where) : summary;
    return json_number_value(json_object_get(of, what));
}

static const json_t *
step(const json_t *answer, size_t i)
{
    return json_array_get(json_object_get(json_object_get(answer, "plan"), "steps"), i);
}

static json_int_t
n_moves(const json_t *answer)
{
    return json_integer_value(json_object_get(answer, "moves"));
}

static void
tunnels_that_crowd_a_link_are_spread(void **state UNUSED)
{
    crowd(3, 30000);
    json_t *answer = ask(0, 1);
    assert_float_equal(number(answer, "before", "highest-utilisation"), 0.9, 1e-9);
    assert_float_equal(number(answer, "after", "highest-utilisation"), 0.6, 1e-9);
    assert_true(number(answer, NULL, "bound") <= 0.6);
    assert_true(number(answer, NULL, "bound") > 0.44);
    assert_int_equal(n_moves(answer), 1);
    const json_t *moved = json_object_get(json_object_get(step(answer, 0), "paths"), "primary");
    char *to = way(moved);
    assert_ptr_equal(strstr(to, "r1 r4 r5 "), to);
    assert_null(strstr(to, "r2 r3"));
    assert_non_null(json_object_get(moved, "labels-back"));
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(step(answer, 0), "was"), "primary")), 2);
    assert_null(json_object_get(step(answer, 0), "overlap"));
    free(to);
    json_decref(answer);
}

static void
the_fewest_moves_end_congestion(void **state UNUSED)
{
    crowd(4, 20000);
    json_t *answer = ask(0.7, 1);
    assert_int_equal(n_moves(answer), 1);
    assert_true(json_is_true(json_object_get(json_object_get(answer, "summary"), "fewest")));
    assert_int_equal((int)number(answer, "before", "above"), 4); /* two links, both ways */
    assert_int_equal((int)number(answer, "after", "above"), 0);
    json_decref(answer);
    answer = ask(0.9, 1);
    assert_int_equal(n_moves(answer), 0);
    json_decref(answer);
}

static void
what_cannot_be_relieved_is_said(void **state UNUSED)
{
    crowd(3, 30000);
    json_t *answer = ask(0.2, 1);
    assert_float_equal(number(answer, "after", "highest-utilisation"), 0.6, 1e-9); /* but nearer */
    const json_t *left = json_object_get(json_object_get(answer, "summary"), "left");
    assert_true(json_array_size(left) > 0);
    assert_true(json_integer_value(json_object_get(json_array_get(left, 0), "over-bps")) > 0);
    json_decref(answer);
}

static void
more_important_ones_stay(void **state UNUSED)
{
    crowd(3, 30000);
    json_t *answer = ask(0, 5);
    assert_int_equal(n_moves(answer), 0);
    assert_int_equal((int)number(answer, NULL, "fixed"), 3);
    json_decref(answer);
}

/* The standby path of one is on the only other way: it stays apart from the primary one. */
static void
paths_of_one_tunnel_stay_apart(void **state UNUSED)
{
    struct tunnel *t = tunnel("pair", 1, 3, 30000);
    struct placed p;
    put_way(4, 5, 3000, 8);
    look_again();
    t->protection = DISJOINT_LINK;
    t->setup_priority = t->hold_priority = 4;
    t->metric = TUNNEL_DELAY;
    assert_ok(place(t, 0, false, &p));
    hold(t, 9, &p);
    placed_fini(&p);
    tunnel_free(t);
    crowd(2, 30000);
    json_t *answer = ask(0, 1);
    assert_float_equal(number(answer, "after", "highest-utilisation"), 0.6, 1e-9);
    for (size_t i = 0; step(answer, i); i++)
        assert_string_not_equal(json_string_value(json_object_get(step(answer, i), "tunnel")),
                                "pair");
    json_decref(answer);
}

/* No other way than the shortest one is one label. */
static void
what_routers_cannot_be_told_of_is_not_planned(void **state UNUSED)
{
    crowd(3, 30000);
    for (unsigned n = 1; n <= 6; n++) {
        struct ted_node_record r = {.id = ospf_id(n),
                                    .told = TED_BIT(TED_ROUTER_ID) | TED_BIT(TED_SRGB) |
                                            TED_BIT(TED_NODE_SID) | TED_BIT(TED_MSD),
                                    .router_id = router_id(n),
                                    .srgb_base = 16000,
                                    .srgb_size = 8000,
                                    .sid_index = n,
                                    .max_sid_depth = 1};
        assert_ok(ted_put_node(ted, source, &r, 3));
    }
    look_again();
    json_t *answer = ask(0, 1);
    assert_int_equal(n_moves(answer), 0);
    assert_float_equal(number(answer, "after", "highest-utilisation"), 0.9, 1e-9);
    json_decref(answer);
}

/* ---- The order ---- */

static uint32_t
number_of(const struct lineup *l, const char *name)
{
    for (uint32_t i = 0; i < l->n; i++) {
        if (l->parts[i].held && !strcmp(l->parts[i].held->tunnel->name, name))
            return i;
    }
    return TE_NONE;
}

/* Two that fill their ways change places, and nobody can go first. */
static void
a_step_that_needs_more_than_there_is_is_named(void **state UNUSED)
{
    struct tunnel *t = tunnel("u", 1, 3, 60000);
    struct placed p;
    struct lineup l;
    struct diag why = {""};
    json_t *answer;
    crowd(1, 60000);
    t->protection = DISJOINT_NONE;
    t->setup_priority = t->hold_priority = 4;
    assert_ok(place(t, 0, false, &p));
    hold(t, 2, &p);
    put_way_of(2, 5, 1000, 0, 1000000); /* no way round */
    look_again();
    lineup_init(&l, planner, model, 1);
    uint32_t a = number_of(&l, "t1"), b = number_of(&l, "u");
    struct te_move moves[] = {{a, (uint32_t *)(uintptr_t)l.lsps[b].links, l.lsps[b].n_links},
                              {b, (uint32_t *)(uintptr_t)l.lsps[a].links, l.lsps[a].n_links}};
    assert_ok(steps_json(&l, moves, 2, 1.0, &answer, &why));
    assert_int_equal(n_moves(answer), 2);
    const json_t *overlap = json_object_get(step(answer, 0), "overlap");
    assert_true(json_array_size(overlap) > 0);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(overlap, 0), "over-bps")),
                     20000000);
    assert_null(json_object_get(step(answer, 1), "overlap"));
    assert_float_equal(number(answer, "after", "highest-utilisation"), 0.6, 1e-9);
    json_decref(answer);
    lineup_fini(&l);
    placed_fini(&p);
    tunnel_free(t);
}

/* The paths of a tunnel change places: one alone would lie upon the other. */
static void
both_paths_of_a_tunnel_change_places_in_one_step(void **state UNUSED)
{
    struct tunnel *t = tunnel("pair", 1, 3, 1000);
    struct placed p;
    struct lineup l;
    struct diag why = {""};
    json_t *answer;
    put_way(4, 5, 3000, 8);
    look_again();
    t->protection = DISJOINT_LINK;
    t->setup_priority = t->hold_priority = 4;
    assert_ok(place(t, 0, false, &p));
    hold(t, 1, &p);
    lineup_init(&l, planner, model, 1);
    assert_int_equal(l.n, 2);
    struct te_move moves[] = {{0, (uint32_t *)(uintptr_t)l.lsps[1].links, l.lsps[1].n_links},
                              {1, (uint32_t *)(uintptr_t)l.lsps[0].links, l.lsps[0].n_links}};
    assert_ok(steps_json(&l, moves, 2, 1.0, &answer, &why));
    assert_int_equal(n_moves(answer), 1);
    const json_t *paths = json_object_get(step(answer, 0), "paths");
    assert_way(json_object_get(paths, "primary"), "r1 r4 r5 r6 r3");
    assert_way(json_object_get(paths, "standby"), "r1 r2 r3");
    json_decref(answer);
    lineup_fini(&l);
    placed_fini(&p);
    tunnel_free(t);
}

/* ---- When its turn comes ---- */

static void
a_move_is_looked_at_once_more(void **state UNUSED)
{
    struct diag why = {""};
    struct placed p;
    crowd(3, 30000);
    json_t *answer = ask(0, 1);
    const json_t *to[TUNNEL_PATHS] = {
        json_object_get(json_object_get(step(answer, 0), "paths"), "primary")};
    struct tunnel *t = tunnel(json_string_value(json_object_get(step(answer, 0), "tunnel")), 1, 3,
                              30000);
    t->protection = DISJOINT_NONE;
    t->setup_priority = t->hold_priority = 4;
    assert_ok(planner_may_move(planner, model, t, false, to, &why));
    struct tunnel *other = tunnel("other", 1, 5, 80000);
    other->protection = DISJOINT_NONE;
    other->metric = TUNNEL_HOPS;
    assert_ok(place(other, 0, false, &p));
    assert_way(p.paths[TUNNEL_PRIMARY], "r1 r4 r5");
    hold(other, 8, &p);
    assert_err(planner_may_move(planner, model, t, false, to, &why), ERR_CONFLICT);
    assert_non_null(strstr(why.text, "kbit/s left"));
    assert_ok(planner_may_move(planner, model, t, true, to, &why));
    t->max_latency_us = 1500;
    assert_err(planner_may_move(planner, model, t, true, to, &why), ERR_CONFLICT);
    json_decref(answer);
    placed_fini(&p);
    tunnel_free(t);
    tunnel_free(other);
}

static void
a_copy_answers_the_same_and_outlives_what_it_is_of(void **state UNUSED)
{
    const struct planner_aim aim = {0, 1};
    struct diag why = {""};
    json_t *copied = NULL;
    crowd(3, 30000);
    json_t *answer = ask(0, 1);
    struct planner *copy = planner_copy(planner);
    planner_release(planner, "t1");
    put_way(1, 2, 9000, 0);
    look_again();
    planner_open(copy);
    assert_ok(planner_optimise(copy, model, &aim, &copied, &why));
    assert_true(json_equal(answer, copied));
    planner_free(copy);
    json_decref(answer);
    json_decref(copied);
}

static void
nothing_is_optimised_before_the_network_is_known(void **state UNUSED)
{
    const struct planner_aim aim = {0, 1};
    struct diag why = {""};
    json_t *answer;
    struct planner *blind = planner_new();
    assert_err(planner_optimise(blind, model, &aim, &answer, &why), ERR_BUSY);
    planner_free(blind);
}

TEST_MAIN(T(tunnels_that_crowd_a_link_are_spread), T(the_fewest_moves_end_congestion),
          T(what_cannot_be_relieved_is_said), T(more_important_ones_stay),
          T(paths_of_one_tunnel_stay_apart), T(what_routers_cannot_be_told_of_is_not_planned),
          T(a_step_that_needs_more_than_there_is_is_named),
          T(both_paths_of_a_tunnel_change_places_in_one_step), T(a_move_is_looked_at_once_more),
          T(a_copy_answers_the_same_and_outlives_what_it_is_of),
          T(nothing_is_optimised_before_the_network_is_known))
