/* Tests, fingerprints, and what would be if. */
#include "cli/cmd.h"

#include "cli/cli_plan.h"
#include "cli/cli_problem.h"
#include "io/jsontext.h"

#include <string.h>

static void
put_loss(struct buf *out, const json_t *entry, bool utc)
{
    text_put_value(out, json_object_get(entry, "lost"), AS_TEXT, utc);
    if (json_object_get(entry, "sent")) {
        buf_str(out, "/");
        text_put_value(out, json_object_get(entry, "sent"), AS_TEXT, utc);
    }
}

static const struct column entry_columns[] = {
    {"PATH", "path", AS_TEXT, NULL},
    {"DIRECTION", "direction", AS_TEXT, NULL},
    {"RECEIVER", "receiver", AS_TEXT, NULL},
    {">LOST/SENT", NULL, AS_TEXT, put_loss},
    {">RATE", "rate-kbps", AS_KBPS, NULL},
    {">MIN", "latency-min-ns", AS_NSEC, NULL},
    {">P50", "latency-p50-ns", AS_NSEC, NULL},
    {">P99", "latency-p99-ns", AS_NSEC, NULL},
    {">MAX", "latency-max-ns", AS_NSEC, NULL},
    {">JITTER", "jitter-ns", AS_NSEC, NULL},
    {">ASYMMETRY", "asymmetry-ns", AS_NSEC, NULL},
    {"TIME", "time", AS_TIME, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

int
cmd_circuit_test(struct cli *cli)
{
    const json_t *answer;
    const char *name = cli_argument(cli, 0), *path = cli_option(cli, "path");
    json_t *body = path ? json_pack("{s:[s]}", "paths", path) : json_object();
    int status = cli_call(cli, "POST", http_path("circuits", name, "tests", NULL), body, &answer);
    if (status)
        return status;
    bool ok = json_is_true(json_object_get(answer, "ok"));
    if (!cli_json(cli)) {
        table_put_array(&cli->out, json_object_get(answer, "entries"), entry_columns, cli->utc);
        findings_text(&cli->out, json_object_get(answer, "findings"));
        text_put(&cli->out, name, false);
        buf_str(&cli->out, ok ? ": passed\n" : ": failed\n");
    }
    return ok ? CLI_OK : CLI_FAILED;
}

int
cmd_circuit_fingerprint(struct cli *cli)
{
    const json_t *answer;
    const char *name = cli_argument(cli, 0);
    int status = cli_get(cli, http_path("circuits", name, "fingerprint", NULL), &answer);
    if (status || cli_json(cli))
        return status;
    if (*text_of(answer, "time")) {
        buf_str(&cli->out, "measured ");
        text_put_time(&cli->out, text_of(answer, "time"), cli->utc);
        buf_str(&cli->out, "\n");
    }
    table_put_array(&cli->out, json_object_get(answer, "entries"), entry_columns, cli->utc);
    return CLI_OK;
}

/* Circuits of a file and by name, as both questions take them. */
static int
read_circuits(struct cli *cli, json_t **circuits)
{
    const char *file = cli_option(cli, "file");
    size_t n = cli->args.n_arguments;
    *circuits = NULL;
    if (!file && !n)
        return cli_fail(cli, CLI_USAGE, "which circuits? NAME... or -f FILE");
    int status = file ? document_read(cli, &kind_circuit, file, circuits) : CLI_OK;
    if (!status && !*circuits)
        *circuits = json_array();
    for (size_t i = 0; !status && i < n; i++)
        json_array_append_new(*circuits, jsontext_string(cli_argument(cli, i)));
    return status;
}

int
cmd_circuit_what_if(struct cli *cli)
{
    const json_t *answer;
    json_t *circuits;
    int status = read_circuits(cli, &circuits);
    if (!status)
        status = cli_call(cli, "POST", http_path("what-if", NULL),
                          json_pack("{s:o}", "circuits", circuits), &answer);
    if (status)
        return status;
    status = json_is_true(json_object_get(answer, "ok")) ? CLI_OK : CLI_FAILED;
    if (cli_json(cli))
        return status;
    plan_text(&cli->out, answer, cli_has(cli, "changes"));
    findings_text(&cli->out, json_object_get(answer, "findings"));
    return status;
}

static void
put_use(struct buf *out, const json_t *link, bool utc UNUSED)
{
    json_int_t capacity = json_integer_value(json_object_get(link, "capacity-kbps"));
    json_int_t after = json_integer_value(json_object_get(link, "after-kbps"));
    buf_printf(out, "%.1f %%", capacity ? 100.0 * (double)after / (double)capacity : 0.0);
}

int
cmd_circuit_fit(struct cli *cli)
{
    static const struct column circuits_columns[] = {
        {"CIRCUIT", "circuit", AS_TEXT, NULL}, {"FITS", "fits", AS_YES, NULL},
        {"LIMIT", "limit", AS_TEXT, NULL},     {"LINKS", "links", AS_TEXT, NULL},
        {"REASON", "reason", AS_TEXT, NULL},   {NULL, NULL, AS_TEXT, NULL},
    };
    static const struct column links_columns[] = {
        {"LINK", "link", AS_TEXT, NULL},
        {">KBIT/S", "capacity-kbps", AS_TEXT, NULL},
        {">BEFORE", "before-kbps", AS_TEXT, NULL},
        {">AFTER", "after-kbps", AS_TEXT, NULL},
        {">USE", NULL, AS_TEXT, put_use},
        {">LIMITS CIRCUITS", "limits", AS_TEXT, NULL},
        {NULL, NULL, AS_TEXT, NULL},
    };
    static const struct column order_columns[] = {
        {"ORDER", "order", AS_TEXT, NULL},
        {">FIT", "n-fit", AS_TEXT, NULL},
        {">KBIT/S", "rate-kbps", AS_TEXT, NULL},
        {NULL, NULL, AS_TEXT, NULL},
    };
    const json_t *answer, *one;
    json_t *circuits, *shown = json_array();
    size_t i;
    int status = read_circuits(cli, &circuits);
    if (!status)
        status = cli_call(
            cli, "POST", http_path("fit", NULL),
            json_pack("{s:o, s:b}", "circuits", circuits, "orders", cli_has(cli, "orders")),
            &answer);
    if (status || cli_json(cli)) {
        json_decref(shown);
        return status;
    }
    buf_printf(&cli->out, "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " circuits fit\n",
               json_integer_value(json_object_get(answer, "n-fit")),
               json_integer_value(json_object_get(answer, "n")));
    json_array_foreach(json_object_get(answer, "circuits"), i, one)
    {
        if (cli_has(cli, "all") || !json_is_true(json_object_get(one, "fits")))
            json_array_append(shown, (json_t *)(uintptr_t)one);
    }
    if (json_array_size(shown))
        table_put_array(&cli->out, shown, circuits_columns, cli->utc);
    json_decref(shown);
    if (json_array_size(json_object_get(answer, "orders")))
        table_put_array(&cli->out, json_object_get(answer, "orders"), order_columns, cli->utc);
    table_put_array(&cli->out, json_object_get(answer, "links"), links_columns, cli->utc);
    return CLI_OK;
}

static const struct column end_columns[] = {
    {"CIRCUIT", "circuit", AS_TEXT, NULL},
    {"VERDICT", "verdict", AS_TEXT, NULL},
    {"PATH", "path", AS_TEXT, NULL},
    {"DIRECTION", "direction", AS_TEXT, NULL},
    {"RECEIVER", "receiver", AS_TEXT, NULL},
    {">LOST/SENT", NULL, AS_TEXT, put_loss},
    {">LATENCY", "latency-p50-ns", AS_NSEC, NULL},
    {">FINGERPRINT", "fingerprint-p50-ns", AS_NSEC, NULL},
    {">ALLOWED", "allowed-max-ns", AS_NSEC, NULL},
    {"LAST", "last", AS_TIME, NULL},
    {"NOT WATCHED", "reason", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

/* A row of its own for each end of each path; one for a circuit of which nothing is known. */
static void
add_rows(json_t *rows, const json_t *circuit)
{
    static const char *const ours[] = {"circuit", "last", "reason", "verdict"};
    json_t *path, *end, *head = json_object();
    size_t i, j, before = json_array_size(rows);
    for (i = 0; i < ARRAY_SIZE(ours); i++)
        json_object_set(head, ours[i], json_object_get(circuit, ours[i]));
    json_array_foreach(json_object_get(circuit, "paths"), i, path)
    {
        json_array_foreach(json_object_get(path, "ends"), j, end)
        {
            json_t *row = json_copy(head);
            json_object_set(row, "path", json_object_get(path, "path"));
            json_object_set(row, "verdict", json_object_get(path, "verdict"));
            json_object_update_missing(row, end);
            json_array_append_new(rows, row);
        }
    }
    if (json_array_size(rows) == before)
        json_array_append(rows, head);
    json_decref(head);
}

int
cmd_test_list(struct cli *cli)
{
    const json_t *document, *circuit;
    size_t i;
    int status = cli_get(cli, http_path("assurance", NULL), &document);
    if (status || cli_json(cli))
        return status;
    json_t *rows = json_array();
    json_array_foreach(json_object_get(document, "circuits"), i, circuit) add_rows(rows, circuit);
    table_put_array(&cli->out, rows, end_columns, cli->utc);
    json_decref(rows);
    return CLI_OK;
}
