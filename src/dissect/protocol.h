/* protocol.h - what a protocol is to the sensor: tables, and three functions that are pure.
 *
 * A stream (TCP) is cut into messages by `frame`, a datagram is a message. `looks` says how much a
 * message looks like one of the protocol, so that it is known by what is said and not by the port.
 * `dissect` reads a message and gives a PDU for everything that it says. State that is needed from
 * one message of a conversation to the next is the protocol's own, of fixed size. */
#ifndef DISSECT_PROTOCOL_H
#define DISSECT_PROTOCOL_H

#include "base/cursor.h"
#include "dissect/pdu.h"

struct field_word {
    uint32_t value;
    const char *word;
};

struct field_info {
    const char *name; /* "register.address": unique within the protocol */
    enum field_type type;
    const struct field_word *words; /* of values; ends with a NULL word; NULL: numbers */
    const char *about;
};

struct function_info {
    uint32_t number;
    const char *name; /* "write-multiple-registers" */
    enum act act;
};

enum frame_found {
    FRAME_WHOLE, /* `*size` octets are the message */
    FRAME_MORE,  /* `*size` octets are needed to say more; what ends with a mark needs one more */
    FRAME_NOT,   /* what is there does not begin a message of this protocol */
};

/* Who sent it. */
enum side {
    SIDE_UNKNOWN,
    SIDE_CLIENT,
    SIDE_SERVER,
};

#define LOOKS_NOT 0
/* From here to below LOOKS_FAINT: it begins a conversation of this protocol, or of another that
 * frames alike, as those at TCP port 102 do. A hint, which settles nothing, not even at its port.
 */
#define LOOKS_SHARED 1
#define LOOKS_FAINT 10 /* at its port it is enough */
#define LOOKS_LIKE                                                                                 \
    50 /* by a few fixed bits: with the port, or with a second message, it is enough */
#define LOOKS_SURE 100

struct dissection;

/* Bits. */
enum carrier {
    CARRIER_TCP = 1,
    CARRIER_UDP = 2,
    CARRIER_ETHERNET = 4,
};

struct protocol {
    const char *name;   /* "modbus" */
    const char *title;  /* "Modbus/TCP" */
    const char *source; /* what it was written after */
    const struct field_info *fields;
    const struct function_info *functions; /* by rising number */
    size_t n_fields, n_functions;
    unsigned carriers;               /* enum carrier */
    const uint16_t *ports;           /* the usual ones, or EtherTypes; ends with 0 */
    const struct field_word *errors; /* words of pdu.error; NULL: none */
    bool has_member; /* `member` is the field that names a device behind the sender's address */
    uint16_t member;
    bool asker_tells; /* requests say who sends them: a client of DHCP, of what kind it is */
    bool has_subject; /* what is told is not of the sender, but of whom `subject` (IPV4) names */
    uint16_t subject;
    size_t state_size;    /* of a conversation */
    uint32_t message_max; /* octets of a message in a stream */
    enum frame_found (*frame)(const uint8_t *data, size_t size, size_t *message);
    int (*looks)(const uint8_t *message, size_t size); /* LOOKS_* */
    /* Errors are the cursor's: what was understood before has been given. */
    void (*dissect)(struct dissection *, struct cursor *);
    /* Takes octets of a stream that are of no message: contents, or what is encrypted. It begins
     * when `dissect` has set `body`, and ends behind the octets that are returned when `body` is
     * false then. NULL octets: so many are missing. May be NULL. */
    size_t (*body)(struct dissection *, const uint8_t *octets, size_t size);
};

/* Octets of a file that passes by. One of a conversation's way at a time. */
enum content_flag {
    CONTENT_BEGINS = 1, /* the first of it */
    CONTENT_ENDS = 2,   /* the last */
    CONTENT_CLOSES = 8, /* with the first: the end of the connection is that of the file */
    CONTENT_BROKEN = 4, /* `size` octets are missing, or all from here on: what comes behind them,
                         * up to the end, is not the whole file */
};

struct file_part {
    const uint8_t *octets; /* NULL: there are none, or they are missing */
    size_t size;
    unsigned flags;
    uint32_t block; /* of blocks with numbers that may come again: from 1 on; 0: of a stream */
};

struct dissection {
    const struct protocol *protocol;
    void *state;         /* of the conversation, zeroed at its beginning; NULL if it has none */
    enum side side;      /* who sent the message */
    unsigned way;        /* 0 or 1: from the lower or from the higher address */
    unsigned carrier;    /* enum carrier */
    bool body;           /* what follows, this way, is for `body` */
    bool leaves;         /* what follows, either way, is of a protocol that is not known yet */
    const char *becomes; /* with `leaves`: its name, if it is known; NULL: it is not */
    nsec_t time;
    struct pdu *pdu; /* that is being made */
    void (*sink)(void *arg, const struct pdu *);
    void (*content)(void *arg, const struct file_part *); /* NULL: nobody wants it */
    void *arg;
};

/* A PDU is begun, gets its fields, and is given: */
void pdu_begin(struct dissection *, enum pdu_kind, uint32_t function);
/* ... with the first `n` fields of the one that was made before. */
void pdu_begin_with(struct dissection *, enum pdu_kind, uint32_t function, uint32_t n);
void pdu_end(struct dissection *, const struct cursor *message);

static inline struct field *
pdu_add(struct dissection *d, uint16_t id, uint16_t object)
{
    return pdu_put(d->pdu, id, object);
}

static inline void
pdu_uint(struct dissection *d, uint16_t id, uint16_t object, uint64_t value)
{
    struct field *f = pdu_add(d, id, object);
    if (f)
        f->u = value;
}

static inline void
pdu_int(struct dissection *d, uint16_t id, uint16_t object, int64_t value)
{
    struct field *f = pdu_add(d, id, object);
    if (f)
        f->i = value;
}

static inline void
pdu_real(struct dissection *d, uint16_t id, uint16_t object, double value)
{
    struct field *f = pdu_add(d, id, object);
    if (f)
        f->r = value;
}

/* TEXT, OCTETS, MAC: `n` octets; BITS and WORDS: `n` of them. NULL octets: nothing is added. */
static inline void
pdu_octets(struct dissection *d, uint16_t id, uint16_t object, const uint8_t *octets, size_t n)
{
    struct field *f = octets ? pdu_add(d, id, object) : NULL;
    if (f) {
        f->octets = octets;
        f->n = (uint32_t)n;
    }
}

static inline void
content_give(const struct dissection *d, const uint8_t *octets, size_t size, unsigned flags)
{
    if (d->content)
        d->content(d->arg, &(struct file_part){.octets = octets, .size = size, .flags = flags});
}

const struct function_info *protocol_function(const struct protocol *, uint32_t number);
const char *protocol_error(const struct protocol *, uint32_t error);     /* NULL: it has no word */
const char *field_value_word(const struct field_info *, uint64_t value); /* NULL: none */

#endif
