/* topology_8345.h - the merged database as a network topology (RFC 8345) in JSON (RFC 7951).
 *
 * Nodes, links and their ends (termination points) are those of ietf-network and
 * ietf-network-topology; attributes come from schema/topology/tieline-te-topology.yang, whose names
 * are those of RFC 8795 and 8346 where these have one. ietf-te-topology itself is not used: it does
 * not carry segment routing, sources or findings, and describes bandwidths and link layers in ways
 * that a network of one layer does not need. */
#ifndef WAN_TOPOLOGY_8345_H
#define WAN_TOPOLOGY_8345_H

#include "base/buf.h"
#include "te/ted.h"

#define TOPOLOGY_8345_NETWORK "tieline-te" /* its network-id */

/* Appends the document. ERR_LIMIT: the buffer's; then it holds a part. */
MUST_CHECK enum err topology_8345_put(struct buf *, const struct ted *);

#endif
