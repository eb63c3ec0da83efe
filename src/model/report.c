#include "model/report.h"

#include "base/alloc.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

const char *
report_action_word(enum report_action action)
{
    static const char *const words[REPORT_ACTION_MAX] = {"created", "changed", "unchanged",
                                                         "error"};
    return words[action];
}

void
report_fini(struct report *report)
{
    for (size_t i = 0; i < report->n; i++) {
        free(report->rows[i].name);
        free(report->rows[i].file);
        free(report->rows[i].field);
        free(report->rows[i].text);
    }
    free(report->rows);
    findings_fini(&report->findings);
    *report = (struct report){0};
}

struct report_row *
report_add(struct report *report, enum report_action action, const char *kind, const char *name,
           const char *file, uint32_t line)
{
    GROW(report->rows, report->n, report->capacity);
    struct report_row *row = &report->rows[report->n++];
    *row = (struct report_row){
        .action = action,
        .kind = kind,
        .name = text_make_printable(xstrdup(name)),
        .file = file ? xstrdup(file) : NULL,
        .line = line,
    };
    report->counts[action]++;
    return row;
}

void
report_fail(struct report *report, struct report_row *row, const char *field, uint32_t line,
            uint32_t column, const char *text)
{
    if (row->text)
        return;
    report->counts[row->action]--;
    report->counts[REPORT_ERROR]++;
    row->action = REPORT_ERROR;
    row->n_changes = 0;
    row->field = field ? xstrdup(field) : NULL;
    row->line = line ? line : row->line;
    row->column = column;
    row->text = text_make_printable(xstrdup(text));
}

static size_t
count_errors(const struct report *report)
{
    return report->counts[REPORT_ERROR] + report->findings.counts[SEVERITY_ERROR];
}

bool
report_is_clean(const struct report *report)
{
    return count_errors(report) == 0;
}

/* `held`: nothing of the report was done. */
static json_t *
row_to_json(const struct report_row *row, bool held)
{
    json_t *json = json_object();
    bool would = row->action == REPORT_CREATED || row->action == REPORT_CHANGED;
    set_json_text(json, "action", held && would ? "none" : report_action_word(row->action));
    set_json_text(json, "kind", row->kind);
    set_json_text(json, "name", row->name);
    place_to_json(row->file, row->line, row->column, json);
    set_json_text(json, "field", row->field);
    set_json_text(json, "text", row->text);
    if (row->n_changes == 0 || held)
        return json;
    json_t *changes = json_array();
    for (size_t i = 0; i < row->n_changes; i++)
        json_array_append_new(changes, json_string(row->changes[i]));
    json_object_set_new(json, "changes", changes);
    return json;
}

static json_t *
count_to_json(const struct report *report, enum report_action action, bool held)
{
    return json_integer(held ? 0 : (json_int_t)report->counts[action]);
}

json_t *
report_to_json(const struct report *report)
{
    bool held = !report->applied && !report->dry_run;
    json_t *json = json_object(), *rows = json_array();
    json_object_set_new(json, "dry-run", json_boolean(report->dry_run));
    json_object_set_new(json, "applied", json_boolean(report->applied));
    json_object_set_new(json, "created", count_to_json(report, REPORT_CREATED, held));
    json_object_set_new(json, "changed", count_to_json(report, REPORT_CHANGED, held));
    json_object_set_new(json, "unchanged",
                        json_integer((json_int_t)report->counts[REPORT_UNCHANGED]));
    json_object_set_new(json, "errors", json_integer((json_int_t)count_errors(report)));
    for (size_t i = 0; i < report->n; i++)
        json_array_append_new(rows, row_to_json(&report->rows[i], held));
    json_object_set_new(json, "rows", rows);
    json_object_set_new(json, "findings", findings_to_json(&report->findings));
    return json;
}

static void
row_to_text(const struct report_row *row, struct buf *out)
{
    place_to_text(row->file, row->line, row->column, out);
    buf_printf(out, "%s: %s%s%s", report_action_word(row->action), row->kind, *row->name ? " " : "",
               row->name);
    if (row->field)
        buf_printf(out, ": %s", row->field);
    if (row->text)
        buf_printf(out, ": %s", row->text);
    for (size_t i = 0; i < row->n_changes; i++)
        buf_printf(out, "%s%s", i ? ", " : ": ", row->changes[i]);
    buf_u8(out, '\n');
}

void
report_to_text(const struct report *report, struct buf *out)
{
    for (size_t i = 0; i < report->n; i++) {
        if (report->rows[i].action == REPORT_ERROR || report->rows[i].action == REPORT_CHANGED)
            row_to_text(&report->rows[i], out);
    }
    findings_to_text(&report->findings, out);
    buf_printf(out, "%zu created, %zu changed, %zu unchanged, %zu errors; %s\n",
               report->counts[REPORT_CREATED], report->counts[REPORT_CHANGED],
               report->counts[REPORT_UNCHANGED], count_errors(report),
               report->applied   ? "applied"
               : report->dry_run ? "dry run, nothing applied"
                                 : "nothing applied");
}
