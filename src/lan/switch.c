#include "base/alloc.h"
#include "io/clock.h"
#include "lan/switch_private.h"
#include "model/text.h"
#include "proto/openflow/openflow_canonical.h"

#include <stdio.h>
#include <stdlib.h>

#define HELLO_TIMEOUT (5 * NSEC_PER_SEC)
#define ECHO_INTERVAL (3 * NSEC_PER_SEC)
#define ECHO_TIMEOUT (3 * NSEC_PER_SEC)
#define PROD_TIMEOUT NSEC_PER_SEC
#define MONITOR_ID 1

static void pump_events(struct lan_switch *);

/* ---- Sending ---- */

void
lan_switch_flush(struct lan_switch *s)
{
    struct buf *out = openflow_session_output(s->session);
    if (out->size && s->stream && s->handler->may_send(s->arg))
        (void)stream_send(s->stream, out->data, out->size);
    buf_clear(out);
    nsec_t deadline = openflow_session_deadline(s->session);
    if (deadline == NSEC_NEVER)
        timer_stop(s->timer);
    else
        timer_start(s->timer, clock_left(deadline));
}

/* Failures of what cannot even be sent come as events too: on the next turn, as all others. */
static enum err
ask(struct lan_switch *s, struct openflow_message *m, enum purpose purpose, struct batch *batch,
    struct switch_op *op, nsec_t timeout)
{
    struct request *r = xcalloc(1, sizeof *r);
    *r = (struct request){purpose, batch, op};
    enum err err = openflow_session_request(s->session, m, r, timeout, clock_monotonic());
    if (err)
        free(r);
    return err;
}

enum err
lan_switch_ask_multipart(struct lan_switch *s, uint32_t type, void *items, uint32_t n,
                         enum purpose purpose)
{
    struct openflow_message m = {.type = OFPT_MULTIPART_REQUEST};
    m.multipart = (struct openflow_multipart){.type = type, .n = n};
    m.multipart.items = items;
    return ask(s, &m, purpose, NULL, NULL, READ_TIMEOUT);
}

/* For what nobody answers. If it cannot be sent the session is going down, which comes as an event.
 */
static void
tell(struct lan_switch *s, const struct openflow_message *m)
{
    if (openflow_session_send(s->session, m))
        task_schedule(s->pump);
}

/* ---- Doing things ---- */

static void
fill_flow_mod(const struct switch_op *op, struct openflow_message *m)
{
    m->type = OFPT_FLOW_MOD;
    m->flow_mod = (struct openflow_flow_mod){
        .command = op->remove ? OFPFC_DELETE_STRICT : OFPFC_ADD,
        .buffer_id = NO_BUFFER,
        .out_port = PORT_ANY,
        .out_group = GROUP_ANY,
    };
    if (op->alien) {
        m->flow_mod.flow.table_id = op->alien->table_id;
        m->flow_mod.flow.priority = op->alien->priority;
        m->flow_mod.foreign.what = "";
        m->flow_mod.foreign.match = (struct openflow_data){op->alien->match.data,
                                                           op->alien->match.size};
    } else {
        m->flow_mod.flow = op->item->flow;
    }
}

static void
fill_message(struct lan_switch *s, const struct switch_op *op, struct openflow_message *m)
{
    enum rule_kind kind = op->alien ? op->alien->kind : op->item->rule.kind;
    bool there = op->item && ruleset_find(&s->held, &op->item->rule);
    *m = (struct openflow_message){.type = OFPT_FLOW_MOD};
    if (kind == RULE_FLOW) {
        fill_flow_mod(op, m);
    } else if (kind == RULE_GROUP) {
        m->type = OFPT_GROUP_MOD;
        m->group_mod.command = op->remove ? OFPGC_DELETE : there ? OFPGC_MODIFY : OFPGC_ADD;
        if (op->remove)
            m->group_mod.group.group_id = op->alien ? op->alien->number : op->item->group.group_id;
        else
            m->group_mod.group = op->item->group;
    } else {
        m->type = OFPT_METER_MOD;
        m->meter_mod.command = op->remove ? OFPGC_DELETE : there ? OFPGC_MODIFY : OFPGC_ADD;
        if (op->remove)
            m->meter_mod.meter.meter_id = op->alien ? op->alien->number : op->item->meter.meter_id;
        else
            m->meter_mod.meter = op->item->meter;
    }
}

/* The device has confirmed: what it holds has changed. */
static void
note_confirmed(struct lan_switch *s, const struct switch_op *op)
{
    if (op->alien) {
        lan_switch_forget_alien(s, op->alien);
        return;
    }
    struct rule_item *there = ruleset_find(&s->held, &op->item->rule);
    s->version++;
    if (!op->remove)
        ruleset_put(&s->held, &op->item->rule);
    else if (there)
        ruleset_remove(&s->held, there);
}

static void
finish_op(struct lan_switch *s, struct batch *b, struct switch_op *op,
          const struct openflow_event *e)
{
    op->err = e->kind == OPENFLOW_FAILED ? e->err : ERR_OK;
    if (!op->err) {
        note_confirmed(s, op);
    } else if (op->err == ERR_DENIED) {
        struct buf text = BUF_INIT;
        openflow_error_format(&e->error, &text);
        snprintf(op->why, sizeof op->why, "%s", buf_cstr(&text));
        buf_fini(&text);
    } else {
        snprintf(op->why, sizeof op->why, "%s", err_text(op->err));
    }
    b->outstanding--;
}

static void
unlink_batch(struct lan_switch *s, struct batch *b)
{
    struct batch **at = &s->batches;
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
}

static void
check_batch(struct lan_switch *s, struct batch *b)
{
    if (b->outstanding)
        return;
    unlink_batch(s, b);
    s->latency = clock_monotonic() - b->sent;
    if (s->reading.active)
        s->reading.dirty = true;
    else if (s->reading.again && !s->batches)
        lan_switch_read(s);
    b->done(b->arg, s, b->ops, b->n);
    free(b);
}

void
lan_switch_apply(struct lan_switch *s, struct switch_op *ops, uint32_t n, nsec_t timeout,
                 switch_done_fn *done, void *arg)
{
    struct batch *b = xcalloc(1, sizeof *b);
    *b = (struct batch){ops, n, n + 1, clock_monotonic(), done, arg, s->batches};
    s->batches = b;
    if (s->reading.active)
        s->reading.dirty = true;
    for (uint32_t i = 0; i < n; i++) {
        struct openflow_message m;
        fill_message(s, &ops[i], &m);
        ops[i].err = s->closed ? ERR_CLOSED : ask(s, &m, ASK_OP, b, &ops[i], timeout);
        if (ops[i].err) {
            snprintf(ops[i].why, sizeof ops[i].why, "not sent: %s", err_text(ops[i].err));
            b->outstanding--;
        }
    }
    struct openflow_message barrier = {.type = OFPT_BARRIER_REQUEST};
    if (s->closed || ask(s, &barrier, ASK_BARRIER, b, NULL, timeout)) {
        b->outstanding--;
        task_schedule(s->pump); /* `done` is called from there, not from here */
    }
    lan_switch_flush(s);
}

/* ---- The start ---- */

static bool
identify(struct lan_switch *s)
{
    struct diag diag = {"refused"};
    if (s->handler->identified(s->arg, s, &diag))
        return true;
    openflow_session_close(s->session, ERR_DENIED, diag.text);
    return false;
}

static void
ask_monitor(struct lan_switch *s)
{
    struct openflow_monitor_request r = {.id = MONITOR_ID,
                                         .flags = ONFFMF_ADD | ONFFMF_DELETE | ONFFMF_MODIFY |
                                                  ONFFMF_ACTIONS,
                                         .out_port = PORT_ANY,
                                         .table_id = TABLE_ALL};
    (void)lan_switch_ask_multipart(s, ONFMP_FLOW_MONITOR, &r, 1, ASK_MONITOR);
}

static void
begin(struct lan_switch *s)
{
    struct openflow_message m = {.type = OFPT_SET_CONFIG, .config = {.miss_send_len = 128}};
    s->handshake = 4;
    tell(s, &m);
    m = (struct openflow_message){.type = OFPT_FEATURES_REQUEST};
    (void)ask(s, &m, ASK_FEATURES, NULL, NULL, READ_TIMEOUT);
    (void)lan_switch_ask_multipart(s, OFPMP_DESC, NULL, 0, ASK_DESC);
    (void)lan_switch_ask_multipart(s, OFPMP_PORT_DESC, NULL, 0, ASK_PORTS);
    m = (struct openflow_message){.type = OFPT_ROLE_REQUEST, .role = {.role = OFPCR_ROLE_EQUAL}};
    (void)ask(s, &m, ASK_ROLE, NULL, NULL, READ_TIMEOUT);
}

static void
copy_ports(struct lan_switch *s, const struct openflow_multipart *m)
{
    free(s->ports);
    s->ports = m->n ? xmemdup(m->ports, m->n * sizeof *m->ports) : NULL;
    s->n_ports = m->n;
    for (uint32_t i = 0; i < s->n_ports; i++)
        text_make_printable(s->ports[i].name); /* shown to people, and put into JSON */
}

static void
take_handshake(struct lan_switch *s, const struct request *r, const struct openflow_event *e)
{
    if (e->kind == OPENFLOW_FAILED && r->purpose != ASK_ROLE) {
        openflow_session_close(s->session, e->err, "it does not answer what every switch must");
        return;
    }
    if (r->purpose == ASK_FEATURES) {
        s->datapath_id = e->message->features.datapath_id;
    } else if (r->purpose == ASK_DESC && e->message->multipart.n) {
        const struct openflow_desc *d = e->message->multipart.desc;
        snprintf(s->software, sizeof s->software, "%.64s %.64s", d->hardware, d->software);
        text_make_printable(s->software);
    } else if (r->purpose == ASK_PORTS) {
        copy_ports(s, &e->message->multipart);
    }
    if (--s->handshake || !identify(s))
        return;
    s->identified = true;
    ask_monitor(s);
    lan_switch_read(s);
}

/* ---- What the switch says unasked ---- */

static void
take_update(struct lan_switch *s, struct openflow_monitor_update *u)
{
    struct rule rule = rule_of_flow(&u->flow);
    struct rule_item *there;
    if (u->event == ONFFME_ABBREV) /* our own: its confirmation says so */
        return;
    if (u->foreign.what) { /* a read finds out what it is */
        lan_switch_read(s);
        return;
    }
    openflow_canonical_flow(&u->flow);
    there = ruleset_find(&s->held, &rule);
    s->version++;
    if (u->event != ONFFME_DELETED)
        ruleset_put(&s->held, &rule);
    else if (there)
        ruleset_remove(&s->held, there);
}

static void
take_updates(struct lan_switch *s, struct openflow_multipart *m)
{
    bool others = false;
    for (uint32_t i = 0; i < m->n; i++) {
        others |= m->updates[i].event != ONFFME_ABBREV;
        take_update(s, &m->updates[i]);
    }
    if (s->reading.active && s->reading.flows && others)
        s->reading.dirty = true; /* what was read may be from before */
    if (others && s->ready)
        s->handler->tables_changed(s->arg, s, true);
}

static void
take_port(struct lan_switch *s, const struct openflow_port_status *p)
{
    struct openflow_port port = p->port;
    uint32_t i = 0;
    text_make_printable(port.name);
    while (i < s->n_ports && s->ports[i].port_no != port.port_no)
        i++;
    if (p->reason == OFPPR_DELETE) {
        port.state = OFPPS_LINK_DOWN;
        if (i < s->n_ports)
            s->ports[i] = s->ports[--s->n_ports];
    } else if (i < s->n_ports) {
        s->ports[i] = port;
    } else {
        s->ports = xrealloc(s->ports, s->n_ports + 1, sizeof *s->ports);
        s->ports[s->n_ports++] = port;
    }
    if (s->ready)
        s->handler->port_changed(s->arg, s, &port);
}

static void
take_message(struct lan_switch *s, struct openflow_message *m)
{
    if (m->type == OFPT_PACKET_IN && s->ready)
        s->handler->packet_in(s->arg, s, &m->packet_in);
    else if (m->type == OFPT_PORT_STATUS)
        take_port(s, &m->port_status);
    else if (m->type == OFPT_MULTIPART_REPLY && m->multipart.type == ONFMP_FLOW_MONITOR)
        take_updates(s, &m->multipart);
    else if (m->type == ONFT_FLOW_MONITOR_RESUMED)
        lan_switch_read(s); /* updates were left out while it was paused */
}

static void
take_answer(struct lan_switch *s, const struct openflow_event *e)
{
    struct request *r = e->arg;
    switch (r->purpose) {
    case ASK_FEATURES:
    case ASK_DESC:
    case ASK_PORTS:
    case ASK_ROLE:
        take_handshake(s, r, e);
        break;
    case ASK_MONITOR:
        s->has_monitor = e->kind == OPENFLOW_DONE;
        break;
    case ASK_METERS:
    case ASK_GROUPS:
    case ASK_FLOWS:
        lan_switch_take_part(s, r, e);
        break;
    case ASK_OP:
        finish_op(s, r->batch, r->op, e);
        check_batch(s, r->batch);
        break;
    case ASK_BARRIER:
        r->batch->outstanding--;
        check_batch(s, r->batch);
        break;
    case ASK_PROD:
        s->prodded = false;
        if (e->kind == OPENFLOW_FAILED)
            openflow_session_close(s->session, e->err, "it did not answer when asked");
        break;
    }
    free(r);
}

static void
finish_batches(struct lan_switch *s)
{
    for (struct batch *b = s->batches, *next; b; b = next) {
        next = b->next;
        check_batch(s, b);
    }
}

static void
pump_events(struct lan_switch *s)
{
    struct openflow_event e;
    while (!s->closed && openflow_session_next(s->session, &e)) {
        switch (e.kind) {
        case OPENFLOW_UP:
            begin(s);
            break;
        case OPENFLOW_MESSAGE:
            take_message(s, e.message);
            break;
        case OPENFLOW_DONE:
        case OPENFLOW_FAILED:
            take_answer(s, &e);
            break;
        case OPENFLOW_REFUSED: /* something no switch should send: nothing came of it */
            break;
        case OPENFLOW_DOWN:
            lan_switch_flush(s);
            s->closed = true;
            finish_batches(s);
            s->handler->closed(s->arg, s, e.err, e.diag.text);
            return; /* freed by now */
        }
    }
    lan_switch_flush(s);
}

static void
on_pump(void *arg)
{
    struct lan_switch *s = arg;
    finish_batches(s);
    if (!s->closed)
        pump_events(s);
}

static void
on_timer(void *arg)
{
    struct lan_switch *s = arg;
    openflow_session_tick(s->session, clock_monotonic());
    pump_events(s);
}

static void
on_received(void *arg, struct stream *stream UNUSED, const uint8_t *data, size_t size)
{
    struct lan_switch *s = arg;
    openflow_session_input(s->session, data, size, clock_monotonic());
    pump_events(s);
}

static void
on_closed(void *arg, struct stream *stream UNUSED, enum err err, const char *reason)
{
    struct lan_switch *s = arg;
    openflow_session_close(s->session, err, reason);
    pump_events(s);
}

static const struct stream_handler stream_handler = {.received = on_received, .closed = on_closed};

struct lan_switch *
lan_switch_new(uv_loop_t *loop, struct stream *stream, const struct lan_switch_handler *handler,
               void *arg)
{
    const struct openflow_session_config config = {.end = OPENFLOW_CONTROLLER,
                                                   .hello_timeout = HELLO_TIMEOUT,
                                                   .echo_interval = ECHO_INTERVAL,
                                                   .echo_timeout = ECHO_TIMEOUT};
    struct lan_switch *s = xcalloc(1, sizeof *s);
    s->loop = loop;
    s->stream = stream;
    s->handler = handler;
    s->arg = arg;
    s->session = openflow_session_new(&config, clock_monotonic());
    s->timer = timer_new(loop, on_timer, s);
    s->pump = task_new(loop, on_pump, s);
    stream_set_handler(stream, &stream_handler, s);
    lan_switch_flush(s);
    return s;
}

void
lan_switch_close(struct lan_switch *s, enum err err, const char *why)
{
    openflow_session_close(s->session, err, why);
    task_schedule(s->pump);
}

void
lan_switch_free(struct lan_switch *s)
{
    struct openflow_event e;
    if (!s)
        return;
    s->closed = true;
    openflow_session_close(s->session, ERR_CLOSED, "closed");
    while (openflow_session_next(s->session, &e)) { /* the requests are ours to free */
        if (e.kind == OPENFLOW_DONE || e.kind == OPENFLOW_FAILED)
            free(e.arg);
    }
    for (struct batch *b = s->batches, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    openflow_session_free(s->session);
    stream_free(s->stream);
    timer_free(s->timer);
    task_free(s->pump);
    lan_switch_reading_fini(s);
    free(s->ports);
    free(s);
}

/* ---- Reading it ---- */

const char *
lan_switch_peer(const struct lan_switch *s)
{
    return stream_peer_name(s->stream);
}

const char *
lan_switch_address(const struct lan_switch *s)
{
    return stream_peer_address(s->stream);
}

uint64_t
lan_switch_datapath_id(const struct lan_switch *s)
{
    return s->datapath_id;
}

const char *
lan_switch_software(const struct lan_switch *s)
{
    return s->software;
}

uint32_t
lan_switch_n_ports(const struct lan_switch *s)
{
    return s->n_ports;
}

const struct openflow_port *
lan_switch_ports(const struct lan_switch *s)
{
    return s->ports;
}

bool
lan_switch_is_ready(const struct lan_switch *s)
{
    return s->ready && !s->closed;
}

bool
lan_switch_has_monitor(const struct lan_switch *s)
{
    return s->has_monitor;
}

nsec_t
lan_switch_latency(const struct lan_switch *s)
{
    return s->latency;
}

struct ruleset *
lan_switch_held(struct lan_switch *s)
{
    return &s->held;
}

uint64_t
lan_switch_version(const struct lan_switch *s)
{
    return s->version;
}

void
lan_switch_prod(struct lan_switch *s)
{
    struct openflow_message barrier = {.type = OFPT_BARRIER_REQUEST};
    if (s->closed || s->prodded)
        return;
    s->prodded = !ask(s, &barrier, ASK_PROD, NULL, NULL, PROD_TIMEOUT);
    lan_switch_flush(s);
}

void
lan_switch_packet_out(struct lan_switch *s, uint32_t port, const uint8_t *frame, size_t size)
{
    struct action output = {.type = ACTION_OUTPUT, .id = port};
    struct openflow_message m = {.type = OFPT_PACKET_OUT};
    m.packet_out = (struct openflow_packet_out){.buffer_id = NO_BUFFER,
                                                .in_port = PORT_CONTROLLER,
                                                .actions = {&output, 1},
                                                .packet = {frame, size}};
    if (!s->closed)
        tell(s, &m);
    lan_switch_flush(s);
}
