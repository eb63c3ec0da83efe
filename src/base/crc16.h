/* crc16.h - checksums of 16 bits, eight octets at a time: the remainder of each octet by its place
 * among the eight is looked up, and all are added (M. E. Kounavis, F. L. Berry, "Novel Table
 * Lookup-Based Algorithms for High-Performance CRC Generation", 2008). */
#ifndef BASE_CRC16_H
#define BASE_CRC16_H

#include <stddef.h>
#include <stdint.h>

/* [k][octet]: the remainder of an octet that k octets follow. */
typedef uint16_t crc16_table[8][256];

/* The highest bit of each octet first: x^16 + x^12 + x^5 + 1 (0x1021). */
extern const crc16_table crc16_ccitt;
/* The lowest first: DNP3's, x^16 + x^13 + x^12 + x^11 + x^10 + x^8 + x^6 + x^5 + x^2 + 1. */
extern const crc16_table crc16_dnp;

/* Over octets whose highest bit comes first; `crc` is what was before them. */
static inline uint16_t
crc16_high_first(const crc16_table t, uint16_t crc, const uint8_t *p, size_t size)
{
    for (; size >= 8; p += 8, size -= 8)
        crc = t[7][p[0] ^ crc >> 8] ^ t[6][p[1] ^ (crc & 255)] ^ t[5][p[2]] ^ t[4][p[3]] ^
              t[3][p[4]] ^ t[2][p[5]] ^ t[1][p[6]] ^ t[0][p[7]];
    for (; size; p++, size--)
        crc = (uint16_t)(crc << 8 ^ t[0][*p ^ crc >> 8]);
    return crc;
}

/* ... whose lowest bit comes first. */
static inline uint16_t
crc16_low_first(const crc16_table t, uint16_t crc, const uint8_t *p, size_t size)
{
    for (; size >= 8; p += 8, size -= 8)
        crc = t[7][p[0] ^ (crc & 255)] ^ t[6][p[1] ^ crc >> 8] ^ t[5][p[2]] ^ t[4][p[3]] ^
              t[3][p[4]] ^ t[2][p[5]] ^ t[1][p[6]] ^ t[0][p[7]];
    for (; size; p++, size--)
        crc = (uint16_t)(crc >> 8 ^ t[0][*p ^ (crc & 255)]);
    return crc;
}

#endif
