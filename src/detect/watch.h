/* watch.h - what the machines of this module have in common: whom they tell, what they look at, and
 * a rate that is learned. Each is a pure state machine over messages or packets, with tables of a
 * fixed size (watch_table.h); machines.h has them all. */
#ifndef DETECT_WATCH_H
#define DETECT_WATCH_H

#include "base/attr.h"
#include "detect/finding.h"
#include "detect/watch_table.h"

struct watch_config {
    finding_fn *found;
    void *arg;
    uint32_t capacity; /* entries of each of a machine's tables; 0: the machine's own */
    size_t *octets;    /* what the tables take is added to it; NULL is fine */
};

/* A table as the configuration has it; `capacity` if that says nothing. */
struct watch_table *watch_table_of(const struct watch_config *, uint32_t capacity, size_t size,
                                   size_t key_size);

/* Where the machines have what they know of a conversation, so that they need not look for it with
 * each message. It holds for as long as the conversation does. */
struct watch_memory {
    uint64_t serial;  /* of the conversation */
    bool is_late;     /* it was not remembered from the conversation's first packet on */
    bool is_accepted; /* of TCP: there was more than an attempt, or that is not known */
    const struct protocol *protocol;
    unsigned wants;                /* bits: the machines that look at its messages */
    struct watch_place connection; /* tcp_watch */
    struct watch_place heard[2];   /* flood_watch: the ends */
    struct watch_place pairs[2];   /* poll_watch: which end is the client */
    struct watch_place answers;    /* answer_watch */
    uint8_t ttl[2];                /* ... of datagrams each way; 0: not heard */
    bool lacks[2];                 /* the newest segment acknowledges what was not heard */
    nsec_t datagram;               /* when the last one came; beacon_watch */
    struct watch_place series[2];  /* series_watch: the first of a message, each way */
};

/* A message, or a packet: without a PDU. */
struct sight {
    nsec_t now;
    const struct conversation *conversation;
    unsigned way;
    const struct frame *frame;
    const struct pdu *pdu;
    struct watch_memory *memory; /* NULL: time alone */
};

static inline struct sight
sight_of(const struct conversation *c, unsigned way, const struct frame *f, const struct pdu *p,
         struct watch_memory *memory)
{
    nsec_t now = MIN(MAX(f->time, 0), NSEC_NEVER / 2); /* captures may say anything */
    return (struct sight){now, c, way, f, p, memory};
}

#define WATCH_TEXT_MAX 200 /* octets of an object's or a detail's text; what is longer is cut */

/* `object` may be NULL. Of time alone: a sight that has nothing but `now`. */
COLD void watch_tell(const struct watch_config *, const struct sight *, const char *name,
                     const char *object, const char *detail, ...) PRINTF_LIKE(5, 6);

/* A text of a message into `text` of `size` octets: printable, zeroes behind it up to the end, so
 * that it may be a key. What is longer is cut. */
void watch_text(char *text, size_t size, const uint8_t *octets, size_t n);

/* "10.0.0.1", "02:00:00:00:00:01" into `text` of WATCH_ADDRESS_SIZE octets. Returns `text`. */
#define WATCH_ADDRESS_SIZE 48
char *watch_address(const struct conversation_key *, unsigned end, char *text);

/* 3 s as "3.000 s", into `text` of WATCH_TIME_SIZE octets. Returns `text`. */
#define WATCH_TIME_SIZE 32
char *watch_time(nsec_t, char *text);

/* The virtual addresses of routers that stand in for each other: VRRP (RFC 9568 section 7.3), HSRP,
 * GLBP. They wander from one to the other, and that is what they are for. */
bool watch_mac_is_virtual(const struct mac *);

/* Events in windows of a fixed length; the most in one is what is usual. */
struct watch_rate {
    nsec_t begins;
    uint32_t n, most; /* in this window; in one that has passed */
    uint16_t n_windows;
    bool is_told; /* of this window */
};
/* Counts one. True once a window: it is more than `least`, and `factor` times more than the most of
 * at least `windows` windows; while there were fewer, more than `before`. A window of which that
 * was true teaches nothing. */
struct watch_rate_limits {
    nsec_t window;
    uint32_t least, factor, windows, before;
};
bool watch_rate_count(struct watch_rate *, const struct watch_rate_limits *, nsec_t now);

/* A hash over what a field says: its id, object and value. */
uint64_t watch_hash_field(const struct pdu *, const struct field *, uint64_t hash);

#endif
