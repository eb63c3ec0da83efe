/* tieline-sensor - reads what others say, and never says anything itself. */
#include "base/alloc.h"
#include "base/attr.h"
#include "base/log.h"
#include "detect/coverage.h"
#include "detect/finding_names.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/mapped_file.h"
#include "io/tls.h"
#include "monitor/asked.h"
#include "monitor/ears.h"
#include "monitor/monitor.h"
#include "monitor/sensor_options.h"
#include "sensor/message_json.h"
#include "sensor/protocols.h"
#include "sensor/sensor_link.h"
#include "sensor/suricata_feed.h"
#include "sensor/telling.h"
#include "sensor/vulnerabilities.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define TICK_MS 1000
#define BASELINE_MAX ((size_t)64 << 20)
#define BASELINE_TICKS 300 /* after which it is written again */
#define LAST_TICKS 20      /* tenths of a second, when it was told to end */
#define LINK_PATIENCE 60   /* ticks, for what was read of a capture to be taken */

struct program {
    struct sensor_options options;
    struct oui_registry *registry; /* NULL: there is none */
    struct rules *rules;           /* NULL: there are none */
    struct feed *feed;             /* NULL: there is none */
    struct geo *geo;               /* NULL: there is none */
    struct monitor *monitor;
    struct suricata_rules *suricata;  /* NULL: there are none */
    struct suricata_matcher *matcher; /* of them */
    struct monitor_word fed;          /* what it is looking at */
    struct advisories *advisories;    /* NULL: there are none */
    const struct asset *asset;        /* whose vulnerabilities are being told */
    struct buf line;
    struct ears *ears; /* NULL: a capture is read */
    uv_loop_t loop;
    uv_timer_t tick;
    uv_signal_t signals[2];
    struct tls *tls;
    struct sensor_link *link; /* NULL: nobody is told */
    struct telling *telling;
    int alerts_fd; /* of --alerts-of; -1: none */
    uv_poll_t alerts;
    unsigned patience;     /* ticks that were waited */
    unsigned baseline_age; /* ticks since it was written */
    bool is_ending;
};

/* ---- What is printed ---- */

static void
print_line(struct program *p)
{
    if (fwrite(p->line.data, 1, p->line.size, stdout) == p->line.size)
        return;
    if (errno != EPIPE)
        log_error("standard output: %s", strerror(errno));
    exit(errno == EPIPE ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void
on_message(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
           const struct pdu *pdu)
{
    struct program *p = arg;
    if (p->options.messages) {
        buf_clear(&p->line);
        message_json_put(&p->line, c, way, f, pdu);
        print_line(p);
    }
    if (p->matcher) {
        p->fed = (struct monitor_word){.conversation = c, .way = way, .frame = f};
        suricata_feed_message(p->matcher, c, way, f, pdu);
    }
}

static void
on_data(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
        const uint8_t *octets, uint32_t size, uint32_t lost)
{
    struct program *p = arg;
    p->fed = (struct monitor_word){.conversation = c, .way = way, .frame = f};
    suricata_feed_data(p->matcher, c, way, f, octets, size, lost);
}

static void
on_content(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
           const struct file_part *part)
{
    struct program *p = arg;
    p->fed = (struct monitor_word){.conversation = c, .way = way, .frame = f};
    suricata_feed_content(p->matcher, c, way, f, part);
}

static void
on_taken(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
         const struct layers *l)
{
    struct program *p = arg;
    p->fed = (struct monitor_word){.conversation = c, .way = way, .frame = f};
    suricata_feed_packet(p->matcher, c, way, f, l);
}

static bool
tells_alerts(const struct sensor_options *o)
{
    return o->alerts || o->incidents || o->link;
}

/* Priorities as Suricata's classes have them: 1 to 3, the lowest is the gravest. */
static void
alert_of(struct program *p, const struct suricata_info *info)
{
    char name[48], detail[300];
    if (info->gid > 1)
        snprintf(name, sizeof name, "suricata-%u-%u", info->gid, info->sid);
    else
        snprintf(name, sizeof name, "suricata-%u", info->sid);
    snprintf(detail, sizeof detail, "%s%s%s%s%s", *info->msg ? info->msg : name,
             info->classtype ? ", " : "", info->classtype ? info->classtype : "",
             info->references ? "; " : "", info->references ? info->references : "");
    p->fed.name = name;
    p->fed.title = *info->msg ? info->msg : name;
    p->fed.detail = detail;
    p->fed.severity = info->priority <= 1   ? RULE_HIGH
                      : info->priority == 2 ? RULE_MEDIUM
                                            : RULE_LOW;
    monitor_tell(p->monitor, &p->fed);
}

static void
on_suricata(void *arg, const struct suricata_info *info, const struct suricata_where *where)
{
    struct program *p = arg;
    if (tells_alerts(&p->options)) {
        alert_of(p, info);
        return;
    }
    buf_clear(&p->line);
    suricata_alert_put(&p->line, info, where);
    print_line(p);
}

static void
on_malformed(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
             const struct cursor *at)
{
    struct program *p = arg;
    buf_clear(&p->line);
    buf_printf(&p->line, "{\"frame\":%u,\"from\":\"", f->number);
    end_put(&p->line, &c->key, way);
    buf_str(&p->line, "\",\"to\":\"");
    end_put(&p->line, &c->key, !way);
    buf_printf(&p->line, "\",\"protocol\":\"%s\",\"malformed\":\"%s\",\"offset\":%zu}\n",
               c->protocol->name, at->field, at->offset);
    print_line(p);
}

static void
print_counters(struct program *p)
{
    const struct sensor_counters *c = monitor_counters(p->monitor);
    struct ears_counters all;
    ears_count(p->ears, &all);
    printf("{\"frames\":%" PRIu64 ",\"octets\":%" PRIu64 ",\"not-heard\":%" PRIu64
           ",\"messages\":%" PRIu64 ",\"malformed\":%" PRIu64 ",\"conversations\":%" PRIu64
           ",\"segments\":%" PRIu64 ",\"holes\":%" PRIu64 ",\"octets-lost\":%" PRIu64
           ",\"octets-skipped\":%" PRIu64 ",\"repeated\":%" PRIu64 ",\"differing\":%" PRIu64
           ",\"fragments\":%" PRIu64 ",\"datagrams-rebuilt\":%" PRIu64,
           c->frames, c->octets, all.dropped, c->messages, c->malformed, c->conversations,
           c->segments, c->holes, c->octets_lost, c->octets_skipped, c->repeated, c->differing,
           c->fragments, c->datagrams_rebuilt);
    const struct file_watch_counters *files = monitor_files(p->monitor);
    if (files)
        printf(",\"files-hashed\":%" PRIu64 ",\"files-broken\":%" PRIu64, files->files,
               files->broken);
    puts("}");
}

/* {"frame","address","attribute","value","from"} */
static void
on_said(void *arg, uint32_t frame, const struct asset *asset, const struct identity_row *row,
        const char *text, size_t size)
{
    struct program *p = arg;
    buf_clear(&p->line);
    buf_printf(&p->line, "{\"frame\":%u,", frame);
    asset_address_put(&p->line, &asset->address);
    buf_printf(&p->line, ",\"attribute\":\"%s\",\"value\":", attribute_word(row->attribute));
    text_json_put(&p->line, text, size);
    buf_printf(&p->line, ",\"from\":\"%s.%s\"}\n", row->protocol, row->field);
    print_line(p);
}

static bool
print_json(void *arg, const char *json, size_t size)
{
    struct program *p = arg;
    buf_clear(&p->line);
    buf_put(&p->line, json, size);
    buf_u8(&p->line, '\n');
    print_line(p);
    return true;
}

/* Printed as {"alert": {...}}. */
static void
on_alert(void *arg, const char *json, size_t size, enum rule_severity severity UNUSED,
         bool is_new UNUSED)
{
    struct program *p = arg;
    struct diag diag;
    if (p->link && sensor_link_put_alert(p->link, json, size, &diag))
        log_warn("an alert is not told: %s", diag.text);
    if (!p->options.alerts)
        return;
    buf_clear(&p->line);
    buf_str(&p->line, "{\"alert\":");
    buf_put(&p->line, json, size);
    buf_str(&p->line, "}\n");
    print_line(p);
    if (p->ears)
        fflush(stdout);
}

static void
on_ended(void *arg, const struct conversation *c)
{
    struct program *p = arg;
    if (p->telling)
        telling_ended(p->telling, c);
}

static bool
print_asset(void *arg, const struct asset *asset)
{
    struct program *p = arg;
    buf_clear(&p->line);
    asset_put_json(&p->line, asset);
    buf_u8(&p->line, '\n');
    print_line(p);
    return true;
}

static void
print_vulnerability(void *arg, const struct advisory_match *m)
{
    struct program *p = arg;
    buf_clear(&p->line);
    vulnerability_put_json(&p->line, p->asset, m);
    print_line(p);
}

static bool
print_vulnerabilities(void *arg, const struct asset *asset)
{
    struct program *p = arg;
    const struct advisory_device device = vulnerabilities_device(asset);
    p->asset = asset;
    advisories_match(p->advisories, &device, print_vulnerability, p);
    return true;
}

/* ---- A capture ---- */

static bool
read_capture(struct program *p)
{
    static struct capture capture;
    const char *path = p->options.read;
    struct diag diag = {""};
    struct mapped_file file;
    struct frame frame;
    enum err err = mapped_file_open(path, &file, &diag);
    if (err) {
        log_error("%s", diag.text);
        return false;
    }
    err = capture_open(&capture, file.data, file.size, &diag);
    while (!err && !(err = capture_next(&capture, &frame, &diag))) {
        mapped_file_at(&file, capture.at);
        monitor_frame(p->monitor, &frame);
    }
    monitor_end(p->monitor);
    mapped_file_close(&file);
    if (err == ERR_TRUNCATED)
        log_warn("%s: %s", path, diag.text);
    else if (err != ERR_NOT_FOUND)
        log_error("%s: %s", path, diag.text);
    return err == ERR_NOT_FOUND || err == ERR_TRUNCATED;
}

/* ---- Interfaces ---- */

static void
on_frame(void *arg, const struct frame *f)
{
    const struct program *p = arg;
    monitor_frame(p->monitor, f);
}

static void
on_pause(void *arg)
{
    const struct program *p = arg;
    monitor_settle(p->monitor);
    fflush(stdout);
}

static bool write_baseline(struct program *);

static void
on_tick(uv_timer_t *timer)
{
    struct program *p = timer->data;
    monitor_tick(p->monitor, clock_wall());
    ears_tick(p->ears);
    if (p->telling)
        telling_tick(p->telling, monitor_sensor(p->monitor), clock_wall(), false);
    if (p->options.baseline && ++p->baseline_age == BASELINE_TICKS) {
        p->baseline_age = 0;
        write_baseline(p);
    }
}

static void
end_loop(struct program *p)
{
    ears_stop(p->ears);
    for (size_t i = 0; i < ARRAY_SIZE(p->signals); i++)
        uv_close((uv_handle_t *)&p->signals[i], NULL);
    uv_close((uv_handle_t *)&p->tick, NULL);
    if (p->alerts_fd >= 0)
        uv_close((uv_handle_t *)&p->alerts, NULL);
    telling_free(p->telling);
    sensor_link_free(p->link);
    p->telling = NULL;
    p->link = NULL;
}

/* What is under way may arrive. */
static void
on_last_tick(uv_timer_t *timer)
{
    struct program *p = timer->data;
    if (sensor_link_is_done(p->link) || ++p->patience == LAST_TICKS)
        end_loop(p);
}

/* What came meanwhile, and what was held back. */
static void
hear_the_rest(struct program *p)
{
    ears_read_rest(p->ears);
    monitor_end(p->monitor);
}

static void
on_signal(uv_signal_t *signal, int number UNUSED)
{
    struct program *p = signal->data;
    if (!p->link || p->is_ending || !sensor_link_is_up(p->link)) {
        end_loop(p);
        return;
    }
    p->is_ending = true;
    p->patience = 0;
    hear_the_rest(p);
    telling_tick(p->telling, monitor_sensor(p->monitor), clock_wall(), true);
    uv_timer_start(&p->tick, on_last_tick, 0, TICK_MS / 10);
}

/* ---- The link ---- */

static void
on_alerts(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
    struct program *p = poll->data;
    char data[16384];
    ssize_t n = read(p->alerts_fd, data, sizeof data);
    if (n > 0)
        telling_alerts(p->telling, data, (size_t)n);
}

/* A file is read at once, a FIFO whenever something comes: it is opened to be written too, so that
 * it does not end with its writer. */
static enum err
open_alerts(struct program *p, struct diag *diag)
{
    const char *path = p->options.alerts_of;
    char data[16384];
    ssize_t n;
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && (errno == EACCES || errno == EROFS))
        fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return diag_set(diag, ERR_IO, "%s: %s", path, strerror(errno));
    while ((n = read(fd, data, sizeof data)) > 0)
        telling_alerts(p->telling, data, (size_t)n);
    if (!n || uv_poll_init(&p->loop, &p->alerts, fd)) {
        close(fd);
        return ERR_OK;
    }
    p->alerts.data = p;
    p->alerts_fd = fd;
    uv_poll_start(&p->alerts, UV_READABLE, on_alerts);
    return ERR_OK;
}

/* Numbers of alerts go on where tielined has them. */
static void
on_known(void *arg, uint64_t alert, uint64_t incident)
{
    struct program *p = arg;
    if (monitor_alerts(p->monitor))
        alerts_go_on(monitor_alerts(p->monitor), alert, incident);
}

static void
on_circuits(void *arg, const json_t *circuits)
{
    struct program *p = arg;
    struct diag diag;
    if (monitor_circuits(p->monitor, circuits, &diag))
        log_error("the circuits cannot be understood: %s", diag.text);
    else
        log_info("is told of %zu circuits", json_array_size(json_object_get(circuits, "circuits")));
}

/* What people say is kept before it is answered that it is done. */
static enum err
on_asked(void *arg, const char *method, const json_t *params, json_t **answer, struct diag *diag)
{
    struct program *p = arg;
    if (!strcmp(method, "sensor.habits"))
        return asked_habits(p->monitor, params, answer, diag);
    enum err err = asked_order(p->monitor, params, clock_wall(), diag);
    if (!err && p->options.baseline && !write_baseline(p))
        err = diag_set(diag, ERR_IO, "it holds, and cannot be kept in %s", p->options.baseline);
    if (!err)
        *answer = json_pack("{sb}", "kept", p->options.baseline != NULL);
    return err;
}

static enum err
open_link(struct program *p, struct diag *diag)
{
    const struct sensor_options *o = &p->options;
    const struct tls_config tls = {o->ca, o->cert, o->key};
    if (!o->link)
        return ERR_OK;
    enum err err = o->ca ? tls_new(&tls, &p->tls, diag) : ERR_OK;
    const struct sensor_link_config config = {.loop = &p->loop,
                                              .address = o->link,
                                              .tls = p->tls,
                                              .name = o->name,
                                              .version = TIELINE_VERSION,
                                              .arg = p,
                                              .circuits = on_circuits,
                                              .known = on_known,
                                              .asked = on_asked};
    if (!err)
        err = sensor_link_new(&config, &p->link, diag);
    if (err)
        return err;
    p->telling = telling_new(p->link, monitor_assets(p->monitor));
    return o->alerts_of ? open_alerts(p, diag) : ERR_OK;
}

static void
on_patience(uv_timer_t *timer)
{
    struct program *p = timer->data;
    if (!sensor_link_is_done(p->link) && ++p->patience < 10 * LINK_PATIENCE)
        return;
    if (!sensor_link_is_done(p->link))
        log_error("not all that was read could be told");
    end_loop(p);
}

static void
begin_loop(struct program *p, uv_timer_cb tick, unsigned ms)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        uv_signal_init(&p->loop, &p->signals[i]);
        p->signals[i].data = p;
        uv_signal_start(&p->signals[i], on_signal, numbers[i]);
    }
    uv_timer_init(&p->loop, &p->tick);
    p->tick.data = p;
    uv_timer_start(&p->tick, tick, ms, ms);
}

/* Of a capture: until all of it was taken. */
static void
tell_capture(struct program *p)
{
    if (!p->link)
        return;
    telling_tick(p->telling, NULL, clock_wall(), true);
    begin_loop(p, on_patience, TICK_MS / 10);
    uv_run(&p->loop, UV_RUN_DEFAULT);
}

static bool
listen_live(struct program *p)
{
    const struct ears_config config = {.names = p->options.interfaces,
                                       .n = p->options.n_interfaces,
                                       .frame = on_frame,
                                       .pause = on_pause,
                                       .arg = p};
    struct diag diag;
    if (ears_open(&config, &p->ears, &diag)) {
        log_error("%s", diag.text);
        return false;
    }
    begin_loop(p, on_tick, TICK_MS);
    ears_listen(p->ears, &p->loop);
    uv_run(&p->loop, UV_RUN_DEFAULT);
    hear_the_rest(p);
    return true;
}

/* ---- What is usual ---- */

/* Beside it: who talks with whom, for people. What is damaged is no reason not to begin. */
static void
read_habits(struct program *p)
{
    struct buf octets = BUF_INIT;
    struct diag diag = {""};
    char *path = xasprintf("%s.habits", p->options.baseline);
    enum err err = file_read(path, HABITS_SAVED_MAX, &octets, &diag);
    if (!err) {
        err = habits_restore(monitor_habits(p->monitor), protocols_all, octets.data, octets.size,
                             &diag);
        diag_prefix(&diag, "%s", path);
    }
    if (err && err != ERR_NOT_FOUND)
        log_warn("%s: it is learned anew", diag.text);
    buf_fini(&octets);
    free(path);
}

static bool
write_habits(struct program *p)
{
    struct buf octets = BUF_INIT;
    struct diag diag;
    char *path = xasprintf("%s.habits", p->options.baseline);
    habits_save(monitor_habits(p->monitor), &octets);
    bool is_well = !file_write(path, octets.data, octets.size, 0640, false, &diag);
    if (!is_well)
        log_error("who talks with whom is not kept: %s", diag.text);
    buf_fini(&octets);
    free(path);
    return is_well;
}

static enum err
read_baseline(struct program *p, struct diag *diag)
{
    struct buf octets = BUF_INIT;
    const char *path = p->options.baseline;
    enum err err = file_read(path, BASELINE_MAX, &octets, diag);
    if (err == ERR_NOT_FOUND) {
        log_info("%s is not there yet: what is usual is learned from the beginning", path);
        err = ERR_OK;
    } else if (!err) {
        err = detector_restore(monitor_detector(p->monitor), octets.data, octets.size, diag);
        if (err)
            diag_prefix(diag, "%s", path);
    }
    if (!err && monitor_habits(p->monitor))
        read_habits(p);
    buf_fini(&octets);
    return err;
}

static bool
write_baseline(struct program *p)
{
    struct buf octets = BUF_INIT;
    struct diag diag;
    detector_save(monitor_detector(p->monitor), &octets);
    bool is_well = !file_write(p->options.baseline, octets.data, octets.size, 0640, false, &diag);
    if (!is_well)
        log_error("what is usual is not kept: %s", diag.text);
    buf_fini(&octets);
    return is_well && (!monitor_habits(p->monitor) || write_habits(p));
}

/* ---- The program ---- */

/* Without the registries it goes on, and says so: vendors by MAC addresses are the weakest
 * evidence. */
static enum err
read_registry(struct program *p, struct diag *diag)
{
    enum err err = oui_read(p->options.oui ? p->options.oui : OUI_DIRECTORY, &p->registry, diag);
    if (err && p->options.oui)
        return err;
    if (err)
        log_warn("no vendors by MAC address: %s", diag->text);
    return ERR_OK;
}

static void
on_bad_advisory(void *arg UNUSED, const struct diag *diag)
{
    log_warn("%s", diag->text);
}

static enum err
read_advisories(struct program *p, struct diag *diag)
{
    p->advisories = advisories_new();
    enum err err = advisories_load(p->advisories, p->options.advisories, on_bad_advisory, NULL,
                                   diag);
    if (!err)
        log_info("%zu advisories are loaded", advisories_number(p->advisories));
    return err;
}

static void
print_refusals(struct program *p)
{
    for (size_t i = 0; i < suricata_refusals_number(p->suricata); i++) {
        buf_clear(&p->line);
        suricata_refusal_put(&p->line, suricata_refusal(p->suricata, i));
        print_line(p);
    }
}

static enum err
read_suricata(struct program *p, struct diag *diag)
{
    const struct sensor_options *o = &p->options;
    struct suricata_variable variables[SENSOR_VARIABLES];
    const struct suricata_options options = {
        .variables = variables, .n_variables = o->n_variables, .protocols = protocols_all};
    enum err err = ERR_OK;
    for (unsigned i = 0; i < o->n_variables; i++) {
        const char *text = o->variables[i], *equals = strchr(text, '=');
        variables[i].name = xstrndup(text, (size_t)(equals - text));
        variables[i].value = equals + 1;
    }
    p->suricata = suricata_rules_new(&options);
    for (unsigned i = 0; i < o->n_variables; i++)
        free((char *)(uintptr_t)variables[i].name);
    for (unsigned i = 0; i < o->n_suricata && !err; i++)
        err = suricata_rules_load(p->suricata, o->suricata[i], diag);
    if (err)
        return err;
    suricata_rules_seal(p->suricata);
    p->matcher = suricata_matcher_new(p->suricata, 0, on_suricata, p);
    log_info("%zu rules of Suricata are loaded, %zu are not", suricata_rules_number(p->suricata),
             suricata_refusals_number(p->suricata));
    if (o->unsupported)
        print_refusals(p);
    return ERR_OK;
}

static enum err
read_feeds(struct program *p, struct diag *diag)
{
    enum err err = ERR_OK;
    if (!p->options.n_feeds)
        return ERR_OK;
    p->feed = feed_new();
    for (unsigned i = 0; !err && i < p->options.n_feeds; i++)
        err = feed_read(p->feed, p->options.feeds[i], diag);
    return err;
}

static enum err
prepare(struct program *p, struct diag *diag)
{
    const struct sensor_options *o = &p->options;
    const struct rules_source source = {.protocols = protocols_all, .finds = finding_is_known};
    enum err err = ERR_OK;
    if (o->n_rules)
        err = rules_read(&source, o->rules, o->n_rules, &p->rules, diag);
    if (!err)
        err = read_feeds(p, diag);
    if (!err && o->geo)
        err = geo_open(o->geo, &p->geo, diag);
    if (!err && (o->assets || o->identities || o->link || p->rules))
        err = read_registry(p, diag);
    if (!err && o->n_suricata)
        err = read_suricata(p, diag);
    if (!err && o->advisories)
        err = read_advisories(p, diag);
    if (err)
        return err;
    const struct monitor_config config = {.protocols = protocols_all,
                                          .registry = p->registry,
                                          .conversations = o->conversations,
                                          .memory = (size_t)o->memory_mib << 20,
                                          .cores = o->cores,
                                          .octets_stay = o->read,
                                          .has_assets = o->assets || o->link,
                                          .has_habits = o->habits || o->link,
                                          .feed = p->feed,
                                          .geo = p->geo,
                                          .rules = p->rules,
                                          .has_alerts = o->n_suricata && tells_alerts(o),
                                          .name = o->name,
                                          .learn = o->learn,
                                          .evidence = o->evidence,
                                          .arg = p,
                                          .message = o->messages || p->matcher ? on_message : NULL,
                                          .malformed = o->messages ? on_malformed : NULL,
                                          .ended = o->link ? on_ended : NULL,
                                          .data = p->matcher ? on_data : NULL,
                                          .content = p->matcher ? on_content : NULL,
                                          .taken = p->matcher ? on_taken : NULL,
                                          .said = o->identities ? on_said : NULL,
                                          .alert = o->alerts || o->link ? on_alert : NULL};
    err = monitor_new(&config, &p->monitor, diag);
    if (!err && o->baseline)
        err = read_baseline(p, diag);
    return err ? err : open_link(p, diag);
}

static bool
tell_at_the_end(struct program *p)
{
    const struct sensor_options *o = &p->options;
    if (o->assets)
        assets_each(monitor_assets(p->monitor), print_asset, p);
    if (p->advisories)
        assets_each(monitor_assets(p->monitor), print_vulnerabilities, p);
    if (o->habits)
        habits_each(monitor_habits(p->monitor), print_json, p);
    if (o->incidents)
        incidents_each(monitor_alerts(p->monitor), print_json, p);
    if (o->counters)
        print_counters(p);
    return !o->baseline || write_baseline(p);
}

static bool
run(struct program *p)
{
    if (p->options.coverage) {
        coverage_put(&p->line, p->rules);
        print_line(p);
        return true;
    }
    bool is_well = p->options.read ? read_capture(p) : listen_live(p);
    if (p->options.read)
        tell_capture(p);
    return is_well && tell_at_the_end(p);
}

int
main(int argc, char **argv)
{
    static struct program p;
    struct diag diag = {""};
    log_init("tieline-sensor", LOG_INFO);
    signal(SIGPIPE, SIG_IGN);
    if (sensor_options_parse(argc, argv, &p.options, &diag)) {
        fprintf(stderr, "tieline-sensor: %s\n", diag.text);
        return 2;
    }
    if (p.options.help) {
        sensor_options_help(stdout);
        return EXIT_SUCCESS;
    }
    if (p.options.version) {
        puts("tieline-sensor " TIELINE_VERSION);
        return EXIT_SUCCESS;
    }
    uv_loop_init(&p.loop);
    p.alerts_fd = -1;
    bool is_well = !prepare(&p, &diag);
    if (is_well)
        is_well = run(&p);
    else
        log_error("%s", diag.text);
    ears_close(p.ears);
    if (p.alerts_fd >= 0)
        close(p.alerts_fd);
    uv_loop_close(&p.loop);
    monitor_free(p.monitor);
    suricata_matcher_free(p.matcher);
    suricata_rules_free(p.suricata);
    advisories_free(p.advisories);
    tls_free(p.tls);
    rules_free(p.rules);
    feed_free(p.feed);
    geo_close(p.geo);
    oui_free(p.registry);
    buf_fini(&p.line);
    return is_well && !fflush(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
}
