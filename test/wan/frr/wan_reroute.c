/* wan_reroute - the shortest loop there is from a router's word to a router's labels, to measure
 * it: OSPF's database by the API of one router's ospfd, paths by TE metric, label stacks by PCEP.
 * What a controller does besides (policy, journal, bookings over time) is not in it.
 *
 * usage: wan_reroute OSPFD-ADDRESS:PORT OUR-ADDRESS PCE-ADDRESS:PORT
 *
 * Requests are answered, and every delegated LSP is given the best path of each new network, as
 * soon as it is known; LSPs whose labels stay are left alone. FRR's zebra may lose a label of which
 * it is told while the IGP changes others (doc/wan-frr.md): so each order is repeated a few times,
 * with the segment of the first link in its other form, for the same again is not looked at. Says
 * as JSON, one object a line, with the monotonic clock in seconds:
 *
 *   {"event": "network", "version", "links-up", "at", "took"}     paths of all LSPs included
 *   {"event": "ordered", "pcc", "name", "binding", "labels", "at"}
 *   {"event": "result", ...}, {"event": "trouble", "text"}
 *
 * The end of the input is the end of it. */
#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "te/route.h"
#include "te/segments.h"
#include "wan/feed_ospf_api.h"
#include "wan/pce_server.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define GATHER_MS 50 /* changes of structure */
#define LABELS_MAX 16
#define AGAIN_MS 75 /* then, and as long again ... */
#define REPEATS 4

/* What an LSP was told last. */
struct told {
    uint64_t lsp;
    struct lsp_hop hops[LABELS_MAX];
    uint32_t n;
    uint32_t adjacency; /* label of the first link, in place of its node's; TE_NO_LABEL */
    unsigned repeats;   /* that are to come */
};

struct loop {
    uv_loop_t uv;
    struct ted *ted;
    struct feed_ospf_api *feed;
    struct pce_server *server;
    uv_timer_t gather;
    uv_timer_t again;
    uv_pipe_t input;
    char octets[64];

    const struct ted_view *view;
    struct te_router *router;
    struct te_igp *igp;
    struct told *told;
    size_t n_told;
};

static void
say(json_t *event, nsec_t at)
{
    json_object_set_new(event, "at", json_real((double)at / 1e9));
    json_dumpf(event, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(event);
}

static void
complain(const char *what, const char *text)
{
    say(json_pack("{s:s,s:s,s:s}", "event", "trouble", "what", what, "text", text),
        clock_monotonic());
}

/* ---- paths */

/* Appends the labels of a piece of a path; returns how many there are then, 0: it has none. */
static uint32_t
append_labels(struct loop *l, const uint32_t *links, uint32_t n_links, struct lsp_hop *hops,
              uint32_t n, struct diag *diag)
{
    struct te_segments_request cut = {links, n_links, LABELS_MAX - n, NULL};
    struct te_segments segments = {0};
    if (te_segments_find(l->igp, &cut, &segments, NULL, diag))
        return 0;
    for (uint32_t i = 0; i < segments.n; i++)
        hops[n++] = (struct lsp_hop){
            .kind = LSP_HOP_SEGMENT, .is_label = true, .label = segments.list[i].label};
    te_segments_fini(&segments);
    return n;
}

/* The label stack of the best path; 0: there is none, and `diag` says why. It begins with the
 * segment of the first link, which is on no packet: FRR looks where the first label leads only when
 * the stack changes (doc/wan-frr.md), and so it does when the first link is another one. */
static uint32_t
find_stack(struct loop *l, const struct te_address *from, const struct te_address *to,
           uint64_t bandwidth_bps, struct lsp_hop *hops, uint32_t *adjacency, struct diag *diag)
{
    const struct te_network *net = ted_view_network(l->view);
    struct te_request ask = {.from = te_network_node_at(net, from),
                             .to = te_network_node_at(net, to),
                             .optimise = TE_METRIC_TE,
                             .constraints.bandwidth_bps = bandwidth_bps};
    struct te_path path = {0};
    struct te_refusal why = {0};
    if (ask.from == TE_NONE || ask.to == TE_NONE || ask.from == ask.to) {
        diag_set(diag, ERR_NOT_FOUND, "its ends are not two nodes of the network");
        return 0;
    }
    if (te_route(l->router, &ask, &path, &why)) {
        *diag = why.diag;
        return 0;
    }
    uint32_t n = append_labels(l, path.links, 1, hops, 0, diag);
    if (n && path.n > 1)
        n = append_labels(l, path.links + 1, path.n - 1, hops, n, diag);
    *adjacency = n ? net->links[path.links[0]].adjacency_label : TE_NO_LABEL;
    te_path_fini(&path);
    return n;
}

static struct told *
told_of(struct loop *l, uint64_t lsp)
{
    for (size_t i = 0; i < l->n_told; i++)
        if (l->told[i].lsp == lsp)
            return &l->told[i];
    l->told = xrealloc(l->told, l->n_told + 1, sizeof *l->told);
    l->told[l->n_told] = (struct told){.lsp = lsp};
    return &l->told[l->n_told++];
}

static bool
is_what_it_has(const struct told *told, const struct lsp_hop *hops, uint32_t n)
{
    if (told->n != n)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (told->hops[i].label != hops[i].label)
            return false;
    return true;
}

static void
say_ordered(struct loop *l, const struct lsp *lsp, const struct told *told, nsec_t now)
{
    struct pce_pcc_info info = {0};
    json_t *labels = json_array();
    for (uint32_t i = 0; i < told->n; i++)
        json_array_append_new(labels, json_integer(told->hops[i].label));
    pce_pcc_info(pce_server_pce(l->server), lsp->pcc, &info);
    say(json_pack("{s:s,s:s,s:s,s:i,s:o}", "event", "ordered", "pcc", info.address, "name",
                  lsp_name(lsp), "binding", (int)lsp->binding_label, "labels", labels),
        now);
}

/* The last repeat has the segment of the node: adjacencies are numbered anew when links come back.
 */
static enum err
order(struct loop *l, const struct lsp *lsp, const struct told *told, struct diag *diag)
{
    struct lsp_hop hops[LABELS_MAX];
    struct pce_order update = {.kind = PCE_UPDATE,
                               .urgency = PCE_RESTORATION,
                               .lsp = lsp->id,
                               .path = hops,
                               .n_path = told->n,
                               .bandwidth_bps = lsp->bandwidth_bps};
    uint64_t id;
    memcpy(hops, told->hops, told->n * sizeof *hops);
    if (told->repeats % 2 && told->adjacency != TE_NO_LABEL)
        hops[0].label = told->adjacency;
    return pce_order(pce_server_pce(l->server), &update, clock_monotonic(), &id, diag);
}

static void
on_again(uv_timer_t *timer)
{
    struct loop *l = timer->data;
    bool more = false;
    for (size_t i = 0; i < l->n_told; i++) {
        struct told *told = &l->told[i];
        const struct lsp *lsp = lsp_db_get(pce_lsps(pce_server_pce(l->server)), told->lsp);
        struct diag diag = {0};
        if (!told->repeats || !lsp)
            continue;
        told->repeats--;
        more |= told->repeats > 0;
        if (order(l, lsp, told, &diag))
            complain(lsp_name(lsp), diag.text);
    }
    if (more)
        uv_timer_start(&l->again, on_again, AGAIN_MS, 0);
}

static void
reroute(struct loop *l, const struct lsp *lsp)
{
    struct told *told = told_of(l, lsp->id), next = {.lsp = lsp->id, .repeats = REPEATS};
    struct diag diag = {0};
    if (!l->view)
        return; /* the first network will find it */
    next.n = find_stack(l, &lsp->source, &lsp->destination, lsp->bandwidth_bps, next.hops,
                        &next.adjacency, &diag);
    if (next.n && is_what_it_has(told, next.hops, next.n))
        return;
    nsec_t now = clock_monotonic();
    if (next.n == 0 || order(l, lsp, &next, &diag)) {
        complain(lsp_name(lsp), diag.text);
        return;
    }
    *told = next;
    say_ordered(l, lsp, told, now);
    uv_timer_start(&l->again, on_again, AGAIN_MS, 0);
}

static void
reroute_all(struct loop *l)
{
    const struct lsp_db *lsps = pce_lsps(pce_server_pce(l->server));
    const struct lsp *lsp;
    for (uint64_t id = LSP_NONE; (lsp = lsp_db_after(lsps, id)); id = lsp->id)
        if (lsp->delegated && !lsp->stale)
            reroute(l, lsp);
}

/* ---- the network */

static void
take_network(struct loop *l)
{
    nsec_t start = clock_monotonic();
    uint64_t before = ted_version(l->ted), version = ted_commit(l->ted, start);
    if (version == before && l->view)
        return;
    te_igp_free(l->igp);
    te_router_free(l->router);
    ted_view_release(l->view);
    l->view = ted_view(l->ted);
    const struct te_network *net = ted_view_network(l->view);
    l->router = te_router_new(net);
    l->igp = te_igp_new(l->router, NULL);
    reroute_all(l);
    uint32_t up = 0;
    for (uint32_t i = 0; i < net->n_links; i++)
        up += net->links[i].up;
    say(json_pack("{s:s,s:I,s:i,s:i,s:f}", "event", "network", "version", (json_int_t)version,
                  "nodes", (int)net->n_nodes, "links-up", (int)up, "took",
                  (double)(clock_monotonic() - start) / 1e9),
        start);
}

static void
on_gathered(uv_timer_t *timer)
{
    take_network(timer->data);
}

static void
on_changed(void *arg)
{
    struct loop *l = arg;
    if (ted_pending(l->ted) != TED_STRUCTURE)
        take_network(l);
    else if (!uv_is_active((uv_handle_t *)&l->gather))
        uv_timer_start(&l->gather, on_gathered, GATHER_MS, 0);
}

static void
on_trouble(void *arg UNUSED, enum err err, const char *reason)
{
    if (err)
        complain("ospfd", reason);
}

/* ---- the PCE */

static void
answer(struct loop *l, const struct pce_request *r)
{
    struct lsp_hop hops[LABELS_MAX];
    uint32_t adjacency;
    struct diag diag = {0};
    struct pce_answer a = {.path = hops};
    if (l->view)
        a.n_path = (uint32_t)find_stack(l, &r->source, &r->destination, r->bandwidth_bps, hops,
                                        &adjacency, &diag);
    if (a.n_path == 0)
        complain("request", diag.text);
    if (pce_answer(pce_server_pce(l->server), r->id, &a, clock_monotonic()))
        complain("request", "it went away");
}

static void
on_event(void *arg, const struct pce_event *e)
{
    struct loop *l = arg;
    if (e->kind == PCE_REQUEST)
        answer(l, e->request);
    else if (e->kind == PCE_LSP_CHANGED && e->lsp->delegated && !told_of(l, e->lsp->id)->n)
        reroute(l, e->lsp);
    else if (e->kind == PCE_RESULT && e->result->outcome != PCE_DONE &&
             e->result->outcome != PCE_CANCELLED)
        complain(pce_outcome_name(e->result->outcome), e->result->text);
}

/* ---- begin and end */

static void
on_input(uv_stream_t *stream, ssize_t size, const uv_buf_t *octets UNUSED)
{
    struct loop *l = stream->data;
    if (size >= 0)
        return;
    feed_ospf_api_free(l->feed);
    pce_server_free(l->server);
    uv_close((uv_handle_t *)&l->input, NULL);
    uv_close((uv_handle_t *)&l->gather, NULL);
    uv_close((uv_handle_t *)&l->again, NULL);
}

static void
give_room(uv_handle_t *handle, size_t wanted UNUSED, uv_buf_t *room)
{
    struct loop *l = handle->data;
    *room = uv_buf_init(l->octets, sizeof l->octets);
}

static enum err
start(struct loop *l, char **argv, struct diag *diag)
{
    static const struct feed_ospf_api_handler handler = {on_changed, on_trouble};
    struct pce_server_config pce = {.address = argv[3], .pce.tls = PCEP_TLS_NONE};
    struct feed_ospf_api_config feed = {.server = argv[1], .local = argv[2], .ted = l->ted};
    enum err err = ted_source_add(l->ted, TED_KIND_OSPF, "ospf", "", &feed.source);
    if (!err)
        err = pce_server_new(&l->uv, &pce, on_event, l, &l->server, diag);
    if (!err)
        err = feed_ospf_api_new(&l->uv, &feed, &handler, l, &l->feed, diag);
    return err;
}

int
main(int argc, char **argv)
{
    struct loop l = {.ted = ted_new(NULL)};
    struct diag diag = {0};
    if (argc != 4) {
        fputs("usage: wan_reroute OSPFD-ADDRESS:PORT OUR-ADDRESS PCE-ADDRESS:PORT\n", stderr);
        return 2;
    }
    log_init("wan_reroute", LOG_WARN);
    uv_loop_init(&l.uv);
    uv_timer_init(&l.uv, &l.gather);
    uv_timer_init(&l.uv, &l.again);
    uv_pipe_init(&l.uv, &l.input, 0);
    uv_pipe_open(&l.input, 0);
    l.gather.data = l.again.data = l.input.data = &l;
    uv_read_start((uv_stream_t *)&l.input, give_room, on_input);
    if (start(&l, argv, &diag)) {
        fprintf(stderr, "wan_reroute: %s\n", diag.text);
        return 1;
    }
    uv_run(&l.uv, UV_RUN_DEFAULT);
    te_igp_free(l.igp);
    te_router_free(l.router);
    ted_view_release(l.view);
    ted_free(l.ted);
    free(l.told);
    uv_loop_close(&l.uv);
    return 0;
}
