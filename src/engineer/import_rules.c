#include "engineer/import_rules.h"

#include "base/alloc.h"
#include "engineer/import_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION "1"
#define DEFAULT_DEPTH 16u
#define DEFAULT_STEPS 100000u
#define FECS_MAX 16384u /* names of entries */

enum field {
    F_NAME,
    F_NODE,
    F_PORT,
    F_TO,
    F_FILTERS,
    F_RISK,
    F_PORTS,
    F_PREFIX,
    F_OUT,
    F_PRIORITY,
    F_FILTER,
    F_ACTION,
    F_PROTO,
    F_SRC,
    F_SPORT,
    F_DST,
    F_DPORT,
    F_IN,
    F_OPS,
    F_RANK,
    F_FEC,
    F_EGRESS,
    N_FIELDS
};

static const char *const field_names[N_FIELDS] = {
    "name",  "node",     "port",   "to",     "filters", "risk",  "ports", "prefix",
    "out",   "priority", "filter", "action", "proto",   "src",   "sport", "dst",
    "dport", "in",       "ops",    "rank",   "fec",     "egress"};

struct import;
#define BIT(field) (UINT32_C(1) << (field))

/* What a line may be. */
struct kind {
    const char *word;          /* "+ route": with the sign that goes before */
    uint32_t wanted, possible; /* fields */
    enum err (*read)(struct import *);
};

struct import {
    struct imported *imp;
    struct labels **labels;
    const struct import_options *options;
    struct import_tally *tally;
    struct import_line line;
    struct diag *diag;
    const struct kind *kind;
    const char *values[N_FIELDS]; /* NULL: not in this line */
    uint32_t columns[N_FIELDS];   /* of the value */
    bool sealed, stop;
    uint32_t n_fecs, fecs_capacity;
    char **fecs;
    struct import_update update;
};

/* ---- Saying what is wrong ---- */

static enum err
fail_field(struct import *in, enum err err, enum field field, const char *what)
{
    return import_fail(in->diag, err, &in->line, in->columns[field], "field \"%s\": %s: \"%.60s\"",
                       field_names[field], what, in->values[field]);
}

/* What the network said, with the place of the line. */
static enum err
fail_line(struct import *in, enum err err)
{
    if (err)
        diag_prefix(in->diag, "line %u, column %u", in->line.number, in->line.words[0].column);
    return err;
}

/* ---- Values ---- */

static enum err
read_number(struct import *in, enum field field, uint64_t max, uint64_t fallback, uint64_t *number)
{
    char what[64];
    *number = fallback;
    if (!in->values[field] || import_number(in->values[field], max, number))
        return ERR_OK;
    snprintf(what, sizeof what, "not a number from 0 to %llu", (unsigned long long)max);
    return fail_field(in, ERR_MALFORMED, field, what);
}

/* "6", "6-17" */
static enum err
read_range(struct import *in, enum field field, unsigned max, unsigned range[2])
{
    char first[16] = "";
    uint64_t low, high;
    const char *text = in->values[field], *dash = text ? strchr(text, '-') : NULL;
    range[0] = 0;
    range[1] = max;
    if (!text)
        return ERR_OK;
    size_t length = dash ? (size_t)(dash - text) : strlen(text);
    if (length < sizeof first)
        memcpy(first, text, length);
    if (!import_number(first, max, &low) || (dash && !import_number(dash + 1, max, &high)))
        return fail_field(in, ERR_MALFORMED, field, "neither a number nor two with a dash between");
    range[0] = (unsigned)low;
    range[1] = dash ? (unsigned)high : (unsigned)low;
    if (range[0] > range[1])
        return fail_field(in, ERR_INVALID, field, "the last is before the first");
    return ERR_OK;
}

/* "any", "10.0.0.1", "10.0.0.0/8", "10.0.0.1/255.0.0.255" */
static enum err
read_masked(struct import *in, enum field field, bool prefix, uint32_t *value, uint32_t *mask)
{
    char address[32] = "";
    const char *text = in->values[field], *slash = text ? strchr(text, '/') : NULL;
    uint64_t length;
    *value = *mask = 0;
    if (!text || (!prefix && !strcmp(text, "any")))
        return ERR_OK;
    size_t size = slash ? (size_t)(slash - text) : strlen(text);
    if (size < sizeof address)
        memcpy(address, text, size);
    *mask = UINT32_MAX;
    if (!import_address(address, value) || (prefix && !slash))
        return fail_field(in, ERR_MALFORMED, field,
                          prefix ? "not an IPv4 prefix" : "not an IPv4 address");
    if (slash && import_number(slash + 1, 32, &length))
        *mask = cube_prefix_mask((unsigned)length);
    else if (slash && (prefix || !import_address(slash + 1, mask)))
        return fail_field(in, ERR_MALFORMED, field,
                          prefix ? "its length is not a number from 0 to 32"
                                 : "its mask is neither a length nor an address");
    if (*value & ~*mask)
        return fail_field(in, ERR_INVALID, field, "the address has bits outside its mask");
    return ERR_OK;
}

struct list {
    char text[IMPORT_LINE_MAX + 1];
    uint32_t n;
    const char *items[IMPORTED_PORTS_MAX];
};

/* "a,b,c" */
static enum err
read_list(struct import *in, enum field field, struct list *list)
{
    list->n = 0;
    if (!in->values[field])
        return ERR_OK;
    snprintf(list->text, sizeof list->text, "%s", in->values[field]);
    for (char *p = list->text, *comma;; p = comma + 1) {
        comma = strchr(p, ',');
        if (comma)
            *comma = '\0';
        if (!*p)
            return fail_field(in, ERR_MALFORMED, field, "an empty item in the list");
        if (list->n == IMPORTED_PORTS_MAX)
            return fail_field(in, ERR_LIMIT, field, "too many items in the list");
        list->items[list->n++] = p;
        if (!comma)
            return ERR_OK;
    }
}

/* ---- Topology ---- */

static enum err
read_node(struct import *in)
{
    return fail_line(in, imported_add_node(in->imp, in->values[F_NAME], in->diag));
}

static enum err
read_filter(struct import *in)
{
    return fail_line(in, imported_add_filter(in->imp, in->values[F_NAME], in->diag));
}

static enum err
read_port(struct import *in)
{
    struct list filters;
    enum err err = read_list(in, F_FILTERS, &filters);
    if (err)
        return err;
    err = imported_add_port(in->imp, in->values[F_NODE], in->values[F_NAME], in->diag);
    if (!err)
        err = imported_add_exit(in->imp, in->values[F_NODE], in->values[F_NAME], filters.items,
                                filters.n, in->diag);
    return fail_line(in, err);
}

static enum err
read_link(struct import *in)
{
    struct list filters;
    enum err err = read_list(in, F_FILTERS, &filters);
    return err ? err
               : fail_line(in, imported_add_link(in->imp, in->values[F_NODE], in->values[F_PORT],
                                                 in->values[F_TO], filters.items, filters.n,
                                                 in->values[F_RISK], in->diag));
}

static enum err
read_vlan(struct import *in)
{
    struct list ports;
    enum err err = read_list(in, F_PORTS, &ports);
    return err ? err
               : fail_line(in, imported_add_vlan(in->imp, in->values[F_NODE], in->values[F_NAME],
                                                 ports.items, ports.n, in->diag));
}

/* Rules follow. */
static enum err
seal(struct import *in)
{
    if (in->sealed)
        return ERR_OK;
    enum err err = imported_seal(in->imp, in->diag);
    in->sealed = !err;
    return fail_line(in, err);
}

/* ---- Prefix and filter rules ---- */

static enum err
apply(struct import *in)
{
    struct imported_change change;
    enum err err = seal(in);
    if (!err)
        err = fail_line(in, import_apply(in->imp, &in->update, &change, in->diag));
    if (err)
        return err;
    *(in->update.is_route ? &in->tally->routes : &in->tally->rules) += in->update.add ? 1
                                                                                      : UINT32_MAX;
    in->tally->loops += change.loops;
    in->tally->holes += change.holes;
    in->tally->unjudged += change.unjudged;
    if (in->options->watch)
        in->stop = !in->options->watch(in->options->arg, &in->update, &change);
    return ERR_OK;
}

static enum err
read_name(struct import *in, enum field field)
{
    struct import_update *u = &in->update;
    if (strlen(in->values[field]) > IMPORTED_NAME_MAX)
        return fail_field(in, ERR_LIMIT, field, "the name is too long");
    snprintf(u->name, sizeof u->name, "%s", in->values[field]);
    u->line = in->line.number;
    u->add = in->kind->word[0] == '+';
    return ERR_OK;
}

static enum err
read_outs(struct import *in)
{
    struct import_update *u = &in->update;
    struct list list;
    size_t size = 0;
    u->n_outs = 0;
    if (!in->values[F_OUT] || !strcmp(in->values[F_OUT], "drop"))
        return ERR_OK;
    enum err err = read_list(in, F_OUT, &list);
    if (err)
        return err;
    for (uint32_t i = 0; i < list.n; i++) {
        size_t length = strlen(list.items[i]) + 1;
        if (u->n_outs == IMPORT_OUTS_MAX || size + length > sizeof u->outs)
            return fail_field(in, ERR_LIMIT, F_OUT, "too many outputs");
        memcpy(u->outs + size, list.items[i], length);
        size += length;
        u->n_outs++;
    }
    return ERR_OK;
}

static enum err
read_route(struct import *in)
{
    struct import_update *u = &in->update;
    uint32_t mask;
    uint64_t priority;
    enum err err = read_name(in, F_NODE);
    u->is_route = true;
    if (!err)
        err = read_masked(in, F_PREFIX, true, &u->prefix, &mask);
    if (err)
        return err;
    u->length = (uint32_t)__builtin_popcount(mask);
    err = read_number(in, F_PRIORITY, UINT32_MAX, u->length, &priority);
    if (!err)
        err = read_outs(in);
    u->priority = (uint32_t)priority;
    return err ? err : apply(in);
}

static enum err
read_cube(struct import *in, struct cube *cube)
{
    unsigned proto[2], sport[2], dport[2];
    enum err err = read_range(in, F_PROTO, 255, proto);
    if (!err)
        err = read_range(in, F_SPORT, UINT16_MAX, sport);
    if (!err)
        err = read_range(in, F_DPORT, UINT16_MAX, dport);
    if (!err)
        err = read_masked(in, F_SRC, false, &cube->src, &cube->src_mask);
    if (!err)
        err = read_masked(in, F_DST, false, &cube->dst, &cube->dst_mask);
    if (err)
        return err;
    for (unsigned i = 0; i < 2; i++) {
        cube->proto[i] = (uint8_t)proto[i];
        cube->sport[i] = (uint16_t)sport[i];
        cube->dport[i] = (uint16_t)dport[i];
    }
    return ERR_OK;
}

static enum err
read_rule(struct import *in)
{
    struct import_update *u = &in->update;
    const char *action = in->values[F_ACTION];
    uint64_t priority;
    enum err err = read_name(in, F_FILTER);
    u->is_route = false;
    if (!err)
        err = read_number(in, F_PRIORITY, UINT32_MAX, 0, &priority);
    if (!err && action && strcmp(action, "permit") && strcmp(action, "deny"))
        err = fail_field(in, ERR_MALFORMED, F_ACTION, "neither permit nor deny");
    if (!err)
        err = read_cube(in, &u->rule.cube);
    if (err)
        return err;
    u->rule.priority = (uint32_t)priority;
    u->rule.permit = action && !strcmp(action, "permit");
    return apply(in);
}

/* ---- Labels ---- */

/* "swap:100,push:200", "pop", "none" */
static enum err
read_ops(struct import *in, struct label_rule *rule)
{
    static const char *const words[] = {[LABEL_SWAP] = "swap:", [LABEL_PUSH] = "push:"};
    struct list list;
    enum err err = read_list(in, F_OPS, &list);
    if (err || !strcmp(in->values[F_OPS], "none"))
        return err;
    for (uint32_t i = 0; i < list.n; i++) {
        struct label_op op = {.kind = LABEL_POP};
        uint64_t label = 0;
        bool known = !strcmp(list.items[i], "pop");
        for (unsigned k = LABEL_SWAP; k <= LABEL_PUSH && !known; k++) {
            op.kind = k;
            known = !strncmp(list.items[i], words[k], strlen(words[k])) &&
                    import_number(list.items[i] + strlen(words[k]), LABEL_MAX, &label);
        }
        if (!known)
            return fail_field(in, ERR_MALFORMED, F_OPS,
                              "an operation is pop, swap:LABEL or push:LABEL, LABEL below 1048576");
        if (rule->n_ops == LABELS_OPS_MAX)
            return fail_field(in, ERR_LIMIT, F_OPS, "too many operations");
        op.label = (uint32_t)label;
        rule->ops[rule->n_ops++] = op;
    }
    return ERR_OK;
}

static enum err
add_label_rule(struct import *in, struct label_rule *rule)
{
    const struct import_options *o = in->options;
    uint64_t rank;
    enum err err = read_number(in, F_RANK, UINT32_MAX, 0, &rank);
    rule->rank = (uint32_t)rank;
    rule->link = LABELS_HERE;
    if (!err)
        err = read_ops(in, rule);
    if (!err)
        err = seal(in);
    if (err)
        return err;
    err = imported_find_node(in->imp, in->values[F_NODE], &rule->node, in->diag);
    if (!err && strcmp(in->values[F_PORT], "self"))
        err = imported_find_link(in->imp, in->values[F_NODE], in->values[F_PORT], in->values[F_TO],
                                 &rule->link, in->diag);
    if (!err && !*in->labels)
        err = imported_labels(in->imp, o->depth ? o->depth : DEFAULT_DEPTH,
                              o->steps ? o->steps : DEFAULT_STEPS, in->labels, in->diag);
    if (!err)
        err = labels_add(*in->labels, rule, in->diag);
    return fail_line(in, err);
}

static enum err
read_label(struct import *in)
{
    struct label_rule rule = {0};
    uint64_t label;
    enum err err = read_number(in, F_IN, LABEL_MAX, 0, &label);
    rule.label = (uint32_t)label;
    if (!err)
        err = add_label_rule(in, &rule);
    in->tally->labels += !err;
    return err;
}

static uint32_t
fec_number(struct import *in, const char *name)
{
    for (uint32_t i = in->n_fecs; i-- > 0;) { /* an entry's rules stand together */
        if (!strcmp(in->fecs[i], name))
            return i;
    }
    GROW(in->fecs, in->n_fecs, in->fecs_capacity);
    in->fecs[in->n_fecs] = xstrdup(name);
    return in->n_fecs++;
}

static enum err
read_entry(struct import *in)
{
    struct label_rule rule = {.label = LABELS_NONE};
    enum err err = fail_line(
        in, imported_find_node(in->imp, in->values[F_EGRESS], &rule.egress, in->diag));
    if (err)
        return err;
    rule.fec = fec_number(in, in->values[F_FEC]);
    if (in->n_fecs > FECS_MAX)
        return fail_field(in, ERR_LIMIT, F_FEC, "more than 16384 of them");
    err = add_label_rule(in, &rule);
    in->tally->entries += !err;
    return err;
}

/* ---- Lines ---- */

#define CUBE_FIELDS (BIT(F_PROTO) | BIT(F_SRC) | BIT(F_SPORT) | BIT(F_DST) | BIT(F_DPORT))
#define LABEL_FIELDS (BIT(F_NODE) | BIT(F_OPS) | BIT(F_PORT))

static const struct kind kinds[] = {
    {"node", BIT(F_NAME), 0, read_node},
    {"filter", BIT(F_NAME), 0, read_filter},
    {"port", BIT(F_NODE) | BIT(F_NAME), BIT(F_FILTERS), read_port},
    {"link", BIT(F_NODE) | BIT(F_PORT) | BIT(F_TO), BIT(F_FILTERS) | BIT(F_RISK), read_link},
    {"vlan", BIT(F_NODE) | BIT(F_NAME) | BIT(F_PORTS), 0, read_vlan},
    {"+ route", BIT(F_NODE) | BIT(F_PREFIX) | BIT(F_OUT), BIT(F_PRIORITY), read_route},
    {"- route", BIT(F_NODE) | BIT(F_PREFIX), BIT(F_PRIORITY), read_route},
    {"+ rule", BIT(F_FILTER) | BIT(F_PRIORITY) | BIT(F_ACTION), CUBE_FIELDS, read_rule},
    {"- rule", BIT(F_FILTER) | BIT(F_PRIORITY), 0, read_rule},
    {"label", LABEL_FIELDS | BIT(F_IN), BIT(F_TO) | BIT(F_RANK), read_label},
    {"entry", LABEL_FIELDS | BIT(F_FEC) | BIT(F_EGRESS), BIT(F_TO) | BIT(F_RANK), read_entry},
};

static enum err
find_kind(struct import *in, uint32_t *first)
{
    const struct import_word *words = in->line.words;
    char word[64];
    bool sign = !strcmp(words[0].text, "+") || !strcmp(words[0].text, "-");
    *first = sign ? 2 : 1;
    if (sign && in->line.n < 2)
        return import_fail(in->diag, ERR_MALFORMED, &in->line, words[0].column,
                           "\"route\" or \"rule\" is missing behind the sign");
    snprintf(word, sizeof word, "%s%s%.40s", sign ? words[0].text : "", sign ? " " : "",
             words[*first - 1].text);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        in->kind = &kinds[i];
        if (!strcmp(word, kinds[i].word))
            return ERR_OK;
    }
    return import_fail(in->diag, ERR_UNSUPPORTED, &in->line, words[*first - 1].column,
                       "unknown kind of line \"%s\"", word);
}

static enum err
read_field(struct import *in, const struct import_word *word)
{
    const struct import_line *line = &in->line;
    char *equals = strchr(word->text, '=');
    if (!equals)
        return import_fail(in->diag, ERR_MALFORMED, line, word->column,
                           "\"%.60s\" is not of the form field=value", word->text);
    *equals = '\0';
    unsigned field = 0;
    while (field < N_FIELDS && strcmp(word->text, field_names[field]) != 0)
        field++;
    if (field == N_FIELDS)
        return import_fail(in->diag, ERR_UNSUPPORTED, line, word->column, "unknown field \"%.60s\"",
                           word->text);
    if (!((in->kind->wanted | in->kind->possible) & BIT(field)))
        return import_fail(in->diag, ERR_UNSUPPORTED, line, word->column,
                           "a line \"%s\" has no field \"%s\"", in->kind->word, word->text);
    if (in->values[field])
        return import_fail(in->diag, ERR_MALFORMED, line, word->column,
                           "field \"%s\" is there twice", word->text);
    in->values[field] = equals + 1;
    in->columns[field] = word->column + (uint32_t)(equals + 1 - word->text);
    if (!equals[1])
        return import_fail(in->diag, ERR_MALFORMED, line, in->columns[field],
                           "field \"%s\" has no value", word->text);
    return ERR_OK;
}

static enum err
read_line(struct import *in)
{
    uint32_t first;
    memset(in->values, 0, sizeof in->values);
    enum err err = find_kind(in, &first);
    for (uint32_t i = first; i < in->line.n && !err; i++)
        err = read_field(in, &in->line.words[i]);
    for (unsigned i = 0; i < N_FIELDS && !err; i++) {
        if (in->kind->wanted & BIT(i) && !in->values[i])
            err = import_fail(in->diag, ERR_MALFORMED, &in->line, in->line.words[0].column,
                              "a line \"%s\" needs the field \"%s\"", in->kind->word,
                              field_names[i]);
    }
    return err ? err : in->kind->read(in);
}

static enum err
read_version(struct import *in)
{
    const struct import_line *line = &in->line;
    if (!line->n || strcmp(line->words[0].text, "tieline-rules") != 0 || line->n != 2)
        return import_fail(in->diag, ERR_MALFORMED, line, 1,
                           "the first line is not \"tieline-rules " VERSION "\"");
    if (strcmp(line->words[1].text, VERSION) != 0)
        return import_fail(in->diag, ERR_UNSUPPORTED, line, line->words[1].column,
                           "version \"%.20s\" is not known, only " VERSION, line->words[1].text);
    return ERR_OK;
}

static enum err
read_text(struct import *in, const char *text, size_t size)
{
    struct import_reader reader;
    enum err err = import_open(&reader, text, size, in->diag);
    in->line.number = 1;
    if (!err)
        err = import_next(&reader, &in->line, in->diag);
    if (!err)
        err = read_version(in);
    while (!err && !in->stop) {
        in->tally->lines = in->line.number;
        err = import_next(&reader, &in->line, in->diag);
        if (err || !in->line.n)
            break;
        err = read_line(in);
    }
    return err ? err : seal(in);
}

enum err
import_rules(struct imported *imp, struct labels **labels, const char *text, size_t size,
             const struct import_options *options, struct import_tally *tally, struct diag *diag)
{
    struct diag unasked;
    struct import *in = xcalloc(1, sizeof *in);
    *labels = NULL;
    *tally = (struct import_tally){0};
    in->imp = imp;
    in->labels = labels;
    in->options = options;
    in->tally = tally;
    in->diag = diag ? diag : &unasked;
    enum err err = read_text(in, text, size);
    for (uint32_t i = 0; i < in->n_fecs; i++)
        free(in->fecs[i]);
    free(in->fecs);
    free(in);
    if (err) {
        labels_free(*labels);
        *labels = NULL;
    }
    return err;
}
