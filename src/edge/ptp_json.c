/* What edge.clock answers: doc/edge.md, "Time". */
#include "edge/ptp_worker_private.h"

#include "base/alloc.h"

#include <stdio.h>

static uint64_t
get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void
put(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

/* {n} or {n, min-ns, median-ns, p99-ns, max-ns} */
static json_t *
summary_json(const struct ptp_histogram *const *histograms, unsigned n)
{
    struct ptp_summary s;
    ptp_histograms_summary(histograms, n, &s);
    json_t *object = json_pack("{sI}", "n", (json_int_t)s.n);
    if (s.n) {
        put(object, "min-ns", (uint64_t)s.min);
        put(object, "median-ns", (uint64_t)s.median);
        put(object, "p99-ns", (uint64_t)s.p99);
        put(object, "max-ns", (uint64_t)s.max);
    }
    return object;
}

/* The names of what has been counted, in the messages' own order. */
static json_t *
by_type(const struct ptp_node *w, size_t offset)
{
    json_t *object = json_object();
    unsigned n = ptp_clock_n_ports(w->clock);
    for (unsigned type = 0; type < PTP_TYPES; type++) {
        uint64_t sum = 0;
        for (unsigned i = 0; i < n; i++) {
            uint32_t number;
            int phc;
            const uint8_t *c = (const uint8_t *)ptp_clock_port(w->clock, i, &number, &phc);
            sum += get((const _Atomic uint64_t *)(const void *)(c + offset) + type);
        }
        if (sum)
            put(object, ptp_type_name(type), sum);
    }
    return object;
}

static const struct {
    const char *name;
    size_t offset;
} totals[] = {
    {"other", offsetof(struct ptp_port_counters, other)},
    {"malformed", offsetof(struct ptp_port_counters, malformed)},
    {"implausible", offsetof(struct ptp_port_counters, implausible)},
    {"unmatched", offsetof(struct ptp_port_counters, unmatched)},
    {"no-link-delay", offsetof(struct ptp_port_counters, no_link_delay)},
    {"discarded", offsetof(struct ptp_port_counters, discarded)},
    {"stamps-missing", offsetof(struct ptp_port_counters, stamps_missing)},
};

static uint64_t
total(const struct ptp_node *w, size_t offset)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < ptp_clock_n_ports(w->clock); i++) {
        uint32_t number;
        int phc;
        const uint8_t *c = (const uint8_t *)ptp_clock_port(w->clock, i, &number, &phc);
        sum += get((const _Atomic uint64_t *)(const void *)(c + offset));
    }
    return sum;
}

/* "kernel"; of a port that has had several, the one most had; null: no message yet. */
static json_t *
source_json(const _Atomic uint64_t counters[PTP_SOURCES])
{
    unsigned best = 0;
    for (unsigned i = 1; i < PTP_SOURCES; i++) {
        if (get(&counters[i]) > get(&counters[best]))
            best = i;
    }
    return get(&counters[best]) ? json_string(ptp_source_name((enum ptp_source)best)) : json_null();
}

static uint64_t
number(const _Atomic int64_t *value)
{
    return (uint64_t)atomic_load_explicit(value, memory_order_relaxed);
}

static json_t *
link_json(const struct ptp_peer_status *s)
{
    uint64_t clock = get(&s->clock);
    json_t *link = json_object();
    if (atomic_load_explicit(&s->known, memory_order_relaxed))
        put(link, "delay-ns", number(&s->delay));
    if (clock) {
        json_object_set_new(link, "peer", json_sprintf("%016llx", (unsigned long long)clock));
        put(link, "peer-port", atomic_load_explicit(&s->port, memory_order_relaxed));
        put(link, "last-delay-ns", number(&s->last_delay));
        json_object_set_new(link, "rate-ppm",
                            json_real((double)(int64_t)number(&s->rate_ppb) / 1000));
    }
    put(link, "asked", get(&s->asked));
    put(link, "measured", get(&s->measured));
    put(link, "lost", get(&s->lost));
    put(link, "several-peers", get(&s->several));
    put(link, "answered", get(&s->answered));
    put(link, "refused", get(&s->refused));
    return link;
}

static json_t *
port_json(const struct ptp_node *w, unsigned i)
{
    uint32_t number;
    int phc;
    const struct ptp_port_counters *c = ptp_clock_port(w->clock, i, &number, &phc);
    const struct ptp_histogram *residence = &c->residence, *one_step = &c->one_step;
    json_t *row = json_pack(
        "{sI ss so so so so so}", "number", (json_int_t)number, "name", w->ports[i].port->name,
        "hardware-clock", phc < 0 ? json_null() : json_sprintf("/dev/ptp%d", phc), "rx-stamps",
        source_json(c->arrivals), "tx-stamps", source_json(c->departures), "residence",
        summary_json(&residence, 1), "one-step-error", summary_json(&one_step, 1));
    if (w->ports[i].peer)
        json_object_set_new(row, "link", link_json(ptp_peer_status(w->ports[i].peer)));
    return row;
}

static json_t *
ports_json(const struct ptp_node *w)
{
    json_t *rows = json_array();
    for (unsigned i = 0; i < ptp_clock_n_ports(w->clock); i++)
        json_array_append_new(rows, port_json(w, i));
    return rows;
}

static void
put_profile(json_t *row, const struct ptp_announce *a)
{
    if (!a->c37238)
        return;
    json_object_set_new(row, "profile", json_sprintf("C37.238-%u", a->c37238));
    put(row, "grandmaster-id", a->c37238_grandmaster_id);
    put(row, "time-inaccuracy-ns", a->c37238_inaccuracy_ns);
}

static json_t *
master_json(const struct ptp_master *m, nsec_t wall)
{
    const struct ptp_announce *a = &m->announce;
    char grandmaster[PTP_CLOCK_TEXT_SIZE], clock[PTP_CLOCK_TEXT_SIZE], last[TIME_TEXT_SIZE];
    json_t *row = json_pack(
        "{sI ss ss sI sI sI sI sI sI sI sI sI ss sb}", "domain", (json_int_t)m->domain,
        "grandmaster", ptp_clock_format(a->grandmaster, grandmaster), "sender",
        ptp_clock_format(m->source.clock, clock), "sender-port", (json_int_t)m->source.port,
        "in-port", (json_int_t)m->in_port, "clock-class", (json_int_t)a->clock_class,
        "clock-accuracy", (json_int_t)a->clock_accuracy, "priority1", (json_int_t)a->priority1,
        "priority2", (json_int_t)a->priority2, "steps-removed", (json_int_t)a->steps_removed,
        "time-source", (json_int_t)a->time_source, "announces", (json_int_t)m->n, "last",
        time_format(m->last, last), "heard", wall - m->last < 10 * NSEC_PER_SEC);
    if (m->has_rate)
        json_object_set_new(row, "rate-ppm", json_real(m->rate_ppm));
    put_profile(row, a);
    return row;
}

static json_t *
masters_json(const struct ptp_node *w, nsec_t wall)
{
    struct ptp_master masters[PTP_MASTERS];
    unsigned n = ptp_clock_get_masters(w->clock, wall, masters);
    json_t *rows = json_array();
    for (unsigned i = 0; i < n; i++)
        json_array_append_new(rows, master_json(&masters[i], wall));
    return rows;
}

static json_t *
domains_json(const struct ptp_domains *domains)
{
    json_t *list = json_array();
    unsigned n = 0;
    for (unsigned i = 0; i < 256; i++) {
        if (ptp_domains_has(domains, (uint8_t)i)) {
            json_array_append_new(list, json_integer(i));
            n++;
        }
    }
    if (n < 256)
        return list;
    json_decref(list);
    return json_string("all");
}

/* What may be said of a measurement by such stamps, and no more. */
static const char *
class_of(const struct ptp_node *w)
{
    uint64_t n[PTP_SOURCES] = {0};
    for (unsigned i = 0; i < ptp_clock_n_ports(w->clock); i++) {
        uint32_t number;
        int phc;
        const struct ptp_port_counters *c = ptp_clock_port(w->clock, i, &number, &phc);
        for (unsigned j = 0; j < PTP_SOURCES; j++)
            n[j] += get(&c->departures[j]);
    }
    if (!n[PTP_HARDWARE] && !n[PTP_KERNEL] && !n[PTP_APPLICATION])
        return "nothing measured yet";
    if (n[PTP_APPLICATION])
        return "application stamps: some 10 us; not fit for IEC/IEEE 61850-9-3 or C37.238";
    if (n[PTP_KERNEL])
        return "kernel stamps: some us; not fit for IEC/IEEE 61850-9-3 or C37.238";
    return "hardware stamps: as good as the cards' clock";
}

static void
residence_of_all(const struct ptp_node *w, json_t *answer)
{
    const struct ptp_histogram *residence[MAX_PORTS], *one_step[MAX_PORTS];
    unsigned n = ptp_clock_n_ports(w->clock);
    for (unsigned i = 0; i < n; i++) {
        uint32_t number;
        int phc;
        const struct ptp_port_counters *c = ptp_clock_port(w->clock, i, &number, &phc);
        residence[i] = &c->residence;
        one_step[i] = &c->one_step;
    }
    json_object_set_new(answer, "residence", summary_json(residence, n));
    json_object_set_new(answer, "one-step-error", summary_json(one_step, n));
}

json_t *
ptp_node_json(const struct ptp_node *w, nsec_t wall)
{
    if (!w)
        return json_pack("{ss}", "mode", ptp_mode_name(PTP_OFF));
    json_t *counters = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(totals); i++)
        put(counters, totals[i].name, total(w, totals[i].offset));
    json_t *answer = json_pack("{ss so ss so so so so so}", "mode", ptp_mode_name(w->options.mode),
                               "domains", domains_json(&w->options.domains), "accuracy",
                               class_of(w), "corrected",
                               by_type(w, offsetof(struct ptp_port_counters, corrected)), "passed",
                               by_type(w, offsetof(struct ptp_port_counters, passed)), "counters",
                               counters, "masters", masters_json(w, wall), "ports", ports_json(w));
    residence_of_all(w, answer);
    return answer;
}
