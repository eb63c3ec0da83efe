#include "engineer/imported.h"

#include "base/testing.h"
#include "engineer/import_rules.h"
#include "engineer/import_stanford.h"

#include <stdio.h>

static struct imported *
network_new(void)
{
    return imported_new(&(struct imported_config){.budget = ATOMS_BUDGET});
}

struct last {
    struct imported *imp;
    struct imported_change change;
    char *findings;
    uint32_t n;
};

static bool
keep(void *arg, const struct import_update *u UNUSED, const struct imported_change *change)
{
    struct last *last = arg;
    struct imported_finding *f;
    struct buf out = BUF_INIT;
    imported_findings(last->imp, change, 10, &f, &last->n);
    for (uint32_t i = 0; i < last->n; i++)
        imported_format(&f[i], &out);
    imported_findings_free(f, last->n);
    free(last->findings);
    last->findings = buf_steal_cstr(&out);
    last->change = *change;
    return true;
}

/* What the last rule of a text did. */
static struct last
read_network(const char *text)
{
    struct last last = {.imp = network_new()};
    struct import_options options = {.watch = keep, .arg = &last};
    struct import_tally tally;
    struct labels *labels;
    struct diag diag;
    if (import_rules(last.imp, &labels, text, strlen(text), &options, &tally, &diag))
        fail_msg("%s", diag.text);
    labels_free(labels);
    return last;
}

static void
last_free(struct last *last)
{
    imported_free(last->imp);
    free(last->findings);
}

#define RING                                                                                       \
    "tieline-rules 1\n"                                                                            \
    "node name=r1\nnode name=r2\nnode name=r3\nfilter name=web\nfilter name=lan\n"                 \
    "link node=r1 port=te1 to=r2\n"                                                                \
    "link node=r2 port=te1 to=r3 filters=web\n"                                                    \
    "link node=r3 port=te1 to=r1\n"                                                                \
    "port node=r3 name=gi1\n"                                                                      \
    "port node=r3 name=gi2 filters=lan\n"                                                          \
    "vlan node=r3 name=vlan7 ports=gi1,te1\n"

static void
names_rule_packet_and_path_of_a_loop(void **state UNUSED)
{
    struct last last = read_network(RING "+ rule filter=web priority=9 action=permit\n"
                                         "+ route node=r1 prefix=10.0.0.0/8 out=te1\n"
                                         "+ route node=r2 prefix=10.0.0.0/8 out=te1\n"
                                         "+ route node=r3 prefix=10.1.0.0/16 out=te1\n");
    assert_int_equal(last.change.loops, 1);
    assert_int_equal(last.change.holes, 0);
    assert_string_equal(last.findings, "loop: packets to 10.1.0.0 come back to node r3\n"
                                       "  packet proto=0 src=0.0.0.0 sport=0 dst=10.1.0.0 dport=0\n"
                                       "  prefix 10.1.0.0/16\n"
                                       "  path   r3 > r1 > r2 > r3\n"
                                       "  rule   10.1.0.0/16 priority 16 by te1 to r1\n");
    last_free(&last);
}

/* The filter lets only one port pass: the packet that shows the loop goes there. */
static void
finds_the_packet_that_a_filter_lets_loop(void **state UNUSED)
{
    struct last last = read_network(RING
                                    "+ rule filter=web priority=9 action=deny dst=10.1.0.0/17\n"
                                    "+ rule filter=web priority=8 action=permit proto=6 "
                                    "src=10.9.0.0/16 dport=80\n"
                                    "+ route node=r1 prefix=10.0.0.0/8 out=te1\n"
                                    "+ route node=r2 prefix=10.0.0.0/8 out=te1\n"
                                    "+ route node=r3 prefix=10.1.0.0/16 out=te1\n");
    assert_int_equal(last.change.loops, 1);
    assert_non_null(
        strstr(last.findings, "packet proto=6 src=10.9.0.0 sport=0 dst=10.1.128.0 dport=80\n"));
    last_free(&last);
}

static void
a_loop_that_a_filter_stops_is_none(void **state UNUSED)
{
    struct last last = read_network(RING
                                    "+ rule filter=web priority=9 action=deny dst=10.1.0.0/16\n"
                                    "+ rule filter=web priority=8 action=permit\n"
                                    "+ route node=r1 prefix=10.0.0.0/8 out=te1\n"
                                    "+ route node=r2 prefix=10.0.0.0/8 out=te1\n"
                                    "+ route node=r3 prefix=10.1.0.0/16 out=te1\n");
    assert_int_equal(last.change.atoms.loops, 1);
    assert_int_equal(last.change.loops, 0);
    assert_int_equal(last.change.refuted, 1);
    assert_int_equal(last.change.unjudged, 0);
    assert_string_equal(last.findings, "");
    last_free(&last);
}

/* The longer prefix takes all that the filter lets pass out of the class. */
static void
a_packet_is_of_the_class_itself(void **state UNUSED)
{
    struct last last = read_network(RING
                                    "+ rule filter=web priority=8 action=permit dst=10.1.2.0/24\n"
                                    "+ route node=r3 prefix=10.1.2.0/24 out=gi1\n"
                                    "+ route node=r1 prefix=10.0.0.0/8 out=te1\n"
                                    "+ route node=r2 prefix=10.0.0.0/8 out=te1\n"
                                    "+ route node=r3 prefix=10.1.0.0/16 out=te1\n");
    assert_int_equal(last.change.refuted, 1);
    assert_int_equal(last.change.loops, 0);
    last_free(&last);
}

static void
a_filter_rule_is_judged_by_what_it_opens(void **state UNUSED)
{
    struct last last = read_network(RING "+ rule filter=web priority=9 action=deny proto=17\n"
                                         "+ route node=r1 prefix=10.0.0.0/8 out=te1\n"
                                         "+ route node=r2 prefix=10.0.0.0/8 out=te1\n"
                                         "+ route node=r3 prefix=10.1.0.0/16 out=te1\n"
                                         "+ rule filter=web priority=5 action=permit dport=22\n");
    assert_int_equal(last.change.loops, 1);
    assert_true(last.change.has_packet);
    assert_int_equal(last.change.packet.dport, 22);
    assert_int_not_equal(last.change.packet.proto, 17);
    assert_non_null(strstr(last.findings, "path   r2 > r3 > r1 > r2\n"));
    assert_non_null(strstr(last.findings, "black hole: packets to 10.64.0.0 are sent to node r3"));
    last_free(&last);
}

static void
a_filter_rule_that_does_nothing_changes_nothing(void **state UNUSED)
{
    struct last last = read_network(RING "+ route node=r2 prefix=10.0.0.0/8 out=te1\n"
                                         "+ route node=r3 prefix=10.0.0.0/8 out=gi1\n"
                                         "+ rule filter=web priority=9 action=permit\n"
                                         "+ rule filter=web priority=5 action=deny dport=22\n");
    assert_false(last.change.has_packet);
    assert_int_equal(last.change.atoms.classes, 0);
    last_free(&last);
}

static void
a_filter_on_the_way_out_is_one_too(void **state UNUSED)
{
    struct last last = read_network(RING "+ route node=r3 prefix=10.0.0.0/8 out=gi2\n"
                                         "+ rule filter=lan priority=9 action=permit proto=6\n");
    assert_int_equal(last.change.atoms.reachable, 1);
    assert_int_equal(last.change.atoms.loops + last.change.atoms.holes, 0);
    last_free(&last);
}

/* One way of a VLAN out of the network, another on: the packet may take either. */
static void
a_vlan_sends_by_any_of_its_ports(void **state UNUSED)
{
    struct last last = read_network(RING "+ route node=r1 prefix=10.0.0.0/8 out=te1\n"
                                         "+ route node=r2 prefix=10.0.0.0/8 out=self\n"
                                         "+ route node=r3 prefix=10.0.0.0/8 out=vlan7\n");
    assert_int_equal(last.change.loops, 0);
    assert_int_equal(last.change.atoms.reachable, 1);
    last_free(&last);
    last = read_network(RING "+ route node=r3 prefix=10.0.0.0/8 out=vlan7\n"
                             "+ route node=r3 prefix=10.1.0.0/16 out=drop\n"
                             "+ route node=r1 prefix=0.0.0.0/0 out=te1\n"
                             "- route node=r3 prefix=10.1.0.0/16\n");
    assert_int_equal(last.change.holes, 1); /* on from r1 to r2 */
    last_free(&last);
}

static void
an_audit_finds_what_is_wrong_all_in_all(void **state UNUSED)
{
    struct last last = read_network(RING "+ rule filter=web priority=9 action=permit dport=80\n"
                                         "+ route node=r1 prefix=10.0.0.0/8 out=te1\n"
                                         "+ route node=r2 prefix=10.0.0.0/8 out=te1\n"
                                         "+ route node=r3 prefix=10.1.0.0/16 out=te1\n"
                                         "+ route node=r3 prefix=10.2.0.0/16 out=gi1\n");
    struct imported_change change;
    assert_ok(imported_audit(last.imp, &change, NULL));
    assert_int_equal(change.loops, 1);
    assert_int_equal(change.holes, 1);
    keep(&last, NULL, &change);
    assert_int_equal(last.n, 2);
    assert_non_null(strstr(last.findings, "dst=10.1.0.0 dport=80"));
    last_free(&last);
}

/* ---- Random networks with filters, every packet of a small world followed ---- */

#define NODES 5u
#define LINKS 10u
#define FILTERS 3u
#define WORLD                                                                                      \
    160u /* three bits of the destination, one of the source, two protocols, five ports            \
          */

struct world_link {
    uint32_t from, to, n_filters, filters[2];
};

struct world {
    struct imported *imp;
    struct world_link links[LINKS];
    uint32_t n_routes, n_rules;
    struct {
        uint32_t node, prefix, length, n_links, links[2];
    } routes[40];
    struct {
        uint32_t filter;
        struct acl_rule rule;
    } rules[40];
};

static uint64_t seed = 11;

static uint32_t
draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

static struct packet5
world_packet(uint32_t i)
{
    return (struct packet5){.dst = (i & 7) << 29,
                            .src = (i >> 3 & 1) << 31,
                            .dport = (uint16_t)(i / 32 ? 65531 + i / 32 : 0),
                            .proto = i >> 4 & 1 ? 6 : 0};
}

static bool
world_permits(const struct world *w, uint32_t filter, const struct packet5 *p)
{
    const struct acl_rule *best = NULL;
    for (uint32_t i = 0; i < w->n_rules; i++) {
        const struct acl_rule *r = &w->rules[i].rule;
        if (w->rules[i].filter == filter && cube_has(&r->cube, p) &&
            (!best || r->priority > best->priority))
            best = r;
    }
    return best && best->permit;
}

static bool
world_passes(const struct world *w, uint32_t link, const struct packet5 *p)
{
    for (uint32_t i = 0; i < w->links[link].n_filters; i++) {
        if (!world_permits(w, w->links[link].filters[i], p))
            return false;
    }
    return true;
}

/* The route of a node for a destination; UINT32_MAX: none. */
static uint32_t
world_route(const struct world *w, uint32_t node, uint32_t dst)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < w->n_routes; i++) {
        if (w->routes[i].node == node &&
            !((w->routes[i].prefix ^ dst) & cube_prefix_mask(w->routes[i].length)) &&
            (best == UINT32_MAX || w->routes[i].length > w->routes[best].length))
            best = i;
    }
    return best;
}

static bool
has_filter(const struct world_link *link, uint32_t filter)
{
    return (link->n_filters > 0 && link->filters[0] == filter) ||
           (link->n_filters > 1 && link->filters[1] == filter);
}

/* Does a packet at `from` come to `to`, over at least one link; first over one with this filter, if
 * it is one? */
static bool
world_reaches(const struct world *w, const struct packet5 *p, uint32_t from, uint32_t to,
              uint32_t filter)
{
    bool been[NODES] = {false}, found = false;
    uint32_t queue[NODES + 1], head = 0, tail = 0;
    queue[tail++] = from;
    for (bool first = true; head < tail && !found; first = false) {
        uint32_t node = queue[head++], route = world_route(w, node, p->dst);
        for (uint32_t i = 0; route != UINT32_MAX && i < w->routes[route].n_links; i++) {
            const struct world_link *link = &w->links[w->routes[route].links[i]];
            if (!world_passes(w, w->routes[route].links[i], p) ||
                (first && filter != UINT32_MAX && !has_filter(link, filter)))
                continue;
            found |= link->to == to;
            if (!been[link->to] && link->to != from)
                queue[tail++] = link->to;
            been[link->to] = true;
        }
    }
    return found;
}

/* Does it happen to a packet of the class? */
static bool
world_shows(const struct world *w, const struct atoms_event *e, uint32_t class, uint32_t filter,
            const struct cube *cube)
{
    for (uint32_t i = 0; i < WORLD; i++) {
        struct packet5 p = world_packet(i);
        if (atoms_class_of(imported_atoms(w->imp), p.dst) != class || !cube_has(cube, &p))
            continue;
        if (e->kind == ATOMS_HOLE && e->node == e->from) {
            for (uint32_t n = 0; n < NODES; n++) {
                uint32_t route = world_route(w, n, p.dst);
                for (uint32_t k = 0; route != UINT32_MAX && k < w->routes[route].n_links; k++) {
                    uint32_t link = w->routes[route].links[k];
                    if (w->links[link].to == e->node && world_passes(w, link, &p))
                        return true;
                }
            }
        } else if (world_reaches(w, &p, e->from, e->node, filter)) {
            return true;
        }
    }
    return false;
}

static void
assert_shown(const struct world *w, const struct imported_change *c, uint32_t filter,
             const struct cube *cube)
{
    uint64_t loops = 0, holes = 0, refuted = 0;
    for (uint32_t i = 0; i < c->atoms.n_events; i++) {
        const struct atoms_event *e = &c->atoms.events[i];
        for (uint32_t k = 0; e->kind != ATOMS_REACH && k < 64; k++) {
            if (!(e->classes >> k & 1))
                continue;
            bool shown = world_shows(w, e, e->block * 64 + k, filter, cube);
            loops += shown && e->kind == ATOMS_LOOP;
            holes += shown && e->kind == ATOMS_HOLE;
            refuted += !shown;
        }
    }
    assert_int_equal(c->unjudged, 0);
    assert_int_equal(c->loops, loops);
    assert_int_equal(c->holes, holes);
    assert_int_equal(c->refuted, refuted);
}

/* What is told in words is a packet to which it happens. */
static void
assert_packets(const struct world *w, const struct imported_change *c)
{
    struct imported_finding *f;
    uint32_t n;
    imported_findings(w->imp, c, 100, &f, &n);
    assert_int_equal(n, c->loops + c->holes);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = f[i].path[0] ? (uint32_t)(f[i].path[1] - '0') : 0;
        assert_true(world_reaches(w, &f[i].packet, at, (uint32_t)(f[i].node[1] - '0'), UINT32_MAX));
    }
    imported_findings_free(f, n);
}

static void
world_open(struct world *w)
{
    static const char *const nodes[] = {"n0", "n1", "n2", "n3", "n4"};
    static const char *const filters[] = {"f0", "f1", "f2"};
    *w = (struct world){.imp = network_new()};
    for (uint32_t i = 0; i < NODES; i++)
        assert_ok(imported_add_node(w->imp, nodes[i], NULL));
    for (uint32_t i = 0; i < FILTERS; i++)
        assert_ok(imported_add_filter(w->imp, filters[i], NULL));
    for (uint32_t i = 0; i < LINKS; i++) {
        struct world_link *link = &w->links[i];
        const char *names[2], port[] = {'p', (char)('0' + i), '\0'};
        link->from = i / 2;
        link->to = (link->from + 1 + draw(NODES - 1)) % NODES;
        link->n_filters = draw(3);
        link->filters[0] = draw(FILTERS);
        link->filters[1] = (link->filters[0] + 1) % FILTERS;
        for (uint32_t k = 0; k < link->n_filters; k++)
            names[k] = filters[link->filters[k]];
        assert_ok(imported_add_link(w->imp, nodes[link->from], port, nodes[link->to], names,
                                    link->n_filters, NULL, NULL));
    }
    assert_ok(imported_seal(w->imp, NULL));
}

static void
change_route(struct world *w)
{
    uint32_t ports[2];
    struct imported_change c;
    bool add = w->n_routes < 3 || (w->n_routes < 20 && draw(2));
    uint32_t at = add ? w->n_routes : draw(w->n_routes);
    if (add) {
        w->routes[at].node = draw(NODES);
        w->routes[at].length = draw(4);
        w->routes[at].prefix = draw(8) << 29 & cube_prefix_mask(w->routes[at].length);
        w->routes[at].n_links = draw(3);
        w->routes[at].links[0] = w->routes[at].node * 2 + draw(2);
        w->routes[at].links[1] = w->routes[at].links[0] ^ 1;
    }
    for (uint32_t i = 0; i < w->routes[at].n_links; i++) {
        char port[] = {'p', (char)('0' + w->routes[at].links[i]), '\0'};
        assert_ok(imported_find_port(w->imp, w->routes[at].node, port, &ports[i], NULL));
    }
    struct imported_route route = {.node = w->routes[at].node,
                                   .prefix = w->routes[at].prefix,
                                   .length = w->routes[at].length,
                                   .priority = w->routes[at].length,
                                   .ports = ports,
                                   .n_ports = w->routes[at].n_links};
    enum err err = imported_put_route(w->imp, add, &route, &c, NULL);
    if (err == ERR_EXISTS)
        return;
    assert_ok(err);
    if (add)
        w->n_routes++;
    else
        w->routes[at] = w->routes[--w->n_routes];
    assert_shown(w, &c, UINT32_MAX, &cube_all);
    assert_packets(w, &c);
}

static void
change_rule(struct world *w)
{
    struct imported_change c;
    bool add = w->n_rules < 6 || (w->n_rules < 24 && draw(2)), before[WORLD], differs = false;
    uint32_t at = add ? w->n_rules : draw(w->n_rules);
    if (add) {
        struct acl_rule *r = &w->rules[at].rule;
        *r = (struct acl_rule){cube_all, draw(10000), draw(2)};
        w->rules[at].filter = draw(FILTERS);
        r->cube.dst_mask = draw(8) << 29;
        r->cube.dst = draw(8) << 29 & r->cube.dst_mask;
        r->cube.src_mask = draw(2) << 31;
        r->cube.src = draw(2) << 31 & r->cube.src_mask;
        if (draw(2))
            r->cube.dport[0] = (uint16_t)(65532 + draw(4));
        if (draw(4))
            r->cube.proto[0] = r->cube.proto[1] = 6;
    }
    struct acl_rule rule = w->rules[at].rule;
    uint32_t which = w->rules[at].filter;
    for (uint32_t i = 0; i < WORLD; i++) {
        struct packet5 p = world_packet(i);
        before[i] = world_permits(w, which, &p);
    }
    enum err err = imported_put_rule(w->imp, add, which, &rule, &c, NULL);
    if (err == ERR_EXISTS)
        return;
    assert_ok(err);
    if (add)
        w->n_rules++;
    else
        w->rules[at] = w->rules[--w->n_rules];
    for (uint32_t i = 0; i < WORLD; i++) {
        struct packet5 p = world_packet(i);
        differs |= before[i] != world_permits(w, which, &p);
    }
    if (differs)
        assert_true(c.has_packet);
    assert_shown(w, &c, which, &rule.cube);
    assert_packets(w, &c);
}

static void
findings_are_what_happens_to_packets(void **state UNUSED)
{
    for (uint32_t round = 0; round < 60; round++) {
        struct world w;
        world_open(&w);
        for (uint32_t i = 0; i < 150; i++) {
            if (draw(2))
                change_route(&w);
            else
                change_rule(&w);
        }
        imported_free(w.imp);
    }
}

/* ---- What is wrong with a text is said with its place ---- */

static void
assert_refused(const char *text, enum err err, const char *says)
{
    struct imported *imp = network_new();
    struct import_options options = {0};
    struct import_tally tally;
    struct labels *labels;
    struct diag diag = {""};
    char *exact = malloc(strlen(text) + 1);
    memcpy(exact, text, strlen(text));
    assert_err(import_rules(imp, &labels, exact, strlen(text), &options, &tally, &diag), err);
    assert_string_equal(diag.text, says);
    free(exact);
    imported_free(imp);
}

static void
says_where_a_text_is_wrong(void **state UNUSED)
{
    static const struct {
        const char *line;
        enum err err;
        const char *says;
    } cases[] = {
        {"node nam=r1", ERR_UNSUPPORTED, "column 6: unknown field \"nam\""},
        {"node name=r1 metric=7", ERR_UNSUPPORTED, "column 14: unknown field \"metric\""},
        {"node name=r1 port=7", ERR_UNSUPPORTED,
         "column 14: a line \"node\" has no field \"port\""},
        {"node name=r1 name=r2", ERR_MALFORMED, "column 14: field \"name\" is there twice"},
        {"node", ERR_MALFORMED, "column 1: a line \"node\" needs the field \"name\""},
        {"node name=", ERR_MALFORMED, "column 11: field \"name\" has no value"},
        {"node r1", ERR_MALFORMED, "column 6: \"r1\" is not of the form field=value"},
        {"node name=a", ERR_EXISTS, "column 1: there are two nodes \"a\""},
        {"host name=r1", ERR_UNSUPPORTED, "column 1: unknown kind of line \"host\""},
        {"+ host name=r1", ERR_UNSUPPORTED, "column 3: unknown kind of line \"+ host\""},
        {"+", ERR_MALFORMED, "column 1: \"route\" or \"rule\" is missing behind the sign"},
        {"node name=r\x01", ERR_MALFORMED, "column 12: octet 0x01 is not a printable character"},
        {"link node=a port=p to=z", ERR_NOT_FOUND, "column 1: there is no node \"z\""},
        {"link node=a port=p to=b filters=f", ERR_NOT_FOUND, "column 1: there is no filter \"f\""},
        {"link node=a port=p to=b filters=f,,g", ERR_MALFORMED,
         "column 33: field \"filters\": an empty item in the list: \"f,,g\""},
        {"+ route node=a prefix=10.0.0.0 out=self", ERR_MALFORMED,
         "column 23: field \"prefix\": not an IPv4 prefix: \"10.0.0.0\""},
        {"+ route node=a prefix=10.0.0.256/8 out=self", ERR_MALFORMED,
         "column 23: field \"prefix\": not an IPv4 prefix: \"10.0.0.256/8\""},
        {"+ route node=a prefix=10.0.0.0/33 out=self", ERR_MALFORMED,
         "column 23: field \"prefix\": its length is not a number from 0 to 32: \"10.0.0.0/33\""},
        {"+ route node=a prefix=10.0.0.1/8 out=self", ERR_INVALID,
         "column 23: field \"prefix\": the address has bits outside its mask: \"10.0.0.1/8\""},
        {"+ route node=a prefix=10.0.0.0/8 out=te9", ERR_NOT_FOUND,
         "column 1: node a has no port or VLAN \"te9\""},
        {"+ route node=a prefix=10.0.0.0/8 out=self priority=4294967296", ERR_MALFORMED,
         "column 52: field \"priority\": not a number from 0 to 4294967295: \"4294967296\""},
        {"- route node=a prefix=10.0.0.0/8", ERR_NOT_FOUND,
         "column 1: the node has no rule of this prefix and priority"},
        {"+ rule filter=x priority=1 action=permit", ERR_NOT_FOUND,
         "column 1: there is no filter \"x\""},
        {"+ rule filter=x priority=1 action=allow", ERR_MALFORMED,
         "column 35: field \"action\": neither permit nor deny: \"allow\""},
        {"+ rule filter=x priority=1 action=deny dport=9-8", ERR_INVALID,
         "column 46: field \"dport\": the last is before the first: \"9-8\""},
        {"+ rule filter=x priority=1 action=deny proto=tcp", ERR_MALFORMED,
         "column 46: field \"proto\": neither a number nor two with a dash between: \"tcp\""},
        {"+ rule filter=x priority=1 action=deny src=10.0.0.0/255.0.0.x", ERR_MALFORMED,
         "column 44: field \"src\": its mask is neither a length nor an address: "
         "\"10.0.0.0/255.0.0.x\""},
        {"label node=a in=17 ops=swap port=ab", ERR_MALFORMED,
         "column 24: field \"ops\": an operation is pop, swap:LABEL or push:LABEL, LABEL below "
         "1048576: \"swap\""},
        {"label node=a in=1048576 ops=pop port=ab", ERR_MALFORMED,
         "column 17: field \"in\": not a number from 0 to 1048575: \"1048576\""},
        {"label node=a in=17 ops=pop port=xy", ERR_NOT_FOUND,
         "column 1: node a has no link at port \"xy\""},
        {"label node=a in=3 ops=pop port=ab", ERR_INVALID,
         "column 1: label 3, implicit null, is never in a packet: write a pop"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[512], says[320];
        snprintf(text, sizeof text,
                 "tieline-rules 1\n# two nodes\r\nnode name=a\nnode name=b\n"
                 "link node=a port=ab to=b\n%s\n",
                 cases[i].line);
        snprintf(says, sizeof says, "line 6, %s", cases[i].says);
        assert_refused(text, cases[i].err, says);
    }
    assert_refused("", ERR_MALFORMED,
                   "line 1, column 1: the first line is not \"tieline-rules 1\"");
    assert_refused("tieline-rules 2", ERR_UNSUPPORTED,
                   "line 1, column 15: version \"2\" is not known, only 1");
    assert_refused("tieline-rules 1\nnode name=a\n+ route node=a prefix=0.0.0.0/0 out=self\n"
                   "node name=b",
                   ERR_CONFLICT,
                   "line 4, column 1: the topology cannot change once there are rules");
}

static void
refuses_lines_without_end(void **state UNUSED)
{
    struct buf text = BUF_INIT;
    buf_str(&text, "tieline-rules 1\nnode name=");
    for (uint32_t i = 0; i < 9000; i++)
        buf_u8(&text, 'x');
    assert_refused(buf_cstr(&text), ERR_LIMIT,
                   "line 2, column 8193: a line has at most 8192 octets");
    buf_clear(&text);
    buf_str(&text, "tieline-rules 1\nnode");
    for (uint32_t i = 0; i < 400; i++)
        buf_str(&text, " x");
    assert_refused(buf_cstr(&text), ERR_LIMIT, "line 2, column 644: a line has at most 320 words");
    buf_fini(&text);
}

/* Whatever is cut off or broken: an error, or the text still is one. */
static void
survives_broken_texts(void **state UNUSED)
{
    static const char whole[] = RING
        "+ rule filter=web priority=9 action=permit proto=6-17 src=10.0.0.1/255.0.0.255\n"
        "+ route node=r1 prefix=10.0.0.0/8 out=te1 priority=5\n"
        "- route node=r1 prefix=10.0.0.0/8 priority=5\n"
        "entry node=r1 fec=x egress=r3 ops=push:100 port=te1\n"
        "label node=r2 in=100 ops=pop port=te1 to=r3 rank=1\n";
    uint64_t random = 1;
    for (size_t size = 0; size < sizeof whole; size++) {
        for (int round = 0; round < 4; round++) {
            struct imported *imp = network_new();
            struct import_options options = {0};
            struct import_tally tally;
            struct labels *labels;
            struct diag diag;
            char *copy = malloc(size ? size : 1);
            memcpy(copy, whole, size);
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            if (size && round)
                copy[(random >> 33) % size] = (char)(random >> 20);
            enum err err = import_rules(imp, &labels, copy, size, &options, &tally, &diag);
            if (err)
                assert_true(!strncmp(diag.text, "line ", 5) || size == 0);
            if (size == sizeof whole - 1 && !round)
                assert_ok(err);
            labels_free(labels);
            imported_free(imp);
            free(copy);
        }
    }
}

static void
reads_label_rules(void **state UNUSED)
{
    static const char text[] = RING "entry node=r1 fec=10.0.0.0/8 egress=r3 ops=push:100 port=te1\n"
                                    "label node=r2 in=100 ops=swap:200 port=te1\n"
                                    "label node=r3 in=200 ops=swap:100,push:7 port=te1\n"
                                    "label node=r1 in=7 ops=pop port=te1 to=r2\n";
    struct imported *imp = network_new();
    struct import_options options = {0};
    struct import_tally tally;
    struct labels *labels;
    struct labels_report report;
    assert_ok(import_rules(imp, &labels, text, sizeof text - 1, &options, &tally, NULL));
    assert_int_equal(tally.labels, 3);
    assert_int_equal(tally.entries, 1);
    labels_judge(labels, false, 10, &report);
    assert_int_equal(report.n, 1);
    assert_int_equal(report.findings[0].kind, LABELS_LOOP);
    assert_string_equal(imported_node_name(imp, report.findings[0].node), "r2");
    labels_report_fini(&report);
    labels_free(labels);
    imported_free(imp);
}

/* ---- Limits ---- */

static void
a_million_rules_fit_and_no_more(void **state UNUSED)
{
    struct imported *imp = network_new();
    struct imported_change change;
    struct diag diag;
    uint32_t self = IMPORTED_SELF;
    struct imported_route route = {.priority = 1, .ports = &self, .n_ports = 1};
    assert_ok(imported_add_node(imp, "big", NULL));
    assert_ok(imported_seal(imp, NULL));
    for (uint32_t i = 0; i < IMPORTED_RULES_MAX; i++) {
        route.prefix = i << 10;
        route.length = 22 + i % 3;
        assert_ok(imported_put_route(imp, true, &route, &change, NULL));
    }
    route.prefix = UINT32_MAX << 8;
    route.length = 24;
    assert_err(imported_put_route(imp, true, &route, &change, &diag), ERR_LIMIT);
    assert_string_equal(diag.text, "node big has 1000000 prefix rules: no more are possible");
    assert_true(imported_memory(imp) < (size_t)400 << 20);
    imported_free(imp);
}

static void
absurd_budgets_are_refused_or_kept(void **state UNUSED)
{
    static const size_t budgets[] = {0, 1, 100, SIZE_MAX, SIZE_MAX - 1};
    for (size_t i = 0; i < ARRAY_SIZE(budgets); i++) {
        struct imported *imp = imported_new(&(struct imported_config){.budget = budgets[i]});
        struct diag diag;
        assert_ok(imported_add_node(imp, "a", NULL));
        enum err err = imported_seal(imp, &diag);
        assert_err(err, i < 3 ? ERR_LIMIT : ERR_OK);
        if (err)
            assert_null(imported_atoms(imp));
        imported_free(imp);
    }
}

/* ---- The Stanford format ---- */

static struct imported *
read_stanford(const char *topology, const char *vlans, enum err expected, const char *says)
{
    struct imported *imp = network_new();
    struct diag diag = {""};
    enum err err = import_stanford(imp, topology, strlen(topology), vlans, strlen(vlans), &diag);
    if (err != expected)
        fail_msg("%s", diag.text);
    assert_string_equal(diag.text, says);
    return imp;
}

static struct imported_change
update(struct imported *imp, const char *text)
{
    struct import_reader reader;
    struct import_line *line = malloc(sizeof *line);
    struct import_update u;
    struct imported_change change = {0};
    struct diag diag;
    bool more;
    assert_ok(import_open(&reader, text, strlen(text), &diag));
    for (;;) {
        if (import_stanford_next(&reader, line, &u, &more, &diag))
            fail_msg("%s", diag.text);
        if (!more)
            break;
        assert_ok(import_stanford_port(imp, &u, &diag));
        if (import_apply(imp, &u, &change, &diag))
            fail_msg("%s", diag.text);
    }
    free(line);
    return change;
}

static void
reads_boxes_on_the_way_as_filters(void **state UNUSED)
{
    struct imported *imp = read_stanford("a_rtr te1 a_rtr_7_te1_out inport\n"
                                         "a_rtr_7_te1_out permit b_rtr_8_te2_in inport\n"
                                         "b_rtr_8_te2_in permit b_rtr te2\n"
                                         "b_rtr te2 a_rtr te1\n"
                                         "b_rtr gi1 b_rtr_9_gi1_out inport\n"
                                         "b_rtr_5_gi3_in permit b_rtr gi3\n",
                                         "b_rtr vlan1 gi1 te2\n", ERR_OK, "");
    assert_int_equal(imported_n_filters(imp), 4);
    uint32_t filter, n;
    assert_ok(imported_find_filter(imp, "b_rtr_8", &filter, NULL));
    assert_string_equal(imported_filter_name(imp, filter), "b_rtr_8");
    assert_non_null(imported_filter(imp, filter));
    assert_ok(imported_seal(imp, NULL));
    struct imported_change c = update(imp, "+ fwd a_rtr 167772160 8 te1 8\n"
                                           "+ fwd b_rtr 167772160 8 te2 8\n");
    assert_int_equal(c.atoms.loops, 1);
    assert_int_equal(c.loops, 0); /* filters without rules let nothing pass */
    assert_int_equal(c.refuted, 1);
    c = update(imp,
               "+ acl a_rtr_7 access-list 7 permit 6 6 any null null null 10.0.0.1 0.255.255.0 "
               "null null 65535\n");
    assert_int_equal(c.loops, 0);
    c = update(imp, "+ acl b_rtr_8 access-list 8 permit 0 255 172.16.0.0 0.0.255.255 null null any "
                    "null 80 null 65535\n");
    assert_int_equal(c.loops, 1);
    struct imported_finding *f;
    imported_findings(imp, &c, 10, &f, &n);
    assert_int_equal(n, 1);
    assert_int_equal(f[0].packet.proto, 6);
    assert_int_equal(f[0].packet.src, 0xac100000);
    assert_int_equal(f[0].packet.dst & 0xff0000ff, 0x0a000001);
    assert_int_equal(f[0].packet.dport, 80);
    imported_findings_free(f, n);
    c = update(imp, "- acl b_rtr_8 access-list 8 permit 0 255 172.16.0.0 0.0.255.255 null null any "
                    "null 80 null 65535\n");
    assert_int_equal(c.loops, 0);
    assert_int_equal(c.atoms.mended, 1);
    c = update(imp, "- fwd b_rtr 167772160 8 te2 8\n+ fwd b_rtr 167772160 8 vlan1 8\n");
    assert_int_equal(c.refuted, 1);
    imported_free(imp);
}

static void
says_where_a_dump_is_wrong(void **state UNUSED)
{
    imported_free(read_stanford("a te1 b\n", "", ERR_MALFORMED,
                                "topology: line 1, column 7: 3 words where a link has 4"));
    imported_free(read_stanford("a te1 b inport\n", "", ERR_MALFORMED,
                                "topology: line 1, column 7: \"b\" is not FILTER_PORT_DIRECTION"));
    imported_free(read_stanford("a te1 b te1\n", "a\n", ERR_MALFORMED,
                                "VLANs: line 1, column 1: a VLAN has a node and a name"));
    imported_free(read_stanford("a te1 b te1\n", "a v te1\nc v te1\n", ERR_NOT_FOUND,
                                "VLANs: line 2, column 1: there is no node \"c\""));
    imported_free(read_stanford("a te1 a_f_p_in inport\na_f_p_in permit a_f_p_in inport\n", "",
                                ERR_LIMIT,
                                "topology: line 2, column 17: more than 16 filters in a row"));
    static const struct {
        const char *line;
        enum err err;
        const char *says;
    } cases[] = {
        {"? fwd a 0 0 te1 0", ERR_MALFORMED, "line 1, column 1: the sign cannot be \"?\""},
        {"+ mpls a 0 0 te1 0", ERR_UNSUPPORTED, "line 1, column 3: unknown kind of rule \"mpls\""},
        {"+ fwd a 0 0 te1", ERR_MALFORMED, "line 1, column 1: 6 words where a route has 7"},
        {"+ fwd a 4294967296 0 te1 0", ERR_MALFORMED,
         "line 1, column 9: the prefix cannot be \"4294967296\""},
        {"+ fwd a 1 8 te1 0", ERR_INVALID,
         "line 1, column 9: the prefix has bits set behind its 8"},
        {"+ fwd a 0 33 te1 0", ERR_MALFORMED,
         "line 1, column 11: the prefix length cannot be \"33\""},
        {"+ acl f access-list 7 permit 6 6 any null null null any null null null", ERR_MALFORMED,
         "line 1, column 1: 16 words where a filter's rule has 17"},
        {"+ acl f access-list 7 allow 6 6 any null null null any null null null 1", ERR_MALFORMED,
         "line 1, column 23: the action cannot be \"allow\""},
        {"+ acl f access-list 7 deny 6 6 any null null null 1.2.3 null null null 1", ERR_MALFORMED,
         "line 1, column 51: the destination cannot be \"1.2.3\""},
        {"+ acl f access-list 7 deny 6 6 any null null null any null 9 8 1", ERR_MALFORMED,
         "line 1, column 62: the destination port cannot be \"8\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct import_reader reader;
        struct import_line *line = malloc(sizeof *line);
        struct import_update u;
        struct diag diag;
        bool more;
        assert_ok(import_open(&reader, cases[i].line, strlen(cases[i].line), &diag));
        assert_err(import_stanford_next(&reader, line, &u, &more, &diag), cases[i].err);
        assert_string_equal(diag.text, cases[i].says);
        free(line);
    }
}

TEST_MAIN(cmocka_unit_test(names_rule_packet_and_path_of_a_loop),
          cmocka_unit_test(finds_the_packet_that_a_filter_lets_loop),
          cmocka_unit_test(a_loop_that_a_filter_stops_is_none),
          cmocka_unit_test(a_packet_is_of_the_class_itself),
          cmocka_unit_test(a_filter_rule_is_judged_by_what_it_opens),
          cmocka_unit_test(a_filter_rule_that_does_nothing_changes_nothing),
          cmocka_unit_test(a_filter_on_the_way_out_is_one_too),
          cmocka_unit_test(a_vlan_sends_by_any_of_its_ports),
          cmocka_unit_test(an_audit_finds_what_is_wrong_all_in_all),
          cmocka_unit_test(findings_are_what_happens_to_packets),
          cmocka_unit_test(says_where_a_text_is_wrong), cmocka_unit_test(refuses_lines_without_end),
          cmocka_unit_test(survives_broken_texts), cmocka_unit_test(reads_label_rules),
          cmocka_unit_test(a_million_rules_fit_and_no_more),
          cmocka_unit_test(absurd_budgets_are_refused_or_kept),
          cmocka_unit_test(reads_boxes_on_the_way_as_filters),
          cmocka_unit_test(says_where_a_dump_is_wrong))
