#include "base/buf.h"
#include "base/hex.h"
#include "proto/it/tls/tls_private.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* RFC 8701: 0x0a0a, 0x1a1a, ... 0xfafa. */
bool
tls_is_grease(uint16_t word)
{
    return (word & 0x0f0f) == 0x0a0a && word >> 8 == (word & 0xff);
}

void
tls_words_add(struct tls_words *list, uint16_t word)
{
    if (!tls_is_grease(word) && list->n < TLS_LIST)
        list->words[list->n++] = word;
}

enum digest_kind { DIGEST_MD5, DIGEST_SHA256 };

static EVP_MD *found[2]; /* by kind: to look for one takes long */

static void
find_digests(void)
{
    found[DIGEST_MD5] = EVP_MD_fetch(NULL, "MD5", NULL);
    found[DIGEST_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* The first `size` octets of the digest as text; nothing where there is no such digest. */
static void
digest(enum digest_kind kind, struct buf *b, size_t size, char *text)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint8_t octets[EVP_MAX_MD_SIZE];
    text[0] = '\0';
    pthread_once(&once, find_digests);
    if (found[kind] && EVP_Digest(b->data, b->size, octets, NULL, found[kind], NULL))
        hex_format(octets, size, text);
}

/* ---- JA3 ---- */

static void
put_decimal(struct buf *b, uint16_t word, bool is_first)
{
    char text[6];
    size_t at = sizeof text;
    do {
        text[--at] = (char)('0' + word % 10);
        word /= 10;
    } while (word);
    if (!is_first)
        text[--at] = '-';
    buf_put(b, text + at, sizeof text - at);
}

static void
put_decimals(struct buf *b, const struct tls_words *list)
{
    buf_u8(b, ',');
    for (size_t i = 0; i < list->n; i++)
        put_decimal(b, list->words[i], !i);
}

void
tls_ja3(const struct tls_hello *h, char text[33])
{
    struct buf b = BUF_INIT;
    buf_printf(&b, "%u", h->version);
    put_decimals(&b, &h->ciphers);
    put_decimals(&b, &h->extensions);
    put_decimals(&b, &h->groups);
    buf_u8(&b, ',');
    for (size_t i = 0; i < h->n_point_formats; i++)
        put_decimal(&b, h->point_formats[i], !i);
    digest(DIGEST_MD5, &b, 16, text);
    buf_fini(&b);
}

void
tls_ja3s(const struct tls_hello *h, char text[33])
{
    struct buf b = BUF_INIT;
    buf_printf(&b, "%u", h->version);
    put_decimals(&b, &h->ciphers);
    put_decimals(&b, &h->extensions);
    digest(DIGEST_MD5, &b, 16, text);
    buf_fini(&b);
}

/* ---- JA4 ---- */

static int
compare(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static void
put_hexadecimals(struct buf *b, const struct tls_words *list)
{
    for (size_t i = 0; i < list->n; i++) {
        const uint8_t octets[] = {(uint8_t)(list->words[i] >> 8), (uint8_t)list->words[i]};
        if (i)
            buf_u8(b, ',');
        hex_put(b, octets, sizeof octets);
    }
}

static void
hash_12(struct buf *b, char *text)
{
    if (b->size)
        digest(DIGEST_SHA256, b, 6, text);
    else
        snprintf(text, 13, "000000000000");
}

static bool
is_alphanumeric(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The first and last character of the first protocol; of its hexadecimal digits, if either is no
 * letter or digit. */
static void
alpn_ends(const struct tls_hello *h, char ends[2])
{
    static const char digits[] = "0123456789abcdef";
    ends[0] = ends[1] = '0';
    if (!h->alpn_size)
        return;
    uint8_t first = h->alpn[0], last = h->alpn[h->alpn_size - 1];
    bool plain = is_alphanumeric(first) && is_alphanumeric(last);
    ends[0] = plain ? (char)first : digits[first >> 4];
    ends[1] = plain ? (char)last : digits[last & 15];
}

static const char *
version_word(uint16_t version)
{
    switch (version) {
    case 0x0304:
        return "13";
    case 0x0303:
        return "12";
    case 0x0302:
        return "11";
    case 0x0301:
        return "10";
    case 0x0300:
        return "s3";
    case 0x0002:
        return "s2";
    default:
        return "00";
    }
}

void
tls_ja4(const struct tls_hello *h, char text[TLS_JA4_SIZE + 1])
{
    struct tls_words ciphers = h->ciphers, extensions = {0, {0}};
    char ends[2], hashes[2][13];
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < h->extensions.n; i++) { /* without server name and ALPN */
        if (h->extensions.words[i] != 0 && h->extensions.words[i] != 16)
            tls_words_add(&extensions, h->extensions.words[i]);
    }
    qsort(ciphers.words, ciphers.n, sizeof ciphers.words[0], compare);
    qsort(extensions.words, extensions.n, sizeof extensions.words[0], compare);
    put_hexadecimals(&b, &ciphers);
    hash_12(&b, hashes[0]);
    buf_clear(&b);
    put_hexadecimals(&b, &extensions);
    if (h->signatures.n && extensions.n) {
        buf_u8(&b, '_');
        put_hexadecimals(&b, &h->signatures);
    }
    hash_12(&b, hashes[1]);
    alpn_ends(h, ends);
    snprintf(text, TLS_JA4_SIZE + 1, "t%s%c%02u%02u%c%c_%s_%s", version_word(h->highest),
             h->has_server_name ? 'd' : 'i', (unsigned)MIN(h->ciphers.n, 99u) % 100,
             (unsigned)MIN(h->extensions.n, 99u) % 100, ends[0], ends[1], hashes[0], hashes[1]);
    buf_fini(&b);
}
