#include "edge/openflow_switch_private.h"

#include "base/alloc.h"

#include <stdlib.h>

#define STEPS_PER_RUN 64 /* messages, or pieces of a job, before others have their turn */
#define INJECT_RETRY NSEC_PER_MSEC

/* ---- The switch ---- */

struct openflow_switch *
openflow_switch_new(struct datapath *dp, const struct openflow_switch_config *config)
{
    struct openflow_switch *sw = xcalloc(1, sizeof *sw);
    sw->dp = dp;
    sw->config = *config;
    sw->config.name = sw->name = xstrdup(config->name);
    dp->hooks = (struct datapath_hooks){switch_flow_event, switch_port_event, sw};
    return sw;
}

void
openflow_switch_free(struct openflow_switch *sw)
{
    if (!sw)
        return;
    sw->dp->hooks = (struct datapath_hooks){0};
    free(sw->name);
    free(sw);
}

bool
openflow_switch_tick(struct openflow_switch *sw, nsec_t now)
{
    sw->now = now;
    return datapath_tick(sw->dp, now);
}

/* ---- Channels ---- */

/* Section 7.3.10: what is reported unless a controller asks for something else; a slave hears of
 * ports only. */
static const struct openflow_async default_async = {
    .packet_in = {1u << OFPR_NO_MATCH | 1u << OFPR_ACTION, 0},
    .port_status = {7, 7},
    .flow_removed = {15, 0},
};

struct openflow_channel *
openflow_channel_open(struct openflow_switch *sw, void *user, nsec_t now)
{
    struct openflow_session_config config = {
        .end = OPENFLOW_SWITCH,
        .output_limit = 2 * OPENFLOW_SWITCH_QUEUE,
    };
    struct openflow_channel *ch = xcalloc(1, sizeof *ch);
    ch->sw = sw;
    ch->user = user;
    ch->now = ch->progress = now;
    ch->session = openflow_session_new(&config, now);
    ch->role = OFPCR_ROLE_EQUAL;
    ch->async = default_async;
    ch->config.miss_send_len = 128; /* section 7.3.2: OFP_DEFAULT_MISS_SEND_LEN */
    ch->next = sw->channels;
    if (ch->next)
        ch->next->prev = ch;
    sw->channels = ch;
    return ch;
}

/* Does any channel want packets whose TTL has expired, and how much of them? */
static void
update_punts(struct openflow_switch *sw)
{
    bool wanted = false;
    uint16_t octets = 0;
    for (const struct openflow_channel *ch = sw->channels; ch; ch = ch->next) {
        if (ch->async.packet_in[ch->role == OFPCR_ROLE_SLAVE] & 1u << OFPR_INVALID_TTL) {
            wanted = true;
            octets = MAX(octets, ch->config.miss_send_len);
        }
    }
    atomic_store_explicit(&sw->dp->punt_expired_octets, octets, memory_order_relaxed);
    atomic_store_explicit(&sw->dp->punt_expired, wanted, memory_order_relaxed);
}

void
openflow_channel_close(struct openflow_channel *ch)
{
    if (!ch)
        return;
    struct openflow_switch *sw = ch->sw;
    if (ch->prev)
        ch->prev->next = ch->next;
    else
        sw->channels = ch->next;
    if (ch->next)
        ch->next->prev = ch->prev;
    update_punts(sw);
    job_end(ch);
    monitors_free(ch);
    bundles_free(ch);
    openflow_session_free(ch->session);
    free(ch);
}

void *
openflow_channel_user(const struct openflow_channel *ch)
{
    return ch->user;
}

size_t
channel_waiting(const struct openflow_channel *ch)
{
    return openflow_session_output(ch->session)->size + ch->pending;
}

void
channel_fail(struct openflow_channel *ch, enum err err, const char *why)
{
    openflow_session_close(ch->session, err, why);
    channel_wake(ch);
}

void
channel_wake(struct openflow_channel *ch)
{
    if (!ch->running)
        ch->sw->config.wake(ch->sw->config.arg, ch);
}

bool
channel_takes(struct openflow_channel *ch)
{
    if (!openflow_session_is_up(ch->session))
        return false;
    if (channel_waiting(ch) < OPENFLOW_SWITCH_QUEUE)
        return true;
    channel_fail(ch, ERR_LIMIT, "the controller does not read what it is told");
    return false;
}

void
channel_send(struct openflow_channel *ch, const struct openflow_message *message)
{
    enum err err = openflow_session_send(ch->session, message);
    if (err == ERR_LIMIT || err == ERR_INVALID)
        channel_fail(ch, err, "a message could not be sent");
    channel_wake(ch);
}

bool
refuse(struct openflow_channel *ch, uint16_t type, uint16_t code)
{
    ch->error = (struct openflow_error){type, code, 0};
    return false;
}

bool
refuse_onf(struct openflow_channel *ch, uint16_t code)
{
    ch->error = (struct openflow_error){OFPET_EXPERIMENTER, code, ONF_EXPERIMENTER_ID};
    return false;
}

bool
refuse_nx(struct openflow_channel *ch, uint16_t code)
{
    ch->error = (struct openflow_error){OFPET_EXPERIMENTER, code, NX_EXPERIMENTER_ID};
    return false;
}

bool
accept(struct openflow_channel *ch, struct dp_error e)
{
    return dp_failed(e) ? refuse(ch, e.type, e.code) : true;
}

void
duration_since(const struct openflow_channel *ch, nsec_t created, uint32_t *s, uint32_t *ns)
{
    nsec_t duration = MAX(ch->now - created, 0);
    *s = (uint32_t)(duration / NSEC_PER_SEC);
    *ns = (uint32_t)(duration % NSEC_PER_SEC);
}

/* ---- Multipart replies ---- */

void
reply_begin(struct reply *r, struct openflow_channel *ch, uint32_t type, uint32_t xid,
            size_t item_size)
{
    *r = (struct reply){.ch = ch, .type = type, .xid = xid, .size = item_size};
    r->items = xcalloc(REPLY_ITEMS, item_size);
}

static void
send_items(struct reply *r, bool more)
{
    channel_send(r->ch, &(struct openflow_message){
                            .type = OFPT_MULTIPART_REPLY,
                            .xid = r->xid,
                            .multipart = {r->type, more, r->n, {.items = r->items}},
                        });
    for (uint32_t i = 0; r->fini && i < r->n; i++)
        r->fini(r->items + r->size * i);
    r->n = 0;
}

void *
reply_add(struct reply *r)
{
    if (r->n == REPLY_ITEMS)
        send_items(r, true);
    uint8_t *item = r->items + r->size * r->n++;
    memset(item, 0, r->size);
    return item;
}

void
reply_end(struct reply *r, bool more)
{
    if (r->n || !more)
        send_items(r, more);
    free(r->items);
}

void
reply_one(struct openflow_channel *ch, uint32_t type, uint32_t xid, void *body)
{
    channel_send(ch, &(struct openflow_message){
                         .type = OFPT_MULTIPART_REPLY,
                         .xid = xid,
                         .multipart = {type, false, 1, {.items = body}},
                     });
}

/* ---- Small requests ---- */

static bool
handle_features(struct openflow_channel *ch, const struct openflow_message *m)
{
    channel_send(
        ch, &(struct openflow_message){
                .type = OFPT_FEATURES_REPLY,
                .xid = m->xid,
                .features = {.datapath_id = ch->sw->config.datapath_id,
                             .n_tables = N_TABLES,
                             .capabilities = OFPC_FLOW_STATS | OFPC_TABLE_STATS | OFPC_PORT_STATS |
                                             OFPC_GROUP_STATS | OFPC_QUEUE_STATS},
            });
    return true;
}

static bool
handle_get_config(struct openflow_channel *ch, const struct openflow_message *m)
{
    channel_send(ch, &(struct openflow_message){
                         .type = OFPT_GET_CONFIG_REPLY, .xid = m->xid, .config = ch->config});
    return true;
}

/* Fragments are forwarded as they are; nothing is reassembled, and nothing dropped for being one.
 */
static bool
handle_set_config(struct openflow_channel *ch, const struct openflow_message *m)
{
    if (m->config.flags != OFPC_FRAG_NORMAL)
        return refuse(ch, OFPET_SWITCH_CONFIG_FAILED, OFPSCFC_BAD_FLAGS);
    ch->config = m->config;
    update_punts(ch->sw);
    return true;
}

static bool
handle_barrier(struct openflow_channel *ch, const struct openflow_message *m)
{
    if (ch->sw->config.settle)
        ch->sw->config.settle(ch->sw->config.arg);
    datapath_barrier(ch->sw->dp);
    channel_send(ch, &(struct openflow_message){.type = OFPT_BARRIER_REPLY, .xid = m->xid});
    return true;
}

static bool
handle_get_async(struct openflow_channel *ch, const struct openflow_message *m)
{
    channel_send(ch, &(struct openflow_message){
                         .type = OFPT_GET_ASYNC_REPLY, .xid = m->xid, .async = ch->async});
    return true;
}

static bool
handle_set_async(struct openflow_channel *ch, const struct openflow_message *m)
{
    ch->async = m->async;
    update_punts(ch->sw);
    return true;
}

static bool
handle_experimenter(struct openflow_channel *ch, const struct openflow_message *m UNUSED)
{
    return refuse(ch, OFPET_BAD_REQUEST, OFPBRC_BAD_EXPERIMENTER);
}

/* An error about something we sent: it is in the peer's log, and in the counters. */
static bool
handle_error(struct openflow_channel *ch UNUSED, const struct openflow_message *m UNUSED)
{
    return true;
}

/* ---- Roles (section 6.3.6) ---- */

/* Whoever was master before is a slave from now on. */
static void
depose_master(struct openflow_channel *ch)
{
    for (struct openflow_channel *other = ch->sw->channels; other; other = other->next) {
        if (other != ch && other->role == OFPCR_ROLE_MASTER)
            other->role = OFPCR_ROLE_SLAVE;
    }
}

static bool
handle_role(struct openflow_channel *ch, const struct openflow_message *m)
{
    struct openflow_switch *sw = ch->sw;
    uint32_t role = m->role.role;
    uint64_t generation_id = m->role.generation_id;
    if (role > OFPCR_ROLE_SLAVE)
        return refuse(ch, OFPET_ROLE_REQUEST_FAILED, OFPRRFC_BAD_ROLE);
    if (role == OFPCR_ROLE_MASTER || role == OFPCR_ROLE_SLAVE) {
        if (sw->has_generation && (int64_t)(generation_id - sw->generation_id) < 0)
            return refuse(ch, OFPET_ROLE_REQUEST_FAILED, OFPRRFC_STALE);
        sw->has_generation = true;
        sw->generation_id = generation_id;
    }
    if (role == OFPCR_ROLE_MASTER)
        depose_master(ch);
    if (role != OFPCR_ROLE_NOCHANGE)
        ch->role = role;
    update_punts(sw);
    channel_send(ch, &(struct openflow_message){
                         .type = OFPT_ROLE_REPLY,
                         .xid = m->xid,
                         .role = {ch->role, sw->has_generation ? sw->generation_id : UINT64_MAX},
                     });
    return true;
}

const char *
openflow_role_name(enum openflow_role role)
{
    static const char *const names[] = {"nochange", "equal", "master", "slave"};
    return role < ARRAY_SIZE(names) ? names[role] : "?";
}

/* ---- Dispatch ---- */

static const struct {
    uint32_t type;
    bool changes; /* a slave may not (section 6.3.6) */
    bool (*handle)(struct openflow_channel *, const struct openflow_message *);
} handlers[] = {
    {OFPT_ERROR, false, handle_error},
    {OFPT_EXPERIMENTER, false, handle_experimenter},
    {OFPT_FEATURES_REQUEST, false, handle_features},
    {OFPT_GET_CONFIG_REQUEST, false, handle_get_config},
    {OFPT_SET_CONFIG, false, handle_set_config},
    {OFPT_PACKET_OUT, true, handle_packet_out},
    {OFPT_FLOW_MOD, true, apply_flow_mod},
    {OFPT_GROUP_MOD, true, apply_group_mod},
    {OFPT_PORT_MOD, true, apply_port_mod},
    {OFPT_TABLE_MOD, true, apply_table_mod},
    {OFPT_METER_MOD, true, apply_meter_mod},
    {OFPT_MULTIPART_REQUEST, false, handle_multipart},
    {OFPT_BARRIER_REQUEST, false, handle_barrier},
    {OFPT_QUEUE_GET_CONFIG_REQUEST, false, handle_queue_config},
    {OFPT_ROLE_REQUEST, false, handle_role},
    {OFPT_GET_ASYNC_REQUEST, false, handle_get_async},
    {OFPT_SET_ASYNC, false, handle_set_async},
    {ONFT_FLOW_MONITOR_CANCEL, false, handle_monitor_cancel},
    {ONFT_BUNDLE_CONTROL, true, handle_bundle_control},
    {ONFT_BUNDLE_ADD_MESSAGE, true, handle_bundle_add},
};

static bool
handle_message(struct openflow_channel *ch, const struct openflow_message *m)
{
    for (size_t i = 0; i < ARRAY_SIZE(handlers); i++) {
        if (handlers[i].type != m->type)
            continue;
        if (handlers[i].changes && ch->role == OFPCR_ROLE_SLAVE)
            return refuse(ch, OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE);
        ch->sw->dp->tag = m->xid;
        ch->has_abbreviated = false;
        return handlers[i].handle(ch, m);
    }
    return refuse(ch, OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE);
}

static void
handle_event(struct openflow_channel *ch, const struct openflow_event *event)
{
    switch (event->kind) {
    case OPENFLOW_MESSAGE:
        ch->raw = event->raw;
        if (!handle_message(ch, event->message) &&
            openflow_session_send_error(ch->session, &ch->error, &event->raw) == ERR_LIMIT)
            channel_fail(ch, ERR_LIMIT, "the controller does not read its errors");
        break;
    case OPENFLOW_DOWN:
        ch->ended = true;
        ch->err = event->err;
        ch->why = event->diag;
        break;
    default: /* up; refused, and answered, by the session; no requests of ours */
        break;
    }
}

/* ---- Running ---- */

static bool
is_blocked(const struct openflow_channel *ch)
{
    return ch->job.kind != JOB_NONE || channel_waiting(ch) >= OPENFLOW_SWITCH_PIECE;
}

/* Does one thing; false: there is nothing to do, or no room to do it. */
static bool
step(struct openflow_channel *ch)
{
    struct openflow_event event;
    if (ch->ended || channel_waiting(ch) >= OPENFLOW_SWITCH_PIECE)
        return false;
    if (ch->job.kind == JOB_INJECT)
        return job_inject(ch);
    if (ch->job.kind != JOB_NONE) {
        if (!job_run(ch))
            job_end(ch);
        return true;
    }
    if (!openflow_session_next(ch->session, &event))
        return false;
    ch->sw->current = ch;
    handle_event(ch, &event);
    ch->sw->current = NULL;
    return true;
}

/* Looks at the time. While the peer keeps us from reading, its silence says nothing. */
static void
watch_peer(struct openflow_channel *ch)
{
    struct openflow_event event;
    if (!is_blocked(ch))
        openflow_session_tick(ch->session, ch->now);
    else if (channel_waiting(ch) && ch->now - ch->progress >= OPENFLOW_SWITCH_STALL)
        channel_fail(ch, ERR_TIMEOUT, "the controller does not take what it asked for");
    while (!openflow_session_is_up(ch->session) && !ch->ended &&
           openflow_session_next(ch->session, &event))
        handle_event(ch, &event);
}

void
openflow_channel_input(struct openflow_channel *ch, const uint8_t *data, size_t size, nsec_t now)
{
    openflow_session_input(ch->session, data, size, now);
}

void
openflow_channel_run(struct openflow_channel *ch, size_t pending, nsec_t now)
{
    ch->now = ch->sw->now = now;
    ch->running = true;
    if (pending < ch->pending || channel_waiting(ch) == 0)
        ch->progress = now;
    ch->pending = pending;
    unsigned steps = 0;
    while (steps < STEPS_PER_RUN && step(ch))
        steps++;
    ch->again = steps == STEPS_PER_RUN;
    ch->again |= monitor_catch_up(ch);
    watch_peer(ch);
    ch->running = false;
}

bool
openflow_channel_wants_input(const struct openflow_channel *ch)
{
    return !is_blocked(ch) && !ch->again;
}

struct buf *
openflow_channel_output(struct openflow_channel *ch)
{
    return openflow_session_output(ch->session);
}

nsec_t
openflow_channel_deadline(const struct openflow_channel *ch)
{
    if (ch->ended)
        return NSEC_NEVER;
    if (ch->again)
        return ch->now;
    if (ch->job.kind == JOB_INJECT)
        return ch->now + INJECT_RETRY;
    if (is_blocked(ch))
        return ch->progress + OPENFLOW_SWITCH_STALL;
    return openflow_session_deadline(ch->session);
}

void
openflow_channel_lost(struct openflow_channel *ch, enum err err, const char *why)
{
    channel_fail(ch, err, why);
}

void
openflow_channel_get_status(const struct openflow_channel *ch,
                            struct openflow_channel_status *status)
{
    const struct openflow_session_stats *stats = openflow_session_stats(ch->session);
    *status = (struct openflow_channel_status){
        .up = openflow_session_is_up(ch->session),
        .down = ch->ended,
        .err = ch->err,
        .reason = ch->why.text,
        .role = ch->role,
        .rx_messages = stats->rx_messages,
        .tx_messages = stats->tx_messages,
        .rx_octets = stats->rx_octets,
        .tx_octets = stats->tx_octets,
        .refused = stats->refused,
        .n_monitors = ch->n_monitors,
        .n_bundles = ch->n_bundles,
        .packet_ins_dropped = ch->packet_ins_dropped,
    };
}
