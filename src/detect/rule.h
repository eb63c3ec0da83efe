/* rule.h - detections as data: what is wrong on the wire, in which words it is told, and what to
 * do. A file of them is YAML, a list under `detections`; doc/detections.md is its manual.
 *
 * A rule is about an event: a message, one that could not be understood, a new conversation, a new
 * or changed device, or a finding of a machine (finding.h). Its conditions are compiled to ids of
 * the protocols' fields, so that a word that no protocol has is an error when it is read, and not a
 * rule that never fires. */
#ifndef DETECT_RULE_H
#define DETECT_RULE_H

#include "base/err.h"
#include "base/time.h"
#include "dissect/protocol.h"

#include <stdbool.h>

#define RULE_PROTOCOLS 64 /* that there may be at most */
#define RULE_TECHNIQUES 8 /* of one rule */
#define RULE_KEY_PARTS 6  /* of one key */
#define RULE_CONDITIONS 8 /* of one rule */
#define RULE_DISTINCT 256 /* that are counted at most */
#define RULES_MAX 4096    /* of all files */
#define RULE_NUMBERS 45   /* detections that the product promises, 1 to 45 */

enum rule_on {
    ON_MESSAGE,
    ON_MALFORMED,
    ON_CONVERSATION, /* the first packet of one */
    ON_DEVICE,       /* one that was not there before */
    ON_CHANGE,       /* one that says that it is another than it said */
    ON_FINDING,
    RULE_ONS,
};

enum rule_severity {
    RULE_LOW,
    RULE_MEDIUM,
    RULE_HIGH,
    RULE_CRITICAL,
};
const char *rule_severity_word(enum rule_severity); /* "high"; static */

/* What events are told apart by. */
enum part_kind {
    PART_SOURCE, /* address of who sent it */
    PART_TARGET, /* ... of who it is for */
    PART_MAC,    /* of who sent it */
    PART_PORT,   /* of who it is for */
    PART_PROTOCOL,
    PART_FUNCTION,
    PART_ACT,
    PART_MEMBER, /* the device behind the target's address */
    PART_OBJECT, /* what it is about: a point, a register (objects.h) */
    PART_FIELD,  /* a field of that name */
};

struct rule_part {
    enum part_kind kind;
    const char *field;  /* PART_FIELD */
    const uint16_t *at; /* PART_FIELD: its id, by the number of the protocol */
};

struct rule_key {
    unsigned n; /* 0: there is no key */
    struct rule_part parts[RULE_KEY_PARTS];
};

enum rule_test {
    TEST_ONE_OF, /* of the numbers, or of the texts */
    TEST_NOT,    /* none of them */
    TEST_ABOVE,
    TEST_BELOW,
    TEST_ANY_BIT, /* of the first number */
    TEST_FEED,    /* it is in the feed (feed.h), or is not: one number */
    TEST_LIKE,    /* a pattern of fnmatch(3), letters of either case */
};

struct rule_condition {
    const char *field;
    const uint16_t *at; /* by the number of the protocol */
    enum rule_test test;
    unsigned n;
    double *numbers;    /* NULL: texts */
    const char **texts; /* NULL: numbers */
};

/* A mark: that something was seen lately. */
struct rule_mark {
    const char *name; /* NULL: none */
    uint32_t id;
    struct rule_key by;
    nsec_t lasts; /* of one that is set */
};

/* Who an address is. Bits. */
enum rule_whom {
    WHOM_PUBLIC = 1, /* of the Internet */
    WHOM_ONE = 2,    /* of one host */
    WHOM_MANY = 4,   /* broadcast or multicast */
};

/* Whether a circuit allows it. Bits. */
enum rule_planned {
    RULE_PLANNED_UNKNOWN = 1, /* nobody said which circuits there are */
    RULE_PLANNED_NO = 2,
    RULE_PLANNED_YES = 4,
};

struct rule {
    const char *name, *title, *explanation;
    unsigned number; /* 1 to RULE_NUMBERS; 0: none of them */
    enum rule_severity severity;
    unsigned n_techniques, n_playbook;
    const char *techniques[RULE_TECHNIQUES]; /* "T0855" */
    const char **playbook;
    enum rule_on on;
    bool is_quiet;      /* only sets its mark */
    uint64_t protocols; /* a bit each; 0: any */
    unsigned kinds;     /* 1 << enum pdu_kind; 0: any */
    unsigned acts;      /* 1 << enum act; 0: any */
    unsigned n_functions;
    const uint32_t (*functions)[2]; /* {number of the protocol, function} */
    unsigned n_errors;
    const uint32_t (*errors)[2];
    const char *finding; /* ON_FINDING */
    unsigned n_ports;
    const uint16_t *ports; /* of the target */
    unsigned feed; /* 1: the source is in the feed; 2: the target; 3: one of them; 0: whatever */
    unsigned n_countries;   /* an end must be in one of them; of which it is known */
    const char **countries; /* "DE" */
    bool not_countries;     /* ... must be in none of them */
    unsigned from, to;      /* enum rule_whom; 0: anybody */
    unsigned planned;       /* bits of enum rule_planned; 0: whatever */
    unsigned n_conditions;
    struct rule_condition conditions[RULE_CONDITIONS];
    struct rule_key fresh; /* `new`: the key was never seen before */
    struct rule_key range; /* the value is outside what was learned of the key */
    unsigned n_values;
    struct rule_part values[4]; /* ... the first that is there */
    uint32_t count;             /* fires at this; 0: at each */
    uint32_t usual;             /* ... and so many times the most that was usual; 0: at `count` */
    nsec_t within;
    struct rule_key by;        /* ... of each of these */
    struct rule_part distinct; /* counted once each */
    bool is_distinct;
    struct rule_mark sets, lacks, has;
    bool needs_each; /* it is not enough to look at the first message of this function */
};

struct rules; /* Opaque. */

struct rules_source {
    const struct protocol *const *protocols; /* ends with NULL; borrowed while the rules live */
    bool (*finds)(const char *name);         /* is there such a finding; NULL: any */
};

/* Reads files, or directories of *.yaml. What is wrong is told with file, line and column, and
 * nothing is loaded then. ERR_NOT_FOUND: there is no such file; ERR_LIMIT: too many rules;
 * ERR_EXISTS: two of one name; ERR_INVALID, ERR_MALFORMED. */
MUST_CHECK enum err rules_read(const struct rules_source *, const char *const *paths, size_t n,
                               struct rules **, struct diag *);
/* One text, as if it were a file of this name. */
MUST_CHECK enum err rules_parse(const struct rules_source *, const char *text, size_t size,
                                const char *file, struct rules **, struct diag *);
void rules_free(struct rules *); /* NULL is fine */

size_t rules_number(const struct rules *);
const struct rule *rules_at(const struct rules *, size_t);
uint32_t rules_marks(const struct rules *); /* names of marks that there are */
/* The number of a protocol in `protocols`; -1: it is not there. */
int rules_protocol(const struct rules *, const struct protocol *);

#endif
