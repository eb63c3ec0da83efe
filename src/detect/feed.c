/* Networks are looked up once for each length of prefix that there is; names once for each dot. */
#include "detect/feed.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "io/file.h"
#include "packet/addr.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define FILE_MAX ((size_t)128 << 20)
#define LINE_MAX_OCTETS 300

struct prefix_key {
    uint8_t address[16];
    uint8_t ip, length;
};

struct prefix {
    struct prefix_key key;
    UT_hash_handle hh;
};

struct name {
    UT_hash_handle hh;
    uint16_t length;
    char text[];
};

struct file_key {
    uint8_t octets[FEED_HASH_MAX]; /* zeroes behind them */
    uint32_t kind;
};

struct file {
    struct file_key key;
    UT_hash_handle hh;
};

static const uint8_t hash_sizes[FEED_HASHES] = {16, 20, 32};

struct feed {
    struct prefix *prefixes;
    struct file *files;
    unsigned hashes; /* kinds, a bit each */
    struct name *names;
    uint64_t lengths[2][3]; /* of IPv4, of IPv6: a bit each, 0 to 128 */
    size_t n;
};

struct feed *
feed_new(void)
{
    return xcalloc(1, sizeof(struct feed));
}

void
feed_free(struct feed *f)
{
    struct prefix *p, *next;
    struct name *n, *after;
    struct file *h, *behind;
    if (!f)
        return;
    HASH_ITER (hh, f->prefixes, p, next) {
        HASH_DEL(f->prefixes, p);
        free(p);
    }
    HASH_ITER (hh, f->names, n, after) {
        HASH_DEL(f->names, n);
        free(n);
    }
    HASH_ITER (hh, f->files, h, behind) {
        HASH_DEL(f->files, h);
        free(h);
    }
    free(f);
}

size_t
feed_number(const struct feed *f)
{
    return f->n;
}

/* ---- Reading ---- */

static struct prefix_key
key_of(const uint8_t *address, uint8_t ip, unsigned length)
{
    struct prefix_key key;
    memset(&key, 0, sizeof key);
    key.ip = ip;
    key.length = (uint8_t)length;
    memcpy(key.address, address, length / 8);
    if (length % 8)
        key.address[length / 8] = address[length / 8] & (uint8_t)(0xff00 >> length % 8);
    return key;
}

static void
add_prefix(struct feed *f, const uint8_t *address, uint8_t ip, unsigned length)
{
    struct prefix_key key = key_of(address, ip, length);
    struct prefix *p;
    HASH_FIND(hh, f->prefixes, &key, sizeof key, p);
    if (p)
        return;
    p = xcalloc(1, sizeof *p);
    p->key = key;
    HASH_ADD(hh, f->prefixes, key, sizeof p->key, p);
    f->lengths[ip == 6][length / 64] |= UINT64_C(1) << length % 64;
    f->n++;
}

/* "ADDRESS" or "ADDRESS/LENGTH"; false: it is neither. */
static bool
take_address(struct feed *f, char *text)
{
    uint8_t address[16] = {0};
    uint32_t ipv4;
    char *slash = strchr(text, '/'), *end = NULL;
    if (slash)
        *slash = '\0';
    bool is_4 = !ipv4_parse(text, &ipv4);
    if (is_4)
        put_be32(address, ipv4);
    else if (ipv6_parse(text, address)) {
        if (slash)
            *slash = '/';
        return false;
    }
    unsigned long most = is_4 ? 32 : 128, length = most;
    if (slash) {
        length = isdigit((unsigned char)slash[1]) ? strtoul(slash + 1, &end, 10) : most + 1;
        *slash = '/';
        if (length > most || (end && *end))
            return false;
    }
    add_prefix(f, address, is_4 ? 4 : 6, (unsigned)length);
    return true;
}

static struct file_key
file_key_of(enum feed_hash kind, const uint8_t *octets)
{
    struct file_key key;
    memset(&key, 0, sizeof key);
    key.kind = kind;
    memcpy(key.octets, octets, hash_sizes[kind]);
    return key;
}

static bool
take_hash(struct feed *f, const char *text)
{
    uint8_t octets[FEED_HASH_MAX];
    unsigned kind = 0;
    size_t n = strlen(text);
    while (kind < FEED_HASHES && n != hash_sizes[kind] * (size_t)2)
        kind++;
    if (kind == FEED_HASHES)
        return false;
    for (size_t i = 0; i < n; i++) {
        int digit = hex_digit(text[i]);
        if (digit < 0)
            return false;
        octets[i / 2] = (uint8_t)(i % 2 ? octets[i / 2] << 4 | digit : digit);
    }
    if (feed_has_hash(f, (enum feed_hash)kind, octets))
        return true;
    struct file *file = xcalloc(1, sizeof *file);
    file->key = file_key_of((enum feed_hash)kind, octets);
    HASH_ADD(hh, f->files, key, sizeof file->key, file);
    f->hashes |= 1u << kind;
    f->n++;
    return true;
}

static bool
is_name(const char *text, size_t n)
{
    if (!n || n > FEED_NAME_MAX || text[0] == '.')
        return false;
    for (size_t i = 0; i < n; i++) {
        bool is_letter = isalnum((unsigned char)text[i]) || text[i] == '-' || text[i] == '_';
        if (!is_letter && (text[i] != '.' || text[i - 1] == '.'))
            return false;
    }
    return true;
}

static bool
take_name(struct feed *f, const char *text)
{
    struct name *name;
    size_t n = strlen(text);
    n -= n > 1 && text[n - 1] == '.';
    if (!is_name(text, n))
        return false;
    char lower[FEED_NAME_MAX];
    for (size_t i = 0; i < n; i++)
        lower[i] = (char)tolower((unsigned char)text[i]);
    HASH_FIND(hh, f->names, lower, n, name);
    if (name)
        return true;
    name = xcalloc(1, sizeof *name + n);
    name->length = (uint16_t)n;
    memcpy(name->text, lower, n);
    HASH_ADD_KEYPTR(hh, f->names, name->text, n, name);
    f->n++;
    return true;
}

enum err
feed_add(struct feed *f, const char *text, size_t size, const char *file, struct diag *diag)
{
    unsigned line = 0;
    for (const char *at = text, *end = text + size; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((stop ? stop : end) - at);
        const char *comment = memchr(at, '#', n);
        char word[LINE_MAX_OCTETS + 1];
        size_t used = comment ? (size_t)(comment - at) : n;
        while (used && isspace((unsigned char)at[used - 1]))
            used--;
        size_t skip = 0;
        while (skip < used && isspace((unsigned char)at[skip]))
            skip++;
        if (used - skip > LINE_MAX_OCTETS || memchr(at + skip, '\0', used - skip))
            return diag_set(diag, ERR_MALFORMED, "%s:%u: no address, network or name", file,
                            line + 1);
        memcpy(word, at + skip, used - skip);
        word[used - skip] = '\0';
        at += n + 1;
        if (!*word)
            continue;
        if (f->n == FEED_MAX)
            return diag_set(diag, ERR_LIMIT, "%s:%u: more than %d", file, line + 1, FEED_MAX);
        if (!take_address(f, word) && !take_hash(f, word) && !take_name(f, word))
            return diag_set(diag, ERR_MALFORMED, "%s:%u: no address, network, name or hash: %.64s",
                            file, line + 1, word);
    }
    return ERR_OK;
}

enum err
feed_read(struct feed *f, const char *path, struct diag *diag)
{
    struct buf text = BUF_INIT;
    enum err err = file_read(path, FILE_MAX, &text, diag);
    if (!err)
        err = feed_add(f, (const char *)text.data, text.size, path, diag);
    buf_fini(&text);
    return err;
}

/* ---- Asking ---- */

bool
feed_has_address(const struct feed *f, const uint8_t *address, uint8_t ip)
{
    for (unsigned word = 0; word < 3; word++) {
        for (uint64_t left = f->lengths[ip == 6][word]; left; left &= left - 1) {
            unsigned length = 64 * word + (unsigned)__builtin_ctzll(left);
            struct prefix_key key = key_of(address, ip, length);
            struct prefix *p;
            HASH_FIND(hh, f->prefixes, &key, sizeof key, p);
            if (p)
                return true;
        }
    }
    return false;
}

unsigned
feed_hashes(const struct feed *f)
{
    return f->hashes;
}

bool
feed_has_hash(const struct feed *f, enum feed_hash kind, const uint8_t *hash)
{
    struct file_key key = file_key_of(kind, hash);
    struct file *found;
    HASH_FIND(hh, f->files, &key, sizeof key, found);
    return found;
}

bool
feed_has_name(const struct feed *f, const void *name, size_t size)
{
    char lower[FEED_NAME_MAX];
    size_t n = size && ((const char *)name)[size - 1] == '.' ? size - 1 : size;
    if (!n || n > sizeof lower)
        return false;
    for (size_t i = 0; i < n; i++)
        lower[i] = (char)tolower(((const uint8_t *)name)[i]);
    for (size_t at = 0; at < n;) {
        struct name *found;
        HASH_FIND(hh, f->names, lower + at, n - at, found);
        if (found)
            return true;
        const char *dot = memchr(lower + at, '.', n - at);
        at = dot ? (size_t)(dot - lower) + 1 : n;
    }
    return false;
}
