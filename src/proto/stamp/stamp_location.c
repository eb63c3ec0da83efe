#include "proto/stamp/stamp_tlv.h"

#define MAC_SIZE 8 /* EUI-48 with two octets of padding, or EUI-64 */
#define IP_SIZE 16 /* IPv6, or IPv4 with twelve octets of padding */

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

static void
put_request(struct buf *b, enum stamp_location_sub_tlv type, uint16_t size)
{
    buf_u8(b, STAMP_TLV_UNRECOGNIZED);
    buf_u8(b, (uint8_t)type);
    buf_be16(b, size);
    buf_zero(b, size);
}

void
stamp_location_put_request(struct buf *b)
{
    const uint16_t size = STAMP_LOCATION_MIN_SIZE + 3 * STAMP_TLV_HEADER_SIZE + MAC_SIZE +
                          2 * IP_SIZE;
    buf_u8(b, STAMP_TLV_UNRECOGNIZED);
    buf_u8(b, STAMP_TLV_LOCATION);
    buf_be16(b, size);
    buf_zero(b, STAMP_LOCATION_MIN_SIZE);
    put_request(b, STAMP_LOCATION_SOURCE_MAC, MAC_SIZE);
    put_request(b, STAMP_LOCATION_DESTINATION_IP, IP_SIZE);
    put_request(b, STAMP_LOCATION_SOURCE_IP, IP_SIZE);
}

/* Sub-TLVs are framed as TLVs are; the tables of sizes differ. 0: not a type of ours. */
static size_t
sub_tlv_size(unsigned type)
{
    if (type >= STAMP_LOCATION_SOURCE_MAC && type <= STAMP_LOCATION_SOURCE_EUI64)
        return MAC_SIZE;
    if (type >= STAMP_LOCATION_DESTINATION_IP && type <= STAMP_LOCATION_SOURCE_IPV6)
        return IP_SIZE;
    return 0;
}

static uint8_t
answer_ip(uint8_t *value, const uint8_t address[16], uint8_t v4_type)
{
    memset(value, 0, IP_SIZE);
    if (memcmp(address, v4_prefix, sizeof v4_prefix)) {
        memcpy(value, address, IP_SIZE);
        return (uint8_t)(v4_type + 1);
    }
    memcpy(value, address + sizeof v4_prefix, 4);
    return v4_type;
}

/* Turns the question into its answer; the type it becomes, or the same when it is no question. */
static uint8_t
answer(uint8_t type, uint8_t *value, const struct stamp_location *location)
{
    switch (type) {
    case STAMP_LOCATION_SOURCE_MAC:
        memset(value, 0, MAC_SIZE);
        if (!location->has_source_mac) /* RFC 8972 section 4.2.2: an EUI-64 of zeroes */
            return STAMP_LOCATION_SOURCE_EUI64;
        memcpy(value, location->source_mac, sizeof location->source_mac);
        return STAMP_LOCATION_SOURCE_EUI48;
    case STAMP_LOCATION_DESTINATION_IP:
        return answer_ip(value, location->destination, STAMP_LOCATION_DESTINATION_IPV4);
    case STAMP_LOCATION_SOURCE_IP:
        return answer_ip(value, location->source, STAMP_LOCATION_SOURCE_IPV4);
    default:
        return type;
    }
}

bool
stamp_location_answer(uint8_t *value, size_t size, const struct stamp_location *location)
{
    put_be16(value, location->destination_port);
    put_be16(value + 2, location->source_port);
    uint8_t *octets = value + STAMP_LOCATION_MIN_SIZE;
    struct cursor c = cursor_over(octets, size - STAMP_LOCATION_MIN_SIZE);
    struct stamp_tlv sub;
    while (stamp_tlv_next(&c, &sub)) {
        uint8_t *header = octets + sub.offset;
        size_t expected = sub_tlv_size(sub.type);
        if (sub.truncated || (expected && sub.size != expected)) {
            header[0] = STAMP_TLV_MALFORMED;
            return false;
        }
        header[0] = expected ? 0 : STAMP_TLV_UNRECOGNIZED;
        header[1] = answer(sub.type, header + STAMP_TLV_HEADER_SIZE, location);
    }
    return true;
}

static void
read_v4(uint8_t address[16], const uint8_t *value)
{
    memcpy(address, v4_prefix, sizeof v4_prefix);
    memcpy(address + sizeof v4_prefix, value, 4);
}

static void
read_sub_tlv(const struct stamp_tlv *sub, struct stamp_location *location)
{
    static const uint8_t none[6];
    switch (sub->type) {
    case STAMP_LOCATION_SOURCE_EUI48:
        memcpy(location->source_mac, sub->value, sizeof location->source_mac);
        location->has_source_mac = memcmp(sub->value, none, sizeof none) != 0;
        break;
    case STAMP_LOCATION_DESTINATION_IPV4:
        read_v4(location->destination, sub->value);
        break;
    case STAMP_LOCATION_DESTINATION_IPV6:
        memcpy(location->destination, sub->value, IP_SIZE);
        break;
    case STAMP_LOCATION_SOURCE_IPV4:
        read_v4(location->source, sub->value);
        break;
    case STAMP_LOCATION_SOURCE_IPV6:
        memcpy(location->source, sub->value, IP_SIZE);
        break;
    default:
        break;
    }
}

void
stamp_location_read(const uint8_t *value, size_t size, struct stamp_location *location)
{
    *location = (struct stamp_location){
        .destination_port = get_be16(value),
        .source_port = get_be16(value + 2),
    };
    struct cursor c = cursor_over(value + STAMP_LOCATION_MIN_SIZE, size - STAMP_LOCATION_MIN_SIZE);
    struct stamp_tlv sub;
    while (stamp_tlv_next(&c, &sub)) {
        if (sub.truncated || sub.flags & STAMP_TLV_MALFORMED)
            return;
        if (!(sub.flags & STAMP_TLV_UNRECOGNIZED) && sub.size == sub_tlv_size(sub.type))
            read_sub_tlv(&sub, location);
    }
}
