/* peer.h - an OpenFlow session over a Unix socket with the real clock, for tests that talk to
 * another implementation; and results in TAP. */
#ifndef TEST_OPENFLOW_PEER_H
#define TEST_OPENFLOW_PEER_H

#include "proto/openflow/openflow_session.h"

#define N_NOTES 256

struct note { /* a notification that nobody has asked for yet */
    struct openflow_message message;
    struct arena *arena;
};

struct peer {
    int fd; /* -1: closed */
    struct openflow_session *session;
    struct note notes[N_NOTES];
    unsigned n_notes;
};

/* How a request ended; free with answer_fini(). */
struct answer {
    enum err err;
    struct openflow_error error;
    struct openflow_message message; /* if err is ERR_OK and it has a reply */
    struct arena *arena;
    struct diag diag;
};

nsec_t now_monotonic(void);

/* Over a connected socket. */
void peer_init(struct peer *, int fd, enum openflow_end);
/* Connects as a controller and waits until the session is up. */
bool peer_connect(struct peer *, const char *path);
void peer_fini(struct peer *);
/* The next event, waiting up to `timeout` for it; false: there is none. After DOWN fd is closed. */
bool peer_next(struct peer *, struct openflow_event *, nsec_t timeout);

/* Sends a request and waits for its end. Notifications that come meanwhile are kept. */
struct answer peer_ask(struct peer *, struct openflow_message *);
/* Sends a command; peer_barrier() tells how it went. */
bool peer_command(struct peer *, struct openflow_message *);
/* Waits for a barrier. How many of the commands since the last one failed. */
unsigned peer_barrier(struct peer *);
void answer_fini(struct answer *);
/* Takes the oldest notification of this type, waiting for it; false: none. Free with note_fini().
 */
bool peer_note(struct peer *, uint32_t type, nsec_t timeout, struct note *);
void note_fini(struct note *);

/* One line of TAP; returns `good`. */
bool ok(bool good, const char *format, ...) PRINTF_LIKE(2, 3);
/* "1..n" and the exit status. */
int tap_end(void);

#endif
