/* pcep-scale - how many sessions and LSPs the path computation element bears, on one core: it runs
 * in this process, all routers in another one (tieline-pccsim), and TCP over loopback between them.
 *
 * Each case has a process of its own, so that the memory of one is not that of another. Times begin
 * with the first session that is up (what comes before it is the simulator's own start) and end
 * when the last LSP is reported, or reported to be up on its new path. "Backup": a third process is
 * the primary PCE and is killed; how long until the one here has all delegations. Names of cases:
 * sessions x LSPs of each; run with such names alone to measure those only. */
#include "base/alloc.h"
#include "bench/bench.h"
#include "io/clock.h"
#include "io/file.h"
#include "wan/pce_server.h"

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOPS 4
#define IN_FLIGHT 8000u
#define PATIENCE_MS 120000

struct scale {
    const char *name;
    uint32_t pccs, lsps;
    double sync_goal; /* seconds; NAN: none */
    bool backup;
};

static const struct scale scales[] = {
    {"1 x 65535", 1, 65535, 2, false},
    {"150 x 400", 150, 400, 2, false},
    {"1000 x 100", 1000, 100, NAN, false},
    {"150 x 400, backup", 150, 400, NAN, true},
};

struct run {
    const struct scale *scale;
    uv_loop_t loop;
    uv_timer_t patience;
    struct pce_server *server;
    pid_t simulator, primary;
    char primary_address[64];
    uint32_t n_delegated;
    uint32_t n_up, n_synced;
    nsec_t first_up, last_synced, first_order, last_result;
    uint32_t n_done, n_failed;
    double *took_ms; /* of each order, from the moment it was sent */
    bool over;
};

static void
fail(const char *what)
{
    fprintf(stderr, "pcep-scale: %s\n", what);
    exit(EXIT_FAILURE);
}

static void
on_event(void *arg, const struct pce_event *event)
{
    struct run *r = arg;
    switch (event->kind) {
    case PCE_UP:
        if (!r->n_up++)
            r->first_up = clock_monotonic();
        break;
    case PCE_SYNCED:
        if (++r->n_synced == r->scale->pccs) {
            r->last_synced = clock_monotonic();
            r->over = true;
        }
        break;
    case PCE_LSP_CHANGED:
        if (event->changed & LSP_DELEGATION_CHANGED && event->lsp->delegated &&
            ++r->n_delegated == r->scale->pccs * r->scale->lsps) {
            r->last_result = clock_monotonic();
            r->over = true;
        }
        break;
    case PCE_RESULT:
        r->took_ms[r->n_done + r->n_failed] = (double)event->result->took / NSEC_PER_MSEC;
        r->n_done += event->result->outcome == PCE_DONE;
        r->n_failed += event->result->outcome != PCE_DONE;
        if (r->n_done + r->n_failed == r->scale->pccs * r->scale->lsps) {
            r->last_result = clock_monotonic();
            r->over = true;
        }
        break;
    case PCE_DOWN:
        fprintf(stderr, "pcep-scale: %s: %s\n", event->address, event->text);
        break;
    case PCE_MISBEHAVES:
        fprintf(stderr, "pcep-scale: %s: %s\n", event->address, event->text);
        break;
    default:
        break;
    }
}

static void
on_impatient(uv_timer_t *timer UNUSED)
{
    fail("still not done");
}

static void
run_until_over(struct run *r)
{
    r->over = false;
    uv_timer_start(&r->patience, on_impatient, PATIENCE_MS, 0);
    while (!r->over)
        uv_run(&r->loop, UV_RUN_ONCE);
    uv_timer_stop(&r->patience);
}

static void
start_simulator(struct run *r, const char *program)
{
    char pccs[16], lsps[16], hops[16], at_once[16];
    snprintf(pccs, sizeof pccs, "%u", r->scale->pccs);
    snprintf(lsps, sizeof lsps, "%u", r->scale->lsps);
    snprintf(hops, sizeof hops, "%d", HOPS);
    snprintf(at_once, sizeof at_once, "%d", 100);
    r->simulator = fork();
    if (r->simulator < 0)
        fail("cannot fork");
    if (r->simulator)
        return;
    if (!getenv("VERBOSE") && !freopen("/dev/null", "w", stdout))
        _exit(127);
    const char *here = pce_server_address(r->server);
    if (r->scale->backup)
        execl(program, "tieline-pccsim", "--pce", r->primary_address, "--backup", here, "--pccs",
              pccs, "--lsps", lsps, "--hops", hops, "--reconnect", "1h", (char *)NULL);
    execl(program, "tieline-pccsim", "--pce", here, "--pccs", pccs, "--lsps", lsps, "--hops", hops,
          "--at-once", at_once, (char *)NULL);
    fprintf(stderr, "pcep-scale: %s: cannot be run\n", program);
    _exit(127);
}

static double
cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double
resident_octets(void)
{
    unsigned long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%lu %lu", &size, &resident) != 2)
        fail("/proc/self/statm cannot be read");
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static void
print(const struct run *r, const char *what, double value, const char *unit, double goal,
      bool smaller, const char *note)
{
    char text[80];
    snprintf(text, sizeof text, "%s, %s", r->scale->name, what);
    bench_print(&(struct bench_figure){.bench = "pcep-scale",
                                       .what = text,
                                       .value = value,
                                       .unit = unit,
                                       .goal = goal,
                                       .smaller_is_better = smaller,
                                       .note = note});
}

/* Every LSP gets another path; all are ordered at once, and wait for their turn in the PCE. */
static void
order_all(struct run *r)
{
    struct lsp_hop path[HOPS];
    struct diag diag;
    uint64_t id;
    struct pce *pce = pce_server_pce(r->server);
    nsec_t now = clock_monotonic();
    for (int i = 0; i < HOPS; i++)
        path[i] = (struct lsp_hop){
            .kind = LSP_HOP_SEGMENT, .is_label = true, .label = 17000 + 13u * (unsigned)i};
    const struct lsp *lsp = NULL;
    r->first_order = now;
    for (uint64_t at = LSP_NONE; (lsp = lsp_db_after(pce_lsps(pce), at)); at = lsp->id) {
        const struct pce_order order = {.kind = PCE_UPDATE,
                                        .urgency = PCE_CHANGE,
                                        .until = PCE_UNTIL_UP,
                                        .timeout = 60 * NSEC_PER_SEC,
                                        .lsp = lsp->id,
                                        .path = path,
                                        .n_path = HOPS};
        if (pce_order(pce, &order, now, &id, &diag))
            fail(diag.text);
    }
}

static void
measure_sync(struct run *r, double cpu, double resident)
{
    char note[120];
    uint32_t n = lsp_db_total(pce_lsps(pce_server_pce(r->server)));
    double seconds = (double)(r->last_synced - r->first_up) / NSEC_PER_SEC;
    if (n != r->scale->pccs * r->scale->lsps)
        fail("LSPs are missing");
    snprintf(note, sizeof note, "%u LSPs of %d hops; the PCE's CPU: %.3f s", n, HOPS, cpu);
    print(r, "synchronised", seconds, "s", r->scale->sync_goal, true, note);
    double octets = 0;
    for (uint32_t i = 0; i < pce_n_pccs(pce_server_pce(r->server)); i++)
        octets += (double)lsp_db_octets(pce_lsps(pce_server_pce(r->server)), i);
    snprintf(note, sizeof note,
             "growth of the resident set, sessions included; %.0f of it is the LSP", octets / n);
    print(r, "memory per LSP", resident / n, "octets", 2000, true, note);
}

static void
measure_updates(struct run *r, double cpu)
{
    char note[120];
    uint32_t n = r->scale->pccs * r->scale->lsps;
    double seconds = (double)(r->last_result - r->first_order) / NSEC_PER_SEC;
    if (r->n_failed)
        fail("orders failed");
    snprintf(note, sizeof note,
             "%.3f s from the first order to the last report of up; the PCE's "
             "CPU: %.3f s",
             seconds, cpu);
    print(r, "updates", n / seconds, "1/s", 20000, false, note);
    snprintf(note, sizeof note, "from sent to up, %u in flight at most; p99 %.1f ms", IN_FLIGHT,
             bench_percentile(r->took_ms, n, 99));
    print(r, "update", bench_median(r->took_ms, n), "ms", NAN, true, note);
}

static void
ignore_event(void *arg UNUSED, const struct pce_event *event UNUSED)
{
}

/* A PCE in a process of its own, until that is killed. */
static void
start_primary(struct run *r)
{
    int pipes[2];
    if (pipe(pipes) || (r->primary = fork()) < 0)
        fail("cannot fork");
    if (!r->primary) {
        const struct pce_server_config config = {.address = "127.0.0.1:0"};
        struct pce_server *server;
        uv_loop_t loop;
        uv_loop_init(&loop);
        if (pce_server_new(&loop, &config, ignore_event, NULL, &server, NULL) ||
            write(pipes[1], pce_server_address(server), strlen(pce_server_address(server))) < 0)
            _exit(127);
        uv_run(&loop, UV_RUN_DEFAULT);
        _exit(0);
    }
    if (read(pipes[0], r->primary_address, sizeof r->primary_address - 1) <= 0)
        fail("there is no primary");
    close(pipes[0]);
    close(pipes[1]);
}

static void
on_settled(uv_timer_t *timer)
{
    ((struct run *)timer->data)->over = true;
}

/* Half a second more, so that the primary has heard of all, too. */
static void
settle(struct run *r)
{
    r->over = false;
    r->patience.data = r;
    uv_timer_start(&r->patience, on_settled, 500, 0);
    while (!r->over)
        uv_run(&r->loop, UV_RUN_ONCE);
}

static void
measure_takeover(struct run *r)
{
    char note[120];
    settle(r);
    uint32_t before = r->n_delegated;
    double cpu = cpu_seconds();
    nsec_t killed = clock_monotonic();
    kill(r->primary, SIGKILL);
    run_until_over(r);
    snprintf(note, sizeof note,
             "from the primary's end; %u of %u were delegated here before; the "
             "PCE's CPU: %.3f s",
             before, r->n_delegated, cpu_seconds() - cpu);
    print(r, "all delegations", (double)(r->last_result - killed) / NSEC_PER_SEC, "s", NAN, true,
          note);
    waitpid(r->primary, NULL, 0);
}

static int
run_scale(const struct scale *scale, const char *program)
{
    struct run r = {.scale = scale};
    struct diag diag;
    const struct pce_server_config config = {.address = "127.0.0.1:0",
                                             .pce = {.orders_per_s = 1000000,
                                                     .max_in_flight = IN_FLIGHT,
                                                     .reports_per_s = 1000000,
                                                     .reports_burst = 1000000,
                                                     .max_waiting = 1000000}};
    uv_loop_init(&r.loop);
    uv_timer_init(&r.loop, &r.patience);
    if (pce_server_new(&r.loop, &config, on_event, &r, &r.server, &diag))
        fail(diag.text);
    double resident = resident_octets(), cpu = cpu_seconds();
    if (scale->backup)
        start_primary(&r);
    start_simulator(&r, program);
    run_until_over(&r);
    if (scale->backup) {
        measure_takeover(&r);
        kill(r.simulator, SIGTERM);
        waitpid(r.simulator, NULL, 0);
        return EXIT_SUCCESS;
    }
    measure_sync(&r, cpu_seconds() - cpu, resident_octets() - resident);
    r.took_ms = xcalloc(scale->pccs * scale->lsps, sizeof *r.took_ms);
    cpu = cpu_seconds();
    order_all(&r);
    run_until_over(&r);
    measure_updates(&r, cpu_seconds() - cpu);
    kill(r.simulator, SIGTERM);
    waitpid(r.simulator, NULL, 0);
    return EXIT_SUCCESS;
}

static void
find_simulator(char *path, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", path, size - 32);
    if (n < 0)
        fail("/proc/self/exe cannot be read");
    path[n] = 0;
    strcpy(strrchr(path, '/') + 1, "tieline-pccsim");
}

static bool
is_wanted(const struct scale *scale, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], scale->name))
            return true;
    return argc == 1;
}

int
main(int argc, char **argv)
{
    char program[PATH_MAX];
    int failed = 0, status;
    find_simulator(program, sizeof program);
    if (!file_allow_many())
        perror("pcep-scale: no more than the usual number of files may be open");
    for (size_t i = 0; i < ARRAY_SIZE(scales); i++) {
        if (!is_wanted(&scales[i], argc, argv))
            continue;
        pid_t child = fork();
        if (!child)
            return run_scale(&scales[i], program);
        waitpid(child, &status, 0);
        failed |= status;
    }
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
