/* fins_private.h - between the tables and the code of FINS. */
#ifndef PROTO_OT_FINS_FINS_PRIVATE_H
#define PROTO_OT_FINS_FINS_PRIVATE_H

#include "base/attr.h"
#include "dissect/layout.h"
#include "proto/ot/fins/fins.h"

#define FINS_MESSAGE_MAX 4096u /* a frame has 2012 octets at most */
#define FINS_PENDING 16

/* What stands behind a command's code, and behind a response's end code. */
struct fins_command {
    uint16_t command;
    const struct layout_part *request, *response; /* NULL: what is not looked into */
    /* What comes again and again behind it, an object each; NULL: nothing does. */
    const struct layout_part *request_each, *response_each;
};
extern const struct fins_command fins_commands[];
extern const size_t fins_n_commands;

struct fins_request {
    bool waits, has_address;
    uint8_t service_id, area;
    uint8_t way; /* in which it went */
    uint16_t command, address;
};

struct fins_state {
    struct fins_request requests[FINS_PENDING];
    unsigned next; /* to be used */
};

enum frame_found fins_frame(const uint8_t *, size_t, size_t *);
int fins_looks(const uint8_t *, size_t);
void fins_dissect(struct dissection *, struct cursor *);

#endif
