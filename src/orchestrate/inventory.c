#include "orchestrate/inventory.h"

#include "base/alloc.h"
#include "engineer/import_csv.h"
#include "engineer/import_scd.h"
#include "io/jsontext.h"
#include "model/json.h"
#include "model/vpn.h"
#include "orchestrate/guard.h"
#include "orchestrate/service_private.h"
#include "orchestrate/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A change being computed. It belongs to the job; the request may be gone before it is. */
struct change {
    struct request *request;
    const json_t *payload; /* owned */
    enum err (*make)(struct change *, struct network *);
    bool dry_run;
    struct report report;
    struct scd_import *scd;     /* NULL: no SCD file */
    json_t *event_body;         /* of model.put or model.remove; NULL: there is nothing to append */
    json_t *circuits, *tunnels; /* names of those that are changed or removed; NULL: none */
    json_t *vpns, *routers;     /* ... that are removed; ... or have another platform */
    enum err err;
    struct diag why;
};

static void
change_free(void *arg)
{
    struct change *change = arg;
    json_decref((json_t *)change->payload);
    json_decref(change->event_body);
    json_decref(change->circuits);
    json_decref(change->tunnels);
    json_decref(change->vpns);
    json_decref(change->routers);
    scd_import_free(change->scd);
    report_fini(&change->report);
    free(change);
}

static const char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* ---- On the thread -----------------------------------------------------------------------------
 */

static struct network *
copy_network(void *arg)
{
    const struct change *change = arg;
    return network_copy(change->request->service->state->network);
}

static void
compute(void *arg, struct network *net)
{
    struct change *change = arg;
    struct network *before = network_copy(net);
    change->err = change->make(change, net);
    if (!change->err)
        change->err = guard_check(before, net, &change->why);
    if (!change->err && change->event_body) /* a removal */
        change->err = guard_check_references(before, net, &change->why);
    else if (!change->err)
        change->event_body = guard_document(before, net);
    change->circuits = guard_changed_circuits(before, net);
    change->tunnels = guard_changed_tunnels(before, net);
    change->vpns = guard_removed_vpns(before, net);
    change->routers = guard_changed_platforms(before, net);
    network_free(before);
}

/* A file as a whole is wrong. */
static void
fail_file(struct report *report, const char *file, uint32_t line, uint32_t column, const char *text)
{
    struct report_row *row = report_add(report, REPORT_UNCHANGED, "file", "", file, line);
    char *why = xasprintf("it cannot be read: %s", text);
    report_fail(report, row, NULL, line, column, why);
    free(why);
}

/* Rows of documents do not know their file. */
static void
name_file(struct report *report, size_t first, const char *file)
{
    for (size_t i = first; i < report->n; i++) {
        if (!report->rows[i].file)
            report->rows[i].file = xstrdup(file);
    }
}

static void
apply_json_file(struct network *net, const char *name, const char *text, size_t size,
                struct report *report)
{
    struct diag why = {""};
    json_t *document;
    size_t first = report->n;
    if (jsontext_parse(text, size, &document, &why)) {
        json_error_t place = {.line = 0};
        json_decref(json_loadb(text, size, JSON_REJECT_DUPLICATES, &place));
        fail_file(report, name, (uint32_t)MAX(place.line, 0), (uint32_t)MAX(place.column, 0),
                  why.text);
        return;
    }
    if (inventory_apply_json(net, document, false, report, &why) == ERR_MALFORMED)
        fail_file(report, name, 0, 0, why.text);
    name_file(report, first, name);
    json_decref(document);
}

static void
apply_csv_files(struct network *net, const json_t *files, struct report *report)
{
    size_t i, n = json_array_size(files);
    json_t *file;
    struct csv_file *list = xcalloc(n, sizeof *list);
    json_array_foreach(files, i, file)
    {
        list[i] = (struct csv_file){text_of(file, "name"), text_of(file, "text"),
                                    json_string_length(json_object_get(file, "text"))};
    }
    if (csv_import(net, list, n, false, report))
        report->applied = false;
    free(list);
}

void
inventory_read_files(struct network *net, const char *format, const json_t *files,
                     struct report *report)
{
    size_t i;
    json_t *file;
    if (!strcmp(format, "csv")) {
        apply_csv_files(net, files, report);
        return;
    }
    json_array_foreach(files, i, file)
    {
        apply_json_file(net, text_of(file, "name"), text_of(file, "text"),
                        json_string_length(json_object_get(file, "text")), report);
    }
}

/* All circuits that can be, or those that are named. */
static void
apply_scd_file(struct change *change, struct network *net, const json_t *file)
{
    const json_t *chosen = json_object_get(change->payload, "circuits");
    const char *name = text_of(file, "name");
    size_t i, n = json_array_size(chosen);
    json_t *circuit;
    if (scd_import(net, name, text_of(file, "text"),
                   json_string_length(json_object_get(file, "text")), &change->scd)) {
        const struct finding *why = &change->scd->findings.items[0];
        fail_file(&change->report, name, why->line, 0, why->text);
        return;
    }
    const char **names = xcalloc(n, sizeof *names);
    json_array_foreach(chosen, i, circuit)
    {
        names[i] = json_is_string(circuit) ? json_string_value(circuit) : "";
    }
    if (scd_import_apply(net, change->scd, names, n, false, &change->report))
        change->report.applied = false;
    free(names);
}

static enum err
make_import(struct change *change, struct network *net)
{
    const json_t *files = json_object_get(change->payload, "files");
    const char *format = text_of(change->payload, "format");
    if (!strcmp(format, "scd"))
        apply_scd_file(change, net, json_array_get(files, 0));
    else
        inventory_read_files(net, format, files, &change->report);
    /* What is wrong is in the report. */
    return report_is_clean(&change->report) ? ERR_OK : ERR_INVALID;
}

static enum err
make_put(struct change *change, struct network *net)
{
    return inventory_apply_json(net, json_object_get(change->payload, "document"), false,
                                &change->report, &change->why);
}

static enum err
make_removal(struct change *change, struct network *net)
{
    const char *kind = text_of(change->payload, "kind"), *name = text_of(change->payload, "name");
    enum object_kind k = OBJECT_SITE;
    while (k <= OBJECT_CIRCUIT && strcmp(object_class(k)->word, kind) != 0)
        k++;
    if (k > OBJECT_CIRCUIT)
        return diag_set(&change->why, ERR_INVALID,
                        "kind: site, node, link, host, router, tunnel, vpn or circuit is expected");
    if (network_remove(net, k, name))
        return diag_set(&change->why, ERR_NOT_FOUND, "there is no %s %.63s", kind, name);
    change->event_body = json_pack("{s:s, s:s}", "kind", kind, "name", name);
    return ERR_OK;
}

/* ---- On the loop -------------------------------------------------------------------------------
 */

/* Adds what an SCD file proposes and what was found in it. */
static void
add_proposals(json_t *answer, const struct scd_import *scd)
{
    json_t *all = scd_import_to_json(scd), *findings = json_object_get(all, "findings");
    json_array_extend(findings, json_object_get(answer, "findings"));
    json_object_set(answer, "findings", findings);
    json_object_set(answer, "circuits", json_object_get(all, "proposals"));
    json_decref(all);
}

static json_t *
report_answer(struct change *change)
{
    bool clean = report_is_clean(&change->report);
    change->report.dry_run = change->dry_run;
    change->report.applied = clean && !change->dry_run;
    json_t *answer = report_to_json(&change->report);
    if (change->scd)
        add_proposals(answer, change->scd);
    return answer;
}

static void
stored(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct request *request = arg;
    if (err)
        request_refuse(request, err, "%s", why);
    else
        request_answer(request, json_incref(request->kept));
}

static void
append_change(struct change *change, const char *type, const char *object)
{
    struct request *request = change->request;
    struct new_event event = {type, object, request->actor, json_incref(change->event_body)};
    append_start(request->service->appends, &event, 1, false, stored, request);
}

static bool
is_on_router(const json_t *service, const char *vpn, const char *router)
{
    struct arena *arena = arena_new(VPN_BUDGET);
    const struct vpn_service *s;
    bool found = false;
    enum err err = vpn_read_document(vpn, service, arena, &s, NULL);
    for (uint32_t i = 0; !err && i < s->n_nodes; i++)
        found |= !strcmp(s->nodes[i].ne_id, router);
    arena_free(arena);
    return found;
}

/* What a VPN has put on a router is taken away with the templates that put it there. */
static enum err
check_vpns(struct change *change)
{
    const struct vpning *all = &change->request->service->state->vpning;
    json_t *name;
    size_t i;
    json_array_foreach(change->vpns, i, name)
    {
        const struct vpn_status *v = vpning_find(all, json_string_value(name));
        if (v && v->phase != PHASE_PROPOSED)
            return diag_set(&change->why, ERR_CONFLICT,
                            "vpn %s is %s: take it down before it is removed", v->vpn,
                            circuit_phase_word(v->phase));
    }
    json_array_foreach(change->routers, i, name)
    {
        for (const struct vpn_status *v = all->vpns; v; v = v->hh.next) {
            const struct vpn_version *applied = vpn_status_applied(v);
            const char *router = json_string_value(name);
            if ((applied && is_on_router(applied->service, v->vpn, router)) ||
                (v->next && is_on_router(v->next, v->vpn, router)))
                return diag_set(&change->why, ERR_CONFLICT,
                                "vpn %s is on router %s: take it from there before that is removed "
                                "or has another platform",
                                v->vpn, router);
        }
    }
    return ERR_OK;
}

/* An order that is at work on a circuit was given it as it is. */
static enum err
check_engagements(struct change *change)
{
    size_t i;
    json_t *name;
    json_array_foreach(change->circuits, i, name)
    {
        uint32_t order = works_engaged(change->request->service->works, json_string_value(name));
        if (order)
            return diag_set(&change->why, ERR_CONFLICT, "circuit %s: work order %u has it in hand",
                            json_string_value(name), order);
    }
    json_array_foreach(change->tunnels, i, name)
    {
        const struct state *state = change->request->service->state;
        const struct tunnel_status *t = tunneling_find(&state->tunneling, json_string_value(name));
        if (t && t->phase != PHASE_PROPOSED)
            return diag_set(&change->why, ERR_CONFLICT,
                            "tunnel %s is %s: take it down before it, or a router that it ends at, "
                            "is changed or removed",
                            t->tunnel, circuit_phase_word(t->phase));
    }
    return check_vpns(change);
}

static void
put_made(void *arg)
{
    struct change *change = arg;
    struct request *request = change->request;
    bool in_report = !report_is_clean(&change->report);
    if (!change->err)
        change->err = check_engagements(change);
    if (change->err && !(in_report && change->err == ERR_INVALID)) {
        request_refuse(request, change->err, "%s", change->why.text);
        return;
    }
    request->kept = report_answer(change);
    if (in_report || change->dry_run || json_object_size(change->event_body) == 0)
        request_answer(request, json_incref(request->kept));
    else
        append_change(change, "model.put", "inventory");
}

static void
removal_made(void *arg)
{
    struct change *change = arg;
    char object[128];
    if (!change->err)
        change->err = check_engagements(change);
    if (change->err) {
        request_refuse(change->request, change->err, "%s", change->why.text);
        return;
    }
    snprintf(object, sizeof object, "%s/%s", text_of(change->payload, "kind"),
             text_of(change->payload, "name"));
    change->request->kept = json_object();
    append_change(change, "model.remove", object);
}

static const struct job_class put_job = {copy_network, compute, put_made, change_free};
static const struct job_class removal_job = {copy_network, compute, removal_made, change_free};

static void
start_change(struct request *request, const struct job_class *class,
             enum err (*make)(struct change *, struct network *), bool dry_run)
{
    struct change *change = xcalloc(1, sizeof *change);
    *change = (struct change){.request = request,
                              .payload = json_incref(request->payload),
                              .make = make,
                              .dry_run = dry_run};
    jobs_add(request->service->jobs, class, change);
}

static void
import_in_turn(struct turn *turn)
{
    start_change(CONTAINER_OF(turn, struct request, turn), &put_job, make_import, false);
}

static void
put_in_turn(struct turn *turn)
{
    start_change(CONTAINER_OF(turn, struct request, turn), &put_job, make_put, false);
}

static void
remove_in_turn(struct turn *turn)
{
    start_change(CONTAINER_OF(turn, struct request, turn), &removal_job, make_removal, false);
}

/* ---- Requests ----------------------------------------------------------------------------------
 */

static const char *
find_fault(const struct request *request)
{
    size_t i;
    json_t *file, *files = json_object_get(request->payload, "files");
    const char *format = request_text(request, "format");
    if (!format || (strcmp(format, "csv") && strcmp(format, "json") && strcmp(format, "scd")))
        return "format: csv, json or scd is expected";
    if (!json_is_array(files) || json_array_size(files) == 0)
        return "files: a list of files is expected";
    if (json_array_size(files) > IMPORT_FILES_MAX)
        return "files: these are too many for one import";
    if (!strcmp(format, "scd") && json_array_size(files) > 1)
        return "files: SCD files are imported one by one";
    json_array_foreach(files, i, file)
    {
        if (!json_is_string(json_object_get(file, "name")) ||
            !json_is_string(json_object_get(file, "text")))
            return "files: each has a name and a text";
    }
    return NULL;
}

void
inventory_import(struct request *request)
{
    const char *fault = find_fault(request);
    if (fault)
        request_refuse(request, ERR_INVALID, "%s", fault);
    else if (request_flag(request, "dry-run"))
        start_change(request, &put_job, make_import, true);
    else
        turn_ask(&request->service->turns, &request->turn, import_in_turn);
}

void
inventory_put(struct request *request)
{
    if (!json_is_object(json_object_get(request->payload, "document")))
        request_refuse(request, ERR_INVALID, "document: an object is expected");
    else if (request_flag(request, "dry-run"))
        start_change(request, &put_job, make_put, true);
    else
        turn_ask(&request->service->turns, &request->turn, put_in_turn);
}

void
inventory_remove(struct request *request)
{
    if (!request_text(request, "kind") || !request_text(request, "name"))
        request_refuse(request, ERR_INVALID, "kind and name are expected");
    else
        turn_ask(&request->service->turns, &request->turn, remove_in_turn);
}

/* ---- Export ------------------------------------------------------------------------------------
 */

/* Belongs to the job. */
struct export
{
    struct request *request;
    bool csv;
    json_t *files;
};

static void
export_free(void *arg)
{
    struct export *export = arg;
    json_decref(export->files);
    free(export);
}

static struct network *
copy_for_export(void *arg)
{
    const struct export *export = arg;
    return network_copy(export->request->service->state->network);
}

static void
add_file(json_t *files, const char *name, const char *text)
{
    json_array_append_new(files, json_pack("{s:s, s:s}", "name", name, "text", text));
}

static void
write_files(void *arg, struct network *net)
{
    struct export *export = arg;
    if (!export->csv) {
        json_t *document = inventory_to_json(net);
        char *text = json_dumps(document, JSON_INDENT(2));
        add_file(export->files, "tieline.json", text ? text : "{}");
        free(text);
        json_decref(document);
        return;
    }
    for (enum object_kind kind = OBJECT_SITE; kind < OBJECT_KIND_MAX; kind++) {
        struct buf text = BUF_INIT;
        if (!csv_file_name(kind))
            continue;
        csv_export(net, kind, &text);
        add_file(export->files, csv_file_name(kind), buf_cstr(&text));
        buf_fini(&text);
    }
}

static void
files_written(void *arg)
{
    struct export *export = arg;
    request_answer(export->request, json_pack("{s:O}", "files", export->files));
}

static const struct job_class export_job = {copy_for_export, write_files, files_written,
                                            export_free};

void
inventory_export(struct request *request)
{
    const char *format = request_text(request, "format");
    if (!format || (strcmp(format, "csv") && strcmp(format, "json"))) {
        request_refuse(request, ERR_INVALID, "format: csv or json is expected");
        return;
    }
    struct export *export = xcalloc(1, sizeof *export);
    *export = (struct export){request, !strcmp(format, "csv"), json_array()};
    jobs_add(request->service->views, &export_job, export);
}
