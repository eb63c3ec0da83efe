/* What people at a site decide while it is cut off. */
#include "cli/cmd.h"

#include <stdlib.h>

static const struct column local_columns[] = {
    {">ID", "id", AS_TEXT, NULL},
    {"SITE", "site", AS_TEXT, NULL},
    {"ACTION", "action", AS_TEXT, NULL},
    {"CIRCUIT", "circuit", AS_TEXT, NULL},
    {"STATE", "state", AS_TEXT, NULL},
    {"REASON", "reason", AS_TEXT, NULL},
    {"BY", "asked.by", AS_TEXT, NULL},
    {"AGREED", "agreed.by", AS_TEXT, NULL},
    {"UNTIL", "until", AS_TIME, NULL},
    {"CONFLICT", "conflict.type", AS_TEXT, NULL},
    {"WHY", "asked.comment", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static const struct column policy_fields[] = {
    {"local work", "policy", AS_TEXT, NULL},
    {"hours", "hours", AS_TEXT, NULL},
    {"in conflict", "conflict", AS_TEXT, NULL},
    {"cut off", "cut-off", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static const struct column work_fields[] = {
    {"local work", "id", AS_TEXT, NULL}, {"circuit", "circuit", AS_TEXT, NULL},
    {"action", "action", AS_TEXT, NULL}, {"state", "state", AS_TEXT, NULL},
    {"until", "until", AS_TIME, NULL},   {"based on", "based-on", AS_TEXT, NULL},
    {"hash", "hash", AS_TEXT, NULL},     {NULL, NULL, AS_TEXT, NULL},
};

int
cmd_local_list(struct cli *cli)
{
    const json_t *document;
    int status = cli_get(cli, http_path("local", NULL), &document);
    if (status || cli_json(cli))
        return status;
    fields_put(&cli->out, document, policy_fields, cli->utc);
    buf_str(&cli->out, "\n");
    table_put_array(&cli->out, json_object_get(document, "works"), local_columns, cli->utc);
    return CLI_OK;
}

/* Posts {comment, ...}, and shows the work that comes back. Consumes path and body. */
static int
post(struct cli *cli, char *path, json_t *body)
{
    const json_t *work;
    const char *comment = cli_option(cli, "comment"), *hours = cli_option(cli, "hours");
    if (comment)
        json_object_set_new(body, "comment", json_string(comment));
    if (hours)
        json_object_set_new(body, "hours", json_integer(strtol(hours, NULL, 10)));
    if (cli_has(cli, "even-if-connected"))
        json_object_set_new(body, "even-if-connected", json_true());
    int status = cli_call(cli, "POST", path, body, &work);
    if (!status && !cli_json(cli))
        fields_put(&cli->out, work, work_fields, cli->utc);
    return status;
}

static int
post_about(struct cli *cli, const char *kind, const char *verb)
{
    int status = cli_need(cli, "comment", "why");
    return status ? status
                  : post(cli, http_path(kind, cli_argument(cli, 0), verb, NULL), json_object());
}

int
cmd_circuit_stop(struct cli *cli)
{
    return post_about(cli, "circuits", "stop");
}

int
cmd_circuit_resume(struct cli *cli)
{
    return post_about(cli, "circuits", "resume");
}

int
cmd_local_build(struct cli *cli)
{
    return post_about(cli, "circuits", "local-build");
}

int
cmd_local_end(struct cli *cli)
{
    return post_about(cli, "local", "end");
}

int
cmd_local_agree(struct cli *cli)
{
    int status = cli_need(cli, "hash", "what you have looked at");
    return status ? status
                  : post(cli, http_path("local", cli_argument(cli, 0), "agree", NULL),
                         cli_object("hash", cli_option(cli, "hash"), NULL));
}
