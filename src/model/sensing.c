#include "model/sensing.h"

#include "base/alloc.h"
#include "model/state.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

/* ---- Keys ---- */

static const char *
behind_slash(const char *key)
{
    return strchr(key, '/') + 1;
}

static struct sensing_site *
site_of(struct sensing *s, uint32_t number)
{
    struct sensing_site *site;
    HASH_FIND(hh, s->sites, &number, sizeof number, site);
    if (site)
        return site;
    site = xcalloc(1, sizeof *site);
    site->site = number;
    HASH_ADD(hh, s->sites, site, sizeof site->site, site);
    return site;
}

struct sensing_sensor *
sensing_sensor(const struct sensing *s, uint32_t site, const char *name)
{
    struct sensing_sensor *found;
    char *key = xasprintf("%u/%s", site, name);
    HASH_FIND_STR(s->sensors, key, found);
    free(key);
    return found;
}

struct sensing_alert *
sensing_alert(const struct sensing *s, uint32_t site, const char *id)
{
    struct sensing_alert *found;
    char *key = xasprintf("%u/%s", site, id);
    HASH_FIND_STR(s->alerts, key, found);
    free(key);
    return found;
}

static char *
asset_key(uint32_t site, const char *sensor, const char *address, json_int_t member)
{
    return xasprintf("%u/%s/%s/%" JSON_INTEGER_FORMAT, site, sensor, address, member);
}

struct sensing_asset *
sensing_asset(const struct sensing *s, uint32_t site, const char *sensor, const char *address,
              json_int_t member)
{
    struct sensing_asset *found;
    char *key = asset_key(site, sensor, address, member);
    HASH_FIND_STR(s->assets, key, found);
    free(key);
    return found;
}

static char *
vulnerability_key(uint32_t of, const char *sensor, const char *address, json_int_t member,
                  const char *advisory)
{
    return xasprintf("%u/%s/%s/%" JSON_INTEGER_FORMAT "/%s", of, sensor, address, member, advisory);
}

struct sensing_vulnerability *
sensing_vulnerability(const struct sensing *s, uint32_t of, const char *sensor, const char *address,
                      json_int_t member, const char *advisory)
{
    struct sensing_vulnerability *found;
    char *key = vulnerability_key(of, sensor, address, member, advisory);
    HASH_FIND_STR(s->vulnerabilities, key, found);
    free(key);
    return found;
}

bool
sensing_has_room(const struct sensing *s, uint32_t site, size_t size)
{
    const struct sensing_site *of;
    HASH_FIND(hh, s->sites, &site, sizeof site, of);
    return !of || (of->n_vulnerabilities < SENSING_VULNERABILITIES &&
                   of->vulnerability_octets + size <= SENSING_VULNERABILITY_OCTETS);
}

struct sensing_alert *
sensing_find_alert(const struct sensing *s, const char *id, bool *several)
{
    struct sensing_alert *found = NULL;
    *several = false;
    for (struct sensing_site *site = s->sites; site; site = site->hh.next) {
        struct sensing_alert *one = sensing_alert(s, site->site, id);
        *several = *several || (one && found);
        found = found ? found : one;
    }
    return found;
}

/* ---- Forgetting ---- */

static void
sensor_free(struct sensing *s, struct sensing_sensor *sensor)
{
    site_of(s, sensor->site)->n_sensors--;
    HASH_DEL(s->sensors, sensor);
    free(sensor->key);
    free(sensor->version);
    free(sensor->address);
    free(sensor->reason);
    free(sensor);
}

static void
alert_free(struct sensing *s, struct sensing_alert *a)
{
    struct sensing_site *site = site_of(s, a->site);
    site->n_alerts--;
    site->octets -= a->size;
    DL_DELETE2(s->oldest, a, older, newer);
    s->newest = s->oldest ? s->oldest->older : NULL;
    HASH_DEL(s->alerts, a);
    free(a->key);
    free(a->closed_by);
    free(a->closed_reason);
    free(a->text);
    json_decref(a->summary);
    free(a);
}

static void
asset_free(struct sensing *s, struct sensing_asset *a)
{
    site_of(s, a->site)->n_assets--;
    DL_DELETE2(s->oldest_asset, a, older, newer);
    s->newest_asset = s->oldest_asset ? s->oldest_asset->older : NULL;
    HASH_DEL(s->assets, a);
    json_decref(a->asset);
    free(a->key);
    free(a);
}

static void
vulnerability_free(struct sensing *s, struct sensing_vulnerability *v)
{
    struct sensing_site *site = site_of(s, v->site);
    site->n_vulnerabilities--;
    site->vulnerability_octets -= v->size;
    HASH_DEL(s->vulnerabilities, v);
    json_decref(v->body);
    free(v->key);
    free(v);
}

void
sensing_forget(struct sensing *s, uint32_t site)
{
    struct sensing_vulnerability *vulnerability, *next_vulnerability;
    struct sensing_sensor *sensor, *next_sensor;
    struct sensing_alert *alert, *next_alert;
    struct sensing_asset *asset, *next_asset;
    HASH_ITER (hh, s->alerts, alert, next_alert) {
        if (alert->site == site)
            alert_free(s, alert);
    }
    HASH_ITER (hh, s->assets, asset, next_asset) {
        if (asset->site == site)
            asset_free(s, asset);
    }
    HASH_ITER (hh, s->sensors, sensor, next_sensor) {
        if (sensor->site == site)
            sensor_free(s, sensor);
    }
    HASH_ITER (hh, s->vulnerabilities, vulnerability, next_vulnerability) {
        if (vulnerability->site == site)
            vulnerability_free(s, vulnerability);
    }
}

void
sensing_fini(struct sensing *s)
{
    struct sensing_site *site, *next;
    HASH_ITER (hh, s->sites, site, next) {
        sensing_forget(s, site->site);
        HASH_DEL(s->sites, site);
        free(site);
    }
    *s = (struct sensing){0};
}

/* Closed ones before open ones, the lowest severity first, of those the oldest. */
static int
worth(const struct sensing_alert *a)
{
    return a->closed ? -1 : (int)a->severity;
}

static void
make_room(struct sensing *s, struct sensing_site *site)
{
    while (site->n_alerts > SENSING_ALERTS || site->octets > SENSING_ALERT_OCTETS) {
        struct sensing_alert *least = NULL;
        for (struct sensing_alert *a = s->oldest; a; a = a->newer) {
            if (a->site == site->site && (!least || worth(a) < worth(least)))
                least = a;
            if (least && worth(least) < 0)
                break;
        }
        if (!least)
            break;
        site->forgotten++;
        alert_free(s, least);
    }
}

/* ---- Events ---- */

struct application {
    struct sensing *sensing;
    const struct state_event *event;
    struct diag *diag;
};

static enum err
fail(const struct application *a, const char *field)
{
    return state_event_malformed(a->event, field, a->diag);
}

static const char *
text(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static uint64_t
number(const json_t *json, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(json, name));
    return n > 0 ? (uint64_t)n : 0;
}

static void
replace_text(char **old, const char *new)
{
    free(*old);
    *old = new ? xstrdup(new) : NULL;
}

/* The event's sensor, made if it is new; NULL: the event has none, or there are too many. */
static struct sensing_sensor *
sensor_of(const struct application *a, const char *name)
{
    struct sensing *s = a->sensing;
    struct sensing_site *site = site_of(s, a->event->site);
    struct sensing_sensor *sensor = name ? sensing_sensor(s, a->event->site, name) : NULL;
    if (!name || sensor || site->n_sensors == SENSING_SENSORS)
        return sensor;
    sensor = xcalloc(1, sizeof *sensor);
    *sensor = (struct sensing_sensor){.key = xasprintf("%u/%s", a->event->site, name),
                                      .site = a->event->site,
                                      .since = a->event->time};
    sensor->name = behind_slash(sensor->key);
    HASH_ADD_KEYPTR(hh, s->sensors, sensor->key, strlen(sensor->key), sensor);
    site->n_sensors++;
    return sensor;
}

static enum err
apply_back(const struct application *a)
{
    struct sensing_sensor *sensor = sensor_of(a, text(a->event->body, "sensor"));
    if (!sensor)
        return fail(a, "sensor");
    replace_text(&sensor->version, text(a->event->body, "version"));
    replace_text(&sensor->address, text(a->event->body, "address"));
    replace_text(&sensor->reason, NULL);
    sensor->since = a->event->time;
    return ERR_OK;
}

static enum err
apply_lost(const struct application *a)
{
    struct sensing_sensor *sensor = sensor_of(a, text(a->event->body, "sensor"));
    const char *reason = text(a->event->body, "reason");
    if (!sensor)
        return fail(a, "sensor");
    replace_text(&sensor->reason, reason ? reason : "?");
    sensor->since = a->event->time;
    return ERR_OK;
}

static enum err
apply_dropped(const struct application *a)
{
    struct sensing_sensor *sensor = sensor_of(a, text(a->event->body, "sensor"));
    if (!sensor)
        return fail(a, "sensor");
    sensor->dropped += number(a->event->body, "dropped");
    return ERR_OK;
}

static json_t *
summary_of(const json_t *alert)
{
    static const char *const left_out[] = {"explanation", "playbook", "evidence", "similar",
                                           "count",       "last",     "state"};
    json_t *summary = json_copy((json_t *)(uintptr_t)alert);
    for (size_t i = 0; i < ARRAY_SIZE(left_out); i++)
        json_object_del(summary, left_out[i]);
    return summary;
}

static void
note_numbers(struct sensing_sensor *sensor, const char *id, const char *incident)
{
    sensor->last_alert = MAX(sensor->last_alert, alert_id_number(id, NULL, 0));
    sensor->last_incident = MAX(sensor->last_incident, alert_id_number(incident, NULL, 'I'));
}

static enum err
apply_alert(const struct application *a)
{
    struct sensing *s = a->sensing;
    const json_t *json = json_object_get(a->event->body, "alert");
    const char *sensor_name = text(a->event->body, "sensor"), *id = text(json, "id"),
               *last = text(json, "last");
    nsec_t seen;
    if (!sensor_name || alert_check(json, sensor_name, a->diag) || time_parse(last, &seen))
        return fail(a, "alert");
    struct sensing_sensor *sensor = sensor_of(a, sensor_name);
    if (!sensor || sensing_alert(s, a->event->site, id))
        return fail(a, sensor ? "id" : "sensor");
    struct sensing_site *site = site_of(s, a->event->site);
    struct sensing_alert *alert = xcalloc(1, sizeof *alert);
    *alert = (struct sensing_alert){.key = xasprintf("%u/%s", a->event->site, id),
                                    .site = a->event->site,
                                    .seq = a->event->seq,
                                    .severity = alert_severity_from_word(text(json, "severity")),
                                    .recorded = a->event->time,
                                    .last = seen,
                                    .count = number(json, "count"),
                                    .summary = summary_of(json),
                                    .text = json_dumps(json, JSON_COMPACT)};
    alert->id = behind_slash(alert->key);
    alert->size = strlen(alert->text);
    HASH_ADD_KEYPTR(hh, s->alerts, alert->key, strlen(alert->key), alert);
    DL_APPEND2(s->oldest, alert, older, newer);
    s->newest = alert;
    site->n_alerts++;
    site->octets += alert->size;
    note_numbers(sensor, id, text(json, "incident"));
    make_room(s, site);
    return ERR_OK;
}

/* What was forgotten for want of room may still be told of. */
static enum err
apply_again(const struct application *a)
{
    const char *id = text(a->event->body, "id"), *last = text(a->event->body, "last"),
               *incident = text(a->event->body, "incident");
    nsec_t seen;
    if (!id || !last || time_parse(last, &seen))
        return fail(a, id ? "last" : "id");
    struct sensing_alert *alert = sensing_alert(a->sensing, a->event->site, id);
    if (!alert)
        return ERR_OK;
    alert->count = MAX(alert->count, number(a->event->body, "count"));
    alert->last = seen;
    alert->closed = false;
    if (incident)
        json_object_set_new(alert->summary, "incident", json_string(incident));
    return ERR_OK;
}

static enum err
apply_closed(const struct application *a)
{
    const char *id = text(a->event->body, "id"), *reason = text(a->event->body, "reason");
    struct sensing_alert *alert = id ? sensing_alert(a->sensing, a->event->site, id) : NULL;
    if (!id)
        return fail(a, "id");
    if (!alert)
        return ERR_OK;
    alert->closed = true;
    alert->closed_at = a->event->time;
    replace_text(&alert->closed_by, a->event->actor);
    replace_text(&alert->closed_reason, reason);
    return ERR_OK;
}

static enum err
apply_asset(const struct application *a)
{
    struct sensing *s = a->sensing;
    json_t *json = json_object_get(a->event->body, "asset");
    const char *name = text(a->event->body, "sensor");
    if (!name || asset_check(json, a->diag))
        return fail(a, "asset");
    struct sensing_sensor *sensor = sensor_of(a, name);
    if (!sensor)
        return fail(a, "sensor");
    const char *address = text(json, "address");
    json_int_t member = json_integer_value(json_object_get(json, "member"));
    struct sensing_site *site = site_of(s, a->event->site);
    struct sensing_asset *asset = sensing_asset(s, a->event->site, name, address, member);
    if (asset)
        asset_free(s, asset); /* and is the newest now */
    asset = xcalloc(1, sizeof *asset);
    *asset = (struct sensing_asset){.key = asset_key(a->event->site, name, address, member),
                                    .site = a->event->site,
                                    .sensor = sensor->name,
                                    .recorded = a->event->time,
                                    .asset = json_incref(json)};
    HASH_ADD_KEYPTR(hh, s->assets, asset->key, strlen(asset->key), asset);
    DL_APPEND2(s->oldest_asset, asset, older, newer);
    s->newest_asset = asset;
    s->asset_changes++;
    site->n_assets++;
    for (asset = s->oldest_asset; asset && site->n_assets > SENSING_ASSETS;) {
        struct sensing_asset *next = asset->newer;
        if (asset->site == site->site)
            asset_free(s, asset);
        asset = next;
    }
    return ERR_OK;
}

/* ---- Vulnerabilities ---- */

/* Of which device; NULL: it says none. A site tells of its own, and the centre (0) of all. */
static char *
told_key(const struct application *a, const char *advisory, uint32_t *of)
{
    const json_t *body = a->event->body;
    const char *sensor = text(body, "sensor"), *address = text(body, "address");
    json_int_t number_of_site = json_integer_value(json_object_get(body, "of"));
    bool is_told = sensor && address && advisory && name_is_valid(sensor) &&
                   text_is_valid(address) && text_is_valid(advisory) && number_of_site >= 0 &&
                   number_of_site <= UINT32_MAX &&
                   (!a->event->site || a->event->site == number_of_site);
    *of = (uint32_t)number_of_site;
    return is_told
               ? vulnerability_key(*of, sensor, address,
                                   json_integer_value(json_object_get(body, "member")), advisory)
               : NULL;
}

static enum err
apply_vulnerability(const struct application *a)
{
    struct sensing *s = a->sensing;
    struct sensing_site *site = site_of(s, a->event->site);
    struct sensing_vulnerability *was, *v;
    uint32_t of;
    const json_t *told = json_object_get(a->event->body, "vulnerability");
    size_t size = json_dumpb(a->event->body, NULL, 0, JSON_COMPACT);
    char *key = told_key(a, text(told, "advisory"), &of);
    if (!key || size > ALERT_TEXT_MAX) {
        free(key);
        return fail(a, "vulnerability");
    }
    HASH_FIND_STR(s->vulnerabilities, key, was);
    if (!was && !sensing_has_room(s, a->event->site, size)) {
        free(key);
        return ERR_OK; /* it is in the journal as ever */
    }
    v = xcalloc(1, sizeof *v);
    *v = (struct sensing_vulnerability){.key = key,
                                        .site = a->event->site,
                                        .of = of,
                                        .since = was ? was->since : a->event->time,
                                        .recorded = a->event->time,
                                        .body = json_incref((json_t *)(uintptr_t)a->event->body),
                                        .size = size};
    if (was)
        vulnerability_free(s, was);
    HASH_ADD_KEYPTR(hh, s->vulnerabilities, v->key, strlen(v->key), v);
    site->n_vulnerabilities++;
    site->vulnerability_octets += size;
    return ERR_OK;
}

static enum err
apply_vulnerability_gone(const struct application *a)
{
    struct sensing_vulnerability *v;
    uint32_t of;
    char *key = told_key(a, text(a->event->body, "advisory"), &of);
    if (!key)
        return fail(a, "advisory");
    HASH_FIND_STR(a->sensing->vulnerabilities, key, v);
    if (v && v->site == a->event->site)
        vulnerability_free(a->sensing, v);
    free(key);
    return ERR_OK;
}

static const struct {
    const char *type;
    enum err (*apply)(const struct application *);
} table[] = {
    {"sensor.back", apply_back},
    {"sensor.lost", apply_lost},
    {"sensor.dropped", apply_dropped},
    {"sensor.alert", apply_alert},
    {"sensor.alert.again", apply_again},
    {"sensor.alert.closed", apply_closed},
    {"sensor.asset", apply_asset},
    {"sensor.vulnerability", apply_vulnerability},
    {"sensor.vulnerability.gone", apply_vulnerability_gone},
};

bool
sensing_knows(const char *type)
{
    return !strncmp(type, "sensor.", 7);
}

enum err
sensing_apply(struct sensing *s, const struct state_event *event, struct diag *diag)
{
    const struct application a = {s, event, diag};
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (!strcmp(table[i].type, event->type))
            return json_is_object(event->body) ? table[i].apply(&a) : fail(&a, "body");
    }
    return ERR_OK;
}

/* ---- What is shown ---- */

static void
set_time(json_t *json, const char *name, nsec_t time)
{
    char text_of_time[TIME_TEXT_SIZE];
    json_object_set_new(json, name, json_string(time_format(time, text_of_time)));
}

static void
set_text(json_t *json, const char *name, const char *value)
{
    if (value)
        json_object_set_new(json, name, json_string(value));
}

json_t *
sensing_sensor_json(const struct sensing_sensor *s, const char *site_name)
{
    json_t *json = json_pack("{ss ss}", "name", s->name, "state", s->reason ? "lost" : "there");
    set_text(json, "site", site_name);
    set_time(json, "since", s->since);
    set_text(json, "reason", s->reason);
    set_text(json, "version", s->version);
    set_text(json, "address", s->address);
    json_object_set_new(json, "dropped", json_integer((json_int_t)s->dropped));
    return json;
}

json_t *
sensing_alert_json(const struct sensing_alert *a, const char *site_name, bool all)
{
    json_t *json = all ? json_loads(a->text, 0, NULL) : json_copy(a->summary);
    if (all)
        json_object_update_existing(json, a->summary); /* the incident may have been found later */
    set_text(json, "site", site_name);
    set_text(json, "state", a->closed ? "closed" : "open");
    set_time(json, "last", a->last);
    set_time(json, "recorded", a->recorded);
    json_object_set_new(json, "count", json_integer((json_int_t)a->count));
    json_object_set_new(json, "seq", json_integer((json_int_t)a->seq));
    if (a->closed_by) {
        set_text(json, "closed-by", a->closed_by);
        set_text(json, "closed-reason", a->closed_reason);
        set_time(json, "closed", a->closed_at);
    }
    return json;
}

bool
sensing_assets_equal(const json_t *a, const json_t *b)
{
    static const char *const times[] = {"first", "last"};
    json_t *x = json_copy((json_t *)(uintptr_t)a), *y = json_copy((json_t *)(uintptr_t)b);
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        json_object_del(x, times[i]);
        json_object_del(y, times[i]);
    }
    bool equal = json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return equal;
}
