/* access.h - who is logged in, who granted what to whom, and which break-glass code is sealed: the
 * part of the state (state.h) that the gateway lives by. Pure; a fold over the events session.*,
 * user.* and break-glass.* (doc/events.md).
 *
 * No secret is in it: of a session's token and of a break-glass code only hashes are. Whether a
 * session's time is over is for who asks to say: the fold has no clock. */
#ifndef MODEL_ACCESS_H
#define MODEL_ACCESS_H

#include "base/err.h"
#include "base/time.h"

#include <jansson.h>
#include <stdbool.h>
#include <uthash.h>

#define SESSION_HASH_SIZE 65 /* SHA-256, hexadecimal, with its NUL */

struct session {
    char *id;
    char token_hash[SESSION_HASH_SIZE]; /* of the token as it is sent */
    char *person;                       /* "alice", "break-glass/main" */
    json_t *roles;                      /* array of words: those that hold at this site */
    json_t *body;                       /* of its event: issuer, subject, groups, address */
    nsec_t opened, until;               /* wall clock */
    nsec_t idle;                        /* it ends after so long without a request */
    bool break_glass;
    UT_hash_handle hh;   /* by token_hash */
    UT_hash_handle hhid; /* by id */
};

/* Who last said which roles somebody holds. */
struct grant {
    char *name; /* key */
    char *by;
    nsec_t at;
    uint64_t seq;
    json_t *user; /* {"roles", "sites"?} */
    UT_hash_handle hh;
};

struct seal {
    char *name;   /* key */
    json_t *body; /* of its event: roles, session-s, and the code's hash */
    char *by;     /* who sealed it */
    nsec_t at;
    char *used_by; /* the session that used it; NULL: it is sealed */
    nsec_t used;   /* 0 */
    UT_hash_handle hh;
};

struct access {
    struct session *by_token, *by_id; /* those that were not closed */
    struct grant *grants;
    struct seal *seals;
};

void access_fini(struct access *); /* A zeroed one is fine. */

/* NULL: none. */
const struct session *access_session(const struct access *, const char *id);
const struct session *access_session_by_token(const struct access *, const char *token_hash);
const struct grant *access_grant(const struct access *, const char *name);
const struct seal *access_seal(const struct access *, const char *name);

struct state_event; /* state.h */

/* Is the type one of these? */
bool access_knows(const char *type);
/* Takes it one event further. ERR_MALFORMED: a body it cannot read; nothing is changed. */
MUST_CHECK enum err access_apply(struct access *, const struct state_event *, struct diag *);

#endif
