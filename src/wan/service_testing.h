/* service_testing.h - the service with a journal in a file, a bus, the state that follows it, and a
 * database that the test feeds: a square of four routers, 1 to 4, each joined to the next.
 *
 *     1 --- 2
 *     |     |
 *     4 --- 3  */
#ifndef WAN_SERVICE_TESTING_H
#define WAN_SERVICE_TESTING_H

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
    struct bus_subscription *exceptions[2];
    struct wan_service *service;
    uint32_t source;
    json_t *raised, *closed;
    char settings[TEST_PATH_SIZE]; /* a file; "": none */
};

struct answer {
    bool came;
    enum err err;
    json_t *value;
};

/* ---- The service's neighbours ---- */

static inline UNUSED void
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

static inline UNUSED void
on_exception(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct place *p = arg;
    json_array_append(strcmp(m->subject, "exception.raise") ? p->closed : p->raised, m->payload);
}

static inline UNUSED void
on_answer(void *arg, const struct call_result *result)
{
    struct answer *a = arg;
    *a = (struct answer){true, result->err, json_incref(result->value)};
}

/* The caller owns the answer's value. */
static inline UNUSED enum err
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

static inline UNUSED void
note_stored(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    if (err)
        fail_msg("%s", why);
    *(bool *)arg = true;
}

static inline UNUSED void
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

static inline UNUSED void
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

static inline UNUSED void
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

static inline UNUSED void
start(struct place *p)
{
    struct diag diag = {""};
    const struct wan_config config = {.loop = p->scene->loop,
                                      .bus = p->bus,
                                      .journal = p->scene->journal,
                                      .state = p->state,
                                      .settings = *p->settings ? p->settings : NULL};
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

static inline UNUSED void
stop(struct place *p)
{
    wan_service_free(p->service);
    p->service = NULL;
}

/* The inventory: r1 is managed from where a test's router connects from. */
#define ROUTER(n, more)                                                                            \
    "{'name': 'r" n "', 'site': 's', 'platform': 'frr', 'router-id': '10.255.0." n "'" more "}"
#define ROUTERS                                                                                    \
    ROUTER("1", ", 'management-address': '127.0.0.1'")                                             \
    ", " ROUTER("2", "") ", " ROUTER("3", "") ", " ROUTER("4", "")
#define INVENTORY                                                                                  \
    "{'tieline-inventory:inventory': {'site': [{'name': 's', 'kind': 'wan'}]}, "                   \
    "'tieline-wan:wan': {'router': [" ROUTERS "], 'tunnel': [{'name': 't', 'head': 'r1', "         \
    "'tail': 'r3', 'rate-kbps': 1000, 'protection': 'none'}]}}"

static inline UNUSED int
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
    p->closed = json_array();
    assert_ok(journal_subscribe(p->scene->journal, 1, on_event, p, &p->events, &diag));
    assert_ok(bus_subscribe(p->bus, "exception.raise", on_exception, p, &p->exceptions[0]));
    assert_ok(bus_subscribe(p->bus, "exception.close", on_exception, p, &p->exceptions[1]));
    tell(p, "model.put", INVENTORY);
    start(p);
    *state = p;
    return 0;
}

static inline UNUSED int
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
    json_decref(p->closed);
    free(p);
    return 0;
}

/* So that it has a way. */
static inline UNUSED void
reserve_tunnel(struct place *p, const char *name, int order)
{
    json_t *design;
    assert_ok(ask(p, "wan.design", json_pack("{s[s]}", "tunnels", name), &design));
    assert_ok(ask(p, "wan.reserve",
                  json_pack("{s[s] sO si}", "tunnels", name, "plan",
                            json_object_get(design, "plan"), "order", order),
                  NULL));
    json_decref(design);
    assert_non_null(tunneling_find(&p->state->tunneling, name));
}

static inline UNUSED void
reserve(struct place *p)
{
    reserve_tunnel(p, "t", 1);
}

#endif
