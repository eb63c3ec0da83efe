#include "wan/at_risk.h"

#include "te/ted_testing.h"

#define LINK_1_2 "10.255.0.1>10.255.0.2/10.1.2.1"
#define LINK_2_1 "10.255.0.2>10.255.0.1/10.1.2.2"
#define HOLD (2 * SECOND)
#define RESTORE (300 * SECOND)

struct place {
    struct ted *ted;
    uint32_t optical;
    struct at_risk *at_risk;
};

static int
set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    p->ted = ted_new(&(struct ted_config){.at_risk_group = AT_RISK_GROUP});
    uint32_t ospf = add_source(p->ted, TED_KIND_OSPF, "ospf");
    p->optical = add_source(p->ted, TED_KIND_OPTICAL, "optical");
    for (unsigned n = 1; n <= 3; n++)
        put_node(p->ted, ospf, ospf_id(n), n, NULL);
    put_both(p->ted, ospf, 1, 2);
    put_both(p->ted, ospf, 2, 3);
    ted_source_synced(p->ted, ospf, 1);
    p->at_risk = at_risk_new(HOLD, RESTORE);
    *state = p;
    return 0;
}

static int
tear_down(void **state)
{
    struct place *p = *state;
    at_risk_free(p->at_risk);
    ted_free(p->ted);
    free(p);
    return 0;
}

/* What the optical layer says of 1-2 from `now` on. */
static void
say(struct place *p, bool at_risk, nsec_t now)
{
    struct ted_link_record r = {.told = TED_BIT(TED_RISK), .at_risk = at_risk, .risk = "dim"};
    for (unsigned i = 0; i < 2; i++) {
        r.id.local_address = address4(10, 1, 2, i ? 2 : 1);
        assert_ok(ted_named(p->ted, i ? "10.255.0.2" : "10.255.0.1", &r.id.local));
        assert_ok(ted_named(p->ted, i ? "10.255.0.1" : "10.255.0.2", &r.id.remote));
        put_link(p->ted, p->optical, &r, now);
    }
    ted_commit(p->ted, now);
    at_risk_see(p->at_risk, p->ted, now);
}

struct count {
    unsigned n, n_leave;
};

static void
add(void *arg, const struct at_risk_link *link)
{
    struct count *c = arg;
    assert_string_equal(link->why, "dim");
    assert_true(!strcmp(link->key, LINK_1_2) || !strcmp(link->key, LINK_2_1));
    c->n++;
    c->n_leave += link->leave;
}

/* Time has gone on to `now`. */
static struct count
count(struct place *p, nsec_t now)
{
    struct count c = {0, 0};
    ted_commit(p->ted, now);
    at_risk_see(p->at_risk, p->ted, now);
    at_risk_each(p->at_risk, now, add, &c);
    return c;
}

static void
a_link_is_left_when_it_has_been_at_risk_for_long_enough(void **state)
{
    struct place *p = *state;
    assert_int_equal(count(p, 1).n, 0);
    assert_true(at_risk_next(p->at_risk, 1) == NSEC_NEVER);
    say(p, true, 10 * SECOND);
    assert_int_equal(count(p, 10 * SECOND).n, 2); /* nobody comes to it any more */
    assert_int_equal(count(p, 10 * SECOND).n_leave, 0);
    assert_true(at_risk_next(p->at_risk, 10 * SECOND) == 12 * SECOND);
    assert_int_equal(count(p, 12 * SECOND - 1).n_leave, 0);
    assert_int_equal(count(p, 12 * SECOND).n_leave, 2);
    assert_true(at_risk_next(p->at_risk, 12 * SECOND) == NSEC_NEVER);
}

static void
what_is_at_risk_for_a_moment_is_not_left(void **state)
{
    struct place *p = *state;
    say(p, true, 10 * SECOND);
    say(p, false, 11 * SECOND);
    assert_int_equal(count(p, 20 * SECOND).n_leave, 0);
    assert_int_equal(count(p, 20 * SECOND).n, 2);
}

static void
a_link_is_come_to_again_when_it_has_been_sound_for_long_enough(void **state)
{
    struct place *p = *state;
    say(p, true, 10 * SECOND);
    say(p, false, 50 * SECOND);
    assert_true(at_risk_next(p->at_risk, 50 * SECOND) == 50 * SECOND + RESTORE);
    assert_int_equal(count(p, 50 * SECOND + RESTORE - 1).n, 2);
    assert_int_equal(count(p, 50 * SECOND + RESTORE - 1).n_leave, 0);
    assert_int_equal(count(p, 50 * SECOND + RESTORE).n, 0);
    say(p, true, 400 * SECOND); /* as for the first time */
    assert_int_equal(count(p, 401 * SECOND).n_leave, 0);
}

static void
a_signal_that_flaps_is_at_risk_all_the_time(void **state)
{
    struct place *p = *state;
    for (unsigned i = 0; i < 10; i++) {
        say(p, true, (10 + 2 * (nsec_t)i) * SECOND);
        assert_int_equal(count(p, (10 + 2 * (nsec_t)i) * SECOND).n_leave, i ? 2 : 0);
        say(p, false, (11 + 2 * (nsec_t)i) * SECOND);
        assert_int_equal(count(p, (11 + 2 * (nsec_t)i) * SECOND).n, 2);
    }
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

TEST_MAIN(T(a_link_is_left_when_it_has_been_at_risk_for_long_enough),
          T(what_is_at_risk_for_a_moment_is_not_left),
          T(a_link_is_come_to_again_when_it_has_been_sound_for_long_enough),
          T(a_signal_that_flaps_is_at_risk_all_the_time))
