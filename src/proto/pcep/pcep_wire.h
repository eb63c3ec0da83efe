/* pcep_wire.h - how this directory reads, writes and prints objects, TLVs and subobjects: by tables
 * with one row each. Internal to it.
 *
 * Errors: a cursor's error says what and where, the decoder's which PCErr it is. Whoever finds more
 * wrong than a length calls pcep_fail(); a cursor that failed otherwise is a malformed object
 * (PCErr 10/11). An object is read through a cursor of its own, so one that is wrong harms no
 * other. */
#ifndef PROTO_PCEP_PCEP_WIRE_H
#define PROTO_PCEP_PCEP_WIRE_H

#include "base/cursor.h"
#include "proto/pcep/pcep_message.h"

struct pcep_decoder {
    struct arena *arena;
    struct pcep_error error; /* for the cursor's error; type 0: none was chosen */
    uint8_t message;         /* enum pcep_type */
    bool inner;              /* sub-TLVs are being read */
};

struct pcep_encoder {
    struct buf *out;
    enum err err;    /* the first; the buffer has its own */
    uint8_t message; /* enum pcep_type */
};

enum { PCEP_OBJECT_HEADER = 4 };

enum pcep_class {
    PCEP_CLASS_OPEN = 1,
    PCEP_CLASS_RP = 2,
    PCEP_CLASS_NO_PATH = 3,
    PCEP_CLASS_ENDPOINTS = 4,
    PCEP_CLASS_BANDWIDTH = 5,
    PCEP_CLASS_METRIC = 6,
    PCEP_CLASS_ERO = 7,
    PCEP_CLASS_RRO = 8,
    PCEP_CLASS_LSPA = 9,
    PCEP_CLASS_IRO = 10,
    PCEP_CLASS_SVEC = 11,
    PCEP_CLASS_NOTIFICATION = 12,
    PCEP_CLASS_ERROR = 13,
    PCEP_CLASS_LOAD_BALANCING = 14,
    PCEP_CLASS_CLOSE = 15,
    PCEP_CLASS_XRO = 17,
    PCEP_CLASS_OF = 21,
    PCEP_CLASS_LSP = 32,
    PCEP_CLASS_SRP = 33,
    PCEP_CLASS_VENDOR_INFORMATION = 34,
    PCEP_CLASS_BU = 35,
    PCEP_CLASS_ASSOCIATION = 40,
    PCEP_CLASS_MAX = 41,
};

/* One object class and type. */
struct pcep_object_row {
    uint8_t class, type;
    uint16_t min_size, max_size; /* of the body on the wire, octets */
    uint16_t size;               /* of the C structure */
    const char *name, *ref;
    void (*decode)(struct pcep_decoder *, struct cursor *, void *);
    void (*encode)(struct pcep_encoder *, const void *);
    void (*print)(const void *, struct buf *); /* " name=value" each */
};

/* NULL: unknown. `*known_class`: some type of that class is known. */
const struct pcep_object_row *pcep_object_row(unsigned class, unsigned type, bool *known_class);
/* Reads the body in `c` to its end; c's error and d's say what is wrong. NULL: so it is. */
void *pcep_object_decode(const struct pcep_object_row *, struct pcep_decoder *, struct cursor *c,
                         struct pcep_head);
/* Header and body. `type` 0: as the object's addresses are (END-POINTS, ASSOCIATION), or 1. */
void pcep_object_encode(struct pcep_encoder *, unsigned class, unsigned type, const void *);
void pcep_object_print(unsigned class, unsigned type, const void *, unsigned message, struct buf *);

/* ---- Reading -------------------------------------------------------------------------------- */

/* Fails the cursor at `offset` of the message with that PCErr; the first failure stays. */
COLD void pcep_fail(struct pcep_decoder *, struct cursor *, size_t offset, enum err,
                    struct pcep_error, const char *what);
/* Zeroed, at least one octet. NULL: the cursor has failed with ERR_LIMIT. */
void *pcep_alloc(struct pcep_decoder *, struct cursor *, size_t n, size_t size);
/* The rest of the cursor, copied. */
struct pcep_octets pcep_rest(struct pcep_decoder *, struct cursor *);
/* The array with room for one more; it doubles, and so is moved seldom. NULL: as above. */
void *pcep_grow(struct pcep_decoder *, struct cursor *, const void *array, uint32_t n, size_t size);
struct pcep_address pcep_address_read(struct cursor *, unsigned family, const char *what);
float pcep_float_read(struct cursor *, const char *what);

/* TLVs up to the end of the cursor. */
void pcep_tlvs_decode(struct pcep_decoder *, struct cursor *, struct pcep_tlvs *);
/* Subobjects up to the end of the cursor, of an object of that class. */
void pcep_route_decode(struct pcep_decoder *, struct cursor *, unsigned class, struct pcep_route *);

/* ---- Writing -------------------------------------------------------------------------------- */

void pcep_encode_fail(struct pcep_encoder *);
void pcep_octets_write(struct pcep_encoder *, const struct pcep_octets *);
void pcep_address_write(struct pcep_encoder *, const struct pcep_address *, unsigned family);
void pcep_float_write(struct pcep_encoder *, float);
void pcep_tlvs_encode(struct pcep_encoder *, const struct pcep_tlvs *);
void pcep_route_encode(struct pcep_encoder *, unsigned class, const struct pcep_route *);

/* ---- Printing ------------------------------------------------------------------------------- */

struct pcep_flag {
    uint32_t bit;
    const char *name;
};

/* " name=A,B,0x40", nothing if no bit is set; the table ends with bit 0. */
void pcep_flags_print(const char *name, uint32_t bits, const struct pcep_flag *, struct buf *);
void pcep_octets_print(const struct pcep_octets *, struct buf *); /* hex, the first 64 */
void pcep_text_print(const struct pcep_octets *, struct buf *);   /* quoted, \xNN */
void pcep_tlvs_print(const struct pcep_tlvs *, struct buf *);
void pcep_hops_print(const struct pcep_route *, unsigned class, struct buf *);

#endif
