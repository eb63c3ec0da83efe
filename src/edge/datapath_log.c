/* datapath_log.c - transactions: what was changed, in order, and how to take it back.
 *
 * A row of the table below says for each type of change how to undo it, what to tell and to free
 * when it is committed, and what to free when it was undone. Undoing runs backwards, so every step
 * finds the tables as they were right after it was made. Memory goes in two steps: everything is
 * unpublished, the generation is raised so that no cached program leads there any more, and then
 * qsbr gets it. */
#include "edge/datapath_internal.h"

#include "base/alloc.h"

#include <stdlib.h>

struct change *
datapath_note(struct datapath *dp, enum change_type type, void *object, void *before)
{
    GROW(dp->log, dp->n_log, dp->log_capacity);
    struct change *c = &dp->log[dp->n_log++];
    *c = (struct change){.type = (uint8_t)type, .tag = dp->tag, .object = object, .before = before};
    return c;
}

/* ---- Flows ---- */

/* Makes the entry the one changed last. */
static void
list_entry(struct datapath *dp, struct entry *e)
{
    e->changed = ++dp->n_changes;
    e->older = dp->newest;
    e->newer = NULL;
    if (dp->newest)
        dp->newest->newer = e;
    else
        dp->oldest = e;
    dp->newest = e;
}

static void
unlist_entry(struct datapath *dp, struct entry *e)
{
    if (e->older)
        e->older->newer = e->newer;
    else
        dp->oldest = e->newer;
    if (e->newer)
        e->newer->older = e->older;
    else
        dp->newest = e->older;
}

static void
tell_flow(struct datapath *dp, const struct change *c, nsec_t now)
{
    const struct entry *entry = c->object;
    const struct traffic traffic = counters_get(&entry->counters);
    struct flow flow;
    if (!dp->hooks.flow)
        return;
    entry_flow(entry, &flow);
    struct flow_notice notice = {
        .event = c->event,
        .reason = c->reason,
        .tag = c->tag,
        .entry = entry,
        .flow = &flow,
        .packets = traffic.packets,
        .octets = traffic.octets,
        .duration = now - entry->created,
    };
    dp->hooks.flow(dp->hooks.arg, &notice);
}

static void
undo_add_flow(struct datapath *dp, struct change *c)
{
    struct entry *entry = c->object;
    count_references(dp, entry, -1);
    track_expiry(dp, entry, false);
    flow_table_remove(&dp->tables[entry->table_id], entry);
    dp->n_flows--;
}

static void
commit_add_flow(struct datapath *dp, struct change *c, nsec_t now)
{
    struct entry *entry = c->object;
    list_entry(dp, entry);
    entry->added = entry->changed;
    tell_flow(dp, c, now);
}

static void
undo_replace_flow(struct datapath *dp, struct change *c)
{
    struct entry *entry = c->object;
    struct flow_before *before = c->before;
    count_references(dp, entry, -1);
    before->instructions = entry_replace(entry, before->instructions);
    count_references(dp, entry, 1);
    track_expiry(dp, entry, false);
    entry->cookie = before->cookie;
    entry->flags = before->flags;
    entry->idle_timeout = before->idle_timeout;
    entry->hard_timeout = before->hard_timeout;
    entry->created = before->created;
    track_expiry(dp, entry, true);
    if (before->was_reset)
        counters_undo_reset(&entry->counters, &before->zero);
}

static void
free_before(struct datapath *dp, struct change *c)
{
    struct flow_before *before = c->before;
    qsbr_defer(&dp->qsbr, free, before->instructions);
    free(before);
}

static void
commit_replace_flow(struct datapath *dp, struct change *c, nsec_t now)
{
    struct entry *entry = c->object;
    unlist_entry(dp, entry);
    list_entry(dp, entry);
    tell_flow(dp, c, now);
    free_before(dp, c);
}

static void
undo_remove_flow(struct datapath *dp, struct change *c)
{
    struct entry *entry = c->object;
    flow_table_restore(&dp->tables[entry->table_id], entry);
    count_references(dp, entry, 1);
    track_expiry(dp, entry, true);
    dp->n_flows++;
}

static void
free_flow(struct datapath *dp, struct change *c)
{
    struct entry *entry = c->object;
    flow_table_release(&dp->tables[entry->table_id], entry);
}

static void
commit_remove_flow(struct datapath *dp, struct change *c, nsec_t now)
{
    tell_flow(dp, c, now);
    unlist_entry(dp, c->object);
    free_flow(dp, c);
}

/* ---- Groups ---- */

static void
undo_add_group(struct datapath *dp, struct change *c)
{
    struct group_entry *group = c->object;
    count_chained(dp, atomic_load_explicit(&group->body, memory_order_relaxed), -1);
    idmap_remove(&dp->groups, group->group_id);
}

static void
free_group(struct datapath *dp, struct change *c)
{
    qsbr_defer(&dp->qsbr, group_entry_free, c->object);
}

static void
undo_modify_group(struct datapath *dp, struct change *c)
{
    struct group_entry *group = c->object;
    struct group_body *new = atomic_load_explicit(&group->body, memory_order_relaxed);
    count_chained(dp, c->before, 1);
    count_chained(dp, new, -1);
    atomic_store_explicit(&group->body, c->before, memory_order_release);
    c->before = new;
}

static void
free_body(struct datapath *dp, struct change *c)
{
    qsbr_defer(&dp->qsbr, group_body_free, c->before);
}

static void
commit_modify_group(struct datapath *dp, struct change *c, nsec_t now UNUSED)
{
    free_body(dp, c);
}

static void
undo_remove_group(struct datapath *dp, struct change *c)
{
    struct group_entry *group = c->object;
    idmap_put(&dp->groups, group);
    count_chained(dp, atomic_load_explicit(&group->body, memory_order_relaxed), 1);
}

static void
commit_remove_group(struct datapath *dp, struct change *c, nsec_t now UNUSED)
{
    free_group(dp, c);
}

/* ---- Meters ---- */

static void
undo_add_meter(struct datapath *dp, struct change *c)
{
    idmap_remove(&dp->meters, ((struct meter_entry *)c->object)->meter_id);
}

static void
free_meter(struct datapath *dp, struct change *c)
{
    qsbr_defer(&dp->qsbr, meter_entry_free, c->object);
}

static void
undo_replace_meter(struct datapath *dp, struct change *c)
{
    idmap_replace(&dp->meters, c->before);
}

/* What passed the old one counts on in the new one; its bands are new. */
static void
commit_replace_meter(struct datapath *dp, struct change *c, nsec_t now UNUSED)
{
    struct meter_entry *new = c->object, *old = c->before;
    qsbr_synchronize(&dp->qsbr);
    counter_add(&new->packets, counter_get(&old->packets));
    counter_add(&new->octets, counter_get(&old->octets));
    meter_entry_free(old);
}

static void
undo_remove_meter(struct datapath *dp, struct change *c)
{
    idmap_put(&dp->meters, c->object);
}

static void
commit_remove_meter(struct datapath *dp, struct change *c, nsec_t now UNUSED)
{
    free_meter(dp, c);
}

/* ---- Ports ---- */

void
port_set_config(struct edge_port *port, uint32_t config, bool live)
{
    uint32_t before = atomic_load_explicit(&port->config, memory_order_relaxed);
    atomic_store_explicit(&port->config, config, memory_order_seq_cst);
    if (!((before ^ config) & PORT_CONFIG_DOWN))
        return;
    /* The worker, when it makes a port live, looks at the config after that. */
    bool up = atomic_load_explicit(&port->up, memory_order_seq_cst);
    atomic_store_explicit(&port->live, live && up && !(config & PORT_CONFIG_DOWN),
                          memory_order_seq_cst);
}

static void
undo_configure_port(struct datapath *dp UNUSED, struct change *c)
{
    port_set_config(c->object, c->config, c->live);
}

static void
commit_configure_port(struct datapath *dp, struct change *c, nsec_t now UNUSED)
{
    if (dp->hooks.port)
        dp->hooks.port(dp->hooks.arg, c->object);
}

/* ---- Transactions ---- */

static void
nothing_to_free(struct datapath *dp UNUSED, struct change *c UNUSED)
{
}

static void
nothing_to_tell(struct datapath *dp UNUSED, struct change *c UNUSED, nsec_t now UNUSED)
{
}

static const struct {
    void (*undo)(struct datapath *, struct change *);
    void (*undone)(struct datapath *, struct change *);
    void (*commit)(struct datapath *, struct change *, nsec_t now);
} change_table[CHANGE_MAX] = {
    [CHANGE_ADD_FLOW] = {undo_add_flow, free_flow, commit_add_flow},
    [CHANGE_REPLACE_FLOW] = {undo_replace_flow, free_before, commit_replace_flow},
    [CHANGE_REMOVE_FLOW] = {undo_remove_flow, nothing_to_free, commit_remove_flow},
    [CHANGE_ADD_GROUP] = {undo_add_group, free_group, nothing_to_tell},
    [CHANGE_MODIFY_GROUP] = {undo_modify_group, free_body, commit_modify_group},
    [CHANGE_REMOVE_GROUP] = {undo_remove_group, nothing_to_free, commit_remove_group},
    [CHANGE_ADD_METER] = {undo_add_meter, free_meter, nothing_to_tell},
    [CHANGE_REPLACE_METER] = {undo_replace_meter, free_meter, commit_replace_meter},
    [CHANGE_REMOVE_METER] = {undo_remove_meter, nothing_to_free, commit_remove_meter},
    [CHANGE_CONFIGURE_PORT] = {undo_configure_port, nothing_to_free, commit_configure_port},
};

#define LOG_KEEP 1024u /* changes the log keeps room for */

static void
close_transaction(struct datapath *dp)
{
    dp->open = false;
    dp->n_log = 0;
    if (dp->log_capacity > LOG_KEEP) {
        free(dp->log);
        dp->log = NULL;
        dp->log_capacity = 0;
    }
}

/* From here on packets obey what was done, or undone. */
static void
take_effect(struct datapath *dp)
{
    if (dp->n_log)
        datapath_raise_generation(dp);
    if (dp->exclusive)
        qsbr_resume(&dp->qsbr);
    dp->exclusive = false;
}

void
datapath_begin(struct datapath *dp, bool exclusive)
{
    dp->open = true;
    dp->exclusive = exclusive;
    if (exclusive)
        qsbr_stop(&dp->qsbr);
}

void
datapath_commit(struct datapath *dp, nsec_t now)
{
    bool removal = false;
    take_effect(dp);
    for (uint32_t i = 0; i < dp->n_log; i++)
        removal |= dp->log[i].type == CHANGE_REMOVE_FLOW;
    if (removal && dp->hooks.flow) /* what is told of their counters is final */
        qsbr_synchronize(&dp->qsbr);
    for (uint32_t i = 0; i < dp->n_log; i++)
        change_table[dp->log[i].type].commit(dp, &dp->log[i], now);
    close_transaction(dp);
}

void
datapath_rollback(struct datapath *dp)
{
    if (dp->n_log) /* nobody stands on an entry that is to be restored */
        qsbr_synchronize(&dp->qsbr);
    for (uint32_t i = dp->n_log; i-- > 0;)
        change_table[dp->log[i].type].undo(dp, &dp->log[i]);
    take_effect(dp);
    for (uint32_t i = 0; i < dp->n_log; i++)
        change_table[dp->log[i].type].undone(dp, &dp->log[i]);
    close_transaction(dp);
}

bool
transaction_start(struct datapath *dp)
{
    bool opened = !dp->open;
    dp->open = true;
    return opened;
}

struct dp_error
transaction_end(struct datapath *dp, bool opened, struct dp_error e, nsec_t now)
{
    if (opened && dp_failed(e))
        datapath_rollback(dp);
    else if (opened)
        datapath_commit(dp, now);
    return e;
}
