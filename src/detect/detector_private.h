/* detector_private.h - what the rooms of the detector share: detector.c knows the rules, the
 * conversations and the time; detector_rules.c sees which rules an event is a hit of;
 * detector_memory.c what they remember; detector_baseline.c keeps that. */
#ifndef DETECT_DETECTOR_PRIVATE_H
#define DETECT_DETECTOR_PRIVATE_H

#include "base/hash.h"
#include "detect/cells.h"
#include "detect/detector.h"
#include "detect/objects.h"

#define KINDS (PDU_LINK + 1)
#define ACTS (ACT_ACKNOWLEDGE + 1)
#define CLASSES (KINDS * ACTS)
#define SEEN 6      /* functions of a conversation that were looked at */
#define NUMBERS 256 /* protocols whose numbers are at hand */
#define MEMOS 8     /* functions of a list; a power of 2 */

/* Which rules of a list ask for a function. */
struct memo {
    uint64_t asks; /* the rules' places, a bit each */
    uint32_t function;
    bool is_there;
};

/* Small: there are many, most of them empty, and each message looks whether its own is. */
struct list {
    uint32_t n, capacity;
    const struct rule **rules;
    struct memo *memos;   /* NULL: there is no rule */
    uint64_t conditional; /* the places of those with conditions, a bit each; of the first 64 */
    uint64_t n_skipped;   /* messages that were like others of their conversation */
    bool needs_each;
};

/* What is kept of a conversation, by its slot. */
struct watch {
    uint64_t serial; /* of the conversation */
    const struct protocol *protocol;
    const char *circuit;
    uint32_t generation; /* of the plan that it was looked up in; 0: not yet */
    uint32_t judged;     /* ... and that rules of conversations were tried with; 0: forgotten */
    uint8_t number, planned, next, next_old;
    uint8_t began; /* the way of who began it */
    uint32_t seen[SEEN];
    uint32_t old[SEEN]; /* as seen, for lists of which some rules need each */
};

/* A protocol and its place among all. */
struct numbered {
    const struct protocol *protocol;
    uint8_t number;
};

struct sighted {
    uint32_t count;
};

struct tally {
    nsec_t since;
    uint32_t n, before; /* in this half of the time, and in the one before */
};

struct distinct {
    nsec_t since;
    uint32_t n;
    uint32_t prints[RULE_DISTINCT];
};

struct mark {
    nsec_t until, lasts;
};

struct range {
    double low, high;
    uint32_t n;
};

/* Of a rule: what begins its keys, and those of its marks; and more that is asked often. */
struct seeds {
    uint64_t rule, sets, lacks, has;
    bool tells_objects; /* it tells the objects of a message apart */
};

/* How usual it is that something is new: of each rule. */
struct usual {
    uint64_t n, once;
    nsec_t since; /* of the time that was learned */
};

struct detector {
    struct detector_config config;
    unsigned n_protocols;
    struct object_fields *objects; /* by protocol */
    struct list *classes;          /* by protocol, kind and act */
    struct list *malformed;        /* by protocol */
    struct list conversation, device, change, finding;
    struct watch *watches;
    uint32_t generation;
    const struct rule *first; /* of all */
    struct seeds *seeds;      /* by rule */
    uint8_t *name_sizes;      /* by protocol */
    struct numbered numbers[NUMBERS];
    struct cells *known, *tallies, *distincts, *marks, *ranges;
    struct usual *usual; /* by rule */
    struct verdicts *verdicts;
    uint64_t seed;
    nsec_t learned; /* how long something has been heard; as far as that counts */
    nsec_t now;     /* 0: nothing has come yet */
    struct buf object, detail;
};

struct event {
    nsec_t time;
    const struct conversation *c;
    unsigned way;
    const struct frame *frame;
    const struct pdu *pdu;
    const struct finding *finding;
    const struct asset *asset;
    const char *detail;
    int protocol; /* its number; -1: none */
    uint16_t object;
    struct object_span span; /* of it; only of rules that tell objects apart */
    bool has_span;
    struct who source, target;
    enum rule_planned planned;
    const char *circuit;
    uint64_t n_skipped; /* that were like it, and not looked at */
    uint64_t asks;      /* places of rules that may be about the message */
    bool is_old;        /* what does not look at fields or the MAC address has been seen */
    bool is_late;       /* a conversation that had begun before it was heard */
    bool is_again;      /* one that is judged by another plan than before */
};

/* Of detector.c. */
bool detector_rule_learns(struct detector *, const struct rule *);
void detector_make_seeds(struct detector *);

/* Of detector_rules.c. */
/* Its value as a number, or its length where it is none. */
double field_number(const struct protocol *, const struct field *);
/* Of the event's object, or else of the message. NULL: there is none. */
const struct field *event_field(const struct event *, uint16_t id);
/* Places of the rules of the list that may be about the message. */
uint64_t detector_rules_about(struct list *, unsigned protocol, const struct pdu *);
void detector_try_rules(struct detector *, struct event *, const struct list *);

/* Of detector_memory.c; each of the event and its object; `*sure` becomes no larger. */
uint64_t detector_key(const struct detector *, const struct event *, const struct rule_key *,
                      uint64_t seed);
bool detector_is_fresh(struct detector *, const struct event *, const struct rule *,
                       unsigned *sure);
bool detector_is_out_of_range(struct detector *, const struct event *, const struct rule *,
                              unsigned *sure);
bool detector_is_marked(struct detector *, const struct event *, const struct rule_mark *,
                        uint64_t seed);
void detector_set_mark(struct detector *, const struct event *, const struct rule_mark *,
                       uint64_t seed);
/* How many there were, of those that are the rule's count or more; 0: not as many yet. */
uint32_t detector_count(struct detector *, const struct event *, const struct rule *);
uint32_t detector_count_distinct(struct detector *, const struct event *, const struct rule *);

static inline size_t
index_of(const struct detector *d, const struct rule *rule)
{
    return (size_t)(rule - d->first);
}

static inline struct usual *
usual_of(struct detector *d, const struct rule *rule)
{
    return &d->usual[index_of(d, rule)];
}

#endif
