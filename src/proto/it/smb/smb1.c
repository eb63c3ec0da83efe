/* SMB 1 ([MS-CIFS] section 2.2, [MS-SMB] section 2.2): commands, chained by AndX. */
#include "proto/it/smb/smb_private.h"

#define HEADER 32u
#define IS_RESPONSE 0x80
#define HAS_NT_STATUS 0x4000
#define IS_UNICODE 0x8000
#define CHAIN_MAX 16
#define NO_MORE 0xff
#define EXTENDED_SECURITY 0x80000000u

enum command {
    CLOSE = 0x04,
    TRANSACTION = 0x25,
    READ = 0x2e,
    WRITE = 0x2f,
    TRANSACTION2 = 0x32,
    NEGOTIATE = 0x72,
    SESSION_SETUP = 0x73,
    TREE_CONNECT = 0x75,
    NT_TRANSACT = 0xa0,
    NT_CREATE = 0xa2,
};

struct head {
    uint8_t command;
    bool is_response, is_unicode;
    uint32_t status;
    uint16_t tree, process, user, multiplex;
    uint64_t message; /* of all of them */
    const struct cursor *whole;
};

static bool
has_andx(uint8_t command)
{
    return command == 0x24 || command == 0x2d || command == READ || command == WRITE ||
           command == SESSION_SETUP || command == 0x74 || command == TREE_CONNECT ||
           command == NT_CREATE;
}

/* ---- Texts ---- */

/* Up to its NUL. */
static void
put_string(struct dissection *d, struct smb_texts *t, struct cursor *c, const struct head *h,
           enum smb_field field, bool is_unicode)
{
    size_t step = is_unicode ? 2 : 1, n = 0;
    /* On an even offset from the header, but for one command ([MS-CIFS] section 2.2.4.52.2). */
    if (is_unicode && h->command != NEGOTIATE && cursor_left(c) &&
        (size_t)(c->pos - h->whole->start) % 2)
        cursor_skip(c, 1, "pad");
    size_t left = cursor_left(c);
    while (n + step <= left && (c->pos[n] || (is_unicode && c->pos[n + 1])))
        n += step;
    if (n)
        smb_put_text(d, t, field, c->pos, n, is_unicode);
    cursor_skip(c, MIN(n + step, left), "text");
}

/* ---- Commands: their words, then their octets ---- */

static void
negotiate(struct dissection *d, struct cursor *w, struct cursor *b, struct smb_texts *t,
          const struct head *h)
{
    if (!h->is_response) {
        while (cursor_left(b) && cursor_u8(b, "buffer format") == 2)
            put_string(d, t, b, h, SMB_DIALECT_NAME, false);
        return;
    }
    uint16_t index = cursor_le16(w, "dialect");
    if (!w->err)
        pdu_uint(d, SMB_DIALECT, 0, index);
    if (cursor_left(w) < 32)
        return;
    uint8_t mode = cursor_u8(w, "security mode");
    cursor_skip(w, 16, "sizes");
    uint32_t capabilities = cursor_le32(w, "capabilities");
    uint64_t now = cursor_le64(w, "system time");
    cursor_skip(w, 2, "time zone");
    uint8_t key = cursor_u8(w, "length of the challenge");
    pdu_uint(d, SMB_SIGNING, 0, mode >> 2 & 3u);
    smb_put_time(d, now);
    if (capabilities & EXTENDED_SECURITY) {
        pdu_octets(d, SMB_GUID, 0, cursor_bytes(b, 16, "server's GUID"), 16);
        return;
    }
    cursor_skip(b, key, "challenge");
    bool is_unicode = capabilities & 4;
    put_string(d, t, b, h, SMB_DOMAIN, is_unicode);
    if (cursor_left(b))
        put_string(d, t, b, h, SMB_COMPUTER, is_unicode);
}

static void
session_request(struct dissection *d, struct cursor *w, struct cursor *b, struct smb_texts *t,
                const struct head *h)
{
    size_t n_words = cursor_left(w);
    if (n_words < 20)
        return;
    cursor_skip(w, 14, "andx"); /* with buffer size, counts, number, key */
    uint16_t first = cursor_le16(w, "length of a password or token");
    if (n_words == 24) { /* with extended security */
        const uint8_t *token = cursor_bytes(b, first, "token");
        smb_put_token(d, t, token, token ? first : 0);
    } else {
        uint16_t second = n_words == 26 ? cursor_le16(w, "length of a password") : 0;
        cursor_skip(b, (size_t)first + second, "passwords");
        put_string(d, t, b, h, SMB_USER, h->is_unicode);
        put_string(d, t, b, h, SMB_DOMAIN, h->is_unicode);
    }
    put_string(d, t, b, h, SMB_NATIVE_OS, h->is_unicode);
    put_string(d, t, b, h, SMB_NATIVE_LM, h->is_unicode);
}

static void
session_response(struct dissection *d, struct cursor *w, struct cursor *b, struct smb_texts *t,
                 const struct head *h)
{
    if (cursor_left(w) < 6)
        return;
    cursor_skip(w, 4, "andx");
    uint16_t action = cursor_le16(w, "action");
    if (!w->err)
        pdu_uint(d, SMB_SESSION_FLAGS, 0, action & 1u);
    if (cursor_left(w)) {
        uint16_t n = cursor_le16(w, "length of the token");
        const uint8_t *token = cursor_bytes(b, n, "token");
        smb_put_token(d, t, token, token ? n : 0);
    }
    put_string(d, t, b, h, SMB_NATIVE_OS, h->is_unicode);
    put_string(d, t, b, h, SMB_NATIVE_LM, h->is_unicode);
    if (cursor_left(b) > 1)
        put_string(d, t, b, h, SMB_COMPUTER_DOMAIN, h->is_unicode);
}

static void
tree_connect(struct dissection *d, struct cursor *w, struct cursor *b, struct smb_texts *t,
             const struct head *h)
{
    if (h->is_response) {
        if (cursor_left(b))
            put_string(d, t, b, h, SMB_SERVICE, false);
        return;
    }
    cursor_skip(w, 6, "andx");
    cursor_skip(b, cursor_le16(w, "length of the password"), "password");
    put_string(d, t, b, h, SMB_PATH, h->is_unicode);
    put_string(d, t, b, h, SMB_SERVICE, false);
}

static void
create_request(struct dissection *d, struct cursor *w, struct cursor *b, struct smb_texts *t,
               const struct head *h)
{
    cursor_skip(w, 15, "andx"); /* with name's length, flags, root */
    uint32_t access = cursor_le32(w, "desired access");
    cursor_skip(w, 16, "attributes");
    uint32_t disposition = cursor_le32(w, "disposition"), options = cursor_le32(w, "options");
    if (w->err)
        return;
    put_string(d, t, b, h, SMB_FILE, h->is_unicode);
    pdu_uint(d, SMB_ACCESS, 0, access);
    pdu_uint(d, SMB_DISPOSITION, 0, disposition);
    pdu_uint(d, SMB_OPTIONS, 0, options);
    smb_opening(d, h->message);
}

static void
create_response(struct dissection *d, struct cursor *w, const struct head *h)
{
    if (cursor_left(w) < 63)
        return;
    cursor_skip(w, 5, "andx");
    uint16_t file = cursor_le16(w, "file id");
    uint32_t action = cursor_le32(w, "create action");
    cursor_skip(w, 44, "times");
    uint64_t size = cursor_le64(w, "end of file");
    if (w->err)
        return;
    smb_opened(d, h->message, file);
    pdu_uint(d, SMB_FILE_ID, 0, file);
    pdu_uint(d, SMB_ACTION, 0, action);
    pdu_uint(d, SMB_FILE_SIZE, 0, size);
}

/* What is at an offset from the header, as far as it is there. */
static struct cursor
part(const struct head *h, size_t offset, size_t n)
{
    size_t size = (size_t)(h->whole->end - h->whole->start);
    if (offset < HEADER || offset > size)
        return cursor_over(NULL, 0);
    return cursor_over(h->whole->start + offset, MIN(n, size - offset));
}

static void
read_or_write(struct dissection *d, struct cursor *w, const struct head *h)
{
    bool is_write = h->command == WRITE;
    size_t n_words = cursor_left(w);
    cursor_skip(w, 4, "andx");
    uint16_t file = cursor_le16(w, "file id");
    uint64_t offset = cursor_le32(w, "offset");
    uint32_t length = is_write ? 0 : cursor_le16(w, "length");
    uint16_t at = 0;
    if (is_write) {
        cursor_skip(w, 8, "time-out"); /* with mode and what remains */
        length = (uint32_t)cursor_le16(w, "length") << 16;
        length |= cursor_le16(w, "length");
        at = cursor_le16(w, "data's offset");
    } else {
        cursor_skip(w, 8, "least length"); /* with time-out and what remains */
    }
    if (n_words > 24u - (is_write ? 0 : 4u) || (!is_write && n_words == 24))
        offset |= (uint64_t)cursor_le32(w, "offset") << 32;
    if (w->err)
        return;
    smb_put_file(d, file);
    pdu_uint(d, SMB_FILE_ID, 0, file);
    pdu_uint(d, SMB_OFFSET, 0, offset);
    pdu_uint(d, SMB_LENGTH, 0, length);
    struct cursor data = part(h, at, length);
    if (is_write && !offset)
        smb_put_contents(d, data.pos, cursor_left(&data), true);
    if (!is_write)
        smb_reading(d, h->message, file, !offset);
}

static void
read_response(struct dissection *d, struct cursor *w, const struct head *h)
{
    if (cursor_left(w) < 16)
        return;
    bool is_first = smb_answered_read(d, h->message);
    cursor_skip(w, 10, "andx"); /* with what remains */
    uint32_t length = cursor_le16(w, "length");
    uint16_t at = cursor_le16(w, "data's offset");
    length |= (uint32_t)cursor_le16(w, "length") << 16;
    pdu_uint(d, SMB_LENGTH, 0, length);
    struct cursor data = part(h, at, length);
    if (is_first)
        smb_put_contents(d, data.pos, cursor_left(&data), false);
}

static void
transaction(struct dissection *d, struct cursor *w, struct cursor *b, struct smb_texts *t,
            const struct head *h)
{
    if (h->is_response)
        return;
    if (h->command == NT_TRANSACT) {
        cursor_skip(w, 7, "counts");
        uint32_t data = cursor_le32(w, "total data count");
        cursor_skip(w, 25, "counts");
        uint16_t function = cursor_le16(w, "function");
        if (w->err)
            return;
        pdu_uint(d, SMB_SUBCOMMAND, 0, function);
        pdu_uint(d, SMB_LENGTH, 0, data);
        return;
    }
    cursor_skip(w, 2, "total parameter count");
    uint16_t data = cursor_le16(w, "total data count");
    cursor_skip(w, 22, "counts");
    uint8_t n = cursor_u8(w, "setup count");
    cursor_skip(w, 1, "reserved");
    n = (uint8_t)MIN(n, cursor_left(w) / 2); /* some say more than there are */
    uint16_t sub = n ? cursor_le16(w, "setup") : 0;
    uint16_t file = n > 1 && h->command == TRANSACTION ? cursor_le16(w, "file id") : 0;
    if (w->err)
        return;
    pdu_uint(d, SMB_SUBCOMMAND, 0, sub);
    pdu_uint(d, SMB_LENGTH, 0, data);
    if (h->command == TRANSACTION) {
        put_string(d, t, b, h, SMB_PATH, h->is_unicode);
        if (n > 1) {
            pdu_uint(d, SMB_FILE_ID, 0, file);
            smb_put_file(d, file);
        }
    }
}

static void
take_words(struct dissection *d, struct cursor *w, struct cursor *b, struct smb_texts *t,
           const struct head *h)
{
    uint16_t file;
    switch (h->command) {
    case NEGOTIATE:
        negotiate(d, w, b, t, h);
        break;
    case SESSION_SETUP:
        if (h->is_response)
            session_response(d, w, b, t, h);
        else
            session_request(d, w, b, t, h);
        break;
    case TREE_CONNECT:
        tree_connect(d, w, b, t, h);
        break;
    case NT_CREATE:
        if (h->is_response)
            create_response(d, w, h);
        else
            create_request(d, w, b, t, h);
        break;
    case READ:
    case WRITE:
        if (!h->is_response)
            read_or_write(d, w, h);
        else if (h->command == READ)
            read_response(d, w, h);
        break;
    case CLOSE:
        if (h->is_response)
            break;
        file = cursor_le16(w, "file id");
        if (w->err)
            break;
        pdu_uint(d, SMB_FILE_ID, 0, file);
        smb_put_file(d, file);
        smb_closed(d, file);
        break;
    case TRANSACTION:
    case TRANSACTION2:
    case NT_TRANSACT:
        transaction(d, w, b, t, h);
        break;
    default:
        break;
    }
}

/* ---- Messages ---- */

static void
begin(struct dissection *d, const struct head *h)
{
    bool is_refused = h->is_response && h->status >> 30 == 3 && h->status != 0xc0000016;
    pdu_begin(d,
              !h->is_response ? PDU_REQUEST
              : is_refused    ? PDU_REFUSAL
                              : PDU_RESPONSE,
              SMB_1(h->command));
    pdu_uint(d, SMB_MESSAGE, 0, h->multiplex);
    pdu_uint(d, SMB_SESSION_ID, 0, h->user);
    pdu_uint(d, SMB_TREE, 0, h->tree);
    pdu_uint(d, SMB_PROCESS, 0, h->process);
    if (is_refused)
        d->pdu->error = h->status;
    else if (h->is_response && h->status)
        pdu_uint(d, SMB_STATUS, 0, h->status);
}

/* One command; returns the next one, whose words are at `*at`. */
static uint8_t
take_command(struct dissection *d, struct cursor *c, const struct head *h, size_t *at)
{
    struct smb_texts t;
    uint8_t next = NO_MORE;
    t.n = 0;
    uint8_t n_words = cursor_u8(c, "word count");
    struct cursor words = cursor_split(c, 2u * n_words, "words");
    uint16_t n = cursor_le16(c, "octet count");
    size_t there = cursor_left(c);
    struct cursor octets = cursor_split(c, MIN(n, there), "octets");
    begin(d, h);
    if (!words.err) {
        if (has_andx(h->command) && n_words >= 2) {
            next = words.pos[0];
            *at = get_le16(words.pos + 2);
        }
        take_words(d, &words, &octets, &t, h);
    }
    pdu_end(d, h->whole);
    if (!c->err && (words.err || octets.err)) {
        cursor_fail(c, words.err ? words.err : octets.err, words.err ? words.field : octets.field);
        c->offset = words.err ? words.offset : octets.offset;
    }
    return next;
}

void
smb1_take(struct dissection *d, struct cursor *c)
{
    const struct cursor whole = *c;
    struct head h = {.whole = &whole};
    cursor_skip(c, 4, "magic");
    h.command = cursor_u8(c, "command");
    h.status = cursor_le32(c, "status");
    h.is_response = cursor_u8(c, "flags") & IS_RESPONSE;
    uint16_t flags = cursor_le16(c, "flags"), high = cursor_le16(c, "process");
    cursor_skip(c, 10, "signature");
    h.tree = cursor_le16(c, "tree");
    h.process = cursor_le16(c, "process");
    h.user = cursor_le16(c, "user");
    h.multiplex = cursor_le16(c, "multiplex id");
    if (c->err)
        return;
    h.is_unicode = flags & IS_UNICODE;
    if (!(flags & HAS_NT_STATUS) && h.status) /* class and code of DOS */
        h.status = 0xc0000000u | (h.status & 0xff) << 16 | h.status >> 16;
    h.message = (uint64_t)high << 48 | (uint64_t)h.process << 32 | (uint32_t)h.tree << 16 |
                h.multiplex;
    for (unsigned i = 0; i < CHAIN_MAX && !c->err; i++) {
        size_t at = 0, was = (size_t)(c->pos - c->start);
        uint8_t next = take_command(d, c, &h, &at);
        if (next == NO_MORE || at <= was || at >= (size_t)(c->end - c->start) || c->err)
            return;
        h.command = next;
        c->pos = c->start + at;
    }
}
