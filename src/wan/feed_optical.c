/* feed_optical.c - sections, the routes made of them, the services that they carry. */
#include "wan/feed_optical.h"

#include "base/alloc.h"
#include "base/hash_table.h"
#include "io/jsontext.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#define ROUTE_SECTIONS_MAX 256
#define SERVICE_CONNECTIONS_MAX 16

struct section {
    const char *id;
    bool failed, degraded;
    uint32_t *srlgs, n_srlgs;
    uint32_t latency_us; /* TE_UNKNOWN_US: not told */
    UT_hash_handle hh;
};

struct route {
    struct section **sections;
    uint32_t n;
};

struct connection {
    const char *id;
    struct route *routes;
    uint32_t n_routes, selected;
    UT_hash_handle hh;
};

struct reading {
    struct optical *to;
    struct diag *diag;
    struct section *sections;
    struct connection *connections;
};

const char *
optical_state_name(enum optical_state state)
{
    static const char *const names[] = {[OPTICAL_NORMAL] = "normal",
                                        [OPTICAL_SWITCHED] = "switched",
                                        [OPTICAL_DEGRADED] = "degraded",
                                        [OPTICAL_EXPOSED] = "exposed",
                                        [OPTICAL_FAILED] = "failed"};
    return (size_t)state < ARRAY_SIZE(names) ? names[state] : "?";
}

/* ---- members */

/* A string; NULL and an error if it must be there. Lives as long as the arena. */
static enum err
string(const struct reading *r, const json_t *object, const char *where, const char *key,
       bool needed, const char **value)
{
    const json_t *v = json_object_get(object, key);
    *value = NULL;
    if (!v && !needed)
        return ERR_OK;
    if (!json_is_string(v) || !json_string_length(v) || json_string_length(v) > 255)
        return diag_set(r->diag, ERR_INVALID, "%s.%s: a string of 1 to 255 octets is expected",
                        where, key);
    *value = arena_strdup(r->to->arena, json_string_value(v));
    return *value ? ERR_OK : diag_set(r->diag, ERR_LIMIT, "the document is too large");
}

static enum err
list(const struct reading *r, const json_t *object, const char *where, const char *key,
     const json_t **value)
{
    *value = json_object_get(object, key);
    if (*value && !json_is_array(*value))
        return diag_set(r->diag, ERR_INVALID, "%s.%s: a list is expected", where, key);
    return ERR_OK;
}

/* T-API writes numbers as strings, too. */
static bool
number_of(const json_t *v, uint32_t most, uint32_t *value)
{
    char *end;
    unsigned long long n;
    if (json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= most) {
        *value = (uint32_t)json_integer_value(v);
        return true;
    }
    const char *text = json_string_value(v);
    if (!text || *text < '0' || *text > '9')
        return false;
    errno = 0;
    n = strtoull(text, &end, 10);
    if (errno || *end || n > most)
        return false;
    *value = (uint32_t)n;
    return true;
}

static enum err
no_room(const struct reading *r)
{
    return diag_set(r->diag, ERR_LIMIT, "the document is too large");
}

/* ---- sections */

static enum err
read_risks(const struct reading *r, const json_t *link, const char *where, struct section *s)
{
    const json_t *pac, *ids;
    size_t i, j;
    enum err err = list(r, link, where, "risk-characteristic", &pac);
    if (err)
        return err;
    for (i = 0; i < json_array_size(pac); i++) {
        const json_t *item = json_array_get(pac, i);
        const char *name = json_string_value(json_object_get(item, "risk-characteristic-name"));
        if (name && strcmp(name, "SRLG"))
            continue;
        if ((err = list(r, item, where, "risk-identifier-list", &ids)))
            return err;
        size_t n = json_array_size(ids);
        uint32_t *more = arena_calloc(r->to->arena, s->n_srlgs + n + 1, sizeof *more);
        if (!more)
            return no_room(r);
        if (s->n_srlgs)
            memcpy(more, s->srlgs, s->n_srlgs * sizeof *more);
        s->srlgs = more;
        for (j = 0; j < n; j++)
            if (!number_of(json_array_get(ids, j), UINT32_MAX, &more[s->n_srlgs++]))
                return diag_set(r->diag, ERR_INVALID,
                                "%s.risk-characteristic[%zu].risk-identifier-list[%zu]: a number "
                                "from 0 to 4294967295 is expected",
                                where, i, j);
    }
    return ERR_OK;
}

static enum err
read_state(const struct reading *r, const json_t *link, const char *where, struct section *s)
{
    const char *state, *signal;
    enum err err;
    if ((err = string(r, link, where, "operational-state", false, &state)) ||
        (err = string(r, link, where, "signal-state", false, &signal)))
        return err;
    if (state && strcmp(state, "ENABLED") && strcmp(state, "DISABLED"))
        return diag_set(r->diag, ERR_INVALID,
                        "%s.operational-state: ENABLED or DISABLED is "
                        "expected",
                        where);
    if (signal && strcmp(signal, "NORMAL") && strcmp(signal, "DEGRADED"))
        return diag_set(r->diag, ERR_INVALID, "%s.signal-state: NORMAL or DEGRADED is expected",
                        where);
    s->failed = state && !strcmp(state, "DISABLED");
    s->degraded = signal && !strcmp(signal, "DEGRADED");
    return ERR_OK;
}

static enum err
read_section(struct reading *r, const json_t *link, const char *where)
{
    struct section *s = arena_calloc(r->to->arena, 1, sizeof *s), *other;
    const json_t *latency;
    enum err err;
    if (!s)
        return no_room(r);
    s->latency_us = TE_UNKNOWN_US;
    if ((err = string(r, link, where, "uuid", true, &s->id)) ||
        (err = read_state(r, link, where, s)) || (err = read_risks(r, link, where, s)) ||
        (err = list(r, link, where, "latency-characteristic", &latency)))
        return err;
    const json_t *fixed = json_object_get(json_array_get(latency, 0),
                                          "fixed-latency-characteristic");
    if (fixed && !number_of(fixed, 10000000, &s->latency_us))
        return diag_set(r->diag, ERR_INVALID,
                        "%s.latency-characteristic[0].fixed-latency-"
                        "characteristic: microseconds are expected",
                        where);
    HASH_FIND_STR(r->sections, s->id, other);
    if (other)
        return diag_set(r->diag, ERR_INVALID, "%s.uuid: there are two links \"%s\"", where, s->id);
    HASH_ADD_KEYPTR(hh, r->sections, s->id, strlen(s->id), s);
    r->to->n_sections++;
    return ERR_OK;
}

/* ---- connections */

static enum err
read_route(struct reading *r, const json_t *item, const char *where, struct route *route)
{
    const json_t *links;
    enum err err = list(r, item, where, "link", &links);
    size_t n = json_array_size(links);
    if (err)
        return err;
    if (n > ROUTE_SECTIONS_MAX)
        return diag_set(r->diag, ERR_LIMIT, "%s.link: more than %d", where, ROUTE_SECTIONS_MAX);
    route->sections = arena_calloc(r->to->arena, n + 1, sizeof(struct section *));
    if (!route->sections)
        return no_room(r);
    for (size_t i = 0; i < n; i++) {
        const char *id = json_string_value(json_array_get(links, i));
        struct section *s = NULL;
        if (id)
            HASH_FIND_STR(r->sections, id, s);
        if (!s)
            return diag_set(r->diag, ERR_INVALID, "%s.link[%zu]: there is no link \"%.60s\"", where,
                            i, id ? id : "");
        route->sections[route->n++] = s;
    }
    return ERR_OK;
}

static enum err
read_routes(struct reading *r, const json_t *item, const char *where, struct connection *c)
{
    const json_t *routes;
    const char *selected;
    char deeper[128];
    enum err err;
    if ((err = list(r, item, where, "route", &routes)) ||
        (err = string(r, item, where, "selected-route", false, &selected)))
        return err;
    size_t n = json_array_size(routes);
    bool found = !selected;
    if (!n)
        return diag_set(r->diag, ERR_INVALID, "%s.route: at least one is expected", where);
    c->routes = arena_calloc(r->to->arena, n, sizeof *c->routes);
    if (!c->routes)
        return no_room(r);
    for (size_t i = 0; i < n; i++) {
        const json_t *route = json_array_get(routes, i);
        const char *id = json_string_value(json_object_get(route, "local-id"));
        snprintf(deeper, sizeof deeper, "%s.route[%zu]", where, i);
        if ((err = read_route(r, route, deeper, &c->routes[c->n_routes])))
            return err;
        if (selected && id && !strcmp(id, selected) && !found) {
            c->selected = c->n_routes;
            found = true;
        }
        c->n_routes++;
    }
    return found ? ERR_OK
                 : diag_set(r->diag, ERR_INVALID, "%s.selected-route: there is no route \"%s\"",
                            where, selected);
}

static enum err
read_connection(struct reading *r, const json_t *item, const char *where)
{
    struct connection *c = arena_calloc(r->to->arena, 1, sizeof *c), *other;
    enum err err;
    if (!c)
        return no_room(r);
    if ((err = string(r, item, where, "uuid", true, &c->id)) ||
        (err = read_routes(r, item, where, c)))
        return err;
    HASH_FIND_STR(r->connections, c->id, other);
    if (other)
        return diag_set(r->diag, ERR_INVALID, "%s.uuid: there are two connections \"%s\"", where,
                        c->id);
    HASH_ADD_KEYPTR(hh, r->connections, c->id, strlen(c->id), c);
    r->to->n_connections++;
    return ERR_OK;
}

/* ---- services: what follows for an IP link */

static bool
is_whole(const struct route *route)
{
    for (uint32_t i = 0; i < route->n; i++)
        if (route->sections[i]->failed)
            return false;
    return true;
}

#define ID_TOLD 40 /* octets of an id in words for people */

static void
worsen(struct optical_link *link, enum optical_state state, const char *what, const char *id)
{
    if (state <= link->state)
        return;
    size_t size = strlen(id), n = MIN(size, ID_TOLD);
    while (n && n < size && (id[n] & 0xc0) == 0x80) /* cut between characters of UTF-8 */
        n--;
    link->state = state;
    if (state > OPTICAL_SWITCHED)
        snprintf(link->why, sizeof link->why, "optical: %s%s%.*s", what, *id ? " " : "", (int)n,
                 id);
}

/* One connection that carries the service. */
static void
judge(struct optical_link *link, const struct connection *c, bool protected)
{
    const struct route *carries = &c->routes[c->selected];
    bool spare = false;
    if (c->selected) {
        link->switched = true;
        worsen(link, OPTICAL_SWITCHED, "", "");
    }
    for (uint32_t i = 0; i < c->n_routes; i++)
        spare |= i != c->selected && is_whole(&c->routes[i]);
    for (uint32_t i = 0; i < carries->n; i++) {
        const struct section *s = carries->sections[i];
        if (s->degraded)
            worsen(link, OPTICAL_DEGRADED, "the signal is degraded at", s->id);
        if (s->failed)
            worsen(link, OPTICAL_FAILED, "failed:", s->id);
        link->delay_us = s->latency_us == TE_UNKNOWN_US || link->delay_us == TE_UNKNOWN_US
                             ? TE_UNKNOWN_US
                             : MIN(link->delay_us + s->latency_us, TE_UNKNOWN_US - 1);
    }
    if (protected && !spare)
        worsen(link, OPTICAL_EXPOSED, "protection is used up of", c->id);
}

static bool
has_group(const struct optical_link *link, uint32_t group)
{
    for (uint32_t i = 0; i < link->n_srlgs; i++)
        if (link->srlgs[i] == group)
            return true;
    return false;
}

/* At most one more than a record may have, so that it is seen that there are too many. */
static void
add_groups(struct optical_link *link, const struct connection *c)
{
    for (uint32_t i = 0; i < c->n_routes; i++)
        for (uint32_t j = 0; j < c->routes[i].n; j++) {
            const struct section *s = c->routes[i].sections[j];
            for (uint32_t k = 0; k < s->n_srlgs && link->n_srlgs <= TED_RECORD_SRLGS; k++)
                if (!has_group(link, s->srlgs[k]))
                    link->srlgs[link->n_srlgs++] = s->srlgs[k];
        }
}

static enum err
read_end(const struct reading *r, const json_t *ends, const char *where, const char *node_key,
         const char *address_key, const char **node, struct te_address *address)
{
    const char *text;
    enum err err;
    if ((err = string(r, ends, where, node_key, true, node)) ||
        (err = string(r, ends, where, address_key, false, &text)))
        return err;
    if (!text)
        return ERR_OK;
    address->family = strchr(text, ':') ? 6 : 4;
    if (inet_pton(address->family == 6 ? AF_INET6 : AF_INET, text, address->octets) != 1)
        return diag_set(r->diag, ERR_INVALID, "%s.%s: an address is expected", where, address_key);
    return ERR_OK;
}

static enum err
read_ends(const struct reading *r, const json_t *item, const char *where, struct optical_link *link)
{
    const json_t *ends = json_object_get(item, "ip-link");
    char deeper[128];
    enum err err;
    snprintf(deeper, sizeof deeper, "%s.ip-link", where);
    if ((err = read_end(r, ends, deeper, "node-a", "address-a", &link->node_a, &link->address_a)) ||
        (err = read_end(r, ends, deeper, "node-b", "address-b", &link->node_b, &link->address_b)))
        return err;
    if (!strcmp(link->node_a, link->node_b))
        return diag_set(r->diag, ERR_INVALID, "%s: its ends are one node", deeper);
    return ERR_OK;
}

static enum err
read_service(struct reading *r, const json_t *item, const char *where)
{
    struct optical_link *link = &r->to->links[r->to->n_links];
    const json_t *connections;
    const char *resilience;
    enum err err;
    if (!json_object_get(item, "ip-link"))
        return ERR_OK; /* it carries something else */
    link->srlgs = arena_calloc(r->to->arena, TED_RECORD_SRLGS + 2, sizeof *link->srlgs);
    if (!link->srlgs)
        return no_room(r);
    if ((err = string(r, item, where, "uuid", true, &link->service)) ||
        (err = string(r, item, where, "resilience-type", false, &resilience)) ||
        (err = list(r, item, where, "connection", &connections)) ||
        (err = read_ends(r, item, where, link)))
        return err;
    size_t n = json_array_size(connections);
    if (n > SERVICE_CONNECTIONS_MAX)
        return diag_set(r->diag, ERR_LIMIT, "%s.connection: more than %d", where,
                        SERVICE_CONNECTIONS_MAX);
    link->delay_us = n ? 0 : TE_UNKNOWN_US;
    for (size_t i = 0; i < n; i++) {
        const char *id = json_string_value(json_array_get(connections, i));
        struct connection *c = NULL;
        if (id)
            HASH_FIND_STR(r->connections, id, c);
        if (!c)
            return diag_set(r->diag, ERR_INVALID,
                            "%s.connection[%zu]: there is no connection \"%.60s\"", where, i,
                            id ? id : "");
        judge(link, c, resilience && strcmp(resilience, "NO_PROTECTION"));
        add_groups(link, c);
    }
    r->to->n_links++;
    return ERR_OK;
}

/* ---- the document */

typedef enum err item_fn(struct reading *, const json_t *, const char *where);

static enum err
each(struct reading *r, const json_t *object, const char *prefix, const char *key, item_fn *fn)
{
    const json_t *items;
    char where[96];
    enum err err = list(r, object, prefix, key, &items);
    for (size_t i = 0; !err && i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        snprintf(where, sizeof where, "%s%s%s[%zu]", prefix, *prefix ? "." : "", key, i);
        err = json_is_object(item)
                  ? fn(r, item, where)
                  : diag_set(r->diag, ERR_INVALID, "%s: an object is expected", where);
    }
    return err;
}

static enum err
read_topology(struct reading *r, const json_t *topology, const char *where)
{
    return each(r, topology, where, "link", read_section);
}

static enum err
read_context(struct reading *r, const json_t *root)
{
    const json_t *inner = json_object_get(root, "tapi-common:context");
    const json_t *context = inner ? inner : root;
    const json_t *topologies = json_object_get(context, "tapi-topology:topology-context");
    const json_t *carried = json_object_get(context, "tapi-connectivity:connectivity-context");
    enum err err;
    if (!json_is_object(topologies) || !json_is_object(carried))
        return diag_set(r->diag, ERR_INVALID,
                        "tapi-topology:topology-context and "
                        "tapi-connectivity:connectivity-context are expected");
    size_t n = json_array_size(json_object_get(carried, "connectivity-service"));
    r->to->links = arena_calloc(r->to->arena, n + 1, sizeof *r->to->links);
    if (!r->to->links)
        return no_room(r);
    if ((err = each(r, topologies, "", "topology", read_topology)) ||
        (err = each(r, carried, "", "connection", read_connection)) ||
        (err = each(r, carried, "", "connectivity-service", read_service)))
        return err;
    return ERR_OK;
}

enum err
optical_read(const char *text, size_t size, struct optical *result, struct diag *diag)
{
    struct optical to = {0};
    struct reading r = {.to = &to, .diag = diag};
    json_t *root;
    if (size > FEED_OPTICAL_TEXT_MAX)
        return diag_set(diag, ERR_LIMIT, "the document is larger than %zu octets",
                        FEED_OPTICAL_TEXT_MAX);
    enum err err = jsontext_parse(text, size, &root, diag);
    if (err)
        return err;
    to.arena = arena_new(FEED_OPTICAL_BUDGET);
    err = read_context(&r, root);
    json_decref(root);
    HASH_CLEAR(hh, r.sections);
    HASH_CLEAR(hh, r.connections);
    if (err)
        arena_free(to.arena);
    else
        *result = to;
    return err;
}

void
optical_fini(struct optical *optical)
{
    arena_free(optical->arena);
    memset(optical, 0, sizeof *optical);
}

/* ---- telling */

static bool
tell_link(const struct optical_link *link, struct ted *ted, uint32_t source, nsec_t now)
{
    struct ted_link_record r = {.told = TED_BIT(TED_RISK)};
    struct ted_link_id back;
    if (ted_named(ted, link->node_a, &r.id.local) || ted_named(ted, link->node_b, &r.id.remote))
        return false;
    bool four_a = link->address_a.family != 6, four_b = link->address_b.family != 6;
    *(four_a ? &r.id.local_address : &r.id.local_address6) = link->address_a;
    *(four_b ? &r.id.remote_address : &r.id.remote_address6) = link->address_b;
    back = (struct ted_link_id){.local = r.id.remote,
                                .remote = r.id.local,
                                .local_address = r.id.remote_address,
                                .remote_address = r.id.local_address,
                                .local_address6 = r.id.remote_address6,
                                .remote_address6 = r.id.local_address6};
    r.at_risk = link->state > OPTICAL_SWITCHED;
    memcpy(r.risk, link->why, sizeof r.risk);
    r.srlgs = link->srlgs;
    r.n_srlgs = link->n_srlgs;
    if (link->n_srlgs)
        r.told |= TED_BIT(TED_SRLG);
    if (link->switched && link->delay_us != TE_UNKNOWN_US) {
        r.told |= TED_BIT(TED_DELAY);
        r.delay_us = link->delay_us;
    }
    bool there = !ted_put_link(ted, source, &r, now);
    r.id = back;
    return !ted_put_link(ted, source, &r, now) && there;
}

void
optical_tell(const struct optical *optical, struct ted *ted, uint32_t source, nsec_t now)
{
    ted_source_refresh(ted, source, now);
    for (uint32_t i = 0; i < optical->n_links; i++)
        tell_link(&optical->links[i], ted, source, now);
    ted_source_synced(ted, source, now);
}
