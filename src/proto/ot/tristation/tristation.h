/* tristation.h - TriStation: what the workstation of a Triconex safety controller says to it, over
 * UDP. It is not published; this is what public analyses of TRITON have found out of it, and what
 * captures bear out: lengths, checksums, commands with their answers, why one was rejected, and
 * which project a controller has. Passive: reads what others say. What is in programs is not looked
 * into. */
#ifndef PROTO_OT_TRISTATION_TRISTATION_H
#define PROTO_OT_TRISTATION_TRISTATION_H

#include "dissect/protocol.h"

/* `function` is the command, of an answer that which it answers; or of a message without one: */
#define TRISTATION_MESSAGE(type) (0x10000u | (type))

enum tristation_field {
    TRISTATION_SOURCE,
    TRISTATION_COUNTER,
    TRISTATION_ANSWER,
    TRISTATION_PROJECT,
    TRISTATION_PROJECT_VERSION,
    TRISTATION_PROJECT_MINOR,
    TRISTATION_PROJECT_TIME,
    TRISTATION_SIZE,
};

extern const struct protocol tristation;

#endif
