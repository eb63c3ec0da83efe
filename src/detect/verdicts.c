#include "detect/verdicts.h"

#include "base/alloc.h"
#include "base/attr.h"
#include "sensor/message_json.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <uthash.h>

#define LEVELS 3 /* the pair, the protocol, the function */

/* Compared as octets. */
struct key {
    uint8_t low[16], high[16];
    char protocol[VERDICT_PROTOCOL];
    uint32_t function;
    uint8_t ip, has_function, padding[2];
};

struct entry {
    struct key key;
    struct verdict verdict;
    uint32_t epoch;
    UT_hash_handle hh;
};

struct verdicts {
    struct entry *all;
};

struct verdicts *
verdicts_new(void)
{
    return xcalloc(1, sizeof(struct verdicts));
}

static void
clear_texts(struct entry *e)
{
    free((char *)(uintptr_t)e->verdict.by);
    free((char *)(uintptr_t)e->verdict.why);
    e->verdict = (struct verdict){VERDICT_NONE, 0, NULL, NULL};
}

static void
entry_free(struct verdicts *v, struct entry *e)
{
    HASH_DEL(v->all, e);
    clear_texts(e);
    free(e);
}

static void
forget_all(struct verdicts *v)
{
    struct entry *e, *next;
    HASH_ITER (hh, v->all, e, next) {
        entry_free(v, e);
    }
}

void
verdicts_free(struct verdicts *v)
{
    if (!v)
        return;
    forget_all(v);
    free(v);
}

/* ---- Finding ---- */

void
verdict_name_put(char name[VERDICT_PROTOCOL], const char *protocol)
{
    size_t length = strnlen(protocol, VERDICT_PROTOCOL - 1);
    memset(name, 0, VERDICT_PROTOCOL);
    memcpy(name, protocol, length);
}

static struct key
key_of(const struct verdict_about *about, unsigned level)
{
    struct key key;
    bool is_ordered = memcmp(about->ends[0], about->ends[1], sizeof about->ends[0]) <= 0;
    memset(&key, 0, sizeof key);
    memcpy(key.low, about->ends[!is_ordered], sizeof key.low);
    memcpy(key.high, about->ends[is_ordered], sizeof key.high);
    key.ip = about->ip;
    if (level > 0)
        verdict_name_put(key.protocol, about->protocol);
    if (level > 1) {
        key.has_function = true;
        key.function = about->function;
    }
    return key;
}

static unsigned
level_of(const struct verdict_about *about)
{
    return !*about->protocol ? 0 : about->has_function ? 2 : 1;
}

static struct entry *
find(const struct verdicts *v, const struct verdict_about *about, unsigned level)
{
    struct entry *e;
    struct key key = key_of(about, level);
    HASH_FIND(hh, v->all, &key, sizeof key, e);
    return e;
}

size_t
verdicts_number(const struct verdicts *v)
{
    return HASH_COUNT(v->all);
}

const struct verdict *
verdicts_of(const struct verdicts *v, const struct verdict_about *about)
{
    const struct entry *e = v->all ? find(v, about, level_of(about)) : NULL;
    return e && e->verdict.word ? &e->verdict : NULL;
}

enum verdict_word
verdicts_hold(const struct verdicts *v, const struct verdict_about *about)
{
    for (unsigned level = level_of(about) + 1; v->all && level--;) {
        const struct entry *e = find(v, about, level);
        if (e && e->verdict.word)
            return e->verdict.word;
    }
    return VERDICT_NONE;
}

/* What it was forgotten by only grows, so no sum comes twice. */
uint64_t
verdicts_epoch(const struct verdicts *v, const struct verdict_about *about)
{
    uint64_t sum = 0;
    for (unsigned level = level_of(about) + 1; v->all && level--;) {
        const struct entry *e = find(v, about, level);
        sum += e ? e->epoch : 0;
    }
    return sum;
}

/* ---- Saying ---- */

/* Is what `e` is about a part of it? */
static bool
is_within(const struct entry *e, const struct key *key, unsigned level)
{
    return !memcmp(e->key.low, key->low, 16) && !memcmp(e->key.high, key->high, 16) &&
           e->key.ip == key->ip && (level < 1 || !strcmp(e->key.protocol, key->protocol)) &&
           level < 2 && memcmp(&e->key, key, sizeof *key) != 0;
}

/* Is it of no use any more when this is said? What was forgotten before has to stay forgotten: its
 * number is kept, or goes into that of what is forgotten with it. */
static bool
is_over(const struct entry *e, enum verdict_word word)
{
    return word == VERDICT_FORGOTTEN || !e->epoch;
}

static struct entry *
make(struct verdicts *v, const struct key *key)
{
    struct entry *e = xcalloc(1, sizeof *e);
    e->key = *key;
    HASH_ADD(hh, v->all, key, sizeof e->key, e);
    return e;
}

enum err
verdicts_say(struct verdicts *v, const struct verdict_about *about, enum verdict_word word,
             nsec_t at, const char *by, const char *why, struct diag *diag)
{
    unsigned level = level_of(about);
    struct key key = key_of(about, level);
    struct entry *e = find(v, about, level), *other, *next;
    size_t n_over = 0;
    if (about->has_function && !level)
        return diag_set(diag, ERR_INVALID, "a function is one of a protocol");
    if (strlen(by) > VERDICT_TEXT_MAX || strlen(why) > VERDICT_TEXT_MAX)
        return diag_set(diag, ERR_LIMIT, "a text is too long");
    for (other = v->all; other; other = other->hh.next)
        n_over += is_within(other, &key, level) && is_over(other, word);
    if (!e && HASH_COUNT(v->all) - n_over >= VERDICTS_MAX)
        return diag_set(diag, ERR_LIMIT, "there are %d such orders already", VERDICTS_MAX);
    e = e ? e : make(v, &key);
    HASH_ITER (hh, v->all, other, next) {
        if (!is_within(other, &key, level))
            continue;
        clear_texts(other);
        if (!is_over(other, word))
            continue;
        e->epoch += other->epoch; /* so no sum of what was within comes again */
        entry_free(v, other);
    }
    clear_texts(e);
    e->verdict = (struct verdict){word, at, xstrdup(by), xstrdup(why)};
    e->epoch += word == VERDICT_FORGOTTEN;
    return ERR_OK;
}

/* ---- Telling and keeping ---- */

static const char *const words[] = {"none", "approved", "forgotten"};

/* What people write is UTF-8; what a damaged file has may be anything. */
static void
put_text(struct buf *out, const char *text)
{
    json_t *json = json_string(text);
    char *quoted = json ? json_dumps(json, JSON_ENCODE_ANY) : NULL;
    if (quoted)
        buf_str(out, quoted);
    else
        text_json_put(out, text, strlen(text));
    free(quoted);
    json_decref(json);
}

void
verdict_put(struct buf *out, const struct verdict *v)
{
    char text[TIME_TEXT_SIZE];
    buf_printf(out, "{\"verdict\":\"%s\",\"by\":", words[v->word]);
    put_text(out, v->by);
    buf_str(out, ",\"why\":");
    put_text(out, v->why);
    buf_printf(out, ",\"at\":\"%s\"}", time_format(v->at, text));
}

static void
save_text(struct buf *out, const char *text)
{
    size_t size = text ? strlen(text) : 0;
    buf_u8(out, (uint8_t)size);
    buf_put(out, text ? text : "", size);
}

void
verdicts_save(const struct verdicts *v, struct buf *out)
{
    buf_be32(out, HASH_COUNT(v->all));
    for (const struct entry *e = v->all; e; e = e->hh.next) {
        buf_put(out, e->key.low, 16);
        buf_put(out, e->key.high, 16);
        buf_u8(out, e->key.ip);
        save_text(out, e->key.protocol);
        buf_u8(out, e->key.has_function);
        buf_be32(out, e->key.function);
        buf_u8(out, (uint8_t)e->verdict.word);
        buf_be32(out, e->epoch);
        buf_be64(out, (uint64_t)e->verdict.at);
        save_text(out, e->verdict.by);
        save_text(out, e->verdict.why);
    }
}

static void
read_text(struct cursor *c, char *text, size_t room, const char *what)
{
    uint8_t size = cursor_u8(c, what);
    const uint8_t *octets = cursor_bytes(c, size, what);
    if (size >= room)
        cursor_fail(c, ERR_MALFORMED, what);
    if (octets && size < room)
        memcpy(text, octets, size);
    text[octets && size < room ? size : 0] = '\0';
}

static void
read_one(struct verdicts *v, struct cursor *c)
{
    struct key key;
    char by[VERDICT_TEXT_MAX + 1], why[VERDICT_TEXT_MAX + 1], protocol[VERDICT_PROTOCOL];
    memset(&key, 0, sizeof key);
    cursor_copy(c, key.low, 16, "end");
    cursor_copy(c, key.high, 16, "end");
    key.ip = cursor_u8(c, "ip");
    read_text(c, protocol, sizeof protocol, "protocol");
    verdict_name_put(key.protocol, protocol);
    key.has_function = cursor_u8(c, "has function");
    key.function = cursor_be32(c, "function");
    unsigned word = cursor_u8(c, "word");
    uint32_t epoch = cursor_be32(c, "epoch");
    nsec_t at = (nsec_t)(cursor_be64(c, "at") & INT64_MAX);
    read_text(c, by, sizeof by, "by");
    read_text(c, why, sizeof why, "why");
    if (word > VERDICT_FORGOTTEN || key.has_function > 1)
        cursor_fail(c, ERR_MALFORMED, "word");
    if (!v || c->err)
        return;
    struct entry *e;
    HASH_FIND(hh, v->all, &key, sizeof key, e);
    if (e)
        clear_texts(e);
    else
        e = make(v, &key);
    e->epoch = epoch;
    e->verdict = (struct verdict){.word = (enum verdict_word)word, .at = at};
    if (word) {
        e->verdict.by = xstrdup(by);
        e->verdict.why = xstrdup(why);
    }
}

void
verdicts_read(struct verdicts *v, struct cursor *c)
{
    uint32_t n = cursor_be32(c, "verdicts");
    if (n > VERDICTS_MAX)
        cursor_fail(c, ERR_MALFORMED, "verdicts");
    if (v)
        forget_all(v);
    for (; n && !c->err; n--)
        read_one(v, c);
}
