/* meter.c - meters (OpenFlow 1.3.5 sections 7.3.4.4, 7.3.5.12 to 7.3.5.14). */
#include "proto/openflow/wire.h"

static const struct wire_name meter_flags[] = {
    {METER_KBPS, "KBPS"},
    {METER_PKTPS, "PKTPS"},
    {METER_BURST, "BURST"},
    {METER_STATS, "STATS"},
    {0, NULL},
};

#define METER_FLAGS (METER_KBPS | METER_PKTPS | METER_BURST | METER_STATS)

static const struct wire_field band_fields[] = {
    WIRE(struct band, type, NULL, WIRE_DEC),
    WIRE_LENGTH_FIELD,
    WIRE(struct band, rate, NULL, WIRE_DEC),
    WIRE(struct band, burst, NULL, WIRE_DEC),
    WIRE(struct band, prec_level, NULL, WIRE_DEC), /* padding where the type has none */
    WIRE_SKIP(3),
};

static const struct openflow_layout band_layout;

static void
check_band(struct decoder *d, struct cursor *c, void *object)
{
    struct band *band = object;
    if (band->type == BAND_DROP)
        band->prec_level = 0;
    else if (band->type != BAND_DSCP_REMARK)
        decode_fail(d, c, layout_offset(&band_layout, c), ERR_UNSUPPORTED, OFPET_METER_MOD_FAILED,
                    OFPMMFC_BAD_BAND, "band type");
}

static const struct openflow_layout band_layout = {
    LAYOUT_FIELDS(band_fields),
    .length_end = 4,
    .size = sizeof(struct band),
    .decode = check_band,
};

static void
decode_bands(struct decoder *d, struct cursor *c, struct meter *meter)
{
    meter->bands = layout_decode_list(&band_layout, d, c, &meter->n_bands, OFPET_BAD_REQUEST,
                                      OFPBRC_BAD_LEN);
}

static void
encode_bands(struct encoder *e, const struct meter *meter)
{
    for (uint32_t i = 0; i < meter->n_bands; i++)
        layout_encode(&band_layout, e, &meter->bands[i]);
}

static const struct wire_field meter_mod_fields[] = {
    WIRE(struct openflow_meter_mod, command, NULL, WIRE_DEC),
    WIRE(struct openflow_meter_mod, meter.flags, NULL, WIRE_HEX),
    WIRE(struct openflow_meter_mod, meter.meter_id, NULL, WIRE_DEC),
};

static bool
is_bad_meter(const struct openflow_meter_mod *mm)
{
    uint32_t id = mm->meter.meter_id;
    return id == 0 || (id > METER_MAX && id != METER_SLOWPATH && id != METER_CONTROLLER &&
                       !(id == METER_ALL && mm->command == OFPGC_DELETE));
}

/* What the fixed part alone tells; -1: nothing wrong. */
static int
meter_mod_flaw(const struct openflow_meter_mod *mm)
{
    uint16_t units = METER_KBPS | METER_PKTPS;
    if (mm->command > OFPGC_DELETE)
        return OFPMMFC_BAD_COMMAND;
    if ((mm->meter.flags & ~METER_FLAGS) || (mm->meter.flags & units) == units)
        return OFPMMFC_BAD_FLAGS;
    if (is_bad_meter(mm))
        return OFPMMFC_INVALID_METER;
    return -1;
}

static void
decode_meter_mod(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_meter_mod *mm = object;
    int code = meter_mod_flaw(mm);
    if (code >= 0)
        decode_fail(d, c, layout_offset(&meter_mod_layout, c), ERR_INVALID, OFPET_METER_MOD_FAILED,
                    (uint16_t)code, "fixed part");
    decode_bands(d, c, &mm->meter);
    if (c->err == ERR_LIMIT)
        decode_blame(d, c, OFPET_METER_MOD_FAILED, OFPMMFC_OUT_OF_BANDS);
}

static void
encode_meter_mod(struct encoder *e, const void *object)
{
    const struct openflow_meter_mod *mm = object;
    encode_bands(e, &mm->meter);
}

static void
print_flags(uint16_t flags, struct buf *out)
{
    buf_str(out, " flags=");
    print_bits(flags, meter_flags, out);
}

static void
print_meter_mod(const void *object, struct buf *out)
{
    const struct openflow_meter_mod *mm = object;
    buf_str(out, " ");
    print_named(mm->command, wire_mod_commands, false, out);
    buf_str(out, " ");
    meter_format(&mm->meter, out);
    print_flags(mm->meter.flags, out);
}

const struct openflow_layout meter_mod_layout = {
    LAYOUT_FIELDS(meter_mod_fields),
    .decode = decode_meter_mod,
    .encode = encode_meter_mod,
    .print = print_meter_mod,
};

static const struct wire_field meter_id_fields[] = {
    {"meter_id", 0, sizeof(uint32_t), WIRE_DEC, wire_meter_names},
    WIRE_SKIP(4),
};

const struct openflow_layout meter_id_layout = {LAYOUT_FIELDS(meter_id_fields),
                                                .size = sizeof(uint32_t)};

static const struct wire_field meter_stats_fields[] = {
    WIRE_NAMED(struct openflow_meter_stats, meter_id, "meter_id", WIRE_DEC, wire_meter_names),
    WIRE_LENGTH_FIELD,
    WIRE_SKIP(6),
    WIRE(struct openflow_meter_stats, flow_count, "flow_count", WIRE_DEC),
    WIRE(struct openflow_meter_stats, packets, "packets", WIRE_COUNT),
    WIRE(struct openflow_meter_stats, octets, "octets", WIRE_COUNT),
    WIRE(struct openflow_meter_stats, duration_s, NULL, WIRE_DEC),
    WIRE(struct openflow_meter_stats, duration_ns, "duration", WIRE_DURATION),
};

static void
decode_meter_stats(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_meter_stats *stats = object;
    decode_counters(d, c, &stats->bands, &stats->n_bands);
}

static void
encode_meter_stats(struct encoder *e, const void *object)
{
    const struct openflow_meter_stats *stats = object;
    encode_counters(e, stats->bands, stats->n_bands);
}

static void
print_meter_stats(const void *object, struct buf *out)
{
    const struct openflow_meter_stats *stats = object;
    fields_print(meter_stats_fields, ARRAY_SIZE(meter_stats_fields), stats, out);
    print_counters("band", stats->bands, stats->n_bands, out);
}

const struct openflow_layout meter_stats_layout = {
    LAYOUT_FIELDS(meter_stats_fields),
    .length_end = 6,
    .size = sizeof(struct openflow_meter_stats),
    .decode = decode_meter_stats,
    .encode = encode_meter_stats,
    .print = print_meter_stats,
};

static const struct wire_field meter_config_fields[] = {
    WIRE_LENGTH_FIELD,
    WIRE(struct openflow_meter_config, meter.flags, NULL, WIRE_HEX),
    WIRE(struct openflow_meter_config, meter.meter_id, NULL, WIRE_DEC),
};

static void
decode_meter_config(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_meter_config *config = object;
    struct cursor part = cursor_split(c, cursor_left(c), "bands");
    const uint8_t *start = part.pos;
    decode_bands(d, &part, &config->meter);
    decode_end(d, c, &part, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN);
    if (!c->err && (config->foreign.what = decode_take_foreign(d)))
        config->foreign.effect = decode_copy(d, c, start, (size_t)(part.end - start));
}

static void
encode_meter_config(struct encoder *e, const void *object)
{
    const struct openflow_meter_config *config = object;
    if (config->foreign.what)
        encode_data(e, &config->foreign.effect);
    else
        encode_bands(e, &config->meter);
}

static void
print_meter_config(const void *object, struct buf *out)
{
    const struct openflow_meter_config *config = object;
    buf_str(out, " ");
    meter_format(&config->meter, out);
    print_flags(config->meter.flags, out);
    print_foreign(&config->foreign, out);
}

const struct openflow_layout meter_config_layout = {
    LAYOUT_FIELDS(meter_config_fields),
    .length_end = 2,
    .size = sizeof(struct openflow_meter_config),
    .decode = decode_meter_config,
    .encode = encode_meter_config,
    .print = print_meter_config,
};

static const struct wire_name band_types[] = {
    {1 << BAND_DROP, "DROP"}, {1 << BAND_DSCP_REMARK, "DSCP_REMARK"}, {0, NULL}};

static const struct wire_field meter_features_fields[] = {
    WIRE(struct openflow_meter_features, max_meter, "max_meter", WIRE_DEC),
    WIRE_NAMED(struct openflow_meter_features, band_types, "band_types", WIRE_BITS, band_types),
    WIRE_NAMED(struct openflow_meter_features, capabilities, "capabilities", WIRE_BITS,
               meter_flags),
    WIRE(struct openflow_meter_features, max_bands, "max_bands", WIRE_DEC),
    WIRE(struct openflow_meter_features, max_color, "max_color", WIRE_DEC),
    WIRE_SKIP(2),
};

const struct openflow_layout meter_features_layout = {
    LAYOUT_FIELDS(meter_features_fields), .size = sizeof(struct openflow_meter_features)};
