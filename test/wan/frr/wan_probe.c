/* wan_probe - a path computation element on a string, for tests with real routers: says what
 * happens as JSON, one object a line, and does what it is told, one command a line.
 *
 * usage: wan_probe ADDRESS:PORT
 *
 *   list                                   every LSP, then {"event": "listed"}
 *   update PCC NAME LABEL... [@BPS/SETUP/HOLD]
 *   initiate PCC NAME SOURCE DESTINATION COLOR BINDING-LABEL LABEL... [@BPS/SETUP/HOLD]
 *   remove PCC NAME
 *   return PCC NAME                        gives back the delegation
 *   answer REQUEST [LABEL...]              without labels: there is no path
 *   quit
 *
 * PCC is the address that a router comes from; behind @ is what is told besides labels, rate and
 * priorities. A command that cannot be done is answered with
 * {"event": "denied"}. The end of the input is the end of it, orderly. */
#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/lines.h"
#include "wan/pce_server.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LABELS_MAX 32
#define WORDS_MAX (LABELS_MAX + 8)

struct probe {
    struct pce_server *server;
    uv_pipe_t input;
    uv_signal_t stop;
    struct lines lines;
    char octets[4096];
    nsec_t start;
};

static void
say(struct probe *p, json_t *event)
{
    json_object_set_new(event, "at", json_real((double)(clock_monotonic() - p->start) / 1e9));
    json_dumpf(event, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(event);
}

/* ---- what happens */

static json_t *
address_json(const struct te_address *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (address->family)
        inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->octets, text, sizeof text);
    return json_string(text);
}

static json_t *
path_json(struct lsp_hops hops)
{
    json_t *path = json_array();
    struct lsp_hop hop;
    while (lsp_hops_next(&hops, &hop))
        json_array_append_new(path, hop.kind == LSP_HOP_SEGMENT && hop.label != TE_NO_LABEL
                                        ? json_integer(hop.label)
                                        : json_null());
    return path;
}

static json_t *
metrics_json(const struct lsp *lsp)
{
    json_t *metrics = json_array();
    for (unsigned i = 0; i < lsp->n_metrics; i++) {
        struct lsp_metric m;
        lsp_metric(lsp, i, &m);
        json_array_append_new(metrics, json_pack("{s:i,s:b,s:f}", "type", m.type, "bound",
                                                 m.is_bound, "value", (double)m.value));
    }
    return metrics;
}

static json_t *
lsp_json(const char *event, const char *pcc, const struct lsp *lsp)
{
    return json_pack("{s:s,s:s,s:s,s:i,s:s,s:b,s:b,s:b,s:o,s:o,s:o,s:i,s:I,s:o,s:o}", "event",
                     event, "pcc", pcc, "name", lsp_name(lsp), "plsp", (int)lsp->plsp_id, "state",
                     lsp_operational_name(lsp->operational), "delegated", lsp->delegated, "created",
                     lsp->created_by_pce, "stale", lsp->stale, "source", address_json(&lsp->source),
                     "destination", address_json(&lsp->destination), "path",
                     path_json(lsp_ero(lsp)), "binding", (int)lsp->binding_label, "bps",
                     (json_int_t)lsp->bandwidth_bps, "metrics", metrics_json(lsp), "priorities",
                     lsp->has_priorities
                         ? json_pack("[ii]", lsp->setup_priority, lsp->holding_priority)
                         : json_null());
}

static json_t *
result_json(const struct pce_event *e)
{
    const struct pce_result *r = e->result;
    return json_pack("{s:s,s:s,s:s,s:s,s:b,s:s,s:f}", "event", "result", "pcc", e->address, "order",
                     pce_order_kind_name(r->kind), "outcome", pce_outcome_name(r->outcome),
                     "accepted", r->is_accepted, "text", r->text, "took", (double)r->took / 1e9);
}

static json_t *
request_json(const struct pce_event *e, const char *event)
{
    const struct pce_request *r = e->request;
    return json_pack("{s:s,s:s,s:I,s:o,s:o,s:I,s:i}", "event", event, "pcc", e->address, "request",
                     (json_int_t)r->id, "source", address_json(&r->source), "destination",
                     address_json(&r->destination), "bps", (json_int_t)r->bandwidth_bps,
                     "exclude-any", (int)r->exclude_any);
}

static json_t *
session_json(struct probe *p, const struct pce_event *e, const char *event)
{
    struct pce_pcc_info info = {0};
    if (!pce_pcc_info(pce_server_pce(p->server), e->pcc, &info))
        return json_pack("{s:s,s:s}", "event", event, "pcc", e->address);
    return json_pack("{s:s,s:s,s:i,s:b,s:i,s:s}", "event", event, "pcc", e->address, "lsps",
                     (int)info.lsps, "updates", info.capabilities.stateful, "depth",
                     info.capabilities.sr_msd, "text", e->text ? e->text : "");
}

static void
on_event(void *arg, const struct pce_event *e)
{
    struct probe *p = arg;
    static const char *const gone[] = {"removed", "swept", "expired"};
    json_t *json = NULL;
    switch (e->kind) {
    case PCE_UP:
    case PCE_SYNCED:
    case PCE_DOWN:
        json = session_json(p, e,
                            e->kind == PCE_UP     ? "up"
                            : e->kind == PCE_DOWN ? "down"
                                                  : "synced");
        break;
    case PCE_LSP_CHANGED:
        json = lsp_json("lsp", e->address, e->lsp);
        break;
    case PCE_LSP_GONE:
        json = lsp_json("gone", e->address, e->lsp);
        json_object_set_new(json, "why", json_string(gone[e->gone]));
        break;
    case PCE_RESULT:
        json = result_json(e);
        break;
    case PCE_REQUEST:
    case PCE_REQUEST_GONE:
        json = request_json(e, e->kind == PCE_REQUEST ? "request" : "request-gone");
        break;
    case PCE_MISBEHAVES:
        json = json_pack("{s:s,s:s,s:s,s:s}", "event", "misbehaves", "pcc", e->address, "what",
                         pce_misbehaviour_name(e->misbehaviour), "text", e->text);
        break;
    }
    say(p, json);
}

/* ---- what it is told */

static bool
parse_address(const char *text, struct te_address *address)
{
    *address = (struct te_address){.family = strchr(text, ':') ? 6 : 4};
    return inet_pton(address->family == 4 ? AF_INET : AF_INET6, text, address->octets) == 1;
}

/* Labels as a path of segments, from the words up to NULL; returns how many. */
static size_t
parse_path(char *const *words, struct lsp_hop *hops)
{
    size_t n = 0;
    for (; words[n] && n < LABELS_MAX; n++)
        hops[n] = (struct lsp_hop){.kind = LSP_HOP_SEGMENT,
                                   .is_label = true,
                                   .label = (uint32_t)strtoul(words[n], NULL, 10)};
    return n;
}

/* The last word, if it is "@BPS/SETUP/HOLD", is no label. */
static void
take_terms(char **words, struct pce_order *order)
{
    unsigned long long bps;
    unsigned setup, hold;
    for (; *words; words++) {
        if (sscanf(*words, "@%llu/%u/%u", &bps, &setup, &hold) != 3)
            continue;
        order->bandwidth_bps = bps;
        order->setup_priority = (uint8_t)setup;
        order->holding_priority = (uint8_t)hold;
        order->has_priorities = true;
        *words = NULL;
        return;
    }
}

static enum err
order_existing(struct probe *p, char **words, enum pce_order_kind kind, struct diag *diag)
{
    struct pce *pce = pce_server_pce(p->server);
    struct lsp_hop hops[LABELS_MAX];
    if (!words[1] || !words[2])
        return diag_set(diag, ERR_INVALID, "%s PCC NAME", words[0]);
    const struct lsp *lsp = lsp_db_find_name(pce_lsps(pce), pce_find_pcc(pce, words[1]), words[2],
                                             strlen(words[2]));
    if (!lsp)
        return diag_set(diag, ERR_NOT_FOUND, "%s has no LSP %s", words[1], words[2]);
    struct pce_order order = {.kind = kind,
                              .until = PCE_UNTIL_UP,
                              .timeout = kind == PCE_RETURN ? 8 * NSEC_PER_SEC : 0,
                              .lsp = lsp->id,
                              .is_certain = true, /* whoever asks here knows what he removes */
                              .path = hops};
    take_terms(words, &order);
    order.n_path = parse_path(words + 3, hops);
    uint64_t id;
    return pce_order(pce, &order, clock_monotonic(), &id, diag);
}

static enum err
order_new(struct probe *p, char **words, struct diag *diag)
{
    struct pce *pce = pce_server_pce(p->server);
    struct lsp_hop hops[LABELS_MAX];
    uint64_t id;
    for (int i = 1; i < 7; i++)
        if (!words[i])
            return diag_set(diag, ERR_INVALID,
                            "initiate PCC NAME SOURCE DESTINATION COLOR BINDING");
    struct pce_order order = {.kind = PCE_INITIATE,
                              .until = PCE_UNTIL_UP,
                              .pcc = pce_find_pcc(pce, words[1]),
                              .name = words[2],
                              .has_color = true,
                              .color = (uint32_t)strtoul(words[5], NULL, 10),
                              .binding_label = (uint32_t)strtoul(words[6], NULL, 10),
                              .setup_type = PCEP_PST_SR,
                              .path = hops};
    if (!parse_address(words[3], &order.source) || !parse_address(words[4], &order.destination))
        return diag_set(diag, ERR_INVALID, "no address");
    take_terms(words, &order);
    order.n_path = parse_path(words + 7, hops);
    return pce_order(pce, &order, clock_monotonic(), &id, diag);
}

static enum err
answer(struct probe *p, char *const *words, struct diag *diag)
{
    struct lsp_hop hops[LABELS_MAX];
    if (!words[1])
        return diag_set(diag, ERR_INVALID, "answer REQUEST [LABEL...]");
    struct pce_answer a = {.path = hops};
    a.n_path = parse_path(words + 2, hops);
    return pce_answer(pce_server_pce(p->server), strtoull(words[1], NULL, 10), &a,
                      clock_monotonic());
}

static enum err
list(struct probe *p)
{
    struct pce *pce = pce_server_pce(p->server);
    const struct lsp *lsp;
    for (uint64_t id = LSP_NONE; (lsp = lsp_db_after(pce_lsps(pce), id)); id = lsp->id) {
        struct pce_pcc_info info;
        say(p, lsp_json("listing", pce_pcc_info(pce, lsp->pcc, &info) ? info.address : "", lsp));
    }
    say(p, json_pack("{s:s}", "event", "listed"));
    return ERR_OK;
}

static void
quit(struct probe *p)
{
    pce_server_free(p->server);
    p->server = NULL;
    uv_close((uv_handle_t *)&p->input, NULL);
    uv_close((uv_handle_t *)&p->stop, NULL);
}

static void
obey(struct probe *p, char *line)
{
    char *words[WORDS_MAX + 1] = {0}, *rest = NULL;
    struct diag diag = {0};
    enum err err = ERR_OK;
    size_t n = 0;
    for (char *w = strtok_r(line, " ", &rest); w && n < WORDS_MAX; w = strtok_r(NULL, " ", &rest))
        words[n++] = w;
    if (n == 0)
        return;
    if (!strcmp(words[0], "list"))
        err = list(p);
    else if (!strcmp(words[0], "update"))
        err = order_existing(p, words, PCE_UPDATE, &diag);
    else if (!strcmp(words[0], "remove"))
        err = order_existing(p, words, PCE_REMOVE, &diag);
    else if (!strcmp(words[0], "return"))
        err = order_existing(p, words, PCE_RETURN, &diag);
    else if (!strcmp(words[0], "initiate"))
        err = order_new(p, words, &diag);
    else if (!strcmp(words[0], "answer"))
        err = answer(p, words, &diag);
    else
        err = diag_set(&diag, ERR_INVALID, "there is no command \"%s\"", words[0]);
    if (err)
        say(p,
            json_pack("{s:s,s:s,s:s}", "event", "denied", "command", words[0], "text", diag.text));
}

static void
on_input(uv_stream_t *stream, ssize_t size, const uv_buf_t *octets)
{
    struct probe *p = stream->data;
    const char *line;
    size_t length;
    if (size < 0) {
        quit(p);
        return;
    }
    lines_put(&p->lines, octets->base, (size_t)size);
    while (p->server && (line = lines_next(&p->lines, &length))) {
        char *copy = xstrndup(line, length);
        if (!strcmp(copy, "quit"))
            quit(p);
        else
            obey(p, copy);
        free(copy);
    }
}

static void
give_room(uv_handle_t *handle, size_t wanted UNUSED, uv_buf_t *room)
{
    struct probe *p = handle->data;
    *room = uv_buf_init(p->octets, sizeof p->octets);
}

static void
on_signal(uv_signal_t *signal, int number UNUSED)
{
    quit(signal->data);
}

int
main(int argc, char **argv)
{
    struct probe p = {.lines = lines_limited(2000), .start = clock_monotonic()};
    struct pce_server_config config = {
        .address = argc == 2 ? argv[1] : "",
        .pce = {.tls = PCEP_TLS_NONE, .keepalive = 5, .deadtimer = 20}};
    struct diag diag;
    uv_loop_t loop;
    if (argc != 2) {
        fputs("usage: wan_probe ADDRESS:PORT\n", stderr);
        return 2;
    }
    log_init("wan_probe", LOG_WARN);
    uv_loop_init(&loop);
    if (pce_server_new(&loop, &config, on_event, &p, &p.server, &diag)) {
        fprintf(stderr, "wan_probe: %s\n", diag.text);
        return 1;
    }
    uv_signal_init(&loop, &p.stop);
    uv_pipe_init(&loop, &p.input, 0);
    uv_pipe_open(&p.input, 0);
    p.stop.data = p.input.data = &p;
    uv_signal_start(&p.stop, on_signal, SIGTERM);
    uv_read_start((uv_stream_t *)&p.input, give_room, on_input);
    say(&p, json_pack("{s:s,s:s}", "event", "listening", "address", pce_server_address(p.server)));
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    lines_fini(&p.lines);
    return 0;
}
