/* What others than routers say of the network: the optical layer, plans,
 * measurements. */
#include "wan/service_testing.h"

#include <stdio.h>

/* ---- The optical layer: a section fAB below each link of the square, and 1-3 ---- */

static const char *const pairs[] = {"12", "23", "34", "14", "13"};

/* `degraded`: a section, by the numbers of its link; `duct`: two that are in risk 40; NULL: none.
 */
static json_t *
optical(const char *degraded, const char *const duct[2])
{
    json_t *sections = json_array(), *connections = json_array(), *services = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        bool shared = duct && (!strcmp(duct[0], pairs[i]) || !strcmp(duct[1], pairs[i]));
        const char a = pairs[i][0], b = pairs[i][1];
        char ends[4][24];
        snprintf(ends[0], sizeof *ends, "10.255.0.%c", a);
        snprintf(ends[1], sizeof *ends, "10.%c.%c.1", a, b);
        snprintf(ends[2], sizeof *ends, "10.255.0.%c", b);
        snprintf(ends[3], sizeof *ends, "10.%c.%c.2", a, b);
        json_array_append_new(
            sections, json_pack("{ss ss s[{ss s[s]}]}", "uuid", pairs[i], "signal-state",
                                degraded && !strcmp(degraded, pairs[i]) ? "DEGRADED" : "NORMAL",
                                "risk-characteristic", "risk-characteristic-name", "SRLG",
                                "risk-identifier-list", shared ? "40" : pairs[i]));
        json_array_append_new(connections, json_pack("{ss s[{ss s[s]}]}", "uuid", pairs[i], "route",
                                                     "local-id", "working", "link", pairs[i]));
        json_array_append_new(services,
                              json_pack("{ss s[s] s{ss ss ss ss}}", "uuid", pairs[i], "connection",
                                        pairs[i], "ip-link", "node-a", ends[0], "address-a",
                                        ends[1], "node-b", ends[2], "address-b", ends[3]));
    }
    return json_pack("{s{s[{so}]} s{so so}}", "tapi-topology:topology-context", "topology", "link",
                     sections, "tapi-connectivity:connectivity-context", "connection", connections,
                     "connectivity-service", services);
}

/* Returns how many tunnels were moved for it at once. */
static int
put_optical(struct place *p, const char *degraded, const char *const duct[2])
{
    json_t *answer;
    assert_ok(ask(p, "wan.optical",
                  json_pack("{ss so}", "actor", "olga", "document", optical(degraded, duct)),
                  &answer));
    int moved = (int)json_integer_value(json_object_get(answer, "moved"));
    json_decref(answer);
    return moved;
}

static void
with_settings(struct place *p, const char *text)
{
    test_path(&p->scene->dir, "wan.yaml", p->settings);
    FILE *file = fopen(p->settings, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    stop(p);
    start(p);
}

static const struct tunnel_status *
status_of(struct place *p, const char *tunnel)
{
    return tunneling_find(&p->state->tunneling, tunnel);
}

/* The routers of a path: "r1 r2 r3" */
static bool
goes(struct place *p, const char *tunnel, enum tunnel_path path, const char *expected)
{
    struct buf text = BUF_INIT;
    size_t i;
    const json_t *router;
    json_array_foreach(json_object_get(status_of(p, tunnel)->paths[path], "routers"), i, router)
        buf_printf(&text, "%s%s", i ? " " : "", json_string_value(router));
    bool same = !strcmp(buf_cstr(&text), expected);
    buf_fini(&text);
    return same;
}

static void
build(struct place *p, const char *name, int order)
{
    char body[128];
    reserve_tunnel(p, name, order);
    snprintf(body, sizeof body, "{'order': %d, 'tunnels': ['%s']}", order, name);
    tell(p, "tunnel.wanted", body);
}

static void
a_tunnel_leaves_a_link_whose_signal_degrades_and_the_event_says_why(void **state)
{
    struct place *p = *state;
    with_settings(p, "at-risk: {hold-off: 1ms}\n");
    build(p, "t", 1);
    bool by_2 = goes(p, "t", TUNNEL_PRIMARY, "r1 r2 r3");
    put_optical(p, NULL, NULL);
    assert_int_equal(status_of(p, "t")->n_moved, 0);
    put_optical(p, by_2 ? "12" : "14", NULL);
    RUN_UNTIL(p->scene->loop, status_of(p, "t")->n_moved == 1);
    assert_true(goes(p, "t", TUNNEL_PRIMARY, by_2 ? "r1 r4 r3" : "r1 r2 r3"));
    assert_non_null(strstr(status_of(p, "t")->reason,
                           by_2 ? "is at risk: optical: the signal is degraded at 12"
                                : "is at risk: optical: the signal is degraded at 14"));
    assert_false(status_of(p, "t")->gave_way);
}

/* Not before it has been at risk for that long: an hour. */
static void
a_tunnel_waits_whether_the_signal_comes_back(void **state)
{
    struct place *p = *state;
    with_settings(p, "at-risk: {hold-off: 1h}\n");
    build(p, "t", 1);
    put_optical(p, goes(p, "t", TUNNEL_PRIMARY, "r1 r2 r3") ? "12" : "14", NULL);
    wan_reroute(p->service);
    tell(p, "tunnel.wanted", "{'order': 1, 'tunnels': ['t']}"); /* behind whatever was told */
    assert_int_equal(status_of(p, "t")->n_moved, 0);
}

static void
a_standby_path_is_laid_again_when_the_optical_layer_tells_of_a_risk_that_both_share(void **state)
{
    static const char *const ducts[][2] = {{"13", "12"}, {"13", "14"}};
    struct place *p = *state;
    tell(p, "model.put",
         "{'tieline-wan:wan': {'tunnel': [{'name': 'p', 'head': 'r1', 'tail': 'r3', "
         "'rate-kbps': 1000, 'protection': 'link'}]}}");
    put_way(p, 1, 3);
    wan_commit(p->service);
    build(p, "p", 1);
    assert_int_equal(put_optical(p, NULL, NULL), 0);
    assert_true(goes(p, "p", TUNNEL_PRIMARY, "r1 r3"));
    bool by_2 = goes(p, "p", TUNNEL_STANDBY, "r1 r2 r3");
    assert_int_equal(put_optical(p, NULL, ducts[by_2 ? 0 : 1]), 1);
    RUN_UNTIL(p->scene->loop, status_of(p, "p")->n_moved == 1);
    assert_true(goes(p, "p", TUNNEL_PRIMARY, "r1 r3"));
    assert_true(goes(p, "p", TUNNEL_STANDBY, by_2 ? "r1 r4 r3" : "r1 r2 r3"));
    assert_non_null(strstr(status_of(p, "p")->reason, "srlg-40"));
}

/* ---- What was told stays ---- */

static bool
has_risk(struct place *p, unsigned group)
{
    const struct ted_view *view = ted_view(p->service->ted);
    const struct te_network *net = ted_view_network(view);
    bool has = false;
    for (uint32_t i = 0; i < net->n_links; i++) {
        const struct te_link *l = &net->links[i];
        for (uint32_t g = 0; g < l->n_srlgs; g++)
            has = has || net->srlg_ids[net->link_srlgs[l->first_srlg + g]] == group;
    }
    ted_view_release(view);
    return has;
}

static uint64_t
n_events(struct place *p)
{
    return journal_head(p->scene->journal)->seq;
}

static void
what_the_optical_layer_told_is_known_after_the_program_began_anew(void **state)
{
    struct place *p = *state;
    put_optical(p, NULL, NULL);
    assert_true(has_risk(p, 34));
    stop(p);
    start(p);
    assert_true(has_risk(p, 34));
    const struct told_source *t = tunneling_told(&p->state->tunneling, "optical");
    assert_non_null(t);
    assert_string_equal(t->who, "olga");
    uint64_t before = n_events(p);
    put_optical(p, NULL, NULL);
    assert_int_equal(n_events(p), before); /* nothing new is no event */
    put_optical(p, "12", NULL);
    assert_int_equal(n_events(p), before + 1);
}

static enum err
put_plan(struct place *p, const char *plan, const char *text, json_t **answer)
{
    return ask(p, "wan.plan",
               json_pack("{ss ss ss ss}", "actor", "erin", "plan", plan, "file", "links.csv",
                         "text", text),
               answer);
}

#define HEADER "node_a,node_b,address_a,srlg,delay_us\n"

static void
a_plan_takes_the_place_of_what_it_said_before_and_stays(void **state)
{
    struct place *p = *state;
    json_t *answer;
    assert_ok(put_plan(p, "ducts",
                       HEADER "10.255.0.1,10.255.0.2,10.1.2.1,501,\n"
                              "10.255.0.2,10.255.0.3,10.2.3.1,502,\n",
                       &answer));
    assert_int_equal(json_integer_value(json_object_get(answer, "rows")), 2);
    assert_int_equal(json_integer_value(json_object_get(answer, "links")), 4);
    json_decref(answer);
    assert_true(has_risk(p, 501) && has_risk(p, 502));
    assert_ok(put_plan(p, "ducts", HEADER "10.255.0.1,10.255.0.2,10.1.2.1,503,\n", NULL));
    assert_true(has_risk(p, 503) && !has_risk(p, 501) && !has_risk(p, 502));
    stop(p);
    start(p);
    assert_true(has_risk(p, 503));
    assert_ok(put_plan(p, "ducts", HEADER, NULL)); /* nothing any more */
    assert_false(has_risk(p, 503));
}

static void
on_refusal(void *arg, const struct call_result *result)
{
    char **text = arg;
    *text = xstrdup(result->err == ERR_INVALID ? result->text : "it was taken");
}

static void
refuse(struct place *p, const char *table, const char *says)
{
    char *text = NULL;
    assert_ok(bus_request(p->bus, "wan.plan",
                          json_pack("{ss ss ss ss}", "actor", "erin", "plan", "ducts", "file",
                                    "links.csv", "text", table),
                          10 * NSEC_PER_SEC, on_refusal, &text, NULL));
    RUN_UNTIL(p->scene->loop, text);
    if (!strstr(text, says))
        fail_msg("%s", text);
    free(text);
}

static void
a_plan_that_cannot_be_read_changes_nothing_and_says_where(void **state)
{
    struct place *p = *state;
    uint64_t before;
    assert_ok(put_plan(p, "ducts", HEADER "10.255.0.1,10.255.0.2,10.1.2.1,501,\n", NULL));
    before = n_events(p);
    refuse(p,
           HEADER "10.255.0.1,10.255.0.2,10.1.2.1,502,\n"
                  "10.255.0.2,10.255.0.3,10.2.3.1,five,\n",
           "links.csv:3:32: srlg");
    assert_true(has_risk(p, 501) && !has_risk(p, 502));
    assert_int_equal(n_events(p), before);
    assert_err(put_plan(p, "", HEADER, NULL), ERR_INVALID);
    assert_err(put_plan(p, "ospf", HEADER, NULL), ERR_CONFLICT); /* a router's */
    put_optical(p, NULL, NULL);
    assert_err(put_plan(p, "optical", HEADER, NULL), ERR_CONFLICT);
}

/* `links.csv` of the settings: what was told in its name goes before it, also later. */
static void
a_plan_goes_before_the_file_of_its_feed(void **state)
{
    struct place *p = *state;
    char table[TEST_PATH_SIZE], settings[TEST_PATH_SIZE + 64];
    test_path(&p->scene->dir, "links.csv", table);
    FILE *file = fopen(table, "w");
    assert_non_null(file);
    assert_true(fputs(HEADER "10.255.0.1,10.255.0.2,10.1.2.1,600,\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    snprintf(settings, sizeof settings, "feeds:\n  - {name: plan, kind: import, file: %s}\n",
             table);
    with_settings(p, settings);
    assert_true(has_risk(p, 600));
    assert_ok(put_plan(p, "plan", HEADER "10.255.0.1,10.255.0.2,10.1.2.1,601,\n", NULL));
    assert_true(has_risk(p, 601) && !has_risk(p, 600));
    stop(p);
    start(p);
    assert_true(has_risk(p, 601) && !has_risk(p, 600));
}

/* A trap: both ways that are apart link by link are in one duct, which only the plan knows. */
static void
a_standby_path_is_laid_again_when_the_plan_tells_of_a_risk_that_both_share(void **state)
{
    struct place *p = *state;
    tell(p, "model.put",
         "{'tieline-wan:wan': {'tunnel': [{'name': 'p', 'head': 'r1', 'tail': 'r3', "
         "'rate-kbps': 1000, 'protection': 'link'}]}}");
    put_way(p, 1, 3);
    wan_commit(p->service);
    build(p, "p", 1);
    bool by_2 = goes(p, "p", TUNNEL_STANDBY, "r1 r2 r3");
    assert_ok(put_plan(p, "ducts",
                       by_2 ? HEADER "10.255.0.1,10.255.0.3,10.1.3.1,501,\n"
                                     "10.255.0.1,10.255.0.2,10.1.2.1,501,\n"
                            : HEADER "10.255.0.1,10.255.0.3,10.1.3.1,501,\n"
                                     "10.255.0.1,10.255.0.4,10.1.4.1,501,\n",
                       NULL));
    RUN_UNTIL(p->scene->loop, status_of(p, "p")->n_moved == 1);
    assert_true(goes(p, "p", TUNNEL_STANDBY, by_2 ? "r1 r4 r3" : "r1 r2 r3"));
}

/* ---- Measurements ---- */

static enum err
put_delay(struct place *p, const char *by, const char *link, int delay_us, int *moved)
{
    json_t *answer = NULL;
    enum err err = ask(p, "wan.delays",
                       json_pack("{ss ss si s[{ss si}]}", "actor", "olga", "by", by, "valid-s", 600,
                                 "delays", "link", link, "delay-us", delay_us),
                       &answer);
    if (moved)
        *moved = (int)json_integer_value(json_object_get(answer, "moved"));
    json_decref(answer);
    return err;
}

static uint32_t
delay_of(struct place *p, const char *link, const char **kind)
{
    struct ted_link_info info;
    struct ted_source_info source;
    assert_true(ted_link_info(p->service->ted, link, &info));
    assert_true(ted_source_info(p->service->ted, info.origin[TED_DELAY].source, &source));
    *kind = ted_kind_name(source.kind);
    return info.link->delay_us;
}

#define LINK_1_2 "10.255.0.1>10.255.0.2/10.1.2.1"
#define LINK_1_4 "10.255.0.1>10.255.0.4/10.1.4.1"

static void
what_is_measured_goes_before_what_routers_say_until_it_is_old(void **state)
{
    struct place *p = *state;
    const char *kind;
    assert_ok(put_delay(p, "stamp", LINK_1_2, 4321, NULL));
    assert_int_equal(delay_of(p, LINK_1_2, &kind), 4321);
    assert_string_equal(kind, "measured");
    assert_string_equal(wan_measured_by(p->service, "stamp"), "olga");
    wan_delays_expire(p->service, clock_monotonic());
    assert_int_equal(delay_of(p, LINK_1_2, &kind), 4321);
    wan_delays_expire(p->service, clock_monotonic() + 601 * NSEC_PER_SEC);
    assert_int_equal(delay_of(p, LINK_1_2, &kind), 1000);
    assert_string_equal(kind, "ospf");
}

static void
what_is_measured_is_all_that_its_measurer_says(void **state)
{
    struct place *p = *state;
    const char *kind;
    assert_ok(put_delay(p, "stamp", LINK_1_2, 4321, NULL));
    assert_ok(put_delay(p, "other", LINK_1_4, 5000, NULL));
    assert_ok(put_delay(p, "stamp", "10.255.0.2>10.255.0.3/10.2.3.1", 10, NULL));
    assert_int_equal(delay_of(p, LINK_1_2, &kind), 1000);
    assert_int_equal(delay_of(p, LINK_1_4, &kind), 5000);
}

static void
a_tunnel_whose_latency_bound_a_measurement_breaks_goes_another_way(void **state)
{
    struct place *p = *state;
    int moved;
    tell(p, "model.put",
         "{'tieline-wan:wan': {'tunnel': [{'name': 'p', 'head': 'r1', 'tail': 'r3', 'rate-kbps': "
         "1000, 'protection': 'none', 'max-latency-us': 2500}]}}");
    build(p, "p", 1);
    bool by_2 = goes(p, "p", TUNNEL_PRIMARY, "r1 r2 r3");
    assert_ok(put_delay(p, "stamp", by_2 ? LINK_1_2 : LINK_1_4, 1400, &moved));
    assert_int_equal(moved, 0); /* 2400 us */
    assert_ok(put_delay(p, "stamp", by_2 ? LINK_1_2 : LINK_1_4, 1600, &moved));
    assert_int_equal(moved, 1);
    RUN_UNTIL(p->scene->loop, status_of(p, "p")->n_moved == 1);
    assert_true(goes(p, "p", TUNNEL_PRIMARY, by_2 ? "r1 r4 r3" : "r1 r2 r3"));
    assert_non_null(strstr(status_of(p, "p")->reason, "exceeds a bound: 2 links, 2600"));
}

static void
a_measurement_of_nothing_or_of_nonsense_is_refused(void **state)
{
    struct place *p = *state;
    const char *kind;
    assert_ok(put_delay(p, "stamp", LINK_1_2, 4321, NULL));
    assert_err(put_delay(p, "stamp", "10.255.0.1>10.255.0.9/10.1.9.1", 1, NULL), ERR_NOT_FOUND);
    assert_err(put_delay(p, "stamp", LINK_1_2, -1, NULL), ERR_INVALID);
    assert_err(put_delay(p, "stamp", LINK_1_2, 1000001, NULL), ERR_INVALID);
    assert_err(put_delay(p, "", LINK_1_2, 1, NULL), ERR_INVALID);
    assert_err(put_delay(p, "ospf", LINK_1_2, 1, NULL), ERR_CONFLICT);
    assert_err(ask(p, "wan.delays", json_pack("{ss}", "actor", "olga"), NULL), ERR_INVALID);
    assert_err(ask(p, "wan.delays",
                   json_pack("{ss si s[]}", "actor", "olga", "valid-s", 0, "delays"), NULL),
               ERR_INVALID);
    assert_int_equal(delay_of(p, LINK_1_2, &kind), 4321);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

TEST_MAIN(T(a_tunnel_leaves_a_link_whose_signal_degrades_and_the_event_says_why),
          T(a_tunnel_waits_whether_the_signal_comes_back),
          T(a_standby_path_is_laid_again_when_the_optical_layer_tells_of_a_risk_that_both_share),
          T(what_the_optical_layer_told_is_known_after_the_program_began_anew),
          T(a_plan_takes_the_place_of_what_it_said_before_and_stays),
          T(a_plan_that_cannot_be_read_changes_nothing_and_says_where),
          T(a_plan_goes_before_the_file_of_its_feed),
          T(a_standby_path_is_laid_again_when_the_plan_tells_of_a_risk_that_both_share),
          T(what_is_measured_goes_before_what_routers_say_until_it_is_old),
          T(what_is_measured_is_all_that_its_measurer_says),
          T(a_tunnel_whose_latency_bound_a_measurement_breaks_goes_another_way),
          T(a_measurement_of_nothing_or_of_nonsense_is_refused))
