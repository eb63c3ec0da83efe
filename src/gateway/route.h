/* route.h - the table of all that can be asked over the API, and finding a request's row in it.
 *
 * One table dispatches, authorises, checks parameters and bodies, and is written down as OpenAPI
 * (openapi.h); a test compares it with doc/api.md. Pure. */
#ifndef GATEWAY_ROUTE_H
#define GATEWAY_ROUTE_H

#include "base/time.h"
#include "gateway/http_head.h"
#include "gateway/http_target.h"
#include "gateway/identity.h"

#include <jansson.h>

#define API_PREFIX "/api/v1"

struct api_request;

enum parameter_type {
    PARAMETER_FLAG,   /* true or false */
    PARAMETER_NUMBER, /* decimal, `min` to `max` */
    PARAMETER_WORD,   /* one of `words` */
    PARAMETER_TEXT    /* at most 255 octets, not empty */
};

struct api_parameter {
    const char *name, *description;
    enum parameter_type type;
    bool required;
    json_int_t min, max;
    const char *words; /* with spaces in between: "csv json scd" */
};

struct api_route {
    enum http_method method;
    const char *path;    /* behind API_PREFIX: "/orders/{id}/decisions" */
    role_set roles;      /* any of them will do */
    const char *summary; /* a sentence */
    void (*handle)(struct api_request *);

    const char *subject; /* of the bus: who is asked; NULL: the handler knows */
    nsec_t timeout;      /* for that; 0: ROUTE_TIMEOUT */
    const char *body;    /* a component (components.h); NULL: no body is taken */
    size_t body_size;    /* most octets of it; 0: ROUTE_BODY_SIZE */
    const char *type;    /* media type of body and answer; NULL: application/json */
    bool takes_body;     /* any JSON object, which the handler looks at */
    const char *answer;  /* a component; NULL: an object without members */
    int status;          /* of an answer that is not an error; 0: 200 */
    const struct api_parameter *const *query; /* up to NULL; NULL: none are taken */
    role_set dry_roles;                       /* with ?dry-run=true; 0: the same */
    bool open;                                /* also for who has shown nothing yet: to log in */
    bool reads;   /* changes nothing, though it is no GET: not recorded */
    bool revokes; /* takes a right away: carried out also when that cannot be recorded */
};

#define ROUTE_BODY_SIZE ((size_t)256 << 10)
#define ROUTE_TIMEOUT (15 * NSEC_PER_SEC)

extern const struct api_route route_table[]; /* route_table.c */
extern const size_t route_table_size;

static inline int
route_status(const struct api_route *route)
{
    return route->status ? route->status : 200;
}

/* What stands in braces in paths. */
struct path_parameter {
    const char *name, *description;
    const char *component; /* of openapi.h: how it is written */
};
const struct path_parameter *path_parameter_find(const char *name, size_t length);

struct route_match {
    const struct api_route *route; /* NULL: none */
    const char *value;             /* of what stands in braces, in the target; NULL: nothing does */
    bool path_known;               /* there are routes with this path */
    char allow[64];                /* ... with these methods: "GET, HEAD, PUT" */
};

/* Adds a method of the path that was asked for. */
void route_match_allow(struct route_match *, enum http_method);
/* HEAD is GET here. A path with a value that cannot be one (an order "x") is not known. */
void route_find(enum http_method, const struct http_target *, struct route_match *);

/* Reads the query of a target into an object: flags as booleans, numbers as integers, else strings.
 * ERR_INVALID: a parameter that the route does not have, or twice, or a value that is none, or one
 * that is required is missing; *name (static or in the target) says which. The caller owns the
 * result. */
MUST_CHECK enum err route_query(const struct api_route *, const struct http_target *,
                                json_t **result, const char **name, struct diag *);

/* Who may: the roles that will do for a request with this query. */
role_set route_roles(const struct api_route *, const json_t *query);

#endif
