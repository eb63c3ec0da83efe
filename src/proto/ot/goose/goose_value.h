/* goose_value.h - the MMS Data values a GOOSE data set carries (IEC 61850-8-1 annex A, ISO 9506-2
 * clause 14.4.2), as a tree. The tree is in an arena; octets and text point into the frame. */
#ifndef PROTO_OT_GOOSE_GOOSE_VALUE_H
#define PROTO_OT_GOOSE_GOOSE_VALUE_H

#include "base/arena.h"
#include "base/ber.h"
#include "base/iec61850.h"

/* The tag numbers of the CHOICE Data. */
enum goose_type {
    GOOSE_ARRAY = 1,
    GOOSE_STRUCTURE = 2,
    GOOSE_BOOLEAN = 3,
    GOOSE_BIT_STRING = 4,
    GOOSE_INTEGER = 5,
    GOOSE_UNSIGNED = 6,
    GOOSE_FLOATING_POINT = 7,
    GOOSE_REAL = 8,
    GOOSE_OCTET_STRING = 9,
    GOOSE_VISIBLE_STRING = 10,
    GOOSE_GENERALIZED_TIME = 11,
    GOOSE_BINARY_TIME = 12,
    GOOSE_BCD = 13,
    GOOSE_BOOLEAN_ARRAY = 14,
    GOOSE_OBJECT_ID = 15,
    GOOSE_MMS_STRING = 16,
    GOOSE_UTC_TIME = 17,
    GOOSE_TYPE_MAX
};

/* Arrays and structures within each other; a data set's member is at depth 1. */
#define GOOSE_MAX_DEPTH 16

/* Enough for any data set that fits into an Ethernet frame. */
#define GOOSE_VALUES_BUDGET ((size_t)128 << 10)

struct goose_value {
    enum goose_type type;
    union {
        struct {
            struct goose_value *values;
            size_t n;
        } list;           /* ARRAY, STRUCTURE */
        bool boolean;     /* BOOLEAN */
        int64_t integer;  /* INTEGER, BCD */
        uint64_t natural; /* UNSIGNED */
        struct {
            double value;
            bool is_double;        /* 64 bits on the wire, else 32 */
        } number;                  /* FLOATING_POINT */
        struct iec61850_time time; /* UTC_TIME */
        struct {
            const uint8_t *data;
            size_t size;
            uint8_t n_unused_bits; /* of the last octet: BIT_STRING, BOOLEAN_ARRAY; else 0 */
        } octets;                  /* everything else, as it stands on the wire */
    };
};

/* "boolean", "bit-string": the name in the CHOICE; static. "?" for no type. */
const char *goose_type_name(enum goose_type);

/* Reads Data values up to the cursor's end. ERR_LIMIT: the arena, or GOOSE_MAX_DEPTH.
 * ERR_UNSUPPORTED: a tag that is no Data. ERR_MALFORMED: a value that breaks its type's form. On
 * error the cursor says which and where, and `*values` and `*n` are as they were. */
MUST_CHECK enum err goose_values_decode(struct cursor *, struct arena *,
                                        struct goose_value **values, size_t *n);

/* Reads one Data, without a tree: of an ARRAY or a STRUCTURE `*members` is what is in it, to be
 * read and given back by cursor_join(); of anything else it is empty. */
void goose_value_read(struct cursor *, struct goose_value *, struct cursor *members);

/* Writes them one after the other. Types that make no sense are an error of the caller. */
void goose_values_encode(struct buf *, const struct goose_value *values, size_t n);

#endif
