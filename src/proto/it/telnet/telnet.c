#include "proto/it/telnet/telnet.h"

#include "base/attr.h"

#include <string.h>
#include <strings.h>

#define MESSAGE_MAX 2048u
#define IAC 255
#define SB 250
#define SE 240
#define WILL 251

enum awaits {
    AWAITS_NOTHING,
    AWAITS_USER,
    AWAITS_SECRET,
    AWAITS_VERDICT, /* the secret was typed */
};

struct telnet_state {
    enum awaits awaits;
    uint8_t n;
    uint8_t user[64];
};

/* Octets of the command that begins with IAC; 0: it is not whole. */
static size_t
command_size(const uint8_t *at, size_t size)
{
    if (size < 2)
        return 0;
    if (at[1] != SB)
        return at[1] < WILL || at[1] == IAC ? 2 : size < 3 ? 0 : 3;
    for (size_t i = 2; i + 1 < size; i++) {
        if (at[i] == IAC && at[i + 1] == SE)
            return i + 2;
        i += at[i] == IAC;
    }
    return 0;
}

/* All that there is, but for a command that has not ended. */
static enum frame_found
telnet_frame(const uint8_t *data, size_t size, size_t *message)
{
    size_t at = 0;
    size = MIN(size, MESSAGE_MAX);
    while (at < size) {
        size_t n = data[at] == IAC ? command_size(data + at, size - at) : 1;
        if (!n)
            break;
        at += n;
    }
    *message = at ? at : size + 1;
    return at ? FRAME_WHOLE : size >= MESSAGE_MAX ? FRAME_NOT : FRAME_MORE;
}

static bool
contains(const uint8_t *text, size_t size, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= size; i++) {
        if (!strncasecmp((const char *)text + i, word, n))
            return true;
    }
    return false;
}

static bool
contains_any(const uint8_t *text, size_t size, const char *const *words)
{
    for (; *words; words++) {
        if (contains(text, size, *words))
            return true;
    }
    return false;
}

/* The last line, if it waits for something: it ends with a colon, a question mark or the like. */
static enum awaits
prompt_of(const uint8_t *text, size_t size)
{
    static const char *const secrets[] = {"password", "passcode", "passphrase", "secret",
                                          "pin",      "kennwort", NULL};
    static const char *const users[] = {"login", "username", "user name", "user:", NULL};
    while (size && (text[size - 1] == ' ' || !text[size - 1]))
        size--;
    size_t from = size;
    while (from && text[from - 1] != '\n' && text[from - 1] != '\r')
        from--;
    if (from == size || !strchr(":?>", text[size - 1]))
        return AWAITS_NOTHING;
    return contains_any(text + from, size - from, secrets) ? AWAITS_SECRET
           : contains_any(text + from, size - from, users) ? AWAITS_USER
                                                           : AWAITS_NOTHING;
}

static void
set_function(struct dissection *d, enum telnet_function function)
{
    d->pdu->function = function;
    d->pdu->info = protocol_function(d->protocol, function);
    d->pdu->act = d->pdu->info->act;
}

/* The text ends with a prompt of SEL's relays, on a line of its own: it is their protocol, in which
 * Telnet's options may stand. */
static bool
is_of_relay(const uint8_t *text, size_t size)
{
    static const char *const prompts[] = {"\n=",   "\n=>",   "\n=>>",  "\n==>",
                                          "\n=+>", "\n==>>", "\nP=>>", "\n*>>"};
    for (size_t i = 0; i < ARRAY_SIZE(prompts); i++) {
        size_t n = strlen(prompts[i]);
        if (size >= n && !memcmp(text + size - n, prompts[i], n))
            return true;
    }
    return false;
}

static void
shown(struct dissection *d, struct telnet_state *s, const uint8_t *text, size_t size)
{
    static const char *const refusals[] = {"incorrect", "invalid", "failed", "denied", NULL};
    d->pdu->kind = PDU_RESPONSE;
    set_function(d, TELNET_SHOW);
    if (!s || s->awaits == AWAITS_SECRET)
        return; /* the secret may be echoed */
    pdu_octets(d, TELNET_TEXT, 0, text, size);
    d->leaves = is_of_relay(text, size);
    d->becomes = "sel";
    if (s->awaits == AWAITS_VERDICT && contains_any(text, size, refusals)) {
        set_function(d, TELNET_LOGIN_FAILED);
        d->pdu->kind = PDU_REFUSAL;
        d->pdu->error = 1;
    }
    enum awaits prompt = prompt_of(text, size);
    if (prompt) {
        s->awaits = prompt;
        s->n = 0;
        if (d->pdu->function == TELNET_SHOW)
            set_function(d, prompt == AWAITS_USER ? TELNET_USER_PROMPT : TELNET_SECRET_PROMPT);
    } else if (s->awaits == AWAITS_VERDICT && size > 2) {
        s->awaits = AWAITS_NOTHING;
    }
}

static void
typed(struct dissection *d, struct telnet_state *s, const uint8_t *text, size_t size)
{
    d->pdu->kind = PDU_REQUEST;
    if (d->pdu->function == TELNET_NEGOTIATE)
        set_function(d, s && s->awaits == AWAITS_SECRET ? TELNET_SECRET : TELNET_TYPE);
    pdu_uint(d, TELNET_TYPED, 0, size);
    for (size_t i = 0; s && i < size; i++) {
        bool ends = text[i] == '\r' || text[i] == '\n';
        if (s->awaits == AWAITS_SECRET && ends) {
            s->awaits = AWAITS_VERDICT;
        } else if (s->awaits == AWAITS_USER && ends && s->n) {
            set_function(d, TELNET_USER);
            pdu_octets(d, TELNET_USER_NAME, 0, s->user, s->n);
            s->awaits = AWAITS_NOTHING;
            return; /* what is behind it is of the next message's state, and is not told */
        } else if (s->awaits == AWAITS_USER && (text[i] == 8 || text[i] == 127)) {
            s->n = (uint8_t)(s->n - (s->n > 0));
        } else if (s->awaits == AWAITS_USER && text[i] > ' ' && s->n < sizeof s->user) {
            s->user[s->n++] = text[i];
        }
    }
}

static void
telnet_dissect(struct dissection *d, struct cursor *c)
{
    struct cursor text = *c;
    if (!cursor_left(c))
        return;
    pdu_begin(d, PDU_LINK, TELNET_NEGOTIATE);
    while (cursor_left(c)) {
        size_t n = *c->pos == IAC ? command_size(c->pos, cursor_left(c)) : 1;
        const uint8_t *at = cursor_bytes(c, n ? n : cursor_left(c) + 1, "command");
        if (!at || n < 3 || d->pdu->n_objects == UINT16_MAX)
            continue;
        uint16_t object = (uint16_t)++d->pdu->n_objects;
        pdu_uint(d, TELNET_COMMAND, object, at[1]);
        pdu_uint(d, TELNET_OPTION, object, at[2]);
    }
    while (cursor_left(&text)) {
        size_t n = 0, left = cursor_left(&text);
        if (*text.pos == IAC) {
            n = command_size(text.pos, left);
            cursor_skip(&text, n ? n : left, "command");
            continue;
        }
        while (n < left && text.pos[n] != IAC)
            n++;
        const uint8_t *octets = cursor_bytes(&text, n, "text");
        if (d->side == SIDE_SERVER)
            shown(d, d->state, octets, n);
        else if (d->side == SIDE_CLIENT)
            typed(d, d->state, octets, n);
    }
    pdu_end(d, c);
}

/* Two options one behind the other are found nowhere else; text is Telnet's at its port only. */
static int
telnet_looks(const uint8_t *message, size_t size)
{
    if (size >= 6 && message[0] == IAC && message[1] >= WILL && message[1] < IAC &&
        message[3] == IAC && message[4] >= SB && message[4] < IAC)
        return LOOKS_LIKE;
    if (size >= 3 && message[0] == IAC)
        return message[1] >= SB && message[1] < IAC ? LOOKS_FAINT : LOOKS_NOT;
    for (size_t i = 0; i < size; i++) {
        if (message[i] >= 0x80 || (message[i] < ' ' && !strchr("\r\n\t\b\033", message[i])))
            return LOOKS_NOT;
    }
    return size ? LOOKS_FAINT : LOOKS_NOT;
}

static const struct field_word commands[] = {{240, "subnegotiation-end"},
                                             {250, "subnegotiation"},
                                             {251, "will"},
                                             {252, "wont"},
                                             {253, "do"},
                                             {254, "dont"},
                                             {0, NULL}};
static const struct field_word options[] = {{0, "binary"},
                                            {1, "echo"},
                                            {3, "suppress-go-ahead"},
                                            {5, "status"},
                                            {24, "terminal-type"},
                                            {31, "window"},
                                            {32, "speed"},
                                            {33, "flow-control"},
                                            {34, "linemode"},
                                            {35, "display"},
                                            {36, "environment"},
                                            {37, "authentication"},
                                            {38, "encryption"},
                                            {39, "new-environment"},
                                            {44, "com-port"},
                                            {0, NULL}};

static const struct field_info fields[] = {
    [TELNET_COMMAND] = {"command", FIELD_UINT, commands, "about an option"},
    [TELNET_OPTION] = {"option", FIELD_UINT, options, "which"},
    [TELNET_TEXT] = {"text", FIELD_TEXT, NULL, "that the server shows"},
    [TELNET_TYPED] = {"typed", FIELD_UINT, NULL, "octets from the client"},
    [TELNET_USER_NAME] = {"user", FIELD_TEXT, NULL, "who logs in"},
};

static const struct function_info functions[] = {
    {TELNET_NEGOTIATE, "negotiate", ACT_LINK},
    {TELNET_SHOW, "show", ACT_REPORT},
    {TELNET_TYPE, "type", ACT_OTHER},
    {TELNET_USER_PROMPT, "user-prompt", ACT_ACCESS},
    {TELNET_SECRET_PROMPT, "password-prompt", ACT_ACCESS},
    {TELNET_USER, "user", ACT_ACCESS},
    {TELNET_SECRET, "password", ACT_ACCESS},
    {TELNET_LOGIN_FAILED, "login-failed", ACT_ACCESS},
};

static const struct field_word errors[] = {{1, "login-failed"}, {0, NULL}};
static const uint16_t ports[] = {23, 0};

const struct protocol telnet_protocol = {
    .name = "telnet",
    .title = "Telnet",
    .source = "RFC 854, RFC 855",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_TCP,
    .ports = ports,
    .errors = errors,
    .state_size = sizeof(struct telnet_state),
    .message_max = MESSAGE_MAX,
    .frame = telnet_frame,
    .looks = telnet_looks,
    .dissect = telnet_dissect,
};
