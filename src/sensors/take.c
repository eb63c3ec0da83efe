#include "sensors/service_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define NAMESAKES 1000                      /* alerts of one id, of as many runs of a sensor */
#define TEXTS_KEPT 64                       /* of a list that is kept with what is told anew */
#define AGAIN_AT_LEAST (600 * NSEC_PER_SEC) /* is a count written that has not doubled */

/* ---- The journal ---- */

static void
on_appended(void *arg UNUSED, enum err err, uint64_t seq UNUSED, const char *why)
{
    if (err)
        log_error("what a sensor told is not in the journal: %s", why);
}

void
sensors_append(struct sensors_service *s, const char *type, const char *object, const char *actor,
               json_t *body, journal_done_fn *done, void *arg)
{
    struct diag diag = {""};
    char *text = json_dumps(body, JSON_COMPACT);
    const struct journal_entry entry = {
        .type = type, .object = object, .actor = actor, .body = text};
    enum err err = journal_append(s->config.journal, &entry, 1, done ? done : on_appended, arg,
                                  &diag);
    free(text);
    json_decref(body);
    if (err && done)
        done(arg, err, 0, diag.text);
    else if (err)
        on_appended(arg, err, 0, diag.text);
}

static void
taking_free(struct taking *t)
{
    if (t->service)
        DL_DELETE(t->service->takings, t);
    free(t->key);
    free(t);
}

static struct taking *
find_taking(const struct sensors_service *s, const char *key)
{
    for (struct taking *t = s->takings; t; t = t->next) {
        if (!strcmp(t->key, key))
            return t;
    }
    return NULL;
}

static struct taking *
taking_new(struct sensors_service *s, const char *key, struct rpc_request *request)
{
    struct taking *t = xcalloc(1, sizeof *t);
    *t = (struct taking){.service = s, .key = xstrdup(key), .request = request};
    DL_APPEND(s->takings, t);
    return t;
}

/* What could not be stored is to be told again. */
static void
on_taken(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct taking *t = arg;
    if (t->service && err)
        rpc_fail(t->request, ERR_BUSY, "it is not in the journal: %s", why);
    else if (t->service)
        rpc_reply(t->request, NULL);
    taking_free(t);
}

/* The journal calls back even when the service has gone: nobody is answered then. */
void
sensors_takings_free(struct sensors_service *s)
{
    struct taking *t, *next_taking;
    struct again *a, *next;
    struct changed *c, *next_change;
    DL_FOREACH_SAFE(s->takings, t, next_taking)
    {
        rpc_fail(t->request, ERR_CLOSED, "tielined ends");
        DL_DELETE(s->takings, t);
        t->service = NULL;
    }
    HASH_ITER (hh, s->agains, a, next) {
        HASH_DEL(s->agains, a);
        free(a->id);
        free(a->last);
        free(a->incident);
        free(a);
    }
    HASH_ITER (hh, s->changes, c, next_change) {
        HASH_DEL(s->changes, c);
        free(c->key);
        free(c->sensor);
        json_decref(c->asset);
        free(c);
    }
}

static size_t
size_of(const json_t *json)
{
    return json_dumpb(json, NULL, 0, JSON_COMPACT);
}

static const char *
text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static uint64_t
number_of(const json_t *json, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(json, name));
    return n > 0 ? (uint64_t)n : 0;
}

/* Who says something before it has said who it is. */
static bool
is_stranger(const struct caller *l, struct rpc_request *request)
{
    if (l->name)
        return false;
    rpc_fail(request, ERR_DENIED, "sensor.hello comes first");
    return true;
}

/* ---- Alerts that are there already ---- */

/* The sensor's clock when it was seen first: what tells alerts of one number apart, which a sensor
 * that began anew has given again. */
static bool
is_same(const struct sensing_alert *known, const json_t *alert)
{
    const char *first = text_of(alert, "first"), *known_first = text_of(known->summary, "first"),
               *rule = text_of(alert, "rule"), *known_rule = text_of(known->summary, "rule");
    return first && known_first && rule && known_rule && !strcmp(first, known_first) &&
           !strcmp(rule, known_rule);
}

/* The number under which an alert of this id is stored: its own; or, where the sensor has used that
 * for another one before it began anew, one that it has not given. 0: there is none. `*known`: it
 * is there already. */
static char *
stored_id(const struct sensors_service *s, const char *sensor, const json_t *alert,
          const struct sensing_alert **known)
{
    const struct sensing *sensing = &s->config.state->sensing;
    uint64_t n = alert_id_number(text_of(alert, "id"), sensor, 0);
    for (unsigned i = 0; i < NAMESAKES; i++) {
        char *id = xasprintf("%s/%" PRIu64, sensor, n + i * UINT64_C(1000000000000));
        *known = sensing_alert(sensing, s->config.number, id);
        if (!*known || is_same(*known, alert))
            return id;
        free(id);
    }
    return NULL;
}

static struct again *
again_of(struct sensors_service *s, const struct sensing_alert *known)
{
    struct again *a;
    HASH_FIND_STR(s->agains, known->id, a);
    if (a)
        return a;
    a = xcalloc(1, sizeof *a);
    *a = (struct again){.id = xstrdup(known->id),
                        .count = known->count,
                        .written = known->count,
                        .written_at = clock_monotonic()};
    HASH_ADD_KEYPTR(hh, s->agains, a->id, strlen(a->id), a);
    return a;
}

static void
write_again(struct sensors_service *s, struct again *a)
{
    char *object = xasprintf("alert/%s", a->id);
    json_t *body = json_pack("{ss sI ss}", "id", a->id, "count", (json_int_t)a->count, "last",
                             a->last);
    if (a->incident)
        json_object_set_new(body, "incident", json_string(a->incident));
    a->written = a->count;
    a->written_at = clock_monotonic();
    a->unwritten = false;
    sensors_append(s, "sensor.alert.again", object, ACTOR, body, NULL, NULL);
    free(object);
}

static void
write_again_if_due(struct sensors_service *s, struct again *a, bool now)
{
    nsec_t since = clock_monotonic() - a->written_at;
    if (a->unwritten && (now || since >= AGAIN_AT_LEAST ||
                         (since >= s->config.options.again && a->count >= 2 * a->written)))
        write_again(s, a);
}

/* One that somebody has closed is open again when it is seen again. */
static void
take_again(struct sensors_service *s, const struct sensing_alert *known, const json_t *alert)
{
    uint64_t count = number_of(alert, "count");
    const char *incident = text_of(alert, "incident");
    if (count <= known->count)
        return; /* an old story, told again */
    struct again *a = again_of(s, known);
    if (count <= a->count)
        return;
    a->count = count;
    free(a->last);
    a->last = xstrdup(text_of(alert, "last"));
    free(a->incident);
    a->incident = incident ? xstrdup(incident) : NULL;
    a->unwritten = true;
    write_again_if_due(s, a, known->closed);
}

/* ---- Alerts ---- */

static void
take_new(struct caller *l, struct rpc_request *request, const char *id, const json_t *alert)
{
    struct sensors_service *s = l->service;
    char *object = xasprintf("alert/%s", id);
    json_t *copy = json_copy((json_t *)(uintptr_t)alert);
    json_object_set_new(copy, "id", json_string(id));
    json_object_set_new(copy, "state", json_string("open"));
    sensors_append(s, "sensor.alert", object, ACTOR,
                   json_pack("{ss so}", "sensor", l->name, "alert", copy), on_taken,
                   taking_new(s, id, request));
    free(object);
}

void
sensors_take_alert(void *arg, struct rpc_request *request, json_t *params)
{
    struct caller *l = arg;
    struct sensors_service *s = l->service;
    struct diag diag = {""};
    const struct sensing_alert *known = NULL;
    const json_t *alert = json_object_get(params, "alert");
    sensors_charge(l, size_of(params));
    if (is_stranger(l, request))
        return;
    enum err err = alert_check(alert, l->name, &diag);
    char *id = err ? NULL : stored_id(s, l->name, alert, &known);
    if (!err && !id)
        err = diag_set(&diag, ERR_LIMIT, "too many alerts have this id");
    if (err)
        rpc_fail(request, err, "%s", diag.text);
    else if (known)
        take_again(s, known, alert);
    if (known)
        rpc_reply(request, NULL);
    else if (id && find_taking(s, id))
        rpc_fail(request, ERR_BUSY, "it is on its way into the journal");
    else if (id)
        take_new(l, request, id, alert);
    free(id);
}

/* ---- Devices ---- */

static struct changed *
change_of(struct sensors_service *s, const char *key, const char *sensor)
{
    struct changed *c;
    HASH_FIND_STR(s->changes, key, c);
    if (c)
        return c;
    c = xcalloc(1, sizeof *c);
    c->key = xstrdup(key);
    c->sensor = xstrdup(sensor);
    HASH_ADD_KEYPTR(hh, s->changes, c->key, strlen(c->key), c);
    return c;
}

static void
write_asset(struct sensors_service *s, const char *sensor, const json_t *asset, bool is_new,
            journal_done_fn *done, void *arg)
{
    char *object = xasprintf("asset/%s", text_of(asset, "address"));
    sensors_append(s, "sensor.asset", object, ACTOR,
                   json_pack("{ss ss sO}", "sensor", sensor, "change", is_new ? "new" : "changed",
                             "asset", (json_t *)(uintptr_t)asset),
                   done, arg);
    free(object);
}

static void
write_change_if_due(struct sensors_service *s, struct changed *c, bool now)
{
    nsec_t time = clock_monotonic();
    if (!c->asset || (!now && time - c->written_at < s->config.options.asset))
        return;
    write_asset(s, c->sensor, c->asset, false, NULL, NULL);
    json_decref(c->asset);
    c->asset = NULL;
    c->written_at = time;
}

static void
take_change(struct caller *l, const char *key, json_t *asset)
{
    struct sensors_service *s = l->service;
    struct changed *c = change_of(s, key, l->name);
    json_incref(asset);
    json_decref(c->asset);
    c->asset = asset;
    write_change_if_due(s, c, !c->written_at);
}

static bool
has_text(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (one && !strcmp(one, text))
            return true;
    }
    return false;
}

/* What `list` has and the member of `to` has not, as long as that is few. */
static void
add_texts(json_t *to, const char *name, const json_t *list)
{
    json_t *own = json_deep_copy(json_object_get(to, name));
    if (!json_is_array(own)) {
        json_decref(own);
        own = json_array();
    }
    for (size_t i = 0; i < json_array_size(list) && json_array_size(own) < TEXTS_KEPT; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text && !has_text(own, text))
            json_array_append_new(own, json_string(text));
    }
    json_object_set_new(to, name, own);
}

static void
add_protocols(json_t *to, const json_t *protocols)
{
    const char *name;
    json_t *roles, *own = json_deep_copy(json_object_get(to, "protocols"));
    if (!json_is_object(own)) {
        json_decref(own);
        own = json_object();
    }
    json_object_foreach((json_t *)(uintptr_t)protocols, name, roles)
    {
        add_texts(own, name, roles);
    }
    json_object_set_new(to, "protocols", own);
}

/* A sensor that began anew has not heard everything again: what was known of the device is kept,
 * unless it is another one now, or the sensor says something else. The caller owns it. */
static json_t *
with_known(const json_t *asset, const json_t *known)
{
    json_t *all = json_copy((json_t *)(uintptr_t)asset), *value;
    const char *name, *mac = text_of(asset, "mac"), *was = text_of(known, "mac"),
                      *first = text_of(known, "first");
    if (mac && was && strcmp(mac, was) != 0)
        return all;
    json_object_foreach((json_t *)(uintptr_t)known, name, value)
    {
        if (json_is_object(value) && json_object_get(value, "value") && !json_object_get(all, name))
            json_object_set(all, name, value);
    }
    if (first && strcmp(first, text_of(asset, "first")) < 0)
        json_object_set_new(all, "first", json_string(first));
    add_texts(all, "roles", json_object_get(known, "roles"));
    add_protocols(all, json_object_get(known, "protocols"));
    return all;
}

void
sensors_take_asset(void *arg, struct rpc_request *request, json_t *params)
{
    struct caller *l = arg;
    struct sensors_service *s = l->service;
    struct diag diag = {""};
    json_t *asset = json_object_get(params, "asset");
    sensors_charge(l, size_of(params));
    if (is_stranger(l, request))
        return;
    enum err err = asset_check(asset, &diag);
    if (err) {
        rpc_fail(request, err, "%s", diag.text);
        return;
    }
    const char *address = text_of(asset, "address");
    json_int_t member = (json_int_t)number_of(asset, "member");
    const struct sensing_asset *known = sensing_asset(&s->config.state->sensing, s->config.number,
                                                      l->name, address, member);
    char *key = xasprintf("%s %s/%" JSON_INTEGER_FORMAT, l->name, address, member);
    if (!known && find_taking(s, key)) {
        rpc_fail(request, ERR_BUSY, "it is on its way into the journal");
    } else if (!known) {
        write_asset(s, l->name, asset, true, on_taken, taking_new(s, key, request));
    } else {
        json_t *all = with_known(asset, known->asset);
        if (asset_check(all, &diag)) { /* both together are too much */
            json_decref(all);
            all = json_incref(asset);
        }
        if (!sensing_assets_equal(known->asset, all))
            take_change(l, key, all);
        json_decref(all);
        rpc_reply(request, NULL);
    }
    free(key);
}

/* ---- That it lives ---- */

static uint64_t
sum_of(const json_t *object)
{
    const char *name;
    json_t *value;
    uint64_t sum = 0;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        json_int_t n = json_integer_value(value);
        sum += n > 0 ? (uint64_t)n : 0;
    }
    return sum;
}

/* What it could not keep since the last one that was answered. */
void
sensors_take_status(void *arg, struct rpc_request *request, json_t *params)
{
    struct caller *l = arg;
    const json_t *dropped = json_object_get(params, "dropped");
    sensors_charge(l, size_of(params));
    if (is_stranger(l, request))
        return;
    uint64_t sum = sum_of(dropped);
    if (sum) {
        char *object = xasprintf("sensor/%s", l->name);
        log_warn("sensor %s has dropped %" PRIu64 " alerts for want of room", l->name, sum);
        sensors_append(l->service, "sensor.dropped", object, ACTOR,
                       json_pack("{ss sI sO}", "sensor", l->name, "dropped", (json_int_t)sum,
                                 "by-severity", (json_t *)(uintptr_t)dropped),
                       NULL, NULL);
        free(object);
    }
    rpc_reply(request, NULL);
}

/* ---- Later ---- */

void
sensors_write_due(struct sensors_service *s, bool all)
{
    struct again *a, *next;
    struct changed *c, *next_change;
    nsec_t now = clock_monotonic();
    HASH_ITER (hh, s->agains, a, next) {
        write_again_if_due(s, a, all);
        if (a->unwritten || now - a->written_at < AGAIN_AT_LEAST)
            continue;
        HASH_DEL(s->agains, a);
        free(a->id);
        free(a->last);
        free(a->incident);
        free(a);
    }
    HASH_ITER (hh, s->changes, c, next_change) {
        write_change_if_due(s, c, all);
        if (c->asset || now - c->written_at < s->config.options.asset)
            continue;
        HASH_DEL(s->changes, c);
        free(c->key);
        free(c->sensor);
        free(c);
    }
}
