#include "engineer/import_scd.h"

#include "base/alloc.h"
#include "engineer/scd_evaluate.h"
#include "model/check.h"
#include "model/json.h"
#include "model/stage.h"
#include "model/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- What the evaluating parts use -------------------------------------------------------------
 */

void
evaluation_add(struct evaluation *e, enum severity severity, const char *code, const char *kind,
               const char *object, uint32_t line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    struct finding *finding = findings_add(&e->import->findings, severity, code, kind, object, NULL,
                                           "%s", text);
    finding->file = xstrdup(e->import->file);
    finding->line = line;
    free(text);
}

/* What is free of this name: "name", "name-2", "name-3". */
static char *
unique_name(struct evaluation *e, const char *text)
{
    char name[NAME_MAX_LENGTH + 1];
    name_from_text(text, name);
    for (unsigned n = 2; claim_text(&e->names, name, e); n++) {
        char suffix[16];
        int length = snprintf(suffix, sizeof suffix, "-%u", n);
        char first[NAME_MAX_LENGTH + 1];
        name_from_text(text, first);
        snprintf(name, sizeof name, "%.*s%s", NAME_MAX_LENGTH - length, first, suffix);
    }
    return xstrdup(name);
}

struct scd_proposal *
propose(struct evaluation *e, const char *name, enum circuit_kind kind)
{
    struct scd_import *import = e->import;
    GROW(import->proposals, import->n_proposals, e->capacity);
    struct scd_proposal *proposal = &import->proposals[import->n_proposals++];
    *proposal = (struct scd_proposal){.circuit = object_new(OBJECT_CIRCUIT)};
    proposal->circuit->kind = kind;
    proposal->circuit->name = unique_name(e, name);
    return proposal;
}

void
add_reason(struct scd_proposal *proposal, const char *format, ...)
{
    va_list args;
    proposal->reasons = xrealloc(proposal->reasons, proposal->n_reasons + 1,
                                 sizeof *proposal->reasons);
    va_start(args, format);
    proposal->reasons[proposal->n_reasons++] = text_make_printable(xvasprintf(format, args));
    va_end(args);
}

void
add_evidence(struct scd_proposal *proposal, uint32_t line, const char *format, ...)
{
    va_list args;
    proposal->evidence = xrealloc(proposal->evidence, proposal->n_evidence + 1,
                                  sizeof *proposal->evidence);
    va_start(args, format);
    proposal->evidence[proposal->n_evidence++] = (struct scd_evidence){
        text_make_printable(xvasprintf(format, args)), line};
    va_end(args);
}

/* ---- Importing ---------------------------------------------------------------------------------
 */

/* What the file does not say stays as it is in a circuit that was accepted before. */
static void
keep_existing(const struct network *network, struct circuit *circuit)
{
    const struct circuit *old = network_circuit(network, circuit->name);
    if (!old)
        return;
    circuit->description = old->description ? xstrdup(old->description) : NULL;
    circuit->service_class = old->service_class;
    circuit->max_latency_us = old->max_latency_us;
    circuit->max_asymmetry_us = old->max_asymmetry_us;
    circuit->protection = old->protection;
    circuit->window = old->window;
}

/* What the network says against a proposal that is otherwise complete. */
static void
check_proposal(const struct network *network, struct scd_proposal *proposal)
{
    struct findings findings = {0};
    keep_existing(network, proposal->circuit);
    if (proposal->n_reasons == 0)
        network_check_circuit(network, proposal->circuit, &findings);
    for (size_t i = 0; i < findings.n; i++) {
        const struct finding *f = &findings.items[i];
        if (f->severity == SEVERITY_ERROR)
            add_reason(proposal, "%s%s%s", f->field ? f->field : "", f->field ? ": " : "", f->text);
    }
    findings_fini(&findings);
    proposal->importable = proposal->n_reasons == 0;
}

static void
evaluate(const struct network *network, const struct scd *scd, struct scd_import *import)
{
    struct evaluation e = {.network = network, .scd = scd, .import = import};
    import->edition = xstrdup(scd->edition);
    if (scd->wrong_namespace)
        evaluation_add(&e, SEVERITY_WARNING, "namespace-wrong", "file", import->file, 0,
                       "its namespace is \"%s\", not http://www.iec.ch/61850/2003/SCL",
                       scd->wrong_namespace);
    evaluate_ieds(&e);
    evaluate_publications(&e);
    evaluate_clients(&e);
    for (size_t i = 0; i < import->n_proposals; i++)
        check_proposal(network, &import->proposals[i]);
    struct claim **const sets[] = {&e.ieds,       &e.hosts,   &e.access_points,
                                   &e.mismatched, &e.missing, &e.names};
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
        claims_free(sets[i]);
}

enum err
scd_import(const struct network *network, const char *file, const char *text, size_t size,
           struct scd_import **import)
{
    struct scd_import *result = xcalloc(1, sizeof *result);
    struct arena *arena = arena_new(SCD_MEMORY_MAX);
    struct scd *scd;
    struct diag diag;
    uint32_t line;
    result->file = xstrdup(file);
    enum err err = scd_parse(text, size, arena, &scd, &line, &diag);
    if (err) {
        struct finding *finding = findings_add(&result->findings, SEVERITY_ERROR, "not-readable",
                                               "file", file, NULL, "%s", diag.text);
        finding->file = xstrdup(file);
        finding->line = line;
    } else {
        evaluate(network, scd, result);
    }
    arena_free(arena);
    *import = result;
    return err;
}

static void
proposal_fini(struct scd_proposal *proposal)
{
    circuit_free(proposal->circuit);
    for (size_t i = 0; i < proposal->n_reasons; i++)
        free(proposal->reasons[i]);
    for (size_t i = 0; i < proposal->n_evidence; i++)
        free(proposal->evidence[i].text);
    free(proposal->reasons);
    free(proposal->evidence);
}

void
scd_import_free(struct scd_import *import)
{
    if (!import)
        return;
    for (size_t i = 0; i < import->n_proposals; i++)
        proposal_fini(&import->proposals[i]);
    free(import->proposals);
    findings_fini(&import->findings);
    free(import->file);
    free(import->edition);
    free(import);
}

/* ---- Accepting ---------------------------------------------------------------------------------
 */

const struct scd_proposal *
scd_import_find(const struct scd_import *import, const char *circuit)
{
    for (size_t i = 0; i < import->n_proposals; i++) {
        if (!strcmp(import->proposals[i].circuit->name, circuit))
            return &import->proposals[i];
    }
    return NULL;
}

static void
accept(struct stage *stage, const struct scd_import *import, const struct scd_proposal *proposal,
       const char *name)
{
    const struct stage_place place = {.file = import->file};
    if (!proposal)
        stage_fail(stage, "circuit", name, &place, NULL, "is not proposed");
    else if (!proposal->importable)
        stage_fail(stage, "circuit", name, &place, NULL, proposal->reasons[0]);
    else
        stage_put(stage, OBJECT_CIRCUIT, circuit_copy(proposal->circuit), &place);
}

enum err
scd_import_apply(struct network *network, const struct scd_import *import, const char *const *names,
                 size_t n_names, bool dry_run, struct report *report)
{
    struct stage *stage = stage_new(network, report);
    for (size_t i = 0; i < n_names; i++)
        accept(stage, import, scd_import_find(import, names[i]), names[i]);
    for (size_t i = 0; i < import->n_proposals && n_names == 0; i++) {
        if (import->proposals[i].importable)
            accept(stage, import, &import->proposals[i], NULL);
    }
    return stage_finish(stage, dry_run);
}

/* ---- JSON --------------------------------------------------------------------------------------
 */

static json_t *
proposal_to_json(const struct scd_proposal *proposal)
{
    json_t *json = json_object(), *reasons = json_array(), *evidence = json_array();
    for (size_t i = 0; i < proposal->n_reasons; i++)
        json_array_append_new(reasons, json_string(proposal->reasons[i]));
    for (size_t i = 0; i < proposal->n_evidence; i++)
        json_array_append_new(evidence, json_pack("{ss si}", "text", proposal->evidence[i].text,
                                                  "line", (int)proposal->evidence[i].line));
    json_object_set_new(json, "circuit", circuit_to_json(proposal->circuit));
    json_object_set_new(json, "importable", json_boolean(proposal->importable));
    json_object_set_new(json, "reasons", reasons);
    json_object_set_new(json, "evidence", evidence);
    return json;
}

json_t *
scd_import_to_json(const struct scd_import *import)
{
    json_t *json = json_object(), *proposals = json_array();
    for (size_t i = 0; i < import->n_proposals; i++)
        json_array_append_new(proposals, proposal_to_json(&import->proposals[i]));
    json_object_set_new(json, "file", json_string(import->file));
    if (import->edition)
        json_object_set_new(json, "edition", json_string(import->edition));
    json_object_set_new(json, "ieds", json_integer((json_int_t)import->n_ieds));
    json_object_set_new(json, "proposals", proposals);
    json_object_set_new(json, "findings", findings_to_json(&import->findings));
    return json;
}
