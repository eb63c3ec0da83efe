/* workflow.h - the definition of a workflow: what it asks for, its steps, and what undoes them.
 *
 * A definition is data. doc/workflows.md is its manual, etc/workflows/ holds those that ship. It is
 * read from YAML by people and from JSON out of a journal's run.created event, and checked whole
 * either way: a definition that loads has no unknown keys, no dangling references and no cycles.
 * What runs it is workflow_run.h. */
#ifndef ORCHESTRATE_WORKFLOW_H
#define ORCHESTRATE_WORKFLOW_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

#define WORKFLOW_STEPS_MAX 200
#define WORKFLOW_ITEMS_MAX 100000 /* items of one foreach */
#define WORKFLOW_PARALLEL_MAX 256 /* items of one foreach at work at once */
#define WORKFLOW_DAYS_MAX 3650    /* longest duration a definition may state */
#define WORKFLOW_HASH_SIZE 65     /* SHA-256 in hexadecimal digits and a NUL */

struct workflow; /* Opaque and constant. */

/* From YAML, UTF-8. `file` names it in messages: "file:line:column: message". The caller owns the
 * result. ERR_MALFORMED: not YAML. ERR_UNSUPPORTED: YAML that is not allowed (yaml.h).
 * ERR_INVALID: no workflow. ERR_LIMIT: too large. */
MUST_CHECK enum err workflow_parse_yaml(const char *text, size_t size, const char *file,
                                        struct workflow **, struct diag *);

/* From the JSON of workflow_json(). Takes a reference of its own; the tree must not change
 * afterwards. Errors as above; messages name the step, there being no lines. */
MUST_CHECK enum err workflow_parse_json(json_t *definition, struct workflow **, struct diag *);

void workflow_free(struct workflow *); /* NULL is fine. */

const char *workflow_name(const struct workflow *);
const char *workflow_title(const struct workflow *); /* "" if it has none */
/* The definition as JSON, borrowed. */
json_t *workflow_json(const struct workflow *);
/* SHA-256 of that JSON in its canonical form, workflow_hash_json(): what changes it is a different
 * definition, what changes only comments and layout is not. */
const char *workflow_hash(const struct workflow *);

/* SHA-256 over the JSON as text with sorted keys and without white space, in hexadecimal digits. */
void workflow_hash_json(const json_t *, char hash[WORKFLOW_HASH_SIZE]);

/* Is it a role of IEC 62351-8 (VIEWER, OPERATOR, ENGINEER, INSTALLER, SECADM, SECAUD, RBACMNT)? */
bool workflow_is_role(const char *name);

/* Makes the body of the run.created event that starts a run (workflow_run.h). `run` is the new
 * run's id: 1 to 63 characters of A-Z a-z 0-9 . _ -, unique for ever, because effects are
 * idempotent by keys that begin with it. `requester` is who asked, as the identity service spells
 * it, or "system/NAME". `input` is checked against what the definition asks for, and defaults
 * filled in. The caller owns the body. ERR_INVALID with a diag: what is wrong with the input. */
MUST_CHECK enum err workflow_request(const struct workflow *, const char *run,
                                     const char *requester, json_t *input, json_t **created,
                                     struct diag *);

#endif
