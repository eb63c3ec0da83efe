#include "orchestrate/scenarios.h"

#include "base/alloc.h"
#include "engineer/scenario.h"
#include "orchestrate/draft.h"
#include "orchestrate/inventory.h"
#include "orchestrate/service_private.h"
#include "orchestrate/work.h"

#include <stdlib.h>
#include <string.h>

static const char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* ---- The request, read into a scenario ----------------------------------------------------------
 */

static enum err
remove_all(struct scenario *s, const json_t *list, struct diag *diag)
{
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
    {
        const char *word = text_of(one, "kind");
        enum object_kind kind = OBJECT_SITE;
        while (kind <= OBJECT_CIRCUIT && strcmp(object_class(kind)->word, word) != 0)
            kind++;
        if (kind > OBJECT_CIRCUIT)
            return diag_set(diag, ERR_INVALID,
                            "remove: number %zu: kind: site, node, link, host or circuit is "
                            "expected",
                            i + 1);
        enum err err = scenario_remove(s, kind, text_of(one, "name"), diag);
        if (err) {
            diag_prefix(diag, "remove: number %zu", i + 1);
            return err;
        }
    }
    return ERR_OK;
}

static enum err
design_all(struct scenario *s, const json_t *list, struct diag *diag)
{
    size_t i;
    json_t *name;
    json_array_foreach(list, i, name)
    {
        const char *text = json_string_value(name);
        enum err err = scenario_design(s, text ? text : "", diag);
        if (err) {
            diag_prefix(diag, "design: number %zu", i + 1);
            return err;
        }
    }
    return ERR_OK;
}

static bool
failure_kind_from(const char *word, enum failure_kind *kind)
{
    static const char *const words[FAILURE_KINDS] = {"link", "node", "shared-risk"};
    for (*kind = 0; *kind < FAILURE_KINDS; ++*kind) {
        if (!strcmp(words[*kind], word))
            return true;
    }
    return false;
}

/* The names stay the request's; the caller frees the list. */
static enum err
read_failures(const json_t *list, struct scenario_options *o, struct diag *diag)
{
    size_t i;
    json_t *one;
    struct failure *failures = xcalloc(json_array_size(list), sizeof *failures);
    o->failures = failures;
    o->n_failures = (uint32_t)json_array_size(list);
    json_array_foreach(list, i, one)
    {
        failures[i].name = text_of(one, "name");
        if (!failure_kind_from(text_of(one, "kind"), &failures[i].kind))
            return diag_set(diag, ERR_INVALID,
                            "fail: number %zu: kind: link, node or shared-risk is expected", i + 1);
    }
    return ERR_OK;
}

/* NULL: they are put into the network. */
static json_t *
put_files(struct scenario *s, const json_t *request)
{
    struct report report = {0};
    const json_t *files = json_object_get(request, "files");
    json_t *json = NULL;
    if (json_array_size(files))
        inventory_read_files(scenario_network(s), text_of(request, "format"), files, &report);
    if (!report_is_clean(&report)) {
        report.dry_run = false;
        report.applied = false;
        json = report_to_json(&report);
    }
    report_fini(&report);
    return json;
}

static enum err
answer_from(struct scenario *s, const json_t *request, struct scenario_options *o, json_t **answer,
            struct diag *diag)
{
    enum err err = read_failures(json_object_get(request, "fail"), o, diag);
    if (!err)
        err = remove_all(s, json_object_get(request, "remove"), diag);
    if (!err)
        err = design_all(s, json_object_get(request, "design"), diag);
    if (err)
        return err;
    json_t *report = put_files(s, request);
    if (!report)
        return scenario_run(s, o, answer, diag);
    *answer = json_pack("{s:o}", "report", report);
    return ERR_OK;
}

enum err
scenario_answer(const struct network *base, const json_t *request, json_t **answer,
                struct diag *diag)
{
    struct scenario_options o = {
        .redesign = json_is_true(json_object_get(request, "redesign")),
        .each_failure = json_is_true(json_object_get(request, "each-failure")),
    };
    struct scenario *s = scenario_new(base);
    enum err err = answer_from(s, request, &o, answer, diag);
    free((struct failure *)o.failures);
    scenario_free(s);
    return err;
}

/* ---- As a job ----------------------------------------------------------------------------------
 */

/* Belongs to the job. */
struct modelling {
    struct request *request;
    json_t *payload;
    json_t *others; /* drafts that orders hold */
    json_t *answer;
    enum err err;
    struct diag why;
};

static void
modelling_free(void *arg)
{
    struct modelling *m = arg;
    json_decref(m->payload);
    json_decref(m->others);
    json_decref(m->answer);
    free(m);
}

static struct network *
prepare(void *arg)
{
    struct modelling *m = arg;
    const struct orchestrate_service *s = m->request->service;
    m->others = works_held_drafts(s->works, NULL);
    return network_copy(s->state->network);
}

static void
compute(void *arg, struct network *net)
{
    struct modelling *m = arg;
    size_t i;
    json_t *draft;
    json_array_foreach(m->others, i, draft)
    {
        draft_hold(net, draft);
    }
    m->err = scenario_answer(net, m->payload, &m->answer, &m->why);
}

static void
computed(void *arg)
{
    struct modelling *m = arg;
    if (m->err)
        request_refuse(m->request, m->err, "%s", m->why.text);
    else
        request_answer(m->request, json_incref(m->answer));
}

static const struct job_class modelling_job = {prepare, compute, computed, modelling_free};

void
scenarios(struct request *request)
{
    size_t n = json_array_size(json_object_get(request->payload, "files"));
    if (n > IMPORT_FILES_MAX) {
        request_refuse(request, ERR_INVALID, "files: %d at most", IMPORT_FILES_MAX);
        return;
    }
    struct modelling *m = xcalloc(1, sizeof *m);
    m->request = request;
    m->payload = json_incref(request->payload);
    jobs_add(request->service->trials, &modelling_job, m);
}
