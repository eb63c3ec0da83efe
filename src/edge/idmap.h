/* idmap.h - numbers to objects, written by the control thread, read by workers without locks. The
 * number is the object's first member, an uint32_t. Objects that are removed must be freed through
 * qsbr. */
#ifndef EDGE_IDMAP_H
#define EDGE_IDMAP_H

#include "edge/qsbr.h"

struct idmap_slots;

struct idmap {
    struct idmap_slots *_Atomic slots;
    struct qsbr *qsbr;
    uint32_t n;    /* objects */
    uint32_t used; /* slots that are or were taken */
};

void idmap_init(struct idmap *, struct qsbr *);
void idmap_fini(struct idmap *); /* Frees the map, not the objects. */

void *idmap_get(const struct idmap *, uint32_t id); /* NULL: none */
void idmap_put(struct idmap *, void *object);       /* its number must not be in use */
void idmap_replace(struct idmap *, void *object);   /* its number must be in use */
void idmap_remove(struct idmap *, uint32_t id);
/* Visits all objects by rising number; the visitor may remove the one it is given. */
void idmap_each(const struct idmap *, void (*visit)(void *arg, void *object), void *arg);

#endif
