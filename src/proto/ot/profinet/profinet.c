/* FrameID, cyclic data, alarms (IEC 61158-6-10 clauses 4.2, 4.7 and 4.8). */
#include "proto/ot/profinet/profinet_private.h"

#define STATUS_RUN 0x10 /* of the DataStatus */
#define STATUS_SOUND 0x20
#define STATUS_SIZE 4u

enum alarm_pdu { ALARM_DATA = 1, ALARM_NACK = 2, ALARM_ACK = 3, ALARM_ERROR = 4 };

static const struct frame_range {
    uint16_t first, last;
    uint16_t function; /* 0: of DCP */
} ranges[] = {
    {0x0000, 0x00ff, PROFINET_CLOCK},
    {0x0100, 0xfbff, PROFINET_CYCLIC},
    {0xfc01, 0xfc01, PROFINET_ALARM},
    {0xfe01, 0xfe01, PROFINET_ALARM},
    {0xfefc, 0xfeff, 0},
    {0xff00, 0xff5f, PROFINET_CLOCK},
    {0xff80, 0xff8f, PROFINET_FRAGMENT},
};

static uint16_t
function_of(uint16_t frame_id)
{
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
        if (frame_id >= ranges[i].first && frame_id <= ranges[i].last)
            return ranges[i].function;
    }
    return PROFINET_OTHER;
}

static void
put_rest(struct dissection *d, struct cursor *c)
{
    size_t n = cursor_left(c);
    if (n)
        pdu_octets(d, PROFINET_DATA, 0, cursor_bytes(c, n, "data"), n);
}

/* The status is the last of the frame, behind what fills it up. */
static void
put_cyclic(struct dissection *d, struct cursor *c)
{
    size_t n = cursor_left(c);
    if (n > STATUS_SIZE)
        pdu_octets(d, PROFINET_DATA, 0, cursor_bytes(c, n - STATUS_SIZE, "cyclic data"),
                   n - STATUS_SIZE);
    uint16_t cycle = cursor_be16(c, "CycleCounter");
    uint8_t status = cursor_u8(c, "DataStatus"), transfer = cursor_u8(c, "TransferStatus");
    if (c->err)
        return;
    pdu_uint(d, PROFINET_CYCLE, 0, cycle);
    pdu_uint(d, PROFINET_DATA_STATUS, 0, status);
    pdu_uint(d, PROFINET_RUNS, 0, (status & STATUS_RUN) != 0);
    pdu_uint(d, PROFINET_PROBLEM, 0, !(status & STATUS_SOUND));
    pdu_uint(d, PROFINET_TRANSFER_STATUS, 0, transfer);
}

static void
put_u16(struct dissection *d, struct cursor *c, uint16_t field, const char *what)
{
    uint16_t value = cursor_be16(c, what);
    if (!c->err)
        pdu_uint(d, field, 0, value);
}

static void
put_u32(struct dissection *d, struct cursor *c, uint16_t field, const char *what)
{
    uint32_t value = cursor_be32(c, what);
    if (!c->err)
        pdu_uint(d, field, 0, value);
}

/* AlarmNotification and AlarmAck: who tells what of which module. */
static void
put_notification(struct dissection *d, struct cursor *c)
{
    uint16_t type = cursor_be16(c, "BlockType");
    struct cursor block = cursor_split(c, cursor_be16(c, "BlockLength"), "alarm block");
    if (c->err)
        return;
    bool is_ack = type & 0x8000;
    pdu_uint(d, PROFINET_ALARM_BLOCK, 0, type);
    cursor_skip(&block, 2, "BlockVersion");
    put_u16(d, &block, PROFINET_ALARM_TYPE, "AlarmType");
    put_u32(d, &block, PROFINET_API, "API");
    put_u16(d, &block, PROFINET_SLOT, "SlotNumber");
    put_u16(d, &block, PROFINET_SUBSLOT, "SubslotNumber");
    if (!is_ack) {
        put_u32(d, &block, PROFINET_MODULE, "ModuleIdentNumber");
        put_u32(d, &block, PROFINET_SUBMODULE, "SubmoduleIdentNumber");
    }
    put_u16(d, &block, PROFINET_ALARM_SPECIFIER, "AlarmSpecifier");
    put_rest(d, &block);
    cursor_join(c, &block);
    cursor_skip(c, cursor_left(c), "further blocks");
}

static void
put_alarm(struct dissection *d, struct cursor *c)
{
    put_u16(d, c, PROFINET_DESTINATION_ENDPOINT, "AlarmDstEndpoint");
    put_u16(d, c, PROFINET_SOURCE_ENDPOINT, "AlarmSrcEndpoint");
    uint8_t pdu = cursor_u8(c, "PDUType") & 15;
    if (c->err)
        return;
    pdu_uint(d, PROFINET_ALARM_PDU, 0, pdu);
    cursor_skip(c, 1, "AddFlags");
    put_u16(d, c, PROFINET_SEND_SEQUENCE, "SendSeqNum");
    put_u16(d, c, PROFINET_ACK_SEQUENCE, "AckSeqNum");
    struct cursor part = cursor_split(c, cursor_be16(c, "VarPartLen"), "VarPart");
    if (pdu == ALARM_DATA)
        put_notification(d, &part);
    else
        put_rest(d, &part);
    if (pdu != ALARM_DATA)
        d->pdu->kind = PDU_LINK;
    cursor_join(c, &part);
}

void
profinet_dissect(struct dissection *d, struct cursor *c)
{
    uint16_t frame_id = cursor_be16(c, "FrameID"), function = function_of(frame_id);
    if (c->err)
        return;
    if (!function) {
        profinet_dcp(d, c, frame_id);
        return;
    }
    pdu_begin(d,
              function == PROFINET_CLOCK || function == PROFINET_FRAGMENT ? PDU_LINK : PDU_REPORT,
              function);
    pdu_uint(d, PROFINET_FRAME_ID, 0, frame_id);
    if (function == PROFINET_CYCLIC) {
        put_cyclic(d, c);
    } else if (function == PROFINET_ALARM) {
        put_alarm(d, c);
    } else if (function == PROFINET_CLOCK) {
        cursor_skip(c, 12, "PTCP header");
        put_u16(d, c, PROFINET_SEQUENCE, "SequenceID");
    } else {
        put_rest(d, c);
    }
    pdu_end(d, c);
}

/* There it is known by its EtherType; nothing in the octets says as much. */
int
profinet_looks(const uint8_t *message, size_t size)
{
    if (size < 12)
        return LOOKS_NOT;
    uint16_t frame_id = get_be16(message);
    bool is_dcp = frame_id >= 0xfefc && message[2] >= PROFINET_GET && message[2] <= PROFINET_HELLO;
    return is_dcp && get_be16(message + 10) <= size - 12 ? LOOKS_LIKE : LOOKS_NOT;
}
