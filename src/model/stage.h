/* stage.h - an import in progress: objects are collected, checked together with the network they
 * are meant for, and applied all or not at all. Every way in (JSON, tables, SCD files) uses it, so
 * all report alike. */
#ifndef MODEL_STAGE_H
#define MODEL_STAGE_H

#include "model/object.h"
#include "model/report.h"

struct stage;

/* Where a field of a row was written. */
struct stage_cell {
    const char *field;     /* as findings name it: "a/port"; static */
    const char *heading;   /* as the writer named it: "port-a"; static, or as long as the stage */
    uint32_t line, column; /* from 1 */
};

/* Where a row was written. Everything is copied but the strings of the cells. */
struct stage_place {
    const char *file; /* NULL: none */
    uint32_t line;    /* 0: not known */
    const struct stage_cell *cells;
    size_t n_cells;
};

/* Never NULL. Both are kept until the stage is finished; `network` is not changed before that. */
struct stage *stage_new(struct network *network, struct report *);

/* What the network looks like with all that was put so far; not to be changed. */
const struct network *stage_network(const struct stage *);

/* Puts an object (taken over) in place of that of its name. `kind` is not OBJECT_PORT. A name that
 * is there twice is an error of the second row. */
void stage_put(struct stage *, enum object_kind, void *object, const struct stage_place *);
/* Puts a port (taken over) into a node, in place of that of its number. */
void stage_put_port(struct stage *, const char *node, struct port *, const struct stage_place *);
/* Sets the settings (taken over). */
void stage_put_settings(struct stage *, struct settings *, const struct stage_place *);
/* A row that could not be read. `field` may be NULL: the row as a whole. */
void stage_fail(struct stage *, const char *kind, const char *name, const struct stage_place *,
                const char *field, const char *text);

/* Checks the network as it would be. What was not to be said before is reported: an error at the
 * row of its object, all else as findings. Without errors, and if this is not a dry run, the
 * network is changed; objects that stay the same stay where they are. Frees the stage. ERR_INVALID:
 * the report has errors; nothing was changed. */
MUST_CHECK enum err stage_finish(struct stage *, bool dry_run);

#endif
