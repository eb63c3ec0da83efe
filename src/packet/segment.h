/* segment.h - cuts a large TCP or UDP segment, as hosts with segmentation offload send it, into the
 * frames that its sender meant (struct packet_offload). */
#ifndef PACKET_SEGMENT_H
#define PACKET_SEGMENT_H

#include "packet/packet.h"

#define SEGMENTS_MAX 64 /* 64 KiB in segments of at least 1,040 octets */

/* Cuts `packet` (parsed, gso_type set) into frames with their own lengths, identifications,
 * sequence numbers, flags and checksums, and takes its reference. Returns how many of them are in
 * `out`; 0: not TCP or UDP, a segment size that gives more than SEGMENTS_MAX, or no buffers; it is
 * dropped then. */
unsigned packet_segment(struct packet *, struct packet *out[SEGMENTS_MAX]);

#endif
