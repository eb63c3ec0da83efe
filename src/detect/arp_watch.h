/* arp_watch.h - who says which IPv4 address is whose in a VLAN (RFC 826, RFC 5227): an address that
 * goes from one device to another, two that have the same, answers nobody asked for, storms of
 * announcements.
 *
 * Virtual addresses of routers (watch_mac_is_virtual()) wander, and a router that answers for many
 * (proxy ARP, RFC 1027) is not taken for a thief: a device that was the first to claim five
 * addresses or more. One that takes addresses of others does not become such a router. */
#ifndef DETECT_ARP_WATCH_H
#define DETECT_ARP_WATCH_H

#include "detect/watch.h"

struct arp_watch; /* Opaque. */

struct arp_watch *arp_watch_new(const struct watch_config *); /* never NULL */
void arp_watch_free(struct arp_watch *);                      /* NULL is fine */
void arp_watch_message(struct arp_watch *, const struct sight *);

#endif
