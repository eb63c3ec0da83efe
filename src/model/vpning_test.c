#include "model/vpning.h"

#include "model/state_testing.h"

static const struct vpn_status *
v(void)
{
    return vpning_find(&state->vpning, "v");
}

#define RESERVE(order, mark)                                                                       \
    "{'order': " order ", 'vpns': [{'vpn': 'v', 'service': {'x': '" mark "'}, 'hash': 'h'}]}"
#define OF(order) "{'order': " order ", 'vpn': 'v'}"

struct step {
    const char *type, *body;
    enum circuit_phase phase;
    const char *applied, *next; /* the mark of the service; NULL: none */
};

static const char *
mark_of(const json_t *service)
{
    return service ? json_string_value(json_object_get(service, "x")) : "";
}

static void
walk(const struct step *steps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_err(apply(steps[i].type, steps[i].body), ERR_OK);
        const struct vpn_version *applied = vpn_status_applied(v());
        assert_int_equal(v()->phase, steps[i].phase);
        assert_string_equal(mark_of(applied ? applied->service : NULL),
                            steps[i].applied ? steps[i].applied : "");
        assert_string_equal(mark_of(v()->next), steps[i].next ? steps[i].next : "");
    }
}

static const struct step build[] = {
    {"vpn.reserved", RESERVE("7", "a"), PHASE_RESERVED, NULL, "a"},
    {"vpn.wanted", OF("7"), PHASE_BUILDING, NULL, "a"},
    {"vpn.built", "{'order': 7, 'vpn': 'v', 'duration-ns': 5}", PHASE_BUILT, "a", NULL},
    {"vpn.tested", OF("7"), PHASE_ACTIVE, "a", NULL},
};

static void
a_vpn_is_built_changed_and_taken_down(void **unused UNUSED)
{
    static const struct step more[] = {
        {"vpn.reserved", RESERVE("8", "b"), PHASE_ACTIVE, "a", "b"},
        {"vpn.wanted", OF("8"), PHASE_BUILDING, "a", "b"},
        {"vpn.built", OF("8"), PHASE_BUILT, "b", NULL},
        {"vpn.tested", OF("8"), PHASE_ACTIVE, "b", NULL},
        {"vpn.unwanted", OF("9"), PHASE_REMOVING, "b", NULL},
        {"vpn.removed", OF("9"), PHASE_PROPOSED, NULL, NULL},
        {"vpn.released", OF("9"), PHASE_PROPOSED, NULL, NULL},
    };
    assert_null(v());
    walk(build, ARRAY_SIZE(build));
    assert_int_equal(v()->build_time, 5);
    assert_int_equal(v()->order, 7);
    walk(more, ARRAY_SIZE(more));
    assert_int_equal(v()->order, 9);
    assert_int_equal(v()->n_versions, 2);
    assert_string_equal(mark_of(vpn_status_version(v(), 1)->service), "a");
    assert_null(vpn_status_version(v(), 3));
}

static void
what_fails_leaves_what_was_there(void **unused UNUSED)
{
    static const struct step first[] = {
        {"vpn.reserved", RESERVE("6", "a"), PHASE_RESERVED, NULL, "a"},
        {"vpn.wanted", OF("6"), PHASE_BUILDING, NULL, "a"},
        {"vpn.failed", OF("6"), PHASE_RESERVED, NULL, "a"},
        {"vpn.released", OF("6"), PHASE_PROPOSED, NULL, NULL},
    };
    static const struct step change[] = {
        {"vpn.reserved", RESERVE("8", "b"), PHASE_ACTIVE, "a", "b"},
        {"vpn.wanted", OF("8"), PHASE_BUILDING, "a", "b"},
        {"vpn.failed", OF("8"), PHASE_ACTIVE, "a", "b"},
        {"vpn.released", OF("8"), PHASE_ACTIVE, "a", NULL},
    };
    walk(first, ARRAY_SIZE(first));
    walk(build, ARRAY_SIZE(build));
    walk(change, ARRAY_SIZE(change));
}

static void
old_versions_are_forgotten_and_their_numbers_are_not_given_again(void **unused UNUSED)
{
    walk(build, ARRAY_SIZE(build));
    for (unsigned i = 0; i < VPN_VERSIONS_MAX; i++) {
        assert_ok(apply("vpn.reserved", RESERVE("8", "b")));
        assert_ok(apply("vpn.wanted", OF("8")));
        assert_ok(apply("vpn.built", OF("8")));
    }
    assert_int_equal(v()->n_versions, VPN_VERSIONS_MAX);
    assert_null(vpn_status_version(v(), 1));
    assert_int_equal(vpn_status_applied(v())->number, VPN_VERSIONS_MAX + 1);
}

static void
events_that_make_no_sense_change_nothing(void **unused UNUSED)
{
    static const char *const wrong[][2] = {
        {"vpn.reserved", "{'order': 7}"},
        {"vpn.reserved", "{'order': 7, 'vpns': [{'vpn': 'v'}]}"},
        {"vpn.reserved", "{'vpns': [{'vpn': 'v', 'service': 'x', 'hash': 'h'}]}"},
        {"vpn.reserved", "[]"},
        {"vpn.wanted", "{'vpn': 'nobody'}"},
        {"vpn.built", "{}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_err(apply(wrong[i][0], wrong[i][1]), ERR_MALFORMED);
    assert_null(v());
    walk(build, ARRAY_SIZE(build));
    assert_err(apply("vpn.built", OF("7")), ERR_MALFORMED);
    assert_err(apply("vpn.wanted", OF("7")), ERR_MALFORMED);
    assert_int_equal(v()->phase, PHASE_ACTIVE);
}

static void
a_vpn_that_is_removed_is_forgotten(void **unused UNUSED)
{
    walk(build, 1);
    assert_ok(apply("model.remove", "{'kind': 'vpn', 'name': 'v'}"));
    assert_null(v());
}

static void
the_status_is_written(void **unused UNUSED)
{
    json_t *json = vpn_status_json(NULL);
    assert_string_equal(json_string_value(json_object_get(json, "phase")), "proposed");
    json_decref(json);
    walk(build, ARRAY_SIZE(build));
    json = vpn_status_json(v());
    assert_int_equal(json_integer_value(json_object_get(json, "version")), 1);
    assert_int_equal(json_array_size(json_object_get(json, "versions")), 1);
    json_decref(json);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_state, close_state)

TEST_MAIN(T(a_vpn_is_built_changed_and_taken_down), T(what_fails_leaves_what_was_there),
          T(old_versions_are_forgotten_and_their_numbers_are_not_given_again),
          T(events_that_make_no_sense_change_nothing), T(a_vpn_that_is_removed_is_forgotten),
          T(the_status_is_written))
