#include "io/hardware_stamps.h"

#include <linux/ethtool.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#define NEEDED                                                                                     \
    (SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE)

static bool
ask(unsigned long request, const char *interface, int fd, void *data)
{
    struct ifreq ifr = {.ifr_ifindex = 0};
    strncpy(ifr.ifr_name, interface, sizeof ifr.ifr_name - 1);
    ifr.ifr_data = data;
    return !ioctl(fd, request, &ifr);
}

/* What to have stamped: what PTP needs, in all its transports, rather than everything, which some
 * cards do at the cost of their rate. A card may take more than it is asked for. -1: nothing. */
static int
choose_filter(uint32_t filters)
{
    static const int wanted[] = {HWTSTAMP_FILTER_PTP_V2_EVENT, HWTSTAMP_FILTER_ALL,
                                 HWTSTAMP_FILTER_PTP_V2_L2_EVENT, HWTSTAMP_FILTER_PTP_V2_L4_EVENT};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (filters & 1u << wanted[i])
            return wanted[i];
    }
    return -1;
}

bool
hardware_stamps_on(struct hardware_stamps *s, const char *interface, int fd)
{
    struct ethtool_ts_info info = {.cmd = ETHTOOL_GET_TS_INFO};
    struct hwtstamp_config before = {.flags = 0}, config = {.tx_type = HWTSTAMP_TX_ON};
    *s = (struct hardware_stamps){.on = false};
    if (!ask(SIOCETHTOOL, interface, fd, &info) || info.phc_index < 0 ||
        (info.so_timestamping & NEEDED) != NEEDED || !(info.tx_types & 1u << HWTSTAMP_TX_ON))
        return false;
    config.rx_filter = choose_filter(info.rx_filters);
    if (config.rx_filter < 0)
        return false;
    (void)ask(SIOCGHWTSTAMP, interface, fd, &before); /* not every driver tells: then it was off */
    if (!ask(SIOCSHWTSTAMP, interface, fd, &config))
        return false;
    *s = (struct hardware_stamps){true, info.phc_index, before.tx_type, before.rx_filter};
    return true;
}

void
hardware_stamps_off(const struct hardware_stamps *s, const char *interface, int fd)
{
    struct hwtstamp_config config = {.tx_type = s->tx_type_before,
                                     .rx_filter = s->rx_filter_before};
    if (s->on)
        (void)ask(SIOCSHWTSTAMP, interface, fd, &config); /* it is gone, perhaps */
}
