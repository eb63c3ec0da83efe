#include "cli/cli_frame.h"

#include "packet/addr.h"
#include "packet/checksum.h"
#include "packet/flow_key.h"

#include <stdlib.h>
#include <string.h>

#define FRAME_LEAST 60
#define FRAME_MOST 9000

struct builder {
    const struct frame_fields *fields;
    struct buf *out;
    struct diag *diag;
    enum err err;
};

static void
refuse(struct builder *b, const char *field, const char *text, const char *what)
{
    if (!b->err)
        b->err = diag_set(b->diag, ERR_INVALID, "--%s: \"%.60s\" is not %s", field, text, what);
}

static uint32_t
number(struct builder *b, const char *field, const char *text, uint32_t otherwise, uint32_t most,
       int base)
{
    char *end;
    if (!text)
        return otherwise;
    unsigned long value = strtoul(text, &end, base);
    if (!*text || *end || *text == '-' || value > most) {
        refuse(b, field, text, "a number that it can have");
        return 0;
    }
    return (uint32_t)value;
}

static void
put_mac(struct builder *b, const char *field, const char *text, const char *otherwise)
{
    struct mac mac = {{0}};
    if (mac_parse(text ? text : otherwise, &mac))
        refuse(b, field, text, "a MAC address");
    buf_put(b->out, mac.octets, sizeof mac.octets);
}

static void
put_ipv4(struct builder *b, const char *field, const char *text)
{
    uint32_t address = 0;
    if (text && ipv4_parse(text, &address))
        refuse(b, field, text, "an IPv4 address");
    buf_be32(b->out, address);
}

static uint16_t
type_of(struct builder *b)
{
    const struct frame_fields *f = b->fields;
    bool ipv4 = f->ipv4_src || f->ipv4_dst || f->ip_proto || f->tcp_src || f->tcp_dst ||
                f->udp_src || f->udp_dst || f->icmp_type || f->ip_dscp;
    bool arp = f->arp_spa || f->arp_tpa;
    if (ipv4 + arp + (f->appid != NULL) > 1 && !b->err)
        b->err = diag_set(b->diag, ERR_INVALID, "a packet is IPv4, ARP, or has an APPID");
    uint16_t implied = ipv4 ? ETH_TYPE_IPV4 : arp ? ETH_TYPE_ARP : ETH_TYPE_GOOSE;
    uint32_t type = number(b, "eth-type", f->eth_type, implied, UINT16_MAX, 0);
    if (((ipv4 || arp) && type != implied) && !b->err)
        b->err = diag_set(b->diag, ERR_INVALID, "--eth-type does not go with the other fields");
    if (!ipv4 && !arp && !f->appid && !f->eth_type && !b->err)
        b->err = diag_set(b->diag, ERR_INVALID,
                          "which packet? --hex, --pcap, or fields such as --ipv4-dst, --tcp-dst");
    return (uint16_t)type;
}

static void
put_ethernet(struct builder *b, uint16_t type)
{
    const struct frame_fields *f = b->fields;
    put_mac(b, "eth-dst", f->eth_dst,
            type == ETH_TYPE_ARP ? "ff:ff:ff:ff:ff:ff" : "02:00:00:00:00:02");
    put_mac(b, "eth-src", f->eth_src, "02:00:00:00:00:01");
    if (f->vlan_id || f->vlan_priority) {
        uint32_t id = number(b, "vlan", f->vlan_id, 0, 4095, 10);
        uint32_t priority = number(b, "vlan-priority", f->vlan_priority, 4, 7, 10);
        buf_be16(b->out, ETH_TYPE_VLAN);
        buf_be16(b->out, (uint16_t)(priority << 13 | id));
    }
    buf_be16(b->out, type);
}

static void
put_arp(struct builder *b)
{
    buf_be16(b->out, 1); /* Ethernet */
    buf_be16(b->out, ETH_TYPE_IPV4);
    buf_u8(b->out, 6);
    buf_u8(b->out, 4);
    buf_be16(b->out, 1); /* request */
    put_mac(b, "eth-src", b->fields->eth_src, "02:00:00:00:00:01");
    put_ipv4(b, "arp-spa", b->fields->arp_spa);
    buf_zero(b->out, 6);
    put_ipv4(b, "arp-tpa", b->fields->arp_tpa);
}

static uint8_t
protocol_of(struct builder *b)
{
    const struct frame_fields *f = b->fields;
    bool tcp = f->tcp_src || f->tcp_dst, udp = f->udp_src || f->udp_dst, icmp = f->icmp_type;
    if (tcp + udp + icmp > 1 && !b->err)
        b->err = diag_set(b->diag, ERR_INVALID, "a packet is TCP, UDP or ICMP");
    uint8_t implied = tcp ? IP_PROTO_TCP : udp ? IP_PROTO_UDP : IP_PROTO_ICMP;
    uint32_t protocol = number(b, "ip-proto", f->ip_proto, implied, UINT8_MAX, 10);
    if (tcp + udp + icmp && protocol != implied && !b->err)
        b->err = diag_set(b->diag, ERR_INVALID, "--ip-proto does not go with the other fields");
    return (uint8_t)protocol;
}

static void
put_ports(struct builder *b, const char *protocol, const char *src, const char *dst)
{
    buf_be16(b->out, (uint16_t)number(b, protocol, src, 40000, UINT16_MAX, 10));
    buf_be16(b->out, (uint16_t)number(b, protocol, dst, 1, UINT16_MAX, 10));
}

/* Header of the transport; returns where its checksum is, from its start. */
static size_t
put_transport(struct builder *b, uint8_t protocol)
{
    const struct frame_fields *f = b->fields;
    switch (protocol) {
    case IP_PROTO_TCP:
        put_ports(b, f->tcp_dst ? "tcp-dst" : "tcp-src", f->tcp_src, f->tcp_dst);
        buf_be32(b->out, 1);
        buf_be32(b->out, 0);
        buf_be16(b->out, 5 << 12 | 0x02); /* SYN */
        buf_be16(b->out, 64240);
        buf_be32(b->out, 0);
        return 16;
    case IP_PROTO_UDP:
        put_ports(b, f->udp_dst ? "udp-dst" : "udp-src", f->udp_src, f->udp_dst);
        buf_be16(b->out, 8);
        buf_be16(b->out, 0);
        return 6;
    case IP_PROTO_ICMP:
        buf_u8(b->out, (uint8_t)number(b, "icmp-type", f->icmp_type, 8, UINT8_MAX, 10));
        buf_zero(b->out, 7);
        return 2;
    default:
        return 0;
    }
}

static void
put_ip(struct builder *b)
{
    const struct frame_fields *f = b->fields;
    uint8_t protocol = protocol_of(b);
    size_t start = b->out->size;
    uint32_t dscp = number(b, "ip-dscp", f->ip_dscp, 0, 63, 10);
    buf_u8(b->out, 0x45);
    buf_u8(b->out, (uint8_t)(dscp << 2));
    buf_be16(b->out, 0); /* the length follows */
    buf_be32(b->out, 0x00014000);
    buf_u8(b->out, 64);
    buf_u8(b->out, protocol);
    buf_be16(b->out, 0);
    put_ipv4(b, "ipv4-src", f->ipv4_src);
    put_ipv4(b, "ipv4-dst", f->ipv4_dst);
    size_t l4 = b->out->size, field = put_transport(b, protocol), size = b->out->size - l4;
    buf_patch_be16(b->out, start + 2, (uint16_t)(b->out->size - start));
    const uint8_t *ip = b->out->data + start;
    buf_patch_be16(b->out, start + 10, checksum_finish(checksum_add(0, ip, 20)));
    if (!field)
        return;
    uint32_t sum = protocol == IP_PROTO_ICMP
                       ? 0
                       : checksum_pseudo(ip + 12, ip + 16, 4, protocol, (uint32_t)size);
    uint16_t check = checksum_finish(checksum_add(sum, b->out->data + l4, size));
    buf_patch_be16(b->out, l4 + field, check || protocol != IP_PROTO_UDP ? check : UINT16_MAX);
}

/* GOOSE and SV: APPID, length, two reserved fields; what is said is not looked at by rules. */
static void
put_iec61850(struct builder *b)
{
    buf_be16(b->out, (uint16_t)number(b, "appid", b->fields->appid, 0, UINT16_MAX, 16));
    buf_be16(b->out, 8);
    buf_be32(b->out, 0);
}

enum err
frame_build(const struct frame_fields *fields, struct buf *out, struct diag *diag)
{
    struct builder b = {fields, out, diag, ERR_OK};
    size_t start = out->size;
    uint16_t type = type_of(&b);
    put_ethernet(&b, type);
    if (type == ETH_TYPE_IPV4)
        put_ip(&b);
    else if (type == ETH_TYPE_ARP)
        put_arp(&b);
    else if (fields->appid)
        put_iec61850(&b);
    uint32_t least = number(&b, "size", fields->size, FRAME_LEAST, FRAME_MOST, 10);
    size_t size = out->size - start;
    if (size < least)
        buf_zero(out, least - size);
    if (b.err)
        out->size = start;
    return b.err;
}
