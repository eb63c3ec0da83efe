/* What a question over the bus costs, and how many messages get through: the driver over NATS and,
 * in turns on the same broker, the NATS library itself used as its manual says. Broker on loopback
 * with mutual TLS; who asks and who answers have a connection and a thread each. Beside them the
 * local driver, which has no broker. */
#include "bench.h"

#include "bus/local.h"
#include "bus/nats.h"
#include "bus/nats_testing.h"
#include "io/clock.h"
#include "io/testing.h"

#include <nats/nats.h>
#include <pthread.h>

#define ROUNDS 15
#define REQUESTS 400   /* of a round */
#define MESSAGES 20000 /* of a round */
#define PAYLOAD 198    /* and two quotes */

static struct nats_server server;
static struct test_dir dir;
static char url[64], ca[TEST_PATH_SIZE], cert[TEST_PATH_SIZE], key[TEST_PATH_SIZE];
static char payload[PAYLOAD + 3];

static void
die(const char *what)
{
    fprintf(stderr, "bus_bench: %s\n", what);
    exit(1);
}

struct latencies {
    double us[ROUNDS * REQUESTS];
    size_t n;
};

static void
note_latency(struct latencies *latencies, nsec_t started)
{
    latencies->us[latencies->n++] = (double)(clock_monotonic() - started) / 1000;
}

/* ---- the bus */

struct end {
    uv_loop_t loop;
    struct bus *bus;
    struct latencies latencies;
    nsec_t started;
    unsigned left;
};

static struct bus *
connect_bus(uv_loop_t *loop)
{
    struct bus_nats_config config = {.url = url,
                                     .site = "bench",
                                     .ca_file = ca,
                                     .cert_file = cert,
                                     .key_file = key,
                                     .server_name = "broker"};
    struct bus_nats_status status = {0};
    struct bus *bus;
    struct diag diag;
    if (bus_nats_new(loop, &config, &bus, &diag))
        die(diag.text);
    while (!status.connected) {
        uv_run(loop, UV_RUN_ONCE);
        bus_nats_status(bus, &status);
        if (status.last_error[0])
            die(status.last_error);
    }
    return bus;
}

static void
answer(void *arg UNUSED, struct bus *bus, const struct bus_message *message)
{
    if (bus_reply(bus, message->reply_to, json_incref(message->payload)))
        die("cannot answer");
}

/* Who answers and counts, on a thread of its own. */
static struct responder {
    pthread_t thread;
    uint64_t n_heard; /* by atomic operations, as is `state` */
    int state;        /* 1: is there; 2: is to end */
} responder;

static void
hear(void *arg UNUSED, struct bus *bus UNUSED, const struct bus_message *message UNUSED)
{
    __atomic_add_fetch(&responder.n_heard, 1, __ATOMIC_RELEASE);
}

static void
look_for_end(uv_timer_t *timer)
{
    if (__atomic_load_n(&responder.state, __ATOMIC_ACQUIRE) == 2)
        uv_stop(timer->loop);
}

static void
count_answer(void *arg, const struct call_result *result UNUSED)
{
    ++*(int *)arg;
}

static void *
run_responder(void *arg UNUSED)
{
    uv_loop_t loop;
    uv_timer_t timer;
    struct bus_subscription *s;
    int settled = 0;
    uv_loop_init(&loop);
    struct bus *bus = connect_bus(&loop);
    if (bus_subscribe(bus, "ask", answer, NULL, &s) || bus_subscribe(bus, "tell", hear, NULL, &s) ||
        bus_request(bus, "nobody", json_null(), NSEC_PER_SEC, count_answer, &settled, NULL))
        die("cannot subscribe");
    while (!settled)
        uv_run(&loop, UV_RUN_ONCE);
    __atomic_store_n(&responder.state, 1, __ATOMIC_RELEASE);
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, look_for_end, 50, 50);
    uv_run(&loop, UV_RUN_DEFAULT);
    bus_free(bus);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return NULL;
}

static void ask_one(struct end *);

static void
on_answer(void *arg, const struct call_result *result)
{
    struct end *end = arg;
    if (result->err)
        die(result->text);
    note_latency(&end->latencies, end->started);
    if (--end->left)
        ask_one(end);
    else
        uv_stop(&end->loop);
}

static void
ask_one(struct end *end)
{
    end->started = clock_monotonic();
    if (bus_request(end->bus, "ask", json_stringn(payload + 1, PAYLOAD), NSEC_PER_SEC, on_answer,
                    end, NULL))
        die("cannot ask");
}

/* Median of the round, in microseconds. */
static double
round_of_asking(void *arg)
{
    struct end *end = arg;
    double samples[REQUESTS];
    end->left = REQUESTS;
    ask_one(end);
    uv_run(&end->loop, UV_RUN_DEFAULT);
    memcpy(samples, end->latencies.us + end->latencies.n - REQUESTS, sizeof samples);
    return bench_median(samples, REQUESTS);
}

static double
wait_for(uint64_t heard, nsec_t started)
{
    while (__atomic_load_n(&responder.n_heard, __ATOMIC_ACQUIRE) < heard)
        usleep(50);
    return MESSAGES * 1e9 / (double)(clock_monotonic() - started);
}

/* Messages per second, from the first published to the last heard. */
static double
round_of_telling(void *arg)
{
    struct end *end = arg;
    nsec_t started = clock_monotonic();
    uint64_t before = __atomic_load_n(&responder.n_heard, __ATOMIC_ACQUIRE);
    for (int n = 0; n < MESSAGES;) {
        enum err err = bus_publish(end->bus, "tell", json_stringn(payload + 1, PAYLOAD));
        if (err && err != ERR_BUSY)
            die("cannot publish");
        n += !err;
        if (err || n % 64 == 0)
            uv_run(&end->loop, UV_RUN_NOWAIT);
    }
    while (__atomic_load_n(&responder.n_heard, __ATOMIC_ACQUIRE) < before + MESSAGES)
        uv_run(&end->loop, UV_RUN_NOWAIT);
    return wait_for(before + MESSAGES, started);
}

/* ---- the library itself */

struct peer {
    const char *ask_subject, *tell_subject;
    natsConnection *asks, *answers;
    natsSubscription *ask, *tell;
    struct latencies latencies;
};

static void
peer_answer(natsConnection *connection, natsSubscription *s UNUSED, natsMsg *message,
            void *arg UNUSED)
{
    natsConnection_Publish(connection, natsMsg_GetReply(message), natsMsg_GetData(message),
                           natsMsg_GetDataLength(message));
    natsMsg_Destroy(message);
}

static void
peer_hear(natsConnection *connection UNUSED, natsSubscription *s UNUSED, natsMsg *message,
          void *arg UNUSED)
{
    natsMsg_Destroy(message);
    __atomic_add_fetch(&responder.n_heard, 1, __ATOMIC_RELEASE);
}

static natsConnection *
connect_peer(bool asap)
{
    natsConnection *connection = NULL;
    natsOptions *options;
    natsOptions_Create(&options);
    natsOptions_SetURL(options, url);
    natsOptions_SetSendAsap(options, asap);
    natsOptions_SetSecure(options, true);
    natsOptions_LoadCATrustedCertificates(options, ca);
    natsOptions_LoadCertificatesChain(options, cert, key);
    natsOptions_SetExpectedHostname(options, "broker");
    if (natsConnection_Connect(&connection, options))
        die(nats_GetLastError(NULL));
    natsOptions_Destroy(options);
    return connection;
}

/* `asap`: what is quickest for questions, and slowest for many messages. */
static void
open_peer(struct peer *peer, bool asap)
{
    peer->asks = connect_peer(asap);
    peer->answers = connect_peer(asap);
    natsConnection_Subscribe(&peer->ask, peer->answers, peer->ask_subject, peer_answer, NULL);
    natsConnection_Subscribe(&peer->tell, peer->answers, peer->tell_subject, peer_hear, NULL);
    natsSubscription_SetPendingLimits(peer->tell, -1, -1);
    natsConnection_Flush(peer->answers);
}

static void
close_peer(struct peer *peer)
{
    natsConnection_Destroy(peer->asks);
    natsConnection_Destroy(peer->answers);
    natsSubscription_Destroy(peer->ask);
    natsSubscription_Destroy(peer->tell);
}

static double
round_of_peer_asking(void *arg)
{
    struct peer *peer = arg;
    double samples[REQUESTS];
    for (int i = 0; i < REQUESTS; i++) {
        natsMsg *reply = NULL;
        nsec_t started = clock_monotonic();
        if (natsConnection_Request(&reply, peer->asks, peer->ask_subject, payload, PAYLOAD + 2,
                                   1000))
            die("the library cannot ask");
        note_latency(&peer->latencies, started);
        natsMsg_Destroy(reply);
    }
    memcpy(samples, peer->latencies.us + peer->latencies.n - REQUESTS, sizeof samples);
    return bench_median(samples, REQUESTS);
}

static double
round_of_peer_telling(void *arg)
{
    struct peer *peer = arg;
    nsec_t started = clock_monotonic();
    uint64_t before = __atomic_load_n(&responder.n_heard, __ATOMIC_ACQUIRE);
    for (int n = 0; n < MESSAGES; n++)
        natsConnection_Publish(peer->asks, peer->tell_subject, payload, PAYLOAD + 2);
    natsConnection_Flush(peer->asks);
    return wait_for(before + MESSAGES, started);
}

/* ---- what is printed */

static void
print(const char *what, double value, const char *unit, double goal, json_t *peers,
      const char *note)
{
    bench_print(&(struct bench_figure){.bench = "bus",
                                       .what = what,
                                       .value = value,
                                       .unit = unit,
                                       .goal = goal,
                                       .smaller_is_better = unit[0] == 'u',
                                       .peers = peers,
                                       .note = note});
}

#define NOTE "200 octets, nats-server on loopback, mutual TLS"

static void
print_latency(const char *what, struct latencies *ours, struct latencies *peers, double percent,
              double goal)
{
    json_t *peer = peers
                       ? json_pack("{sf}", "cnats", bench_percentile(peers->us, peers->n, percent))
                       : NULL;
    print(what, bench_percentile(ours->us, ours->n, percent), "us", goal, peer,
          peers ? "question to answer; " NOTE : "question to answer, within a program");
}

static void
bench_nats(void)
{
    static struct end end;
    static struct peer asap = {.ask_subject = "asap.ask", .tell_subject = "asap.tell"};
    static struct peer gathering = {.ask_subject = "gathering.ask",
                                    .tell_subject = "gathering.tell"};
    struct bench_contestant asking[] = {
        {.name = "bus", .round = round_of_asking, .arg = &end},
        {.name = "cnats", .round = round_of_peer_asking, .arg = &asap},
    };
    struct bench_contestant telling[] = {
        {.name = "bus", .round = round_of_telling, .arg = &end},
        {.name = "cnats", .round = round_of_peer_telling, .arg = &gathering},
    };
    uv_loop_init(&end.loop);
    end.bus = connect_bus(&end.loop);
    open_peer(&asap, true);
    open_peer(&gathering, false);
    bench_interleave(asking, ARRAY_SIZE(asking), ROUNDS);
    print_latency("request-p50", &end.latencies, &asap.latencies, 50, 300);
    print_latency("request-p99", &end.latencies, &asap.latencies, 99, NAN);
    bench_interleave(telling, ARRAY_SIZE(telling), ROUNDS);
    print("publish", telling[0].median, "messages/s", NAN,
          json_pack("{sf}", "cnats", telling[1].median), "published to heard; " NOTE);
    close_peer(&asap);
    close_peer(&gathering);
    bus_free(end.bus);
    uv_run(&end.loop, UV_RUN_DEFAULT);
    uv_loop_close(&end.loop);
}

static void
bench_local(void)
{
    static struct end end;
    struct bus_subscription *s;
    uv_loop_init(&end.loop);
    end.bus = bus_local_new(&end.loop, 0, 0);
    if (bus_subscribe(end.bus, "ask", answer, NULL, &s) ||
        bus_subscribe(end.bus, "tell", hear, NULL, &s))
        die("cannot subscribe");
    double rates[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        round_of_asking(&end);
        rates[i] = round_of_telling(&end);
    }
    print_latency("local-request-p50", &end.latencies, NULL, 50, NAN);
    print_latency("local-request-p99", &end.latencies, NULL, 99, NAN);
    print("local-publish", bench_median(rates, ROUNDS), "messages/s", NAN, NULL,
          "published to heard, within a program");
    bus_free(end.bus);
    uv_run(&end.loop, UV_RUN_DEFAULT);
    uv_loop_close(&end.loop);
}

static void
start_broker(void)
{
    char options[600];
    struct test_ca authority = test_ca_make("ca");
    dir = test_dir_make();
    test_pem_write(&dir, "ca.crt", authority.cert, NULL);
    test_cert_issue(&dir, "broker", &authority,
                    &(struct test_cert){.name = "broker", .alt_names = "DNS:broker"});
    test_cert_issue(&dir, "us", &authority, &(struct test_cert){.name = "us"});
    test_ca_free(&authority);
    test_path(&dir, "ca.crt", ca);
    test_path(&dir, "us.crt", cert);
    test_path(&dir, "us.key", key);
    snprintf(options, sizeof options,
             "tls { cert_file: \"%s/broker.crt\", key_file: \"%s/broker.key\", "
             "ca_file: \"%s/ca.crt\", verify: true }",
             dir.path, dir.path, dir.path);
    if (!nats_server_open(&server, dir.path, options))
        die("nats-server does not start");
    snprintf(url, sizeof url, "tls://127.0.0.1:%d", server.port);
}

static void
end_broker(void)
{
    nats_server_kill(&server);
    test_dir_remove(&dir);
}

int
main(void)
{
    memset(payload, 'x', sizeof payload - 1);
    payload[0] = payload[PAYLOAD + 1] = '"';
    start_broker();
    atexit(end_broker);
    pthread_create(&responder.thread, NULL, run_responder, NULL);
    while (__atomic_load_n(&responder.state, __ATOMIC_ACQUIRE) != 1)
        usleep(1000);
    bench_nats();
    bench_local();
    __atomic_store_n(&responder.state, 2, __ATOMIC_RELEASE);
    pthread_join(responder.thread, NULL);
    return 0;
}
