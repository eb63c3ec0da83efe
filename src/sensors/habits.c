#include "sensors/service_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "model/text.h"
#include "packet/addr.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

/* What a sensor has learned is its own: it is asked for when somebody wants to see it, a page of
 * one sensor at a time, and an order about it goes to the sensor that keeps it. First the order is
 * in the journal; then the sensor is told; that it could not be, is in the journal too. */

#define ANSWER_WITHIN (20 * NSEC_PER_SEC)
#define ASKS_MAX 64 /* that are under way */

struct habit_ask {
    struct sensors_service *service; /* NULL: it has gone */
    char *reply_to, *sensor;
    bool is_alone; /* no other sensor is wanted */
    bool is_begun; /* nothing was said before: what is missing is told */
    json_int_t after;
    json_t *order; /* NULL: only a question */
    char *actor;   /* of an order */
    struct habit_ask *prev, *next;
};

static void
ask_free(struct habit_ask *a)
{
    if (a->service) {
        DL_DELETE(a->service->asks, a);
        a->service->n_asks--;
    }
    free(a->reply_to);
    free(a->sensor);
    free(a->actor);
    json_decref(a->order);
    free(a);
}

static struct habit_ask *
ask_new(struct sensors_service *s, const struct bus_message *m, const char *sensor)
{
    struct habit_ask *a = xcalloc(1, sizeof *a);
    *a = (struct habit_ask){.service = s,
                            .reply_to = m->reply_to ? xstrdup(m->reply_to) : NULL,
                            .sensor = xstrdup(sensor)};
    DL_APPEND(s->asks, a);
    s->n_asks++;
    return a;
}

void
sensors_asks_free(struct sensors_service *s)
{
    struct habit_ask *a, *next;
    DL_FOREACH_SAFE(s->asks, a, next)
    {
        bus_reply_error(s->config.bus, a->reply_to, ERR_CLOSED, "the service has ended");
        DL_DELETE(s->asks, a);
        a->service = NULL;
    }
}

static const char *
text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

/* ---- Who is asked ---- */

/* The connected sensor whose name is the next behind this one ("": the first); NULL: there is none.
 */
static const struct caller *
next_sensor(const struct sensors_service *s, const char *behind)
{
    const struct caller *found = NULL;
    for (const struct caller *l = s->links; l; l = l->next) {
        if (l->name && strcmp(l->name, behind) > 0 && (!found || strcmp(l->name, found->name) < 0))
            found = l;
    }
    return found;
}

static void
add_missing(json_t *list, const char *sensor, const char *reason)
{
    json_array_append_new(list, json_pack("{ss ss}", "sensor", sensor, "reason", reason));
}

/* Those that are known and not connected. */
static json_t *
missing_sensors(const struct sensors_service *s)
{
    json_t *list = json_array();
    const struct sensing_sensor *sensor = s->config.state->sensing.sensors;
    for (; sensor; sensor = sensor->hh.next) {
        if (sensor->site == s->config.number && !sensors_link_of(s, sensor->name))
            add_missing(list, sensor->name, sensor->reason ? sensor->reason : "not connected");
    }
    return list;
}

/* ---- What was learned ---- */

/* {"site", "sensor"?, "learned"?, "pairs"?, "left-out"?, "habits", "missing", "next"?} */
static void
answer(struct habit_ask *a, json_t *told, const char *failed)
{
    struct sensors_service *s = a->service;
    json_t *missing = a->is_begun ? missing_sensors(s) : json_array(), *row;
    json_t *habits = json_object_get(told, "habits");
    json_int_t next = json_integer_value(json_object_get(told, "next"));
    size_t i;
    if (next <= a->after || !json_array_size(habits))
        next = 0; /* or its pages would have no end */
    json_array_foreach(habits, i, row)
    {
        json_object_set_new(row, "sensor", json_string(a->sensor));
    }
    if (failed)
        add_missing(missing, a->sensor, failed);
    json_object_set_new(told, "site", json_string(s->config.site));
    if (*a->sensor)
        json_object_set_new(told, "sensor", json_string(a->sensor));
    json_object_set_new(told, "missing", missing);
    if (!json_is_array(habits))
        json_object_set_new(told, "habits", json_array());
    json_object_del(told, "next");
    const struct caller *other = a->is_alone ? NULL : next_sensor(s, a->sensor);
    if (next > 0 || other) {
        char *text = xasprintf("%s/%" JSON_INTEGER_FORMAT, next > 0 ? a->sensor : other->name,
                               next);
        json_object_set_new(told, "next", json_string(text));
        free(text);
    }
    bus_reply(s->config.bus, a->reply_to, told);
}

static void
on_habits(void *arg, const struct call_result *result)
{
    struct habit_ask *a = arg;
    const char *failed = result->err ? (*result->text ? result->text : err_text(result->err))
                                     : NULL;
    if (a->service && failed && a->is_alone)
        bus_reply_error(a->service->config.bus, a->reply_to, result->err, "sensor %s: %s",
                        a->sensor, failed);
    else if (a->service)
        answer(a,
               failed || !json_is_object(result->value) ? json_object()
                                                        : json_deep_copy(result->value),
               failed);
    ask_free(a);
}

/* "SENSOR/N"; false: it is not one. */
static bool
read_cursor(const char *after, char sensor[NAME_MAX_LENGTH + 1], json_int_t *number)
{
    const char *slash = strchr(after, '/');
    size_t length = slash ? (size_t)(slash - after) : 0;
    if (!length || length > NAME_MAX_LENGTH || strlen(slash) > 19 ||
        strspn(slash + 1, "0123456789") != strlen(slash + 1))
        return false;
    memcpy(sensor, after, length);
    sensor[length] = '\0';
    *number = (json_int_t)strtoull(slash + 1, NULL, 10);
    return name_is_valid(sensor);
}

static void
ask_one(struct sensors_service *s, const struct bus_message *m, const struct caller *l,
        json_int_t after)
{
    struct habit_ask *a = ask_new(s, m, l ? l->name : "");
    json_t *params = json_pack("{sI}", "after", after);
    a->is_alone = text_of(m->payload, "sensor") != NULL;
    a->is_begun = !text_of(m->payload, "after");
    a->after = after;
    if (!l) {
        answer(a, json_object(), NULL);
        ask_free(a);
        json_decref(params);
        return;
    }
    if (text_of(m->payload, "address"))
        json_object_set(params, "address", json_object_get(m->payload, "address"));
    if (json_integer_value(json_object_get(m->payload, "limit")) > 0)
        json_object_set(params, "limit", json_object_get(m->payload, "limit"));
    enum err err = rpc_call(l->rpc, "sensor.habits", params, ANSWER_WITHIN, on_habits, a, NULL);
    if (err) {
        bus_reply_error(s->config.bus, a->reply_to, err, "sensor %s: %s", a->sensor, err_text(err));
        ask_free(a);
    }
}

/* Is it for another site, or is too much asked already? Then it has been answered. */
static bool
is_not_ours(struct sensors_service *s, struct bus *bus, const struct bus_message *m)
{
    json_int_t number = json_integer_value(json_object_get(m->payload, "site-number"));
    if (number != s->config.number && s->config.elsewhere) {
        s->config.elsewhere(s->config.elsewhere_arg, (uint32_t)number, m->subject, m->payload,
                            m->reply_to);
        return true;
    }
    if (s->n_asks < ASKS_MAX)
        return false;
    bus_reply_error(bus, m->reply_to, ERR_BUSY, "too much is asked of the sensors at once");
    return true;
}

/* {site-number, sensor?, address?, after?, limit?} */
void
sensors_serve_habits(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct sensors_service *s = arg;
    char behind[NAME_MAX_LENGTH + 1];
    json_int_t number = 0;
    const char *wanted = text_of(m->payload, "sensor"), *after = text_of(m->payload, "after");
    if (is_not_ours(s, bus, m))
        return;
    if (after && !read_cursor(after, behind, &number)) {
        bus_reply_error(bus, m->reply_to, ERR_INVALID, "\"after\": what was told as next");
        return;
    }
    const char *name = after ? behind : wanted;
    const struct caller *l = name ? sensors_link_of(s, name) : next_sensor(s, "");
    if (!l && wanted)
        bus_reply_error(bus, m->reply_to, ERR_NOT_FOUND, "sensor %s is not connected", wanted);
    else
        ask_one(s, m, l ? l : next_sensor(s, name ? name : ""), l ? number : 0);
}

/* ---- Orders ---- */

static void
tell_failed(struct habit_ask *a, enum err err, const char *why)
{
    struct sensors_service *s = a->service;
    char *object = xasprintf("sensor/%s", a->sensor);
    json_t *body = json_copy(a->order);
    json_object_set_new(body, "failed", json_string(why));
    sensors_append(s, "sensor.habit.failed", object, ACTOR, body, NULL, NULL);
    bus_reply_error(s->config.bus, a->reply_to, err, "sensor %s: %s", a->sensor, why);
    free(object);
}

static void
on_obeyed(void *arg, const struct call_result *result)
{
    struct habit_ask *a = arg;
    if (a->service && result->err) {
        tell_failed(a, result->err, *result->text ? result->text : err_text(result->err));
    } else if (a->service) {
        bool is_kept = json_is_true(json_object_get(result->value, "kept"));
        bus_reply(a->service->config.bus, a->reply_to,
                  json_pack("{ss sb}", "sensor", a->sensor, "kept", is_kept));
    }
    ask_free(a);
}

static json_t *
order_for_sensor(const struct habit_ask *a)
{
    json_t *params = json_copy(a->order);
    json_object_del(params, "sensor");
    json_object_del(params, "reason");
    json_object_set(params, "why", json_object_get(a->order, "reason"));
    json_object_set_new(params, "by", json_string(a->actor));
    return params;
}

/* It is in the journal. */
static void
on_ordered(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct habit_ask *a = arg;
    struct sensors_service *s = a->service;
    const struct caller *l = s ? sensors_link_of(s, a->sensor) : NULL;
    if (s && err) {
        bus_reply_error(s->config.bus, a->reply_to, err, "%s", why);
    } else if (s) {
        err = l ? rpc_call(l->rpc, "sensor.habit", order_for_sensor(a), ANSWER_WITHIN, on_obeyed, a,
                           NULL)
                : ERR_CLOSED;
        if (!err)
            return;
        tell_failed(a, err, l ? err_text(err) : "it is not connected any more");
    }
    ask_free(a);
}

static bool
is_address(const char *text)
{
    uint32_t ipv4;
    uint8_t ipv6[16];
    struct mac mac;
    return text && (!ipv4_parse(text, &ipv4) || !mac_parse(text, &mac) || !ipv6_parse(text, ipv6));
}

static bool
is_line_or_nothing(const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);
    return !value || (json_is_string(value) && text_is_valid(json_string_value(value)));
}

/* NULL: all is well. */
static const char *
what_is_wrong(const json_t *payload)
{
    const char *order = text_of(payload, "order"), *reason = text_of(payload, "reason");
    const json_t *function = json_object_get(payload, "function");
    if (!text_of(payload, "actor"))
        return "actor";
    if (!order || (strcmp(order, "approve") != 0 && strcmp(order, "forget") != 0))
        return "order";
    if (!is_address(text_of(payload, "client")))
        return "client";
    if (!is_address(text_of(payload, "server")))
        return "server";
    if (!is_line_or_nothing(payload, "protocol"))
        return "protocol";
    if (function && (!json_object_get(payload, "protocol") ||
                     !(json_is_integer(function) || is_line_or_nothing(payload, "function"))))
        return "function";
    return reason && text_is_valid(reason) ? NULL : "reason";
}

static void
give_order(struct sensors_service *s, const struct bus_message *m, const struct caller *l)
{
    static const char *const members[] = {"order",    "client",   "server",
                                          "protocol", "function", "reason"};
    struct habit_ask *a = ask_new(s, m, l->name);
    char *object = xasprintf("sensor/%s", l->name);
    a->actor = xstrdup(text_of(m->payload, "actor"));
    a->order = json_pack("{ss}", "sensor", l->name);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        if (json_object_get(m->payload, members[i]))
            json_object_set(a->order, members[i], json_object_get(m->payload, members[i]));
    }
    sensors_append(s, "sensor.habit", object, a->actor, json_incref(a->order), on_ordered, a);
    free(object);
}

/* {actor, site-number, sensor?, order, client, server, protocol?, function?, reason} */
void
sensors_serve_habit(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct sensors_service *s = arg;
    const char *wanted = text_of(m->payload, "sensor"), *wrong;
    if (is_not_ours(s, bus, m))
        return;
    const struct caller *l = wanted ? sensors_link_of(s, wanted) : next_sensor(s, "");
    if ((wrong = what_is_wrong(m->payload)))
        bus_reply_error(bus, m->reply_to, ERR_INVALID, "\"%s\" is missing or wrong", wrong);
    else if (!l)
        bus_reply_error(bus, m->reply_to, ERR_NOT_FOUND, "sensor %s is not connected",
                        wanted ? wanted : "(any)");
    else if (!wanted && next_sensor(s, l->name))
        bus_reply_error(bus, m->reply_to, ERR_CONFLICT, "there are several sensors: say which");
    else
        give_order(s, m, l);
}
