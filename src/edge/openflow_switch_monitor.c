/* openflow_switch_monitor.c - flow monitors (EXT-187, as Open vSwitch 3.1 speaks them).
 *
 * What a controller is told of a change is one update, whichever of its monitors it concerns. Its
 * own changes it is told of in short (ABBREV), unless it asks for more.
 *
 *     LIVE --too much waits--> PAUSED --all of it has gone--> CATCH_UP --nothing missed--> LIVE
 *          PAUSED is sent                                               RESUMED is sent
 *
 * The datapath lists its entries by their last change, so what was missed is the end of that list,
 * from the change that was told last; however much it is, nothing has to be kept meanwhile.
 * Removals cannot be found there, and are told also during a pause: while paused, those of flows
 * that the controller knows; while catching up, all, since it may have been told of a flow a moment
 * ago. */
#include "edge/openflow_switch_private.h"

#include "base/alloc.h"

#include <stdlib.h>

#define MONITOR_QUEUE ((size_t)512 << 10) /* octets waiting above which monitors pause */
#define CAUGHT_UP_PER_RUN 4096            /* entries */

struct monitor {
    struct monitor *next;
    bool initial; /* still to be told of what is there */
    struct openflow_monitor_request request;
};

static struct monitor **
find_monitor(struct openflow_channel *ch, uint32_t id)
{
    struct monitor **at = &ch->monitors;
    while (*at && (*at)->request.id != id)
        at = &(*at)->next;
    return at;
}

static void
remove_monitor(struct openflow_channel *ch, struct monitor **at)
{
    struct monitor *m = *at;
    *at = m->next;
    free(m);
    if (--ch->n_monitors == 0)
        ch->phase = MONITOR_LIVE;
}

void
monitors_free(struct openflow_channel *ch)
{
    while (ch->monitors)
        remove_monitor(ch, &ch->monitors);
}

/* ---- Updates ---- */

static bool
outputs_to(const struct actions *actions, uint32_t port)
{
    for (uint32_t i = 0; i < actions->n; i++) {
        if (actions->list[i].type == ACTION_OUTPUT && actions->list[i].id == port)
            return true;
    }
    return false;
}

static bool
concerns(const struct monitor *m, const struct flow *flow)
{
    const struct openflow_monitor_request *r = &m->request;
    return (r->table_id == TABLE_ALL || r->table_id == flow->table_id) &&
           (r->out_port == PORT_ANY || outputs_to(&flow->apply, r->out_port) ||
            outputs_to(&flow->write, r->out_port)) &&
           match_contains(&r->match, &flow->match);
}

/* What the monitors that an event concerns ask for, taken together; 0: none is concerned. */
static uint16_t
flags_for(const struct openflow_channel *ch, const struct flow *flow, uint16_t wanted, bool initial)
{
    uint16_t flags = 0;
    for (const struct monitor *m = ch->monitors; m; m = m->next) {
        if ((!initial || m->initial) && m->request.flags & wanted && concerns(m, flow))
            flags |= m->request.flags;
    }
    return flags;
}

static void
fill_update(struct openflow_monitor_update *update, enum openflow_monitor_event event,
            const struct flow *flow, uint16_t flags)
{
    update->event = (uint16_t)event;
    update->flow = *flow;
    update->flow.flags = 0;
    if (flags & ONFFMF_ACTIONS)
        return;
    update->flow.meter_id = 0;
    update->flow.has_apply = update->flow.has_write = update->flow.has_goto = false;
    update->flow.clear = false;
    update->flow.apply = update->flow.write = (struct actions){0};
    update->flow.metadata = update->flow.metadata_mask = 0;
}

static void
send_update(struct openflow_channel *ch, struct openflow_monitor_update *update)
{
    channel_send(ch, &(struct openflow_message){
                         .type = OFPT_MULTIPART_REPLY,
                         .multipart = {ONFMP_FLOW_MONITOR, false, 1, {.updates = update}},
                     });
}

static void
send_abbreviated(struct openflow_channel *ch, uint32_t xid)
{
    struct openflow_monitor_update update = {.event = ONFFME_ABBREV, .xid = xid};
    if (ch->has_abbreviated && ch->abbreviated == xid)
        return;
    ch->has_abbreviated = true;
    ch->abbreviated = xid;
    send_update(ch, &update);
}

static void
pause_monitors(struct openflow_channel *ch)
{
    ch->phase = MONITOR_PAUSED;
    ch->base = ch->told = ch->sw->dp->n_changes;
    channel_send(ch, &(struct openflow_message){.type = ONFT_FLOW_MONITOR_PAUSED});
}

static const struct {
    enum openflow_monitor_event event;
    uint16_t flag;
} events[] = {
    [FLOW_ADDED] = {ONFFME_ADDED, ONFFMF_ADD},
    [FLOW_MODIFIED] = {ONFFME_MODIFIED, ONFFMF_MODIFY},
    [FLOW_REMOVED] = {ONFFME_DELETED, ONFFMF_DELETE},
};

/* During a pause only removals are told, and only of flows that the controller has been told of. */
static bool
is_put_off(const struct openflow_channel *ch, const struct flow_notice *notice)
{
    return ch->phase != MONITOR_LIVE &&
           (notice->event != FLOW_REMOVED ||
            (ch->phase == MONITOR_PAUSED && notice->entry->added > ch->base));
}

void
monitor_flow_event(struct openflow_channel *ch, const struct flow_notice *notice)
{
    struct openflow_monitor_update update = {0};
    uint16_t flags = flags_for(ch, notice->flow, events[notice->event].flag, false);
    bool own = ch->sw->current == ch;
    if (!flags || is_put_off(ch, notice) || !channel_takes(ch))
        return;
    if (own && ch->phase == MONITOR_LIVE && !(flags & ONFFMF_OWN)) {
        send_abbreviated(ch, notice->tag);
    } else {
        fill_update(&update, events[notice->event].event, notice->flow, flags);
        if (notice->event == FLOW_REMOVED)
            update.reason = (uint16_t)reason_on_the_wire(notice->reason);
        send_update(ch, &update);
    }
    if (ch->phase == MONITOR_LIVE && channel_waiting(ch) >= MONITOR_QUEUE)
        pause_monitors(ch);
}

/* ---- After a pause ---- */

/* The first entry that has changed since the last one told. */
static struct entry *
first_missed(const struct openflow_channel *ch)
{
    struct entry *e = ch->sw->dp->newest, *missed = NULL;
    for (; e && e->changed > ch->told; e = e->older)
        missed = e;
    return missed;
}

static void
tell_missed(struct openflow_channel *ch, const struct entry *e)
{
    struct openflow_monitor_update update = {0};
    struct flow flow;
    bool is_new = e->added > ch->base;
    entry_flow(e, &flow);
    uint16_t flags = flags_for(ch, &flow, is_new ? ONFFMF_ADD : ONFFMF_MODIFY, false);
    ch->told = e->changed;
    if (!flags)
        return;
    fill_update(&update, is_new ? ONFFME_ADDED : ONFFME_MODIFIED, &flow, flags);
    send_update(ch, &update);
}

bool
monitor_catch_up(struct openflow_channel *ch)
{
    unsigned n = 0;
    if (ch->phase == MONITOR_PAUSED && channel_waiting(ch) == 0)
        ch->phase = MONITOR_CATCH_UP;
    if (ch->phase != MONITOR_CATCH_UP || !openflow_session_is_up(ch->session))
        return false;
    for (const struct entry *e = first_missed(ch); e; e = e->newer) {
        if (channel_waiting(ch) >= OPENFLOW_SWITCH_PIECE)
            return false; /* run again when it has gone */
        if (n++ == CAUGHT_UP_PER_RUN)
            return true;
        tell_missed(ch, e);
    }
    ch->phase = MONITOR_LIVE;
    channel_send(ch, &(struct openflow_message){.type = ONFT_FLOW_MONITOR_RESUMED});
    return false;
}

/* ---- Requests ---- */

static bool
check_requests(struct openflow_channel *ch, const struct openflow_multipart *asked)
{
    if (asked->n > OPENFLOW_SWITCH_MONITORS - ch->n_monitors)
        return refuse(ch, OFPET_BAD_REQUEST, OFPBRC_EPERM);
    for (uint32_t i = 0; i < asked->n; i++) {
        const struct openflow_monitor_request *r = &asked->monitors[i];
        if (r->table_id >= N_TABLES && r->table_id != TABLE_ALL)
            return refuse(ch, OFPET_BAD_REQUEST, OFPBRC_BAD_TABLE_ID);
        if (*find_monitor(ch, r->id))
            return refuse_nx(ch, NXBRC_FM_DUPLICATE_ID);
        for (uint32_t k = 0; k < i; k++) {
            if (asked->monitors[k].id == r->id)
                return refuse_nx(ch, NXBRC_FM_DUPLICATE_ID);
        }
    }
    return true;
}

bool
handle_monitor(struct openflow_channel *ch, const struct openflow_message *m)
{
    const struct openflow_multipart *asked = &m->multipart;
    bool initial = false;
    if (!check_requests(ch, asked))
        return false;
    for (struct monitor *old = ch->monitors; old; old = old->next)
        old->initial = false;
    for (uint32_t i = 0; i < asked->n; i++) {
        struct monitor *monitor = xcalloc(1, sizeof *monitor);
        monitor->request = asked->monitors[i];
        monitor->initial = monitor->request.flags & ONFFMF_INITIAL;
        monitor->next = ch->monitors;
        initial |= monitor->initial;
        ch->monitors = monitor;
        ch->n_monitors++;
    }
    /* Without any flows to be told of, the walk ends at once and the reply is empty. */
    ch->job = (struct job){.kind = JOB_MONITOR, .type = asked->type, .xid = m->xid};
    ch->job.at.table = initial ? 0 : N_TABLES;
    ch->job.last_table = N_TABLES - 1;
    return true;
}

void
monitor_initial(struct openflow_channel *ch, struct reply *reply, struct entry *e)
{
    struct flow flow;
    entry_flow(e, &flow);
    uint16_t flags = flags_for(ch, &flow, ONFFMF_INITIAL, true);
    if (flags)
        fill_update(reply_add(reply), ONFFME_ADDED, &flow, flags);
}

bool
handle_monitor_cancel(struct openflow_channel *ch, const struct openflow_message *m)
{
    struct monitor **at = find_monitor(ch, m->monitor_id);
    if (!*at)
        return refuse_nx(ch, NXBRC_FM_BAD_ID);
    remove_monitor(ch, at);
    return true;
}
