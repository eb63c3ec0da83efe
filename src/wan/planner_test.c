#include "wan/planner_testing.h"

#include "te/disjoint.h"

#include <stdio.h>

struct seen {
    unsigned n;
    struct planner_finding last;
};

static void
note(void *arg, const struct planner_finding *f)
{
    struct seen *seen = arg;
    seen->n++;
    seen->last = *f;
}

static struct seen
look(void)
{
    struct seen seen = {0};
    planner_look(planner, model, note, &seen);
    return seen;
}

/* ---- Placing ---- */

static void
two_paths_share_no_link_and_no_risk(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 1000);
    struct placed p;
    t->protection = DISJOINT_LINK;
    /* 1-2 and 4-5 are in one duct, and there is no third way out of the left part. */
    assert_err(place(t, 0, false, &p), ERR_CONFLICT);
    assert_non_null(strstr(p.why.text, "no second path"));
    assert_ok(place(t, 0, true, &p)); /* after a failure that is better than nothing */
    assert_non_null(p.paths[TUNNEL_PRIMARY]);
    placed_fini(&p);
    put_way(4, 5, 3000, 8);
    look_again();
    assert_ok(place(t, 0, false, &p));
    assert_way(p.paths[TUNNEL_PRIMARY], "r1 r2 r3");
    assert_way(p.paths[TUNNEL_STANDBY], "r1 r4 r5 r6 r3");
    placed_fini(&p);
    tunnel_free(t);
}

static void
a_path_has_what_it_was_laid_with(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 1000);
    struct placed p;
    t->protection = DISJOINT_NONE;
    t->metric = TUNNEL_DELAY;
    assert_ok(place(t, 0, false, &p));
    assert_way(p.paths[TUNNEL_PRIMARY], "r1 r2 r3");
    assert_null(p.paths[TUNNEL_STANDBY]);
    assert_int_equal(json_integer_value(json_object_get(p.paths[0], "latency-us")), 2000);
    assert_int_equal(json_integer_value(json_object_get(p.paths[0], "latency-back-us")), 2000);
    assert_int_equal(json_array_size(json_object_get(p.paths[0], "labels")), 1);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(p.paths[0], "labels"), 0)),
                     16003);
    assert_int_equal(
        json_integer_value(json_array_get(json_object_get(p.paths[0], "labels-back"), 0)), 16001);
    placed_fini(&p);
    tunnel_free(t);
}

static void
routers_are_passed_and_avoided(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 1000);
    struct placed p;
    t->protection = DISJOINT_NONE;
    t->n_via = 1;
    t->via = xcalloc(1, sizeof *t->via);
    t->via[0] = xstrdup("r5");
    assert_ok(place(t, 0, false, &p));
    char *its = way(p.paths[0]);
    assert_non_null(strstr(its, "r5"));
    free(its);
    placed_fini(&p);
    t->n_avoid = 1;
    t->avoid = xcalloc(1, sizeof *t->avoid);
    t->avoid[0] = xstrdup("r2");
    assert_ok(place(t, 0, false, &p));
    assert_way(p.paths[0], "r1 r4 r5 r6 r3");
    placed_fini(&p);
    tunnel_free(t);
}

static void
set_names(char ***list, uint32_t *n, const char *text)
{
    char *copy = xstrdup(text), *rest = copy, *word;
    while (*n)
        free((*list)[--*n]);
    free(*list);
    *list = xcalloc(8, sizeof **list);
    while ((word = strtok_r(rest, " ", &rest)))
        (*list)[(*n)++] = xstrdup(word);
    free(copy);
}

/* The link of a and b has the ends 10.a.b.1 and 10.a.b.2, a below b; r1 r2 r3 is the shortest. */
static void
links_and_risks_are_avoided_though_they_are_on_the_shortest_way(void **state UNUSED)
{
    static const struct {
        const char *avoid, *way; /* way NULL: none */
    } cases[] = {
        {"", "r1 r2 r3"},
        {"10.1.2.1", "r1 r4 r5 r6 r3"},
        {"10.1.2.2", "r1 r4 r5 r6 r3"},
        {"10.2.3.2", "r1 r2 r5 r6 r3"},
        {"srlg-9", "r1 r2 r5 r6 r3"},
        {"10.2.3.1 10.5.6.1", NULL},
        {"r2", "r1 r4 r5 r6 r3"},
        {"srlg-12345 10.9.9.1 10.4.5.1", "r1 r2 r3"},
        {"srlg-7", NULL}, /* 1-2 and 4-5 */
    };
    struct tunnel *t = tunnel("t", 1, 3, 1000);
    t->protection = DISJOINT_NONE;
    t->metric = TUNNEL_DELAY;
    put_way(2, 3, 1000, 9);
    put_way(5, 6, 500, 0);
    look_again();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct placed p;
        set_names(&t->avoid, &t->n_avoid, cases[i].avoid);
        assert_err(place(t, 0, false, &p), cases[i].way ? ERR_OK : ERR_NOT_FOUND);
        if (cases[i].way)
            assert_way(p.paths[0], cases[i].way);
        placed_fini(&p);
    }
    tunnel_free(t);
}

static void
a_route_may_be_given_by_routers_and_links_loosely_or_strictly(void **state UNUSED)
{
    static const struct {
        const char *via;
        bool strict;
        const char *way; /* NULL: none */
    } cases[] = {
        {"10.4.5.1", false, "r1 r4 r5 r6 r3"},
        {"10.4.5.2", false,
         "r1 r4 r5 r6 r3"}, /* its other end: the link is meant, not a direction */
        {"10.2.5.1", false, "r1 r2 r5 r6 r3"},
        {"r4 10.2.5.2", false, "r1 r4 r5 r2 r3"},
        {"r2", true, "r1 r2 r3"},
        {"r4 r5 r2", true, "r1 r4 r5 r2 r3"},
        {"10.1.4.1 10.4.5.2 r2 10.2.3.2", true, "r1 r4 r5 r2 r3"},
        {"r5", true, NULL}, /* not next to r1 */
        {"", true, NULL},
    };
    struct tunnel *t = tunnel("t", 1, 3, 1000);
    struct placed p;
    t->protection = DISJOINT_NONE;
    t->metric = TUNNEL_DELAY;
    put_way(5, 6, 500, 0);
    look_again();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        t->strict = cases[i].strict;
        set_names(&t->via, &t->n_via, cases[i].via);
        assert_err(place(t, 0, false, &p), cases[i].way ? ERR_OK : ERR_NOT_FOUND);
        if (cases[i].way)
            assert_way(p.paths[0], cases[i].way);
        if (cases[i].way) {
            hold(t, 1, &p);
            assert_int_equal(look().n, 0);
        }
        placed_fini(&p);
    }
    set_names(&t->via, &t->n_via, "10.9.9.1");
    assert_err(place(t, 0, false, &p), ERR_INVALID);
    assert_string_equal(p.why.text, "via: no link of the network has the address 10.9.9.1");
    tunnel_free(t);
}

static void
what_is_in_the_way_is_said(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 1000);
    struct placed p;
    t->protection = DISJOINT_NONE;
    t->max_latency_us = 1500;
    assert_err(place(t, 0, false, &p), ERR_NOT_FOUND);
    assert_non_null(strstr(p.why.text, "delay"));
    t->max_latency_us = 0;
    t->rate_kbps = 200000;
    assert_err(place(t, 0, false, &p), ERR_NOT_FOUND);
    assert_non_null(strstr(p.why.text, "bandwidth"));
    tunnel_free(t);
    t = tunnel("t", 1, 9, 1000);
    assert_err(place(t, 0, false, &p), ERR_INVALID);
    assert_non_null(strstr(p.why.text, "r9"));
    tunnel_free(t);
}

static void
what_is_held_is_not_there_for_others(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 60000), *u = tunnel("u", 1, 3, 60000);
    struct placed p, q;
    t->protection = u->protection = DISJOINT_NONE;
    t->metric = u->metric = TUNNEL_DELAY;
    assert_ok(place(t, 0, false, &p));
    hold(t, 1, &p);
    assert_ok(place(u, 0, false, &q));
    assert_way(q.paths[0], "r1 r4 r5 r6 r3");
    assert_int_equal(json_array_size(q.victims), 0);
    assert_ok(planner_fits(planner, u, (const json_t *const *)q.paths, &q.why));
    assert_err(planner_fits(planner, u, (const json_t *const *)p.paths, &q.why), ERR_CONFLICT);
    assert_ok(planner_fits(planner, t, (const json_t *const *)p.paths, &q.why)); /* its own */
    json_t *load = planner_load_json(planner);
    const json_t *link = json_object_get(
        load, json_string_value(json_array_get(json_object_get(p.paths[0], "links"), 0)));
    assert_int_equal(json_integer_value(json_object_get(link, "reserved-bps")), 60000000);
    json_decref(load);
    placed_fini(&q);
    planner_release(planner, "t");
    assert_ok(place(u, 0, false, &q));
    assert_way(q.paths[0], "r1 r2 r3");
    placed_fini(&p);
    placed_fini(&q);
    tunnel_free(t);
    tunnel_free(u);
}

static void
who_is_pushed_aside_is_named(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 60000), *u = tunnel("u", 1, 3, 60000);
    struct placed p, q;
    t->protection = u->protection = DISJOINT_NONE;
    t->metric = u->metric = TUNNEL_DELAY;
    t->setup_priority = t->hold_priority = 7;
    u->setup_priority = u->hold_priority = 0;
    assert_ok(place(t, 0, false, &p));
    hold(t, 1, &p);
    assert_ok(place(u, 0, false, &q));
    assert_way(q.paths[0], "r1 r2 r3");
    assert_int_equal(json_array_size(q.victims), 1);
    assert_string_equal(json_string_value(json_array_get(q.victims, 0)), "t");
    placed_fini(&p);
    placed_fini(&q);
    tunnel_free(t);
    tunnel_free(u);
}

static void
a_tunnel_can_be_apart_from_another(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 1000), *u = tunnel("u", 1, 3, 1000);
    struct placed p, q;
    t->protection = u->protection = DISJOINT_NONE;
    t->metric = u->metric = TUNNEL_DELAY;
    u->diverse_from = xstrdup("t");
    assert_ok(place(t, 0, false, &p));
    hold(t, 1, &p);
    assert_err(place(u, 0, false, &q), ERR_NOT_FOUND); /* 4-5 has a risk of 1-2 */
    put_way(4, 5, 3000, 8);
    look_again();
    assert_ok(place(u, 0, false, &q));
    assert_way(q.paths[0], "r1 r4 r5 r6 r3");
    placed_fini(&p);
    placed_fini(&q);
    tunnel_free(t);
    tunnel_free(u);
}

/* ---- Looking ---- */

static void
take_down(unsigned a, unsigned b)
{
    struct ted_link_record r = ospf_link(a, b, 0);
    ted_withdraw_link(ted, source, &r.id, 2);
    look_again();
}

/* Better near than nowhere, when something has failed; and away again as soon as that can be. */
static void
who_cannot_be_apart_any_more_stays_and_goes_when_it_can(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 1000), *u = tunnel("u", 1, 3, 1000);
    struct placed p, q, r;
    t->protection = u->protection = DISJOINT_NONE;
    t->metric = u->metric = TUNNEL_DELAY;
    u->diverse_from = xstrdup("t");
    put_way(4, 5, 3000, 8);
    look_again();
    assert_ok(place(t, 0, false, &p));
    hold(t, 1, &p);
    assert_ok(place(u, 0, false, &q));
    hold(u, 2, &q);
    assert_int_equal(look().n, 0);

    hold(t, 1, &q); /* it had to go there */
    assert_int_equal(look().n, 1);
    assert_string_equal(look().last.tunnel, "u");
    assert_int_equal(look().last.fault, PLANNER_NEAR);
    assert_ok(place(u, 0, false, &r)); /* where t was */
    assert_way(r.paths[0], "r1 r2 r3");
    placed_fini(&r);

    take_down(1, 2);
    assert_int_equal(look().n, 1); /* not broken: it is where it can be */
    assert_int_equal(look().last.fault, PLANNER_NEAR);
    assert_err(place(u, 0, false, &r), ERR_NOT_FOUND);
    assert_ok(place(u, 0, true, &r));
    assert_way(r.paths[0], "r1 r4 r5 r2 r3");
    placed_fini(&p);
    placed_fini(&q);
    placed_fini(&r);
    tunnel_free(t);
    tunnel_free(u);
}

static void
a_link_that_is_down_is_found_and_the_tunnel_laid_beside_its_other_path(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 6, 1000);
    struct placed p, q;
    t->protection = DISJOINT_MAXIMAL;
    put_way(4, 5, 3000, 0);
    look_again();
    assert_ok(place(t, 0, false, &p));
    assert_non_null(p.paths[TUNNEL_STANDBY]);
    hold(t, 1, &p);
    assert_int_equal(look().n, 0);
    char *primary = way(p.paths[TUNNEL_PRIMARY]), *standby = way(p.paths[TUNNEL_STANDBY]);
    bool left = strstr(primary, "r4") != NULL;
    take_down(left ? 4 : 1, left ? 5 : 2);
    struct seen seen = look();
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.last.tunnel, "t");
    assert_int_equal(seen.last.path, TUNNEL_PRIMARY);
    assert_int_equal(seen.last.fault, PLANNER_LINK_DOWN);
    assert_non_null(strstr(seen.last.text, "is down"));
    assert_ok(place(t, 1u << TUNNEL_STANDBY, true, &q));
    if (q.paths[TUNNEL_STANDBY])
        assert_way(q.paths[TUNNEL_STANDBY], standby); /* what is sound stays */
    hold(t, 1, &q);
    seen = look();
    assert_true(seen.n == 0 || seen.last.fault == PLANNER_MISSING ||
                seen.last.fault == PLANNER_CLOSE);
    free(primary);
    free(standby);
    placed_fini(&p);
    placed_fini(&q);
    tunnel_free(t);
}

static void
a_bound_that_is_not_kept_any_more_is_found(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 1000);
    struct placed p;
    t->protection = DISJOINT_NONE;
    t->metric = TUNNEL_DELAY;
    t->max_latency_us = 2500;
    assert_ok(place(t, 0, false, &p));
    hold(t, 1, &p);
    assert_int_equal(look().n, 0);
    put_way(1, 2, 2000, 7);
    look_again();
    struct seen seen = look();
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.last.fault, PLANNER_BROKEN);
    placed_fini(&p);
    tunnel_free(t);
}

static void
who_was_pushed_aside_is_found(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 60000), *u = tunnel("u", 1, 3, 60000);
    struct placed p, q;
    t->protection = u->protection = DISJOINT_NONE;
    t->metric = u->metric = TUNNEL_DELAY;
    t->setup_priority = t->hold_priority = 7;
    u->setup_priority = u->hold_priority = 0;
    assert_ok(place(t, 0, false, &p));
    hold(t, 1, &p);
    assert_ok(place(u, 0, false, &q));
    planner_hold(planner, u, 2, false, (const json_t *const *)q.paths);
    assert_int_equal(look().n, 0); /* nobody has approved it yet */
    assert_false(planner_is_pushed(planner, "t"));
    hold(u, 2, &q);
    struct seen seen = look();
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.last.tunnel, "t");
    assert_int_equal(seen.last.fault, PLANNER_PUSHED);
    assert_true(planner_is_pushed(planner, "t") && !planner_is_pushed(planner, "u"));
    placed_fini(&p);
    assert_ok(place(t, 0, true, &p));
    assert_way(p.paths[TUNNEL_PRIMARY], "r1 r4 r5 r6 r3");
    hold(t, 1, &p);
    assert_int_equal(look().n, 0);
    placed_fini(&p);
    placed_fini(&q);
    tunnel_free(t);
    tunnel_free(u);
}

static void
a_standby_path_that_is_missing_is_found(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 1000);
    struct placed p;
    t->protection = DISJOINT_NONE;
    assert_ok(place(t, 0, false, &p));
    t->protection = DISJOINT_LINK;
    hold(t, 1, &p);
    struct seen seen = look();
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.last.fault, PLANNER_MISSING);
    placed_fini(&p);
    tunnel_free(t);
}

/* ---- Label stacks and questions ---- */

static void
note_congestion(void *arg, const struct planner_congestion *c)
{
    struct planner_congestion *last = arg;
    *last = *c;
}

static void
a_link_that_has_less_than_is_reserved_is_found(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 60000);
    struct planner_congestion c = {NULL, 0, 0};
    struct placed p;
    t->protection = DISJOINT_NONE;
    t->metric = TUNNEL_DELAY;
    assert_ok(place(t, 0, false, &p));
    assert_way(p.paths[TUNNEL_PRIMARY], "r1 r2 r3");
    planner_hold(planner, t, 1, false, (const json_t *const *)p.paths);
    put_way_of(2, 3, 1000, 0, 40000000);
    look_again();
    planner_congested(planner, note_congestion, &c);
    assert_null(c.link); /* it is only reserved */
    hold(t, 1, &p);
    planner_congested(planner, note_congestion, &c);
    assert_non_null(c.link);
    assert_int_equal(c.reserved_bps, 60000000);
    assert_int_equal(c.capacity_bps, 40000000);
    placed_fini(&p);
    tunnel_free(t);
}

static void
a_way_is_better_if_it_is_shorter_for_what_is_asked(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 1000), *full = tunnel("full", 1, 2, 100000);
    struct placed way_round, direct, filler;
    t->protection = full->protection = DISJOINT_NONE;
    t->metric = full->metric = TUNNEL_DELAY;
    assert_ok(place(t, 0, false, &direct));
    assert_ok(place(full, 0, false, &filler));
    hold(full, 2, &filler);
    assert_ok(place(t, 0, false, &way_round));
    assert_way(way_round.paths[TUNNEL_PRIMARY], "r1 r4 r5 r2 r3");
    hold(t, 1, &way_round);
    assert_true(planner_is_better(planner, model, t, (const json_t *const *)direct.paths));
    assert_false(planner_is_better(planner, model, t, (const json_t *const *)way_round.paths));
    hold(t, 1, &direct);
    assert_false(planner_is_better(planner, model, t, (const json_t *const *)way_round.paths));
    placed_fini(&way_round);
    placed_fini(&direct);
    placed_fini(&filler);
    tunnel_free(t);
    tunnel_free(full);
}

/* Another list for the same way, both ways. */
static void
a_stack_may_begin_with_the_first_link(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 1000);
    struct planner_segment plain[PLANNER_SEGMENTS_MAX], other[PLANNER_SEGMENTS_MAX];
    size_t n = 0, m = 0;
    struct diag why = {""};
    struct placed p;
    t->protection = DISJOINT_NONE;
    t->metric = TUNNEL_DELAY;
    assert_ok(place(t, 0, false, &p));
    hold(t, 1, &p);
    for (unsigned back = 0; back < 2; back++) {
        assert_ok(planner_segments(planner, "t", TUNNEL_PRIMARY, back, plain, &n, &why));
        assert_ok(planner_segments_from_link(planner, "t", TUNNEL_PRIMARY, back, other, &m, &why));
        assert_int_equal(m, n + 1);
        assert_int_equal(other[0].label, back ? 15032 : 15012);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(other[i + 1].label, plain[i].label);
    }
    assert_err(planner_segments_from_link(planner, "t", TUNNEL_STANDBY, false, other, &m, &why),
               ERR_NOT_FOUND);
    placed_fini(&p);
    tunnel_free(t);
}

static json_t *
ask_tree(const char *question, enum err expected, const char *text)
{
    struct diag why = {""};
    json_t *ask = json_quoted(question), *answer = NULL;
    assert_err(planner_tree(planner, model, ask, &answer, &why), expected);
    if (expected)
        assert_non_null(strstr(why.text, text));
    json_decref(ask);
    return answer;
}

static json_int_t
worst_latency(const json_t *tree)
{
    json_int_t worst = 0;
    size_t i;
    const json_t *path;
    json_array_foreach(json_object_get(tree, "paths"), i, path)
        worst = MAX(worst, json_integer_value(json_object_get(path, "latency-us")));
    return worst;
}

/* 4 and 6 hang on 5: one link less than their shortest ways; not if 4 is to be reached soon. */
static void
a_tree_reaches_all_leaves_within_its_bounds(void **state UNUSED)
{
    json_t *tree = ask_tree("{'root': 'r2', 'leaves': ['r4', 'r5', 'r6'], 'metric': 'hops'}",
                            ERR_OK, "");
    assert_int_equal(json_integer_value(json_object_get(tree, "cost")), 3);
    assert_int_equal(json_array_size(json_object_get(tree, "links")), 3);
    json_decref(tree);
    tree = ask_tree("{'root': 'r2', 'leaves': ['r4', 'r5', 'r6'], 'metric': 'hops',"
                    " 'max-latency-us': 2000}",
                    ERR_OK, "");
    assert_int_equal(worst_latency(tree), 2000);
    assert_int_equal(json_integer_value(json_object_get(tree, "cost")), 4);
    json_decref(tree);
    ask_tree("{'root': 'r2', 'leaves': ['r4'], 'max-latency-us': 1000}", ERR_NOT_FOUND, "");
    ask_tree("{'root': 'r2', 'leaves': ['r4'], 'rate-kbps': 200000}", ERR_NOT_FOUND, "");
    ask_tree("{'root': 'r2', 'leaves': ['r9']}", ERR_NOT_FOUND, "r9");
    ask_tree("{'root': 'r2', 'leaves': ['r2']}", ERR_INVALID, "the root");
    ask_tree("{'root': 'r2', 'leaves': ['r4', 'r4']}", ERR_INVALID, "twice");
    ask_tree("{'root': 'r2', 'leaves': []}", ERR_INVALID, "leaves");
    ask_tree("{'root': 'r2', 'leaves': ['r4'], 'metric': 'luck'}", ERR_INVALID, "metric");
    ask_tree("{'root': 'r2', 'leaves': ['r4'], 'priority': 8}", ERR_INVALID, "priority");
}

static void
both_ends_get_their_own_stack(void **state UNUSED)
{
    struct planner_segment there[PLANNER_SEGMENTS_MAX], back[PLANNER_SEGMENTS_MAX];
    struct tunnel *t = tunnel("t", 1, 3, 1000);
    struct placed p;
    struct diag why;
    size_t n, m;
    t->protection = DISJOINT_NONE;
    t->n_avoid = 1;
    t->avoid = xcalloc(1, sizeof *t->avoid);
    t->avoid[0] = xstrdup("r2");
    assert_ok(place(t, 0, false, &p));
    hold(t, 1, &p);
    assert_ok(planner_segments(planner, "t", TUNNEL_PRIMARY, false, there, &n, &why));
    assert_ok(planner_segments(planner, "t", TUNNEL_PRIMARY, true, back, &m, &why));
    assert_int_equal(there[n - 1].label, 16003);
    assert_int_equal(back[m - 1].label, 16001);
    assert_int_equal(n, json_array_size(json_object_get(p.paths[0], "labels")));
    assert_err(planner_segments(planner, "t", TUNNEL_STANDBY, false, there, &n, &why),
               ERR_NOT_FOUND);
    assert_err(planner_segments(planner, "u", TUNNEL_PRIMARY, false, there, &n, &why),
               ERR_NOT_FOUND);
    placed_fini(&p);
    tunnel_free(t);
}

static void
a_router_s_question_is_answered_within_what_is_left(void **state UNUSED)
{
    struct planner_question q = {.source = router_id(1),
                                 .destination = router_id(3),
                                 .bandwidth_bps = 50000000,
                                 .priority = 7,
                                 .metric = TUNNEL_DELAY};
    struct planner_answer a;
    struct diag why;
    bool unknown_source;
    assert_ok(planner_answer(planner, &q, &a, &unknown_source, &why));
    assert_int_equal(a.delay_us, 2000);
    assert_int_equal(a.segments[a.n - 1].label, 16003);
    planner_answer_fini(&a);
    struct tunnel *t = tunnel("t", 1, 3, 60000);
    struct placed p;
    t->protection = DISJOINT_NONE;
    t->metric = TUNNEL_DELAY;
    assert_ok(place(t, 0, false, &p));
    hold(t, 1, &p);
    assert_ok(planner_answer(planner, &q, &a, &unknown_source, &why));
    assert_int_equal(a.delay_us, 6000);
    planner_answer_fini(&a);
    q.destination = router_id(9);
    assert_err(planner_answer(planner, &q, &a, &unknown_source, &why), ERR_INVALID);
    assert_false(unknown_source);
    q.source = router_id(8);
    assert_err(planner_answer(planner, &q, &a, &unknown_source, &why), ERR_INVALID);
    assert_true(unknown_source);
    placed_fini(&p);
    tunnel_free(t);
}

/* ---- What routers ask for ---- */

/* The routers that it passes, as their numbers: "1 2 3". */
static char *
steps_of(const struct planner_answer *a)
{
    struct buf text = BUF_INIT;
    for (uint32_t i = 0; i < a->n_steps; i++) {
        unsigned from, to;
        assert_int_equal(sscanf(a->steps[i].link, "10.255.0.%u>10.255.0.%u/", &from, &to), 2);
        if (!i)
            buf_printf(&text, "%u", from);
        buf_printf(&text, " %u", to);
    }
    return buf_steal_cstr(&text);
}

/* NULL: there is no such path. */
static void
assert_answer(const struct planner_question *q, const char *expected)
{
    struct planner_answer a;
    struct diag why = {""};
    bool unknown_source;
    enum err err = planner_answer(planner, q, &a, &unknown_source, &why);
    if (!expected) {
        assert_true(err);
        return;
    }
    if (err)
        fail_msg("%s", why.text);
    char *its = steps_of(&a);
    assert_string_equal(its, expected);
    free(its);
    planner_answer_fini(&a);
}

static const struct planner_question from_1_to_3 = {.source = {4, {10, 255, 0, 1}},
                                                    .destination = {4, {10, 255, 0, 3}},
                                                    .priority = 7,
                                                    .metric = TUNNEL_DELAY};

static void
what_must_be_avoided_is_avoided_though_it_is_the_shortest_way(void **state UNUSED)
{
    /* The link 1-2 has the ends 10.1.2.1 and 10.1.2.2 (ted_testing.h). */
    static const struct planner_resource cases[] = {
        {.kind = PLANNER_INTERFACE, .prefix = 32, .address = {4, {10, 1, 2, 1}}},
        {.kind = PLANNER_INTERFACE, .prefix = 32, .address = {4, {10, 1, 2, 2}}},
        {.kind = PLANNER_INTERFACE, .prefix = 31, .address = {4, {10, 2, 3, 0}}},
        {.kind = PLANNER_INTERFACE, .prefix = 32, .address = {4, {10, 255, 0, 2}}},
        {.kind = PLANNER_NODE, .prefix = 32, .address = {4, {10, 255, 0, 2}}},
        {.kind = PLANNER_NODE, .prefix = 32, .address = {4, {10, 2, 5, 1}}},
    };
    static const char *const ways[] = {"1 4 5 6 3", "1 4 5 6 3", "1 2 5 6 3",
                                       "1 4 5 6 3", "1 4 5 6 3", "1 4 5 6 3"};
    struct planner_question q = from_1_to_3;
    put_way(5, 6, 500, 0);
    look_again();
    assert_answer(&q, "1 2 3");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        q.avoid = &cases[i];
        q.n_avoid = 1;
        assert_answer(&q, ways[i]);
    }
}

static void
risks_are_avoided_by_number_and_by_link(void **state UNUSED)
{
    const struct planner_resource by_number = {.kind = PLANNER_SRLG, .number = 9},
                                  by_link = {.kind = PLANNER_SRLGS,
                                             .prefix = 32,
                                             .address = {4, {10, 2, 3, 1}}},
                                  unknown = {.kind = PLANNER_SRLG, .number = 12345};
    struct planner_question q = from_1_to_3;
    put_way(2, 3, 1000, 9);
    look_again();
    q.avoid = &by_number;
    q.n_avoid = 1;
    assert_answer(&q, "1 2 5 6 3");
    q.avoid = &by_link;
    assert_answer(&q, "1 2 5 6 3");
    q.avoid = &unknown;
    assert_answer(&q, "1 2 3");
}

static void
what_is_better_avoided_is_so_only_while_there_is_another_way(void **state UNUSED)
{
    struct planner_resource both[] = {
        {.kind = PLANNER_NODE, .prefix = 32, .loose = true, .address = {4, {10, 255, 0, 2}}},
        {.kind = PLANNER_NODE, .prefix = 32, .address = {4, {10, 255, 0, 5}}},
    };
    struct planner_question q = from_1_to_3;
    q.avoid = both;
    q.n_avoid = 1;
    assert_answer(&q, "1 4 5 6 3");
    q.n_avoid = 2;
    assert_answer(&q, "1 2 3");
    both[0].loose = false;
    assert_answer(&q, NULL);
}

/* It might be anything: whether the path stays away from it, nobody knows. */
static void
what_is_not_understood_is_not_said_to_be_avoided(void **state UNUSED)
{
    struct planner_resource strange = {.kind = PLANNER_STRANGE};
    struct planner_question q = from_1_to_3;
    struct planner_answer a;
    struct diag why = {""};
    bool unknown_source;
    q.avoid = &strange;
    q.n_avoid = 1;
    assert_err(planner_answer(planner, &q, &a, &unknown_source, &why), ERR_UNSUPPORTED);
    strange.loose = true;
    assert_answer(&q, "1 2 3");
}

static void
what_is_to_be_passed_is_passed_in_order(void **state UNUSED)
{
    struct planner_resource pass[] = {
        {.kind = PLANNER_INTERFACE, .prefix = 32, .loose = true, .address = {4, {10, 255, 0, 5}}},
        {.kind = PLANNER_INTERFACE, .prefix = 32, .loose = true, .address = {4, {10, 255, 0, 6}}}};
    struct planner_question q = from_1_to_3;
    put_way(5, 6, 500, 0);
    look_again();
    q.pass = pass;
    q.n_pass = 2;
    assert_answer(&q, "1 2 5 6 3");
    pass[0].address = (struct te_address){4, {10, 4, 5, 2}}; /* 5 is entered from 4 */
    assert_answer(&q, "1 4 5 6 3");
    pass[0].address = (struct te_address){4, {10, 1, 4, 1}}; /* 1 is left for 4 */
    q.n_pass = 1;
    assert_answer(&q, "1 4 5 6 3");
    pass[0].address = (struct te_address){4, {10, 255, 0, 3}};
    pass[0].loose = false; /* and 3 is no neighbour */
    assert_answer(&q, NULL);
    q.pass_if_possible = true;
    assert_answer(&q, "1 2 3");
    pass[0].address = (struct te_address){4, {10, 99, 99, 99}};
    assert_answer(&q, "1 2 3");
    q.pass_if_possible = false;
    assert_answer(&q, NULL);
}

static void
a_path_of_addresses_names_the_far_end_of_each_link(void **state UNUSED)
{
    struct planner_question q = from_1_to_3;
    struct planner_answer a;
    struct diag why = {""};
    bool unknown_source;
    q.no_labels = true;
    assert_ok(planner_answer(planner, &q, &a, &unknown_source, &why));
    assert_int_equal(a.n, 0);
    assert_int_equal(a.n_steps, 2);
    assert_memory_equal(a.steps[0].address.octets, ((uint8_t[]){10, 1, 2, 2}), 4);
    assert_memory_equal(a.steps[1].address.octets, ((uint8_t[]){10, 2, 3, 2}), 4);
    assert_int_equal(a.steps[0].interface, 0);
    planner_answer_fini(&a);
}

static void
paths_asked_for_together_have_nothing_in_common(void **state UNUSED)
{
    struct planner_question both[] = {from_1_to_3, from_1_to_3};
    struct planner_answer a[2];
    struct planner_together together = {.disjoint = TE_DISJOINT_NODE};
    struct diag why = {""};
    bool unknown_source;
    assert_ok(planner_answer_together(planner, both, 2, &together, a, &unknown_source, &why));
    char *first = steps_of(&a[0]), *second = steps_of(&a[1]);
    assert_true((!strcmp(first, "1 2 3") && !strcmp(second, "1 4 5 6 3")) ||
                (!strcmp(second, "1 2 3") && !strcmp(first, "1 4 5 6 3")));
    free(first);
    free(second);
    planner_answer_fini(&a[0]);
    planner_answer_fini(&a[1]);
    together.disjoint = TE_DISJOINT_SRLG; /* 1-2 and 4-5 have risk 7 */
    assert_err(planner_answer_together(planner, both, 2, &together, a, &unknown_source, &why),
               ERR_NOT_FOUND);
    together.best_effort = true;
    assert_ok(planner_answer_together(planner, both, 2, &together, a, &unknown_source, &why));
    assert_int_equal(together.in_common, TE_DISJOINT_SRLG);
    planner_answer_fini(&a[0]);
    planner_answer_fini(&a[1]);
}

static void
one_that_has_its_way_keeps_it_and_the_other_goes_beside_it(void **state UNUSED)
{
    struct planner_question both[] = {from_1_to_3, from_1_to_3};
    struct planner_answer alone, a[2];
    struct planner_together together = {.disjoint = TE_DISJOINT_NODE};
    struct diag why = {""};
    bool unknown_source;
    char *way[4];
    assert_ok(planner_answer(planner, &both[0], &alone, &unknown_source, &why));
    for (uint32_t i = 0; i < alone.n_steps; i++)
        way[i] = alone.steps[i].link;
    both[0].way = way;
    both[0].n_way = alone.n_steps;
    assert_ok(planner_answer_together(planner, both, 2, &together, a, &unknown_source, &why));
    char *first = steps_of(&a[0]), *second = steps_of(&a[1]);
    assert_string_equal(first, "1 2 3");
    assert_string_equal(second, "1 4 5 6 3");
    free(first);
    free(second);
    planner_answer_fini(&alone);
    planner_answer_fini(&a[0]);
    planner_answer_fini(&a[1]);
}

/* ---- Few labels ---- */

/*  1 - 2 = 3 - 7    1 ms each, 10 ms: 1-2, 3-7, 5-6. The IGP takes all for the same. So the fastest
 *  =   =   =   =    way from 1 to 7 zigzags by 4, 5, 2, 3, 6, 8, and takes a label for each router,
 *  4 = 5 - 6 = 8    since the IGP has two ways for any two of its links.  */
static void
put_ladder(uint8_t max_sid_depth)
{
    tear_down(NULL);
    ted = ted_new(NULL);
    planner = planner_new();
    model = network_new();
    source = add_source(ted, TED_KIND_OSPF, "ospf");
    for (unsigned n = 1; n <= 8; n++)
        put_router_of(n, max_sid_depth);
    static const unsigned ways[][3] = {{1, 2, 10}, {2, 3, 1}, {3, 7, 10}, {4, 5, 1}, {5, 6, 10},
                                       {6, 8, 1},  {1, 4, 1}, {2, 5, 1},  {3, 6, 1}, {7, 8, 1}};
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
        put_way(ways[i][0], ways[i][1], 1000 * ways[i][2], 0);
    ted_source_synced(ted, source, 1);
    look_again();
}

static size_t
n_labels(const struct placed *p, unsigned path, const char *name)
{
    return json_array_size(json_object_get(p->paths[path], name));
}

static void
a_way_that_takes_fewer_labels_is_found(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 7, 1000);
    struct placed p;
    t->protection = DISJOINT_NONE;
    t->metric = TUNNEL_DELAY;
    put_ladder(7);
    assert_ok(place(t, 0, false, &p));
    assert_way(p.paths[0], "r1 r4 r5 r2 r3 r6 r8 r7");
    assert_int_equal(n_labels(&p, 0, "labels"), 7);
    placed_fini(&p);
    put_ladder(3);
    assert_ok(place(t, 0, false, &p));
    assert_way(p.paths[0], "r1 r4 r5 r6 r8 r7");
    assert_int_equal(n_labels(&p, 0, "labels"), 3);
    assert_int_equal(n_labels(&p, 0, "labels-back"), 3);
    assert_int_equal(json_integer_value(json_object_get(p.paths[0], "metric")), 14000);
    placed_fini(&p);
    t->max_latency_us = 12000; /* within which there are only ways that take more */
    assert_err(place(t, 0, false, &p), ERR_NOT_FOUND);
    assert_non_null(strstr(p.why.text, "it takes 7 labels, more than router"));
    put_ladder(1);
    t->max_latency_us = 0;
    assert_ok(place(t, 0, false, &p));
    assert_way(p.paths[0], "r1 r2 r3 r7");
    placed_fini(&p);
    tunnel_free(t);
}

/* 1-9-7 is a third way: with the zigzag the cheapest pair, without it not. */
static void
a_pair_that_takes_fewer_labels_is_found(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 7, 1000);
    t->metric = TUNNEL_DELAY;
    t->protection = DISJOINT_LINK;
    for (unsigned i = 0; i < 2; i++) {
        struct placed p;
        uint8_t depth = i ? 3 : 7;
        put_ladder(depth);
        put_router_of(9, depth);
        put_way(1, 9, 1000, 0);
        put_way(9, 7, 25000, 0);
        look_again();
        assert_ok(place(t, 0, false, &p));
        assert_way(p.paths[TUNNEL_PRIMARY],
                   depth == 7 ? "r1 r4 r5 r2 r3 r6 r8 r7" : "r1 r4 r5 r6 r8 r7");
        assert_way(p.paths[TUNNEL_STANDBY], depth == 7 ? "r1 r9 r7" : "r1 r2 r3 r7");
        for (unsigned k = 0; k < TUNNEL_PATHS; k++) {
            assert_true(n_labels(&p, k, "labels") <= depth);
            assert_true(n_labels(&p, k, "labels-back") <= depth);
        }
        placed_fini(&p);
    }
    tunnel_free(t);
}

static void
a_router_that_asks_gets_a_way_of_few_labels(void **state UNUSED)
{
    struct planner_question q = {.source = router_id(1),
                                 .destination = router_id(7),
                                 .metric = TUNNEL_DELAY,
                                 .max_labels = 3};
    struct planner_answer a;
    struct diag why;
    bool unknown_source;
    put_ladder(8);
    assert_ok(planner_answer(planner, &q, &a, &unknown_source, &why));
    assert_int_equal(a.n, 3);
    assert_int_equal(a.delay_us, 14000);
    planner_answer_fini(&a);
    q.max_delay_us = 12000;
    assert_err(planner_answer(planner, &q, &a, &unknown_source, &why), ERR_LIMIT);
}

/* ---- Groups of links, and ways that differ from the way back ---- */

/* One direction of a link. */
static void
put_direction(unsigned from, unsigned to, uint32_t delay_us, uint32_t groups)
{
    struct ted_link_record r = ospf_link(from, to, 0);
    r.told |= TED_BIT(TED_DELAY) | TED_BIT(TED_TE_METRIC) | TED_BIT(TED_ADJACENCY_SID);
    r.te_metric = 10;
    r.delay_us = delay_us;
    r.capacity_bps = r.reservable_bps = 100000000;
    r.adjacency_label = 15000 + 10 * from + to;
    ted_link_affinity32(&r, groups);
    put_link(ted, source, &r, 1);
}

static void
put_group(unsigned a, unsigned b, uint32_t groups)
{
    put_direction(a, b, 1000, groups);
    put_direction(b, a, 1000, groups);
}

struct mended {
    unsigned n_moved;
    char way[64];
};

static void
note_mended(void *arg, const struct planner_mended *m)
{
    struct mended *mended = arg;
    mended->n_moved += m->moved;
    char *its = m->moved ? way(m->paths[TUNNEL_PRIMARY]) : xstrdup("");
    snprintf(mended->way, sizeof mended->way, "%s", its);
    free(its);
}

/* 1-2-3 has group 0 (and 2-3 group 1), the way by 4, 5, 6 group 2. */
static void
links_are_chosen_by_their_groups(void **state UNUSED)
{
    static const struct {
        uint32_t include_any, include_all, exclude_any;
        const char *way; /* NULL: none */
    } cases[] = {
        {0, 0, 0, "r1 r2 r3"},
        {0, 0, 2, "r1 r2 r5 r6 r3"},
        {0, 0, 1, "r1 r4 r5 r6 r3"},
        {4, 0, 0, "r1 r4 r5 r6 r3"},
        {0, 4, 0, "r1 r4 r5 r6 r3"},
        {1 | 8, 0, 0, "r1 r2 r3"},
        {0, 3, 0, NULL},
        {1, 0, 2, NULL},
    };
    struct tunnel *t = tunnel("t", 1, 3, 1000);
    t->protection = DISJOINT_NONE;
    t->metric = TUNNEL_DELAY;
    put_group(1, 2, 1);
    put_group(2, 3, 1 | 2);
    put_group(1, 4, 4);
    put_group(4, 5, 4);
    put_group(5, 6, 4);
    put_group(6, 3, 4);
    look_again();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct placed p;
        t->include_any = cases[i].include_any;
        t->include_all = cases[i].include_all;
        t->exclude_any = cases[i].exclude_any;
        enum err err = place(t, 0, false, &p);
        if (cases[i].way)
            assert_way(p.paths[TUNNEL_PRIMARY], cases[i].way);
        else
            assert_non_null(strstr(p.why.text, "affinity"));
        assert_err(err, cases[i].way ? ERR_OK : ERR_NOT_FOUND);
        placed_fini(&p);
    }
    tunnel_free(t);
}

/* Though only the way back has it. */
static void
a_tunnel_leaves_a_link_that_gets_a_group_it_excludes(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 1000);
    struct mended mended = {.n_moved = 0};
    struct placed p;
    t->protection = DISJOINT_NONE;
    t->metric = TUNNEL_DELAY;
    t->exclude_any = 2;
    put_way(5, 6, 500, 0);
    look_again();
    assert_ok(place(t, 0, false, &p));
    assert_way(p.paths[TUNNEL_PRIMARY], "r1 r2 r3");
    hold(t, 1, &p);
    put_direction(3, 2, 1000, 2);
    look_again();
    assert_int_equal(look().last.fault, PLANNER_BROKEN);
    planner_mend(planner, model, NULL, note_mended, &mended);
    assert_int_equal(mended.n_moved, 1);
    assert_string_equal(mended.way, "r1 r2 r5 r6 r3");
    placed_fini(&p);
    tunnel_free(t);
}

static void
a_way_that_differs_too_much_from_the_way_back_is_not_taken(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 1000);
    struct placed p;
    t->protection = DISJOINT_NONE;
    t->metric = TUNNEL_DELAY;
    put_direction(1, 2, 1000, 0);
    put_direction(2, 1, 1400, 0);
    put_way(5, 6, 500, 0);
    look_again();
    t->max_asymmetry_us = 400;
    assert_ok(place(t, 0, false, &p));
    assert_way(p.paths[TUNNEL_PRIMARY], "r1 r2 r3");
    assert_int_equal(json_integer_value(json_object_get(p.paths[0], "latency-us")), 2000);
    assert_int_equal(json_integer_value(json_object_get(p.paths[0], "latency-back-us")), 2400);
    placed_fini(&p);
    t->max_asymmetry_us = 399;
    assert_ok(place(t, 0, false, &p));
    assert_way(p.paths[TUNNEL_PRIMARY], "r1 r4 r5 r6 r3");
    placed_fini(&p);
    put_direction(3, 6, 1400, 0); /* now every way does, but what one link has another takes back */
    put_direction(2, 3, 1200, 0);
    look_again();
    assert_ok(place(t, 0, false, &p));
    assert_way(p.paths[TUNNEL_PRIMARY], "r1 r2 r3");
    placed_fini(&p);
    t->max_asymmetry_us = 199;
    assert_err(place(t, 0, false, &p), ERR_NOT_FOUND);
    assert_non_null(strstr(p.why.text, "asymmetry"));
    tunnel_free(t);
}

static void
a_delay_that_grows_on_one_side_moves_the_tunnel(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 1000);
    struct mended mended = {.n_moved = 0};
    struct placed p;
    t->protection = DISJOINT_NONE;
    t->metric = TUNNEL_DELAY;
    t->max_asymmetry_us = 300;
    put_way(5, 6, 500, 0);
    look_again();
    assert_ok(place(t, 0, false, &p));
    assert_way(p.paths[TUNNEL_PRIMARY], "r1 r2 r3");
    hold(t, 1, &p);
    put_direction(3, 2, 1300, 0);
    look_again();
    assert_int_equal(look().n, 0); /* as far as it may */
    put_direction(3, 2, 1301, 0);
    look_again();
    assert_int_equal(look().last.fault, PLANNER_BROKEN);
    assert_non_null(strstr(look().last.text, "2000 and 2301 us"));
    planner_mend(planner, model, NULL, note_mended, &mended);
    assert_int_equal(mended.n_moved, 1);
    assert_string_equal(mended.way, "r1 r2 r5 r6 r3");
    placed_fini(&p);
    tunnel_free(t);
}

static void
failures_are_told_with_what_becomes_of_each_tunnel(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 1000);
    struct placed p;
    json_t *report, *one;
    struct diag why;
    size_t i;
    unsigned n_lost = 0, n_standby = 0;
    put_way(4, 5, 3000, 8);
    look_again();
    t->protection = DISJOINT_LINK;
    assert_ok(place(t, 0, false, &p));
    hold(t, 1, &p);
    assert_ok(planner_what_if(planner, model, 100, &report, &why));
    assert_int_equal(json_integer_value(json_object_get(report, "tunnels")), 1);
    assert_int_equal(json_integer_value(json_object_get(report, "failures")), 7 + 6 + 2);
    json_array_foreach(json_object_get(report, "worst"), i, one)
    {
        n_lost += json_integer_value(json_object_get(one, "lost")) > 0;
        n_standby += json_integer_value(json_object_get(one, "standby")) > 0;
    }
    assert_int_equal(n_lost, 2);    /* its ends */
    assert_int_equal(n_standby, 4); /* two links, a router and a risk of its primary path */
    json_decref(report);
    placed_fini(&p);
    tunnel_free(t);
}

TEST_MAIN(
    T(what_must_be_avoided_is_avoided_though_it_is_the_shortest_way),
    T(risks_are_avoided_by_number_and_by_link),
    T(what_is_better_avoided_is_so_only_while_there_is_another_way),
    T(what_is_not_understood_is_not_said_to_be_avoided), T(what_is_to_be_passed_is_passed_in_order),
    T(a_path_of_addresses_names_the_far_end_of_each_link),
    T(paths_asked_for_together_have_nothing_in_common),
    T(one_that_has_its_way_keeps_it_and_the_other_goes_beside_it),
    T(two_paths_share_no_link_and_no_risk), T(a_path_has_what_it_was_laid_with),
    T(routers_are_passed_and_avoided),
    T(links_and_risks_are_avoided_though_they_are_on_the_shortest_way),
    T(a_route_may_be_given_by_routers_and_links_loosely_or_strictly), T(what_is_in_the_way_is_said),
    T(what_is_held_is_not_there_for_others), T(who_is_pushed_aside_is_named),
    T(a_tunnel_can_be_apart_from_another),
    T(who_cannot_be_apart_any_more_stays_and_goes_when_it_can),
    T(a_link_that_is_down_is_found_and_the_tunnel_laid_beside_its_other_path),
    T(a_bound_that_is_not_kept_any_more_is_found), T(who_was_pushed_aside_is_found),
    T(a_standby_path_that_is_missing_is_found), T(a_link_that_has_less_than_is_reserved_is_found),
    T(a_way_is_better_if_it_is_shorter_for_what_is_asked), T(a_stack_may_begin_with_the_first_link),
    T(a_tree_reaches_all_leaves_within_its_bounds), T(both_ends_get_their_own_stack),
    T(failures_are_told_with_what_becomes_of_each_tunnel),
    T(a_router_s_question_is_answered_within_what_is_left), T(links_are_chosen_by_their_groups),
    T(a_tunnel_leaves_a_link_that_gets_a_group_it_excludes),
    T(a_way_that_differs_too_much_from_the_way_back_is_not_taken),
    T(a_delay_that_grows_on_one_side_moves_the_tunnel), T(a_way_that_takes_fewer_labels_is_found),
    T(a_pair_that_takes_fewer_labels_is_found), T(a_router_that_asks_gets_a_way_of_few_labels))
