/* c1222_private.h - between the tables and the code of C12.22. */
#ifndef PROTO_OT_C1222_C1222_PRIVATE_H
#define PROTO_OT_C1222_C1222_PRIVATE_H

#include "base/attr.h"
#include "base/ber.h"
#include "dissect/layout.h"
#include "proto/ot/c1222/c1222.h"

#define C1222_MESSAGE_MAX 65536u
#define C1222_ASKED 8     /* requests that are remembered, */
#define C1222_SERVICES 16 /* and services of each */
#define C1222_TITLE_SIZE 96

struct c1222_asked {
    bool waits;
    uint8_t way; /* in which it went */
    uint8_t n;
    uint8_t services[C1222_SERVICES];
    uint64_t invocation;
};

struct c1222_state {
    struct c1222_asked asked[C1222_ASKED];
    unsigned next;
    char titles[3][C1222_TITLE_SIZE]; /* of the message that is being given: called, calling, of a
                                         service */
};

enum frame_found c1222_frame(const uint8_t *, size_t, size_t *);
int c1222_looks(const uint8_t *, size_t);
void c1222_dissect(struct dissection *, struct cursor *);

#endif
