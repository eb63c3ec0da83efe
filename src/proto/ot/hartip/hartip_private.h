/* hartip_private.h - between the tables and the code of HART-IP. */
#ifndef PROTO_OT_HARTIP_HARTIP_PRIVATE_H
#define PROTO_OT_HARTIP_HARTIP_PRIVATE_H

#include "base/attr.h"
#include "dissect/layout.h"
#include "proto/ot/hartip/hartip.h"

#define HARTIP_MESSAGE_MAX 2048u
#define HARTIP_TEXT 32 /* characters of a text at most */

/* What a table of parts cannot say. */
enum hartip_shape {
    HARTIP_PLAIN,
    HARTIP_TAG_ONLY,       /* packed: 8 characters */
    HARTIP_PACKED_MESSAGE, /* 32 */
    HARTIP_PACKED_TAG,     /* tag, descriptor of 16, date */
    HARTIP_SLOTS,          /* of command 9 */
};

struct hartip_command {
    uint16_t command;
    enum hartip_shape request_shape;
    const struct layout_part *request, *request_each;
    enum hartip_shape response_shape;
    const struct layout_part *response, *response_each;
};
extern const struct hartip_command hartip_commands[];
extern const size_t hartip_n_commands;

struct hartip_state {
    bool has_own;
    uint64_t own;               /* unique address of whom the session is with */
    char texts[2][HARTIP_TEXT]; /* of the message that is being given */
};

enum frame_found hartip_frame(const uint8_t *, size_t, size_t *);
int hartip_looks(const uint8_t *, size_t);
void hartip_dissect(struct dissection *, struct cursor *);

#endif
