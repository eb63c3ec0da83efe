#include "tielined/daemon.h"

#include "assure/service.h"
#include "base/alloc.h"
#include "base/log.h"
#include "bus/local.h"
#include "gateway/service.h"
#include "io/clock.h"
#include "io/tls.h"
#include "journal/journal.h"
#include "lan/service.h"
#include "model/state.h"
#include "orchestrate/service.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define EXPIRY_WARNING (30 * 24 * 3600 * NSEC_PER_SEC) /* before our certificate ends */

struct daemon {
    struct daemon_config config;
    struct tls *tls;
    struct journal *journal;
    struct journal_subscription *events;
    struct state *state;
    struct bus *bus;
    struct lan_service *lan;
    struct assure_service *assure;
    struct orchestrate_service *orchestrate;
    struct gateway_service *gateway;
};

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

/* First the state, then the services, then everybody. While the journal is replayed there is only
 * the state. */
static void
on_event(void *arg, const struct journal_event *e)
{
    struct daemon *d = arg;
    struct diag diag;
    json_t *body = json_loadb(e->body, e->body_size, 0, NULL);
    struct state_event event = {.seq = e->seq,
                                .time = e->time,
                                .type = e->type,
                                .object = e->object,
                                .actor = e->actor,
                                .body = body};
    enum err err = state_apply(d->state, &event, &diag);
    if (err)
        log_error("event %" PRIu64 " (%s): %s", e->seq, e->type, diag.text);
    if (d->lan)
        lan_service_event(d->lan, &event);
    if (d->assure)
        assure_service_event(d->assure, &event);
    if (d->gateway)
        publish(d, e, body);
    json_decref(body);
}

static enum err
open_journal(struct daemon *d, uv_loop_t *loop, struct diag *diag)
{
    const struct journal_config config = {.site = d->config.site};
    nsec_t begun = clock_monotonic();
    enum err err = journal_open(loop, d->config.journal, &config, &d->journal, diag);
    if (!err)
        err = journal_subscribe(d->journal, 1, on_event, d, &d->events, diag);
    if (!err)
        log_info("journal %s: %" PRIu64 " events, read in %" PRId64 " ms", d->config.journal,
                 journal_head(d->journal)->seq, (clock_monotonic() - begun) / NSEC_PER_MSEC);
    return err;
}

static void
tell_start(struct daemon *d)
{
    struct diag diag;
    char *body = xasprintf("{\"version\":\"%s\",\"roles\":[\"lan\",\"orchestrate\",\"assure\","
                           "\"gateway\"],\"pid\":%d}",
                           TIELINE_VERSION, (int)getpid());
    const struct journal_entry entry = {.type = "program.started",
                                        .object = "program/tielined",
                                        .actor = "system/tielined",
                                        .body = body};
    if (journal_append(d->journal, &entry, 1, NULL, NULL, &diag))
        log_warn("%s", diag.text);
    free(body);
}

/* ---- Services ----------------------------------------------------------------------------------
 */

static enum err
start_lan(struct daemon *d, uv_loop_t *loop, struct diag *diag)
{
    const struct lan_config config = {.loop = loop,
                                      .bus = d->bus,
                                      .journal = d->journal,
                                      .state = d->state,
                                      .tls = d->tls,
                                      .openflow_address = d->config.openflow,
                                      .rpc_address = d->config.rpc};
    return lan_service_new(&config, &d->lan, diag);
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
        .options.one_clock = d->config.one_clock,
        .options.load.packets_per_second = d->config.test_rate};
    return assure_service_new(&config, &d->assure, diag);
}

static enum err
start_orchestrate(struct daemon *d, uv_loop_t *loop, struct diag *diag)
{
    const struct orchestrate_service_config config = {.loop = loop,
                                                      .journal = d->journal,
                                                      .bus = d->bus,
                                                      .state = d->state,
                                                      .site = d->config.site,
                                                      .workflows_dir = d->config.workflows};
    return orchestrate_service_new(&config, &d->orchestrate, diag);
}

static enum err
start_gateway(struct daemon *d, uv_loop_t *loop, struct diag *diag)
{
    const struct gateway_config config = {.loop = loop,
                                          .journal = d->journal,
                                          .bus = d->bus,
                                          .state = d->state,
                                          .site = d->config.site,
                                          .tls = d->tls,
                                          .address = d->config.https,
                                          .users_file = d->config.users,
                                          .schema_directory = d->config.schema,
                                          .version = TIELINE_VERSION};
    return gateway_service_new(&config, &d->gateway, diag);
}

/* Orders go on as soon as orchestrate is there: those it asks are before it. */
static const struct {
    const char *name;
    enum err (*start)(struct daemon *, uv_loop_t *, struct diag *);
} services[] = {
    {"lan", start_lan},
    {"assure", start_assure},
    {"orchestrate", start_orchestrate},
    {"gateway", start_gateway},
};

static void
check_expiry(const struct daemon *d)
{
    char text[TIME_TEXT_SIZE];
    nsec_t end = tls_not_after(d->tls);
    if (end < clock_wall() + EXPIRY_WARNING)
        log_warn("%s: the certificate ends at %s", d->config.cert, time_format(end, text));
}

enum err
daemon_new(uv_loop_t *loop, const struct daemon_config *config, struct daemon **result,
           struct diag *diag)
{
    struct daemon *d = xcalloc(1, sizeof *d);
    const struct tls_config tls = {config->ca, config->cert, config->key};
    d->config = *config;
    d->state = state_new();
    d->bus = bus_local_new(loop, 0, 0);
    enum err err = tls_new(&tls, &d->tls, diag);
    if (!err)
        err = open_journal(d, loop, diag);
    for (size_t i = 0; i < ARRAY_SIZE(services) && !err; i++) {
        err = services[i].start(d, loop, diag);
        if (err)
            diag_prefix(diag, "%s", services[i].name);
    }
    if (err) {
        daemon_end(d);
        return err;
    }
    check_expiry(d);
    tell_start(d);
    log_info("site %s: OpenFlow at %s, agents at %s, API at %s", config->site,
             lan_service_openflow_address(d->lan), lan_service_rpc_address(d->lan),
             gateway_service_address(d->gateway));
    *result = d;
    return ERR_OK;
}

static void
on_journal_closed(void *arg)
{
    struct daemon *d = arg;
    tls_free(d->tls);
    state_free(d->state);
    free(d);
}

/* Those who ask before those they ask; the bus when nobody uses it; the journal last. */
void
daemon_end(struct daemon *d)
{
    if (!d)
        return;
    gateway_service_free(d->gateway);
    orchestrate_service_free(d->orchestrate);
    assure_service_free(d->assure);
    lan_service_free(d->lan);
    bus_free(d->bus);
    journal_unsubscribe(d->events);
    if (d->journal)
        journal_close(d->journal, on_journal_closed, d);
    else
        on_journal_closed(d);
}

void
daemon_reload(struct daemon *d)
{
    struct diag diag;
    /* The services share one identity, so this is for all of them. */
    if (gateway_service_reload(d->gateway, &diag))
        log_error("certificates and users: %s", diag.text);
    else
        log_info("certificates and users are read anew");
    check_expiry(d);
}
