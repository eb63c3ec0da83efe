/* User data: system state lists, blocks, clock, password; and S7comm-plus. */
#include "proto/ot/s7comm/s7comm_private.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define READ_SZL (S7_USERDATA | 4 << 8 | 1)
#define SZL_MODULE 0x0011
#define SZL_COMPONENT 0x001c
#define DAYS_TO_1984 5113
#define SZL_FIXED 8u /* octets before the records */

/* ---- System state lists ---- */

void
s7comm_text(struct dissection *d, uint16_t id, uint16_t object, const uint8_t *text, size_t size)
{
    while (text && size && (text[size - 1] == ' ' || !text[size - 1]))
        size--;
    if (size)
        pdu_octets(d, id, object, text, size);
}

/* A version as a text that lasts as long as the message is given: "V3.2.6", or "5" of hardware. */
static void
put_version(struct dissection *d, uint16_t object, uint16_t version, uint16_t revision)
{
    struct s7_state *s = d->state;
    uint8_t letter = (uint8_t)(version >> 8), major = (uint8_t)version;
    bool is_software = letter >= 'A' && letter <= 'Z';
    pdu_uint(d, S7_VERSION, object, version);
    pdu_uint(d, S7_REVISION, object, revision);
    if (!s || object > ARRAY_SIZE(s->versions) || !version)
        return;
    char *text = s->versions[object - 1];
    size_t room = sizeof s->versions[0];
    int n = !is_software ? snprintf(text, room, "%u", version)
            : major == ' '
                ? snprintf(text, room, "%c%u.%u", letter, revision >> 8, revision & 255)
                : snprintf(text, room, "%c%u.%u.%u", letter, major, revision >> 8, revision & 255);
    pdu_octets(d, is_software ? S7_FIRMWARE : S7_HARDWARE, object, (uint8_t *)text, (size_t)n);
}

/* "Module identification". */
static void
put_module(struct dissection *d, uint16_t object, struct cursor *c)
{
    uint16_t index = cursor_be16(c, "module identification index");
    const uint8_t *order = cursor_bytes(c, 20, "order number");
    cursor_skip(c, 2, "module type");
    uint16_t version = cursor_be16(c, "module version");
    uint16_t revision = cursor_be16(c, "module revision");
    if (c->err)
        return;
    pdu_uint(d, S7_IDENTITY, object, index);
    s7comm_text(d, S7_ORDER_NUMBER, object, order, 20);
    put_version(d, object, version, revision);
}

/* "Component identification". */
static void
put_component(struct dissection *d, uint16_t object, struct cursor *c)
{
    static const struct {
        uint8_t index, size;
        uint16_t field;
    } texts[] = {{1, 24, S7_SYSTEM_NAME}, {2, 24, S7_MODULE_NAME}, {3, 32, S7_PLANT},
                 {4, 26, S7_COPYRIGHT},   {5, 24, S7_SERIAL},      {7, 32, S7_MODULE_TYPE},
                 {8, 32, S7_CARD_SERIAL}, {10, 26, S7_OEM},        {11, 32, S7_LOCATION}};
    uint16_t index = cursor_be16(c, "component identification index");
    if (c->err)
        return;
    pdu_uint(d, S7_COMPONENT, object, index);
    if ((index & 255) == 9) {
        uint16_t manufacturer = cursor_be16(c, "manufacturer");
        if (!c->err)
            pdu_uint(d, S7_MANUFACTURER, object, manufacturer);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (texts[i].index != (index & 255))
            continue;
        const uint8_t *text = cursor_bytes(c, texts[i].size, "component identification");
        s7comm_text(d, texts[i].field, object, text, texts[i].size);
    }
}

void
s7comm_szl(struct dissection *d, struct cursor *c)
{
    uint16_t list = cursor_be16(c, "list number");
    uint16_t index = cursor_be16(c, "list index");
    uint16_t size = cursor_be16(c, "list record length");
    uint16_t n = cursor_be16(c, "list number of records");
    if (c->err)
        return;
    pdu_uint(d, S7_SZL, 0, list);
    pdu_uint(d, S7_SZL_INDEX, 0, index);
    pdu_uint(d, S7_SZL_RECORDS, 0, n);
    uint16_t kind = list & 0xff;
    if (kind != SZL_MODULE && kind != SZL_COMPONENT) {
        size_t left = cursor_left(c);
        pdu_octets(d, S7_DATA, 0, left ? cursor_bytes(c, left, "list") : NULL, left);
        return;
    }
    d->pdu->act = ACT_IDENTIFY;
    for (unsigned i = 0; i < n && !c->err && cursor_left(c); i++) {
        struct cursor record = cursor_split(c, size, "list record");
        uint16_t object = (uint16_t)++d->pdu->n_objects;
        if (kind == SZL_MODULE)
            put_module(d, object, &record);
        else
            put_component(d, object, &record);
        if (record.err)
            cursor_join(c, &record);
    }
}

/* ---- Answers of several units ---- */

/* Adds the unit to the answer; true: it is whole, in `*whole`. */
static bool
add_unit(struct s7_way *w, uint16_t function, uint8_t sequence, bool more, struct cursor *data,
         struct cursor *whole)
{
    size_t size = cursor_left(data);
    if (!w || (!more && !w->answer.is_open)) {
        *whole = *data;
        return !more;
    }
    bool follows = w->answer.is_open && w->answer.sequence == sequence &&
                   w->answer.function == function;
    if (!follows) {
        w->answer.is_open = true;
        w->answer.sequence = sequence;
        w->answer.function = function;
        w->answer.size = 0;
    }
    if (size > S7_ANSWER_MAX - w->answer.size) {
        w->answer.is_open = false;
        return false;
    }
    if (size)
        memcpy(w->units + w->answer.size, data->pos, size);
    w->answer.size = (uint16_t)(w->answer.size + size);
    if (more)
        return false;
    w->answer.is_open = false;
    *whole = cursor_over(w->units, w->answer.size);
    return true;
}

/* ---- Clock ---- */

static unsigned
bcd(uint8_t octet)
{
    return (octet >> 4) * 10u + (octet & 15);
}

static void
put_clock(struct dissection *d, struct cursor *c)
{
    const uint8_t *p = cursor_bytes(c, 10, "clock");
    if (!p)
        return;
    unsigned year = bcd(p[2]), month = bcd(p[3]), day = bcd(p[4]);
    struct tm tm = {.tm_year = (int)(year < 90 ? 100 + year : year),
                    .tm_mon = (int)month - 1,
                    .tm_mday = (int)day,
                    .tm_hour = (int)bcd(p[5]),
                    .tm_min = (int)bcd(p[6]),
                    .tm_sec = (int)bcd(p[7])};
    if (!month || month > 12 || !day || day > 31 || tm.tm_hour > 23 || tm.tm_min > 59 ||
        tm.tm_sec > 59)
        return; /* a clock that was never set */
    pdu_int(d, S7_TIME, 0,
            timegm(&tm) * NSEC_PER_SEC + (bcd(p[8]) * 10 + (p[9] >> 4)) * NSEC_PER_MSEC);
}

/* ---- Blocks ---- */

/* How many there are of each type; or which there are of one. */
static void
put_blocks(struct dissection *d, bool of_type, struct cursor *c)
{
    while (cursor_left(c) && d->pdu->n_objects < UINT16_MAX) {
        const uint8_t *p = cursor_bytes(c, 4, "list of blocks");
        if (!p)
            return;
        uint16_t object = (uint16_t)++d->pdu->n_objects;
        if (of_type) {
            pdu_uint(d, S7_BLOCK_NUMBER, object, get_be16(p));
        } else {
            pdu_octets(d, S7_BLOCK_TYPE, object, p, 2);
            pdu_uint(d, S7_BLOCK_COUNT, object, get_be16(p + 2));
        }
    }
}

static void
put_block_information(struct dissection *d, struct cursor *c)
{
    cursor_skip(c, 12, "block information"); /* lengths, flags, language, type */
    uint16_t number = cursor_be16(c, "block number");
    uint32_t size = cursor_be32(c, "load memory");
    cursor_skip(c, 4, "protection");
    uint32_t ms = cursor_be32(c, "code time");
    int64_t days = cursor_be16(c, "code time");
    cursor_skip(c, 6 + 8, "interface time and lengths");
    const uint8_t *names = cursor_bytes(c, 24, "author, family and name");
    uint8_t version = cursor_u8(c, "block version");
    cursor_skip(c, 1, "block information");
    uint16_t checksum = cursor_be16(c, "block checksum");
    cursor_skip(c, cursor_left(c), "block information");
    if (c->err)
        return;
    pdu_uint(d, S7_BLOCK_NUMBER, 0, number);
    pdu_uint(d, S7_LOAD_SIZE, 0, size);
    pdu_int(d, S7_CODE_TIME, 0,
            (days + DAYS_TO_1984) * 86400 * NSEC_PER_SEC + (int64_t)ms * NSEC_PER_MSEC);
    s7comm_text(d, S7_AUTHOR, 0, names, 8);
    s7comm_text(d, S7_FAMILY, 0, names + 8, 8);
    s7comm_text(d, S7_BLOCK_NAME, 0, names + 16, 8);
    pdu_uint(d, S7_BLOCK_VERSION, 0, version);
    pdu_uint(d, S7_CHECKSUM, 0, checksum);
}

/* ---- A message ---- */

static void
put_user_data(struct dissection *d, uint8_t group, uint8_t function, struct cursor *c)
{
    bool asks = d->pdu->kind == PDU_REQUEST;
    if (group == 4 && function == 1 && asks && cursor_left(c)) {
        uint16_t list = cursor_be16(c, "list number");
        uint16_t index = cursor_be16(c, "list index");
        if (c->err)
            return;
        pdu_uint(d, S7_SZL, 0, list);
        pdu_uint(d, S7_SZL_INDEX, 0, index);
        if ((list & 0xff) == SZL_MODULE || (list & 0xff) == SZL_COMPONENT)
            d->pdu->act = ACT_IDENTIFY;
    } else if (group == 4 && function == 1 && cursor_left(c) >= SZL_FIXED) {
        s7comm_szl(d, c);
    } else if (group == 7 && function <= 4 && cursor_left(c) >= 10) {
        put_clock(d, c);
    } else if (group == 3 && asks && cursor_left(c) >= 2) {
        size_t size = cursor_left(c);
        pdu_octets(d, S7_BLOCK, 0, cursor_bytes(c, size, "block"), size);
    } else if (group == 3 && d->pdu->kind == PDU_RESPONSE && function <= 2) {
        put_blocks(d, function == 2, c);
    } else if (group == 3 && d->pdu->kind == PDU_RESPONSE && function == 3) {
        put_block_information(d, c);
    } else if (group == 5) {
        cursor_skip(c, cursor_left(c), "password"); /* it is nobody's business */
    }
    size_t left = cursor_left(c);
    if (left)
        pdu_octets(d, S7_DATA, 0, cursor_bytes(c, left, "data"), left);
}

struct units {
    uint8_t sequence, unit, last;
    uint16_t error;
};

static enum pdu_kind
kind_of(uint8_t type, uint16_t error)
{
    if (error)
        return PDU_REFUSAL;
    return (type & 3) == 0 && type >> 2 == 1   ? PDU_REQUEST
           : (type & 3) == 0 && type >> 2 == 2 ? PDU_RESPONSE
           : type == 7                         ? PDU_REQUEST
           : type == 11                        ? PDU_RESPONSE
                                               : PDU_REPORT;
}

void
s7comm_userdata(struct dissection *d, const struct s7_header *h, struct cursor *parameter,
                struct cursor *data)
{
    struct s7_state *s = d->state;
    struct units u = {.last = 0};
    cursor_skip(parameter, 4, "parameter head"); /* its length is not true of a mode's change */
    cursor_skip(parameter, 1, "method");
    uint8_t group = cursor_u8(parameter, "function group");
    uint8_t function = cursor_u8(parameter, "function");
    u.sequence = cursor_u8(parameter, "sequence number");
    if (cursor_left(parameter) >= 4) {
        u.unit = cursor_u8(parameter, "unit");
        u.last = cursor_u8(parameter, "last unit");
        u.error = cursor_be16(parameter, "error code");
    }
    uint16_t number = (uint16_t)(S7_USERDATA | (group & 15) << 8 | function);
    pdu_begin(d, kind_of(group >> 4, u.error), number);
    d->pdu->error = u.error;
    s7comm_put_header(d, h);
    if (parameter->err)
        return;
    pdu_uint(d, S7_GROUP, 0, group & 15);
    pdu_uint(d, S7_SEQUENCE, 0, u.sequence);
    if (u.unit)
        pdu_uint(d, S7_UNIT, 0, u.unit);
    if (u.last)
        pdu_uint(d, S7_MORE_FOLLOWS, 0, 1);
    if (cursor_left(data) < 4)
        return;
    uint8_t code = cursor_u8(data, "return code");
    cursor_skip(data, 1, "data transport size");
    uint16_t length = cursor_be16(data, "length of data");
    pdu_uint(d, S7_RETURN, 0, code);
    struct cursor octets = cursor_split(data, length, "length of data"), whole;
    if (octets.err ||
        !add_unit(s ? &s->ways[d->way] : NULL, number, u.sequence, u.last, &octets, &whole))
        return;
    put_user_data(d, group & 15, function, &whole);
    if (whole.err) {
        data->err = whole.err;
        data->field = whole.field;
        data->offset = whole.offset;
    }
}

/* ---- S7comm-plus ---- */

/* An order number, and what stands behind it up to the text's end. */
static void
put_identity(struct dissection *d, const uint8_t *octets, size_t size)
{
    const uint8_t *at = size ? memmem(octets, size, "6ES7 ", 5) : NULL;
    if (!at)
        return;
    size_t n = 0, left = size - (size_t)(at - octets);
    while (n < left && at[n] >= ' ' && at[n] < 0x7f)
        n++;
    pdu_octets(d, S7_PLUS_IDENTITY, 0, at, n);
    d->pdu->act = ACT_IDENTIFY;
}

void
s7comm_plus(struct dissection *d, struct cursor *c)
{
    cursor_skip(c, 1, "protocol");
    uint8_t version = cursor_u8(c, "version");
    uint16_t length = cursor_be16(c, "length");
    if (version == 0xff) { /* keeps the connection: what would be the length is its own */
        pdu_begin(d, PDU_LINK, S7_PLUS | 0xffff);
        pdu_uint(d, S7_PLUS_VERSION, 0, version);
        cursor_skip(c, cursor_left(c), "keep-alive");
        return;
    }
    struct cursor data = cursor_split(c, length, "length");
    if (version == 3) { /* a digest first */
        uint8_t digest = cursor_u8(&data, "digest length");
        cursor_skip(&data, digest, "digest");
    }
    uint8_t opcode = cursor_u8(&data, "opcode");
    uint16_t function = 0, sequence = 0;
    if (opcode == 0x31 || opcode == 0x32) {
        cursor_skip(&data, 2, "reserved");
        function = cursor_be16(&data, "function");
        cursor_skip(&data, 2, "reserved");
        sequence = cursor_be16(&data, "sequence number");
    }
    cursor_skip(c, cursor_left(c), "trailer");
    if (data.err) {
        cursor_fail(c, data.err, data.field);
        c->offset = data.offset;
        return;
    }
    pdu_begin(d,
              opcode == 0x31   ? PDU_REQUEST
              : opcode == 0x32 ? PDU_RESPONSE
                               : PDU_REPORT,
              S7_PLUS | function);
    pdu_uint(d, S7_PLUS_VERSION, 0, version);
    pdu_uint(d, S7_PLUS_OPCODE, 0, opcode);
    if (function)
        pdu_uint(d, S7_PLUS_SEQUENCE, 0, sequence);
    put_identity(d, data.pos, cursor_left(&data));
}
