/* group.c - groups (OpenFlow 1.3.5 sections 7.3.4.2, 7.3.5.9 to 7.3.5.11). */
#include "proto/openflow/wire.h"

static const struct wire_field bucket_fields[] = {
    WIRE_LENGTH_FIELD,
    WIRE(struct bucket, weight, NULL, WIRE_DEC),
    WIRE(struct bucket, watch_port, NULL, WIRE_PORT),
    WIRE(struct bucket, watch_group, NULL, WIRE_HEX),
    WIRE_SKIP(4),
};

static void
decode_bucket(struct decoder *d, struct cursor *c, void *object)
{
    struct bucket *bucket = object;
    decode_actions(d, c, &bucket->actions);
}

static void
encode_bucket(struct encoder *e, const void *object)
{
    const struct bucket *bucket = object;
    encode_actions(e, &bucket->actions);
}

static const struct openflow_layout bucket_layout = {
    LAYOUT_FIELDS(bucket_fields), .length_end = 2,         .size = sizeof(struct bucket),
    .decode = decode_bucket,      .encode = encode_bucket,
};

static void
decode_buckets(struct decoder *d, struct cursor *c, struct group *group)
{
    group->buckets = layout_decode_list(&bucket_layout, d, c, &group->n_buckets,
                                        OFPET_GROUP_MOD_FAILED, OFPGMFC_BAD_BUCKET);
    if (c->err == ERR_LIMIT)
        decode_blame(d, c, OFPET_GROUP_MOD_FAILED, OFPGMFC_OUT_OF_BUCKETS);
}

static void
encode_buckets(struct encoder *e, const struct group *group)
{
    for (uint32_t i = 0; i < group->n_buckets; i++)
        layout_encode(&bucket_layout, e, &group->buckets[i]);
}

static const struct wire_field group_mod_fields[] = {
    WIRE(struct openflow_group_mod, command, NULL, WIRE_DEC),
    WIRE(struct openflow_group_mod, group.type, NULL, WIRE_DEC),
    WIRE_SKIP(1),
    WIRE(struct openflow_group_mod, group.group_id, NULL, WIRE_HEX),
};

/* What the fixed part alone tells; -1: nothing wrong. */
static int
group_mod_flaw(const struct openflow_group_mod *gm)
{
    if (gm->command > OFPGC_DELETE)
        return OFPGMFC_BAD_COMMAND;
    if (gm->group.type > GROUP_TYPE_FF)
        return OFPGMFC_BAD_TYPE;
    bool all = gm->command == OFPGC_DELETE && gm->group.group_id == GROUP_ALL;
    if (gm->group.group_id > GROUP_MAX && !all)
        return OFPGMFC_INVALID_GROUP;
    return -1;
}

/* What the buckets tell (section 5.6.1 and 7.3.4.2); -1: nothing wrong. */
static int
buckets_flaw(const struct group *group)
{
    if (group->type == GROUP_TYPE_INDIRECT && group->n_buckets != 1)
        return OFPGMFC_INVALID_GROUP;
    for (uint32_t i = 0; i < group->n_buckets; i++) {
        const struct bucket *b = &group->buckets[i];
        if (group->type != GROUP_TYPE_SELECT && b->weight)
            return OFPGMFC_INVALID_GROUP;
        if (group->type == GROUP_TYPE_FF && b->watch_port == PORT_ANY &&
            b->watch_group == GROUP_ANY)
            return OFPGMFC_BAD_WATCH;
    }
    return -1;
}

static void
fail_group(struct decoder *d, struct cursor *c, size_t offset, int code, const char *what)
{
    if (code >= 0)
        decode_fail(d, c, offset, ERR_INVALID, OFPET_GROUP_MOD_FAILED, (uint16_t)code, what);
}

static void
decode_group_mod(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_group_mod *gm = object;
    size_t buckets = cursor_offset(c);
    fail_group(d, c, layout_offset(&group_mod_layout, c), group_mod_flaw(gm), "fixed part");
    decode_buckets(d, c, &gm->group);
    if (c->err)
        return;
    if (gm->command == OFPGC_DELETE) {
        fail_group(d, c, buckets, gm->group.n_buckets ? OFPGMFC_INVALID_GROUP : -1, "buckets");
        return;
    }
    fail_group(d, c, buckets, buckets_flaw(&gm->group), "buckets");
    for (uint32_t i = 0; i < gm->group.n_buckets; i++)
        check_actions(d, c, buckets, &gm->group.buckets[i].actions, false);
}

static void
encode_group_mod(struct encoder *e, const void *object)
{
    const struct openflow_group_mod *gm = object;
    encode_buckets(e, &gm->group);
}

static void
print_group_mod(const void *object, struct buf *out)
{
    const struct openflow_group_mod *gm = object;
    buf_str(out, " ");
    print_named(gm->command, wire_mod_commands, false, out);
    buf_str(out, " ");
    group_format(&gm->group, out);
}

const struct openflow_layout group_mod_layout = {
    LAYOUT_FIELDS(group_mod_fields),
    .decode = decode_group_mod,
    .encode = encode_group_mod,
    .print = print_group_mod,
};

static const struct wire_field group_id_fields[] = {
    {"group_id", 0, sizeof(uint32_t), WIRE_HEX, wire_group_names},
    WIRE_SKIP(4),
};

const struct openflow_layout group_id_layout = {LAYOUT_FIELDS(group_id_fields),
                                                .size = sizeof(uint32_t)};

static const struct wire_field counter_fields[] = {
    WIRE(struct openflow_counter, packets, NULL, WIRE_COUNT),
    WIRE(struct openflow_counter, octets, NULL, WIRE_COUNT),
};

static const struct openflow_layout counter_layout = {LAYOUT_FIELDS(counter_fields),
                                                      .size = sizeof(struct openflow_counter)};

void
decode_counters(struct decoder *d, struct cursor *c, struct openflow_counter **counters,
                uint32_t *n)
{
    *counters = layout_decode_list(&counter_layout, d, c, n, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN);
}

void
encode_counters(struct encoder *e, const struct openflow_counter *counters, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        layout_encode(&counter_layout, e, &counters[i]);
}

void
print_counters(const char *name, const struct openflow_counter *counters, uint32_t n,
               struct buf *out)
{
    for (uint32_t i = 0; i < n; i++)
        buf_printf(out, " %s%u=%llu/%llu", name, i, (unsigned long long)counters[i].packets,
                   (unsigned long long)counters[i].octets);
}

static const struct wire_field group_stats_fields[] = {
    WIRE_LENGTH_FIELD,
    WIRE_SKIP(2),
    WIRE_NAMED(struct openflow_group_stats, group_id, "group_id", WIRE_HEX, wire_group_names),
    WIRE(struct openflow_group_stats, ref_count, "ref_count", WIRE_DEC),
    WIRE_SKIP(4),
    WIRE(struct openflow_group_stats, packets, "packets", WIRE_COUNT),
    WIRE(struct openflow_group_stats, octets, "octets", WIRE_COUNT),
    WIRE(struct openflow_group_stats, duration_s, NULL, WIRE_DEC),
    WIRE(struct openflow_group_stats, duration_ns, "duration", WIRE_DURATION),
};

static void
decode_group_stats(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_group_stats *stats = object;
    decode_counters(d, c, &stats->buckets, &stats->n_buckets);
}

static void
encode_group_stats(struct encoder *e, const void *object)
{
    const struct openflow_group_stats *stats = object;
    encode_counters(e, stats->buckets, stats->n_buckets);
}

static void
print_group_stats(const void *object, struct buf *out)
{
    const struct openflow_group_stats *stats = object;
    fields_print(group_stats_fields, ARRAY_SIZE(group_stats_fields), stats, out);
    print_counters("bucket", stats->buckets, stats->n_buckets, out);
}

const struct openflow_layout group_stats_layout = {
    LAYOUT_FIELDS(group_stats_fields),
    .length_end = 2,
    .size = sizeof(struct openflow_group_stats),
    .decode = decode_group_stats,
    .encode = encode_group_stats,
    .print = print_group_stats,
};

static const struct wire_field group_desc_fields[] = {
    WIRE_LENGTH_FIELD,
    WIRE(struct openflow_group_desc, group.type, NULL, WIRE_DEC),
    WIRE_SKIP(1),
    WIRE(struct openflow_group_desc, group.group_id, NULL, WIRE_HEX),
};

static void
decode_group_desc(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_group_desc *desc = object;
    struct cursor part = cursor_split(c, cursor_left(c), "buckets");
    const uint8_t *start = part.pos;
    decode_buckets(d, &part, &desc->group);
    decode_end(d, c, &part, OFPET_GROUP_MOD_FAILED, OFPGMFC_BAD_BUCKET);
    if (!c->err && (desc->foreign.what = decode_take_foreign(d)))
        desc->foreign.effect = decode_copy(d, c, start, (size_t)(part.end - start));
}

static void
encode_group_desc(struct encoder *e, const void *object)
{
    const struct openflow_group_desc *desc = object;
    if (desc->foreign.what)
        encode_data(e, &desc->foreign.effect);
    else
        encode_buckets(e, &desc->group);
}

static void
print_group_desc(const void *object, struct buf *out)
{
    const struct openflow_group_desc *desc = object;
    buf_str(out, " ");
    group_format(&desc->group, out);
    print_foreign(&desc->foreign, out);
}

const struct openflow_layout group_desc_layout = {
    LAYOUT_FIELDS(group_desc_fields),
    .length_end = 2,
    .size = sizeof(struct openflow_group_desc),
    .decode = decode_group_desc,
    .encode = encode_group_desc,
    .print = print_group_desc,
};

static const struct wire_name group_types[] = {
    {1 << GROUP_TYPE_ALL, "ALL"},
    {1 << GROUP_TYPE_SELECT, "SELECT"},
    {1 << GROUP_TYPE_INDIRECT, "INDIRECT"},
    {1 << GROUP_TYPE_FF, "FF"},
    {0, NULL},
};

static const struct wire_name group_capabilities[] = {
    {OFPGFC_SELECT_WEIGHT, "SELECT_WEIGHT"},
    {OFPGFC_SELECT_LIVENESS, "SELECT_LIVENESS"},
    {OFPGFC_CHAINING, "CHAINING"},
    {OFPGFC_CHAINING_CHECKS, "CHAINING_CHECKS"},
    {0, NULL},
};

#define GROUP_FEATURES(member, name, form)                                                         \
    WIRE(struct openflow_group_features, member, (name), (form))

static const struct wire_field group_features_fields[] = {
    WIRE_NAMED(struct openflow_group_features, types, "types", WIRE_BITS, group_types),
    WIRE_NAMED(struct openflow_group_features, capabilities, "capabilities", WIRE_BITS,
               group_capabilities),
    GROUP_FEATURES(max_groups[GROUP_TYPE_ALL], "max_all", WIRE_DEC),
    GROUP_FEATURES(max_groups[GROUP_TYPE_SELECT], "max_select", WIRE_DEC),
    GROUP_FEATURES(max_groups[GROUP_TYPE_INDIRECT], "max_indirect", WIRE_DEC),
    GROUP_FEATURES(max_groups[GROUP_TYPE_FF], "max_ff", WIRE_DEC),
    GROUP_FEATURES(actions[GROUP_TYPE_ALL], "actions_all", WIRE_HEX),
    GROUP_FEATURES(actions[GROUP_TYPE_SELECT], "actions_select", WIRE_HEX),
    GROUP_FEATURES(actions[GROUP_TYPE_INDIRECT], "actions_indirect", WIRE_HEX),
    GROUP_FEATURES(actions[GROUP_TYPE_FF], "actions_ff", WIRE_HEX),
};

const struct openflow_layout group_features_layout = {
    LAYOUT_FIELDS(group_features_fields), .size = sizeof(struct openflow_group_features)};
