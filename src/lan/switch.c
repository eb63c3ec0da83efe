#include "lan/switch.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/timer.h"
#include "proto/openflow/openflow_canonical.h"

#include <stdio.h>
#include <stdlib.h>

#define HELLO_TIMEOUT (5 * NSEC_PER_SEC)
#define ECHO_INTERVAL (3 * NSEC_PER_SEC)
#define ECHO_TIMEOUT (3 * NSEC_PER_SEC)
#define READ_TIMEOUT (10 * NSEC_PER_SEC)
#define PROD_TIMEOUT NSEC_PER_SEC
#define ALIENS_MAX 1000
#define MONITOR_ID 1

#define SWAP(a, b)                                                                                 \
    do {                                                                                           \
        __typeof__(a) swapped_ = (a);                                                              \
        (a) = (b);                                                                                 \
        (b) = swapped_;                                                                            \
    } while (0)

/* What an outstanding request is about. */
enum purpose {
    ASK_FEATURES,
    ASK_DESC,
    ASK_PORTS,
    ASK_ROLE,
    ASK_MONITOR,
    ASK_METERS,
    ASK_GROUPS,
    ASK_FLOWS,
    ASK_OP,
    ASK_BARRIER,
    ASK_PROD,
};

struct batch {
    struct switch_op *ops;
    uint32_t n, outstanding;
    nsec_t sent;
    switch_done_fn *done;
    void *arg;
    struct batch *next;
};

struct request {
    enum purpose purpose;
    struct batch *batch;
    struct switch_op *op;
};

/* Counters as of the last read. */
struct flow_count {
    struct rule_item *item; /* in `held` when it was read */
    uint64_t packets, octets;
    UT_hash_handle hh;
};

struct aliens {
    struct alien **list;
    uint32_t n;
};

/* What a read collects, until it is known to be clean. */
struct reading {
    bool active, failed;
    bool dirty;  /* our own changes overlapped it */
    bool flows;  /* of all, not only of groups and meters */
    bool wanted; /* somebody waits for it: make it again if it is not clean */
    bool again;  /* somebody asked meanwhile */
    uint64_t number;
    uint32_t outstanding;
    struct ruleset rules;
    struct aliens aliens;
    struct flow_count *counts;
};

struct lan_switch {
    uv_loop_t *loop;
    struct stream *stream;
    const struct lan_switch_handler *handler;
    void *arg;
    struct openflow_session *session;
    struct timer *timer;
    struct task *pump; /* events that wait for the next turn */
    bool identified, ready, has_monitor, prodded, closed;
    uint32_t handshake; /* answers that are missing before it is identified */
    uint64_t datapath_id;
    char software[160];
    struct openflow_port *ports;
    uint32_t n_ports;
    struct ruleset held;
    struct aliens aliens;
    struct reading reading;
    uint64_t begun, reads; /* numbers: of the last read that began; of the last clean one */
    struct flow_count *counts;
    struct batch *batches;
    nsec_t latency;
};

static void pump_events(struct lan_switch *);

/* ---- Sending ---- */

static void
flush(struct lan_switch *s)
{
    struct buf *out = openflow_session_output(s->session);
    if (out->size && s->stream)
        (void)stream_send(s->stream, out->data, out->size);
    buf_clear(out);
    nsec_t deadline = openflow_session_deadline(s->session);
    if (deadline == NSEC_NEVER)
        timer_stop(s->timer);
    else
        timer_start(s->timer, MAX(deadline - clock_monotonic(), 0));
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

static enum err
ask_multipart(struct lan_switch *s, uint32_t type, void *items, uint32_t n, enum purpose purpose)
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

/* ---- Reading tables ---- */

void
alien_release(struct alien *a)
{
    if (!a || --a->holders)
        return;
    free(a->text);
    buf_fini(&a->match);
    free(a);
}

static void
aliens_fini(struct aliens *aliens)
{
    for (uint32_t i = 0; i < aliens->n; i++)
        alien_release(aliens->list[i]);
    free(aliens->list);
    *aliens = (struct aliens){0};
}

static void
aliens_add(struct aliens *aliens, struct alien *a)
{
    aliens->list = xrealloc(aliens->list, aliens->n + 1, sizeof(struct alien *));
    aliens->list[aliens->n++] = a;
}

static void
counts_free(struct flow_count **counts)
{
    struct flow_count *c, *next;
    HASH_ITER (hh, *counts, c, next) {
        HASH_DEL(*counts, c);
        rule_item_release(c->item);
        free(c);
    }
}

static void
reading_reset(struct reading *r)
{
    ruleset_fini(&r->rules);
    aliens_fini(&r->aliens);
    counts_free(&r->counts);
    r->active = r->dirty = r->failed = r->wanted = false;
    r->outstanding = 0;
}

/* What cannot be asked ends the reading as an answer would. */
static void
ask_part(struct lan_switch *s, uint32_t type, void *items, uint32_t n, enum purpose purpose)
{
    if (ask_multipart(s, type, items, n, purpose))
        s->reading.failed = true;
    else
        s->reading.outstanding++;
}

static void
begin_reading(struct lan_switch *s, bool flows)
{
    struct reading *r = &s->reading;
    uint32_t all_meters = METER_ALL;
    struct openflow_flow_request all_flows = {
        .table_id = TABLE_ALL, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    r->active = true;
    r->again = false;
    r->flows = flows;
    r->dirty = s->batches != NULL;
    r->number = ++s->begun;
    ask_part(s, OFPMP_METER_CONFIG, &all_meters, 1, ASK_METERS);
    ask_part(s, OFPMP_GROUP_DESC, NULL, 0, ASK_GROUPS);
    if (flows)
        ask_part(s, OFPMP_FLOW, &all_flows, 1, ASK_FLOWS);
    if (!r->outstanding)
        reading_reset(r);
    flush(s);
}

uint64_t
lan_switch_read(struct lan_switch *s)
{
    struct reading *r = &s->reading;
    if (s->closed || !s->identified)
        return s->begun + 1;
    if (r->active) {
        r->again = true;
        return s->begun + 1;
    }
    begin_reading(s, true);
    r->wanted = r->active;
    return s->begun;
}

void
lan_switch_poll(struct lan_switch *s, bool flows)
{
    bool wanted = s->reading.again;
    if (s->closed || !s->identified || s->reading.active)
        return;
    begin_reading(s, !s->has_monitor || wanted || flows);
    s->reading.wanted = wanted && s->reading.active;
}

static void
add_alien(struct reading *r, enum rule_kind kind, const struct openflow_foreign *foreign,
          const struct flow *flow, uint32_t number)
{
    if (r->aliens.n == ALIENS_MAX)
        return;
    struct alien *a = xcalloc(1, sizeof *a);
    *a = (struct alien){.holders = 1, .kind = kind, .number = number};
    aliens_add(&r->aliens, a);
    struct buf text = BUF_INIT;
    if (flow) {
        a->table_id = flow->table_id;
        a->priority = flow->priority;
        a->cookie = flow->cookie;
        buf_put(&a->match, foreign->match.octets, foreign->match.size);
        flow_format(flow, &text);
    } else {
        buf_printf(&text, "%s=%u", kind == RULE_GROUP ? "group" : "meter", number);
    }
    buf_printf(&text, " (and %s, which has no form here)", foreign->what);
    a->text = buf_steal_cstr(&text);
}

static void
take_flows(struct lan_switch *s, struct openflow_multipart *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        struct openflow_flow_stats *f = &m->flows[i];
        if (f->foreign.what) {
            add_alien(&s->reading, RULE_FLOW, &f->foreign, &f->flow, 0);
            continue;
        }
        openflow_canonical_flow(&f->flow);
        struct rule rule = rule_of_flow(&f->flow);
        struct rule_item *item = ruleset_put(&s->reading.rules, &rule);
        item->users = i; /* its place in the reply: where its counters are, below */
    }
    /* Counters belong to the items that are about to become `held`. */
    for (struct rule_item *item = s->reading.rules.items; item; item = item->hh.next) {
        if (item->rule.kind != RULE_FLOW)
            continue;
        struct flow_count *c = xcalloc(1, sizeof *c);
        *c = (struct flow_count){.item = rule_item_hold(item),
                                 .packets = m->flows[item->users].packets,
                                 .octets = m->flows[item->users].octets};
        HASH_ADD_PTR(s->reading.counts, item, c);
    }
}

static void
take_groups(struct lan_switch *s, struct openflow_multipart *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        struct openflow_group_desc *g = &m->groups[i];
        struct rule rule = rule_of_group(&g->group);
        if (g->foreign.what) {
            add_alien(&s->reading, RULE_GROUP, &g->foreign, NULL, g->group.group_id);
            continue;
        }
        openflow_canonical_group(&g->group);
        ruleset_put(&s->reading.rules, &rule);
    }
}

static void
take_meters(struct lan_switch *s, struct openflow_multipart *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        struct openflow_meter_config *c = &m->meters[i];
        struct rule rule = rule_of_meter(&c->meter);
        if (c->foreign.what) {
            add_alien(&s->reading, RULE_METER, &c->foreign, NULL, c->meter.meter_id);
            continue;
        }
        openflow_canonical_meter(&c->meter);
        ruleset_put(&s->reading.rules, &rule);
    }
}

/* Groups and meters only: what is known of flows stays. False: nothing is new. */
static bool
adopt_groups_and_meters(struct lan_switch *s, struct reading *r)
{
    bool changed = r->aliens.n > 0;
    uint32_t n_flows = s->held.counts[RULE_FLOW];
    struct rule_item *item, *next;
    for (item = r->rules.items; item && !changed; item = item->hh.next) {
        const struct rule_item *there = ruleset_find(&s->held, &item->rule);
        changed = !there || !rule_equal(&item->rule, &there->rule);
    }
    if (!changed && HASH_COUNT(r->rules.items) + n_flows == HASH_COUNT(s->held.items))
        return false;
    HASH_ITER (hh, s->held.items, item, next) {
        if (item->rule.kind != RULE_FLOW)
            ruleset_remove(&s->held, item);
    }
    for (item = r->rules.items; item; item = item->hh.next)
        ruleset_put(&s->held, &item->rule);
    for (uint32_t i = 0; i < s->aliens.n; i++) {
        struct alien *a = s->aliens.list[i];
        if (a->kind != RULE_FLOW)
            continue;
        a->holders++;
        aliens_add(&r->aliens, a);
    }
    SWAP(s->aliens, r->aliens);
    return true;
}

static bool
adopt_reading(struct lan_switch *s, struct reading *r)
{
    if (!r->flows)
        return adopt_groups_and_meters(s, r);
    SWAP(s->held, r->rules);
    SWAP(s->aliens, r->aliens);
    SWAP(s->counts, r->counts);
    s->reads = r->number;
    return true;
}

/* All parts are in. */
static void
finish_reading(struct lan_switch *s)
{
    struct reading *r = &s->reading;
    bool clean = !r->dirty && !r->failed;
    bool again = r->again || (r->dirty && (r->wanted || !s->ready || !s->has_monitor));
    bool wanted = r->wanted || r->again;
    if (r->failed && !s->ready) {
        openflow_session_close(s->session, ERR_UNSUPPORTED, "its tables cannot be read");
        return;
    }
    bool changed = clean && adopt_reading(s, r);
    reading_reset(r);
    if (again && !s->batches && !s->closed) {
        begin_reading(s, true);
        r->wanted = wanted;
    } else {
        r->again = again || (wanted && !clean); /* when what is under way is done */
    }
    if (!changed)
        return;
    if (!s->ready) {
        s->ready = true;
        s->handler->ready(s->arg, s);
    } else {
        s->handler->tables_changed(s->arg, s, false);
    }
}

static void
take_part(struct lan_switch *s, const struct request *r, const struct openflow_event *e)
{
    if (e->kind == OPENFLOW_FAILED || !e->message)
        s->reading.failed = true;
    else if (r->purpose == ASK_FLOWS)
        take_flows(s, &e->message->multipart);
    else if (r->purpose == ASK_GROUPS)
        take_groups(s, &e->message->multipart);
    else
        take_meters(s, &e->message->multipart);
    if (--s->reading.outstanding == 0)
        finish_reading(s);
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
        uint32_t i = 0;
        while (i < s->aliens.n && s->aliens.list[i] != op->alien)
            i++;
        if (i == s->aliens.n)
            return;
        s->aliens.list[i] = s->aliens.list[--s->aliens.n];
        alien_release(op->alien);
        return;
    }
    struct rule_item *there = ruleset_find(&s->held, &op->item->rule);
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
    flush(s);
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
    (void)ask_multipart(s, ONFMP_FLOW_MONITOR, &r, 1, ASK_MONITOR);
}

static void
begin(struct lan_switch *s)
{
    struct openflow_message m = {.type = OFPT_SET_CONFIG, .config = {.miss_send_len = 128}};
    s->handshake = 4;
    tell(s, &m);
    m = (struct openflow_message){.type = OFPT_FEATURES_REQUEST};
    (void)ask(s, &m, ASK_FEATURES, NULL, NULL, READ_TIMEOUT);
    (void)ask_multipart(s, OFPMP_DESC, NULL, 0, ASK_DESC);
    (void)ask_multipart(s, OFPMP_PORT_DESC, NULL, 0, ASK_PORTS);
    m = (struct openflow_message){.type = OFPT_ROLE_REQUEST, .role = {.role = OFPCR_ROLE_EQUAL}};
    (void)ask(s, &m, ASK_ROLE, NULL, NULL, READ_TIMEOUT);
}

/* What a switch says of itself is shown to people and put into JSON. */
static void
make_printable(char *text)
{
    for (; *text; text++)
        *text = *text < ' ' || *text > '~' ? '?' : *text;
}

static void
copy_ports(struct lan_switch *s, const struct openflow_multipart *m)
{
    free(s->ports);
    s->ports = m->n ? xmemdup(m->ports, m->n * sizeof *m->ports) : NULL;
    s->n_ports = m->n;
    for (uint32_t i = 0; i < s->n_ports; i++)
        make_printable(s->ports[i].name);
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
        make_printable(s->software);
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
    make_printable(port.name);
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
        take_part(s, r, e);
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
            flush(s);
            s->closed = true;
            finish_batches(s);
            s->handler->closed(s->arg, s, e.err, e.diag.text);
            return; /* freed by now */
        }
    }
    flush(s);
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
    flush(s);
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
    reading_reset(&s->reading);
    counts_free(&s->counts);
    ruleset_fini(&s->held);
    aliens_fini(&s->aliens);
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

uint32_t
lan_switch_n_aliens(const struct lan_switch *s)
{
    return s->aliens.n;
}

struct alien *
lan_switch_alien(const struct lan_switch *s, uint32_t i)
{
    return s->aliens.list[i];
}

bool
lan_switch_flow_counters(const struct lan_switch *s, const struct flow *flow, uint64_t *packets,
                         uint64_t *octets)
{
    struct rule rule = rule_of_flow(flow);
    struct rule_item *item = ruleset_find(&s->held, &rule);
    struct flow_count *c = NULL;
    if (item)
        HASH_FIND_PTR(s->counts, &item, c);
    if (!c)
        return false;
    *packets = c->packets;
    *octets = c->octets;
    return true;
}

uint64_t
lan_switch_reads(const struct lan_switch *s)
{
    return s->reads;
}

void
lan_switch_prod(struct lan_switch *s)
{
    struct openflow_message barrier = {.type = OFPT_BARRIER_REQUEST};
    if (s->closed || s->prodded)
        return;
    s->prodded = !ask(s, &barrier, ASK_PROD, NULL, NULL, PROD_TIMEOUT);
    flush(s);
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
    flush(s);
}
