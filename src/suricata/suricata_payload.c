/* Keywords about a payload: content and what says where it must be, pcre, isdataat, byte_test,
 * byte_jump, byte_extract. */
#include "base/hex.h"
#include "suricata/suricata_private.h"

#include <stdlib.h>

#define DISTANCE_MAX 1048576

static struct element *
new_element(struct parser *p, enum element_kind kind)
{
    unsigned group = suricata_group(p);
    if (p->n_elements == RULE_ELEMENTS || group == RULE_GROUPS)
        return NULL;
    struct element *e = &p->elements[p->n_elements++];
    *e = (struct element){.kind = kind, .group = (uint8_t)group};
    return e;
}

/* What is relative, and names no buffer, is about that of what stands before it. */
static void
follow(struct parser *p, struct element *e)
{
    if (e->is_relative && !p->buffer && !e->group && e > p->elements)
        e->group = e[-1].group;
}

static enum err
too_many(struct parser *p)
{
    return parse_unsupported(p, "more than %d things to look for", RULE_ELEMENTS);
}

/* A number, or a variable that byte_extract has set before. */
static enum err
parse_operand(struct parser *p, const char *text, int64_t low, int64_t high, struct operand *o)
{
    *o = (struct operand){.variable = -1};
    for (int i = 0; i < p->rule->n_variables; i++) {
        if (!strcmp(p->variables[i], text)) {
            o->variable = i;
            return ERR_OK;
        }
    }
    return suricata_number(p, text, low, high, &o->number);
}

/* ---- content ---- */

/* What stands between the quotes: the end of `text` is cut off. */
static enum err
unquote(struct parser *p, char **text, bool *is_negated)
{
    char *at = *text;
    *is_negated = *at == '!';
    if (*is_negated)
        at = suricata_trim(at + 1);
    size_t n = strlen(at);
    if (n < 2 || at[0] != '"' || at[n - 1] != '"')
        return parse_malformed(p, "it must be in quotes");
    at[n - 1] = '\0';
    *text = at + 1;
    return ERR_OK;
}

static enum err
unescape(struct parser *p, const char *text, uint8_t *octets, uint32_t *size)
{
    bool is_hex = false;
    int high = -1;
    *size = 0;
    for (; *text; text++) {
        if (*size == CONTENT_MAX)
            return parse_malformed(p, "more than %u octets", CONTENT_MAX);
        if (*text == '|') {
            if (high >= 0)
                return parse_malformed(p, "half an octet between '|'");
            is_hex = !is_hex;
        } else if (is_hex) {
            int digit = hex_digit(*text);
            if (*text == ' ')
                continue;
            if (digit < 0)
                return parse_malformed(p, "'%c' between '|'", *text);
            if (high >= 0)
                octets[(*size)++] = (uint8_t)(high << 4 | digit);
            high = high >= 0 ? -1 : digit;
        } else if (*text == '\\') {
            if (!text[1] || !strchr("\\\";:", text[1]))
                return parse_malformed(p, "'\\' before something that needs none");
            octets[(*size)++] = (uint8_t) * ++text;
        } else {
            octets[(*size)++] = (uint8_t)*text;
        }
    }
    if (is_hex || !*size)
        return parse_malformed(p, is_hex ? "'|' is not closed" : "it is empty");
    return ERR_OK;
}

enum err
parse_content(struct parser *p)
{
    static uint8_t octets[CONTENT_MAX];
    struct element *e = new_element(p, ELEMENT_CONTENT);
    char *text = p->argument;
    if (!e)
        return too_many(p);
    if (!text)
        return parse_malformed(p, "what is looked for is missing");
    enum err err = unquote(p, &text, &e->is_negated);
    if (!err)
        err = unescape(p, text, octets, &e->content.size);
    if (err)
        return err;
    e->content.octets = arena_memdup(p->rules->arena, octets, e->content.size);
    if (!e->content.octets)
        return ERR_LIMIT;
    e->content.offset.variable = e->content.depth.variable = -1;
    e->content.distance.variable = e->content.within.variable = -1;
    p->last = e;
    return ERR_OK;
}

static enum err
fast_pattern(struct parser *p, struct content *c)
{
    int64_t at, size;
    char *rest = p->argument;
    c->is_fast = true;
    if (!rest)
        return ERR_OK;
    char *first = suricata_word(&rest), *second = suricata_word(&rest);
    if (!strcmp(first, "only")) {
        c->is_fast_only = true;
        return ERR_OK;
    }
    if (!second)
        return parse_malformed(p, "where it begins and its size are needed");
    enum err err = suricata_number(p, first, 0, c->size, &at);
    if (!err)
        err = suricata_number(p, second, 1, c->size, &size);
    if (err)
        return err;
    if (at + size > c->size)
        return parse_malformed(p, "the content has no such part");
    c->fast_at = (uint32_t)at;
    c->fast_size = (uint32_t)size;
    return ERR_OK;
}

enum err
parse_content_modifier(struct parser *p)
{
    const char *k = p->keyword;
    if (!p->last)
        return parse_malformed(p, "no content stands before it");
    struct content *c = &p->last->content;
    bool has_number = !strcmp(k, "offset") || !strcmp(k, "depth") || !strcmp(k, "distance") ||
                      !strcmp(k, "within");
    if (has_number != (p->argument != NULL) && strcmp(k, "fast_pattern") != 0)
        return parse_malformed(p, has_number ? "a number is needed" : "it takes no value");
    if (!strcmp(k, "nocase")) {
        c->nocase = true;
        return ERR_OK;
    }
    if (!strcmp(k, "fast_pattern"))
        return fast_pattern(p, c);
    if (!strcmp(k, "startswith")) {
        c->starts = true;
        return ERR_OK;
    }
    if (!strcmp(k, "endswith")) {
        c->ends = true;
        return ERR_OK;
    }
    if (!strcmp(k, "offset")) {
        c->has_offset = true;
        return parse_operand(p, p->argument, 0, UINT16_MAX, &c->offset);
    }
    if (!strcmp(k, "depth")) {
        c->has_depth = true;
        return parse_operand(p, p->argument, 1, UINT16_MAX, &c->depth);
    }
    p->last->is_relative = true;
    if (!strcmp(k, "distance")) {
        c->has_distance = true;
        return parse_operand(p, p->argument, -DISTANCE_MAX, DISTANCE_MAX, &c->distance);
    }
    c->has_within = true;
    return parse_operand(p, p->argument, 1, DISTANCE_MAX, &c->within);
}

/* ---- pcre ---- */

static enum err
pcre_buffer(struct parser *p, char flag, struct element *e)
{
    enum buffer buffer = suricata_flag_buffer(flag);
    if (!buffer)
        return strchr("TL", flag) ? parse_unsupported(p, "/%c", flag)
                                  : parse_malformed(p, "/%c is not known", flag);
    if (!p->rules->fields.of_buffer[buffer])
        return parse_unsupported(p, "/%c: no dissector tells it", flag);
    if (p->buffer && p->buffer != buffer)
        return parse_malformed(p, "/%c where another buffer is spoken of", flag);
    unsigned group = p->buffer ? e->group : suricata_group_of(p, buffer);
    if (group == RULE_GROUPS)
        return parse_unsupported(p, "more than %d buffers", RULE_GROUPS);
    e->group = (uint8_t)group;
    return ERR_OK;
}

static enum err
pcre_flags(struct parser *p, const char *flags, uint32_t *options, struct element *e)
{
    for (; *flags; flags++) {
        switch (*flags) {
        case 'i':
            *options |= PCRE2_CASELESS;
            break;
        case 's':
            *options |= PCRE2_DOTALL;
            break;
        case 'm':
            *options |= PCRE2_MULTILINE;
            break;
        case 'x':
            *options |= PCRE2_EXTENDED;
            break;
        case 'A':
            *options |= PCRE2_ANCHORED;
            e->is_anchored = true;
            break;
        case 'E':
            *options |= PCRE2_DOLLAR_ENDONLY;
            break;
        case 'G':
            *options |= PCRE2_UNGREEDY;
            break;
        case 'R':
            e->is_relative = true;
            break;
        case 'B': /* of the octets as they are: that is all there is */
        case 'O': /* without limits: there are always some */
            break;
        default:;
            enum err err = pcre_buffer(p, *flags, e);
            if (err)
                return err;
        }
    }
    return ERR_OK;
}

enum err
parse_pcre(struct parser *p)
{
    struct element *e = new_element(p, ELEMENT_PCRE);
    char *text = p->argument;
    uint32_t options = 0;
    if (!e)
        return too_many(p);
    if (!text)
        return parse_malformed(p, "an expression is needed");
    enum err err = unquote(p, &text, &e->is_negated);
    if (err)
        return err;
    char *end = strrchr(text, '/');
    if (*text != '/' || end == text)
        return parse_malformed(p, "it must stand between '/'");
    *end = '\0';
    err = pcre_flags(p, end + 1, &options, e);
    if (err)
        return err;
    follow(p, e);
    if (strstr(text, "(?P<flow_") || strstr(text, "(?P<pkt_") || strstr(text, "(?<flow_"))
        return parse_unsupported(p, "what is captured for other rules");
    char *to = text;
    for (const char *from = text + 1; *from; from++) { /* the rule's own escapes */
        if (from[0] == '\\' && (from[1] == ';' || from[1] == '"'))
            from++;
        *to++ = *from;
    }
    *to = '\0';
    if (!e->is_relative && !(options & PCRE2_MULTILINE) &&
        (*text == '^' || !strncmp(text, "\\A", 2)))
        e->is_anchored = true;
    e->is_anchored &= !e->is_relative;
    int code;
    size_t at;
    e->pcre = pcre2_compile((const uint8_t *)text, PCRE2_ZERO_TERMINATED,
                            options | PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);
    if (!e->pcre) {
        char why[120];
        pcre2_get_error_message(code, (uint8_t *)why, sizeof why);
        return parse_malformed(p, "%s, at character %zu", why, at);
    }
    (void)pcre2_jit_compile(e->pcre, PCRE2_JIT_COMPLETE); /* without it goes, too */
    return ERR_OK;
}

/* ---- isdataat ---- */

enum err
parse_isdataat(struct parser *p)
{
    struct element *e = new_element(p, ELEMENT_ISDATAAT);
    char *rest = p->argument;
    if (!e)
        return too_many(p);
    if (!rest)
        return parse_malformed(p, "a number is needed");
    char *word = suricata_word(&rest);
    if (*word == '!') {
        e->is_negated = true;
        word = suricata_trim(word + 1);
    }
    enum err err = parse_operand(p, word, 0, UINT16_MAX, &e->at);
    while (!err && (word = suricata_word(&rest))) {
        if (!strcmp(word, "relative"))
            e->is_relative = true;
        else if (strcmp(word, "rawbytes") != 0)
            err = parse_malformed(p, "%.40s is not known", word);
    }
    follow(p, e);
    return err;
}

/* ---- byte_test, byte_jump, byte_extract ---- */

static enum err
parse_radix(struct parser *p, char **rest, struct bytes *b)
{
    const char *next = suricata_word(rest);
    if (next && !strcmp(next, "hex"))
        b->radix = RADIX_HEX;
    else if (next && !strcmp(next, "dec"))
        b->radix = RADIX_DEC;
    else if (next && !strcmp(next, "oct"))
        b->radix = RADIX_OCT;
    else
        return parse_malformed(p, "string needs hex, dec or oct");
    return ERR_OK;
}

/* "multiplier 4": the number behind the word; false: it is another word. */
static bool
is_word_with(const char *word, const char *name, const char **number)
{
    size_t n = strlen(name);
    if (strncmp(word, name, n) != 0 || word[n] != ' ')
        return false;
    *number = word + n + strspn(word + n, " ");
    return true;
}

static enum err
parse_byte_options(struct parser *p, struct element *e, char *rest)
{
    bool is_jump = e->kind == ELEMENT_JUMP, is_test = e->kind == ELEMENT_TEST;
    struct bytes *b = &e->bytes;
    const char *number, *word;
    int64_t v = 0;
    enum err err = ERR_OK;
    while (!err && (word = suricata_word(&rest))) {
        if (!strcmp(word, "relative")) {
            e->is_relative = true;
        } else if (!strcmp(word, "little")) {
            b->is_little = true;
        } else if (!strcmp(word, "big")) {
            b->is_little = false;
        } else if (!strcmp(word, "string")) {
            err = parse_radix(p, &rest, b);
        } else if (!strcmp(word, "dce")) {
            err = parse_unsupported(p, "dce");
        } else if (is_jump && !strcmp(word, "align")) {
            b->align = 4;
        } else if (is_jump && !strcmp(word, "from_beginning")) {
            b->from_beginning = true;
        } else if (is_jump && !strcmp(word, "from_end")) {
            b->from_end = true;
        } else if (is_jump && is_word_with(word, "post_offset", &number)) {
            err = suricata_number(p, number, -UINT16_MAX, UINT16_MAX, &v);
            b->post_offset = (int32_t)v;
        } else if (!is_test && is_word_with(word, "multiplier", &number)) {
            err = suricata_number(p, number, 1, UINT16_MAX, &v);
            b->multiplier = (uint32_t)v;
        } else if (e->kind == ELEMENT_EXTRACT && is_word_with(word, "align", &number)) {
            err = suricata_number(p, number, 2, 4, &v);
            b->align = (uint32_t)v;
            if (v == 3)
                err = parse_malformed(p, "align is 2 or 4");
        } else if (e->kind != ELEMENT_EXTRACT && is_word_with(word, "bitmask", &number)) {
            err = suricata_number(p, number, 1, UINT32_MAX, &v);
            b->mask = (uint32_t)v;
        } else {
            err = parse_malformed(p, "%.40s is not known", word);
        }
    }
    return err;
}

static enum err
parse_operator(struct parser *p, const char *word, struct bytes *b)
{
    static const struct {
        const char *word;
        enum byte_operator op;
    } operators[] = {
        {"=", BYTE_EQUAL},          {"<", BYTE_LESS}, {">", BYTE_MORE}, {"<=", BYTE_LESS_OR_EQUAL},
        {">=", BYTE_MORE_OR_EQUAL}, {"&", BYTE_AND},  {"^", BYTE_OR}};
    if (*word == '!') {
        b->is_not = true;
        word++;
        if (!*word) /* "!" alone: not equal */
            word = "=";
    }
    for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
        if (!strcmp(operators[i].word, word)) {
            b->op = operators[i].op;
            return ERR_OK;
        }
    }
    return parse_malformed(p, "%.20s is no operator", word);
}

static enum err
new_variable(struct parser *p, const char *name, int *variable)
{
    struct rule *r = p->rule;
    if (!*name)
        return parse_malformed(p, "a name is missing");
    if (r->n_variables == RULE_VARIABLES)
        return parse_unsupported(p, "more than %d variables", RULE_VARIABLES);
    char *copy = arena_strdup(p->rules->arena, name);
    if (!copy)
        return ERR_LIMIT;
    *variable = r->n_variables;
    p->setters[r->n_variables] = &p->elements[p->n_elements - 1];
    p->variables[r->n_variables++] = copy;
    return ERR_OK;
}

enum err
parse_bytes(struct parser *p)
{
    bool is_test = !strcmp(p->keyword, "byte_test"), is_jump = !strcmp(p->keyword, "byte_jump");
    struct element *e = new_element(p, is_test   ? ELEMENT_TEST
                                       : is_jump ? ELEMENT_JUMP
                                                 : ELEMENT_EXTRACT);
    char *rest = p->argument;
    int64_t n = 0;
    if (!e)
        return too_many(p);
    e->bytes.variable = e->bytes.offset.variable = e->bytes.value.variable = -1;
    char *first = rest ? suricata_word(&rest) : NULL;
    char *second = rest ? suricata_word(&rest) : NULL;
    if (!first || !second)
        return parse_malformed(p, "number of octets and offset are needed");
    for (int i = 0; i < p->rule->n_variables; i++) {
        if (!strcmp(p->variables[i], first))
            return parse_unsupported(p, "a variable as number of octets");
    }
    enum err err = suricata_number(p, first, is_jump ? 0 : 1, 23, &n);
    e->bytes.n = (uint32_t)n;
    if (!err && is_test) {
        char *value = suricata_word(&rest);
        err = parse_operator(p, second, &e->bytes);
        second = suricata_word(&rest);
        if (!err && (!value || !second))
            return parse_malformed(p, "operator, value and offset are needed");
        if (!err)
            err = parse_operand(p, value, 0, UINT32_MAX, &e->bytes.value);
    }
    if (!err)
        err = parse_operand(p, second, -UINT16_MAX, UINT16_MAX, &e->bytes.offset);
    const char *name = NULL;
    if (!err && !is_test && !is_jump) {
        name = suricata_word(&rest);
        if (!name)
            return parse_malformed(p, "a name for what is extracted is needed");
    }
    if (!err)
        err = parse_byte_options(p, e, rest);
    follow(p, e);
    if (!err && e->bytes.radix == RADIX_BINARY && n > 8)
        return parse_malformed(p, "more than 8 octets as a number");
    if (!err && name)
        err = new_variable(p, name, &e->bytes.variable);
    return err;
}

/* ---- All together ---- */

static enum err
check_content(struct parser *p, const struct content *c)
{
    bool is_absolute = c->has_offset || c->has_depth,
         is_relative = c->has_distance || c->has_within;
    p->keyword = "content";
    if (is_absolute && is_relative)
        return parse_malformed(p, "offset or depth, and distance or within, of the same one");
    if (c->starts && (is_absolute || is_relative))
        return parse_malformed(p, "startswith says where it is, and something else, too");
    if (c->has_depth && c->depth.variable < 0 && c->depth.number < c->size)
        return parse_malformed(p, "depth %d is less than its size", (int)c->depth.number);
    if (c->has_within && c->within.variable < 0 && c->within.number < c->size)
        return parse_malformed(p, "within %d is less than its size", (int)c->within.number);
    if (c->is_fast_only && (is_absolute || is_relative))
        return parse_malformed(p, "fast_pattern:only, and where it is");
    return ERR_OK;
}

enum err
suricata_check_elements(struct parser *p)
{
    unsigned n_fast = 0;
    for (unsigned i = 0; i < p->n_elements; i++) {
        struct element *e = &p->elements[i];
        if (e->kind != ELEMENT_CONTENT)
            continue;
        enum err err = check_content(p, &e->content);
        if (err)
            return err;
        n_fast += e->content.is_fast;
        if (e->is_negated && e->content.is_fast)
            return parse_unsupported(p, "fast_pattern of what must not be there");
        if (!e->content.nocase)
            continue;
        uint8_t *lower = arena_memdup(p->rules->arena, e->content.octets, e->content.size);
        if (!lower)
            return ERR_LIMIT;
        for (uint32_t k = 0; k < e->content.size; k++)
            lower[k] = suricata_lower[lower[k]];
        e->content.octets = lower;
    }
    p->keyword = "fast_pattern";
    return n_fast > 1 ? parse_malformed(p, "of more than one content") : ERR_OK;
}
