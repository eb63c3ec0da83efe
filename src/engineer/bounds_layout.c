/* From circuits and their designs to steps: which queues a frame may pass, in which order. Circuits
 * of the same ways are found by their key and laid out once. */
#include "engineer/bounds_ways.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

/* ---- Names ---- */

static void
name_add(struct name_index *t, const char *name, uint32_t index)
{
    t->names[index] = name;
    index_table_add(&t->index, (uint32_t)hash_bytes(name, strlen(name), 0), index);
}

static uint32_t
name_find(const struct name_index *t, const char *name)
{
    uint32_t hash = (uint32_t)hash_bytes(name, strlen(name), 0), at = hash, i;
    while (index_table_next(&t->index, hash, &at, &i)) {
        if (!strcmp(t->names[i], name))
            return i;
    }
    return NO_INDEX;
}

static struct span
keep(struct words *w, const struct words *from)
{
    struct span s = {w->n, from->n};
    for (uint32_t i = 0; i < from->n; i++)
        words_push(w, from->list[i]);
    return s;
}

/* ---- From names to ways ---- */

/* The server from this node over that link; NO_INDEX: it does not begin there. */
static uint32_t
server_from(const struct bounds *b, uint32_t node, uint32_t link)
{
    if (b->servers[2 * link].from == node)
        return 2 * link;
    return b->servers[2 * link + 1].from == node ? 2 * link + 1 : NO_INDEX;
}

static enum err
walk(const struct making *m, const uint32_t *links, uint32_t n, struct way *w)
{
    uint32_t at = m->source;
    *w = (struct way){n, xcalloc(n, sizeof *w->servers)};
    for (uint32_t i = 0; i < n; i++) {
        uint32_t server = server_from(m->b, at, links[i]);
        if (server == NO_INDEX)
            return diag_set(m->diag, ERR_CONFLICT,
                            "circuit \"%s\": its path has no link \"%s\" at node \"%s\"",
                            m->circuit->name, m->b->links[links[i]]->name, m->b->nodes[at]->name);
        w->servers[i] = server;
        at = m->b->servers[server].to;
    }
    if (at != m->receivers[0])
        return diag_set(m->diag, ERR_CONFLICT, "circuit \"%s\": its path ends at node \"%s\"",
                        m->circuit->name, m->b->nodes[at]->name);
    return ERR_OK;
}

static void
reverse(const struct way *w, struct way *reversed)
{
    *reversed = (struct way){w->n, xcalloc(w->n, sizeof *w->servers)};
    for (uint32_t i = 0; i < w->n; i++)
        reversed->servers[i] = w->servers[w->n - 1 - i] ^ 1;
}

/* The only way to each receiver, if the links make a tree; false: they do not, or a receiver is not
 * in it. */
static bool
climb(const struct making *m, const uint32_t *links, uint32_t n, struct way *ways)
{
    struct reached {
        uint32_t node, server, before, depth;
    } *reached = xcalloc(n + 1, sizeof *reached);
    uint32_t n_reached = 1, found = 0;
    reached[0].node = m->source;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t a = m->b->servers[2 * links[i]].from, z = m->b->servers[2 * links[i]].to;
        uint32_t at_a = NO_INDEX, at_z = NO_INDEX;
        for (uint32_t k = 0; k < n_reached; k++) {
            at_a = reached[k].node == a ? k : at_a;
            at_z = reached[k].node == z ? k : at_z;
        }
        if ((at_a == NO_INDEX) == (at_z == NO_INDEX))
            break;
        uint32_t before = at_a == NO_INDEX ? at_z : at_a;
        reached[n_reached++] = (struct reached){at_a == NO_INDEX ? a : z,
                                                2 * links[i] + (at_a == NO_INDEX), before,
                                                reached[before].depth + 1};
    }
    for (uint32_t r = 0; r < m->n_receivers && n_reached == n + 1; r++) {
        for (uint32_t k = 0; k < n_reached; k++) {
            if (reached[k].node != m->receivers[r])
                continue;
            ways[r] = (struct way){reached[k].depth,
                                   xcalloc(reached[k].depth, sizeof *ways[r].servers)};
            for (uint32_t at = k; at; at = reached[at].before)
                ways[r].servers[reached[at].depth - 1] = reached[at].server;
            found++;
            break;
        }
    }
    free(reached);
    return found == m->n_receivers;
}

static void
ways_fini(struct way *ways, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        free(ways[i].servers);
    memset(ways, 0, n * sizeof *ways);
}

static void
from_trail(const struct making *m, const struct trail *t, struct way *w)
{
    *w = (struct way){0};
    if (t->n < 2)
        return;
    *w = (struct way){t->n - 1, xcalloc(t->n - 1, sizeof *w->servers)};
    for (uint32_t i = 0; i + 1 < t->n; i++) {
        uint32_t link = name_find(&m->b->link_names, t->hops[i].link->name);
        uint32_t node = name_find(&m->b->node_names, t->hops[i].node->name);
        w->servers[i] = server_from(m->b, node, link);
    }
}

/* Where links make no tree, the choice is that of trail.h, as in what is compiled. */
static enum err
follow_trails(struct making *m)
{
    const struct network *net = m->b->network;
    uint32_t n = m->n_receivers;
    struct trail *primary = xcalloc(n, sizeof *primary), *failover = xcalloc(n, sizeof *failover);
    enum err err = trail_tree(net, m->circuit, &m->design->primary, primary, m->diag);
    if (!err && m->design->has_failover)
        err = trail_failovers(net, m->circuit, &m->design->failover, primary, failover, m->diag);
    for (uint32_t r = 0; r < n; r++) {
        if (!err) {
            from_trail(m, &primary[r], &m->primary[r]);
            from_trail(m, &failover[r], &m->failover[r]);
        }
        trail_fini(&primary[r]);
        trail_fini(&failover[r]);
    }
    free(primary);
    free(failover);
    if (err)
        diag_prefix(m->diag, "circuit \"%s\"", m->circuit->name);
    return err;
}

/* ---- Profiles ---- */

static void
making_init(struct making *m, uint32_t n_ways)
{
    m->primary = xcalloc(n_ways, sizeof *m->primary);
    m->failover = xcalloc(n_ways, sizeof *m->failover);
    for (int s = 0; s < BOUNDS_STATE_MAX; s++)
        m->ends[s] = xcalloc(n_ways, sizeof *m->ends[s]);
}

static void
making_fini(struct making *m, uint32_t n_ways)
{
    ways_fini(m->primary, n_ways);
    ways_fini(m->failover, n_ways);
    free(m->primary);
    free(m->failover);
    for (int s = 0; s < BOUNDS_STATE_MAX; s++) {
        for (uint32_t i = 0; i < n_ways; i++)
            free(m->ends[s][i].list);
        free(m->ends[s]);
        free(m->steps[s].list);
    }
    free(m->tests.list);
}

static void
keep_profile(struct making *m, uint32_t hash, struct span key)
{
    struct bounds *b = m->b;
    struct profile profile = {.hash = hash, .key = key, .n_ends = m->n_receivers};
    for (int s = 0; s < BOUNDS_STATE_MAX; s++) {
        profile.steps[s] = keep(&b->words, &m->steps[s]);
        profile.ends[s] = b->words.n;
        for (uint32_t i = 0; i < 2 * m->n_receivers; i++)
            words_push(&b->words, 0);
        for (uint32_t r = 0; r < m->n_receivers; r++) {
            struct span ends = keep(&b->words, &m->ends[s][r]);
            b->words.list[profile.ends[s] + 2 * r] = ends.at;
            b->words.list[profile.ends[s] + 2 * r + 1] = ends.n;
        }
    }
    profile.tests = keep(&b->words, &m->tests);
    GROW(b->profiles, b->n_profiles, b->profiles_capacity);
    b->profiles[b->n_profiles++] = profile;
}

static enum err
make_profile(struct making *m, enum err (*make)(struct making *), uint32_t hash, struct span key)
{
    enum err err = make(m);
    if (!err)
        keep_profile(m, hash, key);
    return err;
}

/* The two directions of an IP circuit, as two profiles in a row. */
static enum err
make_ip_profiles(struct making *m, const uint32_t *links, uint32_t hash, struct span key)
{
    const struct design *d = m->design;
    making_init(m, 1);
    enum err err = walk(m, links, d->primary.n_links, m->primary);
    if (!err && d->has_failover)
        err = walk(m, links + d->primary.n_links, d->failover.n_links, m->failover);
    if (!err)
        err = make_profile(m, make_ip, hash, key);
    if (!err) {
        struct making back = {.b = m->b,
                              .circuit = m->circuit,
                              .design = d,
                              .source = m->receivers[0],
                              .n_receivers = 1,
                              .receivers = &m->source,
                              .diag = m->diag};
        making_init(&back, 1);
        reverse(m->primary, back.primary);
        reverse(m->failover, back.failover);
        err = make_profile(&back, make_ip, hash, key);
        if (err) /* one direction is none */
            m->b->n_profiles--;
        making_fini(&back, 1);
    }
    making_fini(m, 1);
    return err;
}

static enum err
make_multicast_profile(struct making *m, const uint32_t *links, uint32_t hash, struct span key)
{
    const struct design *d = m->design;
    uint32_t n = m->n_receivers;
    enum err err = ERR_OK;
    making_init(m, n);
    bool trees = climb(m, links, d->primary.n_links, m->primary) &&
                 (!d->has_failover ||
                  climb(m, links + d->primary.n_links, d->failover.n_links, m->failover));
    if (!trees) {
        ways_fini(m->primary, n);
        ways_fini(m->failover, n);
        err = follow_trails(m);
    }
    if (!err)
        err = make_profile(m, make_multicast, hash, key);
    making_fini(m, n);
    return err;
}

/* Appends the links' numbers to the key. */
static enum err
push_route(struct bounds *b, const struct circuit *c, const struct route *route, struct diag *diag)
{
    for (uint32_t i = 0; i < route->n_links; i++) {
        uint32_t link = name_find(&b->link_names, route->links[i]);
        if (link == NO_INDEX)
            return diag_set(diag, ERR_NOT_FOUND, "circuit \"%s\": link \"%s\" is not there",
                            c->name, route->links[i]);
        words_push(&b->words, link);
    }
    return ERR_OK;
}

static enum err
find_host(const struct bounds *b, const struct circuit *c, const char *name, uint32_t *host,
          struct diag *diag)
{
    *host = name_find(&b->host_names, name);
    if (*host == NO_INDEX || b->host_nodes[*host] == NO_INDEX)
        return diag_set(diag, ERR_NOT_FOUND,
                        "circuit \"%s\": host \"%s\" is not there, or attached nowhere", c->name,
                        name);
    return ERR_OK;
}

#define WORDS_MAX (UINT32_C(1) << 28)
#define KEY_HEAD 4 /* kind and class, lengths, source; then receivers' nodes, links */

/* Finds or makes the circuit's profile; its first one, of IP. */
static enum err
find_profile(struct bounds *b, const struct circuit *c, const struct design *d, uint32_t source,
             const uint32_t *receivers, uint32_t n, uint32_t *profile, struct diag *diag)
{
    uint32_t start = b->words.n;
    if (start > WORDS_MAX)
        return diag_set(diag, ERR_LIMIT, "circuit \"%s\": the ways of all circuits are too many",
                        c->name);
    words_push(&b->words, (uint32_t)c->kind << 8 | c->service_class << 1 | d->has_failover);
    words_push(&b->words, d->primary.n_links);
    words_push(&b->words, n);
    words_push(&b->words, b->host_nodes[source]);
    for (uint32_t i = 0; i < n; i++)
        words_push(&b->words, b->host_nodes[receivers[i]]);
    enum err err = push_route(b, c, &d->primary, diag);
    if (!err && d->has_failover)
        err = push_route(b, c, &d->failover, diag);
    if (err) {
        b->words.n = start;
        return err;
    }
    struct span key = {start, b->words.n - start};
    const uint32_t *words = b->words.list + start;
    uint32_t hash = (uint32_t)hash_bytes(words, key.n * sizeof *words, 0), at = hash, i;
    while (index_table_next(&b->by_key, hash, &at, &i)) {
        const struct span *other = &b->profiles[i].key;
        if (other->n == key.n && !memcmp(b->words.list + other->at, words, key.n * sizeof *words)) {
            b->words.n = start;
            *profile = i;
            return ERR_OK;
        }
    }
    uint32_t *copy = xmemdup(words, key.n * sizeof *words);
    struct making m = {.b = b,
                       .circuit = c,
                       .design = d,
                       .source = copy[3],
                       .n_receivers = n,
                       .receivers = copy + KEY_HEAD,
                       .diag = diag};
    *profile = b->n_profiles;
    err = c->kind == CIRCUIT_IP ? make_ip_profiles(&m, copy + KEY_HEAD + n, hash, key)
                                : make_multicast_profile(&m, copy + KEY_HEAD + n, hash, key);
    if (err)
        b->words.n = start;
    else
        index_table_add(&b->by_key, hash, *profile);
    free(copy);
    return err;
}

/* ---- Circuits ---- */

/* Of what a meter counts, how many octets are on the wire at most: with frames as small as can be.
 * A multicast frame without a tag gets one on its failover path. */
static int64_t
on_wire(const struct bounds *b, const struct circuit *c, int64_t amount)
{
    int64_t small = MAX(b->parameters.smallest_octets, 1), wire = MAX(small, 60) + WIRE_OVERHEAD;
    if (c->kind == CIRCUIT_MULTICAST && c->multicast.vlan_id == VLAN_UNTAGGED)
        wire += VLAN_TAG;
    return (int64_t)(((__int128)amount * wire + small - 1) / small);
}

#define METER_SLACK                                                                                \
    32 /* ns of its rate: what the packet node's meter may round away in a burst                   \
        */

static struct load_curve
curve_of(const struct bounds *b, const struct circuit *c)
{
    /* The meter counts its burst in 1000 bits, rounded up (emit_meter()). */
    int64_t kbit = ((int64_t)c->burst_octets * 8 + 999) / 1000, rate = c->rate_kbps;
    int64_t largest = b->parameters.largest_octets * OCTET;
    int64_t octets = MAX(kbit * 125, 60) + WIRE_OVERHEAD + VLAN_TAG;
    struct load_curve curve = {
        .burst = on_wire(b, c, kbit * INT64_C(1000000000) + rate * METER_SLACK),
        .rate = on_wire(b, c, rate),
        .frame = MIN(largest, octets * OCTET),
        .test_burst = on_wire(b, c, b->parameters.test_octets * OCTET),
        .test_rate = on_wire(b, c, b->parameters.test_kbps)};
    curve.test_burst = MIN(curve.test_burst, curve.burst);
    curve.test_rate = MIN(curve.test_rate, curve.rate);
    return curve;
}

static void
add_delivery(struct bounds *b, enum bounds_state s, struct delivery d)
{
    GROW(b->deliveries[s], b->n_deliveries[s], b->deliveries_capacity[s]);
    b->deliveries[s][b->n_deliveries[s]++] = d;
}

/* What arrives for a receiver goes through the queue of its port. */
static void
deliver(struct bounds *b, struct entry *e, const struct profile *profile, uint32_t receiver,
        uint32_t host, uint32_t way)
{
    uint32_t queue = CLASS_MAX * (2 * b->n_links + host) + e->circuit->service_class;
    for (int s = 0; s < BOUNDS_STATE_MAX; s++) {
        const uint32_t *span = b->words.list + profile->ends[s] + 2 * receiver;
        for (uint32_t i = 0; i < span[1]; i++) {
            uint32_t step = b->words.list[span[0] + i];
            if (b->parameters.access_kbps)
                step = step_at(&b->planes[s], step, queue);
            add_delivery(b, s, (struct delivery){way, step});
            e->n_deliveries[s]++;
        }
    }
}

enum err
lay_out_circuit(struct bounds *b, const struct circuit *c, const struct design *d, struct entry *e,
                struct diag *diag)
{
    bool ip = c->kind == CIRCUIT_IP;
    uint32_t n = ip ? 1 : c->multicast.n_subscribers, source = 0, first = 0;
    uint32_t few[16], *receivers = n <= ARRAY_SIZE(few) ? few : xcalloc(n, sizeof *receivers);
    enum err err = find_host(b, c, ip ? c->ip.client : c->multicast.publisher, &source, diag);
    for (uint32_t i = 0; i < n && !err; i++)
        err = find_host(b, c, ip ? c->ip.server : c->multicast.subscribers[i], &receivers[i], diag);
    if (!err)
        err = find_profile(b, c, d, source, receivers, n, &first, diag);
    if (!err) {
        *e = (struct entry){.circuit = c,
                            .number = d->number,
                            .profiles = {first, ip ? first + 1 : NO_INDEX},
                            .deliveries = {b->n_deliveries[0], b->n_deliveries[1]},
                            .curve = curve_of(b, c)};
        for (uint32_t i = 0; i < n; i++)
            deliver(b, e, &b->profiles[first], i, receivers[i], i);
        if (ip)
            deliver(b, e, &b->profiles[first + 1], 0, source, 1);
    }
    if (receivers != few)
        free(receivers);
    return err;
}

static void
load_step(struct plane *p, uint32_t step, int64_t burst, int64_t rate, int64_t frame, int circuits)
{
    struct step *s = &p->steps[step];
    s->burst += burst;
    s->rate += rate;
    s->circuits += (uint32_t)circuits;
    struct arrivals *a = &p->arrivals[s->arrivals];
    a->rate += rate;
    a->circuits += (uint32_t)circuits;
    a->frame = MAX(a->frame, frame);
}

static void
load_steps(struct bounds *b, enum bounds_state s, struct span list, const struct load_curve *c,
           int circuits)
{
    for (uint32_t i = 0; i < list.n; i++)
        load_step(&b->planes[s], b->words.list[list.at + i], c->burst, c->rate, c->frame, circuits);
}

static void
load_profile(struct bounds *b, const struct profile *p, const struct load_curve *c, int circuits)
{
    const struct load_curve tests = {
        .burst = c->test_burst, .rate = c->test_rate, .frame = c->frame};
    for (int s = 0; s < BOUNDS_STATE_MAX; s++)
        load_steps(b, s, p->steps[s], c, circuits);
    load_steps(b, BOUNDS_NORMAL, p->tests, &tests, 0);
}

static void
load_deliveries(struct bounds *b, const struct entry *e, const struct load_curve *c, int circuits)
{
    for (int s = 0; b->parameters.access_kbps && s < BOUNDS_STATE_MAX; s++) {
        for (uint32_t i = 0; i < e->n_deliveries[s]; i++)
            load_step(&b->planes[s], b->deliveries[s][e->deliveries[s] + i].step, c->burst, c->rate,
                      c->frame, circuits);
    }
}

void
apply_curve(struct bounds *b, const struct entry *e, int sign)
{
    const struct load_curve curve = {.burst = sign * e->curve.burst,
                                     .rate = sign * e->curve.rate,
                                     .frame = e->curve.frame,
                                     .test_burst = sign * e->curve.test_burst,
                                     .test_rate = sign * e->curve.test_rate};
    for (int i = 0; i < 2; i++) {
        if (e->profiles[i] == NO_INDEX)
            continue;
        load_profile(b, &b->profiles[e->profiles[i]], &curve, sign);
    }
    load_deliveries(b, e, &curve, sign);
}

/* Adds to the sums of its profiles, which are applied at the end, once each. */
static void
collect(struct bounds *b, const struct entry *e)
{
    for (int i = 0; i < 2; i++) {
        if (e->profiles[i] == NO_INDEX)
            continue;
        struct profile *p = &b->profiles[e->profiles[i]];
        p->circuits++;
        p->burst += e->curve.burst;
        p->rate += e->curve.rate;
        p->test_burst += e->curve.test_burst;
        p->test_rate += e->curve.test_rate;
        p->frame = MAX(p->frame, e->curve.frame);
    }
    load_deliveries(b, e, &e->curve, 1);
}

static void
apply_sums(struct bounds *b)
{
    for (uint32_t i = 0; i < b->n_profiles; i++) {
        const struct profile *p = &b->profiles[i];
        const struct load_curve sums = {.burst = p->burst,
                                        .rate = p->rate,
                                        .frame = p->frame,
                                        .test_burst = p->test_burst,
                                        .test_rate = p->test_rate};
        load_profile(b, p, &sums, (int)p->circuits);
    }
}

/* ---- Entries ---- */

uint32_t
find_entry(const struct bounds *b, const char *name)
{
    uint32_t hash = (uint32_t)hash_bytes(name, strlen(name), 0), at = hash, i;
    while (index_table_next(&b->by_name, hash, &at, &i)) {
        if (!b->entries[i].gone && !strcmp(b->entries[i].circuit->name, name))
            return i;
    }
    return NO_INDEX;
}

void
put_entry(struct bounds *b, const struct entry *e)
{
    const char *name = e->circuit->name;
    GROW(b->entries, b->n_entries, b->entries_capacity);
    index_table_add(&b->by_name, (uint32_t)hash_bytes(name, strlen(name), 0), b->n_entries);
    b->entries[b->n_entries++] = *e;
}

/* ---- All of it ---- */

static void
number_nodes(struct bounds *b)
{
    const struct network *net = b->network;
    b->nodes = xcalloc(HASH_COUNT(net->nodes), sizeof *b->nodes);
    b->node_names.names = xcalloc(HASH_COUNT(net->nodes), sizeof(char *));
    for (struct node *node = net->nodes; node; node = node->hh.next) {
        b->nodes[b->n_nodes] = node;
        name_add(&b->node_names, node->name, b->n_nodes++);
    }
}

static void
number_links(struct bounds *b)
{
    const struct network *net = b->network;
    uint32_t n_links = HASH_COUNT(net->links), n_hosts = HASH_COUNT(net->hosts);
    b->links = xcalloc(n_links, sizeof *b->links);
    b->link_names.names = xcalloc(n_links, sizeof(char *));
    b->servers = xcalloc(2 * n_links + n_hosts, sizeof *b->servers);
    for (struct link *link = net->links; link; link = link->hh.next) {
        uint32_t a = name_find(&b->node_names, link->a.node);
        uint32_t z = name_find(&b->node_names, link->b.node);
        if (a == NO_INDEX || z == NO_INDEX || a == z)
            continue;
        const struct server there = {.node = b->nodes[a],
                                     .link = link,
                                     .from = a,
                                     .to = z,
                                     .port = link->a.port,
                                     .kbps = link->capacity_kbps,
                                     .travel = link->delay_us * NSEC_PER_USEC};
        b->links[b->n_links] = link;
        b->servers[2 * b->n_links] = b->servers[2 * b->n_links + 1] = there;
        struct server *back = &b->servers[2 * b->n_links + 1];
        back->node = b->nodes[z];
        back->port = link->b.port;
        back->from = z;
        back->to = a;
        name_add(&b->link_names, link->name, b->n_links++);
    }
}

static void
number_hosts(struct bounds *b)
{
    const struct network *net = b->network;
    uint32_t n = HASH_COUNT(net->hosts);
    b->hosts = xcalloc(n, sizeof *b->hosts);
    b->host_nodes = xcalloc(n, sizeof *b->host_nodes);
    b->host_names.names = xcalloc(n, sizeof(char *));
    for (struct host *host = net->hosts; host; host = host->hh.next) {
        uint32_t node = host->node ? name_find(&b->node_names, host->node) : NO_INDEX;
        b->hosts[b->n_hosts] = host;
        b->host_nodes[b->n_hosts] = node;
        b->servers[2 * b->n_links + b->n_hosts] = (struct server){
            .node = node == NO_INDEX ? NULL : b->nodes[node],
            .from = node,
            .to = NO_INDEX,
            .port = host->port,
            .kbps = b->parameters.access_kbps};
        name_add(&b->host_names, host->name, b->n_hosts++);
    }
    b->n_servers = 2 * b->n_links + b->n_hosts;
}

static void
init_planes(struct bounds *b)
{
    uint32_t n_queues = CLASS_MAX * b->n_servers, n_circuits = HASH_COUNT(b->network->circuits);
    index_table_reserve(&b->by_name, n_circuits);
    b->entries_capacity = n_circuits + 1;
    b->entries = xcalloc(b->entries_capacity, sizeof *b->entries);
    for (int s = 0; s < BOUNDS_STATE_MAX; s++) {
        struct plane *p = &b->planes[s];
        p->n_link_queues = CLASS_MAX * 2 * b->n_links;
        p->steps_capacity = 2 * n_circuits + 64; /* as many as it often takes; it may grow */
        p->steps = xcalloc(p->steps_capacity, sizeof *p->steps);
        index_table_reserve(&p->by_parent, p->steps_capacity);
        p->steps[p->n_steps++] = (struct step){.queue = NO_INDEX, .arrivals = NO_INDEX};
        p->first = xmalloc((n_queues + 1) * sizeof *p->first);
        memset(p->first, 0xff, n_queues * sizeof *p->first);
        p->delay = xcalloc(n_queues + 1, sizeof *p->delay);
    }
}

#define LIMIT_MAX (1000 * NSEC_PER_SEC)

static enum err
check_parameters(const struct bounds_parameters *p, struct diag *diag)
{
    if (p->processing_best < 0 || p->processing_best > p->processing_worst ||
        p->processing_worst > LIMIT_MAX)
        return diag_set(diag, ERR_INVALID,
                        "processing takes from %lld to %lld ns: not from 0 and rising, to 1000 s",
                        (long long)p->processing_best, (long long)p->processing_worst);
    if (p->smallest_octets < 1 || MAX(p->smallest_octets, 60) + WIRE_OVERHEAD > p->largest_octets)
        return diag_set(diag, ERR_INVALID,
                        "frames from %u octets to %u on the wire: none is so small and so large",
                        p->smallest_octets, p->largest_octets);
    if (p->limit < 1 || p->limit > LIMIT_MAX || p->max_turns < 1)
        return diag_set(diag, ERR_INVALID, "a limit of %lld ns and %u turns: not 1 ns to 1000 s, 1",
                        (long long)p->limit, p->max_turns);
    return ERR_OK;
}

enum err
bounds_lay_out(const struct network *net, const struct bounds_parameters *parameters,
               struct bounds **result, struct diag *diag)
{
    enum err err = check_parameters(parameters, diag);
    if (err)
        return err;
    struct bounds *b = xcalloc(1, sizeof *b);
    int64_t burst = 0;
    b->network = net;
    b->parameters = *parameters;
    number_nodes(b);
    number_links(b);
    number_hosts(b);
    init_planes(b);
    const struct design *likely = net->designs; /* both lists are often in the same order */
    for (struct circuit *c = net->circuits; c && !err; c = c->hh.next) {
        const struct design *d = likely && !strcmp(likely->circuit, c->name)
                                     ? likely
                                     : network_design(net, c->name);
        struct entry entry;
        if (!d)
            continue;
        likely = d->hh.next;
        err = lay_out_circuit(b, c, d, &entry, diag);
        if (!err && __builtin_add_overflow(burst, entry.curve.burst, &burst))
            err = diag_set(diag, ERR_LIMIT, "circuit \"%s\": all bursts are too much to add up",
                           c->name);
        if (!err) {
            collect(b, &entry);
            put_entry(b, &entry);
        }
    }
    if (err) {
        bounds_free(b);
        return err;
    }
    apply_sums(b);
    *result = b;
    return ERR_OK;
}

void
bounds_free(struct bounds *b)
{
    if (!b)
        return;
    for (int s = 0; s < BOUNDS_STATE_MAX; s++) {
        struct plane *p = &b->planes[s];
        free(p->steps);
        free(p->by_parent.slots);
        free(p->parents.list);
        free(p->by_list.slots);
        free(p->arrivals);
        for (int part = 0; part < PART_MAX; part++) {
            free(p->own_steps[part].list);
            free(p->own_arrivals[part].list);
        }
        free(p->first);
        free(p->delay);
        free(b->deliveries[s]);
    }
    free(b->nodes);
    free(b->links);
    free(b->hosts);
    free(b->host_nodes);
    free(b->node_names.names);
    free(b->node_names.index.slots);
    free(b->link_names.names);
    free(b->link_names.index.slots);
    free(b->host_names.names);
    free(b->host_names.index.slots);
    free(b->servers);
    free(b->words.list);
    free(b->profiles);
    free(b->by_key.slots);
    free(b->entries);
    free(b->by_name.slots);
    free(b);
}
