/* wan-optimise_bench.c - what an optimisation of a WAN of 100 routers with 1,000 tunnels takes on
 * the thread (src/wan/think.h), and how long the loop that other routers wait for stands still
 * meanwhile: it copies what is held and the inventory, and nothing else.
 *
 * The network is a grid of 10 x 10 with chords, links of 10 Gbit/s, drawn lengths. Tunnels: any two
 * routers, 10 to 100 Mbit/s, each on its shortest way with room, half of them with a standby path
 * that is apart. */
#include "bench/bench.h"
#include "model/object.h"
#include "wan/wan_private.h"

#include "base/alloc.h"

#include <string.h>

#define SIDE 10
#define ROUTERS (SIDE * SIDE)
#define TUNNELS 1000
#define ROUNDS 3

static uint64_t seed = 11;

static uint32_t
draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

static void
must(enum err err, const char *what)
{
    if (err) {
        fprintf(stderr, "wan-optimise_bench: %s: %s\n", what, err_name(err));
        exit(1);
    }
}

/* ---- The network ---- */

static struct te_address
address(unsigned a, unsigned b, unsigned c)
{
    return (struct te_address){4, {10, (uint8_t)a, (uint8_t)b, (uint8_t)c}};
}

static struct ted_node_id
node_id(unsigned n)
{
    return (struct ted_node_id){
        .protocol = TED_OSPFV2, .size = 4, .router_id = {10, 255, 0, (uint8_t)(n + 1)}};
}

static void
put_router(struct ted *ted, uint32_t source, struct network *model, unsigned n)
{
    struct ted_node_record r = {.id = node_id(n),
                                .told = TED_BIT(TED_ROUTER_ID) | TED_BIT(TED_SRGB) |
                                        TED_BIT(TED_NODE_SID) | TED_BIT(TED_MSD),
                                .router_id = address(255, 0, n + 1),
                                .srgb_base = 16000,
                                .srgb_size = 8000,
                                .sid_index = n,
                                .max_sid_depth = 10};
    must(ted_put_node(ted, source, &r, 1), "router");
    struct router *router = object_new(OBJECT_ROUTER);
    router->name = xasprintf("r%u", n);
    router->site = xstrdup("wan");
    router->router_id = 10u << 24 | 255u << 16 | (n + 1);
    network_put_router(model, router);
}

static void
put_way(struct ted *ted, uint32_t source, unsigned a, unsigned b, unsigned k)
{
    uint32_t metric = 10 + draw(40);
    for (unsigned i = 0; i < 2; i++) {
        struct ted_link_record r = {.id = {.local = node_id(i ? b : a),
                                           .remote = node_id(i ? a : b),
                                           .local_address = address(k >> 8, k & 255, i ? 2 : 1),
                                           .remote_address = address(k >> 8, k & 255, i ? 1 : 2)},
                                    .told = TED_BIT(TED_IGP_METRIC) | TED_BIT(TED_CAPACITY) |
                                            TED_BIT(TED_RESERVABLE) | TED_BIT(TED_DELAY) |
                                            TED_BIT(TED_TE_METRIC) | TED_BIT(TED_ADJACENCY_SID),
                                    .igp_metric = metric,
                                    .te_metric = metric,
                                    .delay_us = 100 * metric,
                                    .capacity_bps = UINT64_C(10000000000),
                                    .reservable_bps = UINT64_C(10000000000),
                                    .adjacency_label = 15000 + (i ? a : b)};
        must(ted_put_link(ted, source, &r, 1), "link");
    }
}

static void
put_network(struct ted *ted, struct network *model)
{
    uint32_t source;
    unsigned k = 0;
    must(ted_source_add(ted, TED_KIND_OSPF, "ospf", "", &source), "source");
    ted_source_up(ted, source, 0);
    for (unsigned n = 0; n < ROUTERS; n++)
        put_router(ted, source, model, n);
    for (unsigned n = 0; n < ROUTERS; n++) {
        if (n % SIDE + 1 < SIDE)
            put_way(ted, source, n, n + 1, k++);
        if (n / SIDE + 1 < SIDE)
            put_way(ted, source, n, n + SIDE, k++);
        if (n % SIDE + 1 < SIDE && n / SIDE + 1 < SIDE && draw(3) == 0)
            put_way(ted, source, n, n + SIDE + 1, k++);
    }
    ted_source_synced(ted, source, 1);
    ted_commit(ted, 2);
}

static unsigned
put_tunnels(struct planner *planner, struct network *model)
{
    unsigned n = 0;
    for (unsigned i = 0; i < TUNNELS; i++) {
        unsigned head = draw(ROUTERS), tail = (head + 1 + draw(ROUTERS - 1)) % ROUTERS;
        struct tunnel *t = object_new(OBJECT_TUNNEL);
        json_t *paths[TUNNEL_PATHS] = {NULL};
        t->name = xasprintf("t%u", i);
        t->head = xasprintf("r%u", head);
        t->tail = xasprintf("r%u", tail);
        t->rate_kbps = 10000 + draw(90000);
        t->setup_priority = t->hold_priority = 4;
        t->metric = TUNNEL_TE;
        t->protection = i % 2 ? DISJOINT_LINK : DISJOINT_NONE;
        network_put_tunnel(model, t);
        if (!planner_place(planner, model, t, 0, false, paths, NULL, NULL)) {
            planner_hold(planner, t, ++n, true, (const json_t *const *)paths);
            for (unsigned p = 0; p < TUNNEL_PATHS; p++)
                json_decref(paths[p]);
        }
    }
    return n;
}

/* ---- What is measured ---- */

struct watch {
    uv_loop_t loop;
    uv_timer_t tick;
    double last, longest; /* seconds between two turns of the loop */
    bool done;
    json_t *answer;
};

static void
on_tick(uv_timer_t *timer)
{
    struct watch *w = timer->data;
    double now = bench_seconds();
    w->longest = MAX(w->longest, now - w->last);
    w->last = now;
}

static void
on_answer(void *arg, enum err err, json_t *answer, const char *why)
{
    struct watch *w = arg;
    if (err)
        fprintf(stderr, "wan-optimise_bench: %s\n", why);
    must(err, "optimise");
    json_decref(w->answer);
    w->answer = answer;
    w->done = true;
}

/* Seconds until the answer. */
static double
ask(struct watch *w, struct thinker *thinker, think_fn *fn, const char *question)
{
    json_t *json = json_loads(question, 0, NULL);
    double begun = bench_seconds();
    w->done = false;
    w->longest = 0;
    w->last = begun;
    must(think(thinker, fn, json, on_answer, w), "think");
    while (!w->done)
        uv_run(&w->loop, UV_RUN_ONCE);
    json_decref(json);
    return bench_seconds() - begun;
}

static double
highest(const json_t *answer, const char *when)
{
    const json_t *summary = json_object_get(answer, "summary");
    return json_number_value(
        json_object_get(json_object_get(summary, when), "highest-utilisation"));
}

static void
measure(struct watch *w, struct thinker *thinker, think_fn *fn, const char *what,
        const char *question, unsigned n_tunnels)
{
    double took[ROUNDS], stood[ROUNDS];
    char note[200];
    for (unsigned i = 0; i < ROUNDS; i++) {
        took[i] = ask(w, thinker, fn, question);
        stood[i] = 1000 * w->longest;
    }
    if (json_object_get(w->answer, "moves"))
        snprintf(note, sizeof note,
                 "%u routers, %u tunnels; highest utilisation %.3f to %.3f, bound %.3f; %d moves",
                 ROUTERS, n_tunnels, highest(w->answer, "before"), highest(w->answer, "after"),
                 json_number_value(json_object_get(json_object_get(w->answer, "summary"), "bound")),
                 (int)json_integer_value(json_object_get(w->answer, "moves")));
    else
        snprintf(note, sizeof note, "%u routers, %u tunnels", ROUTERS, n_tunnels);
    char *still = xasprintf("%s: the loop stands still", what);
    bench_print(&(struct bench_figure){"wan-optimise", what, bench_median(took, ROUNDS), "s", NAN,
                                       true, NULL, note});
    bench_print(&(struct bench_figure){
        "wan-optimise", still, bench_percentile(stood, ROUNDS, 100), "ms", NAN, true, NULL,
        "the longest time between two turns of a tick each ms, with what else the machine does"});
    free(still);
}

/* All that the loop itself does for a question. */
static void
measure_copies(const struct planner *planner, const struct network *model)
{
    double took[21];
    for (size_t i = 0; i < ARRAY_SIZE(took); i++) {
        double begun = bench_seconds();
        struct planner *mine = planner_copy(planner);
        struct network *its = network_copy(model);
        took[i] = 1000 * (bench_seconds() - begun);
        planner_free(mine);
        network_free(its);
    }
    bench_print(&(struct bench_figure){"wan-optimise", "copies made on the loop",
                                       bench_median(took, ARRAY_SIZE(took)), "ms", 10, true, NULL,
                                       "what is held, and the inventory"});
}

static enum err
what_if(struct planner *p, const struct network *model, const json_t *question UNUSED,
        json_t **answer, struct diag *diag)
{
    return planner_what_if(p, model, 1000, answer, diag);
}

int
main(void)
{
    struct watch w = {.done = false};
    struct ted *ted = ted_new(NULL);
    struct network *model = network_new();
    struct planner *planner = planner_new();
    put_network(ted, model);
    const struct ted_view *view = ted_view(ted);
    planner_set_view(planner, view);
    ted_view_release(view);
    unsigned n = put_tunnels(planner, model);
    uv_loop_init(&w.loop);
    uv_timer_init(&w.loop, &w.tick);
    w.tick.data = &w;
    uv_timer_start(&w.tick, on_tick, 1, 1);
    measure_copies(planner, model);
    struct thinker *thinker = thinker_new(&w.loop, planner, model);
    measure(&w, thinker, wan_optimise, "optimise", "{}", n);
    measure(&w, thinker, wan_optimise, "relieve to 80 %", "{\"threshold\": 80}", n);
    measure(&w, thinker, what_if, "what if", "{}", n);
    json_decref(w.answer);
    thinker_free(thinker);
    uv_close((uv_handle_t *)&w.tick, NULL);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    uv_loop_close(&w.loop);
    planner_free(planner);
    network_free(model);
    ted_free(ted);
    return 0;
}
