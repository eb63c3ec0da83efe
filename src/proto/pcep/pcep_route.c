/* Subobjects of ERO, RRO, IRO and XRO (RFC 3209 section 4.3, 3477, 4874, 5521, 8664, 9603): one
 * table. Their forms differ a little: an RRO's have flags and no L, an XRO's an attribute. Unknown
 * ones are kept as octets. */
#include "proto/pcep/pcep_wire.h"

enum { IN_ERO = 1, IN_RRO = 2, IN_IRO = 4, IN_XRO = 8, ANYWHERE = 15 };

enum { SUBOBJECT_HEADER = 2, SUBOBJECT_MAX = 255 };

struct hop_row {
    uint8_t type, min_size, max_size; /* octets behind type and length */
    uint8_t where;
    const char *name, *ref;
    void (*decode)(struct pcep_decoder *, struct cursor *, unsigned in, struct pcep_hop *);
    void (*encode)(struct pcep_encoder *, unsigned in, const struct pcep_hop *);
    void (*print)(unsigned in, const struct pcep_hop *, struct buf *);
};

static unsigned
place(unsigned class)
{
    switch (class) {
    case PCEP_CLASS_RRO:
        return IN_RRO;
    case PCEP_CLASS_IRO:
        return IN_IRO;
    case PCEP_CLASS_XRO:
        return IN_XRO;
    default:
        return IN_ERO;
    }
}

/* ---- Addresses ------------------------------------------------------------------------------ */

/* The octet that is flags in an RRO, an attribute in an XRO and nothing elsewhere. */
static void
decode_last(struct cursor *c, unsigned in, struct pcep_hop *hop)
{
    uint8_t value = cursor_u8(c, "flags");
    if (in == IN_RRO)
        hop->flags = value;
    else if (in == IN_XRO)
        hop->attribute = value;
}

static uint8_t
last(unsigned in, const struct pcep_hop *hop)
{
    return in == IN_RRO ? hop->flags : in == IN_XRO ? hop->attribute : 0;
}

static void
decode_prefix(struct pcep_decoder *d, struct cursor *c, unsigned in, struct pcep_hop *hop)
{
    unsigned family = hop->type == PCEP_HOP_IPV6 ? 6 : 4;
    hop->address = pcep_address_read(c, family, "prefix");
    size_t at = cursor_offset(c);
    hop->prefix_length = cursor_u8(c, "Prefix Length");
    if (hop->prefix_length > (family == 6 ? 128 : 32))
        pcep_fail(d, c, at, ERR_INVALID, PCEP_ERROR_MALFORMED, "Prefix Length");
    decode_last(c, in, hop);
}

static void
encode_prefix(struct pcep_encoder *e, unsigned in, const struct pcep_hop *hop)
{
    unsigned family = hop->type == PCEP_HOP_IPV6 ? 6 : 4;
    if (hop->prefix_length > (family == 6 ? 128 : 32))
        pcep_encode_fail(e);
    pcep_address_write(e, &hop->address, family);
    buf_u8(e->out, hop->prefix_length);
    buf_u8(e->out, last(in, hop));
}

static void
print_prefix(unsigned in, const struct pcep_hop *hop, struct buf *out)
{
    (void)in;
    pcep_address_print(&hop->address, out);
    buf_printf(out, "/%u", hop->prefix_length);
}

/* ---- Numbers -------------------------------------------------------------------------------- */

static void
decode_label(struct pcep_decoder *d, struct cursor *c, unsigned in, struct pcep_hop *hop)
{
    (void)d;
    (void)in;
    hop->flags = cursor_u8(c, "flags");
    hop->attribute = cursor_u8(c, "C-Type");
    hop->number = cursor_be32(c, "label");
}

static void
encode_label(struct pcep_encoder *e, unsigned in, const struct pcep_hop *hop)
{
    (void)in;
    buf_u8(e->out, hop->flags);
    buf_u8(e->out, hop->attribute);
    buf_be32(e->out, hop->number);
}

static void
print_label(unsigned in, const struct pcep_hop *hop, struct buf *out)
{
    (void)in;
    buf_printf(out, "label:%u;type=%u", hop->number, hop->attribute);
}

static void
decode_unnumbered(struct pcep_decoder *d, struct cursor *c, unsigned in, struct pcep_hop *hop)
{
    (void)d;
    if (in == IN_RRO) /* RFC 3477 section 5: flags first */
        hop->flags = cursor_u8(c, "flags");
    else
        cursor_skip(c, 1, "reserved");
    uint8_t attribute = cursor_u8(c, "attribute");
    if (in == IN_XRO)
        hop->attribute = attribute;
    hop->address = pcep_address_read(c, 4, "Router ID");
    hop->interface = cursor_be32(c, "Interface ID");
}

static void
encode_unnumbered(struct pcep_encoder *e, unsigned in, const struct pcep_hop *hop)
{
    buf_u8(e->out, in == IN_RRO ? hop->flags : 0);
    buf_u8(e->out, in == IN_XRO ? hop->attribute : 0);
    pcep_address_write(e, &hop->address, 4);
    buf_be32(e->out, hop->interface);
}

static void
print_unnumbered(unsigned in, const struct pcep_hop *hop, struct buf *out)
{
    (void)in;
    pcep_address_print(&hop->address, out);
    buf_printf(out, "#%u", hop->interface);
}

static void
decode_as(struct pcep_decoder *d, struct cursor *c, unsigned in, struct pcep_hop *hop)
{
    (void)d;
    if (in == IN_XRO) { /* RFC 5521 section 2.1.1: with room for four octets */
        cursor_skip(c, 1, "reserved");
        hop->attribute = cursor_u8(c, "attribute");
        hop->number = cursor_be32(c, "AS number");
    } else {
        hop->number = cursor_be16(c, "AS number");
    }
}

static void
encode_as(struct pcep_encoder *e, unsigned in, const struct pcep_hop *hop)
{
    if (in == IN_XRO) {
        buf_be16(e->out, hop->attribute);
        buf_be32(e->out, hop->number);
        return;
    }
    if (hop->number > UINT16_MAX)
        pcep_encode_fail(e);
    buf_be16(e->out, (uint16_t)hop->number);
}

static void
print_as(unsigned in, const struct pcep_hop *hop, struct buf *out)
{
    (void)in;
    buf_printf(out, "as:%u", hop->number);
}

static void
decode_srlg(struct pcep_decoder *d, struct cursor *c, unsigned in, struct pcep_hop *hop)
{
    (void)d;
    (void)in;
    hop->number = cursor_be32(c, "SRLG Id");
    cursor_skip(c, 1, "reserved");
    hop->attribute = cursor_u8(c, "attribute");
}

static void
encode_srlg(struct pcep_encoder *e, unsigned in, const struct pcep_hop *hop)
{
    (void)in;
    buf_be32(e->out, hop->number);
    buf_be16(e->out, hop->attribute);
}

static void
print_srlg(unsigned in, const struct pcep_hop *hop, struct buf *out)
{
    (void)in;
    buf_printf(out, "srlg:%u", hop->number);
}

/* ---- Segments ------------------------------------------------------------------------------- */

/* What an NAI of each type is made of. */
static const struct nai_row {
    uint8_t family;
    bool remote, interfaces;
    uint8_t size;
} nai_rows[] = {
    [PCEP_NAI_NONE] = {0, false, false, 0},
    [PCEP_NAI_IPV4_NODE] = {4, false, false, 4},
    [PCEP_NAI_IPV6_NODE] = {6, false, false, 16},
    [PCEP_NAI_IPV4_ADJACENCY] = {4, true, false, 8},
    [PCEP_NAI_IPV6_GLOBAL_ADJACENCY] = {6, true, false, 32},
    [PCEP_NAI_UNNUMBERED] = {4, true, true, 16},
    [PCEP_NAI_IPV6_LINK_LOCAL] = {6, true, true, 40},
};

static void
decode_nai(struct cursor *c, struct pcep_hop *hop)
{
    const struct nai_row *row = &nai_rows[hop->nai_type];
    hop->address = pcep_address_read(c, row->family, "NAI");
    if (row->interfaces)
        hop->interface = cursor_be32(c, "NAI interface");
    if (row->remote)
        hop->remote = pcep_address_read(c, row->family, "NAI");
    if (row->interfaces)
        hop->remote_interface = cursor_be32(c, "NAI interface");
}

static void
encode_nai(struct pcep_encoder *e, const struct pcep_hop *hop)
{
    const struct nai_row *row = &nai_rows[hop->nai_type];
    pcep_address_write(e, &hop->address, row->family);
    if (row->interfaces)
        buf_be32(e->out, hop->interface);
    if (row->remote)
        pcep_address_write(e, &hop->remote, row->family);
    if (row->interfaces)
        buf_be32(e->out, hop->remote_interface);
}

static void
print_nai(const struct pcep_hop *hop, struct buf *out)
{
    const struct nai_row *row = &nai_rows[hop->nai_type];
    buf_str(out, "(");
    pcep_address_print(&hop->address, out);
    if (row->interfaces)
        buf_printf(out, "#%u", hop->interface);
    if (row->remote) {
        buf_str(out, "-");
        pcep_address_print(&hop->remote, out);
    }
    if (row->interfaces)
        buf_printf(out, "#%u", hop->remote_interface);
    buf_str(out, ")");
}

/* RFC 8664 section 5.2.1: NT, F, S and the length must agree. */
static bool
is_sr_consistent(const struct pcep_hop *hop, size_t size)
{
    bool nai = !(hop->sr_flags & PCEP_SR_F), sid = !(hop->sr_flags & PCEP_SR_S);
    if (nai == (hop->nai_type == PCEP_NAI_NONE))
        return false;
    if (hop->sr_flags & PCEP_SR_C && !(hop->sr_flags & PCEP_SR_M))
        return false;
    return size == (size_t)2 + (sid ? 4 : 0) + (nai ? nai_rows[hop->nai_type].size : 0);
}

static void
decode_sr(struct pcep_decoder *d, struct cursor *c, unsigned in, struct pcep_hop *hop)
{
    size_t at = cursor_offset(c), size = cursor_left(c);
    uint16_t first = cursor_be16(c, "NT and flags");
    hop->nai_type = (uint8_t)(first >> 12);
    hop->sr_flags = first & 0xfff;
    if ((hop->sr_flags & (PCEP_SR_F | PCEP_SR_S)) == (PCEP_SR_F | PCEP_SR_S))
        pcep_fail(d, c, at, ERR_INVALID,
                  in == IN_RRO ? PCEP_ERROR_NO_SID_NOR_NAI_IN_RRO
                               : PCEP_ERROR_NO_SID_NOR_NAI_IN_ERO,
                  "SID and NAI");
    if (hop->nai_type >= ARRAY_SIZE(nai_rows))
        pcep_fail(d, c, at, ERR_UNSUPPORTED, PCEP_ERROR_NAI_TYPE, "NT");
    else if (!is_sr_consistent(hop, size))
        pcep_fail(d, c, at, ERR_MALFORMED, PCEP_ERROR_MALFORMED, "NT, flags and length");
    if (c->err)
        return;
    if (!(hop->sr_flags & PCEP_SR_S))
        hop->number = cursor_be32(c, "SID");
    if (hop->nai_type)
        decode_nai(c, hop);
}

static void
encode_sr(struct pcep_encoder *e, unsigned in, const struct pcep_hop *hop)
{
    (void)in;
    bool sid = !(hop->sr_flags & PCEP_SR_S), nai = !(hop->sr_flags & PCEP_SR_F);
    if (hop->nai_type >= ARRAY_SIZE(nai_rows) || hop->sr_flags > 0xfff || (!sid && !nai) ||
        !is_sr_consistent(hop, (size_t)2 + (sid ? 4 : 0) +
                                   (nai ? nai_rows[hop->nai_type % 7].size : 0))) {
        pcep_encode_fail(e);
        return;
    }
    buf_be16(e->out, (uint16_t)(hop->nai_type << 12 | hop->sr_flags));
    if (sid)
        buf_be32(e->out, hop->number);
    if (nai)
        encode_nai(e, hop);
}

static void
print_sr(unsigned in, const struct pcep_hop *hop, struct buf *out)
{
    (void)in;
    if (hop->sr_flags & PCEP_SR_S)
        buf_str(out, "nosid");
    else if (hop->sr_flags & PCEP_SR_M)
        buf_printf(out, "%u", pcep_hop_label(hop));
    else
        buf_printf(out, "index:%u", hop->number);
    if (hop->sr_flags & PCEP_SR_C)
        buf_printf(out, ";tc-s-ttl=0x%03x", hop->number & 0xfff);
    if (hop->nai_type)
        print_nai(hop, out);
}

/* RFC 9603 section 5.2.1. */
static bool
is_srv6_consistent(const struct pcep_hop *hop, size_t size)
{
    bool nai = !(hop->sr_flags & PCEP_SRV6_F), sid = !(hop->sr_flags & PCEP_SRV6_S);
    bool structure = hop->sr_flags & PCEP_SRV6_T;
    if (nai == (hop->nai_type == PCEP_NAI_NONE) || (structure && !sid))
        return false;
    return size == (size_t)6 + (sid ? 16 : 0) + (nai ? nai_rows[hop->nai_type].size : 0) +
                       (structure ? 8 : 0);
}

static void
decode_srv6(struct pcep_decoder *d, struct cursor *c, unsigned in, struct pcep_hop *hop)
{
    size_t at = cursor_offset(c), size = cursor_left(c);
    uint16_t first = cursor_be16(c, "NT and flags");
    hop->nai_type = (uint8_t)(first >> 12);
    hop->sr_flags = first & 0xfff;
    if ((hop->sr_flags & (PCEP_SRV6_F | PCEP_SRV6_S)) == (PCEP_SRV6_F | PCEP_SRV6_S))
        pcep_fail(d, c, at, ERR_INVALID,
                  in == IN_RRO ? PCEP_ERROR_NO_SRV6_SID_NOR_NAI_IN_RRO
                               : PCEP_ERROR_NO_SRV6_SID_NOR_NAI_IN_ERO,
                  "SID and NAI");
    if (hop->nai_type % 2 || hop->nai_type > PCEP_NAI_IPV6_LINK_LOCAL)
        pcep_fail(d, c, at, ERR_UNSUPPORTED, PCEP_ERROR_SRV6_NAI_TYPE, "NT");
    else if (!is_srv6_consistent(hop, size))
        pcep_fail(d, c, at, ERR_MALFORMED, PCEP_ERROR_MALFORMED, "NT, flags and length");
    if (c->err)
        return;
    cursor_skip(c, 2, "reserved");
    hop->behavior = cursor_be16(c, "Endpoint Behavior");
    if (!(hop->sr_flags & PCEP_SRV6_S))
        cursor_copy(c, hop->sid, sizeof hop->sid, "SRv6 SID");
    if (hop->nai_type)
        decode_nai(c, hop);
    if (!(hop->sr_flags & PCEP_SRV6_T))
        return;
    cursor_copy(c, hop->structure, sizeof hop->structure, "SID structure");
    cursor_skip(c, 4, "reserved");
    if (hop->structure[0] + hop->structure[1] + hop->structure[2] + hop->structure[3] > 128)
        pcep_fail(d, c, at, ERR_INVALID, PCEP_ERROR_SRV6_STRUCTURE, "SID structure");
}

static void
encode_srv6(struct pcep_encoder *e, unsigned in, const struct pcep_hop *hop)
{
    (void)in;
    bool sid = !(hop->sr_flags & PCEP_SRV6_S), nai = !(hop->sr_flags & PCEP_SRV6_F);
    bool structure = hop->sr_flags & PCEP_SRV6_T;
    if (hop->nai_type % 2 || hop->nai_type > PCEP_NAI_IPV6_LINK_LOCAL || hop->sr_flags > 0xfff ||
        (!sid && (!nai || structure)) || nai == (hop->nai_type == PCEP_NAI_NONE)) {
        pcep_encode_fail(e);
        return;
    }
    buf_be16(e->out, (uint16_t)(hop->nai_type << 12 | hop->sr_flags));
    buf_be16(e->out, 0);
    buf_be16(e->out, hop->behavior);
    if (sid)
        buf_put(e->out, hop->sid, sizeof hop->sid);
    if (nai)
        encode_nai(e, hop);
    if (structure) {
        buf_put(e->out, hop->structure, sizeof hop->structure);
        buf_be32(e->out, 0);
    }
}

static void
print_srv6(unsigned in, const struct pcep_hop *hop, struct buf *out)
{
    (void)in;
    struct pcep_address sid = {6, {0}};
    memcpy(sid.octets, hop->sid, sizeof sid.octets);
    if (hop->sr_flags & PCEP_SRV6_S)
        buf_str(out, "nosid");
    else
        pcep_address_print(&sid, out);
    buf_printf(out, ";behavior=%u", hop->behavior);
    if (hop->sr_flags & PCEP_SRV6_T)
        buf_printf(out, ";structure=%u/%u/%u/%u", hop->structure[0], hop->structure[1],
                   hop->structure[2], hop->structure[3]);
    if (hop->nai_type)
        print_nai(hop, out);
}

/* ---- The table ------------------------------------------------------------------------------ */

static const struct hop_row rows[] = {
    {PCEP_HOP_SR, 2, 46, IN_ERO | IN_RRO | IN_IRO, "SR", "RFC 8664 4.3.1", decode_sr, encode_sr,
     print_sr},
    {PCEP_HOP_IPV4, 6, 6, ANYWHERE, "IPv4 prefix", "RFC 3209 4.3.3.2", decode_prefix, encode_prefix,
     print_prefix},
    {PCEP_HOP_IPV6, 18, 18, ANYWHERE, "IPv6 prefix", "RFC 3209 4.3.3.3", decode_prefix,
     encode_prefix, print_prefix},
    {PCEP_HOP_LABEL, 6, 6, IN_ERO | IN_RRO, "label", "RFC 3473 5.1", decode_label, encode_label,
     print_label},
    {PCEP_HOP_UNNUMBERED, 10, 10, ANYWHERE, "unnumbered interface", "RFC 3477 4", decode_unnumbered,
     encode_unnumbered, print_unnumbered},
    {PCEP_HOP_AS, 2, 2, IN_ERO | IN_RRO | IN_IRO, "AS number", "RFC 3209 4.3.3.4", decode_as,
     encode_as, print_as},
    {PCEP_HOP_AS, 6, 6, IN_XRO, "AS number", "RFC 5521 2.1.1", decode_as, encode_as, print_as},
    {PCEP_HOP_SRLG, 6, 6, IN_XRO, "SRLG", "RFC 5521 2.1.1", decode_srlg, encode_srlg, print_srlg},
    {PCEP_HOP_SRV6, 6, 62 + 8, IN_ERO | IN_RRO | IN_IRO, "SRv6", "RFC 9603 4.3.1", decode_srv6,
     encode_srv6, print_srv6},
};

static const struct hop_row *
find_row(unsigned type, unsigned in)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].type == type && rows[i].where & in)
            return &rows[i];
    }
    return NULL;
}

static uint32_t
count(struct cursor c)
{
    uint32_t n = 0;
    for (; cursor_left(&c); n++) {
        cursor_skip(&c, 1, "subobject type");
        size_t size = cursor_u8(&c, "subobject length");
        size = MAX(size, SUBOBJECT_HEADER) - SUBOBJECT_HEADER;
        cursor_skip(&c, MIN(size, cursor_left(&c)), "subobject");
    }
    return n;
}

static void
decode_hop(struct pcep_decoder *d, struct cursor *c, unsigned in, struct pcep_hop *hop)
{
    uint8_t first = cursor_u8(c, "subobject type");
    hop->type = in == IN_RRO ? first : first & 0x7f;
    hop->loose = in != IN_RRO && first & 0x80;
    size_t at = cursor_offset(c);
    uint8_t size = cursor_u8(c, "subobject length");
    const struct hop_row *row = find_row(hop->type, in);
    if (size < SUBOBJECT_HEADER || size % 4) /* RFC 3209 section 4.3.3.1 */
        pcep_fail(d, c, at, ERR_MALFORMED, PCEP_ERROR_MALFORMED, "subobject length");
    if (c->err)
        return;
    struct cursor body = cursor_split(c, size - SUBOBJECT_HEADER, "subobject");
    if (c->err)
        return;
    if (!row) {
        hop->octets = pcep_rest(d, &body);
    } else if (size - SUBOBJECT_HEADER < row->min_size || size - SUBOBJECT_HEADER > row->max_size) {
        pcep_fail(d, c, at, ERR_MALFORMED, PCEP_ERROR_MALFORMED, row->name);
        return;
    } else {
        row->decode(d, &body, in, hop);
    }
    cursor_join(c, &body);
}

/* RFC 8664 section 5.2.1, 9603 section 5.2.1: an ERO or RRO is of segments, or has none. */
static void
check_mixture(struct pcep_decoder *d, struct cursor *c, unsigned class,
              const struct pcep_route *route)
{
    uint32_t n_sr = 0, n_srv6 = 0;
    for (uint32_t i = 0; i < route->n; i++) {
        n_sr += route->hops[i].type == PCEP_HOP_SR;
        n_srv6 += route->hops[i].type == PCEP_HOP_SRV6;
    }
    bool rro = class == PCEP_CLASS_RRO;
    if (n_srv6 && n_srv6 != route->n)
        pcep_fail(d, c, cursor_offset(c), ERR_INVALID,
                  rro ? PCEP_ERROR_MIXED_SRV6_RRO : PCEP_ERROR_MIXED_SRV6_ERO, "subobjects");
    if (n_sr && n_sr != route->n)
        pcep_fail(d, c, cursor_offset(c), ERR_INVALID,
                  rro ? PCEP_ERROR_MIXED_RRO : PCEP_ERROR_MIXED_ERO, "subobjects");
}

void
pcep_route_decode(struct pcep_decoder *d, struct cursor *c, unsigned class,
                  struct pcep_route *route)
{
    unsigned in = place(class);
    uint32_t n = count(*c);
    struct pcep_hop *hops = n ? pcep_alloc(d, c, n, sizeof *hops) : NULL;
    for (uint32_t i = 0; i < n && !c->err; i++)
        decode_hop(d, c, in, &hops[i]);
    if (c->err)
        return;
    route->hops = hops;
    route->n = n;
    if (in & (IN_ERO | IN_RRO))
        check_mixture(d, c, class, route);
}

void
pcep_route_encode(struct pcep_encoder *e, unsigned class, const struct pcep_route *route)
{
    unsigned in = place(class);
    for (uint32_t i = 0; i < route->n; i++) {
        const struct pcep_hop *hop = &route->hops[i];
        const struct hop_row *row = find_row(hop->type, in);
        size_t start = e->out->size;
        if (in == IN_RRO ? hop->loose : hop->type > 0x7f)
            pcep_encode_fail(e);
        buf_u8(e->out, (uint8_t)(hop->type | (hop->loose ? 0x80 : 0)));
        buf_u8(e->out, 0);
        if (row)
            row->encode(e, in, hop);
        else if (hop->octets.data)
            pcep_octets_write(e, &hop->octets);
        else
            pcep_encode_fail(e);
        size_t size = e->out->size - start;
        if (size > SUBOBJECT_MAX || size % 4)
            pcep_encode_fail(e);
        if (!buf_err(e->out))
            e->out->data[start + 1] = (uint8_t)size;
    }
}

static void
print_hop(const struct pcep_hop *hop, unsigned in, struct buf *out)
{
    const struct hop_row *row = find_row(hop->type, in);
    if (hop->loose)
        buf_str(out, in == IN_XRO ? "soft " : "loose ");
    if (row) {
        row->print(in, hop, out);
    } else {
        buf_printf(out, "type:%u:", hop->type);
        pcep_octets_print(&hop->octets, out);
    }
    if (hop->flags)
        buf_printf(out, ";flags=0x%x", hop->flags);
    if (hop->attribute && hop->type != PCEP_HOP_LABEL)
        buf_printf(out, ";attribute=%u", hop->attribute);
}

void
pcep_hops_print(const struct pcep_route *route, unsigned class, struct buf *out)
{
    for (uint32_t i = 0; i < route->n; i++) {
        if (i)
            buf_str(out, ",");
        print_hop(&route->hops[i], place(class), out);
    }
}

void
pcep_route_print(const struct pcep_route *route, struct buf *out)
{
    pcep_hops_print(route, PCEP_CLASS_ERO, out);
}
