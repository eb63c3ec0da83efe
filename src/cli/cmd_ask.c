/* The proof of what nodes hold, and questions to it. */
#include "cli/cmd.h"

#include <string.h>

static void
put_text(struct buf *out, const char *title, const json_t *text)
{
    if (json_is_string(text))
        buf_printf(out, "  %-8s %s\n", title, json_string_value(text));
}

static void
put_violation(struct buf *out, const json_t *v)
{
    buf_printf(out, "%s: %s\n", json_string_value(json_object_get(v, "kind")),
               json_string_value(json_object_get(v, "text")));
    put_text(out, "failure", json_object_get(v, "failure"));
    put_text(out, "packet", json_object_get(v, "packet"));
    put_text(out, "path", json_object_get(v, "path"));
    put_text(out, "node", json_object_get(v, "node"));
    put_text(out, "rule", json_object_get(v, "rule"));
}

static long long
number(const json_t *document, const char *member)
{
    return (long long)json_integer_value(json_object_get(document, member));
}

int
cmd_network_prove(struct cli *cli)
{
    const json_t *document, *item;
    size_t i;
    bool planned = cli_has(cli, "planned");
    char *path = http_path("proof", NULL);
    http_query(&path, "of", planned ? "planned" : "observed");
    int status = cli_get(cli, path, &document);
    if (status)
        return status;
    bool ok = json_is_true(json_object_get(document, "ok"));
    if (cli_json(cli))
        return ok ? CLI_OK : CLI_FAILED;
    json_array_foreach(json_object_get(document, "violations"), i, item)
        put_violation(&cli->out, item);
    long long more = number(document, "n-violations") -
                     (long long)json_array_size(json_object_get(document, "violations"));
    if (more > 0)
        buf_printf(&cli->out, "and %lld more\n", more);
    json_array_foreach(json_object_get(document, "unread"), i, item) buf_printf(
        &cli->out, "unread: node %s is not connected; %s\n",
        json_string_value(json_object_get(item, "node")),
        json_is_true(json_object_get(item, "known-before")) ? "judged by what it held when it was"
                                                            : "it counts as empty");
    json_array_foreach(json_object_get(document, "unjudged"), i, item) buf_printf(
        &cli->out, "unjudged: node %s holds %s\n", json_string_value(json_object_get(item, "node")),
        json_string_value(json_object_get(item, "rule")));
    buf_printf(
        &cli->out,
        "%s: %s of all nodes: %lld rules, %lld circuits in %lld conversations, which met %lld "
        "failures\n",
        ok ? "proved" : "not proved", planned ? "the plan" : "the tables",
        number(document, "rules"), number(document, "circuits"), number(document, "walks"),
        number(document, "failures"));
    return ok ? CLI_OK : CLI_FAILED;
}

int
cmd_network_conditions(struct cli *cli)
{
    static const struct column columns[] = {
        {"STATE", "state", AS_TEXT, NULL}, {"NEEDED", "needs", AS_TEXT, NULL},
        {"SEEN", "seen", AS_TEXT, NULL},   {"REMEDY", "remedy", AS_TEXT, NULL},
        {NULL, NULL, AS_TEXT, NULL},
    };
    const json_t *document, *row;
    size_t i;
    int status = cli_get(cli, http_path("conditions", NULL), &document);
    if (status)
        return status;
    bool ok = json_is_true(json_object_get(document, "ok"));
    status = ok ? CLI_OK : CLI_FAILED;
    if (cli_json(cli))
        return status;
    json_t *shown = json_array();
    json_array_foreach(json_object_get(document, "list"), i, row)
    {
        if (cli_has(cli, "all") || strcmp(text_of(row, "state"), "holds") != 0)
            json_array_append(shown, (json_t *)(uintptr_t)row);
    }
    if (json_array_size(shown))
        table_put_array(&cli->out, shown, columns, cli->utc);
    json_decref(shown);
    buf_printf(&cli->out,
               "%s: %lld conditions of the latency bounds, %lld broken, %lld not known\n",
               ok ? "all hold" : "not all hold", number(document, "n"),
               number(document, "n-broken"), number(document, "n-unknown"));
    return status;
}

/* ---- Other sites ---- */

int
cmd_site_peers(struct cli *cli)
{
    static const struct column columns[] = {
        {"SITE", "site", AS_TEXT, NULL},
        {"STATE", "state", AS_TEXT, NULL},
        {"SINCE", "since", AS_TIME, NULL},
        {">EVENTS", "events", AS_TEXT, NULL},
        {">THERE", "events-there", AS_TEXT, NULL},
        {">OF OURS", "knows-of-us", AS_TEXT, NULL},
        {"WHY", "why", AS_TEXT, NULL},
        {NULL, NULL, AS_TEXT, NULL},
    };
    const json_t *document, *row;
    size_t i;
    bool level = true;
    int status = cli_get(cli, http_path("peers", NULL), &document);
    if (status)
        return status;
    json_array_foreach(json_object_get(document, "peers"), i, row)
        level &= !strcmp(text_of(row, "state"), "level") ||
                 !strcmp(text_of(row, "state"), "behind");
    if (!cli_json(cli))
        table_put_array(&cli->out, json_object_get(document, "peers"), columns, cli->utc);
    return level ? CLI_OK : CLI_FAILED;
}

/* ---- Questions ---- */

static const char *
text(const json_t *document, const char *member)
{
    const char *value = json_string_value(json_object_get(document, member));
    return value ? value : "";
}

/* Asks, and shows the document if it is wanted as it is. True: it is to be put in words. */
static bool
ask(struct cli *cli, char *path, const json_t **document, int *status)
{
    *status = cli_get(cli, path, document);
    return !*status && !cli_json(cli);
}

/* What the tables do may be more than what circuits say. */
static void
put_doubt(struct cli *cli, const json_t *document)
{
    if (!json_is_true(json_object_get(document, "proved")))
        buf_str(&cli->out, "The tables of the nodes are not as proved: tieline network prove\n");
}

static void
put_way(struct buf *out, const json_t *way)
{
    const json_t *rule;
    size_t i;
    const char *circuit = json_string_value(json_object_get(way, "circuit"));
    if (circuit)
        buf_printf(out, "by circuit %s\n", circuit);
    else
        buf_str(out, "though no circuit allows it\n");
    put_text(out, "packet", json_object_get(way, "packet"));
    put_text(out, "path", json_object_get(way, "path"));
    json_array_foreach(json_object_get(way, "rules"), i, rule)
        buf_printf(out, "  %-8s %s\n", i ? "" : "rules", json_string_value(rule));
}

int
cmd_ask_reach(struct cli *cli)
{
    const json_t *document, *way;
    size_t i;
    int status;
    char *path = http_path("ask", "reach", NULL);
    http_query(&path, "from", cli_argument(cli, 0));
    http_query(&path, "to", cli_argument(cli, 1));
    http_query(&path, "protocol", cli_argument(cli, 2));
    if (!ask(cli, path, &document, &status))
        return status;
    bool reaches = json_is_true(json_object_get(document, "reaches"));
    buf_printf(&cli->out, "%s %s %s (%s)\n", text(document, "from"),
               reaches ? "reaches" : "cannot reach", text(document, "to"),
               text(document, "protocol"));
    json_array_foreach(json_object_get(document, "ways"), i, way) put_way(&cli->out, way);
    const json_t *dropped = json_object_get(document, "dropped");
    if (dropped) {
        const char *rule = json_string_value(json_object_get(dropped, "rule"));
        buf_printf(&cli->out, "dropped at node %s by %s\n", text(dropped, "node"),
                   rule ? rule : "having no rule for it");
        put_text(&cli->out, "packet", json_object_get(dropped, "packet"));
    }
    put_doubt(cli, document);
    return CLI_OK;
}

int
cmd_ask_who_reaches(struct cli *cli)
{
    const json_t *document, *host, *circuit;
    size_t i, k;
    int status;
    char *path = http_path("ask", "who-reaches", NULL);
    http_query(&path, "host", cli_argument(cli, 0));
    if (!ask(cli, path, &document, &status))
        return status;
    const json_t *from = json_object_get(document, "from");
    if (!json_array_size(from))
        buf_printf(&cli->out, "nobody reaches %s\n", text(document, "to"));
    json_array_foreach(from, i, host)
    {
        buf_printf(&cli->out, "%s\n", text(host, "host"));
        json_array_foreach(json_object_get(host, "circuits"), k, circuit)
            buf_printf(&cli->out, "  by circuit %s%s\n    %s\n", text(circuit, "circuit"),
                       json_is_true(json_object_get(circuit, "arrives"))
                           ? ""
                           : ", but the tables do not carry it now",
                       text(circuit, "packet"));
    }
    put_doubt(cli, document);
    return CLI_OK;
}

static void
put_circuits(struct buf *out, const char *title, const json_t *names)
{
    const json_t *name;
    size_t i;
    buf_printf(out, "%s: %zu circuit%s\n", title, json_array_size(names),
               json_array_size(names) == 1 ? "" : "s");
    json_array_foreach(names, i, name) buf_printf(out, "  %s\n", json_string_value(name));
}

int
cmd_ask_affected_by(struct cli *cli)
{
    const json_t *document;
    int status;
    char *path = http_path("ask", "affected-by", NULL);
    http_query(&path, "element", cli_argument(cli, 0));
    if (!ask(cli, path, &document, &status))
        return status;
    buf_printf(&cli->out, "If %s fails\n", text(document, "element"));
    put_circuits(&cli->out, "lost", json_object_get(document, "lost"));
    put_circuits(&cli->out, "on their failover path", json_object_get(document, "fails-over"));
    put_circuits(&cli->out, "unprotected, but not affected",
                 json_object_get(document, "unprotected"));
    put_doubt(cli, document);
    return CLI_OK;
}

static void
put_names(struct buf *out, const json_t *pair, bool utc UNUSED)
{
    const json_t *name;
    size_t i;
    json_array_foreach(json_object_get(pair, "circuits"), i, name)
        buf_printf(out, "%s%s", i ? ", " : "", json_string_value(name));
}

int
cmd_ask_matrix(struct cli *cli)
{
    static const struct column columns[] = {
        {"FROM", "from", AS_TEXT, NULL},
        {"TO", "to", AS_TEXT, NULL},
        {"BY CIRCUITS", NULL, AS_TEXT, put_names},
        {NULL, NULL, AS_TEXT, NULL},
    };
    const json_t *document;
    int status;
    if (!ask(cli, http_path("ask", "matrix", NULL), &document, &status))
        return status;
    table_put_array(&cli->out, json_object_get(document, "pairs"), columns, cli->utc);
    put_doubt(cli, document);
    return CLI_OK;
}
