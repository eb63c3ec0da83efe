#include "monitor/sensor_options.h"

#include "base/attr.h"
#include "base/options.h"
#include "monitor/ears.h"
#include "sensor/crew.h"
#include "sensor/sensor_link.h"

#include <stddef.h>
#include <string.h>

#define NUMBER_MAX 16777216
#define LEARN (86400 * NSEC_PER_SEC)

static enum err
add_interface(void *options, const char *name, struct diag *diag)
{
    struct sensor_options *o = options;
    if (o->n_interfaces == SENSOR_INTERFACES)
        return diag_set(diag, ERR_INVALID, "more than %d", SENSOR_INTERFACES);
    o->interfaces[o->n_interfaces++] = name;
    return ears_check_name(name, diag);
}

static enum err
add_rules(void *options, const char *path, struct diag *diag)
{
    struct sensor_options *o = options;
    if (o->n_rules == SENSOR_RULES)
        return diag_set(diag, ERR_INVALID, "more than %d", SENSOR_RULES);
    o->rules[o->n_rules++] = path;
    return ERR_OK;
}

static enum err
add_suricata(void *options, const char *path, struct diag *diag)
{
    struct sensor_options *o = options;
    if (o->n_suricata == SENSOR_RULES)
        return diag_set(diag, ERR_INVALID, "more than %d", SENSOR_RULES);
    o->suricata[o->n_suricata++] = path;
    return ERR_OK;
}

static enum err
add_variable(void *options, const char *text, struct diag *diag)
{
    struct sensor_options *o = options;
    const char *equals = strchr(text, '=');
    if (o->n_variables == SENSOR_VARIABLES)
        return diag_set(diag, ERR_INVALID, "more than %d", SENSOR_VARIABLES);
    if (!equals || equals == text || !equals[1])
        return diag_set(diag, ERR_INVALID, "NAME=VALUE is needed");
    o->variables[o->n_variables++] = text;
    return ERR_OK;
}

static enum err
add_feed(void *options, const char *path, struct diag *diag)
{
    struct sensor_options *o = options;
    if (o->n_feeds == SENSOR_RULES)
        return diag_set(diag, ERR_INVALID, "more than %d", SENSOR_RULES);
    o->feeds[o->n_feeds++] = path;
    return ERR_OK;
}

static enum err
set_learn(void *options, const char *text, struct diag *diag)
{
    struct sensor_options *o = options;
    if (time_parse_duration(text, &o->learn) || o->learn < 0)
        return diag_set(diag, ERR_INVALID, "a time like 12h or 7d expected, or 0");
    return ERR_OK;
}

static const struct option_row rows[] = {
#define AT(member) offsetof(struct sensor_options, member)
    TEXT_OPTION("read", "FILE", AT(read), "", "a capture, pcap or pcapng"),
    OTHER_OPTION(
        "interface", "NAME", add_interface, "",
        "listen there; xdp:NAME: by AF_XDP, erspan:IP: to what is mirrored to this address; may "
        "be given several times"),
    FLAG_OPTION("messages", AT(messages), "print every message, a line of JSON each"),
    FLAG_OPTION("identities", AT(identities), "print what is said of what a device is"),
    FLAG_OPTION("assets", AT(assets), "print at the end the devices, a line of JSON each"),
    OTHER_OPTION("rules", "PATH", add_rules, "",
                 "detections, a file or a directory; may be given several times"),
    OTHER_OPTION("feed", "FILE", add_feed, "",
                 "addresses, names and hashes of files that are bad; may be given several times"),
    TEXT_OPTION("geo", "FILE", AT(geo), "", "database of countries (MMDB), for rules that ask"),
    FLAG_OPTION("alerts", AT(alerts), "print alerts, a line of JSON each"),
    FLAG_OPTION("incidents", AT(incidents), "print at the end what belongs together"),
    FLAG_OPTION("coverage", AT(coverage), "print which techniques the rules see, and end"),
    TEXT_OPTION("name", "NAME", AT(name), "", "of this sensor, in the names of alerts (sensor)"),
    OTHER_OPTION("learn", "TIME", set_learn, "",
                 "what comes until then is usual; 0: nothing is learned (24h)"),
    TEXT_OPTION("baseline", "FILE", AT(baseline), "", "keep there what was learned"),
    TEXT_OPTION("evidence", "DIR", AT(evidence), "", "keep the packets of alerts there"),
    OTHER_OPTION("suricata", "FILE", add_suricata, "",
                 "hold these rules of Suricata against all; may be given several times"),
    OTHER_OPTION("suricata-variable", "NAME=VALUE", add_variable, "",
                 "as HOME_NET=[10.0.0.0/8]; may be given several times"),
    FLAG_OPTION("suricata-unsupported", AT(unsupported), "print the rules that are not loaded"),
    TEXT_OPTION("advisories", "PATH", AT(advisories), "",
                "with --assets: which devices are affected; a file of CSAF, or a directory"),
    FLAG_OPTION("habits", AT(habits), "print at the end who talks with whom, and how"),
    FLAG_OPTION("counters", AT(counters), "print at the end what was counted"),
    NUMBER_OPTION("conversations", "N", AT(conversations), NUMBER_MAX,
                  "that are remembered at once (65536)"),
    NUMBER_OPTION("memory", "MIB", AT(memory_mib), NUMBER_MAX,
                  "for what is not whole or not in order (64)"),
    NUMBER_OPTION("cores", "N", AT(cores), CREW_MOST,
                  "threads that share the work; what is told is the same (1)"),
    TEXT_OPTION("oui", "DIR", AT(oui), "", "whose MAC addresses are (/usr/share/ieee-data)"),
    TEXT_OPTION("link", "ADDRESS", AT(link), "",
                "tell tielined there: unix:PATH, or IP:PORT with the three below"),
    TEXT_OPTION("ca", "FILE", AT(ca), "", "PEM: the CAs whose certificates count"),
    TEXT_OPTION("cert", "FILE", AT(cert), "", "PEM: our certificate, which is --name's"),
    TEXT_OPTION("key", "FILE", AT(key), "", "PEM: its private key"),
    TEXT_OPTION("alerts-of", "FILE", AT(alerts_of), "",
                "with --link: tell another program's too, a line of JSON each; a file or a FIFO"),
    FLAG_OPTION("help", AT(help), "this"),
    FLAG_OPTION("version", AT(version), "which version this is"),
#undef AT
};

static enum err
check_link(const struct sensor_options *o, struct diag *diag)
{
    bool any_tls = o->ca || o->cert || o->key, all_tls = o->ca && o->cert && o->key;
    if (o->link && !o->name)
        return diag_set(diag, ERR_INVALID, "--link needs --name");
    if (o->name && !sensor_name_is_valid(o->name))
        return diag_set(diag, ERR_INVALID,
                        "--name: 1 to 63 letters, digits, dots, underscores and hyphens");
    if (o->alerts_of && !o->link)
        return diag_set(diag, ERR_INVALID, "--alerts-of needs --link");
    if (any_tls && (!all_tls || !o->link))
        return diag_set(diag, ERR_INVALID, "--ca, --cert and --key belong together, with --link");
    return ERR_OK;
}

enum err
sensor_options_parse(int argc, char *const *argv, struct sensor_options *result, struct diag *diag)
{
    struct sensor_options o = {.learn = LEARN};
    enum err err = options_read(rows, ARRAY_SIZE(rows), argc, argv, &o, diag);
    if (err)
        return err;
    bool has_rules = o.n_rules || (o.n_suricata && !o.coverage && !o.baseline);
    if ((o.alerts || o.incidents || o.coverage || o.baseline || o.evidence) && !has_rules &&
        !o.help && !o.version)
        return diag_set(diag, ERR_INVALID, "--rules is needed for that");
    if (o.n_feeds && !o.n_rules && !o.help && !o.version)
        return diag_set(diag, ERR_INVALID, "--feed needs --rules, which look into it");
    if (o.geo && !o.n_rules && !o.help && !o.version)
        return diag_set(diag, ERR_INVALID, "--geo needs --rules, which ask for it");
    if (!o.help && !o.version && !o.coverage && !o.read == !o.n_interfaces)
        return diag_set(diag, ERR_INVALID, "%s",
                        o.read ? "--read and --interface exclude each other"
                               : "--read FILE or --interface NAME is needed");
    if (o.advisories && !o.assets)
        return diag_set(diag, ERR_INVALID, "--advisories needs --assets");
    if (!err && !o.help && !o.version)
        err = check_link(&o, diag);
    if (!err)
        *result = o;
    return err;
}

void
sensor_options_help(FILE *out)
{
    fputs("tieline-sensor - reads what others say, and never says anything\n\n", out);
    options_explain(out, rows, ARRAY_SIZE(rows));
}
