/* pipeline.h - what happens to a packet: one parse, one cache lookup, one program.
 *
 * A packet whose key is in the exact-match cache runs the program kept there: count this entry,
 * pass that meter, change this field, output there. On a miss the packet goes through the tables,
 * and what is done to it on the way is recorded as its program. So there is one meaning, and the
 * cache cannot disagree with the tables; a change of the tables (datapath.generation) makes every
 * program stale. Failover needs no change: a program names the group, and the group picks its live
 * bucket when the packet passes.
 *
 * Not recorded are the rare packets whose way depends on more than their key: a lookup behind a
 * popped MPLS label or PBB header, a remarking meter, very long programs.
 *
 * Pure: packets in, calls to the sink out; the time is told. One pipeline belongs to one thread. */
#ifndef EDGE_PIPELINE_H
#define EDGE_PIPELINE_H

#include "edge/fast_path.h"

/* Why a packet goes to the controller: OFPR_*. */
enum punt_reason { PUNT_NO_MATCH = 0, PUNT_ACTION = 1, PUNT_INVALID_TTL = 2 };

struct punt {
    struct packet *packet; /* as it is at that point */
    const struct flow_key *key;
    enum punt_reason reason;
    uint16_t max_len; /* octets to send; WHOLE_PACKET: all */
    uint8_t table_id;
    uint64_t cookie;
};

/* Where packets go. The callee takes its own reference to keep a packet. */
struct pipeline_sink {
    void (*send)(void *arg, struct edge_port *, struct packet *);
    void (*punt)(void *arg, const struct punt *);
    void (*local)(void *arg, struct packet *);
    /* After the counter; NULL: nobody wants samples. */
    void (*dropped)(void *arg, const struct packet *, enum drop_reason);
    void *arg;
    /* The monotonic time right now, for meters that others use too: theirs may be later than the
     * vector's, and a packet judged as of then would come too early. NULL: nobody else does. */
    nsec_t (*clock)(void *arg);
};

struct pipeline;

/* `cache_size`: programs to keep, rounded up to a power of two; 0: none (every packet goes through
 * the tables). The memory is allocated here, once. */
struct pipeline *pipeline_new(struct datapath *, const struct pipeline_sink *, uint32_t cache_size);
void pipeline_free(struct pipeline *);
/* Programs are offered to it from now on: those of packets from ports it forwards from. */
void pipeline_set_fast_path(struct pipeline *, struct fast_path *);
/* Which lane of all counters (counters.h) is its own, below the datapath's `limits.lanes`; before
 * the first packet. 0 unless set. */
void pipeline_set_lane(struct pipeline *, unsigned lane);

#define VECTOR_SIZE 32

/* Processes packets that have arrived (in_port set) at monotonic time `now`; takes their
 * references. At most VECTOR_SIZE of them. */
void pipeline_receive(struct pipeline *, struct packet **, unsigned n, nsec_t now);
/* OFPT_PACKET_OUT: carries out the actions on the packet; takes its reference. Output to PORT_TABLE
 * sends it through the tables. */
void pipeline_inject(struct pipeline *, struct packet *, const struct actions *, nsec_t now);

/* Copies packets for captures from the next vector on; NULL: no more. Control thread; the one
 * before is in use until a datapath_barrier() has returned. */
struct tap;
void pipeline_set_tap(struct pipeline *, struct tap *);
/* The one of the vector that is being processed. Packet thread. */
struct tap *pipeline_tap(const struct pipeline *);
/* The one for what is not part of a vector. Packet thread, while it is online. */
struct tap *pipeline_renew_tap(struct pipeline *);

struct pipeline_stats {
    uint64_t packets, hits, misses, uncacheable;
};
void pipeline_get_stats(const struct pipeline *, struct pipeline_stats *);

/* Explains what would happen to a frame that arrived at `in_port`: table by table, with the
 * counters that would change and the meters it would face; nothing is counted and nothing is sent.
 * Called by the control thread. `step` gets the lines in order, indented by `depth`. */
struct trace_step {
    const char *kind; /* packet table tuple entry meter action group bucket output drop result */
    int depth;
    const char *text;
};
void pipeline_trace(struct datapath *, const uint8_t *frame, uint32_t size, uint32_t in_port,
                    void (*step)(void *arg, const struct trace_step *), void *arg);

#endif
