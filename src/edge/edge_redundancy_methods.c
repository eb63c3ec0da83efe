/* edge.redundancy: circuits that go by two paths at once, asked and told; and their supervision
 * frames, sent and heard. */
#include "edge/edge_node_private.h"
#include "io/clock.h"

static void
put(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

/* How long ago; nothing if never. */
static void
put_ago(json_t *object, const char *name, nsec_t then, nsec_t now)
{
    if (then)
        put(object, name, (uint64_t)(MAX(now - then, 0) / NSEC_PER_MSEC));
}

static json_t *
path_json(const struct redundancy_window *w, unsigned path, nsec_t now)
{
    const struct redundancy_path *p = &w->paths[path];
    json_t *row = json_pack("{ss ss}", "lan", path ? "B" : "A", "state",
                            redundancy_path_state(w, path));
    put(row, "received", counter_get(&p->received));
    put(row, "lost", counter_get(&p->lost));
    put(row, "reordered", counter_get(&p->reordered));
    put(row, "jumps", counter_get(&p->jumps));
    put(row, "wrong-lan", counter_get(&p->wrong_lan));
    put_ago(row, "heard-ms-ago", atomic_load_explicit(&p->heard, memory_order_relaxed), now);
    return row;
}

static void
add_stream(void *rows, struct redundancy_stream *s)
{
    const struct redundancy_window *w = atomic_load_explicit(&s->window, memory_order_relaxed);
    json_t *row = json_object();
    put(row, "stream", s->id);
    put(row, "rules", s->n_rules);
    put(row, "sequenced", counter_get(&s->sequenced));
    if (w) {
        nsec_t now = clock_monotonic();
        put(row, "passed", counter_get(&w->passed.received));
        put(row, "discarded", counter_get(&w->discarded));
        put(row, "untagged", counter_get(&w->untagged));
        put(row, "lost", counter_get(&w->passed.lost));
        json_object_set_new(row, "paths",
                            json_pack("[o o]", path_json(w, 0, now), path_json(w, 1, now)));
    }
    json_array_append_new(rows, row);
}

static const char *
type_name(uint8_t type)
{
    return type == SUPERVISION_HSR ? "hsr" : type == SUPERVISION_PRP_ACCEPT ? "prp-accept" : "prp";
}

static json_t *
node_json(const struct supervision_node *node, nsec_t now)
{
    char mac[MAC_TEXT_SIZE], redbox[MAC_TEXT_SIZE];
    json_t *row = json_pack("{ss ss}", "node", mac_format(&node->said.node, mac), "form",
                            type_name(node->said.type));
    if (node->said.has_redbox)
        json_object_set_new(row, "redbox", json_string(mac_format(&node->said.redbox, redbox)));
    put(row, "frames", node->frames);
    put_ago(row, "heard-ms-ago", node->heard, now);
    put_ago(row, "a-ms-ago", node->by_path[0], now);
    put_ago(row, "b-ms-ago", node->by_path[1], now);
    return row;
}

static json_t *
speaker_json(const struct supervision_speaker *speaker)
{
    char mac[MAC_TEXT_SIZE];
    json_t *row = json_pack("{ss ss}", "node", mac_format(&speaker->node, mac), "form",
                            type_name(speaker->type));
    put(row, "stream", speaker->stream);
    put(row, "group", speaker->group);
    put(row, "interval-ms", (uint64_t)(speaker->interval / NSEC_PER_MSEC));
    put(row, "sent", speaker->sent);
    return row;
}

static json_t *
redundancy_json(const struct edge_node *n)
{
    json_t *streams = json_array(), *nodes = json_array(), *supervised = json_array();
    redundancy_each(n->datapath->redundancy, add_stream, streams);
    for (uint32_t i = 0; i < n->supervisor.n_nodes; i++)
        json_array_append_new(nodes, node_json(&n->supervisor.nodes[i], clock_monotonic()));
    for (uint32_t i = 0; i < n->supervisor.n_speakers; i++)
        json_array_append_new(supervised, speaker_json(&n->supervisor.speakers[i]));
    json_t *all = json_pack("{so so so}", "streams", streams, "nodes", nodes, "supervised",
                            supervised);
    put(all, "supervision-flawed", n->supervisor.flawed);
    return all;
}

static bool
read_number(const json_t *params, const char *name, json_int_t fallback, json_int_t most,
            json_int_t *value)
{
    const json_t *v = json_object_get(params, name);
    *value = v ? json_integer_value(v) : fallback;
    return (!v || json_is_integer(v)) && *value >= 0 && *value <= most;
}

/* False: the parameters are not as they should be. */
static bool
read_speaker(const json_t *params, struct supervision_speaker *speaker)
{
    json_int_t stream, group, interval;
    const char *mac = json_string_value(json_object_get(params, "node")),
               *form = json_string_value(json_object_get(params, "form"));
    if (!mac || mac_parse(mac, &speaker->node) ||
        !read_number(params, "stream", -1, UINT32_MAX, &stream) ||
        !read_number(params, "group", -1, GROUP_MAX, &group) ||
        !read_number(params, "interval-ms", SUPERVISION_INTERVAL_MS, SUPERVISION_FORGET_MS,
                     &interval) ||
        (form && strcmp(form, "prp") && strcmp(form, "hsr")))
        return false;
    speaker->stream = (uint32_t)stream;
    speaker->group = (uint32_t)group;
    speaker->interval = interval * NSEC_PER_MSEC;
    speaker->type = form && !strcmp(form, "hsr") ? SUPERVISION_HSR : SUPERVISION_PRP_DISCARD;
    return true;
}

static void
supervise(struct edge_node *n, struct rpc_request *request, const json_t *params)
{
    struct supervision_speaker speaker = {.redbox = n->n_ports ? n->ports[0].port->mac
                                                               : (struct mac){{0}}};
    if (!read_speaker(params, &speaker))
        rpc_fail(request, ERR_INVALID,
                 "supervise: {node: MAC, stream, group, form?: prp | hsr, interval-ms?: 0 to %u}",
                 SUPERVISION_FORGET_MS);
    else if (!supervisor_speak(&n->supervisor, &speaker, clock_monotonic()))
        rpc_fail(request, ERR_LIMIT, "it speaks for %u nodes already", SUPERVISION_SPEAKERS);
    else
        rpc_reply(request, NULL);
}

void
edge_redundancy_do(void *arg, struct rpc_request *request, json_t *params)
{
    struct edge_node *n = arg;
    json_t *wanted = json_object_get(params, "supervise");
    supervisor_forget(&n->supervisor, clock_monotonic());
    if (wanted)
        supervise(n, request, wanted);
    else
        rpc_reply(request, redundancy_json(n));
}

/* The next number of its stream, which need have no rules, by the group. */
static void
send_supervision(struct edge_node *n, const struct supervision_speaker *speaker,
                 const uint8_t *frame)
{
    struct action list[] = {{.type = ACTION_SEQUENCE, .id = speaker->stream},
                            {.type = ACTION_GROUP, .id = speaker->group}};
    const struct actions actions = {list, ARRAY_SIZE(list)};
    const struct injection injection = {
        .frame = frame, .size = SUPERVISION_FRAME_SIZE, .in_port = PORT_LOCAL, .actions = &actions};
    if (!redundancy_prepare(n->datapath->redundancy, &list[0]) ||
        workers_inject(n->workers, &injection))
        log_debug("a supervision frame could not be sent"); /* the next comes soon */
}

void
edge_redundancy_tick(struct edge_node *n)
{
    const struct supervision_speaker *speaker;
    uint8_t frame[SUPERVISION_FRAME_SIZE];
    while ((speaker = supervisor_output(&n->supervisor, clock_monotonic(), frame)))
        send_supervision(n, speaker, frame);
}
