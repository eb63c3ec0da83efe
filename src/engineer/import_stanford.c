#include "engineer/import_stanford.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EDGES_MAX 1048576u

struct edge {
    char *words[4]; /* all in one allocation, that of the first */
    uint32_t line, columns[4];
};

struct topology {
    struct imported *imp;
    struct edge *edges; /* by the first word */
    uint32_t n, capacity;
    struct diag *diag;
};

/* ---- Topology ---- */

static bool
from_filter(const struct edge *e)
{
    return !strcmp(e->words[1], "permit");
}

static bool
to_filter(const struct edge *e)
{
    return !strcmp(e->words[3], "inport");
}

static int
by_start(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    int order = strcmp(x->words[0], y->words[0]);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

static void
edges_free(struct topology *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        free(t->edges[i].words[0]);
    free(t->edges);
}

static enum err
read_edges(struct topology *t, const char *text, size_t size)
{
    struct import_reader reader;
    struct import_line *line = xmalloc(sizeof *line);
    enum err err = import_open(&reader, text, size, t->diag);
    while (!err) {
        err = import_next(&reader, line, t->diag);
        if (err || !line->n)
            break;
        if (line->n != 4)
            err = import_fail(t->diag, ERR_MALFORMED, line, line->words[line->n - 1].column,
                              "%u words where a link has 4", line->n);
        else if (t->n == EDGES_MAX)
            err = import_fail(t->diag, ERR_LIMIT, line, 1, "more than %u links", EDGES_MAX);
        if (err)
            break;
        GROW(t->edges, t->n, t->capacity);
        struct edge *e = &t->edges[t->n++];
        const char *start = line->words[0].text, *last = line->words[3].text;
        char *copy = xmemdup(start, (size_t)(last - start) + strlen(last) + 1);
        e->line = line->number;
        for (int i = 0; i < 4; i++) {
            e->words[i] = copy + (line->words[i].text - start);
            e->columns[i] = line->words[i].column;
        }
    }
    free(line);
    return err;
}

static enum err
fail_edge(struct topology *t, const struct edge *e, int word, enum err err)
{
    if (err)
        diag_prefix(t->diag, "line %u, column %u", e->line, e->columns[word]);
    return err;
}

/* "coza_rtr_120" of "coza_rtr_120_te2/3_in". */
static bool
filter_name(const char *box, char *name, size_t size)
{
    snprintf(name, size, "%s", box);
    for (int i = 0; i < 2; i++) {
        char *last = strrchr(name, '_');
        if (!last || last == name)
            return false;
        *last = '\0';
    }
    return true;
}

static enum err
add_filter(struct topology *t, const struct edge *e, int word)
{
    char name[IMPORTED_NAME_MAX + 1];
    uint32_t filter;
    if (!filter_name(e->words[word], name, sizeof name))
        return fail_edge(t, e, word,
                         diag_set(t->diag, ERR_MALFORMED, "\"%.80s\" is not FILTER_PORT_DIRECTION",
                                  e->words[word]));
    if (!imported_find_filter(t->imp, name, &filter, NULL))
        return ERR_OK;
    return fail_edge(t, e, word, imported_add_filter(t->imp, name, t->diag));
}

static enum err
add_node(struct topology *t, const struct edge *e, int word)
{
    uint32_t node;
    if (!imported_find_node(t->imp, e->words[word], &node, NULL))
        return ERR_OK;
    return fail_edge(t, e, word, imported_add_node(t->imp, e->words[word], t->diag));
}

static enum err
add_names(struct topology *t)
{
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < t->n && !err; i++) {
        const struct edge *e = &t->edges[i];
        err = from_filter(e) ? add_filter(t, e, 0) : add_node(t, e, 0);
        if (!err)
            err = to_filter(e) ? add_filter(t, e, 2) : add_node(t, e, 2);
    }
    return err;
}

/* The way through boxes from a router's port. */
struct way {
    const struct edge *start;
    uint32_t n;
    char names[IMPORTED_FILTERS_MAX][IMPORTED_NAME_MAX + 1];
};

static uint32_t
first_edge(const struct topology *t, const char *start)
{
    uint32_t low = 0, high = t->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(t->edges[middle].words[0], start) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum err
end_way(struct topology *t, const struct way *way, const char *to)
{
    const char *filters[IMPORTED_FILTERS_MAX];
    const struct edge *e = way->start;
    for (uint32_t i = 0; i < way->n; i++)
        filters[i] = way->names[i];
    enum err err =
        to ? imported_add_link(t->imp, e->words[0], e->words[1], to, filters, way->n, NULL, t->diag)
           : imported_add_exit(t->imp, e->words[0], e->words[1], filters, way->n, t->diag);
    return fail_edge(t, e, 0, err);
}

/* Follows the way over one edge and what comes behind. */
static enum err
follow(struct topology *t, struct way *way, const struct edge *e)
{
    if (!to_filter(e))
        return end_way(t, way, e->words[2]);
    if (way->n == IMPORTED_FILTERS_MAX)
        return fail_edge(
            t, e, 2,
            diag_set(t->diag, ERR_LIMIT, "more than %u filters in a row", IMPORTED_FILTERS_MAX));
    if (!filter_name(e->words[2], way->names[way->n], sizeof way->names[0]))
        return ERR_MALFORMED; /* add_names() has said so */
    way->n++;
    bool ends = true;
    enum err err = ERR_OK;
    for (uint32_t i = first_edge(t, e->words[2]);
         i < t->n && !strcmp(t->edges[i].words[0], e->words[2]) && !err; i++) {
        ends = false;
        err = follow(t, way, &t->edges[i]);
    }
    if (!err && ends)
        err = end_way(t, way, NULL);
    way->n--;
    return err;
}

static enum err
add_vlans(struct imported *imp, const char *text, size_t size, struct diag *diag)
{
    struct import_reader reader;
    struct import_line *line = xmalloc(sizeof *line);
    enum err err = import_open(&reader, text, size, diag);
    while (!err) {
        const char *ports[IMPORT_WORDS_MAX];
        err = import_next(&reader, line, diag);
        if (err || !line->n)
            break;
        if (line->n < 2) {
            err = import_fail(diag, ERR_MALFORMED, line, 1, "a VLAN has a node and a name");
            break;
        }
        for (uint32_t i = 2; i < line->n; i++)
            ports[i - 2] = line->words[i].text;
        err = imported_add_vlan(imp, line->words[0].text, line->words[1].text, ports, line->n - 2,
                                diag);
        if (err)
            diag_prefix(diag, "line %u, column 1", line->number);
    }
    free(line);
    return err;
}

enum err
import_stanford(struct imported *imp, const char *topology, size_t topology_size, const char *vlans,
                size_t vlans_size, struct diag *diag)
{
    struct topology t = {.imp = imp, .diag = diag};
    struct way *way = xcalloc(1, sizeof *way);
    enum err err = read_edges(&t, topology, topology_size);
    if (!err && t.n)
        qsort(t.edges, t.n, sizeof *t.edges, by_start);
    if (!err)
        err = add_names(&t);
    for (uint32_t i = 0; i < t.n && !err; i++) {
        way->start = &t.edges[i];
        if (!from_filter(way->start))
            err = follow(&t, way, way->start);
    }
    edges_free(&t);
    free(way);
    if (err) {
        diag_prefix(diag, "topology");
        return err;
    }
    err = add_vlans(imp, vlans, vlans_size, diag);
    if (err)
        diag_prefix(diag, "VLANs");
    return err;
}

/* ---- Updates ---- */

static enum err
fail_word(const struct import_line *line, uint32_t word, const char *field, struct diag *diag)
{
    return import_fail(diag, ERR_MALFORMED, line, line->words[word].column,
                       "%s cannot be \"%.60s\"", field, line->words[word].text);
}

static enum err
read_route(const struct import_line *line, struct import_update *u, struct diag *diag)
{
    uint64_t prefix, length, priority;
    const struct import_word *w = line->words;
    if (line->n != 7)
        return import_fail(diag, ERR_MALFORMED, line, 1, "%u words where a route has 7", line->n);
    if (!import_number(w[3].text, UINT32_MAX, &prefix))
        return fail_word(line, 3, "the prefix", diag);
    if (!import_number(w[4].text, 32, &length))
        return fail_word(line, 4, "the prefix length", diag);
    if (prefix & ~cube_prefix_mask((unsigned)length))
        return import_fail(diag, ERR_INVALID, line, w[3].column,
                           "the prefix has bits set behind its %s", w[4].text);
    if (strlen(w[5].text) > IMPORTED_NAME_MAX)
        return fail_word(line, 5, "the port", diag);
    if (!import_number(w[6].text, UINT32_MAX, &priority))
        return fail_word(line, 6, "the priority", diag);
    u->is_route = true;
    u->prefix = (uint32_t)prefix;
    u->length = (uint32_t)length;
    u->priority = (uint32_t)priority;
    u->n_outs = 1;
    snprintf(u->outs, sizeof u->outs, "%s", w[5].text);
    return ERR_OK;
}

static enum err
read_bounds(const struct import_line *line, uint32_t word, const char *field, uint64_t max,
            unsigned range[2], struct diag *diag)
{
    uint64_t number[2] = {0, max};
    for (uint32_t i = 0; i < 2; i++) {
        const char *text = line->words[word + i].text;
        if (strcmp(text, "null") != 0 && !import_number(text, max, &number[i]))
            return fail_word(line, word + i, field, diag);
        range[i] = (unsigned)number[i];
    }
    if (range[0] > range[1])
        return fail_word(line, word + 1, field, diag);
    return ERR_OK;
}

static enum err
read_wildcard(const struct import_line *line, uint32_t word, const char *field, uint32_t *value,
              uint32_t *mask, struct diag *diag)
{
    const char *address = line->words[word].text, *wildcard = line->words[word + 1].text;
    uint32_t ignored = 0;
    *value = *mask = 0;
    if (strcmp(wildcard, "null") != 0 && !import_address(wildcard, &ignored))
        return fail_word(line, word + 1, field, diag);
    if (!strcmp(address, "any"))
        return ERR_OK;
    if (!import_address(address, value))
        return fail_word(line, word, field, diag);
    *mask = ~ignored;
    *value &= *mask;
    return ERR_OK;
}

static enum err
read_rule(const struct import_line *line, struct import_update *u, struct diag *diag)
{
    struct cube *c = &u->rule.cube;
    unsigned proto[2], sport[2], dport[2];
    uint64_t priority;
    if (line->n != 17)
        return import_fail(diag, ERR_MALFORMED, line, 1, "%u words where a filter's rule has 17",
                           line->n);
    if (strcmp(line->words[3].text, "access-list") != 0)
        return fail_word(line, 3, "the kind of filter", diag);
    u->rule.permit = !strcmp(line->words[5].text, "permit");
    if (!u->rule.permit && strcmp(line->words[5].text, "deny") != 0)
        return fail_word(line, 5, "the action", diag);
    enum err err = read_bounds(line, 6, "the protocol", 255, proto, diag);
    if (!err)
        err = read_wildcard(line, 8, "the source", &c->src, &c->src_mask, diag);
    if (!err)
        err = read_bounds(line, 10, "the source port", UINT16_MAX, sport, diag);
    if (!err)
        err = read_wildcard(line, 12, "the destination", &c->dst, &c->dst_mask, diag);
    if (!err)
        err = read_bounds(line, 14, "the destination port", UINT16_MAX, dport, diag);
    if (!err && !import_number(line->words[16].text, UINT32_MAX, &priority))
        err = fail_word(line, 16, "the priority", diag);
    if (err)
        return err;
    u->rule.priority = (uint32_t)priority;
    for (unsigned i = 0; i < 2; i++) {
        c->proto[i] = (uint8_t)proto[i];
        c->sport[i] = (uint16_t)sport[i];
        c->dport[i] = (uint16_t)dport[i];
    }
    return ERR_OK;
}

enum err
import_stanford_next(struct import_reader *reader, struct import_line *line,
                     struct import_update *u, bool *more, struct diag *diag)
{
    enum err err = import_next(reader, line, diag);
    *more = !err && line->n;
    if (err || !line->n)
        return err;
    *u = (struct import_update){.line = line->number};
    if (line->n < 3)
        return import_fail(diag, ERR_MALFORMED, line, 1, "%u words where an update has 7 or 17",
                           line->n);
    u->add = !strcmp(line->words[0].text, "+");
    if (!u->add && strcmp(line->words[0].text, "-") != 0)
        return fail_word(line, 0, "the sign", diag);
    if (strlen(line->words[2].text) > IMPORTED_NAME_MAX)
        return fail_word(line, 2, "the name", diag);
    snprintf(u->name, sizeof u->name, "%s", line->words[2].text);
    if (!strcmp(line->words[1].text, "fwd"))
        return read_route(line, u, diag);
    if (!strcmp(line->words[1].text, "acl"))
        return read_rule(line, u, diag);
    return import_fail(diag, ERR_UNSUPPORTED, line, line->words[1].column,
                       "unknown kind of rule \"%.60s\"", line->words[1].text);
}

enum err
import_stanford_port(struct imported *imp, const struct import_update *u, struct diag *diag)
{
    uint32_t node, port;
    if (!u->is_route || !u->n_outs)
        return ERR_OK;
    enum err err = imported_find_node(imp, u->name, &node, diag);
    if (!err && imported_find_port(imp, node, u->outs, &port, NULL))
        err = imported_add_port(imp, u->name, u->outs, diag);
    if (err)
        diag_prefix(diag, "line %u", u->line);
    return err;
}
