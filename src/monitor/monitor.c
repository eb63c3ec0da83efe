#include "monitor/monitor.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "detect/evidence.h"
#include "detect/finding_note.h"
#include "detect/machines.h"
#include "detect/plan.h"
#include "sensor/message_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#define TICK NSEC_PER_SEC

/* A rule of somebody else. */
struct foreign {
    struct rule rule;
    char *name;
    UT_hash_handle hh;
};

struct monitor {
    struct monitor_config config;
    struct sensor *sensor;
    struct assets *assets;
    struct detector *detector;
    struct machines *machines;
    struct file_watch *files; /* NULL: no hash is known to be bad */
    struct alerts *alerts;
    struct evidence *evidence;
    struct habits *habits;
    struct foreign *foreign; /* by name */
    struct plan *plan;       /* NULL: nobody said which circuits there are */
    bool is_early;           /* the machines are told early, by a thread of their own */
    bool is_noting;          /* ... and by nobody else now: it notes what they find */
    uint32_t heard;          /* frame of the message that is being read */
    nsec_t now, ticked;      /* by the frames, or by what monitor_tick() was told */
};

/* ---- The machines ---- */

static void
on_finding(void *arg, const struct finding *finding)
{
    struct monitor *m = arg;
    detector_finding(m->detector, finding);
}

/* Of a machine that may be told early. */
static void
on_machine(void *arg, const struct finding *finding)
{
    struct monitor *m = arg;
    if (m->is_noting)
        finding_note_put(sensor_note(m->sensor, finding_note_size(finding)), finding);
    else
        detector_finding(m->detector, finding);
}

/* What they have found when they were told the same. */
static void
tell_noted(struct monitor *m, const struct conversation *c, const struct frame *f,
           const struct pdu *p)
{
    const struct finding of = {.conversation = c, .frame = f, .pdu = p};
    struct finding finding;
    const void *note;
    while ((note = sensor_noted(m->sensor))) {
        finding_note_read(note, &of, &finding);
        detector_finding(m->detector, &finding);
    }
}

static void
early_packet(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
             const struct layers *l)
{
    struct monitor *m = arg;
    machines_packet(m->machines, c, way, f, l);
}

static void
early_odd(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
          enum stream_news news)
{
    struct monitor *m = arg;
    machines_odd(m->machines, c, way, f, news);
}

static void
early_message(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
              const struct pdu *p)
{
    struct monitor *m = arg;
    machines_message(m->machines, c, way, f, p);
}

static void
early_malformed(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
                const struct cursor *at)
{
    struct monitor *m = arg;
    machines_malformed(m->machines, c, way, f, at);
}

/* ---- What the sensor tells ---- */

static void
on_opened(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
          const struct layers *l)
{
    struct monitor *m = arg;
    detector_opened(m->detector, c, way, f, l);
    detector_speaks(m->detector, c, way, f);
}

static void
on_packet(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
          const struct layers *l)
{
    struct monitor *m = arg;
    if (c->packets[way] == 1 && c->packets[!way]) /* the other end; who began it is told already */
        detector_speaks(m->detector, c, way, f);
    if (m->is_early)
        tell_noted(m, c, f, NULL);
    else
        machines_packet(m->machines, c, way, f, l);
}

static void
on_odd(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
       enum stream_news news)
{
    struct monitor *m = arg;
    if (m->is_early)
        tell_noted(m, c, f, NULL);
    else
        machines_odd(m->machines, c, way, f, news);
}

static void
on_message(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
           const struct pdu *p)
{
    struct monitor *m = arg;
    m->heard = f->number;
    if (m->assets)
        assets_message(m->assets, c, way, f->time, p);
    if (m->detector) {
        detector_message(m->detector, c, way, f, p);
        if (m->is_early)
            tell_noted(m, c, f, p);
        else
            machines_message(m->machines, c, way, f, p);
    }
    if (m->files)
        file_watch_message(m->files, c, way, f, p);
    if (m->habits)
        habits_message(m->habits, c, way, f->time, p);
    if (m->config.message)
        m->config.message(m->config.arg, c, way, f, p);
}

static void
on_data(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
        const uint8_t *octets, uint32_t size, uint32_t lost)
{
    struct monitor *m = arg;
    if (m->files)
        file_watch_data(m->files, c, way, f, octets, size, lost);
    if (m->config.data)
        m->config.data(m->config.arg, c, way, f, octets, size, lost);
}

static void
on_content(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
           const struct file_part *content)
{
    struct monitor *m = arg;
    if (m->files)
        file_watch_content(m->files, c, way, f, content);
    if (m->config.content)
        m->config.content(m->config.arg, c, way, f, content);
}

static void
on_taken(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
         const struct layers *l)
{
    struct monitor *m = arg;
    if (m->files)
        file_watch_taken(m->files, c, way, f, l);
    if (m->config.taken)
        m->config.taken(m->config.arg, c, way, f, l);
}

static void
on_malformed(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
             const struct cursor *at)
{
    struct monitor *m = arg;
    if (m->detector) {
        detector_malformed(m->detector, c, way, f, at);
        if (m->is_early)
            tell_noted(m, c, f, NULL);
        else
            machines_malformed(m->machines, c, way, f, at);
    }
    if (m->config.malformed)
        m->config.malformed(m->config.arg, c, way, f, at);
}

static void
on_ended(void *arg, const struct conversation *c)
{
    struct monitor *m = arg;
    if (m->assets)
        assets_conversation(m->assets, c);
    if (m->habits)
        habits_ended(m->habits, c);
    if (m->config.ended)
        m->config.ended(m->config.arg, c);
}

/* ---- What the devices tell ---- */

static void
on_found(void *arg, const struct asset *asset)
{
    struct monitor *m = arg;
    if (m->config.device)
        m->config.device(m->config.arg, asset, true);
}

/* Descriptions and banners change with what is done; behind one address there may be several phasor
 * measurement units. */
static bool
says_who_it_is(const struct asset *asset, enum attribute attribute)
{
    const char *by = asset->values[attribute].protocol;
    if (attribute == ATTRIBUTE_DESCRIPTION || !strcmp(by, "oui"))
        return false;
    return !(attribute == ATTRIBUTE_NAME && !strcmp(by, "c37118"));
}

static void
on_changed(void *arg, const struct asset *asset, enum attribute attribute, const char *was)
{
    struct monitor *m = arg;
    char detail[2 * ASSET_TEXT_MAX + 64];
    if (m->detector && was && says_who_it_is(asset, attribute)) {
        snprintf(detail, sizeof detail, "its %s is %s, and was %s", attribute_word(attribute),
                 asset->values[attribute].text, was);
        detector_changed(m->detector, asset, m->now, detail);
    }
    if (m->config.device)
        m->config.device(m->config.arg, asset, false);
}

static void
on_said(void *arg, const struct asset *asset, const struct identity_row *row, const char *text,
        size_t size)
{
    struct monitor *m = arg;
    m->config.said(m->config.arg, m->heard, asset, row, text, size);
}

/* ---- What the rules tell ---- */

static void
on_hit(void *arg, const struct hit *hit)
{
    struct monitor *m = arg;
    alerts_hit(m->alerts, hit);
}

static void
on_alert(void *arg, const char *json, size_t size, enum rule_severity severity, bool is_new)
{
    struct monitor *m = arg;
    m->config.alert(m->config.arg, json, size, severity, is_new);
}

static enum rule_planned
look_up(void *arg, const struct conversation *c, const char **circuit)
{
    const struct monitor *m = arg;
    return m->plan ? plan_look(m->plan, c, circuit) : RULE_PLANNED_UNKNOWN;
}

/* What the inventory knows: where it is, and at which port of which node. */
static void
put_host(struct buf *json, const json_t *host)
{
    static const char *const keys[] = {"host", "site", "node", "port"};
    const char *separator = "";
    for (size_t i = 0; host && i < ARRAY_SIZE(keys); i++) {
        const json_t *value = json_object_get(host, keys[i]);
        if (!value)
            continue;
        buf_printf(json, "%s\"%s\":", separator, keys[i]);
        if (json_is_string(value))
            text_json_put(json, json_string_value(value), json_string_length(value));
        else
            buf_printf(json, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        separator = ",";
    }
}

/* {"host", "site", "node", "port", "vendor", ..., "roles"} */
static void
describe(void *arg, const struct who *who, struct buf *json)
{
    const struct monitor *m = arg;
    struct asset_address address;
    memset(&address, 0, sizeof address);
    memcpy(address.octets, who->address, sizeof address.octets);
    address.ip = who->ip;
    const struct asset *asset = m->assets ? assets_find(m->assets, &address) : NULL;
    const json_t *host = m->plan ? plan_host(m->plan, who->address, who->ip) : NULL;
    if (!asset && !host)
        return;
    struct buf words = BUF_INIT;
    if (asset)
        asset_put_words(&words, asset);
    else
        buf_str(&words, "{}");
    buf_u8(json, '{');
    put_host(json, host);
    if (host && words.size > 2)
        buf_u8(json, ',');
    buf_put(json, words.data + 1, words.size - 1);
    buf_fini(&words);
}

static const char *
keep(void *arg, const struct hit *hit, uint64_t number)
{
    const struct monitor *m = arg;
    char name[128];
    if (!m->evidence)
        return NULL;
    snprintf(name, sizeof name, "%.63s-%" PRId64 "-%" PRIu64, m->config.name,
             hit->time / NSEC_PER_SEC, number); /* no other run has the same */
    return evidence_keep(m->evidence, name, hit->conversation ? &hit->conversation->key : NULL);
}

/* ---- Frames ---- */

static void
turn(struct monitor *m)
{
    m->ticked = m->now;
    if (m->alerts)
        alerts_tick(m->alerts, m->now);
}

static void
turn_if_due(struct monitor *m)
{
    if (m->now - m->ticked >= TICK)
        turn(m);
}

/* All that the frames before have brought was told. */
static void
on_heard(void *arg, const struct frame *f)
{
    struct monitor *m = arg;
    turn_if_due(m);
    m->now = f->time;
    if (m->evidence)
        evidence_frame(m->evidence, f);
}

/* ---- The monitor ---- */

static void
make_alerts(struct monitor *m)
{
    const struct alerts_config alerts = {.sensor = m->config.name,
                                         .arg = m,
                                         .told = m->config.alert ? on_alert : NULL,
                                         .describe = describe,
                                         .keep = keep};
    m->alerts = alerts_new(&alerts);
}

static void
make_detector(struct monitor *m)
{
    const struct detector_config detector = {.rules = m->config.rules,
                                             .protocols = m->config.protocols,
                                             .feed = m->config.feed,
                                             .geo = m->config.geo,
                                             .learn = m->config.learn,
                                             .conversations = m->config.conversations,
                                             .arg = m,
                                             .hit = on_hit,
                                             .plan = look_up};
    const struct watch_config machines = {.found = on_machine, .arg = m};
    const struct watch_config files = {.found = on_finding, .arg = m};
    m->detector = detector_new(&detector);
    m->machines = machines_new(&machines);
    if (m->config.feed && feed_hashes(m->config.feed))
        m->files = file_watch_new(&files, m->config.feed);
}

enum err
monitor_new(const struct monitor_config *config, struct monitor **out, struct diag *diag)
{
    struct monitor *m = xcalloc(1, sizeof *m);
    enum err err = ERR_OK;
    m->config = *config;
    if (!m->config.name || !*m->config.name)
        m->config.name = "sensor";
    if (config->rules || config->has_alerts)
        make_alerts(m);
    if (config->rules)
        make_detector(m);
    if (config->has_habits)
        m->habits = habits_new(config->conversations);
    if (config->evidence)
        err = evidence_new(config->evidence, &m->evidence, diag);
    if (!err && (config->has_assets || config->rules || config->said || config->device)) {
        const struct assets_config assets = {.protocols = config->protocols,
                                             .registry = config->registry,
                                             .arg = m,
                                             .found = on_found,
                                             .said = config->said ? on_said : NULL,
                                             .changed = on_changed};
        err = assets_new(&assets, &m->assets, diag);
    }
    if (err) {
        monitor_free(m);
        return err;
    }
    const struct sensor_config early = {.arg = m,
                                        .packet = early_packet,
                                        .odd = early_odd,
                                        .message = early_message,
                                        .malformed = early_malformed};
    const struct sensor_config sensor = {
        .protocols = config->protocols,
        .conversations = config->conversations,
        .memory = config->memory,
        .cores = config->cores,
        .octets_stay = config->octets_stay,
        .arg = m,
        .heard = on_heard,
        .early = m->machines ? &early : NULL,
        .opened = m->detector ? on_opened : NULL,
        .packet = m->detector ? on_packet : NULL,
        .odd = m->detector ? on_odd : NULL,
        .message = on_message,
        .malformed = m->detector || config->malformed ? on_malformed : NULL,
        .data = config->data || m->files ? on_data : NULL,
        .content = config->content || m->files ? on_content : NULL,
        .taken = config->taken || m->files ? on_taken : NULL,
        .ended = m->assets || m->habits || config->ended ? on_ended : NULL};
    m->sensor = sensor_new(&sensor);
    m->is_early = m->is_noting = sensor_is_early(m->sensor);
    *out = m;
    return ERR_OK;
}

static void
forget_foreign(struct monitor *m)
{
    struct foreign *f, *next;
    HASH_ITER (hh, m->foreign, f, next) {
        HASH_DEL(m->foreign, f);
        free(f->name);
        free((char *)f->rule.title);
        free(f);
    }
}

void
monitor_free(struct monitor *m)
{
    if (!m)
        return;
    sensor_free(m->sensor);
    assets_free(m->assets);
    machines_free(m->machines);
    file_watch_free(m->files);
    detector_free(m->detector);
    alerts_free(m->alerts);
    evidence_free(m->evidence);
    habits_free(m->habits);
    plan_free(m->plan);
    forget_foreign(m);
    free(m);
}

/* Times are added and compared everywhere behind: one that cannot be is none. */
#define TIME_MOST (INT64_MAX / 2)

void
monitor_frame(struct monitor *m, const struct frame *frame)
{
    const struct frame timeless = {.interface = frame->interface,
                                   .data = frame->data,
                                   .size = frame->size,
                                   .wire = frame->wire,
                                   .link = frame->link,
                                   .number = frame->number};
    sensor_frame(m->sensor, frame->time < 0 || frame->time > TIME_MOST ? &timeless : frame);
}

void
monitor_settle(struct monitor *m)
{
    sensor_settle(m->sensor);
    turn_if_due(m);
}

void
monitor_tick(struct monitor *m, nsec_t now)
{
    monitor_settle(m);
    m->now = now;
    sensor_tick(m->sensor, now);
    m->is_noting = false;
    if (m->machines)
        machines_tick(m->machines, now);
    m->is_noting = m->is_early;
    turn(m);
}

void
monitor_end(struct monitor *m)
{
    monitor_settle(m);
    sensor_end(m->sensor);
    if (m->alerts)
        alerts_tick(m->alerts, m->now + 60 * NSEC_PER_SEC); /* what is held back is told */
}

static const struct rule *
foreign_rule(struct monitor *m, const struct monitor_word *w)
{
    static const char *steps[] = {"Read what the rule is about, and what it refers to.",
                                  "Look at the packets that were kept."};
    struct foreign *f;
    HASH_FIND_STR(m->foreign, w->name, f);
    if (f || HASH_COUNT(m->foreign) >= MONITOR_FOREIGN)
        return f ? &f->rule : NULL;
    f = xcalloc(1, sizeof *f);
    f->name = xstrdup(w->name);
    f->rule = (struct rule){.name = f->name,
                            .title = xstrdup(w->title),
                            .explanation = "{source} to {target}: {detail}.",
                            .severity = w->severity,
                            .playbook = steps,
                            .n_playbook = ARRAY_SIZE(steps)};
    HASH_ADD_KEYPTR(hh, m->foreign, f->name, strlen(f->name), f);
    return &f->rule;
}

void
monitor_tell(struct monitor *m, const struct monitor_word *w)
{
    const struct rule *rule = m->alerts ? foreign_rule(m, w) : NULL;
    if (!rule)
        return;
    struct hit hit = {.rule = rule,
                      .time = w->frame->time,
                      .source = who_of(w->conversation, w->way),
                      .target = who_of(w->conversation, !w->way),
                      .conversation = w->conversation,
                      .way = w->way,
                      .frame = w->frame,
                      .object = "",
                      .detail = w->detail ? w->detail : "",
                      .planned = RULE_PLANNED_UNKNOWN,
                      .sure = 100};
    hit.planned = look_up(m, w->conversation, &hit.circuit);
    hit.key = hash_bytes(w->name, strlen(w->name), hash_secret());
    hit.key = hash_bytes(hit.source.address, sizeof hit.source.address, hit.key);
    hit.key = hash_bytes(hit.target.address, sizeof hit.target.address, hit.key);
    alerts_hit(m->alerts, &hit);
}

static void
judge_again(void *arg, struct conversation *c)
{
    struct monitor *m = arg;
    detector_judge_again(m->detector, c);
}

enum err
monitor_circuits(struct monitor *m, const json_t *circuits, struct diag *diag)
{
    struct plan *plan;
    enum err err = plan_new(circuits, &plan, diag);
    if (err)
        return err;
    monitor_settle(m);
    struct plan *was = m->plan;
    m->plan = plan;
    if (m->detector) {
        detector_plan_changed(m->detector); /* what it has of the old one is not looked at again */
        sensor_each(m->sensor, 0, judge_again, m);
    }
    plan_free(was);
    return ERR_OK;
}

struct sensor *
monitor_sensor(struct monitor *m)
{
    return m->sensor;
}

const struct sensor_counters *
monitor_counters(const struct monitor *m)
{
    return sensor_counters(m->sensor);
}

const struct file_watch_counters *
monitor_files(const struct monitor *m)
{
    return m->files ? file_watch_counters(m->files) : NULL;
}

const struct assets *
monitor_assets(const struct monitor *m)
{
    return m->assets;
}

struct habits *
monitor_habits(struct monitor *m)
{
    return m->habits;
}

struct alerts *
monitor_alerts(struct monitor *m)
{
    return m->alerts;
}

struct detector *
monitor_detector(struct monitor *m)
{
    return m->detector;
}
