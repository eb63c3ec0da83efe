/* heartbeat.h - does the link still carry, both ways? A protocol of our own between two packet
 * nodes at the ends of one link, modelled on BFD (RFC 5880, asynchronous mode). Pure: frames in and
 * out, the time is told.
 *
 * Each end sends small frames; each says which session it hears (`peer_session`), how often it
 * sends and how often it can receive. What is sent at is the larger of one's own interval and of
 * what the other end takes; an end that hears nothing for `multiplier` times the interval says so,
 * so that a loss in one direction is known at both ends.
 *
 *     DOWN --hears a peer--> INIT --the peer hears us--> UP --silence, or the peer is not UP-->
 * DOWN
 *
 * A port where no peer was ever heard has no fault. Once a session was UP, whatever ends it is a
 * fault until it is UP again: silence, a peer that does not hear us, that ended in order, or that
 * was started anew (its tables are empty). So is a peer that is heard and does not hear us from the
 * start.
 *
 * Echoes (RFC 5880 section 6.8.9). Where both ends can have frames reflected by their kernels
 * (io/reflector.h), each sends echo requests at its interval; nothing back for `multiplier` of them
 * is silence. So the pace does not hang on when the peer's threads are run; whether they are, the
 * messages tell, at a slower one (`slow`). A session is UP only after an echo. A node that sends
 * requests late has them answered late, and takes that for nothing.
 *
 * What differs from BFD. It runs on Ethernet, so that it needs no addresses; there is no demand
 * mode and no Poll Sequence: a receiver goes by the interval of the last frame, and
 * detects only once the peer says UP. Where no peer is known, a frame a second is sent, where one
 * is to be found again ten. Frames are numbered, and each DOWN begins a new session: what is
 * recorded and sent again is not believed, and what comes back from a loop is recognised. It is not
 * authentication: whoever can change what is on the link can pass heartbeats and drop the rest. A
 * session concerns the port its frames came in by and nothing else.
 *
 * The frame: destination 01-80-C2-00-00-0E (IEEE 802.1Q-2018 table 8-1: no bridge forwards it),
 * untagged, EtherType 0x88B5 (IEEE Std 802-2014 clause 9.2.3: local experimental; the identifier
 * and version behind it tell it from other people's experiments), then, in network order:
 *
 *     offset octets
 *      0     4      identifier "TLHB"
 *      4     1      version, 1
 *      5     1      state of the sender: 0 ended, 1 down, 2 init, 3 up
 *      6     1      why it is down, enum heartbeat_fault; 0 if nothing was
 *      7     1      multiplier, not 0
 *      8     8      the sender's session: 32 bits of its node, 8 of the port, 24 counted; not 0
 *     16     8      the session it hears; 0: none
 *     24     4      sequence number in the session
 *     28     4      interval at which it would send, microseconds
 *     32     4      least interval at which it can receive, microseconds
 *     36     4      its port's number
 *     40     1      0 message, 1 echo request, 2 echo reply: a request that was reflected
 *     41     1      zero; ignored
 *     42     4      least interval of echo requests that it reflects, microseconds; 0: it does not
 *
 * Of a request and reply only the session, the sequence number (of the requests alone) and octet 40
 * mean something. */
#ifndef EDGE_HEARTBEAT_H
#define EDGE_HEARTBEAT_H

#include "base/time.h"
#include "packet/addr.h"

#include <stdbool.h>
#include <stddef.h>

#define HEARTBEAT_ETHERTYPE 0x88b5
#define HEARTBEAT_FRAME_SIZE 60u /* octets without FCS */
#define HEARTBEAT_PAYLOAD_SIZE 46u
#define HEARTBEAT_MULTIPLIER 3
#define HEARTBEAT_INTERVAL_MIN (10 * NSEC_PER_USEC)
#define HEARTBEAT_INTERVAL_MAX NSEC_PER_SEC
#define HEARTBEAT_HELLO NSEC_PER_SEC             /* between frames where no peer is known */
#define HEARTBEAT_RETRY (100 * NSEC_PER_MSEC)    /* where one is to be found again */
#define HEARTBEAT_PATIENCE (3 * HEARTBEAT_HELLO) /* with a peer that is not UP */

extern const struct mac heartbeat_address;

enum heartbeat_kind { HEARTBEAT_MESSAGE, HEARTBEAT_REQUEST, HEARTBEAT_REPLY };
#define HEARTBEAT_KIND_OFFSET 54u /* in the frame */
#define HEARTBEAT_IDENTIFIER 0x544c4842u
#define HEARTBEAT_ECHOES 64u /* requests whose time is known; a power of two */

enum heartbeat_state { HEARTBEAT_ENDED, HEARTBEAT_DOWN, HEARTBEAT_INIT, HEARTBEAT_UP };

/* Why a link must not be used. On the wire. */
enum heartbeat_fault {
    HEARTBEAT_NO_FAULT,
    HEARTBEAT_SILENT,    /* nothing is heard */
    HEARTBEAT_NOT_HEARD, /* the peer says that it does not hear us */
    HEARTBEAT_PEER_ENDED,
    HEARTBEAT_PEER_RESTARTED,
    HEARTBEAT_WAITS, /* it carries again, and waits to be used; not a machine's own */
    HEARTBEAT_N_FAULTS
};
/* "silent", "not-heard", "peer-ended", "peer-restarted", "waits"; "" for none. */
const char *heartbeat_fault_name(enum heartbeat_fault);
/* "ended", "down", "init", "up". */
const char *heartbeat_state_name(enum heartbeat_state);

struct heartbeat_message {
    enum heartbeat_state state;
    uint8_t reason, multiplier;
    uint64_t session, peer_session;
    uint32_t sequence, interval_us, accept_us, port, echo_us;
    enum heartbeat_kind kind;
};

/* Reads what is behind the EtherType. ERR_TRUNCATED; ERR_UNSUPPORTED: another protocol or version;
 * ERR_MALFORMED: a state or kind that is not there, a multiplier or session of 0. `diag` may be
 * NULL. */
MUST_CHECK enum err heartbeat_decode(const uint8_t *payload, size_t size,
                                     struct heartbeat_message *, struct diag *);
/* A whole frame of HEARTBEAT_FRAME_SIZE octets. */
void heartbeat_encode(const struct heartbeat_message *, const struct mac *source, uint8_t *frame);

struct heartbeat_config {
    struct mac mac;  /* of the port */
    uint32_t port;   /* its number, told to the peer */
    uint32_t node;   /* random, the same for all ports of a node, new with each start */
    uint8_t index;   /* of the port in the node */
    nsec_t interval; /* at which to send and to receive */
    nsec_t slow;     /* the same, of messages where echoes are used */
    bool reflects;   /* requests that come in are sent back, by somebody else */
    uint8_t multiplier;
};

struct heartbeat_counters {
    uint64_t sent, received;
    uint64_t missed;  /* numbers that were left out between two that came */
    uint64_t ignored; /* not a heartbeat, of another session, or old */
    uint64_t echoes;  /* our own, come back from a loop */
    uint64_t replies; /* echo requests that were answered */
    uint64_t losses;  /* times the link became unusable */
};

/* Of one port. In the caller's storage; members are for reading. */
struct heartbeat {
    struct heartbeat_config config;
    enum heartbeat_state state;
    enum heartbeat_fault fault; /* why the port must not be used, now */
    uint64_t session;
    uint32_t sequence;
    struct heartbeat_message peer; /* the last that was believed; session 0: none */
    uint32_t left_node;            /* of the peer before this one: not believed again */
    nsec_t sent_at, send_at;
    nsec_t silent_at; /* nothing by then is silence */
    nsec_t tired_at;  /* a peer that is heard and does not hear us by then is a fault */
    struct {
        uint32_t sequence; /* of the last request */
        uint32_t answered; /* the newest that was */
        bool proved;       /* one was, in this session */
        nsec_t send_at;    /* the next */
        nsec_t sent[HEARTBEAT_ECHOES];
    } echo;
    uint8_t urgent; /* frames still to be sent fast, whatever the state */
    struct heartbeat_counters counters;
};

void heartbeat_init(struct heartbeat *, const struct heartbeat_config *, nsec_t now);
/* A frame's octets behind the EtherType, just received. */
void heartbeat_input(struct heartbeat *, const uint8_t *payload, size_t size, nsec_t now);
/* Judges silence. Call it when heartbeat_deadline() has come and what waits has been read. */
void heartbeat_check(struct heartbeat *, nsec_t now);
/* The caller did not look for so long: that is not the peer's silence. */
void heartbeat_excuse(struct heartbeat *, nsec_t lateness);
/* The next frame to send, if it is time; false: it is not. Call it until it says so. */
bool heartbeat_output(struct heartbeat *, nsec_t now, uint8_t frame[HEARTBEAT_FRAME_SIZE]);
/* When heartbeat_check() would find the link silent. */
nsec_t heartbeat_silent_at(const struct heartbeat *);
/* When heartbeat_check() or heartbeat_output() has something to do. */
nsec_t heartbeat_deadline(const struct heartbeat *);
/* The port is going to be out of use: the next frame says so, and nothing is believed any more. */
void heartbeat_end(struct heartbeat *, nsec_t now);
/* There need not be a peer any more: no fault until one is heard again. */
void heartbeat_forget(struct heartbeat *, nsec_t now);
/* How long a silence of the link is recognised after, as negotiated; 0: no session. */
nsec_t heartbeat_detection(const struct heartbeat *);
/* Are echoes used? */
bool heartbeat_echoes(const struct heartbeat *);

#endif
