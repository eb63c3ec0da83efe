/* workflow_expr.h - the three small languages in which a workflow's steps point at data. No
 * scripting: nothing here loops, calls out, or fails for lack of time.
 *
 *   reference   input.circuits, steps.design.result.plan, item.name, list.0
 *               Names joined by dots; a number picks a list's element, from 0. What is not there
 *               is null.
 *   template    any JSON. A text that is one "${reference}" and nothing else becomes the value,
 *               whatever its type; in longer text, text, whole numbers, true and false are
 *               inserted. "$${" stands for "${".
 *   condition   present(input.window-end) and not (input.kind == 'goose' or input.count != 3)
 *               `==` and `!=` compare references, 'text', "text", whole numbers, true, false and
 *               null, by type and value, lists and objects throughout. present(x) is true unless x
 *               is null. `not` binds more tightly than `and`, `and` more than `or`. */
#ifndef ORCHESTRATE_WORKFLOW_EXPR_H
#define ORCHESTRATE_WORKFLOW_EXPR_H

#include "base/arena.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

#define WORKFLOW_PATH_MAX 16           /* names in a reference */
#define WORKFLOW_CONDITION_LENGTH 1000 /* octets of a condition */
#define WORKFLOW_CONDITION_DEPTH 32    /* parentheses and `not`s inside each other */

/* A reference taken apart. The names point into the text it was read from. */
struct workflow_path {
    size_t n; /* at least 1 */
    struct workflow_name {
        const char *text;
        size_t length; /* 1 to 63 characters of A-Z a-z 0-9 _ - */
    } name[WORKFLOW_PATH_MAX];
};

bool workflow_name_is(const struct workflow_name *, const char *text);

/* ERR_MALFORMED, with a diag, if the text is no reference. */
MUST_CHECK enum err workflow_path_parse(const char *text, size_t length, struct workflow_path *,
                                        struct diag *);

/* Where values come from. */
struct workflow_scope {
    /* Finds what the first names stand for, and sets `used` to how many they were; the rest leads
     * into the value. Returns a borrowed value; NULL if there is none. */
    json_t *(*find)(const struct workflow_scope *, const struct workflow_path *, size_t *used);
};

/* Borrowed; NULL where there is nothing or null. */
json_t *workflow_path_value(const struct workflow_path *, const struct workflow_scope *);

/* Told of each reference; an error of its own ends the visit. */
typedef enum err workflow_visit_fn(void *arg, const struct workflow_path *, struct diag *);

/* Checks every text in the template and visits its references, in order. `visit` may be NULL.
 * ERR_MALFORMED: "${" without "}" or with no reference in it. ERR_LIMIT: nested over 32 deep. */
MUST_CHECK enum err workflow_template_check(const json_t *, workflow_visit_fn *visit, void *arg,
                                            struct diag *);

/* Fills the template in. The caller owns a reference to the result, which shares what it can with
 * the template and the scope: it must not be changed. ERR_INVALID: null, a list, an object or a
 * number with a fraction inside longer text. */
MUST_CHECK enum err workflow_template_render(json_t *, const struct workflow_scope *,
                                             json_t **result, struct diag *);

struct workflow_condition;

/* Everything is allocated from the arena; `text` must live as long. ERR_MALFORMED: not a condition;
 * ERR_LIMIT: nested too deeply, or the arena's budget. */
MUST_CHECK enum err workflow_condition_parse(struct arena *, const char *text,
                                             const struct workflow_condition **, struct diag *);
MUST_CHECK enum err workflow_condition_visit(const struct workflow_condition *,
                                             workflow_visit_fn *visit, void *arg, struct diag *);
/* NULL is a condition that holds. */
bool workflow_condition_holds(const struct workflow_condition *, const struct workflow_scope *);

#endif
