#include "model/model.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "model/object.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_TO_RESTORE_DEFAULT_MS 1000
#define LOCAL_WORK_DEFAULT_HOURS 24

/* What is at which port, and which node has which datapath id, and which router which router id:
 * arrays sorted by hash. They are
 * built when they are first asked for, and dropped whenever one of those is put or removed, so that
 * putting many objects costs nothing and asking often is fast. */
struct entry {
    uint64_t hash;
    enum object_kind kind;
    void *object;
};

struct network_index {
    size_t n_ports, n_nodes, n_routers;
    struct entry *ports; /* links (twice each) and hosts */
    struct entry *nodes;
    struct entry *routers;
};

static uint64_t
hash_port(const char *node, uint32_t port)
{
    return hash_bytes(node, strlen(node), port);
}

static int
compare_entries(const void *a, const void *b)
{
    uint64_t x = ((const struct entry *)a)->hash, y = ((const struct entry *)b)->hash;
    return (x > y) - (x < y);
}

static void
add_entry(struct entry *entries, size_t *n, uint64_t hash, enum object_kind kind, void *object)
{
    entries[(*n)++] = (struct entry){hash, kind, object};
}

static struct network_index *
build_index(const struct network *network)
{
    struct network_index *index = xcalloc(1, sizeof *index);
    index->ports = xcalloc(2 * HASH_COUNT(network->links) + HASH_COUNT(network->hosts),
                           sizeof *index->ports);
    index->nodes = xcalloc(HASH_COUNT(network->nodes), sizeof *index->nodes);
    index->routers = xcalloc(HASH_COUNT(network->routers), sizeof *index->routers);
    for (struct link *link = network->links; link; link = link->hh.next) {
        add_entry(index->ports, &index->n_ports, hash_port(link->a.node, link->a.port), OBJECT_LINK,
                  link);
        add_entry(index->ports, &index->n_ports, hash_port(link->b.node, link->b.port), OBJECT_LINK,
                  link);
    }
    for (struct host *host = network->hosts; host; host = host->hh.next)
        add_entry(index->ports, &index->n_ports, hash_port(host->node, host->port), OBJECT_HOST,
                  host);
    for (struct node *node = network->nodes; node; node = node->hh.next)
        add_entry(index->nodes, &index->n_nodes, hash_mix(node->datapath_id), OBJECT_NODE, node);
    for (struct router *router = network->routers; router; router = router->hh.next)
        add_entry(index->routers, &index->n_routers, hash_mix(router->router_id), OBJECT_ROUTER,
                  router);
    qsort(index->ports, index->n_ports, sizeof *index->ports, compare_entries);
    qsort(index->nodes, index->n_nodes, sizeof *index->nodes, compare_entries);
    qsort(index->routers, index->n_routers, sizeof *index->routers, compare_entries);
    return index;
}

static void
drop_index(struct network *network)
{
    if (!network->index)
        return;
    free(network->index->ports);
    free(network->index->nodes);
    free(network->index->routers);
    free(network->index);
    network->index = NULL;
}

static const struct network_index *
get_index(const struct network *network)
{
    if (!network->index) /* a cache: what the network says is the same before and after */
        ((struct network *)network)->index = build_index(network);
    return network->index;
}

/* The first entry with that hash, or where it would be. */
static size_t
find_entry(const struct entry *entries, size_t n, uint64_t hash)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entries[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- The network -------------------------------------------------------------------------------
 */

struct network *
network_new(void)
{
    struct network *network = xcalloc(1, sizeof *network);
    network->settings = (struct settings){
        .missing_rule = DRIFT_REPAIR,
        .foreign_rule = DRIFT_REPAIR,
        .wait_to_restore_ms = WAIT_TO_RESTORE_DEFAULT_MS,
        .revertive = true,
        .local_work_hours = LOCAL_WORK_DEFAULT_HOURS,
    };
    return network;
}

void
network_free(struct network *network)
{
    if (!network)
        return;
    drop_index(network);
    for (enum object_kind kind = 0; kind < OBJECT_NAMED_MAX; kind++) {
        void *object;
        while ((object = network_first(network, kind))) {
            enum err err = network_remove(network, kind, object_name(kind, object));
            (void)err; /* it was found there */
        }
    }
    free(network);
}

struct network *
network_copy(const struct network *network)
{
    struct network *copy = network_new();
    copy->settings = network->settings;
    for (enum object_kind kind = 0; kind < OBJECT_NAMED_MAX; kind++) {
        for (void *object = network_first(network, kind); object;
             object = object_next(kind, object))
            network_put(copy, kind, object_copy(kind, object));
    }
    return copy;
}

/* Does the index say anything about objects of this kind? */
static bool
is_indexed(enum object_kind kind)
{
    return kind == OBJECT_NODE || kind == OBJECT_LINK || kind == OBJECT_HOST ||
           kind == OBJECT_ROUTER;
}

/* One kind of object: its lookup, insertion, removal and life, typed. A replaced object keeps its
 * place in the order because its contents change, not the struct. */
#define DEFINE_KIND(type, KIND, table, id)                                                         \
    struct type *network_##type(const struct network *network, const char *name)                   \
    {                                                                                              \
        struct type *found;                                                                        \
        HASH_FIND(hh, network->table, name, strlen(name), found);                                  \
        return found;                                                                              \
    }                                                                                              \
                                                                                                   \
    void network_put_##type(struct network *network, struct type *object)                          \
    {                                                                                              \
        if (is_indexed(KIND))                                                                      \
            drop_index(network);                                                                   \
        struct type *old = network_##type(network, object->id);                                    \
        if (!old) {                                                                                \
            HASH_ADD_KEYPTR(hh, network->table, object->id, strlen(object->id), object);           \
        } else if (old != object) {                                                                \
            UT_hash_handle place = old->hh;                                                        \
            object_fini(KIND, old);                                                                \
            *old = *object;                                                                        \
            old->hh = place;                                                                       \
            old->hh.key = old->id;                                                                 \
            free(object);                                                                          \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    enum err network_remove_##type(struct network *network, const char *name)                      \
    {                                                                                              \
        struct type *old = network_##type(network, name);                                          \
        if (!old)                                                                                  \
            return ERR_NOT_FOUND;                                                                  \
        if (is_indexed(KIND))                                                                      \
            drop_index(network);                                                                   \
        HASH_DEL(network->table, old);                                                             \
        object_free(KIND, old);                                                                    \
        return ERR_OK;                                                                             \
    }                                                                                              \
                                                                                                   \
    void type##_free(struct type *object)                                                          \
    {                                                                                              \
        object_free(KIND, object);                                                                 \
    }                                                                                              \
                                                                                                   \
    struct type *type##_copy(const struct type *object)                                            \
    {                                                                                              \
        return object_copy(KIND, object);                                                          \
    }

#define DEFINE_EQUAL(type, KIND)                                                                   \
    bool type##_equal(const struct type *a, const struct type *b)                                  \
    {                                                                                              \
        return object_equal(KIND, a, b);                                                           \
    }

/* type, kind, table, key */
#define NAMED_KINDS(X)                                                                             \
    X(site, OBJECT_SITE, sites, name)                                                              \
    X(node, OBJECT_NODE, nodes, name)                                                              \
    X(link, OBJECT_LINK, links, name)                                                              \
    X(host, OBJECT_HOST, hosts, name)                                                              \
    X(router, OBJECT_ROUTER, routers, name)                                                        \
    X(tunnel, OBJECT_TUNNEL, tunnels, name)                                                        \
    X(vpn, OBJECT_VPN, vpns, name)                                                                 \
    X(circuit, OBJECT_CIRCUIT, circuits, name)                                                     \
    X(design, OBJECT_DESIGN, designs, circuit)

NAMED_KINDS(DEFINE_KIND)
DEFINE_EQUAL(site, OBJECT_SITE)
DEFINE_EQUAL(node, OBJECT_NODE)
DEFINE_EQUAL(link, OBJECT_LINK)
DEFINE_EQUAL(host, OBJECT_HOST)
DEFINE_EQUAL(router, OBJECT_ROUTER)
DEFINE_EQUAL(tunnel, OBJECT_TUNNEL)
DEFINE_EQUAL(vpn, OBJECT_VPN)
DEFINE_EQUAL(circuit, OBJECT_CIRCUIT)

/* ---- Lookups -----------------------------------------------------------------------------------
 */

struct node *
network_node_by_dpid(const struct network *network, uint64_t datapath_id)
{
    const struct network_index *index = get_index(network);
    uint64_t hash = hash_mix(datapath_id);
    for (size_t i = find_entry(index->nodes, index->n_nodes, hash);
         i < index->n_nodes && index->nodes[i].hash == hash; i++) {
        struct node *node = index->nodes[i].object;
        if (node->datapath_id == datapath_id)
            return node;
    }
    return NULL;
}

struct router *
network_router_by_id(const struct network *network, uint32_t router_id)
{
    const struct network_index *index = get_index(network);
    uint64_t hash = hash_mix(router_id);
    for (size_t i = find_entry(index->routers, index->n_routers, hash);
         i < index->n_routers && index->routers[i].hash == hash; i++) {
        struct router *router = index->routers[i].object;
        if (router->router_id == router_id)
            return router;
    }
    return NULL;
}

static bool
is_end(const struct link_end *end, const char *node, uint32_t port)
{
    return end->port == port && !strcmp(end->node, node);
}

static bool
is_at_port(const struct entry *entry, const char *node, uint32_t port)
{
    if (entry->kind == OBJECT_LINK) {
        const struct link *link = entry->object;
        return is_end(&link->a, node, port) || is_end(&link->b, node, port);
    }
    const struct host *host = entry->object;
    return host->port == port && !strcmp(host->node, node);
}

static void *
find_at_port(const struct network *network, enum object_kind kind, const char *node, uint32_t port)
{
    const struct network_index *index = get_index(network);
    uint64_t hash = hash_port(node, port);
    for (size_t i = find_entry(index->ports, index->n_ports, hash);
         i < index->n_ports && index->ports[i].hash == hash; i++) {
        if (index->ports[i].kind == kind && is_at_port(&index->ports[i], node, port))
            return index->ports[i].object;
    }
    return NULL;
}

struct link *
network_link_at(const struct network *network, const char *node, uint32_t port)
{
    return find_at_port(network, OBJECT_LINK, node, port);
}

struct host *
network_host_at(const struct network *network, const char *node, uint32_t port)
{
    return find_at_port(network, OBJECT_HOST, node, port);
}

const struct port *
node_port(const struct node *node, uint32_t number)
{
    size_t low = 0, high = node->n_ports;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (node->ports[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < node->n_ports && node->ports[low].number == number;
    return found ? &node->ports[low] : NULL;
}

const struct port *
node_port_by_name(const struct node *node, const char *name)
{
    for (uint32_t i = 0; i < node->n_ports; i++) {
        if (!strcmp(node->ports[i].name, name))
            return &node->ports[i];
    }
    return NULL;
}

const struct link_end *
link_end_at(const struct link *link, const char *node)
{
    return !strcmp(link->a.node, node) ? &link->a : !strcmp(link->b.node, node) ? &link->b : NULL;
}

const struct link_end *
link_far_end(const struct link *link, const char *node)
{
    return !strcmp(link->a.node, node) ? &link->b : !strcmp(link->b.node, node) ? &link->a : NULL;
}

/* ---- Any kind ----------------------------------------------------------------------------------
 */

void *
network_find(const struct network *network, enum object_kind kind, const char *name)
{
    switch (kind) {
#define FIND(type, KIND, table, id)                                                                \
    case KIND:                                                                                     \
        return network_##type(network, name);
        NAMED_KINDS(FIND)
    default:
        return NULL;
    }
}

void
network_put(struct network *network, enum object_kind kind, void *object)
{
    switch (kind) {
#define PUT(type, KIND, table, id)                                                                 \
    case KIND:                                                                                     \
        network_put_##type(network, object);                                                       \
        break;
        NAMED_KINDS(PUT)
    default:
        abort(); /* not a named object */
    }
}

enum err
network_remove(struct network *network, enum object_kind kind, const char *name)
{
    switch (kind) {
#define REMOVE(type, KIND, table, id)                                                              \
    case KIND:                                                                                     \
        return network_remove_##type(network, name);
        NAMED_KINDS(REMOVE)
    default:
        return ERR_NOT_FOUND;
    }
}

void *
network_first(const struct network *network, enum object_kind kind)
{
    switch (kind) {
#define FIRST(type, KIND, table, id)                                                               \
    case KIND:                                                                                     \
        return network->table;
        NAMED_KINDS(FIRST)
    default:
        return NULL;
    }
}

void *
object_next(enum object_kind kind, const void *object)
{
    switch (kind) {
#define NEXT(type, KIND, table, id)                                                                \
    case KIND:                                                                                     \
        return ((const struct type *)object)->hh.next;
        NAMED_KINDS(NEXT)
    default:
        return NULL;
    }
}

unsigned
network_count(const struct network *network, enum object_kind kind)
{
    switch (kind) {
#define COUNT(type, KIND, table, id)                                                               \
    case KIND:                                                                                     \
        return HASH_COUNT(network->table);
        NAMED_KINDS(COUNT)
    default:
        return 0;
    }
}
