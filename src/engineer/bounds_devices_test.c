#include "engineer/bounds_devices.h"
#include "engineer/testing_plan.h"

/* What the devices say, in one place for all nodes. */
struct seen {
    const char *port; /* a port's row but for its number; NULL: agents say nothing */
    json_t *queues;   /* the answer made of it */
    uint32_t interface_kbps;
    const struct plan *plan; /* what they hold; NULL: not connected */
    const char *ours;        /* the node that is; NULL: all are */
};

static bool
is_ours(void *arg, const struct node *node)
{
    return !strcmp(((struct seen *)arg)->ours, node->name);
}

static const json_t *
queues_of(void *arg, const struct node *node)
{
    struct seen *seen = arg;
    json_decref(seen->queues);
    seen->queues = NULL;
    if (!seen->port)
        return NULL;
    json_t *ports = json_array();
    for (uint32_t i = 0; i < node->n_ports; i++) {
        json_t *row = json_loads(seen->port, 0, NULL);
        assert_non_null(row);
        json_object_set_new(row, "number", json_integer(node->ports[i].number));
        json_array_append_new(ports, row);
    }
    return seen->queues = json_pack("{s:o}", "ports", ports);
}

static uint32_t
interface_of(void *arg, const struct node *node UNUSED, uint32_t port UNUSED)
{
    return ((struct seen *)arg)->interface_kbps;
}

static const struct ruleset *
rules_of(void *arg, const struct node *node)
{
    const struct seen *seen = arg;
    return seen->plan ? plan_ruleset(seen->plan, node->name) : NULL;
}

/* Three nodes in a row, all links and hosts' ports of 100 Mbit/s. */
static struct network *
row_of_nodes(void)
{
    struct network *net = network_new();
    test_link(net, "a1", "a2", 5, 100000);
    test_link(net, "a2", "a3", 5, 100000);
    test_host(net, "fep", "a1", 16, 17);
    test_host(net, "rtu", "a3", 16, 18);
    test_tcp(net, "scada", "fep", "rtu", 502);
    design_all(net);
    return net;
}

static json_t *
check(const struct network *net, struct seen *seen)
{
    const struct bounds_devices devices = {seen->ours ? is_ours : NULL, queues_of, interface_of,
                                           rules_of, seen};
    struct bounds *bounds;
    struct diag why = {""};
    if (bounds_new(net, &bounds_defaults, &bounds, &why))
        fail_msg("%s", why.text);
    json_t *answer = bounds_check_devices(bounds, &devices, 1000);
    bounds_free(bounds);
    json_decref(seen->queues);
    seen->queues = NULL;
    return answer;
}

static json_int_t
number(const json_t *answer, const char *member)
{
    return json_integer_value(json_object_get(answer, member));
}

static const char *
text(const json_t *row, const char *member)
{
    const char *value = json_string_value(json_object_get(row, member));
    return value ? value : "";
}

#define QUEUE(more) "{\"limit-packets\": 512, \"limit-octets\": 250000, " more "}"
#define STRICT QUEUE("\"strict\": true")
#define QUEUES(second)                                                                             \
    "\"queues\": [" STRICT "," STRICT "," STRICT "," second "," STRICT "," STRICT "," STRICT       \
    "," STRICT "]"

static void
conditions_are_judged(void **state UNUSED)
{
    static const struct {
        const char *port;
        uint32_t interface_kbps;
        const char *state, *remedy; /* of the worst condition */
    } cases[] = {
        {"{" QUEUES(STRICT) "}", 100000, "holds", ""},
        {"{\"rate-kbps\": 100000, \"burst-octets\": 3084, " QUEUES(STRICT) "}", 10000000, "holds",
         ""},
        /* Faster than the link. */
        {"{" QUEUES(STRICT) "}", 10000000, "broken", "share the port by rate=100000k,burst=3084"},
        {"{\"rate-kbps\": 200000, \"burst-octets\": 3084, " QUEUES(STRICT) "}", 10000000, "broken",
         "share the port by rate=100000k,burst=3084"},
        {"{\"rate-kbps\": 100000, \"burst-octets\": 6250, " QUEUES(STRICT) "}", 10000000, "broken",
         "share the port by rate=100000k,burst=3084"},
        /* Slower. */
        {"{" QUEUES(STRICT) "}", 10000, "broken", "share the port by rate=100000k,burst=3084"},
        /* Its queue is not the first to go. */
        {"{" QUEUES(QUEUE("\"weight\": 3")) "}", 100000, "broken",
         "share the port without weights, least and most rates"},
        {"{" QUEUES(QUEUE("\"strict\": true, \"max-kbps\": 9")) "}", 100000, "broken",
         "share the port without weights, least and most rates"},
        {"{\"queues\": [" QUEUE("\"strict\": true, \"min-kbps\": 9") "," STRICT "," STRICT
                                                                     "," STRICT "]}",
         100000, "broken", "share the port without weights, least and most rates"},
        /* It has not the room. */
        {"{" QUEUES("{\"strict\": true, \"limit-packets\": 512, \"limit-octets\": 6000}") "}",
         100000, "broken",
         "less burst in the circuits of this class, or a larger limit of the port"},
        {"{" QUEUES("{\"strict\": true, \"limit-packets\": 16}") "}", 100000, "broken",
         "less burst in the circuits of this class, or a larger limit of the port"},
        /* Nothing is said. */
        {NULL, 0, "unknown", ""},
        {NULL, 10000000, "unknown", "share the port by rate=100000k,burst=3084"},
    };
    struct network *net = row_of_nodes();
    struct plan *plan = plan_of(net);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct seen seen = {cases[i].port, NULL, cases[i].interface_kbps, plan, NULL};
        json_t *answer = check(net, &seen);
        const json_t *worst = json_array_get(json_object_get(answer, "list"), 0);
        if (strcmp(text(worst, "state"), cases[i].state) != 0 ||
            strcmp(text(worst, "remedy"), cases[i].remedy) != 0)
            fail_msg("case %zu: %s", i, json_dumps(worst, 0));
        assert_int_equal(json_is_true(json_object_get(answer, "ok")),
                         !strcmp(cases[i].state, "holds"));
        json_decref(answer);
    }
    plan_free(plan);
    network_free(net);
}

static void
meters_are_looked_for(void **state UNUSED)
{
    struct network *net = row_of_nodes(), *other = network_copy(net);
    struct circuit *c = circuit_copy(network_circuit(other, "scada"));
    struct seen seen = {"{" QUEUES(STRICT) "}", NULL, 100000, NULL, NULL};
    c->rate_kbps = 2000;
    network_put_circuit(other, c);
    struct plan *empty = plan_new(), *larger = plan_of(other);
    const struct {
        const struct plan *held;
        json_int_t broken, unknown;
        const char *seen;
    } cases[] = {
        {NULL, 0, 2, "the node is not connected"},
        {empty, 0, 2, "the node is not connected"}, /* of which the plan has no node */
        {larger, 2, 0, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        seen.plan = cases[i].held;
        json_t *answer = check(net, &seen);
        const json_t *worst = json_array_get(json_object_get(answer, "list"), 0);
        assert_int_equal(number(answer, "n-broken"), cases[i].broken);
        assert_int_equal(number(answer, "n-unknown"), cases[i].unknown);
        assert_string_equal(text(worst, "circuit"), "scada");
        if (cases[i].seen)
            assert_string_equal(text(worst, "seen"), cases[i].seen);
        else
            assert_non_null(strstr(text(worst, "seen"), "rate=2000"));
        json_decref(answer);
    }
    plan_free(empty);
    plan_free(larger);
    network_free(other);
    network_free(net);
}

/* What each controller says of its own is together what one says that has all of them. */
static void
nodes_of_others_are_counted_and_not_judged(void **state UNUSED)
{
    struct network *net = row_of_nodes();
    struct seen seen = {NULL, NULL, 0, NULL, NULL};
    json_t *all = check(net, &seen);
    json_int_t sum = 0, rows = 0;
    assert_null(json_object_get(all, "elsewhere"));
    for (const struct node *node = net->nodes; node; node = node->hh.next) {
        const struct node *other = node->hh.next ? node->hh.next : net->nodes;
        size_t i;
        json_t *row;
        seen.ours = node->name;
        json_t *own = check(net, &seen);
        json_array_foreach(json_object_get(own, "list"), i, row)
        {
            assert_string_equal(text(row, "node"), node->name);
            assert_true(json_equal(row, json_array_get(json_object_get(all, "list"), rows)));
            rows++;
        }
        sum += number(own, "n");
        assert_int_equal(number(own, "n"), number(own, "n-unknown"));
        assert_false(json_is_true(json_object_get(own, "ok")));
        const json_t *elsewhere = json_object_get(own, "elsewhere");
        assert_int_equal(json_object_size(elsewhere), HASH_COUNT(net->nodes) - 1);
        seen.ours = other->name;
        json_t *others = check(net, &seen);
        assert_int_equal(number(elsewhere, other->name), number(others, "n"));
        json_decref(others);
        json_decref(own);
    }
    assert_int_equal(sum, number(all, "n"));
    assert_int_equal(rows, number(all, "n"));
    json_decref(all);
    network_free(net);
}

/* Who has no node that anything is asked of has nothing that does not hold. */
static void
nothing_of_ours_is_no_fault_of_ours(void **state UNUSED)
{
    struct network *net = row_of_nodes();
    struct seen seen = {NULL, NULL, 0, NULL, "none"};
    json_t *own = check(net, &seen);
    assert_int_equal(number(own, "n"), 0);
    assert_true(json_is_true(json_object_get(own, "ok")));
    assert_int_equal(json_object_size(json_object_get(own, "elsewhere")), HASH_COUNT(net->nodes));
    json_decref(own);
    network_free(net);
}

TEST_MAIN(cmocka_unit_test(nodes_of_others_are_counted_and_not_judged),
          cmocka_unit_test(nothing_of_ours_is_no_fault_of_ours),
          cmocka_unit_test(conditions_are_judged), cmocka_unit_test(meters_are_looked_for))
