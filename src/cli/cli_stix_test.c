/* An alert as a STIX 2.1 bundle: every reference leads to an object, and what is the same
 * everywhere has the same id. */
#include "cli/cli_stix.h"

#include "model/testing.h"

#define NOW (INT64_C(1793354400) * NSEC_PER_SEC + 123456789)
#define ALERT(id, more)                                                                            \
    "{'id': 's1/" id "', 'site': 'cc', 'rule': 'modbus-write', 'title': 'A write', 'severity': "   \
    "'high', 'techniques': ['T0855', 'T0831'], 'protocol': 'modbus', 'count': 7, "                 \
    "'first': '2026-11-30T10:00:00Z', 'last': '2026-11-30T10:00:05.25Z', 'recorded': "             \
    "'2026-11-30T10:00:06Z'" more "}"
#define ENDS                                                                                       \
    ", 'source': {'address': '198.51.100.3', 'port': 1234}, "                                      \
    "'target': {'address': '02:00:00:00:00:07', 'port': 502}"

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

static const json_t *
of_type(const json_t *bundle, const char *type)
{
    const json_t *objects = json_object_get(bundle, "objects");
    for (size_t i = 0; i < json_array_size(objects); i++) {
        if (!strcmp(text_of(json_array_get(objects, i), "type"), type))
            return json_array_get(objects, i);
    }
    return NULL;
}

static bool
is_there(const json_t *bundle, const char *id)
{
    const json_t *objects = json_object_get(bundle, "objects");
    for (size_t i = 0; i < json_array_size(objects); i++) {
        if (!strcmp(text_of(json_array_get(objects, i), "id"), id))
            return true;
    }
    return false;
}

static json_t *
bundle_of(const char *quoted)
{
    json_t *alert = json_quoted(quoted), *bundle = stix_sighting(alert, NOW);
    json_decref(alert);
    assert_non_null(bundle);
    return bundle;
}

static void
a_sighting_ties_what_was_seen_to_what_it_means(void **state UNUSED)
{
    json_t *bundle = bundle_of(ALERT("12", ENDS));
    const json_t *sighting = of_type(bundle, "sighting"),
                 *traffic = of_type(bundle, "network-traffic");
    assert_string_equal(text_of(bundle, "type"), "bundle");
    assert_int_equal(json_integer_value(json_object_get(sighting, "count")), 7);
    assert_string_equal(text_of(sighting, "first_seen"), "2026-11-30T10:00:00.000Z");
    assert_string_equal(text_of(sighting, "last_seen"), "2026-11-30T10:00:05.250Z");
    assert_string_equal(text_of(sighting, "sighting_of_ref"),
                        text_of(of_type(bundle, "indicator"), "id"));
    assert_int_equal(json_integer_value(json_object_get(traffic, "dst_port")), 502);
    json_decref(bundle);
}

/* Section 2.9's rule: what Python's uuid.uuid5() makes of {"value":"198.51.100.3"}. */
static void
an_address_has_the_id_that_everybody_gives_it(void **state UNUSED)
{
    json_t *bundle = bundle_of(ALERT("12", ENDS));
    assert_string_equal(text_of(of_type(bundle, "ipv4-addr"), "id"),
                        "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4");
    json_decref(bundle);
}

static void
every_reference_leads_somewhere(void **state UNUSED)
{
    json_t *bundle = bundle_of(ALERT("12", ENDS));
    const json_t *objects = json_object_get(bundle, "objects");
    unsigned n = 0;
    for (size_t i = 0; i < json_array_size(objects); i++) {
        const char *name;
        json_t *value;
        json_object_foreach(json_array_get(objects, i), name, value)
        {
            size_t length = strlen(name);
            if (length > 4 && !strcmp(name + length - 4, "_ref")) {
                assert_true(is_there(bundle, json_string_value(value)));
                n++;
            }
            bool list = length > 5 && !strcmp(name + length - 5, "_refs");
            for (size_t k = 0; list && k < json_array_size(value); k++, n++)
                assert_true(is_there(bundle, json_string_value(json_array_get(value, k))));
        }
    }
    assert_true(n > 10);
    json_decref(bundle);
}

static void
two_bundles_know_the_same_things_by_the_same_ids(void **state UNUSED)
{
    static const char *const same[] = {"identity", "indicator", "attack-pattern", "ipv4-addr",
                                       "relationship"};
    json_t *a = bundle_of(ALERT("12", ENDS)), *b = bundle_of(ALERT("13", ENDS));
    for (size_t i = 0; i < ARRAY_SIZE(same); i++)
        assert_true(json_equal(of_type(a, same[i]), of_type(b, same[i])));
    assert_string_not_equal(text_of(of_type(a, "sighting"), "id"),
                            text_of(of_type(b, "sighting"), "id"));
    json_decref(a);
    json_decref(b);
}

static void
without_addresses_there_is_a_sighting_still(void **state UNUSED)
{
    json_t *bundle = bundle_of(ALERT("12", ""));
    assert_non_null(of_type(bundle, "sighting"));
    assert_null(of_type(bundle, "observed-data"));
    json_decref(bundle);
}

TEST_MAIN(cmocka_unit_test(a_sighting_ties_what_was_seen_to_what_it_means),
          cmocka_unit_test(an_address_has_the_id_that_everybody_gives_it),
          cmocka_unit_test(every_reference_leads_somewhere),
          cmocka_unit_test(two_bundles_know_the_same_things_by_the_same_ids),
          cmocka_unit_test(without_addresses_there_is_a_sighting_still))
