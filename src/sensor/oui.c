#include "sensor/oui.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/csv.h"
#include "io/file.h"

#include <stdlib.h>

#define FILE_MAX ((size_t)32 << 20)
#define NAMES_MAX ((size_t)64 << 20)

struct assignment {
    uint64_t prefix; /* the upper `bits` of the address */
    const char *name;
};

struct oui_block {
    unsigned bits;
    struct assignment *all; /* by prefix */
    size_t n, capacity;
};

struct oui_registry {
    struct arena *names;
    struct oui_block blocks[3]; /* the longest first */
};

/* ---- Reading ---- */

static struct oui_block *
block_of(struct oui_registry *r, size_t digits)
{
    for (size_t i = 0; i < ARRAY_SIZE(r->blocks); i++) {
        if (r->blocks[i].bits == 4 * digits)
            return &r->blocks[i];
    }
    return NULL;
}

static enum err
add(struct oui_registry *r, const struct csv_row *row, struct diag *diag)
{
    char *end = NULL;
    const char *digits = row->n >= 3 ? row->cells[1].text : "";
    struct oui_block *b = block_of(r, strlen(digits));
    uint64_t prefix = b ? strtoull(digits, &end, 16) : 0;
    if (!b || *end || strspn(digits, "0123456789ABCDEFabcdef") != strlen(digits))
        return diag_set(diag, ERR_MALFORMED,
                        "line %u: Assignment is not 6, 7 or 9 hexadecimal digits", row->line);
    char *name = arena_strdup(r->names, row->cells[2].text);
    if (!name)
        return diag_set(diag, ERR_LIMIT, "line %u: the names need more than %zu octets", row->line,
                        NAMES_MAX);
    GROW(b->all, b->n, b->capacity);
    b->all[b->n++] = (struct assignment){prefix, name};
    return ERR_OK;
}

static enum err
read_rows(struct oui_registry *r, const struct buf *text, struct diag *diag)
{
    struct csv_reader csv;
    static _Thread_local struct csv_row row;
    enum err err = csv_open(&csv, (const char *)text->data, text->size, diag);
    if (err)
        return err;
    err = csv_next(&csv, &row, diag); /* the names of the columns */
    while (!err && !(err = csv_next(&csv, &row, diag)) && row.n)
        err = add(r, &row, diag);
    csv_close(&csv);
    return err;
}

static enum err
read_one(struct oui_registry *r, const char *directory, const char *name, struct diag *diag)
{
    struct buf text = BUF_INIT;
    char *path = xasprintf("%s/%s", directory, name);
    enum err err = file_read(path, FILE_MAX, &text, diag);
    if (!err) {
        err = read_rows(r, &text, diag);
        if (err)
            diag_prefix(diag, "%s", path);
    }
    buf_fini(&text);
    free(path);
    return err;
}

static int
by_prefix(const void *a, const void *b)
{
    const struct assignment *x = a, *y = b;
    return (x->prefix > y->prefix) - (x->prefix < y->prefix);
}

enum err
oui_read(const char *directory, struct oui_registry **result, struct diag *diag)
{
    static const char *const more[] = {"mam.csv", "oui36.csv", "iab.csv"};
    struct oui_registry *r = xcalloc(1, sizeof *r);
    r->names = arena_new(NAMES_MAX);
    r->blocks[0].bits = 36;
    r->blocks[1].bits = 28;
    r->blocks[2].bits = 24;
    enum err err = read_one(r, directory, "oui.csv", diag);
    for (size_t i = 0; i < ARRAY_SIZE(more) && !err; i++) {
        err = read_one(r, directory, more[i], diag);
        err = err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    if (err) {
        oui_free(r);
        return err;
    }
    for (size_t i = 0; i < ARRAY_SIZE(r->blocks); i++)
        qsort(r->blocks[i].all, r->blocks[i].n, sizeof *r->blocks[i].all, by_prefix);
    *result = r;
    return ERR_OK;
}

void
oui_free(struct oui_registry *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(r->blocks); i++)
        free(r->blocks[i].all);
    arena_free(r->names);
    free(r);
}

/* ---- Asking ---- */

const char *
oui_vendor(const struct oui_registry *r, const struct mac *mac)
{
    uint64_t address = 0;
    if (mac->octets[0] & 3)
        return NULL;
    for (size_t i = 0; i < sizeof mac->octets; i++)
        address = address << 8 | mac->octets[i];
    for (size_t i = 0; i < ARRAY_SIZE(r->blocks); i++) {
        const struct oui_block *b = &r->blocks[i];
        const struct assignment wanted = {address >> (48 - b->bits), NULL};
        const struct assignment *found = NULL;
        if (b->n)
            found = bsearch(&wanted, b->all, b->n, sizeof *b->all, by_prefix);
        if (found)
            return found->name;
    }
    return NULL;
}
