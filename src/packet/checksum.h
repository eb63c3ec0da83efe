/* checksum.h - the Internet checksum (RFC 1071) and its incremental update (RFC 1624). */
#ifndef PACKET_CHECKSUM_H
#define PACKET_CHECKSUM_H

#include "base/bytes.h"

#include <stddef.h>
#include <stdint.h>

/* Adds octets to a running sum; `data` starts at an even offset of what is summed. */
uint32_t checksum_add(uint32_t sum, const void *data, size_t size);

static inline uint16_t
checksum_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* The value of a checksum field: the complement. */
static inline uint16_t
checksum_finish(uint32_t sum)
{
    return (uint16_t)~checksum_fold(sum);
}

/* A checksum field after `size` octets (even) it covers changed from `old` to `new`: RFC 1624
 * equation 3, HC' = ~(~HC + ~m + m'). */
uint16_t checksum_update(uint16_t field, const void *old, const void *new, size_t size);

/* The sum over the pseudo-header (RFC 9293 section 3.1; RFC 8200 section 8.1). Addresses are 4 or
 * 16 octets in network order. */
uint32_t checksum_pseudo(const uint8_t *src, const uint8_t *dst, size_t address_size, uint8_t proto,
                         uint32_t l4_size);

#endif
