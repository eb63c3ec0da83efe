#include "proto/it/ftp/ftp.h"

#include "base/attr.h"

#include <string.h>
#include <strings.h>

#define MESSAGE_MAX 4096u
#define CODE_BANNER 220
#define CODE_SYSTEM 215
#define CODE_PASSIVE 227
#define CODE_SECURED 234 /* to AUTH: what follows is of TLS (RFC 4217 section 4) */

enum what {
    WHAT_PLAIN,
    WHAT_FILE,
    WHAT_USER,
    WHAT_SECRET,
    WHAT_PORT,
};

/* In the order of `functions`, FTP_COMMAND + 1 and on. */
static const struct command {
    const char *verb;
    enum what what;
} commands[] = {
    {"USER", WHAT_USER},  {"PASS", WHAT_SECRET}, {"ACCT", WHAT_SECRET}, {"QUIT", WHAT_PLAIN},
    {"RETR", WHAT_FILE},  {"STOR", WHAT_FILE},   {"STOU", WHAT_FILE},   {"APPE", WHAT_FILE},
    {"DELE", WHAT_FILE},  {"RNFR", WHAT_FILE},   {"RNTO", WHAT_FILE},   {"MKD", WHAT_FILE},
    {"RMD", WHAT_FILE},   {"CWD", WHAT_FILE},    {"CDUP", WHAT_PLAIN},  {"PWD", WHAT_PLAIN},
    {"LIST", WHAT_FILE},  {"NLST", WHAT_FILE},   {"MLSD", WHAT_FILE},   {"MLST", WHAT_FILE},
    {"SIZE", WHAT_FILE},  {"MDTM", WHAT_FILE},   {"SYST", WHAT_PLAIN},  {"FEAT", WHAT_PLAIN},
    {"STAT", WHAT_FILE},  {"HELP", WHAT_PLAIN},  {"SITE", WHAT_PLAIN},  {"PORT", WHAT_PORT},
    {"EPRT", WHAT_PLAIN}, {"PASV", WHAT_PLAIN},  {"EPSV", WHAT_PLAIN},  {"TYPE", WHAT_PLAIN},
    {"AUTH", WHAT_PLAIN}, {"ADAT", WHAT_SECRET}, {"PBSZ", WHAT_PLAIN},  {"PROT", WHAT_PLAIN},
    {"NOOP", WHAT_PLAIN}, {"ABOR", WHAT_PLAIN},  {"REST", WHAT_PLAIN},  {"OPTS", WHAT_PLAIN},
    {"MODE", WHAT_PLAIN}, {"STRU", WHAT_PLAIN},  {"REIN", WHAT_PLAIN},  {"ALLO", WHAT_PLAIN},
};

struct ftp_state {
    bool greeted;
    uint16_t open[2]; /* code of the reply of several lines that has begun, of each way */
};

/* ---- Lines ---- */

static enum frame_found
ftp_frame(const uint8_t *data, size_t size, size_t *message)
{
    const uint8_t *end = size ? memchr(data, '\n', MIN(size, MESSAGE_MAX)) : NULL;
    *message = end ? (size_t)(end - data) + 1 : size + 1;
    return end ? FRAME_WHOLE : size >= MESSAGE_MAX ? FRAME_NOT : FRAME_MORE;
}

/* Three digits, and a space, a hyphen or the end; 0: it does not begin so. */
static unsigned
code_of(const uint8_t *line, size_t size)
{
    if (size < 3 || line[0] < '1' || line[0] > '6' ||
        (size > 3 && line[3] != ' ' && line[3] != '-'))
        return 0;
    for (size_t i = 1; i < 3; i++) {
        if (line[i] < '0' || line[i] > '9')
            return 0;
    }
    return (line[0] - '0') * 100u + (line[1] - '0') * 10u + (line[2] - '0');
}

static const struct command *
command_of(const uint8_t *line, size_t size)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        size_t n = strlen(commands[i].verb);
        if (size >= n && !strncasecmp((const char *)line, commands[i].verb, n) &&
            (size == n || line[n] == ' '))
            return &commands[i];
    }
    return NULL;
}

static size_t
trimmed(const uint8_t *line, size_t size)
{
    while (size && (line[size - 1] == '\n' || line[size - 1] == '\r'))
        size--;
    return size;
}

/* "h1,h2,h3,h4,p1,p2", wherever it begins. */
static void
put_port(struct dissection *d, const uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint64_t all = 0;
        unsigned numbers = 0, value = 0, digits = 0;
        for (size_t k = i; k <= size && numbers < 6; k++) {
            uint8_t c = k < size ? text[k] : 0;
            if (c >= '0' && c <= '9' && digits < 3) {
                value = value * 10 + c - '0';
                digits++;
                continue;
            }
            if (!digits || value > 255 || (c != ',' && numbers < 5))
                break;
            all = all << 8 | value;
            numbers++;
            value = digits = 0;
        }
        if (numbers == 6) {
            pdu_uint(d, FTP_ADDRESS, 0, all >> 16);
            pdu_uint(d, FTP_PORT, 0, all & 0xffff);
            return;
        }
    }
}

/* ---- Messages ---- */

static void
read_command(struct dissection *d, const uint8_t *line, size_t size)
{
    const struct command *command = command_of(line, size);
    const uint8_t *space = size ? memchr(line, ' ', size) : NULL;
    size_t verb = space ? (size_t)(space - line) : size, at = verb;
    pdu_begin(d, PDU_REQUEST,
              command ? FTP_COMMAND + 1 + (uint32_t)(command - commands) : FTP_COMMAND);
    if (!command) /* who knows what it is: maybe a password */
        return;
    pdu_octets(d, FTP_VERB, 0, line, verb);
    while (at < size && line[at] == ' ')
        at++;
    if (at == size || command->what == WHAT_SECRET)
        return;
    pdu_octets(d,
               command->what == WHAT_FILE   ? FTP_FILE
               : command->what == WHAT_USER ? FTP_USER
                                            : FTP_ARGUMENT,
               0, line + at, size - at);
    if (command->what == WHAT_PORT)
        put_port(d, line + at, size - at);
}

static void
read_reply(struct dissection *d, struct ftp_state *s, const uint8_t *line, size_t size)
{
    unsigned code = code_of(line, size), open = s ? s->open[d->way & 1] : 0;
    bool more = size > 3 && line[3] == '-', inner = open && (code != open || more);
    bool coded = code && (!inner || code == open);
    if (inner)
        code = open;
    size_t at = coded ? MIN(size, 4u) : 0;
    pdu_begin(d, code >= 400 && code < 600 ? PDU_REFUSAL : PDU_RESPONSE, code);
    if (d->pdu->kind == PDU_REFUSAL)
        d->pdu->error = code;
    if (coded)
        pdu_uint(d, FTP_CODE, 0, code);
    bool greets = code == CODE_BANNER && (!s || !s->greeted);
    if (at < size)
        pdu_octets(d,
                   greets                ? FTP_BANNER
                   : code == CODE_SYSTEM ? FTP_SYSTEM
                                         : FTP_TEXT,
                   0, line + at, size - at);
    if (inner || more)
        pdu_uint(d, FTP_MORE, 0, 1);
    if (code == CODE_PASSIVE)
        put_port(d, line + at, size - at);
    if (code == CODE_SECURED && !inner && !more) {
        d->leaves = true;
        d->becomes = "tls";
    }
    if (!s)
        return;
    s->open[d->way & 1] = (uint16_t)(inner || more ? code : 0);
    s->greeted |= code == CODE_BANNER && !inner && !more;
}

static void
ftp_dissect(struct dissection *d, struct cursor *c)
{
    struct ftp_state *s = d->state;
    size_t n = cursor_left(c), size;
    const uint8_t *line = cursor_bytes(c, n, "line");
    if (!n)
        return;
    size = trimmed(line, n);
    bool open = s && s->open[d->way & 1];
    if (d->side != SIDE_CLIENT && (open || code_of(line, size)))
        read_reply(d, s, line, size);
    else if (d->side != SIDE_SERVER)
        read_command(d, line, size);
    else {
        cursor_fail(c, ERR_MALFORMED, "reply code");
        return;
    }
    pdu_end(d, c);
}

/* SMTP and others greet alike: at the port it is enough, elsewhere a command that only FTP has. */
static int
ftp_looks(const uint8_t *message, size_t size)
{
    size_t n = trimmed(message, size);
    unsigned code = n < size ? code_of(message, n) : 0;
    const struct command *command = n < size ? command_of(message, n) : NULL;
    if (code)
        return code == CODE_PASSIVE ? LOOKS_LIKE : LOOKS_FAINT;
    if (!command)
        return LOOKS_NOT;
    return command->what == WHAT_PORT || !strcmp(command->verb, "PASV") ? LOOKS_LIKE : LOOKS_FAINT;
}

/* ---- Tables ---- */

static const struct field_info fields[] = {
    [FTP_VERB] = {"verb", FIELD_TEXT, NULL, "of the command"},
    [FTP_ARGUMENT] = {"argument", FIELD_TEXT, NULL, "unless it is a secret"},
    [FTP_FILE] = {"file", FIELD_TEXT, NULL, "or a folder"},
    [FTP_USER] = {"user", FIELD_TEXT, NULL, "who logs in"},
    [FTP_CODE] = {"code", FIELD_UINT, NULL, "of the reply"},
    [FTP_TEXT] = {"text", FIELD_TEXT, NULL, "for people"},
    [FTP_BANNER] = {"banner", FIELD_TEXT, NULL, "what the server says it is"},
    [FTP_SYSTEM] = {"system", FIELD_TEXT, NULL, "that the server says it runs on"},
    [FTP_MORE] = {"more", FIELD_BOOL, NULL, "lines follow"},
    [FTP_ADDRESS] = {"address", FIELD_IPV4, NULL, "where data goes"},
    [FTP_PORT] = {"port", FIELD_UINT, NULL, "of that"},
};

#define C(n) (FTP_COMMAND + 1 + (n))
static const struct function_info functions[] = {
    {110, "restart-marker", ACT_LINK},
    {150, "data-opens", ACT_LINK},
    {200, "done", ACT_OTHER},
    {215, "system", ACT_IDENTIFY},
    {220, "ready", ACT_IDENTIFY},
    {221, "goodbye", ACT_LINK},
    {226, "data-done", ACT_LINK},
    {227, "passive", ACT_LINK},
    {230, "logged-in", ACT_ACCESS},
    {234, "security-accepted", ACT_ACCESS},
    {331, "password-wanted", ACT_ACCESS},
    {332, "account-wanted", ACT_ACCESS},
    {430, "login-failed", ACT_ACCESS},
    {530, "not-logged-in", ACT_ACCESS},
    {FTP_COMMAND, "other", ACT_OTHER},
    {C(0), "user", ACT_ACCESS},
    {C(1), "password", ACT_ACCESS},
    {C(2), "account", ACT_ACCESS},
    {C(3), "quit", ACT_LINK},
    {C(4), "retrieve", ACT_UPLOAD},
    {C(5), "store", ACT_DOWNLOAD},
    {C(6), "store-unique", ACT_DOWNLOAD},
    {C(7), "append", ACT_DOWNLOAD},
    {C(8), "delete", ACT_CONFIGURE},
    {C(9), "rename-from", ACT_CONFIGURE},
    {C(10), "rename-to", ACT_CONFIGURE},
    {C(11), "make-folder", ACT_CONFIGURE},
    {C(12), "remove-folder", ACT_CONFIGURE},
    {C(13), "change-folder", ACT_BROWSE},
    {C(14), "folder-up", ACT_BROWSE},
    {C(15), "which-folder", ACT_BROWSE},
    {C(16), "list", ACT_BROWSE},
    {C(17), "list-names", ACT_BROWSE},
    {C(18), "list-facts", ACT_BROWSE},
    {C(19), "facts", ACT_BROWSE},
    {C(20), "size", ACT_BROWSE},
    {C(21), "time", ACT_BROWSE},
    {C(22), "system", ACT_IDENTIFY},
    {C(23), "features", ACT_IDENTIFY},
    {C(24), "status", ACT_BROWSE},
    {C(25), "help", ACT_BROWSE},
    {C(26), "site", ACT_OTHER},
    {C(27), "port", ACT_LINK},
    {C(28), "extended-port", ACT_LINK},
    {C(29), "passive", ACT_LINK},
    {C(30), "extended-passive", ACT_LINK},
    {C(31), "type", ACT_LINK},
    {C(32), "security", ACT_ACCESS},
    {C(33), "security-data", ACT_ACCESS},
    {C(34), "buffer-size", ACT_LINK},
    {C(35), "protection", ACT_LINK},
    {C(36), "nothing", ACT_LINK},
    {C(37), "abort", ACT_LINK},
    {C(38), "restart", ACT_LINK},
    {C(39), "options", ACT_LINK},
    {C(40), "mode", ACT_LINK},
    {C(41), "structure", ACT_LINK},
    {C(42), "reinitialize", ACT_LINK},
    {C(43), "allocate", ACT_LINK},
};

static const uint16_t ports[] = {21, 0};

const struct protocol ftp_protocol = {
    .name = "ftp",
    .title = "FTP",
    .source = "RFC 959, RFC 2228, RFC 2428, RFC 3659",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_TCP,
    .ports = ports,
    .state_size = sizeof(struct ftp_state),
    .message_max = MESSAGE_MAX,
    .frame = ftp_frame,
    .looks = ftp_looks,
    .dissect = ftp_dissect,
};
