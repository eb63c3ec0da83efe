/* request.h - a request to the API while it is being answered; for the handlers of the routes.
 *
 * A handler is called when all of the request is there, the person may do it, and parameters and
 * body are what the route says. It answers with one of api_answer(), api_problem() or
 * api_ask(), at once or later; the request is gone then. */
#ifndef GATEWAY_REQUEST_H
#define GATEWAY_REQUEST_H

#include "bus/bus.h"
#include "gateway/http_connection.h"
#include "gateway/problem.h"
#include "gateway/right.h"
#include "gateway/route.h"

struct gateway_service;

/* What came of asking over the bus, and what is to be done next with the request. */
typedef void api_next_fn(struct api_request *, const struct call_result *);

struct api_request {
    struct gateway_service *service;
    struct http_exchange *exchange;
    const struct api_route *route;
    struct http_target target;
    const char *value;    /* of what stands in braces in the path; NULL: nothing does */
    struct person person; /* "" and no roles, where the route is open */
    struct right right;
    struct api_pending *pending;
    json_t *query; /* an object */
    json_t *body;  /* as the route's component says; NULL: none is taken */
    json_t *kept;  /* the handler's own, from one call to the next: api_keep(); NULL: nothing */
    uint64_t call; /* over the bus */
    api_next_fn *next_step;
    struct api_request *prev, *next;
};

/* ---- answering; each ends the request */

void api_answer(struct api_request *, json_t *answer); /* consumes it */
/* The same with a status of its own and more header lines. */
void api_answer_with(struct api_request *, int status, const char *fields, json_t *answer);
/* A text that is JSON already. */
void api_answer_text(struct api_request *, const struct buf *text);
/* With what goes on. NULL: as http_reply_stream(). */
struct http_stream *api_stream(struct api_request *, const char *type,
                               const struct http_stream_handler *, void *arg);
/* `problem->instance` is filled in. */
void api_problem(struct api_request *, const struct problem *);
void api_fail(struct api_request *, enum err, const char *format, ...) PRINTF_LIKE(3, 4);
void api_fail_field(struct api_request *, enum err, const char *field, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* The person lacks these roles (any of them would do). Is recorded. */
void api_deny(struct api_request *, role_set needed, const char *reason);

/* The same with 401: what was shown to log in was not good enough. Is recorded, and counts against
 * the address. */
void api_refuse_login(struct api_request *, const char *reason);

/* With 429: log-ins from this address wait so long. */
void api_slow_down(struct api_request *, nsec_t wait);

/* Keeps this, an object that is consumed, in place of what was. Its members "token" and "code" are
 * secrets: they are wiped from memory when it goes, with the request at the latest. */
void api_keep(struct api_request *, json_t *kept);

/* ---- waiting for something that cannot be called off */

/* For the `arg` of a callback that comes for certain, even when the request was ended meanwhile.
 * One at a time for a request. */
struct api_pending *api_pend(struct api_request *);
/* The request; NULL: it has ended. Frees `pending`. */
struct api_request *api_resume(struct api_pending *);

/* ---- asking others */

/* Asks over the bus; consumes the payload. `next` NULL: the answer, or the error, is the answer.
 * The subject is the route's if it is NULL. */
void api_ask(struct api_request *, const char *subject, json_t *payload, api_next_fn *next);
/* The error of a call, as the answer. */
void api_fail_call(struct api_request *, const struct call_result *);

/* ---- what it says */

/* {"actor": the person}, and the members of the body, if there is one. The caller owns it. */
json_t *api_payload(const struct api_request *);
const char *api_text(const struct api_request *, const char *parameter); /* NULL: not given */
bool api_flag(const struct api_request *, const char *parameter);
uint64_t api_number(const struct api_request *, const char *parameter, uint64_t fallback);
/* The number in the path. */
uint32_t api_id(const struct api_request *);

#endif
