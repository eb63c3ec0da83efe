#include "proto/bgpls/bgpls_nlri.h"

#include "base/cursor.h"
#include "base/hex.h"

#include <arpa/inet.h>

enum {
    LOCAL_NODE = 256, /* TLVs of the descriptors: RFC 9552 section 5.2.1 to 5.2.3 */
    REMOTE_NODE = 257,
    LINK_IDS = 258,
    LOCAL4 = 259,
    REMOTE4 = 260,
    LOCAL6 = 261,
    REMOTE6 = 262,
    MT_ID = 263,
    ROUTE_TYPE = 264,
    PREFIX = 265,
    AS = 512, /* sub-TLVs of node descriptors: section 5.2.1.4 */
    BGPLS_ID = 513,
    AREA = 514,
    ROUTER_ID = 515,
    BGP_ROUTER_ID = 516, /* RFC 9086 section 4.1 */
    MEMBER_AS = 517,
    HEADER = 4, /* of an NLRI, of a TLV */
};

struct tlv {
    uint16_t type, size;
    const uint8_t *value;
};

/* ---- reading */

struct reader {
    struct bgpls_nlri *nlri;
    uint16_t parent;
    struct tlv last;
    const char *what; /* the first that is wrong */
};

static void
wrong(struct reader *r, const char *what)
{
    if (!r->what)
        r->what = what;
}

/* By type, then by length, then by value: section 5.1. */
static int
compare(const struct tlv *a, const struct tlv *b)
{
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return a->size ? memcmp(a->value, b->value, a->size) : 0;
}

static bool
next_tlv(struct cursor *in, struct reader *r, struct tlv *tlv)
{
    if (!cursor_left(in) || r->what)
        return false;
    tlv->type = cursor_be16(in, "TLV Type");
    tlv->size = cursor_be16(in, "TLV Length");
    tlv->value = cursor_bytes(in, tlv->size, "TLV Value");
    if (in->err)
        wrong(r, "a TLV is longer than what it is in");
    else if (r->last.value && compare(&r->last, tlv) > 0)
        wrong(r, "its TLVs are not in order");
    r->last = *tlv;
    return !r->what;
}

static void
keep_extra(struct reader *r, const struct tlv *tlv)
{
    struct bgpls_nlri *nlri = r->nlri;
    if (nlri->n_extra < BGPLS_EXTRA_MAX)
        nlri->extra[nlri->n_extra] = (struct bgpls_extra){r->parent, tlv->type, tlv->size,
                                                          tlv->value};
    nlri->n_extra++;
}

static void
take_u32(struct reader *r, const struct tlv *tlv, bool *has, uint32_t *value)
{
    if (tlv->size != 4)
        wrong(r, "the length of a node descriptor");
    else if (*has) /* section 8.2.2: not more than one of each */
        wrong(r, "a node descriptor is there twice");
    else
        *value = get_be32(tlv->value);
    *has = true;
}

static void
take_router_id(struct reader *r, const struct tlv *tlv, struct bgpls_node *node)
{
    if (tlv->size < 4 || tlv->size > BGPLS_ROUTER_ID_MAX) {
        wrong(r, "the length of an IGP Router-ID");
    } else if (node->router_id_size) {
        wrong(r, "a node descriptor is there twice");
    } else {
        node->router_id_size = (uint8_t)tlv->size;
        memcpy(node->router_id, tlv->value, tlv->size);
    }
}

static void
take_node_tlv(struct reader *r, const struct tlv *tlv, struct bgpls_node *node)
{
    switch (tlv->type) {
    case AS:
        take_u32(r, tlv, &node->has_as, &node->as);
        break;
    case BGPLS_ID:
        take_u32(r, tlv, &node->has_bgpls_id, &node->bgpls_id);
        break;
    case AREA:
        take_u32(r, tlv, &node->has_area, &node->area);
        break;
    case ROUTER_ID:
        take_router_id(r, tlv, node);
        break;
    case BGP_ROUTER_ID:
        take_u32(r, tlv, &node->has_bgp_router_id, &node->bgp_router_id);
        break;
    case MEMBER_AS:
        take_u32(r, tlv, &node->has_member_as, &node->member_as);
        break;
    default:
        keep_extra(r, tlv);
    }
}

static void
read_node(struct reader *outer, const struct tlv *tlv, struct bgpls_node *node, bool *has)
{
    struct reader r = {.nlri = outer->nlri, .parent = tlv->type};
    struct cursor in = cursor_over(tlv->value, tlv->size);
    struct tlv sub;
    if (*has)
        wrong(outer, "node descriptors are there twice");
    *has = true;
    while (next_tlv(&in, &r, &sub))
        take_node_tlv(&r, &sub, node);
    if (!node->router_id_size && !node->has_bgp_router_id)
        wrong(&r, "node descriptors without a router's ID"); /* mandatory: section 5.2.1.4 */
    if (r.what)
        wrong(outer, r.what);
}

/* One of fixed length. A second one stays part of the name, but nothing else. */
static void
take_fixed(struct reader *r, const struct tlv *tlv, bool *has, void *to, size_t size)
{
    if (tlv->size != size) {
        wrong(r, "the length of a descriptor");
    } else if (*has) {
        keep_extra(r, tlv);
    } else {
        memcpy(to, tlv->value, size);
        *has = true;
    }
}

static void
take_mt_id(struct reader *r, const struct tlv *tlv)
{
    uint8_t octets[2] = {0};
    bool had = r->nlri->has_mt_id;
    take_fixed(r, tlv, &r->nlri->has_mt_id, octets, 2); /* one only: section 5.2.2.1 */
    if (!had)
        r->nlri->mt_id = get_be16(octets);
}

static void
take_prefix(struct reader *r, const struct tlv *tlv, bool *has)
{
    struct bgpls_nlri *nlri = r->nlri;
    unsigned bits = tlv->size ? tlv->value[0] : 0;
    if (*has) {
        keep_extra(r, tlv);
        return;
    }
    if (!tlv->size || bits > (nlri->type == BGPLS_PREFIX4 ? 32 : 128) ||
        tlv->size != 1 + (bits + 7) / 8) {
        wrong(r, "the length of a prefix"); /* section 5.2.3.2 */
        return;
    }
    *has = true;
    nlri->prefix_length = (uint8_t)bits;
    memcpy(nlri->prefix, tlv->value + 1, tlv->size - 1u);
}

static void
take_link_ids(struct reader *r, const struct tlv *tlv)
{
    uint8_t octets[8] = {0};
    bool had = r->nlri->has_link_ids;
    take_fixed(r, tlv, &r->nlri->has_link_ids, octets, 8);
    if (!had) {
        r->nlri->local_link_id = get_be32(octets);
        r->nlri->remote_link_id = get_be32(octets + 4);
    }
}

/* What belongs to links only, or to prefixes only, is elsewhere a TLV like one that is not known.
 */
static void
take_tlv(struct reader *r, const struct tlv *tlv, bool *has_local, bool *has_remote,
         bool *has_prefix)
{
    struct bgpls_nlri *nlri = r->nlri;
    bool link = nlri->type == BGPLS_LINK;
    bool prefix = nlri->type == BGPLS_PREFIX4 || nlri->type == BGPLS_PREFIX6;
    if (tlv->type == LOCAL_NODE)
        read_node(r, tlv, &nlri->local, has_local);
    else if (tlv->type == REMOTE_NODE && link)
        read_node(r, tlv, &nlri->remote, has_remote);
    else if (tlv->type == LINK_IDS && link)
        take_link_ids(r, tlv);
    else if (tlv->type == LOCAL4 && link)
        take_fixed(r, tlv, &nlri->has_local4, nlri->local4, 4);
    else if (tlv->type == REMOTE4 && link)
        take_fixed(r, tlv, &nlri->has_remote4, nlri->remote4, 4);
    else if (tlv->type == LOCAL6 && link)
        take_fixed(r, tlv, &nlri->has_local6, nlri->local6, 16);
    else if (tlv->type == REMOTE6 && link)
        take_fixed(r, tlv, &nlri->has_remote6, nlri->remote6, 16);
    else if (tlv->type == MT_ID && (link || prefix))
        take_mt_id(r, tlv);
    else if (tlv->type == ROUTE_TYPE && prefix)
        take_fixed(r, tlv, &nlri->has_route_type, &nlri->route_type, 1);
    else if (tlv->type == PREFIX && prefix)
        take_prefix(r, tlv, has_prefix);
    else
        keep_extra(r, tlv);
}

static const char *
read_nlri(struct bgpls_nlri *nlri)
{
    struct reader r = {.nlri = nlri};
    struct cursor in = cursor_over(nlri->octets + HEADER, nlri->size - HEADER);
    bool has_local = false, has_remote = false, has_prefix = false;
    struct tlv tlv;
    nlri->protocol = cursor_u8(&in, "Protocol-ID");
    nlri->instance = cursor_be64(&in, "Identifier");
    if (in.err)
        return "it ends before its descriptors";
    while (next_tlv(&in, &r, &tlv))
        take_tlv(&r, &tlv, &has_local, &has_remote, &has_prefix);
    if (!has_local)
        wrong(&r, "no local node descriptors");
    if (nlri->type == BGPLS_LINK && !has_remote)
        wrong(&r, "no remote node descriptors");
    if ((nlri->type == BGPLS_PREFIX4 || nlri->type == BGPLS_PREFIX6) && !has_prefix)
        wrong(&r, "no prefix");
    return r.what;
}

static bool
is_known(uint16_t type)
{
    return type >= BGPLS_NODE && type <= BGPLS_PREFIX6;
}

enum err
bgpls_nlri_next(const uint8_t **data, size_t *size, struct bgpls_nlri *next, const char **what)
{
    const uint8_t *p = *data;
    *what = NULL;
    if (!*size)
        return ERR_NOT_FOUND;
    if (*size < HEADER || *size - HEADER < get_be16(p + 2)) {
        *what = "its length leaves the attribute";
        return ERR_TRUNCATED;
    }
    *next = (struct bgpls_nlri){.type = get_be16(p), .octets = p, .size = HEADER + get_be16(p + 2)};
    *data += next->size;
    *size -= next->size;
    if (is_known(next->type))
        *what = read_nlri(next);
    return *what ? ERR_MALFORMED : ERR_OK;
}

/* ---- writing */

#define TLVS_MAX (12 + BGPLS_EXTRA_MAX)

/* TLVs of one level, to be put in order. Their values, if they have none elsewhere, are in `room`.
 */
struct writer {
    struct tlv tlvs[TLVS_MAX];
    unsigned n;
    uint8_t room[64];
    size_t used;
};

static void
add(struct writer *w, uint16_t type, const void *value, size_t size)
{
    w->tlvs[w->n++] = (struct tlv){type, (uint16_t)size, value};
}

static void
add_u32(struct writer *w, bool has, uint16_t type, uint32_t value)
{
    if (!has)
        return;
    uint8_t *to = w->room + w->used;
    w->used += 4;
    put_be32(to, value);
    add(w, type, to, 4);
}

static void
add_extra(struct writer *w, const struct bgpls_nlri *nlri, uint16_t parent)
{
    for (unsigned i = 0; i < nlri->n_extra; i++)
        if (nlri->extra[i].parent == parent)
            add(w, nlri->extra[i].type, nlri->extra[i].value, nlri->extra[i].size);
}

/* Few, and nearly in order. */
static void
put_sorted(struct writer *w, struct buf *out)
{
    for (unsigned i = 1; i < w->n; i++) {
        struct tlv tlv = w->tlvs[i];
        unsigned at = i;
        for (; at && compare(&w->tlvs[at - 1], &tlv) > 0; at--)
            w->tlvs[at] = w->tlvs[at - 1];
        w->tlvs[at] = tlv;
    }
    for (unsigned i = 0; i < w->n; i++) {
        buf_be16(out, w->tlvs[i].type);
        buf_be16(out, w->tlvs[i].size);
        buf_put(out, w->tlvs[i].value, w->tlvs[i].size);
    }
}

static void
put_node(const struct bgpls_nlri *nlri, const struct bgpls_node *node, uint16_t type,
         struct buf *out)
{
    struct writer w = {.n = 0};
    add_u32(&w, node->has_as, AS, node->as);
    add_u32(&w, node->has_bgpls_id, BGPLS_ID, node->bgpls_id);
    add_u32(&w, node->has_area, AREA, node->area);
    if (node->router_id_size)
        add(&w, ROUTER_ID, node->router_id, node->router_id_size);
    add_u32(&w, node->has_bgp_router_id, BGP_ROUTER_ID, node->bgp_router_id);
    add_u32(&w, node->has_member_as, MEMBER_AS, node->member_as);
    add_extra(&w, nlri, type);
    put_sorted(&w, out);
}

static void
add_optional(struct writer *w, bool has, uint16_t type, const void *value, size_t size)
{
    if (has)
        add(w, type, value, size);
}

/* All but the node descriptors. */
static void
add_descriptors(const struct bgpls_nlri *nlri, struct writer *w)
{
    if (nlri->has_link_ids) {
        uint8_t *to = w->room + w->used;
        put_be32(to, nlri->local_link_id);
        put_be32(to + 4, nlri->remote_link_id);
        w->used += 8;
        add(w, LINK_IDS, to, 8);
    }
    add_optional(w, nlri->has_local4, LOCAL4, nlri->local4, 4);
    add_optional(w, nlri->has_remote4, REMOTE4, nlri->remote4, 4);
    add_optional(w, nlri->has_local6, LOCAL6, nlri->local6, 16);
    add_optional(w, nlri->has_remote6, REMOTE6, nlri->remote6, 16);
    if (nlri->has_mt_id) {
        put_be16(w->room + w->used, nlri->mt_id);
        add(w, MT_ID, w->room + w->used, 2);
        w->used += 2;
    }
    add_optional(w, nlri->has_route_type, ROUTE_TYPE, &nlri->route_type, 1);
    if (nlri->type == BGPLS_PREFIX4 || nlri->type == BGPLS_PREFIX6) {
        uint8_t *to = w->room + w->used;
        size_t size = (nlri->prefix_length + 7u) / 8;
        to[0] = nlri->prefix_length;
        memcpy(to + 1, nlri->prefix, size);
        w->used += 1 + size;
        add(w, PREFIX, to, 1 + size);
    }
}

enum err
bgpls_nlri_encode(const struct bgpls_nlri *nlri, struct buf *out)
{
    struct buf local = BUF_INIT, remote = BUF_INIT;
    struct writer w = {.n = 0};
    size_t begin = out->size;
    if (!is_known(nlri->type)) {
        buf_put(out, nlri->octets, nlri->size);
        return buf_err(out);
    }
    if (nlri->n_extra > BGPLS_EXTRA_MAX)
        return ERR_LIMIT;
    if (nlri->prefix_length > (nlri->type == BGPLS_PREFIX4 ? 32 : 128) ||
        nlri->local.router_id_size > BGPLS_ROUTER_ID_MAX ||
        nlri->remote.router_id_size > BGPLS_ROUTER_ID_MAX)
        return ERR_INVALID;
    put_node(nlri, &nlri->local, LOCAL_NODE, &local);
    add(&w, LOCAL_NODE, local.data, local.size);
    if (nlri->type == BGPLS_LINK) {
        put_node(nlri, &nlri->remote, REMOTE_NODE, &remote);
        add(&w, REMOTE_NODE, remote.data, remote.size);
    }
    add_descriptors(nlri, &w);
    add_extra(&w, nlri, 0);
    buf_be16(out, nlri->type);
    buf_be16(out, 0);
    buf_u8(out, nlri->protocol);
    buf_be64(out, nlri->instance);
    put_sorted(&w, out);
    buf_fini(&local);
    buf_fini(&remote);
    if (buf_err(out) || out->size - begin - HEADER > UINT16_MAX) {
        out->size = begin;
        return ERR_LIMIT;
    }
    buf_patch_be16(out, begin + 2, (uint16_t)(out->size - begin - HEADER));
    return ERR_OK;
}

/* ---- for people */

const char *
bgpls_protocol_name(uint8_t protocol)
{
    static const char *const names[] = {"?",      "IS-IS L1", "IS-IS L2", "OSPFv2",
                                        "direct", "static",   "OSPFv3",   "BGP"};
    return protocol < ARRAY_SIZE(names) ? names[protocol] : names[0];
}

const char *
bgpls_type_name(uint16_t type)
{
    static const char *const names[] = {"?", "node", "link", "prefix4", "prefix6", "?", "srv6-sid"};
    return type < ARRAY_SIZE(names) ? names[type] : names[0];
}

enum bgpls_router_form
bgpls_router_form(uint8_t protocol, const struct bgpls_node *node)
{
    bool ospf = protocol == BGPLS_OSPFV2 || protocol == BGPLS_OSPFV3;
    bool isis = protocol == BGPLS_ISIS_L1 || protocol == BGPLS_ISIS_L2;
    size_t size = node->router_id_size;
    if (!size)
        return BGPLS_ROUTER_NONE;
    if (ospf && size == 4)
        return BGPLS_ROUTER_OSPF;
    if (ospf && size == 8)
        return BGPLS_ROUTER_OSPF_PSEUDONODE;
    if (isis && size == 6)
        return BGPLS_ROUTER_ISIS;
    if (isis && size == 7) /* number 0 is the router itself */
        return node->router_id[6] ? BGPLS_ROUTER_ISIS_PSEUDONODE : BGPLS_ROUTER_ISIS;
    return BGPLS_ROUTER_OTHER;
}

static void
print_ipv4(const uint8_t *a, struct buf *out)
{
    buf_printf(out, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
}

static void
print_ipv6(const uint8_t *a, struct buf *out)
{
    char text[INET6_ADDRSTRLEN];
    buf_str(out, inet_ntop(AF_INET6, a, text, sizeof text));
}

void
bgpls_router_id_print(uint8_t protocol, const struct bgpls_node *node, struct buf *out)
{
    const uint8_t *id = node->router_id;
    switch (bgpls_router_form(protocol, node)) {
    case BGPLS_ROUTER_NONE:
        break;
    case BGPLS_ROUTER_OSPF:
        print_ipv4(id, out);
        break;
    case BGPLS_ROUTER_OSPF_PSEUDONODE:
        print_ipv4(id, out);
        buf_u8(out, ':');
        print_ipv4(id + 4, out);
        break;
    case BGPLS_ROUTER_ISIS:
    case BGPLS_ROUTER_ISIS_PSEUDONODE:
        buf_printf(out, "%02x%02x.%02x%02x.%02x%02x", id[0], id[1], id[2], id[3], id[4], id[5]);
        if (node->router_id_size == 7)
            buf_printf(out, ".%02x", id[6]);
        break;
    case BGPLS_ROUTER_OTHER:
        if (node->router_id_size == 4)
            print_ipv4(id, out);
        else if (node->router_id_size == 16)
            print_ipv6(id, out);
        else
            hex_put(out, id, node->router_id_size);
    }
}

static void
print_node(uint8_t protocol, const struct bgpls_node *node, struct buf *out)
{
    uint8_t quad[4];
    buf_str(out, " [");
    if (node->has_as)
        buf_printf(out, "as %u ", node->as);
    if (node->has_bgpls_id)
        buf_printf(out, "bgp-ls-id %u ", node->bgpls_id);
    if (node->has_area) {
        put_be32(quad, node->area);
        buf_str(out, "area ");
        print_ipv4(quad, out);
        buf_u8(out, ' ');
    }
    if (node->has_bgp_router_id) {
        put_be32(quad, node->bgp_router_id);
        buf_str(out, "bgp ");
        print_ipv4(quad, out);
        buf_u8(out, ' ');
    }
    if (node->has_member_as)
        buf_printf(out, "member-as %u ", node->member_as);
    bgpls_router_id_print(protocol, node, out);
    buf_u8(out, ']');
}

static void
print_link(const struct bgpls_nlri *nlri, struct buf *out)
{
    print_node(nlri->protocol, &nlri->remote, out);
    if (nlri->has_link_ids)
        buf_printf(out, " ids %u > %u", nlri->local_link_id, nlri->remote_link_id);
    if (nlri->has_local4) {
        buf_u8(out, ' ');
        print_ipv4(nlri->local4, out);
    }
    if (nlri->has_remote4) {
        buf_str(out, " > ");
        print_ipv4(nlri->remote4, out);
    }
    if (nlri->has_local6) {
        buf_u8(out, ' ');
        print_ipv6(nlri->local6, out);
    }
    if (nlri->has_remote6) {
        buf_str(out, " > ");
        print_ipv6(nlri->remote6, out);
    }
}

static void
print_prefix(const struct bgpls_nlri *nlri, struct buf *out)
{
    buf_u8(out, ' ');
    if (nlri->type == BGPLS_PREFIX4)
        print_ipv4(nlri->prefix, out);
    else
        print_ipv6(nlri->prefix, out);
    buf_printf(out, "/%u", nlri->prefix_length);
    if (nlri->has_route_type)
        buf_printf(out, " route-type %u", nlri->route_type);
}

void
bgpls_nlri_print(const struct bgpls_nlri *nlri, struct buf *out)
{
    if (!is_known(nlri->type)) {
        buf_printf(out, "NLRI type %u ", nlri->type);
        hex_put(out, nlri->octets, nlri->size);
        return;
    }
    buf_printf(out, "%s %s %llu", bgpls_type_name(nlri->type), bgpls_protocol_name(nlri->protocol),
               (unsigned long long)nlri->instance);
    print_node(nlri->protocol, &nlri->local, out);
    if (nlri->type == BGPLS_LINK)
        print_link(nlri, out);
    else if (nlri->type != BGPLS_NODE)
        print_prefix(nlri, out);
    if (nlri->has_mt_id)
        buf_printf(out, " mt %u", BGPLS_MT_ID(nlri->mt_id));
    if (nlri->n_extra)
        buf_printf(out, " and %u TLVs that are not known", nlri->n_extra);
}
