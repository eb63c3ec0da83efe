#include "sensor/oui.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/csv.h"
#include "base/hash.h"
#include "io/mapped_file.h"

#include <stdlib.h>

#define NAMES_MAX ((size_t)64 << 20)

struct assignment {
    uint64_t prefix; /* the upper `bits` of the address */
    const char *name;
};

struct oui_block {
    unsigned bits;
    struct assignment *all;
    size_t n, capacity;
    uint32_t *slots; /* by the prefix's hash: index in `all` + 1; 0: nothing */
    size_t mask;
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

/* Hexadecimal digits up to the end; false: something else. */
static bool
read_prefix(const char *digits, uint64_t *prefix)
{
    *prefix = 0;
    for (; *digits; digits++) {
        unsigned decimal = (unsigned)(*digits - '0'), letter = (unsigned)((*digits | 32) - 'a');
        if (decimal > 9 && letter > 5)
            return false;
        *prefix = *prefix << 4 | (decimal <= 9 ? decimal : letter + 10);
    }
    return true;
}

static enum err
add(struct oui_registry *r, const struct csv_row *row, struct diag *diag)
{
    const char *digits = row->n >= 3 ? row->cells[1].text : "";
    struct oui_block *b = block_of(r, strlen(digits));
    uint64_t prefix;
    if (!b || !read_prefix(digits, &prefix))
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
read_rows(struct oui_registry *r, const struct mapped_file *file, struct diag *diag)
{
    struct csv_reader csv;
    static _Thread_local struct csv_row row;
    enum err err = csv_open(&csv, file->data, file->size, diag);
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
    struct mapped_file file;
    char *path = xasprintf("%s/%s", directory, name);
    enum err err = mapped_file_open(path, &file, diag);
    if (!err) {
        mapped_file_at(&file, 0);
        err = read_rows(r, &file, diag);
        if (err)
            diag_prefix(diag, "%s", path);
    }
    mapped_file_close(&file);
    free(path);
    return err;
}

/* The prefix's slot, or the free one that it would have. */
static uint32_t *
slot_of(const struct oui_block *b, uint64_t prefix)
{
    size_t i = hash_mix(prefix) & b->mask;
    while (b->slots[i] && b->all[b->slots[i] - 1].prefix != prefix)
        i = (i + 1) & b->mask;
    return &b->slots[i];
}

/* Of assignments that are there twice the first counts. */
static void
make_slots(struct oui_block *b)
{
    size_t n = 2;
    while (n < 2 * b->n)
        n *= 2;
    b->slots = xcalloc(n, sizeof *b->slots);
    b->mask = n - 1;
    for (size_t i = 0; i < b->n; i++) {
        uint32_t *slot = slot_of(b, b->all[i].prefix);
        *slot = *slot ? *slot : (uint32_t)i + 1;
    }
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
        make_slots(&r->blocks[i]);
    *result = r;
    return ERR_OK;
}

void
oui_free(struct oui_registry *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(r->blocks); i++) {
        free(r->blocks[i].all);
        free(r->blocks[i].slots);
    }
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
        uint32_t found = *slot_of(b, address >> (48 - b->bits));
        if (found)
            return b->all[found - 1].name;
    }
    return NULL;
}
