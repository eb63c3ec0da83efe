/* The service with a journal in a file, a bus, the state that follows it, and a database that the
 * test feeds: a square of four routers, 1 to 4, each joined to the next.
 *
 *     1 --- 2
 *     |     |
 *     4 --- 3  */
#include "wan/wan_private.h"

#include "bus/local.h"
#include "io/clock.h"
#include "journal/testing.h"
#include "model/testing.h"
#include "te/ted_testing.h"
#include "wan/report.h"

struct place {
    struct scene *scene;
    struct bus *bus;
    struct state *state;
    struct journal_subscription *events;
    struct bus_subscription *exceptions;
    struct wan_service *service;
    uint32_t source;
    json_t *raised;
};

struct answer {
    bool came;
    enum err err;
    json_t *value;
};

/* ---- The service's neighbours ---- */

static void
on_event(void *arg, const struct journal_event *e)
{
    struct place *p = arg;
    struct diag diag = {""};
    json_t *body = json_loadb(e->body, e->body_size, 0, NULL);
    const struct state_event event = {e->seq, e->time, e->type, e->object, e->actor, body, 0};
    if (state_apply(p->state, &event, &diag))
        fail_msg("%s", diag.text);
    if (p->service)
        wan_service_event(p->service, &event);
    json_decref(body);
}

static void
on_raised(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct place *p = arg;
    json_array_append(p->raised, m->payload);
}

static void
on_answer(void *arg, const struct call_result *result)
{
    struct answer *a = arg;
    *a = (struct answer){true, result->err, json_incref(result->value)};
}

/* The caller owns the answer's value. */
static enum err
ask(struct place *p, const char *subject, json_t *payload, json_t **value)
{
    struct answer a = {false, ERR_OK, NULL};
    assert_ok(bus_request(p->bus, subject, payload, 10 * NSEC_PER_SEC, on_answer, &a, NULL));
    RUN_UNTIL(p->scene->loop, a.came);
    if (value)
        *value = a.value;
    else
        json_decref(a.value);
    return a.err;
}

static void
note_stored(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    if (err)
        fail_msg("%s", why);
    *(bool *)arg = true;
}

static void
tell(struct place *p, const char *type, const char *body)
{
    struct diag diag = {""};
    bool stored = false;
    json_t *json = json_quoted(body);
    char *text = json_dumps(json, JSON_COMPACT);
    const struct journal_entry entry = {type, "x/y", "erin", text, 0};
    if (journal_append(p->scene->journal, &entry, 1, note_stored, &stored, &diag))
        fail_msg("%s", diag.text);
    RUN_UNTIL(p->scene->loop, stored);
    free(text);
    json_decref(json);
}

/* ---- The network ---- */

static void
put_way(struct place *p, unsigned a, unsigned b)
{
    for (unsigned i = 0; i < 2; i++) {
        struct ted_link_record r = ospf_link(i ? b : a, i ? a : b, 0);
        r.told |= TED_BIT(TED_DELAY) | TED_BIT(TED_TE_METRIC) | TED_BIT(TED_ADJACENCY_SID);
        r.te_metric = 10;
        r.delay_us = 1000;
        r.capacity_bps = r.reservable_bps = 100000000;
        r.adjacency_label = 15000 + 10 * (i ? b : a) + (i ? a : b);
        put_link(p->service->ted, p->source, &r, clock_monotonic());
    }
}

static void
put_known_node(struct place *p, unsigned n)
{
    const struct ted_node_record r = {.id = ospf_id(n),
                                      .told = TED_BIT(TED_ROUTER_ID) | TED_BIT(TED_SRGB) |
                                              TED_BIT(TED_NODE_SID) | TED_BIT(TED_MSD),
                                      .router_id = router_id(n),
                                      .srgb_base = 16000,
                                      .srgb_size = 8000,
                                      .sid_index = n,
                                      .max_sid_depth = 8};
    assert_ok(ted_put_node(p->service->ted, p->source, &r, clock_monotonic()));
}

static void
start(struct place *p)
{
    struct diag diag = {""};
    const struct wan_config config = {
        .loop = p->scene->loop, .bus = p->bus, .journal = p->scene->journal, .state = p->state};
    if (wan_service_new(&config, &p->service, &diag))
        fail_msg("%s", diag.text);
    p->source = add_source(p->service->ted, TED_KIND_OSPF, "ospf");
    for (unsigned n = 1; n <= 4; n++)
        put_known_node(p, n);
    put_way(p, 1, 2);
    put_way(p, 2, 3);
    put_way(p, 3, 4);
    put_way(p, 4, 1);
    ted_source_synced(p->service->ted, p->source, clock_monotonic());
    wan_commit(p->service);
    assert_true(p->service->version > 0);
}

static void
stop(struct place *p)
{
    wan_service_free(p->service);
    p->service = NULL;
}

#define ROUTER(n)                                                                                  \
    "{'name': 'r" n "', 'site': 's', 'platform': 'frr', 'router-id': '10.255.0." n "'}"
#define INVENTORY                                                                                  \
    "{'tieline-inventory:inventory': {'site': [{'name': 's', 'kind': 'wan'}]}, "                   \
    "'tieline-wan:wan': {'router': [" ROUTER("1") ", " ROUTER("2") ", " ROUTER("3") ", " ROUTER(   \
        "4") "], 'tunnel': [{'name': 't', 'head': 'r1', 'tail': 'r3', 'rate-kbps': 1000, "         \
             "'protection': 'none'}]}}"

static int
set_up(void **state)
{
    struct place *p = xcalloc(1, sizeof *p);
    struct diag diag;
    void *scene;
    scene_set_up(&scene);
    p->scene = scene;
    scene_open(p->scene);
    p->bus = bus_local_new(p->scene->loop, 0, 0);
    p->state = state_new();
    p->raised = json_array();
    assert_ok(journal_subscribe(p->scene->journal, 1, on_event, p, &p->events, &diag));
    assert_ok(bus_subscribe(p->bus, "exception.raise", on_raised, p, &p->exceptions));
    tell(p, "model.put", INVENTORY);
    start(p);
    *state = p;
    return 0;
}

static int
tear_down(void **state)
{
    struct place *p = *state;
    void *scene = p->scene;
    stop(p);
    bus_free(p->bus);
    journal_unsubscribe(p->events);
    scene_tear_down(&scene);
    state_free(p->state);
    json_decref(p->raised);
    free(p);
    return 0;
}

/* Reserves the tunnel, so that it has a way. */
static void
reserve(struct place *p)
{
    json_t *design;
    assert_ok(ask(p, "wan.design", json_pack("{s[s]}", "tunnels", "t"), &design));
    assert_ok(ask(p, "wan.reserve",
                  json_pack("{s[s] sO si}", "tunnels", "t", "plan", json_object_get(design, "plan"),
                            "order", 1),
                  NULL));
    json_decref(design);
    assert_non_null(tunneling_find(&p->state->tunneling, "t"));
}

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

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

TEST_MAIN(T(evidence_is_texts_whatever_was_to_be_told), T(long_lists_in_evidence_are_cut),
          T(what_routers_say_is_told_though_it_is_no_text),
          T(a_tunnel_leaves_what_is_drained_and_who_has_no_way_is_counted),
          T(what_is_drained_is_so_after_the_program_began_anew),
          T(what_is_not_there_is_not_drained_and_what_is_not_drained_not_restored),
          T(a_drain_on_its_way_does_not_outlive_the_service))
