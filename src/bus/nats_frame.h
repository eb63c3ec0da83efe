/* nats_frame.h - what a NATS broker sends to a client, one operation at a time. Pure.
 * Source: https://docs.nats.io/reference/reference-protocols/nats-protocol
 *
 * Whoever is at the other end may send anything: every length is checked against the octets that
 * are there, and what would have to be waited for is bounded. */
#ifndef BUS_NATS_FRAME_H
#define BUS_NATS_FRAME_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NATS_LINE_MAX 65536 /* octets of a line: INFO names all brokers of a cluster */

enum nats_op { NATS_INFO, NATS_MSG, NATS_PING, NATS_PONG, NATS_OK, NATS_ERR };

/* All point into the input. */
struct nats_frame {
    enum nats_op op;
    const char *text; /* INFO: JSON; ERR: the words, in quotes */
    size_t text_size;
    const char *subject, *reply_to; /* MSG: NUL-terminated; reply_to NULL: none */
    uint64_t sid;
    const char *headers; /* "NATS/1.0..." */
    size_t headers_size; /* 0: none */
    const char *payload;
    size_t payload_size;
};

/* Takes the first operation of the input; *used is its size. Writes NULs behind the subjects, into
 * what belongs to the operation. ERR_TRUNCATED: it is not complete yet, nothing was changed;
 * ERR_MALFORMED; ERR_LIMIT: a line or a message longer than allowed. */
MUST_CHECK enum err nats_frame_take(char *data, size_t size, size_t message_max,
                                    struct nats_frame *, size_t *used, struct diag *);

/* The broker's word that nobody subscribes to what was asked. */
bool nats_frame_is_no_responders(const struct nats_frame *);

#endif
