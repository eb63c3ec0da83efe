#include "io/nats_jwt.h"

#include "base/base64.h"
#include "io/jsontext.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

static const char header[] = "{\"typ\":\"JWT\",\"alg\":\"ed25519-nkey\"}";
static const char *const type_names[] = {
    [NKEY_OPERATOR] = "operator", [NKEY_ACCOUNT] = "account", [NKEY_USER] = "user"};

/* ---- Claims ---- */

static json_t *
claims_new(const struct nats_subject *subject, json_t *nats)
{
    char key[NKEY_PUBLIC_LENGTH + 1];
    nkey_put_public(subject->key, key);
    json_object_set_new(nats, "type", json_string(type_names[subject->key->kind]));
    json_object_set_new(nats, "version", json_integer(2));
    json_t *claims = json_pack("{s:I, s:s, s:s, s:o}", "iat", (json_int_t)subject->issued, "name",
                               subject->name, "sub", key, "nats", nats);
    if (subject->expires)
        json_object_set_new(claims, "exp", json_integer(subject->expires));
    return claims;
}

json_t *
nats_operator_claims(const struct nats_subject *subject)
{
    return claims_new(subject, json_object());
}

json_t *
nats_account_claims(const struct nats_subject *subject, const struct nats_account *account)
{
    size_t i;
    json_t *one, *exports = json_array(), *imports = json_array();
    json_array_foreach(account->exports, i, one) json_array_append_new(
        exports, json_pack("{s:O, s:O, s:s}", "name", one, "subject", one, "type", "stream"));
    json_array_foreach(account->services, i, one) json_array_append_new(
        exports, json_pack("{s:O, s:O, s:s}", "name", one, "subject", one, "type", "service"));
    json_array_foreach(account->imports, i, one)
    {
        json_t *subject_text = json_object_get(one, "subject"), *to = json_object_get(one, "to");
        json_t *import = json_pack("{s:O, s:O, s:O, s:s}", "name", subject_text, "subject",
                                   subject_text, "account", json_object_get(one, "account"), "type",
                                   to ? "service" : "stream");
        if (to)
            json_object_set(import, "local_subject", to);
        json_array_append_new(imports, import);
    }
    /* -1: no limit; what is not said would be 0. */
    json_t *nats = json_pack("{s:{s:i, s:i, s:i, s:i, s:i, s:b, s:i, s:i}, s:o, s:o}", "limits",
                             "subs", -1, "data", -1, "payload", -1, "imports", -1, "exports", -1,
                             "wildcards", 1, "conn", -1, "leaf", -1, "exports", exports, "imports",
                             imports);
    if (account->revoked) /* "*": all users */
        json_object_set_new(nats, "revocations",
                            json_pack("{s:I}", "*", (json_int_t)account->revoked));
    return claims_new(subject, nats);
}

json_t *
nats_user_claims(const struct nats_user *user)
{
    json_t *pub = json_object(), *sub = json_object();
    json_object_set(pub, "allow", user->publish);
    if (json_array_size(user->publish_not))
        json_object_set(pub, "deny", user->publish_not);
    json_object_set(sub, "allow", user->subscribe);
    json_t *nats = json_pack("{s:o, s:o, s:i, s:i, s:i, s:[s]}", "pub", pub, "sub", sub, "subs", -1,
                             "data", -1, "payload", -1, "allowed_connection_types",
                             user->connection);
    if (json_array_size(user->sources))
        json_object_set(nats, "src", user->sources);
    return claims_new(&user->subject, nats);
}

/* ---- Signing ---- */

/* `jti` names these claims: the base32 of SHA-512/256 over them while it was empty. */
static enum err
put_id(json_t *claims)
{
    struct buf text = BUF_INIT;
    uint8_t hash[EVP_MAX_MD_SIZE];
    char id[2 * EVP_MAX_MD_SIZE];
    unsigned n = 0;
    enum err err = jsontext_put(&text, claims);
    if (!err && EVP_Digest(text.data, text.size, hash, &n, EVP_sha512_256(), NULL) != 1)
        err = ERR_IO;
    if (!err) {
        nkey_base32(hash, n, id);
        json_object_set_new(claims, "jti", json_string(id));
    }
    buf_fini(&text);
    return err;
}

enum err
nats_jwt_sign(json_t *claims, const struct nkey *issuer, struct buf *out)
{
    struct buf json = BUF_INIT, text = BUF_INIT;
    char iss[NKEY_PUBLIC_LENGTH + 1];
    uint8_t signature[NKEY_SIGNATURE_SIZE];
    nkey_put_public(issuer, iss);
    json_object_set_new(claims, "iss", json_string(iss));
    json_object_del(claims, "jti");
    enum err err = put_id(claims);
    if (!err)
        err = jsontext_put(&json, claims);
    if (!err) {
        base64url_put(&text, header, sizeof header - 1);
        buf_str(&text, ".");
        base64url_put(&text, json.data, json.size);
        err = nkey_sign(issuer, text.data, text.size, signature);
    }
    if (!err) {
        buf_str(&text, ".");
        base64url_put(&text, signature, sizeof signature);
        buf_put(out, text.data, text.size);
    }
    buf_fini(&json);
    buf_fini(&text);
    return err;
}

/* ---- Reading ---- */

struct parts {
    size_t signed_size; /* header and claims with the dot between them */
    struct buf header, json, signature;
};

static enum err
split(const char *text, size_t size, struct parts *parts)
{
    const char *end = text + size;
    const char *first = size <= NATS_JWT_MAX ? memchr(text, '.', size) : NULL;
    const char *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
    if (!second)
        return ERR_MALFORMED;
    parts->signed_size = (size_t)(second - text);
    enum err err = base64url_parse(text, (size_t)(first - text), &parts->header);
    if (!err)
        err = base64url_parse(first + 1, (size_t)(second - first - 1), &parts->json);
    if (!err)
        err = base64url_parse(second + 1, (size_t)(end - second - 1), &parts->signature);
    return !err && parts->signature.size != NKEY_SIGNATURE_SIZE ? ERR_MALFORMED : err;
}

/* The only algorithm there is; "none" and its like end here. */
static bool
is_header(const struct buf *text)
{
    json_t *json = NULL;
    bool good = !jsontext_parse((const char *)text->data, text->size, &json, NULL);
    const char *alg = json_string_value(json_object_get(json, "alg"));
    const char *type = json_string_value(json_object_get(json, "typ"));
    good = good && alg && type && !strcmp(alg, "ed25519-nkey") && !strcmp(type, "JWT");
    json_decref(json);
    return good;
}

static enum err
check_claims(const json_t *claims, const struct nkey *issuer, enum nkey_kind kind,
             struct nkey *subject, struct diag *diag)
{
    char own[NKEY_PUBLIC_LENGTH + 1];
    const json_t *nats = json_object_get(claims, "nats");
    const char *iss = json_string_value(json_object_get(claims, "iss"));
    const char *sub = json_string_value(json_object_get(claims, "sub"));
    const char *type = json_string_value(json_object_get(nats, "type"));
    nkey_put_public(issuer, own);
    if (!iss || !sub || !type || json_integer_value(json_object_get(nats, "version")) != 2)
        return diag_set(diag, ERR_MALFORMED, "claims: not claims of version 2");
    if (strcmp(iss, own) != 0)
        return diag_set(diag, ERR_DENIED, "claims: issued by somebody else");
    if (strcmp(type, type_names[kind]) != 0)
        return diag_set(diag, ERR_DENIED, "claims: not of %s", type_names[kind]);
    return nkey_parse_public(sub, strlen(sub), kind, subject, diag);
}

enum err
nats_jwt_open(const char *text, size_t size, const struct nkey *issuer, enum nkey_kind kind,
              struct nkey *subject, json_t **claims, struct diag *diag)
{
    struct parts parts = {0};
    json_t *json = NULL;
    enum err err = split(text, size, &parts);
    if (err || !is_header(&parts.header))
        err = diag_set(diag, ERR_MALFORMED, "claims: not a JWT signed by an nkey");
    else if (!nkey_verify(issuer, text, parts.signed_size, parts.signature.data))
        err = diag_set(diag, ERR_DENIED, "claims: the signature is not the issuer's");
    else
        err = jsontext_parse((const char *)parts.json.data, parts.json.size, &json, diag);
    if (!err)
        err = check_claims(json, issuer, kind, subject, diag);
    if (!err && claims)
        *claims = json_incref(json);
    json_decref(json);
    buf_fini(&parts.header);
    buf_fini(&parts.json);
    buf_fini(&parts.signature);
    return err;
}

/* Whom the claims name, believed by nobody yet. */
static enum err
claimed_issuer(const char *text, size_t size, struct nkey *issuer, struct diag *diag)
{
    struct parts parts = {0};
    json_t *json = NULL;
    enum err err = split(text, size, &parts);
    if (!err)
        err = jsontext_parse((const char *)parts.json.data, parts.json.size, &json, diag);
    const char *iss = json_string_value(json_object_get(json, "iss"));
    if (err || !iss)
        err = diag_set(diag, ERR_MALFORMED, "claims: not a JWT signed by an nkey");
    else
        err = nkey_parse_public(iss, strlen(iss), NKEY_OPERATOR, issuer, diag);
    json_decref(json);
    buf_fini(&parts.header);
    buf_fini(&parts.json);
    buf_fini(&parts.signature);
    return err;
}

enum err
nats_jwt_open_operator(const char *text, size_t size, struct nkey *subject, struct diag *diag)
{
    struct nkey issuer, claimed;
    enum err err = claimed_issuer(text, size, &issuer, diag);
    if (!err)
        err = nats_jwt_open(text, size, &issuer, NKEY_OPERATOR, &claimed, NULL, diag);
    if (!err && !nkey_equal(&issuer, &claimed))
        err = diag_set(diag, ERR_DENIED, "claims: the operator has not signed itself");
    if (!err)
        *subject = claimed;
    return err;
}

void
nats_creds_put(struct buf *out, const char *jwt, const struct nkey *user)
{
    char seed[NKEY_SEED_LENGTH + 1];
    nkey_put_seed(user, seed);
    buf_printf(out,
               "-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n\n"
               "************************* IMPORTANT *************************\n"
               "Whoever has the seed below is this user: keep it secret.\n\n"
               "-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n\n"
               "*************************************************************\n",
               jwt, seed);
    OPENSSL_cleanse(seed, sizeof seed);
}
