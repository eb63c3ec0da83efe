#include "proto/it/dns/dns_private.h"

#define HEADER 12u
#define NAME_MAX_WIRE 255u
#define NAMES_ROOM 32768u /* octets of all names of a message, written out */
#define RECORDS_SANE 2048u

#define QR 0x8000
#define AA 0x0400
#define TC 0x0200
#define RD 0x0100
#define RA 0x0080
#define Z 0x0040
#define OPCODE(flags) ((flags) >> 11 & 15u)

enum type {
    TYPE_A = 1,
    TYPE_NS = 2,
    TYPE_CNAME = 5,
    TYPE_SOA = 6,
    TYPE_PTR = 12,
    TYPE_HINFO = 13,
    TYPE_MX = 15,
    TYPE_TXT = 16,
    TYPE_RP = 17,
    TYPE_AFSDB = 18,
    TYPE_AAAA = 28,
    TYPE_NETBIOS = 32,
    TYPE_SRV = 33,
    TYPE_NAPTR = 35,
    TYPE_KX = 36,
    TYPE_DNAME = 39,
    TYPE_OPT = 41,
    TYPE_SVCB = 64,
    TYPE_HTTPS = 65,
    TYPE_SPF = 99,
    TYPE_CAA = 257,
};

/* Names as text, and the message that they point into. */
struct names {
    const uint8_t *start, *end;
    size_t n;
    uint8_t text[NAMES_ROOM];
};

struct name {
    const uint8_t *text; /* NULL: there was no room */
    size_t n;
};

/* ---- Names ---- */

static void
put_octet(struct names *s, uint8_t octet)
{
    static const char digits[] = "0123456789";
    if (octet == '.' || octet == '\\') {
        s->text[s->n++] = '\\';
    } else if (octet <= ' ' || octet >= 0x7f) {
        s->text[s->n++] = '\\';
        s->text[s->n++] = (uint8_t)digits[octet / 100];
        s->text[s->n++] = (uint8_t)digits[octet / 10 % 10];
        octet = (uint8_t)digits[octet % 10];
    }
    s->text[s->n++] = octet;
}

static void
put_label(struct names *s, const struct name *name, const uint8_t *label, size_t n)
{
    if (!name->text)
        return;
    if (s->text + s->n > name->text)
        s->text[s->n++] = '.';
    for (size_t i = 0; i < n; i++)
        put_octet(s, label[i]);
}

/* The next name (section 4.1.4). A pointer leads to before the name, or the piece, that has it. */
static struct name
read_name(struct cursor *c, struct names *s, const char *what)
{
    const uint8_t *at = c->pos, *end = c->end, *begin = at, *behind = NULL;
    bool fits = s->n + 4 * NAME_MAX_WIRE <= sizeof s->text;
    struct name name = {fits ? s->text + s->n : NULL, 0};
    size_t wire = 1, length;
    if (c->err)
        return name;
    for (;;) {
        if (at == end || (*at >= 0xc0 && end - at < 2)) {
            cursor_fail(c, ERR_TRUNCATED, what);
            return name;
        }
        length = *at;
        if (!length)
            break;
        if (length >= 0xc0) {
            size_t to = get_be16(at) & 0x3fffu;
            behind = behind ? behind : at + 2;
            if (to < HEADER || to >= (size_t)(begin - s->start)) {
                cursor_fail(c, ERR_MALFORMED, "compression pointer");
                return name;
            }
            at = begin = s->start + to;
            end = s->end;
        } else if (length > 63 || wire + length + 1 > NAME_MAX_WIRE) {
            cursor_fail(c, ERR_MALFORMED, length > 63 ? "label" : "length of a name");
            return name;
        } else if (length >= (size_t)(end - at)) {
            cursor_fail(c, ERR_TRUNCATED, what);
            return name;
        } else {
            put_label(s, &name, at + 1, length);
            wire += length + 1;
            at += length + 1;
        }
    }
    if (name.text && wire == 1)
        s->text[s->n++] = '.';
    name.n = name.text ? (size_t)(s->text + s->n - name.text) : 0;
    c->pos = behind ? behind : at + 1;
    return name;
}

static void
put_name(struct dissection *d, enum dns_field field, const struct name *name)
{
    uint16_t object = (uint16_t)d->pdu->n_objects;
    if (name->text)
        pdu_octets(d, (uint16_t)field, object, name->text, name->n);
    else
        d->pdu->n_left++;
}

static void
put_target(struct dissection *d, struct cursor *c, struct names *s, enum dns_field field)
{
    struct name name = read_name(c, s, "name in a record");
    if (!c->err)
        put_name(d, field, &name);
}

/* ---- Data of records ---- */

static void
put_u16(struct dissection *d, struct cursor *c, enum dns_field field, const char *what)
{
    uint16_t value = cursor_be16(c, what);
    if (!c->err)
        pdu_uint(d, (uint16_t)field, (uint16_t)d->pdu->n_objects, value);
}

static void
put_rest(struct dissection *d, struct cursor *c, enum dns_field field)
{
    size_t n = cursor_left(c);
    if (n)
        pdu_octets(d, (uint16_t)field, (uint16_t)d->pdu->n_objects, cursor_bytes(c, n, "data"), n);
}

/* Character strings (section 3.3), at most `most`. */
static void
put_strings(struct dissection *d, struct cursor *c, size_t most)
{
    while (most-- && cursor_left(c)) {
        uint8_t n = cursor_u8(c, "length of a string");
        pdu_octets(d, DNS_TEXT, (uint16_t)d->pdu->n_objects, cursor_bytes(c, n, "string"), n);
    }
}

static void
put_soa(struct dissection *d, struct cursor *c, struct names *s)
{
    put_target(d, c, s, DNS_TARGET);
    put_target(d, c, s, DNS_RESPONSIBLE);
    uint32_t serial = cursor_be32(c, "serial");
    if (!c->err)
        pdu_uint(d, DNS_SERIAL, (uint16_t)d->pdu->n_objects, serial);
    cursor_skip(c, 16, "times of a zone");
}

static void
put_naptr(struct dissection *d, struct cursor *c, struct names *s)
{
    put_u16(d, c, DNS_PREFERENCE, "order");
    put_u16(d, c, DNS_WEIGHT, "preference");
    put_strings(d, c, 3);
    put_target(d, c, s, DNS_TARGET);
}

static void
put_options(struct dissection *d, struct cursor *c)
{
    while (cursor_left(c)) {
        put_u16(d, c, DNS_OPTION, "option code");
        cursor_skip(c, cursor_be16(c, "option length"), "option");
    }
}

static void
put_address(struct dissection *d, struct cursor *c)
{
    uint32_t address = cursor_be32(c, "address");
    if (!c->err)
        pdu_uint(d, DNS_ADDRESS, (uint16_t)d->pdu->n_objects, address);
}

static void
put_caa(struct dissection *d, struct cursor *c)
{
    cursor_skip(c, 1, "flags");
    put_strings(d, c, 1);
    put_rest(d, c, DNS_TEXT);
}

static void
put_data(struct dissection *d, struct cursor *c, struct names *s, uint16_t type)
{
    switch (type) {
    case TYPE_A:
        put_address(d, c);
        break;
    case TYPE_AAAA:
        pdu_octets(d, DNS_ADDRESS6, (uint16_t)d->pdu->n_objects, cursor_bytes(c, 16, "address"),
                   16);
        break;
    case TYPE_NS:
    case TYPE_CNAME:
    case TYPE_PTR:
    case TYPE_DNAME:
        put_target(d, c, s, DNS_TARGET);
        break;
    case TYPE_SOA:
        put_soa(d, c, s);
        break;
    case TYPE_MX:
    case TYPE_AFSDB:
    case TYPE_KX:
        put_u16(d, c, DNS_PREFERENCE, "preference");
        put_target(d, c, s, DNS_TARGET);
        break;
    case TYPE_RP:
        put_target(d, c, s, DNS_RESPONSIBLE);
        put_target(d, c, s, DNS_TARGET);
        break;
    case TYPE_HINFO:
    case TYPE_TXT:
    case TYPE_SPF:
        put_strings(d, c, SIZE_MAX);
        break;
    case TYPE_SRV:
        put_u16(d, c, DNS_PREFERENCE, "priority");
        put_u16(d, c, DNS_WEIGHT, "weight");
        put_u16(d, c, DNS_PORT, "port");
        put_target(d, c, s, DNS_TARGET);
        break;
    case TYPE_NAPTR:
        put_naptr(d, c, s);
        break;
    case TYPE_OPT:
        put_options(d, c);
        break;
    case TYPE_SVCB:
    case TYPE_HTTPS:
        put_u16(d, c, DNS_PREFERENCE, "priority");
        put_target(d, c, s, DNS_TARGET);
        put_rest(d, c, DNS_DATA);
        break;
    case TYPE_CAA:
        put_caa(d, c);
        break;
    default:
        put_rest(d, c, DNS_DATA);
    }
}

/* ---- Questions and records ---- */

static void
put_class(struct dissection *d, uint16_t class)
{
    uint16_t object = (uint16_t)d->pdu->n_objects;
    pdu_uint(d, DNS_CLASS, object, class & 0x7fffu);
    if (class & 0x8000)
        pdu_uint(d, DNS_UNICAST, object, 1);
}

/* Data that cannot be, which ends where the record says: `*bad` is the first such. */
static void
put_record(struct dissection *d, struct cursor *c, struct names *s, uint16_t section,
           struct cursor *bad)
{
    struct name name = read_name(c, s, "name");
    uint16_t type = cursor_be16(c, "type"), class = cursor_be16(c, "class");
    if (c->err)
        return;
    uint16_t object = (uint16_t)++d->pdu->n_objects;
    pdu_uint(d, DNS_SECTION, object, section);
    put_name(d, DNS_NAME, &name);
    pdu_uint(d, DNS_TYPE, object, type);
    if (type == TYPE_OPT && section)
        pdu_uint(d, DNS_UDP_SIZE, object, class);
    else
        put_class(d, class);
    if (!section)
        return;
    uint32_t ttl = cursor_be32(c, "time to live");
    uint16_t size = cursor_be16(c, "length of the data");
    struct cursor data = cursor_split(c, size, "length of the data");
    if (c->err)
        return;
    if (type == TYPE_OPT)
        d->pdu->error |= ttl >> 24 << 4; /* RFC 6891 section 6.1.3 */
    else
        pdu_uint(d, DNS_TTL, object, ttl);
    pdu_uint(d, DNS_DATA_SIZE, object, size);
    if (size) /* an update deletes without data */
        put_data(d, &data, s, type);
    cursor_join(bad, &data);
}

static void
put_header(struct dissection *d, uint16_t id, uint16_t flags, const uint16_t *counts)
{
    pdu_uint(d, DNS_ID, 0, id);
    pdu_uint(d, DNS_AUTHORITATIVE, 0, flags & AA ? 1 : 0);
    pdu_uint(d, DNS_TRUNCATED, 0, flags & TC ? 1 : 0);
    pdu_uint(d, DNS_RECURSION_DESIRED, 0, flags & RD ? 1 : 0);
    pdu_uint(d, DNS_RECURSION_AVAILABLE, 0, flags & RA ? 1 : 0);
    for (unsigned i = 0; i < 4; i++)
        pdu_uint(d, (uint16_t)(DNS_QUESTIONS + i), 0, counts[i]);
}

static void
take_message(struct dissection *d, struct cursor *c)
{
    struct names s; /* not set: it is large */
    s.start = c->pos;
    s.end = c->end;
    s.n = 0;
    uint16_t id = cursor_be16(c, "id"), flags = cursor_be16(c, "flags"), counts[4];
    for (unsigned i = 0; i < 4; i++)
        counts[i] = cursor_be16(c, "number of records");
    if (c->err)
        return;
    /* Who answers without being asked does not repeat a question (RFC 6762 section 6). */
    enum pdu_kind kind = !(flags & QR)                         ? PDU_REQUEST
                         : !counts[0] && !id && !OPCODE(flags) ? PDU_REPORT
                                                               : PDU_RESPONSE;
    pdu_begin(d, kind, OPCODE(flags));
    d->pdu->error = flags & QR ? flags & 15u : 0;
    put_header(d, id, flags, counts);
    struct cursor bad = *c;
    for (uint16_t section = 0; section < 4; section++) {
        for (uint16_t i = 0; i < counts[section] && !c->err; i++)
            put_record(d, c, &s, section, &bad);
    }
    if (cursor_left(c)) {
        size_t n = cursor_left(c);
        pdu_octets(d, DNS_TRAILING, 0, cursor_bytes(c, n, "trailing octets"), n);
    }
    if (!(flags & QR))
        d->pdu->error = 0;
    if (d->pdu->error)
        d->pdu->kind = PDU_REFUSAL;
    pdu_end(d, c);
    if (bad.err && !c->err) {
        cursor_fail(c, bad.err, bad.field);
        c->offset = bad.offset;
    }
}

void
dns_dissect(struct dissection *d, struct cursor *c)
{
    if (d->carrier != CARRIER_TCP) {
        take_message(d, c);
        return;
    }
    struct cursor message = cursor_split(c, cursor_be16(c, "length"), "length");
    take_message(d, &message);
    cursor_join(c, &message);
}

/* ---- Whether it is one ---- */

enum frame_found
dns_frame(const uint8_t *data, size_t size, size_t *message)
{
    *message = 2 + HEADER;
    if (size < 2)
        return FRAME_MORE;
    if (get_be16(data) < HEADER)
        return FRAME_NOT;
    *message = 2u + get_be16(data);
    return size >= *message ? FRAME_WHOLE : FRAME_MORE;
}

/* Behind a name; NULL: there is none. Pointers are not followed. */
static const uint8_t *
behind_name(const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        if (*at >= 0xc0)
            return end - at >= 2 ? at + 2 : NULL;
        if (*at > 63)
            return NULL;
        if (!*at)
            return at + 1;
        at += *at + 1;
    }
    return NULL;
}

/* Behind a question or record; NULL: it cannot be one. */
static const uint8_t *
behind_record(const uint8_t *at, const uint8_t *end, bool is_question)
{
    bool has_32 = at < end && *at == 32; /* as each NetBIOS name has it */
    at = behind_name(at, end);
    if (!at || end - at < (is_question ? 4 : 10))
        return NULL;
    uint16_t type = get_be16(at), class = get_be16(at + 2) & 0x7fff;
    if (!type || (has_32 && (type == TYPE_NETBIOS || type == TYPE_NETBIOS + 1)))
        return NULL;
    if (type != TYPE_OPT && class != 1 && class != 3 && class != 4 && class != 254 && class != 255)
        return NULL;
    if (is_question)
        return at + 4;
    uint16_t size = get_be16(at + 8);
    return end - at - 10 >= size ? at + 10 + size : NULL;
}

static int
looks_at(const uint8_t *m, size_t size)
{
    if (size < HEADER)
        return LOOKS_NOT;
    uint16_t flags = get_be16(m + 2);
    uint32_t n_questions = get_be16(m + 4),
             n_records = get_be16(m + 6) + (uint32_t)get_be16(m + 8) + get_be16(m + 10);
    if (OPCODE(flags) > 6 || flags & Z || (!(flags & QR) && flags & 15) ||
        n_questions + n_records > RECORDS_SANE)
        return LOOKS_NOT;
    const uint8_t *at = m + HEADER, *end = m + size;
    if (!n_questions && !n_records)
        return at == end ? LOOKS_FAINT : LOOKS_NOT;
    for (uint32_t i = 0; i < n_questions; i++) {
        at = behind_record(at, end, true);
        if (!at)
            return LOOKS_FAINT;
    }
    for (uint32_t i = 0; i < n_records; i++) {
        at = behind_record(at, end, false);
        if (!at)
            return LOOKS_FAINT;
    }
    return at == end ? LOOKS_LIKE : LOOKS_FAINT;
}

/* Behind its length in a stream. */
int
dns_looks(const uint8_t *message, size_t size)
{
    int likes = looks_at(message, size);
    if (likes < LOOKS_LIKE && size >= 2 + HEADER && get_be16(message) == size - 2)
        likes = MAX(likes, looks_at(message + 2, size - 2));
    return likes;
}
