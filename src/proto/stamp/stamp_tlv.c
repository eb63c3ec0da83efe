#include "proto/stamp/stamp_tlv.h"

static const struct {
    const char *name;
    uint16_t min_size, max_size;
} types[STAMP_TLV_MAX] = {
    [STAMP_TLV_EXTRA_PADDING] = {"Extra Padding", 0, UINT16_MAX},
    [STAMP_TLV_LOCATION] = {"Location", STAMP_LOCATION_MIN_SIZE, UINT16_MAX},
    [STAMP_TLV_TIMESTAMP_INFORMATION] = {"Timestamp Information", STAMP_TIMESTAMP_INFORMATION_SIZE,
                                         UINT16_MAX},
    [STAMP_TLV_CLASS_OF_SERVICE] = {"Class of Service", STAMP_CLASS_OF_SERVICE_SIZE,
                                    STAMP_CLASS_OF_SERVICE_SIZE},
    [STAMP_TLV_DIRECT_MEASUREMENT] = {"Direct Measurement", STAMP_DIRECT_MEASUREMENT_SIZE,
                                      STAMP_DIRECT_MEASUREMENT_SIZE},
    [STAMP_TLV_ACCESS_REPORT] = {"Access Report", STAMP_ACCESS_REPORT_SIZE,
                                 STAMP_ACCESS_REPORT_SIZE},
    [STAMP_TLV_FOLLOW_UP_TELEMETRY] = {"Follow-Up Telemetry", STAMP_FOLLOW_UP_SIZE,
                                       STAMP_FOLLOW_UP_SIZE},
    [STAMP_TLV_HMAC] = {"HMAC", STAMP_HMAC_SIZE, STAMP_HMAC_SIZE},
};

bool
stamp_tlv_is_known(unsigned type)
{
    return type < STAMP_TLV_MAX && types[type].name;
}

const char *
stamp_tlv_name(unsigned type)
{
    return stamp_tlv_is_known(type) ? types[type].name : "?";
}

bool
stamp_tlv_size_is_valid(unsigned type, size_t size)
{
    return !stamp_tlv_is_known(type) ||
           (size >= types[type].min_size && size <= types[type].max_size);
}

bool
stamp_tlv_next(struct cursor *tlvs, struct stamp_tlv *tlv)
{
    size_t left = cursor_left(tlvs);
    if (left == 0)
        return false;
    *tlv = (struct stamp_tlv){.offset = cursor_offset(tlvs)};
    tlv->flags = cursor_u8(tlvs, "STAMP TLV Flags");
    if (left >= STAMP_TLV_HEADER_SIZE) {
        tlv->type = cursor_u8(tlvs, "Type");
        tlv->size = cursor_be16(tlvs, "Length");
        tlv->truncated = tlv->size > cursor_left(tlvs);
    } else {
        tlv->truncated = true;
    }
    if (tlv->truncated)
        tlvs->pos = tlvs->end;
    else
        tlv->value = cursor_bytes(tlvs, tlv->size, "Value");
    return true;
}

size_t
stamp_tlv_put(struct buf *b, enum stamp_tlv_type type, uint16_t size)
{
    buf_u8(b, STAMP_TLV_UNRECOGNIZED);
    buf_u8(b, (uint8_t)type);
    buf_be16(b, size);
    size_t offset = b->size;
    buf_zero(b, size);
    return buf_err(b) ? SIZE_MAX : offset;
}

void
stamp_tlv_scan(const uint8_t *octets, size_t size, struct stamp_tlv_layout *layout)
{
    struct cursor c = cursor_over(octets, size);
    struct stamp_tlv tlv;
    *layout = (struct stamp_tlv_layout){.malformed_offset = SIZE_MAX, .hmac_offset = SIZE_MAX};
    while (stamp_tlv_next(&c, &tlv)) {
        layout->n++;
        layout->only_padding = layout->n == 1 && tlv.type == STAMP_TLV_EXTRA_PADDING;
        if (tlv.truncated || !stamp_tlv_size_is_valid(tlv.type, tlv.size)) {
            layout->malformed_offset = tlv.offset;
            return;
        }
        if (layout->hmac_offset != SIZE_MAX && tlv.type != STAMP_TLV_EXTRA_PADDING)
            layout->hmac_misplaced = true;
        if (tlv.type == STAMP_TLV_HMAC && layout->hmac_offset == SIZE_MAX)
            layout->hmac_offset = tlv.offset;
    }
}

bool
stamp_tlv_integrity(const uint8_t *packet, size_t size, enum stamp_mode mode, bool required,
                    struct stamp_key *key, const struct stamp_tlv_layout *layout)
{
    const uint8_t *tlvs = packet + stamp_base_size(mode);
    size_t hmac = layout->hmac_offset;
    if (hmac == SIZE_MAX)
        return (mode == STAMP_UNAUTHENTICATED && !required) || layout->n == 0 ||
               layout->only_padding;
    if (!key || layout->hmac_misplaced || size < stamp_base_size(mode) + hmac)
        return false;
    return stamp_key_verify_tlvs(key, packet, tlvs, hmac, tlvs + hmac + STAMP_TLV_HEADER_SIZE);
}

/* ---- Values -------------------------------------------------------------------------------- */

struct stamp_class_of_service
stamp_class_of_service_read(const uint8_t *value)
{
    uint16_t bits = get_be16(value);
    return (struct stamp_class_of_service){
        .dscp1 = (uint8_t)(bits >> 10),
        .dscp2 = bits >> 4 & 0x3f,
        .ecn = bits >> 2 & 3,
        .rp = bits & 3,
    };
}

void
stamp_class_of_service_write(uint8_t *value, struct stamp_class_of_service cos)
{
    put_be16(value, (uint16_t)((cos.dscp1 & 0x3f) << 10 | (cos.dscp2 & 0x3f) << 4 |
                               (cos.ecn & 3) << 2 | (cos.rp & 3)));
    put_be16(value + 2, 0);
}

struct stamp_direct_measurement
stamp_direct_measurement_read(const uint8_t *value)
{
    return (struct stamp_direct_measurement){
        .sender_tx = get_be32(value),
        .reflector_rx = get_be32(value + 4),
        .reflector_tx = get_be32(value + 8),
    };
}

void
stamp_direct_measurement_write(uint8_t *value, struct stamp_direct_measurement counts)
{
    put_be32(value, counts.sender_tx);
    put_be32(value + 4, counts.reflector_rx);
    put_be32(value + 8, counts.reflector_tx);
}

struct stamp_access_report
stamp_access_report_read(const uint8_t *value)
{
    return (struct stamp_access_report){.access_id = value[0] >> 4, .return_code = value[1]};
}

void
stamp_access_report_write(uint8_t *value, struct stamp_access_report report)
{
    value[0] = (uint8_t)(report.access_id << 4);
    value[1] = report.return_code;
    put_be16(value + 2, 0);
}

struct stamp_follow_up
stamp_follow_up_read(const uint8_t *value)
{
    return (struct stamp_follow_up){
        .sequence = get_be32(value),
        .timestamp = get_be64(value + 4),
        .method = value[12],
    };
}

void
stamp_follow_up_write(uint8_t *value, struct stamp_follow_up follow_up)
{
    put_be32(value, follow_up.sequence);
    put_be64(value + 4, follow_up.timestamp);
    value[12] = follow_up.method;
    put_be24(value + 13, 0);
}

struct stamp_timestamp_information
stamp_timestamp_information_read(const uint8_t *value)
{
    return (struct stamp_timestamp_information){value[0], value[1], value[2], value[3]};
}

void
stamp_timestamp_information_write(uint8_t *value, struct stamp_timestamp_information information)
{
    value[0] = information.sync_in;
    value[1] = information.method_in;
    value[2] = information.sync_out;
    value[3] = information.method_out;
}
