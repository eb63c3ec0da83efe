#include "tielined/options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#ifndef TIELINE_DATA_DIR
#define TIELINE_DATA_DIR "/usr/share/tieline"
#endif

enum kind { TEXT, FLAG, NUMBER, LEVEL, HELP, VERSION };

static const struct row {
    const char *name, *value;
    enum kind kind;
    size_t at;            /* in struct options */
    const char *fallback; /* NULL: it must be given */
    const char *help;
} rows[] = {
#define DAEMON(member) offsetof(struct options, daemon.member)
    {"site", "NAME", TEXT, DAEMON(site), NULL, "the site whose services these are"},
    {"journal", "FILE", TEXT, DAEMON(journal), NULL, "the site's journal; made if it is not there"},
    {"ca", "FILE", TEXT, DAEMON(ca), NULL, "PEM: the CAs whose certificates count"},
    {"cert", "FILE", TEXT, DAEMON(cert), NULL, "PEM: our certificate"},
    {"key", "FILE", TEXT, DAEMON(key), NULL, "PEM: its private key"},
    {"openflow", "ADDRESS", TEXT, DAEMON(openflow), "0.0.0.0:6653", "where switches connect to"},
    {"rpc", "ADDRESS", TEXT, DAEMON(rpc), "0.0.0.0:6654", "where the nodes' agents connect to"},
    {"https", "ADDRESS", TEXT, DAEMON(https), "0.0.0.0:8443", "where the API listens"},
    {"users", "FILE", TEXT, DAEMON(users), NULL, "JSON: who has which roles"},
    {"schema", "DIR", TEXT, DAEMON(schema), TIELINE_DATA_DIR "/schema", "the YANG modules"},
    {"workflows", "DIR", TEXT, DAEMON(workflows), TIELINE_DATA_DIR "/workflows", "the workflows"},
    {"one-clock", "", FLAG, DAEMON(one_clock), "", "all nodes read one clock, as in a lab"},
    {"test-rate", "N", NUMBER, DAEMON(test_rate), "", "test packets a second from a node, at most"},
    {"log", "LEVEL", LEVEL, 0, "info", "error, warn, info or debug"},
    {"help", "", HELP, 0, "", "this"},
    {"version", "", VERSION, 0, "", "which version this is"},
#undef DAEMON
};

static const struct row *
find_row(const char *name, size_t length)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (strlen(rows[i].name) == length && !strncmp(rows[i].name, name, length))
            return &rows[i];
    }
    return NULL;
}

static enum err
set_level(struct options *o, const char *text, struct diag *diag)
{
    static const char *const words[] = {"error", "warn", "info", "debug"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!strcmp(words[i], text)) {
            o->log_level = (enum log_level)i;
            return ERR_OK;
        }
    }
    return diag_set(diag, ERR_INVALID, "--log: \"%s\" is not error, warn, info or debug", text);
}

static enum err
set_number(uint32_t *number, const struct row *row, const char *text, struct diag *diag)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value < 1 || value > 1000000)
        return diag_set(diag, ERR_INVALID, "--%s: \"%s\" is not a number from 1 to 1000000",
                        row->name, text);
    *number = (uint32_t)value;
    return ERR_OK;
}

static const char **
text_at(struct options *o, const struct row *row)
{
    return (const char **)((char *)o + row->at);
}

static enum err
take(struct options *o, const struct row *row, const char *value, struct diag *diag)
{
    switch (row->kind) {
    case TEXT:
        *text_at(o, row) = value;
        break;
    case FLAG:
        *(bool *)((char *)o + row->at) = true;
        break;
    case NUMBER:
        return set_number((uint32_t *)((char *)o + row->at), row, value, diag);
    case LEVEL:
        return set_level(o, value, diag);
    case HELP:
        o->help = true;
        break;
    case VERSION:
        o->version = true;
        break;
    }
    return ERR_OK;
}

enum err
options_parse(int argc, char *const *argv, struct options *result, struct diag *diag)
{
    struct options o = {.log_level = LOG_INFO};
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2))
            return diag_set(diag, ERR_INVALID, "\"%s\" is not an option", argv[i]);
        const char *name = argv[i] + 2, *value = strchr(name, '=');
        size_t length = value ? (size_t)(value - name) : strlen(name);
        const struct row *row = find_row(name, length);
        if (!row)
            return diag_set(diag, ERR_INVALID, "there is no option \"%s\"", argv[i]);
        bool wants = *row->value;
        if (value && !wants)
            return diag_set(diag, ERR_INVALID, "--%s takes no value", row->name);
        if (value)
            value++;
        else if (wants && ++i == argc)
            return diag_set(diag, ERR_INVALID, "--%s needs %s", row->name, row->value);
        else if (wants)
            value = argv[i];
        if (wants && !*value)
            return diag_set(diag, ERR_INVALID, "--%s is empty", row->name);
        enum err err = take(&o, row, value, diag);
        if (err)
            return err;
    }
    for (size_t i = 0; i < ARRAY_SIZE(rows) && !o.help && !o.version; i++) {
        if (rows[i].kind != TEXT || *text_at(&o, &rows[i]))
            continue;
        if (!rows[i].fallback)
            return diag_set(diag, ERR_INVALID, "--%s %s is needed", rows[i].name, rows[i].value);
        *text_at(&o, &rows[i]) = rows[i].fallback;
    }
    *result = o;
    return ERR_OK;
}

void
options_help(FILE *out)
{
    fputs("tielined - the services of a site: LAN controller, work orders, tests, API\n\n", out);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int width = fprintf(out, "  --%s %s", rows[i].name, rows[i].value);
        fprintf(out, "%*s%s", width < 24 ? 24 - width : 1, "", rows[i].help);
        if (rows[i].fallback && *rows[i].fallback)
            fprintf(out, " (%s)", rows[i].fallback);
        fputc('\n', out);
    }
}
