/* optimise_cover.h - the least number of items that together cover several needs: which LSPs must
 * leave links that are too full. A small integer program: branch and bound over CLP. Pure. */
#ifndef TE_OPTIMISE_COVER_H
#define TE_OPTIMISE_COVER_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct te_cover {
    uint32_t n_needs, n_items;
    const double *need;         /* > 0 */
    const double *size;         /* by item; > 0: what it gives to each of its needs */
    const uint32_t *first, *of; /* needs of item i: of[first[i]] to of[first[i + 1] - 1] */
};

/* `chosen` by item, the fewest that were found; of as many, with the least total size. `*at_least`
 * is proved; equal to their number unless `budget` programs did not suffice. ERR_NOT_FOUND: all
 * together do not do. ERR_LIMIT: CLP gave up.
 * ERR_INVALID: no needs. */
MUST_CHECK enum err te_cover_solve(const struct te_cover *, uint32_t budget, bool *chosen,
                                   uint32_t *n_chosen, uint32_t *at_least);

#endif
