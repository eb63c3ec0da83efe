#include "sensor/sensor_options.h"

#include "base/attr.h"
#include "base/options.h"

#include <stddef.h>

#define NUMBER_MAX 16777216

static enum err
add_interface(void *options, const char *name, struct diag *diag)
{
    struct sensor_options *o = options;
    if (o->n_interfaces == SENSOR_INTERFACES)
        return diag_set(diag, ERR_INVALID, "more than %d", SENSOR_INTERFACES);
    o->interfaces[o->n_interfaces++] = name;
    return ERR_OK;
}

static const struct option_row rows[] = {
#define AT(member) offsetof(struct sensor_options, member)
    TEXT_OPTION("read", "FILE", AT(read), "", "a capture, pcap or pcapng"),
    OTHER_OPTION("interface", "NAME", add_interface, "",
                 "listen there; may be given several times"),
    FLAG_OPTION("messages", AT(messages), "print every message, a line of JSON each"),
    FLAG_OPTION("identities", AT(identities), "print what is said of what a device is"),
    FLAG_OPTION("assets", AT(assets), "print at the end the devices, a line of JSON each"),
    FLAG_OPTION("counters", AT(counters), "print at the end what was counted"),
    NUMBER_OPTION("conversations", "N", AT(conversations), NUMBER_MAX,
                  "that are remembered at once (65536)"),
    NUMBER_OPTION("memory", "MIB", AT(memory_mib), NUMBER_MAX,
                  "for what is not whole or not in order (64)"),
    TEXT_OPTION("oui", "DIR", AT(oui), "", "whose MAC addresses are (/usr/share/ieee-data)"),
    FLAG_OPTION("help", AT(help), "this"),
    FLAG_OPTION("version", AT(version), "which version this is"),
#undef AT
};

enum err
sensor_options_parse(int argc, char *const *argv, struct sensor_options *result, struct diag *diag)
{
    struct sensor_options o = {.read = NULL};
    enum err err = options_read(rows, ARRAY_SIZE(rows), argc, argv, &o, diag);
    if (err)
        return err;
    if (!o.help && !o.version && !o.read == !o.n_interfaces)
        return diag_set(diag, ERR_INVALID, "%s",
                        o.read ? "--read and --interface exclude each other"
                               : "--read FILE or --interface NAME is needed");
    *result = o;
    return ERR_OK;
}

void
sensor_options_help(FILE *out)
{
    fputs("tieline-sensor - reads what others say, and never says anything\n\n", out);
    options_explain(out, rows, ARRAY_SIZE(rows));
}
