#include "enrol/identity.h"

#include "base/alloc.h"
#include "enrol/certificate.h"
#include "enrol/files.h"
#include "enrol/rights.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESSES_MAX 32

/* ---- Files ---- */

static void
wipe(struct buf *text)
{
    if (text->size)
        OPENSSL_cleanse(text->data, text->size);
    buf_fini(text);
}

enum err
identity_write_seed(const char *dir, const char *name, const struct nkey *key, struct diag *diag)
{
    char seed[NKEY_SEED_LENGTH + 2];
    nkey_put_seed(key, seed);
    seed[NKEY_SEED_LENGTH] = '\n';
    enum err err = files_write(dir, name, seed, NKEY_SEED_LENGTH + 1, FILES_SECRET, true, diag);
    OPENSSL_cleanse(seed, sizeof seed);
    return err;
}

enum err
identity_read_seed(const char *dir, const char *name, enum nkey_kind kind, struct nkey *key,
                   struct diag *diag)
{
    struct buf text;
    enum err err = files_read(dir, name, &text, diag);
    if (err)
        return err;
    size_t size = text.size && text.data[text.size - 1] == '\n' ? text.size - 1 : text.size;
    err = nkey_parse_seed((const char *)text.data, size, kind, key, diag);
    if (err)
        diag_prefix(diag, "%s/%s", dir, name);
    wipe(&text);
    return err;
}

enum err
identity_write_key(const char *dir, const char *name, EVP_PKEY *key, struct diag *diag)
{
    struct buf pem = BUF_INIT;
    enum err err = certificate_put_key(&pem, key);
    if (err)
        diag_set(diag, err, "%s/%s: OpenSSL cannot write it", dir, name);
    else
        err = files_write(dir, name, pem.data, pem.size, FILES_SECRET, true, diag);
    wipe(&pem);
    return err;
}

enum err
identity_read_key(const char *dir, const char *name, EVP_PKEY **key, struct diag *diag)
{
    struct buf pem;
    enum err err = files_read(dir, name, &pem, diag);
    if (err)
        return err;
    err = certificate_read_key((const char *)pem.data, pem.size, key, diag);
    if (err)
        diag_prefix(diag, "%s/%s", dir, name);
    wipe(&pem);
    return err;
}

enum err
identity_new(const char *dir, struct identity *identity, struct diag *diag)
{
    *identity = (struct identity){0};
    enum err err = certificate_key_new(&identity->server, diag);
    if (!err)
        err = certificate_key_new(&identity->client, diag);
    if (!err)
        err = nkey_new(NKEY_USER, &identity->leaf, diag);
    if (!err)
        err = nkey_new(NKEY_USER, &identity->tielined, diag);
    if (!err)
        err = identity_write_key(dir, "server.key", identity->server, diag);
    if (!err)
        err = identity_write_key(dir, "client.key", identity->client, diag);
    if (!err)
        err = identity_write_seed(dir, "leaf.nk", &identity->leaf, diag);
    if (!err)
        err = identity_write_seed(dir, "tielined.nk", &identity->tielined, diag);
    if (err)
        identity_fini(identity);
    return err;
}

enum err
identity_read(const char *dir, struct identity *identity, struct diag *diag)
{
    *identity = (struct identity){0};
    enum err err = identity_read_key(dir, "server.key", &identity->server, diag);
    if (!err)
        err = identity_read_key(dir, "client.key", &identity->client, diag);
    if (!err)
        err = identity_read_seed(dir, "leaf.nk", NKEY_USER, &identity->leaf, diag);
    if (!err)
        err = identity_read_seed(dir, "tielined.nk", NKEY_USER, &identity->tielined, diag);
    if (err)
        identity_fini(identity);
    return err;
}

void
identity_fini(struct identity *identity)
{
    EVP_PKEY_free(identity->server);
    EVP_PKEY_free(identity->client);
    nkey_fini(&identity->leaf);
    nkey_fini(&identity->tielined);
    *identity = (struct identity){0};
}

void
identity_public_fini(struct identity_public *keys)
{
    EVP_PKEY_free(keys->server);
    EVP_PKEY_free(keys->client);
    *keys = (struct identity_public){0};
}

/* ---- Requests ---- */

enum err
identity_parse_network(const char *text, char **network)
{
    uint8_t octets[16];
    char host[INET6_ADDRSTRLEN], *end;
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : strlen(text);
    if (!n || n >= sizeof host)
        return ERR_MALFORMED;
    memcpy(host, text, n);
    host[n] = 0;
    unsigned long most = inet_pton(AF_INET, host, octets) == 1    ? 32
                         : inet_pton(AF_INET6, host, octets) == 1 ? 128
                                                                  : 0;
    unsigned long bits = most;
    if (slash) {
        bits = slash[1] >= '0' && slash[1] <= '9' ? strtoul(slash + 1, &end, 10) : most + 1;
        if (bits > most || *end)
            return ERR_MALFORMED;
    }
    if (!most)
        return ERR_MALFORMED;
    *network = xasprintf("%s/%lu", host, bits);
    return ERR_OK;
}

static enum err
sign(struct envelope *e, const struct identity *identity, const struct nkey *previous)
{
    enum err err = envelope_sign_key(e, "server", identity->server);
    if (!err)
        err = envelope_sign_key(e, "client", identity->client);
    if (!err)
        err = envelope_sign_nkey(e, "leaf", &identity->leaf);
    if (!err)
        err = envelope_sign_nkey(e, "tielined", &identity->tielined);
    if (!err && previous)
        err = envelope_sign_nkey(e, "previous", previous);
    return err;
}

enum err
identity_request(const struct identity *identity, const char *site, const json_t *addresses,
                 const struct nkey *previous, struct buf *out, struct diag *diag)
{
    struct buf server = BUF_INIT, client = BUF_INIT;
    struct envelope e = {0};
    char leaf[NKEY_PUBLIC_LENGTH + 1], tielined[NKEY_PUBLIC_LENGTH + 1];
    nkey_put_public(&identity->leaf, leaf);
    nkey_put_public(&identity->tielined, tielined);
    enum err err = certificate_put_request(&server, identity->server, site, diag);
    if (!err)
        err = certificate_put_request(&client, identity->client, site, diag);
    if (!err)
        err = envelope_new(ENVELOPE_REQUEST,
                           json_pack("{s:s, s:O, s:s, s:s, s:s, s:s}", "site", site, "addresses",
                                     addresses, "server", buf_cstr(&server), "client",
                                     buf_cstr(&client), "leaf", leaf, "tielined", tielined),
                           &e);
    if (!err)
        err = sign(&e, identity, previous);
    if (err)
        diag_set(diag, err, "the request cannot be signed");
    else
        envelope_put(&e, ENVELOPE_REQUEST, out);
    envelope_fini(&e);
    buf_fini(&server);
    buf_fini(&client);
    return err;
}

static enum err
read_request_key(const struct envelope *e, const char *member, EVP_PKEY **key, struct diag *diag)
{
    const char *pem = envelope_text(e, member);
    enum err err = pem ? certificate_read_request(pem, strlen(pem), key, diag)
                       : diag_set(diag, ERR_MALFORMED, "it is missing");
    if (err)
        diag_prefix(diag, "%s", member);
    else if (!envelope_verify_key(e, member, *key))
        err = diag_set(diag, ERR_DENIED, "%s: the key has not signed the request", member);
    return err;
}

static enum err
read_user(const struct envelope *e, const char *member, struct nkey *key, struct diag *diag)
{
    const char *text = envelope_text(e, member);
    enum err err = text ? nkey_parse_public(text, strlen(text), NKEY_USER, key, diag)
                        : diag_set(diag, ERR_MALFORMED, "it is missing");
    if (err)
        diag_prefix(diag, "%s", member);
    else if (!envelope_verify_nkey(e, member, key))
        err = diag_set(diag, ERR_DENIED, "%s: the key has not signed the request", member);
    return err;
}

static enum err
check_addresses(const json_t *addresses, struct diag *diag)
{
    size_t i;
    json_t *address;
    if (!json_is_array(addresses) || json_array_size(addresses) > ADDRESSES_MAX)
        return diag_set(diag, ERR_MALFORMED, "addresses: not a list of at most %d", ADDRESSES_MAX);
    json_array_foreach((json_t *)addresses, i, address)
    {
        char *network;
        const char *text = json_string_value(address);
        if (!text || identity_parse_network(text, &network))
            return diag_set(diag, ERR_MALFORMED, "addresses: the %zuth is none", i + 1);
        free(network);
    }
    return ERR_OK;
}

static enum err
check_request(const struct envelope *e, struct identity_public *keys, struct diag *diag)
{
    const char *site = envelope_text(e, "site");
    if (!site || !site_name_is_valid(site))
        return diag_set(diag, ERR_MALFORMED, "site: not a site's name");
    enum err err = check_addresses(json_object_get(e->payload, "addresses"), diag);
    if (!err)
        err = read_request_key(e, "server", &keys->server, diag);
    if (!err)
        err = read_request_key(e, "client", &keys->client, diag);
    if (!err)
        err = read_user(e, "leaf", &keys->leaf, diag);
    if (!err)
        err = read_user(e, "tielined", &keys->tielined, diag);
    if (!err &&
        (nkey_equal(&keys->leaf, &keys->tielined) || EVP_PKEY_eq(keys->server, keys->client) == 1))
        err = diag_set(diag, ERR_INVALID, "the same key is to serve two purposes");
    return err;
}

enum err
identity_open(const char *text, size_t size, struct envelope *e, struct identity_public *keys,
              struct diag *diag)
{
    *keys = (struct identity_public){0};
    enum err err = envelope_open(ENVELOPE_REQUEST, text, size, e, diag);
    if (err)
        return err;
    err = check_request(e, keys, diag);
    if (err) {
        identity_public_fini(keys);
        envelope_fini(e);
        *e = (struct envelope){0};
    }
    return err;
}
