/* DCP (IEC 61158-6-10 clause 4.3). */
#include "proto/ot/profinet/profinet_private.h"

#define TYPE_RESPONSE 1 /* bits of the ServiceType */
#define TYPE_REFUSED 4

#define FRAME_IDENTIFY 0xfefe

/* ---- The value of a block ---- */

static void
put_u8(struct dissection *d, struct cursor *c, uint16_t field, uint16_t object)
{
    uint8_t value = cursor_u8(c, "DCP block");
    if (!c->err)
        pdu_uint(d, field, object, value);
}

static void
put_u16(struct dissection *d, struct cursor *c, uint16_t field, uint16_t object)
{
    uint16_t value = cursor_be16(c, "DCP block");
    if (!c->err)
        pdu_uint(d, field, object, value);
}

static void
put_u32(struct dissection *d, struct cursor *c, uint16_t field, uint16_t object)
{
    uint32_t value = cursor_be32(c, "DCP block");
    if (!c->err)
        pdu_uint(d, field, object, value);
}

static void
put_part(struct dissection *d, struct cursor *c, char part, uint16_t field, uint16_t object)
{
    size_t n = cursor_left(c);
    switch (part) {
    case 'm':
        pdu_octets(d, field, object, cursor_bytes(c, 6, "MAC address"), 6);
        break;
    case 'i':
        put_u32(d, c, field, object);
        break;
    case 'I':
        while (cursor_left(c))
            put_u32(d, c, field, object);
        break;
    case 'h':
        put_u16(d, c, field, object);
        break;
    case 'o':
        while (cursor_left(c))
            put_u16(d, c, field, object);
        break;
    case 'b':
        put_u8(d, c, field, object);
        break;
    case '_':
        cursor_skip(c, 1, "DCP block");
        break;
    default:
        if (n)
            pdu_octets(d, field, object, cursor_bytes(c, n, "DCP block"), n);
    }
}

static void
put_value(struct dissection *d, struct cursor *block, uint16_t option, uint16_t object)
{
    const struct profinet_option *o = profinet_option(option);
    uint16_t field = o->field;
    if (!cursor_left(block)) /* it is asked for, or filtered by, without a value */
        return;
    for (const char *part = o->parts; *part; part++) {
        put_part(d, block, *part, field, object);
        field = (uint16_t)(field + (*part != '_'));
    }
    put_part(d, block, 'd', PROFINET_DATA, object); /* what is more than it should be */
}

/* ---- Blocks ---- */

/* What a block begins with, before its value: it depends on the service and on who speaks. */
enum leader {
    LEADER_NONE,
    LEADER_INFO,
    LEADER_QUALIFIER,
};

static enum leader
leader_of(uint8_t service, bool is_response, uint16_t option)
{
    if (option == PROFINET_CONTROL_RESPONSE)
        return LEADER_NONE;
    if (service == PROFINET_SET)
        return is_response ? LEADER_NONE : LEADER_QUALIFIER;
    return is_response || service == PROFINET_HELLO ? LEADER_INFO : LEADER_NONE;
}

static void
put_result(struct dissection *d, struct cursor *block, uint16_t object)
{
    put_u16(d, block, PROFINET_RESPONSE_OPTION, object);
    uint8_t error = cursor_u8(block, "BlockError");
    if (block->err)
        return;
    pdu_uint(d, PROFINET_BLOCK_ERROR, object, error);
    if (error) {
        d->pdu->kind = PDU_REFUSAL;
        d->pdu->error = error;
    }
}

static void
put_block(struct dissection *d, struct cursor *c, uint8_t service, bool is_response)
{
    uint16_t option = cursor_be16(c, "Option"), size = cursor_be16(c, "DCPBlockLength");
    struct cursor block = cursor_split(c, size, "DCP block");
    if (c->err)
        return;
    uint16_t object = (uint16_t)++d->pdu->n_objects;
    pdu_uint(d, PROFINET_OPTION, object, option);
    enum leader leader = leader_of(service, is_response, option);
    if (leader && size)
        put_u16(d, &block, leader == LEADER_INFO ? PROFINET_BLOCK_INFO : PROFINET_BLOCK_QUALIFIER,
                object);
    if (option == PROFINET_CONTROL_RESPONSE)
        put_result(d, &block, object);
    else
        put_value(d, &block, option, object);
    if (option == PROFINET_CONTROL_RESET || option == PROFINET_CONTROL_RESET_TO_FACTORY)
        d->pdu->act = ACT_RESTART;
    cursor_join(c, &block);
    if (size % 2 && cursor_left(c))
        cursor_skip(c, 1, "padding");
}

/* A request of "get" is a list of options. */
static void
put_options(struct dissection *d, struct cursor *c)
{
    while (cursor_left(c)) {
        uint16_t option = cursor_be16(c, "Option");
        if (!c->err)
            pdu_uint(d, PROFINET_OPTION, (uint16_t)++d->pdu->n_objects, option);
    }
}

/* ---- Messages ---- */

static enum pdu_kind
kind_of(uint8_t service, bool is_response)
{
    if (service == PROFINET_HELLO)
        return PDU_REPORT;
    return is_response ? PDU_RESPONSE : PDU_REQUEST;
}

void
profinet_dcp(struct dissection *d, struct cursor *c, uint16_t frame_id)
{
    uint8_t service = cursor_u8(c, "ServiceID"), type = cursor_u8(c, "ServiceType");
    uint32_t xid = cursor_be32(c, "Xid");
    uint16_t delay = cursor_be16(c, "ResponseDelayFactor");
    uint16_t size = cursor_be16(c, "DCPDataLength");
    if (c->err)
        return;
    size_t left = cursor_left(c);
    struct cursor data = cursor_split(c, MIN(size, left), "DCP data"); /* what there is of it */
    bool is_response = type & TYPE_RESPONSE;
    pdu_begin(d, kind_of(service, is_response), service);
    pdu_uint(d, PROFINET_FRAME_ID, 0, frame_id);
    pdu_uint(d, PROFINET_XID, 0, xid);
    if (frame_id == FRAME_IDENTIFY)
        pdu_uint(d, PROFINET_RESPONSE_DELAY, 0, delay);
    if (is_response && type & TYPE_REFUSED) {
        d->pdu->kind = PDU_REFUSAL;
        d->pdu->error = PROFINET_NOT_SUPPORTED;
    }
    if (service == PROFINET_GET && !is_response)
        put_options(d, &data);
    while (cursor_left(&data))
        put_block(d, &data, service, is_response);
    pdu_end(d, c);
    cursor_join(c, &data);
    if (size > left)
        cursor_fail(c, ERR_TRUNCATED, "DCPDataLength");
}
