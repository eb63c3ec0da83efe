/* stamp_peer.h - what a Session-Sender has learned from one reflector: samples, counts, and the
 * comparison of both sides' sequence numbers. For stamp_sender.c alone. */
#ifndef PROTO_STAMP_STAMP_PEER_H
#define PROTO_STAMP_STAMP_PEER_H

#include "proto/stamp/stamp_sender.h"

/* One answered packet. Times are on one scale (UTC), as far as the clocks agree. */
struct stamp_sample {
    uint32_t sequence, reflected; /* the sender's number, and the reflector's */
    uint32_t reflected_again; /* and that of the last duplicate; `reflected` when there is none */
    nsec_t t1, t2, t3, t4;
};

/* Both sides' numbers compared. Everything is counted from a base, which is the pair of numbers
 * before the first ones that count. It is known after a new window or a restart; at first it has to
 * be concluded from the lowest numbers that came back. Numbers wrap. */
struct stamp_progress {
    bool started, base_is_known;
    uint32_t base_sequence, base_reflected;
    uint32_t min_sequence, min_reflected;
    uint32_t max_sequence, max_reflected;
    nsec_t max_reflected_t2;
    uint32_t seen; /* different reflections that came back */
    /* Of stretches before the reflector lost its state. */
    uint32_t past_sent, past_reflected, past_seen, restarts;
};

struct stamp_peer {
    struct stamp_endpoint endpoint;
    struct stamp_sample *samples; /* a ring once it is full */
    size_t n_samples, capacity, next;

    bool any;                  /* a reply has been taken in this window */
    uint32_t highest_sequence; /* of those replies */
    uint32_t received, lost, duplicated, reordered, late;
    uint32_t forward_duplicated, backward_reordered;
    struct stamp_progress progress;

    bool all_synchronized;
    nsec_t error;
    uint8_t sender_ttl;
    uint32_t tlvs;
    struct stamp_location location;
    struct stamp_timestamp_information timestamps;
    struct stamp_class_of_service class_of_service;
    struct stamp_direct_measurement direct_measurement;
    uint32_t follow_ups[STAMP_METHOD_CONTROL_PLANE + 1];
};

void stamp_peer_fini(struct stamp_peer *);

/* Takes a reply to a packet that had none from this peer yet. */
void stamp_peer_take(struct stamp_peer *, const struct stamp_sample *, size_t max_samples);
/* Takes another reply to a packet it had answered: a duplicate made on the way there, if the
 * reflector gave it a number of its own, else on the way back. */
void stamp_peer_take_duplicate(struct stamp_peer *, const struct stamp_sample *);

/* Corrections of times that became known late; nothing happens if the sample is not among the
 * recent ones. */
void stamp_peer_correct_t1(struct stamp_peer *, uint32_t sequence, nsec_t t1);
void stamp_peer_correct_t3(struct stamp_peer *, uint32_t reflected, nsec_t t3);

/* Fills in everything but `outstanding`. */
void stamp_peer_result(const struct stamp_peer *, bool stateful,
                       const struct stamp_error_estimate *, struct stamp_result *);

void stamp_peer_new_window(struct stamp_peer *);

#endif
