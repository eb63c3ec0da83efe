/* suricata_matcher.h - what a matcher remembers, and what its parts share: payloads
 * (suricata_match.c), messages and bodies (suricata_messages.c). */
#ifndef SURICATA_SURICATA_MATCHER_H
#define SURICATA_SURICATA_MATCHER_H

#include "base/hash_table.h"
#include "suricata/suricata_private.h"

#define TRACKS 16  /* rules that are remembered in a window */
#define WAITING 64 /* ... and in a body */
#define TRANSFORM_ROOM (BODY_MAX + 64)
#define PROTO_ICMP 1
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_ICMP6 58
#define PROTO_SCTP 132

/* A head of HTTP, and its body as far as it was heard; of rules that look into bodies. */
struct transaction {
    uint8_t *head, *body;
    uint32_t head_size, size, capacity;
    bool is_over;              /* nothing more is looked for in it */
    struct unpacker *unpacker; /* NULL: it is not compressed */
    unsigned n_waiting;
    struct waiting {
        uint32_t rule;
        bool has_alerted;
        uint64_t looked_at; /* octets, each time that they were */
    } waiting[WAITING];
};

struct track {
    uint32_t rule;
    bool waits;    /* its pattern was found, and the rest was not */
    uint64_t from; /* octets before are not for it */
    uint64_t hit;  /* its pattern is before this */
};

struct window {
    uint8_t *data;
    uint32_t size, capacity;
    uint64_t base; /* of `data` in the stream, as far as it was heard */
    unsigned n_tracks;
    struct track tracks[TRACKS];
};

/* Compared as octets. */
struct flow_key {
    uint8_t addresses[2][16];
    uint16_t ports[2];
    uint8_t ip, proto;
};

struct flow {
    struct flow_key key;
    bool seen[2], was_told[2]; /* each way; of rules with a header only */
    bool established;
    uint8_t client; /* the way from the client */
    uint64_t *bits; /* NULL: none is set */
    struct window *windows[2];
    struct transaction *transactions[2]; /* NULL: none, or no rule needs it */
    struct flow *newer, *older;
    uint64_t serial; /* of the conversation, in `slot` of the matcher; 0 */
    uint32_t slot;
    nsec_t linked; /* when it came to its place in the order of age */
    UT_hash_handle hh;
};

struct counted_key {
    uint32_t rule;
    uint8_t addresses[2][16];
};

struct counted {
    struct counted_key key;
    nsec_t since;
    uint32_t n;
    UT_hash_handle hh;
};

struct suricata_matcher {
    const struct suricata_rules *rules;
    suricata_alert_fn *alert;
    void *arg;
    struct suricata_counters counters;
    struct inspector inspector;
    struct flow *flows, *newest, *oldest;
    struct flow *last; /* what is being read is of it; NULL */
    struct flow **slots;
    uint32_t n_slots;
    size_t memory, memory_max;
    struct counted *counted;
    struct held_xbit *xbits;
    /* By rule. */
    uint32_t *alerted; /* the last frame */
    uint32_t *said;    /* the last frame with a message that it asks for */
    uint32_t *stamps;  /* when it was a candidate */
    uint32_t *hits;    /* ... because its pattern was found */
    uint32_t *candidates, n_candidates, stamp;
    struct reading reading;
    uint8_t *transformed; /* room for it */
};

/* ---- suricata_match.c ---- */

/* The conversation, and which way this goes. */
struct flow *matcher_hear(struct suricata_matcher *, const struct suricata_where *, unsigned *way);
/* The longest silent go until there is room; what is being read stays. */
void matcher_make_room(struct suricata_matcher *, size_t more);
/* All that is asked but payload and messages. */
bool matcher_header_is(struct suricata_matcher *, const struct rule *,
                       const struct suricata_where *, const struct flow *, unsigned way);
bool matcher_was_alerted(const struct suricata_matcher *, uint32_t rule,
                         const struct suricata_where *);
/* It matches. */
void matcher_fire(struct suricata_matcher *, uint32_t rule, const struct suricata_where *,
                  struct flow *);
void matcher_begin_candidates(struct suricata_matcher *, const struct chosen *always);
void matcher_add_candidate(void *matcher, uint32_t rule);
void matcher_add_hit(void *matcher, uint32_t rule); /* ... whose pattern was found */
void matcher_sort_candidates(struct suricata_matcher *);

/* ---- suricata_xbits.c ---- */

bool matcher_xbits_hold(struct suricata_matcher *, const struct rule *,
                        const struct suricata_where *);
void matcher_xbits_apply(struct suricata_matcher *, const struct rule *,
                         const struct suricata_where *);
void matcher_forget_xbits(struct suricata_matcher *);

/* ---- suricata_messages.c ---- */

void matcher_forget_transaction(struct suricata_matcher *, struct flow *, unsigned way);
/* The sender says no more. */
void matcher_end_body(struct suricata_matcher *, const struct suricata_where *, struct flow *,
                      unsigned way);

#endif
