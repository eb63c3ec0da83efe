/* evidence.h - the packets that led to an alert: the last frames are remembered, and those of its
 * conversation are written as a capture (pcap, nanoseconds) when it begins.
 *
 * The memory is a ring; the files are bounded in size and number: the oldest that this program
 * wrote makes room. */
#ifndef DETECT_EVIDENCE_H
#define DETECT_EVIDENCE_H

#include "base/err.h"
#include "sensor/conversation.h"

#define EVIDENCE_RING ((size_t)8 << 20) /* octets that are remembered */
#define EVIDENCE_FILE ((size_t)256 << 10)
#define EVIDENCE_FILES 1000

struct evidence; /* Opaque. */

/* ERR_NOT_FOUND, ERR_DENIED, ERR_IO: the directory cannot be written. */
MUST_CHECK enum err evidence_new(const char *directory, struct evidence **, struct diag *);
void evidence_free(struct evidence *); /* NULL is fine */

/* Remembers the frame. */
void evidence_frame(struct evidence *, const struct frame *);
/* Writes `NAME.pcap` (a name that ends in -SECONDS-NUMBER) with the frames of the conversation, the
 * last one behind; NULL: all that there are. Returns the file's name, valid until the next call;
 * NULL: it could not be written, which is logged. */
const char *evidence_keep(struct evidence *, const char *name, const struct conversation_key *);

#endif
