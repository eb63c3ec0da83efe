#include "sensors/service_private.h"

#include "advisory/advisory.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"
#include "io/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

/* Devices are held against advisories here and not in the sensors: one directory serves all sites,
 * what is new in it counts at once for every device that was ever seen, whether or not its sensor
 * is there, and what is found is in the journal. A centre judges the devices of all sites, a site
 * its own.
 *
 * Reading and comparing are done beside the loop, one job at a time, of a bounded number of
 * devices; what came of one is in the journal before the next begins. What the journal has of a
 * device is compared with what is found now: new, changed, gone. */

#define DEVICES 256 /* of one job */
#define LISTED 100  /* vulnerabilities of one advisory that are told each */
#define LISTED_OCTETS ((size_t)24 << 10)
#define CVE_OCTETS 60
#define TEXT_OCTETS 1000   /* as JSON, of what an advisory says */
#define REMEDY_OCTETS 4000 /* ... of what helps */
#define BAD_TOLD 10        /* files that could not be read */
#define LOOK_EVERY (60 * NSEC_PER_SEC)

/* What was judged of a device. */
struct judged {
    char *key; /* as the asset's */
    uint64_t digest;
    uint64_t generation; /* of the advisories */
    bool is_there;       /* among the devices, when that was looked at last */
    UT_hash_handle hh;
};

/* One that is judged by a job. Its texts are ours. */
struct candidate {
    char *key, *sensor, *address;
    uint32_t of;
    json_int_t member;
    uint64_t digest;
    char *vendor, *model, *order_code, *firmware;
    unsigned vendor_confidence;
    json_t *found; /* what advisories say: [{"advisory", ...}] */
    UT_hash_handle hh;
};

struct job {
    uv_work_t work;
    struct sensors_service *service; /* NULL: it has gone */
    const char *path; /* ours: to look whether there is something new; NULL: to judge */
    uint64_t stamp;
    struct advisories *advisories; /* read by the job, or lent to it */
    char *problem;                 /* the directory cannot be read */
    char *bad[BAD_TOLD];           /* files that cannot */
    unsigned n_bad;
    unsigned n;
    struct candidate list[DEVICES];
};

struct vulnerabilities {
    char *path;
    struct advisories *advisories; /* NULL: not read yet */
    uint64_t stamp, generation;
    nsec_t looked;
    struct judged *judged;
    uint64_t asset_changes; /* that were seen, when nothing was left to be done */
    bool is_idle;           /* all devices are judged */
    struct job *job;        /* under way; NULL: none */
    unsigned n_writing;     /* events that are not durable yet */
    bool is_full;           /* and that is told */
};

/* ---- Beside the loop ---- */

static const char *
text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static void
on_bad(void *arg, const struct diag *diag)
{
    struct job *j = arg;
    if (j->n_bad < BAD_TOLD)
        j->bad[j->n_bad] = xstrdup(diag->text);
    j->n_bad++;
}

static void
read_advisories(struct job *j)
{
    struct diag diag = {""};
    uint64_t stamp = advisories_stamp(j->path);
    if (stamp == j->stamp)
        return;
    j->stamp = stamp;
    j->advisories = advisories_new();
    if (advisories_load(j->advisories, j->path, on_bad, j, &diag)) {
        j->problem = xstrdup(diag.text);
        advisories_free(j->advisories);
        j->advisories = NULL;
    }
}

/* So much of it as has room: all together has to go into an event. */
static size_t
fitting(const char *text, size_t room)
{
    size_t n = 0, cost = 0;
    while (text[n]) {
        unsigned char c = (unsigned char)text[n];
        cost += c < 0x20 || c == '"' || c == '\\' ? sizeof "\\u0000" - 1 : 1;
        if (cost > room)
            break;
        n++;
    }
    while (text[n] && n && ((unsigned char)text[n] & 0xc0) == 0x80) /* within a character */
        n--;
    return n;
}

static void
set_text(json_t *json, const char *name, const char *text, size_t room)
{
    if (text)
        json_object_set_new(json, name, json_stringn(text, fitting(text, room)));
}

static json_t *
match_json(const struct advisory_match *m)
{
    json_t *json = json_pack("{ss sI}", "status", advisory_status_word(m->status), "confidence",
                             (json_int_t)m->confidence);
    set_text(json, "cve", m->cve, CVE_OCTETS);
    set_text(json, "name", m->name, TEXT_OCTETS);
    if (m->score >= 0)
        json_object_set_new(json, "score", json_real(m->score));
    set_text(json, "severity", m->severity, TEXT_OCTETS);
    set_text(json, "product", m->product, TEXT_OCTETS);
    set_text(json, "reason", m->reason, TEXT_OCTETS);
    set_text(json, "remedy", m->remedy, REMEDY_OCTETS);
    set_text(json, "url", m->url, TEXT_OCTETS);
    return json;
}

static json_t *
advisory_of(json_t *found, const struct advisory_match *m)
{
    for (size_t i = json_array_size(found); i--;) { /* they come one behind the other */
        json_t *one = json_array_get(found, i);
        if (!strcmp(text_of(one, "advisory"), m->advisory))
            return one;
    }
    json_t *one = json_pack("{ss}", "advisory", m->advisory);
    set_text(one, "publisher", m->publisher, TEXT_OCTETS);
    set_text(one, "title", m->title, TEXT_OCTETS);
    json_object_set_new(one, "cves", json_array());
    json_object_set_new(one, "vulnerabilities", json_array());
    json_array_append_new(found, one);
    return one;
}

/* Affected before what may be, and of those the highest score. */
static bool
is_graver(const json_t *a, const json_t *than)
{
    static const char *const words[] = {"status", "score"};
    if (!json_object_get(than, words[0]))
        return true;
    bool affected = !strcmp(text_of(a, "status"), "affected"),
         was = !strcmp(text_of(than, "status"), "affected");
    if (affected != was)
        return affected;
    return json_number_value(json_object_get(a, words[1])) >
           json_number_value(json_object_get(than, words[1]));
}

/* What all of an advisory's have alike stands once, with the gravest. */
static void
on_match(void *arg, const struct advisory_match *m)
{
    static const char *const of_all[] = {"status",  "confidence", "score",  "severity",
                                         "product", "reason",     "remedy", "url"};
    json_t *found = arg, *one = advisory_of(found, m), *match = match_json(m),
           *list = json_object_get(one, "vulnerabilities");
    bool graver = is_graver(match, one);
    for (size_t i = 0; graver && i < ARRAY_SIZE(of_all); i++) {
        if (json_object_get(match, of_all[i]))
            json_object_set(one, of_all[i], json_object_get(match, of_all[i]));
        else
            json_object_del(one, of_all[i]);
    }
    if (json_array_size(list) < LISTED &&
        json_dumpb(list, NULL, 0, 0) + json_dumpb(match, NULL, 0, 0) < LISTED_OCTETS) {
        if (m->cve)
            json_array_append(json_object_get(one, "cves"), json_object_get(match, "cve"));
        json_array_append(list, match);
    } else {
        json_object_set_new(one, "left-out",
                            json_integer(json_integer_value(json_object_get(one, "left-out")) + 1));
    }
    json_decref(match);
}

/* What stands in the head need not stand in each. */
static void
shorten(json_t *one)
{
    static const char *const of_all[] = {"product", "reason", "remedy", "url"};
    size_t i;
    json_t *each;
    json_array_foreach(json_object_get(one, "vulnerabilities"), i, each)
    {
        for (size_t k = 0; k < ARRAY_SIZE(of_all); k++) {
            const json_t *value = json_object_get(each, of_all[k]);
            if (value && json_equal(value, json_object_get(one, of_all[k])))
                json_object_del(each, of_all[k]);
        }
    }
}

static void
judge(const struct advisories *advisories, struct candidate *c)
{
    const struct advisory_device device = {.vendor = c->vendor,
                                           .model = c->model,
                                           .order_code = c->order_code,
                                           .firmware = c->firmware,
                                           .vendor_confidence = c->vendor_confidence};
    size_t i;
    json_t *one;
    c->found = json_array();
    advisories_match(advisories, &device, on_match, c->found);
    json_array_foreach(c->found, i, one)
    {
        shorten(one);
    }
}

static void
compute(uv_work_t *work)
{
    struct job *j = CONTAINER_OF(work, struct job, work);
    if (j->path)
        read_advisories(j);
    for (unsigned i = 0; i < j->n; i++)
        judge(j->advisories, &j->list[i]);
}

/* ---- Jobs ---- */

static void
candidate_fini(struct candidate *c)
{
    free(c->key);
    free(c->sensor);
    free(c->address);
    free(c->vendor);
    free(c->model);
    free(c->order_code);
    free(c->firmware);
    json_decref(c->found);
}

static void
job_free(struct job *j)
{
    for (unsigned i = 0; i < MIN(j->n_bad, (unsigned)BAD_TOLD); i++)
        free(j->bad[i]);
    for (unsigned i = 0; i < j->n; i++)
        candidate_fini(&j->list[i]);
    free((char *)(uintptr_t)j->path);
    free(j->problem);
    free(j);
}

static void end_job(struct job *);

static void
computed(uv_work_t *work, int status UNUSED)
{
    struct job *j = CONTAINER_OF(work, struct job, work);
    if (j->service) {
        j->service->vulnerabilities->job = NULL;
        end_job(j);
    } else {
        advisories_free(j->advisories); /* nobody else has them any more */
    }
    job_free(j);
}

static void
begin_job(struct sensors_service *s, struct job *j)
{
    j->service = s;
    s->vulnerabilities->job = j;
    if (!uv_queue_work(s->config.loop, &j->work, compute, computed))
        return;
    s->vulnerabilities->job = NULL;
    job_free(j);
}

/* ---- What is to be judged ---- */

static const char *
attribute(const json_t *asset, const char *name)
{
    return text_of(json_object_get(asset, name), "value");
}

static uint64_t
add_text(uint64_t digest, const char *text)
{
    return text ? hash_bytes(text, strlen(text), digest) : hash_add(digest, 1);
}

static uint64_t
digest_of(const json_t *asset)
{
    uint64_t digest = add_text(0, attribute(asset, "vendor"));
    digest = add_text(digest, attribute(asset, "model"));
    digest = add_text(digest, attribute(asset, "order-code"));
    return add_text(digest, attribute(asset, "firmware"));
}

static char *
copy_of(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static void
add_candidate(struct job *j, const struct sensing_asset *a, uint64_t digest)
{
    const json_t *vendor = json_object_get(a->asset, "vendor");
    json_int_t confidence = json_integer_value(json_object_get(vendor, "confidence"));
    j->list[j->n++] = (struct candidate){
        .key = xstrdup(a->key),
        .sensor = xstrdup(a->sensor),
        .address = xstrdup(text_of(a->asset, "address")),
        .of = a->site,
        .member = json_integer_value(json_object_get(a->asset, "member")),
        .digest = digest,
        .vendor = copy_of(attribute(a->asset, "vendor")),
        .model = copy_of(attribute(a->asset, "model")),
        .order_code = copy_of(attribute(a->asset, "order-code")),
        .firmware = copy_of(attribute(a->asset, "firmware")),
        .vendor_confidence = confidence > 0 && confidence <= 100 ? (unsigned)confidence : 1};
}

static struct judged *
judged_of(struct vulnerabilities *v, const char *key)
{
    struct judged *d;
    HASH_FIND_STR(v->judged, key, d);
    if (d)
        return d;
    d = xcalloc(1, sizeof *d);
    d->key = xstrdup(key);
    HASH_ADD_KEYPTR(hh, v->judged, d->key, strlen(d->key), d);
    return d;
}

static void
forget_judged(struct vulnerabilities *v, bool all)
{
    struct judged *d, *next;
    HASH_ITER (hh, v->judged, d, next) {
        if (!all && d->is_there) {
            d->is_there = false;
            continue;
        }
        HASH_DEL(v->judged, d);
        free(d->key);
        free(d);
    }
}

/* Devices that are new, have changed, or were not judged by these advisories. */
static void
look_at_devices(struct sensors_service *s)
{
    struct vulnerabilities *v = s->vulnerabilities;
    const struct sensing *sensing = &s->config.state->sensing;
    if (v->is_idle && v->asset_changes == sensing->asset_changes)
        return;
    struct job *j = xcalloc(1, sizeof *j);
    for (const struct sensing_asset *a = sensing->assets; a; a = a->hh.next) {
        if (s->config.number && a->site != s->config.number)
            continue;
        uint64_t digest = digest_of(a->asset);
        struct judged *d = judged_of(v, a->key);
        d->is_there = true;
        if (j->n < DEVICES && (d->generation != v->generation || d->digest != digest))
            add_candidate(j, a, digest);
    }
    forget_judged(v, false);
    v->is_idle = !j->n;
    v->asset_changes = sensing->asset_changes;
    if (!j->n) {
        job_free(j);
        return;
    }
    j->advisories = v->advisories;
    begin_job(s, j);
}

static void
look_at_advisories(struct sensors_service *s)
{
    struct vulnerabilities *v = s->vulnerabilities;
    struct job *j = xcalloc(1, sizeof *j);
    v->looked = clock_monotonic();
    j->path = xstrdup(v->path);
    j->stamp = v->stamp;
    begin_job(s, j);
}

/* With the next devices, when what was found of these is in the journal. */
static void
go_on(struct sensors_service *s)
{
    const struct vulnerabilities *v = s->vulnerabilities;
    if (v->advisories && !v->job && !v->n_writing)
        look_at_devices(s);
}

/* With each tick. */
void
sensors_look_at_vulnerabilities(struct sensors_service *s)
{
    struct vulnerabilities *v = s->vulnerabilities;
    nsec_t every = s->config.options.advisories ? s->config.options.advisories : LOOK_EVERY;
    if (!v || v->job || v->n_writing)
        return;
    if (!v->looked || clock_monotonic() - v->looked >= every)
        look_at_advisories(s);
    else if (v->advisories)
        look_at_devices(s);
}

/* ---- What came of it ---- */

/* The service may have gone. */
struct writing {
    struct sensors_service *service;
    struct writing *prev, *next;
};

static void
on_written(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct writing *w = arg;
    if (err)
        log_error("what is known of a device's vulnerabilities is not in the journal: %s", why);
    if (w->service) {
        DL_DELETE(w->service->writings, w);
        w->service->vulnerabilities->n_writing--;
        if (err) /* it is to be found again, with the next tick */
            forget_judged(w->service->vulnerabilities, true);
        else
            go_on(w->service);
    }
    free(w);
}

static json_t *
device_json(const struct candidate *c)
{
    json_t *json = json_pack("{sI ss ss}", "of", (json_int_t)c->of, "sensor", c->sensor, "address",
                             c->address);
    if (c->member)
        json_object_set_new(json, "member", json_integer(c->member));
    return json;
}

static void
write_event(struct sensors_service *s, const struct candidate *c, const char *type, json_t *body)
{
    struct writing *w = xcalloc(1, sizeof *w);
    char *object = xasprintf("asset/%s", c->address);
    w->service = s;
    DL_APPEND(s->writings, w);
    s->vulnerabilities->n_writing++;
    sensors_append(s, type, object, ACTOR, body, on_written, w);
    free(object);
}

static void
write_found(struct sensors_service *s, const struct candidate *c, json_t *one)
{
    struct vulnerabilities *v = s->vulnerabilities;
    const struct sensing *sensing = &s->config.state->sensing;
    const struct sensing_vulnerability *known = sensing_vulnerability(
        sensing, c->of, c->sensor, c->address, c->member, text_of(one, "advisory"));
    if (known && json_equal(json_object_get(known->body, "vulnerability"), one))
        return;
    json_t *body = device_json(c);
    json_object_set_new(body, "change", json_string(known ? "changed" : "new"));
    json_object_set(body, "vulnerability", one);
    if (known ||
        sensing_has_room(sensing, s->config.number, json_dumpb(body, NULL, 0, JSON_COMPACT))) {
        write_event(s, c, "sensor.vulnerability", body);
        return;
    }
    if (!v->is_full)
        log_warn("there is no room for more vulnerabilities of devices: %d are kept",
                 SENSING_VULNERABILITIES);
    v->is_full = true;
    json_decref(body);
}

static bool
is_found(const struct candidate *c, const char *advisory)
{
    for (size_t i = 0; i < json_array_size(c->found); i++) {
        if (!strcmp(text_of(json_array_get(c->found, i), "advisory"), advisory))
            return true;
    }
    return false;
}

/* Of these devices what our journal has, and no advisory says any more. */
static void
write_gone(struct sensors_service *s, struct job *j)
{
    struct candidate *by_key = NULL, *c;
    const struct sensing_vulnerability *v = s->config.state->sensing.vulnerabilities;
    for (unsigned i = 0; i < j->n; i++)
        HASH_ADD_KEYPTR(hh, by_key, j->list[i].key, strlen(j->list[i].key), &j->list[i]);
    for (; v; v = v->hh.next) {
        const char *advisory = text_of(json_object_get(v->body, "vulnerability"), "advisory");
        size_t length = strlen(v->key) - strlen(advisory) - 1;
        if (v->site != s->config.number)
            continue;
        HASH_FIND(hh, by_key, v->key, length, c);
        if (!c || is_found(c, advisory))
            continue;
        json_t *body = device_json(c);
        json_object_set_new(body, "advisory", json_string(advisory));
        write_event(s, c, "sensor.vulnerability.gone", body);
    }
    HASH_CLEAR(hh, by_key);
}

static void
take_advisories(struct sensors_service *s, struct job *j)
{
    struct vulnerabilities *v = s->vulnerabilities;
    bool is_new = j->stamp != v->stamp;
    v->stamp = j->stamp;
    for (unsigned i = 0; i < MIN(j->n_bad, (unsigned)BAD_TOLD); i++)
        log_warn("%s", j->bad[i]);
    if (j->n_bad > BAD_TOLD)
        log_warn("... and %u more", j->n_bad - BAD_TOLD);
    if (j->problem && is_new)
        log_error("advisories: %s", j->problem);
    if (!j->advisories)
        return;
    advisories_free(v->advisories);
    v->advisories = j->advisories;
    v->generation++;
    v->is_idle = v->is_full = false;
    log_info("%zu advisories are loaded", advisories_number(v->advisories));
}

static void
end_job(struct job *j)
{
    struct sensors_service *s = j->service;
    if (j->path) {
        take_advisories(s, j);
        go_on(s);
        return;
    }
    write_gone(s, j);
    for (unsigned i = 0; i < j->n; i++) {
        const struct candidate *c = &j->list[i];
        struct judged *d = judged_of(s->vulnerabilities, c->key);
        size_t k;
        json_t *one;
        d->digest = c->digest;
        d->generation = s->vulnerabilities->generation;
        json_array_foreach(c->found, k, one)
        {
            write_found(s, c, one);
        }
    }
    go_on(s);
}

/* ---- Life ---- */

void
sensors_vulnerabilities_new(struct sensors_service *s, const char *path)
{
    s->vulnerabilities = xcalloc(1, sizeof *s->vulnerabilities);
    s->vulnerabilities->path = xstrdup(path);
    s->vulnerabilities->stamp = 1; /* of nothing: also that there is nothing is news */
}

/* A job that is under way has the advisories to itself then. */
void
sensors_vulnerabilities_free(struct sensors_service *s)
{
    struct vulnerabilities *v = s->vulnerabilities;
    struct writing *w, *next;
    if (!v)
        return;
    DL_FOREACH_SAFE(s->writings, w, next)
    {
        DL_DELETE(s->writings, w);
        w->service = NULL;
    }
    if (v->job)
        v->job->service = NULL;
    if (!v->job || v->job->path)
        advisories_free(v->advisories);
    forget_judged(v, true);
    free(v->path);
    free(v);
}
