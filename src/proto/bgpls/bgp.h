/* bgp.h - the messages of BGP-4 but UPDATE (bgp_update.h): framing, OPEN and its capabilities,
 * NOTIFICATION, ROUTE-REFRESH, KEEPALIVE. Pure.
 *
 * RFC 4271 (the protocol), 5492 (capabilities), 4760 (address families), 6793 (AS numbers of four
 * octets), 9072 (parameters of OPEN longer than 255 octets), 4724 and 8538 (graceful restart), 2918
 * and 7313 (route refresh), 8654 (extended messages), 4486, 8203 and 9003 (ending a session).
 *
 * One family is spoken: link state, AFI 16388, SAFI 71 (RFC 9552 section 5.2). */
#ifndef PROTO_BGPLS_BGP_H
#define PROTO_BGPLS_BGP_H

#include "base/buf.h"

#define BGP_PORT 179
#define BGP_HEADER_SIZE 19
#define BGP_SIZE_MAX 4096           /* of a message (RFC 4271 section 4.1) */
#define BGP_EXTENDED_SIZE_MAX 65535 /* when both ends can (RFC 8654 section 4) */
#define BGP_AS_TRANS 23456          /* RFC 6793 section 9 */
#define BGP_AFI_LS 16388
#define BGP_SAFI_LS 71
#define BGP_RESTART_TIME_MAX 4095 /* seconds: 12 bits (RFC 4724 section 3) */

enum bgp_type {
    BGP_OPEN = 1,
    BGP_UPDATE = 2,
    BGP_NOTIFICATION = 3,
    BGP_KEEPALIVE = 4,
    BGP_ROUTE_REFRESH = 5,
};

/* Error codes, and the subcodes that are named in code (all are in bgp_error_text()). */
enum bgp_code {
    BGP_ERR_HEADER = 1,
    BGP_ERR_OPEN = 2,
    BGP_ERR_UPDATE = 3,
    BGP_ERR_HOLD_TIMER = 4,
    BGP_ERR_FSM = 5,
    BGP_ERR_CEASE = 6,
    BGP_ERR_ROUTE_REFRESH = 7,
};
enum {
    BGP_HEADER_NOT_SYNCHRONIZED = 1,
    BGP_HEADER_BAD_LENGTH = 2,
    BGP_HEADER_BAD_TYPE = 3,
    BGP_OPEN_BAD_VERSION = 1,
    BGP_OPEN_BAD_PEER_AS = 2,
    BGP_OPEN_BAD_IDENTIFIER = 3,
    BGP_OPEN_BAD_PARAMETER = 4,
    BGP_OPEN_BAD_HOLD_TIME = 6,
    BGP_OPEN_UNSUPPORTED_CAPABILITY = 7,
    BGP_UPDATE_MALFORMED_ATTRIBUTES = 1,
    BGP_UPDATE_UNRECOGNIZED = 2,
    BGP_UPDATE_OPTIONAL_ATTRIBUTE = 9,
    BGP_UPDATE_INVALID_NETWORK = 10,
    BGP_CEASE_MAX_PREFIXES = 1,
    BGP_CEASE_SHUTDOWN = 2,
    BGP_CEASE_DECONFIGURED = 3,
    BGP_CEASE_RESET = 4,
    BGP_CEASE_REJECTED = 5,
    BGP_CEASE_COLLISION = 7,
    BGP_CEASE_OUT_OF_RESOURCES = 8,
    BGP_CEASE_HARD_RESET = 9, /* RFC 8538 section 3.1 */
    BGP_REFRESH_BAD_LENGTH = 1,
};

enum bgp_capability {
    BGP_CAP_MULTIPROTOCOL = 1,
    BGP_CAP_ROUTE_REFRESH = 2,
    BGP_CAP_EXTENDED_MESSAGE = 6,
    BGP_CAP_GRACEFUL_RESTART = 64,
    BGP_CAP_FOUR_OCTET_AS = 65,
    BGP_CAP_ENHANCED_REFRESH = 70,
};

#define BGP_ERROR_DATA_MAX 256

/* What a NOTIFICATION says. */
struct bgp_error {
    uint8_t code, subcode; /* code 0: none */
    uint16_t size;         /* of `data`; what is longer is cut */
    uint8_t data[BGP_ERROR_DATA_MAX];
};

/* Sets all of `*error`; `data` may be NULL when `size` is 0. Returns ERR_MALFORMED, so that a
 * failing line is one line. */
enum err bgp_error_set(struct bgp_error *, uint8_t code, uint8_t subcode, const void *data,
                       size_t size);
/* "UPDATE Message Error: Malformed Attribute List"; names of RFC 4271 and its followers. */
void bgp_error_print(const struct bgp_error *, struct buf *);
/* The operator's words in a Cease of an administrator (RFC 9003 section 2), made safe to print;
 * "" if there are none. `text` holds 1,024 octets. Returns `text`. */
#define BGP_COMMUNICATION_TEXT 1024
char *bgp_error_communication(const struct bgp_error *, char text[BGP_COMMUNICATION_TEXT]);
/* Puts `words`, cut to 255 octets at the boundary of a character, into a Cease. */
void bgp_error_set_communication(struct bgp_error *, const char *words);

/* What an OPEN says; capabilities that are not known are skipped (RFC 5492 section 3). */
struct bgp_open {
    uint32_t as;        /* from the capability if there is one */
    uint16_t hold_time; /* seconds; 0: no keepalives */
    uint32_t identifier;
    bool capabilities; /* there are any */
    bool link_state;   /* the family is offered */
    bool route_refresh, enhanced_refresh, extended_message, four_octet_as;
    bool graceful_restart;
    bool restarting;            /* R bit: it has just come back */
    bool graceful_notification; /* N bit (RFC 8538 section 2) */
    uint16_t restart_time;      /* seconds */
    bool restart_link_state;    /* the family is in its list */
    bool forwarding_preserved;  /* F bit of it */
};

/* Looks whether a whole message is at the beginning of `data`, and at its header (RFC 4271 section
 * 6.1). `limit` is BGP_SIZE_MAX or BGP_EXTENDED_SIZE_MAX. ERR_TRUNCATED: it is not all there yet;
 * ERR_MALFORMED: `*error` is to be sent. Otherwise `*size` is its length, header included. */
MUST_CHECK enum err bgp_frame(const uint8_t *data, size_t available, size_t limit, size_t *size,
                              struct bgp_error *error);

/* `body` is what follows the header. ERR_MALFORMED: `*error` is to be sent (RFC 4271 section 6.2).
 * Whether AS and identifier are the expected ones is for the caller. */
MUST_CHECK enum err bgp_open_decode(const uint8_t *body, size_t size, struct bgp_open *,
                                    struct bgp_error *error);
/* Writes the message. Capabilities as the members say; `link_state` must be set. */
void bgp_open_encode(const struct bgp_open *, struct buf *);
void bgp_open_print(const struct bgp_open *, struct buf *);
/* The value of the capability for the one family: what a peer without it is told. */
void bgp_error_set_missing_family(struct bgp_error *);

void bgp_notification_decode(const uint8_t *body, size_t size, struct bgp_error *);
void bgp_notification_encode(const struct bgp_error *, struct buf *);
void bgp_keepalive_encode(struct buf *);

enum bgp_refresh { BGP_REFRESH_REQUEST, BGP_REFRESH_BEGIN, BGP_REFRESH_END };

/* `body` has at least four octets (bgp_frame() looks). ERR_UNSUPPORTED: another family, or a
 * subtype that is not known: to be ignored (RFC 7313 section 5). */
MUST_CHECK enum err bgp_refresh_decode(const uint8_t *body, size_t size, enum bgp_refresh *);
void bgp_refresh_encode(enum bgp_refresh, struct buf *);

/* Writes a header whose length is patched by bgp_message_end(); returns where it begins. */
size_t bgp_message_begin(struct buf *, enum bgp_type);
void bgp_message_end(struct buf *, size_t begin);

const char *bgp_type_name(uint8_t type); /* "KEEPALIVE", or "?"; static */

#endif
