/* A rule is read by a table of its keys; each key's function takes the value apart, and says where
 * it is wrong. What only makes sense together is looked at when all keys were read. */
#include "detect/rule_private.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define FUNCTIONS_MAX 64 /* of one rule */
#define NO_FIELD UINT16_MAX

static const char *const severities[] = {"low", "medium", "high", "critical"};
static const char *const ons[RULE_ONS] = {"message", "malformed", "conversation",
                                          "device",  "change",    "finding"};
static const char *const parts[] = {"source",   "target", "mac",    "port",  "protocol",
                                    "function", "act",    "member", "object"};

/* Of an explanation; any other is a field. */
static const char *const explains[] = {"source", "target", "port",   "protocol", "function",
                                       "act",    "object", "detail", "count",    "within"};

const char *
rule_severity_word(enum rule_severity s)
{
    return severities[s];
}

/* ---- Errors and small things ---- */

#define FAIL(r, place, ...) yaml_tree_fail((r)->tree, (r)->diag, ERR_INVALID, place, __VA_ARGS__)

static struct yaml_place
member(const json_t *object, const char *key)
{
    return (struct yaml_place){.parent = object, .key = key};
}

static struct yaml_place
element(const json_t *list, size_t index)
{
    return (struct yaml_place){.parent = list, .index = index};
}

/* What might not fit was refused before, by the size of the file. */
static void *
take(struct rules *rules, size_t n, size_t size)
{
    void *p = arena_calloc(rules->arena, n ? n : 1, size);
    if (!p)
        abort();
    return p;
}

static const char *
keep(struct rules *rules, const char *text)
{
    char *copy = take(rules, strlen(text) + 1, 1);
    return strcpy(copy, text);
}

static int
find_word(const char *const *words, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(words[i], word))
            return (int)i;
    }
    return -1;
}

/* A list, or one thing as a list of one: `at(i)` of it and its place. */
static size_t
list_size(const json_t *value)
{
    return json_is_array(value) ? json_array_size(value) : 1;
}

static json_t *
list_at(json_t *value, struct yaml_place where, size_t i, struct yaml_place *place)
{
    *place = json_is_array(value) ? element(value, i) : where;
    return json_is_array(value) ? json_array_get(value, i) : value;
}

static enum err
read_name(struct reader *r, struct yaml_place place, const json_t *value, const char **out)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (n == 0 || text[n] || n > 63)
        return FAIL(r, place, "a name of small letters, digits and '-' expected, 63 at most");
    *out = keep(r->rules, text);
    return ERR_OK;
}

static enum err
read_words(struct reader *r, struct yaml_place place, json_t *value, const char *(*word)(unsigned),
           unsigned n, unsigned *mask)
{
    for (size_t i = 0; i < list_size(value); i++) {
        struct yaml_place at;
        const char *text = json_string_value(list_at(value, place, i, &at));
        unsigned k = 0;
        while (text && k < n && strcmp(word(k), text))
            k++;
        if (!text || k == n)
            return FAIL(r, at, "'%s' is none of those that there are", text ? text : "?");
        *mask |= 1u << k;
    }
    return ERR_OK;
}

/* ---- Texts and numbers about the rule ---- */

static enum err
read_text(struct reader *r, struct yaml_place place, const json_t *value, const char **out)
{
    if (!json_is_string(value) || !json_string_length(value))
        return FAIL(r, place, "text expected");
    *out = keep(r->rules, json_string_value(value));
    return ERR_OK;
}

static enum err
read_rule_name(struct reader *r, struct yaml_place place, json_t *value)
{
    enum err err = read_name(r, place, value, &r->rule->name);
    for (size_t i = 0; !err && i < r->rules->n; i++) {
        if (!strcmp(r->rules->rules[i].name, r->rule->name))
            return yaml_tree_fail(r->tree, r->diag, ERR_EXISTS, place,
                                  "there is a rule '%s' already", r->rule->name);
    }
    return err;
}

static enum err
read_title(struct reader *r, struct yaml_place place, json_t *value)
{
    return read_text(r, place, value, &r->rule->title);
}

static enum err
read_explanation(struct reader *r, struct yaml_place place, json_t *value)
{
    return read_text(r, place, value, &r->rule->explanation);
}

static enum err
read_number(struct reader *r, struct yaml_place place, json_t *value)
{
    json_int_t n = json_is_integer(value) ? json_integer_value(value) : 0;
    if (n < 1 || n > RULE_NUMBERS)
        return FAIL(r, place, "a number from 1 to %d expected", RULE_NUMBERS);
    r->rule->number = (unsigned)n;
    return ERR_OK;
}

static enum err
read_severity(struct reader *r, struct yaml_place place, json_t *value)
{
    int n = json_is_string(value)
                ? find_word(severities, ARRAY_SIZE(severities), json_string_value(value))
                : -1;
    if (n < 0)
        return FAIL(r, place, "low, medium, high or critical expected");
    r->rule->severity = (enum rule_severity)n;
    return ERR_OK;
}

static enum err
read_techniques(struct reader *r, struct yaml_place place, json_t *value)
{
    if (list_size(value) > RULE_TECHNIQUES)
        return FAIL(r, place, "%d techniques at most", RULE_TECHNIQUES);
    for (size_t i = 0; i < list_size(value); i++) {
        struct yaml_place at;
        const char *text = json_string_value(list_at(value, place, i, &at));
        if (!text || text[0] != 'T' || strspn(text + 1, "0123456789") != 4 || text[5])
            return FAIL(r, at, "a technique like T0855 expected");
        r->rule->techniques[r->rule->n_techniques++] = keep(r->rules, text);
    }
    return ERR_OK;
}

static enum err
read_playbook(struct reader *r, struct yaml_place place, json_t *value)
{
    struct rule *rule = r->rule;
    rule->playbook = take(r->rules, list_size(value), sizeof *rule->playbook);
    for (size_t i = 0; i < list_size(value); i++) {
        struct yaml_place at;
        const json_t *step = list_at(value, place, i, &at);
        enum err err = read_text(r, at, step, &rule->playbook[i]);
        if (err)
            return err;
        rule->n_playbook++;
    }
    return ERR_OK;
}

static enum err
read_quiet(struct reader *r, struct yaml_place place, json_t *value)
{
    if (!json_is_boolean(value))
        return FAIL(r, place, "true or false expected");
    r->rule->is_quiet = json_is_true(value);
    return ERR_OK;
}

/* ---- Which events ---- */

static enum err
read_on(struct reader *r, struct yaml_place place, json_t *value)
{
    int n = json_is_string(value) ? find_word(ons, RULE_ONS, json_string_value(value)) : -1;
    if (n < 0)
        return FAIL(r, place,
                    "message, malformed, conversation, device, change or finding expected");
    r->rule->on = (enum rule_on)n;
    return ERR_OK;
}

static enum err
read_protocols(struct reader *r, struct yaml_place place, json_t *value)
{
    for (size_t i = 0; i < list_size(value); i++) {
        struct yaml_place at;
        const char *text = json_string_value(list_at(value, place, i, &at));
        unsigned k = 0;
        while (text && k < r->rules->n_protocols && strcmp(r->rules->protocols[k]->name, text))
            k++;
        if (!text || k == r->rules->n_protocols)
            return FAIL(r, at, "there is no protocol '%s'", text ? text : "?");
        r->rule->protocols |= UINT64_C(1) << k;
    }
    return ERR_OK;
}

static const char *
kind_word_at(unsigned n)
{
    return pdu_kind_word((enum pdu_kind)n);
}

static const char *
act_word_at(unsigned n)
{
    return act_word((enum act)n);
}

static enum err
read_kinds(struct reader *r, struct yaml_place place, json_t *value)
{
    return read_words(r, place, value, kind_word_at, PDU_LINK + 1, &r->rule->kinds);
}

static enum err
read_acts(struct reader *r, struct yaml_place place, json_t *value)
{
    return read_words(r, place, value, act_word_at, ACT_ACKNOWLEDGE + 1, &r->rule->acts);
}

static bool
is_of(const struct rule *rule, unsigned protocol)
{
    return rule->protocols >> protocol & 1;
}

/* A name's numbers in each of the rule's protocols, or a number's. */
static unsigned
find_numbers(struct reader *r, const json_t *value, bool of_errors, uint32_t (*out)[2])
{
    unsigned n = 0;
    for (unsigned k = 0; k < r->rules->n_protocols; k++) {
        const struct protocol *p = r->rules->protocols[k];
        if (!is_of(r->rule, k))
            continue;
        if (json_is_integer(value) && json_integer_value(value) >= 0) {
            out[n][0] = k;
            out[n++][1] = (uint32_t)json_integer_value(value);
        }
        const char *text = json_string_value(value);
        for (size_t i = 0; text && !of_errors && i < p->n_functions; i++) {
            if (!strcmp(p->functions[i].name, text)) {
                out[n][0] = k;
                out[n++][1] = p->functions[i].number;
                break;
            }
        }
        for (const struct field_word *w = p->errors; text && of_errors && w && w->word; w++) {
            if (!strcmp(w->word, text)) {
                out[n][0] = k;
                out[n++][1] = w->value;
                break;
            }
        }
    }
    return n;
}

static enum err
read_numbers(struct reader *r, struct yaml_place place, json_t *value, bool of_errors, unsigned *n,
             const uint32_t (**out)[2])
{
    if (!r->rule->protocols)
        return FAIL(r, place, "'protocol' must say of which protocols");
    if (list_size(value) > FUNCTIONS_MAX)
        return FAIL(r, place, "%d at most", FUNCTIONS_MAX);
    uint32_t(*all)[2] = take(r->rules, list_size(value) * RULE_PROTOCOLS, sizeof *all);
    *n = 0;
    for (size_t i = 0; i < list_size(value); i++) {
        struct yaml_place at;
        const json_t *one = list_at(value, place, i, &at);
        unsigned found = find_numbers(r, one, of_errors, all + *n);
        if (!found)
            return FAIL(r, at, "none of the protocols has a %s '%s'",
                        of_errors ? "reason" : "function",
                        json_is_string(one) ? json_string_value(one) : "?");
        *n += found;
    }
    *out = all;
    return ERR_OK;
}

static enum err
read_functions(struct reader *r, struct yaml_place place, json_t *value)
{
    return read_numbers(r, place, value, false, &r->rule->n_functions, &r->rule->functions);
}

static enum err
read_errors(struct reader *r, struct yaml_place place, json_t *value)
{
    return read_numbers(r, place, value, true, &r->rule->n_errors, &r->rule->errors);
}

static enum err
read_finding(struct reader *r, struct yaml_place place, json_t *value)
{
    enum err err = read_name(r, place, value, &r->rule->finding);
    if (err || !r->source->finds || r->source->finds(r->rule->finding))
        return err;
    return FAIL(r, place, "nothing finds '%s'", r->rule->finding);
}

static enum err
read_ports(struct reader *r, struct yaml_place place, json_t *value)
{
    uint16_t *ports = take(r->rules, list_size(value), sizeof *ports);
    for (size_t i = 0; i < list_size(value); i++) {
        struct yaml_place at;
        const json_t *one = list_at(value, place, i, &at);
        json_int_t n = json_is_integer(one) ? json_integer_value(one) : -1;
        if (n < 0 || n > UINT16_MAX)
            return FAIL(r, at, "a port from 0 to 65535 expected");
        ports[r->rule->n_ports++] = (uint16_t)n;
    }
    r->rule->ports = ports;
    return ERR_OK;
}

static const char *
whom_word_at(unsigned n)
{
    static const char *const words[] = {"public", "one", "many"};
    return words[n];
}

static enum err
read_from(struct reader *r, struct yaml_place place, json_t *value)
{
    return read_words(r, place, value, whom_word_at, 3, &r->rule->from);
}

static enum err
read_to(struct reader *r, struct yaml_place place, json_t *value)
{
    return read_words(r, place, value, whom_word_at, 3, &r->rule->to);
}

static const char *
feed_word_at(unsigned n)
{
    static const char *const words[] = {"source", "target"};
    return words[n];
}

static enum err
read_feed(struct reader *r, struct yaml_place place, json_t *value)
{
    return read_words(r, place, value, feed_word_at, 2, &r->rule->feed);
}

static enum err
read_country(struct reader *r, struct yaml_place place, json_t *value)
{
    struct rule *rule = r->rule;
    json_t *others = json_object_get(value, "not");
    struct yaml_place where = place;
    if (json_is_object(value)) {
        if (!others || json_object_size(value) != 1)
            return FAIL(r, place, "countries expected, or 'not' and countries");
        where = member(value, "not");
        rule->not_countries = true;
        value = others;
    }
    rule->countries = take(r->rules, list_size(value), sizeof *rule->countries);
    for (size_t i = 0; i < list_size(value); i++) {
        struct yaml_place at;
        const char *text = json_string_value(list_at(value, where, i, &at));
        if (!text || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2 || text[2])
            return FAIL(r, at, "a country like \"DE\" expected (ISO 3166-1)");
        rule->countries[rule->n_countries++] = keep(r->rules, text);
    }
    return rule->n_countries ? ERR_OK : FAIL(r, place, "a country expected");
}

static const char *
planned_word_at(unsigned n)
{
    static const char *const words[] = {"unknown", "no", "yes"};
    return words[n];
}

static enum err
read_planned(struct reader *r, struct yaml_place place, json_t *value)
{
    return read_words(r, place, value, planned_word_at, 3, &r->rule->planned);
}

/* ---- Fields ---- */

/* Its ids in the rule's protocols. A field that one of them lacks is a mistake. */
static enum err
resolve_field(struct reader *r, struct yaml_place place, const char *name, const uint16_t **out)
{
    if (!r->rule->protocols)
        return FAIL(r, place, "'%s' would be a field: 'protocol' must say of which protocols",
                    name);
    uint16_t *at = take(r->rules, RULE_PROTOCOLS, sizeof *at);
    for (unsigned k = 0; k < RULE_PROTOCOLS; k++) {
        at[k] = NO_FIELD;
        if (k >= r->rules->n_protocols || !is_of(r->rule, k))
            continue;
        const struct protocol *p = r->rules->protocols[k];
        for (size_t i = 0; i < p->n_fields; i++) {
            if (p->fields[i].name && !strcmp(p->fields[i].name, name))
                at[k] = (uint16_t)i;
        }
        if (at[k] == NO_FIELD)
            return FAIL(r, place, "%s has no field '%s'", p->name, name);
    }
    *out = at;
    return ERR_OK;
}

/* The number that a word stands for, if the rule's protocols agree. */
static bool
word_number(const struct reader *r, const uint16_t *at, const char *text, double *out)
{
    bool is_found = false;
    for (unsigned k = 0; k < r->rules->n_protocols; k++) {
        if (!is_of(r->rule, k))
            continue;
        const struct field_word *w = r->rules->protocols[k]->fields[at[k]].words;
        while (w && w->word && strcmp(w->word, text))
            w++;
        if (!w || !w->word || (is_found && *out != w->value))
            return false;
        *out = w->value;
        is_found = true;
    }
    return is_found;
}

/* In how many of the rule's protocols it is a text, and in how many it is there. */
static void
count_texts(const struct reader *r, const uint16_t *at, unsigned *texts, unsigned *all)
{
    *texts = *all = 0;
    for (unsigned k = 0; k < r->rules->n_protocols; k++) {
        if (!is_of(r->rule, k))
            continue;
        *texts += r->rules->protocols[k]->fields[at[k]].type == FIELD_TEXT;
        (*all)++;
    }
}

static enum err
read_value(struct reader *r, struct yaml_place place, const json_t *value, struct rule_condition *c,
           size_t i)
{
    if (c->texts) {
        if (!json_is_string(value))
            return FAIL(r, place, "%s: text expected", c->field);
        c->texts[i] = keep(r->rules, json_string_value(value));
        return ERR_OK;
    }
    if (json_is_number(value))
        c->numbers[i] = json_number_value(value);
    else if (json_is_boolean(value))
        c->numbers[i] = json_is_true(value);
    else if (!json_is_string(value) ||
             !word_number(r, c->at, json_string_value(value), &c->numbers[i]))
        return FAIL(r, place, "%s: a number, or a word that it has, expected", c->field);
    return ERR_OK;
}

static enum err
read_test(struct reader *r, struct yaml_place *place, json_t **value, enum rule_test *test)
{
    static const char *const words[] = {"one-of",  "not",  "above", "below",
                                        "any-bit", "feed", "like"};
    *test = TEST_ONE_OF;
    if (!json_is_object(*value))
        return ERR_OK;
    void *only = json_object_iter(*value);
    int n = only ? find_word(words, ARRAY_SIZE(words), json_object_iter_key(only)) : -1;
    if (n < 0 || json_object_size(*value) != 1)
        return FAIL(r, *place, "one of not, above, below, any-bit, feed or like expected");
    *test = (enum rule_test)n;
    *place = member(*value, json_object_iter_key(only));
    *value = json_object_iter_value(only);
    return ERR_OK;
}

static enum err
read_condition(struct reader *r, struct yaml_place place, const char *field, json_t *value)
{
    struct rule_condition *c = &r->rule->conditions[r->rule->n_conditions];
    c->field = keep(r->rules, field);
    enum err err = resolve_field(r, place, c->field, &c->at);
    if (!err)
        err = read_test(r, &place, &value, &c->test);
    if (err)
        return err;
    c->n = (unsigned)list_size(value);
    unsigned n_texts, n_all;
    count_texts(r, c->at, &n_texts, &n_all);
    bool wants_texts = n_texts == n_all;
    if ((n_texts && !wants_texts) || (c->test == TEST_LIKE && !wants_texts))
        return FAIL(r, place, "%s is no text in each of the protocols", field);
    if (!c->n || (c->test >= TEST_ABOVE && c->test != TEST_LIKE && c->n > 1))
        return FAIL(r, place, "%s: one value expected", field);
    if (c->test == TEST_FEED && (!wants_texts || !json_is_true(value)))
        return FAIL(r, place, "%s: feed: true, of a text", field);
    if (c->test == TEST_FEED)
        return r->rule->n_conditions++, ERR_OK;
    if (wants_texts && (c->test == TEST_ABOVE || c->test == TEST_BELOW || c->test == TEST_ANY_BIT))
        return FAIL(r, place, "%s is text", field);
    if (wants_texts)
        c->texts = take(r->rules, c->n, sizeof *c->texts);
    else
        c->numbers = take(r->rules, c->n, sizeof *c->numbers);
    for (size_t i = 0; !err && i < c->n; i++) {
        struct yaml_place at;
        const json_t *one = list_at(value, place, i, &at);
        err = read_value(r, at, one, c, i);
    }
    r->rule->n_conditions++;
    return err;
}

static enum err
read_where(struct reader *r, struct yaml_place place, json_t *value)
{
    const char *field;
    json_t *test;
    if (!json_is_object(value) || json_object_size(value) > RULE_CONDITIONS)
        return FAIL(r, place, "fields and their values expected, %d at most", RULE_CONDITIONS);
    json_object_foreach(value, field, test)
    {
        enum err err = read_condition(r, member(value, field), field, test);
        if (err)
            return err;
    }
    return ERR_OK;
}

/* ---- Keys and what is remembered by them ---- */

static enum err
read_part(struct reader *r, struct yaml_place place, const json_t *value, struct rule_part *out)
{
    const char *text = json_string_value(value);
    if (!text)
        return FAIL(r, place, "source, target, port, function, object, or a field expected");
    int n = find_word(parts, ARRAY_SIZE(parts), text);
    if (n >= 0) {
        out->kind = (enum part_kind)n;
        return ERR_OK;
    }
    out->kind = PART_FIELD;
    out->field = keep(r->rules, text);
    return resolve_field(r, place, out->field, &out->at);
}

static enum err
read_key(struct reader *r, struct yaml_place place, json_t *value, struct rule_key *key)
{
    if (!list_size(value) || list_size(value) > RULE_KEY_PARTS)
        return FAIL(r, place, "1 to %d parts expected", RULE_KEY_PARTS);
    for (size_t i = 0; i < list_size(value); i++) {
        struct yaml_place at;
        const json_t *one = list_at(value, place, i, &at);
        enum err err = read_part(r, at, one, &key->parts[key->n]);
        if (err)
            return err;
        key->n++;
    }
    return ERR_OK;
}

static enum err
read_new(struct reader *r, struct yaml_place place, json_t *value)
{
    return read_key(r, place, value, &r->rule->fresh);
}

static enum err
read_duration(struct reader *r, struct yaml_place place, const json_t *value, nsec_t *out)
{
    const char *text = json_string_value(value);
    if (!text || time_parse_duration(text, out) || *out <= 0)
        return FAIL(r, place, "a time like 10s or 5m expected");
    return ERR_OK;
}

/* `names` must all be there; what else is there is a mistake. */
static enum err
expect_keys(struct reader *r, struct yaml_place place, const json_t *value,
            const char *const *names, size_t n)
{
    const char *key;
    json_t *unused;
    if (!json_is_object(value))
        return FAIL(r, place, "a mapping expected");
    json_object_foreach((json_t *)value, key, unused)
    {
        if (find_word(names, n, key) < 0)
            return FAIL(r, member(value, key), "unknown key '%s'", key);
    }
    return ERR_OK;
}

static enum err
read_count(struct reader *r, struct yaml_place place, json_t *value)
{
    static const char *const names[] = {"of", "within", "by", "distinct", "usual"};
    struct rule *rule = r->rule;
    enum err err = expect_keys(r, place, value, names, ARRAY_SIZE(names));
    if (err)
        return err;
    json_t *of = json_object_get(value, "of"), *within = json_object_get(value, "within");
    json_t *by = json_object_get(value, "by"), *distinct = json_object_get(value, "distinct");
    json_int_t n = json_is_integer(of) ? json_integer_value(of) : 0;
    rule->is_distinct = distinct;
    if (n < 2 || n > (distinct ? RULE_DISTINCT : 1000000))
        return FAIL(r, of ? member(value, "of") : place, "of: 2 to %d expected",
                    distinct ? RULE_DISTINCT : 1000000);
    rule->count = (uint32_t)n;
    json_t *usual = json_object_get(value, "usual");
    json_int_t times = json_is_integer(usual) ? json_integer_value(usual) : 0;
    if (usual && (times < 2 || times > 100))
        return FAIL(r, member(value, "usual"), "usual: 2 to 100 expected");
    rule->usual = (uint32_t)times;
    if (!within || !by)
        return FAIL(r, place, "'within' and 'by' expected");
    err = read_duration(r, member(value, "within"), within, &rule->within);
    if (!err)
        err = read_key(r, member(value, "by"), by, &rule->by);
    if (!err && distinct)
        err = read_part(r, member(value, "distinct"), distinct, &rule->distinct);
    return err;
}

static enum err
read_range(struct reader *r, struct yaml_place place, json_t *value)
{
    static const char *const names[] = {"of", "by"};
    struct rule *rule = r->rule;
    enum err err = expect_keys(r, place, value, names, ARRAY_SIZE(names));
    json_t *of = json_object_get(value, "of"), *by = json_object_get(value, "by");
    if (!err && (!of || !by || list_size(of) > ARRAY_SIZE(rule->values)))
        err = FAIL(r, place, "'of' (one to four fields) and 'by' expected");
    for (size_t i = 0; !err && i < list_size(of); i++) {
        struct yaml_place at;
        const json_t *one = list_at(of, member(value, "of"), i, &at);
        err = read_part(r, at, one, &rule->values[rule->n_values++]);
    }
    return err ? err : read_key(r, member(value, "by"), by, &rule->range);
}

static uint32_t
mark_id(struct rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->n_marks; i++) {
        if (!strcmp(rules->marks[i], name))
            return (uint32_t)i;
    }
    GROW(rules->marks, rules->n_marks, rules->marks_capacity);
    rules->marks[rules->n_marks] = name;
    return (uint32_t)rules->n_marks++;
}

static enum err
read_mark(struct reader *r, struct yaml_place place, json_t *value, struct rule_mark *mark,
          bool is_set)
{
    static const char *const names[] = {"mark", "by", "for"};
    enum err err = expect_keys(r, place, value, names, is_set ? 3 : 2);
    if (err)
        return err;
    json_t *name = json_object_get(value, "mark"), *by = json_object_get(value, "by");
    json_t *lasts = json_object_get(value, "for");
    if (!name || !by || (is_set && !lasts))
        return FAIL(r, place, "'mark', 'by'%s expected", is_set ? " and 'for'" : "");
    err = read_name(r, member(value, "mark"), name, &mark->name);
    if (!err)
        err = read_key(r, member(value, "by"), by, &mark->by);
    if (!err && is_set)
        err = read_duration(r, member(value, "for"), lasts, &mark->lasts);
    if (!err)
        mark->id = mark_id(r->rules, mark->name);
    return err;
}

static enum err
read_sets(struct reader *r, struct yaml_place place, json_t *value)
{
    return read_mark(r, place, value, &r->rule->sets, true);
}

static enum err
read_lacks(struct reader *r, struct yaml_place place, json_t *value)
{
    return read_mark(r, place, value, &r->rule->lacks, false);
}

static enum err
read_has(struct reader *r, struct yaml_place place, json_t *value)
{
    return read_mark(r, place, value, &r->rule->has, false);
}

/* ---- A rule ---- */

/* In the order in which they are read: what others need comes first. */
static const struct {
    const char *key;
    enum err (*read)(struct reader *, struct yaml_place, json_t *);
} keys[] = {
    {"name", read_rule_name},
    {"title", read_title},
    {"number", read_number},
    {"techniques", read_techniques},
    {"severity", read_severity},
    {"explanation", read_explanation},
    {"playbook", read_playbook},
    {"quiet", read_quiet},
    {"on", read_on},
    {"protocol", read_protocols},
    {"kind", read_kinds},
    {"act", read_acts},
    {"function", read_functions},
    {"refused", read_errors},
    {"finding", read_finding},
    {"port", read_ports},
    {"from", read_from},
    {"to", read_to},
    {"feed", read_feed},
    {"country", read_country},
    {"planned", read_planned},
    {"where", read_where},
    {"new", read_new},
    {"range", read_range},
    {"count", read_count},
    {"sets", read_sets},
    {"lacks", read_lacks},
    {"has", read_has},
};

/* Words in braces end, and stand for something. */
static enum err
check_explanation(struct reader *r, struct yaml_place place)
{
    for (const char *at = strchr(r->rule->explanation, '{'); at; at = strchr(at + 1, '{')) {
        const char *end = strchr(at, '}');
        const uint16_t *unused;
        if (!end)
            return FAIL(r, place, "'{' without '}'");
        char *word = xstrndup(at + 1, (size_t)(end - at - 1));
        enum err err = find_word(explains, ARRAY_SIZE(explains), word) >= 0
                           ? ERR_OK
                           : resolve_field(r, place, word, &unused);
        free(word);
        if (err)
            return err;
    }
    return ERR_OK;
}

static bool
key_needs_each(const struct rule_key *key)
{
    for (unsigned i = 0; i < key->n; i++) {
        if (key->parts[i].kind >= PART_MEMBER)
            return true;
    }
    return false;
}

static enum err
check_rule(struct reader *r, struct yaml_place place, const json_t *object)
{
    struct rule *rule = r->rule;
    if (!rule->name)
        return FAIL(r, place, "'name' is missing");
    if (!rule->is_quiet && (!rule->title || !rule->explanation || !rule->n_playbook))
        return FAIL(r, place, "%s: 'title', 'explanation' and 'playbook' are needed", rule->name);
    if (rule->is_quiet && !rule->sets.name)
        return FAIL(r, place, "%s: it says nothing and sets no mark", rule->name);
    if ((rule->on == ON_FINDING) != (rule->finding != NULL))
        return FAIL(r, place, "%s: 'finding' and 'on: finding' need each other", rule->name);
    if ((rule->on == ON_CONVERSATION || rule->on == ON_DEVICE || rule->on == ON_CHANGE) &&
        rule->protocols)
        return FAIL(r, place, "%s: its protocol is not known then", rule->name);
    if (rule->on != ON_MESSAGE && (rule->kinds || rule->acts || rule->n_functions ||
                                   rule->n_errors || rule->n_conditions || rule->range.n))
        return FAIL(r, place, "%s: only a message has a kind, an act, functions and fields",
                    rule->name);
    rule->needs_each = rule->n_conditions || rule->range.n || rule->count || rule->sets.name ||
                       rule->lacks.name || rule->has.name || rule->n_errors || !rule->fresh.n ||
                       key_needs_each(&rule->fresh);
    return rule->explanation ? check_explanation(r, member(object, "explanation")) : ERR_OK;
}

static enum err
read_rule(struct reader *r, struct yaml_place place, json_t *object)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return FAIL(r, place, "a rule expected");
    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (i < ARRAY_SIZE(keys) && strcmp(keys[i].key, key))
            i++;
        if (i == ARRAY_SIZE(keys))
            return FAIL(r, member(object, key), "a rule has no '%s'", key);
    }
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        value = json_object_get(object, keys[i].key);
        enum err err = value ? keys[i].read(r, member(object, keys[i].key), value) : ERR_OK;
        if (err)
            return err;
    }
    return check_rule(r, place, object);
}

enum err
reader_read(struct reader *r)
{
    static const char *const names[] = {"detections"};
    struct rules *rules = r->rules;
    json_t *root = yaml_tree_root(r->tree), *list;
    size_t i;
    json_t *one;
    enum err err = expect_keys(r, (struct yaml_place){0}, root, names, 1);
    if (err)
        return err;
    list = json_object_get(root, "detections");
    if (!json_is_array(list))
        return FAIL(r, (struct yaml_place){0}, "'detections', a list, expected");
    json_array_foreach(list, i, one)
    {
        if (rules->n == RULES_MAX)
            return yaml_tree_fail(r->tree, r->diag, ERR_LIMIT, element(list, i),
                                  "more than %d rules", RULES_MAX);
        GROW(rules->rules, rules->n, rules->capacity);
        r->rule = &rules->rules[rules->n];
        *r->rule = (struct rule){.severity = RULE_MEDIUM};
        err = read_rule(r, element(list, i), one);
        if (err)
            return err;
        rules->n++;
    }
    return ERR_OK;
}
