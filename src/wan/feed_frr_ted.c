/* feed_frr_ted.c - FRR's database as JSON. */
#include "wan/feed_frr_ted.h"

#include "base/alloc.h"
#include "io/jsontext.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct reading {
    struct frr_ted *to;
    const char *list; /* "vertices", "edges", "subnets" */
    size_t index;
    enum err err; /* ERR_LIMIT: the arena is full; nothing else ends the reading of a list */
};

/* ---- members */

static void complain(const struct reading *, const char *format, ...) PRINTF_LIKE(2, 3);
static void
complain(const struct reading *r, const char *format, ...)
{
    struct frr_ted *to = r->to;
    va_list args;
    if (to->n_unreadable++)
        return;
    int n = snprintf(to->unreadable, sizeof to->unreadable, "ted.%s[%zu]", r->list, r->index);
    va_start(args, format);
    vsnprintf(to->unreadable + n, sizeof to->unreadable - (size_t)n, format, args);
    va_end(args);
}

static void
expected(const struct reading *r, const char *key, const char *what)
{
    complain(r, ".%s: %s is expected", key, what);
}

/* A number that may be missing, or unreadable, which is the same but named: then false, and
 * `*value` stays. */
static bool
number(const struct reading *r, const json_t *object, const char *key, uint64_t most,
       uint64_t *value)
{
    const json_t *v = json_object_get(object, key);
    if (!v)
        return false;
    if (!json_is_integer(v) || json_integer_value(v) < 0 ||
        (uint64_t)json_integer_value(v) > most) {
        complain(r, ".%s: a number from 0 to %llu is expected", key, (unsigned long long)most);
        return false;
    }
    *value = (uint64_t)json_integer_value(v);
    return true;
}

static bool
number32(const struct reading *r, const json_t *object, const char *key, uint32_t *value)
{
    uint64_t wide;
    bool there = number(r, object, key, UINT32_MAX, &wide);
    if (there)
        *value = (uint32_t)wide;
    return there;
}

/* NULL: missing or unreadable. */
static const char *
string(const struct reading *r, const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    if (v && !json_is_string(v))
        expected(r, key, "a string");
    return json_string_value(v);
}

/* false: unreadable. Missing is fine. */
static bool
address(const struct reading *r, const json_t *object, const char *key, int family,
        struct te_address *value)
{
    const char *text = string(r, object, key);
    if (!text)
        return !json_object_get(object, key);
    if (inet_pton(family, text, value->octets) != 1) {
        expected(r, key, family == AF_INET ? "an IPv4 address" : "an IPv6 address");
        return false;
    }
    value->family = family == AF_INET ? 4 : 6;
    return true;
}

/* "0x60" */
static uint32_t
flags_of(const json_t *object)
{
    const char *text = json_string_value(json_object_get(object, "flags"));
    return text ? (uint32_t)strtoul(text, NULL, 16) : 0;
}

static bool
counts(const struct reading *r, const json_t *object)
{
    const char *status = json_string_value(json_object_get(object, "status"));
    const char *origin = json_string_value(json_object_get(object, "origin"));
    bool good = origin && (!status || (strcmp(status, "Delete") && strcmp(status, "Orphan")));
    if (!good)
        r->to->n_ignored++;
    return good;
}

/* ---- ids */

static bool
protocol_of(const json_t *object, uint8_t *protocol)
{
    static const struct {
        const char *origin;
        uint8_t protocol;
    } origins[] = {{"OSPFv2", TED_OSPFV2}, {"ISIS_L1", TED_ISIS_L1}, {"ISIS_L2", TED_ISIS_L2}};
    const char *origin = json_string_value(json_object_get(object, "origin"));
    for (size_t i = 0; i < ARRAY_SIZE(origins); i++)
        if (!strcmp(origin, origins[i].origin)) {
            *protocol = origins[i].protocol;
            return true;
        }
    return false;
}

/* A vertex is numbered by its router id or system id. false: there is none that can be read. */
static bool
node_id(const struct reading *r, const json_t *object, const char *key, struct ted_node_id *id)
{
    uint64_t n = 0;
    memset(id, 0, sizeof *id);
    if (!protocol_of(object, &id->protocol)) {
        expected(r, "origin", "OSPFv2, ISIS_L1 or ISIS_L2");
        return false;
    }
    id->size = id->protocol == TED_OSPFV2 ? 4 : 6;
    if (!number(r, object, key, id->size == 4 ? UINT32_MAX : UINT64_C(0xffffffffffff), &n))
        return false;
    for (unsigned i = 0; i < id->size; i++)
        id->router_id[i] = (uint8_t)(n >> 8 * (id->size - 1U - i));
    return true;
}

static bool
needed_id(const struct reading *r, const json_t *object, const char *key, struct ted_node_id *id)
{
    if (!json_object_get(object, key)) {
        expected(r, key, "a number");
        return false;
    }
    return node_id(r, object, key, id);
}

/* ---- vertices */

static void
read_ranges(const struct reading *r, const json_t *vertex, struct ted_node_record *node)
{
    const json_t *segments = json_object_get(vertex, "segment-routing");
    uint64_t depth;
    if (number32(r, segments, "srgb-lower", &node->srgb_base) &&
        number32(r, segments, "srgb-size", &node->srgb_size))
        node->told |= TED_BIT(TED_SRGB);
    if (number32(r, segments, "srlb-lower", &node->srlb_base) &&
        number32(r, segments, "srlb-size", &node->srlb_size))
        node->told |= TED_BIT(TED_SRLB);
    if (number(r, segments, "msd", 255, &depth)) {
        node->max_sid_depth = (uint8_t)depth;
        node->told |= TED_BIT(TED_MSD);
    }
}

static void
read_vertex(struct reading *r, const json_t *vertex)
{
    struct ted_node_record *node = &r->to->nodes[r->to->n_nodes];
    if (!counts(r, vertex) || !needed_id(r, vertex, "vertex-id", &node->id))
        return;
    (void)address(r, vertex, "router-id", AF_INET, &node->router_id);
    (void)address(r, vertex, "router-id-v6", AF_INET6, &node->router_id6);
    read_ranges(r, vertex, node);
    const char *name = string(r, vertex, "name");
    if (name && *name) {
        if (!(node->name = arena_strdup(r->to->arena, name)))
            r->err = ERR_LIMIT;
        node->told |= TED_BIT(TED_NAME);
    }
    r->to->n_nodes++;
}

/* ---- edges */

static void
read_bandwidth(const struct reading *r, const json_t *object, const char *key,
               struct ted_link_record *link, enum ted_attribute attribute, unsigned priority)
{
    const json_t *v = json_object_get(object, key);
    if (v && !json_is_number(v))
        expected(r, key, "a number of octets per second");
    else if (v)
        ted_link_bandwidth(link, attribute, priority, json_number_value(v));
}

static void
read_unreserved(const struct reading *r, const json_t *attributes, struct ted_link_record *link)
{
    const json_t *list = json_object_get(attributes, "unreserved-bandwidth");
    size_t n = json_array_size(list);
    if (list && (!json_is_array(list) || n > TE_PRIORITIES)) {
        expected(r, "unreserved-bandwidth", "a list of at most eight");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        char key[32];
        snprintf(key, sizeof key, "class-type-%zu", i);
        read_bandwidth(r, json_array_get(list, i), key, link, TED_UNRESERVED, (unsigned)i);
    }
}

static void
read_delays(const struct reading *r, const json_t *a, struct ted_link_record *link)
{
    if (number32(r, a, "delay", &link->delay_us))
        link->told |= TED_BIT(TED_DELAY);
    if (number32(r, a, "jitter", &link->jitter_us))
        link->told |= TED_BIT(TED_JITTER);
    if (number32(r, a, "te-metric", &link->te_metric))
        link->told |= TED_BIT(TED_TE_METRIC);
    (void)number32(r, a, "min-delay", &link->delay_min_us);
    (void)number32(r, a, "max-delay", &link->delay_max_us);
    const json_t *loss = json_object_get(a, "loss");
    double percent = json_number_value(loss);
    if (loss && percent >= 0 && percent <= 100) {
        link->loss_ppm = (uint32_t)(percent * 10000);
        link->told |= TED_BIT(TED_LOSS);
    }
}

/* What cannot be read of a list of risks is left out; the others count. */
static void
read_groups(struct reading *r, const json_t *a, struct ted_link_record *link)
{
    const json_t *srlgs = json_object_get(a, "srlgs");
    size_t n = json_array_size(srlgs);
    uint32_t groups;
    if (number32(r, a, "admin-group", &groups))
        ted_link_affinity32(link, groups);
    if (!srlgs)
        return;
    if (!json_is_array(srlgs)) {
        expected(r, "srlgs", "a list");
        return;
    }
    uint32_t *list = arena_calloc(r->to->arena, n + 1, sizeof *list);
    if (!list) {
        r->err = ERR_LIMIT;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(srlgs, i);
        json_int_t group = json_integer_value(v);
        if (!json_is_integer(v) || group < 0 || group > UINT32_MAX)
            expected(r, "srlgs", "a list of numbers");
        else
            list[link->n_srlgs++] = (uint32_t)group;
    }
    link->told |= TED_BIT(TED_SRLG);
    link->srlgs = list;
}

/* The ends tell links apart: with one that cannot be read it would be another link. */
static bool
read_ends(const struct reading *r, const json_t *a, struct ted_link_id *id)
{
    bool good = address(r, a, "local-address", AF_INET, &id->local_address) &&
                address(r, a, "remote-address", AF_INET, &id->remote_address) &&
                address(r, a, "local-address-v6", AF_INET6, &id->local_address6) &&
                address(r, a, "remote-address-v6", AF_INET6, &id->remote_address6);
    (void)number32(r, a, "local-identifier", &id->local_link_id);
    (void)number32(r, a, "remote-identifier", &id->remote_link_id);
    return good;
}

static void
read_attributes(struct reading *r, const json_t *a, struct ted_link_record *link)
{
    read_bandwidth(r, a, "max-link-bandwidth", link, TED_CAPACITY, 0);
    read_bandwidth(r, a, "max-resv-link-bandwidth", link, TED_RESERVABLE, 0);
    read_unreserved(r, a, link);
    read_delays(r, a, link);
    read_groups(r, a, link);
}

/* An adjacency segment that is not protected, if there is one. */
static void
read_segments(const struct reading *r, const json_t *edge, struct ted_link_record *link)
{
    const json_t *list = json_object_get(edge, "segment-routing");
    uint32_t backup = link->id.local.protocol == TED_OSPFV2 ? 0x80 : 0x40;
    bool found = false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *segment = json_array_get(list, i);
        uint32_t label;
        if (!number32(r, segment, "adj-sid", &label) || (found && flags_of(segment) & backup))
            continue;
        link->adjacency_label = label;
        link->told |= TED_BIT(TED_ADJACENCY_SID);
        found = !(flags_of(segment) & backup);
    }
}

static void
read_edge(struct reading *r, const json_t *edge)
{
    struct ted_link_record *link = &r->to->links[r->to->n_links];
    const json_t *attributes = json_object_get(edge, "edge-attributes");
    memset(link, 0, sizeof *link);
    if (!counts(r, edge) || !needed_id(r, edge, "local-vertex-id", &link->id.local))
        return;
    if (!node_id(r, edge, "remote-vertex-id", &link->id.remote) ||
        !memcmp(&link->id.local, &link->id.remote, sizeof link->id.local)) {
        r->to->n_open++;
        return;
    }
    if (!read_ends(r, attributes, &link->id))
        return;
    if (number32(r, edge, "metric", &link->igp_metric))
        link->told |= TED_BIT(TED_IGP_METRIC);
    read_attributes(r, attributes, link);
    read_segments(r, edge, link);
    r->to->n_links++;
}

/* ---- subnets */

static bool
read_prefix_text(const struct reading *r, const char *text, struct ted_prefix_record *prefix)
{
    char copy[64], *end;
    int family = text && strchr(text, ':') ? AF_INET6 : AF_INET;
    snprintf(copy, sizeof copy, "%s", text ? text : "");
    char *slash = strchr(copy, '/');
    if (slash)
        *slash = '\0';
    unsigned long length = slash ? strtoul(slash + 1, &end, 10) : 0;
    if (!slash || end == slash + 1 || *end || length > (family == AF_INET ? 32 : 128) ||
        inet_pton(family, copy, prefix->prefix.octets) != 1) {
        expected(r, "subnet-id", "a prefix");
        return false;
    }
    prefix->prefix.family = family == AF_INET ? 4 : 6;
    prefix->length = (uint8_t)length;
    return true;
}

static void
read_subnet(struct reading *r, const json_t *subnet)
{
    struct ted_prefix_record *prefix = &r->to->prefixes[r->to->n_prefixes];
    const json_t *segment = json_object_get(subnet, "segment-routing");
    uint64_t algorithm = 0;
    uint32_t sid;
    memset(prefix, 0, sizeof *prefix);
    prefix->metric = UINT32_MAX;
    prefix->sid_index = TE_NO_LABEL;
    if (!counts(r, subnet) || !needed_id(r, subnet, "vertex-id", &prefix->node) ||
        !read_prefix_text(r, string(r, subnet, "subnet-id"), prefix))
        return;
    (void)number32(r, subnet, "metric", &prefix->metric);
    /* V (0x08): an absolute label, not an index; the same in both protocols. */
    if (number32(r, segment, "pref-sid", &sid) &&
        (!json_object_get(segment, "algo") || number(r, segment, "algo", 255, &algorithm)) &&
        !algorithm && !(flags_of(segment) & 0x08)) {
        prefix->sid_index = sid;
        prefix->node_segment = prefix->length == (prefix->prefix.family == 4 ? 32 : 128);
    }
    r->to->n_prefixes++;
}

/* ---- the document */

typedef void read_fn(struct reading *, const json_t *);

static enum err
too_large(struct diag *diag)
{
    return diag_set(diag, ERR_LIMIT, "the database is too large");
}

static enum err
read_list(struct frr_ted *to, const json_t *ted, const char *key, read_fn *read, void **records,
          size_t record_size, struct diag *diag)
{
    struct reading r = {.to = to, .list = key};
    const json_t *list = json_object_get(ted, key);
    size_t n = json_array_size(list);
    if (list && !json_is_array(list))
        return diag_set(diag, ERR_INVALID, "ted.%s: a list is expected", key);
    *records = arena_calloc(to->arena, n + 1, record_size);
    if (!*records)
        return too_large(diag);
    for (r.index = 0; r.index < n && !r.err; r.index++) {
        const json_t *item = json_array_get(list, r.index);
        if (json_is_object(item))
            read(&r, item);
        else
            complain(&r, ": an object is expected");
    }
    return r.err ? too_large(diag) : ERR_OK;
}

/* ---- ends of broadcast networks */

static int
compare_locals(const void *a, const void *b)
{
    const struct ted_link_record *x = *(struct ted_link_record *const *)a,
                                 *y = *(struct ted_link_record *const *)b;
    return memcmp(x->id.local_address.octets, y->id.local_address.octets, 4);
}

static bool
leads_astray(struct ted_link_record *const *locals, size_t n, const struct ted_link_record *link)
{
    struct ted_link_record wanted = {.id.local_address = link->id.remote_address};
    const struct ted_link_record *key = &wanted;
    struct ted_link_record *const *owner =
        link->id.remote_address.family
            ? bsearch(&key, locals, n, sizeof(struct ted_link_record *), compare_locals)
            : NULL;
    return owner && memcmp(&(*owner)->id.local, &link->id.remote, sizeof link->id.remote);
}

/* FRR 8.4's isisd takes the pseudonode of a router for that router: the edge leads to it, but with
 * an address of another one. Such edges are open, too. */
static enum err
drop_stray_links(struct frr_ted *to, struct diag *diag)
{
    struct ted_link_record **locals = arena_calloc(to->arena, to->n_links + 1, sizeof *locals);
    bool *stray = arena_calloc(to->arena, to->n_links + 1, sizeof *stray);
    size_t n = 0;
    uint32_t kept = 0;
    if (!locals || !stray)
        return too_large(diag);
    for (uint32_t i = 0; i < to->n_links; i++)
        if (to->links[i].id.local_address.family)
            locals[n++] = &to->links[i];
    qsort(locals, n, sizeof *locals, compare_locals);
    for (uint32_t i = 0; i < to->n_links; i++)
        stray[i] = leads_astray(locals, n, &to->links[i]);
    for (uint32_t i = 0; i < to->n_links; i++) {
        if (stray[i])
            to->n_open++;
        else
            to->links[kept++] = to->links[i];
    }
    to->n_links = kept;
    return ERR_OK;
}

/* Writes -1 over what json-c prints for a number that is none. */
static char *
without_nan(const char *text, size_t size)
{
    static const char *const words[] = {"-Infinity", "Infinity", "NaN", "nan", "-inf", "inf"};
    char *copy = xmemdup(text, size);
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        if (quoted && copy[i] == '\\') {
            i++;
            continue;
        }
        if (copy[i] == '"')
            quoted = !quoted;
        for (size_t w = 0; !quoted && w < ARRAY_SIZE(words); w++) {
            size_t length = strlen(words[w]);
            if (size - i >= length && !memcmp(copy + i, words[w], length)) {
                memset(copy + i, ' ', length);
                memcpy(copy + i, "-1", 2);
                break;
            }
        }
    }
    return copy;
}

static enum err
read_document(struct frr_ted *to, const json_t *root, struct diag *diag)
{
    const json_t *ted = json_object_get(root, "ted");
    enum err err;
    if (!json_is_object(ted))
        return diag_set(diag, ERR_INVALID, "ted: an object is expected");
    if ((err = read_list(to, ted, "vertices", read_vertex, (void **)&to->nodes, sizeof *to->nodes,
                         diag)) ||
        (err = read_list(to, ted, "edges", read_edge, (void **)&to->links, sizeof *to->links,
                         diag)) ||
        (err = read_list(to, ted, "subnets", read_subnet, (void **)&to->prefixes,
                         sizeof *to->prefixes, diag)))
        return err;
    return drop_stray_links(to, diag);
}

enum err
frr_ted_read(const char *text, size_t size, struct frr_ted *result, struct diag *diag)
{
    struct frr_ted to = {0};
    json_t *root;
    if (size > FRR_TED_TEXT_MAX)
        return diag_set(diag, ERR_LIMIT, "the database is larger than %zu octets",
                        FRR_TED_TEXT_MAX);
    char *copy = without_nan(text, size);
    enum err err = jsontext_parse(copy, size, &root, diag);
    free(copy);
    if (err)
        return err;
    to.arena = arena_new(FRR_TED_BUDGET);
    err = read_document(&to, root, diag);
    json_decref(root);
    if (err)
        arena_free(to.arena);
    else
        *result = to;
    return err;
}

void
frr_ted_fini(struct frr_ted *ted)
{
    arena_free(ted->arena);
    memset(ted, 0, sizeof *ted);
}
