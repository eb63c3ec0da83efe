/* pce_server.h - the path computation element (pce.h) on the sockets of an event loop: it listens
 * for PCCs, shakes hands where they want TLS (RFC 8253: the same port, StartTLS first), and calls
 * back with what happened.
 *
 * Thousands of sessions on one loop, one thread. A connection that does not read what it is sent is
 * given no more than a few hundred kilobytes; orders for it wait. */
#ifndef WAN_PCE_SERVER_H
#define WAN_PCE_SERVER_H

#include "io/stream.h"
#include "wan/pce.h"

struct pce_server; /* Opaque; the loop's thread only. */

struct pce_server_config {
    const char *address;   /* "0.0.0.0:4189", "[::]:4189" */
    struct tls *tls;       /* our identity; NULL: `pce.tls` must be PCEP_TLS_NONE */
    struct pce_config pce; /* without its address: that is `address`, if it is one */
    nsec_t burst; /* how long all routers may keep the loop at once, before they get three quarters
                     of its time; 0: 50 ms */
};

/* From the loop only. It may do anything but free the server. */
typedef void pce_event_fn(void *arg, const struct pce_event *);

/* Listens. Errors as stream_listen() in io/stream.h; ERR_INVALID: TLS without an identity. */
MUST_CHECK enum err pce_server_new(uv_loop_t *, const struct pce_server_config *, pce_event_fn *,
                                   void *arg, struct pce_server **, struct diag *);
/* Ends all sessions, orderly. Not from inside the callback. NULL is fine. */
void pce_server_free(struct pce_server *);

/* To order, answer and look up with the functions of pce.h, at clock_monotonic(). Ask for it each
 * time: what is done with it leaves on the loop's next turn. */
struct pce *pce_server_pce(struct pce_server *);
const char *pce_server_address(const struct pce_server *); /* with the port that was chosen */

#endif
