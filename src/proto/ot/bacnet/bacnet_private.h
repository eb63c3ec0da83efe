/* bacnet_private.h - between the tables and the code of BACnet. */
#ifndef PROTO_OT_BACNET_BACNET_PRIVATE_H
#define PROTO_OT_BACNET_BACNET_PRIVATE_H

#include "base/attr.h"
#include "proto/ot/bacnet/bacnet.h"

#define BACNET_ASKED 32u         /* requests that are remembered */
#define BACNET_MESSAGE_MAX 8192u /* octets of a message in segments */
#define BACNET_TEXTS 512u
#define BACNET_DEPTH_LIMIT 12u /* of tags within tags */

enum apdu_type {
    APDU_CONFIRMED,
    APDU_UNCONFIRMED,
    APDU_SIMPLE_ACK,
    APDU_COMPLEX_ACK,
    APDU_SEGMENT_ACK,
    APDU_ERROR,
    APDU_REJECT,
    APDU_ABORT,
};

/* A message that is being put together; the conversation has one at a time. */
struct bacnet_segments {
    bool is_open;
    uint8_t way, type, invoke, service, next;
    uint32_t size;
    uint8_t octets[BACNET_MESSAGE_MAX];
};

struct bacnet_state {
    struct {
        bool waits;
        uint8_t way, invoke, service;
    } asked[BACNET_ASKED];
    uint32_t next;
    struct bacnet_segments segments;
    uint32_t n_texts;
    uint8_t texts[BACNET_TEXTS]; /* of the message, in another character set than they came */
};

/* What a tag means. */
enum bacnet_role {
    ROLE_OBJECT,   /* begins an object of the PDU */
    ROLE_PROPERTY, /* ... and so does a second one of the same object */
    ROLE_UNSIGNED, /* into `field`; enumerations, too */
    ROLE_BOOLEAN,
    ROLE_TEXT,
    ROLE_VALUE,  /* application tags within are values of the property */
    ROLE_OPENS,  /* its tags have rows of their own */
    ROLE_ERRORS, /* class and code */
};

/* In a service, of requests or of answers: the tag `tag` within the open tags `path` (each + 1, 4
 * bits). Application tags have the number of their type, and those without a row are values. */
struct bacnet_row {
    uint32_t function; /* enum below | function */
    uint32_t path;
    uint8_t tag, is_application;
    uint8_t role; /* enum bacnet_role */
    uint8_t field;
};
#define BACNET_ACK 0x10000u
extern const struct bacnet_row bacnet_rows[];
extern const size_t bacnet_n_rows;

int bacnet_looks(const uint8_t *, size_t);
void bacnet_dissect(struct dissection *, struct cursor *);

/* Reads the service's parameters into the PDU that is begun. `function` is with
 * BACNET_ACK for those of a Complex-ACK. */
void bacnet_service(struct dissection *, struct cursor *, uint32_t function);

#endif
