/* layout.h - fields that stand behind each other in a message, read by a table of them. */
#ifndef DISSECT_LAYOUT_H
#define DISSECT_LAYOUT_H

#include "dissect/protocol.h"

enum layout_kind {
    LAYOUT_END, /* of the table; what is left is the caller's */
    LAYOUT_BE,  /* an unsigned number of `size` octets, at most 8 */
    LAYOUT_LE,
    LAYOUT_REAL, /* IEEE 754 single, in network byte order */
    LAYOUT_TEXT, /* `size` octets */
    LAYOUT_OCTETS,
    LAYOUT_SKIP,      /* `size` octets that are of no use, or nobody's business */
    LAYOUT_REST,      /* TEXT or OCTETS, all that are left; nothing where there are none */
    LAYOUT_SKIP_REST, /* all that are left */
    LAYOUT_MAYBE,     /* the message may end here */
};

struct layout_part {
    enum layout_kind kind;
    uint8_t size;
    uint16_t field;
    const char *name; /* for errors */
};

void layout_put(struct dissection *, struct cursor *, const struct layout_part *, uint16_t object);

#endif
