/* identity.h - which fields of which protocols say what a device is. Data: a row for each, by the
 * names that the protocols' tables have. */
#ifndef SENSOR_IDENTITY_H
#define SENSOR_IDENTITY_H

#include "dissect/protocol.h"

enum attribute {
    ATTRIBUTE_VENDOR,
    ATTRIBUTE_MODEL,
    ATTRIBUTE_ORDER_CODE,
    ATTRIBUTE_FIRMWARE,
    ATTRIBUTE_HARDWARE,
    ATTRIBUTE_SERIAL,
    ATTRIBUTE_NAME,
    ATTRIBUTE_LOCATION,
    ATTRIBUTE_DESCRIPTION,
    ATTRIBUTES,
};
const char *attribute_word(enum attribute); /* "order-code"; static */

struct identity_row {
    const char *protocol, *field;
    const char *where; /* another field of the same object that must be `is`; NULL: any */
    uint64_t is;
    enum attribute attribute;
    uint8_t confidence; /* 1 to 100 */
};

/* Rows of a protocol, with fields resolved. */
struct identity_rules {
    const struct protocol *protocol;
    size_t n;
    uint64_t fields[PROTOCOL_FIELDS / 64]; /* that rules are of, a bit each */
    struct identity_rule {
        const struct identity_row *row;
        uint16_t field, where;
    } rules[32];
};

extern const struct identity_row identity_rows[];
extern const size_t identity_n_rows;

/* False: a row names a field that the protocol does not have; `*wrong` is it. */
bool identity_resolve(const struct protocol *, struct identity_rules *,
                      const struct identity_row **wrong);

/* What a message says of who sent it: not a request, which is about another, unless the protocol's
 * requests are not (`asker_tells`). A text is valid while
 * the message is. */
void identity_read(const struct identity_rules *, const struct pdu *,
                   void (*)(void *arg, const struct identity_row *, const char *text, size_t size),
                   void *arg);

#endif
