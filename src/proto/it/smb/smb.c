/* Messages in a stream, and those of the NetBIOS session. */
#include "proto/it/smb/smb_private.h"

#define HEADER 4u
#define SESSION_MESSAGE 0x00
#define SESSION_REQUEST 0x81
#define SESSION_KEEP_ALIVE 0x85
#define ENCRYPTED 0xfd
#define COMPRESSED 0xfc
#define ENCRYPTED_LOOK 52u /* [MS-SMB2] section 2.2.41 */
#define SMB2_READ 8
#define SMB2_WRITE 9
#define SMB1_READ 0x2e
#define SMB1_WRITE 0x2f

/* How much of a message is looked at. */
static size_t
octets_to_look_at(const uint8_t *m, size_t length)
{
    bool has_data = (m[0] == 0xfe && length >= 16 &&
                     (get_le16(m + 12) == SMB2_READ || get_le16(m + 12) == SMB2_WRITE)) ||
                    (m[0] == 0xff && (m[4] == SMB1_READ || m[4] == SMB1_WRITE));
    size_t most = m[0] == ENCRYPTED || m[0] == COMPRESSED ? ENCRYPTED_LOOK
                  : has_data                              ? SMB_LOOK_DATA
                                                          : SMB_LOOK;
    return MIN(length, most);
}

enum frame_found
smb_frame(const uint8_t *data, size_t size, size_t *message)
{
    *message = HEADER;
    if (size && data[0] && (data[0] < SESSION_REQUEST || data[0] > SESSION_KEEP_ALIVE))
        return FRAME_NOT;
    if (size < HEADER)
        return FRAME_MORE;
    size_t length = get_be24(data + 1);
    if (data[0]) {
        *message += length;
        return length > 255 ? FRAME_NOT : size >= *message ? FRAME_WHOLE : FRAME_MORE;
    }
    if (length < 16)
        return length ? FRAME_NOT : FRAME_WHOLE; /* also said to keep it alive */
    if (size > HEADER && data[4] < COMPRESSED)
        return FRAME_NOT;
    if (size > HEADER + 1 && memcmp(data + 5, "SMB", MIN(size - HEADER - 1, 3u)) != 0)
        return FRAME_NOT;
    *message = HEADER + 16;
    if (size < *message)
        return FRAME_MORE;
    *message = HEADER + octets_to_look_at(data + HEADER, length);
    return size >= *message ? FRAME_WHOLE : FRAME_MORE;
}

int
smb_looks(const uint8_t *message, size_t size)
{
    size_t whole;
    enum frame_found found = smb_frame(message, size, &whole);
    if (found == FRAME_NOT || size < HEADER)
        return LOOKS_NOT;
    if (message[0] == SESSION_MESSAGE)
        return size >= HEADER + 4 ? LOOKS_SURE : LOOKS_NOT;
    /* Two names, as NetBIOS encodes them. */
    return message[0] == SESSION_REQUEST && size >= 72 && get_be24(message + 1) == 68 &&
                   message[4] == 32 && message[38] == 32
               ? LOOKS_SURE
               : LOOKS_FAINT;
}

/* A name of 16 octets, each as two letters (RFC 1001 section 14.1), without what it is of. */
static void
put_name(struct dissection *d, struct cursor *c, enum smb_field field, uint8_t *text)
{
    size_t n = 0;
    uint8_t length = cursor_u8(c, "length of a name");
    const uint8_t *letters = cursor_bytes(c, length, "name");
    if (cursor_u8(c, "end of a name") && !c->err)
        cursor_fail(c, ERR_UNSUPPORTED, "scope of a name");
    if (c->err || length != 32)
        return;
    for (; n < 15; n++)
        text[n] = (uint8_t)((letters[2 * n] - 'A') * 16u + (letters[2 * n + 1] - 'A'));
    while (n && text[n - 1] == ' ')
        n--;
    pdu_octets(d, (uint16_t)field, 0, text, n);
}

static void
take_session(struct dissection *d, struct cursor *c, uint8_t type)
{
    uint8_t texts[2][16];
    struct cursor whole = *c;
    pdu_begin(d,
              type == SESSION_REQUEST ? PDU_REQUEST
              : type == 0x83          ? PDU_REFUSAL
                                      : PDU_LINK,
              SMB_SESSION(type));
    if (type == SESSION_REQUEST) {
        put_name(d, c, SMB_TARGET, texts[0]);
        put_name(d, c, SMB_WORKSTATION, texts[1]);
    } else if (type == 0x83) {
        d->pdu->error = cursor_u8(c, "reason");
    } else {
        c->pos = c->end;
    }
    pdu_end(d, &whole);
}

static void
take_other(struct dissection *d, struct cursor *c, size_t length)
{
    bool is_encrypted = c->pos[0] == ENCRYPTED;
    uint64_t session = 0;
    struct cursor whole = *c;
    if (is_encrypted) {
        cursor_skip(c, 44, "encrypted message");
        session = cursor_le64(c, "session");
    }
    pdu_begin(d, PDU_LINK, SMB_OTHER(whole.pos[0]));
    if (is_encrypted && !c->err)
        pdu_uint(d, SMB_SESSION_ID, 0, session);
    pdu_uint(d, SMB_SIZE, 0, length);
    pdu_end(d, &whole);
    c->pos = c->end;
}

void
smb_dissect(struct dissection *d, struct cursor *c)
{
    struct smb_state *s = d->state;
    uint8_t type = cursor_u8(c, "session message");
    size_t length = cursor_be24(c, "length"), there = cursor_left(c);
    if (c->err || there > length) {
        cursor_fail(c, ERR_MALFORMED, "length");
        return;
    }
    struct cursor body = *c;
    c->pos = c->end;
    if (type != SESSION_MESSAGE || !there) {
        take_session(d, &body, type);
        if (there < length)
            cursor_fail(&body, ERR_TRUNCATED, "length");
        cursor_join(c, &body);
        return;
    }
    body = cursor_over(body.pos, there);
    body.base = HEADER;
    if (there < 16 || memcmp(body.pos + 1, "SMB", 3) != 0)
        cursor_fail(&body, ERR_MALFORMED, "magic");
    else if (body.pos[0] == 0xff)
        smb1_take(d, &body);
    else if (body.pos[0] == 0xfe)
        smb2_take(d, &body);
    else
        take_other(d, &body, length);
    size_t wanted = there < 16 ? length : octets_to_look_at(c->start + HEADER, length);
    bool is_cut = length > there && wanted == there;
    if (s && is_cut) {
        s->left[d->way] = length - there;
        d->body = true;
    }
    if (there < wanted)
        cursor_fail(&body, ERR_TRUNCATED, "length");
    if (body.err && (body.err != ERR_TRUNCATED || !is_cut)) {
        cursor_fail(c, body.err, body.field);
        c->offset = body.offset;
    }
}

/* The rest of a message. */
size_t
smb_body(struct dissection *d, const uint8_t *data UNUSED, size_t size)
{
    struct smb_state *s = d->state;
    size_t n = s ? MIN(size, s->left[d->way]) : 0;
    if (s)
        s->left[d->way] -= n;
    d->body = s && s->left[d->way];
    return n;
}
