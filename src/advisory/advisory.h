/* advisory.h - advisories of makers (CSAF 2.0, docs.oasis-open.org/csaf/csaf/v2.0) read, and held
 * against devices that were seen: which are affected by what, why, and how sure that is. Pure but
 * for advisories_load(); memory is bounded by ADVISORY_BUDGET.
 *
 * A product is matched by the order code (model numbers of the product, with '*' and '?', stock
 * keeping units, a code in its name), by the model (the product's name has it, or the other way
 * round, or its CPE does). Makers must be the same; who makes a device by its MAC address alone
 * does not rule out another. Then its version decides; where that is not known, a device may be
 * affected. Of the products of a vulnerability only those count that fit best: what an advisory
 * says of an order code goes before what it says of the family. */
#ifndef ADVISORY_ADVISORY_H
#define ADVISORY_ADVISORY_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADVISORY_BUDGET ((size_t)512 << 20) /* octets that all of them may need */
#define ADVISORY_FILE_MAX ((size_t)32 << 20)
#define ADVISORY_DEPTH 8        /* directories in directories */
#define ADVISORY_VENDOR_WEAK 50 /* confidence below which a vendor rules nothing out */

struct advisories; /* Opaque. */

/* What is known of a device; NULL: nothing. */
struct advisory_device {
    const char *vendor, *model, *order_code, *firmware;
    unsigned vendor_confidence; /* 1 to 100 */
};

enum advisory_status {
    ADVISORY_AFFECTED,
    ADVISORY_MAY_BE,       /* its version is not known, or the range cannot be read */
    ADVISORY_INVESTIGATED, /* the maker does not know yet */
};
const char *advisory_status_word(enum advisory_status); /* "affected"; static */

struct advisory_match {
    const char *advisory; /* its id: "EX-2026-0001" */
    const char *publisher, *title;
    const char *cve;      /* NULL: it has none */
    const char *name;     /* of the vulnerability; NULL */
    const char *severity; /* "CRITICAL"; NULL */
    const char *product;  /* as the advisory calls it */
    const char *remedy;   /* "vendor_fix: Update to V2.5"; NULL */
    const char *url;      /* of the remedy; NULL */
    const char *reason;   /* "order code X equals X; firmware 2.1 is below 2.5" */
    double score;         /* of CVSS; below 0: none */
    enum advisory_status status;
    unsigned confidence; /* 1 to 100 */
};

struct advisories *advisories_new(void);   /* never NULL */
void advisories_free(struct advisories *); /* NULL is fine */

/* Adds one. ERR_MALFORMED: no JSON, or no advisory; ERR_UNSUPPORTED: not CSAF 2.0; ERR_LIMIT. On
 * error nothing of it is kept. `name` is for words. */
MUST_CHECK enum err advisories_read(struct advisories *, const char *name, const char *text,
                                    size_t size, struct diag *);
/* A file, or all files "*.json" of a directory and of those in it. Of a directory what cannot be
 * read is told and passed over: `bad`. Errors as file_read() (io/file.h) and above. */
MUST_CHECK enum err advisories_load(struct advisories *, const char *path,
                                    void (*bad)(void *arg, const struct diag *), void *arg,
                                    struct diag *);
size_t advisories_number(const struct advisories *);
/* Another number when a file that advisories_load() would read is new, has gone or was written; 0:
 * there is nothing. */
uint64_t advisories_stamp(const char *path);

/* By advisory, in the order they were read. Valid during the call. */
void advisories_match(const struct advisories *, const struct advisory_device *,
                      void (*)(void *arg, const struct advisory_match *), void *arg);

#endif
