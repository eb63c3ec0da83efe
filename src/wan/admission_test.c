/* Whom the controller lets in, what it believes of where a path begins, and whom it asks again: the
 * service, and tieline-pccsim as routers at 127.1.0.1 and those that follow. */
#include "wan/service_testing.h"

#include "wan/simulator_testing.h"

struct scenery {
    struct place *place;
    struct simulator simulator;
};

static int
set_up_scenery(void **state)
{
    struct scenery *y = xcalloc(1, sizeof *y);
    void *place;
    set_up(&place);
    y->place = place;
    *state = y;
    return 0;
}

static int
tear_down_scenery(void **state)
{
    struct scenery *y = *state;
    void *place = y->place;
    if (y->simulator.pid)
        free(simulator_end(&y->simulator, y->place->scene->loop));
    tear_down(&place);
    free(y);
    return 0;
}

/* Anew, with these settings. */
static void
set(struct scenery *y, const char *settings)
{
    stop(y->place);
    test_path(&y->place->scene->dir, "wan.yaml", y->place->settings);
    FILE *file = fopen(y->place->settings, "w");
    assert_non_null(file);
    fputs(settings, file);
    fclose(file);
    start(y->place);
}

#define SIMULATE(y, ...)                                                                           \
    simulator_run(&(y)->simulator, wan_service_pcep_address((y)->place->service),                  \
                  (const char *const[]){__VA_ARGS__, NULL})

/* An exception says so. */
static bool
is_raised(struct scenery *y, const char *object, const char *what)
{
    const json_t *raised;
    size_t i;
    json_array_foreach(y->place->raised, i, raised)
    {
        if (!strcmp(json_string_value(json_object_get(raised, "object")), object) &&
            strstr(json_string_value(json_object_get(raised, "text")), what))
            return true;
    }
    return false;
}

static bool
is_ready(struct scenery *y, const char *address)
{
    struct pce *pce = wan_pce(y->place->service);
    struct pce_pcc_info info;
    return pce_pcc_info(pce, pce_find_pcc(pce, address), &info) && info.state == PCE_PCC_READY;
}

static const struct lsp *
find(struct scenery *y, const char *address, const char *name)
{
    struct pce *pce = wan_pce(y->place->service);
    return lsp_db_find_name(pce_lsps(pce), pce_find_pcc(pce, address), name, strlen(name));
}

#define INVENTED(name, id, address)                                                                \
    "{'name': '" name "', 'site': 's', 'platform': 'frr', 'router-id': '" id                       \
    "', 'management-address': '" address "'}"

/* ---- Whose an address is ---- */

/* The victim has no session, and never had one. */
static void
who_says_that_a_path_begins_at_a_router_of_the_inventory_is_not_believed(void **state)
{
    struct scenery *y = *state;
    tell(y->place, "model.put",
         "{'tieline-wan:wan': {'router': [" INVENTED("victim", "127.1.0.2", "127.1.9.2") "]}}");
    set(y, "pcep: {listen: \"127.0.0.1:0\"}\n");
    SIMULATE(y, "--pccs", "1", "--lsps", "1", "--lie", "foreign");
    RUN_UNTIL(y->place->scene->loop, is_raised(y, "address/127.1.0.1", "foreign-end-point"));
    assert_null(find(y, "127.1.0.1", "stolen"));
    assert_non_null(find(y, "127.1.0.1", "pcc0-lsp1"));
}

static void
nor_is_who_takes_the_address_of_one_that_only_the_network_knows(void **state)
{
    struct scenery *y = *state;
    set(y, "pcep: {listen: \"127.0.0.1:0\"}\n");
    const struct ted_node_record victim = {
        .id = ospf_id(9), .told = TED_BIT(TED_ROUTER_ID), .router_id = {4, {127, 1, 0, 2}}};
    assert_ok(ted_put_node(y->place->service->ted, y->place->source, &victim, clock_monotonic()));
    wan_commit(y->place->service);
    SIMULATE(y, "--pccs", "1", "--lsps", "1", "--lie", "foreign");
    RUN_UNTIL(y->place->scene->loop, is_raised(y, "address/127.1.0.1", "foreign-end-point"));
    assert_null(find(y, "127.1.0.1", "stolen"));
}

static void
what_nobody_knows_is_believed(void **state)
{
    struct scenery *y = *state;
    set(y, "pcep: {listen: \"127.0.0.1:0\"}\n");
    SIMULATE(y, "--pccs", "1", "--lsps", "1", "--lie", "foreign");
    RUN_UNTIL(y->place->scene->loop, find(y, "127.1.0.1", "stolen"));
}

static void
a_router_owns_what_inventory_and_network_say_wherever_it_comes_from(void **state)
{
    struct scenery *y = *state;
    const struct te_address id = {4, {10, 255, 0, 1}}, other = {4, {10, 255, 0, 2}},
                            interface = ospf_link(1, 2, 0).id.local_address,
                            nobody = {4, {192, 0, 2, 77}};
    char text[WAN_ADDRESS_TEXT];
    set(y, "pcep: {listen: \"127.0.0.1:0\"}\n");
    assert_true(wan_owns(y->place->service, "127.0.0.1", &id)); /* its management address */
    assert_true(wan_owns(y->place->service, "127.0.0.1", &interface));
    assert_true(wan_owns(y->place->service, "10.255.0.1", &interface));
    assert_true(wan_owns(y->place->service, wan_address_text(&interface, text), &id));
    assert_true(wan_owns(y->place->service, "127.0.0.1", &nobody));
    assert_false(wan_owns(y->place->service, "127.0.0.1", &other));
    assert_false(wan_owns(y->place->service, "10.255.0.2", &interface));
    assert_false(wan_owns(y->place->service, "192.0.2.77", &id));
}

/* ---- Who may come ---- */

static void
with_admit_inventory_only_who_is_in_it_has_a_session(void **state)
{
    struct scenery *y = *state;
    tell(y->place, "model.put",
         "{'tieline-wan:wan': {'router': [" INVENTED("known", "10.255.0.5", "127.1.0.1") "]}}");
    set(y, "pcep: {listen: \"127.0.0.1:0\", admit: inventory}\n");
    SIMULATE(y, "--pccs", "2", "--lsps", "1");
    RUN_UNTIL(y->place->scene->loop,
              is_ready(y, "127.1.0.1") && is_raised(y, "address/127.1.0.2", "not-admitted"));
    assert_false(is_ready(y, "127.1.0.2"));
}

/* ---- Again ---- */

static enum err
resync(struct scenery *y, const char *router, json_t **answer)
{
    return ask(y->place, "wan.resync", json_pack("{ss ss}", "actor", "olga", "router", router),
               answer);
}

static uint64_t
n_reports(struct scenery *y)
{
    struct pce *pce = wan_pce(y->place->service);
    struct pce_pcc_info info;
    return pce_pcc_info(pce, pce_find_pcc(pce, "127.1.0.1"), &info) ? info.reports : 0;
}

static void
a_router_is_asked_to_report_again_by_name_or_address(void **state)
{
    struct scenery *y = *state;
    json_t *answer;
    tell(y->place, "model.put",
         "{'tieline-wan:wan': {'router': [" INVENTED("known", "10.255.0.5", "127.1.0.1") "]}}");
    set(y, "pcep: {listen: \"127.0.0.1:0\"}\n");
    SIMULATE(y, "--pccs", "1", "--lsps", "3");
    RUN_UNTIL(y->place->scene->loop, is_ready(y, "127.1.0.1"));
    assert_int_equal(n_reports(y), 4); /* and the end */
    assert_ok(resync(y, "known", &answer));
    assert_int_equal(json_integer_value(json_object_get(answer, "lsps")), 3);
    json_decref(answer);
    RUN_UNTIL(y->place->scene->loop, n_reports(y) == 8 && is_ready(y, "127.1.0.1"));
    assert_ok(resync(y, "127.1.0.1", NULL));
    RUN_UNTIL(y->place->scene->loop, n_reports(y) == 12 && is_ready(y, "127.1.0.1"));
}

static void
who_is_not_there_is_not_asked(void **state)
{
    struct scenery *y = *state;
    assert_err(resync(y, "r1", NULL), ERR_CLOSED); /* nobody listens */
    set(y, "pcep: {listen: \"127.0.0.1:0\"}\n");
    assert_err(resync(y, "r1", NULL), ERR_CLOSED); /* it has no session */
    assert_err(resync(y, "r99", NULL), ERR_NOT_FOUND);
    assert_err(ask(y->place, "wan.resync", json_pack("{ss}", "actor", "olga"), NULL), ERR_INVALID);
}

#define Y(test) cmocka_unit_test_setup_teardown(test, set_up_scenery, tear_down_scenery)

TEST_MAIN(Y(who_says_that_a_path_begins_at_a_router_of_the_inventory_is_not_believed),
          Y(nor_is_who_takes_the_address_of_one_that_only_the_network_knows),
          Y(what_nobody_knows_is_believed),
          Y(a_router_owns_what_inventory_and_network_say_wherever_it_comes_from),
          Y(with_admit_inventory_only_who_is_in_it_has_a_session),
          Y(a_router_is_asked_to_report_again_by_name_or_address), Y(who_is_not_there_is_not_asked))
