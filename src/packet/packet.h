/* packet.h - one frame in a buffer with room around it, and the pool it comes from.
 *
 * Packets of one pool are used by one thread. They are counted references: an output keeps the
 * packet without copying it, and whoever changes a packet that somebody else also keeps gets a copy
 * first (packet_writable). */
#ifndef PACKET_PACKET_H
#define PACKET_PACKET_H

#include "base/time.h"
#include "packet/flow_key.h"

#define PACKET_HEADROOM 128u /* for tags, labels and PBB headers pushed in front */
#define PACKET_ROOM 2048u    /* frame octets an ordinary buffer holds */
#define PACKET_MAX 65600u /* frame octets a jumbo buffer holds: a 64 KiB segment and its header */

/* What the sender's stack left to its network card (struct virtio_net_hdr's meaning): a checksum to
 * complete, a segment to cut. Kept with the packet so that the next port can do it or pass it on.
 */
struct packet_offload {
    bool needs_checksum;                      /* the field holds the pseudo-header's sum only */
    uint8_t gso_type;                         /* VIRTIO_NET_HDR_GSO_*: 0 for none */
    uint16_t gso_size;                        /* payload octets in each segment */
    uint16_t checksum_start, checksum_offset; /* from the frame's start; from there to the field */
};

struct packet {
    uint8_t *data; /* the frame, without FCS */
    uint32_t size;
    uint32_t n_refs;
    uint8_t *buffer; /* `data` lies in it */
    uint32_t capacity;
    uint32_t in_port;
    nsec_t rx_time;        /* wall clock at which the frame arrived */
    bool rx_time_kernel;   /* ... stamped by the kernel, not by us */
    nsec_t rx_hardware;    /* the same by the NIC's own clock; 0: not known */
    uint8_t queue;         /* set-queue: of the port it leaves by */
    uint16_t stamp_offset; /* write the wall clock there (8 octets, PTP) when it leaves; 0: no */
    uint32_t tx_token;     /* report the kernel's transmit time under this number; 0: no */
    struct packet_offload offload;
    struct packet_layout layout;
    struct packet_pool *pool;
    struct packet *next; /* in the pool's free list or in a queue */
};

#define PACKET_TOKEN_PTP 0x80000000u /* in tx_token: asked for by the transparent clock */

struct packet_pool;

/* `n` ordinary buffers and `n_jumbo` jumbo ones, allocated at once. */
struct packet_pool *packet_pool_new(uint32_t n, uint32_t n_jumbo);
/* All packets must be back. */
void packet_pool_free(struct packet_pool *);
uint32_t packet_pool_available(const struct packet_pool *);

/* An empty packet with one reference that can hold `size` octets; NULL: none left, or too large. */
struct packet *packet_new(struct packet_pool *, uint32_t size);
static inline struct packet *
packet_ref(struct packet *p)
{
    p->n_refs++;
    return p;
}
void packet_release(struct packet *); /* Gives it back to its pool. */
static inline void
packet_unref(struct packet *p)
{
    if (!--p->n_refs)
        packet_release(p);
}
/* A packet that nobody else keeps: `p` itself, or a copy whose reference replaces p's. NULL: no
 * buffer left; p's reference is gone then too. */
struct packet *packet_writable(struct packet *p);
/* A copy with its own data. NULL: no buffer left. */
struct packet *packet_copy(const struct packet *);
/* The same, from that pool. */
struct packet *packet_copy_into(struct packet_pool *, const struct packet *);

/* Fills the key from the frame, with in_port from the packet, and notes the layout. */
static inline void
packet_parse(struct packet *p, struct flow_key *key)
{
    key->in_port = to_be32(p->in_port);
    key->in_phy_port = to_be32(p->in_port);
    key->metadata = 0;
    key->tunnel_id = 0;
    flow_key_parse(key, p->data, p->size, &p->layout);
}

#endif
