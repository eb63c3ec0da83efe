/* Inventory and circuits in bulk: from files, and into them. */
#include "cli/cmd.h"

#include "cli/cli_problem.h"
#include "io/jsontext.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const char *
format_of(const char *path)
{
    static const struct {
        const char *ending, *format;
    } formats[] = {{".csv", "csv"}, {".json", "json"}, {".scd", "scd"},
                   {".cid", "scd"}, {".icd", "scd"},   {".xml", "scd"}};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < ARRAY_SIZE(formats); i++) {
        if (!strcasecmp(dot, formats[i].ending))
            return formats[i].format;
    }
    return NULL;
}

int
inventory_format(struct cli *cli, const char *const *paths, size_t n, const char **format)
{
    *format = NULL;
    for (size_t i = 0; i < n; i++) {
        const char *found = format_of(paths[i]);
        if (!found)
            return cli_fail(cli, CLI_USAGE,
                            "%s: which format? its name must end with .csv, .json "
                            "or .scd",
                            paths[i]);
        if (*format && strcmp(*format, found) != 0)
            return cli_fail(cli, CLI_USAGE, "files of one format at a time");
        *format = found;
    }
    return CLI_OK;
}

int
inventory_files(struct cli *cli, const char *const *paths, size_t n, json_t *files)
{
    for (size_t i = 0; i < n; i++) {
        struct buf text;
        int status = cli_read_file(cli, paths[i], &text);
        if (status)
            return status;
        json_t *string = json_stringn(buf_cstr(&text), text.size);
        buf_fini(&text);
        if (!string)
            return cli_fail(cli, CLI_FAILED, "%s: not UTF-8", paths[i]);
        json_array_append_new(
            files, json_pack("{s:o, s:o}", "name", jsontext_string(paths[i]), "text", string));
    }
    return CLI_OK;
}

/* ---- What an SCD file proposes -----------------------------------------------------------------
 */

static const json_t *
proposals_of(const json_t *report)
{
    return text_member(report, "proposals|circuits");
}

/* A proposal is {circuit: {...}, importable, reasons, evidence}, or the circuit itself with these
 * members. */
static json_t *
circuit_of(const json_t *proposal)
{
    static const char *const extra[] = {"importable", "reasons", "evidence"};
    json_t *inner = json_object_get(proposal, "circuit");
    if (json_is_object(inner))
        return json_copy(inner);
    json_t *circuit = json_copy((json_t *)(uintptr_t)proposal);
    for (size_t i = 0; i < ARRAY_SIZE(extra); i++)
        json_object_del(circuit, extra[i]);
    return circuit;
}

static void
put_whole_service(struct buf *out, const json_t *proposal, bool utc)
{
    json_t *circuit = circuit_of(proposal);
    circuit_put_service(out, circuit, utc);
    json_decref(circuit);
}

static const struct column proposal_columns[] = {
    {"CIRCUIT", "circuit.name|name", AS_TEXT, NULL},
    {"FROM", "circuit.ip.client|circuit.multicast.publisher|ip.client|multicast.publisher", AS_TEXT,
     NULL},
    {"TO", "circuit.ip.server|circuit.multicast.subscribers|ip.server|multicast.subscribers",
     AS_TEXT, NULL},
    {"SERVICE", NULL, AS_TEXT, put_whole_service},
    {">RATE", "circuit.rate-kbps|rate-kbps", AS_KBPS, NULL},
    {"IMPORTABLE", "importable", AS_YES, NULL},
    {"REASONS", "reasons", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static int
save_proposals(struct cli *cli, const json_t *proposals, const char *path)
{
    json_t *circuits = json_array();
    const json_t *proposal;
    size_t i;
    json_array_foreach(proposals, i, proposal)
    {
        if (!json_is_false(json_object_get(proposal, "importable")))
            json_array_append_new(circuits, circuit_of(proposal));
    }
    char *text = json_dumps(circuits, JSON_INDENT(2));
    int status = cli_write_file(cli, path, text, strlen(text));
    if (!status && !cli->json)
        buf_printf(&cli->out, "%zu circuits saved in %s\n", json_array_size(circuits), path);
    free(text);
    json_decref(circuits);
    return status;
}

static int
show_report(struct cli *cli, const json_t *report)
{
    const json_t *proposals = proposals_of(report);
    const char *save = cli_option(cli, "save");
    bool proposes = json_array_size(proposals) && json_is_object(json_array_get(proposals, 0));
    if (proposes && !cli->json) {
        table_put_array(&cli->out, proposals, proposal_columns, cli->utc);
        buf_str(&cli->out, "\n");
    }
    int status = document_report(cli, report);
    if (save && !status)
        status = save_proposals(cli, proposals, save);
    return status;
}

int
cmd_inventory_import(struct cli *cli)
{
    const char *format = cli_option(cli, "format"), **paths = cli->args.arguments;
    const json_t *report;
    size_t n = cli->args.n_arguments;
    int status = format ? CLI_OK : inventory_format(cli, paths, n, &format);
    if (status)
        return status;
    if (!strcmp(format, "scd") && n > 1)
        return cli_fail(cli, CLI_USAGE, "one SCD file at a time");
    json_t *files = json_array();
    status = inventory_files(cli, paths, n, files);
    if (status) {
        json_decref(files);
        return status;
    }
    char *path = http_path("import", NULL);
    http_query(&path, "format", format);
    /* To save proposals means to look at them first. */
    bool dry = cli_has(cli, "dry-run") || cli_has(cli, "save");
    http_query(&path, "dry-run", dry ? "true" : NULL);
    status = cli_call(cli, "POST", path, json_pack("{s:o}", "files", files), &report);
    return status ? status : show_report(cli, report);
}

/* ---- Export ------------------------------------------------------------------------------------
 */

/* A name from the server is not a way out of the directory. */
static bool
is_plain_name(const char *name)
{
    return *name && *name != '.' && !strchr(name, '/');
}

static int
write_files(struct cli *cli, const json_t *files, const char *dir)
{
    const json_t *file;
    size_t i;
    if (mkdir(dir, 0777) && errno != EEXIST)
        return cli_fail(cli, CLI_FAILED, "%s: %m", dir);
    json_array_foreach(files, i, file)
    {
        const char *name = text_of(file, "name");
        const json_t *text = json_object_get(file, "text");
        if (!is_plain_name(name) || !json_is_string(text))
            return cli_fail(cli, CLI_FAILED, "the server calls a file \"%s\"", name);
        struct buf path = BUF_INIT;
        buf_printf(&path, "%s/%s", dir, name);
        int status = cli_write_file(cli, buf_cstr(&path), json_string_value(text),
                                    json_string_length(text));
        if (!status && !cli->json)
            buf_printf(&cli->out, "%s\n", buf_cstr(&path));
        buf_fini(&path);
        if (status)
            return status;
    }
    return CLI_OK;
}

/* The one file there is. */
static int
print_document(struct cli *cli, const json_t *files)
{
    const json_t *text = json_object_get(json_array_get(files, 0), "text");
    if (json_array_size(files) != 1 || !json_is_string(text))
        return cli_fail(cli, CLI_FAILED, "the server does not send one document");
    text_put_json(&cli->out, json_string_value(text), json_string_length(text));
    if (!cli->out.size || cli->out.data[cli->out.size - 1] != '\n')
        buf_str(&cli->out, "\n");
    return CLI_OK;
}

int
cmd_inventory_export(struct cli *cli)
{
    const json_t *document;
    const char *dir = cli_option(cli, "dir"), *said = cli_option(cli, "format");
    const char *format = said ? said : "csv";
    bool one = !strcmp(format, "json");
    if (!dir && !cli->json && !one)
        return cli_fail(cli, CLI_USAGE,
                        "CSV is several files: --dir DIR says where they go; --format json is one "
                        "document, on standard output");
    char *path = http_path("export", NULL);
    http_query(&path, "format", format);
    int status = cli_get(cli, path, &document);
    if (status)
        return status;
    const json_t *files = json_object_get(document, "files");
    if (dir)
        status = write_files(cli, files, dir);
    else if (!cli->json)
        status = print_document(cli, files);
    if (!status)
        cli_json(cli);
    return status;
}
