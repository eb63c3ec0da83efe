#include "oidc/token.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/buf.h"
#include "io/jsontext.h"

#include <cjose/cjose.h>

#include <stdlib.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192 /* more only costs time */

/* What counts, and by what keys. */
static const struct algorithm {
    const char *name, *key_type, *curve; /* curve NULL: none */
} algorithms[] = {
    {"ES256", "EC", "P-256"},
    {"RS256", "RSA", NULL},
    {"PS256", "RSA", NULL},
};

struct key {
    char *id;         /* NULL: it has none */
    char *only;       /* the one algorithm it is for; NULL: any of its type */
    const char *type; /* static */
    cjose_jwk_t *jwk;
};

struct token_keys {
    struct key keys[TOKEN_KEYS_MAX];
    size_t n;
};

static const char *
text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* What a stranger wrote, so that it can be read in a log; NULL is "". Returns `out`. */
static const char *
shown(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (; text && text[n] && n < size - 1; n++)
        out[n] = text[n];
    for (size_t i = 0; i < n; i++)
        out[i] = out[i] > ' ' && out[i] < 0x7f && out[i] != '"' ? out[i] : '?';
    out[n] = '\0';
    return out;
}

/* ---- keys */

static bool
is_for_signatures(const json_t *key)
{
    const char *use = text_of(key, "use");
    const json_t *operations = json_object_get(key, "key_ops");
    size_t i;
    json_t *operation;
    if (use && strcmp(use, "sig") != 0)
        return false;
    if (!operations)
        return true;
    json_array_foreach(operations, i, operation)
    {
        if (json_is_string(operation) && !strcmp(json_string_value(operation), "verify"))
            return true;
    }
    return false;
}

static const char *
known_type(const json_t *key)
{
    const char *type = text_of(key, "kty"), *curve = text_of(key, "crv");
    for (size_t i = 0; type && i < ARRAY_SIZE(algorithms); i++) {
        const struct algorithm *a = &algorithms[i];
        if (!strcmp(a->key_type, type) && (!a->curve || (curve && !strcmp(curve, a->curve))))
            return a->key_type;
    }
    return NULL;
}

/* Only the public members: whatever else a set may have in it, libcjose does not get to see. */
static cjose_jwk_t *
import_key(const json_t *key)
{
    static const char *const members[] = {"kty", "n", "e", "crv", "x", "y"};
    json_t *public = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        json_t *member = json_object_get(key, members[i]);
        if (json_is_string(member))
            json_object_set(public, members[i], member);
    }
    char *text = json_dumps(public, JSON_COMPACT);
    cjose_err error;
    cjose_jwk_t *jwk = text ? cjose_jwk_import(text, strlen(text), &error) : NULL;
    free(text);
    json_decref(public);
    return jwk;
}

static bool
is_strong(const cjose_jwk_t *jwk, const char *type)
{
    cjose_err error;
    size_t bits = cjose_jwk_get_keysize(jwk, &error);
    return strcmp(type, "RSA") != 0 || (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX);
}

static void
add_key(struct token_keys *keys, const json_t *key)
{
    const char *type = known_type(key), *id = text_of(key, "kid"), *only = text_of(key, "alg");
    cjose_jwk_t *jwk = type && is_for_signatures(key) ? import_key(key) : NULL;
    if (!jwk)
        return;
    if (!is_strong(jwk, type)) {
        cjose_jwk_release(jwk);
        return;
    }
    keys->keys[keys->n++] = (struct key){id ? xstrdup(id) : NULL, only ? xstrdup(only) : NULL, type,
                                         jwk};
}

enum err
token_keys_read(const json_t *set, struct token_keys **result, struct diag *diag)
{
    const json_t *list = json_object_get(set, "keys");
    size_t i;
    json_t *key;
    if (!json_is_array(list))
        return diag_set(diag, ERR_MALFORMED, "a key set has an array \"keys\"");
    if (json_array_size(list) > TOKEN_KEYS_MAX)
        return diag_set(diag, ERR_LIMIT, "more than %d keys in a set", TOKEN_KEYS_MAX);
    struct token_keys *keys = xcalloc(1, sizeof *keys);
    json_array_foreach(list, i, key) add_key(keys, key);
    if (!keys->n) {
        token_keys_free(keys);
        return diag_set(diag, ERR_INVALID,
                        "none of %zu keys is for ES256, RS256 or PS256 (RSA from %d bits on)",
                        json_array_size(list), RSA_BITS_MIN);
    }
    *result = keys;
    return ERR_OK;
}

void
token_keys_free(struct token_keys *keys)
{
    for (size_t i = 0; keys && i < keys->n; i++) {
        free(keys->keys[i].id);
        free(keys->keys[i].only);
        cjose_jwk_release(keys->keys[i].jwk);
    }
    free(keys);
}

size_t
token_keys_count(const struct token_keys *keys)
{
    return keys->n;
}

/* ---- the parts of a token */

static enum err
parse_part(const char *text, size_t length, const char *what, json_t **result, struct diag *diag)
{
    struct buf octets = BUF_INIT;
    struct diag why = {""};
    json_t *json = NULL;
    enum err err = base64url_parse(text, length, &octets);
    if (err)
        diag_set(diag, err, "the token's %s is not base64url", what);
    if (!err && jsontext_parse(buf_cstr(&octets), octets.size, &json, &why))
        err = diag_set(diag, ERR_MALFORMED, "the token's %s: %s", what, why.text);
    if (!err && !json_is_object(json))
        err = diag_set(diag, ERR_MALFORMED, "the token's %s is not an object", what);
    buf_fini(&octets);
    if (err)
        json_decref(json);
    else
        *result = json;
    return err;
}

struct parts {
    const char *text;
    size_t header, claims, signature; /* lengths */
};

static enum err
split(const char *text, size_t size, struct parts *parts, struct diag *diag)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t lengths[3] = {0}, n = 0;
    if (size > TOKEN_SIZE_MAX)
        return diag_set(diag, ERR_LIMIT, "a token of more than %zu octets", TOKEN_SIZE_MAX);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '.') {
            if (++n > 2)
                break;
        } else if (!text[i] || !strchr(allowed, text[i])) {
            return diag_set(diag, ERR_MALFORMED, "the token has a character at %zu that none has",
                            i);
        } else {
            lengths[n]++;
        }
    }
    if (n != 2 || !lengths[0] || !lengths[1])
        return diag_set(diag, ERR_MALFORMED, "not a signed token of three parts");
    *parts = (struct parts){text, lengths[0], lengths[1], lengths[2]};
    return ERR_OK;
}

/* ---- the signature */

static enum err
check_header(const json_t *header, const struct algorithm **result, struct diag *diag)
{
    char text[40];
    const char *name = text_of(header, "alg"), *type = text_of(header, "typ");
    if (json_object_get(header, "crit"))
        return diag_set(diag, ERR_DENIED, "the token has extensions that must be understood");
    if (json_object_get(header, "b64") || json_object_get(header, "zip"))
        return diag_set(diag, ERR_DENIED, "the token is packed in a way that is not taken");
    if (type && strcasecmp(type, "JWT") != 0 && strcasecmp(type, "at+jwt") != 0 &&
        strcasecmp(type, "application/at+jwt") != 0)
        return diag_set(diag, ERR_DENIED, "a token of another type is not taken");
    for (size_t i = 0; name && i < ARRAY_SIZE(algorithms); i++) {
        if (!strcmp(algorithms[i].name, name)) {
            *result = &algorithms[i];
            return ERR_OK;
        }
    }
    return diag_set(diag, ERR_DENIED, "alg \"%s\" is not taken: ES256, RS256, PS256",
                    shown(name, text, sizeof text));
}

/* The key a token names; without a name the only one that fits. */
static const struct key *
find_key(const struct token_keys *keys, const struct algorithm *algorithm, const char *id)
{
    const struct key *found = NULL;
    for (size_t i = 0; i < keys->n; i++) {
        const struct key *key = &keys->keys[i];
        if (strcmp(key->type, algorithm->key_type) != 0 ||
            (key->only && strcmp(key->only, algorithm->name) != 0))
            continue;
        if (id && key->id && !strcmp(key->id, id))
            return key;
        if (!id && found)
            return NULL; /* it could be either */
        if (!id)
            found = key;
    }
    return found;
}

static enum err
check_signature(const char *text, size_t size, const struct key *key, struct diag *diag)
{
    cjose_err error;
    cjose_jws_t *jws = cjose_jws_import(text, size, &error);
    bool good = jws && cjose_jws_verify(jws, key->jwk, &error);
    cjose_jws_release(jws);
    return good ? ERR_OK : diag_set(diag, ERR_DENIED, "the token's signature is not the key's");
}

/* libcjose takes a signature in several spellings; one token is one text. */
static enum err
check_spelling(const struct parts *parts, struct diag *diag)
{
    const char *signature = parts->text + parts->header + 1 + parts->claims + 1;
    struct buf octets = BUF_INIT;
    enum err err = base64url_parse(signature, parts->signature, &octets);
    buf_fini(&octets);
    return err ? diag_set(diag, err, "the token's signature is not base64url") : ERR_OK;
}

static enum err
check_signed(const struct parts *parts, size_t size, const struct token_keys *keys,
             struct diag *diag)
{
    const struct algorithm *algorithm = NULL;
    char text[80];
    json_t *header;
    enum err err = parse_part(parts->text, parts->header, "header", &header, diag);
    if (err)
        return err;
    err = check_header(header, &algorithm, diag);
    const char *id = text_of(header, "kid");
    const struct key *key = err ? NULL : find_key(keys, algorithm, id);
    if (!err && !parts->signature)
        err = diag_set(diag, ERR_DENIED, "the token is not signed");
    else if (!err && !key)
        err = diag_set(diag, ERR_NOT_FOUND, "no key \"%s\" of the provider is for %s",
                       shown(id, text, sizeof text), algorithm->name);
    if (!err)
        err = check_spelling(parts, diag);
    if (!err)
        err = check_signature(parts->text, size, key, diag);
    json_decref(header);
    return err;
}

/* ---- the claims */

/* Seconds since 1970, whole or not (RFC 7519 section 2). */
static enum err
read_time(const json_t *claims, const char *name, nsec_t *time, struct diag *diag)
{
    const json_t *value = json_object_get(claims, name);
    double seconds = json_number_value(value);
    if (!json_is_number(value) || !(seconds >= 0) || seconds > 9e9)
        return diag_set(diag, ERR_DENIED, "%s is missing or no time", name);
    *time = (nsec_t)seconds * NSEC_PER_SEC;
    return ERR_OK;
}

static enum err
check_times(const json_t *claims, const struct token_wanted *wanted, struct diag *diag)
{
    char text[TIME_TEXT_SIZE];
    nsec_t expires = 0, issued = 0, begins = 0;
    enum err err = read_time(claims, "exp", &expires, diag);
    if (!err)
        err = read_time(claims, "iat", &issued, diag);
    if (!err && json_object_get(claims, "nbf"))
        err = read_time(claims, "nbf", &begins, diag);
    if (err)
        return err;
    if (wanted->now >= expires + wanted->leeway)
        return diag_set(diag, ERR_DENIED, "the token expired at %s", time_format(expires, text));
    if (wanted->now < MAX(begins, issued) - wanted->leeway)
        return diag_set(diag, ERR_DENIED, "the token is not valid before %s",
                        time_format(MAX(begins, issued), text));
    return ERR_OK;
}

static bool
has_audience(const json_t *audience, const char *wanted)
{
    size_t i;
    json_t *one;
    if (json_is_string(audience))
        return !strcmp(json_string_value(audience), wanted);
    json_array_foreach(audience, i, one)
    {
        if (json_is_string(one) && !strcmp(json_string_value(one), wanted))
            return true;
    }
    return false;
}

static enum err
check_parties(const json_t *claims, const struct token_wanted *wanted, struct diag *diag)
{
    char text[120];
    const char *issuer = text_of(claims, "iss"), *nonce = text_of(claims, "nonce");
    const json_t *audience = json_object_get(claims, "aud"), *azp = json_object_get(claims, "azp");
    bool for_api = wanted->api && has_audience(audience, wanted->api);
    if (!issuer || strcmp(issuer, wanted->issuer) != 0)
        return diag_set(diag, ERR_DENIED, "iss \"%s\" is not the provider",
                        shown(issuer, text, sizeof text));
    if (!for_api && !has_audience(audience, wanted->client))
        return diag_set(diag, ERR_DENIED, "aud is not %.100s%s%.100s", wanted->client,
                        wanted->api ? ", nor " : "", wanted->api ? wanted->api : "");
    if (azp && (!json_is_string(azp) || strcmp(json_string_value(azp), wanted->client) != 0))
        return diag_set(diag, ERR_DENIED, "azp is not %.100s", wanted->client);
    if (json_array_size(audience) > 1 && !azp && !for_api)
        return diag_set(diag, ERR_DENIED, "azp is missing, though aud has several");
    if (wanted->nonce && (!nonce || strcmp(nonce, wanted->nonce) != 0))
        return diag_set(diag, ERR_DENIED, "nonce is not the one that was sent");
    return ERR_OK;
}

enum err
token_check(const char *text, size_t size, const struct token_keys *keys,
            const struct token_wanted *wanted, json_t **result, struct diag *diag)
{
    struct parts parts = {0};
    json_t *claims = NULL;
    enum err err = split(text, size, &parts, diag);
    if (!err)
        err = check_signed(&parts, size, keys, diag);
    if (!err)
        err = parse_part(text + parts.header + 1, parts.claims, "claims", &claims, diag);
    if (!err)
        err = check_parties(claims, wanted, diag);
    if (!err)
        err = check_times(claims, wanted, diag);
    if (err)
        json_decref(claims);
    else
        *result = claims;
    return err;
}
