/* requests.h - the requests of a session that wait for an answer. Internal to openflow_session.c.
 *
 * Numbers are given out one after the other, so the requests are a ring in the order of their
 * numbers: found by subtraction, whatever order they end in, and those before a barrier are those
 * before it in the ring. A number that was given out for nothing has an empty place. */
#ifndef PROTO_OPENFLOW_REQUESTS_H
#define PROTO_OPENFLOW_REQUESTS_H

#include "base/time.h"
#include "proto/openflow/openflow_multipart.h"

enum request_kind {
    REQUEST_NONE,    /* ended, or never was one */
    REQUEST_REPLY,   /* waits for a reply */
    REQUEST_COMMAND, /* waits for a barrier behind it */
};

struct request {
    uint8_t kind;            /* enum request_kind */
    uint32_t reply;          /* enum openflow_type of its reply */
    uint32_t multipart_type; /* of a MULTIPART_REQUEST */
    nsec_t timeout, deadline;
    void *arg;
};

struct requests {
    struct request *ring;
    uint32_t capacity; /* a power of two */
    uint32_t first;    /* the number of the oldest place */
    uint32_t n;        /* places */
    uint32_t live;     /* of them not REQUEST_NONE */
};

void requests_fini(struct requests *);
/* The next number, with an empty place for it where one is needed. */
uint32_t requests_take(struct requests *);
/* Fills the newest place. */
void requests_put(struct requests *, const struct request *);
/* NULL: nothing waits under this number. */
struct request *requests_find(struct requests *, uint32_t xid);
void requests_end(struct requests *, struct request *);
/* The first live request from `xid` on and before `end`; NULL: none. `*xid` becomes its number. */
struct request *requests_from(struct requests *, uint32_t *xid, uint32_t end);

/* What a message waits for; REQUEST_NONE: it is nothing to be answered. */
enum request_kind request_kind_of(const struct openflow_message *, uint32_t *reply);
/* Is this the reply to the request? */
bool request_is_answered_by(const struct request *, uint32_t type, uint32_t multipart_type);

#endif
