/* Session, presentation and association: what carries MMS, and what begins and ends it. */
#include "proto/ot/mms/mms_private.h"

#include <stdio.h>
#include <string.h>

#define SPDU_DATA 1 /* also: give tokens, which stands before it */
#define SPDU_CONNECT 13
#define USER_DATA 0xc1
#define EXTENDED_USER_DATA 0xc2
#define FULLY_ENCODED BER_APPLICATION(1)

/* ---- Session ---- */

static size_t
session_length(struct cursor *c)
{
    uint8_t length = cursor_u8(c, "session length");
    return length == 0xff ? cursor_be16(c, "session length") : length;
}

/* The user data among the parameters of an SPDU; empty: there is none. */
static struct cursor
find_user_data(struct cursor *c)
{
    while (cursor_left(c)) {
        uint8_t code = cursor_u8(c, "session parameter");
        size_t size = session_length(c);
        struct cursor value = cursor_split(c, size, "session parameter");
        if (!value.err && (code == USER_DATA || code == EXTENDED_USER_DATA))
            return value;
    }
    return cursor_over(NULL, 0);
}

/* Moves past the session's SPDUs to their user data, in `*data`. Returns the last one's number. */
static uint8_t
read_session(struct cursor *c, struct cursor *data)
{
    uint8_t spdu = cursor_u8(c, "session SPDU");
    struct cursor parameters = cursor_split(c, session_length(c), "session length");
    if (spdu != SPDU_DATA) {
        *data = find_user_data(&parameters);
        mms_up(c, &parameters);
        return spdu;
    }
    if (cursor_u8(c, "session SPDU") != SPDU_DATA)
        cursor_fail(c, ERR_UNSUPPORTED, "session SPDU");
    cursor_skip(c, session_length(c), "session length");
    *data = cursor_split(c, cursor_left(c), "user data");
    return spdu;
}

/* ---- Does it look like it? ---- */

/* An MMS PDU at once, as some leave out all that should be between: its tag, and its length. */
static bool
is_bare(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_over(data, size);
    uint32_t tag;
    if (!size || data[0] < 0x85 || (data[0] > 0x8c && data[0] < 0xa0) || data[0] > 0xad)
        return false;
    (void)ber_read(&c, &tag, "MMS PDU");
    return !c.err && !cursor_left(&c);
}

int
mms_looks(const uint8_t *message, size_t size)
{
    static const uint8_t begins[] = {1, 0, 1, 0, FULLY_ENCODED};
    static const uint8_t iso9506[] = {0x28, 0xca, 0x22}; /* 1.0.9506, in a connection's contexts */
    struct cursor c = cursor_over(message, size);
    struct iso_tpdu t;
    iso_read(&c, &t);
    if (c.err)
        return LOOKS_NOT;
    if (t.code != 0xf0)
        return iso_looks(&t) ? LOOKS_SHARED + 1 : LOOKS_NOT;
    if (t.size > sizeof begins && !memcmp(t.data, begins, sizeof begins))
        return LOOKS_SURE;
    if (is_bare(t.data, t.size))
        return LOOKS_LIKE;
    struct cursor session = cursor_over(t.data, t.size);
    uint8_t spdu = cursor_u8(&session, "session SPDU");
    if (spdu < SPDU_CONNECT || spdu > SPDU_CONNECT + 1 || session_length(&session) < 2 ||
        session.err)
        return LOOKS_NOT;
    return memmem(t.data, t.size, iso9506, sizeof iso9506) ? LOOKS_SURE : LOOKS_FAINT;
}

/* ---- Association ---- */

/* An object identifier as a text that lasts as long as the message is given. */
static void
put_title(struct dissection *d, uint16_t id, unsigned which, struct cursor *c)
{
    struct mms_state *s = d->state;
    struct cursor oid = ber_read(c, NULL, "application process title");
    size_t n = 0, left = cursor_left(&oid);
    uint32_t part = 0;
    bool is_first = true;
    mms_up(c, &oid);
    if (!s || !left)
        return;
    char *text = s->titles[which];
    for (size_t i = 0; i < left && n < MMS_TITLE_SIZE; i++) {
        part = part << 7 | (oid.pos[i] & 0x7f);
        if (oid.pos[i] & 0x80)
            continue;
        uint32_t root = MIN(part / 40, 2);
        n += (size_t)(is_first
                          ? snprintf(text + n, MMS_TITLE_SIZE - n, "%u.%u", root, part - 40 * root)
                          : snprintf(text + n, MMS_TITLE_SIZE - n, ".%u", part));
        is_first = false;
        part = 0;
    }
    pdu_octets(d, id, 0, (uint8_t *)text, MIN(n, MMS_TITLE_SIZE - 1));
}

/* The MMS PDU within an association's user information. */
static void
find_information(struct cursor *c, struct cursor *pdu)
{
    uint32_t tag;
    struct cursor external = ber_read(c, NULL, "user information");
    while (cursor_left(&external)) {
        struct cursor part = ber_read(&external, &tag, "user information");
        if (tag == BER_CONSTRUCTED(0) && !part.err)
            *pdu = part;
    }
    mms_up(c, &external);
}

/* AARQ, AARE, RLRQ, RLRE, ABRT; what is in the user information goes to `*pdu`. */
static void
put_association(struct dissection *d, uint32_t kind, struct cursor *c, struct cursor *pdu)
{
    bool asks = kind == BER_APPLICATION(0);
    uint32_t tag;
    while (cursor_left(c)) {
        struct cursor part = ber_read(c, &tag, "association");
        switch (part.err ? BER_NONE : tag) {
        case BER_CONSTRUCTED(2):
            if (asks)
                put_title(d, MMS_CALLED_TITLE, 0, &part);
            else if (kind == BER_APPLICATION(1))
                pdu_uint(d, MMS_RESULT, 0, ber_get_uint(&part, 2, "result"));
            break;
        case BER_CONSTRUCTED(3):
            if (asks)
                pdu_uint(d, MMS_CALLED_QUALIFIER, 0, ber_get_uint(&part, 2, "qualifier"));
            break;
        case BER_CONSTRUCTED(4):
            if (kind == BER_APPLICATION(1)) /* who responds */
                put_title(d, MMS_CALLED_TITLE, 0, &part);
            break;
        case BER_CONSTRUCTED(6):
            if (asks)
                put_title(d, MMS_CALLING_TITLE, 1, &part);
            break;
        case BER_CONSTRUCTED(7):
            if (asks)
                pdu_uint(d, MMS_CALLING_QUALIFIER, 0, ber_get_uint(&part, 2, "qualifier"));
            break;
        case BER_CONTEXT(11): /* mechanism name, of a request */
            if (asks)
                pdu_uint(d, MMS_AUTHENTICATED, 0, 1);
            break;
        case BER_CONSTRUCTED(30):
            find_information(&part, pdu);
            break;
        default:
            break;
        }
        mms_up(c, &part);
    }
}

/* ---- Presentation ---- */

/* Presentation data values: ACSE's or MMS' PDUs. Returns how many MMS PDUs were given. */
static unsigned
take_values(struct dissection *d, struct cursor *c, const struct cursor *message)
{
    unsigned n = 0;
    while (cursor_left(c)) {
        struct cursor list = ber_expect(c, BER_SEQUENCE, "presentation data"), pdu;
        if (ber_peek(&list) == 6)
            ber_read(&list, NULL, "transfer syntax");
        (void)ber_get_uint(&list, 2, "presentation context");
        struct cursor value = ber_read(&list, NULL, "presentation data value");
        uint32_t tag = ber_peek(&value);
        pdu = value;
        if (!value.err && tag >= BER_APPLICATION(0) && tag <= BER_APPLICATION(4)) {
            struct cursor association = ber_read(&value, NULL, "association");
            pdu = cursor_over(NULL, 0);
            put_association(d, tag, &association, &pdu);
            mms_up(&value, &association);
        }
        if (cursor_left(&pdu)) {
            mms_pdu(d, &pdu, message);
            mms_up(&value, &pdu);
            n++;
        }
        mms_up(&list, &value);
        mms_up(c, &list);
    }
    return n;
}

/* A connection's presentation PDU: its parameters, and the user data among them. */
static struct cursor
find_fully_encoded(struct cursor *c)
{
    uint32_t tag;
    struct cursor none = cursor_over(NULL, 0);
    while (cursor_left(c)) {
        struct cursor part = ber_read(c, &tag, "presentation");
        if (part.err)
            break;
        if (tag == FULLY_ENCODED)
            return part;
        if (tag == 0x31 || tag == BER_CONSTRUCTED(2)) /* normal mode, or all of it */
            *c = part;
    }
    return none;
}

void
mms_dissect(struct dissection *d, struct cursor *message)
{
    struct mms_state *s = d->state;
    struct mms_way *w = s ? &s->ways[d->way] : NULL;
    struct cursor c, data = cursor_over(NULL, 0);
    const struct iso_carriage by = {
        .assembly = w ? &w->assembly : NULL, .octets = w ? w->octets : NULL, .room = MMS_TSDU_MAX};
    if (!iso_take(d, message, &by, &c))
        return;
    bool bare = is_bare(c.pos, cursor_left(&c));
    uint8_t spdu = bare ? SPDU_DATA : read_session(&c, &data);
    if (bare) {
        pdu_begin(d, PDU_LINK, MMS_SESSION | spdu);
        mms_pdu(d, &c, message);
    } else if (!c.err) {
        pdu_begin(d, PDU_LINK, MMS_SESSION | spdu);
        struct cursor values = find_fully_encoded(&data);
        unsigned n = take_values(d, &values, message);
        mms_up(&data, &values);
        mms_up(&c, &data);
        if (!n && !c.err)
            pdu_end(d, message);
    }
    iso_fail(message, &c);
}
