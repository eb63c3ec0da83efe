/* testing.h - for tests that need a loop, a temporary directory, or certificates. Static functions
 * only: the library itself knows nothing of tests. Link ext_uv and ext_ssl (tl_io brings both). */
#ifndef IO_TESTING_H
#define IO_TESTING_H

#include "base/testing.h"

#include <dirent.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

/* ---- loop */

/* How long a test that hangs may hang; nothing is timed by it. The loop wakes that often, because
 * UV_RUN_ONCE goes to sleep after it has run the timers that were due, and not before. */
#define TEST_PATIENCE_MS 240000
#define TEST_TICK_MS 10

struct watchdog {
    uv_timer_t timer;
    const char *what;
    unsigned ticks; /* counted, so that it does not matter if the machine stands still */
};

static inline UNUSED void
watchdog_ticks(uv_timer_t *timer)
{
    struct watchdog *watchdog = (struct watchdog *)timer;
    if (++watchdog->ticks == TEST_PATIENCE_MS / TEST_TICK_MS)
        fail_msg("still waiting for: %s", watchdog->what);
}

static inline UNUSED uv_timer_t *
watchdog_new(uv_loop_t *loop, const char *what)
{
    struct watchdog *watchdog = malloc(sizeof *watchdog);
    *watchdog = (struct watchdog){.what = what};
    uv_timer_init(loop, &watchdog->timer);
    uv_timer_start(&watchdog->timer, watchdog_ticks, TEST_TICK_MS, TEST_TICK_MS);
    return &watchdog->timer;
}

static inline UNUSED void
watchdog_closed(uv_handle_t *watchdog)
{
    free(watchdog); /* its first member */
}

static inline UNUSED void
watchdog_free(uv_timer_t *watchdog)
{
    uv_close((uv_handle_t *)watchdog, watchdog_closed);
}

/* Runs the loop until the condition holds; the test fails if it never does. */
#define RUN_UNTIL(loop, condition)                                                                 \
    do {                                                                                           \
        uv_timer_t *watchdog_ = watchdog_new((loop), #condition);                                  \
        while (!(condition))                                                                       \
            uv_run((loop), UV_RUN_ONCE);                                                           \
        watchdog_free(watchdog_);                                                                  \
    } while (0)

/* A few turns without waiting: what was to happen at once has happened. */
static inline UNUSED void
run_turns(uv_loop_t *loop, int n)
{
    while (n-- > 0)
        uv_run(loop, UV_RUN_NOWAIT);
}

static inline UNUSED uv_loop_t *
test_loop_new(void)
{
    uv_loop_t *loop = malloc(sizeof *loop);
    assert_int_equal(uv_loop_init(loop), 0);
    return loop;
}

/* Runs out what is left, and fails if something would keep the loop alive for ever. */
static inline UNUSED void
test_loop_free(uv_loop_t *loop)
{
    uv_timer_t *watchdog = watchdog_new(loop, "the loop to be empty");
    uv_unref((uv_handle_t *)watchdog);
    uv_run(loop, UV_RUN_DEFAULT);
    watchdog_free(watchdog);
    uv_run(loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(loop), 0);
    free(loop);
}

/* ---- files */

#define TEST_PATH_SIZE 108 /* as much as the path of a Unix socket may have */

struct test_dir {
    char path[32];
};

static inline UNUSED struct test_dir
test_dir_make(void)
{
    struct test_dir dir = {"/tmp/tieline-test-XXXXXX"};
    assert_non_null(mkdtemp(dir.path));
    return dir;
}

/* Formats DIR/NAME into `path`, which holds TEST_PATH_SIZE octets, and returns it. */
static inline UNUSED char *
test_path(const struct test_dir *dir, const char *name, char *path)
{
    snprintf(path, TEST_PATH_SIZE, "%s/%s", dir->path, name);
    return path;
}

/* The directory holds files only. */
static inline UNUSED void
test_dir_remove(const struct test_dir *dir)
{
    DIR *entries = opendir(dir->path);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        char path[sizeof dir->path + sizeof entry->d_name + 1];
        snprintf(path, sizeof path, "%s/%s", dir->path, entry->d_name);
        unlink(path);
    }
    closedir(entries);
    assert_int_equal(rmdir(dir->path), 0);
}

/* ---- certificates: P-256, valid from an hour ago for a day unless said otherwise */

struct test_ca {
    X509 *cert;
    EVP_PKEY *key;
};

struct test_cert {
    const char *name;        /* common name; NULL: none */
    const char *second_name; /* another common name; NULL: none */
    const char *alt_names;   /* "DNS:a,DNS:b"; NULL: none */
    const char *purpose;     /* extendedKeyUsage, "serverAuth"; NULL: any */
    long from_s, to_s;       /* validity, relative to now; both 0: as above */
};

static inline UNUSED void
test_cert_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static inline UNUSED void
test_cert_add_name(X509 *cert, const char *name)
{
    if (name)
        assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
                                                    MBSTRING_UTF8, (const unsigned char *)name, -1,
                                                    -1, 0),
                         1);
}

static inline UNUSED X509 *
test_cert_new(const struct test_cert *what, EVP_PKEY *key, bool is_ca)
{
    static long serial;
    bool standard = what->from_s == 0 && what->to_s == 0;
    X509 *cert = X509_new();
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), standard ? -3600 : what->from_s);
    X509_gmtime_adj(X509_getm_notAfter(cert), standard ? 86400 : what->to_s);
    X509_set_pubkey(cert, key);
    test_cert_add_name(cert, what->name);
    test_cert_add_name(cert, what->second_name);
    test_cert_extension(cert, cert, NID_basic_constraints,
                        is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (what->alt_names)
        test_cert_extension(cert, cert, NID_subject_alt_name, what->alt_names);
    if (what->purpose)
        test_cert_extension(cert, cert, NID_ext_key_usage, what->purpose);
    return cert;
}

static inline UNUSED struct test_ca
test_ca_make(const char *name)
{
    struct test_ca ca = {.key = EVP_EC_gen("P-256")};
    ca.cert = test_cert_new(&(struct test_cert){.name = name}, ca.key, true);
    X509_set_issuer_name(ca.cert, X509_get_subject_name(ca.cert));
    assert_true(X509_sign(ca.cert, ca.key, EVP_sha256()) > 0);
    return ca;
}

static inline UNUSED void
test_ca_free(struct test_ca *ca)
{
    X509_free(ca->cert);
    EVP_PKEY_free(ca->key);
}

static inline UNUSED void
test_pem_write(const struct test_dir *dir, const char *name, X509 *cert, EVP_PKEY *key)
{
    char path[TEST_PATH_SIZE];
    FILE *file = fopen(test_path(dir, name, path), "w");
    assert_non_null(file);
    if (cert)
        assert_int_equal(PEM_write_X509(file, cert), 1);
    if (key)
        assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
}

/* Writes STEM.crt and STEM.key: a certificate that `ca` issues, and its key. */
static inline UNUSED void
test_cert_issue(const struct test_dir *dir, const char *stem, const struct test_ca *ca,
                const struct test_cert *what)
{
    char name[64];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = test_cert_new(what, key, false);
    X509_set_issuer_name(cert, X509_get_subject_name(ca->cert));
    assert_true(X509_sign(cert, ca->key, EVP_sha256()) > 0);
    snprintf(name, sizeof name, "%s.crt", stem);
    test_pem_write(dir, name, cert, NULL);
    snprintf(name, sizeof name, "%s.key", stem);
    test_pem_write(dir, name, NULL, key);
    X509_free(cert);
    EVP_PKEY_free(key);
}

#endif
