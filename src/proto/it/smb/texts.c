/* Texts, times, contents, and what NTLMSSP says ([MS-NLMP] section 2.2). */
#include "dissect/executable.h"
#include "proto/it/smb/smb_private.h"

#include <stdio.h>

#define NTLM_NEGOTIATE 1
#define NTLM_CHALLENGE 2
#define NTLM_AUTHENTICATE 3
#define NTLM_UNICODE 0x00000001u
#define NTLM_VERSION 0x02000000u
#define FILETIME_1970 UINT64_C(116444736000000000)

enum authentication {
    AUTHENTICATION_NTLM = 1,
    AUTHENTICATION_KERBEROS = 2,
};

static void
put_character(struct smb_texts *t, uint32_t c)
{
    if (c < 0x80) {
        t->octets[t->n++] = (uint8_t)c;
    } else if (c < 0x800) {
        t->octets[t->n++] = (uint8_t)(0xc0 | c >> 6);
        t->octets[t->n++] = (uint8_t)(0x80 | (c & 63));
    } else {
        t->octets[t->n++] = (uint8_t)(0xe0 | c >> 12);
        t->octets[t->n++] = (uint8_t)(0x80 | (c >> 6 & 63));
        t->octets[t->n++] = (uint8_t)(0x80 | (c & 63));
    }
}

/* Of a pair of surrogates each half is told. */
void
smb_put_text(struct dissection *d, struct smb_texts *t, enum smb_field field, const uint8_t *text,
             size_t size, bool is_unicode)
{
    size_t begin = t->n, step = is_unicode ? 2 : 1;
    if (!text)
        return;
    for (size_t i = 0; i + step <= size && t->n + 3 <= sizeof t->octets; i += step)
        put_character(t, is_unicode ? get_le16(text + i) : text[i]);
    pdu_octets(d, (uint16_t)field, 0, t->octets + begin, t->n - begin);
}

void
smb_put_time(struct dissection *d, uint64_t filetime)
{
    if (filetime <= FILETIME_1970 || filetime - FILETIME_1970 > INT64_MAX / 100)
        return;
    pdu_int(d, SMB_SYSTEM_TIME, 0, (int64_t)(filetime - FILETIME_1970) * 100);
}

void
smb_put_contents(struct dissection *d, const uint8_t *octets, size_t size, bool is_write)
{
    enum executable kind = octets ? executable_kind(octets, size) : EXECUTABLE_NONE;
    if (!kind)
        return;
    pdu_uint(d, SMB_EXECUTABLE, 0, kind);
    d->pdu->act = is_write ? ACT_DOWNLOAD : ACT_UPLOAD;
}

/* ---- NTLMSSP ---- */

/* A security buffer at `at`: length, room, offset. */
static struct cursor
buffer_at(const struct cursor *c, size_t at)
{
    size_t size = (size_t)(c->end - c->start);
    if (at + 8 > size)
        return cursor_over(NULL, 0);
    size_t n = get_le16(c->start + at), offset = get_le32(c->start + at + 4);
    if (offset > size || n > size - offset)
        return cursor_over(NULL, 0);
    return cursor_over(c->start + offset, n);
}

static void
put_buffer(struct dissection *d, struct smb_texts *t, const struct cursor *c, size_t at,
           enum smb_field field, bool is_unicode)
{
    struct cursor value = buffer_at(c, at);
    if (cursor_left(&value))
        smb_put_text(d, t, field, value.pos, cursor_left(&value), is_unicode);
}

static void
put_version(struct dissection *d, struct smb_texts *t, const struct cursor *c, size_t at,
            uint32_t flags)
{
    if (!(flags & NTLM_VERSION) || at + 8 > (size_t)(c->end - c->start) ||
        t->n + 16 > sizeof t->octets || (!c->start[at] && !get_le16(c->start + at + 2)))
        return;
    const uint8_t *version = c->start + at;
    int n = snprintf((char *)t->octets + t->n, 16, "%u.%u.%u", version[0], version[1],
                     get_le16(version + 2));
    pdu_octets(d, SMB_OS_VERSION, 0, t->octets + t->n, (size_t)n);
    t->n += (size_t)n;
}

/* AV_PAIRs (section 2.2.2.1). */
static void
put_target_info(struct dissection *d, struct smb_texts *t, struct cursor c)
{
    static const enum smb_field fields[] = {0, SMB_COMPUTER, SMB_COMPUTER_DOMAIN, SMB_DNS_COMPUTER,
                                            SMB_DNS_DOMAIN};
    while (cursor_left(&c) >= 4) {
        uint16_t id = cursor_le16(&c, "id"), size = cursor_le16(&c, "length");
        const uint8_t *value = cursor_bytes(&c, size, "value");
        if (!id || !value)
            return;
        if (id < ARRAY_SIZE(fields))
            smb_put_text(d, t, fields[id], value, size, true);
    }
}

static void
put_ntlm(struct dissection *d, struct smb_texts *t, const uint8_t *octets, size_t size)
{
    struct cursor c = cursor_over(octets, size);
    uint32_t type = size >= 12 ? get_le32(octets + 8) : 0, flags = 0;
    pdu_uint(d, SMB_AUTHENTICATION, 0, AUTHENTICATION_NTLM);
    if (type < NTLM_NEGOTIATE || type > NTLM_AUTHENTICATE)
        return;
    pdu_uint(d, SMB_NTLM_MESSAGE, 0, type);
    size_t at = type == NTLM_NEGOTIATE ? 12 : type == NTLM_CHALLENGE ? 20 : 60;
    if (at + 4 <= size)
        flags = get_le32(octets + at);
    bool is_unicode = flags & NTLM_UNICODE;
    switch (type) {
    case NTLM_NEGOTIATE:
        put_buffer(d, t, &c, 16, SMB_DOMAIN, false);
        put_buffer(d, t, &c, 24, SMB_WORKSTATION, false);
        put_version(d, t, &c, 32, flags);
        break;
    case NTLM_CHALLENGE:
        put_buffer(d, t, &c, 12, SMB_TARGET, is_unicode);
        put_target_info(d, t, buffer_at(&c, 40));
        put_version(d, t, &c, 48, flags);
        break;
    default:
        put_buffer(d, t, &c, 28, SMB_DOMAIN, is_unicode);
        put_buffer(d, t, &c, 36, SMB_USER, is_unicode);
        put_buffer(d, t, &c, 44, SMB_WORKSTATION, is_unicode);
        put_version(d, t, &c, 64, flags);
    }
}

/* As it stands, or within SPNEGO (RFC 4178), where it is looked for. */
void
smb_put_token(struct dissection *d, struct smb_texts *t, const uint8_t *octets, size_t size)
{
    static const uint8_t kerberos[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                       0xf7, 0x12, 0x01, 0x02, 0x02, 0x01};
    const uint8_t *ntlm = octets && size ? memmem(octets, size, "NTLMSSP", 8) : NULL;
    if (ntlm) {
        put_ntlm(d, t, ntlm, size - (size_t)(ntlm - octets));
    } else if (octets && size) {
        const uint8_t *at = memmem(octets, size, kerberos, 11);
        if (at && (size_t)(at - octets) + 13 < size && at[11] == 1 && !at[12]) /* AP-REQ */
            pdu_uint(d, SMB_AUTHENTICATION, 0, AUTHENTICATION_KERBEROS);
    }
}
