/* ted_import.h - what was planned, as a table (base/csv.h): links with their shared risk groups and
 * delays, or nodes with their names. The first line names the columns, in any order.
 *
 * Links, one a line, both directions alike unless `direction` is "a-b":
 *   node_a, node_b         needed: a name, or a router id ("10.0.0.1")
 *   address_a, address_b   of the ends: which link it is, where two nodes have several
 *   srlg                   numbers with spaces between them
 *   delay_us, jitter_us, capacity_mbps, igp_metric, te_metric
 *   groups                 administrative groups: numbers with spaces between them, 0 to 255
 *   direction              "both" (also if empty) or "a-b"
 *
 * Nodes:
 *   name, router_id        both needed
 *
 * A cell that is empty tells nothing. Columns of other names are passed over. */
#ifndef TE_TED_IMPORT_H
#define TE_TED_IMPORT_H

#include "te/ted.h"

#include <stddef.h>

#define TED_IMPORT_ROWS 100000

struct ted_import_counters {
    uint32_t n_rows, n_links, n_nodes; /* links: directions */
};

/* Makes the text all that `source` says. ERR_MALFORMED, ERR_INVALID, ERR_LIMIT: the text says file,
 * line and field; then nothing has changed. `file` is for words. */
MUST_CHECK enum err ted_import(struct ted *, uint32_t source, const char *file, const char *text,
                               size_t size, nsec_t now, struct ted_import_counters *,
                               struct diag *);

#endif
