#include "advisory/version.h"

#include "base/attr.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Parts ---- */

struct part {
    bool is_number;
    const char *text; /* of a number: without leading zeros */
    size_t size;
};

struct parts {
    struct part parts[VERSION_PARTS];
    unsigned n;
};

static bool
is_word(const struct part *p, const char *word)
{
    return !p->is_number && strlen(word) == p->size && !strncasecmp(p->text, word, p->size);
}

static bool
is_prefix(const struct part *p)
{
    static const char *const words[] = {"v",        "ver", "version", "fw",      "firmware", "rev",
                                        "revision", "sw",  "sv",      "release", "rel"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (is_word(p, words[i]))
            return true;
    }
    return false;
}

static void
cut(const char *text, struct parts *v)
{
    v->n = 0;
    while (*text && v->n < VERSION_PARTS) {
        unsigned char c = (unsigned char)*text;
        if (!isalnum(c)) {
            text++;
            continue;
        }
        struct part *p = &v->parts[v->n++];
        p->is_number = isdigit(c);
        p->text = text;
        while (p->is_number ? isdigit((unsigned char)*text) : isalpha((unsigned char)*text))
            text++;
        p->size = (size_t)(text - p->text);
        while (p->is_number && p->size > 1 && *p->text == '0') {
            p->text++;
            p->size--;
        }
    }
}

static void
drop_first(struct parts *v)
{
    memmove(v->parts, v->parts + 1, --v->n * sizeof *v->parts);
}

/* Early ones are below nothing, service packs above updates, everything else between by its
 * letters. */
static int
rank(const struct part *p)
{
    static const struct {
        const char *word;
        int rank;
    } words[] = {{"dev", -5}, {"alpha", -4}, {"beta", -3}, {"pre", -2}, {"rc", -1}, {"sp", 2}};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (is_word(p, words[i].word))
            return words[i].rank;
    }
    return 1;
}

static int
compare_numbers(const struct part *a, const struct part *b)
{
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return memcmp(a->text, b->text, a->size);
}

static int
compare_words(const struct part *a, const struct part *b)
{
    int ranks[] = {rank(a), rank(b)};
    if (ranks[0] != ranks[1])
        return ranks[0] < ranks[1] ? -1 : 1;
    int order = strncasecmp(a->text, b->text, a->size < b->size ? a->size : b->size);
    return order ? order : a->size < b->size ? -1 : a->size > b->size;
}

/* A part that the other one has not. */
static int
against_nothing(const struct parts *v, unsigned from)
{
    for (unsigned i = from; i < v->n; i++) {
        const struct part *p = &v->parts[i];
        if (!p->is_number)
            return rank(p) < 0 ? -1 : 1;
        if (p->size != 1 || *p->text != '0')
            return 1;
    }
    return 0;
}

int
version_compare(const char *a, const char *b)
{
    struct parts x, y;
    cut(a, &x);
    cut(b, &y);
    while (x.n && is_prefix(&x.parts[0]))
        drop_first(&x);
    while (y.n && is_prefix(&y.parts[0]))
        drop_first(&y);
    /* "R100" and "100": one of them says what it is. */
    if (x.n && y.n && x.parts[0].is_number != y.parts[0].is_number)
        drop_first(x.parts[0].is_number ? &y : &x);
    for (unsigned i = 0; i < x.n && i < y.n; i++) {
        const struct part *p = &x.parts[i], *q = &y.parts[i];
        int order;
        if (p->is_number !=
            q->is_number) /* 4.2a and 4.2.1: a number goes on, a letter is a branch */
            order = p->is_number ? 1 : -1;
        else
            order = p->is_number ? compare_numbers(p, q) : compare_words(p, q);
        if (order)
            return order;
    }
    return x.n > y.n ? against_nothing(&x, y.n) : -against_nothing(&y, x.n);
}

bool
version_is_one(const char *text)
{
    return strpbrk(text, "0123456789") != NULL;
}

/* ---- Ranges: reading ---- */

enum op {
    OP_NONE,
    OP_BELOW,
    OP_AT_MOST,
    OP_ABOVE,
    OP_AT_LEAST,
    OP_EQUAL,
    OP_NOT,
};

struct reading {
    struct arena *arena;
    struct version_range *range;
    enum op op;                    /* that waits for its version */
    struct version_interval *last; /* what was read last, a version by itself; NULL */
    bool is_out_of_memory;
};

static struct version_interval *
new_interval(struct reading *r)
{
    struct version_range *range = r->range;
    if (range->n == VERSION_INTERVALS) {
        range->is_unreadable = true;
        return &range->intervals[0];
    }
    range->intervals[range->n] = (struct version_interval){.low = NULL};
    return &range->intervals[range->n++];
}

/* The one that is being made takes an end that it has not yet; else a new one begins. */
static void
add(struct reading *r, enum op op, const char *version)
{
    struct version_range *range = r->range;
    struct version_interval *v = range->n ? &range->intervals[range->n - 1] : NULL;
    r->last = NULL;
    switch (op) {
    case OP_NOT:
        if (range->n_not < VERSION_INTERVALS)
            range->not [range->n_not++] = version;
        else
            range->is_unreadable = true;
        break;
    case OP_BELOW:
    case OP_AT_MOST:
        if (!v || v->high)
            v = new_interval(r);
        v->high = version;
        v->has_high = op == OP_AT_MOST;
        break;
    case OP_ABOVE:
    case OP_AT_LEAST:
        v = new_interval(r);
        v->low = version;
        v->has_low = op == OP_AT_LEAST;
        break;
    case OP_NONE:
    case OP_EQUAL:
        v = new_interval(r);
        v->low = v->high = version;
        v->has_low = v->has_high = true;
        r->last = v;
        break;
    }
}

static const char *
keep(struct reading *r, const char *text, size_t size)
{
    const char *copy = arena_strndup(r->arena, text, size);
    if (!copy)
        r->is_out_of_memory = true;
    return copy ? copy : "";
}

/* What stands at the beginning of the text as an operator; `*size` octets of it. */
static enum op
read_op(const char *text, size_t *size)
{
    static const struct {
        const char *text;
        enum op op;
    } ops[] = {{"<=", OP_AT_MOST},
               {">=", OP_AT_LEAST},
               {"!=", OP_NOT},
               {"==", OP_EQUAL},
               {"<", OP_BELOW},
               {">", OP_ABOVE},
               {"=", OP_EQUAL},
               {"\xe2\x89\xa4", OP_AT_MOST},
               {"\xe2\x89\xa5", OP_AT_LEAST}};
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        *size = strlen(ops[i].text);
        if (!strncmp(text, ops[i].text, *size))
            return ops[i].op;
    }
    *size = 0;
    return OP_NONE;
}

/* vers:SCHEME/CONSTRAINT|CONSTRAINT... (github.com/package-url/vers-spec). */
static void
read_vers(struct reading *r, const char *text)
{
    const char *at = strchr(text, '/');
    if (!at || !at[1]) {
        r->range->is_unreadable = true;
        return;
    }
    for (at++; *at;) {
        size_t n = strcspn(at, "|"), size;
        enum op op = read_op(at, &size);
        if (n == 1 && *at == '*')
            r->range->is_all = true;
        else if (n > size)
            add(r, op, keep(r, at + size, n - size));
        else
            r->range->is_unreadable = true;
        at += n + (at[n] == '|');
    }
}

struct words {
    char *words[64];
    unsigned n, at;
};

static const char *
peek(const struct words *w, unsigned ahead)
{
    return w->at + ahead < w->n ? w->words[w->at + ahead] : "";
}

static bool
is_any(const char *word, const char *const *of, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(word, of[i]))
            return true;
    }
    return false;
}
#define IS_ANY(word, ...)                                                                          \
    is_any(word, (const char *const[]){__VA_ARGS__},                                               \
           sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* "V8.2 SP1 Update 3": the words that go on with a version. */
static const char *
read_version(struct reading *r, struct words *w)
{
    struct buf text = BUF_INIT;
    buf_str(&text, w->words[w->at++]);
    while (w->at < w->n) {
        const char *word = peek(w, 0);
        bool goes_on = !strncmp(word, "sp", 2) || !strncmp(word, "hf", 2) ||
                       IS_ANY(word, "update", "upd", "patch", "build", "service", "pack", "hotfix",
                              "rev", "r");
        if (!goes_on)
            break;
        bool needs_number = !strpbrk(word, "0123456789") && version_is_one(peek(w, 1)) &&
                            isdigit((unsigned char)*peek(w, 1));
        buf_printf(&text, " %s", word);
        w->at++;
        if (needs_number)
            buf_printf(&text, " %s", w->words[w->at++]);
    }
    const char *copy = keep(r, buf_cstr(&text), text.size);
    buf_fini(&text);
    return copy;
}

/* "and prior", "or later": of the version before. */
static bool
turns_last(struct reading *r, struct words *w)
{
    bool has_and = IS_ANY(peek(w, 0), "and", "or", "&");
    const char *word = peek(w, has_and);
    bool is_before = IS_ANY(word, "prior", "earlier", "below", "older", "lower", "previous");
    bool is_after = IS_ANY(word, "later", "above", "newer", "higher", "onwards", "greater", "up");
    if (!r->last || (!is_before && !is_after) || IS_ANY(peek(w, has_and + 1u), "to", "than"))
        return false;
    if (is_before)
        r->last->low = NULL;
    else
        r->last->high = NULL;
    r->last = NULL;
    w->at += has_and + 1u;
    return true;
}

static void
read_word(struct reading *r, struct words *w)
{
    const char *word = peek(w, 0);
    if (turns_last(r, w))
        return;
    if (version_is_one(word)) {
        const char *version = read_version(r, w);
        add(r, r->op, version);
        r->op = OP_NONE;
        return;
    }
    w->at++;
    if (IS_ANY(word, "all", "any", "*")) {
        r->range->is_all = true;
    } else if (IS_ANY(word, "prior", "earlier", "lower", "less", "older")) {
        w->at += IS_ANY(peek(w, 0), "to", "than");
        r->op = OP_BELOW;
    } else if (IS_ANY(word, "before", "below")) {
        r->op = OP_BELOW;
    } else if (IS_ANY(word, "later", "newer", "higher", "greater")) {
        w->at += IS_ANY(peek(w, 0), "than");
        r->op = OP_ABOVE;
    } else if (IS_ANY(word, "from", "since", "starting")) {
        w->at += IS_ANY(peek(w, 0), "with", "from", "at");
        r->op = OP_AT_LEAST;
    } else if (IS_ANY(word, "to", "through", "until", "-", "\xe2\x80\x93", "up", "upto")) {
        while (IS_ANY(peek(w, 0), "to", "and", "including", "incl"))
            w->at++;
        if (r->last)
            r->last->high = NULL;
        r->last = NULL;
        r->op = OP_AT_MOST;
    } else if (!IS_ANY(word, "version", "versions", "v", "firmware", "and", "or", "including",
                       "inclusive", "only", "the", "release", "releases", "software", "fw", ",")) {
        r->range->is_unreadable = true;
    }
}

/* Words, and operators and commas by themselves. */
static void
cut_words(char *text, char *room, struct words *w)
{
    for (char *at = text; *at && w->n < ARRAY_SIZE(w->words);) {
        size_t size;
        if (isspace((unsigned char)*at)) {
            at++;
            continue;
        }
        w->words[w->n++] = room;
        if (strchr(",;|", *at))
            size = 1;
        else if (!read_op(at, &size))
            size = strcspn(at, " \t\r\n,;|<>=!()");
        if (!size)
            size = 1; /* a bracket */
        memcpy(room, at, size);
        room[size] = '\0';
        if (strchr(";|()", *room))
            *room = ',';
        room += size + 1;
        at += size;
    }
}

static void
read_text(struct reading *r, const char *text)
{
    char lower[512], room[1024];
    struct words w = {.n = 0};
    size_t n = strlen(text), size;
    if (n >= sizeof lower) {
        r->range->is_unreadable = true;
        return;
    }
    for (size_t i = 0; i <= n; i++)
        lower[i] = (char)tolower((unsigned char)text[i]);
    cut_words(lower, room, &w);
    while (w.at < w.n) {
        enum op op = read_op(peek(&w, 0), &size);
        if (op) {
            r->op = op;
            w.at++;
        } else {
            read_word(r, &w);
        }
    }
    if (w.n == ARRAY_SIZE(w.words) || r->op)
        r->range->is_unreadable = true; /* it goes on, or ends too early */
}

enum err
version_range_read(struct arena *arena, const char *text, struct version_range *range)
{
    struct reading r = {.arena = arena, .range = range};
    *range = (struct version_range){.text = arena_strdup(arena, text)};
    if (!range->text)
        return ERR_LIMIT;
    if (!strncmp(text, "vers:", 5))
        read_vers(&r, text);
    else
        read_text(&r, text);
    if (range->is_all && (range->n || range->n_not))
        range->is_all = false; /* all versions, and then which */
    if (!range->is_all && !range->n && !range->n_not)
        range->is_unreadable = true;
    return r.is_out_of_memory ? ERR_LIMIT : ERR_OK;
}

/* ---- Ranges: asking ---- */

static bool
interval_has(const struct version_interval *v, const char *version)
{
    int low = v->low ? version_compare(version, v->low) : 1;
    int high = v->high ? version_compare(version, v->high) : -1;
    return (low > 0 || (low == 0 && v->has_low)) && (high < 0 || (high == 0 && v->has_high));
}

bool
version_range_has(const struct version_range *range, const char *version,
                  const struct version_interval **why)
{
    *why = NULL;
    if (range->is_unreadable)
        return false;
    for (unsigned i = 0; i < range->n_not; i++) {
        if (!version_compare(version, range->not [i]))
            return false;
    }
    for (unsigned i = 0; i < range->n; i++) {
        if (interval_has(&range->intervals[i], version)) {
            *why = &range->intervals[i];
            return true;
        }
    }
    return range->is_all || !range->n;
}

void
version_interval_explain(struct buf *b, const struct version_interval *v)
{
    if (!v)
        buf_str(b, "is one of all");
    else if (v->low == v->high)
        buf_printf(b, "is %s", v->low);
    else if (v->low && v->high)
        buf_printf(b, "is %s %s and %s %s", v->has_low ? "at least" : "above", v->low,
                   v->has_high ? "at most" : "below", v->high);
    else if (v->high)
        buf_printf(b, "is %s %s", v->has_high ? "at most" : "below", v->high);
    else
        buf_printf(b, "is %s %s", v->has_low ? "at least" : "above", v->low);
}
