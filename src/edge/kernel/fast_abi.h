/* fast_abi.h - what the packet thread and its program in the kernel share: memory of BPF maps that
 * both have mapped. Included by both; every number is in host order unless it says otherwise.
 *
 * The kernel's side is compiled from fast.bpf.c: cached programs of the pipeline (pipeline.h) in a
 * flat form. It judges liveness, meters and counters on the same memory as the packet thread, so
 * there is nothing to synchronise but the programs themselves. */
#ifndef EDGE_KERNEL_FAST_ABI_H
#define EDGE_KERNEL_FAST_ABI_H

#include "edge/datapath.h"

#define FAST_OPS 32u
#define FAST_WAYS 8u
#define FAST_SETS 4096u      /* of FAST_WAYS programs; a power of two */
#define FAST_COUNTERS 65536u /* entries, groups and buckets that the fast path can count */
#define FAST_METERS 4096u
#define FAST_SETTLE 20000000u  /* ns: a program that did not settle by then is used all the same */
#define FAST_SAMPLE 100000000u /* ns: as often a CPU hands up a packet that is denied */
#define FAST_CPUS 256u
#define FAST_IFINDEX 4096u /* interfaces with a higher number cannot take part */

/* One step. Ports, meters and counters are named by their place in the shared maps. Steps from
 * FAST_SET_ADDRESS to FAST_DEC_TTL change an IP packet whose header begins at octet `b` of the
 * frame without its outermost tag; the checksums go along. */
enum fast_op_type {
    FAST_END,
    FAST_COUNT,        /* an entry of table `a`, counter `c` */
    FAST_MISS,         /* a lookup in table `a` that found nothing */
    FAST_COUNT_BUCKET, /* a group or a bucket, counter `c` */
    FAST_METER,        /* meter `c`, of one dropping band or none */
    FAST_QUEUE,        /* `a` */
    FAST_PUSH_VLAN,    /* type `b` */
    FAST_POP_VLAN,
    FAST_SET_VID, /* `b` */
    FAST_SET_PCP, /* `a` */
    FAST_SET_DST, /* octets: `b` and then `c`, as they are in the frame */
    FAST_SET_SRC,
    FAST_SET_ADDRESS, /* four octets `c`, as they are in the frame, at octet `a` of the IP header */
    FAST_SET_PORT,    /* `c`, as it is in the frame, at octet `a` of the TCP or UDP header */
    FAST_SET_CLASS,   /* bits `c` of the traffic class; those in `a` are kept */
    FAST_SET_TTL,     /* `a` */
    FAST_DEC_TTL,     /* it is above 1: `n_ttl` */
    FAST_OUTPUT,      /* port `c`; `a`: also if the packet came in by it */
    FAST_IF_DEAD,     /* port `c` is not live: go to step `a` */
    FAST_IF_LIVE,     /* port `c` is live: go to step `a` */
    FAST_WEIGH,       /* a bucket of weight `b` takes part in the choice if port `c` is live */
    FAST_CHOOSE,      /* among those that do; if there are none, go to step `a` */
    FAST_IF_OTHER,    /* as FAST_WEIGH; if it is not the one chosen, go to step `a` */
    FAST_JUMP,        /* to step `a` */
    FAST_DROP,        /* for reason `a` */
};

#define FAST_ALWAYS UINT32_MAX /* in place of a port: it is live */

struct fast_op {
    uint8_t type, a;
    uint16_t b;
    uint32_t c;
};

/* A cached program. A place is written only while no CPU can be reading it. What every packet needs
 * is in the first three cache lines. */
struct fast_program {
    _Alignas(64) uint64_t generation; /* of the tables when it was recorded; 0: empty */
    uint64_t settled;  /* written in the kernel: nothing it could overtake is on its way */
    uint32_t n_meters; /* that judge its packets */
    uint8_t n_ttl;     /* a packet whose TTL is not above it goes to the packet thread */
    uint8_t denies;    /* no packet leaves */
    uint8_t polices;   /* a packet that its meters let pass goes to the packet thread */
    struct flow_key key;
    struct fast_op ops[FAST_OPS];
    uint64_t hash;      /* by which its packets choose buckets */
    uint64_t since;     /* when it was put in: monotonic, ns */
    uint32_t meters[3]; /* the first of them */
};

/* A set's tags are in one cache line, and say which program is worth looking at. */
struct fast_set {
    _Alignas(64) uint32_t tags[FAST_WAYS];
    struct fast_program ways[FAST_WAYS];
};

struct fast_port_counters {
    uint64_t rx_packets, rx_octets, tx_packets, tx_octets;
    struct {
        uint64_t packets, octets;
    } queues[N_QUEUES];
};

/* The packet a CPU is at. */
struct fast_packet {
    uint64_t now;     /* as of the last clock tick; exact where a meter judges */
    uint32_t at;      /* next step of its program */
    uint32_t size;    /* of the frame with its tag */
    uint32_t packets; /* a host's segment of a metered flow stands for several ... */
    uint32_t octets;  /* ... with as many headers */
    uint32_t segment; /* octets of each of those but the last */
    uint32_t pending; /* interface of the last output, which is done when nothing follows */
    uint32_t weight;  /* of the buckets that take part in a choice ... */
    uint32_t point;   /* ... and where among them it fell */
    uint32_t in_place;
    uint8_t queue, sent, dropped;
};

/* One CPU's own: it alone writes. */
struct fast_cpu {
    _Alignas(64) uint64_t turn; /* odd: it is in the program */
    struct fast_packet run;
    uint64_t sampled;   /* when it last handed up a packet that is denied */
    uint64_t hits, ups; /* carried out here; handed to the packet thread */
    uint64_t drops[DROP_MAX];
    struct {
        uint64_t lookups, matches;
    } tables[N_TABLES];
    struct fast_port_counters ports[MAX_PORTS];
};

struct fast_state {
    uint64_t generation; /* of the tables, now */
    uint64_t deadline;   /* monotonic, ns: after it everything goes to the packet thread, which has
                          * not said that it lives */
    uint32_t stopped;    /* everything goes to the packet thread */
    uint32_t mark;       /* by which the filter at the way out knows our packets */
    uint64_t secret[FLOW_KEY_WORDS], factor[FLOW_KEY_WORDS]; /* of the hash; factors are odd */
    uint16_t port_of[FAST_IFINDEX];                          /* interface: port's place + 1 */
};

/* Multilinear hashing with secret odd factors; of what ordinary packets have (fast_key.h). The high
 * half is what counts: its lower bits choose the set, the others are the tag. */
static inline __attribute__((always_inline)) uint32_t
fast_hash(const struct fast_state *state, const struct flow_key *key)
{
#define FAST_HASH_WORD(i)                                                                          \
    (((key->words[i] ^ state->secret[i]) ^ (key->words[i] ^ state->secret[i]) >> 32) *             \
     state->factor[i])
    uint64_t h = FAST_HASH_WORD(0) + FAST_HASH_WORD(2) + FAST_HASH_WORD(3) + FAST_HASH_WORD(4) +
                 FAST_HASH_WORD(6) + FAST_HASH_WORD(8);
    if (key->words[7] | key->words[9] | key->words[12] | key->words[13] | key->words[14])
        h += FAST_HASH_WORD(7) + FAST_HASH_WORD(9) + FAST_HASH_WORD(12) + FAST_HASH_WORD(13) +
             FAST_HASH_WORD(14);
    return (uint32_t)(h >> 32);
#undef FAST_HASH_WORD
}

static inline uint32_t
fast_tag(uint32_t hash)
{
    return hash / FAST_SETS | UINT32_C(1) << 31; /* never 0 */
}

#endif
