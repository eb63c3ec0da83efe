#include "engineer/scenario.h"
#include "engineer/testing_plan.h"
#include "model/json.h"

static const struct scenario_options plain;

/* The lab with circuits of several classes, designed. */
static struct network *
lab_in_use(void)
{
    struct network *net = test_lab();
    test_tcp(net, "scada-a", "fep", "rtu-a", 502);
    test_tcp(net, "scada-b", "fep", "rtu-b", 502);
    struct circuit *eng = test_tcp(net, "eng", "hist", "eng-a", 22);
    eng->service_class = CLASS_ENGINEERING;
    eng->protection = DISJOINT_NONE;
    test_goose(net, "trip", "relay-a1", "relay-a2 relay-b1");
    design_all(net);
    return net;
}

static json_t *
run(struct scenario *s, const struct scenario_options *o)
{
    json_t *answer;
    struct diag why = {""};
    if (scenario_run(s, o, &answer, &why))
        fail_msg("%s", why.text);
    scenario_free(s);
    return answer;
}

static const json_t *
list_of(const json_t *answer, const char *section)
{
    return json_object_get(json_object_get(answer, section), "list");
}

static json_int_t
number_of(const json_t *answer, const char *section, const char *member)
{
    return json_integer_value(json_object_get(json_object_get(answer, section), member));
}

/* The entry of a list with this text in this member. */
static const json_t *
entry(const json_t *list, const char *member, const char *text)
{
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
    {
        if (!strcmp(json_string_value(json_object_get(one, member)), text))
            return one;
    }
    return NULL;
}

static const char *
text(const json_t *object, const char *member)
{
    const char *value = json_string_value(json_object_get(object, member));
    return value ? value : "";
}

static void
assert_verdict(const json_t *answer, bool ok)
{
    if (json_is_true(json_object_get(answer, "ok")) != ok)
        fail_msg("%s", json_dumps(answer, JSON_INDENT(1)));
}

static const json_t *
moved(const json_t *answer, const char *circuit)
{
    const json_t *difference = json_object_get(answer, "difference");
    return entry(list_of(difference, "circuits"), "circuit", circuit);
}

static bool
uses(const json_t *paths, const char *link)
{
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(paths, "primary"), i, name)
    {
        if (!strcmp(json_string_value(name), link))
            return true;
    }
    json_array_foreach(json_object_get(paths, "failover"), i, name)
    {
        if (!strcmp(json_string_value(name), link))
            return true;
    }
    return false;
}

static void
nothing_different(void **state UNUSED)
{
    struct network *net = lab_in_use();
    json_t *answer = run(scenario_new(net), &plain);
    assert_verdict(answer, true);
    assert_int_equal(number_of(answer, "changes", "n"), 0);
    assert_int_equal(number_of(answer, "circuits", "n"), 0);
    assert_int_equal(number_of(json_object_get(answer, "difference"), "circuits", "n"), 0);
    assert_int_equal(number_of(json_object_get(answer, "difference"), "nodes", "n"), 0);
    assert_int_equal(number_of(answer, "bounds", "n"), 4);
    assert_true(number_of(answer, "utilisation", "n") > 0);
    assert_null(json_object_get(answer, "failure"));
    json_decref(answer);
    network_free(net);
}

static void
other_settings_are_a_change(void **state UNUSED)
{
    struct network *net = lab_in_use();
    struct scenario *s = scenario_new(net);
    scenario_network(s)->settings.shape_links = true;
    json_t *answer = run(s, &plain);
    assert_verdict(answer, true);
    assert_int_equal(number_of(answer, "changes", "n"), 1);
    assert_string_equal(text(json_array_get(list_of(answer, "changes"), 0), "kind"), "settings");
    json_decref(answer);
    network_free(net);
}

static void
production_stays_as_it_is(void **state UNUSED)
{
    struct network *net = lab_in_use();
    json_t *before = network_to_json(net);
    struct scenario *s = scenario_new(net);
    assert_int_equal(scenario_remove(s, OBJECT_NODE, "wan3", NULL), ERR_OK);
    json_decref(run(s, &(struct scenario_options){.redesign = true, .each_failure = true}));
    json_t *after = network_to_json(net);
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
    network_free(net);
}

static void
a_link_goes_and_only_its_circuits_move(void **state UNUSED)
{
    struct network *net = lab_in_use();
    const struct design *d = network_design(net, "scada-a");
    char *link = xstrdup(d->primary.links[0]);
    struct scenario *s = scenario_new(net);
    assert_int_equal(scenario_remove(s, OBJECT_LINK, link, NULL), ERR_OK);
    json_t *answer = run(s, &plain);
    assert_verdict(answer, true);
    for (d = net->designs; d; d = d->hh.next) {
        bool hit = false;
        for (uint32_t i = 0; i < d->primary.n_links; i++)
            hit |= !strcmp(d->primary.links[i], link);
        for (uint32_t i = 0; i < d->failover.n_links; i++)
            hit |= !strcmp(d->failover.links[i], link);
        const json_t *change = moved(answer, d->circuit);
        assert_int_equal(hit, change != NULL);
        if (!hit)
            continue;
        assert_string_equal(text(change, "change"), "moved");
        assert_true(uses(json_object_get(change, "before"), link));
        assert_false(uses(json_object_get(change, "after"), link));
        assert_string_equal(text(entry(list_of(answer, "circuits"), "circuit", d->circuit), "why"),
                            "a link of its paths is gone");
    }
    json_decref(answer);
    free(link);
    network_free(net);
}

static void
a_new_circuit_leaves_all_others_alone(void **state UNUSED)
{
    struct network *net = lab_in_use();
    struct scenario *s = scenario_new(net);
    test_tcp(scenario_network(s), "new", "fep", "relay-b1", 102);
    json_t *answer = run(s, &plain);
    assert_verdict(answer, true);
    assert_int_equal(number_of(answer, "changes", "n"), 1);
    assert_int_equal(number_of(answer, "circuits", "n-fit"), 1);
    assert_int_equal(number_of(json_object_get(answer, "difference"), "circuits", "n"), 1);
    assert_string_equal(text(moved(answer, "new"), "change"), "added");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(answer, "difference"), "rules-removed")),
        0);
    json_decref(answer);
    network_free(net);
}

/* A circuit without a design is not designed unless somebody asks for it. */
static void
what_is_only_stated_stays_so(void **state UNUSED)
{
    struct network *net = lab_in_use();
    test_tcp(net, "stated", "fep", "relay-b1", 102);
    json_t *answer = run(scenario_new(net), &plain);
    assert_int_equal(number_of(answer, "circuits", "n"), 0);
    json_decref(answer);
    struct scenario *s = scenario_new(net);
    assert_int_equal(scenario_design(s, "stated", NULL), ERR_OK);
    assert_int_equal(scenario_design(s, "nowhere", NULL), ERR_NOT_FOUND);
    answer = run(s, &plain);
    assert_int_equal(number_of(answer, "circuits", "n-fit"), 1);
    json_decref(answer);
    network_free(net);
}

static void
replace_link(struct scenario *s, const char *name, uint32_t delay_us, uint32_t capacity_kbps)
{
    struct link *link = link_copy(network_link(scenario_network(s), name));
    link->delay_us = delay_us;
    link->capacity_kbps = capacity_kbps;
    network_put_link(scenario_network(s), link);
}

/* Two circuits on a link that has room for one of them: the lower class has to go. */
static void
a_link_gets_smaller_and_the_lowest_class_leaves_it(void **state UNUSED)
{
    struct network *net = test_lab();
    test_tcp(net, "low", "fep", "rtu-b", 102)->service_class = CLASS_BULK;
    test_tcp(net, "high", "fep", "rtu-b", 502)->service_class = CLASS_PROTECTION;
    design_all(net);
    const char *shared = network_design(net, "high")->primary.links[0];
    struct scenario *s = scenario_new(net);
    replace_link(s, shared, network_link(net, shared)->delay_us, 1500);
    json_t *answer = run(s, &plain);
    assert_null(moved(answer, "high"));
    assert_string_equal(text(entry(list_of(answer, "circuits"), "circuit", "low"), "why"),
                        "a link of its paths is too small for all it carries");
    json_decref(answer);
    network_free(net);
}

/* A circuit whose paths share a link is let in by the room for one, and reserves it twice. */
static void
a_link_that_is_as_it_was_is_not_too_small(void **state UNUSED)
{
    struct network *net = test_lab();
    assert_int_equal(network_remove_link(net, "cc1-wan1"), ERR_OK);
    struct link *only = link_copy(network_link(net, "cc1-wan2"));
    only->capacity_kbps = test_tcp(net, "scada", "fep", "rtu-a", 502)->rate_kbps;
    network_put_link(net, only);
    design_all(net);
    assert_true(network_design(net, "scada")->has_failover);
    json_t *answer = run(scenario_new(net), &plain);
    assert_verdict(answer, true);
    assert_int_equal(number_of(answer, "circuits", "n"), 0);
    json_decref(answer);
    network_free(net);
}

static void
a_link_may_be_stated_from_its_other_end(void **state UNUSED)
{
    struct network *net = lab_in_use();
    struct scenario *s = scenario_new(net);
    for (const struct link *l = net->links; l; l = l->hh.next) {
        struct link *turned = link_copy(l);
        struct link_end first = turned->a;
        turned->a = turned->b;
        turned->b = first;
        network_put_link(scenario_network(s), turned);
    }
    json_t *answer = run(s, &plain);
    assert_verdict(answer, true);
    assert_int_equal(number_of(answer, "circuits", "n"), 0);
    assert_int_equal(number_of(json_object_get(answer, "difference"), "nodes", "n"), 0);
    json_decref(answer);
    network_free(net);
}

static void
a_slower_link_breaks_a_budget(void **state UNUSED)
{
    struct network *net = test_lab();
    struct circuit *c = test_tcp(net, "trip", "rtu-b", "relay-b1", 102);
    c->max_latency_us = 3000;
    c->protection = DISJOINT_NONE;
    design_all(net);
    struct scenario *s = scenario_new(net);
    replace_link(s, "b1-b2", 50000, 1000000);
    json_t *answer = run(s, &plain);
    const json_t *verdict = entry(list_of(answer, "circuits"), "circuit", "trip");
    assert_verdict(answer, false);
    assert_string_equal(text(verdict, "limit"), "latency");
    assert_string_equal(text(moved(answer, "trip"), "change"), "removed");
    json_decref(answer);
    network_free(net);
}

static void
a_node_takes_all_that_hangs_on_it_along(void **state UNUSED)
{
    struct network *net = lab_in_use();
    struct scenario *s = scenario_new(net);
    assert_int_equal(scenario_remove(s, OBJECT_SITE, "b", NULL), ERR_CONFLICT);
    assert_int_equal(scenario_remove(s, OBJECT_NODE, "b1", NULL), ERR_OK);
    assert_int_equal(scenario_remove(s, OBJECT_NODE, "b1", NULL), ERR_NOT_FOUND);
    assert_int_equal(scenario_remove(s, OBJECT_NODE, "b2", NULL), ERR_OK);
    assert_int_equal(scenario_remove(s, OBJECT_SITE, "b", NULL), ERR_OK);
    json_t *answer = run(s, &plain);
    assert_verdict(answer, true);
    assert_string_equal(text(moved(answer, "scada-b"), "change"), "removed");
    /* Of the multicast's two subscribers one is left. */
    assert_string_equal(text(moved(answer, "trip"), "change"), "moved");
    assert_null(moved(answer, "scada-a"));
    const char *const gone[] = {"b", "b1", "b2", "b1-b2", "rtu-b", "relay-b1", "scada-b"};
    for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
        assert_string_equal(text(entry(list_of(answer, "changes"), "name", gone[i]), "action"),
                            "removed");
    json_decref(answer);
    network_free(net);
}

static void
what_is_wrong_is_said_and_nothing_computed(void **state UNUSED)
{
    struct network *net = lab_in_use();
    struct scenario *s = scenario_new(net);
    struct host *twin = host_copy(network_host(net, "fep"));
    free(twin->name);
    twin->name = xstrdup("twin");
    network_put_host(scenario_network(s), twin);
    json_t *answer = run(s, &plain);
    assert_verdict(answer, false);
    assert_non_null(entry(json_object_get(answer, "findings"), "code", "mac-duplicate"));
    assert_null(json_object_get(answer, "proof"));
    json_decref(answer);
    network_free(net);
}

static void
failures_are_told(void **state UNUSED)
{
    struct network *net = lab_in_use();
    const struct failure failures[] = {{FAILURE_LINK, "b1-wan2"}, {FAILURE_NODE, "b2"}};
    const struct scenario_options o = {
        .each_failure = true, .n_failures = ARRAY_SIZE(failures), .failures = failures};
    json_t *answer = run(scenario_new(net), &o);
    const json_t *hit = entry(list_of(answer, "failure"), "circuit", "scada-b");
    assert_string_equal(text(hit, "impact"), "has no path left");
    assert_int_equal(number_of(answer, "failures", "tried"),
                     HASH_COUNT(net->links) + HASH_COUNT(net->nodes));
    /* Alone, the node takes away the relay on it, and from the RTU on the other one nothing. */
    const json_t *alone = entry(list_of(answer, "failures"), "element", "node b2");
    assert_int_equal(json_integer_value(json_object_get(alone, "lost")), 0);
    assert_int_equal(json_integer_value(json_object_get(alone, "ends-lost")), 1);
    json_decref(answer);
    const struct failure nowhere = {FAILURE_SHARED_RISK, "duct"};
    struct scenario *s = scenario_new(net);
    struct diag why = {""};
    assert_int_equal(scenario_run(s,
                                  &(struct scenario_options){.n_failures = 1, .failures = &nowhere},
                                  &answer, &why),
                     ERR_NOT_FOUND);
    assert_string_equal(why.text, "shared risk \"duct\" is not there");
    scenario_free(s);
    network_free(net);
}

static struct scenario *
upheaval(const struct network *net)
{
    struct scenario *s = scenario_new(net);
    replace_link(s, "wan1-wan3", 100, 10000000);
    test_tcp(scenario_network(s), "new", "hist", "rtu-b", 102);
    if (scenario_remove(s, OBJECT_LINK, "wan2-wan3", NULL))
        fail();
    return s;
}

static void
the_same_scenario_has_the_same_answer(void **state UNUSED)
{
    static const struct scenario_options o = {.redesign = true, .each_failure = true};
    struct network *net = lab_in_use();
    char *first = NULL;
    for (int i = 0; i < 3; i++) {
        json_t *answer = run(upheaval(net), &o);
        char *answered = json_dumps(answer, 0);
        assert_verdict(answer, true);
        if (first)
            assert_string_equal(answered, first);
        else
            first = xstrdup(answered);
        free(answered);
        json_decref(answer);
    }
    free(first);
    network_free(net);
}

/* Anew, the faster link is used, which circuits that stay do not look at. */
static void
only_when_asked_all_is_designed_anew(void **state UNUSED)
{
    struct network *net = lab_in_use();
    for (int redesign = 0; redesign < 2; redesign++) {
        struct scenario *s = scenario_new(net);
        replace_link(s, "wan1-wan3", 1, 10000000);
        json_t *answer = run(s, &(struct scenario_options){.redesign = redesign != 0});
        assert_verdict(answer, true);
        assert_int_equal(number_of(answer, "circuits", "n"), redesign ? 4 : 0);
        json_int_t n = number_of(json_object_get(answer, "difference"), "circuits", "n");
        assert_true(redesign ? n > 0 : n == 0);
        json_decref(answer);
    }
    network_free(net);
}

static void
a_base_of_files_is_designed_first(void **state UNUSED)
{
    struct network *net = lab_in_use();
    struct findings findings = {0};
    json_t *designed = network_to_json(net);
    const char *const names[] = {"scada-a", "scada-b", "eng", "trip"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_int_equal(network_remove_design(net, names[i]), ERR_OK);
    test_tcp(net, "too-much", "fep", "rtu-b", 102)->rate_kbps = 2000000;
    scenario_design_base(net, &findings);
    assert_int_equal(findings.n, 1);
    assert_string_equal(findings.items[0].object, "too-much");
    assert_null(network_design(net, "too-much"));
    assert_int_equal(network_remove_circuit(net, "too-much"), ERR_OK);
    json_t *again = network_to_json(net);
    assert_true(json_equal(designed, again));
    json_decref(designed);
    json_decref(again);
    findings_fini(&findings);
    network_free(net);
}

TEST_MAIN(cmocka_unit_test(nothing_different), cmocka_unit_test(other_settings_are_a_change),
          cmocka_unit_test(production_stays_as_it_is),
          cmocka_unit_test(a_link_goes_and_only_its_circuits_move),
          cmocka_unit_test(a_new_circuit_leaves_all_others_alone),
          cmocka_unit_test(what_is_only_stated_stays_so),
          cmocka_unit_test(a_link_gets_smaller_and_the_lowest_class_leaves_it),
          cmocka_unit_test(a_link_that_is_as_it_was_is_not_too_small),
          cmocka_unit_test(a_link_may_be_stated_from_its_other_end),
          cmocka_unit_test(a_slower_link_breaks_a_budget),
          cmocka_unit_test(a_node_takes_all_that_hangs_on_it_along),
          cmocka_unit_test(what_is_wrong_is_said_and_nothing_computed),
          cmocka_unit_test(failures_are_told),
          cmocka_unit_test(the_same_scenario_has_the_same_answer),
          cmocka_unit_test(only_when_asked_all_is_designed_anew),
          cmocka_unit_test(a_base_of_files_is_designed_first))
