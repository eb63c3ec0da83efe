/* pdu.h - a message as a dissector has understood it: who it is for, what it does, and its fields,
 * typed and named by the protocol's tables (protocol.h). Nothing in it is copied: texts and octets
 * are the message's, and end with it.
 *
 * Fields belong to the message (object 0) or to one of the objects it is about (1, 2, ...), in the
 * order they stand in it: so a rule can ask for a value and an address of the same object. Objects
 * come by rising number; the message's own may stand anywhere. */
#ifndef DISSECT_PDU_H
#define DISSECT_PDU_H

#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_type {
    FIELD_UINT,
    FIELD_INT,
    FIELD_REAL,
    FIELD_BOOL,
    FIELD_TEXT, /* as it stands: control characters and broken UTF-8 are for the printer to mend */
    FIELD_OCTETS, /* anything */
    FIELD_BITS,   /* packed, the least significant first; `n` of them */
    FIELD_WORDS,  /* of 16 bits, in network byte order; `n` of them */
    FIELD_MAC,
    FIELD_IPV4,
    FIELD_TIME, /* nsec_t since 1970-01-01 UTC */
};

struct field {
    uint16_t id;     /* row of the protocol's table of fields */
    uint16_t object; /* 0: of the message */
    uint32_t n;      /* octets of TEXT and OCTETS, bits of BITS, words of WORDS */
    union {
        uint64_t u; /* UINT, BOOL, IPV4 */
        int64_t i;  /* INT, TIME */
        double r;
        const uint8_t *octets; /* TEXT, OCTETS, BITS, WORDS, MAC */
    };
};

/* How many octets it points to; 0: it is a number. */
size_t field_octets(enum field_type, const struct field *);

enum pdu_kind {
    PDU_REQUEST,
    PDU_RESPONSE,
    PDU_REFUSAL, /* a response that says no; `error` says why */
    PDU_REPORT,  /* told without being asked: unsolicited, published */
    PDU_LINK,    /* keeps the conversation going: hello, test, acknowledge */
};

/* What a message is about, whatever the protocol: what the rules of ATT&CK speak of. */
enum act {
    ACT_OTHER,
    ACT_LINK,      /* connects, tests, ends */
    ACT_READ,      /* reads values */
    ACT_REPORT,    /* tells values */
    ACT_WRITE,     /* writes values, set points, parameters */
    ACT_SELECT,    /* the first half of a command */
    ACT_OPERATE,   /* moves something in the plant */
    ACT_IDENTIFY,  /* asks who somebody is, or says it */
    ACT_BROWSE,    /* asks what there is */
    ACT_CONFIGURE, /* changes how a device works */
    ACT_UPLOAD,    /* a program or a file leaves the device */
    ACT_DOWNLOAD,  /* a program or a file comes into it */
    ACT_FIRMWARE,
    ACT_START,
    ACT_STOP,
    ACT_RESTART,
    ACT_SILENCE, /* turns off what a device tells */
    ACT_CLOCK,   /* sets a clock */
    ACT_ACCESS,  /* passwords, keys, sessions of people */
    ACT_ACKNOWLEDGE,
};
const char *pdu_kind_word(enum pdu_kind); /* "request"; static */
const char *act_word(enum act);           /* "operate"; static */

struct protocol;
struct function_info;

#define PROTOCOL_FIELDS 256 /* rows of a table of fields, at most */
#define PDU_FIELDS 8192     /* what is more is counted and left out */

struct pdu {
    const struct protocol *protocol;
    const struct function_info *info; /* of the function; NULL: it is in no table */
    enum pdu_kind kind;
    enum act act;
    uint32_t function;
    uint32_t error;                     /* of a refusal, or a status that is not good */
    uint32_t n_fields;                  /* that are here */
    uint32_t n_left;                    /* that had no place */
    uint32_t n_objects;                 /* the last object's number */
    uint32_t size;                      /* octets of the message */
    const uint8_t *octets;              /* ... as they came */
    uint64_t has[PROTOCOL_FIELDS / 64]; /* a bit for each id that fields have; maybe more */
    struct field fields[PDU_FIELDS];
};

/* One more field, of which the value is to be set. NULL: there is no place. */
static inline struct field *
pdu_put(struct pdu *p, uint16_t id, uint16_t object)
{
    if (p->n_fields == PDU_FIELDS) {
        p->n_left++;
        return NULL;
    }
    struct field *f = &p->fields[p->n_fields++];
    f->id = id;
    f->object = object;
    f->n = 0;
    p->has[id / 64 % (PROTOCOL_FIELDS / 64)] |= UINT64_C(1) << id % 64;
    return f;
}

static inline bool
pdu_has(const struct pdu *p, uint16_t id)
{
    return id < PROTOCOL_FIELDS && p->has[id / 64] >> id % 64 & 1;
}

/* Has it a field of those? */
static inline bool
pdu_has_any(const struct pdu *p, const uint64_t *ids)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < PROTOCOL_FIELDS / 64; i++)
        any |= p->has[i] & ids[i];
    return any != 0;
}

/* The first field with this id of the object; NULL: there is none. */
const struct field *pdu_field(const struct pdu *, uint16_t id, uint16_t object);

#endif
