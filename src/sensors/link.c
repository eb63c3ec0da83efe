#include "sensors/service_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

/* ---- How much it may tell ---- */

/* What it may be ahead by: the burst; and when it was paused, half of that. */
static nsec_t
allowance(const struct caller *l, unsigned part)
{
    const struct sensors_options *o = &l->service->config.options;
    return NSEC_PER_SEC / o->rate * (nsec_t)(o->burst / part);
}

/* What was taken before it had to wait is paid for as well. */
static void
on_resume(void *arg)
{
    struct caller *l = arg;
    nsec_t left = l->due - clock_monotonic() - allowance(l, 2);
    if (left > 0) {
        timer_start(l->resume, left);
        return;
    }
    l->paused = false;
    rpc_pause(l->rpc, false);
}

/* A bucket: `due` runs ahead of the clock by what was taken. */
void
sensors_charge(struct caller *l, size_t size)
{
    nsec_t now = clock_monotonic(), each = NSEC_PER_SEC / l->service->config.options.rate;
    l->heard = now;
    l->due = MAX(l->due, now) + each * (nsec_t)(1 + size / 4096);
    if (l->due - now <= allowance(l, 1) || l->paused)
        return;
    l->paused = true;
    if (!l->n_paused++)
        log_warn("sensor %s tells more than it may, and has to wait", l->name ? l->name : "?");
    rpc_pause(l->rpc, true);
    timer_start(l->resume, l->due - now - allowance(l, 2));
}

/* ---- Life ---- */

struct caller *
sensors_link_of(const struct sensors_service *s, const char *name)
{
    for (struct caller *l = s->links; l; l = l->next) {
        if (l->name && !strcmp(l->name, name))
            return l;
    }
    return NULL;
}

void
sensors_link_free(struct caller *l)
{
    DL_DELETE(l->service->links, l);
    l->service->n_links--;
    rpc_free(l->rpc);
    timer_free(l->resume);
    free(l->name);
    free(l->version);
    free(l);
}

static void
on_closed(void *arg, struct rpc *rpc UNUSED, enum err err UNUSED, const char *reason)
{
    struct caller *l = arg;
    if (l->name)
        log_info("sensor %s has gone: %s", l->name, reason);
    sensors_link_free(l);
}

/* ---- Hello ---- */

static enum err
check_hello(const struct caller *l, const char *name, const char *version, struct diag *diag)
{
    const struct sensors_service *s = l->service;
    const char *certified = rpc_peer_name(l->rpc);
    const struct sensing *sensing = &s->config.state->sensing;
    struct sensing_site *site;
    HASH_FIND(hh, sensing->sites, &s->config.number, sizeof s->config.number, site);
    if (!name || !name_is_valid(name))
        return diag_set(diag, ERR_INVALID, "\"name\": the name of the sensor is expected");
    if (!version || !text_is_valid(version))
        return diag_set(diag, ERR_INVALID, "\"version\": a line of text is expected");
    if (*certified && strcmp(certified, name) != 0)
        return diag_set(diag, ERR_DENIED, "its certificate is of \"%s\"", certified);
    if (l->name && strcmp(l->name, name) != 0)
        return diag_set(diag, ERR_CONFLICT, "it was \"%s\" before", l->name);
    if (site && site->n_sensors >= SENSING_SENSORS &&
        !sensing_sensor(sensing, s->config.number, name))
        return diag_set(diag, ERR_LIMIT, "there are %d sensors already", SENSING_SENSORS);
    return ERR_OK;
}

void
sensors_tell_back(struct caller *l)
{
    struct sensors_service *s = l->service;
    const struct sensing_sensor *known = sensing_sensor(&s->config.state->sensing, s->config.number,
                                                        l->name);
    bool is_new = !known;
    if (known && !known->reason && known->version && !strcmp(known->version, l->version))
        return;
    char *object = xasprintf("sensor/%s", l->name);
    sensors_append(s, "sensor.back", object, ACTOR,
                   json_pack("{ss ss ss sb}", "sensor", l->name, "version", l->version, "address",
                             rpc_peer_address(l->rpc), "new", is_new),
                   NULL, NULL);
    free(object);
}

static void
do_hello(void *arg, struct rpc_request *request, json_t *params)
{
    struct caller *l = arg, *before;
    struct sensors_service *s = l->service;
    struct diag diag = {""};
    const char *name = json_string_value(json_object_get(params, "name")),
               *version = json_string_value(json_object_get(params, "version"));
    sensors_charge(l, 0);
    enum err err = check_hello(l, name, version, &diag);
    if (err) {
        log_warn("a sensor at %s is refused: %s", rpc_peer_address(l->rpc), diag.text);
        rpc_fail(request, err, "%s", diag.text);
        return;
    }
    before = sensors_link_of(s, name);
    if (before && before != l) {
        log_warn("sensor %s is there twice: the newer connection counts", name);
        sensors_link_free(before);
    }
    free(l->name);
    free(l->version);
    l->name = xstrdup(name);
    l->version = xstrdup(version);
    log_info("sensor %s is there, version %s", name, version);
    sensors_tell_back(l);
    sensors_close_lost(s, name);
    const struct sensing_sensor *known = sensing_sensor(&s->config.state->sensing, s->config.number,
                                                        name);
    rpc_reply(request, json_pack("{ss sI sI}", "site", s->config.site, "last-alert",
                                 (json_int_t)(known ? known->last_alert : 0), "last-incident",
                                 (json_int_t)(known ? known->last_incident : 0)));
    l->generation = 0;
    sensors_tell_link(l);
}

static const struct rpc_method methods[] = {
    {"sensor.hello", "{name, version}", "Who it is; before everything else.", do_hello},
    {"sensor.alert", "{alert}", "Answered when it is in the journal.", sensors_take_alert},
    {"sensor.asset", "{asset}", "A device that is new, or has changed.", sensors_take_asset},
    {"sensor.traffic", "{conversations}", "Who talked with whom since the last time.",
     sensors_take_traffic},
    {"sensor.status", "{dropped, waiting, ...}", "That it lives, and what it could not keep.",
     sensors_take_status},
};

void
sensors_accept(struct sensors_service *s, struct stream *stream)
{
    if (s->n_links >= LINKS_MAX) {
        log_warn("a sensor at %s is turned away: there are %d", stream_peer_address(stream),
                 LINKS_MAX);
        stream_free(stream);
        return;
    }
    struct caller *l = xcalloc(1, sizeof *l);
    const struct rpc_config config = {.methods = methods,
                                      .n_methods = ARRAY_SIZE(methods),
                                      .closed = on_closed,
                                      .arg = l,
                                      .line_limit = LINE_LIMIT,
                                      .call_limit = 128};
    *l = (struct caller){.service = s, .heard = clock_monotonic()};
    l->resume = timer_new(s->config.loop, on_resume, l);
    DL_APPEND(s->links, l);
    s->n_links++;
    l->rpc = rpc_new(s->config.loop, stream, &config);
}
