/* tieline circuit create: from a file, or from options. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "base/rate.h"
#include "io/clock.h"

#include <stdlib.h>
#include <string.h>

/* One option, and where what it says goes. */
struct setting {
    const char *option, *group, *member; /* group NULL: the circuit itself */
    enum { SET_TEXT, SET_NUMBER, SET_NUMBERS, SET_TEXTS, SET_RATE, SET_USEC } as;
};

static const struct setting common_settings[] = {
    {"description", NULL, "description", SET_TEXT},
    {"class", NULL, "service-class", SET_TEXT},
    {"rate", NULL, "rate-kbps", SET_RATE},
    {"burst", NULL, "burst-octets", SET_NUMBER},
    {"max-latency", NULL, "max-latency-us", SET_USEC},
    {"protection", NULL, "protection", SET_TEXT},
};
static const struct setting ip_settings[] = {
    {"from", "ip", "client", SET_TEXT},
    {"to", "ip", "server", SET_TEXT},
    {"protocol", "ip", "protocol", SET_TEXT},
    {"port", "ip", "server-ports", SET_NUMBERS},
    {"client-port", "ip", "client-port", SET_NUMBER},
    {"max-asymmetry", NULL, "max-asymmetry-us", SET_USEC},
};
static const struct setting multicast_settings[] = {
    {"from", "multicast", "publisher", SET_TEXT},
    {"to", "multicast", "subscribers", SET_TEXTS},
    {"protocol", "multicast", "application", SET_TEXT},
    {"mac", "multicast", "mac", SET_TEXT},
    {"appid", "multicast", "appid", SET_TEXT},
    {"vlan", "multicast", "vlan-id", SET_NUMBER},
    {"vlan-priority", "multicast", "vlan-priority", SET_NUMBER},
};

static int
read_number(struct cli *cli, const char *option, const char *text, json_t **value)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    if (!strchr("0123456789", *text) || !*text || *end || number > UINT32_MAX)
        return cli_fail(cli, CLI_USAGE, "--%s: \"%s\" is not a number", option, text);
    *value = json_integer((json_int_t)number);
    return CLI_OK;
}

static int
read_value(struct cli *cli, const struct setting *setting, const char *text, json_t **value)
{
    uint32_t kbps;
    nsec_t duration = 0;
    int status;
    switch (setting->as) {
    case SET_RATE:
        if (rate_parse(text, &kbps))
            return cli_fail(cli, CLI_USAGE, "--%s: \"%s\" is not a rate such as 64kbit/s or 2M",
                            setting->option, text);
        *value = json_integer(kbps);
        return CLI_OK;
    case SET_USEC:
        status = cli_duration(cli, setting->option, NSEC_PER_USEC, "10ms", &duration);
        if (!status)
            *value = json_integer(duration / NSEC_PER_USEC);
        return status;
    case SET_NUMBER:
    case SET_NUMBERS:
        return read_number(cli, setting->option, text, value);
    default:
        *value = json_string(text);
        return *value ? CLI_OK : cli_fail(cli, CLI_USAGE, "--%s: not UTF-8", setting->option);
    }
}

static json_t *
group_of(json_t *circuit, const char *name)
{
    if (!name)
        return circuit;
    json_t *group = json_object_get(circuit, name);
    if (!group) {
        group = json_object();
        json_object_set_new(circuit, name, group);
    }
    return group;
}

/* Options that can be given several times also take "a,b,c". */
static int
set_list(struct cli *cli, const struct setting *setting, json_t *group)
{
    json_t *list = json_array(), *value;
    int status = CLI_OK;
    for (size_t i = 0; i < cli->args.n_given; i++) {
        if (strcmp(cli->args.given[i].option->name, setting->option) != 0)
            continue;
        char *copy = xstrdup(cli->args.given[i].value), *save;
        for (char *word = strtok_r(copy, ", ", &save); word && !status;
             word = strtok_r(NULL, ", ", &save)) {
            status = read_value(cli, setting, word, &value);
            if (!status)
                json_array_append_new(list, value);
        }
        free(copy);
    }
    if (json_array_size(list))
        json_object_set(group, setting->member, list);
    json_decref(list);
    return status;
}

static int
set_all(struct cli *cli, const struct setting *settings, size_t n, json_t *circuit)
{
    int status = CLI_OK;
    for (size_t i = 0; i < n && !status; i++) {
        const struct setting *s = &settings[i];
        const char *text = cli_option(cli, s->option);
        json_t *value;
        if (!text)
            continue;
        json_t *group = group_of(circuit, s->group);
        if (s->as == SET_NUMBERS || s->as == SET_TEXTS) {
            status = set_list(cli, s, group);
        } else {
            status = read_value(cli, s, text, &value);
            if (!status)
                json_object_set_new(group, s->member, value);
        }
    }
    return status;
}

/* Options of the other kind of circuit are mistakes. */
static int
check_strangers(struct cli *cli, bool multicast)
{
    const struct setting *others = multicast ? ip_settings : multicast_settings;
    size_t n = multicast ? ARRAY_SIZE(ip_settings) : ARRAY_SIZE(multicast_settings);
    for (size_t i = 3; i < n; i++) { /* from, to and protocol are common */
        if (cli_has(cli, others[i].option))
            return cli_fail(cli, CLI_USAGE, "--%s is not for protocol %s", others[i].option,
                            cli_option(cli, "protocol"));
    }
    return CLI_OK;
}

static int
set_window(struct cli *cli, json_t *circuit)
{
    const char *start = cli_option(cli, "start"), *end = cli_option(cli, "end");
    bool length = cli_has(cli, "for");
    nsec_t from = clock_wall(), to = 0, duration = 0;
    char from_text[TIME_TEXT_SIZE], to_text[TIME_TEXT_SIZE];
    if (!start && !end && !length)
        return CLI_OK;
    if (!!end == length)
        return cli_fail(cli, CLI_USAGE, "a window has either --end TIME or --for DURATION");
    if (start && time_parse(start, &from))
        return cli_fail(cli, CLI_USAGE, "--start: \"%s\" is not a time as 2026-03-01T08:00:00Z",
                        start);
    if (end && time_parse(end, &to))
        return cli_fail(cli, CLI_USAGE, "--end: \"%s\" is not a time as 2026-03-01T08:00:00Z", end);
    int status = cli_duration(cli, "for", 1, "2h", &duration);
    if (status)
        return status;
    if (length)
        to = duration < INT64_MAX - from ? from + duration : INT64_MAX;
    json_object_set_new(circuit, "window",
                        json_pack("{s:s, s:s}", "start", time_format(from, from_text), "end",
                                  time_format(to, to_text)));
    return CLI_OK;
}

static int
from_options(struct cli *cli, json_t **objects)
{
    static const char *const needed[] = {"from", "to", "protocol", "rate", "class"};
    const char *name = cli_argument(cli, 0);
    if (!name)
        return cli_fail(cli, CLI_USAGE,
                        "circuit create needs -f FILE, or NAME with --from, --to, "
                        "--protocol, --rate and --class");
    for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
        if (!cli_has(cli, needed[i]))
            return cli_fail(cli, CLI_USAGE, "circuit create %s needs --%s", name, needed[i]);
    }
    const char *protocol = cli_option(cli, "protocol");
    bool multicast = !strcmp(protocol, "goose") || !strcmp(protocol, "sv");
    json_t *circuit = cli_object("name", name, NULL);
    int status = check_strangers(cli, multicast);
    if (!status && multicast)
        status = set_all(cli, multicast_settings, ARRAY_SIZE(multicast_settings), circuit);
    else if (!status)
        status = set_all(cli, ip_settings, ARRAY_SIZE(ip_settings), circuit);
    if (!status)
        status = set_all(cli, common_settings, ARRAY_SIZE(common_settings), circuit);
    if (!status)
        status = set_window(cli, circuit);
    if (!status)
        *objects = json_pack("[O]", circuit);
    json_decref(circuit);
    return status;
}

static int
read_objects(struct cli *cli, json_t **objects)
{
    const char *file = cli_option(cli, "file");
    if (!file)
        return from_options(cli, objects);
    for (size_t i = 0; i < cli->args.n_given; i++) {
        const struct cli_option *option = cli->args.given[i].option;
        bool own = false;
        for (const struct cli_option *o = cli->args.verb->options; o->name; o++)
            own = own || o == option;
        if (own && option->value && strcmp(option->name, "file") != 0 &&
            strcmp(option->name, "until") != 0 && strcmp(option->name, "comment") != 0)
            return cli_fail(cli, CLI_USAGE, "--%s does not go with -f: the file says it",
                            option->name);
    }
    if (cli_argument(cli, 0))
        return cli_fail(cli, CLI_USAGE, "a name does not go with -f: the file says it");
    return document_read(cli, &kind_circuit, file, objects);
}

int
cmd_circuit_create(struct cli *cli)
{
    json_t *objects, *names, *object;
    size_t i;
    bool build = cli_has(cli, "build");
    if (build && cli_has(cli, "dry-run"))
        return cli_fail(cli, CLI_USAGE, "--build does not go with --dry-run");
    int status = read_objects(cli, &objects);
    if (status)
        return status;
    status = document_put(cli, &kind_circuit, objects, true, build);
    names = json_array();
    json_array_foreach(objects, i, object)
        json_array_append(names, json_object_get(object, "name"));
    json_decref(objects);
    if (!status && build)
        return work_order(cli, "circuit-turn-up", json_pack("{s:o}", "circuits", names));
    json_decref(names);
    return status;
}
