/* A template is cut into pieces once; a section knows where its end is. */
#include "wan/vpn_template.h"

#include "base/alloc.h"
#include "proto/netconf/netconf_xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { PIECE_TEXT, PIECE_VALUE, PIECE_WITH, PIECE_WITHOUT, PIECE_GAP, PIECE_END };

struct piece {
    enum kind kind;
    char *text; /* or a name */
    size_t end; /* of a section: its PIECE_END */
    unsigned line;
};

struct vpn_template {
    enum vpn_dialect dialect;
    struct piece *pieces;
    size_t n, capacity;
};

struct scope {
    const json_t *values;
    const struct scope *outer;
};

/* ---- parsing */

struct scanner {
    struct vpn_template *template;
    const char *at, *end, *start;
    size_t open[VPN_TEMPLATE_DEPTH];
    unsigned depth, line;
    struct diag *diag;
};

static void
add(struct scanner *s, enum kind kind, const char *text, size_t length)
{
    struct vpn_template *t = s->template;
    GROW(t->pieces, t->n, t->capacity);
    t->pieces[t->n++] = (struct piece){kind, xstrndup(text, length), 0, s->line};
}

static enum err
bad(const struct scanner *s, const char *what)
{
    return diag_set(s->diag, ERR_MALFORMED, "line %u: %s", s->line, what);
}

static enum err
open_section(struct scanner *s, enum kind kind, const char *name, size_t length)
{
    if (s->depth == VPN_TEMPLATE_DEPTH)
        return bad(s, "too many sections within each other");
    s->open[s->depth++] = s->template->n;
    add(s, kind, name, length);
    return ERR_OK;
}

static enum err
close_section(struct scanner *s, const char *name, size_t length)
{
    struct vpn_template *t = s->template;
    struct piece *opened = s->depth ? &t->pieces[s->open[s->depth - 1]] : NULL;
    if (!opened || strlen(opened->text) != length || memcmp(opened->text, name, length))
        return bad(s, "it closes a section that is not the last one opened");
    s->depth--;
    opened->end = t->n;
    add(s, PIECE_END, name, length);
    return ERR_OK;
}

/* What is between the braces; a gap may have marks in it, which end with braces too. */
static const char *
mark_end(const char *at, const char *end)
{
    unsigned depth = 1;
    for (; end - at >= 2; at++) {
        if (at[0] == '{' && at[1] == '{') {
            depth++;
            at++;
        } else if (at[0] == '}' && at[1] == '}') {
            if (--depth == 0)
                return at;
            at++;
        }
    }
    return NULL;
}

static enum err
take_mark(struct scanner *s, const char *text, size_t length)
{
    switch (length ? *text : 0) {
    case '#':
        return open_section(s, PIECE_WITH, text + 1, length - 1);
    case '^':
        return open_section(s, PIECE_WITHOUT, text + 1, length - 1);
    case '/':
        return close_section(s, text + 1, length - 1);
    case '!':
        return ERR_OK;
    case '%':
        if (length < 6 || memcmp(text, "%gap ", 5))
            return bad(s, "{{% is for gap and a text");
        add(s, PIECE_GAP, text + 5, length - 5);
        return ERR_OK;
    case 0:
        return bad(s, "an empty mark");
    default:
        add(s, PIECE_VALUE, text, length);
        return ERR_OK;
    }
}

/* Is the mark alone on its line? Then the line goes with it: white space before it is taken back
 * from the text, and *after moves behind the line feed. */
static size_t
space_before(const struct scanner *s, const char *mark, const char **after)
{
    const char *p = mark, *q = *after;
    while (p > s->start && (p[-1] == ' ' || p[-1] == '\t'))
        p--;
    while (q < s->end && (*q == ' ' || *q == '\t'))
        q++;
    if ((p > s->start && p[-1] != '\n') || (q < s->end && *q != '\n'))
        return 0;
    *after = q < s->end ? q + 1 : q;
    return (size_t)(mark - p);
}

static unsigned
count_lines(const char *from, const char *to)
{
    unsigned n = 0;
    for (; from < to; from++)
        n += *from == '\n';
    return n;
}

static enum err
scan(struct scanner *s)
{
    while (s->at < s->end) {
        const char *mark = memmem(s->at, (size_t)(s->end - s->at), "{{", 2);
        if (!mark) {
            add(s, PIECE_TEXT, s->at, (size_t)(s->end - s->at));
            break;
        }
        const char *close = mark_end(mark + 2, s->end), *after = close ? close + 2 : NULL;
        unsigned line = s->line + count_lines(s->at, mark);
        size_t before = 0;
        if (!close) {
            s->line = line;
            return bad(s, "a mark that does not end");
        }
        if (strchr("#^/!%", mark[2]))
            before = space_before(s, mark, &after);
        if (mark - s->at > (ptrdiff_t)before)
            add(s, PIECE_TEXT, s->at, (size_t)(mark - s->at) - before);
        s->line = line;
        enum err err = take_mark(s, mark + 2, (size_t)(close - mark - 2));
        if (err)
            return err;
        s->line += count_lines(mark, after);
        s->at = after;
    }
    return s->depth ? bad(s, "a section is not closed") : ERR_OK;
}

enum err
vpn_template_parse(const char *text, size_t size, enum vpn_dialect dialect,
                   struct vpn_template **result, struct diag *diag)
{
    struct vpn_template *t = xcalloc(1, sizeof *t);
    struct scanner s = {
        .template = t, .at = text, .start = text, .end = text + size, .line = 1, .diag = diag};
    t->dialect = dialect;
    enum err err = memchr(text, '\0', size) ? bad(&s, "a NUL") : scan(&s);
    if (err)
        vpn_template_free(t);
    else
        *result = t;
    return err;
}

void
vpn_template_free(struct vpn_template *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++)
        free(t->pieces[i].text);
    free(t->pieces);
    free(t);
}

enum vpn_dialect
vpn_template_dialect(const struct vpn_template *t)
{
    return t->dialect;
}

/* ---- rendering */

static const json_t *
look_up(const struct scope *scope, const char *name)
{
    for (; scope; scope = scope->outer) {
        const json_t *value = json_object_get(scope->values, name);
        if (value)
            return value;
    }
    return NULL;
}

static bool
is_there(const json_t *value)
{
    if (json_is_string(value))
        return json_string_length(value) > 0;
    if (json_is_integer(value))
        return json_integer_value(value) != 0;
    if (json_is_array(value))
        return json_array_size(value) > 0;
    return value && !json_is_false(value) && !json_is_null(value);
}

static enum err
put_value(const struct vpn_template *t, const struct piece *piece, const struct scope *scope,
          struct buf *out, struct diag *diag)
{
    const json_t *value = look_up(scope, piece->text);
    if (json_is_integer(value))
        buf_printf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_string(value) && t->dialect == VPN_XML)
        netconf_xml_escape(out, json_string_value(value));
    else if (json_is_string(value))
        buf_str(out, json_string_value(value));
    else
        return diag_set(diag, ERR_NOT_FOUND, "line %u: there is no value %s", piece->line,
                        piece->text);
    return ERR_OK;
}

static enum err
put_gap(const struct piece *piece, const struct scope *scope, json_t *gaps, struct diag *diag)
{
    struct vpn_template *t = NULL;
    struct buf text = BUF_INIT;
    enum err err = vpn_template_parse(piece->text, strlen(piece->text), VPN_LINES, &t, diag);
    for (size_t i = 0; !err && i < t->n; i++) {
        if (t->pieces[i].kind == PIECE_TEXT)
            buf_str(&text, t->pieces[i].text);
        else if (t->pieces[i].kind == PIECE_VALUE)
            err = put_value(t, &t->pieces[i], scope, &text, diag);
    }
    bool known = false;
    for (size_t i = 0; i < json_array_size(gaps); i++)
        known |= !strcmp(json_string_value(json_array_get(gaps, i)), buf_cstr(&text));
    if (!err && !known)
        json_array_append_new(gaps, json_string(buf_cstr(&text)));
    buf_fini(&text);
    vpn_template_free(t);
    return err;
}

static enum err put_pieces(const struct vpn_template *, size_t from, size_t to,
                           const struct scope *, struct buf *, json_t *gaps, struct diag *);

static enum err
put_section(const struct vpn_template *t, size_t at, const struct scope *scope, struct buf *out,
            json_t *gaps, struct diag *diag)
{
    const struct piece *piece = &t->pieces[at];
    const json_t *value = look_up(scope, piece->text);
    enum err err = ERR_OK;
    if (is_there(value) != (piece->kind == PIECE_WITH))
        return ERR_OK;
    if (piece->kind == PIECE_WITHOUT || !json_is_array(value)) {
        struct scope inner = {json_is_object(value) ? value : NULL, scope};
        return put_pieces(t, at + 1, piece->end, &inner, out, gaps, diag);
    }
    for (size_t i = 0; i < json_array_size(value) && !err; i++) {
        struct scope inner = {json_array_get(value, i), scope};
        err = put_pieces(t, at + 1, piece->end, &inner, out, gaps, diag);
    }
    return err;
}

static enum err
put_pieces(const struct vpn_template *t, size_t from, size_t to, const struct scope *scope,
           struct buf *out, json_t *gaps, struct diag *diag)
{
    enum err err = ERR_OK;
    for (size_t i = from; i < to && !err; i++) {
        const struct piece *piece = &t->pieces[i];
        switch (piece->kind) {
        case PIECE_TEXT:
            buf_str(out, piece->text);
            break;
        case PIECE_VALUE:
            err = put_value(t, piece, scope, out, diag);
            break;
        case PIECE_GAP:
            err = put_gap(piece, scope, gaps, diag);
            break;
        case PIECE_END:
            break;
        default:
            err = put_section(t, i, scope, out, gaps, diag);
            i = piece->end;
        }
    }
    return err;
}

enum err
vpn_template_render(const struct vpn_template *t, const json_t *values, struct buf *out,
                    json_t *gaps, struct diag *diag)
{
    struct scope scope = {values, NULL};
    enum err err = put_pieces(t, 0, t->n, &scope, out, gaps, diag);
    if (!err && buf_err(out))
        err = diag_set(diag, ERR_LIMIT, "the configuration is longer than is allowed");
    return err;
}
