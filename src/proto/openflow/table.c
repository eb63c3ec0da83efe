/* table.c - tables and what they can do (OpenFlow 1.3.5 sections 7.3.3, 7.3.5.4, 7.3.5.5). */
#include "proto/openflow/wire.h"

static const struct wire_field table_mod_fields[] = {
    WIRE_NAMED(struct openflow_table_mod, table_id, "table_id", WIRE_DEC, wire_table_names),
    WIRE_SKIP(3),
    WIRE(struct openflow_table_mod, config, "config", WIRE_HEX),
};

#define OFPTC_DEPRECATED_MASK 3

static void
check_table_mod(struct decoder *d, struct cursor *c, void *object)
{
    const struct openflow_table_mod *tm = object;
    if (tm->config & ~OFPTC_DEPRECATED_MASK)
        decode_fail(d, c, layout_offset(&table_mod_layout, c) + 4, ERR_INVALID,
                    OFPET_TABLE_MOD_FAILED, OFPTMFC_BAD_CONFIG, "config");
}

const struct openflow_layout table_mod_layout = {LAYOUT_FIELDS(table_mod_fields),
                                                 .decode = check_table_mod};

static const struct wire_field table_stats_fields[] = {
    WIRE(struct openflow_table_stats, table_id, "table_id", WIRE_DEC),
    WIRE_SKIP(3),
    WIRE(struct openflow_table_stats, active, "active", WIRE_DEC),
    WIRE(struct openflow_table_stats, lookups, "lookups", WIRE_COUNT),
    WIRE(struct openflow_table_stats, matched, "matched", WIRE_COUNT),
};

const struct openflow_layout table_stats_layout = {LAYOUT_FIELDS(table_stats_fields),
                                                   .size = sizeof(struct openflow_table_stats)};

enum list_form { /* of a property's elements */
                 LIST_EXPERIMENTER,
                 LIST_TYPED,  /* type and length, perhaps an experimenter or padding */
                 LIST_TABLES, /* one octet each */
                 LIST_OXM,    /* 32-bit headers, 64-bit of experimenter fields */
};

static const struct property_row {
    uint16_t type;
    uint8_t form; /* enum list_form */
    const char *name;
} property_table[] = {
    {OFPTFPT_INSTRUCTIONS, LIST_TYPED, "instructions"},
    {OFPTFPT_INSTRUCTIONS_MISS, LIST_TYPED, "instructions_miss"},
    {OFPTFPT_NEXT_TABLES, LIST_TABLES, "next_tables"},
    {OFPTFPT_NEXT_TABLES_MISS, LIST_TABLES, "next_tables_miss"},
    {OFPTFPT_WRITE_ACTIONS, LIST_TYPED, "write_actions"},
    {OFPTFPT_WRITE_ACTIONS_MISS, LIST_TYPED, "write_actions_miss"},
    {OFPTFPT_APPLY_ACTIONS, LIST_TYPED, "apply_actions"},
    {OFPTFPT_APPLY_ACTIONS_MISS, LIST_TYPED, "apply_actions_miss"},
    {OFPTFPT_MATCH, LIST_OXM, "match"},
    {OFPTFPT_WILDCARDS, LIST_OXM, "wildcards"},
    {OFPTFPT_WRITE_SETFIELD, LIST_OXM, "write_setfield"},
    {OFPTFPT_WRITE_SETFIELD_MISS, LIST_OXM, "write_setfield_miss"},
    {OFPTFPT_APPLY_SETFIELD, LIST_OXM, "apply_setfield"},
    {OFPTFPT_APPLY_SETFIELD_MISS, LIST_OXM, "apply_setfield_miss"},
    {OFPTFPT_EXPERIMENTER, LIST_EXPERIMENTER, "experimenter"},
    {OFPTFPT_EXPERIMENTER_MISS, LIST_EXPERIMENTER, "experimenter_miss"},
};

static const struct property_row *
find_property(uint16_t type)
{
    for (size_t i = 0; i < ARRAY_SIZE(property_table); i++) {
        if (property_table[i].type == type)
            return &property_table[i];
    }
    return NULL;
}

#define TYPE_EXPERIMENTER 0xffff /* of instructions, actions and OXM classes */

/* One element; false: cut short or of a wrong length. */
static bool
read_element(struct cursor *c, uint8_t form, struct openflow_capability *out)
{
    *out = (struct openflow_capability){0};
    if (form == LIST_TABLES) {
        out->id = cursor_u8(c, "table_id");
    } else if (form == LIST_OXM) {
        out->id = cursor_be32(c, "OXM header");
        if (out->id >> 16 == TYPE_EXPERIMENTER)
            out->experimenter = cursor_be32(c, "experimenter");
    } else {
        out->id = cursor_be16(c, "type");
        uint16_t size = cursor_be16(c, "length");
        uint32_t more = size == 8 ? cursor_be32(c, "experimenter") : 0; /* or padding */
        if (out->id == TYPE_EXPERIMENTER)
            out->experimenter = more;
        if (size != 8 && (size != 4 || out->id == TYPE_EXPERIMENTER))
            return false;
    }
    return !c->err;
}

static void
decode_list(struct decoder *d, struct cursor *c, uint8_t form, struct openflow_table_property *p)
{
    struct openflow_capability element;
    struct cursor ahead = *c;
    size_t offset = cursor_offset(c);
    uint32_t n = 0;
    for (; cursor_left(&ahead) && read_element(&ahead, form, &element); n++)
        offset = cursor_offset(&ahead);
    if (ahead.err || cursor_left(&ahead))
        decode_fail(d, c, offset, ERR_MALFORMED, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_LEN,
                    "table feature");
    p->list = decode_alloc(d, c, n, sizeof *p->list);
    for (uint32_t i = 0; i < n && p->list; i++)
        (void)read_element(c, form, &p->list[i]);
    p->n = p->list ? n : 0;
}

static void
decode_property(struct decoder *d, struct cursor *c, struct openflow_table_property *p)
{
    size_t offset = cursor_offset(c);
    p->type = cursor_be16(c, "property type");
    cursor_skip(c, 2, "property length");
    const struct property_row *row = find_property(p->type);
    if (!row) {
        decode_fail(d, c, offset, ERR_UNSUPPORTED, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_TYPE,
                    "property type");
    } else if (row->form == LIST_EXPERIMENTER) {
        p->experimenter = cursor_be32(c, "experimenter");
        p->exp_type = cursor_be32(c, "exp_type");
        p->data = decode_rest(d, c);
    } else {
        decode_list(d, c, row->form, p);
    }
}

/* Octets of the property at the cursor, its padding excluded; 0 if they are not all there. */
static size_t
property_size(const struct cursor *c)
{
    size_t left = cursor_left(c);
    size_t size = left >= 4 ? get_be16(c->pos + 2) : 0;
    return size < 4 || (size + 7) / 8 * 8 > left ? 0 : size;
}

static void
decode_table_features(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_table_features *features = object;
    struct cursor ahead = *c;
    uint32_t n = 0;
    for (size_t size; (size = property_size(&ahead)); n++)
        cursor_skip(&ahead, (size + 7) / 8 * 8, "property");
    if (n)
        features->properties = decode_alloc(d, c, n, sizeof *features->properties);
    while (cursor_left(c)) {
        size_t size = property_size(c);
        if (!size) {
            decode_fail(d, c, cursor_offset(c), ERR_MALFORMED, OFPET_TABLE_FEATURES_FAILED,
                        OFPTFFC_BAD_LEN, "property length");
            return;
        }
        struct openflow_table_property property = {0};
        struct cursor part = cursor_split(c, size, "property");
        cursor_skip(c, (8 - size % 8) % 8, "padding");
        decode_property(d, &part, &property);
        if (!part.err)
            features->properties[features->n_properties++] = property;
        decode_end(d, c, &part, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_LEN);
    }
    (void)decode_take_foreign(d); /* a property of later versions is left out */
}

static void
encode_element(struct encoder *e, uint8_t form, const struct openflow_capability *element)
{
    if (form == LIST_TABLES) {
        buf_u8(e->out, (uint8_t)element->id);
        return;
    }
    bool experimenter;
    if (form == LIST_OXM) {
        buf_be32(e->out, element->id);
        experimenter = element->id >> 16 == TYPE_EXPERIMENTER;
    } else {
        experimenter = element->id == TYPE_EXPERIMENTER;
        buf_be16(e->out, (uint16_t)element->id);
        buf_be16(e->out, experimenter ? 8 : 4);
    }
    if (experimenter)
        buf_be32(e->out, element->experimenter);
}

static void
encode_table_features(struct encoder *e, const void *object)
{
    const struct openflow_table_features *features = object;
    for (uint32_t i = 0; i < features->n_properties; i++) {
        const struct openflow_table_property *p = &features->properties[i];
        const struct property_row *row = find_property(p->type);
        size_t start = e->out->size;
        if (!row) {
            encode_fail(e);
            return;
        }
        buf_be16(e->out, p->type);
        buf_be16(e->out, 0);
        if (row->form == LIST_EXPERIMENTER) {
            buf_be32(e->out, p->experimenter);
            buf_be32(e->out, p->exp_type);
            encode_data(e, &p->data);
        }
        for (uint32_t k = 0; k < p->n; k++)
            encode_element(e, row->form, &p->list[k]);
        encode_length(e, start, start + 2);
        buf_pad(e->out, start, 8);
    }
}

static const struct wire_field table_features_fields[] = {
    WIRE_LENGTH_FIELD,
    WIRE(struct openflow_table_features, table_id, "table_id", WIRE_DEC),
    WIRE_SKIP(5),
    WIRE(struct openflow_table_features, name, "name", WIRE_TEXT),
    WIRE(struct openflow_table_features, metadata_match, "metadata_match", WIRE_HEX),
    WIRE(struct openflow_table_features, metadata_write, "metadata_write", WIRE_HEX),
    WIRE(struct openflow_table_features, config, "config", WIRE_HEX),
    WIRE(struct openflow_table_features, max_entries, "max_entries", WIRE_DEC),
};

static void
print_element(uint8_t form, const struct openflow_capability *element, struct buf *out)
{
    enum field field;
    bool maskable;
    if (form == LIST_OXM && openflow_capability_field(element, &field, &maskable))
        buf_printf(out, "%s%s", field_table[field].name, maskable ? "/mask" : "");
    else if (form == LIST_OXM)
        buf_printf(out, "0x%x", element->id);
    else
        buf_printf(out, "%u", element->id);
    if (element->experimenter)
        buf_printf(out, "@0x%x", element->experimenter);
}

static void
print_table_features(const void *object, struct buf *out)
{
    const struct openflow_table_features *features = object;
    fields_print(table_features_fields, ARRAY_SIZE(table_features_fields), features, out);
    for (uint32_t i = 0; i < features->n_properties; i++) {
        const struct openflow_table_property *p = &features->properties[i];
        const struct property_row *row = find_property(p->type);
        buf_printf(out, "\n    %s:", row ? row->name : "?");
        if (p->exp_type || p->experimenter)
            buf_printf(out, " 0x%x/%u ", p->experimenter, p->exp_type);
        print_data(&p->data, out);
        for (uint32_t k = 0; k < p->n; k++) {
            buf_str(out, " ");
            print_element(row ? row->form : LIST_TYPED, &p->list[k], out);
        }
    }
}

const struct openflow_layout table_features_layout = {
    LAYOUT_FIELDS(table_features_fields),
    .length_end = 2,
    .size = sizeof(struct openflow_table_features),
    .decode = decode_table_features,
    .encode = encode_table_features,
    .print = print_table_features,
};
