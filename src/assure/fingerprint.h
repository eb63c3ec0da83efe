/* fingerprint.h - what was measured of a circuit, per path, direction and receiver: the entries of
 * list fingerprint in schema/tieline-work.yang. Pure.
 *
 * One-way latencies are differences of two clocks. They are what was measured if both nodes said
 * that their clocks were synchronised (or the lab's nodes share one, `one_clock`). Otherwise those
 * of an IP circuit are half of the round trip, and those of a multicast, whose answers come back
 * over the management network, are not known. Jitter needs no synchronised clocks: it is the
 * difference of latencies that follow each other. */
#ifndef ASSURE_FINGERPRINT_H
#define ASSURE_FINGERPRINT_H

#include "assure/exchange.h"

struct entry {
    enum test_path path;
    enum test_direction direction;
    char *receiver; /* host */
    nsec_t time;    /* wall, the end of the test */
    uint32_t sent, lost;
    uint32_t rate_kbps; /* 0: not measured */
    bool has_latency;
    nsec_t min, p50, p99, max; /* 0 and up */
    bool has_jitter;
    nsec_t jitter;
    bool has_asymmetry;
    nsec_t asymmetry;
    bool synchronised;
    enum timestamp_source sender_source, receiver_source; /* TIMESTAMP_MAX: not known */
    /* Not in JSON: of `sent` and `lost`, those at the committed rate, and the rate asked for. */
    uint32_t committed_sent, committed_lost, committed_kbps;
};

struct entries {
    uint32_t n, capacity;
    struct entry *list;
};

void entries_fini(struct entries *); /* empty again */
/* NULL: there is none. */
struct entry *entries_find(const struct entries *, enum test_path, enum test_direction,
                           const char *receiver);

/* Adds what one answer says: an entry per receiving host and direction; of LOAD_COMMITTED only its
 * counts and rate, to the entries that LOAD_LATENCY made. Where nothing arrived at the far end
 * there is no entry backward: nothing is known. `findings` (NULL is fine) gets what to know about
 * how the numbers came about. */
void entries_add(struct entries *, const struct test_session *, const struct load *,
                 const struct node_answer *, nsec_t wall, bool one_clock, const char *circuit,
                 struct findings *);

/* Of the packets there and back, those that were lost on their way there. Losses of which the way
 * is not known are among them: nobody has seen these packets arrive. */
uint32_t measured_lost_forward(const struct measured *);

/* As in list fingerprint, `circuit` included. The caller owns the result. */
json_t *entries_to_json(const struct entries *, const char *circuit);
/* Appends to `entries`. ERR_MALFORMED: not such an array; nothing was added. */
MUST_CHECK enum err entries_from_json(const json_t *, struct entries *, struct diag *);

#endif
