/* tls_session.c - one TLS connection between two memory BIOs: what the peer sent goes into `in`,
 * what it has to get comes out of `out`. OpenSSL never sees a socket and never blocks. */
#include "io/tls_private.h"

#include "base/alloc.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct tls_session {
    SSL *ssl;
    BIO *in, *out; /* owned by `ssl` */
    bool established, failed;
    bool anonymous; /* a peer without a certificate is taken */
    char peer_name[TLS_NAME_SIZE], peer_serial[TLS_SERIAL_SIZE];
    char refused[200]; /* subject of the certificate we refuse; "" while there is none */
};

static bool
comparable(const char *name)
{
    return name[0] && name[0] != '.' && strlen(name) < 256;
}

static bool
set_up(struct tls_session *s, struct tls *tls, enum tls_role role, const char *peer_name)
{
    s->ssl = SSL_new(tls->ctx);
    s->in = BIO_new(BIO_s_mem());
    s->out = BIO_new(BIO_s_mem());
    if (!s->ssl || !s->in || !s->out) {
        BIO_free(s->in);
        BIO_free(s->out);
        return false;
    }
    BIO_set_mem_eof_return(s->in, -1); /* empty means: not yet */
    SSL_set_bio(s->ssl, s->in, s->out);
    SSL_set_app_data(s->ssl, s);
    if (role == TLS_CLIENT)
        SSL_set_connect_state(s->ssl);
    else
        SSL_set_accept_state(s->ssl);
    SSL_set_hostflags(s->ssl, X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT);
    return !peer_name || SSL_set1_host(s->ssl, peer_name) == 1;
}

enum err
tls_session_new(struct tls *tls, enum tls_role role, const char *peer_name,
                struct tls_session **result, struct diag *diag)
{
    if (peer_name && !comparable(peer_name))
        return diag_set(diag, ERR_INVALID, "\"%.80s\" is not the name of a peer", peer_name);
    ERR_clear_error();
    struct tls_session *s = xcalloc(1, sizeof *s);
    if (!set_up(s, tls, role, peer_name)) {
        tls_session_free(s);
        return diag_set(diag, ERR_IO, "OpenSSL: %s", tls_reason(NULL));
    }
    *result = s;
    return ERR_OK;
}

void
tls_session_free(struct tls_session *s)
{
    if (!s)
        return;
    SSL_free(s->ssl);
    free(s);
}

void
tls_session_require_1_3(struct tls_session *s)
{
    SSL_set_min_proto_version(s->ssl, TLS1_3_VERSION);
}

void
tls_session_let_anonymous(struct tls_session *s)
{
    s->anonymous = true;
    SSL_set_verify(s->ssl, SSL_VERIFY_PEER, tls_session_on_verify);
}

/* Keeps the subject of the certificate that was not accepted, for the error's text. */
int
tls_session_on_verify(int accepted, X509_STORE_CTX *store)
{
    if (accepted)
        return 1;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_session *s = SSL_get_app_data(ssl);
    X509 *cert = X509_STORE_CTX_get_current_cert(store);
    BIO *text = BIO_new(BIO_s_mem());
    if (text && cert) {
        X509_NAME_print_ex(text, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253);
        int n = BIO_read(text, s->refused, sizeof s->refused - 1);
        s->refused[MAX(n, 0)] = '\0';
    }
    BIO_free(text);
    return 0;
}

/* RFC 8446 section 6: the alerts that mean "not you" or "not like this". */
static bool
alert_is_refusal(int alert)
{
    return (alert >= SSL_AD_HANDSHAKE_FAILURE && alert <= SSL_AD_CERTIFICATE_UNKNOWN) ||
           alert == SSL_AD_UNKNOWN_CA || alert == SSL_AD_ACCESS_DENIED ||
           alert == SSL_AD_PROTOCOL_VERSION || alert == SSL_AD_INSUFFICIENT_SECURITY ||
           alert == SSL_AD_UNRECOGNIZED_NAME || alert == SSL_AD_CERTIFICATE_REQUIRED;
}

static enum err
explain(struct tls_session *s, struct diag *diag)
{
    unsigned long code;
    const char *reason = tls_reason(&code);
    int number = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    if (number == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return diag_set(diag, ERR_DENIED, "TLS: peer's certificate not accepted: %s (%s)",
                        X509_verify_cert_error_string(SSL_get_verify_result(s->ssl)), s->refused);
    if (number >= SSL_AD_REASON_OFFSET) {
        int alert = number - SSL_AD_REASON_OFFSET;
        bool refusal = alert_is_refusal(alert);
        return diag_set(diag, refusal ? ERR_DENIED : ERR_CLOSED, "TLS: %s: %s",
                        refusal ? "the peer refused us" : "the peer gave up",
                        SSL_alert_desc_string_long(alert));
    }
    bool refused = number == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE ||
                   number == SSL_R_UNSUPPORTED_PROTOCOL || number == SSL_R_NO_SHARED_CIPHER;
    return diag_set(diag, refused ? ERR_DENIED : ERR_MALFORMED, "TLS: %s", reason);
}

/* What the result of an SSL_ function means, when it did not do what it was asked for. */
static enum err
check(struct tls_session *s, int result, struct diag *diag)
{
    switch (SSL_get_error(s->ssl, result)) {
    case SSL_ERROR_NONE:
    case SSL_ERROR_WANT_READ:
        return ERR_OK;
    case SSL_ERROR_ZERO_RETURN:
        return diag_set(diag, ERR_CLOSED, "closed by the other side");
    default:
        s->failed = true;
        return explain(s, diag);
    }
}

static void
take_peer_serial(struct tls_session *s, X509 *cert)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    char *text = number ? BN_bn2hex(number) : NULL;
    if (text && strlen(text) < sizeof s->peer_serial)
        memcpy(s->peer_serial, text, strlen(text) + 1);
    OPENSSL_free(text);
    BN_free(number);
}

/* The name everything else goes by must be one, and readable. */
static enum err
take_peer_name(struct tls_session *s, struct diag *diag)
{
    X509 *cert = SSL_get0_peer_certificate(s->ssl);
    if (!cert)
        return s->anonymous ? ERR_OK
                            : diag_set(diag, ERR_DENIED, "TLS: the peer shows no certificate");
    X509_NAME *subject = X509_get_subject_name(cert);
    take_peer_serial(s, cert);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0)
        return ERR_OK;
    if (X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
        return diag_set(diag, ERR_DENIED, "TLS: peer's certificate has two common names");
    unsigned char *text = NULL;
    int size = ASN1_STRING_to_UTF8(&text,
                                   X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    bool good = size > 0 && size < TLS_NAME_SIZE;
    for (int i = 0; good && i < size; i++)
        good = text[i] >= ' ' && text[i] != 0x7f;
    if (good)
        memcpy(s->peer_name, text, (size_t)size);
    OPENSSL_free(text);
    if (!good)
        return diag_set(diag, ERR_DENIED, "TLS: the common name of peer's certificate is no name");
    return ERR_OK;
}

static enum err
handshake(struct tls_session *s, struct diag *diag)
{
    ERR_clear_error();
    int result = SSL_do_handshake(s->ssl);
    if (result != 1)
        return check(s, result, diag);
    enum err err = take_peer_name(s, diag);
    s->established = !err;
    s->failed = err;
    return err;
}

enum err
tls_session_start(struct tls_session *s, struct diag *diag)
{
    return handshake(s, diag);
}

enum err
tls_session_input(struct tls_session *s, const void *data, size_t size, struct diag *diag)
{
    for (const uint8_t *at = data; size > 0;) {
        int n = BIO_write(s->in, at, (int)MIN(size, 1 << 20));
        if (n <= 0)
            return diag_set(diag, ERR_LIMIT, "TLS: %s", tls_reason(NULL));
        at += n;
        size -= (size_t)n;
    }
    return s->established ? ERR_OK : handshake(s, diag);
}

bool
tls_session_is_established(const struct tls_session *s)
{
    return s->established;
}

const char *
tls_session_peer_name(const struct tls_session *s)
{
    return s->peer_name;
}

const char *
tls_session_peer_serial(const struct tls_session *s)
{
    return s->peer_serial;
}

enum err
tls_session_read(struct tls_session *s, void *data, size_t size, size_t *n, struct diag *diag)
{
    *n = 0;
    if (!s->established || s->failed)
        return ERR_OK;
    ERR_clear_error();
    int result = SSL_read_ex(s->ssl, data, size, n);
    return result == 1 ? ERR_OK : check(s, result, diag);
}

enum err
tls_session_write(struct tls_session *s, const void *data, size_t size, struct diag *diag)
{
    if (!s->established)
        return diag_set(diag, ERR_BUSY, "TLS: the handshake is not over");
    if (size == 0)
        return ERR_OK;
    ERR_clear_error();
    size_t written;
    int result = SSL_write_ex(s->ssl, data, size, &written);
    return result == 1 ? ERR_OK : check(s, result, diag);
}

void
tls_session_end(struct tls_session *s)
{
    if (!s->established || s->failed)
        return;
    ERR_clear_error();
    if (SSL_shutdown(s->ssl) < 0)
        ERR_clear_error();
}

void
tls_session_output(struct tls_session *s, struct buf *out)
{
    char *data;
    long size = BIO_get_mem_data(s->out, &data);
    if (size <= 0)
        return;
    buf_put(out, data, (size_t)size);
    (void)BIO_reset(s->out);
}
