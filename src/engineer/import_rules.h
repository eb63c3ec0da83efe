/* import_rules.h - reads networks of others in the plain format of doc/imported-networks.md. */
#ifndef ENGINEER_IMPORT_RULES_H
#define ENGINEER_IMPORT_RULES_H

#include "engineer/import_update.h"
#include "engineer/labels.h"

struct import_options {
    uint32_t depth;        /* labels of a stack; 0: 16 */
    uint32_t steps;        /* for each entry of a label-switched path and failure; 0: 100000 */
    import_watch_fn watch; /* NULL: nobody asks */
    void *arg;
};

struct import_tally {
    uint32_t lines;                          /* read */
    uint32_t routes, rules, labels, entries; /* added; routes and rules less those taken away */
    uint64_t loops, holes, unjudged;         /* that changes made, one by one */
};

/* Reads a text into a network that is new, and judges rule after rule. `labels` is made when the
 * text has label rules, NULL else; to be judged when all is read, and labels_free(). On error the
 * network has what came before. ERR_MALFORMED: not the format; ERR_UNSUPPORTED: a version, a kind
 * of line or a field that is not known; others as imported.h and labels.h say. The diagnosis says
 * line, column, and which field. */
MUST_CHECK enum err import_rules(struct imported *, struct labels **, const char *text, size_t size,
                                 const struct import_options *, struct import_tally *,
                                 struct diag *);

#endif
