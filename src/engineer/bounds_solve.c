/* The fixpoint: from how much may come to each queue to how long it may wait there, and back. */
#include "engineer/bounds_private.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- One queue ----
 *
 * All in microbits and nanoseconds, as doubles: exact up to 2^53, and beyond that wrong by less
 * than the nanosecond that is added at the end. */

struct corner {
    double at;   /* ns */
    double drop; /* of the slope, kbit/s */
};

/* A concave arrival curve: starts at `start`, rises with `slope`, which drops at each corner. */
struct curve {
    double start, slope, rate; /* rate: of the sources, in the long run */
    uint32_t n;
    struct corner *corners; /* by time */
};

/* A queue of a strict priority scheduler without preemption. */
struct queue {
    struct curve own, above;
    double kbps;
    double blocked; /* the largest frame of a lower class */
    double least;   /* the smallest frame */
};

/* The frame that waits longest: when it comes, and when it begins to be sent; both from when the
 * queue and those above began to be busy. */
struct worst_frame {
    double comes, starts;
    double before; /* own class's bits that go first */
    double above;  /* ... those of classes above */
};

static void
curve_corner(struct curve *c, struct corner corner)
{
    uint32_t i = c->n++;
    for (; i && c->corners[i - 1].at > corner.at; i--)
        c->corners[i] = c->corners[i - 1];
    c->corners[i] = corner;
}

/* Of the two bounds, the sources' token buckets and the link that they come by, the smaller one. */
static void
curve_add(struct curve *c, double burst, double rate, double line_burst, double line_rate)
{
    c->rate += rate;
    if (line_rate > rate && burst > line_burst) {
        c->start += line_burst;
        c->slope += line_rate;
        curve_corner(c,
                     (struct corner){(burst - line_burst) / (line_rate - rate), line_rate - rate});
    } else {
        c->start += burst;
        c->slope += rate;
    }
}

static void
curve_join(struct curve *c, const struct curve *other)
{
    c->start += other->start;
    c->slope += other->slope;
    c->rate += other->rate;
    for (uint32_t i = 0; i < other->n; i++)
        curve_corner(c, other->corners[i]);
}

/* Where what is served, kbps * x - above(x) - blocked, reaches `amount`; it is convex, and less
 * than that at 0. `n` gets the corners of `above` behind it, `slope` the slope there. */
static double
reach(const struct queue *q, double amount, uint32_t *n, double *slope)
{
    double x = 0, value = -q->above.start - q->blocked;
    *slope = q->kbps - q->above.slope;
    for (*n = 0;; ++*n) {
        double next = *n < q->above.n ? q->above.corners[*n].at : INFINITY;
        if (*slope > 0 && value + *slope * (next - x) >= amount)
            return x + (amount - value) / *slope;
        if (next == INFINITY)
            return INFINITY;
        value += *slope * (next - x);
        *slope += q->above.corners[*n].drop;
        x = next;
    }
}

/* A frame that comes at t begins to be sent at x(t), when the queue has served own(t) less the
 * frame itself. x(t) - t is concave: it is greatest where its slope, own' / served', falls to 1.
 * Returns when its last bit leaves, less t. */
static double
queue_delay(const struct queue *q, struct worst_frame *worst)
{
    double amount = fmax(q->own.start - q->least, 0), slope, rise = q->own.slope, t = 0;
    uint32_t i = 0, k;
    *worst = (struct worst_frame){0};
    if (q->own.rate + q->above.rate >= q->kbps)
        return INFINITY;
    double x = reach(q, amount, &k, &slope);
    while (x < INFINITY && rise > slope) {
        double to_own = i < q->own.n ? q->own.corners[i].at - t : INFINITY;
        double to_above = k < q->above.n ? (q->above.corners[k].at - x) * slope / rise : INFINITY;
        double step = fmin(to_own, to_above);
        if (step == INFINITY)
            return INFINITY;
        t += step;
        amount += rise * step;
        if (to_own <= to_above) {
            x += rise * step / slope;
            rise -= q->own.corners[i++].drop;
        } else {
            x = q->above.corners[k].at;
            slope += q->above.corners[k++].drop;
        }
    }
    *worst = (struct worst_frame){
        .comes = t, .starts = x, .before = amount, .above = q->kbps * x - q->blocked - amount};
    return x - t + q->least / q->kbps;
}

/* ---- All of them ---- */

/* Room for the curves of one server: each of its arrivals makes at most one corner. */
struct scratch {
    struct corner *own, *above;
};

static void
scratch_init(struct scratch *s, uint32_t n_arrivals)
{
    s->own = xcalloc(n_arrivals + 1, sizeof *s->own);
    s->above = xcalloc(n_arrivals + 1, sizeof *s->above);
}

static void
scratch_fini(struct scratch *s)
{
    free(s->own);
    free(s->above);
}

static void
server_start(const struct bounds *b, const struct server *s, const struct scratch *scratch,
             struct queue *q)
{
    const struct bounds_parameters *p = &b->parameters;
    *q = (struct queue){.kbps = s->kbps,
                        .blocked = (double)(p->largest_octets * OCTET),
                        .least = (double)((MAX(p->smallest_octets, 60) + WIRE_OVERHEAD) * OCTET)};
    q->above.corners = scratch->above;
    q->above.start = (double)(p->ahead_octets * OCTET);
    q->above.slope = q->above.rate = p->ahead_kbps;
}

/* The own class's curve, out of its arrivals. False: nothing comes to the queue. */
static bool
server_class(const struct bounds *b, const struct plane *p, uint32_t queue,
             const struct scratch *scratch, struct queue *q)
{
    const struct bounds_parameters *set = &b->parameters;
    double jitter = (double)(set->processing_worst - set->processing_best);
    q->own = (struct curve){.corners = scratch->own};
    if (p->first[queue] == NO_INDEX)
        return false;
    for (uint32_t i = p->first[queue]; i != NO_INDEX; i = p->arrivals[i].next) {
        const struct arrivals *a = &p->arrivals[i];
        double line = set->line_shaping && a->input != NO_INDEX ? b->servers[a->input].kbps : 0;
        double line_burst = (double)a->frame + line * jitter;
        if (set->interface_kbps > line)
            line_burst = fmax((double)a->frame, (double)(set->port_burst_octets * OCTET)) +
                         line * jitter;
        curve_add(&q->own, a->burst, (double)a->rate, line_burst, line);
    }
    return true;
}

static nsec_t
round_up(const struct bounds *b, double ns)
{
    return ns < (double)b->parameters.limit ? (nsec_t)ceil(ns) + 1 : NO_BOUND;
}

nsec_t
least_passage(const struct bounds *b, uint32_t queue)
{
    const struct server *s = server_of(b, queue);
    int64_t octets = MAX(b->parameters.smallest_octets, 60) + WIRE_OVERHEAD;
    int64_t kbps = MAX(s->kbps, b->parameters.interface_kbps);
    return s->travel + (kbps ? octets * OCTET / kbps : 0);
}

static nsec_t
passage(const struct bounds *b, const struct plane *p, uint32_t step)
{
    uint32_t queue = p->steps[step].queue;
    if (step == SOURCE)
        return 0;
    if (p->steps[step].most >= NO_BOUND || p->delay[queue] >= NO_BOUND)
        return NO_BOUND;
    return p->steps[step].most + p->delay[queue] + server_of(b, queue)->travel;
}

nsec_t
greatest_age(const struct bounds *b, enum bounds_state state, uint32_t parent, uint32_t *by)
{
    const struct plane *p = &b->planes[state];
    uint32_t single = parent, n = 1, worst = SOURCE;
    const uint32_t *list = &single;
    nsec_t age = -1;
    if (parent & SEVERAL) {
        list = p->parents.list + (parent & ~SEVERAL) + 1;
        n = list[-1];
    }
    for (uint32_t i = 0; i < n; i++) {
        nsec_t a = passage(b, p, list[i]);
        if (a > age) {
            age = a;
            worst = list[i];
        }
    }
    if (by)
        *by = worst;
    return age;
}

nsec_t
least_age(const struct bounds *b, enum bounds_state state, uint32_t parent)
{
    const struct plane *p = &b->planes[state];
    uint32_t single = parent, n = 1;
    const uint32_t *list = &single;
    nsec_t age = INT64_MAX;
    if (parent & SEVERAL) {
        list = p->parents.list + (parent & ~SEVERAL) + 1;
        n = list[-1];
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct step *s = &p->steps[list[i]];
        nsec_t a = list[i] == SOURCE ? 0 : s->least + least_passage(b, s->queue);
        age = MIN(age, a);
    }
    return age;
}

/* Ages of steps, and with them, what comes to the queues: what a token bucket (r, b) has let pass
 * is within (r, b + r * j) where ages differ by j at most. */
static void
age_steps(struct bounds *b, enum bounds_state state, enum part part)
{
    struct plane *p = &b->planes[state];
    const struct words *steps = &p->own_steps[part], *arrivals = &p->own_arrivals[part];
    nsec_t processing = b->parameters.processing_worst;
    for (uint32_t i = 0; i < arrivals->n; i++)
        p->arrivals[arrivals->list[i]].burst = 0;
    for (uint32_t i = 0; i < steps->n; i++) {
        struct step *s = &p->steps[steps->list[i]];
        nsec_t age = s->parent & SEVERAL ? greatest_age(b, state, s->parent, NULL)
                                         : passage(b, p, s->parent);
        s->most = age >= NO_BOUND ? NO_BOUND : age + processing;
        p->arrivals[s->arrivals].burst += (double)s->burst +
                                          (double)s->rate * (double)(s->most - s->least);
    }
}

/* How far a turn goes. */
struct pace {
    double boost; /* how much further than it is known to, as a multiple */
    bool give_up; /* what still grows has no bound */
};

/* Does more come to any queue of the server than when its delays were computed? */
static bool
server_has_news(struct plane *p, uint32_t server)
{
    bool news = false;
    for (uint32_t queue = CLASS_MAX * server; queue < CLASS_MAX * (server + 1); queue++) {
        for (uint32_t i = p->first[queue]; i != NO_INDEX; i = p->arrivals[i].next) {
            news |= p->arrivals[i].burst > p->arrivals[i].known;
            p->arrivals[i].known = p->arrivals[i].burst;
        }
    }
    return news;
}

/* Raises the delays of a server's queues. Returns by how much, in ns, all together. */
static double
raise_delays(const struct bounds *b, struct plane *p, uint32_t server,
             const struct scratch *scratch, const struct pace *pace)
{
    double grown = 0;
    struct queue q;
    server_start(b, &b->servers[server], scratch, &q);
    for (uint32_t level = CLASS_MAX; level-- > 0;) {
        uint32_t queue = CLASS_MAX * server + level;
        struct worst_frame worst;
        if (!server_class(b, p, queue, scratch, &q))
            continue;
        nsec_t delay = q.kbps > 0 ? round_up(b, queue_delay(&q, &worst)) : NO_BOUND;
        nsec_t rise = delay - p->delay[queue];
        if (rise > 0) {
            double further = (double)rise * pace->boost;
            grown += (double)rise;
            if (pace->give_up)
                delay = NO_BOUND;
            else if ((double)delay + further < (double)b->parameters.limit)
                delay += (nsec_t)further;
            p->delay[queue] = delay;
        }
        curve_join(&q.above, &q.own);
    }
    return grown;
}

/* One turn. Returns how much all delays together have grown, in ns; 0: not at all. */
static double
turn(struct bounds *b, enum bounds_state state, enum part part, const struct scratch *scratch,
     const struct pace *pace)
{
    struct plane *p = &b->planes[state];
    uint32_t first = part == PART_LINKS ? 0 : 2 * b->n_links;
    uint32_t end = part == PART_LINKS ? 2 * b->n_links : b->n_servers;
    double grown = 0;
    age_steps(b, state, part);
    for (uint32_t i = first; i < end; i++) {
        if (server_has_news(p, i))
            grown += raise_delays(b, p, i, scratch, pace);
    }
    return grown;
}

static void
set_least_ages(struct bounds *b, enum bounds_state state)
{
    struct plane *p = &b->planes[state];
    for (uint32_t i = 1; i < p->n_steps; i++)
        p->steps[i].least = least_age(b, state, p->steps[i].parent) + b->parameters.processing_best;
}

#define PATIENCE 8 /* turns, before the rest of the way is guessed, and between guesses */
#define BOOST_MAX 256

/* Delays that bring about no greater ones are a bound (the least such is the fixpoint), however
 * they were found. So where they grow slowly, by a factor of g from turn to turn, what is left, g /
 * (1 - g), is taken at once: at worst, some are a little too great. */
void
solve_on(struct bounds *b, enum bounds_state state)
{
    struct plane *p = &b->planes[state];
    struct scratch scratch;
    struct pace pace = {0};
    double grown = 0, before;
    scratch_init(&scratch, p->n_arrivals);
    set_least_ages(b, state);
    for (uint32_t i = 0; i < p->n_arrivals; i++)
        p->arrivals[i].known = -1;
    p->turns = 0;
    do {
        before = grown;
        grown = turn(b, state, PART_LINKS, &scratch, &pace);
        bool guess = p->turns >= PATIENCE && p->turns % PATIENCE == 0 && grown < before;
        pace.boost = guess ? fmin(grown / (before - grown), BOOST_MAX) : 0;
        pace.give_up = ++p->turns >= b->parameters.max_turns;
    } while (grown > 0);
    pace = (struct pace){0};
    (void)turn(b, state, PART_HOSTS, &scratch, &pace);
    scratch_fini(&scratch);
}

void
solve_anew(struct bounds *b, enum bounds_state state)
{
    memset(b->planes[state].delay, 0, CLASS_MAX * b->n_servers * sizeof(nsec_t));
    solve_on(b, state);
}

void
bounds_solve(struct bounds *b, enum bounds_state state)
{
    solve_anew(b, state);
}

/* ---- What a delay is made of ---- */

/* The most that waits: own(t) less what is served by then. The difference is concave: it is
 * greatest at a corner of either, or where serving begins. */
static double
queue_backlog(const struct queue *q)
{
    double t = 0, own = q->own.start, rise = q->own.slope, most = own;
    double served = -q->above.start - q->blocked, slope = q->kbps - q->above.slope;
    for (uint32_t i = 0, k = 0;;) {
        double to_own = i < q->own.n ? q->own.corners[i].at : INFINITY;
        double to_above = k < q->above.n ? q->above.corners[k].at : INFINITY;
        double next = fmin(to_own, to_above);
        if (served < 0 && slope > 0 && t - served / slope <= next)
            most = fmax(most, own + rise * -served / slope);
        if (next == INFINITY)
            return most;
        own += rise * (next - t);
        served += slope * (next - t);
        t = next;
        most = fmax(most, own - fmax(served, 0));
        if (to_own <= to_above)
            rise -= q->own.corners[i++].drop;
        else
            slope += q->above.corners[k++].drop;
    }
}

void
split_delay(const struct bounds *b, enum bounds_state state, uint32_t queue,
            struct delay_parts *parts)
{
    const struct plane *p = &b->planes[state];
    const struct server *s = server_of(b, queue);
    struct scratch scratch;
    struct queue q;
    struct worst_frame worst;
    uint32_t level = CLASS_MAX;
    uint32_t first = queue / CLASS_MAX * CLASS_MAX, n = 0;
    *parts = (struct delay_parts){0};
    for (uint32_t i = first; i < first + CLASS_MAX; i++) {
        for (uint32_t k = p->first[i]; k != NO_INDEX; k = p->arrivals[k].next)
            n++;
    }
    scratch_init(&scratch, n);
    server_start(b, s, &scratch, &q);
    while (level-- > queue % CLASS_MAX) {
        if (level + 1 < CLASS_MAX)
            curve_join(&q.above, &q.own);
        (void)server_class(b, p, first + level, &scratch, &q);
    }
    nsec_t delay = p->delay[queue];
    if (q.kbps > 0 && delay < NO_BOUND && queue_delay(&q, &worst) < INFINITY) {
        parts->sending = (nsec_t)(q.least / q.kbps);
        parts->blocked = (nsec_t)(q.blocked / q.kbps);
        parts->beside = (nsec_t)fmax(worst.before / q.kbps - worst.comes, 0);
        parts->beside = MIN(parts->beside, delay - parts->sending - parts->blocked);
        parts->above = delay - parts->sending - parts->blocked - parts->beside;
        parts->backlog = (uint64_t)ceil(queue_backlog(&q) / (double)OCTET);
    }
    scratch_fini(&scratch);
}

uint64_t
asked_kbps(const struct bounds *b, enum bounds_state state, uint32_t queue)
{
    const struct plane *p = &b->planes[state];
    int64_t sum = b->parameters.ahead_kbps;
    for (uint32_t q = queue; q < (queue / CLASS_MAX + 1) * CLASS_MAX; q++) {
        for (uint32_t i = p->first[q]; i != NO_INDEX; i = p->arrivals[i].next)
            sum += p->arrivals[i].rate;
    }
    return (uint64_t)sum;
}

uint32_t
circuits_in(const struct bounds *b, enum bounds_state state, uint32_t queue)
{
    const struct plane *p = &b->planes[state];
    uint32_t n = 0;
    for (uint32_t i = p->first[queue]; i != NO_INDEX; i = p->arrivals[i].next)
        n += p->arrivals[i].circuits;
    return n;
}
