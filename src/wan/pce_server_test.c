/* The PCE on real sockets, and tieline-pccsim as its routers. */
#include "io/clock.h"
#include "wan/pce_server.h"
#include "wan/simulator_testing.h"

struct fixture {
    uv_loop_t *loop;
    struct pce_server *server, *backup;
    struct test_dir dir;
    struct test_ca ca;
    struct tls *tls;
    struct simulator simulator;
    unsigned n[PCE_MISBEHAVES + 1];
    unsigned misbehaviours[PCE_N_MISBEHAVIOURS];
    unsigned outcomes[PCE_CANCELLED + 1];
    bool answers;
};

static const struct lsp_hop path[] = {{.kind = LSP_HOP_SEGMENT, .is_label = true, .label = 17001}};

static void
on_event(void *arg, const struct pce_event *event)
{
    struct fixture *f = arg;
    f->n[event->kind]++;
    if (event->kind == PCE_MISBEHAVES)
        f->misbehaviours[event->misbehaviour]++;
    if (event->kind == PCE_RESULT)
        f->outcomes[event->result->outcome]++;
    if (event->kind == PCE_REQUEST && f->answers)
        assert_ok(pce_answer(pce_server_pce(f->server), event->request->id,
                             &(struct pce_answer){.path = path, .n_path = 1}, clock_monotonic()));
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->loop = test_loop_new();
    f->dir = test_dir_make();
    *state = f;
    return 0;
}

static char *
end_simulator(struct fixture *f)
{
    return simulator_end(&f->simulator, f->loop);
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->simulator.pid)
        free(end_simulator(f));
    pce_server_free(f->server);
    pce_server_free(f->backup);
    tls_free(f->tls);
    test_loop_free(f->loop);
    test_ca_free(&f->ca);
    test_dir_remove(&f->dir);
    free(f);
    return 0;
}

static void
listen_on(struct fixture *f, struct pce_config config)
{
    const struct pce_server_config server = {
        .address = "127.0.0.1:0", .tls = f->tls, .pce = config};
    assert_ok(pce_server_new(f->loop, &server, on_event, f, &f->server, NULL));
}

#define SIMULATE(f, ...)                                                                           \
    simulator_run(&(f)->simulator, pce_server_address((f)->server),                                \
                  (const char *const[]){__VA_ARGS__, NULL})

static const struct lsp_db *
lsps(const struct fixture *f)
{
    return pce_lsps(pce_server_pce(f->server));
}

#define PATIENT (120 * NSEC_PER_SEC) /* nothing may take too long, however slow the machine is */

/* A new path for every LSP; how many. */
static unsigned
order_all(struct fixture *f, nsec_t timeout)
{
    unsigned n = 0;
    const struct lsp *lsp = NULL;
    struct diag diag;
    uint64_t id;
    while ((lsp = lsp_db_after(lsps(f), lsp ? lsp->id : LSP_NONE))) {
        const struct pce_order order = {.kind = PCE_UPDATE,
                                        .urgency = PCE_CHANGE,
                                        .until = PCE_UNTIL_UP,
                                        .timeout = timeout,
                                        .lsp = lsp->id,
                                        .path = path,
                                        .n_path = 1,
                                        .bandwidth_bps = 2000000,
                                        .setup_priority = 4,
                                        .holding_priority = 1,
                                        .has_priorities = true};
        n += !pce_order(pce_server_pce(f->server), &order, clock_monotonic(), &id, &diag);
    }
    return n;
}

static unsigned
results(const struct fixture *f)
{
    return f->n[PCE_RESULT];
}

static void
synchronise_and_update(struct fixture *f)
{
    SIMULATE(f, "--pccs", "20", "--lsps", "50", "--up-after", "20ms");
    RUN_UNTIL(f->loop, f->n[PCE_SYNCED] == 20);
    assert_int_equal(lsp_db_total(lsps(f)), 1000);
    assert_int_equal(order_all(f, PATIENT), 1000);
    RUN_UNTIL(f->loop, results(f) == 1000);
    assert_int_equal(f->outcomes[PCE_DONE], 1000);
    for (const struct lsp *lsp = NULL; (lsp = lsp_db_after(lsps(f), lsp ? lsp->id : 0));) {
        struct lsp_hops hops = lsp_ero(lsp);
        struct lsp_hop hop;
        assert_true(lsp_hops_next(&hops, &hop));
        assert_int_equal(hop.label, 17001);
        assert_int_equal(lsp->bandwidth_bps, 2000000);
        assert_true(lsp->has_priorities);
        assert_int_equal(lsp->setup_priority, 4);
        assert_int_equal(lsp->holding_priority, 1);
        assert_int_equal(lsp->operational, LSP_UP);
    }
    char *summary = end_simulator(f);
    assert_int_equal(simulator_said(summary, "updates"), 1000);
    assert_int_equal(simulator_said(summary, "errors"), 0);
    free(summary);
    RUN_UNTIL(f->loop, f->n[PCE_DOWN] == 20);
    assert_int_equal(f->n[PCE_MISBEHAVES], 0);
}

static void
many_routers_are_synchronised_and_updated(void **state)
{
    listen_on(*state, (struct pce_config){0});
    synchronise_and_update(*state);
}

/* All are held after each read, and read again when the loop has had its share. */
static void
they_are_so_too_where_the_loop_has_little_time_for_them(void **state)
{
    struct fixture *f = *state;
    const struct pce_server_config config = {.address = "127.0.0.1:0", .burst = 1};
    assert_ok(pce_server_new(f->loop, &config, on_event, f, &f->server, NULL));
    synchronise_and_update(f);
}

/* Certificates for both sides; the options for the simulator are in `paths`. */
static void
make_identities(struct fixture *f, char paths[3][TEST_PATH_SIZE])
{
    char pce[2][TEST_PATH_SIZE];
    f->ca = test_ca_make("Utility CA");
    test_pem_write(&f->dir, "ca.crt", f->ca.cert, NULL);
    test_cert_issue(&f->dir, "pce", &f->ca, &(struct test_cert){.name = "pce"});
    test_cert_issue(&f->dir, "pcc", &f->ca, &(struct test_cert){.name = "router-1"});
    test_path(&f->dir, "ca.crt", paths[0]);
    test_path(&f->dir, "pcc.crt", paths[1]);
    test_path(&f->dir, "pcc.key", paths[2]);
    const struct tls_config config = {.ca_file = paths[0],
                                      .cert_file = test_path(&f->dir, "pce.crt", pce[0]),
                                      .key_file = test_path(&f->dir, "pce.key", pce[1])};
    assert_ok(tls_new(&config, &f->tls, NULL));
}

static void
tls_is_started_on_the_same_port(void **state)
{
    struct fixture *f = *state;
    char paths[3][TEST_PATH_SIZE];
    struct pce_pcc_info info;
    make_identities(f, paths);
    listen_on(f, (struct pce_config){.tls = PCEP_TLS_REQUIRED});
    SIMULATE(f, "--pccs", "5", "--lsps", "2000", "--ca", paths[0], "--cert", paths[1], "--key",
             paths[2], "--pce-name", "pce");
    RUN_UNTIL(f->loop, f->n[PCE_SYNCED] == 5);
    assert_true(pce_pcc_info(pce_server_pce(f->server), 0, &info));
    assert_true(info.secure);
    assert_string_equal(info.name, "router-1");
    assert_int_equal(order_all(f, PATIENT), 10000);
    RUN_UNTIL(f->loop, results(f) == 10000);
    assert_int_equal(f->outcomes[PCE_DONE], 10000);
}

static void
without_tls_nobody_gets_in_where_it_is_required(void **state)
{
    struct fixture *f = *state;
    char paths[3][TEST_PATH_SIZE];
    make_identities(f, paths);
    listen_on(f, (struct pce_config){.tls = PCEP_TLS_REQUIRED, .flaps = 2});
    SIMULATE(f, "--pccs", "1", "--reconnect", "20ms");
    RUN_UNTIL(f->loop, f->misbehaviours[PCE_FLAPS]); /* it tries until it is not heard any more */
    assert_int_equal(f->n[PCE_UP], 0);
    char *summary = end_simulator(f);
    assert_true(simulator_said(summary, "errors") > 0);
    free(summary);
}

static void
where_tls_is_offered_others_get_in_too(void **state)
{
    struct fixture *f = *state;
    char paths[3][TEST_PATH_SIZE];
    struct pce_pcc_info info;
    make_identities(f, paths);
    listen_on(f, (struct pce_config){.tls = PCEP_TLS_OFFERED});
    SIMULATE(f, "--pccs", "1");
    RUN_UNTIL(f->loop, f->n[PCE_SYNCED] == 1);
    assert_true(pce_pcc_info(pce_server_pce(f->server), 0, &info));
    assert_false(info.secure);
    free(end_simulator(f));
    SIMULATE(f, "--pccs", "1", "--ca", paths[0], "--cert", paths[1], "--key", paths[2]);
    RUN_UNTIL(f->loop, f->n[PCE_SYNCED] == 2);
    assert_true(pce_pcc_info(pce_server_pce(f->server), 0, &info));
    assert_true(info.secure);
}

static void
requests_are_answered(void **state)
{
    struct fixture *f = *state;
    f->answers = true;
    listen_on(f, (struct pce_config){0});
    SIMULATE(f, "--pccs", "4", "--requests", "25");
    RUN_UNTIL(f->loop, f->n[PCE_REQUEST] == 100);
    run_turns(f->loop, 20);
    char *summary = end_simulator(f);
    assert_true(simulator_said(summary, "paths") >= 96); /* the last of each may be under way */
    free(summary);
}

static void
each_order_ends_whatever_routers_do(void **state)
{
    struct fixture *f = *state;
    listen_on(f, (struct pce_config){0});
    SIMULATE(f, "--pccs", "1", "--lsps", "120", "--refuse-every", "4", "--refuse-with", "19/6",
             "--silent-every", "5");
    RUN_UNTIL(f->loop, f->n[PCE_SYNCED] == 1);
    assert_int_equal(order_all(f, 2 * NSEC_PER_SEC), 120);
    RUN_UNTIL(f->loop, results(f) == 120);
    assert_int_equal(f->outcomes[PCE_TIMED_OUT], 24);
    assert_int_equal(f->outcomes[PCE_REFUSED], 24);
    assert_int_equal(f->outcomes[PCE_DONE], 72);
}

static void
the_next_synchronisation_is_avoided(void **state)
{
    struct fixture *f = *state;
    listen_on(f, (struct pce_config){.flaps = 100});
    SIMULATE(f, "--pccs", "2", "--lsps", "30", "--db-version", "--flap-every", "100ms",
             "--reconnect", "10ms");
    RUN_UNTIL(f->loop, f->n[PCE_SYNCED] >= 8);
    assert_int_equal(lsp_db_total(lsps(f)), 60);
    char *summary = end_simulator(f);
    assert_true(simulator_said(summary, "sync_avoided") >= 6);
    assert_int_equal(simulator_said(summary, "lsps_synced"), 60);
    free(summary);
    assert_int_equal(f->n[PCE_LSP_GONE], 0);
}

/* As it begins, and again when all is asked for once more. */
static void
what_is_asked_for_is_reported(void **state)
{
    struct fixture *f = *state;
    listen_on(f, (struct pce_config){0});
    SIMULATE(f, "--pccs", "2", "--lsps", "30", "--triggered");
    RUN_UNTIL(f->loop, f->n[PCE_SYNCED] == 2);
    assert_int_equal(lsp_db_total(lsps(f)), 60);
    assert_ok(pce_resync(pce_server_pce(f->server), 0, LSP_NONE, clock_monotonic()));
    RUN_UNTIL(f->loop, f->n[PCE_SYNCED] == 3);
    assert_int_equal(lsp_db_total(lsps(f)), 60);
    assert_int_equal(f->n[PCE_LSP_GONE], 0);
    char *summary = end_simulator(f);
    assert_int_equal(simulator_said(summary, "lsps_synced"), 90);
    free(summary);
}

/* They store it and report it back. */
static void
sr_policies_are_ordered_and_reported(void **state)
{
    struct fixture *f = *state;
    struct pce_order order = {.kind = PCE_INITIATE,
                              .name = "policy",
                              .source = {4, {127, 1, 0, 1}},
                              .destination = {4, {10, 0, 0, 9}},
                              .has_color = true,
                              .color = 4242,
                              .setup_type = PCEP_PST_SR,
                              .path = path,
                              .n_path = 1};
    struct diag diag;
    uint64_t id;
    listen_on(f, (struct pce_config){0});
    SIMULATE(f, "--pccs", "1", "--sr-policy");
    RUN_UNTIL(f->loop, f->n[PCE_SYNCED]);
    struct pce *pce = pce_server_pce(f->server);
    order.pcc = pce_find_pcc(pce, "127.1.0.1");
    assert_ok(pce_order(pce, &order, clock_monotonic(), &id, &diag));
    RUN_UNTIL(f->loop, results(f));
    assert_int_equal(f->outcomes[PCE_DONE], 1);
    const struct lsp *lsp = lsp_db_find_name(lsps(f), order.pcc, "policy", 6);
    assert_non_null(lsp);
    assert_true(lsp->has_color);
    assert_int_equal(lsp->color, 4242);
    assert_int_equal(f->n[PCE_MISBEHAVES], 0);
}

static unsigned
delegated_to(struct pce_server *server)
{
    unsigned n = 0;
    const struct lsp_db *db = pce_lsps(pce_server_pce(server));
    for (const struct lsp *lsp = NULL; (lsp = lsp_db_after(db, lsp ? lsp->id : LSP_NONE));)
        n += lsp->delegated;
    return n;
}

static void
when_the_primary_ends_the_backup_has_the_delegations(void **state)
{
    struct fixture *f = *state;
    const struct pce_server_config second = {.address = "127.0.0.1:0"};
    listen_on(f, (struct pce_config){0});
    assert_ok(pce_server_new(f->loop, &second, on_event, f, &f->backup, NULL));
    SIMULATE(f, "--pccs", "10", "--lsps", "200", "--backup", pce_server_address(f->backup));
    RUN_UNTIL(f->loop, f->n[PCE_SYNCED] == 20);
    assert_int_equal(delegated_to(f->server) + delegated_to(f->backup), 2000);
    pce_server_free(f->server);
    f->server = NULL;
    RUN_UNTIL(f->loop, delegated_to(f->backup) == 2000);
    char *summary = end_simulator(f);
    assert_int_equal(simulator_said(summary, "lsps"), 2000);
    free(summary);
}

/* Of five routers one does everything that it should not; the others do not notice. */
static void
one_that_misbehaves_disturbs_no_other(struct fixture *f, const char *option, const char *value,
                                      enum pce_misbehaviour expected)
{
    listen_on(f,
              (struct pce_config){
                  .limits.lsps = 2000, .reports_burst = 2000, .reports_per_s = 2000, .flaps = 3});
    if (value)
        SIMULATE(f, "--pccs", "5", "--lsps", "100", "--faulty", "1", "--reconnect", "20ms", option,
                 value);
    else
        SIMULATE(f, "--pccs", "5", "--lsps", "100", "--faulty", "1", "--reconnect", "20ms", option);
    RUN_UNTIL(f->loop, f->misbehaviours[expected] && f->n[PCE_SYNCED] >= 5);
    struct pce *pce = pce_server_pce(f->server);
    struct pce_pcc_info info;
    for (int i = 2; i <= 5; i++) {
        char address[16];
        snprintf(address, sizeof address, "127.1.0.%d", i);
        assert_true(pce_pcc_info(pce, pce_find_pcc(pce, address), &info));
        assert_int_equal(info.state, PCE_PCC_READY);
        assert_int_equal(info.lsps, 100);
        assert_int_equal(info.sessions, 1);
        for (int k = 0; k < PCE_N_MISBEHAVIOURS; k++)
            assert_int_equal(info.misbehaviours[k], 0);
    }
}

static void
one_that_floods(void **state)
{
    one_that_misbehaves_disturbs_no_other(*state, "--flood", NULL, PCE_FLOODS);
}

static void
one_that_flaps(void **state)
{
    one_that_misbehaves_disturbs_no_other(*state, "--flap-every", "30ms", PCE_FLAPS);
}

static void
one_that_sends_garbage(void **state)
{
    one_that_misbehaves_disturbs_no_other(*state, "--garbage-every", "30ms", PCE_BAD_MESSAGE);
}

static void
one_that_lies(void **state)
{
    one_that_misbehaves_disturbs_no_other(*state, "--lie", "reuse", PCE_PLSP_ID_REUSED);
}

static void
one_that_takes_addresses(void **state)
{
    one_that_misbehaves_disturbs_no_other(*state, "--lie", "foreign", PCE_FOREIGN_END_POINT);
}

static void
one_that_has_no_names(void **state)
{
    one_that_misbehaves_disturbs_no_other(*state, "--lie", "nameless", PCE_NAME_MISSING);
}

static void
one_that_has_a_name_twice(void **state)
{
    one_that_misbehaves_disturbs_no_other(*state, "--lie", "names", PCE_NAME_TAKEN);
}

/* It has one LSP more than may be, so the last is left out. */
static void
one_that_has_too_many(void **state)
{
    struct fixture *f = *state;
    struct pce_pcc_info info;
    listen_on(f, (struct pce_config){.limits.lsps = 99});
    SIMULATE(f, "--pccs", "1", "--lsps", "100");
    RUN_UNTIL(f->loop, f->misbehaviours[PCE_TOO_MANY_LSPS] && f->n[PCE_SYNCED]);
    assert_true(pce_pcc_info(pce_server_pce(f->server), 0, &info));
    assert_int_equal(info.lsps, 99);
    assert_int_equal(info.state, PCE_PCC_READY);
}

static void
a_synchronisation_without_end_is_ended(void **state)
{
    struct fixture *f = *state;
    listen_on(f, (struct pce_config){.sync_timeout = 200 * NSEC_PER_MSEC});
    SIMULATE(f, "--pccs", "2", "--faulty", "1", "--never-end");
    RUN_UNTIL(f->loop, f->misbehaviours[PCE_SYNC_STALLS] && f->n[PCE_DOWN]);
    assert_int_equal(f->n[PCE_SYNCED], 1);
}

static void
answers_about_other_lsps_are_none(void **state)
{
    struct fixture *f = *state;
    listen_on(f, (struct pce_config){0});
    SIMULATE(f, "--pccs", "1", "--lsps", "20", "--lie", "srp");
    RUN_UNTIL(f->loop, f->n[PCE_SYNCED] == 1);
    assert_int_equal(order_all(f, 2 * NSEC_PER_SEC), 20);
    RUN_UNTIL(f->loop, results(f) == 20);
    assert_int_equal(f->outcomes[PCE_TIMED_OUT], 20);
    assert_int_equal(f->misbehaviours[PCE_WRONG_SRP], 1); /* one event for all of them */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(TEST(many_routers_are_synchronised_and_updated),
          TEST(they_are_so_too_where_the_loop_has_little_time_for_them),
          TEST(tls_is_started_on_the_same_port),
          TEST(without_tls_nobody_gets_in_where_it_is_required),
          TEST(where_tls_is_offered_others_get_in_too), TEST(requests_are_answered),
          TEST(each_order_ends_whatever_routers_do), TEST(the_next_synchronisation_is_avoided),
          TEST(what_is_asked_for_is_reported), TEST(sr_policies_are_ordered_and_reported),
          TEST(when_the_primary_ends_the_backup_has_the_delegations), TEST(one_that_floods),
          TEST(one_that_flaps), TEST(one_that_sends_garbage), TEST(one_that_lies),
          TEST(one_that_takes_addresses), TEST(one_that_has_no_names),
          TEST(one_that_has_a_name_twice), TEST(one_that_has_too_many),
          TEST(a_synchronisation_without_end_is_ended), TEST(answers_about_other_lsps_are_none))
