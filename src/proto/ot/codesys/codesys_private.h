/* codesys_private.h - between the tables and the code of CODESYS V3. */
#ifndef PROTO_OT_CODESYS_CODESYS_PRIVATE_H
#define PROTO_OT_CODESYS_CODESYS_PRIVATE_H

#include "base/attr.h"
#include "dissect/layout.h"
#include "proto/ot/codesys/codesys.h"

#define CODESYS_MESSAGE_MAX 65536u
#define CODESYS_NAMES 3
#define CODESYS_NAME_SIZE 384 /* octets of UTF-8 of a name; what is more is left out */
#define CODESYS_VERSION_SIZE 16

struct codesys_state {
    char names[CODESYS_NAMES][CODESYS_NAME_SIZE]; /* of the message that is being given */
    char version[CODESYS_VERSION_SIZE];
};

enum frame_found codesys_frame(const uint8_t *, size_t, size_t *);
int codesys_looks(const uint8_t *, size_t);
void codesys_dissect(struct dissection *, struct cursor *);

#endif
