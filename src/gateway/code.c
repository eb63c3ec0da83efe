#include "gateway/code.h"

#include "base/alloc.h"
#include "base/hex.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COST 16384 /* of scrypt: N; r = 8, p = 1 */
#define MEMORY ((uint64_t)32 << 20)
#define PLAIN_SIZE 64 /* of a code without dashes, at the most, with the NUL */

struct work {
    uv_work_t work;
    char plain[PLAIN_SIZE], salt[CODE_SALT_SIZE], hash[CODE_HASH_SIZE];
    bool computed;
    code_hashed_fn *done;
    void *arg;
};

enum err
code_make(char code[CODE_SIZE], char salt[CODE_SALT_SIZE], struct diag *diag)
{
    static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* none that look alike */
    uint8_t octets[32], salt_octets[(CODE_SALT_SIZE - 1) / 2];
    if (RAND_bytes(octets, sizeof octets) != 1 || RAND_bytes(salt_octets, sizeof salt_octets) != 1)
        return diag_set(diag, ERR_IO, "this machine gives no random numbers");
    size_t at = 0;
    for (size_t i = 0; i < sizeof octets; i++) {
        if (i && i % 4 == 0)
            code[at++] = '-';
        code[at++] = letters[octets[i] & 31]; /* 32 letters: no bias */
    }
    code[at] = '\0';
    hex_format(salt_octets, sizeof salt_octets, salt);
    OPENSSL_cleanse(octets, sizeof octets);
    return ERR_OK;
}

static void
compute(uv_work_t *work)
{
    struct work *w = CONTAINER_OF(work, struct work, work);
    uint8_t octets[32];
    w->computed = EVP_PBE_scrypt(w->plain, strlen(w->plain), (const uint8_t *)w->salt,
                                 strlen(w->salt), COST, 8, 1, MEMORY, octets, sizeof octets) == 1;
    hex_format(octets, w->computed ? sizeof octets : 0, w->hash);
}

static void
computed(uv_work_t *work, int status)
{
    struct work *w = CONTAINER_OF(work, struct work, work);
    w->done(w->arg, !status && w->computed ? w->hash : NULL);
    OPENSSL_cleanse(w, sizeof *w);
    free(w);
}

void
code_hash(uv_loop_t *loop, const char *code, const char *salt, code_hashed_fn *done, void *arg)
{
    struct work *w = xcalloc(1, sizeof *w);
    size_t n = 0;
    for (const char *c = code; *c && n < sizeof w->plain - 1; c++) {
        if (*c != '-' && !isspace((unsigned char)*c))
            w->plain[n++] = (char)toupper((unsigned char)*c);
    }
    snprintf(w->salt, sizeof w->salt, "%s", salt);
    w->done = done;
    w->arg = arg;
    uv_queue_work(loop, &w->work, compute, computed);
}

bool
code_hash_equals(const char *a, const char *b)
{
    size_t size = strlen(a);
    return size == strlen(b) && !CRYPTO_memcmp(a, b, size);
}
