#include "io/tls_private.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Chains in a utility are short: root, site or vendor CA, one more to spare, and the node. */
#define MAX_CHAIN 4

/* TLS 1.2: ephemeral keys and AEAD only (RFC 9325 section 4.2). TLS 1.3 has nothing else. */
#define TLS12_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

const char *
tls_reason(unsigned long *code)
{
    unsigned long first = ERR_get_error();
    ERR_clear_error();
    if (code)
        *code = first;
    if (ERR_SYSTEM_ERROR(first))
        return strerror(ERR_GET_REASON(first));
    const char *text = ERR_reason_error_string(first);
    return text ? text : "unknown error";
}

/* Never asks on the terminal. */
static int
no_password(char *buf UNUSED, int size UNUSED, int for_writing UNUSED, void *arg UNUSED)
{
    return -1;
}

/* OpenSSL says less than errno about files that are not there. */
static enum err
check_readable(const char *file, struct diag *diag)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        enum err err = errno == ENOENT ? ERR_NOT_FOUND : errno == EACCES ? ERR_DENIED : ERR_IO;
        return diag_set(diag, err, "%s: %s", file, strerror(errno));
    }
    close(fd);
    return ERR_OK;
}

static enum err
load_ca(SSL_CTX *ctx, const char *file, struct diag *diag)
{
    enum err err = check_readable(file, diag);
    if (err)
        return err;
    STACK_OF(X509_NAME) *names = NULL;
    if (SSL_CTX_load_verify_file(ctx, file) == 1)
        names = SSL_load_client_CA_file(file);
    if (!names)
        return diag_set(diag, ERR_MALFORMED, "%s: %s", file, tls_reason(NULL));
    SSL_CTX_set_client_CA_list(ctx, names);
    return ERR_OK;
}

static enum err
load_identity(SSL_CTX *ctx, const char *cert_file, const char *key_file, struct diag *diag)
{
    enum err err = check_readable(cert_file, diag);
    if (!err)
        err = check_readable(key_file, diag);
    if (err)
        return err;
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1)
        return diag_set(diag, ERR_MALFORMED, "%s: %s", cert_file, tls_reason(NULL));
    if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1) {
        unsigned long code;
        const char *reason = tls_reason(&code);
        bool other = ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH ||
                     ERR_GET_REASON(code) == X509_R_KEY_TYPE_MISMATCH;
        if (ERR_GET_LIB(code) == ERR_LIB_X509 && other)
            return diag_set(diag, ERR_CONFLICT, "%s: not the key of the certificate in %s (%s)",
                            key_file, cert_file, reason);
        return diag_set(diag, ERR_MALFORMED, "%s: %s", key_file, reason);
    }
    return ERR_OK;
}

static SSL_CTX *
make_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) ||
        !SSL_CTX_set_cipher_list(ctx, TLS12_CIPHERS)) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    SSL_CTX_set_security_level(ctx, 2);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       tls_session_on_verify);
    SSL_CTX_set_verify_depth(ctx, MAX_CHAIN);
    SSL_CTX_set_default_passwd_cb(ctx, no_password);
    return ctx;
}

static enum err
load(const struct tls *tls, SSL_CTX **result, struct diag *diag)
{
    ERR_clear_error();
    SSL_CTX *ctx = make_context();
    if (!ctx)
        return diag_set(diag, ERR_IO, "OpenSSL: %s", tls_reason(NULL));
    enum err err = load_ca(ctx, tls->ca_file, diag);
    if (!err)
        err = load_identity(ctx, tls->cert_file, tls->key_file, diag);
    if (err) {
        SSL_CTX_free(ctx);
        return err;
    }
    *result = ctx;
    return ERR_OK;
}

enum err
tls_new(const struct tls_config *config, struct tls **result, struct diag *diag)
{
    struct tls *tls = xcalloc(1, sizeof *tls);
    tls->n_owners = 1;
    tls->ca_file = xstrdup(config->ca_file);
    tls->cert_file = xstrdup(config->cert_file);
    tls->key_file = xstrdup(config->key_file);
    enum err err = load(tls, &tls->ctx, diag);
    if (err) {
        tls_free(tls);
        return err;
    }
    *result = tls;
    return ERR_OK;
}

struct tls *
tls_ref(struct tls *tls)
{
    tls->n_owners++;
    return tls;
}

void
tls_free(struct tls *tls)
{
    if (!tls || --tls->n_owners)
        return;
    SSL_CTX_free(tls->ctx); /* sessions hold their own reference */
    free(tls->ca_file);
    free(tls->cert_file);
    free(tls->key_file);
    free(tls);
}

enum err
tls_reload(struct tls *tls, struct diag *diag)
{
    SSL_CTX *next;
    enum err err = load(tls, &next, diag);
    if (err)
        return err;
    SSL_CTX_free(tls->ctx);
    tls->ctx = next;
    return ERR_OK;
}

nsec_t
tls_not_after(const struct tls *tls)
{
    struct tm tm;
    if (!ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(tls->ctx)), &tm))
        return 0; /* a date that cannot be read is past */
    time_t seconds = timegm(&tm);
    return seconds > NSEC_NEVER / NSEC_PER_SEC ? NSEC_NEVER : (nsec_t)seconds * NSEC_PER_SEC;
}
