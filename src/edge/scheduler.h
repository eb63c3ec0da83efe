/* scheduler.h - what waits at a port, and what of it leaves next. Pure: the time is told.
 *
 * 8 queues. Of what waits, this leaves first:
 *   1. queues that have got less than their least rate, of several the highest;
 *   2. strict queues, the highest number first;
 *   3. weighted queues, by deficit round robin (M. Shreedhar, G. Varghese, "Efficient Fair Queuing
 *      Using Deficit Round Robin", SIGCOMM 1995): the smallest weight has a quantum of one frame of
 *      1,542 octets on the wire, the others in proportion.
 * A queue that has had its most rate waits meanwhile. What a queue gets by 1 counts for its least
 * rate only, so weights share what is beyond the least rates. All queues together pass the port's
 * token bucket. A frame is chosen before it is asked whether the bucket allows it: nothing small
 * slips past a large frame that is due.
 *
 * What holds, in octets on the wire (scheduler_config.h), with L the largest frame, R the port's
 * rate and b its burst:
 *   - What leaves a shaped port within any time t is at most max(b, L) + R*t. The time is that at
 *     which the frames are handed to the driver; what delays them behind it comes on top of t.
 *   - The same of a queue with a most rate M: max(2L, 500 us * M) + M*t.
 *   - Every backlogged queue is a latency-rate server (D. Stiliadis, A. Varma, IEEE/ACM ToN 1998),
 *     as long as the thread runs in time. With n queues that have a least rate, all of them M: the
 *     highest strict queue has rate R - M, latency (n + 1) * L / (R - M): one frame is on its way,
 *     and each of those may send one. A queue with a least rate m has rate m, latency
 *     (n + 2) * L / m. A weighted queue with quantum q, all quanta together F, while nothing strict
 *     or guaranteed waits, has rate R * q / F, latency (3F - 2q) / R.
 *   - Backlog: no queue holds more than 512 frames, nor, where a rate is known, more than `limit`
 *     of the rate it is sure of (its weight's share of R or its most rate, if that is less; of a
 *     strict one R), but always at least 4 of the largest ordinary frames, or one that is larger.
 * What is more is refused.
 */
#ifndef EDGE_SCHEDULER_H
#define EDGE_SCHEDULER_H

#include "edge/scheduler_config.h"
#include "edge/token_bucket.h"
#include "packet/packet.h"

#define SCHEDULER_DEPTH 512u /* frames a queue holds; a power of two */
#define SCHEDULER_RUN 32     /* frames that leave at once */

struct scheduler_queue {
    uint32_t head, tail; /* count frames; tail - head waits */
    uint32_t limit;      /* most octets on the wire; 0: none */
    uint32_t octets;     /* that wait, if there is a limit */
    uint32_t quantum;
    int64_t deficit;
    struct token_bucket least, most;
    struct packet *slots[SCHEDULER_DEPTH];
};

struct scheduler {
    uint8_t waiting;                    /* a bit per queue in which something waits */
    uint8_t strict, guaranteed, capped; /* ... which is strict, has a least, a most rate */
    bool shaped;
    bool has_rates;   /* any of these */
    bool paid;        /* the queue whose turn it is has its quantum for it */
    uint8_t turn;     /* of the weighted queues */
    uint64_t version; /* of its configuration */
    struct token_bucket shape;
    struct scheduler_queue queues[N_QUEUES];
};

/* Octets of a frame on the wire. */
static inline uint32_t
wire_octets(uint32_t size)
{
    return (size > 60 ? size : 60) + 24;
}

/* What a configuration comes to, in octets on the wire: how many may leave the port at once, if it
 * has a rate; how many a queue holds, besides SCHEDULER_DEPTH frames (0: no matter how many). */
uint32_t scheduler_burst(const struct scheduler_config *);
uint32_t scheduler_queue_limit(const struct scheduler_config *, unsigned queue);

/* Nothing waits; NULL: the defaults. */
void scheduler_init(struct scheduler *, const struct scheduler_config *);
/* What waits stays. */
void scheduler_configure(struct scheduler *, const struct scheduler_config *);
/* Does it keep to rates? Segments should be cut before they are queued then: a rate and a priority
 * mean little among frames of 64 KiB. */
static inline bool
scheduler_has_rates(const struct scheduler *s)
{
    return s->has_rates;
}

/* Adds the frame to what waits; false: that would be more than the limit. */
bool scheduler_queue_takes(struct scheduler_queue *, uint32_t size);

/* Keeps the packet, by a reference of its own. False: the queue is full. */
MUST_CHECK static inline bool
scheduler_add(struct scheduler *s, unsigned queue, struct packet *p)
{
    struct scheduler_queue *q = &s->queues[queue];
    if (q->tail - q->head == SCHEDULER_DEPTH || (q->limit && !scheduler_queue_takes(q, p->size)))
        return false;
    q->slots[q->tail++ % SCHEDULER_DEPTH] = packet_ref(p);
    s->waiting |= (uint8_t)(1u << queue);
    return true;
}

/* Frames of one queue that may leave now, in order; borrowed until scheduler_sent(). */
struct scheduler_run {
    unsigned queue, n;
    bool guaranteed; /* by its least rate */
    struct packet *packets[SCHEDULER_RUN];
    uint32_t sizes[SCHEDULER_RUN];
};

/* False: nothing may leave now; it may at `*when`, NSEC_NEVER if nothing waits. */
bool scheduler_next(struct scheduler *, nsec_t now, struct scheduler_run *, nsec_t *when);
/* The first `n` of the run have left; their references are the caller's, or gone. */
void scheduler_sent(struct scheduler *, const struct scheduler_run *, unsigned n, nsec_t now);

/* The next packet of any queue, whatever the rates; NULL: none. Its reference is the caller's. */
struct packet *scheduler_discard(struct scheduler *);

#endif
