/* match.h - which packets a rule applies to: a value and a mask over the flow key (OpenFlow 1.3
 * section 7.2.3). A match is a cube in header space; proofs, tables and codecs all work on this
 * form. */
#ifndef PACKET_MATCH_H
#define PACKET_MATCH_H

#include "base/buf.h"
#include "packet/addr.h"
#include "packet/flow_key.h"

/* Bits of `value` outside `mask` are zero. An all-zero mask matches everything. */
struct match {
    struct flow_key value, mask;
};

#define MATCH_ANY ((struct match){{{{0}}}, {{{0}}}})

/* Adds a field, given in network order (field_table[field].size octets). `mask` NULL means exact.
 * Fields must come after their prerequisites (eth_type before ipv4_src).
 * ERR_INVALID: a prerequisite is not met. ERR_EXISTS: the field is there already.
 * ERR_UNSUPPORTED: it cannot be masked. ERR_MALFORMED: a value bit outside the mask or beyond the
 * field's width. */
MUST_CHECK enum err match_add(struct match *, enum field, const uint8_t *value,
                              const uint8_t *mask);

/* The same for values that are integers in host order; these abort on a programming error (unmet
 * prerequisite), so they are for rules we make ourselves. */
void match_set(struct match *, enum field, uint64_t value);
void match_set_masked(struct match *, enum field, uint64_t value, uint64_t mask);
void match_set_mac(struct match *, enum field, const struct mac *);

/* Is this field part of the match? Tells fields apart that share their place, by prerequisites. */
bool match_has(const struct match *, enum field);
/* The prerequisites of `field` hold in this match, or for a packet with this key. */
bool match_allows(const struct match *, enum field);
bool flow_key_has_field(const struct flow_key *, enum field);

static inline bool
match_covers_key(const struct match *m, const struct flow_key *key)
{
    uint64_t difference = 0;
    for (int i = 0; i < FLOW_KEY_WORDS; i++)
        difference |= (key->words[i] & m->mask.words[i]) ^ m->value.words[i];
    return difference == 0;
}

bool match_equal(const struct match *, const struct match *);
/* Every packet of `inner` is one of `outer`. */
bool match_contains(const struct match *outer, const struct match *inner);
/* Some packet is in both. `both` (may be NULL) becomes that cube. */
bool match_intersect(const struct match *, const struct match *, struct match *both);
uint64_t match_hash(const struct match *);
/* A total order, for canonical listings. */
int match_compare(const struct match *, const struct match *);

/* "in_port=3,eth_type=0x0800,ipv4_src=10.0.0.0/255.255.255.0,tcp_dst=502"; "any" for everything. */
void match_format(const struct match *, struct buf *);
/* Reads what match_format() writes, prefix lengths too ("10.0.0.0/24"), also decimal for hex and
 * the other way round. Says in `diag` which field is wrong. */
MUST_CHECK enum err match_parse(const char *text, struct match *, struct diag *);

/* The mask that matches the field exactly: its significant bits, field_table[field].size octets. */
void field_full_mask(enum field, uint8_t *mask);
/* What a mask looks at, as places in the key: "in_port,eth_type,ip_dst,tp_dst". */
void mask_format(const struct flow_key *mask, struct buf *);

/* One field's value as text, as match_format() writes it; `mask` may be NULL. */
void field_format(enum field, const uint8_t *value, const uint8_t *mask, struct buf *);
/* One field's value from text, network order, field_table[field].size octets each. */
MUST_CHECK enum err field_parse(enum field, const char *text, uint8_t *value, uint8_t *mask);

#endif
