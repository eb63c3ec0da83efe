/* replica.h - a copy of another site's journal, event for event and hash for hash.
 *
 * It is a journal like any other, in a file of its own (DIRECTORY/SITE.db), so that `tieline
 * journal verify` checks it and its head is how far the reader is: the watermark. What is appended
 * has been checked to follow what is there. If the origin's journal turns out to be another one
 * (its disk was replaced) or to have been cut off (rolled back), the copy is set aside under a name
 * that says what it is, and a new one begins: what was once learned is never thrown away.
 *
 * No loop and no clock; one thread at a time. */
#ifndef SYNC_REPLICA_H
#define SYNC_REPLICA_H

#include "sync/wire.h"

struct replica;

/* There may be none yet. ERR_BUSY: another program writes it; ERR_CONFLICT: it is another site's;
 * ERR_CORRUPT, ERR_MALFORMED, ERR_UNSUPPORTED, ERR_IO: as journal_open(). The caller owns it. */
MUST_CHECK enum err replica_open(const char *directory, const char *site, struct replica **,
                                 struct diag *);
void replica_close(struct replica *); /* NULL is fine */

/* How far it is; seq 0 and no id: nothing is there. */
const struct sync_place *replica_place(const struct replica *);
const char *replica_path(const struct replica *);

/* Appends what an answer holds, an array as in wire.h, all or nothing: `identity` is the origin's,
 * `hash` what the last event's must be. ERR_CORRUPT: they do not follow what is there, or do not
 * have that hash; ERR_CONFLICT: of another journal, or another site's; others as
 * sync_event_parse(), ERR_IO. */
MUST_CHECK enum err replica_append(struct replica *, const struct journal_identity *identity,
                                   const json_t *events, const uint8_t hash[JOURNAL_HASH_SIZE],
                                   struct diag *);

/* Puts the copy under another name, in `kept`, and begins anew. On error it is as it was. ERR_BUSY:
 * somebody reads it, here or in another program: later. */
#define REPLICA_PATH_SIZE 1024
MUST_CHECK enum err replica_set_aside(struct replica *, char kept[REPLICA_PATH_SIZE],
                                      struct diag *);

#endif
