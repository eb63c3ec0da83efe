/* nats_scene.h - what the tests of the NATS driver share: certificates, a plain nats-server for all
 * tests of a program, buses of a site there. Static functions only. */
#ifndef BUS_NATS_SCENE_H
#define BUS_NATS_SCENE_H

#include "bus/bus_scene.h"
#include "bus/nats.h"
#include "bus/nats_testing.h"

static struct test_dir dir;
static struct nats_server server;        /* plain, for all tests */
static UNUSED struct nats_server broker; /* of one test */

static inline UNUSED char *
url_of(const struct nats_server *of, char *url)
{
    sprintf(url, "nats://127.0.0.1:%d", of->port);
    return url;
}

static inline UNUSED struct bus *
connect_as(uv_loop_t *loop, const struct nats_server *to, const char *site)
{
    char url[64];
    struct diag diag = {""};
    struct bus *bus;
    struct bus_nats_config config = {
        .url = url_of(to, url), .site = site, .reconnect_min = 10 * NSEC_PER_MSEC};
    assert_ok(bus_nats_new(loop, &config, &bus, &diag));
    return bus;
}

static inline UNUSED bool
is_connected(const struct bus *bus)
{
    struct bus_nats_status status;
    bus_nats_status(bus, &status);
    return status.connected;
}

static inline UNUSED void
issue_certificates(void)
{
    struct test_ca ca = test_ca_make("ca"), other = test_ca_make("other");
    test_pem_write(&dir, "ca.crt", ca.cert, NULL);
    test_pem_write(&dir, "other.crt", other.cert, NULL);
    test_cert_issue(&dir, "broker", &ca,
                    &(struct test_cert){.name = "broker", .alt_names = "DNS:broker"});
    test_cert_issue(&dir, "us", &ca, &(struct test_cert){.name = "us"});
    test_cert_issue(&dir, "stranger", &other, &(struct test_cert){.name = "us"});
    test_cert_issue(&dir, "old", &ca, &(struct test_cert){"us", .from_s = -7200, .to_s = -60});
    test_ca_free(&ca);
    test_ca_free(&other);
}

static inline UNUSED void
open_nats(struct bus_ends *ends)
{
    ends->a = connect_as(ends->loop, &server, "north");
    ends->b = connect_as(ends->loop, &server, "north");
    RUN_UNTIL(ends->loop, is_connected(ends->a) && is_connected(ends->b));
}

static inline UNUSED void
close_nats(struct bus_ends *ends)
{
    bus_free(ends->a);
    bus_free(ends->b);
}

static inline UNUSED void
count(void *arg, const struct call_result *result)
{
    assert_err(result->err, ERR_CLOSED);
    ++*(int *)arg;
}

/* The broker takes what one connection says in order: subscriptions, then this question to a site
 * that does not exist. */
static inline UNUSED void
settle_one(uv_loop_t *loop, struct bus *bus)
{
    struct bus *nowhere;
    int n = 0;
    assert_ok(bus_nats_at(bus, "nowhere", &nowhere));
    assert_ok(bus_request(nowhere, "a", json_null(), PATIENCE, count, &n, NULL));
    RUN_UNTIL(loop, n == 1);
    bus_free(nowhere);
}

static inline UNUSED void
settle_nats(struct bus_ends *ends)
{
    settle_one(ends->loop, ends->a);
    settle_one(ends->loop, ends->b);
}

static const struct bus_under_test nats = {open_nats, close_nats, settle_nats};

static inline UNUSED void
answer_with_subject(void *arg UNUSED, struct bus *bus, const struct bus_message *message)
{
    assert_ok(bus_reply(bus, message->reply_to, json_string(message->subject)));
}

static inline UNUSED int
nats_scene_start(void **state UNUSED)
{
    dir = test_dir_make();
    under_test = &nats;
    issue_certificates();
    assert_true(nats_server_open(&server, dir.path, ""));
    return 0;
}

static inline UNUSED int
nats_scene_end(void **state UNUSED)
{
    nats_server_kill(&server);
    test_dir_remove(&dir);
    return 0;
}

#endif
