/* The Stanford backbone, from outside the tree: what the classes say against reading the same files
 * by other code, and looking at destinations one by one. */
#include "engineer/import_stanford.h"

#include "base/alloc.h"
#include "base/testing.h"

#include <stdio.h>

#define SHARED TIELINE_SOURCE_DIR "/../shared/data/stanford/"
#define NODES 16u
#define ROUTES_MAX 4096u
#define VLANS_MAX 2048u
#define LINKS_MAX 128u

/* ---- The same by other code: no filters ---- */

struct line_link {
    char node[16], port[16], to[16];
};

struct line_vlan {
    char node[16], name[16], ports[200];
};

struct line_route {
    unsigned node;
    uint32_t prefix;
    unsigned length;
    bool sends[NODES]; /* to these routers */
    bool exits;
};

struct backbone {
    uint32_t n_links, n_vlans, n_routes, n_nodes;
    char nodes[NODES][16];
    struct line_link links[LINKS_MAX];
    struct line_vlan vlans[VLANS_MAX];
    struct line_route routes[ROUTES_MAX];
};

static char *
read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    char *text = xmalloc(1 << 20);
    *size = fread(text, 1, (1 << 20) - 1, file);
    text[*size] = '\0';
    fclose(file);
    return text;
}

static unsigned
node_of(struct backbone *b, const char *name)
{
    for (uint32_t i = 0; i < b->n_nodes; i++) {
        if (!strcmp(b->nodes[i], name))
            return i;
    }
    assert_true(b->n_nodes < NODES);
    snprintf(b->nodes[b->n_nodes], sizeof b->nodes[0], "%s", name);
    return b->n_nodes++;
}

/* A physical port: over all its links, or out. */
static void
use_port(struct backbone *b, struct line_route *r, const char *port)
{
    bool any = false;
    for (uint32_t i = 0; i < b->n_links; i++) {
        if (strcmp(b->links[i].node, b->nodes[r->node]) || strcmp(b->links[i].port, port))
            continue;
        r->sends[node_of(b, b->links[i].to)] = any = true;
    }
    r->exits |= !any;
}

static void
use_output(struct backbone *b, struct line_route *r, const char *out)
{
    for (uint32_t i = 0; i < b->n_vlans; i++) {
        const struct line_vlan *v = &b->vlans[i];
        if (strcmp(v->node, b->nodes[r->node]) || strcmp(v->name, out))
            continue;
        char ports[200], *save = NULL;
        snprintf(ports, sizeof ports, "%s", v->ports);
        for (char *p = strtok_r(ports, " \n", &save); p; p = strtok_r(NULL, " \n", &save))
            use_port(b, r, p);
        if (*v->ports)
            return;
    }
    if (strcmp(out, "self"))
        use_port(b, r, out);
    else
        r->exits = true;
}

static void
read_backbone(struct backbone *b, const char *topology, const char *vlans)
{
    int n;
    for (const char *p = topology; b->n_links < LINKS_MAX; p += n) {
        struct line_link *l = &b->links[b->n_links];
        if (sscanf(p, "%15s %15s %15s %*s%n", l->node, l->port, l->to, &n) != 3)
            break;
        node_of(b, l->node);
        b->n_links++;
    }
    for (const char *p = vlans; *p && b->n_vlans < VLANS_MAX; p = strchr(p, '\n') + 1) {
        struct line_vlan *v = &b->vlans[b->n_vlans++];
        *v->ports = '\0';
        assert_true(sscanf(p, "%15s %15s%n", v->node, v->name, &n) == 2);
        size_t length = strcspn(p + n, "\n");
        assert_true(length < sizeof v->ports);
        memcpy(v->ports, p + n, length);
        v->ports[length] = '\0';
    }
}

static const struct line_route *
route_of(const struct backbone *b, unsigned node, uint32_t address)
{
    const struct line_route *best = NULL;
    for (uint32_t i = 0; i < b->n_routes; i++) {
        const struct line_route *r = &b->routes[i];
        if (r->node == node && (!best || r->length > best->length) &&
            !((address ^ r->prefix) & cube_prefix_mask(r->length)))
            best = r;
    }
    return best;
}

/* Takes away routers that send to none that is left. */
static bool
has_loop(const struct line_route *const *routes)
{
    bool left[NODES], changed = true, any = false;
    memset(left, true, sizeof left);
    while (changed) {
        changed = false;
        for (unsigned i = 0; i < NODES; i++) {
            bool on = false;
            for (unsigned k = 0; routes[i] && k < NODES; k++)
                on |= routes[i]->sends[k] && left[k];
            changed |= left[i] && !on;
            left[i] &= on;
        }
    }
    for (unsigned i = 0; i < NODES; i++)
        any |= left[i];
    return any;
}

static void
assert_address(struct backbone *b, struct imported *imp, uint32_t address, uint64_t *loops,
               uint64_t *holes)
{
    const struct line_route *routes[NODES];
    const struct atoms *atoms = imported_atoms(imp);
    uint32_t class = atoms_class_of(atoms, address);
    for (unsigned i = 0; i < NODES; i++) {
        struct atoms_rule held;
        uint32_t node;
        assert_ok(imported_find_node(imp, b->nodes[i], &node, NULL));
        routes[i] = route_of(b, i, address);
        assert_int_equal(atoms_rule_of(atoms, class, node, &held), routes[i] != NULL);
        if (!routes[i])
            continue;
        assert_int_equal(held.prefix, routes[i]->prefix);
        assert_int_equal(held.length, routes[i]->length);
        assert_int_equal(held.exit != 0, routes[i]->exits);
    }
    *loops += has_loop(routes);
    for (unsigned i = 0; i < NODES; i++) {
        bool sent = false;
        for (unsigned k = 0; k < NODES; k++)
            sent |= routes[k] && routes[k]->sends[i];
        *holes += !routes[i] && sent;
    }
}

/* One destination of each class, and all of them together against an audit. */
static void
assert_agrees(struct backbone *b, struct imported *imp)
{
    struct imported_change audit;
    struct atoms_size size;
    uint64_t loops = 0, holes = 0, address;
    uint32_t classes = 0;
    assert_ok(imported_audit(imp, &audit, NULL));
    atoms_get_size(imported_atoms(imp), &size);
    for (uint32_t class = 0; class < 65536; class ++) {
        if (!atoms_address(imported_atoms(imp), class, 0, 0, &address))
            continue;
        assert_int_equal(atoms_class_of(imported_atoms(imp), address), class);
        assert_address(b, imp, (uint32_t)address, &loops, &holes);
        classes++;
    }
    assert_int_equal(classes, size.classes);
    assert_int_equal(audit.loops, loops);
    assert_int_equal(audit.holes, holes);
}

static void
note_update(struct backbone *b, const struct import_update *u)
{
    unsigned node = node_of(b, u->name);
    if (u->add) {
        struct line_route *r = &b->routes[b->n_routes++];
        assert_true(b->n_routes < ROUTES_MAX);
        *r = (struct line_route){.node = node, .prefix = u->prefix, .length = u->length};
        use_output(b, r, u->outs);
        return;
    }
    for (uint32_t i = 0; i < b->n_routes; i++) {
        struct line_route *r = &b->routes[i];
        if (r->node != node || r->prefix != u->prefix || r->length != u->length)
            continue;
        *r = b->routes[--b->n_routes];
        return;
    }
    fail();
}

static void
the_backbone_is_as_its_files_say(void **state UNUSED)
{
    size_t topology_size, vlans_size, updates_size;
    char *topology = read_file(SHARED "stanford-noacl/topo.txt", &topology_size);
    char *vlans = read_file(SHARED "stanford-noacl/vlan.txt", &vlans_size);
    char *updates = read_file(SHARED "stanford-noacl/updates", &updates_size);
    if (!topology || !vlans || !updates) {
        print_message("SKIPPED: there is no %s\n", SHARED);
        skip();
    }
    struct backbone *b = xcalloc(1, sizeof *b);
    struct imported *imp = imported_new(&(struct imported_config){.budget = ATOMS_BUDGET});
    struct import_line *line = xmalloc(sizeof *line);
    struct import_reader reader;
    struct import_update u;
    struct imported_change change;
    bool more = true;
    read_backbone(b, topology, vlans);
    assert_ok(import_stanford(imp, topology, topology_size, vlans, vlans_size, NULL));
    assert_ok(import_open(&reader, updates, updates_size, NULL));
    while (!import_stanford_next(&reader, line, &u, &more, NULL) && more)
        assert_ok(import_stanford_port(imp, &u, NULL));
    assert_ok(imported_seal(imp, NULL));
    assert_ok(import_open(&reader, updates, updates_size, NULL));
    for (uint32_t n = 1;; n++) {
        assert_ok(import_stanford_next(&reader, line, &u, &more, NULL));
        if (!more)
            break;
        assert_ok(import_apply(imp, &u, &change, NULL));
        note_update(b, &u);
        if (n % 960 == 0) /* eight times; half way all rules are there */
            assert_agrees(b, imp);
    }
    assert_int_equal(b->n_routes, 0);
    imported_free(imp);
    free(line);
    free(b);
    free(topology);
    free(vlans);
    free(updates);
}

TEST_MAIN(cmocka_unit_test(the_backbone_is_as_its_files_say))
