/* csv_table.h - which columns the tables have; what reading and writing them share. */
#ifndef ENGINEER_CSV_TABLE_H
#define ENGINEER_CSV_TABLE_H

#include "model/object.h"

#define CSV_COLUMNS_MAX 24

/* A column is a member of the object, or one of these. */
enum csv_special {
    CSV_MEMBER,
    CSV_NODE,     /* of a port: the node it belongs to */
    CSV_PROTOCOL, /* of a circuit: tcp, udp, icmp, goose or sv */
};

struct csv_column {
    const char *name;
    const struct member *member; /* of CSV_MEMBER */
    enum csv_special special;
    char field[40]; /* as findings name it: "ip/client" */
};

struct csv_table {
    enum object_kind kind;
    const char *file_name;
    struct csv_column columns[CSV_COLUMNS_MAX];
    size_t n_columns;
};

#define CSV_TABLES 8

/* All tables, in the order in which they have to be read. */
void csv_tables(struct csv_table tables[CSV_TABLES]);
/* The column people mean by this heading; SIZE_MAX: none. */
size_t csv_find_column(const struct csv_table *, const char *heading);

/* What a circuit's protocol is called: "goose". NULL: it has none yet. */
const char *csv_protocol(const struct circuit *);
/* Makes it a circuit of this protocol; what only the other kind has is cleared. ERR_INVALID: there
 * is no such protocol. */
MUST_CHECK enum err csv_set_protocol(struct circuit *, const char *protocol, struct diag *);

#endif
