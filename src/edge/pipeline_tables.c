#include "edge/pipeline_private.h"

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
                pipeline_action(run, set->list[k]);
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
    pipeline_record(run, (struct op){OP_COUNT, run->table_id, 0, 0, entry});
    if (!run->muted)
        pipeline_count(run, entry);
    if (in->meter_id) {
        struct meter_entry *meter = idmap_get(&run->pl->dp->meters, in->meter_id);
        for (uint32_t i = 0; meter && i < meter->n_bands; i++)
            run->cacheable &= meter->bands[i].type == BAND_DROP;
        if (meter) {
            pipeline_record(run, (struct op){OP_METER, run->table_id, 0, 0, meter});
            if (!run->muted)
                pipeline_meter(run, meter);
        }
    }
    for (uint32_t i = 0; i < in->n_apply && !run->stopped; i++)
        pipeline_action(run, &in->actions[i]);
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

void
pipeline_through_tables(struct run *run)
{
    struct action_set set = {.n = 0};
    for (int table = 0; table >= 0 && !run->stopped;) {
        run->table_id = (uint8_t)table;
        run->cacheable &= !run->reparsed; /* the key now says more than the cache's key did */
        struct entry *entry = lookup(run, &run->pl->dp->tables[table]);
        if (!entry) {
            pipeline_record(run, (struct op){OP_MISS, (uint8_t)table, 0, 0, NULL});
            if (!run->muted)
                pipeline_drop(run, DROP_NO_MATCH);
            return; /* section 5.4: without a table-miss entry the packet is dropped */
        }
        table = do_entry(run, entry, &set);
    }
    if (!run->stopped)
        do_action_set(run, &set);
}
