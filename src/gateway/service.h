/* service.h - the gateway: the REST API of doc/api.md, over TLS. People and machines show a
 * certificate or, where an identity provider is trusted, log in for a session (doc/identity.md).
 *
 * It holds no state of its own: it reads what the site knows (`state`), asks the other services
 * over the bus, and follows the journal. Who may do what is in the table of routes (route.h); who
 * was refused is an event `access.denied`. */
#ifndef GATEWAY_SERVICE_H
#define GATEWAY_SERVICE_H

#include "bus/bus.h"
#include "gateway/http_server.h"
#include "io/tls.h"
#include "journal/journal.h"
#include "model/state.h"

struct gateway_service; /* Opaque. */

/* All of it is borrowed and must outlive the service. */
struct gateway_config {
    uv_loop_t *loop;
    struct journal *journal;
    struct bus *bus;
    /* Whoever keeps it subscribes to the journal before the service is made, so that an event is in
     * the state before the service tells anybody of it. */
    const struct state *state;
    uint32_t number; /* of this site, as in model/state.h */
    /* The site of that number; NULL: there is none. Itself NULL: there is only ours. */
    const char *(*site_name)(void *arg, uint32_t number);
    void *site_name_arg;
    const char *site;             /* where roles are to hold, and what is said to be here */
    struct tls *tls;              /* whom a CA of it vouches for may connect */
    const char *address;          /* to listen on, as in io/address.h */
    const char *users_file;       /* as in identity.h */
    const char *schema_directory; /* of the YANG modules */
    const char *version;          /* of the program */
    nsec_t heartbeat;             /* of event streams; 0: 15 s */
    const char *oidc_file;        /* as in oidc_settings.h; NULL: only certificates count */
    /* A session's time is over by this clock too, if it is later than ours; NULL: there is none. */
    nsec_t (*now)(void *arg);
    void *now_arg;
    nsec_t (*monotonic)(void); /* by which sessions are idle; NULL: clock_monotonic() */
};

/* Starts listening. ERR_INVALID: the address, or the users; ERR_NOT_FOUND: a file; others as
 * http_server_new(), identity_open() and schema_open() say. */
MUST_CHECK enum err gateway_service_new(const struct gateway_config *, struct gateway_service **,
                                        struct diag *);
/* Waits for nobody: requests that are open are answered with 503. To be called before the bus and
 * the journal go, and not from inside one of their callbacks into this service. NULL is fine. */
void gateway_service_free(struct gateway_service *);

/* With the port that was chosen if 0 was asked for. */
const char *gateway_service_address(const struct gateway_service *);

/* Reads certificates and users again. New connections use the certificates; the users hold at once.
 * On error what was wrong stays as it was: those of tls_reload(); ERR_INVALID: the users. */
MUST_CHECK enum err gateway_service_reload(struct gateway_service *, struct diag *);

struct gateway_statistics {
    struct http_statistics http;
    unsigned open_requests, streams;       /* now */
    uint64_t failed_logins, slowed_logins; /* tokens and codes; those answered with 429 */
    uint64_t denied, denied_left_out;      /* requests and handshakes; those the journal has not */
    uint64_t streamed_events;
    uint64_t fell_behind; /* how often a stream could not keep up */
};
struct gateway_statistics gateway_service_statistics(const struct gateway_service *);

#endif
