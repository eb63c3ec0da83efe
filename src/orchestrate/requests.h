/* requests.h - requests that came over the bus and wait for their answer. */
#ifndef ORCHESTRATE_REQUESTS_H
#define ORCHESTRATE_REQUESTS_H

#include "bus/bus.h"
#include "orchestrate/turns.h"

struct orchestrate_service;

struct request {
    struct orchestrate_service *service;
    json_t *payload;   /* an object, not to be changed */
    const char *actor; /* in the payload; "" if it need not name one */
    char *reply_to;    /* NULL: nobody waits */
    json_t *kept;      /* the handler's own; NULL: nothing */
    struct turn turn;  /* of handlers that change the network */
    struct request *prev, *next;
};

typedef void request_fn(struct request *); /* answers it, now or later */

/* One row per subject. */
struct request_kind {
    const char *subject;
    request_fn *handle;
    bool needs_actor;
};

/* Subscribes to the subjects of the service. */
MUST_CHECK enum err requests_open(struct orchestrate_service *, struct diag *);
/* Refuses those that wait with ERR_CLOSED. */
void requests_close(struct orchestrate_service *);

/* Both end the request; the answer is consumed. */
void request_answer(struct request *, json_t *answer);
void request_refuse(struct request *, enum err, const char *format, ...) PRINTF_LIKE(3, 4);

/* Ends it; somebody else answers. */
void request_end(struct request *);

/* Members of the payload. NULL: it is not there or of another type. */
const char *request_text(const struct request *, const char *key);
bool request_flag(const struct request *, const char *key); /* false unless it is true */
/* A number from 1 to UINT32_MAX; 0: there is none. */
uint32_t request_number(const struct request *, const char *key);

#endif
