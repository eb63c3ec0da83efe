/* tcp_watch.h - somebody else in a TCP connection: octets that come again with another content,
 * data from another MAC address or over another way, far from where the connection is, resets of
 * others, and both ends that complain to each other without end.
 *
 * Only packets that bring something new are looked at: one that is heard before and behind a router
 * brings nothing the second time. */
#ifndef DETECT_TCP_WATCH_H
#define DETECT_TCP_WATCH_H

#include "detect/watch.h"

struct tcp_watch; /* Opaque. */

struct tcp_watch *tcp_watch_new(const struct watch_config *); /* never NULL */
void tcp_watch_free(struct tcp_watch *);                      /* NULL is fine */
/* Of sensor.h: `packet`, `odd`. */
void tcp_watch_packet(struct tcp_watch *, const struct sight *, const struct layers *);
void tcp_watch_odd(struct tcp_watch *, const struct sight *, enum stream_news);

#endif
