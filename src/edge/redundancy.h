/* redundancy.h - circuits that lose nothing when a path fails: every frame goes by two paths, and
 * the end takes the first copy (IEC 62439-3:2021, duplicate and discard).
 *
 * Three actions (packet/rule.h). `sequence` gives the packet the next number of a stream, before it
 * is copied by an ALL group; `push_redundancy` in each bucket adds a PRP trailer or an HSR tag with
 * that number (packet/redundancy.h); `discard`, where the paths meet, takes the tag off the first
 * copy and drops the others. Streams are told apart by number, which rules choose, so that a
 * sender's frames are numbered and looked at alike whatever port or worker they come by.
 *
 * A stream that discards remembers REDUNDANCY_WINDOW numbers. The place of a number is the number
 * modulo that; a place holds the last number that fell there, by which paths it came, and when, in
 * one word, so that workers need no lock: whoever puts a number into its place lets his copy pass,
 * and everybody who finds it there has a copy. Numbers are forgotten when nothing of their
 * stream was heard for EntryForgetTime (clause 4.1.10.3 and table 8: 400 ms), or when
 * REDUNDANCY_WINDOW later ones have come. So a sender that starts anew, as the standard has it
 * after 500 ms, is heard at once; a stream may run at up to REDUNDANCY_WINDOW frames in the time by
 * which one path is slower than the other; and numbers made up at random cost nobody but their own
 * stream, and no memory. The standard forgets each number after that time; but copies that waited
 * longer, where a port was down or a node stood still, would pass then while the stream goes on by
 * the other path.
 *
 * Copies that one path loses come later by the other: then later numbers may have passed already.
 * The first copy passes whatever its number; the receiver may see it behind them.
 *
 * Memory: a stream, and its window, are allocated when a rule names them and stay, with numbers and
 * counters, when the rule goes, until another stream needs the place. Nothing is allocated or
 * locked where packets pass. */
#ifndef EDGE_REDUNDANCY_H
#define EDGE_REDUNDANCY_H

#include "edge/counters.h"
#include "edge/idmap.h"
#include "packet/redundancy.h"
#include "packet/rule.h"

#define REDUNDANCY_STREAMS 1024u /* at most, in a node */
#define REDUNDANCY_WINDOW 4096u  /* numbers; a power of two up to 32768 */
#define REDUNDANCY_FORGET (400 * NSEC_PER_MSEC)
#define REDUNDANCY_SILENT NSEC_PER_SEC /* a path that is so far behind the other */
#define REDUNDANCY_PATHS 2             /* A and B */

/* What came by one path. */
struct redundancy_path {
    _Atomic uint32_t last; /* number, and above it whether there was one */
    _Atomic nsec_t heard;  /* monotonic; 0: never */
    _Atomic uint64_t received;
    _Atomic uint64_t lost;      /* numbers left out, and not come later */
    _Atomic uint64_t reordered; /* later than its successor */
    _Atomic uint64_t jumps;     /* by more than a window, or back after a pause: begun anew */
    _Atomic uint64_t wrong_lan; /* tag of the other LAN; looked at as any */
};

struct redundancy_window {
    _Alignas(64) struct redundancy_path paths[REDUNDANCY_PATHS];
    struct redundancy_path passed; /* by either: what it lost, both have */
    _Atomic nsec_t heard;          /* of the stream, by whatever path */
    _Atomic nsec_t begun;          /* numbers from before that are forgotten */
    _Atomic uint64_t discarded;
    _Atomic uint64_t untagged; /* PRP: passed as they were; HSR: dropped */
    _Atomic uint64_t seen[REDUNDANCY_WINDOW];
};

struct redundancy_stream {
    uint32_t id;
    uint32_t n_rules; /* the control thread's, as is `touched` */
    uint64_t touched;
    struct redundancy_window *_Atomic window; /* NULL: it has never discarded */
    _Alignas(64) _Atomic uint32_t next;       /* number, modulo 65536 */
    _Atomic uint64_t sequenced;
};

struct redundancy;

struct redundancy *redundancy_new(struct qsbr *);
void redundancy_free(struct redundancy *); /* no worker may be running */

/* ---- Control thread ---- */

/* Makes the stream of a `sequence` or `discard` ready, before the action is published. False: there
 * are REDUNDANCY_STREAMS with rules already. */
bool redundancy_prepare(struct redundancy *, const struct action *);
/* A rule with this action is there, or gone (`by` 1, -1); of other actions nothing is noted. */
void redundancy_count(struct redundancy *, const struct action *, int by);
/* Is there an action which would be done once per bucket, and must be done once? */
bool redundancy_in_bucket(const struct actions *);
/* NULL: there is none. Any thread that is known to the qsbr. */
struct redundancy_stream *redundancy_stream(const struct redundancy *, uint32_t id);
/* By rising number. */
void redundancy_each(const struct redundancy *,
                     void (*visit)(void *arg, struct redundancy_stream *), void *arg);
/* What a window knows, for whoever takes over from this process: numbers that do not change while
 * no packet passes. */
struct redundancy_saved_path {
    uint32_t last;
    nsec_t heard;
    uint64_t received, lost, reordered, jumps, wrong_lan;
};
struct redundancy_saved {
    struct redundancy_saved_path paths[REDUNDANCY_PATHS], passed;
    nsec_t heard, begun;
    uint64_t discarded, untagged;
    uint32_t n_seen; /* REDUNDANCY_WINDOW; 0: what had passed is forgotten at `now` */
    uint64_t seen[REDUNDANCY_WINDOW];
};
void redundancy_save(const struct redundancy_window *, nsec_t now, struct redundancy_saved *);
void redundancy_restore(struct redundancy_window *, const struct redundancy_saved *);
/* "ok", "silent": the other path is heard and this one not, "unheard". */
const char *redundancy_path_state(const struct redundancy_window *, unsigned path);

/* ---- Packet path ---- */

/* The next number of the stream. */
static inline uint16_t
redundancy_next(struct redundancy_stream *s)
{
    counter_add(&s->sequenced, 1);
    return (uint16_t)atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed);
}

/* Notes that a number came by a path (0: A, 1: B). True: it is the first copy. */
bool redundancy_is_first(struct redundancy_window *, unsigned path, uint16_t sequence, nsec_t now);

enum redundancy_verdict {
    REDUNDANCY_PASS,     /* changed as the action says, or as it was */
    REDUNDANCY_REPARSE,  /* likewise, and its headers are others */
    REDUNDANCY_COPY,     /* drop it: it has been here */
    REDUNDANCY_UNTAGGED, /* drop it: no tag, or no number to make one of */
    REDUNDANCY_NO_ROOM,  /* drop it */
};

/* What a run knows of its packet's number. */
struct redundancy_number {
    bool given;
    uint16_t sequence;
};

/* Carries out the action on a packet that is writable. */
enum redundancy_verdict redundancy_act(const struct redundancy *, const struct action *,
                                       struct packet *, struct redundancy_number *, nsec_t now);
/* What would be done with the first copy: nothing is noted or counted. */
enum redundancy_verdict redundancy_explain(const struct action *, struct packet *,
                                           struct redundancy_number *);

#endif
