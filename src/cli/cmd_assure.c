/* Tests, fingerprints, and what would be if. */
#include "cli/cmd.h"

#include "cli/cli_problem.h"

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

/* Is there an error among the findings, or a proof that says no? */
static bool
is_refuted(const json_t *answer)
{
    size_t i;
    const json_t *finding, *proof = json_object_get(answer, "proof");
    const json_t *ok = json_object_get(proof, "ok");
    json_array_foreach(json_object_get(answer, "findings"), i, finding)
    {
        if (!strcmp(text_of(finding, "severity"), "error"))
            return true;
    }
    return json_is_false(ok) || json_array_size(json_object_get(proof, "violations")) > 0;
}

int
cmd_circuit_what_if(struct cli *cli)
{
    static const char *const parts[] = {"size", "design", "proof"};
    const json_t *answer, *part;
    json_t *circuits;
    const char *file = cli_option(cli, "file");
    if (!file)
        return cli_fail(cli, CLI_USAGE, "circuit what-if needs -f FILE");
    int status = document_read(cli, &kind_circuit, file, &circuits);
    if (!status)
        status = cli_call(cli, "POST", http_path("what-if", NULL),
                          json_pack("{s:o}", "circuits", circuits), &answer);
    if (status)
        return status;
    status = is_refuted(answer) ? CLI_FAILED : CLI_OK;
    if (cli_json(cli))
        return status;
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        part = json_object_get(answer, parts[i]);
        if (!part)
            continue;
        buf_printf(&cli->out, "%s\n", parts[i]);
        tree_put(&cli->out, part, 2);
    }
    findings_text(&cli->out, json_object_get(answer, "findings"));
    return status;
}

static void
put_verdict(struct buf *out, const json_t *circuit, bool utc)
{
    const json_t *ok = json_object_get(circuit, "ok");
    if (json_is_boolean(ok))
        buf_str(out, json_is_true(ok) ? "passed" : "failed");
    else
        text_put_value(out, text_member(circuit, "verdict|state"), AS_TEXT, utc);
}

static const struct column circuit_columns[] = {
    {"CIRCUIT", "circuit|name", AS_TEXT, NULL},
    {"VERDICT", NULL, AS_TEXT, put_verdict},
    {"TESTED", "time|tested|last", AS_TIME, NULL},
    {"REASON", "reason", AS_TEXT, NULL},
    {">LOST", "lost", AS_TEXT, NULL},
    {">LATENCY", "latency-p50-ns|latency-ns", AS_NSEC, NULL},
    {"NEXT", "next", AS_TIME, NULL},
    {"FINDINGS", "findings", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

int
cmd_test_list(struct cli *cli)
{
    const json_t *document;
    int status = cli_get(cli, http_path("assurance", NULL), &document);
    if (status || cli_json(cli))
        return status;
    table_put_array(&cli->out, json_object_get(document, "circuits"), circuit_columns, cli->utc);
    return CLI_OK;
}
