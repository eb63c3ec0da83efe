#include "io/frame_tap.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MEMORY ((size_t)32 << 20)
#define BLOCK ((size_t)1 << 20)
#define WAIT_MS 10
#define TAG_SIZE 4u /* octets of a VLAN tag that the kernel took off */

struct frame_tap {
    int fd;
    uint8_t *ring;
    size_t size;
    unsigned n_blocks, next;
    struct frame_tap_counters counters;
};

static enum err
fail(struct diag *diag, const char *interface, const char *what)
{
    enum err err = errno == EPERM || errno == EACCES   ? ERR_DENIED
                   : errno == ENODEV || errno == ENXIO ? ERR_NOT_FOUND
                                                       : ERR_IO;
    return diag_set(diag, err, "%s: %s: %s", interface, what, strerror(errno));
}

static enum err
check_interface(int fd, const char *interface, struct diag *diag)
{
    struct ifreq request = {.ifr_ifindex = 0};
    if (strlen(interface) >= sizeof request.ifr_name)
        return diag_set(diag, ERR_NOT_FOUND, "%s: no such interface", interface);
    strcpy(request.ifr_name, interface);
    if (ioctl(fd, SIOCGIFHWADDR, &request))
        return fail(diag, interface, "its kind");
    if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER &&
        request.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK)
        return diag_set(diag, ERR_INVALID, "%s: it is not Ethernet", interface);
    return ERR_OK;
}

static enum err
set_up_ring(struct frame_tap *t, const char *interface, const struct frame_tap_options *o,
            struct diag *diag)
{
    int version = TPACKET_V3, reserve = (int)TAG_SIZE;
    t->n_blocks = (unsigned)((o->memory ? o->memory : MEMORY) / BLOCK);
    if (t->n_blocks < 2)
        t->n_blocks = 2;
    struct tpacket_req3 request = {.tp_block_size = BLOCK,
                                   .tp_block_nr = t->n_blocks,
                                   .tp_frame_size = 2048,
                                   .tp_frame_nr = (unsigned)(BLOCK / 2048) * t->n_blocks,
                                   .tp_retire_blk_tov = o->wait_ms ? o->wait_ms : WAIT_MS};
    if (setsockopt(t->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) ||
        setsockopt(t->fd, SOL_PACKET, PACKET_RESERVE, &reserve, sizeof reserve) ||
        setsockopt(t->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request))
        return fail(diag, interface, "the ring");
    t->size = BLOCK * t->n_blocks;
    void *ring = mmap(NULL, t->size, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);
    if (ring == MAP_FAILED)
        return fail(diag, interface, "the ring's memory");
    t->ring = ring;
    return ERR_OK;
}

static enum err
listen_to(struct frame_tap *t, const char *interface, struct diag *diag)
{
    unsigned index = if_nametoindex(interface);
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)index};
    struct packet_mreq all = {.mr_ifindex = (int)index, .mr_type = PACKET_MR_PROMISC};
    if (!index || bind(t->fd, (struct sockaddr *)&address, sizeof address) ||
        setsockopt(t->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all))
        return fail(diag, interface, "to listen");
    return ERR_OK;
}

enum err
frame_tap_open(const char *interface, const struct frame_tap_options *options,
               struct frame_tap **tap, struct diag *diag)
{
    struct frame_tap *t = xcalloc(1, sizeof *t);
    t->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    enum err err = t->fd < 0 ? fail(diag, interface, "a packet socket") : ERR_OK;
    if (!err)
        err = check_interface(t->fd, interface, diag);
    if (!err)
        err = set_up_ring(t, interface, options, diag);
    if (!err)
        err = listen_to(t, interface, diag);
    if (err) {
        frame_tap_close(t);
        return err;
    }
    *tap = t;
    return ERR_OK;
}

void
frame_tap_close(struct frame_tap *t)
{
    if (!t)
        return;
    if (t->ring)
        munmap(t->ring, t->size);
    if (t->fd >= 0)
        close(t->fd);
    free(t);
}

int
frame_tap_fd(const struct frame_tap *t)
{
    return t->fd;
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

unsigned
frame_tap_read(struct frame_tap *t, unsigned blocks,
               void (*fn)(void *, const struct tapped_frame *), void *arg)
{
    unsigned n = 0;
    for (; n < blocks; n++) {
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

void
frame_tap_count(struct frame_tap *t, struct frame_tap_counters *counters)
{
    struct tpacket_stats_v3 stats; /* since it was last asked */
    socklen_t size = sizeof stats;
    if (!getsockopt(t->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size)) {
        t->counters.frames += stats.tp_packets; /* the dropped ones, too */
        t->counters.dropped += stats.tp_drops;
    }
    *counters = t->counters;
}
