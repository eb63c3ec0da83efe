/* What tables are judged for: circuits, and what they allow where. */
#include "engineer/prove_graph.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* What is allowed at this port has changed: who shares packets with the claim, and the rules that
 * let them in. */
static void
mark_around(struct prover *p, uint32_t node, struct proved_port *port, const struct claim *claim)
{
    p->found.n = 0;
    cubes_meet(&port->claims, &claim->sent, CUBES_ALL, &p->found);
    for (uint32_t i = 0; i < p->found.n; i++)
        mark_dirty(p, (struct judged *)p->found.items[i]);
    mark_odd_dirty(p, &p->nodes[node], &claim->sent);
}

static struct proved_port *
entry_of(const struct prover *p, const struct claim *claim, uint32_t *node)
{
    *node = prover_node(p, claim->from.node->name);
    return *node == NO_ELEMENT ? NULL : proved_port(&p->nodes[*node], claim->from.port);
}

void
forget_circuit(struct prover *p, struct judged_circuit *c)
{
    for (uint32_t i = 0; i < c->claims.n; i++) {
        drop_uses(p, &c->judged[i]);
        violations_clear(p, &c->judged[i].violations);
        free(c->judged[i].used);
        free(c->judged[i].failures);
        ways_free(c->judged[i].ways);
    }
    p->n_claims -= c->claims.n;
    HASH_DEL(p->circuits, c);
    claims_fini(&c->claims);
    free(c->judged);
    free(c);
}

enum err
prover_allow(struct prover *p, const struct circuit *circuit, const struct design *design,
             struct diag *diag)
{
    struct judged_circuit *c;
    HASH_FIND_STR(p->circuits, circuit->name, c);
    if (c)
        return diag_set(diag, ERR_EXISTS, "circuit \"%s\" is allowed already", circuit->name);
    c = xcalloc(1, sizeof *c);
    c->circuit = circuit;
    c->design = design;
    enum err err = claims_add(&c->claims, p->network, circuit, design, diag);
    for (uint32_t i = 0; i < c->claims.n && !err; i++) {
        uint32_t node;
        if (!entry_of(p, &c->claims.list[i], &node))
            err = diag_set(diag, ERR_NOT_FOUND,
                           "circuit \"%s\" enters node \"%s\" at port %u, which "
                           "is not there",
                           circuit->name, c->claims.list[i].from.node->name,
                           c->claims.list[i].from.port);
    }
    if (err) {
        claims_fini(&c->claims);
        free(c);
        return err;
    }
    HASH_ADD_KEYPTR(hh, p->circuits, circuit->name, strlen(circuit->name), c);
    c->judged = xcalloc(c->claims.n + 1, sizeof *c->judged);
    p->n_claims += c->claims.n;
    for (uint32_t i = 0; i < c->claims.n; i++) {
        uint32_t node;
        struct judged *j = &c->judged[i];
        j->claim = &c->claims.list[i];
        struct proved_port *port = entry_of(p, j->claim, &node);
        j->node = node;
        j->port = port;
        mark_around(p, node, port, j->claim);
        j->item.match = &j->claim->sent;
        cubes_insert(&port->claims, &j->item);
        mark_dirty(p, j);
    }
    return ERR_OK;
}

static void
forget_dirty(struct prover *p, const struct judged_circuit *c)
{
    struct judged **at = &p->dirty;
    while (*at) {
        if (*at >= c->judged && *at < c->judged + c->claims.n)
            *at = (*at)->next_dirty;
        else
            at = &(*at)->next_dirty;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->provisional.n; i++) {
        struct judged *j = p->provisional.list[i];
        if (j < c->judged || j >= c->judged + c->claims.n)
            p->provisional.list[kept++] = j;
    }
    p->provisional.n = kept;
}

enum err
prover_forbid(struct prover *p, const char *circuit)
{
    struct judged_circuit *c;
    HASH_FIND_STR(p->circuits, circuit, c);
    if (!c)
        return ERR_NOT_FOUND;
    for (uint32_t i = 0; i < c->claims.n; i++) {
        uint32_t node;
        struct judged *j = &c->judged[i];
        struct proved_port *port = entry_of(p, j->claim, &node);
        cubes_remove(&port->claims, &j->item);
        mark_around(p, node, port, j->claim);
        p->found.n = 0;
        cubes_meet(&p->nodes[node].flows, &j->claim->sent, CUBES_ALL, &p->found);
        for (uint32_t k = 0; k < p->found.n; k++)
            mark_entry_dirty(p, (struct proved_flow *)p->found.items[k]);
    }
    forget_dirty(p, c);
    forget_circuit(p, c);
    return ERR_OK;
}
