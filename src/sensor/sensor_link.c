#include "sensor/sensor_link.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/address.h"
#include "io/clock.h"
#include "io/jsontext.h"
#include "io/reconnect.h"
#include "io/rpc.h"
#include "io/timer.h"
#include "sensor/circuits_in.h"
#include "sensor/outbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define LINE_LIMIT ((size_t)256 << 10)
#define UNDER_WAY 32                 /* calls, at most */
#define PATIENCE (30 * NSEC_PER_SEC) /* else the connection is worth nothing */
#define HOLD_OFF NSEC_PER_SEC        /* after tielined could not take something */
#define STATUS_EVERY (5 * NSEC_PER_SEC)
#define ASSETS 16384
#define ASSET_OCTETS ((size_t)16 << 20)
#define TRAFFIC 64
#define RATE 20
#define ASKS_WAITING 32 /* questions that wait for their turn */

enum kind { ALERT, ASSET, REPORT, KINDS };

static const struct {
    const char *method, *member; /* NULL: the text is all of the parameters */
} kinds[KINDS] = {
    [ALERT] = {"sensor.alert", "alert"},
    [ASSET] = {"sensor.asset", "asset"},
    [REPORT] = {"sensor.traffic", NULL},
};

/* A question of tielined's that waits. */
struct ask {
    struct rpc_request *request;
    const char *method; /* static */
    json_t *params;
    struct ask *prev, *next;
};

struct sensor_link {
    struct sensor_link_config config; /* its texts are ours */
    char *address, *server_name, *name, *version;
    struct outbox *boxes[KINDS];
    struct reconnect reconnect;
    struct timer *timer;   /* to connect; once connected, for the status */
    struct timer *pump;    /* goes on with what waits */
    struct stream *stream; /* while connecting */
    struct rpc *rpc;
    bool is_in; /* has said hello */
    unsigned under_way;
    nsec_t hold;  /* nothing is sent before */
    nsec_t spent; /* when the rate allows the next asset or report */
    struct ask *asks;
    unsigned n_asks;
    struct timer *turn; /* of the next of them */
    uint64_t reports;
    struct circuits_in circuits;
    struct sensor_link_counters counters;
    uint64_t dropped_told[OUTBOX_WEIGHTS], dropped_telling[OUTBOX_WEIGHTS];
};

/* A call under way. */
struct told {
    struct sensor_link *link;
    enum kind kind;
    uint64_t number;
};

static void send_what_waits(void *arg);

/* ---- The connection ---- */

static void
schedule(struct sensor_link *l)
{
    nsec_t wake = reconnect_wake(&l->reconnect);
    if (wake != NSEC_NEVER)
        timer_start(l->timer, wake - clock_monotonic());
}

static void
lost(struct sensor_link *l, const char *reason)
{
    if (l->is_in || !l->reconnect.failures)
        log_warn("tielined at %s: %s", l->address, reason);
    l->is_in = false;
    l->under_way = 0;
    circuits_in_forget(&l->circuits);
    for (unsigned i = 0; i < KINDS; i++)
        outbox_retry_all(l->boxes[i]);
    reconnect_lost(&l->reconnect, clock_monotonic());
    schedule(l);
}

/* Calls that wait end before. */
static void
on_closed(void *arg, struct rpc *rpc, enum err err UNUSED, const char *reason)
{
    struct sensor_link *l = arg;
    l->rpc = NULL;
    lost(l, reason);
    rpc_free(rpc);
}

static void
hang_up(struct sensor_link *l, const char *reason)
{
    struct rpc *rpc = l->rpc;
    l->rpc = NULL;
    lost(l, reason);
    rpc_free(rpc);
}

/* ---- What tielined says ---- */

static void
on_circuits(void *arg, struct rpc_request *request, json_t *params)
{
    struct sensor_link *l = arg;
    struct diag diag = {""};
    json_t *whole;
    enum err err = circuits_in_take(&l->circuits, params, &whole, &diag);
    if (err) {
        rpc_fail(request, err, "%s", diag.text);
        return;
    }
    if (whole && l->config.circuits)
        l->config.circuits(l->config.arg, whole);
    json_decref(whole);
    rpc_reply(request, NULL);
}

/* ---- What it asks ---- */

static void
end_ask(struct sensor_link *l, struct ask *a)
{
    DL_DELETE(l->asks, a);
    l->n_asks--;
    json_decref(a->params);
    free(a);
}

/* Of those that asked and have gone nobody waits for the answer. */
static void
answer_next(void *arg)
{
    struct sensor_link *l = arg;
    struct ask *a = l->asks;
    struct diag diag = {""};
    json_t *answer = NULL;
    if (!a)
        return;
    struct rpc_request *request = a->request;
    bool is_waited_for = rpc_request_connection(request);
    enum err err = is_waited_for
                       ? l->config.asked(l->config.arg, a->method, a->params, &answer, &diag)
                       : ERR_CLOSED;
    end_ask(l, a);
    timer_start(l->turn, is_waited_for ? NSEC_PER_SEC / SENSOR_LINK_ASKS : 0);
    if (!err) {
        rpc_reply(request, answer);
        return;
    }
    rpc_fail(request, err, "%s", diag.text);
    json_decref(answer);
}

static void
put_ask(struct sensor_link *l, const char *method, struct rpc_request *request, json_t *params)
{
    if (!l->config.asked || l->n_asks >= ASKS_WAITING) {
        rpc_fail(request, l->config.asked ? ERR_BUSY : ERR_UNSUPPORTED, "%s",
                 l->config.asked ? "too much is asked at once" : "nothing can be asked of it");
        return;
    }
    struct ask *a = xcalloc(1, sizeof *a);
    *a = (struct ask){.request = request, .method = method, .params = json_incref(params)};
    DL_APPEND(l->asks, a);
    l->n_asks++;
    if (!timer_is_armed(l->turn))
        timer_start(l->turn, 0);
}

static void
on_habits(void *arg, struct rpc_request *request, json_t *params)
{
    put_ask(arg, "sensor.habits", request, params);
}

static void
on_habit(void *arg, struct rpc_request *request, json_t *params)
{
    put_ask(arg, "sensor.habit", request, params);
}

static const struct rpc_method methods[] = {
    {"sensor.habits", "{address?, after?, limit?}",
     "Who talks with whom, and how, as it was learned: a page of it.", on_habits},
    {"sensor.habit", "{order, client, server, protocol?, function?, by, why}",
     "That something of this is fine, or is to be new again.", on_habit},
    {"sensor.circuits", "{generation, part, parts, circuits, hosts?, own?}",
     "The circuits that the sensor may see, a piece of them.", on_circuits},
};

/* ---- What it is told ---- */

static bool
is_for_good(enum err err)
{
    return err == ERR_INVALID || err == ERR_MALFORMED || err == ERR_LIMIT || err == ERR_UNSUPPORTED;
}

static void
on_told(void *arg, const struct call_result *result)
{
    struct told t = *(struct told *)arg;
    struct sensor_link *l = t.link;
    free(arg);
    if (!l->rpc) /* lost() has seen to it */
        return;
    l->under_way--;
    if (!result->err) {
        outbox_done(l->boxes[t.kind], t.number);
        l->counters.acknowledged += t.kind == ALERT;
    } else if (is_for_good(result->err)) {
        log_warn("tielined refuses what is told by %s: %s", kinds[t.kind].method, result->text);
        outbox_refuse(l->boxes[t.kind], t.number);
        l->counters.refused += t.kind == ALERT;
    } else {
        outbox_retry(l->boxes[t.kind], t.number);
        l->hold = clock_monotonic() + HOLD_OFF;
    }
    if (result->err == ERR_TIMEOUT)
        hang_up(l, "no answer");
    else
        timer_start(l->pump, 0);
}

static bool
tell_one(struct sensor_link *l, enum kind kind)
{
    size_t size;
    uint64_t number;
    struct diag diag;
    json_t *json = NULL;
    const char *text = outbox_next(l->boxes[kind], &size, &number);
    if (!text)
        return false;
    if (jsontext_parse(text, size, &json, &diag)) { /* it was read before */
        outbox_refuse(l->boxes[kind], number);
        return true;
    }
    if (kinds[kind].member)
        json = json_pack("{so}", kinds[kind].member, json);
    struct told *t = xmalloc(sizeof *t);
    *t = (struct told){l, kind, number};
    l->under_way++;
    if (rpc_call(l->rpc, kinds[kind].method, json, l->config.patience, on_told, t, NULL)) {
        l->under_way--;
        outbox_retry(l->boxes[kind], number);
        l->hold = clock_monotonic() + HOLD_OFF;
        free(t);
        return false;
    }
    return true;
}

/* Alerts first; what is not one only as the rate allows. */
static void
send_what_waits(void *arg)
{
    struct sensor_link *l = arg;
    nsec_t now = clock_monotonic(), each = NSEC_PER_SEC / l->config.rate;
    if (!l->is_in)
        return;
    if (now < l->hold) {
        timer_start(l->pump, l->hold - now);
        return;
    }
    while (l->under_way < UNDER_WAY && now >= l->hold && tell_one(l, ALERT))
        continue;
    if (l->spent < now - NSEC_PER_SEC)
        l->spent = now - NSEC_PER_SEC;
    while (l->under_way < UNDER_WAY && l->spent <= now && now >= l->hold &&
           (tell_one(l, REPORT) || tell_one(l, ASSET)))
        l->spent += each;
    if (l->spent > now && (outbox_number(l->boxes[ASSET]) || outbox_number(l->boxes[REPORT])))
        timer_start(l->pump, l->spent - now);
}

/* ---- Hello, and that it lives ---- */

static uint64_t
number_of(const json_t *json, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(json, name));
    return n > 0 ? (uint64_t)n : 0;
}

static void
on_status_told(void *arg, const struct call_result *result)
{
    struct sensor_link *l = arg;
    if (l->rpc && !result->err)
        memcpy(l->dropped_told, l->dropped_telling, sizeof l->dropped_told);
    if (l->rpc && result->err == ERR_TIMEOUT)
        hang_up(l, "no answer");
}

/* What was dropped since the last one that was answered. */
static json_t *
status_json(struct sensor_link *l)
{
    static const char *const words[] = {"low", "medium", "high", "critical"};
    struct sensor_link_counters c;
    json_t *dropped = json_object();
    sensor_link_count(l, &c);
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        l->dropped_telling[i] = c.dropped[i];
        json_object_set_new(dropped, words[i],
                            json_integer((json_int_t)(c.dropped[i] - l->dropped_told[i])));
    }
    return json_pack("{so sI sI sI sI}", "dropped", dropped, "waiting", (json_int_t)c.waiting,
                     "refused", (json_int_t)c.refused, "assets-dropped",
                     (json_int_t)c.assets_dropped, "traffic-dropped",
                     (json_int_t)c.traffic_dropped);
}

static void
tell_status(struct sensor_link *l)
{
    (void)rpc_call(l->rpc, "sensor.status", status_json(l), l->config.patience, on_status_told, l,
                   NULL);
    timer_start(l->timer, STATUS_EVERY);
}

static void
on_hello(void *arg, const struct call_result *result)
{
    struct sensor_link *l = arg;
    if (!l->rpc)
        return;
    if (result->err) {
        hang_up(l, result->text);
        return;
    }
    l->is_in = true;
    l->counters.connections++;
    log_info("tielined at %s listens", l->address);
    if (l->config.known)
        l->config.known(l->config.arg, number_of(result->value, "last-alert"),
                        number_of(result->value, "last-incident"));
    tell_status(l);
    send_what_waits(l);
}

static void
on_opened(void *arg, struct stream *stream)
{
    struct sensor_link *l = arg;
    const struct rpc_config config = {.methods = methods,
                                      .n_methods = ARRAY_SIZE(methods),
                                      .closed = on_closed,
                                      .arg = l,
                                      .line_limit = LINE_LIMIT,
                                      .call_limit = 2 * UNDER_WAY};
    l->stream = NULL;
    l->rpc = rpc_new(l->config.loop, stream, &config);
    reconnect_connected(&l->reconnect, clock_monotonic());
    enum err err = rpc_call(l->rpc, "sensor.hello",
                            json_pack("{ss ss}", "name", l->name, "version", l->version),
                            l->config.patience, on_hello, l, NULL);
    if (err)
        hang_up(l, err_text(err));
}

static void
on_refused(void *arg, struct stream *stream, enum err err UNUSED, const char *reason)
{
    struct sensor_link *l = arg;
    l->stream = NULL;
    lost(l, reason);
    stream_free(stream);
}

static const struct stream_handler handler = {.opened = on_opened, .closed = on_refused};

static void
on_timer(void *arg)
{
    struct sensor_link *l = arg;
    struct diag diag;
    const struct stream_config config = {
        .address = l->address, .tls = l->config.tls, .peer_name = l->server_name};
    if (l->rpc) {
        if (l->is_in)
            tell_status(l);
        return;
    }
    if (reconnect_run(&l->reconnect, clock_monotonic()) &&
        stream_connect(l->config.loop, &config, &handler, l, &l->stream, &diag)) {
        l->stream = NULL;
        lost(l, diag.text);
        return;
    }
    schedule(l);
}

/* ---- What is put in ---- */

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

static enum err
read_object(const char *text, size_t size, json_t **json, struct diag *diag)
{
    if (size > SENSOR_LINK_TEXT)
        return diag_set(diag, ERR_LIMIT, "%zu octets are more than %d", size, SENSOR_LINK_TEXT);
    enum err err = jsontext_parse(text, size, json, diag);
    if (!err && !json_is_object(*json)) {
        json_decref(*json);
        err = diag_set(diag, ERR_MALFORMED, "an object is expected");
    }
    return err;
}

static void
put(struct sensor_link *l, enum kind kind, const char *key, unsigned weight, const char *text,
    size_t size)
{
    (void)outbox_put(l->boxes[kind], key, weight, text, size);
    if (l->is_in && !timer_is_armed(l->pump))
        timer_start(l->pump, 0);
}

enum err
sensor_link_put_alert(struct sensor_link *l, const char *text, size_t size, struct diag *diag)
{
    static const char *const words[] = {"low", "medium", "high", "critical"};
    json_t *json;
    enum err err = read_object(text, size, &json, diag);
    if (err)
        return err;
    const char *id = text_of(json, "id"), *severity = text_of(json, "severity");
    unsigned weight = 0;
    while (weight < ARRAY_SIZE(words) && strcmp(words[weight], severity) != 0)
        weight++;
    if (!*id || weight == ARRAY_SIZE(words))
        err = diag_set(diag, ERR_MALFORMED,
                       "an alert has an id, and a severity of low to critical");
    else
        put(l, ALERT, id, weight, text, size);
    json_decref(json);
    return err;
}

enum err
sensor_link_put_asset(struct sensor_link *l, const char *text, size_t size, struct diag *diag)
{
    json_t *json;
    enum err err = read_object(text, size, &json, diag);
    if (err)
        return err;
    json_int_t member = json_integer_value(json_object_get(json, "member"));
    char *key = xasprintf("%s/%" JSON_INTEGER_FORMAT, text_of(json, "address"), member);
    if (!*text_of(json, "address"))
        err = diag_set(diag, ERR_MALFORMED, "an asset has an address");
    else
        put(l, ASSET, key, 0, text, size);
    free(key);
    json_decref(json);
    return err;
}

enum err
sensor_link_put_traffic(struct sensor_link *l, const char *text, size_t size, struct diag *diag)
{
    char key[32];
    json_t *json;
    enum err err = read_object(text, size, &json, diag);
    if (err)
        return err;
    json_decref(json);
    snprintf(key, sizeof key, "%" PRIu64, ++l->reports);
    put(l, REPORT, key, 0, text, size);
    return ERR_OK;
}

/* ---- Life ---- */

bool
sensor_name_is_valid(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t length = strlen(name), i = 0;
    while (i < length && strchr(letters, name[i]))
        i++;
    if (!i || length > 63)
        return false;
    while (i < length && (strchr(letters, name[i]) || strchr("._-", name[i])))
        i++;
    return i == length;
}

enum err
sensor_link_new(const struct sensor_link_config *config, struct sensor_link **result,
                struct diag *diag)
{
    union address address;
    enum err err = address_parse(config->address, &address, diag);
    if (err)
        return err;
    if (!sensor_name_is_valid(config->name))
        return diag_set(diag, ERR_INVALID, "\"%s\" is no name of a sensor", config->name);
    if (address.any.sa_family != AF_UNIX && !config->tls)
        return diag_set(diag, ERR_INVALID, "%s: over a network only with TLS", config->address);
    struct sensor_link *l = xcalloc(1, sizeof *l);
    l->config = *config;
    if (address.any.sa_family == AF_UNIX)
        l->config.tls = NULL;
    l->address = xstrdup(config->address);
    l->server_name = l->config.tls && config->server_name ? xstrdup(config->server_name) : NULL;
    l->name = xstrdup(config->name);
    l->version = xstrdup(config->version);
    l->config.rate = config->rate ? config->rate : RATE;
    l->config.patience = config->patience ? config->patience : PATIENCE;
    l->boxes[ALERT] = outbox_new(config->alerts ? config->alerts : SENSOR_LINK_ALERTS,
                                 config->octets ? config->octets : SENSOR_LINK_OCTETS);
    l->boxes[ASSET] = outbox_new(ASSETS, ASSET_OCTETS);
    l->boxes[REPORT] = outbox_new(TRAFFIC, TRAFFIC * (size_t)SENSOR_LINK_TEXT);
    l->timer = timer_new(config->loop, on_timer, l);
    l->pump = timer_new(config->loop, send_what_waits, l);
    l->turn = timer_new(config->loop, answer_next, l);
    nsec_t now = clock_monotonic();
    reconnect_init(&l->reconnect, &(struct reconnect_config){.seed = (uint64_t)now}, now);
    timer_start(l->timer, 0);
    *result = l;
    return ERR_OK;
}

void
sensor_link_free(struct sensor_link *l)
{
    if (!l)
        return;
    struct rpc *rpc = l->rpc;
    l->rpc = NULL;
    while (l->asks) {
        rpc_fail(l->asks->request, ERR_CLOSED, "the sensor ends");
        end_ask(l, l->asks);
    }
    stream_free(l->stream);
    rpc_free(rpc);
    timer_free(l->timer);
    timer_free(l->pump);
    timer_free(l->turn);
    circuits_in_forget(&l->circuits);
    for (unsigned i = 0; i < KINDS; i++)
        outbox_free(l->boxes[i]);
    free(l->address);
    free(l->server_name);
    free(l->name);
    free(l->version);
    free(l);
}

bool
sensor_link_is_up(const struct sensor_link *l)
{
    return l->is_in;
}

bool
sensor_link_is_done(const struct sensor_link *l)
{
    for (unsigned i = 0; i < KINDS; i++) {
        if (outbox_number(l->boxes[i]))
            return false;
    }
    return true;
}

void
sensor_link_count(const struct sensor_link *l, struct sensor_link_counters *c)
{
    *c = l->counters;
    const struct outbox_counters *alerts = outbox_counters(l->boxes[ALERT]);
    for (unsigned i = 0; i < OUTBOX_WEIGHTS; i++)
        c->dropped[i] = alerts->dropped[i];
    c->assets_dropped = outbox_counters(l->boxes[ASSET])->dropped[0];
    c->traffic_dropped = outbox_counters(l->boxes[REPORT])->dropped[0];
    c->waiting = outbox_number(l->boxes[ALERT]);
}
