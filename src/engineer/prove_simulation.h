/* prove_simulation.h - single packets through the tables of a network, for tests of the proof.
 *
 * An oracle: it goes through a node's rules one by one, knows no cubes, no lanes and no claims, and
 * shares no code with the proof. OpenFlow 1.3 section 5, as far as plans use it. */
#ifndef ENGINEER_PROVE_SIMULATION_H
#define ENGINEER_PROVE_SIMULATION_H

#include "engineer/prove_testing.h"

#define SIMULATION_STEPS 400
#define SIMULATION_ARRIVALS 64

struct packet {
    const struct node *node;
    uint32_t in_port;
    struct flow_key key;
    uint16_t vids[4]; /* of tags below the outermost; */
    uint8_t pcps[4];  /* theirs */
    uint32_t n_tags;
};

struct arrived {
    const struct node *node;
    uint32_t port, queue;
    struct flow_key key;
};

struct simulation {
    const struct tables *tables;
    const char *link, *failed_node, *risk; /* what is down; NULL: none */
    uint32_t steps;                        /* over SIMULATION_STEPS: it goes round for ever */
    uint32_t n_arrived;
    struct arrived arrived[SIMULATION_ARRIVALS];
};

static bool
sim_is_up(const struct simulation *s, const struct node *node, uint32_t port)
{
    const struct link *l = network_link_at(s->tables->net, node->name, port);
    if (!node_port(node, port))
        return false;
    if (!l)
        return true;
    if (s->link && !strcmp(s->link, l->name))
        return false;
    if (s->failed_node &&
        (!strcmp(s->failed_node, l->a.node) || !strcmp(s->failed_node, l->b.node)))
        return false;
    for (uint32_t i = 0; s->risk && i < l->n_shared_risks; i++) {
        if (!strcmp(s->risk, l->shared_risks[i]))
            return false;
    }
    return true;
}

static void sim_follow(struct simulation *, const struct packet *);

static void
sim_out(struct simulation *s, const struct packet *p, uint32_t port, uint32_t queue)
{
    if (port == PORT_IN_PORT)
        port = p->in_port;
    else if (port == p->in_port || port == PORT_CONTROLLER)
        return;
    const struct link *l = network_link_at(s->tables->net, p->node->name, port);
    if (!l && (port == PORT_LOCAL || node_port(p->node, port))) {
        if (s->n_arrived < SIMULATION_ARRIVALS) {
            s->arrived[s->n_arrived] = (struct arrived){p->node, port, queue, p->key};
            s->arrived[s->n_arrived++].key.in_port = 0;
        }
        return;
    }
    if (!l || !sim_is_up(s, p->node, port))
        return;
    const struct link_end *far = link_far_end(l, p->node->name);
    struct packet next = *p;
    next.node = network_node(s->tables->net, far->node);
    next.in_port = far->port;
    next.key.in_port = to_be32(far->port);
    if (next.node)
        sim_follow(s, &next);
}

static const struct group *
sim_group(const struct simulation *s, const struct node *node, uint32_t id)
{
    for (uint32_t i = 0; i < s->tables->n; i++) {
        if (s->tables->rules[i].kind == RULE_GROUP && !s->tables->rules[i].removed &&
            s->tables->rules[i].group.group_id == id && s->tables->rules[i].node == node->name)
            return &s->tables->rules[i].group;
    }
    return NULL;
}

static void sim_act(struct simulation *, struct packet *, uint32_t *queue, const struct action *);

static bool
sim_is_live(const struct simulation *s, const struct packet *p, const struct bucket *b)
{
    if (b->watch_port == PORT_ANY && b->watch_group == GROUP_ANY)
        return true;
    if (b->watch_port != PORT_ANY && sim_is_up(s, p->node, b->watch_port))
        return true;
    const struct group *g = b->watch_group != GROUP_ANY ? sim_group(s, p->node, b->watch_group)
                                                        : NULL;
    for (uint32_t i = 0; g && i < g->n_buckets; i++) {
        if (sim_is_live(s, p, &g->buckets[i]))
            return true;
    }
    return false;
}

static void
sim_group_act(struct simulation *s, const struct packet *p, uint32_t queue, uint32_t id)
{
    const struct group *g = sim_group(s, p->node, id);
    for (uint32_t i = 0; g && i < g->n_buckets; i++) {
        const struct bucket *b = &g->buckets[i];
        if (g->type == GROUP_TYPE_FF && !sim_is_live(s, p, b))
            continue;
        struct packet copy = *p;
        uint32_t own = queue;
        for (int last = 0; last < 2; last++) {
            for (uint32_t k = 0; k < b->actions.n; k++) {
                const struct action *a = &b->actions.list[k];
                if ((a->type == ACTION_OUTPUT || a->type == ACTION_GROUP) == last)
                    sim_act(s, &copy, &own, a);
            }
        }
        if (g->type != GROUP_TYPE_ALL)
            return;
    }
}

static void
sim_act(struct simulation *s, struct packet *p, uint32_t *queue, const struct action *a)
{
    uint16_t vid = (uint16_t)flow_key_get(&p->key, FIELD_VLAN_VID);
    uint8_t pcp = (uint8_t)flow_key_get(&p->key, FIELD_VLAN_PCP);
    switch ((enum action_type)a->type) {
    case ACTION_OUTPUT:
        sim_out(s, p, a->id, *queue);
        break;
    case ACTION_GROUP:
        sim_group_act(s, p, *queue, a->id);
        break;
    case ACTION_SET_QUEUE:
        *queue = a->id;
        break;
    case ACTION_SET_FIELD:
        memcpy(flow_key_field(&p->key, a->field), a->value, field_table[a->field].size);
        break;
    case ACTION_PUSH_VLAN:
        if (p->n_tags < 4) {
            p->vids[p->n_tags] = vid;
            p->pcps[p->n_tags++] = pcp;
        }
        flow_key_set(&p->key, FIELD_VLAN_VID, vid | VLAN_PRESENT);
        break;
    case ACTION_POP_VLAN:
        vid = p->n_tags ? p->vids[p->n_tags - 1] : 0;
        pcp = p->n_tags ? p->pcps[p->n_tags - 1] : 0;
        p->n_tags -= p->n_tags > 0;
        flow_key_set(&p->key, FIELD_VLAN_VID, vid);
        flow_key_set(&p->key, FIELD_VLAN_PCP, pcp);
        break;
    default:
        fail_msg("the simulation cannot do action %u", a->type);
    }
}

static void
sim_follow(struct simulation *s, const struct packet *p)
{
    const struct flow *best = NULL;
    if (s->steps++ > SIMULATION_STEPS)
        return;
    for (uint32_t i = 0; i < s->tables->n; i++) {
        const struct flow *f = &s->tables->rules[i].flow;
        if (s->tables->rules[i].kind != RULE_FLOW || s->tables->rules[i].removed ||
            s->tables->rules[i].node != p->node->name || !match_covers_key(&f->match, &p->key))
            continue;
        if (!best || f->priority > best->priority ||
            (f->priority == best->priority && match_compare(&f->match, &best->match) < 0))
            best = f;
    }
    struct packet copy = *p;
    uint32_t queue = 0;
    for (uint32_t i = 0; best && i < best->apply.n; i++)
        sim_act(s, &copy, &queue, &best->apply.list[i]);
}

static int
sim_by_arrival(const void *a, const void *b)
{
    const struct arrived *x = a, *y = b;
    if (x->node != y->node)
        return strcmp(x->node->name, y->node->name);
    if (x->port != y->port)
        return x->port < y->port ? -1 : 1;
    return memcmp(&x->key, &y->key, sizeof x->key);
}

/* Sends a packet of the cube, which names the port where it enters; its open bits are drawn. */
static UNUSED void
simulate(struct simulation *s, const struct node *node, const struct match *cube)
{
    struct packet p = {.node = node, .key = cube->value};
    p.in_port = from_be32(cube->value.in_port);
    for (int i = 0; i < FLOW_KEY_WORDS; i++) {
        uint64_t open = ~cube->mask.words[i];
        if (i == 4) /* ports and the class of service; what else is open is not there */
            p.key.words[i] |= ((uint64_t)draw(UINT32_MAX) << 32 | draw(UINT32_MAX)) & open;
    }
    if (!(from_be16(p.key.vlan_vid) & VLAN_PRESENT))
        p.key.vlan_pcp = 0;
    s->steps = s->n_arrived = 0;
    sim_follow(s, &p);
    qsort(s->arrived, s->n_arrived, sizeof *s->arrived, sim_by_arrival);
}

/* A multicast may arrive twice while something is broken. */
static UNUSED void
sim_once(struct simulation *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_arrived; i++) {
        if (!n || sim_by_arrival(&s->arrived[n - 1], &s->arrived[i]))
            s->arrived[n++] = s->arrived[i];
    }
    s->n_arrived = n;
}

/* Is there in one what is not in the other, or a packet that goes round for ever? */
static UNUSED bool
sim_differs(const struct simulation *a, const struct simulation *b)
{
    if ((a->steps > SIMULATION_STEPS) != (b->steps > SIMULATION_STEPS) ||
        a->n_arrived != b->n_arrived)
        return true;
    for (uint32_t i = 0; i < a->n_arrived; i++) {
        if (sim_by_arrival(&a->arrived[i], &b->arrived[i]))
            return true;
    }
    return false;
}

#endif
