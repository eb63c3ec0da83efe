#include "model/stage.h"

#include "base/alloc.h"
#include "model/check.h"
#include "model/claim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was put, in order. The report's row of the same number is about it. */
struct entry {
    enum object_kind kind;
    char *name; /* of a port: "node/number" */
    struct stage_cell *cells;
    size_t n_cells;
};

struct stage {
    struct network *target;
    struct network *candidate; /* a copy of it with everything that was put */
    struct report *report;
    size_t first_row; /* of ours in the report */
    struct entry *entries;
    size_t n, capacity;
    struct claim *rows; /* "kind name": index of the entry + 1 */
};

static const char settings_name[] = "settings";

struct stage *
stage_new(struct network *network, struct report *report)
{
    struct stage *stage = xcalloc(1, sizeof *stage);
    stage->target = network;
    stage->candidate = network_copy(network);
    stage->report = report;
    stage->first_row = report->n;
    return stage;
}

const struct network *
stage_network(const struct stage *stage)
{
    return stage->candidate;
}

/* ---- Rows --------------------------------------------------------------------------------------
 */

static struct report_row *
row_of(struct stage *stage, size_t entry)
{
    return &stage->report->rows[stage->first_row + entry];
}

/* The entry about an object; SIZE_MAX: none. */
static size_t
find_entry(struct stage *stage, const char *kind, const char *name)
{
    char *key = xasprintf("%s %s", kind, name);
    const void *found = claim_owner(&stage->rows, key, strlen(key));
    free(key);
    return (size_t)(uintptr_t)found - 1;
}

static size_t
add_entry(struct stage *stage, enum object_kind kind, const char *word, const char *name,
          const struct stage_place *place)
{
    GROW(stage->entries, stage->n, stage->capacity);
    struct entry *entry = &stage->entries[stage->n++];
    *entry = (struct entry){.kind = kind, .name = xstrdup(name), .n_cells = place->n_cells};
    if (place->n_cells)
        entry->cells = xmemdup(place->cells, place->n_cells * sizeof *entry->cells);
    report_add(stage->report, REPORT_UNCHANGED, word, name, place->file, place->line);
    return stage->n - 1;
}

static void
fail_entry(struct stage *stage, size_t at, const char *field, const char *text)
{
    const struct entry *entry = &stage->entries[at];
    uint32_t line = 0, column = 0;
    for (size_t i = 0; field && i < entry->n_cells; i++) {
        if (!strcmp(entry->cells[i].field, field)) {
            field = entry->cells[i].heading;
            line = entry->cells[i].line;
            column = entry->cells[i].column;
            break;
        }
    }
    report_fail(stage->report, row_of(stage, at), field, line, column, text);
}

void
stage_fail(struct stage *stage, const char *kind, const char *name, const struct stage_place *place,
           const char *field, const char *text)
{
    size_t at = add_entry(stage, OBJECT_KIND_MAX, kind, name, place);
    fail_entry(stage, at, field, text);
}

/* A row for the object, unless there is one already. */
static size_t
claim_row(struct stage *stage, enum object_kind kind, const char *name,
          const struct stage_place *place)
{
    const char *word = object_class(kind)->word;
    size_t at = add_entry(stage, kind, word, name, place);
    char *key = xasprintf("%s %s", word, name);
    const void *before = claim_text(&stage->rows, key, (const void *)(uintptr_t)(at + 1));
    free(key);
    if (!before)
        return at;
    const struct report_row *first = row_of(stage, (size_t)(uintptr_t)before - 1);
    char text[128] = "is there twice";
    if (first->line)
        snprintf(text, sizeof text, "is there twice, first in line %u", first->line);
    fail_entry(stage, at, kind == OBJECT_PORT ? "number" : "name", text);
    return SIZE_MAX;
}

/* Created, changed in which fields, or unchanged. */
static void
set_action(struct stage *stage, size_t at, enum object_kind kind, const void *before,
           const void *after)
{
    const struct object_class *class = object_class(kind);
    struct report_row *row = row_of(stage, at);
    for (size_t i = 0; before && i < class->n_members; i++) {
        if (!member_equal(&class->members[i], before, after) && row->n_changes < REPORT_FIELDS_MAX)
            row->changes[row->n_changes++] = class->members[i].column ? class->members[i].column
                                                                      : class->members[i].name;
    }
    row->action = !before ? REPORT_CREATED : row->n_changes ? REPORT_CHANGED : REPORT_UNCHANGED;
    stage->report->counts[REPORT_UNCHANGED]--;
    stage->report->counts[row->action]++;
}

/* ---- Putting -----------------------------------------------------------------------------------
 */

void
stage_put(struct stage *stage, enum object_kind kind, void *object, const struct stage_place *place)
{
    const char *name = object_name(kind, object);
    size_t at = claim_row(stage, kind, name, place);
    if (at == SIZE_MAX) {
        object_free(kind, object);
        return;
    }
    set_action(stage, at, kind, network_find(stage->candidate, kind, name), object);
    network_put(stage->candidate, kind, object);
}

void
stage_put_settings(struct stage *stage, struct settings *settings, const struct stage_place *place)
{
    size_t at = claim_row(stage, OBJECT_SETTINGS, settings_name, place);
    if (at != SIZE_MAX) {
        set_action(stage, at, OBJECT_SETTINGS, &stage->candidate->settings, settings);
        stage->candidate->settings = *settings;
    }
    free(settings);
}

/* The place of the port of that number in the node, which is made if there is none. */
static struct port *
port_place(struct node *node, uint32_t number)
{
    uint32_t at = 0;
    while (at < node->n_ports && node->ports[at].number < number)
        at++;
    if (at < node->n_ports && node->ports[at].number == number)
        return &node->ports[at];
    node->ports = xrealloc(node->ports, node->n_ports + 1, sizeof *node->ports);
    memmove(&node->ports[at + 1], &node->ports[at], (node->n_ports - at) * sizeof *node->ports);
    node->ports[at] = (struct port){0};
    node->n_ports++;
    return &node->ports[at];
}

void
stage_put_port(struct stage *stage, const char *node_name, struct port *port,
               const struct stage_place *place)
{
    char name[128], text[128];
    snprintf(name, sizeof name, "%.63s/%u", node_name, port->number);
    size_t at = claim_row(stage, OBJECT_PORT, name, place);
    struct node *node = network_node(stage->candidate, node_name);
    if (at != SIZE_MAX && node) {
        set_action(stage, at, OBJECT_PORT, node_port(node, port->number), port);
        struct port *old = port_place(node, port->number);
        object_fini(OBJECT_PORT, old);
        *old = *port;
        free(port);
        return;
    }
    if (at != SIZE_MAX) {
        snprintf(text, sizeof text, "there is no node %.63s", node_name);
        fail_entry(stage, at, "node", text);
    }
    object_free(OBJECT_PORT, port);
}

/* ---- Finishing ---------------------------------------------------------------------------------
 */

/* What was to be said about the network before is nobody's fault now. */
static void
collect_old(const struct network *network, struct claim **old)
{
    struct findings findings = {0};
    network_check(network, &findings);
    for (size_t i = 0; i < findings.n; i++) {
        uint64_t identity = finding_identity(&findings.items[i]);
        claim_key(old, &identity, sizeof identity, network);
    }
    findings_fini(&findings);
}

static void
copy_finding(struct findings *to, const struct finding *finding)
{
    findings_add(to, finding->severity, finding->code, finding->kind, finding->object,
                 finding->field, "%s", finding->text);
}

/* A reference to an object whose own row is wrong is not wrong too. */
static bool
is_consequence(const struct stage *stage, const struct finding *finding)
{
    size_t length = strlen(finding->code), suffix = strlen("-unknown");
    return stage->report->counts[REPORT_ERROR] > 0 && length > suffix &&
           !strcmp(finding->code + length - suffix, "-unknown");
}

static void
check_candidate(struct stage *stage)
{
    struct claim *old = NULL;
    struct findings findings = {0};
    collect_old(stage->target, &old);
    network_check(stage->candidate, &findings);
    for (size_t i = 0; i < findings.n; i++) {
        const struct finding *finding = &findings.items[i];
        uint64_t identity = finding_identity(finding);
        size_t at = find_entry(stage, finding->kind, finding->object);
        if (claim_owner(&old, &identity, sizeof identity) || is_consequence(stage, finding))
            continue;
        if (finding->severity == SEVERITY_ERROR && at != SIZE_MAX)
            fail_entry(stage, at, finding->field, finding->text);
        else
            copy_finding(&stage->report->findings, finding);
    }
    findings_fini(&findings);
    claims_free(&old);
}

/* Only what is new or different, so that all else keeps its place in memory. */
static void
apply(struct stage *stage)
{
    for (size_t i = 0; i < stage->n; i++) {
        const struct entry *entry = &stage->entries[i];
        enum report_action action = row_of(stage, i)->action;
        if (action == REPORT_UNCHANGED)
            continue;
        if (entry->kind == OBJECT_SETTINGS) {
            stage->target->settings = stage->candidate->settings;
        } else {
            size_t length = strcspn(entry->name, "/"); /* of a port's node; no name has a slash */
            enum object_kind kind = entry->kind == OBJECT_PORT ? OBJECT_NODE : entry->kind;
            char *name = xstrndup(entry->name, length);
            const void *object = network_find(stage->candidate, kind, name);
            network_put(stage->target, kind, object_copy(kind, object));
            free(name);
        }
    }
}

static void
stage_free(struct stage *stage)
{
    for (size_t i = 0; i < stage->n; i++) {
        free(stage->entries[i].name);
        free(stage->entries[i].cells);
    }
    free(stage->entries);
    claims_free(&stage->rows);
    network_free(stage->candidate);
    free(stage);
}

enum err
stage_finish(struct stage *stage, bool dry_run)
{
    struct report *report = stage->report;
    check_candidate(stage);
    bool clean = report_is_clean(report);
    report->dry_run = dry_run;
    report->applied = clean && !dry_run;
    if (report->applied)
        apply(stage);
    stage_free(stage);
    return clean ? ERR_OK : ERR_INVALID;
}
