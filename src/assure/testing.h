/* testing.h - what the tests of assure/ share: the lab with circuits in it, and nodes that answer.
 * Static functions only. */
#ifndef ASSURE_TESTING_H
#define ASSURE_TESTING_H

#include "assure/test_run.h"
#include "engineer/design.h"
#include "engineer/testing.h"
#include "model/json.h"
#include "model/testing.h"

/* ---- The lab ---- */

/* The design of one more circuit, put into the network. */
static inline UNUSED const struct design *
lab_design(struct network *net, const struct circuit *circuit)
{
    struct designer *designer = designer_new(net);
    struct design *design;
    struct diag diag = {""};
    if (designer_add(designer, circuit, &design, &diag))
        fail_msg("%s", diag.text);
    designer_free(designer);
    network_put_design(net, design);
    return network_design(net, circuit->name);
}

/* fep (cc1) polls rtu-a (a2), over the WAN. */
static inline UNUSED struct circuit *
lab_scada(struct network *net)
{
    struct circuit *c = test_tcp(net, "scada", "fep", "rtu-a", 502);
    lab_design(net, c);
    return c;
}

/* relay-a1 (a1) trips relay-a2 (a3) and, over the WAN, relay-b1 (b2, by its probe). */
static inline UNUSED struct circuit *
lab_goose(struct network *net)
{
    struct circuit *c = test_goose(net, "trip", "relay-a1", "relay-a2 relay-b1");
    lab_design(net, c);
    return c;
}

/* ---- A node's answer ---- */

/* What the packets of a test meet. Times in microseconds, each way. */
struct weather {
    int64_t forward_us, backward_us; /* the least latency */
    int64_t spread_us;               /* the largest is so much longer; 1 of 100 is */
    uint32_t lost_forward, lost_backward;
    bool unsynchronised, stateless;
    int64_t clock_offset_us; /* the reflector's clock is ahead */
    bool deaf;               /* no reflector answers */
};

static inline UNUSED json_t *
way_json(uint32_t sent, uint32_t lost, int64_t least_us, int64_t spread_us)
{
    json_t *way = json_pack("{sI sI sI sI sI}", "sent", (json_int_t)sent, "received",
                            (json_int_t)(sent - lost), "lost", (json_int_t)lost, "duplicated",
                            (json_int_t)0, "reordered", (json_int_t)0);
    static const struct {
        const char *name;
        int eighths; /* of the spread */
    } parts[] = {{"min-ns", 0}, {"mean-ns", 1}, {"p50-ns", 1}, {"p99-ns", 7}, {"max-ns", 8}};
    if (sent == lost)
        return way;
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        json_object_set_new(way, parts[i].name,
                            json_integer((least_us * 8 + spread_us * parts[i].eighths) * 125));
    json_object_set_new(way, "jitter-ns", json_integer(spread_us * 100));
    return way;
}

static inline UNUSED json_t *
reflector_json(const char *address, uint32_t sent, const struct weather *w)
{
    uint32_t there = MIN(w->deaf ? sent : w->lost_forward, sent);
    uint32_t back = MIN(w->lost_backward, sent - there);
    bool counts = !w->stateless && there + back < sent;
    json_t *forward = way_json(sent, there, w->forward_us + w->clock_offset_us, w->spread_us);
    json_t *backward = way_json(sent - there, back, w->backward_us - w->clock_offset_us,
                                w->spread_us);
    if (!counts) { /* As of a node that knows of packets only what came back. */
        for (unsigned i = 0; i < 3; i++) {
            static const char *const names[] = {"sent", "received", "lost"};
            json_object_set_new(forward, names[i], json_integer(0));
            json_object_set_new(backward, names[i], json_integer(0));
        }
    }
    return json_pack("{ss ss sb sb sI so so so}", "address", address, "timestamps", "kernel",
                     "synchronised", !w->unsynchronised, "directions", counts, "unattributed",
                     (json_int_t)(counts ? 0 : there + back), "round-trip",
                     way_json(sent, there + back, w->forward_us + w->backward_us, 2 * w->spread_us),
                     "forward", forward, "backward", backward);
}

/* The answer to these parameters of test.start. */
static inline UNUSED json_t *
answer_in(const struct weather *w, const json_t *params)
{
    json_int_t count = json_integer_value(json_object_get(params, "count"));
    json_int_t interval = json_integer_value(json_object_get(params, "interval-us"));
    json_t *reflectors = json_array();
    const json_t *addresses = json_object_get(params, "reflectors");
    for (size_t i = 0; i < json_array_size(addresses); i++)
        json_array_append_new(
            reflectors,
            reflector_json(json_string_value(json_array_get(addresses, i)), (uint32_t)count, w));
    return json_pack("{sO sI sO sI ss so}", "id", json_object_get(params, "id"), "sent", count,
                     "size", json_object_get(params, "size"), "span-ns",
                     (count - 1) * interval * 1000, "timestamps", "kernel", "reflectors",
                     reflectors);
}

/* ---- Looking at findings and results ---- */

static inline UNUSED const struct finding *
find_finding(const struct findings *findings, const char *code)
{
    for (size_t i = 0; i < findings->n; i++) {
        if (!strcmp(findings->items[i].code, code))
            return &findings->items[i];
    }
    return NULL;
}

static inline UNUSED void
assert_finding(const struct findings *findings, const char *code, enum severity severity,
               const char *text)
{
    const struct finding *finding = find_finding(findings, code);
    if (!finding)
        fail_msg("no finding \"%s\"", code);
    assert_string_equal(finding->text, text);
    assert_int_equal(finding->severity, severity);
}

#endif
