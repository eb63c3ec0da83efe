#include "orchestrate/work_json.h"

#include "orchestrate/draft.h"

#include <stdlib.h>
#include <string.h>

static void
set_text(json_t *json, const char *key, const char *text)
{
    if (text && *text)
        json_object_set_new(json, key, json_string(text));
}

static void
set_time(json_t *json, const char *key, nsec_t time)
{
    char text[TIME_TEXT_SIZE];
    if (time)
        json_object_set_new(json, key, json_string(time_format(time, text)));
}

static void
set_value(json_t *json, const char *key, json_t *value)
{
    if (value)
        json_object_set(json, key, value);
}

static json_t *
plan_to_json(const struct work *work)
{
    json_t *plan = json_object();
    set_text(plan, "hash", draft_hash(work->draft));
    set_value(plan, "summary", work->summary);
    set_value(plan, "proof", work->proof);
    set_value(plan, "shown", notes_shown(work->notes));
    return plan;
}

static json_t *
open_to_json(const struct work *work, bool full)
{
    const struct workflow *workflow = workflow_run_workflow(work->run);
    json_t *status = workflow_run_status(work->run);
    json_t *json = json_pack("{s:I, s:s, s:s}", "id", (json_int_t)work->id, "workflow",
                             workflow_name(workflow), "requester",
                             workflow_run_requester(work->run));
    set_text(json, "state", notes_order_state(status));
    set_text(json, "comment", work->comment);
    set_time(json, "created", work->created);
    set_time(json, "closed", work->closed);
    set_text(json, "plan-hash", draft_hash(work->draft));
    set_text(json, "error", json_string_value(json_object_get(status, "error")));
    if (json_array_size(work->circuits))
        json_object_set(json, "circuits", work->circuits);
    if (full) {
        json_object_set_new(json, "step", notes_steps(work->notes, status));
        json_object_set_new(json, "approval", notes_approvals(work->notes, status));
        json_object_set_new(json, "plan", plan_to_json(work));
    }
    json_decref(status);
    return json;
}

json_t *
work_to_json(const struct work *work, bool full)
{
    static const char *const details[] = {"step", "approval", "plan"};
    if (work->run)
        return open_to_json(work, full);
    json_t *json = json_copy(work->shown);
    for (size_t i = 0; i < ARRAY_SIZE(details) && !full; i++)
        json_object_del(json, details[i]);
    return json;
}

static bool
take_draft(void *arg, const struct journal_event *event)
{
    json_t **draft = arg, *body = json_loadb(event->body, event->body_size, 0, NULL);
    *draft = json_incref(json_object_get(json_object_get(body, "result"), "plan"));
    json_decref(body);
    return false;
}

json_t *
work_read_draft(const struct work *work)
{
    struct journal_query query = {.from = work->draft_seq, .limit = 1};
    json_t *draft = NULL;
    if (work->draft)
        return json_incref(work->draft);
    if (work->draft_seq && journal_read(work->service->journal, &query, take_draft, &draft, NULL))
        return NULL;
    return draft;
}

static json_t *
first_lines(const char *text)
{
    json_t *lines = json_array();
    while (*text && json_array_size(lines) < WORK_CHANGES_SHOWN) {
        size_t length = strcspn(text, "\n");
        json_array_append_new(lines, json_stringn(text, length));
        text += length + (text[length] == '\n');
    }
    return lines;
}

void
work_add_changes(json_t *plan, const json_t *draft, struct network *net)
{
    struct plan_changes changes;
    struct diag why = {""};
    struct buf text = BUF_INIT;
    draft_hold(net, draft);
    if (draft_rules(net, draft, &changes, NULL, &why)) {
        set_text(plan, "error", why.text);
        return;
    }
    plan_changes_format(&changes, &text);
    json_object_set_new(plan, "n-changes", json_integer(changes.n));
    json_object_set_new(plan, "changes", first_lines(buf_cstr(&text)));
    plan_changes_free(&changes);
    buf_fini(&text);
}
