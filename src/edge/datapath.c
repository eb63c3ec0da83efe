#include "edge/datapath_internal.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

#define EXPIRED_PER_TICK 2048u /* looked at: a few milliseconds */

const struct drop_info drop_table[DROP_MAX] = {
    [DROP_NONE] = {"none", "not dropped"},
    [DROP_RUNT] = {"runt", "no whole Ethernet header"},
    [DROP_NO_MATCH] = {"no_match", "no flow entry covers the packet"},
    [DROP_NO_OUTPUT] = {"no_output", "the flow entries that match send it nowhere"},
    [DROP_METER] = {"meter", "over its committed rate"},
    [DROP_NO_LIVE_BUCKET] = {"no_live_bucket", "every path of its group is down"},
    [DROP_NO_SUCH_PORT] = {"no_such_port", "output to a port that is not there"},
    [DROP_SAME_PORT] = {"same_port", "output to the port it came from"},
    [DROP_PORT_DOWN] = {"port_down", "output port is down"},
    [DROP_PORT_CONFIG] = {"port_config", "the port is configured not to receive or forward"},
    [DROP_TTL_EXPIRED] = {"ttl_expired", "its TTL would become zero"},
    [DROP_NO_ROOM] = {"no_room", "more headers pushed than there is room for"},
    [DROP_NO_BUFFER] = {"no_buffer", "no packet buffer left"},
    [DROP_TOO_LARGE] = {"too_large", "larger than the output port can send"},
    [DROP_QUEUE_FULL] = {"queue_full", "the egress queue of its class is full"},
    [DROP_SEND_FAILED] = {"send_failed", "the kernel refused to send it"},
    [DROP_DEPTH] = {"depth", "groups nested too deeply"},
    [DROP_PUNT_LIMIT] = {"punt_limit", "for the controller, over the packet-in limit"},
    [DROP_PUNT_FULL] = {"punt_full", "for the controller, which does not keep up"},
    [DROP_LOCAL_FULL] = {"local_full", "for the node itself, which does not keep up"},
    [DROP_HANDOVER_FULL] = {"handover_full",
                            "for a port of another packet thread, which does not keep up"},
    [DROP_DUPLICATE] = {"duplicate", "the second copy of what came by another path"},
    [DROP_NO_SEQUENCE] = {"no_sequence", "it has no sequence number where it needs one"},
    [DROP_PTP] = {"ptp", "a PTP message that the node's transparent clock does not forward"},
};

void
datapath_set_lanes(struct datapath *dp, unsigned n)
{
    free(dp->lanes);
    dp->n_lanes = n;
    if (posix_memalign((void **)&dp->lanes, 64, n * sizeof *dp->lanes))
        abort();
    memset(dp->lanes, 0, n * sizeof *dp->lanes);
    for (unsigned i = 0; i < N_TABLES; i++)
        dp->tables[i].n_lanes = n;
}

struct datapath *
datapath_new(const struct limits *limits)
{
    struct datapath *dp = NULL;
    if (posix_memalign((void **)&dp, 64, sizeof *dp))
        abort();
    memset(dp, 0, sizeof *dp);
    dp->limits = *limits;
    qsbr_init(&dp->qsbr);
    atomic_init(&dp->generation, 1);
    for (unsigned i = 0; i < N_TABLES; i++)
        flow_table_init(&dp->tables[i], (uint8_t)i, &dp->qsbr);
    datapath_set_lanes(dp, 1);
    idmap_init(&dp->groups, &dp->qsbr);
    idmap_init(&dp->meters, &dp->qsbr);
    idmap_init(&dp->ports, &dp->qsbr);
    dp->redundancy = redundancy_new(&dp->qsbr);
    return dp;
}

static void
free_group(void *arg UNUSED, void *object)
{
    group_entry_free(object);
}

static void
free_port(void *arg, void *object)
{
    struct datapath *dp = arg;
    struct edge_port *port = object;
    free(atomic_load_explicit(&port->scheduling, memory_order_relaxed));
    if (slots_has(dp->shared.ports, port))
        slots_give(dp->shared.ports, port);
    else
        free(port);
}

static void
free_meter(void *arg UNUSED, void *object)
{
    meter_entry_free(object);
}

void
datapath_share(struct datapath *dp, const struct datapath_shared *shared)
{
    dp->shared = *shared;
    datapath_raise_generation(dp);
}

void
datapath_collect(struct datapath *dp)
{
    if (dp->shared.collect)
        dp->shared.collect(dp->shared.arg);
}

void
datapath_raise_generation(struct datapath *dp)
{
    uint64_t generation = atomic_fetch_add_explicit(&dp->generation, 1, memory_order_release) + 1;
    if (dp->shared.generation)
        __atomic_store_n((uint64_t *)dp->shared.generation, generation, __ATOMIC_SEQ_CST);
}

void
datapath_free(struct datapath *dp)
{
    if (!dp)
        return;
    if (dp->open)
        datapath_rollback(dp);
    qsbr_fini(&dp->qsbr); /* what waits lies in the tables' memory */
    for (unsigned i = 0; i < N_TABLES; i++)
        flow_table_fini(&dp->tables[i]);
    idmap_each(&dp->groups, free_group, NULL);
    idmap_each(&dp->meters, free_meter, NULL);
    idmap_each(&dp->ports, free_port, dp);
    redundancy_free(dp->redundancy);
    idmap_fini(&dp->groups);
    idmap_fini(&dp->meters);
    idmap_fini(&dp->ports);
    expiry_fini(&dp->expiring);
    free(dp->log);
    free(dp->lanes);
    free(dp);
}

struct edge_port *
datapath_add_port(struct datapath *dp, uint32_t number, const char *name, const struct mac *mac,
                  nsec_t now)
{
    struct edge_port *port = slots_take(dp->shared.ports);
    if (!port)
        port = xcalloc(1, sizeof *port);
    port->number = number;
    snprintf(port->name, sizeof port->name, "%s", name);
    port->mac = *mac;
    atomic_init(&port->mtu, UINT32_MAX);
    port->created = now;
    idmap_put(&dp->ports, port);
    if (number < MAX_PORTS)
        atomic_store_explicit(&dp->low_ports[number], port, memory_order_release);
    datapath_raise_generation(dp);
    return port;
}

struct table_counts
datapath_table_counts(const struct datapath *dp, unsigned table)
{
    struct table_counts sum = dp->inherited[table];
    uint64_t misses = 0;
    for (uint32_t i = 0; i < dp->n_lanes; i++) { /* a miss is counted after its lookup */
        misses += counter_get(&dp->lanes[i].tables[table].misses);
        uint64_t lookups = counter_get(&dp->lanes[i].tables[table].lookups);
        sum.lookups += lookups;
        sum.matches += lookups;
    }
    sum.matches -= misses;
    if (dp->shared.tables) {
        sum.lookups += dp->shared.tables[table].lookups;
        sum.matches += dp->shared.tables[table].matches;
    }
    return sum;
}

void
datapath_schedule_port(struct datapath *dp, struct edge_port *port,
                       const struct scheduler_config *config)
{
    struct scheduler_config *next = xmalloc(sizeof *next), *old;
    *next = *config;
    next->version = port_scheduling(port).version + 1;
    old = atomic_exchange_explicit(&port->scheduling, next, memory_order_acq_rel);
    datapath_raise_generation(dp); /* the kernel carries out only what leaves at once */
    if (old)
        qsbr_defer(&dp->qsbr, free, old);
}

void
datapath_barrier(struct datapath *dp)
{
    qsbr_synchronize(&dp->qsbr);
}

void
count_references(struct datapath *dp, const struct entry *entry, int by)
{
    const struct instructions *in = atomic_load_explicit(&entry->instructions,
                                                         memory_order_relaxed);
    for (uint32_t i = 0; i < (uint32_t)in->n_apply + in->n_write; i++) {
        struct group_entry *group;
        if (in->actions[i].type == ACTION_GROUP &&
            (group = idmap_get(&dp->groups, in->actions[i].id)))
            group->n_flows = (uint32_t)((int)group->n_flows + by);
        redundancy_count(dp->redundancy, &in->actions[i], by);
    }
    struct meter_entry *meter = in->meter_id ? idmap_get(&dp->meters, in->meter_id) : NULL;
    if (meter)
        meter->n_flows = (uint32_t)((int)meter->n_flows + by);
}

void
track_expiry(struct datapath *dp, struct entry *entry, bool wanted)
{
    bool tracked = entry->expiry_slot != UINT32_MAX;
    wanted &= entry->idle_timeout || entry->hard_timeout;
    if (wanted && !tracked)
        expiry_add(&dp->expiring, entry);
    else if (!wanted)
        expiry_remove(&dp->expiring, entry);
}

void
datapath_configure_port(struct datapath *dp, struct edge_port *port, uint32_t config, uint32_t mask)
{
    bool opened = transaction_start(dp);
    uint32_t before = atomic_load_explicit(&port->config, memory_order_relaxed);
    uint32_t after = (before & ~mask) | (config & mask);
    if (after != before) {
        struct change *c = datapath_note(dp, CHANGE_CONFIGURE_PORT, port, NULL);
        c->config = before;
        c->live = atomic_load_explicit(&port->live, memory_order_relaxed);
        port_set_config(port, after, true);
    }
    transaction_end(dp, opened, DP_OK, 0);
}

static void
remove_entry(struct datapath *dp, struct entry *entry, enum flow_removed_reason reason)
{
    struct change *c = datapath_note(dp, CHANGE_REMOVE_FLOW, entry, NULL);
    c->event = FLOW_REMOVED;
    c->reason = (uint8_t)reason;
    count_references(dp, entry, -1);
    track_expiry(dp, entry, false);
    flow_table_remove(&dp->tables[entry->table_id], entry);
    dp->n_flows--;
}

static bool
uses_port(const struct instructions *in, uint32_t port)
{
    for (uint32_t i = 0; i < (uint32_t)in->n_apply + in->n_write; i++) {
        if (in->actions[i].type == ACTION_OUTPUT && in->actions[i].id == port)
            return true;
    }
    return false;
}

bool
instructions_use_group(const struct instructions *in, uint32_t group)
{
    for (uint32_t i = 0; i < (uint32_t)in->n_apply + in->n_write; i++) {
        if (in->actions[i].type == ACTION_GROUP && in->actions[i].id == group)
            return true;
    }
    return false;
}

/* Does a request select this entry, apart from its match? */
static bool
passes_filter(const struct flow_request *r, const struct entry *entry)
{
    const struct instructions *in = atomic_load_explicit(&entry->instructions,
                                                         memory_order_relaxed);
    return !((entry->cookie ^ r->flow->cookie) & r->cookie_mask) &&
           (r->out_port == PORT_ANY || uses_port(in, r->out_port)) &&
           (r->out_group == GROUP_ANY || instructions_use_group(in, r->out_group));
}

struct selection {
    struct datapath *dp;
    const struct flow_request *request;
    void (*visit)(void *arg, struct entry *);
    void *arg;
};

static bool
select_entry(void *arg, struct entry *entry)
{
    struct selection *s = arg;
    struct match match;
    entry_match(entry, &match);
    if (match_contains(&s->request->flow->match, &match) && passes_filter(s->request, entry))
        s->visit(s->arg, entry);
    return true;
}

/* Visits what a request selects: by exact identity if it is strict, by containment otherwise. */
static void
select_entries(struct datapath *dp, const struct flow_request *r, bool strict,
               void (*visit)(void *arg, struct entry *), void *arg)
{
    struct selection s = {dp, r, visit, arg};
    unsigned first = r->flow->table_id, last = first;
    if (first == TABLE_ALL) {
        first = 0;
        last = N_TABLES - 1;
    }
    for (unsigned i = first; i <= last; i++) {
        if (!dp->tables[i].n_entries)
            continue;
        if (!strict) {
            flow_table_each(&dp->tables[i], select_entry, &s);
            continue;
        }
        struct entry *e = flow_table_find(&dp->tables[i], r->flow->priority, &r->flow->match);
        if (e && passes_filter(r, e))
            visit(arg, e);
    }
}

bool
datapath_flow_selected(const struct flow_request *filter, const struct entry *entry)
{
    struct match match;
    if (filter->flow->table_id != TABLE_ALL && filter->flow->table_id != entry->table_id)
        return false;
    entry_match(entry, &match);
    return match_contains(&filter->flow->match, &match) && passes_filter(filter, entry);
}

bool
datapath_scan(const struct datapath *dp, struct datapath_cursor *at, unsigned last,
              uint32_t n_buckets, void (*visit)(void *arg, struct entry *), void *arg)
{
    for (; at->table <= last && at->table < N_TABLES; at->table++) {
        if (!dp->tables[at->table].n_entries)
            at->at = (struct flow_cursor){0, 0};
        else if (flow_table_scan(&dp->tables[at->table], &at->at, n_buckets, visit, arg))
            return true;
        at->at = (struct flow_cursor){0, 0};
    }
    return false;
}

void
datapath_each_flow(struct datapath *dp, const struct flow_request *filter,
                   void (*visit)(void *arg, struct entry *), void *arg)
{
    if (filter->flow->table_id < N_TABLES || filter->flow->table_id == TABLE_ALL)
        select_entries(dp, filter, false, visit, arg);
}

static struct dp_error
check_instructions(const struct datapath *dp, const struct flow *flow)
{
    struct dp_error e = DP_OK;
    if (flow->has_goto && (flow->goto_table <= flow->table_id || flow->goto_table >= N_TABLES))
        return failed(BAD_INSTRUCTION, BIC_BAD_TABLE_ID);
    if (flow->meter_id && !idmap_get(&dp->meters, flow->meter_id))
        return failed(METER_MOD_FAILED, MMFC_UNKNOWN_METER);
    if (flow->has_apply)
        e = datapath_check_actions(dp, &flow->apply, &flow->match);
    if (!dp_failed(e) && flow->has_write)
        /* Executed at the end, when earlier tables may have changed the headers. */
        e = datapath_check_actions(dp, &flow->write,
                                   flow->has_goto || flow->table_id ? NULL : &flow->match);
    return e;
}

/* Gives an entry the flow's instructions; what it was is noted. */
static void
replace_instructions(struct datapath *dp, struct entry *entry, const struct flow *flow,
                     enum flow_event event)
{
    struct flow_before *before = xcalloc(1, sizeof *before);
    datapath_note(dp, CHANGE_REPLACE_FLOW, entry, before)->event = (uint8_t)event;
    count_references(dp, entry, -1);
    *before = (struct flow_before){
        .instructions = entry_replace(entry, instructions_new(flow)),
        .cookie = entry->cookie,
        .created = entry->created,
        .flags = entry->flags,
        .idle_timeout = entry->idle_timeout,
        .hard_timeout = entry->hard_timeout,
    };
    count_references(dp, entry, 1);
    if (flow->flags & FLOW_RESET_COUNTS) {
        before->zero = counters_reset(&entry->counters);
        before->was_reset = true;
    }
}

static void
replace_entry(struct datapath *dp, struct entry *entry, const struct flow *flow, nsec_t now)
{
    replace_instructions(dp, entry, flow, FLOW_ADDED);
    track_expiry(dp, entry, false);
    entry->cookie = flow->cookie;
    entry->flags = flow->flags;
    entry->idle_timeout = flow->idle_timeout;
    entry->hard_timeout = flow->hard_timeout;
    entry->created = now;
    track_expiry(dp, entry, true);
}

static struct dp_error
add_flow(struct datapath *dp, const struct flow *flow, nsec_t now)
{
    struct flow_table *table = &dp->tables[flow->table_id];
    struct entry *entry = flow_table_find(table, flow->priority, &flow->match);
    if (flow->flags & FLOW_CHECK_OVERLAP &&
        flow_table_overlapping(table, flow->priority, &flow->match))
        return failed(FLOW_MOD_FAILED, FMFC_OVERLAP);
    if (!entry && dp->n_flows >= dp->limits.flows)
        return failed(FLOW_MOD_FAILED, FMFC_TABLE_FULL);
    if (entry) {
        replace_entry(dp, entry, flow, now);
        return DP_OK;
    }
    entry = flow_table_insert(table, flow, now);
    counters_share(&entry->counters, dp->shared.counters);
    datapath_note(dp, CHANGE_ADD_FLOW, entry, NULL)->event = FLOW_ADDED;
    dp->n_flows++;
    count_references(dp, entry, 1);
    track_expiry(dp, entry, true);
    return DP_OK;
}

struct modification {
    struct datapath *dp;
    const struct flow *flow;
};

static void
modify_visited(void *arg, struct entry *entry)
{
    struct modification *m = arg;
    replace_instructions(m->dp, entry, m->flow, FLOW_MODIFIED);
}

static void
remove_visited(void *arg, struct entry *entry)
{
    remove_entry(arg, entry, REMOVED_DELETE);
}

static struct dp_error
change_flows(struct datapath *dp, const struct flow_request *r, nsec_t now)
{
    bool removal = r->command == FLOW_DELETE || r->command == FLOW_DELETE_STRICT;
    bool strict = r->command == FLOW_MODIFY_STRICT || r->command == FLOW_DELETE_STRICT;
    if (r->flow->table_id >= N_TABLES && !(removal && r->flow->table_id == TABLE_ALL))
        return failed(FLOW_MOD_FAILED, FMFC_BAD_TABLE_ID);
    if (removal) {
        select_entries(dp, r, strict, remove_visited, dp);
        return DP_OK;
    }
    struct dp_error e = check_instructions(dp, r->flow);
    if (dp_failed(e))
        return e;
    if (r->command == FLOW_ADD)
        return add_flow(dp, r->flow, now);
    struct modification m = {dp, r->flow};
    struct flow_request any_port = *r; /* out_port and out_group filter deletes only */
    any_port.out_port = PORT_ANY;
    any_port.out_group = GROUP_ANY;
    select_entries(dp, &any_port, strict, modify_visited, &m);
    return DP_OK;
}

struct dp_error
datapath_flow_mod(struct datapath *dp, const struct flow_request *r, nsec_t now)
{
    bool opened = transaction_start(dp);
    return transaction_end(dp, opened, change_flows(dp, r, now), now);
}

static bool
is_due(const struct entry *e, nsec_t now, enum flow_removed_reason *reason)
{
    nsec_t used = counters_get(&e->counters).used;
    if (e->hard_timeout && now - e->created >= e->hard_timeout * NSEC_PER_SEC) {
        *reason = REMOVED_HARD;
        return true;
    }
    *reason = REMOVED_IDLE;
    return e->idle_timeout && now - MAX(used, e->created) >= e->idle_timeout * NSEC_PER_SEC;
}

bool
datapath_tick(struct datapath *dp, nsec_t now)
{
    struct entry *entry = NULL;
    bool opened = transaction_start(dp);
    for (unsigned n = 0; n < EXPIRED_PER_TICK && (entry = expiry_first(&dp->expiring, now)); n++) {
        enum flow_removed_reason reason;
        if (is_due(entry, now, &reason))
            remove_entry(dp, entry, reason);
        else
            expiry_put_off_first(&dp->expiring);
    }
    transaction_end(dp, opened, DP_OK, now);
    qsbr_reclaim(&dp->qsbr);
    return entry && expiry_first(&dp->expiring, now);
}

struct user_search {
    struct datapath *dp;
    bool (*uses)(const struct instructions *, uint32_t id);
    uint32_t id;
    enum flow_removed_reason reason;
};

static bool
visit_user(void *arg, struct entry *entry)
{
    struct user_search *s = arg;
    if (s->uses(atomic_load_explicit(&entry->instructions, memory_order_relaxed), s->id))
        remove_entry(s->dp, entry, s->reason);
    return true;
}

void
datapath_remove_users(struct datapath *dp, bool (*uses)(const struct instructions *, uint32_t),
                      uint32_t id, enum flow_removed_reason reason)
{
    struct user_search s = {dp, uses, id, reason};
    for (unsigned i = 0; i < N_TABLES; i++) {
        if (dp->tables[i].n_entries)
            flow_table_each(&dp->tables[i], visit_user, &s);
    }
}
