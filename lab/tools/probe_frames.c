#include "lab/tools/probe_frames.h"

#include "base/hex.h"
#include "base/iec61850.h"
#include "packet/checksum.h"
#include "proto/ot/goose/goose.h"
#include "proto/ot/sv/sv.h"

#include <stdio.h>
#include <string.h>

enum {
    TYPE_IPV4 = 0x0800,
    TYPE_ARP = 0x0806,
    TYPE_IPV6 = 0x86dd,
    TYPE_LLDP = 0x88cc,
    TYPE_EXPERIMENT = 0x88b5,
    PROTO_ICMP = 1,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_ICMPV6 = 58,
};

static const struct mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

/* ---- Token --------------------------------------------------------------------------------- */

enum err
probe_token_parse(const char *text, struct probe_token *token)
{
    struct probe_token result;
    if (strlen(text) != 2 * PROBE_TOKEN_SIZE)
        return ERR_MALFORMED;
    for (int i = 0; i < PROBE_TOKEN_SIZE; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return ERR_MALFORMED;
        result.octets[i] = (uint8_t)(high << 4 | low);
    }
    *token = result;
    return ERR_OK;
}

char *
probe_token_format(const struct probe_token *token, char *text)
{
    return hex_format(token->octets, PROBE_TOKEN_SIZE, text);
}

/* ---- Building ------------------------------------------------------------------------------ */

static void
begin(struct buf *b, const struct probe_source *s, const struct mac *dst, int64_t vlan,
      uint16_t type)
{
    frame_begin(b, &(struct frame_header){
                       .dst = *dst, .src = s->mac, .vlan = vlan, .pcp = 4, .ethertype = type});
}

static void
put_token(struct buf *b, const struct probe_source *s)
{
    buf_put(b, s->token.octets, sizeof s->token.octets);
}

static void
put_ipv4(struct buf *b, const struct probe_source *s, uint32_t dst, uint8_t proto,
         size_t payload_size)
{
    size_t at = b->size;
    buf_put(b, "\x45\0", 2);
    buf_be16(b, (uint16_t)(20 + payload_size));
    buf_put(b, "\0\0\0\0\x40", 5);
    buf_u8(b, proto);
    buf_be16(b, 0);
    buf_be32(b, s->ipv4);
    buf_be32(b, dst);
    buf_patch_be16(b, at + 10, checksum_finish(checksum_add(0, b->data + at, 20)));
}

/* Fills in the checksum of what begins at `at` and goes over the pseudo-header too. */
static void
finish_transport(struct buf *b, size_t at, size_t field, uint8_t proto, size_t address_size)
{
    const uint8_t *addresses = b->data + at - 2 * address_size;
    size_t size = b->size - at;
    uint32_t sum = checksum_pseudo(addresses, addresses + address_size, address_size, proto,
                                   (uint32_t)size);
    buf_patch_be16(b, at + field, checksum_finish(checksum_add(sum, b->data + at, size)));
}

static void
build_arp(struct buf *b, const struct probe_source *s, const struct probe_target *t,
          int64_t number UNUSED)
{
    begin(b, s, &broadcast, FRAME_NO_VLAN, TYPE_ARP);
    buf_put(b, "\0\1\x08\0\6\4\0\1", 8); /* Ethernet, IPv4, request */
    buf_put(b, s->mac.octets, 6);
    buf_be32(b, s->ipv4);
    buf_zero(b, 6);
    buf_be32(b, t->ipv4);
    put_token(b, s); /* in the padding */
    frame_end(b);
}

static void
build_icmp(struct buf *b, const struct probe_source *s, const struct probe_target *t,
           int64_t number UNUSED)
{
    begin(b, s, &t->mac, FRAME_NO_VLAN, TYPE_IPV4);
    put_ipv4(b, s, t->ipv4, PROTO_ICMP, 8 + PROBE_TOKEN_SIZE);
    size_t at = b->size;
    buf_put(b, "\x08\0\0\0", 4); /* echo request */
    buf_be16(b, s->port);
    buf_be16(b, 1);
    put_token(b, s);
    buf_patch_be16(b, at + 2, checksum_finish(checksum_add(0, b->data + at, b->size - at)));
    frame_end(b);
}

/* A SYN whose sequence number is the token's beginning and whose data is the token. */
static void
build_tcp(struct buf *b, const struct probe_source *s, const struct probe_target *t, int64_t port)
{
    begin(b, s, &t->mac, FRAME_NO_VLAN, TYPE_IPV4);
    put_ipv4(b, s, t->ipv4, PROTO_TCP, 20 + PROBE_TOKEN_SIZE);
    size_t at = b->size;
    buf_be16(b, s->port);
    buf_be16(b, (uint16_t)port);
    buf_be32(b, get_be32(s->token.octets));
    buf_be32(b, 0);
    buf_put(b, "\x50\x02\xff\xff\0\0\0\0", 8);
    put_token(b, s);
    finish_transport(b, at, 16, PROTO_TCP, 4);
    frame_end(b);
}

static void
put_udp(struct buf *b, const struct probe_source *s, uint32_t dst, uint16_t port)
{
    put_ipv4(b, s, dst, PROTO_UDP, 8 + PROBE_TOKEN_SIZE);
    size_t at = b->size;
    buf_be16(b, s->port);
    buf_be16(b, port);
    buf_be16(b, 8 + PROBE_TOKEN_SIZE);
    buf_be16(b, 0);
    put_token(b, s);
    finish_transport(b, at, 6, PROTO_UDP, 4);
    frame_end(b);
}

static void
build_udp(struct buf *b, const struct probe_source *s, const struct probe_target *t, int64_t port)
{
    begin(b, s, &t->mac, FRAME_NO_VLAN, TYPE_IPV4);
    put_udp(b, s, t->ipv4, (uint16_t)port);
}

static void
build_broadcast(struct buf *b, const struct probe_source *s, const struct probe_target *t UNUSED,
                int64_t number UNUSED)
{
    begin(b, s, &broadcast, FRAME_NO_VLAN, TYPE_IPV4);
    put_udp(b, s, UINT32_MAX, 9);
}

/* RFC 4291 section 2.5.6 with appendix A: fe80:: and the MAC as modified EUI-64. */
static void
link_local(const struct mac *mac, uint8_t address[16])
{
    const uint8_t *m = mac->octets;
    const uint8_t octets[16] = {0xfe,     0x80, 0,    0,    0,    0,    0,    0,
                                m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]};
    memcpy(address, octets, 16);
}

static void
put_ipv6(struct buf *b, const struct probe_source *s, const uint8_t dst[16], size_t payload_size)
{
    uint8_t src[16];
    link_local(&s->mac, src);
    buf_put(b, "\x60\0\0\0", 4);
    buf_be16(b, (uint16_t)payload_size);
    buf_u8(b, PROTO_ICMPV6);
    buf_u8(b, 255); /* RFC 4861: no router has touched it */
    buf_put(b, src, 16);
    buf_put(b, dst, 16);
}

static void
put_solicitation(struct buf *b, const struct probe_source *s, const struct probe_target *t)
{
    uint8_t wanted[16], group[16] = {0xff, 2, [11] = 1, 0xff};
    struct mac mac = {{0x33, 0x33, 0xff}};
    link_local(&t->mac, wanted);
    memcpy(group + 13, wanted + 13, 3);
    memcpy(mac.octets + 3, wanted + 13, 3);
    begin(b, s, &mac, FRAME_NO_VLAN, TYPE_IPV6);
    put_ipv6(b, s, group, 24 + 8 + 16);
    size_t at = b->size;
    buf_put(b, "\x87\0\0\0\0\0\0\0", 8);
    buf_put(b, wanted, 16);
    buf_put(b, "\1\1", 2); /* source link-layer address */
    buf_put(b, s->mac.octets, 6);
    buf_put(b, "\xfd\2", 2); /* an option for experiments (RFC 4727): the token */
    put_token(b, s);
    buf_zero(b, 6);
    finish_transport(b, at, 2, PROTO_ICMPV6, 16);
}

static void
put_all_nodes_echo(struct buf *b, const struct probe_source *s)
{
    static const struct mac mac = {{0x33, 0x33, 0, 0, 0, 1}};
    static const uint8_t group[16] = {0xff, 2, [15] = 1};
    begin(b, s, &mac, FRAME_NO_VLAN, TYPE_IPV6);
    put_ipv6(b, s, group, 8 + PROBE_TOKEN_SIZE);
    size_t at = b->size;
    buf_put(b, "\x80\0\0\0", 4);
    buf_be16(b, s->port);
    buf_be16(b, 1);
    put_token(b, s);
    finish_transport(b, at, 2, PROTO_ICMPV6, 16);
}

static void
build_ipv6(struct buf *b, const struct probe_source *s, const struct probe_target *t,
           int64_t number UNUSED)
{
    if (t->mac_is_known)
        put_solicitation(b, s, t);
    else
        put_all_nodes_echo(b, s);
    frame_end(b);
}

static void
build_raw(struct buf *b, const struct probe_source *s, const struct probe_target *t,
          int64_t number UNUSED)
{
    begin(b, s, &t->mac, FRAME_NO_VLAN, TYPE_EXPERIMENT);
    put_token(b, s);
    frame_end(b);
}

static void
build_goose(struct buf *b, const struct probe_source *s, const struct probe_target *t UNUSED,
            int64_t vlan)
{
    static const struct mac group = {{0x01, 0x0c, 0xcd, 0x01, 0x00, 0x01}};
    char ref[64], token[PROBE_TOKEN_TEXT_SIZE];
    int n = snprintf(ref, sizeof ref, "PROBE/LLN0$GO$%s", probe_token_format(&s->token, token));
    struct goose_value value = {.type = GOOSE_BOOLEAN};
    const struct goose_pdu pdu = {.header = {.appid = 1},
                                  .gocb_ref = {ref, (size_t)n},
                                  .dat_set = {ref, (size_t)n},
                                  .time_allowed_to_live_ms = 1000,
                                  .st_num = 1,
                                  .sq_num = 1,
                                  .conf_rev = 1,
                                  .values = &value,
                                  .n_values = 1};
    begin(b, s, &group, vlan, IEC61850_ETHERTYPE_GOOSE);
    (void)!goose_encode(b, &pdu); /* the buffer has no limit */
    frame_end(b);
}

static void
build_sv(struct buf *b, const struct probe_source *s, const struct probe_target *t UNUSED,
         int64_t vlan)
{
    static const struct mac group = {{0x01, 0x0c, 0xcd, 0x04, 0x00, 0x01}};
    static const uint8_t sample[SV_LE_SAMPLE_SIZE];
    char token[PROBE_TOKEN_TEXT_SIZE];
    probe_token_format(&s->token, token);
    struct sv_pdu pdu = {.header = {.appid = 0x4000}, .n_asdus = 1};
    pdu.asdus[0] = (struct sv_asdu){.sv_id = {token, strlen(token)},
                                    .conf_rev = 1,
                                    .sample = sample,
                                    .sample_size = sizeof sample};
    begin(b, s, &group, vlan, IEC61850_ETHERTYPE_SV);
    (void)!sv_encode(b, &pdu);
    frame_end(b);
}

/* IEEE 802.1AB clause 8: chassis, port, time to live, system name, end. */
static void
build_lldp(struct buf *b, const struct probe_source *s, const struct probe_target *t UNUSED,
           int64_t number UNUSED)
{
    static const struct mac nearest_bridge = {{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}};
    char token[PROBE_TOKEN_TEXT_SIZE];
    probe_token_format(&s->token, token);
    begin(b, s, &nearest_bridge, FRAME_NO_VLAN, TYPE_LLDP);
    buf_put(b, "\x02\7\4", 3);
    buf_put(b, s->mac.octets, 6);
    buf_put(b, "\x04\7\3", 3);
    buf_put(b, s->mac.octets, 6);
    buf_put(b, "\6\2\0\x78", 4);
    buf_be16(b, (uint16_t)(5 << 9 | strlen(token)));
    buf_str(b, token);
    buf_be16(b, 0);
    frame_end(b);
}

const struct probe_desc probe_table[] = {
    {"arp", PROBE_TARGET, build_arp},     {"icmp", PROBE_TARGET, build_icmp},
    {"tcp", PROBE_TCP_PORT, build_tcp},   {"udp", PROBE_UDP_PORT, build_udp},
    {"ipv6", PROBE_TARGET, build_ipv6},   {"raw", PROBE_TARGET, build_raw},
    {"goose", PROBE_VLAN, build_goose},   {"sv", PROBE_VLAN, build_sv},
    {"lldp", PROBE_EVERYONE, build_lldp}, {"broadcast", PROBE_EVERYONE, build_broadcast},
    {NULL, PROBE_EVERYONE, NULL},
};

/* ---- Recognising --------------------------------------------------------------------------- */

/* The IP header's protocol and what it carries; 0: none that we know. */
static uint8_t
ip_protocol(const uint8_t *frame, size_t size, size_t at, uint16_t type, size_t *payload)
{
    if (type == TYPE_IPV4 && size >= at + 20) {
        *payload = at + (size_t)(frame[at] & 15) * 4;
        return frame[at + 9];
    }
    if (type == TYPE_IPV6 && size >= at + 40) {
        *payload = at + 40;
        return frame[at + 6];
    }
    return 0;
}

const char *
probe_protocol(const uint8_t *frame, size_t size, char *text)
{
    static const struct {
        uint16_t type;
        uint8_t proto; /* 0: any other */
        const char *name;
    } names[] = {
        {TYPE_IPV4, PROTO_ICMP, "icmp"},
        {TYPE_IPV4, PROTO_TCP, "tcp"},
        {TYPE_IPV4, PROTO_UDP, "udp"},
        {TYPE_IPV4, 0, "ipv4"},
        {TYPE_IPV6, PROTO_ICMPV6, "icmpv6"},
        {TYPE_IPV6, PROTO_TCP, "tcp"},
        {TYPE_IPV6, PROTO_UDP, "udp"},
        {TYPE_IPV6, 0, "ipv6"},
        {TYPE_ARP, 0, "arp"},
        {TYPE_LLDP, 0, "lldp"},
        {IEC61850_ETHERTYPE_GOOSE, 0, "goose"},
        {IEC61850_ETHERTYPE_SV, 0, "sv"},
    };
    struct frame_header h = {.ethertype = 0};
    size_t payload, at = frame_parse(frame, size, &h);
    uint8_t proto = at ? ip_protocol(frame, size, at, h.ethertype, &payload) : 0;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (names[i].type == h.ethertype && (!names[i].proto || names[i].proto == proto))
            return names[i].name;
    }
    snprintf(text, PROBE_PROTOCOL_SIZE, "0x%04x", h.ethertype);
    return text;
}

bool
probe_has_token(const uint8_t *frame, size_t size, const struct probe_token *token)
{
    char text[PROBE_TOKEN_TEXT_SIZE];
    probe_token_format(token, text);
    return memmem(frame, size, token->octets, sizeof token->octets) ||
           memmem(frame, size, text, strlen(text));
}

static bool
is_arp_reply(const uint8_t *frame, size_t size, size_t at, const struct probe_source *s,
             const struct probe_target *t)
{
    return size >= at + 28 && get_be16(frame + at + 6) == 2 &&
           get_be32(frame + at + 14) == t->ipv4 && get_be32(frame + at + 24) == s->ipv4;
}

/* A segment or datagram from the target to the port that only our probes use. */
static bool
is_transport_answer(const uint8_t *frame, size_t size, size_t at, const struct probe_source *s,
                    struct probe_answer *answer)
{
    size_t payload = 0;
    uint8_t proto = ip_protocol(frame, size, at, TYPE_IPV4, &payload);
    if ((proto != PROTO_TCP && proto != PROTO_UDP) || size < payload + 14 ||
        get_be16(frame + payload + 2) != s->port)
        return false;
    bool reset = proto == PROTO_TCP && frame[payload + 13] & 4;
    *answer = (struct probe_answer){proto == PROTO_TCP ? "tcp" : "udp", get_be16(frame + payload),
                                    reset ? "reset" : "reply"};
    return true;
}

/* An echo reply, or an error that quotes a probe of ours (RFC 792: its IP header and more). */
static bool
is_icmp_answer(const uint8_t *frame, size_t size, size_t at, const struct probe_source *s,
               struct probe_answer *answer)
{
    size_t icmp = 0, quoted = 0;
    if (ip_protocol(frame, size, at, TYPE_IPV4, &icmp) != PROTO_ICMP || size < icmp + 8)
        return false;
    if (frame[icmp] == 0 && get_be16(frame + icmp + 4) == s->port) {
        *answer = (struct probe_answer){"icmp", 0, "reply"};
        return true;
    }
    uint8_t proto = ip_protocol(frame, size, icmp + 8, TYPE_IPV4, &quoted);
    if (frame[icmp] == 0 || proto == 0 || size < quoted + 4 || get_be16(frame + quoted) != s->port)
        return false;
    *answer = (struct probe_answer){proto == PROTO_TCP ? "tcp" : "udp",
                                    get_be16(frame + quoted + 2), "error"};
    return true;
}

/* A neighbour advertisement or an echo reply. */
static bool
is_icmpv6_answer(const uint8_t *frame, size_t size, size_t at, struct probe_answer *answer)
{
    size_t icmp = 0;
    if (ip_protocol(frame, size, at, TYPE_IPV6, &icmp) != PROTO_ICMPV6 || size < icmp + 4 ||
        (frame[icmp] != 136 && frame[icmp] != 129))
        return false;
    *answer = (struct probe_answer){"ipv6", 0, "reply"};
    return true;
}

bool
probe_is_answer(const uint8_t *frame, size_t size, const struct probe_source *s,
                const struct probe_target *t, struct probe_answer *answer)
{
    struct frame_header h;
    size_t at = frame_parse(frame, size, &h);
    bool same_mac = t->mac_is_known && mac_equal(&h.src, &t->mac);
    if (at == 0 || mac_equal(&h.src, &s->mac))
        return false;
    if (h.ethertype == TYPE_ARP && is_arp_reply(frame, size, at, s, t)) {
        *answer = (struct probe_answer){"arp", 0, "reply"};
        return true;
    }
    if (h.ethertype == TYPE_IPV4 && size >= at + 20 && get_be32(frame + at + 12) == t->ipv4 &&
        (is_transport_answer(frame, size, at, s, answer) ||
         is_icmp_answer(frame, size, at, s, answer)))
        return true;
    if (h.ethertype == TYPE_IPV6 && same_mac && is_icmpv6_answer(frame, size, at, answer))
        return true;
    *answer = (struct probe_answer){"raw", 0, "returned"};
    return same_mac && probe_has_token(frame, size, &s->token);
}
