#include "base/testing.h"

#include "wan/lsp_db.h"

#include <stdio.h>

#define NAMED(text) .name = (text), .name_length = strlen(text)

static struct te_address
ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct te_address){4, {a, b, c, d}};
}

static struct lsp_db *
database(void)
{
    return lsp_db_new(&(struct lsp_limits){0});
}

static uint64_t
put(struct lsp_db *db, uint32_t pcc, const struct lsp_report *report, unsigned expected)
{
    uint64_t id = LSP_NONE;
    unsigned changed = 0;
    assert_ok(lsp_db_put(db, pcc, report, 7, &id, &changed));
    assert_int_equal(changed, expected);
    return id;
}

static enum err
try_put(struct lsp_db *db, uint32_t pcc, const struct lsp_report *report)
{
    uint64_t id;
    unsigned changed;
    return lsp_db_put(db, pcc, report, 7, &id, &changed);
}

static const struct lsp_hop hops[] = {
    {.kind = LSP_HOP_SEGMENT, .is_label = true, .label = 16003, .local = {4, {10, 0, 0, 3}}},
    {.kind = LSP_HOP_SEGMENT,
     .is_label = true,
     .label = 24001,
     .local = {6, {0x20, 1, 0xd, 0xb8, [15] = 1}},
     .remote = {6, {0x20, 1, 0xd, 0xb8, [15] = 2}},
     .local_id = 5,
     .remote_id = 6},
    {.kind = LSP_HOP_SEGMENT, .label = 7},
    {.kind = LSP_HOP_ADDRESS,
     .prefix = 32,
     .loose = true,
     .label = TE_NO_LABEL,
     .local = {4, {10, 0, 0, 9}}},
    {.kind = LSP_HOP_UNNUMBERED, .label = TE_NO_LABEL, .local = {4, {10, 0, 0, 9}}, .local_id = 77},
    {.kind = LSP_HOP_LABEL, .is_label = true, .label = 0},
};

static void
paths_are_read_as_they_were_written(void **state UNUSED)
{
    struct lsp_db *db = database();
    struct lsp_report report = {.plsp_id = 1,
                                NAMED("a-b"),
                                .ero = hops,
                                .n_ero = ARRAY_SIZE(hops),
                                .rro = hops + 1,
                                .n_rro = 2};
    const struct lsp *lsp = lsp_db_get(db, put(db, 0, &report, LSP_IS_NEW));
    struct lsp_hops ero = lsp_ero(lsp), rro = lsp_rro(lsp);
    struct lsp_hop hop;
    assert_int_equal(lsp->n_ero, ARRAY_SIZE(hops));
    for (size_t i = 0; i < ARRAY_SIZE(hops); i++) {
        assert_true(lsp_hops_next(&ero, &hop));
        assert_memory_equal(&hop, &hops[i], sizeof hop);
    }
    assert_false(lsp_hops_next(&ero, &hop));
    assert_true(lsp_hops_next(&rro, &hop));
    assert_memory_equal(&hop, &hops[1], sizeof hop);
    assert_true(lsp_hops_next(&rro, &hop));
    assert_false(lsp_hops_next(&rro, &hop));
    lsp_db_free(db);
}

static void
an_lsp_of_four_hops_takes_less_than_400_octets(void **state UNUSED)
{
    struct lsp_db *db = database();
    struct lsp_hop path[4];
    for (int i = 0; i < 4; i++)
        path[i] = hops[0];
    struct lsp_report report = {.plsp_id = 1,
                                NAMED("circuit-17/primary/forward"),
                                .metrics = &(struct lsp_metric){.type = 2, .value = 40},
                                .n_metrics = 1,
                                .ero = path,
                                .n_ero = 4,
                                .rro = path,
                                .n_rro = 4};
    put(db, 0, &report, LSP_IS_NEW);
    assert_true(lsp_db_octets(db, 0) < 400);
    lsp_db_free(db);
}

static void
what_is_left_out_of_a_report_stays(void **state UNUSED)
{
    struct lsp_db *db = database();
    struct lsp_association group = {.type = 2, .id = 9, .source = ipv4(10, 9, 9, 9)};
    struct lsp_report first = {.plsp_id = 4,
                               NAMED("x"),
                               .source = ipv4(10, 0, 0, 1),
                               .destination = ipv4(10, 0, 0, 2),
                               .tunnel_id = 3,
                               .setup_type = 1,
                               .associations = &group,
                               .n_associations = 1};
    uint64_t id = put(db, 2, &first, LSP_IS_NEW);
    struct lsp_report second = {
        .plsp_id = 4, .setup_type = LSP_SETUP_UNKNOWN, .operational = LSP_ACTIVE};
    assert_int_equal(put(db, 2, &second, LSP_STATE_CHANGED), id);
    const struct lsp *lsp = lsp_db_get(db, id);
    struct lsp_association got;
    assert_string_equal(lsp_name(lsp), "x");
    assert_int_equal(lsp->tunnel_id, 3);
    assert_int_equal(lsp->setup_type, 1);
    assert_int_equal(lsp->destination.octets[3], 2);
    assert_int_equal(lsp->n_associations, 1);
    lsp_association(lsp, 0, &got);
    assert_int_equal(got.id, 9);

    group.removed = true;
    second.associations = &group;
    second.n_associations = 1;
    put(db, 2, &second, LSP_ATTRIBUTES_CHANGED);
    assert_int_equal(lsp_db_get(db, id)->n_associations, 0);
    lsp_db_free(db);
}

static void
the_same_report_again_changes_nothing(void **state UNUSED)
{
    struct lsp_db *db = database();
    struct lsp_report report = {.plsp_id = 1, NAMED("a"), .ero = hops, .n_ero = 3};
    uint64_t id = put(db, 0, &report, LSP_IS_NEW), version = lsp_db_version(db);
    assert_int_equal(put(db, 0, &report, 0), id);
    assert_int_equal(lsp_db_version(db), version);
    report.n_ero = 2;
    report.delegated = true;
    put(db, 0, &report, LSP_PATH_CHANGED | LSP_DELEGATION_CHANGED);
    lsp_db_free(db);
}

static void
a_plsp_id_has_one_name_in_a_session(void **state UNUSED)
{
    struct lsp_db *db = database();
    put(db, 0, &(struct lsp_report){.plsp_id = 1, NAMED("a")}, LSP_IS_NEW);
    assert_err(try_put(db, 0, &(struct lsp_report){.plsp_id = 1, NAMED("b")}), ERR_CONFLICT);
    assert_err(try_put(db, 0, &(struct lsp_report){.plsp_id = 2}), ERR_NOT_FOUND);
    assert_err(try_put(db, 0, &(struct lsp_report){NAMED("c")}), ERR_INVALID);
    put(db, 1, &(struct lsp_report){.plsp_id = 1, NAMED("b")}, LSP_IS_NEW); /* another PCC's */
    put(db, 0, &(struct lsp_report){.plsp_id = 3, NAMED("a")}, LSP_IS_NEW | LSP_NAME_TAKEN);
    assert_int_equal(lsp_db_count(db, 0), 2);
    lsp_db_free(db);
}

static void
in_a_new_session_the_name_is_what_counts(void **state UNUSED)
{
    struct lsp_db *db = database();
    uint64_t a = put(db, 0, &(struct lsp_report){.plsp_id = 1, NAMED("a")}, LSP_IS_NEW);
    uint64_t b = put(db, 0, &(struct lsp_report){.plsp_id = 2, NAMED("b")}, LSP_IS_NEW);
    uint64_t c = put(db, 0, &(struct lsp_report){.plsp_id = 3, NAMED("c")}, LSP_IS_NEW);
    assert_int_equal(lsp_db_mark_stale(db, 0), 3);
    assert_int_equal(lsp_db_mark_stale(db, 0), 0);
    /* b has taken the PLSP-ID of a, a that of b, and c is not there any more. */
    assert_int_equal(
        put(db, 0, &(struct lsp_report){.plsp_id = 1, NAMED("b")}, LSP_IS_FRESH | LSP_RENUMBERED),
        b);
    assert_int_equal(lsp_db_get(db, a)->plsp_id, 0);
    assert_int_equal(
        put(db, 0, &(struct lsp_report){.plsp_id = 2, NAMED("a")}, LSP_IS_FRESH | LSP_RENUMBERED),
        a);
    uint64_t d = put(db, 0, &(struct lsp_report){.plsp_id = 3, NAMED("d")}, LSP_IS_NEW);
    assert_true(lsp_db_get(db, c)->stale);
    assert_false(lsp_db_get(db, a)->stale);
    assert_int_equal(lsp_db_find(db, 0, 1)->id, b);
    assert_int_equal(lsp_db_find(db, 0, 2)->id, a);
    assert_int_equal(lsp_db_find(db, 0, 3)->id, d);
    assert_int_equal(lsp_db_find_name(db, 0, "c", 1)->id, c);
    lsp_db_remove(db, c);
    assert_null(lsp_db_find_name(db, 0, "c", 1));
    lsp_db_free(db);
}

static void
of_those_named_alike_the_end_point_tells(void **state UNUSED)
{
    struct lsp_db *db = database();
    struct lsp_report to_b = {.plsp_id = 1, NAMED("p"), .destination = ipv4(10, 0, 0, 2)};
    struct lsp_report to_c = {.plsp_id = 2, NAMED("p"), .destination = ipv4(10, 0, 0, 3)};
    uint64_t b = put(db, 0, &to_b, LSP_IS_NEW);
    uint64_t c = put(db, 0, &to_c, LSP_IS_NEW | LSP_NAME_TAKEN);
    lsp_db_mark_stale(db, 0);
    to_b.plsp_id = 8;
    to_c.plsp_id = 9;
    assert_int_equal(put(db, 0, &to_c, LSP_IS_FRESH | LSP_RENUMBERED), c);
    assert_int_equal(put(db, 0, &to_b, LSP_IS_FRESH | LSP_RENUMBERED), b);
    lsp_db_free(db);
}

static void
numbers_are_never_given_twice(void **state UNUSED)
{
    struct lsp_db *db = database();
    struct lsp_report report = {.plsp_id = 1, NAMED("a")};
    uint64_t first = put(db, 0, &report, LSP_IS_NEW);
    lsp_db_remove(db, first);
    uint64_t second = put(db, 0, &report, LSP_IS_NEW);
    assert_true(first != second);
    assert_null(lsp_db_get(db, first));
    lsp_db_remove(db, first);
    assert_non_null(lsp_db_get(db, second));
    assert_null(lsp_db_get(db, LSP_NONE));
    lsp_db_free(db);
}

static void
a_pcc_has_its_limits_and_others_theirs(void **state UNUSED)
{
    struct lsp_db *db = lsp_db_new(&(struct lsp_limits){.lsps = 2, .octets = 1000});
    put(db, 0, &(struct lsp_report){.plsp_id = 1, NAMED("a")}, LSP_IS_NEW);
    put(db, 0, &(struct lsp_report){.plsp_id = 2, NAMED("b")}, LSP_IS_NEW);
    assert_err(try_put(db, 0, &(struct lsp_report){.plsp_id = 3, NAMED("c")}), ERR_LIMIT);
    put(db, 1, &(struct lsp_report){.plsp_id = 3, NAMED("c")}, LSP_IS_NEW);
    struct lsp_hop *path = calloc(LSP_HOPS_MAX + 1, sizeof *path);
    for (int i = 0; i <= LSP_HOPS_MAX; i++)
        path[i] = hops[0];
    struct lsp_report longer = {.plsp_id = 1, .ero = path, .n_ero = LSP_HOPS_MAX};
    assert_err(try_put(db, 0, &longer), ERR_LIMIT);
    longer.n_ero = LSP_HOPS_MAX + 1;
    assert_err(try_put(db, 0, &longer), ERR_INVALID);
    put(db, 0, &(struct lsp_report){.plsp_id = 1, .operational = LSP_UP}, LSP_STATE_CHANGED);
    free(path);
    lsp_db_free(db);
}

static void
thousands_are_found_listed_and_removed(void **state UNUSED)
{
    enum { N = 20000 };
    struct lsp_db *db = database();
    char name[24];
    for (uint32_t i = 1; i <= N; i++) {
        struct lsp_report report = {.plsp_id = i, .name = name};
        report.name_length = (size_t)snprintf(name, sizeof name, "lsp-%u", i);
        put(db, i % 3, &report, LSP_IS_NEW);
    }
    assert_int_equal(lsp_db_total(db), N);
    for (uint32_t i = 2; i <= N; i += 2)
        lsp_db_remove(db, lsp_db_find(db, i % 3, i)->id);
    for (uint32_t i = 1; i <= N; i++) {
        size_t length = (size_t)snprintf(name, sizeof name, "lsp-%u", i);
        const struct lsp *lsp = lsp_db_find(db, i % 3, i);
        assert_ptr_equal(lsp, lsp_db_find_name(db, i % 3, name, length));
        assert_int_equal(lsp != NULL, i % 2);
    }
    uint32_t n = 0, of_one = 0;
    for (const struct lsp *lsp = NULL; (lsp = lsp_db_after(db, lsp ? lsp->id : LSP_NONE));)
        n++;
    for (const struct lsp *lsp = lsp_db_first(db, 1); lsp; lsp = lsp_db_next(db, lsp))
        of_one++;
    assert_int_equal(n, N / 2);
    assert_int_equal(of_one, lsp_db_count(db, 1));
    lsp_db_free(db);
}

TEST_MAIN(cmocka_unit_test(paths_are_read_as_they_were_written),
          cmocka_unit_test(an_lsp_of_four_hops_takes_less_than_400_octets),
          cmocka_unit_test(what_is_left_out_of_a_report_stays),
          cmocka_unit_test(the_same_report_again_changes_nothing),
          cmocka_unit_test(a_plsp_id_has_one_name_in_a_session),
          cmocka_unit_test(in_a_new_session_the_name_is_what_counts),
          cmocka_unit_test(of_those_named_alike_the_end_point_tells),
          cmocka_unit_test(numbers_are_never_given_twice),
          cmocka_unit_test(a_pcc_has_its_limits_and_others_theirs),
          cmocka_unit_test(thousands_are_found_listed_and_removed))
