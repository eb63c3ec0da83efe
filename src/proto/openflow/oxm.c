/* oxm.c - OpenFlow extensible match (OpenFlow 1.3.5 section 7.2.3): TLVs to and from the flow key.
 *
 * The value of a field is the same octets in both, so this is mostly checking. Field 41 of OpenFlow
 * 1.4, PBB_UCA, is in 1.3 an experimenter field of the ONF (EXT-256): its payload starts with the
 * experimenter id and a 16-bit exp_type. It is written like that, and read in both forms. */
#include "proto/openflow/wire.h"

#define OXM_CLASS_BASIC 0x8000
#define OXM_CLASS_EXPERIMENTER 0xffff
#define OFPMT_OXM 1
#define PBB_UCA_EXP_TYPE 2560
#define PBB_UCA_HEADER (UINT32_C(0xffff) << 16) /* field 0 */

struct oxm {
    const struct field_info *info; /* NULL: not a field we know */
    enum field field;
    bool has_mask;
    uint8_t size;         /* octets of value, and mask if it has one */
    const uint8_t *value; /* NULL: cut short */
    size_t offset;        /* of the TLV in the message */
};

static const char *
oxm_name(const struct oxm *oxm)
{
    return oxm->info ? oxm->info->name : "OXM field";
}

/* Is this the payload of the experimenter field PBB_UCA? Then moves behind its header. */
static bool
is_pbb_uca(uint32_t header, struct oxm *oxm)
{
    if (header >> 9 != PBB_UCA_HEADER >> 9 || oxm->size < 6 || !oxm->value ||
        get_be32(oxm->value) != ONF_EXPERIMENTER_ID || get_be16(oxm->value + 4) != PBB_UCA_EXP_TYPE)
        return false;
    oxm->value += 6;
    oxm->size -= 6;
    return true;
}

static struct oxm
read_oxm(struct cursor *c)
{
    struct oxm oxm = {.offset = cursor_offset(c), .field = FIELD_MAX};
    uint32_t header = cursor_be32(c, "OXM header");
    oxm.has_mask = header >> 8 & 1;
    oxm.size = header & 0xff;
    oxm.value = cursor_bytes(c, oxm.size, "OXM payload");
    if (header >> 16 == OXM_CLASS_BASIC)
        oxm.field = header >> 9 & 0x7f;
    else if (is_pbb_uca(header, &oxm))
        oxm.field = FIELD_PBB_UCA;
    oxm.info = field_info(oxm.field);
    return oxm;
}

static bool
all_zero(const uint8_t *octets, size_t size)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++)
        any |= octets[i];
    return !any;
}

/* Does the value have bits where `mask` has none? */
static bool
outside(const uint8_t *value, const uint8_t *mask, size_t size)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++)
        any |= value[i] & ~mask[i];
    return any;
}

/* Section 7.2.3.8: a VLAN id is only there with the bit OFPVID_PRESENT, and OFPVID_NONE is zero. */
static bool
is_bad_vlan(enum field field, const uint8_t *value)
{
    return field == FIELD_VLAN_VID && get_be16(value) && !(get_be16(value) & VLAN_PRESENT);
}

/* What is wrong with the TLV on its own, as a code of OFPET_BAD_MATCH; -1: nothing. */
static int
match_flaw(const struct oxm *oxm, uint64_t seen)
{
    uint8_t full[16];
    if (!oxm->info)
        return OFPBMC_BAD_FIELD;
    if (oxm->size != oxm->info->size * (oxm->has_mask ? 2 : 1))
        return OFPBMC_BAD_LEN;
    if (seen >> oxm->field & 1)
        return OFPBMC_DUP_FIELD;
    field_full_mask(oxm->field, full);
    size_t size = oxm->info->size;
    if (outside(oxm->value, full, size))
        return OFPBMC_BAD_VALUE;
    const uint8_t *mask = oxm->has_mask ? oxm->value + size : full;
    if (outside(mask, full, size))
        return OFPBMC_BAD_MASK;
    if (outside(oxm->value, mask, size))
        return OFPBMC_BAD_WILDCARDS;
    if (!memcmp(mask, full, size) && is_bad_vlan(oxm->field, oxm->value))
        return OFPBMC_BAD_VALUE;
    return -1;
}

/* Adds the TLV to the match. An all-zero mask is as if the field were not there (7.2.3.5). */
static int
add_oxm(struct match *match, const struct oxm *oxm)
{
    const uint8_t *mask = oxm->has_mask ? oxm->value + oxm->info->size : NULL;
    if (!match_allows(match, oxm->field))
        return OFPBMC_BAD_PREREQ;
    if (mask && all_zero(mask, oxm->info->size))
        return oxm->info->maskable ? -1 : OFPBMC_BAD_MASK;
    switch (match_add(match, oxm->field, oxm->value, mask)) {
    case ERR_OK:
        return -1;
    case ERR_UNSUPPORTED:
        return OFPBMC_BAD_MASK;
    default: /* two fields in one place, whose prerequisites exclude each other */
        return OFPBMC_BAD_PREREQ;
    }
}

void
decode_oxms(struct decoder *d, struct cursor *c, struct match *match)
{
    uint64_t seen = 0;
    while (cursor_left(c)) {
        struct cursor part = *c;
        struct oxm oxm = read_oxm(&part);
        if (part.err) { /* where the next one would start is not known */
            decode_fail(d, c, oxm.offset, ERR_TRUNCATED, OFPET_BAD_MATCH, OFPBMC_BAD_LEN,
                        "OXM field");
            return;
        }
        part = cursor_split(c, (size_t)(part.pos - c->pos), "OXM field");
        part.pos = part.end;
        int code = match_flaw(&oxm, seen);
        if (code < 0) {
            seen |= UINT64_C(1) << oxm.field;
            code = add_oxm(match, &oxm);
        }
        if (code >= 0)
            decode_fail(d, &part, oxm.offset,
                        code == OFPBMC_BAD_FIELD ? ERR_UNSUPPORTED : ERR_INVALID, OFPET_BAD_MATCH,
                        (uint16_t)code, oxm_name(&oxm));
        decode_end(d, c, &part, OFPET_BAD_MATCH, OFPBMC_BAD_LEN);
    }
}

void
decode_match(struct decoder *d, struct cursor *c, struct match *match, struct openflow_data *raw)
{
    const uint8_t *start = c->pos;
    size_t offset = cursor_offset(c);
    uint16_t type = cursor_be16(c, "match type");
    uint16_t length = cursor_be16(c, "match length");
    if (!c->err && type != OFPMT_OXM)
        decode_fail(d, c, offset, ERR_UNSUPPORTED, OFPET_BAD_MATCH, OFPBMC_BAD_TYPE, "match type");
    if (length < 4)
        decode_fail(d, c, offset, ERR_MALFORMED, OFPET_BAD_MATCH, OFPBMC_BAD_LEN, "match length");
    struct cursor fields = cursor_split(c, length - 4U, "match");
    cursor_skip(c, (8 - length % 8) % 8, "match padding");
    decode_blame(d, c, OFPET_BAD_MATCH, OFPBMC_BAD_LEN);
    if (c->err)
        return;
    if (raw)
        *raw = (struct openflow_data){start, (size_t)(c->pos - start)};
    decode_oxms(d, &fields, match);
    decode_end(d, c, &fields, OFPET_BAD_MATCH, OFPBMC_BAD_LEN);
}

/* The TLV's header, and the experimenter's own where it has one. */
static void
encode_oxm_header(struct encoder *e, enum field field, bool has_mask)
{
    uint32_t size = field_table[field].size * (has_mask ? 2U : 1U);
    if (field == FIELD_PBB_UCA) {
        buf_be32(e->out, PBB_UCA_HEADER | (uint32_t)has_mask << 8 | (size + 6));
        buf_be32(e->out, ONF_EXPERIMENTER_ID);
        buf_be16(e->out, PBB_UCA_EXP_TYPE);
    } else {
        buf_be32(e->out, openflow_field_capability(field, has_mask).id);
    }
}

/* In ascending order of their numbers, prerequisites stand before what needs them. */
static void
encode_oxms(struct encoder *e, const struct match *match)
{
    uint8_t full[16];
    for (unsigned field = 0; field < FIELD_MAX; field++) {
        if (!match_has(match, field))
            continue;
        size_t size = field_table[field].size;
        const uint8_t *mask = flow_key_field_const(&match->mask, field);
        field_full_mask(field, full);
        bool has_mask = memcmp(mask, full, size);
        encode_oxm_header(e, field, has_mask);
        buf_put(e->out, flow_key_field_const(&match->value, field), size);
        if (has_mask)
            buf_put(e->out, mask, size);
    }
}

void
encode_match(struct encoder *e, const struct match *match)
{
    size_t start = e->out->size;
    buf_be16(e->out, OFPMT_OXM);
    buf_be16(e->out, 0);
    encode_oxms(e, match);
    encode_length(e, start, start + 2);
    buf_pad(e->out, start, 8);
}

/* What is wrong with setting this, as a code of OFPET_BAD_ACTION; -1: nothing. */
static int
set_flaw(const struct oxm *oxm)
{
    uint8_t full[16];
    if (!oxm->info || !oxm->info->settable || oxm->has_mask)
        return OFPBAC_BAD_SET_TYPE;
    if (oxm->size != oxm->info->size)
        return OFPBAC_BAD_SET_LEN;
    field_full_mask(oxm->field, full);
    if (outside(oxm->value, full, oxm->size) ||
        (oxm->field == FIELD_VLAN_VID && !(get_be16(oxm->value) & VLAN_PRESENT)))
        return OFPBAC_BAD_SET_ARGUMENT;
    return -1;
}

void
decode_set_field(struct decoder *d, struct cursor *c, struct action *action)
{
    struct oxm oxm = read_oxm(c);
    decode_blame(d, c, OFPET_BAD_ACTION, OFPBAC_BAD_SET_LEN);
    if (c->err)
        return;
    int code = set_flaw(&oxm);
    if (code >= 0) {
        decode_fail(d, c, oxm.offset, code == OFPBAC_BAD_SET_TYPE ? ERR_UNSUPPORTED : ERR_INVALID,
                    OFPET_BAD_ACTION, (uint16_t)code, oxm_name(&oxm));
        return;
    }
    action->field = (uint8_t)oxm.field;
    memcpy(action->value, oxm.value, oxm.size);
    if (cursor_left(c) > 7)
        decode_fail(d, c, oxm.offset, ERR_MALFORMED, OFPET_BAD_ACTION, OFPBAC_BAD_SET_LEN,
                    oxm.info->name);
    cursor_skip(c, cursor_left(c), "set-field padding");
}

void
encode_set_field(struct encoder *e, const struct action *action)
{
    if (!field_info(action->field)) {
        encode_fail(e);
        return;
    }
    encode_oxm_header(e, action->field, false);
    buf_put(e->out, action->value, field_table[action->field].size);
}

struct openflow_capability
openflow_field_capability(enum field field, bool maskable)
{
    uint32_t size = field_table[field].size * (maskable ? 2U : 1U);
    if (field == FIELD_PBB_UCA)
        return (struct openflow_capability){PBB_UCA_HEADER | (uint32_t)maskable << 8 | (size + 6),
                                            ONF_EXPERIMENTER_ID};
    return (struct openflow_capability){
        (uint32_t)OXM_CLASS_BASIC << 16 | (uint32_t)field << 9 | (uint32_t)maskable << 8 | size, 0};
}

bool
openflow_capability_field(const struct openflow_capability *capability, enum field *field,
                          bool *maskable)
{
    uint32_t number = capability->id >> 9 & 0x7f, class = capability->id >> 16;
    if (class == OXM_CLASS_EXPERIMENTER) {
        if (capability->experimenter != ONF_EXPERIMENTER_ID || number != 0)
            return false;
        number = FIELD_PBB_UCA;
    } else if (class != OXM_CLASS_BASIC || !field_info(number)) {
        return false;
    }
    *field = number;
    if (maskable)
        *maskable = capability->id >> 8 & 1;
    return true;
}
