/* Tokens, good and bad. The keys are OpenSSL's, and so are the signatures: libcjose only checks. */
#include "oidc/token.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/testing.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#define NOW (INT64_C(1800000000) * NSEC_PER_SEC)
#define CLAIMS                                                                                     \
    "{\"iss\":\"https://idp\",\"aud\":\"tieline\",\"sub\":\"1\",\"iat\":1799999990,"               \
    "\"exp\":1800000300,\"nonce\":\"n-0123456789abcdef\"}"

static EVP_PKEY *ec, *rsa, *small, *other;
static struct token_keys *keys;

static const struct token_wanted wanted = {"https://idp",        "tieline", NULL,
                                           "n-0123456789abcdef", NOW,       TOKEN_LEEWAY};

static void
put_base64url(struct buf *out, const void *data, size_t size)
{
    struct buf text = BUF_INIT;
    base64_put(&text, data, size);
    for (size_t i = 0; i < text.size && text.data[i] != '='; i++) {
        char c = (char)text.data[i];
        buf_u8(out, (uint8_t)(c == '+' ? '-' : c == '/' ? '_' : c));
    }
    buf_fini(&text);
}

static void
put_number(struct buf *out, const char *name, EVP_PKEY *key, const char *parameter, int size)
{
    BIGNUM *number = NULL;
    uint8_t octets[1024];
    assert_int_equal(EVP_PKEY_get_bn_param(key, parameter, &number), 1);
    int n = size ? size : BN_num_bytes(number);
    assert_int_equal(BN_bn2binpad(number, octets, n), n);
    buf_printf(out, ",\"%s\":\"", name);
    put_base64url(out, octets, (size_t)n);
    buf_str(out, "\"");
    BN_free(number);
}

static void
put_jwk(struct buf *out, EVP_PKEY *key, const char *kid, const char *more)
{
    bool is_rsa = EVP_PKEY_is_a(key, "RSA");
    buf_printf(out, "%s{\"kty\":\"%s\",\"kid\":\"%s\"%s", out->size ? "," : "",
               is_rsa ? "RSA" : "EC\",\"crv\":\"P-256", kid, more);
    if (is_rsa) {
        put_number(out, "n", key, OSSL_PKEY_PARAM_RSA_N, 0);
        put_number(out, "e", key, OSSL_PKEY_PARAM_RSA_E, 0);
    } else {
        put_number(out, "x", key, OSSL_PKEY_PARAM_EC_PUB_X, 32);
        put_number(out, "y", key, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
    }
    buf_str(out, "}");
}

static json_t *
key_set(struct buf *list)
{
    char *text = NULL;
    assert_true(asprintf(&text, "{\"keys\":[%s]}", buf_cstr(list)) > 0);
    json_t *set = json_loads(text, 0, NULL);
    assert_non_null(set);
    buf_fini(list);
    free(text);
    return set;
}

/* ECDSA as RFC 7518 section 3.4 wants it: two numbers of 32 octets instead of DER. */
static size_t
plain_signature(const uint8_t *der, size_t size, uint8_t out[64])
{
    const uint8_t *at = der;
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)size);
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 32, 32);
    ECDSA_SIG_free(signature);
    return 64;
}

static size_t
sign(EVP_PKEY *key, bool pss, const struct buf *text, uint8_t out[1024])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how;
    uint8_t der[1024];
    size_t size = sizeof der;
    assert_int_equal(EVP_DigestSignInit(ctx, &how, EVP_sha256(), NULL, key), 1);
    if (pss) {
        EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(how, 32);
    }
    assert_int_equal(EVP_DigestSign(ctx, der, &size, text->data, text->size), 1);
    EVP_MD_CTX_free(ctx);
    if (EVP_PKEY_is_a(key, "EC"))
        return plain_signature(der, size, out);
    memcpy(out, der, size);
    return size;
}

/* The caller frees it. `key` NULL: without a signature. */
static char *
make(const char *header, const char *claims, EVP_PKEY *key)
{
    struct buf text = BUF_INIT;
    uint8_t signature[1024];
    put_base64url(&text, header, strlen(header));
    buf_str(&text, ".");
    put_base64url(&text, claims, strlen(claims));
    size_t size = key ? sign(key, strstr(header, "PS256") != NULL, &text, signature) : 0;
    buf_str(&text, ".");
    put_base64url(&text, signature, size);
    return buf_steal_cstr(&text);
}

static void
expect(const char *header, const char *claims, EVP_PKEY *key, enum err expected, const char *says)
{
    struct diag diag = {""};
    json_t *got = NULL;
    char *token = make(header, claims, key);
    enum err err = token_check(token, strlen(token), keys, &wanted, &got, &diag);
    if (err != expected || !strstr(diag.text, says))
        fail_msg("%s %s: %s: %s", header, claims, err_name(err), diag.text);
    assert_int_equal(got != NULL, !err);
    json_decref(got);
    free(token);
}

static int
set_up(void **state UNUSED)
{
    struct buf list = BUF_INIT;
    ec = EVP_EC_gen("P-256");
    other = EVP_EC_gen("P-256");
    rsa = EVP_RSA_gen(2048);
    small = EVP_RSA_gen(1024);
    put_jwk(&list, ec, "ec", ",\"use\":\"sig\"");
    put_jwk(&list, rsa, "rsa", "");
    put_jwk(&list, rsa, "ps-only", ",\"alg\":\"PS256\"");
    put_jwk(&list, small, "small", "");
    put_jwk(&list, other, "enc", ",\"use\":\"enc\"");
    buf_str(&list, ",{\"kty\":\"oct\",\"kid\":\"oct\",\"k\":\"AAAA\"}");
    json_t *set = key_set(&list);
    assert_ok(token_keys_read(set, &keys, NULL));
    json_decref(set);
    return 0;
}

static int
tear_down(void **state UNUSED)
{
    token_keys_free(keys);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(small);
    EVP_PKEY_free(other);
    return 0;
}

static void
takes_the_algorithms_of_its_list(void **state UNUSED)
{
    expect("{\"alg\":\"ES256\",\"kid\":\"ec\"}", CLAIMS, ec, ERR_OK, "");
    expect("{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"JWT\"}", CLAIMS, rsa, ERR_OK, "");
    expect("{\"alg\":\"PS256\",\"kid\":\"rsa\"}", CLAIMS, rsa, ERR_OK, "");
    expect("{\"alg\":\"ES256\"}", CLAIMS, ec, ERR_OK, "");
}

static void
keeps_only_keys_of_use(void **state UNUSED)
{
    assert_int_equal(token_keys_count(keys),
                     3); /* not the small, the one for secrecy, the octets */
    expect("{\"alg\":\"RS256\",\"kid\":\"small\"}", CLAIMS, small, ERR_NOT_FOUND, "no key");
    expect("{\"alg\":\"ES256\",\"kid\":\"enc\"}", CLAIMS, other, ERR_NOT_FOUND, "no key");
    expect("{\"alg\":\"RS256\",\"kid\":\"ps-only\"}", CLAIMS, rsa, ERR_NOT_FOUND, "no key");
}

static void
refuses_a_token_without_a_signature(void **state UNUSED)
{
    expect("{\"alg\":\"none\"}", CLAIMS, NULL, ERR_DENIED, "alg \"none\" is not taken");
    expect("{\"alg\":\"None\",\"kid\":\"ec\"}", CLAIMS, ec, ERR_DENIED, "is not taken");
    expect("{\"kid\":\"ec\"}", CLAIMS, ec, ERR_DENIED, "alg \"\" is not taken");
    expect("{\"alg\":\"ES256\",\"kid\":\"ec\"}", CLAIMS, NULL, ERR_DENIED, "not signed");
}

/* The classic: HMAC with the public key, which everybody has, as its secret. */
static void
refuses_a_public_key_as_a_secret(void **state UNUSED)
{
    struct buf text = BUF_INIT;
    static const char header[] = "{\"alg\":\"HS256\",\"kid\":\"rsa\"}";
    uint8_t mac[32];
    char *pem;
    unsigned size;
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, rsa);
    long length = BIO_get_mem_data(bio, &pem);
    put_base64url(&text, header, strlen(header));
    buf_str(&text, ".");
    put_base64url(&text, CLAIMS, strlen(CLAIMS));
    HMAC(EVP_sha256(), pem, (int)length, text.data, text.size, mac, &size);
    buf_str(&text, ".");
    put_base64url(&text, mac, size);
    struct diag diag = {""};
    json_t *got;
    assert_err(token_check(buf_cstr(&text), text.size, keys, &wanted, &got, &diag), ERR_DENIED);
    assert_non_null(strstr(diag.text, "alg \"HS256\" is not taken"));
    BIO_free(bio);
    buf_fini(&text);
}

static void
refuses_other_keys(void **state UNUSED)
{
    expect("{\"alg\":\"ES256\",\"kid\":\"ec\"}", CLAIMS, other, ERR_DENIED, "signature");
    expect("{\"alg\":\"ES256\",\"kid\":\"new\"}", CLAIMS, other, ERR_NOT_FOUND, "no key \"new\"");
    expect("{\"alg\":\"ES256\",\"kid\":\"rsa\"}", CLAIMS, ec, ERR_NOT_FOUND, "no key \"rsa\"");
    expect("{\"alg\":\"RS256\",\"kid\":\"ec\"}", CLAIMS, rsa, ERR_NOT_FOUND, "no key \"ec\"");
    expect("{\"alg\":\"RS256\",\"kid\":\"rsa\",\"jwk\":{}}", CLAIMS, ec, ERR_DENIED, "signature");
}

static void
refuses_what_it_does_not_understand(void **state UNUSED)
{
    expect("{\"alg\":\"ES256\",\"kid\":\"ec\",\"crit\":[\"b64\"]}", CLAIMS, ec, ERR_DENIED,
           "extensions");
    expect("{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":\"logout+jwt\"}", CLAIMS, ec, ERR_DENIED,
           "another type");
    expect("{\"alg\":\"ES256\",\"alg\":\"none\",\"kid\":\"ec\"}", CLAIMS, ec, ERR_MALFORMED,
           "header");
    expect("[]", CLAIMS, ec, ERR_MALFORMED, "not an object");
}

static void
refuses_wrong_claims(void **state UNUSED)
{
#define TIMES "\"iat\":1799999990,\"exp\":1800000300"
#define WHO "\"iss\":\"https://idp\",\"aud\":\"tieline\",\"nonce\":\"n-0123456789abcdef\""
    static const struct {
        const char *claims, *says;
    } cases[] = {
        {"{\"iss\":\"https://idp/\",\"aud\":\"tieline\"," TIMES "}", "iss \"https://idp/\""},
        {"{\"aud\":\"tieline\"," TIMES "}", "iss"},
        {"{\"iss\":\"https://idp\",\"aud\":\"other\"," TIMES "}", "aud is not tieline"},
        {"{\"iss\":\"https://idp\",\"aud\":[]," TIMES "}", "aud is not tieline"},
        {"{\"iss\":\"https://idp\",\"aud\":[\"tieline\",\"b\"]," TIMES "}", "azp is missing"},
        {"{\"iss\":\"https://idp\",\"aud\":\"tieline\",\"azp\":\"b\"," TIMES "}", "azp is not"},
        {"{\"iss\":\"https://idp\",\"aud\":\"tieline\",\"nonce\":\"x\"," TIMES "}", "nonce is not"},
        {"{\"iss\":\"https://idp\",\"aud\":\"tieline\"," TIMES "}", "nonce is not"},
        {"{" WHO ",\"iat\":1799999000,\"exp\":1799999940}", "expired at 2027-01-15T07:59:00"},
        {"{" WHO ",\"iat\":1799999000}", "exp is missing"},
        {"{" WHO ",\"exp\":1800000300}", "iat is missing"},
        {"{" WHO ",\"iat\":1799999000,\"exp\":\"never\"}", "exp is missing or no time"},
        {"{" WHO ",\"iat\":1799999000,\"exp\":1e300}", "exp is missing or no time"},
        {"{" WHO ",\"iat\":1800000061,\"exp\":1800000300}", "not valid before"},
        {"{" WHO ",\"nbf\":1800000100," TIMES "}", "not valid before"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        expect("{\"alg\":\"ES256\",\"kid\":\"ec\"}", cases[i].claims, ec, ERR_DENIED,
               cases[i].says);
    expect("{\"alg\":\"ES256\",\"kid\":\"ec\"}", "{" WHO ",\"iat\":1800000059,\"exp\":1799999941}",
           ec, ERR_OK, ""); /* clocks differ by no more than a minute */
}

static void
refuses_a_changed_octet_anywhere(void **state UNUSED)
{
    char *token = make("{\"alg\":\"ES256\",\"kid\":\"ec\"}", CLAIMS, ec);
    for (size_t i = 0; i < strlen(token); i++) {
        json_t *got = NULL;
        char *copy = strdup(token);
        copy[i] = copy[i] == 'A' ? 'B' : 'A';
        if (!token_check(copy, strlen(copy), keys, &wanted, &got, NULL))
            fail_msg("changed at %zu", i);
        free(copy);
    }
    free(token);
}

static void
survives_truncation_at_every_octet(void **state UNUSED)
{
    char *token = make("{\"alg\":\"ES256\",\"kid\":\"ec\"}", CLAIMS, ec);
    for (size_t size = 0; size < strlen(token); size++) {
        json_t *got = NULL;
        char *copy = malloc(size ? size : 1);
        memcpy(copy, token, size);
        if (!token_check(copy, size, keys, &wanted, &got, NULL))
            fail_msg("cut at %zu", size);
        free(copy);
    }
    free(token);
}

static void
refuses_what_is_too_large(void **state UNUSED)
{
    size_t size = TOKEN_SIZE_MAX + 1;
    char *text = malloc(size);
    json_t *got;
    memset(text, 'A', size);
    assert_err(token_check(text, size, keys, &wanted, &got, NULL), ERR_LIMIT);
    free(text);
}

static void
takes_tokens_of_an_api_and_of_the_client(void **state UNUSED)
{
#define AUD(audiences) "{\"iss\":\"https://idp\",\"aud\":" audiences ","
    static const struct {
        const char *claims, *says; /* "": it is taken */
    } cases[] = {
        {AUD("[\"api\",\"b\"]") "\"azp\":\"tieline\"," TIMES "}", ""},
        {AUD("[\"api\",\"b\"]") TIMES "}", ""},
        {AUD("\"api\"") TIMES "}", ""},
        {AUD("[\"tieline\",\"api\"]") TIMES "}", ""},
        {AUD("\"tieline\"") TIMES "}", ""},
        {AUD("[\"tieline\",\"b\"]") "\"azp\":\"tieline\"," TIMES "}", ""},
        {AUD("[\"tieline\",\"b\"]") TIMES "}", "azp is missing"},
        {AUD("\"api\"") "\"azp\":\"b\"," TIMES "}", "azp is not tieline"},
        {AUD("\"b\"") TIMES "}", "aud is not tieline, nor api"},
        {AUD("\"tieline\"") "\"iat\":1799999000,\"exp\":1799999900}", "expired"},
        {AUD("\"api\"") "\"iat\":1799999000,\"exp\":1799999900}", "expired"},
    };
    struct token_wanted both = wanted;
    both.api = "api";
    both.nonce = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *got = NULL;
        struct diag diag = {""};
        char *token = make("{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":\"at+jwt\"}", cases[i].claims,
                           ec);
        enum err err = token_check(token, strlen(token), keys, &both, &got, &diag);
        if (err != (*cases[i].says ? ERR_DENIED : ERR_OK) || !strstr(diag.text, cases[i].says))
            fail_msg("%s: %s: %s", cases[i].claims, err_name(err), diag.text);
        json_decref(got);
        free(token);
    }
}

static void
a_key_set_must_be_one(void **state UNUSED)
{
    static const struct {
        const char *text;
        enum err err;
    } cases[] = {
        {"{}", ERR_MALFORMED},
        {"{\"keys\":{}}", ERR_MALFORMED},
        {"{\"keys\":[]}", ERR_INVALID},
        {"{\"keys\":[1,null,{}]}", ERR_INVALID},
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}]}", ERR_INVALID},
        {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}]}", ERR_INVALID},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct token_keys *got;
        json_t *set = json_loads(cases[i].text, 0, NULL);
        assert_err(token_keys_read(set, &got, NULL), cases[i].err);
        json_decref(set);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_algorithms_of_its_list),
        cmocka_unit_test(keeps_only_keys_of_use),
        cmocka_unit_test(refuses_a_token_without_a_signature),
        cmocka_unit_test(refuses_a_public_key_as_a_secret),
        cmocka_unit_test(refuses_other_keys),
        cmocka_unit_test(refuses_what_it_does_not_understand),
        cmocka_unit_test(refuses_wrong_claims),
        cmocka_unit_test(refuses_a_changed_octet_anywhere),
        cmocka_unit_test(survives_truncation_at_every_octet),
        cmocka_unit_test(refuses_what_is_too_large),
        cmocka_unit_test(takes_tokens_of_an_api_and_of_the_client),
        cmocka_unit_test(a_key_set_must_be_one),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
