/* event.h - one record of the journal: its fields, its hash, and what may be in it.
 *
 * The hash of an event is SHA-256 over this encoding, version 1. Integers are big-endian; every
 * text is preceded by its size in octets (4), so no two events encode alike:
 *
 *     "TLE1"                        4   magic and version
 *     seq, epoch, time          3 x 8
 *     prev_hash                    32   hash of the event before, of the identity for the first one
 *     site, type, object, actor, body   4 + size each, without a NUL
 *
 * The identity of a journal is what its first event follows. Its hash is SHA-256 over
 *
 *     "TLJ1"                        4   magic and version
 *     id                           16   random, so that no two journals begin alike
 *     epoch, created            2 x 8
 *     site                          4 + size
 *
 * Anything else about a record (its place in a file, who else knows it) is outside its hash. A
 * driver for another database stores the same fields and so gets the same hashes. */
#ifndef JOURNAL_EVENT_H
#define JOURNAL_EVENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/time.h"

#include <openssl/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_HASH_SIZE 32
#define JOURNAL_ID_SIZE 16

/* Most octets of each text, without its NUL. */
#define JOURNAL_SITE_MAX 64
#define JOURNAL_TYPE_MAX 128
#define JOURNAL_OBJECT_MAX 256
#define JOURNAL_ACTOR_MAX 256
#define JOURNAL_BODY_MAX ((size_t)16 << 20)

/* What a caller says happened. All texts are UTF-8 and NUL-terminated; none is empty. */
struct journal_entry {
    const char *type;   /* "circuit.designed": of a-z 0-9 . _ - */
    const char *object; /* "circuit/scada-rtu-a": no control characters */
    const char *actor;  /* "alice", "system/lan": no control characters */
    const char *body;   /* a JSON object, kept octet for octet */
    nsec_t time;        /* wall clock; 0: stamped by journal_append() */
};

/* An entry with its place in the journal. */
struct journal_event {
    uint64_t seq;   /* from 1, without gaps, over all epochs */
    uint64_t epoch; /* never decreases */
    nsec_t time;    /* wall clock; never decreases within an epoch */
    const char *site, *type, *object, *actor, *body;
    size_t body_size;                     /* of `body`, in octets, without the NUL behind it */
    uint8_t prev_hash[JOURNAL_HASH_SIZE]; /* of the event before */
    uint8_t hash[JOURNAL_HASH_SIZE];
};

/* What makes this journal this one; fixed when it is created. */
struct journal_identity {
    uint8_t id[JOURNAL_ID_SIZE];
    char site[JOURNAL_SITE_MAX + 1];
    uint64_t epoch; /* the first */
    nsec_t created; /* wall clock */
};

/* The last event as far as it matters for the next one. Before the first event: seq 0, the hash of
 * the identity, its epoch, time 0. */
struct journal_head {
    uint64_t seq;
    uint64_t epoch;
    nsec_t time;
    uint8_t hash[JOURNAL_HASH_SIZE];
};

/* Which events, in the order of their seq. */
struct journal_query {
    uint64_t from;           /* the first seq; 0: all there are */
    uint64_t to;             /* the last seq, so that a search has an end; 0: the last there is */
    uint64_t limit;          /* at most so many; 0: all */
    const char *type_prefix; /* "circuit.": what the type begins with; NULL: any */
    const char *object;      /* NULL: any */
    const char *actor;       /* NULL: any */
};

/* Takes one event; it and its texts are valid during the call. False: enough. */
typedef bool journal_event_fn(void *arg, const struct journal_event *);

/* Is it something a journal may hold? ERR_INVALID: a text is missing, empty, or has octets it must
 * not have; ERR_MALFORMED: the body is not a JSON object (a key twice in one counts as that);
 * ERR_LIMIT: a text is longer than its maximum. `diag` names the field. */
MUST_CHECK enum err journal_entry_check(const struct journal_entry *, struct diag *);

/* The same for a site's name: of a-z 0-9 . _ - */
MUST_CHECK enum err journal_site_check(const char *site, struct diag *);

/* Appends the encoding above. */
void journal_event_encode(const struct journal_event *, struct buf *);
void journal_identity_encode(const struct journal_identity *, struct buf *);

/* Computes hashes, many of them; for one thread. */
struct journal_hasher {
    EVP_MD *md;
    EVP_MD_CTX *ctx;
    struct buf encoding;
};

/* Aborts where the machine's OpenSSL has no SHA-256: there is nothing to fall back to. */
void journal_hasher_init(struct journal_hasher *);
void journal_hasher_fini(struct journal_hasher *); /* A zeroed one is fine. */

/* The hash of everything in the event but its `hash`. */
void journal_event_hash(struct journal_hasher *, const struct journal_event *,
                        uint8_t hash[JOURNAL_HASH_SIZE]);
void journal_identity_hash(struct journal_hasher *, const struct journal_identity *,
                           uint8_t hash[JOURNAL_HASH_SIZE]);

/* First octets of a hash in hex, as findings and messages show it. `text` holds this much. */
#define JOURNAL_HASH_TEXT_SIZE 17
char *journal_hash_text(const uint8_t hash[JOURNAL_HASH_SIZE], char *text);

#endif
