/* cli_table.h - documents as aligned tables and as lists of fields. Pure.
 *
 * What is shown of a document is itself a table: rows of `struct column`. Columns without any value
 * are left out, so that a table is as wide as it has to be. */
#ifndef CLI_CLI_TABLE_H
#define CLI_CLI_TABLE_H

#include "cli/cli_text.h"

struct column {
    const char *title;  /* NULL ends the list; one that begins with '>' is aligned to the right */
    const char *member; /* as for text_member(); NULL: `put` looks at the whole object */
    enum text_form form;
    void (*put)(struct buf *, const json_t *object, bool utc); /* NULL: by `form` */
};

struct table; /* built up cell by cell */

/* The titles are borrowed. */
struct table *table_new(const struct column *columns);
void table_free(struct table *); /* NULL is fine */
/* A row of an object. */
void table_add(struct table *, const json_t *object, bool utc);
/* The next cell of a row made by hand; the text is escaped. A row ends when it is full. */
void table_cell(struct table *, const char *text);
/* Two spaces between columns, none at the end of lines. Nothing if there are no rows. */
void table_put(const struct table *, struct buf *);

/* All objects of an array; "none" and a line feed if there are none. */
void table_put_array(struct buf *, const json_t *array, const struct column *columns, bool utc);
/* The same as CSV (RFC 4180), with all columns: the names of members stand in the first line. What
 * a spreadsheet would take for a formula begins with an apostrophe. Times are in UTC. */
void table_put_csv(struct buf *, const json_t *array, const struct column *columns);
/* "title  value" lines of one object; what is not there is left out. */
void fields_put(struct buf *, const json_t *object, const struct column *fields, bool utc);
/* Any document, indented: for what has no table. */
void tree_put(struct buf *, const json_t *, unsigned indent);

#endif
