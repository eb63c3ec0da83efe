/* Hundreds of circuits in one order, on the lab's inventory. */
#include "orchestrate/service_testing.h"

#define N 200

static json_t *
lab_file(const char *name)
{
    char text[65536], path[256];
    snprintf(path, sizeof path, "%s/lab/data/inventory/%s", TIELINE_SOURCE_DIR, name);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    return json_pack("{s:s, s:s}", "name", name, "text", text);
}

/* Conversations between all pairs of the lab's hosts, on one port after the other. */
static json_t *
circuits_csv(unsigned n)
{
    static const char *const hosts[] = {"fep",      "hist",  "rtu-a", "relay-a1",
                                        "relay-a2", "eng-a", "rtu-b", "relay-b1"};
    struct buf text = BUF_INIT;
    buf_str(&text, "name,client,server,protocol,server-ports,service-class,rate-kbps,protection\n");
    for (unsigned i = 0; i < n; i++) {
        unsigned from = i % ARRAY_SIZE(hosts),
                 to = (from + 1 + i / ARRAY_SIZE(hosts) % (ARRAY_SIZE(hosts) - 1)) %
                      ARRAY_SIZE(hosts);
        buf_printf(&text, "bulk-%03u,%s,%s,tcp,%u,scada,64,maximal\n", i, hosts[from], hosts[to],
                   2000 + i);
    }
    json_t *file = json_pack("{s:s, s:s}", "name", "circuits.csv", "text", buf_cstr(&text));
    buf_fini(&text);
    return file;
}

static void
set_up_lab(struct bench *b, unsigned n)
{
    json_t *report = bench_ask(
        b, "model.import",
        json_pack("{s:s, s:s, s:[o, o, o, o, o, o]}", "actor", "emma", "format", "csv", "files",
                  lab_file("sites.csv"), lab_file("nodes.csv"), lab_file("ports.csv"),
                  lab_file("links.csv"), lab_file("hosts.csv"), circuits_csv(n)));
    assert_true(json_is_true(json_object_get(report, "applied")));
    json_decref(report);
}

static char *
all_circuits(unsigned n)
{
    struct buf text = BUF_INIT;
    buf_str(&text, "{'circuits': [");
    for (unsigned i = 0; i < n; i++)
        buf_printf(&text, "%s'bulk-%03u'", i ? ", " : "", i);
    buf_str(&text, "]}");
    return buf_steal_cstr(&text);
}

static void
builds_hundreds_of_circuits_in_one_order(void **state)
{
    struct bench *b = *state;
    set_up_lab(b, N);
    char *input = all_circuits(N);
    uint32_t id = bench_submit(b, "circuit-turn-up", input);
    free(input);
    bench_approve(b, id);
    bench_run_to_end(b, id, "done");
    assert_int_equal(bench_n_asked(b, "lan.push"), N);
    assert_int_equal(json_object_size(b->nodes), N);
    assert_int_equal(HASH_COUNT(b->state->fingerprints), N);
    for (const struct circuit_status *c = b->state->circuits; c; c = c->hh.next)
        assert_phase(b, c->circuit, PHASE_ACTIVE);
}

TEST_MAIN(TEST_ON_BENCH(builds_hundreds_of_circuits_in_one_order))
