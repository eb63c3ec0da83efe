#include "model/claim.h"

#include "base/alloc.h"
#include "base/hash_table.h" /* keys come from files */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct claim {
    const void *owner;
    UT_hash_handle hh;
    uint8_t key[];
};

const void *
claim_owner(struct claim *const *claims, const void *key, size_t size)
{
    struct claim *found;
    HASH_FIND(hh, *claims, key, size, found);
    return found ? found->owner : NULL;
}

const void *
claim_key(struct claim **claims, const void *key, size_t size, const void *owner)
{
    const void *before = claim_owner(claims, key, size);
    if (before)
        return before;
    struct claim *claim = xcalloc(1, sizeof *claim + size);
    claim->owner = owner;
    memcpy(claim->key, key, size);
    HASH_ADD_KEYPTR(hh, *claims, claim->key, size, claim);
    return NULL;
}

const void *
claim_text(struct claim **claims, const char *key, const void *owner)
{
    return claim_key(claims, key, strlen(key), owner);
}

void
claims_free(struct claim **claims)
{
    struct claim *claim, *next;
    HASH_ITER (hh, *claims, claim, next) {
        HASH_DEL(*claims, claim);
        free(claim);
    }
}
