#include "orchestrate/draft.h"

#include "engineer/testing.h"
#include "model/json.h"

static json_t *
names(const char *one, const char *two)
{
    return two ? json_pack("[s, s]", one, two) : json_pack("[s]", one);
}

static struct network *
lab(void)
{
    struct network *net = test_lab();
    test_tcp(net, "scada-a", "fep", "rtu-a", 502);
    test_tcp(net, "scada-b", "fep", "rtu-b", 502);
    test_goose(net, "trip", "relay-a1", "relay-a2 relay-b1");
    return net;
}

static json_t *
draft_of(const struct network *net, const char *one, const char *two)
{
    struct network *copy = network_copy(net);
    struct diag why = {""};
    json_t *draft, *list = names(one, two);
    if (draft_make(copy, list, &draft, &why))
        fail_msg("%s", why.text);
    json_decref(list);
    network_free(copy);
    return draft;
}

static void
is_the_same_for_the_same_network(void **state UNUSED)
{
    struct network *net = lab();
    json_t *x = draft_of(net, "scada-a", "trip"), *y = draft_of(net, "scada-a", "trip");
    assert_true(json_equal(x, y));
    assert_int_equal(draft_size(x), 2);
    assert_string_equal(draft_circuit(x, 1), "trip");
    assert_int_equal(strlen(draft_hash(x)), 64);
    json_decref(x);
    json_decref(y);
    network_free(net);
}

static void
holds_whatever_others_do_meanwhile(void **state UNUSED)
{
    struct network *net = lab();
    struct diag why = {""};
    json_t *draft = draft_of(net, "scada-a", NULL), *other;
    assert_ok(draft_put(net, draft, &why));
    json_t *list = names("scada-b", "trip");
    assert_ok(draft_make(net, list, &other, &why));
    assert_ok(draft_check(net, draft, &why));
    assert_ok(draft_check(net, other, &why));
    assert_ok(draft_put(net, draft, &why)); /* again */
    json_decref(list);
    json_decref(other);
    json_decref(draft);
    network_free(net);
}

static void
does_not_hold_if_a_rule_would_be_another(void **state UNUSED)
{
    struct network *net = lab();
    struct diag why = {""};
    json_t *draft = draft_of(net, "scada-a", NULL);
    assert_ok(draft_put(net, draft, &why));
    struct circuit *changed = circuit_copy(network_circuit(net, "scada-a"));
    changed->rate_kbps = 2000;
    network_put_circuit(net, changed);
    assert_err(draft_check(net, draft, &why), ERR_CONFLICT);
    json_decref(draft);
    network_free(net);
}

static void
is_not_put_where_its_number_is_taken(void **state UNUSED)
{
    struct network *net = lab();
    struct diag why = {""};
    json_t *mine = draft_of(net, "scada-a", NULL), *other = draft_of(net, "scada-b", NULL);
    assert_ok(draft_put(net, other, &why));
    assert_err(draft_put(net, mine, &why), ERR_CONFLICT); /* both were given the first one */
    assert_non_null(strstr(why.text, "number"));
    json_decref(mine);
    json_decref(other);
    network_free(net);
}

static void
leaves_alone_what_another_holds(void **state UNUSED)
{
    struct network *net = lab();
    struct diag why = {""};
    json_t *other = draft_of(net, "scada-b", NULL), *mine, *list = names("scada-a", NULL);
    draft_hold(net, other);
    assert_ok(draft_make(net, list, &mine, &why));
    assert_int_not_equal(network_design(net, "scada-a")->number,
                         network_design(net, "scada-b")->number);
    assert_ok(draft_put(net, other, &why));
    json_decref(list);
    json_decref(mine);
    json_decref(other);
    network_free(net);
}

static void
is_not_put_where_a_link_is_full(void **state UNUSED)
{
    struct network *net = lab();
    struct diag why = {""};
    json_t *draft = draft_of(net, "scada-a", NULL);
    for (struct link *l = net->links; l; l = l->hh.next)
        l->capacity_kbps = 10;
    assert_err(draft_put(net, draft, &why), ERR_CONFLICT);
    assert_non_null(strstr(why.text, "capacity"));
    json_decref(draft);
    network_free(net);
}

static void
says_what_it_lacks(void **state UNUSED)
{
    struct network *net = lab();
    struct diag why = {""};
    json_t *draft, *summary, *list = names("scada-a", "trip");
    network_circuit(net, "scada-a")->protection = DISJOINT_NONE;
    assert_ok(draft_make(net, list, &draft, &why));
    assert_ok(draft_summary(net, draft, &summary, &why));
    const json_t *single = json_object_get(summary, "without-failover");
    assert_int_equal(json_integer_value(json_object_get(single, "count")), 1);
    assert_string_equal(json_string_value(json_array_get(json_object_get(single, "circuits"), 0)),
                        "scada-a");
    assert_int_equal(json_array_size(json_object_get(summary, "paths")), 2);
    json_decref(list);
    json_decref(draft);
    json_decref(summary);
    network_free(net);
}

static void
is_proved_with_all_there_is(void **state UNUSED)
{
    struct network *net = lab();
    struct proof proof;
    struct diag why = {""};
    json_t *draft = draft_of(net, "scada-a", "trip");
    assert_ok(draft_put(net, draft, &why));
    assert_ok(draft_prove(net, &proof, &why));
    json_t *json = proof_to_json(&proof, DRAFT_SHOWN);
    assert_true(json_is_true(json_object_get(json, "ok")));
    assert_int_equal(json_integer_value(json_object_get(json, "circuits")), 2);
    json_decref(json);
    json_decref(draft);
    proof_fini(&proof);
    network_free(net);
}

/* What is said of one circuit of the list, in microseconds. */
static json_int_t
bound(const json_t *bounds, const char *circuit, const char *state)
{
    const json_t *b;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)bounds, i, b)
    {
        if (!strcmp(json_string_value(json_object_get(b, "circuit")), circuit))
            return json_integer_value(json_object_get(json_object_get(b, state), "worst-us"));
    }
    fail_msg("there are no bounds of %s", circuit);
    return 0;
}

static char *
unmet_of(const struct network *net, const json_t *draft, json_t **bounds)
{
    struct diag why = {""};
    char *unmet;
    if (draft_bounds(net, draft, bounds, &unmet, &why))
        fail_msg("%s", why.text);
    return unmet;
}

static void
keeps_latency_budgets_or_says_which_not(void **state UNUSED)
{
    struct network *net = lab();
    struct diag why = {""};
    json_t *bounds, *again;
    json_t *first = draft_of(net, "scada-a", NULL);
    assert_ok(draft_put(net, first, &why));
    assert_null(unmet_of(net, first, &bounds));
    json_int_t normal = bound(bounds, "scada-a", "normal"),
               after = bound(bounds, "scada-a", "failure");
    assert_true(normal > 0 && after >= normal);
    /* Just enough, and just not. */
    network_circuit(net, "scada-a")->max_latency_us = (uint32_t)after;
    assert_null(unmet_of(net, first, &again));
    json_decref(again);
    network_circuit(net, "scada-a")->max_latency_us = (uint32_t)normal - 1;
    char *unmet = unmet_of(net, first, &again);
    assert_non_null(unmet);
    assert_non_null(strstr(unmet, "scada-a"));
    free(unmet);
    json_decref(again);
    json_decref(bounds);
    /* Another one, of a higher class on the same links, takes it beyond. */
    network_circuit(net, "scada-a")->max_latency_us = (uint32_t)normal;
    json_t *second = draft_of(net, "trip", NULL);
    assert_ok(draft_put(net, second, &why));
    unmet = unmet_of(net, second, &bounds);
    assert_non_null(unmet);
    assert_non_null(strstr(unmet, "scada-a would no longer keep its budget"));
    free(unmet);
    json_decref(bounds);
    /* But if it did not keep it before, that is not the other's fault. */
    network_circuit(net, "scada-a")->max_latency_us = (uint32_t)normal - 1;
    assert_null(unmet_of(net, second, &bounds));
    json_decref(bounds);
    json_decref(first);
    json_decref(second);
    network_free(net);
}

/* Of one circuit alone and everything up: how far its directions can be apart at the worst. */
static json_int_t
asymmetry(const json_t *bounds)
{
    const json_t *normal = json_object_get(json_array_get(bounds, 0), "normal");
    return json_integer_value(json_object_get(normal, "asymmetry-us"));
}

static void
keeps_asymmetry_budgets_or_says_which_not(void **state UNUSED)
{
    struct network *net = lab();
    struct diag why = {""};
    json_t *bounds, *again;
    json_t *draft = draft_of(net, "scada-a", NULL);
    assert_ok(draft_put(net, draft, &why));
    assert_null(unmet_of(net, draft, &bounds));
    json_int_t is = asymmetry(bounds);
    assert_true(is > 1);
    network_circuit(net, "scada-a")->max_asymmetry_us = (uint32_t)is;
    assert_null(unmet_of(net, draft, &again));
    json_decref(again);
    network_circuit(net, "scada-a")->max_asymmetry_us = (uint32_t)is - 1;
    char *unmet = unmet_of(net, draft, &again);
    assert_non_null(unmet);
    assert_non_null(strstr(unmet, "asymmetry"));
    free(unmet);
    json_decref(again);
    json_decref(bounds);
    json_decref(draft);
    network_free(net);
}

static void
is_refused_if_it_is_none(void **state UNUSED)
{
    static const char *const texts[] = {"{}", "{\"hash\": \"x\", \"designs\": 1}",
                                        "{\"hash\": \"x\", \"designs\": [{}]}"};
    struct network *net = lab();
    struct diag why = {""};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        json_t *json = json_loads(texts[i], 0, NULL);
        assert_err(draft_put(net, json, &why), ERR_MALFORMED);
        json_decref(json);
    }
    network_free(net);
}

TEST_MAIN(cmocka_unit_test(is_the_same_for_the_same_network),
          cmocka_unit_test(holds_whatever_others_do_meanwhile),
          cmocka_unit_test(does_not_hold_if_a_rule_would_be_another),
          cmocka_unit_test(is_not_put_where_its_number_is_taken),
          cmocka_unit_test(leaves_alone_what_another_holds),
          cmocka_unit_test(is_not_put_where_a_link_is_full), cmocka_unit_test(says_what_it_lacks),
          cmocka_unit_test(is_proved_with_all_there_is),
          cmocka_unit_test(keeps_latency_budgets_or_says_which_not),
          cmocka_unit_test(keeps_asymmetry_budgets_or_says_which_not),
          cmocka_unit_test(is_refused_if_it_is_none))
