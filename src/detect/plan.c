/* Rows are sorted by a key that both directions of a conversation have; those of one key are looked
 * at one by one. */
#include "detect/plan.h"

#include "base/alloc.h"
#include "base/attr.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define ARP 0x0806
#define PROTO_ICMP 1
#define PROTO_UDP 17
#define MACS_OF_END 2

enum row_kind {
    ROW_IP,        /* ends[0] is the client */
    ROW_TEST,      /* its test, both ways */
    ROW_MULTICAST, /* ends[0] is the publisher, ends[1] the group */
    ROW_NEIGHBOUR, /* ARP: macs[0] of ends[0] is somebody of a circuit */
};

struct row_end {
    uint32_t ip;
    uint8_t n_macs;
    struct mac macs[MACS_OF_END];
};

struct row {
    uint64_t key;
    enum row_kind kind;
    const char *circuit; /* NULL: Tieline's own */
    uint8_t proto;
    uint16_t eth_type, client_port, server_port;
    const json_t *ports; /* numbers */
    struct row_end ends[2];
};

struct plan {
    json_t *json; /* names and ports are its */
    struct row *rows;
    size_t n, capacity;
};

/* ---- Keys ---- */

static uint64_t
key_of_ips(uint32_t a, uint32_t b)
{
    return hash_mix((uint64_t)MIN(a, b) << 32 | MAX(a, b)) | 1;
}

static uint64_t
key_of_mac(const struct mac *mac, uint16_t eth_type)
{
    return hash_bytes(mac, sizeof *mac, eth_type) & ~UINT64_C(1);
}

static struct row *
add(struct plan *p, enum row_kind kind, const char *circuit, uint64_t key)
{
    GROW(p->rows, p->n, p->capacity);
    struct row *r = &p->rows[p->n++];
    *r = (struct row){.key = key, .kind = kind, .circuit = circuit};
    return r;
}

/* ---- Reading ---- */

static bool
read_mac(const json_t *object, const char *key, struct mac *mac)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text && !mac_parse(text, mac);
}

static bool
read_ip(const json_t *object, const char *key, uint32_t *ip)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text && !ipv4_parse(text, ip);
}

static uint32_t
read_number(const json_t *object, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(object, key));
    return n > 0 && n <= UINT16_MAX ? (uint32_t)n : 0;
}

/* Where it is seen, an end has its own MAC address, or its peer's gateway's. */
static void
read_end(const json_t *end, const json_t *peer, struct row_end *out)
{
    struct mac mac;
    if (read_mac(end, "mac", &mac))
        out->macs[out->n_macs++] = mac;
    if (read_mac(peer, "gateway-mac", &mac))
        out->macs[out->n_macs++] = mac;
}

static void
add_neighbour(struct plan *p, const char *circuit, const json_t *object, const char *key)
{
    struct mac mac;
    if (!read_mac(object, key, &mac))
        return;
    struct row *r = add(p, ROW_NEIGHBOUR, circuit, key_of_mac(&mac, ARP));
    r->ends[0].macs[0] = mac;
}

static enum err
fail(struct diag *diag, const char *circuit, const char *what)
{
    return diag_set(diag, ERR_MALFORMED, "circuit %s: %s", circuit, what);
}

static enum err
read_ip_circuit(struct plan *p, const json_t *c, const char *name, struct diag *diag)
{
    const json_t *ends = json_object_get(c, "ends");
    const json_t *client = json_array_get(ends, 0), *server = json_array_get(ends, 1);
    struct row_end pair[2] = {{.ip = 0}};
    if (!read_ip(client, "ip", &pair[0].ip) || !read_ip(server, "ip", &pair[1].ip))
        return fail(diag, name, "two ends with an address are expected");
    read_end(client, server, &pair[0]);
    read_end(server, client, &pair[1]);
    uint64_t key = key_of_ips(pair[0].ip, pair[1].ip);
    struct row *r = add(p, ROW_IP, name, key);
    memcpy(r->ends, pair, sizeof pair);
    r->proto = (uint8_t)read_number(c, "ip_proto");
    r->client_port = (uint16_t)read_number(c, "client-port");
    r->ports = json_object_get(c, "ports");
    r = add(p, ROW_TEST, name, key);
    memcpy(r->ends, pair, sizeof pair);
    r->ports = json_object_get(c, "test-ports");
    r->server_port = (uint16_t)read_number(c, "test-server-port");
    for (size_t i = 0; i < 2; i++) {
        add_neighbour(p, name, json_array_get(ends, i), "mac");
        add_neighbour(p, name, json_array_get(ends, i), "gateway-mac");
    }
    return ERR_OK;
}

static enum err
read_multicast(struct plan *p, const json_t *c, const char *name, struct diag *diag)
{
    struct mac group, publisher;
    uint16_t eth_type = (uint16_t)read_number(c, "eth_type");
    struct row_end test[2] = {{.ip = 0}};
    if (!read_mac(c, "mac", &group) || !eth_type)
        return fail(diag, name, "a group's address and an EtherType are expected");
    if (!read_mac(json_array_get(json_object_get(c, "ends"), 0), "mac", &publisher))
        return fail(diag, name, "the publisher's address is expected");
    struct row *r = add(p, ROW_MULTICAST, name, key_of_mac(&group, eth_type));
    r->eth_type = eth_type;
    r->ends[0] = (struct row_end){.n_macs = 1, .macs = {publisher}};
    r->ends[1] = (struct row_end){.n_macs = 1, .macs = {group}};
    if (read_ip(c, "test-from", &test[0].ip) && read_ip(c, "test-to", &test[1].ip)) {
        r = add(p, ROW_TEST, name, key_of_ips(test[0].ip, test[1].ip));
        memcpy(r->ends, test, sizeof test);
        r->ports = json_object_get(c, "test-ports");
        r->server_port = (uint16_t)read_number(c, "test-server-port");
    }
    return ERR_OK;
}

static enum err
read_circuit(struct plan *p, const json_t *c, struct diag *diag)
{
    const char *name = json_string_value(json_object_get(c, "name"));
    const char *kind = json_string_value(json_object_get(c, "kind"));
    if (!name || !kind)
        return diag_set(diag, ERR_MALFORMED, "a circuit without a name or a kind");
    if (!json_is_true(json_object_get(c, "active")))
        return ERR_OK;
    if (!strcmp(kind, "ip"))
        return read_ip_circuit(p, c, name, diag);
    if (!strcmp(kind, "multicast"))
        return read_multicast(p, c, name, diag);
    return fail(diag, name, "is neither ip nor multicast");
}

/* What Tieline sends: by the group that it is for. A row without one (a node) says nothing here. */
static void
read_own(struct plan *p, const json_t *own)
{
    struct mac mac;
    uint16_t eth_type = (uint16_t)read_number(own, "eth_type");
    if (!eth_type || !read_mac(own, "mac", &mac))
        return;
    struct row *r = add(p, ROW_MULTICAST, NULL, key_of_mac(&mac, eth_type));
    r->eth_type = eth_type;
    r->ends[1] = (struct row_end){.n_macs = 1, .macs = {mac}};
}

static int
by_key(const void *x, const void *y)
{
    const struct row *a = x, *b = y;
    return a->key < b->key ? -1 : a->key > b->key;
}

enum err
plan_new(const json_t *json, struct plan **out, struct diag *diag)
{
    struct plan *p = xcalloc(1, sizeof *p);
    size_t i;
    json_t *one;
    enum err err = ERR_OK;
    p->json = json_deep_copy(json);
    if (!json_is_array(json_object_get(p->json, "circuits")))
        err = diag_set(diag, ERR_MALFORMED, "'circuits', a list, is expected");
    json_array_foreach(json_object_get(p->json, "circuits"), i, one)
    {
        if (!err)
            err = read_circuit(p, one, diag);
    }
    json_array_foreach(json_object_get(p->json, "own"), i, one) read_own(p, one);
    if (err) {
        plan_free(p);
        return err;
    }
    if (p->n)
        qsort(p->rows, p->n, sizeof *p->rows, by_key);
    *out = p;
    return ERR_OK;
}

void
plan_free(struct plan *p)
{
    if (!p)
        return;
    json_decref(p->json);
    free(p->rows);
    free(p);
}

/* The lists are short, and this is asked for alerts alone. */
const json_t *
plan_host(const struct plan *p, const uint8_t *address, uint8_t ip)
{
    size_t i;
    json_t *host;
    json_array_foreach(json_object_get(p->json, "hosts"), i, host)
    {
        uint32_t its_ip;
        struct mac mac;
        if (ip == 4 ? read_ip(host, "ip", &its_ip) && its_ip == get_be32(address)
                    : !ip && read_mac(host, "mac", &mac) && !memcmp(&mac, address, sizeof mac))
            return host;
    }
    return NULL;
}

size_t
plan_rows(const struct plan *p)
{
    return p->n;
}

/* ---- Looking ---- */

static bool
has_port(const json_t *ports, uint16_t port)
{
    for (size_t i = 0; i < json_array_size(ports); i++) {
        if (json_integer_value(json_array_get(ports, i)) == port)
            return true;
    }
    return false;
}

static bool
is_end(const struct row_end *e, const struct conversation *c, unsigned end)
{
    if (get_be32(c->key.ends[end].address) != e->ip)
        return false;
    for (unsigned i = 0; i < e->n_macs; i++) {
        if (mac_equal(&e->macs[i], &c->macs[end]))
            return true;
    }
    return !e->n_macs;
}

/* With the client, or who sends the test, at this end. */
static bool
is_ip(const struct row *r, const struct conversation *c, unsigned client)
{
    const struct conversation_key *k = &c->key;
    uint16_t from = k->ends[client].port, to = k->ends[!client].port;
    if (!is_end(&r->ends[0], c, client) || !is_end(&r->ends[1], c, !client))
        return false;
    if (r->kind == ROW_TEST)
        return k->proto == PROTO_UDP && ((has_port(r->ports, from) && to == r->server_port) ||
                                         (has_port(r->ports, to) && from == r->server_port));
    return k->proto == r->proto && (r->proto == PROTO_ICMP || has_port(r->ports, to)) &&
           (!r->client_port || from == r->client_port);
}

static bool
is_mac(const struct row_end *e, const struct end *end)
{
    return !e->n_macs || !memcmp(&e->macs[0], end->address, sizeof e->macs[0]);
}

static bool
is_allowed_by(const struct row *r, const struct conversation *c)
{
    const struct conversation_key *k = &c->key;
    switch (r->kind) {
    case ROW_IP:
    case ROW_TEST:
        return k->ip == 4 && (is_ip(r, c, 0) || is_ip(r, c, 1));
    case ROW_MULTICAST:
        return !k->ip && k->eth_type == r->eth_type &&
               ((is_mac(&r->ends[0], &k->ends[0]) && is_mac(&r->ends[1], &k->ends[1])) ||
                (is_mac(&r->ends[0], &k->ends[1]) && is_mac(&r->ends[1], &k->ends[0])));
    default:
        return !k->ip && k->eth_type == ARP;
    }
}

static const struct row *
find(const struct plan *p, uint64_t key, const struct conversation *c)
{
    size_t low = 0, high = p->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (p->rows[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < p->n && p->rows[low].key == key; low++) {
        if (is_allowed_by(&p->rows[low], c))
            return &p->rows[low];
    }
    return NULL;
}

/* ARP: both are somebody of a circuit, or one is all. */
static const struct row *
find_neighbours(const struct plan *p, const struct conversation *c)
{
    const struct row *found = NULL;
    for (unsigned i = 0; i < 2; i++) {
        struct mac mac;
        memcpy(&mac, c->key.ends[i].address, sizeof mac);
        const struct row *r = find(p, key_of_mac(&mac, ARP), c);
        if (!r && !mac_is_group(&mac))
            return NULL;
        found = r ? r : found;
    }
    return found;
}

static const struct row *
find_group(const struct plan *p, const struct conversation *c)
{
    for (unsigned i = 0; i < 2; i++) {
        struct mac mac;
        memcpy(&mac, c->key.ends[i].address, sizeof mac);
        const struct row *r = find(p, key_of_mac(&mac, c->key.eth_type), c);
        if (r)
            return r;
    }
    return NULL;
}

enum rule_planned
plan_look(const struct plan *p, const struct conversation *c, const char **circuit)
{
    const struct conversation_key *k = &c->key;
    const struct row *r = NULL;
    if (k->ip == 4)
        r = find(p, key_of_ips(get_be32(k->ends[0].address), get_be32(k->ends[1].address)), c);
    else if (!k->ip && k->eth_type == ARP)
        r = find_neighbours(p, c);
    else if (!k->ip)
        r = find_group(p, c);
    *circuit = r ? r->circuit : NULL;
    return r ? RULE_PLANNED_YES : RULE_PLANNED_NO;
}
