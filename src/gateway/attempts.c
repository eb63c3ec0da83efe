#include "gateway/attempts.h"

#include "base/alloc.h"
#include "base/hash_table.h"
#include "io/address.h"

#include <stdlib.h>
#include <string.h>

struct count {
    char key[ADDRESS_MACHINE_SIZE]; /* "": all the others */
    unsigned n;
    nsec_t last, until;
    UT_hash_handle hh;
};

struct attempts {
    struct count *counts;
};

struct attempts *
attempts_new(void)
{
    return xcalloc(1, sizeof(struct attempts));
}

static void
count_free(struct attempts *a, struct count *count)
{
    HASH_DEL(a->counts, count);
    free(count);
}

void
attempts_free(struct attempts *a)
{
    struct count *count, *next;
    if (!a)
        return;
    HASH_ITER (hh, a->counts, count, next) {
        count_free(a, count);
    }
    free(a);
}

static void
forget(struct attempts *a, nsec_t now)
{
    struct count *count, *next;
    HASH_ITER (hh, a->counts, count, next) {
        if (now >= count->last + ATTEMPTS_FORGET)
            count_free(a, count);
    }
}

static struct count *
find(struct attempts *a, const char *address)
{
    char key[ADDRESS_MACHINE_SIZE];
    struct count *count;
    address_machine(address, key);
    HASH_FIND_STR(a->counts, key, count);
    if (!count && HASH_COUNT(a->counts) >= ATTEMPTS_ADDRESSES)
        HASH_FIND_STR(a->counts, "", count);
    return count;
}

nsec_t
attempts_wait(struct attempts *a, const char *address, nsec_t now)
{
    const struct count *count = find(a, address);
    return count && count->until > now ? count->until - now : 0;
}

static struct count *
need(struct attempts *a, const char *address, nsec_t now)
{
    struct count *count = find(a, address);
    if (count && count->key[0])
        return count;
    if (HASH_COUNT(a->counts) >= ATTEMPTS_ADDRESSES) {
        forget(a, now);
        count = find(a, address);
    }
    if (count)
        return count;
    count = xcalloc(1, sizeof *count);
    if (HASH_COUNT(a->counts) < ATTEMPTS_ADDRESSES)
        address_machine(address, count->key);
    HASH_ADD_STR(a->counts, key, count);
    return count;
}

void
attempts_failed(struct attempts *a, const char *address, nsec_t now)
{
    struct count *count = need(a, address, now);
    if (count->n && now >= count->last + ATTEMPTS_FORGET)
        count->n = 0;
    count->n++;
    count->last = now;
    if (count->n <= ATTEMPTS_FREE)
        return;
    unsigned doubled = count->n - ATTEMPTS_FREE - 1;
    nsec_t wait = doubled < 16 ? ATTEMPTS_WAIT << doubled : ATTEMPTS_WAIT_MAX;
    count->until = now + MIN(wait, ATTEMPTS_WAIT_MAX);
}

void
attempts_succeeded(struct attempts *a, const char *address)
{
    struct count *count = find(a, address);
    if (count && count->key[0])
        count_free(a, count);
}
