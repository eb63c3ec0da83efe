/* joins.h - multipart messages of which parts are missing. Internal to openflow_session.c.
 *
 * The bodies are kept as octets, one behind the other, and decoded at once when the last has come:
 * that needs a third of the memory of decoding each part, and gives one array. */
#ifndef PROTO_OPENFLOW_JOINS_H
#define PROTO_OPENFLOW_JOINS_H

#include "base/time.h"
#include "proto/openflow/openflow_multipart.h"

#define N_JOINS 8 /* multipart messages that may arrive interleaved */

struct join {
    bool used;
    bool dead; /* given up: what still comes of it is dropped */
    struct openflow_part part;
    struct buf body;
    nsec_t touched;
};

struct joins {
    struct join list[N_JOINS];
    size_t size, limit; /* octets of all bodies together */
};

void joins_fini(struct joins *);
struct join *joins_find(struct joins *, uint32_t xid); /* NULL: there is none */
/* Adds a part; its last if it says so. ERR_LIMIT: too many joins, or octets; ERR_CONFLICT: not of
 * the type of the parts before. Then nothing is kept, and the rest of it is dropped. */
MUST_CHECK enum err joins_add(struct joins *, const struct openflow_part *, nsec_t now);
void joins_drop(struct joins *, struct join *);
/* Gives up, if there is one; it is dropped when its last part comes. */
void joins_give_up(struct joins *, uint32_t xid);
/* Drops what was given up and of which no part has come since `before`. With `live`, gives up what
 * is in progress and as old. */
void joins_expire(struct joins *, nsec_t before, bool live, nsec_t now);

#endif
