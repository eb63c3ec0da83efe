#include "te/bookings.h"

#include "te/testing.h"

#define LINKS 6
#define HOURS 24
#define OWN_MAX 40

/* Links 0 to 5 from node 0, of 1000 each. */
static const struct te_network *
star(void)
{
    struct te_builder *b = test_nodes(LINKS + 1, 0);
    for (uint32_t i = 1; i <= LINKS; i++) {
        const struct te_link link = te_link_plain(0, i, 1, 1, 1000);
        assert_ok(te_builder_add_link(b, &link, NULL, 0, NULL));
    }
    const struct te_network *net = te_builder_finish(b, 1);
    te_builder_free(b);
    return net;
}

/* The plain model: a list, and a sum for each hour. */
struct model {
    uint32_t n;
    struct kept {
        struct te_booking k;
        uint32_t links[3];
        struct te_window windows[2];
    } kept[OWN_MAX];
};

static bool
has(const struct kept *x, uint32_t link, nsec_t hour)
{
    bool on = false, now = !x->k.windows;
    for (uint32_t i = 0; i < x->k.n_links; i++)
        on |= x->links[i] == link;
    for (uint32_t i = 0; x->k.windows && i < x->k.n_windows; i++)
        now |= hour >= x->windows[i].from && hour < x->windows[i].until;
    return on && now;
}

static uint64_t
model_used(const struct model *m, uint32_t link, unsigned priority, nsec_t hour, uint64_t but)
{
    uint64_t used = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        uint64_t lsp = m->kept[i].k.lsp, bps = 0;
        unsigned hold = 8;
        bool counted = false;
        for (uint32_t k = 0; k < m->n; k++) {
            if (m->kept[k].k.lsp != lsp || !has(&m->kept[k], link, hour))
                continue;
            counted |= k < i;
            bps = MAX(bps, m->kept[k].k.bandwidth_bps);
            hold = MIN(hold, m->kept[k].k.hold_priority);
        }
        if (has(&m->kept[i], link, hour) && !counted && hold <= priority && lsp != but)
            used += bps;
    }
    return used;
}

static uint64_t
model_free(const struct model *m, uint32_t link, unsigned priority, struct te_window w,
           uint64_t but)
{
    uint64_t most = 0;
    for (nsec_t hour = MAX(w.from, -1); hour < MIN(w.until, HOURS + 1); hour++)
        most = MAX(most, model_used(m, link, priority, hour, but));
    return most < 1000 ? 1000 - most : 0;
}

static void
draw_booking(struct kept *x)
{
    *x = (struct kept){0};
    x->k = (struct te_booking){.lsp = 1 + draw(12),
                               .path = draw(2),
                               .setup_priority = (uint8_t)draw(8),
                               .bandwidth_bps = 50 + draw(400),
                               .n_links = 1 + draw(3)};
    x->k.hold_priority = (uint8_t)draw(x->k.setup_priority + 1u);
    for (uint32_t i = 0; i < x->k.n_links; i++)
        x->links[i] = (i ? x->links[i - 1] + 1 : draw(LINKS)) % LINKS;
    x->windows[0].from = draw(HOURS - 8);
    x->windows[0].until = x->windows[0].from + 1 + draw(3);
    x->windows[1].from = x->windows[0].until + draw(2);
    x->windows[1].until = x->windows[1].from + 1 + draw(3);
    if (draw(2))
        x->k.n_windows = 1 + draw(2);
}

static void
point_to_own(struct kept *x)
{
    x->k.links = x->links;
    x->k.windows = x->k.n_windows ? x->windows : NULL;
}

static enum err
model_put(struct model *m, struct kept *x)
{
    point_to_own(x);
    for (uint32_t i = 0; i < m->n; i++) {
        if (m->kept[i].k.lsp == x->k.lsp && m->kept[i].k.path == x->k.path)
            return ERR_EXISTS;
    }
    for (uint32_t i = 0; i < x->k.n_links; i++) {
        for (uint32_t k = 0; k < MAX(x->k.n_windows, 1); k++) {
            const struct te_window ever = {TE_EVER, TE_FOREVER};
            uint64_t left = model_free(m, x->links[i], x->k.setup_priority,
                                       x->k.n_windows ? x->windows[k] : ever, x->k.lsp);
            if (left < x->k.bandwidth_bps)
                return ERR_CONFLICT;
        }
    }
    m->kept[m->n] = *x;
    point_to_own(&m->kept[m->n++]);
    return ERR_OK;
}

static void
model_remove(struct model *m, uint32_t at)
{
    m->kept[at] = m->kept[--m->n];
    point_to_own(&m->kept[at]);
}

static void
assert_same_free(const struct te_bookings *b, const struct model *m)
{
    struct te_window w = {draw(HOURS), 0};
    uint64_t all[LINKS], lsp = draw(2) ? 1 + draw(12) : 0;
    unsigned priority = draw(8);
    w.until = w.from + 1 + draw(8);
    if (draw(4) == 0)
        w = (struct te_window){TE_EVER, TE_FOREVER};
    if (draw(2) && w.from == TE_EVER)
        te_bookings_all_free(b, priority, NULL, 0, lsp, all);
    else
        te_bookings_all_free(b, priority, &w, 1, lsp, all);
    for (uint32_t l = 0; l < LINKS; l++) {
        uint64_t expected = model_free(m, l, priority, w, lsp);
        assert_int_equal(te_bookings_link_free(b, l, priority, w, lsp), expected);
        assert_int_equal(all[l], expected);
    }
}

static void
accounts_as_the_plain_model_does(void **state UNUSED)
{
    const struct te_network *net = star();
    test_seed = 1;
    for (int round = 0; round < 60; round++) {
        struct te_bookings *b = te_bookings_new(net);
        struct model m = {0};
        for (int step = 0; step < 60; step++) {
            struct kept x;
            if (m.n && (m.n == OWN_MAX || draw(3) == 0)) {
                uint32_t at = draw(m.n);
                assert_ok(te_bookings_remove(b, m.kept[at].k.lsp, m.kept[at].k.path));
                model_remove(&m, at);
            } else {
                draw_booking(&x);
                enum err expected = model_put(&m, &x);
                assert_err(te_bookings_put(b, &x.k, NULL), expected);
            }
            assert_same_free(b, &m);
        }
        while (m.n) {
            te_bookings_remove_lsp(b, m.kept[0].k.lsp);
            for (uint64_t lsp = m.kept[0].k.lsp, i = m.n; i-- > 0;) {
                if (m.kept[i].k.lsp == lsp)
                    model_remove(&m, (uint32_t)i);
            }
            assert_same_free(b, &m);
        }
        te_bookings_free(b);
    }
    te_network_free(net);
}

static struct te_booking
simple(uint64_t lsp, uint8_t priority, uint64_t bps, const uint32_t *links, uint32_t n)
{
    return (struct te_booking){.lsp = lsp,
                               .setup_priority = priority,
                               .hold_priority = priority,
                               .bandwidth_bps = bps,
                               .links = links,
                               .n_links = n};
}

static void
a_path_gets_all_links_or_none(void **state UNUSED)
{
    const struct te_network *net = star();
    struct te_bookings *b = te_bookings_new(net);
    const uint32_t one[] = {2}, three[] = {1, 2, 3};
    const struct te_window now = {0, 1};
    struct te_booking k = simple(1, 3, 600, one, 1);
    uint32_t full = 99;
    assert_ok(te_bookings_put(b, &k, NULL));
    k = simple(2, 3, 600, three, 3);
    assert_err(te_bookings_put(b, &k, &full), ERR_CONFLICT);
    assert_int_equal(full, 2);
    for (uint32_t l = 0; l < LINKS; l++)
        assert_int_equal(te_bookings_link_free(b, l, 7, now, 0), l == 2 ? 400 : 1000);
    te_bookings_free(b);
    te_network_free(net);
}

static void
a_moving_lsp_counts_once_on_a_common_link(void **state UNUSED)
{
    const struct te_network *net = star();
    struct te_bookings *b = te_bookings_new(net);
    const uint32_t old[] = {0, 1}, new[] = {1, 2};
    const struct te_window now = {0, 1};
    struct te_booking k = simple(1, 3, 700, old, 2);
    assert_ok(te_bookings_put(b, &k, NULL));
    k = simple(1, 3, 800, new, 2);
    k.path = 1;
    assert_ok(te_bookings_put(b, &k, NULL));
    assert_int_equal(te_bookings_link_free(b, 1, 7, now, 0), 200);
    assert_ok(te_bookings_remove(b, 1, 1));
    assert_int_equal(te_bookings_link_free(b, 1, 7, now, 0), 300);
    assert_int_equal(te_bookings_link_free(b, 2, 7, now, 0), 1000);
    assert_err(te_bookings_remove(b, 1, 1), ERR_NOT_FOUND);
    te_bookings_free(b);
    te_network_free(net);
}

/* ---- Victims against all sets ---- */

struct loss {
    uint32_t n, holds[12];
    uint64_t bps;
};

static bool
is_less_loss(const struct loss *a, const struct loss *b)
{
    if (a->n != b->n)
        return a->n < b->n;
    for (uint32_t i = 0; i < a->n; i++) { /* the best priority first */
        if (a->holds[i] != b->holds[i])
            return a->holds[i] > b->holds[i];
    }
    return a->bps < b->bps;
}

static struct loss
loss_of(const struct te_booking *kept, uint32_t set)
{
    struct loss loss = {0};
    for (uint32_t hold = 0; hold < 8; hold++) {
        for (uint32_t i = 0; i < 10; i++) {
            if (!(set >> i & 1) || kept[i].hold_priority != hold)
                continue;
            loss.holds[loss.n++] = hold;
            loss.bps += kept[i].bandwidth_bps;
        }
    }
    return loss;
}

static bool
fits_without(const struct te_booking *kept, uint32_t set, const struct te_booking *k)
{
    for (uint32_t i = 0; i < 10; i++) {
        if ((set >> i & 1) && kept[i].hold_priority <= k->setup_priority)
            return false;
    }
    for (uint32_t l = 0; l < k->n_links; l++) {
        uint64_t used = k->bandwidth_bps;
        for (uint32_t i = 0; i < 10; i++) {
            for (uint32_t m = 0; m < kept[i].n_links; m++)
                used += !(set >> i & 1) && kept[i].links[m] == k->links[l] ? kept[i].bandwidth_bps
                                                                           : 0;
        }
        if (used > 1000)
            return false;
    }
    return true;
}

static void
the_least_loss_is_chosen(void **state UNUSED)
{
    static const uint32_t links[] = {0, 1, 2, 3, 4, 5};
    const struct te_network *net = star();
    uint32_t n_victims = 0;
    test_seed = 4;
    for (int round = 0; round < 300; round++) {
        struct te_bookings *b = te_bookings_new(net);
        struct te_booking kept[10],
            k = simple(99, (uint8_t)draw(6), 300 + draw(600), &links[draw(3)], 3);
        uint64_t *lsps;
        uint32_t n, best = UINT32_MAX, got = 0;
        for (uint32_t i = 0; i < 10; i++) {
            kept[i] = simple(i + 1, (uint8_t)draw(8), 100 + draw(300), &links[draw(4)],
                             1 + draw(3));
            assert_ok(te_bookings_force(b, &kept[i]));
        }
        for (uint32_t set = 0; set < 1024; set++) {
            if (!fits_without(kept, set, &k))
                continue;
            struct loss here = loss_of(kept, set), there = loss_of(kept, best);
            if (best == UINT32_MAX || is_less_loss(&here, &there))
                best = set;
        }
        enum err err = te_bookings_victims(b, &k, &lsps, &n);
        assert_err(err, best == UINT32_MAX ? ERR_CONFLICT : ERR_OK);
        for (uint32_t i = 0; !err && i < n; i++)
            got |= 1u << (lsps[i] - 1);
        if (!err) {
            struct loss here = loss_of(kept, got), there = loss_of(kept, best);
            assert_true(fits_without(kept, got, &k));
            if (there.n <= 3) {
                assert_false(is_less_loss(&there, &here));
                assert_int_equal(here.n, there.n);
            }
            n_victims += n;
            free(lsps);
        }
        te_bookings_free(b);
    }
    assert_true(n_victims > 100);
    te_network_free(net);
}

static void
moves_to_another_snapshot(void **state UNUSED)
{
    struct te_builder *b = test_nodes(LINKS + 1, 0);
    for (uint32_t i = LINKS; i > 0; i--) { /* without the link to 3, and one more before all */
        const struct te_link link = te_link_plain(i == 3 ? 1 : 0, i == 3 ? 0 : i, 1, 1, 2000);
        assert_ok(te_builder_add_link(b, &link, NULL, 0, NULL));
    }
    const struct te_network *net = star(), *next = te_builder_finish(b, 2);
    struct te_bookings *k = te_bookings_new(net);
    const uint32_t links[] = {0, 2, 5};
    const struct te_window now = {0, 1};
    struct te_booking one = simple(1, 3, 600, links, 3);
    uint32_t place[LINKS];
    assert_ok(te_bookings_put(k, &one, NULL));
    te_network_match(net, next, place);
    const uint32_t expected[] = {0, 1, TE_NONE, 2, 3, 4};
    assert_memory_equal(place, expected, sizeof place);
    te_bookings_move(k, next, place);
    for (uint32_t l = 0; l < LINKS; l++)
        assert_int_equal(te_bookings_link_free(k, l, 7, now, 0), l == 0 || l == 4 ? 1400 : 2000);
    te_bookings_free(k);
    te_builder_free(b);
    te_network_free(net);
    te_network_free(next);
}

static void
what_was_forced_upon_a_link_is_its_load(void **state UNUSED)
{
    const struct te_network *net = star();
    struct te_bookings *b = te_bookings_new(net);
    const uint32_t link = 0;
    const struct te_window night = {20, 24}, day = {8, 16};
    struct te_booking k = {.lsp = 1,
                           .setup_priority = 7,
                           .hold_priority = 7,
                           .bandwidth_bps = 700,
                           .links = &link,
                           .n_links = 1};
    assert_ok(te_bookings_force(b, &k));
    k.lsp = 2;
    k.windows = &night;
    k.n_windows = 1;
    assert_ok(te_bookings_force(b, &k));
    assert_int_equal(te_bookings_link_load(b, 0, night), 1400);
    assert_int_equal(te_bookings_link_load(b, 0, day), 700);
    assert_int_equal(te_bookings_link_load(b, 1, night), 0);
    te_bookings_free(b);
    te_network_free(net);
}

TEST_MAIN(cmocka_unit_test(what_was_forced_upon_a_link_is_its_load),
          cmocka_unit_test(accounts_as_the_plain_model_does),
          cmocka_unit_test(a_path_gets_all_links_or_none),
          cmocka_unit_test(a_moving_lsp_counts_once_on_a_common_link),
          cmocka_unit_test(the_least_loss_is_chosen), cmocka_unit_test(moves_to_another_snapshot))
