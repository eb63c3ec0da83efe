/* admission.h - how many tests go on at the same time, overall and at each node. Pure.
 *
 * Who cannot start at once waits in line. Whoever fits may overtake those in front, but not for
 * ever: when the first in line has been overtaken ADMISSION_PATIENCE times, the others wait until
 * it has started. */
#ifndef ASSURE_ADMISSION_H
#define ASSURE_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#define ADMISSION_PATIENCE 16

struct admission;        /* Opaque. */
struct admission_ticket; /* Opaque: one who waits, or was admitted. */

/* Never NULL. */
struct admission *admission_new(uint32_t most, uint32_t most_per_node);
void admission_free(struct admission *); /* All tickets must have gone. NULL is fine. */

/* Puts `who` in line; the names are copied. Never NULL. */
struct admission_ticket *admission_wait(struct admission *, void *who, uint32_t n_nodes,
                                        const char *const *nodes);
/* The next of those in line who may start, who counts from now on; NULL: nobody may. */
void *admission_next(struct admission *);
/* Leaves the line, or ends and makes room. */
void admission_leave(struct admission *, struct admission_ticket *);
bool admission_is_admitted(const struct admission_ticket *);

uint32_t admission_waiting(const struct admission *);
uint32_t admission_admitted(const struct admission *);

#endif
