/* planner_steps.h - moves of LSPs as steps that routers are taken through one after the other, make
 * before break, with what each means for the links. Pure; within planner_*.c.
 *
 * The order is te_order_moves()'s. Where that says that an LSP has to be taken down first, nothing
 * is: label stacks are changed at once, and what the old and the new path exceed while both count
 * is told as the step's overlap. */
#ifndef WAN_PLANNER_STEPS_H
#define WAN_PLANNER_STEPS_H

#include "te/moves.h"
#include "wan/planner_lineup.h"

/* The answer of planner_optimise() but for what it adds itself; `threshold`: links above it are
 * counted. */
MUST_CHECK enum err steps_json(const struct lineup *, const struct te_move *, uint32_t n_moves,
                               double threshold, json_t **answer, struct diag *);

#endif
