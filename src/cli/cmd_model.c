/* What every kind of object has: list, show, put, remove. */
#include "cli/cmd.h"

#include "cli/cli_problem.h"

#include <stdlib.h>

static const struct column site_columns[] = {
    {"NAME", "name", AS_TEXT, NULL},
    {"KIND", "kind", AS_TEXT, NULL},
    {"DESCRIPTION", "description", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
const struct kind kind_site = {"site", "sites", site_columns, NULL};

static void
put_count(struct buf *out, const json_t *list, bool utc UNUSED)
{
    if (json_is_array(list))
        buf_printf(out, "%zu", json_array_size(list));
}

/* {flows, groups, meters} as one number. */
static void
put_sum(struct buf *out, const json_t *rules, bool utc)
{
    const char *key;
    json_t *count;
    json_int_t sum = 0;
    json_object_foreach((json_t *)(uintptr_t)rules, key, count) sum += json_integer_value(count);
    if (json_is_object(rules))
        buf_printf(out, "%" JSON_INTEGER_FORMAT, sum);
    else
        text_put_value(out, rules, AS_TEXT, utc);
}

static const struct column node_columns[] = {
    {"NAME", "name", AS_TEXT, NULL},
    {"SITE", "site", AS_TEXT, NULL},
    {"KIND", "kind", AS_TEXT, NULL},
    {"STATE", "live.state", AS_TEXT, NULL},
    {"SINCE", "live.since", AS_TIME, NULL},
    {"IN SYNC", "live.in-sync", AS_YES, NULL},
    {">RULES", "live.rules", AS_TEXT, put_sum},
    {">LATENCY", "live.latency-us", AS_USEC, NULL},
    {"ADDRESS", "live.address|management-address", AS_TEXT, NULL},
    {">PORTS", "port", AS_TEXT, put_count},
    {"REASON", "live.reason", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
static const struct column node_fields[] = {
    {"name", "name", AS_TEXT, NULL},
    {"site", "site", AS_TEXT, NULL},
    {"kind", "kind", AS_TEXT, NULL},
    {"description", "description", AS_TEXT, NULL},
    {"datapath id", "datapath-id", AS_TEXT, NULL},
    {"management", "management-address", AS_TEXT, NULL},
    {"probe", "probe", AS_YES, NULL},
    {"state", "live.state", AS_TEXT, NULL},
    {"since", "live.since", AS_TIME, NULL},
    {"reason", "live.reason", AS_TEXT, NULL},
    {"connected from", "live.address", AS_TEXT, NULL},
    {"software", "live.software", AS_TEXT, NULL},
    {"rules", "live.rules", AS_TEXT, NULL},
    {"in sync", "live.in-sync", AS_YES, NULL},
    {"latency", "live.latency-us", AS_USEC, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
const struct kind kind_node = {"node", "nodes", node_columns, node_fields};

static void
put_end(struct buf *out, const json_t *end, bool utc)
{
    text_put_value(out, json_object_get(end, "node"), AS_TEXT, utc);
    buf_str(out, " port ");
    text_put_value(out, json_object_get(end, "port"), AS_TEXT, utc);
}

static const struct column link_columns[] = {
    {"NAME", "name", AS_TEXT, NULL},
    {"A", "a", AS_TEXT, put_end},
    {"B", "b", AS_TEXT, put_end},
    {">DELAY", "delay-us", AS_USEC, NULL},
    {">CAPACITY", "capacity-kbps", AS_KBPS, NULL},
    {"STATE", "live.state", AS_TEXT, NULL},
    {"SEEN", "live.seen", AS_TIME, NULL},
    {"REASON", "live.reason", AS_TEXT, NULL},
    {"SHARED RISKS", "shared-risks", AS_TEXT, NULL},
    {"TUNNEL", "tunnel", AS_TEXT, NULL},
    {"VPN", "vpn", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
const struct kind kind_link = {"link", "links", link_columns, link_columns};

static const struct column host_columns[] = {
    {"NAME", "name", AS_TEXT, NULL}, {"MAC", "mac", AS_TEXT, NULL},
    {"IPV4", "ipv4", AS_TEXT, NULL}, {"GATEWAY", "gateway", AS_TEXT, NULL},
    {"NODE", "node", AS_TEXT, NULL}, {">PORT", "port", AS_TEXT, NULL},
    {"IED", "ied", AS_TEXT, NULL},   {"DESCRIPTION", "description", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
const struct kind kind_host = {"host", "hosts", host_columns, NULL};

static const struct column router_columns[] = {
    {"NAME", "name", AS_TEXT, NULL},
    {"SITE", "site", AS_TEXT, NULL},
    {"ROUTER ID", "router-id", AS_TEXT, NULL},
    {"PLATFORM", "platform", AS_TEXT, NULL},
    {"MANAGEMENT", "management-address", AS_TEXT, NULL},
    {"DESCRIPTION", "description", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
const struct kind kind_router = {"router", "routers", router_columns, NULL};

static const struct column tunnel_columns[] = {
    {"NAME", "name", AS_TEXT, NULL},
    {"HEAD", "head", AS_TEXT, NULL},
    {"TAIL", "tail", AS_TEXT, NULL},
    {">RATE", "rate-kbps", AS_KBPS, NULL},
    {">LATENCY", "max-latency-us", AS_USEC, NULL},
    {">PRIORITY", "setup-priority", AS_TEXT, NULL},
    {"PROTECTION", "protection", AS_TEXT, NULL},
    {"STATE", "status.phase", AS_TEXT, NULL},
    {"PATH", "status.primary.routers", AS_PATH, NULL},
    {"CIRCUITS", "status.circuits", AS_TEXT, NULL},
    {"DESCRIPTION", "description", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
const struct kind kind_tunnel = {"tunnel", "tunnels", tunnel_columns, NULL};

static const struct column vpn_columns[] = {
    {"NAME", "name", AS_TEXT, NULL},
    {"STATE", "status.phase", AS_TEXT, NULL},
    {">VERSION", "status.version", AS_TEXT, NULL},
    {">ORDER", "status.order", AS_TEXT, NULL},
    {"SINCE", "status.since", AS_TIME, NULL},
    {"DESCRIPTION", "description", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
const struct kind kind_vpn = {"vpn", "vpns", vpn_columns, NULL};

static const struct column port_columns[] = {
    {">PORT", "number", AS_TEXT, NULL},
    {"NAME", "name", AS_TEXT, NULL},
    {"UP", "up", AS_YES, NULL},
    {"LIVE", "live", AS_YES, NULL},
    {"REASON", "said.reason", AS_TEXT, NULL},
    {">SPEED", "speed-kbps", AS_KBPS, NULL},
    {"LINK", "link", AS_TEXT, NULL},
    {"HOST", "host", AS_TEXT, NULL},
    {"DESCRIPTION", "description", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static const struct kind *
kind_of(const struct cli *cli)
{
    return cli->args.verb->data;
}

static void
put_names(struct cli *cli, const json_t *objects)
{
    size_t i;
    const json_t *object;
    json_array_foreach(objects, i, object)
    {
        text_put(&cli->out, text_of(object, "name"), false);
        buf_str(&cli->out, "\n");
    }
}

/* Links that were seen and that nobody stated. */
static void
put_unexpected(struct cli *cli, const json_t *unexpected)
{
    size_t i;
    const json_t *link;
    json_array_foreach(unexpected, i, link)
    {
        buf_str(&cli->out, "not in the inventory: ");
        text_put_value(&cli->out, link, AS_TEXT, cli->utc);
        buf_str(&cli->out, "\n");
    }
}

static void
put_list(struct cli *cli, const json_t *document, const json_t *objects)
{
    const json_t *live = json_object_get(document, "live");
    table_put_array(&cli->out, objects, kind_of(cli)->list, cli->utc);
    put_unexpected(cli, json_object_get(document, "unexpected"));
    if (json_is_false(json_object_get(live, "ok"))) {
        buf_str(&cli->out, "how they are now is not known: ");
        text_put(&cli->out, text_of(live, "why"), false);
        buf_str(&cli->out, "\n");
    }
}

int
cmd_list(struct cli *cli)
{
    const struct kind *kind = kind_of(cli);
    const json_t *document;
    int status = cli_get(cli, http_path(kind->plural, NULL), &document);
    if (status || cli_json(cli))
        return status;
    const json_t *objects = json_object_get(document, kind->plural);
    if (cli_has(cli, "names"))
        put_names(cli, objects);
    else
        put_list(cli, document, objects);
    return CLI_OK;
}

int
cmd_show(struct cli *cli)
{
    const struct kind *kind = kind_of(cli);
    const json_t *object;
    int status = cli_get(cli, http_path(kind->plural, cli_argument(cli, 0), NULL), &object);
    if (status || cli_json(cli))
        return status;
    if (!kind->show) {
        tree_put(&cli->out, object, 0);
        return CLI_OK;
    }
    fields_put(&cli->out, object, kind->show, cli->utc);
    const json_t *ports = text_member(object, "live.ports|port");
    if (json_array_size(ports)) {
        buf_str(&cli->out, "\n");
        table_put_array(&cli->out, ports, port_columns, cli->utc);
    }
    return CLI_OK;
}

static int
put_file(struct cli *cli, bool fresh)
{
    const struct kind *kind = kind_of(cli);
    const char *file = cli_option(cli, "file");
    json_t *objects;
    if (!file)
        return cli_fail(cli, CLI_USAGE, "%s %s needs -f FILE", kind->word, cli->args.verb->verb);
    int status = document_read(cli, kind, file, &objects);
    if (status)
        return status;
    status = document_put(cli, kind, objects, fresh, false);
    json_decref(objects);
    return status;
}

int
cmd_put(struct cli *cli)
{
    return put_file(cli, false);
}

int
cmd_create(struct cli *cli)
{
    return put_file(cli, true);
}

int
cmd_remove(struct cli *cli)
{
    const struct kind *kind = kind_of(cli);
    const char *name = cli_argument(cli, 0);
    const json_t *document;
    int status = cli_call(cli, "DELETE", http_path(kind->plural, name, NULL), NULL, &document);
    return status ? status : cli_done(cli, "%s %s is removed", kind->word, name);
}
