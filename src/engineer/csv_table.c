#include "engineer/csv_table.h"

#include "engineer/import_csv.h"
#include "packet/flow_key.h"

#include <stdio.h>
#include <string.h>

static const struct {
    enum object_kind kind;
    const char *file_name;
} kinds[CSV_TABLES] = {
    {OBJECT_SITE, "sites.csv"},     {OBJECT_NODE, "nodes.csv"},
    {OBJECT_PORT, "ports.csv"},     {OBJECT_LINK, "links.csv"},
    {OBJECT_HOST, "hosts.csv"},     {OBJECT_ROUTER, "routers.csv"},
    {OBJECT_TUNNEL, "tunnels.csv"}, {OBJECT_CIRCUIT, "circuits.csv"},
};

const char *
csv_file_name(enum object_kind kind)
{
    for (size_t i = 0; i < CSV_TABLES; i++) {
        if (kinds[i].kind == kind)
            return kinds[i].file_name;
    }
    return NULL;
}

static void
add_special(struct csv_table *table, const char *name, enum csv_special special)
{
    struct csv_column *column = &table->columns[table->n_columns++];
    *column = (struct csv_column){.name = name, .special = special};
    snprintf(column->field, sizeof column->field, "%s",
             special == CSV_PROTOCOL ? "ip/protocol" : name);
}

static void
add_member(struct csv_table *table, const struct member *m)
{
    struct csv_column *column = &table->columns[table->n_columns++];
    *column = (struct csv_column){.name = m->column, .member = m};
    snprintf(column->field, sizeof column->field, "%s%s%s", m->group ? m->group : "",
             m->group ? "/" : "", m->name);
}

static void
fill_table(struct csv_table *table)
{
    const struct object_class *class = object_class(table->kind);
    if (table->kind == OBJECT_PORT)
        add_special(table, "node", CSV_NODE);
    for (size_t i = 0; i < class->n_members; i++) {
        const struct member *m = &class->members[i];
        if (m->type == MEMBER_IP_PROTOCOL) /* the application of a multicast is in its place too */
            add_special(table, "protocol", CSV_PROTOCOL);
        else if (m->column)
            add_member(table, m);
    }
}

void
csv_tables(struct csv_table tables[CSV_TABLES])
{
    for (size_t i = 0; i < CSV_TABLES; i++) {
        tables[i] = (struct csv_table){.kind = kinds[i].kind, .file_name = kinds[i].file_name};
        fill_table(&tables[i]);
    }
}

/* ---- Headings ----------------------------------------------------------------------------------
 */

/* Letters and digits in lower case, all else dropped. `key` holds `size` octets; what is too long
 * is cut, which no column's name is. */
static char *
heading_key(const char *heading, char *key, size_t size)
{
    size_t n = 0;
    for (; *heading && n + 1 < size; heading++) {
        char c = *heading;
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            key[n++] = c;
    }
    key[n] = '\0';
    return key;
}

static const struct {
    const char *heading, *name;
} other_names[] = {
    {"ip", "ipv4"},
    {"ip address", "ipv4"},
    {"ipv4 address", "ipv4"},
    {"mac address", "mac"},
    {"destination mac", "mac"},
    {"dpid", "datapath-id"},
    {"management ip", "management-address"},
    {"default gateway", "gateway"},
    {"switch", "node"},
    {"interface", "name"},
    {"port number", "number"},
    {"srlg", "shared-risks"},
    {"server port", "server-ports"},
    {"subscriber", "subscribers"},
    {"vlan", "vlan-id"},
    {"pcp", "vlan-priority"},
    {"class", "service-class"},
    {"ied name", "ied"},
};

static size_t
find_key(const struct csv_table *table, const char *key)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        char own[40];
        if (!strcmp(heading_key(table->columns[i].name, own, sizeof own), key))
            return i;
    }
    return SIZE_MAX;
}

size_t
csv_find_column(const struct csv_table *table, const char *heading)
{
    char key[40], other[40];
    heading_key(heading, key, sizeof key);
    size_t found = find_key(table, key);
    for (size_t i = 0; found == SIZE_MAX && i < ARRAY_SIZE(other_names); i++) {
        if (!strcmp(heading_key(other_names[i].heading, other, sizeof other), key))
            found = find_key(table, heading_key(other_names[i].name, other, sizeof other));
    }
    return found;
}

/* ---- Protocols ---------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    enum circuit_kind kind;
    uint8_t protocol;
    enum multicast_application application;
} protocols[] = {
    {"tcp", CIRCUIT_IP, IP_PROTO_TCP, 0},       {"udp", CIRCUIT_IP, IP_PROTO_UDP, 0},
    {"icmp", CIRCUIT_IP, IP_PROTO_ICMP, 0},     {"goose", CIRCUIT_MULTICAST, 0, MULTICAST_GOOSE},
    {"sv", CIRCUIT_MULTICAST, 0, MULTICAST_SV},
};

const char *
csv_protocol(const struct circuit *circuit)
{
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        bool same = circuit->kind == CIRCUIT_IP
                        ? protocols[i].protocol == circuit->ip.protocol
                        : protocols[i].application == circuit->multicast.application;
        if (protocols[i].kind == circuit->kind && same)
            return protocols[i].name;
    }
    return NULL;
}

static void
clear_group(struct circuit *circuit, const char *group)
{
    const struct object_class *class = object_class(OBJECT_CIRCUIT);
    for (size_t i = 0; i < class->n_members; i++) {
        if (class->members[i].group && !strcmp(class->members[i].group, group))
            member_clear(&class->members[i], circuit);
    }
}

enum err
csv_set_protocol(struct circuit *circuit, const char *protocol, struct diag *diag)
{
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        if (strcmp(protocols[i].name, protocol))
            continue;
        if (protocols[i].kind != circuit->kind)
            clear_group(circuit, protocols[i].kind == CIRCUIT_IP ? "multicast" : "ip");
        circuit->kind = protocols[i].kind;
        circuit->ip.protocol = protocols[i].protocol;
        circuit->multicast.application = protocols[i].application;
        return ERR_OK;
    }
    return diag_set(diag, ERR_INVALID, "\"%.40s\" is none of tcp, udp, icmp, goose, sv", protocol);
}
