/* beacon_watch.h - programs that report to somebody by the clock: connections begun, or datagrams
 * sent, from one address to one port of another, every 10 s to an hour.
 *
 * It is one when twelve intervals in a row are within 40 % of their mean: such programs draw them
 * at random around it, by 37 % at most where they are well known, and events by chance would do so
 * once in 200,000 times. Datagrams must be of a size, within 16 octets; what comes less than 5 s
 * behind another belongs to it.
 *
 * Left out is what is regular by design: the protocols of plants, and NTP, SNMP, syslog, DNS, DHCP,
 * SMB, by what is said and at their ports; and connections that nobody accepts: who is left alone
 * tries again by the clock. It is told once of each. Who talks within a connection that stays is
 * not found. */
#ifndef DETECT_BEACON_WATCH_H
#define DETECT_BEACON_WATCH_H

#include "detect/watch.h"

struct beacon_watch; /* Opaque. */

#define BEACON_GAP (5 * NSEC_PER_SEC)

struct beacon_watch *beacon_watch_new(const struct watch_config *); /* never NULL */
void beacon_watch_free(struct beacon_watch *);                      /* NULL is fine */

/* A conversation that may be regular by design. */
struct beacon_talk {
    uint64_t serial;
    uint32_t slot;
};
/* A connection begins, or a datagram after none either way for BEACON_GAP. What is remembered of
 * the last conversation of the same is asked for: NULL: nothing. */
void beacon_watch_packet(struct beacon_watch *, const struct sight *, uint32_t size,
                         const struct watch_memory *(*heard)(void *arg, const struct beacon_talk *),
                         void *arg);

#endif
