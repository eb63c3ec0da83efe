/* handlers_sensor.c - what the sensors of all sites have told. */
#include "gateway/handlers.h"

#include "base/alloc.h"
#include "gateway/service_private.h"

#include <stdlib.h>
#include <string.h>

#define ALERTS_SHOWN 1000 /* if it is not said */
#define VULNERABILITIES_SHOWN 1000

static const struct sensing *
sensing_of(const struct api_request *r)
{
    return &r->service->config.state->sensing;
}

/* A site that is not known by name goes by its number. `text` holds 24 octets. */
static const char *
site_name(const struct api_request *r, uint32_t number, char *text)
{
    const struct gateway_config *c = &r->service->config;
    const char *name = c->site_name ? c->site_name(c->site_name_arg, number) : c->site;
    if (name)
        return name;
    snprintf(text, 24, "site %u", number);
    return text;
}

static bool
is_site(const struct api_request *r, uint32_t number)
{
    char text[24];
    const char *wanted = api_text(r, "site");
    return !wanted || !strcmp(wanted, site_name(r, number, text));
}

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

/* ---- sensors */

void
api_list_sensors(struct api_request *r)
{
    char text[24];
    json_t *list = json_array();
    for (const struct sensing_sensor *s = sensing_of(r)->sensors; s; s = s->hh.next) {
        if (is_site(r, s->site))
            json_array_append_new(list, sensing_sensor_json(s, site_name(r, s->site, text)));
    }
    api_answer(r, json_pack("{so}", "sensors", list));
}

/* ---- alerts */

static bool
is_end(const json_t *summary, const char *end, const char *address)
{
    const json_t *json = json_object_get(summary, end);
    return !strcmp(text_of(json, "address"), address) || !strcmp(text_of(json, "mac"), address);
}

static bool
is_wanted(const struct api_request *r, const struct sensing_alert *a, nsec_t since)
{
    const char *severity = api_text(r, "severity"), *rule = api_text(r, "rule"),
               *address = api_text(r, "address"), *state = api_text(r, "state"),
               *incident = api_text(r, "incident");
    return is_site(r, a->site) && a->last >= since &&
           (!severity || a->severity >= alert_severity_from_word(severity)) &&
           (!rule || !strcmp(rule, text_of(a->summary, "rule"))) &&
           (!incident || !strcmp(incident, text_of(a->summary, "incident"))) &&
           (!state || a->closed == !strcmp(state, "closed")) &&
           (!address || is_end(a->summary, "source", address) ||
            is_end(a->summary, "target", address));
}

/* False: it was answered that this is no time. */
static bool
read_since(struct api_request *r, nsec_t *since)
{
    const char *text = api_text(r, "since");
    *since = INT64_MIN;
    if (!text || !time_parse(text, since))
        return true;
    api_fail_field(r, ERR_INVALID, "since", "\"%s\" is not a time: 2026-11-30T10:00:00Z is", text);
    return false;
}

/* The newest first. */
void
api_list_alerts(struct api_request *r)
{
    const struct sensing *s = sensing_of(r);
    uint64_t limit = api_number(r, "limit", ALERTS_SHOWN), more = 0;
    char text[24];
    nsec_t since;
    json_t *list = json_array();
    if (!read_since(r, &since)) {
        json_decref(list);
        return;
    }
    for (const struct sensing_alert *a = s->newest; a; a = a == s->oldest ? NULL : a->older) {
        if (!is_wanted(r, a, since))
            continue;
        if (json_array_size(list) < limit)
            json_array_append_new(list, sensing_alert_json(a, site_name(r, a->site, text), false));
        else
            more++;
    }
    api_answer(r, json_pack("{so sI}", "alerts", list, "left-out", (json_int_t)more));
}

/* NULL: it was answered that there is none, or which of several is meant. */
static const struct sensing_alert *
find_alert(struct api_request *r)
{
    bool several = false;
    const struct sensing_alert *found = sensing_find_alert(sensing_of(r), r->value, &several);
    if (api_text(r, "site")) {
        found = NULL;
        several = false;
        for (const struct sensing_site *s = sensing_of(r)->sites; s && !found; s = s->hh.next)
            found = is_site(r, s->site) ? sensing_alert(sensing_of(r), s->site, r->value) : NULL;
    }
    if (!found)
        api_fail(r, ERR_NOT_FOUND, "there is no alert %s", r->value);
    else if (several)
        api_fail_field(r, ERR_CONFLICT, "site", "several sites have an alert %s: say which",
                       r->value);
    return several ? NULL : found;
}

void
api_get_alert(struct api_request *r)
{
    char text[24];
    const struct sensing_alert *a = find_alert(r);
    if (a)
        api_answer(r, sensing_alert_json(a, site_name(r, a->site, text), true));
}

void
api_post_close_alert(struct api_request *r)
{
    const struct sensing_alert *a = find_alert(r);
    if (!a)
        return;
    json_t *payload = api_payload(r);
    json_object_set_new(payload, "id", json_string(a->id));
    json_object_set_new(payload, "site-number", json_integer(a->site));
    api_ask(r, NULL, payload, NULL);
}

/* ---- incidents: alerts that belong together, as the sensor says */

struct incident {
    char *key;
    json_t *json; /* in the list */
    enum alert_severity severity;
    nsec_t first, last;
    bool open;
    UT_hash_handle hh;
};

static void
add_to_list(json_t *incident, const char *name, const char *text)
{
    json_t *list = json_object_get(incident, name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!strcmp(json_string_value(json_array_get(list, i)), text))
            return;
    }
    json_array_append_new(list, json_string(text));
}

static void
add_to_incident(struct incident *i, const struct sensing_alert *a)
{
    nsec_t first;
    const json_t *source = json_object_get(a->summary, "source"),
                 *target = json_object_get(a->summary, "target"),
                 *techniques = json_object_get(a->summary, "techniques");
    i->severity = MAX(i->severity, a->severity);
    i->last = MAX(i->last, a->last);
    i->open = i->open || !a->closed;
    if (!time_parse(text_of(a->summary, "first"), &first))
        i->first = MIN(i->first, first);
    add_to_list(i->json, "alerts", a->id);
    add_to_list(i->json, "rules", text_of(a->summary, "rule"));
    if (*text_of(source, "address"))
        add_to_list(i->json, "addresses", text_of(source, "address"));
    if (*text_of(target, "address"))
        add_to_list(i->json, "addresses", text_of(target, "address"));
    for (size_t k = 0; k < json_array_size(techniques); k++)
        add_to_list(i->json, "techniques", json_string_value(json_array_get(techniques, k)));
}

static struct incident *
incident_of(const struct api_request *r, struct incident **all, const struct sensing_alert *a,
            const char *id)
{
    struct incident *i;
    char text[24];
    char *key = xasprintf("%u/%s", a->site, id);
    HASH_FIND_STR(*all, key, i);
    if (i) {
        free(key);
        return i;
    }
    i = xcalloc(1, sizeof *i);
    *i = (struct incident){.key = key,
                           .first = NSEC_NEVER,
                           .last = INT64_MIN,
                           .json = json_pack("{ss ss s[] s[] s[] s[]}", "id", id, "site",
                                             site_name(r, a->site, text), "alerts", "rules",
                                             "techniques", "addresses")};
    HASH_ADD_KEYPTR(hh, *all, i->key, strlen(i->key), i);
    return i;
}

static void
finish_incident(struct incident *i)
{
    char first[TIME_TEXT_SIZE], last[TIME_TEXT_SIZE];
    json_t *more = json_pack("{ss ss ss ss}", "severity", alert_severity_word(i->severity), "state",
                             i->open ? "open" : "closed", "first",
                             time_format(i->first == NSEC_NEVER ? i->last : i->first, first),
                             "last", time_format(i->last, last));
    json_object_update(i->json, more);
    json_decref(more);
}

void
api_list_incidents(struct api_request *r)
{
    const struct sensing *s = sensing_of(r);
    struct incident *all = NULL, *i, *next;
    json_t *list = json_array();
    for (const struct sensing_alert *a = s->newest; a; a = a == s->oldest ? NULL : a->older) {
        const char *id = text_of(a->summary, "incident");
        if (*id && is_site(r, a->site))
            add_to_incident(incident_of(r, &all, a, id), a);
    }
    HASH_ITER (hh, all, i, next) {
        finish_incident(i);
        json_array_append_new(list, i->json);
        HASH_DEL(all, i);
        free(i->key);
        free(i);
    }
    api_answer(r, json_pack("{so}", "incidents", list));
}

/* ---- devices */

static void
put_cell(struct buf *b, const char *text, char end)
{
    /* What begins so is a formula to spreadsheets. */
    const char *mark = *text && strchr("=+-@\t\r", *text) ? "'" : "";
    buf_printf(b, "\"%s", mark);
    for (; *text; text++)
        buf_printf(b, *text == '"' ? "\"\"" : "%c", *text);
    buf_printf(b, "\"%c", end);
}

static void
put_words(struct buf *b, const json_t *json, char end)
{
    struct buf words = BUF_INIT;
    const char *name;
    json_t *value;
    for (size_t i = 0; i < json_array_size(json); i++)
        buf_printf(&words, "%s%s", i ? " " : "", json_string_value(json_array_get(json, i)));
    json_object_foreach((json_t *)(uintptr_t)json, name, value)
    {
        buf_printf(&words, "%s%s", words.size ? " " : "", name);
    }
    put_cell(b, buf_cstr(&words), end);
    buf_fini(&words);
}

static void
put_asset_row(struct buf *b, const json_t *asset)
{
    static const char *const texts[] = {"site", "sensor", "address"};
    static const char *const values[] = {"vendor", "model", "firmware", "serial", "name"};
    char member[24] = "";
    const json_t *number = json_object_get(asset, "member");
    if (number)
        snprintf(member, sizeof member, "%" JSON_INTEGER_FORMAT, json_integer_value(number));
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        put_cell(b, text_of(asset, texts[i]), ',');
    put_cell(b, member, ',');
    put_cell(b, text_of(asset, "mac"), ',');
    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        put_cell(b, text_of(json_object_get(asset, values[i]), "value"), ',');
    put_words(b, json_object_get(asset, "roles"), ',');
    put_words(b, json_object_get(asset, "protocols"), ',');
    put_cell(b, text_of(asset, "first"), ',');
    put_cell(b, text_of(asset, "last"), '\n');
}

/* Empties the buffer. */
static void
answer_file(struct api_request *r, const char *name, struct buf *b)
{
    api_answer(r, json_pack("{s[{ss so}]}", "files", "name", name, "text",
                            json_stringn((const char *)b->data, b->size)));
    buf_fini(b);
}

static void
answer_csv(struct api_request *r, json_t *list)
{
    struct buf b = BUF_INIT;
    size_t i;
    json_t *asset;
    buf_str(&b, "site,sensor,address,member,mac,vendor,model,firmware,serial,name,roles,protocols,"
                "first,last\n");
    json_array_foreach(list, i, asset)
    {
        put_asset_row(&b, asset);
    }
    answer_file(r, "assets.csv", &b);
    json_decref(list);
}

void
api_list_assets(struct api_request *r)
{
    char text[24];
    json_t *list = json_array();
    const char *format = api_text(r, "format");
    for (const struct sensing_asset *a = sensing_of(r)->assets; a; a = a->hh.next) {
        if (!is_site(r, a->site))
            continue;
        json_t *asset = json_copy(a->asset);
        json_object_set_new(asset, "site", json_string(site_name(r, a->site, text)));
        json_object_set_new(asset, "sensor", json_string(a->sensor));
        json_array_append_new(list, asset);
    }
    if (format && !strcmp(format, "csv"))
        answer_csv(r, list);
    else
        api_answer(r, json_pack("{so}", "assets", list));
}

/* ---- vulnerabilities */

/* The device itself, if it is remembered. */
static const json_t *
device_of(const struct api_request *r, const struct sensing_vulnerability *v)
{
    const struct sensing_asset *a = sensing_asset(
        sensing_of(r), v->of, text_of(v->body, "sensor"), text_of(v->body, "address"),
        json_integer_value(json_object_get(v->body, "member")));
    return a ? a->asset : NULL;
}

static void
set_time(json_t *json, const char *name, nsec_t time)
{
    char text[TIME_TEXT_SIZE];
    json_object_set_new(json, name, json_string(time_format(time, text)));
}

static json_t *
vulnerability_json(const struct api_request *r, const struct sensing_vulnerability *v)
{
    static const char *const of_device[] = {"sensor", "address", "member"}, *const attributes[] = {
                                                                                "vendor", "model",
                                                                                "order-code",
                                                                                "firmware"};
    char text[24];
    const json_t *device = device_of(r, v);
    json_t *json = json_copy(json_object_get(v->body, "vulnerability"));
    json_object_set_new(json, "site", json_string(site_name(r, v->of, text)));
    for (size_t i = 0; i < ARRAY_SIZE(of_device); i++) {
        if (json_object_get(v->body, of_device[i]))
            json_object_set(json, of_device[i], json_object_get(v->body, of_device[i]));
    }
    for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
        const char *value = text_of(json_object_get(device, attributes[i]), "value");
        if (*value)
            json_object_set_new(json, attributes[i], json_string(value));
    }
    set_time(json, "since", v->since);
    set_time(json, "recorded", v->recorded);
    return json;
}

static bool
has_cve(const json_t *told, const char *cve)
{
    const json_t *list = json_object_get(told, "cves");
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!strcmp(json_string_value(json_array_get(list, i)), cve))
            return true;
    }
    return false;
}

static bool
is_vulnerability_wanted(const struct api_request *r, const struct sensing_vulnerability *v)
{
    const json_t *told = json_object_get(v->body, "vulnerability");
    const char *asset = api_text(r, "asset"), *advisory = api_text(r, "advisory"),
               *cve = api_text(r, "cve");
    return is_site(r, v->of) && (!asset || !strcmp(asset, text_of(v->body, "address"))) &&
           (!advisory || !strcmp(advisory, text_of(told, "advisory"))) &&
           (!cve || has_cve(told, cve));
}

static double
score_of(const struct sensing_vulnerability *v)
{
    const json_t *score = json_object_get(json_object_get(v->body, "vulnerability"), "score");
    return score ? json_number_value(score) : -1;
}

/* The gravest first. */
static int
by_score(const void *a, const void *b)
{
    const struct sensing_vulnerability *x = *(const struct sensing_vulnerability *const *)a,
                                       *y = *(const struct sensing_vulnerability *const *)b;
    double sx = score_of(x), sy = score_of(y);
    return sx == sy ? strcmp(x->key, y->key) : sx < sy ? 1 : -1;
}

static void
put_number(struct buf *b, const json_t *row, const char *name)
{
    const json_t *value = json_object_get(row, name);
    char text[32] = "";
    if (json_is_real(value))
        snprintf(text, sizeof text, "%.1f", json_real_value(value));
    else if (value)
        snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    put_cell(b, text, ',');
}

static void
put_vulnerability_row(struct buf *b, const json_t *row)
{
    static const char *const before[] = {"site", "sensor", "address"},
                             *const of_device[] = {"vendor", "model", "order-code", "firmware",
                                                   "advisory"},
                             *const after[] = {"severity", "status"},
                             *const last[] = {"product", "reason", "remedy", "url", "since"};
    for (size_t i = 0; i < ARRAY_SIZE(before); i++)
        put_cell(b, text_of(row, before[i]), ',');
    put_number(b, row, "member");
    for (size_t i = 0; i < ARRAY_SIZE(of_device); i++)
        put_cell(b, text_of(row, of_device[i]), ',');
    put_words(b, json_object_get(row, "cves"), ',');
    put_number(b, row, "score");
    for (size_t i = 0; i < ARRAY_SIZE(after); i++)
        put_cell(b, text_of(row, after[i]), ',');
    put_number(b, row, "confidence");
    for (size_t i = 0; i < ARRAY_SIZE(last); i++)
        put_cell(b, text_of(row, last[i]), i + 1 < ARRAY_SIZE(last) ? ',' : '\n');
}

void
api_list_vulnerabilities(struct api_request *r)
{
    const struct sensing_vulnerability *v = sensing_of(r)->vulnerabilities;
    const char *format = api_text(r, "format");
    size_t n = 0, i, limit = (size_t)api_number(r, "limit", VULNERABILITIES_SHOWN);
    const struct sensing_vulnerability **found = xcalloc(HASH_COUNT(v) + 1, sizeof *found);
    json_t *list = json_array(), *row;
    for (; v; v = v->hh.next) {
        if (is_vulnerability_wanted(r, v))
            found[n++] = v;
    }
    qsort(found, n, sizeof(const struct sensing_vulnerability *), by_score);
    for (i = 0; i < n && i < limit; i++)
        json_array_append_new(list, vulnerability_json(r, found[i]));
    free(found);
    if (!format || strcmp(format, "csv") != 0) {
        api_answer(r, json_pack("{so sI}", "vulnerabilities", list, "left-out",
                                (json_int_t)(n - json_array_size(list))));
        return;
    }
    struct buf b = BUF_INIT;
    buf_str(&b, "site,sensor,address,member,vendor,model,order-code,firmware,advisory,cves,score,"
                "severity,status,confidence,product,reason,remedy,url,since\n");
    json_array_foreach(list, i, row)
    {
        put_vulnerability_row(&b, row);
    }
    answer_file(r, "vulnerabilities.csv", &b);
    json_decref(list);
}

/* ---- what only the program of the site itself knows */

/* The site that is asked; false: it was answered that no sensor of it is known. */
static bool
site_asked(struct api_request *r, uint32_t *number)
{
    const char *wanted = api_text(r, "site");
    const struct sensing_site *s = sensing_of(r)->sites;
    while (s && wanted && !is_site(r, s->site))
        s = s->hh.next;
    *number = wanted && s ? s->site : r->service->config.number;
    if (!wanted || s || !strcmp(wanted, r->service->config.site))
        return true;
    api_fail(r, ERR_NOT_FOUND, "no sensor of site %s is known", wanted);
    return false;
}

static void
ask_site(struct api_request *r, json_t *payload)
{
    uint32_t number;
    if (!site_asked(r, &number)) {
        json_decref(payload);
        return;
    }
    json_object_set_new(payload, "site-number", json_integer(number));
    api_ask(r, NULL, payload, NULL);
}

/* False: it was answered that this is no time. */
static bool
add_time(struct api_request *r, const char *name, json_t *payload)
{
    const char *text = api_text(r, name);
    nsec_t time;
    if (text && time_parse(text, &time)) {
        api_fail_field(r, ERR_INVALID, name, "\"%s\" is not a time: 2026-11-30T10:00:00Z is", text);
        return false;
    }
    if (text)
        json_object_set_new(payload, name, json_string(text));
    return true;
}

void
api_get_traffic(struct api_request *r)
{
    json_t *payload = json_object();
    if (add_time(r, "from", payload) && add_time(r, "to", payload))
        ask_site(r, payload);
    else
        json_decref(payload);
}

void
api_get_habits(struct api_request *r)
{
    static const char *const texts[] = {"sensor", "address", "after"};
    json_t *payload = json_pack("{sI}", "limit", (json_int_t)api_number(r, "limit", 0));
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (api_text(r, texts[i]))
            json_object_set_new(payload, texts[i], json_string(api_text(r, texts[i])));
    }
    ask_site(r, payload);
}

static void
order_habit(struct api_request *r, const char *order)
{
    json_t *payload = api_payload(r);
    json_object_set_new(payload, "order", json_string(order));
    ask_site(r, payload);
}

void
api_post_approve_habit(struct api_request *r)
{
    order_habit(r, "approve");
}

void
api_post_forget_habit(struct api_request *r)
{
    order_habit(r, "forget");
}
