#include "io/interface.h"

#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum err
interface_fail(const char *name, const char *what, int error, struct diag *diag)
{
    enum err err = error == EPERM || error == EACCES   ? ERR_DENIED
                   : error == ENODEV || error == ENXIO ? ERR_NOT_FOUND
                   : error == EBUSY || error == EEXIST ? ERR_BUSY
                   : error == EOPNOTSUPP               ? ERR_UNSUPPORTED
                                                       : ERR_IO;
    return diag_set(diag, err, "%s: %s: %s", name, what, strerror(error));
}

static enum err
system_error(struct diag *diag, const char *name, const char *what)
{
    if (errno == ENODEV || errno == ENXIO)
        return diag_set(diag, ERR_NOT_FOUND, "there is no interface \"%s\"", name);
    return interface_fail(name, what, errno, diag);
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

/* ---- Who uses it ---- */

static bool
is_address_of_host(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET6)
        return !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
    return a->sa_family == AF_INET;
}

static bool
has_address(const char *name)
{
    struct ifaddrs *all;
    bool found = false;
    if (getifaddrs(&all))
        return false;
    for (const struct ifaddrs *a = all; a && !found; a = a->ifa_next)
        found = a->ifa_addr && !strcmp(a->ifa_name, name) && is_address_of_host(a->ifa_addr);
    freeifaddrs(all);
    return found;
}

/* Is what sysfs says of a name true here, or of another network namespace? */
static bool
is_described(const char *name)
{
    char path[96], text[16] = "";
    snprintf(path, sizeof path, "/sys/class/net/%s/ifindex", name);
    FILE *file = fopen(path, "re");
    bool is_read = file && fgets(text, sizeof text, file);
    if (file)
        fclose(file);
    return is_read && strtoul(text, NULL, 10) == if_nametoindex(name);
}

/* The interface above it, for which it is a port or the ground: a bridge, a bond, a VLAN. */
static bool
find_upper(const char *name, char *upper, size_t room)
{
    char path[96];
    bool found = false;
    snprintf(path, sizeof path, "/sys/class/net/%s", name);
    DIR *dir = is_described(name) ? opendir(path) : NULL;
    for (const struct dirent *e; dir && !found && (e = readdir(dir));) {
        found = !strncmp(e->d_name, "upper_", 6);
        if (found)
            snprintf(upper, room, "%s", e->d_name + 6);
    }
    if (dir)
        closedir(dir);
    return found;
}

bool
interface_is_used(const char *name, struct diag *how)
{
    char upper[IF_NAMESIZE];
    bool addressed = has_address(name);
    if (!addressed && !find_upper(name, upper, sizeof upper))
        return false;
    if (addressed)
        diag_set(how, ERR_BUSY, "%s: it has an address of the host", name);
    else
        diag_set(how, ERR_BUSY, "%s: %s is above it", name, upper);
    return true;
}

/* ---- What the device does ---- */

enum err
interface_set_tag_removal(const char *name, bool on, bool *changed, struct diag *diag)
{
    struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
    *changed = false;
    if (!ask_ethtool(name, &flags)) /* no offloads at all */
        return on ? diag_set(diag, ERR_UNSUPPORTED, "%s: no offloads", name) : ERR_OK;
    if (!(flags.data & ETH_FLAG_RXVLAN) == !on)
        return ERR_OK;
    flags.cmd = ETHTOOL_SFLAGS;
    flags.data ^= ETH_FLAG_RXVLAN;
    if (!ask_ethtool(name, &flags))
        return interface_fail(name, "rxvlan", errno, diag);
    *changed = true;
    return ERR_OK;
}

bool
interface_has_driver(const char *name, const char *driver)
{
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
    return ask_ethtool(name, &info) && !strcmp(info.driver, driver);
}
