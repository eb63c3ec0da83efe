#include "io/signed_note.h"

#include "base/base64.h"
#include "base/hex.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DASH "\xe2\x80\x94 " /* how a line with a signature begins */
#define KEY_ID_SIZE 4
#define KEY_KIND 1 /* Ed25519 */
#define ED25519_KEY_SIZE 32
#define ED25519_SIGNATURE_SIZE 64

/* ---- Keys ---- */

static enum err
read_key(const char *pem, size_t size, bool secret, EVP_PKEY **key, struct diag *diag)
{
    BIO *bio = BIO_new_mem_buf(pem, size > INT32_MAX ? INT32_MAX : (int)size);
    *key = !bio     ? NULL
           : secret ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"")
                    : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (*key && EVP_PKEY_is_a(*key, "ED25519"))
        return ERR_OK;
    EVP_PKEY_free(*key);
    *key = NULL;
    return diag_set(diag, ERR_MALFORMED, "not an Ed25519 %s key in PEM",
                    secret ? "private" : "public");
}

enum err
note_secret_key(const char *pem, size_t size, EVP_PKEY **key, struct diag *diag)
{
    return read_key(pem, size, true, key, diag);
}

enum err
note_public_key(const char *pem, size_t size, EVP_PKEY **key, struct diag *diag)
{
    return read_key(pem, size, false, key, diag);
}

static void
raw_key(EVP_PKEY *key, uint8_t octets[ED25519_KEY_SIZE])
{
    size_t size = ED25519_KEY_SIZE;
    if (!EVP_PKEY_get_raw_public_key(key, octets, &size))
        abort(); /* it is an Ed25519 key */
}

static void
key_id(const char *name, EVP_PKEY *key, uint8_t id[KEY_ID_SIZE])
{
    struct buf text = BUF_INIT;
    uint8_t octets[ED25519_KEY_SIZE] = {0}, hash[SHA256_DIGEST_LENGTH];
    raw_key(key, octets);
    buf_printf(&text, "%s\n%c", name, KEY_KIND);
    buf_put(&text, octets, sizeof octets);
    SHA256(text.data, text.size, hash);
    memcpy(id, hash, KEY_ID_SIZE);
    buf_fini(&text);
}

enum err
note_check_name(const char *name, struct diag *diag)
{
    size_t n = strlen(name);
    bool plain = n && n <= NOTE_NAME_MAX;
    for (size_t i = 0; i < n && plain; i++)
        plain = (uint8_t)name[i] > ' ' && name[i] != '+' && (uint8_t)name[i] < 0x7f;
    return plain ? ERR_OK
                 : diag_set(diag, ERR_INVALID,
                            "a signer's name has 1 to %d characters, without spaces and '+'",
                            NOTE_NAME_MAX);
}

void
note_put_verifier(struct buf *out, const char *name, EVP_PKEY *key)
{
    uint8_t id[KEY_ID_SIZE], octets[1 + ED25519_KEY_SIZE] = {KEY_KIND};
    key_id(name, key, id);
    raw_key(key, octets + 1);
    char text[2 * KEY_ID_SIZE + 1];
    buf_printf(out, "%s+%s+", name, hex_format(id, sizeof id, text));
    base64_put(out, octets, sizeof octets);
}

/* The key whose octets are told after the second '+'. NULL: there is none. */
static EVP_PKEY *
key_of_text(const char *text, size_t length)
{
    struct buf octets = BUF_INIT;
    EVP_PKEY *key = NULL;
    if (!base64_parse(text, length, &octets) && octets.size == 1 + ED25519_KEY_SIZE &&
        octets.data[0] == KEY_KIND)
        key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, octets.data + 1,
                                          ED25519_KEY_SIZE);
    buf_fini(&octets);
    return key;
}

enum err
note_verifier(const char *line, size_t length, char name[NOTE_NAME_MAX + 1], EVP_PKEY **key,
              struct diag *diag)
{
    const char *first = memchr(line, '+', length);
    size_t n = first ? (size_t)(first - line) : 0;
    const size_t hex = 2 * KEY_ID_SIZE;
    uint8_t id[KEY_ID_SIZE];
    char said[2 * KEY_ID_SIZE + 1], owner[NOTE_NAME_MAX + 1];
    if (!n || n > NOTE_NAME_MAX || length < n + 2 + hex || line[n + 1 + hex] != '+')
        return diag_set(diag, ERR_MALFORMED, "not NAME+KEYID+KEY");
    snprintf(owner, sizeof owner, "%.*s", (int)n, line);
    if (strlen(owner) != n || note_check_name(owner, NULL))
        return diag_set(diag, ERR_MALFORMED, "the name is no signer's");
    EVP_PKEY *found = key_of_text(line + n + 2 + hex, length - n - 2 - hex);
    if (!found)
        return diag_set(diag, ERR_MALFORMED, "%s: not an Ed25519 key", owner);
    key_id(owner, found, id);
    hex_format(id, sizeof id, said);
    if (memcmp(said, line + n + 1, hex) != 0) {
        EVP_PKEY_free(found);
        return diag_set(diag, ERR_MALFORMED, "%s: the id is another key's, this one's is %s", owner,
                        said);
    }
    memcpy(name, owner, sizeof owner);
    *key = found;
    return ERR_OK;
}

/* ---- Signing ---- */

/* The text that is signed ends with its last line feed; behind it an empty line. */
static enum err
add_signature(struct buf *note, size_t text_size, const char *name, EVP_PKEY *secret)
{
    uint8_t signature[KEY_ID_SIZE + ED25519_SIGNATURE_SIZE];
    size_t size = ED25519_SIGNATURE_SIZE;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    key_id(name, secret, signature);
    bool done = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, secret) == 1 &&
                EVP_DigestSign(ctx, signature + KEY_ID_SIZE, &size, note->data, text_size) == 1;
    EVP_MD_CTX_free(ctx);
    if (!done)
        return ERR_IO;
    buf_printf(note, DASH "%s ", name);
    base64_put(note, signature, sizeof signature);
    buf_str(note, "\n");
    return ERR_OK;
}

enum err
note_sign(struct buf *note, const char *text, size_t size, const char *name, EVP_PKEY *secret,
          struct diag *diag)
{
    struct buf own = BUF_INIT;
    enum err err = note_check_name(name, diag);
    if (err)
        return err;
    buf_put(&own, text, size);
    buf_str(&own, "\n");
    err = add_signature(&own, size, name, secret);
    if (err)
        diag_set(diag, err, "it cannot be signed");
    else
        buf_put(note, own.data, own.size);
    buf_fini(&own);
    return err;
}

enum err
note_countersign(struct buf *note, const char *name, EVP_PKEY *secret, struct diag *diag)
{
    size_t text_size = note_text_size((const char *)note->data, note->size);
    enum err err = note_check_name(name, diag);
    if (err)
        return err;
    if (!text_size)
        return diag_set(diag, ERR_MALFORMED, "not a signed note");
    err = add_signature(note, text_size, name, secret);
    return err ? diag_set(diag, err, "it cannot be signed") : ERR_OK;
}

/* ---- Checking ---- */

size_t
note_text_size(const char *note, size_t size)
{
    const char *end = size ? memmem(note, size, "\n\n" DASH, 6) : NULL;
    return end && note[size - 1] == '\n' ? (size_t)(end - note) + 1 : 0;
}

static bool
is_signed_by(const char *note, size_t text_size, const char *text, size_t length,
             const uint8_t id[KEY_ID_SIZE], EVP_PKEY *public_key)
{
    struct buf signature = BUF_INIT;
    bool good = false;
    if (!base64_parse(text, length, &signature) &&
        signature.size == KEY_ID_SIZE + ED25519_SIGNATURE_SIZE &&
        !memcmp(signature.data, id, KEY_ID_SIZE)) {
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        good = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, public_key) == 1 &&
               EVP_DigestVerify(ctx, signature.data + KEY_ID_SIZE, ED25519_SIGNATURE_SIZE,
                                (const uint8_t *)note, text_size) == 1;
        EVP_MD_CTX_free(ctx);
    }
    buf_fini(&signature);
    return good;
}

/* Any line "— NAME BASE64" behind the text that is right. */
bool
note_is_signed(const char *note, size_t size, size_t text_size, const char *name,
               EVP_PKEY *public_key)
{
    const char *at = note + text_size + 1, *end = note + size;
    uint8_t id[KEY_ID_SIZE];
    char start[NOTE_NAME_MAX + 8];
    size_t n = (size_t)snprintf(start, sizeof start, DASH "%s ", name);
    bool found = false, has_id = false;
    while (at < end && !found) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((line_end ? line_end : end) - at);
        bool named = length > n && !memcmp(at, start, n);
        if (named && !has_id)
            key_id(name, public_key, id);
        has_id |= named;
        if (named)
            found = is_signed_by(note, text_size, at + n, length - n, id, public_key);
        at += length + 1;
    }
    return found;
}
