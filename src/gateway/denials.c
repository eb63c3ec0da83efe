#include "gateway/denials.h"

#include "base/alloc.h"

#include <uthash.h>

#include <stdlib.h>
#include <string.h>

struct count {
    char *person;   /* key; "": all the others */
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
    free(count->person);
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

/* Those about whom there is nothing to remember. */
static void
forget(struct denials *denials, nsec_t now)
{
    struct count *count, *next;
    HASH_ITER (hh, denials->counts, count, next) {
        if (count->full_at <= now && count->left_out == 0)
            count_free(denials, count);
    }
}

static struct count *
find(struct denials *denials, const char *person, nsec_t now)
{
    struct count *count;
    HASH_FIND_STR(denials->counts, person, count);
    if (count)
        return count;
    if (HASH_COUNT(denials->counts) >= DENIALS_PEOPLE)
        forget(denials, now);
    if (HASH_COUNT(denials->counts) >= DENIALS_PEOPLE && person[0])
        return find(denials, "", now);
    count = xcalloc(1, sizeof *count);
    count->person = xstrdup(person);
    count->full_at = now;
    HASH_ADD_KEYPTR(hh, denials->counts, count->person, strlen(count->person), count);
    return count;
}

bool
denials_note(struct denials *denials, const char *person, nsec_t now, uint64_t *left_out)
{
    struct count *count = find(denials, person, now);
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
