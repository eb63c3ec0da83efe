/* The WAN: its network as it is heard of, its routers' sessions, the paths they report, and tunnels
 * through it. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "cli/cli_plan.h"
#include "io/jsontext.h"

#include <stdlib.h>
#include <string.h>

/* ---- Lists: the row's `data` says which ---- */

struct wan_list {
    const char *path, *member;
    const struct column *columns;
};

static void
put_rate(struct buf *out, const json_t *bps, bool utc UNUSED)
{
    if (json_is_integer(bps))
        text_put_rate(out, (uint64_t)json_integer_value(bps) / 1000);
}

static void
put_ago(struct buf *out, const json_t *seconds, bool utc UNUSED)
{
    if (json_is_number(seconds))
        text_put_duration(out, (nsec_t)(json_number_value(seconds) * (double)NSEC_PER_SEC));
}

static void
put_state(struct buf *out, const json_t *link, bool utc UNUSED)
{
    static const char *const marks[] = {"maintenance", "at-risk", "stale"};
    buf_str(out, json_is_true(json_object_get(link, "up")) ? "up" : "down");
    for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
        if (json_object_get(link, marks[i]))
            buf_printf(out, ", %s", marks[i]);
    }
}

/* Labels, or the addresses of a path without. */
static void
put_hops(struct buf *out, const json_t *lsp, bool utc UNUSED)
{
    const json_t *ero = json_object_get(lsp, "ero"), *hop;
    size_t i;
    json_array_foreach(ero, i, hop)
    {
        const json_t *label = json_object_get(hop, "label");
        buf_str(out, i ? " " : "");
        text_put_value(out, label ? label : text_member(hop, "index|address|local"), AS_TEXT,
                       false);
    }
}

static const struct column node_columns[] = {
    {"NODE", "key", AS_TEXT, NULL},
    {"NAME", "name", AS_TEXT, NULL},
    {"ROUTER ID", "router-id", AS_TEXT, NULL},
    {">SID", "sid-index", AS_TEXT, NULL},
    {">LABELS", "max-sid-depth", AS_TEXT, NULL},
    {"PASSABLE", "passable", AS_YES, NULL},
    {"SOURCES", "sources", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
static const struct column link_columns[] = {
    {"LINK", "key", AS_TEXT, NULL},
    {"STATE", NULL, AS_TEXT, put_state},
    {">IGP", "igp-metric", AS_TEXT, NULL},
    {">TE", "te-metric", AS_TEXT, NULL},
    {">DELAY", "delay-us", AS_USEC, NULL},
    {">RESERVABLE", "reservable-bps", AS_TEXT, put_rate},
    {">RESERVED", "reserved-bps", AS_TEXT, put_rate},
    {"GROUPS", "affinity", AS_TEXT, NULL},
    {"RISKS", "srlgs", AS_TEXT, NULL},
    {">LABEL", "adjacency-label", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
static const struct column source_columns[] = {
    {"SOURCE", "name", AS_TEXT, NULL},
    {"KIND", "kind", AS_TEXT, NULL},
    {"STATE", "state", AS_TEXT, NULL},
    {">SINCE", "since-s", AS_TEXT, put_ago},
    {">NODES", "nodes", AS_TEXT, NULL},
    {">LINKS", "links", AS_TEXT, NULL},
    {">PREFIXES", "prefixes", AS_TEXT, NULL},
    {">REFUSED", "refused", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
static const struct column finding_columns[] = {
    {"FINDING", "finding", AS_TEXT, NULL},
    {"OBJECT", "object", AS_TEXT, NULL},
    {"WHAT", "text", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
static const struct column session_columns[] = {
    {"ROUTER", "address", AS_TEXT, NULL},
    {"NAME", "name", AS_TEXT, NULL},
    {"STATE", "state", AS_TEXT, NULL},
    {">SINCE", "since-s", AS_TEXT, put_ago},
    {"TLS", "tls", AS_YES, NULL},
    {">LSPS", "lsps", AS_TEXT, NULL},
    {">ORDERS", "orders", AS_TEXT, NULL},
    {">DONE", "done", AS_TEXT, NULL},
    {">REFUSED", "refused", AS_TEXT, NULL},
    {">TIMED OUT", "timed-out", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
static const struct column lsp_columns[] = {
    {"ROUTER", "router", AS_TEXT, NULL},
    {"NAME", "name", AS_TEXT, NULL},
    {"TO", "to", AS_TEXT, NULL},
    {"STATE", "state", AS_TEXT, NULL},
    {"DELEGATED", "delegated", AS_YES, NULL},
    {"PATH", NULL, AS_TEXT, put_hops},
    {">BINDING", "binding-label", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

const struct wan_list wan_nodes = {"nodes", "nodes", node_columns},
                      wan_links = {"links", "links", link_columns},
                      wan_sources = {"sources", "sources", source_columns},
                      wan_findings = {"findings", "findings", finding_columns},
                      wan_sessions = {"routers", "routers", session_columns},
                      wan_lsps = {"lsps", "lsps", lsp_columns};

int
cmd_wan_list(struct cli *cli)
{
    const struct wan_list *list = cli->args.verb->data;
    const json_t *document;
    int status = cli_get(cli, http_path("wan", list->path, NULL), &document);
    if (status || cli_json(cli))
        return status;
    table_put_array(&cli->out, json_object_get(document, list->member), list->columns, cli->utc);
    return CLI_OK;
}

/* All of them, page by page. */
int
cmd_wan_lsps(struct cli *cli)
{
    const struct wan_list *list = cli->args.verb->data;
    const json_t *page;
    json_t *all = json_array();
    char after[32] = "0";
    int status;
    do {
        char *path = http_path("wan", list->path, NULL);
        http_query(&path, "after", after);
        status = cli_get(cli, path, &page);
        if (status)
            break;
        json_array_extend(all, json_object_get(page, list->member));
        snprintf(after, sizeof after, "%" JSON_INTEGER_FORMAT,
                 json_integer_value(json_object_get(page, "next")));
    } while (json_object_get(page, "next"));
    if (!status && cli->json)
        cli_print(cli, json_pack("{sO sI}", list->member, all, "total",
                                 (json_int_t)json_array_size(all)));
    else if (!status)
        table_put_array(&cli->out, all, list->columns, cli->utc);
    json_decref(all);
    return status;
}

/* ---- What if ---- */

/* What becomes of each tunnel if that one fails. */
static int
put_fates(struct cli *cli, const json_t *worst, const char *element)
{
    static const struct column columns[] = {
        {"TUNNEL", "tunnel", AS_TEXT, NULL},          {"FATE", "fate", AS_TEXT, NULL},
        {"ROUTERS", "routers", AS_PATH, NULL},        {"STANDBY", "standby-routers", AS_PATH, NULL},
        {"WHAT IS IN THE WAY", "why", AS_TEXT, NULL}, {NULL, NULL, AS_TEXT, NULL},
    };
    size_t i;
    const json_t *one;
    json_array_foreach(worst, i, one)
    {
        const char *its = json_string_value(json_object_get(one, "element"));
        if (!its || strcmp(its, element) != 0)
            continue;
        if (cli->json)
            cli_print(cli, json_deep_copy(one));
        else
            table_put_array(&cli->out, json_object_get(one, "tunnels"), columns, cli->utc);
        return CLI_OK;
    }
    return cli_fail(cli, CLI_FAILED,
                    "there is no link, router or shared risk %s; those there are: "
                    "tieline wan what-if",
                    element);
}

int
cmd_wan_what_if(struct cli *cli)
{
    static const struct column columns[] = {
        {"IF IT FAILS", "element", AS_TEXT, NULL},
        {"KIND", "kind", AS_TEXT, NULL},
        {">HIT", "hit", AS_TEXT, NULL},
        {">STANDBY", "standby", AS_TEXT, NULL},
        {">REROUTED", "rerouted", AS_TEXT, NULL},
        {">KEPT", "kept", AS_TEXT, NULL},
        {">PUSHED", "pushed", AS_TEXT, NULL},
        {">LOST", "lost", AS_TEXT, NULL},
        {">LATE", "late", AS_TEXT, NULL},
        {">UNPROTECTED", "unprotected", AS_TEXT, NULL},
        {"FULLEST LINK", "hottest", AS_TEXT, NULL},
        {NULL, NULL, AS_TEXT, NULL},
    };
    const json_t *document;
    int status = cli_get(cli, http_path("wan", "what-if", NULL), &document);
    if (!status && cli_argument(cli, 0))
        return put_fates(cli, json_object_get(document, "worst"), cli_argument(cli, 0));
    if (status || cli_json(cli))
        return status;
    table_put_array(&cli->out, json_object_get(document, "worst"), columns, cli->utc);
    return CLI_OK;
}

/* ---- Other ways ---- */

/* Computes; or submits the order that computes, asks people, and moves. */
static int
find_moves(struct cli *cli, const char *verb, bool has_threshold)
{
    const json_t *answer;
    json_t *body = json_object();
    int status = cli_put_number(cli, "keep-priority", 0, body);
    if (!status && has_threshold)
        status = cli_put_number(cli, "threshold", 1, body);
    if (status) {
        json_decref(body);
        return status;
    }
    if (cli_has(cli, "order")) {
        char *workflow = xasprintf("wan-%s", verb);
        status = work_order(cli, workflow, body);
        free(workflow);
        return status;
    }
    status = cli_call(cli, "POST", http_path("wan", verb, NULL), body, &answer);
    if (status || cli_json(cli))
        return status;
    plan_put_moves(&cli->out, json_object_get(answer, "summary"));
    return CLI_OK;
}

int
cmd_wan_optimise(struct cli *cli)
{
    return find_moves(cli, "optimise", false);
}

int
cmd_wan_relieve(struct cli *cli)
{
    return find_moves(cli, "relieve", true);
}

/* ---- Trees ---- */

static int
tree_question(struct cli *cli, json_t *body)
{
    static const char *const numbers[] = {"rate-kbps", "max-latency-us", "priority"};
    json_t *leaves = json_array();
    int status = CLI_OK;
    json_object_set_new(body, "root", jsontext_string(cli_argument(cli, 0)));
    json_object_set_new(body, "leaves", leaves);
    for (size_t i = 1; cli_argument(cli, i); i++)
        json_array_append_new(leaves, jsontext_string(cli_argument(cli, i)));
    if (cli_option(cli, "metric"))
        json_object_set_new(body, "metric", jsontext_string(cli_option(cli, "metric")));
    for (size_t i = 0; i < ARRAY_SIZE(numbers) && !status; i++)
        status = cli_put_number(cli, numbers[i], 0, body);
    return status;
}

int
cmd_wan_tree(struct cli *cli)
{
    static const struct column links[] = {
        {"LINK", "link", AS_TEXT, NULL},
        {"FROM", "from", AS_TEXT, NULL},
        {"TO", "to", AS_TEXT, NULL},
        {NULL, NULL, AS_TEXT, NULL},
    };
    static const struct column paths[] = {
        {"LEAF", "leaf", AS_TEXT, NULL},      {"ROUTERS", "routers", AS_PATH, NULL},
        {">METRIC", "metric", AS_TEXT, NULL}, {">LATENCY", "latency-us", AS_USEC, NULL},
        {NULL, NULL, AS_TEXT, NULL},
    };
    const json_t *answer;
    json_t *body = json_object();
    int status = tree_question(cli, body);
    if (status) {
        json_decref(body);
        return status;
    }
    status = cli_call(cli, "POST", http_path("wan", "tree", NULL), body, &answer);
    if (status || cli_json(cli))
        return status;
    table_put_array(&cli->out, json_object_get(answer, "links"), links, cli->utc);
    buf_str(&cli->out, "\n");
    table_put_array(&cli->out, json_object_get(answer, "paths"), paths, cli->utc);
    buf_printf(&cli->out, "\ncost of all links: %" JSON_INTEGER_FORMAT "\n",
               json_integer_value(json_object_get(answer, "cost")));
    return CLI_OK;
}

/* ---- Maintenance ---- */

static int
done_with_moves(struct cli *cli, const json_t *answer, const char *what)
{
    json_int_t moved = json_integer_value(json_object_get(answer, "moved")),
               left = json_integer_value(json_object_get(answer, "left"));
    if (left > 0)
        return cli_done(cli,
                        "%s: %" JSON_INTEGER_FORMAT " tunnels go another way, %" JSON_INTEGER_FORMAT
                        " have none (tieline exception list)",
                        what, moved, left);
    return cli_done(cli, "%s: %" JSON_INTEGER_FORMAT " tunnels go another way", what, moved);
}

static int
plan_drain(struct cli *cli, const char *element)
{
    const json_t *answer;
    int status = cli_call(cli, "POST", http_path("wan", "plan-drain", NULL),
                          json_pack("{ss}", "element", element), &answer);
    if (!status && !cli_json(cli))
        plan_put_moves(&cli->out, json_object_get(answer, "summary"));
    return status;
}

int
cmd_wan_drain(struct cli *cli)
{
    const char *element = cli_argument(cli, 0), *reason = cli_option(cli, "reason");
    const json_t *answer;
    if (cli_has(cli, "dry-run"))
        return plan_drain(cli, element);
    if (!reason)
        return cli_fail(cli, CLI_USAGE, "wan drain needs --reason TEXT");
    json_t *body = json_pack("{ss ss}", "element", element, "reason", reason);
    if (cli_has(cli, "order"))
        return work_order(cli, "wan-drain", body);
    int status = cli_call(cli, "POST", http_path("wan", "drain", NULL), body, &answer);
    return status ? status : done_with_moves(cli, answer, "nothing new passes");
}

int
cmd_wan_restore(struct cli *cli)
{
    const json_t *answer;
    json_t *body = json_pack("{ss}", "element", cli_argument(cli, 0));
    int status = cli_call(cli, "POST", http_path("wan", "restore", NULL), body, &answer);
    return status ? status : done_with_moves(cli, answer, "it may be used again");
}

int
cmd_wan_resync(struct cli *cli)
{
    const json_t *answer;
    const char *router = cli_argument(cli, 0);
    int status = cli_call(cli, "POST", http_path("wan", "resync", NULL),
                          json_pack("{ss}", "router", router), &answer);
    if (status)
        return status;
    return cli_done(cli, "%s reports its paths again; %" JSON_INTEGER_FORMAT " were known", router,
                    json_integer_value(json_object_get(answer, "lsps")));
}

/* ---- The plan ---- */

int
cmd_wan_import(struct cli *cli)
{
    const char *path = cli_argument(cli, 0), *plan = cli_option(cli, "plan");
    const json_t *answer;
    struct buf text;
    int status = cli_read_file(cli, path, &text);
    if (status)
        return status;
    json_t *table = json_stringn(buf_cstr(&text), text.size);
    buf_fini(&text);
    if (!table)
        return cli_fail(cli, CLI_FAILED, "%s: not UTF-8", path);
    json_t *body = json_pack("{so so}", "text", table, "file", jsontext_string(path));
    status = cli_call(cli, "PUT", http_path("wan", "plans", plan ? plan : "plan", NULL), body,
                      &answer);
    if (status)
        return status;
    return cli_done(
        cli, "%" JSON_INTEGER_FORMAT " rows; %" JSON_INTEGER_FORMAT " tunnels go another way",
        json_integer_value(json_object_get(answer, "rows")),
        json_integer_value(json_object_get(answer, "moved")));
}
