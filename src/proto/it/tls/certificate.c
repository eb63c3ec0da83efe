#include "base/ber.h"
#include "proto/it/tls/tls_private.h"

#include <openssl/evp.h>
#include <time.h>

#define UTC_TIME 0x17u
#define GENERALIZED_TIME 0x18u
#define OID 0x06u
#define INTEGER 0x02u
#define OCTET_STRING 0x04u
#define SET 0x31u

/* ---- Names ---- */

/* The attribute's field in a name (X.520): of 2.5.4.`type`; -1: it is not told. */
static int
field_of(uint8_t type, bool is_issuer)
{
    switch (type) {
    case 3:
        return is_issuer ? TLS_ISSUER_NAME : TLS_SUBJECT_NAME;
    case 10:
        return is_issuer ? TLS_ISSUER_ORGANIZATION : TLS_SUBJECT_ORGANIZATION;
    case 11:
        return is_issuer ? -1 : TLS_SUBJECT_UNIT;
    case 5:
        return is_issuer ? -1 : TLS_SUBJECT_SERIAL;
    default:
        return -1;
    }
}

static void
put_attribute(struct dissection *d, struct cursor *c, bool is_issuer)
{
    struct cursor pair = ber_expect(c, BER_SEQUENCE, "attribute of a name");
    struct ber_text oid = ber_get_text(&pair, OID, "attribute's type");
    struct cursor value = ber_read(&pair, NULL, "attribute's value");
    size_t n = cursor_left(&value);
    const uint8_t *text = cursor_bytes(&value, n, "attribute's value");
    cursor_join(&pair, &value);
    cursor_join(c, &pair);
    if (c->err || oid.size != 3 || memcmp(oid.data, "\x55\x04", 2) != 0)
        return;
    int field = field_of((uint8_t)oid.data[2], is_issuer);
    if (field >= 0)
        pdu_octets(d, (uint16_t)field, (uint16_t)d->pdu->n_objects, text, n);
}

static void
put_name(struct dissection *d, struct cursor *c, bool is_issuer)
{
    struct cursor name = ber_expect(c, BER_SEQUENCE, is_issuer ? "issuer" : "subject");
    while (cursor_left(&name)) {
        struct cursor set = ber_expect(&name, SET, "part of a name");
        while (cursor_left(&set))
            put_attribute(d, &set, is_issuer);
        cursor_join(&name, &set);
    }
    cursor_join(c, &name);
}

/* ---- Validity ---- */

static int
two_digits(const uint8_t *at)
{
    return at[0] >= '0' && at[0] <= '9' && at[1] >= '0' && at[1] <= '9'
               ? (at[0] - '0') * 10 + at[1] - '0'
               : -1;
}

/* YYMMDDhhmmssZ, or with the century before (RFC 5280 section 4.1.2.5). What does not fit into the
 * years of nsec_t is the nearest that does. */
static void
put_time(struct dissection *d, struct cursor *c, enum tls_field field)
{
    uint32_t tag;
    struct cursor value = ber_read(c, &tag, "time");
    size_t n = cursor_left(&value), at = tag == GENERALIZED_TIME ? 4 : 2;
    const uint8_t *text = cursor_bytes(&value, n, "time");
    int numbers[6] = {0}, century = 0;
    if (!c->err && ((tag != UTC_TIME && tag != GENERALIZED_TIME) || n < at + 10))
        cursor_fail(c, ERR_MALFORMED, "time");
    if (c->err)
        return;
    for (unsigned i = 0; i < 5; i++)
        numbers[i] = two_digits(text + at - 2 + 2 * i);
    if (n >= at + 10 && text[at + 8] != 'Z')
        numbers[5] = two_digits(text + at + 8);
    century = tag == GENERALIZED_TIME ? two_digits(text) : numbers[0] >= 50 ? 19 : 20;
    for (unsigned i = 0; i < 6; i++) {
        if (numbers[i] < 0 || century < 0) {
            cursor_fail(c, ERR_MALFORMED, "time");
            return;
        }
    }
    struct tm tm = {.tm_year = century * 100 + numbers[0] - 1900,
                    .tm_mon = numbers[1] - 1,
                    .tm_mday = numbers[2],
                    .tm_hour = numbers[3],
                    .tm_min = numbers[4],
                    .tm_sec = numbers[5]};
    time_t seconds = timegm(&tm);
    time_t most = (time_t)(INT64_MAX / NSEC_PER_SEC);
    seconds = seconds < 0 ? 0 : MIN(seconds, most);
    pdu_int(d, (uint16_t)field, (uint16_t)d->pdu->n_objects, seconds * NSEC_PER_SEC);
}

/* ---- Extensions ---- */

/* GeneralNames (RFC 5280 section 4.2.1.6): mailboxes 1, host names 2, URIs 6, addresses 7. */
static void
put_alternatives(struct dissection *d, struct cursor *c)
{
    struct cursor names = ber_expect(c, BER_SEQUENCE, "alternative names");
    while (cursor_left(&names)) {
        uint32_t tag;
        struct cursor value = ber_read(&names, &tag, "alternative name");
        size_t n = cursor_left(&value);
        const uint8_t *octets = cursor_bytes(&value, n, "alternative name");
        uint16_t object = (uint16_t)d->pdu->n_objects;
        if (tag == BER_CONTEXT(1) || tag == BER_CONTEXT(2) || tag == BER_CONTEXT(6))
            pdu_octets(d, TLS_ALTERNATIVE_NAME, object, octets, n);
        else if (tag == BER_CONTEXT(7))
            pdu_octets(d, TLS_ALTERNATIVE_ADDRESS, object, octets, n);
        cursor_join(&names, &value);
    }
    cursor_join(c, &names);
}

static void
put_extension(struct dissection *d, struct cursor *c)
{
    struct cursor extension = ber_expect(c, BER_SEQUENCE, "extension");
    struct ber_text oid = ber_get_text(&extension, OID, "extension's type");
    if (ber_peek(&extension) == 0x01)
        ber_get_bool(&extension, 0x01, "critical");
    struct cursor value = ber_expect(&extension, OCTET_STRING, "extension's value");
    if (!extension.err && oid.size == 3 && !memcmp(oid.data, "\x55\x1d\x11", 3))
        put_alternatives(d, &value);
    else
        value.pos = value.end;
    cursor_join(&extension, &value);
    cursor_join(c, &extension);
}

static void
put_extensions(struct dissection *d, struct cursor *c)
{
    struct cursor outer = ber_expect(c, BER_CONSTRUCTED(3), "extensions");
    struct cursor list = ber_expect(&outer, BER_SEQUENCE, "extensions");
    while (cursor_left(&list))
        put_extension(d, &list);
    cursor_join(&outer, &list);
    cursor_join(c, &outer);
}

static void
skip_value(struct cursor *c, const char *what)
{
    struct cursor value = ber_read(c, NULL, what);
    value.pos = value.end;
    cursor_join(c, &value);
}

/* ---- The certificate ---- */

void
tls_certificate(struct dissection *d, struct cursor *c, uint8_t *digest)
{
    uint16_t object = (uint16_t)++d->pdu->n_objects;
    pdu_uint(d, TLS_CERTIFICATE, object, object - 1u);
    pdu_uint(d, TLS_CERTIFICATE_SIZE, object, cursor_left(c));
    if (digest && EVP_Q_digest(NULL, "SHA256", NULL, c->pos, cursor_left(c), digest, NULL))
        pdu_octets(d, TLS_CERTIFICATE_SHA256, object, digest, TLS_SHA256_SIZE);
    struct cursor certificate = ber_expect(c, BER_SEQUENCE, "certificate");
    struct cursor body = ber_expect(&certificate, BER_SEQUENCE, "certificate's body");
    if (ber_peek(&body) == BER_CONSTRUCTED(0))
        skip_value(&body, "version");
    struct ber_text serial = ber_get_text(&body, INTEGER, "serial number");
    if (!body.err)
        pdu_octets(d, TLS_SERIAL, object, (const uint8_t *)serial.data, serial.size);
    skip_value(&body, "signature's algorithm");
    put_name(d, &body, true);
    struct cursor validity = ber_expect(&body, BER_SEQUENCE, "validity");
    put_time(d, &validity, TLS_NOT_BEFORE);
    put_time(d, &validity, TLS_NOT_AFTER);
    cursor_join(&body, &validity);
    put_name(d, &body, false);
    skip_value(&body, "public key");
    while (cursor_left(&body)) {
        if (ber_peek(&body) == BER_CONSTRUCTED(3))
            put_extensions(d, &body);
        else
            skip_value(&body, "unique identifier");
    }
    cursor_join(&certificate, &body);
    skip_value(&certificate, "signature's algorithm");
    skip_value(&certificate, "signature");
    cursor_join(c, &certificate);
}
