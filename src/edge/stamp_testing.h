/* stamp_testing.h - a tester under virtual time and a reflector, with a network between them that
 * does to every packet what the test says. Static functions only. */
#ifndef EDGE_STAMP_TESTING_H
#define EDGE_STAMP_TESTING_H

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/testing.h"
#include "edge/stamp_agent.h"
#include "edge/stamp_frame.h"

#define US NSEC_PER_USEC
#define MS NSEC_PER_MSEC
#define WALL (INT64_C(1795233360) * NSEC_PER_SEC)

#define WORLD_NODES 4
#define TESTER 0 /* the others reflect */

/* What becomes of a packet on its way. */
struct fate {
    bool lost;
    nsec_t latency;
    nsec_t again; /* a copy arrives so much later; 0: none */
};

struct world;

struct station {
    struct world *world;
    struct stamp_agent *agent;
    uint32_t management;
    nsec_t clock_offset;
    bool synchronised;
    bool kernel;         /* stamps when frames leave and come */
    nsec_t queue;        /* a frame leaves so much after it was sent */
    enum err send_error; /* of the next frames */
    nsec_t wake;
    uint32_t n_sent; /* frames, payloads of the management network too */
    uint16_t ports[8];
    unsigned n_ports;
    bool deaf; /* nothing arrives */
};

enum event_kind { EVENT_FRAME, EVENT_PAYLOAD, EVENT_TRANSMITTED };

struct event {
    nsec_t at;
    uint64_t order;
    enum event_kind kind;
    struct station *to;
    uint8_t *octets;
    size_t size;
    uint32_t token, from;
    uint16_t from_port, port;
};

struct world {
    nsec_t now;
    struct station nodes[WORLD_NODES];
    unsigned n_nodes;
    struct event *events;
    size_t n_events, events_capacity;
    uint64_t order;
    nsec_t lateness; /* of every wake-up */
    /* Of the n-th packet that `from` sends; NULL: 1 ms each way. */
    struct fate (*fate)(const struct world *, const struct station *from, uint32_t n);
    /* The last test that ended. */
    struct {
        unsigned n;
        enum err err;
        char text[128];
        json_t *answer;
    } done;
    bool nobody_waits;
    nsec_t left[4096]; /* when the tester's frames left */
};

static inline UNUSED nsec_t
node_wall(const struct station *n)
{
    return WALL + n->world->now + n->clock_offset;
}

static inline UNUSED void
post(struct world *w, const struct event *event, const uint8_t *octets, size_t size)
{
    GROW(w->events, w->n_events, w->events_capacity);
    struct event *e = &w->events[w->n_events++];
    *e = *event;
    e->order = w->order++;
    e->octets = xmemdup(octets, size);
    e->size = size;
}

static inline UNUSED struct fate
fate_of(struct station *from)
{
    struct world *w = from->world;
    uint32_t n = from->n_sent++;
    return w->fate ? w->fate(w, from, n) : (struct fate){.latency = MS};
}

static inline UNUSED void
deliver(struct world *w, struct event *e, const struct fate *fate, const uint8_t *octets,
        size_t size)
{
    if (fate->lost || e->to->deaf)
        return;
    e->at += fate->latency;
    post(w, e, octets, size);
    e->at += fate->again;
    if (fate->again)
        post(w, e, octets, size);
}

static inline UNUSED enum err
world_send(void *arg, const uint8_t *frame, uint32_t size, uint16_t stamp_offset, uint32_t token)
{
    struct station *from = arg;
    struct world *w = from->world;
    if (from->send_error)
        return from->send_error;
    uint8_t *copy = xmemdup(frame, size);
    nsec_t leaves = w->now + from->queue, wall = node_wall(from) + from->queue;
    if (stamp_offset) {
        put_be32(copy + stamp_offset, (uint32_t)(wall / NSEC_PER_SEC));
        put_be32(copy + stamp_offset + 4, (uint32_t)(wall % NSEC_PER_SEC));
    }
    if (from == &w->nodes[TESTER] && from->n_sent < ARRAY_SIZE(w->left))
        w->left[from->n_sent] = leaves;
    bool group = frame[0] & 1;
    for (unsigned i = 0; i < w->n_nodes; i++) {
        bool other = (from == &w->nodes[TESTER]) != (i == TESTER);
        if (!other || (!group && i > 1))
            continue;
        struct event e = {.at = leaves, .kind = EVENT_FRAME, .to = &w->nodes[i]};
        struct fate fate = fate_of(from);
        deliver(w, &e, &fate, copy, size);
    }
    if (token && from->kernel)
        post(w,
             &(struct event){
                 .at = leaves + 30 * US, .kind = EVENT_TRANSMITTED, .to = from, .token = token},
             (const uint8_t *)&wall, sizeof wall);
    free(copy);
    return ERR_OK;
}

static inline UNUSED enum err
world_management_send(void *arg, uint32_t to, uint16_t to_port, const uint8_t *payload, size_t size)
{
    struct station *from = arg;
    struct world *w = from->world;
    struct fate fate = fate_of(from);
    for (unsigned i = 0; i < w->n_nodes; i++) {
        struct event e = {.at = w->now,
                          .kind = EVENT_PAYLOAD,
                          .to = &w->nodes[i],
                          .from = from->management,
                          .from_port = 862,
                          .port = to_port};
        if (w->nodes[i].management == to)
            deliver(w, &e, &fate, payload, size);
    }
    return ERR_OK;
}

static inline UNUSED enum err
world_management_listen(void *arg, uint16_t port, bool on, struct diag *diag)
{
    struct station *n = arg;
    unsigned i = 0;
    while (i < n->n_ports && n->ports[i] != port)
        i++;
    assert_int_equal(i == n->n_ports, on); /* in turns */
    if (port == 50001)
        return diag_set(diag, ERR_EXISTS, "somebody else has it");
    if (on)
        n->ports[n->n_ports++] = port;
    else
        n->ports[i] = n->ports[--n->n_ports];
    return ERR_OK;
}

static inline UNUSED nsec_t
world_now(void *arg)
{
    return ((struct station *)arg)->world->now;
}

static inline UNUSED nsec_t
world_wall(void *arg)
{
    return node_wall(arg);
}

static inline UNUSED bool
world_clock(void *arg, nsec_t *error)
{
    *error = 50 * US;
    return ((struct station *)arg)->synchronised;
}

static inline UNUSED void
world_wake_at(void *arg, nsec_t at)
{
    struct station *n = arg;
    assert_true(n->wake != at);
    n->wake = at;
}

/* A tester and so many reflectors, 10.9.0.1 and on. */
static inline UNUSED struct world *
world_new(unsigned n_reflectors)
{
    struct world *w = xcalloc(1, sizeof *w);
    w->n_nodes = 1 + n_reflectors;
    w->now = 77 * NSEC_PER_SEC;
    for (unsigned i = 0; i < w->n_nodes; i++) {
        struct station *n = &w->nodes[i];
        *n = (struct station){.world = w,
                              .management = 0x0a090001 + i,
                              .synchronised = true,
                              .kernel = true,
                              .wake = NSEC_NEVER};
        struct stamp_agent_config config = {
            .io = {.send = world_send,
                   .management_send = world_management_send,
                   .management_listen = world_management_listen,
                   .now = world_now,
                   .wall = world_wall,
                   .clock_is_synchronised = world_clock,
                   .wake_at = world_wake_at,
                   .arg = n},
            .management_address = n->management,
            .seed = i,
        };
        n->agent = stamp_agent_new(&config);
    }
    return w;
}

static inline UNUSED void
world_free(struct world *w)
{
    for (unsigned i = 0; i < w->n_nodes; i++)
        stamp_agent_free(w->nodes[i].agent);
    for (size_t i = 0; i < w->n_events; i++)
        free(w->events[i].octets);
    free(w->events);
    json_decref(w->done.answer);
    free(w);
}

static inline UNUSED void
happen(struct event *e)
{
    struct stamp_agent *agent = e->to->agent;
    nsec_t wall = node_wall(e->to);
    switch (e->kind) {
    case EVENT_FRAME:
        stamp_agent_local(agent, e->octets, e->size, 1, wall, e->to->kernel);
        break;
    case EVENT_PAYLOAD:
        for (unsigned i = 0; i < e->to->n_ports; i++) {
            if (e->to->ports[i] == e->port)
                stamp_agent_management(agent, e->from, e->from_port, e->port, e->octets, e->size,
                                       wall);
        }
        break;
    case EVENT_TRANSMITTED:
        memcpy(&wall, e->octets, sizeof wall);
        stamp_agent_transmitted(agent, e->token, wall);
        break;
    }
    free(e->octets);
}

/* Does the next thing; false: nothing will ever happen. */
static inline UNUSED bool
world_step(struct world *w)
{
    size_t first = 0;
    struct station *early = &w->nodes[0];
    for (size_t i = 1; i < w->n_events; i++) {
        const struct event *e = &w->events[i], *f = &w->events[first];
        if (e->at < f->at || (e->at == f->at && e->order < f->order))
            first = i;
    }
    for (unsigned i = 1; i < w->n_nodes; i++) {
        if (w->nodes[i].wake < early->wake)
            early = &w->nodes[i];
    }
    nsec_t wake = early->wake == NSEC_NEVER ? NSEC_NEVER : early->wake + w->lateness;
    if (w->n_events && w->events[first].at <= wake) {
        struct event e = w->events[first];
        w->events[first] = w->events[--w->n_events];
        w->now = MAX(w->now, e.at);
        happen(&e);
        return true;
    }
    if (wake == NSEC_NEVER)
        return false;
    w->now = MAX(w->now, wake);
    early->wake = NSEC_NEVER;
    stamp_agent_run(early->agent);
    return true;
}

static inline UNUSED void
world_run(struct world *w)
{
    for (unsigned steps = 0; world_step(w); steps++)
        assert_true(steps < 2000000);
}

/* ---- Tests ---- */

static inline UNUSED void
on_done(void *arg, enum err err, const char *text, json_t *answer)
{
    struct world *w = arg;
    w->done.n++;
    w->done.err = err;
    snprintf(w->done.text, sizeof w->done.text, "%s", text);
    json_decref(w->done.answer);
    w->done.answer = json_incref(answer);
}

static inline UNUSED bool
is_waiting(void *arg)
{
    return !((struct world *)arg)->nobody_waits;
}

/* As the assure service asks. */
static inline UNUSED json_t *
in_band(const char *id, int count, int interval_us)
{
    return json_pack("{ss s{ss ss ss ss si si} si si si si ss s[s]}", "id", id, "template",
                     "eth-src", "02:00:00:10:00:11", "eth-dst", "02:54:0a:0a:00:01", "ipv4-src",
                     "10.10.0.11", "ipv4-dst", "10.20.0.11", "udp-src", 49154, "udp-dst", 862,
                     "count", count, "interval-us", interval_us, "size", 128, "timeout-ms", 1000,
                     "reply", "in-band", "reflectors", "10.20.0.11");
}

/* Group 239.255.0.7, tagged. */
static inline UNUSED json_t *
by_management(const char *id, int count, int interval_us)
{
    return json_pack("{ss s{ss ss si si ss ss si si} si si si si ss s[sss]}", "id", id, "template",
                     "eth-src", "02:00:00:10:00:11", "eth-dst", "01:0c:cd:01:00:07", "vlan-id", 10,
                     "vlan-priority", 4, "ipv4-src", "10.9.0.1", "ipv4-dst", "239.255.0.7",
                     "udp-src", 49168, "udp-dst", 862, "count", count, "interval-us", interval_us,
                     "size", 300, "timeout-ms", 1000, "reply", "management", "reflectors",
                     "10.9.0.2", "10.9.0.3", "10.9.0.4");
}

/* `params` is consumed. */
static inline UNUSED enum err
start(struct world *w, json_t *params, struct diag *diag)
{
    const struct stamp_agent_owner owner = {on_done, is_waiting, w};
    enum err err = stamp_agent_start(w->nodes[TESTER].agent, params, &owner, diag);
    json_decref(params);
    return err;
}

/* The answer to a test that goes well, borrowed. */
static inline UNUSED const json_t *
measure(struct world *w, json_t *params)
{
    struct diag diag = {""};
    unsigned before = w->done.n;
    if (start(w, params, &diag))
        fail_msg("%s", diag.text);
    assert_int_equal(w->done.n, before);
    world_run(w);
    assert_int_equal(w->done.n, before + 1);
    if (w->done.err)
        fail_msg("%s: %s", err_name(w->done.err), w->done.text);
    return w->done.answer;
}

static inline UNUSED const json_t *
at(const json_t *json, const char *path) /* "a.b.c" */
{
    char name[64];
    for (size_t length; json && *path; path += length + (path[length] == '.')) {
        length = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)length, path);
        json = json_object_get(json, name);
    }
    if (!json)
        fail_msg("nothing at \"%s\"", path);
    return json;
}

static inline UNUSED const json_t *
reflector(const json_t *answer, size_t i)
{
    return json_array_get(json_object_get(answer, "reflectors"), i);
}

#define assert_number(json, path, expected)                                                        \
    assert_int_equal(json_integer_value(at(json, path)), expected)
#define assert_text(json, path, expected)                                                          \
    assert_string_equal(json_string_value(at(json, path)), expected)
#define assert_has(json, path, name) assert_non_null(json_object_get(at(json, path), name))
#define assert_has_no(json, path, name) assert_null(json_object_get(at(json, path), name))

#endif
