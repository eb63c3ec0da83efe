/* transcript.h - what a sensor tells, written down by one thread and told again by another.
 *
 * The scribe is given to a sensor as the one who is told (scribe_hear()). The teller tells the
 * same to the one who wanted to know it, in the same order. What is told lives as long as the
 * transcript: what points into octets of the frame stays so, and all else is copied.
 *
 * Several may tell the same transcript, at the same time or not: each tells the same thing at the
 * same moment. Conversations are not written down. A teller has its own of each slot, and keeps it
 * as it was at every moment; no other thread writes it. What it has not is the sensor's alone:
 * streams (but for where they are when a packet is told, before it is looked into and after), what
 * is unfinished, the protocol's state, and how much could not be understood. Pure; the threads are
 * crew.h's. */
#ifndef SENSOR_TRANSCRIPT_H
#define SENSOR_TRANSCRIPT_H

#include "sensor/sensor.h"
#include "sensor/stock.h"

/* All zero: empty. */
struct transcript {
    struct stock entries;
    struct stock octets; /* that they point to */
};

void transcript_fini(struct transcript *);
void transcript_reset(struct transcript *);
size_t transcript_octets(const struct transcript *); /* that are written */

struct scribe {
    struct transcript *to;
    const struct frame *frame;   /* that is being read; NULL: none */
    const struct layers *layers; /* of it, where they stay; NULL: not yet */
    const uint8_t *payload;      /* ... of those, and how many octets */
    uint32_t size;
    const struct conversation *c; /* whose packet it is; NULL: of none */
};

/* Whatever the one who wants to know asks for, and what the teller needs. */
void scribe_hear(struct scribe *, const struct sensor_config *wanted, struct sensor_config *);
/* From here to scribe_end() is what one frame brought, whose octets stay, or NULL: what came
 * without one. `layers` stay, or are NULL: those that the sensor tells are copied. */
void scribe_begin(struct scribe *, struct transcript *, const struct frame *,
                  const struct layers *);
void scribe_end(struct scribe *);

/* A copy that stays as long as the stock; also of the octets, if they are none of the frame's. */
const struct layers *layers_keep(struct stock *, const struct frame *, const struct layers *);

struct teller {
    const struct sensor_config *wanted;
    struct conversation *all; /* by slot */
    uint64_t serial;          /* of the last that began */
    uint64_t moment;          /* how many things it has told, with the one that it is telling */
};

void teller_init(struct teller *, const struct sensor_config *wanted);
void teller_fini(struct teller *);
/* What stands at the place, between a scribe_begin() and its scribe_end(), of this frame. */
void teller_tell(struct teller *, const struct transcript *, struct stock_place *,
                 const struct frame *);

#endif
