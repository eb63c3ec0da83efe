/* Two sessions and no network: what one puts out is the other's input. */
#include "io/tls.h"

#include "io/clock.h"
#include "io/testing.h"

#include <openssl/ssl.h>

static struct test_dir dir;
static struct test_ca ca, other_ca;

static int
make_files(void **state UNUSED)
{
    dir = test_dir_make();
    ca = test_ca_make("Utility CA");
    other_ca = test_ca_make("Somebody's CA");
    test_pem_write(&dir, "ca.crt", ca.cert, NULL);
    test_pem_write(&dir, "other-ca.crt", other_ca.cert, NULL);
    test_cert_issue(&dir, "server", &ca,
                    &(struct test_cert){.name = "controller", .alt_names = "DNS:lan.example"});
    test_cert_issue(&dir, "client", &ca, &(struct test_cert){.name = "edge-7"});
    return 0;
}

static int
remove_files(void **state UNUSED)
{
    test_ca_free(&ca);
    test_ca_free(&other_ca);
    test_dir_remove(&dir);
    return 0;
}

/* ---- a connection in memory */

static enum err
load(const char *ca_file, const char *cert_file, const char *key_file, struct tls **tls,
     struct diag *diag)
{
    char paths[3][TEST_PATH_SIZE];
    struct tls_config config = {.ca_file = test_path(&dir, ca_file, paths[0]),
                                .cert_file = test_path(&dir, cert_file, paths[1]),
                                .key_file = test_path(&dir, key_file, paths[2])};
    return tls_new(&config, tls, diag);
}

static struct tls *
identity(const char *stem)
{
    char cert[64], key[64];
    struct tls *tls;
    snprintf(cert, sizeof cert, "%s.crt", stem);
    snprintf(key, sizeof key, "%s.key", stem);
    assert_ok(load("ca.crt", cert, key, &tls, NULL));
    return tls;
}

struct end {
    struct tls_session *session;
    enum err err;
    struct diag diag;
};

struct pair {
    struct end client, server;
};

static void
end_init(struct end *end, struct tls *tls, enum tls_role role, const char *peer_name)
{
    *end = (struct end){0};
    assert_ok(tls_session_new(tls, role, peer_name, &end->session, NULL));
}

static void
end_input(struct end *end, const void *data, size_t size)
{
    if (!end->err)
        end->err = tls_session_input(end->session, data, size, &end->diag);
}

/* True if anything moved. */
static bool
carry(struct end *from, struct end *to)
{
    struct buf wire = BUF_INIT;
    tls_session_output(from->session, &wire);
    bool any = wire.size > 0;
    if (any)
        end_input(to, wire.data, wire.size);
    buf_fini(&wire);
    return any;
}

/* Reads as far as it goes, into `plain` if that is not NULL. */
static void
end_read(struct end *end, struct buf *plain)
{
    uint8_t data[1000];
    size_t n = 1;
    while (!end->err && n > 0) {
        end->err = tls_session_read(end->session, data, sizeof data, &n, &end->diag);
        if (plain)
            buf_put(plain, data, n);
    }
}

static void
talk(struct pair *p)
{
    bool moved = true;
    while (moved) {
        end_read(&p->client, NULL);
        end_read(&p->server, NULL);
        moved = carry(&p->client, &p->server);
        moved |= carry(&p->server, &p->client);
    }
}

static struct pair
shake_hands(struct tls *client, const char *server_name, struct tls *server,
            const char *client_name)
{
    struct pair p;
    end_init(&p.client, client, TLS_CLIENT, server_name);
    end_init(&p.server, server, TLS_SERVER, client_name);
    assert_ok(tls_session_start(p.client.session, NULL));
    talk(&p);
    tls_free(client);
    tls_free(server);
    return p;
}

static void
pair_fini(struct pair *p)
{
    tls_session_free(p->client.session);
    tls_session_free(p->server.session);
}

/* The server meets a client with this certificate: refuses it for `reason`, tells it `alert`. */
static void
assert_client_refused(const struct test_ca *issuer, const struct test_cert *what,
                      const char *client_name, const char *reason, const char *alert)
{
    test_cert_issue(&dir, "odd", issuer, what);
    struct pair p = shake_hands(identity("odd"), NULL, identity("server"), client_name);
    assert_err(p.server.err, ERR_DENIED);
    assert_string_equal(p.server.diag.text, reason);
    assert_false(tls_session_is_established(p.server.session));
    assert_err(p.client.err, ERR_DENIED);
    assert_string_equal(p.client.diag.text, alert);
    pair_fini(&p);
}

static void
assert_accepted(struct tls *client, const char *server_name, struct tls *server,
                const char *client_name)
{
    struct pair p = shake_hands(client, server_name, server, client_name);
    assert_ok(p.client.err);
    assert_ok(p.server.err);
    assert_true(tls_session_is_established(p.client.session));
    assert_true(tls_session_is_established(p.server.session));
    pair_fini(&p);
}

/* ---- who is who */

static void
both_sides_learn_the_other_s_name(void **state UNUSED)
{
    struct pair p = shake_hands(identity("client"), NULL, identity("server"), NULL);
    assert_string_equal(tls_session_peer_name(p.client.session), "controller");
    assert_string_equal(tls_session_peer_name(p.server.session), "edge-7");
    pair_fini(&p);
}

static void
a_name_asked_for_is_the_common_name_or_a_dns_name(void **state UNUSED)
{
    assert_accepted(identity("client"), "controller", identity("server"), "edge-7");
    assert_accepted(identity("client"), "CONTROLLER", identity("server"), NULL);
    assert_accepted(identity("client"), "lan.example", identity("server"), NULL);
}

static void
another_name_is_refused_by_either_side(void **state UNUSED)
{
    assert_client_refused(&ca, &(struct test_cert){.name = "edge-8"}, "edge-7",
                          "TLS: peer's certificate not accepted: hostname mismatch (CN=edge-8)",
                          "TLS: the peer refused us: bad certificate");
    struct pair p = shake_hands(identity("client"), "control", identity("server"), NULL);
    assert_err(p.client.err, ERR_DENIED);
    assert_string_equal(p.client.diag.text,
                        "TLS: peer's certificate not accepted: hostname mismatch (CN=controller)");
    assert_err(p.server.err, ERR_DENIED);
    pair_fini(&p);
}

static void
a_wildcard_is_not_every_name(void **state UNUSED)
{
    assert_client_refused(&ca, &(struct test_cert){.name = "x", .alt_names = "DNS:*.example"},
                          "edge.example",
                          "TLS: peer's certificate not accepted: hostname mismatch (CN=x)",
                          "TLS: the peer refused us: bad certificate");
}

static void
a_name_that_cannot_be_compared_is_refused_beforehand(void **state UNUSED)
{
    struct tls *tls = identity("client");
    struct tls_session *session;
    assert_err(tls_session_new(tls, TLS_CLIENT, "", &session, NULL), ERR_INVALID);
    assert_err(tls_session_new(tls, TLS_CLIENT, ".example", &session, NULL), ERR_INVALID);
    tls_free(tls);
}

static void
a_certificate_without_a_name_has_none(void **state UNUSED)
{
    test_cert_issue(&dir, "odd", &ca, &(struct test_cert){.alt_names = "DNS:a.example"});
    struct pair p = shake_hands(identity("odd"), NULL, identity("server"), "a.example");
    assert_ok(p.server.err);
    assert_string_equal(tls_session_peer_name(p.server.session), "");
    pair_fini(&p);
}

static void
a_name_must_be_one_and_printable(void **state UNUSED)
{
    static const struct test_cert odd[] = {{.name = "edge-7", .second_name = "controller"},
                                           {.name = "edge-7\nforged"}};
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
        test_cert_issue(&dir, "odd", &ca, &odd[i]);
        struct pair p = shake_hands(identity("odd"), NULL, identity("server"), NULL);
        assert_err(p.server.err, ERR_DENIED);
        assert_false(tls_session_is_established(p.server.session));
        pair_fini(&p);
    }
}

/* ---- who is let in */

static void
an_expired_certificate_is_refused(void **state UNUSED)
{
    assert_client_refused(
        &ca, &(struct test_cert){.name = "edge-7", .from_s = -7200, .to_s = -60}, NULL,
        "TLS: peer's certificate not accepted: certificate has expired (CN=edge-7)",
        "TLS: the peer refused us: certificate expired");
}

static void
a_certificate_that_is_not_valid_yet_is_refused(void **state UNUSED)
{
    assert_client_refused(
        &ca, &(struct test_cert){.name = "edge-7", .from_s = 600, .to_s = 7200}, NULL,
        "TLS: peer's certificate not accepted: certificate is not yet valid (CN=edge-7)",
        "TLS: the peer refused us: bad certificate");
}

static void
a_certificate_of_another_ca_is_refused(void **state UNUSED)
{
    assert_client_refused(
        &other_ca, &(struct test_cert){.name = "edge-7"}, NULL,
        "TLS: peer's certificate not accepted: unable to get local issuer certificate (CN=edge-7)",
        "TLS: the peer refused us: unknown CA");
}

static void
a_certificate_meant_for_servers_is_no_client_s(void **state UNUSED)
{
    assert_client_refused(
        &ca, &(struct test_cert){.name = "edge-7", .purpose = "serverAuth"}, NULL,
        "TLS: peer's certificate not accepted: unsuitable certificate purpose (CN=edge-7)",
        "TLS: the peer refused us: unsupported certificate");
    test_cert_issue(&dir, "odd", &ca,
                    &(struct test_cert){.name = "s", .purpose = "serverAuth,clientAuth"});
    assert_accepted(identity("odd"), NULL, identity("odd"), NULL);
}

static void
a_client_refuses_an_expired_server(void **state UNUSED)
{
    test_cert_issue(&dir, "odd", &ca,
                    &(struct test_cert){.name = "controller", .from_s = -7200, .to_s = -60});
    struct pair p = shake_hands(identity("client"), NULL, identity("odd"), NULL);
    assert_err(p.client.err, ERR_DENIED);
    assert_false(tls_session_is_established(p.client.session));
    assert_string_equal(
        p.client.diag.text,
        "TLS: peer's certificate not accepted: certificate has expired (CN=controller)");
    assert_string_equal(p.server.diag.text, "TLS: the peer refused us: certificate expired");
    pair_fini(&p);
}

/* ---- peers that are not our own code: a bare OpenSSL client, set up as we would not */

struct bare {
    SSL_CTX *ctx;
    SSL *ssl;
};

static struct bare
bare_new(const char *stem, int max_version, const char *ciphers)
{
    struct bare b = {.ctx = SSL_CTX_new(TLS_client_method())};
    char path[TEST_PATH_SIZE], name[64];
    SSL_CTX_set_security_level(b.ctx, 0);
    SSL_CTX_set_min_proto_version(b.ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(b.ctx, max_version);
    if (ciphers)
        assert_int_equal(SSL_CTX_set_cipher_list(b.ctx, ciphers), 1);
    if (stem) {
        snprintf(name, sizeof name, "%s.crt", stem);
        SSL_CTX_use_certificate_chain_file(b.ctx, test_path(&dir, name, path));
        snprintf(name, sizeof name, "%s.key", stem);
        SSL_CTX_use_PrivateKey_file(b.ctx, test_path(&dir, name, path), SSL_FILETYPE_PEM);
    }
    b.ssl = SSL_new(b.ctx);
    SSL_set_bio(b.ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(b.ssl);
    return b;
}

static void
bare_free(struct bare *b)
{
    SSL_free(b->ssl);
    SSL_CTX_free(b->ctx);
}

/* Shakes hands until nothing moves any more; the server's end tells the outcome. */
static struct end
bare_meets(struct bare *b, bool only_1_3)
{
    struct end server;
    struct tls *tls = identity("server");
    bool moved = true;
    end_init(&server, tls, TLS_SERVER, NULL);
    tls_free(tls);
    if (only_1_3)
        tls_session_require_1_3(server.session);
    while (moved) {
        char *data;
        struct buf wire = BUF_INIT;
        SSL_do_handshake(b->ssl);
        long size = BIO_get_mem_data(SSL_get_wbio(b->ssl), &data);
        moved = size > 0;
        if (moved)
            end_input(&server, data, (size_t)size);
        (void)BIO_reset(SSL_get_wbio(b->ssl));
        tls_session_output(server.session, &wire);
        if (wire.size)
            BIO_write(SSL_get_rbio(b->ssl), wire.data, (int)wire.size);
        moved |= wire.size > 0;
        buf_fini(&wire);
    }
    return server;
}

static struct end
bare_meets_server(struct bare *b)
{
    return bare_meets(b, false);
}

static void
a_client_without_a_certificate_is_refused(void **state UNUSED)
{
    struct bare b = bare_new(NULL, TLS1_3_VERSION, NULL);
    struct end server = bare_meets_server(&b);
    assert_err(server.err, ERR_DENIED);
    assert_string_equal(server.diag.text, "TLS: peer did not return a certificate");
    tls_session_free(server.session);
    bare_free(&b);
}

static void
tls_1_2_is_good_enough_and_1_1_is_not(void **state UNUSED)
{
    struct bare good = bare_new("client", TLS1_2_VERSION, NULL);
    struct end server = bare_meets_server(&good);
    assert_ok(server.err);
    assert_true(tls_session_is_established(server.session));
    tls_session_free(server.session);
    bare_free(&good);

    struct bare old = bare_new("client", TLS1_1_VERSION, NULL);
    server = bare_meets_server(&old);
    assert_err(server.err, ERR_DENIED);
    assert_string_equal(server.diag.text, "TLS: unsupported protocol");
    tls_session_free(server.session);
    bare_free(&old);
}

static void
a_session_can_ask_for_1_3(void **state UNUSED)
{
    struct bare old = bare_new("client", TLS1_2_VERSION, NULL);
    struct end server = bare_meets(&old, true);
    assert_err(server.err, ERR_DENIED);
    assert_string_equal(server.diag.text, "TLS: unsupported protocol");
    tls_session_free(server.session);
    bare_free(&old);

    struct bare good = bare_new("client", TLS1_3_VERSION, NULL);
    server = bare_meets(&good, true);
    assert_ok(server.err);
    assert_true(tls_session_is_established(server.session));
    tls_session_free(server.session);
    bare_free(&good);
}

static void
tls_1_2_without_aead_is_refused(void **state UNUSED)
{
    struct bare b = bare_new("client", TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA384");
    struct end server = bare_meets_server(&b);
    assert_err(server.err, ERR_DENIED);
    assert_string_equal(server.diag.text, "TLS: no shared cipher");
    tls_session_free(server.session);
    bare_free(&b);
}

static void
no_session_can_be_resumed(void **state UNUSED)
{
    struct bare b = bare_new("client", TLS1_3_VERSION, NULL);
    struct end server = bare_meets_server(&b);
    assert_ok(server.err);
    assert_int_equal(SSL_SESSION_is_resumable(SSL_get0_session(b.ssl)), 0);
    tls_session_free(server.session);
    bare_free(&b);
}

static void
what_is_not_tls_is_malformed(void **state UNUSED)
{
    static const char *const garbage[] = {
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"id\":1}\n",
        "\x16\x03\x01\xff\xff garbage behind a plausible start",
    };
    for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
        struct end server;
        struct tls *tls = identity("server");
        end_init(&server, tls, TLS_SERVER, NULL);
        end_input(&server, garbage[i], strlen(garbage[i]));
        assert_err(server.err, ERR_MALFORMED);
        tls_session_free(server.session);
        tls_free(tls);
    }
}

/* ---- data */

static void
data_passes_both_ways_unchanged(void **state UNUSED)
{
    enum { SIZE = 1 << 20 };
    struct pair p = shake_hands(identity("client"), NULL, identity("server"), NULL);
    uint8_t *data = malloc(SIZE);
    struct buf got = BUF_INIT;
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(i * 7 + (i >> 11));
    struct end *ends[] = {&p.client, &p.server};
    for (int i = 0; i < 2; i++) {
        assert_ok(tls_session_write(ends[i]->session, data, SIZE, NULL));
        carry(ends[i], ends[1 - i]);
        end_read(ends[1 - i], &got);
        assert_ok(ends[1 - i]->err);
        assert_int_equal(got.size, SIZE);
        assert_memory_equal(got.data, data, SIZE);
        buf_clear(&got);
    }
    buf_fini(&got);
    free(data);
    pair_fini(&p);
}

static void
works_when_octets_arrive_one_by_one(void **state UNUSED)
{
    struct pair p;
    struct tls *client = identity("client"), *server = identity("server");
    end_init(&p.client, client, TLS_CLIENT, NULL);
    end_init(&p.server, server, TLS_SERVER, NULL);
    assert_ok(tls_session_start(p.client.session, NULL));
    struct end *from = &p.client, *to = &p.server;
    for (int flight = 0; flight < 4; flight++) {
        struct buf wire = BUF_INIT;
        tls_session_output(from->session, &wire);
        for (size_t i = 0; i < wire.size; i++)
            end_input(to, wire.data + i, 1);
        buf_fini(&wire);
        struct end *swap = from;
        from = to;
        to = swap;
    }
    assert_true(tls_session_is_established(p.client.session));
    assert_true(tls_session_is_established(p.server.session));
    pair_fini(&p);
    tls_free(client);
    tls_free(server);
}

static void
nothing_can_be_written_before_the_handshake(void **state UNUSED)
{
    struct end client;
    struct tls *tls = identity("client");
    end_init(&client, tls, TLS_CLIENT, NULL);
    assert_err(tls_session_write(client.session, "x", 1, NULL), ERR_BUSY);
    tls_session_free(client.session);
    tls_free(tls);
}

static void
a_flipped_bit_is_noticed(void **state UNUSED)
{
    struct pair p = shake_hands(identity("client"), NULL, identity("server"), NULL);
    struct buf wire = BUF_INIT, plain = BUF_INIT;
    assert_ok(tls_session_write(p.client.session, "open breaker 7", 14, NULL));
    tls_session_output(p.client.session, &wire);
    wire.data[wire.size - 1] ^= 1;
    end_input(&p.server, wire.data, wire.size);
    end_read(&p.server, &plain);
    assert_err(p.server.err, ERR_MALFORMED);
    assert_int_equal(plain.size, 0);
    buf_fini(&wire);
    buf_fini(&plain);
    pair_fini(&p);
}

static void
the_end_is_said_and_understood(void **state UNUSED)
{
    struct pair p = shake_hands(identity("client"), NULL, identity("server"), NULL);
    struct buf plain = BUF_INIT;
    assert_ok(tls_session_write(p.client.session, "last words", 10, NULL));
    tls_session_end(p.client.session);
    carry(&p.client, &p.server);
    end_read(&p.server, &plain);
    assert_err(p.server.err, ERR_CLOSED);
    assert_string_equal(buf_cstr(&plain), "last words");
    buf_fini(&plain);
    pair_fini(&p);
}

/* ---- files */

static void
assert_load_fails(const char *ca_file, const char *cert_file, const char *key_file, enum err err,
                  const char *text)
{
    struct diag diag;
    struct tls *tls;
    char expected[400];
    assert_err(load(ca_file, cert_file, key_file, &tls, &diag), err);
    snprintf(expected, sizeof expected, "%s/%s", dir.path, text);
    assert_string_equal(diag.text, expected);
}

static void
errors_name_the_file_and_the_reason(void **state UNUSED)
{
    assert_load_fails("none.crt", "server.crt", "server.key", ERR_NOT_FOUND,
                      "none.crt: No such file or directory");
    assert_load_fails("ca.crt", "none.crt", "server.key", ERR_NOT_FOUND,
                      "none.crt: No such file or directory");
    assert_load_fails("ca.crt", "server.crt", "none.key", ERR_NOT_FOUND,
                      "none.key: No such file or directory");
    assert_load_fails("server.key", "server.crt", "server.key", ERR_MALFORMED,
                      "server.key: no certificate or crl found");
    assert_load_fails("ca.crt", "server.key", "server.key", ERR_MALFORMED,
                      "server.key: no start line");
    assert_load_fails("ca.crt", "server.crt", "ca.crt", ERR_MALFORMED, "ca.crt: unsupported");
}

static void
a_key_of_another_certificate_is_named_as_that(void **state UNUSED)
{
    struct diag diag;
    struct tls *tls;
    assert_err(load("ca.crt", "server.crt", "client.key", &tls, &diag), ERR_CONFLICT);
    assert_non_null(strstr(diag.text, "client.key: not the key of the certificate in "));
}

static void
an_encrypted_key_is_refused_and_nobody_is_asked(void **state UNUSED)
{
    char path[TEST_PATH_SIZE];
    struct diag diag;
    struct tls *tls;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *file = fopen(test_path(&dir, "locked.key", path), "w");
    PEM_write_PrivateKey(file, key, EVP_aes_256_cbc(), (const unsigned char *)"secret", 6, NULL,
                         NULL);
    fclose(file);
    EVP_PKEY_free(key);
    assert_err(load("ca.crt", "server.crt", "locked.key", &tls, &diag), ERR_MALFORMED);
    assert_null(strstr(diag.text, "secret"));
}

static void
a_reload_counts_for_new_sessions_only(void **state UNUSED)
{
    test_cert_issue(&dir, "changing", &ca, &(struct test_cert){.name = "before"});
    struct tls *server = identity("changing");
    struct pair old = shake_hands(identity("client"), NULL, tls_ref(server), NULL);
    test_cert_issue(&dir, "changing", &ca, &(struct test_cert){.name = "after"});
    assert_ok(tls_reload(server, NULL));
    struct pair new = shake_hands(identity("client"), NULL, tls_ref(server), NULL);
    tls_free(server);
    assert_string_equal(tls_session_peer_name(old.client.session), "before");
    assert_string_equal(tls_session_peer_name(new.client.session), "after");
    struct buf plain = BUF_INIT;
    assert_ok(tls_session_write(old.server.session, "still here", 10, NULL));
    carry(&old.server, &old.client);
    end_read(&old.client, &plain);
    assert_string_equal(buf_cstr(&plain), "still here");
    buf_fini(&plain);
    pair_fini(&old);
    pair_fini(&new);
}

static void
a_reload_that_fails_changes_nothing(void **state UNUSED)
{
    char path[TEST_PATH_SIZE];
    test_cert_issue(&dir, "changing", &ca, &(struct test_cert){.name = "before"});
    struct tls *server = identity("changing");
    FILE *file = fopen(test_path(&dir, "changing.crt", path), "w");
    fputs("half a certif", file);
    fclose(file);
    assert_err(tls_reload(server, NULL), ERR_MALFORMED);
    struct pair p = shake_hands(identity("client"), "before", server, NULL);
    assert_ok(p.client.err);
    pair_fini(&p);
}

static void
tells_when_its_certificate_expires(void **state UNUSED)
{
    test_cert_issue(&dir, "odd", &ca, &(struct test_cert){.name = "x", .from_s = -60, .to_s = 600});
    struct tls *tls = identity("odd");
    nsec_t left = tls_not_after(tls) - clock_wall();
    assert_in_range(left / NSEC_PER_SEC, 500, 600);
    tls_free(tls);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_learn_the_other_s_name),
        cmocka_unit_test(a_name_asked_for_is_the_common_name_or_a_dns_name),
        cmocka_unit_test(another_name_is_refused_by_either_side),
        cmocka_unit_test(a_wildcard_is_not_every_name),
        cmocka_unit_test(a_name_that_cannot_be_compared_is_refused_beforehand),
        cmocka_unit_test(a_certificate_without_a_name_has_none),
        cmocka_unit_test(a_name_must_be_one_and_printable),
        cmocka_unit_test(an_expired_certificate_is_refused),
        cmocka_unit_test(a_certificate_that_is_not_valid_yet_is_refused),
        cmocka_unit_test(a_certificate_of_another_ca_is_refused),
        cmocka_unit_test(a_certificate_meant_for_servers_is_no_client_s),
        cmocka_unit_test(a_client_refuses_an_expired_server),
        cmocka_unit_test(a_client_without_a_certificate_is_refused),
        cmocka_unit_test(tls_1_2_is_good_enough_and_1_1_is_not),
        cmocka_unit_test(a_session_can_ask_for_1_3),
        cmocka_unit_test(tls_1_2_without_aead_is_refused),
        cmocka_unit_test(no_session_can_be_resumed),
        cmocka_unit_test(what_is_not_tls_is_malformed),
        cmocka_unit_test(data_passes_both_ways_unchanged),
        cmocka_unit_test(works_when_octets_arrive_one_by_one),
        cmocka_unit_test(nothing_can_be_written_before_the_handshake),
        cmocka_unit_test(a_flipped_bit_is_noticed),
        cmocka_unit_test(the_end_is_said_and_understood),
        cmocka_unit_test(errors_name_the_file_and_the_reason),
        cmocka_unit_test(a_key_of_another_certificate_is_named_as_that),
        cmocka_unit_test(an_encrypted_key_is_refused_and_nobody_is_asked),
        cmocka_unit_test(a_reload_counts_for_new_sessions_only),
        cmocka_unit_test(a_reload_that_fails_changes_nothing),
        cmocka_unit_test(tells_when_its_certificate_expires),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
