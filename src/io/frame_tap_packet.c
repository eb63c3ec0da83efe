/* AF_PACKET: a ring of blocks that the kernel fills (packet(7), TPACKET_V3). What the host itself
 * gets and sends by the interface goes on as ever, and is heard as well. */
#include "io/frame_tap_driver.h"

#include "base/alloc.h"
#include "base/attr.h"
#include "io/interface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MEMORY ((size_t)32 << 20)
#define BLOCK ((size_t)1 << 20)
#define WAIT_MS 10
#define TAG_SIZE 4u /* octets of a VLAN tag that the kernel took off */

struct packet_tap {
    struct frame_tap base;
    uint8_t *ring;
    size_t size;
    unsigned n_blocks, next;
};

static struct packet_tap *
packet_tap(struct frame_tap *tap)
{
    return CONTAINER_OF(tap, struct packet_tap, base);
}

static enum err
set_up_ring(struct packet_tap *t, const struct frame_tap_options *o, struct diag *diag)
{
    int fd = t->base.fd;
    int version = TPACKET_V3, reserve = (int)TAG_SIZE;
    t->n_blocks = (unsigned)((o->memory ? o->memory : MEMORY) / BLOCK);
    if (t->n_blocks < 2)
        t->n_blocks = 2;
    struct tpacket_req3 request = {.tp_block_size = BLOCK,
                                   .tp_block_nr = t->n_blocks,
                                   .tp_frame_size = 2048,
                                   .tp_frame_nr = (unsigned)(BLOCK / 2048) * t->n_blocks,
                                   .tp_retire_blk_tov = o->wait_ms ? o->wait_ms : WAIT_MS};
    if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) ||
        setsockopt(fd, SOL_PACKET, PACKET_RESERVE, &reserve, sizeof reserve) ||
        setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request))
        return interface_fail(t->base.interface, "the ring", errno, diag);
    t->size = BLOCK * t->n_blocks;
    void *ring = mmap(NULL, t->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ring == MAP_FAILED)
        return interface_fail(t->base.interface, "the ring's memory", errno, diag);
    t->ring = ring;
    return ERR_OK;
}

static enum err
listen_to(struct packet_tap *t, struct diag *diag)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = htons(ETH_P_ALL),
                                  .sll_ifindex = (int)t->base.ifindex};
    if (bind(t->base.fd, (struct sockaddr *)&address, sizeof address))
        return interface_fail(t->base.interface, "to listen", errno, diag);
    return frame_tap_hear_all(&t->base, t->base.fd, diag);
}

static struct frame_tap *
packet_new(void)
{
    struct packet_tap *t = xcalloc(1, sizeof *t);
    return &t->base;
}

static enum err
packet_open(struct frame_tap *tap, const struct frame_tap_options *options, struct diag *diag)
{
    struct packet_tap *t = packet_tap(tap);
    tap->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (tap->fd < 0)
        return interface_fail(tap->interface, "a packet socket", errno, diag);
    enum err err = set_up_ring(t, options, diag);
    if (!err)
        err = listen_to(t, diag);
    snprintf(tap->text, sizeof tap->text, "AF_PACKET");
    return err;
}

static void
packet_close(struct frame_tap *tap)
{
    struct packet_tap *t = packet_tap(tap);
    if (t->ring)
        munmap(t->ring, t->size);
    if (tap->fd >= 0)
        close(tap->fd);
    free(t);
}

/* Puts the tag back that the kernel took off, into the room that was reserved before the frame. */
static uint8_t *
put_tag_back(uint8_t *frame, const struct tpacket3_hdr *h)
{
    uint16_t type = h->tp_status & TP_STATUS_VLAN_TPID_VALID ? h->hv1.tp_vlan_tpid : ETH_P_8021Q;
    uint16_t tag[2] = {htons(type), htons((uint16_t)h->hv1.tp_vlan_tci)};
    memmove(frame - TAG_SIZE, frame, 2 * ETH_ALEN);
    memcpy(frame - TAG_SIZE + 2 * ETH_ALEN, tag, sizeof tag);
    return frame - TAG_SIZE;
}

static void
give(struct tpacket3_hdr *h, void (*fn)(void *, const struct tapped_frame *), void *arg)
{
    uint8_t *data = (uint8_t *)h + h->tp_mac;
    struct tapped_frame f = {.data = data,
                             .size = h->tp_snaplen,
                             .wire = h->tp_len,
                             .time = (nsec_t)h->tp_sec * NSEC_PER_SEC + h->tp_nsec};
    if (h->tp_status & TP_STATUS_VLAN_VALID && f.size >= 2 * ETH_ALEN) {
        f.data = put_tag_back(data, h);
        f.size += TAG_SIZE;
        f.wire += TAG_SIZE;
    }
    fn(arg, &f);
}

static unsigned
packet_read(struct frame_tap *tap, unsigned blocks, void (*fn)(void *, const struct tapped_frame *),
            void *arg)
{
    struct packet_tap *t = packet_tap(tap);
    unsigned n = 0, most = MIN(blocks, t->n_blocks);
    for (; n < most; n++) {
        struct tpacket_block_desc *block = (struct tpacket_block_desc *)(t->ring + t->next * BLOCK);
        struct tpacket_hdr_v1 *head = &block->hdr.bh1;
        if (!(__atomic_load_n(&head->block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
            break;
        uint8_t *at = (uint8_t *)block + head->offset_to_first_pkt;
        for (uint32_t i = 0; i < head->num_pkts; i++) {
            struct tpacket3_hdr *h = (struct tpacket3_hdr *)at;
            give(h, fn, arg);
            at += h->tp_next_offset;
        }
        __atomic_store_n(&head->block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
        t->next = (t->next + 1) % t->n_blocks;
    }
    return n;
}

static void
packet_count(struct frame_tap *tap)
{
    struct tpacket_stats_v3 stats; /* since it was last asked */
    socklen_t size = sizeof stats;
    if (!getsockopt(tap->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size)) {
        tap->counters.frames += stats.tp_packets; /* the dropped ones, too */
        tap->counters.dropped += stats.tp_drops;
    }
}

const struct frame_tap_driver frame_tap_driver_packet = {packet_new, packet_open, packet_close,
                                                         packet_read, packet_count};
