#include "base/ber.h"
#include "proto/it/snmp/snmp_private.h"

#include <stdio.h>
#include <string.h>

#define VERSION_1 0
#define VERSION_2C 1
#define VERSION_3 3
#define SECURITY_USM 3

#define TAG_INTEGER 0x02u
#define TAG_OCTETS 0x04u
#define TAG_NULL 0x05u
#define TAG_OID 0x06u
#define TAG_IP 0x40u
#define TAG_COUNTER 0x41u
#define TAG_GAUGE 0x42u
#define TAG_TICKS 0x43u
#define TAG_COUNTER_64 0x46u
#define TAG_UINT 0x47u

#define TEXTS 16384 /* octets of object identifiers in digits; those of more are left out */

/* A message being read. Its object identifiers are written out here, where they are until it has
 * been given. */
struct reading {
    struct dissection *d;
    size_t n;
    uint8_t texts[TEXTS];
};

/* ---- Values ---- */

static int64_t
get_int(struct cursor *c, const char *what)
{
    return ber_get_int(c, TAG_INTEGER, what);
}

/* Many agents leave out the zero that says it is not negative. */
static uint64_t
unsigned_of(struct cursor *value, const char *what)
{
    uint64_t number = 0;
    size_t n = cursor_left(value);
    if (!n || n > 9 || (n == 9 && *value->pos))
        cursor_fail(value, ERR_MALFORMED, what);
    while (cursor_left(value))
        number = number << 8 | cursor_u8(value, what);
    return number;
}

static uint64_t
get_uint(struct cursor *c, const char *what)
{
    struct cursor value = ber_expect(c, TAG_INTEGER, what);
    uint64_t number = unsigned_of(&value, what);
    cursor_join(c, &value);
    return number;
}

/* At most 10 digits, for which there is room. */
static void
put_part(struct reading *r, uint64_t part)
{
    uint8_t digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t)('0' + part % 10);
        part /= 10;
    } while (part);
    memcpy(r->texts + r->n, digits + at, sizeof digits - at);
    r->n += sizeof digits - at;
}

/* X.690 clause 8.19; NULL: the value has failed, or there is no room. */
static const uint8_t *
oid_text(struct reading *r, struct cursor *value, size_t *size)
{
    size_t at = r->n;
    if (!cursor_left(value))
        return NULL;
    for (bool first = true; cursor_left(value); first = false) {
        uint64_t part = 0;
        uint8_t octet;
        do {
            octet = cursor_u8(value, "object identifier");
            part = part << 7 | (octet & 0x7f);
            if (part > (uint64_t)UINT32_MAX + (first ? 80 : 0))
                cursor_fail(value, ERR_MALFORMED, "object identifier");
        } while (octet & 0x80 && !value->err);
        if (value->err || TEXTS - r->n < 16)
            break;
        uint64_t root = part < 80 ? part / 40 : 2;
        if (first)
            put_part(r, root);
        r->texts[r->n++] = '.';
        put_part(r, first ? part - root * 40 : part);
    }
    bool whole = !value->err && !cursor_left(value);
    *size = r->n - at;
    if (!whole)
        r->n = at;
    return whole ? r->texts + at : NULL;
}

static void
put_oid(struct reading *r, struct cursor *value, uint16_t field, uint16_t object)
{
    size_t size;
    const uint8_t *text = oid_text(r, value, &size);
    if (text)
        pdu_octets(r->d, field, object, text, size);
    else if (!value->err && cursor_left(value)) {
        cursor_skip(value, cursor_left(value), "object identifier");
        r->d->pdu->n_left++;
    }
}

static void
put_ip(struct dissection *d, struct cursor *value, uint16_t field, uint16_t object)
{
    uint32_t ip = cursor_be32(value, "IpAddress");
    if (!value->err)
        pdu_uint(d, field, object, ip);
}

static bool
is_text(const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool ends = !octets[i] && i + 1 == size;
        if (!ends && (octets[i] < ' ' || octets[i] == 0x7f) &&
            (octets[i] < '\t' || octets[i] > '\r'))
            return false;
    }
    return true;
}

/* ---- Variables ---- */

/* The numbers behind `root` in an OID's text, at most two; 0: it is not below it. */
static unsigned
below(const char *text, size_t size, const char *root, unsigned numbers[2])
{
    size_t n = strlen(root);
    unsigned k = 0;
    if (size <= n || memcmp(text, root, n) != 0)
        return 0;
    numbers[0] = numbers[1] = 0;
    for (size_t i = n; i < size && k < 2; i++) {
        if (text[i] == '.')
            k++;
        else if (numbers[k] < 100000000)
            numbers[k] = numbers[k] * 10 + (unsigned)(text[i] - '0');
    }
    return k < 2 ? k + 1 : 2;
}

/* The device itself is the first entity; Cisco's stacks count from 1001. */
static unsigned
variable_of(const uint8_t *octets, size_t size)
{
    const char *text = (const char *)octets;
    unsigned numbers[2];
    if (below(text, size, "1.3.6.1.2.1.1.", numbers) && numbers[0] >= 1 && numbers[0] <= 6)
        return numbers[0];
    if (below(text, size, "1.3.6.1.6.3.1.1.4.", numbers) && numbers[0] == 1)
        return SNMP_TRAP_OID;
    if (below(text, size, "1.3.6.1.2.1.47.1.1.1.1.", numbers) && numbers[0] >= 2 &&
        numbers[0] <= 16)
        return (numbers[1] == 1 || numbers[1] == 1001 ? SNMP_ENTITY : SNMP_PART) + numbers[0];
    return 0;
}

/* The value of sysObjectID is of who made the agent. */
static void
put_maker(struct dissection *d, const struct field *id, uint16_t object)
{
    unsigned numbers[2];
    if (!id || !below((const char *)id->octets, id->n, "1.3.6.1.4.1.", numbers))
        return;
    pdu_uint(d, SNMP_ENTERPRISE, object, numbers[0]);
    if (field_value_word(&d->protocol->fields[SNMP_VENDOR], numbers[0]))
        pdu_uint(d, SNMP_VENDOR, object, numbers[0]);
}

static void
put_value(struct reading *r, struct cursor *value, uint32_t tag, uint16_t object)
{
    size_t n = cursor_left(value);
    struct dissection *d = r->d;
    uint64_t number;
    int64_t signed_number;
    const uint8_t *octets;
    switch (tag) {
    case TAG_INTEGER:
        signed_number = ber_int(value, "INTEGER");
        if (!value->err)
            pdu_int(d, SNMP_INT, object, signed_number);
        break;
    case TAG_COUNTER:
    case TAG_GAUGE:
    case TAG_TICKS:
    case TAG_COUNTER_64:
    case TAG_UINT:
        number = unsigned_of(value, "number");
        if (!value->err)
            pdu_uint(d, SNMP_UINT, object, number);
        break;
    case TAG_OID:
        put_oid(r, value, SNMP_OBJECT_ID, object);
        break;
    case TAG_IP:
        put_ip(d, value, SNMP_IP, object);
        break;
    case TAG_OCTETS:
        octets = cursor_bytes(value, n, "OCTET STRING");
        pdu_octets(d, is_text(octets, n) ? SNMP_TEXT : SNMP_OCTETS, object, octets, n);
        break;
    default: /* NULL, noSuchObject, noSuchInstance, endOfMibView have none */
        if (n)
            pdu_octets(d, SNMP_OCTETS, object, cursor_bytes(value, n, "value"), n);
    }
}

static unsigned
put_variable(struct reading *r, struct cursor *c)
{
    struct cursor binding = ber_expect(c, BER_SEQUENCE, "VarBind");
    struct cursor name = ber_expect(&binding, TAG_OID, "name");
    uint16_t object = 0;
    unsigned variable = 0;
    size_t size = 0;
    if (!name.err) {
        object = (uint16_t)++r->d->pdu->n_objects;
        const uint8_t *text = oid_text(r, &name, &size);
        if (text) {
            pdu_octets(r->d, SNMP_OID, object, text, size);
            variable = variable_of(text, size);
        } else {
            cursor_skip(&name, cursor_left(&name), "name");
            r->d->pdu->n_left++;
        }
        if (variable)
            pdu_uint(r->d, SNMP_VARIABLE, object, variable);
    }
    cursor_join(&binding, &name);
    uint32_t tag;
    struct cursor value = ber_read(&binding, &tag, "value");
    if (!value.err) {
        uint32_t first = r->d->pdu->n_fields;
        pdu_uint(r->d, SNMP_TYPE, object, tag);
        put_value(r, &value, tag, object);
        const struct pdu *p = r->d->pdu;
        if (variable == SNMP_SYS_OBJECT_ID && tag == TAG_OID && p->n_fields == first + 2)
            put_maker(r->d, &p->fields[first + 1], object);
    }
    cursor_join(&binding, &value);
    cursor_join(c, &binding);
    return variable;
}

static void
put_variables(struct reading *r, struct cursor *c)
{
    bool asks_who = false;
    struct cursor list = ber_expect(c, BER_SEQUENCE, "VarBindList");
    while (cursor_left(&list) && r->d->pdu->n_objects < UINT16_MAX) {
        unsigned variable = put_variable(r, &list);
        asks_who |= variable && variable != SNMP_SYS_UP_TIME && variable != SNMP_TRAP_OID;
    }
    cursor_join(c, &list);
    if (asks_who && r->d->pdu->act == ACT_READ)
        r->d->pdu->act = ACT_IDENTIFY;
}

/* ---- PDUs ---- */

static enum pdu_kind
kind_of(uint32_t tag)
{
    switch (tag) {
    case SNMP_RESPONSE:
    case SNMP_REPORT:
        return PDU_RESPONSE;
    case SNMP_TRAP_1:
    case SNMP_TRAP_2:
    case SNMP_INFORM:
        return PDU_REPORT;
    default:
        return PDU_REQUEST;
    }
}

static void
begin(struct reading *r, uint32_t function, enum pdu_kind kind)
{
    pdu_begin_with(r->d, kind, function, r->d->pdu->n_fields); /* its head has been read already */
}

static void
put_trap_1(struct reading *r, struct cursor *c)
{
    struct dissection *d = r->d;
    struct cursor enterprise = ber_expect(c, TAG_OID, "enterprise");
    put_oid(r, &enterprise, SNMP_TRAP_ENTERPRISE, 0);
    cursor_join(c, &enterprise);
    struct cursor agent = ber_expect(c, TAG_IP, "agent-addr");
    put_ip(d, &agent, SNMP_TRAP_AGENT, 0);
    cursor_join(c, &agent);
    int64_t generic = get_int(c, "generic-trap"), specific = get_int(c, "specific-trap");
    struct cursor time = ber_expect(c, TAG_TICKS, "time-stamp");
    uint64_t ticks = unsigned_of(&time, "time-stamp");
    cursor_join(c, &time);
    if (c->err)
        return;
    pdu_int(d, SNMP_TRAP_GENERIC, 0, generic);
    pdu_int(d, SNMP_TRAP_SPECIFIC, 0, specific);
    pdu_uint(d, SNMP_TRAP_TIME, 0, ticks);
}

static void
put_head(struct reading *r, struct cursor *c, uint32_t tag)
{
    struct dissection *d = r->d;
    int64_t id = get_int(c, "request-id"), first = get_int(c, "error-status"),
            second = get_int(c, "error-index");
    if (c->err)
        return;
    pdu_int(d, SNMP_REQUEST_ID, 0, id);
    if (tag == SNMP_GET_BULK) {
        pdu_int(d, SNMP_NON_REPEATERS, 0, first);
        pdu_int(d, SNMP_MAX_REPETITIONS, 0, second);
    } else if (first) {
        d->pdu->error = (uint32_t)first;
        if (d->pdu->kind == PDU_RESPONSE)
            d->pdu->kind = PDU_REFUSAL;
        pdu_int(d, SNMP_ERROR_INDEX, 0, second);
    }
}

static void
put_pdu(struct reading *r, struct cursor *c)
{
    uint32_t tag;
    struct cursor pdu = ber_read(c, &tag, "PDU");
    if (!c->err && (tag < SNMP_GET || tag > SNMP_REPORT))
        cursor_fail(c, ERR_MALFORMED, "PDU");
    if (c->err)
        return;
    begin(r, tag, kind_of(tag));
    if (tag == SNMP_TRAP_1)
        put_trap_1(r, &pdu);
    else
        put_head(r, &pdu, tag);
    put_variables(r, &pdu);
    cursor_join(c, &pdu);
    pdu_end(r->d, c);
}

/* ---- Version 3 ---- */

/* RFC 3411 section 5, SnmpEngineID. */
static void
put_engine(struct dissection *d, const uint8_t *octets, size_t n)
{
    if (!n)
        return;
    pdu_octets(d, SNMP_ENGINE, 0, octets, n);
    if (n < 5)
        return;
    uint32_t enterprise = get_be32(octets) & 0x7fffffff;
    pdu_uint(d, SNMP_ENGINE_ENTERPRISE, 0, enterprise);
    if (field_value_word(&d->protocol->fields[SNMP_VENDOR], enterprise))
        pdu_uint(d, SNMP_ENGINE_VENDOR, 0, enterprise);
    if (!(octets[0] & 0x80))
        return;
    if (octets[4] == 1 && n == 9)
        pdu_uint(d, SNMP_ENGINE_IP, 0, get_be32(octets + 5));
    else if (octets[4] == 3 && n == 11)
        pdu_octets(d, SNMP_ENGINE_MAC, 0, octets + 5, 6);
    else if (octets[4] == 4)
        pdu_octets(d, SNMP_ENGINE_TEXT, 0, octets + 5, n - 5);
}

static void
put_security(struct dissection *d, struct cursor *c)
{
    struct cursor usm = ber_expect(c, BER_SEQUENCE, "UsmSecurityParameters");
    struct ber_text engine = ber_get_text(&usm, TAG_OCTETS, "msgAuthoritativeEngineID");
    uint64_t boots = get_uint(&usm, "msgAuthoritativeEngineBoots"),
             time = get_uint(&usm, "msgAuthoritativeEngineTime");
    struct ber_text user = ber_get_text(&usm, TAG_OCTETS, "msgUserName");
    (void)ber_get_text(&usm, TAG_OCTETS, "msgAuthenticationParameters");
    (void)ber_get_text(&usm, TAG_OCTETS, "msgPrivacyParameters");
    if (!usm.err) {
        put_engine(d, (const uint8_t *)engine.data, engine.size);
        pdu_uint(d, SNMP_ENGINE_BOOTS, 0, boots);
        pdu_uint(d, SNMP_ENGINE_TIME, 0, time);
        if (user.size)
            pdu_octets(d, SNMP_USER, 0, (const uint8_t *)user.data, user.size);
    }
    cursor_join(c, &usm);
}

static void
put_scoped(struct reading *r, struct cursor *c)
{
    struct cursor scoped = ber_expect(c, BER_SEQUENCE, "ScopedPDU");
    struct ber_text engine = ber_get_text(&scoped, TAG_OCTETS, "contextEngineID"),
                    name = ber_get_text(&scoped, TAG_OCTETS, "contextName");
    if (!scoped.err && engine.size)
        pdu_octets(r->d, SNMP_CONTEXT_ENGINE, 0, (const uint8_t *)engine.data, engine.size);
    if (!scoped.err && name.size)
        pdu_octets(r->d, SNMP_CONTEXT, 0, (const uint8_t *)name.data, name.size);
    if (!scoped.err)
        put_pdu(r, &scoped);
    cursor_join(c, &scoped);
}

/* Who sends it, the ports say: what it is, nobody. */
static void
put_encrypted(struct reading *r, struct cursor *c)
{
    struct cursor octets = ber_read(c, NULL, "encryptedPDU");
    cursor_skip(&octets, cursor_left(&octets), "encryptedPDU");
    cursor_join(c, &octets);
    begin(r, SNMP_ENCRYPTED, r->d->side == SIDE_SERVER ? PDU_RESPONSE : PDU_REQUEST);
    pdu_end(r->d, c);
}

static void
put_version_3(struct reading *r, struct cursor *c)
{
    struct dissection *d = r->d;
    struct cursor global = ber_expect(c, BER_SEQUENCE, "msgGlobalData");
    int64_t id = get_int(&global, "msgID"), max = get_int(&global, "msgMaxSize");
    struct ber_text flags = ber_get_text(&global, TAG_OCTETS, "msgFlags");
    int64_t model = get_int(&global, "msgSecurityModel");
    if (!global.err && flags.size != 1)
        cursor_fail(&global, ERR_MALFORMED, "msgFlags");
    cursor_join(c, &global);
    if (c->err)
        return;
    uint8_t bits = (uint8_t)flags.data[0];
    pdu_int(d, SNMP_MESSAGE_ID, 0, id);
    pdu_int(d, SNMP_MESSAGE_MAX, 0, max);
    pdu_uint(d, SNMP_AUTHENTICATED, 0, bits & 1);
    pdu_uint(d, SNMP_PRIVATE, 0, bits >> 1 & 1);
    pdu_uint(d, SNMP_REPORTABLE, 0, bits >> 2 & 1);
    pdu_int(d, SNMP_SECURITY_MODEL, 0, model);
    struct cursor security = ber_expect(c, TAG_OCTETS, "msgSecurityParameters");
    if (model == SECURITY_USM)
        put_security(d, &security);
    else
        cursor_skip(&security, cursor_left(&security), "msgSecurityParameters");
    cursor_join(c, &security);
    if (c->err)
        return;
    if (ber_peek(c) == TAG_OCTETS)
        put_encrypted(r, c);
    else
        put_scoped(r, c);
}

/* ---- Messages ---- */

void
snmp_dissect(struct dissection *d, struct cursor *c)
{
    struct reading r;
    r.d = d;
    r.n = 0;
    struct cursor message = ber_expect(c, BER_SEQUENCE, "message");
    int64_t version = get_int(&message, "version");
    if (!message.err && version != VERSION_1 && version != VERSION_2C && version != VERSION_3)
        cursor_fail(&message, ERR_UNSUPPORTED, "version");
    if (!message.err) {
        pdu_begin(d, PDU_REQUEST, SNMP_ENCRYPTED);
        pdu_int(d, SNMP_VERSION, 0, version);
        if (version == VERSION_3) {
            put_version_3(&r, &message);
        } else {
            struct ber_text community = ber_get_text(&message, TAG_OCTETS, "community");
            if (!message.err) {
                pdu_octets(d, SNMP_COMMUNITY, 0, (const uint8_t *)community.data, community.size);
                put_pdu(&r, &message);
            }
        }
    }
    cursor_join(c, &message);
    if (!c->err && cursor_left(c))
        cursor_fail(c, ERR_MALFORMED, "trailing octets");
}

int
snmp_looks(const uint8_t *message, size_t size)
{
    struct cursor c = cursor_over(message, size);
    struct cursor inner = ber_expect(&c, BER_SEQUENCE, "message");
    uint64_t version = ber_get_uint(&inner, TAG_INTEGER, "version");
    if (inner.err || version > VERSION_3 || version == 2)
        return LOOKS_NOT;
    uint32_t tag = ber_peek(&inner);
    if (cursor_left(&c) || tag != (version == VERSION_3 ? BER_SEQUENCE : TAG_OCTETS))
        return LOOKS_FAINT;
    struct cursor next = ber_read(&inner, NULL, "community");
    if (version == VERSION_3)
        return !next.err && ber_peek(&next) == TAG_INTEGER && ber_peek(&inner) == TAG_OCTETS
                   ? LOOKS_SURE
                   : LOOKS_FAINT;
    tag = ber_peek(&inner);
    return tag >= SNMP_GET && tag <= SNMP_REPORT ? LOOKS_SURE : LOOKS_FAINT;
}
