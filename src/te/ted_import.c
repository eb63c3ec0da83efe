/* ted_import.c - tables of what was planned. All rows are read before the database hears of one. */
#include "te/ted_import.h"

#include "base/alloc.h"
#include "base/csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum column {
    NODE_A,
    NODE_B,
    ADDRESS_A,
    ADDRESS_B,
    SRLG,
    DELAY,
    JITTER,
    CAPACITY,
    IGP_METRIC,
    TE_METRIC,
    GROUPS,
    DIRECTION,
    NAME,
    ROUTER_ID,
    COLUMNS
};

static const char *const column_names[COLUMNS] = {
    [NODE_A] = "node_a",
    [NODE_B] = "node_b",
    [ADDRESS_A] = "address_a",
    [ADDRESS_B] = "address_b",
    [SRLG] = "srlg",
    [DELAY] = "delay_us",
    [JITTER] = "jitter_us",
    [CAPACITY] = "capacity_mbps",
    [IGP_METRIC] = "igp_metric",
    [TE_METRIC] = "te_metric",
    [GROUPS] = "groups",
    [DIRECTION] = "direction",
    [NAME] = "name",
    [ROUTER_ID] = "router_id",
};

struct line { /* one row as it will be told */
    struct ted_link_record link;
    struct ted_node_record node;
    uint32_t srlgs[TED_RECORD_SRLGS];
    char name[256];
    bool is_link, both;
};

struct import {
    struct ted *ted;
    const char *file;
    struct diag *diag;
    int place[COLUMNS]; /* of the column; -1: there is none */
    const struct csv_row *row;
    struct line *lines;
    uint32_t n, capacity;
};

static enum err
wrong(const struct import *in, enum column column, const char *what)
{
    const struct csv_cell *cell = &in->row->cells[in->place[column]];
    return diag_set(in->diag, ERR_INVALID, "%s:%u:%u: %s: %s is expected instead of \"%.60s\"",
                    in->file, cell->line, cell->column, column_names[column], what, cell->text);
}

/* "" if there is no such cell. */
static const char *
cell(const struct import *in, enum column column)
{
    int place = in->place[column];
    return place >= 0 && (size_t)place < in->row->n ? in->row->cells[place].text : "";
}

/* ---- values */

static bool
parse_number(const char *text, char **end, uint64_t most, uint64_t *value)
{
    errno = 0;
    if (*text < '0' || *text > '9')
        return false;
    unsigned long long v = strtoull(text, end, 10);
    if (errno || v > most)
        return false;
    *value = v;
    return true;
}

static enum err
number(const struct import *in, enum column column, uint64_t most, uint64_t *value, bool *told)
{
    const char *text = cell(in, column);
    char *end;
    *told = *text != '\0';
    if (*told && (!parse_number(text, &end, most, value) || *end))
        return wrong(in, column, "a number");
    return ERR_OK;
}

/* Numbers with spaces between them; how many, in `n`. */
static enum err
numbers(const struct import *in, enum column column, uint64_t most, uint32_t *list, uint32_t *n)
{
    const char *text = cell(in, column);
    uint64_t value;
    char *end;
    *n = 0;
    while (*text) {
        if (*n == TED_RECORD_SRLGS || !parse_number(text, &end, most, &value) ||
            (*end && *end != ' '))
            return wrong(in, column, "at most 64 numbers with spaces between them");
        list[(*n)++] = (uint32_t)value;
        for (text = end; *text == ' ';)
            text++;
    }
    return ERR_OK;
}

static bool
parse_address4(const char *text, struct te_address *a)
{
    for (unsigned i = 0; i < 4; i++) {
        uint64_t octet;
        char *end;
        if (!parse_number(text, &end, 255, &octet) || *end != (i < 3 ? '.' : '\0'))
            return false;
        a->octets[i] = (uint8_t)octet;
        text = end + 1;
    }
    a->family = 4;
    return true;
}

static enum err
address(const struct import *in, enum column column, struct te_address *a)
{
    const char *text = cell(in, column);
    return !*text || parse_address4(text, a) ? ERR_OK : wrong(in, column, "an IPv4 address");
}

static enum err
node(const struct import *in, enum column column, struct ted_node_id *id)
{
    const char *text = cell(in, column);
    if (!*text)
        return diag_set(in->diag, ERR_INVALID, "%s:%u: %s is empty", in->file, in->row->line,
                        column_names[column]);
    return ted_named(in->ted, text, id) ? wrong(in, column, "a name of at most 255 octets")
                                        : ERR_OK;
}

/* ---- rows */

#define TOLD(told, attribute) ((told) ? TED_BIT(attribute) : 0)

static enum err
read_metrics(const struct import *in, struct ted_link_record *r)
{
    uint64_t delay = 0, jitter = 0, mbps = 0, igp = 0, te = 0;
    bool a, b, c, d, e;
    enum err err;
    if ((err = number(in, DELAY, UINT32_MAX - 1, &delay, &a)) ||
        (err = number(in, JITTER, UINT32_MAX - 1, &jitter, &b)) ||
        (err = number(in, CAPACITY, 1000000000, &mbps, &c)) ||
        (err = number(in, IGP_METRIC, UINT32_MAX, &igp, &d)) ||
        (err = number(in, TE_METRIC, UINT32_MAX, &te, &e)))
        return err;
    r->delay_us = (uint32_t)delay;
    r->jitter_us = (uint32_t)jitter;
    r->capacity_bps = mbps * 1000000;
    r->igp_metric = (uint32_t)igp;
    r->te_metric = (uint32_t)te;
    r->told = TOLD(a, TED_DELAY) | TOLD(b, TED_JITTER) | TOLD(c, TED_CAPACITY) |
              TOLD(d, TED_IGP_METRIC) | TOLD(e, TED_TE_METRIC);
    return ERR_OK;
}

static enum err
read_groups(const struct import *in, struct line *line)
{
    uint32_t groups[TED_RECORD_SRLGS], n;
    enum err err;
    if ((err = numbers(in, SRLG, UINT32_MAX, line->srlgs, &line->link.n_srlgs)) ||
        (err = numbers(in, GROUPS, 64 * TE_AFFINITY_WORDS - 1, groups, &n)))
        return err;
    for (uint32_t i = 0; i < n; i++)
        line->link.affinity.words[groups[i] / 64] |= UINT64_C(1) << groups[i] % 64;
    line->link.told |= TOLD(n, TED_AFFINITY) | TOLD(line->link.n_srlgs, TED_SRLG);
    return ERR_OK;
}

static enum err
read_link(const struct import *in, struct line *line)
{
    const char *direction = cell(in, DIRECTION);
    struct ted_link_id *id = &line->link.id;
    enum err err;
    line->is_link = true;
    line->both = !*direction || !strcmp(direction, "both");
    if (!line->both && strcmp(direction, "a-b"))
        return wrong(in, DIRECTION, "\"both\" or \"a-b\"");
    if ((err = node(in, NODE_A, &id->local)) || (err = node(in, NODE_B, &id->remote)) ||
        (err = address(in, ADDRESS_A, &id->local_address)) ||
        (err = address(in, ADDRESS_B, &id->remote_address)) ||
        (err = read_metrics(in, &line->link)) || (err = read_groups(in, line)))
        return err;
    if (!memcmp(&id->local, &id->remote, sizeof id->local))
        return wrong(in, NODE_B, "another node");
    return ERR_OK;
}

static enum err
read_node(const struct import *in, struct line *line)
{
    const char *router_id = cell(in, ROUTER_ID);
    const char *name = cell(in, NAME);
    if (!*name || strlen(name) >= sizeof line->name)
        return diag_set(in->diag, ERR_INVALID, "%s:%u: name is empty or too long", in->file,
                        in->row->line);
    if (!parse_address4(router_id, &line->node.router_id))
        return wrong(in, ROUTER_ID, "an IPv4 address");
    memcpy(line->name, name, strlen(name) + 1);
    line->node.told = TED_BIT(TED_NAME);
    /* It is called by its router id, so that it is of the node that has it. */
    return ted_named(in->ted, router_id, &line->node.id);
}

static enum err
read_header(struct import *in, const struct csv_row *row)
{
    for (int c = 0; c < COLUMNS; c++)
        in->place[c] = -1;
    for (size_t i = 0; i < row->n; i++)
        for (int c = 0; c < COLUMNS; c++) {
            if (strcmp(row->cells[i].text, column_names[c]))
                continue;
            if (in->place[c] >= 0)
                return diag_set(in->diag, ERR_INVALID, "%s:%u: two columns are called %s", in->file,
                                row->line, column_names[c]);
            in->place[c] = (int)i;
        }
    bool links = in->place[NODE_A] >= 0 && in->place[NODE_B] >= 0;
    bool nodes = in->place[NAME] >= 0 && in->place[ROUTER_ID] >= 0;
    if (links == nodes)
        return diag_set(in->diag, ERR_INVALID,
                        "%s:%u: columns node_a and node_b (links), or name and router_id (nodes), "
                        "are needed",
                        in->file, row->line);
    return ERR_OK;
}

static enum err
read_row(struct import *in)
{
    if (in->n == TED_IMPORT_ROWS)
        return diag_set(in->diag, ERR_LIMIT, "%s:%u: more than %d lines", in->file, in->row->line,
                        TED_IMPORT_ROWS);
    GROW(in->lines, in->n, in->capacity);
    struct line *line = &in->lines[in->n];
    memset(line, 0, sizeof *line);
    enum err err = in->place[NODE_A] >= 0 ? read_link(in, line) : read_node(in, line);
    if (!err)
        in->n++;
    return err;
}

static enum err
read_rows(struct import *in, struct csv_reader *reader, struct csv_row *row)
{
    struct diag why = {0};
    enum err err;
    bool header = false;
    in->row = row;
    while (!(err = csv_next(reader, row, &why)) && row->n) {
        err = header ? read_row(in) : read_header(in, row);
        header = true;
        if (err)
            return err;
    }
    if (err)
        return diag_set(in->diag, err, "%s:%u: %s", in->file, reader->line, why.text);
    return header ? ERR_OK : diag_set(in->diag, ERR_INVALID, "%s: it is empty", in->file);
}

/* ---- telling */

static void
put_link(struct import *in, uint32_t source, struct line *line, nsec_t now,
         struct ted_import_counters *counters)
{
    struct ted_link_record *r = &line->link;
    struct ted_link_id back = {.local = r->id.remote,
                               .remote = r->id.local,
                               .local_address = r->id.remote_address,
                               .remote_address = r->id.local_address};
    r->srlgs = line->srlgs;
    counters->n_links += !ted_put_link(in->ted, source, r, now);
    r->id = back;
    if (line->both)
        counters->n_links += !ted_put_link(in->ted, source, r, now);
}

static void
put_lines(struct import *in, uint32_t source, nsec_t now, struct ted_import_counters *counters)
{
    ted_source_refresh(in->ted, source, now);
    for (uint32_t i = 0; i < in->n; i++) {
        struct line *line = &in->lines[i];
        line->node.name = line->name;
        if (line->is_link)
            put_link(in, source, line, now, counters);
        else
            counters->n_nodes += !ted_put_node(in->ted, source, &line->node, now);
    }
    ted_source_synced(in->ted, source, now);
    counters->n_rows = in->n;
}

enum err
ted_import(struct ted *ted, uint32_t source, const char *file, const char *text, size_t size,
           nsec_t now, struct ted_import_counters *counters, struct diag *diag)
{
    struct import in = {.ted = ted, .file = file, .diag = diag};
    struct csv_reader reader;
    struct ted_import_counters counted = {0};
    struct ted_source_info info;
    if (!ted_source_info(ted, source, &info))
        return ERR_NOT_FOUND;
    enum err err = csv_open(&reader, text, size, diag);
    if (err) {
        diag_prefix(diag, "%s", file);
        return err;
    }
    struct csv_row *row = xcalloc(1, sizeof *row);
    err = read_rows(&in, &reader, row);
    csv_close(&reader);
    free(row);
    if (!err) {
        put_lines(&in, source, now, &counted);
        *counters = counted;
    }
    free(in.lines);
    return err;
}
