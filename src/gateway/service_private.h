/* service_private.h - what the files of the service share; for nobody else. */
#ifndef GATEWAY_SERVICE_PRIVATE_H
#define GATEWAY_SERVICE_PRIVATE_H

#include "base/buf.h"
#include "gateway/attempts.h"
#include "gateway/denials.h"
#include "gateway/event_streams.h"
#include "gateway/identity.h"
#include "gateway/oidc_settings.h"
#include "gateway/request.h"
#include "gateway/service.h"
#include "gateway/sessions.h"
#include "model/schema.h"
#include "oidc/provider.h"

struct user_change; /* handlers_users.c */

struct gateway_service {
    struct gateway_config config;
    struct http_server *server;
    bool ending; /* nothing more is taken */
    struct identity *identity;
    struct user_change *user_change; /* that waits to be durable; NULL: none does */
    struct schema *schema;
    json_t *components;        /* components.h */
    struct buf openapi;        /* the document as text */
    struct denials *denials;   /* of people, by certificate or session */
    struct denials *strangers; /* of machines, where nobody is known */
    struct attempts *attempts; /* to log in */
    struct sessions *sessions;
    struct api_request *code_request; /* by which a break-glass code is being used; NULL: none is */
    struct oidc_settings oidc;        /* issuer NULL: nobody logs in by a provider */
    struct provider *provider;        /* NULL: the same */
    struct event_streams *events;
    struct api_request *requests; /* being answered */
    unsigned n_requests;
    struct gateway_statistics statistics;
};

/* Answers a request that has not become one for a handler. request.c. */
void exchange_problem(struct http_exchange *, const struct problem *, const char *fields);
/* The same with 403, recorded. `actor`: who is to be named for it; `right` NULL: none that counts.
 * `needed` 0: no role would do. */
void exchange_deny(struct gateway_service *, struct http_exchange *, const char *actor,
                   const struct right *right, role_set needed, const char *reason);
/* With 401: what was shown makes nobody known. Recorded, and counted against the address; with 429
 * if that has to wait. */
void exchange_unknown(struct gateway_service *, struct http_exchange *, const char *reason);
void exchange_slow_down(struct gateway_service *, struct http_exchange *, nsec_t wait);
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
