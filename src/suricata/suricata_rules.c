#include "base/alloc.h"
#include "io/file.h"
#include "suricata/suricata_private.h"

#include <stdlib.h>
#include <uthash.h>

#define FILE_MAX ((size_t)256 << 20)
#define RULE_MAX 65536 /* octets of one */
#define FLOWBITS_MAX 16384

struct named {
    UT_hash_handle hh;
    uint32_t number;
    struct {
        uint32_t gid, sid; /* of a rule */
    } id;
    char name[];
};

const uint8_t suricata_lower[256] = {
#define ROW(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
#define LOWER(n) ((n) >= 'A' && (n) <= 'Z' ? (n) + 32 : (n))
#define LOWER_ROW(n)                                                                               \
    LOWER(n), LOWER(n + 1), LOWER(n + 2), LOWER(n + 3), LOWER(n + 4), LOWER(n + 5), LOWER(n + 6),  \
        LOWER(n + 7)
    ROW(0),   ROW(8),        ROW(16),       ROW(24),       ROW(32),       ROW(40),  ROW(48),
    ROW(56),  LOWER_ROW(64), LOWER_ROW(72), LOWER_ROW(80), LOWER_ROW(88), ROW(96),  ROW(104),
    ROW(112), ROW(120),      ROW(128),      ROW(136),      ROW(144),      ROW(152), ROW(160),
    ROW(168), ROW(176),      ROW(184),      ROW(192),      ROW(200),      ROW(208), ROW(216),
    ROW(224), ROW(232),      ROW(240),      ROW(248),
};

struct suricata_rules *
suricata_rules_new(const struct suricata_options *options)
{
    struct suricata_rules *rs = xcalloc(1, sizeof *rs);
    rs->arena = arena_new(SURICATA_BUDGET);
    rs->protocols = options->protocols;
    rs->n_variables = options->n_variables;
    struct suricata_variable *copies = xcalloc(options->n_variables + 1, sizeof *copies);
    for (size_t i = 0; i < options->n_variables; i++) {
        copies[i].name = xstrdup(options->variables[i].name);
        copies[i].value = xstrdup(options->variables[i].value);
    }
    rs->variables = copies;
    message_fields_find(&rs->fields, options->protocols);
    return rs;
}

static void
free_elements(struct element *elements, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (elements[i].kind == ELEMENT_PCRE)
            pcre2_code_free(elements[i].pcre);
    }
}

static void
free_named(struct named *all)
{
    struct named *each, *next;
    HASH_ITER (hh, all, each, next) {
        HASH_DEL(all, each);
        free(each);
    }
}

void
suricata_rules_free(struct suricata_rules *rs)
{
    if (!rs)
        return;
    for (size_t i = 0; i < rs->n; i++) {
        const struct rule *r = rs->rules[i];
        free_elements(r->elements, r->n_elements);
        for (unsigned k = 0; k < r->n_groups; k++)
            free_elements(r->groups[k].elements, r->groups[k].n_elements);
    }
    for (size_t i = 0; i < rs->n_variables; i++) {
        free((char *)(uintptr_t)rs->variables[i].name);
        free((char *)(uintptr_t)rs->variables[i].value);
    }
    free_named(rs->flowbits);
    free_named(rs->sids);
    prefilter_free(rs->stream);
    prefilter_free(rs->segment);
    prefilter_free(rs->datagram);
    for (unsigned i = 0; i < BUFFERS; i++)
        prefilter_free(rs->buffers[i]);
    for (size_t i = 0; i < rs->n_apps; i++) {
        free(rs->apps[i].keywords.rules);
        free(rs->apps[i].always.rules);
    }
    free(rs->apps);
    free(rs->always_stream.rules);
    free(rs->always_segment.rules);
    free(rs->always_datagram.rules);
    free(rs->headers.rules);
    free((void *)(uintptr_t)rs->variables);
    free(rs->refusals);
    free(rs->rules);
    arena_free(rs->arena);
    free(rs);
}

bool
suricata_flowbit(struct suricata_rules *rs, const char *name, uint16_t *number)
{
    struct named *n;
    HASH_FIND_STR(rs->flowbits, name, n);
    if (!n && rs->n_flowbits == FLOWBITS_MAX)
        return false;
    if (!n) {
        n = xcalloc(1, sizeof *n + strlen(name) + 1);
        strcpy(n->name, name);
        n->number = rs->n_flowbits++;
        HASH_ADD_STR(rs->flowbits, name, n);
    }
    *number = (uint16_t)n->number;
    return true;
}

/* ---- Reading ---- */

static bool
is_new(struct suricata_rules *rs, const struct rule *r)
{
    struct named *n = xcalloc(1, sizeof *n), *other;
    n->id.gid = r->info.gid;
    n->id.sid = r->info.sid;
    HASH_FIND(hh, rs->sids, &n->id, sizeof n->id, other);
    if (other) {
        free(n);
        return false;
    }
    HASH_ADD(hh, rs->sids, id, sizeof n->id, n);
    return true;
}

static enum err
refuse(struct suricata_rules *rs, const struct parser *p, bool is_malformed)
{
    GROW(rs->refusals, rs->n_refusals, rs->refusals_capacity);
    const char *keyword = arena_strdup(rs->arena, p->keyword);
    const char *why = arena_strdup(rs->arena, p->diag.text);
    if (!keyword || !why)
        return ERR_LIMIT;
    rs->refusals[rs->n_refusals++] = (struct suricata_refusal){.file = p->rule->info.file,
                                                               .line = p->rule->info.line,
                                                               .sid = p->rule->info.sid,
                                                               .keyword = keyword,
                                                               .why = why,
                                                               .is_malformed = is_malformed};
    return ERR_OK;
}

static enum err
read_rule(struct suricata_rules *rs, char *text, const char *name, uint32_t line)
{
    static struct parser p; /* large; a rule at a time */
    struct rule *r = arena_alloc(rs->arena, sizeof *r);
    struct buf references = BUF_INIT;
    if (!r)
        return ERR_LIMIT;
    memset(&p, 0, sizeof p);
    p.rules = rs;
    p.rule = r;
    p.references = &references;
    p.n_groups = 1; /* the payload */
    r->info.file = name;
    r->info.line = line;
    enum err err = suricata_parse(&p, text);
    if (!err && !is_new(rs, r))
        err = parse_malformed(&p, "another rule has it");
    buf_fini(&references);
    if (!err) {
        GROW(rs->rules, rs->n, rs->capacity);
        rs->rules[rs->n++] = r;
        return ERR_OK;
    }
    free_elements(p.elements, p.n_elements);
    return err == ERR_LIMIT ? err : refuse(rs, &p, err == ERR_MALFORMED);
}

/* The next line, with those that it goes on in behind a '\'; false: there is no more. */
static bool
next_line(const char **at, const char *end, struct buf *text, uint32_t *line, uint32_t *next)
{
    buf_clear(text);
    *line = *next;
    if (*at == end)
        return false;
    for (bool more = true; more && *at < end;) {
        const char *feed = memchr(*at, '\n', (size_t)(end - *at));
        const char *stop = feed ? feed : end;
        size_t n = (size_t)(stop - *at);
        while (n && ((*at)[n - 1] == '\r' || (*at)[n - 1] == ' ' || (*at)[n - 1] == '\t'))
            n--;
        more = n && (*at)[n - 1] == '\\';
        buf_put(text, *at, n - more);
        *at = feed ? feed + 1 : end;
        ++*next;
    }
    return true;
}

enum err
suricata_rules_read(struct suricata_rules *rs, const char *name, const char *text, size_t size,
                    struct diag *diag)
{
    const char *at = text, *end = text + size;
    const char *file = arena_strdup(rs->arena, name);
    struct buf rule = buf_limited(RULE_MAX);
    uint32_t line = 1, next = 1;
    enum err err = file ? ERR_OK : ERR_LIMIT;
    while (!err && next_line(&at, end, &rule, &line, &next)) {
        char *line_text = suricata_trim((char *)(uintptr_t)buf_cstr(&rule));
        if (buf_err(&rule)) {
            struct rule nobody = {.info = {.file = file, .line = line}};
            struct parser p = {.rule = &nobody, .keyword = "header"};
            diag_set(&p.diag, ERR_MALFORMED, "longer than %d octets", RULE_MAX);
            err = refuse(rs, &p, true);
        } else if (*line_text && *line_text != '#') {
            err = read_rule(rs, line_text, file, line);
        }
    }
    buf_fini(&rule);
    return err ? diag_set(diag, err, "%s:%u: the rules need more than %zu MiB", name, line,
                          SURICATA_BUDGET >> 20)
               : ERR_OK;
}

enum err
suricata_rules_load(struct suricata_rules *rs, const char *path, struct diag *diag)
{
    struct buf text = BUF_INIT;
    enum err err = file_read(path, FILE_MAX, &text, diag);
    if (!err)
        err = suricata_rules_read(rs, path, (const char *)text.data, text.size, diag);
    buf_fini(&text);
    return err;
}

/* ---- Sealing ---- */

/* Who sets flowbits comes before who asks for them, so that both may match in one packet. */
static unsigned
rank(const struct rule *r)
{
    bool sets = false, asks = false;
    for (unsigned i = 0; i < r->n_flowbits; i++) {
        bool is_question = r->flowbits[i].kind >= FLOWBIT_ISSET;
        asks |= is_question;
        sets |= !is_question;
    }
    for (unsigned i = 0; i < r->n_xbits; i++) {
        asks |= r->xbits[i].kind >= FLOWBIT_ISSET;
        sets |= r->xbits[i].kind < FLOWBIT_ISSET;
    }
    return sets && !asks ? 0 : sets ? 1 : asks ? 2 : 3;
}

static int
compare_rules(const void *a, const void *b)
{
    const struct rule *x = *(const struct rule *const *)a, *y = *(const struct rule *const *)b;
    unsigned ranks[] = {rank(x), rank(y)};
    if (ranks[0] != ranks[1])
        return ranks[0] < ranks[1] ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* That which is to be found first: the one that the rule says, or the longest. NULL: none. */
static const struct content *
fast_content(const struct element *elements, unsigned n)
{
    const struct content *best = NULL;
    for (unsigned i = 0; i < n; i++) {
        const struct element *e = &elements[i];
        if (e->kind != ELEMENT_CONTENT || e->is_negated)
            continue;
        if (e->content.is_fast)
            return &e->content;
        if (!best || e->content.size > best->size)
            best = &e->content;
    }
    return best;
}

static void
choose(struct chosen *c, uint32_t rule)
{
    GROW(c->rules, c->n, c->capacity);
    c->rules[c->n++] = rule;
}

static void
add_pattern(struct prefilter **f, const struct content *c, uint32_t rule)
{
    if (!*f)
        *f = prefilter_new();
    prefilter_add(*f, c->octets + c->fast_at, c->fast_size ? c->fast_size : c->size, rule);
}

/* ---- ... in messages ---- */

const struct app_rules *
suricata_app_rules(const struct suricata_rules *rs, const struct protocol *app)
{
    for (size_t i = 0; i < rs->n_apps; i++) {
        if (rs->apps[i].app == app)
            return &rs->apps[i];
    }
    return NULL;
}

static struct app_rules *
rules_of_app(struct suricata_rules *rs, const struct protocol *app)
{
    for (size_t i = 0; i < rs->n_apps; i++) {
        if (rs->apps[i].app == app)
            return &rs->apps[i];
    }
    GROW(rs->apps, rs->n_apps, rs->apps_capacity);
    rs->apps[rs->n_apps] = (struct app_rules){.app = app};
    return &rs->apps[rs->n_apps++];
}

/* Contents are found in what is there before it is transformed. A dot may not be. */
static bool
keeps_contents(const struct group *g, bool *adds_dot)
{
    *adds_dot = false;
    for (unsigned i = 0; i < RULE_TRANSFORMS && g->transforms[i]; i++) {
        bool is_case = g->transforms[i] == TRANSFORM_LOWER || g->transforms[i] == TRANSFORM_UPPER;
        if (!is_case && g->transforms[i] != TRANSFORM_DOTPREFIX)
            return false;
        *adds_dot |= !is_case;
    }
    return true;
}

static void
place_in_messages(struct suricata_rules *rs, uint32_t i)
{
    const struct rule *r = rs->rules[i];
    struct app_rules *of = rules_of_app(rs, r->app);
    const struct content *best = NULL;
    struct content dotless;
    enum buffer buffer = BUFFER_PAYLOAD;
    if (!r->n_groups) {
        choose(&of->keywords, i);
        return;
    }
    of->has_buffers = true;
    rs->has_body |= r->has_body;
    for (unsigned k = 0; k < r->n_groups; k++) {
        const struct group *g = &r->groups[k];
        const struct content *c = fast_content(g->elements, g->n_elements);
        bool adds_dot;
        if (!c || !keeps_contents(g, &adds_dot) || (adds_dot && c->size < 2))
            continue;
        if (best && (best->is_fast || (!c->is_fast && c->size <= best->size)))
            continue;
        best = c;
        buffer = g->buffer;
        if (adds_dot && c->octets[0] == '.') {
            dotless = *c;
            dotless.octets++;
            dotless.size--;
            dotless.fast_at = dotless.fast_size = 0;
            best = &dotless;
        }
    }
    if (best)
        add_pattern(&rs->buffers[buffer], best, i);
    else
        choose(&of->always, i);
}

static void
place(struct suricata_rules *rs, uint32_t i)
{
    const struct rule *r = rs->rules[i];
    const struct content *c = fast_content(r->elements, r->n_elements);
    const struct {
        enum stage stage;
        struct prefilter **prefilter;
        struct chosen *always;
    } places[] = {{STAGE_STREAM, &rs->stream, &rs->always_stream},
                  {STAGE_SEGMENT, &rs->segment, &rs->always_segment},
                  {STAGE_DATAGRAM, &rs->datagram, &rs->always_datagram}};
    if (r->stages & STAGE_MESSAGE)
        place_in_messages(rs, i);
    rs->has_stream |= r->stages & STAGE_STREAM;
    if (r->is_header) {
        choose(&rs->headers, i);
        return;
    }
    for (size_t k = 0; k < ARRAY_SIZE(places); k++) {
        if (!(r->stages & places[k].stage))
            continue;
        if (c)
            add_pattern(places[k].prefilter, c, i);
        else
            choose(places[k].always, i);
    }
}

void
suricata_rules_seal(struct suricata_rules *rs)
{
    for (size_t i = 0; i < rs->n; i++)
        rs->rules[i]->order = (uint32_t)i;
    if (rs->n)
        qsort(rs->rules, rs->n, sizeof *rs->rules, compare_rules);
    for (size_t i = 0; i < rs->n; i++) {
        rs->rules[i]->order = (uint32_t)i;
        place(rs, (uint32_t)i);
    }
    prefilter_seal(rs->stream);
    prefilter_seal(rs->segment);
    prefilter_seal(rs->datagram);
    for (unsigned i = 0; i < BUFFERS; i++)
        prefilter_seal(rs->buffers[i]);
}

size_t
suricata_rules_number(const struct suricata_rules *rs)
{
    return rs->n;
}

size_t
suricata_refusals_number(const struct suricata_rules *rs)
{
    return rs->n_refusals;
}

const struct suricata_refusal *
suricata_refusal(const struct suricata_rules *rs, size_t i)
{
    return &rs->refusals[i];
}
