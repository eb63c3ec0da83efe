/* inventory.h - the model, changed and read by people: imports, single objects, exports.
 *
 * A change is computed beside the loop on a copy of the network, checked, and becomes one event or
 * none: model.put with what is new or different, model.remove. Whoever changes has the turn, so no
 * circuit is reserved on what is about to go. A dry run does all of it but the event. */
#ifndef ORCHESTRATE_INVENTORY_H
#define ORCHESTRATE_INVENTORY_H

#include "model/model.h"
#include "model/report.h"
#include "orchestrate/requests.h"

#define IMPORT_FILES_MAX 100

request_fn inventory_import, inventory_export, inventory_put, inventory_remove;

/* Puts what files say, [{"name", "text"}, ...], into a network; `format` is "csv", or it is JSON.
 * What is wrong is in the report; nothing of such a file is in the network then. Pure. */
void inventory_read_files(struct network *, const char *format, const json_t *files,
                          struct report *);

#endif
