#include "engineer/imported_private.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Names ---- */

static uint64_t
name_hash(uint32_t owner, const char *text)
{
    return hash_bytes(text, strlen(text), hash_secret() ^ owner);
}

static const struct imported_name *
name_find(const struct imported *imp, uint32_t owner, const char *text)
{
    if (!imp->n_slots)
        return NULL;
    uint64_t hash = name_hash(owner, text);
    for (uint32_t at = (uint32_t)hash & (imp->n_slots - 1); imp->slots[at];
         at = (at + 1) & (imp->n_slots - 1)) {
        const struct imported_name *name = &imp->names[imp->slots[at] - 1];
        if (name->hash == hash && name->owner == owner && !strcmp(name->text, text))
            return name;
    }
    return NULL;
}

static void
more_slots(struct imported *imp)
{
    imp->n_slots = MAX(imp->n_slots * 2, 64);
    free(imp->slots);
    imp->slots = xcalloc(imp->n_slots, sizeof *imp->slots);
    for (uint32_t i = 0; i < imp->n_names; i++) {
        uint32_t at = (uint32_t)imp->names[i].hash & (imp->n_slots - 1);
        while (imp->slots[at])
            at = (at + 1) & (imp->n_slots - 1);
        imp->slots[at] = i + 1;
    }
}

static enum err
name_check(const struct imported *imp, const char *what, const char *text, struct diag *diag)
{
    size_t length = strlen(text);
    if (!length || length > IMPORTED_NAME_MAX)
        return diag_set(diag, ERR_INVALID, "a %s's name has 1 to %u octets", what,
                        IMPORTED_NAME_MAX);
    if (imp->n_names >= IMPORTED_NAMES_MAX)
        return diag_set(diag, ERR_LIMIT, "more than %u names", IMPORTED_NAMES_MAX);
    return ERR_OK;
}

/* The copy of the text. */
static const char *
name_add(struct imported *imp, uint32_t owner, const char *text, uint32_t index)
{
    if (imp->n_names * 2 >= imp->n_slots)
        more_slots(imp);
    GROW(imp->names, imp->n_names, imp->names_capacity);
    struct imported_name *name = &imp->names[imp->n_names++];
    *name = (struct imported_name){xstrdup(text), name_hash(owner, text), owner, index};
    uint32_t at = (uint32_t)name->hash & (imp->n_slots - 1);
    while (imp->slots[at])
        at = (at + 1) & (imp->n_slots - 1);
    imp->slots[at] = imp->n_names;
    imp->names_memory += sizeof *name + strlen(text) + 1;
    return name->text;
}

static enum err
find_node(const struct imported *imp, const char *text, uint32_t *node, struct diag *diag)
{
    const struct imported_name *name = name_find(imp, NODE_NAMES, text);
    *node = name ? name->index : 0;
    return name ? ERR_OK : diag_set(diag, ERR_NOT_FOUND, "there is no node \"%.80s\"", text);
}

/* ---- Topology ---- */

struct imported *
imported_new(const struct imported_config *config)
{
    struct imported *imp = xcalloc(1, sizeof *imp);
    imp->config = *config;
    if (!imp->config.steps)
        imp->config.steps = ACL_STEPS;
    GROW(imp->ports, imp->n_ports, imp->ports_capacity);
    imp->ports[imp->n_ports++] = (struct imported_port){.name = "self", .leaves = true};
    return imp;
}

void
imported_free(struct imported *imp)
{
    if (!imp)
        return;
    atoms_free(imp->atoms);
    for (uint32_t i = 0; i < imp->n_names; i++)
        free(imp->names[i].text);
    for (uint32_t i = 0; i < imp->n_ports; i++) {
        free(imp->ports[i].links);
        free(imp->ports[i].members);
    }
    for (uint32_t i = 0; i < imp->n_links; i++)
        free(imp->links[i].filters);
    for (uint32_t i = 0; i < imp->n_filters; i++) {
        acl_free(imp->filters[i].acl);
        free(imp->filters[i].links);
    }
    void *const parts[] = {imp->names,   imp->slots,   imp->nodes,    imp->ports,   imp->links,
                           imp->exits,   imp->filters, imp->path,     imp->came,    imp->queue,
                           imp->on_path, imp->leads,   imp->in_first, imp->in_links};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        free(parts[i]);
    free(imp);
}

static enum err
is_open(const struct imported *imp, struct diag *diag)
{
    if (imp->atoms)
        return diag_set(diag, ERR_CONFLICT, "the topology cannot change once there are rules");
    return ERR_OK;
}

static enum err
node_new(struct imported *imp, const char *text, struct diag *diag)
{
    enum err err = name_check(imp, "node", text, diag);
    if (err)
        return err;
    if (imp->n_nodes == ATOMS_NODES_MAX)
        return diag_set(diag, ERR_LIMIT, "more than %u nodes", ATOMS_NODES_MAX);
    if (name_find(imp, NODE_NAMES, text))
        return diag_set(diag, ERR_EXISTS, "there are two nodes \"%s\"", text);
    GROW(imp->nodes, imp->n_nodes, imp->nodes_capacity);
    imp->nodes[imp->n_nodes] = (struct imported_node){
        .name = name_add(imp, NODE_NAMES, text, imp->n_nodes)};
    imp->n_nodes++;
    return ERR_OK;
}

enum err
imported_add_node(struct imported *imp, const char *name, struct diag *diag)
{
    enum err err = is_open(imp, diag);
    return err ? err : node_new(imp, name, diag);
}

enum err
imported_add_filter(struct imported *imp, const char *text, struct diag *diag)
{
    enum err err = is_open(imp, diag);
    if (!err)
        err = name_check(imp, "filter", text, diag);
    if (err)
        return err;
    if (name_find(imp, FILTER_NAMES, text))
        return diag_set(diag, ERR_EXISTS, "there are two filters \"%s\"", text);
    GROW(imp->filters, imp->n_filters, imp->filters_capacity);
    imp->filters[imp->n_filters] = (struct imported_filter){
        .name = name_add(imp, FILTER_NAMES, text, imp->n_filters), .acl = acl_new(ACL_BUDGET)};
    imp->n_filters++;
    return ERR_OK;
}

/* A node's port or VLAN, added if it is not there. */
static enum err
take_port(struct imported *imp, uint32_t node, const char *text, uint32_t *port, struct diag *diag)
{
    const struct imported_name *name = name_find(imp, node, text);
    if (!strcmp(text, "self")) {
        *port = IMPORTED_SELF;
        return ERR_OK;
    }
    if (name) {
        *port = name->index;
        return ERR_OK;
    }
    enum err err = name_check(imp, "port", text, diag);
    if (err)
        return err;
    GROW(imp->ports, imp->n_ports, imp->ports_capacity);
    *port = imp->n_ports++;
    imp->ports[*port] = (struct imported_port){
        .name = name_add(imp, node, text, *port), .node = node, .leaves = true};
    imp->names_memory += sizeof *imp->ports;
    return ERR_OK;
}

enum err
imported_add_port(struct imported *imp, const char *node_name, const char *port_name,
                  struct diag *diag)
{
    uint32_t node, port;
    enum err err = find_node(imp, node_name, &node, diag);
    if (!err)
        err = take_port(imp, node, port_name, &port, diag);
    return err;
}

/* Adds a number that may be the last one already. */
static void
append(uint32_t **list, uint32_t *n, uint32_t *capacity, uint32_t number)
{
    if (*n && (*list)[*n - 1] == number)
        return;
    GROW(*list, *n, *capacity);
    (*list)[(*n)++] = number;
}

static enum err
find_filters(const struct imported *imp, const char *const *names, uint32_t n, uint32_t *found,
             struct diag *diag)
{
    if (n > IMPORTED_FILTERS_MAX)
        return diag_set(diag, ERR_LIMIT, "a link has at most %u filters", IMPORTED_FILTERS_MAX);
    for (uint32_t i = 0; i < n; i++) {
        const struct imported_name *name = name_find(imp, FILTER_NAMES, names[i]);
        if (!name)
            return diag_set(diag, ERR_NOT_FOUND, "there is no filter \"%.80s\"", names[i]);
        found[i] = name->index;
    }
    return ERR_OK;
}

/* The number of a risk; without a name, of the two nodes together. */
static enum err
find_risk(struct imported *imp, uint32_t a, uint32_t b, const char *text, uint32_t *risk,
          struct diag *diag)
{
    char pair[32];
    if (!text) { /* no name has a space */
        snprintf(pair, sizeof pair, "%u %u", MIN(a, b), MAX(a, b));
        text = pair;
    }
    const struct imported_name *name = name_find(imp, RISK_NAMES, text);
    if (name) {
        *risk = name->index;
        return ERR_OK;
    }
    enum err err = name_check(imp, "risk", text, diag);
    if (err)
        return err;
    *risk = imp->n_risks++;
    (void)name_add(imp, RISK_NAMES, text, *risk);
    return ERR_OK;
}

static enum err
link_new(struct imported *imp, uint32_t port, uint32_t to, const uint32_t *filters, uint32_t n,
         const char *risk_name, struct diag *diag)
{
    uint32_t risk;
    enum err err = find_risk(imp, imp->ports[port].node, to, risk_name, &risk, diag);
    if (err)
        return err;
    if (imp->n_links == ATOMS_LINKS_MAX)
        return diag_set(diag, ERR_LIMIT, "more than %u links", ATOMS_LINKS_MAX);
    struct imported_port *p = &imp->ports[port];
    GROW(imp->links, imp->n_links, imp->links_capacity);
    imp->links[imp->n_links] = (struct imported_link){
        p->node, to, port, risk, n, xmemdup(filters, n * sizeof *filters)};
    p->leaves = false;
    append(&p->links, &p->n_links, &p->links_capacity, imp->n_links);
    for (uint32_t i = 0; i < n; i++) {
        struct imported_filter *f = &imp->filters[filters[i]];
        append(&f->links, &f->n_links, &f->links_capacity, imp->n_links);
    }
    imp->n_links++;
    return ERR_OK;
}

/* The start of a link or an exit. */
static enum err
find_start(struct imported *imp, const char *node, const char *port_name,
           const char *const *filters, uint32_t n, uint32_t *port, uint32_t *found,
           struct diag *diag)
{
    uint32_t at;
    enum err err = is_open(imp, diag);
    if (!err)
        err = find_node(imp, node, &at, diag);
    if (!err)
        err = find_filters(imp, filters, n, found, diag);
    if (!err)
        err = take_port(imp, at, port_name, port, diag);
    if (!err && *port == IMPORTED_SELF)
        err = diag_set(diag, ERR_INVALID, "\"self\" is no port to connect");
    return err;
}

enum err
imported_add_link(struct imported *imp, const char *node, const char *port_name, const char *to,
                  const char *const *filters, uint32_t n, const char *risk, struct diag *diag)
{
    uint32_t port, end, found[IMPORTED_FILTERS_MAX];
    enum err err = find_node(imp, to, &end, diag);
    if (!err)
        err = find_start(imp, node, port_name, filters, n, &port, found, diag);
    return err ? err : link_new(imp, port, end, found, n, risk, diag);
}

enum err
imported_add_exit(struct imported *imp, const char *node, const char *port_name,
                  const char *const *filters, uint32_t n, struct diag *diag)
{
    uint32_t port, found[IMPORTED_FILTERS_MAX];
    char name[2 * IMPORTED_NAME_MAX + 16];
    enum err err = find_start(imp, node, port_name, filters, n, &port, found, diag);
    if (err || !n)
        return err;
    /* What is behind the port becomes a node, so that its filters are on a link. */
    snprintf(name, sizeof name, "%s:%s", node, port_name);
    err = node_new(imp, name, diag);
    if (err)
        return err;
    GROW(imp->exits, imp->n_exits, imp->exits_capacity);
    imp->exits[imp->n_exits++] = imp->n_nodes - 1;
    return link_new(imp, port, imp->n_nodes - 1, found, n, NULL, diag);
}

enum err
imported_add_vlan(struct imported *imp, const char *node_name, const char *vlan_name,
                  const char *const *ports, uint32_t n, struct diag *diag)
{
    uint32_t node, vlan;
    enum err err = is_open(imp, diag);
    if (!err)
        err = find_node(imp, node_name, &node, diag);
    if (err)
        return err;
    if (n > IMPORTED_PORTS_MAX)
        return diag_set(diag, ERR_LIMIT, "a VLAN has at most %u ports", IMPORTED_PORTS_MAX);
    if (!strcmp(vlan_name, "self") || name_find(imp, node, vlan_name))
        return diag_set(diag, ERR_EXISTS, "the node has two ports or VLANs \"%.80s\"", vlan_name);
    err = take_port(imp, node, vlan_name, &vlan, diag);
    if (err)
        return err;
    uint32_t *members = xcalloc(MAX(n, 1), sizeof *members);
    for (uint32_t i = 0; i < n && !err; i++)
        err = take_port(imp, node, ports[i], &members[i], diag);
    imp->ports[vlan].members = members;
    imp->ports[vlan].n_members = err ? 0 : n;
    return err;
}

/* Adds links, each once. */
static enum err
merge_links(uint32_t **links, uint32_t *n, uint32_t *capacity, const struct imported_port *from,
            struct diag *diag)
{
    for (uint32_t i = 0; i < from->n_links; i++) {
        bool there = false;
        for (uint32_t k = 0; k < *n && !there; k++)
            there = (*links)[k] == from->links[i];
        if (there)
            continue;
        if (*n == IMPORTED_OUTPUTS_MAX)
            return diag_set(diag, ERR_LIMIT, "a rule or a VLAN leads to at most %u links",
                            IMPORTED_OUTPUTS_MAX);
        GROW(*links, *n, *capacity);
        (*links)[(*n)++] = from->links[i];
    }
    return ERR_OK;
}

static enum err
join_vlan(struct imported *imp, struct imported_port *vlan, struct diag *diag)
{
    enum err err = ERR_OK;
    vlan->n_links = 0;
    vlan->leaves = false;
    for (uint32_t i = 0; i < vlan->n_members && !err; i++) {
        const struct imported_port *port = &imp->ports[vlan->members[i]];
        if (port->n_members)
            return diag_set(diag, ERR_INVALID, "node %s: VLAN \"%s\" has VLAN \"%s\" as a port",
                            imp->nodes[vlan->node].name, vlan->name, port->name);
        vlan->leaves |= port->leaves;
        err = merge_links(&vlan->links, &vlan->n_links, &vlan->links_capacity, port, diag);
    }
    return err;
}

/* What is behind a filtered port takes everything. */
static enum err
open_exits(struct imported *imp, struct diag *diag)
{
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < imp->n_exits && !err; i++) {
        struct atoms_change change;
        struct atoms_rule rule = {.node = imp->exits[i], .exit = 1};
        err = atoms_insert(imp->atoms, &rule, &change, diag);
    }
    return err;
}

static void
index_links(struct imported *imp)
{
    free(imp->in_first);
    free(imp->in_links);
    imp->in_first = xcalloc((size_t)imp->n_nodes + 1, sizeof *imp->in_first);
    imp->in_links = xcalloc(imp->n_links, sizeof *imp->in_links);
    for (uint32_t i = 0; i < imp->n_links; i++)
        imp->in_first[imp->links[i].to]++;
    for (uint32_t i = 0, n = 0; i <= imp->n_nodes;
         i++) { /* where each ends; then filled from there */
        n += i < imp->n_nodes ? imp->in_first[i] : 0;
        imp->in_first[i] = n;
    }
    for (uint32_t i = imp->n_links; i-- > 0;)
        imp->in_links[--imp->in_first[imp->links[i].to]] = i;
}

enum err
imported_seal(struct imported *imp, struct diag *diag)
{
    enum err err = is_open(imp, diag);
    for (uint32_t i = 0; i < imp->n_ports && !err; i++) {
        if (imp->ports[i].n_members)
            err = join_vlan(imp, &imp->ports[i], diag);
    }
    if (err)
        return err;
    struct atoms_link *links = xcalloc(MAX(imp->n_links, 1), sizeof *links);
    for (uint32_t i = 0; i < imp->n_links; i++)
        links[i] = (struct atoms_link){imp->links[i].from, imp->links[i].to,
                                       imp->links[i].n_filters > 0};
    err = atoms_new(&(struct atoms_config){.width = 32,
                                           .n_nodes = imp->n_nodes,
                                           .n_links = imp->n_links,
                                           .links = links,
                                           .budget = imp->config.budget},
                    &imp->atoms, diag);
    free(links);
    if (err)
        return err;
    uint32_t **const scratch[] = {&imp->path, &imp->came, &imp->queue};
    for (size_t i = 0; i < ARRAY_SIZE(scratch); i++)
        *scratch[i] = xrealloc(*scratch[i], (size_t)imp->n_nodes + 1, sizeof **scratch[i]);
    bool **const marks[] = {&imp->on_path, &imp->leads};
    for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
        free(*marks[i]);
        *marks[i] = xcalloc((size_t)imp->n_nodes + 1, sizeof **marks[i]);
    }
    index_links(imp);
    err = open_exits(imp, diag);
    if (err) {
        atoms_free(imp->atoms);
        imp->atoms = NULL;
    }
    return err;
}

/* ---- Rules ---- */

struct outputs {
    uint32_t n, capacity;
    uint32_t *links; /* NULL: those of `port` */
    uint64_t exit;
    const struct imported_port *port; /* the only one */
};

static enum err
find_outputs(const struct imported *imp, const struct imported_route *route, struct outputs *out,
             struct diag *diag)
{
    enum err err = ERR_OK;
    if (route->n_ports > IMPORTED_PORTS_MAX)
        return diag_set(diag, ERR_LIMIT, "a rule has at most %u outputs", IMPORTED_PORTS_MAX);
    for (uint32_t i = 0; i < route->n_ports && !err; i++) {
        uint32_t index = route->ports[i];
        out->port = index < imp->n_ports ? &imp->ports[index] : NULL;
        if (!out->port || (index != IMPORTED_SELF && out->port->node != route->node))
            return diag_set(diag, ERR_INVALID, "port %u is not one of node %s", index,
                            imp->nodes[route->node].name);
        if (route->n_ports == 1) {
            out->exit = out->port->leaves ? index + 1 : 0;
            return ERR_OK;
        }
        err = merge_links(&out->links, &out->n, &out->capacity, out->port, diag);
        if (out->port->leaves) /* the same for the same ports in any order */
            out->exit += hash_mix(index + 1) | 1;
    }
    return err;
}

static enum err
is_sealed(const struct imported *imp, struct diag *diag)
{
    return imp->atoms ? ERR_OK : diag_set(diag, ERR_INVALID, "the topology is not complete");
}

static enum err
put_prefix(struct imported *imp, bool add, const struct atoms_rule *rule,
           struct imported_change *change, struct diag *diag)
{
    struct imported_node *node = &imp->nodes[rule->node];
    if (add && node->rules == IMPORTED_RULES_MAX)
        return diag_set(diag, ERR_LIMIT, "node %s has %u prefix rules: no more are possible",
                        node->name, node->rules);
    enum err err = add ? atoms_insert(imp->atoms, rule, &change->atoms, diag)
                       : atoms_remove(imp->atoms, rule, &change->atoms, diag);
    if (err)
        return err;
    node->rules += add ? 1 : UINT32_MAX;
    imp->filter = UINT32_MAX;
    imp->cube = cube_all;
    imported_judge(imp, change);
    return ERR_OK;
}

enum err
imported_put_route(struct imported *imp, bool add, const struct imported_route *route,
                   struct imported_change *change, struct diag *diag)
{
    struct outputs out = {0};
    struct atoms_rule rule = {.node = route->node,
                              .prefix = route->prefix,
                              .length = route->length,
                              .priority = route->priority};
    *change = (struct imported_change){0};
    enum err err = is_sealed(imp, diag);
    if (!err && route->node >= imp->n_nodes)
        err = diag_set(diag, ERR_INVALID, "there is no node %u", route->node);
    if (!err && add)
        err = find_outputs(imp, route, &out, diag);
    rule.links = out.links;
    rule.n_links = out.n;
    rule.exit = out.exit;
    if (add && route->n_ports == 1 && out.port) {
        rule.links = out.port->links;
        rule.n_links = out.port->n_links;
    }
    if (!err)
        err = put_prefix(imp, add, &rule, change, diag);
    free(out.links);
    return err;
}

static bool
on_effect(void *arg, const struct cube *part, const struct acl_rule *by UNUSED)
{
    struct imported_change *change = arg;
    change->has_packet = true;
    change->packet = cube_sample(part);
    return true;
}

/* What a filter rule that is there does, or what else would be. */
static enum err
judge_rule(struct imported *imp, struct imported_filter *f, const struct acl_rule *rule,
           struct imported_change *change)
{
    uint32_t steps = imp->config.steps;
    enum err err = acl_effect(f->acl, rule->priority, on_effect, change, &steps);
    if (err && !change->has_packet)
        change->unjudged++; /* and as if it did something */
    return err;
}

static void
judge_links(struct imported *imp, struct imported_filter *f, const struct acl_rule *rule, bool add,
            struct imported_change *change)
{
    bool matters = change->has_packet || change->unjudged;
    imp->filter = (uint32_t)(f - imp->filters);
    imp->cube = rule->cube;
    atoms_filter(imp->atoms, f->links, matters ? f->n_links : 0, rule->cube.dst,
                 rule->cube.dst_mask, rule->permit == add, &change->atoms);
    imported_judge(imp, change);
}

enum err
imported_put_rule(struct imported *imp, bool add, uint32_t filter, const struct acl_rule *rule,
                  struct imported_change *change, struct diag *diag)
{
    *change = (struct imported_change){0};
    enum err err = is_sealed(imp, diag);
    if (err)
        return err;
    if (filter >= imp->n_filters)
        return diag_set(diag, ERR_INVALID, "there is no filter %u", filter);
    struct imported_filter *f = &imp->filters[filter];
    size_t before = acl_memory(f->acl);
    if (add) {
        if (imp->filters_memory > imp->config.budget)
            return diag_set(diag, ERR_LIMIT, "the budget of %zu octets for filters is used up",
                            imp->config.budget);
        err = acl_add(f->acl, rule, diag);
        if (err)
            return err;
        (void)judge_rule(imp, f, rule, change);
        judge_links(imp, f, rule, add, change);
    } else {
        const struct acl_rule *held = acl_find(f->acl, rule->priority);
        if (!held)
            return acl_remove(f->acl, rule->priority, diag);
        struct acl_rule gone = *held;
        (void)judge_rule(imp, f, &gone, change);
        err = acl_remove(f->acl, gone.priority, diag);
        if (err)
            return err;
        judge_links(imp, f, &gone, add, change);
    }
    imp->filters_memory = imp->filters_memory - before + acl_memory(f->acl);
    return ERR_OK;
}

enum err
imported_audit(struct imported *imp, struct imported_change *change, struct diag *diag)
{
    *change = (struct imported_change){0};
    enum err err = is_sealed(imp, diag);
    if (err)
        return err;
    atoms_audit(imp->atoms, &change->atoms);
    imp->filter = UINT32_MAX;
    imp->cube = cube_all;
    imported_judge(imp, change);
    return ERR_OK;
}

/* ---- Labels ---- */

enum err
imported_labels(const struct imported *imp, uint32_t depth, uint32_t steps, struct labels **labels,
                struct diag *diag)
{
    struct labels_link *links = xcalloc(MAX(imp->n_links, 1), sizeof *links);
    for (uint32_t i = 0; i < imp->n_links; i++)
        links[i] = (struct labels_link){imp->links[i].from, imp->links[i].to, imp->links[i].risk};
    enum err err = labels_new(&(struct labels_config){.n_nodes = imp->n_nodes,
                                                      .n_links = imp->n_links,
                                                      .links = links,
                                                      .depth = depth,
                                                      .steps = steps},
                              labels, diag);
    free(links);
    return err;
}

enum err
imported_find_node(const struct imported *imp, const char *name, uint32_t *node, struct diag *diag)
{
    return find_node(imp, name, node, diag);
}

enum err
imported_find_port(const struct imported *imp, uint32_t node, const char *text, uint32_t *port,
                   struct diag *diag)
{
    const struct imported_name *name = name_find(imp, node, text);
    *port = name ? name->index : IMPORTED_SELF;
    if (name || !strcmp(text, "self"))
        return ERR_OK;
    return diag_set(diag, ERR_NOT_FOUND, "node %s has no port or VLAN \"%.80s\"",
                    imported_node_name(imp, node), text);
}

enum err
imported_find_filter(const struct imported *imp, const char *text, uint32_t *filter,
                     struct diag *diag)
{
    const struct imported_name *name = name_find(imp, FILTER_NAMES, text);
    *filter = name ? name->index : 0;
    return name ? ERR_OK : diag_set(diag, ERR_NOT_FOUND, "there is no filter \"%.80s\"", text);
}

enum err
imported_find_link(const struct imported *imp, const char *node_name, const char *port_name,
                   const char *to, uint32_t *link, struct diag *diag)
{
    uint32_t node, end = ATOMS_NONE, n = 0;
    enum err err = find_node(imp, node_name, &node, diag);
    if (!err && to)
        err = find_node(imp, to, &end, diag);
    if (err)
        return err;
    const struct imported_name *name = name_find(imp, node, port_name);
    const struct imported_port *port = name ? &imp->ports[name->index] : NULL;
    for (uint32_t i = 0; port && !port->n_members && i < port->n_links; i++) {
        if (to && imp->links[port->links[i]].to != end)
            continue;
        *link = port->links[i];
        n++;
    }
    if (!n)
        return diag_set(diag, ERR_NOT_FOUND, "node %s has no link at port \"%.80s\"%s%.80s",
                        node_name, port_name, to ? " to " : "", to ? to : "");
    return n == 1 ? ERR_OK
                  : diag_set(diag, ERR_CONFLICT,
                             "node %s has %u links at port \"%.80s\": say to which node", node_name,
                             n, port_name);
}

/* ---- Questions ---- */

const char *
imported_node_name(const struct imported *imp, uint32_t node)
{
    return node < imp->n_nodes ? imp->nodes[node].name : "?";
}

const struct atoms *
imported_atoms(const struct imported *imp)
{
    return imp->atoms;
}

const struct acl *
imported_filter(const struct imported *imp, uint32_t filter)
{
    return filter < imp->n_filters ? imp->filters[filter].acl : NULL;
}

uint32_t
imported_n_filters(const struct imported *imp)
{
    return imp->n_filters;
}

const char *
imported_filter_name(const struct imported *imp, uint32_t i)
{
    return i < imp->n_filters ? imp->filters[i].name : "?";
}

size_t
imported_memory(const struct imported *imp)
{
    return sizeof *imp + (imp->atoms ? atoms_memory(imp->atoms) : 0) + imp->filters_memory +
           imp->names_memory + imp->n_slots * sizeof *imp->slots;
}
