/* lan_ovs - the LAN service alone, with Open vSwitch as node b2 of the lab and switches of our own
 * as all others: adoption over TLS, push, read-back, drift, restart. Prints how long things took.
 *
 * usage: lan_ovs DIRECTORY-OF-OPEN-VSWITCH (ovs.sh makes one) */
#include "switch.h"

#include <stdarg.h>

static const char *ovs;

struct bench {
    struct centre *centre;
    struct plant *plant;
};

static void run(const char *format, ...) PRINTF_LIKE(1, 2);

/* A command of Open vSwitch's. */
static void
run(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *command = xvasprintf(format, args);
    va_end(args);
    if (system(command))
        fail_msg("failed: %s", command);
    free(command);
}

static void
print_time(const char *what, nsec_t since)
{
    printf("%-55s %6.1f ms\n", what, (double)(clock_monotonic() - since) / 1e6);
    fflush(stdout);
}

#define OFCTL "ovs-ofctl -O OpenFlow13 "

static void
connect_ovs(struct bench *b)
{
    struct centre *s = b->centre;
    const struct node *node = network_node(s->state->network, "b2");
    char key[TEST_PATH_SIZE], cert[TEST_PATH_SIZE], ca[TEST_PATH_SIZE];
    uint32_t before = s->n_notes;
    nsec_t start = clock_monotonic();
    run("ovs-vsctl --db=unix:%s/db.sock --timeout=20 --no-wait set-ssl %s %s %s"
        " -- set bridge br0 other-config:datapath-id=%016llx"
        " -- set-controller br0 ssl:%s"
        " -- set controller br0 connection-mode=out-of-band max_backoff=1000",
        ovs, test_path(&s->dir, "b2.key", key), test_path(&s->dir, "b2.crt", cert),
        test_path(&s->dir, "ca.crt", ca), (unsigned long long)node->datapath_id, s->address);
    RUN_UNTIL(s->loop, centre_event_since(s, before, "node.adopted", "node/b2"));
    print_time("adopted over TLS", start);
    printf("# %s\n", note_text(centre_event(s, "node.adopted", "node/b2"), "software"));
}

static int
setup(void **state)
{
    struct bench *b = xcalloc(1, sizeof *b);
    struct network *net = test_lab();
    test_tcp(net, "scada", "fep", "relay-b1", 102);
    test_tcp(net, "hist", "relay-b1", "hist", 2404);
    test_goose(net, "trip", "relay-b1", "relay-a1 rtu-b");
    test_goose(net, "block", "relay-a2", "relay-b1")->multicast.mac.octets[5] = 2;
    b->centre = centre_new(net);
    b->plant = plant_new(b->centre);
    centre_start_controller(b->centre);
    test_cert_issue(&b->centre->dir, "b2", &b->centre->ca, &(struct test_cert){.name = "b2"});
    for (const struct node *n = net->nodes; n; n = n->hh.next) {
        char object[64];
        if (!strcmp(n->name, "b2"))
            continue;
        sw_connect(sw_of_node(b->plant, n->name));
        snprintf(object, sizeof object, "node/%s", n->name);
        RUN_UNTIL(b->centre->loop, centre_event(b->centre, "node.adopted", object));
    }
    *state = b;
    return 0;
}

static int
teardown(void **state)
{
    struct bench *b = *state;
    plant_free(b->plant);
    centre_free(b->centre);
    free(b);
    return 0;
}

static void
assert_as_planned(struct bench *b)
{
    struct answer a = centre_ask(b->centre, "lan.readback", json_pack("{s[s]}", "nodes", "b2"));
    assert_ok(a.err);
    json_t *differences = json_object_get(a.value, "differences");
    if (!json_is_true(json_object_get(a.value, "ok")))
        fail_msg("%zu differences: %s", json_array_size(differences),
                 json_string_value(json_array_get(differences, 0)));
    answer_fini(&a);
}

/* Somebody changes the switch; the controller notices, tells and repairs. */
static void
drift(struct bench *b, const char *what, const char *kind, const char *command)
{
    struct centre *s = b->centre;
    uint32_t before = s->n_notes;
    nsec_t start = clock_monotonic();
    run(OFCTL "%s", command);
    RUN_UNTIL(s->loop, centre_event_since(s, before, "node.repaired", "node/b2"));
    print_time(what, start);
    assert_as_planned(b);
    RUN_UNTIL(s->loop, centre_event_since(s, before, "exception.closed", NULL) &&
                           !centre_is_open(s, kind, "node/b2"));
    const struct exception *e = centre_exception(s, kind, "node/b2");
    assert_non_null(e);
    printf("#   %s: %s\n", e->text, json_string_value(json_object_get(e->evidence, "examples")));
}

/* The age of the youngest flow, in seconds. */
static double
youngest_flow(void)
{
    char *command = xasprintf(OFCTL "dump-flows unix:%s/br0.mgmt", ovs), line[4096];
    FILE *out = popen(command, "r");
    double youngest = 1e9, age;
    assert_non_null(out);
    while (fgets(line, sizeof line, out)) {
        const char *at = strstr(line, "duration=");
        if (at && sscanf(at, "duration=%lfs", &age) == 1)
            youngest = MIN(youngest, age);
    }
    pclose(out);
    free(command);
    assert_true(youngest < 1e9);
    return youngest;
}

static void
restart(struct bench *b)
{
    struct centre *s = b->centre;
    nsec_t start = clock_monotonic();
    centre_stop_controller(s);
    uint32_t before = s->n_notes;
    centre_start_controller(s);
    for (uint32_t i = 0; i < b->plant->n_switches; i++)
        sw_connect(b->plant->switches[i]);
    RUN_UNTIL(s->loop, centre_event_since(s, before, "node.adopted", "node/b2"));
    print_time("adopted again by a controller that was restarted", start);
    struct answer a = centre_ask(s, "lan.push", json_pack("{s[s]}", "circuits", "scada"));
    while (a.err == ERR_CLOSED) { /* the other nodes are still to come */
        answer_fini(&a);
        a = centre_ask(s, "lan.push", json_pack("{s[s]}", "circuits", "scada"));
    }
    assert_ok(a.err);
    answer_fini(&a);
    assert_as_planned(b);
    assert_true(youngest_flow() > (double)(clock_monotonic() - start) / 1e9);
    assert_null(centre_event_since(s, before, "node.repaired", NULL));
}

static void
keeps_open_vswitch_as_planned(void **state)
{
    struct bench *b = *state;
    struct centre *s = b->centre;
    connect_ovs(b);
    nsec_t start = clock_monotonic();
    centre_build(s, "scada hist trip block");
    print_time("four circuits reserved, wanted, pushed, built", start);
    start = clock_monotonic();
    assert_as_planned(b);
    print_time("read back, equal", start);

    uint32_t number = network_design(s->state->network, "scada")->number;
    char command[300];
    snprintf(command, sizeof command, "del-flows unix:%s/br0.mgmt 'cookie=0x%llx/-1'", ovs,
             (unsigned long long)rule_cookie(number, ROLE_BACKWARD));
    drift(b, "rules deleted, noticed and back", "rule-missing", command);
    snprintf(command, sizeof command, "mod-flows unix:%s/br0.mgmt 'cookie=0x%llx/-1,actions=drop'",
             ovs, (unsigned long long)rule_cookie(number, ROLE_FORWARD));
    drift(b, "rules changed, noticed and restored", "rule-missing", command);
    snprintf(command, sizeof command,
             "add-flow unix:%s/br0.mgmt 'priority=5000,ip,nw_src=10.66.6.6,actions=output:2'", ovs);
    drift(b, "foreign rule, noticed and removed", "rule-foreign", command);
    snprintf(command, sizeof command,
             "add-flow unix:%s/br0.mgmt 'priority=5001,reg1=5,ip,actions=resubmit(,9)'", ovs);
    drift(b, "foreign rule without a form here, likewise", "rule-foreign", command);
    snprintf(command, sizeof command,
             "add-group unix:%s/br0.mgmt 'group_id=4000000,type=all,bucket=output:1'", ovs);
    drift(b, "foreign group, likewise", "rule-foreign", command);
    snprintf(command, sizeof command, "del-groups unix:%s/br0.mgmt", ovs);
    drift(b, "all groups deleted, and the flows with them", "rule-missing", command);
    snprintf(command, sizeof command,
             "mod-meter unix:%s/br0.mgmt meter=%u,kbps,burst,band=type=drop,rate=1,burst_size=1",
             ovs, 2 * network_design(s->state->network, "hist")->number);
    drift(b, "meter changed, noticed and restored", "rule-missing", command);
    restart(b);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_open_vswitch_as_planned, setup, teardown),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: lan_ovs DIRECTORY\n");
        return 2;
    }
    ovs = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
