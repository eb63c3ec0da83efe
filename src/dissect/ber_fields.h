/* ber_fields.h - the fields of a BER SEQUENCE, read by a table of their tags. Their order is the
 * sender's: what a table does not know is the caller's to read or to skip. */
#ifndef DISSECT_BER_FIELDS_H
#define DISSECT_BER_FIELDS_H

#include "base/ber.h"
#include "dissect/protocol.h"

enum ber_kind {
    BER_KIND_TEXT,
    BER_KIND_OCTETS,
    BER_KIND_BOOL,
    BER_KIND_UINT,     /* an INTEGER that is never negative */
    BER_KIND_FIXED,    /* an unsigned number of exactly `size` octets */
    BER_KIND_UTC_TIME, /* of IEC 61850; its quality is the field behind, `field` + 1 */
};

struct ber_field {
    uint32_t tag;
    const char *name; /* in the standard, for errors */
    enum ber_kind kind;
    uint16_t field;
    uint8_t size;
    bool needed;
};

/* As ber_read(), but of a value that is cut off it gives what there is: the parent has failed then,
 * and what is read of the value can be told all the same. */
struct cursor ber_open(struct cursor *, const char *what);

/* Puts the next value, if its tag is in the table; sets its row's bit in `*seen`. False: it is not,
 * and nothing was read. */
bool ber_field_put(struct dissection *, struct cursor *, const struct ber_field *rows, size_t n,
                   uint16_t object, uint32_t *seen);
/* Fails, ERR_MALFORMED, with the name of the first needed one that was not seen. */
void ber_fields_missing(struct cursor *, const struct ber_field *rows, size_t n, uint32_t seen);

#endif
