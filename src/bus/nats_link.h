/* nats_link.h - one connection to a NATS broker, kept up for ever: what nats.c stands on.
 *
 * A client of its own over io/stream.h and io/tls.h instead of the library cnats (3.4.1 in Debian),
 * which was tried first and left: while its broker is silent it turns in a loop without an end,
 * when connecting (waiting for PONG) as well as under TLS (SSL_read and SSL_write that would
 * block), so that the thread that called it is lost; its own threads use one TLS session at the
 * same time, which OpenSSL forbids; and ending a subscription while messages come in is a race. The
 * part of the protocol that the bus needs is small.
 *
 * Everything happens on the loop, nothing blocks, and there is a time for everything: for
 * connecting until the broker has answered PING, and later for each PING. Not thread-safe: the
 * loop's thread only. */
#ifndef BUS_NATS_LINK_H
#define BUS_NATS_LINK_H

#include "base/time.h"
#include "bus/nats_frame.h"

#include <uv.h>

struct nats_link; /* Opaque. */

/* Texts are copied; NULL where something is not used. */
struct nats_link_config {
    const char *url, *server_name, *name;
    const char *credentials_file, *ca_file, *cert_file, *key_file;
    size_t send_limit; /* octets that wait for the broker */
    nsec_t connect_timeout, alive_interval;
    nsec_t reconnect_min, reconnect_max; /* as in io/reconnect.h */
};

/* All but refused() may free the link. Never called from inside a call of this interface. */
struct nats_link_user {
    void (*up)(void *arg); /* connected: subscribe now */
    /* Was up and is not any more: what was on its way is lost. The words are borrowed. */
    void (*down)(void *arg, const char *why);
    /* The broker does not let us in, or do something; or one of us does not believe the other's
     * certificate. `what` is a word of bus_nats_refused_fn. Must free nothing. */
    void (*refused)(void *arg, const char *what, const char *why);
    /* An operation NATS_MSG; its sid may be of a subscription that has ended. */
    void (*message)(void *arg, const struct nats_frame *borrowed);
    void *arg;
};

struct nats_link_status {
    bool connected;
    nsec_t since;           /* on the wall clock: when that began */
    uint64_t connections;   /* made since the start */
    const char *last_error; /* "": none so far; until the next call of anything */
};

/* Begins to connect on the loop's next turn. ERR_INVALID: the URL; those of tls_new(). */
MUST_CHECK enum err nats_link_new(uv_loop_t *, const struct nats_link_config *,
                                  const struct nats_link_user *, struct nats_link **,
                                  struct diag *);
/* What was published still goes to the broker if it takes it soon. NULL is fine. */
void nats_link_free(struct nats_link *);

/* ERR_CLOSED: not connected; ERR_BUSY: too much waits to be sent; ERR_LIMIT: longer than the broker
 * takes. Subjects must be valid. */
MUST_CHECK enum err nats_link_publish(struct nats_link *, const char *subject, const char *reply_to,
                                      const void *data, size_t size);

/* Nothing while not connected: it has to be done again in up(). */
void nats_link_subscribe(struct nats_link *, uint64_t sid, const char *subject);
void nats_link_unsubscribe(struct nats_link *, uint64_t sid);

/* Largest payload the broker takes, in octets; 0: not connected. */
size_t nats_link_max_payload(const struct nats_link *);

void nats_link_status(const struct nats_link *, struct nats_link_status *);

#endif
