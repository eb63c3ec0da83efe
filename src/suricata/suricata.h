/* suricata.h - rules as Suricata has them (docs.suricata.io/en/suricata-7.0.10/rules): read, and
 * held against what is heard. A subset; what a rule has beyond it is told, and the rule is not
 * loaded: never is one applied in part.
 *
 * A matcher is fed with three things of a frame, in this order: the messages that were understood
 * in it (suricata_message), the octets of streams that it put in order (suricata_octets), and the
 * packet itself (suricata_packet). A rule is looked at where it belongs:
 *
 *   message  the keywords of Modbus, DNP3, EtherNet/IP and CIP
 *   stream   contents of TCP: within a window of SURICATA_WINDOW octets at least, which goes on
 *            from segment to segment; behind what matched it begins anew for that rule
 *   packet   datagrams; of TCP what says where in a packet it stands (offset, depth, dsize), flags,
 *            ttl, and rules that ask for nothing of the payload
 *
 * Which rules can match at all, the rarest octets of their longest content say
 * (suricata_prefilter.c): thousands of rules cost little. Pure; memory is bounded: the longest
 * silent conversation makes room. One thread. */
#ifndef SURICATA_SURICATA_H
#define SURICATA_SURICATA_H

#include "dissect/protocol.h"

#define SURICATA_WINDOW 4096u     /* octets of a stream that contents may be apart, at least */
#define SURICATA_FLOWS 65536u     /* conversations that are remembered */
#define SURICATA_SLOTS (1u << 20) /* ... that are found by their slot */
#define SURICATA_TRACKED 16384    /* addresses that thresholds count */
#define SURICATA_BUDGET ((size_t)512 << 20) /* octets that all rules may need */

struct suricata_rules; /* Opaque; does not change once it is sealed. */
struct suricata_matcher;

struct suricata_variable {
    const char *name, *value; /* "HOME_NET", "[10.0.0.0/8,!10.9.0.0/16]" */
};

struct suricata_options {
    const struct suricata_variable *variables; /* go before those that are there from the start */
    size_t n_variables;
    const struct protocol *const *protocols; /* that messages are of; ends with NULL */
};

/* What an alert says of its rule. */
struct suricata_info {
    uint32_t gid, sid, rev, priority;
    const char *action;     /* "alert", "drop", "reject": nothing is dropped, others would do it */
    const char *msg;        /* "": it has none */
    const char *classtype;  /* NULL */
    const char *references; /* "cve,2020-1; url,example.org"; NULL */
    const char *file;
    uint32_t line;
};

/* A rule that is not loaded. */
struct suricata_refusal {
    const char *file;
    uint32_t line;       /* where the rule begins */
    uint32_t sid;        /* 0: it was not read so far */
    const char *keyword; /* "header": what stands before the options */
    const char *why;
    bool is_malformed; /* nobody could load it; else it asks for what is not there yet */
};

/* Never NULL. `options` and what it points to may go afterwards, but the protocols. */
struct suricata_rules *suricata_rules_new(const struct suricata_options *);
void suricata_rules_free(struct suricata_rules *); /* NULL is fine */

/* Adds the rules of a text; those that cannot be are refusals, not errors. `name` is for words.
 * ERR_LIMIT: SURICATA_BUDGET. */
MUST_CHECK enum err suricata_rules_read(struct suricata_rules *, const char *name, const char *text,
                                        size_t size, struct diag *);
/* Errors as file_read() (io/file.h) and suricata_rules_read(). */
MUST_CHECK enum err suricata_rules_load(struct suricata_rules *, const char *path, struct diag *);
/* Once, behind the last text and before the first matcher. */
void suricata_rules_seal(struct suricata_rules *);

size_t suricata_rules_number(const struct suricata_rules *);
size_t suricata_refusals_number(const struct suricata_rules *);
const struct suricata_refusal *suricata_refusal(const struct suricata_rules *, size_t i);

/* Who says it to whom, and when. */
struct suricata_where {
    uint8_t ip, proto;        /* 4 or 6; of the IP header */
    uint8_t from[16], to[16]; /* IPv4: the first 4 octets */
    uint16_t from_port, to_port;
    enum side side;             /* whose the sender is */
    const struct protocol *app; /* what the conversation is known to speak; NULL */
    nsec_t time;
    uint32_t frame; /* its number; a rule alerts once of it */
    /* Of the conversation: which way this goes, from the lower end (0) or the higher; a number
     * that no other had, and one below SURICATA_SLOTS that none has at once. Serial 0: it is found
     * by its ends, which takes longer. */
    uint8_t way;
    uint32_t slot;
    uint64_t serial;
};

struct suricata_packet {
    struct suricata_where where;
    uint8_t ttl, tcp_flags;
    const uint8_t *payload; /* of ICMP: with its header */
    uint32_t size;
};

struct suricata_counters {
    uint64_t inspections; /* rules that were looked at in full */
    uint64_t alerts, suppressed;
    uint64_t given_up; /* inspections that took too many steps */
};

typedef void suricata_alert_fn(void *arg, const struct suricata_info *,
                               const struct suricata_where *);

/* Never NULL; borrows the rules. `memory`: octets for windows; 0: 64 MiB. */
struct suricata_matcher *suricata_matcher_new(const struct suricata_rules *, size_t memory,
                                              suricata_alert_fn *, void *arg);
void suricata_matcher_free(struct suricata_matcher *); /* NULL is fine */

/* Whether a rule asks for messages of the protocol at all. Of a conversation whose sides are not
 * known they tell who is the client. */
bool suricata_asks(const struct suricata_matcher *, const struct protocol *);
void suricata_message(struct suricata_matcher *, const struct suricata_where *, const struct pdu *);
/* Octets of a body of HTTP, behind its head; NULL: so many are missing. */
void suricata_content(struct suricata_matcher *, const struct suricata_where *, const uint8_t *,
                      uint32_t size, bool is_end);
/* In order; `lost` octets are missing before them. */
void suricata_octets(struct suricata_matcher *, const struct suricata_where *, const uint8_t *,
                     uint32_t size, uint32_t lost);
void suricata_packet(struct suricata_matcher *, const struct suricata_packet *);
const struct suricata_counters *suricata_counters(const struct suricata_matcher *);

#endif
