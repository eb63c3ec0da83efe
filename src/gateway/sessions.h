/* sessions.h - people who have logged in without a certificate: a token that they send with each
 * request (RFC 6750), as long as their session lasts.
 *
 * Sessions are events: session.opened, session.closed; which there are is in the state
 * (model/access.h), so they are there again when the program is. What is kept here is when each was
 * used last, by which it ends when nobody uses it (its opening is a use; and that begins anew when
 * the program does), and which were revoked: from that moment on, whatever becomes of the record. A
 * session ends by itself at its time, wherever the identity provider is. */
#ifndef GATEWAY_SESSIONS_H
#define GATEWAY_SESSIONS_H

#include "base/err.h"
#include "base/time.h"
#include "gateway/identity.h"
#include "gateway/right.h"
#include "model/access.h"

struct gateway_service;
struct sessions; /* Opaque. */

#define SESSION_TOKEN_PREFIX "tieline_" /* so that one that leaks is recognised */
#define SESSION_TOKEN_SIZE 64           /* with its NUL; 256 random bits are in it */
#define SESSION_ID_SIZE 17              /* with its NUL */
#define SESSIONS_ALL_MAX 4096
#define SESSIONS_PER_PERSON_MAX 16

struct sessions *sessions_new(struct gateway_service *); /* Never NULL. */
void sessions_free(struct sessions *);                   /* NULL is fine. */

/* Who it is by the field Authorization. ERR_DENIED: no session, or one that has ended; `diag` says
 * which. Counts as a use. */
MUST_CHECK enum err sessions_resolve(struct sessions *, const char *authorization, struct person *,
                                     struct right *, struct diag *);
/* Does the session of this id still go on? No use. */
bool sessions_is_live(const struct sessions *, const char *id);
nsec_t sessions_last_used(const struct sessions *, const struct session *); /* wall clock */

/* A new token and what is recorded of it. */
struct session_ticket {
    char token[SESSION_TOKEN_SIZE];
    char token_hash[SESSION_HASH_SIZE];
    char id[SESSION_ID_SIZE];
};
/* ERR_LIMIT: the person, or all together, have as many as can be. */
MUST_CHECK enum err sessions_ticket(struct sessions *, const char *person, struct session_ticket *,
                                    struct diag *);

/* Ends it now, and records it. `done` as of journal_append(), called also if that fails at once. */
typedef void session_closed_fn(void *arg, enum err, const char *why);
void sessions_close(struct sessions *, const char *id, const char *actor, const char *reason,
                    session_closed_fn *done, void *arg);

/* Records the end of those whose time is over, and once more of those where that did not become
 * durable. Done by itself every 30 s. */
void sessions_sweep(struct sessions *);

/* An event session.opened is durable: it is used from now on. */
void sessions_begin(struct sessions *, const char *id);
/* An event session.closed is durable: forgets what is kept of it. */
void sessions_forget(struct sessions *, const char *id);

#endif
