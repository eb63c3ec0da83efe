#include "engineer/ask.h"

#include "engineer/prove_private.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ASK_BUDGET 100000 /* steps */
#define MAX_WAYS 1000

static json_t *
new_answer(struct prover *p)
{
    return json_pack("{s:b}", "proved", prover_judge(p) == 0);
}

/* ---- What is asked for ---- */

struct place_of_host {
    const struct host *host;
    struct proved_node *node;
    struct proved_port *port;
    uint32_t index;
};

static enum err
find_host(struct prover *p, const char *name, struct place_of_host *place, struct diag *diag)
{
    *place = (struct place_of_host){.host = network_host(p->network, name)};
    if (!place->host)
        return diag_set(diag, ERR_NOT_FOUND, "there is no host \"%s\"", name);
    place->index = place->host->node ? prover_node(p, place->host->node) : NO_ELEMENT;
    place->node = place->index == NO_ELEMENT ? NULL : &p->nodes[place->index];
    place->port = place->node ? proved_port(place->node, place->host->port) : NULL;
    if (!place->port)
        return diag_set(diag, ERR_NOT_FOUND, "host \"%s\" is attached to no port of the network",
                        name);
    return ERR_OK;
}

static const struct spoken {
    const char *name;
    uint16_t eth_type;
    uint8_t protocol;
    enum field port; /* FIELD_MAX: it has none */
} spoken[] = {
    {"ip", ETH_TYPE_IPV4, 0, FIELD_MAX},
    {"tcp", ETH_TYPE_IPV4, IP_PROTO_TCP, FIELD_TCP_DST},
    {"udp", ETH_TYPE_IPV4, IP_PROTO_UDP, FIELD_UDP_DST},
    {"icmp", ETH_TYPE_IPV4, IP_PROTO_ICMP, FIELD_MAX},
    {"arp", ETH_TYPE_ARP, 0, FIELD_MAX},
    {"goose", ETH_TYPE_GOOSE, 0, FIELD_MAX},
    {"sv", ETH_TYPE_SV, 0, FIELD_MAX},
};

enum err
ask_protocol(const char *text, struct match *m, struct diag *diag)
{
    char *end;
    if (!text || !*text || !strcmp(text, "any"))
        return ERR_OK;
    size_t length = strcspn(text, "/");
    for (size_t i = 0; i < ARRAY_SIZE(spoken); i++) {
        const struct spoken *s = &spoken[i];
        if (strlen(s->name) != length || memcmp(s->name, text, length))
            continue;
        errno = 0;
        unsigned long port = text[length] ? strtoul(text + length + 1, &end, 10) : 0;
        if (text[length] &&
            (s->port == FIELD_MAX || !text[length + 1] || *end || errno || !port || port > 65535))
            return diag_set(diag, ERR_INVALID, "protocol \"%s\": \"%s\" is not a port of %s", text,
                            text + length + 1, s->name);
        match_set(m, FIELD_ETH_TYPE, s->eth_type);
        if (s->protocol)
            match_set(m, FIELD_IP_PROTO, s->protocol);
        if (port)
            match_set(m, s->port, port);
        return ERR_OK;
    }
    unsigned long type = strncmp(text, "0x", 2) ? 0 : strtoul(text, &end, 16);
    if (!type || *end || type > 0xffff)
        return diag_set(diag, ERR_INVALID,
                        "protocol \"%s\" is none of tcp, tcp/PORT, udp, udp/PORT, icmp, ip, arp, "
                        "goose, sv, 0xETHERTYPE",
                        text);
    match_set(m, FIELD_ETH_TYPE, type);
    return ERR_OK;
}

/* ---- One host to another ---- */

struct asking {
    struct prover *prover;
    const struct place_of_host *from, *to;
    json_t *ways;
    json_t *dropped; /* the first that no rule forwards; NULL: none yet */
};

static void
add_rules(const struct prover *p, const struct step *step, json_t *rules)
{
    if (step->before)
        add_rules(p, step->before, rules);
    char *rule = step->flow ? flow_text(step->flow) : NULL;
    if (rule)
        json_array_append_new(rules,
                              json_sprintf("%s: %s", p->nodes[step->state->node].node->name, rule));
    free(rule);
}

/* Whose packets these are, where they enter. */
static const char *
circuit_of(const struct proved_port *port, const struct match *entering)
{
    const struct judged *j = (const struct judged *)cubes_containing(&port->claims, entering);
    return j ? j->claim->circuit->name : NULL;
}

static void
on_delivered(struct walk *w, const struct step *step, const struct state *s, uint32_t number)
{
    struct asking *a = w->arg;
    struct match entering;
    if (s->node != a->to->index || number != a->to->host->port ||
        json_array_size(a->ways) >= MAX_WAYS)
        return;
    json_t *rules = json_array();
    add_rules(a->prover, step, rules);
    entering_cube(a->prover, step, &s->cube, &entering);
    const char *circuit = circuit_of(a->from->port, &entering);
    char *packet = cube_text(&entering), *path = path_text(a->prover, step);
    json_array_append_new(a->ways, json_pack("{s:s?, s:s, s:s, s:o}", "circuit", circuit, "packet",
                                             packet, "path", path, "rules", rules));
    free(packet);
    free(path);
}

static void
on_taken(struct walk *w, const struct step *step, const struct state *s, bool forwards)
{
    struct asking *a = w->arg;
    if (forwards || a->dropped)
        return;
    char *rule = step->flow ? flow_text(step->flow) : NULL;
    char *packet = entering_text(a->prover, step, &s->cube);
    a->dropped = json_pack("{s:s, s:s?, s:s}", "node", a->prover->nodes[s->node].node->name, "rule",
                           rule, "packet", packet);
    free(rule);
    free(packet);
}

static void
on_forwarded(struct walk *w UNUSED, const struct step *step UNUSED, const struct state *s UNUSED)
{
}

static void
on_trouble(struct walk *w UNUSED, const struct step *step UNUSED, const struct state *s UNUSED,
           enum violation_kind kind UNUSED, const char *what UNUSED)
{
}

static void
follow_class(struct asking *a, const struct match *cube)
{
    struct state s = {
        .lanes = LANE_UP, .node = a->from->index, .in_port = a->from->host->port, .cube = *cube};
    struct walk w = {.prover = a->prover,
                     .entry_node = a->from->index,
                     .choices = 1,
                     .taken = on_taken,
                     .delivered = on_delivered,
                     .forwarded = on_forwarded,
                     .trouble = on_trouble,
                     .arg = a,
                     .aside = true,
                     .budget = ASK_BUDGET};
    walk_run(&w, &s);
}

/* A packet such as the host would send to the other: what it is dropped by says why. */
static void
address(struct match *m, const struct host *from, const struct host *to)
{
    bool ip = from_be16(m->value.eth_type) == ETH_TYPE_IPV4;
    uint32_t mask = ipv4_mask(from->prefix_length);
    match_set_mac(m, FIELD_ETH_SRC, &from->mac);
    if (!ip)
        return;
    if ((from->ipv4 & mask) == (to->ipv4 & mask))
        match_set_mac(m, FIELD_ETH_DST, &to->mac);
    match_set(m, FIELD_IPV4_SRC, from->ipv4);
    match_set(m, FIELD_IPV4_DST, to->ipv4);
}

enum err
ask_reach(struct prover *p, const char *from, const char *to, const char *protocol, json_t **answer,
          struct diag *diag)
{
    struct place_of_host a, b;
    struct match cube = MATCH_ANY;
    enum err err = find_host(p, from, &a, diag);
    if (!err)
        err = find_host(p, to, &b, diag);
    match_set(&cube, FIELD_IN_PORT, err ? 0 : a.host->port);
    if (!err)
        err = ask_protocol(protocol, &cube, diag);
    if (err)
        return err;
    *answer = new_answer(p);
    struct asking asking = {.prover = p, .from = &a, .to = &b, .ways = json_array()};
    follow_class(&asking, &cube);
    bool reaches = json_array_size(asking.ways) > 0;
    if (!reaches) {
        json_decref(asking.dropped);
        asking.dropped = NULL;
        address(&cube, a.host, b.host);
        follow_class(&asking, &cube);
    }
    json_object_set_new(*answer, "from", json_string(from));
    json_object_set_new(*answer, "to", json_string(to));
    json_object_set_new(*answer, "protocol", json_string(protocol && *protocol ? protocol : "any"));
    json_object_set_new(*answer, "reaches", json_boolean(reaches));
    json_object_set_new(*answer, "ways", asking.ways);
    if (!reaches && asking.dropped)
        json_object_set(*answer, "dropped", asking.dropped);
    json_decref(asking.dropped);
    return ERR_OK;
}

/* ---- Who reaches a host ---- */

static bool
arrives_at(const struct claim *claim, const struct node *node, uint32_t port)
{
    for (uint32_t i = 0; i < claim->n_to; i++) {
        if (claim->to[i].node == node && claim->to[i].port == port)
            return true;
    }
    return false;
}

/* The member of this name, added if it is not there. */
static json_t *
host_entry(json_t *index, json_t *list, const char *host)
{
    json_t *entry = json_object_get(index, host);
    if (entry)
        return entry;
    entry = json_pack("{s:s, s:[]}", "host", host, "circuits");
    json_object_set(index, host, entry);
    json_array_append_new(list, entry);
    return entry;
}

static int
by_host(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    return strcmp(json_string_value(json_object_get(x, "host")),
                  json_string_value(json_object_get(y, "host")));
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static json_t *
sorted(json_t *list, int (*compare)(const void *, const void *))
{
    size_t n = json_array_size(list);
    json_t **items = xcalloc(n + 1, sizeof(json_t *)), *result = json_array();
    for (size_t i = 0; i < n; i++)
        items[i] = json_array_get(list, i);
    qsort(items, n, sizeof(json_t *), compare);
    for (size_t i = 0; i < n; i++)
        json_array_append(result, items[i]);
    free(items);
    json_decref(list);
    return result;
}

/* Conversations of hosts; not addresses asked for, nor a circuit's tests. */
static bool
is_of_hosts(const struct claim *claim)
{
    return !claim->arp && !claim->test;
}

static const struct host *
sender(const struct prover *p, const struct claim *claim)
{
    return network_host_at(p->network, claim->from.node->name, claim->from.port);
}

enum err
ask_who_reaches(struct prover *p, const char *name, json_t **answer, struct diag *diag)
{
    struct place_of_host to;
    enum err err = find_host(p, name, &to, diag);
    if (err)
        return err;
    json_t *list = json_array(), *index = json_object();
    *answer = new_answer(p);
    for (const struct judged_circuit *c = p->circuits; c; c = c->hh.next) {
        for (uint32_t i = 0; i < c->claims.n; i++) {
            const struct claim *claim = &c->claims.list[i];
            const struct host *from = sender(p, claim);
            if (!from || !is_of_hosts(claim) || !arrives_at(claim, to.node->node, to.host->port))
                continue;
            struct place_of_host a;
            if (find_host(p, from->name, &a, NULL))
                continue;
            struct asking asking = {.prover = p, .from = &a, .to = &to, .ways = json_array()};
            follow_class(&asking, &claim->sent);
            char *packet = cube_text(&claim->sent);
            json_array_append_new(json_object_get(host_entry(index, list, from->name), "circuits"),
                                  json_pack("{s:s, s:s, s:b}", "circuit", c->circuit->name,
                                            "packet", packet, "arrives",
                                            json_array_size(asking.ways) > 0));
            free(packet);
            json_decref(asking.ways);
            json_decref(asking.dropped);
        }
    }
    json_object_set_new(*answer, "to", json_string(name));
    json_object_set_new(*answer, "from", sorted(list, by_host));
    json_decref(index);
    return ERR_OK;
}

json_t *
ask_matrix(struct prover *p)
{
    json_t *answer = new_answer(p), *pairs = json_object(), *list = json_array();
    for (const struct judged_circuit *c = p->circuits; c; c = c->hh.next) {
        for (uint32_t i = 0; i < c->claims.n; i++) {
            const struct claim *claim = &c->claims.list[i];
            const struct host *from = sender(p, claim);
            for (uint32_t k = 0; from && is_of_hosts(claim) && k < claim->n_to; k++) {
                const struct host *to = network_host_at(p->network, claim->to[k].node->name,
                                                        claim->to[k].port);
                char *key = to ? xasprintf("%s\n%s", from->name, to->name) : NULL;
                json_t *pair = key ? json_object_get(pairs, key) : NULL;
                if (key && !pair) {
                    pair = json_pack("{s:s, s:s, s:[]}", "from", from->name, "to", to->name,
                                     "circuits");
                    json_object_set_new(pairs, key, pair);
                }
                json_t *circuits = json_object_get(pair, "circuits");
                size_t n = json_array_size(circuits);
                const char *last = n ? json_string_value(json_array_get(circuits, n - 1)) : NULL;
                if (pair && (!last || strcmp(last, c->circuit->name)))
                    json_array_append_new(circuits, json_string(c->circuit->name));
                free(key);
            }
        }
    }
    size_t n = json_object_size(pairs), at = 0;
    const char **keys = xcalloc(n + 1, sizeof(char *)), *key;
    json_t *pair;
    json_object_foreach(pairs, key, pair) keys[at++] = key;
    qsort(keys, n, sizeof(char *), compare_names);
    for (size_t i = 0; i < n; i++)
        json_array_append(list, json_object_get(pairs, keys[i]));
    free(keys);
    json_decref(pairs);
    json_object_set_new(answer, "pairs", list);
    return answer;
}

/* ---- What depends on an element ---- */

static bool
find_element(const struct prover *p, const char *name, struct failure *f)
{
    for (uint32_t i = 0; i < p->n_links; i++) {
        if (!strcmp(p->links[i].link->name, name)) {
            *f = (struct failure){FAILS_LINK, i};
            return true;
        }
    }
    for (uint32_t i = 0; i < p->n_risks; i++) {
        if (!strcmp(p->risks[i], name)) {
            *f = (struct failure){FAILS_RISK, i};
            return true;
        }
    }
    *f = (struct failure){FAILS_NODE, prover_node(p, name)};
    return f->index != NO_ELEMENT;
}

static bool
route_meets(const struct prover *p, const struct route *route, const struct failure *f)
{
    for (uint32_t i = 0; i < route->n_links; i++) {
        const struct link *l = network_link(p->network, route->links[i]);
        if (!l)
            continue;
        if (f->kind == FAILS_LINK && l == p->links[f->index].link)
            return true;
        if (f->kind == FAILS_NODE && link_end_at(l, p->nodes[f->index].node->name))
            return true;
        for (uint32_t k = 0; f->kind == FAILS_RISK && k < l->n_shared_risks; k++) {
            if (!strcmp(l->shared_risks[k], p->risks[f->index]))
                return true;
        }
    }
    return false;
}

/* Do the circuit's ends go with the node? */
static bool
ends_at(const struct judged_circuit *c, const struct node *node)
{
    for (uint32_t i = 0; i < c->claims.n; i++) {
        const struct claim *claim = &c->claims.list[i];
        if (is_of_hosts(claim) && claim->from.node == node)
            return true;
        for (uint32_t k = 0; is_of_hosts(claim) && k < claim->n_to; k++) {
            if (claim->to[k].node == node)
                return true;
        }
    }
    return false;
}

enum effect { EFFECT_NONE, EFFECT_UNPROTECTED, EFFECT_FAILS_OVER, EFFECT_LOST };

static enum effect
effect_on(struct prover *p, struct judged_circuit *c, const struct failure *f)
{
    enum effect effect = EFFECT_NONE;
    if (f->kind == FAILS_NODE && ends_at(c, p->nodes[f->index].node))
        return EFFECT_LOST;
    for (uint32_t i = 0; i < c->claims.n; i++) {
        struct judged *j = &c->judged[i];
        bool met = false;
        for (uint32_t k = 0; k < j->n_failures && !met; k++)
            met = j->failures[k].kind == f->kind && j->failures[k].index == f->index;
        if (!met || !is_of_hosts(j->claim))
            continue;
        if (!claim_survives(p, j, f))
            return EFFECT_LOST;
        effect = EFFECT_FAILS_OVER;
    }
    /* A group looks at its other port too: it is met, though nothing goes there. */
    if (route_meets(p, &c->design->primary, f))
        return effect == EFFECT_NONE ? EFFECT_LOST : effect;
    return c->design->has_failover && route_meets(p, &c->design->failover, f) ? EFFECT_UNPROTECTED
                                                                              : EFFECT_NONE;
}

/* Of all circuits, sorted; a NULL behind the last. free() it. */
static const char **
circuit_names(const struct prover *p)
{
    const char **names = xcalloc(HASH_COUNT(p->circuits) + 1, sizeof(char *));
    size_t n = 0;
    for (const struct judged_circuit *c = p->circuits; c; c = c->hh.next)
        names[n++] = c->circuit->name;
    qsort(names, n, sizeof(char *), compare_names);
    return names;
}

enum err
ask_affected_by(struct prover *p, const char *element, json_t **answer, struct diag *diag)
{
    static const char *const keys[] = {NULL, "unprotected", "fails-over", "lost"};
    struct failure f;
    if (!find_element(p, element, &f))
        return diag_set(diag, ERR_NOT_FOUND, "there is no link, node or shared risk \"%s\"",
                        element);
    *answer = new_answer(p);
    json_t *lists[ARRAY_SIZE(keys)] = {NULL};
    for (size_t i = 1; i < ARRAY_SIZE(keys); i++) {
        lists[i] = json_array();
        json_object_set_new(*answer, keys[i], lists[i]);
    }
    const char **names = circuit_names(p);
    for (size_t i = 0; names[i]; i++) {
        struct judged_circuit *c;
        HASH_FIND_STR(p->circuits, names[i], c);
        enum effect effect = effect_on(p, c, &f);
        if (effect != EFFECT_NONE)
            json_array_append_new(lists[effect], json_string(names[i]));
    }
    free(names);
    char *text = failure_text(p, &f);
    json_object_set_new(*answer, "element", json_string(text));
    free(text);
    return ERR_OK;
}
