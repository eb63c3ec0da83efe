/* What surveillance costs the controller: a service that watches 1,000 circuits, its nodes played
 * by a script that answers at once. The script's own time is not counted.
 *
 *     assure_bench [CIRCUITS]
 *
 * "pace": at its default interval, as in production. "rounds": as fast as it can. */
#include "bench.h"

#include "assure/service.h"
#include "assure/testing.h"
#include "bus/local.h"
#include "io/clock.h"
#include "io/testing.h"
#include "io/timer.h"

#include <math.h>
#include <time.h>

#define PACE_TIME (5 * NSEC_PER_SEC)
#define ROUNDS_TIME (2 * NSEC_PER_SEC)
#define FASTEST                                                                                    \
    (20 * NSEC_PER_USEC) /* from one circuit's round to the next one's, at the least               \
                          */

struct bench {
    uv_loop_t *loop;
    struct bus *bus;
    struct journal *journal;
    struct state *state;
    uint32_t n_circuits;
    uint64_t n_calls;
    nsec_t script; /* CPU time that the nodes took */
    bool over;
};

static nsec_t
cpu_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

static void
check(enum err err, const char *text)
{
    if (err) {
        fprintf(stderr, "assure_bench: %s: %s\n", err_name(err), text);
        exit(1);
    }
}

static void
play_node(void *arg, struct bus *bus, const struct bus_message *m)
{
    static const struct weather fine = {.forward_us = 3000, .backward_us = 3000, .spread_us = 40};
    struct bench *b = arg;
    nsec_t start = cpu_time();
    json_t *answer = answer_in(&fine, json_object_get(m->payload, "params"));
    b->n_calls++;
    b->script += cpu_time() - start;
    bus_reply(bus, m->reply_to, answer);
}

/* ---- The circuits ---- */

static void
apply(struct state *state, const char *type, json_t *body)
{
    struct diag diag = {""};
    struct state_event event = {
        .seq = state->seq + 1, .time = 1, .type = type, .object = "", .actor = "", .body = body};
    check(state_apply(state, &event, &diag), diag.text);
    json_decref(body);
}

static json_t *
entry_json(const char *path, const char *direction, const char *receiver)
{
    return json_pack("{ss ss ss ss si si si si si si sb}", "path", path, "direction", direction,
                     "receiver", receiver, "time", "2026-01-01T00:00:00Z", "sent", 100, "lost", 0,
                     "latency-min-ns", 3000000, "latency-p50-ns", 3005000, "latency-p99-ns",
                     3035000, "latency-max-ns", 3040000, "clocks-synchronised", 1);
}

static void
add_circuit(struct bench *b, struct designer *designer, uint32_t i)
{
    char *name = xasprintf("circuit-%05u", i);
    struct network *net = b->state->network;
    struct circuit *c = test_tcp(net, name, "fep", i % 2 ? "rtu-a" : "rtu-b", (uint16_t)(1000 + i));
    const char *server = c->ip.server;
    struct design *design;
    struct diag diag = {""};
    c->rate_kbps = 20;
    check(designer_add(designer, c, &design, &diag), diag.text);
    network_put_design(net, design);
    json_t *entries = json_pack("[o, o, o, o]", entry_json("primary", "forward", server),
                                entry_json("primary", "backward", "fep"),
                                entry_json("failover", "forward", server),
                                entry_json("failover", "backward", "fep"));
    apply(b->state, "circuit.fingerprint",
          json_pack("{ss so}", "circuit", name, "entries", entries));
    free(name);
}

static void
make_state(struct bench *b)
{
    b->state = state_new();
    network_free(b->state->network);
    b->state->network = test_lab();
    struct designer *designer = designer_new(b->state->network);
    for (uint32_t i = 0; i < b->n_circuits; i++)
        add_circuit(b, designer, i);
    designer_free(designer);
}

/* ---- Measuring ---- */

static void
on_over(void *arg)
{
    ((struct bench *)arg)->over = true;
}

static void
run_for(struct bench *b, nsec_t duration)
{
    struct timer *timer = timer_new(b->loop, on_over, b);
    b->over = false;
    timer_start(timer, duration);
    while (!b->over)
        uv_run(b->loop, UV_RUN_ONCE);
    timer_free(timer);
}

static void
print(const char *what, double value, const char *unit, const char *note)
{
    bench_print(&(struct bench_figure){.bench = "assure",
                                       .what = what,
                                       .value = value,
                                       .unit = unit,
                                       .goal = NAN,
                                       .smaller_is_better = strcmp(unit, "calls/s") != 0,
                                       .note = note});
}

static void
measure(struct bench *b, const struct assure_options *options, nsec_t duration, bool pace)
{
    struct assure_service_config config = {.loop = b->loop,
                                           .bus = b->bus,
                                           .journal = b->journal,
                                           .state = b->state,
                                           .site = "bench",
                                           .options = *options};
    struct assure_service *service;
    struct diag diag = {""};
    char note[128];
    check(assure_service_new(&config, &service, &diag), diag.text);
    run_for(b, duration / 4); /* the first rounds also make the sessions */
    nsec_t start = clock_monotonic(), cpu = cpu_time();
    b->n_calls = 0;
    b->script = 0;
    run_for(b, duration);
    double wall = (double)(clock_monotonic() - start);
    double used = (double)(cpu_time() - cpu - b->script), calls = (double)b->n_calls;
    assure_service_free(service);
    snprintf(note, sizeof note, "%u circuits, %.0f calls to nodes per second; without the nodes",
             b->n_circuits, calls * 1e9 / wall);
    if (pace) {
        print("pace: share of one CPU", used * 100 / wall, "%", note);
        print("pace: CPU per call", used / 1e3 / calls, "us", note);
    } else {
        print("rounds: calls", calls * 1e9 / wall, "calls/s", note);
        print("rounds: CPU per call", used / 1e3 / calls, "us", note);
    }
}

int
main(int argc, char **argv)
{
    struct bench b = {.loop = test_loop_new(),
                      .n_circuits = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000};
    struct bus_subscription *subscription;
    struct test_dir dir = test_dir_make();
    struct diag diag = {""};
    char path[TEST_PATH_SIZE];
    b.bus = bus_local_new(b.loop, 0, 0);
    check(journal_open(b.loop, test_path(&dir, "journal.db", path),
                       &(struct journal_config){.site = "bench"}, &b.journal, &diag),
          diag.text);
    check(bus_subscribe(b.bus, "lan.rpc", play_node, &b, &subscription), "lan.rpc");
    make_state(&b);
    measure(&b, &(struct assure_options){.one_clock = true}, PACE_TIME, true);
    measure(&b,
            &(struct assure_options){.one_clock = true,
                                     .watch_interval = b.n_circuits * FASTEST,
                                     .watch_rate = UINT32_MAX},
            ROUNDS_TIME, false);
    bus_free(b.bus);
    journal_close(b.journal, NULL, NULL);
    test_loop_free(b.loop);
    state_free(b.state);
    test_dir_remove(&dir);
    return 0;
}
