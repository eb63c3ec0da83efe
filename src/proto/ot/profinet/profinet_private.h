/* profinet_private.h - between the tables and the code of PROFINET. */
#ifndef PROTO_OT_PROFINET_PROFINET_PRIVATE_H
#define PROTO_OT_PROFINET_PROFINET_PRIVATE_H

#include "base/attr.h"
#include "proto/ot/profinet/profinet.h"

/* What is in the block of an option, as a letter for each part, with fields one behind the other:
 *   m MAC address     i IPv4 address     I IPv4 addresses up to the end     h number of two octets
 *   b number of one octet     _ an octet that says nothing     t text     o options, two octets
 * each d anything, up to the end */
struct profinet_option {
    uint16_t option;
    const char *parts;
    uint16_t field;
};
/* Never NULL: of an option that is not known it is PROFINET_DATA. */
const struct profinet_option *profinet_option(uint16_t option);

#define PROFINET_CONTROL_RESPONSE 0x0504u
#define PROFINET_CONTROL_RESET 0x0505u
#define PROFINET_CONTROL_RESET_TO_FACTORY 0x0506u

void profinet_dissect(struct dissection *, struct cursor *);
void profinet_dcp(struct dissection *, struct cursor *, uint16_t frame_id); /* behind the FrameID */
int profinet_looks(const uint8_t *, size_t);

#endif
