#include "sensors/service_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "model/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define NOTICE_TIMEOUT (10 * NSEC_PER_SEC)
#define NOTICE_TRIES 30
#define KIND_NO_CIRCUIT "traffic-without-circuit"
#define KIND_LOST "sensor-lost"

/* News for who keeps exceptions; what does not arrive is told again. */
struct notice {
    struct sensors_service *service;
    char *subject;
    json_t *payload;
    unsigned tries;
    struct timer *timer;
    uint64_t request;
    struct notice *prev, *next;
};

static void
notice_free(struct notice *n)
{
    DL_DELETE(n->service->notices, n);
    if (n->request)
        bus_cancel(n->service->config.bus, n->request);
    timer_free(n->timer);
    free(n->subject);
    json_decref(n->payload);
    free(n);
}

void
sensors_notices_free(struct sensors_service *s)
{
    while (s->notices)
        notice_free(s->notices);
}

static void
on_noticed(void *arg, const struct call_result *result)
{
    struct notice *n = arg;
    n->request = 0;
    bool over = !result->err || result->err == ERR_NOT_FOUND || result->err == ERR_CONFLICT ||
                result->err == ERR_INVALID;
    if (result->err == ERR_INVALID)
        log_error("%s: %s", n->subject, result->text);
    if (over || ++n->tries == NOTICE_TRIES)
        notice_free(n);
    else
        timer_start(n->timer, NSEC_PER_SEC);
}

static void
send_notice(void *arg)
{
    struct notice *n = arg;
    enum err err = bus_request(n->service->config.bus, n->subject, json_incref(n->payload),
                               NOTICE_TIMEOUT, on_noticed, n, &n->request);
    if (err)
        on_noticed(n, &(struct call_result){err, err_text(err), NULL});
}

static void
notify(struct sensors_service *s, const char *subject, json_t *payload)
{
    struct notice *n = xcalloc(1, sizeof *n);
    *n = (struct notice){.service = s, .subject = xstrdup(subject), .payload = payload};
    n->timer = timer_new(s->config.loop, send_notice, n);
    DL_APPEND(s->notices, n);
    send_notice(n);
}

/* ---- Traffic that no circuit allows ---- */

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

/* By IP address, or by MAC address. */
static const struct host *
host_of(const struct sensors_service *s, const json_t *end)
{
    const struct network *net = s->config.state->network;
    const char *address = text_of(end, "address"), *mac = text_of(end, "mac");
    char text[MAX(MAC_TEXT_SIZE, IPV4_TEXT_SIZE)];
    for (const struct host *h = net->hosts; h; h = h->hh.next) {
        if (h->ipv4 && !strcmp(ipv4_format(h->ipv4, text), address))
            return h;
        mac_format(&h->mac, text);
        if (!strcmp(text, address) || (!*address && !strcmp(text, mac)))
            return h;
    }
    return NULL;
}

static const char *
address_of(const json_t *end)
{
    const char *address = text_of(end, "address");
    return *address ? address : text_of(end, "mac");
}

/* Who says it is what the exception is about: one that goes through all others is one. */
static char *
object_of(const struct sensors_service *s, const json_t *source)
{
    const struct host *h = host_of(s, source);
    const char *address = address_of(source);
    return h ? xasprintf("host/%s", h->name) : xasprintf("address/%s", *address ? address : "?");
}

static char *
end_text(const struct sensors_service *s, const json_t *end)
{
    const struct host *h = host_of(s, end);
    json_int_t port = json_integer_value(json_object_get(end, "port"));
    char number[32] = "";
    if (port)
        snprintf(number, sizeof number, " port %" JSON_INTEGER_FORMAT, port);
    return h ? xasprintf("%s (%s%s)", h->name, address_of(end), number)
             : xasprintf("%s%s", *address_of(end) ? address_of(end) : "?", number);
}

/* What is to be done, in words that can be typed. */
static char *
proposal(const struct sensors_service *s, const json_t *alert)
{
    const json_t *source = json_object_get(alert, "source"),
                 *target = json_object_get(alert, "target");
    const struct host *from = host_of(s, source), *to = host_of(s, target);
    json_int_t port = json_integer_value(json_object_get(target, "port"));
    if (from && to && port)
        return xasprintf("If it is meant to be: tieline circuit create --from %s --to %s "
                         "--protocol tcp --port %" JSON_INTEGER_FORMAT
                         " --build (workflow circuit-turn-up). If not: find who does it.",
                         from->name, to->name, port);
    if (from && to)
        return xasprintf("If it is meant to be: tieline circuit create --from %s --to %s --build "
                         "(workflow circuit-turn-up). If not: find who does it.",
                         from->name, to->name);
    return xasprintf("%s is not in the inventory. If it belongs here: tieline inventory import, "
                     "then a circuit (workflow circuit-turn-up). If not: find it and take it off.",
                     from ? "The other end" : "Who says it");
}

static enum exception_severity
severity_of(enum alert_severity severity)
{
    static const enum exception_severity map[ALERT_SEVERITY_MAX] = {
        EXCEPTION_WARNING, EXCEPTION_MINOR, EXCEPTION_MAJOR, EXCEPTION_CRITICAL};
    return map[severity];
}

static bool
is_no_circuit(const struct sensing_alert *a)
{
    return !strcmp(text_of(a->summary, "rule"), SENSORS_RULE_NO_CIRCUIT);
}

void
sensors_raise_no_circuit(struct sensors_service *s, const struct sensing_alert *a)
{
    if (!is_no_circuit(a))
        return;
    json_t *alert = sensing_alert_json(a, NULL, true), *source = json_object_get(alert, "source"),
           *target = json_object_get(alert, "target");
    char *object = object_of(s, source), *from = end_text(s, source), *to = end_text(s, target),
         *what = proposal(s, alert);
    const char *protocol = text_of(alert, "protocol");
    char *text = xasprintf("%s talks to %s%s%s, and no circuit allows it (alert %s)", from, to,
                           *protocol ? ", " : "", protocol, a->id);
    json_t *evidence = json_pack("{ss ss ss ss ss ss}", "alert", a->id, "from", from, "to", to,
                                 "protocol", protocol, "first", text_of(alert, "first"), "proposal",
                                 what);
    if (*text_of(alert, "explanation"))
        json_object_set(evidence, "explanation", json_object_get(alert, "explanation"));
    notify(s, "exception.raise",
           json_pack("{ss ss ss ss ss so}", "actor", ACTOR, "kind", KIND_NO_CIRCUIT, "severity",
                     exception_severity_word(severity_of(a->severity)), "object", object, "text",
                     text, "evidence", evidence));
    free(object);
    free(from);
    free(to);
    free(what);
    free(text);
    json_decref(alert);
}

/* Whatever became of an exception that was raised for it: it was. */
static bool
was_raised(const struct sensors_service *s, const char *object)
{
    for (const struct exception *e = s->config.state->exceptions; e; e = e->hh.next) {
        if (!strcmp(e->kind, KIND_NO_CIRCUIT) && !strcmp(e->object, object))
            return true;
    }
    return false;
}

/* The program may have ended between an alert and its exception. */
void
sensors_adopt_alerts(struct sensors_service *s)
{
    for (const struct sensing_alert *a = s->config.state->sensing.oldest; a; a = a->newer) {
        if (a->site != s->config.number || a->closed || !is_no_circuit(a))
            continue;
        char *object = object_of(s, json_object_get(a->summary, "source"));
        if (!was_raised(s, object))
            sensors_raise_no_circuit(s, a);
        free(object);
    }
}

/* The exception is over when no alert about the same is open. */
void
sensors_settle(struct sensors_service *s, const struct sensing_alert *closed)
{
    if (!is_no_circuit(closed))
        return;
    char *object = object_of(s, json_object_get(closed->summary, "source"));
    bool open = false;
    for (const struct sensing_alert *a = s->config.state->sensing.oldest; a && !open;
         a = a->newer) {
        if (a->site != s->config.number || a->closed || !is_no_circuit(a))
            continue;
        char *other = object_of(s, json_object_get(a->summary, "source"));
        open = !strcmp(other, object);
        free(other);
    }
    if (!open)
        notify(s, "exception.close",
               json_pack("{ss ss ss so}", "actor", ACTOR, "kind", KIND_NO_CIRCUIT, "object", object,
                         "reason",
                         json_sprintf("alert %s was closed by %s: %s", closed->id,
                                      closed->closed_by ? closed->closed_by : "?",
                                      closed->closed_reason ? closed->closed_reason : "")));
    free(object);
}

/* ---- Sensors ---- */

void
sensors_raise_lost(struct sensors_service *s, const char *sensor, const char *reason)
{
    char *object = xasprintf("sensor/%s", sensor);
    notify(s, "exception.raise",
           json_pack("{ss ss ss ss so s{ss}}", "actor", ACTOR, "kind", KIND_LOST, "severity",
                     exception_severity_word(EXCEPTION_MAJOR), "object", object, "text",
                     json_sprintf("nothing is heard of sensor %s: what happens where it listens is "
                                  "not seen",
                                  sensor),
                     "evidence", "reason", reason));
    free(object);
}

void
sensors_close_lost(struct sensors_service *s, const char *sensor)
{
    char *object = xasprintf("sensor/%s", sensor);
    if (state_open_exception(s->config.state, KIND_LOST, object))
        notify(s, "exception.close",
               json_pack("{ss ss ss ss}", "actor", ACTOR, "kind", KIND_LOST, "object", object,
                         "reason", "the sensor is back"));
    free(object);
}
