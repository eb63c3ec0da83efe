/* Tags (clause 20.2), by the rows of their service. */
#include "proto/ot/bacnet/bacnet_private.h"

#include <time.h>

enum {
    TAG_NULL,
    TAG_BOOLEAN,
    TAG_UNSIGNED,
    TAG_SIGNED,
    TAG_REAL,
    TAG_DOUBLE,
    TAG_OCTETS,
    TAG_TEXT,
    TAG_BITS,
    TAG_ENUMERATED,
    TAG_DATE,
    TAG_TIME,
    TAG_OBJECT,
};

#define OBJECT_DEVICE 8u
#define PROPERTY_PRESENT_VALUE 85u
#define PROPERTY_VENDOR_ID 120u

struct tag {
    uint8_t number;
    bool is_context, opens, closes;
    uint32_t length; /* of the value; of an application boolean the value itself */
};

struct walk {
    uint32_t function; /* as of its rows */
    const struct bacnet_row *rows;
    size_t n_rows;
    uint32_t path;                /* of open tags, each + 1, 4 bits */
    unsigned depth, values_depth; /* 0: not within a value */
    enum bacnet_role within;      /* what the outermost of those means */
    bool has_object, has_property;
    uint32_t object_type, instance;
    uint64_t property;
    unsigned n_errors, n_unsigned;
    uint8_t date[4];
    bool has_date;
};

static struct tag
read_tag(struct cursor *c)
{
    uint8_t octet = cursor_u8(c, "tag");
    struct tag t = {.number = octet >> 4, .is_context = octet & 8, .length = octet & 7};
    if (t.number == 15)
        t.number = cursor_u8(c, "tag number");
    t.opens = t.is_context && t.length == 6;
    t.closes = t.is_context && t.length == 7;
    if (t.opens || t.closes) {
        t.length = 0;
    } else if (t.length > 5) {
        cursor_fail(c, ERR_MALFORMED, "tag length");
    } else if (t.length == 5) {
        t.length = cursor_u8(c, "tag length");
        if (t.length == 254)
            t.length = cursor_be16(c, "tag length");
        else if (t.length == 255)
            t.length = cursor_be32(c, "tag length");
    }
    return t;
}

/* ---- Values ---- */

static uint64_t
unsigned_of(struct cursor *v)
{
    size_t n = cursor_left(v);
    uint64_t value = 0;
    if (!n || n > 8) {
        cursor_fail(v, ERR_MALFORMED, "unsigned integer");
        return 0;
    }
    while (n--)
        value = value << 8 | cursor_u8(v, "unsigned integer");
    return value;
}

static void
put_signed(struct dissection *d, struct cursor *v, uint16_t field, uint16_t object)
{
    size_t n = cursor_left(v);
    uint64_t value = unsigned_of(v);
    if (v->err)
        return;
    if (n < 8 && value >> (8 * n - 1))
        value |= ~(uint64_t)0 << 8 * n;
    pdu_int(d, field, object, (int64_t)value);
}

static void
put_real(struct dissection *d, struct cursor *v, uint16_t object, bool is_double)
{
    if (is_double) {
        uint64_t bits = cursor_be64(v, "double");
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!v->err)
            pdu_real(d, BACNET_REAL, object, value);
    } else {
        uint32_t bits = cursor_be32(v, "real");
        float value;
        memcpy(&value, &bits, sizeof value);
        if (!v->err)
            pdu_real(d, BACNET_REAL, object, (double)value);
    }
}

/* UCS-2 whose characters are all of ISO 8859-1, as that; NULL: they are not, or there is no room.
 */
static const uint8_t *
narrow(struct dissection *d, const uint8_t *text, size_t n)
{
    struct bacnet_state *s = d->state;
    if (!s || n % 2 || n / 2 > sizeof s->texts - s->n_texts)
        return NULL;
    uint8_t *to = s->texts + s->n_texts;
    for (size_t i = 0; i < n / 2; i++) {
        if (text[2 * i])
            return NULL;
        to[i] = text[2 * i + 1];
    }
    s->n_texts += (uint32_t)(n / 2);
    return to;
}

/* Its first octet is the character set: 0 is UTF-8, 4 is UCS-2, 5 is ISO 8859-1. */
static void
put_text(struct dissection *d, struct cursor *v, uint16_t field, uint16_t object)
{
    uint8_t set = cursor_u8(v, "character set");
    size_t n = cursor_left(v);
    const uint8_t *text = cursor_bytes(v, n, "text"), *narrowed = NULL;
    if (v->err)
        return;
    if (set == 4)
        narrowed = narrow(d, text, n);
    if (narrowed)
        pdu_octets(d, field, object, narrowed, n / 2);
    else
        pdu_octets(d, set == 0 || set == 5 ? field : BACNET_OCTETS, object, text, n);
}

static void
put_octets(struct dissection *d, struct cursor *v, uint16_t field, uint16_t object, size_t n)
{
    pdu_octets(d, field, object, cursor_bytes(v, n, "value"), n);
}

static void
put_value(struct dissection *d, struct cursor *v, const struct tag *t, uint16_t object)
{
    uint32_t id;
    switch (t->number) {
    case TAG_NULL:
        pdu_uint(d, BACNET_NULL_VALUE, object, 1);
        break;
    case TAG_BOOLEAN:
        pdu_uint(d, BACNET_BOOLEAN, object, t->length ? 1 : 0);
        break;
    case TAG_UNSIGNED:
    case TAG_ENUMERATED: {
        uint64_t value = unsigned_of(v);
        if (!v->err)
            pdu_uint(d, t->number == TAG_UNSIGNED ? BACNET_UNSIGNED : BACNET_ENUMERATED, object,
                     value);
        break;
    }
    case TAG_SIGNED:
        put_signed(d, v, BACNET_SIGNED, object);
        break;
    case TAG_REAL:
    case TAG_DOUBLE:
        put_real(d, v, object, t->number == TAG_DOUBLE);
        break;
    case TAG_TEXT:
        put_text(d, v, BACNET_TEXT, object);
        break;
    case TAG_BITS:
        cursor_skip(v, 1, "unused bits");
        put_octets(d, v, BACNET_BIT_STRING, object, cursor_left(v));
        break;
    case TAG_DATE:
        put_octets(d, v, BACNET_DATE, object, 4);
        break;
    case TAG_TIME:
        put_octets(d, v, BACNET_DAY_TIME, object, 4);
        break;
    case TAG_OBJECT:
        id = cursor_be32(v, "object identifier");
        if (v->err)
            break;
        pdu_uint(d, BACNET_VALUE_TYPE, object, id >> 22);
        pdu_uint(d, BACNET_VALUE_INSTANCE, object, id & 0x3fffff);
        break;
    default:
        put_octets(d, v, BACNET_OCTETS, object, cursor_left(v));
    }
}

/* ---- Clocks ---- */

static void
put_clock(struct dissection *d, const uint8_t *date, const uint8_t *time)
{
    if (date[1] < 1 || date[1] > 12 || date[2] < 1 || date[2] > 31 || time[0] > 23 ||
        time[1] > 59 || time[2] > 59 || time[3] > 99)
        return; /* some of it is left open */
    struct tm tm = {.tm_year = date[0],
                    .tm_mon = date[1] - 1,
                    .tm_mday = date[2],
                    .tm_hour = time[0],
                    .tm_min = time[1],
                    .tm_sec = time[2]};
    pdu_int(d, BACNET_TIME, 0, timegm(&tm) * NSEC_PER_SEC + time[3] * 10 * NSEC_PER_MSEC);
}

static bool
is_clock(const struct walk *w)
{
    return w->function == (BACNET_UNCONFIRMED | 6) || w->function == (BACNET_UNCONFIRMED | 9);
}

static void
take_clock(struct dissection *d, struct walk *w, struct cursor *v, const struct tag *t)
{
    const uint8_t *p = cursor_bytes(v, 4, "date or time");
    if (!p)
        return;
    if (t->number == TAG_DATE) {
        memcpy(w->date, p, 4);
        w->has_date = true;
    } else if (t->number == TAG_TIME && w->has_date) {
        put_clock(d, w->date, p);
    }
}

/* ---- Objects and properties ---- */

static uint16_t
object_of(const struct dissection *d)
{
    return (uint16_t)d->pdu->n_objects;
}

/* 65536 objects are more than a message has; the rest goes into the last. */
static void
begin_object(struct dissection *d, const struct walk *w)
{
    if (d->pdu->n_objects < UINT16_MAX)
        d->pdu->n_objects++;
    pdu_uint(d, BACNET_OBJECT_TYPE, object_of(d), w->object_type);
    pdu_uint(d, BACNET_INSTANCE, object_of(d), w->instance);
}

static void
take_object(struct dissection *d, struct walk *w, struct cursor *v)
{
    uint32_t id = cursor_be32(v, "object identifier");
    if (v->err)
        return;
    w->object_type = id >> 22;
    w->instance = id & 0x3fffff;
    w->has_object = true;
    w->has_property = false;
    begin_object(d, w);
}

static bool
is_identity(uint64_t property)
{
    static const uint16_t those[] = {12, 28, 44, 58, 70, 77, 120, 121, 372};
    for (size_t i = 0; i < ARRAY_SIZE(those); i++) {
        if (those[i] == property)
            return true;
    }
    return false;
}

static bool
is_output(uint32_t type)
{
    return type == 1 || type == 4 || type == 14; /* analog, binary, multi-state */
}

static void
take_property(struct dissection *d, struct walk *w, struct cursor *v)
{
    uint64_t property = unsigned_of(v);
    if (v->err)
        return;
    if (w->has_object && w->has_property)
        begin_object(d, w);
    w->has_property = true;
    w->property = property;
    w->n_errors = 0;
    pdu_uint(d, BACNET_PROPERTY, object_of(d), property);
    if (d->pdu->act == ACT_READ && w->object_type == OBJECT_DEVICE && is_identity(property))
        d->pdu->act = ACT_IDENTIFY;
    if (d->pdu->act == ACT_WRITE && is_output(w->object_type) && property == PROPERTY_PRESENT_VALUE)
        d->pdu->act = ACT_OPERATE;
}

/* What a device may say, and what it shall do, decide what the request is. */
static void
refine_act(struct dissection *d, uint16_t field, uint64_t value)
{
    if (field == BACNET_COMMUNICATION && value == 0)
        d->pdu->act = ACT_CONFIGURE;
    if (field == BACNET_REINITIALIZE && (value == 2 || value == 3))
        d->pdu->act = ACT_UPLOAD;
    if (field == BACNET_REINITIALIZE && value == 4)
        d->pdu->act = ACT_DOWNLOAD;
    if (field == BACNET_REINITIALIZE && value == 7)
        d->pdu->act = ACT_CONFIGURE;
}

static void
take_unsigned(struct dissection *d, struct cursor *v, uint16_t field, uint16_t object)
{
    if (field == BACNET_START) {
        put_signed(d, v, field, object);
        return;
    }
    uint64_t value = unsigned_of(v);
    if (v->err)
        return;
    pdu_uint(d, field, object, value);
    refine_act(d, field, value);
}

/* ---- Tags ---- */

static const struct bacnet_row *
row_of(const struct walk *w, const struct tag *t)
{
    for (size_t i = 0; i < w->n_rows; i++) {
        const struct bacnet_row *r = &w->rows[i];
        if (r->path == w->path && r->tag == t->number && r->is_application == !t->is_context)
            return r;
    }
    return NULL;
}

static void
take_error(struct dissection *d, struct walk *w, struct cursor *v)
{
    uint64_t value = unsigned_of(v);
    if (!v->err && w->n_errors < 2)
        pdu_uint(d, w->n_errors++ ? BACNET_PROPERTY_ERROR : BACNET_PROPERTY_ERROR_CLASS,
                 object_of(d), value);
}

static void
take_row(struct dissection *d, struct walk *w, struct cursor *v, const struct bacnet_row *r,
         const struct tag *t)
{
    uint16_t object = object_of(d);
    switch ((enum bacnet_role)r->role) {
    case ROLE_OBJECT:
        take_object(d, w, v);
        break;
    case ROLE_PROPERTY:
        take_property(d, w, v);
        break;
    case ROLE_UNSIGNED:
        /* Of an I-Am the first is how much the device takes, the second its vendor. */
        if (r->field == BACNET_MAX_APDU && w->n_unsigned++)
            take_unsigned(d, v, BACNET_VENDOR, object);
        else
            take_unsigned(d, v, r->field, object);
        break;
    case ROLE_BOOLEAN:
        pdu_uint(d, r->field, object, t->length ? 1 : 0);
        break;
    case ROLE_TEXT:
        put_text(d, v, r->field, object);
        break;
    case ROLE_VALUE:
    case ROLE_OPENS:
    case ROLE_ERRORS:
        break;
    }
}

static void
take_primitive(struct dissection *d, struct walk *w, struct cursor *c, const struct tag *t)
{
    bool has_octets = t->is_context || t->number != TAG_BOOLEAN;
    struct cursor v = cursor_split(c, has_octets ? t->length : 0, "value");
    if (c->err)
        return;
    const struct bacnet_row *r = w->values_depth ? NULL : row_of(w, t);
    if (w->values_depth && w->within == ROLE_ERRORS)
        take_error(d, w, &v);
    else if (is_clock(w) && !t->is_context)
        take_clock(d, w, &v, t);
    else if (r)
        take_row(d, w, &v, r, t);
    else if (!t->is_context && t->number == TAG_UNSIGNED && w->has_property &&
             w->property == PROPERTY_VENDOR_ID)
        take_unsigned(d, &v, BACNET_VENDOR, object_of(d));
    else if (!t->is_context)
        put_value(d, &v, t, object_of(d));
    else
        put_octets(d, &v, BACNET_DATA, object_of(d), cursor_left(&v));
    if (v.err)
        cursor_join(c, &v);
}

static void
open_tag(struct walk *w, struct cursor *c, const struct tag *t)
{
    const struct bacnet_row *r = w->values_depth ? NULL : row_of(w, t);
    if (w->depth == BACNET_DEPTH_LIMIT) {
        cursor_fail(c, ERR_LIMIT, "opening tag");
        return;
    }
    w->depth++;
    if (w->values_depth)
        return;
    if (r && r->role == ROLE_OPENS && t->number < 15) {
        w->path = w->path << 4 | (t->number + 1u);
        return;
    }
    w->values_depth = w->depth;
    w->within = r ? (enum bacnet_role)r->role : ROLE_VALUE;
    w->n_errors = 0;
}

static void
close_tag(struct walk *w, struct cursor *c, const struct tag *t)
{
    if (!w->depth || (!w->values_depth && (w->path & 15) != t->number + 1u)) {
        cursor_fail(c, ERR_MALFORMED, "closing tag");
        return;
    }
    if (!w->values_depth)
        w->path >>= 4;
    else if (w->values_depth == w->depth)
        w->values_depth = 0;
    w->depth--;
}

/* They stand by rising function. */
static void
find_rows(struct walk *w)
{
    size_t low = 0, high = bacnet_n_rows;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (bacnet_rows[middle].function < w->function)
            low = middle + 1;
        else
            high = middle;
    }
    w->rows = &bacnet_rows[low];
    while (low + w->n_rows < bacnet_n_rows && w->rows[w->n_rows].function == w->function)
        w->n_rows++;
}

void
bacnet_service(struct dissection *d, struct cursor *c, uint32_t function)
{
    struct walk w = {.function = function};
    struct bacnet_state *s = d->state;
    if (s)
        s->n_texts = 0;
    find_rows(&w);
    while (cursor_left(c)) {
        struct tag t = read_tag(c);
        if (c->err)
            return;
        if (t.opens)
            open_tag(&w, c, &t);
        else if (t.closes)
            close_tag(&w, c, &t);
        else
            take_primitive(d, &w, c, &t);
    }
    if (!c->err && w.depth)
        cursor_fail(c, ERR_TRUNCATED, "closing tag");
}
