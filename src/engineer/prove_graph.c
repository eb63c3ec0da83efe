/* The ways of a claim's packets as a graph, drawn once and then passed through by lanes.
 *
 * A class that is followed step by step comes by the same place again in other lanes: back from
 * where a link is down, over the failover path, once for each failure. Here each place - a node, an
 * input port, headers - is looked up once; what is known of it is kept as moves to other places,
 * each under the bucket that it is made in. Then the lanes go through the graph in an order in
 * which no place comes before one that leads to it, and meet again where ways meet. When a rule is
 * replaced, only the places where it takes packets are looked at anew.
 *
 * What a move or a place does wrong is found when it is drawn; whether and in which lanes it is
 * reported, when they pass. Ways that lead round in a circle have no such order: those claims are
 * followed step by step (prove_walk.c), and so are all during an update. */
#include "engineer/prove_graph.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define PLACES_MAX 4000      /* of one claim; more are followed step by step, within their budget */
#define NO_GUARD 0           /* whatever comes to the place */
#define ANY_GUARD UINT16_MAX /* only in the lane of anything */

enum move_kind {
    MOVE_LINK,    /* to the next node */
    MOVE_PART,    /* a part of the class, taken by a rule of its own */
    MOVE_DELIVER, /* out of the network */
    MOVE_DROP,    /* no rule takes it */
    MOVE_TROUBLE, /* the rule cannot be followed here */
};

struct move {
    uint8_t kind;
    bool wrong;     /* it is not as it should be */
    bool whole;     /* delivers the whole class to a receiver at once */
    uint16_t guard; /* one above the index of a bucket; NO_GUARD, ANY_GUARD */
    uint32_t headers, queue;
    uint32_t to; /* place; of a delivery, the receiver, NO_ELEMENT: nobody's */
    union {
        struct far_end far; /* link */
        uint32_t port;      /* delivery */
        struct {
            enum violation_kind trouble;
            const char *what; /* static */
        };
    };
};

/* A bucket, and the port that it watches, which nearly all do. */
struct drawn_bucket {
    const struct bucket *bucket; /* NULL: `watched` says all */
    struct far_end watched;
};

/* A group that one live bucket of is used; or all of which are, if it is another kind. */
struct choice {
    uint16_t guard; /* under which it is run */
    uint8_t type;
    uint32_t first, n; /* buckets */
};

struct place {
    uint32_t node, in_port, headers;
    struct proved_flow *flow; /* that takes all that comes here; NULL: see the parts */
    bool fixed;               /* a part: it is this flow's whatever else there is */
    bool wrong;
    uint8_t colour; /* while it is drawn */
    uint32_t first_move, n_moves, first_choice, n_choices;
    /* Scratch of a passage. */
    uint32_t from; /* the first place that led here */
    uint64_t lanes;
};

/* Headers with whatever tags are below; no in_port. */
struct headers {
    struct match cube;
    uint8_t n_saved;
    struct saved_tag saved[SAVED_TAGS];
};

struct graph_of_ways {
    uint32_t n_places, places_capacity;
    struct place *places;
    uint32_t n_moves, moves_capacity;
    struct move *moves;
    uint32_t n_choices, choices_capacity;
    struct choice *choices;
    uint32_t n_buckets, buckets_capacity;
    struct drawn_bucket *buckets;
    uint32_t n_headers, headers_capacity;
    struct headers *headers;
    uint32_t n_order, order_capacity;
    uint32_t *order;     /* places, each behind all that it leads to */
    uint32_t max_choice; /* buckets of the largest select group */
    uint64_t drawn;      /* the prover's number of changes then */
    bool circular;
};

void
ways_free(struct graph_of_ways *g)
{
    if (!g)
        return;
    free(g->places);
    free(g->moves);
    free(g->choices);
    free(g->buckets);
    free(g->headers);
    free(g->order);
    free(g);
}

/* ---- Drawing ---- */

struct drawing {
    struct walk walk; /* the first member: its callbacks know the drawing by it */
    struct graph_of_ways *graph;
    bool again;     /* only what was replaced: who uses it stays */
    uint32_t place; /* that is being drawn */
    uint32_t depth;
    uint16_t guard;
};

static uint32_t
headers_number(struct graph_of_ways *g, const struct state *s)
{
    struct headers h;
    memset(&h, 0, sizeof h);
    h.cube = s->cube;
    h.cube.value.in_port = h.cube.mask.in_port = 0;
    h.n_saved = s->n_saved;
    memcpy(h.saved, s->saved, s->n_saved * sizeof h.saved[0]);
    for (uint32_t i = g->n_headers; i-- > 0;) {
        if (!memcmp(&g->headers[i], &h, sizeof h))
            return i;
    }
    GROW(g->headers, g->n_headers, g->headers_capacity);
    g->headers[g->n_headers] = h;
    return g->n_headers++;
}

static void
state_of(const struct graph_of_ways *g, uint32_t node, uint32_t in_port, uint32_t headers,
         struct state *s)
{
    const struct headers *h = &g->headers[headers];
    *s = (struct state){.lanes = LANES_ALL,
                        .node = node,
                        .in_port = in_port,
                        .cube = h->cube,
                        .n_saved = h->n_saved};
    memcpy(s->saved, h->saved, sizeof s->saved);
    s->cube.value.in_port = to_be32(in_port);
    s->cube.mask.in_port = UINT32_MAX;
}

static uint32_t
place_number(struct graph_of_ways *g, uint32_t node, uint32_t in_port, uint32_t headers)
{
    for (uint32_t i = 0; i < g->n_places; i++) {
        const struct place *p = &g->places[i];
        if (p->node == node && p->in_port == in_port && p->headers == headers && !p->fixed)
            return i;
    }
    GROW(g->places, g->n_places, g->places_capacity);
    g->places[g->n_places] = (struct place){.node = node, .in_port = in_port, .headers = headers};
    return g->n_places++;
}

static struct move *
add_move(struct drawing *d, enum move_kind kind, const struct state *s)
{
    struct graph_of_ways *g = d->graph;
    uint32_t headers = headers_number(g, s);
    GROW(g->moves, g->n_moves, g->moves_capacity);
    struct move *m = &g->moves[g->n_moves++];
    memset(m, 0, sizeof *m);
    m->kind = (uint8_t)kind;
    m->headers = headers;
    m->queue = s->queue;
    m->guard = s->lanes == LANE_ANY ? ANY_GUARD : d->guard;
    return m;
}

/* Would this be reported? */
static bool
is_wrong(struct drawing *d, void (*tell)(struct walk *, const struct step *, const struct state *),
         const struct step *step, const struct state *s)
{
    struct judging *j = d->walk.arg;
    struct state up = *s;
    up.lanes = LANE_UP;
    j->silent = true;
    j->complained = false;
    tell(&d->walk, step, &up);
    j->silent = false;
    return j->complained;
}

static void
draw_leaving(struct walk *w, const struct step *step, const struct state *s,
             const struct proved_port *port)
{
    struct drawing *d = (struct drawing *)w;
    if (port->link == NO_ELEMENT) {
        struct move *m = add_move(d, MOVE_DELIVER, s);
        m->port = port->number;
        m->to = judging_receiver(w->arg, s, port->number, &m->whole);
        m->wrong = m->to == NO_ELEMENT;
        return;
    }
    bool wrong = is_wrong(d, judging_forwarded, step, s);
    struct move *m = add_move(d, MOVE_LINK, s);
    m->far = far_end(port);
    m->wrong = wrong;
    uint32_t to = place_number(d->graph, port->far_node, port->far_port, m->headers);
    d->graph->moves[d->graph->n_moves - 1].to = to;
}

static void
draw_trouble(struct walk *w, const struct step *step UNUSED, const struct state *s,
             enum violation_kind kind, const char *what)
{
    struct move *m = add_move((struct drawing *)w, MOVE_TROUBLE, s);
    m->wrong = true;
    m->trouble = kind;
    m->what = what;
}

static struct drawn_bucket
drawn_bucket(const struct drawing *d, uint32_t node, const struct bucket *b)
{
    struct drawn_bucket drawn = {b, {NO_ELEMENT, NO_ELEMENT}};
    const struct proved_port *port = b->watch_group == GROUP_ANY && b->watch_port != PORT_ANY
                                         ? proved_port(&d->walk.prover->nodes[node], b->watch_port)
                                         : NULL;
    if (port)
        drawn = (struct drawn_bucket){NULL, far_end(port)};
    return drawn;
}

static void
draw_buckets(struct walk *w, const struct step *step, const struct state *s, const struct group *g,
             int depth)
{
    struct drawing *d = (struct drawing *)w;
    struct graph_of_ways *graph = d->graph;
    uint16_t guard = d->guard;
    uint32_t first = graph->n_buckets;
    if (first + g->n_buckets >= ANY_GUARD || s->lanes == LANE_ANY) {
        graph->circular = true; /* it is followed step by step */
        return;
    }
    if (!g->n_buckets)
        return;
    GROW(graph->choices, graph->n_choices, graph->choices_capacity);
    graph->choices[graph->n_choices++] = (struct choice){guard, g->type, first, g->n_buckets};
    if (g->type == GROUP_TYPE_SELECT)
        graph->max_choice = MAX(graph->max_choice, g->n_buckets);
    for (uint32_t i = 0; i < g->n_buckets; i++) {
        GROW(graph->buckets, graph->n_buckets, graph->buckets_capacity);
        graph->buckets[graph->n_buckets++] = drawn_bucket(d, s->node, &g->buckets[i]);
    }
    for (uint32_t i = 0; i < g->n_buckets; i++) {
        d->guard = (uint16_t)(first + i + 1);
        walk_bucket(w, step, s, &g->buckets[i], depth - 1);
    }
    d->guard = guard;
}

/* A rule takes all of what comes to the place, or a part: that gets a place of its own. */
static void
draw_rule(struct walk *w, const struct state *s, struct proved_flow *f, bool all)
{
    struct drawing *d = (struct drawing *)w;
    struct graph_of_ways *g = d->graph;
    if (all) {
        g->places[d->place].flow = f;
        return;
    }
    struct move *m = add_move(d, MOVE_PART, s);
    uint32_t headers = m->headers, at = g->n_moves - 1;
    GROW(g->places, g->n_places, g->places_capacity);
    g->places[g->n_places] = (struct place){
        .node = s->node, .in_port = s->in_port, .headers = headers, .flow = f, .fixed = true};
    g->moves[at].to = g->n_places++;
}

static bool
is_entry(const struct graph_of_ways *g, const struct place *p)
{
    return p->node == g->places[0].node && p->in_port == g->places[0].in_port;
}

static void
draw_drop(struct walk *w, const struct state *s)
{
    struct drawing *d = (struct drawing *)w;
    bool entry = is_entry(d->graph, &d->graph->places[d->place]);
    add_move(d, MOVE_DROP, s)->wrong = !entry;
}

/* The actions of the flow that takes all of this place. */
static void
draw_flow(struct drawing *d, const struct state *s)
{
    struct graph_of_ways *g = d->graph;
    struct place *p = &g->places[d->place];
    struct step first = {NULL, s, NULL, 0};
    struct step step = {is_entry(g, p) ? NULL : &first, s, p->flow->flow, !is_entry(g, p)};
    struct judging *j = d->walk.arg;
    struct state up = *s;
    up.lanes = LANE_UP;
    if (!d->again)
        note_use(d->walk.prover, d->walk.by, &p->flow->element);
    j->silent = true;
    j->complained = false;
    judging_taken(&d->walk, &step, &up, p->flow->forwards);
    j->silent = false;
    p->wrong = j->complained;
    walk_actions(&d->walk, &step, s, p->flow->flow);
}

static void
draw_place(struct drawing *d, uint32_t index)
{
    struct graph_of_ways *g = d->graph;
    struct place *p = &g->places[index];
    struct state s;
    p->colour = 1;
    p->first_move = g->n_moves;
    p->first_choice = g->n_choices;
    d->place = index;
    d->guard = NO_GUARD;
    state_of(g, p->node, p->in_port, p->headers, &s);
    d->walk.steps++;
    if (!p->fixed) {
        p->flow = NULL;
        walk_take(&d->walk, &s);
    }
    if (g->places[index].flow)
        draw_flow(d, &s);
    p = &g->places[index];
    p->n_moves = g->n_moves - p->first_move;
    p->n_choices = g->n_choices - p->first_choice;
}

static void
draw_from(struct drawing *d, uint32_t index)
{
    struct graph_of_ways *g = d->graph;
    if (d->depth > WALK_DEPTH_MAX || g->n_places > PLACES_MAX)
        g->circular = true;
    if (g->circular)
        return;
    d->depth++;
    draw_place(d, index);
    for (uint32_t i = 0; i < g->places[index].n_moves && !g->circular; i++) {
        const struct move *m = &g->moves[g->places[index].first_move + i];
        uint32_t to = m->to;
        if (m->kind != MOVE_LINK && m->kind != MOVE_PART)
            continue;
        if (g->places[to].colour == 1)
            g->circular = true;
        else if (!g->places[to].colour)
            draw_from(d, to);
    }
    d->depth--;
    g->places[index].colour = 2;
    GROW(g->order, g->n_order, g->order_capacity);
    g->order[g->n_order++] = index;
}

static struct drawing
new_drawing(struct judging *j, struct graph_of_ways *g)
{
    return (struct drawing){.walk = {.prover = j->prover,
                                     .by = j->judged,
                                     .choices = 1,
                                     .trouble = draw_trouble,
                                     .leaving = draw_leaving,
                                     .buckets = draw_buckets,
                                     .rule = draw_rule,
                                     .drop = draw_drop,
                                     .arg = j},
                            .graph = g};
}

static void
draw_all(struct judging *j, struct graph_of_ways *g)
{
    struct drawing d = new_drawing(j, g);
    struct state s = {
        .node = j->judged->node, .in_port = j->claim->from.port, .cube = j->claim->sent};
    g->n_places = g->n_moves = g->n_choices = g->n_buckets = g->n_headers = g->n_order = 0;
    g->max_choice = 1;
    g->circular = false;
    begin_uses(j->prover, j->judged);
    place_number(g, s.node, s.in_port, headers_number(g, &s));
    draw_from(&d, 0);
    end_uses(j->prover, j->judged);
    j->judged->n_steps = (uint32_t)d.walk.steps;
}

/* ---- Replaced rules ---- */

static uint32_t
position(const struct graph_of_ways *g, uint32_t place)
{
    uint32_t i = 0;
    while (g->order[i] != place)
        i++;
    return i;
}

/* Nearly always it is one rule of which this is asked: then no other is looked at. */
static bool
was_replaced(const struct prover *p, const struct graph_of_ways *g, const struct proved_flow *f)
{
    if (p->n_replaced > REPLACED_KEPT)
        return f->replaced > g->drawn;
    for (uint32_t i = 0; i < p->n_replaced; i++) {
        if (p->replaced[i] == f)
            return true;
    }
    return false;
}

/* Draws again the places whose flow was replaced. False: the ways are others now; all is to be
 * drawn anew. */
static bool
draw_replaced(struct judging *j, struct graph_of_ways *g)
{
    struct drawing d = new_drawing(j, g);
    uint32_t n_places = g->n_places, n_moves = g->n_moves;
    d.again = true;
    for (uint32_t i = 0; i < n_places; i++) {
        struct place *p = &g->places[i];
        if (!p->flow || !was_replaced(j->prover, g, p->flow))
            continue;
        struct state s;
        p->first_move = g->n_moves;
        p->first_choice = g->n_choices;
        d.place = i;
        d.guard = NO_GUARD;
        state_of(g, p->node, p->in_port, p->headers, &s);
        draw_flow(&d, &s);
        p = &g->places[i];
        p->n_moves = g->n_moves - p->first_move;
        p->n_choices = g->n_choices - p->first_choice;
        if (g->n_places > n_places || g->circular)
            return false;
        for (uint32_t k = 0; k < p->n_moves; k++) {
            const struct move *m = &g->moves[p->first_move + k];
            if (m->kind == MOVE_LINK && position(g, m->to) > position(g, i))
                return false;
        }
    }
    return g->n_moves < 4 * n_moves + 64; /* what was drawn before is not worth keeping for ever */
}

/* ---- Passing ---- */

/* The way to a place as steps: `steps` has room for as many as there are places. A part of what
 * comes to a place stands for it. */
static struct step *
steps_to(const struct graph_of_ways *g, uint32_t index, struct step *steps, struct state *states)
{
    const struct place *p = &g->places[index];
    const struct step *before = NULL;
    uint32_t from = index;
    if (index && p->fixed) /* its whole is no step */
        from = p->from;
    if (from)
        before = steps_to(g, g->places[from].from, steps, states);
    struct step *step = before ? &steps[before->depth + 1] : steps;
    struct state *s = &states[step - steps];
    state_of(g, p->node, p->in_port, p->headers, s);
    *step = (struct step){before, s, p->flow ? p->flow->flow : NULL, (uint32_t)(step - steps)};
    return step;
}

/* Of the place itself, if `m` is NULL. */
static void
report_at(struct walk *w, const struct graph_of_ways *g, uint32_t index, const struct move *m,
          uint64_t lanes)
{
    struct state *states = xcalloc(g->n_places + 1, sizeof *states);
    struct step *steps = xcalloc(g->n_places + 1, sizeof *steps);
    struct step *last = steps_to(g, index, steps, states);
    struct state s = *last->state;
    if (m)
        state_of(g, s.node, s.in_port, m->headers, &s);
    s.lanes = lanes;
    s.queue = m ? m->queue : 0;
    if (!m)
        judging_taken(w, last, &s, g->places[index].flow->forwards);
    else if (m->kind == MOVE_LINK)
        judging_forwarded(w, last, &s);
    else if (m->kind == MOVE_DELIVER)
        judging_delivered(w, last, &s, m->port);
    else if (m->kind == MOVE_DROP)
        judging_taken(w, last, &s, false);
    else if (m->kind == MOVE_TROUBLE)
        judging_trouble(w, last, &s, m->trouble, m->what);
    free(states);
    free(steps);
}

static void
report_twice(struct walk *w, const struct graph_of_ways *g, uint32_t index, uint64_t lanes)
{
    struct state *states = xcalloc(g->n_places + 1, sizeof *states);
    struct step *steps = xcalloc(g->n_places + 1, sizeof *steps);
    struct step *last = steps_to(g, index, steps, states);
    struct state s = *last->state;
    s.lanes = lanes;
    judging_twice(w, last, &s);
    free(states);
    free(steps);
}

struct passage {
    struct walk *walk;
    struct graph_of_ways *graph;
    uint64_t *guards; /* lanes of each bucket */
};

static uint64_t
lanes_of_bucket(const struct passage *t, const struct place *p, const struct drawn_bucket *b,
                uint64_t lanes)
{
    if (!b->bucket)
        return ~walk_down(t->walk, b->watched, lanes);
    return walk_live(t->walk, &t->walk->prover->nodes[p->node], b->bucket, lanes);
}

/* The lanes of each bucket of a group. */
static void
choose(const struct passage *t, const struct place *p, const struct choice *c)
{
    uint64_t lanes = c->guard ? t->guards[c->guard - 1] : p->lanes, left = lanes & ~LANE_ANY;
    bool one = c->type == GROUP_TYPE_FF || c->type == GROUP_TYPE_SELECT;
    uint32_t begin = c->type == GROUP_TYPE_SELECT ? t->walk->choice % c->n : 0;
    for (uint32_t i = 0; i < c->n; i++) {
        uint32_t bucket = c->first + (begin + i) % c->n;
        if (!one) {
            t->guards[bucket] = c->type == GROUP_TYPE_INDIRECT && i ? 0 : lanes;
            continue;
        }
        uint64_t live = left ? left & lanes_of_bucket(t, p, &t->graph->buckets[bucket], left) : 0;
        left &= ~live;
        t->guards[bucket] = live | (lanes & LANE_ANY);
    }
}

static uint64_t
lanes_of_move(const struct passage *t, const struct place *p, const struct move *m)
{
    if (m->guard == ANY_GUARD)
        return p->lanes & LANE_ANY;
    return m->guard ? t->guards[m->guard - 1] : p->lanes;
}

static void
arrive(const struct passage *t, uint32_t index, const struct move *m, uint64_t lanes)
{
    struct arrivals *a = &t->walk->prover->arrivals[m->to];
    if (m->whole && !(lanes & a->any & lanes_once(t->walk->by->claim))) {
        a->whole |= lanes;
        a->any |= lanes;
        return;
    }
    report_at(t->walk, t->graph, index, m, lanes); /* which notes it, too */
}

static void
pass_move(const struct passage *t, uint32_t index, const struct move *m)
{
    struct graph_of_ways *g = t->graph;
    uint64_t lanes = lanes_of_move(t, &g->places[index], m);
    if (!lanes)
        return;
    if (m->kind == MOVE_DELIVER && !m->wrong) {
        arrive(t, index, m, lanes);
        return;
    }
    if (m->wrong)
        report_at(t->walk, g, index, m, lanes);
    if (m->kind != MOVE_LINK && m->kind != MOVE_PART)
        return;
    if (m->kind == MOVE_LINK)
        lanes &= ~walk_down(t->walk, m->far, lanes);
    struct place *to = &g->places[m->to];
    uint64_t twice = m->kind == MOVE_LINK ? to->lanes & lanes & lanes_once(t->walk->by->claim) : 0;
    if (lanes && !to->lanes)
        to->from = index;
    to->lanes |= lanes;
    if (twice)
        report_twice(t->walk, g, m->to, twice);
}

static void
pass_place(const struct passage *t, uint32_t index)
{
    const struct graph_of_ways *g = t->graph;
    const struct place *p = &g->places[index];
    if (p->wrong)
        report_at(t->walk, t->graph, index, NULL, p->lanes);
    for (uint32_t i = 0; i < p->n_choices; i++)
        choose(t, p, &g->choices[p->first_choice + i]);
    for (uint32_t i = 0; i < p->n_moves; i++)
        pass_move(t, index, &g->moves[p->first_move + i]);
}

void
ways_pass(struct walk *w, struct graph_of_ways *g, uint64_t lanes)
{
    struct prover *p = w->prover;
    if (p->guards_capacity < g->n_buckets) {
        p->guards_capacity = g->n_buckets;
        p->guards = xrealloc(p->guards, p->guards_capacity, sizeof *p->guards);
    }
    struct passage t = {w, g, p->guards};
    for (uint32_t i = 0; i < g->n_places; i++)
        g->places[i].lanes = 0;
    g->places[0].lanes = lanes;
    w->choices = g->max_choice;
    for (uint32_t i = g->n_order; i-- > 0;) {
        if (g->places[g->order[i]].lanes)
            pass_place(&t, g->order[i]);
    }
}

bool
ways_draw(struct judging *j, bool anew)
{
    struct judged *judged = j->judged;
    struct graph_of_ways *g = judged->ways;
    if (!g) {
        g = judged->ways = xcalloc(1, sizeof *g);
        anew = true;
    }
    j->prover->walk_number++;
    if (anew || g->circular || !draw_replaced(j, g))
        draw_all(j, g);
    g->drawn = j->prover->n_changes;
    return !g->circular;
}
