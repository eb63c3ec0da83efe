/* object.h - what can be done with any kind of object of the model, driven by the rows of its
 * members. */
#ifndef MODEL_OBJECT_H
#define MODEL_OBJECT_H

#include "model/member.h"
#include "model/model.h"

enum object_kind {
    OBJECT_SITE,
    OBJECT_NODE,
    OBJECT_LINK,
    OBJECT_HOST,
    OBJECT_ROUTER,
    OBJECT_TUNNEL,
    OBJECT_VPN,
    OBJECT_CIRCUIT,  /* the kinds up to here are what people state */
    OBJECT_DESIGN,   /* the kinds up to here are in a network under their names */
    OBJECT_PORT,     /* struct port, within a node */
    OBJECT_SETTINGS, /* struct settings, one per network */
    OBJECT_KIND_MAX
};

#define OBJECT_NAMED_MAX OBJECT_PORT

struct object_class {
    const char *word; /* "circuit", also the list in JSON */
    size_t size;
    const struct member *members;
    size_t n_members;
    /* Called before the members of a group are read from JSON. NULL: nothing to do. */
    enum err (*enter_group)(void *object, const char *group, struct diag *);
    /* What has to hold between members; NULL: nothing. `culprit` says which one is wrong. */
    enum err (*check)(const void *object, const struct member **culprit, struct diag *);
};

const struct object_class *object_class(enum object_kind);
/* The member with that JSON name and group (NULL: none); NULL if there is none. */
const struct member *object_member(enum object_kind, const char *group, const char *name);

/* With all defaults; no name yet, and a circuit is of no kind yet. The caller owns it. */
void *object_new(enum object_kind) __attribute__((returns_nonnull));
void object_free(enum object_kind, void *); /* NULL is fine */
/* For objects that are part of something else: frees what the members point to; after a struct was
 * copied as it stands, gives it copies of its own of all that. */
void object_fini(enum object_kind, void *);
void object_own(enum object_kind, void *);
void *object_copy(enum object_kind, const void *) __attribute__((returns_nonnull));
bool object_equal(enum object_kind, const void *, const void *);
/* Its key; "" for settings. A port's is its interface's name. */
const char *object_name(enum object_kind, const void *);

#define OBJECT_ALL_KEPT UINT64_MAX

/* Every required member is set, none is given that this object cannot have, and what has to hold
 * between members holds. `given` has a bit for every member that was stated just now, `kept` for
 * those that had a value before. `culprit` (may be NULL) says which member is wrong; NULL if it is
 * not one alone. `diag` does not name it. */
MUST_CHECK enum err object_check(enum object_kind, const void *, uint64_t given, uint64_t kept,
                                 const struct member **culprit, struct diag *);

/* Reads the whole object; what is not given has its default. ERR_INVALID: a field is unknown,
 * missing or wrong; `diag` names it ("ip/client: ..."). */
MUST_CHECK enum err object_from_json(enum object_kind, const json_t *, void **object,
                                     struct diag *);
/* The same into caller's storage, which must be what object_new() makes. */
MUST_CHECK enum err object_read_json(enum object_kind, const json_t *, void *object, struct diag *);
json_t *object_to_json(enum object_kind, const void *);

/* ---- Any kind of named object in a network -----------------------------------------------------
 */

void *network_find(const struct network *, enum object_kind, const char *name);
void network_put(struct network *, enum object_kind, void *object);
MUST_CHECK enum err network_remove(struct network *, enum object_kind, const char *name);
/* The first object of a kind, and the one after `object`, in order of insertion; NULL at the end.
 */
void *network_first(const struct network *, enum object_kind);
void *object_next(enum object_kind, const void *object);
unsigned network_count(const struct network *, enum object_kind);

#endif
