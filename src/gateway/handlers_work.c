/* handlers_work.c - work: imports, orders and their approvals, tests. Others do it; here it is
 * asked of them in the name of the person. */
#include "gateway/handlers.h"

#include "base/alloc.h"
#include "gateway/reports.h"
#include "gateway/service_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the route's subject answers is the answer. */
void
api_pass_on(struct api_request *r)
{
    api_ask(r, NULL, json_object(), NULL);
}

/* ---- the model */

/* The first row of a report that is an error, or the first such finding. */
const json_t *
api_first_error(const json_t *report)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(report, "rows"), i, row)
    {
        const char *action = json_string_value(json_object_get(row, "action"));
        if (action && !strcmp(action, "error"))
            return row;
    }
    json_array_foreach(json_object_get(report, "findings"), i, row)
    {
        const char *severity = json_string_value(json_object_get(row, "severity"));
        if (severity && !strcmp(severity, "error"))
            return row;
    }
    return NULL;
}

static const char *
text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static void
refuse_report(struct api_request *r, json_t *report, const json_t *error)
{
    const char *name = text_of(error, "name"), *field = text_of(error, "field");
    const char *object = *name ? name : text_of(error, "object"), *kind = text_of(error, "kind");
    bool whole = !*object && !strcmp(kind, "file"); /* a file as a whole, by its name */
    char *detail = xasprintf("%s%s%s%s%s: %s", whole ? text_of(error, "file") : kind,
                             whole ? "" : " ", object, *field ? ": " : "", field,
                             text_of(error, "text"));
    json_t *findings = json_object_get(report, "findings");
    json_t *more = json_pack("{sO}", "report", report);
    if (findings)
        json_object_set(more, "findings", findings);
    api_problem(r, &(struct problem){.status = 422,
                                     .err = ERR_INVALID,
                                     .detail = detail,
                                     .field = *field ? field : NULL,
                                     .more = more});
    json_decref(more);
    free(detail);
}

void
api_answer_report(struct api_request *r, const struct call_result *result)
{
    const json_t *report = result->value;
    bool refused = !json_is_true(json_object_get(report, "applied")) &&
                   !json_is_true(json_object_get(report, "dry-run"));
    const json_t *error = refused ? api_first_error(report) : NULL;
    if (result->err)
        api_fail_call(r, result);
    else if (error)
        refuse_report(r, result->value, error);
    else
        api_answer(r, json_incref(result->value));
}

void
api_post_import(struct api_request *r)
{
    json_t *payload = api_payload(r);
    json_object_set_new(payload, "format", json_string(api_text(r, "format")));
    json_object_set_new(payload, "dry-run", json_boolean(api_flag(r, "dry-run")));
    api_ask(r, NULL, payload, api_answer_report);
}

void
api_get_export(struct api_request *r)
{
    api_ask(r, NULL, json_pack("{ss}", "format", api_text(r, "format")), NULL);
}

/* Circuits may be as they were read: how they are now says nothing. */
void
api_post_what_if(struct api_request *r)
{
    size_t i;
    json_t *circuit;
    json_array_foreach(json_object_get(r->body, "circuits"), i, circuit)
        json_object_del(circuit, "status");
    api_ask(r, NULL, api_payload(r), NULL);
}

static void
answer_model(struct api_request *r, const struct call_result *result)
{
    json_t *report = json_object_get(result->value, "report");
    const json_t *error = report ? api_first_error(report) : NULL;
    if (result->err)
        api_fail_call(r, result);
    else if (error)
        refuse_report(r, report, error);
    else
        api_answer(r, json_incref(result->value));
}

void
api_post_model(struct api_request *r)
{
    api_ask(r, NULL, api_payload(r), answer_model);
}

/* ---- orders */

void
api_list_orders(struct api_request *r)
{
    api_ask(r, NULL, json_pack("{sb}", "open", api_flag(r, "open")), NULL);
}

static void
answer_created(struct api_request *r, const struct call_result *result)
{
    if (result->err) {
        api_fail_call(r, result);
        return;
    }
    char *fields = xasprintf("Location: " API_PREFIX "/orders/%lld\r\n",
                             (long long)json_integer_value(json_object_get(result->value, "id")));
    api_answer_with(r, 201, fields, json_incref(result->value));
    free(fields);
}

void
api_post_order(struct api_request *r)
{
    api_ask(r, NULL, api_payload(r), answer_created);
}

void
api_get_order(struct api_request *r)
{
    api_ask(r, NULL, json_pack("{sI}", "order", (json_int_t)api_id(r)), NULL);
}

void
api_post_cancel(struct api_request *r)
{
    json_t *payload = api_payload(r);
    json_object_set_new(payload, "order", json_integer(api_id(r)));
    api_ask(r, NULL, payload, NULL);
}

/* ---- decisions */

static void
decide(struct api_request *r, const char *role)
{
    json_t *payload = api_payload(r);
    bool approve = !strcmp(text_of(r->body, "decision"), "approve");
    json_object_set_new(payload, "decision", json_string(approve ? "granted" : "refused"));
    json_object_set_new(payload, "order", json_integer(api_id(r)));
    json_object_set_new(payload, "role", json_string(role));
    json_object_set_new(payload, "roles", roles_to_json(r->person.roles));
    api_ask(r, NULL, payload, NULL);
}

/* The first role the order still wants, in the step if one is named, that the person holds.
 * `wanted` collects all it wants. */
static const char *
wanted_role(const struct api_request *r, const json_t *order, role_set *wanted)
{
    const char *step = json_string_value(json_object_get(r->body, "step"));
    const char *found = NULL;
    size_t i;
    json_t *approval;
    json_array_foreach(json_object_get(order, "approval"), i, approval)
    {
        enum role role = role_from_word(text_of(approval, "role"));
        if (strcmp(text_of(approval, "state"), "asked") != 0 || role == ROLE_MAX ||
            (step && strcmp(text_of(approval, "step"), step) != 0))
            continue;
        *wanted |= 1u << role;
        if (!found && r->person.roles & 1u << role)
            found = role_word(role);
    }
    return found;
}

static void
decide_as_wanted(struct api_request *r, const struct call_result *result)
{
    role_set wanted = 0;
    const char *role = result->err ? NULL : wanted_role(r, result->value, &wanted);
    if (result->err)
        api_fail_call(r, result);
    else if (role)
        decide(r, role);
    else if (wanted)
        api_deny(r, wanted, "the person holds none of the roles that are still to decide");
    else
        api_fail(r, ERR_CONFLICT, "the order asks nobody to decide now");
}

void
api_post_decision(struct api_request *r)
{
    const char *word = json_string_value(json_object_get(r->body, "role"));
    role_set role = word ? 1u << role_from_word(word) : 0;
    if (!word)
        api_ask(r, "work.get", json_pack("{sI}", "order", (json_int_t)api_id(r)), decide_as_wanted);
    else if (r->person.roles & role)
        decide(r, word);
    else
        api_deny(r, role, "the person does not hold the role to decide in");
}

/* ---- tests */

void
api_post_test(struct api_request *r)
{
    if (!network_circuit(r->service->config.state->network, r->value)) {
        api_fail(r, ERR_NOT_FOUND, "there is no circuit %s", r->value);
        return;
    }
    json_t *payload = api_payload(r);
    json_object_set_new(payload, "circuit", json_string(r->value));
    json_object_set_new(payload, "reason", json_string("demand"));
    api_ask(r, NULL, payload, NULL);
}
