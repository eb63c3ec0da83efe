#include "sensors/service_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/address.h"
#include "io/clock.h"
#include "model/text.h"
#include "sensors/cef.h"
#include "sensors/syslog.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <utlist.h>

#define TICK NSEC_PER_SEC
#define LOOK_TICKS 5 /* between two looks at what is active by now */

/* When something was heard of a sensor that is not connected. */
struct seen {
    char *name;
    nsec_t heard; /* monotonic */
    bool told;    /* that it is lost */
    UT_hash_handle hh;
};

/* ---- Who is not heard any more ---- */

static struct seen *
seen_of(struct sensors_service *s, const char *name)
{
    struct seen *seen;
    HASH_FIND_STR(s->seen, name, seen);
    if (seen)
        return seen;
    seen = xcalloc(1, sizeof *seen);
    seen->name = xstrdup(name);
    seen->heard = s->begun;
    HASH_ADD_KEYPTR(hh, s->seen, seen->name, strlen(seen->name), seen);
    return seen;
}

static void
tell_lost(struct sensors_service *s, const char *name, const char *reason)
{
    char *object = xasprintf("sensor/%s", name);
    log_warn("sensor %s is lost: %s", name, reason);
    sensors_append(s, "sensor.lost", object, ACTOR,
                   json_pack("{ss ss}", "sensor", name, "reason", reason), NULL, NULL);
    sensors_raise_lost(s, name, reason);
    free(object);
}

static void
look_at_sensor(struct sensors_service *s, const struct sensing_sensor *sensor)
{
    struct caller *l = sensors_link_of(s, sensor->name);
    struct seen *seen = seen_of(s, sensor->name);
    if (l) {
        seen->told = seen->told && l->heard == seen->heard;
        seen->heard = l->heard;
    }
    bool silent = clock_monotonic() - seen->heard >= s->config.options.silence;
    if (l && !silent && sensor->reason) { /* both were on their way at once */
        sensors_tell_back(l);
        sensors_close_lost(s, sensor->name);
    }
    if (!silent)
        return;
    if (!seen->told && !sensor->reason)
        tell_lost(s, sensor->name, l ? "it is connected, and says nothing" : "not connected");
    seen->told = true;
    if (l)
        sensors_link_free(l);
}

static void
look_at_sensors(struct sensors_service *s)
{
    const struct sensing_sensor *sensor = s->config.state->sensing.sensors;
    for (; sensor; sensor = sensor->hh.next) {
        if (sensor->site == s->config.number)
            look_at_sensor(s, sensor);
    }
}

/* Strangers that say nothing. */
static void
end_silent_strangers(struct sensors_service *s)
{
    struct caller *l, *next;
    nsec_t now = clock_monotonic();
    DL_FOREACH_SAFE(s->links, l, next)
    {
        if (!l->name && now - l->heard >= s->config.options.silence)
            sensors_link_free(l);
    }
}

static void
on_tick(void *arg)
{
    struct sensors_service *s = arg;
    timer_start(s->tick, TICK);
    sensors_look_at_vulnerabilities(s);
    if (!s->listener) /* a centre may have no sensors of its own */
        return;
    look_at_sensors(s);
    end_silent_strangers(s);
    sensors_write_due(s, false);
    if (s->stale || ++s->ticks % LOOK_TICKS == 0)
        sensors_look_at_plan(s);
}

/* ---- Events ---- */

static void
tell_syslog(struct sensors_service *s, const struct sensing_alert *a)
{
    char host[256] = "";
    struct buf message = BUF_INIT;
    if (!s->syslog)
        return;
    gethostname(host, sizeof host - 1);
    json_t *alert = sensing_alert_json(a, s->config.site, true);
    cef_put_syslog(&message, alert, TIELINE_VERSION, host, clock_wall());
    syslog_send(s->syslog, &message);
    json_decref(alert);
    buf_fini(&message);
}

void
sensors_service_event(struct sensors_service *s, const struct state_event *e)
{
    const struct sensing_alert *a = NULL;
    if (!strncmp(e->type, "model.", 6) || !strncmp(e->type, "circuit.", 8) ||
        !strncmp(e->type, "local.", 6))
        s->stale = true; /* told with the next tick */
    if (e->site != s->config.number || strncmp(e->type, "sensor.alert", 12) != 0)
        return;
    const json_t *alert = json_object_get(e->body, "alert");
    const char *id = json_string_value(json_object_get(alert ? alert : e->body, "id"));
    if (id)
        a = sensing_alert(&s->config.state->sensing, e->site, id);
    if (!a)
        return;
    if (!strcmp(e->type, "sensor.alert")) {
        tell_syslog(s, a);
        sensors_raise_no_circuit(s, a);
    } else if (!strcmp(e->type, "sensor.alert.closed")) {
        sensors_settle(s, a);
    }
}

/* ---- Closing ---- */

/* Somebody waits for it to be durable. */
struct closing {
    struct sensors_service *service; /* NULL: it has gone */
    char *reply_to;
    struct closing *prev, *next;
};

static void
closing_free(struct closing *c)
{
    if (c->service)
        DL_DELETE(c->service->closings, c);
    free(c->reply_to);
    free(c);
}

static void
on_closed(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct closing *c = arg;
    struct bus *bus = c->service ? c->service->config.bus : NULL;
    if (bus && err)
        bus_reply_error(bus, c->reply_to, err, "%s", why);
    else if (bus)
        bus_reply(bus, c->reply_to, json_object());
    closing_free(c);
}

static const char *
text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static void
close_alert(struct sensors_service *s, const struct bus_message *m, const char *actor,
            const char *id, const char *reason)
{
    struct closing *c = xcalloc(1, sizeof *c);
    *c = (struct closing){.service = s, .reply_to = m->reply_to ? xstrdup(m->reply_to) : NULL};
    DL_APPEND(s->closings, c);
    char *object = xasprintf("alert/%s", id);
    sensors_append(s, "sensor.alert.closed", object, actor,
                   json_pack("{ss ss}", "id", id, "reason", reason), on_closed, c);
    free(object);
}

/* {actor, id, site-number, reason} */
static void
serve_close(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct sensors_service *s = arg;
    const char *actor = text_of(m->payload, "actor"), *id = text_of(m->payload, "id"),
               *reason = text_of(m->payload, "reason");
    json_int_t number = json_integer_value(json_object_get(m->payload, "site-number"));
    if (number != s->config.number && s->config.elsewhere) {
        s->config.elsewhere(s->config.elsewhere_arg, (uint32_t)number, "sensor.close", m->payload,
                            m->reply_to);
        return;
    }
    const struct sensing_alert *a =
        id ? sensing_alert(&s->config.state->sensing, s->config.number, id) : NULL;
    if (!actor || !id || !reason || !text_is_valid(reason))
        bus_reply_error(bus, m->reply_to, ERR_INVALID, "\"%s\" is missing or wrong",
                        !actor ? "actor"
                        : !id  ? "id"
                               : "reason");
    else if (!a)
        bus_reply_error(bus, m->reply_to, ERR_NOT_FOUND, "there is no alert %s", id);
    else if (a->closed)
        bus_reply_error(bus, m->reply_to, ERR_CONFLICT, "alert %s is closed", id);
    else
        close_alert(s, m, actor, id, reason);
}

/* What is known of connections only here. */
static void
serve_links(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct sensors_service *s = arg;
    json_t *list = json_array();
    for (const struct caller *l = s->links; l; l = l->next) {
        if (l->name)
            json_array_append_new(list, json_pack("{ss ss sI}", "name", l->name, "address",
                                                  rpc_peer_address(l->rpc), "paused",
                                                  (json_int_t)l->n_paused));
    }
    bus_reply(bus, m->reply_to,
              json_pack("{so sI}", "links", list, "syslog-dropped",
                        (json_int_t)(s->syslog ? syslog_dropped(s->syslog) : 0)));
}

/* ---- Life ---- */

static const struct {
    const char *subject;
    bus_message_fn *serve;
} requests[] = {
    {"sensor.close", serve_close},           {"sensor.traffic", sensors_serve_traffic},
    {"sensor.habits", sensors_serve_habits}, {"sensor.habit", sensors_serve_habit},
    {"sensor.links", serve_links},
};

static enum err
subscribe_all(struct sensors_service *s, struct diag *diag)
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
on_accepted(void *arg, struct stream *stream)
{
    sensors_accept(arg, stream);
}

static void
on_refused(void *arg UNUSED, const char *address, enum err err UNUSED, const char *reason)
{
    log_warn("a sensor at %s is refused: %s", address, reason);
}

static enum err
open_listener(struct sensors_service *s, struct diag *diag)
{
    static const struct stream_listener_handler handler = {on_accepted, on_refused};
    union address address;
    if (!s->config.address)
        return ERR_OK;
    enum err err = address_parse(s->config.address, &address, diag);
    if (err)
        return err;
    bool local = address.any.sa_family == AF_UNIX;
    const struct stream_config config = {
        .address = s->config.address, .tls = local ? NULL : s->config.tls, .socket_mode = 0660};
    if (!local && !s->config.tls)
        return diag_set(diag, ERR_INVALID, "%s: over a network only with TLS", s->config.address);
    return stream_listen(s->config.loop, &config, &handler, s, &s->listener, diag);
}

static void
fill_in(struct sensors_options *o)
{
    o->silence = o->silence ? o->silence : 20 * NSEC_PER_SEC;
    o->rate = o->rate ? o->rate : 200;
    o->burst = o->burst ? o->burst : 2 * o->rate;
    o->again = o->again ? o->again : 10 * NSEC_PER_SEC;
    o->asset = o->asset ? o->asset : 60 * NSEC_PER_SEC;
}

enum err
sensors_service_new(const struct sensors_service_config *config, struct sensors_service **result,
                    struct diag *diag)
{
    struct sensors_service *s = xcalloc(1, sizeof *s);
    s->config = *config;
    fill_in(&s->config.options);
    s->begun = clock_monotonic();
    s->begun_wall = clock_wall();
    s->tick = timer_new(config->loop, on_tick, s);
    enum err err = subscribe_all(s, diag);
    if (!err && config->syslog)
        err = syslog_new(config->loop, config->syslog, &s->syslog, diag);
    if (!err)
        err = open_listener(s, diag);
    if (err) {
        sensors_service_free(s);
        return err;
    }
    if (config->advisories)
        sensors_vulnerabilities_new(s, config->advisories);
    if (s->listener) {
        sensors_look_at_plan(s);
        sensors_adopt_alerts(s);
    }
    if (s->listener || s->vulnerabilities)
        timer_start(s->tick, TICK);
    *result = s;
    return ERR_OK;
}

static void
forget_seen(struct sensors_service *s)
{
    struct seen *seen, *next;
    HASH_ITER (hh, s->seen, seen, next) {
        HASH_DEL(s->seen, seen);
        free(seen->name);
        free(seen);
    }
}

void
sensors_service_free(struct sensors_service *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->n_subscriptions; i++)
        bus_unsubscribe(s->subscriptions[i]);
    stream_listener_free(s->listener);
    sensors_write_due(s, true);
    while (s->links)
        sensors_link_free(s->links);
    sensors_asks_free(s);
    sensors_takings_free(s);
    sensors_notices_free(s);
    while (s->closings) {
        struct closing *c = s->closings;
        bus_reply_error(s->config.bus, c->reply_to, ERR_CLOSED, "the service has ended");
        DL_DELETE(s->closings, c);
        c->service = NULL;
    }
    sensors_traffic_free(s);
    sensors_vulnerabilities_free(s);
    forget_seen(s);
    syslog_free(s->syslog);
    timer_free(s->tick);
    json_decref(s->pieces);
    free(s);
}

const char *
sensors_service_address(const struct sensors_service *s)
{
    return s->listener ? stream_listener_address(s->listener) : NULL;
}
