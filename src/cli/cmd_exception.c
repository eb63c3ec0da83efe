#include "cli/cmd.h"

static const struct column exception_columns[] = {
    {">ID", "id", AS_TEXT, NULL},        {"SEVERITY", "severity", AS_TEXT, NULL},
    {"STATE", "state", AS_TEXT, NULL},   {"KIND", "kind", AS_TEXT, NULL},
    {"OBJECT", "object", AS_TEXT, NULL}, {">COUNT", "count", AS_TEXT, NULL},
    {"LAST", "last", AS_TIME, NULL},     {">ORDER", "order", AS_TEXT, NULL},
    {"TEXT", "text", AS_TEXT, NULL},     {NULL, NULL, AS_TEXT, NULL},
};

static const struct column exception_fields[] = {
    {"exception", "id", AS_TEXT, NULL},
    {"kind", "kind", AS_TEXT, NULL},
    {"severity", "severity", AS_TEXT, NULL},
    {"state", "state", AS_TEXT, NULL},
    {"object", "object", AS_TEXT, NULL},
    {"text", "text", AS_TEXT, NULL},
    {"first", "first", AS_TIME, NULL},
    {"last", "last", AS_TIME, NULL},
    {"count", "count", AS_TEXT, NULL},
    {"acknowledged by", "acknowledged-by", AS_TEXT, NULL},
    {"comment", "comment", AS_TEXT, NULL},
    {"closed", "closed", AS_TIME, NULL},
    {"closed by", "closed-by", AS_TEXT, NULL},
    {"reason", "closed-reason", AS_TEXT, NULL},
    {"order", "order", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static const struct column evidence_columns[] = {
    {"EVIDENCE", "name", AS_TEXT, NULL},
    {"VALUE", "value", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

int
cmd_exception_list(struct cli *cli)
{
    const json_t *document, *exception;
    size_t i;
    const char *state = cli_option(cli, "state");
    char *path = http_path("exceptions", NULL);
    http_query(&path, "state", state);
    int status = cli_get(cli, path, &document);
    if (status)
        return status;
    json_t *chosen = json_array();
    json_array_foreach(json_object_get(document, "exceptions"), i, exception)
    {
        bool closed = json_is_string(json_object_get(exception, "state")) &&
                      *text_of(exception, "state") == 'c';
        if (state || cli_has(cli, "all") || !closed)
            json_array_append(chosen, (json_t *)(uintptr_t)exception);
    }
    if (cli->json) {
        cli_print(cli, json_pack("{s:o}", "exceptions", chosen));
        return CLI_OK;
    }
    table_put_array(&cli->out, chosen, exception_columns, cli->utc);
    json_decref(chosen);
    return CLI_OK;
}

static void
put_evidence(struct cli *cli, const json_t *evidence)
{
    const char *name;
    json_t *value, *list = json_array();
    if (json_is_array(evidence))
        json_array_extend(list, (json_t *)(uintptr_t)evidence);
    json_object_foreach((json_t *)(uintptr_t)evidence, name, value)
        json_array_append_new(list, json_pack("{s:s, s:O}", "name", name, "value", value));
    if (json_array_size(list)) {
        buf_str(&cli->out, "\n");
        table_put_array(&cli->out, list, evidence_columns, cli->utc);
    }
    json_decref(list);
}

int
cmd_exception_show(struct cli *cli)
{
    const json_t *exception;
    int status = cli_get(cli, http_path("exceptions", cli_argument(cli, 0), NULL), &exception);
    if (status || cli_json(cli))
        return status;
    fields_put(&cli->out, exception, exception_fields, cli->utc);
    put_evidence(cli, json_object_get(exception, "evidence"));
    return CLI_OK;
}

static int
tell(struct cli *cli, const char *verb, const char *member, const char *option)
{
    const json_t *answer;
    const char *id = cli_argument(cli, 0), *text = cli_option(cli, option);
    if (!text)
        return cli_fail(cli, CLI_USAGE, "exception %s needs --%s", verb, option);
    return cli_call(cli, "POST", http_path("exceptions", id, verb, NULL),
                    cli_object(member, text, NULL), &answer);
}

int
cmd_exception_acknowledge(struct cli *cli)
{
    int status = tell(cli, "acknowledge", "comment", "comment");
    return status ? status : cli_done(cli, "exception %s is acknowledged", cli_argument(cli, 0));
}

int
cmd_exception_close(struct cli *cli)
{
    int status = tell(cli, "close", "reason", "reason");
    return status ? status : cli_done(cli, "exception %s is closed", cli_argument(cli, 0));
}
