/* What sensors have told. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "cli/cli_stix.h"
#include "detect/coverage.h"
#include "detect/finding_names.h"
#include "io/clock.h"
#include "sensor/protocols.h"

#include <stdlib.h>
#include <string.h>

#define DETECTIONS "/usr/share/tieline/detections" /* of the package tieline-sensor */

static const struct column sensor_columns[] = {
    {"NAME", "name", AS_TEXT, NULL},
    {"SITE", "site", AS_TEXT, NULL},
    {"STATE", "state", AS_TEXT, NULL},
    {"SINCE", "since", AS_TIME, NULL},
    {"VERSION", "version", AS_TEXT, NULL},
    {"ADDRESS", "address", AS_TEXT, NULL},
    {">DROPPED", "dropped", AS_TEXT, NULL},
    {"REASON", "reason", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static const struct column alert_columns[] = {
    {"ID", "id", AS_TEXT, NULL},
    {"SITE", "site", AS_TEXT, NULL},
    {"SEVERITY", "severity", AS_TEXT, NULL},
    {"STATE", "state", AS_TEXT, NULL},
    {"LAST", "last", AS_TIME, NULL},
    {">COUNT", "count", AS_TEXT, NULL},
    {"SOURCE", "source.address", AS_TEXT, NULL},
    {"TARGET", "target.address", AS_TEXT, NULL},
    {"PROTOCOL", "protocol", AS_TEXT, NULL},
    {"CIRCUIT", "circuit", AS_TEXT, NULL},
    {"INCIDENT", "incident", AS_TEXT, NULL},
    {"RULE", "rule", AS_TEXT, NULL},
    {"TITLE", "title", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static const struct column alert_fields[] = {
    {"alert", "id", AS_TEXT, NULL},
    {"title", "title", AS_TEXT, NULL},
    {"rule", "rule", AS_TEXT, NULL},
    {"severity", "severity", AS_TEXT, NULL},
    {"state", "state", AS_TEXT, NULL},
    {"site", "site", AS_TEXT, NULL},
    {"techniques", "techniques", AS_TEXT, NULL},
    {"source", "source.address", AS_TEXT, NULL},
    {"source port", "source.port", AS_TEXT, NULL},
    {"source MAC", "source.mac", AS_TEXT, NULL},
    {"target", "target.address", AS_TEXT, NULL},
    {"target port", "target.port", AS_TEXT, NULL},
    {"target MAC", "target.mac", AS_TEXT, NULL},
    {"protocol", "protocol", AS_TEXT, NULL},
    {"circuit", "circuit", AS_TEXT, NULL},
    {"incident", "incident", AS_TEXT, NULL},
    {"similar", "similar", AS_TEXT, NULL},
    {"first", "first", AS_TIME, NULL},
    {"last", "last", AS_TIME, NULL},
    {"count", "count", AS_TEXT, NULL},
    {"recorded", "recorded", AS_TIME, NULL},
    {"event", "seq", AS_TEXT, NULL},
    {"closed", "closed", AS_TIME, NULL},
    {"closed by", "closed-by", AS_TEXT, NULL},
    {"reason", "closed-reason", AS_TEXT, NULL},
    {"explanation", "explanation", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

const struct column sensor_incident_columns[] = {
    {"ID", "id", AS_TEXT, NULL},
    {"SITE", "site", AS_TEXT, NULL},
    {"SEVERITY", "severity", AS_TEXT, NULL},
    {"STATE", "state", AS_TEXT, NULL},
    {"FIRST", "first", AS_TIME, NULL},
    {"LAST", "last", AS_TIME, NULL},
    {"ALERTS", "alerts", AS_TEXT, NULL},
    {"TECHNIQUES", "techniques", AS_TEXT, NULL},
    {"ADDRESSES", "addresses", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

void
sensor_put_protocols(struct buf *out, const json_t *asset, bool utc UNUSED)
{
    const char *name, *separator = "";
    json_t *value;
    json_object_foreach(json_object_get(asset, "protocols"), name, value)
    {
        buf_str(out, separator);
        text_put(out, name, false);
        separator = ", ";
    }
}

static const struct column asset_columns[] = {
    {"ADDRESS", "address", AS_TEXT, NULL},
    {">MEMBER", "member", AS_TEXT, NULL},
    {"MAC", "mac", AS_TEXT, NULL},
    {"SITE", "site", AS_TEXT, NULL},
    {"VENDOR", "vendor.value", AS_TEXT, NULL},
    {"MODEL", "model.value", AS_TEXT, NULL},
    {"FIRMWARE", "firmware.value", AS_TEXT, NULL},
    {"ROLES", "roles", AS_TEXT, NULL},
    {"PROTOCOLS", NULL, AS_TEXT, sensor_put_protocols},
    {"LAST", "last", AS_TIME, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static int
list(struct cli *cli, char *path, const char *member, const struct column *columns)
{
    const json_t *document;
    http_query(&path, "site", cli_option(cli, "site"));
    int status = cli_get(cli, path, &document);
    if (status || cli_json(cli))
        return status;
    table_put_array(&cli->out, json_object_get(document, member), columns, cli->utc);
    return CLI_OK;
}

int
cmd_sensor_list(struct cli *cli)
{
    return list(cli, http_path("sensors", NULL), "sensors", sensor_columns);
}

int
cmd_sensor_incidents(struct cli *cli)
{
    return list(cli, http_path("sensor", "incidents", NULL), "incidents", sensor_incident_columns);
}

int
cmd_sensor_alerts(struct cli *cli)
{
    static const char *const options[] = {"severity", "rule", "address", "incident", "limit"};
    char *path = http_path("sensor", "alerts", NULL), time[TIME_TEXT_SIZE];
    nsec_t since = 0;
    int status = cli_has(cli, "since") ? cli_duration(cli, "since", 1, "24h", &since) : CLI_OK;
    if (status) {
        free(path);
        return status;
    }
    if (since)
        http_query(&path, "since", time_format(clock_wall() - since, time));
    if (!cli_has(cli, "all"))
        http_query(&path, "state", "open");
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        http_query(&path, options[i], cli_option(cli, options[i]));
    return list(cli, path, "alerts", alert_columns);
}

/* ---- One alert ---- */

static char *
alert_path(const struct cli *cli, const char *verb)
{
    char *path = http_path("sensor", "alerts", cli_argument(cli, 0), verb, NULL);
    http_query(&path, "site", cli_option(cli, "site"));
    return path;
}

static void
put_playbook(struct cli *cli, const json_t *steps)
{
    for (size_t i = 0; i < json_array_size(steps); i++) {
        buf_printf(&cli->out, "%s%3zu. ", i ? "" : "\nWhat to do:\n", i + 1);
        text_put(&cli->out, json_string_value(json_array_get(steps, i)), false);
        buf_str(&cli->out, "\n");
    }
}

int
cmd_sensor_alert(struct cli *cli)
{
    const json_t *alert;
    int status = cli_get(cli, alert_path(cli, NULL), &alert);
    if (status)
        return status;
    if (cli_has(cli, "stix")) {
        cli_print(cli, stix_sighting(alert, clock_wall()));
        return CLI_OK;
    }
    if (cli_json(cli))
        return CLI_OK;
    fields_put(&cli->out, alert, alert_fields, cli->utc);
    put_playbook(cli, json_object_get(alert, "playbook"));
    if (json_object_size(json_object_get(alert, "evidence"))) {
        buf_str(&cli->out, "\nEvidence:\n");
        tree_put(&cli->out, json_object_get(alert, "evidence"), 1);
    }
    return CLI_OK;
}

int
cmd_sensor_close(struct cli *cli)
{
    const json_t *answer;
    const char *why = cli_option(cli, "why");
    if (!why)
        return cli_fail(cli, CLI_USAGE, "sensor close needs --why");
    int status = cli_call(cli, "POST", alert_path(cli, "close"), cli_object("reason", why, NULL),
                          &answer);
    return status ? status : cli_done(cli, "alert %s is closed", cli_argument(cli, 0));
}

/* ---- Devices ---- */

/* As text, JSON, or with --csv the table that the server makes; `path` is consumed. */
static int
list_or_csv(struct cli *cli, char *path, const char *member, const struct column *columns)
{
    const json_t *document;
    if (!cli_has(cli, "csv"))
        return list(cli, path, member, columns);
    http_query(&path, "site", cli_option(cli, "site"));
    http_query(&path, "format", "csv");
    int status = cli_get(cli, path, &document);
    if (status || cli_json(cli))
        return status;
    buf_str(&cli->out, text_of(json_array_get(json_object_get(document, "files"), 0), "text"));
    return CLI_OK;
}

int
cmd_sensor_assets(struct cli *cli)
{
    return list_or_csv(cli, http_path("sensor", "assets", NULL), "assets", asset_columns);
}

/* ---- Vulnerabilities ---- */

static const struct column vulnerability_columns[] = {
    {">SCORE", "score", AS_TEXT, NULL},
    {"SITE", "site", AS_TEXT, NULL},
    {"ADDRESS", "address", AS_TEXT, NULL},
    {">MEMBER", "member", AS_TEXT, NULL},
    {"VENDOR", "vendor", AS_TEXT, NULL},
    {"MODEL", "model|order-code", AS_TEXT, NULL},
    {"FIRMWARE", "firmware", AS_TEXT, NULL},
    {"ADVISORY", "advisory", AS_TEXT, NULL},
    {"CVES", "cves", AS_TEXT, NULL},
    {"STATUS", "status", AS_TEXT, NULL},
    {">SURE", "confidence", AS_TEXT, NULL},
    {"SINCE", "since", AS_TIME, NULL},
    {"REASON", "reason", AS_TEXT, NULL},
    {"REMEDY", "remedy", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

int
cmd_sensor_vulnerabilities(struct cli *cli)
{
    static const char *const options[] = {"asset", "advisory", "cve", "limit"};
    char *path = http_path("sensor", "vulnerabilities", NULL);
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        http_query(&path, options[i], cli_option(cli, options[i]));
    return list_or_csv(cli, path, "vulnerabilities", vulnerability_columns);
}

/* ---- Coverage ---- */

/* Of files here: no server is asked. */
int
cmd_sensor_coverage(struct cli *cli)
{
    const struct rules_source source = {.protocols = protocols_all, .finds = finding_is_known};
    const char *path = cli_argument(cli, 0) ? cli_argument(cli, 0) : DETECTIONS;
    struct rules *rules;
    struct diag diag = {""};
    if (rules_read(&source, &path, 1, &rules, &diag))
        return cli_fail(cli, CLI_FAILED, "%s", diag.text);
    if (cli->json)
        cli_print(cli, coverage_json(rules));
    else
        coverage_put(&cli->out, rules);
    rules_free(rules);
    return CLI_OK;
}
