/* tieline model run: what if the network were another one. By the server from what is there, or
 * here from files alone. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "cli/cli_plan.h"
#include "cli/cli_problem.h"
#include "engineer/scenario.h"
#include "io/jsontext.h"
#include "model/json.h"
#include "orchestrate/inventory.h"
#include "orchestrate/scenarios.h"

#include <stdlib.h>
#include <string.h>

/* ---- The question ---- */

/* "link:a1-a2" of an option that may be given often, as {"kind", "name"}. */
static int
put_named(struct cli *cli, const char *option, json_t *list)
{
    for (size_t i = 0; i < cli->args.n_given; i++) {
        const struct cli_given *given = &cli->args.given[i];
        if (strcmp(given->option->name, option) != 0)
            continue;
        const char *colon = strchr(given->value, ':');
        if (!colon || !colon[1])
            return cli_fail(cli, CLI_USAGE, "--%s %s: KIND:NAME is expected, as link:a1-a2", option,
                            given->value);
        json_t *kind = json_stringn(given->value, (size_t)(colon - given->value));
        json_array_append_new(list, json_pack("{s:o, s:o}", "kind", kind ? kind : json_string(""),
                                              "name", jsontext_string(colon + 1)));
    }
    return CLI_OK;
}

/* A file of circuits, as `circuit create` takes them, made a document of the model. */
static int
put_circuits(struct cli *cli, const char *path, json_t *files)
{
    json_t *circuits;
    int status = document_read(cli, &kind_circuit, path, &circuits);
    if (status)
        return status;
    json_t *document = json_pack("{s:{s:o}}", CIRCUITS_MODULE, "circuit", circuits);
    char *text = json_dumps(document, JSON_COMPACT);
    json_array_append_new(files,
                          json_pack("{s:o, s:s}", "name", jsontext_string(path), "text", text));
    free(text);
    json_decref(document);
    return CLI_OK;
}

/* Files that are documents go as they are, so that what is wrong is named by its line. */
static int
put_json(struct cli *cli, const char *path, json_t *files)
{
    json_t *document;
    int status = cli_read_json(cli, path, &document);
    if (status)
        return status;
    bool whole = json_object_get(document, INVENTORY_MODULE) ||
                 json_object_get(document, CIRCUITS_MODULE);
    json_decref(document);
    return whole ? inventory_files(cli, &path, 1, files) : put_circuits(cli, path, files);
}

static int
put_files(struct cli *cli, json_t *question)
{
    const char *format, **paths = cli->args.arguments;
    size_t n = cli->args.n_arguments;
    json_t *files = json_array();
    json_object_set_new(question, "files", files);
    int status = inventory_format(cli, paths, n, &format);
    if (status)
        return status;
    if (!strcmp(format, "scd"))
        return cli_fail(cli, CLI_USAGE, "what is put in comes as CSV or JSON");
    json_object_set_new(question, "format", json_string(format));
    if (!strcmp(format, "csv"))
        return inventory_files(cli, paths, n, files);
    for (size_t i = 0; i < n && !status; i++)
        status = put_json(cli, paths[i], files);
    return status;
}

static int
ask_of(struct cli *cli, json_t *question)
{
    json_t *removed = json_array(), *failed = json_array();
    json_object_set_new(question, "remove", removed);
    json_object_set_new(question, "fail", failed);
    json_object_set_new(question, "design", cli_values(cli, "design"));
    json_object_set_new(question, "redesign", json_boolean(cli_has(cli, "redesign")));
    json_object_set_new(question, "each-failure", json_boolean(cli_has(cli, "each-failure")));
    int status = put_named(cli, "remove", removed);
    if (!status)
        status = put_named(cli, "fail", failed);
    return status || !cli->args.n_arguments ? status : put_files(cli, question);
}

/* ---- From files ---- */

/* All --from. */
static size_t
base_paths(const struct cli *cli, const char ***paths)
{
    size_t n = 0;
    *paths = xcalloc(cli->args.n_given, sizeof **paths);
    for (size_t i = 0; i < cli->args.n_given; i++) {
        if (!strcmp(cli->args.given[i].option->name, "from"))
            (*paths)[n++] = cli->args.given[i].value;
    }
    return n;
}

/* Says what is wrong in files, as a document if that is asked for. */
static int
refuse_files(struct cli *cli, json_t *report)
{
    if (!cli->json)
        return document_report(cli, report);
    cli_print(cli, json_pack("{s:O}", "report", report));
    return CLI_FAILED;
}

static int
read_base(struct cli *cli, const char **paths, size_t n, struct network *net)
{
    struct report report = {0};
    struct findings findings = {0};
    json_t *files = json_array();
    const char *format;
    int status = inventory_format(cli, paths, n, &format);
    if (!status)
        status = inventory_files(cli, paths, n, files);
    if (!status) {
        inventory_read_files(net, format, files, &report);
        if (!report_is_clean(&report)) {
            json_t *json = report_to_json(&report);
            status = refuse_files(cli, json);
            json_decref(json);
        }
    }
    if (!status) {
        scenario_design_base(net, &findings);
        for (size_t i = 0; i < findings.n; i++)
            cli_note(cli, "%s: circuit %s: %s", paths[0], findings.items[i].object,
                     findings.items[i].text);
    }
    json_decref(files);
    report_fini(&report);
    findings_fini(&findings);
    return status;
}

static int
run_here(struct cli *cli, const char **paths, size_t n, const json_t *question, json_t **answer)
{
    struct network *net = network_new();
    struct diag why = {""};
    int status = read_base(cli, paths, n, net);
    if (!status && scenario_answer(net, question, answer, &why))
        status = cli_fail(cli, CLI_FAILED, "%s", why.text);
    network_free(net);
    if (!status && json_object_get(*answer, "report")) {
        status = refuse_files(cli, json_object_get(*answer, "report"));
        json_decref(*answer);
        *answer = NULL;
    }
    return status;
}

static int
run(struct cli *cli, json_t *question, json_t **answer)
{
    const char **paths;
    const json_t *borrowed;
    size_t n = base_paths(cli, &paths);
    int status;
    if (n) {
        status = run_here(cli, paths, n, question, answer);
        json_decref(question);
    } else {
        status = cli_call(cli, "POST", http_path("model", NULL), question, &borrowed);
        *answer = status ? NULL : json_incref((json_t *)(uintptr_t)borrowed);
    }
    free(paths);
    return status;
}

/* ---- The answer ---- */

static json_int_t
number(const json_t *object, const char *member)
{
    return json_integer_value(text_member(object, member));
}

static void
put_rows(struct cli *cli, const char *title, const json_t *section, const struct column *columns)
{
    const json_t *list = json_object_get(section, "list");
    if (!json_array_size(list))
        return;
    buf_printf(&cli->out, "\n%s\n", title);
    table_put_array(&cli->out, list, columns, cli->utc);
}

static void
put_list(struct cli *cli, const char *title, const json_t *section, const struct column *columns)
{
    json_int_t n = number(section, "n");
    json_int_t shown = (json_int_t)json_array_size(json_object_get(section, "list"));
    put_rows(cli, title, section, columns);
    if (shown && n > shown)
        buf_printf(&cli->out, "and %" JSON_INTEGER_FORMAT " more\n", n - shown);
}

static void
put_percent(struct buf *out, json_int_t part, json_int_t whole)
{
    if (whole)
        buf_printf(out, "%.1f %%", 100.0 * (double)part / (double)whole);
}

static void
put_use(struct buf *out, const json_t *link, bool utc UNUSED)
{
    put_percent(out, number(link, "reserved-kbps"), number(link, "capacity-kbps"));
}

static void
put_use_before(struct buf *out, const json_t *link, bool utc UNUSED)
{
    put_percent(out, number(link, "before-kbps"), number(link, "before-capacity-kbps"));
}

static const struct column change_columns[] = {
    {"CHANGE", "action", AS_TEXT, NULL},
    {"KIND", "kind", AS_TEXT, NULL},
    {"NAME", "name", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
static const struct column designed_columns[] = {
    {"CIRCUIT", "circuit", AS_TEXT, NULL}, {"WHY", "why", AS_TEXT, NULL},
    {"FITS", "fits", AS_YES, NULL},        {"LIMIT", "limit", AS_TEXT, NULL},
    {"LINKS", "links", AS_TEXT, NULL},     {"REASON", "reason", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
static const struct column worst_columns[] = {
    {"CIRCUIT", "circuit", AS_TEXT, NULL},
    {">LATENCY BUDGET", "budget-us", AS_USEC, NULL},
    {">WORST", "normal-us", AS_USEC, NULL},
    {">BEFORE", "normal-before-us", AS_USEC, NULL},
    {">ASYMMETRY BUDGET", "asymmetry-budget-us", AS_USEC, NULL},
    {">ASYMMETRY", "asymmetry-us", AS_USEC, NULL},
    {">WORST AFTER A FAILURE", "failure-us", AS_USEC, NULL},
    {">BEFORE", "failure-before-us", AS_USEC, NULL},
    {"BROKEN", "broken", AS_YES, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
static const struct column moved_columns[] = {
    {"CIRCUIT", "circuit", AS_TEXT, NULL},
    {"CHANGE", "change", AS_TEXT, NULL},
    {"PRIMARY BEFORE", "before.primary", AS_PATH, NULL},
    {"PRIMARY AFTER", "after.primary", AS_PATH, NULL},
    {"FAILOVER BEFORE", "before.failover", AS_PATH, NULL},
    {"FAILOVER AFTER", "after.failover", AS_PATH, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
static const struct column node_columns[] = {
    {"NODE", "node", AS_TEXT, NULL},
    {">RULES ADDED", "added", AS_TEXT, NULL},
    {">REMOVED", "removed", AS_TEXT, NULL},
    {">CHANGED", "changed", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};
static const struct column link_columns[] = {
    {"LINK", "link", AS_TEXT, NULL},
    {">CAPACITY", "capacity-kbps", AS_KBPS, NULL},
    {">RESERVED", "reserved-kbps", AS_KBPS, NULL},
    {">USE", NULL, AS_TEXT, put_use},
    {">USE BEFORE", NULL, AS_TEXT, put_use_before},
    {NULL, NULL, AS_TEXT, NULL},
};
static const struct column impact_columns[] = {
    {"CIRCUIT", "circuit", AS_TEXT, NULL}, {"IMPACT", "impact", AS_TEXT, NULL},
    {"TO", "receiver", AS_TEXT, NULL},     {"CAN BE DESIGNED ANEW", "redesigned", AS_YES, NULL},
    {"REASON", "reason", AS_TEXT, NULL},   {NULL, NULL, AS_TEXT, NULL},
};
static const struct column failure_columns[] = {
    {"FAILURE", "element", AS_TEXT, NULL},
    {">LOST", "lost", AS_TEXT, NULL},
    {">LOSE AN END", "ends-lost", AS_TEXT, NULL},
    {">ON FAILOVER PATH", "on-failover", AS_TEXT, NULL},
    {">LOSE FAILOVER PATH", "lose-failover", AS_TEXT, NULL},
    {">CAN BE DESIGNED ANEW", "redesigned", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

/* One line per judgement, which is all that many will read. */
static void
put_verdicts(struct cli *cli, const json_t *answer)
{
    const json_t *circuits = json_object_get(answer, "circuits");
    const json_t *bounds = json_object_get(answer, "bounds");
    const json_t *size = json_object_get(answer, "size");
    const json_t *proof = json_object_get(answer, "proof");
    struct buf *out = &cli->out;
    if (circuits)
        buf_printf(out,
                   "circuits designed: %" JSON_INTEGER_FORMAT ", of which %" JSON_INTEGER_FORMAT
                   " fit\n",
                   number(circuits, "n"), number(circuits, "n-fit"));
    if (size)
        buf_printf(out,
                   "plan: %" JSON_INTEGER_FORMAT " nodes, %" JSON_INTEGER_FORMAT
                   " flows, %" JSON_INTEGER_FORMAT " groups, %" JSON_INTEGER_FORMAT " meters; ",
                   number(size, "nodes"), number(size, "flows"), number(size, "groups"),
                   number(size, "meters"));
    if (size)
        buf_printf(out,
                   "%" JSON_INTEGER_FORMAT " rules to add, %" JSON_INTEGER_FORMAT
                   " to remove, %" JSON_INTEGER_FORMAT " to change\n",
                   number(answer, "difference.rules-added"),
                   number(answer, "difference.rules-removed"),
                   number(answer, "difference.rules-changed"));
    if (proof)
        plan_text(out, answer, false);
    if (bounds)
        buf_printf(out,
                   "latency: %" JSON_INTEGER_FORMAT " circuits bounded, %" JSON_INTEGER_FORMAT
                   " do not keep their budgets (%" JSON_INTEGER_FORMAT
                   " did before, or are new), %" JSON_INTEGER_FORMAT " may not after a failure\n",
                   number(bounds, "n"), number(bounds, "n-unmet"), number(bounds, "n-broken"),
                   number(bounds, "n-unmet-after-failure"));
}

static void
put_answer(struct cli *cli, const json_t *answer)
{
    const json_t *overload;
    size_t i;
    put_verdicts(cli, answer);
    findings_text(&cli->out, json_object_get(answer, "findings"));
    put_list(cli, "changes", json_object_get(answer, "changes"), change_columns);
    put_list(cli, "circuits designed", json_object_get(answer, "circuits"), designed_columns);
    put_list(cli, "circuits, against what is there", text_member(answer, "difference.circuits"),
             moved_columns);
    /* `n` counts also those that keep their budgets and stay, which the list does not have. */
    put_rows(cli, "worst-case delays", json_object_get(answer, "bounds"), worst_columns);
    json_array_foreach(text_member(answer, "bounds.overloads"), i, overload)
    {
        text_put_value(&cli->out, overload, AS_TEXT, cli->utc);
        buf_str(&cli->out, "\n");
    }
    put_list(cli, "rules, against what is there", text_member(answer, "difference.nodes"),
             node_columns);
    put_list(cli, "fullest links", json_object_get(answer, "utilisation"), link_columns);
    put_list(cli, "circuits hit by this failure", json_object_get(answer, "failure"),
             impact_columns);
    put_list(cli, "each failure alone", json_object_get(answer, "failures"), failure_columns);
}

int
cmd_model_run(struct cli *cli)
{
    json_t *question = json_object(), *answer = NULL;
    int status = ask_of(cli, question);
    if (status) {
        json_decref(question);
        return status;
    }
    status = run(cli, question, &answer);
    if (status)
        return status;
    status = json_is_true(json_object_get(answer, "ok")) ? CLI_OK : CLI_FAILED;
    if (cli->json)
        cli_print(cli, answer);
    else {
        put_answer(cli, answer);
        json_decref(answer);
    }
    return status;
}
