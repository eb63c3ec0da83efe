#include "io/nats_jwt.h"

#include "base/base64.h"
#include "base/testing.h"

/* Made by nsc, the tool of NATS. */
static const char account[] = "AAYJDVLZGWN7Y3FBPCVXCRVQZDFMYGHU4YXLGSXX7U254KH5SC3R5QKM";
static const char user[] = "UD3BGWIBPU3CWL4HOUU4VJEQWTUASAEG6OJ3XHM3EEJNA2PA3UVNYTZN";
static const char seed[] = "SUADIH32XQYWC2MI2YGM4AUQ3NMKZSZ5V2BZXQ237XXMLO7FFHDF5CTUDE";
static const char jwt[] =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ."
    "eyJqdGkiOiJETFRGNFpLVVdNNFRPRkVNQko0UEUzTVFFVlhIUkJJN0xZNDdZNEMzNTNMWlJKSU5CUkJRIiwiaWF0IjoxNj"
    "I0ODg1NzMwLCJpc3MiOiJBQVlKRFZMWkdXTjdZM0ZCUENWWENSVlFaREZNWUdIVTRZWExHU1hYN1UyNTRLSDVTQzNSNVFL"
    "TSIsIm5hbWUiOiJ1c2VyIiwic3ViIjoiVUQzQkdXSUJQVTNDV0w0SE9VVTRWSkVRV1RVQVNBRUc2T0ozWEhNM0VFSk5BMl"
    "BBM1VWTllUWk4iLCJuYXRzIjp7InB1YiI6e30sInN1YiI6e30sInN1YnMiOi0xLCJkYXRhIjotMSwicGF5bG9hZCI6LTEs"
    "InR5cGUiOiJ1c2VyIiwidmVyc2lvbiI6Mn19."
    "YmFL5nRMkEOXe77sQJPPRv_vwi89tzhVVl0AVjE4sXWyoWIHiCepNw28DbpJ0p_MlT8Qf0SY2cjAhIm-Qi7lDw";

static struct nkey
public_of(const char *text, enum nkey_kind kind)
{
    struct nkey key;
    assert_ok(nkey_parse_public(text, strlen(text), kind, &key, NULL));
    return key;
}

static void
reads_claims_of_another_implementation(void **state UNUSED)
{
    struct nkey issuer = public_of(account, NKEY_ACCOUNT), subject, own;
    json_t *claims;
    assert_ok(nats_jwt_open(jwt, strlen(jwt), &issuer, NKEY_USER, &subject, &claims, NULL));
    assert_ok(nkey_parse_seed(seed, strlen(seed), NKEY_USER, &own, NULL));
    assert_true(nkey_equal(&subject, &own));
    assert_string_equal(json_string_value(json_object_get(claims, "sub")), user);
    json_decref(claims);
}

static void
refuses_claims_that_were_changed(void **state UNUSED)
{
    struct nkey issuer = public_of(account, NKEY_ACCOUNT), subject;
    for (size_t i = 0; i < strlen(jwt); i++) {
        char *copy = strdup(jwt);
        copy[i] = copy[i] == 'A' ? 'B' : 'A';
        assert_int_not_equal(
            nats_jwt_open(copy, strlen(copy), &issuer, NKEY_USER, &subject, NULL, NULL), 0);
        free(copy);
    }
    for (size_t size = 0; size < strlen(jwt); size++) {
        char *exact = malloc(size ? size : 1);
        memcpy(exact, jwt, size);
        assert_int_not_equal(nats_jwt_open(exact, size, &issuer, NKEY_USER, &subject, NULL, NULL),
                             0);
        free(exact);
    }
}

static void
refuses_another_issuer_and_another_kind(void **state UNUSED)
{
    struct nkey issuer = public_of(account, NKEY_ACCOUNT), other, subject;
    assert_ok(nkey_new(NKEY_ACCOUNT, &other, NULL));
    assert_err(nats_jwt_open(jwt, strlen(jwt), &other, NKEY_USER, &subject, NULL, NULL),
               ERR_DENIED);
    assert_err(nats_jwt_open(jwt, strlen(jwt), &issuer, NKEY_ACCOUNT, &subject, NULL, NULL),
               ERR_DENIED);
}

static void
put_part(struct buf *out, const char *text)
{
    base64_put(out, text, strlen(text));
    while (out->data[out->size - 1] == '=')
        out->size--;
}

/* Signed by the right key, but by the header's words by nobody, or in another way. */
static void
refuses_other_algorithms(void **state UNUSED)
{
    static const char *const headers[] = {
        "{\"typ\":\"JWT\",\"alg\":\"none\"}", "{\"typ\":\"JWT\",\"alg\":\"HS256\"}",
        "{\"typ\":\"JWT\"}", "{\"typ\":\"jwt\",\"alg\":\"ed25519\"}", "[]"};
    struct nkey key, subject;
    assert_ok(nkey_new(NKEY_ACCOUNT, &key, NULL));
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        struct buf text = BUF_INIT;
        uint8_t signature[NKEY_SIGNATURE_SIZE];
        put_part(&text, headers[i]);
        buf_str(&text, ".");
        put_part(&text, "{}");
        assert_ok(nkey_sign(&key, text.data, text.size, signature));
        buf_str(&text, ".");
        struct buf last = BUF_INIT;
        base64_put(&last, signature, sizeof signature);
        for (size_t k = 0; k < last.size; k++)
            buf_u8(&text, last.data[k] == '+' ? '-' : last.data[k] == '/' ? '_' : last.data[k]);
        text.size -= 2; /* padding */
        assert_err(nats_jwt_open((const char *)text.data, text.size, &key, NKEY_USER, &subject,
                                 NULL, NULL),
                   ERR_MALFORMED);
        buf_fini(&text);
        buf_fini(&last);
    }
}

static void
an_operator_signs_itself(void **state UNUSED)
{
    struct nkey own, other, subject;
    struct buf text = BUF_INIT;
    assert_ok(nkey_new(NKEY_OPERATOR, &own, NULL));
    assert_ok(nkey_new(NKEY_OPERATOR, &other, NULL));
    struct nats_subject about = {"o", &own, 1700000000, 0};
    json_t *claims = nats_operator_claims(&about);
    assert_ok(nats_jwt_sign(claims, &own, &text));
    assert_ok(nats_jwt_open_operator(buf_cstr(&text), text.size, &subject, NULL));
    assert_true(nkey_equal(&own, &subject));
    buf_clear(&text);
    assert_ok(nats_jwt_sign(claims, &other, &text));
    assert_err(nats_jwt_open_operator(buf_cstr(&text), text.size, &subject, NULL), ERR_DENIED);
    json_decref(claims);
    buf_fini(&text);
}

static void
writes_what_it_is_told_about_users(void **state UNUSED)
{
    struct nkey by, who, subject;
    struct buf text = BUF_INIT;
    json_t *publish = json_pack("[s]", "a.>"), *not = json_pack("[s]", "a.from.>"),
           *sources = json_pack("[s]", "192.0.2.1/32"), *claims;
    assert_ok(nkey_new(NKEY_ACCOUNT, &by, NULL));
    assert_ok(nkey_new(NKEY_USER, &who, NULL));
    struct nats_user told = {
        {"n", &who, 1700000000, 1700000009}, "LEAFNODE", publish, not, publish, sources};
    claims = nats_user_claims(&told);
    assert_ok(nats_jwt_sign(claims, &by, &text));
    json_decref(claims);
    assert_ok(nats_jwt_open(buf_cstr(&text), text.size, &by, NKEY_USER, &subject, &claims, NULL));
    assert_int_equal(json_integer_value(json_object_get(claims, "exp")), 1700000009);
    json_t *nats = json_object_get(claims, "nats");
    assert_true(json_equal(json_object_get(json_object_get(nats, "pub"), "allow"), publish));
    assert_true(json_equal(json_object_get(json_object_get(nats, "pub"), "deny"), not ));
    assert_true(json_equal(json_object_get(nats, "src"), sources));
    json_decref(claims);
    json_decref(publish);
    json_decref(not );
    json_decref(sources);
    buf_fini(&text);
}

TEST_MAIN(cmocka_unit_test(reads_claims_of_another_implementation),
          cmocka_unit_test(refuses_claims_that_were_changed),
          cmocka_unit_test(refuses_another_issuer_and_another_kind),
          cmocka_unit_test(refuses_other_algorithms), cmocka_unit_test(an_operator_signs_itself),
          cmocka_unit_test(writes_what_it_is_told_about_users))
