#include "model/alert.h"

#include "base/attr.h"
#include "base/time.h"
#include "model/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 64        /* elements of a list in an alert */
#define LONG_TEXT_MAX 8192 /* octets */
#define CONVERSATIONS_MAX 512

static const char *const severities[] = {"low", "medium", "high", "critical"};

const char *
alert_severity_word(enum alert_severity severity)
{
    return severity < ALERT_SEVERITY_MAX ? severities[severity] : "?";
}

enum alert_severity
alert_severity_from_word(const char *word)
{
    for (unsigned i = 0; word && i < ALERT_SEVERITY_MAX; i++) {
        if (!strcmp(severities[i], word))
            return i;
    }
    return ALERT_SEVERITY_MAX;
}

uint64_t
alert_id_number(const char *id, const char *sensor, char letter)
{
    const char *slash = id ? strchr(id, '/') : NULL;
    size_t length = slash ? (size_t)(slash - id) : 0;
    char name[NAME_MAX_LENGTH + 1];
    if (!slash || length > NAME_MAX_LENGTH)
        return 0;
    memcpy(name, id, length);
    name[length] = '\0';
    if (!name_is_valid(name) || (sensor && strcmp(name, sensor) != 0))
        return 0;
    const char *digits = slash + 1;
    if (letter && *digits++ != letter)
        return 0;
    size_t n = strlen(digits);
    bool good = n >= 1 && n <= 18 && strspn(digits, "0123456789") == n && digits[0] != '0';
    return good ? strtoull(digits, NULL, 10) : 0;
}

/* ---- Members ---- */

enum shape {
    A_NAME, /* as names in the model */
    A_LINE, /* text_is_valid() */
    A_TEXT, /* of several lines */
    A_TIME,
    A_COUNT, /* an integer, not negative */
    A_FLAG,
    AN_OBJECT,
    LINES,  /* a list of A_LINE */
    TEXTS,  /* ... of A_TEXT */
    AN_END, /* {"address"?, "mac"?, "port"?} */
    ANYTHING,
};

struct rule {
    const char *name;
    enum shape shape;
    bool required, or_null;
};

static enum err check_members(const json_t *, const struct rule *, size_t n, struct diag *);

/* No control characters but line feeds; jansson has seen to UTF-8. */
static bool
is_long_text(const char *text)
{
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        if (((unsigned char)text[i] < ' ' && text[i] != '\n') || text[i] == 127)
            return false;
    }
    return size <= LONG_TEXT_MAX;
}

static bool
are_texts(const json_t *list, bool (*is_good)(const char *))
{
    if (!json_is_array(list) || json_array_size(list) > LIST_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text || !is_good(text))
            return false;
    }
    return true;
}

static bool
is_time(const char *text)
{
    nsec_t time;
    return !time_parse(text, &time);
}

static bool
is_end(const json_t *value)
{
    static const struct rule rules[] = {{"address", A_LINE, false, true},
                                        {"mac", A_LINE, false, true},
                                        {"port", A_COUNT, false, true},
                                        {"host", A_LINE, false, true}};
    struct diag diag;
    return json_is_object(value) && !check_members(value, rules, ARRAY_SIZE(rules), &diag);
}

static bool
fits(const json_t *value, enum shape shape)
{
    const char *text = json_string_value(value);
    switch (shape) {
    case A_NAME:
        return text && name_is_valid(text);
    case A_LINE:
        return text && text_is_valid(text);
    case A_TEXT:
        return text && is_long_text(text);
    case A_TIME:
        return text && is_time(text);
    case A_COUNT:
        return json_is_integer(value) && json_integer_value(value) >= 0;
    case A_FLAG:
        return json_is_boolean(value);
    case AN_OBJECT:
        return json_is_object(value);
    case LINES:
        return are_texts(value, text_is_valid);
    case TEXTS:
        return are_texts(value, is_long_text);
    case AN_END:
        return is_end(value);
    case ANYTHING:
        break;
    }
    return true;
}

static enum err
check_members(const json_t *object, const struct rule *rules, size_t n, struct diag *diag)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_object_get(object, rules[i].name);
        if (!value && rules[i].required)
            return diag_set(diag, ERR_INVALID, "\"%s\" is missing", rules[i].name);
        if (value && !(rules[i].or_null && json_is_null(value)) && !fits(value, rules[i].shape))
            return diag_set(diag, ERR_INVALID, "\"%s\" is not what it should be", rules[i].name);
    }
    return ERR_OK;
}

/* As text, and jansson's memory is bounded by it. */
static enum err
check_size(const json_t *json, struct diag *diag)
{
    if (!json_is_object(json))
        return diag_set(diag, ERR_INVALID, "an object is expected");
    size_t size = json_dumpb(json, NULL, 0, JSON_COMPACT);
    if (!size || size > ALERT_TEXT_MAX)
        return diag_set(diag, ERR_LIMIT, "%zu octets are more than %d", size, ALERT_TEXT_MAX);
    return ERR_OK;
}

/* ---- An alert ---- */

static enum err
check_ids(const json_t *alert, const char *sensor, struct diag *diag)
{
    const char *id = json_string_value(json_object_get(alert, "id"));
    const json_t *incident = json_object_get(alert, "incident"),
                 *similar = json_object_get(alert, "similar");
    if (!alert_id_number(id, sensor, 0))
        return diag_set(diag, ERR_INVALID, "\"id\": %s/NUMBER is expected", sensor);
    if (json_is_string(incident) && !alert_id_number(json_string_value(incident), sensor, 'I'))
        return diag_set(diag, ERR_INVALID, "\"incident\": %s/INUMBER is expected", sensor);
    for (size_t i = 0; i < json_array_size(similar); i++) {
        if (!alert_id_number(json_string_value(json_array_get(similar, i)), NULL, 0))
            return diag_set(diag, ERR_INVALID, "\"similar\": ids of alerts are expected");
    }
    return ERR_OK;
}

enum err
alert_check(const json_t *alert, const char *sensor, struct diag *diag)
{
    static const struct rule rules[] = {
        {"id", A_LINE, true, false},          {"rule", A_NAME, true, false},
        {"number", A_COUNT, false, true},     {"title", A_LINE, true, false},
        {"severity", A_NAME, true, false},    {"techniques", LINES, false, false},
        {"source", AN_END, false, true},      {"target", AN_END, false, true},
        {"protocol", A_LINE, false, true},    {"circuit", A_LINE, false, true},
        {"explanation", A_TEXT, false, true}, {"playbook", TEXTS, false, false},
        {"evidence", AN_OBJECT, false, true}, {"first", A_TIME, true, false},
        {"last", A_TIME, true, false},        {"count", A_COUNT, true, false},
        {"incident", A_LINE, false, true},    {"similar", LINES, false, false},
        {"state", A_NAME, false, false},
    };
    enum err err = check_size(alert, diag);
    if (!err)
        err = check_members(alert, rules, ARRAY_SIZE(rules), diag);
    if (!err)
        err = check_ids(alert, sensor, diag);
    if (err)
        return err;
    const char *severity = json_string_value(json_object_get(alert, "severity")),
               *state = json_string_value(json_object_get(alert, "state"));
    if (alert_severity_from_word(severity) == ALERT_SEVERITY_MAX)
        return diag_set(diag, ERR_INVALID,
                        "\"severity\": low, medium, high or critical is expected");
    if (state && strcmp(state, "open") != 0)
        return diag_set(diag, ERR_INVALID, "\"state\": a sensor's alerts are open");
    if (!json_integer_value(json_object_get(alert, "count")))
        return diag_set(diag, ERR_INVALID, "\"count\": it is there at least once");
    return ERR_OK;
}

/* ---- A device ---- */

enum err
asset_check(const json_t *asset, struct diag *diag)
{
    static const struct rule rules[] = {
        {"address", A_LINE, true, false},       {"member", A_COUNT, false, false},
        {"mac", A_LINE, false, true},           {"first", A_TIME, true, false},
        {"last", A_TIME, true, false},          {"roles", LINES, false, false},
        {"protocols", AN_OBJECT, false, false},
    };
    enum err err = check_size(asset, diag);
    if (!err)
        err = check_members(asset, rules, ARRAY_SIZE(rules), diag);
    return err;
}

/* ---- Traffic ---- */

enum err
traffic_check(const json_t *traffic, struct diag *diag)
{
    static const struct rule rules[] = {
        {"from", A_LINE, true, false},      {"to", A_LINE, true, false},
        {"port", A_COUNT, false, false},    {"transport", A_LINE, true, false},
        {"protocol", A_LINE, false, false}, {"packets", A_COUNT, true, false},
        {"octets", A_COUNT, true, false},   {"first", A_TIME, true, false},
        {"last", A_TIME, true, false},
    };
    enum err err = check_size(traffic, diag);
    const json_t *list = json_object_get(traffic, "conversations");
    if (!err && (!json_is_array(list) || json_array_size(list) > CONVERSATIONS_MAX))
        err = diag_set(diag, ERR_INVALID, "\"conversations\": a list of at most %d is expected",
                       CONVERSATIONS_MAX);
    for (size_t i = 0; !err && i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        err = json_is_object(row) ? check_members(row, rules, ARRAY_SIZE(rules), diag)
                                  : diag_set(diag, ERR_INVALID, "an object is expected");
    }
    return err;
}
