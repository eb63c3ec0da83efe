/* import_update.h - one change of a prefix table or a packet filter, as a reader of some format
 * found it. */
#ifndef ENGINEER_IMPORT_UPDATE_H
#define ENGINEER_IMPORT_UPDATE_H

#include "engineer/imported.h"

#define IMPORT_OUTS_MAX 64u

struct import_update {
    uint32_t line;
    bool add;
    bool is_route;                    /* false: a filter's rule */
    char name[IMPORTED_NAME_MAX + 1]; /* the node's or the filter's */
    /* A route; `ports` are in `outs`, each ended by NUL. */
    uint32_t prefix, length, priority, n_outs;
    char outs[1024];
    struct acl_rule rule;
};

/* Told of each change. True: go on. */
typedef bool (*import_watch_fn)(void *arg, const struct import_update *,
                                const struct imported_change *);

/* Makes the change. ERR_NOT_FOUND: a name that is not there; others are those of
 * imported_put_route() and imported_put_rule(). */
MUST_CHECK enum err import_apply(struct imported *, const struct import_update *,
                                 struct imported_change *, struct diag *);

#endif
