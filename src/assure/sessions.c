#include "assure/sessions.h"

#include "base/alloc.h"
#include "engineer/compile.h"
#include "engineer/trail.h"

#include <stdlib.h>

static const char *const path_words[TEST_PATH_MAX] = {"primary", "failover"};
static const char *const direction_words[DIRECTION_MAX] = {"forward", "backward"};

/* One circuit on its way to its sessions. */
struct making {
    const struct network *network;
    const struct circuit *circuit;
    const struct design *design;
    struct findings *findings;
    struct diag *diag;
    struct test_sessions made; /* handed over when all went well */
};

const char *
test_path_word(enum test_path path)
{
    return path < TEST_PATH_MAX ? path_words[path] : "?";
}

static unsigned
index_of_word(const char *const *words, unsigned n, const char *word)
{
    unsigned i = 0;
    while (i < n && (!word || strcmp(words[i], word)))
        i++;
    return i;
}

enum test_path
test_path_from_word(const char *word)
{
    return index_of_word(path_words, TEST_PATH_MAX, word);
}

const char *
test_direction_word(enum test_direction direction)
{
    return direction < DIRECTION_MAX ? direction_words[direction] : "?";
}

enum test_direction
test_direction_from_word(const char *word)
{
    return index_of_word(direction_words, DIRECTION_MAX, word);
}

static void
session_fini(struct test_session *s)
{
    for (uint32_t i = 0; i < s->n_receivers; i++) {
        for (uint32_t h = 0; h < s->receivers[i].n_hosts; h++)
            free(s->receivers[i].hosts[h]);
        free(s->receivers[i].hosts);
        free(s->receivers[i].node);
    }
    free(s->receivers);
    free(s->node);
    free(s->host);
}

void
test_sessions_fini(struct test_sessions *sessions)
{
    for (uint32_t i = 0; i < sessions->n; i++)
        session_fini(&sessions->list[i]);
    free(sessions->list);
    *sessions = (struct test_sessions){0};
}

static struct test_session *
add_session(struct making *m, enum test_path path, const struct host *host, bool in_band)
{
    GROW(m->made.list, m->made.n, m->made.capacity);
    struct test_session *s = &m->made.list[m->made.n++];
    *s = (struct test_session){
        .path = path, .node = xstrdup(host->node), .host = xstrdup(host->name), .in_band = in_band};
    s->frame.source = host->mac;
    s->frame.udp_source = test_port(m->design->number, path == PATH_FAILOVER);
    s->frame.udp_destination = TEST_UDP_PORT;
    return s;
}

static void
add_host(struct test_receiver *r, const char *host)
{
    r->hosts = xrealloc(r->hosts, r->n_hosts + 1, sizeof *r->hosts);
    r->hosts[r->n_hosts++] = xstrdup(host);
}

static void
add_receiver(struct test_session *s, const char *node, uint32_t address, const char *host)
{
    s->receivers = xrealloc(s->receivers, s->n_receivers + 1, sizeof *s->receivers);
    struct test_receiver *r = &s->receivers[s->n_receivers++];
    *r = (struct test_receiver){.node = xstrdup(node), .address = address};
    add_host(r, host);
}

static bool
can_test(const struct node *node)
{
    return node->kind == NODE_TIELINE_EDGE || node->probe;
}

#define NOT_TESTED(m, ...)                                                                         \
    do {                                                                                           \
        if ((m)->findings)                                                                         \
            findings_add((m)->findings, SEVERITY_WARNING, "not-tested", "circuit",                 \
                         (m)->circuit->name, NULL, __VA_ARGS__);                                   \
    } while (0)

/* ---- IP ---- */

/* As the first node expects it from the host: to the peer, or to the gateway if it is elsewhere. */
static void
address_ip_frame(struct test_frame *frame, const struct host *from, const struct host *to)
{
    uint32_t mask = ipv4_mask(from->prefix_length);
    if ((from->ipv4 & mask) == (to->ipv4 & mask))
        frame->destination = to->mac;
    else
        gateway_mac(from->gateway, &frame->destination);
    frame->vlan_id = VLAN_UNTAGGED;
    frame->ipv4_source = from->ipv4;
    frame->ipv4_destination = to->ipv4;
}

static enum err
make_ip(struct making *m, unsigned paths)
{
    const struct host *client = network_host(m->network, m->circuit->ip.client);
    const struct host *server = network_host(m->network, m->circuit->ip.server);
    const struct node *a = client ? network_node(m->network, client->node) : NULL;
    const struct node *b = server ? network_node(m->network, server->node) : NULL;
    if (!a || !b)
        return diag_set(m->diag, ERR_NOT_FOUND,
                        "circuit \"%s\": %s \"%s\" or its node is not there", m->circuit->name,
                        a ? "server" : "client", a ? m->circuit->ip.server : m->circuit->ip.client);
    if (a == b) {
        NOT_TESTED(m, "both ends are at node %s: there is no path to test", a->name);
        return ERR_OK;
    }
    if (!can_test(a) || !can_test(b)) {
        NOT_TESTED(m, "node %s has nothing that sends and reflects tests",
                   can_test(a) ? b->name : a->name);
        return ERR_OK;
    }
    for (enum test_path path = 0; path < TEST_PATH_MAX; path++) {
        if (!(paths & 1u << path) || (path == PATH_FAILOVER && !m->design->has_failover))
            continue;
        struct test_session *s = add_session(m, path, client, true);
        address_ip_frame(&s->frame, client, server);
        add_receiver(s, b->name, server->ipv4, server->name);
    }
    return ERR_OK;
}

/* ---- Multicast ---- */

static void
address_multicast_frame(const struct making *m, struct test_frame *frame, const struct node *root)
{
    const struct multicast_service *service = &m->circuit->multicast;
    frame->destination = service->mac;
    frame->vlan_id = service->vlan_id;
    frame->vlan_priority = service->vlan_id == VLAN_UNTAGGED ? 0 : service->vlan_priority;
    frame->ipv4_source = root->management_address;
    frame->ipv4_destination = test_group(m->design->number);
}

/* A receiver at this node in the sessions of this path; NULL: none yet. */
static struct test_receiver *
find_receiver(struct making *m, enum test_path path, const char *node)
{
    for (uint32_t i = 0; i < m->made.n; i++) {
        struct test_session *s = &m->made.list[i];
        for (uint32_t r = 0; s->path == path && r < s->n_receivers; r++) {
            if (!strcmp(s->receivers[r].node, node))
                return &s->receivers[r];
        }
    }
    return NULL;
}

static void
add_subscriber(struct making *m, enum test_path path, const struct host *publisher,
               const struct node *root, const struct node *node, const char *subscriber)
{
    struct test_receiver *known = find_receiver(m, path, node->name);
    if (known) {
        add_host(known, subscriber);
        return;
    }
    struct test_session *s = m->made.n ? &m->made.list[m->made.n - 1] : NULL;
    if (!s || s->path != path || s->n_receivers == SESSION_RECEIVERS) {
        s = add_session(m, path, publisher, false);
        address_multicast_frame(m, &s->frame, root);
    }
    add_receiver(s, node->name, node->management_address, subscriber);
}

/* Why nothing at this subscriber's node can be tested; NULL: it can. */
static const char *
why_not(const struct node *root, const struct node *node)
{
    if (node == root)
        return "is at the publisher's own node: there is no path to it";
    if (!can_test(node))
        return "is at a node that has nothing that reflects tests";
    if (!node->management_address)
        return "is at a node whose management address is not known, by which it would answer";
    return NULL;
}

static void
make_tree(struct making *m, enum test_path path, const struct host *publisher,
          const struct trail *trails, bool tell)
{
    const struct node *root = network_node(m->network, publisher->node);
    for (uint32_t i = 0; i < m->circuit->multicast.n_subscribers; i++) {
        const char *subscriber = m->circuit->multicast.subscribers[i];
        const struct trail *trail = &trails[i];
        if (!trail->n || (path == PATH_FAILOVER && trail->n < 2))
            continue;
        const struct node *node = trail->hops[trail->n - 1].node;
        const char *reason = why_not(root, node);
        if (!reason)
            add_subscriber(m, path, publisher, root, node, subscriber);
        else if (tell)
            NOT_TESTED(m, "subscriber %s %s (%s)", subscriber, reason, node->name);
    }
}

static enum err
make_trees(struct making *m, unsigned paths, const struct host *publisher)
{
    uint32_t n = m->circuit->multicast.n_subscribers;
    struct trail *primaries = xcalloc(n, sizeof *primaries);
    struct trail *failovers = xcalloc(n, sizeof *failovers);
    enum err err = trail_tree(m->network, m->circuit, &m->design->primary, primaries, m->diag);
    if (!err && m->design->has_failover)
        err = trail_failovers(m->network, m->circuit, &m->design->failover, primaries, failovers,
                              m->diag);
    if (!err && paths & TEST_PRIMARY)
        make_tree(m, PATH_PRIMARY, publisher, primaries, true);
    if (!err && paths & TEST_FAILOVER)
        make_tree(m, PATH_FAILOVER, publisher, failovers, !(paths & TEST_PRIMARY));
    for (uint32_t i = 0; i < n; i++) {
        trail_fini(&primaries[i]);
        trail_fini(&failovers[i]);
    }
    free(primaries);
    free(failovers);
    return err;
}

static enum err
make_multicast(struct making *m, unsigned paths)
{
    const struct host *publisher = network_host(m->network, m->circuit->multicast.publisher);
    const struct node *root = publisher ? network_node(m->network, publisher->node) : NULL;
    if (!root)
        return diag_set(m->diag, ERR_NOT_FOUND,
                        "circuit \"%s\": publisher \"%s\" or its node is not there",
                        m->circuit->name, m->circuit->multicast.publisher);
    if (!can_test(root)) {
        NOT_TESTED(m, "the publisher's node %s has nothing that sends tests", root->name);
        return ERR_OK;
    }
    if (!root->management_address) {
        NOT_TESTED(m, "the management address of node %s is not known, to which tests are answered",
                   root->name);
        return ERR_OK;
    }
    return make_trees(m, paths, publisher);
}

enum err
test_sessions_make(const struct network *network, const struct circuit *circuit,
                   const struct design *design, unsigned paths, struct test_sessions *sessions,
                   struct findings *findings, struct diag *diag)
{
    struct making m = {network, circuit, design, findings, diag, {0}};
    if (paths == TEST_FAILOVER && !design->has_failover)
        NOT_TESTED(&m, "there is no failover path");
    enum err err = circuit->kind == CIRCUIT_IP ? make_ip(&m, paths) : make_multicast(&m, paths);
    for (uint32_t i = 0; i < m.made.n && !err; i++) {
        GROW(sessions->list, sessions->n, sessions->capacity);
        sessions->list[sessions->n++] = m.made.list[i];
    }
    if (!err)
        m.made.n = 0; /* Only the array is left. */
    test_sessions_fini(&m.made);
    return err;
}
