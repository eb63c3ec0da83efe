#include "gateway/denials.h"

#include "base/alloc.h"
#include "base/hash_table.h"

#include <stdlib.h>
#include <string.h>

struct count {
    char *who;      /* key; "": all the others */
    nsec_t full_at; /* when as many as possible can be recorded at once again */
    uint64_t left_out;
    UT_hash_handle hh;
};

struct denials {
    struct count *counts;
};

struct denials *
denials_new(void)
{
    return xcalloc(1, sizeof(struct denials));
}

static void
count_free(struct denials *denials, struct count *count)
{
    HASH_DEL(denials->counts, count);
    free(count->who);
    free(count);
}

void
denials_free(struct denials *denials)
{
    if (!denials)
        return;
    struct count *count, *next;
    HASH_ITER (hh, denials->counts, count, next) {
        count_free(denials, count);
    }
    free(denials);
}

static struct count *
need(struct denials *denials, const char *who, nsec_t now)
{
    struct count *count;
    HASH_FIND_STR(denials->counts, who, count);
    if (count)
        return count;
    count = xcalloc(1, sizeof *count);
    count->who = xstrdup(who);
    count->full_at = now;
    HASH_ADD_KEYPTR(hh, denials->counts, count->who, strlen(count->who), count);
    return count;
}

/* Those whose time is over. What was left out of theirs is the others' then. */
static void
forget(struct denials *denials, nsec_t now)
{
    uint64_t left_out = 0;
    struct count *count, *next;
    HASH_ITER (hh, denials->counts, count, next) {
        if (count->full_at <= now) {
            left_out += count->left_out;
            count_free(denials, count);
        }
    }
    if (left_out)
        need(denials, "", now)->left_out += left_out;
}

static struct count *
find(struct denials *denials, const char *who, nsec_t now)
{
    struct count *count;
    HASH_FIND_STR(denials->counts, who, count);
    if (count)
        return count;
    if (HASH_COUNT(denials->counts) >= DENIALS_COUNTS)
        forget(denials, now);
    return need(denials, HASH_COUNT(denials->counts) < DENIALS_COUNTS ? who : "", now);
}

bool
denials_note(struct denials *denials, const char *who, nsec_t now, uint64_t *left_out)
{
    struct count *count = find(denials, who, now);
    nsec_t full_at = MAX(count->full_at, now) + DENIALS_INTERVAL;
    if (full_at > now + DENIALS_AT_ONCE * DENIALS_INTERVAL) {
        count->left_out++;
        return false;
    }
    count->full_at = full_at;
    *left_out = count->left_out;
    count->left_out = 0;
    return true;
}
