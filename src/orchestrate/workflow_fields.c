#include "orchestrate/workflow_fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DAY (86400 * NSEC_PER_SEC)

enum err
workflow_reader_fail(const struct workflow_reader *reader, enum err err, struct yaml_place place,
                     const char *format, ...)
{
    if (!reader->diag)
        return err;
    struct diag message;
    va_list args;
    va_start(args, format);
    vsnprintf(message.text, sizeof message.text, format, args);
    va_end(args);
    if (reader->step)
        diag_prefix(&message, "step '%.63s'", reader->step);
    if (reader->tree)
        return yaml_tree_fail(reader->tree, reader->diag, err, place, "%s", message.text);
    return diag_set(reader->diag, err, "%s", message.text);
}

/* Puts the place before what another check has said. */
static enum err
fail_as_said(const struct workflow_reader *reader, enum err err, struct yaml_place place,
             const char *key, const struct diag *said)
{
    return workflow_reader_fail(reader, err, place, "%s: %s", key, said->text);
}

static enum err
fail_unknown(const struct workflow_reader *reader, const json_t *object, const char *key,
             const struct workflow_field *fields, size_t n)
{
    char known[200] = "";
    size_t used = 0;
    for (size_t i = 0; i < n && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                 fields[i].key);
    return workflow_reader_fail(reader, ERR_INVALID, member(object, key),
                                "unknown key '%.63s'; known here: %s", key, known);
}

static const struct workflow_field *
find_field(const struct workflow_field *fields, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(fields[i].key, key))
            return &fields[i];
    }
    return NULL;
}

enum err
workflow_read_fields(struct workflow_reader *reader, struct yaml_place place, json_t *object,
                     const struct workflow_field *fields, size_t n, void *into)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return workflow_reader_fail(reader, ERR_INVALID, place, "a mapping expected");
    json_object_foreach(object, key, value)
    {
        if (!find_field(fields, n, key))
            return fail_unknown(reader, object, key, fields, n);
    }
    for (size_t i = 0; i < n; i++) {
        value = json_object_get(object, fields[i].key);
        if (!value && fields[i].required)
            return workflow_reader_fail(reader, ERR_INVALID, place, "'%s' is missing",
                                        fields[i].key);
        if (!value)
            continue;
        enum err err = fields[i].read(reader, member(object, fields[i].key), value,
                                      (char *)into + fields[i].offset);
        if (err)
            return err;
    }
    return ERR_OK;
}

enum err
workflow_read_text(struct workflow_reader *reader, struct yaml_place place, json_t *value,
                   void *into)
{
    if (!json_is_string(value) || json_string_length(value) == 0)
        return workflow_reader_fail(reader, ERR_INVALID, place, "%s: text expected", place.key);
    *(const char **)into = json_string_value(value);
    return ERR_OK;
}

bool
workflow_is_name(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return text[0] >= 'a' && text[0] <= 'z' && length <= 63 && text[length] == '\0';
}

enum err
workflow_read_name(struct workflow_reader *reader, struct yaml_place place, json_t *value,
                   void *into)
{
    if (!json_is_string(value) || !workflow_is_name(json_string_value(value)))
        return workflow_reader_fail(
            reader, ERR_INVALID, place,
            "%s: a name expected: a letter, then letters, digits and '-', all small, 63 at most",
            place.key);
    *(const char **)into = json_string_value(value);
    return ERR_OK;
}

/* An action or an event: names joined by dots. */
enum err
workflow_read_dotted_name(struct workflow_reader *reader, struct yaml_place place, json_t *value,
                          void *into)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.");
    if (text[0] < 'a' || text[0] > 'z' || length > 63 || text[length] || text[length - 1] == '.' ||
        strstr(text, ".."))
        return workflow_reader_fail(reader, ERR_INVALID, place,
                                    "%s: a name like 'circuit.push' expected", place.key);
    *(const char **)into = text;
    return ERR_OK;
}

enum err
workflow_read_bool(struct workflow_reader *reader, struct yaml_place place, json_t *value,
                   void *into)
{
    if (!json_is_boolean(value))
        return workflow_reader_fail(reader, ERR_INVALID, place, "%s: true or false expected",
                                    place.key);
    *(bool *)into = json_is_true(value);
    return ERR_OK;
}

static enum err
read_number(struct workflow_reader *reader, struct yaml_place place, const json_t *value,
            uint32_t low, uint32_t high, uint32_t *into)
{
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    if (number < low || number > high)
        return workflow_reader_fail(reader, ERR_INVALID, place,
                                    "%s: a number from %u to %u expected", place.key, low, high);
    *into = (uint32_t)number;
    return ERR_OK;
}

enum err
workflow_read_retry_count(struct workflow_reader *reader, struct yaml_place place, json_t *value,
                          void *into)
{
    return read_number(reader, place, value, 0, 1000, into);
}

enum err
workflow_read_factor(struct workflow_reader *reader, struct yaml_place place, json_t *value,
                     void *into)
{
    return read_number(reader, place, value, 1, 10, into);
}

enum err
workflow_read_parallel(struct workflow_reader *reader, struct yaml_place place, json_t *value,
                       void *into)
{
    return read_number(reader, place, value, 1, WORKFLOW_PARALLEL_MAX, into);
}

/* "90s", "2h30m", or a whole number of seconds; never 0. */
enum err
workflow_read_duration(struct workflow_reader *reader, struct yaml_place place, json_t *value,
                       void *into)
{
    nsec_t duration = 0;
    if (json_is_integer(value) && json_integer_value(value) <= WORKFLOW_DAYS_MAX * INT64_C(86400))
        duration = json_integer_value(value) * NSEC_PER_SEC;
    else if (json_is_string(value) && time_parse_duration(json_string_value(value), &duration))
        duration = 0;
    if (duration <= 0 || duration > WORKFLOW_DAYS_MAX * DAY)
        return workflow_reader_fail(
            reader, ERR_INVALID, place,
            "%s: a duration like '90s' or '2h30m' expected, %d days at most", place.key,
            WORKFLOW_DAYS_MAX);
    *(nsec_t *)into = duration;
    return ERR_OK;
}

/* Any template; its references are checked once all steps are known. */
static enum err
read_template(struct workflow_reader *reader, struct yaml_place place, json_t *value, void *into)
{
    struct diag said;
    enum err err = workflow_template_check(value, NULL, NULL, &said);
    if (err)
        return fail_as_said(reader, ERR_INVALID, place, place.key, &said);
    *(json_t **)into = value;
    return ERR_OK;
}

enum err
workflow_read_object_template(struct workflow_reader *reader, struct yaml_place place,
                              json_t *value, void *into)
{
    if (!json_is_object(value))
        return workflow_reader_fail(reader, ERR_INVALID, place, "%s: a mapping expected",
                                    place.key);
    return read_template(reader, place, value, into);
}

enum err
workflow_read_text_template(struct workflow_reader *reader, struct yaml_place place, json_t *value,
                            void *into)
{
    if (!json_is_string(value))
        return workflow_reader_fail(reader, ERR_INVALID, place, "%s: text expected", place.key);
    return read_template(reader, place, value, into);
}

/* What stands for a list, or says one. */
enum err
workflow_read_list_template(struct workflow_reader *reader, struct yaml_place place, json_t *value,
                            void *into)
{
    if (!json_is_string(value) && !json_is_array(value))
        return workflow_reader_fail(reader, ERR_INVALID, place,
                                    "%s: a list expected, or a reference like ${input.circuits}",
                                    place.key);
    return read_template(reader, place, value, into);
}

enum err
workflow_read_condition(struct workflow_reader *reader, struct yaml_place place, json_t *value,
                        void *into)
{
    struct diag said;
    if (!json_is_string(value))
        return workflow_reader_fail(reader, ERR_INVALID, place, "%s: a condition expected",
                                    place.key);
    enum err err = workflow_condition_parse(reader->workflow->arena, json_string_value(value), into,
                                            &said);
    if (err)
        return fail_as_said(reader, err == ERR_LIMIT ? err : ERR_INVALID, place, place.key, &said);
    return ERR_OK;
}
