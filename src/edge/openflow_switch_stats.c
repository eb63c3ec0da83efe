#include "edge/openflow_switch_private.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

#define BUCKETS_PER_STEP 256 /* of hash tables, or groups and meters */

/* ---- Jobs: replies in pieces ---- */

void
job_end(struct openflow_channel *ch)
{
    free(ch->job.ids);
    ch->job = (struct job){0};
}

struct visit {
    struct openflow_channel *ch;
    struct reply reply;
};

static void
visit_flow(void *arg, struct entry *entry)
{
    struct visit *v = arg;
    if (!datapath_flow_selected(&v->ch->job.filter, entry))
        return;
    struct openflow_flow_stats *stats = reply_add(&v->reply);
    entry_flow(entry, &stats->flow);
    duration_since(v->ch, entry->created, &stats->duration_s, &stats->duration_ns);
    const struct traffic traffic = counters_get(&entry->counters);
    stats->packets = traffic.packets;
    stats->octets = traffic.octets;
}

static void
visit_sum(void *arg, struct entry *entry)
{
    struct visit *v = arg;
    struct openflow_aggregate *sum = &v->ch->job.sum;
    if (!datapath_flow_selected(&v->ch->job.filter, entry))
        return;
    sum->flows++;
    const struct traffic traffic = counters_get(&entry->counters);
    sum->packets += traffic.packets;
    sum->octets += traffic.octets;
}

static void
visit_initial(void *arg, struct entry *entry)
{
    struct visit *v = arg;
    monitor_initial(v->ch, &v->reply, entry);
}

static const struct {
    size_t item_size;
    void (*visit)(void *arg, struct entry *);
} scans[] = {
    [JOB_FLOWS] = {sizeof(struct openflow_flow_stats), visit_flow},
    [JOB_MONITOR] = {sizeof(struct openflow_monitor_update), visit_initial},
};

static bool
run_scan(struct openflow_channel *ch)
{
    struct job *job = &ch->job;
    struct visit v = {.ch = ch};
    reply_begin(&v.reply, ch, job->type, job->xid, scans[job->kind].item_size);
    bool more = datapath_scan(ch->sw->dp, &job->at, job->last_table, BUCKETS_PER_STEP,
                              scans[job->kind].visit, &v);
    reply_end(&v.reply, more);
    return more;
}

static bool
run_aggregate(struct openflow_channel *ch)
{
    struct job *job = &ch->job;
    struct visit v = {.ch = ch};
    if (datapath_scan(ch->sw->dp, &job->at, job->last_table, BUCKETS_PER_STEP, visit_sum, &v))
        return true;
    reply_one(ch, job->type, job->xid, &job->sum);
    return false;
}

static bool run_ids(struct openflow_channel *);

bool
job_run(struct openflow_channel *ch)
{
    switch (ch->job.kind) {
    case JOB_AGGREGATE:
        return run_aggregate(ch);
    case JOB_IDS:
        return run_ids(ch);
    default:
        return run_scan(ch);
    }
}

static void
start_scan(struct openflow_channel *ch, enum job_kind kind, const struct openflow_message *m)
{
    ch->job = (struct job){.kind = kind, .type = m->multipart.type, .xid = m->xid};
    ch->job.last_table = N_TABLES - 1;
}

static bool
handle_flow_stats(struct openflow_channel *ch, const struct openflow_message *m)
{
    const struct openflow_flow_request *r = m->multipart.flow_request;
    struct job *job = &ch->job;
    if (r->table_id >= N_TABLES && r->table_id != TABLE_ALL)
        return refuse(ch, OFPET_BAD_REQUEST, OFPBRC_BAD_TABLE_ID);
    start_scan(ch, m->multipart.type == OFPMP_FLOW ? JOB_FLOWS : JOB_AGGREGATE, m);
    job->filter_flow.table_id = r->table_id;
    job->filter_flow.cookie = r->cookie;
    job->filter_flow.match = r->match;
    job->filter = (struct flow_request){.flow = &job->filter_flow,
                                        .cookie_mask = r->cookie_mask,
                                        .out_port = r->out_port,
                                        .out_group = r->out_group};
    if (r->table_id != TABLE_ALL)
        job->at.table = job->last_table = r->table_id;
    return true;
}

/* ---- Groups and meters ---- */

static void
add_group_stats(struct openflow_channel *ch, struct reply *reply, void *object)
{
    const struct group_entry *group = object;
    const struct group_body *body = atomic_load_explicit(&group->body, memory_order_relaxed);
    struct openflow_group_stats *stats = reply_add(reply);
    stats->group_id = group->group_id;
    stats->ref_count = group->n_flows + group->n_groups;
    const struct traffic traffic = counters_get(&group->counters);
    stats->packets = traffic.packets;
    stats->octets = traffic.octets;
    duration_since(ch, group->created, &stats->duration_s, &stats->duration_ns);
    stats->n_buckets = body->n_buckets;
    stats->buckets = xcalloc(body->n_buckets, sizeof *stats->buckets);
    for (uint32_t i = 0; i < body->n_buckets; i++) {
        const struct traffic its = counters_get(&body->buckets[i].counters);
        stats->buckets[i] = (struct openflow_counter){its.packets, its.octets};
    }
}

static void
free_group_stats(void *item)
{
    free(((struct openflow_group_stats *)item)->buckets);
}

static void
add_group_desc(struct openflow_channel *ch UNUSED, struct reply *reply, void *object)
{
    struct openflow_group_desc *desc = reply_add(reply);
    group_entry_describe(object, &desc->group);
}

static void
free_group_desc(void *item)
{
    group_fini(&((struct openflow_group_desc *)item)->group);
}

static void
add_meter_stats(struct openflow_channel *ch, struct reply *reply, void *object)
{
    const struct meter_entry *meter = object;
    struct openflow_meter_stats *stats = reply_add(reply);
    stats->meter_id = meter->meter_id;
    stats->flow_count = meter->n_flows;
    stats->packets = counter_get(&meter->packets);
    stats->octets = counter_get(&meter->octets);
    duration_since(ch, meter->created, &stats->duration_s, &stats->duration_ns);
    stats->n_bands = meter->n_bands;
    stats->bands = xcalloc(meter->n_bands, sizeof *stats->bands);
    for (uint32_t i = 0; i < meter->n_bands; i++)
        stats->bands[i] = (struct openflow_counter){counter_get(&meter->bands[i].packets),
                                                    counter_get(&meter->bands[i].octets)};
}

static void
free_meter_stats(void *item)
{
    free(((struct openflow_meter_stats *)item)->bands);
}

static void
add_meter_config(struct openflow_channel *ch UNUSED, struct reply *reply, void *object)
{
    struct openflow_meter_config *config = reply_add(reply);
    meter_entry_describe(object, &config->meter);
}

static void
free_meter_config(void *item)
{
    meter_fini(&((struct openflow_meter_config *)item)->meter);
}

/* What is listed by number: which of them, and how one is told. */
static const struct id_list {
    uint32_t type;
    bool meters, all; /* of the meters; the request has no number, it is about all */
    size_t item_size;
    void (*add)(struct openflow_channel *, struct reply *, void *object);
    void (*fini)(void *item);
} id_lists[] = {
    {OFPMP_GROUP, false, false, sizeof(struct openflow_group_stats), add_group_stats,
     free_group_stats},
    {OFPMP_GROUP_DESC, false, true, sizeof(struct openflow_group_desc), add_group_desc,
     free_group_desc},
    {OFPMP_METER, true, false, sizeof(struct openflow_meter_stats), add_meter_stats,
     free_meter_stats},
    {OFPMP_METER_CONFIG, true, false, sizeof(struct openflow_meter_config), add_meter_config,
     free_meter_config},
};

static const struct id_list *
id_list(uint32_t type)
{
    const struct id_list *list = id_lists;
    while (list->type != type)
        list++;
    return list;
}

static const struct idmap *
id_map(const struct openflow_channel *ch, const struct id_list *list)
{
    return list->meters ? &ch->sw->dp->meters : &ch->sw->dp->groups;
}

static bool
run_ids(struct openflow_channel *ch)
{
    struct job *job = &ch->job;
    const struct id_list *list = id_list(job->type);
    struct reply reply;
    reply_begin(&reply, ch, job->type, job->xid, list->item_size);
    reply.fini = list->fini;
    for (unsigned i = 0; i < BUCKETS_PER_STEP && job->next_id < job->n_ids; i++) {
        void *object = idmap_get(id_map(ch, list), job->ids[job->next_id++]);
        if (object) /* it may have gone since the list was made */
            list->add(ch, &reply, object);
    }
    bool more = job->next_id < job->n_ids;
    reply_end(&reply, more);
    return more;
}

static void
collect_id(void *arg, void *object)
{
    struct job *job = arg;
    job->ids[job->n_ids++] = *(const uint32_t *)object;
}

/* Section 7.3.5.6 ff. A group that is not there has no statistics; for a meter that is an error. */
static bool
handle_id_list(struct openflow_channel *ch, const struct openflow_message *m)
{
    const struct id_list *list = id_list(m->multipart.type);
    const struct idmap *map = id_map(ch, list);
    uint32_t all = list->meters ? METER_ALL : GROUP_ALL, id = list->all ? all : *m->multipart.id;
    if (list->meters && id != all && !idmap_get(map, id))
        return refuse(ch, OFPET_METER_MOD_FAILED, OFPMMFC_UNKNOWN_METER);
    start_scan(ch, JOB_IDS, m);
    ch->job.ids = xcalloc(id == all ? map->n : 1, sizeof *ch->job.ids);
    if (id == all)
        idmap_each(map, collect_id, &ch->job);
    else
        ch->job.ids[ch->job.n_ids++] = id;
    return true;
}

static bool
handle_group_features(struct openflow_channel *ch, const struct openflow_message *m)
{
    struct openflow_group_features features = {
        .types = 15,
        .capabilities = OFPGFC_SELECT_WEIGHT | OFPGFC_SELECT_LIVENESS | OFPGFC_CHAINING |
                        OFPGFC_CHAINING_CHECKS,
    };
    for (unsigned i = 0; i < 4; i++) {
        features.max_groups[i] = ch->sw->dp->limits.groups;
        for (unsigned type = 0; type < 32; type++)
            features.actions[i] |= action_is_known(type) ? 1u << type : 0;
    }
    reply_one(ch, m->multipart.type, m->xid, &features);
    return true;
}

static bool
handle_meter_features(struct openflow_channel *ch, const struct openflow_message *m)
{
    struct openflow_meter_features features = {
        .max_meter = ch->sw->dp->limits.meters,
        .band_types = 1u << BAND_DROP | 1u << BAND_DSCP_REMARK,
        .capabilities = METER_KBPS | METER_PKTPS | METER_BURST | METER_STATS,
        .max_bands = METER_BANDS,
    };
    reply_one(ch, m->multipart.type, m->xid, &features);
    return true;
}

/* ---- The switch, its tables and ports ---- */

static bool
handle_desc(struct openflow_channel *ch, const struct openflow_message *m)
{
    struct openflow_desc desc = {.manufacturer = "Tieline",
                                 .hardware = "packet node on Linux, AF_PACKET and AF_XDP",
                                 .software = "tieline-edge " TIELINE_VERSION};
    snprintf(desc.serial_number, sizeof desc.serial_number, "%s", ch->sw->name);
    snprintf(desc.datapath, sizeof desc.datapath, "%s", ch->sw->name);
    reply_one(ch, m->multipart.type, m->xid, &desc);
    return true;
}

static bool
handle_table_stats(struct openflow_channel *ch, const struct openflow_message *m)
{
    struct reply reply;
    reply_begin(&reply, ch, m->multipart.type, m->xid, sizeof(struct openflow_table_stats));
    for (unsigned i = 0; i < N_TABLES; i++) {
        const struct flow_table *table = &ch->sw->dp->tables[i];
        const struct table_counts counts = datapath_table_counts(ch->sw->dp, i);
        *(struct openflow_table_stats *)reply_add(&reply) = (struct openflow_table_stats){
            .table_id = (uint8_t)i,
            .active = table->n_entries,
            .lookups = counts.lookups,
            .matched = counts.matches,
        };
    }
    reply_end(&reply, false);
    return true;
}

struct port_visit {
    struct openflow_channel *ch;
    struct reply reply;
    uint32_t queue_id;
};

static void
add_port_stats(void *arg, void *object)
{
    struct port_visit *v = arg;
    const struct edge_port *port = object;
    struct openflow_port_stats *stats = reply_add(&v->reply);
    stats->port_no = port->number;
    stats->rx_packets = counter_get(&port->rx.packets);
    stats->rx_octets = counter_get(&port->rx.octets);
    stats->rx_dropped = counter_get(&port->rx.dropped);
    stats->rx_errors = counter_get(&port->rx.errors);
    stats->tx_packets = counter_get(&port->tx.packets);
    stats->tx_octets = counter_get(&port->tx.octets);
    stats->tx_dropped = counter_get(&port->tx.dropped);
    stats->tx_errors = counter_get(&port->tx.errors);
    duration_since(v->ch, port->created, &stats->duration_s, &stats->duration_ns);
}

static void
add_port_desc(void *arg, void *object)
{
    struct port_visit *v = arg;
    describe_port(object, reply_add(&v->reply));
}

static void
add_queue_stats(void *arg, void *object)
{
    struct port_visit *v = arg;
    const struct edge_port *port = object;
    for (uint32_t i = 0; i < N_QUEUES; i++) {
        if (v->queue_id != QUEUE_ALL && v->queue_id != i)
            continue;
        struct openflow_queue_stats *stats = reply_add(&v->reply);
        stats->port_no = port->number;
        stats->queue_id = i;
        stats->tx_packets = counter_get(&port->queues[i].packets);
        stats->tx_octets = counter_get(&port->queues[i].octets);
        stats->tx_errors = counter_get(&port->queues[i].dropped);
        duration_since(v->ch, port->created, &stats->duration_s, &stats->duration_ns);
    }
}

/* One port, or all of them with PORT_ANY. */
static void
reply_ports(struct openflow_channel *ch, const struct openflow_message *m, uint32_t port_no,
            uint32_t queue_id, size_t item_size, void (*add)(void *arg, void *object))
{
    struct port_visit v = {.ch = ch, .queue_id = queue_id};
    reply_begin(&v.reply, ch, m->multipart.type, m->xid, item_size);
    if (port_no == PORT_ANY)
        idmap_each(&ch->sw->dp->ports, add, &v);
    else
        add(&v, datapath_port(ch->sw->dp, port_no));
    reply_end(&v.reply, false);
}

static bool
handle_port_stats(struct openflow_channel *ch, const struct openflow_message *m)
{
    uint32_t port_no = *m->multipart.id;
    if (port_no != PORT_ANY && !datapath_port(ch->sw->dp, port_no))
        return refuse(ch, OFPET_BAD_REQUEST, OFPBRC_BAD_PORT);
    reply_ports(ch, m, port_no, 0, sizeof(struct openflow_port_stats), add_port_stats);
    return true;
}

static bool
handle_port_desc(struct openflow_channel *ch, const struct openflow_message *m)
{
    reply_ports(ch, m, PORT_ANY, 0, sizeof(struct openflow_port), add_port_desc);
    return true;
}

static bool
handle_queue_stats(struct openflow_channel *ch, const struct openflow_message *m)
{
    const struct openflow_queue_request *r = m->multipart.queue_request;
    if (r->port_no != PORT_ANY && !datapath_port(ch->sw->dp, r->port_no))
        return refuse(ch, OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_PORT);
    if (r->queue_id != QUEUE_ALL && r->queue_id >= N_QUEUES)
        return refuse(ch, OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_QUEUE);
    reply_ports(ch, m, r->port_no, r->queue_id, sizeof(struct openflow_queue_stats),
                add_queue_stats);
    return true;
}

struct queue_list {
    struct openflow_queue *list;
    struct openflow_queue_property *properties; /* two for each */
    uint32_t n;
};

/* In 1/10 % of the port's rate. What is not known or none at all is "not configured". */
static uint16_t
rate_of(uint32_t kbps, uint32_t port_kbps)
{
    uint64_t tenths = port_kbps ? (uint64_t)kbps * 1000 / port_kbps : 0;
    return kbps && port_kbps ? (uint16_t)MIN(tenths, 1000) : OFPQ_RATE_UNCFG;
}

static void
add_queues(void *arg, void *object)
{
    struct queue_list *queues = arg;
    const struct edge_port *port = object;
    const struct scheduler_config c = port_scheduling(port);
    uint32_t rate = c.rate_kbps ? c.rate_kbps : port->speed_kbps;
    for (uint32_t i = 0; i < N_QUEUES; i++) {
        struct openflow_queue_property *properties = &queues->properties[2 * queues->n];
        properties[0] = (struct openflow_queue_property){
            .type = OFPQT_MIN_RATE, .rate = rate_of(c.queues[i].min_kbps, rate)};
        properties[1] = (struct openflow_queue_property){
            .type = OFPQT_MAX_RATE, .rate = rate_of(c.queues[i].max_kbps, rate)};
        queues->list[queues->n++] = (struct openflow_queue){i, port->number, 2, properties};
    }
}

/* Section 7.3.6. */
bool
handle_queue_config(struct openflow_channel *ch, const struct openflow_message *m)
{
    uint32_t port_no = m->queue_config.port;
    const struct idmap *ports = &ch->sw->dp->ports;
    struct edge_port *port = datapath_port(ch->sw->dp, port_no);
    struct queue_list queues = {.n = 0};
    if (port_no != PORT_ANY && !port)
        return refuse(ch, OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_PORT);
    queues.list = xcalloc((size_t)ports->n * N_QUEUES, sizeof *queues.list);
    queues.properties = xcalloc((size_t)ports->n * N_QUEUES * 2, sizeof *queues.properties);
    if (port)
        add_queues(&queues, port);
    else
        idmap_each(ports, add_queues, &queues);
    channel_send(ch, &(struct openflow_message){.type = OFPT_QUEUE_GET_CONFIG_REPLY,
                                                .xid = m->xid,
                                                .queue_config = {port_no, queues.n, queues.list}});
    free(queues.properties);
    free(queues.list);
    return true;
}

static bool
handle_experimenter_stats(struct openflow_channel *ch, const struct openflow_message *m UNUSED)
{
    return refuse(ch, OFPET_BAD_REQUEST, OFPBRC_BAD_EXPERIMENTER);
}

static const struct {
    uint32_t type;
    bool (*handle)(struct openflow_channel *, const struct openflow_message *);
} multipart_handlers[] = {
    {OFPMP_DESC, handle_desc},
    {OFPMP_FLOW, handle_flow_stats},
    {OFPMP_AGGREGATE, handle_flow_stats},
    {OFPMP_TABLE, handle_table_stats},
    {OFPMP_PORT_STATS, handle_port_stats},
    {OFPMP_QUEUE, handle_queue_stats},
    {OFPMP_GROUP, handle_id_list},
    {OFPMP_GROUP_DESC, handle_id_list},
    {OFPMP_GROUP_FEATURES, handle_group_features},
    {OFPMP_METER, handle_id_list},
    {OFPMP_METER_CONFIG, handle_id_list},
    {OFPMP_METER_FEATURES, handle_meter_features},
    {OFPMP_TABLE_FEATURES, handle_table_features},
    {OFPMP_PORT_DESC, handle_port_desc},
    {ONFMP_FLOW_MONITOR, handle_monitor},
    {OFPMP_EXPERIMENTER, handle_experimenter_stats},
};

bool
handle_multipart(struct openflow_channel *ch, const struct openflow_message *m)
{
    datapath_collect(ch->sw->dp);
    for (size_t i = 0; i < ARRAY_SIZE(multipart_handlers); i++) {
        if (multipart_handlers[i].type == m->multipart.type)
            return multipart_handlers[i].handle(ch, m);
    }
    return refuse(ch, OFPET_BAD_REQUEST, OFPBRC_BAD_MULTIPART);
}
