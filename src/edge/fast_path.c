#include "edge/fast_path.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "edge/fast_compile.h"
#include "io/clock.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The compiled program, put in by the assembler. */
extern const uint8_t fast_object[], fast_object_end[];
__asm__(".section .rodata\n"
        ".balign 8\n"
        ".global fast_object, fast_object_end\n"
        "fast_object: .incbin \"" FAST_OBJECT "\"\n"
        "fast_object_end:\n"
        ".byte 0\n"
        ".previous\n");

struct shared_map {
    void *memory;
    size_t size;
};

struct fast_path {
    struct datapath *dp;
    struct bpf_object *object;
    int in_fd, out_fd;
    struct shared_map maps[6];
    struct fast_state *state;
    struct fast_cpu *cpus;
    struct fast_set *sets;
    struct slots ports, meters, counters;
    struct table_counts tables[N_TABLES];
    struct fast_cpu *collected; /* what of the CPUs' counters is in the datapath's already */
    uint32_t n_cpus;
    uint32_t victim;
    struct fast_program *scratch;
    atomic_flag writing;                /* some packet thread puts a program in */
    _Atomic nsec_t alive[QSBR_WORKERS]; /* when each packet thread last said so; 0: there is none */
    _Atomic bool stopped, bypassed;
    _Atomic uint64_t offered, declined; /* written by the packet thread only */
};

/* ---- Readers in the kernel ---- */

/* Returns when no CPU is in the program that was in it at the call. */
static void
wait_for_cpus(void *arg)
{
    const struct fast_path *fp = arg;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < fp->n_cpus; i++) {
        uint64_t turn = __atomic_load_n(&fp->cpus[i].turn, __ATOMIC_ACQUIRE);
        for (unsigned n = 0;
             turn & 1 && __atomic_load_n(&fp->cpus[i].turn, __ATOMIC_ACQUIRE) == turn; n++) {
            if (n >= 1000) /* we may be what keeps it from going on */
                sched_yield();
        }
    }
}

static void
set_stopped(struct fast_path *fp)
{
    bool stopped = atomic_load(&fp->stopped) || atomic_load(&fp->bypassed);
    __atomic_store_n(&fp->state->stopped, stopped, __ATOMIC_SEQ_CST);
}

static void
stop(void *arg, bool stopped)
{
    struct fast_path *fp = arg;
    atomic_store(&fp->stopped, stopped);
    set_stopped(fp);
}

void
fast_path_bypass(struct fast_path *fp, bool bypassed)
{
    atomic_store(&fp->bypassed, bypassed);
    set_stopped(fp);
}

/* ---- Counters ---- */

static uint64_t
grown(const uint64_t *now, uint64_t *before)
{
    uint64_t value = __atomic_load_n(now, __ATOMIC_RELAXED), growth = value - *before;
    *before = value;
    return growth;
}

static void
collect_port(struct edge_port *port, const struct fast_port_counters *now,
             struct fast_port_counters *before)
{
    counter_add(&port->rx.packets, grown(&now->rx_packets, &before->rx_packets));
    counter_add(&port->rx.octets, grown(&now->rx_octets, &before->rx_octets));
    counter_add(&port->tx.packets, grown(&now->tx_packets, &before->tx_packets));
    counter_add(&port->tx.octets, grown(&now->tx_octets, &before->tx_octets));
    for (unsigned q = 0; q < N_QUEUES; q++) {
        counter_add(&port->queues[q].packets,
                    grown(&now->queues[q].packets, &before->queues[q].packets));
        counter_add(&port->queues[q].octets,
                    grown(&now->queues[q].octets, &before->queues[q].octets));
    }
}

static void
collect(void *arg)
{
    struct fast_path *fp = arg;
    struct datapath *dp = fp->dp;
    for (uint32_t i = 0; i < fp->n_cpus; i++) {
        const struct fast_cpu *now = &fp->cpus[i];
        struct fast_cpu *before = &fp->collected[i];
        for (unsigned r = 0; r < DROP_MAX; r++)
            counter_add(&dp->drops[r], grown(&now->drops[r], &before->drops[r]));
        for (unsigned t = 0; t < N_TABLES; t++) {
            fp->tables[t].lookups += grown(&now->tables[t].lookups, &before->tables[t].lookups);
            fp->tables[t].matches += grown(&now->tables[t].matches, &before->tables[t].matches);
        }
        for (uint32_t p = 0; p < MAX_PORTS - fp->ports.n_free; p++)
            collect_port((struct edge_port *)(void *)(fp->ports.base + p * fp->ports.stride),
                         &now->ports[p], &before->ports[p]);
    }
}

void
fast_path_get_stats(const struct fast_path *fp, struct fast_path_stats *stats)
{
    *stats = (struct fast_path_stats){.offered = atomic_load(&fp->offered),
                                      .declined = atomic_load(&fp->declined)};
    for (uint32_t i = 0; i < fp->n_cpus; i++) {
        stats->forwarded += __atomic_load_n(&fp->cpus[i].hits, __ATOMIC_RELAXED);
        stats->up += __atomic_load_n(&fp->cpus[i].ups, __ATOMIC_RELAXED);
    }
}

/* ---- Setting up ---- */

static enum err
system_error(struct diag *diag, const char *what, int error)
{
    enum err err = error == EPERM || error == EACCES ? ERR_DENIED : ERR_UNSUPPORTED;
    return diag_set(diag, err, "the kernel's fast path: %s: %s", what, strerror(error));
}

static enum err
load(struct fast_path *fp, struct diag *diag)
{
    LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "tieline");
    struct bpf_program *program;
    libbpf_set_print(NULL); /* what it has to say is in its results */
    fp->object = bpf_object__open_mem(fast_object, (size_t)(fast_object_end - fast_object),
                                      &options);
    if (!fp->object)
        return system_error(diag, "program", errno);
    bpf_object__for_each_program(program, fp->object)
        bpf_program__set_type(program, BPF_PROG_TYPE_SCHED_CLS);
    struct bpf_map *cpus = bpf_object__find_map_by_name(fp->object, "fast_cpus");
    int error = bpf_map__set_max_entries(cpus, fp->n_cpus);
    if (!error)
        error = bpf_object__load(fp->object);
    if (error)
        return system_error(diag, "program", -error);
    fp->in_fd = bpf_program__fd(bpf_object__find_program_by_name(fp->object, "tieline_fast"));
    fp->out_fd = bpf_program__fd(bpf_object__find_program_by_name(fp->object, "tieline_out"));
    return ERR_OK;
}

static enum err
map_memory(struct fast_path *fp, struct diag *diag)
{
    static const char *const names[] = {"fast_state", "fast_cpus",   "fast_sets",
                                        "fast_ports", "fast_meters", "fast_counters"};
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct bpf_map *map = bpf_object__find_map_by_name(fp->object, names[i]);
        size_t value = (bpf_map__value_size(map) + 7) / 8 * 8;
        size_t size = (value * bpf_map__max_entries(map) + page - 1) / page * page;
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
        if (memory == MAP_FAILED)
            return system_error(diag, names[i], errno);
        fp->maps[i] = (struct shared_map){memory, size};
    }
    fp->state = fp->maps[0].memory;
    fp->cpus = fp->maps[1].memory;
    fp->sets = fp->maps[2].memory;
    return ERR_OK;
}

static void
share(struct fast_path *fp)
{
    struct datapath *dp = fp->dp;
    slots_init(&fp->ports, fp->maps[3].memory, sizeof(struct edge_port), MAX_PORTS);
    slots_init(&fp->meters, fp->maps[4].memory, sizeof(struct meter_entry), FAST_METERS);
    slots_init(&fp->counters, fp->maps[5].memory, sizeof(struct shared_lane), FAST_COUNTERS);
    for (unsigned i = 0; i < FLOW_KEY_WORDS; i++) {
        fp->state->secret[i] = hash_mix(hash_secret() + 100 + i);
        fp->state->factor[i] = hash_mix(hash_secret() + 200 + i) | 1;
    }
    fp->state->mark = (uint32_t)hash_mix(hash_secret() + 300) | 1;
    dp->qsbr.others.wait = wait_for_cpus;
    dp->qsbr.others.stop = stop;
    dp->qsbr.others.arg = fp;
    const struct datapath_shared shared = {
        .ports = &fp->ports,
        .meters = &fp->meters,
        .counters = &fp->counters,
        .generation = &fp->state->generation,
        .tables = fp->tables,
        .collect = collect,
        .arg = fp,
    };
    datapath_share(dp, &shared);
}

enum err
fast_path_new(struct datapath *dp, struct fast_path **result, struct diag *diag)
{
    struct fast_path *fp = xcalloc(1, sizeof *fp);
    int n = libbpf_num_possible_cpus();
    fp->dp = dp;
    fp->n_cpus = (uint32_t)MIN(MAX(n, 1), (int)FAST_CPUS);
    fp->scratch = xcalloc(1, sizeof *fp->scratch);
    fp->collected = xcalloc(fp->n_cpus, sizeof *fp->collected);
    enum err err = n > (int)FAST_CPUS
                       ? diag_set(diag, ERR_UNSUPPORTED, "the kernel's fast path: %d CPUs", n)
                       : load(fp, diag);
    if (!err)
        err = map_memory(fp, diag);
    if (err) {
        fast_path_free(fp);
        return err;
    }
    share(fp);
    *result = fp;
    return ERR_OK;
}

void
fast_path_free(struct fast_path *fp)
{
    if (!fp)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(fp->maps); i++) {
        if (fp->maps[i].memory)
            munmap(fp->maps[i].memory, fp->maps[i].size);
    }
    bpf_object__close(fp->object);
    slots_fini(&fp->ports);
    slots_fini(&fp->meters);
    slots_fini(&fp->counters);
    free(fp->collected);
    free(fp->scratch);
    free(fp);
}

int
fast_path_program_in(const struct fast_path *fp)
{
    return fp->in_fd;
}

int
fast_path_program_out(const struct fast_path *fp)
{
    return fp->out_fd;
}

enum err
fast_path_add_port(struct fast_path *fp, struct edge_port *port, unsigned ifindex, unsigned up,
                   struct diag *diag)
{
    if (ifindex >= FAST_IFINDEX || !slots_has(&fp->ports, port))
        return diag_set(diag, ERR_LIMIT, "%s: its index %u is above %u", port->name, ifindex,
                        FAST_IFINDEX - 1);
    port->up_ifindex = up;
    port->ifindex = ifindex;
    uint16_t place = (uint16_t)(slots_index(&fp->ports, port) + 1);
    __atomic_store_n(&fp->state->port_of[ifindex], place, __ATOMIC_RELEASE);
    return ERR_OK;
}

/* ---- Programs ---- */

void
fast_path_alive(struct fast_path *fp, unsigned worker, nsec_t now)
{
    nsec_t oldest = now;
    atomic_store_explicit(&fp->alive[worker], now, memory_order_relaxed);
    for (unsigned i = 0; i < QSBR_WORKERS; i++) {
        nsec_t alive = atomic_load_explicit(&fp->alive[i], memory_order_relaxed);
        if (alive && alive < oldest)
            oldest = alive;
    }
    __atomic_store_n(&fp->state->deadline, (uint64_t)(oldest + FAST_PATH_TRUST), __ATOMIC_RELEASE);
}

static void
add_one(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, counter_get(counter) + 1, memory_order_relaxed);
}

static struct fast_program *
find_program(struct fast_set *set, const struct flow_key *key)
{
    for (unsigned i = 0; i < FAST_WAYS; i++) {
        if (!memcmp(&set->ways[i].key, key, sizeof *key))
            return &set->ways[i];
    }
    return NULL;
}

/* A place that is stale, or else one that is given up. */
static struct fast_program *
claim_place(struct fast_path *fp, struct fast_set *set, uint64_t generation)
{
    for (unsigned i = 0; i < FAST_WAYS; i++) {
        if (set->ways[i].generation != generation)
            return &set->ways[i];
    }
    return &set->ways[fp->victim++ % FAST_WAYS];
}

static bool
put_in(struct fast_path *fp, const struct program *from)
{
    struct fast_program *to = fp->scratch;
    uint32_t hash = fast_hash(fp->state, &from->key);
    struct fast_set *set = &fp->sets[hash & (FAST_SETS - 1)];
    struct fast_program *place = find_program(set, &from->key);
    if (place && place->generation == from->generation)
        return true; /* packets that were on their way up when it came there */
    if (!fast_compile(fp->dp, from, to)) {
        add_one(&fp->declined);
        return false;
    }
    if (!place)
        place = claim_place(fp, set, from->generation);
    __atomic_store_n(&place->generation, 0, __ATOMIC_SEQ_CST);
    wait_for_cpus(fp);
    place->n_meters = to->n_meters;
    memcpy(place->meters, to->meters, sizeof to->meters);
    place->hash = to->hash;
    place->n_ttl = to->n_ttl;
    place->denies = to->denies;
    place->polices = to->polices;
    place->key = to->key;
    memcpy(place->ops, to->ops, sizeof to->ops);
    place->since = (uint64_t)clock_monotonic();
    place->settled = 0;
    __atomic_store_n(&set->tags[place - set->ways], fast_tag(hash), __ATOMIC_RELEASE);
    __atomic_store_n(&place->generation, from->generation, __ATOMIC_RELEASE);
    add_one(&fp->offered);
    return true;
}

bool
fast_path_offer(struct fast_path *fp, const struct program *from)
{
    if (atomic_flag_test_and_set_explicit(&fp->writing, memory_order_acquire))
        return true; /* another packet thread is at it: the next packet of this key asks again */
    bool taken = put_in(fp, from);
    atomic_flag_clear_explicit(&fp->writing, memory_order_release);
    return taken;
}
