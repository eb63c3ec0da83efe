/* addr.h - MAC, IPv4 and IPv6 addresses as text and octets (always in network order). */
#ifndef PACKET_ADDR_H
#define PACKET_ADDR_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct mac {
    uint8_t octets[6];
};

#define MAC_TEXT_SIZE 18  /* "02:00:00:00:00:01" and its NUL */
#define IPV4_TEXT_SIZE 16 /* "255.255.255.255" */
#define IPV6_TEXT_SIZE 46

/* "02:00:00:00:00:01", also with dashes (IEC 61850-6 writes it so), either case. */
MUST_CHECK enum err mac_parse(const char *text, struct mac *);
/* Lower case with colons. `text` holds MAC_TEXT_SIZE octets. Returns `text`. */
char *mac_format(const struct mac *, char *text);

static inline bool
mac_equal(const struct mac *a, const struct mac *b)
{
    return !memcmp(a, b, sizeof *a);
}

/* IEEE 802-2014 clause 8.2.2: the individual/group bit; true for broadcast too. */
static inline bool
mac_is_group(const struct mac *m)
{
    return m->octets[0] & 1;
}

static inline bool
mac_is_zero(const struct mac *m)
{
    static const struct mac zero;
    return mac_equal(m, &zero);
}

/* Dotted quad; no leading zeros, nothing behind it. In host order, so that prefixes are shifts. */
MUST_CHECK enum err ipv4_parse(const char *text, uint32_t *address);
char *ipv4_format(uint32_t address, char *text);
/* "10.1.0.5/24". ERR_INVALID: a length above 32. */
MUST_CHECK enum err ipv4_parse_prefix(const char *text, uint32_t *address, int *prefix_length);
/* 24 gives 0xffffff00. */
uint32_t ipv4_mask(int prefix_length);

/* RFC 4291 section 2.2 in; RFC 5952 out. */
MUST_CHECK enum err ipv6_parse(const char *text, uint8_t address[16]);
char *ipv6_format(const uint8_t address[16], char *text);

#endif
