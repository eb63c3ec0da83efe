#include "edge/expiry.h"

#include "base/hash.h"
#include "base/testing.h"

#define N 500

static void
entries_come_up_when_they_are_due(void **state UNUSED)
{
    static struct entry entries[N];
    struct expiry e = {0};
    uint64_t random = 1;
    for (unsigned i = 0; i < N; i++) {
        random = hash_mix(random + i);
        counters_init(&entries[i].counters, 1);
        entries[i].expiry_slot = UINT32_MAX;
        entries[i].created = (nsec_t)(random % 50) * NSEC_PER_SEC;
        entries[i].hard_timeout = i % 3 ? (uint16_t)(1 + random / 50 % 100) : 0;
        entries[i].idle_timeout = i % 3 != 1 ? (uint16_t)(1 + random / 5000 % 100) : 0;
        expiry_add(&e, &entries[i]);
    }
    unsigned gone = 0;
    for (nsec_t now = 0; now < 400 * NSEC_PER_SEC; now += NSEC_PER_SEC) {
        for (unsigned k = 0; k < 10 && now < 200 * NSEC_PER_SEC; k++) {
            random = hash_mix(random + k);
            struct entry *entry = &entries[random % N];
            if (random >> 20 & 1) { /* a packet */
                counters_count(&entry->counters, 0, 60, now);
            } else if (entry->expiry_slot != UINT32_MAX && random >> 21 & 1) {
                expiry_remove(&e, entry);
                gone++;
                expiry_remove(&e, entry); /* once more does nothing */
            }
        }
        struct entry *first;
        while ((first = expiry_first(&e, now))) {
            if (entry_deadline(first) > now) {
                expiry_put_off_first(&e);
                continue;
            }
            expiry_remove(&e, first);
            gone++;
        }
        for (unsigned i = 0; i < N; i++) { /* all that are left have time left */
            if (entries[i].expiry_slot != UINT32_MAX) {
                assert_ptr_equal(e.items[entries[i].expiry_slot].entry, &entries[i]);
                assert_true(entry_deadline(&entries[i]) > now);
            }
        }
    }
    assert_int_equal(gone, N);
    assert_int_equal(e.n, 0);
    expiry_fini(&e);
}

TEST_MAIN(cmocka_unit_test(entries_come_up_when_they_are_due))
