#include "assure/service_private.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CALL_SLACK NSEC_PER_SEC /* that the LAN controller's own timeout comes first */

/* ---- Calls to nodes ---- */

void
assure_name_test(struct assure_service *s, char *id)
{
    snprintf(id, TEST_ID_SIZE, "%.40s-%08x-%u", s->config.site, s->instance, ++s->last_id);
}

static json_t *
call_json(const char *node, const char *method, json_t *params, nsec_t timeout)
{
    return json_pack("{ss ss so sI}", "node", node, "method", method, "params", params,
                     "timeout-ms", (json_int_t)(timeout / NSEC_PER_MSEC));
}

enum err
assure_call(struct assure_service *s, const char *node, json_t *params, nsec_t timeout,
            call_done_fn *done, void *arg, uint64_t *request)
{
    return bus_request(s->config.bus, "lan.rpc", call_json(node, "test.start", params, timeout),
                       timeout + CALL_SLACK, done, arg, request);
}

void
assure_abort(struct assure_service *s, const char *node, const char *id, uint64_t request)
{
    bus_cancel(s->config.bus, request);
    (void)bus_publish(s->config.bus, "lan.rpc",
                      call_json(node, "test.stop", json_pack("{ss}", "id", id), CALL_SLACK));
}

bool
assure_is_built(const struct assure_service *s, const char *circuit, const char **why)
{
    static const char *const reasons[PHASE_MAX] = {
        [PHASE_PROPOSED] = "it is not built",
        [PHASE_RESERVED] = "it is not built",
        [PHASE_BUILDING] = "it is being built",
        [PHASE_REMOVING] = "it is being removed",
    };
    const struct circuit_status *status = state_circuit(s->config.state, circuit);
    if (status && (status->phase == PHASE_BUILT || status->phase == PHASE_ACTIVE))
        return true;
    if (why)
        *why = status ? reasons[status->phase] : "it is gone";
    return false;
}

/* ---- Events ---- */

static bool
begins_with(const char *text, const char *prefix)
{
    return !strncmp(text, prefix, strlen(prefix));
}

static void
sync_named(struct assure_service *s, const json_t *body)
{
    const json_t *names = json_object_get(body, "circuits");
    const char *name = json_string_value(json_object_get(body, "circuit"));
    if (name)
        assure_survey_sync(s, name);
    for (size_t i = 0; i < json_array_size(names); i++) {
        name = json_string_value(json_array_get(names, i));
        if (name)
            assure_survey_sync(s, name);
    }
}

void
assure_service_event(struct assure_service *s, const struct state_event *e)
{
    bool about_model = begins_with(e->type, "model.");
    if (!about_model && !begins_with(e->type, "circuit.") && !begins_with(e->type, "local."))
        return;
    assure_tests_check(s);
    if (about_model)
        assure_surveys_check(s);
    else
        sync_named(s, e->body);
}

/* ---- Life ---- */

static const struct {
    const char *subject;
    bus_message_fn *serve;
} requests[] = {
    {"assure.test", assure_serve_test},
    {"assure.status", assure_serve_status},
};

static enum err
subscribe_all(struct assure_service *s, struct diag *diag)
{
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        enum err err = bus_subscribe(s->config.bus, requests[i].subject, requests[i].serve, s,
                                     &s->subscriptions[s->n_subscriptions]);
        if (err)
            return diag_set(diag, err, "bus: %s: %s", requests[i].subject, err_text(err));
        s->n_subscriptions++;
    }
    return ERR_OK;
}

static void
fill_in(struct assure_options *o)
{
    uint32_t rate = o->load.packets_per_second;
    o->tests = o->tests ? o->tests : 48;
    o->tests_per_node = o->tests_per_node ? o->tests_per_node : 32;
    o->rate_per_node = o->rate_per_node ? o->rate_per_node : rate ? rate : LOAD_PACKETS_PER_SECOND;
    o->watch_interval = o->watch_interval ? o->watch_interval : 10 * NSEC_PER_SEC;
    o->watch_rate = o->watch_rate ? o->watch_rate : 2000;
    o->record_interval = o->record_interval ? o->record_interval : 6 * 3600 * NSEC_PER_SEC;
}

enum err
assure_service_new(const struct assure_service_config *config, struct assure_service **result,
                   struct diag *diag)
{
    struct assure_service *s = xcalloc(1, sizeof *s);
    s->config = *config;
    fill_in(&s->config.options);
    s->admission = admission_new(&(struct admission_limits){s->config.options.tests,
                                                            s->config.options.tests_per_node,
                                                            s->config.options.rate_per_node});
    s->admit = task_new(config->loop, assure_admit, s);
    enum err err = ERR_OK;
    if (getrandom(&s->instance, sizeof s->instance, 0) != sizeof s->instance)
        err = diag_set(diag, ERR_IO, "no random numbers");
    if (!err)
        err = subscribe_all(s, diag);
    if (err) {
        assure_service_free(s);
        return err;
    }
    assure_surveys_start(s);
    *result = s;
    return ERR_OK;
}

void
assure_service_free(struct assure_service *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->n_subscriptions; i++)
        bus_unsubscribe(s->subscriptions[i]);
    assure_tests_free(s);
    assure_surveys_free(s);
    assure_recordings_forget(s);
    admission_free(s->admission);
    task_free(s->admit);
    free(s);
}
