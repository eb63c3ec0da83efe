#include "edge/pipeline_private.h"

#include "packet/edit.h"

/* ---- Drops and punts ---- */

/* Reasons that say all that becomes of a packet. Others are about one of its outputs. */
static bool
is_final(enum drop_reason reason)
{
    return reason == DROP_RUNT || reason == DROP_NO_MATCH || reason == DROP_NO_OUTPUT ||
           reason == DROP_METER || reason == DROP_TTL_EXPIRED || reason == DROP_NO_ROOM ||
           reason == DROP_DUPLICATE;
}

static void
tap_drop(const struct run *run, enum drop_reason reason)
{
    tap_decided(run->pl->tap, run->entry, run->table_id);
    tap_dropped(run->pl->tap, run->packet, reason, run->depth == 0 && is_final(reason));
}

void
pipeline_drop(struct run *run, enum drop_reason reason)
{
    struct pipeline *pl = run->pl;
    run->dropped = true;
    tell(run, "drop", "%s: %s", drop_table[reason].name, drop_table[reason].help);
    if (tracing(run))
        return;
    counter_add(&pl->dp->drops[reason], 1);
    if (tapped(pl) && run->packet)
        tap_drop(run, reason);
    if (pl->sink.dropped && run->packet)
        pl->sink.dropped(pl->sink.arg, run->packet, reason);
}

static void
punt(struct run *run, enum punt_reason reason, uint16_t max_len)
{
    run->sent = true;
    tell(run, "output", "CONTROLLER, at most %u octets", max_len);
    if (tracing(run))
        return;
    struct punt p = {
        .packet = run->packet,
        .key = run->key,
        .reason = reason,
        .max_len = max_len,
        .table_id = run->table_id,
        .cookie = run->entry ? atomic_load_explicit(&run->entry->cookie, memory_order_relaxed)
                             : UINT64_MAX,
    };
    tap_decision(run);
    run->pl->sink.punt(run->pl->sink.arg, &p);
}

/* ---- The steps of a program, and of the tables' interpretation ---- */

void
pipeline_meter(struct run *run, struct meter_entry *meter)
{
    uint8_t prec_level = 0;
    if (tracing(run)) {
        struct meter m;
        struct buf text = BUF_INIT;
        meter_entry_describe(meter, &m);
        meter_format(&m, &text);
        tell(run, "meter", "%s: would have to pass", buf_cstr(&text));
        buf_fini(&text);
        meter_fini(&m);
        return;
    }
    if (run->pl->sink.clock)
        run->pl->now = run->pl->sink.clock(run->pl->sink.arg);
    switch (meter_pass(meter, run->packet->size, run->pl->now, &prec_level)) {
    case METER_PASS:
        return;
    case METER_DROP:
        run->stopped = true;
        pipeline_drop(run, DROP_METER);
        return;
    case METER_REMARK:
        if ((run->packet = packet_writable(run->packet)))
            meter_remark(run->packet, run->key, prec_level);
        return;
    }
}

/* A packet that nobody else keeps. False: there is no buffer for it; it is dropped. */
static bool
make_own(struct run *run)
{
    if ((run->packet = packet_writable(run->packet)))
        return true;
    run->stopped = true;
    pipeline_drop(run, DROP_NO_BUFFER);
    return false;
}

/* The frame's headers are others now. */
static void
parse_again(struct run *run)
{
    flow_key_parse(run->key, run->packet->data, run->packet->size, &run->packet->layout);
    run->reparsed = true;
}

void
pipeline_edit(struct run *run, const struct action *action)
{
    if (!make_own(run))
        return;
    switch (packet_edit(run->packet, run->key, action)) {
    case EDIT_DONE:
        return;
    case EDIT_REPARSE:
        parse_again(run);
        return;
    case EDIT_TTL_EXPIRED:
        run->stopped = true;
        pipeline_drop(run, DROP_TTL_EXPIRED);
        if (atomic_load_explicit(&run->pl->dp->punt_expired, memory_order_relaxed))
            punt(run, PUNT_INVALID_TTL,
                 atomic_load_explicit(&run->pl->dp->punt_expired_octets, memory_order_relaxed));
        return;
    case EDIT_NO_ROOM:
        run->stopped = true;
        pipeline_drop(run, DROP_NO_ROOM);
        return;
    }
}

/* A copy that is the first of its key to come here is not going on, but its successors may be the
 * first to arrive: they need to know the way. */
static void
drop_copy(struct run *run, const struct action *action)
{
    pipeline_drop(run, DROP_DUPLICATE);
    run->stopped = !run->record;
    run->muted = !run->stopped;
    if (run->muted && packet_pop_redundancy(run->packet, action->eth_type) == EDIT_REPARSE)
        parse_again(run);
}

void
pipeline_redundancy(struct run *run, const struct action *action)
{
    if (!make_own(run))
        return;
    switch (tracing(run) ? redundancy_explain(action, run->packet, &run->number)
                         : redundancy_act(run->pl->dp->redundancy, action, run->packet,
                                          &run->number, run->pl->now)) {
    case REDUNDANCY_PASS:
        return;
    case REDUNDANCY_REPARSE:
        parse_again(run);
        return;
    case REDUNDANCY_COPY:
        drop_copy(run, action);
        return;
    case REDUNDANCY_UNTAGGED:
        run->stopped = true;
        pipeline_drop(run, DROP_NO_SEQUENCE);
        return;
    case REDUNDANCY_NO_ROOM:
        run->stopped = true;
        pipeline_drop(run, DROP_NO_ROOM);
        return;
    }
}

void
pipeline_queue(struct run *run, uint32_t queue)
{
    if (run->packet->queue == queue)
        return;
    if (make_own(run))
        run->packet->queue = (uint8_t)queue;
}

static void
send_to(struct run *run, struct edge_port *port)
{
    enum drop_reason reason = why_not_sent(port, run->packet);
    if (reason) {
        pipeline_drop(run, reason);
        return;
    }
    run->sent = run->forwarded = true;
    tap_decision(run);
    if (tracing(run))
        pipeline_tell_output(run, port);
    else
        run->pl->sink.send(run->pl->sink.arg, port, run->packet);
}

static void
send_to_number(struct run *run, uint32_t number)
{
    struct edge_port *port = datapath_port(run->pl->dp, number);
    if (!port)
        pipeline_drop(run, DROP_NO_SUCH_PORT);
    else
        send_to(run, port);
}

struct flood {
    struct run *run;
};

static void
flood_port(void *arg, void *object)
{
    struct flood *f = arg;
    struct edge_port *port = object;
    if (port->number != f->run->packet->in_port)
        send_to(f->run, port);
}

/* For the controller by an action: why, and whether the port it came from may trouble it. */
static void
punt_by_action(struct run *run, uint16_t max_len)
{
    bool miss = run->entry && entry_is_table_miss(run->entry);
    struct edge_port *from = miss ? datapath_port(run->pl->dp, run->packet->in_port) : NULL;
    if (from &&
        atomic_load_explicit(&from->config, memory_order_relaxed) & PORT_CONFIG_NO_PACKET_IN)
        pipeline_drop(run, DROP_PORT_CONFIG);
    else
        punt(run, miss ? PUNT_NO_MATCH : PUNT_ACTION, max_len);
}

static void
send_to_local(struct run *run)
{
    run->sent = run->forwarded = true;
    tell(run, "output", "LOCAL");
    tap_decision(run);
    if (!tracing(run))
        run->pl->sink.local(run->pl->sink.arg, run->packet);
}

void
pipeline_output(struct run *run, uint32_t number, uint16_t max_len)
{
    struct flood flood = {run};
    switch (number) {
    case PORT_IN_PORT:
        if (run->packet->in_port == PORT_LOCAL)
            send_to_local(run);
        else
            send_to_number(run, run->packet->in_port);
        return;
    case PORT_CONTROLLER:
        punt_by_action(run, max_len);
        return;
    case PORT_LOCAL:
        if (run->packet->in_port == PORT_LOCAL)
            pipeline_drop(run, DROP_SAME_PORT);
        else
            send_to_local(run);
        return;
    case PORT_ALL:
    case PORT_FLOOD:
        idmap_each(&run->pl->dp->ports, flood_port, &flood);
        return;
    case PORT_TABLE: /* only in packet-out */
        pipeline_through_tables(run);
        return;
    default:
        break;
    }
    if (number == run->packet->in_port)
        pipeline_drop(run, DROP_SAME_PORT);
    else
        send_to_number(run, number);
}

/* Carries out one action; true: go on with the next. */
bool
pipeline_action(struct run *run, const struct action *a)
{
    struct group_entry *group;
    if (a->type != ACTION_OUTPUT && tracing(run)) {
        struct buf text = BUF_INIT;
        action_format(a, &text);
        tell(run, "action", "%s", buf_cstr(&text));
        buf_fini(&text);
    }
    switch ((enum action_type)a->type) {
    case ACTION_OUTPUT:
        pipeline_record(
            run, (struct op){OP_OUTPUT, run->table_id, a->max_len, a->id, (void *)run->entry});
        if (!run->muted)
            pipeline_output(run, a->id, a->max_len);
        break;
    case ACTION_GROUP:
        if ((group = idmap_get(&run->pl->dp->groups, a->id))) {
            pipeline_record(run, (struct op){OP_GROUP, run->table_id, 0, 0, group});
            if (!run->muted)
                pipeline_group(run, group);
        }
        break;
    case ACTION_SET_QUEUE:
        pipeline_record(run, (struct op){OP_QUEUE, run->table_id, 0, a->id, NULL});
        pipeline_queue(run, a->id);
        break;
    case ACTION_SEQUENCE:
    case ACTION_PUSH_REDUNDANCY:
    case ACTION_DISCARD:
        pipeline_record(run, (struct op){OP_REDUNDANCY, run->table_id, 0, 0, (void *)a});
        if (!run->muted)
            pipeline_redundancy(run, a);
        break;
    default:
        pipeline_record(run, (struct op){OP_EDIT, run->table_id, 0, 0, (void *)a});
        pipeline_edit(run, a);
        break;
    }
    return !run->stopped;
}

static bool
edits_packets(const struct bucket_entry *bucket)
{
    for (uint32_t i = 0; i < bucket->set.n; i++) {
        uint8_t type = bucket->set.list[i].type;
        if (type != ACTION_OUTPUT && type != ACTION_GROUP && type != ACTION_SET_QUEUE)
            return true;
    }
    return false;
}

static bool
is_output_only(const struct bucket_entry *bucket)
{
    const struct action *first = bucket->set.list;
    return bucket->set.n == 1 && first->type == ACTION_OUTPUT && port_is_real(first->id);
}

/* A bucket works on the packet as it is now, and leaves it so for the next. */
static void
do_bucket(struct run *run, struct bucket_entry *bucket)
{
    if (is_output_only(bucket) && !tracing(run)) { /* most are, and change nothing */
        counters_count(&bucket->counters, run->pl->lane, run->packet->size, run->pl->now);
        pipeline_output(run, bucket->set.list->id, 0);
        return;
    }
    struct run child = *run;
    struct flow_key key;
    if (edits_packets(bucket)) {
        key = *run->key;
        child.key = &key;
    }
    child.packet = packet_ref(run->packet);
    child.record = NULL;
    child.depth = run->depth + 1;
    child.sent = child.dropped = child.forwarded = false;
    if (!tracing(run)) {
        counters_count(&bucket->counters, run->pl->lane, run->packet->size, run->pl->now);
    }
    for (uint32_t i = 0; i < bucket->set.n; i++) {
        if (!pipeline_action(&child, &bucket->set.list[i]))
            break;
    }
    if (!child.sent && !child.dropped)
        pipeline_drop(&child, DROP_NO_OUTPUT);
    run->sent |= child.sent;
    run->forwarded |= child.forwarded;
    run->dropped |= child.dropped;
    if (child.packet)
        packet_unref(child.packet);
}

/* The bucket for this packet's conversation: weighted, among the live ones, the same one as long as
 * those are the same. */
static struct bucket_entry *
select_bucket(const struct run *run, struct group_body *body)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < body->n_buckets; i++)
        total += bucket_is_live(&body->buckets[i]) ? body->buckets[i].weight : 0;
    if (!total)
        return NULL;
    uint64_t point = select_hash(run->key) % total;
    for (uint32_t i = 0; i < body->n_buckets; i++) {
        struct bucket_entry *b = &body->buckets[i];
        uint64_t weight = bucket_is_live(b) ? b->weight : 0;
        if (point < weight)
            return b;
        point -= weight;
    }
    return NULL;
}

static struct bucket_entry *
first_live(struct group_body *body)
{
    for (uint32_t i = 0; i < body->n_buckets; i++) {
        if (bucket_is_live(&body->buckets[i]))
            return &body->buckets[i];
    }
    return NULL;
}

void
pipeline_group(struct run *run, struct group_entry *group)
{
    struct group_body *body = atomic_load_explicit(&group->body, memory_order_acquire);
    struct bucket_entry *chosen = NULL;
    if (run->depth >= MAX_DEPTH) {
        pipeline_drop(run, DROP_DEPTH);
        return;
    }
    if (!tracing(run)) {
        counters_count(&group->counters, run->pl->lane, run->packet->size, run->pl->now);
    }
    if (body->type == GROUP_TYPE_FF)
        chosen = first_live(body);
    else if (body->type == GROUP_TYPE_SELECT)
        chosen = select_bucket(run, body);
    else if (body->n_buckets)
        chosen = &body->buckets[0];
    if (tracing(run))
        pipeline_tell_group(run, group, body, chosen);
    if (body->type == GROUP_TYPE_ALL) {
        for (uint32_t i = 0; i < body->n_buckets; i++)
            do_bucket(run, &body->buckets[i]);
        if (!body->n_buckets)
            pipeline_drop(run, DROP_NO_OUTPUT);
    } else if (chosen) {
        do_bucket(run, chosen);
    } else {
        pipeline_drop(run, body->n_buckets ? DROP_NO_LIVE_BUCKET : DROP_NO_OUTPUT);
    }
}
