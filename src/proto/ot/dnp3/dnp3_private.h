/* dnp3_private.h - between the tables and the code of DNP3. */
#ifndef PROTO_OT_DNP3_DNP3_PRIVATE_H
#define PROTO_OT_DNP3_DNP3_PRIVATE_H

#include "base/attr.h"
#include "proto/ot/dnp3/dnp3.h"

#define DNP3_HEADER_SIZE 10u     /* of a link frame, with its checksum */
#define DNP3_FRAME_MAX 292u      /* 250 octets of user data, and their checksums */
#define DNP3_FRAGMENT_MAX 10240u /* 2048 is usual; 65536 binaries at once need 8205 */

/* A fragment that is being put together, of one way. */
struct dnp3_fragment {
    bool is_open;
    uint8_t sequence; /* of its last segment */
    uint16_t source, destination;
    uint32_t size;
    uint8_t octets[DNP3_FRAGMENT_MAX];
};

struct dnp3_state {
    struct dnp3_fragment ways[2];
};

/* What an object of that variation is made of: a letter for each part,
 *   F flags     S status     b, h, w unsigned of 1, 2, 4 octets     s, l signed of 2, 4
 *   f, d floating point of 4, 8     T time     t milliseconds of 2 octets     C a relay output
 * or the number of bits of a packed one. */
struct dnp3_object {
    uint8_t group, variation, bits;
    const char *parts;
};
const struct dnp3_object *dnp3_object(uint8_t group, uint8_t variation); /* NULL: it is not known */

enum frame_found dnp3_frame(const uint8_t *, size_t, size_t *);
int dnp3_looks(const uint8_t *, size_t);
void dnp3_dissect(struct dissection *, struct cursor *);

/* Reads an application fragment into the PDU that is begun for it, and gives it. */
void dnp3_application(struct dissection *, struct cursor *, const struct cursor *message);
/* What the link layer said of the frame that is being read. */
struct dnp3_link {
    uint16_t source, destination;
    uint8_t control, length, transport;
    unsigned n_bad;
};
void dnp3_put_link(struct dissection *, const struct dnp3_link *);

#endif
