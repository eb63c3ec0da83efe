/* A site as its sensors see it, now or in a time: made of what can be asked of the server. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#define SERVERS_SHOWN 6 /* of a port */

/* What is counted of an application, a protocol or a port. */
struct use {
    char *name;
    const char *known_by; /* static */
    uint64_t conversations, packets, octets;
    double rate, peak, now;
    json_t *servers, *clients, *ports; /* objects: their members are what was there */
    UT_hash_handle hh;
};

static const struct column device_columns[] = {
    {"ADDRESS", "address", AS_TEXT, NULL},
    {">MEMBER", "member", AS_TEXT, NULL},
    {"MAC", "mac", AS_TEXT, NULL},
    {"VENDOR", "vendor.value", AS_TEXT, NULL},
    {"MODEL", "model.value", AS_TEXT, NULL},
    {"ORDER-CODE", "order-code.value", AS_TEXT, NULL},
    {"FIRMWARE", "firmware.value", AS_TEXT, NULL},
    {"HARDWARE", "hardware.value", AS_TEXT, NULL},
    {"SERIAL", "serial.value", AS_TEXT, NULL},
    {"NAME", "name.value", AS_TEXT, NULL},
    {"LOCATION", "location.value", AS_TEXT, NULL},
    {"ROLES", "roles", AS_TEXT, NULL},
    {"PROTOCOLS", NULL, AS_TEXT, sensor_put_protocols},
    {"FIRST", "first", AS_TIME, NULL},
    {"LAST", "last", AS_TIME, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

/* "12.3 kbit/s" of bits a second. */
static void
put_rate(struct buf *out, const json_t *value, bool utc UNUSED)
{
    double rate = json_number_value(value);
    const char *unit = "bit/s";
    if (!value)
        return;
    if (rate >= 1e9) {
        rate /= 1e9;
        unit = "Gbit/s";
    } else if (rate >= 1e6) {
        rate /= 1e6;
        unit = "Mbit/s";
    } else if (rate >= 1e3) {
        rate /= 1e3;
        unit = "kbit/s";
    }
    buf_printf(out, "%.3g %s", rate, unit);
}

#define COUNTED(rates)                                                                             \
    {">CONVERSATIONS", "conversations", AS_TEXT, NULL}, {">PACKETS", "packets", AS_TEXT, NULL},    \
        {">OCTETS", "octets", AS_TEXT, NULL}, {">MEAN", "rate-bps", AS_TEXT, rates},               \
        {">PEAK", "peak-bps", AS_TEXT, rates}, {">NOW", "now-bps", AS_TEXT, rates},                \
    {                                                                                              \
        NULL, NULL, AS_TEXT, NULL                                                                  \
    }

static const struct column application_columns[] = {
    {"APPLICATION", "name", AS_TEXT, NULL},   {"KNOWN-BY", "known-by", AS_TEXT, NULL},
    {">SERVERS", "n-servers", AS_TEXT, NULL}, {">CLIENTS", "n-clients", AS_TEXT, NULL},
    {"PORTS", "ports", AS_TEXT, NULL},        COUNTED(put_rate)};

static const struct column protocol_columns[] = {{"PROTOCOL", "name", AS_TEXT, NULL},
                                                 COUNTED(put_rate)};

static const struct column port_columns[] = {{"PORT", "name", AS_TEXT, NULL},
                                             {"APPLICATION", "application", AS_TEXT, NULL},
                                             {"SERVERS", "servers", AS_TEXT, NULL},
                                             COUNTED(put_rate)};

static const struct column conversation_columns[] = {
    {"FROM", "from", AS_TEXT, NULL},
    {"TO", "to", AS_TEXT, NULL},
    {"TRANSPORT", "transport", AS_TEXT, NULL},
    {">PORT", "port", AS_TEXT, NULL},
    {"PROTOCOL", "protocol", AS_TEXT, NULL},
    {">PACKETS", "packets", AS_TEXT, NULL},
    {">OCTETS", "octets", AS_TEXT, NULL},
    {">MEAN", "rate-bps", AS_TEXT, put_rate},
    {">PEAK", "peak-bps", AS_TEXT, put_rate},
    {">NOW", "now-bps", AS_TEXT, put_rate},
    {"FIRST", "first", AS_TIME, NULL},
    {"LAST", "last", AS_TIME, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static const struct column bandwidth_columns[] = {
    {"FROM", "from", AS_TIME, NULL},      {">PACKETS", "packets", AS_TEXT, NULL},
    {">OCTETS", "octets", AS_TEXT, NULL}, {">MEAN", "rate-bps", AS_TEXT, put_rate},
    {NULL, NULL, AS_TEXT, NULL},
};

static const struct column vulnerability_columns[] = {
    {">SCORE", "score", AS_TEXT, NULL},
    {"ADDRESS", "address", AS_TEXT, NULL},
    {"ADVISORY", "advisory", AS_TEXT, NULL},
    {"CVES", "cves", AS_TEXT, NULL},
    {"STATUS", "status", AS_TEXT, NULL},
    {">SURE", "confidence", AS_TEXT, NULL},
    {"REASON", "reason", AS_TEXT, NULL},
    {"REMEDY", "remedy", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

/* In the order in which they are read. */
static const struct section {
    const char *member, *title;
    const struct column *columns;
    bool is_csv_only; /* too long for a person */
} sections[] = {
    {"assets", "Devices", device_columns, false},
    {"applications", "Applications", application_columns, false},
    {"protocols", "Protocols below them", protocol_columns, false},
    {"ports", "Ports in use", port_columns, false},
    {"conversations", "Who talks with whom", conversation_columns, false},
    {"series", "Bandwidth, ten minutes each", bandwidth_columns, true},
    {"vulnerabilities", "Vulnerabilities", vulnerability_columns, false},
    {"incidents", "Incidents", sensor_incident_columns, false},
};

/* ---- What is counted ---- */

static json_int_t
number_of(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

/* The name of what is not IP, by its EtherType; "udp", "tcp", "ip/89" as they are. */
static const char *
protocol_name(const char *transport)
{
    static const char *const names[][2] = {
        {"0x0806", "arp"},      {"0x88b8", "goose"},      {"0x88ba", "sampled values"},
        {"0x8892", "profinet"}, {"0x88cc", "lldp"},       {"0x88f7", "ptp"},
        {"0x892f", "hsr"},      {"0x88fb", "prp"},        {"0x88a4", "ethercat"},
        {"ip/1", "icmp"},       {"ip/58", "icmpv6"},      {"ip/2", "igmp"},
        {"ip/47", "gre"},       {"ip/50", "esp (ipsec)"}, {"ip/89", "ospf"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!strcmp(names[i][0], transport))
            return names[i][1];
    }
    return transport;
}

/* What it is for: by what is said, else by its port, as /etc/services has it. The caller owns it.
 */
static char *
application_of(const json_t *row, const char **known_by)
{
    const char *protocol = text_of(row, "protocol"), *transport = text_of(row, "transport");
    json_int_t port = number_of(row, "port");
    const struct servent *service = NULL;
    *known_by = "what is said";
    if (*protocol)
        return xstrdup(protocol);
    if (port > 0 && port <= UINT16_MAX)
        service = getservbyport(htons((uint16_t)port), transport);
    *known_by = service ? "its port" : port ? "" : "its type";
    if (service)
        return xstrdup(service->s_name);
    return port ? xstrdup("not known") : xstrdup(protocol_name(transport));
}

static struct use *
use_of(struct use **all, char *name)
{
    struct use *u;
    HASH_FIND_STR(*all, name, u);
    if (u) {
        free(name);
        return u;
    }
    u = xcalloc(1, sizeof *u);
    *u = (struct use){
        .name = name, .servers = json_object(), .clients = json_object(), .ports = json_object()};
    HASH_ADD_KEYPTR(hh, *all, u->name, strlen(u->name), u);
    return u;
}

static void
count(struct use *u, const json_t *row)
{
    json_int_t port = number_of(row, "port");
    u->conversations++;
    u->packets += (uint64_t)number_of(row, "packets");
    u->octets += (uint64_t)number_of(row, "octets");
    u->rate += (double)number_of(row, "rate-bps");
    u->peak += (double)number_of(row, "peak-bps");
    u->now += (double)number_of(row, "now-bps");
    json_object_set_new(u->clients, text_of(row, "from"), json_true());
    json_object_set_new(u->servers, text_of(row, "to"), json_true());
    if (!port)
        return;
    char *text = xasprintf("%s/%" JSON_INTEGER_FORMAT, text_of(row, "transport"), port);
    json_object_set_new(u->ports, text, json_true());
    free(text);
}

static int
by_octets(const struct use *a, const struct use *b)
{
    return a->octets == b->octets ? strcmp(a->name, b->name) : a->octets < b->octets ? 1 : -1;
}

/* The first names of an object's members; what is more is counted. */
static json_t *
names_of(json_t *object)
{
    json_t *list = json_array(), *value;
    const char *name;
    json_object_foreach(object, name, value)
    {
        if (json_array_size(list) < SERVERS_SHOWN)
            json_array_append_new(list, json_string(name));
    }
    size_t more = json_object_size(object) - json_array_size(list);
    if (more) {
        char *text = xasprintf("%zu more", more);
        json_array_append_new(list, json_string(text));
        free(text);
    }
    return list;
}

static json_t *
uses_json(struct use *all)
{
    struct use *u, *next;
    json_t *json = json_array();
    HASH_SORT(all, by_octets);
    HASH_ITER (hh, all, u, next) {
        json_t *row = json_pack(
            "{ss ss sI sI so so sI sI sI sI sI sI}", "name", u->name, "known-by",
            u->known_by ? u->known_by : "", "n-servers", (json_int_t)json_object_size(u->servers),
            "n-clients", (json_int_t)json_object_size(u->clients), "servers", names_of(u->servers),
            "ports", names_of(u->ports), "conversations", (json_int_t)u->conversations, "packets",
            (json_int_t)u->packets, "octets", (json_int_t)u->octets, "rate-bps",
            (json_int_t)u->rate, "peak-bps", (json_int_t)u->peak, "now-bps", (json_int_t)u->now);
        json_array_append_new(json, row);
        HASH_DEL(all, u);
        json_decref(u->servers);
        json_decref(u->clients);
        json_decref(u->ports);
        free(u->name);
        free(u);
    }
    return json;
}

static json_t *
applications_of(const json_t *conversations)
{
    struct use *all = NULL;
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)(uintptr_t)conversations, i, row)
    {
        const char *known_by;
        struct use *u = use_of(&all, application_of(row, &known_by));
        u->known_by = u->known_by ? u->known_by : known_by;
        count(u, row);
    }
    return uses_json(all);
}

static json_t *
protocols_of(const json_t *conversations)
{
    struct use *all = NULL;
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)(uintptr_t)conversations, i, row)
    {
        count(use_of(&all, xstrdup(protocol_name(text_of(row, "transport")))), row);
    }
    return uses_json(all);
}

static json_t *
ports_of(const json_t *conversations)
{
    struct use *all = NULL;
    size_t i;
    json_t *row, *names = json_object();
    json_array_foreach((json_t *)(uintptr_t)conversations, i, row)
    {
        const char *known_by;
        if (!number_of(row, "port"))
            continue;
        char *name = xasprintf("%s/%" JSON_INTEGER_FORMAT, text_of(row, "transport"),
                               number_of(row, "port"));
        char *application = application_of(row, &known_by);
        json_object_set_new(names, name, json_string(application));
        count(use_of(&all, name), row);
        free(application);
    }
    json_t *list = uses_json(all);
    json_array_foreach(list, i, row)
    {
        json_object_set(row, "application", json_object_get(names, text_of(row, "name")));
    }
    json_decref(names);
    return list;
}

/* ---- What is asked ---- */

struct range {
    char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE]; /* "": none */
};

static int
read_range(struct cli *cli, struct range *range)
{
    const char *const names[] = {"from", "to"};
    char *texts[] = {range->from, range->to};
    nsec_t since = 0, time;
    *range = (struct range){"", ""};
    int status = cli_has(cli, "since") ? cli_duration(cli, "since", 1, "24h", &since) : CLI_OK;
    if (status)
        return status;
    if (since && cli_has(cli, "from"))
        return cli_fail(cli, CLI_USAGE, "--from and --since exclude each other");
    if (since)
        time_format(clock_wall() - since, range->from);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *text = cli_option(cli, names[i]);
        if (text && time_parse(text, &time))
            return cli_fail(cli, CLI_USAGE, "--%s: 2026-03-01T08:00:00Z is a time", names[i]);
        if (text)
            time_format(time, texts[i]);
    }
    return CLI_OK;
}

/* When each address was heard last, by what was counted. */
static json_t *
heard_of(const json_t *conversations)
{
    static const char *const ends[] = {"from", "to"};
    json_t *heard = json_object(), *row;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)conversations, i, row)
    {
        for (size_t k = 0; k < ARRAY_SIZE(ends); k++) {
            const char *last = text_of(row, "last"), *address = text_of(row, ends[k]);
            if (strcmp(text_of(heard, address), last) < 0)
                json_object_set_new(heard, address, json_string(last));
        }
    }
    return heard;
}

/* Was it there in this time? Times are as time_format() writes them: they compare as texts. */
static bool
is_within(const json_t *object, const struct range *range)
{
    return (!*range->to || strcmp(text_of(object, "first"), range->to) <= 0) &&
           (!*range->from || strcmp(text_of(object, "last"), range->from) >= 0);
}

/* A device is told of when it is new or has changed: that it was heard since, the traffic says. */
static json_t *
devices_of(const json_t *assets, const json_t *conversations, const struct range *range)
{
    json_t *list = json_array(), *heard = heard_of(conversations), *asset;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)assets, i, asset)
    {
        json_t *copy = json_copy(asset);
        const json_t *last = json_object_get(heard, text_of(asset, "address"));
        if (last && strcmp(json_string_value(last), text_of(asset, "last")) > 0)
            json_object_set(copy, "last", (json_t *)(uintptr_t)last);
        if (last || is_within(copy, range))
            json_array_append(list, copy);
        json_decref(copy);
    }
    json_decref(heard);
    return list;
}

static json_t *
those_within(const json_t *list, const struct range *range)
{
    json_t *found = json_array(), *one;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)list, i, one)
    {
        if (is_within(one, range))
            json_array_append(found, one);
    }
    return found;
}

/* What can be asked of a site, in `report`. */
static int
gather(struct cli *cli, const struct range *range, json_t *report)
{
    static const struct {
        const char *path, *member;
    } parts[] = {{"assets", "assets"},
                 {"incidents", "incidents"},
                 {"vulnerabilities", "vulnerabilities"},
                 {"traffic", "conversations"}};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        const json_t *document;
        char *path = http_path("sensor", parts[i].path, NULL);
        http_query(&path, "site", cli_argument(cli, 0));
        bool is_traffic = !strcmp(parts[i].path, "traffic");
        http_query(&path, "from", is_traffic && *range->from ? range->from : NULL);
        http_query(&path, "to", is_traffic && *range->to ? range->to : NULL);
        int status = cli_get(cli, path, &document);
        if (status)
            return status;
        json_object_set(report, parts[i].member, json_object_get(document, parts[i].member));
        if (!strcmp(parts[i].member, "vulnerabilities"))
            json_object_set(report, "vulnerabilities-left-out",
                            json_object_get(document, "left-out"));
        if (is_traffic) {
            static const char *const more[] = {"from", "to", "series", "left-out"};
            for (size_t k = 0; k < ARRAY_SIZE(more); k++)
                json_object_set(report, more[k], json_object_get(document, more[k]));
        }
    }
    const json_t *conversations = json_object_get(report, "conversations");
    json_object_set_new(report, "applications", applications_of(conversations));
    json_object_set_new(report, "protocols", protocols_of(conversations));
    json_object_set_new(report, "ports", ports_of(conversations));
    json_object_set_new(report, "assets",
                        devices_of(json_object_get(report, "assets"), conversations, range));
    json_object_set_new(report, "incidents",
                        those_within(json_object_get(report, "incidents"), range));
    return CLI_OK;
}

/* {"octets", "packets", "rate-bps", "peak-bps", "peak-from"?, "now-bps"} of all together. */
static json_t *
bandwidth_of(const json_t *report)
{
    const json_t *series = json_object_get(report, "series");
    json_int_t octets = 0, packets = 0, now = 0, peak = 0;
    const char *peak_from = NULL;
    nsec_t from = 0, to = 0;
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)(uintptr_t)series, i, row)
    {
        octets += number_of(row, "octets");
        packets += number_of(row, "packets");
        if (number_of(row, "rate-bps") > peak) {
            peak = number_of(row, "rate-bps");
            peak_from = text_of(row, "from");
        }
    }
    json_array_foreach(json_object_get(report, "conversations"), i, row)
    {
        now += number_of(row, "now-bps");
    }
    (void)(time_parse(text_of(report, "from"), &from) || time_parse(text_of(report, "to"), &to));
    double seconds = (double)(to - from) / NSEC_PER_SEC;
    json_int_t mean = seconds >= 1 ? (json_int_t)((double)octets * 8 / seconds) : 0;
    json_t *json = json_pack("{sI sI sI sI sI}", "octets", octets, "packets", packets, "rate-bps",
                             mean, "peak-bps", peak, "now-bps", now);
    if (peak_from)
        json_object_set_new(json, "peak-from", json_string(peak_from));
    return json;
}

/* ---- Showing ---- */

static void
put_head(struct cli *cli, const json_t *report)
{
    const json_t *all = json_object_get(report, "bandwidth");
    buf_str(&cli->out, "Site ");
    text_put(&cli->out, text_of(report, "site"), false);
    buf_str(&cli->out, ", counted from ");
    text_put_time(&cli->out, text_of(report, "from"), cli->utc);
    buf_str(&cli->out, " to ");
    text_put_time(&cli->out, text_of(report, "to"), cli->utc);
    buf_printf(&cli->out,
               "\n%zu devices, %zu applications, %zu ports in use, %zu conversations"
               ", %zu vulnerabilities, %zu incidents\nBandwidth: ",
               json_array_size(json_object_get(report, "assets")),
               json_array_size(json_object_get(report, "applications")),
               json_array_size(json_object_get(report, "ports")),
               json_array_size(json_object_get(report, "conversations")),
               json_array_size(json_object_get(report, "vulnerabilities")),
               json_array_size(json_object_get(report, "incidents")));
    put_rate(&cli->out, json_object_get(all, "rate-bps"), cli->utc);
    buf_str(&cli->out, " on average, ");
    put_rate(&cli->out, json_object_get(all, "peak-bps"), cli->utc);
    buf_str(&cli->out, *text_of(all, "peak-from") ? " in the ten minutes from " : "");
    text_put_time(&cli->out, text_of(all, "peak-from"), cli->utc);
    buf_str(&cli->out, ", ");
    put_rate(&cli->out, json_object_get(all, "now-bps"), cli->utc);
    buf_printf(&cli->out, " now; %" JSON_INTEGER_FORMAT " octets in all, without headers\n",
               number_of(all, "octets"));
    if (number_of(report, "left-out"))
        buf_printf(&cli->out, "%" JSON_INTEGER_FORMAT " smaller conversations are left out\n",
                   number_of(report, "left-out"));
    if (number_of(report, "vulnerabilities-left-out"))
        buf_printf(&cli->out,
                   "%" JSON_INTEGER_FORMAT
                   " less grave vulnerabilities are left out: tieline sensor"
                   " vulnerabilities asks for those of a device\n",
                   number_of(report, "vulnerabilities-left-out"));
}

static void
put_text(struct cli *cli, const json_t *report)
{
    put_head(cli, report);
    for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
        if (sections[i].is_csv_only)
            continue;
        buf_printf(&cli->out, "\n%s\n\n", sections[i].title);
        table_put_array(&cli->out, json_object_get(report, sections[i].member), sections[i].columns,
                        cli->utc);
    }
}

static int
put_csv(struct cli *cli, const json_t *report)
{
    const char *dir = cli_option(cli, "dir");
    int status = CLI_OK;
    for (size_t i = 0; i < ARRAY_SIZE(sections) && !status; i++) {
        struct buf table = BUF_INIT;
        table_put_csv(&table, json_object_get(report, sections[i].member), sections[i].columns);
        if (dir) {
            char *path = xasprintf("%s/%s.csv", dir, sections[i].member);
            status = cli_write_file(cli, path, table.data, table.size);
            free(path);
        } else {
            buf_printf(&cli->out, "%s\"%s\"\n", i ? "\n" : "", sections[i].title);
            buf_put(&cli->out, table.data, table.size);
        }
        buf_fini(&table);
    }
    return status;
}

int
cmd_sensor_report(struct cli *cli)
{
    struct range range;
    int status = read_range(cli, &range);
    if (status)
        return status;
    if (cli_has(cli, "dir") && !cli_has(cli, "csv"))
        return cli_fail(cli, CLI_USAGE, "--dir is for --csv");
    json_t *report = json_pack("{ss}", "site", cli_argument(cli, 0));
    status = gather(cli, &range, report);
    if (status) {
        json_decref(report);
        return status;
    }
    json_object_set_new(report, "bandwidth", bandwidth_of(report));
    if (cli->json) {
        cli_print(cli, report);
        return CLI_OK;
    }
    if (cli_has(cli, "csv"))
        status = put_csv(cli, report);
    else
        put_text(cli, report);
    json_decref(report);
    return status;
}
