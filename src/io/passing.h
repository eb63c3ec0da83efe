/* passing.h - octets and file descriptors from one process of this machine to another, by a Unix
 * socket. Its calls wait, for as long as they are told: for programs that have nothing else to do
 * meanwhile. */
#ifndef IO_PASSING_H
#define IO_PASSING_H

#include "base/buf.h"
#include "base/time.h"

#include <stdbool.h>
#include <sys/types.h>

#define PASSING_DESCRIPTORS 8 /* that may come with one message */

struct passing; /* Opaque: one connection. */

/* Listens; only the file's owner may connect. The descriptor becomes readable when somebody has.
 * A socket that a process which has gone left behind is replaced. ERR_INVALID: the path;
 * ERR_EXISTS: somebody listens there; ERR_IO. */
MUST_CHECK enum err passing_listen(const char *path, int *fd, struct diag *);
/* ERR_BUSY: nobody waits. */
MUST_CHECK enum err passing_accept(int fd, struct passing **);
/* ERR_NOT_FOUND: nobody listens there; ERR_IO. */
MUST_CHECK enum err passing_connect(const char *path, struct passing **, struct diag *);
/* Descriptors that came and were not taken are closed. NULL is fine. */
void passing_close(struct passing *);

/* Has the process that listened, or connected, ended? Waits for it as long as for anything. */
bool passing_peer_has_gone(const struct passing *);

/* The process that listened, or connected; 0: it cannot be known. Its number is its own as long as
 * it has not gone. */
pid_t passing_peer_pid(const struct passing *);

/* How long a call waits for the other side to take or send anything. */
void passing_set_patience(struct passing *, nsec_t);
/* All of it; `fds` go with its first octet, and stay the caller's. ERR_CLOSED, ERR_TIMEOUT. */
MUST_CHECK enum err passing_send(struct passing *, const void *data, size_t size, const int *fds,
                                 unsigned n_fds);
/* Exactly `size` octets, appended. ERR_CLOSED, ERR_TIMEOUT, ERR_LIMIT: more descriptors than
 * anybody asked for. */
MUST_CHECK enum err passing_receive(struct passing *, size_t size, struct buf *);
/* The next descriptor that came with what was received, in order: the caller's. -1: none. */
int passing_take(struct passing *);

#endif
