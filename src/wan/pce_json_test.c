#include "wan/pce_json.h"
#include "wan/pce_testing.h"

static void
assert_json(json_t *json, const char *expected)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, expected);
    free(text);
    json_decref(json);
}

static void
an_lsp_is_listed_as_it_was_reported(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    json_t *json = pce_lsp_json(bed->pce, lsp_of(r, 1), bed->now + NSEC_PER_SEC);
    json_object_del(json, "id");
    assert_json(json, "{\"admin-up\":false,\"created-by-pce\":false,\"delegated\":true,\"ero\":["
                      "{\"kind\":\"segment\",\"label\":16001}],\"name\":\"a\",\"operational\":"
                      "\"up\",\"path-setup\":\"sr\",\"pcc\":\"10.0.0.1\",\"plsp-id\":1,\"rro\":[],"
                      "\"unchanged-ms\":1000}");
    bed_free(bed);
}

static void
a_name_that_is_no_text_is_made_one(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    report(r, (struct rep){.plsp_id = 2, .name = "\xff\x01\"", .label = 5});
    settle(bed);
    json_t *json = pce_lsp_json(bed->pce, lsp_of(r, 2), bed->now);
    assert_non_null(json_object_get(json, "name"));
    assert_true(json_is_string(json_object_get(json, "name")));
    json_decref(json);
    bed_free(bed);
}

static void
many_are_listed_page_by_page(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1"), *other = usual_router(bed, "10.0.0.2");
    char name[16];
    for (uint32_t i = 2; i <= 25; i++) {
        snprintf(name, sizeof name, "l%u", i);
        report(i % 2 ? r : other, (struct rep){.plsp_id = i, .name = name, .label = 5});
    }
    settle(bed);
    unsigned n = 0, pages = 0;
    uint64_t after = LSP_NONE;
    for (bool more = true; more; pages++) {
        json_t *page = pce_lsps_json(bed->pce, number_of(r), after, 5, bed->now);
        const char *next = json_string_value(json_object_get(page, "next"));
        n += (unsigned)json_array_size(json_object_get(page, "lsps"));
        more = next != NULL;
        after = more ? strtoull(next, NULL, 16) : 0;
        json_decref(page);
    }
    assert_int_equal(n, 13);
    assert_int_equal(pages, 3);
    bed_free(bed);
}

static void
a_pcc_is_listed_with_what_it_did(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    report(r, (struct rep){.plsp_id = 1, .name = "b", .label = 5});
    settle(bed);
    json_t *pccs = pce_pccs_json(bed->pce, bed->now);
    assert_int_equal(json_array_size(pccs), 1);
    json_t *pcc = json_array_get(pccs, 0);
    assert_string_equal(json_string_value(json_object_get(pcc, "state")), "ready");
    assert_int_equal(json_integer_value(json_object_get(pcc, "lsps")), 1);
    json_t *misbehaviours = json_object_get(pcc, "misbehaviours");
    assert_int_equal(json_integer_value(json_object_get(misbehaviours, "plsp-id-reused")), 1);
    assert_int_equal(json_object_size(misbehaviours), 1);
    assert_null(pce_pcc_json(bed->pce, 5, bed->now));
    json_decref(pccs);
    bed_free(bed);
}

TEST_MAIN(cmocka_unit_test(an_lsp_is_listed_as_it_was_reported),
          cmocka_unit_test(a_name_that_is_no_text_is_made_one),
          cmocka_unit_test(many_are_listed_page_by_page),
          cmocka_unit_test(a_pcc_is_listed_with_what_it_did))
