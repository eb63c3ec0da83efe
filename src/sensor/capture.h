/* capture.h - reads captures: pcap (draft-ietf-opsawg-pcap) of either byte order, microseconds or
 * nanoseconds, and pcapng (draft-ietf-opsawg-pcapng) with several sections and interfaces. Pure:
 * over octets in memory, which io/mapped_file.h maps from a file.
 *
 * A capture that ends in the middle of a record is read up to there; that is how a program that was
 * killed leaves it, and capture_next() says so with ERR_TRUNCATED. */
#ifndef SENSOR_CAPTURE_H
#define SENSOR_CAPTURE_H

#include "base/err.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* https://www.tcpdump.org/linktypes.html */
enum link_type {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW = 101,
    LINK_LOOP = 108,
    LINK_LINUX_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_LINUX_SLL2 = 276,
};

struct frame {
    const uint8_t *data;
    uint32_t size;         /* octets that are there */
    uint32_t wire;         /* octets there were on the wire; never less than `size` */
    nsec_t time;           /* since 1970-01-01 UTC; 0: the record has none */
    uint16_t link;         /* enum link_type */
    uint32_t number;       /* within the capture, from 1 */
    const char *interface; /* that it was heard at; NULL: it is of a capture */
};

#define CAPTURE_INTERFACES 256    /* of a pcapng section; a packet of one beyond has ERR_LIMIT */
#define CAPTURE_FRAME_MAX 262144u /* octets; a record that says more is damaged */

struct capture_interface {
    uint16_t link;
    uint32_t snap;  /* most octets that were kept of a packet; 0: all */
    uint64_t ticks; /* a second has so many */
    uint64_t tick;  /* nanoseconds of one, where that is whole; of a pcap */
    nsec_t offset;  /* added to every time */
};

struct capture {
    const uint8_t *data;
    size_t size, at; /* the next record */
    bool is_ng, is_swapped;
    uint32_t number; /* of the last frame */
    uint32_t n_interfaces;
    struct capture_interface interfaces[CAPTURE_INTERFACES];
};

/* Borrows the octets. ERR_MALFORMED: neither format; ERR_UNSUPPORTED: a version of it that is not
 * known; ERR_TRUNCATED: shorter than its header. */
MUST_CHECK enum err capture_open(struct capture *, const void *data, size_t size, struct diag *);

/* The next frame; its octets are the capture's. ERR_NOT_FOUND: there is no more. ERR_TRUNCATED: it
 * ends in the middle of one. ERR_MALFORMED, ERR_LIMIT: the record at the offset that is told; what
 * is behind it cannot be read. After an error the same is returned again. */
MUST_CHECK enum err capture_next(struct capture *, struct frame *, struct diag *);

#endif
