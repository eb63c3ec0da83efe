/* switch.h - a switch for tests of the LAN controller: the product's own tables and its own switch
 * side of OpenFlow, over a TLS connection, without a packet worker. It can fall silent, lie about
 * itself, and be wired to others. Static functions only. */
#ifndef TEST_LAN_SWITCH_H
#define TEST_LAN_SWITCH_H

#include "centre.h"
#include "edge/openflow_switch.h"
#include "edge/pipeline.h"

#define SWITCH_PORTS 32

/* A flow_mod that a switch was sent, in the order all switches were. */
struct sent_rule {
    char node[64];
    bool remove, entry, taken; /* taken: the switch has done it */
    uint32_t number;           /* of its circuit */
};

struct sw;

struct frame_on_wire {
    struct sw *to;
    uint32_t port;
    struct buf frame;
};

/* What connects switches, and what they were told. */
struct plant {
    struct centre *centre;
    struct sw *switches[32];
    uint32_t n_switches;
    struct frame_on_wire *wire;
    uint32_t n_wire, wire_capacity;
    struct task *deliver;
    struct sent_rule *sent;
    uint32_t n_sent, sent_capacity;
    struct frame_on_wire tape[2]; /* the last frames to `tape_at` */
    struct sw *tape_at[2];
    uint32_t tape_port[2];
};

struct sw {
    struct plant *plant;
    char name[64], stem[64];
    struct datapath *dp;
    struct packet_pool *pool;
    struct pipeline *pl;
    struct openflow_switch *of;
    struct openflow_channel *channel;
    struct stream *stream;
    struct tls *tls;
    struct timer *timer;
    struct task *run;
    bool opened, closed;
    enum err err;
    char why[200];
    bool no_monitor;  /* knows no flow monitors */
    bool mute;        /* takes what it is sent, and does nothing about it */
    uint32_t mute_at; /* falls silent when it has been sent so many flow_mods; 0: never */
    uint32_t n_mods;  /* flow, group and meter_mods it was sent since it connected */
    struct buf unread, tapped;
    struct sw *peer[SWITCH_PORTS + 1];
    uint32_t peer_port[SWITCH_PORTS + 1];
};

static inline void sw_run(void *arg);

/* ---- Packets */

static inline void
sw_on_send(void *arg, struct edge_port *port, struct packet *p)
{
    struct sw *sw = arg;
    struct plant *plant = sw->plant;
    struct sw *to = port->number <= SWITCH_PORTS ? sw->peer[port->number] : NULL;
    if (!to)
        return;
    GROW(plant->wire, plant->n_wire, plant->wire_capacity);
    struct frame_on_wire *f = &plant->wire[plant->n_wire++];
    *f = (struct frame_on_wire){to, sw->peer_port[port->number], BUF_INIT};
    buf_put(&f->frame, p->data, p->size);
    task_schedule(plant->deliver);
}

static inline void
sw_on_punt(void *arg, const struct punt *p)
{
    struct sw *sw = arg;
    openflow_switch_packet_in(sw->of, p, p->packet->data, MIN(p->packet->size, p->max_len),
                              p->packet->size, p->packet->in_port);
}

static inline void
sw_on_local(void *arg UNUSED, struct packet *p UNUSED)
{
}

/* A frame that arrives at a port. */
static inline void
sw_receive(struct sw *sw, uint32_t port, const uint8_t *frame, size_t size)
{
    struct packet *p = packet_new(sw->pool, (uint32_t)size);
    memcpy(p->data, frame, size);
    p->size = (uint32_t)size;
    p->in_port = port;
    pipeline_receive(sw->pl, &p, 1, clock_monotonic());
    if (sw->channel)
        task_schedule(sw->run);
}

static inline void
plant_deliver(void *arg)
{
    struct plant *plant = arg;
    struct frame_on_wire *wire = plant->wire;
    uint32_t n = plant->n_wire;
    plant->wire = NULL;
    plant->n_wire = plant->wire_capacity = 0;
    for (uint32_t i = 0; i < n; i++) {
        sw_receive(wire[i].to, wire[i].port, wire[i].frame.data, wire[i].frame.size);
        for (int k = 0; k < 2; k++) {
            if (plant->tape_at[k] == wire[i].to && plant->tape_port[k] == wire[i].port) {
                buf_clear(&plant->tape[k].frame);
                buf_put(&plant->tape[k].frame, wire[i].frame.data, wire[i].frame.size);
            }
        }
        buf_fini(&wire[i].frame);
    }
    free(wire);
}

static inline enum err
sw_on_inject(void *arg, const struct injection *in)
{
    struct sw *sw = arg;
    struct packet *p = packet_new(sw->pool, in->size);
    memcpy(p->data, in->frame, in->size);
    p->size = in->size;
    p->in_port = in->in_port;
    pipeline_inject(sw->pl, p, in->actions, clock_monotonic());
    return ERR_OK;
}

/* ---- What it is told */

static inline void
sw_note_flow_mod(struct sw *sw, const struct openflow_flow_mod *mod)
{
    struct plant *plant = sw->plant;
    const struct network *net = plant->centre->state->network;
    uint32_t port = (uint32_t)flow_key_get(&mod->flow.match.value, FIELD_IN_PORT);
    GROW(plant->sent, plant->n_sent, plant->sent_capacity);
    struct sent_rule *sent = &plant->sent[plant->n_sent++];
    *sent = (struct sent_rule){.remove = mod->command == OFPFC_DELETE_STRICT,
                               .entry = mod->flow.priority == PRIORITY_CONVERSATION &&
                                        match_has(&mod->flow.match, FIELD_IN_PORT) &&
                                        !network_link_at(net, sw->name, port),
                               .number = cookie_number(mod->flow.cookie)};
    snprintf(sent->node, sizeof sent->node, "%s", sw->name);
}

/* A switch that knows no flow monitors finds a request for something else in their place. */
static inline void
sw_hide_monitor(uint8_t *message, size_t size)
{
    if (message[1] == OFPT_MULTIPART_REQUEST && size >= 24 && get_be16(message + 8) == 0xffff)
        put_be32(message + 20, 0xfff0);
}

/* Notes each message that comes, and hands it on. */
static inline void
sw_tap(struct sw *sw, const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new((size_t)1 << 20);
    size_t message_size;
    buf_put(&sw->tapped, data, size);
    while (!openflow_frame(sw->tapped.data, sw->tapped.size, OPENFLOW_SIZE_MAX, &message_size)) {
        struct openflow_message m;
        struct openflow_error error;
        struct diag diag;
        arena_reset(arena);
        if (!openflow_decode(sw->tapped.data, message_size, arena, &m, &error, &diag)) {
            sw->n_mods += m.type == OFPT_FLOW_MOD || m.type == OFPT_GROUP_MOD ||
                          m.type == OFPT_METER_MOD;
            if (m.type == OFPT_FLOW_MOD)
                sw_note_flow_mod(sw, &m.flow_mod);
        }
        if (sw->no_monitor)
            sw_hide_monitor(sw->tapped.data, message_size);
        buf_put(&sw->unread, sw->tapped.data, message_size);
        buf_consume(&sw->tapped, message_size);
    }
    arena_free(arena);
    if (sw->mute_at && sw->n_mods >= sw->mute_at)
        sw->mute = true;
}

static inline void
sw_flush(struct sw *sw)
{
    struct buf *out = openflow_channel_output(sw->channel);
    if (out->size)
        (void)stream_send(sw->stream, out->data, out->size);
    buf_clear(out);
    nsec_t deadline = openflow_channel_deadline(sw->channel);
    if (deadline == NSEC_NEVER)
        timer_stop(sw->timer);
    else
        timer_start(sw->timer, MAX(deadline - clock_monotonic(), 0));
}

static inline void
sw_run(void *arg)
{
    struct sw *sw = arg;
    struct openflow_channel_status status;
    if (!sw->channel || sw->mute)
        return;
    nsec_t now = clock_monotonic();
    while (sw->unread.size && openflow_channel_wants_input(sw->channel)) {
        size_t size = MIN(sw->unread.size, (size_t)1 << 16);
        openflow_channel_input(sw->channel, sw->unread.data, size, now);
        buf_consume(&sw->unread, size);
        openflow_channel_run(sw->channel, stream_pending(sw->stream), now);
        sw_flush(sw);
    }
    openflow_channel_run(sw->channel, stream_pending(sw->stream), now);
    sw_flush(sw);
    openflow_channel_get_status(sw->channel, &status);
    if (status.down && !sw->closed) {
        sw->closed = true;
        sw->err = status.err;
        snprintf(sw->why, sizeof sw->why, "%s", status.reason);
    }
}

static inline void
sw_on_wake(void *arg, struct openflow_channel *channel UNUSED)
{
    struct sw *sw = arg;
    task_schedule(sw->run);
}

static inline void
sw_on_opened(void *arg, struct stream *stream UNUSED)
{
    struct sw *sw = arg;
    sw->opened = true;
    sw->channel = openflow_channel_open(sw->of, sw, clock_monotonic());
    sw_run(sw);
}

static inline void
sw_on_received(void *arg, struct stream *stream UNUSED, const uint8_t *data, size_t size)
{
    struct sw *sw = arg;
    sw_tap(sw, data, size);
    sw_run(sw);
}

static inline void
sw_on_drained(void *arg, struct stream *stream UNUSED)
{
    sw_run(arg);
}

static inline void
sw_on_closed(void *arg, struct stream *stream UNUSED, enum err err, const char *reason)
{
    struct sw *sw = arg;
    sw->closed = true;
    sw->err = err;
    snprintf(sw->why, sizeof sw->why, "%s", reason);
}

static const struct stream_handler sw_handler = {sw_on_opened, sw_on_received, sw_on_drained,
                                                 sw_on_closed};

/* ---- Its life */

static inline void
sw_disconnect(struct sw *sw)
{
    timer_stop(sw->timer);
    openflow_channel_close(sw->channel);
    stream_free(sw->stream);
    sw->channel = NULL;
    sw->stream = NULL;
    sw->opened = sw->closed = false;
    sw->why[0] = '\0';
    sw->mute = false;
    sw->n_mods = sw->mute_at = 0;
    buf_clear(&sw->unread);
    buf_clear(&sw->tapped);
}

static inline void
sw_connect(struct sw *sw)
{
    const struct stream_config config = {
        .address = sw->plant->centre->address, .tls = sw->tls, .peer_name = "controller"};
    struct diag diag = {""};
    sw_disconnect(sw);
    if (stream_connect(sw->plant->centre->loop, &config, &sw_handler, sw, &sw->stream, &diag))
        fail_msg("%s", diag.text);
}

static inline void
sw_add_port(struct sw *sw, uint32_t number, const char *name)
{
    struct mac mac = {{2, 1, (uint8_t)sw->plant->n_switches, 0, 0, (uint8_t)number}};
    struct edge_port *port = datapath_add_port(sw->dp, number, name, &mac, clock_monotonic());
    port->up = port->live = true;
}

/* With ports as given, or NULL: none yet. Its certificate must be there as STEM.crt. */
static inline struct sw *
sw_new(struct plant *plant, const char *name, const char *stem, uint64_t datapath_id,
       const struct node *ports)
{
    struct sw *sw = xcalloc(1, sizeof *sw);
    const struct limits limits = {200000, 20000, 20000, 16};
    sw->plant = plant;
    plant->switches[plant->n_switches++] = sw;
    snprintf(sw->name, sizeof sw->name, "%s", name);
    snprintf(sw->stem, sizeof sw->stem, "%s", stem);
    sw->tls = centre_identity(plant->centre, stem);
    sw->dp = datapath_new(&limits);
    for (uint32_t i = 0; ports && i < ports->n_ports; i++)
        sw_add_port(sw, ports->ports[i].number, ports->ports[i].name);
    sw->pool = packet_pool_new(64, 2);
    struct pipeline_sink sink = {sw_on_send, sw_on_punt, sw_on_local, NULL, sw, NULL};
    sw->pl = pipeline_new(sw->dp, &sink, 64);
    struct openflow_switch_config config = {.datapath_id = datapath_id,
                                            .name = sw->name,
                                            .inject = sw_on_inject,
                                            .wake = sw_on_wake,
                                            .arg = sw};
    sw->of = openflow_switch_new(sw->dp, &config);
    sw->timer = timer_new(plant->centre->loop, sw_run, sw);
    sw->run = task_new(plant->centre->loop, sw_run, sw);
    return sw;
}

static inline void
sw_free(struct sw *sw)
{
    sw_disconnect(sw);
    openflow_switch_free(sw->of);
    pipeline_free(sw->pl);
    datapath_free(sw->dp);
    packet_pool_free(sw->pool);
    timer_free(sw->timer);
    task_free(sw->run);
    tls_free(sw->tls);
    buf_fini(&sw->unread);
    buf_fini(&sw->tapped);
    free(sw);
}

/* A switch as the inventory has it, with a certificate of its own; not connected. */
static inline UNUSED struct sw *
sw_of_node(struct plant *plant, const char *name)
{
    const struct node *node = network_node(plant->centre->state->network, name);
    test_cert_issue(&plant->centre->dir, name, &plant->centre->ca,
                    &(struct test_cert){.name = name});
    return sw_new(plant, name, name, node->datapath_id, node);
}

static inline UNUSED struct plant *
plant_new(struct centre *centre)
{
    struct plant *plant = xcalloc(1, sizeof *plant);
    plant->centre = centre;
    plant->deliver = task_new(centre->loop, plant_deliver, plant);
    return plant;
}

static inline UNUSED void
plant_free(struct plant *plant)
{
    for (uint32_t i = 0; i < plant->n_switches; i++)
        sw_free(plant->switches[i]);
    for (uint32_t i = 0; i < plant->n_wire; i++)
        buf_fini(&plant->wire[i].frame);
    for (int k = 0; k < 2; k++)
        buf_fini(&plant->tape[k].frame);
    task_free(plant->deliver);
    free(plant->wire);
    free(plant->sent);
    free(plant);
}

static inline UNUSED struct sw *
plant_switch(const struct plant *plant, const char *name)
{
    for (uint32_t i = 0; i < plant->n_switches; i++) {
        if (!strcmp(plant->switches[i]->name, name))
            return plant->switches[i];
    }
    fail_msg("no switch %s", name);
    return NULL;
}

static inline UNUSED void
sw_wire(struct sw *a, uint32_t a_port, struct sw *b, uint32_t b_port)
{
    a->peer[a_port] = b;
    a->peer_port[a_port] = b_port;
    if (b) {
        b->peer[b_port] = a;
        b->peer_port[b_port] = a_port;
    }
}

/* A port loses its carrier, or has it again. */
static inline UNUSED void
sw_set_carrier(struct sw *sw, uint32_t number, bool up)
{
    struct edge_port *port = datapath_port(sw->dp, number);
    port->up = port->live = up;
    openflow_switch_port_changed(sw->of, port);
    task_schedule(sw->run);
}

/* All nodes of the inventory, wired as it says, connected and adopted. */
static inline UNUSED void
plant_build(struct plant *plant)
{
    struct centre *s = plant->centre;
    for (const struct node *n = s->state->network->nodes; n; n = n->hh.next)
        sw_of_node(plant, n->name);
    for (const struct link *l = s->state->network->links; l; l = l->hh.next)
        sw_wire(plant_switch(plant, l->a.node), l->a.port, plant_switch(plant, l->b.node),
                l->b.port);
    for (uint32_t i = 0; i < plant->n_switches; i++)
        sw_connect(plant->switches[i]);
    for (uint32_t i = 0; i < plant->n_switches; i++) {
        char object[128];
        snprintf(object, sizeof object, "node/%s", plant->switches[i]->name);
        RUN_UNTIL(s->loop, centre_event(s, "node.adopted", object));
    }
}

/* ---- Its tables, as somebody else changes them */

static inline void
sw_count_flow(void *arg, struct entry *e UNUSED)
{
    (*(uint32_t *)arg)++;
}

static inline UNUSED uint32_t
sw_count_flows(struct sw *sw)
{
    uint32_t n = 0;
    const struct flow all = {.table_id = TABLE_ALL};
    const struct flow_request request = {
        .flow = &all, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    datapath_each_flow(sw->dp, &request, sw_count_flow, &n);
    return n;
}

/* Tells the controller what its monitors want to know. */
static inline UNUSED void
sw_flow_mod(struct sw *sw, enum flow_command command, const struct flow *flow)
{
    const struct flow_request request = {
        .command = command, .flow = flow, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    assert_false(dp_failed(datapath_flow_mod(sw->dp, &request, clock_monotonic())));
    task_schedule(sw->run);
}

#endif
