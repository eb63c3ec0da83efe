/* lan_scale - how long pushes take in a network that has many circuits already. Switches of our own
 * without packet workers, in this process: so what is measured is both sides, on one core.
 *
 * usage: lan_scale [CIRCUITS] */
#include "switch.h"

#define SINGLES 50

static uint32_t n_circuits = 1000;

static int
by_time(const void *a, const void *b)
{
    const nsec_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static double cpu_before;

static double
cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
print_time(const char *what, nsec_t since)
{
    printf("%-45s %8.1f ms, of the processor %8.1f ms\n", what,
           (double)(clock_monotonic() - since) / 1e6, cpu_ms() - cpu_before);
    fflush(stdout);
    cpu_before = cpu_ms();
}

static void
name_circuit(uint32_t i, char name[32])
{
    snprintf(name, 32, "c%u", i);
}

static void
add_circuit(struct network *net, uint32_t i)
{
    static const char *const servers[] = {"rtu-a", "rtu-b", "relay-a1", "relay-b1", "eng-a"};
    char name[32];
    name_circuit(i, name);
    struct circuit *c = test_tcp(net, name, i % 2 ? "fep" : "hist",
                                 servers[i % ARRAY_SIZE(servers)], (uint16_t)(1000 + i));
    c->rate_kbps = 8;
}

static struct answer
push(struct centre *s, uint32_t first, uint32_t n)
{
    json_t *names = json_array();
    char name[32];
    for (uint32_t i = first; i < first + n; i++) {
        name_circuit(i, name);
        json_array_append_new(names, json_string(name));
    }
    uint32_t before = s->n_notes;
    name_circuit(first, name);
    centre_append(s, "circuit.wanted", name, json_pack("{si sO}", "order", 1, "circuits", names));
    RUN_UNTIL(s->loop, centre_event_since(s, before, "circuit.wanted", name));
    struct answer a = centre_ask(s, "lan.push", json_pack("{so}", "circuits", names));
    if (a.err)
        fail_msg("%s", a.text);
    return a;
}

static void
pushes_into_a_full_network(void **state UNUSED)
{
    struct network *net = test_lab();
    for (uint32_t i = 0; i < n_circuits + 2 * SINGLES; i++)
        add_circuit(net, i);
    struct centre *s = centre_new(net);
    struct plant *plant = plant_new(s);
    char name[32];
    centre_start_controller(s);
    plant_build(plant);
    nsec_t start = clock_monotonic();
    for (uint32_t i = 0; i < n_circuits + 2 * SINGLES; i++) {
        name_circuit(i, name);
        struct diag diag = {""};
        struct design *d;
        if (designer_add(s->designer, network_circuit(net, name), &d, &diag))
            fail_msg("%s: %s", name, diag.text);
        centre_append(s, "circuit.reserved", "work/1",
                      json_pack("{si s[o]}", "order", 1, "designs", design_to_json(d)));
        design_free(d);
    }
    RUN_UNTIL(s->loop, network_design(net, name));
    print_time("designed and reserved", start);
    start = clock_monotonic();
    struct answer a = push(s, 0, n_circuits);
    print_time("all in one push", start);
    printf("# %lld rules\n", (long long)json_integer_value(json_object_get(a.value, "rules")));
    answer_fini(&a);
    for (uint32_t i = 0; i < plant->n_switches; i++)
        printf("# %s: %u flows\n", plant->switches[i]->name, sw_count_flows(plant->switches[i]));

    nsec_t times[SINGLES], all = clock_monotonic();
    for (uint32_t i = 0; i < SINGLES; i++) {
        start = clock_monotonic();
        a = push(s, n_circuits + i, 1);
        times[i] = clock_monotonic() - start;
        answer_fini(&a);
    }
    qsort(times, SINGLES, sizeof *times, by_time);
    print_time("fifty more, one by one", all);
    printf("# of one of them: median %.1f ms, worst %.1f ms\n", (double)times[SINGLES / 2] / 1e6,
           (double)times[SINGLES - 1] / 1e6);

    struct answer answers[SINGLES];
    start = clock_monotonic();
    for (uint32_t i = 0; i < SINGLES; i++) {
        name_circuit(n_circuits + SINGLES + i, name);
        centre_append(s, "circuit.wanted", name,
                      json_pack("{si s[s]}", "order", 1, "circuits", name));
    }
    RUN_UNTIL(s->loop, centre_event(s, "circuit.wanted", name));
    for (uint32_t i = 0; i < SINGLES; i++) {
        name_circuit(n_circuits + SINGLES + i, name);
        centre_request(s, "lan.push", json_pack("{s[s]}", "circuits", name), &answers[i]);
    }
    for (uint32_t i = 0; i < SINGLES; i++) {
        RUN_UNTIL(s->loop, answers[i].done);
        assert_ok(answers[i].err);
        answer_fini(&answers[i]);
    }
    print_time("fifty more, all at once", start);
    start = clock_monotonic();
    a = centre_ask(s, "lan.readback", json_object());
    assert_true(json_is_true(json_object_get(a.value, "ok")));
    answer_fini(&a);
    print_time("all nodes read back", start);
    start = clock_monotonic();
    centre_stop_controller(s);
    uint32_t before = s->n_notes;
    centre_start_controller(s);
    print_time("the controller starts again", start);
    for (uint32_t i = 0; i < plant->n_switches; i++)
        sw_connect(plant->switches[i]);
    for (uint32_t i = 0; i < plant->n_switches; i++) {
        char object[128];
        snprintf(object, sizeof object, "node/%s", plant->switches[i]->name);
        RUN_UNTIL(s->loop, centre_event_since(s, before, "node.adopted", object));
    }
    print_time("... and has adopted everybody", start);
    plant_free(plant);
    centre_free(s);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pushes_into_a_full_network)};
    if (argc > 1)
        n_circuits = (uint32_t)strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
