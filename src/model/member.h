/* member.h - one row per member of every object: its name, type, range and place in the struct.
 *
 * From these rows an object is read from JSON and from the cells of a table, written to both,
 * copied, compared and freed. They say the same as schema/tieline-*.yang; a test compares them. */
#ifndef MODEL_MEMBER_H
#define MODEL_MEMBER_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

#include <stdbool.h>
#include <stdint.h>

/* Each with its C type; then what it is in JSON. The text in a table's cell is the same, with lists
 * separated by spaces. */
enum member_type {
    MEMBER_NAME,            /* char *, NULL: none; string */
    MEMBER_TEXT,            /* char *, NULL: none; string */
    MEMBER_BOOL,            /* bool; boolean */
    MEMBER_WORD,            /* an enum; string, words[v] */
    MEMBER_IP_PROTOCOL,     /* uint8_t, IP_PROTO_*; string: tcp, udp, icmp */
    MEMBER_U8,              /* uint8_t; number */
    MEMBER_U16,             /* uint16_t; number */
    MEMBER_U32,             /* uint32_t; number */
    MEMBER_VLAN,            /* int, VLAN_UNTAGGED: none; number */
    MEMBER_APPID,           /* uint16_t; string of 4 hexadecimal digits */
    MEMBER_DATAPATH_ID,     /* uint64_t; string of 16 hexadecimal digits */
    MEMBER_MAC,             /* struct mac; string: 02:00:00:00:00:01 */
    MEMBER_IPV4,            /* uint32_t, 0: none; string: 10.0.0.1 */
    MEMBER_IPV4_INTERFACE,  /* that, and int at `more`; string: 10.0.0.1/24 */
    MEMBER_TIME,            /* nsec_t, 0: none; string after RFC 3339 */
    MEMBER_NAMES,           /* char **, with uint32_t at `more`; array of strings */
    MEMBER_TRANSPORT_PORTS, /* uint16_t *, with uint32_t at `more`; array of numbers */
    MEMBER_PORTS,           /* struct port *, with uint32_t at `more`; array of objects; no text */
    MEMBER_DOCUMENT,        /* char *, JSON text, sorted and compact; object; in no table */
    MEMBER_TYPE_MAX
};

enum member_need {
    MEMBER_OPTIONAL,
    MEMBER_REQUIRED, /* if its group is there */
    MEMBER_KEY       /* required, and what the object is found by */
};

struct member {
    const char *name;   /* in JSON */
    const char *column; /* in tables; NULL: it is in none */
    const char *group;  /* the JSON object within the object that it is in; NULL: none */
    enum member_type type;
    enum member_need need;
    uint16_t offset, more;    /* in the struct, octets */
    uint32_t min, max;        /* of numbers */
    uint32_t fallback;        /* number or word if it is not given; outside min..max: none */
    const char *const *words; /* of MEMBER_WORD, ended by NULL */
    bool ordered;             /* MEMBER_NAMES: the order means something */
    /* Whether the object has it at all, as a circuit has either an IP service or a multicast; NULL:
     * always. */
    bool (*present)(const void *object);
};

/* Sets the member; on error the object is as it was, and `diag` says what the value should be,
 * without the member's name. An empty text means that nothing is given. */
MUST_CHECK enum err member_from_json(const struct member *, void *object, const json_t *,
                                     struct diag *);
MUST_CHECK enum err member_from_text(const struct member *, void *object, const char *text,
                                     struct diag *);
/* NULL: there is no value to write. */
json_t *member_to_json(const struct member *, const void *object);
/* Appends the value; nothing if there is none. */
void member_to_text(const struct member *, const void *object, struct buf *);
/* Whether there is a value. */
bool member_is_set(const struct member *, const void *object);
bool member_equal(const struct member *, const void *a, const void *b);
/* Replaces what the member of `object` points to, after the struct was copied as it stands, by a
 * copy of it. */
void member_own(const struct member *, void *object);
/* Frees what it points to, and sets what holds if it is not given. */
void member_clear(const struct member *, void *object);

#endif
