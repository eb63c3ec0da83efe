/* pcapng.h - writes captures as draft-ietf-opsawg-pcapng says: a section, a block for each
 * interface, packets with nanosecond stamps and comments, statistics. Little-endian, Ethernet.
 * Pure: octets into a buffer. */
#ifndef EDGE_PCAPNG_H
#define EDGE_PCAPNG_H

#include "base/buf.h"
#include "base/time.h"
#include "packet/addr.h"

/* Section Header Block (section 4.1). Texts are UTF-8; NULL: without that option. */
void pcapng_put_section(struct buf *, const char *application, const char *comment);

/* Interface Description Block (section 4.2); they are numbered from 0 in the order they are put. */
struct pcapng_interface {
    const char *name, *description, *comment; /* NULL: without */
    const struct mac *mac;                    /* NULL: without */
    uint64_t speed_bps;                       /* 0: not known */
    uint32_t snap;                            /* most octets of a packet that are kept */
};
void pcapng_put_interface(struct buf *, const struct pcapng_interface *);

enum pcapng_direction { PCAPNG_INBOUND = 1, PCAPNG_OUTBOUND = 2 }; /* as in epb_flags */

/* Enhanced Packet Block (section 4.3). */
struct pcapng_packet {
    uint32_t interface;
    nsec_t time; /* since 1970-01-01 UTC */
    const uint8_t *frame;
    uint32_t captured, size; /* octets that are there, and that there were */
    enum pcapng_direction direction;
    uint64_t id;         /* the same packet elsewhere has the same; 0: not known */
    uint64_t lost;       /* since the packet before it at this interface */
    const char *comment; /* NULL: none */
};
void pcapng_put_packet(struct buf *, const struct pcapng_packet *);

/* Interface Statistics Block (section 4.6). */
struct pcapng_statistics {
    uint32_t interface;
    nsec_t start, end;
    uint64_t accepted, lost, delivered; /* by the filter; of those; of those */
};
void pcapng_put_statistics(struct buf *, const struct pcapng_statistics *);

#endif
