/* claim.h - who was the first to use something: a port, an address, an identifier. */
#ifndef MODEL_CLAIM_H
#define MODEL_CLAIM_H

#include <stddef.h>

struct claim; /* one key; NULL is the empty set */

/* Claims the key (copied) for `owner` (kept) if nobody has. Returns who had it before; NULL:
 * nobody. */
const void *claim_key(struct claim **, const void *key, size_t size, const void *owner);
const void *claim_text(struct claim **, const char *key, const void *owner);
/* Who has it; NULL: nobody. */
const void *claim_owner(struct claim *const *, const void *key, size_t size);
void claims_free(struct claim **);

#endif
