/* VPNs: what their routers would get, how these differ from it, and orders that change them. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "cli/cli_plan.h"

#include <stdlib.h>
#include <string.h>

/* False: --version is no number. */
static bool
put_version(struct cli *cli, json_t *object, int *status)
{
    const char *text = cli_option(cli, "version");
    char *end = NULL;
    long number = text ? strtol(text, &end, 10) : 0;
    *status = CLI_OK;
    if (text && (*end || number < 1))
        *status = cli_fail(cli, CLI_USAGE, "--version: a number is expected");
    else if (text)
        json_object_set_new(object, "version", json_integer(number));
    return !*status;
}

int
cmd_vpn_config(struct cli *cli)
{
    const json_t *answer;
    int status;
    json_t *body = json_object();
    if (!put_version(cli, body, &status)) {
        json_decref(body);
        return status;
    }
    char *path = http_path("vpns", cli_argument(cli, 0), "dry-run", NULL);
    status = cli_call(cli, "POST", path, body, &answer);
    if (status || cli_json(cli))
        return status;
    plan_vpn_text(&cli->out, answer);
    return CLI_OK;
}

int
cmd_vpn_change(struct cli *cli)
{
    int status;
    json_t *input = json_pack("{s[]}", "vpns");
    for (size_t i = 0; i < cli->args.n_arguments; i++)
        json_array_append_new(json_object_get(input, "vpns"), json_string(cli_argument(cli, i)));
    if (!put_version(cli, input, &status)) {
        json_decref(input);
        return status;
    }
    return work_order(cli, "vpn-change", input);
}

static void
put_lines(struct cli *cli, const char *before, const json_t *texts)
{
    const json_t *text;
    size_t i;
    json_array_foreach(texts, i, text)
    {
        buf_str(&cli->out, before);
        text_put(&cli->out, json_string_value(text), true);
        buf_str(&cli->out, "\n");
    }
}

/* Is it as it was built, and does it work? */
static int
drift_status(const json_t *answer)
{
    return json_is_true(json_object_get(answer, "ok")) &&
                   !json_is_false(json_object_get(answer, "works"))
               ? CLI_OK
               : CLI_FAILED;
}

static int
put_drift(struct cli *cli, const json_t *answer)
{
    const json_t *router;
    size_t i;
    json_array_foreach(json_object_get(answer, "routers"), i, router)
    {
        const json_t *list = json_object_get(router, "differences");
        const char *reason = text_of(router, "reason");
        text_put(&cli->out, text_of(router, "router"), true);
        buf_str(&cli->out, *reason ? ": not known: " : json_array_size(list) ? ":" : ": as built");
        text_put(&cli->out, reason, true);
        buf_str(&cli->out, "\n");
        put_lines(cli, "  ", list);
        put_lines(cli, "  fault: ", json_object_get(router, "faults"));
    }
    return drift_status(answer);
}

int
cmd_vpn_drift(struct cli *cli)
{
    const json_t *answer;
    int status = cli_get(cli, http_path("vpns", cli_argument(cli, 0), "drift", NULL), &answer);
    if (status)
        return status;
    return cli_json(cli) ? drift_status(answer) : put_drift(cli, answer);
}

int
cmd_vpn_restore(struct cli *cli)
{
    static const struct column columns[] = {{"ROUTER", "router", AS_TEXT, NULL},
                                            {"OUTCOME", "outcome", AS_TEXT, NULL},
                                            {NULL, NULL, AS_TEXT, NULL}};
    const json_t *answer;
    char *path = http_path("vpns", cli_argument(cli, 0), "restore", NULL);
    int status = cli_call(cli, "POST", path, NULL, &answer);
    if (status || cli_json(cli))
        return status;
    table_put_array(&cli->out, json_object_get(answer, "routers"), columns, cli->utc);
    return CLI_OK;
}
