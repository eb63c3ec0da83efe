#include "proto/arp/arp.h"

#include "base/attr.h"

#define HARDWARE_ETHERNET 1
#define PROTOCOL_IPV4 0x0800
#define INVERSE_REQUEST 8 /* these two are the other way round: others ask with odd numbers */
#define INVERSE_REPLY 9

struct sizes {
    bool is_ipv4;
    uint8_t hardware, protocol;
};

/* One end's two addresses; `*ip` is its IPv4 address. */
static void
put_end(struct dissection *d, struct cursor *c, const struct sizes *sizes, bool target,
        uint32_t *ip)
{
    const char *what = target ? "target address" : "sender address";
    const uint8_t *hardware = cursor_bytes(c, sizes->hardware, what);
    const uint8_t *protocol = cursor_bytes(c, sizes->protocol, what);
    if (c->err)
        return;
    if (sizes->hardware == 6)
        pdu_octets(d, target ? ARP_TARGET_MAC : ARP_SENDER_MAC, 0, hardware, 6);
    else if (sizes->hardware)
        pdu_octets(d, target ? ARP_TARGET_HARDWARE : ARP_SENDER_HARDWARE, 0, hardware,
                   sizes->hardware);
    if (sizes->is_ipv4) {
        *ip = get_be32(protocol);
        pdu_uint(d, target ? ARP_TARGET_IP : ARP_SENDER_IP, 0, *ip);
    } else if (sizes->protocol) {
        pdu_octets(d, target ? ARP_TARGET_PROTOCOL : ARP_SENDER_PROTOCOL, 0, protocol,
                   sizes->protocol);
    }
}

static void
arp_dissect(struct dissection *d, struct cursor *c)
{
    uint16_t hardware = cursor_be16(c, "hardware type"), protocol = cursor_be16(c, "protocol type");
    struct sizes sizes = {.hardware = cursor_u8(c, "hardware address length")};
    sizes.protocol = cursor_u8(c, "protocol address length");
    sizes.is_ipv4 = protocol == PROTOCOL_IPV4 && sizes.protocol == 4;
    uint16_t opcode = cursor_be16(c, "opcode");
    if (c->err)
        return;
    bool is_request = opcode == INVERSE_REQUEST || (opcode != INVERSE_REPLY && opcode % 2);
    pdu_begin(d, is_request ? PDU_REQUEST : PDU_RESPONSE, opcode);
    pdu_uint(d, ARP_HARDWARE, 0, hardware);
    pdu_uint(d, ARP_PROTOCOL, 0, protocol);
    uint32_t sender = 0, target = 0;
    put_end(d, c, &sizes, false, &sender);
    put_end(d, c, &sizes, true, &target);
    if (!c->err && sizes.is_ipv4 && opcode <= ARP_REPLY) {
        pdu_uint(d, ARP_ANNOUNCES, 0, sender == target);
        pdu_uint(d, ARP_PROBES, 0, opcode == ARP_REQUEST && !sender);
    }
    pdu_end(d, c);
}

/* There it is known by its EtherType. */
static int
arp_looks(const uint8_t *message, size_t size)
{
    bool is_it = size >= 28 && get_be16(message) == HARDWARE_ETHERNET &&
                 get_be16(message + 2) == PROTOCOL_IPV4 && message[4] == 6 && message[5] == 4;
    return is_it ? LOOKS_LIKE : LOOKS_NOT;
}

static const struct field_word hardwares[] = {{HARDWARE_ETHERNET, "ethernet"}, {0, NULL}};
static const struct field_word protocols[] = {{PROTOCOL_IPV4, "ipv4"}, {0, NULL}};

static const struct field_info fields[] = {
    [ARP_HARDWARE] = {"hardware", FIELD_UINT, hardwares, "kind of network"},
    [ARP_PROTOCOL] = {"protocol", FIELD_UINT, protocols, "kind of address"},
    [ARP_SENDER_MAC] = {"sender-mac", FIELD_MAC, NULL, "who says it, as it says"},
    [ARP_SENDER_IP] = {"sender-ip", FIELD_IPV4, NULL, "whose that is"},
    [ARP_TARGET_MAC] = {"target-mac", FIELD_MAC, NULL, "whom it is said to"},
    [ARP_TARGET_IP] = {"target-ip", FIELD_IPV4, NULL, "the address that is asked for"},
    [ARP_ANNOUNCES] = {"announces", FIELD_BOOL, NULL, "the sender speaks of itself"},
    [ARP_PROBES] = {"probes", FIELD_BOOL, NULL, "asks whether the address is free"},
    [ARP_SENDER_HARDWARE] = {"sender-hardware", FIELD_OCTETS, NULL, "an address of another kind"},
    [ARP_TARGET_HARDWARE] = {"target-hardware", FIELD_OCTETS, NULL, "an address of another kind"},
    [ARP_SENDER_PROTOCOL] = {"sender-protocol", FIELD_OCTETS, NULL, "an address of another kind"},
    [ARP_TARGET_PROTOCOL] = {"target-protocol", FIELD_OCTETS, NULL, "an address of another kind"},
};

static const struct function_info functions[] = {
    {ARP_REQUEST, "request", ACT_LINK},
    {ARP_REPLY, "reply", ACT_LINK},
    {3, "reverse-request", ACT_LINK},
    {4, "reverse-reply", ACT_LINK},
    {INVERSE_REQUEST, "inverse-request", ACT_LINK},
    {INVERSE_REPLY, "inverse-reply", ACT_LINK},
};

static const uint16_t types[] = {0x0806, 0x8035, 0};

const struct protocol arp_protocol = {
    .name = "arp",
    .title = "ARP",
    .source = "RFC 826, RFC 903, RFC 2390, RFC 5227",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_ETHERNET,
    .ports = types,
    .looks = arp_looks,
    .dissect = arp_dissect,
};
