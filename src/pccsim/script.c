#include "pccsim/script.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/options.h"
#include "io/file.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT_SIZE ((size_t)1 << 20)
#define FIELDS_MAX 4
#define FIELD_SIZE 128

enum argument { NONE, NAME, DURATION, LIE };

static const struct {
    const char *word;
    enum pcc_act act;
    enum argument argument;
} acts[] = {
    {"close", PCC_CLOSE, NONE},
    {"flap", PCC_FLAP, DURATION},
    {"lie", PCC_LIE, LIE},
    {"garbage", PCC_GARBAGE, NONE},
    {"half-message", PCC_HALF, NONE},
    {"silence", PCC_SILENCE, NONE},
    {"flood", PCC_FLOOD, NONE},
    {"behave", PCC_BEHAVE, NONE},
    {"fail-lsp", PCC_FAIL_LSP, NAME},
    {"mend-lsp", PCC_MEND_LSP, NAME},
    {"remove-lsp", PCC_REMOVE_LSP, NAME},
    {"revoke", PCC_REVOKE, NAME},
    {"return", PCC_RETURN, NAME},
};

struct reading {
    const char *file;
    unsigned line;
    struct diag *diag;
};

static enum err
fail(const struct reading *r, const char *field, const char *why)
{
    return diag_set(r->diag, ERR_INVALID, "%.160s:%u: %s: %s", r->file, r->line, field, why);
}

/* ---- Fields ---- */

static enum err
read_router(const struct reading *r, const char *text, struct script_line *l)
{
    char number[SCRIPT_ROUTER_MAX];
    uint64_t first, last;
    if (strlen(text) >= sizeof l->router)
        return fail(r, "router", "it is too long");
    strcpy(l->router, text);
    if (!strcmp(text, "*") || strchr(text, '.'))
        return ERR_OK;
    strcpy(number, text);
    char *dash = strchr(number, '-');
    if (dash)
        *dash++ = '\0';
    if (!option_number(number, 10, 1, UINT32_MAX, &first) ||
        !option_number(dash ? dash : number, 10, first, UINT32_MAX, &last))
        return fail(r, "router", "a number, a range like 3-7, * or 127.1.0.* is expected");
    return ERR_OK;
}

static enum err
read_argument(const struct reading *r, enum argument kind, const char *text, struct script_line *l)
{
    struct pcc_faults unused;
    struct pcc_action *a = &l->action;
    if (!*text != (kind == NONE))
        return fail(r, "argument", kind ? "it is missing" : "this action has none");
    if (kind == DURATION && (time_parse_duration(text, &a->every) || a->every <= 0))
        return fail(r, "argument", "a duration like 200ms or 5s is expected");
    if (kind == LIE && !pcc_lie(&unused, text))
        return fail(r, "argument", "it is none of " PCC_LIES);
    if (strlen(text) >= sizeof a->name)
        return fail(r, "argument", "it is too long");
    strcpy(a->name, text);
    return ERR_OK;
}

static enum err
read_action(const struct reading *r, const char *word, const char *argument, struct script_line *l)
{
    for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
        if (strcmp(word, acts[i].word) != 0)
            continue;
        l->action.act = acts[i].act;
        return read_argument(r, acts[i].argument, argument, l);
    }
    return fail(r, "action", "there is no such action");
}

/* ---- Lines ---- */

/* Cuts a line into fields; how many there are, FIELDS_MAX at the most. */
static enum err
cut(const struct reading *r, const char *line, size_t size, char fields[FIELDS_MAX][FIELD_SIZE],
    size_t *n)
{
    size_t at = 0;
    for (*n = 0;; ++*n) {
        at += strspn(line + at, " \t\r");
        size_t length = strcspn(line + at, " \t\r\n#");
        if (at >= size || !length)
            return ERR_OK;
        if (*n == FIELDS_MAX)
            return fail(r, "argument", "more follows it");
        if (length >= FIELD_SIZE)
            return fail(r, "line", "a field is too long");
        memcpy(fields[*n], line + at, length);
        at += length;
    }
}

static enum err
read_line(const struct reading *r, const char *line, size_t size, struct script_line *l,
          bool *empty)
{
    static const char *const names[] = {"time", "router", "action"};
    char fields[FIELDS_MAX][FIELD_SIZE] = {{0}};
    size_t n;
    *l = (struct script_line){.number = r->line};
    enum err err = cut(r, line, size, fields, &n);
    *empty = !n;
    if (err || !n)
        return err;
    if (n < ARRAY_SIZE(names))
        return fail(r, names[n], "it is missing");
    if (time_parse_duration(fields[0], &l->at) || l->at < 0)
        return fail(r, "time", "a duration like 200ms or 5s is expected");
    err = read_router(r, fields[1], l);
    return err ? err : read_action(r, fields[2], fields[3], l);
}

enum err
script_read(const char *text, size_t size, const char *file, struct script *script,
            struct diag *diag)
{
    struct script s = {0};
    uint32_t n = 0, capacity = 0;
    struct reading r = {file, 0, diag};
    char *copy = xstrndup(text, size);
    enum err err = memchr(text, '\0', size) ? fail(&r, "file", "it is no text") : ERR_OK;
    for (const char *line = copy; !err && *line;) {
        struct script_line l;
        bool empty;
        size_t length = strcspn(line, "\n");
        r.line++;
        err = read_line(&r, line, length, &l, &empty);
        if (!err && !empty && n && l.at < s.lines[n - 1].at)
            err = fail(&r, "time", "it is before that of the line above");
        if (!err && !empty) {
            GROW(s.lines, n, capacity);
            s.lines[n++] = l;
        }
        line += length + (line[length] == '\n');
    }
    free(copy);
    s.n = n;
    if (err)
        script_fini(&s);
    else
        *script = s;
    return err;
}

enum err
script_load(const char *file, struct script *script, struct diag *diag)
{
    struct buf text = BUF_INIT;
    enum err err = file_read(file, SCRIPT_SIZE, &text, diag);
    if (!err)
        err = script_read((const char *)text.data, text.size, file, script, diag);
    buf_fini(&text);
    return err;
}

void
script_fini(struct script *script)
{
    free(script->lines);
    *script = (struct script){0};
}

bool
script_means(const struct script_line *l, uint32_t number, const char *address)
{
    char *end;
    if (!strcmp(l->router, "*"))
        return true;
    if (strchr(l->router, '.'))
        return !fnmatch(l->router, address, 0);
    unsigned long first = strtoul(l->router, &end, 10),
                  last = *end == '-' ? strtoul(end + 1, NULL, 10) : first;
    return number >= first && number <= last;
}
