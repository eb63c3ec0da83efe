#include "proto/bgpls/bgpls_rib.h"

#include "proto/bgpls/testing.h"

#define SEC NSEC_PER_SEC

/* What was told, one letter each: + added, * changed, = refreshed, - withdrawn, ~ stale, ! swept,
 * x discarded, # refused. */
struct told {
    char letters[64];
    size_t n;
    char text[256]; /* of the last change: the attributes, or why */
};

static void
on_change(void *arg, const struct bgpls_change *change)
{
    struct told *told = arg;
    struct buf text = BUF_INIT;
    char letter = "+*-~!x#"[change->kind];
    if (change->refreshed)
        letter = '=';
    told->letters[told->n++] = letter;
    told->letters[told->n] = '\0';
    if (change->why)
        buf_str(&text, change->why);
    else if (change->attributes)
        bgpls_attributes_print(change->attributes, &text);
    strncpy(told->text, buf_cstr(&text), sizeof told->text - 1);
    buf_fini(&text);
}

static void
expect(struct told *told, const char *letters)
{
    assert_string_equal(told->letters, letters);
    *told = (struct told){.n = 0};
}

static struct bgpls_rib *
new_rib(struct told *told, size_t budget)
{
    *told = (struct told){.n = 0};
    return bgpls_rib_new(&(struct bgpls_rib_config){.budget = budget,
                                                    .local_as = 65001,
                                                    .identifier = 0x0a0000ff,
                                                    .changed = on_change,
                                                    .arg = told});
}

static const struct bgp_open keeper = {
    .graceful_restart = true, .restart_link_state = true, .forwarding_preserved = true};

static void
take(struct bgpls_rib *rib, const struct bgp_update *update)
{
    struct bgp_error error;
    assert_ok(bgpls_rib_update(rib, update, true, &error));
}

static void
announce(struct bgpls_rib *rib, uint32_t number, const char *name)
{
    struct buf nlri = test_encode(test_node_nlri(number)), attribute = test_name(name);
    take(rib, &(struct bgp_update){.has_reach = true,
                                   .reach = {nlri.data, nlri.size},
                                   .has_link_state = true,
                                   .link_state = {attribute.data, attribute.size}});
    buf_fini(&nlri);
    buf_fini(&attribute);
}

static void
withdraw(struct bgpls_rib *rib, uint32_t number)
{
    struct buf nlri = test_encode(test_node_nlri(number));
    take(rib, &(struct bgp_update){.has_unreach = true, .unreach = {nlri.data, nlri.size}});
    buf_fini(&nlri);
}

static void
end_of_rib(struct bgpls_rib *rib)
{
    take(rib, &(struct bgp_update){.end_of_rib = true, .has_unreach = true});
}

static void
tells_what_changes_and_only_that(void **state UNUSED)
{
    struct told told;
    struct bgpls_rib *rib = new_rib(&told, 0);
    bgpls_rib_up(rib, &keeper, 0);
    announce(rib, 1, "a");
    assert_string_equal(told.text, "name \"a\"");
    announce(rib, 1, "a");
    announce(rib, 1, "longer");
    announce(rib, 1, "b");
    assert_string_equal(told.text, "name \"b\"");
    announce(rib, 2, "c");
    withdraw(rib, 1);
    withdraw(rib, 1);
    expect(&told, "+**+-");
    const struct bgpls_rib_stats *stats = bgpls_rib_stats(rib);
    assert_int_equal(stats->n, 1);
    assert_int_equal(stats->unchanged, 1);
    assert_int_equal(stats->unknown, 1);
    assert_false(bgpls_rib_is_complete(rib));
    end_of_rib(rib);
    assert_true(bgpls_rib_is_complete(rib));
    withdraw(rib, 2);
    assert_int_equal(stats->memory, 0);
    bgpls_rib_free(rib);
}

static void
without_graceful_restart_all_goes_with_the_session(void **state UNUSED)
{
    struct told told;
    struct bgpls_rib *rib = new_rib(&told, 0);
    bgpls_rib_up(rib, &keeper, 0);
    announce(rib, 1, "a");
    announce(rib, 2, "b");
    bgpls_rib_down(rib, false, 120 * SEC, 0);
    expect(&told, "++--");
    assert_int_equal(bgpls_rib_stats(rib)->n, 0);
    assert_true(bgpls_rib_deadline(rib) == NSEC_NEVER);
    bgpls_rib_free(rib);
}

static struct bgpls_rib *
new_stale(struct told *told)
{
    struct bgpls_rib *rib = new_rib(told, 0);
    bgpls_rib_up(rib, &keeper, 0);
    announce(rib, 1, "a");
    announce(rib, 2, "b");
    announce(rib, 3, "c");
    bgpls_rib_down(rib, true, 120 * SEC, 10 * SEC);
    expect(told, "+++~~~");
    assert_int_equal(bgpls_rib_stats(rib)->n_stale, 3);
    assert_true(bgpls_rib_deadline(rib) == 130 * SEC);
    return rib;
}

static void
what_is_stale_is_told_again_or_swept_by_end_of_rib(void **state UNUSED)
{
    struct told told;
    struct bgpls_rib *rib = new_stale(&told);
    bgpls_rib_up(rib, &keeper, 20 * SEC);
    announce(rib, 1, "a");
    announce(rib, 2, "bb");
    expect(&told, "=*");
    assert_int_equal(bgpls_rib_stats(rib)->n_stale, 1);
    end_of_rib(rib);
    expect(&told, "!");
    assert_int_equal(bgpls_rib_stats(rib)->n, 2);
    bgpls_rib_free(rib);
}

static void
a_peer_that_does_not_return_in_time_is_swept(void **state UNUSED)
{
    struct told told;
    struct bgpls_rib *rib = new_stale(&told);
    bgpls_rib_tick(rib, 130 * SEC - 1);
    expect(&told, "");
    bgpls_rib_tick(rib, 130 * SEC);
    expect(&told, "!!!");
    assert_int_equal(bgpls_rib_stats(rib)->memory, 0);
    bgpls_rib_free(rib);
}

static void
a_peer_that_kept_nothing_is_swept_at_once(void **state UNUSED)
{
    struct told told;
    struct bgpls_rib *rib = new_stale(&told);
    struct bgp_open open = keeper;
    open.forwarding_preserved = false;
    bgpls_rib_up(rib, &open, 20 * SEC);
    expect(&told, "!!!");
    bgpls_rib_free(rib);
}

static void
end_of_rib_that_never_comes_is_waited_for_so_long(void **state UNUSED)
{
    struct told told;
    struct bgpls_rib *rib = new_stale(&told);
    bgpls_rib_up(rib, &keeper, 20 * SEC);
    assert_true(bgpls_rib_deadline(rib) == 620 * SEC);
    bgpls_rib_tick(rib, 620 * SEC);
    expect(&told, "!!!");
    bgpls_rib_free(rib);
}

static void
twice_stale_is_swept(void **state UNUSED)
{
    struct told told;
    struct bgpls_rib *rib = new_stale(&told);
    bgpls_rib_up(rib, &keeper, 20 * SEC);
    announce(rib, 1, "a");
    bgpls_rib_down(rib, true, 120 * SEC, 30 * SEC);
    expect(&told, "=!!~");
    bgpls_rib_free(rib);
}

static void
a_framed_refresh_sweeps_what_was_not_repeated(void **state UNUSED)
{
    struct told told;
    struct bgpls_rib *rib = new_rib(&told, 0);
    bgpls_rib_up(rib, &keeper, 0);
    announce(rib, 1, "a");
    announce(rib, 2, "b");
    bgpls_rib_refresh(rib, BGP_REFRESH_BEGIN, 0);
    announce(rib, 2, "b");
    bgpls_rib_refresh(rib, BGP_REFRESH_END, 0);
    expect(&told, "++=!");
    bgpls_rib_free(rib);
}

static void
the_budget_refuses_what_is_new_and_keeps_what_is_there(void **state UNUSED)
{
    struct told told;
    struct bgpls_rib *rib = new_rib(&told, 350);
    bgpls_rib_up(rib, &keeper, 0);
    for (uint32_t i = 0; i < 4; i++)
        announce(rib, i, "name");
    expect(&told, "++##");
    assert_int_equal(bgpls_rib_stats(rib)->refused, 2);
    assert_true(bgpls_rib_stats(rib)->memory <= 350);
    announce(rib, 0,
             "a name that is far too long for what is left of the budget of this peer, "
             "so that the node can not be kept, as what is known of it is no longer true");
    expect(&told, "-#");
    bgpls_rib_free(rib);
}

static void
a_bad_attribute_is_discarded_and_the_nlri_kept(void **state UNUSED)
{
    struct told told;
    struct bgpls_rib *rib = new_rib(&told, 0);
    struct buf nlri = test_encode(test_node_nlri(1));
    struct bgp_update update = {.has_reach = true,
                                .reach = {nlri.data, nlri.size},
                                .link_state = {(const uint8_t *)"\4\2\0\5a", 5}};
    bgpls_rib_up(rib, &keeper, 0);
    take(rib, &update);
    expect(&told, "x+");
    assert_int_equal(bgpls_rib_stats(rib)->discarded_attributes, 1);
    buf_fini(&nlri);
    bgpls_rib_free(rib);
}

static void
a_bad_nlri_is_discarded_and_bad_framing_ends_the_session(void **state UNUSED)
{
    struct told told;
    struct bgp_error error;
    struct bgpls_rib *rib = new_rib(&told, 0);
    struct buf nlri = test_encode(test_node_nlri(1));
    buf_put(&nlri, "\0\1\0\1\3", 5);
    struct bgp_update update = {.has_reach = true, .reach = {nlri.data, nlri.size}};
    bgpls_rib_up(rib, &keeper, 0);
    take(rib, &update);
    expect(&told, "+x");
    update.reach.size--;
    assert_err(bgpls_rib_update(rib, &update, true, &error), ERR_MALFORMED);
    assert_int_equal(error.code, BGP_ERR_UPDATE);
    assert_int_equal(error.subcode, BGP_UPDATE_OPTIONAL_ATTRIBUTE);
    expect(&told, "");
    buf_fini(&nlri);
    bgpls_rib_free(rib);
}

static void
what_we_said_ourselves_is_no_news(void **state UNUSED)
{
    struct told told;
    struct bgpls_rib *rib = new_rib(&told, 0);
    struct buf nlri = test_encode(test_node_nlri(1));
    struct bgp_update update = {.has_reach = true,
                                .reach = {nlri.data, nlri.size},
                                .as_path = {(const uint8_t *)"\2\1\0\0\xfd\xe9", 6}};
    bgpls_rib_up(rib, &keeper, 0);
    take(rib, &update);
    update.as_path.size = 0;
    update.has_originator = true;
    update.originator = 0x0a0000ff;
    take(rib, &update);
    expect(&told, "");
    assert_int_equal(bgpls_rib_stats(rib)->loops, 2);
    update.originator = 1;
    take(rib, &update);
    update.verdict = BGP_TREAT_AS_WITHDRAW;
    take(rib, &update);
    expect(&told, "+-");
    buf_fini(&nlri);
    bgpls_rib_free(rib);
}

static void
is_read_again_as_it_was_told(void **state UNUSED)
{
    struct told told, again = {.n = 0};
    struct bgpls_rib *rib = new_rib(&told, 0);
    struct buf nlri = test_encode(test_node_nlri(7));
    struct bgp_span attribute;
    bool stale;
    bgpls_rib_up(rib, &keeper, 0);
    announce(rib, 7, "seven");
    bgpls_rib_each(rib, on_change, &again);
    assert_string_equal(again.text, "name \"seven\"");
    assert_ok(bgpls_rib_find(rib, (struct bgp_span){nlri.data, nlri.size}, &attribute, &stale));
    assert_int_equal(attribute.size, 9);
    assert_false(stale);
    assert_err(bgpls_rib_find(rib, (struct bgp_span){nlri.data, 5}, &attribute, &stale),
               ERR_NOT_FOUND);
    buf_fini(&nlri);
    bgpls_rib_free(rib);
}

TEST_MAIN(cmocka_unit_test(tells_what_changes_and_only_that),
          cmocka_unit_test(without_graceful_restart_all_goes_with_the_session),
          cmocka_unit_test(what_is_stale_is_told_again_or_swept_by_end_of_rib),
          cmocka_unit_test(a_peer_that_does_not_return_in_time_is_swept),
          cmocka_unit_test(a_peer_that_kept_nothing_is_swept_at_once),
          cmocka_unit_test(end_of_rib_that_never_comes_is_waited_for_so_long),
          cmocka_unit_test(twice_stale_is_swept),
          cmocka_unit_test(a_framed_refresh_sweeps_what_was_not_repeated),
          cmocka_unit_test(the_budget_refuses_what_is_new_and_keeps_what_is_there),
          cmocka_unit_test(a_bad_attribute_is_discarded_and_the_nlri_kept),
          cmocka_unit_test(a_bad_nlri_is_discarded_and_bad_framing_ends_the_session),
          cmocka_unit_test(what_we_said_ourselves_is_no_news),
          cmocka_unit_test(is_read_again_as_it_was_told))
