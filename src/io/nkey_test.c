#include "io/nkey.h"

#include "base/base64.h"
#include "base/testing.h"

/* The key pair and the signature that the documentation and clients of NATS use as examples. */
static const char seed[] = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
static const char public_key[] = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
static const char nonce[] = "DhXdTMAeiHhLDig";
static const char signature[] = "WosANJXgeyxerXFo0twRiMG+/ZjYp1K/46bFeFax705yFTCTjM18jWl01gGYk4KKb"
                                "adiHd+hP3WgUQ2iLZUAAA==";

static void
reads_and_writes_the_documented_pair(void **state UNUSED)
{
    struct nkey key, other;
    char text[NKEY_SEED_LENGTH + 1];
    assert_ok(nkey_parse_seed(seed, strlen(seed), NKEY_USER, &key, NULL));
    assert_true(key.has_seed);
    nkey_put_public(&key, text);
    assert_string_equal(text, public_key);
    nkey_put_seed(&key, text);
    assert_string_equal(text, seed);
    assert_ok(nkey_parse_public(public_key, strlen(public_key), NKEY_USER, &other, NULL));
    assert_false(other.has_seed);
    assert_true(nkey_equal(&key, &other));
}

static void
signs_as_the_documented_key_does(void **state UNUSED)
{
    struct nkey key;
    struct buf expected = BUF_INIT;
    uint8_t own[NKEY_SIGNATURE_SIZE];
    assert_ok(base64_parse(signature, strlen(signature), &expected));
    assert_ok(nkey_parse_seed(seed, strlen(seed), NKEY_USER, &key, NULL));
    assert_ok(nkey_sign(&key, nonce, strlen(nonce), own));
    assert_memory_equal(own, expected.data, sizeof own);
    assert_true(nkey_verify(&key, nonce, strlen(nonce), own));
    assert_false(nkey_verify(&key, nonce, strlen(nonce) - 1, own));
    own[5] ^= 1;
    assert_false(nkey_verify(&key, nonce, strlen(nonce), own));
    buf_fini(&expected);
}

static void
does_not_sign_without_a_seed(void **state UNUSED)
{
    struct nkey key;
    uint8_t own[NKEY_SIGNATURE_SIZE];
    assert_ok(nkey_parse_public(public_key, strlen(public_key), NKEY_USER, &key, NULL));
    assert_err(nkey_sign(&key, nonce, strlen(nonce), own), ERR_IO);
}

static void
notices_any_character_that_is_changed(void **state UNUSED)
{
    struct nkey key;
    for (size_t i = 0; i < NKEY_SEED_LENGTH; i++) {
        char *copy = strdup(seed);
        copy[i] = copy[i] == 'B' ? 'C' : 'B';
        assert_int_not_equal(nkey_parse_seed(copy, NKEY_SEED_LENGTH, NKEY_USER, &key, NULL), 0);
        free(copy);
    }
    for (size_t i = 0; i < NKEY_PUBLIC_LENGTH; i++) {
        char *copy = strdup(public_key);
        copy[i] = copy[i] == 'B' ? 'C' : 'B';
        assert_int_not_equal(nkey_parse_public(copy, NKEY_PUBLIC_LENGTH, NKEY_USER, &key, NULL), 0);
        free(copy);
    }
}

static void
refuses_what_is_no_key(void **state UNUSED)
{
    static const char *const wrong[] = {
        "",
        "U",
        "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF",   /* short */
        "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4A", /* long */
        "udxu4rcsjnzoiqhznwxhxordprtgnjahahfrgzneejcpqtt2m7nlcnf4",
        "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF1",
        "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCN4=",
    };
    struct nkey key;
    struct diag diag;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        size_t size = strlen(wrong[i]);
        char *exact = malloc(size ? size : 1);
        memcpy(exact, wrong[i], size);
        assert_err(nkey_parse_public(exact, size, NKEY_USER, &key, &diag), ERR_MALFORMED);
        assert_int_equal(strncmp(diag.text, "public nkey: ", 13), 0);
        assert_err(nkey_parse_seed(exact, size, NKEY_USER, &key, NULL), ERR_MALFORMED);
        free(exact);
    }
    /* 58 characters have two bits more than 36 octets. */
    char copy[] = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VZ";
    assert_err(nkey_parse_seed(copy, strlen(copy), NKEY_USER, &key, &diag), ERR_MALFORMED);
    assert_string_equal(diag.text, "seed: bits behind its end");
}

static void
refuses_a_key_of_another_kind(void **state UNUSED)
{
    struct nkey key, other;
    char text[NKEY_SEED_LENGTH + 1];
    static const char first[] = "OAU";
    for (enum nkey_kind kind = NKEY_OPERATOR; kind <= NKEY_USER; kind++) {
        enum nkey_kind wrong = (kind + 1) % 3;
        assert_ok(nkey_new(kind, &key, NULL));
        nkey_put_public(&key, text);
        assert_int_equal(text[0], first[kind]);
        assert_ok(nkey_parse_public(text, strlen(text), kind, &other, NULL));
        assert_err(nkey_parse_public(text, strlen(text), wrong, &other, NULL), ERR_INVALID);
        nkey_put_seed(&key, text);
        assert_int_equal(text[0], 'S');
        assert_int_equal(text[1], first[kind]);
        assert_ok(nkey_parse_seed(text, strlen(text), kind, &other, NULL));
        assert_memory_equal(other.seed, key.seed, sizeof key.seed);
        assert_err(nkey_parse_seed(text, strlen(text), wrong, &other, NULL), ERR_INVALID);
    }
}

TEST_MAIN(cmocka_unit_test(reads_and_writes_the_documented_pair),
          cmocka_unit_test(signs_as_the_documented_key_does),
          cmocka_unit_test(does_not_sign_without_a_seed),
          cmocka_unit_test(notices_any_character_that_is_changed),
          cmocka_unit_test(refuses_what_is_no_key), cmocka_unit_test(refuses_a_key_of_another_kind))
