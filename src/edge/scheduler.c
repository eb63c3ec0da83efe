#include "edge/scheduler.h"

#define FRAME 1542u /* the largest ordinary frame, on the wire */
#define LIMIT (20 * NSEC_PER_MSEC)
#define LEAST_FRAMES 4u

static uint8_t
bit(unsigned queue)
{
    return (uint8_t)(1u << queue);
}

/* The highest queue of a set that is not empty. */
static unsigned
highest(uint8_t set)
{
    return 31u - (unsigned)__builtin_clz(set);
}

/* ---- Configuration ---- */

static uint32_t
octets_in(nsec_t time, uint64_t kbps)
{
    unsigned __int128 octets = (unsigned __int128)(uint64_t)time * kbps / 8000000;
    return octets > UINT32_MAX ? UINT32_MAX : (uint32_t)octets;
}

static uint32_t
default_burst(uint64_t kbps)
{
    return MAX(2 * FRAME, octets_in(NSEC_PER_MSEC / 2, kbps));
}

/* What the queue is sure of; 0: not known. */
static uint64_t
sure_rate(const struct scheduler_config *c, unsigned queue, uint32_t weights)
{
    const struct queue_config *q = &c->queues[queue];
    uint64_t rate = q->weight ? (uint64_t)c->rate_kbps * q->weight / weights : c->rate_kbps;
    rate = MAX(rate, q->min_kbps);
    if (q->max_kbps && (!rate || rate > q->max_kbps))
        rate = q->max_kbps;
    return rate;
}

static uint32_t
sum_of_weights(const struct scheduler_config *c)
{
    uint32_t weights = 0;
    for (unsigned i = 0; i < N_QUEUES; i++)
        weights += c->queues[i].weight;
    return weights;
}

uint32_t
scheduler_burst(const struct scheduler_config *c)
{
    return c->burst_octets ? c->burst_octets : default_burst(c->rate_kbps);
}

uint32_t
scheduler_queue_limit(const struct scheduler_config *c, unsigned queue)
{
    uint64_t rate = sure_rate(c, queue, sum_of_weights(c));
    return rate ? MAX(octets_in(c->limit ? c->limit : LIMIT, rate), LEAST_FRAMES * FRAME) : 0;
}

static void
configure_queue(struct scheduler *s, const struct scheduler_config *c, unsigned queue,
                uint32_t smallest)
{
    const struct queue_config *from = &c->queues[queue];
    struct scheduler_queue *q = &s->queues[queue];
    q->limit = scheduler_queue_limit(c, queue);
    q->octets = 0;
    for (uint32_t i = q->head; q->limit && i != q->tail; i++)
        q->octets += wire_octets(q->slots[i % SCHEDULER_DEPTH]->size);
    q->deficit = 0;
    q->quantum = from->weight ? (FRAME * from->weight + smallest - 1) / smallest : 0;
    if (!from->weight)
        s->strict |= bit(queue);
    if (from->min_kbps) {
        s->guaranteed |= bit(queue);
        token_bucket_init(&q->least, from->min_kbps, FRAME);
    }
    if (from->max_kbps) {
        s->capped |= bit(queue);
        token_bucket_init(&q->most, from->max_kbps, default_burst(from->max_kbps));
    }
}

void
scheduler_configure(struct scheduler *s, const struct scheduler_config *config)
{
    static const struct scheduler_config defaults = {.version = 0};
    const struct scheduler_config *c = config ? config : &defaults;
    uint32_t smallest = UINT8_MAX;
    for (unsigned i = 0; i < N_QUEUES; i++) {
        if (c->queues[i].weight)
            smallest = MIN(smallest, c->queues[i].weight);
    }
    s->strict = s->guaranteed = s->capped = 0;
    for (unsigned i = 0; i < N_QUEUES; i++)
        configure_queue(s, c, i, smallest);
    s->shaped = c->rate_kbps != 0;
    if (s->shaped)
        token_bucket_init(&s->shape, c->rate_kbps, scheduler_burst(c));
    s->has_rates = s->shaped || s->capped || s->guaranteed;
    s->version = c->version;
    s->paid = false;
}

void
scheduler_init(struct scheduler *s, const struct scheduler_config *config)
{
    s->waiting = s->turn = 0;
    for (unsigned i = 0; i < N_QUEUES; i++)
        s->queues[i].head = s->queues[i].tail = 0;
    scheduler_configure(s, config);
}

/* ---- In ---- */

bool
scheduler_queue_takes(struct scheduler_queue *q, uint32_t size)
{
    uint32_t octets = wire_octets(size);
    if (q->octets && octets > q->limit - MIN(q->octets, q->limit))
        return false;
    q->octets += octets;
    return true;
}

/* ---- Out ---- */

static uint32_t
head_octets(const struct scheduler_queue *q)
{
    return wire_octets(q->slots[q->head % SCHEDULER_DEPTH]->size);
}

/* Queues in which something waits that their most rate allows; *when: the first of the others. */
static uint8_t
ready_queues(const struct scheduler *s, nsec_t now, nsec_t *when)
{
    uint8_t ready = s->waiting;
    for (uint8_t set = s->waiting & s->capped; set; set &= (uint8_t)~bit(highest(set))) {
        const struct scheduler_queue *q = &s->queues[highest(set)];
        nsec_t at = token_bucket_when(&q->most, head_octets(q));
        if (at > now) {
            ready &= (uint8_t)~bit(highest(set));
            *when = MIN(*when, at);
        }
    }
    return ready;
}

/* The weighted queue of `ready` whose turn it is. Asked again before anything was sent it says the
 * same. A quantum is at least an ordinary frame, so the loop ends soon (for 64 KiB in 43 rounds).
 */
static unsigned
by_weight(struct scheduler *s, uint8_t ready)
{
    for (;;) {
        struct scheduler_queue *q = &s->queues[s->turn];
        if (ready & bit(s->turn)) {
            if (!s->paid)
                q->deficit += q->quantum;
            s->paid = true;
            if (q->deficit >= head_octets(q))
                return s->turn;
        }
        s->turn = (uint8_t)((s->turn + 1u) % N_QUEUES);
        s->paid = false;
    }
}

static unsigned
choose(struct scheduler *s, uint8_t ready, nsec_t now, bool *guaranteed)
{
    for (uint8_t set = ready & s->guaranteed; set; set &= (uint8_t)~bit(highest(set))) {
        const struct scheduler_queue *q = &s->queues[highest(set)];
        if (token_bucket_allows(&q->least, head_octets(q), now)) {
            *guaranteed = true;
            return highest(set);
        }
    }
    *guaranteed = false;
    return ready & s->strict ? highest(ready & s->strict) : by_weight(s, ready & ~s->strict);
}

/* What limits a run. */
struct allowance {
    struct token_bucket shape, least, most;
    int64_t deficit;
};

/* May this frame be one more of the run? The first one may already, but for the port's rate. */
static bool
allow(const struct scheduler *s, const struct scheduler_run *run, struct allowance *a,
      uint32_t octets, nsec_t now)
{
    uint8_t queue = bit(run->queue);
    bool weighted = !(s->strict & queue) && !run->guaranteed;
    if (s->shaped && !token_bucket_allows(&a->shape, octets, now))
        return false;
    if (run->n && ((s->capped & queue && !token_bucket_allows(&a->most, octets, now)) ||
                   (run->guaranteed && !token_bucket_allows(&a->least, octets, now)) ||
                   (weighted && a->deficit < octets)))
        return false;
    if (s->shaped)
        token_bucket_take(&a->shape, octets, now);
    if (s->capped & queue)
        token_bucket_take(&a->most, octets, now);
    if (run->guaranteed)
        token_bucket_take(&a->least, octets, now);
    if (weighted)
        a->deficit -= octets;
    return true;
}

static void
add_to_run(struct scheduler_run *run, struct packet *p)
{
    run->packets[run->n] = p;
    run->sizes[run->n++] = p->size;
}

static void
fill_run(const struct scheduler_queue *q, struct scheduler_run *run)
{
    uint32_t n = MIN(q->tail - q->head, SCHEDULER_RUN);
    while (run->n < n)
        add_to_run(run, q->slots[(q->head + run->n) % SCHEDULER_DEPTH]);
}

static void
fill_run_within(const struct scheduler *s, const struct scheduler_queue *q,
                struct scheduler_run *run, nsec_t now)
{
    struct allowance a = {s->shape, q->least, q->most, q->deficit};
    while (run->n < SCHEDULER_RUN && q->head + run->n != q->tail) {
        struct packet *p = q->slots[(q->head + run->n) % SCHEDULER_DEPTH];
        if (!allow(s, run, &a, wire_octets(p->size), now))
            break;
        add_to_run(run, p);
    }
}

bool
scheduler_next(struct scheduler *s, nsec_t now, struct scheduler_run *run, nsec_t *when)
{
    uint8_t ready = s->waiting;
    *when = NSEC_NEVER;
    if (ready & s->capped)
        ready = ready_queues(s, now, when);
    if (!ready)
        return false;
    run->queue = choose(s, ready, now, &run->guaranteed);
    run->n = 0;
    const struct scheduler_queue *q = &s->queues[run->queue];
    if (!s->shaped && !run->guaranteed && s->strict & ~s->capped & bit(run->queue))
        fill_run(q, run);
    else
        fill_run_within(s, q, run, now);
    if (!run->n) /* only the port's rate refuses the first */
        *when = token_bucket_when(&s->shape, head_octets(q));
    return run->n != 0;
}

static void
pay(struct scheduler *s, const struct scheduler_run *run, uint32_t octets, nsec_t now)
{
    struct scheduler_queue *q = &s->queues[run->queue];
    uint8_t queue = bit(run->queue);
    if (s->shaped)
        token_bucket_take(&s->shape, octets, now);
    if (s->capped & queue)
        token_bucket_take(&q->most, octets, now);
    if (run->guaranteed)
        token_bucket_take(&q->least, octets, now);
    else if (s->guaranteed & queue)
        token_bucket_take_at_most(&q->least, octets, now);
    if (!(s->strict & queue) && !run->guaranteed)
        q->deficit -= octets;
}

void
scheduler_sent(struct scheduler *s, const struct scheduler_run *run, unsigned n, nsec_t now)
{
    struct scheduler_queue *q = &s->queues[run->queue];
    bool pays = s->has_rates || s->strict != UINT8_MAX;
    for (unsigned i = 0; i < n && pays; i++) {
        uint32_t octets = wire_octets(run->sizes[i]);
        q->octets -= q->limit ? octets : 0;
        pay(s, run, octets, now);
    }
    q->head += n;
    if (q->head == q->tail) {
        s->waiting &= (uint8_t)~bit(run->queue);
        q->deficit = 0;
    }
}

struct packet *
scheduler_discard(struct scheduler *s)
{
    if (!s->waiting)
        return NULL;
    unsigned queue = highest(s->waiting);
    struct scheduler_queue *q = &s->queues[queue];
    struct packet *p = q->slots[q->head++ % SCHEDULER_DEPTH];
    q->octets -= q->limit ? wire_octets(p->size) : 0;
    if (q->head == q->tail) {
        s->waiting &= (uint8_t)~bit(queue);
        q->deficit = 0;
    }
    return p;
}
