#include "base/attr.h"
#include "proto/ot/sel/sel_private.h"

#include <string.h>

#define FAST_MESSAGE 0x46
#define FAST_HEADER 12u /* octets in front of a Fast Message's data */
#define END_OF_RECORDS 0xfffffffeu

bool
sel_is_type(uint8_t type)
{
    return type == FAST_MESSAGE || protocol_function(&sel, type);
}

bool
sel_may_ask(uint8_t type)
{
    return type == 0xb9 || (type >= 0xc0 && type <= 0xd3);
}

size_t
sel_command_size(const uint8_t *at, size_t size)
{
    if (size < 2)
        return 0;
    if (at[1] != 250)
        return at[1] < 251 || at[1] == IAC ? 2 : size < 3 ? 0 : 3;
    for (size_t i = 2; i + 1 < size; i++) {
        if (at[i] == IAC && at[i + 1] == 240)
            return i + 2;
        i += at[i] == IAC;
    }
    return 0;
}

/* x^16 + x^15 + x^2 + 1, the lowest bit first, as Modbus has it. */
static uint16_t
crc(const uint8_t *octets, size_t size)
{
    uint16_t sum = 0xffff;
    for (size_t i = 0; i < size; i++) {
        sum ^= octets[i];
        for (int bit = 0; bit < 8; bit++)
            sum = (uint16_t)(sum >> 1 ^ (sum & 1 ? 0xa001 : 0));
    }
    return sum;
}

static bool
crc_is_right(const uint8_t *m, size_t size)
{
    uint16_t sum = crc(m, size - 2);
    return sum == get_be16(m + size - 2) || sum == (uint16_t)(m[size - 1] << 8 | m[size - 2]);
}

/* The manuals do not say how the CRC of a Fast Message is made: its header says enough. */
bool
sel_binary_is_right(const uint8_t *m, size_t size)
{
    static const uint8_t address[5];
    if (size < 5 || m[2] != size)
        return false;
    if (m[1] == FAST_MESSAGE)
        return size >= FAST_HEADER + 2 && !memcmp(m + 3, address, sizeof address) &&
               protocol_function(&sel, SEL_FAST(m[9]));
    uint8_t sum = 0;
    for (size_t i = 0; i + 1 < size; i++)
        sum = (uint8_t)(sum + m[i]);
    return sum == m[size - 1];
}

/* Whether it must be taken as it stands. */
static bool
is_plain(const uint8_t *m, size_t size)
{
    if (m[1] != FAST_MESSAGE)
        return sel_binary_is_right(m, size);
    return size >= FAST_HEADER + 2 &&
           (crc_is_right(m, size) ||
            (m[9] == 0x18 && size >= 34 && get_be32(m + size - 10) == END_OF_RECORDS));
}

size_t
sel_binary(const uint8_t *data, size_t size, uint8_t *copy)
{
    size_t length = size > 2 ? data[2] : 0, at = 0, n = 0;
    if (length < 5 || size < length)
        return 0;
    memcpy(copy, data, length);
    bool has_pair = false;
    for (size_t i = 3; i + 1 < length && !has_pair; i++)
        has_pair = data[i] == IAC && data[i + 1] == IAC;
    if (!has_pair || is_plain(data, length))
        return length;
    while (n < length && at < size) {
        copy[n++] = data[at];
        at += data[at] == IAC && at + 1 < size && data[at + 1] == IAC ? 2 : 1;
    }
    if (n == length &&
        (data[1] == FAST_MESSAGE ? is_plain(copy, length) : sel_binary_is_right(copy, length)))
        return at;
    memcpy(copy, data, length);
    return n < length ? 0 : length;
}

/* ---- Fast Meter and Fast Operate ---- */

static uint16_t
next_object(struct dissection *d)
{
    return d->pdu->n_objects < UINT16_MAX ? (uint16_t)++d->pdu->n_objects : UINT16_MAX;
}

static void
relay_definition(struct dissection *d, struct cursor *c)
{
    uint8_t protocols = cursor_u8(c, "protocols"), meters = cursor_u8(c, "meters"),
            flags = cursor_u8(c, "flags");
    for (; meters && !c->err; meters--) {
        uint16_t object = next_object(d);
        pdu_uint(d, SEL_CONFIGURATION_COMMAND, object, cursor_be16(c, "configuration command"));
        pdu_uint(d, SEL_METER_COMMAND, object, cursor_be16(c, "meter command"));
    }
    for (; flags && !c->err; flags--) {
        uint16_t object = next_object(d);
        pdu_uint(d, SEL_FLAG, object, cursor_be16(c, "flag"));
        pdu_octets(d, SEL_FLAG_COMMAND, object, cursor_bytes(c, 6, "flag command"), 6);
    }
    for (; protocols && !c->err; protocols--)
        pdu_uint(d, SEL_PROTOCOL, next_object(d), cursor_be16(c, "protocol"));
}

static size_t
value_size(uint8_t type)
{
    return type == 0 ? 2 : type == 1 ? 4 : 8;
}

static void
meter_configuration(struct dissection *d, struct cursor *c, struct layout *layout)
{
    struct layout l = {0};
    cursor_skip(c, 3, "flags and scale factors");
    l.channels = cursor_u8(c, "channels");
    l.samples = cursor_u8(c, "samples");
    l.banks = cursor_u8(c, "digital banks");
    cursor_skip(c, 1, "calculation blocks");
    l.analog = cursor_be16(c, "analog offset");
    cursor_skip(c, 2, "time offset");
    l.digital = cursor_be16(c, "digital offset");
    pdu_uint(d, SEL_CHANNELS, 0, l.channels);
    pdu_uint(d, SEL_SAMPLES, 0, l.samples);
    pdu_uint(d, SEL_BANKS, 0, l.banks);
    for (unsigned i = 0; i < l.channels && !c->err; i++) {
        uint16_t object = next_object(d);
        const uint8_t *name = cursor_bytes(c, 6, "channel name");
        uint8_t type = cursor_u8(c, "channel type"), scale = cursor_u8(c, "scale type");
        uint16_t offset = cursor_be16(c, "scale offset");
        pdu_octets(d, SEL_CHANNEL, object, name, name ? strnlen((const char *)name, 6) : 0);
        pdu_uint(d, SEL_CHANNEL_TYPE, object, type);
        pdu_uint(d, SEL_SCALE_TYPE, object, scale);
        pdu_uint(d, SEL_SCALE_OFFSET, object, offset);
        if (i < LAYOUT_CHANNELS)
            l.types[i] = type;
    }
    l.is_known = !c->err && l.channels <= LAYOUT_CHANNELS;
    if (layout && l.is_known)
        *layout = l;
    cursor_skip(c, cursor_left(c), "calculation blocks and scale factors");
}

static double
value_of(const uint8_t *at, uint8_t type)
{
    uint64_t bits = type == 0 ? 0 : type == 1 ? get_be32(at) : get_be64(at);
    uint32_t half = (uint32_t)bits;
    float single;
    double real;
    memcpy(&single, &half, sizeof single);
    memcpy(&real, &bits, sizeof real);
    return type == 0 ? (int16_t)get_be16(at) : type == 1 ? (double)single : real;
}

static void
meter_data(struct dissection *d, struct cursor *c, const struct layout *l)
{
    const uint8_t *m = c->start;
    size_t size = (size_t)(c->end - m), at = l ? l->analog : 0;
    pdu_uint(d, SEL_STATUS, 0, cursor_u8(c, "status"));
    for (unsigned i = 0; l && l->is_known && i < (unsigned)l->samples * l->channels; i++) {
        uint8_t type = l->types[i % l->channels];
        size_t n = value_size(type);
        if (at + n > size)
            break;
        if (type < 3)
            pdu_real(d, SEL_VALUE, next_object(d), value_of(m + at, type));
        at += n;
    }
    if (l && l->is_known && l->banks && (size_t)l->digital + l->banks <= size)
        pdu_octets(d, SEL_DIGITAL, next_object(d), m + l->digital, l->banks);
    cursor_skip(c, cursor_left(c), "values");
}

static void
operate_configuration(struct dissection *d, struct cursor *c, bool is_alternate)
{
    if (is_alternate)
        cursor_skip(c, 1, "ports");
    pdu_uint(d, SEL_BREAKERS, 0, cursor_u8(c, "breakers"));
    pdu_uint(d, SEL_REMOTE_BITS, 0,
             is_alternate ? cursor_u8(c, "remote bits") : cursor_be16(c, "remote bits"));
    cursor_skip(c, cursor_left(c), "operate codes");
}

enum operation {
    CLEAR,
    SET,
    PULSE,
    OPEN,
    CLOSE,
};

static void
operation(struct dissection *d, struct cursor *c, uint8_t type)
{
    bool is_wide = type >= 0xe5 && type <= 0xe9;
    unsigned code = is_wide ? cursor_be16(c, "operate code") : cursor_u8(c, "operate code");
    unsigned check = is_wide ? cursor_be16(c, "validation") : cursor_u8(c, "validation");
    static const enum operation wide[] = {OPEN, CLOSE, SET, CLEAR, PULSE};
    if (c->err)
        return;
    pdu_uint(d, SEL_CODE, 0, code);
    if (is_wide) {
        pdu_uint(d, SEL_OPERATION, 0, wide[type - 0xe5]);
    } else if (type == 0xe3 && code >= 0x11 && code <= 0x42) {
        bool opens = code >= 0x31;
        pdu_uint(d, SEL_OPERATION, 0, opens ? OPEN : CLOSE);
        pdu_uint(d, SEL_POINT, 0, code - (opens ? 0x30 : 0x10));
    } else if (type == 0xe0 && code < 0x60) {
        pdu_uint(d, SEL_OPERATION, 0, code / 0x20 == 2 ? PULSE : code / 0x20 ? SET : CLEAR);
        pdu_uint(d, SEL_POINT, 0, code % 0x20 + 1);
    }
    pdu_uint(d, SEL_VALIDATION, 0, check);
}

/* ---- Fast Message ---- */

static nsec_t
time_of(uint16_t day, uint16_t year, uint32_t ms)
{
    int64_t y = (int64_t)year - 1;
    int64_t days = y * 365 + y / 4 - y / 100 + y / 400 - 719162 + day - 1; /* from 0001-01-01 on */
    return days * 86400 * INT64_C(1000000000) + ms * INT64_C(1000000);
}

static void
ser(struct dissection *d, struct cursor *c)
{
    cursor_skip(c, 4, "origination path");
    uint16_t day = cursor_be16(c, "day"), year = cursor_be16(c, "year");
    uint32_t ms = cursor_be32(c, "time of day");
    const uint8_t *records = c->pos;
    size_t n = 0;
    while (!c->err) {
        uint32_t record = cursor_be32(c, "element");
        if (record == END_OF_RECORDS)
            break;
        n++;
    }
    uint32_t states = cursor_be32(c, "states");
    if (c->err || year < 1970 || year > 2200)
        return;
    nsec_t begin = time_of(day, year, ms);
    if (!n)
        pdu_int(d, SEL_TIME, 0, begin);
    for (size_t i = 0; i < n; i++) {
        uint16_t object = next_object(d);
        pdu_uint(d, SEL_ELEMENT, object, records[4 * i]);
        pdu_int(d, SEL_TIME, object, begin + get_be24(records + 4 * i + 1) * INT64_C(1000));
        if (i < 32)
            pdu_uint(d, SEL_STATE, object, states >> i & 1);
    }
}

static void
registers(struct dissection *d, struct cursor *c)
{
    size_t n = cursor_left(c) / 2;
    pdu_octets(d, SEL_VALUES, 0, cursor_bytes(c, 2 * n, "values"), n);
}

static void
fast_data(struct dissection *d, struct cursor *c, uint8_t code)
{
    switch (code) {
    case 0x01:
        pdu_uint(d, SEL_ENABLED, 0, cursor_u8(c, "function to enable"));
        cursor_skip(c, 2, "function code data");
        pdu_uint(d, SEL_RECORDS, 0, cursor_u8(c, "records"));
        break;
    case 0x02:
        pdu_uint(d, SEL_ENABLED, 0, cursor_u8(c, "function to disable"));
        break;
    case 0x10:
    case 0x90:
        pdu_uint(d, SEL_ADDRESS, 0, cursor_be32(c, "address"));
        pdu_uint(d, SEL_WORDS, 0, cursor_be16(c, "words"));
        if (code & 0x80)
            registers(d, c);
        break;
    case 0x18:
        ser(d, c);
        break;
    case 0x20:
        pdu_uint(d, SEL_REGION, 0, cursor_be16(c, "address"));
        pdu_uint(d, SEL_ADDRESS, 0, cursor_be16(c, "address"));
        pdu_uint(d, SEL_WORDS, 0, cursor_be16(c, "registers"));
        registers(d, c);
        break;
    case 0x31:
    case 0xb1:
        pdu_uint(d, SEL_ADDRESS, 0, cursor_be32(c, "address"));
        break;
    default:
        break;
    }
    cursor_skip(c, cursor_left(c), "data");
}

static bool
is_answer(uint8_t code)
{
    return code & 0x80;
}

static void
fast_message(struct dissection *d, struct cursor *c)
{
    cursor_skip(c, 5, "routing address");
    uint8_t status = cursor_u8(c, "status"), code = cursor_u8(c, "function"),
            sequence = cursor_u8(c, "sequence"), number = cursor_u8(c, "response number");
    bool is_told = code == 0x12 || code == 0x18 || code == 0x20 || code == 0x32;
    bool acknowledges = is_answer(code) && !cursor_left(c); /* data answers have a sequence there */
    bool refuses = acknowledges && sequence && sequence < 0xc0;
    if (c->err)
        return;
    pdu_begin(d,
              refuses           ? PDU_REFUSAL
              : is_answer(code) ? PDU_RESPONSE
              : is_told         ? PDU_REPORT
                                : PDU_REQUEST,
              SEL_FAST(code));
    d->pdu->error = refuses ? sequence : 0;
    pdu_uint(d, SEL_STATUS, 0, status);
    if (!acknowledges)
        pdu_uint(d, SEL_SEQUENCE, 0, sequence);
    pdu_uint(d, SEL_RESPONSE_NUMBER, 0, number);
    fast_data(d, c, code);
}

static void
message(struct dissection *d, struct cursor *c, uint8_t type, struct sel_state *s)
{
    if (type == FAST_MESSAGE) {
        fast_message(d, c);
        return;
    }
    bool operates = type >= 0xe0;
    pdu_begin(d, operates ? PDU_REQUEST : PDU_RESPONSE, type);
    if (type == 0xc0)
        relay_definition(d, c);
    else if (type >= 0xc1 && type <= 0xc3)
        meter_configuration(d, c, s ? &s->layouts[type - 0xc1] : NULL);
    else if (type >= 0xd1 && type <= 0xd3)
        meter_data(d, c, s ? &s->layouts[type - 0xd1] : NULL);
    else if (type == 0xce || type == 0xcf)
        operate_configuration(d, c, type == 0xcf);
    else if (operates)
        operation(d, c, type);
}

/* `c` is at the second octet of a message that was cut off. */
void
sel_binary_dissect(struct dissection *d, struct cursor *c)
{
    uint8_t copy[BINARY_MAX] = {0};
    size_t size = cursor_left(c);
    uint8_t type = size > 1 ? c->pos[1] : 0;
    if (size == 2 && sel_may_ask(type)) {
        pdu_begin(d, PDU_REQUEST, type);
        cursor_skip(c, 2, "request");
        pdu_end(d, c);
        return;
    }
    size_t n = sel_binary(c->pos, size, copy);
    if (!n || !sel_is_type(type)) {
        cursor_skip(c, size, "message");
        cursor_fail(c, ERR_TRUNCATED, "message");
        return;
    }
    size_t length = copy[2], tail = type == FAST_MESSAGE ? 2 : 1;
    struct cursor in = cursor_over(copy, length - tail);
    if (!sel_binary_is_right(copy, length)) {
        cursor_fail(c, ERR_MALFORMED, type == FAST_MESSAGE ? "header" : "checksum");
        return;
    }
    cursor_skip(&in, 3, "header");
    message(d, &in, type, d->state);
    if (in.err)
        cursor_fail(c, in.err, in.field);
    cursor_skip(c, n, "message");
    pdu_end(d, c);
}
