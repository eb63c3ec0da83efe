#include "enrol/envelope.h"

#include "base/base64.h"
#include "base/hex.h"
#include "enrol/certificate.h"
#include "io/jsontext.h"

#include <string.h>

static enum err
hash(struct envelope *e)
{
    uint8_t octets[EVP_MAX_MD_SIZE];
    if (EVP_Digest(e->text.data, e->text.size, octets, NULL, EVP_sha256(), NULL) != 1)
        return ERR_IO;
    hex_format(octets, ENVELOPE_HASH_LENGTH / 2, e->hash);
    return ERR_OK;
}

enum err
envelope_new(const char *format, json_t *payload, struct envelope *e)
{
    *e = (struct envelope){.payload = payload, .signatures = json_object()};
    buf_printf(&e->text, "%s\n", format);
    enum err err = jsontext_put(&e->text, payload);
    return err ? err : hash(e);
}

void
envelope_fini(struct envelope *e)
{
    json_decref(e->payload);
    json_decref(e->signatures);
    buf_fini(&e->text);
}

/* ---- Signatures ---- */

static void
add(struct envelope *e, const char *who, const void *signature, size_t size)
{
    struct buf text = BUF_INIT;
    base64_put(&text, signature, size);
    json_object_set_new(e->signatures, who, json_string(buf_cstr(&text)));
    buf_fini(&text);
}

enum err
envelope_sign_nkey(struct envelope *e, const char *who, const struct nkey *key)
{
    uint8_t signature[NKEY_SIGNATURE_SIZE];
    enum err err = nkey_sign(key, e->text.data, e->text.size, signature);
    if (!err)
        add(e, who, signature, sizeof signature);
    return err;
}

enum err
envelope_sign_key(struct envelope *e, const char *who, EVP_PKEY *key)
{
    struct buf signature = BUF_INIT;
    enum err err = certificate_sign(key, e->text.data, e->text.size, &signature);
    if (!err)
        add(e, who, signature.data, signature.size);
    buf_fini(&signature);
    return err;
}

static bool
find(const struct envelope *e, const char *who, struct buf *signature)
{
    const char *text = json_string_value(json_object_get(e->signatures, who));
    return text && !base64_parse(text, strlen(text), signature) && signature->size;
}

bool
envelope_verify_nkey(const struct envelope *e, const char *who, const struct nkey *key)
{
    struct buf signature = BUF_INIT;
    bool good = find(e, who, &signature) && signature.size == NKEY_SIGNATURE_SIZE &&
                nkey_verify(key, e->text.data, e->text.size, signature.data);
    buf_fini(&signature);
    return good;
}

bool
envelope_verify_key(const struct envelope *e, const char *who, EVP_PKEY *key)
{
    struct buf signature = BUF_INIT;
    bool good = find(e, who, &signature) &&
                certificate_verify_signature(key, e->text.data, e->text.size, &signature);
    buf_fini(&signature);
    return good;
}

/* ---- Text ---- */

void
envelope_put(const struct envelope *e, const char *format, struct buf *out)
{
    size_t skip = strlen(format) + 1;
    buf_printf(out, "{\"format\":\"%s\",\"payload\":\"", format);
    base64_put(out, e->text.data + skip, e->text.size - skip);
    buf_str(out, "\",\"signatures\":");
    (void)!jsontext_put(out, e->signatures); /* texts of our own */
    buf_str(out, "}\n");
}

enum err
envelope_open(const char *format, const char *text, size_t size, struct envelope *e,
              struct diag *diag)
{
    json_t *outer = NULL;
    *e = (struct envelope){0};
    if (size > ENVELOPE_MAX)
        return diag_set(diag, ERR_LIMIT, "larger than %d octets", ENVELOPE_MAX);
    enum err err = jsontext_parse(text, size, &outer, diag);
    const char *is = json_string_value(json_object_get(outer, "format"));
    const char *payload = json_string_value(json_object_get(outer, "payload"));
    json_t *signatures = json_object_get(outer, "signatures");
    if (!err && (!is || strcmp(is, format) != 0 || !payload || !json_is_object(signatures)))
        err = diag_set(diag, ERR_MALFORMED, "not a document of the format %s", format);
    if (!err) {
        buf_printf(&e->text, "%s\n", format);
        size_t skip = e->text.size;
        err = base64_parse(payload, strlen(payload), &e->text);
        if (!err)
            err = jsontext_parse((const char *)e->text.data + skip, e->text.size - skip,
                                 &e->payload, diag);
        if (!err && !json_is_object(e->payload))
            err = ERR_MALFORMED;
        if (err)
            diag_set(diag, err, "payload: not JSON in base64");
    }
    if (!err)
        err = hash(e);
    if (!err)
        e->signatures = json_incref(signatures);
    json_decref(outer);
    if (err) {
        envelope_fini(e);
        *e = (struct envelope){0};
    }
    return err;
}

const char *
envelope_text(const struct envelope *e, const char *member)
{
    return json_string_value(json_object_get(e->payload, member));
}
