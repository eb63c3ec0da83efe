#include "orchestrate/work_requests.h"

#include "base/alloc.h"
#include "orchestrate/draft.h"
#include "orchestrate/work.h"
#include "orchestrate/work_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Submitting --------------------------------------------------------------------------------
 */

static bool
has_input(const struct definition *definition, const char *name)
{
    return json_object_get(json_object_get(workflow_json(definition->workflow), "input"), name);
}

static const struct window *
window_of(const struct network *net, bool tunnels, const char *name)
{
    const struct circuit *circuit = name && !tunnels ? network_circuit(net, name) : NULL;
    const struct tunnel *tunnel = name && tunnels ? network_tunnel(net, name) : NULL;
    return circuit ? &circuit->window : tunnel ? &tunnel->window : NULL;
}

/* All circuits, or tunnels, of an order have one window, and that is the order's. */
static enum err
find_window(const struct network *net, const json_t *input, struct window *window,
            struct diag *diag)
{
    size_t i;
    bool tunnels = json_object_get(input, "tunnels");
    const char *what = tunnels ? "tunnels" : "circuits", *first = NULL;
    json_t *name;
    *window = (struct window){0};
    json_array_foreach(json_object_get(input, what), i, name)
    {
        const char *text = json_string_value(name);
        const struct window *its = window_of(net, tunnels, text);
        if (!its)
            continue; /* works_prepare() says so, or the first step */
        if (first && (its->start != window->start || its->end != window->end))
            return diag_set(diag, ERR_INVALID,
                            "%s %s and %s have different windows: submit an order for each", what,
                            first, text);
        first = first ? first : text;
        *window = *its;
    }
    return ERR_OK;
}

/* Puts one end of the window into the input. What is there must say the same. */
static enum err
put_time(json_t *input, const char *key, nsec_t time, struct diag *diag)
{
    char text[TIME_TEXT_SIZE];
    nsec_t stated;
    const char *there = json_string_value(json_object_get(input, key));
    if (there && (time_parse(there, &stated) || stated != time))
        return diag_set(diag, ERR_INVALID, "%s: %.40s is not what they say%s%s", key, there,
                        time ? ", " : ", which have no window",
                        time ? time_format(time, text) : "");
    if (time)
        json_object_set_new(input, key, json_string(time_format(time, text)));
    return ERR_OK;
}

static enum err
add_window(const struct orchestrate_service *s, const struct definition *definition, json_t *input,
           struct diag *diag)
{
    struct window window;
    char text[TIME_TEXT_SIZE];
    if (!has_input(definition, "window-start") || !has_input(definition, "window-end"))
        return ERR_OK;
    enum err err = find_window(s->state->network, input, &window, diag);
    if (!err && window.end && window.end <= s->clock())
        err = diag_set(diag, ERR_INVALID, "their window is over since %s",
                       time_format(window.end, text));
    if (!err)
        err = put_time(input, "window-start", window.start, diag);
    return err ? err : put_time(input, "window-end", window.end, diag);
}

static void
submitted(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct request *request = arg;
    struct works *works = request->service->works;
    if (err) {
        works_drop(works, request->kept);
        request_refuse(request, err, "%s", why);
    } else {
        const char *run = json_string_value(json_object_get(request->kept, "run"));
        request_answer(request, json_pack("{s:I}", "id", (json_int_t)strtoul(run, NULL, 10)));
    }
}

/* An order that repairs an exception is named in it. */
static size_t
add_exception_event(const struct orchestrate_service *s, const struct new_work *made,
                    const json_t *input, char *object, size_t size, struct new_event *event)
{
    const char *text = json_string_value(json_object_get(input, "exception"));
    uint32_t id = text ? (uint32_t)strtoul(text, NULL, 10) : 0;
    const struct exception *exception = state_exception(s->state, id);
    if (!exception || exception->state == EXCEPTION_CLOSED ||
        exception_site(id) != s->config.number)
        return 0;
    snprintf(object, size, "exception/%u", id);
    *event = (struct new_event){
        "exception.order", object, ORCHESTRATE_ACTOR,
        json_pack("{s:I, s:I}", "id", (json_int_t)id, "order", (json_int_t)made->id)};
    return 1;
}

static void
append_order(struct request *request, struct new_work *made)
{
    struct orchestrate_service *s = request->service;
    char object[32];
    struct new_event events[2] = {
        {"run.created", made->object, request->actor, json_incref(made->body)}};
    size_t n = 1 + add_exception_event(s, made, json_object_get(made->body, "input"), object,
                                       sizeof object, &events[1]);
    request->kept = made->body;
    append_start(s->appends, events, n, false, submitted, request);
}

void
work_submit(struct request *request)
{
    struct orchestrate_service *s = request->service;
    const char *name = request_text(request, "workflow");
    const struct definition *definition = name ? service_definition(s, name) : NULL;
    json_t *given = json_object_get(request->payload, "input");
    struct new_work made;
    struct diag why = {""};
    if (!definition) {
        request_refuse(request, name ? ERR_NOT_FOUND : ERR_INVALID, "workflow: %s%.63s",
                       name ? "there is none called " : "its name is missing", name ? name : "");
        return;
    }
    json_t *input = json_is_object(given) ? json_copy(given) : json_object();
    enum err err = add_window(s, definition, input, &why);
    if (!err)
        err = works_prepare(s->works, definition, request->actor, request_text(request, "comment"),
                            input, &made, &why);
    json_decref(input);
    if (err)
        request_refuse(request, err, "%s", why.text);
    else
        append_order(request, &made);
}

/* ---- Deciding and cancelling -------------------------------------------------------------------
 */

/* The open order a request names; NULL: the request has been refused. */
static struct work *
open_order(struct request *request)
{
    struct works *works = request->service->works;
    uint32_t id = request_number(request, "order");
    struct work *work = works_find(works, id);
    if (!work)
        request_refuse(request, ERR_NOT_FOUND, "there is no work order %u", id);
    else if (!work->run)
        request_refuse(request, ERR_CONFLICT, "work order %u is closed: %s", id,
                       json_string_value(json_object_get(work->shown, "state")));
    return work && work->run ? work : NULL;
}

static void
decided(void *arg, enum err err, uint64_t seq, const char *why)
{
    struct request *request = arg;
    if (!err)
        err = works_refusal(request->service->works, seq, &why);
    if (err)
        request_refuse(request, err, "%s", why);
    else
        request_answer(request, json_object());
}

/* Appends what somebody decided, if the run would accept it. The body is consumed. */
static void
append_decision(struct request *request, const struct work *work, const char *type, json_t *body)
{
    struct orchestrate_service *s = request->service;
    struct workflow_event event = {type, s->clock(), work->object, body};
    struct diag why = {""};
    enum err err = workflow_run_check(work->run, &event, &why);
    if (err) {
        json_decref(body);
        request_refuse(request, err, "%s", why.text);
        return;
    }
    struct new_event new = {type, work->object, request->actor, body};
    append_start(s->appends, &new, 1, false, decided, request);
}

/* The step that asks for an approval, if there is exactly one. The caller owns the name. */
static char *
asking_step(const struct work *work, size_t *n)
{
    size_t i;
    json_t *step, *status = workflow_run_status(work->run);
    char *name = NULL;
    *n = 0;
    json_array_foreach(json_object_get(status, "steps"), i, step)
    {
        if (!json_object_get(step, "approval"))
            continue;
        free(name);
        name = xstrdup(json_string_value(json_object_get(step, "step")));
        ++*n;
    }
    json_decref(status);
    return name;
}

/* The first role that the person holds and the step still wants; NULL: none. */
static const char *
wanted_role(const struct work *work, const char *step, const json_t *roles)
{
    size_t i, k;
    json_t *approval, *held, *status = workflow_run_status(work->run);
    json_t *approvals = notes_approvals(work->notes, status);
    const char *found = NULL;
    json_array_foreach(roles, i, held)
    {
        const char *role = json_string_value(held);
        json_array_foreach(approvals, k, approval)
        {
            if (!found && role &&
                !strcmp(json_string_value(json_object_get(approval, "state")), "asked") &&
                !strcmp(json_string_value(json_object_get(approval, "step")), step) &&
                !strcmp(json_string_value(json_object_get(approval, "role")), role))
                found = role;
        }
    }
    json_decref(approvals);
    json_decref(status);
    return found;
}

static void
decide(struct request *request, const struct work *work, const char *step)
{
    const char *decision = request_text(request, "decision"),
               *comment = request_text(request, "comment"), *role = request_text(request, "role");
    json_t *roles = json_object_get(request->payload, "roles");
    json_t *hash = json_object_get(request->payload, "hash");
    bool granted = decision && (!strcmp(decision, "approve") || !strcmp(decision, "granted"));
    bool refused = decision && (!strcmp(decision, "refuse") || !strcmp(decision, "refused"));
    if (!granted && !refused) {
        request_refuse(request, ERR_INVALID, "decision: approve or refuse is expected");
        return;
    }
    if (!role)
        role = wanted_role(work, step, roles);
    if (!role) {
        request_refuse(request, ERR_DENIED, "%s holds none of the roles that are asked",
                       request->actor);
        return;
    }
    json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:s}", "run", workflow_run_id(work->run), "step",
                             step, "who", request->actor, "role", role, "comment",
                             comment ? comment : "");
    json_object_set_new(body, "holds", json_is_array(roles) ? json_incref(roles) : json_array());
    if (hash)
        json_object_set(body, "hash", hash);
    append_decision(request, work, granted ? "approval.granted" : "approval.refused", body);
}

void
work_decide(struct request *request)
{
    const struct work *work = open_order(request);
    if (!work)
        return;
    size_t n = 1;
    const char *named = request_text(request, "step");
    char *step = named ? xstrdup(named) : asking_step(work, &n);
    if (n == 0)
        request_refuse(request, ERR_CONFLICT, "work order %u asks for no approval now", work->id);
    else if (n > 1)
        request_refuse(request, ERR_INVALID, "several steps of work order %u ask: name one",
                       work->id);
    else
        decide(request, work, step);
    free(step);
}

void
work_cancel(struct request *request)
{
    const struct work *work = open_order(request);
    if (!work)
        return;
    const char *comment = request_text(request, "comment");
    json_t *body = json_pack("{s:s, s:s, s:s}", "run", workflow_run_id(work->run), "who",
                             request->actor, "reason", comment ? comment : "");
    append_decision(request, work, "run.cancel-requested", body);
}

/* ---- Looking -----------------------------------------------------------------------------------
 */

void
work_list(struct request *request)
{
    json_t *orders = json_array();
    bool open = request_flag(request, "open");
    for (struct work *work = works_first(request->service->works); work; work = work->hh.next) {
        if (work->run || !open)
            json_array_append_new(orders, work_to_json(work, false));
    }
    request_answer(request, json_pack("{s:o}", "orders", orders));
}

/* Belongs to the job. */
struct viewing {
    struct request *request;
    json_t *order, *draft;
};

static void
viewing_free(void *arg)
{
    struct viewing *viewing = arg;
    json_decref(viewing->order);
    json_decref(viewing->draft);
    free(viewing);
}

static struct network *
copy_network(void *arg)
{
    struct viewing *viewing = arg;
    return network_copy(viewing->request->service->state->network);
}

static void
format_changes(void *arg, struct network *net)
{
    struct viewing *viewing = arg;
    work_add_changes(json_object_get(viewing->order, "plan"), viewing->draft, net);
}

static void
answer_with_changes(void *arg)
{
    struct viewing *viewing = arg;
    request_answer(viewing->request, json_incref(viewing->order));
}

static const struct job_class viewing_job = {copy_network, format_changes, answer_with_changes,
                                             viewing_free};

/* The plan of the order is the job's own: what is shown of a closed order is kept. */
static json_t *
order_to_change(const struct work *work)
{
    json_t *order = work_to_json(work, true);
    json_t *plan = json_copy(json_object_get(order, "plan"));
    json_object_set_new(order, "plan", plan);
    return order;
}

void
work_get(struct request *request)
{
    uint32_t id = request_number(request, "order");
    const struct work *work = works_find(request->service->works, id);
    if (!work) {
        request_refuse(request, ERR_NOT_FOUND, "there is no work order %u", id);
        return;
    }
    json_t *draft = work_read_draft(work);
    if (!draft) {
        request_answer(request, work_to_json(work, true));
        return;
    }
    struct viewing *viewing = xcalloc(1, sizeof *viewing);
    *viewing = (struct viewing){request, order_to_change(work), draft};
    jobs_add(request->service->views, &viewing_job, viewing);
}
