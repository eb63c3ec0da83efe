#include "packet/edit.h"

#include "packet/checksum.h"

#define ETHERNET_SIZE 14u
#define MAC_PAIR 12u
#define MIN_SIZE 60u /* without FCS */

/* Opens a gap of `size` octets at `offset` by moving the octets before it towards the headroom. */
static bool
insert(struct packet *p, uint32_t offset, uint32_t size)
{
    if ((size_t)(p->data - p->buffer) < size)
        return false;
    memmove(p->data - size, p->data, offset);
    p->data -= size;
    p->size += size;
    if (p->offload.needs_checksum)
        p->offload.checksum_start = (uint16_t)(p->offload.checksum_start + size);
    return true;
}

/* A frame that was long enough for Ethernet stays so (IEEE 802.3 clause 4.2.3.3): what a header
 * that came off made it too short is filled up with zeros. It ends where it ended, so there is
 * room. */
static void
pad(struct packet *p, uint32_t size_before)
{
    if (size_before < MIN_SIZE || p->size >= MIN_SIZE)
        return;
    uint32_t missing = MIN_SIZE - p->size;
    memmove(p->data - missing, p->data, p->size);
    p->data -= missing;
    memset(p->data + p->size, 0, missing);
    p->size = MIN_SIZE;
}

static void
erase(struct packet *p, uint32_t offset, uint32_t size)
{
    uint32_t before = p->size;
    memmove(p->data + size, p->data, offset);
    p->data += size;
    p->size -= size;
    if (p->offload.needs_checksum)
        p->offload.checksum_start = (uint16_t)(p->offload.checksum_start - size);
    pad(p, before);
}

static void
shift_one(uint16_t *offset, int by)
{
    if (*offset != OFFSET_NONE)
        *offset = (uint16_t)(*offset + by);
}

static void
shift_layout(struct packet *p, int by)
{
    shift_one(&p->layout.l2_5, by);
    shift_one(&p->layout.l3, by);
    shift_one(&p->layout.l4, by);
    shift_one(&p->layout.payload, by);
}

/* OpenFlow 1.3 table 5: a new tag takes VID and PCP of the outermost one, else zero. */
static enum edit_result
push_vlan(struct packet *p, struct flow_key *key, uint16_t type)
{
    uint16_t tci = (uint16_t)(key->vlan_pcp << 13 | (from_be16(key->vlan_vid) & 0xfff));
    if (p->layout.l2_5 == OFFSET_NONE || !insert(p, MAC_PAIR, 4))
        return EDIT_NO_ROOM;
    put_be16(p->data + MAC_PAIR, type);
    put_be16(p->data + MAC_PAIR + 2, tci);
    shift_layout(p, 4);
    key->vlan_vid = to_be16((tci & 0xfff) | VLAN_PRESENT);
    return EDIT_DONE;
}

static bool
is_vlan_type(uint16_t type)
{
    return type == ETH_TYPE_VLAN || type == ETH_TYPE_SVLAN;
}

static enum edit_result
pop_vlan(struct packet *p, struct flow_key *key)
{
    if (p->size < ETHERNET_SIZE + 4 || !is_vlan_type(get_be16(p->data + MAC_PAIR)))
        return EDIT_DONE;
    erase(p, MAC_PAIR, 4);
    shift_layout(p, -4);
    key->vlan_vid = 0;
    key->vlan_pcp = 0;
    if (p->size >= ETHERNET_SIZE + 4 && is_vlan_type(get_be16(p->data + MAC_PAIR))) {
        uint16_t tci = get_be16(p->data + MAC_PAIR + 2);
        key->vlan_vid = to_be16((tci & 0xfff) | VLAN_PRESENT);
        key->vlan_pcp = (uint8_t)(tci >> 13);
    }
    return EDIT_DONE;
}

static bool
is_mpls(const struct flow_key *key)
{
    uint16_t type = from_be16(key->eth_type);
    return type == ETH_TYPE_MPLS || type == ETH_TYPE_MPLS_MULTICAST;
}

static bool
is_ip(const struct flow_key *key)
{
    uint16_t type = from_be16(key->eth_type);
    return type == ETH_TYPE_IPV4 || type == ETH_TYPE_IPV6;
}

/* The IP header's TTL or hop limit; NULL if there is no IP header. */
static uint8_t *
ip_ttl(struct packet *p, const struct flow_key *key)
{
    if (p->layout.l3 == OFFSET_NONE || !is_ip(key))
        return NULL;
    return p->data + p->layout.l3 + (from_be16(key->eth_type) == ETH_TYPE_IPV4 ? 8 : 7);
}

static uint8_t *
mpls_entry(struct packet *p, const struct flow_key *key)
{
    if (!is_mpls(key) || p->layout.l2_5 == OFFSET_NONE || p->size < p->layout.l2_5 + 4u)
        return NULL;
    return p->data + p->layout.l2_5;
}

/* OpenFlow 1.3 table 5 and section 5.12: label and TC from the entry below, else zero; TTL from the
 * entry below or from IP, else zero; bottom of stack if there is none below. */
static enum edit_result
push_mpls(struct packet *p, struct flow_key *key, uint16_t type)
{
    uint32_t word = 0x100; /* bottom of stack */
    const uint8_t *below = mpls_entry(p, key), *ttl = ip_ttl(p, key);
    if (below)
        word = get_be32(below) & ~UINT32_C(0x100);
    else if (ttl)
        word = 0x100 | *ttl;
    uint16_t at = p->layout.l2_5;
    if (at == OFFSET_NONE || !insert(p, at, 4))
        return EDIT_NO_ROOM;
    put_be32(p->data + at, word);
    put_be16(p->data + at - 2, type);
    p->layout.l3 = p->layout.l4 = p->layout.payload = OFFSET_NONE;
    return EDIT_REPARSE;
}

static enum edit_result
pop_mpls(struct packet *p, struct flow_key *key, uint16_t type)
{
    if (!mpls_entry(p, key))
        return EDIT_DONE;
    uint16_t at = p->layout.l2_5;
    erase(p, at, 4);
    put_be16(p->data + at - 2, type);
    return EDIT_REPARSE;
}

/* IEEE 802.1Q clause 9.7 and OpenFlow 1.3 section 5.12: the customer's Ethernet header becomes the
 * payload of an I-TAG; the new header starts as a copy of it. */
static enum edit_result
push_pbb(struct packet *p, const struct flow_key *key, uint16_t type)
{
    const uint32_t size = MAC_PAIR + 2 + 4; /* B-DA, B-SA, type, I-TAG */
    uint8_t isid[3] = {0};
    uint8_t pcp = key->vlan_pcp;
    if (from_be16(key->eth_type) == ETH_TYPE_PBB)
        memcpy(isid, key->pbb_isid, 3);
    if (p->size < ETHERNET_SIZE || !insert(p, 0, size))
        return EDIT_NO_ROOM;
    memcpy(p->data, p->data + size, MAC_PAIR);
    put_be16(p->data + MAC_PAIR, type);
    p->data[MAC_PAIR + 2] = (uint8_t)(pcp << 5);
    memcpy(p->data + MAC_PAIR + 3, isid, 3);
    return EDIT_REPARSE;
}

static enum edit_result
pop_pbb(struct packet *p, const struct flow_key *key)
{
    uint16_t at = p->layout.l2_5;
    if (from_be16(key->eth_type) != ETH_TYPE_PBB || at == OFFSET_NONE ||
        p->size < at + 4u + ETHERNET_SIZE)
        return EDIT_DONE;
    erase(p, 0, at + 4u);
    return EDIT_REPARSE;
}

/* Writes an octet of the IPv4 header (at an even or odd offset) and updates the header's checksum.
 */
static void
set_ipv4_octet(uint8_t *ip, size_t at, uint8_t value)
{
    uint8_t old[2], *pair = ip + (at & ~(size_t)1);
    memcpy(old, pair, 2);
    ip[at] = value;
    put_be16(ip + 10, checksum_update(get_be16(ip + 10), old, pair, 2));
}

static void
set_ttl(struct packet *p, const struct flow_key *key, uint8_t value)
{
    uint8_t *ttl = ip_ttl(p, key);
    if (!ttl)
        return;
    if (from_be16(key->eth_type) == ETH_TYPE_IPV4)
        set_ipv4_octet(p->data + p->layout.l3, 8, value);
    else
        *ttl = value;
}

static enum edit_result
dec_nw_ttl(struct packet *p, const struct flow_key *key)
{
    const uint8_t *ttl = ip_ttl(p, key);
    if (!ttl)
        return EDIT_DONE;
    if (*ttl <= 1)
        return EDIT_TTL_EXPIRED;
    set_ttl(p, key, (uint8_t)(*ttl - 1));
    return EDIT_DONE;
}

static enum edit_result
dec_mpls_ttl(struct packet *p, const struct flow_key *key)
{
    uint8_t *entry = mpls_entry(p, key);
    if (!entry)
        return EDIT_DONE;
    if (entry[3] <= 1)
        return EDIT_TTL_EXPIRED;
    entry[3]--;
    return EDIT_DONE;
}

/* The TTL next to the outermost one: of the next label, or of the IP header below the last label.
 */
static uint8_t *
inner_ttl(struct packet *p, uint8_t *entry, bool *is_ipv4)
{
    size_t left = p->size - (size_t)(entry - p->data);
    *is_ipv4 = false;
    if (!(entry[2] & 1))
        return left >= 8 ? entry + 7 : NULL;
    uint8_t *ip = entry + 4;
    if (left >= 24 && ip[0] >> 4 == 4) {
        *is_ipv4 = true;
        return ip + 8;
    }
    return left >= 44 && ip[0] >> 4 == 6 ? ip + 7 : NULL;
}

static enum edit_result
copy_ttl(struct packet *p, const struct flow_key *key, bool outwards)
{
    bool is_ipv4;
    uint8_t *entry = mpls_entry(p, key);
    uint8_t *inner = entry ? inner_ttl(p, entry, &is_ipv4) : NULL;
    if (!inner)
        return EDIT_DONE;
    if (outwards)
        entry[3] = *inner;
    else if (is_ipv4)
        set_ipv4_octet(inner - 8, 8, entry[3]);
    else
        *inner = entry[3];
    return EDIT_DONE;
}

/* The L4 checksum field of the packet, NULL if it has none that can be updated (later fragments,
 * UDP without one). */
static uint8_t *
l4_checksum(struct packet *p, const struct flow_key *key, bool *udp)
{
    static const struct {
        uint8_t proto, offset;
    } places[] = {{IP_PROTO_TCP, 16}, {IP_PROTO_UDP, 6}, {IP_PROTO_ICMP, 2}, {IP_PROTO_ICMPV6, 2}};
    *udp = key->ip_proto == IP_PROTO_UDP;
    if (p->layout.l4 == OFFSET_NONE)
        return NULL;
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        if (places[i].proto != key->ip_proto)
            continue;
        uint8_t *field = p->data + p->layout.l4 + places[i].offset;
        if (field + 2 > p->data + p->size || (*udp && get_be16(field) == 0))
            return NULL;
        return field;
    }
    return NULL;
}

/* Accounts for a change of `size` (even) octets in the L4 checksum. `pseudo`: they are addresses.
 * While the checksum is still to be completed, its field holds the plain (uncomplemented)
 * pseudo-header sum. */
static void
update_l4(struct packet *p, const struct flow_key *key, const uint8_t *old, const uint8_t *new,
          size_t size, bool pseudo)
{
    bool udp;
    uint8_t *field = l4_checksum(p, key, &udp);
    if (!field || (pseudo && key->ip_proto == IP_PROTO_ICMP))
        return;
    if (p->offload.needs_checksum) {
        if (pseudo)
            put_be16(field, (uint16_t)~checksum_update((uint16_t)~get_be16(field), old, new, size));
        return;
    }
    uint16_t value = checksum_update(get_be16(field), old, new, size);
    put_be16(field, udp && value == 0 ? 0xffff : value); /* RFC 768: zero means "none" */
}

/* Where the number of what is behind IPv6's extension headers stands. */
static uint8_t *
ipv6_last_next(struct packet *p)
{
    uint8_t *next = p->data + p->layout.l3 + 6, *at = p->data + p->layout.l3 + 40;
    uint8_t *end = p->data + p->size;
    for (int n = 0; n < 16 && end - at >= 8; n++) {
        size_t size = 8 + (size_t)at[1] * 8;
        if (*next == 44)
            size = 8;
        else if (*next == 51)
            size = 8 + (size_t)at[1] * 4;
        else if (*next != 0 && *next != 43 && *next != 60)
            break;
        next = at;
        if (size > (size_t)(end - at))
            break;
        at += size;
    }
    return next;
}

/* The pseudo-header has it too: the checksum of the transport header that is there goes with it. */
static void
set_ip_proto(struct packet *p, const struct flow_key *key, uint8_t value)
{
    const uint8_t old[2] = {0, key->ip_proto}, new[2] = {0, value};
    update_l4(p, key, old, new, 2, true);
    if (from_be16(key->eth_type) == ETH_TYPE_IPV4)
        set_ipv4_octet(p->data + p->layout.l3, 9, value);
    else
        *ipv6_last_next(p) = value;
}

static void
set_ip_address(struct packet *p, const struct flow_key *key, bool src, const uint8_t *value)
{
    bool v4 = from_be16(key->eth_type) == ETH_TYPE_IPV4;
    size_t size = v4 ? 4 : 16;
    uint8_t *ip = p->data + p->layout.l3;
    uint8_t *address = ip + (v4 ? 12 : 8) + (src ? 0 : size);
    if (v4)
        put_be16(ip + 10, checksum_update(get_be16(ip + 10), address, value, 4));
    update_l4(p, key, address, value, size, true);
    memcpy(address, value, size);
}

static void
set_l4_octets(struct packet *p, const struct flow_key *key, size_t at, const uint8_t *value,
              size_t size)
{
    uint8_t *l4 = p->data + p->layout.l4, old[2], *pair = l4 + (at & ~(size_t)1);
    memcpy(old, pair, 2);
    memcpy(l4 + at, value, size);
    if (key->ip_proto != IP_PROTO_SCTP) /* CRC32c over everything: see packet_edit() */
        update_l4(p, key, old, pair, 2, false);
}

/* SCTP has no incremental checksum (RFC 9260 appendix A): CRC32c over the whole packet, anew. */
static uint32_t
crc32c(const uint8_t *data, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (UINT32_C(0x82f63b78) & (0 - (crc & 1)));
    }
    return ~crc;
}

static void
sctp_checksum(struct packet *p, const struct flow_key *key)
{
    uint8_t *ip = p->data + p->layout.l3, *l4 = p->data + p->layout.l4;
    bool v4 = from_be16(key->eth_type) == ETH_TYPE_IPV4;
    const uint8_t *end = ip + (v4 ? get_be16(ip + 2) : 40 + get_be16(ip + 4));
    if (p->layout.fragment || p->offload.needs_checksum)
        return;
    memset(l4 + 8, 0, 4);
    uint32_t crc = crc32c(l4, (size_t)(end - l4));
    for (int i = 0; i < 4; i++) /* little-endian on the wire */
        l4[8 + i] = (uint8_t)(crc >> (8 * i));
}

static void
set_traffic_class(struct packet *p, const struct flow_key *key, uint8_t keep, uint8_t bits)
{
    uint8_t *ip = p->data + p->layout.l3;
    if (from_be16(key->eth_type) == ETH_TYPE_IPV4) {
        set_ipv4_octet(ip, 1, (ip[1] & keep) | bits);
        return;
    }
    uint16_t word = get_be16(ip);
    uint8_t class = (uint8_t)(((word >> 4) & keep) | bits);
    put_be16(ip, (uint16_t)((word & 0xf00f) | class << 4));
}

static void
set_vlan(struct packet *p, uint16_t keep, uint16_t bits)
{
    if (p->size < ETHERNET_SIZE + 4 || !is_vlan_type(get_be16(p->data + MAC_PAIR)))
        return;
    uint8_t *tci = p->data + MAC_PAIR + 2;
    put_be16(tci, (uint16_t)((get_be16(tci) & keep) | bits));
}

static void
set_mpls(struct packet *p, const struct flow_key *key, uint32_t keep, uint32_t bits)
{
    uint8_t *entry = mpls_entry(p, key);
    if (entry)
        put_be32(entry, (get_be32(entry) & keep) | bits);
}

/* The first ND option's address of the wanted type; NULL if there is none. */
static uint8_t *
nd_option(struct packet *p, uint8_t wanted)
{
    uint8_t *at = p->data + p->layout.l4 + 24, *end = p->data + p->size;
    while (at + 8 <= end && at[1]) {
        if (at[0] == wanted && at[1] == 1)
            return at + 2;
        at += (size_t)at[1] * 8;
    }
    return NULL;
}

static void
set_nd(struct packet *p, const struct flow_key *key, enum field field, const uint8_t *value)
{
    uint8_t *target = p->data + p->layout.l4 + 8;
    size_t size = 16;
    if (field != FIELD_IPV6_ND_TARGET) {
        target = nd_option(p, field == FIELD_IPV6_ND_SLL ? 1 : 2);
        size = 6;
    } else if (target + 16 > p->data + p->size) {
        return;
    }
    if (!target)
        return;
    update_l4(p, key, target, value, size, false);
    memcpy(target, value, size);
}

static void
set_arp(struct packet *p, enum field field, const uint8_t *value)
{
    static const uint8_t places[] = {6, 14, 24, 8, 18}; /* op, spa, tpa, sha, tha */
    memcpy(p->data + p->layout.l3 + places[field - FIELD_ARP_OP], value, field_table[field].size);
}

static void
set_pbb(struct packet *p, enum field field, const uint8_t *value)
{
    uint8_t *itag = p->data + p->layout.l2_5;
    if (p->size < p->layout.l2_5 + 4u)
        return;
    if (field == FIELD_PBB_ISID)
        memcpy(itag + 1, value, 3);
    else
        itag[0] = (uint8_t)((itag[0] & ~8) | value[0] << 3);
}

/* Writes one field into the frame. The key still holds the old value; prerequisites are checked. */
static void
write_field(struct packet *p, const struct flow_key *key, enum field field, const uint8_t *value)
{
    bool l3 = p->layout.l3 != OFFSET_NONE, l4 = p->layout.l4 != OFFSET_NONE;
    uint32_t number = (uint32_t)value[0] << 8 | value[1];
    switch (field) {
    case FIELD_ETH_DST:
    case FIELD_ETH_SRC:
        memcpy(p->data + (field == FIELD_ETH_DST ? 0 : 6), value, 6);
        return;
    case FIELD_ETH_TYPE:
        if (p->layout.l2_5 != OFFSET_NONE)
            memcpy(p->data + p->layout.l2_5 - 2, value, 2);
        return;
    case FIELD_VLAN_VID:
        set_vlan(p, 0xf000, number & 0xfff);
        return;
    case FIELD_VLAN_PCP:
        set_vlan(p, 0x1fff, (uint16_t)(value[0] << 13));
        return;
    case FIELD_MPLS_LABEL:
        set_mpls(p, key, 0xfff, get_be32(value) << 12);
        return;
    case FIELD_MPLS_TC:
        set_mpls(p, key, ~UINT32_C(0xe00), (uint32_t)value[0] << 9);
        return;
    case FIELD_MPLS_BOS:
        set_mpls(p, key, ~UINT32_C(0x100), (uint32_t)value[0] << 8);
        return;
    case FIELD_PBB_ISID:
    case FIELD_PBB_UCA:
        set_pbb(p, field, value);
        return;
    default:
        break;
    }
    if (!l3)
        return;
    uint8_t *ip = p->data + p->layout.l3;
    switch (field) {
    case FIELD_IP_DSCP:
        set_traffic_class(p, key, 3, (uint8_t)(value[0] << 2));
        return;
    case FIELD_IP_ECN:
        set_traffic_class(p, key, 0xfc, value[0]);
        return;
    case FIELD_IP_PROTO:
        set_ip_proto(p, key, value[0]);
        return;
    case FIELD_IPV4_SRC:
    case FIELD_IPV6_SRC:
        set_ip_address(p, key, true, value);
        break;
    case FIELD_IPV4_DST:
    case FIELD_IPV6_DST:
        set_ip_address(p, key, false, value);
        break;
    case FIELD_IPV6_FLABEL:
        put_be32(ip, (get_be32(ip) & ~UINT32_C(0xfffff)) | get_be32(value));
        return;
    case FIELD_ARP_OP:
    case FIELD_ARP_SPA:
    case FIELD_ARP_TPA:
    case FIELD_ARP_SHA:
    case FIELD_ARP_THA:
        set_arp(p, field, value);
        return;
    default:
        break;
    }
    if (!l4)
        return;
    switch (field) {
    case FIELD_TCP_SRC:
    case FIELD_UDP_SRC:
    case FIELD_SCTP_SRC:
        set_l4_octets(p, key, 0, value, 2);
        break;
    case FIELD_TCP_DST:
    case FIELD_UDP_DST:
    case FIELD_SCTP_DST:
        set_l4_octets(p, key, 2, value, 2);
        break;
    case FIELD_ICMPV4_TYPE:
    case FIELD_ICMPV6_TYPE:
        set_l4_octets(p, key, 0, value, 1);
        return;
    case FIELD_ICMPV4_CODE:
    case FIELD_ICMPV6_CODE:
        set_l4_octets(p, key, 1, value, 1);
        return;
    case FIELD_IPV6_ND_TARGET:
    case FIELD_IPV6_ND_SLL:
    case FIELD_IPV6_ND_TLL:
        set_nd(p, key, field, value);
        return;
    default:
        break;
    }
    if (key->ip_proto == IP_PROTO_SCTP)
        sctp_checksum(p, key);
}

static enum edit_result
set_field(struct packet *p, struct flow_key *key, const struct action *a)
{
    enum field field = a->field;
    if (field == FIELD_TUNNEL_ID || field == FIELD_METADATA) {
        memcpy(flow_key_field(key, field), a->value, field_table[field].size);
        return EDIT_DONE;
    }
    if (!flow_key_has_field(key, field) && field != FIELD_VLAN_VID)
        return EDIT_DONE;
    if (field == FIELD_VLAN_VID && !(from_be16(key->vlan_vid) & VLAN_PRESENT))
        return EDIT_DONE;
    write_field(p, key, field, a->value);
    memcpy(flow_key_field(key, field), a->value, field_table[field].size);
    if (field == FIELD_VLAN_VID)
        key->vlan_vid |= to_be16(VLAN_PRESENT);
    bool structural = field == FIELD_ETH_TYPE || field == FIELD_IP_PROTO ||
                      field == FIELD_MPLS_BOS || field == FIELD_ICMPV6_TYPE;
    return structural ? EDIT_REPARSE : EDIT_DONE;
}

enum edit_result
packet_edit(struct packet *p, struct flow_key *key, const struct action *a)
{
    uint8_t *entry;
    switch ((enum action_type)a->type) {
    case ACTION_SET_FIELD:
        return set_field(p, key, a);
    case ACTION_PUSH_VLAN:
        return push_vlan(p, key, a->eth_type);
    case ACTION_POP_VLAN:
        return pop_vlan(p, key);
    case ACTION_PUSH_MPLS:
        return push_mpls(p, key, a->eth_type);
    case ACTION_POP_MPLS:
        return pop_mpls(p, key, a->eth_type);
    case ACTION_PUSH_PBB:
        return push_pbb(p, key, a->eth_type);
    case ACTION_POP_PBB:
        return pop_pbb(p, key);
    case ACTION_SET_MPLS_TTL:
        if ((entry = mpls_entry(p, key)))
            entry[3] = a->ttl;
        return EDIT_DONE;
    case ACTION_DEC_MPLS_TTL:
        return dec_mpls_ttl(p, key);
    case ACTION_SET_NW_TTL:
        set_ttl(p, key, a->ttl);
        return EDIT_DONE;
    case ACTION_DEC_NW_TTL:
        return dec_nw_ttl(p, key);
    case ACTION_COPY_TTL_OUT:
        return copy_ttl(p, key, true);
    case ACTION_COPY_TTL_IN:
        return copy_ttl(p, key, false);
    case ACTION_OUTPUT:
    case ACTION_GROUP:
    case ACTION_SET_QUEUE:
    case ACTION_SEQUENCE: /* redundancy.h: they need more than the packet */
    case ACTION_PUSH_REDUNDANCY:
    case ACTION_DISCARD:
        break;
    }
    return EDIT_DONE;
}

void
packet_complete_checksum(struct packet *p)
{
    struct packet_offload *o = &p->offload;
    size_t at = (size_t)o->checksum_start + o->checksum_offset;
    if (!o->needs_checksum)
        return;
    o->needs_checksum = false;
    if (at + 2 > p->size || o->checksum_start >= p->size)
        return;
    uint16_t value = checksum_finish(
        checksum_add(0, p->data + o->checksum_start, p->size - o->checksum_start));
    bool udp = o->checksum_offset == 6;
    put_be16(p->data + at, udp && value == 0 ? 0xffff : value);
}
