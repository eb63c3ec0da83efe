#include "assure/service_private.h"

#include "base/alloc.h"
#include "base/log.h"

#include <stdlib.h>

#include <utlist.h>

/* The journal calls back even if the service has gone meanwhile. */
struct recording {
    struct assure_service *service; /* NULL: it has gone */
    char *circuit;
    char *reply_to; /* NULL: nobody waits */
    json_t *answer;
    struct recording *prev, *next;
};

static void
recording_free(struct recording *r)
{
    if (r->service)
        DL_DELETE(r->service->recordings, r);
    free(r->circuit);
    free(r->reply_to);
    json_decref(r->answer);
    free(r);
}

static void
settle(struct recording *r, enum err err, const char *why)
{
    struct bus *bus = r->service->config.bus;
    if (err)
        log_warn("circuit %s: a test's result could not be recorded: %s", r->circuit, why);
    if (err)
        bus_reply_error(bus, r->reply_to, err, "the result could not be recorded: %s", why);
    else
        bus_reply(bus, r->reply_to, json_incref(r->answer));
}

static void
on_recorded(void *arg, enum err err, uint64_t first_seq UNUSED, const char *why)
{
    struct recording *r = arg;
    if (r->service)
        settle(r, err, why);
    recording_free(r);
}

void
assure_record(struct assure_service *s, const char *circuit, const char *reason,
              const json_t *answer, const char *reply_to)
{
    struct recording *r = xcalloc(1, sizeof *r);
    struct diag diag = {""};
    *r = (struct recording){.service = s,
                            .circuit = xstrdup(circuit),
                            .reply_to = reply_to ? xstrdup(reply_to) : NULL,
                            .answer = json_incref((json_t *)answer)};
    DL_APPEND(s->recordings, r);
    json_t *json = json_pack("{ss ss}", "circuit", circuit, "reason", reason);
    json_object_update(json, (json_t *)answer);
    char *object = xasprintf("circuit/%s", circuit), *body = json_dumps(json, JSON_COMPACT);
    struct journal_entry entry = {
        .type = "test.result", .object = object, .actor = ACTOR, .body = body};
    enum err err = journal_append(s->config.journal, &entry, 1, on_recorded, r, &diag);
    if (err) {
        settle(r, err, diag.text);
        recording_free(r);
    }
    free(object);
    free(body);
    json_decref(json);
}

void
assure_recordings_forget(struct assure_service *s)
{
    struct recording *r, *next;
    DL_FOREACH_SAFE(s->recordings, r, next)
    {
        bus_reply_error(s->config.bus, r->reply_to, ERR_CLOSED, "the service has ended");
        DL_DELETE(s->recordings, r);
        r->service = NULL;
    }
}
