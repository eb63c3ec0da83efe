/* import_stanford.h - reads the Stanford backbone as the verifiers' community passes it on (P.
 * Kazemian et al., "Header Space Analysis", NSDI 2012; as updates: P. Zhang et al., "APKeep:
 * Realtime Verification for Real Networks", NSDI 2020): a topology whose packet filters are boxes
 * on the way, VLANs of ports, and a sequence of rules that come and go.
 *
 *     topology   NODE PORT NODE PORT                  one direction of a link
 *                NODE PORT FILTER_PORT_in inport      a filter on its way; likewise _out
 *                FILTER_PORT_in permit NODE PORT      what it lets pass goes there
 *     VLANs      NODE VLAN PORT...
 *     updates    +|- fwd NODE PREFIX LENGTH PORT PRIORITY
 *                +|- acl FILTER access-list NAME permit|deny PROTO PROTO SRC WILDCARD SPORT SPORT
 *                        DST WILDCARD DPORT DPORT PRIORITY
 *
 * PREFIX is a decimal number. In a wildcard bits that are set do not matter; "null" is none of
 * them, or of ports, no bound. */
#ifndef ENGINEER_IMPORT_STANFORD_H
#define ENGINEER_IMPORT_STANFORD_H

#include "engineer/import_text.h"
#include "engineer/import_update.h"

/* Adds topology and VLANs (may be empty) to a network that is new. The diagnosis says "topology" or
 * "VLANs", line and column. */
MUST_CHECK enum err import_stanford(struct imported *, const char *topology, size_t topology_size,
                                    const char *vlans, size_t vlans_size, struct diag *);

/* The next update of an import_open()ed text; `*more` is false at the end. */
MUST_CHECK enum err import_stanford_next(struct import_reader *, struct import_line *,
                                         struct import_update *, bool *more, struct diag *);

/* Adds the port of a route that the topology did not name: one by which packets leave. */
MUST_CHECK enum err import_stanford_port(struct imported *, const struct import_update *,
                                         struct diag *);

#endif
