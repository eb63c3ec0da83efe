/* fast.bpf.c - the packet path for packets whose program is cached, in the kernel: attached where
 * frames come in (clsact ingress). It finds the program of the packet's key and carries it out; any
 * other packet goes to the packet thread, by way of an interface of its own (port_kernel.c). What
 * it counts, meters and drops, and which bucket of a group it takes, is what pipeline.c would: on
 * the same memory.
 *
 * Compiled with clang -target bpf; loaded by fast_path.c. */
#include "edge/kernel/no_atomic.h" /* before anything else */

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "edge/kernel/fast_abi.h"
#include "edge/kernel/fast_choose.h"
#include "edge/kernel/fast_edit.h"
#include "edge/kernel/fast_key.h"
#include "edge/meter_band.h"

#define MAP(name, value_type, entries)                                                             \
    struct {                                                                                       \
        __uint(type, BPF_MAP_TYPE_ARRAY);                                                          \
        __uint(map_flags, BPF_F_MMAPABLE);                                                         \
        __uint(max_entries, entries);                                                              \
        __type(key, __u32);                                                                        \
        __type(value, value_type);                                                                 \
    } name SEC(".maps")

MAP(fast_state, struct fast_state, 1);
MAP(fast_cpus, struct fast_cpu, FAST_CPUS);
MAP(fast_sets, struct fast_set, FAST_SETS);
MAP(fast_ports, struct edge_port, MAX_PORTS);
MAP(fast_meters, struct meter_entry, FAST_METERS);
MAP(fast_counters, struct shared_lane, FAST_COUNTERS);

/* The packet on its way. What changes with it is in the CPU's own memory, not here: of the stack
 * the kernel's verifier tracks every value, and would follow each on its own way. */
struct fast_run {
    struct __sk_buff *skb;
    struct fast_cpu *cpu;
    const struct fast_program *program;
};

/* What the other side writes: to be read when we come to it, not when the compiler likes to. */
#define LOOK(member) (*(volatile typeof(member) *)&(member))

/* The kernel's verifier wants to see the bound where the index is used. */
static __always_inline __u32
port_place(__u32 place)
{
    asm volatile("%0 &= %1" : "+r"(place) : "i"(MAX_PORTS - 1));
    return place;
}

static __always_inline void
drop(struct fast_run *run, __u32 reason)
{
    run->cpu->run.dropped = true;
    if (reason < DROP_MAX)
        run->cpu->drops[reason] += run->cpu->run.packets;
}

static __always_inline bool
is_live(struct edge_port *port)
{
    return EDGE_PORT_IS_LIVE(port, LOOK);
}

static __always_inline void
count(struct fast_run *run, __u32 place, bool used)
{
    struct shared_lane *c = bpf_map_lookup_elem(&fast_counters, &place);
    if (!c)
        return;
    __sync_fetch_and_add(&c->lane.packets, run->cpu->run.packets);
    __sync_fetch_and_add(&c->lane.octets, run->cpu->run.octets);
    if (used)
        *(volatile __u64 *)&c->lane.used = run->cpu->run.now;
}

/* Carries out the output that was put off, because something comes behind it. */
static __always_inline void
flush(struct fast_run *run)
{
    if (run->cpu->run.pending)
        bpf_clone_redirect(run->skb, run->cpu->run.pending, 0);
    run->cpu->run.pending = 0;
}

static __always_inline void
output(struct fast_run *run, const struct fast_op *op)
{
    __u32 place = op->c;
    struct edge_port *port = bpf_map_lookup_elem(&fast_ports, &place);
    if (!port || place >= MAX_PORTS)
        return;
    if (place == run->cpu->run.in_place && !op->a) {
        drop(run, DROP_SAME_PORT);
        return;
    }
    __u32 config = LOOK(port->config);
    if (config & PORT_CONFIG_NO_FWD) {
        drop(run, DROP_PORT_CONFIG);
        return;
    }
    if (!LOOK(port->up) || config & PORT_CONFIG_DOWN) {
        drop(run, DROP_PORT_DOWN);
        return;
    }
    bool tagged = run->skb->vlan_present && run->skb->vlan_proto == to_be16(ETH_TYPE_VLAN);
    /* The last four octets are for a tag: as in pipeline.c. */
    if (run->cpu->run.size + (tagged ? 0 : 4) > LOOK(port->mtu) && !run->skb->gso_size) {
        drop(run, DROP_TOO_LARGE);
        return;
    }
    flush(run);
    run->cpu->run.pending = port->ifindex;
    run->cpu->run.sent = true;
    struct fast_port_counters *counters = &run->cpu->ports[port_place(place)];
    __u32 packets = run->cpu->run.packets, octets = run->cpu->run.octets;
    counters->tx_packets += packets;
    counters->tx_octets += octets;
    counters->queues[run->cpu->run.queue & (N_QUEUES - 1)].packets += packets;
    counters->queues[run->cpu->run.queue & (N_QUEUES - 1)].octets += octets;
}

/* True: there is no memory for it, and the packet is dropped. */
static __always_inline bool
edit_fails(struct fast_run *run, const struct fast_op *op)
{
    flush(run);
    if (fast_edit_packet(run->skb, &run->program->key, op))
        return false;
    drop(run, DROP_NO_BUFFER);
    return true;
}

static __always_inline bool
is_live_at(__u32 place)
{
    struct edge_port *port = bpf_map_lookup_elem(&fast_ports, &place);
    return place == FAST_ALWAYS || (port && is_live(port));
}

/* What the packet costs; of segments, all of them. */
static __always_inline __u64
cost_of(const struct fast_packet *p, const struct meter_entry *meter)
{
    const struct meter_band *band = &meter->bands[0];
    if (meter->flags & METER_PKTPS)
        return p->packets * meter_band_cost(band, 1);
    __u32 others = p->packets - 1;
    return others * meter_band_cost(band, p->segment) +
           meter_band_cost(band, p->octets - others * p->segment);
}

static __always_inline bool
meter_passes(struct fast_run *run, __u32 place)
{
    const struct fast_packet *p = &run->cpu->run;
    struct meter_entry *meter = bpf_map_lookup_elem(&fast_meters, &place);
    if (!meter)
        return true;
    __sync_fetch_and_add(&meter->packets, p->packets);
    __sync_fetch_and_add(&meter->octets, p->octets);
    if (!meter->n_bands)
        return true;
    struct meter_band *band = &meter->bands[0];
    __u64 cost = cost_of(p, meter);
    uint64_t *at = &band->due, due = LOOK(band->due);
    for (int i = 0; i < 8; i++) {
        __u64 next = meter_band_next(band, due, cost, p->now << METER_FRACTION);
        if (!next)
            break;
        __u64 seen = __sync_val_compare_and_swap(at, due, next);
        if (seen == due)
            return true;
        due = seen;
    }
    __sync_fetch_and_add(&band->packets, p->packets);
    __sync_fetch_and_add(&band->octets, p->octets);
    drop(run, DROP_METER);
    return false;
}

/* One step of the program; 1: it has ended. */
static long
step(__u32 turn, void *arg)
{
    (void)turn;
    struct fast_run *run = arg;
    const struct fast_op *op = &run->program->ops[run->cpu->run.at++ & (FAST_OPS - 1)];
    __u32 place = op->c;
    switch (op->type) {
    case FAST_COUNT:
        if (op->a < N_TABLES) {
            run->cpu->tables[op->a].lookups++;
            run->cpu->tables[op->a].matches++;
        }
        count(run, place, true);
        return 0;
    case FAST_MISS:
        if (op->a < N_TABLES)
            run->cpu->tables[op->a].lookups++;
        return 0;
    case FAST_COUNT_BUCKET:
        count(run, place, false);
        return 0;
    case FAST_METER:
        return !meter_passes(run, place);
    case FAST_QUEUE:
        run->cpu->run.queue = op->a;
        return 0;
    case FAST_PUSH_VLAN:
    case FAST_POP_VLAN:
    case FAST_SET_VID:
    case FAST_SET_PCP:
    case FAST_SET_DST:
    case FAST_SET_SRC:
        flush(run);
        fast_edit_frame(run->skb, &run->cpu->run, op);
        return 0;
    case FAST_SET_ADDRESS:
    case FAST_SET_PORT:
    case FAST_SET_CLASS:
    case FAST_SET_TTL:
    case FAST_DEC_TTL:
        return edit_fails(run, op);
    case FAST_OUTPUT:
        output(run, op);
        return 0;
    case FAST_IF_DEAD:
    case FAST_IF_LIVE:
        if (is_live_at(place) == (op->type == FAST_IF_LIVE))
            run->cpu->run.at = op->a;
        return 0;
    case FAST_WEIGH:
        fast_weigh(&run->cpu->run, op, is_live_at(place));
        return 0;
    case FAST_CHOOSE:
        fast_choose(&run->cpu->run, op, run->program->hash);
        return 0;
    case FAST_IF_OTHER:
        fast_if_other(&run->cpu->run, op, is_live_at(place));
        return 0;
    case FAST_JUMP:
        run->cpu->run.at = op->a;
        return 0;
    case FAST_DROP:
        drop(run, op->a);
        return 0;
    default:
        return 1;
    }
}

static __always_inline bool
same_key(const struct flow_key *a, const struct flow_key *b)
{
    __u64 difference = 0;
    for (int i = 0; i < FLOW_KEY_WORDS; i++)
        difference |= a->words[i] ^ b->words[i];
    return difference == 0;
}

/* The key's program; NULL: the kernel cannot read the packet, or has none. */
static __always_inline struct fast_program *
find(struct __sk_buff *skb, const struct fast_state *state, const struct edge_port *in)
{
    struct flow_key key;
    __builtin_memset(&key, 0, sizeof key);
    key.in_port = key.in_phy_port = to_be32(in->number);
    if ((void *)(long)skb->data + FAST_HEADERS > (void *)(long)skb->data_end)
        bpf_skb_pull_data(skb, skb->len < FAST_HEADERS ? skb->len : FAST_HEADERS);
    if (!fast_key_parse(&key, (void *)(long)skb->data, (void *)(long)skb->data_end, skb->len,
                        skb->vlan_present, (__u16)skb->vlan_tci))
        return NULL;
    __u32 hash = fast_hash(state, &key), tag = fast_tag(hash), place = hash & (FAST_SETS - 1);
    struct fast_set *set = bpf_map_lookup_elem(&fast_sets, &place);
    if (!set)
        return NULL;
    __u64 generation = LOOK(state->generation);
    for (unsigned i = 0; i < FAST_WAYS; i++) {
        struct fast_program *p = &set->ways[i];
        if (LOOK(set->tags[i]) != tag)
            continue;
        if (LOOK(p->generation) == generation && same_key(&p->key, &key))
            return p;
    }
    return NULL;
}

/* Do all of the program's meters let it pass? Nothing is counted. */
static __always_inline bool
conforms(const struct fast_packet *p, const struct fast_program *program)
{
    for (unsigned i = 0; i < ARRAY_SIZE(program->meters); i++) {
        __u32 place = program->meters[i];
        const struct meter_entry *meter = bpf_map_lookup_elem(&fast_meters, &place);
        if (i < program->n_meters && meter && meter->n_bands &&
            !meter_band_next(&meter->bands[0], LOOK(meter->bands[0].due), cost_of(p, meter),
                             p->now << METER_FRACTION))
            return false;
    }
    return true;
}

/* A host's segment of a metered flow: the packets it stands for come at once, and have to conform
 * all. If they do not, or it is not clear what they are, the packet thread cuts it and judges each.
 * Nothing is counted here. */
static __always_inline bool
segments_conform(struct __sk_buff *skb, struct fast_packet *p, const struct fast_program *program)
{
    __u32 tag = skb->vlan_present ? 4 : 0, header = 14, size = skb->gso_size;
    __u8 offset = 0;
    header += program->key.eth_type == to_be16(ETH_TYPE_IPV4) ? 20 : 40;
    if (program->key.ip_proto == IP_PROTO_TCP) {
        if (bpf_skb_load_bytes(skb, header + 12, &offset, 1))
            return false;
        header += (offset >> 4) * 4;
    } else {
        header += 8;
    }
    if (program->n_meters > ARRAY_SIZE(program->meters) || !size || skb->len <= header)
        return false;
    p->packets = (skb->len - header + size - 1) / size;
    p->segment = header + tag + size;
    p->octets = skb->len + tag + (p->packets - 1) * (header + tag);
    return conforms(p, program);
}

/* What the packet thread is to see: a packet that passes the meters of a program whose rest is left
 * to it; one whose TTL ends here, which the controller may want to know of; and now and then one
 * that is denied, as a sample. Nothing overtakes it. */
static __always_inline bool
is_to_be_seen(struct __sk_buff *skb, struct fast_cpu *cpu, const struct fast_program *program)
{
    __u8 ttl = 0;
    if (program->denies && (__s64)(cpu->run.now - cpu->sampled) > FAST_SAMPLE) {
        cpu->sampled = cpu->run.now;
        return true;
    }
    if (program->polices && conforms(&cpu->run, program))
        return true;
    if (!program->n_ttl)
        return false;
    __u32 offset = 14 + (program->key.eth_type == to_be16(ETH_TYPE_IPV4) ? 8 : 7);
    return bpf_skb_load_bytes(skb, offset, &ttl, 1) || ttl <= program->n_ttl;
}

/* Not for us: nothing is counted, the packet thread does all. */
static __always_inline int
up(struct fast_cpu *cpu, struct edge_port *in)
{
    cpu->ups++;
    __sync_fetch_and_add(&in->up_sent, 1);
    return (int)bpf_redirect(in->up_ifindex, BPF_F_INGRESS);
}

/* A new program is not used while the packet thread may still have frames of its conversation,
 * which came before this one. */
static __always_inline bool
is_settled(struct fast_program *program, const struct edge_port *in, __u64 now)
{
    if (LOOK(program->settled))
        return true;
    if (LOOK(in->up_sent) != LOOK(in->up_done) && (__s64)(now - program->since) < FAST_SETTLE)
        return false;
    LOOK(program->settled) = 1;
    return true;
}

static __always_inline int
forward(struct __sk_buff *skb, const struct fast_state *state, struct fast_cpu *cpu,
        struct edge_port *in, __u32 in_place)
{
    struct fast_run run = {skb, cpu, NULL};
    __u32 size = skb->len + (skb->vlan_present ? 4 : 0);
    cpu->run = (struct fast_packet){.in_place = in_place,
                                    .size = size,
                                    .packets = 1,
                                    .octets = size,
                                    .now = bpf_ktime_get_coarse_ns()};
    if (LOOK(state->stopped) || cpu->run.now > LOOK(state->deadline) || LOOK(in->config))
        return up(cpu, in);
    struct fast_program *program = find(skb, state, in);
    if (!program || !is_settled(program, in, cpu->run.now))
        return up(cpu, in);
    if (program->n_meters) /* to the nanosecond, which takes longer */
        cpu->run.now = bpf_ktime_get_ns();
    if ((program->n_meters && skb->gso_size && !segments_conform(skb, &cpu->run, program)) ||
        is_to_be_seen(skb, cpu, program))
        return up(cpu, in);
    cpu->hits++;
    struct fast_port_counters *counters = &cpu->ports[port_place(in_place)];
    counters->rx_packets++;
    counters->rx_octets += size;
    skb->mark = state->mark;
    run.program = program;
    bpf_loop(FAST_OPS, step, &run, 0);
    if (!cpu->run.sent && !cpu->run.dropped)
        drop(&run, DROP_NO_OUTPUT);
    return cpu->run.pending ? (int)bpf_redirect(cpu->run.pending, 0) : TC_ACT_SHOT;
}

SEC("tc")
int
tieline_fast(struct __sk_buff *skb)
{
    __u32 zero = 0, ifindex = skb->ifindex, number = bpf_get_smp_processor_id();
    struct fast_state *state = bpf_map_lookup_elem(&fast_state, &zero);
    struct fast_cpu *cpu = bpf_map_lookup_elem(&fast_cpus, &number);
    if (!state || !cpu || ifindex >= FAST_IFINDEX)
        return TC_ACT_SHOT;
    __u32 place = (__u32)LOOK(state->port_of[ifindex]) - 1;
    struct edge_port *in = bpf_map_lookup_elem(&fast_ports, &place);
    if (!in || place >= MAX_PORTS)
        return TC_ACT_SHOT;
    /* A full barrier: the packet thread sees that we are in before we look at anything. */
    __sync_fetch_and_add(&cpu->turn, 1);
    int verdict = forward(skb, state, cpu, in, place);
#ifdef __x86_64__ /* a store is not seen before what was read and written ahead of it */
    LOOK(cpu->turn) = cpu->turn + 1;
#else
    __sync_fetch_and_add(&cpu->turn, 1);
#endif
    return verdict;
}

/* At the way out (clsact egress): only what the program above sends; nothing of the machine's own
 * stack (io/isolation.h). */
SEC("tc")
int
tieline_out(struct __sk_buff *skb)
{
    __u32 zero = 0;
    struct fast_state *state = bpf_map_lookup_elem(&fast_state, &zero);
    return state && state->mark && skb->mark == state->mark ? TC_ACT_OK : TC_ACT_SHOT;
}

char tieline_license[] SEC("license") = "Dual BSD/GPL";
