/* verdicts.h - what people said of who talks with whom: that it is fine, or that it is to be new
 * again. Of a pair of addresses, of a protocol between them, or of one function of that; what is
 * said of less goes before what is said of more, and what is said of more ends it. Pure; bounded.
 *
 * Approved: that something is new of it is no news. What is wrong whatever is usual, and values out
 * of their range, are told as ever. Forgotten: what rules remember of the pair counts as never
 * seen; keys that do not tell the pair apart are kept (a device that is known stays known). */
#ifndef DETECT_VERDICTS_H
#define DETECT_VERDICTS_H

#include "base/buf.h"
#include "base/cursor.h"
#include "base/time.h"

#include <stdbool.h>

#define VERDICTS_MAX 4096
#define VERDICT_PROTOCOL 24 /* with its NUL */
#define VERDICT_TEXT_MAX 255

enum verdict_word {
    VERDICT_NONE, /* there was one, and something that was said later has ended it */
    VERDICT_APPROVED,
    VERDICT_FORGOTTEN,
};

/* Of whom. Two ends in any order. */
struct verdict_about {
    uint8_t ends[2][16];             /* as in struct end */
    uint8_t ip;                      /* 4, 6; 0: MAC addresses */
    bool has_function;               /* only with a protocol */
    char protocol[VERDICT_PROTOCOL]; /* "": whatever is spoken */
    uint32_t function;
};

/* A protocol's name, and zeroes behind it. */
void verdict_name_put(char name[VERDICT_PROTOCOL], const char *protocol);

struct verdict {
    enum verdict_word word;
    nsec_t at;
    const char *by, *why;
};

struct verdicts; /* Opaque. */

struct verdicts *verdicts_new(void); /* never NULL */
void verdicts_free(struct verdicts *);

/* ERR_LIMIT: there are too many, or a text is too long; ERR_INVALID: a function without a protocol.
 * `word` is not VERDICT_NONE; the texts are copied. */
MUST_CHECK enum err verdicts_say(struct verdicts *, const struct verdict_about *,
                                 enum verdict_word word, nsec_t at, const char *by, const char *why,
                                 struct diag *);

size_t verdicts_number(const struct verdicts *);
/* Exactly of this; NULL: nobody said anything. */
const struct verdict *verdicts_of(const struct verdicts *, const struct verdict_about *);
/* Whatever it was said of, most closely. */
enum verdict_word verdicts_hold(const struct verdicts *, const struct verdict_about *);
/* Another number each time that it was forgotten; 0: never. */
uint64_t verdicts_epoch(const struct verdicts *, const struct verdict_about *);

/* {"verdict":"approved","by":..., "why":..., "at":...} */
void verdict_put(struct buf *, const struct verdict *);

void verdicts_save(const struct verdicts *, struct buf *);
/* To see whether it is whole, `verdicts` is NULL. What fails is the cursor's. */
void verdicts_read(struct verdicts *, struct cursor *);

#endif
