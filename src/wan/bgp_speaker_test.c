/* Speakers on loopback, with each other and with peers made of octets. */
#include "wan/bgp_speaker.h"

#include "io/clock.h"
#include "io/testing.h"
#include "proto/bgpls/testing.h"

#define SECOND NSEC_PER_SEC
#define MARKER "ffffffffffffffffffffffffffffffff"
/* Of 10.0.0.200, AS 65000: with graceful restart of link state, 60 s; without. */
static const char graceful_open[] = MARKER
    "0033 01 04 fde8 005a 0a0000c8 16 02 14 0104 4004 0047 4104 0000fde8 4006 003c 4004 4780" MARKER
    "0013 04";
static const char plain_open[] = MARKER
    "002b 01 04 fde8 005a 0a0000c8 0e 02 0c 0104 4004 0047 4104 0000fde8" MARKER "0013 04";

/* One speaker, and what it told. */
struct end {
    struct bgp_speaker *speaker;
    struct bgp_peer *peer;
    unsigned n_up, n_down, n_kept, n_complete, n_refresh, n_notes;
    unsigned changes[8];
    char why[320], note[320];
};

/* A peer made of octets. */
struct raw {
    struct stream *stream;
    struct buf got;
    bool opened, closed;
};

#define MAX_RAWS 16

struct fixture {
    uv_loop_t *loop;
    struct end a, b;
    struct raw raws[MAX_RAWS];
    unsigned n_raws;
};

static void
on_changed(void *arg, struct bgp_peer *peer UNUSED, const struct bgpls_change *change)
{
    ((struct end *)arg)->changes[change->kind]++;
}

static void
on_up(void *arg, struct bgp_peer *peer, const struct bgp_open *open UNUSED)
{
    struct end *end = arg;
    end->n_up++;
    end->peer = peer;
}

static void
on_down(void *arg, struct bgp_peer *peer UNUSED, bool kept, const char *why)
{
    struct end *end = arg;
    end->n_down++;
    end->n_kept += kept;
    snprintf(end->why, sizeof end->why, "%s", why);
}

static void
on_complete(void *arg, struct bgp_peer *peer UNUSED)
{
    ((struct end *)arg)->n_complete++;
}

static void
on_refresh(void *arg, struct bgp_peer *peer UNUSED)
{
    ((struct end *)arg)->n_refresh++;
}

static void
on_note(void *arg, struct bgp_peer *peer UNUSED, const char *text)
{
    struct end *end = arg;
    end->n_notes++;
    snprintf(end->note, sizeof end->note, "%s", text);
}

static const struct bgp_speaker_handler handler = {on_changed,  on_up,      on_down,
                                                   on_complete, on_refresh, on_note};

static void
start(struct fixture *f, struct end *end, const char *listen, uint32_t identifier)
{
    struct diag diag;
    struct bgp_speaker_config config = {
        .listen = listen, .local_as = 65000, .identifier = identifier};
    assert_ok(bgp_speaker_new(f->loop, &config, &handler, end, &end->speaker, &diag));
}

static uint16_t
port_of(const struct end *end)
{
    return (uint16_t)atoi(strrchr(bgp_speaker_address(end->speaker), ':') + 1);
}

static void
add_peer(struct end *end, const char *address, uint16_t port)
{
    struct diag diag;
    struct bgp_peer_config config = {.address = address, .port = port, .remote_as = 65000};
    assert_ok(bgp_speaker_add(end->speaker, &config, &end->peer, &diag));
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->loop = test_loop_new();
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < f->n_raws; i++) {
        stream_free(f->raws[i].stream);
        buf_fini(&f->raws[i].got);
    }
    bgp_speaker_free(f->a.speaker, NULL);
    bgp_speaker_free(f->b.speaker, NULL);
    test_loop_free(f->loop);
    free(f);
    return 0;
}

/* B connects to A. */
static void
meet(struct fixture *f)
{
    start(f, &f->a, "127.0.0.1:0", 1);
    start(f, &f->b, NULL, 2);
    add_peer(&f->a, "127.0.0.1", 0);
    add_peer(&f->b, "127.0.0.1", port_of(&f->a));
    RUN_UNTIL(f->loop, f->a.n_up && f->b.n_up);
}

static void
announce_one(struct end *end)
{
    struct buf nlri = test_encode(test_node_nlri(1)), name = test_name("x");
    assert_ok(bgp_peer_announce(end->peer, (struct bgp_span){nlri.data, nlri.size},
                                (struct bgp_span){name.data, name.size}));
    buf_fini(&nlri);
    buf_fini(&name);
}

static void
tells_what_the_peer_tells(void **state)
{
    struct fixture *f = *state;
    meet(f);
    assert_true(bgp_peer_is_up(f->a.peer));
    announce_one(&f->b);
    assert_ok(bgp_peer_end_of_rib(f->b.peer));
    assert_ok(bgp_peer_ask_again(f->b.peer));
    RUN_UNTIL(f->loop, f->a.n_complete && f->a.n_refresh);
    assert_int_equal(f->a.changes[BGPLS_ADDED], 1);
    bgp_speaker_free(f->b.speaker, "new line cards");
    f->b.speaker = NULL;
    RUN_UNTIL(f->loop, f->a.n_down);
    assert_string_equal(
        f->a.why, "received NOTIFICATION Cease: Administrative Shutdown (\"new line cards\")");
    assert_int_equal(f->a.changes[BGPLS_WITHDRAWN], 1);
    assert_err(bgp_peer_end_of_rib(f->a.peer), ERR_CLOSED);
}

static void
says_how_it_stands_with_a_peer(void **state)
{
    struct fixture *f = *state;
    struct bgp_peer_status status;
    start(f, &f->a, "127.0.0.1:0", 1);
    add_peer(&f->a, "127.0.0.1", 0);
    bgp_peer_status(f->a.peer, &status);
    assert_string_equal(status.state, "Active");
    start(f, &f->b, NULL, 2);
    add_peer(&f->b, "127.0.0.1", port_of(&f->a));
    RUN_UNTIL(f->loop, f->a.n_up && f->b.n_up);
    announce_one(&f->b);
    assert_ok(bgp_peer_end_of_rib(f->b.peer));
    RUN_UNTIL(f->loop, f->a.n_complete);
    bgp_peer_status(f->a.peer, &status);
    assert_string_equal(status.state, "Established");
    assert_true(status.up && status.complete);
    assert_int_equal(status.as, 65000);
    assert_int_equal(status.identifier, 2);
    assert_int_equal(status.table.n, 1);
    assert_int_equal(status.messages.rx_messages[BGP_UPDATE], 2);
    bgp_peer_reset(f->b.peer, "again");
    RUN_UNTIL(f->loop, f->a.n_up == 2);
    bgp_peer_status(f->a.peer, &status);
    assert_int_equal(status.n_sessions, 2);
    assert_int_equal(status.messages.rx_messages[BGP_OPEN], 2);
    assert_string_equal(status.why,
                        "received NOTIFICATION Cease: Administrative Reset (\"again\")");
}

static void
speaks_over_ipv6(void **state)
{
    struct fixture *f = *state;
    struct diag diag;
    struct bgp_speaker_config config = {.listen = "[::1]:0", .local_as = 65000, .identifier = 1};
    if (bgp_speaker_new(f->loop, &config, &handler, &f->a, &f->a.speaker, &diag)) {
        print_message("SKIPPED: no IPv6 here: %s\n", diag.text);
        skip();
    }
    start(f, &f->b, NULL, 2);
    add_peer(&f->a, "::1", 0);
    add_peer(&f->b, "0:0::1", port_of(&f->a));
    RUN_UNTIL(f->loop, f->a.n_up && f->b.n_up);
}

static void
both_connect_and_one_connection_stays(void **state)
{
    struct fixture *f = *state;
    start(f, &f->a, "127.0.0.1:0", 1);
    start(f, &f->b, "127.0.0.1:0", 2);
    add_peer(&f->a, "127.0.0.1", port_of(&f->b));
    add_peer(&f->b, "127.0.0.1", port_of(&f->a));
    RUN_UNTIL(f->loop, f->a.n_up && f->b.n_up);
    run_turns(f->loop, 50);
    assert_true(bgp_peer_is_up(f->a.peer) && bgp_peer_is_up(f->b.peer));
    assert_int_equal(f->a.n_down + f->b.n_down, 0);
    announce_one(&f->a);
    announce_one(&f->b);
    RUN_UNTIL(f->loop, f->a.changes[BGPLS_ADDED] && f->b.changes[BGPLS_ADDED]);
}

static void
comes_up_again_after_a_reset(void **state)
{
    struct fixture *f = *state;
    meet(f);
    bgp_peer_reset(f->a.peer, "try again");
    RUN_UNTIL(f->loop, f->a.n_up == 2 && f->b.n_up == 2);
    assert_string_equal(f->b.why,
                        "received NOTIFICATION Cease: Administrative Reset (\"try again\")");
}

/* ---- peers made of octets */

static void
raw_opened(void *arg, struct stream *stream UNUSED)
{
    ((struct raw *)arg)->opened = true;
}

static void
raw_received(void *arg, struct stream *stream UNUSED, const uint8_t *data, size_t size)
{
    buf_put(&((struct raw *)arg)->got, data, size);
}

static void
raw_closed(void *arg, struct stream *stream UNUSED, enum err err UNUSED, const char *why UNUSED)
{
    ((struct raw *)arg)->closed = true;
}

static const struct stream_handler raw_handler = {
    .opened = raw_opened, .received = raw_received, .closed = raw_closed};

static struct raw *
raw_start(struct fixture *f, const char *hex)
{
    struct diag diag;
    struct stream_config config = {.address = bgp_speaker_address(f->a.speaker)};
    struct raw *raw = &f->raws[f->n_raws++];
    size_t size;
    uint8_t *octets = hex_bytes(hex, &size);
    assert_ok(stream_connect(f->loop, &config, &raw_handler, raw, &raw->stream, &diag));
    if (size)
        assert_ok(stream_send(raw->stream, octets, size));
    free(octets);
    return raw;
}

static void
raw_end(struct raw *raw)
{
    stream_free(raw->stream);
    raw->stream = NULL;
}

static bool
raw_ends_with(const struct raw *raw, const char *hex)
{
    size_t size;
    uint8_t *octets = hex_bytes(hex, &size);
    bool does = raw->got.size >= size &&
                memcmp(raw->got.data + raw->got.size - size, octets, size) == 0;
    free(octets);
    return does;
}

static void
strangers_are_turned_away(void **state)
{
    struct fixture *f = *state;
    start(f, &f->a, "127.0.0.1:0", 1);
    add_peer(&f->a, "10.0.0.9", 0);
    struct raw *raw = raw_start(f, plain_open);
    RUN_UNTIL(f->loop, raw->closed);
    assert_true(raw_ends_with(raw, MARKER "0015 03 06 05"));
    assert_int_equal(f->a.n_notes, 1);
    raw_end(raw);
}

static void
a_flood_of_faults_is_not_a_flood_in_the_log(void **state)
{
    struct fixture *f = *state;
    struct buf flood = BUF_INIT;
    size_t size;
    start(f, &f->a, "127.0.0.1:0", 1);
    add_peer(&f->a, "127.0.0.1", 0);
    struct raw *raw = raw_start(f, plain_open);
    RUN_UNTIL(f->loop, f->a.n_up);
    /* An NLRI whose ORIGIN is wrong, and which is short of all other attributes. */
    uint8_t *octets = hex_bytes(MARKER
                                "002c 02 0000 0015 800e 0e 4004 47 04 0a000001 00 0063 0001 aa"
                                "4001 01 09",
                                &size);
    for (int i = 0; i < 1000; i++)
        buf_put(&flood, octets, size);
    free(octets);
    assert_ok(stream_send(raw->stream, flood.data, flood.size));
    buf_fini(&flood);
    RUN_UNTIL(f->loop, bgp_session_stats(bgp_peer_session(f->a.peer))->withdrawn == 1000);
    assert_true(f->a.n_notes >= 16 && f->a.n_notes < 100);
    assert_true(bgp_peer_is_up(f->a.peer));
}

static void
garbage_is_answered_and_held_back(void **state)
{
    struct fixture *f = *state;
    start(f, &f->a, "127.0.0.1:0", 1);
    add_peer(&f->a, "127.0.0.1", 0);
    struct raw *raw = raw_start(f, "474554202f20485454502f312e310d0a0d0a");
    RUN_UNTIL(f->loop, raw->closed);
    assert_true(raw_ends_with(raw, MARKER "0015 03 01 01"));
    assert_string_equal(f->a.note,
                        "sent NOTIFICATION Message Header Error: Connection Not Synchronized");
    raw_end(raw);
    raw = raw_start(f, plain_open);
    RUN_UNTIL(f->loop, raw->closed);
    assert_true(raw_ends_with(raw, MARKER "0015 03 06 05"));
    raw_end(raw);
    nsec_t since = clock_monotonic();
    while (clock_monotonic() - since < SECOND) /* as long as the first hold is */
        uv_run(f->loop, UV_RUN_NOWAIT);
    raw = raw_start(f, plain_open);
    RUN_UNTIL(f->loop, f->a.n_up);
    raw_end(raw);
    RUN_UNTIL(f->loop, f->a.n_down);
}

static void
a_peer_that_restarts_unnoticed_takes_its_place_again(void **state)
{
    struct fixture *f = *state;
    start(f, &f->a, "127.0.0.1:0", 1);
    add_peer(&f->a, "127.0.0.1", 0);
    struct raw *first = raw_start(f, graceful_open);
    RUN_UNTIL(f->loop, f->a.n_up == 1);
    struct raw *second = raw_start(f, graceful_open);
    RUN_UNTIL(f->loop, f->a.n_up == 2);
    assert_int_equal(f->a.n_down, 1);
    assert_int_equal(f->a.n_kept, 1);
    assert_string_equal(f->a.why, "the peer has connected anew");
    raw_end(first);
    raw_end(second);
}

static void
without_graceful_restart_the_established_one_stays(void **state)
{
    struct fixture *f = *state;
    start(f, &f->a, "127.0.0.1:0", 1);
    add_peer(&f->a, "127.0.0.1", 0);
    struct raw *first = raw_start(f, plain_open);
    RUN_UNTIL(f->loop, f->a.n_up == 1);
    struct raw *second = raw_start(f, plain_open);
    RUN_UNTIL(f->loop, second->closed);
    assert_true(raw_ends_with(second, MARKER "0015 03 06 07"));
    assert_int_equal(f->a.n_down, 0);
    raw_end(first);
    raw_end(second);
}

/* Many connections that say nothing take the places of each other, not of the one that counts. */
static void
silent_connections_are_few(void **state)
{
    struct fixture *f = *state;
    struct raw *silent[12];
    start(f, &f->a, "127.0.0.1:0", 1);
    add_peer(&f->a, "127.0.0.1", 0);
    struct raw *first = raw_start(f, plain_open);
    RUN_UNTIL(f->loop, f->a.n_up == 1);
    for (size_t i = 0; i < ARRAY_SIZE(silent); i++)
        silent[i] = raw_start(f, "");
    RUN_UNTIL(f->loop, silent[8]->closed || silent[0]->closed);
    for (size_t i = 0; i < ARRAY_SIZE(silent); i++)
        raw_end(silent[i]);
    run_turns(f->loop, 20);
    assert_true(bgp_peer_is_up(f->a.peer));
    raw_end(first);
}

static void
a_broken_nlri_ends_the_session_with_its_reason(void **state)
{
    struct fixture *f = *state;
    start(f, &f->a, "127.0.0.1:0", 1);
    add_peer(&f->a, "127.0.0.1", 0);
    struct raw *raw = raw_start(f, plain_open);
    RUN_UNTIL(f->loop, f->a.n_up);
    size_t size;
    uint8_t *octets = hex_bytes(MARKER "0021 02 0000 000a 800f 07 4004 47 0001 ffff", &size);
    assert_ok(stream_send(raw->stream, octets, size));
    free(octets);
    RUN_UNTIL(f->loop, raw->closed);
    assert_true(raw_ends_with(raw, MARKER "0015 03 03 09"));
    assert_string_equal(f->a.note,
                        "UPDATE: an NLRI leaves its attribute: session reset (RFC 9552 8.2.2)");
    raw_end(raw);
}

static void
peers_have_addresses_of_their_own(void **state)
{
    struct fixture *f = *state;
    struct diag diag;
    struct bgp_peer *peer;
    start(f, &f->a, NULL, 1);
    struct bgp_peer_config config = {.address = "2001:db8::1"};
    assert_ok(bgp_speaker_add(f->a.speaker, &config, &peer, &diag));
    config.address = "2001:db8:0::1";
    assert_err(bgp_speaker_add(f->a.speaker, &config, &peer, &diag), ERR_EXISTS);
    config.address = "router.example";
    assert_err(bgp_speaker_add(f->a.speaker, &config, &peer, &diag), ERR_INVALID);
    config.address = "10.0.0.1";
    config.name = "edge-1";
    assert_ok(bgp_speaker_add(f->a.speaker, &config, &peer, &diag));
    assert_string_equal(bgp_peer_name(peer), "edge-1");
    bgp_speaker_remove(f->a.speaker, peer);
    assert_ok(bgp_speaker_add(f->a.speaker, &config, &peer, &diag));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(TEST(tells_what_the_peer_tells), TEST(says_how_it_stands_with_a_peer),
          TEST(speaks_over_ipv6), TEST(both_connect_and_one_connection_stays),
          TEST(comes_up_again_after_a_reset), TEST(strangers_are_turned_away),
          TEST(a_flood_of_faults_is_not_a_flood_in_the_log),
          TEST(garbage_is_answered_and_held_back),
          TEST(a_peer_that_restarts_unnoticed_takes_its_place_again),
          TEST(without_graceful_restart_the_established_one_stays),
          TEST(silent_connections_are_few), TEST(a_broken_nlri_ends_the_session_with_its_reason),
          TEST(peers_have_addresses_of_their_own))
