/* feed_frr_ted.c - FRR's database as JSON. */
#include "wan/feed_frr_ted.h"

#include "base/alloc.h"
#include "io/jsontext.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

struct reading {
    struct frr_ted *to;
    struct diag *diag;
    const char *list; /* "vertices", "edges", "subnets" */
    size_t index;
};

/* ---- members */

static enum err
expected(const struct reading *r, const char *key, const char *what)
{
    return diag_set(r->diag, ERR_INVALID, "ted.%s[%zu].%s: %s is expected", r->list, r->index, key,
                    what);
}

/* A number that may be missing: `*value` stays, `*there` says. */
static enum err
number(const struct reading *r, const json_t *object, const char *key, uint64_t most,
       uint64_t *value, bool *there)
{
    const json_t *v = json_object_get(object, key);
    char what[64];
    *there = v != NULL;
    if (!v)
        return ERR_OK;
    if (!json_is_integer(v) || json_integer_value(v) < 0 ||
        (uint64_t)json_integer_value(v) > most) {
        snprintf(what, sizeof what, "a number from 0 to %llu", (unsigned long long)most);
        return expected(r, key, what);
    }
    *value = (uint64_t)json_integer_value(v);
    return ERR_OK;
}

static enum err
number32(const struct reading *r, const json_t *object, const char *key, uint32_t *value,
         bool *there)
{
    uint64_t wide = *value;
    enum err err = number(r, object, key, UINT32_MAX, &wide, there);
    *value = (uint32_t)wide;
    return err;
}

static enum err
string(const struct reading *r, const json_t *object, const char *key, const char **value)
{
    const json_t *v = json_object_get(object, key);
    *value = NULL;
    if (v && !json_is_string(v))
        return expected(r, key, "a string");
    if (v)
        *value = json_string_value(v);
    return ERR_OK;
}

static enum err
address(const struct reading *r, const json_t *object, const char *key, int family,
        struct te_address *value)
{
    const char *text;
    enum err err = string(r, object, key, &text);
    if (err || !text)
        return err;
    if (inet_pton(family, text, value->octets) != 1)
        return expected(r, key, family == AF_INET ? "an IPv4 address" : "an IPv6 address");
    value->family = family == AF_INET ? 4 : 6;
    return ERR_OK;
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

/* A vertex is numbered by its router id or system id. */
static enum err
node_id(const struct reading *r, const json_t *object, const char *key, struct ted_node_id *id,
        bool *there)
{
    uint64_t n = 0;
    memset(id, 0, sizeof *id);
    if (!protocol_of(object, &id->protocol))
        return expected(r, "origin", "OSPFv2, ISIS_L1 or ISIS_L2");
    id->size = id->protocol == TED_OSPFV2 ? 4 : 6;
    enum err err = number(r, object, key, id->size == 4 ? UINT32_MAX : UINT64_C(0xffffffffffff), &n,
                          there);
    for (unsigned i = 0; i < id->size; i++)
        id->router_id[i] = (uint8_t)(n >> 8 * (id->size - 1U - i));
    return err;
}

static enum err
needed_id(const struct reading *r, const json_t *object, const char *key, struct ted_node_id *id)
{
    bool there;
    enum err err = node_id(r, object, key, id, &there);
    return err ? err : there ? ERR_OK : expected(r, key, "a number");
}

/* ---- vertices */

static enum err
read_ranges(const struct reading *r, const json_t *vertex, struct ted_node_record *node)
{
    const json_t *segments = json_object_get(vertex, "segment-routing");
    bool base, size, msd;
    uint64_t depth = 0;
    enum err err = ERR_OK;
    if (!segments)
        return ERR_OK;
    if ((err = number32(r, segments, "srgb-lower", &node->srgb_base, &base)) ||
        (err = number32(r, segments, "srgb-size", &node->srgb_size, &size)))
        return err;
    if (base && size)
        node->told |= TED_BIT(TED_SRGB);
    if ((err = number32(r, segments, "srlb-lower", &node->srlb_base, &base)) ||
        (err = number32(r, segments, "srlb-size", &node->srlb_size, &size)) ||
        (err = number(r, segments, "msd", 255, &depth, &msd)))
        return err;
    if (base && size)
        node->told |= TED_BIT(TED_SRLB);
    node->max_sid_depth = (uint8_t)depth;
    if (msd)
        node->told |= TED_BIT(TED_MSD);
    return ERR_OK;
}

static enum err
read_vertex(struct reading *r, const json_t *vertex)
{
    struct ted_node_record *node = &r->to->nodes[r->to->n_nodes];
    const char *name;
    enum err err;
    if (!counts(r, vertex))
        return ERR_OK;
    if ((err = needed_id(r, vertex, "vertex-id", &node->id)) ||
        (err = address(r, vertex, "router-id", AF_INET, &node->router_id)) ||
        (err = address(r, vertex, "router-id-v6", AF_INET6, &node->router_id6)) ||
        (err = string(r, vertex, "name", &name)) || (err = read_ranges(r, vertex, node)))
        return err;
    if (name && *name) {
        if (!(node->name = arena_strdup(r->to->arena, name)))
            return diag_set(r->diag, ERR_LIMIT, "the database is too large");
        node->told |= TED_BIT(TED_NAME);
    }
    r->to->n_nodes++;
    return ERR_OK;
}

/* ---- edges */

static enum err
read_bandwidth(const struct reading *r, const json_t *object, const char *key,
               struct ted_link_record *link, enum ted_attribute attribute, unsigned priority)
{
    const json_t *v = json_object_get(object, key);
    if (!v)
        return ERR_OK;
    if (!json_is_number(v))
        return expected(r, key, "a number of octets per second");
    ted_link_bandwidth(link, attribute, priority, json_number_value(v));
    return ERR_OK;
}

static enum err
read_unreserved(const struct reading *r, const json_t *attributes, struct ted_link_record *link)
{
    const json_t *list = json_object_get(attributes, "unreserved-bandwidth");
    size_t n = json_array_size(list);
    if (!list)
        return ERR_OK;
    if (!json_is_array(list) || n > TE_PRIORITIES)
        return expected(r, "unreserved-bandwidth", "a list of at most eight");
    for (size_t i = 0; i < n; i++) {
        char key[32];
        snprintf(key, sizeof key, "class-type-%zu", i);
        enum err err = read_bandwidth(r, json_array_get(list, i), key, link, TED_UNRESERVED,
                                      (unsigned)i);
        if (err)
            return err;
    }
    return ERR_OK;
}

static enum err
read_delays(const struct reading *r, const json_t *a, struct ted_link_record *link)
{
    bool delay, jitter, min, max, te;
    enum err err;
    if ((err = number32(r, a, "delay", &link->delay_us, &delay)) ||
        (err = number32(r, a, "min-delay", &link->delay_min_us, &min)) ||
        (err = number32(r, a, "max-delay", &link->delay_max_us, &max)) ||
        (err = number32(r, a, "jitter", &link->jitter_us, &jitter)) ||
        (err = number32(r, a, "te-metric", &link->te_metric, &te)))
        return err;
    link->told |= (delay ? TED_BIT(TED_DELAY) : 0) | (jitter ? TED_BIT(TED_JITTER) : 0) |
                  (te ? TED_BIT(TED_TE_METRIC) : 0);
    const json_t *loss = json_object_get(a, "loss");
    double percent = json_number_value(loss);
    if (loss && percent >= 0 && percent <= 100) {
        link->loss_ppm = (uint32_t)(percent * 10000);
        link->told |= TED_BIT(TED_LOSS);
    }
    return ERR_OK;
}

static enum err
read_groups(const struct reading *r, const json_t *a, struct ted_link_record *link)
{
    const json_t *srlgs = json_object_get(a, "srlgs");
    uint32_t groups = 0;
    bool there;
    enum err err = number32(r, a, "admin-group", &groups, &there);
    if (err)
        return err;
    if (there)
        ted_link_affinity32(link, groups);
    if (!srlgs)
        return ERR_OK;
    size_t n = json_array_size(srlgs);
    uint32_t *list = json_is_array(srlgs) ? arena_calloc(r->to->arena, n + 1, sizeof *list) : NULL;
    if (!list)
        return expected(r, "srlgs", "a list");
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(srlgs, i);
        json_int_t group = json_integer_value(v);
        if (!json_is_integer(v) || group < 0 || group > UINT32_MAX)
            return expected(r, "srlgs", "a list of numbers");
        list[i] = (uint32_t)group;
    }
    link->told |= TED_BIT(TED_SRLG);
    link->srlgs = list;
    link->n_srlgs = (uint32_t)n;
    return ERR_OK;
}

static enum err
read_ends(const struct reading *r, const json_t *a, struct ted_link_id *id)
{
    bool there;
    enum err err;
    if ((err = address(r, a, "local-address", AF_INET, &id->local_address)) ||
        (err = address(r, a, "remote-address", AF_INET, &id->remote_address)) ||
        (err = address(r, a, "local-address-v6", AF_INET6, &id->local_address6)) ||
        (err = address(r, a, "remote-address-v6", AF_INET6, &id->remote_address6)) ||
        (err = number32(r, a, "local-identifier", &id->local_link_id, &there)) ||
        (err = number32(r, a, "remote-identifier", &id->remote_link_id, &there)))
        return err;
    return ERR_OK;
}

static enum err
read_attributes(const struct reading *r, const json_t *a, struct ted_link_record *link)
{
    enum err err;
    if (!a)
        return ERR_OK;
    if ((err = read_ends(r, a, &link->id)) ||
        (err = read_bandwidth(r, a, "max-link-bandwidth", link, TED_CAPACITY, 0)) ||
        (err = read_bandwidth(r, a, "max-resv-link-bandwidth", link, TED_RESERVABLE, 0)) ||
        (err = read_unreserved(r, a, link)) || (err = read_delays(r, a, link)) ||
        (err = read_groups(r, a, link)))
        return err;
    return ERR_OK;
}

/* An adjacency segment that is not protected, if there is one. */
static enum err
read_segments(const struct reading *r, const json_t *edge, struct ted_link_record *link)
{
    const json_t *list = json_object_get(edge, "segment-routing");
    uint32_t backup = link->id.local.protocol == TED_OSPFV2 ? 0x80 : 0x40;
    bool found = false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *segment = json_array_get(list, i);
        uint32_t label = 0;
        bool there;
        enum err err = number32(r, segment, "adj-sid", &label, &there);
        if (err)
            return err;
        if (!there || (found && flags_of(segment) & backup))
            continue;
        link->adjacency_label = label;
        link->told |= TED_BIT(TED_ADJACENCY_SID);
        found = !(flags_of(segment) & backup);
    }
    return ERR_OK;
}

static enum err
read_edge(struct reading *r, const json_t *edge)
{
    struct ted_link_record *link = &r->to->links[r->to->n_links];
    bool there, metric;
    enum err err;
    if (!counts(r, edge))
        return ERR_OK;
    memset(link, 0, sizeof *link);
    if ((err = needed_id(r, edge, "local-vertex-id", &link->id.local)) ||
        (err = node_id(r, edge, "remote-vertex-id", &link->id.remote, &there)))
        return err;
    if (!there || !memcmp(&link->id.local, &link->id.remote, sizeof link->id.local)) {
        r->to->n_open++;
        return ERR_OK;
    }
    if ((err = number32(r, edge, "metric", &link->igp_metric, &metric)) ||
        (err = read_attributes(r, json_object_get(edge, "edge-attributes"), link)) ||
        (err = read_segments(r, edge, link)))
        return err;
    if (metric)
        link->told |= TED_BIT(TED_IGP_METRIC);
    r->to->n_links++;
    return ERR_OK;
}

/* ---- subnets */

static enum err
read_prefix_text(const struct reading *r, const char *text, struct ted_prefix_record *prefix)
{
    char copy[64];
    char *slash, *end;
    int family = text && strchr(text, ':') ? AF_INET6 : AF_INET;
    snprintf(copy, sizeof copy, "%s", text ? text : "");
    slash = strchr(copy, '/');
    if (!slash)
        return expected(r, "subnet-id", "a prefix");
    *slash = '\0';
    unsigned long length = strtoul(slash + 1, &end, 10);
    if (end == slash + 1 || *end || length > (family == AF_INET ? 32 : 128) ||
        inet_pton(family, copy, prefix->prefix.octets) != 1)
        return expected(r, "subnet-id", "a prefix");
    prefix->prefix.family = family == AF_INET ? 4 : 6;
    prefix->length = (uint8_t)length;
    return ERR_OK;
}

static enum err
read_subnet(struct reading *r, const json_t *subnet)
{
    struct ted_prefix_record *prefix = &r->to->prefixes[r->to->n_prefixes];
    const char *text;
    uint64_t algorithm = 0;
    uint32_t sid = 0;
    bool there, with_algorithm;
    enum err err;
    if (!counts(r, subnet))
        return ERR_OK;
    memset(prefix, 0, sizeof *prefix);
    prefix->metric = UINT32_MAX;
    prefix->sid_index = TE_NO_LABEL;
    if ((err = needed_id(r, subnet, "vertex-id", &prefix->node)) ||
        (err = string(r, subnet, "subnet-id", &text)) ||
        (err = read_prefix_text(r, text, prefix)) ||
        (err = number32(r, subnet, "metric", &prefix->metric, &there)))
        return err;
    const json_t *segment = json_object_get(subnet, "segment-routing");
    if ((err = number32(r, segment, "pref-sid", &sid, &there)) ||
        (err = number(r, segment, "algo", 255, &algorithm, &with_algorithm)))
        return err;
    /* V (0x08): an absolute label, not an index; the same in both protocols. */
    if (there && !algorithm && !(flags_of(segment) & 0x08)) {
        prefix->sid_index = sid;
        prefix->node_segment = prefix->length == (prefix->prefix.family == 4 ? 32 : 128);
    }
    r->to->n_prefixes++;
    return ERR_OK;
}

/* ---- the document */

typedef enum err read_fn(struct reading *, const json_t *);

static enum err
read_list(struct reading *r, const json_t *ted, const char *key, read_fn *read, void **records,
          size_t record_size)
{
    const json_t *list = json_object_get(ted, key);
    size_t n = json_array_size(list);
    if (list && !json_is_array(list))
        return diag_set(r->diag, ERR_INVALID, "ted.%s: a list is expected", key);
    *records = arena_calloc(r->to->arena, n + 1, record_size);
    if (!*records)
        return diag_set(r->diag, ERR_LIMIT, "the database is too large");
    r->list = key;
    for (r->index = 0; r->index < n; r->index++) {
        const json_t *item = json_array_get(list, r->index);
        if (!json_is_object(item))
            return diag_set(r->diag, ERR_INVALID, "ted.%s[%zu]: an object is expected", key,
                            r->index);
        enum err err = read(r, item);
        if (err)
            return err;
    }
    return ERR_OK;
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
        return diag_set(diag, ERR_LIMIT, "the database is too large");
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
    struct reading r = {.to = to, .diag = diag};
    const json_t *ted = json_object_get(root, "ted");
    enum err err;
    if (!json_is_object(ted))
        return diag_set(diag, ERR_INVALID, "ted: an object is expected");
    if ((err = read_list(&r, ted, "vertices", read_vertex, (void **)&to->nodes,
                         sizeof *to->nodes)) ||
        (err = read_list(&r, ted, "edges", read_edge, (void **)&to->links, sizeof *to->links)) ||
        (err = read_list(&r, ted, "subnets", read_subnet, (void **)&to->prefixes,
                         sizeof *to->prefixes)))
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
