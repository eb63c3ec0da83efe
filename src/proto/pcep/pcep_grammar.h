/* pcep_grammar.h - which objects a message's entries have, where each goes, and in which order they
 * are written. Internal to this directory. */
#ifndef PROTO_PCEP_PCEP_GRAMMAR_H
#define PROTO_PCEP_PCEP_GRAMMAR_H

#include "proto/pcep/pcep_wire.h"

enum pcep_slot {
    PCEP_SLOT_NONE,
    PCEP_SLOT_RP,
    PCEP_SLOT_SRP,
    PCEP_SLOT_LSP,
    PCEP_SLOT_ENDPOINTS,
    PCEP_SLOT_NO_PATH,
    PCEP_SLOT_ASSOCIATIONS,
    PCEP_SLOT_VENDORS,
    PCEP_SLOT_ERO, /* the first that is of a path */
    PCEP_SLOT_RRO,
    PCEP_SLOT_ACTUAL_BANDWIDTH,
    PCEP_SLOT_ACTUAL_METRICS,
    PCEP_SLOT_OF,
    PCEP_SLOT_LSPA,
    PCEP_SLOT_BANDWIDTH,
    PCEP_SLOT_EXISTING_BANDWIDTH,
    PCEP_SLOT_BUS,
    PCEP_SLOT_METRICS,
    PCEP_SLOT_IRO,
    PCEP_SLOT_XRO,
    PCEP_SLOT_LOAD_BALANCING,
    PCEP_SLOT_MAX,
};

/* Where the objects of a slot are: a pointer to one, or to an array with its number. */
struct pcep_slot_row {
    uint8_t class, type; /* type 0: any */
    uint16_t size;       /* of one structure of an array; 0: there is one at most */
    uint16_t at, n_at;   /* of the pointer and the number in pcep_entry or pcep_path */
};

extern const struct pcep_slot_row pcep_slot_rows[PCEP_SLOT_MAX];

static inline bool
pcep_slot_is_of_path(enum pcep_slot slot)
{
    return slot >= PCEP_SLOT_ERO;
}

struct pcep_grammar {
    uint8_t message;         /* enum pcep_type */
    uint32_t slots;          /* bits of those that it has */
    const uint8_t order[18]; /* as they are written; PCEP_SLOT_NONE ends it */
};

/* NULL: it has no entries. */
const struct pcep_grammar *pcep_grammar(unsigned message);
/* Which slot an object has in such a message; PCEP_SLOT_NONE: none. */
enum pcep_slot pcep_slot_of(const struct pcep_grammar *, unsigned class, unsigned type);
/* Is every object there that must be, and does each say what it has to? False: `error` and `object`
 * say what is wrong. */
bool pcep_entry_check(unsigned message, const struct pcep_entry *, struct pcep_error *error,
                      const char **object);

#endif
