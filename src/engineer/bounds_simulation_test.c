/* Bounds against an adversary: packets through queues, in small networks, at the worst times that a
 * search finds. No frame may ever be later than its circuit's bound, nor earlier than its best; and
 * the bound should not be far from what can happen.
 *
 * The simulation knows nothing of the calculus: token buckets, strict priority queues without
 * preemption, first in first out, and the ways that frames take, from trail.h. What an adversary
 * chooses: when each source begins, sizes of frames (as small as they may be, as large, or both),
 * whether a frame of the lowest class is just on its way out when another comes to an idle port,
 * how long each node processes (first slowly, then fast, so that frames bunch), which link fails,
 * and when. */
#include "engineer/bounds.h"

#include "engineer/design.h"
#include "engineer/testing.h"
#include "engineer/trail.h"

#include <stdio.h>

#define PS_PER_NS 1000
#define FLOWS_MAX 64
#define FRAMES_MAX 96  /* of one source */
#define N_NETWORKS 100 /* of each shape */
#define ROUTE_MAX 64

/* xorshift64*: the same networks every time. */
static uint64_t random_state;

static uint32_t
any(uint32_t n)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * UINT64_C(2685821657736338717)) >> 33) % n;
}

/* ---- Where frames go ---- */

/* Servers by number: 2 * link, one more for its other direction; then hosts' ports. */
struct world {
    struct network *net;
    struct bounds_parameters parameters;
    uint32_t n_links, n_servers;
    struct link *links[64];
    uint32_t kbps[256];
    int64_t travel_ps[256];
};

/* The ways of a frame: a tree of servers. */
struct branch {
    uint32_t server;
    uint32_t first, next; /* child, sibling; NO_INDEX */
    uint32_t receiver;    /* NO_INDEX: goes on */
};

struct tree {
    uint32_t n;
    uint32_t roots; /* first one */
    struct branch list[ROUTE_MAX];
};

static uint32_t
server_of_hop(const struct world *w, const struct hop *hop)
{
    for (uint32_t i = 0; i < w->n_links; i++) {
        if (w->links[i] == hop->link)
            return 2 * i + (strcmp(hop->link->a.node, hop->node->name) != 0);
    }
    fail_msg("no server");
    return 0;
}

static uint32_t
server_of_host(const struct world *w, const char *name)
{
    uint32_t i = 2 * w->n_links;
    for (struct host *host = w->net->hosts; host; host = host->hh.next, i++) {
        if (!strcmp(host->name, name))
            return i;
    }
    fail_msg("no host");
    return 0;
}

static const char *
near_node(const struct world *w, uint32_t server)
{
    return server & 1 ? w->links[server / 2]->b.node : w->links[server / 2]->a.node;
}

/* The branch behind `parent` (NO_INDEX: at the root) by that server; a new one, unless it is to be
 * shared and there. */
static uint32_t
grow(struct tree *t, uint32_t parent, uint32_t server, bool share)
{
    uint32_t *link = parent == NO_INDEX ? &t->roots : &t->list[parent].first;
    for (uint32_t i = *link; share && i != NO_INDEX; i = t->list[i].next) {
        if (t->list[i].server == server && t->list[i].receiver == NO_INDEX)
            return i;
    }
    assert_true(t->n < ROUTE_MAX);
    t->list[t->n] = (struct branch){server, NO_INDEX, *link, NO_INDEX};
    *link = t->n;
    return t->n++;
}

static void
end_at(const struct world *w, struct tree *t, uint32_t parent, uint32_t receiver, const char *host)
{
    uint32_t at = grow(t, parent, server_of_host(w, host), false);
    t->list[at].receiver = receiver;
}

static bool
is_dead(uint32_t server, uint64_t dead)
{
    return dead >> server / 2 & 1;
}

/* One conversation of an IP circuit, as doc/circuits.md says it: where the next link is dead, the
 * failover path if it leaves here, or else back to where it leaves. */
static void
ip_tree(const struct world *w, const uint32_t *primary, uint32_t n, const uint32_t *failover,
        uint32_t n_failover, uint64_t dead, const char *to, struct tree *t)
{
    uint32_t at = NO_INDEX, i = 0, k = NO_INDEX;
    while (i < n && !is_dead(primary[i], dead))
        at = grow(t, at, primary[i++], true);
    if (i < n) {
        for (k = 0; k < n_failover; k++) {
            if (failover[k] == primary[i]) /* that way is as dead */
                return;
        }
        for (;;) {
            for (k = 0; k < n_failover; k++) {
                if (!strcmp(near_node(w, failover[k]), near_node(w, primary[i])) &&
                    failover[k] != primary[i])
                    break;
            }
            if (k < n_failover || i == 0 || !n_failover)
                break;
            at = grow(t, at, primary[--i] ^ 1, true);
        }
        if (k >= n_failover) /* nowhere to go */
            return;
        for (; k < n_failover; k++) {
            if (is_dead(failover[k], dead))
                return;
            at = grow(t, at, failover[k], true);
        }
    }
    end_at(w, t, at, 0, to);
}

struct path_list {
    uint32_t n;
    uint32_t servers[16];
};

static void
to_list(const struct world *w, const struct trail *t, struct path_list *list)
{
    list->n = 0;
    for (uint32_t i = 0; i + 1 < t->n; i++)
        list->servers[list->n++] = server_of_hop(w, &t->hops[i]);
}

/* A multicast: along the tree to the dead link; from there a copy back to the root, and from there
 * over all failover paths of those behind the port that it came back by. */
static void
multicast_tree(const struct world *w, const struct circuit *c, const struct path_list *primary,
               const struct path_list *failover, uint64_t dead, struct tree *t)
{
    uint32_t back = NO_INDEX, port = NO_INDEX, ends[16];
    bool returns = false;
    for (uint32_t r = 0; r < c->multicast.n_subscribers; r++) {
        uint32_t at = NO_INDEX;
        ends[r] = 0;
        for (uint32_t i = 0; i < primary[r].n; i++) {
            if (is_dead(primary[r].servers[i], dead)) {
                ends[r] = 1;
                if (!failover[r].n || returns)
                    break;
                returns = true;
                port = primary[r].servers[0];
                back = at;
                for (uint32_t k = i; k-- > 0;)
                    back = grow(t, back, primary[r].servers[k] ^ 1, false);
                break;
            }
            at = grow(t, at, primary[r].servers[i], true);
        }
        if (!ends[r])
            end_at(w, t, at, r, c->multicast.subscribers[r]);
    }
    if (!returns)
        return;
    /* Stops are told apart by their input port only: who comes by one, goes out of all of it. */
    struct {
        uint32_t server, at;
    } reached[ROUTE_MAX];
    uint32_t n = 0;
    for (uint32_t r = 0; r < c->multicast.n_subscribers; r++) {
        if (!failover[r].n || !primary[r].n || primary[r].servers[0] != port)
            continue;
        bool known = false;
        for (uint32_t i = 0; i < n; i++)
            known |= reached[i].server == failover[r].servers[0] && reached[i].at != NO_INDEX;
        if (known || is_dead(failover[r].servers[0], dead))
            continue;
        reached[n].server = failover[r].servers[0];
        reached[n].at = grow(t, back, failover[r].servers[0], false);
        n++;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t sent[16], n_sent = 0;
        for (uint32_t r = 0; r < c->multicast.n_subscribers; r++) {
            for (uint32_t k = 0; k < failover[r].n; k++) {
                if (failover[r].servers[k] != reached[i].server)
                    continue;
                if (k + 1 == failover[r].n) {
                    end_at(w, t, reached[i].at, r, c->multicast.subscribers[r]);
                    continue;
                }
                uint32_t next = failover[r].servers[k + 1];
                bool done = is_dead(next, dead);
                for (uint32_t x = 0; x < n_sent; x++)
                    done |= sent[x] == next;
                if (done)
                    continue;
                sent[n_sent++] = next;
                assert_true(n < ROUTE_MAX);
                reached[n].server = next;
                reached[n].at = grow(t, reached[i].at, next, false);
                n++;
            }
        }
    }
}

/* ---- Sources ---- */

struct source {
    const struct circuit *circuit;
    uint32_t way; /* of an IP circuit: 0 there, 1 back; of a multicast its receivers have theirs */
    uint32_t class;
    int64_t burst, rate; /* octets; kbit/s */
    uint32_t tag;        /* more octets of each frame on the wire */
    struct tree normal, failed;
    int64_t worst[16], best[16]; /* the bounds, ns, by receiver */
    double nearest;              /* how near to it a frame came */
};

static struct source flows[FLOWS_MAX];
static uint32_t n_flows;

static void
add_flow(const struct circuit *c, uint32_t way)
{
    assert_true(n_flows < FLOWS_MAX);
    flows[n_flows++] = (struct source){
        .circuit = c,
        .way = way,
        .class = c->service_class,
        .burst = ((int64_t)c->burst_octets * 8 + 999) / 1000 * 125,
        .rate = c->rate_kbps,
        .tag = c->kind == CIRCUIT_MULTICAST && c->multicast.vlan_id == VLAN_UNTAGGED ? 4 : 0,
        .normal = {.roots = NO_INDEX},
        .failed = {.roots = NO_INDEX},
    };
}

static void
add_ip(const struct world *w, const struct circuit *c, uint64_t dead)
{
    const struct design *d = network_design(w->net, c->name);
    struct trail trails[2] = {{0}}, back[2] = {{0}};
    struct diag diag;
    const char *from = network_host(w->net, c->ip.client)->node;
    assert_ok(trail_follow(w->net, from, &d->primary, &trails[0], &diag));
    if (d->has_failover)
        assert_ok(trail_follow(w->net, from, &d->failover, &trails[1], &diag));
    for (uint32_t way = 0; way < 2; way++) {
        struct path_list lists[2] = {{0}};
        for (int i = 0; i < 1 + d->has_failover; i++) {
            if (way)
                trail_reverse(&trails[i], &back[i]);
            to_list(w, way ? &back[i] : &trails[i], &lists[i]);
        }
        add_flow(c, way);
        struct source *f = &flows[n_flows - 1];
        const char *to = way ? c->ip.client : c->ip.server;
        ip_tree(w, lists[0].servers, lists[0].n, NULL, 0, 0, to, &f->normal);
        ip_tree(w, lists[0].servers, lists[0].n, lists[1].servers, lists[1].n, dead, to,
                &f->failed);
    }
    for (int i = 0; i < 2; i++) {
        trail_fini(&trails[i]);
        trail_fini(&back[i]);
    }
}

static void
add_multicast(const struct world *w, const struct circuit *c, uint64_t dead)
{
    const struct design *d = network_design(w->net, c->name);
    struct trail primaries[16] = {{0}}, failovers[16] = {{0}};
    struct path_list lists[2][16] = {{{0}}};
    struct diag diag;
    assert_ok(trail_tree(w->net, c, &d->primary, primaries, &diag));
    if (d->has_failover)
        assert_ok(trail_failovers(w->net, c, &d->failover, primaries, failovers, &diag));
    for (uint32_t r = 0; r < c->multicast.n_subscribers; r++) {
        to_list(w, &primaries[r], &lists[0][r]);
        to_list(w, &failovers[r], &lists[1][r]);
        trail_fini(&primaries[r]);
        trail_fini(&failovers[r]);
    }
    add_flow(c, 0);
    multicast_tree(w, c, lists[0], lists[1], 0, &flows[n_flows - 1].normal);
    multicast_tree(w, c, lists[0], lists[1], dead, &flows[n_flows - 1].failed);
}

/* ---- The simulation ---- */

enum sizes { SIZES_SMALL, SIZES_LARGE, SIZES_BOTH, SIZES_MAX };

/* What the adversary chooses. */
struct plot {
    int64_t starts[FLOWS_MAX]; /* ns */
    enum sizes sizes[FLOWS_MAX];
    int64_t slow_until[FLOWS_MAX]; /* frames sent until then are processed slowly, ns */
    bool blocked[256];             /* a server: a lower frame is on its way when one comes */
    int64_t fails;                 /* ns */
};

struct frame {
    uint32_t flow, at; /* branch of its tree */
    bool failed;       /* which tree */
    bool slow;
    uint32_t octets; /* on the wire */
    int64_t sent;    /* ps */
};

struct event {
    int64_t time; /* ps */
    uint32_t order;
    uint32_t frame; /* NO_INDEX: a server is done */
    uint32_t server;
};

#define EVENTS_MAX 65536
#define QUEUE_MAX 8192

struct simulation {
    const struct world *world;
    const struct plot *plot;
    uint32_t n_events, order;
    struct event events[EVENTS_MAX]; /* a heap */
    uint32_t n_frames, free_frames;
    struct frame frames[EVENTS_MAX];
    uint32_t heads[256][CLASS_MAX], tails[256][CLASS_MAX];
    uint32_t queues[64][CLASS_MAX][QUEUE_MAX];
    bool busy[256];
    int64_t greatest[FLOWS_MAX][16], least[FLOWS_MAX][16]; /* delays, ps */
};

static bool
before(const struct event *a, const struct event *b)
{
    return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void
push(struct simulation *s, struct event e)
{
    uint32_t i = s->n_events++;
    assert_true(i < EVENTS_MAX);
    e.order = s->order++;
    for (; i && before(&e, &s->events[(i - 1) / 2]); i = (i - 1) / 2)
        s->events[i] = s->events[(i - 1) / 2];
    s->events[i] = e;
}

static struct event
pop(struct simulation *s)
{
    struct event first = s->events[0], last = s->events[--s->n_events];
    uint32_t i = 0;
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= s->n_events)
            break;
        if (child + 1 < s->n_events && before(&s->events[child + 1], &s->events[child]))
            child++;
        if (!before(&s->events[child], &last))
            break;
        s->events[i] = s->events[child];
        i = child;
    }
    s->events[i] = last;
    return first;
}

static struct tree *
tree_of(const struct frame *f)
{
    return f->failed ? &flows[f->flow].failed : &flows[f->flow].normal;
}

static int64_t
sending_time(const struct world *w, uint32_t server, uint32_t octets)
{
    return (int64_t)octets * INT64_C(8000000000) / w->kbps[server];
}

static int64_t
processing(const struct simulation *s, const struct frame *f)
{
    const struct bounds_parameters *p = &s->world->parameters;
    return PS_PER_NS * (f->slow ? p->processing_worst : p->processing_best);
}

/* Copies a frame to each branch behind one, NO_INDEX: at the root. */
static void
forward(struct simulation *s, struct frame f, uint32_t behind, int64_t now)
{
    const struct tree *t = tree_of(&f);
    for (uint32_t i = behind == NO_INDEX ? t->roots : t->list[behind].first; i != NO_INDEX;
         i = t->list[i].next) {
        int64_t time = now + processing(s, &f);
        const struct branch *branch = &t->list[i];
        if (branch->receiver != NO_INDEX && !s->world->parameters.access_kbps) {
            int64_t delay = time - f.sent;
            int64_t *greatest = &s->greatest[f.flow][branch->receiver];
            int64_t *least = &s->least[f.flow][branch->receiver];
            *greatest = MAX(*greatest, delay);
            *least = MIN(*least, delay);
            continue;
        }
        assert_true(s->n_frames < EVENTS_MAX);
        f.at = i;
        s->frames[s->n_frames] = f;
        push(s, (struct event){.time = time, .frame = s->n_frames++, .server = branch->server});
    }
}

/* Sends the next frame of the highest class, if the port is idle. */
static void
serve(struct simulation *s, uint32_t server, int64_t now)
{
    const struct world *w = s->world;
    if (s->busy[server])
        return;
    for (uint32_t level = CLASS_MAX; level-- > 0;) {
        uint32_t *head = &s->heads[server][level];
        if (*head == s->tails[server][level])
            continue;
        struct frame f = s->frames[s->queues[server][level][*head % QUEUE_MAX]];
        int64_t done = now + sending_time(w, server, f.octets);
        ++*head;
        s->busy[server] = true;
        push(s, (struct event){.time = done, .frame = NO_INDEX, .server = server});
        uint32_t receiver = tree_of(&f)->list[f.at].receiver;
        if (receiver != NO_INDEX) {
            int64_t delay = done - f.sent;
            s->greatest[f.flow][receiver] = MAX(s->greatest[f.flow][receiver], delay);
            s->least[f.flow][receiver] = MIN(s->least[f.flow][receiver], delay);
        } else {
            forward(s, f, f.at, done + w->travel_ps[server]);
        }
        return;
    }
}

static void
arrive(struct simulation *s, uint32_t frame, uint32_t server, int64_t now)
{
    uint32_t class = flows[s->frames[frame].flow].class;
    bool idle = !s->busy[server];
    for (uint32_t i = 0; i < CLASS_MAX; i++)
        idle &= s->heads[server][i] == s->tails[server][i];
    assert_true(s->tails[server][class] - s->heads[server][class] < QUEUE_MAX);
    s->queues[server][class][s->tails[server][class]++ % QUEUE_MAX] = frame;
    if (idle && s->plot->blocked[server]) { /* it was just before this one */
        uint32_t largest = s->world->parameters.largest_octets;
        s->busy[server] = true;
        push(s, (struct event){.time = now + sending_time(s->world, server, largest),
                               .frame = NO_INDEX,
                               .server = server});
        return;
    }
    serve(s, server, now);
}

/* Everything that a source sends: as much and as early as its meter lets pass. */
static void
emit(struct simulation *s, uint32_t flow)
{
    const struct source *f = &flows[flow];
    const struct plot *plot = s->plot;
    int64_t full = f->burst * 8000000, tokens = full, now = plot->starts[flow]; /* microbits; ns */
    int64_t large = MIN(f->burst, 1518 - f->tag);
    for (uint32_t i = 0; i < FRAMES_MAX; i++) {
        bool small = plot->sizes[flow] == SIZES_SMALL || (plot->sizes[flow] == SIZES_BOTH && i % 2);
        int64_t size = small ? MIN(60, large) : large, cost = size * 8000000;
        if (tokens < cost) {
            int64_t wait = (cost - tokens + f->rate - 1) / f->rate;
            now += wait;
            tokens = MIN(full, tokens + wait * f->rate);
        }
        tokens -= cost;
        struct frame frame = {.flow = flow,
                              .failed = now >= plot->fails,
                              .slow = now < plot->slow_until[flow],
                              .octets = (uint32_t)MAX(size, 60) + 24 + f->tag,
                              .sent = now * PS_PER_NS};
        forward(s, frame, NO_INDEX, frame.sent);
    }
}

static void
run(struct simulation *s, const struct world *w, const struct plot *plot)
{
    s->world = w;
    s->plot = plot;
    s->n_events = s->order = s->n_frames = 0;
    memset(s->heads, 0, sizeof s->heads);
    memset(s->tails, 0, sizeof s->tails);
    memset(s->busy, 0, sizeof s->busy);
    for (uint32_t i = 0; i < n_flows; i++) {
        for (int r = 0; r < 16; r++) {
            s->greatest[i][r] = -1;
            s->least[i][r] = INT64_MAX;
        }
        emit(s, i);
    }
    while (s->n_events) {
        struct event e = pop(s);
        if (e.frame == NO_INDEX) {
            s->busy[e.server] = false;
            serve(s, e.server, e.time);
        } else {
            arrive(s, e.frame, e.server, e.time);
        }
    }
}

/* ---- The search ---- */

/* Asserts the bounds of all flows; returns how near the nearest came, or that of `target`. */
static double
check(const struct simulation *s, uint32_t target)
{
    double nearest = 0, near;
    for (uint32_t i = 0; i < n_flows; i++) {
        for (int r = 0; r < 16; r++) {
            if (s->greatest[i][r] < 0 || flows[i].worst[r] == NSEC_NEVER)
                continue;
            if (s->greatest[i][r] > flows[i].worst[r] * PS_PER_NS ||
                s->least[i][r] < flows[i].best[r] * PS_PER_NS)
                fail_msg("%s to %d: %lld to %lld ps, bounds %lld to %lld ns",
                         flows[i].circuit->name, r, (long long)s->least[i][r],
                         (long long)s->greatest[i][r], (long long)flows[i].best[r],
                         (long long)flows[i].worst[r]);
            near = (double)s->greatest[i][r] / (double)(flows[i].worst[r] * PS_PER_NS);
            flows[i].nearest = MAX(flows[i].nearest, near);
            if (target == i || target == NO_INDEX)
                nearest = MAX(nearest, near);
        }
    }
    return nearest;
}

#define SPREAD 2000000 /* ns: most by which starts differ */

static void
invent(struct plot *p, const struct world *w, bool may_fail)
{
    bool together = any(2);
    for (uint32_t i = 0; i < n_flows; i++) {
        p->starts[i] = together ? SPREAD / 2 : any(SPREAD);
        p->sizes[i] = any(3) ? SIZES_SMALL : (enum sizes)any(SIZES_MAX);
        p->slow_until[i] = any(3) ? p->starts[i] + any(SPREAD / 4) : INT64_MAX;
    }
    for (uint32_t i = 0; i < w->n_servers; i++)
        p->blocked[i] = any(4) > 0;
    p->fails = may_fail ? (any(2) ? 0 : any(2 * SPREAD)) : INT64_MAX;
}

static void
change(struct plot *p, const struct world *w, bool may_fail)
{
    uint32_t i = any(n_flows);
    uint32_t kind = any(6);
    int64_t shift = (int64_t)any(200001) - 100000;
    if (kind < 2)
        p->starts[i] = MAX(0, p->starts[i] + shift);
    else if (kind == 2)
        p->starts[i] = p->starts[any(n_flows)];
    else if (kind == 3)
        p->sizes[i] = (enum sizes)any(SIZES_MAX);
    else if (kind == 4)
        p->slow_until[i] = any(3) ? p->starts[i] + any(SPREAD / 4) : INT64_MAX;
    else
        p->blocked[any(w->n_servers)] ^= true;
    if (may_fail && !any(8))
        p->fails = any(2 * SPREAD);
}

/* Random restarts, and from each up the hill. */
static double
search(struct simulation *s, const struct world *w, bool may_fail, uint32_t restarts,
       uint32_t steps)
{
    double best = 0;
    for (uint32_t i = 0; i < restarts; i++) {
        static struct plot here, there;
        invent(&here, w, may_fail);
        run(s, w, &here);
        uint32_t target = any(n_flows);
        double height = check(s, target);
        best = MAX(best, check(s, NO_INDEX));
        for (uint32_t k = 0; k < steps; k++) {
            there = here;
            change(&there, w, may_fail);
            run(s, w, &there);
            double next = check(s, target);
            best = MAX(best, check(s, NO_INDEX));
            if (next >= height) {
                height = next;
                here = there;
            }
        }
    }
    return best;
}

/* ---- Networks ---- */

static const char *
name_of(const char *kind, uint32_t i)
{
    static char names[4][16];
    static uint32_t next;
    char *name = names[next++ % 4];
    snprintf(name, sizeof names[0], "%s%u", kind, i);
    return name;
}

static struct circuit *
random_circuit(struct network *net, uint32_t i, uint32_t from, uint32_t to, uint32_t other)
{
    const char *a = name_of("h", from), *z = name_of("h", to);
    struct circuit *c;
    if (any(2) || other == NO_INDEX) {
        c = test_tcp(net, name_of("c", i), a, z, (uint16_t)(1000 + i));
    } else {
        char text[40];
        snprintf(text, sizeof text, "%s %s", to < other ? z : name_of("h", other),
                 to < other ? name_of("h", other) : z);
        c = test_goose(net, name_of("c", i), a, to == other ? z : text);
        if (any(3) == 0)
            c->multicast.vlan_id = VLAN_UNTAGGED;
    }
    c->service_class = (enum service_class)any(CLASS_MAX);
    c->rate_kbps = 500 + any(6000);
    c->burst_octets = 60 + any(any(2) ? 600 : 4000);
    return c;
}

enum shape { SHAPE_HOP, SHAPE_ROW, SHAPE_RING, SHAPE_MESH, SHAPE_MAX };

/* Some nodes with a host each, and circuits between them. In a ring they all go the same way round,
 * so that every queue depends on itself. */
static struct network *
random_network(enum shape shape)
{
    struct network *net = network_new();
    static const uint32_t rates[] = {10000, 100000, 100000, 1000000};
    uint32_t n = shape == SHAPE_HOP ? 2 : 3 + any(3), kbps = rates[any(4)];
    for (uint32_t i = 0; i + (shape < SHAPE_RING) < n; i++)
        test_link(net, name_of("n", i), name_of("n", (i + 1) % n), any(50), kbps);
    if (shape == SHAPE_MESH && n > 3)
        test_link(net, "n0", "n2", 20, rates[any(4)]);
    for (uint32_t i = 0; i < n; i++)
        test_host(net, name_of("h", i), name_of("n", i), 1, (uint8_t)(i + 2));
    uint32_t n_circuits = 2 + any(8);
    struct designer *designer = NULL;
    for (uint32_t i = 0; i < n_circuits; i++) {
        uint32_t from = any(n), hops = 1 + any(n - 1), to = (from + hops) % n;
        if (shape == SHAPE_HOP)
            to = 1 - from;
        else if (shape == SHAPE_ROW && any(2)) /* most of them with the first */
            from = 0, to = n - 1;
        uint32_t other = shape == SHAPE_RING ? to : any(n);
        struct circuit *c = random_circuit(net, i, from, to, other == from ? NO_INDEX : other);
        if (kbps == 10000)
            c->rate_kbps = 100 + c->rate_kbps / 20;
        if (shape == SHAPE_RING) {
            struct design *d = xcalloc(1, sizeof *d);
            d->circuit = xstrdup(c->name);
            d->number = i + 1;
            for (uint32_t k = 0; k < hops; k++) {
                const char *a = name_of("n", (from + k) % n), *z = name_of("n", (from + k + 1) % n);
                d->primary.links = xrealloc(d->primary.links, k + 1, sizeof(char *));
                d->primary.links[d->primary.n_links++] = xasprintf("%s-%s", a, z);
            }
            network_put_design(net, d);
        }
    }
    if (shape == SHAPE_RING)
        return net;
    designer = designer_new(net);
    for (struct circuit *c = net->circuits; c; c = c->hh.next) {
        struct design *d;
        struct diag diag;
        if (!designer_add(designer, c, &d, &diag))
            network_put_design(net, d);
    }
    designer_free(designer);
    return net;
}

static void
world_init(struct world *w, struct network *net)
{
    *w = (struct world){.net = net, .parameters = bounds_defaults};
    w->parameters.ahead_octets = w->parameters.ahead_kbps = 0; /* nobody sends those here */
    w->parameters.processing_best = any(10000);
    w->parameters.processing_worst = w->parameters.processing_best;
    if (any(2))
        w->parameters.processing_worst += any(60000);
    w->parameters.access_kbps = any(2) ? 100000 : 0;
    w->parameters.line_shaping = any(4) > 0;
    for (struct link *link = net->links; link; link = link->hh.next) {
        w->links[w->n_links++] = link;
        for (uint32_t i = 2 * w->n_links - 2; i < 2 * w->n_links; i++) {
            w->kbps[i] = link->capacity_kbps;
            w->travel_ps[i] = (int64_t)link->delay_us * 1000000;
        }
    }
    w->n_servers = 2 * w->n_links + HASH_COUNT(net->hosts);
    for (uint32_t i = 2 * w->n_links; i < w->n_servers; i++)
        w->kbps[i] = MAX(w->parameters.access_kbps, 1);
}

static void
take_bounds(const struct world *w, enum bounds_state state)
{
    struct bounds *b = NULL;
    struct diag diag = {""};
    if (bounds_new(w->net, &w->parameters, &b, &diag))
        fail_msg("%s", diag.text);
    for (uint32_t i = 0; i < n_flows; i++) {
        struct source *f = &flows[i];
        struct bounds_result r;
        assert_ok(bounds_circuit(b, f->circuit->name, state, &r));
        for (uint32_t k = 0; k < r.n; k++) {
            uint32_t receiver = f->circuit->kind == CIRCUIT_IP ? 0 : k;
            if (f->circuit->kind == CIRCUIT_IP && k != f->way)
                continue;
            f->worst[receiver] = r.ways[k].worst;
            f->best[receiver] = r.ways[k].best;
        }
        bounds_result_fini(&r);
    }
    bounds_free(b);
}

/* One link, or all those of one node; a bit for each. */
static uint64_t
what_fails(const struct world *w)
{
    uint32_t which = any(w->n_links + HASH_COUNT(w->net->nodes));
    uint64_t links = 0;
    if (which < w->n_links)
        return UINT64_C(1) << which;
    const struct node *node = w->net->nodes;
    for (uint32_t i = w->n_links; i < which; i++)
        node = node->hh.next;
    for (uint32_t i = 0; i < w->n_links; i++) {
        if (link_end_at(w->links[i], node->name))
            links |= UINT64_C(1) << i;
    }
    return links;
}

/* A network with its flows; if something may fail, bounds are those of a failure. */
static void
set_up(struct world *w, struct network *net, bool may_fail)
{
    world_init(w, net);
    uint64_t dead = may_fail ? what_fails(w) : 0;
    n_flows = 0;
    for (struct circuit *c = net->circuits; c; c = c->hh.next) {
        if (!network_design(net, c->name))
            continue;
        if (c->kind == CIRCUIT_IP)
            add_ip(w, c, dead);
        else
            add_multicast(w, c, dead);
    }
    take_bounds(w, may_fail ? BOUNDS_FAILURE : BOUNDS_NORMAL);
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double
median(double *values, uint32_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return values[n / 2];
}

/* Many networks of a shape. Returns the median of how near the nearest circuit of each came. */
static double
attack(enum shape shape, bool may_fail, uint64_t seed)
{
    static const char *const shapes[] = {"one hop", "a row", "a ring", "a mesh"};
    static double networks[N_NETWORKS], circuits[N_NETWORKS * FLOWS_MAX];
    struct simulation *s = xcalloc(1, sizeof *s);
    uint32_t n = 0, n_circuits = 0;
    random_state = seed;
    for (uint32_t i = 0; i < N_NETWORKS; i++) {
        struct network *net = random_network(shape);
        struct world w;
        set_up(&w, net, may_fail);
        double ratio = n_flows ? search(s, &w, may_fail, 3, 12) : 0;
        if (ratio > 0)
            networks[n++] = ratio;
        for (uint32_t k = 0; k < n_flows; k++) {
            if (flows[k].nearest > 0)
                circuits[n_circuits++] = flows[k].nearest;
        }
        network_free(net);
    }
    free(s);
    assert_true(n > N_NETWORKS / 2);
    double of_networks = median(networks, n), of_circuits = median(circuits, n_circuits);
    print_message("           %s%s: how near to its bound: median of %u circuits %.2f; the nearest "
                  "of each of %u networks %.2f\n",
                  shapes[shape], may_fail ? ", a link or node fails" : "", n_circuits, of_circuits,
                  n, of_networks);
    return of_networks;
}

static void
no_frame_is_later_than_its_bound_on_one_hop(void **state UNUSED)
{
    assert_true(attack(SHAPE_HOP, false, 1) >= 0.9);
}

static void
no_frame_is_later_than_its_bound_in_a_row(void **state UNUSED)
{
    assert_true(attack(SHAPE_ROW, false, 2) >= 0.8);
}

static void
no_frame_is_later_than_its_bound_in_a_ring(void **state UNUSED)
{
    assert_true(attack(SHAPE_RING, false, 3) >= 0.8);
}

static void
no_frame_is_later_than_its_bound_in_a_mesh(void **state UNUSED)
{
    assert_true(attack(SHAPE_MESH, false, 4) >= 0.8);
}

static void
no_frame_is_later_than_its_bound_when_a_link_or_node_fails(void **state UNUSED)
{
    assert_true(attack(SHAPE_MESH, true, 5) >= 0.5);
}

/* ---- Worst cases by hand ---- */

/* All at once, as small as they may be, behind a frame of the lowest class. */
static void
the_worst_on_one_hop_is_nearly_the_bound(void **state UNUSED)
{
    static struct plot plot;
    struct simulation *s = xcalloc(1, sizeof *s);
    struct network *net = network_new();
    struct world w;
    random_state = 6;
    test_link(net, "n0", "n1", 10, 100000);
    test_host(net, "h0", "n0", 1, 2);
    test_host(net, "h1", "n1", 1, 3);
    for (uint32_t i = 0; i < 6; i++) {
        struct circuit *c = test_tcp(net, name_of("c", i), "h0", "h1", (uint16_t)(1000 + i));
        c->service_class = CLASS_SCADA + i % 2;
        c->burst_octets = 3000;
        struct design *d = xcalloc(1, sizeof *d);
        d->circuit = xstrdup(c->name);
        d->number = i + 1;
        d->primary.links = xcalloc(1, sizeof(char *));
        d->primary.links[d->primary.n_links++] = xstrdup("n0-n1");
        network_put_design(net, d);
    }
    set_up(&w, net, false);
    w.parameters.access_kbps = 0;
    take_bounds(&w, BOUNDS_NORMAL);
    for (uint32_t i = 0; i < n_flows; i++)
        plot.slow_until[i] = INT64_MAX;
    memset(plot.blocked, true, sizeof plot.blocked);
    plot.fails = INT64_MAX;
    run(s, &w, &plot);
    for (uint32_t i = 0; i < n_flows; i++) {
        double near = check(s, i);
        /* The one whose last frame goes last. */
        if (i >= n_flows - 4)
            assert_true(near >= 0.95);
    }
    free(s);
    network_free(net);
}

static struct circuit *
routed(struct network *net, const char *name, const char *from, const char *to, const char *first,
       const char *second)
{
    struct circuit *c = test_tcp(net, name, from, to, (uint16_t)(1000 + HASH_COUNT(net->circuits)));
    struct design *d = xcalloc(1, sizeof *d);
    d->circuit = xstrdup(name);
    d->number = HASH_COUNT(net->circuits);
    d->primary.links = xcalloc(2, sizeof(char *));
    d->primary.links[d->primary.n_links++] = xstrdup(first);
    if (second)
        d->primary.links[d->primary.n_links++] = xstrdup(second);
    network_put_design(net, d);
    return c;
}

/* Two circuits of 40 Mbit/s wait for large bursts, which go elsewhere; what has gathered meanwhile
 * comes from both sides at once, at the links' rate, into one link, where a third circuit has to
 * wait for it. */
static void
the_worst_of_bursts_that_have_grown_is_nearly_the_bound(void **state UNUSED)
{
    static struct plot plot;
    struct simulation *s = xcalloc(1, sizeof *s);
    struct network *net = network_new();
    struct world w;
    random_state = 7;
    test_link(net, "n0", "n1", 10, 100000);
    test_link(net, "n3", "n1", 10, 100000);
    test_link(net, "n1", "n2", 10, 100000);
    test_link(net, "n1", "n4", 10, 100000);
    for (uint32_t i = 0; i < 5; i++)
        test_host(net, name_of("h", i), name_of("n", i), 1, (uint8_t)(i + 2));
    struct circuit *steady[] = {routed(net, "a", "h0", "h2", "n0-n1", "n1-n2"),
                                routed(net, "b", "h3", "h2", "n3-n1", "n1-n2")};
    struct circuit *bursts[] = {routed(net, "c", "h0", "h4", "n0-n1", "n1-n4"),
                                routed(net, "d", "h3", "h4", "n3-n1", "n1-n4")};
    routed(net, "victim", "h1", "h2", "n1-n2", NULL)->burst_octets = 1518;
    for (int i = 0; i < 2; i++) {
        steady[i]->rate_kbps = 40000;
        steady[i]->burst_octets = 1518;
        bursts[i]->burst_octets = 60000;
    }
    set_up(&w, net, false);
    w.parameters.access_kbps = 0;
    w.parameters.processing_worst = w.parameters.processing_best = 0;
    w.parameters.line_shaping = true;
    w.parameters.smallest_octets = 1518; /* nobody sends smaller ones here */
    take_bounds(&w, BOUNDS_NORMAL);
    uint32_t victim = n_flows - 2; /* client to server */
    double nearest = 0;
    assert_string_equal(flows[victim].circuit->name, "victim");
    for (uint32_t i = 0; i < n_flows; i++)
        plot.sizes[i] = SIZES_LARGE;
    memset(plot.blocked, true, sizeof plot.blocked);
    plot.fails = INT64_MAX;
    for (plot.starts[victim] = 0; plot.starts[victim] < 10000000; plot.starts[victim] += 50000) {
        run(s, &w, &plot);
        double near = check(s, victim);
        nearest = MAX(nearest, near);
    }
    print_message("           bursts that have grown: %.2f\n", nearest);
    assert_true(nearest >= 0.9);
    free(s);
    network_free(net);
}

TEST_MAIN(cmocka_unit_test(the_worst_on_one_hop_is_nearly_the_bound),
          cmocka_unit_test(the_worst_of_bursts_that_have_grown_is_nearly_the_bound),
          cmocka_unit_test(no_frame_is_later_than_its_bound_on_one_hop),
          cmocka_unit_test(no_frame_is_later_than_its_bound_in_a_row),
          cmocka_unit_test(no_frame_is_later_than_its_bound_in_a_ring),
          cmocka_unit_test(no_frame_is_later_than_its_bound_in_a_mesh),
          cmocka_unit_test(no_frame_is_later_than_its_bound_when_a_link_or_node_fails))
