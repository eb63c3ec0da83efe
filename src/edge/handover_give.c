/* handover_give.c - the old process's side of handover_node.h. */
#include "edge/edge_node_private.h"
#include "edge/handover_node.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELLO_PATIENCE NSEC_PER_SEC
#define BUILD_PATIENCE (10 * NSEC_PER_SEC) /* without a sign of life while it builds its tables */
#define TAKE_PATIENCE NSEC_PER_SEC
#define ARENA_BUDGET ((size_t)1 << 20)
#define SEND_AT ((size_t)256 << 10)

struct handover_giver {
    uv_poll_t poll;
    struct edge_node *node;
    int fd;
    char *path;
};

/* What was told of an entry. */
struct told_flow {
    struct entry *entry;
    uint64_t packets, octets;
};

struct giving {
    struct edge_node *node;
    struct passing *peer;
    struct arena *arena;
    struct buf room, out;
    struct told_flow *flows;
    uint32_t n_flows;
    enum err err; /* the first */
};

/* ---- Records ---- */

static void
send_out(struct giving *g)
{
    if (!g->err && g->out.size)
        g->err = passing_send(g->peer, g->out.data, g->out.size, NULL, 0);
    buf_clear(&g->out);
}

static void
put(struct giving *g, const struct handover_record *r)
{
    if (!g->err)
        g->err = handover_encode(r, &g->out);
    if (g->out.size >= SEND_AT)
        send_out(g);
}

static void
put_begin(struct giving *g)
{
    const struct edge_node *n = g->node;
    const struct datapath *dp = n->datapath;
    struct handover_record r = {.type = HANDOVER_BEGIN};
    r.begin = (struct handover_begin){HANDOVER_VERSION, n->n_ports,
                                      dp->meters.n,     dp->groups.n,
                                      dp->n_flows,      workers_wait_to_restore(n->workers)};
    put(g, &r);
}

static void
describe_port(const struct edge_node *n, struct edge_port *port, struct handover_port *p)
{
    const struct worker_port_state state = workers_port_state(n->workers, port->number);
    p->number = port->number;
    snprintf(p->interface, sizeof p->interface, "%s", port->name);
    p->flags = (uint8_t)((atomic_load(&port->up) ? HANDOVER_PORT_UP : 0) |
                         (atomic_load(&port->live) ? HANDOVER_PORT_LIVE : 0) |
                         (atomic_load(&port->held) ? HANDOVER_PORT_HELD : 0) |
                         (state.known ? HANDOVER_PORT_KNOWN : 0));
    p->config = atomic_load(&port->config);
    p->position = state.position;
    p->restore_at = state.restore_at;
    p->created = port->created;
    p->scheduling = port_scheduling(port);
    p->rx.packets = counter_get(&port->rx.packets);
    p->rx.octets = counter_get(&port->rx.octets);
    p->rx.dropped = counter_get(&port->rx.dropped);
    p->rx.errors = counter_get(&port->rx.errors);
    p->tx.packets = counter_get(&port->tx.packets);
    p->tx.octets = counter_get(&port->tx.octets);
    p->tx.dropped = counter_get(&port->tx.dropped);
    p->tx.errors = counter_get(&port->tx.errors);
    for (unsigned q = 0; q < N_QUEUES; q++) {
        p->queues[q].packets = counter_get(&port->queues[q].packets);
        p->queues[q].octets = counter_get(&port->queues[q].octets);
        p->queues[q].dropped = counter_get(&port->queues[q].dropped);
    }
}

/* The record, by itself, with its descriptors. */
static void
send_parts(struct giving *g, struct handover_record *r)
{
    struct port_parts parts;
    send_out(g);
    if (!g->err)
        g->err = workers_get_parts(g->node->workers, r->port.number, &parts, NULL);
    if (g->err)
        return;
    const int fds[] = {parts.socket, parts.claim, parts.tap};
    r->port.n_descriptors = parts.tap >= 0 ? 3 : 2;
    r->port.flags |= parts.owns_hook ? HANDOVER_PORT_HOOK : 0;
    g->err = handover_encode(r, &g->out);
    if (!g->err)
        g->err = passing_send(g->peer, g->out.data, g->out.size, fds, r->port.n_descriptors);
    buf_clear(&g->out);
}

static void
put_ports(struct giving *g, bool with_parts)
{
    struct edge_node *n = g->node;
    datapath_collect(n->datapath);
    for (uint32_t i = 0; i < n->n_ports; i++) {
        struct handover_record r = {.type = HANDOVER_PORT};
        describe_port(n, n->ports[i].port, &r.port);
        if (with_parts)
            send_parts(g, &r);
        else
            put(g, &r);
    }
}

static void
put_meter(void *arg, void *object)
{
    const struct meter_entry *m = object;
    struct handover_record r = {.type = HANDOVER_METER};
    meter_entry_describe(m, &r.meter.meter);
    r.meter.created = m->created;
    r.meter.packets = counter_get(&m->packets);
    r.meter.octets = counter_get(&m->octets);
    for (uint32_t i = 0; i < m->n_bands; i++) {
        r.meter.bands[i].due = counter_get(&m->bands[i].due);
        r.meter.bands[i].packets = counter_get(&m->bands[i].packets);
        r.meter.bands[i].octets = counter_get(&m->bands[i].octets);
    }
    put(arg, &r);
    meter_fini(&r.meter.meter);
}

static void
put_group(void *arg, void *object)
{
    const struct group_entry *e = object;
    const struct group_body *body = atomic_load(&e->body);
    struct handover_record r = {.type = HANDOVER_GROUP};
    group_entry_describe(e, &r.group.group);
    r.group.created = e->created;
    r.group.traffic = counters_get(&e->counters);
    r.group.buckets = xcalloc(body->n_buckets, sizeof *r.group.buckets);
    for (uint32_t i = 0; i < body->n_buckets; i++)
        r.group.buckets[i] = counters_get(&body->buckets[i].counters);
    put(arg, &r);
    free(r.group.buckets);
    group_fini(&r.group.group);
}

static bool
put_flow(void *arg, struct entry *entry)
{
    struct giving *g = arg;
    struct handover_record r = {.type = HANDOVER_FLOW};
    entry_flow(entry, &r.flow.flow);
    r.flow.created = entry->created;
    r.flow.traffic = counters_get(&entry->counters);
    g->flows[g->n_flows++] = (struct told_flow){entry, r.flow.traffic.packets,
                                                r.flow.traffic.octets};
    put(g, &r);
    return !g->err;
}

/* Of one that no rule names the other process would not know what to do with it. */
static void
put_stream(void *arg, struct redundancy_stream *s)
{
    struct redundancy_window *window = atomic_load_explicit(&s->window, memory_order_acquire);
    if (!s->n_rules)
        return;
    struct redundancy_saved *state = window ? xcalloc(1, sizeof *state) : NULL;
    if (window)
        redundancy_save(window, clock_monotonic(), state);
    put(arg, &(struct handover_record){
                 .type = HANDOVER_STREAM,
                 .stream = {.id = s->id,
                            .next = atomic_load_explicit(&s->next, memory_order_relaxed),
                            .sequenced = counter_get(&s->sequenced),
                            .window = state}});
    free(state);
}

static void
put_counts(struct giving *g)
{
    struct datapath *dp = g->node->datapath;
    struct handover_record r = {.type = HANDOVER_COUNTS_OF_ALL};
    for (unsigned i = 0; i < N_TABLES; i++)
        r.counts.tables[i] = datapath_table_counts(dp, i);
    for (unsigned i = 0; i < DROP_MAX; i++)
        r.counts.drops[i] = counter_get(&dp->drops[i]);
    put(g, &r);
}

static void
send_tables(struct giving *g)
{
    struct datapath *dp = g->node->datapath;
    g->flows = xcalloc(dp->n_flows, sizeof *g->flows);
    put_begin(g);
    put_ports(g, true);
    idmap_each(&dp->meters, put_meter, g);
    idmap_each(&dp->groups, put_group, g);
    for (unsigned i = 0; i < N_TABLES; i++) {
        if (dp->tables[i].n_entries)
            flow_table_each(&dp->tables[i], put_flow, g);
    }
    put_counts(g);
    put(g, &(struct handover_record){.type = HANDOVER_END});
    send_out(g);
}

/* All but the flows, of which there may be many; what they counted follows when nobody waits. */
static void
send_stopped(struct giving *g, nsec_t now)
{
    struct datapath *dp = g->node->datapath;
    put_ports(g, false);
    idmap_each(&dp->meters, put_meter, g);
    idmap_each(&dp->groups, put_group, g);
    redundancy_each(dp->redundancy, put_stream, g);
    put_counts(g);
    put(g, &(struct handover_record){.type = HANDOVER_STOPPED, .stopped = now});
    send_out(g);
}

static void
send_flow_counts(struct giving *g)
{
    struct handover_flow_count *list = xcalloc(HANDOVER_COUNTS, sizeof *list);
    struct handover_record r = {.type = HANDOVER_FLOW_COUNTS};
    r.flow_counts.list = list;
    for (uint32_t i = 0; i < g->n_flows; i++) {
        const struct told_flow *told = &g->flows[i];
        struct traffic t = counters_get(&told->entry->counters);
        if (t.packets == told->packets)
            continue;
        list[r.flow_counts.n++] = (struct handover_flow_count){
            i, {t.packets - told->packets, t.octets - told->octets, t.used}};
        if (r.flow_counts.n == HANDOVER_COUNTS) {
            put(g, &r);
            r.flow_counts.n = 0;
        }
    }
    put(g, &r);
    put(g, &(struct handover_record){.type = HANDOVER_DONE});
    send_out(g);
    free(list);
}

/* ---- The steps ---- */

static enum err
check_ports(const struct edge_node *n, const struct handover_hello *h, struct diag *diag)
{
    for (uint32_t i = 0; i < n->n_ports; i++) {
        const struct edge_port *port = n->ports[i].port;
        struct port_parts parts;
        uint32_t k = 0;
        while (k < h->n_ports && (h->ports[k].number != port->number ||
                                  strcmp(h->ports[k].interface, port->name) != 0))
            k++;
        if (k == h->n_ports)
            return diag_set(diag, ERR_CONFLICT, "port %u is %s here", port->number, port->name);
        enum err err = workers_get_parts(n->workers, port->number, &parts, diag);
        if (err)
            return err;
    }
    return ERR_OK;
}

static enum err
check_hello(const struct edge_node *n, const struct handover_hello *h, struct diag *diag)
{
    if (strcmp(h->name, n->options->name) != 0 || h->datapath_id != n->options->datapath_id)
        return diag_set(diag, ERR_CONFLICT, "this is node %s, datapath id %016llx",
                        n->options->name, (unsigned long long)n->options->datapath_id);
    return check_ports(n, h, diag);
}

static void
refuse(struct giving *g, const char *reason)
{
    struct handover_record r = {.type = HANDOVER_REFUSED};
    snprintf(r.reason, sizeof r.reason, "%s", reason);
    g->err = ERR_OK;
    put(g, &r);
    send_out(g);
}

static enum err
receive_hello(struct giving *g, struct diag *diag)
{
    struct handover_record r;
    passing_set_patience(g->peer, HELLO_PATIENCE);
    enum err err = handover_expect(g->peer, HANDOVER_HELLO, g->arena, &g->room, &r, diag);
    if (!err)
        err = check_hello(g->node, &r.hello, diag);
    return err ? err : successor_check(g->node->successors, passing_peer_pid(g->peer), diag);
}

static enum err
give_tables(struct giving *g, struct diag *diag)
{
    struct handover_record r;
    passing_set_patience(g->peer, BUILD_PATIENCE);
    send_tables(g);
    if (g->err)
        return diag_set(diag, g->err, "the tables could not be told: %s", err_text(g->err));
    return handover_expect(g->peer, HANDOVER_READY, g->arena, &g->room, &r, diag);
}

/* Whatever the kernel's fast path knows comes to the sockets from now on. */
static void
stop_forwarding(struct edge_node *n)
{
    if (n->fast)
        fast_path_bypass(n->fast, true);
    datapath_barrier(n->datapath);
    workers_stop(n->workers);
}

static void
go_on_forwarding(struct edge_node *n)
{
    struct diag diag;
    workers_disown_ports(n->workers); /* whose they are now is not known */
    if (workers_own_ports(n->workers, &diag) || workers_start(n->workers, &diag))
        log_error("%s", diag.text);
    if (n->fast)
        fast_path_bypass(n->fast, false);
}

static enum err
give_traffic(struct giving *g, struct diag *diag)
{
    struct edge_node *n = g->node;
    struct handover_record r;
    passing_set_patience(g->peer, TAKE_PATIENCE);
    stop_forwarding(n);
    send_stopped(g, clock_monotonic());
    enum err err = g->err;
    if (err)
        diag_set(diag, err, "the last state could not be told: %s", err_text(err));
    else
        err = handover_expect(g->peer, HANDOVER_TAKEN, g->arena, &g->room, &r, diag);
    if (err) {
        go_on_forwarding(n);
        return err;
    }
    workers_disown_ports(n->workers);
    send_flow_counts(g);
    return ERR_OK;
}

static void
free_giving(struct giving *g)
{
    passing_close(g->peer);
    arena_free(g->arena);
    buf_fini(&g->room);
    buf_fini(&g->out);
    free(g->flows);
}

static void
give(struct edge_node *n, struct passing *peer)
{
    struct giving g = {.node = n, .peer = peer, .arena = arena_new(ARENA_BUDGET)};
    struct diag diag;
    bool frozen = false;
    enum err err = receive_hello(&g, &diag);
    if (!err) {
        log_info("another process takes over: %u flow entries", n->datapath->n_flows);
        edge_node_stop_agents(n);
        frozen = true;
        err = give_tables(&g, &diag);
    }
    if (!err)
        err = give_traffic(&g, &diag);
    if (err) {
        log_warn("nobody takes over: %s", diag.text);
        refuse(&g, diag.text);
    }
    free_giving(&g);
    if (frozen && err)
        edge_node_start_agents(n);
    if (!err && n->handed_over)
        n->handed_over(n->handed_over_arg); /* may free the node */
}

/* ---- Listening ---- */

static void
on_knock(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
    struct handover_giver *g = poll->data;
    struct passing *peer;
    if (!passing_accept(g->fd, &peer))
        give(g->node, peer);
}

enum err
handover_giver_new(struct edge_node *n, struct handover_giver **result, struct diag *diag)
{
    char *path = handover_path(n->options->control);
    int fd;
    enum err err = passing_listen(path, &fd, diag);
    if (err) {
        free(path);
        return err;
    }
    struct handover_giver *g = xcalloc(1, sizeof *g);
    g->node = n;
    g->fd = fd;
    g->path = path;
    uv_poll_init(n->loop, &g->poll, fd);
    g->poll.data = g;
    uv_poll_start(&g->poll, UV_READABLE, on_knock);
    *result = g;
    return ERR_OK;
}

static void
on_poll_closed(uv_handle_t *handle)
{
    struct handover_giver *g = handle->data;
    free(g->path);
    free(g);
}

void
handover_giver_free(struct handover_giver *g)
{
    if (!g)
        return;
    uv_poll_stop(&g->poll);
    unlink(g->path);
    close(g->fd);
    uv_close((uv_handle_t *)&g->poll, on_poll_closed);
}
