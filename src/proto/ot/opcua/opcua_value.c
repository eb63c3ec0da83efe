/* The binary encoding of OPC UA's types (OPC 10000-6 section 5.2). */
#include "proto/ot/opcua/opcua_private.h"

#define TYPE_MASK 0x3f
#define IS_ARRAY 0x80
#define HAS_DIMENSIONS 0x40
#define EPOCH INT64_C(116444736000000000) /* 1970 in units of 100 ns since 1601 */

struct place {
    struct dissection *d;
    struct cursor *c;
    uint16_t object;
    unsigned depth;
};

static void put_variant(const struct place *);
static void put_data_value(const struct place *);
static void put_extension(const struct place *);

static struct place
deeper(const struct place *at)
{
    struct place p = *at;
    if (++p.depth > OPCUA_DEPTH)
        cursor_fail(p.c, ERR_LIMIT, "structures within structures");
    return p;
}

/* ---- Simple types ---- */

const uint8_t *
opcua_string(struct cursor *c, uint32_t *size, const char *what)
{
    *size = cursor_le32(c, what);
    if (*size == UINT32_MAX) {
        *size = 0;
        return NULL;
    }
    return cursor_bytes(c, *size, what);
}

static void
put_uint(const struct place *at, uint16_t field, uint64_t value)
{
    if (field != OPCUA_NONE && !at->c->err)
        pdu_uint(at->d, field, at->object, value);
}

static void
put_text(const struct place *at, uint16_t field, const char *what)
{
    uint32_t size;
    const uint8_t *text = opcua_string(at->c, &size, what);
    if (field != OPCUA_NONE)
        pdu_octets(at->d, field, at->object, text, size);
}

static void
put_size(const struct place *at, uint16_t field, const char *what)
{
    uint32_t size;
    if (opcua_string(at->c, &size, what))
        put_uint(at, field, size);
}

static void
put_double(const struct place *at, uint16_t field, const char *what)
{
    union {
        uint64_t bits;
        double value;
    } u = {.bits = cursor_le64(at->c, what)};
    if (field != OPCUA_NONE && !at->c->err)
        pdu_real(at->d, field, at->object, u.value);
}

static void
put_time(const struct place *at, uint16_t field, const char *what)
{
    int64_t ticks = (int64_t)cursor_le64(at->c, what);
    if (field == OPCUA_NONE || at->c->err || ticks <= 0 || ticks - EPOCH > INT64_MAX / 100 ||
        ticks - EPOCH < INT64_MIN / 100)
        return; /* none, or of no year that is meant */
    pdu_int(at->d, field, at->object, (ticks - EPOCH) * 100);
}

static void
put_name(const struct place *at, uint16_t field)
{
    cursor_skip(at->c, 2, "namespace of a name");
    put_text(at, field, "qualified name");
}

static void
put_localized(const struct place *at, uint16_t field)
{
    uint8_t has = cursor_u8(at->c, "localized text");
    if (has & 1)
        put_text(at, OPCUA_NONE, "locale");
    if (has & 2)
        put_text(at, field, "localized text");
}

/* ---- Nodes ---- */

static void
node_octets(struct cursor *c, struct opcua_node *n, const char *what)
{
    n->octets = opcua_string(c, &n->size, what);
    if (!n->octets) /* an empty one is one, too */
        n->octets = c->pos;
}

void
opcua_node(struct cursor *c, struct opcua_node *n, bool is_expanded, const char *what)
{
    uint8_t encoding = cursor_u8(c, what), flags = encoding & 0xc0;
    uint32_t size;
    *n = (struct opcua_node){.kind = encoding & 0x3f};
    switch (n->kind) {
    case 0:
        n->number = cursor_u8(c, what);
        break;
    case 1:
        n->space = cursor_u8(c, what);
        n->number = cursor_le16(c, what);
        break;
    case 2:
        n->space = cursor_le16(c, what);
        n->number = cursor_le32(c, what);
        break;
    case 3:
    case 5:
        n->space = cursor_le16(c, what);
        node_octets(c, n, what);
        break;
    case 4:
        n->space = cursor_le16(c, what);
        n->octets = cursor_bytes(c, n->size = 16, what);
        break;
    default:
        cursor_fail(c, ERR_MALFORMED, what);
    }
    n->kind = n->kind < 2 ? 2 : n->kind;
    if (flags && !is_expanded)
        cursor_fail(c, ERR_MALFORMED, what);
    if (flags & 0x80)
        (void)opcua_string(c, &size, "namespace URI");
    if (flags & 0x40)
        cursor_skip(c, 4, "server index");
}

void
opcua_put_node(struct dissection *d, uint16_t field, uint16_t object, const struct opcua_node *n)
{
    if (n->kind == 2 && !n->space) {
        pdu_uint(d, field, object, n->number);
        return;
    }
    pdu_uint(d, (uint16_t)(field + 1), object, n->space);
    if (n->kind == 2)
        pdu_uint(d, (uint16_t)(field + 2), object, n->number);
    else
        pdu_octets(d, (uint16_t)(field + (n->kind == 3 ? 3 : 4)), object, n->octets, n->size);
}

static void
put_node(const struct place *at, enum opcua_kind kind, uint16_t field, const char *what)
{
    struct opcua_node n;
    opcua_node(at->c, &n, kind == UA_EXPANDED, what);
    if (at->c->err || field == OPCUA_NONE)
        return;
    if (kind != UA_NODE0)
        opcua_put_node(at->d, field, at->object, &n);
    else if (n.kind == 2 && !n.space)
        pdu_uint(at->d, field, at->object, n.number);
}

/* ---- What may have anything in it ---- */

static void
skip_diagnostic(const struct place *at)
{
    const struct place in = deeper(at);
    uint8_t has = cursor_u8(in.c, "diagnostic info");
    for (unsigned bit = 1; bit <= 8; bit <<= 1) {
        if (has & bit)
            cursor_skip(in.c, 4, "diagnostic info");
    }
    if (has & 0x10)
        put_text(&in, OPCUA_NONE, "additional info");
    if (has & 0x20)
        cursor_skip(in.c, 4, "inner status code");
    if (has & 0x40 && !in.c->err)
        skip_diagnostic(&in);
}

static void
put_float(const struct place *at)
{
    union {
        uint32_t bits;
        float value;
    } u = {.bits = cursor_le32(at->c, "value")};
    if (!at->c->err)
        pdu_real(at->d, OPCUA_REAL, at->object, (double)u.value);
}

static void
put_int(const struct place *at, size_t size)
{
    uint64_t raw = 0;
    const uint8_t *p = cursor_bytes(at->c, size, "value");
    if (!p)
        return;
    for (size_t i = size; i > 0; i--)
        raw = raw << 8 | p[i - 1];
    unsigned unused = 64 - 8 * (unsigned)size;
    pdu_int(at->d, OPCUA_INT, at->object, (int64_t)(raw << unused) >> unused);
}

static void
put_octets(const struct place *at, size_t size)
{
    pdu_octets(at->d, OPCUA_OCTETS, at->object, cursor_bytes(at->c, size, "value"), size);
}

/* One value of a built-in type. */
static void
put_value(const struct place *at, uint8_t type)
{
    uint32_t size;
    const uint8_t *octets;
    switch (type) {
    case 1:
        put_uint(at, OPCUA_BOOL, cursor_u8(at->c, "value") != 0);
        break;
    case 3:
        put_uint(at, OPCUA_UINT, cursor_u8(at->c, "value"));
        break;
    case 5:
        put_uint(at, OPCUA_UINT, cursor_le16(at->c, "value"));
        break;
    case 7:
    case 19: /* a status code */
        put_uint(at, OPCUA_UINT, cursor_le32(at->c, "value"));
        break;
    case 9:
        put_uint(at, OPCUA_UINT, cursor_le64(at->c, "value"));
        break;
    case 2:
        put_int(at, 1);
        break;
    case 4:
        put_int(at, 2);
        break;
    case 6:
        put_int(at, 4);
        break;
    case 8:
        put_int(at, 8);
        break;
    case 10:
        put_float(at);
        break;
    case 11:
        put_double(at, OPCUA_REAL, "value");
        break;
    case 12:
    case 16: /* XML */
        put_text(at, OPCUA_TEXT, "value");
        break;
    case 13:
        put_time(at, OPCUA_DATE, "value");
        break;
    case 14: /* a GUID */
        put_octets(at, 16);
        break;
    case 17:
        put_node(at, UA_NODE, OPCUA_NONE, "value");
        break;
    case 18:
        put_node(at, UA_EXPANDED, OPCUA_NONE, "value");
        break;
    case 20:
        put_name(at, OPCUA_TEXT);
        break;
    case 21:
        put_localized(at, OPCUA_TEXT);
        break;
    case 22:
        put_extension(at);
        break;
    case 23:
        put_data_value(at);
        break;
    case 24:
        put_variant(at);
        break;
    case 25:
        skip_diagnostic(at);
        break;
    default: /* 15, and what is not given yet: octets */
        octets = opcua_string(at->c, &size, "value");
        pdu_octets(at->d, OPCUA_OCTETS, at->object, octets, size);
    }
}

static uint32_t
count(struct cursor *c, const char *what)
{
    uint32_t n = cursor_le32(c, what);
    if (n > INT32_MAX) /* there is no array */
        return 0;
    if (n > cursor_left(c)) /* each has an octet at least */
        cursor_fail(c, ERR_TRUNCATED, what);
    return c->err ? 0 : n;
}

static void
put_variant(const struct place *at)
{
    const struct place in = deeper(at);
    uint8_t encoding = cursor_u8(in.c, "variant"), type = encoding & TYPE_MASK;
    put_uint(&in, OPCUA_TYPE, type);
    if (!type) {
        if (encoding)
            cursor_fail(in.c, ERR_MALFORMED, "variant");
        return;
    }
    if (!(encoding & IS_ARRAY)) {
        if (!in.c->err)
            put_value(&in, type);
        return;
    }
    for (uint32_t n = count(in.c, "array length"); n && !in.c->err; n--)
        put_value(&in, type);
    if (encoding & HAS_DIMENSIONS)
        cursor_skip(in.c, 4u * (size_t)count(in.c, "array dimensions"), "array dimensions");
}

static void
put_data_value(const struct place *at)
{
    const struct place in = deeper(at);
    uint8_t has = cursor_u8(in.c, "data value");
    if (has & 1 && !in.c->err)
        put_variant(&in);
    if (has & 2)
        put_uint(&in, OPCUA_STATUS, cursor_le32(in.c, "status"));
    if (has & 4)
        put_time(&in, OPCUA_SOURCE_TIME, "source timestamp");
    if (has & 0x10)
        cursor_skip(in.c, 2, "source picoseconds");
    if (has & 8)
        put_time(&in, OPCUA_SERVER_TIME, "server timestamp");
    if (has & 0x20)
        cursor_skip(in.c, 2, "server picoseconds");
}

/* What is in it, if the type is known; what is behind it is later versions' and is left out. */
static void
put_structure(const struct place *at, struct cursor *body, uint32_t type)
{
    for (size_t i = 0; i < opcua_n_structures; i++) {
        const struct opcua_structure *s = &opcua_structures[i];
        if (s->type != type)
            continue;
        if (s->field != OPCUA_NONE)
            pdu_uint(at->d, s->field, at->object, s->value);
        opcua_parts(at->d, body, s->parts, at->object, at->depth, NULL);
    }
    cursor_skip(body, cursor_left(body), "structure");
}

static void
put_extension(const struct place *at)
{
    const struct place in = deeper(at);
    struct opcua_node type;
    opcua_node(in.c, &type, false, "structure's type");
    uint8_t encoding = cursor_u8(in.c, "structure's encoding");
    if (!encoding || in.c->err)
        return;
    uint32_t size = cursor_le32(in.c, "structure's length");
    if (size == UINT32_MAX)
        return;
    struct cursor body = cursor_split(in.c, size, "structure");
    if (encoding == 1 && type.kind == 2 && !type.space)
        put_structure(&in, &body, type.number);
    else
        cursor_skip(&body, cursor_left(&body), "structure");
    cursor_join(in.c, &body);
}

/* ---- By the tables ---- */

static uint16_t
next_object(const struct place *at)
{
    if (at->d->pdu->n_objects == UINT16_MAX)
        cursor_fail(at->c, ERR_LIMIT, "number of objects");
    return at->c->err ? at->object : (uint16_t)++at->d->pdu->n_objects;
}

static void
put_asked(struct dissection *d, uint16_t object, const struct opcua_asked *asked, uint32_t i)
{
    if (!asked || i >= asked->n_items)
        return;
    const struct opcua_item *item = &asked->items[i];
    const struct opcua_node n = {.space = item->space,
                                 .kind = item->kind,
                                 .number = item->number,
                                 .octets = asked->text + item->at,
                                 .size = item->size};
    if (item->kind)
        opcua_put_node(d, OPCUA_STANDARD_NODE, object, &n);
    if (item->attribute)
        pdu_uint(d, OPCUA_ATTRIBUTE, object, item->attribute);
}

static void
put_array(const struct place *at, const struct opcua_part *part, const struct opcua_asked *asked)
{
    const struct place in = deeper(at);
    uint32_t n = count(in.c, part->name);
    for (uint32_t i = 0; i < n && !in.c->err; i++) {
        uint16_t object = part->kind == UA_LIST ? in.object : next_object(&in);
        if (part->kind == UA_ANSWERS && !in.c->err)
            put_asked(in.d, object, asked, i);
        opcua_parts(in.d, in.c, part->of, object, in.depth, NULL);
    }
}

static void
put_part(const struct place *at, const struct opcua_part *part, const struct opcua_asked *asked)
{
    uint16_t field = part->field;
    switch (part->kind) {
    case UA_BOOL:
    case UA_U8:
        put_uint(at, field, cursor_u8(at->c, part->name));
        break;
    case UA_U32:
    case UA_STATUS:
        put_uint(at, field, cursor_le32(at->c, part->name));
        break;
    case UA_DOUBLE:
        put_double(at, field, part->name);
        break;
    case UA_TIME:
        put_time(at, field, part->name);
        break;
    case UA_TEXT:
        put_text(at, field, part->name);
        break;
    case UA_SIZE:
        put_size(at, field, part->name);
        break;
    case UA_NODE:
    case UA_NODE0:
    case UA_EXPANDED:
        put_node(at, part->kind, field, part->name);
        break;
    case UA_NAME:
        put_name(at, field);
        break;
    case UA_LOCALIZED:
        put_localized(at, field);
        break;
    case UA_VARIANT:
        put_variant(at);
        break;
    case UA_DATA_VALUE:
        put_data_value(at);
        break;
    case UA_DIAGNOSTIC:
        skip_diagnostic(at);
        break;
    case UA_EXTENSION:
        put_extension(at);
        break;
    case UA_STRUCT:
        opcua_parts(at->d, at->c, part->of, at->object, at->depth, NULL);
        break;
    case UA_LIST:
    case UA_EACH:
    case UA_ANSWERS:
        put_array(at, part, asked);
        break;
    case UA_ITSELF:
    case UA_OTHERS:
    case UA_CLIENT:
        put_uint(at, OPCUA_DESCRIBES, (uint64_t)(part->kind - UA_ITSELF) + 1);
        break;
    case UA_END:
        break;
    }
}

void
opcua_parts(struct dissection *d, struct cursor *c, const struct opcua_part *part, uint16_t object,
            unsigned depth, const struct opcua_asked *asked)
{
    const struct place at = {d, c, object, depth};
    for (; part->kind != UA_END && !c->err; part++)
        put_part(&at, part, asked);
}
