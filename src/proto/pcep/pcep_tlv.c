/* TLVs of all objects: one table. A TLV that is not in it is kept as octets and ignored by whoever
 * does not ask for it (RFC 5440 section 7.1); one that is in it and has a wrong size makes its
 * object malformed. */
#include "proto/pcep/pcep_wire.h"

struct tlv_row {
    uint16_t type, min_size, max_size; /* of the value, without padding */
    const char *name, *ref;
    void (*decode)(struct pcep_decoder *, struct cursor *, struct pcep_tlv *);
    void (*encode)(struct pcep_encoder *, const struct pcep_tlv *);
    void (*print)(const struct pcep_tlv *, struct buf *);
};

/* ---- Numbers -------------------------------------------------------------------------------- */

static void
decode_number(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    (void)d;
    tlv->number = cursor_be32(c, "value");
}

static void
encode_number(struct pcep_encoder *e, const struct pcep_tlv *tlv)
{
    buf_be32(e->out, tlv->number);
}

static void
print_number(const struct pcep_tlv *tlv, struct buf *out)
{
    buf_printf(out, "%u", tlv->number);
}

static void
print_hex(const struct pcep_tlv *tlv, struct buf *out)
{
    buf_printf(out, "0x%x", tlv->number);
}

/* An octet, then 24 bits that are reserved. */
static void
decode_first_octet(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    (void)d;
    tlv->number = cursor_u8(c, "value");
    cursor_skip(c, 3, "reserved");
}

static void
encode_first_octet(struct pcep_encoder *e, const struct pcep_tlv *tlv)
{
    if (tlv->number > UINT8_MAX)
        pcep_encode_fail(e);
    buf_be32(e->out, tlv->number << 24);
}

/* 24 bits that are reserved, then an octet. */
static void
decode_last_octet(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    (void)d;
    tlv->number = cursor_be32(c, "value") & 0xff;
}

static void
encode_last_octet(struct pcep_encoder *e, const struct pcep_tlv *tlv)
{
    if (tlv->number > UINT8_MAX)
        pcep_encode_fail(e);
    buf_be32(e->out, tlv->number);
}

/* Oper and Config of INVALIDATION, then 16 bits that are reserved. */
static void
decode_first_half(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    (void)d;
    tlv->number = cursor_be32(c, "value") >> 16;
}

static void
encode_first_half(struct pcep_encoder *e, const struct pcep_tlv *tlv)
{
    if (tlv->number > UINT16_MAX)
        pcep_encode_fail(e);
    buf_be32(e->out, tlv->number << 16);
}

/* 16 bits that are reserved, then flags and MSD of SR-PCE-CAPABILITY. */
static void
decode_last_half(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    (void)d;
    tlv->number = cursor_be32(c, "flags and MSD") & 0xffff;
}

static void
encode_last_half(struct pcep_encoder *e, const struct pcep_tlv *tlv)
{
    if (tlv->number > UINT16_MAX)
        pcep_encode_fail(e);
    buf_be32(e->out, tlv->number);
}

static void
print_sr_capability(const struct pcep_tlv *tlv, struct buf *out)
{
    static const struct pcep_flag flags[] = {{1, "X"}, {2, "N"}, {0, NULL}};
    buf_printf(out, "msd:%u", tlv->number & 0xff);
    pcep_flags_print("flags", tlv->number >> 8, flags, out);
}

static void
print_flags(const struct pcep_tlv *tlv, const struct pcep_flag *flags, struct buf *out)
{
    struct buf text = BUF_INIT;
    pcep_flags_print("", tlv->number, flags, &text);
    buf_str(out, tlv->number ? buf_cstr(&text) + 2 : "0"); /* behind " =" */
    buf_fini(&text);
}

static void
print_stateful(const struct pcep_tlv *tlv, struct buf *out)
{
    static const struct pcep_flag flags[] = {{PCEP_LSP_UPDATE, "U"},
                                             {PCEP_INCLUDE_DB_VERSION, "S"},
                                             {PCEP_LSP_INSTANTIATION, "I"},
                                             {PCEP_TRIGGERED_RESYNC, "T"},
                                             {PCEP_DELTA_LSP_SYNC, "D"},
                                             {PCEP_TRIGGERED_INITIAL_SYNC, "F"},
                                             {0, NULL}};
    print_flags(tlv, flags, out);
}

static void
print_disjointness(const struct pcep_tlv *tlv, struct buf *out)
{
    static const struct pcep_flag flags[] = {
        {PCEP_DISJOINT_LINK, "link"},     {PCEP_DISJOINT_NODE, "node"},
        {PCEP_DISJOINT_SRLG, "srlg"},     {PCEP_DISJOINT_SHORTEST, "shortest"},
        {PCEP_DISJOINT_STRICT, "strict"}, {0, NULL}};
    print_flags(tlv, flags, out);
}

static void
print_lsp_error(const struct pcep_tlv *tlv, struct buf *out)
{
    static const char *const names[] = {
        [PCEP_LSP_ERROR_UNKNOWN] = "unknown reason",
        [PCEP_LSP_ERROR_LIMIT_REACHED] = "limit reached for PCE-controlled LSPs",
        [PCEP_LSP_ERROR_TOO_MANY_PENDING] = "too many pending LSP update requests",
        [PCEP_LSP_ERROR_UNACCEPTABLE_PARAMETERS] = "unacceptable parameters",
        [PCEP_LSP_ERROR_INTERNAL] = "internal error",
        [PCEP_LSP_ERROR_BROUGHT_DOWN] = "LSP administratively brought down",
        [PCEP_LSP_ERROR_PREEMPTED] = "LSP preempted",
        [PCEP_LSP_ERROR_RSVP_SIGNALING] = "RSVP signaling error",
        [PCEP_LSP_ERROR_SID_VERIFICATION] = "SID verification failed"};
    bool known = tlv->number < ARRAY_SIZE(names) && names[tlv->number];
    buf_printf(out, "%u(%s)", tlv->number, known ? names[tlv->number] : "?");
}

static void
decode_long(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    (void)d;
    tlv->long_number = cursor_be64(c, "value");
}

static void
encode_long(struct pcep_encoder *e, const struct pcep_tlv *tlv)
{
    buf_be64(e->out, tlv->long_number);
}

static void
print_long(const struct pcep_tlv *tlv, struct buf *out)
{
    buf_printf(out, "%llu", (unsigned long long)tlv->long_number);
}

/* ---- Octets and lists ----------------------------------------------------------------------- */

static void
decode_octets(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    tlv->octets = pcep_rest(d, c);
}

static void
encode_octets(struct pcep_encoder *e, const struct pcep_tlv *tlv)
{
    pcep_octets_write(e, &tlv->octets);
}

static void
print_octets(const struct pcep_tlv *tlv, struct buf *out)
{
    pcep_octets_print(&tlv->octets, out);
}

static void
print_text(const struct pcep_tlv *tlv, struct buf *out)
{
    pcep_text_print(&tlv->octets, out);
}

static void
decode_vendor(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    tlv->number = cursor_be32(c, "Enterprise Number");
    tlv->octets = pcep_rest(d, c);
}

static void
encode_vendor(struct pcep_encoder *e, const struct pcep_tlv *tlv)
{
    buf_be32(e->out, tlv->number);
    pcep_octets_write(e, &tlv->octets);
}

static void
print_vendor(const struct pcep_tlv *tlv, struct buf *out)
{
    buf_printf(out, "enterprise:%u,", tlv->number);
    pcep_octets_print(&tlv->octets, out);
}

static void
decode_codes(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    uint32_t n = (uint32_t)(cursor_left(c) / 2);
    uint16_t *list = pcep_alloc(d, c, n, sizeof *list);
    for (uint32_t i = 0; list && i < n; i++)
        list[i] = cursor_be16(c, "code");
    tlv->codes.list = list;
    tlv->codes.n = n;
}

static void
encode_codes(struct pcep_encoder *e, const struct pcep_tlv *tlv)
{
    for (uint32_t i = 0; i < tlv->codes.n; i++)
        buf_be16(e->out, tlv->codes.list[i]);
}

static void
print_codes(const struct pcep_tlv *tlv, struct buf *out)
{
    for (uint32_t i = 0; i < tlv->codes.n; i++)
        buf_printf(out, "%s%u", i ? "," : "", tlv->codes.list[i]);
}

static void
decode_ranges(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    uint32_t n = (uint32_t)(cursor_left(c) / 8);
    struct pcep_assoc_range *list = pcep_alloc(d, c, n, sizeof *list);
    for (uint32_t i = 0; list && i < n; i++) {
        cursor_skip(c, 2, "reserved");
        list[i].type = cursor_be16(c, "Association Type");
        list[i].start = cursor_be16(c, "Start Association ID");
        list[i].count = cursor_be16(c, "Range");
    }
    tlv->ranges.list = list;
    tlv->ranges.n = n;
}

static void
encode_ranges(struct pcep_encoder *e, const struct pcep_tlv *tlv)
{
    for (uint32_t i = 0; i < tlv->ranges.n; i++) {
        const struct pcep_assoc_range *range = &tlv->ranges.list[i];
        buf_be32(e->out, range->type);
        buf_be16(e->out, range->start);
        buf_be16(e->out, range->count);
    }
}

static void
print_ranges(const struct pcep_tlv *tlv, struct buf *out)
{
    for (uint32_t i = 0; i < tlv->ranges.n; i++) {
        const struct pcep_assoc_range *range = &tlv->ranges.list[i];
        buf_printf(out, "%stype:%u,%u+%u", i ? ";" : "", range->type, range->start, range->count);
    }
}

/* ---- Structures ----------------------------------------------------------------------------- */

static void
decode_ids(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv, unsigned family)
{
    struct pcep_lsp_ids *ids = pcep_alloc(d, c, 1, sizeof *ids);
    if (!ids)
        return;
    ids->sender = pcep_address_read(c, family, "Tunnel Sender Address");
    ids->lsp_id = cursor_be16(c, "LSP ID");
    ids->tunnel_id = cursor_be16(c, "Tunnel ID");
    cursor_copy(c, ids->extended_tunnel_id, family == 6 ? 16 : 4, "Extended Tunnel ID");
    ids->endpoint = pcep_address_read(c, family, "Tunnel Endpoint Address");
    tlv->ids = ids;
}

static void
decode_ids4(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    decode_ids(d, c, tlv, 4);
}

static void
decode_ids6(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    decode_ids(d, c, tlv, 6);
}

static void
encode_ids(struct pcep_encoder *e, const struct pcep_tlv *tlv)
{
    const struct pcep_lsp_ids *ids = tlv->ids;
    unsigned family = tlv->type == PCEP_TLV_IPV6_LSP_IDENTIFIERS ? 6 : 4;
    if (!ids) {
        pcep_encode_fail(e);
        return;
    }
    pcep_address_write(e, &ids->sender, family);
    buf_be16(e->out, ids->lsp_id);
    buf_be16(e->out, ids->tunnel_id);
    buf_put(e->out, ids->extended_tunnel_id, family == 6 ? 16 : 4);
    pcep_address_write(e, &ids->endpoint, family);
}

static void
print_ids(const struct pcep_tlv *tlv, struct buf *out)
{
    const struct pcep_lsp_ids *ids = tlv->ids;
    struct pcep_address extended = {ids->sender.family, {0}};
    memcpy(extended.octets, ids->extended_tunnel_id, sizeof extended.octets);
    buf_str(out, "sender:");
    pcep_address_print(&ids->sender, out);
    buf_printf(out, ",lsp:%u,tunnel:%u,extended:", ids->lsp_id, ids->tunnel_id);
    pcep_address_print(&extended, out);
    buf_str(out, ",endpoint:");
    pcep_address_print(&ids->endpoint, out);
}

enum { RSVP_ERROR_SPEC = 6, RSVP_HEADER = 4 };

/* A whole RSVP object (RFC 8231 section 7.3.4, 2205 appendix A.5). */
static void
decode_rsvp_error(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    struct pcep_rsvp_error *error = pcep_alloc(d, c, 1, sizeof *error);
    struct cursor whole = *c;
    uint16_t size = cursor_be16(c, "RSVP object length");
    uint8_t class = cursor_u8(c, "RSVP Class-Num");
    uint8_t type = cursor_u8(c, "RSVP C-Type");
    unsigned family = type == 1 ? 4 : 6;
    if (!error)
        return;
    tlv->rsvp_error = error;
    if (class != RSVP_ERROR_SPEC || (type != 1 && type != 2)) {
        *c = whole;
        error->rest = pcep_rest(d, c);
        return;
    }
    if (size != cursor_left(c) + RSVP_HEADER)
        pcep_fail(d, c, cursor_offset(&whole), ERR_MALFORMED, PCEP_ERROR_MALFORMED,
                  "RSVP object length");
    error->node = pcep_address_read(c, family, "error node");
    error->flags = cursor_u8(c, "flags");
    error->code = cursor_u8(c, "error code");
    error->value = cursor_be16(c, "error value");
}

static void
encode_rsvp_error(struct pcep_encoder *e, const struct pcep_tlv *tlv)
{
    const struct pcep_rsvp_error *error = tlv->rsvp_error;
    if (!error) {
        pcep_encode_fail(e);
        return;
    }
    if (!error->node.family) {
        pcep_octets_write(e, &error->rest);
        return;
    }
    bool v6 = error->node.family == 6;
    buf_be16(e->out, v6 ? 24 : 12);
    buf_u8(e->out, RSVP_ERROR_SPEC);
    buf_u8(e->out, v6 ? 2 : 1);
    pcep_address_write(e, &error->node, v6 ? 6 : 4);
    buf_u8(e->out, error->flags);
    buf_u8(e->out, error->code);
    buf_be16(e->out, error->value);
}

static void
print_rsvp_error(const struct pcep_tlv *tlv, struct buf *out)
{
    const struct pcep_rsvp_error *error = tlv->rsvp_error;
    if (!error->node.family) {
        pcep_octets_print(&error->rest, out);
        return;
    }
    buf_str(out, "node:");
    pcep_address_print(&error->node, out);
    buf_printf(out, ",flags:%u,code:%u,value:%u", error->flags, error->code, error->value);
}

static void
decode_srv6_capability(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    cursor_skip(c, 2, "reserved");
    tlv->number = cursor_be16(c, "flags");
    uint32_t n = (uint32_t)(cursor_left(c) / 2);
    struct pcep_msd *list = pcep_alloc(d, c, n, sizeof *list);
    for (uint32_t i = 0; list && i < n; i++)
        list[i] = (struct pcep_msd){cursor_u8(c, "MSD-Type"), cursor_u8(c, "MSD-Value")};
    tlv->msds.list = list;
    tlv->msds.n = n;
}

static void
encode_srv6_capability(struct pcep_encoder *e, const struct pcep_tlv *tlv)
{
    if (tlv->number > UINT16_MAX)
        pcep_encode_fail(e);
    buf_be32(e->out, tlv->number);
    for (uint32_t i = 0; i < tlv->msds.n; i++) {
        buf_u8(e->out, tlv->msds.list[i].type);
        buf_u8(e->out, tlv->msds.list[i].value);
    }
}

static void
print_srv6_capability(const struct pcep_tlv *tlv, struct buf *out)
{
    buf_printf(out, "flags:0x%x", tlv->number);
    for (uint32_t i = 0; i < tlv->msds.n; i++)
        buf_printf(out, ",msd-%u:%u", tlv->msds.list[i].type, tlv->msds.list[i].value);
}

static void
decode_setup(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    struct pcep_setup_capability *setup = pcep_alloc(d, c, 1, sizeof *setup);
    struct pcep_tlvs subs;
    cursor_skip(c, 3, "reserved");
    size_t at = cursor_offset(c);
    uint8_t n = cursor_u8(c, "Num of PSTs");
    struct cursor types = cursor_split(c, n, "PST");
    if (!n) /* RFC 8408 section 3 */
        pcep_fail(d, c, at, ERR_MALFORMED, PCEP_ERROR_MALFORMED, "Num of PSTs");
    size_t padding = (4 - n % 4) % 4;
    cursor_skip(c, MIN(padding, cursor_left(c)), "padding");
    if (d->inner) /* no such thing is defined, and it would nest without end */
        pcep_fail(d, c, at, ERR_MALFORMED, PCEP_ERROR_MALFORMED, "sub-TLV");
    if (!setup || c->err)
        return;
    setup->types = pcep_rest(d, &types);
    cursor_join(c, &types);
    d->inner = true;
    pcep_tlvs_decode(d, c, &subs);
    d->inner = false;
    setup->sub_tlvs = subs.list;
    setup->n_sub_tlvs = subs.n;
    tlv->setup = setup;
}

static void
encode_setup(struct pcep_encoder *e, const struct pcep_tlv *tlv)
{
    const struct pcep_setup_capability *setup = tlv->setup;
    if (!setup || !setup->types.size || setup->types.size > UINT8_MAX) {
        pcep_encode_fail(e);
        return;
    }
    buf_be32(e->out, setup->types.size);
    pcep_octets_write(e, &setup->types);
    buf_zero(e->out, (4 - setup->types.size % 4) % 4);
    pcep_tlvs_encode(e, &(struct pcep_tlvs){setup->sub_tlvs, setup->n_sub_tlvs});
}

static void
print_setup(const struct pcep_tlv *tlv, struct buf *out)
{
    const struct pcep_setup_capability *setup = tlv->setup;
    for (uint32_t i = 0; i < setup->types.size; i++)
        buf_printf(out, "%s%u", i ? "," : "", setup->types.data[i]);
    if (!setup->n_sub_tlvs)
        return;
    buf_str(out, " (");
    pcep_tlvs_print(&(struct pcep_tlvs){setup->sub_tlvs, setup->n_sub_tlvs}, out);
    buf_str(out, " )");
}

static void
decode_binding(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    struct pcep_binding *binding = pcep_alloc(d, c, 1, sizeof *binding);
    if (!binding)
        return;
    if (tlv->type == PCEP_TLV_CISCO_BINDING_SID) {
        cursor_skip(c, 1, "BT");
        binding->type = cursor_u8(c, "BT");
    } else {
        binding->type = cursor_u8(c, "BT");
        binding->flags = cursor_u8(c, "Flags");
        cursor_skip(c, 2, "reserved");
    }
    if (binding->type == PCEP_BINDING_LABEL && tlv->type == PCEP_TLV_CISCO_BINDING_SID)
        binding->label = cursor_be32(c, "label") >> 12;
    else if (binding->type == PCEP_BINDING_LABEL)
        binding->label = cursor_be24(c, "label") >> 4;
    else if (binding->type == PCEP_BINDING_LABEL_ENTRY)
        binding->label = cursor_be32(c, "label stack entry");
    else if (binding->type <= PCEP_BINDING_SRV6_STRUCTURE)
        cursor_copy(c, binding->sid, sizeof binding->sid, "SRv6 SID");
    binding->rest = pcep_rest(d, c);
    tlv->binding = binding;
}

static void
encode_binding(struct pcep_encoder *e, const struct pcep_tlv *tlv)
{
    const struct pcep_binding *binding = tlv->binding;
    if (!binding) {
        pcep_encode_fail(e);
        return;
    }
    if (tlv->type == PCEP_TLV_CISCO_BINDING_SID) {
        buf_be16(e->out, binding->type);
    } else {
        buf_u8(e->out, binding->type);
        buf_u8(e->out, binding->flags);
        buf_be16(e->out, 0);
    }
    if (binding->type == PCEP_BINDING_LABEL && tlv->type == PCEP_TLV_CISCO_BINDING_SID)
        buf_be32(e->out, binding->label << 12);
    else if (binding->type == PCEP_BINDING_LABEL)
        buf_be24(e->out, binding->label << 4);
    else if (binding->type == PCEP_BINDING_LABEL_ENTRY)
        buf_be32(e->out, binding->label);
    else if (binding->type <= PCEP_BINDING_SRV6_STRUCTURE)
        buf_put(e->out, binding->sid, sizeof binding->sid);
    pcep_octets_write(e, &binding->rest);
}

static void
print_binding(const struct pcep_tlv *tlv, struct buf *out)
{
    const struct pcep_binding *binding = tlv->binding;
    buf_printf(out, "type:%u,flags:0x%x,", binding->type, binding->flags);
    if (binding->type == PCEP_BINDING_LABEL) {
        buf_printf(out, "label:%u", binding->label);
    } else if (binding->type == PCEP_BINDING_LABEL_ENTRY) {
        buf_printf(out, "label:%u", binding->label >> 12);
    } else if (binding->type <= PCEP_BINDING_SRV6_STRUCTURE) {
        struct pcep_address sid = {6, {0}};
        memcpy(sid.octets, binding->sid, sizeof sid.octets);
        pcep_address_print(&sid, out);
    }
    if (binding->rest.size) {
        buf_str(out, ",");
        pcep_octets_print(&binding->rest, out);
    }
}

static void
decode_cpath_id(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    struct pcep_cpath_id *id = pcep_alloc(d, c, 1, sizeof *id);
    if (!id)
        return;
    id->protocol_origin = cursor_u8(c, "Protocol Origin");
    cursor_skip(c, 3, "reserved");
    id->originator_asn = cursor_be32(c, "Originator ASN");
    cursor_copy(c, id->originator, sizeof id->originator, "Originator Address");
    id->discriminator = cursor_be32(c, "Discriminator");
    tlv->cpath_id = id;
}

static void
encode_cpath_id(struct pcep_encoder *e, const struct pcep_tlv *tlv)
{
    const struct pcep_cpath_id *id = tlv->cpath_id;
    if (!id) {
        pcep_encode_fail(e);
        return;
    }
    buf_be32(e->out, (uint32_t)id->protocol_origin << 24);
    buf_be32(e->out, id->originator_asn);
    buf_put(e->out, id->originator, sizeof id->originator);
    buf_be32(e->out, id->discriminator);
}

static void
print_cpath_id(const struct pcep_tlv *tlv, struct buf *out)
{
    const struct pcep_cpath_id *id = tlv->cpath_id;
    struct pcep_address originator = {6, {0}};
    memcpy(originator.octets, id->originator, sizeof originator.octets);
    buf_printf(out, "origin:%u,asn:%u,originator:", id->protocol_origin, id->originator_asn);
    pcep_address_print(&originator, out);
    buf_printf(out, ",discriminator:%u", id->discriminator);
}

/* ---- The table ------------------------------------------------------------------------------ */

#define NUMBER decode_number, encode_number, print_number
#define BITS decode_number, encode_number, print_hex
#define OCTETS decode_octets, encode_octets, print_octets
#define TEXT decode_octets, encode_octets, print_text
#define CODES decode_codes, encode_codes, print_codes

static const struct tlv_row rows[] = {
    {PCEP_TLV_NO_PATH_VECTOR, 4, 4, "NO-PATH-VECTOR", "RFC 5440 7.5", BITS},
    {PCEP_TLV_OVERLOAD_DURATION, 4, 4, "OVERLOAD-DURATION", "RFC 5440 7.14", NUMBER},
    {PCEP_TLV_REQ_MISSING, 4, 4, "REQ-MISSING", "RFC 5440 7.15", NUMBER},
    {PCEP_TLV_OF_LIST, 2, UINT16_MAX, "OF-List", "RFC 5541 2.1", CODES},
    {PCEP_TLV_VENDOR_INFORMATION, 4, UINT16_MAX, "VENDOR-INFORMATION", "RFC 7470 3", decode_vendor,
     encode_vendor, print_vendor},
    {PCEP_TLV_STATEFUL_PCE_CAPABILITY, 4, 4, "STATEFUL-PCE-CAPABILITY", "RFC 8231 7.1.1",
     decode_number, encode_number, print_stateful},
    {PCEP_TLV_SYMBOLIC_PATH_NAME, 1, UINT16_MAX, "SYMBOLIC-PATH-NAME", "RFC 8231 7.3.2", TEXT},
    {PCEP_TLV_IPV4_LSP_IDENTIFIERS, 16, 16, "IPV4-LSP-IDENTIFIERS", "RFC 8231 7.3.1", decode_ids4,
     encode_ids, print_ids},
    {PCEP_TLV_IPV6_LSP_IDENTIFIERS, 52, 52, "IPV6-LSP-IDENTIFIERS", "RFC 8231 7.3.1", decode_ids6,
     encode_ids, print_ids},
    {PCEP_TLV_LSP_ERROR_CODE, 4, 4, "LSP-ERROR-CODE", "RFC 8231 7.3.3", decode_number,
     encode_number, print_lsp_error},
    {PCEP_TLV_RSVP_ERROR_SPEC, 4, UINT16_MAX, "RSVP-ERROR-SPEC", "RFC 8231 7.3.4",
     decode_rsvp_error, encode_rsvp_error, print_rsvp_error},
    {PCEP_TLV_LSP_DB_VERSION, 8, 8, "LSP-DB-VERSION", "RFC 8232 3.3.1", decode_long, encode_long,
     print_long},
    {PCEP_TLV_SPEAKER_ENTITY_ID, 1, UINT16_MAX, "SPEAKER-ENTITY-ID", "RFC 8232 3.3.2", OCTETS},
    {PCEP_TLV_SR_PCE_CAPABILITY, 4, 4, "SR-PCE-CAPABILITY", "RFC 8664 4.1.2", decode_last_half,
     encode_last_half, print_sr_capability},
    {PCEP_TLV_SRV6_PCE_CAPABILITY, 4, UINT16_MAX, "SRv6-PCE-CAPABILITY", "RFC 9603 4.1.1",
     decode_srv6_capability, encode_srv6_capability, print_srv6_capability},
    {PCEP_TLV_PATH_SETUP_TYPE, 4, 4, "PATH-SETUP-TYPE", "RFC 8408 4", decode_last_octet,
     encode_last_octet, print_number},
    {PCEP_TLV_OP_CONF_ASSOC_RANGE, 8, UINT16_MAX, "OP-CONF-ASSOC-RANGE", "RFC 8697 3.4",
     decode_ranges, encode_ranges, print_ranges},
    {PCEP_TLV_GLOBAL_ASSOCIATION_SOURCE, 4, 4, "GLOBAL-ASSOCIATION-SOURCE", "RFC 8697 6.1.1",
     NUMBER},
    {PCEP_TLV_EXTENDED_ASSOCIATION_ID, 1, UINT16_MAX, "EXTENDED-ASSOCIATION-ID", "RFC 8697 6.1.2",
     OCTETS},
    {PCEP_TLV_PATH_SETUP_TYPE_CAPABILITY, 4, UINT16_MAX, "PATH-SETUP-TYPE-CAPABILITY", "RFC 8408 3",
     decode_setup, encode_setup, print_setup},
    {PCEP_TLV_ASSOC_TYPE_LIST, 2, UINT16_MAX, "ASSOC-Type-List", "RFC 8697 3.4", CODES},
    {PCEP_TLV_PATH_PROTECTION, 4, 4, "PATH-PROTECTION-ASSOCIATION", "RFC 8745 3.2", BITS},
    {PCEP_TLV_DISJOINTNESS_CONFIGURATION, 4, 4, "DISJOINTNESS-CONFIGURATION", "RFC 8800 4.2",
     decode_number, encode_number, print_disjointness},
    {PCEP_TLV_DISJOINTNESS_STATUS, 4, 4, "DISJOINTNESS-STATUS", "RFC 8800 4.2", decode_number,
     encode_number, print_disjointness},
    {PCEP_TLV_POLICY_PARAMETERS, 0, UINT16_MAX, "POLICY-PARAMETERS", "RFC 9005 5.1", OCTETS},
    {PCEP_TLV_BIDIRECTIONAL, 4, 4, "BIDIRECTIONAL-LSP-ASSOCIATION", "RFC 9059 4.2", BITS},
    {PCEP_TLV_TE_PATH_BINDING, 4, UINT16_MAX, "TE-PATH-BINDING", "RFC 9604 4", decode_binding,
     encode_binding, print_binding},
    {PCEP_TLV_SRPOLICY_POL_NAME, 1, UINT16_MAX, "SRPOLICY-POL-NAME", "RFC 9862 4.5.1", TEXT},
    {PCEP_TLV_SRPOLICY_CPATH_ID, 28, 28, "SRPOLICY-CPATH-ID", "RFC 9862 4.5.2", decode_cpath_id,
     encode_cpath_id, print_cpath_id},
    {PCEP_TLV_SRPOLICY_CPATH_NAME, 1, UINT16_MAX, "SRPOLICY-CPATH-NAME", "RFC 9862 4.5.3", TEXT},
    {PCEP_TLV_SRPOLICY_CPATH_PREFERENCE, 4, 4, "SRPOLICY-CPATH-PREFERENCE", "RFC 9862 4.5.4",
     NUMBER},
    {PCEP_TLV_LSP_EXTENDED_FLAG, 4, UINT16_MAX, "LSP-EXTENDED-FLAG", "RFC 9357 3", OCTETS},
    {PCEP_TLV_VIRTUAL_NETWORK, 1, UINT16_MAX, "VIRTUAL-NETWORK", "RFC 9358 5", TEXT},
    {PCEP_TLV_COLOR, 4, 4, "COLOR", "RFC 9863 3", NUMBER},
    {PCEP_TLV_COMPUTATION_PRIORITY, 4, 4, "COMPUTATION-PRIORITY", "RFC 9862 5.2.1",
     decode_first_octet, encode_first_octet, print_number},
    {PCEP_TLV_EXPLICIT_NULL_LABEL_POLICY, 4, 4, "EXPLICIT-NULL-LABEL-POLICY", "RFC 9862 5.2.2",
     decode_first_octet, encode_first_octet, print_number},
    {PCEP_TLV_INVALIDATION, 4, 4, "INVALIDATION", "RFC 9862 5.2.3", decode_first_half,
     encode_first_half, print_hex},
    {PCEP_TLV_SRPOLICY_CAPABILITY, 4, 4, "SRPOLICY-CAPABILITY", "RFC 9862 5.1", BITS},
    {PCEP_TLV_CISCO_BINDING_SID, 2, UINT16_MAX, "BINDING-SID(65505)", "none: as FRR writes it",
     decode_binding, encode_binding, print_binding},
};

/* The rows are in rising order, most of them with a type below 128. */
static const struct tlv_row *
find_row(unsigned type)
{
    size_t low = 0, high = ARRAY_SIZE(rows);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (rows[middle].type == type)
            return &rows[middle];
        if (rows[middle].type < type)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const char *
pcep_tlv_name(unsigned type)
{
    const struct tlv_row *row = find_row(type);
    return row ? row->name : NULL;
}

/* How many TLVs there are, whole or not. */
static uint32_t
count(struct cursor c)
{
    uint32_t n = 0;
    for (; cursor_left(&c); n++) {
        cursor_skip(&c, 2, "TLV Type");
        size_t size = cursor_be16(&c, "TLV Length");
        size = (size + 3) & ~(size_t)3;
        cursor_skip(&c, MIN(size, cursor_left(&c)), "TLV Value");
    }
    return n;
}

static void
decode_tlv(struct pcep_decoder *d, struct cursor *c, struct pcep_tlv *tlv)
{
    tlv->type = cursor_be16(c, "TLV Type");
    size_t at = cursor_offset(c);
    uint16_t size = cursor_be16(c, "TLV Length");
    const struct tlv_row *row = find_row(tlv->type);
    struct cursor value = cursor_split(c, size, row ? row->name : "TLV Value");
    size_t padding = (4 - size % 4u) % 4;
    cursor_skip(c, MIN(padding, cursor_left(c)), "padding");
    if (c->err)
        return;
    if (!row) {
        tlv->octets = pcep_rest(d, &value);
    } else if (size < row->min_size || size > row->max_size) {
        pcep_fail(d, c, at, ERR_MALFORMED, PCEP_ERROR_MALFORMED, row->name);
        return;
    } else {
        row->decode(d, &value, tlv);
    }
    cursor_join(c, &value);
}

void
pcep_tlvs_decode(struct pcep_decoder *d, struct cursor *c, struct pcep_tlvs *tlvs)
{
    *tlvs = (struct pcep_tlvs){0};
    if (!cursor_left(c))
        return;
    uint32_t n = count(*c);
    struct pcep_tlv *list = pcep_alloc(d, c, n, sizeof *list);
    for (uint32_t i = 0; i < n && !c->err; i++)
        decode_tlv(d, c, &list[i]);
    if (!c->err)
        *tlvs = (struct pcep_tlvs){list, n};
}

void
pcep_tlvs_encode(struct pcep_encoder *e, const struct pcep_tlvs *tlvs)
{
    for (uint32_t i = 0; i < tlvs->n; i++) {
        const struct pcep_tlv *tlv = &tlvs->list[i];
        const struct tlv_row *row = find_row(tlv->type);
        buf_be16(e->out, tlv->type);
        size_t at = e->out->size;
        buf_be16(e->out, 0);
        if (row)
            row->encode(e, tlv);
        else
            pcep_octets_write(e, &tlv->octets);
        size_t size = e->out->size - at - 2;
        if (size > UINT16_MAX || (row && (size < row->min_size || size > row->max_size)))
            pcep_encode_fail(e);
        buf_patch_be16(e->out, at, (uint16_t)size);
        buf_pad(e->out, at + 2, 4);
    }
}

void
pcep_tlvs_print(const struct pcep_tlvs *tlvs, struct buf *out)
{
    for (uint32_t i = 0; i < tlvs->n; i++) {
        const struct pcep_tlv *tlv = &tlvs->list[i];
        const struct tlv_row *row = find_row(tlv->type);
        if (row) {
            buf_printf(out, " %s=", row->name);
            row->print(tlv, out);
        } else {
            buf_printf(out, " TLV-%u=", tlv->type);
            pcep_octets_print(&tlv->octets, out);
        }
    }
}

const struct pcep_tlv *
pcep_tlv_find(const struct pcep_tlvs *tlvs, unsigned type)
{
    for (uint32_t i = 0; i < tlvs->n; i++) {
        if (tlvs->list[i].type == type)
            return &tlvs->list[i];
    }
    return NULL;
}

uint32_t
pcep_tlv_number(const struct pcep_tlvs *tlvs, unsigned type, uint32_t otherwise)
{
    const struct pcep_tlv *tlv = pcep_tlv_find(tlvs, type);
    return tlv ? tlv->number : otherwise;
}
