#include "edge/pipeline_private.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "packet/edit.h"
#include "packet/segment.h"

#include <stdlib.h>

struct pipeline *
pipeline_new(struct datapath *dp, const struct pipeline_sink *sink, uint32_t cache_size)
{
    struct pipeline *pl = xcalloc(1, sizeof *pl);
    pl->dp = dp;
    pl->sink = *sink;
    pipeline_set_lane(pl, 0);
    for (unsigned i = 0; i < FLOW_KEY_WORDS; i++)
        pl->secret[i] = hash_mix(hash_secret() + i);
    program_cache_init(&pl->cache, cache_size);
    return pl;
}

void
pipeline_free(struct pipeline *pl)
{
    if (!pl)
        return;
    program_cache_fini(&pl->cache);
    free(pl);
}

void
pipeline_set_lane(struct pipeline *pl, unsigned lane)
{
    pl->lane = lane;
    pl->counts = &pl->dp->lanes[lane];
}

void
pipeline_set_fast_path(struct pipeline *pl, struct fast_path *fast)
{
    pl->fast = fast;
}

void
pipeline_get_stats(const struct pipeline *pl, struct pipeline_stats *stats)
{
    *stats = (struct pipeline_stats){
        .packets = counter_get(&pl->stats.packets),
        .hits = counter_get(&pl->stats.hits),
        .misses = counter_get(&pl->stats.misses),
        .uncacheable = counter_get(&pl->stats.uncacheable),
    };
}

void
pipeline_set_tap(struct pipeline *pl, struct tap *tap)
{
    atomic_store_explicit(&pl->next_tap, tap, memory_order_release);
}

struct tap *
pipeline_tap(const struct pipeline *pl)
{
    return pl->tap;
}

struct tap *
pipeline_renew_tap(struct pipeline *pl)
{
    pl->tap = atomic_load_explicit(&pl->next_tap, memory_order_acquire);
    if (tapped(pl))
        tap_injected(pl->tap);
    return pl->tap;
}

static void
count_up(_Atomic uint64_t *counter)
{
    counter_add_mine(counter, 1);
}

static void
count_lookup(struct pipeline *pl, uint8_t table)
{
    count_up(&pl->counts->tables[table].lookups);
}

static void
count_table_miss(struct pipeline *pl, uint8_t table)
{
    count_up(&pl->counts->tables[table].misses);
}

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

static void
drop(struct run *run, enum drop_reason reason)
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
record(struct run *run, struct op op)
{
    if (!run->record)
        return;
    if (run->record->n_ops == MAX_OPS) {
        run->record = NULL;
        return;
    }
    run->pl->recorded_ops[run->record->n_ops++] = op;
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

static void
do_count(struct run *run, struct entry *entry)
{
    if (!tracing(run))
        counters_count(&entry->counters, run->pl->lane, run->packet->size, run->pl->now);
}

static void
do_meter(struct run *run, struct meter_entry *meter)
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
        drop(run, DROP_METER);
        return;
    case METER_REMARK:
        if ((run->packet = packet_writable(run->packet)))
            meter_remark(run->packet, run->key, prec_level);
        return;
    }
}

/* The frame's headers are others now. */
static void
parse_again(struct run *run)
{
    flow_key_parse(run->key, run->packet->data, run->packet->size, &run->packet->layout);
    run->reparsed = true;
}

static void
do_edit(struct run *run, const struct action *action)
{
    struct packet *mine = packet_writable(run->packet);
    run->packet = mine;
    if (!mine) {
        run->stopped = true;
        drop(run, DROP_NO_BUFFER);
        return;
    }
    switch (packet_edit(mine, run->key, action)) {
    case EDIT_DONE:
        return;
    case EDIT_REPARSE:
        parse_again(run);
        return;
    case EDIT_TTL_EXPIRED:
        run->stopped = true;
        drop(run, DROP_TTL_EXPIRED);
        if (atomic_load_explicit(&run->pl->dp->punt_expired, memory_order_relaxed))
            punt(run, PUNT_INVALID_TTL,
                 atomic_load_explicit(&run->pl->dp->punt_expired_octets, memory_order_relaxed));
        return;
    case EDIT_NO_ROOM:
        run->stopped = true;
        drop(run, DROP_NO_ROOM);
        return;
    }
}

/* A copy that is the first of its key to come here is not going on, but its successors may be the
 * first to arrive: they need to know the way. */
static void
drop_copy(struct run *run, const struct action *action)
{
    drop(run, DROP_DUPLICATE);
    run->stopped = !run->record;
    run->muted = !run->stopped;
    if (run->muted && packet_pop_redundancy(run->packet, action->eth_type) == EDIT_REPARSE)
        parse_again(run);
}

static void
do_redundancy(struct run *run, const struct action *action)
{
    struct packet *mine = packet_writable(run->packet);
    run->packet = mine;
    if (!mine) {
        run->stopped = true;
        drop(run, DROP_NO_BUFFER);
        return;
    }
    switch (tracing(run) ? redundancy_explain(action, mine, &run->number)
                         : redundancy_act(run->pl->dp->redundancy, action, mine, &run->number,
                                          run->pl->now)) {
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
        drop(run, DROP_NO_SEQUENCE);
        return;
    case REDUNDANCY_NO_ROOM:
        run->stopped = true;
        drop(run, DROP_NO_ROOM);
        return;
    }
}

static void
do_queue(struct run *run, uint32_t queue)
{
    if (run->packet->queue == queue)
        return;
    if (run->packet->n_refs > 1 && !(run->packet = packet_writable(run->packet))) {
        run->stopped = true;
        drop(run, DROP_NO_BUFFER);
        return;
    }
    run->packet->queue = (uint8_t)queue;
}

/* The last four octets of what a port can send are for a VLAN tag (IEEE 802.3 clause 3.2.7), and
 * the kernel refuses others that need them. */
static bool
is_too_large(const struct packet *packet, uint32_t mtu)
{
    bool tagged = packet->size >= 14 && get_be16(packet->data + 12) == ETH_TYPE_VLAN;
    return packet->size + (tagged ? 0 : 4) > mtu;
}

/* DROP_NONE: the port takes it. */
static enum drop_reason
why_not_sent(const struct edge_port *port, const struct packet *packet)
{
    uint32_t config = atomic_load_explicit(&port->config, memory_order_relaxed);
    if (config & PORT_CONFIG_NO_FWD)
        return DROP_PORT_CONFIG;
    if (!atomic_load_explicit(&port->up, memory_order_relaxed) || config & PORT_CONFIG_DOWN)
        return DROP_PORT_DOWN;
    uint32_t mtu = atomic_load_explicit(&port->mtu, memory_order_relaxed);
    if (packet->size + 4 > mtu && !packet->offload.gso_type && is_too_large(packet, mtu))
        return DROP_TOO_LARGE;
    return DROP_NONE;
}

static void
send_to(struct run *run, struct edge_port *port)
{
    enum drop_reason reason = why_not_sent(port, run->packet);
    if (reason) {
        drop(run, reason);
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
        drop(run, DROP_NO_SUCH_PORT);
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
        drop(run, DROP_PORT_CONFIG);
    else
        punt(run, miss ? PUNT_NO_MATCH : PUNT_ACTION, max_len);
}

static void through_tables(struct run *);

static void
send_to_local(struct run *run)
{
    run->sent = run->forwarded = true;
    tell(run, "output", "LOCAL");
    tap_decision(run);
    if (!tracing(run))
        run->pl->sink.local(run->pl->sink.arg, run->packet);
}

static void
do_output(struct run *run, uint32_t number, uint16_t max_len)
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
            drop(run, DROP_SAME_PORT);
        else
            send_to_local(run);
        return;
    case PORT_ALL:
    case PORT_FLOOD:
        idmap_each(&run->pl->dp->ports, flood_port, &flood);
        return;
    case PORT_TABLE: /* only in packet-out */
        through_tables(run);
        return;
    default:
        break;
    }
    if (number == run->packet->in_port)
        drop(run, DROP_SAME_PORT);
    else
        send_to_number(run, number);
}

static void do_group(struct run *, struct group_entry *);

/* Carries out one action; true: go on with the next. */
static bool
do_action(struct run *run, const struct action *a)
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
        record(run, (struct op){OP_OUTPUT, run->table_id, a->max_len, a->id, (void *)run->entry});
        if (!run->muted)
            do_output(run, a->id, a->max_len);
        break;
    case ACTION_GROUP:
        if ((group = idmap_get(&run->pl->dp->groups, a->id))) {
            record(run, (struct op){OP_GROUP, run->table_id, 0, 0, group});
            if (!run->muted)
                do_group(run, group);
        }
        break;
    case ACTION_SET_QUEUE:
        record(run, (struct op){OP_QUEUE, run->table_id, 0, a->id, NULL});
        do_queue(run, a->id);
        break;
    case ACTION_SEQUENCE:
    case ACTION_PUSH_REDUNDANCY:
    case ACTION_DISCARD:
        record(run, (struct op){OP_REDUNDANCY, run->table_id, 0, 0, (void *)a});
        if (!run->muted)
            do_redundancy(run, a);
        break;
    default:
        record(run, (struct op){OP_EDIT, run->table_id, 0, 0, (void *)a});
        do_edit(run, a);
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

/* A bucket works on the packet as it is now, and leaves it so for the next. */
static void
do_bucket(struct run *run, struct bucket_entry *bucket)
{
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
        if (!do_action(&child, &bucket->set.list[i]))
            break;
    }
    if (!child.sent && !child.dropped)
        drop(&child, DROP_NO_OUTPUT);
    run->sent |= child.sent;
    run->forwarded |= child.forwarded;
    run->dropped |= child.dropped;
    if (child.packet)
        packet_unref(child.packet);
}

/* The bucket for this packet's conversation: weighted, among the live ones, the same one as long as
 * those are the same. Addresses and ports decide, not the input port. */
static struct bucket_entry *
select_bucket(const struct run *run, struct group_body *body)
{
    const struct flow_key *key = run->key;
    uint64_t h = 0, total = 0;
    for (unsigned i = 2; i <= 9; i++)
        h = hash_add(h, key->words[i]);
    for (uint32_t i = 0; i < body->n_buckets; i++)
        total += bucket_is_live(&body->buckets[i]) ? body->buckets[i].weight : 0;
    if (!total)
        return NULL;
    uint64_t point = hash_mix(h) % total;
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

static void
do_group(struct run *run, struct group_entry *group)
{
    struct group_body *body = atomic_load_explicit(&group->body, memory_order_acquire);
    struct bucket_entry *chosen = NULL;
    if (run->depth >= MAX_DEPTH) {
        drop(run, DROP_DEPTH);
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
            drop(run, DROP_NO_OUTPUT);
    } else if (chosen) {
        do_bucket(run, chosen);
    } else {
        drop(run, body->n_buckets ? DROP_NO_LIVE_BUCKET : DROP_NO_OUTPUT);
    }
}

/* ---- The tables ---- */

struct action_set {
    const struct action *list[MAX_SET];
    uint32_t n;
};

static bool
same_kind(const struct action *a, const struct action *b)
{
    return a->type == b->type && (a->type != ACTION_SET_FIELD || a->field == b->field);
}

static void
write_action(struct action_set *set, const struct action *a)
{
    for (uint32_t i = 0; i < set->n; i++) {
        if (same_kind(set->list[i], a)) {
            set->list[i] = a;
            return;
        }
    }
    if (set->n < MAX_SET) /* there are fewer kinds than that */
        set->list[set->n++] = a;
}

static void
do_action_set(struct run *run, const struct action_set *set)
{
    struct action copy[MAX_SET];
    struct actions written = {copy, set->n}, ordered;
    if (!set->n)
        return;
    for (uint32_t i = 0; i < set->n; i++)
        copy[i] = *set->list[i];
    action_set_order(&written, &ordered);
    tell(run, "action", "the action set, in its order:");
    for (uint32_t i = 0; i < ordered.n && !run->stopped; i++) {
        /* Record and run the installed action, which outlives the program; `ordered` does not. */
        for (uint32_t k = 0; k < set->n; k++) {
            if (same_kind(set->list[k], &ordered.list[i])) {
                do_action(run, set->list[k]);
                break;
            }
        }
    }
    actions_free(&ordered);
}

static struct entry *
lookup(struct run *run, struct flow_table *table)
{
    if (tracing(run)) {
        tell(run, "table", "%u, %u entries", table->id, table->n_entries);
        return flow_table_explain(table, run->key, pipeline_note_tuple, run);
    }
    count_lookup(run->pl, table->id);
    struct entry *entry = flow_table_lookup(table, run->key);
    if (!entry)
        count_table_miss(run->pl, table->id);
    return entry;
}

/* Carries out the instructions of one matching entry. Returns the next table; -1: the end. */
static int
do_entry(struct run *run, struct entry *entry, struct action_set *set)
{
    const struct instructions *in = atomic_load_explicit(&entry->instructions,
                                                         memory_order_acquire);
    run->entry = entry;
    if (tracing(run))
        pipeline_tell_entry(run, entry);
    record(run, (struct op){OP_COUNT, run->table_id, 0, 0, entry});
    if (!run->muted)
        do_count(run, entry);
    if (in->meter_id) {
        struct meter_entry *meter = idmap_get(&run->pl->dp->meters, in->meter_id);
        for (uint32_t i = 0; meter && i < meter->n_bands; i++)
            run->cacheable &= meter->bands[i].type == BAND_DROP;
        if (meter) {
            record(run, (struct op){OP_METER, run->table_id, 0, 0, meter});
            if (!run->muted)
                do_meter(run, meter);
        }
    }
    for (uint32_t i = 0; i < in->n_apply && !run->stopped; i++)
        do_action(run, &in->actions[i]);
    if (run->stopped)
        return -1;
    if (in->clear)
        set->n = 0;
    for (uint32_t i = 0; i < in->n_write; i++)
        write_action(set, &in->actions[in->n_apply + i]);
    run->key->metadata = to_be64((from_be64(run->key->metadata) & ~in->metadata_mask) |
                                 (in->metadata & in->metadata_mask));
    return in->has_goto ? in->goto_table : -1;
}

static void
through_tables(struct run *run)
{
    struct action_set set = {.n = 0};
    for (int table = 0; table >= 0 && !run->stopped;) {
        run->table_id = (uint8_t)table;
        run->cacheable &= !run->reparsed; /* the key now says more than the cache's key did */
        struct entry *entry = lookup(run, &run->pl->dp->tables[table]);
        if (!entry) {
            record(run, (struct op){OP_MISS, (uint8_t)table, 0, 0, NULL});
            if (!run->muted)
                drop(run, DROP_NO_MATCH);
            return; /* section 5.4: without a table-miss entry the packet is dropped */
        }
        table = do_entry(run, entry, &set);
    }
    if (!run->stopped)
        do_action_set(run, &set);
}

/* ---- Programs ---- */

/* Runs a program. Counting per table goes with the entries. */
static void
run_program(struct run *run, const struct program *program)
{
    for (unsigned i = 0; i < program->n_ops && !run->stopped; i++) {
        const struct op *op = &program->ops[i];
        run->table_id = op->table_id;
        switch ((enum op_type)op->type) {
        case OP_COUNT:
            run->entry = op->target;
            count_lookup(run->pl, op->table_id);
            do_count(run, op->target);
            break;
        case OP_METER:
            do_meter(run, op->target);
            break;
        case OP_EDIT:
            do_edit(run, op->target);
            break;
        case OP_REDUNDANCY:
            do_redundancy(run, op->target);
            break;
        case OP_QUEUE:
            do_queue(run, op->id);
            break;
        case OP_OUTPUT:
            run->entry = op->target;
            do_output(run, op->id, op->max_len);
            break;
        case OP_GROUP:
            do_group(run, op->target);
            break;
        case OP_MISS:
            count_lookup(run->pl, op->table_id);
            count_table_miss(run->pl, op->table_id);
            drop(run, DROP_NO_MATCH);
            break;
        }
    }
}

/* Entries to count, and one port. */
static bool
is_plain(const struct program *program)
{
    for (unsigned i = 0; i + 1 < program->n_ops; i++) {
        if (program->ops[i].type != OP_COUNT)
            return false;
    }
    const struct op *last = &program->ops[program->n_ops - 1];
    return program->n_ops && last->type == OP_OUTPUT && last->id < MAX_PORTS;
}

/* Most programs: the same as run_program() does, without what they do not need. False: the port is
 * not one it can simply leave by; nothing has been done. */
static bool
run_plain(struct pipeline *pl, struct packet *packet, const struct program *program)
{
    unsigned n = program->n_ops - 1u;
    uint32_t number = program->ops[n].id;
    struct edge_port *port = datapath_port(pl->dp, number);
    if (!port || number == packet->in_port || why_not_sent(port, packet) != DROP_NONE)
        return false;
    for (unsigned i = 0; i < n; i++) {
        struct entry *entry = program->ops[i].target;
        count_lookup(pl, program->ops[i].table_id);
        counters_count(&entry->counters, pl->lane, packet->size, pl->now);
    }
    pl->sink.send(pl->sink.arg, port, packet);
    packet_unref(packet);
    return true;
}

static void
finish(struct run *run)
{
    if (!run->sent && !run->dropped)
        drop(run, DROP_NO_OUTPUT);
    if (run->packet)
        packet_unref(run->packet);
}

static uint64_t
hash_pair(const struct pipeline *pl, const struct flow_key *key, unsigned a, unsigned b)
{
    unsigned __int128 product = (unsigned __int128)(key->words[a] ^ pl->secret[a]) *
                                (key->words[b] ^ pl->secret[b]);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The words that most packets do not have are left out for those. */
static uint64_t
hash_key(const struct pipeline *pl, const struct flow_key *key)
{
    const uint64_t *w = key->words;
    uint64_t h = hash_pair(pl, key, 0, 2) + hash_pair(pl, key, 3, 4) + hash_pair(pl, key, 6, 8);
    if (w[1] | w[5] | w[7] | w[9] | w[10] | w[11] | w[12] | w[13] | w[14] | w[15])
        h += hash_pair(pl, key, 1, 5) + hash_pair(pl, key, 7, 9) + hash_pair(pl, key, 10, 11) +
             hash_pair(pl, key, 12, 13) + hash_pair(pl, key, 14, 15);
    return h ^ h >> 32;
}

static void
prefetch_program(const struct program *p)
{
    __builtin_prefetch(&p->key);
    __builtin_prefetch((const char *)&p->key + 64);
    __builtin_prefetch(&p->generation);
}

static void
prefetch_targets(const struct program *p)
{
    for (unsigned i = 0; i < p->n_ops; i++) {
        if (p->ops[i].type == OP_COUNT)
            __builtin_prefetch(p->ops[i].target, 1);
    }
}

/* So that the next packet with this key need not come here. */
static void
offer(struct pipeline *pl, struct program *program)
{
    const struct edge_port *from = datapath_port(pl->dp, from_be32(program->key.in_port));
    program->declined = !from || !from->ifindex || !fast_path_offer(pl->fast, program);
}

/* Takes the packet through the tables, and keeps what was done as its key's program. */
static void
record_program(struct run *run, uint64_t hash)
{
    struct pipeline *pl = run->pl;
    struct program *program = &pl->recorded;
    count_up(&pl->stats.misses);
    program->key = *run->key;
    program->generation = pl->generation;
    program->metered = false;
    program->n_ops = 0;
    program->ops = pl->recorded_ops;
    run->record = pl->cache.n ? program : NULL;
    run->cacheable = true;
    through_tables(run);
    /* A run that was cut short (by a meter, for want of a buffer) has not seen its whole way. */
    if (!run->record || !run->cacheable || run->stopped) {
        count_up(&pl->stats.uncacheable);
        return;
    }
    for (unsigned i = 0; i < program->n_ops; i++)
        program->metered |= program->ops[i].type == OP_METER ||
                            program->ops[i].type == OP_REDUNDANCY;
    program->plain = is_plain(program);
    program->declined = true;
    if (pl->fast)
        offer(pl, program);
    program_cache_put(&pl->cache, program, hash);
}

/* A packet of a vector, and what is known of it by now. */
struct arrival {
    struct packet *packet;
    uint64_t hash;
    struct program *program;
    struct flow_key key;
};

static void receive_segments(struct pipeline *, struct arrival *);

static void
receive_one(struct pipeline *pl, struct arrival *a)
{
    /* A segment of 64 KiB would never pass the meter of a small circuit, and would count as one
     * packet: a metered conversation's are cut first. */
    if (a->packet->offload.gso_type && (!a->program || a->program->metered)) {
        receive_segments(pl, a);
        return;
    }
    pl->n_packets++;
    if (a->program && !a->program->declined) /* the kernel has forgotten it */
        offer(pl, a->program);
    bool runt = a->packet->layout.flaw == FLAW_RUNT;
    if (!runt && a->program && a->program->plain && !tapped(pl) &&
        run_plain(pl, a->packet, a->program)) {
        pl->n_hits++;
        return;
    }
    struct run run = {.pl = pl, .packet = a->packet, .key = &a->key};
    if (tapped(pl))
        tap_arrived(pl->tap, a->packet);
    if (runt) {
        drop(&run, DROP_RUNT);
    } else if (a->program) {
        pl->n_hits++;
        run_program(&run, a->program);
    } else {
        record_program(&run, a->hash);
    }
    finish(&run);
}

static void
receive_segments(struct pipeline *pl, struct arrival *a)
{
    struct packet *segments[SEGMENTS_MAX];
    struct run run = {.pl = pl, .packet = packet_ref(a->packet)};
    unsigned n = packet_segment(a->packet, segments);
    if (!n)
        drop(&run, DROP_NO_BUFFER);
    packet_unref(run.packet);
    for (unsigned i = 0; i < n; i++) {
        struct arrival segment = *a;
        segment.packet = segments[i];
        segment.program = program_cache_find(&pl->cache, &a->key, pl->generation, a->hash);
        receive_one(pl, &segment);
    }
}

/* The port's configuration, asked once for all packets of a vector that came from it. */
static bool
may_receive(struct pipeline *pl, const struct packet *packet)
{
    struct edge_port *port = datapath_port(pl->dp, packet->in_port);
    return !port || !(atomic_load_explicit(&port->config, memory_order_relaxed) &
                      (PORT_CONFIG_NO_RECV | PORT_CONFIG_DOWN));
}

/* What the vector is going to read is fetched a step ahead, for all of its packets at once. */
static void
find_programs(struct pipeline *pl, struct arrival *arrivals, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        arrivals[i].program = program_cache_guess(&pl->cache, arrivals[i].hash);
        if (arrivals[i].program)
            prefetch_program(arrivals[i].program);
    }
    for (unsigned i = 0; i < n; i++) {
        struct arrival *a = &arrivals[i];
        if (a->program && !program_is_for(a->program, &a->key, pl->generation))
            a->program = NULL;
        if (a->program)
            prefetch_targets(a->program);
    }
}

static void
receive_vector(struct pipeline *pl, struct arrival *arrivals, unsigned n)
{
    uint64_t n_kept = pl->cache.n_kept;
    uint32_t in_port = 0;
    bool allowed = false;
    for (unsigned i = 0; i < n; i++) {
        struct arrival *a = &arrivals[i];
        if (i == 0 || a->packet->in_port != in_port) {
            in_port = a->packet->in_port;
            allowed = may_receive(pl, a->packet);
        }
        if (!allowed) {
            struct run run = {.pl = pl, .packet = a->packet, .key = &a->key};
            if (tapped(pl))
                tap_arrived(pl->tap, a->packet);
            drop(&run, DROP_PORT_CONFIG);
            finish(&run);
            continue;
        }
        /* A program that was recorded meanwhile is perhaps this packet's, or has taken its place.
         */
        if (pl->cache.n_kept != n_kept || !a->program)
            a->program = program_cache_find(&pl->cache, &a->key, pl->generation, a->hash);
        receive_one(pl, a);
    }
}

void
pipeline_receive(struct pipeline *pl, struct packet **packets, unsigned n, nsec_t now)
{
    struct arrival arrivals[VECTOR_SIZE];
    pl->now = now;
    pl->tap = atomic_load_explicit(&pl->next_tap, memory_order_acquire);
    pl->generation = atomic_load_explicit(&pl->dp->generation, memory_order_acquire);
    pl->n_packets = pl->n_hits = 0;
    for (unsigned i = 0; i < n; i++) {
        struct arrival *a = &arrivals[i];
        a->packet = packets[i];
        a->program = NULL;
        packet_parse(a->packet, &a->key);
        a->hash = hash_key(pl, &a->key);
        if (pl->cache.n)
            __builtin_prefetch(program_cache_set(&pl->cache, a->hash));
    }
    if (pl->cache.n)
        find_programs(pl, arrivals, n);
    receive_vector(pl, arrivals, n);
    counter_add_mine(&pl->stats.packets, pl->n_packets);
    counter_add_mine(&pl->stats.hits, pl->n_hits);
}

void
pipeline_inject(struct pipeline *pl, struct packet *packet, const struct actions *actions,
                nsec_t now)
{
    struct flow_key key;
    struct run run = {.pl = pl, .packet = packet, .key = &key};
    pl->now = now;
    (void)pipeline_renew_tap(pl);
    pl->generation = atomic_load_explicit(&pl->dp->generation, memory_order_acquire);
    packet_parse(packet, &key);
    bool runt = packet->layout.flaw == FLAW_RUNT;
    if (runt)
        drop(&run, DROP_RUNT);
    for (uint32_t i = 0; i < actions->n && !runt; i++) {
        if (!do_action(&run, &actions->list[i]))
            break;
    }
    finish(&run);
}

void
pipeline_run_traced(struct run *run)
{
    if (run->packet->layout.flaw == FLAW_RUNT)
        drop(run, DROP_RUNT);
    else if (!may_receive(run->pl, run->packet))
        drop(run, DROP_PORT_CONFIG);
    else
        through_tables(run);
    if (!run->sent && !run->dropped)
        drop(run, DROP_NO_OUTPUT);
}
