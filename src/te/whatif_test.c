#include "te/mcf_testing.h"
#include "te/whatif.h"

#include "base/testing.h"

#define N 80

struct subject {
    const struct te_network *net;
    struct te_router *router;
    struct te_lsp lsps[N];
};

static struct te_path
route(const struct subject *s, uint32_t from, uint32_t to, const struct te_path *without)
{
    struct te_request ask = {.from = from, .to = to, .optimise = TE_METRIC_IGP};
    struct te_path path = {0};
    if (without) {
        ask.constraints.exclude_links = without->links;
        ask.constraints.n_exclude_links = without->n;
    }
    if (te_route(s->router, &ask, &path, NULL))
        return (struct te_path){0};
    return path;
}

/* One in three has a standby path over other links, one in five a delay bound. */
static void
open_subject(struct subject *s, uint64_t seed, uint64_t unit)
{
    struct dice d = {seed * 17 + 1};
    s->net = draw_network(14, 10, seed);
    s->router = te_router_new(s->net);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t from = dice_below(&d, 14), to = (from + 1 + dice_below(&d, 13)) % 14;
        struct te_path path = route(s, from, to, NULL);
        s->lsps[i] = te_lsp_plain(from, to, unit * (1 + dice_below(&d, 5)));
        s->lsps[i].links = path.links;
        s->lsps[i].n_links = path.n;
        s->lsps[i].pinned = i % 10 == 0;
        if (i % 5 == 0)
            s->lsps[i].constraints.max_delay_us = (uint32_t)path.delay_us + 20;
        if (i % 3 == 0) {
            struct te_path standby = route(s, from, to, &path);
            s->lsps[i].standby = standby.links;
            s->lsps[i].n_standby = standby.n;
        }
    }
}

static void
close_subject(struct subject *s)
{
    for (uint32_t i = 0; i < N; i++) {
        free((void *)(uintptr_t)s->lsps[i].links);
        free((void *)(uintptr_t)s->lsps[i].standby);
    }
    te_router_free(s->router);
    te_network_free(s->net);
}

static const struct te_fate *
fate_of(const struct te_impact *impact, uint32_t lsp)
{
    for (uint32_t i = 0; i < impact->n_hit; i++) {
        if (impact->fates[i].lsp == lsp)
            return &impact->fates[i];
    }
    return NULL;
}

static bool
is_dead(const struct te_network *net, const struct te_failure *f, uint32_t link)
{
    const struct te_link *l = &net->links[link];
    for (uint32_t i = 0; i < f->n; i++) {
        uint32_t id = f->elements[i].id;
        switch (f->elements[i].kind) {
        case TE_FAIL_LINK:
            if (link == id || l->reverse == id)
                return true;
            break;
        case TE_FAIL_NODE:
            if (l->from == id || l->to == id)
                return true;
            break;
        case TE_FAIL_SRLG:
            for (uint32_t j = 0; j < l->n_srlgs; j++) {
                if (net->link_srlgs[l->first_srlg + j] == id)
                    return true;
            }
        }
    }
    return false;
}

static bool
any_dead(const struct te_network *net, const struct te_failure *f, const uint32_t *links,
         uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (is_dead(net, f, links[i]))
            return true;
    }
    return false;
}

/* One LSP in one failure; adds what it carries to the loads. */
static void
check_lsp(const struct subject *s, const struct te_impact *impact, uint32_t i, uint64_t *load)
{
    const struct te_lsp *p = &s->lsps[i];
    const struct te_fate *fate = fate_of(impact, i);
    bool hit = any_dead(s->net, &impact->failure, p->links, p->n_links);
    assert_int_equal(hit, fate != NULL);
    const uint32_t *links = hit ? fate->links : p->links;
    uint32_t n = hit ? fate->n_links : p->n_links, at = p->from;
    uint64_t delay = 0;
    for (uint32_t j = 0; j < n; j++) {
        assert_int_equal(s->net->links[links[j]].from, at);
        assert_false(is_dead(s->net, &impact->failure, links[j]));
        at = s->net->links[links[j]].to;
        delay += s->net->links[links[j]].delay_us;
        load[links[j]] += p->constraints.bandwidth_bps;
    }
    if (!hit)
        return;
    bool lives = fate->kind == TE_FATE_STANDBY || fate->kind == TE_FATE_REROUTED;
    assert_int_equal(lives, n > 0);
    assert_true(!lives || at == p->to);
    assert_int_equal(fate->late,
                     lives && p->constraints.max_delay_us && delay > p->constraints.max_delay_us);
    bool standby = p->n_standby && !any_dead(s->net, &impact->failure, p->standby, p->n_standby);
    assert_true(!standby || fate->kind == TE_FATE_STANDBY || fate->kind == TE_FATE_END);
    if (fate->kind == TE_FATE_NO_PATH) {
        uint32_t dead[256], n_dead = 0;
        struct te_request ask = {.from = p->from, .to = p->to, .optimise = TE_METRIC_IGP};
        struct te_path path;
        for (uint32_t l = 0; l < s->net->n_links; l++) {
            if (is_dead(s->net, &impact->failure, l))
                dead[n_dead++] = l;
        }
        ask.constraints.exclude_links = dead;
        ask.constraints.n_exclude_links = n_dead;
        assert_err(te_route(s->router, &ask, &path, NULL), ERR_NOT_FOUND);
    }
}

static void
check(const struct subject *s, const struct te_impact *impact)
{
    uint64_t load[256] = {0};
    double highest = 0;
    uint32_t counted = 0;
    for (uint32_t i = 0; i < N; i++)
        check_lsp(s, impact, i, load);
    for (uint32_t l = 0; l < s->net->n_links; l++)
        highest = fmax(highest, (double)load[l] / (double)s->net->links[l].capacity_bps);
    assert_true(fabs(highest - impact->highest) < 1e-9);
    for (int k = 0; k < TE_FATES; k++)
        counted += impact->n[k];
    assert_int_equal(counted, impact->n_hit);
}

static void
every_failure_is_what_it_is_said_to_be(void **state)
{
    (void)state;
    uint32_t n[TE_FATES] = {0}, late = 0;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct subject s;
        struct te_whatif w;
        struct te_whatif_options o = te_whatif_defaults();
        struct te_failure pair = {2, {{TE_FAIL_LINK, 0}, {TE_FAIL_LINK, 9}}};
        o.failures = &pair;
        o.n_failures = 1;
        open_subject(&s, seed, 400000);
        assert_ok(te_whatif(s.router, s.lsps, N, &o, &w));
        assert_int_equal(w.n, s.net->n_links / 2 + s.net->n_nodes + s.net->n_srlgs + 1);
        for (uint32_t i = 0; i < w.n; i++) {
            check(&s, &w.impacts[i]);
            late += w.impacts[i].n_late;
            for (int k = 0; k < TE_FATES; k++)
                n[k] += w.impacts[i].n[k];
            if (i)
                assert_true(w.impacts[i - 1].n_pinned_lost > w.impacts[i].n_pinned_lost ||
                            (w.impacts[i - 1].n_pinned_lost == w.impacts[i].n_pinned_lost &&
                             w.impacts[i - 1].bps_lost >= w.impacts[i].bps_lost));
        }
        te_whatif_fini(&w);
        close_subject(&s);
    }
    for (int k = 0; k < TE_FATES; k++) {
        if (!n[k])
            fail_msg("nobody %s", te_fate_name((enum te_fate_kind)k));
    }
    assert_true(late > 0);
}

static void
without_recomputation_standby_paths_are_all(void **state)
{
    (void)state;
    struct subject s;
    struct te_whatif w;
    struct te_whatif_options o = te_whatif_defaults();
    o.recompute = false;
    open_subject(&s, 2, 100000);
    assert_ok(te_whatif(s.router, s.lsps, N, &o, &w));
    uint32_t standby = 0;
    for (uint32_t i = 0; i < w.n; i++) {
        assert_int_equal(w.impacts[i].n[TE_FATE_REROUTED], 0);
        standby += w.impacts[i].n[TE_FATE_STANDBY];
    }
    assert_true(standby > 0);
    te_whatif_fini(&w);
    close_subject(&s);
}

static void
lost_diversity_is_told(void **state)
{
    (void)state;
    /* A ring of four: two diverse paths from 0 to 2. One fails: both are on the other one. */
    struct te_builder *b = te_builder_new(1 << 20);
    uint32_t label = 0;
    add_test_nodes(b, 4);
    for (uint32_t v = 0; v < 4; v++)
        add_test_link(b, v, (v + 1) % 4, 1, 100, &label);
    const struct te_network *net = te_builder_finish(b, 1);
    te_builder_free(b);
    struct subject s = {.net = net, .router = te_router_new(net)};
    struct te_path one = route(&s, 0, 2, NULL), two = route(&s, 0, 2, &one);
    struct te_lsp lsps[2] = {te_lsp_plain(0, 2, 10), te_lsp_plain(0, 2, 10)};
    lsps[0].links = one.links;
    lsps[1].links = two.links;
    lsps[0].n_links = lsps[1].n_links = 2;
    lsps[0].diverse_from = 1;
    lsps[1].diverse_from = 0;
    lsps[0].diversity = lsps[1].diversity = TE_DIVERSE_LINK;
    struct te_whatif_options o = te_whatif_defaults();
    struct te_failure failure = {1, {{TE_FAIL_LINK, one.links[0]}}};
    struct te_whatif w;
    o.links = o.nodes = o.srlgs = false;
    o.failures = &failure;
    o.n_failures = 1;
    assert_ok(te_whatif(s.router, lsps, 2, &o, &w));
    assert_int_equal(w.impacts[0].n[TE_FATE_REROUTED], 1);
    assert_int_equal(w.impacts[0].n_not_diverse, 1);
    te_whatif_fini(&w);
    failure.elements[0].id = net->n_links;
    assert_err(te_whatif(s.router, lsps, 2, &o, &w), ERR_INVALID);
    te_path_fini(&one);
    te_path_fini(&two);
    te_router_free(s.router);
    te_network_free(net);
}

TEST_MAIN(cmocka_unit_test(every_failure_is_what_it_is_said_to_be),
          cmocka_unit_test(without_recomputation_standby_paths_are_all),
          cmocka_unit_test(lost_diversity_is_told))
