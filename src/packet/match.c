#include "packet/match.h"

#include "base/hash.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* OpenFlow 1.3 table 12: the values another field must have for this one to exist. Each field has
 * at most one alternative pair of requirements; VLAN_PCP's "not NONE" is the bit VLAN_PRESENT. */
enum needs {
    NEEDS_NOTHING,
    NEEDS_VLAN,
    NEEDS_IP, /* IPv4 or IPv6 */
    NEEDS_IPV4,
    NEEDS_IPV6,
    NEEDS_ARP,
    NEEDS_MPLS,
    NEEDS_PBB,
    NEEDS_TCP,
    NEEDS_UDP,
    NEEDS_SCTP,
    NEEDS_ICMPV4,
    NEEDS_ICMPV6,
    NEEDS_ND,     /* ICMPv6 type 135 or 136 */
    NEEDS_ND_135, /* neighbour solicitation */
    NEEDS_ND_136, /* neighbour advertisement */
};

static const uint8_t needs_table[FIELD_MAX] = {
    [FIELD_VLAN_PCP] = NEEDS_VLAN,      [FIELD_IP_DSCP] = NEEDS_IP,
    [FIELD_IP_ECN] = NEEDS_IP,          [FIELD_IP_PROTO] = NEEDS_IP,
    [FIELD_IPV4_SRC] = NEEDS_IPV4,      [FIELD_IPV4_DST] = NEEDS_IPV4,
    [FIELD_TCP_SRC] = NEEDS_TCP,        [FIELD_TCP_DST] = NEEDS_TCP,
    [FIELD_UDP_SRC] = NEEDS_UDP,        [FIELD_UDP_DST] = NEEDS_UDP,
    [FIELD_SCTP_SRC] = NEEDS_SCTP,      [FIELD_SCTP_DST] = NEEDS_SCTP,
    [FIELD_ICMPV4_TYPE] = NEEDS_ICMPV4, [FIELD_ICMPV4_CODE] = NEEDS_ICMPV4,
    [FIELD_ARP_OP] = NEEDS_ARP,         [FIELD_ARP_SPA] = NEEDS_ARP,
    [FIELD_ARP_TPA] = NEEDS_ARP,        [FIELD_ARP_SHA] = NEEDS_ARP,
    [FIELD_ARP_THA] = NEEDS_ARP,        [FIELD_IPV6_SRC] = NEEDS_IPV6,
    [FIELD_IPV6_DST] = NEEDS_IPV6,      [FIELD_IPV6_FLABEL] = NEEDS_IPV6,
    [FIELD_ICMPV6_TYPE] = NEEDS_ICMPV6, [FIELD_ICMPV6_CODE] = NEEDS_ICMPV6,
    [FIELD_IPV6_ND_TARGET] = NEEDS_ND,  [FIELD_IPV6_ND_SLL] = NEEDS_ND_135,
    [FIELD_IPV6_ND_TLL] = NEEDS_ND_136, [FIELD_MPLS_LABEL] = NEEDS_MPLS,
    [FIELD_MPLS_TC] = NEEDS_MPLS,       [FIELD_MPLS_BOS] = NEEDS_MPLS,
    [FIELD_PBB_ISID] = NEEDS_PBB,       [FIELD_IPV6_EXTHDR] = NEEDS_IPV6,
    [FIELD_PBB_UCA] = NEEDS_PBB,
};

static bool
key_meets(const struct flow_key *key, enum needs needs)
{
    uint16_t type = from_be16(key->eth_type);
    bool ip = type == ETH_TYPE_IPV4 || type == ETH_TYPE_IPV6;
    uint8_t icmp_type = (uint8_t)flow_key_get(key, FIELD_ICMPV6_TYPE);
    switch (needs) {
    case NEEDS_NOTHING:
        return true;
    case NEEDS_VLAN:
        return from_be16(key->vlan_vid) & VLAN_PRESENT;
    case NEEDS_IP:
        return ip;
    case NEEDS_IPV4:
        return type == ETH_TYPE_IPV4;
    case NEEDS_IPV6:
        return type == ETH_TYPE_IPV6;
    case NEEDS_ARP:
        return type == ETH_TYPE_ARP;
    case NEEDS_MPLS:
        return type == ETH_TYPE_MPLS || type == ETH_TYPE_MPLS_MULTICAST;
    case NEEDS_PBB:
        return type == ETH_TYPE_PBB;
    case NEEDS_TCP:
        return ip && key->ip_proto == IP_PROTO_TCP;
    case NEEDS_UDP:
        return ip && key->ip_proto == IP_PROTO_UDP;
    case NEEDS_SCTP:
        return ip && key->ip_proto == IP_PROTO_SCTP;
    case NEEDS_ICMPV4:
        return type == ETH_TYPE_IPV4 && key->ip_proto == IP_PROTO_ICMP;
    case NEEDS_ICMPV6:
        return type == ETH_TYPE_IPV6 && key->ip_proto == IP_PROTO_ICMPV6;
    case NEEDS_ND:
        return key_meets(key, NEEDS_ICMPV6) && (icmp_type == 135 || icmp_type == 136);
    case NEEDS_ND_135:
        return key_meets(key, NEEDS_ICMPV6) && icmp_type == 135;
    case NEEDS_ND_136:
        return key_meets(key, NEEDS_ICMPV6) && icmp_type == 136;
    }
    return false;
}

bool
flow_key_has_field(const struct flow_key *key, enum field field)
{
    return key_meets(key, needs_table[field]);
}

/* A match's value is a key in which everything unmatched is zero, and no prerequisite asks for zero
 * where the field shares its place, so the value alone decides. */
bool
match_allows(const struct match *m, enum field field)
{
    return key_meets(&m->value, needs_table[field]);
}

static bool
is_zero(const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (octets[i])
            return false;
    }
    return true;
}

bool
match_has(const struct match *m, enum field field)
{
    const struct field_info *info = &field_table[field];
    return info->name && !is_zero(flow_key_field_const(&m->mask, field), info->size) &&
           match_allows(m, field);
}

void
field_full_mask(enum field field, uint8_t *mask)
{
    int bits = field_table[field].bits;
    for (int i = field_table[field].size; i-- > 0; bits -= 8)
        mask[i] = bits >= 8 ? 0xff : bits > 0 ? (uint8_t)((1 << bits) - 1) : 0;
}

enum err
match_add(struct match *m, enum field field, const uint8_t *value, const uint8_t *mask)
{
    const struct field_info *info = &field_table[field];
    uint8_t full[16];
    field_full_mask(field, full);
    if (!match_allows(m, field))
        return ERR_INVALID;
    if (!is_zero(flow_key_field_const(&m->mask, field), info->size))
        return ERR_EXISTS;
    if (mask && !memcmp(mask, full, info->size))
        mask = NULL;
    if (mask && !info->maskable)
        return ERR_UNSUPPORTED;
    for (int i = 0; i < info->size; i++) {
        if ((mask && mask[i] & ~full[i]) || value[i] & ~(mask ? mask[i] : full[i]))
            return ERR_MALFORMED;
    }
    memcpy(flow_key_field(&m->value, field), value, info->size);
    memcpy(flow_key_field(&m->mask, field), mask ? mask : full, info->size);
    return ERR_OK;
}

static void
put_integer(uint8_t *octets, size_t size, uint64_t value)
{
    for (size_t i = size; i-- > 0; value >>= 8)
        octets[i] = (uint8_t)value;
}

void
match_set_masked(struct match *m, enum field field, uint64_t value, uint64_t mask)
{
    uint8_t v[16], k[16];
    size_t size = field_table[field].size;
    assert(size <= 8);
    put_integer(v, size, value & mask);
    put_integer(k, size, mask);
    if (match_add(m, field, v, k))
        abort();
}

void
match_set(struct match *m, enum field field, uint64_t value)
{
    int bits = field_table[field].bits;
    match_set_masked(m, field, value, bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1);
}

void
match_set_mac(struct match *m, enum field field, const struct mac *mac)
{
    if (match_add(m, field, mac->octets, NULL))
        abort();
}

bool
match_equal(const struct match *a, const struct match *b)
{
    return !memcmp(a, b, sizeof *a);
}

bool
match_contains(const struct match *outer, const struct match *inner)
{
    for (int i = 0; i < FLOW_KEY_WORDS; i++) {
        uint64_t mask = outer->mask.words[i];
        if ((mask & ~inner->mask.words[i]) ||
            (inner->value.words[i] & mask) != outer->value.words[i])
            return false;
    }
    return true;
}

bool
match_intersect(const struct match *a, const struct match *b, struct match *both)
{
    for (int i = 0; i < FLOW_KEY_WORDS; i++) {
        uint64_t common = a->mask.words[i] & b->mask.words[i];
        if ((a->value.words[i] ^ b->value.words[i]) & common)
            return false;
    }
    for (int i = 0; both && i < FLOW_KEY_WORDS; i++) {
        both->value.words[i] = a->value.words[i] | b->value.words[i];
        both->mask.words[i] = a->mask.words[i] | b->mask.words[i];
    }
    return true;
}

uint64_t
match_hash(const struct match *m)
{
    return hash_bytes(m, sizeof *m, 0);
}

int
match_compare(const struct match *a, const struct match *b)
{
    return memcmp(a, b, sizeof *a);
}

static void
format_integer(const uint8_t *value, size_t size, bool hex, struct buf *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < size; i++)
        v = v << 8 | value[i];
    if (hex)
        buf_printf(out, "0x%0*llx", size == 2 ? 4 : 1, (unsigned long long)v);
    else
        buf_printf(out, "%llu", (unsigned long long)v);
}

static void
format_one(enum field_form form, const uint8_t *value, size_t size, struct buf *out)
{
    char text[IPV6_TEXT_SIZE];
    struct mac mac;
    switch (form) {
    case FORM_DECIMAL:
    case FORM_HEX:
        format_integer(value, size, form == FORM_HEX, out);
        break;
    case FORM_MAC:
        memcpy(&mac, value, sizeof mac);
        buf_str(out, mac_format(&mac, text));
        break;
    case FORM_IPV4:
        buf_str(out, ipv4_format(get_be32(value), text));
        break;
    case FORM_IPV6:
        buf_str(out, ipv6_format(value, text));
        break;
    }
}

void
field_format(enum field field, const uint8_t *value, const uint8_t *mask, struct buf *out)
{
    const struct field_info *info = &field_table[field];
    uint8_t full[16];
    field_full_mask(field, full);
    format_one(info->form, value, info->size, out);
    if (mask && memcmp(mask, full, info->size)) {
        buf_str(out, "/");
        format_one(info->form == FORM_DECIMAL ? FORM_HEX : info->form, mask, info->size, out);
    }
}

void
match_format(const struct match *m, struct buf *out)
{
    size_t start = out->size;
    for (unsigned i = 0; i < FIELD_MAX; i++) {
        if (!match_has(m, i))
            continue;
        buf_printf(out, "%s%s=", out->size == start ? "" : ",", field_table[i].name);
        field_format(i, flow_key_field_const(&m->value, i), flow_key_field_const(&m->mask, i), out);
    }
    if (out->size == start)
        buf_str(out, "any");
}

void
mask_format(const struct flow_key *mask, struct buf *out)
{
    static const struct {
        enum field field; /* the largest of those that share the place */
        const char *name;
    } places[] = {
        {FIELD_IN_PORT, NULL},      {FIELD_IN_PHY_PORT, NULL}, {FIELD_METADATA, NULL},
        {FIELD_ETH_DST, NULL},      {FIELD_ETH_SRC, NULL},     {FIELD_ETH_TYPE, NULL},
        {FIELD_VLAN_VID, NULL},     {FIELD_VLAN_PCP, NULL},    {FIELD_IP_DSCP, NULL},
        {FIELD_IP_ECN, NULL},       {FIELD_IP_PROTO, NULL},    {FIELD_IPV6_SRC, "l3_src"},
        {FIELD_IPV6_DST, "l3_dst"}, {FIELD_TCP_SRC, "l4_src"}, {FIELD_TCP_DST, "l4_dst"},
        {FIELD_IPV6_FLABEL, NULL},  {FIELD_ARP_SHA, "l3_sll"}, {FIELD_ARP_THA, "l3_tll"},
        {FIELD_MPLS_LABEL, NULL},   {FIELD_MPLS_TC, NULL},     {FIELD_MPLS_BOS, NULL},
        {FIELD_PBB_ISID, NULL},     {FIELD_PBB_UCA, NULL},     {FIELD_IPV6_ND_TARGET, NULL},
        {FIELD_TUNNEL_ID, NULL},    {FIELD_IPV6_EXTHDR, NULL},
    };
    size_t start = out->size;
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        const struct field_info *info = &field_table[places[i].field];
        if (!is_zero(flow_key_field_const(mask, places[i].field), info->size))
            buf_printf(out, "%s%s", out->size == start ? "" : ",",
                       places[i].name ? places[i].name : info->name);
    }
}

static enum err
parse_integer(const char *text, size_t size, uint8_t *value)
{
    char *end;
    if (*text < '0' || *text > '9')
        return ERR_MALFORMED;
    unsigned long long v = strtoull(text, &end, 0);
    if (*end || (size < 8 && v >> (8 * size)))
        return ERR_MALFORMED;
    put_integer(value, size, v);
    return ERR_OK;
}

static enum err
parse_one(enum field_form form, const char *text, size_t size, uint8_t *value)
{
    struct mac mac;
    uint32_t address;
    enum err err;
    switch (form) {
    case FORM_MAC:
        if (!(err = mac_parse(text, &mac)))
            memcpy(value, &mac, sizeof mac);
        return err;
    case FORM_IPV4:
        if (!(err = ipv4_parse(text, &address)))
            put_be32(value, address);
        return err;
    case FORM_IPV6:
        return ipv6_parse(text, value);
    case FORM_DECIMAL:
    case FORM_HEX:
        break;
    }
    return parse_integer(text, size, value);
}

/* A prefix length as a mask, for addresses. */
static enum err
parse_prefix_length(const char *text, size_t size, uint8_t *mask)
{
    char *end;
    unsigned long length = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || length > size * 8)
        return ERR_MALFORMED;
    for (size_t i = 0; i<size; i++, length = length> 8 ? length - 8 : 0)
        mask[i] = length >= 8 ? 0xff : (uint8_t)(0xff00 >> length);
    return ERR_OK;
}

enum err
field_parse(enum field field, const char *text, uint8_t *value, uint8_t *mask)
{
    const struct field_info *info = &field_table[field];
    char first[64];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : strlen(text);
    if (length >= sizeof first)
        return ERR_MALFORMED;
    memcpy(first, text, length);
    first[length] = '\0';
    enum err err = parse_one(info->form, first, info->size, value);
    if (err)
        return err;
    if (!slash) {
        field_full_mask(field, mask);
        return ERR_OK;
    }
    bool address = info->form == FORM_IPV4 || info->form == FORM_IPV6;
    if (address && !strpbrk(slash + 1, ".:"))
        return parse_prefix_length(slash + 1, info->size, mask);
    return parse_one(info->form, slash + 1, info->size, mask);
}

static enum err
parse_field(char *item, struct match *m, struct diag *diag)
{
    uint8_t value[16], mask[16];
    char *equals = strchr(item, '=');
    if (!equals)
        return diag_set(diag, ERR_MALFORMED, "\"%s\" is not field=value", item);
    *equals = '\0';
    enum field field = field_by_name(item);
    if (field == FIELD_MAX)
        return diag_set(diag, ERR_NOT_FOUND, "there is no field \"%s\"", item);
    if (field_parse(field, equals + 1, value, mask))
        return diag_set(diag, ERR_MALFORMED, "%s: \"%s\" is not a value of this field", item,
                        equals + 1);
    enum err err = match_add(m, field, value, mask);
    switch (err) {
    case ERR_OK:
        return ERR_OK;
    case ERR_INVALID:
        return diag_set(diag, err, "%s: its prerequisite (such as eth_type) must come before it",
                        item);
    case ERR_EXISTS:
        return diag_set(diag, err, "%s: given twice, or excluded by another field", item);
    case ERR_UNSUPPORTED:
        return diag_set(diag, err, "%s: cannot be masked", item);
    default:
        return diag_set(diag, err, "%s: \"%s\" has bits outside its mask or width", item,
                        equals + 1);
    }
}

enum err
match_parse(const char *text, struct match *m, struct diag *diag)
{
    struct match result = MATCH_ANY;
    if (!strcmp(text, "any") || !*text) {
        *m = result;
        return ERR_OK;
    }
    char *copy = strdup(text), *save = NULL;
    enum err err = copy ? ERR_OK : ERR_LIMIT;
    for (char *item = copy ? strtok_r(copy, ",", &save) : NULL; item && !err;
         item = strtok_r(NULL, ",", &save))
        err = parse_field(item, &result, diag);
    free(copy);
    if (!err)
        *m = result;
    return err;
}
