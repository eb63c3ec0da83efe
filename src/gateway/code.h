/* code.h - break-glass codes: random, printed once, and kept as a hash that is slow to compute
 * (scrypt, RFC 7914). */
#ifndef GATEWAY_CODE_H
#define GATEWAY_CODE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define CODE_SIZE 40      /* "ABCD-EFGH-...", eight groups of four: 160 bits; with the NUL */
#define CODE_SALT_SIZE 33 /* hexadecimal, with the NUL */
#define CODE_HASH_SIZE 65

/* ERR_IO: this machine gives no random numbers. */
MUST_CHECK enum err code_make(char code[CODE_SIZE], char salt[CODE_SALT_SIZE], struct diag *);

/* Computes the hash beside the loop (16 MiB, some 50 ms), and gives it to `done`; NULL: it could
 * not be computed. Dashes, spaces and letter case of the code do not matter. */
typedef void code_hashed_fn(void *arg, const char *hash);
void code_hash(uv_loop_t *, const char *code, const char *salt, code_hashed_fn *done, void *arg);

/* In constant time. */
bool code_hash_equals(const char *a, const char *b);

#endif
