/* What passes through a node now, again and again. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "base/time.h"
#include "io/jsontext.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Numbers ---- */

/* "1234", "56.7k", "8.9M": three digits at least. */
static void
put_quantity(struct buf *out, const json_t *value)
{
    static const char *const units[] = {"", "k", "M", "G", "T"};
    double number = (double)json_integer_value(value);
    unsigned unit = 0;
    while (number >= 9999.5 && unit + 1 < ARRAY_SIZE(units)) {
        number /= 1000;
        unit++;
    }
    buf_printf(out, unit && number < 99.95 ? "%.1f%s" : "%.0f%s", number, units[unit]);
}

#define QUANTITY(name, member)                                                                     \
    static void put_##name(struct buf *out, const json_t *object, bool utc UNUSED)                 \
    {                                                                                              \
        put_quantity(out, json_object_get(object, member));                                        \
    }

QUANTITY(rx_packets, "rx-packets-per-second")
QUANTITY(rx_bits, "rx-bits-per-second")
QUANTITY(tx_packets, "tx-packets-per-second")
QUANTITY(tx_bits, "tx-bits-per-second")
QUANTITY(tx_dropped, "tx-dropped-per-second")
QUANTITY(packets, "packets-per-second")
QUANTITY(bits, "bits-per-second")
QUANTITY(total, "packets")

static void
put_used(struct buf *out, const json_t *object, bool utc UNUSED)
{
    const json_t *ms = json_object_get(object, "used-ms-ago");
    json_int_t ago = json_integer_value(ms);
    if (!ms)
        return;
    if (ago < 60000)
        buf_printf(out, "%lld.%lld s", (long long)(ago / 1000), (long long)(ago % 1000 / 100));
    else if (ago < 3600000)
        buf_printf(out, "%lld min", (long long)(ago / 60000));
    else
        buf_printf(out, "%lld h", (long long)(ago / 3600000));
}

/* The buckets that are used, of those there are. */
static void
put_buckets(struct buf *out, const json_t *object, bool utc UNUSED)
{
    const json_t *active = json_object_get(object, "active"), *bucket;
    size_t i;
    if (!json_array_size(active))
        buf_str(out, "none");
    json_array_foreach(active, i, bucket)
    {
        if (i < 8)
            buf_printf(out, "%s%lld", i ? "," : "", (long long)json_integer_value(bucket));
    }
    buf_printf(out, "%s of %lld", json_array_size(active) > 8 ? ",..." : "",
               (long long)json_integer_value(json_object_get(object, "buckets")));
}

/* ---- Tables ---- */

static const struct column port_columns[] = {
    {">PORT", "number", AS_TEXT, NULL},
    {"NAME", "name", AS_TEXT, NULL},
    {"LIVE", "live", AS_YES, NULL},
    {">RX PACKETS/S", NULL, AS_TEXT, put_rx_packets},
    {">RX BIT/S", NULL, AS_TEXT, put_rx_bits},
    {">TX PACKETS/S", NULL, AS_TEXT, put_tx_packets},
    {">TX BIT/S", NULL, AS_TEXT, put_tx_bits},
    {">DROPPED/S", NULL, AS_TEXT, put_tx_dropped},
    {NULL, NULL, AS_TEXT, NULL},
};

static const struct column flow_columns[] = {
    {">TABLE", "table", AS_TEXT, NULL},  {">PRIORITY", "priority", AS_TEXT, NULL},
    {"COOKIE", "cookie", AS_TEXT, NULL}, {">PACKETS/S", NULL, AS_TEXT, put_packets},
    {">BIT/S", NULL, AS_TEXT, put_bits}, {">USED", NULL, AS_TEXT, put_used},
    {"MATCH", "match", AS_TEXT, NULL},   {"DOES", "instructions", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static const struct column group_columns[] = {
    {">GROUP", "group", AS_TEXT, NULL},
    {"TYPE", "type", AS_TEXT, NULL},
    {"BUCKET", NULL, AS_TEXT, put_buckets},
    {">PACKETS/S", NULL, AS_TEXT, put_packets},
    {">BIT/S", NULL, AS_TEXT, put_bits},
    {"DOES", "actions", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static const struct column drop_columns[] = {
    {"DROPPED", "reason", AS_TEXT, NULL},
    {">PACKETS/S", NULL, AS_TEXT, put_packets},
    {">PACKETS", NULL, AS_TEXT, put_total},
    {NULL, NULL, AS_TEXT, NULL},
};

static void
put_table(struct cli *cli, const json_t *answer, const char *member, const struct column *columns)
{
    const json_t *rows = json_object_get(answer, member);
    if (!json_array_size(rows))
        return;
    buf_str(&cli->out, "\n");
    table_put_array(&cli->out, rows, columns, cli->utc);
}

static void
put_answer(struct cli *cli, const json_t *answer)
{
    const json_t *cache = json_object_get(answer, "cache");
    json_int_t hits = json_integer_value(json_object_get(cache, "hits-per-second"));
    json_int_t misses = json_integer_value(json_object_get(cache, "misses-per-second"));
    if (cli_is_terminal())
        buf_str(&cli->out, "\033[H\033[J");
    text_put(&cli->out, text_of(answer, "node"), false);
    buf_printf(&cli->out, ": %lld flows, %lld active; ",
               (long long)json_integer_value(json_object_get(answer, "n-flows")),
               (long long)json_integer_value(json_object_get(answer, "n-active")));
    put_quantity(&cli->out, json_object_get(answer, "punts-per-second"));
    buf_str(&cli->out, " packet-ins/s");
    if (hits + misses)
        buf_printf(&cli->out, "; cache %.1f %%", 100.0 * (double)hits / (double)(hits + misses));
    buf_str(&cli->out, "\n");
    put_table(cli, answer, "ports", port_columns);
    put_table(cli, answer, "flows", flow_columns);
    put_table(cli, answer, "groups", group_columns);
    put_table(cli, answer, "drops", drop_columns);
}

/* ---- The command ---- */

static int
make_params(struct cli *cli, json_t *params)
{
    nsec_t interval = 0;
    int status = cli_put_number(cli, "rows", 0, params);
    status = status ? status : cli_put_number(cli, "table", 0, params);
    status = status ? status : cli_duration(cli, "interval", NSEC_PER_MSEC, "1s", &interval);
    if (interval)
        json_object_set_new(params, "interval-ms", json_integer(interval / NSEC_PER_MSEC));
    if (cli_option(cli, "by"))
        json_object_set_new(params, "by", jsontext_string(cli_option(cli, "by")));
    if (cli_option(cli, "cookie"))
        json_object_set_new(params, "cookie", jsontext_string(cli_option(cli, "cookie")));
    return status;
}

int
cmd_edge_top(struct cli *cli)
{
    const char *text = cli_option(cli, "count");
    unsigned long n = cli_has(cli, "once") ? 1 : text ? strtoul(text, NULL, 10) : 0;
    json_t *params = json_object();
    const json_t *answer;
    int status = make_params(cli, params);
    for (unsigned long i = 0; !status && (!n || i < n); i++) {
        status = edge_ask(cli, "edge.top", json_incref(params), &answer);
        if (status)
            break;
        if (!cli_json(cli)) {
            if (i && !cli_is_terminal())
                buf_str(&cli->out, "\n");
            put_answer(cli, answer);
        }
        status = cli_flush(cli);
    }
    json_decref(params);
    return status;
}
