/* Who may, who asks, how the server is; and the command line about itself. */
#include "cli/cmd.h"

#include <string.h>

static void
put_users(struct cli *cli, const json_t *users)
{
    static const struct column columns[] = {
        {"NAME", "name", AS_TEXT, NULL},       {"ROLES", "roles", AS_TEXT, NULL},
        {"SITES", "sites", AS_TEXT, NULL},     {"GRANTED BY", "granted-by", AS_TEXT, NULL},
        {"GRANTED", "granted", AS_TIME, NULL}, {NULL, NULL, AS_TEXT, NULL},
    };
    const char *name;
    json_t *value, *list = json_array();
    if (json_is_array(users))
        json_array_extend(list, (json_t *)(uintptr_t)users);
    json_object_foreach((json_t *)(uintptr_t)users, name, value)
    {
        const json_t *roles = json_is_array(value) ? value : json_object_get(value, "roles");
        json_array_append_new(list, json_pack("{s:s, s:O?, s:O?}", "name", name, "roles", roles,
                                              "sites", json_object_get(value, "sites")));
    }
    table_put_array(&cli->out, list, columns, cli->utc);
    json_decref(list);
}

int
cmd_user_list(struct cli *cli)
{
    const json_t *document;
    int status = cli_get(cli, http_path("users", NULL), &document);
    if (status || cli_json(cli))
        return status;
    put_users(cli, json_object_get(document, "users"));
    return CLI_OK;
}

int
cmd_user_put(struct cli *cli)
{
    const json_t *answer;
    const char *name = cli_argument(cli, 0);
    if (!cli_has(cli, "role"))
        return cli_fail(cli, CLI_USAGE, "user put needs --role ROLE");
    json_t *body = json_pack("{s:o}", "roles", cli_values(cli, "role"));
    if (cli_has(cli, "site"))
        json_object_set_new(body, "sites", cli_values(cli, "site"));
    int status = cli_call(cli, "PUT", http_path("users", name, NULL), body, &answer);
    return status ? status : cli_done(cli, "done");
}

int
cmd_user_remove(struct cli *cli)
{
    const json_t *answer;
    const char *name = cli_argument(cli, 0);
    int status = cli_call(cli, "DELETE", http_path("users", name, NULL), NULL, &answer);
    return status ? status : cli_done(cli, "user %s is removed", name);
}

int
cmd_whoami(struct cli *cli)
{
    static const struct column fields[] = {
        {"name", "name", AS_TEXT, NULL},
        {"roles", "roles", AS_TEXT, NULL},
        {"by", "right.kind", AS_TEXT, NULL},
        {"id", "right.id", AS_TEXT, NULL},
        {"issuer", "right.issuer", AS_TEXT, NULL},
        {"until", "right.until", AS_TIME, NULL},
        {"site", "site", AS_TEXT, NULL},
        {"server", "version", AS_TEXT, NULL},
        {NULL, NULL, AS_TEXT, NULL},
    };
    const json_t *document;
    int status = cli_get(cli, http_path("whoami", NULL), &document);
    if (status || cli_json(cli))
        return status;
    fields_put(&cli->out, document, fields, cli->utc);
    return CLI_OK;
}

int
cmd_health(struct cli *cli)
{
    static const struct column fields[] = {
        {"well", "ok", AS_YES, NULL},
        {"journal", "journal.ok", AS_YES, NULL},
        {"why not", "journal.why", AS_TEXT, NULL},
        {"last event", "journal.seq", AS_TEXT, NULL},
        {"nodes adopted", "nodes.adopted", AS_TEXT, NULL},
        {"nodes known", "nodes.known", AS_TEXT, NULL},
        {"nodes unknown", "nodes.why", AS_TEXT, NULL},
        {"users", "users.ok", AS_YES, NULL},
        {"users unknown", "users.why", AS_TEXT, NULL},
        {"open orders", "orders-open", AS_TEXT, NULL},
        {"open exceptions", "exceptions-open", AS_TEXT, NULL},
        {NULL, NULL, AS_TEXT, NULL},
    };
    const json_t *document;
    int status = cli_get(cli, http_path("health", NULL), &document);
    if (status)
        return status;
    status = json_is_false(json_object_get(document, "ok")) ? CLI_FAILED : CLI_OK;
    if (!cli_json(cli))
        fields_put(&cli->out, document, fields, cli->utc);
    return status;
}

int
cmd_version(struct cli *cli)
{
    if (cli->json)
        cli_print(cli, json_pack("{s:s}", "version", TIELINE_VERSION));
    else
        buf_str(&cli->out, "tieline " TIELINE_VERSION "\n");
    return CLI_OK;
}

int
cmd_help(struct cli *cli)
{
    const char *noun = cli_argument(cli, 0), *verb = cli_argument(cli, 1);
    if (cli_has(cli, "manual")) {
        cli_manual_put(cli->commands, &cli->out);
        return CLI_OK;
    }
    if (cli_help_put(cli->commands, noun, verb, &cli->out))
        return cli_fail(cli, CLI_USAGE, "there is no \"%s%s%s\"; see tieline help", noun,
                        verb ? " " : "", verb ? verb : "");
    return CLI_OK;
}

int
cmd_completion(struct cli *cli)
{
    const char *shell = cli_argument(cli, 0);
    if (cli_completion_put(cli->commands, shell, &cli->out))
        return cli_fail(cli, CLI_USAGE, "completion is for bash, not for \"%s\"", shell);
    return CLI_OK;
}
