/* What the tester refuses: requests that make no sense or are too much, and packets of strangers.
 */
#include "edge/stamp_testing.h"

/* ---- Parameters ---- */

/* The parameters with one member, "a" or "template.a", set to what the text says; NULL: removed. */
static json_t *
changed(json_t *params, const char *path, const char *value)
{
    bool nested = !strncmp(path, "template.", 9);
    json_t *where = nested ? json_object_get(params, "template") : params;
    const char *name = nested ? path + 9 : path;
    if (value)
        json_object_set_new(where, name, json_loads(value, JSON_DECODE_ANY, NULL));
    else
        json_object_del(where, name);
    return params;
}

static void
parameters_that_make_no_sense_are_refused(void **state UNUSED)
{
    static const struct {
        const char *path, *value, *says;
    } cases[] = {
        {"id", NULL, "id"},
        {"id", "\"\"", "id"},
        {"id", "\"0123456789012345678901234567890123456789012345678901234567890123\"", "id"},
        {"id", "7", "id"},
        {"more", "1", "more"},
        {"template", "[]", "template"},
        {"template.more", "1", "more"},
        {"template.eth-src", "\"02:00\"", "eth-src"},
        {"template.eth-dst", NULL, "eth-dst"},
        {"template.vlan-id", "4095", "vlan-id"},
        {"template.vlan-priority", "3", "vlan-priority"},
        {"template.ipv4-src", "\"10.1.1\"", "ipv4-src"},
        {"template.ipv4-dst", "\"10.20.0.12\"", "reflectors"},
        {"template.ipv4-dst", "\"239.255.0.7\"", "reply"},
        {"template.udp-src", "0", "udp-src"},
        {"template.udp-src", "862", "udp-src"},
        {"template.udp-dst", "65536", "udp-dst"},
        {"count", "0", "count"},
        {"count", "100001", "count"},
        {"count", "1.5", "count"},
        {"interval-us", "199", "interval-us"},
        {"interval-us", "10000001", "interval-us"},
        {"interval-us", "9000000", "ten minutes"},
        {"size", "85", "size"},
        {"size", "1515", "size"},
        {"size", "87", "size"}, /* no room for the header of the padding */
        {"timeout-ms", "0", "timeout-ms"},
        {"timeout-ms", "10001", "timeout-ms"},
        {"reply", "\"by post\"", "reply"},
        {"reply", "\"management\"", "reply"},
        {"reply", NULL, "reply"},
        {"reflectors", "[]", "reflectors"},
        {"reflectors", "\"10.20.0.11\"", "reflectors"},
        {"reflectors", "[\"10.20.0.11\", \"10.20.0.12\"]", "reflectors"},
        {"reflectors", "[1]", "reflectors"},
    };
    struct world *w = world_new(1);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct diag diag = {""};
        json_t *params = changed(in_band("t", 100, 1000), cases[i].path, cases[i].value);
        if (start(w, params, &diag) != ERR_INVALID || !strstr(diag.text, cases[i].says))
            fail_msg("%s %s: %s", cases[i].path, cases[i].value, diag.text);
    }
    assert_err(start(w, json_null(), NULL), ERR_INVALID);
    assert_int_equal(stamp_agent_n_tests(w->nodes[TESTER].agent), 0);
    world_run(w);
    assert_int_equal(w->done.n, 0);
    world_free(w);
}

static void
a_group_is_tested_from_our_own_address_only(void **state UNUSED)
{
    struct world *w = world_new(3);
    struct diag diag = {""};
    json_t *params = changed(by_management("t", 10, 1000), "template.ipv4-src", "\"10.9.0.2\"");
    assert_err(start(w, params, &diag), ERR_INVALID);
    assert_non_null(strstr(diag.text, "10.9.0.1"));
    params = changed(by_management("t", 10, 1000), "reflectors", "[\"10.9.0.2\", \"10.9.0.2\"]");
    assert_err(start(w, params, &diag), ERR_INVALID);
    params = changed(by_management("t", 10, 1000), "template.udp-src", "50001");
    assert_err(start(w, params, &diag), ERR_BUSY); /* somebody else has the port */
    world_free(w);
}

static void
the_smallest_and_the_largest_frames_are_sent(void **state UNUSED)
{
    static const char *const sizes[] = {"86", "90", "91", "114", "115", "118", "119", "1514"};
    struct world *w = world_new(1);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        const json_t *a = measure(w, changed(in_band("t", 5, 1000), "size", sizes[i]));
        assert_number(a, "size", atoi(sizes[i]));
        assert_number(reflector(a, 0), "round-trip.received", 5);
    }
    world_free(w);
}

/* ---- Too much ---- */

static void
one_test_more_than_can_run_is_refused(void **state UNUSED)
{
    struct world *w = world_new(1);
    char id[16];
    struct diag diag = {""};
    for (unsigned i = 0; i < STAMP_AGENT_MAX_TESTS; i++) {
        snprintf(id, sizeof id, "t-%u", i);
        assert_ok(start(w, in_band(id, 10, 10000), NULL));
    }
    assert_err(start(w, in_band("t-0", 10, 10000), &diag), ERR_EXISTS);
    assert_err(start(w, in_band("more", 10, 10000), &diag), ERR_BUSY);
    world_run(w);
    assert_int_equal(w->done.n, STAMP_AGENT_MAX_TESTS);
    assert_ok(start(w, in_band("more", 10, 10000), &diag));
    world_free(w);
}

static void
more_than_can_be_sent_is_refused(void **state UNUSED)
{
    struct world *w = world_new(1);
    struct diag diag = {""};
    for (char id[] = "1"; id[0] <= '4'; id[0]++)
        assert_ok(start(w, in_band(id, 1000, 200), NULL));
    assert_err(start(w, in_band("5", 1000, 200), &diag), ERR_BUSY);
    assert_non_null(strstr(diag.text, "25000"));
    world_run(w);
    assert_int_equal(w->done.n, 4);
    assert_number(reflector(w->done.answer, 0), "round-trip.received", 1000);
    world_free(w);
}

static void
more_than_can_be_kept_is_refused(void **state UNUSED)
{
    struct world *w = world_new(3);
    struct diag diag = {""};
    assert_ok(start(w, by_management("a", 100000, 1000), NULL));
    assert_ok(start(w, by_management("b", 100000, 1000), NULL));
    assert_ok(start(w, by_management("c", 100000, 1000), NULL));
    assert_err(start(w, by_management("d", 100000, 1000), &diag), ERR_BUSY);
    assert_ok(start(w, in_band("e", 10, 1000), NULL));
    world_free(w);
}

/* ---- Early ends ---- */

static enum err
stop(struct world *w, const char *id)
{
    json_t *params = json_pack("{ss}", "id", id);
    enum err err = stamp_agent_stop(w->nodes[TESTER].agent, params, NULL);
    json_decref(params);
    return err;
}

static void
a_test_can_be_stopped(void **state UNUSED)
{
    struct world *w = world_new(1);
    assert_ok(start(w, in_band("t", 1000, 1000), NULL));
    while (w->nodes[TESTER].n_sent < 20)
        assert_true(world_step(w));
    assert_err(stop(w, "u"), ERR_NOT_FOUND);
    assert_ok(stop(w, "t"));
    assert_int_equal(w->done.n, 1);
    assert_err(w->done.err, ERR_CLOSED);
    assert_null(w->done.answer);
    assert_err(stop(w, "t"), ERR_NOT_FOUND);
    assert_err(stamp_agent_stop(w->nodes[TESTER].agent, NULL, NULL), ERR_INVALID);
    world_run(w); /* the answers that are still on their way are nobody's */
    assert_int_equal(w->nodes[TESTER].n_sent, 20);
    world_free(w);
}

static void
a_test_that_nobody_waits_for_ends(void **state UNUSED)
{
    struct world *w = world_new(1);
    assert_ok(start(w, in_band("t", 1000, 1000), NULL));
    while (w->nodes[TESTER].n_sent < 20)
        assert_true(world_step(w));
    w->nobody_waits = true;
    world_run(w);
    assert_err(w->done.err, ERR_CLOSED);
    assert_int_equal(w->nodes[TESTER].n_sent, 20);
    world_free(w);
}

static void
tests_end_with_the_agent(void **state UNUSED)
{
    struct world *w = world_new(1);
    assert_ok(start(w, in_band("t", 1000, 1000), NULL));
    stamp_agent_free(w->nodes[TESTER].agent);
    w->nodes[TESTER].agent = NULL;
    assert_int_equal(w->done.n, 1);
    assert_err(w->done.err, ERR_CLOSED);
    world_free(w);
}

static void
what_we_cannot_send_is_no_loss_of_the_network(void **state UNUSED)
{
    struct world *w = world_new(1);
    assert_ok(start(w, in_band("t", 1000, 1000), NULL));
    while (w->nodes[TESTER].n_sent < 20)
        assert_true(world_step(w));
    w->nodes[TESTER].send_error = ERR_BUSY;
    world_run(w);
    assert_int_equal(w->done.n, 1);
    assert_err(w->done.err, ERR_BUSY);
    world_free(w);
}

/* ---- Strangers ---- */

/* Waits for the first frame to the node, and gives the agent changed copies of it instead. */
static struct event
first_frame_to(struct world *w, const struct station *to)
{
    for (;;) {
        for (size_t i = 0; i < w->n_events; i++) {
            if (w->events[i].kind == EVENT_FRAME && w->events[i].to == to) {
                struct event e = w->events[i];
                w->events[i] = w->events[--w->n_events];
                return e;
            }
        }
        assert_true(world_step(w));
    }
}

static int64_t
counter(const struct station *n, const char *name)
{
    json_t *status = stamp_agent_status(n->agent);
    int64_t value = json_integer_value(at(status, name));
    json_decref(status);
    return value;
}

static void
give(struct station *n, const uint8_t *frame, size_t size)
{
    uint8_t *exact = xmemdup(frame, size); /* one octet too far is seen */
    stamp_agent_local(n->agent, exact, size, 1, node_wall(n), true);
    free(exact);
}

static void
a_frame_cut_short_is_not_reflected(void **state UNUSED)
{
    struct world *w = world_new(1);
    struct station *n = &w->nodes[1];
    assert_ok(start(w, in_band("t", 1, 1000), NULL));
    struct event e = first_frame_to(w, n);
    for (size_t size = 0; size < e.size; size++)
        give(n, e.octets, size);
    assert_int_equal(n->n_sent, 0);
    assert_int_equal(counter(n, "not-a-test") + counter(n, "malformed"), e.size);
    give(n, e.octets, e.size);
    assert_int_equal(n->n_sent, 1);
    free(e.octets);
    world_free(w);
}

static void
a_frame_with_a_flaw_is_not_reflected(void **state UNUSED)
{
    static const struct {
        size_t offset;
        uint8_t flip;
    } flaws[] = {
        {12, 0x40}, /* Ethertype */
        {14, 0x10}, /* version */
        {14, 0x01}, /* header length */
        {17, 0x04}, /* total length */
        {20, 0x20}, /* more fragments */
        {21, 0x01}, /* fragment offset */
        {23, 0x17}, /* protocol */
        {26, 0x01}, /* an address, so the checksum is wrong */
        {36, 0x01}, /* to another port */
        {39, 0x02}, /* UDP length */
        {41, 0x01}, /* a UDP checksum, a wrong one */
    };
    struct world *w = world_new(1);
    struct station *n = &w->nodes[1];
    assert_ok(start(w, in_band("t", 1, 1000), NULL));
    struct event e = first_frame_to(w, n);
    for (size_t i = 0; i < ARRAY_SIZE(flaws); i++) {
        e.octets[flaws[i].offset] ^= flaws[i].flip;
        give(n, e.octets, e.size);
        e.octets[flaws[i].offset] ^= flaws[i].flip;
        if (n->n_sent)
            fail_msg("octet %zu", flaws[i].offset);
    }
    free(e.octets);
    world_free(w);
}

static void
two_reflectors_do_not_answer_each_other(void **state UNUSED)
{
    struct world *w = world_new(1);
    struct station *n = &w->nodes[1];
    assert_ok(start(w, in_band("t", 1, 1000), NULL));
    struct event e = first_frame_to(w, n);
    put_be16(e.octets + 34, 862); /* the UDP source port, which no checksum covers */
    give(n, e.octets, e.size);
    assert_int_equal(n->n_sent, 0);
    assert_int_equal(counter(n, "not-reflected"), 1);
    free(e.octets);
    world_free(w);
}

static void
an_answer_by_another_is_not_taken(void **state UNUSED)
{
    struct world *w = world_new(1);
    struct station *n = &w->nodes[TESTER];
    assert_ok(start(w, in_band("t", 1, 1000), NULL));
    struct event e = first_frame_to(w, n);
    struct stamp_headers right, wrong[4];
    const uint8_t *payload;
    size_t size;
    assert_ok(stamp_frame_read(e.octets, e.size, &right, &payload, &size));
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        wrong[i] = right;
    wrong[0].ipv4_src++;
    wrong[1].ipv4_dst++;
    wrong[2].udp_src++;
    wrong[3].udp_dst++;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        stamp_frame_write_headers(e.octets, &wrong[i], size);
        give(n, e.octets, e.size);
    }
    stamp_frame_write_headers(e.octets, &right, size);
    stamp_agent_management(n->agent, right.ipv4_src, right.udp_src, right.udp_dst, payload, size,
                           node_wall(n));
    e.octets[42 + 14] ^= 1; /* the SSID */
    give(n, e.octets, e.size);
    e.octets[42 + 14] ^= 1;
    assert_int_equal(counter(n, "answers-taken"), 0);
    give(n, e.octets, e.size);
    assert_int_equal(counter(n, "answers-taken"), 1);
    free(e.octets);
    world_free(w);
}

static void
unknown_tokens_are_ignored(void **state UNUSED)
{
    struct world *w = world_new(1);
    struct station *n = &w->nodes[TESTER];
    assert_ok(start(w, in_band("t", 10, 1000), NULL));
    world_step(w);
    for (uint32_t token = 0; token < 20000; token += 7)
        stamp_agent_transmitted(n->agent, token * 3 + 2, 5);
    stamp_agent_transmitted(n->agent, UINT32_MAX, 5);
    world_run(w);
    assert_number(reflector(w->done.answer, 0), "round-trip.max-ns", 2 * MS);
    world_free(w);
}

TEST_MAIN(cmocka_unit_test(parameters_that_make_no_sense_are_refused),
          cmocka_unit_test(a_group_is_tested_from_our_own_address_only),
          cmocka_unit_test(the_smallest_and_the_largest_frames_are_sent),
          cmocka_unit_test(one_test_more_than_can_run_is_refused),
          cmocka_unit_test(more_than_can_be_sent_is_refused),
          cmocka_unit_test(more_than_can_be_kept_is_refused),
          cmocka_unit_test(a_test_can_be_stopped),
          cmocka_unit_test(a_test_that_nobody_waits_for_ends),
          cmocka_unit_test(tests_end_with_the_agent),
          cmocka_unit_test(what_we_cannot_send_is_no_loss_of_the_network),
          cmocka_unit_test(a_frame_cut_short_is_not_reflected),
          cmocka_unit_test(a_frame_with_a_flaw_is_not_reflected),
          cmocka_unit_test(two_reflectors_do_not_answer_each_other),
          cmocka_unit_test(an_answer_by_another_is_not_taken),
          cmocka_unit_test(unknown_tokens_are_ignored))
