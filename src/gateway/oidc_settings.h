/* oidc_settings.h - the file that says which identity provider is trusted, and for what:
 *
 *     {"issuer": "https://login.example.org/realms/grid",
 *      "client-id": "tieline",
 *      "client-secret-file": "client-secret",      without it a public client with PKCE
 *      "audience": "tieline-api",                  of tokens for an API; without it none is taken
 *      "ca": "provider-ca.pem",                    without it those whom the system trusts
 *      "scope": "openid profile",                  what is asked for at a log-in
 *      "person": "preferred_username",             the claim that names the person; "sub"
 *      "groups": "/realm_access/roles",            the claim with groups: a name, or a JSON pointer
 *      "map": {"grid-engineers": {"roles": ["ENGINEER"], "sites": ["substation-a"]}},
 *      "cache": "provider.json",                   where its keys outlive the program
 *      "keys-hold": "7d", "refresh": "1h", "leeway": "1m",
 *      "session-idle": "30m", "session-max": "12h"}
 *
 * Files are relative to it. What a group of the map does not name, it does not give. */
#ifndef GATEWAY_OIDC_SETTINGS_H
#define GATEWAY_OIDC_SETTINGS_H

#include "base/time.h"
#include "gateway/identity.h"

#define SESSION_IDLE (30 * 60 * NSEC_PER_SEC)
#define SESSION_MAX (12 * 3600 * NSEC_PER_SEC)

struct oidc_settings {
    char *issuer, *client_id;
    char *secret;                      /* NULL: none */
    char *audience, *ca, *cache;       /* NULL: not said */
    char *scope, *person, *groups;     /* groups NULL: not said */
    nsec_t keys_hold, refresh, leeway; /* 0: not said */
    nsec_t session_idle, session_max;
    json_t *map;
};

/* ERR_NOT_FOUND, ERR_IO: a file cannot be read; ERR_MALFORMED, ERR_INVALID: it is not as above;
 * `diag` says where. */
MUST_CHECK enum err oidc_settings_read(const char *file, struct oidc_settings *, struct diag *);
void oidc_settings_fini(struct oidc_settings *); /* A zeroed one is fine. */

/* Who it is by these claims, and which roles the groups give at `site`. ERR_DENIED: the claim that
 * names the person is missing, or names none; no group gives a role; or the roles are too many for
 * one person (duties.h). *groups (the caller's): those that gave roles. */
MUST_CHECK enum err oidc_settings_judge(const struct oidc_settings *, const char *site,
                                        const json_t *claims, struct person *, json_t **groups,
                                        struct diag *);

#endif
