/* What others than routers say of the network: the optical layer. */
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

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

TEST_MAIN(T(a_tunnel_leaves_a_link_whose_signal_degrades_and_the_event_says_why),
          T(a_tunnel_waits_whether_the_signal_comes_back),
          T(a_standby_path_is_laid_again_when_the_optical_layer_tells_of_a_risk_that_both_share))
