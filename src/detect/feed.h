/* feed.h - addresses, names and files that others know to be bad: a text of a line each.
 *
 *   # comment
 *   203.0.113.7            an address, IPv4 or IPv6
 *   198.51.100.0/24        a network
 *   example.net            a name, and all below it
 *   275a021b...651fd0f     a file by its hash: MD5, SHA-1, SHA-256, in hexadecimal
 *
 * Who keeps it is trusted with no more than that alerts are raised. Pure. */
#ifndef DETECT_FEED_H
#define DETECT_FEED_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FEED_MAX 4194304 /* lines of all files */
#define FEED_NAME_MAX 253

enum feed_hash { FEED_MD5, FEED_SHA1, FEED_SHA256, FEED_HASHES };
#define FEED_HASH_MAX 32 /* octets */

struct feed; /* Opaque. */

struct feed *feed_new(void);   /* empty; never NULL */
void feed_free(struct feed *); /* NULL is fine */

/* Adds what a text says. ERR_MALFORMED: file and line of what is none of those; ERR_LIMIT: too
 * many. What stands before it is in the feed then. */
MUST_CHECK enum err feed_add(struct feed *, const char *text, size_t size, const char *file,
                             struct diag *);
/* A file of that. Errors of file_read(), too. */
MUST_CHECK enum err feed_read(struct feed *, const char *path, struct diag *);

size_t feed_number(const struct feed *);
/* `ip` is 4 or 6; IPv4 in the first 4 octets. */
bool feed_has_address(const struct feed *, const uint8_t *address, uint8_t ip);
/* It, or a name that it is below; letters of either case, with a dot at the end or not. */
bool feed_has_name(const struct feed *, const void *name, size_t size);
/* Which kinds of hashes are in it, a bit each: 1 << enum feed_hash. */
unsigned feed_hashes(const struct feed *);
/* Octets, as many as the kind has. */
bool feed_has_hash(const struct feed *, enum feed_hash, const uint8_t *hash);

#endif
