/* What sensors have learned of who talks with whom, and what people say of that. */
#include "cli/cmd.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS 1000 /* if it is not said */

/* ---- Cells of a function of a pair ---- */

/* "address 0-99, unit 1"; of what has no numbers the first names. */
static void
put_objects(struct buf *out, const json_t *row, bool utc UNUSED)
{
    const char *name, *separator = "";
    json_t *span;
    json_object_foreach(json_object_get(row, "range"), name, span)
    {
        double low = json_number_value(json_array_get(span, 0)),
               high = json_number_value(json_array_get(span, 1));
        buf_str(out, separator);
        text_put(out, name, false);
        buf_printf(out, low < high ? " %.0f-%.0f" : " %.0f", low, high);
        separator = ", ";
    }
    if (*separator)
        return;
    for (size_t i = 0; i < json_array_size(json_object_get(row, "examples")); i++) {
        buf_str(out, i ? "; " : "");
        text_put(out, json_string_value(json_array_get(json_object_get(row, "examples"), i)),
                 false);
    }
}

static void
put_values(struct buf *out, const json_t *row, bool utc UNUSED)
{
    const json_t *span = json_object_get(row, "values");
    if (json_array_size(span) == 2)
        buf_printf(out, "%.6g to %.6g", json_number_value(json_array_get(span, 0)),
                   json_number_value(json_array_get(span, 1)));
}

/* "1 s, +-2 ms" */
static void
put_period(struct buf *out, const json_t *row, bool utc UNUSED)
{
    const json_t *period = json_object_get(row, "period");
    if (!period)
        return;
    text_put_duration(out, (nsec_t)(json_number_value(period) * (double)NSEC_PER_SEC));
    buf_str(out, ", +-");
    text_put_duration(
        out, (nsec_t)(json_number_value(json_object_get(row, "jitter")) * (double)NSEC_PER_SEC));
}

static const struct column columns[] = {
    {"SENSOR", "sensor", AS_TEXT, NULL},
    {"CLIENT", "client", AS_TEXT, NULL},
    {"SERVER", "server", AS_TEXT, NULL},
    {">PORT", "port", AS_TEXT, NULL},
    {"PROTOCOL", "protocol", AS_TEXT, NULL},
    {"FUNCTION", "name", AS_TEXT, NULL},
    {"ACT", "act", AS_TEXT, NULL},
    {">MESSAGES", "messages", AS_TEXT, NULL},
    {">OBJECTS", "objects", AS_TEXT, NULL},
    {"WHICH", NULL, AS_TEXT, put_objects},
    {"VALUES", NULL, AS_TEXT, put_values},
    {"PERIOD", NULL, AS_TEXT, put_period},
    {">OCTETS", "octets", AS_TEXT, NULL},
    {">SURE", "sure", AS_TEXT, NULL},
    {"SINCE", "first", AS_TIME, NULL},
    {"LAST", "last", AS_TIME, NULL},
    {"VERDICT", "verdict.verdict", AS_TEXT, NULL},
    {"BY", "verdict.by", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

/* A row for each function; what is of the pair stands in its first. */
static json_t *
rows_of(const json_t *habits)
{
    static const char *const of_pair[] = {"sensor", "client", "server", "port", "protocol"};
    json_t *rows = json_array();
    size_t i, k, n;
    json_t *habit;
    json_array_foreach((json_t *)(uintptr_t)habits, i, habit)
    {
        const json_t *functions = json_object_get(habit, "functions");
        n = json_array_size(functions);
        for (k = 0; k < (n ? n : 1); k++) {
            json_t *row = n ? json_copy(json_array_get(functions, k)) : json_copy(habit);
            for (size_t m = 0; m < ARRAY_SIZE(of_pair); m++) {
                if (json_object_get(habit, of_pair[m]))
                    json_object_set(row, of_pair[m], json_object_get(habit, of_pair[m]));
            }
            if (!json_object_get(row, "verdict") && json_object_get(habit, "verdict"))
                json_object_set(row, "verdict", json_object_get(habit, "verdict"));
            if (!k) {
                json_object_set(row, "octets", json_object_get(habit, "octets"));
                json_object_set(row, "sure", json_object_get(habit, "sure"));
            }
            json_array_append_new(rows, row);
        }
    }
    return rows;
}

/* ---- What is asked ---- */

static char *
page_path(const struct cli *cli, const char *next, size_t limit)
{
    static const char *const options[] = {"site", "sensor", "address"};
    char number[24];
    char *path = http_path("sensor", "habits", NULL);
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        http_query(&path, options[i], cli_option(cli, options[i]));
    snprintf(number, sizeof number, "%zu", MIN(limit, (size_t)200));
    http_query(&path, "limit", number);
    http_query(&path, "after", next);
    return path;
}

/* One page into the whole: {"site", "habits", "missing", "sensors": [{"sensor", "learned", ...}],
 * "next"?}. */
static void
add_page(json_t *all, const json_t *page)
{
    static const char *const of_sensor[] = {"sensor", "learned", "pairs", "left-out"};
    json_array_extend(json_object_get(all, "habits"), json_object_get(page, "habits"));
    json_array_extend(json_object_get(all, "missing"), json_object_get(page, "missing"));
    json_object_set(all, "site", json_object_get(page, "site"));
    json_object_del(all, "next");
    if (json_object_get(page, "next"))
        json_object_set(all, "next", json_object_get(page, "next"));
    if (!json_object_get(page, "learned"))
        return;
    json_t *sensor = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(of_sensor); i++)
        json_object_set(sensor, of_sensor[i], json_object_get(page, of_sensor[i]));
    json_array_append_new(json_object_get(all, "sensors"), sensor);
}

static int
gather(struct cli *cli, json_t *all, size_t limit)
{
    const json_t *page;
    const json_t *habits = json_object_get(all, "habits");
    do {
        char *next = xstrdup(text_of(all, "next"));
        int status = cli_get(
            cli, page_path(cli, *next ? next : NULL, limit - json_array_size(habits)), &page);
        free(next);
        if (status)
            return status;
        add_page(all, page);
    } while (*text_of(all, "next") && json_array_size(habits) < limit);
    return CLI_OK;
}

static void
put_sensor(struct cli *cli, const json_t *sensor)
{
    const json_t *learned = json_object_get(sensor, "learned");
    nsec_t heard = json_integer_value(json_object_get(learned, "learned-s")) * NSEC_PER_SEC,
           wanted = json_integer_value(json_object_get(learned, "learn-s")) * NSEC_PER_SEC;
    const char *until = text_of(learned, "until");
    buf_str(&cli->out, "sensor ");
    text_put(&cli->out, text_of(sensor, "sensor"), false);
    if (!wanted) {
        buf_str(&cli->out, ": learns for ever (--learn 0): nothing is told as new");
    } else if (json_is_true(json_object_get(learned, "learning"))) {
        buf_str(&cli->out, ": learning, has heard ");
        text_put_duration(&cli->out, heard);
        buf_str(&cli->out, " of ");
        text_put_duration(&cli->out, wanted);
        buf_str(&cli->out, *until ? ", until " : "");
        if (*until)
            text_put_time(&cli->out, until, cli->utc);
        buf_str(&cli->out, *until ? " if it hears something all the time" : "");
    } else {
        buf_str(&cli->out, ": has learned for ");
        text_put_duration(&cli->out, wanted);
        buf_str(&cli->out, "; what is new is told");
    }
    buf_str(&cli->out, "\n");
}

static const struct column rule_columns[] = {
    {"RULE", "rule", AS_TEXT, NULL},  {">SEEN", "seen", AS_TEXT, NULL},
    {">ONCE", "once", AS_TEXT, NULL}, {">SURE", "sure", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static void
put_text(struct cli *cli, const json_t *all)
{
    size_t i;
    json_t *sensor;
    json_t *rows = rows_of(json_object_get(all, "habits"));
    json_array_foreach(json_object_get(all, "sensors"), i, sensor)
    {
        put_sensor(cli, sensor);
    }
    json_array_foreach(json_object_get(all, "missing"), i, sensor)
    {
        buf_str(&cli->out, "sensor ");
        text_put(&cli->out, text_of(sensor, "sensor"), false);
        buf_str(&cli->out, " is not asked: ");
        text_put(&cli->out, text_of(sensor, "reason"), false);
        buf_str(&cli->out, "\n");
    }
    buf_str(&cli->out, cli->out.size ? "\n" : "");
    table_put_array(&cli->out, rows, columns, cli->utc);
    json_array_foreach(json_object_get(all, "sensors"), i, sensor)
    {
        const json_t *rules = json_object_get(json_object_get(sensor, "learned"), "rules");
        if (!json_array_size(rules) || !cli_has(cli, "rules"))
            continue;
        buf_str(&cli->out, "\nHow sure it is that something new is new indeed, of sensor ");
        text_put(&cli->out, text_of(sensor, "sensor"), false);
        buf_str(&cli->out, "\n\n");
        table_put_array(&cli->out, rules, rule_columns, cli->utc);
    }
    json_decref(rows);
}

int
cmd_sensor_habits(struct cli *cli)
{
    json_t *number = json_object();
    int status = cli_put_number(cli, "limit", 1, number);
    size_t limit = (size_t)json_integer_value(json_object_get(number, "limit"));
    json_decref(number);
    if (status)
        return status;
    json_t *all = json_pack("{s[] s[] s[]}", "habits", "missing", "sensors");
    status = gather(cli, all, limit ? limit : PAIRS);
    if (status) {
        json_decref(all);
        return status;
    }
    if (*text_of(all, "next"))
        cli_note(cli,
                 "there are more than %zu pairs: --limit N shows them, --address or --sensor fewer",
                 json_array_size(json_object_get(all, "habits")));
    if (cli->json) {
        cli_print(cli, all);
        return CLI_OK;
    }
    put_text(cli, all);
    json_decref(all);
    return CLI_OK;
}

/* ---- Orders ---- */

static json_t *
order_of(const struct cli *cli)
{
    const char *function = cli_option(cli, "function");
    char *end = NULL;
    unsigned long number = function ? strtoul(function, &end, 10) : 0;
    json_t *body = cli_object("client", cli_argument(cli, 0), "server", cli_argument(cli, 1),
                              "protocol", cli_option(cli, "protocol"), "sensor",
                              cli_option(cli, "sensor"), "reason", cli_option(cli, "why"), NULL);
    if (function)
        json_object_set_new(body, "function",
                            *function && !*end ? json_integer((json_int_t)number)
                                               : json_string(function));
    return body;
}

static int
give_order(struct cli *cli, const char *verb, const char *done)
{
    const json_t *answer;
    int status = cli_need(cli, "why", "sensor approve and sensor forget");
    if (status)
        return status;
    char *path = http_path("sensor", "habits", verb, NULL);
    http_query(&path, "site", cli_option(cli, "site"));
    status = cli_call(cli, "POST", path, order_of(cli), &answer);
    if (status)
        return status;
    bool is_kept = json_is_true(json_object_get(answer, "kept"));
    char *sensor = xstrdup(text_of(answer, "sensor"));
    status = cli_done(cli, "%s and %s: %s, by sensor %s%s", cli_argument(cli, 0),
                      cli_argument(cli, 1), done, sensor,
                      is_kept ? "" : "; it has no baseline, and forgets that when it ends");
    free(sensor);
    return status;
}

int
cmd_sensor_approve(struct cli *cli)
{
    return give_order(cli, "approve", "what is new of it is no alert any more");
}

int
cmd_sensor_forget(struct cli *cli)
{
    return give_order(cli, "forget", "it is new when it comes again");
}
