/* content_gate.h - what the services read from directories is what somebody who is trusted has
 * signed, or nothing starts (io/signed_content.h). What was taken and what was refused are events
 * in the journal; by them the gate knows which release was there before, and refuses an older one.
 */
#ifndef TIELINED_CONTENT_GATE_H
#define TIELINED_CONTENT_GATE_H

#include "base/err.h"
#include "journal/journal.h"

#include <jansson.h>
#include <stdbool.h>

struct content_gate; /* Opaque. */

#define CONTENT_GATE_DIRECTORIES 2

/* Texts are borrowed and must outlive the gate. */
struct content_gate_config {
    const char *trust; /* file; "" or NULL: everything passes, which the log says */
    bool accept_older;
    struct {
        const char *word; /* "schema": the event's object is "content/schema" */
        const char *name; /* what the manifest must say it is */
        const char *path;
    } directories[CONTENT_GATE_DIRECTORIES];
};

/* Errors of the file of trust, in words. */
MUST_CHECK enum err content_gate_new(const struct content_gate_config *, struct content_gate **,
                                     struct diag *);
void content_gate_free(struct content_gate *); /* NULL is fine. */

/* Every event of the journal, from the first one: the gate looks for its own. */
void content_gate_event(struct content_gate *, const char *type, const char *object,
                        const json_t *body);
/* Verifies all directories and appends an event for each. `when` is a word of the event: "start",
 * "reload". Errors of content_verify(): the first that is refused. */
MUST_CHECK enum err content_gate_check(struct content_gate *, struct journal *, const char *when,
                                       struct diag *);

#endif
