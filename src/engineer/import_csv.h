/* import_csv.h - the inventory and the circuits as tables: in bulk, from and to a spreadsheet.
 *
 * One table per kind of object, told apart by the columns of its first line (or, if those fit more
 * than one kind, by the file's name):
 *
 *     sites.csv     name, description, kind
 *     nodes.csv     name, site, description, kind, datapath-id, management-address, probe
 *     ports.csv     node, number, name, description
 *     links.csv     name, description, node-a, port-a, node-b, port-b, delay-us, capacity-kbps,
 *                   shared-risks, tunnel, vpn
 *     hosts.csv     name, description, mac, ipv4, gateway, node, port, ied
 *     circuits.csv  name, description, client, server, protocol, client-port, server-ports,
 *                   publisher, subscribers, mac, vlan-id, vlan-priority, appid, service-class,
 *                   rate-kbps, burst-octets, max-latency-us, max-asymmetry-us, protection,
 *                   start, end
 *
 * Columns come in any order; upper case, spaces, hyphens, underscores and brackets in their names
 * do not matter ("Rate (kbps)"), and there are some other names people use ("IP address"). Values
 * are written as in JSON; lists are separated by spaces. The protocol of a circuit is tcp, udp,
 * icmp, goose or sv, and says which of the other columns apply. A text that begins with =, +, -, @
 * or an apostrophe gets an apostrophe in front when it is written, which keeps spreadsheets from
 * taking it for a formula, and loses it when it is read.
 *
 * A row creates the object of its name, or changes it: a column that is not in the file leaves its
 * value as it is, an empty cell means that there is none, or the default. Rows never remove. */
#ifndef ENGINEER_IMPORT_CSV_H
#define ENGINEER_IMPORT_CSV_H

#include "model/object.h"
#include "model/report.h"

#define CSV_ROWS_MAX 200000 /* in all files of an import */

struct csv_file {
    const char *name; /* as it is to be called in the report: "inventory/hosts.csv" */
    const char *text;
    size_t size;
};

/* Imports tables of any kinds, in any order: what one refers to may be in another. All or nothing,
 * see stage_finish(); the report has a row for each row of the tables, with file, line and column
 * of what is wrong. ERR_INVALID: there are errors, nothing was changed. */
MUST_CHECK enum err csv_import(struct network *, const struct csv_file *, size_t n_files,
                               bool dry_run, struct report *);

/* Appends the table of a kind (not OBJECT_DESIGN or _SETTINGS), sorted by name, with all columns.
 * Importing it changes nothing. */
void csv_export(const struct network *, enum object_kind, struct buf *);
/* "hosts.csv"; NULL: there is no such table. */
const char *csv_file_name(enum object_kind);

#endif
