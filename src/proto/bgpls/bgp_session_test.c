#include "proto/bgpls/bgp_session.h"

#include "proto/bgpls/testing.h"

#define SEC NSEC_PER_SEC
#define MARKER "ffffffffffffffffffffffffffffffff"

/* What gobgpd 3.10 and ExaBGP 4.2.21 send: OPEN with KEEPALIVE, and End-of-RIB. */
static const char gobgp_open[] = MARKER
    "0043 01 04 fde8 005a 0a000064 26 02 24 0200 4904 02766d00 0104 4004 0047"
    "4104 0000fde8 4006 0014 4004 4700 0506 4004 0047 0002" MARKER "0013 04";
/* The same with the N bit (RFC 8538). */
static const char notifying_open[] = MARKER
    "0043 01 04 fde8 005a 0a000064 26 02 24 0200 4904 02766d00 0104 4004 0047"
    "4104 0000fde8 4006 4014 4004 4700 0506 4004 0047 0002" MARKER "0013 04";
static const char gobgp_end[] = MARKER "001d 02 0000 0006 800f 03 4004 47";
static const char exabgp_open[] = MARKER
    "003b 01 04 fde9 00b4 0a0000c8 1e 02 06 0104 4004 0047 02 06 4104 0000fde9"
    "02 08 4006 803c 4004 4780 02 02 0600" MARKER "0013 04";
static const char exabgp_end[] = MARKER "001e 02 0000 0007 900f 0003 4004 47";

static const struct bgp_session_config config_a = {.local_as = 65000, .identifier = 0x0a000001};
static const struct bgp_session_config config_b = {.local_as = 65000, .identifier = 0x0a000002};

static void
give_hex(struct bgp_session *s, const char *hex, nsec_t now)
{
    size_t size;
    uint8_t *octets = hex_bytes(hex, &size);
    bgp_session_input(s, octets, size, now);
    free(octets);
}

static void
carry(struct bgp_session *from, struct bgp_session *to, nsec_t now)
{
    struct buf *out = bgp_session_output(from);
    bgp_session_input(to, out->data, out->size, now);
    buf_clear(out);
}

static void
expect(struct bgp_session *s, struct bgp_event *event, enum bgp_event_kind kind)
{
    assert_true(bgp_session_next(s, event));
    assert_int_equal(event->kind, kind);
}

static void
expect_nothing(struct bgp_session *s)
{
    struct bgp_event event;
    assert_false(bgp_session_next(s, &event));
}

/* The last message in the output is a NOTIFICATION of this. */
static void
expect_sent(struct bgp_session *s, const char *hex)
{
    size_t size;
    uint8_t *octets = hex_bytes(hex, &size);
    struct buf *out = bgp_session_output(s);
    assert_true(out->size >= size);
    assert_memory_equal(out->data + out->size - size, octets, size);
    free(octets);
}

static void
expect_down(struct bgp_session *s, struct bgp_event *event, enum err err, const char *why)
{
    expect(s, event, BGP_EVENT_DOWN);
    assert_err(event->err, err);
    assert_string_equal(event->diag.text, why);
    expect_nothing(s);
}

static struct bgp_session *
met(const char *open_hex, const struct bgp_session_config *config)
{
    struct bgp_session *s = bgp_session_new(config, 0);
    struct bgp_event event;
    give_hex(s, open_hex, 0);
    expect(s, &event, BGP_EVENT_OPENED);
    expect(s, &event, BGP_EVENT_UP);
    expect_nothing(s);
    buf_clear(bgp_session_output(s));
    return s;
}

static void
check_open(const char *hex, const char *text)
{
    struct bgp_session *s = met(hex, &config_a);
    struct buf out = BUF_INIT;
    bgp_open_print(bgp_session_peer(s), &out);
    assert_string_equal(buf_cstr(&out), text);
    buf_fini(&out);
    bgp_session_free(s);
}

static void
understands_what_others_offer(void **state UNUSED)
{
    check_open(gobgp_open, "AS 65000, identifier 10.0.0.100, hold time 90 s, link state, "
                           "four-octet AS, route refresh, graceful restart 20 s link state");
    check_open(exabgp_open,
               "AS 65001, identifier 10.0.0.200, hold time 180 s, link state, four-octet AS, "
               "extended messages, graceful restart 60 s restarting link state preserved");
}

static void
end_of_rib_of_others(void **state UNUSED)
{
    struct bgp_session *s = met(gobgp_open, &config_a);
    struct bgp_event event;
    give_hex(s, gobgp_end, 0);
    expect(s, &event, BGP_EVENT_UPDATE);
    assert_true(event.update.end_of_rib);
    give_hex(s, exabgp_end, 0);
    expect(s, &event, BGP_EVENT_UPDATE);
    assert_true(event.update.end_of_rib);
    bgp_session_free(s);
}

static void
says_what_it_can(void **state UNUSED)
{
    struct bgp_session *s = bgp_session_new(&config_a, 0);
    expect_sent(s,
                MARKER "0035 01 04 fde8 005a 0a000001 18 02 16 0104 4004 0047 0200 0600 4002 4000"
                       "4104 0000fde8 4600");
    bgp_session_free(s);
    struct bgp_session_config config = {.local_as = 4200000000,
                                        .identifier = 1,
                                        .hold_time = 30 * SEC,
                                        .no_graceful_restart = true,
                                        .no_route_refresh = true,
                                        .no_extended_messages = true};
    s = bgp_session_new(&config, 0);
    expect_sent(s, MARKER "002b 01 04 5ba0 001e 00000001 0e 02 0c 0104 4004 0047 4104 fa56ea00");
    bgp_session_free(s);
}

static void
two_of_us_exchange_updates(void **state UNUSED)
{
    struct bgp_session *a = bgp_session_new(&config_a, 0), *b = bgp_session_new(&config_b, 0);
    struct buf nlri = test_encode(test_link_nlri(1, 2)), name = test_name("x");
    struct bgp_event event;
    assert_err(bgp_session_end_of_rib(a), ERR_BUSY);
    carry(a, b, 0);
    expect(b, &event, BGP_EVENT_OPENED);
    carry(b, a, 0);
    expect(a, &event, BGP_EVENT_OPENED);
    expect(a, &event, BGP_EVENT_UP);
    carry(a, b, 0);
    expect(b, &event, BGP_EVENT_UP);
    struct bgp_span key = {nlri.data, nlri.size};
    assert_ok(bgp_session_announce(a, key, (struct bgp_span){name.data, name.size}));
    assert_ok(bgp_session_withdraw(a, key));
    assert_ok(bgp_session_end_of_rib(a));
    assert_ok(bgp_session_refresh(a));
    carry(a, b, 0);
    expect(b, &event, BGP_EVENT_UPDATE);
    assert_int_equal(event.update.verdict, BGP_ACCEPT);
    assert_int_equal(event.update.reach.size, nlri.size);
    assert_memory_equal(event.update.link_state.data, name.data, name.size);
    expect(b, &event, BGP_EVENT_UPDATE);
    assert_int_equal(event.update.unreach.size, nlri.size);
    expect(b, &event, BGP_EVENT_UPDATE);
    assert_true(event.update.end_of_rib);
    expect(b, &event, BGP_EVENT_REFRESH);
    assert_int_equal(event.refresh, BGP_REFRESH_REQUEST);
    expect_nothing(b);
    bgp_session_shutdown(a, BGP_ERR_CEASE, BGP_CEASE_SHUTDOWN, "new line cards");
    expect_down(a, &event, ERR_CLOSED,
                "sent NOTIFICATION Cease: Administrative Shutdown (\"new line cards\")");
    carry(a, b, 0);
    expect_down(b, &event, ERR_CLOSED,
                "received NOTIFICATION Cease: Administrative Shutdown (\"new line cards\")");
    assert_err(bgp_session_announce(b, key, (struct bgp_span){NULL, 0}), ERR_CLOSED);
    buf_fini(&nlri);
    buf_fini(&name);
    bgp_session_free(a);
    bgp_session_free(b);
}

static void
many_nlri_are_cut_into_messages(void **state UNUSED)
{
    struct bgp_session *s = met(gobgp_open, &config_a); /* without extended messages */
    struct buf all = BUF_INIT;
    size_t size, n = 0;
    struct bgp_error error;
    for (uint32_t i = 0; i < 200; i++) {
        struct buf one = test_encode(test_link_nlri(i, i + 1));
        buf_put(&all, one.data, one.size);
        buf_fini(&one);
    }
    assert_ok(
        bgp_session_announce(s, (struct bgp_span){all.data, all.size}, (struct bgp_span){NULL, 0}));
    struct buf *out = bgp_session_output(s);
    for (size_t at = 0; at < out->size; at += size, n++)
        assert_ok(bgp_frame(out->data + at, out->size - at, BGP_SIZE_MAX, &size, &error));
    assert_int_equal(n, 6);
    assert_err(bgp_session_announce(s, (struct bgp_span){all.data, all.size - 1},
                                    (struct bgp_span){NULL, 0}),
               ERR_MALFORMED);
    uint8_t large[4090] = {0};
    assert_err(bgp_session_announce(s, (struct bgp_span){all.data, 101},
                                    (struct bgp_span){large, sizeof large}),
               ERR_LIMIT);
    buf_fini(&all);
    bgp_session_free(s);
}

static void
check_refused_open(const char *hex, const char *notification, enum err err, const char *why)
{
    struct bgp_session_config config = config_a;
    struct bgp_event event;
    config.remote_as = 65000;
    struct bgp_session *s = bgp_session_new(&config, 0);
    give_hex(s, hex, 0);
    expect_down(s, &event, err, why);
    expect_sent(s, notification);
    assert_false(event.graceful);
    bgp_session_free(s);
}

static void
an_open_that_is_not_acceptable_is_told_why(void **state UNUSED)
{
    check_refused_open(MARKER "001d 01 03 fde8 005a 0a000064 00", MARKER "0017 03 02 01 0004",
                       ERR_MALFORMED,
                       "sent NOTIFICATION OPEN Message Error: Unsupported Version Number");
    check_refused_open(exabgp_open, MARKER "0015 03 02 02", ERR_MALFORMED,
                       "sent NOTIFICATION OPEN Message Error: Bad Peer AS");
    check_refused_open(MARKER "001d 01 04 fde8 005a 00000000 00", MARKER "0015 03 02 03",
                       ERR_MALFORMED, "sent NOTIFICATION OPEN Message Error: Bad BGP Identifier");
    check_refused_open(MARKER "0025 01 04 fde8 005a 0a000001 08 02 06 0104 4004 0047",
                       MARKER "0015 03 02 03", ERR_MALFORMED,
                       "sent NOTIFICATION OPEN Message Error: Bad BGP Identifier");
    check_refused_open(MARKER "0020 01 04 fde8 005a 0a000064 03 01 01 00", MARKER "0015 03 02 04",
                       ERR_MALFORMED,
                       "sent NOTIFICATION OPEN Message Error: Unsupported Optional Parameter");
    check_refused_open(MARKER "001d 01 04 fde8 0002 0a000064 00", MARKER "0015 03 02 06",
                       ERR_MALFORMED,
                       "sent NOTIFICATION OPEN Message Error: Unacceptable Hold Time");
    check_refused_open(MARKER "001d 01 04 fde8 005a 0a000064 00",
                       MARKER "001b 03 02 07 0104 4004 0047", ERR_UNSUPPORTED,
                       "sent NOTIFICATION OPEN Message Error: Unsupported Capability");
    check_refused_open(MARKER "0025 01 04 fde8 005a 0a000064 08 02 06 0105 4004 0047",
                       MARKER "0015 03 02 00", ERR_MALFORMED,
                       "sent NOTIFICATION OPEN Message Error");
}

static void
parameters_may_be_of_the_long_form(void **state UNUSED)
{
    struct bgp_session *s = bgp_session_new(&config_a, 0);
    struct bgp_event event;
    give_hex(s, MARKER "0029 01 04 fde8 005a 0a000064 ff ff 0009 02 0006 0104 4004 0047", 0);
    expect(s, &event, BGP_EVENT_OPENED);
    bgp_session_free(s);
}

static void
check_bad(const char *hex, const char *notification)
{
    struct bgp_session *s = met(gobgp_open, &config_a);
    struct bgp_event event;
    give_hex(s, hex, 0);
    expect(s, &event, BGP_EVENT_DOWN);
    expect_sent(s, notification);
    bgp_session_free(s);
}

static void
what_breaks_the_rules_is_answered_by_its_code(void **state UNUSED)
{
    check_bad("ffffffff00", MARKER "0015 03 01 01");
    check_bad(MARKER "0012 04", MARKER "0017 03 01 02 0012");
    check_bad(MARKER "0014 04 00", MARKER "0017 03 01 02 0014");
    check_bad(MARKER "0016 02 000000", MARKER "0017 03 01 02 0016");
    check_bad(MARKER "0013 06", MARKER "0016 03 01 03 06");
    check_bad(MARKER "0017 02 0001 0000", MARKER "0015 03 03 01");
    check_bad(gobgp_open, MARKER "0016 03 05 03 01");
    check_bad(MARKER "0018 05 4004 01 47 00",
              MARKER "002d 03 07 01" MARKER "0018 05 4004 01 47 00");
}

static void
messages_are_longer_if_that_was_offered(void **state UNUSED)
{
    static uint8_t update[5000] = {[16] = 5000 >> 8, [17] = 5000 & 255, [18] = BGP_UPDATE};
    struct bgp_session_config config = config_a;
    struct bgp_event event;
    size_t size = sizeof update - 27;
    memset(update, 0xff, 16);
    put_be16(update + 21, (uint16_t)(size + 4));
    memcpy(update + 23, "\x90\x63", 2); /* an attribute that nobody knows */
    put_be16(update + 25, (uint16_t)size);
    for (int offered = 0; offered < 2; offered++) {
        config.no_extended_messages = !offered;
        struct bgp_session *s = met(gobgp_open, &config); /* which need not be able to read them */
        bgp_session_input(s, update, sizeof update, 0);
        expect(s, &event, offered ? BGP_EVENT_UPDATE : BGP_EVENT_DOWN);
        if (!offered)
            expect_sent(s, MARKER "0017 03 01 02 1388");
        bgp_session_free(s);
    }
}

static void
without_a_hold_time_opening_still_ends(void **state UNUSED)
{
    struct bgp_session_config config = config_a;
    struct bgp_event event;
    config.hold_time = NSEC_NEVER;
    struct bgp_session *s = bgp_session_new(&config, 0);
    give_hex(s, MARKER "0025 01 04 fde8 005a 0a000064 08 02 06 0104 4004 0047", 0);
    expect(s, &event, BGP_EVENT_OPENED);
    assert_true(bgp_session_deadline(s) == 240 * SEC);
    give_hex(s, MARKER "0013 04", 0);
    expect(s, &event, BGP_EVENT_UP);
    assert_true(bgp_session_deadline(s) == NSEC_NEVER);
    assert_true(bgp_session_hold_time(s) == 0);
    bgp_session_free(s);
}

static void
updates_before_it_is_established_are_an_error(void **state UNUSED)
{
    struct bgp_session *s = bgp_session_new(&config_a, 0);
    struct bgp_event event;
    give_hex(s, gobgp_end, 0);
    expect(s, &event, BGP_EVENT_DOWN);
    expect_sent(s, MARKER "0016 03 05 01 02");
    bgp_session_free(s);
}

static void
refreshes_of_others_are_ignored(void **state UNUSED)
{
    struct bgp_session *s = met(gobgp_open, &config_a);
    struct bgp_event event;
    give_hex(s, MARKER "0017 05 0001 00 01" MARKER "0017 05 4004 07 47", 0);
    expect_nothing(s);
    give_hex(s, MARKER "0017 05 4004 01 47", 0);
    expect(s, &event, BGP_EVENT_REFRESH);
    assert_int_equal(event.refresh, BGP_REFRESH_BEGIN);
    assert_int_equal(bgp_session_stats(s)->ignored_refreshes, 2);
    bgp_session_free(s);
}

static void
keeps_alive_and_gives_up(void **state UNUSED)
{
    struct bgp_session *s = met(notifying_open, &config_a);
    struct bgp_event event;
    nsec_t now = 0;
    unsigned n = 0;
    while (bgp_session_state(s) == BGP_ESTABLISHED) {
        nsec_t at = bgp_session_deadline(s);
        assert_true(at > now);
        now = at;
        bgp_session_tick(s, now);
        n++;
    }
    assert_true(n >= 4 && n <= 6);
    assert_true(now == 90 * SEC);
    expect_down(s, &event, ERR_TIMEOUT, "sent NOTIFICATION Hold Timer Expired");
    expect_sent(s, MARKER "0015 03 04 00");
    assert_true(event.graceful); /* both have the N bit */
    assert_true(event.restart_time == 20 * SEC);
    bgp_session_free(s);
}

static void
an_open_that_does_not_come_ends_it(void **state UNUSED)
{
    struct bgp_session *s = bgp_session_new(&config_a, 5 * SEC);
    struct bgp_event event;
    assert_true(bgp_session_deadline(s) == 245 * SEC);
    bgp_session_tick(s, 245 * SEC);
    expect_down(s, &event, ERR_TIMEOUT, "sent NOTIFICATION Hold Timer Expired");
    bgp_session_free(s);
}

static bool
is_kept(const char *open_hex, const char *last)
{
    struct bgp_session *s = met(open_hex, &config_a);
    struct bgp_event event;
    if (last)
        give_hex(s, last, 0);
    else
        bgp_session_lost(s, ERR_CLOSED, "gone");
    expect(s, &event, BGP_EVENT_DOWN);
    bgp_session_free(s);
    return event.graceful;
}

static void
what_was_learnt_is_kept_as_agreed(void **state UNUSED)
{
    assert_true(is_kept(gobgp_open, NULL));
    assert_true(is_kept(exabgp_open, NULL));
    assert_true(is_kept(notifying_open, MARKER "0015 03 06 04"));  /* N bit */
    assert_false(is_kept(notifying_open, MARKER "0015 03 06 09")); /* hard reset */
    assert_false(is_kept(exabgp_open, MARKER "0015 03 06 04"));    /* no N bit */
    assert_false(is_kept(
        MARKER "0025 01 04 fde8 005a 0a000064 08 02 06 0104 4004 0047" MARKER "0013 04", NULL));
}

static void
one_of_two_connections_loses(void **state UNUSED)
{
    struct bgp_open peer = {.as = 65000, .identifier = 2};
    assert_true(bgp_collision_loses(1, 65000, &peer, true));
    assert_false(bgp_collision_loses(1, 65000, &peer, false));
    assert_true(bgp_collision_loses(3, 65000, &peer, false));
    assert_true(bgp_collision_loses(2, 64999, &peer, true)); /* RFC 6286: the higher AS */
}

static void
words_of_an_operator_are_cut_and_made_safe(void **state UNUSED)
{
    struct bgp_error error;
    char text[BGP_COMMUNICATION_TEXT], words[400];
    memset(words, 'a', sizeof words);
    memcpy(words + 254, "\xc3\xa4", 2); /* does not fit, and is not cut in two */
    words[399] = '\0';
    (void)bgp_error_set(&error, BGP_ERR_CEASE, BGP_CEASE_SHUTDOWN, NULL, 0);
    bgp_error_set_communication(&error, words);
    assert_int_equal(error.data[0], 254);
    assert_int_equal(strlen(bgp_error_communication(&error, text)), 254);
    (void)bgp_error_set(&error, BGP_ERR_CEASE, BGP_CEASE_RESET, "\3a\n\"", 4);
    assert_string_equal(bgp_error_communication(&error, text), "a\\012\\042");
    (void)bgp_error_set(&error, BGP_ERR_CEASE, BGP_CEASE_RESET, "\4a", 2);
    assert_string_equal(bgp_error_communication(&error, text), "");
}

static void
survives_truncation_at_every_octet(void **state UNUSED)
{
    size_t whole;
    uint8_t *octets = hex_bytes(exabgp_open, &whole);
    for (size_t size = 1; size < whole; size++) {
        struct bgp_open open;
        struct bgp_error error;
        struct bgp_session *s = bgp_session_new(&config_a, 0);
        struct bgp_event event;
        bgp_session_input(s, octets, size, 0);
        assert_int_equal(bgp_session_next(s, &event), size >= 59); /* OPEN is whole */
        bgp_session_free(s);
        if (size < 19 || size >= 59)
            continue;
        uint8_t *copy = malloc(size - 18);
        memcpy(copy, octets + 19, size - 19);
        assert_err(bgp_open_decode(copy, size - 19, &open, &error), ERR_MALFORMED);
        free(copy);
    }
    free(octets);
}

static void
octet_by_octet_is_the_same(void **state UNUSED)
{
    struct bgp_session *s = bgp_session_new(&config_a, 0);
    struct bgp_event event;
    size_t size, n = 0;
    uint8_t *octets = hex_bytes(gobgp_open, &size);
    for (size_t i = 0; i < size; i++) {
        bgp_session_input(s, octets + i, 1, 0);
        while (bgp_session_next(s, &event))
            n++;
    }
    assert_int_equal(n, 2);
    assert_int_equal(bgp_session_state(s), BGP_ESTABLISHED);
    free(octets);
    bgp_session_free(s);
}

static void
a_peer_that_does_not_read_is_given_up(void **state UNUSED)
{
    struct bgp_session_config config = config_a;
    struct bgp_event event;
    config.output_limit = 128;
    struct bgp_session *s = met(gobgp_open, &config);
    nsec_t now = 0;
    while (bgp_session_state(s) == BGP_ESTABLISHED) {
        give_hex(s, MARKER "0013 04", now);
        expect_nothing(s);
        if (bgp_session_state(s) == BGP_ESTABLISHED)
            bgp_session_tick(s, now = bgp_session_deadline(s));
    }
    expect_down(s, &event, ERR_LIMIT, "the peer does not read what it is sent");
    assert_false(event.graceful);
    bgp_session_free(s);
}

TEST_MAIN(cmocka_unit_test(understands_what_others_offer), cmocka_unit_test(end_of_rib_of_others),
          cmocka_unit_test(says_what_it_can), cmocka_unit_test(two_of_us_exchange_updates),
          cmocka_unit_test(many_nlri_are_cut_into_messages),
          cmocka_unit_test(an_open_that_is_not_acceptable_is_told_why),
          cmocka_unit_test(parameters_may_be_of_the_long_form),
          cmocka_unit_test(what_breaks_the_rules_is_answered_by_its_code),
          cmocka_unit_test(messages_are_longer_if_that_was_offered),
          cmocka_unit_test(without_a_hold_time_opening_still_ends),
          cmocka_unit_test(updates_before_it_is_established_are_an_error),
          cmocka_unit_test(refreshes_of_others_are_ignored),
          cmocka_unit_test(keeps_alive_and_gives_up),
          cmocka_unit_test(an_open_that_does_not_come_ends_it),
          cmocka_unit_test(what_was_learnt_is_kept_as_agreed),
          cmocka_unit_test(one_of_two_connections_loses),
          cmocka_unit_test(words_of_an_operator_are_cut_and_made_safe),
          cmocka_unit_test(survives_truncation_at_every_octet),
          cmocka_unit_test(octet_by_octet_is_the_same),
          cmocka_unit_test(a_peer_that_does_not_read_is_given_up))
