#include "engineer/import_csv.h"

#include "base/alloc.h"
#include "base/csv.h"
#include "engineer/csv_table.h"
#include "model/stage.h"
#include "model/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct import {
    struct stage *stage;
    size_t n_rows;
    struct csv_table tables[CSV_TABLES];
};

/* One file that is being read. */
struct source {
    struct import *import;
    const struct csv_file *file;
    const struct csv_table *table;
    struct csv_reader reader;
    bool readable; /* false: what is wrong has been said */
    size_t
        at[CSV_COLUMNS_MAX]; /* of each column of the table, in which cell it is; SIZE_MAX: none */
    size_t n_cells;          /* of the first line */
};

/* ---- Saying what is wrong ----------------------------------------------------------------------
 */

/* Wrong with the file at a place in it: a cell without a name that the error can point to. */
static void
fail_at(struct source *s, uint32_t line, uint32_t column, const char *text)
{
    struct stage_cell cell = {.field = "", .heading = NULL, .line = line, .column = column};
    struct stage_place place = {s->file->name, line, &cell, 1};
    stage_fail(s->import->stage, s->table ? object_class(s->table->kind)->word : "file", "", &place,
               "", text);
    s->readable = false;
}

static void
fail_file(struct source *s, const char *text)
{
    fail_at(s, 1, 1, text);
}

/* ---- The first line ----------------------------------------------------------------------------
 */

static size_t
count_known(const struct csv_table *table, const struct csv_row *header)
{
    size_t n = 0;
    for (size_t i = 0; i < header->n; i++)
        n += csv_find_column(table, header->cells[i].text) != SIZE_MAX;
    return n;
}

static bool
is_named_after(const struct csv_file *file, const struct csv_table *table)
{
    const char *slash = strrchr(file->name, '/');
    return !strcasecmp(slash ? slash + 1 : file->name, table->file_name);
}

/* Those that know most of the headings; one of them if the file is named after it. */
struct choice {
    const struct csv_table *tables[CSV_TABLES];
    size_t n;
};

static struct choice
find_tables(const struct import *import, const struct csv_file *file, const struct csv_row *header)
{
    struct choice choice = {.n = 0};
    size_t most = 1;
    for (size_t i = 0; i < CSV_TABLES; i++) {
        size_t known = count_known(&import->tables[i], header);
        if (known < most)
            continue;
        if (known > most)
            choice.n = 0;
        choice.tables[choice.n++] = &import->tables[i];
        most = known;
    }
    for (size_t i = 0; i < choice.n; i++) {
        if (is_named_after(file, choice.tables[i]))
            return (struct choice){{choice.tables[i]}, 1};
    }
    return choice;
}

static void
fail_choice(struct source *s, const struct choice *choice)
{
    struct buf text = BUF_INIT;
    if (choice->n == 0) {
        buf_str(&text, "none of its columns is one of sites, nodes, ports, links, hosts, "
                       "routers, tunnels or circuits");
    } else {
        buf_str(&text, "its columns fit tables of several kinds; name the file after one of them:");
        for (size_t i = 0; i < choice->n; i++)
            buf_printf(&text, " %s", choice->tables[i]->file_name);
    }
    fail_file(s, buf_cstr(&text));
    buf_fini(&text);
}

static void
fail_heading(struct source *s, const struct csv_cell *cell)
{
    const char *names[CSV_COLUMNS_MAX];
    char text[160];
    for (size_t i = 0; i < s->table->n_columns; i++)
        names[i] = s->table->columns[i].name;
    const char *nearest = nearest_word(cell->text, names, s->table->n_columns);
    snprintf(text, sizeof text, "there is no column \"%.60s\" in a table of %ss%s%s", cell->text,
             object_class(s->table->kind)->word, nearest ? "; is it " : "", nearest ? nearest : "");
    fail_at(s, cell->line, cell->column, text);
}

static void
map_heading(struct source *s, const struct csv_row *header, size_t i)
{
    const struct csv_cell *cell = &header->cells[i];
    size_t column = csv_find_column(s->table, cell->text);
    char text[100];
    if (column == SIZE_MAX) {
        fail_heading(s, cell);
    } else if (s->at[column] != SIZE_MAX) {
        snprintf(text, sizeof text, "there are two columns %s", s->table->columns[column].name);
        fail_at(s, cell->line, cell->column, text);
    } else {
        s->at[column] = i;
    }
}

static bool
is_key(const struct csv_column *column)
{
    return column->special == CSV_NODE || (column->member && column->member->need == MEMBER_KEY);
}

static void
map_columns(struct source *s, const struct csv_row *header)
{
    s->n_cells = header->n;
    for (size_t i = 0; i < CSV_COLUMNS_MAX; i++)
        s->at[i] = SIZE_MAX;
    for (size_t i = 0; i < header->n && s->readable; i++) {
        if (*header->cells[i].text) /* spreadsheets leave empty columns at the end */
            map_heading(s, header, i);
    }
    for (size_t i = 0; i < s->table->n_columns && s->readable; i++) {
        char text[100];
        if (!is_key(&s->table->columns[i]) || s->at[i] != SIZE_MAX)
            continue;
        snprintf(text, sizeof text, "there is no column %s", s->table->columns[i].name);
        fail_at(s, header->line, 1, text);
    }
}

static void
open_source(struct source *s, struct import *import, const struct csv_file *file)
{
    struct csv_row header;
    struct diag diag;
    *s = (struct source){.import = import, .file = file, .readable = true};
    if (csv_open(&s->reader, file->text, file->size, &diag)) {
        fail_file(s, diag.text);
        return;
    }
    if (csv_next(&s->reader, &header, &diag)) {
        fail_at(s, s->reader.line, s->reader.column, diag.text);
        return;
    }
    if (header.n == 0) {
        fail_file(s, "the file is empty");
        return;
    }
    struct choice choice = find_tables(import, file, &header);
    if (choice.n != 1) {
        fail_choice(s, &choice);
        return;
    }
    s->table = choice.tables[0];
    map_columns(s, &header);
}

/* ---- Rows --------------------------------------------------------------------------------------
 */

/* A row on its way to becoming an object. */
struct reading {
    struct source *source;
    const struct csv_row *row;
    void *object;
    uint64_t given, kept; /* bits of members, see object_check() */
    const char *node;     /* of a port */
    char name[140];       /* for the report */
    struct stage_cell cells[CSV_COLUMNS_MAX + 1];
    struct stage_place place;
};

/* The text in a column; NULL: the file does not have it. */
static const char *
cell_text(const struct reading *r, size_t column)
{
    size_t at = r->source->at[column];
    if (at == SIZE_MAX)
        return NULL;
    return at < r->row->n ? r->row->cells[at].text : "";
}

/* Every column is there, also those that the file does not have: an error may be about them. */
static void
set_place(struct reading *r)
{
    static const struct csv_cell nowhere;
    const struct csv_table *table = r->source->table;
    size_t n = 0;
    for (size_t i = 0; i < table->n_columns; i++) {
        size_t at = r->source->at[i];
        const struct csv_cell *cell = at < r->row->n ? &r->row->cells[at] : &nowhere;
        const struct csv_column *column = &table->columns[i];
        r->cells[n++] = (struct stage_cell){column->field, column->name, cell->line, cell->column};
        if (column->special == CSV_PROTOCOL) /* it stands for two fields */
            r->cells[n++] = (struct stage_cell){"multicast/application", column->name, cell->line,
                                                cell->column};
    }
    r->place = (struct stage_place){r->source->file->name, r->row->line, r->cells, n};
}

static void
fail_row(struct reading *r, const char *field, const char *text)
{
    stage_fail(r->source->import->stage, object_class(r->source->table->kind)->word, r->name,
               &r->place, field, text);
}

static size_t
column_of(const struct csv_table *table, enum csv_special special, enum member_need need)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        const struct csv_column *column = &table->columns[i];
        if (column->special == special && (!column->member || column->member->need == need))
            return i;
    }
    return SIZE_MAX;
}

/* The object of that name as it is now, or a new one. */
static void
start_object(struct reading *r)
{
    const struct csv_table *table = r->source->table;
    const struct network *network = stage_network(r->source->import->stage);
    const char *key = cell_text(r, column_of(table, CSV_MEMBER, MEMBER_KEY));
    const void *old = NULL;
    if (table->kind == OBJECT_PORT) {
        r->node = cell_text(r, column_of(table, CSV_NODE, MEMBER_KEY));
        const struct node *node = network_node(network, r->node);
        size_t digits = strspn(key, "0123456789");
        if (node && digits && digits <= 10 && key[digits] == '\0')
            old = node_port(node, (uint32_t)MIN(strtoull(key, NULL, 10), UINT32_MAX));
        snprintf(r->name, sizeof r->name, "%.63s/%.63s", r->node, key);
    } else {
        old = network_find(network, table->kind, key);
        snprintf(r->name, sizeof r->name, "%.63s", key);
    }
    r->object = old ? object_copy(table->kind, old) : object_new(table->kind);
    r->kept = old ? OBJECT_ALL_KEPT : 0;
}

/* What the members of a group were before does not count any more. */
static void
forget_group(struct reading *r, const char *group)
{
    const struct object_class *class = object_class(OBJECT_CIRCUIT);
    for (size_t i = 0; i < class->n_members; i++) {
        if (class->members[i].group && !strcmp(class->members[i].group, group))
            r->kept &= ~(UINT64_C(1) << i);
    }
}

static uint64_t
member_bit(enum object_kind kind, const struct member *m)
{
    return UINT64_C(1) << (m - object_class(kind)->members);
}

/* The protocol comes before the other cells: it says which of them apply. */
static enum err
read_protocol(struct reading *r, struct diag *diag)
{
    size_t column = column_of(r->source->table, CSV_PROTOCOL, MEMBER_KEY);
    const char *text = column == SIZE_MAX ? NULL : cell_text(r, column);
    struct circuit *circuit = r->object;
    if (column == SIZE_MAX)
        return ERR_OK;
    if (!text && circuit->kind != CIRCUIT_KIND_MAX)
        return ERR_OK;
    if (!text || !*text)
        return diag_set(diag, ERR_INVALID, "is missing: it must be tcp, udp, icmp, goose or sv");
    enum circuit_kind before = circuit->kind;
    enum err err = csv_set_protocol(circuit, text, diag);
    if (err)
        return err;
    bool ip = circuit->kind == CIRCUIT_IP;
    if (before != circuit->kind)
        forget_group(r, ip ? "ip" : "multicast");
    r->given |= member_bit(OBJECT_CIRCUIT,
                           ip ? object_member(OBJECT_CIRCUIT, "ip", "protocol")
                              : object_member(OBJECT_CIRCUIT, "multicast", "application"));
    return ERR_OK;
}

/* An apostrophe that keeps spreadsheets from taking the text for a formula is not part of it. */
static const char *
without_guard(const struct member *m, const char *text)
{
    bool guarded = m->type == MEMBER_TEXT && text[0] == '\'' && text[1] && strchr("=+-@'", text[1]);
    return guarded ? text + 1 : text;
}

static enum err
read_member(struct reading *r, const struct member *m, const char *text, struct diag *diag)
{
    bool applies = !m->present || m->present(r->object);
    if (*text) {
        r->given |= member_bit(r->source->table->kind, m);
        return member_from_text(m, r->object, without_guard(m, text), diag);
    }
    bool window = m->group && !strcmp(m->group, "window"); /* both empty: always */
    if (window || (applies && m->need == MEMBER_OPTIONAL))
        member_clear(m, r->object);
    else if (applies)
        return diag_set(diag, ERR_INVALID, "must not be empty");
    return ERR_OK;
}

/* Reads all cells and says what is wrong with the first that is. */
static bool
read_cells(struct reading *r)
{
    const struct csv_table *table = r->source->table;
    struct diag diag;
    if (read_protocol(r, &diag)) {
        fail_row(r, "ip/protocol", diag.text);
        return false;
    }
    if (r->node && !name_is_valid(r->node)) {
        fail_row(r, "node", "is not the name of a node");
        return false;
    }
    for (size_t i = 0; i < table->n_columns; i++) {
        const char *text = cell_text(r, i);
        if (!text || !table->columns[i].member)
            continue;
        if (read_member(r, table->columns[i].member, text, &diag)) {
            fail_row(r, table->columns[i].field, diag.text);
            return false;
        }
    }
    return true;
}

static bool
check_object(struct reading *r)
{
    const struct csv_table *table = r->source->table;
    const struct member *culprit;
    struct diag diag;
    if (!object_check(table->kind, r->object, r->given, r->kept, &culprit, &diag))
        return true;
    char field[40] = "ip/protocol"; /* a circuit that is of no kind yet lacks its protocol */
    if (culprit)
        snprintf(field, sizeof field, "%s%s%s", culprit->group ? culprit->group : "",
                 culprit->group ? "/" : "", culprit->name);
    fail_row(r, field, culprit ? diag.text : "is missing");
    return false;
}

/* A cell behind the last heading belongs to nothing. */
static bool
check_width(struct reading *r)
{
    for (size_t i = r->source->n_cells; i < r->row->n; i++) {
        char text[100];
        if (!*r->row->cells[i].text)
            continue;
        snprintf(text, sizeof text, "the row has %zu cells, the first line has %zu", r->row->n,
                 r->source->n_cells);
        fail_row(r, NULL, text);
        return false;
    }
    return true;
}

static void
read_row(struct source *s, const struct csv_row *row)
{
    struct reading r = {.source = s, .row = row};
    set_place(&r);
    start_object(&r);
    if (!check_width(&r) || !read_cells(&r) || !check_object(&r)) {
        object_free(s->table->kind, r.object);
        return;
    }
    if (s->table->kind == OBJECT_PORT)
        stage_put_port(s->import->stage, r.node, r.object, &r.place);
    else
        stage_put(s->import->stage, s->table->kind, r.object, &r.place);
}

static void
read_rows(struct source *s)
{
    for (;;) {
        struct csv_row row;
        struct diag diag;
        if (csv_next(&s->reader, &row, &diag)) {
            fail_at(s, s->reader.line, s->reader.column, diag.text);
            return;
        }
        if (row.n == 0)
            return;
        if (s->import->n_rows++ == CSV_ROWS_MAX) {
            fail_at(s, row.line, 1, "there are too many rows: import them in several parts");
            return;
        }
        read_row(s, &row);
    }
}

/* ---- All files ---------------------------------------------------------------------------------
 */

enum err
csv_import(struct network *network, const struct csv_file *files, size_t n_files, bool dry_run,
           struct report *report)
{
    struct import import = {.stage = stage_new(network, report)};
    struct source *sources = xcalloc(n_files, sizeof *sources);
    csv_tables(import.tables);
    for (size_t i = 0; i < n_files; i++)
        open_source(&sources[i], &import, &files[i]);
    for (size_t t = 0; t < CSV_TABLES; t++) {
        for (size_t i = 0; i < n_files; i++) {
            if (sources[i].readable && sources[i].table == &import.tables[t])
                read_rows(&sources[i]);
        }
    }
    for (size_t i = 0; i < n_files; i++)
        csv_close(&sources[i].reader);
    free(sources);
    return stage_finish(import.stage, dry_run);
}
