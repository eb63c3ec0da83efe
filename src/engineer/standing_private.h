/* standing_private.h - what standing.c keeps, for its test, which spoils it. */
#ifndef ENGINEER_STANDING_PRIVATE_H
#define ENGINEER_STANDING_PRIVATE_H

#include "engineer/standing.h"

struct standing {
    uint32_t holders;
    struct network *network; /* NULL: nowhere */
    struct plan *plan;
    struct prover *prover;
};

#endif
