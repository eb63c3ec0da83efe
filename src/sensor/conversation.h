/* conversation.h - who talks to whom: the table of conversations, bounded, the longest silent of
 * which makes room for a new one. A conversation has two ends, in the order of their addresses and
 * ports, and two ways: 0 from the lower end, 1 from the higher. Pure. */
#ifndef SENSOR_CONVERSATION_H
#define SENSOR_CONVERSATION_H

#include "dissect/protocol.h"
#include "sensor/layers.h"
#include "sensor/stream.h"

struct end {
    uint8_t address[16]; /* IPv6, IPv4 in the first 4 octets, or MAC in the first 6 */
    uint16_t port;
};

/* "10.0.0.5", "fe80::1", "02:00:...": of IP version `ip`, 0: a MAC address. `text` has room for
 * IPV6_TEXT_SIZE, and is returned. */
char *end_address_format(const uint8_t address[16], uint8_t ip, char *text);

/* Compared as octets: no padding. */
struct conversation_key {
    struct end ends[2];
    uint16_t eth_type; /* of a conversation without IP; 0 */
    uint8_t ip, proto; /* 4, 6, or 0 */
};

/* A message that has begun and not ended, of one way. */
struct unfinished {
    uint8_t *data;
    uint32_t n, capacity, wanted; /* octets there are, there is room for, the message needs */
};

enum known {
    KNOWN_NOT_YET,
    KNOWN_MAYBE, /* one message looked like it */
    KNOWN,
    KNOWN_NEVER, /* it was tried often enough */
};

/* In the order in which a packet needs it. */
struct conversation {
    struct conversation_key key;
    uint32_t chain, newer, older; /* the table's */
    uint32_t slot;       /* below the number of conversations at once: another for each that is */
    nsec_t last, linked; /* ... and when it came to its place in the order of age */
    struct mac macs[2];  /* that the ends were last seen behind */
    enum known known : 8;
    enum side side : 8; /* whose the lower end is */
    bool side_is_seen;  /* it opened the connection, or was opened to */
    uint8_t n_tries;
    bool is_aligned[2]; /* the next octet begins a message */
    bool is_body[2];    /* ... or is of none, and for the protocol */
    const struct protocol *protocol;
    void *state;                                 /* the protocol's; NULL: none */
    uint64_t packets[2], octets[2], messages[2]; /* each way; octets of the payload */
    struct stream streams[2];
    struct unfinished unfinished[2];
    uint64_t serial; /* no other of the table has or had it; 0: of no table */
    size_t state_size;
    nsec_t first;
    uint64_t lost[2];                         /* octets that were missing */
    uint64_t told_packets[2], told_octets[2]; /* of those, in a report (telling.h) */
    uint64_t n_bad;                           /* messages that could not be understood */
};

struct conversations;

/* `most` at once; `ended` is told of each before it is forgotten. */
struct conversations *conversations_new(uint32_t most, struct stream_budget *,
                                        void (*ended)(void *, struct conversation *), void *arg);
void conversations_end(struct conversations *);  /* tells of all that are left */
void conversations_free(struct conversations *); /* ... and forgets the table; NULL is fine */

/* Whose frame it is, and which way it goes. False: it has no addresses. */
bool conversation_key_of(const struct layers *, struct conversation_key *, unsigned *way);
/* The frame's conversation, made if it is new; `*way` is the frame's. NULL: it has no addresses. */
struct conversation *conversations_find(struct conversations *, const struct layers *, nsec_t now,
                                        unsigned *way);
/* The end that answers: as its protocol saw it, or else that with the lower port. */
unsigned conversation_server(const struct conversation *);
/* Its connection has begun anew: everything but the key is forgotten. */
void conversation_restart(struct conversations *, struct conversation *, nsec_t now);
/* What its protocol remembers, zeroed at first. The longest silent end where the budget has no room
 * for it. NULL: there is none even so. */
void *conversation_state(struct conversations *, struct conversation *, size_t size);
void conversation_forget_state(struct conversations *, struct conversation *);
/* Those of which something was heard at `since` or later; the newest first. */
void conversations_each(struct conversations *, nsec_t since,
                        void (*)(void *arg, struct conversation *), void *arg);
/* For who finds conversations elsewhere: a new one at a place below `most`, where none is, and the
 * one that is there. They are in no order of age, and never make room. */
struct conversation *conversations_put(struct conversations *, uint32_t place,
                                       const struct conversation *);
struct conversation *conversations_at(struct conversations *, uint32_t place);
void conversations_take_out(struct conversations *, uint32_t place); /* tells its end, forgets it */
/* Ends those that nothing was heard of since `before`. */
void conversations_expire(struct conversations *, nsec_t before);
uint32_t conversations_number(const struct conversations *);

#endif
