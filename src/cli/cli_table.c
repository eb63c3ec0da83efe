#include "cli/cli_table.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct table {
    const struct column *columns;
    size_t n_columns, n_cells, capacity;
    char **cells;
};

struct table *
table_new(const struct column *columns)
{
    struct table *table = xcalloc(1, sizeof *table);
    table->columns = columns;
    while (columns[table->n_columns].title)
        table->n_columns++;
    return table;
}

void
table_free(struct table *table)
{
    for (size_t i = 0; table && i < table->n_cells; i++)
        free(table->cells[i]);
    if (table)
        free(table->cells);
    free(table);
}

static void
add_cell(struct table *table, char *text)
{
    GROW(table->cells, table->n_cells, table->capacity);
    table->cells[table->n_cells++] = text;
}

void
table_cell(struct table *table, const char *text)
{
    struct buf cell = BUF_INIT;
    text_put(&cell, text, false);
    add_cell(table, buf_steal_cstr(&cell));
}

static void
column_put(const struct column *column, const json_t *object, struct buf *out, bool utc)
{
    if (column->put)
        column->put(out, column->member ? text_member(object, column->member) : object, utc);
    else
        text_put_value(out, text_member(object, column->member), column->form, utc);
}

void
table_add(struct table *table, const json_t *object, bool utc)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        struct buf cell = BUF_INIT;
        column_put(&table->columns[i], object, &cell, utc);
        add_cell(table, buf_steal_cstr(&cell));
    }
}

static const char *
title_of(const struct column *column)
{
    return column->title + (column->title[0] == '>');
}

static void
put_padding(struct buf *out, size_t width, size_t want)
{
    if (width < want)
        buf_printf(out, "%*s", (int)(want - width), "");
}

struct layout {
    size_t n;
    size_t *widths; /* of each column; 0: it is left out */
    size_t last;    /* the last that is not */
};

static void
put_row(const struct table *table, const struct layout *layout, char *const *cells, struct buf *out)
{
    for (size_t i = 0; i <= layout->last; i++) {
        const struct column *column = &table->columns[i];
        const char *text = cells ? cells[i] : title_of(column);
        if (!layout->widths[i])
            continue;
        if (column->title[0] == '>')
            put_padding(out, text_width(text), layout->widths[i]);
        buf_str(out, text);
        if (column->title[0] != '>' && i != layout->last)
            put_padding(out, text_width(text), layout->widths[i]);
        if (i != layout->last)
            buf_str(out, "  ");
    }
    while (out->size && out->data[out->size - 1] == ' ')
        out->size--;
    buf_str(out, "\n");
}

void
table_put(const struct table *table, struct buf *out)
{
    size_t n_rows = table->n_columns ? table->n_cells / table->n_columns : 0;
    struct layout layout = {table->n_columns, xcalloc(table->n_columns + 1, sizeof(size_t)), 0};
    for (size_t i = 0; i < n_rows * table->n_columns; i++) {
        size_t *width = &layout.widths[i % table->n_columns];
        *width = MAX(*width, text_width(table->cells[i]));
    }
    bool any = false;
    for (size_t i = 0; i < table->n_columns; i++) {
        if (!layout.widths[i])
            continue;
        layout.widths[i] = MAX(layout.widths[i], text_width(title_of(&table->columns[i])));
        layout.last = i;
        any = true;
    }
    if (any)
        put_row(table, &layout, NULL, out);
    for (size_t i = 0; i < n_rows && any; i++)
        put_row(table, &layout, table->cells + i * table->n_columns, out);
    free(layout.widths);
}

void
table_put_array(struct buf *out, const json_t *array, const struct column *columns, bool utc)
{
    size_t i;
    const json_t *object;
    if (!json_array_size(array)) {
        buf_str(out, "none\n");
        return;
    }
    struct table *table = table_new(columns);
    json_array_foreach(array, i, object) table_add(table, object, utc);
    table_put(table, out);
    table_free(table);
}

static void
put_cell(struct buf *out, const char *text, bool is_last)
{
    buf_printf(out, "\"%s", *text && strchr("=+-@\t\r", *text) ? "'" : "");
    for (; *text; text++)
        buf_printf(out, *text == '"' ? "\"\"" : "%c", *text);
    buf_str(out, is_last ? "\"\n" : "\",");
}

void
table_put_csv(struct buf *out, const json_t *array, const struct column *columns)
{
    size_t i;
    json_t *object;
    struct buf cell = BUF_INIT;
    for (const struct column *c = columns; c->title; c++)
        put_cell(out, title_of(c), !c[1].title);
    json_array_foreach((json_t *)(uintptr_t)array, i, object)
    {
        for (const struct column *c = columns; c->title; c++) {
            buf_clear(&cell);
            const json_t *value = c->member ? text_member(object, c->member) : NULL;
            if (json_is_number(value))
                text_put_value(&cell, value, AS_TEXT, true);
            else if (c->form == AS_TIME && !c->put)
                buf_str(&cell, text_of(object, c->member));
            else
                column_put(c, object, &cell, true);
            put_cell(out, buf_cstr(&cell), !c[1].title);
        }
    }
    buf_fini(&cell);
}

void
fields_put(struct buf *out, const json_t *object, const struct column *fields, bool utc)
{
    size_t width = 0;
    for (const struct column *f = fields; f->title; f++)
        width = MAX(width, strlen(f->title));
    for (const struct column *f = fields; f->title; f++) {
        struct buf value = BUF_INIT;
        column_put(f, object, &value, utc);
        if (value.size)
            buf_printf(out, "%-*s  %s\n", (int)width, f->title, buf_cstr(&value));
        buf_fini(&value);
    }
}

static void
put_leaf(struct buf *out, const json_t *value)
{
    if (json_is_string(value))
        text_put(out, json_string_value(value), false);
    else
        text_put_value(out, value, AS_TEXT, true);
    buf_str(out, "\n");
}

static bool
is_leaf(const json_t *value)
{
    size_t i;
    const json_t *item;
    if (json_is_object(value))
        return false;
    json_array_foreach(value, i, item)
    {
        if (json_is_object(item) || json_is_array(item))
            return false;
    }
    return true;
}

void
tree_put(struct buf *out, const json_t *value, unsigned indent)
{
    size_t i;
    const char *key;
    json_t *item;
    if (is_leaf(value)) {
        buf_printf(out, "%*s", (int)indent, "");
        put_leaf(out, value);
        return;
    }
    json_array_foreach(value, i, item)
    {
        buf_printf(out, "%*s%zu:\n", (int)indent, "", i + 1);
        tree_put(out, item, indent + 2);
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        buf_printf(out, "%*s", (int)indent, "");
        text_put(out, key, false);
        buf_str(out, is_leaf(item) ? ": " : ":\n");
        if (is_leaf(item))
            put_leaf(out, item);
        else
            tree_put(out, item, indent + 2);
    }
}
