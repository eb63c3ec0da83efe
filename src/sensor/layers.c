#include "sensor/layers.h"

#include "packet/redundancy.h"

#include <string.h>

#define ETH_IPV4 0x0800
#define ETH_TEB 0x6558 /* transparent Ethernet bridging, RFC 7637 */
#define ETH_VLAN 0x8100
#define ETH_QINQ 0x88a8
#define ETH_QINQ_OLD 0x9100
#define ETH_IPV6 0x86dd
#define ETH_MPLS 0x8847
#define ETH_MPLS_MULTICAST 0x8848
#define ETH_PPPOE 0x8864
#define ETH_ERSPAN 0x88be
#define ETH_ERSPAN3 0x22eb
#define ETH_HSR 0x892f
#define PROTO_IPV4 4
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_IPV6 41
#define PROTO_GRE 47
#define PROTO_SCTP 132
#define RCT_PADDED 70 /* octets of the longest frame that is filled up behind its RCT */
#define PORT_VXLAN 4789
#define PORT_VXLAN_LINUX 8472

/* What is left to read: `size` octets are there, of `wire` that were. */
struct rest {
    const uint8_t *p;
    uint32_t size, wire;
    unsigned depth;
};

static void parse_ethernet(struct layers *l, struct rest r);
static void parse_type(struct layers *l, uint16_t type, struct rest r);
static void parse_ip(struct layers *l, struct rest r);

static void
fault(struct layers *l, enum layers_fault f)
{
    if (!l->fault)
        l->fault = f;
}

/* Are there `n` octets? If not, the payload is what there is. */
static bool
has(struct layers *l, const struct rest *r, uint32_t n)
{
    if (r->size >= n)
        return true;
    fault(l, r->wire >= n ? LAYERS_CUT : LAYERS_SHORT);
    return false;
}

static void
skip(struct rest *r, uint32_t n)
{
    r->p += n;
    r->size -= n;
    r->wire -= n;
}

static void
set_payload(struct layers *l, const struct rest *r)
{
    l->payload = r->p;
    l->size = r->size;
    l->wire = r->wire;
}

/* A header says that `n` octets are its own; what is behind them fills up. */
static void
limit(struct layers *l, struct rest *r, uint32_t n)
{
    if (n > r->wire)
        fault(l, LAYERS_SHORT);
    r->wire = n < r->wire ? n : r->wire;
    r->size = n < r->size ? n : r->size;
}

/* One layer more; false: there are too many. */
static bool
descend(struct layers *l, struct rest *r)
{
    set_payload(l, r);
    if (++r->depth <= LAYERS_DEPTH)
        return true;
    fault(l, LAYERS_DEEP);
    return false;
}

/* ---- Transport ---- */

static void
parse_tcp(struct layers *l, struct rest r)
{
    if (!has(l, &r, 20))
        return;
    uint32_t header = (r.p[12] >> 4) * 4u;
    l->src_port = get_be16(r.p);
    l->dst_port = get_be16(r.p + 2);
    l->has_ports = true;
    l->tcp_seq = get_be32(r.p + 4);
    l->tcp_ack = get_be32(r.p + 8);
    l->tcp_flags = r.p[13];
    l->tcp_window = get_be16(r.p + 14);
    if (header < 20) {
        fault(l, LAYERS_MALFORMED);
        header = 20;
    }
    if (!has(l, &r, header)) {
        skip(&r, r.size);
        set_payload(l, &r);
        return;
    }
    l->tcp_options = r.p + 20;
    l->tcp_options_size = (uint8_t)(header - 20);
    skip(&r, header);
    set_payload(l, &r);
}

/* RFC 7348 section 5. */
static bool
parse_vxlan(struct layers *l, struct rest r)
{
    if (r.size < 22 || (r.p[0] & 0x08) == 0 || r.p[7])
        return false;
    l->wrapped |= WRAPPED_VXLAN;
    skip(&r, 8);
    if (descend(l, &r))
        parse_ethernet(l, r);
    return true;
}

static void
parse_udp(struct layers *l, struct rest r)
{
    if (!has(l, &r, 8))
        return;
    uint32_t size = get_be16(r.p + 4);
    l->src_port = get_be16(r.p);
    l->dst_port = get_be16(r.p + 2);
    l->has_ports = true;
    if (size && size < 8)
        fault(l, LAYERS_MALFORMED);
    else if (size) /* 0: a jumbogram, RFC 2675 */
        limit(l, &r, size);
    skip(&r, 8);
    set_payload(l, &r);
    if (l->dst_port == PORT_VXLAN || l->dst_port == PORT_VXLAN_LINUX) {
        struct layers outer = *l;
        if (!parse_vxlan(l, r))
            *l = outer;
    }
}

/* RFC 2784, RFC 2890; version 1 (PPTP) is left alone. */
static void
parse_gre(struct layers *l, struct rest r)
{
    if (!has(l, &r, 4))
        return;
    uint16_t flags = get_be16(r.p), type = get_be16(r.p + 2);
    uint32_t header = 4 + (flags & 0x8000 ? 4u : 0) + (flags & 0x2000 ? 4u : 0) +
                      (flags & 0x1000 ? 4u : 0);
    if (flags & 7 || !has(l, &r, header))
        return;
    bool has_sequence = flags & 0x1000;
    skip(&r, header);
    l->wrapped |= WRAPPED_GRE;
    if (!descend(l, &r))
        return;
    /* ERSPAN: type I has no header, II has 8 octets, III 12, and 8 more with its O bit.
     * draft-foschiano-erspan */
    uint32_t erspan = type == ETH_ERSPAN3 ? 12 : type == ETH_ERSPAN && has_sequence ? 8 : 0;
    if (type == ETH_ERSPAN3 && r.size >= 12 && r.p[11] & 1)
        erspan = 20;
    if (type != ETH_ERSPAN && type != ETH_ERSPAN3) {
        parse_type(l, type, r);
    } else if (has(l, &r, erspan)) {
        skip(&r, erspan);
        parse_ethernet(l, r);
    }
}

static void
parse_transport(struct layers *l, struct rest r)
{
    set_payload(l, &r);
    switch (l->proto) {
    case PROTO_TCP:
        parse_tcp(l, r);
        break;
    case PROTO_UDP:
        parse_udp(l, r);
        break;
    case PROTO_GRE:
        parse_gre(l, r);
        break;
    case PROTO_SCTP:
        if (has(l, &r, 12)) {
            l->src_port = get_be16(r.p);
            l->dst_port = get_be16(r.p + 2);
            l->has_ports = true;
        }
        break;
    case PROTO_IPV4:
    case PROTO_IPV6:
        l->wrapped |= WRAPPED_IP;
        if (descend(l, &r))
            parse_ip(l, r);
        break;
    default:
        break;
    }
}

/* ---- IP ---- */

static void
take_fragment(struct layers *l, uint32_t at, bool more, uint32_t id)
{
    l->is_fragment = at || more;
    l->fragment_at = at;
    l->more_fragments = more;
    l->fragment_id = id;
}

static void
parse_ipv4(struct layers *l, struct rest r)
{
    if (!has(l, &r, 20))
        return;
    uint32_t header = (r.p[0] & 15) * 4u, total = get_be16(r.p + 2);
    uint16_t fragment = get_be16(r.p + 6);
    l->ip = 4;
    l->dscp = r.p[1] >> 2;
    l->ttl = r.p[8];
    l->proto = r.p[9];
    memset(l->src, 0, sizeof l->src);
    memset(l->dst, 0, sizeof l->dst);
    memcpy(l->src, r.p + 12, 4);
    memcpy(l->dst, r.p + 16, 4);
    if (header < 20 || (total && total < header)) {
        fault(l, LAYERS_MALFORMED);
        return;
    }
    if (total) /* 0: the card was to cut the segment, and the capture was taken before it did */
        limit(l, &r, total);
    if (!has(l, &r, header))
        return;
    skip(&r, header);
    take_fragment(l, (fragment & 0x1fff) * 8u, fragment & 0x2000, get_be16(r.p - header + 4));
    set_payload(l, &r);
    if (!l->is_fragment)
        parse_transport(l, r);
}

/* RFC 8200: extension headers, up to the one whose payload is something else. */
static void
parse_ipv6(struct layers *l, struct rest r)
{
    if (!has(l, &r, 40))
        return;
    uint32_t total = get_be16(r.p + 4);
    uint8_t next = r.p[6];
    l->ip = 6;
    l->dscp = (uint8_t)((get_be16(r.p) >> 6) & 63);
    l->ttl = r.p[7];
    memcpy(l->src, r.p + 8, 16);
    memcpy(l->dst, r.p + 24, 16);
    take_fragment(l, 0, false, 0);
    if (total)
        limit(l, &r, total + 40);
    skip(&r, 40);
    for (unsigned n = 0; n < LAYERS_DEPTH && !l->is_fragment; n++) {
        bool is_plain = next == 0 || next == 43 || next == 60 || next == 51 || next == 135;
        if ((!is_plain && next != 44) || !has(l, &r, 8))
            break;
        uint32_t size = next == 51 ? (r.p[1] + 2u) * 4 : next == 44 ? 8 : (r.p[1] + 1u) * 8;
        if (next == 44) {
            uint16_t at = get_be16(r.p + 2);
            take_fragment(l, at & 0xfff8, at & 1, get_be32(r.p + 4));
        }
        if (!has(l, &r, size))
            break;
        next = r.p[0];
        skip(&r, size);
    }
    l->proto = next;
    set_payload(l, &r);
    if (!l->is_fragment)
        parse_transport(l, r);
}

static void
parse_ip(struct layers *l, struct rest r)
{
    if (!has(l, &r, 1))
        return;
    switch (r.p[0] >> 4) {
    case 4:
        parse_ipv4(l, r);
        break;
    case 6:
        parse_ipv6(l, r);
        break;
    default:
        fault(l, LAYERS_MALFORMED);
    }
}

/* ---- Below IP ---- */

/* RFC 3032; what is carried shows in its first 4 bits (RFC 4928): IP, or else Ethernet, mostly
 * behind a control word (RFC 4448). */
static void
parse_mpls(struct layers *l, struct rest r)
{
    l->wrapped |= WRAPPED_MPLS;
    for (bool bottom = false; !bottom;) {
        if (!has(l, &r, 4) || !descend(l, &r))
            return;
        bottom = r.p[2] & 1;
        skip(&r, 4);
    }
    if (!has(l, &r, 1) || !descend(l, &r))
        return;
    if (r.p[0] >> 4 == 4 || r.p[0] >> 4 == 6) {
        parse_ip(l, r);
        return;
    }
    if (r.p[0] >> 4 == 0 && has(l, &r, 4))
        skip(&r, 4);
    parse_ethernet(l, r);
}

static void
parse_pppoe(struct layers *l, struct rest r)
{
    if (!has(l, &r, 8))
        return;
    uint16_t type = get_be16(r.p + 6);
    limit(l, &r, get_be16(r.p + 4) + 6u);
    if (!has(l, &r, 8))
        return;
    skip(&r, 8);
    l->wrapped |= WRAPPED_PPPOE;
    if (descend(l, &r) && (type == 0x0021 || type == 0x0057))
        parse_ip(l, r);
}

static void
parse_hsr(struct layers *l, struct rest r)
{
    if (!has(l, &r, 6))
        return;
    uint16_t word = get_be16(r.p), type = get_be16(r.p + 4);
    l->wrapped |= WRAPPED_HSR;
    l->redundancy_lan = (uint8_t)(word >> 12);
    l->redundancy_sequence = get_be16(r.p + 2);
    l->eth_type = type;
    skip(&r, 6);
    if (descend(l, &r))
        parse_type(l, type, r);
}

static void
parse_tag(struct layers *l, struct rest r)
{
    if (!has(l, &r, 4))
        return;
    uint16_t type = get_be16(r.p + 2);
    l->wrapped |= WRAPPED_VLAN;
    if (l->n_tags < LAYERS_TAGS)
        l->tags[l->n_tags++] = get_be16(r.p);
    skip(&r, 4);
    if (descend(l, &r))
        parse_type(l, type, r);
}

static void
parse_type(struct layers *l, uint16_t type, struct rest r)
{
    if (type < 0x0600) { /* a length: LLC follows (IEEE 802.3 clause 3.2.6) */
        limit(l, &r, type);
        type = 0;
        if (r.size >= 8 && !memcmp(r.p, "\xaa\xaa\x03\0\0\0", 6)) { /* SNAP, RFC 1042 */
            type = get_be16(r.p + 6);
            skip(&r, 8);
        } else if (r.size >= 8 && !memcmp(r.p, "\xaa\xaa\x03\0\0\x0c", 6) &&
                   get_be16(r.p + 6) >= 0x0600) { /* Cisco's, who uses no EtherType */
            type = get_be16(r.p + 6);
            skip(&r, 8);
        }
    }
    l->eth_type = type;
    set_payload(l, &r);
    switch (type) {
    case ETH_VLAN:
    case ETH_QINQ:
    case ETH_QINQ_OLD:
        parse_tag(l, r);
        break;
    case ETH_IPV4:
    case ETH_IPV6:
        parse_ip(l, r);
        break;
    case ETH_MPLS:
    case ETH_MPLS_MULTICAST:
        parse_mpls(l, r);
        break;
    case ETH_HSR:
        parse_hsr(l, r);
        break;
    case ETH_PPPOE:
        parse_pppoe(l, r);
        break;
    case ETH_TEB:
        if (descend(l, &r))
            parse_ethernet(l, r);
        break;
    default:
        break;
    }
}

/* Does it end as a PRP trailer does, or with octets that may be behind one? Most do neither. */
static bool
may_have_rct(const uint8_t *frame, uint32_t size)
{
    return get_be16(frame + size - 2) == ETH_TYPE_PRP || (size <= RCT_PADDED && !frame[size - 1]);
}

static void
parse_ethernet(struct layers *l, struct rest r)
{
    struct redundancy_tag tag;
    size_t offset;
    if (!has(l, &r, 14))
        return;
    l->has_mac = true;
    l->n_tags = 0;
    l->ip = 0; /* what the tunnel has is not of what goes through it */
    l->has_ports = false;
    memcpy(&l->dst_mac, r.p, 6);
    memcpy(&l->src_mac, r.p + 6, 6);
    if (r.size == r.wire && may_have_rct(r.p, r.size) && prp_find_rct(r.p, r.size, &tag, &offset)) {
        l->wrapped |= WRAPPED_PRP;
        l->redundancy_sequence = tag.sequence;
        l->redundancy_lan = tag.lan;
        r.size = r.wire = (uint32_t)offset;
    }
    uint16_t type = get_be16(r.p + 12);
    skip(&r, 14);
    parse_type(l, type, r);
}

/* ---- What nearly all frames are ---- */

/* Ethernet with at most one tag, IPv4 without options, whole, TCP or UDP, as parse_ethernet() would
 * read it. False: it is something else, or not as it should be; nothing was set. */
static bool
parse_usual(const struct frame *f, struct layers *l)
{
    const uint8_t *p = f->data;
    uint32_t size = f->size;
    if (size < 18 + 20 + 20 || may_have_rct(p, size))
        return false;
    uint32_t at = get_be16(p + 12) == ETH_VLAN ? 18 : 14;
    const uint8_t *ip = p + at, *transport = ip + 20;
    uint32_t total = get_be16(ip + 2);
    bool is_tcp = ip[9] == PROTO_TCP;
    if (get_be16(ip - 2) != ETH_IPV4 || ip[0] != 0x45 || get_be16(ip + 6) & 0x3fff || total < 40 ||
        total > size - at || (!is_tcp && ip[9] != PROTO_UDP))
        return false;
    uint32_t rest = total - 20, header = is_tcp ? (transport[12] >> 4) * 4u : 8;
    uint16_t to = get_be16(transport + 2);
    if (is_tcp ? header < 20 || header > rest
               : get_be16(transport + 4) != rest || to == PORT_VXLAN || to == PORT_VXLAN_LINUX)
        return false;
    l->has_mac = true;
    memcpy(&l->dst_mac, p, 6);
    memcpy(&l->src_mac, p + 6, 6);
    if (at == 18) {
        l->wrapped = WRAPPED_VLAN;
        l->n_tags = 1;
        l->tags[0] = get_be16(p + 14);
    }
    l->eth_type = ETH_IPV4;
    l->ip = 4;
    l->dscp = ip[1] >> 2;
    l->ttl = ip[8];
    l->proto = ip[9];
    memcpy(l->src, ip + 12, 4);
    memcpy(l->dst, ip + 16, 4);
    l->fragment_id = get_be16(ip + 4);
    l->has_ports = true;
    l->src_port = get_be16(transport);
    l->dst_port = to;
    if (is_tcp) {
        l->tcp_seq = get_be32(transport + 4);
        l->tcp_ack = get_be32(transport + 8);
        l->tcp_flags = transport[13];
        l->tcp_window = get_be16(transport + 14);
        l->tcp_options = transport + 20;
        l->tcp_options_size = (uint8_t)(header - 20);
    }
    l->payload = transport + header;
    l->size = l->wire = rest - header;
    return true;
}

/* ---- The frame ---- */

/* tcpdump.org's LINKTYPE_LINUX_SLL and _SLL2 */
static void
parse_cooked(struct layers *l, struct rest r, bool is_second)
{
    if (!has(l, &r, is_second ? 20 : 16))
        return;
    uint16_t type = get_be16(r.p + (is_second ? 0 : 14));
    unsigned size = is_second ? r.p[11] : get_be16(r.p + 4);
    if (size == 6) {
        l->has_mac = true;
        memcpy(&l->src_mac, r.p + (is_second ? 12 : 6), 6);
    }
    skip(&r, is_second ? 20 : 16);
    parse_type(l, type, r);
}

static void
parse_family(struct layers *l, struct rest r)
{
    if (!has(l, &r, 4))
        return;
    skip(&r, 4); /* the family, in somebody's byte order; the IP header says it, too */
    parse_ip(l, r);
}

/* In two parts, which compilers make a few stores of; of the whole a slow instruction. */
static void
clear(struct layers *l)
{
    enum { PART = 64 };
    memset(l, 0, PART);
    memset((uint8_t *)l + PART, 0, sizeof *l - PART);
}

void
layers_parse(const struct frame *f, struct layers *l)
{
    struct rest r = {f->data, f->size, f->wire, 0};
    clear(l);
    if (f->link == LINK_ETHERNET && f->size == f->wire && parse_usual(f, l))
        return;
    set_payload(l, &r);
    switch (f->link) {
    case LINK_ETHERNET:
        parse_ethernet(l, r);
        break;
    case LINK_NULL:
    case LINK_LOOP:
        parse_family(l, r);
        break;
    case LINK_RAW:
    case LINK_IPV4:
    case LINK_IPV6:
        parse_ip(l, r);
        break;
    case LINK_LINUX_SLL:
        parse_cooked(l, r, false);
        break;
    case LINK_LINUX_SLL2:
        parse_cooked(l, r, true);
        break;
    default:
        fault(l, LAYERS_MALFORMED);
    }
}

void
layers_parse_transport(struct layers *l, const uint8_t *data, uint32_t size, uint32_t wire)
{
    l->is_fragment = false;
    parse_transport(l, (struct rest){data, size, wire, 0});
}

const char *
layers_fault_word(enum layers_fault f)
{
    static const char *const words[] = {"sound", "cut", "short", "malformed", "deep"};
    return words[f];
}
