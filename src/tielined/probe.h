/* probe.h - tells, to who may connect, whether this program lives and leads; for a supervisor of
 * containers, which has no certificate.
 *
 * HTTP/1.1 over TCP or a Unix socket, in clear, one request per connection:
 *
 *     GET /lives      200, as long as the program's loop turns
 *     GET /started    200 once it leads or stands by, 503 before
 *     GET /leads      200 while it leads, 503 otherwise
 *
 * The body is one line: "leads", "stands by" or "starting", and nothing else is ever told. Another
 * path gets 404, another method 405, what is no request 400. A request longer than PROBE_REQUEST,
 * or not there after PROBE_PATIENCE, ends its connection, and there are PROBE_CONNECTIONS at a
 * time: the oldest makes room. */
#ifndef TIELINED_PROBE_H
#define TIELINED_PROBE_H

#include "base/err.h"
#include "tielined/daemon.h"

#include <stdio.h>
#include <uv.h>

#define PROBE_REQUEST ((size_t)2048) /* octets of a request's head, or of an answer */
#define PROBE_PATIENCE (5 * NSEC_PER_SEC)
#define PROBE_CONNECTIONS 16

struct probe; /* Opaque; the loop's thread only. */

/* Listens at `address` (io/address.h), and asks `stage` with each request. ERR_INVALID: the
 * address; others as stream_listen(). */
MUST_CHECK enum err probe_new(uv_loop_t *, const char *address,
                              enum daemon_stage (*stage)(void *arg), void *arg, struct probe **,
                              struct diag *);
void probe_free(struct probe *); /* NULL is fine. */
/* Where it listens, with the port that was chosen if 0 was asked for. */
const char *probe_address(const struct probe *);

/* The other side: asks the probe at `address` whether the program "lives", has "started", or
 * "leads", and prints what it is told to `out`. Waits PROBE_PATIENCE at the most. ERR_OK: yes;
 * ERR_CONFLICT: no; ERR_INVALID: the address or the word; others: nobody answers as a probe does.
 */
MUST_CHECK enum err probe_ask(const char *address, const char *word, FILE *out, struct diag *);

#endif
