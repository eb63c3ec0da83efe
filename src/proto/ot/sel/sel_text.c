#include "base/attr.h"
#include "proto/ot/sel/sel_private.h"

#include <string.h>
#include <strings.h>

int
sel_prompt(const uint8_t *text, size_t size)
{
    static const struct {
        const char *prompt;
        int level;
    } prompts[] = {{"=", 0},    {"=>", 1},   {"=>>", 2},  {"==>", 3},  {"=+>", 4}, {"==>>", 5},
                   {"P=>>", 2}, {"A=>>", 2}, {"O=>>", 2}, {"B=>>", 3}, {"*>", 1},  {"*>>", 2}};
    for (size_t i = 0; i < ARRAY_SIZE(prompts); i++) {
        if (strlen(prompts[i].prompt) == size && !memcmp(text, prompts[i].prompt, size))
            return prompts[i].level;
    }
    return -1;
}

/* Three letters are enough; what is behind them must be of the whole word. */
int
sel_command(const uint8_t *line, size_t size, size_t *argument)
{
    size_t n = 0, at;
    while (n < size && line[n] != ' ' && line[n] != ',')
        n++;
    for (at = n; at < size && (line[at] == ' ' || line[at] == ',');)
        at++;
    *argument = at;
    for (size_t i = 0; i < sel_n_commands; i++) {
        const struct sel_command *k = &sel_commands[i];
        size_t least = strlen(k->name), most = strlen(k->whole);
        if (n >= least && n <= most && !strncasecmp((const char *)line, k->name, least) &&
            !strncasecmp((const char *)line + least, k->whole + least, n - least))
            return (int)i;
    }
    return -1;
}

static void
set_function(struct dissection *d, uint32_t function)
{
    d->pdu->function = function;
    d->pdu->info = protocol_function(d->protocol, function);
    d->pdu->act = d->pdu->info->act;
}

/* ---- What the relay shows ---- */

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

/* "SEL-351A-R100-V0-Z001-D20080213", or "SEL-351-5-R500-...". */
static void
firmware_id(struct dissection *d, const uint8_t *text, size_t size)
{
    pdu_octets(d, SEL_FID, 0, text, size);
    for (size_t i = 0; i + 2 < size; i++) {
        if (text[i] == '-' && text[i + 1] == 'R' && (text[i + 2] < 'A' || text[i + 2] > 'Z')) {
            pdu_octets(d, SEL_MODEL, 0, text, i);
            pdu_octets(d, SEL_FIRMWARE, 0, text + i + 1, size - i - 1);
            return;
        }
    }
}

static bool
identity(struct dissection *d, const uint8_t *text, size_t size)
{
    static const struct {
        const char *key;
        uint16_t field;
    } keys[] = {{"FID=", SEL_FID},         {"BFID=", SEL_BFID},       {"CID=", SEL_CID},
                {"DEVID=", SEL_DEVID},     {"DEVCODE=", SEL_DEVCODE}, {"PARTNO=", SEL_PARTNO},
                {"SERIALNO=", SEL_SERIAL}, {"CONFIG=", SEL_CONFIG}};
    if (size && *text == '"') {
        text++;
        size--;
    }
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        size_t n = strlen(keys[i].key), end;
        if (size <= n || memcmp(text, keys[i].key, n) != 0)
            continue;
        for (end = n; end < size && text[end] != '"' && text[end] != '\t';)
            end++;
        while (end > n && text[end - 1] == ' ')
            end--;
        set_function(d, SEL_IDENTITY);
        if (keys[i].field == SEL_FID)
            firmware_id(d, text + n, end - n);
        else
            pdu_octets(d, keys[i].field, 0, text + n, end - n);
        return true;
    }
    return false;
}

static bool
refusal(struct dissection *d, const uint8_t *text, size_t size)
{
    static const struct {
        const char *words;
        enum sel_error error;
        bool is_access;
    } refusals[] = {{"invalid password", SEL_INVALID_PASSWORD, true},
                    {"invalid access level", SEL_INVALID_ACCESS_LEVEL, true},
                    {"access denied", SEL_ACCESS_DENIED, true},
                    {"invalid command", SEL_INVALID_COMMAND, false},
                    {"command unavailable", SEL_COMMAND_UNAVAILABLE, false},
                    {"command aborted", SEL_COMMAND_ABORTED, false}};
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        if (!contains(text, size, refusals[i].words))
            continue;
        set_function(d, SEL_REFUSED);
        d->pdu->kind = PDU_REFUSAL;
        d->pdu->act = refusals[i].is_access ? ACT_ACCESS : ACT_OTHER;
        d->pdu->error = refusals[i].error;
        return true;
    }
    return false;
}

static void
prompt(struct dissection *d, struct sel_state *s, unsigned level)
{
    bool was_known = s && s->level;
    unsigned before = was_known ? s->level - 1u : 0;
    bool is_raised = was_known && level > before && (level == 1 || level != before);
    set_function(d, is_raised ? SEL_ACCESS_GRANTED : SEL_PROMPT);
    pdu_uint(d, SEL_LEVEL, 0, level);
    if (s) {
        s->level = (uint8_t)(level + 1);
        s->hides = s->wants = false;
    }
}

/* The echo of a command that a secret may follow, behind a prompt or not. */
static bool
echoes_secret(const uint8_t *text, size_t size, bool *is_password_change)
{
    size_t at = 0, argument;
    while (at < size && text[at] != '>' && text[at] != '=' && text[at] != ' ')
        at++;
    at = at < size && text[at] != ' ' ? at : 0;
    while (at < size && strchr("=+>", text[at]))
        at++;
    int row = sel_command(text + at, size - at, &argument);
    *is_password_change = row >= 0 && !strcmp(sel_commands[row].name, "PAS");
    return row >= 0 && sel_commands[row].has_secret;
}

static void
shown(struct dissection *d, struct sel_state *s, const uint8_t *text, size_t size)
{
    int level = sel_prompt(text, size);
    bool changes = false;
    set_function(d, SEL_TEXT);
    if (level >= 0) {
        prompt(d, s, (unsigned)level);
    } else if (refusal(d, text, size)) {
        if (s)
            s->wants = false;
    } else if (contains(text, size, "password")) {
        set_function(d, SEL_PASSWORD_PROMPT);
        if (s) {
            s->hides = true;
            s->wants = memchr(":?", text[size - 1], 2);
        }
    } else if (echoes_secret(text, size, &changes)) {
        if (s)
            s->hides = s->hides || changes;
    } else if (!identity(d, text, size) && s && s->level && !s->hides && size) {
        pdu_octets(d, SEL_LINE, 0, text, size);
    }
}

/* ---- What is typed ---- */

static void
command(struct dissection *d, struct sel_state *s, const uint8_t *line, size_t size)
{
    size_t at;
    int row = sel_command(line, size, &at);
    if (row < 0)
        return;
    const struct sel_command *k = &sel_commands[row];
    set_function(d, SEL_COMMAND(row));
    if (at < size && !k->has_secret)
        pdu_octets(d, SEL_ARGUMENT, 0, line + at, size - at);
    if (at < size && k->with)
        d->pdu->act = k->with;
    if (!strcmp(k->name, "FIL") && at < size)
        d->pdu->act = contains(line + at, MIN(size - at, (size_t)3), "WRI")   ? ACT_DOWNLOAD
                      : contains(line + at, MIN(size - at, (size_t)3), "REA") ? ACT_UPLOAD
                                                                              : ACT_BROWSE;
    if (s && !strcmp(k->name, "PAS"))
        s->hides = true; /* older relays show them all */
}

static void
typed(struct dissection *d, struct sel_state *s, const uint8_t *text, size_t size, bool ends)
{
    d->pdu->kind = PDU_REQUEST;
    pdu_uint(d, SEL_OCTETS, 0, size);
    if (!s)
        return;
    if (s->wants) {
        set_function(d, SEL_PASSWORD);
        s->wants = !ends;
        s->n = 0;
        return;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\b')
            s->n = (uint8_t)(s->n - (s->n > 0));
        else if (text[i] >= ' ' && s->n < sizeof s->line)
            s->line[s->n++] = text[i];
    }
    if (ends) {
        command(d, s, s->line, s->n);
        s->hides |= d->pdu->function == SEL_TYPED && s->n > 1; /* its prompt may be missing */
        s->n = 0;
    }
}

/* Who sends it: who it is, or who shows prompts. */
static bool
is_of_relay(struct dissection *d, struct sel_state *s, const uint8_t *text, size_t size)
{
    if (d->side != SIDE_UNKNOWN || !s)
        return d->side == SIDE_SERVER;
    if (sel_prompt(text, size) >= 0) {
        s->way_is_known = true;
        s->server_way = d->way;
    }
    return !s->way_is_known || d->way == s->server_way; /* nothing typed is taken for a command */
}

static void
line(struct dissection *d, struct cursor *c)
{
    size_t size = cursor_left(c), from = 0, end = size;
    struct sel_state *s = d->state;
    const uint8_t *text = cursor_bytes(c, size, "text");
    while (from < size && (text[from] <= ' '))
        from++;
    while (end > from && text[end - 1] <= ' ')
        end--;
    bool ends = size && (text[size - 1] == '\r' || text[size - 1] == '\n' || !text[size - 1]);
    size_t n = end - from;
    pdu_begin(d, PDU_RESPONSE, SEL_TEXT);
    if (is_of_relay(d, s, text + from, n)) {
        shown(d, s, text + from, n);
    } else {
        size_t breaks = 0;
        while (breaks < size && strchr("\r\n", text[size - 1 - breaks]))
            breaks++;
        set_function(d, SEL_TYPED);
        typed(d, s, text, size - breaks, ends);
    }
    pdu_end(d, c);
}

void
sel_text_dissect(struct dissection *d, struct cursor *c)
{
    while (cursor_left(c)) {
        size_t n, left = cursor_left(c);
        if (sel_line(c->pos, left, &n) != FRAME_WHOLE || n > left)
            n = left;
        struct cursor one = cursor_split(c, n, "line");
        line(d, &one);
        cursor_join(c, &one);
    }
}
