/* detector.h - rules at work: events in, hits out. Pure: the time is the events'; one thread.
 *
 * What was never seen before is only worth telling once it is known what there is: until
 * something was heard for `learn`, whatever comes is taken as usual. How sure that is, is told
 * with each hit that rests on it: by Good and Turing, the chance that the next of its kind is an
 * old one is 1 - (kinds seen once) / (all that were seen).
 *
 * Memory is bounded: DETECTOR_* cells of each kind. What is forgotten is counted. */
#ifndef DETECT_DETECTOR_H
#define DETECT_DETECTOR_H

#include "base/buf.h"
#include "detect/feed.h"
#include "detect/finding.h"
#include "detect/geo.h"
#include "detect/rule.h"
#include "detect/verdicts.h"
#include "sensor/assets.h"

#define DETECTOR_KNOWN (1u << 19)  /* keys that were seen before */
#define DETECTOR_COUNTS (1u << 14) /* counts that are going on */
#define DETECTOR_DISTINCT (1u << 11)
#define DETECTOR_MARKS (1u << 15)
#define DETECTOR_RANGES (1u << 16)

/* Somebody: an address as in struct end. */
struct who {
    uint8_t address[16];
    uint8_t ip; /* 4, 6; 0: a MAC address in the first 6 */
    bool is_there;
    struct mac mac; /* zero: not known */
    uint16_t port;  /* 0: none */
};

/* All of it is valid during the call. */
struct hit {
    const struct rule *rule;
    nsec_t time;
    struct who source, target;
    const struct conversation *conversation; /* NULL: none */
    unsigned way;
    const struct frame *frame;     /* NULL: none */
    const struct pdu *pdu;         /* NULL: none */
    const struct finding *finding; /* NULL: none */
    const struct asset *asset;     /* ON_DEVICE */
    const char *object;            /* "": none */
    uint16_t object_number;
    const char *detail;  /* "": none; what a finding or a range says */
    uint32_t count;      /* of those that were counted; 0: the rule does not count */
    const char *circuit; /* that allows it; NULL: none, or not known */
    enum rule_planned planned;
    uint64_t key;  /* the same: it is the same again */
    unsigned sure; /* per cent, that it is new or out of range; 100: it does not rest on that */
};

struct detector; /* Opaque. */

struct detector_config {
    const struct rules *rules; /* borrowed */
    const struct protocol *const *protocols;
    const struct feed *feed; /* borrowed; NULL: nothing is in it */
    const struct geo *geo;   /* borrowed; NULL: nobody knows where an address is */
    nsec_t learn;            /* 0: nothing is learned, and nothing is new */
    uint32_t conversations;  /* slots: as the sensor has them */
    void *arg;
    void (*hit)(void *arg, const struct hit *);
    /* Which circuit allows it; `*circuit` lives as long as the plan. NULL: nothing is known. */
    enum rule_planned (*plan)(void *arg, const struct conversation *, const char **circuit);
};

struct detector *detector_new(const struct detector_config *); /* never NULL */
void detector_free(struct detector *);                         /* NULL is fine */

/* As the sensor's callbacks. */
void detector_opened(struct detector *, const struct conversation *, unsigned way,
                     const struct frame *, const struct layers *);
void detector_message(struct detector *, const struct conversation *, unsigned way,
                      const struct frame *, const struct pdu *);
void detector_malformed(struct detector *, const struct conversation *, unsigned way,
                        const struct frame *, const struct cursor *);
void detector_finding(struct detector *, const struct finding *);
/* The first packet of an end: it is there. */
void detector_speaks(struct detector *, const struct conversation *, unsigned way,
                     const struct frame *);
/* A device says that it is another. */
void detector_changed(struct detector *, const struct asset *, nsec_t now, const char *detail);
/* The circuits have changed: conversations are looked at again. */
void detector_plan_changed(struct detector *);
/* ... one that nothing may be heard of for long, now. */
void detector_judge_again(struct detector *, const struct conversation *);

/* Is it still learning? */
bool detector_learns(const struct detector *);

/* {"learning", "learned-s", "learn-s", "until"?, "verdicts", "rules": [{"rule", "seen", "once",
 * "sure"}]}: `until` if it hears something from now on. Of rules that rest on what is new, and have
 * looked at something. */
void detector_put_learned(struct detector *, struct buf *);

/* What people say of pairs. What was forgotten is told again when it comes again, in conversations
 * that go on as well. ERR_*: of verdicts_say(). */
MUST_CHECK enum err detector_say(struct detector *, const struct verdict_about *, enum verdict_word,
                                 nsec_t at, const char *by, const char *why, struct diag *);
const struct verdicts *detector_verdicts(const struct detector *);
/* A conversation of a pair that was forgotten: its next message is like its first packet. */
void detector_reopen(struct detector *, const struct conversation *);

/* Who the sender of a way is, and who it is for. */
struct who who_of(const struct conversation *, unsigned end);
void who_put(struct buf *, const struct who *); /* "10.0.0.5", "fe80::1", "02:00:..." */

/* What was learned, to go on with it later: octets of this program on any machine.
 * detector_restore: ERR_MALFORMED, ERR_UNSUPPORTED (another version); nothing is changed then. */
void detector_save(struct detector *, struct buf *);
MUST_CHECK enum err detector_restore(struct detector *, const void *, size_t, struct diag *);

#endif
