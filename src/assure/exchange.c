#include "assure/exchange.h"

#include "base/alloc.h"
#include "model/finding.h"

#include <stdlib.h>

/* A node sends by a timer and may be late; it answers when the last packet has had its time. */
#define TEST_SLACK (2 * NSEC_PER_SEC)
#define LATENCY_LIMIT (1000 * NSEC_PER_SEC) /* beyond it, somebody's clock is nonsense */

static const char *const source_words[TIMESTAMP_MAX] = {"application", "kernel", "hardware"};

const char *
timestamp_source_word(enum timestamp_source source)
{
    return source < TIMESTAMP_MAX ? source_words[source] : "?";
}

enum timestamp_source
timestamp_source_from_word(const char *word)
{
    unsigned i = 0;
    while (i < TIMESTAMP_MAX && (!word || strcmp(source_words[i], word)))
        i++;
    return i;
}

/* ---- What is asked ---- */

static void
set_mac(json_t *json, const char *name, const struct mac *mac)
{
    char text[MAC_TEXT_SIZE];
    set_json_text(json, name, mac_format(mac, text));
}

static void
set_ipv4(json_t *json, const char *name, uint32_t address)
{
    char text[IPV4_TEXT_SIZE];
    set_json_text(json, name, ipv4_format(address, text));
}

static void
set_number(json_t *json, const char *name, int64_t value)
{
    json_object_set_new(json, name, json_integer(value));
}

static json_t *
frame_to_json(const struct test_frame *f)
{
    json_t *json = json_object();
    set_mac(json, "eth-src", &f->source);
    set_mac(json, "eth-dst", &f->destination);
    if (f->vlan_id != VLAN_UNTAGGED) {
        set_number(json, "vlan-id", f->vlan_id);
        set_number(json, "vlan-priority", f->vlan_priority);
    }
    set_ipv4(json, "ipv4-src", f->ipv4_source);
    set_ipv4(json, "ipv4-dst", f->ipv4_destination);
    set_number(json, "udp-src", f->udp_source);
    set_number(json, "udp-dst", f->udp_destination);
    return json;
}

json_t *
test_start_params(const struct test_session *s, const struct load *load, const char *id)
{
    json_t *json = json_object(), *reflectors = json_array();
    char text[IPV4_TEXT_SIZE];
    set_json_text(json, "id", id);
    json_object_set_new(json, "template", frame_to_json(&s->frame));
    set_number(json, "count", load->packets);
    set_number(json, "interval-us", load->interval_us);
    set_number(json, "size", load->size);
    set_number(json, "timeout-ms", TEST_TIMEOUT / NSEC_PER_MSEC);
    set_json_text(json, "reply", s->in_band ? "in-band" : "management");
    for (uint32_t i = 0; i < s->n_receivers; i++)
        json_array_append_new(reflectors, json_string(ipv4_format(s->receivers[i].address, text)));
    json_object_set_new(json, "reflectors", reflectors);
    return json;
}

nsec_t
test_start_duration(const struct load *load)
{
    nsec_t sending = load_duration(load);
    return sending + sending / 4 + TEST_TIMEOUT + TEST_SLACK;
}

/* ---- What is answered ---- */

/* An answer being read; the first thing wrong with it sticks. */
struct reading {
    enum err err;
    struct diag *diag;
};

static void
fail(struct reading *r, const char *name, const char *what)
{
    if (!r->err)
        r->err = diag_set(r->diag, ERR_MALFORMED, "the node's answer: \"%s\" %s", name, what);
}

static nsec_t
number(struct reading *r, const json_t *json, const char *name, nsec_t min, nsec_t max)
{
    const json_t *value = json_object_get(json, name);
    json_int_t v = json_integer_value(value);
    if (json_is_integer(value) && v >= min && v <= max)
        return v;
    fail(r, name, value ? "is not a number in range" : "is missing");
    return 0;
}

static uint32_t
count(struct reading *r, const json_t *json, const char *name)
{
    return (uint32_t)number(r, json, name, 0, UINT32_MAX);
}

static bool
boolean(struct reading *r, const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);
    if (!json_is_boolean(value))
        fail(r, name, "is missing, or neither true nor false");
    return json_is_true(value);
}

static enum timestamp_source
timestamps(struct reading *r, const json_t *json)
{
    const char *word = json_string_value(json_object_get(json, "timestamps"));
    enum timestamp_source source = timestamp_source_from_word(word);
    if (source < TIMESTAMP_MAX)
        return source;
    fail(r, "timestamps", "is missing, or no source of timestamps");
    return TIMESTAMP_APPLICATION;
}

static void
read_latency(struct reading *r, const json_t *json, struct measured_way *w)
{
    w->min = number(r, json, "min-ns", -LATENCY_LIMIT, LATENCY_LIMIT);
    w->p50 = number(r, json, "p50-ns", w->min, LATENCY_LIMIT);
    w->p99 = number(r, json, "p99-ns", w->p50, LATENCY_LIMIT);
    w->max = number(r, json, "max-ns", w->p99, LATENCY_LIMIT);
    w->jitter = number(r, json, "jitter-ns", 0, LATENCY_LIMIT);
    w->has_latency = true;
}

static void
read_way(struct reading *r, const json_t *json, const char *name, struct measured_way *w,
         bool has_counts)
{
    const json_t *way = json_object_get(json, name);
    if (!json_is_object(way)) {
        fail(r, name, "is missing, or no object");
        return;
    }
    if (has_counts) {
        w->sent = count(r, way, "sent");
        w->received = count(r, way, "received");
        w->lost = count(r, way, "lost");
        if (w->received > w->sent || w->lost != w->sent - w->received)
            fail(r, name, "does not add up: sent less received is not lost");
    }
    if (json_object_get(way, "p50-ns"))
        read_latency(r, way, w);
}

static void
read_receiver(struct reading *r, const json_t *json, uint32_t sent, struct measured *m)
{
    m->has_directions = boolean(r, json, "directions");
    m->synchronised = boolean(r, json, "synchronised");
    m->timestamps = timestamps(r, json);
    read_way(r, json, "round-trip", &m->round_trip, true);
    read_way(r, json, "forward", &m->forward, m->has_directions);
    read_way(r, json, "backward", &m->backward, m->has_directions);
    m->unattributed = m->has_directions ? count(r, json, "unattributed") : m->round_trip.lost;
    if (m->round_trip.sent != sent)
        fail(r, "round-trip", "is not about as many packets as were sent");
    if (!m->round_trip.received)
        m->round_trip.has_latency = m->forward.has_latency = m->backward.has_latency = false;
}

/* The receiver with the address that the answer's entry has; the number of receivers: none. */
static uint32_t
find_receiver(const struct test_session *s, const json_t *json)
{
    const char *text = json_string_value(json_object_get(json, "address"));
    uint32_t address, i = 0;
    if (!text || ipv4_parse(text, &address))
        return s->n_receivers;
    while (i < s->n_receivers && s->receivers[i].address != address)
        i++;
    return i;
}

static void
read_receivers(struct reading *r, const json_t *list, const struct test_session *s,
               struct node_answer *a)
{
    bool known[SESSION_RECEIVERS] = {false};
    if (!json_is_array(list))
        fail(r, "reflectors", "is missing, or no array");
    for (uint32_t i = 0; i < a->n; i++)
        a->receivers[i] = (struct measured){
            .round_trip = {.sent = a->sent, .lost = a->sent},
            .unattributed = a->sent,
            .timestamps = TIMESTAMP_MAX,
        };
    for (size_t i = 0; i < json_array_size(list) && !r->err; i++) {
        const json_t *json = json_array_get(list, i);
        uint32_t at = find_receiver(s, json);
        if (at == s->n_receivers || known[at]) {
            fail(r, "reflectors", "has an entry that was not asked for, or twice");
            return;
        }
        known[at] = true;
        a->receivers[at] = (struct measured){0};
        read_receiver(r, json, a->sent, &a->receivers[at]);
    }
}

enum err
node_answer_read(const json_t *json, const struct test_session *s, const struct load *load,
                 struct node_answer *answer, struct diag *diag)
{
    struct reading r = {ERR_OK, diag};
    struct node_answer a = {
        .sent = (uint32_t)number(&r, json, "sent", 1, load->packets),
        .size = (uint32_t)number(&r, json, "size", 1, UINT16_MAX),
        .span = number(&r, json, "span-ns", 0, LATENCY_LIMIT),
        .timestamps = timestamps(&r, json),
        .n = s->n_receivers,
        .receivers = xcalloc(s->n_receivers, sizeof *a.receivers),
    };
    read_receivers(&r, json_object_get(json, "reflectors"), s, &a);
    if (r.err)
        node_answer_fini(&a);
    else
        *answer = a;
    return r.err;
}

void
node_answer_fini(struct node_answer *a)
{
    free(a->receivers);
    *a = (struct node_answer){0};
}
