/* Links at risk, and shared risks that become known later. */
#include "wan/planner_testing.h"

#include "base/buf.h"

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

/* The link from a to b is at risk, in that direction alone. */
static void
risk(unsigned a, unsigned b, bool leave)
{
    char key[64];
    snprintf(key, sizeof key, "10.255.0.%u>10.255.0.%u/10.%u.%u.%u", a, b, a < b ? a : b,
             a < b ? b : a, a < b ? 1 : 2);
    const struct planner_risk r = {key, "dim", leave};
    planner_set_risks(planner, &r, 1);
}

static enum err
leave(const struct tunnel *t, struct placed *p)
{
    *p = (struct placed){.why = {""}};
    return planner_leave(planner, model, t, p->paths, &p->why);
}

/* Held, on its best way. */
static struct tunnel *
held(const char *name, unsigned head, unsigned tail, uint32_t kbps, enum disjointness protection,
     uint32_t number)
{
    struct tunnel *t = tunnel(name, head, tail, kbps);
    struct placed p;
    t->protection = protection;
    t->metric = TUNNEL_DELAY;
    assert_ok(place(t, 0, false, &p));
    hold(t, number, &p);
    placed_fini(&p);
    return t;
}

static void
a_tunnel_leaves_a_link_at_risk_for_a_sound_way(void **state UNUSED)
{
    struct tunnel *t = held("t", 1, 3, 1000, DISJOINT_NONE, 1);
    struct placed p;
    assert_int_equal(look().n, 0);
    assert_err(leave(t, &p), ERR_NOT_FOUND); /* there is nothing to leave */
    risk(3, 2, true);                        /* the way back counts as well */
    struct seen seen = look();
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.last.fault, PLANNER_AT_RISK);
    assert_string_equal(seen.last.element, "10.255.0.2>10.255.0.3/10.2.3.1");
    assert_string_equal(seen.last.text, "link 10.255.0.2>10.255.0.3/10.2.3.1 is at risk: dim");
    assert_ok(leave(t, &p));
    assert_way(p.paths[TUNNEL_PRIMARY], "r1 r2 r5 r6 r3");
    assert_false(planner_is_risky(planner, p.paths[TUNNEL_PRIMARY]));
    hold(t, 1, &p);
    assert_int_equal(look().n, 0);
    placed_fini(&p);
    tunnel_free(t);
}

static void
a_link_that_was_at_risk_is_not_left_and_not_come_to(void **state UNUSED)
{
    struct tunnel *t = held("t", 1, 3, 1000, DISJOINT_NONE, 1);
    const struct planner_risk both[] = {{"10.255.0.2>10.255.0.3/10.2.3.1", "dim", true},
                                        {"10.255.0.2>10.255.0.5/10.2.5.1", "", false}};
    struct placed p;
    planner_set_risks(planner, both + 1, 1);
    assert_int_equal(look().n, 0);
    planner_set_risks(planner, both, 2);
    assert_ok(leave(t, &p));
    assert_way(p.paths[TUNNEL_PRIMARY], "r1 r4 r5 r6 r3");
    placed_fini(&p);
    tunnel_free(t);
}

static void
who_has_no_other_way_stays(void **state UNUSED)
{
    struct tunnel *t = held("t", 1, 3, 1000, DISJOINT_NONE, 1);
    struct placed p;
    t->max_latency_us = 2500; /* the other ways are slower */
    risk(1, 2, true);
    assert_err(leave(t, &p), ERR_NOT_FOUND);
    tunnel_free(t);
}

static void
nobody_is_pushed_aside_for_it(void **state UNUSED)
{
    struct tunnel *t = held("t", 1, 3, 60000, DISJOINT_NONE, 1);
    struct tunnel *u = held("u", 5, 6, 60000, DISJOINT_NONE, 2);
    struct placed p;
    t->setup_priority = t->hold_priority = 0;
    risk(2, 3, true);
    assert_err(leave(t, &p), ERR_NOT_FOUND); /* both other ways are by way of r5 and r6 */
    planner_release(planner, "u");
    assert_ok(leave(t, &p));
    placed_fini(&p);
    tunnel_free(t);
    tunnel_free(u);
}

static void
what_is_only_reserved_stays(void **state UNUSED)
{
    struct tunnel *t = tunnel("t", 1, 3, 1000);
    struct placed p;
    t->protection = DISJOINT_NONE;
    assert_ok(place(t, 0, false, &p));
    planner_hold(planner, t, 1, false, (const json_t *const *)p.paths);
    risk(1, 2, true);
    assert_int_equal(look().n, 0);
    placed_fini(&p);
    tunnel_free(t);
}

/* There are two ways that are apart, and no third. */
static void
the_standby_path_takes_the_risk_if_one_has_to(void **state UNUSED)
{
    struct placed p;
    put_way(4, 5, 3000, 8);
    look_again();
    struct tunnel *t = held("t", 1, 3, 1000, DISJOINT_LINK, 1);
    risk(2, 3, true);
    assert_ok(leave(t, &p));
    assert_way(p.paths[TUNNEL_PRIMARY], "r1 r4 r5 r6 r3");
    assert_way(p.paths[TUNNEL_STANDBY], "r1 r2 r3");
    hold(t, 1, &p);
    placed_fini(&p);
    struct seen seen = look();
    assert_int_equal(seen.last.path, TUNNEL_STANDBY);
    assert_err(leave(t, &p), ERR_CONFLICT); /* and stays there */
    tunnel_free(t);
}

static void
what_is_sound_stays(void **state UNUSED)
{
    struct tunnel *t = held("t", 2, 5, 1000, DISJOINT_LINK, 1);
    struct placed p;
    risk(3, 6, true); /* of its standby path r2 r3 r6 r5 */
    assert_ok(leave(t, &p));
    assert_way(p.paths[TUNNEL_PRIMARY], "r2 r5");
    assert_way(p.paths[TUNNEL_STANDBY], "r2 r1 r4 r5");
    placed_fini(&p);
    risk(2, 5, true);
    assert_ok(leave(t, &p));
    assert_way(p.paths[TUNNEL_STANDBY], "r2 r3 r6 r5");
    assert_way(p.paths[TUNNEL_PRIMARY], "r2 r1 r4 r5");
    placed_fini(&p);
    tunnel_free(t);
}

/* It asks for as far apart as may be: its way off the risk is not that of the other path. */
static void
paths_do_not_come_closer_for_it(void **state UNUSED)
{
    struct placed p;
    put_way(4, 5, 3000, 0);
    look_again();
    struct tunnel *t = held("t", 1, 3, 1000, DISJOINT_MAXIMAL, 1);
    risk(2, 3, true);
    assert_ok(leave(t, &p));
    assert_way(p.paths[TUNNEL_PRIMARY], "r1 r4 r5 r6 r3");
    assert_way(p.paths[TUNNEL_STANDBY], "r1 r2 r3");
    placed_fini(&p);
    tunnel_free(t);
}

/* After a failure it has one path: that leaves as well. */
static void
who_has_less_than_it_asks_for_leaves_too(void **state UNUSED)
{
    struct tunnel *t = held("t", 1, 3, 1000, DISJOINT_NONE, 1);
    struct placed p;
    t->protection = DISJOINT_NODE; /* which nothing here can have: 1-2 and 4-5 are in one duct */
    assert_ok(place(t, 0, true, &p));
    json_decref(p.paths[TUNNEL_STANDBY]);
    p.paths[TUNNEL_STANDBY] = NULL;
    hold(t, 1, &p);
    assert_way(p.paths[TUNNEL_PRIMARY], "r1 r2 r3");
    placed_fini(&p);
    risk(2, 3, true);
    assert_ok(leave(t, &p));
    assert_false(planner_is_risky(planner, p.paths[TUNNEL_PRIMARY]));
    placed_fini(&p);
    tunnel_free(t);
}

static void
a_new_shared_risk_is_found_and_the_standby_path_laid_again(void **state UNUSED)
{
    struct tunnel *t = held("t", 2, 5, 1000, DISJOINT_LINK, 1);
    struct placed p;
    put_way(2, 5, 1000, 40);
    put_way(3, 6, 1000, 40);
    look_again();
    struct seen seen = look();
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.last.fault, PLANNER_CLOSE);
    assert_string_equal(seen.last.text, "its paths share 0 links, 0 routers, 1 risks (srlg-40)");
    assert_ok(place(t, 1u << TUNNEL_PRIMARY, false, &p));
    assert_way(p.paths[TUNNEL_PRIMARY], "r2 r5");
    assert_way(p.paths[TUNNEL_STANDBY], "r2 r1 r4 r5");
    hold(t, 1, &p);
    assert_int_equal(look().n, 0);
    placed_fini(&p);
    tunnel_free(t);
}

TEST_MAIN(T(a_tunnel_leaves_a_link_at_risk_for_a_sound_way),
          T(a_link_that_was_at_risk_is_not_left_and_not_come_to), T(who_has_no_other_way_stays),
          T(nobody_is_pushed_aside_for_it), T(what_is_only_reserved_stays),
          T(the_standby_path_takes_the_risk_if_one_has_to), T(what_is_sound_stays),
          T(paths_do_not_come_closer_for_it), T(who_has_less_than_it_asks_for_leaves_too),
          T(a_new_shared_risk_is_found_and_the_standby_path_laid_again))
