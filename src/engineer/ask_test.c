#include "engineer/ask.h"

#include "engineer/prove_testing.h"

/* The lab, planned and proved. */
struct lab {
    struct network *net;
    struct plan *plan;
    struct prover *prover;
};

static int
open_lab(void **state)
{
    struct lab *lab = xcalloc(1, sizeof *lab);
    lab->net = lab_with_circuits();
    design_all(lab->net);
    lab->plan = plan_of(lab->net);
    lab->prover = prover_new(lab->net);
    assert_ok(prover_put_plan(lab->prover, lab->plan));
    assert_ok(prover_allow_all(lab->prover, NULL));
    *state = lab;
    return 0;
}

static int
close_lab(void **state)
{
    struct lab *lab = *state;
    prover_free(lab->prover);
    plan_free(lab->plan);
    network_free(lab->net);
    free(lab);
    return 0;
}

static json_t *
reach(struct lab *lab, const char *from, const char *to, const char *protocol)
{
    json_t *answer;
    struct diag diag;
    if (ask_reach(lab->prover, from, to, protocol, &answer, &diag))
        fail_msg("%s", diag.text);
    assert_true(json_is_true(json_object_get(answer, "proved")));
    return answer;
}

static const char *
member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static bool
has(const json_t *list, const char *name)
{
    const json_t *item;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        if (!strcmp(json_string_value(item), name))
            return true;
    }
    return false;
}

static void
says_by_which_circuit_and_rules(void **state)
{
    json_t *answer = reach(*state, "fep", "rtu-a", "tcp/502");
    assert_true(json_is_true(json_object_get(answer, "reaches")));
    const json_t *ways = json_object_get(answer, "ways");
    assert_int_equal(json_array_size(ways), 1);
    const json_t *way = json_array_get(ways, 0);
    assert_string_equal(member(way, "circuit"), "scada-a");
    assert_non_null(strstr(member(way, "packet"), "tcp_dst=502"));
    assert_non_null(strstr(member(way, "path"), "cc1 > "));
    size_t n = json_array_size(json_object_get(way, "rules"));
    assert_true(n >= 3);
    assert_non_null(strstr(json_string_value(json_array_get(json_object_get(way, "rules"), 0)),
                           "cc1: table=0"));
    json_decref(answer);
}

static void
says_what_drops_it(void **state)
{
    json_t *answer = reach(*state, "fep", "rtu-a", "tcp/503");
    assert_true(json_is_false(json_object_get(answer, "reaches")));
    const json_t *dropped = json_object_get(answer, "dropped");
    assert_string_equal(member(dropped, "node"), "cc1");
    assert_non_null(strstr(member(dropped, "rule"), "priority=1,"));
    json_decref(answer);
    answer = reach(*state, "eng-a", "rtu-b", NULL);
    assert_true(json_is_false(json_object_get(answer, "reaches")));
    json_decref(answer);
}

static void
knows_a_way_that_no_circuit_allows(void **state)
{
    struct lab *lab = *state;
    struct flow extra = {.priority = 7, .has_apply = true};
    struct rule rule = rule_of_flow(&extra);
    struct diag diag;
    json_t *answer;
    assert_ok(match_parse("in_port=4", &extra.match, &diag));
    actions_output(&extra.apply, 3);
    assert_ok(prover_put(lab->prover, "a2", &rule));
    const struct host *there = network_host_at(lab->net, "a2", 3);
    assert_ok(ask_reach(lab->prover, "eng-a", there->name, "udp", &answer, &diag));
    assert_true(json_is_false(json_object_get(answer, "proved")));
    assert_true(json_is_true(json_object_get(answer, "reaches")));
    const json_t *way = json_array_get(json_object_get(answer, "ways"), 0);
    assert_true(json_is_null(json_object_get(way, "circuit")));
    json_decref(answer);
    assert_ok(prover_remove(lab->prover, "a2", &rule));
    flow_fini(&extra);
}

static void
refuses_what_it_does_not_know(void **state)
{
    struct lab *lab = *state;
    struct diag diag;
    json_t *answer = NULL;
    assert_int_equal(ask_reach(lab->prover, "nobody", "rtu-a", NULL, &answer, &diag),
                     ERR_NOT_FOUND);
    assert_non_null(strstr(diag.text, "nobody"));
    static const char *const wrong[] = {"tcp/",  "tcp/0",    "tcp/70000", "tcp/x", "icmp/3",
                                        "0xfff", "0x1fffff", "modbus",    "tcp/5 "};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct match m = MATCH_ANY;
        enum err err = ask_protocol(wrong[i], &m, &diag);
        if (strcmp(wrong[i], "0xfff"))
            assert_int_equal(err, ERR_INVALID);
    }
    assert_int_equal(ask_affected_by(lab->prover, "nothing", &answer, &diag), ERR_NOT_FOUND);
    assert_null(answer);
}

static void
says_who_reaches_a_host(void **state)
{
    struct lab *lab = *state;
    json_t *answer;
    assert_ok(ask_who_reaches(lab->prover, "rtu-a", &answer, NULL));
    const json_t *from = json_object_get(answer, "from"), *host;
    size_t i, n = 0;
    json_array_foreach((json_t *)(uintptr_t)from, i, host)
    {
        const json_t *circuits = json_object_get(host, "circuits"), *c;
        size_t k;
        n += !strcmp(member(host, "host"), "fep") || !strcmp(member(host, "host"), "eng-a") ||
             !strcmp(member(host, "host"), "relay-a2");
        json_array_foreach((json_t *)(uintptr_t)circuits, k, c)
            assert_true(json_is_true(json_object_get(c, "arrives")));
    }
    assert_int_equal(n, 3); /* SCADA, engineering, sampled values */
    assert_int_equal(json_array_size(from), 3);
    json_decref(answer);
}

/* Compared with what the proof says of the same failure. */
static void
says_what_a_failure_does(void **state)
{
    struct lab *lab = *state;
    const struct design *d = network_design(lab->net, "scada-a");
    json_t *answer;
    assert_true(d->has_failover);
    assert_ok(ask_affected_by(lab->prover, d->primary.links[0], &answer, NULL));
    bool shared = false;
    for (uint32_t i = 0; i < d->n_shared_links; i++)
        shared |= !strcmp(d->shared_links[i], d->primary.links[0]);
    assert_true(has(json_object_get(answer, shared ? "lost" : "fails-over"), "scada-a"));
    assert_false(has(json_object_get(answer, "unprotected"), "scada-a"));
    json_decref(answer);
    /* The link of the failover path that the primary does not have. */
    const char *other = NULL;
    for (uint32_t i = 0; i < d->failover.n_links; i++) {
        bool both = false;
        for (uint32_t k = 0; k < d->primary.n_links; k++)
            both |= !strcmp(d->primary.links[k], d->failover.links[i]);
        if (!both)
            other = d->failover.links[i];
    }
    assert_non_null(other);
    assert_ok(ask_affected_by(lab->prover, other, &answer, NULL));
    assert_true(has(json_object_get(answer, "unprotected"), "scada-a"));
    json_decref(answer);
    /* The node of an end. */
    assert_ok(ask_affected_by(lab->prover, network_host(lab->net, "rtu-a")->node, &answer, NULL));
    assert_true(has(json_object_get(answer, "lost"), "scada-a"));
    assert_false(has(json_object_get(answer, "lost"), "scada-b"));
    json_decref(answer);
    /* A circuit without a failover path is lost with any link of its path. */
    const struct design *bare = network_design(lab->net, "bare");
    assert_ok(ask_affected_by(lab->prover, bare->primary.links[0], &answer, NULL));
    assert_true(has(json_object_get(answer, "lost"), "bare"));
    json_decref(answer);
}

static void
knows_who_may_talk_to_whom(void **state)
{
    struct lab *lab = *state;
    json_t *answer = ask_matrix(lab->prover);
    const json_t *pairs = json_object_get(answer, "pairs"), *pair;
    size_t i, found = 0;
    const char *last = "";
    json_array_foreach((json_t *)(uintptr_t)pairs, i, pair)
    {
        assert_true(strcmp(last, member(pair, "from")) <= 0);
        last = member(pair, "from");
        found += !strcmp(member(pair, "from"), "fep") && !strcmp(member(pair, "to"), "rtu-a") &&
                 has(json_object_get(pair, "circuits"), "scada-a");
        found += !strcmp(member(pair, "from"), "relay-a1") &&
                 !strcmp(member(pair, "to"), "relay-b1") &&
                 has(json_object_get(pair, "circuits"), "trip");
        assert_false(!strcmp(member(pair, "from"), "eng-a") &&
                     !strcmp(member(pair, "to"), "rtu-b"));
    }
    assert_int_equal(found, 2);
    json_decref(answer);
}

#define WITH_LAB(test) cmocka_unit_test_setup_teardown(test, open_lab, close_lab)

TEST_MAIN(WITH_LAB(says_by_which_circuit_and_rules), WITH_LAB(says_what_drops_it),
          WITH_LAB(knows_a_way_that_no_circuit_allows), WITH_LAB(refuses_what_it_does_not_know),
          WITH_LAB(says_who_reaches_a_host), WITH_LAB(says_what_a_failure_does),
          WITH_LAB(knows_who_may_talk_to_whom))
