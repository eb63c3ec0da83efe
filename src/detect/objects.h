/* objects.h - what a message is about, whatever the protocol: which of a protocol's fields together
 * name a point, a register, a variable. Data. */
#ifndef DETECT_OBJECTS_H
#define DETECT_OBJECTS_H

#include "base/buf.h"
#include "dissect/protocol.h"

#include <stdbool.h>

#define OBJECT_FIELDS 6

struct object_row {
    const char *protocol;
    const char *fields[OBJECT_FIELDS]; /* those that a message has; NULL ends */
};
extern const struct object_row object_rows[];
extern const size_t object_n_rows;

/* Of a protocol, resolved. A field that it does not have is left out: tests look for them. */
struct object_fields {
    unsigned n;
    uint16_t ids[OBJECT_FIELDS];
    uint64_t mask[PROTOCOL_FIELDS / 64]; /* of the ids */
};
void object_resolve(const struct protocol *, struct object_fields *);

/* Where to look for an object's name in a message: the message's own fields are before `head`,
 * those of the object at `at` or behind it, and no more of the message's that name objects at
 * `tail` or behind it. */
struct object_span {
    uint32_t head, at, tail;
};
/* ... of no object yet: `at` is the first object's. */
struct object_span object_span_of(const struct object_fields *, const struct pdu *);

/* The object of this number in the message, with what is said of all objects, as a number that
 * stands for it; 0: it has no name. */
uint64_t object_hash(const struct object_fields *, const struct pdu *, const struct object_span *,
                     uint16_t object, uint64_t seed);
/* "common-address 1, address 7"; nothing if it has no name. */
void object_put(struct buf *, const struct object_fields *, const struct pdu *, uint16_t object);
/* Is the field one of those? */
static inline bool
object_is_named_by(const struct object_fields *o, const struct field *f)
{
    return o->mask[f->id / 64] >> (f->id % 64) & 1;
}
/* Any field's value, as it is told to people: "12", "select", "IED1/LLN0". */
void field_put(struct buf *, const struct protocol *, const struct field *);
uint64_t field_hash(const struct protocol *, const struct field *, uint64_t seed);

#endif
