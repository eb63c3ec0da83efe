#include "proto/it/ntp/ntp.h"

#include "base/attr.h"

#include <string.h>

#define HEADER_SIZE 48u
#define ERA_OFFSET 2208988800u /* seconds from 1900 to 1970 */

enum mode {
    MODE_ACTIVE = 1,
    MODE_PASSIVE = 2,
    MODE_CLIENT = 3,
    MODE_SERVER = 4,
    MODE_BROADCAST = 5,
    MODE_CONTROL = 6,
    MODE_PRIVATE = 7,
};

/* RFC 5905 section 6. The era is the one that puts the time between 1968 and 2104. */
static void
put_time(struct dissection *d, struct cursor *c, uint16_t field, const char *what)
{
    uint32_t seconds = cursor_be32(c, what), fraction = cursor_be32(c, what);
    if (c->err || (!seconds && !fraction)) /* it is not known */
        return;
    int64_t since = (int64_t)seconds - ERA_OFFSET;
    if (!(seconds & 0x80000000))
        since += (int64_t)1 << 32;
    int64_t ns = (int64_t)((fraction * (uint64_t)1000000000) >> 32);
    pdu_int(d, field, 0, since * 1000000000 + ns);
}

static void
put_short(struct dissection *d, struct cursor *c, uint16_t field, const char *what)
{
    uint32_t value = cursor_be32(c, what);
    if (!c->err)
        pdu_real(d, field, 0, value / 65536.0);
}

/* ---- Time ---- */

/* Extension fields (RFC 7822), then a key and a digest: 20 octets of MD5, 24 of SHA-1, or the key
 * alone, which says that it was wrong. */
static void
put_extensions(struct dissection *d, struct cursor *c)
{
    while (cursor_left(c) > 24 && !c->err) {
        uint16_t type = cursor_be16(c, "extension field type"),
                 size = cursor_be16(c, "extension field length");
        if (size < 16 || size % 4)
            cursor_fail(c, ERR_MALFORMED, "extension field length");
        else
            cursor_skip(c, size - 4u, "extension field");
        if (!c->err)
            pdu_uint(d, NTP_EXTENSION, 0, type);
    }
    size_t left = cursor_left(c);
    if (left) {
        uint32_t key = cursor_be32(c, "key identifier");
        if (left != 4 && left != 20 && left != 24)
            cursor_fail(c, ERR_MALFORMED, "message authentication code");
        else
            cursor_skip(c, left - 4, "message authentication code");
        if (!c->err)
            pdu_uint(d, NTP_KEY, 0, key);
    }
}

static enum pdu_kind
kind_of(uint8_t mode)
{
    return mode == MODE_SERVER    ? PDU_RESPONSE
           : mode == MODE_CLIENT  ? PDU_REQUEST
           : mode <= MODE_PASSIVE ? PDU_LINK
                                  : PDU_REPORT;
}

static void
read_time(struct dissection *d, struct cursor *c, uint8_t first)
{
    uint8_t mode = first & 7, stratum = cursor_u8(c, "stratum");
    int8_t poll = (int8_t)cursor_u8(c, "poll"), precision = (int8_t)cursor_u8(c, "precision");
    if (c->err)
        return;
    pdu_begin(d, kind_of(mode), mode);
    pdu_uint(d, NTP_VERSION, 0, first >> 3 & 7);
    pdu_uint(d, NTP_LEAP, 0, first >> 6);
    pdu_uint(d, NTP_STRATUM, 0, stratum);
    pdu_int(d, NTP_POLL, 0, poll);
    pdu_int(d, NTP_PRECISION, 0, precision);
    put_short(d, c, NTP_ROOT_DELAY, "root delay");
    put_short(d, c, NTP_ROOT_DISPERSION, "root dispersion");
    const uint8_t *id = cursor_bytes(c, 4, "reference ID");
    size_t n = 4;
    while (id && n && !id[n - 1])
        n--;
    if (n && stratum <= 1)
        pdu_octets(d, NTP_REFERENCE, 0, id, n);
    else if (id && n)
        pdu_uint(d, NTP_REFERENCE_IP, 0, get_be32(id));
    put_time(d, c, NTP_REFERENCE_TIME, "reference timestamp");
    put_time(d, c, NTP_ORIGIN_TIME, "origin timestamp");
    put_time(d, c, NTP_RECEIVE_TIME, "receive timestamp");
    put_time(d, c, NTP_TRANSMIT_TIME, "transmit timestamp");
    put_extensions(d, c);
    if (mode == MODE_SERVER && !stratum) { /* a "kiss of death": RFC 5905 section 7.4 */
        d->pdu->kind = PDU_REFUSAL;
    }
    pdu_end(d, c);
}

/* ---- Control ---- */

/* The value of `name="..."` or `name=...,`. */
static void
put_named(struct dissection *d, uint16_t field, const uint8_t *text, size_t size, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i + n < size; i++) {
        if (memcmp(text + i, name, n) != 0 || (i && text[i - 1] != ' ' && text[i - 1] != ',' &&
                                               text[i - 1] != '\n' && text[i - 1] != '\r'))
            continue;
        size_t from = i + n, to;
        bool quoted = text[from] == '"';
        from += quoted;
        for (to = from; to < size && text[to] != (quoted ? '"' : ',') && text[to] != '\r';)
            to++;
        if (to > from)
            pdu_octets(d, field, 0, text + from, to - from);
        return;
    }
}

static void
read_control(struct dissection *d, struct cursor *c, uint8_t first)
{
    uint8_t bits = cursor_u8(c, "operation");
    uint16_t sequence = cursor_be16(c, "sequence"), status = cursor_be16(c, "status"),
             association = cursor_be16(c, "association ID"), offset = cursor_be16(c, "offset"),
             count = cursor_be16(c, "count");
    if (c->err)
        return;
    bool response = bits & 0x80, error = bits & 0x40;
    pdu_begin(d,
              !response ? PDU_REQUEST
              : error   ? PDU_REFUSAL
                        : PDU_RESPONSE,
              NTP_CONTROL + (bits & 0x1f));
    pdu_uint(d, NTP_VERSION, 0, first >> 3 & 7);
    pdu_uint(d, NTP_SEQUENCE, 0, sequence);
    if (response)
        pdu_uint(d, NTP_STATUS, 0, status);
    if (error)
        d->pdu->error = status >> 8;
    pdu_uint(d, NTP_ASSOCIATION, 0, association);
    pdu_uint(d, NTP_OFFSET, 0, offset);
    const uint8_t *text = cursor_bytes(c, count, "data");
    if (text && count && (bits & 0x1f) != 1) { /* 1: pairs of association and status */
        pdu_octets(d, NTP_TEXT, 0, text, count);
        if (response) {
            put_named(d, NTP_SYSTEM, text, count, "system=");
            put_named(d, NTP_SOFTWARE, text, count, "version=");
        }
    }
    cursor_skip(c, cursor_left(c), "padding and authenticator");
    pdu_end(d, c);
}

static void
read_private(struct dissection *d, struct cursor *c, uint8_t first)
{
    uint8_t sequence = cursor_u8(c, "sequence"), implementation = cursor_u8(c, "implementation"),
            code = cursor_u8(c, "request code");
    uint16_t items = cursor_be16(c, "number of items"), size = cursor_be16(c, "size of item");
    if (c->err)
        return;
    bool response = first & 0x80;
    uint16_t error = items >> 12;
    pdu_begin(d, !response ? PDU_REQUEST : error ? PDU_REFUSAL : PDU_RESPONSE, NTP_PRIVATE + code);
    d->pdu->error = response ? error : 0;
    pdu_uint(d, NTP_VERSION, 0, first >> 3 & 7);
    pdu_uint(d, NTP_SEQUENCE, 0, sequence & 0x7f);
    pdu_uint(d, NTP_IMPLEMENTATION, 0, implementation);
    pdu_uint(d, NTP_ITEMS, 0, items & 0xfff);
    pdu_uint(d, NTP_ITEM_SIZE, 0, size & 0xfff);
    if (response)
        cursor_skip(c, (size_t)(items & 0xfff) * (size & 0xfff), "items");
    cursor_skip(c, cursor_left(c), "data");
    pdu_end(d, c);
}

/* ---- Messages ---- */

static void
ntp_dissect(struct dissection *d, struct cursor *c)
{
    uint8_t first = cursor_u8(c, "mode");
    switch (first & 7) {
    case MODE_CONTROL:
        read_control(d, c, first);
        break;
    case MODE_PRIVATE:
        read_private(d, c, first);
        break;
    default:
        read_time(d, c, first);
    }
}

/* Nothing in it is fixed: without its port it is told by a server's answer only. */
static int
ntp_looks(const uint8_t *m, size_t size)
{
    uint8_t mode = size ? m[0] & 7 : 0, version = size ? m[0] >> 3 & 7 : 0;
    if (size >= 12 && mode == MODE_CONTROL)
        return version >= 1 && version <= 4 && get_be16(m + 10) + 12u <= size && !(m[0] >> 6)
                   ? LOOKS_FAINT
                   : LOOKS_NOT;
    if (size >= 8 && mode == MODE_PRIVATE)
        return version >= 1 && version <= 4 && m[2] <= 3 ? LOOKS_FAINT : LOOKS_NOT;
    if (size < HEADER_SIZE || version < 1 || version > 4 || m[1] > 16 || (!mode && version > 1))
        return LOOKS_NOT;
    bool dated = get_be32(m + 32) > 0xc0000000 && get_be32(m + 40) > 0xc0000000;
    return size == HEADER_SIZE && mode == MODE_SERVER && dated ? LOOKS_LIKE : LOOKS_FAINT;
}

/* ---- Tables ---- */

static const struct field_word leaps[] = {
    {0, "none"}, {1, "61-seconds"}, {2, "59-seconds"}, {3, "not-synchronised"}, {0, NULL}};

static const struct field_info fields[] = {
    [NTP_VERSION] = {"version", FIELD_UINT, NULL, "of the protocol"},
    [NTP_LEAP] = {"leap", FIELD_UINT, leaps, "of the last minute of the day"},
    [NTP_STRATUM] = {"stratum", FIELD_UINT, NULL, "steps from a clock; 16: not synchronised"},
    [NTP_POLL] = {"poll", FIELD_INT, NULL, "exponent of 2, seconds"},
    [NTP_PRECISION] = {"precision", FIELD_INT, NULL, "exponent of 2, seconds"},
    [NTP_ROOT_DELAY] = {"root-delay", FIELD_REAL, NULL, "s"},
    [NTP_ROOT_DISPERSION] = {"root-dispersion", FIELD_REAL, NULL, "s"},
    [NTP_REFERENCE] = {"reference", FIELD_TEXT, NULL, "kind of clock, or why not"},
    [NTP_REFERENCE_IP] = {"reference-ip", FIELD_IPV4, NULL, "whose time it is"},
    [NTP_REFERENCE_TIME] = {"reference-time", FIELD_TIME, NULL, "when it was last set"},
    [NTP_ORIGIN_TIME] = {"origin-time", FIELD_TIME, NULL, "when the request left"},
    [NTP_RECEIVE_TIME] = {"receive-time", FIELD_TIME, NULL, "when it came"},
    [NTP_TRANSMIT_TIME] = {"transmit-time", FIELD_TIME, NULL, "when this left"},
    [NTP_EXTENSION] = {"extension", FIELD_UINT, NULL, "type"},
    [NTP_KEY] = {"key", FIELD_UINT, NULL, "that signs it"},
    [NTP_SEQUENCE] = {"sequence", FIELD_UINT, NULL, "of one exchange"},
    [NTP_STATUS] = {"status", FIELD_UINT, NULL, "of the server or the association"},
    [NTP_ASSOCIATION] = {"association", FIELD_UINT, NULL, "0: the server itself"},
    [NTP_OFFSET] = {"offset", FIELD_UINT, NULL, "of a long answer's piece"},
    [NTP_TEXT] = {"text", FIELD_TEXT, NULL, "variables"},
    [NTP_IMPLEMENTATION] = {"implementation", FIELD_UINT, NULL, "3: ntpd"},
    [NTP_ITEMS] = {"items", FIELD_UINT, NULL, "that are told"},
    [NTP_ITEM_SIZE] = {"item-size", FIELD_UINT, NULL, "octets"},
    [NTP_SYSTEM] = {"system", FIELD_TEXT, NULL, "that the server runs on"},
    [NTP_SOFTWARE] = {"software", FIELD_TEXT, NULL, "of the server"},
};

static const struct function_info functions[] = {
    {0, "old", ACT_LINK},
    {MODE_ACTIVE, "symmetric-active", ACT_LINK},
    {MODE_PASSIVE, "symmetric-passive", ACT_LINK},
    {MODE_CLIENT, "client", ACT_LINK},
    {MODE_SERVER, "server", ACT_REPORT},
    {MODE_BROADCAST, "broadcast", ACT_REPORT},
    {NTP_CONTROL + 1, "read-status", ACT_READ},
    {NTP_CONTROL + 2, "read-variables", ACT_IDENTIFY},
    {NTP_CONTROL + 3, "write-variables", ACT_CONFIGURE},
    {NTP_CONTROL + 4, "read-clock", ACT_READ},
    {NTP_CONTROL + 5, "write-clock", ACT_CONFIGURE},
    {NTP_CONTROL + 6, "set-trap", ACT_CONFIGURE},
    {NTP_CONTROL + 7, "trap", ACT_REPORT},
    {NTP_CONTROL + 8, "configure", ACT_CONFIGURE},
    {NTP_CONTROL + 9, "save-configuration", ACT_CONFIGURE},
    {NTP_CONTROL + 10, "read-recent", ACT_BROWSE},
    {NTP_CONTROL + 11, "read-list", ACT_BROWSE},
    {NTP_CONTROL + 12, "request-nonce", ACT_LINK},
    {NTP_CONTROL + 31, "unset-trap", ACT_CONFIGURE},
    {NTP_PRIVATE + 0, "peer-list", ACT_BROWSE},
    {NTP_PRIVATE + 1, "peer-list-sum", ACT_BROWSE},
    {NTP_PRIVATE + 2, "peer-info", ACT_READ},
    {NTP_PRIVATE + 4, "system-info", ACT_READ},
    {NTP_PRIVATE + 8, "add-peer", ACT_CONFIGURE},
    {NTP_PRIVATE + 10, "remove-peer", ACT_CONFIGURE},
    {NTP_PRIVATE + 11, "set-system-flag", ACT_CONFIGURE},
    {NTP_PRIVATE + 16, "restrictions", ACT_READ},
    {NTP_PRIVATE + 20, "monitor-list", ACT_BROWSE}, /* what attacks that amplify ask for */
    {NTP_PRIVATE + 42, "monitor-list-1", ACT_BROWSE},
};

static const struct field_word errors[] = {{1, "authentication"}, {2, "format"},   {3, "operation"},
                                           {4, "association"},    {5, "variable"}, {6, "value"},
                                           {7, "prohibited"},     {0, NULL}};

static const uint16_t ports[] = {123, 0};

const struct protocol ntp_protocol = {
    .name = "ntp",
    .title = "NTP",
    .source = "RFC 5905, RFC 9327",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_UDP,
    .ports = ports,
    .errors = errors,
    .looks = ntp_looks,
    .dissect = ntp_dissect,
};
