/* identity.h - who asks, and which roles they hold: the seam for every way to log in.
 *
 * People and machines show a certificate; its common name is the person. Which roles a person holds
 * says a file, which is read again whenever it has changed:
 *
 *     {"users": {"alice": ["ENGINEER"],
 *                "bob":   {"roles": ["OPERATOR", "VIEWER"], "sites": ["substation-a"]}}}
 *
 * A grant that names sites holds at those only. Roles are those of IEC 62351-8. If the file cannot
 * be read any more, what it said last goes on to hold, and identity_problem() says so. */
#ifndef GATEWAY_IDENTITY_H
#define GATEWAY_IDENTITY_H

#include "base/err.h"

#include <jansson.h>

#include <stdbool.h>

enum role {
    ROLE_VIEWER,
    ROLE_OPERATOR,
    ROLE_ENGINEER,
    ROLE_INSTALLER,
    ROLE_SECADM,
    ROLE_SECAUD,
    ROLE_RBACMNT,
    ROLE_MAX
};

const char *role_word(enum role);       /* "VIEWER"; static */
enum role role_from_word(const char *); /* ROLE_MAX: no such role */

/* A set of roles: bits. */
typedef unsigned role_set;
#define ROLE(name) (1u << ROLE_##name)
#define ROLES_ALL ((1u << ROLE_MAX) - 1)

json_t *roles_to_json(role_set); /* ["ENGINEER"]; the caller owns it */
/* ERR_INVALID: not an array of roles, each once. */
MUST_CHECK enum err roles_from_json(const json_t *, role_set *, struct diag *);

#define PERSON_NAME_MAX 127 /* characters, as schema/tieline-types.yang has it */

/* Is it what a person can be called? Not the services' own "system/...", nor "break-glass/...". */
bool person_name_is_valid(const char *);

struct person {
    char name[PERSON_NAME_MAX + 1];
    role_set roles; /* that hold at this site */
};

struct identity; /* Opaque. */

/* `site`: where the roles are to hold. ERR_NOT_FOUND, ERR_IO: the file cannot be read;
 * ERR_MALFORMED, ERR_INVALID: it is not as above, `diag` says where. */
MUST_CHECK enum err identity_open(const char *file, const char *site, struct identity **,
                                  struct diag *);
void identity_close(struct identity *); /* NULL is fine */

/* The one way in: from a certificate's common name to a person. ERR_DENIED: nobody of that name is
 * in the file, or it is none a person can have ("system/..." is the services' own). */
MUST_CHECK enum err identity_resolve(struct identity *, const char *common_name, struct person *,
                                     struct diag *);

/* Why the file cannot be read now; NULL: it can. */
const char *identity_problem(const struct identity *);

/* ---- who holds what, for those who say so */

/* {"name", "roles", "sites"}, in the file's order, all or one; NULL: nobody of that name. The
 * caller owns it. */
json_t *identity_list(struct identity *);
json_t *identity_get(struct identity *, const char *name);

/* What the file would be after a change: prepared, then committed or dropped. `user` is {"roles",
 * "sites"?}, NULL removes. ERR_INVALID: it is not that, or not a person's name. ERR_NOT_FOUND: who
 * is to be removed is not there. ERR_IO: cannot be written. */
struct identity_change;
MUST_CHECK enum err identity_prepare(struct identity *, const char *name, const json_t *user,
                                     struct identity_change **, struct diag *);
/* Puts it in place, whole or not at all, and ends it. */
MUST_CHECK enum err identity_commit(struct identity_change *, struct diag *);
void identity_drop(struct identity_change *); /* NULL is fine */

#endif
