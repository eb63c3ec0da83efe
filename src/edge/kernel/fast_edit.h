/* fast_edit.h - changes of Ethernet, VLAN, IP, TCP and UDP headers in the kernel, with their
 * checksums: what packet_edit() (packet/edit.h) does to the same packet.
 *
 * A checksum that the host has left to the card holds the sum of the pseudo-header only; the
 * kernel's functions know which those are. What the card has summed over the whole packet they keep
 * true by themselves where a checksum field changes; a change that no checksum takes back, in an
 * IPv6 header, has to be said (BPF_F_RECOMPUTE_CSUM). */
#ifndef EDGE_KERNEL_FAST_EDIT_H
#define EDGE_KERNEL_FAST_EDIT_H

#include "edge/kernel/fast_abi.h"

/* ---- The frame: its outermost tag is beside its octets ---- */

static __always_inline void
fast_resize(struct fast_packet *p, int by)
{
    p->size += by;
    p->segment += by;
    p->octets += by * (int)p->packets;
}

/* OpenFlow 1.3 table 5: VID and PCP are those of the outermost tag; DEI is 0. */
static __always_inline void
fast_push_vlan(struct __sk_buff *skb, struct fast_packet *p, __u16 type)
{
    __u16 tci = skb->vlan_present ? (__u16)skb->vlan_tci & 0xefff : 0;
    bpf_skb_vlan_push(skb, to_be16(type), tci);
    fast_resize(p, 4);
}

static __always_inline void
fast_pop_vlan(struct __sk_buff *skb, struct fast_packet *p)
{
    __u32 before = p->size;
    if (!skb->vlan_present)
        return;
    bpf_skb_vlan_pop(skb);
    fast_resize(p, -4);
    if (before >= 60 && p->size < 60) { /* IEEE 802.3 clause 4.2.3.3 */
        bpf_skb_change_tail(skb, 60, 0);
        fast_resize(p, 60 - (int)p->size);
    }
}

static __always_inline void
fast_set_tag(struct __sk_buff *skb, __u16 keep, __u16 bits)
{
    if (!skb->vlan_present)
        return;
    __u16 tci = (__u16)((skb->vlan_tci & keep) | bits), type = (__u16)skb->vlan_proto;
    bpf_skb_vlan_pop(skb);
    bpf_skb_vlan_push(skb, type, tci);
}

static __always_inline void
fast_set_mac(struct __sk_buff *skb, __u32 offset, const struct fast_op *op)
{
    __u8 mac[6];
    __builtin_memcpy(mac, &op->b, 2);
    __builtin_memcpy(mac + 2, &op->c, 4);
    bpf_skb_store_bytes(skb, offset, mac, 6, 0);
}

static __always_inline void
fast_edit_frame(struct __sk_buff *skb, struct fast_packet *p, const struct fast_op *op)
{
    switch (op->type) {
    case FAST_PUSH_VLAN:
        fast_push_vlan(skb, p, op->b);
        return;
    case FAST_POP_VLAN:
        fast_pop_vlan(skb, p);
        return;
    case FAST_SET_VID:
        fast_set_tag(skb, 0xf000, op->b);
        return;
    case FAST_SET_PCP:
        fast_set_tag(skb, 0x1fff, (__u16)(op->a << 13));
        return;
    default:
        fast_set_mac(skb, op->type == FAST_SET_DST ? 0 : 6, op);
        return;
    }
}

/* ---- The packet ---- */

static __always_inline bool
fast_is_ipv4(const struct flow_key *key)
{
    return key->eth_type == to_be16(ETH_TYPE_IPV4);
}

/* The transport header, of a packet whose IP header is at `ip`: fast_key.h accepts no options. */
static __always_inline __u32
fast_l4(const struct flow_key *key, __u32 ip)
{
    return ip + (fast_is_ipv4(key) ? 20 : 40);
}

/* Accounts for a change of `size` octets in the checksum of TCP or UDP, if that is what it is. */
static __always_inline void
fast_update_l4(struct __sk_buff *skb, const struct flow_key *key, __u32 ip, __u32 old, __u32 new,
               __u64 flags)
{
    __u32 l4 = fast_l4(key, ip);
    if (key->ip_proto == IP_PROTO_TCP)
        bpf_l4_csum_replace(skb, l4 + 16, old, new, flags);
    else if (key->ip_proto == IP_PROTO_UDP) /* RFC 768: zero means "none", and stays */
        bpf_l4_csum_replace(skb, l4 + 6, old, new, flags | BPF_F_MARK_MANGLED_0);
}

static __always_inline void
fast_set_address(struct __sk_buff *skb, const struct flow_key *key, const struct fast_op *op)
{
    __u32 ip = op->b, at = ip + op->a, old = 0, new = op->c;
    bool v4 = fast_is_ipv4(key);
    bpf_skb_load_bytes(skb, at, &old, 4);
    if (v4)
        bpf_l3_csum_replace(skb, ip + 10, old, new, 4);
    fast_update_l4(skb, key, ip, old, new, BPF_F_PSEUDO_HDR | 4);
    bpf_skb_store_bytes(skb, at, &new, 4, v4 ? 0 : BPF_F_RECOMPUTE_CSUM);
}

static __always_inline void
fast_set_port(struct __sk_buff *skb, const struct flow_key *key, const struct fast_op *op)
{
    __u32 at = fast_l4(key, op->b) + op->a;
    __u16 old = 0, new = (__u16)op->c;
    bpf_skb_load_bytes(skb, at, &old, 2);
    fast_update_l4(skb, key, op->b, old, new, 2);
    bpf_skb_store_bytes(skb, at, &new, 2, 0);
}

/* Two octets of the IP header at an even offset. */
static __always_inline void
fast_set_pair(struct __sk_buff *skb, bool v4, const struct fast_op *op, __u32 offset, __u16 old,
              __u16 new)
{
    if (v4)
        bpf_l3_csum_replace(skb, op->b + 10, old, new, 2);
    bpf_skb_store_bytes(skb, op->b + offset, &new, 2, v4 ? 0 : BPF_F_RECOMPUTE_CSUM);
}

static __always_inline void
fast_set_class(struct __sk_buff *skb, const struct flow_key *key, const struct fast_op *op)
{
    bool v4 = fast_is_ipv4(key);
    __u32 shift = v4 ? 0 : 4, keep = op->a;
    __u16 old = 0, word;
    bpf_skb_load_bytes(skb, op->b, &old, 2);
    word = from_be16(old) & (__u16)(~0xffu << shift | keep << shift | ~(~0u << shift));
    fast_set_pair(skb, v4, op, 0, old, to_be16((__u16)(word | op->c << shift)));
}

/* The TTL is the first of its two octets in IPv4, the second in IPv6. */
static __always_inline void
fast_set_ttl(struct __sk_buff *skb, const struct flow_key *key, const struct fast_op *op)
{
    bool v4 = fast_is_ipv4(key);
    __u32 offset = v4 ? 8 : 6, shift = v4 ? 8 : 0;
    __u16 old = 0, word;
    bpf_skb_load_bytes(skb, op->b + offset, &old, 2);
    word = from_be16(old);
    if (op->type == FAST_DEC_TTL)
        word = (__u16)(word - (1u << shift));
    else
        word = (__u16)((word & 0xff00 >> shift) | (__u32)op->a << shift);
    fast_set_pair(skb, v4, op, offset, old, to_be16(word));
}

/* False: there is no memory. Nothing has been changed then. */
static __always_inline bool
fast_edit_packet(struct __sk_buff *skb, const struct flow_key *key, const struct fast_op *op)
{
    if (bpf_skb_pull_data(skb, 0)) /* its headers are its own now: what follows does not fail */
        return false;
    switch (op->type) {
    case FAST_SET_ADDRESS:
        fast_set_address(skb, key, op);
        return true;
    case FAST_SET_PORT:
        fast_set_port(skb, key, op);
        return true;
    case FAST_SET_CLASS:
        fast_set_class(skb, key, op);
        return true;
    default:
        fast_set_ttl(skb, key, op);
        return true;
    }
}

#endif
