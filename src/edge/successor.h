/* successor.h - may that process take over? With --trust only a program that somebody who is
 * trusted has signed may: its file stands in a directory with a manifest (io/signed_content.h) that
 * says it is tieline-edge, of a release that is not older than ours, and names the file as it is.
 *
 * It is the file that the process was started from, asked of the kernel by the socket's other end,
 * so that neither its path nor what has been put there since counts. Who is root on the node can do
 * as he likes anyway; this is against the wrong file, an old one, and one that was altered on its
 * way here. */
#ifndef EDGE_SUCCESSOR_H
#define EDGE_SUCCESSOR_H

#include "base/err.h"

#include <sys/types.h>

#define SUCCESSOR_NAME "tieline-edge" /* of the content */

struct successor_gate; /* Opaque. */

/* `trust` is a file; NULL: the gate is NULL, and lets everybody pass. Also looks up our own
 * release, and says in the log if we ourselves are not signed, which is no reason not to start: a
 * node that is started cold has to forward. Errors of content_trust_read(). */
MUST_CHECK enum err successor_gate_new(const char *trust, struct successor_gate **, struct diag *);
void successor_gate_free(struct successor_gate *); /* NULL is fine. */

/* ERR_DENIED, ERR_CONFLICT: it may not, and why. */
MUST_CHECK enum err successor_check(const struct successor_gate *, pid_t, struct diag *);

#endif
