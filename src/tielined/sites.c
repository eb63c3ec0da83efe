#include "tielined/sites.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/log.h"
#include "bus/nats.h"
#include "bus/nats_turned_away.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/timer.h"
#include "sync/origin.h"
#include "tielined/asker.h"
#include "tielined/orders.h"
#include "tielined/refusals.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utlist.h>

#define LOST_PATIENCE (60 * NSEC_PER_SEC)
#define SECRET_RETRY (5 * NSEC_PER_SEC)
#define BROKER_LOOK 5 /* seconds between two looks at whom our broker has turned away */

/* What the centre may ask of a site besides all requests of its LAN controller. */
static const char *const served[] = {"exception.acknowledge", "exception.close", "sensor.close",
                                     "sensor.traffic",        "sensor.habits",   "sensor.habit"};
#define N_SERVED (LAN_N_REQUESTS + ARRAY_SIZE(served))

struct peer {
    struct sites *sites;
    struct site_peer id;
    struct bus *bus;
    struct asker *asker; /* NULL: a site asks nothing of the centre's services */
    struct sync_follower *follower;
};

/* What somebody here asks of a peer. */
struct call {
    struct sites *sites;
    struct asker *asked;
    char *reply_to;
    uint64_t request;
    struct call *prev, *next;
};

struct sites {
    struct sites_config config;
    struct bus *nats;
    struct peer *peers;
    struct sync_origin *origin;
    struct witness *witness; /* NULL: nothing is countersigned here */
    struct bus_subscription *subscriptions[8];
    size_t n_subscriptions;
    struct orders *orders; /* of a site: what the centre asks */
    struct refusals *refusals;
    struct nats_turned_away turned_away;
    unsigned n_seconds;
    struct call *calls;
    struct timer *timer, *ready_timer;
    uint8_t secret[LAN_SECRET_SIZE];
    bool has_secret, is_ready, is_told, has_begun_epoch;
    nsec_t lost_told; /* monotonic; 0: never */
};

/* ---- Files beside the copies ---- */

static char *
file_name(const struct sites *s, const char *site, const char *suffix)
{
    return xasprintf("%s/%s%s", s->config.directory, site, suffix);
}

/* Nobody else reads it. What cannot be written is made anew next time. */
static void
write_file(const char *path, const void *data, size_t size)
{
    struct diag diag;
    if (file_write(path, data, size, 0600, false, &diag))
        log_warn("%s", diag.text);
}

/* Of exactly this size? */
static bool
read_file(const char *path, void *data, size_t size)
{
    struct buf text = BUF_INIT;
    bool good = !file_read(path, size, &text, NULL) && text.size == size;
    if (good)
        memcpy(data, text.data, size);
    buf_fini(&text);
    return good;
}

/* ---- Exceptions ---- */

static void raise_exception(struct sites *, const char *kind, const char *site, json_t *evidence,
                            const char *format, ...) PRINTF_LIKE(5, 6);

static void
raise_exception(struct sites *s, const char *kind, const char *site, json_t *evidence,
                const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    log_warn("%s", text);
    (void)bus_publish(s->config.bus, "exception.raise",
                      json_pack("{ss ss ss so ss so}", "actor", "system/sync", "kind", kind,
                                "severity", "critical", "object", json_sprintf("journal/%s", site),
                                "text", text, "evidence", evidence));
    free(text);
}

/* ---- Whose journal is not what it was ---- */

/* A reader remembers more than we have: nothing that follows may be taken for what was lost. */
static void
on_lost(void *arg, const char *reader, uint64_t seq, bool replaced)
{
    struct sites *s = arg;
    struct diag diag;
    const struct journal_head *head = journal_head(s->config.journal);
    nsec_t now = clock_monotonic();
    if (s->lost_told && now - s->lost_told < LOST_PATIENCE)
        return; /* whoever asks for nonsense again and again is told, and nothing else happens */
    s->lost_told = now;
    bool begin = !replaced && !s->has_begun_epoch;
    s->has_begun_epoch |= begin;
    if (begin &&
        journal_begin_epoch(s->config.journal, 0, "system/sync",
                            "the journal was rolled back: another site remembers more of it", NULL,
                            NULL, &diag))
        log_error("no new epoch: %s", diag.text);
    raise_exception(
        s, replaced ? "journal-replaced" : "journal-rolled-back", s->config.site,
        json_pack("{ss so so}", "reader", reader, "known", json_sprintf("%" PRIu64, seq), "here",
                  json_sprintf("%" PRIu64, head->seq)),
        replaced ? "The journal of this site is another one than %s knows: its disk was replaced. "
                   "%s has %" PRIu64 " events of the old one."
                 : "The journal of this site was rolled back: %s knows it differently. %s has "
                   "%" PRIu64 " events.",
        reader, reader, seq);
}

static void
on_reset(void *arg, const char *site, uint64_t seq, bool replaced, const char *kept)
{
    struct sites *s = arg;
    size_t i = sites_find_peer(s, site);
    char *stop = file_name(s, site, ".reset");
    bool holds = s->config.centre;
    if (holds)
        write_file(stop, "", 0);
    raise_exception(
        s, replaced ? "journal-replaced" : "journal-rolled-back", site,
        json_pack("{so ss ss}", "known", json_sprintf("%" PRIu64, seq), "kept", kept, "holds",
                  holds ? stop : ""),
        "The journal of site %s is %s. The %" PRIu64 " events that were known of it are in %s.%s%s",
        site, replaced ? "another one: its disk was replaced" : "not what it was: rolled back", seq,
        kept, holds ? " The nodes keep what they have until somebody removes the file " : "",
        holds ? stop : "");
    free(stop);
    if (s->orders) /* what it orders is of a journal that we do not have yet */
        orders_close(s->orders, "the journal of the control centre is another one");
    s->config.reset(s->config.arg, &s->peers[i].id);
}

/* ---- The copies ---- */

static void
on_event(void *arg, const char *site, const struct journal_event *e)
{
    struct sites *s = arg;
    size_t i = sites_find_peer(s, site);
    s->config.event(s->config.arg, &s->peers[i].id, e);
    if (s->is_told && s->orders)
        orders_run(s->orders);
}

static void
on_ready(void *arg)
{
    struct sites *s = arg;
    s->config.ready(s->config.arg);
}

static void
set_ready(struct sites *s)
{
    if (s->is_ready)
        return;
    s->is_ready = true;
    timer_start(s->ready_timer, 0);
}

static void ask_secret(struct sites *);

/* What was complete once: a journal, and how far it was. A copy that has all of that is complete.
 */
struct marker {
    uint8_t id[JOURNAL_ID_SIZE];
    uint64_t seq;
};

static struct marker
marker_of(const struct sites *s)
{
    const struct sync_place *place = sync_follower_place(s->peers[0].follower);
    struct marker marker = {.seq = place->seq};
    memcpy(marker.id, place->id, sizeof marker.id);
    return marker;
}

static void
write_marker(const struct sites *s)
{
    char *path = file_name(s, s->config.centre, ".complete");
    struct marker marker = marker_of(s);
    write_file(path, &marker, sizeof marker);
    free(path);
}

static bool
was_complete(const struct sites *s)
{
    char *path = file_name(s, s->config.centre, ".complete");
    struct marker was, now = marker_of(s);
    bool complete = now.seq && read_file(path, &was, sizeof was) && was.seq <= now.seq &&
                    !memcmp(was.id, now.id, sizeof now.id);
    free(path);
    return complete;
}

/* The centre's journal is not what it was: somebody has to say that it is whole again. */
static bool
is_held(const struct sites *s)
{
    char *path = file_name(s, s->config.centre, ".reset");
    bool held = !access(path, F_OK);
    free(path);
    return held;
}

static void
on_changed(void *arg, const char *site)
{
    struct sites *s = arg;
    size_t i = sites_find_peer(s, site);
    struct sync_status status = sync_follower_status(s->peers[i].follower);
    if (!s->config.centre || status.state != SYNC_LEVEL || !status.seq)
        return;
    ask_secret(s);
    if (s->is_ready || is_held(s))
        return;
    write_marker(s);
    set_ready(s);
}

/* ---- What the centre asks of us ---- */

static uint64_t
known_of_centre(void *arg)
{
    const struct sites *s = arg;
    return sync_follower_status(s->peers[0].follower).seq;
}

static void
on_order_refused(void *arg, const char *subject, const char *why)
{
    struct sites *s = arg;
    char *reason = xasprintf("%s: %s", subject, why);
    refusals_note(s->refusals, &(struct refusal){"order", s->config.centre, "", reason},
                  clock_monotonic());
    free(reason);
}

static enum err
take_orders(struct sites *s, struct diag *diag)
{
    char *subjects[N_SERVED];
    const struct orders_config config = {.near = s->nats,
                                         .bus = s->config.bus,
                                         .site = s->config.site,
                                         .centre = s->config.centre,
                                         .subjects = (const char *const *)subjects,
                                         .n_subjects = N_SERVED,
                                         .known = known_of_centre,
                                         .refused = on_order_refused,
                                         .arg = s};
    if (!s->config.centre)
        return ERR_OK;
    for (size_t i = 0; i < N_SERVED; i++)
        subjects[i] = i < LAN_N_REQUESTS ? xasprintf("lan.%s", lan_request_names[i])
                                         : xstrdup(served[i - LAN_N_REQUESTS]);
    enum err err = orders_new(&config, &s->orders, diag);
    for (size_t i = 0; i < N_SERVED; i++)
        free(subjects[i]);
    return err;
}

/* ---- Who is refused ---- */

/* We are, or our broker is by us. */
static void
on_refused(void *arg, const char *what, const char *why)
{
    const struct sites *s = arg;
    refusals_note(s->refusals, &(struct refusal){what, s->config.site, s->config.url, why},
                  clock_monotonic());
}

/* Others are, by our broker. */
static void
on_stranger(void *arg, const struct nats_stranger *stranger)
{
    const struct sites *s = arg;
    char *reason = xasprintf("%s: %s", stranger->kind, stranger->reason);
    refusals_note(s->refusals,
                  &(struct refusal){"stranger", stranger->who, stranger->address, reason},
                  clock_monotonic());
    free(reason);
}

static void
on_closed(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct sites *s = arg;
    (void)nats_turned_away_take(&s->turned_away, m->payload, on_stranger, s);
}

static void
ask_broker(struct sites *s)
{
    (void)bus_nats_ask_broker(s->nats, "broker.connections", nats_turned_away_question(),
                              "broker.closed");
}

/* ---- How far controllers are ---- */

static void
tell_progress(struct sites *s, size_t i, const char *site, json_t *circuits, json_int_t plan)
{
    (void)bus_publish(s->peers[i].bus, "lan.progress",
                      json_pack("{ss sO sI}", "site", site, "circuits", circuits, "plan", plan));
}

/* Of our own controller: to everybody. */
static void
on_own_progress(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct sites *s = arg;
    json_t *circuits = json_object_get(m->payload, "circuits");
    json_int_t plan = json_integer_value(json_object_get(m->payload, "plan"));
    for (size_t i = 0; circuits && i < s->config.n_peers; i++) {
        for (const char *const *site = s->config.domain; *site; site++)
            tell_progress(s, i, *site, circuits, plan);
    }
}

/* Of another: a site speaks for itself, the centre for all. The centre passes it on. */
static void
on_progress(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct sites *s = arg;
    json_t *circuits = json_object_get(m->payload, "circuits");
    json_int_t plan = json_integer_value(json_object_get(m->payload, "plan"));
    const char *site = json_string_value(json_object_get(m->payload, "site"));
    char from[JOURNAL_SITE_MAX + 1] = "";
    if (sscanf(m->subject, "from.%64[^.]", from) != 1 || !json_is_array(circuits) || !site ||
        strcmp(from, s->config.centre ? s->config.centre : site) != 0)
        return;
    (void)bus_publish(s->config.bus, "lan.peer-progress",
                      json_pack("{ss sO sI}", "site", site, "circuits", circuits, "plan", plan));
    for (size_t i = 0; !s->config.centre && i < s->config.n_peers; i++) {
        if (strcmp(s->peers[i].id.name, from) != 0)
            tell_progress(s, i, site, circuits, plan);
    }
}

/* ---- The secret of discovery ---- */

static void
take_secret(struct sites *s, const void *secret)
{
    memcpy(s->secret, secret, sizeof s->secret);
    s->has_secret = true;
}

static void
on_secret_asked(void *arg, struct bus *bus, const struct bus_message *m)
{
    const struct sites *s = arg;
    struct buf text = BUF_INIT;
    char from[JOURNAL_SITE_MAX + 1] = "";
    if (sscanf(m->subject, "from.%64[^.]", from) != 1 || sites_find_peer(s, from) == SIZE_MAX) {
        bus_reply_error(bus, m->reply_to, ERR_DENIED, "this is no site of ours");
        return;
    }
    base64_put(&text, s->secret, sizeof s->secret);
    bus_reply(bus, m->reply_to, json_pack("{ss}", "secret", buf_cstr(&text)));
    buf_fini(&text);
}

static void
on_secret(void *arg, const struct call_result *result)
{
    struct sites *s = arg;
    const json_t *text = json_object_get(result->value, "secret");
    struct buf secret = buf_limited(LAN_SECRET_SIZE + 3);
    bool good = !result->err && json_is_string(text) &&
                !base64_parse(json_string_value(text), json_string_length(text), &secret) &&
                secret.size == LAN_SECRET_SIZE;
    if (good && (!s->has_secret || memcmp(s->secret, secret.data, LAN_SECRET_SIZE) != 0)) {
        char *path = file_name(s, "discovery", ".key");
        take_secret(s, secret.data);
        write_file(path, s->secret, sizeof s->secret);
        free(path);
        if (s->is_ready && s->is_told)
            s->config.ready(s->config.arg);
    }
    buf_fini(&secret);
}

static void
ask_secret(struct sites *s)
{
    (void)bus_request(s->peers[0].bus, "lan.secret", json_object(), SECRET_RETRY, on_secret, s,
                      NULL);
}

static enum err
load_secret(struct sites *s, struct diag *diag)
{
    char *path = file_name(s, "discovery", ".key");
    uint8_t secret[LAN_SECRET_SIZE];
    enum err err = ERR_OK;
    if (read_file(path, secret, sizeof secret)) {
        take_secret(s, secret);
    } else if (!s->config.centre) {
        if (getrandom(secret, sizeof secret, 0) != sizeof secret) {
            err = diag_set(diag, ERR_IO, "no random numbers");
        } else {
            take_secret(s, secret);
            write_file(path, secret, sizeof secret);
        }
    }
    free(path);
    return err;
}

bool
sites_secret(const struct sites *s, uint8_t secret[LAN_SECRET_SIZE])
{
    if (s->has_secret)
        memcpy(secret, s->secret, LAN_SECRET_SIZE);
    return s->has_secret;
}

/* ---- How they are ---- */

static void
on_status(void *arg, struct bus *bus, const struct bus_message *m)
{
    bus_reply(bus, m->reply_to, sites_json(arg));
}

/* ---- What is decided elsewhere ---- */

static void
on_decision(void *arg, struct bus *bus, const struct bus_message *m)
{
    const struct sites *s = arg;
    if (m->reply_to)
        bus_reply_error(bus, m->reply_to, ERR_CLOSED,
                        "%s: not decided at %s: ask the control centre (%s)", m->subject,
                        s->config.site, s->config.centre);
}

/* ---- Checkpoints of peers ---- */

static bool
find_copy(void *arg, const char *site, const char **path, uint64_t *seq)
{
    const struct sites *s = arg;
    size_t i = sites_find_peer(s, site);
    if (i == SIZE_MAX)
        return false;
    *path = sync_follower_path(s->peers[i].follower);
    *seq = sites_peer_status(s, i).seq;
    return true;
}

static enum err
witness_peers(struct sites *s, struct diag *diag)
{
    const struct witness_config config = {.loop = s->config.loop,
                                          .near = s->nats,
                                          .bus = s->config.bus,
                                          .journal = s->config.journal,
                                          .site = s->config.site,
                                          .secret = s->config.secret,
                                          .trust = s->config.trust,
                                          .directory = s->config.directory,
                                          .copy = find_copy,
                                          .arg = s};
    return s->config.secret ? witness_new(&config, &s->witness, diag) : ERR_OK;
}

/* ---- Life ---- */

static enum err
subscribe(struct sites *s, struct bus *bus, const char *subject, bus_message_fn *fn,
          struct diag *diag)
{
    enum err err = bus_subscribe(bus, subject, fn, s, &s->subscriptions[s->n_subscriptions]);
    if (err)
        return diag_set(diag, err, "%s: cannot be subscribed to", subject);
    s->n_subscriptions++;
    return ERR_OK;
}

static enum err
serve(struct sites *s, struct diag *diag)
{
    enum err err = subscribe(s, s->config.bus, "lan.progress", on_own_progress, diag);
    if (!err)
        err = subscribe(s, s->config.bus, "sites.status", on_status, diag);
    if (!err)
        err = subscribe(s, s->nats, "from.*.lan.progress", on_progress, diag);
    if (!err)
        err = subscribe(s, s->nats, "broker.closed", on_closed, diag);
    if (!err && !s->config.centre)
        err = subscribe(s, s->nats, "from.*.lan.secret", on_secret_asked, diag);
    static const char *const decisions[] = {"work.*", "model.*", "circuit.*"};
    bool elsewhere = s->config.centre && !s->config.decides;
    for (size_t i = 0; !err && elsewhere && i < ARRAY_SIZE(decisions); i++)
        err = subscribe(s, s->config.bus, decisions[i], on_decision, diag);
    return err ? err : take_orders(s, diag);
}

static enum err
open_broker(struct sites *s, struct diag *diag)
{
    const struct bus_nats_config config = {.url = s->config.url,
                                           .site = s->config.site,
                                           .name = "tielined",
                                           .credentials_file = s->config.credentials,
                                           .ca_file = s->config.ca,
                                           .cert_file = s->config.cert,
                                           .key_file = s->config.key,
                                           .refused = on_refused,
                                           .arg = s};
    enum err err = bus_nats_new(s->config.loop, &config, &s->nats, diag);
    if (err)
        diag_prefix(diag, "--bus %s", s->config.url);
    for (size_t i = 0; i < s->config.n_peers && !err; i++) {
        err = bus_nats_at(s->nats, s->peers[i].id.name, &s->peers[i].bus);
        if (err)
            diag_set(diag, err, "\"%s\" is not a site's name", s->peers[i].id.name);
        else if (!s->config.centre)
            err = asker_new(s->peers[i].bus, &s->peers[i].asker, diag);
    }
    return err;
}

static enum err
tell_others(struct sites *s, struct diag *diag)
{
    struct sync_reader *readers = xcalloc(s->config.n_peers, sizeof *readers);
    for (size_t i = 0; i < s->config.n_peers; i++)
        readers[i] = (struct sync_reader){s->peers[i].id.name, s->peers[i].bus};
    const struct sync_origin_config config = {.loop = s->config.loop,
                                              .journal = s->config.journal,
                                              .bus = s->nats,
                                              .readers = readers,
                                              .n_readers = s->config.n_peers,
                                              .lost = on_lost,
                                              .arg = s};
    enum err err = sync_origin_new(&config, &s->origin, diag);
    free(readers);
    return err;
}

static enum err
follow(struct sites *s, struct peer *p, struct diag *diag)
{
    const struct sync_follower_config config = {.loop = s->config.loop,
                                                .near = s->nats,
                                                .far = p->bus,
                                                .site = p->id.name,
                                                .directory = s->config.directory,
                                                .arg = s,
                                                .event = on_event,
                                                .reset = on_reset,
                                                .changed = on_changed};
    return sync_follower_new(&config, &p->follower, diag);
}

static void
on_timer(void *arg)
{
    struct sites *s = arg;
    if (s->orders)
        orders_run(s->orders);
    if (s->n_seconds++ % BROKER_LOOK == 0)
        ask_broker(s);
    if (s->config.centre && !s->has_secret)
        ask_secret(s);
    if (s->config.centre && !s->is_ready)
        on_changed(s, s->config.centre); /* it may be held no longer */
    timer_start(s->timer, NSEC_PER_SEC);
}

static void
prepare(struct sites *s, const struct sites_config *config)
{
    s->config = *config;
    s->refusals = refusals_new(config->journal);
    s->peers = xcalloc(config->n_peers, sizeof *s->peers);
    for (size_t i = 0; i < config->n_peers; i++)
        s->peers[i] = (struct peer){.sites = s, .id = config->peers[i]};
    s->timer = timer_new(config->loop, on_timer, s);
    s->ready_timer = timer_new(config->loop, on_ready, s);
}

enum err
sites_new(const struct sites_config *config, struct sites **made, struct diag *diag)
{
    struct sites *s = xcalloc(1, sizeof *s);
    prepare(s, config);
    enum err err = mkdir(config->directory, 0700) && errno != EEXIST
                       ? diag_set(diag, ERR_IO, "%s: %s", config->directory, strerror(errno))
                       : load_secret(s, diag);
    if (!err)
        err = open_broker(s, diag);
    if (!err)
        err = tell_others(s, diag);
    for (size_t i = 0; i < config->n_peers && !err; i++)
        err = follow(s, &s->peers[i], diag);
    if (!err)
        err = serve(s, diag);
    if (!err)
        err = witness_peers(s, diag);
    if (err) {
        sites_free(s);
        return err;
    }
    s->is_told = true;
    if (config->centre && was_complete(s) && !is_held(s))
        set_ready(s);
    timer_start(s->timer, NSEC_PER_SEC);
    *made = s;
    return ERR_OK;
}

static void call_free(struct call *);

void
sites_free(struct sites *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_subscriptions; i++)
        bus_unsubscribe(s->subscriptions[i]);
    orders_free(s->orders);
    while (s->calls) {
        asker_cancel(s->calls->asked, s->calls->request);
        call_free(s->calls);
    }
    witness_free(s->witness);
    for (size_t i = 0; i < s->config.n_peers; i++)
        sync_follower_free(s->peers[i].follower);
    sync_origin_free(s->origin);
    for (size_t i = 0; i < s->config.n_peers; i++) {
        asker_free(s->peers[i].asker);
        bus_free(s->peers[i].bus);
    }
    bus_free(s->nats);
    refusals_free(s->refusals);
    timer_free(s->timer);
    timer_free(s->ready_timer);
    free(s->peers);
    free(s);
}

/* ---- Who they are ---- */

size_t
sites_n_peers(const struct sites *s)
{
    return s->config.n_peers;
}

const struct site_peer *
sites_peer(const struct sites *s, size_t i)
{
    return &s->peers[i].id;
}

struct bus *
sites_peer_bus(const struct sites *s, size_t i)
{
    return s->peers[i].bus;
}

struct sync_status
sites_peer_status(const struct sites *s, size_t i)
{
    return sync_follower_status(s->peers[i].follower);
}

nsec_t
sites_peer_heard(const struct sites *s, size_t i)
{
    return sync_follower_heard(s->peers[i].follower);
}

size_t
sites_find_peer(const struct sites *s, const char *name)
{
    for (size_t i = 0; i < s->config.n_peers; i++) {
        if (!strcmp(s->peers[i].id.name, name))
            return i;
    }
    return SIZE_MAX;
}

enum err
sites_ask(struct sites *s, size_t i, const char *subject, json_t *payload, nsec_t timeout,
          call_done_fn *done, void *arg, uint64_t *id)
{
    return asker_ask(s->peers[i].asker, subject, payload, timeout, done, arg, id);
}

void
sites_cancel(struct sites *s, size_t i, uint64_t id)
{
    asker_cancel(s->peers[i].asker, id);
}

static void
call_free(struct call *c)
{
    DL_DELETE(c->sites->calls, c);
    free(c->reply_to);
    free(c);
}

static void
on_called(void *arg, const struct call_result *result)
{
    struct call *c = arg;
    struct bus *bus = c->sites->config.bus;
    if (result->err)
        bus_reply_error(bus, c->reply_to, result->err, "%s", result->text);
    else
        bus_reply(bus, c->reply_to, json_incref(result->value));
    call_free(c);
}

void
sites_pass_exception(void *arg, uint32_t number, const char *subject, json_t *payload,
                     const char *reply_to)
{
    struct sites *s = arg;
    size_t i = 0;
    while (i < s->config.n_peers && s->peers[i].id.number != number)
        i++;
    if (i == s->config.n_peers || !s->peers[i].asker) {
        bus_reply_error(s->config.bus, reply_to, ERR_NOT_FOUND, "no site has the number %" PRIu32,
                        number);
        return;
    }
    struct call *c = xcalloc(1, sizeof *c);
    *c = (struct call){
        .sites = s, .asked = s->peers[i].asker, .reply_to = reply_to ? xstrdup(reply_to) : NULL};
    DL_APPEND(s->calls, c);
    enum err err = asker_ask(c->asked, subject, json_incref(payload), 10 * NSEC_PER_SEC, on_called,
                             c, &c->request);
    if (!err)
        return;
    bus_reply_error(s->config.bus, reply_to, err, "%s", err_text(err));
    call_free(c);
}

json_t *
sites_json(const struct sites *s)
{
    json_t *list = json_array();
    struct bus_nats_status broker;
    char time[TIME_TEXT_SIZE];
    for (size_t i = 0; i < s->config.n_peers; i++) {
        struct sync_status status = sites_peer_status(s, i);
        struct sync_reader_status reader = sync_origin_reader(s->origin, i);
        json_array_append_new(
            list, json_pack("{ss si ss ss sI sI ss sI}", "site", s->peers[i].id.name, "number",
                            (int)s->peers[i].id.number, "state", sync_state_word(status.state),
                            "since", time_format(status.since, time), "events",
                            (json_int_t)status.seq, "events-there", (json_int_t)status.head, "why",
                            status.why, "knows-of-us", (json_int_t)reader.seq));
    }
    bus_nats_status(s->nats, &broker);
    return json_pack("{ss ss so s{sb ss sI ss}}", "site", s->config.site, "role",
                     s->config.centre ? "site" : "centre", "peers", list, "broker", "connected",
                     broker.connected, "since", time_format(broker.since, time), "reconnects",
                     (json_int_t)broker.reconnects, "last-error", broker.last_error);
}

enum err
sites_check_name(const char *name, struct diag *diag)
{
    enum err err = journal_site_check(name, diag);
    if (!err && strchr(name, '.'))
        err = diag_set(diag, ERR_INVALID, "site \"%s\": no \".\" where a bus leads to it", name);
    return err;
}

/* "sub-a=1" into `p`, which must differ from the others. */
static enum err
parse_peer(const char *text, const struct site_peer *others, size_t n, struct site_peer *p,
           struct diag *diag)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;
    char *end;
    if (!equals)
        return diag_set(diag, ERR_INVALID, "--peers: \"%s\": NAME=NUMBER is expected", text);
    unsigned long number = strtoul(equals + 1, &end, 10);
    if (!isdigit((unsigned char)equals[1]) || *end || !number || number >= SITES_MAX)
        return diag_set(diag, ERR_INVALID, "--peers: \"%s\": its number is not one from 1 to %d",
                        text, SITES_MAX - 1);
    char *name = xstrndup(text, length);
    enum err err = sites_check_name(name, diag);
    if (err)
        diag_prefix(diag, "--peers");
    else
        snprintf(p->name, sizeof p->name, "%s", name);
    free(name);
    p->number = (uint32_t)number;
    for (size_t i = 0; i < n && !err; i++) {
        if (!strcmp(others[i].name, p->name))
            err = diag_set(diag, ERR_INVALID, "--peers: site %s is there twice", p->name);
        else if (others[i].number == p->number)
            err = diag_set(diag, ERR_INVALID, "--peers: %s and %s have the same number %u",
                           others[i].name, p->name, p->number);
    }
    return err;
}

enum err
sites_parse_peers(const char *text, struct site_peer **peers, size_t *n, struct diag *diag)
{
    struct site_peer *list = NULL;
    size_t count = 0, capacity = 0;
    for (const char *at = *text ? text : NULL; at;) {
        size_t length = strcspn(at, ",");
        struct site_peer p = {.number = 0};
        char *one = xstrndup(at, length);
        enum err err = parse_peer(one, list, count, &p, diag);
        free(one);
        if (err) {
            free(list);
            return err;
        }
        GROW(list, count, capacity);
        list[count++] = p;
        at = at[length] ? at + length + 1 : NULL;
    }
    *peers = list;
    *n = count;
    return ERR_OK;
}
