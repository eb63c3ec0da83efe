/* The NATS driver, and who is let in where: permissions, TLS, credentials. */
#include "bus/nats_scene.h"
#include "io/nats_jwt.h"

/* ---- what the broker permits: the rows of doc/bus.md */

static const char permissions[] =
    "authorization { users = [\n"
    " {user: north, password: n, permissions: {allow_responses: true,\n"
    "  publish: [\"site.north.>\", \"site.*.from.north.>\", \"_INBOX.north.>\"],\n"
    "  subscribe: [\"site.north.>\", \"_INBOX.north.>\"]}}\n"
    " {user: south, password: s, permissions: {allow_responses: true,\n"
    "  publish: [\"site.south.>\", \"site.*.from.south.>\", \"_INBOX.south.>\"],\n"
    "  subscribe: [\"site.south.>\", \"_INBOX.south.>\"]}}\n"
    "] }\n";

/* What was told of refusals, by all buses of a test. */
static struct {
    unsigned n;
    char what[20], why[320];
} told;

static void
note_refused(void *arg UNUSED, const char *what, const char *why)
{
    told.n++;
    snprintf(told.what, sizeof told.what, "%s", what);
    snprintf(told.why, sizeof told.why, "%s", why);
}

static void
assert_told(const char *what, const char *words)
{
    assert_string_equal(told.what, what);
    if (!strstr(told.why, words))
        fail_msg("\"%s\" is not in \"%s\"", words, told.why);
}

static struct bus *
connect_user(uv_loop_t *loop, const char *user, const char *site)
{
    char url[64];
    struct bus *bus;
    sprintf(url, "nats://%s@127.0.0.1:%d", user, broker.port);
    struct bus_nats_config config = {.url = url, .site = site, .refused = note_refused};
    assert_ok(bus_nats_new(loop, &config, &bus, NULL));
    RUN_UNTIL(loop, is_connected(bus));
    return bus;
}

static bool
is_in_error(const struct bus *bus, const char *words)
{
    struct bus_nats_status status;
    bus_nats_status(bus, &status);
    return strstr(status.last_error, words);
}

static void
permissions_keep_sites_apart(void **state)
{
    struct bus_scene *scene = *state;
    uv_loop_t *loop = scene->ends.loop;
    struct bus_subscription *s;
    struct bus *to_north, *at_north, *forger;
    assert_true(nats_server_open(&broker, dir.path, permissions));
    struct bus *north = connect_user(loop, "north:n", "north");
    struct bus *south = connect_user(loop, "south:s", "south");
    assert_ok(bus_nats_at(south, "north", &to_north));
    assert_ok(bus_subscribe(north, "from.*.who", answer_with_subject, NULL, &s));
    listen_to(&scene->l[0], north, ">");
    settle_one(loop, north);
    ask(&scene->l[1], to_north, "who",
        PATIENCE); /* is answered, though north may not publish there */
    told.n = 0;
    RUN_UNTIL(loop, scene->l[1].n == 1);
    assert_ok(scene->l[1].err);
    assert_int_equal(told.n, 0);

    assert_ok(bus_nats_at(south, "north", &at_north));
    listen_to(&scene->l[2], at_north, "event.>");
    RUN_UNTIL(loop, is_in_error(south, "ermissions"));
    assert_told("permissions", "Subscription to \"site.north.event.>\"");
    forger = connect_user(loop, "south:s", "north"); /* says that it is north */
    publish(forger, "event.x", 1);
    RUN_UNTIL(loop, is_in_error(forger, "ermissions"));
    assert_told("permissions", "Publish to \"site.north.event.x\"");
    assert_true(is_connected(forger));
    publish(north, "event.y", 2);
    RUN_UNTIL(loop, scene->l[0].n == 2);
    assert_heard(&scene->l[0], "[[\"from.south.who\",1],[\"event.y\",2]]");
    assert_int_equal(scene->l[2].n, 0);
    stop(&scene->l[0]);
    stop(&scene->l[2]);
    bus_free(forger);
    bus_free(at_north);
    bus_free(to_north);
    bus_free(south);
    bus_free(north);
    nats_server_kill(&broker);
}

/* ---- TLS */

static struct nats_server tls_broker;

static int
set_up_tls(void **state)
{
    char options[600];
    snprintf(options, sizeof options,
             "tls { cert_file: \"%s/broker.crt\", key_file: \"%s/broker.key\", "
             "ca_file: \"%s/ca.crt\", verify: true }",
             dir.path, dir.path, dir.path);
    assert_true(nats_server_open(&tls_broker, dir.path, options));
    return bus_scene_set_up(state);
}

static int
tear_down_tls(void **state)
{
    int result = bus_scene_tear_down(state);
    nats_server_kill(&tls_broker);
    return result;
}

/* `us`: stem of our certificate's files. */
static struct bus *
connect_tls(uv_loop_t *loop, const char *ca, const char *us, const char *server_name)
{
    char url[64], ca_file[TEST_PATH_SIZE], cert[TEST_PATH_SIZE], key[TEST_PATH_SIZE], name[64];
    struct bus *bus;
    struct diag diag = {""};
    struct bus_nats_config config = {.url = url,
                                     .site = "north",
                                     .ca_file = test_path(&dir, ca, ca_file),
                                     .refused = note_refused,
                                     .server_name = server_name};
    sprintf(url, "tls://127.0.0.1:%d", tls_broker.port);
    sprintf(name, "%s.crt", us);
    config.cert_file = test_path(&dir, name, cert);
    sprintf(name, "%s.key", us);
    config.key_file = test_path(&dir, name, key);
    assert_ok(bus_nats_new(loop, &config, &bus, &diag));
    return bus;
}

static void
speaks_mutual_tls(void **state)
{
    struct bus_scene *scene = *state;
    struct bus_subscription *s;
    struct bus *a = connect_tls(scene->ends.loop, "ca.crt", "us", "broker");
    struct bus *b = connect_tls(scene->ends.loop, "ca.crt", "us", "broker");
    RUN_UNTIL(scene->ends.loop, is_connected(a) && is_connected(b));
    assert_ok(bus_subscribe(a, "who", answer_with_subject, NULL, &s));
    listen_to(&scene->l[0], a, "n");
    settle_one(scene->ends.loop, a);
    ask(&scene->l[1], b, "who", PATIENCE);
    for (int i = 0; i < 2000; i++)
        publish(b, "n", i);
    RUN_UNTIL(scene->ends.loop, scene->l[1].n == 1 && scene->l[0].n == 2000);
    assert_ok(scene->l[1].err);
    stop(&scene->l[0]);
    bus_free(a);
    bus_free(b);
}

/* More than sockets hold goes both ways over TLS, in pieces, and arrives whole. */
static void
a_flood_over_tls_arrives_whole(void **state)
{
    enum { N = 200, SIZE = 60000 };
    struct bus_scene *scene = *state;
    static char text[SIZE];
    struct bus *a = connect_tls(scene->ends.loop, "ca.crt", "us", "broker");
    int n = 0;
    memset(text, 'x', sizeof text);
    RUN_UNTIL(scene->ends.loop, is_connected(a));
    listen_to(&scene->l[0], a, "n");
    while (n < N) {
        enum err err = bus_publish(a, "n", json_stringn(text, sizeof text));
        assert_true(err == ERR_OK || err == ERR_BUSY);
        n += err == ERR_OK;
        if (err == ERR_BUSY)
            uv_run(scene->ends.loop, UV_RUN_ONCE);
    }
    RUN_UNTIL(scene->ends.loop, scene->l[0].n == N);
    for (size_t i = 0; i < N; i++) {
        const json_t *heard = json_array_get(json_array_get(scene->l[0].heard, i), 1);
        assert_int_equal(json_string_length(heard), SIZE);
    }
    struct bus_nats_status status;
    bus_nats_status(a, &status);
    assert_int_equal(status.reconnects, 0);
    stop(&scene->l[0]);
    bus_free(a);
}

static void
a_broker_that_stands_still_under_tls_is_left(void **state)
{
    struct bus_scene *scene = *state;
    static char text[60000];
    struct bus_nats_status status;
    struct bus *a = connect_tls(scene->ends.loop, "ca.crt", "us", "broker");
    memset(text, 'x', sizeof text);
    RUN_UNTIL(scene->ends.loop, is_connected(a));
    kill(tls_broker.pid, SIGSTOP);
    while (bus_publish(a, "n", json_stringn(text, sizeof text)) == ERR_OK)
        uv_run(scene->ends.loop, UV_RUN_NOWAIT);
    RUN_UNTIL(scene->ends.loop, !is_connected(a));
    bus_nats_status(a, &status);
    assert_string_equal(status.last_error, "the broker is silent");
    kill(tls_broker.pid, SIGCONT);
    RUN_UNTIL(scene->ends.loop, is_connected(a));
    bus_free(a);
}

static void
assert_refused(struct bus_scene *scene, const char *ca, const char *us, const char *server_name)
{
    struct bus *bus = connect_tls(scene->ends.loop, ca, us, server_name);
    struct bus_nats_status status = {0};
    told.n = 0;
    while (!status.last_error[0]) {
        uv_run(scene->ends.loop, UV_RUN_ONCE);
        bus_nats_status(bus, &status);
        assert_false(status.connected);
    }
    assert_true(told.n >= 1);
    assert_told("tls", "");
    bus_free(bus);
}

static void
refuses_whom_it_cannot_trust(void **state)
{
    assert_refused(*state, "other.crt", "us", "broker");
    assert_refused(*state, "ca.crt", "us", "somebody-else");
    assert_refused(*state, "ca.crt", "us", NULL); /* it is not called 127.0.0.1 */
}

static void
is_refused_without_a_good_certificate(void **state)
{
    assert_refused(*state, "ca.crt", "stranger", "broker");
    assert_refused(*state, "ca.crt", "old", "broker");
}

static void
does_not_speak_in_clear_where_tls_was_ordered(void **state)
{
    struct bus_scene *scene = *state;
    struct nats_server saved = tls_broker;
    tls_broker = server; /* a plain one */
    assert_refused(scene, "ca.crt", "us", "broker");
    tls_broker = saved;
}

#define TLS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_tls, tear_down_tls)

/* ---- credentials: an operator, an account and a user; nats-server is their judge */

static struct nkey
key_of(enum nkey_kind kind)
{
    struct nkey key;
    assert_ok(nkey_new(kind, &key, NULL));
    return key;
}

/* Consumes the claims. */
static void
put_signed(struct buf *text, json_t *claims, const struct nkey *issuer)
{
    assert_ok(nats_jwt_sign(claims, issuer, text));
    json_decref(claims);
}

static json_t *
claims_of_user(const struct nkey *key)
{
    json_t *all = json_pack("[s]", ">");
    json_t *claims = nats_user_claims(&(struct nats_user){.subject = {"north", key, .issued = 1},
                                                          .connection = "STANDARD",
                                                          .publish = all,
                                                          .subscribe = all});
    json_decref(all);
    return claims;
}

/* A server that knows this operator and this account. */
static void
open_operated(const struct nkey *operator, const struct nkey * account)
{
    struct buf options = BUF_INIT;
    char name[NKEY_PUBLIC_LENGTH + 1];
    nkey_put_public(account, name);
    buf_str(&options, "operator: \"");
    put_signed(&options, nats_operator_claims(&(struct nats_subject){"o", operator, .issued = 1}),
               operator);
    buf_printf(&options, "\"\nresolver: MEMORY\nresolver_preload: {%s: \"", name);
    put_signed(&options,
               nats_account_claims(&(struct nats_subject){"a", account, .issued = 1},
                                   &(struct nats_account){0}),
               operator);
    buf_str(&options, "\"}");
    assert_true(nats_server_open(&broker, dir.path, buf_cstr(&options)));
    buf_fini(&options);
}

static void
write_credentials(const char *path, const char *jwt, const struct nkey *user)
{
    struct buf text = BUF_INIT;
    nats_creds_put(&text, jwt, user);
    FILE *file = fopen(path, "w");
    assert_int_equal(fwrite(text.data, 1, text.size, file), text.size);
    fclose(file);
    buf_fini(&text);
}

static void
logs_in_with_credentials(void **state)
{
    struct bus_scene *scene = *state;
    struct nkey operator_key = key_of(NKEY_OPERATOR), account = key_of(NKEY_ACCOUNT);
    struct nkey user = key_of(NKEY_USER), another = key_of(NKEY_USER);
    struct buf jwt = BUF_INIT;
    char path[TEST_PATH_SIZE], url[64];
    struct bus *bus;
    open_operated(&operator_key, &account);
    put_signed(&jwt, claims_of_user(&user), &account);
    test_path(&dir, "user.creds", path);
    write_credentials(path, buf_cstr(&jwt), &another);
    struct bus_nats_config config = {.url = url_of(&broker, url),
                                     .site = "north",
                                     .credentials_file = path,
                                     .refused = note_refused,
                                     .reconnect_max = 20 * NSEC_PER_MSEC,
                                     .reconnect_min = 10 * NSEC_PER_MSEC};
    assert_ok(bus_nats_new(scene->ends.loop, &config, &bus, NULL));
    RUN_UNTIL(scene->ends.loop, is_in_error(bus, "Authorization Violation"));
    assert_false(is_connected(bus));
    write_credentials(path, buf_cstr(&jwt), &user);
    RUN_UNTIL(scene->ends.loop, is_connected(bus));
    settle_one(scene->ends.loop, bus);
    bus_free(bus);
    assert_told("credentials", "Authorization Violation");
    nats_server_kill(&broker);
    buf_fini(&jwt);
    nkey_fini(&user);
    nkey_fini(&another);
    nkey_fini(&account);
    nkey_fini(&operator_key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BUS_SCENE_TEST(permissions_keep_sites_apart),
        BUS_SCENE_TEST(logs_in_with_credentials),
        TLS_TEST(speaks_mutual_tls),
        TLS_TEST(a_flood_over_tls_arrives_whole),
        TLS_TEST(a_broker_that_stands_still_under_tls_is_left),
        TLS_TEST(refuses_whom_it_cannot_trust),
        TLS_TEST(is_refused_without_a_good_certificate),
        TLS_TEST(does_not_speak_in_clear_where_tls_was_ordered),
    };
    return cmocka_run_group_tests(tests, nats_scene_start, nats_scene_end);
}
