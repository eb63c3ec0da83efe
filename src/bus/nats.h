/* nats.h - the bus over a NATS broker: between the programs of a site, and between sites.
 *
 * Subjects. The broker's subjects are those of bus.h behind a prefix, so that sites which share
 * brokers do not hear each other, and brokers can say who may do what:
 *
 *     site.S.SUBJECT            what site S's programs say to each other
 *     site.S.from.T.SUBJECT     what site T asks of, or tells, site S
 *     _INBOX.S.T.RANDOM.NUMBER  answers to site S of site T
 *
 * bus_nats_new() makes a bus of this site: prefixes come and go unseen. bus_nats_at() makes another
 * over the same connection, to speak to another site. Who serves others subscribes to
 * "from.*.SUBJECT" and reads who it was in the message's subject, which is as true as the brokers'
 * permissions make it: let site T publish to site.*.from.T.> and site.T.> only. Within a site,
 * subjects that begin with "from." are for that. The answer to a request from T goes to an inbox of
 * T or nowhere.
 *
 * What is lost when. Delivery is at most once; nothing is kept for who is away. While there is no
 * connection, publishing and asking end with ERR_CLOSED, and subscribing works: subscriptions hold
 * until they are ended and are made again on each connection. Requests that wait when the
 * connection is lost end with ERR_CLOSED at once, and what was published shortly before may or may
 * not have arrived. Nothing is delivered twice. A broker that is not there yet is no error: the bus
 * connects when it comes, and tries for ever.
 *
 * What arrives and is not a message (nats_wire.h), or has a reply_to that is no inbox, is dropped
 * and counted.
 *
 * All of these are `struct bus`: bus_free() ends each; the connection ends with the last. */
#ifndef BUS_NATS_H
#define BUS_NATS_H

#include "bus/bus.h"

#define BUS_NATS_QUEUE_LIMIT 65536            /* messages that wait for the loop */
#define BUS_NATS_QUEUE_SIZE_LIMIT (64u << 20) /* their octets */
#define BUS_NATS_SEND_LIMIT (8u << 20)        /* octets that wait for the broker */
#define BUS_NATS_REQUEST_LIMIT 8192           /* requests that wait, of each bus */
#define BUS_NATS_CONNECT_TIMEOUT (5 * NSEC_PER_SEC)
#define BUS_NATS_ALIVE_INTERVAL (2 * NSEC_PER_SEC)

struct bus_nats_status {
    bool connected;
    nsec_t since;         /* that is so; on the wall clock */
    uint64_t reconnects;  /* connections after the first */
    char last_error[256]; /* "": none so far */
};

typedef void bus_nats_changed_fn(void *arg, const struct bus_nats_status *);

/* We are refused, or refuse the broker. `what`: "credentials": it does not let us in with those;
 * "permissions": we may not send, or listen to, something; "tls": one of us does not believe the
 * other's certificate, or one speaks in the clear. `why`: in words, borrowed. Told each time, so as
 * often as it is tried. Must free nothing. */
typedef void bus_nats_refused_fn(void *arg, const char *what, const char *why);

/* Texts are copied. Files are read at each attempt to connect: who replaces them has them used from
 * the next connection on. Zeroes are the numbers above. */
struct bus_nats_config {
    const char *url;              /* "nats://127.0.0.1:4222"; "tls://...": TLS, or no connection */
    const char *site;             /* this site: one token of a subject, at most 64 octets */
    const char *name;             /* of this program, for who looks at the broker; NULL: none */
    const char *credentials_file; /* NATS .creds: the user's JWT and seed; NULL: none */
    /* PEM, for tls://. NULL: the system's CAs; no certificate of our own. */
    const char *ca_file, *cert_file, *key_file;
    const char *server_name; /* the broker's certificate is issued to; NULL: the host in `url` */
    size_t queue_limit, queue_size_limit, send_limit, request_limit;
    nsec_t connect_timeout;
    nsec_t alive_interval;               /* after two to three of them a silent broker is left */
    nsec_t reconnect_min, reconnect_max; /* waits between attempts (io/reconnect.h) */
    bus_nats_changed_fn *changed; /* connected, or not any more; may free the bus; NULL: nobody */
    bus_nats_refused_fn *refused; /* NULL: nobody */
    void *arg;
};

/* ERR_INVALID: url or site; ERR_NOT_FOUND, ERR_DENIED, ERR_IO: a file cannot be read; the text
 * names it. Does not wait for the broker. */
MUST_CHECK enum err bus_nats_new(uv_loop_t *, const struct bus_nats_config *, struct bus **,
                                 struct diag *);

/* For talking to another site, as this one. Publishing and asking go to site.SITE.from.<us>;
 * subscribing hears what SITE's programs say to each other (site.SITE), where the broker permits.
 * ERR_INVALID: not a site. `nats` must be from bus_nats_new() or this, and may be freed before. */
MUST_CHECK enum err bus_nats_at(struct bus *nats, const char *site, struct bus **);

/* Asks what is not one of ours and does not answer like one: the broker. Whatever it answers, if it
 * is JSON, is a message with the subject `answers_to`, also of this site. `bus` must be of
 * bus_nats_new(). As bus_publish(). */
enum err bus_nats_ask_broker(struct bus *, const char *subject, json_t *payload,
                             const char *answers_to);

/* `bus` must be one of these. */
void bus_nats_status(const struct bus *, struct bus_nats_status *);

#endif
