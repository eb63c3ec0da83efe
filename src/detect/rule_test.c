/* What a file of rules may say, and how it is told what it may not. */
#include "detect/rule.h"

#include "base/alloc.h"
#include "base/testing.h"
#include "detect/coverage.h"
#include "detect/finding_names.h"
#include "detect/objects.h"
#include "sensor/protocols.h"

#include <stdlib.h>
#include <string.h>

static const struct rules_source source = {.protocols = protocols_all, .finds = finding_is_known};

static struct rules *
good(const char *text)
{
    struct rules *rules;
    struct diag diag = {""};
    char *file = xasprintf("detections:\n%s", text);
    if (rules_parse(&source, file, strlen(file), "f.yaml", &rules, &diag))
        fail_msg("%s", diag.text);
    free(file);
    return rules;
}

#define HEAD "  - name: a\n    title: T\n    explanation: E\n    playbook: [look]\n"

static void
a_rule_is_compiled(void **state UNUSED)
{
    struct rules *rules = good("  - name: a\n"
                               "    number: 14\n"
                               "    title: T\n"
                               "    techniques: [T0855, T0831]\n"
                               "    severity: critical\n"
                               "    protocol: [modbus, iec104]\n"
                               "    kind: request\n"
                               "    act: [operate, write]\n"
                               "    function: [write-single-coil, C_SC_NA_1]\n"
                               "    where: {address: {above: 99}}\n"
                               "    count: {of: 3, distinct: address, within: 1m, by: [source]}\n"
                               "    explanation: \"{source}: {address}\"\n"
                               "    playbook: [one, two]\n");
    const struct rule *r = rules_at(rules, 0);
    assert_int_equal(rules_number(rules), 1);
    assert_int_equal(r->number, 14);
    assert_int_equal(r->severity, RULE_CRITICAL);
    assert_int_equal(r->n_techniques, 2);
    assert_int_equal(r->kinds, 1u << PDU_REQUEST);
    assert_int_equal(r->acts, 1u << ACT_OPERATE | 1u << ACT_WRITE);
    assert_int_equal(r->n_functions, 2);
    assert_int_equal(r->n_conditions, 1);
    assert_int_equal(r->conditions[0].test, TEST_ABOVE);
    assert_int_equal(r->count, 3);
    assert_int_equal(r->within, 60 * NSEC_PER_SEC);
    assert_true(r->is_distinct);
    assert_true(r->needs_each);
    assert_string_equal(r->playbook[1], "two");
    rules_free(rules);
}

static void
words_of_a_field_are_numbers(void **state UNUSED)
{
    struct rules *rules = good(
        HEAD "    protocol: iec104\n    where: {cause: [activation, 7], test: false}\n");
    const struct rule *r = rules_at(rules, 0);
    const struct rule_condition *c = &r->conditions[0];
    assert_int_equal(r->n_conditions, 2);
    assert_int_equal(c->n, 2);
    assert_float_equal(c->numbers[0], 6, 0);
    assert_float_equal(c->numbers[1], 7, 0);
    rules_free(rules);
}

static void
what_only_asks_whether_it_is_new_does_not_need_each(void **state UNUSED)
{
    struct rules *rules = good(HEAD "    new: [source, target, protocol]\n");
    assert_false(rules_at(rules, 0)->needs_each);
    rules_free(rules);
    rules = good(HEAD "    new: [source, object]\n");
    assert_true(rules_at(rules, 0)->needs_each);
    rules_free(rules);
}

static void
mistakes_are_told_with_their_place(void **state UNUSED)
{
    static const struct {
        const char *text, *said;
    } mistakes[] = {
        {"  - title: T\n", "f.yaml:2:5: 'name' is missing"},
        {"  - name: A\n", "f.yaml:2:5: a name of small letters"},
        {HEAD "    colour: red\n", "f.yaml:6:5: a rule has no 'colour'"},
        {HEAD "    severity: bad\n", "f.yaml:6:5: low, medium, high or critical"},
        {HEAD "    number: 46\n", "f.yaml:6:5: a number from 1 to 45"},
        {HEAD "    techniques: [T855]\n", "f.yaml:6:18: a technique like T0855"},
        {HEAD "    protocol: [modbus, mudbus]\n", "f.yaml:6:24: there is no protocol 'mudbus'"},
        {HEAD "    act: explode\n", "f.yaml:6:5: 'explode' is none of those"},
        {HEAD "    function: read-coils\n", "'protocol' must say of which protocols"},
        {HEAD "    protocol: modbus\n    function: [read-coils, C_SC_NA_1]\n",
         "f.yaml:7:28: none of the protocols has a function 'C_SC_NA_1'"},
        {HEAD "    protocol: modbus\n    refused: no\n", "has a reason 'no'"},
        {HEAD "    protocol: [modbus, iec104]\n    where: {unit: 1}\n",
         "iec104 has no field 'unit'"},
        {HEAD "    protocol: modbus\n    where: {unit: {near: 1}}\n", "one of not, above, below"},
        {HEAD "    protocol: modbus\n    where: {unit: many}\n", "unit: a number, or a word"},
        {HEAD "    protocol: modbus\n    where: {identity-text: 7}\n",
         "identity-text: text expected"},
        {HEAD "    protocol: modbus\n    where: {identity-text: {above: 7}}\n", "is text"},
        {HEAD "    new: []\n", "1 to 6 parts"},
        {HEAD "    new: [colour]\n", "'colour' would be a field"},
        {HEAD "    count: {of: 1, within: 1s, by: source}\n", "of: 2 to 1000000"},
        {HEAD "    count: {of: 300, distinct: port, within: 1s, by: source}\n", "of: 2 to 256"},
        {HEAD "    count: {of: 5, by: source}\n", "'within' and 'by'"},
        {HEAD "    count: {of: 5, within: soon, by: source}\n", "a time like 10s"},
        {HEAD "    count: {of: 5, usual: 1, within: 1s, by: source}\n", "usual: 2 to 100"},
        {HEAD "    sets: {mark: m, by: source}\n", "'mark', 'by' and 'for'"},
        {HEAD "    on: finding\n", "'finding' and 'on: finding' need each other"},
        {HEAD "    on: conversation\n    act: read\n", "only a message has"},
        {HEAD "    port: 70000\n", "a port from 0 to 65535"},
        {HEAD "    feed: nobody\n", "'nobody' is none of those"},
        {HEAD "    protocol: modbus\n    where: {unit: {feed: true}}\n",
         "unit: feed: true, of a text"},
        {HEAD "    country: [DE, Germany]\n", "f.yaml:6:19: a country like"},
        {HEAD "    country: {above: DE}\n", "or 'not' and countries"},
        {HEAD "    country: {not: []}\n", "a country expected"},
        {HEAD "    to: nobody\n", "'nobody' is none of those"},
        {HEAD "    planned: maybe\n", "'maybe' is none of those"},
        {"  - name: a\n    quiet: true\n", "says nothing and sets no mark"},
        {"  - name: a\n    title: T\n", "'title', 'explanation' and 'playbook' are needed"},
        {"  - name: a\n    title: T\n    playbook: [x]\n    explanation: \"{source\"\n",
         "'{' without '}'"},
        {"  - name: a\n    title: T\n    playbook: [x]\n    explanation: \"{colour}\"\n",
         "'colour' would be a field"},
        {HEAD HEAD, "f.yaml:6:5: there is a rule 'a' already"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
        struct rules *rules;
        struct diag diag = {""};
        char *file = xasprintf("detections:\n%s", mistakes[i].text);
        assert_int_not_equal(rules_parse(&source, file, strlen(file), "f.yaml", &rules, &diag),
                             ERR_OK);
        if (!strstr(diag.text, mistakes[i].said))
            fail_msg("'%s' expected, got '%s'", mistakes[i].said, diag.text);
        free(file);
    }
}

static void
a_finding_that_nothing_finds_is_a_mistake(void **state UNUSED)
{
    static const char text[] = "detections:\n" HEAD "    on: finding\n    finding: unknown\n";
    const struct rules_source s = {.protocols = protocols_all, .finds = finding_is_known};
    struct rules *rules;
    struct diag diag;
    assert_err(rules_parse(&s, text, sizeof text - 1, "f.yaml", &rules, &diag), ERR_INVALID);
    assert_non_null(strstr(diag.text, "nothing finds 'unknown'"));
}

/* What is shipped can be read, all of it. */
static void
the_shipped_rules_are_good(void **state UNUSED)
{
    static const char *const paths[] = {TIELINE_SOURCE_DIR "/etc/detections"};
    struct rules *rules;
    struct diag diag = {""};
    if (rules_read(&source, paths, 1, &rules, &diag))
        fail_msg("%s", diag.text);
    for (size_t i = 0; i < rules_number(rules); i++) {
        const struct rule *r = rules_at(rules, i);
        if (!r->is_quiet && (!r->number || !r->n_techniques))
            fail_msg("%s has no number or no technique", r->name);
    }
    rules_free(rules);
}

/* A word of the table of objects that its protocol does not have would never be found. */
static void
objects_are_fields_of_their_protocols(void **state UNUSED)
{
    for (size_t r = 0; r < object_n_rows; r++) {
        const struct protocol *p = NULL;
        for (size_t i = 0; protocols_all[i]; i++) {
            if (!strcmp(protocols_all[i]->name, object_rows[r].protocol))
                p = protocols_all[i];
        }
        if (!p)
            fail_msg("there is no protocol %s", object_rows[r].protocol);
        unsigned n = 0;
        while (n < OBJECT_FIELDS && object_rows[r].fields[n])
            n++;
        struct object_fields fields;
        object_resolve(p, &fields);
        if (fields.n != n)
            fail_msg("%s has %u of %u fields", p->name, fields.n, n);
    }
}

static void
coverage_counts_what_has_a_rule(void **state UNUSED)
{
    struct rules *rules = good(
        "  - name: a\n    number: 3\n    title: T\n    techniques: [T0846, T9999]\n"
        "    explanation: E\n    playbook: [look]\n");
    struct buf out = BUF_INIT;
    coverage_put(&out, rules);
    const char *text = buf_cstr(&out);
    assert_non_null(strstr(text, "T0846  Remote System Discovery            a\n"));
    assert_non_null(strstr(text, "\n1 of 45 techniques"));
    assert_non_null(strstr(text, "\n 3  a\n"));
    assert_non_null(strstr(text, "\n1 of 45 detections have a rule; 1 rules\n"));
    assert_non_null(strstr(text, "T9999 is not among them, and has the rule a\n"));
    buf_fini(&out);
    rules_free(rules);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_is_compiled),
        cmocka_unit_test(words_of_a_field_are_numbers),
        cmocka_unit_test(what_only_asks_whether_it_is_new_does_not_need_each),
        cmocka_unit_test(mistakes_are_told_with_their_place),
        cmocka_unit_test(a_finding_that_nothing_finds_is_a_mistake),
        cmocka_unit_test(the_shipped_rules_are_good),
        cmocka_unit_test(objects_are_fields_of_their_protocols),
        cmocka_unit_test(coverage_counts_what_has_a_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
