/* ber.h - reads and writes the Basic Encoding Rules of ASN.1 (ITU-T X.690 clause 8), as far as IEC
 * 61850 and MMS use them: definite lengths, tags up to 24 bits, integers up to 64 bits.
 *
 * A tag is one number: the identifier octet as it stands on the wire (class, constructed bit and a
 * tag number below 31), or, for a higher tag number, the identifier octet shifted left by 24 with
 * the tag number below it. So 0x61 is [APPLICATION 1], constructed, as in every protocol analyser.
 *
 * Reading goes through a cursor and shares its sticky error: read a whole SEQUENCE through, check
 * once. What a value's own octets break is reported at their offset, a wrong tag at the tag's. */
#ifndef BASE_BER_H
#define BASE_BER_H

#include "base/buf.h"
#include "base/cursor.h"

#include <stdbool.h>
#include <stdint.h>

#define BER_SEQUENCE 0x30u
#define BER_CONTEXT(number) (0x80u | (number))     /* [number] IMPLICIT, primitive */
#define BER_CONSTRUCTED(number) (0xa0u | (number)) /* [number] IMPLICIT, constructed */
#define BER_APPLICATION(number) (0x60u | (number)) /* [APPLICATION number], constructed */
#define BER_HIGH_TAG(identifier, number) ((uint32_t)(identifier) << 24 | (number))
#define BER_NONE UINT32_MAX /* what ber_peek() says where there is no tag */

/* Octets of the message it was read from; not NUL-terminated. */
struct ber_text {
    const char *data;
    size_t size;
};

/* ---- Reading ------------------------------------------------------------------------------- */

/* The next tag, without moving; BER_NONE at the end, after an error, or where no tag is whole. */
uint32_t ber_peek(const struct cursor *);

/* One tag, length and value. `*tag` (may be NULL) says which; the value comes back as a cursor that
 * cannot leave it: give it back with cursor_join() when it is read. ERR_UNSUPPORTED: indefinite
 * length. ERR_TRUNCATED: the value is longer than what is there. */
struct cursor ber_read(struct cursor *, uint32_t *tag, const char *what);

/* The same for a value that must have `tag`; another one is ERR_MALFORMED, and nothing is read. */
struct cursor ber_expect(struct cursor *, uint32_t tag, const char *what);

/* A whole value with this tag. ERR_MALFORMED: no octets at all, or not one for a boolean.
 * ERR_INVALID: the integer does not fit. Leading octets that only repeat the sign are accepted, as
 * clause 8.3.2 forbids them but fixed-length encodings of IEC 61850-8-1 need them. */
bool ber_get_bool(struct cursor *, uint32_t tag, const char *what);
int64_t ber_get_int(struct cursor *, uint32_t tag, const char *what);
uint64_t ber_get_uint(struct cursor *, uint32_t tag, const char *what);
uint32_t ber_get_uint32(struct cursor *, uint32_t tag, const char *what);
struct ber_text ber_get_text(struct cursor *, uint32_t tag, const char *what);

/* The contents octets of an INTEGER: everything `value` has left. */
int64_t ber_int(struct cursor *value, const char *what);
uint64_t ber_uint(struct cursor *value, const char *what);

/* ---- Writing ------------------------------------------------------------------------------- */

/* Opens a value whose length is not known yet; close it with ber_end() and what this returned.
 * Values nest. */
size_t ber_begin(struct buf *, uint32_t tag);
void ber_end(struct buf *, size_t begin);

void ber_put(struct buf *, uint32_t tag, const void *value, size_t size);
void ber_put_bool(struct buf *, uint32_t tag, bool);
/* The shortest form, as clause 8.3.2 wants it. */
void ber_put_int(struct buf *, uint32_t tag, int64_t);
void ber_put_uint(struct buf *, uint32_t tag, uint64_t);

#endif
