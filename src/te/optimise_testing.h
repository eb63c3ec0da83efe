/* optimise_testing.h - an order of moves played step by step, with nothing of the optimiser's. */
#ifndef TE_OPTIMISE_TESTING_H
#define TE_OPTIMISE_TESTING_H

#include "te/mcf_testing.h"
#include "te/optimise_order.h"

#include "base/testing.h"

#define PLAYED_MAX 256

/* Up to two paths of each LSP at once. */
struct now {
    const uint32_t *links[2][PLAYED_MAX];
    uint32_t n[2][PLAYED_MAX];
};

static inline UNUSED struct now
at_first(const struct te_lsp *lsps, uint32_t n)
{
    struct now now = {0};
    assert_true(n <= PLAYED_MAX);
    for (uint32_t i = 0; i < n; i++) {
        now.links[0][i] = lsps[i].links;
        now.n[0][i] = lsps[i].n_links;
    }
    return now;
}

/* Who has the link on both paths counts once; a symmetric one loads the reverse of its links, too.
 */
static inline UNUSED uint64_t
load_now(const struct te_network *net, const struct te_lsp *lsps, uint32_t n, const struct now *now,
         uint32_t link)
{
    uint64_t load = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t reverse = lsps[i].constraints.symmetric ? net->links[link].reverse : link;
        bool on = false;
        for (int k = 0; k < 2; k++) {
            for (uint32_t j = 0; j < now->n[k][i]; j++)
                on |= now->links[k][i][j] == link || now->links[k][i][j] == reverse;
        }
        load += on ? lsps[i].constraints.bandwidth_bps : 0;
    }
    return load;
}

/* Batch by batch, everything of a batch at once; no link above its limit, and at the end all are
 * where they should be. */
static inline UNUSED void
play_order(const struct te_network *net, const struct te_lsp *lsps, uint32_t n,
           const struct te_move *moves, uint32_t n_moves, const uint64_t *limit,
           const struct te_order *o)
{
    struct now now = at_first(lsps, n);
    uint32_t broken = 0;
    for (uint32_t i = 0; i < o->n_steps;) {
        uint32_t end = i;
        for (; end < o->n_steps && o->steps[end].batch == o->steps[i].batch; end++) {
            const struct te_step *step = &o->steps[end];
            assert_int_equal(now.n[1][step->lsp], 0); /* once in a batch */
            broken += step->kind == TE_STEP_DOWN;
            if (step->kind == TE_STEP_UP)
                assert_int_equal(now.n[0][step->lsp], 0);
            now.links[1][step->lsp] = step->links;
            now.n[1][step->lsp] = step->n_links;
        }
        for (uint32_t l = 0; l < net->n_links; l++)
            assert_true(load_now(net, lsps, n, &now, l) <= limit[l]);
        for (; i < end; i++) {
            uint32_t lsp = o->steps[i].lsp;
            now.links[0][lsp] = o->steps[i].links;
            now.n[0][lsp] = o->steps[i].n_links;
            now.n[1][lsp] = 0;
        }
    }
    assert_int_equal(broken, o->n_broken);
    for (uint32_t i = 0; i < n_moves; i++) {
        uint32_t lsp = moves[i].lsp;
        assert_int_equal(now.n[0][lsp], moves[i].n_links);
        assert_memory_equal(now.links[0][lsp], moves[i].links,
                            moves[i].n_links * sizeof *moves[i].links);
    }
}

#endif
