/* lab-goose - publishes a GOOSE control block, or follows those that others publish. */
#include "base/alloc.h"
#include "base/hex.h"
#include "lab/tools/frames.h"
#include "lab/tools/latency.h"
#include "lab/tools/rawsock.h"
#include "lab/tools/tool.h"
#include "proto/ot/goose/goose_publisher.h"
#include "proto/ot/goose/goose_subscriber.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FOLLOWED 64

/* Common to both commands. */
static const char *interface, *gocb_ref;
static int64_t appid = -1, vlan = FRAME_NO_VLAN;
static nsec_t duration;
static int64_t count;
static bool simulation;

/* publish */
static const char *dat_set, *go_id;
static struct mac group_mac = {{0x01, 0x0c, 0xcd, 0x01, 0x00, 0x01}};
static int64_t pcp = 4, conf_rev = 1;
static nsec_t min_time = 4 * NSEC_PER_MSEC, max_time = NSEC_PER_SEC, toggle;

/* subscribe */
static bool quiet;

static void
open_interface(struct rawsock *raw, unsigned flags)
{
    struct diag diag;
    if (!interface)
        tool_usage_error("--interface is needed");
    if (rawsock_open(raw, interface, flags, &diag))
        tool_fail("%s", diag.text);
}

static json_t *
time_json(nsec_t wall)
{
    char text[TIME_TEXT_SIZE];
    return json_string(time_format(MAX(wall, 0), text));
}

/* ---- Publishing ---------------------------------------------------------------------------- */

struct publishing {
    struct rawsock raw;
    struct frame_header header;
    struct goose_publisher *publisher;
    bool closed;
    uint64_t n_states, n_sent, n_errors;
};

/* The data set of a breaker: its position, the position's quality, the time of the change. */
#define N_VALUES 3

static void
fill_values(struct goose_value values[N_VALUES], bool closed, nsec_t wall)
{
    static const uint8_t good[2]; /* IEC 61850-7-3 Quality: thirteen bits */
    values[0] = (struct goose_value){.type = GOOSE_BOOLEAN, .boolean = closed};
    values[1] = (struct goose_value){.type = GOOSE_BIT_STRING, .octets = {good, sizeof good, 3}};
    values[2] = (struct goose_value){.type = GOOSE_UTC_TIME,
                                     .time = iec61850_time_at(wall, IEC61850_TIME_ACCURACY_US)};
}

static void
new_publisher(struct publishing *p)
{
    const struct goose_publisher_config config = {
        .gocb_ref = gocb_ref,
        .dat_set = dat_set ? dat_set : gocb_ref,
        .go_id = go_id,
        .appid = (uint16_t)appid,
        .conf_rev = (uint32_t)conf_rev,
        .simulation = simulation,
        .time_quality = IEC61850_TIME_ACCURACY_US,
        .min_time = min_time,
        .max_time = max_time,
    };
    struct goose_value values[N_VALUES];
    nsec_t wall = tool_wall();
    fill_values(values, p->closed, wall);
    enum err err = goose_publisher_new(&config, values, N_VALUES, tool_monotonic(), wall,
                                       &p->publisher);
    if (err)
        tool_usage_error("this cannot be published: %s (--min above --max, an empty or too long "
                         "--gocb-ref)",
                         err_text(err));
}

static void
change_state(struct publishing *p)
{
    struct goose_value values[N_VALUES];
    nsec_t wall = tool_wall();
    p->closed = !p->closed;
    p->n_states++;
    fill_values(values, p->closed, wall);
    if (goose_publisher_set(p->publisher, values, N_VALUES, tool_monotonic(), wall))
        tool_fail("the new values do not fit into a frame");
}

/* Sends what is due. */
static void
publish_due(struct publishing *p)
{
    struct buf payload = BUF_INIT, frame = BUF_INIT;
    uint32_t sq_num = goose_publisher_sq_num(p->publisher);
    if (goose_publisher_output(p->publisher, tool_monotonic(), &payload) == ERR_OK) {
        frame_begin(&frame, &p->header);
        buf_put(&frame, payload.data, payload.size);
        frame_end(&frame);
        bool ok = rawsock_send(&p->raw, NULL, frame.data, frame.size) == ERR_OK;
        p->n_sent += ok;
        p->n_errors += !ok;
        if (sq_num == 0)
            tool_emit(json_pack("{s:s,s:I,s:b,s:o}", "event", "new-state", "st_num",
                                (json_int_t)goose_publisher_st_num(p->publisher), "closed",
                                p->closed, "at", time_json(tool_wall())));
    }
    buf_fini(&payload);
    buf_fini(&frame);
}

static void
publish_until_stopped(struct publishing *p)
{
    int signals = tool_signals(true);
    nsec_t end = duration ? tool_monotonic() + duration : NSEC_NEVER;
    nsec_t next_toggle = toggle ? tool_monotonic() + toggle : NSEC_NEVER;
    while (tool_monotonic() < end && (!count || p->n_states < (uint64_t)count)) {
        publish_due(p);
        nsec_t next = MIN(goose_publisher_next(p->publisher), MIN(end, next_toggle));
        int signal = tool_wait(-1, signals, next);
        if (signal && signal != SIGUSR1)
            return;
        bool due = tool_monotonic() >= next_toggle;
        if (due)
            next_toggle += toggle;
        if (due || signal == SIGUSR1) {
            change_state(p);
            publish_due(p);
        }
    }
}

static int
publish(int n_operands UNUSED, char **operands UNUSED)
{
    struct publishing p = {.n_states = 0};
    if (!gocb_ref)
        tool_usage_error("--gocb-ref is needed");
    appid = appid < 0 ? 1 : appid;
    open_interface(&p.raw, RAWSOCK_SEND_ONLY);
    p.header = (struct frame_header){.dst = group_mac,
                                     .src = p.raw.mac,
                                     .vlan = vlan,
                                     .pcp = pcp,
                                     .ethertype = IEC61850_ETHERTYPE_GOOSE};
    new_publisher(&p);
    tool_realtime();
    publish_until_stopped(&p);
    tool_emit(json_pack("{s:s,s:I,s:I,s:I}", "event", "summary", "states", (json_int_t)p.n_states,
                        "sent", (json_int_t)p.n_sent, "errors", (json_int_t)p.n_errors));
    goose_publisher_free(p.publisher);
    rawsock_close(&p.raw);
    return TOOL_OK;
}

/* ---- Subscribing --------------------------------------------------------------------------- */

struct followed {
    char *gocb_ref;
    uint16_t appid;
    struct goose_subscriber *subscriber;
};

struct subscribing {
    struct rawsock raw;
    struct raw_frame *frame;
    struct arena *arena;
    struct followed followed[MAX_FOLLOWED];
    unsigned n;
    uint64_t n_states, n_malformed, n_unfollowed;
    struct latency transfer;
};

/* What it is with the first of it; text and octets as hexadecimal digits. */
static json_t *
octets_json(const struct goose_value *v)
{
    char text[2 * GOOSE_MAX_SIZE + 1] = "";
    if (v->type == GOOSE_VISIBLE_STRING || v->type == GOOSE_MMS_STRING) {
        json_t *string = json_stringn((const char *)v->octets.data, v->octets.size);
        if (string)
            return string;
    }
    return json_string(hex_format(v->octets.data, v->octets.size, text));
}

static json_t *
values_json(const struct goose_value *values, size_t n)
{
    json_t *array = json_array();
    for (const struct goose_value *v = values; v < values + n; v++) {
        switch (v->type) {
        case GOOSE_ARRAY:
        case GOOSE_STRUCTURE:
            json_array_append_new(array, values_json(v->list.values, v->list.n));
            break;
        case GOOSE_BOOLEAN:
            json_array_append_new(array, json_boolean(v->boolean));
            break;
        case GOOSE_INTEGER:
        case GOOSE_BCD:
            json_array_append_new(array, json_integer(v->integer));
            break;
        case GOOSE_UNSIGNED:
            json_array_append_new(array, json_integer((json_int_t)v->natural));
            break;
        case GOOSE_FLOATING_POINT: {
            json_t *number = json_real(v->number.value); /* NULL: not finite */
            json_array_append_new(array, number ? number : json_null());
            break;
        }
        case GOOSE_UTC_TIME:
            json_array_append_new(array, time_json(iec61850_time_wall(v->time)));
            break;
        default:
            json_array_append_new(array, octets_json(v));
        }
    }
    return array;
}

static bool
is_wanted(const struct goose_pdu *pdu)
{
    if (appid >= 0 && pdu->header.appid != appid)
        return false;
    return !gocb_ref || (pdu->gocb_ref.size == strlen(gocb_ref) &&
                         !memcmp(pdu->gocb_ref.data, gocb_ref, pdu->gocb_ref.size));
}

/* The control block's subscriber, made when it is seen first; NULL: there are too many. */
static struct followed *
follow(struct subscribing *s, const struct goose_pdu *pdu)
{
    for (unsigned i = 0; i < s->n; i++) {
        struct followed *f = &s->followed[i];
        if (f->appid == pdu->header.appid && strlen(f->gocb_ref) == pdu->gocb_ref.size &&
            !memcmp(f->gocb_ref, pdu->gocb_ref.data, pdu->gocb_ref.size))
            return f;
    }
    if (s->n == MAX_FOLLOWED || memchr(pdu->gocb_ref.data, '\0', pdu->gocb_ref.size))
        return NULL;
    struct followed *f = &s->followed[s->n++];
    f->gocb_ref = xstrndup(pdu->gocb_ref.data, pdu->gocb_ref.size);
    f->appid = pdu->header.appid;
    f->subscriber = goose_subscriber_new(&(struct goose_subscriber_config){
        .gocb_ref = f->gocb_ref, .appid = f->appid, .simulation = simulation});
    return f;
}

static void
report_event(struct subscribing *s, const struct goose_pdu *pdu, const struct goose_event *event,
             const struct frame_header *h, nsec_t arrival)
{
    nsec_t transfer = arrival - iec61850_time_wall(pdu->t);
    bool measured = event->kind == GOOSE_NEW_STATE && pdu->sq_num == 0;
    char src[MAC_TEXT_SIZE];
    if (measured)
        latency_add(&s->transfer, transfer);
    json_t *ref = json_stringn(pdu->gocb_ref.data, pdu->gocb_ref.size);
    json_t *o = json_pack(
        "{s:s,s:o,s:I,s:I,s:I,s:I,s:I,s:s,s:I,s:o,s:o}", "event", goose_event_name(event->kind),
        "gocb_ref", ref ? ref : json_null(), "appid", (json_int_t)pdu->header.appid, "st_num",
        (json_int_t)pdu->st_num, "sq_num", (json_int_t)pdu->sq_num, "missed_states",
        (json_int_t)event->missed_states, "missed_messages", (json_int_t)event->missed_messages,
        "src", mac_format(&h->src, src), "vlan", (json_int_t)h->vlan, "at", time_json(arrival),
        "values", values_json(pdu->values, pdu->n_values));
    if (measured)
        json_object_set_new(o, "transfer_us", json_real((double)transfer / 1e3));
    if (event->field)
        json_object_set_new(o, "field", json_string(event->field));
    tool_emit(o);
}

static void
take_payload(struct subscribing *s, const uint8_t *payload, size_t size,
             const struct frame_header *h, nsec_t arrival)
{
    struct goose_pdu pdu;
    struct cursor c = cursor_over(payload, size);
    struct diag diag;
    arena_reset(s->arena);
    if (goose_decode(&c, s->arena, &pdu)) {
        cursor_explain(&c, &diag);
        s->n_malformed++;
        tool_emit(json_pack("{s:s,s:s}", "event", "malformed", "why", diag.text));
        return;
    }
    if (!is_wanted(&pdu))
        return;
    struct followed *f = follow(s, &pdu);
    if (!f) {
        s->n_unfollowed++;
        return;
    }
    struct goose_event event = goose_subscriber_input(f->subscriber, &pdu, tool_monotonic());
    bool has_state = goose_event_has_state(event.kind);
    s->n_states += has_state;
    bool worth_saying = event.kind != GOOSE_RETRANSMISSION || event.altered;
    if (has_state || (worth_saying && !quiet))
        report_event(s, &pdu, &event, h, arrival);
}

static bool
take_frame(struct subscribing *s)
{
    struct frame_header h;
    enum err err = rawsock_receive(&s->raw, s->frame);
    if (err == ERR_NOT_FOUND)
        tool_fail("%s has gone", interface);
    if (err)
        return err == ERR_CLOSED;
    size_t at = frame_parse(s->frame->data, s->frame->size, &h);
    if (at && h.ethertype == IEC61850_ETHERTYPE_GOOSE && (vlan == FRAME_NO_VLAN || h.vlan == vlan))
        take_payload(s, s->frame->data + at, s->frame->size - at, &h,
                     s->frame->wall ? s->frame->wall : tool_wall());
    return true;
}

/* Says who has gone silent; returns when the next one would. */
static nsec_t
expire_all(struct subscribing *s)
{
    nsec_t next = NSEC_NEVER, now = tool_monotonic();
    for (unsigned i = 0; i < s->n; i++) {
        struct followed *f = &s->followed[i];
        if (goose_subscriber_expire(f->subscriber, now))
            tool_emit(json_pack("{s:s,s:s,s:o}", "event", "lost", "gocb_ref", f->gocb_ref, "at",
                                time_json(tool_wall())));
        next = MIN(next, goose_subscriber_next(f->subscriber));
    }
    return next;
}

static void
subscribe_until_stopped(struct subscribing *s)
{
    int signals = tool_signals(false);
    nsec_t end = duration ? tool_monotonic() + duration : NSEC_NEVER;
    while (tool_monotonic() < end && (!count || s->n_states < (uint64_t)count)) {
        if (tool_wait(s->raw.fd, signals, MIN(expire_all(s), end)))
            return;
        while ((!count || s->n_states < (uint64_t)count) && take_frame(s))
            continue;
    }
}

static json_t *
summary_json(const struct subscribing *s)
{
    uint64_t events[GOOSE_EVENT_MAX] = {0}, lost = 0, missed_states = 0, missed = 0, altered = 0;
    for (unsigned i = 0; i < s->n; i++) {
        const struct goose_subscriber_counters *c = goose_subscriber_counters(
            s->followed[i].subscriber);
        for (int k = 0; k < GOOSE_EVENT_MAX; k++)
            events[k] += c->events[k];
        lost += c->lost;
        missed_states += c->missed_states;
        missed += c->missed_messages;
        altered += c->altered;
    }
    json_t *counts = json_object();
    for (int k = 0; k < GOOSE_EVENT_MAX; k++)
        json_object_set_new(counts, goose_event_name(k), json_integer((json_int_t)events[k]));
    return json_pack("{s:s,s:I,s:I,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "event", "summary",
                     "publishers", (json_int_t)s->n, "states", (json_int_t)s->n_states, "messages",
                     counts, "lost", (json_int_t)lost, "missed_states", (json_int_t)missed_states,
                     "missed_messages", (json_int_t)missed, "altered", (json_int_t)altered,
                     "malformed", (json_int_t)s->n_malformed, "unfollowed",
                     (json_int_t)s->n_unfollowed, "transfer", latency_json(&s->transfer));
}

static int
subscribe(int n_operands UNUSED, char **operands UNUSED)
{
    struct subscribing *s = xcalloc(1, sizeof *s);
    s->frame = xmalloc(sizeof *s->frame);
    s->arena = arena_new(GOOSE_VALUES_BUDGET);
    open_interface(&s->raw, 0);
    tool_realtime();
    tool_emit(json_pack("{s:s}", "event", "ready"));
    subscribe_until_stopped(s);
    tool_emit(summary_json(s));
    int status = s->n_states ? TOOL_OK : TOOL_UNMET;
    for (unsigned i = 0; i < s->n; i++) {
        goose_subscriber_free(s->followed[i].subscriber);
        free(s->followed[i].gocb_ref);
    }
    rawsock_close(&s->raw);
    arena_free(s->arena);
    free(s->frame);
    free(s);
    return status;
}

/* ---- The command line ---------------------------------------------------------------------- */

static const struct tool_option publish_options[] = {
    {"interface", TOOL_TEXT, &interface, "NAME", "send here", 0, 0},
    {"gocb-ref", TOOL_TEXT, &gocb_ref, "TEXT", "gocbRef: A/LLN0$GO$gcb1", 0, 0},
    {"dat-set", TOOL_TEXT, &dat_set, "TEXT", "datSet (the gocbRef)", 0, 0},
    {"go-id", TOOL_TEXT, &go_id, "TEXT", "goID (left out)", 0, 0},
    {"appid", TOOL_NUMBER, &appid, "N", "(1)", 0, 0xffff},
    {"mac", TOOL_MAC, &group_mac, "MAC", "destination (01:0c:cd:01:00:01)", 0, 0},
    {"vlan", TOOL_NUMBER, &vlan, "ID", "VLAN identifier (no tag)", 0, 4095},
    {"pcp", TOOL_NUMBER, &pcp, "N", "priority in the tag (4)", 0, 7},
    {"conf-rev", TOOL_NUMBER, &conf_rev, "N", "confRev (1)", 0, UINT32_MAX},
    {"simulation", TOOL_FLAG, &simulation, NULL, "say that it is simulated", 0, 0},
    {"min", TOOL_DURATION, &min_time, "TIME", "first repetition (4ms)", NSEC_PER_MSEC, 0},
    {"max", TOOL_DURATION, &max_time, "TIME", "interval in the end (1s)", NSEC_PER_MSEC, 0},
    {"toggle", TOOL_DURATION, &toggle, "TIME", "change state so often (never)", NSEC_PER_MSEC, 0},
    {"count", TOOL_NUMBER, &count, "N", "stop after so many changes", 1, 0},
    {"duration", TOOL_DURATION, &duration, "TIME", "stop after so long", 1, 0},
    {0},
};

static const struct tool_option subscribe_options[] = {
    {"interface", TOOL_TEXT, &interface, "NAME", "listen here", 0, 0},
    {"gocb-ref", TOOL_TEXT, &gocb_ref, "TEXT", "only this control block", 0, 0},
    {"appid", TOOL_NUMBER, &appid, "N", "only this APPID", 0, 0xffff},
    {"vlan", TOOL_NUMBER, &vlan, "ID", "only this VLAN", 0, 4095},
    {"simulation", TOOL_FLAG, &simulation, NULL, "take simulated messages", 0, 0},
    {"quiet", TOOL_FLAG, &quiet, NULL, "say new states and losses only", 0, 0},
    {"count", TOOL_NUMBER, &count, "N", "stop after so many states", 1, 0},
    {"duration", TOOL_DURATION, &duration, "TIME", "stop after so long", 1, 0},
    {0},
};

static const struct tool_command commands[] = {
    {"publish", NULL,
     "Publishes a breaker's position, its quality and time. --toggle or SIGUSR1 changes it.",
     publish_options, publish},
    {"subscribe", NULL,
     "Says what it hears: new states with their transfer time, losses, duplicates. Exit status 1\n"
     "  when there was no state.",
     subscribe_options, subscribe},
    {0},
};

int
main(int argc, char **argv)
{
    static const struct tool_program program = {"lab-goose", "publishes and follows GOOSE",
                                                commands};
    return tool_main(&program, argc, argv);
}
