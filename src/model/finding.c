#include "model/finding.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

const char *
severity_word(enum severity severity)
{
    static const char *const words[SEVERITY_MAX] = {"error", "warning", "info"};
    return words[severity];
}

static void
finding_fini(struct finding *finding)
{
    free(finding->object);
    free(finding->field);
    free(finding->file);
    free(finding->text);
}

void
findings_fini(struct findings *findings)
{
    for (size_t i = 0; i < findings->n; i++)
        finding_fini(&findings->items[i]);
    free(findings->items);
    *findings = (struct findings){0};
}

/* Beyond the limit, each one replaces the last. */
static struct finding *
new_place(struct findings *findings)
{
    if (findings->n == FINDINGS_MAX) {
        struct finding *last = &findings->items[FINDINGS_MAX - 1];
        finding_fini(last);
        return last;
    }
    GROW(findings->items, findings->n, findings->capacity);
    return &findings->items[findings->n++];
}

struct finding *
findings_add(struct findings *findings, enum severity severity, const char *code, const char *kind,
             const char *object, const char *field, const char *format, ...)
{
    va_list args;
    struct finding *finding = new_place(findings);
    findings->counts[severity]++;
    va_start(args, format);
    *finding = (struct finding){
        .severity = severity,
        .code = code,
        .kind = kind,
        .object = text_make_printable(xstrdup(object)),
        .field = field ? xstrdup(field) : NULL,
        .text = text_make_printable(xvasprintf(format, args)),
    };
    va_end(args);
    return finding;
}

void
set_json_text(json_t *json, const char *name, const char *text)
{
    if (text && *text)
        json_object_set_new(json, name, json_string(text));
}

void
place_to_json(const char *file, uint32_t line, uint32_t column, json_t *json)
{
    set_json_text(json, "file", file);
    if (line)
        json_object_set_new(json, "line", json_integer(line));
    if (column)
        json_object_set_new(json, "column", json_integer(column));
}

void
place_to_text(const char *file, uint32_t line, uint32_t column, struct buf *out)
{
    if (!file)
        return;
    buf_printf(out, "%s:", file);
    if (line)
        buf_printf(out, "%u:", line);
    if (line && column)
        buf_printf(out, "%u:", column);
    buf_u8(out, ' ');
}

json_t *
finding_to_json(const struct finding *finding)
{
    json_t *json = json_object();
    set_json_text(json, "severity", severity_word(finding->severity));
    set_json_text(json, "code", finding->code);
    set_json_text(json, "kind", finding->kind);
    set_json_text(json, "object", finding->object);
    set_json_text(json, "field", finding->field);
    place_to_json(finding->file, finding->line, finding->column, json);
    set_json_text(json, "text", finding->text);
    return json;
}

json_t *
findings_to_json(const struct findings *findings)
{
    json_t *array = json_array();
    for (size_t i = 0; i < findings->n; i++)
        json_array_append_new(array, finding_to_json(&findings->items[i]));
    return array;
}

void
finding_to_text(const struct finding *finding, struct buf *out)
{
    place_to_text(finding->file, finding->line, finding->column, out);
    buf_printf(out, "%s: %s%s%s: ", severity_word(finding->severity), finding->kind,
               *finding->object ? " " : "", finding->object);
    if (finding->field)
        buf_printf(out, "%s: ", finding->field);
    buf_printf(out, "%s [%s]\n", finding->text, finding->code);
}

void
findings_to_text(const struct findings *findings, struct buf *out)
{
    for (size_t i = 0; i < findings->n; i++)
        finding_to_text(&findings->items[i], out);
    size_t all = 0;
    for (int i = 0; i < SEVERITY_MAX; i++)
        all += findings->counts[i];
    if (all > findings->n)
        buf_printf(out, "and %zu more\n", all - findings->n);
}

uint64_t
finding_identity(const struct finding *finding)
{
    const char *const parts[] = {finding->code, finding->kind, finding->object,
                                 finding->field ? finding->field : "", finding->text};
    uint64_t hash = 0;
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        hash = hash_add(hash, hash_bytes(parts[i], strlen(parts[i]), 0));
    return hash_mix(hash);
}
