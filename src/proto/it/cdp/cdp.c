#include "proto/it/cdp/cdp.h"

#include "base/attr.h"

#define PROTOCOL_IP 0xcc /* of NLPID, one octet */

enum {
    TLV_ADDRESSES = 2,
    TLV_MANAGEMENT = 0x16,
};

/* A letter for each part, as in the tables of LLDP: b, h, w number of one, two or four octets; t
 * text; _ an octet to skip; what is behind them is ignored. */
static const struct tlv_desc {
    uint16_t type;
    const char *parts;
    uint16_t field;
    const char *name;
} tlvs[] = {
    {0x01, "t", CDP_DEVICE, "device ID"},
    {0x03, "t", CDP_PORT, "port ID"},
    {0x04, "w", CDP_CAPABILITIES, "capabilities"},
    {0x05, "t", CDP_SOFTWARE, "software version"},
    {0x06, "t", CDP_PLATFORM, "platform"},
    {0x09, "t", CDP_VTP_DOMAIN, "VTP management domain"},
    {0x0a, "h", CDP_NATIVE_VLAN, "native VLAN"},
    {0x0b, "b", CDP_FULL_DUPLEX, "duplex"},
    {0x0e, "_h", CDP_VOICE_VLAN, "VoIP VLAN reply"},
    {0x10, "h", CDP_POWER, "power consumption"},
    {0x14, "t", CDP_SYSTEM_NAME, "system name"},
    {0x17, "_t", CDP_LOCATION, "location"},
};

static void
put_known(struct dissection *d, struct cursor *value, const struct tlv_desc *desc)
{
    for (const char *part = desc->parts; *part; part++) {
        size_t n = *part == 't' ? cursor_left(value) : *part == 'w' ? 4 : *part == 'h' ? 2 : 1;
        const uint8_t *octets = cursor_bytes(value, n, desc->name);
        if (!octets || *part == '_')
            continue;
        if (*part == 't') {
            while (n && (!octets[n - 1] || octets[n - 1] == '\n'))
                n--;
            pdu_octets(d, desc->field, 0, octets, n);
        } else {
            pdu_uint(d, desc->field, 0,
                     n == 4   ? get_be32(octets)
                     : n == 2 ? get_be16(octets)
                              : *octets);
        }
    }
    cursor_skip(value, cursor_left(value), desc->name);
}

static void
put_addresses(struct dissection *d, struct cursor *value, uint16_t field)
{
    static const char what[] = "address";
    uint32_t n = cursor_be32(value, "number of addresses");
    for (; n && cursor_left(value); n--) {
        cursor_skip(value, 1, what);
        uint8_t size = cursor_u8(value, what);
        const uint8_t *protocol = cursor_bytes(value, size, what);
        uint16_t length = cursor_be16(value, what);
        const uint8_t *octets = cursor_bytes(value, length, what);
        if (!octets)
            break;
        if (size == 1 && *protocol == PROTOCOL_IP && length == 4)
            pdu_uint(d, field, 0, get_be32(octets));
        else
            pdu_octets(d, (uint16_t)(field + 1), 0, octets, length);
    }
    if (n)
        cursor_fail(value, ERR_TRUNCATED, what);
    cursor_skip(value, cursor_left(value), what);
}

static void
put_tlv(struct dissection *d, struct cursor *value, uint16_t type)
{
    for (size_t i = 0; i < ARRAY_SIZE(tlvs); i++) {
        if (tlvs[i].type == type) {
            put_known(d, value, &tlvs[i]);
            return;
        }
    }
    if (type == TLV_ADDRESSES)
        put_addresses(d, value, CDP_ADDRESS);
    else if (type == TLV_MANAGEMENT)
        put_addresses(d, value, CDP_MANAGEMENT_ADDRESS);
    else
        cursor_skip(value, cursor_left(value), "TLV");
}

static void
cdp_dissect(struct dissection *d, struct cursor *c)
{
    uint8_t version = cursor_u8(c, "version"), ttl = cursor_u8(c, "TTL");
    cursor_skip(c, 2, "checksum");
    if (c->err)
        return;
    pdu_begin(d, PDU_REPORT, CDP_ANNOUNCE);
    pdu_uint(d, CDP_VERSION, 0, version);
    pdu_uint(d, CDP_TTL, 0, ttl);
    while (cursor_left(c)) {
        uint16_t type = cursor_be16(c, "TLV type"), size = cursor_be16(c, "TLV length");
        if (!c->err && size < 4)
            cursor_fail(c, ERR_MALFORMED, "TLV length");
        struct cursor value = cursor_split(c, size - 4u, "TLV value");
        if (!value.err)
            put_tlv(d, &value, type);
        cursor_join(c, &value);
    }
    pdu_end(d, c);
}

/* There it is known by its type. */
static int
cdp_looks(const uint8_t *message, size_t size)
{
    bool begins = size >= 8 && (message[0] == 1 || message[0] == 2) && !message[4];
    return begins ? LOOKS_LIKE : LOOKS_NOT;
}

static const struct field_info fields[] = {
    [CDP_VERSION] = {"version", FIELD_UINT, NULL, "of the protocol"},
    [CDP_TTL] = {"ttl", FIELD_UINT, NULL, "seconds for which it is true"},
    [CDP_DEVICE] = {"device", FIELD_TEXT, NULL, "host name, or serial number"},
    [CDP_PORT] = {"port", FIELD_TEXT, NULL, "it was sent from"},
    [CDP_CAPABILITIES] = {"capabilities", FIELD_UINT, NULL,
                          "bits: 1 router, 2 bridge, 8 switch..."},
    [CDP_SOFTWARE] = {"software", FIELD_TEXT, NULL, "with its version"},
    [CDP_PLATFORM] = {"platform", FIELD_TEXT, NULL, "model"},
    [CDP_VTP_DOMAIN] = {"vtp-domain", FIELD_TEXT, NULL, "of its VLANs"},
    [CDP_NATIVE_VLAN] = {"native-vlan", FIELD_UINT, NULL, "of what comes without a tag"},
    [CDP_FULL_DUPLEX] = {"full-duplex", FIELD_BOOL, NULL, "of the port"},
    [CDP_VOICE_VLAN] = {"voice-vlan", FIELD_UINT, NULL, "for telephones"},
    [CDP_POWER] = {"power", FIELD_UINT, NULL, "mW that it needs"},
    [CDP_SYSTEM_NAME] = {"system-name", FIELD_TEXT, NULL, "of the operator"},
    [CDP_LOCATION] = {"location", FIELD_TEXT, NULL, "of the operator"},
    [CDP_ADDRESS] = {"address", FIELD_IPV4, NULL, "of the port"},
    [CDP_ADDRESS_OCTETS] = {"address-octets", FIELD_OCTETS, NULL, "of another kind"},
    [CDP_MANAGEMENT_ADDRESS] = {"management-address", FIELD_IPV4, NULL, "where it is managed"},
    [CDP_MANAGEMENT_OCTETS] = {"management-octets", FIELD_OCTETS, NULL, "of another kind"},
};

static const struct function_info functions[] = {{CDP_ANNOUNCE, "announce", ACT_IDENTIFY}};

static const uint16_t types[] = {0x2000, 0};

const struct protocol cdp_protocol = {
    .name = "cdp",
    .title = "CDP",
    .source = "public descriptions",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_ETHERNET,
    .ports = types,
    .looks = cdp_looks,
    .dissect = cdp_dissect,
};
