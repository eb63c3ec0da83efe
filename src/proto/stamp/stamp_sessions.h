/* stamp_sessions.h - the sessions a stateful Session-Reflector knows: a fixed table, found by hash,
 * in the order of their last use. For stamp_reflector.c alone. */
#ifndef PROTO_STAMP_STAMP_SESSIONS_H
#define PROTO_STAMP_STAMP_SESSIONS_H

#include "proto/stamp/stamp_reflector.h"

/* Octets only, so that it can be hashed and compared as it is. */
struct stamp_session_key {
    uint8_t from[16], to[16];
    uint16_t from_port, to_port, ssid;
};
_Static_assert(sizeof(struct stamp_session_key) == 38, "no padding: it is hashed as it is");

struct stamp_session {
    struct stamp_session_key key;
    uint32_t generation; /* never 0 */
    bool used;
    uint32_t bucket_next, older, newer; /* indices; STAMP_NO_SESSION: none */
    nsec_t last_used;
    uint32_t next_sequence;
    uint32_t n_received, n_sent;
    bool has_last; /* a reply has been sent */
    uint32_t last_sequence;
    nsec_t last_t3;
    uint8_t last_method;
};

#define STAMP_NO_SESSION UINT32_MAX

struct stamp_sessions; /* Opaque. */

struct stamp_sessions *stamp_sessions_new(unsigned max); /* Never NULL. */
void stamp_sessions_free(struct stamp_sessions *);       /* NULL is fine. */

/* NULL: not known. */
struct stamp_session *stamp_sessions_find(struct stamp_sessions *,
                                          const struct stamp_session_key *);
/* NULL: the table is full. */
struct stamp_session *stamp_sessions_add(struct stamp_sessions *, const struct stamp_session_key *);
/* Makes it the one used last. */
void stamp_sessions_touch(struct stamp_sessions *, struct stamp_session *, nsec_t now);
void stamp_sessions_remove(struct stamp_sessions *, struct stamp_session *);
/* The one that was used least recently; NULL: none. */
struct stamp_session *stamp_sessions_oldest(struct stamp_sessions *);
unsigned stamp_sessions_count(const struct stamp_sessions *);

/* A name that is not given to another session when this one is gone; never 0. */
uint64_t stamp_sessions_handle(const struct stamp_sessions *, const struct stamp_session *);
/* NULL: it is gone. */
struct stamp_session *stamp_sessions_get(struct stamp_sessions *, uint64_t handle);

/* Removes every session from this address with this SSID; returns their number. */
unsigned stamp_sessions_remove_matching(struct stamp_sessions *, const uint8_t from[16],
                                        uint16_t ssid);

#endif
