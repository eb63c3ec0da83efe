/* tristation_private.h - between the tables and the code of TriStation. */
#ifndef PROTO_OT_TRISTATION_TRISTATION_PRIVATE_H
#define PROTO_OT_TRISTATION_TRISTATION_PRIVATE_H

#include "base/attr.h"
#include "proto/ot/tristation/tristation.h"

#define TRISTATION_REJECTED 100
#define TRISTATION_FIRST_ANSWER 101
#define TRISTATION_ANSWERS 70

/* The command an answer belongs to, and one; 0: several, or none. */
extern const uint8_t tristation_asked[TRISTATION_ANSWERS];

struct tristation_state {
    uint16_t asked[256]; /* by the counter: the last command, and one */
};

int tristation_looks(const uint8_t *, size_t);
void tristation_dissect(struct dissection *, struct cursor *);

#endif
