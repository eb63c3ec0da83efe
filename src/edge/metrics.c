#include "edge/metrics.h"

#include "base/alloc.h"
#include "edge/fast_path.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- The format (OpenMetrics 1.0, "ABNF") ---- */

enum type { COUNTER, GAUGE, INFO };

struct writer {
    const struct survey *survey;
    struct buf *out;
    const struct family *family;
    /* Of the flows, by rising cookie. */
    struct cookie_sum *cookies;
    size_t n_cookies;
    uint64_t n_left_out;
};

struct family {
    const char *name;
    enum type type;
    const char *unit; /* the end of its name; NULL: none */
    const char *help;
    void (*put)(struct writer *);
};

static void
put_label_value(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\\' || *text == '"')
            buf_u8(out, '\\');
        if (*text == '\n')
            buf_str(out, "\\n");
        else
            buf_u8(out, (uint8_t)*text);
    }
}

static void
begin_sample(struct writer *w)
{
    static const char *const suffixes[] = {[COUNTER] = "_total", [GAUGE] = "", [INFO] = "_info"};
    buf_printf(w->out, "tieline_edge_%s%s", w->family->name, suffixes[w->family->type]);
}

/* The labels of a sample: name and value, the value NULL at the end. */
static void
put_labels(struct writer *w, const char *first, const char *first_value, const char *second,
           const char *second_value)
{
    buf_printf(w->out, "{%s=\"", first);
    put_label_value(w->out, first_value);
    if (second) {
        buf_printf(w->out, "\",%s=\"", second);
        put_label_value(w->out, second_value);
    }
    buf_str(w->out, "\"}");
}

static void
put_value(struct writer *w, uint64_t value)
{
    buf_printf(w->out, " %" PRIu64 "\n", value);
}

static void
put_plain(struct writer *w, uint64_t value)
{
    begin_sample(w);
    put_value(w, value);
}

static void
put_numbered(struct writer *w, const char *label, uint64_t number, uint64_t value)
{
    begin_sample(w);
    buf_printf(w->out, "{%s=\"%" PRIu64 "\"}", label, number);
    put_value(w, value);
}

static void
put_numbered_twice(struct writer *w, const char *label, uint64_t number, const char *second,
                   uint64_t second_number, uint64_t value)
{
    begin_sample(w);
    buf_printf(w->out, "{%s=\"%" PRIu64 "\",%s=\"%" PRIu64 "\"}", label, number, second,
               second_number);
    put_value(w, value);
}

/* ---- The node ---- */

static void
put_info(struct writer *w)
{
    begin_sample(w);
    buf_str(w->out, "{name=\"");
    put_label_value(w->out, w->survey->name);
    buf_printf(w->out, "\",datapath_id=\"%016" PRIx64 "\",version=\"" TIELINE_VERSION "\"} 1\n",
               w->survey->datapath_id);
}

static void
put_start_time(struct writer *w)
{
    begin_sample(w);
    buf_printf(w->out, " %" PRId64 ".%03" PRId64 "\n", w->survey->started / NSEC_PER_SEC,
               w->survey->started % NSEC_PER_SEC / NSEC_PER_MSEC);
}

/* ---- Ports ---- */

static void
put_ports(struct writer *w, uint64_t (*get)(const struct writer *, const struct edge_port *))
{
    for (uint32_t i = 0; i < w->survey->n_ports; i++) {
        const struct edge_port *port = w->survey->ports[i];
        char number[12];
        snprintf(number, sizeof number, "%u", port->number);
        begin_sample(w);
        put_labels(w, "port", number, "interface", port->name);
        put_value(w, get(w, port));
    }
}

#define PORT_FAMILY(name, value)                                                                   \
    static uint64_t get_##name(const struct writer *w UNUSED, const struct edge_port *port)        \
    {                                                                                              \
        return value;                                                                              \
    }                                                                                              \
    static void put_##name(struct writer *w)                                                       \
    {                                                                                              \
        put_ports(w, get_##name);                                                                  \
    }

static struct port_counters
kernel(const struct writer *w, const struct edge_port *port)
{
    struct port_counters c;
    workers_port_counters(w->survey->workers, port->number, &c);
    return c;
}

PORT_FAMILY(port_up, atomic_load_explicit(&port->up, memory_order_relaxed))
PORT_FAMILY(port_live, port_is_live(port))
PORT_FAMILY(port_rx_packets, counter_get(&port->rx.packets))
PORT_FAMILY(port_rx_bytes, counter_get(&port->rx.octets))
PORT_FAMILY(port_rx_lost, kernel(w, port).rx_lost)
PORT_FAMILY(port_rx_no_buffer, kernel(w, port).rx_no_buffer)
PORT_FAMILY(port_tx_packets, counter_get(&port->tx.packets))
PORT_FAMILY(port_tx_bytes, counter_get(&port->tx.octets))
PORT_FAMILY(port_tx_dropped, counter_get(&port->tx.dropped))
PORT_FAMILY(port_tx_refused, kernel(w, port).tx_refused)

#define QUEUE_FAMILY(name, member)                                                                 \
    static void put_##name(struct writer *w)                                                       \
    {                                                                                              \
        for (uint32_t i = 0; i < w->survey->n_ports; i++) {                                        \
            const struct edge_port *port = w->survey->ports[i];                                    \
            for (unsigned q = 0; q < N_QUEUES; q++)                                                \
                put_numbered_twice(w, "port", port->number, "queue", q,                            \
                                   counter_get(&port->queues[q].member));                          \
        }                                                                                          \
    }

QUEUE_FAMILY(queue_packets, packets)
QUEUE_FAMILY(queue_bytes, octets)
QUEUE_FAMILY(queue_dropped, dropped)

/* ---- Packets on their way ---- */

static void
put_drops(struct writer *w)
{
    for (unsigned i = DROP_NONE + 1; i < DROP_MAX; i++) {
        begin_sample(w);
        put_labels(w, "reason", drop_table[i].name, NULL, NULL);
        put_value(w, counter_get(&w->survey->datapath->drops[i]));
    }
}

static struct pipeline_stats
cache(const struct writer *w)
{
    struct pipeline_stats s;
    workers_get_stats(w->survey->workers, &s);
    return s;
}

static void
put_cache_hits(struct writer *w)
{
    put_plain(w, cache(w).hits);
}

static void
put_cache_misses(struct writer *w)
{
    put_plain(w, cache(w).misses);
}

static void
put_cache_uncacheable(struct writer *w)
{
    put_plain(w, cache(w).uncacheable);
}

/* Nothing where no port is the kernel's. */
#define KERNEL_FAMILY(name, member)                                                                \
    static void put_##name(struct writer *w)                                                       \
    {                                                                                              \
        struct fast_path_stats stats;                                                              \
        if (!w->survey->fast)                                                                      \
            return;                                                                                \
        fast_path_get_stats(w->survey->fast, &stats);                                              \
        put_plain(w, stats.member);                                                                \
    }

KERNEL_FAMILY(kernel_forwarded, forwarded)
KERNEL_FAMILY(kernel_handed_up, up)

#define MIRROR_FAMILY(name)                                                                        \
    static void put_mirror_##name(struct writer *w)                                                \
    {                                                                                              \
        struct mirror_counters counters;                                                           \
        mirror_count(w->survey->mirror, &counters);                                                \
        if (w->survey->mirror)                                                                     \
            put_plain(w, counters.name);                                                           \
    }

MIRROR_FAMILY(sent)
MIRROR_FAMILY(lost)
MIRROR_FAMILY(refused)

static void
put_punts(struct writer *w)
{
    put_plain(w, w->survey->punted);
}

/* ---- Tables ---- */

/* Those that hold something, or have been asked. */
#define TABLE_FAMILY(name, value)                                                                  \
    static void put_##name(struct writer *w)                                                       \
    {                                                                                              \
        for (unsigned i = 0; i < N_TABLES; i++) {                                                  \
            const struct flow_table *table = &w->survey->datapath->tables[i];                      \
            struct table_counts counts = datapath_table_counts(w->survey->datapath, i);            \
            if (table->n_entries || counts.lookups)                                                \
                put_numbered(w, "table", i, value);                                                \
        }                                                                                          \
    }

TABLE_FAMILY(table_entries, table->n_entries)
TABLE_FAMILY(table_lookups, counts.lookups)
TABLE_FAMILY(table_matches, counts.matches)

static void
put_changes(struct writer *w)
{
    put_plain(w, w->survey->datapath->n_changes);
}

/* ---- Groups and meters ---- */

struct walk {
    struct writer *writer;
    unsigned n;
};

static void
put_objects(struct writer *w, const struct idmap *map, void (*visit)(void *arg, void *object))
{
    struct walk walk = {w, 0};
    idmap_each(map, visit, &walk);
}

#define OBJECT_FAMILY(name, map, limit, object_type, ...)                                          \
    static void visit_##name(void *arg, void *object)                                              \
    {                                                                                              \
        struct walk *walk = arg;                                                                   \
        struct writer *w = walk->writer;                                                           \
        const object_type *o = object;                                                             \
        if (walk->n++ < (limit)) {                                                                 \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }                                                                                              \
    static void put_##name(struct writer *w)                                                       \
    {                                                                                              \
        put_objects(w, &w->survey->datapath->map, visit_##name);                                   \
    }

#define EACH_BUCKET(value)                                                                         \
    const struct group_body *body = atomic_load_explicit(&o->body, memory_order_acquire);          \
    for (uint32_t i = 0; i < body->n_buckets && i < METRICS_BUCKETS; i++)                          \
        put_numbered_twice(w, "group", o->group_id, "bucket", i, value);

#define EACH_BAND(value)                                                                           \
    for (uint32_t i = 0; i < o->n_bands; i++)                                                      \
        put_numbered_twice(w, "meter", o->meter_id, "band", i, value);

OBJECT_FAMILY(group_packets, groups, METRICS_GROUPS, struct group_entry,
              put_numbered(w, "group", o->group_id, counters_get(&o->counters).packets);)
OBJECT_FAMILY(group_bytes, groups, METRICS_GROUPS, struct group_entry,
              put_numbered(w, "group", o->group_id, counters_get(&o->counters).octets);)
OBJECT_FAMILY(bucket_live, groups, METRICS_GROUPS, struct group_entry,
              EACH_BUCKET(bucket_is_live(&body->buckets[i])))
OBJECT_FAMILY(bucket_packets, groups, METRICS_GROUPS, struct group_entry,
              EACH_BUCKET(counters_get(&body->buckets[i].counters).packets))
OBJECT_FAMILY(bucket_bytes, groups, METRICS_GROUPS, struct group_entry,
              EACH_BUCKET(counters_get(&body->buckets[i].counters).octets))
OBJECT_FAMILY(meter_packets, meters, METRICS_METERS, struct meter_entry,
              put_numbered(w, "meter", o->meter_id, counter_get(&o->packets));)
OBJECT_FAMILY(meter_bytes, meters, METRICS_METERS, struct meter_entry,
              put_numbered(w, "meter", o->meter_id, counter_get(&o->octets));)
OBJECT_FAMILY(band_packets, meters, METRICS_METERS, struct meter_entry,
              EACH_BAND(counter_get(&o->bands[i].packets)))
OBJECT_FAMILY(band_bytes, meters, METRICS_METERS, struct meter_entry,
              EACH_BAND(counter_get(&o->bands[i].octets)))

static void
put_groups(struct writer *w)
{
    put_plain(w, w->survey->datapath->groups.n);
}

static void
put_meters(struct writer *w)
{
    put_plain(w, w->survey->datapath->meters.n);
}

/* ---- Flows, by cookie ---- */

struct cookie_sum {
    uint64_t cookie, entries, packets, octets;
};

static void
note_flow(void *arg, struct entry *e)
{
    struct writer *w = arg;
    struct traffic t = counters_get(&e->counters);
    w->cookies[w->n_cookies++] = (struct cookie_sum){
        atomic_load_explicit(&e->cookie, memory_order_relaxed), 1, t.packets, t.octets};
}

static int
by_cookie(const void *a, const void *b)
{
    const struct cookie_sum *x = a, *y = b;
    return (x->cookie > y->cookie) - (x->cookie < y->cookie);
}

static void
collect_cookies(struct writer *w)
{
    size_t n = 0;
    uint32_t n_flows = w->survey->datapath->n_flows;
    if (!n_flows || n_flows > METRICS_FLOWS) {
        w->n_left_out = n_flows;
        return;
    }
    w->cookies = xcalloc(n_flows, sizeof *w->cookies);
    survey_flows(w->survey->datapath, note_flow, w);
    qsort(w->cookies, w->n_cookies, sizeof *w->cookies, by_cookie);
    for (size_t i = 0; i < w->n_cookies; i++) {
        if (n && w->cookies[n - 1].cookie == w->cookies[i].cookie) {
            w->cookies[n - 1].entries++;
            w->cookies[n - 1].packets += w->cookies[i].packets;
            w->cookies[n - 1].octets += w->cookies[i].octets;
        } else {
            w->cookies[n++] = w->cookies[i];
        }
    }
    w->n_cookies = MIN(n, METRICS_COOKIES);
    for (size_t i = w->n_cookies; i < n; i++)
        w->n_left_out += w->cookies[i].entries;
}

#define COOKIE_FAMILY(name, member)                                                                \
    static void put_##name(struct writer *w)                                                       \
    {                                                                                              \
        for (size_t i = 0; i < w->n_cookies; i++) {                                                \
            begin_sample(w);                                                                       \
            buf_printf(w->out, "{cookie=\"0x%" PRIx64 "\"}", w->cookies[i].cookie);                \
            put_value(w, w->cookies[i].member);                                                    \
        }                                                                                          \
    }

COOKIE_FAMILY(flow_entries, entries)
COOKIE_FAMILY(flow_packets, packets)
COOKIE_FAMILY(flow_bytes, octets)

static void
put_left_out(struct writer *w)
{
    put_plain(w, w->n_left_out);
}

/* ---- Controllers ---- */

static bool
is_connected(const json_t *row)
{
    const char *state = json_string_value(json_object_get(row, "state"));
    return state && !strcmp(state, "connected");
}

/* Those that are configured: local clients come and go. */
static void
put_controllers(struct writer *w, uint64_t (*get)(const json_t *row))
{
    size_t i;
    const json_t *row;
    json_array_foreach(w->survey->controllers, i, row)
    {
        const char *address = json_string_value(json_object_get(row, "address"));
        if (!address || !json_object_get(row, "attempts"))
            continue;
        begin_sample(w);
        put_labels(w, "controller", address, NULL, NULL);
        put_value(w, get(row));
    }
}

static uint64_t
get_connected(const json_t *row)
{
    return is_connected(row);
}

static uint64_t
get_connections(const json_t *row)
{
    return (uint64_t)json_integer_value(json_object_get(row, "connections"));
}

static void
put_controller_connected(struct writer *w)
{
    put_controllers(w, get_connected);
}

static void
put_controller_connections(struct writer *w)
{
    put_controllers(w, get_connections);
}

static void
put_rpc_connected(struct writer *w)
{
    if (json_is_object(w->survey->rpc))
        put_plain(w, is_connected(w->survey->rpc));
}

/* ---- The families ---- */

static const struct family families[] = {
    {"node", INFO, NULL, "What the node is.", put_info},
    {"start_time_seconds", GAUGE, "seconds", "When it was started, since 1970.", put_start_time},
    {"port_up", GAUGE, NULL, "The port has a carrier and is not taken down.", put_port_up},
    {"port_live", GAUGE, NULL, "Groups may use the port.", put_port_live},
    {"port_received_packets", COUNTER, "packets", "Packets that came in.", put_port_rx_packets},
    {"port_received_bytes", COUNTER, "bytes", "Octets that came in, without FCS.",
     put_port_rx_bytes},
    {"port_receive_lost_packets", COUNTER, "packets",
     "Packets that the kernel lost before the node saw them.", put_port_rx_lost},
    {"port_receive_no_buffer_packets", COUNTER, "packets",
     "Packets that came when the node had no buffer left.", put_port_rx_no_buffer},
    {"port_sent_packets", COUNTER, "packets", "Packets that left.", put_port_tx_packets},
    {"port_sent_bytes", COUNTER, "bytes", "Octets that left, without FCS.", put_port_tx_bytes},
    {"port_send_dropped_packets", COUNTER, "packets", "Packets that were to leave and did not.",
     put_port_tx_dropped},
    {"port_send_refused_packets", COUNTER, "packets", "Of these, what the kernel refused.",
     put_port_tx_refused},
    {"queue_sent_packets", COUNTER, "packets", "Packets that left from a queue.",
     put_queue_packets},
    {"queue_sent_bytes", COUNTER, "bytes", "Octets that left from a queue.", put_queue_bytes},
    {"queue_dropped_packets", COUNTER, "packets", "Packets for which a queue had no room.",
     put_queue_dropped},
    {"dropped_packets", COUNTER, "packets", "Packets dropped, by reason.", put_drops},
    {"punted_packets", COUNTER, "packets", "Packets given to the controllers.", put_punts},
    {"cache_hits", COUNTER, NULL, "Packets whose program was in the cache.", put_cache_hits},
    {"cache_misses", COUNTER, NULL, "Packets that went through the tables.", put_cache_misses},
    {"cache_uncacheable", COUNTER, NULL, "Of these, those whose way could not be kept.",
     put_cache_uncacheable},
    {"kernel_forwarded_packets", COUNTER, "packets",
     "Packets that the kernel's fast path forwarded or dropped.", put_kernel_forwarded},
    {"kernel_handed_up_packets", COUNTER, "packets", "Packets that it left to the packet threads.",
     put_kernel_handed_up},
    {"mirror_sent_packets", COUNTER, "packets", "Copies that the mirror has sent.",
     put_mirror_sent},
    {"mirror_lost_packets", COUNTER, "packets",
     "Copies above the mirror's rate, or for which there was no room.", put_mirror_lost},
    {"mirror_refused_packets", COUNTER, "packets",
     "Copies that the machine's own stack did not take.", put_mirror_refused},
    {"table_changes", COUNTER, NULL, "Changes of flows, groups and meters.", put_changes},
    {"table_entries", GAUGE, NULL, "Flow entries in a table.", put_table_entries},
    {"table_lookups", COUNTER, NULL, "Packets that a table was asked for.", put_table_lookups},
    {"table_matches", COUNTER, NULL, "Packets for which it had an entry.", put_table_matches},
    {"groups", GAUGE, NULL, "Groups there are.", put_groups},
    {"group_packets", COUNTER, "packets", "Packets that used a group.", put_group_packets},
    {"group_bytes", COUNTER, "bytes", "Octets that used a group.", put_group_bytes},
    {"group_bucket_live", GAUGE, NULL, "The group may use this bucket.", put_bucket_live},
    {"group_bucket_packets", COUNTER, "packets", "Packets that used a bucket.", put_bucket_packets},
    {"group_bucket_bytes", COUNTER, "bytes", "Octets that used a bucket.", put_bucket_bytes},
    {"meters", GAUGE, NULL, "Meters there are.", put_meters},
    {"meter_packets", COUNTER, "packets", "Packets that a meter judged.", put_meter_packets},
    {"meter_bytes", COUNTER, "bytes", "Octets that a meter judged.", put_meter_bytes},
    {"meter_band_packets", COUNTER, "packets", "Packets above the rate of a band.",
     put_band_packets},
    {"meter_band_bytes", COUNTER, "bytes", "Octets above the rate of a band.", put_band_bytes},
    {"flow_entries", GAUGE, NULL, "Flow entries with a cookie.", put_flow_entries},
    {"flow_packets", COUNTER, "packets", "Packets that matched entries with a cookie.",
     put_flow_packets},
    {"flow_bytes", COUNTER, "bytes", "Octets that matched entries with a cookie.", put_flow_bytes},
    {"flow_entries_left_out", GAUGE, NULL, "Entries that are in none of the sums by cookie.",
     put_left_out},
    {"controller_connected", GAUGE, NULL, "The OpenFlow controller is connected.",
     put_controller_connected},
    {"controller_connections", COUNTER, NULL, "Times it has been connected.",
     put_controller_connections},
    {"rpc_connected", GAUGE, NULL, "The JSON-RPC of the controller is connected.",
     put_rpc_connected},
};

void
metrics_put(const struct survey *survey, struct buf *out)
{
    static const char *const types[] = {"counter", "gauge", "info"};
    struct writer w = {.survey = survey, .out = out};
    collect_cookies(&w);
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        w.family = &families[i];
        buf_printf(out, "# TYPE tieline_edge_%s %s\n", w.family->name, types[w.family->type]);
        if (w.family->unit)
            buf_printf(out, "# UNIT tieline_edge_%s %s\n", w.family->name, w.family->unit);
        buf_printf(out, "# HELP tieline_edge_%s %s\n", w.family->name, w.family->help);
        w.family->put(&w);
    }
    buf_str(out, "# EOF\n");
    free(w.cookies);
}
