#include "tielined/daemon.h"

#include "assure/service.h"
#include "base/alloc.h"
#include "base/log.h"
#include "bus/local.h"
#include "gateway/service.h"
#include "io/clock.h"
#include "io/timer.h"
#include "io/tls.h"
#include "journal/journal.h"
#include "journal/standby.h"
#include "lan/service.h"
#include "model/state.h"
#include "orchestrate/service.h"
#include "sensors/service.h"
#include "tielined/checkpoints.h"
#include "tielined/content_gate.h"
#include "tielined/federation.h"
#include "tielined/sites.h"
#include "wan/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPIRY_WARNING (30 * 24 * 3600 * NSEC_PER_SEC) /* before our certificate ends */

#define PEER_BODY_MAX ((size_t)64 << 10) /* of an exception that another site tells */
#define PEER_EXCEPTIONS_MAX 200000       /* in the state of the centre */
#define CUT_OFF_AFTER (5 * NSEC_PER_SEC) /* without the centre */

#define TEST_EVENTS_INTERVAL (20 * NSEC_PER_MSEC)

/* ---- Roles -------------------------------------------------------------------------------------
 */

struct service {
    const char *name;
    enum err (*start)(struct daemon *, uv_loop_t *, struct diag *);
    bool touches_network;
};

struct daemon {
    struct daemon_config config;
    uv_loop_t *loop;
    struct standby *standby; /* until its turn comes */
    nsec_t begun;            /* monotonic */
    void (*over)(void *arg, enum daemon_why);
    void *over_arg;
    void (*gone)(void *arg);
    void *gone_arg;
    struct tls *tls;
    struct journal *journal;
    struct journal_subscription *events;
    struct state *state;
    struct bus *bus;
    struct lan_service *lan;
    struct wan_service *wan; /* NULL: there is none */
    struct assure_service *assure;
    struct orchestrate_service *orchestrate;
    struct sensors_service *sensors;
    struct gateway_service *gateway;
    struct content_gate *gate;
    struct checkpoints *checkpoints; /* NULL: none */
    /* Among several sites. */
    struct sites *sites; /* NULL: this site is alone */
    struct federation *federation;
    struct site_peer *peers;
    size_t n_peers;
    char *domain_text, *directory;
    const char *domain[SITES_MAX + 1];
    bool is_over; /* nothing new is taken: it begins anew */
    enum daemon_stage stage;
    bool is_ready;            /* the network may be touched */
    nsec_t led;               /* monotonic: since when this one leads */
    nsec_t told;              /* monotonic: when the newest event of the centre came */
    struct timer *again;      /* ends this one: what it knows is not true any more */
    struct timer *test_timer; /* of test_events */
    nsec_t test_begun;        /* monotonic */
    uint64_t n_test_events;
};

static const char *const role_names[] = {"lan", "wan", "assure", "orchestrate", "gateway"};

static bool
has_role(const struct daemon *d, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = d->config.roles; at && *at; at += strcspn(at, ","), at += *at == ',') {
        if (!strncmp(at, name, length) && (!at[length] || at[length] == ','))
            return true;
    }
    return !d->config.roles;
}

static enum err
check_roles(const struct daemon *d, struct diag *diag)
{
    for (const char *at = d->config.roles; at && *at; at += strcspn(at, ","), at += *at == ',') {
        size_t length = strcspn(at, ","), i = 0;
        while (i < ARRAY_SIZE(role_names) &&
               (strlen(role_names[i]) != length || strncmp(at, role_names[i], length) != 0))
            i++;
        if (i == ARRAY_SIZE(role_names))
            return diag_set(
                diag, ERR_INVALID,
                "--roles: \"%.*s\" is no role: lan, wan, assure, orchestrate and gateway are",
                (int)length, at);
    }
    return ERR_OK;
}

/* ---- Events ------------------------------------------------------------------------------------
 */

static void
publish(struct daemon *d, const struct journal_event *e, json_t *body)
{
    char time[TIME_TEXT_SIZE];
    char *subject = xasprintf("event.%s", e->type);
    json_t *payload = json_pack("{sI ss ss ss ss sO}", "seq", (json_int_t)e->seq, "time",
                                time_format(e->time, time), "type", e->type, "object", e->object,
                                "actor", e->actor, "body", body);
    enum err err = bus_publish(d->bus, subject, payload);
    if (err)
        log_warn("%s (%" PRIu64 ") is not published: %s", subject, e->seq, err_text(err));
    free(subject);
}

static void
apply_to_state(struct daemon *d, const struct state_event *event)
{
    struct diag diag;
    enum err err = state_apply(d->state, event, &diag);
    if (err)
        log_error("event %" PRIu64 " (%s): %s", event->seq, event->type, diag.text);
}

static void
apply(struct daemon *d, const struct state_event *event)
{
    apply_to_state(d, event);
    if (d->lan)
        lan_service_event(d->lan, event);
    if (d->wan)
        wan_service_event(d->wan, event);
    if (d->assure)
        assure_service_event(d->assure, event);
    if (d->sensors)
        sensors_service_event(d->sensors, event);
}

/* First the state, then the services, then everybody. While the journal is replayed there is only
 * the state. */
static void
on_event(void *arg, const struct journal_event *e)
{
    struct daemon *d = arg;
    json_t *body = json_loadb(e->body, e->body_size, 0, NULL);
    struct state_event event = {.seq = e->seq,
                                .time = e->time,
                                .type = e->type,
                                .object = e->object,
                                .actor = e->actor,
                                .body = body,
                                .site = d->config.centre ? d->config.number : 0};
    content_gate_event(d->gate, e->type, e->object, body);
    checkpoints_event(d->checkpoints, e);
    apply(d, &event);
    if (d->gateway)
        publish(d, e, body);
    json_decref(body);
}

/* ---- The time ----------------------------------------------------------------------------------
 */

/* Has the centre been silent for so long that nobody should wait for it? A program that has just
 * begun gives it that time. */
static bool
is_cut_off(void *arg)
{
    const struct daemon *d = arg;
    nsec_t heard = sites_peer_heard(d->sites, 0);
    return clock_monotonic() - MAX(heard, d->led) >= CUT_OFF_AFTER;
}

/* What a site judges windows and expiry by. The centre's clock counts as long as there is the
 * centre: the time of its newest event, and what has passed since. Of a site that is cut off its
 * own counts too, if it is later: one that is behind shall not keep anything open, and one that is
 * ahead errs to the safe side. The centre has its own. */
static nsec_t
judging_time(void *arg)
{
    struct daemon *d = arg;
    nsec_t wall = clock_wall(), centre = d->state->local.centre_time;
    if (!d->config.centre)
        return MAX(wall, centre);
    if (centre)
        centre += clock_monotonic() - d->told;
    return is_cut_off(d) || !sites_peer_heard(d->sites, 0) ? MAX(wall, centre) : centre;
}

/* ---- Events of other sites ---------------------------------------------------------------------
 */

static bool
begins_with(const char *text, const char *prefix)
{
    return !strncmp(text, prefix, strlen(prefix));
}

/* What a peer's events may change here. The centre decides on everything but who may come in here:
 * its people and sessions are its own, and a site has its own. A site decides on its own
 * exceptions, says what its sensors told, and decides on its local work: whether that is about what
 * is the site's alone, and allowed, is judged with the inventory whenever it matters
 * (model/local.h). */
static bool
may_change(const struct daemon *d, const struct site_peer *peer, const struct state_event *e)
{
    if (d->config.centre)
        return !access_knows(e->type);
    if (sensing_knows(e->type)) /* kept by the site's number */
        return true;
    json_int_t id = json_integer_value(json_object_get(e->body, "id"));
    if (id <= 0 || id > UINT32_MAX || exception_site((uint32_t)id) != peer->number)
        return false;
    if (begins_with(e->type, "exception."))
        return true;
    const char *site = json_string_value(json_object_get(e->body, "site"));
    return begins_with(e->type, "local.") && site && !strcmp(site, peer->name);
}

static void
on_peer_event(void *arg, const struct site_peer *peer, const struct journal_event *e)
{
    struct daemon *d = arg;
    bool local = begins_with(e->type, "local."), sensor = sensing_knows(e->type);
    if (d->is_over ||
        (!d->config.centre && !local && !sensor && !begins_with(e->type, "exception.")))
        return; /* nothing that it could change here */
    if (!d->config.centre &&
        (e->body_size > PEER_BODY_MAX || HASH_COUNT(d->state->exceptions) >= PEER_EXCEPTIONS_MAX))
        return; /* the copy has it; the state of the centre is not a site's to fill */
    json_t *body = json_loadb(e->body, e->body_size, 0, NULL);
    struct state_event event = {.seq = e->seq,
                                .time = e->time,
                                .type = e->type,
                                .object = e->object,
                                .actor = e->actor,
                                .body = body,
                                .site = peer->number};
    if (d->config.centre)
        d->told = clock_monotonic();
    if (may_change(d, peer, &event))
        d->config.centre || local ? apply(d, &event) : apply_to_state(d, &event);
    json_decref(body);
}

/* A site's: its exceptions are told anew. The centre's: everything we know is to be made anew,
 * which a new start does; the nodes keep what they have meanwhile. */
static void
on_peer_reset(void *arg, const struct site_peer *peer)
{
    struct daemon *d = arg;
    if (!d->config.centre) {
        state_forget_site(d->state, peer->number);
        return;
    }
    log_error("the journal of %s is another one: beginning anew with it", peer->name);
    d->is_over = true;
    timer_start(d->again, NSEC_PER_SEC); /* what is to be told of it is written by then */
}

static void
begin_anew(void *arg)
{
    struct daemon *d = arg;
    d->over(d->over_arg, DAEMON_LOST);
}

static void
on_lost(void *arg, const char *why)
{
    struct daemon *d = arg;
    log_error("%s", why);
    log_error("this instance leads no more: all services end");
    d->over(d->over_arg, DAEMON_LOST);
}

static struct journal_config
config_of_journal(struct daemon *d)
{
    return (struct journal_config){.site = d->config.site,
                                   /* Among sites no two journals of one site may have an epoch in
                                    * common. */
                                   .epoch = d->config.bus ? (uint64_t)(clock_wall() / NSEC_PER_SEC)
                                                          : 0,
                                   .instance = d->config.instance,
                                   .lease = d->config.lease_ms * NSEC_PER_MSEC,
                                   .lost = on_lost,
                                   .lost_arg = d};
}

/* `next`: what was before it is in the state already. */
static enum err
replay_journal(struct daemon *d, uint64_t next, struct diag *diag)
{
    nsec_t begun = clock_monotonic();
    enum err err = journal_subscribe(d->journal, next, on_event, d, &d->events, diag);
    if (!err)
        log_info("journal %s: %" PRIu64 " events, the last %" PRIu64 " read in %" PRId64 " ms",
                 d->config.journal, journal_head(d->journal)->seq,
                 journal_head(d->journal)->seq + 1 - next,
                 (clock_monotonic() - begun) / NSEC_PER_MSEC);
    return err;
}

static void
append_own(struct daemon *d, const char *type, const char *body)
{
    struct diag diag;
    const struct journal_entry entry = {
        .type = type, .object = "program/tielined", .actor = "system/tielined", .body = body};
    if (journal_append(d->journal, &entry, 1, NULL, NULL, &diag))
        log_warn("%s", diag.text);
}

static void
tell_start(struct daemon *d)
{
    json_t *roles = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(role_names); i++) {
        if (has_role(d, role_names[i]))
            json_array_append_new(roles, json_string(role_names[i]));
    }
    json_t *json = json_pack("{ss so si}", "version", TIELINE_VERSION, "roles", roles, "pid",
                             (int)getpid());
    char *body = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    append_own(d, "program.started", body);
    free(body);
}

/* Who leads a shared journal from here on. */
static void
tell_lead(struct daemon *d)
{
    if (!journal_is_shared(d->config.journal))
        return;
    json_t *json = json_pack("{ss sI}", "instance", journal_instance(d->journal), "waited-ms",
                             (json_int_t)((clock_monotonic() - d->begun) / NSEC_PER_MSEC));
    char *body = json_dumps(json, JSON_COMPACT);
    append_own(d, "program.leads", body);
    free(body);
    json_decref(json);
}

/* ---- Services ----------------------------------------------------------------------------------
 */

static void
share_secret(struct daemon *d)
{
    uint8_t secret[LAN_SECRET_SIZE];
    if (d->lan && d->sites && sites_secret(d->sites, secret))
        lan_service_set_secret(d->lan, secret);
}

static enum err
start_lan(struct daemon *d, uv_loop_t *loop, struct diag *diag)
{
    const struct lan_config config = {.loop = loop,
                                      .bus = d->bus,
                                      .journal = d->journal,
                                      .state = d->state,
                                      .tls = d->tls,
                                      .openflow_address = d->config.openflow,
                                      .rpc_address = d->config.rpc,
                                      .domain = d->sites ? d->domain : NULL,
                                      .prefix = d->federation ? FEDERATION_HERE : NULL,
                                      .now = judging_time,
                                      .now_arg = d};
    enum err err = lan_service_new(&config, &d->lan, diag);
    if (!err)
        share_secret(d);
    return err;
}

/* Of the centre alone: a substation has no part of the WAN of its own. */
static enum err
start_wan(struct daemon *d, uv_loop_t *loop, struct diag *diag)
{
    const struct wan_config config = {.loop = loop,
                                      .bus = d->bus,
                                      .journal = d->journal,
                                      .state = d->state,
                                      .tls = d->tls,
                                      .settings = d->config.wan};
    if (!d->config.wan || !*d->config.wan || d->config.centre)
        return ERR_OK;
    return wan_service_new(&config, &d->wan, diag);
}

/* A site watches what is its own alone, the centre everything else; nobody what is kept out of the
 * nodes. */
static bool
watches(void *arg, const struct circuit *c)
{
    struct daemon *d = arg;
    const char *site = local_site_of(d->state->network, c->name);
    if (!local_is_wanted(d->state, c->name, judging_time(d), WINDOW_GRACE, NULL))
        return false;
    if (!d->sites)
        return true;
    if (d->config.centre)
        return site && !strcmp(site, d->config.site);
    return !site || sites_find_peer(d->sites, site) == SIZE_MAX;
}

static enum err
start_assure(struct daemon *d, uv_loop_t *loop, struct diag *diag)
{
    const struct assure_service_config config = {
        .loop = loop,
        .journal = d->journal,
        .bus = d->bus,
        .state = d->state,
        .site = d->config.site,
        .watches = watches,
        .watches_arg = d,
        .options.one_clock = d->config.one_clock,
        .options.load.packets_per_second = d->config.test_rate};
    return assure_service_new(&config, &d->assure, diag);
}

static enum err
start_orchestrate(struct daemon *d, uv_loop_t *loop, struct diag *diag)
{
    const struct orchestrate_service_config config = {
        .loop = loop,
        .journal = d->journal,
        .bus = d->bus,
        .state = d->state,
        .site = d->config.site,
        .workflows_dir = d->config.workflows,
        .exceptions_only = !has_role(d, "orchestrate"),
        .number = d->config.number,
        .now = judging_time,
        .cut_off = d->config.centre ? is_cut_off : NULL,
        .arg = d,
        .elsewhere = d->sites ? sites_pass_exception : NULL,
        .elsewhere_arg = d->sites};
    return orchestrate_service_new(&config, &d->orchestrate, diag);
}

static enum err
start_sensors(struct daemon *d, uv_loop_t *loop, struct diag *diag)
{
    const struct sensors_service_config config = {
        .loop = loop,
        .journal = d->journal,
        .bus = d->bus,
        .state = d->state,
        .site = d->config.site,
        .number = d->config.number,
        .address = d->config.sensors && *d->config.sensors ? d->config.sensors : NULL,
        .tls = d->tls,
        .domain = d->sites ? d->domain : NULL,
        .syslog = d->config.syslog && *d->config.syslog ? d->config.syslog : NULL,
        .advisories = d->config.advisories && *d->config.advisories ? d->config.advisories : NULL,
        .elsewhere = d->sites ? sites_pass_exception : NULL,
        .elsewhere_arg = d->sites,
        .now = judging_time,
        .now_arg = d};
    return sensors_service_new(&config, &d->sensors, diag);
}

/* Of a journal that its events are of: ours, a site's, or the centre's. */
static const char *
site_name(void *arg, uint32_t number)
{
    const struct daemon *d = arg;
    uint32_t ours = d->config.centre ? d->config.number : 0;
    if (number == ours)
        return d->config.site;
    for (size_t i = 0; i < d->n_peers; i++) {
        if (d->peers[i].number == number)
            return d->peers[i].name;
    }
    return NULL;
}

static enum err
start_gateway(struct daemon *d, uv_loop_t *loop, struct diag *diag)
{
    const struct gateway_config config = {
        .loop = loop,
        .journal = d->journal,
        .bus = d->bus,
        .state = d->state,
        .number = d->config.number,
        .site_name = site_name,
        .site_name_arg = d,
        .site = d->config.site,
        .tls = d->tls,
        .address = d->config.https,
        .users_file = d->config.users,
        .oidc_file = d->config.oidc && *d->config.oidc ? d->config.oidc : NULL,
        .schema_directory = d->config.schema,
        .now = judging_time,
        .now_arg = d,
        .version = TIELINE_VERSION};
    return gateway_service_new(&config, &d->gateway, diag);
}

static enum err
start_federation(struct daemon *d, uv_loop_t *loop UNUSED, struct diag *diag)
{
    const struct federation_config config = {.bus = d->bus,
                                             .journal = d->journal,
                                             .state = d->state,
                                             .sites = d->sites,
                                             .domain = d->domain};
    return federation_new(&config, &d->federation, diag);
}

static enum err
start_service(struct daemon *d, const struct service *service, struct diag *diag)
{
    enum err err = service->start(d, d->loop, diag);
    if (err)
        diag_prefix(diag, "%s", service->name);
    return err;
}

/* Orders go on as soon as orchestrate is there: those it asks are before it. Exceptions are counted
 * by it at every site, and sensors listened to. */
static const struct service services[] = {
    {"lan", start_lan, true},          {"wan", start_wan, true},
    {"assure", start_assure, true},    {"orchestrate", start_orchestrate, false},
    {"sensors", start_sensors, false}, {"gateway", start_gateway, false},
};

/* Those who touch the network, once it is known what the centre wants. */
static void
on_ready(void *arg)
{
    struct daemon *d = arg;
    struct diag diag = {""};
    enum err err = ERR_OK;
    share_secret(d);
    if (d->is_ready)
        return;
    d->is_ready = true;
    for (size_t i = 0; i < ARRAY_SIZE(services) && !err; i++) {
        if (services[i].touches_network && has_role(d, services[i].name))
            err = start_service(d, &services[i], &diag);
    }
    if (!err)
        return;
    log_error("%s", diag.text);
    d->over(d->over_arg, DAEMON_FAILED);
}

static enum err
start_services(struct daemon *d, struct diag *diag)
{
    enum err err = d->sites && !d->config.centre ? start_federation(d, d->loop, diag) : ERR_OK;
    for (size_t i = 0; i < ARRAY_SIZE(services) && !err; i++) {
        bool later = services[i].touches_network && d->sites && d->config.centre;
        bool always = services[i].start == start_orchestrate || services[i].start == start_sensors;
        if (!later && (always || has_role(d, services[i].name)))
            err = start_service(d, &services[i], diag);
    }
    return err;
}

/* ---- A lab's load ------------------------------------------------------------------------------
 */

/* As many as should be there by now; what the journal does not take is tried again next time. */
static void
append_test_events(void *arg)
{
    struct daemon *d = arg;
    nsec_t now = clock_monotonic();
    uint64_t due = (uint64_t)(now - d->test_begun) * d->config.test_events / NSEC_PER_SEC;
    for (bool taken = true; d->n_test_events < due && taken;) {
        char body[80];
        struct diag diag;
        snprintf(body, sizeof body, "{\"number\":%" PRIu64 ",\"pid\":%d}", d->n_test_events + 1,
                 (int)getpid());
        const struct journal_entry entry = {"test.event", "program/tielined", "system/tielined",
                                            body, 0};
        taken = !journal_append(d->journal, &entry, 1, NULL, NULL, &diag);
        d->n_test_events += taken;
    }
    timer_start(d->test_timer, TEST_EVENTS_INTERVAL);
}

static void
start_test_events(struct daemon *d)
{
    d->test_begun = clock_monotonic();
    d->test_timer = timer_new(d->loop, append_test_events, d);
    timer_start(d->test_timer, TEST_EVENTS_INTERVAL);
}

/* ---- Among sites -------------------------------------------------------------------------------
 */

static const char *
or_else(const char *text, const char *other)
{
    return text ? text : other;
}

/* What speaks of other sites needs a way to them. */
static enum err
check_sites(const struct daemon_config *c, struct diag *diag)
{
    const struct {
        const char *option, *value;
    } rows[] = {{"centre", c->centre},
                {"peers", c->peers},
                {"domain", c->domain},
                {"copies", c->copies},
                {"number", c->number ? "" : NULL},
                {"bus-credentials", c->bus_credentials},
                {"bus-ca", c->bus_ca},
                {"bus-cert", c->bus_cert},
                {"bus-key", c->bus_key},
                {"witnesses", c->witnesses}};
    for (size_t i = 0; i < ARRAY_SIZE(rows) && !c->bus; i++) {
        if (rows[i].value)
            return diag_set(diag, ERR_INVALID, "--%s: --bus is needed: the way to other sites",
                            rows[i].option);
    }
    if (c->number && !c->centre)
        return diag_set(diag, ERR_INVALID,
                        "--number: it is a site's own, and this is the centre: no --centre");
    if (c->centre && !strcmp(c->centre, c->site))
        return diag_set(diag, ERR_INVALID, "--centre: this is site %s itself", c->site);
    enum err err = c->bus ? sites_check_name(c->site, diag) : ERR_OK;
    if (err) {
        diag_prefix(diag, "--site");
        return err;
    }
    err = c->centre ? sites_check_name(c->centre, diag) : ERR_OK;
    if (err)
        diag_prefix(diag, "--centre");
    return err;
}

static enum err
read_domain(struct daemon *d, struct diag *diag)
{
    size_t n = 0;
    d->domain_text = xstrdup(or_else(d->config.domain, d->config.site));
    for (char *at = d->domain_text, *name; (name = strsep(&at, ","));) {
        enum err err = journal_site_check(name, diag);
        if (err) {
            diag_prefix(diag, "--domain");
            return err;
        }
        if (n == SITES_MAX)
            return diag_set(diag, ERR_LIMIT, "--domain: more than %d sites", SITES_MAX);
        d->domain[n++] = name;
    }
    return ERR_OK;
}

/* Of the centre. */
static enum err
read_sites(struct daemon *d, struct diag *diag)
{
    enum err err = sites_parse_peers(or_else(d->config.peers, ""), &d->peers, &d->n_peers, diag);
    for (size_t i = 0; !err && i < d->n_peers; i++) {
        for (const char *const *ours = d->domain; *ours && !err; ours++) {
            if (!strcmp(*ours, d->peers[i].name))
                err = diag_set(diag, ERR_INVALID, "--peers: site %s is ours (--domain)", *ours);
        }
    }
    return err;
}

static enum err
read_peers(struct daemon *d, struct diag *diag)
{
    const struct daemon_config *config = &d->config;
    if (config->centre && config->peers)
        return diag_set(diag, ERR_INVALID, "--peers are the centre's, and this is a site of %s",
                        config->centre);
    if (!config->centre)
        return read_sites(d, diag);
    if (config->domain && strcmp(config->domain, config->site) != 0)
        return diag_set(diag, ERR_INVALID, "--domain: a site has its own nodes alone");
    if (!config->number)
        return diag_set(diag, ERR_INVALID, "--number is needed: the number of this site");
    d->peers = xcalloc(1, sizeof *d->peers);
    d->n_peers = 1;
    snprintf(d->peers->name, sizeof d->peers->name, "%s", config->centre);
    return ERR_OK;
}

static enum err
open_sites(struct daemon *d, struct diag *diag)
{
    const struct daemon_config *c = &d->config;
    enum err err = read_domain(d, diag);
    if (!err)
        err = read_peers(d, diag);
    if (err)
        return err;
    if (!c->copies && journal_is_shared(c->journal))
        return diag_set(diag, ERR_INVALID, "--copies is needed: a directory of this machine");
    d->directory = c->copies ? xstrdup(c->copies) : xasprintf("%s.sites", c->journal);
    EVP_PKEY *secret = NULL;
    const struct content_trust *trust = NULL;
    (void)checkpoints_witness(d->checkpoints, &secret, &trust);
    const struct sites_config config = {.loop = d->loop,
                                        .journal = d->journal,
                                        .bus = d->bus,
                                        .site = c->site,
                                        .centre = c->centre,
                                        .peers = d->peers,
                                        .n_peers = d->n_peers,
                                        .decides = has_role(d, "orchestrate"),
                                        .domain = d->domain,
                                        .directory = d->directory,
                                        .url = c->bus,
                                        .credentials = c->bus_credentials,
                                        .ca = or_else(c->bus_ca, c->ca),
                                        .cert = or_else(c->bus_cert, c->cert),
                                        .key = or_else(c->bus_key, c->key),
                                        .secret = secret,
                                        .trust = trust,
                                        .arg = d,
                                        .event = on_peer_event,
                                        .reset = on_peer_reset,
                                        .ready = on_ready};
    return sites_new(&config, &d->sites, diag);
}

static void
check_expiry(const struct daemon *d)
{
    char text[TIME_TEXT_SIZE];
    nsec_t end = tls_not_after(d->tls);
    if (end < clock_wall() + EXPIRY_WARNING)
        log_warn("%s: the certificate ends at %s", d->config.cert, time_format(end, text));
}

static void
tell_addresses(const struct daemon *d)
{
    if (d->lan)
        log_info("site %s: OpenFlow at %s, agents at %s", d->config.site,
                 lan_service_openflow_address(d->lan), lan_service_rpc_address(d->lan));
    if (sensors_service_address(d->sensors))
        log_info("site %s: sensors at %s", d->config.site, sensors_service_address(d->sensors));
    if (d->gateway)
        log_info("site %s: API at %s", d->config.site, gateway_service_address(d->gateway));
}

/* With the journal: all services, in order. */
static enum err
lead(struct daemon *d, uint64_t next, struct diag *diag)
{
    d->led = clock_monotonic();
    enum err err = replay_journal(d, next, diag);
    if (!err)
        tell_lead(d); /* before anything that the services do */
    if (!err)
        err = content_gate_check(d->gate, d->journal, "start", diag);
    if (!err && d->config.bus)
        err = open_sites(d, diag);
    if (!err)
        err = start_services(d, diag);
    if (!err)
        err = checkpoints_start(d->checkpoints, d->loop, d->journal, d->bus, d->sites, diag);
    if (err)
        return err;
    check_expiry(d);
    tell_start(d);
    if (d->config.test_events)
        start_test_events(d);
    tell_addresses(d);
    d->stage = DAEMON_LEADS;
    return ERR_OK;
}

static void
on_waits(void *arg, const char *why)
{
    struct daemon *d = arg;
    d->stage = DAEMON_STANDS_BY;
    log_info("standing by, serving nothing: %s", why);
}

static void
on_turn(void *arg, struct journal *journal, uint64_t next, enum err err, const char *why)
{
    struct daemon *d = arg;
    struct diag diag;
    standby_free(d->standby);
    d->standby = NULL;
    d->stage = DAEMON_STARTING;
    d->journal = journal;
    if (err)
        diag_set(&diag, err, "%s", why);
    else
        err = lead(d, next, &diag);
    if (!err)
        return;
    log_error("%s", diag.text);
    d->over(d->over_arg, DAEMON_FAILED);
}

static enum err
open_or_wait(struct daemon *d, struct diag *diag)
{
    struct journal_config journal = config_of_journal(d);
    if (d->config.standby || journal_is_shared(d->config.journal)) {
        const struct standby_config config = {.path = d->config.journal,
                                              .journal = journal,
                                              .event = on_event,
                                              .waits = on_waits,
                                              .turn = on_turn,
                                              .arg = d};
        d->standby = standby_new(d->loop, &config);
        return ERR_OK;
    }
    enum err err = journal_open(d->loop, d->config.journal, &journal, &d->journal, diag);
    return err ? err : lead(d, 1, diag);
}

enum err
daemon_new(uv_loop_t *loop, const struct daemon_config *config,
           void (*over)(void *arg, enum daemon_why), void *arg, struct daemon **result,
           struct diag *diag)
{
    struct daemon *d = xcalloc(1, sizeof *d);
    const struct tls_config tls = {config->ca, config->cert, config->key};
    const struct content_gate_config gate = {
        config->trust,
        config->accept_older,
        {{"schema", "tieline-schema", config->schema},
         {"workflows", "tieline-workflows", config->workflows}}};
    const struct checkpoints_config checkpoints = {
        config->site,        config->journal,      config->checkpoint_key, config->checkpoint_every,
        config->checkpoints, config->witness_keys, config->witnesses};
    d->config = *config;
    d->loop = loop;
    d->begun = clock_monotonic();
    d->over = over;
    d->over_arg = arg;
    d->state = state_new();
    d->bus = bus_local_new(loop, 0, 0);
    d->again = timer_new(loop, begin_anew, d);
    enum err err = check_roles(d, diag);
    if (!err)
        err = check_sites(config, diag);
    if (!err)
        err = content_gate_new(&gate, &d->gate, diag);
    if (!err)
        err = checkpoints_new(&checkpoints, &d->checkpoints, diag);
    if (!err)
        err = tls_new(&tls, &d->tls, diag);
    if (!err)
        err = open_or_wait(d, diag);
    if (err) {
        daemon_end(d, NULL, NULL);
        return err;
    }
    *result = d;
    return ERR_OK;
}

static void
on_journal_closed(void *arg)
{
    struct daemon *d = arg;
    void (*gone)(void *arg) = d->gone;
    void *gone_arg = d->gone_arg;
    content_gate_free(d->gate);
    tls_free(d->tls);
    state_free(d->state);
    free(d->peers);
    free(d->domain_text);
    free(d->directory);
    free(d);
    if (gone)
        gone(gone_arg);
}

/* Those who ask before those they ask; the bus when nobody uses it; the journal last. */
void
daemon_end(struct daemon *d, void (*gone)(void *arg), void *arg)
{
    if (!d)
        return;
    d->gone = gone;
    d->gone_arg = arg;
    standby_free(d->standby);
    timer_free(d->again);
    timer_free(d->test_timer);
    gateway_service_free(d->gateway);
    sensors_service_free(d->sensors);
    orchestrate_service_free(d->orchestrate);
    assure_service_free(d->assure);
    federation_free(d->federation);
    wan_service_free(d->wan);
    lan_service_free(d->lan);
    checkpoints_free(d->checkpoints);
    d->checkpoints = NULL; /* events may still come */
    sites_free(d->sites);
    bus_free(d->bus);
    journal_unsubscribe(d->events);
    if (d->journal)
        journal_close(d->journal, on_journal_closed, d);
    else
        on_journal_closed(d);
}

enum daemon_stage
daemon_stage(const struct daemon *d)
{
    return d ? d->stage : DAEMON_STARTING;
}

void
daemon_reload(struct daemon *d)
{
    struct diag diag;
    if (!d->journal) {
        log_info("standing by: certificates and users are read when its turn comes");
        return;
    }
    /* The services share one identity, so this is for all of them. */
    enum err err = d->gateway ? gateway_service_reload(d->gateway, &diag)
                              : tls_reload(d->tls, &diag);
    if (err)
        log_error("certificates and users: %s", diag.text);
    else
        log_info("certificates and users are read anew");
    if (content_gate_check(d->gate, d->journal, "reload", &diag))
        log_error("refused, what was read at the start stays in use: %s", diag.text);
    check_expiry(d);
}
