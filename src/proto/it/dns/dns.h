/* dns.h - DNS over UDP and TCP (RFC 1035, EDNS RFC 6891), multicast DNS (RFC 6762) and LLMNR (RFC
 * 4795), which all have its messages: header, questions, records with the data of the common types.
 * A question or record is an object each. Names are written as RFC 1035 section 5.1 has them, with
 * `\.` and `\DDD`, without the last dot; the root is ".".
 *
 * Compression is followed to what stands before only, so that it ends (section 4.1.4). Names of the
 * NetBIOS name service, which looks alike, are left to others. */
#ifndef PROTO_IT_DNS_DNS_H
#define PROTO_IT_DNS_DNS_H

#include "dissect/protocol.h"

enum dns_field {
    DNS_ID,
    DNS_AUTHORITATIVE,
    DNS_TRUNCATED,
    DNS_RECURSION_DESIRED,
    DNS_RECURSION_AVAILABLE,
    DNS_QUESTIONS, /* as the header counts them */
    DNS_ANSWERS,
    DNS_AUTHORITIES,
    DNS_ADDITIONALS,
    DNS_SECTION, /* of an object, which begins with it */
    DNS_NAME,
    DNS_TYPE,
    DNS_CLASS,
    DNS_UNICAST, /* mDNS: may be answered to the one who asks; or replaces what was known */
    DNS_TTL,
    DNS_DATA_SIZE,
    DNS_ADDRESS,
    DNS_ADDRESS6,
    DNS_TARGET, /* the name that a record is about */
    DNS_RESPONSIBLE,
    DNS_SERIAL,
    DNS_PREFERENCE,
    DNS_WEIGHT,
    DNS_PORT,
    DNS_TEXT,
    DNS_UDP_SIZE, /* of OPT */
    DNS_OPTION,
    DNS_DATA, /* what is not looked into */
    DNS_TRAILING,
};

extern const struct protocol dns;

#endif
