/* handlers_watch.c - what is not as engineered, and what circuits measured when they were. */
#include "gateway/handlers.h"

#include "gateway/service_private.h"

#include <string.h>

static const struct state *
state_of(const struct api_request *r)
{
    return r->service->config.state;
}

void
api_get_fingerprint(struct api_request *r)
{
    char time[TIME_TEXT_SIZE];
    const struct fingerprint *f = state_fingerprint(state_of(r), r->value);
    if (!network_circuit(state_of(r)->network, r->value))
        api_fail(r, ERR_NOT_FOUND, "there is no circuit %s", r->value);
    else if (!f)
        api_fail(r, ERR_NOT_FOUND, "circuit %s has no fingerprint yet", r->value);
    else
        api_answer(r, json_pack("{ss ss sO}", "circuit", f->circuit, "time",
                                time_format(f->time, time), "entries", f->entries));
}

/* ---- exceptions */

void
api_list_exceptions(struct api_request *r)
{
    static const char *const words[] = {[EXCEPTION_OPEN] = "open",
                                        [EXCEPTION_ACKNOWLEDGED] = "acknowledged",
                                        [EXCEPTION_CLOSED] = "closed"};
    const char *wanted = api_text(r, "state");
    json_t *list = json_array();
    for (const struct exception *e = state_of(r)->exceptions; e; e = e->hh.next) {
        if (!wanted || !strcmp(words[e->state], wanted))
            json_array_append_new(list, exception_to_json(e));
    }
    api_answer(r, json_pack("{so}", "exceptions", list));
}

/* NULL: it was answered that there is none. */
static const struct exception *
find_exception(struct api_request *r)
{
    const struct exception *e = state_exception(state_of(r), api_id(r));
    if (!e)
        api_fail(r, ERR_NOT_FOUND, "there is no exception %s", r->value);
    return e;
}

void
api_get_exception(struct api_request *r)
{
    const struct exception *e = find_exception(r);
    if (e)
        api_answer(r, exception_to_json(e));
}

static void
pass_on_with_id(struct api_request *r)
{
    if (!find_exception(r))
        return;
    json_t *payload = api_payload(r);
    json_object_set_new(payload, "id", json_integer(api_id(r)));
    api_ask(r, NULL, payload, NULL);
}

void
api_post_acknowledge(struct api_request *r)
{
    pass_on_with_id(r);
}

void
api_post_close(struct api_request *r)
{
    pass_on_with_id(r);
}
