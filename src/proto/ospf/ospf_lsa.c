/* ospf_lsa.c - link state advertisements. */
#include "proto/ospf/ospf_lsa.h"

/* ---- TLVs: type, length without padding, value, padded to four octets (RFC 3630 section 2.3.2) */

typedef void tlv_fn(struct cursor *value, uint16_t type, struct arena *, struct ospf_lsa *);

static void
each_tlv(struct cursor *in, struct arena *arena, struct ospf_lsa *lsa, tlv_fn *fn)
{
    while (cursor_left(in)) {
        uint16_t type = cursor_be16(in, "TLV type");
        uint16_t size = cursor_be16(in, "TLV length");
        struct cursor value = cursor_split(in, size, "TLV value");
        /* The last one may lack its padding. */
        cursor_skip(in, MIN((size_t)(-size & 3), cursor_left(in)), "TLV padding");
        fn(&value, type, arena, lsa);
        if (!value.err)
            cursor_skip(&value, cursor_left(&value), "rest of the TLV"); /* later additions */
        cursor_join(in, &value);
    }
}

static float
cursor_float(struct cursor *c, const char *what)
{
    uint32_t bits = cursor_be32(c, what);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A label of three octets or an index of four (RFC 8665 section 2.1). */
static uint32_t
cursor_sid(struct cursor *c, const char *what)
{
    if (cursor_left(c) == 3)
        return cursor_be24(c, what) & 0xfffff;
    return cursor_be32(c, what);
}

/* ---- router and network LSAs */

static void
decode_router(struct cursor *in, struct arena *arena, struct ospf_lsa *lsa)
{
    cursor_skip(in, 2, "flags");
    uint16_t n = cursor_be16(in, "number of links");
    if ((size_t)n * 12 > cursor_left(in)) {
        cursor_fail(in, ERR_TRUNCATED, "links");
        return;
    }
    struct ospf_router_link *links = arena_calloc(arena, n, sizeof *links);
    if (n && !links) {
        cursor_fail(in, ERR_LIMIT, "links");
        return;
    }
    for (uint16_t i = 0; i < n && !in->err; i++) {
        links[i].id = cursor_be32(in, "link id");
        links[i].data = cursor_be32(in, "link data");
        links[i].type = cursor_u8(in, "link type");
        uint8_t n_tos = cursor_u8(in, "number of TOS metrics");
        links[i].metric = cursor_be16(in, "metric");
        cursor_skip(in, (size_t)n_tos * 4, "TOS metrics");
    }
    lsa->body = OSPF_ROUTER;
    lsa->router_links.n_links = n;
    lsa->router_links.links = links;
}

static void
decode_network(struct cursor *in, struct arena *arena, struct ospf_lsa *lsa)
{
    lsa->network.mask = cursor_be32(in, "network mask");
    uint32_t n = (uint32_t)(cursor_left(in) / 4);
    uint32_t *routers = arena_calloc(arena, n, sizeof *routers);
    if (n && !routers) {
        cursor_fail(in, ERR_LIMIT, "attached routers");
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        routers[i] = cursor_be32(in, "attached router");
    lsa->body = OSPF_NETWORK;
    lsa->network.routers = routers;
    lsa->network.n_routers = n;
}

/* ---- traffic engineering */

static void
te_groups(struct cursor *value, struct ospf_te_link *link)
{
    uint32_t n = (uint32_t)(cursor_left(value) / 4);
    for (uint32_t i = 0; i < n && i < OSPF_EXTENDED_GROUP_WORDS; i++)
        link->extended_groups[i] = cursor_be32(value, "extended administrative groups");
    link->told |= OSPF_TE_EXTENDED_GROUPS;
}

static void
te_srlgs(struct cursor *value, struct arena *arena, struct ospf_te_link *link)
{
    uint32_t n = (uint32_t)(cursor_left(value) / 4);
    uint32_t *srlgs = arena_calloc(arena, n, sizeof *srlgs);
    if (n && !srlgs) {
        cursor_fail(value, ERR_LIMIT, "shared risk link groups");
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        srlgs[i] = cursor_be32(value, "shared risk link group");
    link->srlgs = srlgs;
    link->n_srlgs = n;
    link->told |= OSPF_TE_SRLG;
}

/* Sub-TLVs of RFC 7471: flags and 24 bits. */
static void
te_performance(struct cursor *value, uint16_t type, struct ospf_te_link *link)
{
    uint32_t first = cursor_be32(value, "performance metric") & 0xffffff;
    switch (type) {
    case 27:
        link->delay_us = first;
        link->told |= OSPF_TE_DELAY;
        break;
    case 28:
        link->min_delay_us = first;
        link->max_delay_us = cursor_be32(value, "max delay") & 0xffffff;
        link->told |= OSPF_TE_MIN_MAX_DELAY;
        break;
    case 29:
        link->delay_variation_us = first;
        link->told |= OSPF_TE_DELAY_VARIATION;
        break;
    default:
        link->loss = first;
        link->told |= OSPF_TE_LOSS;
        break;
    }
}

static void
te_link_tlv(struct cursor *value, uint16_t type, struct arena *arena, struct ospf_lsa *lsa)
{
    struct ospf_te_link *link = &lsa->te.link;
    switch (type) {
    case 1:
        link->type = cursor_u8(value, "link type");
        break;
    case 2:
        link->id = cursor_be32(value, "link id");
        break;
    case 3:
        link->local_address = cursor_be32(value, "local address");
        break;
    case 4:
        link->remote_address = cursor_be32(value, "remote address");
        break;
    case 5:
        link->metric = cursor_be32(value, "TE metric");
        link->told |= OSPF_TE_METRIC;
        break;
    case 6:
        link->max_bandwidth = cursor_float(value, "maximum bandwidth");
        link->told |= OSPF_TE_MAX_BANDWIDTH;
        break;
    case 7:
        link->max_reservable = cursor_float(value, "maximum reservable bandwidth");
        link->told |= OSPF_TE_MAX_RESERVABLE;
        break;
    case 8:
        for (unsigned p = 0; p < 8; p++)
            link->unreserved[p] = cursor_float(value, "unreserved bandwidth");
        link->told |= OSPF_TE_UNRESERVED;
        break;
    case 9:
        link->groups = cursor_be32(value, "administrative groups");
        link->told |= OSPF_TE_GROUPS;
        break;
    case 11:
        link->local_number = cursor_be32(value, "local number");
        link->remote_number = cursor_be32(value, "remote number");
        break;
    case 16:
        te_srlgs(value, arena, link);
        break;
    case 26:
        te_groups(value, link);
        break;
    case 27:
    case 28:
    case 29:
    case 30:
        te_performance(value, type, link);
        break;
    default:
        break;
    }
}

static void
te_tlv(struct cursor *value, uint16_t type, struct arena *arena, struct ospf_lsa *lsa)
{
    if (type == 1) {
        lsa->te.router = cursor_be32(value, "router address");
        lsa->body = OSPF_TE;
    } else if (type == 2 && !lsa->te.has_link) {
        each_tlv(value, arena, lsa, te_link_tlv);
        lsa->te.has_link = true;
        lsa->body = OSPF_TE;
    }
}

/* ---- router information */

struct range {
    uint32_t size, base;
};

/* RFC 8665 section 3.2: size, reserved, then the first label as a sub-TLV. */
static struct range
label_range(struct cursor *value)
{
    struct range range = {.base = OSPF_NO_SID};
    range.size = cursor_be24(value, "range size");
    cursor_skip(value, 1, "reserved");
    uint16_t type = cursor_be16(value, "sub-TLV type");
    uint16_t size = cursor_be16(value, "sub-TLV length");
    struct cursor label = cursor_split(value, size, "sub-TLV value");
    if (type == 1)
        range.base = cursor_sid(&label, "first label");
    if (label.err)
        cursor_join(value, &label);
    return range;
}

static void
information_tlv(struct cursor *value, uint16_t type, struct arena *arena, struct ospf_lsa *lsa)
{
    struct range range;
    switch (type) {
    case 7: {
        size_t size = cursor_left(value);
        const char *name = (const char *)cursor_bytes(value, size, "name");
        lsa->information.name = name ? arena_strndup(arena, name, strnlen(name, size)) : NULL;
        if (name && !lsa->information.name)
            cursor_fail(value, ERR_LIMIT, "name");
        break;
    }
    case 9:
    case 14:
        range = label_range(value);
        if (range.base == OSPF_NO_SID)
            break;
        if (type == 9 && !lsa->information.srgb_size) {
            lsa->information.srgb_base = range.base;
            lsa->information.srgb_size = range.size;
        } else if (type == 14 && !lsa->information.srlb_size) {
            lsa->information.srlb_base = range.base;
            lsa->information.srlb_size = range.size;
        }
        break;
    case 12: /* RFC 8476: pairs; 1 is the base depth, which FRR 8 sends as 0 */
        while (cursor_left(value) >= 2) {
            uint8_t msd_type = cursor_u8(value, "MSD type");
            uint8_t depth = cursor_u8(value, "MSD value");
            if (msd_type <= 1 && !lsa->information.max_sid_depth)
                lsa->information.max_sid_depth = depth;
        }
        break;
    default:
        break;
    }
}

/* ---- extended prefix */

static void
prefix_sub_tlv(struct cursor *value, uint16_t type, struct arena *arena, struct ospf_lsa *lsa)
{
    struct ospf_prefix *p = &lsa->prefixes.prefixes[lsa->prefixes.n - 1];
    (void)arena;
    if (type != 2)
        return;
    uint8_t flags = cursor_u8(value, "prefix-SID flags");
    cursor_skip(value, 2, "reserved, topology");
    uint8_t algorithm = cursor_u8(value, "algorithm");
    bool index = cursor_left(value) != 3 && !(flags & 0x08); /* V: a label, not an index */
    uint32_t sid = cursor_sid(value, "SID");
    if (algorithm == 0 && index && p->sid == OSPF_NO_SID)
        p->sid = sid;
}

static void
prefix_tlv(struct cursor *value, uint16_t type, struct arena *arena, struct ospf_lsa *lsa)
{
    if (type != 1)
        return;
    struct ospf_prefix *p = &lsa->prefixes.prefixes[lsa->prefixes.n];
    cursor_skip(value, 1, "route type");
    p->length = cursor_u8(value, "prefix length");
    uint8_t family = cursor_u8(value, "address family");
    p->flags = cursor_u8(value, "flags");
    p->prefix = cursor_be32(value, "prefix");
    p->sid = OSPF_NO_SID;
    if (!value->err && p->length > 32) {
        cursor_fail(value, ERR_MALFORMED, "prefix length");
        return;
    }
    if (value->err || family != 0)
        return;
    lsa->prefixes.n++;
    each_tlv(value, arena, lsa, prefix_sub_tlv);
}

static void
decode_prefixes(struct cursor *in, struct arena *arena, struct ospf_lsa *lsa)
{
    uint32_t most = (uint32_t)(cursor_left(in) / 12) + 1; /* each has twelve octets at least */
    lsa->body = OSPF_EXTENDED_PREFIX;
    lsa->prefixes.prefixes = arena_calloc(arena, most, sizeof *lsa->prefixes.prefixes);
    if (!lsa->prefixes.prefixes) {
        cursor_fail(in, ERR_LIMIT, "prefixes");
        return;
    }
    each_tlv(in, arena, lsa, prefix_tlv);
}

/* ---- extended link */

static void
link_sub_tlv(struct cursor *value, uint16_t type, struct arena *arena, struct ospf_lsa *lsa)
{
    (void)arena;
    if (type != 2)
        return; /* segments to neighbours on a broadcast network (3) are of no single link here */
    uint8_t flags = cursor_u8(value, "adjacency-SID flags");
    cursor_skip(value, 3, "reserved, topology, weight");
    bool label = cursor_left(value) == 3 || flags & 0x40;
    uint32_t sid = cursor_sid(value, "SID");
    if (label && (lsa->link.label == OSPF_NO_SID || !(flags & 0x80))) /* B: may be protected */
        lsa->link.label = sid;
}

static void
link_tlv(struct cursor *value, uint16_t type, struct arena *arena, struct ospf_lsa *lsa)
{
    if (type != 1 || lsa->body != OSPF_OTHER)
        return;
    lsa->body = OSPF_EXTENDED_LINK;
    lsa->link.type = cursor_u8(value, "link type");
    cursor_skip(value, 3, "reserved");
    lsa->link.id = cursor_be32(value, "link id");
    lsa->link.data = cursor_be32(value, "link data");
    lsa->link.label = OSPF_NO_SID;
    each_tlv(value, arena, lsa, link_sub_tlv);
}

/* ---- one LSA */

static void
decode_opaque(struct cursor *in, struct arena *arena, struct ospf_lsa *lsa)
{
    switch (lsa->id >> 24) {
    case 1:
        each_tlv(in, arena, lsa, te_tlv);
        break;
    case 4:
        lsa->body = OSPF_ROUTER_INFORMATION;
        each_tlv(in, arena, lsa, information_tlv);
        break;
    case 7:
        decode_prefixes(in, arena, lsa);
        break;
    case 8:
        each_tlv(in, arena, lsa, link_tlv);
        break;
    default:
        break;
    }
}

static void
decode_header(struct cursor *in, struct ospf_lsa *lsa)
{
    size_t size = cursor_left(in);
    lsa->age = cursor_be16(in, "LS age") & 0x7fff; /* DoNotAge: RFC 1793 section 2.1 */
    lsa->options = cursor_u8(in, "options");
    lsa->type = cursor_u8(in, "LS type");
    lsa->id = cursor_be32(in, "link state id");
    lsa->router = cursor_be32(in, "advertising router");
    lsa->sequence = cursor_be32(in, "sequence number");
    lsa->checksum = cursor_be16(in, "checksum");
    lsa->length = cursor_be16(in, "length");
    if (!in->err && lsa->length != size)
        cursor_fail(in, lsa->length > size ? ERR_TRUNCATED : ERR_MALFORMED, "length");
}

enum err
ospf_lsa_decode(struct cursor *in, struct arena *arena, struct ospf_lsa *result)
{
    struct ospf_lsa lsa;
    memset(&lsa, 0, sizeof lsa);
    decode_header(in, &lsa);
    if (!in->err)
        switch (lsa.type) {
        case OSPF_ROUTER_LSA:
            decode_router(in, arena, &lsa);
            break;
        case OSPF_NETWORK_LSA:
            decode_network(in, arena, &lsa);
            break;
        case OSPF_OPAQUE_AREA:
        case OSPF_OPAQUE_AS:
            decode_opaque(in, arena, &lsa);
            break;
        default:
            break;
        }
    if (!in->err)
        *result = lsa;
    return in->err;
}
