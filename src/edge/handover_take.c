/* handover_take.c - the new process's side of handover_node.h, and what both share. */
#include "edge/datapath_internal.h"
#include "edge/edge_node_private.h"
#include "edge/handover_node.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_PATIENCE (5 * NSEC_PER_SEC)
#define STOP_PATIENCE (2 * NSEC_PER_SEC)
#define STOP_AGE (NSEC_PER_SEC / 2) /* the old process waits longer than that for us */
#define ARENA_BUDGET ((size_t)1 << 20)

struct handover_taker {
    struct edge_node *node;
    struct passing *peer; /* NULL: it has gone */
    struct arena *arena;
    struct buf room;
    struct handover_begin begin;
    struct handover_port *ports;
    struct port_parts *parts; /* of each */
    bool *has_parts;
    uint32_t n_ports, n_meters;
    struct handover_group *groups; /* copies, until all are there */
    uint32_t n_groups;
    struct entry **flows;
    uint32_t n_flows;
    bool groups_done;
};

/* ---- For both sides ---- */

char *
handover_path(const char *control)
{
    return xasprintf("%s.handover", control);
}

enum err
handover_send(struct passing *peer, enum handover_type type, struct diag *diag)
{
    struct buf out = BUF_INIT;
    enum err err = handover_encode(&(struct handover_record){.type = type}, &out);
    if (!err)
        err = passing_send(peer, out.data, out.size, NULL, 0);
    buf_fini(&out);
    return err ? diag_set(diag, err, "%s: %s", handover_type_name(type), err_text(err)) : ERR_OK;
}

enum err
handover_receive(struct passing *peer, struct arena *arena, struct buf *room,
                 struct handover_record *r, struct diag *diag)
{
    size_t size = 0;
    buf_clear(room);
    arena_reset(arena);
    enum err err = passing_receive(peer, HANDOVER_HEADER_SIZE, room);
    if (!err && (err = handover_frame(room->data, &size, diag)))
        return err;
    if (!err)
        err = passing_receive(peer, size, room);
    if (err)
        return diag_set(diag, err, "the other process: %s", err_text(err));
    err = handover_decode(room->data, room->size, arena, r, diag);
    if (!err && r->type == HANDOVER_REFUSED)
        return diag_set(diag, ERR_CONFLICT, "%.300s", r->reason);
    return err;
}

enum err
handover_expect(struct passing *peer, enum handover_type type, struct arena *arena,
                struct buf *room, struct handover_record *r, struct diag *diag)
{
    enum err err = handover_receive(peer, arena, room, r, diag);
    if (!err && r->type != type)
        err = diag_set(diag, ERR_MALFORMED, "%s where %s was due", handover_type_name(r->type),
                       handover_type_name(type));
    return err;
}

/* ---- Asking ---- */

static enum err
send_hello(struct handover_taker *t, struct diag *diag)
{
    const struct edge_options *o = t->node->options;
    struct handover_record r = {.type = HANDOVER_HELLO};
    struct buf out = BUF_INIT;
    r.hello.version = HANDOVER_VERSION;
    r.hello.datapath_id = o->datapath_id;
    snprintf(r.hello.name, sizeof r.hello.name, "%s", o->name);
    r.hello.n_ports = o->n_ports;
    for (uint32_t i = 0; i < o->n_ports; i++) {
        r.hello.ports[i].number = o->ports[i].number;
        memcpy(r.hello.ports[i].interface, o->ports[i].interface, sizeof o->ports[i].interface);
    }
    enum err err = handover_encode(&r, &out);
    if (!err)
        err = passing_send(t->peer, out.data, out.size, NULL, 0);
    buf_fini(&out);
    return err ? diag_set(diag, err, "HELLO: %s", err_text(err)) : ERR_OK;
}

static void
make_room(struct handover_taker *t, const struct handover_begin *b)
{
    t->begin = *b;
    t->ports = xcalloc(b->n_ports, sizeof *t->ports);
    t->parts = xcalloc(b->n_ports, sizeof *t->parts);
    t->has_parts = xcalloc(b->n_ports, sizeof *t->has_parts);
    t->groups = xcalloc(b->n_groups, sizeof *t->groups);
    t->flows = xcalloc(b->n_flows, sizeof(struct entry *));
}

static enum err
check_begin(const struct handover_taker *t, const struct handover_begin *b, struct diag *diag)
{
    const struct limits *limits = &t->node->datapath->limits;
    if (b->n_flows > limits->flows)
        return diag_set(diag, ERR_LIMIT, "it has %u flow entries, --max-flows is %u", b->n_flows,
                        limits->flows);
    if (b->n_groups > limits->groups || b->n_meters > limits->meters)
        return diag_set(diag, ERR_LIMIT, "it has more groups or meters than fit here");
    return ERR_OK;
}

enum err
handover_ask(struct edge_node *n, struct handover_taker **result, struct diag *diag)
{
    struct handover_record r;
    *result = NULL;
    if (!n->options->take_over)
        return ERR_OK;
    char *path = handover_path(n->options->take_over);
    struct passing *peer = NULL;
    enum err err = passing_connect(path, &peer, diag);
    free(path);
    if (err == ERR_NOT_FOUND) {
        log_info("there is nobody at %s to take over from: the tables are empty",
                 n->options->take_over);
        return ERR_OK;
    }
    if (err)
        return err;
    struct handover_taker *t = xcalloc(1, sizeof *t);
    t->node = n;
    t->peer = peer;
    t->arena = arena_new(ARENA_BUDGET);
    passing_set_patience(peer, ANSWER_PATIENCE);
    err = send_hello(t, diag);
    if (!err)
        err = handover_expect(peer, HANDOVER_BEGIN, t->arena, &t->room, &r, diag);
    if (!err)
        err = check_begin(t, &r.begin, diag);
    if (err) {
        diag_prefix(diag, "%s cannot be taken over from, a cold start is needed",
                    n->options->take_over);
        handover_taker_free(t);
        return err;
    }
    make_room(t, &r.begin);
    *result = t;
    return ERR_OK;
}

/* ---- Tables ---- */

static enum err
too_many(enum handover_type type, struct diag *diag)
{
    return diag_set(diag, ERR_MALFORMED, "more records %s than were announced",
                    handover_type_name(type));
}

static enum err
refused_rule(const char *what, uint32_t id, struct dp_error e, struct diag *diag)
{
    return diag_set(diag, ERR_CONFLICT, "%s %u is not acceptable here: OpenFlow error %u/%u", what,
                    id, e.type, e.code);
}

static struct handover_port *
find_port(struct handover_taker *t, uint32_t number)
{
    for (uint32_t i = 0; i < t->n_ports; i++) {
        if (t->ports[i].number == number)
            return &t->ports[i];
    }
    return NULL;
}

/* Its state is set when it is open. */
static enum err
take_port(struct handover_taker *t, const struct handover_port *p, struct diag *diag)
{
    struct handover_port *known = find_port(t, p->number);
    if (known) {
        *known = *p;
        return ERR_OK;
    }
    if (t->n_ports == t->begin.n_ports)
        return too_many(HANDOVER_PORT, diag);
    struct port_parts *parts = &t->parts[t->n_ports];
    *parts = (struct port_parts){-1, -1, -1, p->flags & HANDOVER_PORT_HOOK};
    int *const places[] = {&parts->socket, &parts->claim, &parts->tap};
    bool complete = true;
    for (unsigned i = 0; i < p->n_descriptors; i++)
        complete &= (*places[i] = passing_take(t->peer)) >= 0;
    t->has_parts[t->n_ports] = p->n_descriptors != 0;
    t->ports[t->n_ports++] = *p;
    return complete
               ? ERR_OK
               : diag_set(diag, ERR_MALFORMED, "port %u came without its descriptors", p->number);
}

static enum err
take_meter(struct handover_taker *t, const struct handover_meter *p, struct diag *diag)
{
    struct datapath *dp = t->node->datapath;
    struct meter_entry *m = idmap_get(&dp->meters, p->meter.meter_id);
    if (!m) {
        struct dp_error e = datapath_meter_mod(dp, METER_ADD, &p->meter, p->created);
        if (dp_failed(e))
            return refused_rule("meter", p->meter.meter_id, e, diag);
        m = idmap_get(&dp->meters, p->meter.meter_id);
    }
    atomic_store(&m->packets, p->packets);
    atomic_store(&m->octets, p->octets);
    for (uint32_t i = 0; i < m->n_bands && i < p->meter.n_bands; i++) {
        atomic_store(&m->bands[i].due, p->bands[i].due);
        atomic_store(&m->bands[i].packets, p->bands[i].packets);
        atomic_store(&m->bands[i].octets, p->bands[i].octets);
    }
    return ERR_OK;
}

static void
set_group_counters(struct group_entry *e, const struct handover_group *p)
{
    struct group_body *body = atomic_load(&e->body);
    counters_preset(&e->counters, &p->traffic);
    for (uint32_t i = 0; i < body->n_buckets && i < p->group.n_buckets; i++)
        counters_preset(&body->buckets[i].counters, &p->buckets[i]);
}

/* Groups may name groups that come later: at first they are empty. */
static enum err
take_group(struct handover_taker *t, const struct handover_group *p, struct diag *diag)
{
    struct datapath *dp = t->node->datapath;
    const struct group empty = {p->group.group_id, GROUP_TYPE_ALL, 0, NULL};
    struct group_entry *known = idmap_get(&dp->groups, p->group.group_id);
    if (known && t->groups_done) {
        set_group_counters(known, p);
        return ERR_OK;
    }
    if (known || t->n_groups == t->begin.n_groups)
        return too_many(HANDOVER_GROUP, diag);
    struct dp_error e = datapath_group_mod(dp, GROUP_ADD, &empty, p->created);
    if (dp_failed(e))
        return refused_rule("group", p->group.group_id, e, diag);
    struct handover_group *copy = &t->groups[t->n_groups++];
    *copy = *p;
    group_copy(&copy->group, &p->group);
    copy->buckets = xcalloc(p->group.n_buckets, sizeof *copy->buckets);
    if (p->group.n_buckets)
        memcpy(copy->buckets, p->buckets, p->group.n_buckets * sizeof *copy->buckets);
    return ERR_OK;
}

static enum err
fill_groups(struct handover_taker *t, struct diag *diag)
{
    struct datapath *dp = t->node->datapath;
    for (uint32_t i = 0; i < t->n_groups && !t->groups_done; i++) {
        const struct handover_group *p = &t->groups[i];
        struct dp_error e = datapath_group_mod(dp, GROUP_MODIFY, &p->group, p->created);
        if (dp_failed(e))
            return refused_rule("group", p->group.group_id, e, diag);
        set_group_counters(idmap_get(&dp->groups, p->group.group_id), p);
    }
    t->groups_done = true;
    return ERR_OK;
}

static enum err
take_flow(struct handover_taker *t, const struct handover_flow *p, struct diag *diag)
{
    struct datapath *dp = t->node->datapath;
    struct flow flow = p->flow;
    struct flow_table *table = &dp->tables[flow.table_id];
    const struct flow_request request = {
        .command = FLOW_ADD, .flow = &flow, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    enum err err = fill_groups(t, diag);
    if (err)
        return err;
    if (t->n_flows == t->begin.n_flows || flow_table_find(table, flow.priority, &flow.match))
        return too_many(HANDOVER_FLOW, diag);
    flow.flags &= (uint16_t)~FLOW_CHECK_OVERLAP; /* it was checked when it came */
    struct dp_error e = datapath_flow_mod(dp, &request, p->created);
    if (dp_failed(e))
        return refused_rule("a flow entry of table", flow.table_id, e, diag);
    struct entry *entry = flow_table_find(table, flow.priority, &flow.match);
    entry->flags = p->flow.flags;
    counters_preset(&entry->counters, &p->traffic);
    t->flows[t->n_flows++] = entry;
    return ERR_OK;
}

/* One that no rule names any more is not there. */
static void
take_stream(struct handover_taker *t, const struct handover_stream *p)
{
    struct redundancy_stream *s = redundancy_stream(t->node->datapath->redundancy, p->id);
    struct redundancy_window *window = s ? atomic_load(&s->window) : NULL;
    if (!s)
        return;
    atomic_store(&s->next, p->next);
    atomic_store(&s->sequenced, p->sequenced);
    if (window && p->window)
        redundancy_restore(window, p->window);
}

static void
take_counts(struct handover_taker *t, const struct handover_counts *p)
{
    struct datapath *dp = t->node->datapath;
    memcpy(dp->inherited, p->tables, sizeof dp->inherited);
    for (unsigned i = 0; i < DROP_MAX; i++)
        atomic_store(&dp->drops[i], p->drops[i]);
}

static enum err
take_record(struct handover_taker *t, const struct handover_record *r, struct diag *diag)
{
    switch (r->type) {
    case HANDOVER_PORT:
        return take_port(t, &r->port, diag);
    case HANDOVER_METER:
        return take_meter(t, &r->meter, diag);
    case HANDOVER_GROUP:
        return take_group(t, &r->group, diag);
    case HANDOVER_FLOW:
        return take_flow(t, &r->flow, diag);
    case HANDOVER_STREAM:
        take_stream(t, &r->stream);
        return ERR_OK;
    case HANDOVER_COUNTS_OF_ALL:
        take_counts(t, &r->counts);
        return ERR_OK;
    default:
        return diag_set(diag, ERR_MALFORMED, "%s came out of turn", handover_type_name(r->type));
    }
}

/* Until a record of type `last`, which stays in `*r`. */
static enum err
take_records(struct handover_taker *t, enum handover_type last, struct handover_record *r,
             struct diag *diag)
{
    enum err err;
    while (!(err = handover_receive(t->peer, t->arena, &t->room, r, diag)) && r->type != last) {
        err = take_record(t, r, diag);
        if (err)
            break;
    }
    return err;
}

static enum err
check_complete(const struct handover_taker *t, struct diag *diag)
{
    const struct handover_begin *b = &t->begin;
    if (t->n_ports == b->n_ports && t->node->datapath->meters.n == b->n_meters &&
        t->n_groups == b->n_groups && t->n_flows == b->n_flows)
        return ERR_OK;
    return diag_set(diag, ERR_MALFORMED, "fewer records than were announced");
}

static void
forget(struct handover_taker *t)
{
    struct datapath *dp = t->node->datapath;
    const struct flow all = {.table_id = TABLE_ALL};
    const struct flow_request request = {
        .command = FLOW_DELETE, .flow = &all, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    const struct group groups = {.group_id = GROUP_ALL};
    const struct meter meters = {.meter_id = METER_ALL};
    (void)datapath_flow_mod(dp, &request, 0);
    (void)datapath_group_mod(dp, GROUP_DELETE, &groups, 0);
    (void)datapath_meter_mod(dp, METER_DELETE, &meters, 0);
    memset(dp->inherited, 0, sizeof dp->inherited);
    for (unsigned i = 0; i < DROP_MAX; i++)
        atomic_store(&dp->drops[i], 0);
    t->n_flows = 0;
}

static void
close_parts(struct handover_taker *t)
{
    for (uint32_t i = 0; i < t->n_ports; i++) {
        const int fds[] = {t->parts[i].socket, t->parts[i].claim, t->parts[i].tap};
        for (size_t k = 0; k < ARRAY_SIZE(fds) && t->has_parts[i]; k++) {
            if (fds[k] >= 0)
                close(fds[k]);
        }
        t->has_parts[i] = false;
    }
    t->n_ports = 0;
}

/* True: the other process has ended, and is not just tired of us. */
static bool
is_alone(struct handover_taker *t, enum err err)
{
    if (err != ERR_CLOSED || !passing_peer_has_gone(t->peer))
        return false;
    passing_close(t->peer);
    t->peer = NULL;
    return true;
}

enum err
handover_take_tables(struct handover_taker *t, struct diag *diag)
{
    struct handover_record r;
    workers_set_wait_to_restore(t->node->workers, t->begin.wait_to_restore);
    enum err err = take_records(t, HANDOVER_END, &r, diag);
    if (!err)
        err = fill_groups(t, diag);
    if (!err)
        err = check_complete(t, diag);
    if (!is_alone(t, err))
        return err;
    log_error("the old process has died before it had told everything: the tables are empty");
    forget(t);
    close_parts(t);
    return ERR_OK;
}

const struct port_parts *
handover_take_parts(struct handover_taker *t, const char *interface)
{
    for (uint32_t i = 0; i < t->n_ports; i++) {
        if (!strcmp(t->ports[i].interface, interface) && t->has_parts[i]) {
            t->has_parts[i] = false;
            return &t->parts[i];
        }
    }
    return NULL;
}

/* ---- Traffic ---- */

static void
set_port(struct edge_node *n, const struct handover_port *p)
{
    struct edge_port *port = datapath_port(n->datapath, p->number);
    const struct worker_port_state state = {p->flags & HANDOVER_PORT_KNOWN, p->restore_at,
                                            p->position};
    if (!port)
        return;
    atomic_store(&port->config, p->config);
    atomic_store(&port->held, (p->flags & HANDOVER_PORT_HELD) != 0);
    atomic_store(&port->up, (p->flags & HANDOVER_PORT_UP) != 0);
    atomic_store(&port->live, (p->flags & HANDOVER_PORT_LIVE) != 0);
    port->created = p->created;
    datapath_schedule_port(n->datapath, port, &p->scheduling);
    workers_set_port_state(n->workers, p->number, &state);
    atomic_store(&port->rx.packets, p->rx.packets);
    atomic_store(&port->rx.octets, p->rx.octets);
    atomic_store(&port->rx.dropped, p->rx.dropped);
    atomic_store(&port->rx.errors, p->rx.errors);
    atomic_store(&port->tx.packets, p->tx.packets);
    atomic_store(&port->tx.octets, p->tx.octets);
    atomic_store(&port->tx.dropped, p->tx.dropped);
    atomic_store(&port->tx.errors, p->tx.errors);
    for (unsigned q = 0; q < N_QUEUES; q++) {
        atomic_store(&port->queues[q].packets, p->queues[q].packets);
        atomic_store(&port->queues[q].octets, p->queues[q].octets);
        atomic_store(&port->queues[q].dropped, p->queues[q].dropped);
    }
}

static enum err
start_forwarding(struct edge_node *n, nsec_t *started, struct diag *diag)
{
    if (n->fast) { /* until all ports have our programs */
        fast_path_bypass(n->fast, true);
        fast_path_alive(n->fast, 0, clock_monotonic());
    }
    enum err err = workers_start(n->workers, diag);
    *started = clock_monotonic();
    if (!err)
        err = workers_own_ports(n->workers, diag);
    if (err) { /* they are the old process's still */
        workers_stop(n->workers);
        workers_disown_ports(n->workers);
        return err;
    }
    if (n->fast)
        fast_path_bypass(n->fast, false);
    return ERR_OK;
}

static enum err
wait_for_stop(struct handover_taker *t, nsec_t *stopped, struct diag *diag)
{
    struct handover_record r;
    if (!t->peer)
        return ERR_OK;
    passing_set_patience(t->peer, STOP_PATIENCE);
    enum err err = handover_send(t->peer, HANDOVER_READY, diag);
    if (!err)
        err = take_records(t, HANDOVER_STOPPED, &r, diag);
    if (is_alone(t, err)) {
        log_error("the old process has died: what it counted last is not known");
        return ERR_OK;
    }
    if (!err && clock_monotonic() - r.stopped > STOP_AGE)
        err = diag_set(diag, ERR_TIMEOUT, "the old process has stopped too long ago");
    *stopped = err ? 0 : r.stopped;
    return err;
}

static enum err
take_flow_counts(struct handover_taker *t, struct diag *diag)
{
    struct handover_record r;
    enum err err;
    while (!(err = handover_receive(t->peer, t->arena, &t->room, &r, diag)) &&
           r.type == HANDOVER_FLOW_COUNTS) {
        for (uint32_t i = 0; i < r.flow_counts.n; i++) {
            const struct handover_flow_count *c = &r.flow_counts.list[i];
            if (c->index < t->n_flows)
                counters_inherit(&t->flows[c->index]->counters, &c->more);
        }
    }
    return err;
}

enum err
handover_take_traffic(struct handover_taker *t, struct diag *diag)
{
    struct edge_node *n = t->node;
    nsec_t stopped = 0, started = 0;
    bool inherits = t->n_ports != 0;
    enum err err = wait_for_stop(t, &stopped, diag);
    for (uint32_t i = 0; i < t->n_ports && !err; i++)
        set_port(n, &t->ports[i]);
    if (!err)
        err = start_forwarding(n, &started, diag);
    if (!err && t->peer)
        err = handover_send(t->peer, HANDOVER_TAKEN, diag);
    if (err)
        return err;
    if (t->peer && take_flow_counts(t, diag))
        log_error("what flow entries counted last is not known: %s", diag->text);
    if (inherits)
        log_info(
            "took over %u flow entries, %u groups, %u meters; without a packet thread for %lld us",
            t->n_flows, t->n_groups, n->datapath->meters.n,
            stopped ? (long long)((started - stopped) / NSEC_PER_USEC) : -1LL);
    return ERR_OK;
}

void
handover_taker_free(struct handover_taker *t)
{
    if (!t)
        return;
    close_parts(t);
    for (uint32_t i = 0; i < t->n_groups; i++) {
        group_fini(&t->groups[i].group);
        free(t->groups[i].buckets);
    }
    passing_close(t->peer);
    arena_free(t->arena);
    buf_fini(&t->room);
    free(t->ports);
    free(t->parts);
    free(t->has_parts);
    free(t->groups);
    free(t->flows);
    free(t);
}
