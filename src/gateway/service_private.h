/* service_private.h - what the files of the service share; for nobody else. */
#ifndef GATEWAY_SERVICE_PRIVATE_H
#define GATEWAY_SERVICE_PRIVATE_H

#include "base/buf.h"
#include "gateway/denials.h"
#include "gateway/identity.h"
#include "gateway/request.h"
#include "gateway/service.h"
#include "model/schema.h"

struct event_streams; /* event_streams.h */
struct user_change;   /* handlers_users.c */

struct gateway_service {
    struct gateway_config config;
    struct http_server *server;
    bool ending; /* nothing more is taken */
    struct identity *identity;
    struct user_change *user_change; /* that waits to be durable; NULL: none does */
    struct schema *schema;
    json_t *components; /* components.h */
    struct buf openapi; /* the document as text */
    struct denials *denials;
    struct event_streams *events;
    struct api_request *requests; /* being answered */
    unsigned n_requests;
    struct gateway_statistics statistics;
};

/* Answers a request that has not become one for a handler. request.c. */
void exchange_problem(struct http_exchange *, const struct problem *, const char *fields);
/* The same with 403, recorded. `actor`: who is to be named for it. `needed` 0: no role would do. */
void exchange_deny(struct gateway_service *, struct http_exchange *, const char *actor,
                   role_set needed, const char *reason);
/* A text of another part without the place of the journal's file, which is for the log. To free().
 */
char *public_text(const struct gateway_service *, const char *text);
/* Records one who got no further than the handshake. */
void record_stranger(struct gateway_service *, const char *address, const char *reason);
/* Answers all that are open. */
void api_end_all(struct gateway_service *);
/* The service ends while a change of users waits. handlers_users.c. */
void user_change_orphan(struct user_change *); /* NULL is fine; takes over the identity */

#endif
