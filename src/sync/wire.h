/* wire.h - journals as sites tell each other of them, in JSON. Pure.
 *
 * A request `sync.read` says how far the reader is; its answer says whose journal this is, how far
 * that is, and what comes next:
 *
 *     {"id": ID, "after": SEQ, "hash": HASH, "offset": N}      id and hash: if it has any events
 *
 *     {"identity": {"id": ID, "site": S, "epoch": E, "created": T}, "head": {"seq": N, "hash": H},
 *      "events": [[seq, epoch, time, type, object, actor, body], ...], "hash": HASH}
 *
 * HASH and ID are base64, times are nanoseconds since 1970. Hashes of single events are left out:
 * the reader computes them, and `hash` is that of the last one. An event whose body is too large
 * for a message comes alone, in pieces: with "more": true and the next piece asked for with
 * "offset", the number of octets of the body that the reader has.
 *
 * {"differs": WHY} instead of events: the reader remembers what is not in this journal. */
#ifndef SYNC_WIRE_H
#define SYNC_WIRE_H

#include "journal/event.h"

#include <jansson.h>

#define SYNC_OCTETS ((size_t)384 << 10) /* of bodies and texts in one answer, about */
#define SYNC_EVENTS 2000                /* in one answer, at most */

/* Where a reader is, or the end of a journal. */
struct sync_place {
    uint8_t id[JOURNAL_ID_SIZE]; /* of the journal; undefined if seq is 0 */
    uint64_t seq;                /* of the last event; 0: none */
    uint8_t hash[JOURNAL_HASH_SIZE];
};

json_t *sync_request(const struct sync_place *, uint64_t offset);
/* ERR_MALFORMED: not a request as above. */
MUST_CHECK enum err sync_request_parse(const json_t *, struct sync_place *, uint64_t *offset,
                                       struct diag *);

/* The parts of an answer. The caller owns what it gets. */
json_t *sync_identity(const struct journal_identity *);
json_t *sync_hash(const uint8_t hash[JOURNAL_HASH_SIZE]);
/* Of the body, `size` octets from `offset` on. */
json_t *sync_event(const struct journal_event *, size_t offset, size_t size);

struct sync_answer {
    struct journal_identity identity;
    uint64_t head; /* seq */
    const char *differs;
    const json_t *events; /* array; its members have been looked at by nobody */
    bool more;
    uint8_t hash[JOURNAL_HASH_SIZE]; /* of the last event in it; zero if there are none */
};
/* Borrows from the JSON. ERR_MALFORMED: not an answer as above, `diag` names the field. */
MUST_CHECK enum err sync_answer_parse(const json_t *, struct sync_answer *, struct diag *);

/* Borrows the texts; sets no site and no hashes. ERR_MALFORMED, and the errors of
 * journal_entry_check(), which is asked too unless this is a piece of an event. */
MUST_CHECK enum err sync_event_parse(const json_t *, bool piece, struct journal_event *,
                                     struct diag *);

#endif
