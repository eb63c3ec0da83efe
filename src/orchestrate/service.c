#include "orchestrate/service_private.h"

#include "base/alloc.h"
#include "engineer/standing.h"
#include "io/clock.h"
#include "orchestrate/actions.h"
#include "orchestrate/effects.h"
#include "orchestrate/exceptions.h"
#include "orchestrate/local_work.h"
#include "orchestrate/work.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFINITION_SIZE_MAX ((size_t)1 << 20) /* as workflow_parse_yaml() has it */

/* ---- Definitions -------------------------------------------------------------------------------
 */

const struct definition *
service_definition(const struct orchestrate_service *s, const char *name)
{
    struct definition *found;
    HASH_FIND_STR(s->definitions, name, found);
    return found;
}

const struct definition *
service_repairing_definition(const struct orchestrate_service *s)
{
    for (const struct definition *d = s->definitions; d; d = d->hh.next) {
        if (d->repairs)
            return d;
    }
    return NULL;
}

static void
definitions_free(struct orchestrate_service *s)
{
    struct definition *definition, *next;
    HASH_ITER (hh, s->definitions, definition, next) {
        HASH_DEL(s->definitions, definition);
        workflow_free(definition->workflow);
        free(definition);
    }
}

static enum err
check_call(const json_t *call, const char *step, struct diag *diag)
{
    const char *action = json_string_value(json_object_get(call, "action"));
    if (!action || action_find(action))
        return ERR_OK;
    return diag_set(diag, ERR_UNSUPPORTED, "step %s: there is no action '%s'", step, action);
}

static enum err
check_actions(const json_t *definition, struct diag *diag)
{
    size_t i;
    json_t *step;
    enum err err = ERR_OK;
    json_array_foreach(json_object_get(definition, "steps"), i, step)
    {
        const char *name = json_string_value(json_object_get(step, "name"));
        err = check_call(step, name, diag);
        if (!err)
            err = check_call(json_object_get(step, "undo"), name, diag);
        if (err)
            break;
    }
    return err;
}

static enum err
add_definition(struct orchestrate_service *s, const char *text, size_t size, const char *file,
               struct diag *diag)
{
    struct workflow *workflow;
    enum err err = workflow_parse_yaml(text, size, file, &workflow, diag);
    if (err)
        return err;
    const json_t *json = workflow_json(workflow);
    err = check_actions(json, diag);
    if (!err && service_definition(s, workflow_name(workflow)))
        err = diag_set(diag, ERR_EXISTS, "there is a workflow called %s already",
                       workflow_name(workflow));
    if (err) {
        diag_prefix(diag, "%s", file);
        workflow_free(workflow);
        return err;
    }
    struct definition *definition = xcalloc(1, sizeof *definition);
    definition->workflow = workflow;
    definition->reserves = workflow_calls(json, "circuit.reserve");
    definition->removes = !definition->reserves && workflow_calls(json, "circuit.remove");
    definition->repairs = workflow_calls(json, "exception.close");
    const char *name = workflow_name(workflow);
    HASH_ADD_KEYPTR(hh, s->definitions, name, strlen(name), definition);
    return ERR_OK;
}

static enum err
read_definition(struct orchestrate_service *s, const char *path, struct diag *diag)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return diag_set(diag, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path,
                        strerror(errno));
    char *text = xmalloc(DEFINITION_SIZE_MAX + 1);
    size_t size = fread(text, 1, DEFINITION_SIZE_MAX + 1, file);
    enum err err = ferror(file) ? diag_set(diag, ERR_IO, "%s: %s", path, strerror(errno)) : ERR_OK;
    fclose(file);
    if (!err)
        err = add_definition(s, text, size, path, diag);
    free(text);
    return err;
}

static int
is_yaml(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 5 && !strcmp(entry->d_name + length - 5, ".yaml");
}

static enum err
read_definitions(struct orchestrate_service *s, const char *dir, struct diag *diag)
{
    struct dirent **entries;
    enum err err = ERR_OK;
    int n = scandir(dir, &entries, is_yaml, alphasort);
    if (n < 0)
        return diag_set(diag, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", dir,
                        strerror(errno));
    for (int i = 0; i < n; i++) {
        char *path = xasprintf("%s/%s", dir, entries[i]->d_name);
        if (!err)
            err = read_definition(s, path, diag);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return err;
}

void
service_list_workflows(struct request *request)
{
    json_t *list = json_array();
    for (const struct definition *d = request->service->definitions; d; d = d->hh.next) {
        const json_t *json = workflow_json(d->workflow);
        json_t *input = json_object_get(json, "input");
        const char *description = json_string_value(json_object_get(json, "description"));
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:o}", "name", workflow_name(d->workflow),
                                        "title", workflow_title(d->workflow), "description",
                                        description ? description : "", "input",
                                        input ? json_incref(input) : json_object()));
    }
    request_answer(request, json_pack("{s:o}", "workflows", list));
}

/* ---- The service -------------------------------------------------------------------------------
 */

static void
journal_tried(void *arg)
{
    struct orchestrate_service *s = arg;
    works_stir(s->works);
}

static void
on_event(void *arg, const struct journal_event *event)
{
    struct orchestrate_service *s = arg;
    works_event(s->works, event, s->live);
    if (s->live)
        exceptions_event(s->exceptions, event);
}

static enum err
open_service(struct orchestrate_service *s, const char *workflows_dir, struct diag *diag)
{
    enum err err = s->config.exceptions_only ? ERR_OK : read_definitions(s, workflows_dir, diag);
    if (!err)
        err = journal_subscribe(s->journal, 1, on_event, s, &s->events, diag);
    if (!err)
        err = requests_open(s, diag);
    if (err)
        return err;
    s->live = true;
    works_begin(s->works);
    exceptions_begin(s->exceptions);
    local_works_begin(s->local);
    return ERR_OK;
}

enum err
orchestrate_service_new(const struct orchestrate_service_config *config,
                        struct orchestrate_service **result, struct diag *diag)
{
    struct orchestrate_service *s = xcalloc(1, sizeof *s);
    s->config = *config;
    s->loop = config->loop;
    s->journal = config->journal;
    s->bus = config->bus;
    s->state = config->state;
    s->clock = config->clock ? config->clock : clock_wall;
    turns_init(&s->turns, s->loop);
    s->appends = appends_new(s->loop, s->journal, journal_tried, s);
    s->jobs = jobs_new(s->loop);
    s->views = jobs_new(s->loop);
    s->trials = jobs_new(s->loop);
    s->standing = standing_new();
    s->works = works_new(s);
    s->effects = effects_new(s);
    s->exceptions = exceptions_new(s);
    s->local = local_works_new(s);
    enum err err = open_service(s, config->workflows_dir, diag);
    if (err) {
        orchestrate_service_free(s);
        return err;
    }
    *result = s;
    return ERR_OK;
}

/* Whatever waits for the journal, a job or its turn ends before these do. */
void
orchestrate_service_free(struct orchestrate_service *s)
{
    if (!s)
        return;
    journal_unsubscribe(s->events);
    requests_close(s);
    effects_free(s->effects);
    works_free(s->works);
    exceptions_free(s->exceptions);
    local_works_free(s->local);
    jobs_free(s->jobs);
    jobs_free(s->views);
    jobs_free(s->trials);
    standing_release(s->standing);
    appends_free(s->appends);
    turns_fini(&s->turns);
    definitions_free(s);
    free(s);
}

size_t
orchestrate_service_open_orders(const struct orchestrate_service *s)
{
    return works_n_open(s->works);
}
