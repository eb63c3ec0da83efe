#include "journal/event.h"

#include "base/hex.h"
#include "journal/plain.h"

#include <jansson.h>
#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789._-"

static enum err
check_size(const char *field, const char *text, size_t most, struct diag *diag)
{
    if (!text || !*text)
        return diag_set(diag, ERR_INVALID, "%s is empty", field);
    if (strnlen(text, most + 1) > most)
        return diag_set(diag, ERR_LIMIT, "%s is longer than %zu octets", field, most);
    return ERR_OK;
}

static enum err
check_name(const char *field, const char *text, size_t most, struct diag *diag)
{
    enum err err = check_size(field, text, most, diag);
    if (err)
        return err;
    size_t good = strspn(text, NAME_CHARACTERS);
    if (text[good])
        return diag_set(diag, ERR_INVALID, "%s has a character other than a-z 0-9 . _ - at %zu",
                        field, good);
    return ERR_OK;
}

/* Free text of one line. jansson makes a string only of valid UTF-8. */
static enum err
check_line(const char *field, const char *text, size_t most, struct diag *diag)
{
    enum err err = check_size(field, text, most, diag);
    if (err)
        return err;
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return diag_set(diag, ERR_INVALID, "%s has a control character at %zu", field,
                            (size_t)(c - text));
    }
    json_t *string = json_string(text);
    if (!string)
        return diag_set(diag, ERR_INVALID, "%s is not UTF-8", field);
    json_decref(string);
    return ERR_OK;
}

/* Whatever is let in stays for ever, so it has to be what every reader can parse. */
static enum err
check_body(const char *body, struct diag *diag)
{
    enum err err = check_size("body", body, JOURNAL_BODY_MAX, diag);
    if (err || plain_json_object(body))
        return err;
    json_error_t error;
    json_t *value = json_loads(body, JSON_REJECT_DUPLICATES, &error);
    if (!value)
        return diag_set(diag, ERR_MALFORMED, "body is not JSON: %s at %d", error.text,
                        error.position);
    bool is_object = json_is_object(value);
    json_decref(value);
    if (!is_object)
        return diag_set(diag, ERR_MALFORMED, "body is not a JSON object");
    return ERR_OK;
}

enum err
journal_entry_check(const struct journal_entry *entry, struct diag *diag)
{
    if (entry->time < 0)
        return diag_set(diag, ERR_INVALID, "time is before 1970");
    enum err err = check_name("type", entry->type, JOURNAL_TYPE_MAX, diag);
    if (!err)
        err = check_line("object", entry->object, JOURNAL_OBJECT_MAX, diag);
    if (!err)
        err = check_line("actor", entry->actor, JOURNAL_ACTOR_MAX, diag);
    if (!err)
        err = check_body(entry->body, diag);
    return err;
}

enum err
journal_site_check(const char *site, struct diag *diag)
{
    return check_name("site", site, JOURNAL_SITE_MAX, diag);
}

static void
encode_text(struct buf *out, const char *text, size_t size)
{
    buf_be32(out, (uint32_t)size);
    buf_put(out, text, size);
}

void
journal_event_encode(const struct journal_event *event, struct buf *out)
{
    buf_put(out, "TLE1", 4);
    buf_be64(out, event->seq);
    buf_be64(out, event->epoch);
    buf_be64(out, (uint64_t)event->time);
    buf_put(out, event->prev_hash, JOURNAL_HASH_SIZE);
    encode_text(out, event->site, strlen(event->site));
    encode_text(out, event->type, strlen(event->type));
    encode_text(out, event->object, strlen(event->object));
    encode_text(out, event->actor, strlen(event->actor));
    encode_text(out, event->body, event->body_size);
}

void
journal_identity_encode(const struct journal_identity *identity, struct buf *out)
{
    buf_put(out, "TLJ1", 4);
    buf_put(out, identity->id, JOURNAL_ID_SIZE);
    buf_be64(out, identity->epoch);
    buf_be64(out, (uint64_t)identity->created);
    encode_text(out, identity->site, strlen(identity->site));
}

void
journal_hasher_init(struct journal_hasher *hasher)
{
    *hasher = (struct journal_hasher){
        .md = EVP_MD_fetch(NULL, "SHA256", NULL), /* once: fetching costs more than hashing */
        .ctx = EVP_MD_CTX_new(),
    };
    if (!hasher->md || !hasher->ctx)
        abort();
}

void
journal_hasher_fini(struct journal_hasher *hasher)
{
    EVP_MD_free(hasher->md);
    EVP_MD_CTX_free(hasher->ctx);
    buf_fini(&hasher->encoding);
}

static void
hash_encoding(struct journal_hasher *hasher, uint8_t *hash)
{
    unsigned size;
    if (!EVP_DigestInit_ex2(hasher->ctx, hasher->md, NULL) ||
        !EVP_DigestUpdate(hasher->ctx, hasher->encoding.data, hasher->encoding.size) ||
        !EVP_DigestFinal_ex(hasher->ctx, hash, &size))
        abort(); /* out of memory: nothing else can fail here */
    buf_clear(&hasher->encoding);
}

void
journal_event_hash(struct journal_hasher *hasher, const struct journal_event *event,
                   uint8_t hash[JOURNAL_HASH_SIZE])
{
    journal_event_encode(event, &hasher->encoding);
    hash_encoding(hasher, hash);
}

void
journal_identity_hash(struct journal_hasher *hasher, const struct journal_identity *identity,
                      uint8_t hash[JOURNAL_HASH_SIZE])
{
    journal_identity_encode(identity, &hasher->encoding);
    hash_encoding(hasher, hash);
}

char *
journal_hash_text(const uint8_t hash[JOURNAL_HASH_SIZE], char *text)
{
    return hex_format(hash, JOURNAL_HASH_TEXT_SIZE / 2, text);
}
