/* habits.h - who talks with whom, how: of each client, server and protocol which functions are
 * used, how often, about how many objects, in which period, and how much goes over. What people
 * read; what rules compare with is the detector's own (detector.h). Pure; bounded: what is more
 * than HABITS_MAX pairs is counted and left out. */
#ifndef DETECT_HABITS_H
#define DETECT_HABITS_H

#include "base/buf.h"
#include "sensor/conversation.h"

#define HABITS_MAX 16384
#define HABIT_FUNCTIONS 24 /* that are told apart; the rest is counted together */

struct habits; /* Opaque. */

struct habits *habits_new(uint32_t conversations); /* slots, as the sensor has them; never NULL */
void habits_free(struct habits *);                 /* NULL is fine */

/* As the sensor's callbacks. */
void habits_message(struct habits *, const struct conversation *, unsigned way, nsec_t now,
                    const struct pdu *);
void habits_ended(struct habits *, const struct conversation *);

uint64_t habits_left_out(const struct habits *); /* messages */
/* {"client", "server", "port", "protocol", "first", "last", "messages", "refused", "octets",
 *  "functions": [{"name", "act", "messages", "objects", "period", "jitter"}]}; seconds. `objects`
 * is an estimate by linear counting (Whang, Vander-Zanden, Taylor 1990). By client and server. */
void habits_each(struct habits *, bool (*)(void *arg, const char *json, size_t), void *arg);

#endif
