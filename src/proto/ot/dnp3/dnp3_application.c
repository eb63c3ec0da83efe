/* The application layer (IEEE 1815-2012 clause 4, annex A). */
#include "proto/ot/dnp3/dnp3_private.h"

#define EMPTY_OBJECTS 16 /* of a header, that are told though they have no octets */
#define FIR 0x80
#define FUNCTION_READ 1
#define FUNCTION_RESPONSE 129
#define FUNCTION_UNSOLICITED 130
#define FUNCTION_AUTHENTICATION_RESPONSE 131

struct header {
    uint8_t group, variation, prefix, range;
    bool has_points; /* start and number are known */
    uint32_t start, n;
};

/* ---- Integers of as many octets as a code says ---- */

static uint64_t
le(struct cursor *c, size_t size, const char *what)
{
    const uint8_t *p = cursor_bytes(c, size, what);
    uint64_t v = 0;
    for (size_t i = 0; p && i < size; i++)
        v |= (uint64_t)p[i] << 8 * i;
    return v;
}

/* ---- A point ---- */

static void
put_integer(struct dissection *d, struct cursor *c, uint16_t object, size_t size, bool is_signed)
{
    uint64_t v = le(c, size, "value");
    if (c->err)
        return;
    if (!is_signed)
        pdu_int(d, DNP3_VALUE, object, (int64_t)v);
    else
        pdu_int(d, DNP3_VALUE, object, size == 2 ? (int16_t)v : (int32_t)v);
}

static void
put_real(struct dissection *d, struct cursor *c, uint16_t object, size_t size)
{
    uint64_t v = le(c, size, "value");
    float single;
    double real;
    if (c->err)
        return;
    if (size == 4) {
        uint32_t bits = (uint32_t)v;
        memcpy(&single, &bits, sizeof single);
        real = (double)single;
    } else {
        memcpy(&real, &v, sizeof real);
    }
    pdu_real(d, DNP3_REAL, object, real);
}

/* A control relay output block (annex A, group 12). */
static void
put_relay_output(struct dissection *d, struct cursor *c, uint16_t object)
{
    uint8_t code = cursor_u8(c, "control code"), repeat = cursor_u8(c, "control count");
    uint32_t on = cursor_le32(c, "on time"), off = cursor_le32(c, "off time");
    uint8_t status = cursor_u8(c, "control status");
    if (c->err)
        return;
    pdu_uint(d, DNP3_CONTROL, object, code);
    pdu_uint(d, DNP3_REPEAT, object, repeat);
    pdu_uint(d, DNP3_ON_TIME, object, on);
    pdu_uint(d, DNP3_OFF_TIME, object, off);
    pdu_uint(d, DNP3_STATUS, object, status & 127);
}

static void
put_part(struct dissection *d, struct cursor *c, uint16_t object, char part)
{
    uint64_t v;
    switch (part) {
    case 'F':
    case 'S':
        v = cursor_u8(c, part == 'F' ? "flags" : "status");
        if (!c->err)
            pdu_uint(d, part == 'F' ? DNP3_FLAGS : DNP3_STATUS, object, v);
        break;
    case 'b':
        put_integer(d, c, object, 1, false);
        break;
    case 'h':
        put_integer(d, c, object, 2, false);
        break;
    case 'w':
        put_integer(d, c, object, 4, false);
        break;
    case 's':
        put_integer(d, c, object, 2, true);
        break;
    case 'l':
        put_integer(d, c, object, 4, true);
        break;
    case 'f':
        put_real(d, c, object, 4);
        break;
    case 'd':
        put_real(d, c, object, 8);
        break;
    case 'T':
        v = le(c, 6, "time");
        if (!c->err && v < (uint64_t)INT64_MAX / NSEC_PER_MSEC)
            pdu_int(d, DNP3_TIME, object, (int64_t)v * NSEC_PER_MSEC);
        break;
    case 't':
        v = cursor_le16(c, "relative time");
        if (!c->err)
            pdu_uint(d, DNP3_DELAY, object, v);
        break;
    case 'C':
        put_relay_output(d, c, object);
        break;
    default:
        break;
    }
}

/* Group 0: data type, length, and the value, of which texts are what says who a device is. */
static void
put_attribute(struct dissection *d, struct cursor *c, uint16_t object, uint8_t variation)
{
    uint8_t type = cursor_u8(c, "attribute's type"), size = cursor_u8(c, "attribute's length");
    struct cursor value = cursor_split(c, size, "attribute");
    pdu_uint(d, DNP3_ATTRIBUTE, object, variation);
    if (type == 1) {
        pdu_octets(d, DNP3_TEXT, object, cursor_bytes(&value, size, "attribute"), size);
    } else if ((type == 2 || type == 3) && size && size <= 8) {
        uint64_t v = le(&value, size, "attribute");
        if (!value.err)
            pdu_int(d, DNP3_VALUE, object, (int64_t)v);
    } else {
        pdu_octets(d, DNP3_DATA, object, cursor_bytes(&value, size, "attribute"), size);
    }
    cursor_join(c, &value);
}

/* The index or the size before an object, of 1, 2 or 4 octets. */
static uint32_t
prefix_of(struct cursor *c, uint8_t prefix)
{
    static const uint8_t sizes[8] = {0, 1, 2, 4, 1, 2, 4, 0};
    return sizes[prefix] ? (uint32_t)le(c, sizes[prefix], "object prefix") : 0;
}

static void
put_point(struct dissection *d, struct cursor *c, const struct header *h,
          const struct dnp3_object *o, uint32_t i)
{
    uint32_t prefix = prefix_of(c, h->prefix);
    bool has_index = h->prefix >= 1 && h->prefix <= 3, has_size = h->prefix >= 4 && h->prefix <= 6;
    uint16_t object = (uint16_t)++d->pdu->n_objects;
    pdu_uint(d, DNP3_POINT_GROUP, object, h->group);
    pdu_uint(d, DNP3_INDEX, object, has_index ? prefix : h->start + i);
    if (has_size) {
        pdu_octets(d, DNP3_DATA, object, cursor_bytes(c, prefix, "object"), prefix);
    } else if (h->group >= 110 && h->group <= 113) { /* as long as the variation says */
        pdu_octets(d, DNP3_DATA, object, cursor_bytes(c, h->variation, "octet string"),
                   h->variation);
    } else if (h->group == 0) {
        put_attribute(d, c, object, h->variation);
    } else {
        for (const char *part = o->parts; *part && !c->err; part++)
            put_part(d, c, object, *part);
    }
}

/* Objects of bits, without anything between them. */
static void
put_bits(struct dissection *d, struct cursor *c, const struct header *h, uint8_t bits)
{
    uint64_t n = (uint64_t)h->n * bits;
    if (n > UINT16_MAX * 8u) {
        cursor_fail(c, ERR_LIMIT, "packed objects");
        return;
    }
    pdu_octets(d, DNP3_BITS, (uint16_t)d->pdu->n_objects,
               cursor_bytes(c, (size_t)(n + 7) / 8, "packed objects"), (size_t)n);
}

/* ---- Object headers ---- */

static void
put_range(struct dissection *d, struct cursor *c, struct header *h, uint16_t object)
{
    static const uint8_t sizes[16] = {1, 2, 4, 1, 2, 4, 0, 1, 2, 4, 0, 1, 0, 0, 0, 0};
    uint8_t size = sizes[h->range];
    if (h->range <= 5) {
        uint32_t start = (uint32_t)le(c, size, "range start"),
                 stop = (uint32_t)le(c, size, "range stop");
        if (!c->err && stop < start)
            cursor_fail(c, ERR_MALFORMED, "range stop");
        if (c->err)
            return;
        pdu_uint(d, DNP3_START, object, start);
        pdu_uint(d, DNP3_STOP, object, stop);
        h->start = start;
        h->n = stop - start + 1;
        h->has_points = h->n > 0;
    } else if (size) {
        h->n = (uint32_t)le(c, size, "object count");
        if (c->err)
            return;
        pdu_uint(d, DNP3_COUNT, object, h->n);
        h->has_points = true;
    } else if (h->range != 6) {
        cursor_fail(c, ERR_MALFORMED, "range specifier");
    }
}

/* Do the objects themselves follow, or only the indexes of what is asked for? */
static bool
has_objects(const struct dissection *d, const struct header *h)
{
    switch (d->pdu->function) {
    case FUNCTION_READ:
    case 7: /* freeze ... */
    case 8:
    case 9:
    case 10:
    case 20: /* enable, disable unsolicited; assign class */
    case 21:
    case 22:
        return h->range == 11;
    default:
        return true;
    }
}

/* Indexes alone: what is asked about. */
static void
put_indexes(struct dissection *d, struct cursor *c, const struct header *h)
{
    for (uint32_t i = 0; i < h->n && !c->err; i++) {
        uint32_t index = prefix_of(c, h->prefix);
        if (c->err)
            break;
        uint16_t object = (uint16_t)++d->pdu->n_objects;
        pdu_uint(d, DNP3_POINT_GROUP, object, h->group);
        pdu_uint(d, DNP3_INDEX, object, index);
    }
}

/* False: what follows is not known. */
static bool
put_objects(struct dissection *d, struct cursor *c, const struct header *h)
{
    const struct dnp3_object *o = dnp3_object(h->group, h->variation);
    bool is_sized = h->prefix >= 4 && h->prefix <= 6;
    bool is_string = h->group >= 110 && h->group <= 113;
    if (o && o->bits && !h->prefix) {
        put_bits(d, c, h, o->bits);
        return true;
    }
    if (!is_sized && !is_string && h->group != 0 && (!o || o->bits))
        return false;
    uint32_t n_empty = 0; /* a few octets could say that there are thousands of none */
    for (uint32_t i = 0;
         i < h->n && !c->err && d->pdu->n_objects < UINT16_MAX && n_empty < EMPTY_OBJECTS; i++) {
        const uint8_t *before = c->pos;
        put_point(d, c, h, o, i);
        n_empty += c->pos == before;
    }
    return d->pdu->n_objects < UINT16_MAX;
}

static void
put_header(struct dissection *d, struct cursor *c)
{
    struct header h = {.group = cursor_u8(c, "object group")};
    h.variation = cursor_u8(c, "object variation");
    uint8_t qualifier = cursor_u8(c, "object qualifier");
    if (c->err)
        return;
    h.prefix = qualifier >> 4 & 7;
    h.range = qualifier & 15;
    uint16_t object = (uint16_t)++d->pdu->n_objects;
    pdu_uint(d, DNP3_GROUP, object, h.group);
    pdu_uint(d, DNP3_VARIATION, object, h.variation);
    pdu_uint(d, DNP3_PREFIX, object, h.prefix);
    pdu_uint(d, DNP3_RANGE, object, h.range);
    put_range(d, c, &h, object);
    if (c->err || !h.has_points)
        return;
    bool is_known = true;
    if (has_objects(d, &h))
        is_known = put_objects(d, c, &h);
    else if (h.prefix >= 1 && h.prefix <= 3)
        put_indexes(d, c, &h);
    if (!is_known) {
        size_t n = cursor_left(c);
        pdu_octets(d, DNP3_DATA, (uint16_t)d->pdu->n_objects, cursor_bytes(c, n, "objects"), n);
    }
}

/* ---- The fragment ---- */

static enum pdu_kind
kind_of(uint8_t function)
{
    switch (function) {
    case 0:
        return PDU_LINK;
    case FUNCTION_RESPONSE:
    case FUNCTION_AUTHENTICATION_RESPONSE:
        return PDU_RESPONSE;
    case FUNCTION_UNSOLICITED:
        return PDU_REPORT;
    default:
        return PDU_REQUEST;
    }
}

/* What is written decides what it is: a clock, a restart flag, an output. */
static void
refine_act(struct dissection *d, uint8_t group)
{
    struct pdu *p = d->pdu;
    if (p->kind != PDU_REQUEST)
        return;
    if (p->function == 2 && (group == 50 || group == 51))
        p->act = ACT_CLOCK;
    else if (p->function == 2 && group == 80)
        p->act = ACT_ACKNOWLEDGE;
    else if (p->function == FUNCTION_READ && group == 0)
        p->act = ACT_IDENTIFY;
    else if (p->function == FUNCTION_READ && group == 70)
        p->act = ACT_UPLOAD;
    else if (p->function == 2 && group == 70)
        p->act = ACT_DOWNLOAD;
    else if (p->act == ACT_OPERATE && group == 41)
        p->act = ACT_WRITE;
}

void
dnp3_application(struct dissection *d, struct cursor *c, const struct cursor *message)
{
    uint8_t control = cursor_u8(c, "application control"), function = cursor_u8(c, "function");
    if (!c->err) {
        d->pdu->kind = kind_of(function);
        pdu_uint(d, DNP3_APP_SEQUENCE, 0, control & 15);
        pdu_uint(d, DNP3_CONFIRM, 0, control >> 5 & 1);
        pdu_uint(d, DNP3_UNSOLICITED, 0, control >> 4 & 1);
        if (!(control & FIR))
            pdu_uint(d, DNP3_CONTINUES, 0, 1);
        if (function >= FUNCTION_RESPONSE && function <= FUNCTION_AUTHENTICATION_RESPONSE) {
            uint16_t indications = cursor_be16(c, "internal indications");
            if (!c->err)
                pdu_uint(d, DNP3_INDICATIONS, 0, indications);
            if (indications & 7) { /* no such function, object, parameter */
                d->pdu->kind = d->pdu->kind == PDU_RESPONSE ? PDU_REFUSAL : d->pdu->kind;
                d->pdu->error = indications & 7;
            }
        }
        if (cursor_left(c))
            refine_act(d, c->pos[0]);
    }
    while (cursor_left(c))
        put_header(d, c);
    pdu_end(d, message);
}
