#include "packet/flow_key.h"

#include <stddef.h>

#define ROW(member, width) .offset = offsetof(struct flow_key, member), .size = (width)

const struct field_info field_table[FIELD_MAX] = {
    [FIELD_IN_PORT] = {"in_port", ROW(in_port, 4), 32, false, false, FORM_DECIMAL},
    [FIELD_IN_PHY_PORT] = {"in_phy_port", ROW(in_phy_port, 4), 32, false, false, FORM_DECIMAL},
    [FIELD_METADATA] = {"metadata", ROW(metadata, 8), 64, true, false, FORM_HEX},
    [FIELD_ETH_DST] = {"eth_dst", ROW(eth_dst, 6), 48, true, true, FORM_MAC},
    [FIELD_ETH_SRC] = {"eth_src", ROW(eth_src, 6), 48, true, true, FORM_MAC},
    [FIELD_ETH_TYPE] = {"eth_type", ROW(eth_type, 2), 16, false, true, FORM_HEX},
    [FIELD_VLAN_VID] = {"vlan_vid", ROW(vlan_vid, 2), 13, true, true, FORM_HEX},
    [FIELD_VLAN_PCP] = {"vlan_pcp", ROW(vlan_pcp, 1), 3, false, true, FORM_DECIMAL},
    [FIELD_IP_DSCP] = {"ip_dscp", ROW(ip_dscp, 1), 6, false, true, FORM_DECIMAL},
    [FIELD_IP_ECN] = {"ip_ecn", ROW(ip_ecn, 1), 2, false, true, FORM_DECIMAL},
    [FIELD_IP_PROTO] = {"ip_proto", ROW(ip_proto, 1), 8, false, true, FORM_DECIMAL},
    [FIELD_IPV4_SRC] = {"ipv4_src", ROW(ip_src, 4), 32, true, true, FORM_IPV4},
    [FIELD_IPV4_DST] = {"ipv4_dst", ROW(ip_dst, 4), 32, true, true, FORM_IPV4},
    [FIELD_TCP_SRC] = {"tcp_src", ROW(tp_src, 2), 16, false, true, FORM_DECIMAL},
    [FIELD_TCP_DST] = {"tcp_dst", ROW(tp_dst, 2), 16, false, true, FORM_DECIMAL},
    [FIELD_UDP_SRC] = {"udp_src", ROW(tp_src, 2), 16, false, true, FORM_DECIMAL},
    [FIELD_UDP_DST] = {"udp_dst", ROW(tp_dst, 2), 16, false, true, FORM_DECIMAL},
    [FIELD_SCTP_SRC] = {"sctp_src", ROW(tp_src, 2), 16, false, true, FORM_DECIMAL},
    [FIELD_SCTP_DST] = {"sctp_dst", ROW(tp_dst, 2), 16, false, true, FORM_DECIMAL},
    [FIELD_ICMPV4_TYPE] = {"icmpv4_type", ROW(tp_src, 1), 8, false, true, FORM_DECIMAL},
    [FIELD_ICMPV4_CODE] = {"icmpv4_code", ROW(tp_dst, 1), 8, false, true, FORM_DECIMAL},
    [FIELD_ARP_OP] = {"arp_op", ROW(tp_src, 2), 16, false, true, FORM_DECIMAL},
    [FIELD_ARP_SPA] = {"arp_spa", ROW(ip_src, 4), 32, true, true, FORM_IPV4},
    [FIELD_ARP_TPA] = {"arp_tpa", ROW(ip_dst, 4), 32, true, true, FORM_IPV4},
    [FIELD_ARP_SHA] = {"arp_sha", ROW(sll, 6), 48, true, true, FORM_MAC},
    [FIELD_ARP_THA] = {"arp_tha", ROW(tll, 6), 48, true, true, FORM_MAC},
    [FIELD_IPV6_SRC] = {"ipv6_src", ROW(ip_src, 16), 128, true, true, FORM_IPV6},
    [FIELD_IPV6_DST] = {"ipv6_dst", ROW(ip_dst, 16), 128, true, true, FORM_IPV6},
    [FIELD_IPV6_FLABEL] = {"ipv6_flabel", ROW(ipv6_flabel, 4), 20, true, true, FORM_HEX},
    [FIELD_ICMPV6_TYPE] = {"icmpv6_type", ROW(tp_src, 1), 8, false, true, FORM_DECIMAL},
    [FIELD_ICMPV6_CODE] = {"icmpv6_code", ROW(tp_dst, 1), 8, false, true, FORM_DECIMAL},
    [FIELD_IPV6_ND_TARGET] = {"ipv6_nd_target", ROW(nd_target, 16), 128, false, true, FORM_IPV6},
    [FIELD_IPV6_ND_SLL] = {"ipv6_nd_sll", ROW(sll, 6), 48, false, true, FORM_MAC},
    [FIELD_IPV6_ND_TLL] = {"ipv6_nd_tll", ROW(tll, 6), 48, false, true, FORM_MAC},
    [FIELD_MPLS_LABEL] = {"mpls_label", ROW(mpls_label, 4), 20, false, true, FORM_DECIMAL},
    [FIELD_MPLS_TC] = {"mpls_tc", ROW(mpls_tc, 1), 3, false, true, FORM_DECIMAL},
    [FIELD_MPLS_BOS] = {"mpls_bos", ROW(mpls_bos, 1), 1, false, true, FORM_DECIMAL},
    [FIELD_PBB_ISID] = {"pbb_isid", ROW(pbb_isid, 3), 24, true, true, FORM_HEX},
    [FIELD_TUNNEL_ID] = {"tunnel_id", ROW(tunnel_id, 8), 64, true, true, FORM_HEX},
    [FIELD_IPV6_EXTHDR] = {"ipv6_exthdr", ROW(ipv6_exthdr, 2), 9, true, false, FORM_HEX},
    [FIELD_PBB_UCA] = {"pbb_uca", ROW(pbb_uca, 1), 1, false, true, FORM_DECIMAL},
};

const struct field_info *
field_info(unsigned field)
{
    return field < FIELD_MAX && field_table[field].name ? &field_table[field] : NULL;
}

enum field
field_by_name(const char *name)
{
    for (unsigned i = 0; i < FIELD_MAX; i++) {
        if (field_table[i].name && !strcmp(field_table[i].name, name))
            return i;
    }
    return FIELD_MAX;
}

uint64_t
flow_key_get(const struct flow_key *key, enum field field)
{
    const uint8_t *p = flow_key_field_const(key, field);
    uint64_t value = 0;
    for (int i = 0; i < field_table[field].size; i++)
        value = value << 8 | p[i];
    return value;
}

void
flow_key_set(struct flow_key *key, enum field field, uint64_t value)
{
    uint8_t *p = flow_key_field(key, field);
    for (int i = field_table[field].size; i-- > 0; value >>= 8)
        p[i] = (uint8_t)value;
}

const char *
parse_flaw_name(enum parse_flaw flaw)
{
    static const char *const names[FLAW_MAX] = {"none", "runt", "vlan", "mpls", "pbb",
                                                "arp",  "ipv4", "ipv6", "l4"};
    return flaw < FLAW_MAX ? names[flaw] : "?";
}

/* What is left of the frame while its headers are read. */
struct reader {
    const uint8_t *frame;
    size_t size, at;
    struct flow_key *key;
    struct packet_layout *layout;
};

static const uint8_t *
take(struct reader *r, size_t n)
{
    if (n > r->size - r->at || r->at + n >= OFFSET_NONE) /* offsets have 16 bits */
        return NULL;
    const uint8_t *p = r->frame + r->at;
    r->at += n;
    return p;
}

/* IEEE 802.1Q tags; only the outermost is matched. Returns the type behind them, 0 if cut short. */
static uint16_t
parse_tags(struct reader *r, uint16_t type)
{
    for (bool outermost = true; type == ETH_TYPE_VLAN || type == ETH_TYPE_SVLAN;
         outermost = false) {
        const uint8_t *tag = take(r, 4);
        if (!tag) {
            r->layout->flaw = FLAW_VLAN;
            return 0;
        }
        if (outermost) {
            uint16_t tci = get_be16(tag);
            r->key->vlan_vid = to_be16((tci & 0xfff) | VLAN_PRESENT);
            r->key->vlan_pcp = (uint8_t)(tci >> 13);
        }
        type = get_be16(tag + 2);
    }
    return type;
}

static void
parse_ports(struct reader *r, size_t header_size)
{
    const uint8_t *header = take(r, header_size);
    if (!header) {
        r->layout->flaw = FLAW_L4;
        return;
    }
    r->layout->l4 = (uint16_t)(header - r->frame);
    memcpy(&r->key->tp_src, header, 2);
    memcpy(&r->key->tp_dst, header + 2, 2);
    if (r->key->ip_proto == IP_PROTO_TCP) { /* RFC 9293 section 3.1: data offset in 32-bit words */
        size_t options = (size_t)(header[12] >> 4) * 4;
        if (options < 20 || !take(r, options - 20)) {
            r->layout->flaw = FLAW_L4;
            return;
        }
    }
    r->layout->payload = (uint16_t)r->at;
}

/* RFC 4861 section 4.3 and 4.4: target address and link-layer address option. */
static void
parse_nd(struct reader *r, uint8_t type)
{
    const uint8_t *target = take(r, 20); /* reserved or flags, then the target */
    if (!target)
        return;
    memcpy(r->key->nd_target, target + 4, 16);
    for (;;) {
        const uint8_t *option = take(r, 8);
        if (!option || option[1] == 0)
            return;
        uint8_t wanted = type == 135 ? 1 : 2;
        if (option[0] == wanted && option[1] == 1)
            memcpy(type == 135 ? r->key->sll : r->key->tll, option + 2, 6);
        if (!take(r, (size_t)(option[1] - 1) * 8))
            return;
    }
}

static void
parse_icmp(struct reader *r, bool v6)
{
    const uint8_t *header = take(r, 4);
    if (!header) {
        r->layout->flaw = FLAW_L4;
        return;
    }
    r->layout->l4 = (uint16_t)(header - r->frame);
    r->layout->payload = (uint16_t)r->at;
    memcpy(&r->key->tp_src, header, 1);
    memcpy(&r->key->tp_dst, header + 1, 1);
    if (v6 && (header[0] == 135 || header[0] == 136) && header[1] == 0)
        parse_nd(r, header[0]);
}

static void
parse_l4(struct reader *r, uint8_t proto, bool v6)
{
    if (proto == IP_PROTO_TCP)
        parse_ports(r, 20);
    else if (proto == IP_PROTO_UDP)
        parse_ports(r, 8);
    else if (proto == IP_PROTO_SCTP)
        parse_ports(r, 12);
    else if (proto == (v6 ? IP_PROTO_ICMPV6 : IP_PROTO_ICMP))
        parse_icmp(r, v6);
}

static void
parse_ipv4(struct reader *r)
{
    const uint8_t *ip = take(r, 20);
    size_t header = ip ? (size_t)(ip[0] & 15) * 4 : 0;
    size_t total = ip ? get_be16(ip + 2) : 0;
    size_t start = ip ? (size_t)(ip - r->frame) : 0;
    if (!ip || ip[0] >> 4 != 4 || header < 20 || total < header || total > r->size - start ||
        !take(r, header - 20)) {
        r->layout->flaw = FLAW_IPV4;
        return;
    }
    r->size = start + total; /* what is behind is Ethernet padding */
    r->layout->l3 = (uint16_t)start;
    r->key->ip_dscp = ip[1] >> 2;
    r->key->ip_ecn = ip[1] & 3;
    r->key->ip_proto = ip[9];
    memcpy(r->key->ip_src, ip + 12, 4);
    memcpy(r->key->ip_dst, ip + 16, 4);
    uint16_t fragment = get_be16(ip + 6);
    r->layout->fragment = fragment & 0x3fff;
    if (!(fragment & 0x1fff)) /* a later fragment has no L4 header */
        parse_l4(r, ip[9], false);
}

/* RFC 8200 section 4.1, the recommended order: each kind's place in it; DEST may come twice. */
static const struct exthdr {
    uint8_t proto;
    uint16_t bit;
    uint8_t place;
} exthdrs[] = {
    {0, EXTHDR_HOP, 1},   {60, EXTHDR_DEST, 2}, {43, EXTHDR_ROUTER, 3}, {44, EXTHDR_FRAG, 4},
    {51, EXTHDR_AUTH, 5}, {50, EXTHDR_ESP, 6},  {59, EXTHDR_NONEXT, 8},
};

static const struct exthdr *
find_exthdr(uint8_t proto)
{
    for (size_t i = 0; i < ARRAY_SIZE(exthdrs); i++) {
        if (exthdrs[i].proto == proto)
            return &exthdrs[i];
    }
    return NULL;
}

/* Adds one extension header to the OFPIEH_* bits. A second destination options header belongs
 * behind the others; any other repetition is "unrepeated" broken, any step back is "unsequenced".
 */
static void
note_exthdr(const struct exthdr *kind, uint16_t *bits, uint8_t *place)
{
    uint8_t here = kind->place;
    if (kind->bit == EXTHDR_DEST && (*bits & EXTHDR_DEST)) {
        here = 7;
        if (*place == 7)
            *bits |= EXTHDR_UNREP;
    } else if (*bits & kind->bit) {
        *bits |= EXTHDR_UNREP;
    } else if (kind->bit == EXTHDR_DEST && *place > 3) {
        here = 7; /* the final one, without the earlier */
    }
    if (here < *place)
        *bits |= EXTHDR_UNSEQ;
    *bits |= kind->bit;
    *place = MAX(*place, here);
}

/* Reads one extension header, whose kind is known. Returns the next header's number; -1 if cut
 * short or nothing that can be read follows. */
static int
parse_exthdr(struct reader *r, const struct exthdr *kind)
{
    const uint8_t *header;
    if (kind->bit == EXTHDR_NONEXT || kind->bit == EXTHDR_ESP)
        return -1;
    if (!(header = take(r, 8))) {
        r->layout->flaw = FLAW_IPV6;
        return -1;
    }
    if (kind->bit == EXTHDR_FRAG) {
        r->layout->fragment = true;
        if (get_be16(header + 2) & 0xfff8) { /* a later fragment */
            r->key->ip_proto = header[0];
            return -1;
        }
        return header[0];
    }
    size_t more = kind->bit == EXTHDR_AUTH ? ((size_t)header[1] + 2) * 4
                                           : (size_t)header[1] * 8 + 8;
    if (more < 8 || !take(r, more - 8)) {
        r->layout->flaw = FLAW_IPV6;
        return -1;
    }
    return header[0];
}

static void
parse_ipv6(struct reader *r)
{
    const uint8_t *ip = take(r, 40);
    if (!ip || ip[0] >> 4 != 6 || get_be16(ip + 4) > r->size - r->at) {
        r->layout->flaw = FLAW_IPV6;
        return;
    }
    r->size = r->at + get_be16(ip + 4);
    r->layout->l3 = (uint16_t)(ip - r->frame);
    uint8_t traffic_class = (uint8_t)(get_be16(ip) >> 4);
    r->key->ip_dscp = traffic_class >> 2;
    r->key->ip_ecn = traffic_class & 3;
    r->key->ipv6_flabel = to_be32(get_be32(ip) & 0xfffff);
    memcpy(r->key->ip_src, ip + 8, 16);
    memcpy(r->key->ip_dst, ip + 24, 16);

    uint16_t bits = 0;
    uint8_t place = 0;
    int next = ip[6];
    const struct exthdr *kind;
    for (int n = 0; n < 16 && next >= 0 && (kind = find_exthdr((uint8_t)next)); n++) {
        r->key->ip_proto = (uint8_t)next;
        note_exthdr(kind, &bits, &place);
        next = parse_exthdr(r, kind);
    }
    r->key->ipv6_exthdr = to_be16(bits);
    if (next < 0)
        return;
    r->key->ip_proto = (uint8_t)next;
    parse_l4(r, (uint8_t)next, true);
}

/* RFC 826 for Ethernet and IPv4. */
static void
parse_arp(struct reader *r)
{
    static const uint8_t ethernet_ipv4[] = {0, 1, 8, 0, 6, 4};
    const uint8_t *arp = take(r, 28);
    if (!arp || memcmp(arp, ethernet_ipv4, sizeof ethernet_ipv4)) {
        r->layout->flaw = FLAW_ARP;
        return;
    }
    r->layout->l3 = (uint16_t)(arp - r->frame);
    memcpy(&r->key->tp_src, arp + 6, 2);
    memcpy(r->key->sll, arp + 8, 6);
    memcpy(r->key->ip_src, arp + 14, 4);
    memcpy(r->key->tll, arp + 18, 6);
    memcpy(r->key->ip_dst, arp + 24, 4);
}

static void
parse_mpls(struct reader *r)
{
    const uint8_t *entry = take(r, 4);
    if (!entry) {
        r->layout->flaw = FLAW_MPLS;
        return;
    }
    uint32_t word = get_be32(entry); /* RFC 3032 section 2.1 */
    r->key->mpls_label = to_be32(word >> 12);
    r->key->mpls_tc = word >> 9 & 7;
    r->key->mpls_bos = word >> 8 & 1;
}

static void
parse_pbb(struct reader *r)
{
    const uint8_t *itag = take(r, 4); /* IEEE 802.1Q clause 9.7: PCP DEI UCA res, I-SID */
    if (!itag) {
        r->layout->flaw = FLAW_PBB;
        return;
    }
    r->key->pbb_uca = itag[0] >> 3 & 1;
    memcpy(r->key->pbb_isid, itag + 1, 3);
}

/* Behind the addresses: a type, or an 802.3 length, perhaps with an LLC/SNAP header (RFC 1042). */
static uint16_t
parse_type(struct reader *r, uint16_t type)
{
    if (type >= 0x0600)
        return type;
    static const uint8_t snap[] = {0xaa, 0xaa, 3, 0, 0, 0};
    const uint8_t *p = r->frame + r->at;
    if (r->size - r->at >= 8 && !memcmp(p, snap, sizeof snap) && get_be16(p + 6) >= 0x0600) {
        r->at += 8;
        return get_be16(p + 6);
    }
    return ETH_TYPE_NOT_A_TYPE;
}

/* The words that are not of the frame stay: 0 (ports), 1 (metadata), 5 (tunnel). */
static void
clear_words(struct flow_key *key)
{
    memset(&key->words[2], 0, 3 * sizeof key->words[0]);
    memset(&key->words[6], 0, (FLOW_KEY_WORDS - 6) * sizeof key->words[0]);
}

static uint64_t
load(const uint8_t *p, size_t size)
{
    uint64_t value = 0;
    memcpy(&value, p, size);
    return value;
}

/* What most packets are: untagged, IPv4 without options, not a fragment, whole, UDP or TCP. The
 * key's words are put together in registers, in the order of their octets. False: it is something
 * else, and nothing was changed; the reader below would find the same, octet by octet. */
static bool
parse_plain(struct flow_key *key, const uint8_t *frame, size_t size, struct packet_layout *layout)
{
    const uint8_t *ip = frame + 14, *l4 = ip + 20;
    if (size < 14 + 20 + 8 || get_be32(frame + 12) >> 8 != (ETH_TYPE_IPV4 << 8 | 0x45) ||
        get_be16(ip + 6) & 0x3fff)
        return false;
    size_t total = get_be16(ip + 2), header = 8;
    if (total > size - 14 || total < 20 + 8)
        return false;
    if (ip[9] == IP_PROTO_TCP) {
        header = total < 20 + 20 ? 0 : (size_t)(l4[12] >> 4) * 4;
        if (header < 20 || header > total - 20)
            return false;
    } else if (ip[9] != IP_PROTO_UDP) {
        return false;
    }
    const uint64_t mac = UINT64_C(0xffffffffffff);
    key->words[2] = (load(frame, 8) & mac) | (uint64_t)to_be16(ETH_TYPE_IPV4) << 48;
    key->words[3] = load(frame + 6, 8) & mac;
    key->words[4] = (uint64_t)(ip[1] >> 2) << 8 | (uint64_t)(ip[1] & 3) << 16 |
                    (uint64_t)ip[9] << 24 | load(l4, 4) << 32;
    key->words[6] = load(ip + 12, 4);
    key->words[8] = load(ip + 16, 4);
    key->words[7] = key->words[9] = 0;
    memset(&key->words[10], 0, (FLOW_KEY_WORDS - 10) * sizeof key->words[0]);
    *layout = (struct packet_layout){14, 14, 34, (uint16_t)(34 + header), FLAW_NONE, false};
    return true;
}

void
flow_key_parse(struct flow_key *key, const uint8_t *frame, size_t size,
               struct packet_layout *layout)
{
    if (parse_plain(key, frame, size, layout))
        return;
    clear_words(key);
    *layout = (struct packet_layout){OFFSET_NONE, OFFSET_NONE, OFFSET_NONE,
                                     OFFSET_NONE, FLAW_NONE,   0};
    struct reader r = {frame, size, 0, key, layout};

    const uint8_t *ethernet = take(&r, 14);
    if (!ethernet) {
        layout->flaw = FLAW_RUNT;
        return;
    }
    memcpy(key->eth_dst, ethernet, 6);
    memcpy(key->eth_src, ethernet + 6, 6);
    uint16_t type = parse_tags(&r, get_be16(ethernet + 12));
    if (layout->flaw)
        return;
    layout->l2_5 = (uint16_t)r.at;
    type = parse_type(&r, type);
    key->eth_type = to_be16(type);
    if (type == ETH_TYPE_IPV4)
        parse_ipv4(&r);
    else if (type == ETH_TYPE_ARP)
        parse_arp(&r);
    else if (type == ETH_TYPE_IPV6)
        parse_ipv6(&r);
    else if (type == ETH_TYPE_MPLS || type == ETH_TYPE_MPLS_MULTICAST)
        parse_mpls(&r);
    else if (type == ETH_TYPE_PBB)
        parse_pbb(&r);
}
