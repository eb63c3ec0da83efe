/* wan-reroute_bench.c - how long the running service takes from a failure that breaks thousands of
 * tunnels until each has another way: the whole service with its database, its account, its journal
 * and its bus; only the routers are not there, and the feed is this program.
 *
 * 1,000 routers on a grid of 40 by 25 with chords. All tunnels go from the western half to the
 * eastern one. What crosses the middle is cheap in even rows, all in one risk, and dear in the odd
 * rows: when that risk fails, all tunnels must go another way at once. "until orders leave" is what
 * the loop computes before routers are told; "until all is in the journal" is when everybody else
 * knows, events and all that they bring about.
 *
 * CPU time of the program, all threads: the machine has much else to do. */
#include "bench/bench.h"
#include "bus/local.h"
#include "io/clock.h"
#include "model/object.h"
#include "wan/wan_private.h"

#include "base/alloc.h"

#include <string.h>
#include <unistd.h>

#define WIDTH 40
#define HEIGHT 25
#define ROUTERS (WIDTH * HEIGHT)
#define ROUNDS 3
#define RISK 7

static uint64_t seed = 5;

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
        fprintf(stderr, "wan-reroute_bench: %s: %s\n", what, err_name(err));
        exit(1);
    }
}

static double
cpu_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- What it is about ---- */

enum failure { FAIL_RISK, FAIL_ROUTER, FAIL_LINK };

struct trial {
    const char *what;
    unsigned n_tunnels;
    bool standby;
    enum failure failure;
    double goal; /* seconds of CPU until orders leave; NAN: none */
};

struct centre {
    uv_loop_t loop;
    char directory[40], path[64];
    struct journal *journal;
    struct journal_subscription *events;
    struct bus *bus;
    struct state *state;
    struct wan_service *service;
    uint32_t source;
    unsigned n_moved;
    uv_timer_t tick; /* so that the loop turns */
};

static void
on_tick(uv_timer_t *timer UNUSED)
{
}

static void
on_event(void *arg, const struct journal_event *e)
{
    struct centre *s = arg;
    struct diag diag = {""};
    json_t *body = json_loadb(e->body, e->body_size, 0, NULL);
    const struct state_event event = {e->seq, e->time, e->type, e->object, e->actor, body, 0};
    if (state_apply(s->state, &event, &diag))
        fprintf(stderr, "wan-reroute_bench: %s\n", diag.text);
    s->n_moved += !strcmp(e->type, "tunnel.moved");
    if (s->service)
        wan_service_event(s->service, &event);
    json_decref(body);
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
        .protocol = TED_OSPFV2, .size = 4, .router_id = {10, 255, (uint8_t)(n >> 8), (uint8_t)n}};
}

static void
put_router(struct centre *s, unsigned n)
{
    struct ted_node_record r = {.id = node_id(n),
                                .told = TED_BIT(TED_ROUTER_ID) | TED_BIT(TED_SRGB) |
                                        TED_BIT(TED_NODE_SID) | TED_BIT(TED_MSD),
                                .router_id = address(255, n >> 8, n & 255),
                                .srgb_base = 16000,
                                .srgb_size = 8000,
                                .sid_index = n,
                                .max_sid_depth = 12};
    must(ted_put_node(s->service->ted, s->source, &r, clock_monotonic()), "router");
}

static struct ted_link_record
link_record(unsigned a, unsigned b, unsigned k, bool back, uint32_t metric, bool risky)
{
    static const uint32_t risk = RISK;
    struct ted_link_record r = {.id = {.local = node_id(back ? b : a),
                                       .remote = node_id(back ? a : b),
                                       .local_address = address(k >> 8, k & 255, back ? 2 : 1),
                                       .remote_address = address(k >> 8, k & 255, back ? 1 : 2)},
                                .told = TED_BIT(TED_IGP_METRIC) | TED_BIT(TED_CAPACITY) |
                                        TED_BIT(TED_RESERVABLE) | TED_BIT(TED_DELAY) |
                                        TED_BIT(TED_TE_METRIC) | TED_BIT(TED_ADJACENCY_SID),
                                .igp_metric = metric,
                                .te_metric = metric,
                                .delay_us = 100 + metric,
                                .capacity_bps = UINT64_C(100000000000),
                                .reservable_bps = UINT64_C(100000000000),
                                .adjacency_label = 30000 + 8 * k + back};
    if (risky) {
        r.told |= TED_BIT(TED_SRLG);
        r.n_srlgs = 1;
        r.srlgs = &risk;
    }
    return r;
}

struct way {
    unsigned a, b;
    uint32_t metric;
    bool risky;
};

static struct way ways[4 * ROUTERS];
static unsigned n_ways;

static void
add_way(unsigned a, unsigned b)
{
    bool crosses = (a % WIDTH < WIDTH / 2) != (b % WIDTH < WIDTH / 2),
         even = a / WIDTH % 2 == 0 && a / WIDTH == b / WIDTH;
    uint32_t metric = 10 + draw(40) + (crosses && !even ? 200 : 0);
    ways[n_ways++] = (struct way){a, b, metric, crosses && even};
}

static void
draw_network(void)
{
    n_ways = 0;
    for (unsigned n = 0; n < ROUTERS; n++) {
        if (n % WIDTH + 1 < WIDTH)
            add_way(n, n + 1);
        if (n / WIDTH + 1 < HEIGHT)
            add_way(n, n + WIDTH);
        if (n % WIDTH + 1 < WIDTH && n / WIDTH + 1 < HEIGHT && draw(3) == 0)
            add_way(n, n + WIDTH + 1);
    }
}

static bool
fails(const struct way *w, enum failure failure)
{
    unsigned router = WIDTH / 2 + WIDTH * (HEIGHT / 2);
    if (failure == FAIL_RISK)
        return w->risky;
    if (failure == FAIL_ROUTER)
        return w->a == router || w->b == router;
    return w->a == router - 1 && w->b == router;
}

static void
feed(struct centre *s)
{
    must(ted_source_add(s->service->ted, TED_KIND_OSPF, "ospf", "", &s->source), "source");
    ted_source_up(s->service->ted, s->source, clock_monotonic());
    for (unsigned n = 0; n < ROUTERS; n++)
        put_router(s, n);
    for (unsigned k = 0; k < n_ways; k++) {
        for (unsigned back = 0; back < 2; back++) {
            struct ted_link_record r = link_record(ways[k].a, ways[k].b, k, back, ways[k].metric,
                                                   ways[k].risky);
            must(ted_put_link(s->service->ted, s->source, &r, clock_monotonic()), "link");
        }
    }
    ted_source_synced(s->service->ted, s->source, clock_monotonic());
    wan_commit(s->service);
}

static void
fail(struct centre *s, enum failure failure)
{
    for (unsigned k = 0; k < n_ways; k++) {
        for (unsigned back = 0; back < 2 && fails(&ways[k], failure); back++) {
            struct ted_link_record r = link_record(ways[k].a, ways[k].b, k, back, 0, false);
            ted_withdraw_link(s->service->ted, s->source, &r.id, clock_monotonic());
        }
    }
}

/* ---- The tunnels ---- */

static void
put_model(struct centre *s, const struct trial *t)
{
    struct network *model = s->state->network;
    for (unsigned n = 0; n < ROUTERS; n++) {
        struct router *r = object_new(OBJECT_ROUTER);
        r->name = xasprintf("r%u", n);
        r->site = xstrdup("wan");
        r->router_id = 10u << 24 | 255u << 16 | n;
        network_put_router(model, r);
    }
    for (unsigned i = 0; i < t->n_tunnels; i++) {
        struct tunnel *tunnel = object_new(OBJECT_TUNNEL);
        tunnel->name = xasprintf("t%u", i);
        tunnel->head = xasprintf("r%u", draw(HEIGHT) * WIDTH + draw(WIDTH / 2));
        tunnel->tail = xasprintf("r%u", draw(HEIGHT) * WIDTH + WIDTH / 2 + draw(WIDTH / 2));
        tunnel->rate_kbps = 100 + draw(1000);
        tunnel->setup_priority = tunnel->hold_priority = (uint8_t)(2 + draw(3));
        tunnel->metric = TUNNEL_TE;
        tunnel->protection = t->standby ? DISJOINT_LINK : DISJOINT_NONE;
        network_put_tunnel(model, tunnel);
    }
}

static void
apply(struct centre *s, const char *type, json_t *body)
{
    struct diag diag = {""};
    const struct state_event e = {s->state->seq + 1, 1, type, "work/1", ACTOR, body, 0};
    if (state_apply(s->state, &e, &diag)) {
        fprintf(stderr, "wan-reroute_bench: %s: %s\n", type, diag.text);
        exit(1);
    }
    json_decref(body);
}

/* Each on its best way. */
static json_t *
place_tunnels(struct centre *s)
{
    const struct network *model = s->state->network;
    json_t *placements = json_array();
    unsigned n = 0;
    for (const struct tunnel *t = model->tunnels; t; t = t->hh.next) {
        json_t *paths[TUNNEL_PATHS] = {NULL};
        struct diag why = {""};
        if (planner_place(s->service->planner, model, t, 0, false, paths, NULL, &why)) {
            fprintf(stderr, "wan-reroute_bench: %s: %s\n", t->name, why.text);
            continue;
        }
        planner_hold(s->service->planner, t, ++n, true, (const json_t *const *)paths);
        json_t *p = json_pack("{ss si so}", "tunnel", t->name, "number", n, "primary", paths[0]);
        if (paths[1])
            json_object_set_new(p, "standby", paths[1]);
        json_array_append_new(placements, p);
    }
    return placements;
}

/* As orders would have built them, without their events. */
static void
build_tunnels(struct centre *s, json_t *placements)
{
    json_t *names = json_array(), *p;
    size_t i;
    json_array_foreach(placements, i, p)
    {
        json_array_append(names, json_object_get(p, "tunnel"));
    }
    apply(s, "tunnel.reserved",
          json_pack("{si so}", "order", 1, "placements", json_incref(placements)));
    apply(s, "tunnel.wanted", json_pack("{si so}", "order", 1, "tunnels", names));
    json_array_foreach(placements, i, p)
    {
        wan_hold(s->service, json_string_value(json_object_get(p, "tunnel")));
    }
}

/* ---- Life ---- */

static void
open_centre(struct centre *s, const struct trial *t)
{
    struct diag diag = {""};
    *s = (struct centre){.directory = "/tmp/tieline-reroute-XXXXXX"};
    uv_loop_init(&s->loop);
    uv_timer_init(&s->loop, &s->tick);
    uv_timer_start(&s->tick, on_tick, 10, 10);
    if (!mkdtemp(s->directory))
        exit(1);
    snprintf(s->path, sizeof s->path, "%s/journal.db", s->directory);
    const struct journal_config config = {.site = "centre"};
    must(journal_open(&s->loop, s->path, &config, &s->journal, &diag), diag.text);
    s->bus = bus_local_new(&s->loop, 0, 0);
    s->state = state_new();
    put_model(s, t);
    const struct wan_config wan = {
        .loop = &s->loop, .bus = s->bus, .journal = s->journal, .state = s->state};
    must(wan_service_new(&wan, &s->service, &diag), diag.text);
    feed(s);
}

static void
close_centre(struct centre *s)
{
    char *command = xasprintf("rm -rf '%s'", s->directory);
    wan_service_free(s->service);
    bus_free(s->bus);
    journal_unsubscribe(s->events);
    journal_close(s->journal, NULL, NULL);
    uv_close((uv_handle_t *)&s->tick, NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    uv_loop_close(&s->loop);
    state_free(s->state);
    if (system(command))
        fprintf(stderr, "wan-reroute_bench: %s is left\n", s->directory);
    free(command);
}

/* Until nothing has happened for as long as the service's timers gather. */
static void
settle(struct centre *s, uint64_t n_moves)
{
    double calm = bench_seconds();
    unsigned last = s->n_moved;
    while (s->n_moved < n_moves || bench_seconds() - calm < 0.3) {
        uv_run(&s->loop, UV_RUN_ONCE);
        if (s->n_moved != last)
            calm = bench_seconds();
        last = s->n_moved;
    }
}

struct result {
    double orders[ROUNDS], journal[ROUNDS];
    unsigned n_tunnels, n_moved;
};

static void
run(const struct trial *t, unsigned round, json_t **placements, struct result *r)
{
    struct centre s;
    struct diag diag = {""};
    open_centre(&s, t);
    if (!*placements)
        *placements = place_tunnels(&s);
    build_tunnels(&s, *placements);
    r->n_tunnels = (unsigned)json_array_size(*placements);
    must(journal_subscribe(s.journal, 0, on_event, &s, &s.events, &diag), diag.text);
    fail(&s, t->failure);
    double begun = cpu_seconds();
    wan_stir(s.service);
    while (!s.service->n_moves)
        uv_run(&s.loop, UV_RUN_ONCE);
    r->orders[round] = cpu_seconds() - begun;
    settle(&s, s.service->n_moves);
    r->journal[round] = cpu_seconds() - begun;
    r->n_moved = s.n_moved;
    close_centre(&s);
}

static void
measure(const struct trial *t)
{
    struct result r = {.n_tunnels = 0};
    char note[200], *what = xasprintf("%s: until orders leave", t->what),
                    *rest = xasprintf("%s: until all is in the journal", t->what);
    json_t *placements = NULL;
    for (unsigned i = 0; i < ROUNDS; i++) {
        seed = 9; /* the same tunnels */
        run(t, i, &placements, &r);
    }
    json_decref(placements);
    snprintf(note, sizeof note,
             "1,000 routers, %u tunnels%s (%u LSPs), %u moved; as tielined does it; CPU time, "
             "median of %u",
             r.n_tunnels, t->standby ? ", each with a standby path" : "",
             r.n_tunnels * WAN_ENDS * (t->standby ? TUNNEL_PATHS : 1), r.n_moved, ROUNDS);
    bench_print(&(struct bench_figure){"wan-reroute", what, bench_median(r.orders, ROUNDS), "s",
                                       t->goal, true, NULL, note});
    bench_print(&(struct bench_figure){"wan-reroute", rest, bench_median(r.journal, ROUNDS), "s",
                                       NAN, true, NULL,
                                       "events, the state, and what the service does on each"});
    free(what);
    free(rest);
}

int
main(int argc, char **argv)
{
    static const struct trial trials[] = {
        {"10,000 LSPs, a shared risk", 5000, false, FAIL_RISK, 1},
        {"20,000 LSPs, a shared risk", 5000, true, FAIL_RISK, 1},
        {"10,000 tunnels, a shared risk", 10000, false, FAIL_RISK, NAN},
        {"10,000 tunnels, a router", 10000, false, FAIL_ROUTER, NAN},
        {"10,000 tunnels, a link", 10000, false, FAIL_LINK, NAN},
    };
    draw_network();
    for (size_t i = 0; i < ARRAY_SIZE(trials); i++) {
        if (argc < 2 || (size_t)atoi(argv[1]) == i)
            measure(&trials[i]);
    }
    return 0;
}
