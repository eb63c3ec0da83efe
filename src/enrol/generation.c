#include "enrol/generation.h"

#include "base/time.h"
#include "enrol/certificate.h"
#include "enrol/files.h"
#include "io/nats_jwt.h"

#include <openssl/crypto.h>
#include <string.h>

enum err
generation_write_cert(const char *generation, const char *name, X509 *cert, X509 *issuer,
                      struct diag *diag)
{
    struct buf pem = BUF_INIT;
    enum err err = certificate_put(&pem, cert);
    if (!err && issuer)
        err = certificate_put(&pem, issuer);
    if (err)
        diag_set(diag, err, "%s/%s: OpenSSL cannot write it", generation, name);
    else
        err = files_write(generation, name, pem.data, pem.size, FILES_PUBLIC, false, diag);
    buf_fini(&pem);
    return err;
}

enum err
generation_write_creds(const char *generation, const char *name, const char *jwt,
                       const struct nkey *user, struct diag *diag)
{
    struct buf text = BUF_INIT;
    nats_creds_put(&text, jwt, user);
    enum err err = files_write(generation, name, text.data, text.size, FILES_SECRET, false, diag);
    OPENSSL_cleanse(text.data, text.size);
    buf_fini(&text);
    return err;
}

int64_t
generation_expires(const char *dir)
{
    struct buf pem;
    X509 *cert;
    int64_t expires = 0;
    if (files_read(dir, "current/server.pem", &pem, NULL))
        return 0;
    if (!certificate_read((const char *)pem.data, pem.size, &cert, NULL)) {
        expires = certificate_expires(cert);
        X509_free(cert);
    }
    buf_fini(&pem);
    return expires;
}

json_t *
generation_time(int64_t seconds)
{
    char text[TIME_TEXT_SIZE];
    time_format(seconds * NSEC_PER_SEC, text);
    strcpy(text + 19, "Z"); /* whole seconds */
    return json_string(text);
}

void
generation_say_expiry(json_t *said, int64_t expires, int64_t now)
{
    int64_t left = expires - now;
    json_object_set_new(said, "expires", generation_time(expires));
    json_object_set_new(said, "days-left", json_integer(left > 0 ? left / 86400 : 0));
    json_object_set_new(said, "expired", json_boolean(left <= 0));
    json_object_set_new(said, "renew", json_boolean(left < INT64_C(86400) * RENEW_DAYS));
}
