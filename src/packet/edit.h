/* edit.h - changes to a packet's headers, with their checksums, as OpenFlow's actions define them.
 *
 * The packet must be writable (packet_writable) and parsed; the layout is kept true. A packet that
 * lacks what an action needs is left as it is (OpenFlow 1.3 section 5.12 leaves it undefined). */
#ifndef PACKET_EDIT_H
#define PACKET_EDIT_H

#include "packet/packet.h"
#include "packet/rule.h"

enum edit_result {
    EDIT_DONE,
    EDIT_NO_ROOM,     /* no room left for another header: the packet must be dropped */
    EDIT_TTL_EXPIRED, /* the TTL would become zero: not to be forwarded (OFPR_INVALID_TTL) */
    EDIT_REPARSE,     /* done; what is behind the changed header is known only by parsing again */
};

/* Carries out `action` (not output, group or set-queue) on the packet, and on the key that goes
 * with it. After EDIT_REPARSE the caller parses; the key's pipeline fields (in_port, metadata,
 * tunnel_id) are kept by flow_key_parse(). */
enum edit_result packet_edit(struct packet *, struct flow_key *, const struct action *);

/* Completes a checksum the sender left to its card (packet.offload), in the frame. */
void packet_complete_checksum(struct packet *);

#endif
