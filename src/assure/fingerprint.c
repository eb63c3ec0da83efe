#include "assure/fingerprint.h"

#include "base/alloc.h"
#include "model/text.h"

#include <stdlib.h>

#define DURATION_MAX UINT32_MAX /* tt:duration-ns: longer ones are given as this */

void
entries_fini(struct entries *e)
{
    for (uint32_t i = 0; i < e->n; i++)
        free(e->list[i].receiver);
    free(e->list);
    *e = (struct entries){0};
}

struct entry *
entries_find(const struct entries *entries, enum test_path path, enum test_direction direction,
             const char *receiver)
{
    for (uint32_t i = 0; i < entries->n; i++) {
        struct entry *e = &entries->list[i];
        if (e->path == path && e->direction == direction && !strcmp(e->receiver, receiver))
            return e;
    }
    return NULL;
}

static struct entry *
need_entry(struct entries *entries, enum test_path path, enum test_direction direction,
           const char *receiver)
{
    struct entry *e = entries_find(entries, path, direction, receiver);
    if (e)
        return e;
    GROW(entries->list, entries->n, entries->capacity);
    e = &entries->list[entries->n++];
    *e = (struct entry){.path = path, .direction = direction, .receiver = xstrdup(receiver)};
    return e;
}

/* ---- From what was measured ---- */

/* One answer of one node about one receiver. */
struct adding {
    struct entries *entries;
    const struct test_session *session;
    const struct load *load;
    const struct node_answer *answer;
    const struct measured *measured;
    nsec_t wall;
    bool exact; /* the clocks agree: one-way latencies are what they seem to be */
};

static nsec_t
median_difference(const struct measured *m)
{
    nsec_t difference = m->forward.p50 - m->backward.p50;
    return difference < 0 ? -difference : difference;
}

static void
set_latency(struct entry *e, const struct measured_way *w, nsec_t divisor)
{
    e->has_latency = true;
    e->min = MAX(w->min, 0) / divisor;
    e->p50 = MAX(w->p50, 0) / divisor;
    e->p99 = MAX(w->p99, 0) / divisor;
    e->max = MAX(w->max, 0) / divisor;
}

static void
add_latency(const struct adding *a, struct entry *e)
{
    const struct measured *m = a->measured;
    bool forward = e->direction == DIRECTION_FORWARD;
    const struct measured_way *way = forward ? &m->forward : &m->backward;
    e->synchronised = a->exact;
    e->sender_source = forward ? a->answer->timestamps : m->timestamps;
    e->receiver_source = forward ? m->timestamps : a->answer->timestamps;
    e->has_jitter = way->has_latency;
    e->jitter = way->has_latency ? way->jitter : 0;
    if (a->exact && way->has_latency)
        set_latency(e, way, 1);
    else if (a->session->in_band && m->round_trip.has_latency)
        set_latency(e, &m->round_trip, 2);
    e->has_asymmetry = a->exact && a->session->in_band && m->forward.has_latency &&
                       m->backward.has_latency;
    e->asymmetry = e->has_asymmetry ? median_difference(m) : 0;
}

/* What arrived, at the pace in which it was really sent. */
static uint32_t
arrival_kbps(const struct adding *a, uint32_t received)
{
    double interval = a->answer->sent > 1 && a->answer->span
                          ? (double)a->answer->span / (a->answer->sent - 1)
                          : (double)a->load->interval_us * NSEC_PER_USEC;
    double octets = (double)received * a->answer->size;
    double kbps = octets * 8e6 / (interval * a->answer->sent);
    return kbps < UINT32_MAX ? (uint32_t)(kbps + 0.5) : UINT32_MAX;
}

static void
add_way(const struct adding *a, enum test_direction direction, const char *receiver, uint32_t sent,
        uint32_t lost)
{
    struct entry *e = need_entry(a->entries, a->session->path, direction, receiver);
    e->time = a->wall;
    e->sent += sent;
    e->lost += lost;
    if (a->load->kind == LOAD_COMMITTED) {
        e->committed_sent = sent;
        e->committed_lost = lost;
        e->committed_kbps = load_kbps(a->load);
        e->rate_kbps = a->answer->sent ? arrival_kbps(a, sent - lost) : 0;
    } else {
        add_latency(a, e);
    }
}

uint32_t
measured_lost_forward(const struct measured *m)
{
    uint32_t lost = m->unattributed + (m->has_directions ? m->forward.lost : 0);
    return MIN(lost, m->round_trip.lost);
}

static void
add_receiver(const struct adding *a, const struct test_receiver *receiver)
{
    const struct measured_way *there_and_back = &a->measured->round_trip;
    uint32_t lost = measured_lost_forward(a->measured), arrived = there_and_back->sent - lost;
    for (uint32_t h = 0; h < receiver->n_hosts; h++)
        add_way(a, DIRECTION_FORWARD, receiver->hosts[h], there_and_back->sent, lost);
    if (a->session->in_band && arrived)
        add_way(a, DIRECTION_BACKWARD, a->session->host, arrived, there_and_back->lost - lost);
}

/* A latency below nothing proves that two clocks disagree, whatever they say of themselves. */
static bool
is_plausible(const struct measured *m)
{
    return (!m->forward.has_latency || m->forward.min >= 0) &&
           (!m->backward.has_latency || m->backward.min >= 0);
}

/* What a reader of the entries should know. */
static void
explain(const struct adding *a, const char *node, bool says_exact, const char *circuit,
        struct findings *findings)
{
    const struct measured *m = a->measured;
    const char *path = test_path_word(a->session->path);
    if (!findings || a->load->kind != LOAD_LATENCY || !m->round_trip.received)
        return;
    if (!m->has_directions && m->round_trip.lost)
        findings_add(findings, SEVERITY_INFO, "direction-unknown", "circuit", circuit, NULL,
                     "%s path: node %s does not count, so losses either way are given as forward",
                     path, node);
    if (says_exact && !a->exact)
        findings_add(findings, SEVERITY_WARNING, "clocks-disagree", "circuit", circuit, NULL,
                     "%s path: a latency below zero: the clocks of %s and %s disagree, although "
                     "they say they are synchronised",
                     path, a->session->node, node);
    else if (!a->exact)
        findings_add(findings, SEVERITY_INFO, "clocks-not-synchronised", "circuit", circuit, NULL,
                     "%s path: the clocks of %s and %s are not synchronised: %s", path,
                     a->session->node, node,
                     a->session->in_band ? "one-way latencies are half of the round trip"
                                         : "latencies are not known");
}

void
entries_add(struct entries *entries, const struct test_session *s, const struct load *load,
            const struct node_answer *answer, nsec_t wall, bool one_clock, const char *circuit,
            struct findings *findings)
{
    for (uint32_t i = 0; i < s->n_receivers; i++) {
        const struct measured *m = &answer->receivers[i];
        bool says_exact = one_clock || m->synchronised;
        struct adding a = {entries, s, load, answer, m, wall, says_exact && is_plausible(m)};
        add_receiver(&a, &s->receivers[i]);
        explain(&a, s->receivers[i].node, says_exact, circuit, findings);
    }
}

/* ---- JSON ---- */

static void
set_duration(json_t *json, const char *name, nsec_t value)
{
    json_object_set_new(json, name, json_integer(MIN(value, DURATION_MAX)));
}

static json_t *
entry_to_json(const struct entry *e, const char *circuit)
{
    char time[TIME_TEXT_SIZE];
    json_t *json = json_pack("{ss ss ss ss ss sI sI}", "circuit", circuit, "path",
                             test_path_word(e->path), "receiver", e->receiver, "direction",
                             test_direction_word(e->direction), "time", time_format(e->time, time),
                             "sent", (json_int_t)e->sent, "lost", (json_int_t)e->lost);
    if (e->rate_kbps)
        json_object_set_new(json, "rate-kbps", json_integer(e->rate_kbps));
    if (e->has_latency) {
        set_duration(json, "latency-min-ns", e->min);
        set_duration(json, "latency-p50-ns", e->p50);
        set_duration(json, "latency-p99-ns", e->p99);
        set_duration(json, "latency-max-ns", e->max);
    }
    if (e->has_jitter)
        set_duration(json, "jitter-ns", e->jitter);
    if (e->has_asymmetry)
        set_duration(json, "asymmetry-ns", e->asymmetry);
    json_object_set_new(json, "clocks-synchronised", json_boolean(e->synchronised));
    if (e->sender_source < TIMESTAMP_MAX)
        set_json_text(json, "sender-timestamps", timestamp_source_word(e->sender_source));
    if (e->receiver_source < TIMESTAMP_MAX)
        set_json_text(json, "receiver-timestamps", timestamp_source_word(e->receiver_source));
    return json;
}

json_t *
entries_to_json(const struct entries *entries, const char *circuit)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < entries->n; i++)
        json_array_append_new(array, entry_to_json(&entries->list[i], circuit));
    return array;
}

/* False: there is such a member, but it is no number in range. 0 if it is not there. */
static bool
read_number(const json_t *json, const char *name, nsec_t *value, bool *has)
{
    const json_t *member = json_object_get(json, name);
    json_int_t v = json_integer_value(member);
    *value = v;
    if (has)
        *has = member != NULL;
    return !member || (json_is_integer(member) && v >= 0 && v <= UINT32_MAX);
}

static const char *
read_text(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

static bool
read_entry(const json_t *json, struct entry *e)
{
    nsec_t sent, lost, rate;
    const char *receiver = read_text(json, "receiver");
    *e = (struct entry){
        .path = test_path_from_word(read_text(json, "path")),
        .direction = test_direction_from_word(read_text(json, "direction")),
        .synchronised = json_is_true(json_object_get(json, "clocks-synchronised")),
        .sender_source = timestamp_source_from_word(read_text(json, "sender-timestamps")),
        .receiver_source = timestamp_source_from_word(read_text(json, "receiver-timestamps")),
    };
    if (e->path == TEST_PATH_MAX || e->direction == DIRECTION_MAX || !name_is_valid(receiver) ||
        time_parse(read_text(json, "time"), &e->time) || !read_number(json, "sent", &sent, NULL) ||
        !read_number(json, "lost", &lost, NULL) || !read_number(json, "rate-kbps", &rate, NULL) ||
        !read_number(json, "latency-min-ns", &e->min, NULL) ||
        !read_number(json, "latency-p50-ns", &e->p50, &e->has_latency) ||
        !read_number(json, "latency-p99-ns", &e->p99, NULL) ||
        !read_number(json, "latency-max-ns", &e->max, NULL) ||
        !read_number(json, "jitter-ns", &e->jitter, &e->has_jitter) ||
        !read_number(json, "asymmetry-ns", &e->asymmetry, &e->has_asymmetry) || lost > sent)
        return false;
    e->sent = (uint32_t)sent;
    e->lost = (uint32_t)lost;
    e->rate_kbps = (uint32_t)rate;
    e->receiver = xstrdup(receiver);
    return true;
}

enum err
entries_from_json(const json_t *json, struct entries *entries, struct diag *diag)
{
    struct entries read = {0};
    bool well_formed = json_is_array(json);
    for (size_t i = 0; well_formed && i < json_array_size(json); i++) {
        GROW(read.list, read.n, read.capacity);
        well_formed = read_entry(json_array_get(json, i), &read.list[read.n]);
        read.n += well_formed;
    }
    for (uint32_t i = 0; well_formed && i < read.n; i++) {
        GROW(entries->list, entries->n, entries->capacity);
        entries->list[entries->n++] = read.list[i];
    }
    if (!well_formed) {
        enum err err = diag_set(diag, ERR_MALFORMED, "entry %u of the fingerprint is malformed",
                                read.n);
        entries_fini(&read);
        return err;
    }
    free(read.list);
    return ERR_OK;
}
