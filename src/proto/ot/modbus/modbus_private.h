/* modbus_private.h - between the tables and the code of Modbus. */
#ifndef PROTO_OT_MODBUS_MODBUS_PRIVATE_H
#define PROTO_OT_MODBUS_MODBUS_PRIVATE_H

#include "base/attr.h"
#include "proto/ot/modbus/modbus.h"

#define MODBUS_HEADER_SIZE 7u /* MBAP, with the unit */
/* The standard's 260; Schneider's controllers say more at once within function 90. */
#define MODBUS_MESSAGE_MAX 2054u
#define MODBUS_PENDING 16 /* requests that are remembered; a client has seldom more than one */

struct modbus_request {
    bool waits;
    uint8_t unit, function, umas;
    uint8_t way; /* in which it went */
    uint16_t transaction, address, quantity;
};

struct modbus_state {
    struct modbus_request requests[MODBUS_PENDING];
    unsigned next; /* to be used */
};

struct modbus_act {
    uint32_t number;
    enum act act;
};
extern const struct field_word modbus_umas_words[];

enum frame_found modbus_frame(const uint8_t *, size_t, size_t *);
int modbus_looks(const uint8_t *, size_t);
void modbus_dissect(struct dissection *, struct cursor *);

/* The acts of UMAS and its two halves; `state` may be NULL. */
void modbus_umas_request(struct dissection *, struct cursor *, struct modbus_request *);
void modbus_umas_response(struct dissection *, struct cursor *, const struct modbus_request *);

#endif
