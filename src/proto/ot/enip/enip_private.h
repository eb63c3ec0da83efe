/* enip_private.h - between the tables and the code of EtherNet/IP and CIP. */
#ifndef PROTO_OT_ENIP_ENIP_PRIVATE_H
#define PROTO_OT_ENIP_ENIP_PRIVATE_H

#include "base/attr.h"
#include "proto/ot/enip/enip.h"

#define ENIP_HEADER_SIZE 24u
#define ENIP_MESSAGE_MAX (ENIP_HEADER_SIZE + 65511u)
#define ENIP_PATH_KEPT 22u  /* octets of a path that a response may ask for */
#define ENIP_ROUTE_KEPT 8u  /* ... and of a route */
#define ENIP_SERVICES 36u   /* of a request that are remembered */
#define ENIP_PENDING 10u    /* requests that are remembered */
#define ENIP_DEPTH_LIMIT 3u /* of messages in messages; more are left as data */

/* A service that was asked for; a longer path counts as none. */
struct enip_asked {
    uint8_t service, path_size;
    uint8_t path[ENIP_PATH_KEPT];
};

/* What came in one packet, in the order it stood. */
struct enip_request {
    bool waits, is_connected;
    uint8_t way, n, route_size;
    uint16_t sequence;  /* of a connected one */
    uint8_t context[8]; /* of an unconnected one */
    uint8_t route[ENIP_ROUTE_KEPT];
    struct enip_asked asked[ENIP_SERVICES];
};

struct enip_state {
    uint32_t next;
    struct enip_request requests[ENIP_PENDING];
};

/* The packet that a CIP message stands in. */
struct enip_packet {
    uint16_t command;
    bool has_command, has_connection, has_sequence;
    uint32_t session, status, connection, sequence;
    const uint8_t *context;
    uint8_t n_items;
    uint16_t items[4];
    struct enip_request *request; /* that is being remembered, or answered; NULL: none */
    unsigned at;                  /* of a response: the next of its `asked` */
    const uint8_t *route;         /* octets of the route that holds within */
    size_t route_size;
    uint32_t n_common; /* fields that each PDU of the packet begins with; 0: none was made yet */
};

/* What stands in a path. */
struct enip_target {
    bool has_class, has_instance, has_attribute, has_symbol;
    uint32_t class, instance, attribute; /* the last of each */
};

enum frame_found enip_frame(const uint8_t *, size_t, size_t *);
int enip_looks(const uint8_t *, size_t);
void enip_dissect(struct dissection *, struct cursor *);

/* Begins a PDU with what the packet says. */
void enip_begin(struct dissection *, enum pdu_kind, uint32_t function, struct enip_packet *);
/* Reads a CIP message, and those in it, and gives them. */
void enip_cip(struct dissection *, struct cursor *, struct enip_packet *, unsigned depth);
/* Fields of a padded path (volume 1, appendix C). `target` may be NULL. */
void enip_path(struct dissection *, struct cursor *, uint16_t object, struct enip_target *target);
void enip_route(struct dissection *, const uint8_t *octets, size_t size);
/* Attributes 1 to 7 of the Identity object, or all of them up to the name. */
void enip_identity(struct dissection *, struct cursor *, uint16_t object);
/* True: it was one of them, and has been read. */
bool enip_identity_attribute(struct dissection *, struct cursor *, uint16_t object,
                             uint32_t attribute);
void enip_pccc(struct dissection *, struct cursor *, bool is_response);
enum act enip_pccc_act(uint32_t function); /* command << 8 | function; ACT_OTHER: not known */

#endif
