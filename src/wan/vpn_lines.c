#include "wan/vpn_lines.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct line {
    char *text, *exit; /* exit NULL: none */
    bool context;
    struct line *lines;
    size_t n, capacity;
};

/* ---- reading: lines of one depth and what is below them */

static void
lines_free(struct line *l)
{
    for (size_t i = 0; i < l->n; i++)
        lines_free(&l->lines[i]);
    free(l->lines);
    free(l->text);
    free(l->exit);
}

static bool
is_exit(const char *text, size_t length)
{
    return length >= 4 && !strncmp(text, "exit", 4) && (length == 4 || text[4] == '-');
}

#define DEPTH_MAX 8

/* FRR writes one space more for each context. An exit is as deep as what it ends. */
static void
parse(const char *text, struct line *root)
{
    size_t indents[DEPTH_MAX + 1] = {0};
    struct line *at[DEPTH_MAX + 1] = {root};
    unsigned depth = 0; /* lines are put into at[depth] */
    while (text && *text) {
        size_t length = strcspn(text, "\n"), indent = strspn(text, " ");
        const char *line = text + indent, *next = text + length + (text[length] == '\n');
        size_t size = length > indent ? length - indent : 0;
        while (size > 0 && (line[size - 1] == ' ' || line[size - 1] == '\r'))
            size--;
        text = next;
        if (size == 0 || *line == '!')
            continue;
        while (depth > 0 && indent < indents[depth])
            depth--;
        struct line *in = at[depth];
        if (indent > indents[depth] && in->n > 0 && depth < DEPTH_MAX) {
            at[depth + 1] = &in->lines[in->n - 1];
            indents[++depth] = indent;
            in = at[depth];
            in->context = true;
        }
        if (is_exit(line, size)) {
            struct line *ended = in->n > 0 ? &in->lines[in->n - 1] : NULL;
            if (ended && !ended->exit) {
                ended->exit = xstrndup(line, size);
                ended->context = true;
            }
            continue;
        }
        GROW(in->lines, in->n, in->capacity);
        in->lines[in->n++] = (struct line){.text = xstrndup(line, size)};
    }
}

static const struct line *
find(const struct line *in, const char *text)
{
    for (size_t i = 0; in && i < in->n; i++) {
        if (!strcmp(in->lines[i].text, text))
            return &in->lines[i];
    }
    return NULL;
}

static void
put(struct buf *out, unsigned depth, const char *sign, const char *text)
{
    buf_str(out, sign);
    for (unsigned i = 0; i < depth; i++)
        buf_u8(out, ' ');
    buf_printf(out, "%s\n", text);
}

static void
put_exit(struct buf *out, unsigned depth, const struct line *l)
{
    put(out, depth, "", l->exit ? l->exit : "exit");
}

/* ---- changing */

static bool
is_interface(const struct line *l)
{
    return !strncmp(l->text, "interface ", 10);
}

/* "no" before a line takes all of it, but for free text, which vtysh does not want to hear again.
 */
static void
put_no(struct buf *out, unsigned depth, const char *text)
{
    bool negative = !strncmp(text, "no ", 3);
    const char *free_text = strncmp(text, "description ", 12) ? strstr(text, " description ")
                                                              : text - 1;
    for (unsigned i = 0; i < depth; i++)
        buf_u8(out, ' ');
    buf_str(out, negative ? "" : "no ");
    if (negative)
        buf_str(out, text + 3);
    else if (free_text)
        buf_put(out, text, (size_t)(free_text + 12 - text));
    else
        buf_str(out, text);
    buf_u8(out, '\n');
}

static bool put_removals(const struct line *before, const struct line *now, unsigned depth,
                         struct buf *out);

/* A context that stays, or an interface: what goes is within it. */
static bool
remove_within(const struct line *l, const struct line *other, unsigned depth, struct buf *out)
{
    size_t start = out->size;
    put(out, depth, "", l->text);
    bool any = put_removals(l, other, depth + 1, out);
    if (any)
        put_exit(out, depth, l);
    else
        out->size = start;
    return any;
}

static bool
put_removals(const struct line *before, const struct line *now, unsigned depth, struct buf *out)
{
    bool any = false;
    for (size_t i = before->n; i-- > 0;) {
        const struct line *l = &before->lines[i], *other = find(now, l->text);
        if (l->context && (other || is_interface(l))) {
            any |= remove_within(l, other, depth, out);
        } else if (!other) {
            put_no(out, depth, l->text);
            any = true;
        }
    }
    return any;
}

static bool
put_additions(const struct line *before, const struct line *now, unsigned depth, struct buf *out)
{
    bool any = false;
    for (size_t i = 0; i < now->n; i++) {
        const struct line *l = &now->lines[i], *other = find(before, l->text);
        size_t start = out->size;
        if (other && !l->context)
            continue;
        put(out, depth, "", l->text);
        bool more = l->context && put_additions(other, l, depth + 1, out);
        if (other && !more)
            out->size = start;
        else if (l->context)
            put_exit(out, depth, l);
        any |= more || !other;
    }
    return any;
}

void
vpn_lines_change(const char *before, const char *now, struct buf *out)
{
    struct line old = {0}, new = {0};
    parse(before, &old);
    parse(now, &new);
    put_removals(&old, &new, 0, out);
    put_additions(&old, &new, 0, out);
    lines_free(&old);
    lines_free(&new);
}

/* The lines of one that the other has, too; their contents are borrowed. */
static struct line
lines_in(const struct line *one, const struct line *other)
{
    struct line both = {0};
    for (size_t i = 0; i < one->n; i++) {
        if (!find(other, one->lines[i].text))
            continue;
        GROW(both.lines, both.n, both.capacity);
        both.lines[both.n++] = one->lines[i];
    }
    return both;
}

void
vpn_lines_restore(const char *want, const char *have, struct buf *lines, struct buf *undo)
{
    struct line wanted = {0}, all = {0};
    parse(want, &wanted);
    parse(have, &all);
    struct line there = lines_in(&all, &wanted);
    put_removals(&there, &wanted, 0, lines);
    put_additions(&there, &wanted, 0, lines);
    put_removals(&wanted, &there, 0, undo);
    put_additions(&wanted, &there, 0, undo);
    free(there.lines);
    lines_free(&wanted);
    lines_free(&all);
}

/* ---- comparing */

static bool compare(const struct line *want, const struct line *have, unsigned depth,
                    struct buf *out);

static void
put_all(const struct line *l, const char *sign, unsigned depth, struct buf *out)
{
    put(out, depth, sign, l->text);
    for (size_t i = 0; i < l->n; i++)
        put_all(&l->lines[i], sign, depth + 1, out);
}

static bool
compare_line(const struct line *l, const struct line *other, unsigned depth, struct buf *out)
{
    size_t start = out->size;
    if (!other && l->context && !l->n)
        return false; /* FRR does not show contexts with nothing in them */
    if (!other) {
        put_all(l, "- ", depth, out);
        return true;
    }
    put(out, depth, "  ", l->text);
    if (l->context && compare(l, other, depth + 1, out))
        return true;
    out->size = start;
    return false;
}

static bool
compare(const struct line *want, const struct line *have, unsigned depth, struct buf *out)
{
    bool any = false;
    for (size_t i = 0; i < want->n; i++)
        any |= compare_line(&want->lines[i], find(have, want->lines[i].text), depth, out);
    for (size_t i = 0; depth > 0 && i < have->n; i++) {
        if (!find(want, have->lines[i].text)) {
            put_all(&have->lines[i], "+ ", depth, out);
            any = true;
        }
    }
    return any;
}

void
vpn_lines_compare(const char *want, const char *have, struct buf *out)
{
    struct line wanted = {0}, there = {0};
    parse(want, &wanted);
    parse(have, &there);
    compare(&wanted, &there, 0, out);
    lines_free(&wanted);
    lines_free(&there);
}
