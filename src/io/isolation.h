/* isolation.h - keeps the kernel's own network stack away from an interface that a program reads
 * and writes raw (port.h).
 *
 * A host answers ARP and accepts packets for any of its addresses on any of its interfaces, and
 * greets new neighbours by itself. On a port of a switch that forwards only what is engineered,
 * that would be a way round it into the node. So a filter at the traffic control hooks (clsact)
 * drops all that the stack would get and all that it would send. Packet sockets with
 * PACKET_QDISC_BYPASS and AF_XDP are served before the one and behind the other. */
#ifndef IO_ISOLATION_H
#define IO_ISOLATION_H

#include "base/err.h"

#include <stdbool.h>

struct isolation; /* Opaque. */

/* `name` is for error texts. `in` and `out` are BPF programs (type SCHED_CLS) to decide in place of
 * the filter; -1: none, everything is dropped. Takes over what a process that was killed left
 * behind. ERR_DENIED; ERR_UNSUPPORTED: the kernel has no clsact or no BPF filters; ERR_IO. */
MUST_CHECK enum err isolation_open(const char *name, unsigned ifindex, int in, int out,
                                   struct isolation **, struct diag *);
/* Lets the stack in again. NULL is fine. */
void isolation_close(struct isolation *);

/* For a process that another one takes the interface over from, which has opened it too: the
 * filters stay. NULL is fine. */
void isolation_leave(struct isolation *);
/* Is the hook itself to be removed in the end? Whoever takes over has to be told. */
bool isolation_owns_hook(const struct isolation *);
void isolation_own_hook(struct isolation *);

#endif
