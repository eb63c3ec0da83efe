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
 * followed step by step (prove_walk.c), and so are all during an update.
 *
 * A graph is sketched in arrays that grow, and then kept as one piece of memory, its places in the
 * order in which lanes pass them: a proof of a large network is as fast as that memory is read. */
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
    uint8_t queue;
    bool wrong;     /* it is not as it should be */
    bool whole;     /* delivers the whole class to a receiver at once */
    uint16_t guard; /* one above the index of a bucket; NO_GUARD, ANY_GUARD */
    uint16_t headers;
    uint32_t
        to; /* place; of a delivery, the receiver, NO_ELEMENT: nobody's; of trouble, its kind */
    union {
        struct far_end far; /* link */
        uint32_t port;      /* delivery */
        const char *what;   /* trouble; static */
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
    struct proved_flow *flow; /* that takes all that comes here; NULL: see the parts */
    uint32_t first_move, first_choice;
    uint16_t n_moves, n_choices;
    bool wrong;
};

/* Where a place is. */
struct spot {
    uint32_t node, in_port, headers;
    bool fixed; /* a part: it is this flow's whatever else there is */
};

/* Headers with whatever tags are below; no in_port. */
struct headers {
    struct match cube;
    uint8_t n_saved;
    struct saved_tag saved[SAVED_TAGS];
};

/* The buckets of a place are next to each other, its moves and choices too. */
struct ways {
    uint32_t n_places, n_moves, n_choices, n_buckets, n_headers;
    struct place *places;
    struct move *moves;
    struct choice *choices;
    struct drawn_bucket *buckets;
    struct spot *spots;
    struct headers *headers;
};

/* As it is kept. */
struct graph_of_ways {
    struct ways ways;    /* all of it behind this struct, in the same piece of memory */
    uint64_t drawn;      /* the prover's number of changes then */
    uint32_t max_choice; /* buckets of the largest select group */
    bool circular;       /* there is none */
};

/* As it is drawn; of the prover, for one claim after the other. */
struct sketch {
    struct ways ways;
    uint32_t places_capacity, moves_capacity, choices_capacity, buckets_capacity, spots_capacity,
        headers_capacity;
    uint8_t *colours; /* of places, while they are drawn */
    uint32_t n_colours, colours_capacity;
    uint32_t n_order, order_capacity;
    uint32_t *order; /* places, each behind all that it leads to */
    uint32_t max_choice;
    bool circular;
    /* Of a passage: by place, the lanes that have come, and the first place that led there. */
    uint32_t passage_capacity;
    uint64_t *lanes;
    uint32_t *from;
};

void
ways_free(struct graph_of_ways *g)
{
    free(g);
}

void
sketch_free(struct sketch *k)
{
    if (!k)
        return;
    free(k->ways.places);
    free(k->ways.moves);
    free(k->ways.choices);
    free(k->ways.buckets);
    free(k->ways.spots);
    free(k->ways.headers);
    free(k->colours);
    free(k->order);
    free(k->lanes);
    free(k->from);
    free(k);
}

/* ---- Drawing ---- */

struct drawing {
    struct walk walk; /* the first member: its callbacks know the drawing by it */
    struct sketch *sketch;
    /* What is there already: the sketch's, or a graph's of which only what was replaced is drawn
     * again: then who uses it stays, and nothing may be new. */
    const struct ways *known;
    bool again, new;
    uint32_t place; /* that is being drawn */
    uint32_t depth;
    uint16_t guard;
};

static bool
is_headers(const struct headers *h, const struct state *s)
{
    struct match cube = s->cube;
    cube.value.in_port = cube.mask.in_port = 0;
    return h->n_saved == s->n_saved && match_equal(&h->cube, &cube) &&
           !memcmp(h->saved, s->saved, s->n_saved * sizeof h->saved[0]);
}

static uint32_t
headers_number(struct drawing *d, const struct state *s)
{
    for (uint32_t i = d->known->n_headers; i-- > 0;) {
        if (is_headers(&d->known->headers[i], s))
            return i;
    }
    struct sketch *k = d->sketch;
    if (d->again || k->ways.n_headers == UINT16_MAX) {
        d->new = k->circular = true;
        return 0;
    }
    GROW(k->ways.headers, k->ways.n_headers, k->headers_capacity);
    struct headers *h = &k->ways.headers[k->ways.n_headers];
    memset(h, 0, sizeof *h);
    h->cube = s->cube;
    h->cube.value.in_port = h->cube.mask.in_port = 0;
    h->n_saved = s->n_saved;
    memcpy(h->saved, s->saved, s->n_saved * sizeof h->saved[0]);
    return k->ways.n_headers++;
}

static void
state_of(const struct ways *w, const struct spot *at, uint32_t headers, struct state *s)
{
    const struct headers *h = &w->headers[headers];
    *s = (struct state){.lanes = LANES_ALL,
                        .node = at->node,
                        .in_port = at->in_port,
                        .cube = h->cube,
                        .n_saved = h->n_saved};
    memcpy(s->saved, h->saved, sizeof s->saved);
    s->cube.value.in_port = to_be32(at->in_port);
    s->cube.mask.in_port = UINT32_MAX;
}

static uint32_t
add_place(struct sketch *k, struct spot spot, struct proved_flow *flow)
{
    uint32_t index = k->ways.n_places;
    GROW(k->ways.places, k->ways.n_places, k->places_capacity);
    GROW(k->ways.spots, k->ways.n_places, k->spots_capacity);
    GROW(k->colours, k->n_colours, k->colours_capacity);
    k->ways.places[index] = (struct place){.flow = flow};
    k->ways.spots[index] = spot;
    k->colours[k->n_colours++] = 0;
    return k->ways.n_places++;
}

static uint32_t
place_number(struct drawing *d, uint32_t node, uint32_t in_port, uint32_t headers)
{
    for (uint32_t i = 0; i < d->known->n_places; i++) {
        const struct spot *p = &d->known->spots[i];
        if (p->node == node && p->in_port == in_port && p->headers == headers && !p->fixed)
            return i;
    }
    if (d->again) {
        d->new = true;
        return 0;
    }
    return add_place(d->sketch, (struct spot){node, in_port, headers, false}, NULL);
}

static struct move *
add_move(struct drawing *d, enum move_kind kind, const struct state *s)
{
    struct sketch *k = d->sketch;
    uint32_t headers = headers_number(d, s);
    if (s->queue > UINT8_MAX)
        k->circular = true; /* nothing that this has a form for: it is followed step by step */
    GROW(k->ways.moves, k->ways.n_moves, k->moves_capacity);
    struct move *m = &k->ways.moves[k->ways.n_moves++];
    memset(m, 0, sizeof *m);
    m->kind = (uint8_t)kind;
    m->headers = (uint16_t)headers;
    m->queue = (uint8_t)s->queue;
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
    m->to = place_number(d, port->far_node, port->far_port, m->headers);
}

static void
draw_trouble(struct walk *w, const struct step *step UNUSED, const struct state *s,
             enum violation_kind kind, const char *what)
{
    struct move *m = add_move((struct drawing *)w, MOVE_TROUBLE, s);
    m->wrong = true;
    m->to = kind;
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
    struct sketch *k = d->sketch;
    uint16_t guard = d->guard;
    uint32_t first = k->ways.n_buckets;
    if (first + g->n_buckets >= ANY_GUARD || s->lanes == LANE_ANY) {
        k->circular = true; /* it is followed step by step */
        return;
    }
    if (!g->n_buckets)
        return;
    GROW(k->ways.choices, k->ways.n_choices, k->choices_capacity);
    k->ways.choices[k->ways.n_choices++] = (struct choice){guard, g->type, first, g->n_buckets};
    if (g->type == GROUP_TYPE_SELECT)
        k->max_choice = MAX(k->max_choice, g->n_buckets);
    for (uint32_t i = 0; i < g->n_buckets; i++) {
        GROW(k->ways.buckets, k->ways.n_buckets, k->buckets_capacity);
        k->ways.buckets[k->ways.n_buckets++] = drawn_bucket(d, s->node, &g->buckets[i]);
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
    struct sketch *k = d->sketch;
    if (all) {
        k->ways.places[d->place].flow = f;
        return;
    }
    struct move *m = add_move(d, MOVE_PART, s);
    m->to = add_place(k, (struct spot){s->node, s->in_port, m->headers, true}, f);
}

static bool
is_entry(const struct drawing *d)
{
    const struct spot *entry = &d->known->spots[0], *at = &d->known->spots[d->place];
    return at->node == entry->node && at->in_port == entry->in_port;
}

static void
draw_drop(struct walk *w, const struct state *s)
{
    struct drawing *d = (struct drawing *)w;
    bool entry = is_entry(d);
    add_move(d, MOVE_DROP, s)->wrong = !entry;
}

/* The actions of the flow that takes all of this place. True: it is wrong that it takes it. */
static bool
draw_flow(struct drawing *d, const struct state *s, struct proved_flow *flow)
{
    bool entry = is_entry(d);
    struct step first = {NULL, s, NULL, 0};
    struct step step = {entry ? NULL : &first, s, flow->flow, !entry};
    struct judging *j = d->walk.arg;
    struct state up = *s;
    up.lanes = LANE_UP;
    if (!d->again)
        note_use(d->walk.prover, d->walk.by, &flow->element);
    j->silent = true;
    j->complained = false;
    judging_taken(&d->walk, &step, &up, flow->forwards);
    j->silent = false;
    bool wrong = j->complained;
    walk_actions(&d->walk, &step, s, flow->flow);
    return wrong;
}

static void
draw_place(struct drawing *d, uint32_t index)
{
    struct sketch *k = d->sketch;
    uint32_t first_move = k->ways.n_moves, first_choice = k->ways.n_choices;
    const struct spot at = k->ways.spots[index];
    struct state s;
    bool wrong = false;
    k->colours[index] = 1;
    d->place = index;
    d->guard = NO_GUARD;
    state_of(&k->ways, &at, at.headers, &s);
    d->walk.steps++;
    if (!at.fixed)
        walk_take(&d->walk, &s);
    if (k->ways.places[index].flow)
        wrong = draw_flow(d, &s, k->ways.places[index].flow);
    uint32_t n_moves = k->ways.n_moves - first_move, n_choices = k->ways.n_choices - first_choice;
    if (n_moves > UINT16_MAX || n_choices > UINT16_MAX)
        k->circular = true;
    struct place *p = &k->ways.places[index];
    *p = (struct place){p->flow,           first_move,          first_choice,
                        (uint16_t)n_moves, (uint16_t)n_choices, wrong};
}

static void
draw_from(struct drawing *d, uint32_t index)
{
    struct sketch *k = d->sketch;
    if (d->depth > WALK_DEPTH_MAX || k->ways.n_places > PLACES_MAX)
        k->circular = true;
    if (k->circular)
        return;
    d->depth++;
    draw_place(d, index);
    for (uint32_t i = 0; i < k->ways.places[index].n_moves && !k->circular; i++) {
        const struct move *m = &k->ways.moves[k->ways.places[index].first_move + i];
        uint32_t to = m->to;
        if (m->kind != MOVE_LINK && m->kind != MOVE_PART)
            continue;
        if (k->colours[to] == 1)
            k->circular = true;
        else if (!k->colours[to])
            draw_from(d, to);
    }
    d->depth--;
    k->colours[index] = 2;
    GROW(k->order, k->n_order, k->order_capacity);
    k->order[k->n_order++] = index;
}

static struct drawing
new_drawing(struct judging *j, const struct ways *known)
{
    return (struct drawing){.walk = {.prover = j->prover,
                                     .by = j->judged,
                                     .choices = 1,
                                     .budget = WALK_BUDGET,
                                     .trouble = draw_trouble,
                                     .leaving = draw_leaving,
                                     .buckets = draw_buckets,
                                     .rule = draw_rule,
                                     .drop = draw_drop,
                                     .arg = j},
                            .sketch = j->prover->sketch,
                            .known = known};
}

static void
clear_sketch(struct sketch *k)
{
    k->ways.n_places = k->ways.n_moves = k->ways.n_choices = k->ways.n_buckets = 0;
    k->ways.n_headers = k->n_order = k->n_colours = 0;
    k->max_choice = 1;
    k->circular = false;
}

static void
draw_all(struct judging *j)
{
    struct sketch *k = j->prover->sketch;
    struct drawing d = new_drawing(j, &k->ways);
    struct state s = {
        .node = j->judged->node, .in_port = j->claim->from.port, .cube = j->claim->sent};
    clear_sketch(k);
    begin_uses(j->prover, j->judged);
    place_number(&d, s.node, s.in_port, headers_number(&d, &s));
    draw_from(&d, 0);
    end_uses(j->prover, j->judged);
    j->judged->n_steps = (uint32_t)d.walk.steps;
}

/* ---- Keeping ---- */

static uint32_t
n_buckets_of(const struct ways *w, const struct place *p)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n_choices; i++)
        n += w->choices[p->first_choice + i].n;
    return n;
}

/* Guards and choices count buckets from the start of the graph. */
static void
shift_buckets(struct move *moves, uint32_t n_moves, struct choice *choices, uint32_t n_choices,
              uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < n_moves; i++) {
        if (moves[i].guard != NO_GUARD && moves[i].guard != ANY_GUARD)
            moves[i].guard = (uint16_t)(moves[i].guard - from + to);
    }
    for (uint32_t i = 0; i < n_choices; i++) {
        choices[i].first = choices[i].first - from + to;
        if (choices[i].guard)
            choices[i].guard = (uint16_t)(choices[i].guard - from + to);
    }
}

/* Puts a sketched place behind those that are there. */
static void
keep_place(const struct sketch *k, uint32_t index, struct ways *w)
{
    const struct ways *from = &k->ways;
    const struct place *p = &from->places[index];
    struct move *moves = &w->moves[w->n_moves];
    struct choice *choices = &w->choices[w->n_choices];
    uint32_t n_buckets = n_buckets_of(from, p);
    uint32_t first = n_buckets ? from->choices[p->first_choice].first : 0;
    if (p->n_moves)
        memcpy(moves, &from->moves[p->first_move], p->n_moves * sizeof *moves);
    if (p->n_choices)
        memcpy(choices, &from->choices[p->first_choice], p->n_choices * sizeof *choices);
    if (n_buckets)
        memcpy(&w->buckets[w->n_buckets], &from->buckets[first], n_buckets * sizeof *w->buckets);
    shift_buckets(moves, p->n_moves, choices, p->n_choices, first, w->n_buckets);
    w->places[w->n_places] = (struct place){p->flow,    w->n_moves,   w->n_choices,
                                            p->n_moves, p->n_choices, p->wrong};
    w->spots[w->n_places++] = from->spots[index];
    w->n_moves += p->n_moves;
    w->n_choices += p->n_choices;
    w->n_buckets += n_buckets;
}

/* The piece of memory for what was sketched, with nothing in it yet. */
static struct graph_of_ways *
new_graph(const struct ways *of)
{
    size_t places = of->n_places * sizeof *of->places, moves = of->n_moves * sizeof *of->moves;
    size_t buckets = of->n_buckets * sizeof *of->buckets;
    size_t headers = of->n_headers * sizeof *of->headers;
    size_t choices = of->n_choices * sizeof *of->choices;
    size_t spots = of->n_places * sizeof *of->spots;
    struct graph_of_ways *g = xmalloc(sizeof *g + places + moves + buckets + headers + choices +
                                      spots);
    uint8_t *at = (uint8_t *)(g + 1);
    *g = (struct graph_of_ways){.ways = {0}}; /* 8-octet things first, so that all are aligned */
    g->ways.places = (struct place *)at;
    g->ways.moves = (struct move *)(at += places);
    g->ways.buckets = (struct drawn_bucket *)(at += moves);
    g->ways.headers = (struct headers *)(at += buckets);
    g->ways.choices = (struct choice *)(at += headers);
    g->ways.spots = (struct spot *)(at += choices);
    return g;
}
_Static_assert(sizeof(struct place) % 8 == 0 && sizeof(struct move) % 8 == 0 &&
                   sizeof(struct drawn_bucket) % 8 == 0 && sizeof(struct headers) % 8 == 0,
               "what follows them is aligned, too");

static struct graph_of_ways *
keep_sketch(const struct sketch *k)
{
    static const struct ways none;
    struct graph_of_ways *g = new_graph(k->circular ? &none : &k->ways);
    g->circular = k->circular;
    g->max_choice = k->max_choice;
    if (k->circular)
        return g;
    uint32_t *rank = xmalloc(k->n_order * sizeof *rank);
    for (uint32_t i = k->n_order; i-- > 0;) {
        rank[k->order[i]] = g->ways.n_places;
        keep_place(k, k->order[i], &g->ways);
    }
    for (uint32_t i = 0; i < g->ways.n_moves; i++) {
        struct move *m = &g->ways.moves[i];
        if (m->kind == MOVE_LINK || m->kind == MOVE_PART)
            m->to = rank[m->to];
    }
    memcpy(g->ways.headers, k->ways.headers, k->ways.n_headers * sizeof *k->ways.headers);
    g->ways.n_headers = k->ways.n_headers;
    free(rank);
    return g;
}

/* ---- Replaced rules ---- */

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

/* Does the place lead to the same places by the same kinds of groups? Then the graph is, in the
 * same order, what it would be if all of it were drawn anew. */
static bool
leads_alike(const struct graph_of_ways *g, const struct place *p, const struct ways *new)
{
    const struct move *moves = &g->ways.moves[p->first_move];
    const struct choice *choices = &g->ways.choices[p->first_choice];
    if (new->n_moves != p->n_moves || new->n_choices != p->n_choices)
        return false;
    for (uint32_t i = 0; i < new->n_moves; i++) {
        bool link = new->moves[i].kind == MOVE_LINK;
        if (link != (moves[i].kind == MOVE_LINK) || (link && new->moves[i].to != moves[i].to))
            return false;
    }
    for (uint32_t i = 0; i < new->n_choices; i++) {
        if (new->choices[i].type != choices[i].type || new->choices[i].n != choices[i].n)
            return false;
    }
    return true;
}

/* What was sketched goes where the place had its moves before. False: it does not fit there. */
static bool
put_in_place(struct graph_of_ways *g, uint32_t index, struct sketch *k, bool wrong)
{
    struct place *p = &g->ways.places[index];
    struct ways *new = &k->ways;
    uint32_t n_buckets = n_buckets_of(&g->ways, p);
    uint32_t first = n_buckets ? g->ways.choices[p->first_choice].first : 0;
    if (!leads_alike(g, p, new))
        return false;
    shift_buckets(new->moves, new->n_moves, new->choices, new->n_choices, 0, first);
    if (new->n_moves)
        memcpy(&g->ways.moves[p->first_move], new->moves, new->n_moves * sizeof *new->moves);
    if (new->n_choices)
        memcpy(&g->ways.choices[p->first_choice], new->choices,
               new->n_choices * sizeof *new->choices);
    if (n_buckets)
        memcpy(&g->ways.buckets[first], new->buckets, n_buckets * sizeof *new->buckets);
    p->wrong = wrong;
    return true;
}

/* Draws again the places whose flow was replaced. False: the ways are others now; all is to be
 * drawn anew. */
static bool
draw_replaced(struct judging *j, struct graph_of_ways *g)
{
    struct sketch *k = j->prover->sketch;
    struct drawing d = new_drawing(j, &g->ways);
    d.again = true;
    for (uint32_t i = 0; i < g->ways.n_places; i++) {
        struct proved_flow *flow = g->ways.places[i].flow;
        if (!flow || !was_replaced(j->prover, g, flow))
            continue;
        struct state s;
        clear_sketch(k);
        d.place = i;
        d.guard = NO_GUARD;
        state_of(&g->ways, &g->ways.spots[i], g->ways.spots[i].headers, &s);
        bool wrong = draw_flow(&d, &s, flow);
        if (d.new || k->circular || !put_in_place(g, i, k, wrong))
            return false;
    }
    return true;
}

/* ---- Passing ---- */

struct passage {
    struct walk *walk;
    const struct graph_of_ways *graph;
    uint64_t *guards; /* lanes of each bucket */
    uint64_t *lanes;  /* that have come, by place */
    uint32_t *from;   /* the first place that led there, likewise */
};

/* The way to a place as steps: `steps` has room for as many as there are places. A part of what
 * comes to a place stands for it. */
static struct step *
steps_to(const struct passage *t, uint32_t index, struct step *steps, struct state *states)
{
    const struct ways *w = &t->graph->ways;
    const struct spot *at = &w->spots[index];
    const struct flow *flow = w->places[index].flow ? w->places[index].flow->flow : NULL;
    const struct step *before = NULL;
    uint32_t from = index;
    if (index && at->fixed) /* its whole is no step */
        from = t->from[index];
    if (from)
        before = steps_to(t, t->from[from], steps, states);
    struct step *step = before ? &steps[before->depth + 1] : steps;
    struct state *s = &states[step - steps];
    state_of(w, at, at->headers, s);
    *step = (struct step){before, s, flow, (uint32_t)(step - steps)};
    return step;
}

/* Of the place itself, if `m` is NULL. */
static void
report_at(const struct passage *t, uint32_t index, const struct move *m, uint64_t lanes)
{
    const struct ways *ways = &t->graph->ways;
    struct state *states = xcalloc(ways->n_places + 1, sizeof *states);
    struct step *steps = xcalloc(ways->n_places + 1, sizeof *steps);
    struct step *last = steps_to(t, index, steps, states);
    struct state s = *last->state;
    if (m)
        state_of(ways, &ways->spots[index], m->headers, &s);
    s.lanes = lanes;
    s.queue = m ? m->queue : 0;
    if (!m)
        judging_taken(t->walk, last, &s, ways->places[index].flow->forwards);
    else if (m->kind == MOVE_LINK)
        judging_forwarded(t->walk, last, &s);
    else if (m->kind == MOVE_DELIVER)
        judging_delivered(t->walk, last, &s, m->port);
    else if (m->kind == MOVE_DROP)
        judging_taken(t->walk, last, &s, false);
    else if (m->kind == MOVE_TROUBLE)
        judging_trouble(t->walk, last, &s, (enum violation_kind)m->to, m->what);
    free(states);
    free(steps);
}

static void
report_twice(const struct passage *t, uint32_t index, uint64_t lanes)
{
    struct state *states = xcalloc(t->graph->ways.n_places + 1, sizeof *states);
    struct step *steps = xcalloc(t->graph->ways.n_places + 1, sizeof *steps);
    struct step *last = steps_to(t, index, steps, states);
    struct state s = *last->state;
    s.lanes = lanes;
    judging_twice(t->walk, last, &s);
    free(states);
    free(steps);
}

static uint64_t
lanes_of_bucket(const struct passage *t, uint32_t index, const struct drawn_bucket *b,
                uint64_t lanes)
{
    if (!b->bucket)
        return ~walk_down(t->walk, b->watched, lanes);
    uint32_t node = t->graph->ways.spots[index].node;
    return walk_live(t->walk, &t->walk->prover->nodes[node], b->bucket, lanes);
}

/* The lanes of each bucket of a group. */
static void
choose(const struct passage *t, uint32_t index, const struct choice *c)
{
    uint64_t lanes = c->guard ? t->guards[c->guard - 1] : t->lanes[index];
    uint64_t left = lanes & ~LANE_ANY;
    bool one = c->type == GROUP_TYPE_FF || c->type == GROUP_TYPE_SELECT;
    uint32_t begin = c->type == GROUP_TYPE_SELECT ? t->walk->choice % c->n : 0;
    for (uint32_t i = 0; i < c->n; i++) {
        uint32_t bucket = c->first + (begin + i) % c->n;
        if (!one) {
            t->guards[bucket] = c->type == GROUP_TYPE_INDIRECT && i ? 0 : lanes;
            continue;
        }
        uint64_t live = 0;
        if (left)
            live = left & lanes_of_bucket(t, index, &t->graph->ways.buckets[bucket], left);
        left &= ~live;
        t->guards[bucket] = live | (lanes & LANE_ANY);
    }
}

static uint64_t
lanes_of_move(const struct passage *t, uint32_t index, const struct move *m)
{
    if (m->guard == ANY_GUARD)
        return t->lanes[index] & LANE_ANY;
    return m->guard ? t->guards[m->guard - 1] : t->lanes[index];
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
    report_at(t, index, m, lanes); /* which notes it, too */
}

static void
pass_move(const struct passage *t, uint32_t index, const struct move *m)
{
    uint64_t lanes = lanes_of_move(t, index, m);
    if (!lanes)
        return;
    if (m->kind == MOVE_DELIVER && !m->wrong) {
        arrive(t, index, m, lanes);
        return;
    }
    if (m->wrong)
        report_at(t, index, m, lanes);
    if (m->kind != MOVE_LINK && m->kind != MOVE_PART)
        return;
    if (m->kind == MOVE_LINK)
        lanes &= ~walk_down(t->walk, m->far, lanes);
    uint64_t *to = &t->lanes[m->to];
    uint64_t twice = m->kind == MOVE_LINK ? *to & lanes & lanes_once(t->walk->by->claim) : 0;
    if (lanes && !*to)
        t->from[m->to] = index;
    *to |= lanes;
    if (twice)
        report_twice(t, m->to, twice);
}

static void
pass_place(const struct passage *t, uint32_t index)
{
    const struct ways *w = &t->graph->ways;
    const struct place *p = &w->places[index];
    if (p->wrong)
        report_at(t, index, NULL, t->lanes[index]);
    for (uint32_t i = 0; i < p->n_choices; i++)
        choose(t, index, &w->choices[p->first_choice + i]);
    for (uint32_t i = 0; i < p->n_moves; i++)
        pass_move(t, index, &w->moves[p->first_move + i]);
}

static void
make_room(struct prover *p, const struct ways *w)
{
    struct sketch *k = p->sketch;
    if (p->guards_capacity < w->n_buckets) {
        p->guards_capacity = w->n_buckets;
        p->guards = xrealloc(p->guards, p->guards_capacity, sizeof *p->guards);
    }
    if (k->passage_capacity < w->n_places) {
        k->passage_capacity = w->n_places;
        k->lanes = xrealloc(k->lanes, k->passage_capacity, sizeof *k->lanes);
        k->from = xrealloc(k->from, k->passage_capacity, sizeof *k->from);
    }
}

void
ways_pass(struct walk *w, const struct graph_of_ways *g, uint64_t lanes)
{
    struct prover *p = w->prover;
    make_room(p, &g->ways);
    struct passage t = {w, g, p->guards, p->sketch->lanes, p->sketch->from};
    memset(t.lanes, 0, g->ways.n_places * sizeof *t.lanes);
    t.lanes[0] = lanes;
    w->choices = g->max_choice;
    for (uint32_t i = 0; i < g->ways.n_places; i++) {
        if (t.lanes[i])
            pass_place(&t, i);
    }
}

bool
ways_draw(struct judging *j, bool anew)
{
    struct judged *judged = j->judged;
    struct graph_of_ways *g = judged->ways;
    if (!j->prover->sketch)
        j->prover->sketch = xcalloc(1, sizeof(struct sketch));
    j->prover->walk_number++;
    if (anew || !g || g->circular || !draw_replaced(j, g)) {
        draw_all(j);
        free(g);
        g = judged->ways = keep_sketch(j->prover->sketch);
    }
    g->drawn = j->prover->n_changes;
    return !g->circular;
}
