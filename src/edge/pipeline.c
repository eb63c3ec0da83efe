#include "edge/pipeline_private.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "packet/segment.h"

#include <stdlib.h>

struct pipeline *
pipeline_new(struct datapath *dp, const struct pipeline_sink *sink, uint32_t cache_size)
{
    struct pipeline *pl = xcalloc(1, sizeof *pl);
    pl->dp = dp;
    pl->sink = *sink;
    pipeline_set_lane(pl, 0);
    for (unsigned i = 0; i < FLOW_KEY_WORDS; i++)
        pl->secret[i] = hash_mix(hash_secret() + i);
    program_cache_init(&pl->cache, cache_size);
    return pl;
}

void
pipeline_free(struct pipeline *pl)
{
    if (!pl)
        return;
    program_cache_fini(&pl->cache);
    free(pl);
}

void
pipeline_set_lane(struct pipeline *pl, unsigned lane)
{
    pl->lane = lane;
    pl->counts = &pl->dp->lanes[lane];
}

void
pipeline_set_fast_path(struct pipeline *pl, struct fast_path *fast)
{
    pl->fast = fast;
}

void
pipeline_get_stats(const struct pipeline *pl, struct pipeline_stats *stats)
{
    *stats = (struct pipeline_stats){
        .packets = counter_get(&pl->stats.packets),
        .hits = counter_get(&pl->stats.hits),
        .misses = counter_get(&pl->stats.misses),
        .uncacheable = counter_get(&pl->stats.uncacheable),
    };
}

void
pipeline_set_tap(struct pipeline *pl, struct tap *tap)
{
    atomic_store_explicit(&pl->next_tap, tap, memory_order_release);
}

struct tap *
pipeline_tap(const struct pipeline *pl)
{
    return pl->tap;
}

struct tap *
pipeline_renew_tap(struct pipeline *pl)
{
    pl->tap = atomic_load_explicit(&pl->next_tap, memory_order_acquire);
    if (tapped(pl))
        tap_injected(pl->tap);
    return pl->tap;
}

/* ---- Programs ---- */

/* Runs a program. Counting per table goes with the entries. */
static void
run_program(struct run *run, const struct program *program)
{
    for (unsigned i = 0; i < program->n_ops && !run->stopped; i++) {
        const struct op *op = &program->ops[i];
        run->table_id = op->table_id;
        switch ((enum op_type)op->type) {
        case OP_COUNT:
            run->entry = op->target;
            count_lookup(run->pl, op->table_id);
            pipeline_count(run, op->target);
            break;
        case OP_METER:
            pipeline_meter(run, op->target);
            break;
        case OP_EDIT:
            pipeline_edit(run, op->target);
            break;
        case OP_REDUNDANCY:
            pipeline_redundancy(run, op->target);
            break;
        case OP_QUEUE:
            pipeline_queue(run, op->id);
            break;
        case OP_OUTPUT:
            run->entry = op->target;
            pipeline_output(run, op->id, op->max_len);
            break;
        case OP_GROUP:
            pipeline_group(run, op->target);
            break;
        case OP_MISS:
            count_lookup(run->pl, op->table_id);
            count_table_miss(run->pl, op->table_id);
            pipeline_drop(run, DROP_NO_MATCH);
            break;
        }
    }
}

/* Entries to count, and one port. */
static bool
is_plain(const struct program *program)
{
    for (unsigned i = 0; i + 1 < program->n_ops; i++) {
        if (program->ops[i].type != OP_COUNT)
            return false;
    }
    const struct op *last = &program->ops[program->n_ops - 1];
    return program->n_ops && last->type == OP_OUTPUT && last->id < MAX_PORTS;
}

/* Most programs: the same as run_program() does, without what they do not need. False: the port is
 * not one it can simply leave by; nothing has been done. */
static bool
run_plain(struct pipeline *pl, struct packet *packet, const struct program *program)
{
    unsigned n = program->n_ops - 1u;
    uint32_t number = program->ops[n].id;
    struct edge_port *port = datapath_port(pl->dp, number);
    if (!port || number == packet->in_port || why_not_sent(port, packet) != DROP_NONE)
        return false;
    for (unsigned i = 0; i < n; i++) {
        struct entry *entry = program->ops[i].target;
        count_lookup(pl, program->ops[i].table_id);
        counters_count(&entry->counters, pl->lane, packet->size, pl->now);
    }
    pl->sink.send(pl->sink.arg, port, packet);
    packet_unref(packet);
    return true;
}

static void
finish(struct run *run)
{
    if (!run->sent && !run->dropped)
        pipeline_drop(run, DROP_NO_OUTPUT);
    if (run->packet)
        packet_unref(run->packet);
}

static uint64_t
hash_pair(const struct pipeline *pl, const struct flow_key *key, unsigned a, unsigned b)
{
    unsigned __int128 product = (unsigned __int128)(key->words[a] ^ pl->secret[a]) *
                                (key->words[b] ^ pl->secret[b]);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The words that most packets do not have are left out for those. */
static uint64_t
hash_key(const struct pipeline *pl, const struct flow_key *key)
{
    const uint64_t *w = key->words;
    uint64_t h = hash_pair(pl, key, 0, 2) + hash_pair(pl, key, 3, 4) + hash_pair(pl, key, 6, 8);
    if (w[1] | w[5] | w[7] | w[9] | w[10] | w[11] | w[12] | w[13] | w[14] | w[15])
        h += hash_pair(pl, key, 1, 5) + hash_pair(pl, key, 7, 9) + hash_pair(pl, key, 10, 11) +
             hash_pair(pl, key, 12, 13) + hash_pair(pl, key, 14, 15);
    return h ^ h >> 32;
}

static void
prefetch_program(const struct program *p)
{
    __builtin_prefetch(&p->key);
    __builtin_prefetch((const char *)&p->key + 64);
    __builtin_prefetch(&p->generation);
}

static void
prefetch_targets(const struct program *p)
{
    for (unsigned i = 0; i < p->n_ops; i++) {
        if (p->ops[i].type == OP_COUNT)
            __builtin_prefetch(p->ops[i].target, 1);
    }
}

/* So that the next packet with this key need not come here. */
static void
offer(struct pipeline *pl, struct program *program)
{
    const struct edge_port *from = datapath_port(pl->dp, from_be32(program->key.in_port));
    program->declined = !from || !from->ifindex || !fast_path_offer(pl->fast, program);
}

/* Takes the packet through the tables, and keeps what was done as its key's program. */
static void
record_program(struct run *run, uint64_t hash)
{
    struct pipeline *pl = run->pl;
    struct program *program = &pl->recorded;
    count_up(&pl->stats.misses);
    program->key = *run->key;
    program->generation = pl->generation;
    program->metered = false;
    program->n_ops = 0;
    program->ops = pl->recorded_ops;
    run->record = pl->cache.n ? program : NULL;
    run->cacheable = true;
    pipeline_through_tables(run);
    /* A run that was cut short (by a meter, for want of a buffer) has not seen its whole way. */
    if (!run->record || !run->cacheable || run->stopped) {
        count_up(&pl->stats.uncacheable);
        return;
    }
    for (unsigned i = 0; i < program->n_ops; i++)
        program->metered |= program->ops[i].type == OP_METER ||
                            program->ops[i].type == OP_REDUNDANCY;
    program->plain = is_plain(program);
    program->declined = true;
    if (pl->fast)
        offer(pl, program);
    program_cache_put(&pl->cache, program, hash);
}

/* A packet of a vector, and what is known of it by now. */
struct arrival {
    struct packet *packet;
    uint64_t hash;
    struct program *program;
    struct flow_key key;
};

static void receive_segments(struct pipeline *, struct arrival *);

static void
receive_one(struct pipeline *pl, struct arrival *a)
{
    /* A segment of 64 KiB would never pass the meter of a small circuit, and would count as one
     * packet: a metered conversation's are cut first. */
    if (a->packet->offload.gso_type && (!a->program || a->program->metered)) {
        receive_segments(pl, a);
        return;
    }
    pl->n_packets++;
    if (a->program && !a->program->declined) /* the kernel has forgotten it */
        offer(pl, a->program);
    bool runt = a->packet->layout.flaw == FLAW_RUNT;
    if (!runt && a->program && a->program->plain && !tapped(pl) &&
        run_plain(pl, a->packet, a->program)) {
        pl->n_hits++;
        return;
    }
    struct run run = {.pl = pl, .packet = a->packet, .key = &a->key};
    if (tapped(pl))
        tap_arrived(pl->tap, a->packet);
    if (runt) {
        pipeline_drop(&run, DROP_RUNT);
    } else if (a->program) {
        pl->n_hits++;
        run_program(&run, a->program);
    } else {
        record_program(&run, a->hash);
    }
    finish(&run);
}

static void
receive_segments(struct pipeline *pl, struct arrival *a)
{
    struct packet *segments[SEGMENTS_MAX];
    struct run run = {.pl = pl, .packet = packet_ref(a->packet)};
    unsigned n = packet_segment(a->packet, segments);
    if (!n)
        pipeline_drop(&run, DROP_NO_BUFFER);
    packet_unref(run.packet);
    for (unsigned i = 0; i < n; i++) {
        struct arrival segment = *a;
        segment.packet = segments[i];
        segment.program = program_cache_find(&pl->cache, &a->key, pl->generation, a->hash);
        receive_one(pl, &segment);
    }
}

/* The port's configuration, asked once for all packets of a vector that came from it. */
static bool
may_receive(struct pipeline *pl, const struct packet *packet)
{
    struct edge_port *port = datapath_port(pl->dp, packet->in_port);
    return !port || !(atomic_load_explicit(&port->config, memory_order_relaxed) &
                      (PORT_CONFIG_NO_RECV | PORT_CONFIG_DOWN));
}

/* What the vector is going to read is fetched a step ahead, for all of its packets at once. */
static void
find_programs(struct pipeline *pl, struct arrival *arrivals, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        arrivals[i].program = program_cache_guess(&pl->cache, arrivals[i].hash);
        if (arrivals[i].program)
            prefetch_program(arrivals[i].program);
    }
    for (unsigned i = 0; i < n; i++) {
        struct arrival *a = &arrivals[i];
        if (a->program && !program_is_for(a->program, &a->key, pl->generation))
            a->program = NULL;
        if (a->program)
            prefetch_targets(a->program);
    }
}

static void
receive_vector(struct pipeline *pl, struct arrival *arrivals, unsigned n)
{
    uint64_t n_kept = pl->cache.n_kept;
    uint32_t in_port = 0;
    bool allowed = false;
    for (unsigned i = 0; i < n; i++) {
        struct arrival *a = &arrivals[i];
        if (i == 0 || a->packet->in_port != in_port) {
            in_port = a->packet->in_port;
            allowed = may_receive(pl, a->packet);
        }
        if (!allowed) {
            struct run run = {.pl = pl, .packet = a->packet, .key = &a->key};
            if (tapped(pl))
                tap_arrived(pl->tap, a->packet);
            pipeline_drop(&run, DROP_PORT_CONFIG);
            finish(&run);
            continue;
        }
        /* A program that was recorded meanwhile is perhaps this packet's, or has taken its place.
         */
        if (pl->cache.n_kept != n_kept || !a->program)
            a->program = program_cache_find(&pl->cache, &a->key, pl->generation, a->hash);
        receive_one(pl, a);
    }
}

void
pipeline_receive(struct pipeline *pl, struct packet **packets, unsigned n, nsec_t now)
{
    struct arrival arrivals[VECTOR_SIZE];
    pl->now = now;
    pl->tap = atomic_load_explicit(&pl->next_tap, memory_order_acquire);
    pl->generation = atomic_load_explicit(&pl->dp->generation, memory_order_acquire);
    pl->n_packets = pl->n_hits = 0;
    for (unsigned i = 0; i < n; i++) {
        struct arrival *a = &arrivals[i];
        a->packet = packets[i];
        a->program = NULL;
        packet_parse(a->packet, &a->key);
        a->hash = hash_key(pl, &a->key);
        if (pl->cache.n)
            __builtin_prefetch(program_cache_set(&pl->cache, a->hash));
    }
    if (pl->cache.n)
        find_programs(pl, arrivals, n);
    receive_vector(pl, arrivals, n);
    counter_add_mine(&pl->stats.packets, pl->n_packets);
    counter_add_mine(&pl->stats.hits, pl->n_hits);
}

void
pipeline_inject(struct pipeline *pl, struct packet *packet, const struct actions *actions,
                nsec_t now)
{
    struct flow_key key;
    struct run run = {.pl = pl, .packet = packet, .key = &key};
    pl->now = now;
    (void)pipeline_renew_tap(pl);
    pl->generation = atomic_load_explicit(&pl->dp->generation, memory_order_acquire);
    packet_parse(packet, &key);
    bool runt = packet->layout.flaw == FLAW_RUNT;
    if (runt)
        pipeline_drop(&run, DROP_RUNT);
    for (uint32_t i = 0; i < actions->n && !runt; i++) {
        if (!pipeline_action(&run, &actions->list[i]))
            break;
    }
    finish(&run);
}

void
pipeline_run_traced(struct run *run)
{
    if (run->packet->layout.flaw == FLAW_RUNT)
        pipeline_drop(run, DROP_RUNT);
    else if (!may_receive(run->pl, run->packet))
        pipeline_drop(run, DROP_PORT_CONFIG);
    else
        pipeline_through_tables(run);
    if (!run->sent && !run->dropped)
        pipeline_drop(run, DROP_NO_OUTPUT);
}
