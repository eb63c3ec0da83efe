/* What operators take out of service, and exceptions. */
#include "wan/service_testing.h"

static enum err
drain(struct place *p, const char *element, json_t **answer)
{
    return ask(p, "wan.drain",
               json_pack("{ss ss ss}", "actor", "olga", "element", element, "reason", "digging"),
               answer);
}

static enum err
restore(struct place *p, const char *element)
{
    return ask(p, "wan.restore", json_pack("{ss ss}", "actor", "olga", "element", element), NULL);
}

static int
number(const json_t *json, const char *name)
{
    return (int)json_integer_value(json_object_get(json, name));
}

static bool
is_out_of_service(struct place *p, unsigned n)
{
    struct ted_node_info node;
    const struct te_address id = router_id(n);
    for (uint32_t i = 0; ted_node_info_at(p->service->ted, i, &node); i++) {
        if (wan_address_equal(&node.node->router_id, &id))
            return node.maintenance;
    }
    fail_msg("router %u is not there", n);
    return false;
}

/* ---- Exceptions ---- */

/* Whoever takes exceptions refuses evidence of anything but texts. */
static void
evidence_is_texts_whatever_was_to_be_told(void **state)
{
    struct place *p = *state;
    wan_raise(
        p->service, "tunnel-without-path", "major", "tunnel/t",
        json_pack("{ss s[ss] s[]}", "element", "r2", "circuits", "scada-rtu", "ping-rtu", "others"),
        "%s", "It has no way.");
    RUN_UNTIL(p->scene->loop, json_array_size(p->raised));
    const json_t *evidence = json_object_get(json_array_get(p->raised, 0), "evidence");
    assert_string_equal(json_string_value(json_object_get(evidence, "circuits")),
                        "scada-rtu, ping-rtu");
    assert_string_equal(json_string_value(json_object_get(evidence, "element")), "r2");
    assert_null(json_object_get(evidence, "others"));
}

static void
long_lists_in_evidence_are_cut(void **state)
{
    struct place *p = *state;
    json_t *names = json_array();
    for (unsigned i = 0; i < 60; i++)
        json_array_append_new(names, json_string("c"));
    wan_raise(p->service, "tunnel-without-path", "major", "tunnel/t",
              json_pack("{so}", "circuits", names), "%s", "It has no way.");
    RUN_UNTIL(p->scene->loop, json_array_size(p->raised));
    const char *text = json_string_value(
        json_object_get(json_object_get(json_array_get(p->raised, 0), "evidence"), "circuits"));
    assert_non_null(text);
    assert_non_null(strstr(text, "c, c and 10 more"));
}

static void
what_routers_say_is_told_though_it_is_no_text(void **state)
{
    struct place *p = *state;
    wan_raise(p->service, "router-misbehaves", "warning", "router/r1", NULL, "It says %s.",
              "\xff\xfe\x80");
    RUN_UNTIL(p->scene->loop, json_array_size(p->raised));
    assert_string_equal(json_string_value(json_object_get(json_array_get(p->raised, 0), "text")),
                        "It says ???.");
}

/* It could not be closed before it was in the journal. */
static void
what_was_over_before_it_was_told_is_closed(void **state)
{
    struct place *p = *state;
    struct ted_link_info link;
    char body[512];
    assert_true(ted_link_info_at(p->service->ted, 0, &link));
    assert_true(link.link->up);
    snprintf(body, sizeof body,
             "{'id': 1, 'kind': 'wan-link-down', 'severity': 'major', 'object': 'wan-link/a-b', "
             "'text': 'It is down.', 'evidence': {'link': '%s'}}",
             link.key);
    tell(p, "exception.raised", body);
    RUN_UNTIL(p->scene->loop, json_array_size(p->closed));
    assert_string_equal(json_string_value(json_object_get(json_array_get(p->closed, 0), "object")),
                        "wan-link/a-b");
}

static bool
is_closed(const struct place *p, const char *object)
{
    size_t i;
    json_t *one;
    json_array_foreach(p->closed, i, one)
    {
        if (!strcmp(json_string_value(json_object_get(one, "object")), object))
            return true;
    }
    return false;
}

/* Also one of which a program told that ran before this one. */
static void
who_does_no_wrong_for_a_while_is_forgiven(void **state)
{
    struct place *p = *state;
    struct pce_event e = {.kind = PCE_MISBEHAVES,
                          .address = "192.0.2.1",
                          .misbehaviour = PCE_FLOODS,
                          .n = 7,
                          .text = "more than 5 reports a second"};
    tell(p, "exception.raised",
         "{'id': 1, 'kind': 'router-misbehaves', 'severity': 'warning', 'object': 'router/r9', "
         "'text': 'It flaps.', 'evidence': {}}");
    wan_pce_event(p->service, &e);
    wan_pce_event(p->service, &e); /* is not told so soon */
    e.misbehaviour = PCE_FLAPS;
    p->service->settings.quiet = NSEC_PER_MSEC;
    wan_pce_event(p->service, &e);
    RUN_UNTIL(p->scene->loop, json_array_size(p->raised) == 2);
    const json_t *evidence = json_object_get(json_array_get(p->raised, 1), "evidence");
    assert_string_equal(json_string_value(json_object_get(evidence, "floods")),
                        "14 times: more than 5 reports a second");
    RUN_UNTIL(p->scene->loop, is_closed(p, "address/192.0.2.1") && is_closed(p, "router/r9"));
    assert_int_equal(json_array_size(p->raised), 2);
}

/* Nodes 1 and 2 have one label, until 2 has its own again. */
static void
grave_findings_are_exceptions_while_they_are_so(void **state)
{
    struct place *p = *state;
    struct ted_prefix_record r = {.node = ospf_id(2),
                                  .prefix = router_id(2),
                                  .length = 32,
                                  .sid_index = 1,
                                  .node_segment = true};
    p->service->settings.quiet = NSEC_PER_MSEC;
    assert_ok(ted_put_prefix(p->service->ted, p->source, &r, clock_monotonic()));
    r.node = ospf_id(1);
    r.prefix = router_id(1);
    assert_ok(ted_put_prefix(p->service->ted, p->source, &r, clock_monotonic()));
    wan_commit(p->service);
    RUN_UNTIL(p->scene->loop, json_array_size(p->raised));
    const json_t *first = json_array_get(p->raised, 0);
    assert_string_equal(json_string_value(json_object_get(first, "kind")), "wan-sid-conflict");
    assert_non_null(strstr(json_string_value(json_object_get(first, "text")), "of the WAN: "));
    ted_withdraw_prefix(p->service->ted, p->source, &r, clock_monotonic());
    r.node = ospf_id(2);
    r.prefix = router_id(2);
    ted_withdraw_prefix(p->service->ted, p->source, &r, clock_monotonic());
    wan_commit(p->service);
    RUN_UNTIL(p->scene->loop, is_closed(p, json_string_value(json_object_get(first, "object"))));
}

static void
tunnels_without_anybody_to_tell_routers_are_an_exception_and_orders_fail(void **state)
{
    struct place *p = *state;
    reserve(p);
    assert_err(ask(p, "wan.push", json_pack("{s[s] si}", "tunnels", "t", "order", 1), NULL),
               ERR_CLOSED);
    tell(p, "tunnel.wanted", "{'order': 1, 'tunnels': ['t']}");
    assert_err(ask(p, "wan.remove", json_pack("{s[s] si}", "tunnels", "t", "order", 1), NULL),
               ERR_CLOSED);
    stop(p);
    start(p);
    RUN_UNTIL(p->scene->loop, json_array_size(p->raised));
    assert_string_equal(json_string_value(json_object_get(json_array_get(p->raised, 0), "kind")),
                        "wan-not-listening");
}

/* Otherwise a tunnel that moved while the disk was full stays where the link is down, for ever. */
static void
what_could_not_be_written_did_not_happen_and_is_looked_at_again(void **state)
{
    struct place *p = *state;
    struct planner_segment segments[PLANNER_SEGMENTS_MAX];
    struct diag why = {""};
    size_t n = 0;
    reserve(p);
    planner_release(p->service->planner, "t");
    wan_append(p->service, "no type", "tunnel/t", ACTOR, json_object(), NULL, NULL);
    RUN_UNTIL(p->scene->loop, !planner_segments(p->service->planner, "t", TUNNEL_PRIMARY, false,
                                                segments, &n, &why));
}

/* ---- Maintenance ---- */

static void
a_tunnel_leaves_what_is_drained_and_who_has_no_way_is_counted(void **state)
{
    struct place *p = *state;
    json_t *answer;
    reserve(p);
    assert_ok(drain(p, "r2", &answer));
    int moved = number(answer, "moved");
    json_decref(answer);
    assert_ok(drain(p, "r4", &answer));
    moved += number(answer, "moved");
    assert_int_equal(moved, 1); /* the way that it had, whichever that was */
    assert_int_equal(number(answer, "left"), 1);
    json_decref(answer);
    RUN_UNTIL(p->scene->loop, json_array_size(p->raised));
    assert_string_equal(json_string_value(json_object_get(json_array_get(p->raised, 0), "kind")),
                        "tunnel-without-path");
}

static void
a_plan_to_drain_says_what_moves_and_changes_nothing(void **state)
{
    struct place *p = *state;
    json_t *answer;
    int moves = 0;
    reserve(p);
    tell(p, "tunnel.wanted", "{'order': 1, 'tunnels': ['t']}");
    for (unsigned n = 2; n <= 4; n += 2) { /* one of the two has it */
        char name[16];
        snprintf(name, sizeof name, "r%u", n);
        assert_ok(ask(p, "wan.plan-drain", json_pack("{ss}", "element", name), &answer));
        moves += number(answer, "moves");
        assert_true(json_is_string(json_object_get(answer, "plan_hash")));
        assert_string_equal(
            json_string_value(json_object_get(json_object_get(answer, "plan"), "element")), name);
        json_decref(answer);
    }
    assert_int_equal(moves, 1);
    assert_int_equal(p->service->n_moves, 0);
    assert_false(is_out_of_service(p, 2));
    assert_err(ask(p, "wan.plan-drain", json_pack("{ss}", "element", "r9"), NULL), ERR_NOT_FOUND);
    assert_err(ask(p, "wan.plan-drain", json_object(), NULL), ERR_INVALID);
    assert_ok(drain(p, "r2", NULL));
    assert_err(ask(p, "wan.plan-drain", json_pack("{ss}", "element", "r2"), NULL), ERR_EXISTS);
}

static void
what_is_drained_is_so_after_the_program_began_anew(void **state)
{
    struct place *p = *state;
    assert_ok(drain(p, "r2", NULL));
    assert_true(is_out_of_service(p, 2));
    stop(p);
    start(p);
    assert_true(is_out_of_service(p, 2));
    assert_false(is_out_of_service(p, 4));
    assert_ok(restore(p, "r2"));
    assert_false(is_out_of_service(p, 2));
    stop(p);
    start(p);
    assert_false(is_out_of_service(p, 2));
}

static void
what_is_not_there_is_not_drained_and_what_is_not_drained_not_restored(void **state)
{
    struct place *p = *state;
    static const char *const not_there[] = {
        "r9",      "",       "srlg-", "srlg-x", "srlg-4294967296", "srlg-99999999999999999999",
        "srlg-7 ", "srlg--1"};
    for (size_t i = 0; i < ARRAY_SIZE(not_there); i++)
        assert_err(drain(p, not_there[i], NULL), ERR_NOT_FOUND);
    assert_err(restore(p, "r2"), ERR_NOT_FOUND);
    assert_ok(drain(p, "srlg-4294967295", NULL));
    assert_ok(restore(p, "srlg-4294967295"));
    assert_err(restore(p, "srlg-4294967295"), ERR_NOT_FOUND);
}

static void
a_drain_on_its_way_does_not_outlive_the_service(void **state)
{
    struct place *p = *state;
    struct answer a = {false, ERR_OK, NULL};
    assert_ok(
        bus_request(p->bus, "wan.drain",
                    json_pack("{ss ss ss}", "actor", "olga", "element", "r2", "reason", "digging"),
                    NSEC_PER_SEC, on_answer, &a, NULL));
    RUN_UNTIL(p->scene->loop, p->service->maintenance);
    stop(p);
    RUN_UNTIL(p->scene->loop, tunneling_drain(&p->state->tunneling, "r2"));
    RUN_UNTIL(p->scene->loop, a.came);
    json_decref(a.value);
}

/* ---- Priorities ---- */

#define MORE_TUNNELS                                                                               \
    "{'tieline-wan:wan': {'tunnel': ["                                                             \
    "{'name': 'low1', 'head': 'r1', 'tail': 'r3', 'rate-kbps': 60000, 'protection': 'none'}, "     \
    "{'name': 'low2', 'head': 'r1', 'tail': 'r3', 'rate-kbps': 60000, 'protection': 'none'}, "     \
    "{'name': 'high', 'head': 'r1', 'tail': 'r3', 'rate-kbps': 60000, 'protection': 'none', "      \
    "'setup-priority': 0, 'hold-priority': 0}]}}"

static void
who_is_pushed_aside_is_so_when_the_other_is_wanted_and_not_before(void **state)
{
    struct place *p = *state;
    tell(p, "model.put", MORE_TUNNELS);
    reserve_tunnel(p, "low1", 2);
    reserve_tunnel(p, "low2", 3);
    tell(p, "tunnel.wanted", "{'order': 2, 'tunnels': ['low1']}");
    tell(p, "tunnel.wanted", "{'order': 3, 'tunnels': ['low2']}");
    reserve_tunnel(p, "high", 4);
    wan_reroute(p->service);
    assert_false(wan_tunnel(p->service, "low1")->without);
    assert_false(wan_tunnel(p->service, "low2")->without);
    tell(p, "tunnel.wanted", "{'order': 4, 'tunnels': ['high']}");
    RUN_UNTIL(p->scene->loop, json_array_size(p->raised));
    assert_string_equal(json_string_value(json_object_get(json_array_get(p->raised, 0), "kind")),
                        "tunnel-without-path");
    assert_int_equal(json_array_size(p->raised), 1);
}

/* ---- Changes of the network ---- */

static bool
keep_body(void *arg, const struct journal_event *e)
{
    json_t **bodies = arg;
    json_array_append_new(*bodies, json_loadb(e->body, e->body_size, 0, NULL));
    return true;
}

/* What the journal has of wan.changed; the caller owns it. */
static json_t *
changes_told(struct place *p)
{
    const struct journal_query query = {.type_prefix = "wan.changed"};
    json_t *bodies = json_array();
    assert_ok(journal_read(p->scene->journal, &query, keep_body, &bodies, NULL));
    return bodies;
}

static bool
are_told(struct place *p, size_t n)
{
    json_t *bodies = changes_told(p);
    bool enough = json_array_size(bodies) >= n;
    json_decref(bodies);
    return enough;
}

static void
change_way(struct place *p, uint32_t te_metric, uint32_t delay_us, uint32_t srlg)
{
    struct ted_link_record r = ospf_link(1, 2, 0);
    r.told |= TED_BIT(TED_DELAY) | TED_BIT(TED_TE_METRIC) | TED_BIT(TED_ADJACENCY_SID) |
              TED_BIT(TED_SRLG);
    r.te_metric = te_metric;
    r.delay_us = delay_us;
    r.capacity_bps = r.reservable_bps = 100000000;
    r.adjacency_label = 15012;
    r.srlgs = &srlg;
    r.n_srlgs = 1;
    put_link(p->service->ted, p->source, &r, clock_monotonic());
    wan_commit(p->service);
}

static void
that_the_network_is_another_one_is_told_once_for_all_that_comes_together(void **state)
{
    struct place *p = *state;
    RUN_UNTIL(p->scene->loop, are_told(p, 1));
    json_t *bodies = changes_told(p), *first = json_array_get(bodies, 0);
    assert_int_equal(json_array_size(json_object_get(first, "nodes")), 4);
    assert_int_equal(json_array_size(json_object_get(first, "links")), 8);
    assert_int_equal(number(first, "version"), p->service->version);
    json_decref(bodies);
    change_way(p, 20, 1000, 7);
    change_way(p, 20, 2000, 8);
    RUN_UNTIL(p->scene->loop, are_told(p, 2));
    bodies = changes_told(p);
    assert_int_equal(json_array_size(bodies), 2);
    json_t *second = json_array_get(bodies, 1);
    json_object_del(second, "version");
    json_t *expected = json_quoted(
        "{'nodes': [], 'links': [{'link': '10.255.0.1>10.255.0.2/10.1.2.1', 'change': 'changed', "
        "'attributes': ['te-metric', 'delay', 'srlg'], 'up': true}]}");
    assert_true(json_equal(second, expected));
    json_decref(expected);
    json_decref(bodies);
}

static void
of_very_many_changes_the_others_are_counted(void **state)
{
    struct place *p = *state;
    for (unsigned n = 10; n < 10 + 2 * WAN_CHANGES_TOLD; n++)
        put_known_node(p, n);
    wan_commit(p->service);
    RUN_UNTIL(p->scene->loop, are_told(p, 1));
    json_t *bodies = changes_told(p), *told = json_array_get(bodies, 0);
    assert_int_equal(json_array_size(json_object_get(told, "nodes")) +
                         json_array_size(json_object_get(told, "links")),
                     WAN_CHANGES_TOLD);
    assert_true(number(told, "left-out") >= 12 + WAN_CHANGES_TOLD);
    json_decref(bodies);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

TEST_MAIN(T(evidence_is_texts_whatever_was_to_be_told), T(long_lists_in_evidence_are_cut),
          T(what_routers_say_is_told_though_it_is_no_text),
          T(what_was_over_before_it_was_told_is_closed),
          T(who_does_no_wrong_for_a_while_is_forgiven),
          T(grave_findings_are_exceptions_while_they_are_so),
          T(what_could_not_be_written_did_not_happen_and_is_looked_at_again),
          T(tunnels_without_anybody_to_tell_routers_are_an_exception_and_orders_fail),
          T(a_tunnel_leaves_what_is_drained_and_who_has_no_way_is_counted),
          T(a_plan_to_drain_says_what_moves_and_changes_nothing),
          T(what_is_drained_is_so_after_the_program_began_anew),
          T(what_is_not_there_is_not_drained_and_what_is_not_drained_not_restored),
          T(a_drain_on_its_way_does_not_outlive_the_service),
          T(who_is_pushed_aside_is_so_when_the_other_is_wanted_and_not_before),
          T(that_the_network_is_another_one_is_told_once_for_all_that_comes_together),
          T(of_very_many_changes_the_others_are_counted))
