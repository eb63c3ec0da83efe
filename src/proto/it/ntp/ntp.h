/* ntp.h - the Network Time Protocol (RFC 5905, RFC 9327 of control messages, and the private mode 7
 * of older servers), as the sensor reads it: whose clock follows whom, and what is asked of it.
 * Stateless. */
#ifndef PROTO_IT_NTP_NTP_H
#define PROTO_IT_NTP_NTP_H

#include "dissect/protocol.h"

/* `function` of a message: its mode; of a control message, and of a private one: these, and the
 * operation or the request. */
#define NTP_CONTROL 0x600u
#define NTP_PRIVATE 0x700u

enum ntp_field {
    NTP_VERSION,
    NTP_LEAP, /* 3: the clock is not synchronised */
    NTP_STRATUM,
    NTP_POLL, /* exponent of 2, seconds, as the precision */
    NTP_PRECISION,
    NTP_ROOT_DELAY, /* seconds */
    NTP_ROOT_DISPERSION,
    NTP_REFERENCE,    /* a clock's name, or why not: strata 0 and 1 */
    NTP_REFERENCE_IP, /* whom it follows: the others (of IPv6, a digest) */
    NTP_REFERENCE_TIME,
    NTP_ORIGIN_TIME,
    NTP_RECEIVE_TIME,
    NTP_TRANSMIT_TIME,
    NTP_EXTENSION, /* types of extension fields */
    NTP_KEY,       /* of who signs it */
    NTP_SEQUENCE,  /* of modes 6 and 7, as all below */
    NTP_STATUS,
    NTP_ASSOCIATION,
    NTP_OFFSET,
    NTP_TEXT, /* what a server says of itself: version, processor, system... */
    NTP_IMPLEMENTATION,
    NTP_ITEMS, /* of so many octets each */
    NTP_ITEM_SIZE,
    NTP_SYSTEM, /* of the text: processor and system as they stand in it */
    NTP_SOFTWARE,
};

extern const struct protocol ntp_protocol;

#endif
