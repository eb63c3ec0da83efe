#include "base/alloc.h"
#include "base/csv.h"
#include "engineer/csv_table.h"
#include "engineer/import_csv.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

/* One row: an object, and for a port the node it belongs to. */
struct row {
    const struct node *node;
    const void *object;
    const char *name;
    uint32_t number;
};

struct rows {
    struct row *items;
    size_t n, capacity;
};

static int
compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int order = name_compare(x->name, y->name);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

static void
collect(struct rows *rows, const struct network *network, enum object_kind kind)
{
    bool ports = kind == OBJECT_PORT;
    enum object_kind owner = ports ? OBJECT_NODE : kind;
    for (const void *object = network_first(network, owner); object;
         object = object_next(owner, object)) {
        const struct node *node = ports ? object : NULL;
        for (uint32_t i = 0; i < (ports ? node->n_ports : 1); i++) {
            GROW(rows->items, rows->n, rows->capacity);
            rows->items[rows->n++] = (struct row){
                .node = node,
                .object = ports ? &node->ports[i] : object,
                .name = object_name(owner, object),
                .number = ports ? node->ports[i].number : 0,
            };
        }
    }
    if (rows->n)
        qsort(rows->items, rows->n, sizeof *rows->items, compare_rows);
}

/* Spreadsheets take a text that begins like this for a formula. */
static void
print_member(const struct member *m, const void *object, struct buf *text)
{
    member_to_text(m, object, text);
    if (m->type != MEMBER_TEXT || !text->size || !strchr("=+-@'", text->data[0]))
        return;
    buf_clear(text);
    buf_str(text, "'");
    member_to_text(m, object, text);
}

static void
write_row(const struct csv_table *table, const struct row *row, struct buf *out)
{
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < table->n_columns; i++) {
        const struct csv_column *column = &table->columns[i];
        buf_clear(&text);
        if (column->special == CSV_NODE)
            buf_str(&text, row->node->name);
        else if (column->special == CSV_PROTOCOL)
            buf_str(&text, csv_protocol(row->object));
        else
            print_member(column->member, row->object, &text);
        csv_put(out, buf_cstr(&text), i == 0);
    }
    csv_end_row(out);
    buf_fini(&text);
}

void
csv_export(const struct network *network, enum object_kind kind, struct buf *out)
{
    struct csv_table tables[CSV_TABLES];
    struct rows rows = {0};
    csv_tables(tables);
    for (size_t t = 0; t < CSV_TABLES; t++) {
        const struct csv_table *table = &tables[t];
        if (table->kind != kind)
            continue;
        for (size_t i = 0; i < table->n_columns; i++)
            csv_put(out, table->columns[i].name, i == 0);
        csv_end_row(out);
        collect(&rows, network, kind);
        for (size_t i = 0; i < rows.n; i++)
            write_row(table, &rows.items[i], out);
    }
    free(rows.items);
}
