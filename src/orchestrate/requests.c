#include "orchestrate/requests.h"

#include "base/alloc.h"
#include "orchestrate/exceptions.h"
#include "orchestrate/fits.h"
#include "orchestrate/inventory.h"
#include "orchestrate/local_work.h"
#include "orchestrate/scenarios.h"
#include "orchestrate/service_private.h"
#include "orchestrate/whatif.h"
#include "orchestrate/work_requests.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

static const struct request_kind kinds[] = {
    {"model.import", inventory_import, true},
    {"model.export", inventory_export, false},
    {"model.put", inventory_put, true},
    {"model.remove", inventory_remove, true},
    {"work.submit", work_submit, true},
    {"work.decide", work_decide, true},
    {"work.cancel", work_cancel, true},
    {"work.list", work_list, false},
    {"work.get", work_get, false},
    {"work.workflows", service_list_workflows, false},
    {"circuit.what-if", whatif, false},
    {"circuit.fit", fits, false},
    {"model.run", scenarios, false},
    {"exception.raise", exception_raise, true},
    {"exception.close", exception_close, true},
    {"exception.acknowledge", exception_acknowledge, true},
    {"local.list", local_list, false},
    {"local.stop", local_stop, true},
    {"local.propose", local_propose, true},
    {"local.agree", local_agree, true},
    {"local.end", local_end, true},
};
_Static_assert(ARRAY_SIZE(kinds) == REQUEST_KINDS, "a subscription for each");

static void
request_free(struct request *request)
{
    DL_DELETE(request->service->requests, request);
    turn_leave(&request->turn);
    json_decref(request->payload);
    json_decref(request->kept);
    free(request->reply_to);
    free(request);
}

void
request_answer(struct request *request, json_t *answer)
{
    bus_reply(request->service->bus, request->reply_to, answer);
    request_free(request);
}

void
request_refuse(struct request *request, enum err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    bus_reply_error(request->service->bus, request->reply_to, err, "%s", text);
    free(text);
    request_free(request);
}

void
request_end(struct request *request)
{
    request_free(request);
}

const char *
request_text(const struct request *request, const char *key)
{
    return json_string_value(json_object_get(request->payload, key));
}

bool
request_flag(const struct request *request, const char *key)
{
    return json_is_true(json_object_get(request->payload, key));
}

uint32_t
request_number(const struct request *request, const char *key)
{
    json_int_t number = json_integer_value(json_object_get(request->payload, key));
    return number > 0 && number <= UINT32_MAX ? (uint32_t)number : 0;
}

static void
received(void *arg, struct bus *bus UNUSED, const struct bus_message *message)
{
    struct orchestrate_service *s = arg;
    const struct request_kind *kind = kinds;
    while (strcmp(kind->subject, message->subject) != 0)
        kind++; /* one of them: there are no other subscriptions */
    struct request *request = xcalloc(1, sizeof *request);
    request->service = s;
    request->payload = json_incref(message->payload);
    request->reply_to = message->reply_to ? xstrdup(message->reply_to) : NULL;
    DL_APPEND(s->requests, request);
    const char *actor = request_text(request, "actor");
    request->actor = actor ? actor : "";
    if (!json_is_object(request->payload))
        request_refuse(request, ERR_MALFORMED, "%s: the payload must be an object", kind->subject);
    else if (kind->needs_actor && !*request->actor)
        request_refuse(request, ERR_INVALID, "%s: nobody is named as the actor", kind->subject);
    else
        kind->handle(request);
}

static bool
serves_everywhere(const char *subject)
{
    return !strncmp(subject, "exception.", 10) || !strncmp(subject, "local.", 6);
}

enum err
requests_open(struct orchestrate_service *s, struct diag *diag)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (s->config.exceptions_only && !serves_everywhere(kinds[i].subject))
            continue;
        enum err err = bus_subscribe(s->bus, kinds[i].subject, received, s, &s->subscriptions[i]);
        if (err)
            return diag_set(diag, err, "%s: cannot be subscribed to", kinds[i].subject);
    }
    return ERR_OK;
}

void
requests_close(struct orchestrate_service *s)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        bus_unsubscribe(s->subscriptions[i]);
    while (s->requests)
        request_refuse(s->requests, ERR_CLOSED, "the service has ended");
}
