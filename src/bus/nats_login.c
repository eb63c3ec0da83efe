#include "bus/nats_login.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "io/file.h"
#include "io/nkey.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* ---- URL */

static enum err
wrong_url(struct diag *diag)
{
    return diag_set(diag, ERR_INVALID, "a broker's URL is nats://HOST[:PORT] or tls://HOST[:PORT]");
}

static bool
put_part(char *to, size_t size, const char *from, size_t length)
{
    if (length == 0 || length >= size)
        return false;
    memcpy(to, from, length);
    to[length] = '\0';
    return true;
}

static bool
take_user(const char **at, struct nats_url *url)
{
    const char *end = strchr(*at, '@');
    if (!end)
        return true;
    const char *colon = memchr(*at, ':', (size_t)(end - *at));
    if (!colon || !put_part(url->user, sizeof url->user, *at, (size_t)(colon - *at)) ||
        !put_part(url->password, sizeof url->password, colon + 1, (size_t)(end - colon - 1)))
        return false;
    *at = end + 1;
    return true;
}

enum err
nats_url_parse(const char *text, struct nats_url *url, struct diag *diag)
{
    struct nats_url u = {.tls = !strncmp(text, "tls://", 6)};
    if (!u.tls && strncmp(text, "nats://", 7))
        return wrong_url(diag);
    const char *at = text + (u.tls ? 6 : 7);
    if (!take_user(&at, &u))
        return wrong_url(diag);
    bool bracketed = *at == '[';
    const char *host = at + bracketed;
    size_t length = strcspn(host, bracketed ? "]" : ":/");
    const char *port = host + length + (bracketed && host[length] == ']');
    if (!put_part(u.host, sizeof u.host, host, length) || (*port && *port != ':'))
        return wrong_url(diag);
    port = *port ? port + 1 : "4222";
    if (*port == '\0' || strspn(port, "0123456789") != strlen(port) || strlen(port) > 5)
        return wrong_url(diag);
    snprintf(u.address, sizeof u.address, bracketed ? "[%s]:%s" : "%s:%s", u.host, port);
    *url = u;
    return ERR_OK;
}

/* ---- credentials: the user's JWT, and the seed of his key, by which the broker's nonce is signed
 * (https://docs.nats.io/using-nats/developer/connecting/creds). */

#define CREDENTIALS_MAX 65536

/* The line behind "-----BEGIN what-----"; NULL: there is none. To be freed. */
static char *
section(const char *text, const char *what)
{
    char begin[64];
    snprintf(begin, sizeof begin, "-BEGIN %s-", what);
    const char *at = strstr(text, begin);
    at = at ? strchr(at, '\n') : NULL;
    if (!at)
        return NULL;
    at += strspn(at, "\r\n");
    return xstrndup(at, strcspn(at, "\r\n \t"));
}

/* NULL: not a user's seed. To be freed. */
static char *
sign(const char *seed, const char *nonce)
{
    struct nkey key;
    uint8_t signature[NKEY_SIGNATURE_SIZE];
    struct buf text = BUF_INIT;
    if (nkey_parse_seed(seed, strlen(seed), NKEY_USER, &key, NULL))
        return NULL;
    bool is_signed = !nkey_sign(&key, nonce, strlen(nonce), signature);
    nkey_fini(&key);
    if (!is_signed)
        return NULL;
    base64url_put(&text, signature, sizeof signature);
    return buf_steal_cstr(&text);
}

static enum err
add_credentials(json_t *connect, const char *file, const char *nonce, struct diag *diag)
{
    struct buf text = BUF_INIT;
    enum err err = file_read(file, CREDENTIALS_MAX, &text, diag);
    if (!err) {
        char *jwt = section(buf_cstr(&text), "NATS USER JWT");
        char *seed = section(buf_cstr(&text), "USER NKEY SEED");
        char *signature = seed && nonce ? sign(seed, nonce) : NULL;
        if (!jwt || !seed || (nonce && !signature))
            err = diag_set(diag, ERR_MALFORMED, "%s: not the credentials of a NATS user", file);
        if (!err)
            json_object_set_new(connect, "jwt", json_string(jwt));
        if (!err && signature)
            json_object_set_new(connect, "sig", json_string(signature));
        if (seed)
            OPENSSL_cleanse(seed, strlen(seed));
        free(jwt);
        free(seed);
        free(signature);
    }
    if (text.data)
        OPENSSL_cleanse(text.data, text.capacity);
    buf_fini(&text);
    return err;
}

enum err
nats_login_put(struct buf *out, const struct nats_login *login, const json_t *info,
               struct diag *diag)
{
    const struct nats_url *url = login->url;
    enum err err = ERR_OK;
    json_t *connect = json_pack("{sb sb sb ss ss si sb sb sb}", "verbose", 0, "pedantic", 0,
                                "tls_required", url->tls, "lang", "c", "version", TIELINE_VERSION,
                                "protocol", 1, "headers", 1, "no_responders", 1, "echo", 1);
    if (login->name)
        json_object_set_new(connect, "name", json_string(login->name));
    if (url->user[0]) {
        json_object_set_new(connect, "user", json_string(url->user));
        json_object_set_new(connect, "pass", json_string(url->password));
    }
    if (login->credentials_file)
        err = add_credentials(connect, login->credentials_file,
                              json_string_value(json_object_get(info, "nonce")), diag);
    if (!err) {
        char *text = json_dumps(connect, JSON_COMPACT);
        buf_printf(out, "CONNECT %s\r\n", text);
        free(text);
    }
    json_decref(connect);
    return err;
}
