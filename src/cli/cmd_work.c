/* Work orders: what they are, and deciding about them. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "cli/cli_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const json_t *
work_steps(const json_t *order)
{
    return text_member(order, "step|steps");
}

const json_t *
work_approvals(const json_t *order)
{
    return text_member(order, "approval|approvals");
}

static const struct column order_columns[] = {
    {">ID", "id", AS_TEXT, NULL},
    {"WORKFLOW", "workflow", AS_TEXT, NULL},
    {"STATE", "state", AS_TEXT, NULL},
    {"REQUESTER", "requester", AS_TEXT, NULL},
    {"CREATED", "created", AS_TIME, NULL},
    {"CLOSED", "closed", AS_TIME, NULL},
    {"CIRCUITS", "circuits", AS_TEXT, NULL},
    {"COMMENT", "comment", AS_TEXT, NULL},
    {"ERROR", "error", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static void
put_few(struct buf *out, const json_t *names, bool utc)
{
    json_t *few = json_array(), *name;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)names, i, name)
    {
        if (i < 8)
            json_array_append(few, name);
    }
    text_put_value(out, few, AS_TEXT, utc);
    if (json_array_size(names) > 8)
        buf_printf(out, " and %zu more", json_array_size(names) - 8);
    json_decref(few);
}

static const struct column order_fields[] = {
    {"order", "id", AS_TEXT, NULL},
    {"workflow", "workflow", AS_TEXT, NULL},
    {"state", "state", AS_TEXT, NULL},
    {"requester", "requester", AS_TEXT, NULL},
    {"comment", "comment", AS_TEXT, NULL},
    {"created", "created", AS_TIME, NULL},
    {"closed", "closed", AS_TIME, NULL},
    {"circuits", "circuits", AS_TEXT, put_few},
    {"window start", "plan.shown.window-start", AS_TIME, NULL},
    {"window end", "plan.shown.window-end", AS_TIME, NULL},
    {"plan", "plan-hash|plan.hash", AS_TEXT, NULL},
    {"error", "error", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static void
put_items(struct buf *out, const json_t *step, bool utc)
{
    const json_t *items = json_object_get(step, "items");
    const json_t *done = json_object_get(step, "items-done");
    if (json_integer_value(items) < 1)
        return;
    buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(done));
    buf_str(out, "/");
    text_put_value(out, items, AS_TEXT, utc);
}

static void
put_took(struct buf *out, const json_t *step, bool utc UNUSED)
{
    nsec_t started, finished;
    if (!time_parse(text_of(step, "started"), &started) &&
        !time_parse(text_of(step, "finished"), &finished))
        text_put_duration(out, finished - started);
}

static const struct column step_columns[] = {
    {"STEP", "name", AS_TEXT, NULL},
    {"KIND", "kind", AS_TEXT, NULL},
    {"STATE", "state", AS_TEXT, NULL},
    {">ITEMS", NULL, AS_TEXT, put_items},
    {"STARTED", "started", AS_TIME, NULL},
    {">TOOK", NULL, AS_TEXT, put_took},
    {">ATTEMPTS", "attempts", AS_TEXT, NULL},
    {"ERROR", "error", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static const struct column approval_columns[] = {
    {"APPROVAL", "step", AS_TEXT, NULL},   {"ROLE", "role", AS_TEXT, NULL},
    {"STATE", "state", AS_TEXT, NULL},     {"PERSON", "person", AS_TEXT, NULL},
    {"TIME", "time", AS_TIME, NULL},       {"HASH", "hash", AS_HASH, NULL},
    {"EXPIRES", "expires", AS_TIME, NULL}, {"COMMENT", "comment", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

int
cmd_work_list(struct cli *cli)
{
    const json_t *document;
    char *path = http_path("orders", NULL);
    http_query(&path, "open", cli_has(cli, "open") ? "true" : NULL);
    int status = cli_get(cli, path, &document);
    if (status || cli_json(cli))
        return status;
    table_put_array(&cli->out, json_object_get(document, "orders"), order_columns, cli->utc);
    return CLI_OK;
}

/* ---- show --------------------------------------------------------------------------------------
 */

static void
put_order(struct cli *cli, const json_t *order)
{
    fields_put(&cli->out, order, order_fields, cli->utc);
    if (json_array_size(work_steps(order))) {
        buf_str(&cli->out, "\n");
        table_put_array(&cli->out, work_steps(order), step_columns, cli->utc);
    }
    if (json_array_size(work_approvals(order))) {
        buf_str(&cli->out, "\n");
        table_put_array(&cli->out, work_approvals(order), approval_columns, cli->utc);
    }
}

static void
put_plan(struct cli *cli, const json_t *order, bool changes)
{
    const json_t *plan = json_object_get(order, "plan");
    buf_str(&cli->out, "\n");
    plan_text(&cli->out, plan, changes);
}

int
cmd_work_show(struct cli *cli)
{
    const json_t *order;
    int status = cli_get(cli, http_path("orders", cli_argument(cli, 0), NULL), &order);
    if (status || cli_json(cli))
        return status;
    put_order(cli, order);
    put_plan(cli, order, cli_has(cli, "changes"));
    return CLI_OK;
}

/* ---- deciding ----------------------------------------------------------------------------------
 */

static bool
is_asked(const json_t *approval, const char *step)
{
    return !strcmp(text_of(approval, "state"), "asked") &&
           (!step || !strcmp(text_of(approval, "step"), step));
}

bool
work_put_asked(struct buf *out, const json_t *order)
{
    const json_t *approval, *approvals = work_approvals(order);
    size_t i, n = 0;
    json_array_foreach(approvals, i, approval)
    {
        if (!is_asked(approval, NULL))
            continue;
        if (n++ == 0) {
            buf_str(out, "order ");
            text_put_value(out, json_object_get(order, "id"), AS_TEXT, true);
            buf_str(out, " waits for approval as ");
        } else {
            buf_str(out, " and ");
        }
        text_put(out, text_of(approval, "role"), false);
    }
    if (n) {
        buf_str(out, ": tieline work approve ");
        text_put_value(out, json_object_get(order, "id"), AS_TEXT, true);
    }
    return n > 0;
}

/* The hash that is asked for; "" if nothing is. */
static const char *
asked_hash(const json_t *order, const char *step)
{
    const json_t *approval;
    size_t i;
    json_array_foreach(work_approvals(order), i, approval)
    {
        if (is_asked(approval, step))
            return text_of(approval, "hash");
    }
    return "";
}

/* Shows what is approved, and asks. */
static int
ask_approval(struct cli *cli, const json_t *order, const char *hash)
{
    if (cli_has(cli, "yes"))
        return CLI_OK;
    put_order(cli, order);
    put_plan(cli, order, false);
    buf_printf(&cli->out, "\nTo be approved: the plan with the hash\n  ");
    text_put(&cli->out, hash, false);
    buf_str(&cli->out, "\n");
    int status = cli_flush(cli);
    if (status)
        return status;
    if (cli_confirm("Approve it?"))
        return CLI_OK;
    return cli_fail(cli, CLI_FAILED,
                    "not approved; without a terminal, --hash HASH says what was looked at, or "
                    "--yes takes whatever it is");
}

static int
find_hash(struct cli *cli, const char *id, char **hash)
{
    const json_t *order;
    int status = cli_get(cli, http_path("orders", id, NULL), &order);
    if (status)
        return status;
    const char *asked = asked_hash(order, cli_option(cli, "step"));
    if (!*asked)
        return cli_fail(cli, CLI_FAILED, "order %s is %s and waits for no approval%s%s", id,
                        text_of(order, "state"), cli_has(cli, "step") ? " of step " : "",
                        cli_has(cli, "step") ? cli_option(cli, "step") : "");
    status = ask_approval(cli, order, asked);
    if (!status)
        *hash = xstrdup(asked);
    return status;
}

static int
decide(struct cli *cli, const char *decision, const char *hash)
{
    const json_t *answer;
    json_t *order;
    const char *id = cli_argument(cli, 0);
    json_t *body = cli_object("decision", decision, "hash", hash, "role", cli_option(cli, "role"),
                              "step", cli_option(cli, "step"), "comment",
                              cli_option(cli, "comment"), NULL);
    int status = cli_call(cli, "POST", http_path("orders", id, "decisions", NULL), body, &answer);
    if (status || cli_json(cli))
        return status;
    buf_printf(&cli->out, "%s\n", *decision == 'a' ? "approved" : "refused");
    if (cli_look(cli, http_path("orders", id, NULL), &order))
        return CLI_OK;
    if (work_put_asked(&cli->out, order))
        buf_str(&cli->out, "\n");
    json_decref(order);
    return CLI_OK;
}

int
cmd_work_approve(struct cli *cli)
{
    const char *given = cli_option(cli, "hash");
    char *hash = NULL;
    int status = given ? CLI_OK : find_hash(cli, cli_argument(cli, 0), &hash);
    if (!status)
        status = decide(cli, "approve", given ? given : hash);
    free(hash);
    return status;
}

int
cmd_work_refuse(struct cli *cli)
{
    const json_t *order;
    const char *hash = cli_option(cli, "hash");
    char *asked = NULL;
    if (!hash) { /* nothing is let through by refusing: what is asked for now is what is meant */
        int status = cli_get(cli, http_path("orders", cli_argument(cli, 0), NULL), &order);
        if (status)
            return status;
        asked = xstrdup(asked_hash(order, cli_option(cli, "step")));
        hash = asked;
    }
    int status = *hash ? decide(cli, "refuse", hash)
                       : cli_fail(cli, CLI_FAILED, "order %s waits for no approval",
                                  cli_argument(cli, 0));
    free(asked);
    return status;
}

int
cmd_work_cancel(struct cli *cli)
{
    const json_t *answer;
    const char *id = cli_argument(cli, 0);
    json_t *body = cli_object("comment", cli_option(cli, "comment"), NULL);
    int status = cli_call(cli, "POST", http_path("orders", id, "cancel", NULL), body, &answer);
    return status ? status : cli_done(cli, "order %s is being cancelled", id);
}

/* ---- submitting --------------------------------------------------------------------------------
 */

int
work_order(struct cli *cli, const char *workflow, json_t *input)
{
    const json_t *answer;
    const char *until = cli_option(cli, "until");
    json_t *body = cli_object("workflow", workflow, "comment", cli_option(cli, "comment"), NULL);
    json_object_set_new(body, "input", input);
    int status = cli_call(cli, "POST", http_path("orders", NULL), body, &answer);
    if (status)
        return status;
    json_int_t id = json_integer_value(json_object_get(answer, "id"));
    if (until && !strcmp(until, "submitted"))
        return cli_done(cli, "order %" JSON_INTEGER_FORMAT, id);
    char text[32];
    snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, id);
    return work_follow(cli, text, !until || strcmp(until, "closed") != 0);
}

int
cmd_work_submit(struct cli *cli)
{
    json_t *input = NULL;
    const char *file = cli_option(cli, "input");
    int status = file ? cli_read_json(cli, file, &input) : CLI_OK;
    if (!status && !file)
        input = json_object();
    if (!status && !json_is_object(input)) {
        json_decref(input);
        status = cli_fail(cli, CLI_FAILED, "%s: the input is a JSON object", file);
    }
    return status ? status : work_order(cli, cli_argument(cli, 0), input);
}

static const struct column workflow_columns[] = {
    {"NAME", "name", AS_TEXT, NULL},
    {"TITLE", "title", AS_TEXT, NULL},
    {"DESCRIPTION", "description", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

int
cmd_work_workflows(struct cli *cli)
{
    const json_t *document;
    int status = cli_get(cli, http_path("workflows", NULL), &document);
    if (status || cli_json(cli))
        return status;
    table_put_array(&cli->out, json_object_get(document, "workflows"), workflow_columns, cli->utc);
    return CLI_OK;
}
