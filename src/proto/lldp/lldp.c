#include "proto/lldp/lldp.h"

#include "packet/flow_key.h"

#include <stdio.h>

const struct mac lldp_nearest_bridge = {{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}};

enum tlv_type {
    TLV_END = 0,
    TLV_CHASSIS_ID = 1,
    TLV_PORT_ID = 2,
    TLV_TTL = 3,
    TLV_SYSTEM_NAME = 5,
    TLV_SYSTEM_DESCRIPTION = 6,
    TLV_ORGANISATION = 127,
};

#define SUBTYPE_CHASSIS_MAC 4
#define SUBTYPE_CHASSIS_ADDRESS 5
#define SUBTYPE_PORT_MAC 3
#define SUBTYPE_PORT_ADDRESS 4
#define SUBTYPE_LOCAL 7 /* of both */

/* A locally administered identifier, there being no registered one: only what carries the token too
 * is taken for ours. */
static const uint8_t organisation[4] = {0x02, 0x54, 0x4c, 0x01};

static void
copy_text(char *to, const uint8_t *from, size_t size)
{
    size_t n = MIN(size, (size_t)LLDP_TEXT_SIZE - 1);
    for (size_t i = 0; i < n; i++) /* a peer's text: nothing that could move a cursor */
        to[i] = from[i] >= 0x20 && from[i] != 0x7f ? (char)from[i] : '?';
    to[n] = '\0';
}

/* An identifier of either kind, by its subtype. */
static void
read_id(struct cursor *c, uint8_t *subtype, char *text, uint8_t mac_subtype,
        uint8_t address_subtype)
{
    *subtype = cursor_u8(c, "ID subtype");
    size_t size = cursor_left(c);
    const uint8_t *id = cursor_bytes(c, size, "ID");
    struct mac mac;
    if (!id || size == 0 || size > 255) {
        cursor_fail(c, ERR_MALFORMED, "ID");
    } else if (*subtype == mac_subtype && size == 6) {
        memcpy(&mac, id, sizeof mac);
        mac_format(&mac, text);
    } else if (*subtype == address_subtype && size == 5 && id[0] == 1) { /* IANA family: IPv4 */
        ipv4_format(get_be32(id + 1), text);
    } else {
        copy_text(text, id, size);
    }
}

static void
read_organisation(struct cursor *c, struct lldp *lldp)
{
    size_t size = cursor_left(c);
    const uint8_t *p = cursor_bytes(c, size, "organisationally specific TLV");
    if (!p || size < 4) {
        cursor_fail(c, ERR_MALFORMED, "organisationally specific TLV");
        return;
    }
    if (memcmp(p, organisation, sizeof organisation) || size - 4 > LLDP_TOKEN_SIZE)
        return;
    lldp->token_size = (uint8_t)(size - 4);
    memcpy(lldp->token, p + 4, size - 4);
}

/* Clause 8.5: one TLV's value. */
static void
read_tlv(unsigned type, struct cursor *c, struct lldp *lldp)
{
    size_t size = cursor_left(c);
    switch (type) {
    case TLV_CHASSIS_ID:
        read_id(c, &lldp->chassis_subtype, lldp->chassis_id, SUBTYPE_CHASSIS_MAC,
                SUBTYPE_CHASSIS_ADDRESS);
        return;
    case TLV_PORT_ID:
        read_id(c, &lldp->port_subtype, lldp->port_id, SUBTYPE_PORT_MAC, SUBTYPE_PORT_ADDRESS);
        return;
    case TLV_TTL:
        lldp->ttl_s = cursor_be16(c, "TTL");
        cursor_skip(c, cursor_left(c), "TTL"); /* more octets are to be ignored */
        return;
    case TLV_SYSTEM_NAME:
        copy_text(lldp->system_name, cursor_bytes(c, size, "system name"), size);
        return;
    case TLV_SYSTEM_DESCRIPTION:
        copy_text(lldp->system_description, cursor_bytes(c, size, "system description"), size);
        return;
    case TLV_ORGANISATION:
        read_organisation(c, lldp);
        return;
    default:
        cursor_skip(c, size, "TLV");
        return;
    }
}

enum err
lldp_decode(const uint8_t *payload, size_t size, struct lldp *result, struct diag *diag)
{
    struct cursor c = cursor_over(payload, size);
    struct lldp lldp = {0};
    bool ended = false;
    for (unsigned n = 0; !c.err && !ended; n++) {
        uint16_t header = cursor_be16(&c, "TLV header");
        unsigned type = header >> 9;
        struct cursor value = cursor_split(&c, header & 0x1ff, "TLV value");
        /* Clause 8.4: chassis, port and TTL come first, in this order, and once. */
        if (c.err || (n < 3 ? type != n + 1 : type >= TLV_CHASSIS_ID && type <= TLV_TTL)) {
            cursor_fail(&c, ERR_MALFORMED, "order of TLVs");
            break;
        }
        ended = type == TLV_END;
        read_tlv(type, &value, &lldp);
        cursor_join(&c, &value);
    }
    if (c.err)
        return cursor_explain(&c, diag);
    *result = lldp;
    return ERR_OK;
}

static void
put_tlv(struct buf *b, enum tlv_type type, const uint8_t *prefix, size_t prefix_size,
        const void *value, size_t size)
{
    buf_be16(b, (uint16_t)((unsigned)type << 9 | (unsigned)(prefix_size + size)));
    buf_put(b, prefix, prefix_size);
    buf_put(b, value, size);
}

void
lldp_encode_frame(const struct lldp *lldp, const struct mac *src, struct buf *b)
{
    uint8_t chassis = lldp->chassis_subtype ? lldp->chassis_subtype : SUBTYPE_LOCAL;
    uint8_t port = lldp->port_subtype ? lldp->port_subtype : SUBTYPE_LOCAL;
    uint8_t ttl[2];
    put_be16(ttl, lldp->ttl_s);
    buf_put(b, lldp_nearest_bridge.octets, 6);
    buf_put(b, src->octets, 6);
    buf_be16(b, ETH_TYPE_LLDP);
    put_tlv(b, TLV_CHASSIS_ID, &chassis, 1, lldp->chassis_id, MIN(strlen(lldp->chassis_id), 254));
    put_tlv(b, TLV_PORT_ID, &port, 1, lldp->port_id, MIN(strlen(lldp->port_id), 254));
    put_tlv(b, TLV_TTL, NULL, 0, ttl, sizeof ttl);
    if (lldp->system_name[0])
        put_tlv(b, TLV_SYSTEM_NAME, NULL, 0, lldp->system_name, strlen(lldp->system_name));
    if (lldp->token_size)
        put_tlv(b, TLV_ORGANISATION, organisation, sizeof organisation, lldp->token,
                lldp->token_size);
    put_tlv(b, TLV_END, NULL, 0, NULL, 0);
    if (b->size < 60) /* the smallest frame, without FCS */
        buf_zero(b, 60 - b->size);
}
