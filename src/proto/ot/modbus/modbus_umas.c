/* UMAS, in which Schneider Electric's Unity Pro and EcoStruxure Control Expert speak with a
 * controller, within Modbus function 90: a session number, a function code, then its own. It has no
 * public specification; this is what analyses of it agree on. */
#include "proto/ot/modbus/modbus_private.h"

const struct field_word modbus_umas_words[] = {{0x01, "init-communication"},
                                               {0x02, "read-id"},
                                               {0x03, "read-project-info"},
                                               {0x04, "read-plc-info"},
                                               {0x06, "read-card-info"},
                                               {0x0a, "repeat"},
                                               {0x10, "take-reservation"},
                                               {0x11, "release-reservation"},
                                               {0x12, "keep-alive"},
                                               {0x20, "read-memory-block"},
                                               {0x22, "read-variables"},
                                               {0x23, "write-variables"},
                                               {0x24, "read-coils-registers"},
                                               {0x25, "write-coils-registers"},
                                               {0x30, "begin-upload"},
                                               {0x31, "upload-block"},
                                               {0x32, "end-upload"},
                                               {0x33, "begin-download"},
                                               {0x34, "download-block"},
                                               {0x35, "end-download"},
                                               {0x39, "read-ethernet-master"},
                                               {0x40, "start-plc"},
                                               {0x41, "stop-plc"},
                                               {0x50, "monitor-plc"},
                                               {0x58, "check-plc"},
                                               {0x70, "read-io-object"},
                                               {0x71, "write-io-object"},
                                               {0x73, "get-status-module"},
                                               {0xfd, "error"},
                                               {0xfe, "ok"},
                                               {0, NULL}};

/* The device downloads what the engineering station calls an upload to it; the words here are seen
 * from the engineering station. 0x30: the program is taken from the device. */
static enum act
act_of(uint8_t function)
{
    switch (function) {
    case 0x02:
    case 0x03:
    case 0x04:
    case 0x06:
        return ACT_IDENTIFY;
    case 0x01:
    case 0x0a:
    case 0x12:
        return ACT_LINK;
    case 0x10:
    case 0x11:
        return ACT_ACCESS;
    case 0x23:
    case 0x25:
    case 0x71:
        return ACT_WRITE;
    case 0x30:
    case 0x31:
    case 0x32:
        return ACT_UPLOAD;
    case 0x33:
    case 0x34:
    case 0x35:
        return ACT_DOWNLOAD;
    case 0x40:
        return ACT_START;
    case 0x41:
        return ACT_STOP;
    case 0x20:
    case 0x22:
    case 0x24:
    case 0x39:
    case 0x50:
    case 0x58:
    case 0x70:
    case 0x73:
        return ACT_READ;
    default:
        return ACT_OTHER;
    }
}

static uint8_t
put_head(struct dissection *d, struct cursor *c)
{
    uint8_t session = cursor_u8(c, "UMAS session"), function = cursor_u8(c, "UMAS function");
    if (c->err)
        return 0;
    pdu_uint(d, MODBUS_UMAS_SESSION, 0, session);
    pdu_uint(d, MODBUS_UMAS_FUNCTION, 0, function);
    return function;
}

static void
put_rest(struct dissection *d, struct cursor *c)
{
    size_t n = cursor_left(c);
    if (n)
        pdu_octets(d, MODBUS_DATA, 0, cursor_bytes(c, n, "UMAS data"), n);
}

void
modbus_umas_request(struct dissection *d, struct cursor *c, struct modbus_request *r)
{
    r->umas = put_head(d, c);
    d->pdu->act = act_of(r->umas);
    put_rest(d, c);
}

/* The answer to read-id: range, identifier, model number, version of the communication, revision,
 * hardware number, ..., then the name with its length before it. */
static void
put_id(struct dissection *d, struct cursor *c)
{
    struct cursor id = *c;
    cursor_skip(&id, 2, "UMAS range");
    const uint8_t *hardware = cursor_bytes(&id, 4, "UMAS hardware id");
    cursor_skip(&id, 2, "UMAS model");
    const uint8_t *version = cursor_bytes(&id, 2, "UMAS firmware version");
    cursor_skip(&id, 9, "UMAS revisions");
    uint8_t n = cursor_u8(&id, "UMAS name length");
    const uint8_t *name = cursor_bytes(&id, n, "UMAS name");
    if (!name) /* another generation's */
        return;
    pdu_uint(d, MODBUS_UMAS_HARDWARE, 0, __builtin_bswap32(get_be32(hardware)));
    pdu_uint(d, MODBUS_UMAS_FIRMWARE, 0, __builtin_bswap16(get_be16(version)));
    pdu_octets(d, MODBUS_UMAS_MODEL, 0, name, n);
}

void
modbus_umas_response(struct dissection *d, struct cursor *c, const struct modbus_request *r)
{
    uint8_t function = put_head(d, c);
    d->pdu->act = r ? act_of(r->umas) : ACT_OTHER;
    if (function == 0xfd)
        d->pdu->kind = PDU_REFUSAL;
    if (function == 0xfe && r && r->umas == 0x02)
        put_id(d, c);
    put_rest(d, c);
}
