#include "io/interface.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static enum err
system_error(struct diag *diag, const char *name, const char *what)
{
    enum err err = errno == ENODEV || errno == ENXIO   ? ERR_NOT_FOUND
                   : errno == EPERM || errno == EACCES ? ERR_DENIED
                                                       : ERR_IO;
    if (err == ERR_NOT_FOUND)
        return diag_set(diag, err, "there is no interface \"%s\"", name);
    return diag_set(diag, err, "%s: %s: %s", name, what, strerror(errno));
}

static enum err
open_socket(const char *name, struct ifreq *ifr, int *fd, struct diag *diag)
{
    *ifr = (struct ifreq){.ifr_ifindex = 0};
    if (strlen(name) >= sizeof ifr->ifr_name)
        return diag_set(diag, ERR_NOT_FOUND, "there is no interface \"%s\"", name);
    memcpy(ifr->ifr_name, name, strlen(name));
    *fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return *fd < 0 ? system_error(diag, name, "socket") : ERR_OK;
}

/* By ETHTOOL_GSET: every driver answers it, or the kernel does for it. */
static uint32_t
get_speed(int fd, struct ifreq *ifr)
{
    struct ethtool_cmd command = {.cmd = ETHTOOL_GSET};
    ifr->ifr_data = (void *)&command;
    if (ioctl(fd, SIOCETHTOOL, ifr))
        return 0;
    uint32_t mbps = ethtool_cmd_speed(&command);
    return mbps == (uint32_t)SPEED_UNKNOWN || mbps > UINT32_MAX / 1000 ? 0 : mbps * 1000;
}

enum err
interface_get(const char *name, struct interface_info *info, struct diag *diag)
{
    struct interface_info found = {0};
    struct ifreq ifr;
    int fd;
    enum err err = open_socket(name, &ifr, &fd, diag);
    if (err)
        return err;
    if (ioctl(fd, SIOCGIFINDEX, &ifr)) {
        err = system_error(diag, name, "index");
    } else {
        found.ifindex = (unsigned)ifr.ifr_ifindex;
        if (ioctl(fd, SIOCGIFHWADDR, &ifr))
            err = system_error(diag, name, "hardware address");
    }
    if (!err) {
        memcpy(found.mac.octets, ifr.ifr_hwaddr.sa_data, sizeof found.mac.octets);
        found.speed_kbps = get_speed(fd, &ifr);
        *info = found;
    }
    close(fd);
    return err;
}

enum err
interface_set_up(const char *name, bool up, struct diag *diag)
{
    struct ifreq ifr;
    int fd;
    enum err err = open_socket(name, &ifr, &fd, diag);
    if (err)
        return err;
    if (ioctl(fd, SIOCGIFFLAGS, &ifr)) {
        err = system_error(diag, name, "flags");
    } else {
        ifr.ifr_flags = (short)(up ? ifr.ifr_flags | IFF_UP : ifr.ifr_flags & ~IFF_UP);
        if (ioctl(fd, SIOCSIFFLAGS, &ifr))
            err = system_error(diag, name, up ? "up" : "down");
    }
    close(fd);
    return err;
}

static bool
ask_ethtool(const char *name, void *command)
{
    struct ifreq ifr;
    struct diag diag;
    int fd;
    if (open_socket(name, &ifr, &fd, &diag))
        return false;
    ifr.ifr_data = command;
    bool ok = !ioctl(fd, SIOCETHTOOL, &ifr);
    close(fd);
    return ok;
}

/* By sysfs, which may be another network namespace's: only if the driver cannot be asked. */
static unsigned
count_queues(const char *name, bool receive)
{
    for (unsigned n = 0;; n++) {
        char path[96];
        snprintf(path, sizeof path, "/sys/class/net/%s/queues/%s-%u", name, receive ? "rx" : "tx",
                 n);
        if (access(path, F_OK))
            return n;
    }
}

unsigned
interface_queues(const char *name, bool receive)
{
    struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
    if (!ask_ethtool(name, &channels))
        return count_queues(name, receive);
    return channels.combined_count + (receive ? channels.rx_count : channels.tx_count);
}

bool
interface_has_driver(const char *name, const char *driver)
{
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
    return ask_ethtool(name, &info) && !strcmp(info.driver, driver);
}
