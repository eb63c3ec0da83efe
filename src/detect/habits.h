/* habits.h - who talks with whom, how: of each client, server and protocol which functions are
 * used, how often, about which objects, with which values, in which period, and how much goes over.
 * What people read; what rules compare with is the detector's own (detector.h). Pure; bounded: what
 * is more than HABITS_MAX pairs is counted and left out. */
#ifndef DETECT_HABITS_H
#define DETECT_HABITS_H

#include "base/buf.h"
#include "detect/objects.h"
#include "detect/verdicts.h"
#include "sensor/conversation.h"

#define HABITS_MAX 16384
#define HABIT_FUNCTIONS 24                   /* that are told apart; the rest is counted together */
#define HABITS_SAVED_MAX ((size_t)256 << 20) /* octets of all of them, saved */
#define HABIT_NAMES 4 /* of objects without numbers, that are told as examples */

struct habits; /* Opaque. */

struct habits *habits_new(uint32_t conversations); /* slots, as the sensor has them; never NULL */
void habits_free(struct habits *);                 /* NULL is fine */

/* As the sensor's callbacks. */
void habits_message(struct habits *, const struct conversation *, unsigned way, nsec_t now,
                    const struct pdu *);
void habits_ended(struct habits *, const struct conversation *);

uint64_t habits_left_out(const struct habits *); /* messages */
uint32_t habits_number(const struct habits *);   /* pairs */

/* One of a pair:
 *  {"client", "server", "port"?, "protocol", "first", "last", "messages", "refused", "octets",
 *   "other-functions", "sure", "verdict"?, "functions": [{"function", "name", "act", "messages",
 *   "first", "last", "objects", "range"?: {field: [low, high]}, "examples"?: [...],
 *   "values"?: [low, high], "period"?, "jitter"?, "verdict"?}]}
 * Periods are seconds. `objects` is an estimate by linear counting (Whang, Vander-Zanden, Taylor
 * 1990). `sure`: per cent, the chance that the next message is of a function that there was before
 * (Good and Turing). */

/* All, by client and server. */
void habits_each(struct habits *, bool (*)(void *arg, const char *json, size_t), void *arg);

struct habits_page {
    const uint8_t *address; /* one of the ends; NULL: any */
    uint8_t ip;             /* ... of this version, or 0: MAC */
    uint64_t after;         /* the number of the last one that was told; 0: from the first */
    uint32_t most;          /* pairs */
    size_t octets;          /* of text, about */
    const struct verdicts *verdicts; /* NULL: none */
};
/* Appends pairs, with a comma between them, in the order in which they were first heard. What is to
 * be said as `after` next; 0: there are no more. */
uint64_t habits_put_page(struct habits *, const struct habits_page *, struct buf *);

/* As if what this is about had never been heard. */
void habits_forget(struct habits *, const struct verdict_about *);

/* To go on later; of pairs whose protocol this program knows. habits_restore: ERR_MALFORMED,
 * ERR_UNSUPPORTED: nothing is changed then. */
void habits_save(const struct habits *, struct buf *);
MUST_CHECK enum err habits_restore(struct habits *, const struct protocol *const *protocols,
                                   const void *, size_t, struct diag *);

#endif
