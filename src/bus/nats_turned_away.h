/* nats_turned_away.h - whom a nats-server has turned away, as it tells who may ask its system
 * account (service $SYS.REQ.SERVER.PING.CONNZ, 2.9 and later). Pure.
 *
 * It keeps the connections that have ended, 10,000 of them, each with the address and why: those,
 * too, that came no further than the TLS handshake, of which there is no event
 * ($SYS.SERVER.*.CLIENT.AUTH.ERR tells of claims only, and one for each, however many). So it is
 * asked now and then for the newest. Why a certificate was not good is only in its log. */
#ifndef BUS_NATS_TURNED_AWAY_H
#define BUS_NATS_TURNED_AWAY_H

#include "base/time.h"

#include <jansson.h>
#include <stdbool.h>

#define NATS_TURNED_AWAY_AT_ONCE 64 /* told of one answer: the newest */

/* All borrowed. */
struct nats_stranger {
    const char *who;     /* the name in the claims that were shown; "": none were. Not verified */
    const char *address; /* "192.0.2.7" */
    const char *kind;    /* "client" or "link" */
    const char *reason;  /* the server's words */
};

typedef void nats_stranger_fn(void *arg, const struct nats_stranger *);

/* What is known already; begins as zeroes. */
struct nats_turned_away {
    char server[64]; /* its id, another one after each start */
    nsec_t last;     /* of its clock: what had ended by then was told */
};

/* What is to be asked; the caller owns it. */
json_t *nats_turned_away_question(void);

/* Tells those of the answer that were not told yet, the oldest first. Of the first answer it takes
 * down the time, and tells nothing. False: it is no such answer. */
bool nats_turned_away_take(struct nats_turned_away *, const json_t *answer, nats_stranger_fn *,
                           void *arg);

#endif
