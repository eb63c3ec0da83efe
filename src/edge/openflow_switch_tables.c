/* openflow_switch_tables.c - what the tables can do (section 7.3.5.5). All of them can do the same,
 * apart from the tables behind them, and none of it can be changed: a request that says what is
 * already so is accepted, and everything else refused. */
#include "edge/openflow_switch_private.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

static const uint8_t known_actions[] = {
    ACTION_OUTPUT,       ACTION_COPY_TTL_OUT, ACTION_COPY_TTL_IN, ACTION_SET_MPLS_TTL,
    ACTION_DEC_MPLS_TTL, ACTION_PUSH_VLAN,    ACTION_POP_VLAN,    ACTION_PUSH_MPLS,
    ACTION_POP_MPLS,     ACTION_SET_QUEUE,    ACTION_GROUP,       ACTION_SET_NW_TTL,
    ACTION_DEC_NW_TTL,   ACTION_SET_FIELD,    ACTION_PUSH_PBB,    ACTION_POP_PBB,
};

bool
action_is_known(unsigned type)
{
    for (size_t i = 0; i < ARRAY_SIZE(known_actions); i++) {
        if (known_actions[i] == type)
            return true;
    }
    return false;
}

/* A property's list. */
struct list {
    struct openflow_capability items[N_TABLES];
    uint32_t n;
};

static void
add_number(struct list *list, uint32_t id)
{
    list->items[list->n++] = (struct openflow_capability){id, 0};
}

static void
list_instructions(struct list *list, unsigned table_id)
{
    for (uint32_t type = OFPIT_GOTO_TABLE; type <= OFPIT_METER; type++) {
        if (type != OFPIT_GOTO_TABLE || table_id + 1 < N_TABLES)
            add_number(list, type);
    }
}

static void
list_next_tables(struct list *list, unsigned table_id)
{
    for (uint32_t next = table_id + 1; next < N_TABLES; next++)
        add_number(list, next);
}

static void
list_actions(struct list *list, unsigned table_id UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(known_actions); i++)
        add_number(list, known_actions[i]);
}

static void
list_match(struct list *list, unsigned table_id UNUSED)
{
    for (unsigned f = 0; f < FIELD_MAX; f++) {
        if (field_info(f))
            list->items[list->n++] = openflow_field_capability(f, field_table[f].maskable);
    }
}

static void
list_wildcards(struct list *list, unsigned table_id UNUSED)
{
    for (unsigned f = 0; f < FIELD_MAX; f++) {
        if (field_info(f))
            list->items[list->n++] = openflow_field_capability(f, false);
    }
}

static void
list_set_field(struct list *list, unsigned table_id UNUSED)
{
    for (unsigned f = 0; f < FIELD_MAX; f++) {
        if (field_info(f) && field_table[f].settable)
            list->items[list->n++] = openflow_field_capability(f, false);
    }
}

/* What is said for table misses is left out: it is the same (section 7.3.5.5.2). */
static const struct {
    uint16_t type, miss;
    void (*list)(struct list *, unsigned table_id);
} properties[] = {
    {OFPTFPT_INSTRUCTIONS, OFPTFPT_INSTRUCTIONS_MISS, list_instructions},
    {OFPTFPT_NEXT_TABLES, OFPTFPT_NEXT_TABLES_MISS, list_next_tables},
    {OFPTFPT_WRITE_ACTIONS, OFPTFPT_WRITE_ACTIONS_MISS, list_actions},
    {OFPTFPT_APPLY_ACTIONS, OFPTFPT_APPLY_ACTIONS_MISS, list_actions},
    {OFPTFPT_MATCH, OFPTFPT_MATCH, list_match},
    {OFPTFPT_WILDCARDS, OFPTFPT_WILDCARDS, list_wildcards},
    {OFPTFPT_WRITE_SETFIELD, OFPTFPT_WRITE_SETFIELD_MISS, list_set_field},
    {OFPTFPT_APPLY_SETFIELD, OFPTFPT_APPLY_SETFIELD_MISS, list_set_field},
};

struct described {
    struct openflow_table_features features;
    struct openflow_table_property properties[ARRAY_SIZE(properties)];
    struct list lists[ARRAY_SIZE(properties)];
};

static void
describe_table(const struct openflow_channel *ch, unsigned table_id, struct described *d)
{
    memset(d, 0, sizeof *d);
    d->features = (struct openflow_table_features){
        .table_id = (uint8_t)table_id,
        .metadata_match = UINT64_MAX,
        .metadata_write = UINT64_MAX,
        .max_entries = ch->sw->dp->limits.flows,
        .n_properties = ARRAY_SIZE(properties),
        .properties = d->properties,
    };
    snprintf(d->features.name, sizeof d->features.name, "table%u", table_id);
    for (size_t i = 0; i < ARRAY_SIZE(properties); i++) {
        properties[i].list(&d->lists[i], table_id);
        d->properties[i] = (struct openflow_table_property){
            .type = properties[i].type, .n = d->lists[i].n, .list = d->lists[i].items};
    }
}

static void
free_described(void *item)
{
    /* The features are a copy of what is at the start of the description they point into. */
    struct openflow_table_features *features = item;
    free(CONTAINER_OF(features->properties, struct described, properties));
}

static void
reply_tables(struct openflow_channel *ch, uint32_t xid)
{
    struct reply reply;
    reply_begin(&reply, ch, OFPMP_TABLE_FEATURES, xid, sizeof(struct openflow_table_features));
    reply.fini = free_described;
    for (unsigned i = 0; i < N_TABLES; i++) {
        struct described *d = xmalloc(sizeof *d);
        describe_table(ch, i, d);
        *(struct openflow_table_features *)reply_add(&reply) = d->features;
    }
    reply_end(&reply, false);
}

/* ---- Requests to change them ---- */

static bool
contains(const struct list *list, const struct openflow_capability *c)
{
    for (uint32_t i = 0; i < list->n; i++) {
        if (list->items[i].id == c->id && list->items[i].experimenter == c->experimenter)
            return true;
    }
    return false;
}

/* The same list, in any order. */
static bool
same_list(const struct list *list, const struct openflow_table_property *asked)
{
    if (asked->n != list->n)
        return false;
    for (uint32_t i = 0; i < asked->n; i++) {
        if (!contains(list, &asked->list[i]))
            return false;
    }
    return true;
}

static bool
check_property(struct openflow_channel *ch, const struct described *d,
               const struct openflow_table_property *asked)
{
    for (size_t i = 0; i < ARRAY_SIZE(properties); i++) {
        if (asked->type != properties[i].type && asked->type != properties[i].miss)
            continue;
        return same_list(&d->lists[i], asked) ||
               refuse(ch, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_ARGUMENT);
    }
    return refuse(ch, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_TYPE);
}

static bool
check_table(struct openflow_channel *ch, const struct openflow_table_features *asked,
            struct described *d)
{
    if (asked->table_id >= N_TABLES)
        return refuse(ch, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_TABLE);
    describe_table(ch, asked->table_id, d);
    if (asked->metadata_match != d->features.metadata_match ||
        asked->metadata_write != d->features.metadata_write)
        return refuse(ch, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_METADATA);
    if (asked->config != d->features.config || asked->max_entries != d->features.max_entries ||
        strcmp(asked->name, d->features.name))
        return refuse(ch, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_ARGUMENT);
    uint32_t named = 0;
    for (uint32_t i = 0; i < asked->n_properties; i++) {
        if (!check_property(ch, d, &asked->properties[i]))
            return false;
        for (size_t k = 0; k < ARRAY_SIZE(properties); k++)
            named |= asked->properties[i].type == properties[k].type ? 1u << k : 0;
    }
    return named == (1u << ARRAY_SIZE(properties)) - 1 ||
           refuse(ch, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_ARGUMENT);
}

/* A table that is not named would go: all have to be there. */
static bool
check_tables(struct openflow_channel *ch, const struct openflow_multipart *asked)
{
    uint8_t named[N_TABLES] = {0};
    uint32_t n = 0;
    struct described *d = xmalloc(sizeof *d);
    bool good = true;
    for (uint32_t i = 0; i < asked->n && good; i++) {
        const struct openflow_table_features *table = &asked->table_features[i];
        good = check_table(ch, table, d);
        if (good && named[table->table_id]++)
            good = refuse(ch, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_TABLE);
        n++;
    }
    free(d);
    if (good && n != N_TABLES)
        return refuse(ch, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_EPERM);
    return good;
}

bool
handle_table_features(struct openflow_channel *ch, const struct openflow_message *m)
{
    if (m->multipart.n && ch->role == OFPCR_ROLE_SLAVE)
        return refuse(ch, OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE);
    if (m->multipart.n && !check_tables(ch, &m->multipart))
        return false;
    reply_tables(ch, m->xid);
    return true;
}
