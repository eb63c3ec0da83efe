/* planner_testing.h - for tests of the planner: two rings that share r2-r5, as routers 1 to 6:
 *
 *     1 --- 2 --- 3        each link 1 ms and 100 Mbit/s, but for 4-5: 3 ms
 *     |     |     |        risk 7 is on 1-2 and 4-5
 *     4 --- 5 --- 6  */
#ifndef WAN_PLANNER_TESTING_H
#define WAN_PLANNER_TESTING_H

#include "base/alloc.h"
#include "model/testing.h"
#include "te/ted_testing.h"
#include "wan/planner.h"

static struct ted *ted;
static struct planner *planner;
static struct network *model;
static uint32_t source;

static inline UNUSED void
put_way_of(unsigned a, unsigned b, uint32_t delay_us, uint32_t srlg, uint64_t bps)
{
    for (unsigned i = 0; i < 2; i++) {
        struct ted_link_record r = ospf_link(i ? b : a, i ? a : b, 0);
        r.told |= TED_BIT(TED_DELAY) | TED_BIT(TED_TE_METRIC) | TED_BIT(TED_ADJACENCY_SID);
        r.te_metric = 10;
        r.delay_us = delay_us;
        r.capacity_bps = r.reservable_bps = bps;
        r.adjacency_label = 15000 + 10 * (i ? b : a) + (i ? a : b);
        if (srlg) {
            r.told |= TED_BIT(TED_SRLG);
            r.srlgs = &srlg;
            r.n_srlgs = 1;
        }
        put_link(ted, source, &r, 1);
    }
}

static inline UNUSED void
put_way(unsigned a, unsigned b, uint32_t delay_us, uint32_t srlg)
{
    put_way_of(a, b, delay_us, srlg, 100000000);
}

static inline UNUSED void
look_again(void)
{
    ted_commit(ted, 2);
    const struct ted_view *view = ted_view(ted);
    planner_set_view(planner, view);
    ted_view_release(view);
}

static inline UNUSED void
put_router_of(unsigned n, uint8_t max_sid_depth)
{
    struct ted_node_record r = {.id = ospf_id(n),
                                .told = TED_BIT(TED_ROUTER_ID) | TED_BIT(TED_SRGB) |
                                        TED_BIT(TED_NODE_SID) | TED_BIT(TED_MSD),
                                .router_id = router_id(n),
                                .srgb_base = 16000,
                                .srgb_size = 8000,
                                .sid_index = n,
                                .max_sid_depth = max_sid_depth};
    assert_ok(ted_put_node(ted, source, &r, 1));
    struct router *router = object_new(OBJECT_ROUTER);
    char name[8];
    snprintf(name, sizeof name, "r%u", n);
    router->name = xstrdup(name);
    router->site = xstrdup("wan");
    router->router_id = 10u << 24 | 255u << 16 | n;
    network_put_router(model, router);
}

static inline UNUSED void
put_router(unsigned n)
{
    put_router_of(n, 8);
}

static inline UNUSED int
set_up(void **state UNUSED)
{
    ted = ted_new(NULL);
    planner = planner_new();
    model = network_new();
    source = add_source(ted, TED_KIND_OSPF, "ospf");
    for (unsigned n = 1; n <= 6; n++)
        put_router(n);
    put_way(1, 2, 1000, 7);
    put_way(2, 3, 1000, 0);
    put_way(1, 4, 1000, 0);
    put_way(2, 5, 1000, 0);
    put_way(3, 6, 1000, 0);
    put_way(4, 5, 3000, 7);
    put_way(5, 6, 1000, 0);
    ted_source_synced(ted, source, 1);
    look_again();
    return 0;
}

static inline UNUSED int
tear_down(void **state UNUSED)
{
    planner_free(planner);
    network_free(model);
    ted_free(ted);
    return 0;
}

static inline UNUSED struct tunnel *
tunnel(const char *name, unsigned head, unsigned tail, uint32_t kbps)
{
    char text[8];
    struct tunnel *t = object_new(OBJECT_TUNNEL);
    t->name = xstrdup(name);
    snprintf(text, sizeof text, "r%u", head);
    t->head = xstrdup(text);
    snprintf(text, sizeof text, "r%u", tail);
    t->tail = xstrdup(text);
    t->rate_kbps = kbps;
    return t;
}

/* "r1 r2 r3" */
static inline UNUSED char *
way(const json_t *path)
{
    struct buf text = BUF_INIT;
    size_t i;
    const json_t *r;
    json_array_foreach(json_object_get(path, "routers"), i, r)
        buf_printf(&text, "%s%s", i ? " " : "", json_string_value(r));
    return buf_steal_cstr(&text);
}

#define assert_way(path, expected)                                                                 \
    do {                                                                                           \
        char *way_ = way(path);                                                                    \
        assert_string_equal(way_, expected);                                                       \
        free(way_);                                                                                \
    } while (0)

struct placed {
    json_t *paths[TUNNEL_PATHS], *victims;
    struct diag why;
};

static inline UNUSED enum err
place(const struct tunnel *t, unsigned keep, bool lenient, struct placed *p)
{
    *p = (struct placed){.why = {""}};
    return planner_place(planner, model, t, keep, lenient, p->paths, &p->victims, &p->why);
}

static inline UNUSED void
placed_fini(struct placed *p)
{
    for (unsigned i = 0; i < TUNNEL_PATHS; i++)
        json_decref(p->paths[i]);
    json_decref(p->victims);
}

static inline UNUSED void
hold(const struct tunnel *t, uint32_t number, struct placed *p)
{
    planner_hold(planner, t, number, true, (const json_t *const *)p->paths);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
