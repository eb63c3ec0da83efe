/* Circuits: what they are, how they are laid out, and the orders that build them. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "engineer/compile.h"
#include "io/jsontext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
circuit_put_service(struct buf *out, const json_t *circuit, bool utc)
{
    static const char *const members[] = {"ip.protocol|multicast.application",
                                          "ip.server-ports|multicast.appid"};
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        const json_t *value = text_member(circuit, members[i]);
        if (value && i)
            buf_str(out, " ");
        text_put_value(out, value, AS_TEXT, utc);
    }
}

/* "carry-we by west > n1 > east, 9 ms" */
static void
put_carriers(struct buf *out, const json_t *circuit, bool utc)
{
    const json_t *carriers = text_member(circuit, "status.carriers"), *carrier;
    size_t i;
    json_array_foreach(carriers, i, carrier)
    {
        buf_str(out, i ? "; " : "");
        text_put(out, text_of(carrier, "tunnel"), false);
        if (!text_member(carrier, "primary"))
            continue;
        buf_str(out, " by ");
        text_put_value(out, text_member(carrier, "primary.routers"), AS_PATH, utc);
        buf_str(out, ", ");
        text_put_value(out, text_member(carrier, "primary.latency-us"), AS_USEC, utc);
    }
}

#define FROM "ip.client|multicast.publisher"
#define TO "ip.server|multicast.subscribers"
#define PRIMARY "status.design.primary.links"
#define FAILOVER "status.design.failover.links"

static const struct column circuit_columns[] = {
    {"NAME", "name", AS_TEXT, NULL},
    {"FROM", FROM, AS_TEXT, NULL},
    {"TO", TO, AS_TEXT, NULL},
    {"SERVICE", NULL, AS_TEXT, circuit_put_service},
    {"CLASS", "service-class", AS_TEXT, NULL},
    {">RATE", "rate-kbps", AS_KBPS, NULL},
    {"PHASE", "status.phase", AS_TEXT, NULL},
    {">LATENCY", "measured", AS_NSEC, NULL}, /* add_latencies() puts it there */
    {"PATH", PRIMARY, AS_PATH, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static const struct column circuit_fields[] = {
    {"name", "name", AS_TEXT, NULL},
    {"description", "description", AS_TEXT, NULL},
    {"from", FROM, AS_TEXT, NULL},
    {"to", TO, AS_TEXT, NULL},
    {"service", NULL, AS_TEXT, circuit_put_service},
    {"address", "multicast.mac", AS_TEXT, NULL},
    {"VLAN", "multicast.vlan-id", AS_TEXT, NULL},
    {"client port", "ip.client-port", AS_TEXT, NULL},
    {"class", "service-class", AS_TEXT, NULL},
    {"rate", "rate-kbps", AS_KBPS, NULL},
    {"burst, octets", "burst-octets", AS_TEXT, NULL},
    {"latency budget", "max-latency-us", AS_USEC, NULL},
    {"max asymmetry", "max-asymmetry-us", AS_USEC, NULL},
    {"window start", "window.start", AS_TIME, NULL},
    {"window end", "window.end", AS_TIME, NULL},
    {"phase", "status.phase", AS_TEXT, NULL},
    {"since", "status.since", AS_TIME, NULL},
    {"order", "status.order", AS_TEXT, NULL},
    {"built in", "status.build-time-ns", AS_NSEC, NULL},
    {"number", "status.design.number", AS_TEXT, NULL},
    {"primary path", PRIMARY, AS_PATH, NULL},
    {"failover path", FAILOVER, AS_PATH, NULL},
    {"apart", "status.design.disjoint", AS_TEXT, NULL},
    {"over the WAN", NULL, AS_TEXT, put_carriers},
    {"asked for", "protection", AS_TEXT, NULL},
    {"shared links", "status.design.shared-links", AS_TEXT, NULL},
    {"shared nodes", "status.design.shared-nodes", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
const struct kind kind_circuit = {"circuit", "circuits", circuit_columns, circuit_fields};

/* ---- list --------------------------------------------------------------------------------------
 */

/* The latest median on the primary path forward; of several receivers the longest. */
static const json_t *
median_of(const json_t *assured)
{
    size_t i, j;
    const json_t *path, *end, *longest = NULL;
    json_array_foreach(json_object_get(assured, "paths"), i, path)
    {
        json_array_foreach(json_object_get(path, "ends"), j, end)
        {
            const json_t *median = text_member(end, "latency-p50-ns|fingerprint-p50-ns");
            if (strcmp(text_of(path, "path"), "primary") != 0 ||
                strcmp(text_of(end, "direction"), "forward") != 0)
                continue;
            if (json_integer_value(median) > json_integer_value(longest))
                longest = median;
        }
    }
    return longest;
}

/* Gives each circuit its latest measurement as a member "measured". */
static void
add_latencies(struct cli *cli, const json_t *circuits)
{
    json_t *assurance, *circuit, *by_name;
    const json_t *item;
    size_t i;
    if (!json_array_size(circuits) || cli_look(cli, http_path("assurance", NULL), &assurance))
        return;
    by_name = json_object();
    json_array_foreach(json_object_get(assurance, "circuits"), i, item)
    {
        const json_t *median = median_of(item);
        const char *name = text_of(item, "circuit");
        if (median && *name)
            json_object_set(by_name, name, (json_t *)(uintptr_t)median);
    }
    json_array_foreach(circuits, i, circuit)
    {
        json_t *median = json_object_get(by_name, text_of(circuit, "name"));
        if (median)
            json_object_set(circuit, "measured", median);
    }
    json_decref(by_name);
    json_decref(assurance);
}

static json_t *
of_phase(const json_t *circuits, const char *phase)
{
    json_t *chosen = json_array(), *circuit;
    size_t i;
    json_array_foreach(circuits, i, circuit)
    {
        if (!phase || !strcmp(text_of(circuit, "status.phase"), phase))
            json_array_append(chosen, circuit);
    }
    return chosen;
}

int
cmd_circuit_list(struct cli *cli)
{
    const json_t *document;
    if (cli->json || cli_has(cli, "names"))
        return cmd_list(cli);
    int status = cli_get(cli, http_path("circuits", NULL), &document);
    if (status)
        return status;
    json_t *chosen = of_phase(json_object_get(document, "circuits"), cli_option(cli, "phase"));
    add_latencies(cli, chosen);
    table_put_array(&cli->out, chosen, circuit_columns, cli->utc);
    json_decref(chosen);
    return CLI_OK;
}

/* ---- show --------------------------------------------------------------------------------------
 */

static const struct {
    enum rule_role role;
    const char *words;
} role_words[] = {
    {ROLE_FORWARD, "forward"},
    {ROLE_BACKWARD, "back"},
    {ROLE_ARP, "address resolution"},
    {ROLE_TEST, "tests"},
};

/* The cookie in a flow's text, "cookie=0x..."; 0: none. */
static uint64_t
cookie_of(const json_t *flow)
{
    const char *text = json_is_string(flow) ? json_string_value(flow) : text_of(flow, "text");
    const char *at = strstr(text, "cookie=");
    return at ? strtoull(at + strlen("cookie="), NULL, 0) : 0;
}

static void
put_node_rules(struct cli *cli, const char *node, uint32_t number)
{
    json_t *rules;
    const json_t *flow;
    size_t i, n = 0, counts[ARRAY_SIZE(role_words)] = {0};
    json_int_t packets = 0;
    char *path = http_path("nodes", node, "rules", NULL);
    http_query(&path, "what", "observed");
    if (cli_look(cli, path, &rules))
        return;
    json_array_foreach(json_object_get(rules, "flows"), i, flow)
    {
        uint64_t cookie = cookie_of(flow);
        if (cookie_number(cookie) != number)
            continue;
        n++;
        packets += json_integer_value(json_object_get(flow, "packets"));
        for (size_t r = 0; r < ARRAY_SIZE(role_words); r++)
            counts[r] += (uint32_t)cookie == (uint32_t)role_words[r].role;
    }
    json_decref(rules);
    if (!n)
        return;
    buf_str(&cli->out, "  ");
    text_put(&cli->out, node, false);
    buf_printf(&cli->out, ": %zu rules:", n);
    const char *between = " ";
    for (size_t r = 0; r < ARRAY_SIZE(role_words); r++) {
        if (counts[r])
            buf_printf(&cli->out, "%s%zu %s", between, counts[r], role_words[r].words);
        between = counts[r] ? ", " : between;
    }
    buf_printf(&cli->out, "; %" JSON_INTEGER_FORMAT " packets so far\n", packets);
}

/* All nodes at an end of these links, in their order, once each. */
static void
add_nodes(const json_t *links, const json_t *names, json_t *nodes)
{
    static const char *const ends[] = {"a.node", "b.node"};
    size_t i, j;
    const json_t *name, *link;
    json_array_foreach(names, i, name)
    {
        json_array_foreach(links, j, link)
        {
            if (!json_equal(json_object_get(link, "name"), (json_t *)(uintptr_t)name))
                continue;
            for (size_t e = 0; e < ARRAY_SIZE(ends); e++)
                json_object_set_new(nodes, text_of(link, ends[e]), json_true());
        }
    }
}

static void
put_rules(struct cli *cli, const json_t *circuit)
{
    json_t *links, *nodes = json_object(), *value, *host = NULL;
    const char *node;
    const json_t *number = text_member(circuit, "status.design.number");
    const char *from = text_of(circuit, FROM);
    if (number && *from && !cli_look(cli, http_path("hosts", from, NULL), &host))
        json_object_set_new(nodes, text_of(host, "node"), json_true());
    if (number && !cli_look(cli, http_path("links", NULL), &links)) {
        const json_t *all = json_object_get(links, "links");
        add_nodes(all, text_member(circuit, PRIMARY), nodes);
        add_nodes(all, text_member(circuit, FAILOVER), nodes);
        json_decref(links);
    }
    size_t at = cli->out.size;
    json_object_foreach(nodes, node, value)
        put_node_rules(cli, node, (uint32_t)json_integer_value(number));
    if (cli->out.size == at && number)
        buf_str(&cli->out, "  no rules in the nodes\n");
    json_decref(host);
    json_decref(nodes);
}

int
cmd_circuit_show(struct cli *cli)
{
    const json_t *circuit;
    int status = cli_get(cli, http_path("circuits", cli_argument(cli, 0), NULL), &circuit);
    if (status || cli_json(cli))
        return status;
    fields_put(&cli->out, circuit, circuit_fields, cli->utc);
    if (text_member(circuit, "status.design.number"))
        buf_str(&cli->out, "rules in the nodes\n");
    put_rules(cli, circuit);
    return CLI_OK;
}

/* ---- build and teardown ------------------------------------------------------------------------
 */

static int
add_names_of_file(struct cli *cli, const char *path, json_t *names)
{
    struct buf text;
    int status = cli_read_file(cli, path, &text);
    if (status)
        return status;
    for (char *save, *line = strtok_r((char *)(uintptr_t)buf_cstr(&text), " \t\r\n", &save); line;
         line = strtok_r(NULL, " \t\r\n", &save))
        json_array_append_new(names, jsontext_string(line));
    buf_fini(&text);
    return CLI_OK;
}

/* An order for circuits, or tunnels: "circuit-turn-up", "tunnel-teardown". */
static int
order_for_names(struct cli *cli, const char *what)
{
    const struct kind *kind = cli->args.verb->data;
    json_t *names = json_array();
    int status = CLI_OK;
    for (size_t i = 0; i < cli->args.n_arguments; i++)
        json_array_append_new(names, jsontext_string(cli_argument(cli, i)));
    if (cli_option(cli, "file"))
        status = add_names_of_file(cli, cli_option(cli, "file"), names);
    if (!status && !json_array_size(names))
        status = cli_fail(cli, CLI_USAGE, "which %s? NAME... or --file LIST", kind->plural);
    if (!status) {
        char *workflow = xasprintf("%s-%s", kind->word, what);
        status = work_order(cli, workflow, json_pack("{s:O}", kind->plural, names));
        free(workflow);
    }
    json_decref(names);
    return status;
}

int
cmd_build(struct cli *cli)
{
    return order_for_names(cli, "turn-up");
}

int
cmd_teardown(struct cli *cli)
{
    return order_for_names(cli, "teardown");
}
