/* cli_progress.h - how far an order is: redrawn in place on a terminal, as lines elsewhere. Pure:
 * it is told the time and writes into a buffer. */
#ifndef CLI_CLI_PROGRESS_H
#define CLI_CLI_PROGRESS_H

#include "cli/cli_text.h"

struct progress; /* one order that is followed */

/* `columns`: of the terminal; 0: it is none, and there are lines. */
struct progress *progress_new(unsigned columns, bool utc);
void progress_free(struct progress *); /* NULL is fine */

/* The order as it is at `now` (wall clock). Appends what is to be written. */
void progress_show(struct progress *, const json_t *order, nsec_t now, struct buf *);

/* How it stands. */
enum order_state { ORDER_RUNS, ORDER_WAITS, ORDER_DONE, ORDER_FAILED };
enum order_state order_state(const json_t *order);

#endif
