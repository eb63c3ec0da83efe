/* tieline rules judge: the tables of a network that others have built, read from files and judged
 * here; no server is asked (doc/imported-networks.md). */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "engineer/import_rules.h"
#include "engineer/import_stanford.h"

#include <stdlib.h>
#include <string.h>

#define FINDINGS_SHOWN 20u
#define MEMORY_MIB 2048
#define FLAW_STEPS 1000000u

/* What is asked for, and what was found. */
struct judging {
    struct cli *cli;
    struct imported *imp;
    struct labels *labels; /* NULL: there are no label rules */
    uint32_t limit, depth;
    uint32_t n_updates; /* read no more of them */
    bool wrong;
    struct import_tally tally;
    uint64_t updates;
    json_t *document; /* with --json */
};

/* ---- Reading ---- */

static int
count_option(struct cli *cli, const char *name, uint32_t otherwise, uint32_t most, uint32_t *value)
{
    const char *text = cli_option(cli, name);
    char *end;
    *value = otherwise;
    if (!text)
        return CLI_OK;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || number < 1 || number > most)
        return cli_fail(cli, CLI_USAGE, "--%s %s: a number from 1 to %u is expected", name, text,
                        most);
    *value = (uint32_t)number;
    return CLI_OK;
}

static int
read_plain(struct judging *j, const char *path)
{
    const struct import_options options = {.depth = j->depth};
    struct diag why = {""};
    struct buf text;
    int status = cli_read_file(j->cli, path, &text);
    if (status)
        return status;
    if (import_rules(j->imp, &j->labels, (const char *)text.data, text.size, &options, &j->tally,
                     &why))
        status = cli_fail(j->cli, CLI_FAILED, "%s: %s", path, why.text);
    j->updates = j->tally.routes + j->tally.rules;
    buf_fini(&text);
    return status;
}

/* Each pass over the updates does one thing with them. */
static int
for_each_update(struct judging *j, const char *path, const struct buf *text,
                enum err (*act)(struct judging *, const struct import_update *, struct diag *))
{
    struct import_reader reader;
    struct import_line *line = xmalloc(sizeof *line);
    struct import_update *update = xmalloc(sizeof *update);
    struct diag why = {""};
    bool more = true;
    enum err err = import_open(&reader, (const char *)text->data, text->size, &why);
    while (!err && more) {
        err = import_stanford_next(&reader, line, update, &more, &why);
        if (!err && more) {
            err = act(j, update, &why);
            if (err)
                diag_prefix(&why, "line %u", update->line);
        }
    }
    free(line);
    free(update);
    return err ? cli_fail(j->cli, CLI_FAILED, "%s: %s", path, why.text) : CLI_OK;
}

static enum err
add_port(struct judging *j, const struct import_update *update, struct diag *why)
{
    return import_stanford_port(j->imp, update, why);
}

static enum err
apply(struct judging *j, const struct import_update *update, struct diag *why)
{
    struct imported_change change;
    if (j->updates == j->n_updates)
        return ERR_OK;
    enum err err = import_apply(j->imp, update, &change, why);
    if (err)
        return err;
    int one = update->add ? 1 : -1;
    *(update->is_route ? &j->tally.routes : &j->tally.rules) += (uint32_t)one;
    j->tally.loops += change.loops;
    j->tally.holes += change.holes;
    j->tally.unjudged += change.unjudged;
    j->updates++;
    return ERR_OK;
}

static int
read_stanford(struct judging *j, const char *path, const char *topology, const char *vlans)
{
    struct buf updates, topo, vlan = BUF_INIT;
    struct diag why = {""};
    int status = cli_read_file(j->cli, path, &updates);
    if (status)
        return status;
    status = cli_read_file(j->cli, topology, &topo);
    if (!status) {
        if (vlans)
            status = cli_read_file(j->cli, vlans, &vlan);
        if (!status && import_stanford(j->imp, (const char *)topo.data, topo.size,
                                       (const char *)vlan.data, vlan.size, &why))
            status = cli_fail(j->cli, CLI_FAILED, "%s%s%s: %s", topology, vlans ? ", " : "",
                              vlans ? vlans : "", why.text);
        if (!status)
            status = for_each_update(j, path, &updates, add_port);
        if (!status && imported_seal(j->imp, &why))
            status = cli_fail(j->cli, CLI_FAILED, "%s: %s", topology, why.text);
        if (!status)
            status = for_each_update(j, path, &updates, apply);
        buf_fini(&topo);
        if (vlans && vlan.data)
            buf_fini(&vlan);
    }
    buf_fini(&updates);
    return status;
}

/* ---- Judging what is there in the end ---- */

static void
set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string(text));
}

static void
show_finding(struct judging *j, const struct imported_finding *f)
{
    struct buf text = BUF_INIT;
    imported_format(f, &text);
    if (j->document) {
        json_t *row = json_pack("{s:s, s:s, s:b}", "kind",
                                f->kind == ATOMS_LOOP ? "loop" : "black hole", "text", f->text,
                                "unjudged", f->unjudged);
        set_text(row, "node", f->node);
        set_text(row, "prefix", f->prefix);
        set_text(row, "rule", f->rule);
        set_text(row, "path", f->path);
        json_array_append_new(json_object_get(j->document, "findings"), row);
    } else {
        text_put(&j->cli->out, buf_cstr(&text), true);
    }
    buf_fini(&text);
}

static int
audit(struct judging *j)
{
    struct imported_change now;
    struct imported_finding *findings;
    struct diag why = {""};
    uint32_t n;
    if (imported_audit(j->imp, &now, &why))
        return cli_fail(j->cli, CLI_FAILED, "%s", why.text);
    imported_findings(j->imp, &now, j->limit, &findings, &n);
    for (uint32_t i = 0; i < n; i++)
        show_finding(j, &findings[i]);
    imported_findings_free(findings, n);
    j->wrong |= now.loops || now.holes || now.unjudged;
    if (j->document)
        json_object_update_new(
            j->document, json_pack("{s:I, s:I, s:I, s:I}", "loops", (json_int_t)now.loops,
                                   "black-holes", (json_int_t)now.holes, "refuted",
                                   (json_int_t)now.refuted, "unjudged", (json_int_t)now.unjudged));
    else
        buf_printf(&j->cli->out,
                   "destinations: %llu loops, %llu black holes, %llu not judged; %llu that filters "
                   "rule out\n",
                   (unsigned long long)now.loops, (unsigned long long)now.holes,
                   (unsigned long long)now.unjudged, (unsigned long long)now.refuted);
    return CLI_OK;
}

static void
show_label_finding(struct judging *j, const struct labels_finding *f)
{
    struct buf text = BUF_INIT;
    buf_printf(&text, "%s at %s", labels_kind_name(f->kind), imported_node_name(j->imp, f->node));
    for (uint32_t i = f->n_stack; i-- > 0;)
        buf_printf(&text, "%s%u", i + 1 == f->n_stack ? ", labels " : " on ", f->stack[i]);
    for (uint32_t i = 0; i < f->n_path; i++)
        buf_printf(&text, "%s%s", i ? " > " : ": ", imported_node_name(j->imp, f->path[i]));
    if (f->failure != LABELS_NONE)
        buf_str(&text, ", while a link of the path is down");
    if (j->document)
        json_array_append_new(json_object_get(j->document, "label-findings"),
                              json_string(buf_cstr(&text)));
    else
        buf_printf(&j->cli->out, "%s\n", buf_cstr(&text));
    buf_fini(&text);
}

static void
judge_labels(struct judging *j)
{
    struct labels_report report = {0};
    if (!j->labels)
        return;
    labels_judge(j->labels, true, j->limit, &report);
    for (uint32_t i = 0; i < report.n; i++)
        show_label_finding(j, &report.findings[i]);
    j->wrong |= report.n > 0;
    if (!j->document)
        buf_printf(&j->cli->out,
                   "label-switched paths: %llu entries, %llu failures, %u findings%s\n",
                   (unsigned long long)report.entries, (unsigned long long)report.failures,
                   report.n, report.truncated ? " at least" : "");
    labels_report_fini(&report);
}

/* Rules that do nothing are no fault of the network: they are told, not counted as wrong. */
static void
judge_filter(struct judging *j, uint32_t filter, uint64_t counts[3])
{
    static const char *const words[] = {"is shadowed", "is redundant", "is not judged"};
    const char *name = imported_filter_name(j->imp, filter);
    struct acl_flaw *flaws;
    uint32_t n;
    acl_flaws(imported_filter(j->imp, filter), FLAW_STEPS, &flaws, &n);
    for (uint32_t i = 0; i < n; i++) {
        bool shown = counts[0] + counts[1] + counts[2] < j->limit;
        counts[flaws[i].kind]++;
        if (j->document && shown)
            json_array_append_new(json_object_get(j->document, "filter-flaws"),
                                  json_pack("{s:s, s:I, s:s}", "filter", name, "priority",
                                            (json_int_t)flaws[i].priority, "flaw",
                                            words[flaws[i].kind]));
        else if (shown)
            buf_printf(&j->cli->out, "filter %s: rule of priority %u %s\n", name, flaws[i].priority,
                       words[flaws[i].kind]);
    }
    free(flaws);
}

static void
judge_filters(struct judging *j)
{
    uint64_t counts[3] = {0};
    uint32_t n = imported_n_filters(j->imp);
    for (uint32_t i = 0; i < n; i++)
        judge_filter(j, i, counts);
    if (n && !j->document)
        buf_printf(&j->cli->out,
                   "%u filters: %llu rules are shadowed, %llu redundant, %llu not judged\n", n,
                   (unsigned long long)counts[0], (unsigned long long)counts[1],
                   (unsigned long long)counts[2]);
}

static int
judge(struct judging *j)
{
    int status = audit(j);
    if (status)
        return status;
    judge_labels(j);
    judge_filters(j);
    if (j->document)
        json_object_update_new(j->document, json_pack("{s:b, s:I, s:I, s:I}", "ok", !j->wrong,
                                                      "routes", (json_int_t)j->tally.routes,
                                                      "filter-rules", (json_int_t)j->tally.rules,
                                                      "label-rules", (json_int_t)j->tally.labels));
    else
        buf_printf(&j->cli->out,
                   "%s: %u routes, %u filter rules, %u label rules; on the way there %llu changes "
                   "made %llu loops and %llu black holes\n",
                   j->wrong ? "there are faults" : "no fault", j->tally.routes, j->tally.rules,
                   j->tally.labels, (unsigned long long)j->updates,
                   (unsigned long long)j->tally.loops, (unsigned long long)j->tally.holes);
    return j->wrong ? CLI_FAILED : CLI_OK;
}

int
cmd_rules_judge(struct cli *cli)
{
    struct judging j = {.cli = cli};
    const char *path = cli_argument(cli, 0), *topology = cli_option(cli, "topology");
    uint32_t mib;
    int status = count_option(cli, "limit", FINDINGS_SHOWN, 10000, &j.limit);
    if (!status)
        status = count_option(cli, "depth", 16, LABELS_DEPTH_MAX, &j.depth);
    if (!status)
        status = count_option(cli, "updates", UINT32_MAX, UINT32_MAX, &j.n_updates);
    if (!status)
        status = count_option(cli, "memory", MEMORY_MIB, 1024 * 1024, &mib);
    if (status)
        return status;
    if ((cli_has(cli, "vlans") || cli_has(cli, "updates")) && !topology)
        return cli_fail(cli, CLI_USAGE, "--vlans and --updates come with --topology");
    j.imp = imported_new(&(struct imported_config){.budget = (size_t)mib << 20});
    if (cli->json)
        j.document = json_pack("{s:[], s:[], s:[]}", "findings", "label-findings", "filter-flaws");
    status = topology ? read_stanford(&j, path, topology, cli_option(cli, "vlans"))
                      : read_plain(&j, path);
    if (!status)
        status = judge(&j);
    if (j.document && (status == CLI_OK || j.wrong))
        cli_print(cli, json_incref(j.document));
    json_decref(j.document);
    labels_free(j.labels);
    imported_free(j.imp);
    return status;
}
