/* What run.py drives: the provisioning machine and the search for drift over real connections.
 * Reads one JSON object a line on standard input and answers each with one on standard output.
 *
 *     {"op": "open", "device": "pe2", "port": 8301, "user": "root", "key": ..., "hosts": ...}
 *     {"op": "plan", "services": FILE, "id": "ems", "as": "v1", "platform": {"pe2": "ietf"}}
 *     {"op": "provision", "before": "v1" | null, "now": "v2" | null, ..., "verify": "yes|no|never"}
 *     {"op": "drift", "plan": "v1", "device": "pe2"}
 *     {"op": "lines", "before": TEXT, "now": TEXT}      what to type at vtysh
 *     {"op": "compare", "want": TEXT, "have": TEXT}      drift of lines
 *     {"op": "rpc", "device": "pe2", "operation": "get-schema", "identifier": ...} */
#include "wan/provision_run.h"
#include "wan/vpn_lines.h"
#include "wan/vpn_plan.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/file.h"
#include "io/jsontext.h"
#include "proto/netconf/netconf_notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES_MAX 8
#define PLANS_MAX 16

static uv_loop_t loop;
static struct {
    char *name;
    struct netconf_client *client;
} devices[DEVICES_MAX];
static size_t n_devices;
static struct {
    char *name;
    struct vpn_plan *plan;
} plans[PLANS_MAX];
static size_t n_plans;

static bool answered;
static unsigned n_notifications;

static const char *
text_of(const json_t *order, const char *name)
{
    return json_string_value(json_object_get(order, name));
}

static void
answer(json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    puts(text);
    fflush(stdout);
    free(text);
    json_decref(value);
    answered = true;
}

static void
answer_error(enum err err, const char *text)
{
    answer(json_pack("{s:s, s:s}", "err", err_name(err), "text", text));
}

static void
on_down(void *arg, struct netconf_client *c, enum err err, const char *reason)
{
    (void)arg;
    fprintf(stderr, "%s: %s: %s\n", netconf_client_name(c), err_name(err), reason);
}

static void
on_notified(void *arg, struct netconf_client *c, const struct netconf_message *message)
{
    struct arena *arena = arena_new((size_t)1 << 20);
    struct netconf_notice notice;
    (void)arg;
    n_notifications++;
    if (!netconf_notice_parse(message, arena, &notice) && notice.kind == NETCONF_CONFIG_CHANGE)
        fprintf(stderr, "%s: session %u, %s: %s %s\n", netconf_client_name(c), notice.session_id,
                notice.user, notice.n_edits ? notice.edits[0].operation : "",
                notice.n_edits ? notice.edits[0].target : "");
    arena_free(arena);
}

static struct netconf_client *
client_of(const char *name)
{
    for (size_t i = 0; name && i < n_devices; i++) {
        if (!strcmp(devices[i].name, name))
            return devices[i].client;
    }
    return NULL;
}

static const struct vpn_plan *
plan_of(const char *name)
{
    for (size_t i = 0; name && i < n_plans; i++) {
        if (!strcmp(plans[i].name, name))
            return plans[i].plan;
    }
    return NULL;
}

static void
open_device(const json_t *order)
{
    static const struct netconf_client_handler handler = {.down = on_down, .notified = on_notified};
    struct netconf_client_config config = {
        .name = text_of(order, "device"),
        .ssh = {.host = text_of(order, "host"),
                .port = (uint16_t)json_integer_value(json_object_get(order, "port")),
                .user = text_of(order, "user"),
                .key_file = text_of(order, "key"),
                .known_hosts_file = text_of(order, "hosts")},
        .address = text_of(order, "address"),
        .session = {.request_timeout = 20 * NSEC_PER_SEC, .keepalive_interval = NSEC_PER_SEC}};
    struct diag diag = {""};
    struct tls_config identity = {text_of(order, "ca"), text_of(order, "cert"),
                                  text_of(order, "cert_key")};
    if (identity.ca_file && tls_new(&identity, &config.tls, &diag)) {
        answer_error(ERR_INVALID, diag.text);
        return;
    }
    config.peer_name = text_of(order, "peer");
    devices[n_devices].name = xstrdup(config.name);
    enum err err = netconf_client_new(&loop, &config, &handler, NULL, &devices[n_devices].client,
                                      &diag);
    n_devices += !err;
    tls_free(config.tls);
    answer_error(err, diag.text);
}

static enum err
make_plan(const json_t *order, struct diag *diag)
{
    struct arena *arena = arena_new((size_t)16 << 20);
    struct vpn_catalog *catalog = vpn_catalog_new();
    struct vpn_services services = {0};
    struct vpn_device platforms[DEVICES_MAX];
    size_t n_platforms = 0;
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(order, "platform"), name, value)
        platforms[n_platforms++] = (struct vpn_device){name, json_string_value(value)};
    enum err err = vpn_catalog_load(catalog, TIELINE_SOURCE_DIR "/etc/vpn", diag);
    if (!err)
        err = vpn_services_from_json(json_object_get(order, "services"), arena, &services, diag);
    if (!err)
        err = vpn_plan_make(catalog, &services.services[0], platforms, n_platforms,
                            &plans[n_plans].plan, diag);
    if (!err)
        plans[n_plans++].name = xstrdup(text_of(order, "as"));
    vpn_catalog_free(catalog);
    arena_free(arena);
    return err;
}

static void
plan_service(const json_t *order)
{
    struct diag diag = {""};
    enum err err = make_plan(order, &diag);
    if (err) {
        answer_error(err, diag.text);
        return;
    }
    const struct vpn_plan *plan = plans[n_plans - 1].plan;
    json_t *list = json_object();
    for (uint32_t i = 0; i < plan->n; i++)
        json_object_set_new(list, plan->devices[i].ne_id, json_string(plan->devices[i].text));
    answer(json_pack("{s:s, s:o}", "err", "ERR_OK", "devices", list));
}

static const char *verdict;

static void
on_verify(void *arg, struct provision_run *run)
{
    (void)arg;
    if (!strcmp(verdict, "die"))
        _exit(3);
    if (strcmp(verdict, "never"))
        provision_run_verified(run, strcmp(verdict, "no") ? ERR_OK : ERR_CONFLICT,
                               "the test says so");
}

static void
on_done(void *arg, struct provision_run *run, enum err err, const char *text)
{
    size_t n = *(size_t *)arg;
    json_t *list = json_object();
    for (size_t i = 0; i < n; i++) {
        struct provision_report report;
        provision_report(provision_run_machine(run), i, &report);
        json_object_set_new(
            list, report.name,
            json_pack("{s:s, s:s, s:s, s:s}", "outcome", provision_outcome_name(report.outcome),
                      "err", err_name(report.err), "text", report.text, "edit", report.edit));
    }
    answer(json_pack("{s:s, s:s, s:o}", "err", err_name(err), "text", text, "devices", list));
    provision_run_free(run);
}

static void
provision(const json_t *order)
{
    static const struct provision_run_handler handler = {on_verify, on_done};
    static size_t n;
    const struct vpn_plan *before = plan_of(text_of(order, "before"));
    const struct vpn_plan *now = plan_of(text_of(order, "now"));
    const struct vpn_plan *any = now ? now : before;
    struct provision_run_device list[DEVICES_MAX];
    struct provision_config config = {
        .marker = any->marker,
        .name = any->name,
        .persist = text_of(order, "persist") ? text_of(order, "persist") : "tieline-test",
        .dry_run = json_is_true(json_object_get(order, "dry_run")),
        .restore = json_is_true(json_object_get(order, "restore")),
        .confirm_timeout_s = (uint32_t)json_integer_value(json_object_get(order, "timeout")),
        .lock_timeout = json_integer_value(json_object_get(order, "lock_timeout_ms")) *
                        NSEC_PER_MSEC};
    verdict = text_of(order, "verify") ? text_of(order, "verify") : "yes";
    n = 0;
    for (uint32_t i = 0; i < any->n; i++) {
        const char *name = any->devices[i].ne_id;
        const struct vpn_device_plan *old = vpn_plan_device(before, name);
        const struct vpn_device_plan *new = vpn_plan_device(now, name);
        list[n++] = (struct provision_run_device){
            {name, old ? old->config : NULL, new ? new->config : NULL}, client_of(name)};
    }
    provision_run_new(&loop, &config, list, n, &handler, &n);
}

static void
on_drift(void *arg, enum err err, const char *text, const struct vpn_differences *found)
{
    (void)arg;
    json_t *list = json_array();
    for (uint32_t i = 0; i < found->n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "kind",
                                              vpn_drift_name(found->list[i].kind), "path",
                                              found->list[i].path, "want", found->list[i].want,
                                              "have", found->list[i].have));
    answer(json_pack("{s:s, s:s, s:o}", "err", err_name(err), "text", text, "found", list));
}

static void
on_rpc(void *arg, const struct netconf_result *result)
{
    struct buf text = BUF_INIT;
    (void)arg;
    if (result->message)
        netconf_xml_put(&text, result->message->root);
    answer(json_pack("{s:s, s:s, s:s, s:i}", "err", err_name(result->err), "text", result->text,
                     "reply", buf_cstr(&text), "notifications", n_notifications));
    buf_fini(&text);
}

static void
rpc(const json_t *order)
{
    struct netconf_request request = {.operation = NETCONF_RPC,
                                      .identifier = text_of(order, "identifier"),
                                      .config = text_of(order, "config"),
                                      .filter = text_of(order, "filter"),
                                      .xpath = text_of(order, "xpath"),
                                      .stream = text_of(order, "stream"),
                                      .body = text_of(order, "body")};
    const char *target = text_of(order, "target");
    for (int i = NETCONF_GET; i < NETCONF_RPC; i++) {
        if (!strcmp(netconf_operation_name((enum netconf_operation)i), text_of(order, "operation")))
            request.operation = (enum netconf_operation)i;
    }
    request.target = target && !strcmp(target, "candidate") ? NETCONF_CANDIDATE_STORE
                                                            : NETCONF_RUNNING;
    enum err err = netconf_client_request(client_of(text_of(order, "device")), &request, 0, 0,
                                          on_rpc, NULL);
    if (err)
        answer_error(err, "");
}

/* Many at once: how long do they take, and does each end once? */
static unsigned n_asked, n_ended, n_failed;

static void
on_one(void *arg, const struct netconf_result *result)
{
    (void)arg;
    n_ended++;
    n_failed += result->err != ERR_OK;
    if (n_ended == n_asked)
        answer(json_pack("{s:s, s:i, s:i}", "err", "ERR_OK", "ended", (int)n_ended, "failed",
                         (int)n_failed));
}

static void
many(const json_t *order)
{
    struct netconf_request request = {.operation = NETCONF_GET_CONFIG, .filter = ""};
    n_ended = n_failed = 0;
    n_asked = (unsigned)json_integer_value(json_object_get(order, "n"));
    for (unsigned i = 0; i < n_asked; i++) {
        if (netconf_client_request(client_of(text_of(order, "device")), &request, 0, 0, on_one,
                                   NULL))
            abort();
    }
}

static void
lines(const json_t *order, const char *op)
{
    struct buf text = BUF_INIT;
    if (!strcmp(op, "lines"))
        vpn_lines_change(text_of(order, "before"), text_of(order, "now"), &text);
    else
        vpn_lines_compare(text_of(order, "want"), text_of(order, "have"), &text);
    answer(json_pack("{s:s, s:s}", "err", "ERR_OK", "text", buf_cstr(&text)));
    buf_fini(&text);
}

static void
obey(const json_t *order)
{
    const char *op = text_of(order, "op");
    const struct vpn_plan *plan = plan_of(text_of(order, "plan"));
    if (!strcmp(op, "open"))
        open_device(order);
    else if (!strcmp(op, "plan"))
        plan_service(order);
    else if (!strcmp(op, "provision"))
        provision(order);
    else if (!strcmp(op, "drift"))
        drift_check(client_of(text_of(order, "device")),
                    vpn_plan_device(plan, text_of(order, "device"))->config, on_drift, NULL);
    else if (!strcmp(op, "rpc"))
        rpc(order);
    else if (!strcmp(op, "lines") || !strcmp(op, "compare"))
        lines(order, op);
    else if (!strcmp(op, "many"))
        many(order);
    else
        abort();
}

int
main(void)
{
    static char line[1 << 20];
    log_init("driver", LOG_INFO);
    uv_loop_init(&loop);
    while (fgets(line, sizeof line, stdin)) {
        json_t *order;
        struct diag diag;
        if (jsontext_parse(line, strcspn(line, "\n"), &order, &diag)) {
            fprintf(stderr, "%s\n", diag.text);
            return 1;
        }
        answered = false;
        obey(order);
        while (!answered)
            uv_run(&loop, UV_RUN_ONCE);
        json_decref(order);
    }
    for (size_t i = 0; i < n_devices; i++) {
        netconf_client_free(devices[i].client);
        free(devices[i].name);
    }
    for (size_t i = 0; i < n_plans; i++) {
        vpn_plan_free(plans[i].plan);
        free(plans[i].name);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) ? 1 : 0;
}
