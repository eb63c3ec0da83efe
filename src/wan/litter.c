/* litter.c - paths with names of ours that nobody wants, and their removal. */
#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "wan/wan_private.h"

#include <stdlib.h>

#define AGAIN (60 * NSEC_PER_SEC)

static struct wan_litter *
find_litter(struct wan_service *s, uint64_t lsp)
{
    struct wan_litter *l;
    HASH_FIND(hh, s->litter, &lsp, sizeof lsp, l);
    return l;
}

void
wan_litter_result(struct wan_service *s, const struct pce_result *r)
{
    struct wan_litter *l = find_litter(s, r->lsp);
    if (l && l->order == r->id)
        l->order = 0;
}

void
wan_litter_gone(struct wan_service *s, uint64_t lsp)
{
    struct wan_litter *l = find_litter(s, lsp);
    if (!l)
        return;
    HASH_DEL(s->litter, l);
    free(l);
}

/* Once, and after a while again: who refuses it, or says every moment something new of it, is not
 * asked every moment. */
void
wan_litter_remove(struct wan_service *s, const struct lsp *lsp)
{
    struct wan_litter *l = find_litter(s, lsp->id);
    nsec_t now = clock_monotonic();
    struct diag why = {""};
    const struct pce_order order = {
        .kind = PCE_REMOVE, .urgency = PCE_HOUSEKEEPING, .lsp = lsp->id, .is_certain = true};
    if (!lsp->created_by_pce || !lsp->delegated || (l && (l->order || l->again > now)))
        return;
    if (!l) {
        l = xcalloc(1, sizeof *l);
        l->lsp = lsp->id;
        HASH_ADD(hh, s->litter, lsp, sizeof l->lsp, l);
    }
    l->again = now + AGAIN;
    if (pce_order(wan_pce(s), &order, now, &l->order, &why))
        log_info("wan: %s is nobody's, and stays: %s", lsp_name(lsp), why.text);
}
