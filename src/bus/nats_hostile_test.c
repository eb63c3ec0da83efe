/* The NATS driver, and who is no broker, or no friend of one. */
#include "base/buf.h"
#include "bus/nats_scene.h"

#include <pthread.h>

/* ---- brokers that are none */

/* Each says something to whoever connects, and then keeps the connection until it ends. */
struct impostor {
    pthread_t thread;
    int listener, port;
    const char *says;
    size_t size;
    bool again; /* and again, as long as it is listened to */
    unsigned n_met;
    bool ends;
};

static void
say(struct impostor *impostor, int fd)
{
    const char *greeting = "INFO {\"max_payload\":1000,\"headers\":true}\r\n";
    do {
        const char *text = impostor->says ? impostor->says : greeting;
        size_t size = impostor->says ? impostor->size : strlen(greeting);
        if (send(fd, text, size, MSG_NOSIGNAL) < 0)
            return;
    } while (impostor->again && !__atomic_load_n(&impostor->ends, __ATOMIC_ACQUIRE));
}

static void *
run_impostor(void *arg)
{
    struct impostor *impostor = arg;
    int fds[64], n = 0;
    for (int fd; n < 64 && (fd = accept(impostor->listener, NULL, NULL)) >= 0;) {
        fds[n++] = fd;
        struct timeval patience = {.tv_usec = 100000}; /* nobody listens while it is to end */
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        if (__atomic_load_n(&impostor->ends, __ATOMIC_ACQUIRE))
            break;
        __atomic_add_fetch(&impostor->n_met, 1, __ATOMIC_RELEASE);
        say(impostor, fd);
    }
    close(impostor->listener);
    while (n > 0)
        close(fds[--n]);
    return NULL;
}

static void
impostor_start(struct impostor *impostor)
{
    impostor->listener = nats_test_socket(0);
    impostor->port = nats_test_port_of(impostor->listener);
    assert_int_equal(listen(impostor->listener, 10), 0);
    pthread_create(&impostor->thread, NULL, run_impostor, impostor);
}

static void
impostor_end(struct impostor *impostor)
{
    __atomic_store_n(&impostor->ends, true, __ATOMIC_RELEASE);
    nats_test_listens(impostor->port); /* wakes it */
    pthread_join(impostor->thread, NULL);
}

/* Met more often than attempts may hang: they end. Then a true broker at the same place is found.
 */
static void
meet_impostor(struct impostor *impostor, const char *scheme)
{
    uv_loop_t *loop = test_loop_new();
    struct bus_nats_status status;
    struct bus *bus;
    char url[64], ca[TEST_PATH_SIZE], cert[TEST_PATH_SIZE], key[TEST_PATH_SIZE];
    impostor_start(impostor);
    sprintf(url, "%s://127.0.0.1:%d", scheme, impostor->port);
    struct bus_nats_config config = {.url = url,
                                     .ca_file = test_path(&dir, "ca.crt", ca),
                                     .cert_file = test_path(&dir, "us.crt", cert),
                                     .key_file = test_path(&dir, "us.key", key),
                                     .site = "north",
                                     .alive_interval = 50 * NSEC_PER_MSEC,
                                     .connect_timeout = 100 * NSEC_PER_MSEC,
                                     .reconnect_min = 10 * NSEC_PER_MSEC,
                                     .reconnect_max = 10 * NSEC_PER_MSEC};
    assert_ok(bus_nats_new(loop, &config, &bus, NULL));
    RUN_UNTIL(loop, __atomic_load_n(&impostor->n_met, __ATOMIC_ACQUIRE) >= 6);
    bus_nats_status(bus, &status);
    assert_string_not_equal(status.last_error, "");
    impostor_end(impostor);
    struct nats_server true_one = {.port = impostor->port};
    snprintf(true_one.directory, sizeof true_one.directory, "%s", dir.path);
    if (!strcmp(scheme, "nats")) {
        assert_true(nats_server_start(&true_one));
        RUN_UNTIL(loop, is_connected(bus));
    }
    bus_free(bus);
    test_loop_free(loop);
    nats_server_kill(&true_one);
}

static void
a_broker_that_says_nothing_does_no_harm(void **state UNUSED)
{
    meet_impostor(&(struct impostor){.says = ""}, "nats");
}

static void
a_broker_silent_in_the_tls_handshake_does_no_harm(void **state UNUSED)
{
    const char *text = "INFO {\"headers\":true,\"tls_required\":true}\r\n";
    meet_impostor(&(struct impostor){.says = text, .size = strlen(text)}, "tls");
}

static void
a_broker_silent_after_its_greeting_does_no_harm(void **state UNUSED)
{
    meet_impostor(&(struct impostor){0}, "nats");
}

static void
a_broker_that_talks_nonsense_does_no_harm(void **state UNUSED)
{
    static const char *const texts[] = {
        "INFO {\"headers\":true}\r\nPONG\r\nMSG a 1 99999999999\r\n",
        "INFO {\"headers\":true}\r\nPONG\r\nMSG a 1 1\r\n123\r\n",
        "INFO {\"headers\":true}\r\nPONG\r\nPONG\r\nINFO {]\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "INFO {\r\n",
        "INFO\r\n",
        "\r\n\r\n",
        "INFO {}\r\nPONG\r\n-ERR",
        "PONG\r\n",
        "INFO {}\r\nPONG\r\nMSG a 1 99999999999\r\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        meet_impostor(&(struct impostor){.says = texts[i], .size = strlen(texts[i])}, "nats");
}

static void
a_broker_that_never_stops_does_no_harm(void **state UNUSED)
{
    static char octets[4096];
    for (int kind = 0; kind < 3; kind++) {
        memset(octets, "x\n\0"[kind], sizeof octets);
        meet_impostor(&(struct impostor){.says = octets, .size = sizeof octets, .again = true},
                      "nats");
    }
}

/* ---- strangers */

/* Says it to the broker, by hand, and waits until the broker has taken it. */
static void
say_raw(const char *text, size_t size)
{
    static const char hello[] = "CONNECT {\"verbose\":false,\"headers\":true}\r\n";
    char heard[8192] = "";
    size_t n = 0;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(write(fd, hello, strlen(hello)), strlen(hello));
    assert_int_equal(write(fd, text, size), size);
    assert_int_equal(write(fd, "PING\r\n", 6), 6);
    while (!strstr(heard, "PONG\r\n") && n < sizeof heard - 1) {
        ssize_t got = read(fd, heard + n, sizeof heard - 1 - n);
        assert_true(got > 0);
        n += (size_t)got;
    }
    assert_null(strstr(heard, "-ERR"));
    close(fd);
}

static void
publish_raw(const char *subject, const char *reply_to, const char *payload, size_t size)
{
    struct buf text = BUF_INIT;
    buf_printf(&text, "PUB %s %s %zu\r\n", subject, reply_to, size);
    buf_put(&text, payload, size);
    buf_str(&text, "\r\n");
    say_raw((const char *)text.data, text.size);
    buf_fini(&text);
}

static void
what_is_no_message_is_dropped_and_counted(void **state)
{
    struct bus_scene *scene = *state;
    static const struct {
        const char *subject, *reply_to, *payload;
    } rows[] = {
        {"site.north.a", "", ""},
        {"site.north.a", "", "{\"x\":1,\"x\":2}"},
        {"site.north.a", "", "[1,2"},
        {"site.north.a", "", "1 2"},
        {"site.north.a", "", "\"\xff\""},
        {"site.north.a", "not.an.inbox", "1"},
        {"site.north.from.south.a", "_INBOX.north.x.1", "1"}, /* not who asks */
        {"site.north.from.south.a", "_INBOX.southern.x.1", "1"},
        {"site.north.from.south.a", "_INBOX.south", "1"},
    };
    char deep[3000];
    memset(deep, '[', 1500);
    memset(deep + 1500, ']', 1500);
    listen_to(&scene->l[0], scene->ends.a, ">");
    settle(scene);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        publish_raw(rows[i].subject, rows[i].reply_to, rows[i].payload, strlen(rows[i].payload));
    publish_raw("site.north.a", "", deep, sizeof deep);
    publish_raw("site.north.a", "", "1\0", 2);
    publish_raw("site.north.from.south.a", "_INBOX.south.x.1", "7", 1);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 1);
    assert_heard(&scene->l[0], "[[\"from.south.a\",7]]");
    assert_int_equal(bus_counter(scene->ends.a, BUS_DROPPED_MALFORMED), ARRAY_SIZE(rows) + 2);
    assert_string_equal(bus_counter_name(BUS_DROPPED_MALFORMED), "dropped_malformed");
}

static void
what_is_no_answer_is_dropped_and_counted(void **state)
{
    struct bus_scene *scene = *state;
    static const char *const answers[] = {
        "7",
        "{}",
        "{\"result\":1,\"x\":2}",
        "{\"error\":\"ERR_IO\"}",
        "{\"error\":\"ERR_OK\",\"text\":\"\"}",
        "{\"error\":\"ERR_NONE\",\"text\":\"\"}",
        "{\"error\":\"ERR_IO\",\"text\":1}",
    };
    listen_to(&scene->l[0], scene->ends.b, "plan.make");
    settle(scene);
    ask(&scene->l[1], scene->ends.a, "plan.make", PATIENCE);
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == 1);
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
        publish_raw(scene->l[0].reply_to, "", answers[i], strlen(answers[i]));
    RUN_UNTIL(scene->ends.loop,
              bus_counter(scene->ends.a, BUS_DROPPED_MALFORMED) == ARRAY_SIZE(answers));
    assert_int_equal(scene->l[1].n, 0);
    publish_raw(scene->l[0].reply_to, "", "{\"result\":null}", 15);
    RUN_UNTIL(scene->ends.loop, scene->l[1].n == 1);
    assert_ok(scene->l[1].err);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broker_that_says_nothing_does_no_harm),
        cmocka_unit_test(a_broker_silent_in_the_tls_handshake_does_no_harm),
        cmocka_unit_test(a_broker_silent_after_its_greeting_does_no_harm),
        cmocka_unit_test(a_broker_that_talks_nonsense_does_no_harm),
        cmocka_unit_test(a_broker_that_never_stops_does_no_harm),
        BUS_SCENE_TEST(what_is_no_message_is_dropped_and_counted),
        BUS_SCENE_TEST(what_is_no_answer_is_dropped_and_counted),
    };
    return cmocka_run_group_tests(tests, nats_scene_start, nats_scene_end);
}
