#include "edge/pipeline_private.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdlib.h>

void
pipeline_tell(const struct run *run, const char *kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    struct trace_step step = {kind, run->depth, text};
    run->pl->step(run->pl->step_arg, &step);
    free(text);
}

void
pipeline_tell_group(const struct run *run, const struct group_entry *group,
                    const struct group_body *body, const struct bucket_entry *chosen)
{
    static const char *const types[] = {"all", "select", "indirect", "fast failover"};
    tell(run, "group", "0x%x, %s, %u buckets", group->group_id, types[body->type], body->n_buckets);
    for (uint32_t i = 0; i < body->n_buckets; i++) {
        const struct bucket_entry *b = &body->buckets[i];
        bool used = body->type == GROUP_TYPE_ALL || b == chosen;
        struct buf text = BUF_INIT;
        actions_format(&b->actions, &text);
        tell(run, "bucket", "%u: %s, %s: %s", i, bucket_is_live(b) ? "live" : "down",
             used ? "taken" : "not taken", buf_cstr(&text));
        buf_fini(&text);
    }
}

void
pipeline_note_tuple(void *arg, const struct lookup_note *n)
{
    static const char *const outcomes[] = {"no entry can match", "no entry matches", "matches",
                                           "not needed"};
    struct run *run = arg;
    struct flow_key mask;
    struct buf text = BUF_INIT;
    tuple_mask(n->tuple, &mask);
    mask_format(&mask, &text);
    tell(run, "tuple", "by {%s}, priority up to %u: %s", buf_cstr(&text), n->max_priority,
         outcomes[n->outcome]);
    buf_fini(&text);
}

void
pipeline_tell_entry(const struct run *run, const struct entry *entry)
{
    const struct traffic traffic = counters_get(&entry->counters);
    struct flow flow;
    struct buf text = BUF_INIT;
    entry_flow(entry, &flow);
    flow_format(&flow, &text);
    tell(run, "entry", "%s", buf_cstr(&text));
    tell(run, "entry", "would count: %llu packets so far, %llu octets",
         (unsigned long long)traffic.packets, (unsigned long long)traffic.octets);
    buf_fini(&text);
}

/* In-port and metadata are not on the wire; the rest of what a packet has is. */
static bool
is_shown(const struct flow_key *key, unsigned field)
{
    return field_info(field) && field != FIELD_IN_PHY_PORT && field != FIELD_METADATA &&
           field != FIELD_TUNNEL_ID && flow_key_has_field(key, field);
}

static bool
is_as_it_came(const struct run *run, const struct flow_key *now, unsigned field)
{
    return flow_key_has_field(run->pl->arrived, field) &&
           !memcmp(flow_key_field_const(now, field), flow_key_field_const(run->pl->arrived, field),
                   field_info(field)->size);
}

/* The fields of the frame as it would leave that are not as they came. */
static void
format_changes(const struct run *run, struct buf *out)
{
    struct flow_key now = *run->key;
    struct packet_layout layout;
    flow_key_parse(&now, run->packet->data, run->packet->size, &layout);
    for (unsigned i = 0; i < FIELD_MAX; i++) {
        if (!is_shown(&now, i) || is_as_it_came(run, &now, i))
            continue;
        buf_printf(out, "%s%s=", out->size ? "," : ", with ", field_info(i)->name);
        field_format(i, flow_key_field_const(&now, i), NULL, out);
    }
}

void
pipeline_tell_output(const struct run *run, const struct edge_port *port)
{
    struct buf changes = BUF_INIT;
    format_changes(run, &changes);
    pipeline_tell(run, "output", "port %u (%s), queue %u, %u octets%s", port->number, port->name,
                  run->packet->queue, run->packet->size, buf_cstr(&changes));
    buf_fini(&changes);
}

/* Every field the packet has, as an exact match. */
static void
tell_packet(const struct run *run)
{
    struct match m = {.value = *run->key};
    struct buf text = BUF_INIT;
    for (unsigned i = 0; i < FIELD_MAX; i++) {
        if (is_shown(run->key, i))
            field_full_mask(i, flow_key_field(&m.mask, i));
    }
    match_format(&m, &text);
    tell(run, "packet", "%s", buf_cstr(&text));
    if (run->packet->layout.flaw)
        tell(run, "packet", "flawed: %s", parse_flaw_name(run->packet->layout.flaw));
    buf_fini(&text);
}

void
pipeline_trace(struct datapath *dp, const uint8_t *frame, uint32_t size, uint32_t in_port,
               void (*step)(void *arg, const struct trace_step *), void *arg)
{
    struct pipeline pl = {.dp = dp, .step = step, .step_arg = arg};
    struct flow_key key;
    struct packet_pool *pool = packet_pool_new(4 * MAX_DEPTH, 4);
    struct run run = {.pl = &pl, .packet = packet_new(pool, size), .key = &key};
    if (!run.packet) {
        tell(&run, "drop", "too_large: %u octets are more than any port can receive", size);
        tell(&run, "result", "dropped");
        packet_pool_free(pool);
        return;
    }
    memcpy(run.packet->data, frame, size);
    run.packet->size = size;
    run.packet->in_port = in_port;
    packet_parse(run.packet, &key);
    const struct flow_key arrived = key;
    pl.arrived = &arrived;
    tell_packet(&run);
    pipeline_run_traced(&run);
    tell(&run, "result", "%s",
         run.forwarded ? "forwarded"
         : run.sent    ? "to the controller only"
                       : "dropped");
    if (run.packet)
        packet_unref(run.packet);
    packet_pool_free(pool);
}
