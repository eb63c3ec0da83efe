/* once.h - is this request one that was taken before? What who serves remembers to say so. Pure.
 *
 * Who asks makes up a run, a random name, when it begins, and numbers what it sends. Who serves
 * answers a run that it does not know with a session, random too, and takes nothing that does not
 * name it; of a session it takes each number once. So whoever repeats what he has heard repeats a
 * number, or a session that is over, whichever of the two sides has begun anew since. A session
 * lasts ONCE_LASTS: what somebody has held back for longer is worth nothing either. Numbers may
 * overtake each other by less than ONCE_WINDOW (as in RFC 4303, section 3.4.3).
 *
 * What is remembered is bounded: of ONCE_RUNS runs. The one that was served least recently goes;
 * if somebody asks in its name still, it is given another session. */
#ifndef TIELINED_ONCE_H
#define TIELINED_ONCE_H

#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

#define ONCE_RUNS 8
#define ONCE_WINDOW 64
#define ONCE_LASTS (120 * NSEC_PER_SEC)
#define ONCE_NAME_LENGTH 32 /* of a run and of a session: 128 bits, hexadecimal */

struct once_session {
    char name[ONCE_NAME_LENGTH + 1];
    uint64_t highest; /* number that was taken; numbers begin at 1 */
    uint64_t taken;   /* bit i: highest - i */
    nsec_t opened;
};

struct once_run {
    char name[ONCE_NAME_LENGTH + 1]; /* "": free */
    struct once_session session, before;
    nsec_t served;
};

struct once {
    struct once_run runs[ONCE_RUNS];
};

enum once_verdict {
    ONCE_FIRST,      /* carry it out */
    ONCE_NO_SESSION, /* not of a session there is: to be asked again with the one that is told */
    /* This number was taken before, also in the session before, or is too old to say. It is not to
     * be answered: who asked the first time may be waiting for another answer. */
    ONCE_SEEN,
    ONCE_NONSENSE /* no names, no number */
};

/* `run`, `session`: as they came, NULL: none. `fresh`: a name for a new session. *current: the
 * run's session, until the next call; not of nonsense. `now` is monotonic. */
enum once_verdict once_judge(struct once *, const char *run, const char *session, int64_t number,
                             const char fresh[ONCE_NAME_LENGTH + 1], nsec_t now,
                             const char **current);

/* A random name; false: there are no random numbers. */
bool once_name(char name[ONCE_NAME_LENGTH + 1]);

#endif
