#include "cli/cli_problem.h"

#include "cli/cli_text.h"

#include <string.h>

static void
put(struct buf *out, const json_t *object, const char *member, const char *before,
    const char *behind)
{
    const json_t *value = json_object_get(object, member);
    struct buf text = BUF_INIT;
    text_put_value(&text, value, AS_TEXT, true);
    if (text.size)
        buf_printf(out, "%s%s%s", before, buf_cstr(&text), behind);
    buf_fini(&text);
}

static void
put_place(struct buf *out, const json_t *finding)
{
    if (!json_object_get(finding, "file"))
        return;
    put(out, finding, "file", "", ":");
    put(out, finding, "line", "", ":");
    put(out, finding, "column", "", ":");
    buf_str(out, " ");
}

void
finding_text(struct buf *out, const json_t *finding)
{
    if (!json_is_object(finding)) {
        text_put_value(out, finding, AS_TEXT, true);
        buf_str(out, "\n");
        return;
    }
    put_place(out, finding);
    put(out, finding, json_object_get(finding, "severity") ? "severity" : "action", "", ": ");
    put(out, finding, "kind", "", " ");
    put(out, finding, json_object_get(finding, "object") ? "object" : "name", "", "");
    if (out->size && out->data[out->size - 1] == ' ')
        out->size--;
    put(out, finding, "field", ": ", "");
    put(out, finding, "text", ": ", "");
    put(out, finding, "code", " [", "]");
    buf_str(out, "\n");
}

void
findings_text(struct buf *out, const json_t *findings)
{
    size_t i;
    const json_t *finding;
    json_array_foreach(findings, i, finding) finding_text(out, finding);
}

void
rows_text(struct buf *out, const json_t *rows)
{
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (!strcmp(text_of(row, "action"), "error"))
            finding_text(out, row);
    }
}

void
problem_text(struct buf *out, int status, const json_t *problem)
{
    const char *detail = text_of(problem, "detail"), *title = text_of(problem, "title");
    text_put(out, *detail ? detail : *title ? title : "the server gives no reason", false);
    put(out, problem, "field", " (in ", ")");
    buf_printf(out, " [%d", status);
    put(out, problem, "err", " ", "");
    buf_str(out, "]");
    put(out, problem, "needed", "; needed: ", "");
    buf_str(out, "\n");
    rows_text(out, text_member(problem, "report.rows|rows"));
    findings_text(out, json_object_get(problem, "findings"));
    if (out->size && out->data[out->size - 1] == '\n')
        out->size--;
}

static void
put_changes(struct buf *out, const json_t *rows)
{
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *action = text_of(row, "action");
        if (strcmp(action, "created") != 0 && strcmp(action, "changed") != 0)
            continue;
        put(out, row, "action", "", " ");
        put(out, row, "kind", "", " ");
        put(out, row, "name", "", "");
        put(out, row, "changes", ": ", "");
        buf_str(out, "\n");
    }
}

void
report_text(struct buf *out, const json_t *report)
{
    static const char *const counts[] = {"created", "changed", "unchanged", "errors"};
    const char *between = "";
    put_changes(out, json_object_get(report, "rows"));
    rows_text(out, json_object_get(report, "rows"));
    findings_text(out, json_object_get(report, "findings"));
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        const json_t *count = json_object_get(report, counts[i]);
        if (json_integer_value(count) > 0) {
            buf_printf(out, "%s%" JSON_INTEGER_FORMAT " %s", between, json_integer_value(count),
                       counts[i]);
            between = ", ";
        }
    }
    if (*between)
        buf_str(out, json_is_true(json_object_get(report, "applied")) ? "\n"
                     : json_is_true(json_object_get(report, "dry-run"))
                         ? "; nothing was changed, as asked\n"
                         : "; nothing was changed\n");
}
