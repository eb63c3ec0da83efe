#include "journal/checkpoint.h"

#include "base/base64.h"
#include "base/hex.h"
#include "io/signed_note.h"

#include <stdio.h>
#include <string.h>

/* ---- Keys ---- */

enum err
checkpoint_secret_key(const char *pem, size_t size, EVP_PKEY **key, struct diag *diag)
{
    return note_secret_key(pem, size, key, diag);
}

enum err
checkpoint_public_key(const char *pem, size_t size, EVP_PKEY **key, struct diag *diag)
{
    return note_public_key(pem, size, key, diag);
}

/* ---- Signing ---- */

void
checkpoint_origin(const struct journal_identity *identity, char origin[CHECKPOINT_ORIGIN_MAX + 1])
{
    char id[2 * JOURNAL_ID_SIZE + 1];
    snprintf(origin, CHECKPOINT_ORIGIN_MAX + 1, "tieline-journal/%s/%s", identity->site,
             hex_format(identity->id, JOURNAL_ID_SIZE, id));
}

enum err
checkpoint_sign(const struct checkpoint *c, const char *name, EVP_PKEY *secret, struct buf *note,
                struct diag *diag)
{
    struct buf text = BUF_INIT;
    buf_printf(&text, "%s\n%llu\n", c->origin, (unsigned long long)c->size);
    base64_put(&text, c->root.octets, sizeof c->root.octets);
    buf_str(&text, "\n");
    enum err err = note_sign(note, (const char *)text.data, text.size, name, secret, diag);
    buf_fini(&text);
    return err;
}

/* ---- Reading ---- */

static size_t
text_size_of(const char *note, size_t size)
{
    return size <= CHECKPOINT_NOTE_MAX ? note_text_size(note, size) : 0;
}

enum err
checkpoint_countersign(struct buf *note, const char *name, EVP_PKEY *secret, struct diag *diag)
{
    enum err err = note_check_name(name, diag);
    if (err)
        return err;
    if (!text_size_of((const char *)note->data, note->size))
        return diag_set(diag, ERR_MALFORMED, "not a signed checkpoint");
    return note_countersign(note, name, secret, diag);
}

static const char *
next_line(const char **at, const char *end, size_t *length)
{
    const char *line = *at, *line_end = memchr(line, '\n', (size_t)(end - line));
    *length = line_end ? (size_t)(line_end - line) : 0;
    *at = line_end ? line_end + 1 : end;
    return line;
}

static bool
read_size(const char *text, size_t length, uint64_t *size)
{
    *size = 0;
    if (!length || length > 19 || (length > 1 && *text == '0'))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *size = *size * 10 + (uint64_t)(text[i] - '0');
    }
    return true;
}

static bool
read_text(const char *text, size_t size, struct checkpoint *c)
{
    const char *at = text, *end = text + size, *line;
    struct buf root = BUF_INIT;
    size_t length;
    line = next_line(&at, end, &length);
    if (!length || length > CHECKPOINT_ORIGIN_MAX || memchr(line, 0, length))
        return false;
    memcpy(c->origin, line, length);
    c->origin[length] = 0;
    line = next_line(&at, end, &length);
    if (!read_size(line, length, &c->size))
        return false;
    line = next_line(&at, end, &length);
    bool good = !base64_parse(line, length, &root) && root.size == sizeof c->root.octets;
    if (good)
        memcpy(c->root.octets, root.data, root.size);
    buf_fini(&root);
    return good;
}

enum err
checkpoint_parse(const char *note, size_t size, struct checkpoint *c, struct diag *diag)
{
    size_t text_size = text_size_of(note, size);
    *c = (struct checkpoint){.size = 0};
    if (!text_size || !read_text(note, text_size, c))
        return diag_set(diag, ERR_MALFORMED, "not a signed checkpoint");
    return ERR_OK;
}

enum err
checkpoint_open(const char *note, size_t size, const char *name, EVP_PKEY *public_key,
                struct checkpoint *c, struct diag *diag)
{
    enum err err = note_check_name(name, diag);
    if (!err)
        err = checkpoint_parse(note, size, c, diag);
    if (err)
        return err;
    if (!note_is_signed(note, size, text_size_of(note, size), name, public_key))
        return diag_set(diag, ERR_DENIED, "the checkpoint is not signed by \"%s\" with this key",
                        name);
    return ERR_OK;
}

/* ---- Who has signed ---- */

static bool
is_signed_with(const char *note, size_t size, const struct content_trust *trust, size_t i)
{
    size_t text_size = text_size_of(note, size);
    return text_size && note_is_signed(note, size, text_size, content_trust_name(trust, i),
                                       content_trust_key(trust, i));
}

bool
checkpoint_is_signed(const char *note, size_t size, const char *name,
                     const struct content_trust *trust)
{
    for (size_t i = 0; i < content_trust_size(trust); i++) {
        if (!strcmp(content_trust_name(trust, i), name) && is_signed_with(note, size, trust, i))
            return true;
    }
    return false;
}

bool
checkpoint_site(const char *origin, char site[JOURNAL_SITE_MAX + 1])
{
    char id[2 * JOURNAL_ID_SIZE + 1];
    int end = 0;
    return sscanf(origin, "tieline-journal/%64[^/]/%32[0-9a-f]%n", site, id, &end) == 2 && end &&
           !origin[end] && strlen(id) == 2 * JOURNAL_ID_SIZE && !journal_site_check(site, NULL);
}

const char *
checkpoint_witness(const char *note, size_t size, const char *site,
                   const struct content_trust *trust, size_t i)
{
    for (size_t k = 0; k < content_trust_size(trust); k++) {
        const char *name = content_trust_name(trust, k);
        if (strcmp(name, site) != 0 && is_signed_with(note, size, trust, k) && !i--)
            return name;
    }
    return NULL;
}
