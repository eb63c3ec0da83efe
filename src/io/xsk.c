#include "io/xsk.h"

#include "base/attr.h"
#include "base/time.h"
#include "io/interface.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#define BUSY_PAUSE (100 * NSEC_PER_MSEC)
#define BUSY_RETRIES 20

int
xsk_memory_open(struct xsk_memory *m, uint32_t n_frames, uint32_t frame_size, uint32_t n_fill,
                uint32_t n_completion)
{
    const struct xsk_umem_config config = {
        .fill_size = n_fill, .comp_size = n_completion, .frame_size = frame_size};
    size_t size = (size_t)n_frames * frame_size;
    *m = (struct xsk_memory){.n_frames = n_frames, .frame_size = frame_size};
    void *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        return -errno;
    m->area = area;
    return xsk_umem__create(&m->umem, area, size, &m->fill, &m->completion, &config);
}

void
xsk_memory_close(struct xsk_memory *m)
{
    if (m->umem)
        xsk_umem__delete(m->umem);
    if (m->area)
        munmap(m->area, (size_t)m->n_frames * m->frame_size);
}

void
xsk_give_back(struct xsk_memory *m, uint64_t address)
{
    uint32_t at = 0;
    if (xsk_ring_prod__reserve(&m->fill, 1, &at) == 1) {
        *xsk_ring_prod__fill_addr(&m->fill, at) = address / m->frame_size * m->frame_size;
        xsk_ring_prod__submit(&m->fill, 1);
    }
}

/* Returns 0 or a negative error number. */
static int
bind_socket(const struct xsk_place *place, struct xsk_socket **socket, bool *is_zero_copy)
{
    static const uint16_t binds[] = {XDP_ZEROCOPY, XDP_COPY};
    int result = 0;
    for (size_t i = 0; i < ARRAY_SIZE(binds); i++) {
        const struct xsk_socket_config config = {
            .rx_size = place->ring_size,
            .tx_size = place->ring_size,
            .libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
            .bind_flags = (uint16_t)(binds[i] | XDP_USE_NEED_WAKEUP),
        };
        result = xsk_socket__create(socket, place->interface, place->queue, place->memory->umem,
                                    place->rx, place->tx, &config);
        *is_zero_copy = binds[i] == XDP_ZEROCOPY;
        if (!result || result == -EBUSY)
            break;
    }
    return result;
}

enum err
xsk_open(const struct xsk_place *place, struct xsk_socket **result, bool *is_zero_copy,
         struct diag *diag)
{
    const struct timespec pause = {.tv_nsec = BUSY_PAUSE};
    struct xsk_socket *socket;
    int error = bind_socket(place, &socket, is_zero_copy);
    for (unsigned i = 0; i < BUSY_RETRIES && error == -EBUSY; i++) {
        nanosleep(&pause, NULL);
        error = bind_socket(place, &socket, is_zero_copy);
    }
    if (!error) {
        *result = socket;
        return ERR_OK;
    }
    return interface_fail(place->interface, "AF_XDP socket", -error, diag);
}

void
xsk_wake_receiver(struct xsk_socket *socket, struct xsk_memory *m)
{
    if (xsk_ring_prod__needs_wakeup(&m->fill))
        (void)recvfrom(xsk_socket__fd(socket), NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

uint64_t
xsk_lost(int fd)
{
    struct xdp_statistics stats;
    socklen_t size = sizeof stats;
    if (getsockopt(fd, SOL_XDP, XDP_STATISTICS, &stats, &size))
        return 0;
    /* Where there was no frame to receive in, rx_dropped has counted that, too. */
    return stats.rx_dropped + stats.rx_ring_full;
}
