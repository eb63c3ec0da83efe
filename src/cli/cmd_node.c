/* What a node should hold and does hold. */
#include "cli/cmd.h"

#include <stdlib.h>

static const struct column rule_columns[] = {
    {"DIFFERENCE", "difference", AS_TEXT, NULL},
    {">PACKETS", "packets", AS_TEXT, NULL},
    {">OCTETS", "octets", AS_TEXT, NULL},
    {"RULE", "text", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

/* Rules come as objects, or as texts alone. */
static json_t *
as_objects(const json_t *rules)
{
    json_t *objects = json_array();
    json_t *rule;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)rules, i, rule)
    {
        if (json_is_object(rule))
            json_array_append(objects, rule);
        else
            json_array_append_new(objects, json_pack("{s:O}", "text", rule));
    }
    return objects;
}

int
cmd_node_rules(struct cli *cli)
{
    static const char *const kinds[] = {"flows", "groups", "meters"};
    static const char *const whats[] = {"planned", "observed", "difference"};
    const char *what = NULL;
    const json_t *document;
    for (size_t i = 0; i < ARRAY_SIZE(whats); i++) {
        if (cli_has(cli, whats[i]) && what)
            return cli_fail(cli, CLI_USAGE, "one of --planned, --observed and --difference");
        what = cli_has(cli, whats[i]) ? whats[i] : what;
    }
    char *path = http_path("nodes", cli_argument(cli, 0), "rules", NULL);
    http_query(&path, "what", what ? what : "observed");
    int status = cli_get(cli, path, &document);
    if (status || cli_json(cli))
        return status;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        json_t *rules = as_objects(json_object_get(document, kinds[i]));
        buf_printf(&cli->out, "%s%s: %zu\n", i ? "\n" : "", kinds[i], json_array_size(rules));
        if (json_array_size(rules))
            table_put_array(&cli->out, rules, rule_columns, cli->utc);
        json_decref(rules);
    }
    return CLI_OK;
}

int
cmd_node_repair(struct cli *cli)
{
    static const struct column fields[] = {
        {"added", "added", AS_TEXT, NULL},     {"removed", "removed", AS_TEXT, NULL},
        {"changed", "changed", AS_TEXT, NULL}, {"in", "duration-ns", AS_NSEC, NULL},
        {NULL, NULL, AS_TEXT, NULL},
    };
    const json_t *answer;
    char *path = http_path("nodes", cli_argument(cli, 0), "repair", NULL);
    int status = cli_call(cli, "POST", path, NULL, &answer);
    if (status || cli_json(cli))
        return status;
    fields_put(&cli->out, answer, fields, cli->utc);
    return CLI_OK;
}

int
cmd_node_release_port(struct cli *cli)
{
    const char *node = cli_argument(cli, 0), *port = cli_argument(cli, 1);
    const json_t *answer;
    json_t *body = json_object();
    if (port) {
        char *end;
        unsigned long number = strtoul(port, &end, 10);
        if (*end || !number || number > UINT32_MAX) {
            json_decref(body);
            return cli_fail(cli, CLI_USAGE, "\"%s\" is not the number of a port", port);
        }
        json_object_set_new(body, "port", json_integer((json_int_t)number));
    }
    int status = cli_call(cli, "POST", http_path("nodes", node, "release-port", NULL), body,
                          &answer);
    return status ? status
                  : cli_done(cli, "%s%s%s: used again now", node, port ? " port " : "",
                             port ? port : "");
}

int
cmd_denied_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"NODE", "node", AS_TEXT, NULL},      {">PORT", "port", AS_TEXT, NULL},
        {"HOST", "host", AS_TEXT, NULL},      {">PACKETS", "packets", AS_TEXT, NULL},
        {"LAST", "last.time", AS_TIME, NULL}, {"LAST PACKET", "last.match", AS_TEXT, NULL},
        {NULL, NULL, AS_TEXT, NULL},
    };
    const json_t *document;
    int status = cli_get(cli, http_path("denied", NULL), &document);
    if (status || cli_json(cli))
        return status;
    table_put_array(&cli->out, json_object_get(document, "ports"), columns, cli->utc);
    return CLI_OK;
}
