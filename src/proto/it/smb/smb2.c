/* SMB 2 and 3 ([MS-SMB2] section 2.2): commands, one behind the other in a compound. */
#include "proto/it/smb/smb_private.h"

#define HEADER 64u
#define IS_RESPONSE 1
#define IS_ASYNC 2

enum command {
    NEGOTIATE,
    SESSION_SETUP,
    LOGOFF,
    TREE_CONNECT,
    TREE_DISCONNECT,
    CREATE,
    CLOSE,
    FLUSH,
    READ,
    WRITE,
    LOCK,
    IOCTL,
    CANCEL,
    ECHO,
    QUERY_DIRECTORY,
    CHANGE_NOTIFY,
    QUERY_INFO,
    SET_INFO,
    OPLOCK_BREAK,
};

struct head {
    uint16_t command;
    uint32_t status, flags;
    uint64_t message, session;
    uint32_t tree;
};

static bool
is_error(uint32_t status)
{
    return status >> 30 == 3 && status != 0xc0000016; /* more processing is required */
}

/* What is at an offset from the header; empty: it is not there. */
static struct cursor
part(const struct cursor *c, size_t offset, size_t n)
{
    size_t size = (size_t)(c->end - c->start);
    if (offset < HEADER || offset > size)
        return cursor_over(NULL, 0);
    return cursor_over(c->start + offset, MIN(n, size - offset)); /* what is cut off is not there */
}

static void
put_part(struct dissection *d, struct smb_texts *t, const struct cursor *c, enum smb_field field,
         size_t offset, size_t n)
{
    struct cursor value = part(c, offset, n);
    if (cursor_left(&value))
        smb_put_text(d, t, field, value.pos, cursor_left(&value), true);
}

static void
put_token(struct dissection *d, struct smb_texts *t, const struct cursor *c, size_t offset,
          size_t n)
{
    struct cursor value = part(c, offset, n);
    smb_put_token(d, t, value.pos, cursor_left(&value));
}

/* The persistent part is skipped: the volatile one is enough to tell files apart. */
static uint64_t
put_file_id(struct dissection *d, struct cursor *c)
{
    cursor_skip(c, 8, "file id");
    uint64_t id = cursor_le64(c, "file id");
    if (!c->err)
        pdu_uint(d, SMB_FILE_ID, 0, id);
    return id;
}

/* ---- Requests ---- */

static void
ask_negotiate(struct dissection *d, struct cursor *c)
{
    cursor_skip(c, 2, "structure size");
    uint16_t n = cursor_le16(c, "number of dialects"), mode = cursor_le16(c, "security mode");
    cursor_skip(c, 6, "capabilities");
    const uint8_t *guid = cursor_bytes(c, 16, "client's GUID");
    cursor_skip(c, 8, "contexts");
    if (!c->err)
        pdu_uint(d, SMB_SIGNING, 0, mode & 3u);
    pdu_octets(d, SMB_GUID, 0, guid, 16);
    while (n-- && !c->err) {
        uint16_t dialect = cursor_le16(c, "dialect");
        if (!c->err)
            pdu_uint(d, SMB_DIALECT, 0, dialect);
    }
}

static void
ask_session(struct dissection *d, struct cursor *c, struct smb_texts *t)
{
    cursor_skip(c, 3, "structure size");
    uint8_t mode = cursor_u8(c, "security mode");
    cursor_skip(c, 8, "capabilities");
    uint16_t offset = cursor_le16(c, "token's offset"), n = cursor_le16(c, "token's length");
    if (c->err)
        return;
    pdu_uint(d, SMB_SIGNING, 0, mode & 3u);
    put_token(d, t, c, offset, n);
}

static void
ask_tree(struct dissection *d, struct cursor *c, struct smb_texts *t)
{
    cursor_skip(c, 4, "structure size");
    uint16_t offset = cursor_le16(c, "path's offset"), n = cursor_le16(c, "path's length");
    if (!c->err)
        put_part(d, t, c, SMB_PATH, offset, n);
}

static void
ask_create(struct dissection *d, struct cursor *c, struct smb_texts *t, const struct head *h)
{
    cursor_skip(c, 24, "structure size");
    uint32_t access = cursor_le32(c, "desired access");
    cursor_skip(c, 8, "attributes");
    uint32_t disposition = cursor_le32(c, "disposition"), options = cursor_le32(c, "options");
    uint16_t offset = cursor_le16(c, "name's offset"), n = cursor_le16(c, "name's length");
    if (c->err)
        return;
    put_part(d, t, c, SMB_FILE, offset, n);
    pdu_uint(d, SMB_ACCESS, 0, access);
    pdu_uint(d, SMB_DISPOSITION, 0, disposition);
    pdu_uint(d, SMB_OPTIONS, 0, options);
    smb_opening(d, h->message);
}

static void
ask_read(struct dissection *d, struct cursor *c, const struct head *h)
{
    cursor_skip(c, 4, "structure size");
    uint32_t length = cursor_le32(c, "length");
    uint64_t offset = cursor_le64(c, "offset"), file = put_file_id(d, c);
    if (c->err)
        return;
    smb_put_file(d, file);
    pdu_uint(d, SMB_OFFSET, 0, offset);
    pdu_uint(d, SMB_LENGTH, 0, length);
    smb_reading(d, h->message, file, !offset);
}

static void
ask_write(struct dissection *d, struct cursor *c)
{
    cursor_skip(c, 2, "structure size");
    uint16_t at = cursor_le16(c, "data's offset");
    uint32_t length = cursor_le32(c, "length");
    uint64_t offset = cursor_le64(c, "offset"), file = put_file_id(d, c);
    if (c->err)
        return;
    smb_put_file(d, file);
    pdu_uint(d, SMB_OFFSET, 0, offset);
    pdu_uint(d, SMB_LENGTH, 0, length);
    struct cursor data = part(c, at, length);
    if (!offset)
        smb_put_contents(d, data.pos, cursor_left(&data), true);
}

static void
ask_control(struct dissection *d, struct cursor *c)
{
    cursor_skip(c, 4, "structure size");
    uint32_t code = cursor_le32(c, "control code");
    if (!c->err)
        pdu_uint(d, SMB_CONTROL, 0, code);
    smb_put_file(d, put_file_id(d, c));
}

static void
ask_directory(struct dissection *d, struct cursor *c, struct smb_texts *t)
{
    cursor_skip(c, 8, "structure size");
    smb_put_file(d, put_file_id(d, c));
    uint16_t offset = cursor_le16(c, "pattern's offset"), n = cursor_le16(c, "pattern's length");
    if (!c->err)
        put_part(d, t, c, SMB_PATTERN, offset, n);
}

static void
take_request(struct dissection *d, struct cursor *c, struct smb_texts *t, const struct head *h)
{
    uint64_t file;
    switch (h->command) {
    case NEGOTIATE:
        ask_negotiate(d, c);
        break;
    case SESSION_SETUP:
        ask_session(d, c, t);
        break;
    case TREE_CONNECT:
        ask_tree(d, c, t);
        break;
    case CREATE:
        ask_create(d, c, t, h);
        break;
    case CLOSE:
        cursor_skip(c, 8, "structure size");
        file = put_file_id(d, c);
        smb_put_file(d, file);
        smb_closed(d, file);
        break;
    case READ:
        ask_read(d, c, h);
        break;
    case WRITE:
        ask_write(d, c);
        break;
    case IOCTL:
        ask_control(d, c);
        break;
    case QUERY_DIRECTORY:
        ask_directory(d, c, t);
        break;
    default:
        break;
    }
}

/* ---- Responses ---- */

static void
answer_negotiate(struct dissection *d, struct cursor *c, struct smb_texts *t)
{
    cursor_skip(c, 2, "structure size");
    uint16_t mode = cursor_le16(c, "security mode"), dialect = cursor_le16(c, "dialect");
    cursor_skip(c, 2, "contexts");
    const uint8_t *guid = cursor_bytes(c, 16, "server's GUID");
    cursor_skip(c, 16, "capabilities");
    uint64_t now = cursor_le64(c, "system time");
    cursor_skip(c, 8, "start time");
    uint16_t offset = cursor_le16(c, "token's offset"), n = cursor_le16(c, "token's length");
    if (c->err)
        return;
    pdu_uint(d, SMB_DIALECT, 0, dialect);
    pdu_uint(d, SMB_SIGNING, 0, mode & 3u);
    pdu_octets(d, SMB_GUID, 0, guid, 16);
    smb_put_time(d, now);
    put_token(d, t, c, offset, n);
}

static void
answer_session(struct dissection *d, struct cursor *c, struct smb_texts *t)
{
    cursor_skip(c, 2, "structure size");
    uint16_t flags = cursor_le16(c, "session flags"), offset = cursor_le16(c, "token's offset"),
             n = cursor_le16(c, "token's length");
    if (c->err)
        return;
    pdu_uint(d, SMB_SESSION_FLAGS, 0, flags);
    put_token(d, t, c, offset, n);
}

static void
answer_create(struct dissection *d, struct cursor *c, const struct head *h)
{
    cursor_skip(c, 4, "structure size");
    uint32_t action = cursor_le32(c, "create action");
    cursor_skip(c, 40, "times");
    uint64_t size = cursor_le64(c, "end of file");
    cursor_skip(c, 8, "attributes");
    uint64_t file = put_file_id(d, c);
    if (c->err)
        return;
    smb_opened(d, h->message, file);
    pdu_uint(d, SMB_ACTION, 0, action);
    pdu_uint(d, SMB_FILE_SIZE, 0, size);
}

static void
answer_read(struct dissection *d, struct cursor *c, const struct head *h)
{
    cursor_skip(c, 2, "structure size");
    uint8_t at = cursor_u8(c, "data's offset");
    cursor_skip(c, 1, "reserved");
    uint32_t length = cursor_le32(c, "length");
    bool is_first = smb_answered_read(d, h->message);
    if (c->err)
        return;
    pdu_uint(d, SMB_LENGTH, 0, length);
    struct cursor data = part(c, at, length);
    if (is_first)
        smb_put_contents(d, data.pos, cursor_left(&data), false);
}

static void
take_response(struct dissection *d, struct cursor *c, struct smb_texts *t, const struct head *h)
{
    uint8_t type;
    uint32_t value;
    switch (h->command) {
    case NEGOTIATE:
        answer_negotiate(d, c, t);
        break;
    case SESSION_SETUP:
        answer_session(d, c, t);
        break;
    case TREE_CONNECT:
        cursor_skip(c, 2, "structure size");
        type = cursor_u8(c, "share type");
        if (!c->err)
            pdu_uint(d, SMB_SHARE_TYPE, 0, type);
        break;
    case CREATE:
        answer_create(d, c, h);
        break;
    case READ:
        answer_read(d, c, h);
        break;
    case WRITE:
        cursor_skip(c, 4, "structure size");
        value = cursor_le32(c, "count");
        if (!c->err)
            pdu_uint(d, SMB_LENGTH, 0, value);
        break;
    case IOCTL:
        cursor_skip(c, 4, "structure size");
        value = cursor_le32(c, "control code");
        if (!c->err)
            pdu_uint(d, SMB_CONTROL, 0, value);
        break;
    default:
        break;
    }
}

/* ---- Messages ---- */

static void
take_command(struct dissection *d, struct cursor *c, const struct head *h)
{
    struct smb_texts t;
    struct cursor whole = *c;
    t.n = 0;
    bool is_response = h->flags & IS_RESPONSE;
    pdu_begin(d,
              !is_response               ? PDU_REQUEST
              : is_error(h->status)      ? PDU_REFUSAL
              : h->message == UINT64_MAX ? PDU_REPORT /* an oplock is broken */
                                         : PDU_RESPONSE,
              h->command);
    pdu_uint(d, SMB_MESSAGE, 0, h->message);
    pdu_uint(d, SMB_SESSION_ID, 0, h->session);
    if (!(h->flags & IS_ASYNC))
        pdu_uint(d, SMB_TREE, 0, h->tree);
    if (is_response && is_error(h->status))
        d->pdu->error = h->status;
    else if (is_response && h->status)
        pdu_uint(d, SMB_STATUS, 0, h->status);
    if (!is_response)
        take_request(d, c, &t, h);
    else if (!h->status || h->status == 0xc0000016 || h->status == 0x80000005)
        take_response(d, c, &t, h);
    pdu_end(d, &whole);
}

void
smb2_take(struct dissection *d, struct cursor *message)
{
    while (cursor_left(message) && !message->err) {
        struct cursor c = cursor_over(message->pos, cursor_left(message));
        c.base = cursor_offset(message);
        struct head h = {.command = 0};
        if (c.pos[0] != 0xfe || cursor_left(&c) < 4 || memcmp(c.pos + 1, "SMB", 3) != 0)
            cursor_fail(&c, ERR_MALFORMED, "magic");
        cursor_skip(&c, 8, "header");
        h.status = cursor_le32(&c, "status");
        h.command = cursor_le16(&c, "command");
        cursor_skip(&c, 2, "credits");
        h.flags = cursor_le32(&c, "flags");
        uint32_t next = cursor_le32(&c, "next command");
        h.message = cursor_le64(&c, "message id");
        cursor_skip(&c, 4, "process");
        h.tree = cursor_le32(&c, "tree");
        h.session = cursor_le64(&c, "session");
        cursor_skip(&c, 16, "signature");
        if (!c.err && next && (next < HEADER || next % 8))
            cursor_fail(&c, ERR_MALFORMED, "next command");
        size_t n = next && !c.err ? MIN(next, cursor_left(message)) : cursor_left(message);
        c.end = c.start + n;
        if (!c.err)
            take_command(d, &c, &h);
        cursor_skip(message, n, "command");
        if (c.err && !message->err) {
            cursor_fail(message, c.err, c.field);
            message->offset = c.offset;
        }
        if (!next)
            return;
    }
}
