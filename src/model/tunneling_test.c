#include "model/tunneling.h"

#include "model/state_testing.h"

#define PLACED(tunnel, number)                                                                     \
    "{'tunnel': '" tunnel "', 'number': " number ", 'primary': {'links': ['a>b']},"                \
    " 'standby': {'links': ['a>c', 'c>b']}}"
#define RESERVE "{'order': 7, 'placements': [" PLACED("t", "3") "]}"

static const struct tunnel_status *
t(void)
{
    return tunneling_find(&state->tunneling, "t");
}

static void
a_tunnel_s_life_is_a_fold_over_its_events(void **unused UNUSED)
{
    static const struct {
        const char *type, *body;
        enum circuit_phase phase;
    } life[] = {
        {"tunnel.reserved", RESERVE, PHASE_RESERVED},
        {"tunnel.wanted", "{'order': 7, 'tunnels': ['t']}", PHASE_BUILDING},
        {"tunnel.built", "{'order': 7, 'tunnel': 't', 'duration-ns': 5}", PHASE_BUILT},
        {"tunnel.tested", "{'order': 7, 'tunnel': 't'}", PHASE_ACTIVE},
        {"tunnel.unwanted", "{'order': 8, 'tunnels': ['t']}", PHASE_REMOVING},
        {"tunnel.removed", "{'order': 8, 'tunnel': 't'}", PHASE_RESERVED},
        {"tunnel.released", "{'order': 8, 'tunnels': ['t']}", PHASE_PROPOSED},
    };
    assert_null(t());
    for (size_t i = 0; i < ARRAY_SIZE(life); i++) {
        assert_err(apply(life[i].type, life[i].body), ERR_OK);
        assert_int_equal(t()->phase, life[i].phase);
        assert_int_equal(t()->since, (nsec_t)(i + 1) * NSEC_PER_SEC);
        assert_int_equal(t()->order, i < 4 ? 7 : 8);
        assert_int_equal(t()->number, life[i].phase == PHASE_PROPOSED ? 0 : 3);
        assert_true(!t()->paths[TUNNEL_PRIMARY] == (life[i].phase == PHASE_PROPOSED));
    }
    assert_int_equal(t()->build_time, 0);
}

static void
a_move_keeps_the_phase_and_is_counted(void **unused UNUSED)
{
    assert_err(apply("tunnel.reserved", RESERVE), ERR_OK);
    assert_err(apply("tunnel.wanted", "{'tunnels': ['t']}"), ERR_OK);
    assert_err(apply("tunnel.built", "{'tunnel': 't'}"), ERR_OK);
    assert_err(apply("tunnel.moved", "{'tunnel': 't', 'reason': 'link a>b is down', 'primary':"
                                     " {'links': ['a>d', 'd>b']}}"),
               ERR_OK);
    assert_int_equal(t()->phase, PHASE_BUILT);
    assert_int_equal(t()->n_moved, 1);
    assert_int_equal(t()->moved, 4 * NSEC_PER_SEC);
    assert_string_equal(t()->reason, "link a>b is down");
    json_t *json = tunnel_status_json(t());
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, "{\"moved\":\"1970-01-01T00:00:04.000000000Z\",\"n-moved\":1,"
                              "\"number\":3,\"order\":7,\"phase\":\"built\",\"primary\":{\"links\":"
                              "[\"a>d\",\"d>b\"]},\"reason\":\"link a>b is down\",\"since\":"
                              "\"1970-01-01T00:00:03.000000000Z\"}");
    free(text);
    json_decref(json);
}

static void
who_gave_way_is_remembered_until_it_goes_back(void **unused UNUSED)
{
    static const struct {
        const char *body;
        bool gave_way;
    } moves[] = {
        {"{'tunnel': 't', 'primary': {}}", false},
        {"{'tunnel': 't', 'primary': {}, 'gave-way': true}", true},
        {"{'tunnel': 't', 'primary': {}, 'reason': 'link a>b is down'}", true},
        {"{'tunnel': 't', 'primary': {}, 'gave-way': false}", false},
        {"{'tunnel': 't', 'primary': {}, 'gave-way': true}", true},
    };
    assert_err(apply("tunnel.reserved", RESERVE), ERR_OK);
    for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
        assert_err(apply("tunnel.moved", moves[i].body), ERR_OK);
        assert_int_equal(t()->gave_way, moves[i].gave_way);
    }
    assert_err(apply("tunnel.released", "{'tunnels': ['t']}"), ERR_OK);
    assert_false(t()->gave_way);
}

static void
what_cannot_be_read_changes_nothing(void **unused UNUSED)
{
    static const char *const cases[][2] = {
        {"tunnel.reserved", "[]"},
        {"tunnel.reserved", "{'placements': {}}"},
        {"tunnel.reserved", "{'placements': [" PLACED("u", "4") ", " PLACED("v", "0") "]}"},
        {"tunnel.reserved", "{'placements': [" PLACED("u", "65536") "]}"},
        {"tunnel.reserved", "{'placements': [{'tunnel': 'u', 'number': 4}]}"},
        {"tunnel.wanted", "{'tunnels': ['t', 'u']}"},
        {"tunnel.wanted", "{'tunnels': [7]}"},
        {"tunnel.wanted", "{}"},
        {"tunnel.built", "{'tunnel': 'u'}"},
        {"tunnel.moved", "{'tunnel': 'u', 'primary': {}}"},
    };
    assert_err(apply("tunnel.reserved", RESERVE), ERR_OK);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_err(apply(cases[i][0], cases[i][1]), ERR_MALFORMED);
        assert_int_equal(t()->phase, PHASE_RESERVED);
        assert_null(tunneling_find(&state->tunneling, "u"));
    }
}

static void
numbers_are_used_again(void **unused UNUSED)
{
    assert_int_equal(tunneling_free_number(&state->tunneling), 1);
    assert_err(apply("tunnel.reserved", "{'placements': [" PLACED("a", "1") ", " PLACED(
                                            "b", "2") ", " PLACED("c", "4") "]}"),
               ERR_OK);
    assert_int_equal(tunneling_free_number(&state->tunneling), 3);
    assert_err(apply("tunnel.released", "{'tunnels': ['a']}"), ERR_OK);
    assert_int_equal(tunneling_free_number(&state->tunneling), 1);
}

static void
a_tunnel_that_is_removed_is_forgotten(void **unused UNUSED)
{
    assert_err(apply("model.put",
                     "{'tieline-inventory:inventory': {'site': [{'name': 's', 'kind': 'wan'}]},"
                     " 'tieline-wan:wan': {'router': [{'name': 'p', 'site': 's', 'platform': 'frr',"
                     " 'router-id': '10.0.0.1'}, {'name': 'q', 'site': 's', 'platform': 'frr',"
                     " 'router-id': '10.0.0.2'}], 'tunnel': [{'name': 't', 'head': 'p', 'tail':"
                     " 'q', 'rate-kbps': 1}]}}"),
               ERR_OK);
    assert_non_null(network_tunnel(state->network, "t"));
    assert_err(apply("tunnel.reserved", RESERVE), ERR_OK);
    assert_err(apply("model.remove", "{'kind': 'tunnel', 'name': 't'}"), ERR_OK);
    assert_null(network_tunnel(state->network, "t"));
    assert_null(t());
    assert_err(apply("model.remove", "{'kind': 'router', 'name': 'q'}"), ERR_OK);
    assert_null(network_router(state->network, "q"));
}

static void
what_is_drained_stays_so_until_it_is_restored(void **unused UNUSED)
{
    assert_ok(apply("wan.drained", "{'element': 'n1', 'kind': 'router', 'key': '10.20.0.2', "
                                   "'reason': 'new line card'}"));
    assert_ok(apply("wan.drained",
                    "{'element': 'srlg-7', 'kind': 'srlg', 'key': '7', 'reason': 'digging'}"));
    const struct drain *d = tunneling_drain(&state->tunneling, "n1");
    assert_non_null(d);
    assert_int_equal(d->kind, DRAIN_ROUTER);
    assert_string_equal(d->key, "10.20.0.2");
    assert_string_equal(d->who, "alice");
    assert_string_equal(d->why, "new line card");
    assert_ok(apply("wan.drained",
                    "{'element': 'n1', 'kind': 'router', 'key': '10.20.0.2', 'reason': 'again'}"));
    assert_string_equal(tunneling_drain(&state->tunneling, "n1")->why, "again");
    assert_ok(apply("wan.restored", "{'element': 'n1'}"));
    assert_ok(apply("wan.restored", "{'element': 'n1'}"));
    assert_null(tunneling_drain(&state->tunneling, "n1"));
    assert_non_null(tunneling_drain(&state->tunneling, "srlg-7"));
}

static void
a_drain_that_says_too_little_changes_nothing(void **unused UNUSED)
{
    static const char *const bodies[] = {
        "{'kind': 'router', 'key': 'k', 'reason': 'r'}",
        "{'element': 'e', 'key': 'k', 'reason': 'r'}",
        "{'element': 'e', 'kind': 'moon', 'key': 'k', 'reason': 'r'}",
        "{'element': 'e', 'kind': 'link', 'reason': 'r'}",
        "{'element': 'e', 'kind': 'link', 'key': 'k'}"};
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
        assert_err(apply("wan.drained", bodies[i]), ERR_MALFORMED);
    assert_null(tunneling_drain(&state->tunneling, "e"));
    assert_err(apply("wan.restored", "{}"), ERR_MALFORMED);
}

static void
what_a_source_told_last_is_kept_with_who_told_it(void **unused UNUSED)
{
    static const char *const bodies[] = {"{'kind': 'optical', 'text': '{}'}",
                                         "{'source': 'optical', 'text': '{}'}",
                                         "{'source': 'optical', 'kind': 'moon', 'text': '{}'}",
                                         "{'source': 'optical', 'kind': 'optical'}"};
    assert_ok(apply("wan.told", "{'source': 'optical', 'kind': 'optical', 'text': '{}'}"));
    assert_ok(apply("wan.told", "{'source': 'plan', 'kind': 'import', 'text': 'a,b'}"));
    assert_ok(apply("wan.told", "{'source': 'optical', 'kind': 'optical', 'text': '[]'}"));
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
        assert_err(apply("wan.told", bodies[i]), ERR_MALFORMED);
    const struct told_source *t = tunneling_told(&state->tunneling, "optical");
    assert_non_null(t);
    assert_string_equal(t->text, "[]");
    assert_string_equal(t->who, "alice");
    assert_int_equal(tunneling_told(&state->tunneling, "plan")->kind, TOLD_IMPORT);
    assert_null(tunneling_told(&state->tunneling, "moon"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_state, close_state)

TEST_MAIN(T(a_tunnel_s_life_is_a_fold_over_its_events), T(a_move_keeps_the_phase_and_is_counted),
          T(who_gave_way_is_remembered_until_it_goes_back), T(what_cannot_be_read_changes_nothing),
          T(numbers_are_used_again), T(a_tunnel_that_is_removed_is_forgotten),
          T(what_is_drained_stays_so_until_it_is_restored),
          T(a_drain_that_says_too_little_changes_nothing),
          T(what_a_source_told_last_is_kept_with_who_told_it))
