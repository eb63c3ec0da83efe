/* fast_key.h - the key of an ordinary packet, read without loops: what the kernel's fast path can
 * do by itself. Whatever it accepts it reads exactly as flow_key_parse() does (the fuzz target
 * fast_key compares them); whatever is not ordinary it leaves to that. */
#ifndef EDGE_KERNEL_FAST_KEY_H
#define EDGE_KERNEL_FAST_KEY_H

#include "packet/flow_key.h"

#define FAST_HEADERS 74u /* octets of a frame's start that are looked at */

/* `data` to `end`: the frame's start, without its outermost VLAN tag, which is `tagged` and `tci`;
 * `size`: of the whole frame without that tag. `key` is zeroed but for in_port and in_phy_port.
 * False: not an ordinary packet, or too little of it is there. The key is not to be used then. */
static inline __attribute__((always_inline)) bool
fast_key_parse(struct flow_key *key, const uint8_t *data, const uint8_t *end, uint32_t size,
               bool tagged, uint16_t tci)
{
    if (data + 14 > end)
        return false;
    __builtin_memcpy(key->eth_dst, data, 6);
    __builtin_memcpy(key->eth_src, data + 6, 6);
    if (tagged) {
        key->vlan_vid = to_be16((uint16_t)((tci & 0xfff) | VLAN_PRESENT));
        key->vlan_pcp = (uint8_t)(tci >> 13);
    }
    uint16_t type = (uint16_t)(data[12] << 8 | data[13]);
    key->eth_type = to_be16(type);
    if (type == ETH_TYPE_IPV4) {
        const uint8_t *ip = data + 14;
        if (ip + 20 > end || ip[0] != 0x45)
            return false;
        uint32_t total = (uint32_t)(ip[2] << 8 | ip[3]);
        if (total < 20 || total > size - 14 || (ip[6] & 0x3f) | ip[7]) /* a fragment */
            return false;
        key->ip_dscp = ip[1] >> 2;
        key->ip_ecn = ip[1] & 3;
        key->ip_proto = ip[9];
        __builtin_memcpy(key->ip_src, ip + 12, 4);
        __builtin_memcpy(key->ip_dst, ip + 16, 4);
        if (ip[9] == IP_PROTO_TCP || ip[9] == IP_PROTO_UDP) {
            const uint8_t *l4 = ip + 20;
            if (total < (ip[9] == IP_PROTO_TCP ? 40u : 28u) || l4 + 4 > end)
                return false;
            __builtin_memcpy(&key->tp_src, l4, 2);
            __builtin_memcpy(&key->tp_dst, l4 + 2, 2);
        } else if (ip[9] == IP_PROTO_ICMP) {
            const uint8_t *l4 = ip + 20;
            if (total < 24 || l4 + 4 > end)
                return false;
            __builtin_memcpy(&key->tp_src, l4, 1);
            __builtin_memcpy(&key->tp_dst, l4 + 1, 1);
        } else if (ip[9] == IP_PROTO_SCTP) {
            return false;
        }
        return true;
    }
    if (type == ETH_TYPE_ARP) {
        const uint8_t *arp = data + 14;
        if (arp + 28 > end || size < 42 || arp[0] != 0 || arp[1] != 1 || arp[2] != 8 ||
            arp[3] != 0 || arp[4] != 6 || arp[5] != 4)
            return false;
        __builtin_memcpy(&key->tp_src, arp + 6, 2);
        __builtin_memcpy(key->sll, arp + 8, 6);
        __builtin_memcpy(key->ip_src, arp + 14, 4);
        __builtin_memcpy(key->tll, arp + 18, 6);
        __builtin_memcpy(key->ip_dst, arp + 24, 4);
        return true;
    }
    if (type == ETH_TYPE_IPV6) {
        const uint8_t *ip = data + 14;
        if (ip + 44 > end || ip[0] >> 4 != 6)
            return false;
        uint32_t payload = (uint32_t)(ip[4] << 8 | ip[5]);
        if (size < 54 || payload > size - 54 ||
            !(ip[6] == IP_PROTO_TCP ? payload >= 20 : ip[6] == IP_PROTO_UDP && payload >= 8))
            return false;
        uint8_t class = (uint8_t)((ip[0] & 15) << 4 | ip[1] >> 4);
        key->ip_dscp = class >> 2;
        key->ip_ecn = class & 3;
        key->ip_proto = ip[6];
        key->ipv6_flabel = to_be32((uint32_t)((ip[1] & 15) << 16 | ip[2] << 8 | ip[3]));
        __builtin_memcpy(key->ip_src, ip + 8, 16);
        __builtin_memcpy(key->ip_dst, ip + 24, 16);
        __builtin_memcpy(&key->tp_src, ip + 40, 2);
        __builtin_memcpy(&key->tp_dst, ip + 42, 2);
        return true;
    }
    /* Another header that has fields of its own, or an 802.3 length: not ours. */
    return type >= 0x0600 && type != ETH_TYPE_VLAN && type != ETH_TYPE_SVLAN &&
           type != ETH_TYPE_MPLS && type != ETH_TYPE_MPLS_MULTICAST && type != ETH_TYPE_PBB;
}

#endif
